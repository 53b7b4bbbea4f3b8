"""Who does the work: free-riding in play, and what workers and free-riders earn with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..result.table import Table
from .intervals import bootstrap
from .pairings import CrossPlay, FloatArray

WORKER, FREE_RIDER, SHARING = "worker", "free-rider", "sharing"
"""What a seat is: the one who works for a free-rider, the one under a tenth, or neither."""


@dataclass(frozen=True, eq=False, repr=False)
class FreeRiding:
    """How a common task is shared, for each pair or run; leading axes as `CrossPlay` has them.

    Attributes
    ----------
    shares : array (..., N)
        Each agent's part of the work done, in [0, 1]; NaN where none was.
    smallest : array (...)
        The smallest of these.
    movement : array (...)
        The smallest number of moves of an agent divided by the largest, in [0, 1]; NaN where no one
        moved.
    private_costs : array (..., N)
        Each agent's over a rollout, in reward units; NaN where they are not known.
    cost_difference : array (...)
        Between the largest and the smallest of them, the degree of free-riding ``delta`` of SRA
        (there of one step, here of a rollout).
    free_rides : bool array (...)
        Whether an agent does less than ``below`` of the work; false where none is done.
    free_riders : bool array (..., N)
        Which agents do.
    below : float
    """

    shares: FloatArray
    smallest: FloatArray
    movement: FloatArray
    private_costs: FloatArray
    cost_difference: FloatArray
    free_rides: NDArray[np.bool_]
    free_riders: NDArray[np.bool_]
    below: float

    @property
    def kinds(self) -> NDArray[np.str_]:
        """What every seat is: "worker", "free-rider" or "sharing"; array (..., N).

        All others are workers where someone rides free; where no one does, or nothing is done, all
        are sharing.
        """
        return np.where(
            self.free_riders, FREE_RIDER, np.where(self.free_rides[..., None], WORKER, SHARING)
        )

    def table(self) -> Table:
        """A row for each pair, or run."""
        keys = ("run",) if self.smallest.ndim == 1 else ("row", "column")
        columns = (*keys, "smallest share", "movement", "cost difference", "free-rides")
        rows = []
        for place in np.ndindex(self.smallest.shape):
            numbers = (self.smallest, self.movement, self.cost_difference)
            cells = [float(a[place]) for a in numbers]
            rows.append((*place, *cells, bool(self.free_rides[place])))
        return Table(columns, tuple(rows), repr(self))

    def __repr__(self) -> str:
        count, out_of = int(self.free_rides.sum()), self.free_rides.size
        return f"<FreeRiding: an agent does under {self.below:.0%} of the work in {count}/{out_of}>"


def free_riding(
    result: CrossPlay,
    *,
    costs: Mapping[str, float] | None = None,
    work: str = "deliveries",
    moves: str = "moves",
    below: float = 0.1,
) -> FreeRiding:
    """Statistics of free-riding of cross-play or self-play.

    Parameters
    ----------
    result : CrossPlay
    costs : mapping of str to float, optional
        What each event costs the agent itself, in reward units; by default what the environment
        says in ``private_costs``.
    work, moves : str
        The events that are work, and that are movement.
    below : float in [0, 1]
        Part of the work under which an agent rides free.

    Returns
    -------
    FreeRiding

    Raises
    ------
    ValueError
        An event that the environment did not count, a number out of range.

    Examples
    --------
    One agent delivers nine times out of ten:

    >>> import numpy as np
    >>> from rqe.train import CrossPlay, free_riding
    >>> events = {"deliveries": np.array([[9.0, 1.0]]), "moves": np.array([[90.0, 30.0]])}
    >>> zero = np.zeros((1, 2))
    >>> play = CrossPlay(("a", "b"), zero, zero, zero[:, 0], zero[:, 0], events)
    >>> found = free_riding(play, costs={"moves": 0.2}, below=0.2)
    >>> found.smallest, found.movement.round(3), found.cost_difference, found.free_rides
    (array([0.1]), array([0.333]), array([12.]), array([ True]))
    """
    if not 0.0 <= below <= 1.0:
        raise ValueError(f"below must be in [0, 1]; got {below!r}")
    done, moved = _event(result, work, "work"), _event(result, moves, "moves")
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = done / done.sum(axis=-1, keepdims=True)
        movement = moved.min(axis=-1) / moved.max(axis=-1)
    prices = result.private_costs if costs is None else costs
    paid = np.full(done.shape, np.nan)
    if prices is not None:
        paid = np.zeros(done.shape)
        for name, price in prices.items():
            paid = paid + price * _event(result, name, "costs")
    # a share of NaN is not below anything
    lazy = shares < below
    return FreeRiding(
        shares,
        shares.min(axis=-1),
        movement,
        paid,
        paid.max(axis=-1) - paid.min(axis=-1),
        lazy.any(axis=-1),
        lazy,
        below,
    )


def _event(result: CrossPlay, name: str, argument: str) -> FloatArray:
    if name not in result.events:
        raise ValueError(
            f"{argument} must be among the events that the environment counts, "
            f"{sorted(result.events)}; got {name!r}"
        )
    return result.events[name]


def blocks(
    cross: CrossPlay,
    rows: Any,
    columns: Any = None,
    *,
    ordered: bool = False,
    seed: int = 0,
    draws: int = 2000,
) -> Table:
    """What kinds of players earn with each other: means over the cells of a cross-play matrix.

    Parameters
    ----------
    cross : CrossPlay
        Of R rows and C columns.
    rows : sequence (R, N) of str
        Kind of each run's seats, such as ``free_riding(self_play(...)).kinds``; any words do, so
        that runs of several algorithms can be told apart.
    columns : sequence (C, N) of str, optional
        By default rows and columns are the same runs in the same order; a run's cell with itself
        is left out then.
    ordered : bool
        Whether a worker in the first seat with a free-rider in the second is another block than
        the other way round.
    seed, draws : int
        Of the bootstrap over runs.

    Returns
    -------
    Table
        ``block``; ``pairs``, how many; ``mean`` total return, ``low`` and ``high`` end of its 95%
        interval over runs, and ``sd`` over pairs. One row a block that occurs, by name.

    Raises
    ------
    ValueError
        A self-play result, kinds that do not fit its runs.

    Notes
    -----
    The interval of a block of one pair has no width, which says nothing of how sure its mean is.

    Examples
    --------
    >>> import numpy as np
    >>> from rqe.train import CrossPlay, blocks
    >>> total = np.array([[9.0, 4.0], [4.0, 9.0]])
    >>> play = CrossPlay(("a", "b"), np.stack([total] * 2, -1) / 2, np.zeros((2, 2, 2)), total,
    ...                  np.zeros((2, 2)))
    >>> kinds = [["worker", "free-rider"], ["sharing", "sharing"]]
    >>> print(blocks(play, kinds).column("block"))
    ('free-rider with sharing', 'sharing with worker')
    """
    if cross.total.ndim != 2:
        raise ValueError("cross must have rows and columns; got self-play")
    same = columns is None
    seats = len(cross.agents)
    first = _kinds(rows, (cross.total.shape[0], seats), "rows")
    others = _kinds(rows if same else columns, (cross.total.shape[1], seats), "columns")
    names = np.empty(cross.total.shape, dtype=object)
    for i, j in np.ndindex(names.shape):
        # row and column of one run are no pair where both lists are the same runs
        who = (first[i][0], *others[j][1:])
        names[i, j] = "" if same and i == j else " with ".join(who if ordered else sorted(who))
    found = []
    for name in sorted(set(names.ravel()) - {""}):
        here = names == name
        cells = cross.total[here]
        middle = bootstrap(cross.total, seed=seed, same=same, pairs=here, draws=draws)
        spread = float(cells.std(ddof=1)) if len(cells) > 1 else float("nan")
        found.append((name, len(cells), middle.estimate, middle.low, middle.high, spread))
    return Table(("block", "pairs", "mean", "low", "high", "sd"), tuple(found))


def _kinds(kinds: Any, shape: tuple[int, int], argument: str) -> Sequence[Sequence[str]]:
    found = [[str(k) for k in run] for run in kinds]
    if len(found) != shape[0] or any(len(run) != shape[1] for run in found):
        raise ValueError(
            f"{argument} must name the kind of each of {shape[1]} seats for {shape[0]} runs; got "
            f"{len(found)} runs of {sorted({len(run) for run in found})} seats"
        )
    return found
