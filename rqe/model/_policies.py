"""Refusals of malformed policies of Markov games."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._checks import FloatArray, real_array
from .markov import MarkovGame


def check_policies(
    policies: Any, game: MarkovGame, *, steps: int | None = None
) -> list[FloatArray]:
    """Policies as arrays (S, n_i), or (H, S, n_i) with ``H >= steps`` where they may be such.

    Parameters
    ----------
    policies : sequence of array_like
        One a player, rows non-negative and summing to 1 up to 1e-6, which they are scaled to.
    game : MarkovGame
    steps : int, optional
        How many steps policies that vary with the step must have; if None they may not vary.

    Raises
    ------
    ValueError
        Another number of arrays or other shapes, rows that are no distributions, too few steps.
    """
    lead = "" if steps is None else "[H,] "
    shapes = ", ".join(f"({lead}{game.n_states}, {n})" for n in game.shape)
    valid = f"{game.n_players} arrays of shapes {shapes}, rows non-negative and summing to 1"
    try:
        parts = [real_array(x) for x in policies]
    except (TypeError, ValueError):
        raise ValueError(f"policies must be {valid}; got {policies!r}") from None
    fits = len(parts) == game.n_players and all(
        x.ndim in ((2,) if steps is None else (2, 3)) and x.shape[-2:] == (game.n_states, n)
        for x, n in zip(parts, game.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"policies must be {valid}; got shapes {[x.shape for x in parts]}")
    for i, x in enumerate(parts):
        off = ~((x >= 0.0).all(axis=-1) & (np.abs(x.sum(axis=-1) - 1.0) <= 1e-6))
        if off.any():
            where = tuple(int(k) for k in np.argwhere(off)[0])
            raise ValueError(
                f"policies must be {valid}; got {x[where]} for player {i} in state {where[-1]}"
            )
        if steps is not None and x.ndim == 3 and x.shape[0] < steps:
            raise ValueError(
                f"policies must have at least {steps} steps, as play has; got {x.shape[0]} for "
                f"player {i}"
            )
    return [x / x.sum(axis=-1, keepdims=True) for x in parts]
