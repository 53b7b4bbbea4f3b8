"""The shared primitive: the risk-averse quantal best response of one player, and its evidence.

Everything in the package that computes an equilibrium or trains a policy goes through these
functions. They take one player's payoff matrix (own actions by the others' joint actions), the
player's own log-strategy and the log-distribution ``log_q`` of the others' joint actions. Risk is
aggregate, one gamble for the mixed strategy, or action-dependent, one gamble for each own action
(the functions ``..._by_action``).
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, NamedTuple

from .ops import Array, action_payoffs, outcome_payoffs


class Reply(NamedTuple):
    """What a player believes, what its actions are then worth, and how it would answer."""

    outcomes: Array
    """Expected payoff at each joint action of the others, (..., m)."""
    log_belief: Array
    """Worst-case belief over the others' joint actions, (..., m)."""
    values: Array
    """Expected payoff of each own action under that belief, (..., n)."""
    log_response: Array
    """Quantal response to those values, (..., n)."""


def reply(payoff: Array, log_x: Array, log_q: Array, risk: Any, regularizer: Any) -> Reply:
    """Risk-averse quantal reply map, one step of the fixed-point form of the RQE (section 1).

    Parameters
    ----------
    payoff : array (..., n, m)
    log_x : array (..., n)
        The player's own strategy: the belief depends on it, because the expectation over one's own
        action is inside the exponent.
    log_q : array (..., m)
    risk, regularizer
        For example `Entropic` and `NegEntropy`.

    Returns
    -------
    Reply
        ``x`` is a best response to ``q`` exactly where ``log_response == log_x``.

    Examples
    --------
    >>> import numpy as np
    >>> from rqe.core.risk import Entropic
    >>> from rqe.core.regularizer import NegEntropy
    >>> stag_hunt, even = np.array([[4.0, 0.0], [3.0, 3.0]]), np.log([0.5, 0.5])
    >>> np.exp(reply(stag_hunt, even, even, Entropic(1.0), NegEntropy(1.0)).log_response).round(4)
    array([0.0742, 0.9258])
    """
    xp = log_x.__array_namespace__()
    outcomes = outcome_payoffs(payoff, xp.exp(log_x))
    log_belief = risk.log_belief(outcomes, log_q)
    values = action_payoffs(payoff, xp.exp(log_belief))
    return Reply(outcomes, log_belief, values, regularizer.log_response(values))


def residual(log_x: Array, log_response: Array) -> Array:
    """Largest difference of a probability from the reply to it; (..., n) to (...)."""
    xp = log_x.__array_namespace__()
    return xp.max(xp.abs(xp.exp(log_x) - xp.exp(log_response)), axis=-1)


def risk_adjusted_value(
    payoff: Array, log_x: Array, log_q: Array, risk: Any, regularizer: Any
) -> Array:
    """Certainty equivalent less the regulariser, SRA eqs. 1 and 2, in payoff units; shape (...)."""
    xp = log_x.__array_namespace__()
    outcomes = outcome_payoffs(payoff, xp.exp(log_x))
    return risk.certainty_equivalent(outcomes, log_q) - regularizer.penalty(log_x)


def regret_bound(
    payoff: Array, log_x: Array, log_q: Array, log_p: Array, risk: Any, regularizer: Any
) -> Array:
    r"""Upper bound on what the player could gain by deviating, by weak duality; shape (...).

    For ANY belief ``p`` the best value against ``p`` bounds the best risk-adjusted value from
    above, so the regret is at most the regulariser's Fenchel gap at the values under ``p`` plus the
    slack of ``p`` as a minimiser. With the worst-case belief at ``x`` the second term is zero and
    the bound is ``epsilon * KL(x || softmax(values / epsilon))``.

    Parameters
    ----------
    payoff : array (..., n, m)
    log_x : array (..., n)
    log_q, log_p : array (..., m)
        The others' joint play, and the belief to use.
    risk, regularizer
        For example `Entropic` and `NegEntropy`.
    """
    xp = log_x.__array_namespace__()
    values = action_payoffs(payoff, xp.exp(log_p))
    outcomes = outcome_payoffs(payoff, xp.exp(log_x))
    return regularizer.slack(log_x, values) + risk.slack(outcomes, log_q, log_p)


def action_values(payoff: Array, log_q: Array, risk: Any) -> Array:
    r"""Certainty equivalent of each own action's gamble: action-dependent risk (RQE24 eqs. 5, 6).

    A separate adversary for each action, :math:`\rho(u(a, \cdot))`, so that the player is worth
    :math:`\sum_a x_a \rho(u(a, \cdot))`: never more than the aggregate
    :math:`\rho(\sum_a x_a u(a, \cdot))`, since ``rho`` is concave.

    Parameters
    ----------
    payoff : array (..., n, m)
    log_q : array (..., m)
    risk
        For example `Entropic`; its degree may be an array (...), one a game.

    Returns
    -------
    array (..., n)

    Examples
    --------
    >>> import numpy as np
    >>> from rqe.core.risk import Entropic
    >>> pennies, even = np.array([[1.0, 0.0], [0.0, 1.0]]), np.log([0.5, 0.5])
    >>> action_values(pennies, even, Entropic(10.0)).round(3)
    array([0.069, 0.069])
    """
    each = _for_each_action(risk)
    return each.certainty_equivalent(payoff, _for_each_row(payoff, log_q))


def reply_by_action(payoff: Array, log_q: Array, risk: Any, regularizer: Any) -> Reply:
    """As `reply`, of a player whose risk is action-dependent; it needs no strategy to reply to.

    Parameters
    ----------
    payoff : array (..., n, m)
    log_q : array (..., m)
    risk, regularizer
        For example `Entropic` and `NegEntropy`.

    Returns
    -------
    Reply
        ``outcomes`` are the payoffs themselves, and there is one belief an action: both
        (..., n, m).
    """
    log_belief = _for_each_action(risk).log_belief(payoff, _for_each_row(payoff, log_q))
    values = action_values(payoff, log_q, risk)
    return Reply(payoff, log_belief, values, regularizer.log_response(values))


def value_by_action(
    payoff: Array, log_x: Array, log_q: Array, risk: Any, regularizer: Any
) -> Array:
    """As `risk_adjusted_value`, of a player whose risk is action-dependent; shape (...)."""
    xp = log_x.__array_namespace__()
    values = action_values(payoff, log_q, risk)
    return xp.sum(xp.exp(log_x) * values, axis=-1) - regularizer.penalty(log_x)


def regret_by_action(
    payoff: Array, log_x: Array, log_q: Array, risk: Any, regularizer: Any
) -> Array:
    """What a player whose risk is action-dependent could gain by deviating; shape (...).

    Its objective is linear in ``x`` but for the regulariser, so that the Fenchel gap is the regret
    itself, not a bound.
    """
    return regularizer.slack(log_x, action_values(payoff, log_q, risk))


def _for_each_action(risk: Any) -> Any:
    """The same measure with degrees that broadcast over own actions."""
    degrees = {f.name: getattr(risk, f.name) for f in fields(risk)}
    batched = {k: v[..., None] for k, v in degrees.items() if getattr(v, "ndim", 0) > 0}
    return replace(risk, **batched) if batched else risk


def _for_each_row(payoff: Array, log_q: Array) -> Array:
    xp = payoff.__array_namespace__()
    return xp.broadcast_to(log_q[..., None, :], payoff.shape)


def reply_derivative(
    payoff: Array,
    log_x: Array,
    answer: Reply,
    tau: Any,
    epsilon: Any,
    d_log_x: Array,
    d_log_q: Array,
) -> Array:
    """Directional derivative of the log-reply: entropic risk, entropy regulariser, ``epsilon > 0``.

    Parameters
    ----------
    payoff : array (..., n, m)
    log_x : array (..., n)
    answer : Reply
        The reply at ``log_x``.
    tau, epsilon : float or array (...)
        ``tau`` finite.
    d_log_x : array (..., n)
        Direction of the own log-strategy.
    d_log_q : array (..., m)
        Direction of the others' joint log-play.

    Returns
    -------
    array (..., n)
        Derivative of ``answer.log_response``.
    """
    xp = log_x.__array_namespace__()
    tau = xp.asarray(tau, dtype=log_x.dtype)[..., None]
    epsilon = xp.asarray(epsilon, dtype=log_x.dtype)[..., None]
    belief = xp.exp(answer.log_belief)
    d_log_p = d_log_q - tau * outcome_payoffs(payoff, xp.exp(log_x) * d_log_x)
    d_log_p = d_log_p - xp.sum(belief * d_log_p, axis=-1, keepdims=True)
    d_values = action_payoffs(payoff, belief * d_log_p)
    mean = xp.sum(xp.exp(answer.log_response) * d_values, axis=-1, keepdims=True)
    return (d_values - mean) / epsilon
