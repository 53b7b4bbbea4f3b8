"""Symmetric games: whether one is, which profiles and branches are not, and where these begin."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..model.normal_form import NormalFormGame
from ..result.path import Bifurcation, Branch, Path

APART = 1e-5
"""Difference of two players' probabilities up to which a profile counts as symmetric."""


def asymmetry(strategies: Sequence[FloatArray]) -> FloatArray:
    """Largest difference of two players' probabilities of one action, at many profiles.

    Parameters
    ----------
    strategies : sequence of array (T, n)
        One a player, all of one number of actions.

    Returns
    -------
    array (T,)
    """
    pairs = combinations(strategies, 2)
    return np.asarray(np.max([np.abs(x - y).max(axis=-1) for x, y in pairs], axis=0))


def check_symmetric(game: Any) -> NormalFormGame:
    """The game, if it is the same to every player.

    Raises
    ------
    ValueError
        It is not finite, of one player, or changes when players are exchanged.
    """
    if not isinstance(game, NormalFormGame) or game.n_players < 2 or len(set(game.shape)) > 1:
        raise ValueError(
            "game must be a finite game of two or more players, of equally many actions; got "
            f"{game!r}"
        )
    first = game.payoffs[0]
    noise = 1e-12 * float(game.payoff_ranges.max())
    mine = [np.abs(np.swapaxes(first, 1, j) - first).max() for j in range(2, game.n_players)]
    theirs = [
        np.abs(np.swapaxes(first, 0, i) - game.payoffs[i]).max() for i in range(1, game.n_players)
    ]
    if max(*mine, *theirs, 0.0) > noise:
        raise ValueError(f"game must be symmetric, the same to every player; got {game!r}")
    return game


def is_asymmetric(branch: Branch) -> bool:
    """Whether the equilibria of a branch of a symmetric game treat players differently."""
    return bool(asymmetry(branch.strategies).max() > APART)


def meetings(path: Path) -> list[Bifurcation]:
    """Where asymmetric branches leave symmetric ones, by parameter."""
    return [
        b
        for b in path.bifurcations
        if b.kind != "fold"
        and float(asymmetry([x[None] for x in b.strategies])[0]) <= APART
        and float(asymmetry([d[None] for d in b.direction])[0]) > APART
    ]
