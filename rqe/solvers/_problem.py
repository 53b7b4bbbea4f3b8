"""A batch of games of one shape in the units the iterations like: payoffs centred, unit range.

Payoffs × c with tau / c and epsilon × c leave every RQE unchanged, and so does adding a constant:
iterations therefore run on payoffs in [-1/2, 1/2] with ``tau × range`` and ``epsilon / range``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Literal

import numpy as np

from ..model._checks import FloatArray
from ..model._outcomes import JOINT, Joint
from ._rows import crowded, take

Payoffs = tuple[Any, ...]
"""One array (B or 1, n_i, m_i) a player, or a `PayoffOperator` of shape (1, n_i, m_i)."""


@dataclass(frozen=True)
class Problem:
    """Normalised payoffs and attitudes of a batch.

    Attributes
    ----------
    payoffs : tuple of array (B or 1, n_i, m_i), or of PayoffOperator
        Own actions by outcomes, the others' joint actions; a leading 1 is one game shared by the
        batch.
    tau, precision : array (B, N)
        Risk aversion in normalised units (finite), and ``1 / epsilon``.
    fixed : tuple of (array (B, n_i) or None)
        Log-strategies of players that do not respond (those with ``tau = inf``, whose strategy
        does not depend on the others), None for those that do.
    neutral : tuple of bool
        Players with ``tau = 0`` in the whole batch, whose belief is the others' actual play.
    form : Joint
        What the outcomes are, if not the others' joint actions.
    """

    payoffs: Payoffs
    tau: FloatArray
    precision: FloatArray
    fixed: tuple[FloatArray | None, ...]
    neutral: tuple[bool, ...]
    form: Joint = JOINT

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return tuple(p.shape[1] for p in self.payoffs)

    @cached_property
    def active(self) -> tuple[int, ...]:
        """Players that respond."""
        return tuple(i for i, z in enumerate(self.fixed) if z is None)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where each active player's actions begin; last, how many there are."""
        ends = accumulate(self.sizes[i] for i in self.active)
        return (0, *ends)

    @cached_property
    def columns(self) -> dict[int, slice]:
        """Where each active player's actions lie among all."""
        cuts = zip(self.starts[:-1], self.starts[1:], strict=True)
        return {i: slice(*cut) for i, cut in zip(self.active, cuts, strict=True)}

    @cached_property
    def order(self) -> Literal["C", "F"]:
        """Layout of its arrays: "F" for a crowd of small games, with the game as fastest axis."""
        return "F" if crowded(self.batch, self.sizes) else "C"

    @property
    def batch(self) -> int:
        """Number of games."""
        return int(self.tau.shape[0])

    def uniform(self) -> list[FloatArray]:
        """The uniform profile (fixed players at their strategy), as log-probabilities."""
        return [
            np.full((self.batch, n), -np.log(n), order=self.order) if given is None else given
            for n, given in zip(self.sizes, self.fixed, strict=True)
        ]

    def take(self, keep: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Problem:
        """The sub-batch of the given rows."""
        return Problem(
            payoffs=tuple(p if p.shape[0] == 1 else take(p, keep) for p in self.payoffs),
            tau=take(self.tau, keep),
            precision=take(self.precision, keep),
            fixed=tuple(None if z is None else take(z, keep) for z in self.fixed),
            neutral=self.neutral,
            form=self.form,
        )


def normalise(
    own_payoffs: Sequence[Any],
    ranges: FloatArray,
    tau: FloatArray,
    epsilon: FloatArray,
    fixed: Sequence[FloatArray | None],
    form: Joint = JOINT,
) -> Problem:
    """Centre payoffs (B or 1, n_i, m_i) and scale them and the attitudes by the ranges (B, N)."""
    order: Literal["C", "F"] = "F" if crowded(len(tau), [p.shape[1] for p in own_payoffs]) else "C"
    scaled = []
    taus, precisions = np.zeros(tau.shape, order=order), np.zeros(tau.shape, order=order)
    for i, raw in enumerate(own_payoffs):
        span = ranges[: raw.shape[0], i]
        unit = np.where(span > 0.0, span, 1.0)
        if isinstance(raw, np.ndarray):
            middle = raw.max(axis=(1, 2)) - 0.5 * span
            centred = np.asarray(raw - middle[:, None, None], order=order)
            centred /= unit[:, None, None]
            scaled.append(centred)
        else:
            scaled.append(raw.centred()[0].scaled(1.0 / float(unit[0])))
        if fixed[i] is None:
            taus[:, i], precisions[:, i] = tau[:, i] * unit, unit / epsilon[:, i]
    return Problem(
        payoffs=tuple(scaled),
        tau=taus,
        precision=precisions,
        fixed=tuple(fixed),
        neutral=tuple(bool(np.all(t == 0.0)) for t in taus.T),
        form=form,
    )
