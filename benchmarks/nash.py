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
        {"n": 8, "repeats": 3, "rational": True},
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
