"""What a risk measure is to the second opinion, and the entropic measure with its two limits.

Nothing here is shared with the core. A price is ``rho(u) = min_p p·u + D(p, q)`` for one player's
`q`, on payoffs of unit range. With ``D = sum q phi(p / q)`` its dual is one-dimensional,
``max_l l - sum q phi*(l - u)``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model._checks import FloatArray

Term = tuple[Any, list[Any]]
"""A cvxpy expression and the constraints under which it means what it should."""
FAINT = 1e-15
"""Probabilities, in the measure's own units, that the program leaves out; the bracket does not."""
MILD, STEEP = 1e-3, 1e3
"""Degrees below which the program sees mean and variance, and above which it runs over beliefs."""


@dataclass(frozen=True)
class Price(ABC):
    """A risk measure of given degree at the others' joint play, given as logarithms (m,)."""

    log_q: FloatArray
    degree: float

    @property
    def q(self) -> FloatArray:
        """The others' joint play; a probability below float64's range is 0."""
        return np.asarray(np.exp(self.log_q))

    @abstractmethod
    def worth(self, u: FloatArray) -> float:
        """``rho(u)``: the dual's value at its maximiser, or the exact formula."""

    @abstractmethod
    def belief(self, u: FloatArray) -> FloatArray:
        """A worst-case belief, feasible."""

    @abstractmethod
    def cost(self, p: FloatArray) -> float:
        """``D(p, q)``, infinite where infeasible."""

    @abstractmethod
    def term(self, cp: Any, u: Any) -> Term:
        """The measure as a concave cvxpy expression of the outcomes, and its constraints."""

    @abstractmethod
    def charge(self, cp: Any, p: Any) -> Term:
        """``D`` up to a constant as a convex cvxpy expression of the belief, with constraints."""

    @property
    def steep(self) -> bool:
        """Whether the program over beliefs is the better posed of the two."""
        return False

    def repaired(self, p: FloatArray) -> FloatArray:
        """A belief of finite cost next to a solver's multipliers."""
        return p

    def _within(self, p: FloatArray) -> FloatArray:
        """No mass where the others have none."""
        kept = np.where(self.q > 0.0, p, 0.0)
        return np.asarray(kept / kept.sum() if kept.sum() > 0.0 else self.q)

    def _spread(self, cp: Any, u: Any, weight: float) -> Any:
        """Mean less `weight` times the variance."""
        return self.q @ u - weight * cp.sum_squares(cp.multiply(np.sqrt(self.q), u - self.q @ u))


class NeutralPrice(Price):
    """The mean: no belief but `q`."""

    def worth(self, u: FloatArray) -> float:
        return float(self.q @ u)

    def belief(self, u: FloatArray) -> FloatArray:
        return self.q

    def cost(self, p: FloatArray) -> float:
        return 0.0 if bool((p == self.q).all()) else np.inf

    def repaired(self, p: FloatArray) -> FloatArray:
        return self.q

    def term(self, cp: Any, u: Any) -> Term:
        return self.q @ u, []

    def charge(self, cp: Any, p: Any) -> Term:
        return 0.0, [p == self.q]


class WorstPrice(Price):
    """The least outcome, whatever its probability: every belief is free."""

    def worth(self, u: FloatArray) -> float:
        return float(u.min())

    def belief(self, u: FloatArray) -> FloatArray:
        return np.asarray(np.eye(u.size)[np.argmin(u)])

    def cost(self, p: FloatArray) -> float:
        return 0.0

    def term(self, cp: Any, u: Any) -> Term:
        return cp.min(u), []

    def charge(self, cp: Any, p: Any) -> Term:
        return 0.0, []


class EntropicPrice(Price):
    """``D = KL(p || q) / tau``: ``-log(sum q exp(-tau u)) / tau``."""

    def worth(self, u: FloatArray) -> float:
        return entropic_worth(u, self.log_q, self.degree)

    def belief(self, u: FloatArray) -> FloatArray:
        tilt = self.log_q - self.degree * u
        p = np.exp(tilt - tilt.max())
        return np.asarray(p / p.sum())

    def cost(self, p: FloatArray) -> float:
        q = self.q
        if bool((p[self.log_q == -np.inf] > 0.0).any()):
            return np.inf
        # p log(p/q) - p + q outcome by outcome: next to q nothing cancels
        near = np.abs(p - q) < 0.1 * q
        t = np.where(near, p - q, 0.0) / np.where(near, q, 1.0)
        close = q * ((1.0 + t) * np.log1p(t) - t)
        mass = p > 0.0
        logs = np.log(np.where(mass, p, 1.0)) - np.where(mass, self.log_q, 0.0)
        return float(np.sum(np.where(near, close, p * logs - p + q))) / self.degree

    def repaired(self, p: FloatArray) -> FloatArray:
        kept = np.where(self.log_q > -np.inf, p, 0.0)
        return np.asarray(kept / kept.sum() if kept.sum() > 0.0 else self.q)

    def term(self, cp: Any, u: Any) -> Term:
        if self.degree <= MILD:
            return self._spread(cp, u, 0.5 * self.degree), []
        seen = np.flatnonzero(self.log_q > -np.inf)
        return -cp.log_sum_exp(self.log_q[seen] - self.degree * u[seen]) / self.degree, []

    @property
    def steep(self) -> bool:
        return self.degree > STEEP

    def charge(self, cp: Any, p: Any) -> Term:
        seen = self.log_q > -np.inf
        held = np.flatnonzero(seen)
        cost = (-cp.sum(cp.entr(p)) - self.log_q[held] @ p[held]) / self.degree
        return cost, [] if seen.all() else [p[np.flatnonzero(~seen)] == 0.0]


def entropic_worth(u: FloatArray, log_q: FloatArray, tau: float) -> float:
    """``-log(sum q exp(-tau u)) / tau``, its mean at ``tau = 0`` and least payoff at ``inf``."""
    if tau == np.inf:
        return float(u.min())
    if tau >= 0.5:
        return -float(np.logaddexp.reduce(log_q - tau * u)) / tau
    q = np.exp(log_q)
    mean = float(q @ u)
    # log1p keeps the digits that a small tau would cancel
    spread = float(q @ np.expm1(-tau * (u - mean)))
    return mean - (float(np.log1p(spread)) / tau if tau > 0.0 else 0.0)
