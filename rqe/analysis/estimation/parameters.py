"""Which parameters a fit has, and which player in which game each of them belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...model._checks import FloatArray
from .data import Observation

CONCEPTS = {"rqe": ("tau", "epsilon"), "qre": ("epsilon",), "nash": ("eta",)}
"""What the degrees of each concept are called."""
SHARES = ("all", "role", "game")

LIMITS = {"tau": (1e-4, 1e4), "epsilon": (1e-3, 1e3), "eta": (1e-9, 1.0 - 1e-9)}
"""Where the search ends: ``tau`` times and ``epsilon`` divided by the largest payoff range."""


@dataclass(frozen=True)
class Layout:
    """The parameters of a fit.

    Attributes
    ----------
    names : tuple of str, length K
        ``"tau"``, ``"tau[player 2]"`` or ``"tau[game 3]"``, by what shares a value.
    kinds : tuple of {"tau", "epsilon", "eta"}, length K
    at : tuple of int array (number of degrees of the concept, N), one a game
        Which parameter each player's degrees are.
    lower, upper : array (K,)
        Where the search ends, in the parameters' own units.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    at: tuple[np.ndarray[tuple[int, int], np.dtype[np.intp]], ...]
    lower: FloatArray
    upper: FloatArray

    def to_line(self, values: FloatArray) -> FloatArray:
        """Log of ``tau`` and ``epsilon``, logit of ``eta``: the scale that is searched."""
        eta = self.is_eta
        with np.errstate(divide="ignore"):
            odds = np.where(eta, values / np.where(eta, 1.0 - values, 1.0), values)
            return np.asarray(np.log(odds))

    def from_line(self, line: FloatArray) -> FloatArray:
        """The inverse of `to_line`."""
        size = np.exp(line)
        return np.asarray(np.where(self.is_eta, size / (1.0 + size), size))

    def slope(self, values: FloatArray) -> FloatArray:
        """Derivative of `from_line` at the given values."""
        return np.asarray(np.where(self.is_eta, values * (1.0 - values), values))

    @property
    def is_eta(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which parameters are probabilities."""
        return np.array([kind == "eta" for kind in self.kinds])


def layout(data: tuple[Observation, ...], concept: str, share: str) -> Layout:
    """The parameters of a concept, shared by ``"all"``, within a ``"role"`` or within a ``"game"``.

    Raises
    ------
    ValueError
        ``share="role"`` of games with different numbers of players.
    """
    players = [o.game.n_players for o in data]
    if share == "role" and len(set(players)) > 1:
        raise ValueError(
            "share must be 'all' or 'game' for games with different numbers of players; got "
            f"'role' for {sorted(set(players))}"
        )
    blocks = {"all": 1, "role": players[0], "game": len(data)}[share]
    labels = {
        "all": [""],
        "role": [f"[player {i + 1}]" for i in range(blocks)],
        "game": [f"[game {g + 1}]" for g in range(blocks)],
    }[share]
    kinds = CONCEPTS[concept]
    at = []
    for g, n in enumerate(players):
        block = {"all": np.zeros(n, int), "role": np.arange(n), "game": np.full(n, g)}[share]
        at.append(np.stack([block + k * blocks for k in range(len(kinds))]))
    span = largest_range(data)
    unit = {"tau": 1.0 / span, "epsilon": span, "eta": 1.0}
    every = tuple(kind for kind in kinds for _ in range(blocks))
    return Layout(
        names=tuple(kind + label for kind in kinds for label in labels),
        kinds=every,
        at=tuple(at),
        lower=np.array([LIMITS[kind][0] * unit[kind] for kind in every]),
        upper=np.array([LIMITS[kind][1] * unit[kind] for kind in every]),
    )


def largest_range(data: tuple[Observation, ...]) -> float:
    """The largest range of a player's payoffs in any of the games; 1 if no payoff varies."""
    span = max(float(np.max(o.game.payoff_ranges)) for o in data)
    return span if span > 0.0 else 1.0
