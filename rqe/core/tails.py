"""Risk measures with steps: total variation, conditional value at risk, the worst case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .degrees import check_degree
from .divergences import limit_slack, scaled_penalty, worst_belief
from .ops import Array, divisor, logsumexp, per_batch
from .roots import log_add

ROUNDING = 1e-12
"""Share by which a belief may exceed a bound before it counts as infeasible."""


@dataclass(frozen=True)
class TotalVariation:
    r"""Total variation risk: mass may be carried to the worst outcome at a price.

    .. math:: \inf_p \; p \cdot u + \tfrac{1}{2\tau} \sum_b |p_b - q_b|
              = \sum_b q_b \min\bigl(u_b,\, \min u + \tfrac1\tau\bigr)

    Parameters
    ----------
    tau : float or array
        Degree of risk aversion in 1/payoff units, in ``[0, inf]``; a batch may carry one value a
        leading index. Up to ``tau × range = 1`` it is neutral; at ``inf`` the worst case. Mass may
        go to any outcome, also where ``q`` has none.

    Raises
    ------
    ValueError
        A plain number that is negative or NaN.

    Notes
    -----
    The belief is not unique where outcomes tie for the worst, or stand at the threshold: mass goes
    to the worst outcomes in proportion to ``q`` (evenly where ``q`` has none there), and an outcome
    at the threshold keeps its mass.

    Examples
    --------
    >>> import numpy as np
    >>> u, log_q = np.array([0.0, 1.0]), np.log([0.5, 0.5])
    >>> [float(TotalVariation(t).certainty_equivalent(u, log_q)) for t in (0.0, 2.0, np.inf)]
    [0.5, 0.25, 0.0]
    """

    tau: Any = 0.0
    smooth: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_degree("tau", self.tau)

    def certainty_equivalent(self, u: Array, log_q: Array) -> Array:
        """Risk-adjusted value of the gamble; arrays (..., m) to (...)."""
        xp = u.__array_namespace__()
        tau = per_batch(self.tau, u)
        low = xp.min(u, axis=-1, keepdims=True)
        cap = low + 1.0 / divisor(tau)
        held = xp.where((tau > 0.0) & (u > cap), cap, u)
        value = xp.sum(xp.exp(log_q) * held, axis=-1, keepdims=True)
        # the weights of an infinitely averse player do not matter, not even by their rounding
        return xp.squeeze(xp.where(xp.isfinite(tau), value, low), axis=-1)

    def log_belief(self, u: Array, log_q: Array) -> Array:
        """A worst-case belief as log-probabilities, (..., m)."""
        xp = u.__array_namespace__()
        tau = per_batch(self.tau, u)
        reach = 1.0 / xp.where(tau > 0.0, tau, 1.0)
        goes = (tau > 0.0) & (u - xp.min(u, axis=-1, keepdims=True) > reach)
        moved = logsumexp(xp.where(goes, log_q, -xp.inf))[..., None]
        there = worst_belief(u, log_q)
        arrives = xp.isfinite(moved) & xp.isfinite(there)
        share = xp.where(arrives, moved, 0.0) + xp.where(arrives, there, 0.0)
        # in logarithms: probabilities may be far below underflow
        return xp.where(arrives, log_add(log_q, share), xp.where(goes, -xp.inf, log_q))

    def penalty(self, log_p: Array, log_q: Array) -> Array:
        """``½ Σ |p - q| / tau`` in payoff units, never infinite at ``tau > 0``."""
        xp = log_p.__array_namespace__()
        distance = 0.5 * xp.sum(xp.abs(xp.exp(log_p) - xp.exp(log_q)), axis=-1)
        return scaled_penalty(distance, self.tau, log_p, log_q)

    def slack(self, u: Array, log_q: Array, log_p: Array) -> Array:
        """How far a belief is from being worst, in payoff units; never negative."""
        xp = u.__array_namespace__()
        tau = per_batch(self.tau, u)
        reach = 1.0 / divisor(tau)
        above = u - xp.min(u, axis=-1, keepdims=True)
        p, q = xp.exp(log_p), xp.exp(log_q)
        # at small tau a belief that is q but for rounding would be charged for it at 1 / tau
        p = xp.where(xp.abs(p - q) <= ROUNDING * q, q, p)
        # outcome by outcome: mass kept beyond reach, mass moved from nearer, mass put anywhere
        kept = xp.where(p < q, p, q) * xp.where(above > reach, above - reach, 0.0)
        left = xp.where(p < q, q - p, 0.0) * xp.where(above < reach, reach - above, 0.0)
        put = xp.where(p > q, p - q, 0.0) * above
        return limit_slack(xp.sum(kept + left + put, axis=-1), tau[..., 0], u, log_q, log_p)


@dataclass(frozen=True)
class CVaR:
    r"""Conditional value at risk: the mean of the worst tail of share ``alpha``.

    .. math:: \min_p \; p \cdot u \quad\text{over}\quad p \le q / \alpha

    Parameters
    ----------
    alpha : float or array
        Share of the tail, in ``(0, 1]``; 1 is risk neutrality; a batch may carry one value a
        leading index. Scaling payoffs scales it alike. Towards 0 it is the worst case over the
        outcomes that ``q`` allows.

    Raises
    ------
    ValueError
        A plain number outside ``(0, 1]``.

    Notes
    -----
    The belief is not unique where outcomes tie at the edge of the tail: they share it in
    proportion to ``q``.

    Examples
    --------
    >>> import numpy as np
    >>> u, log_q = np.array([0.0, 1.0]), np.log([0.5, 0.5])
    >>> [float(CVaR(a).certainty_equivalent(u, log_q).round(9)) for a in (1.0, 0.75, 0.5)]
    [0.5, 0.333333333, 0.0]
    """

    alpha: Any = 1.0
    smooth: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_degree("alpha", self.alpha)

    def certainty_equivalent(self, u: Array, log_q: Array) -> Array:
        """Mean of the tail; arrays (..., m) to (...)."""
        xp = u.__array_namespace__()
        p = xp.exp(self.log_belief(u, log_q))
        low = xp.min(u, axis=-1, keepdims=True)
        return xp.sum(p * (u - low), axis=-1) + xp.squeeze(low, axis=-1)

    def log_belief(self, u: Array, log_q: Array) -> Array:
        """A worst-case belief as log-probabilities, (..., m)."""
        xp = u.__array_namespace__()
        alpha = per_batch(self.alpha, u)
        q = xp.exp(log_q)
        order = xp.argsort(u, axis=-1)
        ordered = xp.take_along_axis(u, order, axis=-1)
        filled = xp.cumulative_sum(xp.take_along_axis(q, order, axis=-1), axis=-1) >= alpha
        # the payoff at the edge of the tail; rounding can leave the tail a hair short of its share
        last = xp.max(xp.where(q > 0.0, u, -xp.inf), axis=-1, keepdims=True)
        edge = xp.min(xp.where(filled, ordered, xp.inf), axis=-1, keepdims=True)
        edge = xp.where(edge < last, edge, last)
        worse = xp.sum(xp.where(u < edge, q, 0.0), axis=-1, keepdims=True)
        alike = xp.sum(xp.where(u == edge, q, 0.0), axis=-1, keepdims=True)
        at_edge = (alpha - worse) / alike
        at_edge = xp.where(at_edge > 0.0, at_edge, 0.0)
        share = xp.where(u < edge, 1.0, xp.where(u == edge, at_edge, 0.0))
        share = xp.where(share < 1.0, share, 1.0)
        held = share > 0.0
        raw = xp.where(held, log_q + xp.log(xp.where(held, share, 1.0) / alpha), -xp.inf)
        total = xp.sum(xp.exp(raw), axis=-1, keepdims=True)
        return raw - xp.log(total)

    def penalty(self, log_p: Array, log_q: Array) -> Array:
        """0 where ``p <= q / alpha``, else infinite; in payoff units."""
        xp = log_p.__array_namespace__()
        bound = xp.exp(log_q) / per_batch(self.alpha, log_q)
        over = xp.max(xp.exp(log_p) - bound * (1.0 + ROUNDING), axis=-1)
        return xp.where(over > ROUNDING, xp.inf, xp.zeros_like(over))

    def slack(self, u: Array, log_q: Array, log_p: Array) -> Array:
        """How far a belief is from being worst, in payoff units; never negative."""
        xp = u.__array_namespace__()
        p, worst = xp.exp(log_p), xp.exp(self.log_belief(u, log_q))
        # payoffs relative to the edge of the tail: each difference then has the sign of its cost
        edge = xp.max(xp.where(worst > 0.0, u, -xp.inf), axis=-1, keepdims=True)
        value = xp.sum((p - worst) * (u - edge), axis=-1)
        return xp.where(value < 0.0, 0.0, value) + self.penalty(log_p, log_q)


@dataclass(frozen=True)
class WorstCase:
    r"""The worst of all outcomes, whatever their probability: :math:`\min_b u_b`.

    The limit of every measure with a ``tau`` at infinity. Its belief is any distribution on the
    worst outcomes: here ``q`` restricted to them, or the uniform one where ``q`` has no mass
    there.

    Examples
    --------
    >>> import numpy as np
    >>> float(WorstCase().certainty_equivalent(np.array([2.0, 1.0]), np.log([0.5, 0.5])))
    1.0
    """

    smooth: ClassVar[bool] = False

    def certainty_equivalent(self, u: Array, log_q: Array) -> Array:
        """The least payoff; arrays (..., m) to (...)."""
        return u.__array_namespace__().min(u, axis=-1)

    def log_belief(self, u: Array, log_q: Array) -> Array:
        """A worst-case belief as log-probabilities, (..., m)."""
        return worst_belief(u, log_q)

    def penalty(self, log_p: Array, log_q: Array) -> Array:
        """Nothing: every belief is free of charge."""
        xp = log_p.__array_namespace__()
        return 0.0 * xp.sum(xp.exp(log_p), axis=-1)

    def slack(self, u: Array, log_q: Array, log_p: Array) -> Array:
        """``p·u - min(u)``, in payoff units."""
        xp = u.__array_namespace__()
        return xp.sum(xp.exp(log_p) * (u - xp.min(u, axis=-1, keepdims=True)), axis=-1)


@dataclass(frozen=True)
class Neutral:
    r"""No risk aversion: the mean :math:`q \cdot u`; the only belief is the others' play.

    Examples
    --------
    >>> import numpy as np
    >>> float(Neutral().certainty_equivalent(np.array([2.0, 1.0]), np.log([0.5, 0.5])))
    1.5
    """

    smooth: ClassVar[bool] = True

    def certainty_equivalent(self, u: Array, log_q: Array) -> Array:
        """The mean; arrays (..., m) to (...)."""
        xp = u.__array_namespace__()
        return xp.sum(xp.exp(log_q) * u, axis=-1)

    def log_belief(self, u: Array, log_q: Array) -> Array:
        """``log_q`` itself, (..., m)."""
        return 0.0 * u + log_q

    def penalty(self, log_p: Array, log_q: Array) -> Array:
        """0 at ``p = q``, else infinite."""
        xp = log_p.__array_namespace__()
        return scaled_penalty(0.0 * xp.sum(xp.exp(log_p), axis=-1), 0.0, log_p, log_q)

    def slack(self, u: Array, log_q: Array, log_p: Array) -> Array:
        """0 at ``p = q``, else infinite."""
        return self.penalty(log_p, log_q)
