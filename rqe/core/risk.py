"""Convex risk measures as value objects: how a player prices its partners' randomness.

Seven of them, with one interface, batched over leading axes: ``certainty_equivalent`` (the value of
a gamble), ``log_belief`` (a worst-case belief), ``penalty`` (what a belief costs) and ``slack``
(how far a belief is from being worst). `Entropic` is here; the others live beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .degrees import check_degree
from .divergences import ChiSquared, ReverseKL, scaled_penalty, worst_belief
from .ops import Array, between, divisor, kl, logsumexp, per_batch
from .tails import CVaR, Neutral, TotalVariation, WorstCase

__all__ = [
    "CVaR",
    "ChiSquared",
    "Entropic",
    "Neutral",
    "ReverseKL",
    "TotalVariation",
    "WorstCase",
]


@dataclass(frozen=True)
class Entropic:
    r"""Entropic risk, the certainty equivalent of exponential utility (SRA eq. 1).

    .. math:: \inf_p \; p \cdot u + \tfrac1\tau \mathrm{KL}(p \,\|\, q)
              = -\tfrac1\tau \log \sum_b q_b e^{-\tau u_b}

    Parameters
    ----------
    tau : float or array
        Degree of risk aversion in 1/payoff units, in ``[0, inf]``; a batch may carry one value a
        leading index. ``0`` is risk neutrality. At ``inf`` the worst case is over ALL the others'
        joint actions, not only those in ``q``'s support (quantal strategies have full support).

    Raises
    ------
    ValueError
        A plain number that is negative or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> u, log_q = np.array([0.0, 1.0]), np.log([0.5, 0.5])
    >>> [round(float(Entropic(t).certainty_equivalent(u, log_q)), 6) for t in (0.0, 1.0, np.inf)]
    [0.5, 0.379885, 0.0]
    """

    tau: Any = 0.0
    smooth: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_degree("tau", self.tau)

    def certainty_equivalent(self, u: Array, log_q: Array) -> Array:
        """Risk-adjusted value of the gamble ``u`` under ``q``, in payoff units.

        Parameters
        ----------
        u, log_q : array (..., m)
            Payoffs of the outcomes and their log-probabilities.

        Returns
        -------
        array (...)
            Between ``min(u)`` and the mean. For ``tau * range < 1/2`` it is computed through
            ``log1p(E[expm1(...)])``, without which all digits are lost by ``tau = 1e-14``.
        """
        xp = u.__array_namespace__()
        tau = per_batch(self.tau, u)
        mean = xp.sum(xp.exp(log_q) * u, axis=-1, keepdims=True)
        low = xp.min(u, axis=-1, keepdims=True)
        # below, products with payoffs have few digits or none: what the price of risk has is lost
        spread = xp.max(xp.abs(u - mean), axis=-1, keepdims=True)
        tau = xp.where(tau < 1e-290 / xp.where(spread > 0.0, spread, 1.0), 0.0, tau)
        t = divisor(tau)
        small = t * spread < 0.5
        centred = xp.where(small, -t * (u - mean), 0.0)
        by_series = (
            mean - xp.log1p(xp.sum(xp.exp(log_q) * xp.expm1(centred), axis=-1, keepdims=True)) / t
        )
        by_shift = low - logsumexp(log_q - t * (u - low))[..., None] / t
        value = xp.where(small, by_series, by_shift)
        return xp.squeeze(between(tau, mean, value, low), axis=-1)

    def log_belief(self, u: Array, log_q: Array) -> Array:
        r"""Worst-case belief, the Gibbs tilt :math:`p \propto q \, e^{-\tau u}`.

        At ``tau = inf`` it is the limit at fixed ``u``: ``q`` restricted to the worst outcomes
        (uniform on them where ``q`` has none). That limit is one minimiser among many when
        outcomes tie; the belief of an equilibrium at ``tau = inf`` is a saddle point's dual and
        must come from a convex program.

        Parameters
        ----------
        u, log_q : array (..., m)

        Returns
        -------
        array (..., m)
            Log-probabilities, normalised.
        """
        xp = u.__array_namespace__()
        tau = per_batch(self.tau, u)
        low = xp.min(u, axis=-1, keepdims=True)
        endless = ~xp.isfinite(tau)
        tilt = log_q - xp.where(endless, 0.0, tau) * (u - low)
        tilted = tilt - logsumexp(tilt)[..., None]
        return xp.where(endless, worst_belief(u, log_q), tilted)

    def penalty(self, log_p: Array, log_q: Array) -> Array:
        """``KL(p || q) / tau`` in payoff units; infinite where ``p`` has mass and ``q`` none."""
        return scaled_penalty(kl(log_p, log_q), self.tau, log_p, log_q)

    def slack(self, u: Array, log_q: Array, log_p: Array) -> Array:
        r"""How far a belief is from being worst, in payoff units; never negative.

        ``p·u + KL(p || q)/tau`` minus the certainty equivalent, computed as
        ``KL(p || worst-case belief)/tau`` (or ``p·u - min(u)`` at ``tau = inf``), which is the same
        number without the cancellation. At ``tau = 0`` only ``p = q`` is feasible.

        Parameters
        ----------
        u, log_q, log_p : array (..., m)

        Returns
        -------
        array (...)
        """
        xp = u.__array_namespace__()
        tau = xp.asarray(self.tau, dtype=u.dtype)
        low = xp.min(u, axis=-1, keepdims=True)
        at_worst = xp.sum(xp.exp(log_p) * (u - low), axis=-1)
        divergence = kl(log_p, self.log_belief(u, log_q))
        neutral = xp.where(divergence <= 1e-13, xp.zeros_like(divergence), xp.inf)
        return between(tau, neutral, divergence / divisor(tau), at_worst)
