"""Games to and from nashpy and quantecon, which hold payoffs as plain arrays."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ..model.normal_form import NormalFormGame
from ._peer import peer, require_normal_form


def to_nashpy(game: NormalFormGame) -> Any:
    """The two-player game as a nashpy game.

    Parameters
    ----------
    game : NormalFormGame
        Two players.

    Returns
    -------
    nashpy.Game
        With copies of the payoffs; nashpy has no labels.

    Raises
    ------
    ValueError
        Not a normal-form game, or not two players.

    Examples
    --------
    >>> import rqe
    >>> from rqe.interop import to_nashpy
    >>> to_nashpy(rqe.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]])).payoff_matrices[0]
    array([[4., 0.],
           [3., 3.]])
    """
    require_normal_form(game)
    if game.n_players != 2:
        raise ValueError(f"game must have two players for nashpy; got {game.n_players}")
    nashpy = importlib.import_module("nashpy")
    return nashpy.Game(*(p.copy() for p in game.payoffs))


def from_nashpy(game: Any) -> NormalFormGame:
    """A nashpy game as a normal-form game.

    Parameters
    ----------
    game : nashpy.Game

    Returns
    -------
    NormalFormGame
        Two players, default labels.

    Raises
    ------
    ValueError
        Not a nashpy game, or payoffs that are not finite.

    Examples
    --------
    >>> import nashpy
    >>> from rqe.interop import from_nashpy
    >>> from_nashpy(nashpy.Game([[1, -1], [-1, 1]])).payoffs[1]
    array([[-1.,  1.],
           [ 1., -1.]])
    """
    if not isinstance(game, importlib.import_module("nashpy").Game):
        raise ValueError(f"game must be a nashpy game; got {type(game).__name__}")
    return NormalFormGame(game.payoff_matrices)


def to_quantecon(game: NormalFormGame) -> Any:
    """The game as a quantecon normal-form game.

    Parameters
    ----------
    game : NormalFormGame

    Returns
    -------
    quantecon.game_theory.NormalFormGame
        Player i's payoff array has the axes i, i + 1, ..., N, 1, ..., i - 1 (own action first,
        then the others cyclically); quantecon has no labels.

    Raises
    ------
    ValueError
        Not a normal-form game.
    MissingExtraError
        quantecon is not installed (extra ``quantecon``).

    Examples
    --------
    >>> import rqe
    >>> from rqe.interop import to_quantecon
    >>> game = rqe.NormalFormGame([[[4, 0], [3, 2]], [[4, 1], [0, 3]]])
    >>> to_quantecon(game).payoff_arrays[1]
    array([[4., 0.],
           [1., 3.]])
    """
    require_normal_form(game)
    theory = peer("quantecon", "quantecon", "quantecon.game_theory")
    n = game.n_players
    return theory.NormalFormGame(
        [
            theory.Player(np.array(p.transpose(_own_first(i, n)), order="C"))
            for i, p in enumerate(game.payoffs)
        ]
    )


def from_quantecon(game: Any) -> NormalFormGame:
    """A quantecon normal-form game as ours.

    Parameters
    ----------
    game : quantecon.game_theory.NormalFormGame

    Returns
    -------
    NormalFormGame
        Default labels.

    Raises
    ------
    ValueError
        Not a quantecon normal-form game, or payoffs that are not finite.
    MissingExtraError
        quantecon is not installed (extra ``quantecon``).

    Examples
    --------
    >>> from quantecon.game_theory import NormalFormGame
    >>> from rqe.interop import from_quantecon
    >>> from_quantecon(NormalFormGame([[[4, 4], [0, 3]], [[3, 0], [3, 3]]])).payoffs[0]
    array([[4., 0.],
           [3., 3.]])
    """
    theory = peer("quantecon", "quantecon", "quantecon.game_theory")
    if not isinstance(game, theory.NormalFormGame):
        raise ValueError(f"game must be a quantecon NormalFormGame; got {type(game).__name__}")
    return NormalFormGame(
        [p.transpose(np.argsort(_own_first(i, game.N))) for i, p in enumerate(game.payoff_arrays)]
    )


def _own_first(player: int, n: int) -> list[int]:
    return [(player + k) % n for k in range(n)]
