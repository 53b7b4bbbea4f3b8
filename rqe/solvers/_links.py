r"""Links: how likely an outcome becomes, relative to a reference, as its score rises.

Every convex penalty here is a divergence :math:`\sum_b q_b \varphi(p_b / q_b)`, and so is every
regulariser, with weights 1. Its optimum is :math:`p_b = q_b\, \psi(s_b + c)`, where the score
:math:`s` is a scaled payoff, :math:`\psi = (\varphi^*)'` increases and the shift :math:`c` makes
the probabilities add up. One mechanism therefore serves strategies and beliefs. Where
:math:`\psi` jumps (CVaR, the worst case) or has a corner (chi-square, Tsallis), the link is a
smooth one of sharpness ``k``, which the solver raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from ..model._checks import FloatArray

ROUNDS = 80
"""Cap on the steps of the search for a shift: bisection alone needs 60."""


class Link(Protocol):
    """Logarithm of the ratio and its slope, at a shifted score."""

    @property
    def pole(self) -> bool:
        """Whether ratios go to infinity as the score goes to 0 from below, and end there."""

    def log_ratio(self, s: FloatArray) -> FloatArray:
        """``log ψ(s)``; minus infinity below the domain, plus infinity above it."""

    def rate(self, s: FloatArray) -> FloatArray:
        """Derivative of ``log ψ``, > 0."""


class BeliefLink(Link, Protocol):
    """A link that also prices what it believes."""

    def conjugate(self, s: FloatArray) -> FloatArray:
        """An antiderivative of ``ψ``."""


def softplus(s: FloatArray) -> FloatArray:
    """``log(1 + e^s)``."""
    return np.asarray(np.logaddexp(0.0, s))


def sigmoid(s: FloatArray) -> FloatArray:
    """``1 / (1 + e^-s)``."""
    return np.asarray(np.exp(-softplus(-s)))


@dataclass(frozen=True)
class Exponential:
    """Entropy and entropic risk: ``ψ = e^s``."""

    pole: ClassVar[bool] = False

    def log_ratio(self, s: FloatArray) -> FloatArray:
        """The score itself."""
        return s

    def rate(self, s: FloatArray) -> FloatArray:
        """One."""
        return np.ones_like(s)

    def conjugate(self, s: FloatArray) -> FloatArray:
        """``e^s``."""
        return np.asarray(np.exp(s))


@dataclass(frozen=True)
class Inverse:
    """Log-barrier and reverse Kullback–Leibler risk: ``ψ = 1/(-s)`` where ``s < 0``."""

    pole: ClassVar[bool] = True

    def log_ratio(self, s: FloatArray) -> FloatArray:
        """``-log(-s)``."""
        below = s < 0.0
        return np.asarray(np.where(below, -np.log(np.where(below, -s, 1.0)), np.inf))

    def rate(self, s: FloatArray) -> FloatArray:
        """``1/(-s)``."""
        return np.asarray(1.0 / -s)

    def conjugate(self, s: FloatArray) -> FloatArray:
        """``-log(-s)``."""
        return np.asarray(-np.log(-s))


@dataclass(frozen=True)
class Corner:
    """Chi-square risk: ``ψ = max(0, 1 + s/2)``, its corner rounded over a width ``1/k``."""

    k: float
    pole: ClassVar[bool] = False

    def log_ratio(self, s: FloatArray) -> FloatArray:
        """Logarithm of the rounded corner, which stays accurate far below it."""
        return np.asarray(log_softplus(self.k * (1.0 + 0.5 * s)) - np.log(self.k))

    def rate(self, s: FloatArray) -> FloatArray:
        """At most ``k/2``."""
        t = self.k * (1.0 + 0.5 * s)
        return np.asarray(0.5 * self.k * np.exp(-softplus(-t) - log_softplus(t)))

    def conjugate(self, s: FloatArray) -> FloatArray:
        """``max(0, 1 + s/2)^2``: the rounding is left out, as its width is."""
        return np.asarray(np.maximum(0.0, 1.0 + 0.5 * s) ** 2)


@dataclass(frozen=True)
class Power:
    """Tsallis entropy of order ``q`` other than 1.

    ``ψ = (-q / ((1 - q) s))^(1/(1-q))`` where ``s < 0`` for orders below 1, else
    ``ψ = max(0, (q - 1) s / q)^(1/(q-1))`` with its corner rounded over a width ``1/k``.
    """

    q: float
    k: float

    @property
    def pole(self) -> bool:
        """Of orders below 1."""
        return self.q < 1.0

    def log_ratio(self, s: FloatArray) -> FloatArray:
        """Logarithm of the power."""
        power = 1.0 / (self.q - 1.0)
        if self.pole:
            below = s < 0.0
            base = np.where(below, (self.q - 1.0) * s / self.q, 1.0)
            return np.asarray(np.where(below, power * np.log(base), np.inf))
        t = self.k * (self.q - 1.0) / self.q * s
        return np.asarray(power * (log_softplus(t) - np.log(self.k)))

    def rate(self, s: FloatArray) -> FloatArray:
        """Derivative of `log_ratio`."""
        if self.pole:
            return np.asarray(1.0 / ((self.q - 1.0) * s))
        t = self.k * (self.q - 1.0) / self.q * s
        return np.asarray(self.k / self.q * np.exp(-softplus(-t) - log_softplus(t)))


@dataclass(frozen=True)
class Cap:
    """CVaR, ``p <= q / alpha``: a step from 0 to ``1/alpha``, logistic in the scaled score."""

    alpha: float
    pole: ClassVar[bool] = False

    def log_ratio(self, s: FloatArray) -> FloatArray:
        """Logarithm of the step."""
        return np.asarray(-softplus(-s) - np.log(self.alpha))

    def rate(self, s: FloatArray) -> FloatArray:
        """One far below the step, falling to 0 above it."""
        return sigmoid(-s)

    def conjugate(self, s: FloatArray) -> FloatArray:
        """``softplus(s) / alpha``."""
        return np.asarray(softplus(s) / self.alpha)


def log_softplus(t: FloatArray) -> FloatArray:
    """``log log(1 + e^t)``, which is ``t`` far below 0."""
    low = t < -30.0
    return np.asarray(np.where(low, t, np.log(softplus(np.where(low, 0.0, t)))))


def tilt(link: Link, score: FloatArray, log_w: Any = 0.0) -> tuple[FloatArray, FloatArray]:
    """Log-probabilities ``log w + log ψ(score + c)`` that add up to 1, and the shifted score.

    Parameters
    ----------
    link : Link
    score : array (..., m)
        Scaled; a constant added to a row does not matter.
    log_w : array (..., m) or 0
        Log-weights; minus infinity rules an outcome out.

    Returns
    -------
    log_p, shifted : array (..., m)
    """
    log_w = np.broadcast_to(np.asarray(log_w, dtype=np.float64), score.shape)
    top = score.max(axis=-1, keepdims=True)
    if isinstance(link, Exponential):
        raw = score - top + log_w
        high = raw.max(axis=-1, keepdims=True)
        c = -top - high - np.log(np.exp(raw - high).sum(axis=-1, keepdims=True))
        return score + c + log_w, score + c
    low, high = _bracket(link, score - top, log_w)
    c = _shift(link, score - top, log_w, low, high)
    shifted = score - top + c
    log_p = log_w + link.log_ratio(shifted)
    # what is left of the search's error goes to all alike
    total = np.log(np.exp(log_p).sum(axis=-1, keepdims=True))
    return log_p - total, shifted


def answered(link: Link, score: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log-strategy (n,) at scores, and its slopes in them (n, n)."""
    log_x, shifted = tilt(link, score)
    rate = link.rate(shifted)
    weight = np.exp(log_x) * rate
    return log_x, np.diag(rate) - np.outer(rate, weight / weight.sum())


def _excess(link: Link, score: FloatArray, log_w: FloatArray, c: FloatArray) -> FloatArray:
    """Logarithm of the total weight at a shift, (..., 1)."""
    with np.errstate(over="ignore", invalid="ignore"):
        logs = log_w + link.log_ratio(score + c)
        top = logs.max(axis=-1, keepdims=True)
        safe = np.where(np.isfinite(top), top, 0.0)
        return np.asarray(top + np.log(np.exp(logs - safe).sum(axis=-1, keepdims=True)))


def _bracket(link: Link, score: FloatArray, log_w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shifts of scores with maximum 0 at which the total is below and above 1."""
    shape = (*score.shape[:-1], 1)
    if link.pole:
        # in the logarithm of the distance from the pole, searched for as -exp(-c)
        return np.full(shape, -800.0), np.full(shape, 800.0)
    low, high = np.full(shape, -1.0), np.full(shape, 1.0)
    for _ in range(ROUNDS):
        short = _excess(link, score, log_w, high) < 0.0
        if not short.any():
            break
        high = np.where(short, 2.0 * high, high)
    for _ in range(ROUNDS):
        over = _excess(link, score, log_w, low) > 0.0
        if not over.any():
            break
        low = np.where(over, 2.0 * low, low)
    return low, high


def _shift(
    link: Link, score: FloatArray, log_w: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    """Newton's method on the log-total, kept inside a bracket that shrinks."""
    at = np.zeros_like(low) if link.pole else 0.5 * (low + high)
    for _ in range(ROUNDS):
        c = -np.exp(-at) if link.pole else at
        logs = log_w + link.log_ratio(score + c)
        gap = _excess(link, score, log_w, c)
        low, high = np.where(gap <= 0.0, at, low), np.where(gap >= 0.0, at, high)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            weight = np.exp(logs - gap)
            slope = (weight * link.rate(score + c)).sum(axis=-1, keepdims=True)
            slope = slope * np.exp(-at) if link.pole else slope
            new = at - gap / slope
        inside = (new > low) & (new < high)
        new = np.where(inside, new, 0.5 * (low + high))
        if np.all(np.abs(new - at) <= 4e-16 * np.maximum(1.0, np.abs(at))):
            at = new
            break
        at = new
    return np.asarray(-np.exp(-at) if link.pole else at)
