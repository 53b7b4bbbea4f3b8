"""Quantal response: single games against pygambit, games that have no peer, and batches."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pygambit as gambit

import rqe

from . import plain
from .measure import Row, Section, race, ratio, require, show

TOL = 1e-10
"""Largest residual of an answer of ours that is timed."""
SAME = 1e-6
"""Largest difference from the peer's probabilities that counts as the same equilibrium."""


def uniform_game(n: int, seed: int) -> np.ndarray:
    """Payoffs (2, n, n), independent and uniform on [0, 1)."""
    return np.random.default_rng(seed).random((2, n, n))


@cache
def gambit_game(n: int, seed: int) -> Any:
    """Gambit's object of the same game, kept: a large one takes seconds to build."""
    return gambit.StrategicGame.from_arrays(*uniform_game(n, seed))


def gambit_qre(game: Any, lam: float) -> Any:
    """Gambit's point of the principal branch."""
    return gambit.qre.logit_solve_lambda(game, lam=[lam], use_strategic=True)[0]


def gambit_profile(game: Any, profile: Any) -> list[np.ndarray]:
    """A mixed profile of Gambit's as arrays."""
    return [np.array([float(profile[p][s]) for s in game.get_strategies(p)]) for p in game.players]


def qre_row(n: int, lam: float, seed: int, repeats: int) -> Row:
    """One random game, ours and Gambit's in turn."""
    arrays = uniform_game(n, seed)
    ours, theirs = rqe.NormalFormGame(arrays), gambit_game(n, seed)
    timings, (eq, point) = race(
        [lambda: rqe.solve_qre(ours, lam=lam), lambda: gambit_qre(theirs, lam)], repeats
    )
    profile = gambit_profile(theirs, point.profile)
    own_residual = _checked(arrays, eq, 0.0, 1.0 / lam)
    gap = plain.distance(profile, eq.strategies)
    return {
        "game": f"{n} × {n}",
        "lambda": f"{lam:g}",
        "seed": seed,
        "rqe": str(timings[0]),
        "pygambit": str(timings[1]),
        "ratio": ratio(timings[1].median, timings[0].median),
        "residual, rqe": f"{own_residual:.0e}",
        "residual, pygambit": f"{plain.residual(arrays, profile, 0.0, 1.0 / lam):.0e}",
        "difference": f"{gap:.0e}" if gap <= SAME else f"**{gap:.0e}: another equilibrium**",
    }


def _checked(arrays: np.ndarray, eq: rqe.Equilibrium, tau: float, epsilon: float) -> float:
    require(eq.status is rqe.Status.CONVERGED, f"not converged: {eq!r}")
    found = max(eq.residual, plain.residual(arrays, eq.strategies, tau, epsilon))
    require(found <= TOL, f"residual {found:.1e} of {eq!r}")
    return found


QRE = Section(
    "QRE of one game: `solve_qre` and pygambit's `logit_solve_lambda`",
    "Both follow the principal branch. Our time includes the certificate (residual, regret, "
    "beliefs, values). Residuals are those of the logit equations written out in NumPy; "
    "*difference* is the largest between the two probabilities of an action. At high lambda the "
    "branch folds, how often depends on the seed, and the times with it.",
    qre_row,
    quick=[{"n": n, "lam": 5.0, "seed": 0, "repeats": 51} for n in (5, 10, 20)]
    + [{"n": 50, "lam": 5.0, "seed": 0, "repeats": 15}],
    more=[{"n": n, "lam": 5.0, "seed": 0, "repeats": 7} for n in (100, 200)]
    + [
        {"n": 200, "lam": lam, "seed": seed, "repeats": 3}
        for lam in (50.0, 200.0)
        for seed in (0, 1, 2)
    ],
    smallest={"n": 5, "lam": 5.0, "seed": 0, "repeats": 2},
)


def construction_row(n: int, repeats: int) -> Row:
    """A game object from two payoff arrays."""
    arrays = uniform_game(n, 0)
    timings, (ours, theirs) = race(
        [lambda: rqe.NormalFormGame(arrays), lambda: gambit.StrategicGame.from_arrays(*arrays)],
        repeats,
    )
    held = np.array(theirs.to_arrays(dtype=float), dtype=float)
    require(np.array_equal(ours.payoffs, arrays), "rqe holds other payoffs")
    require(np.allclose(held, arrays, rtol=0.0, atol=1e-12), "pygambit holds other payoffs")
    return {
        "game": f"{n} × {n}",
        "rqe": str(timings[0]),
        "pygambit": str(timings[1]),
        "ratio": ratio(timings[1].median, timings[0].median),
        "largest difference of a payoff": f"{np.abs(held - ours.payoffs).max():.0e}",
    }


CONSTRUCTION = Section(
    "A game object from payoff arrays: `NormalFormGame` and `StrategicGame.from_arrays`",
    "Construction is part of no other time. pygambit turns payoffs into exact rationals.",
    construction_row,
    quick=[{"n": n, "repeats": 7} for n in (5, 50)],
    more=[{"n": 200, "repeats": 3}],
    smallest={"n": 5, "repeats": 2},
)


def alone_row(n: int, tau: float, lam: float, select: str, repeats: int) -> Row:
    """One random game, ours only."""
    arrays = uniform_game(n, 0)
    game = rqe.NormalFormGame(arrays)
    (timing,), (eq,) = race([lambda: rqe.solve_rqe(game, tau, 1.0 / lam, select=select)], repeats)
    return {
        "game": f"{n} × {n}",
        "tau": f"{tau:g}",
        "lambda": f"{lam:g}",
        "select": select,
        "rqe": str(timing),
        "residual": f"{_checked(arrays, eq, tau, 1.0 / lam):.0e}",
        "regret bound": f"{eq.max_regret:.0e}",
        "branch": eq.branch,
        "stages": eq.method,
        "iterations": eq.iterations,
    }


def _alone(n: int, tau: float, lam: float, select: str, repeats: int) -> dict[str, Any]:
    return {"n": n, "tau": tau, "lam": lam, "select": select, "repeats": repeats}


ALONE = Section(
    "RQE and large QRE, alone",
    "Seed 0 throughout. No peer computes RQE; `tau = 0` is QRE, for which pygambit is not run at "
    "2000 × 2000 (see what the objects take to build). There, at lambda = 100, the principal "
    'branch is slow to follow, and `select="any"` falls back to it.',
    alone_row,
    quick=[
        *(_alone(n, 10.0, 5.0, "principal", 31) for n in (5, 10, 20, 50)),
        *(_alone(n, 10.0, 5.0, "principal", 7) for n in (100, 200)),
        _alone(200, 10.0, 50.0, "principal", 7),
    ],
    more=[
        _alone(200, 10.0, 200.0, "principal", 3),
        *(_alone(2000, tau, 5.0, s, 5) for tau in (0.0, 10.0) for s in ("principal", "any")),
        _alone(2000, 10.0, 100.0, "principal", 3),
        _alone(2000, 0.0, 100.0, "principal", 1),
        _alone(2000, 0.0, 100.0, "any", 1),
    ],
    smallest=_alone(5, 10.0, 5.0, "principal", 2),
)


def batch_row(tau: float, epsilon: float, games: int, sample: int, repeats: int) -> Row:
    """A batch of 3 x 3 games at once, and loops over a sample of them."""
    payoffs = np.random.default_rng(0).random((games, 2, 3, 3))
    single = [rqe.NormalFormGame(p) for p in payoffs[:sample]]
    runs = [
        lambda: rqe.solve_many(payoffs, tau, epsilon),
        lambda: [rqe.solve_rqe(g, tau, epsilon) for g in single],
    ]
    if tau == 0.0:
        theirs = [gambit.StrategicGame.from_arrays(*p) for p in payoffs[:sample]]
        runs.append(lambda: [gambit_qre(g, 1.0 / epsilon) for g in theirs])
    timings, (many, loop, *peer) = race(runs, repeats)
    require(bool(many.converged.all()), f"not all converged: {many!r}")
    worst = float(plain.residuals(payoffs, many.strategies, tau, epsilon).max())
    require(max(worst, float(many.residual.max())) <= TOL, f"residual {worst:.1e} of {many!r}")
    profiles = list(zip(*(x[:sample] for x in many.strategies), strict=True))
    gaps = [plain.distance(p, eq.strategies) for p, eq in zip(profiles, loop, strict=True)]
    require(max(gaps) <= SAME, f"solve_many and solve_rqe differ by {max(gaps):.1e}")
    ours, scale = timings[0].median, games / sample
    row = {
        "tau": f"{tau:g}",
        "epsilon": f"{epsilon:g}",
        "solve_many": str(timings[0]),
        "loop of solve_rqe": show(scale * timings[1].median),
        "ratio to it": ratio(scale * timings[1].median, ours),
        "loop of pygambit": "—",
        "ratio to pygambit": "—",
        "residual": f"{worst:.0e}",
        "differs from pygambit": "—",
    }
    if peer:
        points = [gambit_profile(g, a.profile) for g, a in zip(theirs, peer[0], strict=True)]
        away = [plain.distance(p, x) for p, x in zip(points, profiles, strict=True)]
        row["loop of pygambit"] = show(scale * timings[2].median)
        row["ratio to pygambit"] = ratio(scale * timings[2].median, ours)
        other = sum(gap > SAME for gap in away)
        row["differs from pygambit"] = f"{other} of {sample}; others ≤ " + (
            f"{max((gap for gap in away if gap <= SAME), default=0.0):.0e}"
        )
    return row


def _batch(tau: float, sample: int, repeats: int) -> dict[str, Any]:
    return {"tau": tau, "epsilon": 0.2, "games": 10_000, "sample": sample, "repeats": repeats}


BATCH = Section(
    "10,000 random 3 × 3 games at once: `solve_many`",
    "The batch is timed whole. The loops are timed on its first games (1,000; 200 with `--quick`), "
    "objects built beforehand, and scaled up to 10,000. *Differs* counts games of that sample "
    "where a probability is more than 1e-6 from pygambit's. Seed 0.",
    batch_row,
    quick=[_batch(tau, 200, 3) for tau in (0.0, 2.0)],
    full=[_batch(tau, 1000, 5) for tau in (0.0, 2.0)],
    smallest={"tau": 0.0, "epsilon": 0.2, "games": 20, "sample": 5, "repeats": 2},
)
