"""What cross-play came to: returns and events of pairs of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..result.table import Table

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class CrossPlay:
    """What pairs of runs earned together; read-only arrays, seats on the last axis.

    Leading axes are (rows, columns) of a cross-play, and (runs,) of self-play.

    Attributes
    ----------
    agents : tuple of str
        The environment's, by seat; N of them.
    returns : array (..., N)
        Each agent's undiscounted sum of rewards over ``steps`` environment steps, the
        environment's own resets included: mean over rollouts, in reward units.
    errors : array (..., N)
        Standard error of these means over rollouts; NaN of a single rollout.
    total : array (...)
        Sum of the agents' returns.
    total_errors : array (...)
        Its standard error.
    events : dict of array (..., N)
        How often each agent did what the environment counts, over the same steps: mean over
        rollouts.
    event_errors : dict of array (..., N)
        Their standard errors.
    episodes : int
        Rollouts of each pair.
    steps : int
        Environment steps of each.
    private_costs : dict of float, optional
        What each event costs the agent itself, as the environment says, in reward units.
    """

    agents: tuple[str, ...]
    returns: FloatArray
    errors: FloatArray
    total: FloatArray
    total_errors: FloatArray
    events: dict[str, FloatArray] = field(default_factory=dict)
    event_errors: dict[str, FloatArray] = field(default_factory=dict)
    episodes: int = 0
    steps: int = 0
    private_costs: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for array in (self.returns, self.errors, self.total, self.total_errors,
                      *self.events.values(), *self.event_errors.values()):  # fmt: skip
            array.setflags(write=False)

    @property
    def square(self) -> bool:
        """Whether there is a pair for every row and column, as many of each."""
        return self.total.ndim == 2 and self.total.shape[0] == self.total.shape[1]

    def diagonal(self) -> CrossPlay:
        """The pairs of equal row and column: self-play, where rows and columns are the same runs.

        Raises
        ------
        ValueError
            Not as many rows as columns.
        """
        if not self.square:
            raise ValueError(f"diagonal needs a square cross-play; got {self.total.shape} pairs")
        every = np.arange(len(self.total))
        return self._map(lambda a: a[every, every].copy())

    def table(self) -> Table:
        """A row for each pair, or run: returns, their errors, events.

        Returns
        -------
        Table
        """
        keys = ("row", "column") if self.total.ndim == 2 else ("run",)
        seats = [f"_{agent}" for agent in self.agents]
        columns = [*keys, "total", "total_error", *(f"return{s}" for s in seats)]
        columns += [f"error{s}" for s in seats]
        columns += [f"{name}{s}" for name in self.events for s in seats]
        rows = []
        for place in np.ndindex(self.total.shape):
            cells = [*place, self.total[place], self.total_errors[place], *self.returns[place]]
            cells += [*self.errors[place], *(v for e in self.events.values() for v in e[place])]
            rows.append(tuple(int(c) if isinstance(c, int) else float(c) for c in cells))
        return Table(tuple(columns), tuple(rows), f"{self!r}")

    def _map(self, change: Callable[[FloatArray], FloatArray]) -> CrossPlay:
        return CrossPlay(
            self.agents,
            change(self.returns),
            change(self.errors),
            change(self.total),
            change(self.total_errors),
            {name: change(a) for name, a in self.events.items()},
            {name: change(a) for name, a in self.event_errors.items()},
            self.episodes,
            self.steps,
            self.private_costs,
        )

    def __repr__(self) -> str:
        pairs = " x ".join(map(str, self.total.shape))
        return (
            f"<CrossPlay of {pairs} {'pairs' if self.total.ndim == 2 else 'runs'}: mean total "
            f"{self.total.mean():.4g} over {self.steps} steps, {self.episodes} rollouts each>"
        )
