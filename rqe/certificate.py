"""The evidence for a profile, by definition and in closed form; knows no solver, runs no loop.

The regret bound is weak duality: see `rqe.core.response.regret_bound`. Everything is batched over
leading axes, so that one game is a batch of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from .core.ops import (
    action_payoffs,
    joint_log,
    kl,
    neg_entropy,
    outcome_payoffs,
    project_simplex,
)
from .core.regularizer import NegEntropy
from .core.response import reply_by_action
from .core.risk import Entropic
from .model._checks import FloatArray
from .model._outcomes import JOINT, Joint, Parts
from .model.agent import Agent
from .result.status import Status

LOG_AGREEMENT = 0.05
"""Largest relative difference between log-probabilities of an equilibrium and of the replies."""
LOWEST, SPARSE = -600.0, -60.0
"""Log-probabilities below which an action of a general agent counts as never played, and of one
whose rule of choice drops actions."""
ROUGH = 1e-6
"""Residual that no amount of rounding excuses."""
EPS = float(np.finfo(np.float64).eps)


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
        reply is a set, and the residual is that of the natural map ``x - Π(x + v / range)``. Where
        the belief was given, also how far it is from being worst, in units of the payoff range.
    floor : array (...)
        What rounding alone can make of the residual in float64.
    log_gap : array (...)
        Largest relative difference of a log-probability from that of the reply. With strong risk
        aversion a probability of 1e-300 can be the wrong one: what matters to nobody's payoff
        matters to a partner that fears it, and no equilibrium need be near.
    """

    log_beliefs: tuple[FloatArray, ...]
    payoffs: FloatArray
    values: FloatArray
    regret: FloatArray
    residual: FloatArray
    floor: FloatArray
    log_gap: FloatArray | float = 0.0


@np.errstate(all="ignore")  # overflow is found by looking at the result
def evidence(
    own_payoffs: Sequence[FloatArray],
    log_strategies: Sequence[FloatArray],
    tau: FloatArray,
    epsilon: FloatArray,
    log_beliefs: Sequence[FloatArray | None] | None = None,
    form: Joint = JOINT,
) -> Evidence:
    """Residual, regret bound, payoffs, values and beliefs of a profile.

    Parameters
    ----------
    own_payoffs : sequence of array (..., n_i, m_i)
        As `NormalFormGame.own_payoffs`, or operators that multiply as such arrays do.
    log_strategies : sequence of array (..., n_i)
    tau, epsilon : array (..., N)
    log_beliefs : sequence of (array (..., m_i) or None), optional
        Beliefs to use in place of the Gibbs tilt: at ``tau = inf`` the saddle point's dual.
    form : Joint
        What the outcomes are, if not the others' joint actions.
    """
    strategies = tuple(log_strategies)
    beliefs, columns, gaps, floors, log_gaps = [], [], [], [], []
    for i, (raw, log_x) in enumerate(zip(own_payoffs, strategies, strict=True)):
        payoff, middle, span = _centred(raw)  # the middle is added back: digits are kept
        t, e = tau[..., i], epsilon[..., i]
        x, log_q, parts = np.exp(log_x), form.log_play(strategies, i), form.parts(i)
        outcomes = outcome_payoffs(payoff, x)
        neutral = certain = (np.exp(log_q) * outcomes).sum(axis=-1)
        given = None if log_beliefs is None else log_beliefs[i]
        log_p = log_q if given is None else given
        if np.count_nonzero(t):
            certain, log_p = _priced(t, outcomes, log_q, parts)
            log_p = log_p if given is None else given
        worth = action_payoffs(payoff, np.exp(log_p))
        exact = e == 0.0
        any_exact = bool(np.count_nonzero(exact))
        if any_exact:
            log_reply = NegEntropy(e).log_response(worth)
        else:
            logits = (worth - worth.max(axis=-1, keepdims=True)) / e[..., None]
            log_reply = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        gap = np.abs(x - np.exp(log_reply)).max(axis=-1)
        # probabilities below float64's range have logarithms, but none to compare at epsilon = 0
        size = 1.0 + np.minimum(np.abs(log_x), np.abs(log_reply))
        with np.errstate(invalid="ignore"):
            apart = np.abs(log_x - log_reply) / size
        finite = bool(np.isfinite(apart).all())
        if not finite:
            apart = np.nan_to_num(apart, nan=0.0)
        log_gaps.append(np.where(exact, 0.0, apart.max(axis=-1)))
        # weak duality, as in `core.response.regret_bound`; the tilt's slack as minimiser is zero
        if any_exact:
            regret = NegEntropy(e).slack(log_x, worth)
            scale = np.where(span > 0.0, span, 1.0)
            natural = project_simplex(x + worth / scale[..., None]) - x
            gap = np.where(exact, np.abs(natural).max(axis=-1), gap)
        else:
            scale, regret = e, e * _divergence(log_x, x, log_reply)
        if given is not None:
            # a strategy that answers a belief says nothing of the belief: it must be worst as well
            slack = Entropic(t).slack(outcomes, log_q, given)
            regret = regret + slack
            gap = np.maximum(gap, slack / np.where(span > 0.0, span, 1.0))
        steep = np.where(np.isfinite(t), t, 0.0) * span
        stiffness = span / np.where(exact, scale, e) * (1.0 + steep)
        entropy = -(x * log_x).sum(axis=-1) if finite else -neg_entropy(log_x)
        value = certain + middle + e * entropy
        beliefs.append(log_p)
        columns.append((neutral + middle, value, np.maximum(regret, 0.0)))
        gaps.append(gap)
        floors.append(256.0 * EPS * (1.0 + stiffness))
    payoffs, values, regrets = (np.stack(c, axis=-1) for c in zip(*columns, strict=True))
    return Evidence(
        log_beliefs=tuple(beliefs),
        payoffs=payoffs,
        values=values,
        regret=regrets,
        residual=np.asarray(reduce(np.maximum, gaps)),
        floor=np.asarray(reduce(np.maximum, floors)),
        log_gap=np.asarray(reduce(np.maximum, log_gaps)),
    )


def _divergence(log_x: FloatArray, x: FloatArray, log_y: FloatArray) -> FloatArray:
    """`core.ops.kl`, in fewer calls where the two are close, as they are in equilibrium."""
    d = log_y - log_x
    if not np.abs(d).max() < 1.0:
        return kl(log_x, log_y)  # type: ignore[no-any-return]
    return np.asarray((x * (np.expm1(d) - d)).sum(axis=-1))


def _centred(raw: Any) -> tuple[Any, FloatArray, FloatArray]:
    """Payoffs about zero, the constant taken off, and their range."""
    if not isinstance(raw, np.ndarray):
        operator, middle, span = raw.centred()
        return operator, np.asarray(middle), np.asarray(span)
    low, high = raw.min(axis=(-2, -1)), raw.max(axis=(-2, -1))
    middle = 0.5 * low + 0.5 * high
    return raw - middle[..., None, None], middle, high - low


def _priced(
    tau: FloatArray, outcomes: FloatArray, log_q: FloatArray, parts: Parts | None
) -> tuple[FloatArray, FloatArray]:
    """Entropic certainty equivalent and worst-case belief of a gamble.

    Independent gambles that are added up are priced one by one: see `model.polymatrix`.
    """
    risk = Entropic(tau)
    if parts is None:
        return risk.certainty_equivalent(outcomes, log_q), risk.log_belief(outcomes, log_q)
    certain: Any = 0.0
    tilts = []
    for part in parts.slices:
        u, q = outcomes[..., part], log_q[..., part]
        certain = certain + risk.certainty_equivalent(u, q)
        tilts.append(risk.log_belief(u, q))
    return certain, np.concatenate(tilts, axis=-1)


@np.errstate(all="ignore")  # overflow is found by looking at the result
def general_evidence(
    own_payoffs: Sequence[FloatArray],
    log_strategies: Sequence[FloatArray],
    agents: Sequence[Agent],
    log_beliefs: Sequence[FloatArray | None] | None = None,
) -> Evidence:
    """Residual, regret bound, payoffs, values and beliefs of one profile of any agents.

    As `evidence`, by the risk measures' and regularisers' own definitions. A player whose risk is
    action-dependent has one belief an action, (n_i, m_i), and its regret is the Fenchel gap alone:
    its values do not depend on how it plays.

    Parameters
    ----------
    own_payoffs : sequence of array (n_i, m_i)
    log_strategies : sequence of array (n_i,)
    agents : sequence of Agent
    log_beliefs : sequence of (array (m_i,) or None), optional
        Beliefs to use in place of the risk measure's own choice, which is one of many where
        outcomes tie.
    """
    strategies = tuple(log_strategies)
    beliefs, columns, gaps, floors, log_gaps = [], [], [], [], []
    for i, (raw, log_x, agent) in enumerate(zip(own_payoffs, strategies, agents, strict=True)):
        span = float(np.ptp(raw))
        unit = span if span > 0.0 else 1.0
        middle = 0.5 * (float(raw.max()) + float(raw.min()))
        payoff, x = raw - middle, np.exp(log_x)
        log_q = joint_log(strategies, i)
        outcomes = outcome_payoffs(payoff, x)
        neutral = float(np.exp(log_q) @ outcomes)
        given = None if log_beliefs is None else log_beliefs[i]
        slack = 0.0
        if agent.form == "action_dependent":
            answer = reply_by_action(payoff, log_q, agent.risk, agent.regularizer)
            log_p, worth = answer.log_belief, answer.values
            certain = float(x @ worth)
        else:
            log_p = agent.risk.log_belief(outcomes, log_q) if given is None else given
            worth = action_payoffs(payoff, np.exp(log_p))
            certain = float(agent.risk.certainty_equivalent(outcomes, log_q))
            if given is not None:
                slack = float(agent.risk.slack(outcomes, log_q, given))
        rule = agent.regularizer
        log_reply = rule.log_response(worth)
        gap = float(np.abs(x - np.exp(log_reply)).max())
        lowest = SPARSE if float(getattr(rule, "q", 1.0)) > 1.0 else LOWEST
        shown = (log_x > lowest) | (log_reply > lowest)
        ours, theirs = log_x[shown], log_reply[shown]
        size = 1.0 + np.minimum(np.abs(ours), np.abs(theirs))
        log_gaps.append(float(np.max(np.abs(ours - theirs) / size, initial=0.0)))
        regret = float(rule.slack(log_x, worth)) + slack
        tau = float(getattr(agent.risk, "tau", 0.0))
        steep = tau * span if np.isfinite(tau) else 0.0
        steep = max(steep, 1.0 / float(getattr(agent.risk, "alpha", 1.0)))
        floors.append(256.0 * EPS * (1.0 + unit / rule.epsilon * (1.0 + steep)))
        beliefs.append(log_p)
        columns.append((neutral + middle, certain + middle - float(rule.penalty(log_x)), regret))
        gaps.append(max(gap, slack / unit))
    payoffs, values, regrets = (np.array(c) for c in zip(*columns, strict=True))
    return Evidence(
        log_beliefs=tuple(beliefs),
        payoffs=payoffs,
        values=values,
        regret=np.maximum(regrets, 0.0),
        residual=np.asarray(max(gaps)),
        floor=np.asarray(max(floors)),
        log_gap=np.asarray(max(log_gaps)),
    )


def is_solved(found: Evidence, ranges: FloatArray, tol: float) -> Any:
    """What counts as solved: residual within tolerance, or at its rounding floor with no regret.

    And, in either case, log-probabilities that are those of the reply up to `LOG_AGREEMENT`.

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
    floored = (found.residual <= np.minimum(found.floor, ROUGH)) & (found.regret <= allowed).all(
        axis=-1
    )
    return (close | floored) & (found.log_gap <= np.maximum(LOG_AGREEMENT, 16.0 * found.floor))


def verdict(found: Evidence, ranges: FloatArray, tol: float, otherwise: Status) -> Status:
    """`Status.CONVERGED` for a solved profile, else `otherwise`; refuses non-finite evidence."""
    if not (np.isfinite(found.regret).all() and np.isfinite(found.residual)):
        return Status.NON_FINITE
    return Status.CONVERGED if bool(is_solved(found, ranges, tol)) else otherwise
