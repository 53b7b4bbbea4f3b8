"""The evidence for a profile, by definition and in closed form; knows no solver, runs no loop.

The regret bound is weak duality: see `rqe.core.response.regret_bound`. Everything is batched over
leading axes, so that one game is a batch of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .core.ops import action_payoffs, joint_log, outcome_payoffs, project_simplex
from .core.regularizer import NegEntropy
from .core.response import regret_bound, residual, risk_adjusted_value
from .core.risk import Entropic
from .model._checks import FloatArray
from .result.status import Status


@dataclass(frozen=True)
class Evidence:
    """What can be said of a profile without knowing where it came from.

    Attributes
    ----------
    log_beliefs : tuple of array (..., m_i)
        Worst-case beliefs over the others' joint actions, flat.
    payoffs, values, regret : array (..., N)
        Risk-neutral payoffs, risk-adjusted regularised values, regret bounds; in payoff units.
    residual : array (...)
        Largest difference of a probability from the reply to the profile. Where ``epsilon = 0`` the
        reply is a set, and the residual is that of the natural map ``x - Π(x + v / range)``.
    floor : array (...)
        What rounding alone can make of the residual in float64.
    """

    log_beliefs: tuple[FloatArray, ...]
    payoffs: FloatArray
    values: FloatArray
    regret: FloatArray
    residual: FloatArray
    floor: FloatArray


def evidence(
    own_payoffs: Sequence[FloatArray],
    log_strategies: Sequence[FloatArray],
    tau: FloatArray,
    epsilon: FloatArray,
    log_beliefs: Sequence[FloatArray | None] | None = None,
) -> Evidence:
    """Residual, regret bound, payoffs, values and beliefs of a profile.

    Parameters
    ----------
    own_payoffs : sequence of array (..., n_i, m_i)
        As `NormalFormGame.own_payoffs`.
    log_strategies : sequence of array (..., n_i)
    tau, epsilon : array (..., N)
    log_beliefs : sequence of (array (..., m_i) or None), optional
        Beliefs to use in place of the Gibbs tilt: at ``tau = inf`` the saddle point's dual.
    """
    strategies = tuple(log_strategies)
    beliefs, columns, gaps, floors = [], [], [], []
    for i, (raw, log_x) in enumerate(zip(own_payoffs, strategies, strict=True)):
        low, high = np.min(raw, axis=(-2, -1)), np.max(raw, axis=(-2, -1))
        middle, span = 0.5 * (low + high), high - low
        payoff = raw - middle[..., None, None]  # the middle is added back: digits are kept
        risk, regularizer = Entropic(tau[..., i]), NegEntropy(epsilon[..., i])
        log_q = joint_log(strategies, i)
        outcomes = outcome_payoffs(payoff, np.exp(log_x))
        given = None if log_beliefs is None else log_beliefs[i]
        log_p = risk.log_belief(outcomes, log_q) if given is None else given
        worth = action_payoffs(payoff, np.exp(log_p))
        neutral = np.sum(np.exp(log_q) * outcomes, axis=-1)
        value = risk_adjusted_value(payoff, log_x, log_q, risk, regularizer)
        regret = regret_bound(payoff, log_x, log_q, log_p, risk, regularizer)
        scale = np.where(span > 0.0, span, 1.0)
        natural = project_simplex(np.exp(log_x) + worth / scale[..., None]) - np.exp(log_x)
        exact = epsilon[..., i] == 0.0
        gap = np.where(
            exact,
            np.max(np.abs(natural), axis=-1),
            residual(log_x, regularizer.log_response(worth)),
        )
        bounded_tau = np.where(np.isfinite(tau[..., i]), tau[..., i], 0.0)
        stiffness = span / np.where(exact, scale, epsilon[..., i]) * (1.0 + bounded_tau * span)
        beliefs.append(log_p)
        columns.append((neutral + middle, value + middle, np.maximum(regret, 0.0)))
        gaps.append(gap)
        floors.append(64.0 * np.finfo(np.float64).eps * (1.0 + stiffness))
    payoffs, values, regrets = (np.stack(c, axis=-1) for c in zip(*columns, strict=True))
    return Evidence(
        log_beliefs=tuple(beliefs),
        payoffs=payoffs,
        values=values,
        regret=regrets,
        residual=np.max(np.stack(gaps, axis=-1), axis=-1),
        floor=np.max(np.stack(floors, axis=-1), axis=-1),
    )


def is_solved(found: Evidence, ranges: FloatArray, tol: float) -> Any:
    """What counts as solved: residual within tolerance, or at its rounding floor with no regret.

    Parameters
    ----------
    found : Evidence
    ranges : array (..., N)
        Payoff range of each player; the regret allowed at the rounding floor is 1e-9 of it.
    tol : float
        Bound on the residual.

    Returns
    -------
    bool array (...)
    """
    close = found.residual <= tol
    allowed = 1e-9 * np.where(ranges > 0.0, ranges, 1.0)
    floored = (found.residual <= found.floor) & np.all(found.regret <= allowed, axis=-1)
    return close | floored


def verdict(found: Evidence, ranges: FloatArray, tol: float, otherwise: Status) -> Status:
    """`Status.CONVERGED` for a solved profile, else `otherwise`; refuses non-finite evidence."""
    if not (np.all(np.isfinite(found.regret)) and np.isfinite(found.residual)):
        return Status.NON_FINITE
    return Status.CONVERGED if bool(is_solved(found, ranges, tol)) else otherwise
