"""Nash equilibria: all of small games, one of larger ones, against quantecon and pygambit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import quantecon.game_theory as qe

import rqe

from . import plain
from .measure import Row, Section, columns, race, require
from .peers import calls, profile, stored
from .quantal import SAME

EXACT = 1e-9
"""Largest regret, in units of the payoff range, of an answer that is timed."""


def _games(n: int) -> tuple[np.ndarray, rqe.NormalFormGame, Any]:
    arrays = np.random.default_rng(n).normal(size=(2, n, n))
    quantecon = qe.NormalFormGame([qe.Player(arrays[0].copy()), qe.Player(arrays[1].T.copy())])
    return arrays, rqe.NormalFormGame(arrays), quantecon


def _worst(arrays: np.ndarray, profiles: list[Any], who: str) -> float:
    require(len(profiles) > 0, f"{who} found no equilibrium")
    worst = max(plain.regret(arrays, p) for p in profiles) / float(np.ptp(arrays))
    require(worst <= EXACT, f"regret {worst:.1e} of {who}")
    return worst


def all_row(n: int, repeats: int, rational: bool) -> Row:
    """Every equilibrium of a random game, with pygambit in floating point or in rationals."""
    arrays, ours, econ = _games(n)
    options = {"method": "enummixed_solve", "options": {"rational": rational}}
    theirs = calls("nash", payoffs=stored(arrays), **options)
    timings, (found, of_econ, *of_gambit) = race(
        [
            lambda: rqe.solve_nash(ours, method="vertex"),
            lambda: qe.vertex_enumeration(econ),
            *theirs,
        ],
        repeats,
    )
    mine = [eq.strategies for eq in found]
    names = [call.peer.name for call in theirs]
    sets = dict(zip(names, ([profile(p) for p in answer] for answer in of_gambit), strict=True))
    worst = _worst(arrays, mine, "rqe")
    agree = {
        name: _same_set(mine, profiles)
        for name, profiles in {"quantecon": list(of_econ), **sets}.items()
    }
    return {
        "game": f"{n} × {n}",
        "pygambit in": "rationals" if rational else "floats",
        **columns(["quantecon", *names], timings),
        "equilibria": len(mine),
        "regret / range": f"{worst:.0e}",
        "same set": ", ".join(f"{name} {'yes' if ok else '**no**'}" for name, ok in agree.items()),
    }


def _same_set(one: list[Any], other: list[Any]) -> bool:
    def covered(some: list[Any], by: list[Any]) -> bool:
        return all(min((plain.distance(x, y) for y in by), default=1.0) <= SAME for x in some)

    return len(one) == len(other) and covered(one, other) and covered(other, one)


ALL = Section(
    "All Nash equilibria of small games",
    'Vertex enumeration, ours (`method="vertex"`) in exact arithmetic and quantecon\'s compiled in '
    "floating point; pygambit's `enummixed_solve`. Payoffs are Gaussian, seed n.",
    all_row,
    quick=[
        {"n": 3, "repeats": 15, "rational": False},
        {"n": 5, "repeats": 15, "rational": False},
        {"n": 5, "repeats": 7, "rational": True},
    ],
    more=[
        {"n": 8, "repeats": 5, "rational": False},
        {"n": 8, "repeats": 1, "rational": True},
    ],
    smallest={"n": 3, "repeats": 2, "rational": False},
)


def one_row(n: int, repeats: int) -> Row:
    """One equilibrium of a random game by complementary pivoting."""
    arrays, ours, econ = _games(n)
    options = {"method": "lcp_solve", "options": {"rational": False, "stop_after": 1}}
    theirs = calls("nash", payoffs=stored(arrays), **options)
    runs: list[Callable[[], Any]] = [
        lambda: rqe.solve_nash(ours, method="lemke-howson"),
        lambda: qe.lemke_howson(econ),
        *theirs,
    ]
    timings, (found, of_econ, *of_gambit) = race(runs, repeats)
    worst = _worst(arrays, [found[0].strategies], "rqe")
    _worst(arrays, [of_econ], "quantecon")
    names = [call.peer.name for call in theirs]
    for name, answer in zip(names, of_gambit, strict=True):
        _worst(arrays, [profile(p) for p in answer], name)
    return {
        "game": f"{n} × {n}",
        **columns(["quantecon", *names], timings),
        "regret / range": f"{worst:.0e}",
    }


ONE = Section(
    "One Nash equilibrium of larger games",
    "Lemke–Howson, ours and quantecon's, and pygambit's `lcp_solve` in floating point. Payoffs are "
    "Gaussian, seed n; each may find another equilibrium, and each one's regret is checked.",
    one_row,
    quick=[{"n": 25, "repeats": 15}],
    more=[{"n": 100, "repeats": 7}, {"n": 200, "repeats": 5}],
    smallest={"n": 25, "repeats": 2},
)


def large_row(n: int, law: str, seed: int) -> Row:
    """One certified equilibrium of a large game by the default method; quantecon beside it."""
    rng = np.random.default_rng(seed)
    arrays = rng.random((2, n, n)) if law == "uniform" else rng.normal(size=(2, n, n))
    game = rqe.NormalFormGame(arrays)
    econ = qe.NormalFormGame([qe.Player(arrays[0].copy()), qe.Player(arrays[1].T.copy())])
    qe.lemke_howson(_games(3)[2])  # compiled before it is timed

    def pivots() -> Any:
        return qe.lemke_howson(econ, max_iter=PIVOTS, full_output=True)

    timings, (found, (of_econ, how)) = race([lambda: rqe.solve_nash(game), pivots], 1)
    worst = _worst(arrays, [found[0].strategies], "rqe")
    theirs = "none found"
    if how.converged:
        theirs = f"{plain.regret(arrays, of_econ) / float(np.ptp(arrays)):.0e}"
    return {
        "game": f"{n} × {n}",
        "payoffs": law,
        "seed": seed,
        **columns(["quantecon"], timings),
        "method": found[0].method,
        "actions played": " and ".join(str(int((x > 0.0).sum())) for x in found[0].strategies),
        "regret / range": f"{worst:.0e}",
        "quantecon's": theirs,
    }


PIVOTS = 100_000
"""Steps that quantecon is given."""

LARGE = Section(
    "One certified Nash equilibrium of large games",
    "`solve_nash(game)`, which looks for pure equilibria first (two random games of three have "
    "one) and then pivots; quantecon's compiled Lemke-Howson in floating point, whose answer is "
    f"not refined and for which {PIVOTS:,} pivots are allowed. One call each.",
    large_row,
    quick=[{"n": 200, "law": "uniform", "seed": 2}],
    full=[
        {"n": n, "law": law, "seed": seed}
        for n, seeds in ((200, range(5)), (500, (0, 2)))
        for law in ("uniform", "Gaussian")
        for seed in seeds
    ],
    smallest={"n": 12, "law": "uniform", "seed": 2},
)


def regret_of(payoffs: np.ndarray, profile: list[np.ndarray]) -> float:
    """Largest gain of any of N players from a pure deviation, by the definition."""
    gains = []
    for i, x in enumerate(profile):
        own = np.moveaxis(payoffs[i], i, 0)
        for y in reversed([y for j, y in enumerate(profile) if j != i]):
            own = own @ y
        gains.append(float(own.max() - x @ own))
    return max(gains)


def several_row(players: int, actions: int, seed: int) -> Row:
    """One equilibrium of a game of several players; pygambit's from random rays."""
    payoffs = np.random.default_rng(seed).random((players, *(actions,) * players))
    game = rqe.NormalFormGame(payoffs)
    theirs = [
        call
        for method in ("gnm_solve", "ipa_solve")
        for call in calls("nash_from", payoffs=stored(payoffs), method=method, starts=RAYS)[-1:]
    ]
    timings, (auto, branch, *others) = race(
        [lambda: rqe.solve_nash(game), lambda: rqe.solve_nash(game, method="homotopy"), *theirs], 1
    )
    gains = [regret_of(payoffs, list(found[0].strategies)) for found in (auto, branch)]
    require(max(gains) <= EXACT, f"regret {max(gains):.1e} of ours")
    row: Row = {
        "game": " × ".join([str(actions)] * players),
        "seed": seed,
        "rqe": f"{timings[0]}, {auto[0].method}",
        "rqe, homotopy": str(timings[1]),
        "regret, rqe": f"{max(gains):.0e}",
    }
    for call, timing, (rays, found) in zip(theirs, timings[2:], others, strict=True):
        name = f"{call.peer.name}, {call.options['method'].removesuffix('_solve')}"
        if found:
            worst = max(regret_of(payoffs, profile(p)) for p in found)
            row[name] = f"{timing}, {len(found)} found, ray {rays}, regret {worst:.0e}"
        else:
            row[name] = f"none from {rays} rays, {timing}"
    return row


RAYS = 5
"""Random rays that pygambit's methods are given."""

SEVERAL = Section(
    "Nash equilibria of five players with five actions",
    "`solve_nash(game)`, which looks for pure equilibria first, and the branch followed to its "
    f"limit; pygambit's `gnm_solve` and `ipa_solve` from random rays, up to {RAYS} of them until "
    "one gives an equilibrium, times added up. Every answer's regret by the definition. Random "
    "payoffs.",
    several_row,
    quick=[{"players": 3, "actions": 3, "seed": seed} for seed in (0, 1)],
    full=[{"players": 5, "actions": 5, "seed": seed} for seed in range(10)],
    smallest={"players": 3, "actions": 2, "seed": 0},
)
