"""More exactly than a traced path says: where a function crosses zero, where many branches meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import brentq

from ..model._checks import FloatArray
from ..model.normal_form import NormalFormGame
from ..result.path import Bifurcation, Branch, Path
from ..result.status import ConvergenceError, Status
from ..solvers._bifurcation import sample
from ..solvers._curve import Curve, correct
from ..solvers._problem import normalise
from ..solvers.continuation import trace_rqe

Measure = Callable[[Sequence[FloatArray]], FloatArray]
"""A number for each of many profiles, given as one array (T, n_i) a player."""
AROUND = 1e-4
"""Relative distance in ``tau`` within which a multiple point is sought again."""
ROUNDS = 20
LEAST = 1e-300
"""Probability that stands for one that underflowed."""


STEPS = (0.1, 0.05, 0.02, 0.005)
"""Longest steps with which a path is traced, in turn, until all its folds are located."""
ROUNDING = 1e-6
"""Relative distance from a singular point within which an index may be wrong."""


def trace(game: NormalFormGame, **options: Any) -> Path:
    """`trace_rqe`, in shorter steps where a branch turned back without its fold being located.

    Parameters
    ----------
    game : NormalFormGame
    **options
        Of `trace_rqe`.

    Returns
    -------
    Path
        No branch of which `turns_unseen`.

    Raises
    ------
    ConvergenceError
        A branch was lost, or a fold could not be located in the shortest steps.
    """
    for longest in STEPS:
        path = trace_rqe(game, max_step=longest, **options)
        turns = [k for k, b in enumerate(path.branches) if turns_unseen(b)]
        if not turns:
            return path
    notes = tuple(f"branch {k} folds back at a point that could not be located" for k in turns)
    raise ConvergenceError(replace(path, status=Status.LOST_BRANCH, notes=path.notes + notes))


def turns_unseen(branch: Branch) -> bool:
    """Whether a branch's index changes away from all singular points that were located.

    Next to one, at a distance at the size of rounding, an index says nothing.
    """
    for k in np.flatnonzero(branch.index[1:] * branch.index[:-1] < 0):
        near = slice(max(0, k - 2), k + 4)
        located = branch.parameter[near][branch.index[near] == 0]
        if not np.any(np.abs(located / branch.parameter[k] - 1.0) <= ROUNDING):
            return True
    return False


def curve_of(game: NormalFormGame, epsilon: FloatArray, weights: FloatArray) -> Curve:
    """A game's equilibria as a curve in ``tau``: player i's degree is ``tau`` times its weight."""
    own = [p[None] for p in game.own_payoffs]
    ranges = game.payoff_ranges
    problem = normalise(own, ranges[None], weights[None], epsilon[None], [None] * len(own))
    unit = float(ranges.max()) or 1.0
    return Curve(problem, "tau", float(1.0 / (unit * weights.max())))


def largest_parameter(game: NormalFormGame, path: Path, measure: Measure) -> float | None:
    """The largest ``tau`` at which a measure is not negative on any branch.

    Between two points of a branch the measure is taken to cross zero once at most.

    Parameters
    ----------
    game : NormalFormGame
    path : Path
        Along ``tau``.
    measure : callable
        Continuous in the strategies.

    Returns
    -------
    float or None
        None where it is negative everywhere.
    """
    curve = curve_of(game, path.held, path.weights)
    best: float | None = None
    for branch in path.branches:
        value, tau = measure(branch.strategies), branch.parameter
        for k in np.flatnonzero(value >= 0.0):
            best = max(float(tau[k]), -np.inf if best is None else best)
        for k in np.flatnonzero((value[:-1] >= 0.0) != (value[1:] >= 0.0)):
            if best is None or max(tau[k], tau[k + 1]) > best:
                found = _crossing(curve, branch, int(k), measure)
                best = found if best is None else max(best, found)
    return best


def _crossing(curve: Curve, branch: Branch, k: int, measure: Measure) -> float:
    """The parameter between points k and k + 1 of a branch at which a measure is zero."""
    ends = [
        np.append(
            np.log(np.maximum(np.concatenate([x[t] for x in branch.strategies]), LEAST)),
            branch.parameter[t],
        )
        for t in (k, k + 1)
    ]
    known = measure([x[k : k + 2] for x in branch.strategies])
    chord = ends[1] - ends[0]

    def solved(share: float) -> Any:
        """The point of the branch in the plane across the chord at a share of it."""
        here = ends[0] + share * chord
        z, s = curve.split(here[:-1]), float(here[-1])
        return correct(curve, z, curve.beliefs(z, s), s, chord)

    def value(share: float) -> float:
        if share in (0.0, 1.0):
            return float(known[int(share)])
        found = solved(share)
        if not found.good:
            raise ValueError(
                f"path must be traced in smaller steps: none is found between {ends[0][-1]:g} and "
                f"{ends[1][-1]:g} ({Status.LOST_BRANCH.value})"
            )
        return float(measure([np.exp(part) for part in found.z])[0])

    share = brentq(value, 0.0, 1.0, xtol=1e-15, rtol=1e-14)
    return float(branch.parameter[k + int(share)] if share in (0.0, 1.0) else solved(share).s)


def sharpened(game: NormalFormGame, path: Path, point: Bifurcation) -> Bifurcation:
    """A multiple point of a symmetric game, located to rounding; any other point as it is.

    The tracer finds where several directions are singular at once to about 1e-7. Where players
    play alike, one equation says it: ``det(J_11 - J_12) = 0``, the Jacobian's action on what
    differs between two players.

    Parameters
    ----------
    game : NormalFormGame
        Symmetric.
    path : Path
        Along ``tau``.
    point : Bifurcation
        Of that path.

    Returns
    -------
    Bifurcation
        As it is, too, where nothing is singular so nearby, or players do not play alike.
    """
    alike = all(np.abs(x - point.strategies[0]).max() < 1e-5 for x in point.strategies)
    if point.kind != "multiple" or not alike:
        return point
    curve = curve_of(game, path.held, path.weights)
    count, n = game.n_players, game.shape[0]
    start = np.log(np.mean(point.strategies, axis=0))

    def solved(tau: float) -> tuple[FloatArray, FloatArray, float]:
        """The symmetric equilibrium nearby: log-probabilities, Jacobian blocks, residual."""
        z = start
        for _ in range(ROUNDS):
            here = sample(curve, np.tile(z, count)[None], np.array([tau]))
            blocks = here.matrix[0, :n].reshape(n, count, n)
            step = np.linalg.solve(blocks.sum(axis=1), -here.value[0, :n])
            z = z + step
            z = z - np.logaddexp.reduce(z)
            if np.abs(step).max() < 1e-14:
                break
        return z, blocks, float(np.abs(np.exp(z) * here.value[0, :n]).max())

    def split(tau: float) -> float:
        _, blocks, _ = solved(tau)
        return float(np.linalg.det(blocks[:, 0] - blocks[:, 1]))

    low, high = point.parameter * (1.0 - AROUND), point.parameter * (1.0 + AROUND)
    if split(low) * split(high) >= 0.0:
        return point
    tau = float(brentq(split, low, high, xtol=1e-14 * high, rtol=1e-14))
    z, _, residual = solved(tau)
    return replace(point, parameter=tau, strategies=(np.exp(z),) * count, residual=residual)
