"""From traced branches to a `Path`: evidence, stability and index of every point."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..certificate import evidence, is_solved
from ..model._checks import FloatArray
from ..model.agent import make_agents
from ..model.normal_form import NormalFormGame
from ..result.equilibrium import Equilibrium, read_only
from ..result.path import Bifurcation, Branch, Path
from ..result.status import Status
from ._bifurcation import Singular, sample
from ._blocks import spectrum
from ._branch import Vertex
from ._curve import correct
from ._report import log_of, report
from ._system import moved, scaled, stack
from ._tracing import Traced, Tracer
from .support import Profile

CHUNK = 4_000_000
"""Numbers in the matrices that are held at once."""


def record(
    game: NormalFormGame,
    tracer: Tracer,
    request: Any,
    tol: float,
    notes: tuple[str, ...],
    *,
    lost: bool,
) -> Path:
    """The path with the evidence for every point; ``request`` knows the parameter's meaning."""
    branches = [_branch(game, tracer, traced, request, tol) for traced in tracer.branches]
    points = [_bifurcation(game, tracer, here, request) for here in _distinct(tracer)]
    words = list(notes)
    for k, branch in enumerate(branches):
        if branch.status is not Status.CONVERGED:
            words.append(f"branch {k} was not followed to its end: {branch.status.value}")
    for k in sorted(set(tracer.loose)):
        words.append(
            f"branch {k} ends near epsilon = 0 in an equilibrium that is degenerate: the limit "
            "given is an exact Nash equilibrium within 1e-4 of its last point, but there are others"
        )
    status = Status.LOST_BRANCH if lost else Status.CONVERGED
    for branch in branches:
        status = branch.status if status is Status.CONVERGED else status
    return Path(
        parameter=request.parameter,
        start=request.start,
        stop=request.stop,
        branches=tuple(branches),
        bifurcations=tuple(sorted(points, key=lambda b: b.parameter)),
        held=read_only(request.held),
        weights=read_only(request.weights),
        status=status,
        notes=tuple(words),
        players=game.players,
        actions=game.actions,
        name=game.name,
    )


def _logs(tracer: Tracer, trail: list[Vertex]) -> list[FloatArray]:
    return [np.concatenate([v.z[i] for v in trail]) for i in range(len(trail[0].z))]


def _evidence(
    game: NormalFormGame, logs: list[FloatArray], s: FloatArray, request: Any, tol: float
) -> tuple[FloatArray, FloatArray, bool]:
    """Residuals and largest regrets of points, and whether all of them count as solved."""
    tau, epsilon = (np.array(part) for part in zip(*map(request.degrees, s), strict=True))
    own = [p[None] for p in game.own_payoffs]
    found = evidence(own, logs, tau, epsilon)
    solved = is_solved(found, game.payoff_ranges, tol)
    return found.residual, found.regret.max(axis=1), bool(np.all(solved))


def _branch(
    game: NormalFormGame, tracer: Tracer, traced: Traced, request: Any, tol: float
) -> Branch:
    trail, s = traced.trail, traced.s
    logs = _logs(tracer, trail)
    residual, regret, solved = _evidence(game, logs, s, request, tol)
    stable, index = _stability(tracer, trail, s)
    value = np.array([request.value(p) for p in s])
    strategies = [np.exp(part) for part in logs]
    status = traced.status
    if status is Status.CONVERGED and not solved:
        status = Status.UNCERTIFIED
    first, last = (_limit(game, profile, len(trail)) for profile in traced.limits)
    for limit, at_end in ((first, False), (last, True)):
        if limit is None:
            continue

        def joined(old: Any, new: Any, at_end: bool = at_end) -> Any:
            return np.concatenate([old, [new]] if at_end else [[new], old])

        value = joined(value, 0.0)
        strategies = [joined(x, own) for x, own in zip(strategies, limit, strict=True)]
        residual, regret = joined(residual, limit.residual), joined(regret, limit.max_regret)
        edge = -1 if at_end else 0
        stable, index = joined(stable, stable[edge]), joined(index, index[edge])
    return Branch(
        parameter=read_only(value),
        strategies=tuple(read_only(x) for x in strategies),
        residual=read_only(residual),
        regret=read_only(regret),
        stable=stable,
        index=index,
        ends=traced.ends,
        origin=traced.origin,
        status=status,
        limits=(first, last),
    )


def _limit(game: NormalFormGame, profile: Profile | None, steps: int) -> Equilibrium | None:
    if profile is None:
        return None
    agents = make_agents(0.0, 0.0, game.n_players)
    logs = log_of(profile)
    return report(
        game, logs, agents, tol=1e-10, method="trace, exact solve on the limiting support",
        iterations=steps, concept="nash", throw=False,
    )  # fmt: skip


def _stability(
    tracer: Tracer, trail: list[Vertex], s: FloatArray
) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], np.ndarray[Any, np.dtype[np.int64]]]:
    """Whether each point is stable, and its index; a singular point is neither."""
    flat = np.array([stack(v.z)[0] for v in trail])
    stable = np.zeros(len(trail), dtype=np.bool_)
    index = np.zeros(len(trail), dtype=np.int64)
    problem = tracer.curve.problem
    split = problem.starts[1] if problem.neutral == (True, True) else 0
    at_once = max(1, CHUNK // flat.shape[1] ** 2)
    for first in range(0, len(trail), at_once):
        part = slice(first, first + at_once)
        found = sample(tracer.curve, flat[part], s[part])
        for k, matrix in enumerate(found.matrix, start=first):
            here = trail[k]
            if isinstance(here, Singular):
                continue
            rows = np.flatnonzero(found.played[k - first])
            half = int(np.searchsorted(rows, split)) if split else 0
            values = spectrum(matrix[np.ix_(rows, rows)], half)
            stable[k] = bool(np.all(values.real > 0.0))
            index[k] = int(here.sign)
    return stable, index


def _distinct(tracer: Tracer) -> list[Singular]:
    """Meeting points, and the folds of every branch."""
    folds = [
        v
        for branch in tracer.branches
        for v in branch.trail
        if isinstance(v, Singular) and v.kind == "fold"
    ]
    return [*tracer.singular, *folds]


def _bifurcation(game: NormalFormGame, tracer: Tracer, here: Singular, request: Any) -> Bifurcation:
    s = np.array([here.s])
    residual, _, _ = _evidence(game, here.z, s, request, 1e-10)
    probabilities = [np.exp(part[0]) for part in here.z]
    change = np.exp(stack(here.z)[0]) * here.null[0]
    change = change / change[np.argmax(np.abs(change))]
    curvature = float("nan")
    if here.kind == "pitchfork":
        curvature = _curvature(tracer, here, change, request)
    return Bifurcation(
        parameter=request.value(here.s),
        strategies=tuple(read_only(x) for x in probabilities),
        kind=here.kind,
        residual=float(residual[0]),
        direction=tuple(read_only(part[0]) for part in tracer.curve.split(change)),
        curvature=curvature,
    )


def _curvature(tracer: Tracer, here: Singular, change: FloatArray, request: Any) -> float:
    """Second derivative of the parameter along the branch that turns back.

    By central differences of the parameter at given distances along the singular direction, with
    Richardson's extrapolation: it is even in the distance in a symmetric game.
    """
    direction = change / np.exp(stack(here.z)[0])
    amplitude = 0.3 / float(np.abs(direction).max())
    for _ in range(6):
        wide, narrow = (_rise(tracer, here, change, share * amplitude) for share in (1.0, 0.5))
        if wide is not None and narrow is not None:
            return (4.0 * narrow - wide) / 3.0 * _per_unit(request, here.s)
        amplitude *= 0.5
    return float("nan")


def _per_unit(request: Any, s: float) -> float:
    """Derivative of the traced degree by the curve's own parameter."""
    return 1.0 if request.parameter == "tau" else -(s**-2.0)


def _rise(tracer: Tracer, here: Singular, change: FloatArray, distance: float) -> float | None:
    """Second difference of the parameter at a distance along the singular direction."""
    curve = tracer.curve
    problem = curve.at(np.array([here.s]))[0]
    y = curve.beliefs(here.z, here.s)
    direction = change / np.exp(stack(here.z)[0])
    total = 0.0
    for sign in (1.0, -1.0):
        step = scaled(curve.split(direction), np.array([sign * distance]))
        z, _ = moved(problem, here.z, y, step, [np.zeros_like(part) for part in y])
        with np.errstate(all="ignore"):
            begin = curve.beliefs(z, here.s)
            found = correct(curve, z, begin, here.s, np.append(change, 0.0))
        if not found.good:
            return None
        total += found.s - here.s
    return total / distance**2
