r"""The RQE as a smooth system in log-strategies AND log-beliefs, and its linear algebra.

The unknowns are ``z_i = log x_i`` and ``y_i = log p_i``; the equations, at precision ``ℓ/epsilon``,

.. math:: z_i = \log\mathrm{softmax}(\ell\, U_i p_i / \epsilon_i), \qquad
          y_i = \log\mathrm{softmax}(\log x_{-i} - \tau_i U_i^\top x_i).

Keeping the belief as an unknown, in place of eliminating it, keeps every nonlinearity an
exponential of unit scale whatever ``tau``: eliminated, the belief turns over while payoffs change
by 1/tau, and Newton's method sees only that far. The belief's step is explicit in the strategies',
so the linear system still has only as many unknowns as there are actions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..model._outcomes import JOINT
from ._problem import Problem
from ._rows import (
    BoolArray,
    action_payoffs,
    add_identity,
    dot,
    outcome_payoffs,
    product,
    row_max,
    row_sum,
    side_by_side,
    solve_signed,
)

State = list[FloatArray]

REACH = 0.25
"""Largest change of any probability that a linear prediction is trusted for."""


def normalised(x: FloatArray) -> FloatArray:
    """Log-softmax of each row, in NumPy's fewest calls."""
    shifted: FloatArray = x - row_max(x)
    shifted -= np.log(row_sum(np.exp(shifted)))
    return shifted


def tilted(problem: Problem, i: int, x: FloatArray) -> FloatArray:
    """Log-probabilities of player i's outcomes from their logarithms up to a constant."""
    parts = problem.form.parts(i)
    return normalised(x) if parts is None else parts.normalised(x)


def beliefs(problem: Problem, z: State) -> State:
    """Gibbs tilts at a profile, as log-probabilities; fixed players get an empty array."""
    out = []
    for i, payoff in enumerate(problem.payoffs):
        if problem.fixed[i] is not None:
            out.append(np.empty((problem.batch, 0)))
            continue
        log_q = problem.form.log_play(z, i)
        if not problem.neutral[i]:
            outcomes = outcome_payoffs(payoff, np.exp(z[i]))
            log_q = tilted(problem, i, log_q - problem.tau[:, i, None] * outcomes)
        out.append(log_q)
    return out


@dataclass
class Linearised:
    """The system linearised at a point; everything a Newton step or a tangent needs."""

    log_response: State
    """Quantal responses to the current beliefs, (B, n_i), active players in order."""
    gap: State
    """Log-residuals of the strategies."""
    belief_gap: list[FloatArray | None]
    """Log-residuals of the beliefs; None for risk-neutral players, whose belief is exact."""
    tilt: State
    """Gibbs tilts at the current strategies, as probabilities."""
    drift: State
    """Derivative of the log-responses with respect to ``ℓ``."""
    slopes: list[FloatArray]
    """``d log_response / d log_belief``, (B, n_i, m_i), with the tilt's normalisation built in;
    empty where the system is too large to write down."""
    load: State
    """Right-hand sides of the Newton system, (B, n_i)."""
    weights: list[Any] = field(default_factory=list)
    """How the outcomes' log-probabilities turn with play: see `Joint.weights`."""


def linearise(
    problem: Problem, z: State, y: State, level: FloatArray, *, dense: bool = True
) -> Linearised:
    """Residuals and slopes at ``(z, y)`` and precision multiplier ``level`` (B,)."""
    out = Linearised([], [], [], [], [], [], [])
    for i in problem.active:
        payoff, kappa = problem.payoffs[i], problem.precision[:, i, None]
        sharp = level[:, None] * kappa
        p, log_x = np.exp(y[i]), z[i]
        values = action_payoffs(payoff, p)
        log_s = normalised(sharp * values)
        s = np.exp(log_s)
        gap = log_s - log_x
        load, tilt, belief_gap = gap, p, None
        if not problem.neutral[i]:
            outcomes = outcome_payoffs(payoff, np.exp(log_x))
            log_q = problem.form.log_play(z, i)
            log_tilt = tilted(problem, i, log_q - problem.tau[:, i, None] * outcomes)
            belief_gap, tilt = log_tilt - y[i], np.exp(log_tilt)
            moved = action_payoffs(payoff, p * belief_gap)
            load = gap + sharp * (moved - dot(s, moved)[:, None])
        if dense:
            slope = payoff * p[:, None, :]
            parts = problem.form.parts(i)
            if parts is None:
                slope -= values[:, :, None] * tilt[:, None, :]
            else:
                slope -= parts.spread(parts.sums(slope)) * tilt[:, None, :]
            slope -= outcome_payoffs(slope, s)[:, None, :]
            slope *= sharp[:, :, None]
            out.slopes.append(slope)
        out.log_response.append(log_s)
        out.gap.append(gap)
        out.belief_gap.append(belief_gap)
        out.tilt.append(tilt)
        out.drift.append(kappa * (values - dot(s, values)[:, None]))
        out.load.append(load)
        out.weights.append(problem.form.weights(z, i))
    return out


def marginal(
    problem: Problem, i: int, j: int, slope: FloatArray, weights: Any = None
) -> FloatArray:
    """Slopes (B, n, m_i) by player i's log-play as slopes by player j's strategy, (B, n, n_j).

    With joint actions for outcomes: the sum over all others' actions but player j's.
    """
    if problem.form is not JOINT:
        return problem.form.pull(weights, i, j, slope)
    others = [k for k in range(len(problem.sizes)) if k != i]
    if len(others) == 1:
        return slope
    tensor = slope.reshape(*slope.shape[:2], *(problem.sizes[k] for k in others))
    total: FloatArray = tensor.sum(axis=tuple(2 + a for a, k in enumerate(others) if k != j))
    return total


def jacobian(problem: Problem, z: State, lin: Linearised) -> FloatArray:
    """Dense matrix of the Newton system, (B, n, n), ``n`` the active players' actions."""
    active, starts = problem.active, problem.starts
    n = starts[-1]
    matrix = np.zeros((problem.batch, n, n), order=problem.order)
    columns, count = problem.columns, len(problem.sizes)
    for a, i in enumerate(active):
        rows = columns[i]
        for j in problem.form.sources(i, count):
            if j in columns:
                block = marginal(problem, i, j, lin.slopes[a], lin.weights[a])
                np.negative(block, out=matrix[:, rows, columns[j]])
        if not problem.neutral[i]:
            own = product(lin.slopes[a], np.swapaxes(problem.payoffs[i], 1, 2))
            own *= (problem.tau[:, i, None] * np.exp(z[i]))[:, None, :]
            if problem.form.own:
                own += matrix[:, rows, rows]
            matrix[:, rows, rows] = own
    add_identity(matrix)
    return matrix


def spread(problem: Problem, stacked: FloatArray) -> State:
    """Split (B, n) over players; fixed players get zeros."""
    out, start = [], 0
    for i, n in enumerate(problem.sizes):
        if problem.fixed[i] is None:
            out.append(stacked[:, start : start + n])
            start += n
        else:
            out.append(np.zeros((stacked.shape[0], n)))
    return out


def belief_step(problem: Problem, z: State, lin: Linearised, dz: State, newton: bool) -> State:
    """Steps of the log-beliefs that go with ``dz``; with the belief residual if ``newton``."""
    out = []
    position = 0
    for i, payoff in enumerate(problem.payoffs):
        if problem.fixed[i] is not None:
            out.append(np.empty((problem.batch, 0)))
            continue
        step = problem.form.step(lin.weights[position], dz, i)
        if not problem.neutral[i]:
            step = step - problem.tau[:, i, None] * outcome_payoffs(payoff, np.exp(z[i]) * dz[i])
            parts, tilt = problem.form.parts(i), lin.tilt[position]
            if parts is None:
                step -= dot(tilt, step)[:, None]
            else:
                step -= parts.spread(parts.sums(tilt * step))
            gap = lin.belief_gap[position]
            if newton and gap is not None:
                step += gap
        out.append(step)
        position += 1
    return out


def stack(parts: list[FloatArray]) -> FloatArray:
    """Active players' (B, n_i) side by side."""
    return np.concatenate(parts, axis=1)


def solve_system(
    problem: Problem, z: State, lin: Linearised
) -> tuple[State, State, Callable[[], FloatArray], FloatArray]:
    """Newton's step, the branch's slope, what gives the determinant's sign, and the matrix solved.

    Two risk-neutral players depend on each other only: the second is eliminated.
    """
    two = len(problem.sizes) == 2 and problem.neutral == (True, True)
    if two and len(problem.active) == 2 and not problem.form.own:
        first, second = (0, 1) if problem.sizes[0] <= problem.sizes[1] else (1, 0)
        outer, inner = lin.slopes[first], lin.slopes[second]
        right = [side_by_side(a, b) for a, b in zip(lin.load, lin.drift, strict=True)]
        matrix = product(outer, inner)
        np.negative(matrix, out=matrix)
        add_identity(matrix)
        found = [right[0], right[1]]
        found[first], sign = solve_signed(matrix, right[first] + product(outer, right[second]))
        found[second] = right[second] + product(inner, found[first])
        return [f[:, :, 0] for f in found], [f[:, :, 1] for f in found], sign, matrix
    matrix = jacobian(problem, z, lin)
    both, sign = solve_signed(matrix, side_by_side(stack(lin.load), stack(lin.drift)))
    return spread(problem, both[:, :, 0]), spread(problem, both[:, :, 1]), sign, matrix


def apply_jacobian(
    problem: Problem, z: State, y: State, level: FloatArray, lin: Linearised, dz: State
) -> State:
    """The matrix of `jacobian` times ``dz``, by two payoff products for each active player."""
    dy = belief_step(problem, z, lin, dz, newton=False)
    out = []
    for log_s, i in zip(lin.log_response, problem.active, strict=True):
        change = action_payoffs(problem.payoffs[i], np.exp(y[i]) * dy[i])
        change = change - dot(np.exp(log_s), change)[:, None]
        out.append(dz[i] - level[:, None] * problem.precision[:, i, None] * change)
    return out


def moved(problem: Problem, z: State, y: State, dz: State, dy: State) -> tuple[State, State]:
    """The point ``(z + dz, y + dy)``, normalised; risk-neutral beliefs are set exactly."""
    new_z = [
        old if problem.fixed[i] is not None else normalised(old + dz[i]) for i, old in enumerate(z)
    ]
    new_y = []
    for i, old in enumerate(y):
        if problem.fixed[i] is not None:
            new_y.append(old)
        elif problem.neutral[i]:
            new_y.append(problem.form.log_play(new_z, i))
        else:
            new_y.append(tilted(problem, i, old + dy[i]))
    return new_z, new_y


def change(before: State, after: State) -> FloatArray:
    """Largest change of a probability, (B,), over all arrays."""
    worst: Any = 0.0
    for a, b in zip(before, after, strict=True):
        if a.shape[1]:
            worst = np.maximum(worst, row_max(np.abs(np.exp(b) - np.exp(a)))[:, 0])
    return np.asarray(worst)


def apart(a: State, b: State) -> FloatArray:
    """Largest relative difference of log-probabilities, (B,), of log-strategies.

    Strong risk aversion makes profiles differ that agree to seven digits of every probability.
    """
    worst: Any = 0.0
    for p, q in zip(a, b, strict=True):
        gap = np.abs(p - q) / (1.0 + np.minimum(np.abs(p), np.abs(q)))
        worst = np.maximum(worst, row_max(gap)[:, 0])
    return np.asarray(worst)


def unsettled(before: State, after: State) -> FloatArray:
    """How far log-probabilities still are from each other, (B,), at most 1; 0 where they agree.

    Convergence in probability says nothing of rare actions, which strong risk aversion magnifies.
    """
    gap = apart(before, after)
    return np.asarray(np.where(gap > 0.01, np.minimum(gap, 1.0), 0.0))


def reach(now: State, step: State) -> FloatArray:
    """Largest multiple of ``step`` that moves no probability by more than about `REACH`."""
    worst: Any = 1e-300
    for log_x, d in zip(now, step, strict=True):
        if log_x.shape[1]:
            room = np.logaddexp(0.0, np.log(REACH) - log_x)
            rate = np.where(d > 0.0, d / room, np.where(log_x > np.log(REACH), -d, 0.0))
            worst = np.maximum(worst, row_max(rate)[:, 0])
    return np.asarray(1.0 / worst)


def scaled(parts: State, factor: FloatArray) -> State:
    """Every array times one factor a row."""
    return [part * factor[:, None] for part in parts]


def choose(pick: BoolArray, new: State, old: State) -> State:
    """Row by row, the new arrays or the old."""
    if pick.all():
        return new
    return [np.where(pick[:, None], a, b) for a, b in zip(new, old, strict=True)]
