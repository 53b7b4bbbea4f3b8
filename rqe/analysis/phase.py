"""How many RQE a symmetric game has at each ``tau`` and ``epsilon``, and where that changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model._checks import FloatArray
from ..model.normal_form import NormalFormGame
from ..result.path import Bifurcation, Path
from ..result.table import Table
from ..solvers.continuation import trace_rqe
from ._symmetric import check_symmetric, meetings
from .path_refinement import sharpened
from .tricritical import Tricritical, pitchfork_curvature, tricritical

Progress = Callable[[int, int], None]
BEYOND = 1.25
"""How far past the last ``tau`` branches are traced: curves should leave the picture's frame."""
ONE_POINT = 1e-7
"""Relative difference of ``tau`` up to which bifurcations are images of one by symmetry."""


@dataclass(frozen=True, eq=False, repr=False)
class PhaseDiagram:
    """Numbers of RQE on a grid, and the curves along which they change.

    Attributes
    ----------
    counts : Table
        ``tau``, ``epsilon``, ``RQE`` (how many were found); one row a grid point.
    boundaries : Table
        ``curve`` (a kind of bifurcation, numbered from the largest ``tau`` where there are
        several), ``tau``, ``epsilon``; one row a point, along each curve by ``epsilon``.
    tricritical : Tricritical or None
        Where a pitchfork turns from super- to subcritical.
    """

    counts: Table
    boundaries: Table
    tricritical: Tricritical | None

    def __repr__(self) -> str:
        return f"<PhaseDiagram: {self.counts.title}>"


def count_rqe(path: Path, tau: Sequence[float] | FloatArray) -> NDArray[np.int64]:
    """How many times the traced branches pass given values of the parameter.

    Folds are points of their branches, so that a branch is monotone between two of them.

    Parameters
    ----------
    path : Path
    tau : sequence of float
        From ``start`` to below ``stop``; at a bifurcation the count is that of one side.

    Returns
    -------
    int array (T,)

    Raises
    ------
    ValueError
        A value outside the traced interval.

    Examples
    --------
    >>> import games, rqe
    >>> path = rqe.trace_rqe(games.free_riding(), start=0, stop=5, epsilon=0.1)
    >>> count_rqe(path, [0.0, 2.0, 3.0, 4.0]).tolist()
    [3, 3, 5, 1]
    """
    values = np.asarray(tau, dtype=np.float64)
    low, high = sorted((path.start, path.stop))
    if not np.all((values >= low) & (values < high)):
        raise ValueError(f"tau must lie in [{low:g}, {high:g}), which was traced; got {tau!r}")
    total = np.zeros(values.shape, dtype=np.int64)
    for branch in path.branches:
        beyond = branch.parameter[:, None] > values
        total += np.count_nonzero(beyond[1:] != beyond[:-1], axis=0)
    return total


def phase_diagram(
    game: NormalFormGame,
    tau: Sequence[float],
    epsilon: Sequence[float],
    *,
    places: int = 2,
    seed: Any = 0,
    progress: Progress | None = None,
) -> PhaseDiagram:
    """Number of RQE of a symmetric game over (``tau``, ``epsilon``), with the curves between.

    For every ``epsilon`` all branches along ``tau`` are traced: the number at a ``tau`` is how
    often they pass it. The curves' ends at ``tau = 0`` come from branches traced along
    ``epsilon``.

    Parameters
    ----------
    game : NormalFormGame
        Symmetric, two or more players.
    tau : sequence of float
        From 0 up, rising, in 1/payoff units.
    epsilon : sequence of float
        Positive, rising, in payoff units.
    places : int
        At how many ``tau`` of every row equilibria are enumerated, for branches that are not
        connected to the principal one: at least 1, ``tau = 0`` being the first. More takes longer.
    seed : int, Generator or SeedSequence
    progress : callable, optional
        Called with the number of rows done and their total.

    Returns
    -------
    PhaseDiagram

    Raises
    ------
    ValueError
        The game is not symmetric, or an argument out of range.
    ConvergenceError
        A branch was lost.

    Examples
    --------
    >>> import games
    >>> found = phase_diagram(games.free_riding(), [0.0, 1.0, 3.0], [0.1, 0.2, 0.3])
    >>> found.counts.column("RQE")
    (3, 3, 5, 3, 1, 1, 1, 1, 1)
    """
    check_symmetric(game)
    taus, epsilons = _rising(tau, "tau"), _rising(epsilon, "epsilon")
    if taus[0] < 0.0 or epsilons[0] <= 0.0:
        raise ValueError(
            f"tau must be >= 0 and epsilon > 0; they begin at {taus[0]:g} and {epsilons[0]:g}"
        )
    if not isinstance(places, int) or places < 1:
        raise ValueError(f"places must be a whole number >= 1; got {places!r}")
    stop = BEYOND * float(taus[-1]) + 1e-9 / float(epsilons[0])
    unit = 1.0 / max(float(game.payoff_ranges.max()), 1.0 / stop)
    at = (np.geomspace(unit, stop + unit, places + 1)[:-1] - unit).tolist()
    rows: list[tuple[Any, ...]] = []
    points: list[_Row] = []
    for done, e in enumerate(epsilons.tolist(), start=1):
        path = trace_rqe(game, start=0.0, stop=stop, epsilon=e, at=at, seed=seed)
        counts = count_rqe(path, taus)
        rows += [(t, e, int(k)) for t, k in zip(taus.tolist(), counts, strict=True)]
        points.append(_row(game, path, e))
        if progress is not None:
            progress(done, len(epsilons))
    special = _tricritical(game, points)
    title = f"number of RQE of {game.name}" if game.name else "number of RQE"
    return PhaseDiagram(
        Table(("tau", "epsilon", "RQE"), tuple(rows), title=title),
        _boundaries(game, points, special),
        special,
    )


def _rising(values: Sequence[float], name: str) -> FloatArray:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not len(found) or not np.all(np.isfinite(found)):
        raise ValueError(f"{name} must be finite numbers, at least one; got {values!r}")
    if np.any(np.diff(found) <= 0.0):
        raise ValueError(f"{name} must rise; got {values!r}")
    return found


@dataclass(frozen=True)
class _Row:
    """What one ``epsilon`` says of the curves: ``tau`` of each kind, largest first."""

    epsilon: float
    at: dict[str, list[float]]
    curvature: float | None
    """Of the last pitchfork of free-riding."""


def _row(game: NormalFormGame, path: Path, epsilon: float) -> _Row:
    at: dict[str, list[float]] = {}
    for b in (sharpened(game, path, b) for b in reversed(path.bifurcations)):
        known = at.setdefault(b.kind, [])
        if not known or known[-1] - b.parameter > ONE_POINT * known[-1]:
            known.append(b.parameter)
    forks: list[Bifurcation] = [b for b in meetings(path) if b.kind == "pitchfork"]
    bend = pitchfork_curvature(game, epsilon, forks[-1]) if forks else None
    return _Row(epsilon, at, bend)


def _tricritical(game: NormalFormGame, points: list[_Row]) -> Tricritical | None:
    """The one between the first two neighbouring rows whose pitchforks are of different kinds."""
    if game.n_players != 2:
        return None
    for low, high in pairwise(points):
        bends = low.curvature, high.curvature
        if bends[0] is not None and bends[1] is not None and bends[0] * bends[1] < 0.0:
            return tricritical(game, (low.epsilon, high.epsilon))
    return None


def _boundaries(game: NormalFormGame, points: list[_Row], special: Tricritical | None) -> Table:
    """Every curve, its points by ``epsilon``, with its ends where they are known."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in points:
        for kind, taus in row.at.items():
            for rank, t in enumerate(taus, start=1):
                name = kind if rank == 1 else f"{kind} {rank}"
                found.setdefault(name, []).append((row.epsilon, t))
    for kind, e in _on_axis(game, points):
        # the curve that comes closest to the axis next to that epsilon
        near = [n for n in found if n.split()[0] == kind]
        if near:
            ends = {n: min(found[n], key=lambda p: (abs(p[0] - e), p[1])) for n in near}
            found[min(ends, key=lambda n: (abs(ends[n][0] - e), ends[n][1]))].append((e, 0.0))
    if special is not None:
        for name in ("pitchfork", "fold"):
            if name in found:
                found[name].append((special.epsilon, special.tau))
    rows = [(name, t, e) for name in sorted(found) for e, t in sorted(found[name])]
    title = "where the number of RQE changes"
    return Table(("curve", "tau", "epsilon"), tuple(rows), title=title)


def _on_axis(game: NormalFormGame, points: list[_Row]) -> list[tuple[str, float]]:
    """Kind and ``epsilon`` of the bifurcations of logit QRE, ``tau = 0``."""
    if len(points) < 2:
        return []
    ends = points[-1].epsilon, points[0].epsilon
    path = trace_rqe(game, parameter="epsilon", tau=0.0, start=ends[0], stop=ends[1])
    found: list[tuple[str, float]] = []
    for b in path.bifurcations:
        if not found or found[-1][0] != b.kind or b.parameter - found[-1][1] > ONE_POINT:
            found.append((b.kind, b.parameter))
    return found
