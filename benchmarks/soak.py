"""A million random small games, every answer checked again by definition in extended precision.

Run ``python -m benchmarks.soak --games 1000000 --seed 0``; it can be interrupted, and goes on where
it was. Batches of one shape go through `rqe.solve_many`; of each batch some games go through
`rqe.solve_rqe`, `rqe.solve_qre` and `rqe.solve_nash` as well. A game that is not solved is counted
with the status it came with: to say so is right, to claim what `benchmarks.recheck` refutes is not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import rqe
from benchmarks.machine import facts
from benchmarks.recheck import CLAIMS, refuted
from benchmarks.record import read, write
from rqe.result.files import whole_file

RESULT = Path(__file__).parent / "results" / "soak.json"
SIZE = 2000
"""Games of a batch."""
SAMPLED = 9
"""The batch whose own counts are kept, for a test to repeat: of 2 players, 3 x 1 actions."""
ALONE = 20
"""Games of a batch that go through each of the solvers of one game."""
STEPS = 300
"""Bound on the steps of each stage: who needs more is counted as not solved."""
TOL = 1e-10
TAUS = (0.0, 1e-8, 1e-4, 1e-2, 0.1, 1.0, 10.0, 100.0, 1e3, 1e6)
LAWS = ("uniform", "normal", "integers", "zero-one", "one zero action", "constant-sum")
SCALES = (1e-8, 1.0, 1e8)
STIFF = (1e3, 1e6, np.inf)
"""Upper ends of the classes of ``range/epsilon × (1 + tau × range)``."""


@dataclass(frozen=True)
class Drawn:
    """Games of one shape with attitudes in payoff units."""

    law: str
    payoffs: np.ndarray
    tau: np.ndarray
    epsilon: np.ndarray

    @property
    def stiffness(self) -> np.ndarray:
        """Of the stiffest player, (B,)."""
        span = np.ptp(self.payoffs.reshape(*self.payoffs.shape[:2], -1), axis=2)
        steep = np.where(np.isfinite(self.tau), self.tau, 0.0) * span
        return np.max(span / self.epsilon * (1.0 + steep), axis=1)


def draw(seed: int, number: int, size: int = SIZE) -> Drawn:
    """One batch: 2 to 4 players, 1 to 4 actions each, one law, one scale a game."""
    rng = np.random.default_rng([seed, number])
    n = int(rng.integers(2, 5))
    shape = (size, n, *(int(k) for k in rng.integers(1, 5, size=n)))
    law = str(rng.choice(LAWS))
    if law == "uniform":
        payoffs = rng.random(shape)
    elif law == "integers":
        payoffs = rng.integers(-2, 3, size=shape).astype(float)
    elif law == "zero-one":
        payoffs = rng.integers(0, 2, size=shape).astype(float)
    else:
        payoffs = rng.normal(size=shape)
    if law == "one zero action":
        payoffs[..., 0] = 0.0
    elif law == "constant-sum":
        payoffs[:, -1] = -payoffs[:, :-1].sum(axis=1)
    scale = rng.choice(SCALES, p=[0.15, 0.7, 0.15], size=size)
    payoffs = payoffs * scale.reshape(-1, *[1] * (n + 1))
    span = np.ptp(payoffs.reshape(size, n, -1), axis=2)
    span = np.where(span > 0.0, span, scale[:, None])
    tau = rng.choice(TAUS, size=(size, n))
    epsilon = 10.0 ** rng.uniform(-3.0, 4.0, size=(size, n))
    alike = rng.random(size) < 0.5
    tau[alike], epsilon[alike] = tau[alike, :1], epsilon[alike, :1]
    tau[:, rng.random(n) < 0.1] = np.inf
    return Drawn(law, payoffs, tau / span, epsilon * span)


def label(drawn: Drawn, b: int) -> str:
    """The class that a game is counted in."""
    if np.isinf(drawn.tau[b]).any():
        return "a player with tau = inf"
    bound = next(s for s in STIFF if drawn.stiffness[b] < s)
    return "stiffness " + (f"below {bound:.0e}" if np.isfinite(bound) else "1e+06 and above")


def judge(seed: int, number: int, size: int = SIZE) -> dict[str, Any]:
    """Solve one batch and check every answer: counts by solver, class and ending; failures."""
    drawn = draw(seed, number, size)
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    batch = rqe.solve_many(drawn.payoffs, drawn.tau, drawn.epsilon, tol=TOL, max_steps=STEPS)
    claimed = batch.converged
    wrong = refuted(drawn.payoffs, batch, drawn.tau, drawn.epsilon, TOL)
    for b, status in enumerate(batch.status):
        counts[f"solve_many|{label(drawn, b)}|{status.name}"] += 1
    for claim, flags in zip(CLAIMS, wrong, strict=True):
        for b in np.flatnonzero(flags & claimed):
            failures.append({"solver": "solve_many", "game": int(b), "claim": claim})
    for b in range(min(ALONE, size)):
        for solver, (answer, tau, epsilon) in _alone(drawn, b).items():
            kind = label(drawn, b) if solver == "solve_rqe" else "all"
            counts[f"{solver}|{kind}|{answer.status.name}"] += 1
            if answer.status is rqe.Status.CONVERGED:
                failures += [
                    {"solver": solver, "game": b, "claim": c}
                    for c in claims_refuted(drawn.payoffs[b], answer, tau, epsilon)
                ]
    return {"counts": counts, "failures": [{"batch": number, **f} for f in failures]}


def _alone(drawn: Drawn, b: int) -> dict[str, tuple[Any, np.ndarray, np.ndarray]]:
    """One game through the solvers of one game, with the attitudes that each answers for."""
    game, n = rqe.NormalFormGame(drawn.payoffs[b]), drawn.payoffs.shape[1]
    tau, epsilon, nothing = drawn.tau[b], drawn.epsilon[b], np.zeros(n)
    steps: dict[str, Any] = {"throw": False, "max_steps": STEPS}
    found = {
        "solve_rqe": (rqe.solve_rqe(game, tau, epsilon, **steps), tau, epsilon),
        "solve_qre": (rqe.solve_qre(game, epsilon, **steps), nothing, epsilon),
        "solve_security": (rqe.solve_security(game, throw=False), np.full(n, np.inf), nothing),
    }
    for k, eq in enumerate(rqe.solve_nash(game, throw=False)):
        found[f"solve_nash{'' if k == 0 else ', further'}"] = (eq, nothing, nothing)
    return found


def claims_refuted(
    payoffs: np.ndarray, answer: Any, tau: np.ndarray, epsilon: np.ndarray, tol: float = TOL
) -> list[str]:
    """The claims of one `rqe.Equilibrium` that the definitions refute."""
    one = SimpleNamespace(
        **{
            k: tuple(np.asarray(a)[None] for a in getattr(answer, k))
            for k in ("strategies", "log_strategies", "beliefs")
        },
        **{k: np.asarray(getattr(answer, k))[None] for k in ("regret", "payoffs", "values")},
        residual=np.array([answer.residual]),
    )
    flags = refuted(np.asarray(payoffs)[None], one, tau[None], epsilon[None], tol)
    return [claim for claim, flag in zip(CLAIMS, flags, strict=True) if flag[0]]


def soak(
    games: int, seed: int, state: Path, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """All batches, going on where the state file says; it is removed by who saves the result."""
    done: dict[str, Any] = {"seed": seed, "batches": 0, "counts": {}, "failures": [],
                            "sample": {}, "seconds": 0}  # fmt: skip
    if state.exists():
        found = json.loads(state.read_text(encoding="utf-8"))
        done = found if found["seed"] == seed else done
    total, kept = -(-games // SIZE), time.perf_counter()
    counts = Counter(done["counts"])
    for number in range(done["batches"], total):
        began = time.process_time()
        found = judge(seed, number)
        counts.update(found["counts"])
        done["failures"] += found["failures"]
        if number == SAMPLED:
            done["sample"][str(number)] = dict(found["counts"])
        done |= {"batches": number + 1, "counts": dict(counts)}
        done["seconds"] += time.process_time() - began
        if time.perf_counter() - kept > 20.0 or number + 1 == total:
            kept = time.perf_counter()
            with whole_file(state) as file:
                file.write(json.dumps(done).encode())
        if progress is not None:
            progress(number + 1, total)
    return done


def table(content: dict[str, Any]) -> rqe.Table:
    """Games by solver, class and ending."""
    rows = sorted((*key.split("|"), count) for key, count in content["counts"].items())
    return rqe.Table(("solver", "class", "ending", "answers"), tuple(rows))


def saved(path: Path = RESULT) -> dict[str, Any]:
    """The content of a saved run."""
    content: dict[str, Any] = read(path)
    return content


def main(arguments: list[str] | None = None) -> int:
    """Run all batches and save what they came to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args(arguments)

    def bar(done: int, total: int) -> None:
        if sys.stderr.isatty() or done % 100 == 0:
            print(f"\r{done} of {total} batches", end="", file=sys.stderr, flush=True)

    state = chosen.out.with_suffix(".state")
    done = soak(chosen.games, chosen.seed, state, bar)
    command = f"python -m benchmarks.soak --games {chosen.games} --seed {chosen.seed}"
    content = done | {"machine": facts(command), "seconds": round(done["seconds"])}
    write(chosen.out, command, content)
    state.unlink(missing_ok=True)
    print(f"\n{table(content)}\n{len(done['failures'])} claims refuted, {content['seconds']} s")
    return 1 if done["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
