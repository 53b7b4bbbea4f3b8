"""Interior-point method for an entropy-regularised matrix game, primal and dual at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..model._checks import FloatArray
from ..result.status import Status

ENOUGH = 2e-15
"""Duality gap, for payoffs of unit range, below which rounding leaves nothing to gain."""


@dataclass
class Inside:
    """A strictly positive iterate: strategies, their slacks, the two multipliers."""

    x: FloatArray
    r: FloatArray
    p: FloatArray
    s: FloatArray
    floor: float
    price: float
    spent: bool = False

    def complementarity(self) -> float:
        """Mean product of the pairs that must end at zero."""
        pairs = self.x.size + self.p.size
        return float((self.x @ self.r + self.p @ self.s) / pairs)


class InteriorPoint:
    """Mehrotra's predictor–corrector for the saddle point; a `Method`.

    The conditions are ``M p - epsilon log x + r = price``, ``x M - s = floor``, ``sum x = sum p =
    1`` and, in the limit, ``x r = 0`` and ``p s = 0``, all four vectors positive.
    """

    def __init__(self, matrix: FloatArray, epsilon: float, centring: float = 0.0) -> None:
        self.matrix = matrix
        self.epsilon = epsilon
        self.centring = centring  # smallest share of the products that a step keeps

    def begin(self) -> Inside:
        """Uniform play with slacks of the size of the payoffs."""
        n, m = self.matrix.shape
        x, p = np.full(n, 1.0 / n), np.full(m, 1.0 / m)
        u, v = x @ self.matrix, self.matrix @ p
        floor, price = u.min() - 1.0, v.max() + 1.0 + self.epsilon * np.log(n)
        return Inside(x, price - v - self.epsilon * np.log(n), p, u - floor, floor, price)

    def residuals(self, at: Inside) -> tuple[FloatArray, FloatArray]:
        """Violations of the two stationarity conditions."""
        g_x = self.matrix @ at.p - self.epsilon * np.log(at.x) - at.price + at.r
        g_p = at.x @ self.matrix - at.floor - at.s
        return g_x, g_p

    def step(self, at: Inside) -> Inside:
        """Predict with no centring, then correct with as much as the prediction calls for."""
        level = at.complementarity()
        d = self.direction(at, -at.x * at.r, -at.p * at.s)
        length = reach(at, d)
        ahead = moved(at, d, length).complementarity()
        share = max(min(1.0, max(ahead, 0.0) / level) ** 3, self.centring)
        target = max(level * share, 0.1 * ENOUGH)
        d = self.direction(at, target - at.x * at.r - d.x * d.r, target - at.p * at.s - d.p * d.s)
        length = reach(at, d)
        if length < 1.0:
            length *= 0.995 - self.centring
        new, before = moved(at, d, length), self.violation(at)
        while length > 1e-3 and self.violation(new) > 2.0 * before:
            length *= 0.5
            new = moved(at, d, length)
        if self.violation(new) > 2.0 * before:
            return replace(at, spent=True)
        return replace(new, spent=length < 1e-3)

    def violation(self, at: Inside) -> float:
        """How far from a solution, in payoff units; bounds the duality gap up to a small factor.

        A vanishing probability's own residual never settles, and costs nothing: hence the weights.
        """
        g_x, g_p = self.residuals(at)
        weighted = at.x @ np.abs(g_x) / (1.0 + self.epsilon) + at.p @ np.abs(g_p)
        return at.complementarity() + float(weighted)

    def direction(self, at: Inside, c_x: FloatArray, c_p: FloatArray) -> Inside:
        """Newton direction towards products ``x r + c_x`` and ``p s + c_p``."""
        g_x, g_p = self.residuals(at)
        d_x, d_p = (self.epsilon + at.r) / at.x, at.s / at.p
        a, b = -g_x - c_x / at.x, -g_p + c_p / at.p
        e_x, e_p = 1.0 - at.x.sum(), 1.0 - at.p.sum()
        n, m = self.matrix.shape
        if m <= n:
            dx, dp, price, floor = saddle_solve(self.matrix, d_x, d_p, a, b, e_x, e_p)
        else:
            dp, dx, floor, price = saddle_solve(-self.matrix.T, d_p, d_x, -b, -a, e_p, e_x)
            price, floor = -price, -floor
        return Inside(dx, (c_x - at.r * dx) / at.x, dp, (c_p - at.s * dp) / at.p, floor, price)

    def ending(self, at: Inside) -> Status | None:
        """Converged when the violation vanishes; given up where no step is an improvement."""
        if at.spent:
            return Status.MAX_STEPS
        return Status.CONVERGED if self.violation(at) <= 1e-14 else None

    def finite(self, at: Inside) -> bool:
        """Whether the iterate is made of positive numbers."""
        vectors = (at.x, at.r, at.p, at.s)
        return all(bool(np.isfinite(v).all()) and float(v.min()) > 0.0 for v in vectors)


def saddle_solve(
    matrix: FloatArray,
    d_x: FloatArray,
    d_p: FloatArray,
    a: FloatArray,
    b: FloatArray,
    e_x: float,
    e_p: float,
) -> tuple[FloatArray, FloatArray, float, float]:
    """Solve ``-d_x dx + M dp - price = a``, ``M' dx + d_p dp - floor = b``, sums ``e_x, e_p``.

    The rows ``dx`` are eliminated, so hand over the transposed problem where it has fewer rows.
    """
    m = d_p.size
    scaled = matrix / d_x[:, None]
    system = np.zeros((m + 2, m + 2))
    system[:m, :m] = matrix.T @ scaled
    system[np.arange(m), np.arange(m)] += d_p
    system[:m, m] = system[m, :m] = -scaled.sum(axis=0)
    system[m, m] = (1.0 / d_x).sum()
    system[:m, m + 1] = system[m + 1, :m] = -1.0
    load = np.concatenate([b + scaled.T @ a, [-e_x - (a / d_x).sum(), -e_p]])
    size = np.sqrt(np.abs(np.diagonal(system)))
    size[-1] = 1.0
    size = np.where(size > 0.0, size, 1.0)
    try:
        solution = np.linalg.solve(system / np.outer(size, size), load / size) / size
    except np.linalg.LinAlgError:
        solution = np.full(m + 2, np.nan)
    dp, price, floor = solution[:m], float(solution[m]), float(solution[m + 1])
    return (matrix @ dp - price - a) / d_x, dp, price, floor


def reach(at: Inside, d: Inside) -> float:
    """Longest step, at most 1, that keeps every vector non-negative."""
    worst = 1.0
    for value, change in ((at.x, d.x), (at.r, d.r), (at.p, d.p), (at.s, d.s)):
        falling = change < 0.0
        if falling.any():
            worst = min(worst, float((-value[falling] / change[falling]).min()))
    return worst


def moved(at: Inside, d: Inside, length: float) -> Inside:
    """The iterate after a step."""
    return Inside(
        at.x + length * d.x,
        at.r + length * d.r,
        at.p + length * d.p,
        at.s + length * d.s,
        at.floor + length * d.floor,
        at.price + length * d.price,
    )
