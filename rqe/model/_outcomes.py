"""What a player's payoffs are listed by, and how the others' play makes it likely.

In a game that is written out, an outcome is a joint action of the others. Where payoffs have more
structure there are far fewer outcomes: one for each action of each neighbour, or one for each way
in which the others' choices can be counted. A solver needs to know three things of them: their
log-probabilities, how those change with each player's log-strategy, and which of them are
exclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..core.ops import joint_log
from ._checks import FloatArray

Logs = Sequence[FloatArray]
"""One array (..., n_j) of log-probabilities a player."""


@dataclass(frozen=True)
class Parts:
    """Consecutive groups of outcomes; exactly one outcome of EACH group comes true."""

    starts: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where each group lies."""
        return tuple(slice(a, a + n) for a, n in zip(self.starts, self.sizes, strict=True))

    def spread(self, each: FloatArray) -> FloatArray:
        """One number a group (..., K) as one an outcome (..., m)."""
        return np.repeat(each, self.sizes, axis=-1)

    def sums(self, x: FloatArray) -> FloatArray:
        """Sum over each group of (..., m): (..., K)."""
        return np.asarray(np.add.reduceat(x, self.starts, axis=-1))

    def normalised(self, x: FloatArray) -> FloatArray:
        """Log-softmax of each group of (..., m)."""
        shifted = x - self.spread(np.maximum.reduceat(x, self.starts, axis=-1))
        return np.asarray(shifted - self.spread(np.log(self.sums(np.exp(shifted)))))


@lru_cache(maxsize=64)
def _others(player: int, count: int) -> tuple[int, ...]:
    return tuple(j for j in range(count) if j != player)


class Joint:
    """Outcomes are the joint actions of all others, as in `core.ops.own_first`."""

    own = False
    """Whether a player's own strategy is among those that make its outcomes."""

    def column(self, player: int, source: int, count: int) -> int | None:
        """Where a source's actions begin among the outcomes; None where no outcome is one action.

        So it is with two players, and wherever only marginals matter.
        """
        return 0 if count == 2 and source != player else None

    def sources(self, player: int, count: int) -> tuple[int, ...]:
        """Players (of `count`) whose strategies make the player's outcomes."""
        return _others(player, count)

    def parts(self, player: int) -> Parts | None:
        """Groups of outcomes of which one each comes true; None where there is but one group."""
        return None

    def log_play(self, z: Logs, player: int) -> FloatArray:
        """Log-probabilities (..., m_i) of the player's outcomes under the strategies' play."""
        return joint_log(tuple(z), player)  # type: ignore[no-any-return]

    def weights(self, z: Logs, player: int) -> Any:
        """Whatever `step` and `pull` need of the profile: None where `log_play` is linear."""
        return None

    def step(self, weights: Any, dz: Logs, player: int) -> FloatArray:
        """Derivative of `log_play` in the direction ``dz``, (..., m_i), not normalised."""
        return joint_log(tuple(dz), player)  # type: ignore[no-any-return]

    def pull(self, weights: Any, player: int, source: int, slope: FloatArray) -> FloatArray:
        """``slope`` (B, n, m_i) times the derivative of `log_play` by a source's log-strategy."""
        raise NotImplementedError("sums over joint actions need the players' sizes: see `marginal`")


JOINT = Joint()


class Marginals(Joint):
    """Outcomes are the single actions of each neighbour, side by side: additive payoffs.

    Parameters
    ----------
    neighbours : sequence of sequences of int
        For each player, whose actions its payoffs depend on, in ascending order.
    shape : sequence of int
        Number of actions of each player.
    """

    def __init__(self, neighbours: Sequence[Sequence[int]], shape: Sequence[int]) -> None:
        self.neighbours = tuple(tuple(row) for row in neighbours)
        self.cuts: list[dict[int, slice]] = []
        self.groups: list[Parts | None] = []
        for row in self.neighbours:
            sizes = tuple(shape[j] for j in row)
            starts = tuple(int(s) for s in np.cumsum((0, *sizes[:-1])))
            groups = Parts(starts, sizes)
            self.cuts.append(dict(zip(row, groups.slices, strict=True)))
            self.groups.append(groups if len(row) > 1 else None)

    def column(self, player: int, source: int, count: int) -> int | None:
        """As `Joint.column`."""
        cut = self.cuts[player].get(source)
        return None if cut is None else int(cut.start)

    def sources(self, player: int, count: int) -> tuple[int, ...]:
        """As `Joint.sources`: the neighbours."""
        return self.neighbours[player]

    def parts(self, player: int) -> Parts | None:
        """As `Joint.parts`: one group a neighbour."""
        return self.groups[player]

    def log_play(self, z: Logs, player: int) -> FloatArray:
        """As `Joint.log_play`: the neighbours' strategies side by side."""
        row = self.neighbours[player]
        return z[row[0]] if len(row) == 1 else np.concatenate([z[j] for j in row], axis=-1)

    def step(self, weights: Any, dz: Logs, player: int) -> FloatArray:
        """As `Joint.step`: `log_play` is linear."""
        return self.log_play(dz, player)

    def pull(self, weights: Any, player: int, source: int, slope: FloatArray) -> FloatArray:
        """As `Joint.pull`: the source's columns."""
        return slope[..., self.cuts[player][source]]
