"""Nash equilibria: the public function, its refusals and the choice of method."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..model.normal_form import NormalFormGame
from ..result.equilibrium import EquilibriumSet
from ._nash import Request
from ._validate import check_choice, check_game, check_numbers, check_start
from .nash_methods import (
    by_homotopy,
    by_lemke_howson,
    by_linear_program,
    by_quantecon,
    by_vertices,
    pure_equilibria,
)
from .vertices import bases

ALL_BASES = 10_000
"""Two-player games whose polytopes have at most this many bases (10 × 10 has 8,008) have all their
equilibria enumerated by default: some two seconds at the worst."""
CONSTANT = 8.0 * float(np.finfo(np.float64).eps)
"""Spread of the payoffs' sum, relative to the payoffs, that rounding explains."""
_ENGINES = {
    "vertex": by_vertices,
    "pure": pure_equilibria,
    "lemke-howson": by_lemke_howson,
    "zero-sum": by_linear_program,
    "homotopy": by_homotopy,
    "quantecon": by_quantecon,
}
METHODS = ("auto", *_ENGINES)


@np.errstate(all="ignore")  # what overflows is found by looking at the result
def solve_nash(
    game: NormalFormGame,
    *,
    method: str = "auto",
    start: Any = None,
    tol: float = 1e-10,
    max_steps: int = 100_000,
    throw: bool = True,
    seed: Any = None,
) -> EquilibriumSet:
    """Nash equilibria of a finite game, each certified by its regret.

    Parameters
    ----------
    game : NormalFormGame
    method : str
        ``auto``: ``vertex`` for two-player games up to about 10 × 10; else ``zero-sum`` where the
        payoffs sum to a constant; else all pure equilibria if there are any; else one equilibrium
        by ``lemke-howson`` (two players) or ``homotopy``. One player: all maximisers.

        ``vertex``: ALL equilibria of a two-player game (all extreme ones, where there is a
        continuum), in exact arithmetic on the payoffs as they print: 0.1 is one tenth. At the
        worst it takes about two seconds at 10 × 10, and more than twice that with one more action
        each. ``pure``: all pure equilibria, any number of players. ``lemke-howson``: one
        equilibrium, two players. ``zero-sum``: one of a two-player constant-sum game, by linear
        programming. ``homotopy``: one equilibrium, any number of players: the logit branch is
        followed towards ``epsilon = 0`` until an exact solve on the support it suggests is an
        equilibrium. ``quantecon``: quantecon's engines for two players (extra ``quantecon``),
        vertex enumeration where ``auto`` would use it, else Lemke–Howson.
    tol : float
        Bound on the residual (of the natural map) of every equilibrium.
    max_steps : int
        Bound on the work: bases visited, pivots over all labels, simplex iterations, or homotopy
        steps a level.
    throw : bool
        Raise where the method ends without a certified answer; else return what it has, with a note
        and the profile's status.
    start : optional
        ``homotopy``: a profile, from which the quantal responses are solved for; the branch is then
        not followed. ``lemke-howson``: the first label to drop, a whole number in [0, n_1 + n_2).
    seed : int or numpy.random.Generator, optional
        ``lemke-howson``: shuffles the labels, to reach other equilibria.

    Returns
    -------
    EquilibriumSet
        ``complete`` is ``"proved"`` where every equilibrium is known to be in the set.
        ``degenerate`` is decided exactly by ``vertex`` and None elsewhere; ``index`` is given where
        it is known. The ``notes`` say in words what is missing. ``pure`` gives an empty set where
        there is none.

    Raises
    ------
    ValueError
        A method that does not apply to the game, or an argument out of range.
    ConvergenceError
        No certified equilibrium was found; carries the best profile.
    MissingExtraError
        ``quantecon`` is not installed.

    Examples
    --------
    >>> import rqe
    >>> from rqe.solvers.nash import solve_nash
    >>> chicken = rqe.NormalFormGame([[[0, 7], [2, 6]], [[0, 2], [7, 6]]], name="chicken")
    >>> print(solve_nash(chicken))  # doctest: +ELLIPSIS
    3 equilibria, completeness proved, index sum +1
    #  strategies                           payoffs          residual       regret  index
    0  1 0 | 0 1                            7 2 ...
    1  0.333333 0.666667 | 0.333333 0.666667  4.66667 4.66667 ...
    2  0 1 | 1 0                            2 7 ...
    """
    check_game(game)
    check_numbers(tol, max_steps)
    check_choice("method", method, METHODS)
    _refuse(game, method, start, seed)
    small = game.n_players == 2 and bases(*game.shape) <= ALL_BASES
    request = Request(game, tol, max_steps, throw, start, seed, small)
    if method != "auto":
        return _ENGINES[method](request)
    if small:
        return by_vertices(request)
    if game.n_players == 2 and constant_sum(game):
        return by_linear_program(request)
    pure = pure_equilibria(request)
    if len(pure) or game.n_players == 1:
        return pure
    return by_lemke_howson(request) if game.n_players == 2 else by_homotopy(request)


def _refuse(game: NormalFormGame, method: str, start: Any, seed: Any) -> None:
    """Arguments that do not go together, before any work."""
    if method in ("vertex", "lemke-howson", "zero-sum", "quantecon") and game.n_players != 2:
        raise ValueError(
            f"method must be 'auto', 'pure' or 'homotopy' for {game.n_players} players; got "
            f"{method!r}, which is for two"
        )
    if start is not None and method not in ("homotopy", "lemke-howson"):
        raise ValueError(f"start must be None with method={method!r}; got {start!r}")
    if seed is not None and method != "lemke-howson":
        raise ValueError(f"seed must be None with method={method!r}; got {seed!r}")
    if method == "homotopy" and start is not None:
        check_start(start, game.shape, 0.0)  # only the refusal is wanted
    if method == "lemke-howson" and start is not None:
        count = sum(game.shape)
        if isinstance(start, bool) or not isinstance(start, int) or not 0 <= start < count:
            raise ValueError(
                f"start must be a label, a whole number in [0, {count}); got {start!r}"
            )
    try:
        np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"seed must be a whole number >= 0 or a Generator; got {seed!r}"
        ) from error
    if method == "zero-sum" and not constant_sum(game):
        total = game.payoffs[0] + game.payoffs[1]
        raise ValueError(
            "game must be constant-sum for method='zero-sum'; the payoffs' sum runs from "
            f"{total.min():.6g} to {total.max():.6g}"
        )


def constant_sum(game: NormalFormGame) -> bool:
    """Whether two players' payoffs sum to a constant, up to rounding."""
    first, second = game.payoffs
    size = max(float(np.abs(first).max()), float(np.abs(second).max()))
    return float(np.ptp(first + second)) <= CONSTANT * size
