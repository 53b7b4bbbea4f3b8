"""Structured games beside the same game written out, and beside the equations given to SciPy.

``python -m benchmarks.structured`` prints these two tables alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse
import scipy.stats

import rqe

from .measure import Row, Section, Timing, race, ratio, require

EXACT = 1e-9
"""Largest residual, by the definition written out below, of an answer that is timed."""
Draw = Callable[[np.random.Generator], Any]


def tilted(q: np.ndarray, outcomes: np.ndarray, tau: float) -> np.ndarray:
    """The worst-case belief (SRA eq. 1)."""
    p = q * np.exp(-tau * (outcomes - outcomes.min()))
    return np.asarray(p / p.sum())


def softmax(v: np.ndarray) -> np.ndarray:
    """Probabilities in proportion to ``exp(v)``."""
    e = np.exp(v - v.max())
    return np.asarray(e / e.sum())


def congestion(sizes: Sequence[int], seed: int) -> list[np.ndarray]:
    """Tables (2, N): each action loses with the share of others who take it; tastes differ."""
    others = sum(sizes) - 1
    share = np.arange(others + 1) / others
    tastes = np.random.default_rng(seed).random((len(sizes), 2))
    return [taste[:, None] - np.stack([share, 1.0 - share]) for taste in tastes]


def replies(
    x: np.ndarray, tables: list[np.ndarray], sizes: Sequence[int], tau: float, epsilon: float
) -> np.ndarray:
    """Each type's quantal reply, as its probability of action 1: binomials, convolved."""
    out = []
    for r, table in enumerate(tables):
        counts = np.ones(1)
        for s, n in enumerate(sizes):
            m = n - (s == r)
            counts = np.convolve(counts, scipy.stats.binom.pmf(np.arange(m + 1), m, x[s]))
        p = tilted(counts, np.array([x[r], 1.0 - x[r]]) @ table, tau)
        out.append(softmax(table @ p / epsilon)[0])
    return np.array(out)


def anonymous_row(sizes: Sequence[int], seed: int, repeats: int) -> Row:
    """A congestion game of few types with two actions."""
    tau, epsilon = 5.0, 0.05
    tables = congestion(sizes, seed)
    game = rqe.AnonymousGame(tables, sizes)

    def by_hand() -> np.ndarray:
        def gap(logit: np.ndarray) -> np.ndarray:
            x = 1.0 / (1.0 + np.exp(-logit))
            return x - replies(x, tables, sizes, tau, epsilon)

        found = scipy.optimize.root(gap, np.zeros(len(sizes)), tol=1e-13).x
        return np.asarray(1.0 / (1.0 + np.exp(-found)))

    runs: list[Callable[[], Any]] = [lambda: rqe.solve_rqe(game, tau, epsilon), by_hand]
    small = sum(sizes) <= 10
    if small:
        full = game.to_normal_form()
        runs.append(lambda: rqe.solve_rqe(full, tau, epsilon))
    timings, answers = race(runs, repeats)
    x = np.array([s[0] for s in answers[0]])
    residual = float(np.abs(x - replies(x, tables, sizes, tau, epsilon)).max())
    require(residual <= EXACT, f"residual {residual:.1e}")
    away = float(np.abs(answers[1] - replies(answers[1], tables, sizes, tau, epsilon)).max())
    require(away <= EXACT, f"residual {away:.1e} of the programme by hand")
    if small:
        gap = max(abs(x[r] - s[0]) for r, s in zip(game.type_of, answers[2], strict=True))
        require(gap <= EXACT, f"the game written out differs by {gap:.1e}")
    kinds = f"{len(sizes)} types" if len(sizes) > 1 else "1 type"
    return {
        "game": f"{sum(sizes)} players × 2, {kinds}",
        "rqe": str(timings[0]),
        "SciPy by hand": str(timings[1]),
        "ratio": ratio(timings[1].median, timings[0].median),
        "written out": str(timings[2]) if small else f"2^{sum(sizes)} payoffs a player",
        "ratio ": ratio(timings[2].median, timings[0].median) if small else "—",
        "residual": f"{residual:.0e}",
    }


ANONYMOUS = Section(
    "RQE of symmetric and anonymous games",
    "Congestion: an action loses with the share of others who take it; tastes are random by type; "
    "`tau = 5`, `epsilon = 0.05`. *By hand* is `scipy.optimize.root` on the replies of each type, "
    "with counts of the others from `scipy.stats.binom` and `np.convolve`; it gives a profile "
    "without values, regrets or index, and of several equilibria any. *Written out* is our own "
    "solver on the full game.",
    anonymous_row,
    quick=[
        {"sizes": (10,), "seed": 0, "repeats": 7},
        {"sizes": (50,), "seed": 0, "repeats": 15},
        {"sizes": (100,), "seed": 0, "repeats": 15},
    ],
    more=[
        {"sizes": (1000,), "seed": 0, "repeats": 15},
        {"sizes": (3, 3, 4), "seed": 0, "repeats": 7},
        {"sizes": (17, 17, 16), "seed": 0, "repeats": 7},
        {"sizes": (33, 33, 34), "seed": 0, "repeats": 7},
    ],
    smallest={"sizes": (2, 3), "seed": 0, "repeats": 2},
)


def reply(
    payoffs: dict[tuple[int, int], Any], x: list[np.ndarray], tau: float, epsilon: float
) -> list[np.ndarray]:
    """Each player's quantal reply in a network: one tilt a neighbour; ``(U, V)`` is ``U @ V.T``."""
    worth = [np.zeros(s.size) for s in x]
    for (i, j), given in payoffs.items():
        if isinstance(given, tuple):
            u, v = given
            worth[i] += u @ (v.T @ tilted(x[j], v @ (u.T @ x[i]), tau))
        else:
            worth[i] += given @ tilted(x[j], given.T @ x[i], tau)
    return [softmax(w / epsilon) for w in worth]


def sparse_game(n: int, density: float, rng: np.random.Generator) -> dict[tuple[int, int], Any]:
    """Two players; entries uniform on [0, 1) where there are any."""
    a, b = (
        scipy.sparse.random_array((n, n), density=density, rng=rng, format="csr") for _ in range(2)
    )
    return {(0, 1): a, (1, 0): b}


def low_rank_game(n: int, rank: int, rng: np.random.Generator) -> dict[tuple[int, int], Any]:
    """Two players; Gaussian factors, entries of variance 1 / rank."""

    def factor() -> np.ndarray:
        return rng.normal(size=(n, rank)) / np.sqrt(rank)

    return {(0, 1): (factor(), factor()), (1, 0): (factor(), factor())}


def ring(n: int, k: int, rng: np.random.Generator) -> dict[tuple[int, int], Any]:
    """Players on a circle, who meet the next and the one before."""
    pairs = [(i, (i + step) % n) for i in range(n) for step in (1, -1)]
    return {pair: rng.random((k, k)) for pair in pairs}


def network_row(
    title: str, make: Draw, tau: float, epsilon: float, written: bool, repeats: int
) -> Row:
    """A network, or a two-player game of sparse or factored payoffs."""
    payoffs = make(np.random.default_rng(0))
    game = rqe.PolymatrixGame(payoffs)
    cuts = np.cumsum(game.shape)[:-1]

    def by_hand() -> np.ndarray | None:
        def gap(flat: np.ndarray) -> np.ndarray:
            x = [softmax(part) for part in np.split(flat, cuts)]
            goal = reply(payoffs, x, tau, epsilon)
            return np.concatenate([np.log(a) - np.log(b) for a, b in zip(x, goal, strict=True)])

        start = np.zeros(sum(game.shape))
        try:
            with np.errstate(all="ignore"):  # a step too long takes probabilities to nought
                found = scipy.optimize.newton_krylov(gap, start, f_tol=1e-9, maxiter=50)
        except (scipy.optimize.NoConvergence, ValueError):
            return None
        return np.asarray(found)

    runs: list[Callable[[], Any]] = [lambda: rqe.solve_rqe(game, tau, epsilon), by_hand]
    if written:
        full = rqe.NormalFormGame([_array(payoffs[0, 1]), _array(payoffs[1, 0]).T])
        runs.append(lambda: rqe.solve_rqe(full, tau, epsilon))
    timings, answers = race(runs, repeats)
    ours = list(answers[0].strategies)
    residual = _residual(payoffs, ours, tau, epsilon)
    require(residual <= EXACT, f"residual {residual:.1e}")
    if written:
        gap = max(float(np.abs(a - b).max()) for a, b in zip(ours, answers[2], strict=True))
        require(gap <= EXACT, f"the game written out differs by {gap:.1e}")
    solved = answers[1] is not None
    if solved:
        theirs = [softmax(part) for part in np.split(answers[1], cuts)]
        away = _residual(payoffs, theirs, tau, epsilon)
        require(away <= 1e-6, f"residual {away:.1e} of the programme by hand")
    return {
        "game": title,
        "tau": tau,
        "epsilon": epsilon,
        "rqe": str(timings[0]),
        "SciPy by hand": str(timings[1]) if solved else f"no solution in {timings[1]}",
        "ratio": ratio(timings[1].median, timings[0].median) if solved else "—",
        "written out": _beside(timings, written),
        "residual": f"{residual:.0e}",
        "largest / mean probability": f"{max(float(x.max() * x.size) for x in ours):.3g}",
    }


def _beside(timings: list[Timing], written: bool) -> str:
    if not written:
        return "—"
    return f"{timings[2]}, ratio {ratio(timings[2].median, timings[0].median)}"


def _array(given: Any) -> np.ndarray:
    return np.asarray(given[0] @ given[1].T if isinstance(given, tuple) else given.toarray())


def _residual(
    payoffs: dict[tuple[int, int], Any], x: list[np.ndarray], tau: float, epsilon: float
) -> float:
    goal = reply(payoffs, x, tau, epsilon)
    return max(float(np.abs(a - b).max()) for a, b in zip(x, goal, strict=True))


def _case(
    title: str, make: Draw, tau: float, epsilon: float, written: bool, repeats: int
) -> dict[str, Any]:
    return {
        "title": title,
        "make": make,
        "tau": tau,
        "epsilon": epsilon,
        "written": written,
        "repeats": repeats,
    }


NETWORKS = Section(
    "RQE of sparse, low-rank and polymatrix games",
    "Two-player games with random payoffs, 1 % of them not zero, or of rank 10; players on a ring "
    "who meet their two neighbours. *By hand* is `scipy.optimize.newton_krylov` from the uniform "
    "profile, on logarithms of strategies, at most 50 steps. *Written out* is our solver on the "
    "same payoffs as arrays. The last column says how far play is from uniform.",
    network_row,
    quick=[
        _case("1,000 × 1,000, 1 % filled", lambda r: sparse_game(1000, 0.01, r), 5, 0.006, True, 5),
        _case("1,000 × 1,000, rank 10", lambda r: low_rank_game(1000, 10, r), 2, 0.05, True, 5),
        _case("ring of 50 × 3", lambda r: ring(50, 3, r), 2, 0.2, False, 5),
    ],
    more=[
        _case("5,000 × 5,000, 1 % filled", lambda r: sparse_game(5000, 0.01, r), 5, 0.002, True, 3),
        _case("5,000 × 5,000, rank 10", lambda r: low_rank_game(5000, 10, r), 2, 0.05, True, 3),
        _case("ring of 200 × 3", lambda r: ring(200, 3, r), 2, 0.2, False, 1),
        _case("ring of 200 × 3", lambda r: ring(200, 3, r), 2, 0.1, False, 1),
    ],
    smallest=_case("ring of 4 × 2", lambda r: ring(4, 2, r), 1, 0.5, False, 2),
)


if __name__ == "__main__":
    from .__main__ import table

    for section in (ANONYMOUS, NETWORKS):
        print("\n".join(["", f"## {section.title}", "", *table(section.rows(quick=False))]))
