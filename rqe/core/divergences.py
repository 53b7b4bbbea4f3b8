"""Risk measures whose penalty is a smooth divergence other than Kullback and Leibler's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .degrees import check_degree
from .ops import Array, between, divisor, kl, logsumexp, per_batch
from .roots import log_add, log_shift


@dataclass(frozen=True)
class ReverseKL:
    r"""Reverse Kullback–Leibler risk (RQE24; the penalty of SRA's code).

    .. math:: \inf_p \; p \cdot u + \tfrac1\tau \mathrm{KL}(q \,\|\, p), \qquad
              p_b = \frac{q_b}{\tau (u_b + \lambda)}

    Parameters
    ----------
    tau : float or array
        Degree of risk aversion in 1/payoff units, in ``[0, inf]``; a batch may carry one value a
        leading index. ``0`` is risk neutrality, at ``inf`` the worst case is over all outcomes.
        Where ``q`` has (almost) no mass on the worst outcome, the belief can have some at any
        ``tau`` above a threshold.

    Raises
    ------
    ValueError
        A plain number that is negative or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> u, log_q = np.array([0.0, 1.0]), np.log([0.5, 0.5])
    >>> [round(float(ReverseKL(t).certainty_equivalent(u, log_q)), 6) for t in (0.0, 1.0, np.inf)]
    [0.5, 0.387006, 0.0]
    """

    tau: Any = 0.0
    smooth: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_degree("tau", self.tau)

    def _parts(self, u: Array, log_q: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Degree, the same made usable, ``h = tau (u - min u)``, ``log δ`` and ``log(h + δ)``."""
        xp = u.__array_namespace__()
        tau = per_batch(self.tau, u)
        t = divisor(tau)
        h = t * (u - xp.min(u, axis=-1, keepdims=True))
        log_h = xp.where(h > 0.0, xp.log(xp.where(h > 0.0, h, 1.0)), -xp.inf)
        log_delta = log_shift(log_h, log_q)
        return tau, t, h, log_delta, log_add(log_h, log_delta)

    def certainty_equivalent(self, u: Array, log_q: Array) -> Array:
        """Risk-adjusted value of the gamble; arrays (..., m) to (...)."""
        xp = u.__array_namespace__()
        tau, t, h, log_delta, log_gap = self._parts(u, log_q)
        mean = xp.sum(xp.exp(log_q) * u, axis=-1, keepdims=True)
        low = xp.min(u, axis=-1, keepdims=True)
        # the dual is stationary at the root, so that its error counts in the second order only
        y = h + xp.expm1(log_delta)
        near = xp.abs(y) < 0.5
        log_gap = xp.where(near, xp.log1p(xp.where(near, y, 0.0)), log_gap)
        each = xp.where(xp.isfinite(log_q), xp.exp(log_q) * (log_gap - y), 0.0)
        value = mean + xp.sum(each, axis=-1, keepdims=True) / t
        value = between(tau, mean, value, low)
        return xp.squeeze(xp.where(value < low, low, value), axis=-1)

    def log_belief(self, u: Array, log_q: Array) -> Array:
        """Worst-case belief as log-probabilities, (..., m).

        Mass that ``q`` cannot account for goes to the worst outcomes, evenly.
        """
        xp = u.__array_namespace__()
        tau, _, h, _, log_gap = self._parts(u, log_q)
        raw = log_q - log_gap
        missing = 1.0 - xp.sum(xp.exp(raw), axis=-1, keepdims=True)
        worst = h == 0.0
        count = xp.sum(xp.astype(worst, u.dtype), axis=-1, keepdims=True)
        short = missing > 1e-9
        extra = xp.log(xp.where(short, missing, 1.0) / count)
        added = log_add(raw, xp.where(worst, extra, 0.0))
        raw = xp.where(short & worst, added, raw)
        raw = raw - logsumexp(raw)[..., None]
        return between(tau, log_q, raw, worst_belief(u, log_q))

    def penalty(self, log_p: Array, log_q: Array) -> Array:
        """``KL(q || p) / tau`` in payoff units; infinite where only ``q`` has mass."""
        return scaled_penalty(kl(log_q, log_p), self.tau, log_p, log_q)

    def slack(self, u: Array, log_q: Array, log_p: Array) -> Array:
        """How far a belief is from being worst, in payoff units; never negative.

        The Bregman divergence ``Σ q (r - 1 - log r) / tau`` from the worst-case belief, ``r`` the
        ratio to it, and ``p (h + δ) / tau`` where ``q`` has no mass.
        """
        xp = u.__array_namespace__()
        tau, t, _, _, log_gap = self._parts(u, log_q)
        possible = xp.isfinite(log_q)
        weighed = possible & xp.isfinite(log_p)
        q, tilted = xp.exp(log_q), xp.exp(log_p + log_gap)
        log_ratio = xp.where(weighed, log_p - xp.where(weighed, log_q, 0.0) + log_gap, 0.0)
        near = xp.abs(log_ratio) < 1.0
        close = xp.where(near, log_ratio, 0.0)
        each = xp.where(near, q * (xp.expm1(close) - close), tilted - q - q * log_ratio)
        each = xp.where(weighed, each, xp.where(possible, xp.inf, tilted))
        value = xp.sum(each, axis=-1) / t[..., 0]
        return limit_slack(value, tau[..., 0], u, log_q, log_p)


@dataclass(frozen=True)
class ChiSquared:
    r"""Chi-square risk, which is mean and variance where no belief is driven to zero.

    .. math:: \inf_p \; p \cdot u + \tfrac1\tau \sum_b \frac{(p_b - q_b)^2}{q_b}, \qquad
              p_b = q_b \max\bigl(0,\, 1 + \tfrac\tau2 (\lambda - u_b)\bigr)

    Parameters
    ----------
    tau : float or array
        Degree of risk aversion in 1/payoff units, in ``[0, inf]``; a batch may carry one value a
        leading index. While ``tau × (max u - mean) <= 2`` the value is the mean less ``tau/4``
        times the variance. At ``inf`` the worst case is over all outcomes (over those that ``q``
        allows, at any finite ``tau``).

    Raises
    ------
    ValueError
        A plain number that is negative or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> u, log_q = np.array([0.0, 1.0]), np.log([0.5, 0.5])
    >>> [round(float(ChiSquared(t).certainty_equivalent(u, log_q)), 6) for t in (0.0, 1.0, np.inf)]
    [0.5, 0.4375, 0.0]
    """

    tau: Any = 0.0
    smooth: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_degree("tau", self.tau)

    def _ratio(self, u: Array, log_q: Array) -> tuple[Array, Array, Array]:
        """Degree, level less scaled payoff outcome by outcome, the belief's ratio to ``q``."""
        xp = u.__array_namespace__()
        tau = per_batch(self.tau, u)
        q = xp.exp(log_q)
        seen = q > 0.0
        # measured from the worst outcome that can happen: exact where it matters at any degree
        low = xp.min(xp.where(seen, u, xp.inf), axis=-1, keepdims=True)
        c = 0.5 * xp.where(xp.isfinite(tau), tau, 0.0) * (u - low)
        # each set of outcomes that could be kept has a level at which their mass is one, and the
        # right set the least: of the worst outcome, the two worst, ...
        order = xp.argsort(c, axis=-1)
        weight = xp.take_along_axis(q, order, axis=-1)
        mass = xp.cumulative_sum(weight, axis=-1)
        cost = xp.cumulative_sum(weight * xp.take_along_axis(c, order, axis=-1), axis=-1)
        some = mass > 1e-290
        levels = xp.where(some, (1.0 + cost) / xp.where(some, mass, 1.0), xp.inf)
        room = xp.min(levels, axis=-1, keepdims=True) - c
        return tau, room, xp.where(room > 0.0, room, 0.0)

    def certainty_equivalent(self, u: Array, log_q: Array) -> Array:
        """Risk-adjusted value of the gamble; arrays (..., m) to (...)."""
        xp = u.__array_namespace__()
        tau, _, ratio = self._ratio(u, log_q)
        q = xp.exp(log_q)
        mean = xp.sum(q * u, axis=-1, keepdims=True)
        price = xp.sum(q * (ratio - 1.0) ** 2, axis=-1, keepdims=True)
        tilted = xp.sum(q * (ratio - 1.0) * (u - mean), axis=-1, keepdims=True)
        value = mean + tilted + price / divisor(tau)
        low = xp.min(u, axis=-1, keepdims=True)
        value = between(tau, mean, value, low)
        return xp.squeeze(xp.where(value < low, low, value), axis=-1)

    def log_belief(self, u: Array, log_q: Array) -> Array:
        """Worst-case belief as log-probabilities, (..., m)."""
        xp = u.__array_namespace__()
        tau, _, ratio = self._ratio(u, log_q)
        kept = ratio > 0.0
        raw = xp.where(kept, log_q + xp.log(xp.where(kept, ratio, 1.0)), -xp.inf)
        raw = raw - logsumexp(raw)[..., None]
        return between(tau, log_q, raw, worst_belief(u, log_q))

    def penalty(self, log_p: Array, log_q: Array) -> Array:
        """``Σ (p - q)² / q / tau`` in payoff units; infinite where only ``p`` has mass."""
        xp = log_p.__array_namespace__()
        square = xp.sum(root_distance(log_p, log_q, 1.0) ** 2, axis=-1)
        outside = xp.max(xp.where(xp.isfinite(log_q), 0.0, xp.exp(log_p)), axis=-1)
        return scaled_penalty(xp.where(outside > 0.0, xp.inf, square), self.tau, log_p, log_q)

    def slack(self, u: Array, log_q: Array, log_p: Array) -> Array:
        """How far a belief is from being worst, in payoff units; never negative.

        ``Σ (p - p*)² / q / tau``, and the slope at the outcomes that the worst-case belief ``p*``
        leaves out.
        """
        xp = u.__array_namespace__()
        tau, room, worst = self._ratio(u, log_q)
        p = xp.exp(log_p)
        steep = xp.where(room < 0.0, -2.0 * room * p, 0.0)
        value = xp.sum(root_distance(log_p, log_q, worst) ** 2 + steep, axis=-1)
        value = value / divisor(tau)[..., 0]
        outside = xp.max(xp.where(xp.isfinite(log_q), 0.0, p), axis=-1)
        value = xp.where(outside > 0.0, xp.inf, value)
        return limit_slack(value, tau[..., 0], u, log_q, log_p)


def root_distance(log_p: Array, log_q: Array, ratio: Any) -> Array:
    """``(p - ratio q) / √q`` outcome by outcome, 0 where ``q`` has no mass at all."""
    xp = log_p.__array_namespace__()
    possible = xp.isfinite(log_q)
    half = 0.5 * xp.where(possible, log_q, 0.0)
    # its square must not overflow
    up = xp.where(log_p - half < 350.0, log_p - half, 350.0)
    return xp.where(possible, xp.exp(up) - xp.exp(half) * ratio, 0.0)


def worst_belief(u: Array, log_q: Array) -> Array:
    """``q`` restricted to the worst outcomes, uniform on them where ``q`` has none."""
    xp = u.__array_namespace__()
    low = xp.min(u, axis=-1, keepdims=True)
    worst = xp.where(u == low, log_q, -xp.inf)
    missed = xp.max(worst, axis=-1, keepdims=True) == -xp.inf
    raw = xp.where(missed, xp.where(u == low, xp.zeros_like(u), -xp.inf), worst)
    return raw - logsumexp(raw)[..., None]


def scaled_penalty(divergence: Array, tau: Any, log_p: Array, log_q: Array) -> Array:
    """A divergence over ``tau``; at 0 only ``p = q`` is free of charge, at infinity everything."""
    xp = divergence.__array_namespace__()
    tau = xp.asarray(tau, dtype=divergence.dtype)
    apart = xp.max(xp.abs(xp.exp(log_p) - xp.exp(log_q)), axis=-1)
    neutral = xp.where(apart <= 1e-13, 0.0 * apart, xp.inf)
    priced = divergence / divisor(tau)
    return between(tau, neutral, priced, xp.zeros_like(priced))


def limit_slack(value: Array, tau: Array, u: Array, log_q: Array, log_p: Array) -> Array:
    """A slack with its limits at ``tau`` 0, where only ``q`` is feasible, and infinity."""
    xp = value.__array_namespace__()
    p = xp.exp(log_p)
    at_worst = xp.sum(p * (u - xp.min(u, axis=-1, keepdims=True)), axis=-1)
    apart = xp.max(xp.abs(p - xp.exp(log_q)), axis=-1)
    neutral = xp.where(apart <= 1e-13, xp.zeros_like(apart), xp.inf)
    return between(tau, neutral, value, at_worst)
