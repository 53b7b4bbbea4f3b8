"""Equilibria of many games at many attitudes: neighbouring points solved together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model._checks import FloatArray, whole
from ..model.normal_form import NormalFormGame
from ..result.batch import BatchEquilibrium
from ..result.status import Status
from ..solvers._validate import check_choice, check_numbers
from ..solvers.many import solve_many
from ..solvers.normal_form import METHODS, SELECTIONS
from .sweep_files import MAX_NAME
from .sweep_grid import Grid
from .sweep_points import FAILED, check_function, ending_of
from .sweep_table import Column, Scalar, column_of

ATTITUDES = ("tau", "epsilon", "lam")
LOCKSTEP = 8192
"""Points of a family that are solved together, at most."""
MAX_POINTS = 2**20
"""Points of a chunk, at most."""
NUMBERS = 2**22
"""Payoffs of the games that are solved together, at most (one game may have more)."""
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class GameFamily:
    """Games that a sweep solves for their risk-averse quantal response equilibria.

    Parameters
    ----------
    make : callable or NormalFormGame
        Makes a `NormalFormGame` of the grid's values, given by name; ``tau``, ``epsilon`` and
        ``lam`` aside. Or one game for all points.
    method, select, tol, max_steps
        As for `rqe.solve_many`.
    strategies : bool
        Whether the table has the players' strategies, an action a column.
    lockstep : int, optional
        How many neighbouring points are solved together, at least 1; by default 8,192, and fewer
        where the first point's game is large. Games of one shape are solved as one batch, whose
        rounding depends on what else is in it: the number is part of what is swept.

    Raises
    ------
    ValueError
        An argument out of range.

    Examples
    --------
    >>> import games, rqe
    >>> family = rqe.analysis.GameFamily(games.free_riding, strategies=False)
    >>> table = rqe.analysis.sweep(family, {"cost": [0.3, 0.4], "tau": 1.0, "epsilon": [0.1, 0.2]})
    >>> table.column("status")
    ('CONVERGED', 'CONVERGED', 'CONVERGED', 'CONVERGED')
    """

    make: Callable[..., Any] | NormalFormGame
    method: str = "auto"
    select: str = "principal"
    tol: float = 1e-10
    max_steps: int = 10_000
    strategies: bool = True
    lockstep: int | None = None

    def __post_init__(self) -> None:
        if not callable(self.make) and not isinstance(self.make, NormalFormGame):
            raise ValueError(
                f"make must be a NormalFormGame or a function that makes one; got {self.make!r:.60}"
            )
        check_choice("method", self.method, METHODS)
        check_choice("select", self.select, SELECTIONS)
        check_numbers(self.tol, self.max_steps)
        if self.lockstep is not None:
            whole(self.lockstep, "lockstep", 1, MAX_POINTS)


def check_family(family: GameFamily, grid: Grid) -> None:
    """Whether the grid has the attitudes, and beside them what games are made of."""
    attitudes = attitude_axes(grid)
    others = tuple(n for n in grid.names if n not in attitudes)
    if not isinstance(family.make, NormalFormGame):
        check_function(family.make, others)
    elif others:
        raise ValueError(f"grid must name nothing but attitudes of one game; got {others[0]!r}")


def attitude_axes(grid: Grid) -> tuple[str, ...]:
    """Names of the grid's axes that are attitudes: ``tau``, or ``tau_2`` of player 2 alone.

    Raises
    ------
    ValueError
        Values out of range, precision given twice, or an attitude that nobody has.
    """
    found = tuple(n for n in grid.names if n.partition("_")[0] in ATTITUDES and _player(n) >= 0)
    kinds = {n.partition("_")[0] for n in found}
    if "tau" not in kinds or len(kinds) != 2:
        raise ValueError(
            "grid must have tau, and either epsilon or lam (a player's own: tau_1, epsilon_1 and "
            f"so on); got {', '.join(grid.names)}"
        )
    for name, axis in zip(grid.names, grid.axes, strict=True):
        kind = name.partition("_")[0]
        if name in found:
            for value in axis:
                number = not isinstance(value, bool) and isinstance(value, (int, float))
                if not number or not _admissible(kind, float(value)):  # type: ignore[arg-type]
                    valid = {"tau": "in [0, inf]", "epsilon": "in [0, inf)", "lam": "in (0, inf)"}
                    raise ValueError(f"{name} must be numbers {valid[kind]}; got {value!r:.60}")
    return found


def _player(name: str) -> int:
    """The player, from 1, that an attitude is of; 0 for all, -1 where it is no attitude."""
    _, line, rest = name.partition("_")
    if not line:
        return 0
    return int(rest) if rest.isdecimal() and rest[0] != "0" else -1


def _admissible(kind: str, value: float) -> bool:
    return value >= 0.0 if kind == "tau" else 0.0 <= value < np.inf and (value > 0 or kind != "lam")


def default_lockstep(family: GameFamily, grid: Grid) -> int:
    """How many points are solved together: a matter of the family and the grid alone."""
    if family.lockstep is not None:
        return family.lockstep
    attitudes = attitude_axes(grid)
    try:
        point = next(iter(grid.points(0, 1)))
        first = make_game(family, {n: v for n, v in point.items() if n not in attitudes})
    except Exception:  # a failing point is a row, later
        return LOCKSTEP
    return max(1, min(LOCKSTEP, NUMBERS // (first.n_players * first.payoffs[0].size)))


def make_game(family: GameFamily, point: Mapping[str, Scalar]) -> NormalFormGame:
    """The game of some values of the grid."""
    made = family.make if isinstance(family.make, NormalFormGame) else family.make(**point)
    if not isinstance(made, NormalFormGame):
        raise ValueError(
            f"make must make a NormalFormGame; got {type(made).__name__}: sweep a function of the "
            "point that solves it"
        )
    return made


def family_columns(
    family: GameFamily, grid: Grid, start: int, stop: int, lockstep: int
) -> dict[str, Column]:
    """Equilibria at the points from `start` to before `stop`, so many at a time."""
    chunk = _Chunk(family, grid, attitude_axes(grid), start, stop)
    for first in range(start, stop, lockstep):
        chunk.solve(first, min(first + lockstep, stop))
    return chunk.columns()


class _Chunk:
    """The columns of a chunk while they are filled."""

    def __init__(
        self, family: GameFamily, grid: Grid, attitudes: tuple[str, ...], start: int, stop: int
    ) -> None:
        self.family, self.grid, self.attitudes, self.start = family, grid, attitudes, start
        self.status = np.full(stop - start, FAILED, dtype=object)
        self.reason = np.full(stop - start, None, dtype=object)
        self.branch = np.full(stop - start, None, dtype=object)
        self.numbers: dict[str, FloatArray] = {}
        for name in ("residual", "regret", "iterations"):
            self._cells(name)

    def _cells(self, name: str) -> FloatArray:
        return self.numbers.setdefault(name, np.full(len(self.status), np.nan))

    def columns(self) -> dict[str, Column]:
        """All columns; whole numbers are such where none is missing."""
        numbers = {name: Column(data) for name, data in self.numbers.items()}
        steps = self.numbers["iterations"]
        if not np.isnan(steps).any():
            numbers["iterations"] = Column(steps.astype(np.int64))
        texts = {n: getattr(self, n).tolist() for n in ("status", "reason", "branch")}
        return {**{n: column_of(values) for n, values in texts.items()}, **numbers}

    def solve(self, start: int, stop: int) -> None:
        """The points from `start` to before `stop`, those of one kind of game as one batch."""
        where = self.grid.indices(start, stop)
        degrees = {
            n: np.array(axis, dtype=np.float64)[where[n]]
            for n, axis in zip(self.grid.names, self.grid.axes, strict=True)
            if n in self.attitudes
        }
        made, which = self._games(where)
        kinds: dict[Any, int] = {}
        kind_of = np.empty(len(made), dtype=np.int64)
        for number, game in enumerate(made):
            if isinstance(game, Exception):
                kind_of[number] = -1
                self._fail(np.flatnonzero(which == number) + (start - self.start), game)
            else:
                kind = (game.shape, game.players, game.actions)
                kind_of[number] = kinds.setdefault(kind, len(kinds))
        for (shape, *_), number in kinds.items():
            rows = np.flatnonzero(kind_of[which] == number)
            try:
                tau, epsilon = _per_player(degrees, rows, len(shape))
            except ValueError as error:
                self._fail(rows + (start - self.start), error)
                continue
            # a player's tau is infinite in all games of a batch or in none
            patterns, pattern = np.unique(np.isinf(tau), axis=0, return_inverse=True)
            for k in range(len(patterns)):
                own = np.flatnonzero(pattern == k)
                among = rows[own] + (start - self.start)
                self._together(made, which[rows[own]], among, tau[own], epsilon[own])

    def _games(self, where: Mapping[str, Rows]) -> tuple[list[Any], Rows]:
        """The different games of some points, or what came in place of one; which is whose."""
        grid = self.grid
        own = [n for n in grid.names if n not in self.attitudes]
        count = len(where[grid.names[0]])
        label = np.zeros(count, dtype=np.int64)
        for name in own:
            label = label * len(grid.axes[grid.names.index(name)]) + where[name]
        _, firsts, which = np.unique(label, return_index=True, return_inverse=True)
        made: list[Any] = []
        for first in firsts.tolist():
            point = {n: grid.axes[grid.names.index(n)][where[n][first]] for n in own}
            try:
                made.append(make_game(self.family, point))
            except Exception as error:
                made.append(error)
        return made, which

    def _together(
        self, made: list[Any], which: Rows, rows: Rows, tau: FloatArray, epsilon: FloatArray
    ) -> None:
        """Solve one batch; where it is refused, in halves, until whose fault it is is known."""
        try:
            used, place = np.unique(which, return_inverse=True)
            payoffs = np.stack([np.stack(made[k].payoffs) for k in used.tolist()])[place]
            f = self.family
            batch = solve_many(
                payoffs, tau, epsilon,
                method=f.method, select=f.select, tol=f.tol, max_steps=f.max_steps,
            )  # fmt: skip
        except Exception as error:
            if len(rows) == 1:
                self._fail(rows, error)
                return
            middle = len(rows) // 2
            for half in (slice(None, middle), slice(middle, None)):
                self._together(made, which[half], rows[half], tau[half], epsilon[half])
            return
        self._keep(made[which[0]], rows, batch)

    def _fail(self, rows: Rows, error: Exception) -> None:
        self.status[rows], self.reason[rows] = ending_of(error)

    def _keep(self, game: NormalFormGame, rows: Rows, batch: BatchEquilibrium) -> None:
        self.status[rows] = [s.name for s in batch.status]
        self.reason[rows] = [None if s is Status.CONVERGED else s.value for s in batch.status]
        self.branch[rows] = batch.branch
        self._cells("residual")[rows] = batch.residual
        self._cells("regret")[rows] = batch.regret.max(axis=1)
        self._cells("iterations")[rows] = batch.iterations
        payoffs, values, strategies = _names(game)
        for i in range(game.n_players):
            self._cells(payoffs[i])[rows] = batch.payoffs[:, i]
            self._cells(values[i])[rows] = batch.values[:, i]
        if self.family.strategies:
            for own, strategy in zip(strategies, batch.strategies, strict=True):
                for a, name in enumerate(own):
                    self._cells(name)[rows] = strategy[:, a]


def _names(game: NormalFormGame) -> tuple[list[str], list[str], list[list[str]]]:
    """Columns of payoffs, values and strategies: by label, or by number where labels mislead."""
    numbers = [str(i + 1) for i in range(game.n_players)]
    counted = [[str(a + 1) for a in range(n)] for n in game.shape]
    for players, actions in ((game.players, game.actions), (numbers, counted)):
        strategies = [[f"{p}: {a}" for a in own] for p, own in zip(players, actions, strict=True)]
        found = [f"payoff {p}" for p in players], [f"value {p}" for p in players], strategies
        every = [*found[0], *found[1], *(name for own in strategies for name in own)]
        if len(set(every)) == len(every) and max(map(len, every)) <= MAX_NAME:
            break
    return found


def _per_player(
    degrees: Mapping[str, FloatArray], rows: Rows, n_players: int
) -> tuple[FloatArray, FloatArray]:
    """``tau`` and ``epsilon`` of every player at some points, (B, N)."""
    found = []
    for name in ("tau", "lam" if any(n.startswith("lam") for n in degrees) else "epsilon"):
        each = [degrees.get(f"{name}_{i}", degrees.get(name)) for i in range(1, n_players + 1)]
        if any(values is None for values in each) or any(_player(n) > n_players for n in degrees):
            raise ValueError(
                f"grid must have {name} of every player, {name} or {name}_1 to {name}_{n_players}, "
                f"and of no other; got {', '.join(degrees)}"
            )
        column = np.stack([v[rows] for v in each if v is not None], axis=1)
        found.append(1.0 / column if name == "lam" else column)
    return found[0], found[1]
