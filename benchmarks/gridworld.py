"""Who does the work in the Overcooked gridworld at equilibrium, and does anybody ride free?

Run ``python -m benchmarks.gridworld``. It solves the exact game at
``epsilon = 0.1`` as SRA sets it, from several starts of the iteration; computes what a planner and
a lone worker would make; lets one cook answer an idle and a lone-working partner; and looks for an
equilibrium in which one cook rides free, at several ``epsilon`` and from random starts. Finished
rows are kept as it goes: run again, it goes on.

Play is measured over 128 steps, put back to its start every 50, as SRA evaluates.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import games
import rqe
from benchmarks.record import read, write
from rqe.analysis.occupancy import expected_totals
from rqe.result.files import whole_file

RESULT = Path("docs/results/gridworld.json")
STEPS, RESET = 128, 50
EPSILON = 0.1
STAY = 4
STARTS = ("rewards alone", "uniform", "first idles", "second idles", "both idle")
SEARCHED = (0.01, 0.03, 0.1, 0.3, 1.0)
SEEDS = 3

Row = dict[str, Any]


def gridworld(discount: float | None) -> rqe.MarkovGame:
    """The game with a discount, or with SRA's training horizon of 50 steps."""
    if discount is None:
        return games.overcooked_gridworld(horizon=RESET)
    return games.overcooked_gridworld(discount=discount)


def idle(game: rqe.MarkovGame, slip: float = 0.004) -> np.ndarray:
    """A cook that stays where it is, but for slips."""
    policy = np.full((game.n_states, 5), slip / 4)
    policy[:, STAY] = 1.0 - slip
    return policy


def measured(game: rqe.MarkovGame, policies: Sequence[Any], start: int | None = None) -> Row:
    """Deliveries, movement costs and returns of play, from one start state or from both."""
    kitchen = games.overcooked_kitchen()
    first = game.initial
    if start is not None:
        first = np.zeros(game.n_states)
        first[kitchen.starts[start]] = 1.0
    amounts = {**kitchen.events, "returns": game.rewards}
    options = {"steps": STEPS, "initial": first}
    found = expected_totals(game, policies, amounts, restart=RESET, **options)
    row = {
        "deliveries": _digits(found["deliveries"]),
        "share of first": _digits(found["deliveries"][0] / found["deliveries"].sum()),
        "movement costs": _digits(0.2 * found["moves"]),
        "collision costs": _digits(2.0 * found["collisions"]),
        "sum of returns": _digits(found["returns"].sum()),
    }
    if np.ndim(policies[0]) == 2:
        free = expected_totals(game, policies, {"returns": game.rewards}, **options)
        row["sum without resets"] = _digits(free["returns"].sum())
    return row


def start_policies(game: rqe.MarkovGame, name: str) -> list[np.ndarray] | None:
    """Where value iteration starts from."""
    if name == "rewards alone":
        return None
    if name == "uniform":
        return [np.full((game.n_states, 5), 0.2)] * 2
    still = idle(game)
    if name == "both idle":
        return [still, still]
    if name.startswith("seed"):
        return random_policies(game, int(name.removeprefix("seed ")))
    lazy = 0 if name == "first idles" else 1
    pair = [still, still]
    pair[1 - lazy] = best_reply(game, 1 - lazy, still, EPSILON)
    return pair


def random_policies(game: rqe.MarkovGame, seed: int) -> list[np.ndarray]:
    """One cook plays at random, nearly pure in every state; the other is nearly idle, or so too."""
    rng = np.random.default_rng(seed)
    pair = [rng.dirichlet(np.full(5, 0.1), size=game.n_states) for _ in range(2)]
    if seed % 3:
        pair[seed % 3 - 1] = 0.1 * pair[seed % 3 - 1] + 0.9 * idle(game)
    return [0.99 * x + 0.01 / 5 for x in pair]


def best_reply(
    game: rqe.MarkovGame, player: int, partner: np.ndarray, epsilon: float
) -> np.ndarray:
    """A risk-neutral cook's quantal best reply to a partner's policy, by soft value iteration."""
    rewards, discount = game.rewards[:, player], game.discount or 0.0
    view = "sab,sb->sa" if player == 0 else "sab,sa->sb"
    values, change = np.zeros(game.n_states), np.inf
    while change > 1e-9:
        worth = np.einsum(view, rewards + discount * game.expected(values), partner)
        top = worth.max(axis=1, keepdims=True)
        weights = np.exp((worth - top) / epsilon)
        total = weights.sum(axis=1, keepdims=True)
        new = (top + epsilon * np.log(total))[:, 0]
        change, values = float(np.abs(new - values).max()), new
    return np.asarray(weights / total)


def equilibrium(discount: float | None, tau: float, epsilon: float, start: str) -> Row:
    """How the solver ends, and what equilibrium play is from each start state and from both."""
    game = gridworld(discount)
    begin = {} if discount is None else {"start": start_policies(game, start)}
    return described(game, rqe.solve_rqe(game, tau, epsilon, throw=False, **begin))


def described(game: rqe.MarkovGame, eq: rqe.MarkovEquilibrium) -> Row:
    """The evidence of a result, and where it converged its play."""
    row: Row = {
        "status": eq.status.name,
        "Bellman residual": float(f"{eq.residual:.1e}"),
        "regret": float(f"{eq.max_regret:.1e}"),
        "rounds": eq.iterations,
        "method": eq.method,
    }
    if eq.status is rqe.Status.CONVERGED:
        row["both"] = measured(game, eq)
        row["starts"] = [measured(game, eq, k) for k in range(2)]
    return row


def raised(discount: float, low: float, high: float, step: float) -> Row:
    """How far Newton's method leads up in ``tau``, each equilibrium from the one before."""
    game = gridworld(discount)
    eq = rqe.solve_rqe(game, low, EPSILON)
    furthest = low
    for tau in np.arange(low + step, high + 0.5 * step, step):
        options = {"start": eq, "method": "newton", "max_steps": 40, "throw": False}
        above = rqe.solve_rqe(game, float(tau), EPSILON, **options)
        if above.status is not rqe.Status.CONVERGED:
            break
        eq, furthest = above, float(tau)
    row = described(game, above)
    row["furthest tau"], row["there"] = furthest, measured(game, eq)
    return row


def answer(discount: float, epsilon: float) -> Row:
    """A worker's best reply to an idle partner, the partner's to that worker, and so on."""
    game = gridworld(discount)
    pair = [idle(game), idle(game)]
    rows = []
    for turn in range(4):
        pair[turn % 2] = best_reply(game, turn % 2, pair[1 - turn % 2], epsilon)
        rows.append(measured(game, pair))
    return {"turns": rows}


def planned(lone: bool, length: int) -> np.ndarray:
    """Most that a planner of both cooks, or of one beside an idle cook, makes from each state."""
    game = gridworld(None)
    total = game.rewards.sum(axis=1).reshape(game.n_states, 25)
    onward = game.transitions
    if lone:
        kept = np.arange(game.n_states * 25).reshape(-1, 5, 5)[:, :, STAY].ravel()
        total, onward = total.reshape(-1)[kept].reshape(-1, 5), onward[kept]
    values = np.zeros(game.n_states)
    for _ in range(length):
        values = (total + (onward @ values).reshape(total.shape)).max(axis=1)
    return values


def optimum(restart: bool, lone: bool) -> Row:
    """The planner's sum of returns over all steps."""
    lengths = [RESET, RESET, STEPS - 2 * RESET] if restart else [STEPS]
    starts = games.overcooked_kitchen().starts
    value = sum(float(planned(lone, length)[starts].mean()) for length in lengths)
    return {"sum of returns": _digits(value)}


def cells() -> dict[str, tuple[Callable[..., Row], tuple[Any, ...]]]:
    """Every row of the study by name: its function and arguments."""
    out: dict[str, tuple[Callable[..., Row], tuple[Any, ...]]] = {}
    for lone in (False, True):
        for restart in (True, False):
            who, how = ("lone worker" if lone else "planner"), ("reset" if restart else "no reset")
            out[f"{who}, {how}"] = (optimum, (restart, lone))
    for discount in (0.9, 0.99):
        for epsilon in (0.01, EPSILON, 1.0):
            out[f"answers, discount {discount}, epsilon {epsilon}"] = (
                answer, (discount, epsilon)
            )  # fmt: skip
    for tau in (0.0, 0.1, 1.0, 10.0):
        out[f"horizon 50, tau {tau:g}"] = (equilibrium, (None, tau, EPSILON, "rewards alone"))
    for discount in (0.9, 0.99):
        for tau in (0.0, 0.1, 1.0):
            for start in STARTS:
                name = f"discount {discount}, tau {tau:g}, {start}"
                out[name] = (equilibrium, (discount, tau, EPSILON, start))
    for epsilon in SEARCHED:
        for start in ("first idles", "second idles", *(f"seed {k}" for k in range(SEEDS))):
            name = f"search, epsilon {epsilon}, {start}"
            out[name] = (equilibrium, (0.9, 0.0, epsilon, start))
    out["discount 0.9, tau 5, rewards alone"] = (equilibrium, (0.9, 5.0, EPSILON, "rewards alone"))
    out["discount 0.9, tau raised from 5 to 10"] = (raised, (0.9, 5.0, 10.0, 0.25))
    return out


def _digits(value: Any) -> Any:
    rounded = np.round(np.asarray(value, dtype=np.float64), 4) + 0.0
    return rounded.tolist()


def saved(path: Path = RESULT) -> dict[str, Row]:
    """The rows of a saved run by name."""
    found = read(path)
    assert isinstance(found, dict)
    return found


def table(rows: dict[str, Row]) -> rqe.Table:
    """One line an equilibrium: how it ended and who does the work."""
    lines = []
    for name, row in rows.items():
        if "status" not in row:
            continue
        play = row.get("both", {})
        lines.append(
            (
                name,
                row["status"],
                row["Bellman residual"],
                row["rounds"],
                play.get("share of first", ""),
                *(play.get("movement costs", ["", ""])),
                play.get("sum of returns", ""),
                play.get("sum without resets", ""),
            )
        )
    columns = ("case", "status", "Bellman residual", "rounds", "first delivers", "first moves",
               "second moves", "sum of returns", "without resets")  # fmt: skip
    return rqe.Table(columns, tuple(lines), title="Overcooked gridworld, 128 steps")


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m benchmarks.gridworld``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gridworld", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args(argv)
    kept = options.out.with_suffix(".part")
    rows: dict[str, Row] = json.loads(kept.read_text()) if kept.exists() else {}
    todo = cells()
    for number, (name, (function, arguments)) in enumerate(todo.items(), start=1):
        if name in rows:
            continue
        began = time.perf_counter()
        rows[name] = function(*arguments)
        took = time.perf_counter() - began
        ending = rows[name].get("status", "")
        print(
            f"{number} of {len(todo)}: {name}: {ending} {took:.1f} s", file=sys.stderr, flush=True
        )
        with whole_file(kept) as file:
            file.write(json.dumps(rows).encode())
    write(options.out, "python -m benchmarks.gridworld", {name: rows[name] for name in todo})
    kept.unlink(missing_ok=True)
    print(table(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
