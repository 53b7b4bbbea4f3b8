"""Branches: every one of Example 4.2, and the logit branch to its limit against pygambit."""

from __future__ import annotations

from typing import Any

import numpy as np

import games
import rqe

from . import plain
from .measure import Row, Section, columns, race, require
from .peers import calls, profile, stored
from .quantal import SAME, uniform_game

REGRET = 1e-8
"""Gain from deviating, in payoff units, at which both tracers have arrived."""


def example_row(epsilon: float, repeats: int) -> Row:
    """Example 4.2 along ``tau`` from 0 to 10."""
    game = games.free_riding()
    timings, (path,) = race(
        [lambda: rqe.trace_rqe(game, start=0.0, stop=10.0, epsilon=epsilon)], repeats
    )
    for branch in path.branches:
        for t in range(0, len(branch), 5):
            profile = [x[t] for x in branch.strategies]
            found = plain.residual(game.payoffs, profile, branch.parameter[t], epsilon)
            require(found <= 1e-10, f"residual {found:.1e} at {branch.parameter[t]:g}")
    kinds = [b.kind for b in path.bifurcations]
    return {
        "epsilon": f"{epsilon:g}",
        "rqe": str(timings[0]),
        "branches": len(path.branches),
        "points": sum(len(b) for b in path.branches),
        "pitchforks": kinds.count("pitchfork"),
        "folds": kinds.count("fold"),
        "largest residual": f"{path.residual:.0e}",
    }


EXAMPLE = Section(
    "Every branch of Example 4.2 along tau in [0, 10]: `trace_rqe`",
    "Enumeration at five values of tau, certificates, stability and bifurcations included. No peer "
    "traces more than one branch, or any along tau.",
    example_row,
    quick=[{"epsilon": e, "repeats": 7} for e in (0.2, 0.1)],
    more=[{"epsilon": e, "repeats": 7} for e in (0.15, 0.05)],
    smallest={"epsilon": 0.2, "repeats": 1},
)


def regret(payoffs: np.ndarray, profile: list[np.ndarray]) -> float:
    """Largest player's gain from its best reply."""
    x, y = profile
    values = payoffs[0] @ y, x @ payoffs[1]
    return max(float(v.max() - p @ v) for v, p in zip(values, profile, strict=True))


def branch_row(n: int, seed: int, repeats: int) -> Row:
    """The logit branch of a random game, from uniform play to a Nash equilibrium."""
    arrays = uniform_game(n, seed)
    ours = rqe.NormalFormGame(arrays)
    theirs = calls("branch", payoffs=stored(arrays), maxregret=REGRET)
    if n > 50:
        theirs = theirs[-1:]  # the stable release takes minutes

    def walk() -> Any:
        return rqe.trace_rqe(
            ours, parameter="epsilon", start=np.inf, stop=0.0, select="principal", max_step=1.0
        )

    timings, (path, *others) = race([walk, *theirs], repeats)
    (branch,) = path.branches
    end = [x[-1] for x in branch.strategies]
    lasts = [profile(last) for last, _ in others]
    gains = regret(arrays, end), max(regret(arrays, last) for last in lasts)
    require(gains[0] <= REGRET, f"our regret is {gains[0]:.1e}")
    for t in range(1, len(branch) - 1, 9):
        here = [x[t] for x in branch.strategies]
        found = plain.residual(arrays, here, 0.0, float(branch.parameter[t]))
        require(found <= 1e-10, f"residual {found:.1e} at {branch.parameter[t]:g}")
    gap = max(plain.distance(last, end) for last in lasts)
    return {
        "game": f"{n} × {n}",
        "seed": seed,
        **columns([call.peer.name for call in theirs], timings),
        "points, rqe": len(branch),
        "points, pygambit": ", ".join(str(count) for _, count in others),
        "folds": sum(b.kind == "fold" for b in path.bifurcations),
        "regret, rqe": f"{gains[0]:.0e}",
        "regret, pygambit": f"{gains[1]:.0e}",
        "difference": f"{gap:.0e}" if gap <= 100.0 * SAME else f"**{gap:.0e}: elsewhere**",
    }


BRANCH = Section(
    "The logit branch from uniform play to a Nash equilibrium: `trace_rqe` and pygambit's "
    "`logit_solve_branch`",
    "Ours ends in the exact equilibrium on the limiting support, theirs where the regret is below "
    "1e-8. Ours corrects every point to rounding, certifies it, locates the folds and judges "
    "stability; theirs does none of these. `select='principal', max_step=1`. Random games of one "
    "size differ in how often the branch folds.",
    branch_row,
    quick=[{"n": 10, "seed": 0, "repeats": 7}, {"n": 50, "seed": 0, "repeats": 3}],
    more=[{"n": 10, "seed": s, "repeats": 7} for s in (1, 2)]
    + [{"n": 50, "seed": s, "repeats": 3} for s in (1, 2)]
    + [{"n": 100, "seed": s, "repeats": 1} for s in (0, 1, 2)]
    + [{"n": 200, "seed": s, "repeats": 1} for s in (0, 1)],
    smallest={"n": 3, "seed": 0, "repeats": 1},
)
