"""The principal branch of one two-player game of risk-neutral players, in as few calls as can be.

At this size NumPy's calls are what costs: `homotopy` makes several hundred for a game of 5 x 5.
Here the second player's reply is eliminated, so that one player's log-strategy and the level are
all there is, and decisions are taken on plain numbers. The rules of acceptance are `homotopy`'s;
where one of them fails, so does this walk, and `homotopy` begins anew.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, isfinite, log, nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from ..model._checks import FloatArray
from ._crossings import negative
from ._problem import Problem
from ._rows import solve_signed
from ._system import REACH
from .homotopy import CONTRACTION, CORRECTIONS, ERROR, FIRST, LOOSE, SPARED, STRAIGHT, TIGHT

MODERATE = 20.0
"""Largest payoff range in units of ``epsilon``: above, branches turn and `homotopy` is surer."""
TINY = 1e-100
"""Smallest: below, its square is no number."""
STEPS = 30
"""Steps after which a walk is left to `homotopy`."""
PATIENCE = 5
"""Failed steps after which it is."""

_ONE = np.ones(1, dtype=np.bool_)


class Express(NamedTuple):
    """Where the branch arrived."""

    log_strategies: list[FloatArray]
    """(1, n_i) of both players."""
    sign: float
    """Of the determinant of the linearised system."""
    work: int
    """Linear systems solved."""


class _Seat(NamedTuple):
    """A player: payoffs (own actions by the other's) and precision at level 1."""

    payoff: FloatArray
    kappa: float


class _Local(NamedTuple):
    """The system at a point, the second player's reply eliminated."""

    gap: FloatArray
    """Log-residual of the first player's strategy."""
    matrix: FloatArray
    """Of the Newton system."""
    drift: FloatArray
    """Right-hand side of the slope by level."""
    reply: FloatArray
    """The second player's strategy."""
    inner: FloatArray
    """Derivative of its logarithm by the first's."""
    moved: FloatArray
    """And by the level."""


def express(problem: Problem, max_steps: int) -> Express | None:
    """Follow the branch to level 1; None where it is not for this walk, or gets lost.

    Parameters
    ----------
    problem : Problem
        Any; only single games of two risk-neutral players of moderate precision are tried.
    max_steps : int
        Most steps along the branch.
    """
    if not (
        problem.batch == 1
        and problem.neutral == (True, True)
        and len(problem.active) == 2
        and not problem.form.own
        and sum(problem.sizes) <= SPARED
        and all(isinstance(p, np.ndarray) for p in problem.payoffs)
    ):
        return None
    kappas = problem.precision[0].tolist()
    if not TINY < max(kappas) <= MODERATE:
        return None
    seats = [_Seat(p[0], k) for p, k in zip(problem.payoffs, kappas, strict=True)]
    swap = problem.sizes[0] > problem.sizes[1]
    first, second = seats[::-1] if swap else seats
    with np.errstate(all="ignore"):
        found = _walk(first, second, min(max_steps, STEPS))
    if found is None or not swap:
        return found
    return found._replace(log_strategies=found.log_strategies[::-1])


@lru_cache(maxsize=64)
def _uniform(n: int) -> FloatArray:
    x = np.full(n, -log(n))
    x.setflags(write=False)
    return x


@lru_cache(maxsize=64)
def _uniform_pair(n: int, m: int) -> FloatArray:
    x = np.concatenate([np.full(n, 1.0 / n), np.full(m, 1.0 / m)])
    x.setflags(write=False)
    return x


def _log_softmax(x: FloatArray) -> FloatArray:
    """In place; at precisions that are moderate nothing overflows, unless a step went astray."""
    total = float(np.add.reduce(np.exp(x)))
    x -= log(total) if total > 0.0 else nan
    return x


def _slopes(seat: _Seat, p: FloatArray, v: FloatArray, s: FloatArray, sharp: float) -> FloatArray:
    """Derivative of a log-reply by the log-probabilities of what is replied to."""
    out = seat.payoff * p
    out -= v[:, None] * p
    out -= s @ out
    out *= sharp
    return out


def _local(first: _Seat, second: _Seat, x: FloatArray, z: FloatArray, level: float) -> _Local:
    to_first, to_second = level * first.kappa, level * second.kappa
    v2 = second.payoff @ x
    log_q = _log_softmax(to_second * v2)
    q = np.exp(log_q)
    v1 = first.payoff @ q
    log_s = _log_softmax(to_first * v1)
    s = np.exp(log_s)
    outer = _slopes(first, q, v1, s, to_first)
    inner = _slopes(second, x, v2, q, to_second)
    matrix = outer @ inner
    np.negative(matrix, out=matrix)
    matrix.ravel()[:: matrix.shape[0] + 1] += 1.0
    moved = second.kappa * (v2 - q @ v2)
    drift = first.kappa * (v1 - s @ v1) + outer @ moved
    return _Local(log_s - z, matrix, drift, q, inner, moved)


def _solve(local: _Local) -> tuple[FloatArray, FloatArray, Any]:
    """Newton's step and the slope by level, of both players one after the other, and the sign."""
    right = np.empty((1, local.gap.size, 2))
    right[0, :, 0], right[0, :, 1] = local.gap, local.drift
    found, sign = solve_signed(local.matrix[None], right)
    step, ahead = found[0, :, 0], found[0, :, 1]
    return (
        np.concatenate([step, local.inner @ step]),
        np.concatenate([ahead, local.inner @ ahead + local.moved]),
        sign,
    )


class _Stand(NamedTuple):
    """A point of the path, and where it goes from there in unit length."""

    z: FloatArray
    """The first player's log-strategy."""
    both: FloatArray
    """Both strategies, one after the other."""
    level: float
    slope: FloatArray
    """Of both log-strategies."""
    turn: float
    """Of the level."""


class _Found(NamedTuple):
    """What Newton made of a prediction."""

    good: bool
    z: FloatArray
    both: FloatArray
    level: float
    ahead: FloatArray
    """Slope of both log-strategies by the level."""
    sign: Any
    matrix: FloatArray
    """Of the last Newton system."""
    first: float
    """The first correction, in probability."""
    work: int


def _correct(
    first: _Seat, second: _Seat, at: _Stand, length: float, landing: bool, metric: float
) -> _Found:
    """Newton's corrections, at right angles to the path or, when landing, at level 1."""
    own = at.z.size
    weight = at.both * at.slope
    w = _log_softmax(at.z + length * at.slope[:own])
    level = 1.0 if landing else at.level + length * at.turn
    first_change = previous = inf
    good = False
    for k in range(CORRECTIONS):
        p = np.exp(w)
        local = _local(first, second, p, w, level)
        step, ahead, sign_of = _solve(local)
        shift = 0.0
        if not landing:
            across = float(weight @ ahead) + at.turn * metric
            shift = -float(weight @ step) / across if across != 0.0 else nan
            step += shift * ahead
        both = np.concatenate([p, local.reply])
        delta = float(np.maximum.reduce(np.abs(both * np.expm1(step))))
        delta = max(delta, abs(shift) * sqrt(metric))
        w = _log_softmax(w + step[:own])
        level += shift
        if k == 0:
            # the reply is exact where the path was only predicted: that is a correction too
            guess = at.both[own:] * np.exp(length * at.slope[own:])
            guess /= np.add.reduce(guess)
            delta = max(delta, float(np.maximum.reduce(np.abs(local.reply - guess))))
            first_change = delta
            if not delta <= FIRST:
                break
        elif not (delta <= CONTRACTION * previous or delta <= 1e-11):
            break
        previous = delta
        if delta <= (TIGHT if landing else LOOSE if k else 0.01 * LOOSE):
            good = isfinite(level) and level >= 0.0 and (landing or level < 1.0)
            break
    return _Found(good, w, both, level, ahead, sign_of, local.matrix, first_change, k + 1)


def _walk(first: _Seat, second: _Seat, max_steps: int) -> Express | None:
    own, others = first.payoff.shape
    z, both = _uniform(own), _uniform_pair(own, others)
    top = max(first.kappa, second.kappa)
    unit = 1.0 / top
    local = _local(first, second, both[:own], z, 0.0)
    slope = np.concatenate([local.drift, local.moved])
    norm = 1.0 / sqrt(float((both * slope) @ slope) + unit**-2)
    at = _Stand(z, both, 0.0, slope * norm, norm)
    length, work, patience = 4.0, 0, PATIENCE
    for _ in range(max_steps):
        length = min(length, _reach(at.both, at.slope))
        to_go = (1.0 - at.level) / at.turn if at.turn > 0.0 else inf
        landing = length >= to_go
        length = to_go if landing else length
        metric = (at.level + unit) ** -2
        found = _correct(first, second, at, length, landing, metric)
        work += found.work
        good, ahead = found.good, found.ahead
        if good:
            sign = float(found.sign()[0])
            cosine = float((at.both * at.slope) @ ahead) + at.turn * metric
            heading = 1.0 if cosine > 0.0 else -1.0
            good = sign * heading == 1.0
            if good and negative(found.matrix[None], _ONE).any():
                return None
            if good and landing:
                log_q = _log_softmax(second.kappa * (second.payoff @ np.exp(found.z)))
                return Express([found.z[None], log_q[None]], sign, work)
            mixed = float((at.both * ahead) @ ahead) + metric
            good = good and abs(cosine) >= STRAIGHT * sqrt(mixed)
        growth = min(max(sqrt(ERROR / max(found.first, 1e-8)), 0.2), 4.0)
        if good:
            # probabilities as before the last correction, which was small
            size = float((found.both * ahead) @ ahead) + (found.level + unit) ** -2
            norm = heading / sqrt(size)
            at = _Stand(found.z, found.both, found.level, ahead * norm, norm)
            length *= max(growth, 0.5)
        else:
            length *= min(growth, 0.6)
            patience -= 1
        if not patience:
            return None
    return None


def _reach(x: FloatArray, slope: FloatArray) -> float:
    """As `_system.reach`: of the step lengths that move no probability by more than `REACH`."""
    room = np.log1p(REACH / np.maximum(x, 1e-300))
    rate = np.where(slope > 0.0, slope / room, np.where(x > REACH, -slope, 0.0))
    return 1.0 / max(float(np.maximum.reduce(rate)), 1e-300)
