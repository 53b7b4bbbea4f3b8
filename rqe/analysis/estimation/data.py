"""What was observed: a game and how often each group chose each action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...model._checks import FloatArray, real_array
from ...model._frozen import Frozen
from ...model.normal_form import NormalFormGame


class Observation(Frozen):
    """Choice counts of one game, by independent group.

    Parameters
    ----------
    game : NormalFormGame
    counts : sequence of array_like, each (n_i,) or (G, n_i)
        ``counts[i][g, a]``: how often players in role i of group g chose action a; one vector is
        one group. Choices of different groups are independent; within a group they need not be,
        which is what clustered standard errors allow for. Whole numbers, or any weights >= 0.

    Raises
    ------
    ValueError
        Something else than a finite game, counts of the wrong shape, negative or not finite, or no
        choices at all.

    Examples
    --------
    >>> import games
    >>> from rqe.analysis.estimation import Observation
    >>> Observation(games.matching_pennies(), [[30, 20], [24, 26]])
    <Observation of matching pennies: 2 players, 1 group, 100 choices>
    """

    game: NormalFormGame
    counts: tuple[FloatArray, ...]
    totals: tuple[FloatArray, ...]

    def __init__(self, game: NormalFormGame, counts: Sequence[Any]) -> None:
        if not isinstance(game, NormalFormGame):
            raise ValueError(f"game must be a NormalFormGame; got {type(game).__name__}")
        valid = f"{game.n_players} arrays, one a player, of shape (n_i,) or (G, n_i)"
        try:
            arrays = [np.atleast_2d(real_array(c)) for c in counts]
        except (TypeError, ValueError):
            raise ValueError(f"counts must be {valid}; got {counts!r}") from None
        if len(arrays) != game.n_players:
            raise ValueError(f"counts must be {valid}; got {len(arrays)} arrays")
        for i, (array, n) in enumerate(zip(arrays, game.shape, strict=True)):
            if array.shape != (arrays[0].shape[0], n):
                raise ValueError(
                    f"counts[{i}] must have shape ({arrays[0].shape[0]}, {n}), as many groups as "
                    f"counts[0] and an entry an action; got {array.shape}"
                )
            if not np.all(np.isfinite(array) & (array >= 0.0)):
                raise ValueError(f"counts[{i}] must be finite and >= 0; got {array.min()}")
            array.setflags(write=False)
        totals = [array.sum(axis=0) for array in arrays]
        if not sum(float(t.sum()) for t in totals) > 0.0:
            raise ValueError("counts must hold at least one choice; got none")
        for total in totals:
            total.setflags(write=False)
        self._freeze(game=game, counts=tuple(arrays), totals=tuple(totals))

    @property
    def n_groups(self) -> int:
        """Number of independent groups."""
        return int(self.counts[0].shape[0])

    @property
    def n_choices(self) -> float:
        """Number of choices, of all players together."""
        return float(sum(t.sum() for t in self.totals))

    @property
    def frequencies(self) -> tuple[FloatArray, ...]:
        """Relative frequency of each action, (n_i,) a player; NaN for one that never chose."""
        with np.errstate(invalid="ignore"):
            return tuple(t / t.sum() for t in self.totals)

    def __repr__(self) -> str:
        groups = "1 group" if self.n_groups == 1 else f"{self.n_groups} groups"
        name = f" of {self.game.name}" if self.game.name else ""
        return (
            f"<Observation{name}: {self.game.n_players} players, {groups}, "
            f"{self.n_choices:g} choices>"
        )


def check_data(data: Any) -> tuple[Observation, ...]:
    """One observation, or a sequence of them, as a tuple.

    Raises
    ------
    ValueError
        Anything else.
    """
    given = (data,) if isinstance(data, Observation) else data
    try:
        observations = tuple(given)
    except TypeError:
        observations = ()
    if not observations or not all(isinstance(o, Observation) for o in observations):
        raise ValueError(f"data must be an Observation or a sequence of them; got {data!r}")
    return observations
