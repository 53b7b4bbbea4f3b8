"""Quantal response: single games against pygambit, games that have no peer, and batches."""

from __future__ import annotations

from typing import Any

import numpy as np

import rqe

from . import plain
from .measure import Row, Section, columns, race, ratio, require, show
from .peers import calls, profile, stored

TOL = 1e-10
"""Largest residual of an answer of ours that is timed."""
SAME = 1e-6
"""Largest difference from the peer's probabilities that counts as the same equilibrium."""


def uniform_game(n: int, seed: int) -> np.ndarray:
    """Payoffs (2, n, n), independent and uniform on [0, 1)."""
    return np.random.default_rng(seed).random((2, n, n))


def qre_row(n: int, lam: float, seed: int, repeats: int, stable: bool = True) -> Row:
    """One random game, ours and Gambit's in turn."""
    arrays = uniform_game(n, seed)
    ours, theirs = rqe.NormalFormGame(arrays), calls("qre", payoffs=stored(arrays), lam=lam)
    theirs = theirs if stable else theirs[-1:]
    timings, (eq, *points) = race([lambda: rqe.solve_qre(ours, lam=lam), *theirs], repeats)
    profiles = [profile(point) for point in points]
    own_residual = _checked(arrays, eq, 0.0, 1.0 / lam)
    gap = max(plain.distance(p, eq.strategies) for p in profiles)
    other = max(plain.residual(arrays, p, 0.0, 1.0 / lam) for p in profiles)
    return {
        "game": f"{n} × {n}",
        "lambda": f"{lam:g}",
        "seed": seed,
        **columns([call.peer.name for call in theirs], timings),
        "residual, rqe": f"{own_residual:.0e}",
        "residual, pygambit": f"{other:.0e}",
        "difference": f"{gap:.0e}" if gap <= SAME else f"**{gap:.0e}: another equilibrium**",
    }


def _checked(arrays: np.ndarray, eq: rqe.Equilibrium, tau: float, epsilon: float) -> float:
    require(eq.status is rqe.Status.CONVERGED, f"not converged: {eq!r}")
    found = max(eq.residual, plain.residual(arrays, eq.strategies, tau, epsilon))
    require(found <= TOL, f"residual {found:.1e} of {eq!r}")
    return found


def _qre(n: int, lam: float, seed: int, repeats: int, stable: bool = True) -> dict[str, Any]:
    return {"n": n, "lam": lam, "seed": seed, "repeats": repeats, "stable": stable}


QRE = Section(
    "QRE of one game: `solve_qre` and pygambit's `logit_solve_lambda`",
    "Both follow the principal branch. Our time includes the certificate (residual, regret, "
    "beliefs, values). Residuals are those of the logit equations written out in NumPy; "
    "*difference* is the largest between the two probabilities of an action. At high lambda the "
    "branch folds, how often depends on the seed, and the times with it; the stable release, some "
    "seven times slower than the other, is left out there.",
    qre_row,
    quick=[_qre(n, 5.0, 0, 15) for n in (5, 10, 20)] + [_qre(50, 5.0, 0, 7)],
    more=[_qre(n, 5.0, 0, 3) for n in (100, 200)]
    + [_qre(200, lam, seed, 2, stable=False) for lam in (50.0, 200.0) for seed in (0, 1, 2)],
    smallest=_qre(5, 5.0, 0, 2),
)


def construction_row(n: int, repeats: int) -> Row:
    """A game object from two payoff arrays."""
    arrays = uniform_game(n, 0)
    theirs = calls("construction", payoffs=stored(arrays))
    timings, (ours, *answers) = race([lambda: rqe.NormalFormGame(arrays), *theirs], repeats)
    require(np.array_equal(ours.payoffs, arrays), "rqe holds other payoffs")
    gap = max(float(np.abs(np.array(held) - arrays).max()) for held in answers)
    require(gap <= 1e-12, "pygambit holds other payoffs")
    return {
        "game": f"{n} × {n}",
        **columns([call.peer.name for call in theirs], timings),
        "largest difference of a payoff": f"{gap:.0e}",
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
    "branch is slow to follow.",
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
    theirs = []
    if tau == 0.0:
        theirs = calls("qre_loop", payoffs=stored(payoffs), lam=1.0 / epsilon, count=sample)
    timings, (many, loop, *peer) = race([*runs, *theirs], repeats)
    require(bool(many.converged.all()), f"not all converged: {many!r}")
    worst = float(plain.residuals(payoffs, many.strategies, tau, epsilon).max())
    require(max(worst, float(many.residual.max())) <= TOL, f"residual {worst:.1e} of {many!r}")
    profiles = list(zip(*(x[:sample] for x in many.strategies), strict=True))
    gaps = [plain.distance(p, eq.strategies) for p, eq in zip(profiles, loop, strict=True)]
    require(max(gaps) <= SAME, f"solve_many and solve_rqe differ by {max(gaps):.1e}")
    ours, scale = timings[0].median, games / sample
    row = {
        "games": f"{games:,}",
        "tau": f"{tau:g}",
        "epsilon": f"{epsilon:g}",
        "solve_many": str(timings[0]),
        "games a second": f"{games / ours:,.0f}",
        "loop of solve_rqe": show(scale * timings[1].median),
        "ratio to it": ratio(scale * timings[1].median, ours),
        "loop of pygambit": "—",
        "ratio to pygambit": "—",
        "residual": f"{worst:.0e}",
        "differs from pygambit": "—",
    }
    if peer:
        away = [
            plain.distance(profile(p), x)
            for answer in peer
            for p, x in zip(answer, profiles, strict=True)
        ]
        named = [
            (c.peer.version, scale * t.median) for c, t in zip(theirs, timings[2:], strict=True)
        ]
        row["loop of pygambit"] = ", ".join(f"{show(t)} ({v})" for v, t in named)
        row["ratio to pygambit"] = ratio(min(t for _, t in named), ours)
        other = sum(gap > SAME for gap in away)
        row["differs from pygambit"] = f"{other} of {len(away)}; others ≤ " + (
            f"{max((gap for gap in away if gap <= SAME), default=0.0):.0e}"
        )
    return row


def _batch(tau: float, games: int, sample: int, repeats: int) -> dict[str, Any]:
    return {"tau": tau, "epsilon": 0.2, "games": games, "sample": sample, "repeats": repeats}


BATCH = Section(
    "Random 3 × 3 games at once: `solve_many`",
    "The batch is timed whole. The loops are timed on its first games (1,000; 200 with `--quick`), "
    "objects built beforehand, and scaled up; the ratio is to the faster release. *Differs* counts "
    "games of that sample where a probability is more than 1e-6 from pygambit's. Seed 0.",
    batch_row,
    quick=[_batch(tau, 10_000, 200, 3) for tau in (0.0, 2.0)],
    full=[_batch(tau, games, 1000, 3) for games in (10_000, 100_000) for tau in (0.0, 2.0)],
    smallest={"tau": 0.0, "epsilon": 0.2, "games": 20, "sample": 5, "repeats": 2},
)
