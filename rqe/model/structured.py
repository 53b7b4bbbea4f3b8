"""What games with structured payoffs share: outcomes that are not the others' joint actions."""

from __future__ import annotations

from typing import Any

from ._checks import FloatArray
from ._frozen import Frozen
from ._outcomes import Joint
from .normal_form import NormalFormGame

LARGEST = 4_000_000
"""Most payoffs, of all players together, that a structured game is written out with."""


class StructuredGame(Frozen):
    """A finite game whose players' payoffs are listed by outcomes of its own `form`.

    Attributes
    ----------
    form : Joint
        What the outcomes are and how play makes them likely.
    own_payoffs : tuple of array (n_i, m_i) or PayoffOperator
        Own actions by outcomes, one a seat: a player, or a type of identical players.
    payoff_ranges : array (N,)
        Largest less smallest payoff of each seat.
    shape : tuple of int
        Number of actions of each seat.
    players, actions, name
        Labels.
    """

    form: Joint
    own_payoffs: tuple[Any, ...]
    payoff_ranges: FloatArray
    shape: tuple[int, ...]
    players: tuple[str, ...]
    actions: tuple[tuple[str, ...], ...]
    name: str

    @property
    def n_seats(self) -> int:
        """Number of strategies that a profile consists of."""
        return len(self.shape)

    def to_normal_form(self) -> NormalFormGame:
        """The same game with every payoff written out."""
        raise NotImplementedError

    def _refuse_large(self, payoffs: int) -> None:
        if payoffs > LARGEST:
            raise ValueError(
                f"the game must have at most {LARGEST:,} payoffs to be written out; it has "
                f"{payoffs:.3g}: solve it as it is"
            )

    def _title(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._title()}>"

    def __str__(self) -> str:
        return self._title()
