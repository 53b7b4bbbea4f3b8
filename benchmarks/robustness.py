"""How often the solver answers, refuses or errs on hostile random games.

Run ``python -m benchmarks.robustness --draws 5000 --seed 0 --out docs/robustness.md``. Every answer
is judged by `rqe.certificate`, which knows no solver, and a share of them by a convex program. The
tests replay the first few hundred draws.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import rqe

TAUS = (0.0, 1e-8, 1e-4, 1e-2, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e6, np.inf)
TRACTABLE = 1e6
"""Bound on ``range/epsilon × (1 + tau × range)`` below which refusals are to be rare."""


@dataclass(frozen=True)
class Draw:
    """One random game with attitudes in payoff units."""

    game: rqe.NormalFormGame
    tau: np.ndarray
    epsilon: np.ndarray
    stiffness: float


def draws(count: int, seed: int) -> Iterator[Draw]:
    """Games of 2 to 5 players with ties, zero columns, 1 x n shapes and payoffs × 1e±8."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n = int(rng.integers(2, 6))
        shape = tuple(int(k) for k in rng.integers(1, 6 if n == 2 else 5 if n == 3 else 3, size=n))
        kind = rng.integers(4)
        if kind == 0:
            payoffs = rng.random((n, *shape))
        elif kind == 1:
            payoffs = rng.integers(-2, 3, size=(n, *shape)).astype(float)
        elif kind == 2:
            payoffs = rng.normal(size=(n, *shape))
            payoffs[..., 0] = 0.0
        else:
            payoffs = rng.integers(0, 2, size=(n, *shape)).astype(float)
        payoffs = payoffs * rng.choice([1e-8, 1.0, 1e8], p=[0.15, 0.7, 0.15])
        game = rqe.NormalFormGame(payoffs)
        span = np.where(game.payoff_ranges > 0, game.payoff_ranges, 1.0)
        common = rng.random() < 0.5
        tau = rng.choice(TAUS, size=1 if common else n) * np.ones(n)
        epsilon = 10.0 ** rng.uniform(-3, 4, size=1 if common else n) * np.ones(n)
        finite = np.where(np.isfinite(tau), tau, 0.0)
        stiffness = float(np.max((1.0 + finite) / epsilon))
        yield Draw(game, tau / span, epsilon * span, stiffness)


@dataclass(frozen=True)
class Verdict:
    """What became of one draw."""

    stage: str
    tractable: bool
    converged: bool
    wrong: bool
    seconds: float


def judge(draw: Draw, select: str, *, by_convex_program: bool = False) -> Verdict:
    """Solve one draw, and check what was claimed."""
    began = time.perf_counter()
    try:
        eq = rqe.solve_rqe(draw.game, draw.tau, draw.epsilon, select=select)
    except rqe.ConvergenceError as error:
        seconds = time.perf_counter() - began
        return Verdict(
            f"refused: {error.status.name}", draw.stiffness < TRACTABLE, False, False, seconds
        )
    seconds = time.perf_counter() - began
    span = np.where(draw.game.payoff_ranges > 0, draw.game.payoff_ranges, 1.0)
    wrong = bool(np.any(eq.regret > 1e-9 * span)) or any(
        abs(float(x.sum()) - 1.0) > 1e-12 for x in eq.strategies
    )
    if by_convex_program:
        wrong |= "refuted" in rqe.certify(draw.game, eq).verdict
    return Verdict(eq.method, draw.stiffness < TRACTABLE, True, wrong, seconds)


def summary(verdicts: list[Verdict]) -> rqe.Table:
    """Shares by stage, inside and outside the tractable range."""
    rows = []
    for tractable in (True, False):
        chosen = [v for v in verdicts if v.tractable is tractable]
        for stage, number in Counter(v.stage for v in chosen).most_common():
            of_stage = [v for v in chosen if v.stage == stage]
            rows.append(
                (
                    "below 1e6" if tractable else "1e6 and above",
                    stage,
                    number,
                    round(100.0 * number / len(chosen), 3),
                    sum(v.wrong for v in of_stage),
                    round(1e3 * float(np.median([v.seconds for v in of_stage])), 2),
                    round(1e3 * max(v.seconds for v in of_stage), 1),
                )
            )
    columns = ("stiffness", "stage", "games", "share %", "wrong", "median ms", "max ms")
    return rqe.Table(columns, tuple(rows))


def main(argv: list[str] | None = None) -> int:
    """Run both selections and write or print their tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.add_argument("--draws", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(argv)
    parts = [
        "# Robustness",
        "",
        "Random games of 2 to 5 players with ties, zero columns, one-action players and payoffs "
        "× 1e±8; `tau × range` from 0, 1e-8 … 1e6 and inf, `epsilon / range` from 1e-3 to 1e4. "
        "Stiffness is `range/epsilon × (1 + tau × range)`, of the stiffest player. *Wrong* counts "
        "answers that their certificate refutes.",
        "",
        f"Command: `python -m benchmarks.robustness --draws {options.draws} --seed {options.seed} "
        f"--out docs/robustness.md` (rqe {rqe.__version__}, NumPy {np.__version__}).",
    ]
    for select in ("principal", "any"):
        verdicts = []
        for k, draw in enumerate(draws(options.draws, options.seed)):
            verdicts.append(judge(draw, select, by_convex_program=k % 50 == 0))
            if sys.stderr.isatty() and k % 50 == 0:
                print(f"\r{select}: {k}/{options.draws}", end="", file=sys.stderr)
        parts += ["", f'`select="{select}"`:', "", "```", str(summary(verdicts)), "```"]
    text = "\n".join(parts) + "\n"
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
