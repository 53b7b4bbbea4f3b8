"""Risk measures for the second opinion, from their definitions; shares no code with the core."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import risk as measures
from ..model._checks import FloatArray
from .convex_price import FAINT, MILD, STEEP, EntropicPrice, NeutralPrice, Price, Term, WorstPrice

SLIGHT = 1e-16
"""Degree below which every measure is the mean to rounding: they differ by less than it."""


class ReversePrice(Price):
    """``D = KL(q || p) / tau``: ``max_m m + sum q log(1 + tau (u - m)) / tau``.

    That is the dual with ``phi(r) = -log(r) / tau``, ``l = m - 1/tau``; where `q` has no mass it
    demands ``l <= u`` alone, and the belief can put any mass on the least outcome.
    """

    def _gap(self, u: FloatArray) -> float:
        """Logarithm of ``tau (min(u) - l)`` at the maximiser, -inf where the constraint binds."""
        h, q = self.degree * (u - u.min()), self.q

        from scipy.optimize import brentq  # slow to import

        def excess(y: float) -> float:
            held = q > 0.0
            return float(np.sum(q[held] / (h[held] + np.exp(y)))) - 1.0

        floor = float(np.sum(q[h == 0.0]))
        low = np.log(floor) if floor > 0.0 else -700.0
        low = max(low - 1e-9, -700.0)
        if excess(low) <= 0.0:
            return low if floor > 0.0 else -np.inf
        return float(brentq(excess, low, 1e-9, xtol=1e-15, rtol=1e-15)) if excess(1e-9) < 0 else 0.0

    def worth(self, u: FloatArray) -> float:
        h, y = self.degree * (u - u.min()), self._gap(u)
        gap = h + np.exp(y)
        held = self.q > 0.0
        large = gap > 0.5
        logs = np.where(large, np.log1p(np.where(large, h + np.expm1(y), 0.0)), 0.0)
        logs = np.where(large | ~held, logs, np.log(np.where(large | ~held, 1.0, gap)))
        middle = -np.expm1(y) / self.degree
        return float(u.min() + middle + np.sum(self.q * logs) / self.degree)

    def belief(self, u: FloatArray) -> FloatArray:
        gap = self.degree * (u - u.min()) + np.exp(self._gap(u))
        held = self.q > 0.0
        p = np.where(held, self.q / np.where(held, gap, 1.0), 0.0)
        p[np.argmin(u)] += max(1.0 - p.sum(), 0.0)
        return np.asarray(p / p.sum())

    def cost(self, p: FloatArray) -> float:
        q, held = self.q, self.q > 0.0
        if bool((p[held] <= 0.0).any()):
            return np.inf
        # q (r - 1 - log r) outcome by outcome, r = p / q: next to q nothing cancels
        t = np.where(held, p - q, 0.0) / np.where(held, q, 1.0)
        near = np.abs(t) < 0.1
        small = t - np.log1p(np.where(near, t, 0.0))
        logs = np.log(np.where(held, p, 1.0)) - np.where(held, self.log_q, 0.0)
        each = np.where(held, np.where(near, q * small, p - q - q * logs), p)
        return float(np.sum(each)) / self.degree

    def repaired(self, p: FloatArray) -> FloatArray:
        # KL(q || p) is infinite at a zero: a trace of q costs about as much as it weighs
        return np.asarray((1.0 - 1e-12) * p + 1e-12 * self.q)

    def term(self, cp: Any, u: Any) -> Term:
        if self.degree <= MILD:
            return self._spread(cp, u, 0.5 * self.degree), []
        seen, m, tau = np.flatnonzero(self.q > FAINT), cp.Variable(), self.degree
        logs = self.q[seen] @ cp.log(1.0 + tau * (u[seen] - m)) / tau
        return m + logs, [m - 1.0 / tau <= u]

    @property
    def steep(self) -> bool:
        return self.degree > STEEP

    def charge(self, cp: Any, p: Any) -> Term:
        seen = np.flatnonzero(self.q > FAINT)
        return -(self.q[seen] @ cp.log(p[seen])) / self.degree, []


class SquaredPrice(Price):
    """``D = sum (p - q)^2 / q / tau``: ``max_m m - 1/tau - (tau/4) sum q max(m - u, 0)^2``."""

    def _level(self, u: FloatArray) -> float:
        q, tau = self.q, self.degree
        low = float(u[q > 0.0].min())
        mean = float(q @ (u - low))
        top = mean + 2.0 / tau
        if u[q > 0.0].max() - low <= top:
            return low + top

        from scipy.optimize import brentq  # slow to import

        def excess(m: float) -> float:
            return float(0.5 * tau * np.sum(q * np.maximum(m - (u - low), 0.0))) - 1.0

        return low + float(brentq(excess, 0.0, top * (1.0 + 1e-12), xtol=1e-300, rtol=1e-15))

    def worth(self, u: FloatArray) -> float:
        q, tau, held = self.q, self.degree, self.q > 0.0
        mean = float(q @ u)
        if u[held].max() - mean <= 2.0 / tau:
            return mean - 0.25 * tau * float(q @ (u - mean) ** 2)
        m = self._level(u)
        return m - 1.0 / tau - 0.25 * tau * float(q @ np.maximum(m - u, 0.0) ** 2)

    def belief(self, u: FloatArray) -> FloatArray:
        q, tau, held = self.q, self.degree, self.q > 0.0
        mean = float(q @ u)
        if u[held].max() - mean <= 2.0 / tau:
            p = q * (1.0 + 0.5 * tau * (mean - u))
        else:
            p = 0.5 * tau * q * np.maximum(self._level(u) - u, 0.0)
        return np.asarray(p / p.sum())

    def cost(self, p: FloatArray) -> float:
        q, held = self.q, self.q > 0.0
        if bool((p[~held] > 0.0).any()):
            return np.inf
        with np.errstate(over="ignore"):
            return float(np.sum((p - q)[held] ** 2 / q[held])) / self.degree

    def repaired(self, p: FloatArray) -> FloatArray:
        return self._within(p)

    def term(self, cp: Any, u: Any) -> Term:
        tau = self.degree
        if tau <= 2.0:  # with payoffs of unit range no belief reaches zero: mean and variance
            return self._spread(cp, u, 0.25 * tau), []
        seen, m = np.flatnonzero(self.q * (1.0 + tau) > FAINT), cp.Variable()
        below = cp.multiply(np.sqrt(self.q[seen]), cp.pos(m - u[seen]))
        return m - 1.0 / tau - 0.25 * tau * cp.sum_squares(below), []

    def charge(self, cp: Any, p: Any) -> Term:
        seen = self.q > FAINT
        held = np.flatnonzero(seen)
        away = cp.multiply(p[held] - self.q[held], self.q[held] ** -0.5)
        demands = [] if seen.all() else [p[np.flatnonzero(~seen)] == 0.0]
        return cp.sum_squares(away) / self.degree, demands


class VariationPrice(Price):
    """``D = sum |p - q| / 2 tau``: ``sum q min(u, min(u) + 1/tau)``, the minimum over all."""

    def worth(self, u: FloatArray) -> float:
        return float(self.q @ np.minimum(u, u.min() + 1.0 / self.degree))

    def belief(self, u: FloatArray) -> FloatArray:
        p = np.where(u > u.min() + 1.0 / self.degree, 0.0, self.q)
        p[np.argmin(u)] += max(1.0 - p.sum(), 0.0)
        return np.asarray(p / p.sum())

    def cost(self, p: FloatArray) -> float:
        return 0.5 * float(np.abs(p - self.q).sum()) / self.degree

    def term(self, cp: Any, u: Any) -> Term:
        if self.degree <= 1.0:  # with payoffs of unit range no mass is worth moving
            return self.q @ u, []
        return self.q @ cp.minimum(u, cp.min(u) + 1.0 / self.degree), []

    def charge(self, cp: Any, p: Any) -> Term:
        return 0.5 * cp.norm1(p - self.q) / self.degree, []


class TailPrice(Price):
    """``p <= q / alpha``: ``max_l l - sum q max(l - u, 0) / alpha``; the degree is alpha."""

    def worth(self, u: FloatArray) -> float:
        order = np.argsort(u, kind="stable")
        last = int(np.searchsorted(np.cumsum(self.q[order]), self.degree))
        level = float(u[order[min(last, u.size - 1)]])
        return level - float(self.q @ np.maximum(level - u, 0.0)) / self.degree

    def belief(self, u: FloatArray) -> FloatArray:
        order = np.argsort(u, kind="stable")
        reached = np.minimum(np.cumsum(self.q[order]), self.degree)
        p = np.zeros(u.size)
        p[order] = np.diff(reached, prepend=0.0)
        return self.repaired(p / p.sum())

    def cost(self, p: FloatArray) -> float:
        return 0.0 if bool((p * self.degree <= self.q * (1.0 + 1e-12)).all()) else np.inf

    def repaired(self, p: FloatArray) -> FloatArray:
        cap = self.q / self.degree
        held = np.minimum(p, cap)
        room = cap - held
        lacking = max(1.0 - held.sum(), 0.0)
        return np.asarray(held + room * min(lacking / room.sum(), 1.0) if room.sum() > 0 else held)

    def term(self, cp: Any, u: Any) -> Term:
        seen, level = np.flatnonzero(self.q > FAINT * self.degree), cp.Variable()
        return level - self.q[seen] @ cp.pos(level - u[seen]) / self.degree, []

    def charge(self, cp: Any, p: Any) -> Term:
        return 0.0, [p <= self.q / self.degree]


KINDS: dict[Any, Any] = {
    measures.Entropic: EntropicPrice,
    measures.ReverseKL: ReversePrice,
    measures.ChiSquared: SquaredPrice,
    measures.TotalVariation: VariationPrice,
}


def price_of(risk: Any, log_q: FloatArray, span: float) -> Price:
    """The price of a risk measure on payoffs divided by `span`.

    Raises
    ------
    ValueError
        A measure that is none of the package's seven.
    """
    if isinstance(risk, measures.WorstCase):
        return WorstPrice(log_q, np.inf)
    if isinstance(risk, measures.Neutral):
        return NeutralPrice(log_q, 0.0)
    if isinstance(risk, measures.CVaR):
        alpha = float(risk.alpha)
        return TailPrice(log_q, alpha) if alpha < 1.0 else NeutralPrice(log_q, 0.0)
    for kind, price in KINDS.items():
        if isinstance(risk, kind):
            degree = float(risk.tau) * span
            if degree < SLIGHT:
                return NeutralPrice(log_q, 0.0)
            made: Price = (WorstPrice if degree == np.inf else price)(log_q, degree)
            return made
    raise ValueError(
        "risk must be Entropic, ReverseKL, ChiSquared, TotalVariation, CVaR, WorstCase or Neutral "
        f"to be certified; got {risk!r}"
    )
