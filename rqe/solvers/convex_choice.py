"""Regularisers for the second opinion, from their definitions; shares no code with the core.

The best value against action values ``v`` is ``max_x x·v - nu(x)`` over the simplex. Its dual is
one-dimensional, and any multiplier of ``sum x = 1`` gives a value that no strategy exceeds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import regularizer as rules
from ..model._checks import FloatArray

FLAT = 30.0
"""Degree on payoffs of unit range above which the program expands the regulariser at uniform."""


@dataclass(frozen=True)
class Choice(ABC):
    """A regulariser of positive degree on payoffs of unit range."""

    epsilon: float

    @abstractmethod
    def penalty(self, log_x: FloatArray) -> float:
        """``nu(x)`` of a strategy given as logarithms."""

    @abstractmethod
    def best(self, v: FloatArray) -> tuple[float, FloatArray]:
        """A value that no strategy exceeds against `v`, tight, and the log-strategy next to it."""

    @abstractmethod
    def term(self, cp: Any, x: Any) -> Any:
        """``-nu(x)``, up to a constant, as a concave cvxpy expression."""

    @abstractmethod
    def conjugate(self, cp: Any, v: Any) -> Any:
        """The best value against `v`, up to a constant, as a convex cvxpy expression."""

    @abstractmethod
    def curvature(self, n: int) -> float:
        """Second derivative of ``nu`` at uniform play of `n` actions."""


class ExactChoice(Choice):
    """No regulariser: a best action."""

    def penalty(self, log_x: FloatArray) -> float:
        return 0.0

    def best(self, v: FloatArray) -> tuple[float, FloatArray]:
        with np.errstate(divide="ignore"):
            return float(v.max()), np.log(np.eye(v.size)[np.argmax(v)])

    def term(self, cp: Any, x: Any) -> Any:
        return 0.0

    def conjugate(self, cp: Any, v: Any) -> Any:
        return cp.max(v)

    def curvature(self, n: int) -> float:
        return 0.0


class EntropyChoice(Choice):
    """``nu = epsilon sum x log x``."""

    def penalty(self, log_x: FloatArray) -> float:
        return self.epsilon * float(np.exp(log_x) @ np.where(log_x > -np.inf, log_x, 0.0))

    def best(self, v: FloatArray) -> tuple[float, FloatArray]:
        total = float(np.logaddexp.reduce(v / self.epsilon))
        return self.epsilon * total, np.asarray(v / self.epsilon - total)

    def term(self, cp: Any, x: Any) -> Any:
        return self.epsilon * cp.sum(cp.entr(x))

    def conjugate(self, cp: Any, v: Any) -> Any:
        return self.epsilon * cp.log_sum_exp(v / self.epsilon)

    def curvature(self, n: int) -> float:
        return self.epsilon * n


class BarrierChoice(Choice):
    """``nu = -epsilon sum log x``; multiplier ``l``: ``x = epsilon / (l - v)``."""

    def penalty(self, log_x: FloatArray) -> float:
        return -self.epsilon * float(np.sum(log_x))

    def best(self, v: FloatArray) -> tuple[float, FloatArray]:
        h = (v.max() - v) / self.epsilon

        from scipy.optimize import brentq  # slow to import

        def excess(s: float) -> float:
            return float(np.sum(1.0 / (h + s))) - 1.0

        s = float(brentq(excess, 1.0 - 1e-9, v.size * (1.0 + 1e-9), xtol=1e-15, rtol=1e-15))
        log_x = -np.log(h + s)
        value = v.max() + self.epsilon * (s - v.size + float(log_x.sum()))
        return float(value), np.asarray(log_x - np.logaddexp.reduce(log_x))

    def term(self, cp: Any, x: Any) -> Any:
        return self.epsilon * cp.sum(cp.log(x))

    def conjugate(self, cp: Any, v: Any) -> Any:
        level = cp.Variable()
        return level - self.epsilon * cp.sum(cp.log((level - v) / self.epsilon))

    def curvature(self, n: int) -> float:
        return self.epsilon * n**2


@dataclass(frozen=True)
class TsallisChoice(Choice):
    """``nu = epsilon sum (x^q - x) / (q - 1)``, the same on the simplex as with -1 for -x.

    At the multiplier ``l``, ``x = (1 + (q - 1) y)_+^(1/(q - 1))`` with ``y`` the rescaled
    ``((v - l) / epsilon - 1) / q``, and each action adds ``epsilon x^q`` to the dual's value.
    """

    q: float

    def penalty(self, log_x: FloatArray) -> float:
        safe = np.where(log_x > -np.inf, log_x, 0.0)
        c = self.q - 1.0
        return self.epsilon * float(np.exp(log_x) @ np.expm1(c * safe)) / c

    def best(self, v: FloatArray) -> tuple[float, FloatArray]:
        c = self.q - 1.0
        h = (v.max() - v) / (self.epsilon * self.q)

        from scipy.optimize import brentq  # slow to import

        def logs(t: float) -> FloatArray:
            shift = c * (t - h)
            inside = shift > -1.0
            return np.asarray(np.where(inside, np.log1p(np.where(inside, shift, 0.0)) / c, -np.inf))

        def excess(t: float) -> float:
            return float(np.sum(np.exp(logs(t)))) - 1.0

        even = float(np.expm1(-c * np.log(v.size)) / c)  # the best action is played 1/n at least
        if excess(even) >= 0.0:
            t = even
        else:
            t = float(brentq(excess, even, 0.0, xtol=1e-15, rtol=1e-15)) if excess(0.0) > 0 else 0.0
        log_x = logs(t)
        level = v.max() - self.epsilon * (self.q * t + 1.0)
        value = level + self.epsilon * float(np.exp(self.q * log_x).sum())
        return float(value), np.asarray(log_x - np.logaddexp.reduce(log_x))

    def term(self, cp: Any, x: Any) -> Any:
        return -self.epsilon * cp.sum(cp.power(x, self.q)) / (self.q - 1.0)

    def conjugate(self, cp: Any, v: Any) -> Any:
        level, c = cp.Variable(), self.q - 1.0
        slope = (v - level) * (c / (self.epsilon * self.q))
        base = cp.pos(slope) if c > 0.0 else slope
        return level + self.epsilon * cp.sum(cp.power(base, self.q / c))

    def curvature(self, n: int) -> float:
        return self.epsilon * self.q * float(n ** (2.0 - self.q))


def choice_of(regularizer: Any, span: float) -> Choice:
    """The regulariser on payoffs divided by `span`.

    Raises
    ------
    ValueError
        A regulariser that is none of the package's three.
    """
    known = (rules.NegEntropy, rules.LogBarrier, rules.Tsallis)
    if not isinstance(regularizer, known):
        raise ValueError(
            f"regularizer must be NegEntropy, LogBarrier or Tsallis to be certified; got "
            f"{regularizer!r}"
        )
    epsilon = float(regularizer.epsilon) / span
    if epsilon == 0.0:
        return ExactChoice(epsilon)
    if isinstance(regularizer, rules.LogBarrier):
        return BarrierChoice(epsilon)
    if isinstance(regularizer, rules.Tsallis) and float(regularizer.q) != 1.0:
        return TsallisChoice(epsilon, float(regularizer.q))
    return EntropyChoice(epsilon)
