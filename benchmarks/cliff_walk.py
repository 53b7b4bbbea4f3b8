"""How play of the cliff walk changes as its agents fear each other, themselves, and their slips.

Run ``python -m benchmarks.cliff_walk`` (eight minutes); ``--show`` prints what was saved.
Both of RQE24's settings with their horizons, and with a discount of 0.95 in place of a horizon,
are solved exactly for agents of several degrees; where play goes is then propagated forward from
the first state, so nothing is sampled.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import games
import rqe
from benchmarks.record import digits, read, write
from rqe.analysis.occupancy import expected_totals

RESULT = Path("docs/results/cliff_walk.json")
PAYOFFS = {
    "first": {"cliff": -2.0, "goal": 1.0, "step": 0.0},
    "second": {"cliff": -100.0, "goal": 20.0, "step": -0.1},
}
HORIZONS = {"first": 200, "second": 100}
DISCOUNT = 0.95
# stakes of the second setting are some twenty times the first's: epsilon grows, tau shrinks
TAUS = {"first": (0.0, 1.0, 10.0, 100.0), "second": (0.0, 0.1, 1.0, 10.0)}
EPSILONS = {"first": (0.01, 0.1, 1.0), "second": (0.01, 0.1, 1.0, 10.0)}
FEARS = {
    "first": ("Entropic 1", "Entropic 3", "Entropic 10", "CVaR 0.8", "CVaR 0.5", "CVaR 0.2"),
    "second": ("Entropic 0.03", "Entropic 0.1", "Entropic 1", "CVaR 0.8", "CVaR 0.5", "CVaR 0.2"),
}
"""Attitudes to slips, solved at ``tau = 0`` and ``epsilon = 0.1``."""
MEASURES = ("arrives", "falls", "steps", "side by side", "to the cliff", "to the other")

Row = dict[str, Any]
Case = tuple[str, str, tuple[float, float], float, tuple[str, str]]


def cases() -> Iterator[Case]:
    """Setting, ``"horizon"`` or ``"discount"``, and agents' tau, epsilon and fear of slips."""
    calm = ("Neutral", "Neutral")
    for ending in ("horizon", "discount"):
        for setting in PAYOFFS:
            for epsilon in EPSILONS[setting]:
                for tau in TAUS[setting]:
                    yield setting, ending, (tau, tau), epsilon, calm
    for setting in PAYOFFS:
        for fear in FEARS[setting]:
            yield setting, "horizon", (0.0, 0.0), 0.1, (fear, fear)
    yield "second", "horizon", (10.0, 0.0), 1.0, calm
    yield "second", "horizon", (0.0, 0.0), 0.1, ("CVaR 0.5", "Neutral")


def measure_of(words: str) -> Any:
    """A risk measure from its name and degree."""
    name, *degree = words.split()
    return getattr(rqe, name)(*map(float, degree))


def solve(case: Case) -> rqe.MarkovEquilibrium:
    """The equilibrium of one case, or the last iterate with the status that says so."""
    setting, ending, taus, epsilon, fears = case
    agents = [
        rqe.Agent(rqe.Entropic(t), rqe.NegEntropy(epsilon), environment=measure_of(f))
        for t, f in zip(taus, fears, strict=True)
    ]
    return rqe.solve(game_of(setting, ending), agents, throw=False)


def game_of(setting: str, ending: str) -> rqe.MarkovGame:
    """The cliff walk in one of the settings."""
    if ending == "horizon":
        return games.cliff_walk(**PAYOFFS[setting], horizon=HORIZONS[setting])
    return games.cliff_walk(**PAYOFFS[setting], discount=DISCOUNT)


def play(game: rqe.MarkovGame, policies: Any, steps: int) -> dict[str, list[float]]:
    """What either agent is expected to do in so many steps.

    ``arrives`` is a probability; ``falls``, ``steps`` (on the way, so that it is the time to the
    goal, cut off at the end) and those ``side by side`` with the other are expected numbers; the
    distances are means over these steps: moves to the nearest cell of the cliff, and cells to the
    other agent (across corners too) while both walk.
    """
    board = games.cliff_walk_board()
    walks = (board.cells != board.goals).any(axis=2).astype(float)
    edge = np.abs(board.cells[:, :, None] - board.cliff).sum(axis=3).min(axis=2)
    apart = np.abs(board.cells[:, 0] - board.cells[:, 1]).max(axis=1)
    both = walks.prod(axis=1)
    states = {
        "steps": walks,
        "side by side": np.stack([board.near] * 2, axis=1),
        "edge": walks * edge,
        "both": np.stack([both] * 2, axis=1),
        "apart": np.stack([both * apart] * 2, axis=1),
    }
    amounts = {"arrives": board.events["arrivals"], "falls": board.events["falls"]}
    for name, table in states.items():
        amounts[name] = np.broadcast_to(table[:, :, None, None], game.rewards.shape)
    totals = expected_totals(game, policies, amounts, steps=steps)
    totals["to the cliff"] = totals["edge"] / totals["steps"]
    totals["to the other"] = totals["apart"] / totals["both"]
    return {name: [digits(value) for value in totals[name]] for name in MEASURES}


def row(case: Case) -> Row:
    """One case solved and measured; without measures where it was not solved.

    ``payoff`` is the expected sum of rewards from the first state, ``alone`` what it would be if
    the other had arrived already.
    """
    setting, ending, taus, epsilon, fears = case
    began = time.perf_counter()
    eq = solve(case)
    seconds = time.perf_counter() - began
    out: Row = {
        "setting": setting,
        "ending": ending,
        "tau": list(taus),
        "epsilon": epsilon,
        "slips": list(fears),
        "status": eq.status.name,
        "residual": digits(eq.residual, 2),
        "regret": digits(eq.max_regret, 2),
        "seconds": round(seconds, 1),
    }
    game, start = game_of(setting, ending), games.cliff_walk_board().start
    solved = eq.status is rqe.Status.CONVERGED
    first = eq.payoffs[0] if ending == "horizon" else eq.payoffs
    for name, state in (("payoff", [start] * 2), ("alone", lone_starts())):
        out[name] = [digits(v) for v in first[[0, 1], state]] if solved else None
    found = play(game, eq, HORIZONS[setting]) if solved else dict.fromkeys(MEASURES)
    return out | found


def lone_starts() -> list[int]:
    """The states in which an agent is at its start and the other has arrived, agent 1's first."""
    cells, goals = games.cliff_walk_board().cells, games.cliff_walk_board().goals
    homes = [np.array([goals[1 - i], goals[1 - i]]) for i in range(2)]
    return [int(np.flatnonzero((cells == home).all(axis=(1, 2)))[0]) for home in homes]


def table(rows: list[Row], setting: str, ending: str, *, fears: bool) -> rqe.Table:
    """Rows of one setting; agents who are alike and play alike share one."""
    columns = ["agent", "tau", "epsilon", *(["slips"] if fears else []), "status", "residual"]
    columns += ["regret", "payoff", "alone", *MEASURES, "seconds"]
    out = []
    for r in rows:
        feared = r["slips"] != ["Neutral"] * 2 or r["tau"][0] != r["tau"][1]
        if (r["setting"], r["ending"], feared) != (setting, ending, fears):
            continue
        one = alike(r)
        for i in range(1 if one else 2):
            cells = {"agent": "both" if one else str(i + 1)}
            for name, value in r.items():
                cells[name] = value[i] if isinstance(value, list) else value
            values = [cells[name] for name in columns]
            out.append(tuple(_short(v) for v in values))
    return rqe.Table(tuple(columns), tuple(out), title=f"{setting} setting, {ending}")


def alike(r: Row) -> bool:
    """Whether the agents have the same attitudes, and the same figures up to 1 in 1,000."""
    same = r["tau"][0] == r["tau"][1] and r["slips"][0] == r["slips"][1]
    pairs = [r[name] for name in ("payoff", *MEASURES)] if r["payoff"] else []
    return same and all(abs(a - b) <= 1e-3 * abs(b) for a, b in pairs)


def _short(value: Any) -> Any:
    if value is None:
        return "-"
    return float(f"{value:.4g}") if isinstance(value, float) else value


def tables(rows: list[Row]) -> list[rqe.Table]:
    """All that the docs show."""
    kinds = [(s, "horizon", f) for f in (False, True) for s in PAYOFFS]
    kinds += [(s, "discount", False) for s in PAYOFFS]
    return [table(rows, s, e, fears=f) for s, e, f in kinds]


def main(arguments: list[str] | None = None) -> int:
    """Solve all cases and save them, or show what is saved."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--show", action="store_true", help="print the saved tables only")
    chosen = parser.parse_args(arguments)
    if not chosen.show:
        rows = []
        for case in cases():
            rows.append(row(case))
            print(*list(rows[-1].values())[:9], file=sys.stderr, flush=True)
        write(chosen.out, "python -m benchmarks.cliff_walk", rows)
    for found in tables(read(chosen.out)):
        print(found, end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
