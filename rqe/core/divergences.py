"""Risk measures whose penalty is a smooth divergence other than Kullback and Leibler's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .ops import Array, kl, logsumexp, per_batch
from .roots import increasing_root, pole_root


@dataclass(frozen=True)
class ReverseKL:
    r"""Reverse Kullback–Leibler risk (RQE24; the penalty of SRA's code).

    .. math:: \inf_p \; p \cdot u + \tfrac1\tau \mathrm{KL}(q \,\|\, p), \qquad
              p_b = \frac{q_b}{\tau (u_b + \lambda)}

    Parameters
    ----------
    tau : float or array
        Degree of risk aversion in 1/payoff units, in ``[0, inf]``. ``0`` is risk neutrality, at
        ``inf`` the worst case is over all outcomes. At any ``tau > 0`` the belief can put mass on
        the worst outcome although ``q`` has none there.

    Examples
    --------
    >>> import numpy as np
    >>> u, log_q = np.array([0.0, 1.0]), np.log([0.5, 0.5])
    >>> [round(float(ReverseKL(t).certainty_equivalent(u, log_q)), 6) for t in (0.0, 1.0, np.inf)]
    [0.5, 0.387006, 0.0]
    """

    tau: Any = 0.0
    smooth: ClassVar[bool] = True

    def _parts(self, u: Array, log_q: Array) -> tuple[Array, Array, Array, Array]:
        """Degree made usable, scaled distances from the worst, log of the pole's distance."""
        xp = u.__array_namespace__()
        tau = per_batch(self.tau, u)
        usable = (tau > 0.0) & xp.isfinite(tau)
        t = xp.where(usable, tau, 1.0)
        h = t * (u - xp.min(u, axis=-1, keepdims=True))
        return tau, t, h, pole_root(h, log_q)

    def certainty_equivalent(self, u: Array, log_q: Array) -> Array:
        """Risk-adjusted value of the gamble; arrays (..., m) to (...)."""
        xp = u.__array_namespace__()
        tau, t, h, log_delta = self._parts(u, log_q)
        mean = xp.sum(xp.exp(log_q) * u, axis=-1, keepdims=True)
        low = xp.min(u, axis=-1, keepdims=True)
        # the dual is stationary at the root, so that its error counts in the second order only
        y = h + xp.expm1(log_delta)
        near = y > -0.5
        by_shift = xp.log(xp.where(near, 1.0, h + xp.exp(log_delta)))
        log_gap = xp.where(near, xp.log1p(xp.where(near, y, 0.0)), by_shift)
        q = xp.exp(log_q)
        value = mean + xp.sum(xp.where(q > 0.0, q * (log_gap - y), 0.0), axis=-1, keepdims=True) / t
        value = xp.where(tau == 0.0, mean, xp.where(xp.isfinite(tau), value, low))
        return xp.squeeze(xp.clip(value, low, None), axis=-1)

    def log_belief(self, u: Array, log_q: Array) -> Array:
        """Worst-case belief as log-probabilities, (..., m)."""
        xp = u.__array_namespace__()
        tau, _, h, log_delta = self._parts(u, log_q)
        raw = log_q - xp.log(h + xp.exp(log_delta))
        # what q has no mass for goes to the worst outcomes
        missing = 1.0 - xp.sum(xp.exp(raw), axis=-1, keepdims=True)
        worst = xp.astype(h == 0.0, u.dtype)
        extra = xp.where(missing > 1e-9, missing, 0.0) * worst / xp.sum(worst, -1, keepdims=True)
        whole = xp.exp(raw) + extra
        lifted = xp.log(xp.where(whole > 0.0, whole, 1.0))
        raw = xp.where(extra > 0.0, xp.where(whole > 0.0, lifted, -xp.inf), raw)
        raw = raw - logsumexp(raw)[..., None]
        raw = xp.where(tau == 0.0, log_q, raw)
        return xp.where(xp.isfinite(tau), raw, worst_belief(u, log_q))

    def penalty(self, log_p: Array, log_q: Array) -> Array:
        """``KL(q || p) / tau`` in payoff units; infinite where only ``q`` has mass."""
        return scaled_penalty(kl(log_q, log_p), self.tau, log_p, log_q)

    def slack(self, u: Array, log_q: Array, log_p: Array) -> Array:
        """How far a belief is from being worst, in payoff units; never negative."""
        xp = u.__array_namespace__()
        tau, t, h, log_delta = self._parts(u, log_q)
        d = xp.exp(log_delta)
        p = xp.exp(log_p)
        # p (h + δ) / q - 1 - log(...) >= 0 outcome by outcome, weighted by q
        gap = h + d
        logs = log_p - log_q + xp.log(gap)
        seen = xp.isfinite(log_q)
        safe = xp.where(seen & xp.isfinite(logs), logs, 0.0)
        each = xp.where(seen, xp.exp(log_q) * (xp.expm1(safe) - safe), p * gap)
        each = xp.where(seen & (log_p == -xp.inf), xp.inf, each)
        value = xp.sum(each, axis=-1) / t[..., 0]
        value = xp.where(value < 0.0, 0.0, value)
        return limit_slack(value, tau[..., 0], u, log_q, log_p)


@dataclass(frozen=True)
class ChiSquared:
    r"""Chi-square risk, which is mean and variance where no belief is driven to zero.

    .. math:: \inf_p \; p \cdot u + \tfrac1\tau \sum_b \frac{(p_b - q_b)^2}{q_b}, \qquad
              p_b = q_b \max\bigl(0,\, 1 + \tfrac\tau2 (\lambda - u_b)\bigr)

    Parameters
    ----------
    tau : float or array
        Degree of risk aversion in 1/payoff units, in ``[0, inf]``; for ``tau × range <= 2`` the
        value is the mean less ``tau/4`` times the variance. At ``inf`` the worst case is over all
        outcomes (over those that ``q`` allows, at any finite ``tau``).

    Examples
    --------
    >>> import numpy as np
    >>> u, log_q = np.array([0.0, 1.0]), np.log([0.5, 0.5])
    >>> [round(float(ChiSquared(t).certainty_equivalent(u, log_q)), 6) for t in (0.0, 1.0, np.inf)]
    [0.5, 0.4375, 0.0]
    """

    tau: Any = 0.0
    smooth: ClassVar[bool] = True

    def _ratio(self, u: Array, log_q: Array) -> tuple[Array, Array, Array]:
        """Degree, scaled centred payoffs and the belief's ratio to the reference."""
        xp = u.__array_namespace__()
        tau = per_batch(self.tau, u)
        usable = (tau > 0.0) & xp.isfinite(tau)
        q = xp.exp(log_q)
        t = 0.5 * xp.where(usable, tau, 0.0)
        c = t * (u - xp.sum(q * u, axis=-1, keepdims=True))
        low = xp.min(xp.where(q > 0.0, c, xp.inf), axis=-1, keepdims=True)
        mass = xp.max(xp.where(c == low, q, 0.0), axis=-1, keepdims=True)

        def excess(at: Array) -> tuple[Array, Array]:
            # scaled so that the level is searched for between the worst outcome's bounds
            room = 1.0 + at - c
            kept = room > 0.0
            total = xp.sum(q * xp.where(kept, room, 0.0), axis=-1, keepdims=True)
            return total - 1.0, xp.sum(q * xp.astype(kept, q.dtype), axis=-1, keepdims=True)

        lowest = low - 1.0
        highest = xp.where(lowest + 1.0 / mass < 0.0, lowest + 1.0 / mass, 0.0)
        level = increasing_root(excess, lowest, highest)
        room = 1.0 + level - c
        return tau, c, xp.where(room > 0.0, room, 0.0)

    def certainty_equivalent(self, u: Array, log_q: Array) -> Array:
        """Risk-adjusted value of the gamble; arrays (..., m) to (...)."""
        xp = u.__array_namespace__()
        tau, _, ratio = self._ratio(u, log_q)
        q = xp.exp(log_q)
        mean = xp.sum(q * u, axis=-1, keepdims=True)
        ratio = ratio / xp.sum(q * ratio, axis=-1, keepdims=True)
        usable = (tau > 0.0) & xp.isfinite(tau)
        price = xp.sum(q * (ratio - 1.0) ** 2, axis=-1, keepdims=True)
        tilted = xp.sum(q * (ratio - 1.0) * (u - mean), axis=-1, keepdims=True)
        value = mean + tilted + price / xp.where(usable, tau, 1.0)
        low = xp.min(u, axis=-1, keepdims=True)
        value = xp.where(tau == 0.0, mean, xp.where(usable, value, low))
        return xp.squeeze(value, axis=-1)

    def log_belief(self, u: Array, log_q: Array) -> Array:
        """Worst-case belief as log-probabilities, (..., m)."""
        xp = u.__array_namespace__()
        tau, _, ratio = self._ratio(u, log_q)
        kept = ratio > 0.0
        raw = xp.where(kept, log_q + xp.log(xp.where(kept, ratio, 1.0)), -xp.inf)
        raw = raw - logsumexp(raw)[..., None]
        return xp.where(xp.isfinite(tau), raw, worst_belief(u, log_q))

    def penalty(self, log_p: Array, log_q: Array) -> Array:
        """``Σ (p - q)² / q / tau`` in payoff units; infinite where only ``p`` has mass."""
        xp = log_p.__array_namespace__()
        seen = xp.isfinite(log_q)
        ratio = xp.where(seen, xp.expm1(xp.where(seen, log_p - log_q, 0.0)), 0.0)
        square = xp.sum(xp.exp(log_q) * ratio**2, axis=-1)
        outside = xp.sum(xp.where(seen, 0.0, xp.exp(log_p)), axis=-1)
        return scaled_penalty(xp.where(outside > 0.0, xp.inf, square), self.tau, log_p, log_q)

    def slack(self, u: Array, log_q: Array, log_p: Array) -> Array:
        """How far a belief is from being worst, in payoff units; never negative."""
        xp = u.__array_namespace__()
        tau, c, worst = self._ratio(u, log_q)
        usable = (tau > 0.0) & xp.isfinite(tau)
        q, seen = xp.exp(log_q), xp.isfinite(log_q)
        ratio = xp.where(seen, xp.exp(xp.where(seen, log_p - log_q, 0.0)), 0.0)
        # where the worst belief is zero, its slope is not: 2 (c - level - 1) >= 0 for each unit
        level = xp.max(xp.where(worst > 0.0, worst + c - 1.0, -xp.inf), axis=-1, keepdims=True)
        steep = 2.0 * (c - level - 1.0)
        each = (ratio - worst) ** 2 + xp.where(worst > 0.0, 0.0, steep * ratio)
        value = xp.sum(xp.where(seen, q * each, 0.0), axis=-1)
        value = value / xp.where(usable, tau, 1.0)[..., 0]
        outside = xp.sum(xp.where(seen, 0.0, xp.exp(log_p)), axis=-1)
        value = xp.where(outside > 0.0, xp.inf, xp.where(value < 0.0, 0.0, value))
        return limit_slack(value, tau[..., 0], u, log_q, log_p)


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
    usable = (tau > 0.0) & xp.isfinite(tau)
    apart = xp.max(xp.abs(xp.exp(log_p) - xp.exp(log_q)), axis=-1)
    neutral = xp.where(apart <= 1e-13, 0.0 * apart, xp.inf)
    priced = divergence / xp.where(usable, tau, 1.0)
    return xp.where(usable, priced, xp.where(tau == 0.0, neutral, xp.zeros_like(priced)))


def limit_slack(value: Array, tau: Array, u: Array, log_q: Array, log_p: Array) -> Array:
    """A slack with its limits at ``tau`` 0, where only ``q`` is feasible, and infinity."""
    xp = value.__array_namespace__()
    p = xp.exp(log_p)
    at_worst = xp.sum(p * (u - xp.min(u, axis=-1, keepdims=True)), axis=-1)
    apart = xp.max(xp.abs(p - xp.exp(log_q)), axis=-1)
    neutral = xp.where(apart <= 1e-13, xp.zeros_like(apart), xp.inf)
    usable = (tau > 0.0) & xp.isfinite(tau)
    return xp.where(usable, value, xp.where(tau == 0.0, neutral, at_worst))
