r"""One proximal step of mirror descent on a simplex, for every penalty and geometry at once.

Each step minimises a linear term, a penalty, kept whole rather than linearised, and the divergence
from the last iterate over the simplex. All are separable, and the slope of their sum in
:math:`y = \log z` is

.. math:: G(y) = a\,y - b\,e^{-y} + d\,e^{y} + \tfrac{r\,s}{r-1} e^{(r-1) y},

an increasing function: `a` from entropies and relative entropies, `b` from log-barriers and reverse
ones, `d` from chi-squares, `s` from Tsallis entropies of order `r`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.ops import log_softmax
from ..core.regularizer import LogBarrier, NegEntropy, Tsallis
from ..core.risk import ChiSquared, Entropic, ReverseKL
from ..model._checks import FloatArray

ROUNDS = 200
"""Cap on the Newton steps of one proximal step; each moves a logarithm by at most `REACH`."""
REACH = 2.0
LEARNABLE_RISK = (Entropic, ReverseKL, ChiSquared)
LEARNABLE_REGULARIZER = (NegEntropy, LogBarrier, Tsallis)


@dataclass(frozen=True)
class Slope:
    """Slope of a separable penalty in ``log z``, less a constant: see the module."""

    a: Any = 0.0
    b: Any = 0.0
    d: Any = 0.0
    s: float = 0.0
    r: float = 1.0

    def __add__(self, other: Slope) -> Slope:
        order = self.r if self.s else other.r
        return Slope(self.a + other.a, self.b + other.b, self.d + other.d, self.s + other.s, order)

    def at(self, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Value and derivative in ``y``."""
        value, rate = self.a * y, self.a + np.zeros_like(y)
        if np.any(self.b):
            pole = self.b * np.exp(-y)
            value, rate = value - pole, rate + pole
        if np.any(self.d):
            push = self.d * np.exp(y)
            value, rate = value + push, rate + push
        if self.s:
            power = self.s * self.r * np.exp((self.r - 1.0) * y)
            value, rate = value + power / (self.r - 1.0), rate + power
        return np.asarray(value), np.asarray(rate)


def of_regularizer(rule: Any) -> Slope:
    """A regulariser's slope: ``∇ν``, up to a constant."""
    if isinstance(rule, NegEntropy):
        return Slope(a=rule.epsilon)
    if isinstance(rule, LogBarrier):
        return Slope(b=rule.epsilon)
    if rule.q == 1.0:
        return Slope(a=rule.epsilon)
    return Slope(s=rule.epsilon, r=rule.q)


def of_risk(risk: Any, log_q: FloatArray) -> tuple[Slope, FloatArray]:
    """A risk measure's penalty as a function of the belief: its slope, and its linear part."""
    none = np.zeros_like(log_q)
    if isinstance(risk, Entropic):
        return Slope(a=1.0 / risk.tau), -log_q / risk.tau
    if isinstance(risk, ReverseKL):
        return Slope(b=np.exp(log_q) / risk.tau), none
    return Slope(d=2.0 * np.exp(-log_q) / risk.tau), none


GEOMETRIES = {"entropic": Slope(a=1.0), "log_barrier": Slope(b=1.0)}
"""Slope of the function whose Bregman divergence measures steps."""


def proximal(
    linear: FloatArray, penalty: Slope, geometry: Slope, step: float, log_z: FloatArray
) -> FloatArray:
    """Minimiser of ``linear·z + penalty(z) + divergence(z, z_t)/step``, as log-probabilities.

    Parameters
    ----------
    linear : array (m,)
        In payoff units.
    penalty : Slope
    geometry : Slope
        One of `GEOMETRIES`.
    step : float
        In 1/payoff units.
    log_z : array (m,)
        Where the step begins. NaN is returned where no minimiser was found from there.
    """
    anchored = linear - geometry.at(log_z)[0] / step
    whole = penalty + Slope(a=geometry.a / step, b=geometry.b / step)
    if not (np.any(whole.b) or np.any(whole.d) or whole.s):
        return np.asarray(log_softmax(-anchored / whole.a))
    y = log_z
    for _ in range(ROUNDS):
        g, rate = whole.at(y)
        g = g + anchored
        z = np.exp(y)
        pull = z / rate
        level = (1.0 - z.sum() + (pull * g).sum()) / pull.sum()
        move = (level - g) / rate
        largest = float(np.abs(move).max())
        y = y + (move if largest < REACH else np.clip(move, -REACH, REACH))
        if not largest > 1e-13 * (1.0 + float(np.abs(y).max())):
            return np.asarray(log_softmax(y))
        if not np.isfinite(largest):
            break
    # rounding may keep the last digit moving: that is an answer, anything larger is not
    return np.asarray(log_softmax(y)) if largest < 1e-9 else np.full_like(y, np.nan)
