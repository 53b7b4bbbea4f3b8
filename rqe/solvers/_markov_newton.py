"""Newton's method on all stage games at once, each from where it stood; and what moves with values.

A stage game that has converged leaves the batch, so a sweep costs what its hardest states cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.ops import joint_log
from ..core.risk import Entropic
from ..model._checks import FloatArray
from ..result.status import Status
from ._loop import iterate
from ._problem import Problem
from ._rows import BoolArray, action_payoffs, outcome_payoffs, solve_linear
from ._system import (
    Linearised,
    State,
    belief_step,
    change,
    jacobian,
    linearise,
    marginal,
    moved,
    reach,
    scaled,
    solve_system,
    spread,
    stack,
    unsettled,
)

STEPS = 40
"""Newton steps after which a stage game is handed to another method."""


@dataclass
class _Front:
    """Stage games still under way, and where all of them stand."""

    problem: Problem
    rows: np.ndarray[tuple[int], np.dtype[np.intp]]
    z: State
    y: State
    previous: FloatArray
    settled: BoolArray


def tangent_step(problem: Problem, z: State, lin: Linearised) -> State:
    """Newton's step of the log-strategies that leaves totals of probabilities alone.

    A common change of a player's log-probabilities is none, so beliefs must not answer to it: if
    they did, far from an equilibrium a step could be such a change alone, and lead nowhere.
    """
    if all(problem.neutral):
        found, _, _, _ = solve_system(problem, z, lin)
    else:
        matrix = jacobian(problem, z, lin)
        for a, i in enumerate(problem.active):
            rows = slice(problem.starts[a], problem.starts[a + 1])
            answer = matrix[:, rows, rows].sum(axis=2, keepdims=True) - 1.0
            matrix[:, rows, rows] -= answer * np.exp(z[i])[:, None, :]
        right = stack(lin.load)[:, :, None]
        found = spread(problem, solve_linear(matrix, right)[:, :, 0])
    return [d - np.vecdot(np.exp(part), d)[:, None] for d, part in zip(found, z, strict=True)]


class _Follow:
    """Damped Newton steps in log-strategies and log-beliefs; a `Method` for the driver loop."""

    def __init__(self, z: State, y: State, goal: float) -> None:
        self.z, self.y, self.goal = z, y, goal

    def step(self, front: _Front) -> _Front:
        """One correction of everyone under way; who has settled leaves."""
        problem, z, y = front.problem, front.z, front.y
        with np.errstate(all="ignore"):
            lin = linearise(problem, z, y, np.ones(problem.batch))
            dz = tangent_step(problem, z, lin)
            dy = belief_step(problem, z, lin, dz, newton=True)
            short = np.minimum(1.0, np.minimum(reach(z, dz), reach(y, dy)))
            new_z, new_y = moved(problem, z, y, scaled(dz, short), scaled(dy, short))
            delta = np.maximum(change(z, new_z), change(y, new_y))
            for before, after in zip(z + y, new_z + new_y, strict=True):
                if after.shape[1]:
                    delta = np.maximum(delta, unsettled([before], [after]))
        sound = np.isfinite(delta)
        stuck = (delta <= 1e-8) & (delta >= 0.5 * front.previous)
        # a step that had to be shortened is small for other reasons than being at the end
        over = sound & (short == 1.0) & ((delta <= self.goal) | stuck)
        for whole, part in zip(self.z + self.y, new_z + new_y, strict=True):
            if part.shape[1]:
                whole[front.rows[sound]] = part[sound]
        front.settled[front.rows[over]] = True
        left = np.flatnonzero(sound & ~over)
        if left.size == delta.size:
            return _Front(problem, front.rows, new_z, new_y, delta, front.settled)
        return _Front(
            problem.take(left),
            front.rows[left],
            [part[left] for part in new_z],
            [part[left] for part in new_y],
            delta[left],
            front.settled,
        )

    def ending(self, front: _Front) -> Status | None:
        """Ended when nobody is under way."""
        return Status.CONVERGED if front.rows.size == 0 else None

    def finite(self, front: _Front) -> bool:
        """Games that meet a singular matrix are dropped, the others are finite."""
        return True


def follow(problem: Problem, z: State, y: State, goal: float) -> tuple[State, State, BoolArray]:
    """Stage equilibria near ``(z, y)``, and which stage games reached one.

    Parameters
    ----------
    problem : Problem
        All stage games.
    z, y : list of array (S, n_i) and of array (S, m_i)
        Log-strategies and log-beliefs to start from.
    goal : float
        A game is done when a correction changes no probability by more. Corrections shrink
        quadratically, so what is left is about its square.
    """
    z = [np.array(problem.fixed[i]) if f is not None else np.array(z[i])
         for i, f in enumerate(problem.fixed)]  # fmt: skip
    y = [np.array(part) for part in y]
    count = problem.batch
    if not problem.active:
        return z, y, np.ones(count, dtype=np.bool_)
    method = _Follow(z, y, goal)
    front = _Front(
        problem, np.arange(count), list(z), list(y), np.full(count, np.inf), np.zeros(count, bool)
    )
    front, _, _ = iterate(method, front, STEPS)
    return z, y, front.settled


def value_slopes(
    problem: Problem, z: State, y: State, tau: FloatArray, epsilon: FloatArray
) -> list[list[FloatArray | None]]:
    r"""How everyone's stage value moves with everyone's stage payoffs, along the equilibrium.

    Parameters
    ----------
    problem, z, y
        Stage games and their equilibria; every ``tau`` finite.
    tau, epsilon : array (N,)
        In payoff units.

    Returns
    -------
    list of N lists of N (array (S, n_k, m_k) or None)
        ``[i][k]`` is the derivative of player i's stage value with respect to player k's stage
        payoffs; None where it is zero.

    Notes
    -----
    By the envelope theorem player i's own payoffs count with ``x_i p_i``; the others' play moves by
    the Newton system's inverse, applied from the left: one linear system a player.
    """
    n_players = len(problem.sizes)
    lin = linearise(problem, z, y, np.ones(problem.batch))
    matrix = jacobian(problem, z, lin)
    starts, active = problem.starts, problem.active
    loads = np.zeros((problem.batch, starts[-1], n_players))
    for i in range(n_players):
        weight = _sensitivity(problem, z, i)
        for c, j in enumerate(active):
            if j != i:
                part = marginal(problem, i, j, weight[:, None, :])[:, 0, :]
                loads[:, starts[c] : starts[c + 1], i] = part
    adjoint = solve_linear(np.swapaxes(matrix, 1, 2), loads)
    units = np.stack([np.ones(problem.batch)] * n_players, axis=1)
    units[:, list(active)] = (problem.precision * epsilon)[:, list(active)]
    out: list[list[FloatArray | None]] = []
    for i in range(n_players):
        slopes: list[FloatArray | None] = [None] * n_players
        for c, k in enumerate(active):
            x, p = np.exp(z[k]), lin.tilt[c]
            lam = adjoint[:, starts[c] : starts[c + 1], i] * units[:, i, None]
            lam = lam - np.exp(lin.log_response[c]) * lam.sum(axis=1, keepdims=True)
            shift = outcome_payoffs(problem.payoffs[k], lam)
            shift = problem.tau[:, k, None] * (shift - np.vecdot(p, shift)[:, None])
            slope = lam[:, :, None] - x[:, :, None] * shift[:, None, :]
            slopes[k] = slope * p[:, None, :] / epsilon[k]
        own = np.exp(z[i])[:, :, None] * np.exp(y[i])[:, None, :]
        before = slopes[i]
        slopes[i] = own if before is None else before + own
        out.append(slopes)
    return out


def _sensitivity(problem: Problem, z: State, i: int) -> FloatArray:
    """Derivative of a player's certainty equivalent in its partners' log-probabilities, (S, m_i).

    ``-(p - q) / tau``, in normalised payoffs, up to constants: log-probabilities stay normalised.
    """
    log_q = joint_log(tuple(z), i)
    q = np.exp(log_q)
    outcomes = outcome_payoffs(problem.payoffs[i], np.exp(z[i]))
    tau = problem.tau[:, i]
    certain = Entropic(tau).certainty_equivalent(outcomes, log_q)
    excess = outcomes - certain[:, None]
    steep = tau[:, None] * excess
    near = np.abs(steep) < 1.0
    divisor = np.where(tau > 0.0, tau, 1.0)[:, None]
    close = -q * np.where(tau[:, None] > 0.0, np.expm1(np.where(near, -steep, 0.0)) / divisor, 0.0)
    close = np.where(tau[:, None] > 0.0, close, q * excess)
    with np.errstate(over="ignore"):
        apart = -(np.exp(log_q - steep) - q) / divisor
    return np.asarray(np.where(near, close, apart))


def stage_values(
    payoffs: list[FloatArray], z: State, tau: FloatArray, epsilon: FloatArray
) -> FloatArray:
    """Risk-adjusted, regularised values (N, S) of the profiles ``z`` in stage games ``payoffs``."""
    out = []
    for i, payoff in enumerate(payoffs):
        x, log_q = np.exp(z[i]), joint_log(tuple(z), i)
        if tau[i] == 0.0:
            value = np.vecdot(x, action_payoffs(payoff, np.exp(log_q)))
        else:
            value = Entropic(tau[i]).certainty_equivalent(outcome_payoffs(payoff, x), log_q)
        out.append(value - epsilon[i] * np.vecdot(x, np.where(x > 0.0, z[i], 0.0)))
    return np.stack(out)
