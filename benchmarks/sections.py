"""What is timed. Every row asserts that the answer it timed is right."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pygambit as gambit

import rqe

from .measure import race, show

Row = tuple[Any, ...]


def _games(n: int, seed: int) -> tuple[np.ndarray, rqe.NormalFormGame, Any]:
    arrays = np.random.default_rng(seed).random((2, n, n))
    return arrays, rqe.NormalFormGame(arrays), gambit.StrategicGame.from_arrays(*arrays)


def _theirs(game: Any, lam: float) -> list[np.ndarray]:
    point = gambit.qre.logit_solve_lambda(game, lam=[lam], use_strategic=True)[0]
    return [
        np.array([float(point.profile[p][s]) for s in game.get_strategies(p)]) for p in game.players
    ]


def _checked(eq: Any) -> Any:
    assert eq.status is rqe.Status.CONVERGED
    assert np.max(eq.residual) <= 1e-10
    return eq


def qre(quick: bool) -> Iterator[Row]:
    """`solve_qre` and pygambit's `logit_solve_lambda`, both on the principal branch."""
    yield ("game", "lambda", "seed", "rqe", "pygambit", "ratio", "largest difference")
    cases = [(n, 5.0, 0) for n in (5, 10, 20, 50, 100, 200)]
    cases += [(200, lam, seed) for lam in (50.0, 200.0) for seed in (0, 1, 2)]
    for n, lam, seed in cases[:4] if quick else cases:
        _, ours, theirs = _games(n, seed)
        repeats = 41 if n <= 20 else 11 if n <= 50 else 5 if lam == 5.0 else 1
        timings, (eq, _) = race(
            [
                lambda ours=ours, lam=lam: rqe.solve_qre(ours, lam=lam),
                lambda theirs=theirs, lam=lam: gambit.qre.logit_solve_lambda(
                    theirs, lam=[lam], use_strategic=True
                ),
            ],
            repeats,
        )
        point = _theirs(theirs, lam)
        gap = max(float(np.abs(a - b).max()) for a, b in zip(point, _checked(eq), strict=True))
        ratio = timings[1].median / timings[0].median
        yield (f"{n} × {n}", f"{lam:g}", seed, *map(str, timings), f"{ratio:.2g}", f"{gap:.1e}")


def construction(quick: bool) -> Iterator[Row]:
    """Building a game object from payoff arrays."""
    yield ("game", "rqe", "pygambit", "ratio")
    for n in (5, 50) if quick else (5, 50, 200):
        arrays = np.random.default_rng(0).random((2, n, n))
        timings, _ = race(
            [
                lambda arrays=arrays: rqe.NormalFormGame(arrays),
                lambda arrays=arrays: gambit.StrategicGame.from_arrays(*arrays),
            ],
            7 if n <= 50 else 3,
        )
        ratio = timings[1].median / timings[0].median
        yield (f"{n} × {n}", *map(str, timings), f"{ratio:.2g}")


def alone(quick: bool) -> Iterator[Row]:
    """RQE and large QRE, where no peer exists or none would end."""
    yield ("game", "tau", "lambda", "select", "rqe", "residual", "regret", "method")
    cases = [(5, 10.0, 5.0, "principal"), (20, 10.0, 5.0, "principal")]
    cases += [(200, 10.0, 5.0, "principal"), (200, 10.0, 50.0, "principal")]
    if not quick:
        cases += [
            (2000, 0.0, 5.0, "principal"),
            (2000, 10.0, 5.0, "principal"),
            (2000, 10.0, 100.0, "principal"),
            (2000, 0.0, 100.0, "principal"),
        ]
    for n, tau, lam, select in cases:
        game = rqe.NormalFormGame(np.random.default_rng(0).random((2, n, n)))
        repeats = 1 if n == 2000 and tau == 0.0 and lam > 5.0 else 21 if n <= 20 else 3
        (timing,), (eq,) = race(
            [
                lambda game=game, tau=tau, lam=lam, select=select: rqe.solve_rqe(
                    game, tau, 1.0 / lam, select=select
                )
            ],
            repeats,
        )
        _checked(eq)
        evidence = (f"{eq.residual:.0e}", f"{eq.max_regret:.0e}", eq.method)
        yield (f"{n} × {n}", f"{tau:g}", f"{lam:g}", select, str(timing), *evidence)


def batch(quick: bool) -> Iterator[Row]:
    """`solve_many` on 10,000 random 3 × 3 games, and loops over single solves."""
    yield (
        "tau",
        "epsilon",
        "solve_many",
        "loop of pygambit",
        "ratio",
        "loop of solve_rqe",
        "ratio ",
    )
    payoffs = np.random.default_rng(0).random((10_000, 2, 3, 3))
    sample = 200 if quick else 1000
    theirs = [gambit.StrategicGame.from_arrays(*p) for p in payoffs[:sample]]
    ours = [rqe.NormalFormGame(p) for p in payoffs[:sample]]
    for tau, epsilon in ((0.0, 0.2), (2.0, 0.2)):
        runs = [
            lambda tau=tau, epsilon=epsilon: rqe.solve_many(payoffs, tau, epsilon),
            lambda tau=tau, epsilon=epsilon: [rqe.solve_rqe(g, tau, epsilon) for g in ours],
        ]
        if tau == 0.0:
            runs.append(lambda: [_theirs_raw(g) for g in theirs])
        timings, answers = race(runs, 3)
        many = answers[0]
        assert many.converged.all()
        assert many.residual.max() <= 1e-10
        for b in range(sample):
            assert np.abs(many.strategies[0][b] - answers[1][b].strategies[0]).max() <= 1e-8
        scale = len(payoffs) / sample
        loops = [scale * t.median for t in timings[1:]]
        peer, ratio = ("—", "—")
        if tau == 0.0:
            peer, ratio = show(loops[1]), f"{loops[1] / timings[0].median:.2g}"
        own = loops[0] / timings[0].median
        yield (
            f"{tau:g}",
            f"{epsilon:g}",
            str(timings[0]),
            peer,
            ratio,
            show(loops[0]),
            f"{own:.2g}",
        )


def _theirs_raw(game: Any) -> Any:
    return gambit.qre.logit_solve_lambda(game, lam=[5.0], use_strategic=True)


def nash(quick: bool) -> Iterator[Row]:
    """All equilibria of small games, one of larger ones; payoffs are Gaussian."""
    import quantecon.game_theory as qe

    yield ("game", "asked for", "rqe", "quantecon", "ratio", "equilibria", "largest regret")
    for n in (3, 5) if quick else (3, 5, 8):
        arrays = np.random.default_rng(n).normal(size=(2, n, n))
        game = rqe.NormalFormGame(arrays)
        peer = qe.NormalFormGame([qe.Player(arrays[0]), qe.Player(arrays[1].T.copy())])
        timings, (found, theirs) = race(
            [
                lambda game=game: rqe.solve_nash(game, method="vertex"),
                lambda peer=peer: qe.vertex_enumeration(peer),
            ],
            5,
        )
        assert len(found) == len(theirs)
        worst = max(eq.max_regret for eq in found)
        ratio = timings[1].median / timings[0].median
        words = (f"{ratio:.2g}", len(found), f"{worst:.0e}")
        yield (f"{n} × {n}", "all", *map(str, timings), *words)
    for n in (25,) if quick else (25, 100, 200):
        arrays = np.random.default_rng(n).normal(size=(2, n, n))
        game = rqe.NormalFormGame(arrays)
        peer = qe.NormalFormGame([qe.Player(arrays[0]), qe.Player(arrays[1].T.copy())])
        timings, (found, _) = race(
            [
                lambda game=game: rqe.solve_nash(game, method="lemke-howson"),
                lambda peer=peer: qe.lemke_howson(peer),
            ],
            5,
        )
        ratio = timings[1].median / timings[0].median
        worst = max(eq.max_regret for eq in found)
        assert worst <= 1e-9 * float(game.payoff_ranges.max())
        words = (f"{ratio:.2g}", len(found), f"{worst:.0e}")
        yield (f"{n} × {n}", "one, Lemke–Howson", *map(str, timings), *words)


def gaussian(quick: bool) -> Iterator[Row]:
    """Gaussian RQE of aggregative games; the closed form of the scalar case checks the answer."""
    yield ("players", "dimension", "rqe", "residual", "regret")
    for players, dimension in ((2, 1), (10, 5)) if quick else ((2, 1), (10, 5), (10, 20), (50, 1)):
        tau = 0.5 / max(players - 1, 1)
        game = rqe.AggregativeGame(
            H=np.eye(dimension), target=np.ones(dimension), rho=np.ones(players)
        )
        (timing,), (eq,) = race([lambda game=game, tau=tau: rqe.solve_rqe(game, tau, 1.0)], 5)
        k = tau * (players - 1) / 2.0
        assert np.allclose(eq.means[0], 1.0 / (players + 1.0 - k), atol=1e-10)
        evidence = (f"{eq.residual:.0e}", f"{np.max(eq.regret):.0e}")
        yield (players, dimension, str(timing), *evidence)


def imports(quick: bool) -> Iterator[Row]:
    """Fresh processes: what `import rqe` adds to NumPy and SciPy."""
    yield ("what", "seconds, median of fresh processes")
    script = (
        "import time; import numpy, scipy; t = time.perf_counter(); import rqe; "
        "print(time.perf_counter() - t)"
    )
    seconds = [
        float(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout)
        for _ in range(3 if quick else 9)
    ]
    yield ("`import rqe` after `import numpy, scipy`", f"{np.median(seconds):.3f}")


SECTIONS = {
    "qre": qre,
    "construction": construction,
    "alone": alone,
    "batch": batch,
    "nash": nash,
    "gaussian": gaussian,
    "imports": imports,
}
