"""How many RQE a symmetric game has at each ``tau`` and ``epsilon``, and where that changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ..model._checks import FloatArray, whole
from ..model.normal_form import NormalFormGame
from ..result.path import Bifurcation, Path
from ..result.table import Table
from ._symmetric import check_symmetric, meetings
from .path_refinement import sharpened, trace
from .tricritical import Tricritical, pitchfork_curvature, tricritical

Progress = Callable[[int, int], None]
BEYOND = 1.25
"""How far past the last ``tau`` branches are traced: curves should leave the picture's frame."""
ONE_POINT = 1e-7
"""Relative difference of ``tau`` up to which bifurcations are images of one by symmetry."""
AGAIN = 3
"""Times that the number of places is doubled where a row's indices do not sum to 1."""
FAR = 0.75
"""Distance from where a curve is heading, in probability and relative ``tau``, that ends it."""


@dataclass(frozen=True, eq=False, repr=False)
class PhaseDiagram:
    """Numbers of RQE on a grid, and the curves along which they change.

    Attributes
    ----------
    counts : Table
        ``tau``, ``epsilon``, ``RQE`` (how many were found), ``index sum`` (of their fixed-point
        indices, 1 if none is missing); one row a grid point.
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
    return _passages(path, tau)[0]


def _passages(
    path: Path, tau: Sequence[float] | FloatArray
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How often branches pass each value, and the sum of their indices there."""
    values = np.asarray(tau, dtype=np.float64)
    low, high = sorted((path.start, path.stop))
    if not np.all((values >= low) & (values < high)):
        raise ValueError(f"tau must lie in [{low:g}, {high:g}), which was traced; got {tau!r}")
    total, signs = np.zeros((2, *values.shape), dtype=np.int64)
    for branch in path.branches:
        beyond = branch.parameter[:, None] > values
        passes = beyond[1:] != beyond[:-1]
        # the index is 0 at singular points only, and never at two in a row
        index = np.where(branch.index[1:] == 0, branch.index[:-1], branch.index[1:])
        total += np.count_nonzero(passes, axis=0)
        signs += index @ passes
    return total, signs


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
        connected to the principal one: at least 1, ``tau = 0`` being the first; and at two, four
        and eight times as many where indices do not sum to 1. More takes longer.
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
    whole(places, "places")
    rows: list[tuple[Any, ...]] = []
    points: list[_Row] = []
    for done, e in enumerate(epsilons.tolist(), start=1):
        path = _traced(game, taus, e, places, seed)
        counts = zip(taus.tolist(), *_passages(path, taus), strict=True)
        rows += [(t, e, int(k), int(signs)) for t, k, signs in counts]
        points.append(_row(game, path, e))
        if progress is not None:
            progress(done, len(epsilons))
    special = _tricritical(game, points)
    title = f"number of RQE of {game.name}" if game.name else "number of RQE"
    return PhaseDiagram(
        Table(("tau", "epsilon", "RQE", "index sum"), tuple(rows), title=title),
        _boundaries(game, points, special),
        special,
    )


def _traced(game: NormalFormGame, taus: FloatArray, epsilon: float, places: int, seed: Any) -> Path:
    """All branches of a row; with more places to enumerate at where indices do not add up."""
    unit = 1.0 / (float(game.payoff_ranges.max()) or 1.0)
    stop = BEYOND * float(taus[-1]) + 1e-6 * unit
    for _ in range(AGAIN + 1):
        at = (np.geomspace(unit, stop + unit, places + 1)[:-1] - unit).tolist()
        path = trace(game, start=0.0, stop=stop, epsilon=epsilon, at=at, seed=seed)
        if np.all(_passages(path, taus)[1] == 1):
            break
        places *= 2
    return path


def _rising(values: Sequence[float], name: str) -> FloatArray:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not len(found) or not np.all(np.isfinite(found)):
        raise ValueError(f"{name} must be finite numbers, at least one; got {values!r}")
    if np.any(np.diff(found) <= 0.0):
        raise ValueError(f"{name} must rise; got {values!r}")
    return found


@dataclass(frozen=True)
class _Row:
    """What one ``epsilon`` says of the curves."""

    epsilon: float
    points: list[Bifurcation]
    """One of every set of images by symmetry, smallest ``tau`` first."""
    curvature: float | None
    """Of the last pitchfork of free-riding."""


def _row(game: NormalFormGame, path: Path, epsilon: float) -> _Row:
    points: list[Bifurcation] = []
    for b in (sharpened(game, path, b) for b in path.bifurcations):
        if not any(_same(b, other) for other in points):
            points.append(b)
    forks = [b for b in meetings(path) if b.kind == "pitchfork"]
    bend = pitchfork_curvature(game, epsilon, forks[-1]) if forks else None
    return _Row(epsilon, points, bend)


def _same(one: Bifurcation, other: Bifurcation) -> bool:
    """Whether two bifurcations are images of each other by exchange of players."""
    near = abs(one.parameter - other.parameter) <= ONE_POINT * one.parameter
    return one.kind == other.kind and near and _profiles_apart(one, other) <= 1e-4


def _profiles_apart(one: Bifurcation, other: Bifurcation) -> float:
    """Largest difference of a probability, players being put in order of their strategies."""
    a, b = (sorted(x.round(6).tolist() for x in point.strategies) for point in (one, other))
    return float(np.abs(np.subtract(a, b)).max())


def _tricritical(game: NormalFormGame, points: list[_Row]) -> Tricritical | None:
    """The one between the first two neighbouring rows whose pitchforks are of different kinds."""
    if game.n_players != 2:
        return None
    for low, high in pairwise(points):
        bends = low.curvature, high.curvature
        if bends[0] is not None and bends[1] is not None and bends[0] * bends[1] < 0.0:
            return tricritical(game, (low.epsilon, high.epsilon))
    return None


@dataclass
class _Curve:
    """A boundary curve as far as it was followed, from row to row."""

    kind: str
    points: list[tuple[float, float]]
    """``epsilon`` and ``tau``."""
    last: Bifurcation
    row: int

    def distance(self, new: Bifurcation, epsilon: float) -> float:
        """How far a bifurcation of the next row lies from where the curve is heading."""
        tau = self.points[-1][1]
        if len(self.points) > 1:
            (before, old), (now, _) = self.points[-2:]
            tau += (tau - old) * (epsilon - now) / (now - before)
        return abs(new.parameter - tau) / (1.0 + tau) + _profiles_apart(self.last, new)


def _follow(points: list[_Row]) -> list[_Curve]:
    """Bifurcations of all rows, joined to curves."""
    curves: list[_Curve] = []
    for number, row in enumerate(points):
        for kind in sorted({b.kind for b in row.points}):
            new = [b for b in row.points if b.kind == kind]
            old = [c for c in curves if c.kind == kind and c.row == number - 1]
            cost = np.array([[c.distance(b, row.epsilon) for b in new] for c in old])
            cost = cost.reshape(len(old), len(new))
            pairs = zip(*linear_sum_assignment(np.minimum(cost, FAR)), strict=True)
            joined = {int(j): old[i] for i, j in pairs if cost[i, j] < FAR}
            for j, b in enumerate(new):
                if j not in joined:
                    joined[j] = _Curve(kind, [], b, number)
                    curves.append(joined[j])
                curve = joined[j]
                curve.points.append((row.epsilon, b.parameter))
                curve.last, curve.row = b, number
    return curves


def _boundaries(game: NormalFormGame, points: list[_Row], special: Tricritical | None) -> Table:
    """Every curve, its points by ``epsilon``, with its ends where they are known."""
    curves = _follow(points)
    for kind, e in _on_axis(game, points):
        _extend(curves, kind, (e, 0.0))
    if special is not None:
        for kind in ("pitchfork", "fold"):
            _extend(curves, kind, (special.epsilon, special.tau))
    curves.sort(key=lambda c: (c.kind, -max(tau for _, tau in c.points)))
    rows: list[tuple[Any, ...]] = []
    rank: dict[str, int] = {}
    for curve in curves:
        rank[curve.kind] = rank.get(curve.kind, 0) + 1
        name = curve.kind if rank[curve.kind] == 1 else f"{curve.kind} {rank[curve.kind]}"
        rows += [(name, tau, e) for e, tau in sorted(curve.points)]
    title = "where the number of RQE changes"
    return Table(("curve", "tau", "epsilon"), tuple(rows), title=title)


def _extend(curves: list[_Curve], kind: str, end: tuple[float, float]) -> None:
    """Add a point to the curve of its kind that comes closest to it."""

    def gap(curve: _Curve) -> float:
        return min(abs(e / end[0] - 1.0) + abs(t - end[1]) / (1.0 + t) for e, t in curve.points)

    near = [c for c in curves if c.kind == kind]
    if near:
        min(near, key=gap).points.append(end)


def _on_axis(game: NormalFormGame, points: list[_Row]) -> list[tuple[str, float]]:
    """Kind and ``epsilon`` of the bifurcations of logit QRE, ``tau = 0``."""
    if len(points) < 2:
        return []
    ends = points[-1].epsilon, points[0].epsilon
    path = trace(game, parameter="epsilon", tau=0.0, start=ends[0], stop=ends[1])
    found: list[tuple[str, float]] = []
    for b in path.bifurcations:
        if not found or found[-1][0] != b.kind or b.parameter - found[-1][1] > ONE_POINT:
            found.append((b.kind, b.parameter))
    return found
