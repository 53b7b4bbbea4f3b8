"""RQE as fixed points ``y = G(y)`` of explicit maps, with ball enclosures of ``G`` and ``dG``."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from itertools import product as cartesian

from flint import arb, arb_series

from ..model._checks import FloatArray
from .rigorous_balls import (
    ONE,
    ZERO,
    Ball,
    Box,
    Contrast,
    Matrix,
    exact,
    softmax,
)


class Map(ABC):
    """A fixed-point problem whose solutions are the RQE, one to one.

    It is built at the working precision, and built anew when that rises.
    """

    domain: Box
    """Holds every fixed point."""

    def extent(self) -> float:
        """Sum of the search's half-widths."""
        return sum(float(side.rad()) for side in self.domain)

    @abstractmethod
    def image(self, y: Box) -> Box:
        """Enclosure of ``G`` over a box."""

    @abstractmethod
    def slope(self, y: Box) -> Matrix:
        """Enclosure of the Jacobian of ``G`` over a box."""

    def taylor(self, y: Ball, order: int) -> Box | None:
        """With one unknown, enclosures of ``G``'s Taylor coefficients over a ball, up to `order`.

        None where the arithmetic truncates them, or the ball is too wide for it.
        """
        try:
            (found,) = self.image([arb_series([y, 1], prec=order + 1)])
        except ValueError:  # a denominator's enclosure reaches 0
            return None
        if not isinstance(found, arb_series):  # a constant map
            return [found] + [ZERO] * order
        if found.prec <= order:
            return None
        return [found[k] for k in range(order + 1)]

    @abstractmethod
    def profile(self, y: Box) -> list[Box]:
        """Enclosure of the strategies, one list a player."""

    @abstractmethod
    def coordinates(self, profile: list[Box]) -> Box:
        """Enclosure of ``y`` at all RQE whose strategies lie in a box; may be unbounded."""


def log_gaps(y: Box) -> Matrix:
    """All differences of log-weights given relative to the last one."""
    full = [*y, ZERO]
    return [[a - b for b in full] for a in full]


def log_ratios(p: Box) -> Box:
    """Logarithms of probabilities relative to the last one."""
    return [(v / p[-1]).log() for v in p[:-1]]


class Belief(Map):
    """A two-player game in one player's worst-case belief: explicit all the way round.

    The leader's belief ``p`` over the follower's actions fixes the leader's own strategy
    ``x = softmax(U p / epsilon)``, and undoing the Gibbs tilt fixes what the follower plays,
    ``q ∝ p exp(tau Uᵀx)``. The follower's belief then follows from ``x`` and ``q`` by its own tilt,
    and its reply to that belief must be ``q`` again. The unknowns are the log-ratios of ``p``: one
    fewer than the follower has actions, so that 2 × n games are equations in one unknown.
    """

    def __init__(
        self, own: tuple[FloatArray, FloatArray], tau: FloatArray, epsilon: FloatArray, leader: int
    ) -> None:
        follower = 1 - leader
        mine, other = exact(own[leader]), exact(own[follower])
        tau_1, tau_2 = arb(float(tau[leader])), arb(float(tau[follower]))
        self.leader = leader
        self.value = Contrast(mine, ONE / arb(float(epsilon[leader])))
        self.tilt = Contrast(transpose(mine), tau_1)
        self.other_value = Contrast(other, ONE / arb(float(epsilon[follower])))
        self.other_tilt = Contrast(transpose(other), tau_2)
        self.domain = [
            v - w for v, w in zip(self.other_value.extremes(), self.tilt.extremes(), strict=True)
        ]

    def _round(self, y: Box) -> tuple[Box, Matrix, Box, Matrix, Box, Box]:
        p = softmax(log_gaps(y))
        values = self.value(p)
        x = softmax(values)
        tilts = self.tilt(x)
        q = softmax(combine(log_gaps(y), tilts, 1))
        belief = softmax(combine(values, self.other_tilt(q), -1))
        return p, values, x, tilts, q, belief

    def image(self, y: Box) -> Box:
        """Enclosure of ``G`` over a box."""
        *_, tilts, _, belief = self._round(y)
        replies = self.other_value(belief)
        return [v[-1] - w[-1] for v, w in zip(replies[:-1], tilts[:-1], strict=True)]

    def slope(self, y: Box) -> Matrix:
        """Enclosure of the Jacobian of ``G`` over a box."""
        p, _, x, _, q, belief = self._round(y)
        n = len(y)
        d_log_p = [[ONE if b == c else ZERO for c in range(n)] for b in range(n + 1)]
        d_value = _full(self.value.derivative(p, d_log_p), n)
        d_tilt = _full(self.tilt.derivative(x, d_value), n)
        d_other = _full(self.other_tilt.derivative(q, _sum(d_log_p, d_tilt, 1)), n)
        d_reply = self.other_value.derivative(belief, _sum(d_value, d_other, -1))
        return _sum(d_reply, d_tilt[:-1], -1)

    def profile(self, y: Box) -> list[Box]:
        """Enclosure of the strategies."""
        _, _, x, _, q, _ = self._round(y)
        return [x, q] if self.leader == 0 else [q, x]

    def coordinates(self, profile: list[Box]) -> Box:
        """Enclosure of the belief's log-ratios at RQE in a box of strategies."""
        x, q = profile[self.leader], profile[1 - self.leader]
        tilts = self.tilt(x)
        return [v - w[-1] for v, w in zip(log_ratios(q), tilts[:-1], strict=True)]


class Reply(Map):
    """Any number of players: every log-strategy is the reply to all of them.

    Players whose strategy is settled beforehand (one action, or ``tau = inf``) have no unknowns.
    """

    def __init__(
        self,
        own: tuple[FloatArray, ...],
        shape: tuple[int, ...],
        tau: FloatArray,
        epsilon: FloatArray,
        settled: dict[int, Box],
    ) -> None:
        self.shape, self.settled = shape, settled
        self.active = [i for i, n in enumerate(shape) if n > 1 and i not in settled]
        self.value, self.tilt, self.joint = {}, {}, {}
        for i in self.active:
            matrix = exact(own[i])
            self.value[i] = Contrast(matrix, ONE / arb(float(epsilon[i])))
            self.tilt[i] = Contrast(transpose(matrix), arb(float(tau[i])))
            others = [range(n) for j, n in enumerate(shape) if j != i]
            self.joint[i] = [(*a[:i], -1, *a[i:]) for a in cartesian(*others)]
        self.domain = [v for i in self.active for v in self.value[i].extremes()]

    def _logs(self, y: Box) -> list[Box]:
        """Log-weights of every player, the last action's being 0."""
        out, at = [], 0
        for i, n in enumerate(self.shape):
            if i in self.active:
                out.append([*y[at : at + n - 1], ZERO])
                at += n - 1
            else:
                out.append([*self.settled.get(i, []), ZERO])
        return out

    def _belief(self, i: int, logs: list[Box]) -> tuple[Box, Box]:
        x = softmax([[a - b for b in logs[i]] for a in logs[i]])
        plays = self.joint[i]
        others = [j for j in range(len(self.shape)) if j != i]
        gaps = [[ZERO] * len(plays) for _ in plays]
        for a, first in enumerate(plays):
            for b in range(a + 1, len(plays)):
                second = plays[b]
                for j in others:
                    if first[j] != second[j]:
                        gaps[a][b] = gaps[a][b] + logs[j][first[j]] - logs[j][second[j]]
        return x, softmax(combine(gaps, self.tilt[i](x), -1))

    def image(self, y: Box) -> Box:
        """Enclosure of ``G`` over a box."""
        logs = self._logs(y)
        out = []
        for i in self.active:
            _, belief = self._belief(i, logs)
            out += [row[-1] for row in self.value[i](belief)[:-1]]
        return out

    def slope(self, y: Box) -> Matrix:
        """Enclosure of the Jacobian of ``G`` over a box."""
        logs = self._logs(y)
        unknowns = [(j, c) for j in self.active for c in range(self.shape[j] - 1)]
        out = []
        for i in self.active:
            x, belief = self._belief(i, logs)
            d_own = [
                [ONE if (i, a) == unknown else ZERO for unknown in unknowns]
                for a in range(self.shape[i])
            ]
            d_others = [
                [ONE if play[j] == c else ZERO for j, c in unknowns] for play in self.joint[i]
            ]
            d_tilt = _full(self.tilt[i].derivative(x, d_own), len(unknowns))
            out += self.value[i].derivative(belief, _sum(d_others, d_tilt, -1))
        return out

    def profile(self, y: Box) -> list[Box]:
        """Enclosure of the strategies."""
        return [softmax([[a - b for b in z] for a in z]) for z in self._logs(y)]

    def coordinates(self, profile: list[Box]) -> Box:
        """Enclosure of the log-ratios of strategies in a box."""
        return [v for i in self.active for v in log_ratios(profile[i])]


class Symmetric(Map):
    """Symmetric RQE of a symmetric two-action game: one log-odds ``s`` that all players share.

    The others' play enters by how many of them choose the first action: ``count[a][k]`` is the
    payoff of action ``a`` when ``k`` do. The worst-case belief over that number is the binomial
    one, tilted; within a number all joint actions are alike, so that nothing is lost.
    """

    def __init__(self, count: FloatArray, tau: float, epsilon: float) -> None:
        rows = exact(count)
        others = count.shape[1] - 1
        self.players = others + 1
        self.value = Contrast(rows, ONE / arb(epsilon))
        self.tilt = Contrast(transpose(rows), arb(tau))
        self.ways = [arb(math.comb(others, k)).log() for k in range(others + 1)]
        self.domain = self.value.extremes()

    def _belief(self, y: Box) -> tuple[Box, Box]:
        s = y[0]
        x = softmax([[ZERO, s], [-s, ZERO]])
        ways = self.ways
        gaps = [
            [ways[j] - ways[k] + (j - k) * s for k in range(len(ways))] for j in range(len(ways))
        ]
        return x, softmax(combine(gaps, self.tilt(x), -1))

    def image(self, y: Box) -> Box:
        """Enclosure of ``G`` over a box."""
        return [self.value(self._belief(y)[1])[0][1]]

    def slope(self, y: Box) -> Matrix:
        """Enclosure of the derivative of ``G`` over a box."""
        x, belief = self._belief(y)
        d_tilt = _full(self.tilt.derivative(x, [[ONE], [ZERO]]), 1)
        d_count = [[arb(k)] for k in range(len(self.ways))]
        return self.value.derivative(belief, _sum(d_count, d_tilt, -1))

    def profile(self, y: Box) -> list[Box]:
        """Enclosure of the strategies, the same for each player."""
        x = softmax([[ZERO, y[0]], [-y[0], ZERO]])
        return [list(x) for _ in range(self.players)]

    def coordinates(self, profile: list[Box]) -> Box:
        """Enclosure of the log-odds of strategies in a box."""
        return log_ratios(profile[0])


def transpose(matrix: Matrix) -> Matrix:
    return [list(column) for column in zip(*matrix, strict=True)]


def combine(a: Matrix, b: Matrix, sign: int) -> Matrix:
    """``a + sign · b`` above the diagonal."""
    n = len(a)
    out = [[ZERO] * n for _ in range(n)]
    for j in range(n):
        for k in range(j + 1, n):
            out[j][k] = a[j][k] + b[j][k] if sign > 0 else a[j][k] - b[j][k]
    return out


def _sum(a: Matrix, b: Matrix, sign: int) -> Matrix:
    """``a + sign · b``."""
    return [[u + sign * v for u, v in zip(r, s, strict=True)] for r, s in zip(a, b, strict=True)]


def _full(matrix: Matrix, columns: int) -> Matrix:
    """With the row of the reference, whose difference from itself is 0."""
    return [*matrix, [ZERO] * columns]
