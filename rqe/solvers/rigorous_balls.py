"""Functions of real balls that the proofs need, each with an enclosure as tight as is cheap.

A ball is a midpoint with a radius; a wide one is evaluated at its two ends where the function is
monotone, because the ball rule loses a factor there, and signs with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb, arb_series, ctx

from ..model._checks import FloatArray

Ball = Any
Box = list[Ball]
Matrix = list[list[Ball]]

NARROW = arb(2) ** -20
"""Radius from which a ball is evaluated at its ends."""
ONE, ZERO = arb(1), arb(0)


def exact(array: FloatArray) -> Matrix:
    """The very numbers of a matrix."""
    return [[arb(float(v)) for v in row] for row in array]


def softmax(gaps: Matrix) -> Box:
    """Probabilities from the differences ``gaps[j][k] = v_j - v_k``, read for ``j < k``.

    Each probability is monotone in every gap, so that the ends of the gaps give its range. Gaps
    that are power series give power series.
    """
    n = len(gaps)
    if n > 1 and isinstance(gaps[0][1], arb_series):
        return _softmax_of_series(gaps)
    low: Matrix = [[ONE] * n for _ in range(n)]
    high: Matrix = [[ONE] * n for _ in range(n)]
    for j in range(n):
        for k in range(j + 1, n):
            gap = gaps[j][k]
            if gap.rad() < NARROW:
                low[j][k] = high[j][k] = gap.exp()
                low[k][j] = high[k][j] = (-gap).exp()
            else:
                bottom, top = gap.lower(), gap.upper()
                low[j][k], high[j][k] = bottom.exp(), top.exp()
                low[k][j], high[k][j] = (-top).exp(), (-bottom).exp()
    return [
        (ONE / _column(high, k)).union(ONE / _column(low, k)) for k in range(n)
    ]  # fmt: skip


def _softmax_of_series(gaps: Matrix) -> Box:
    n = len(gaps)
    terms: Matrix = [[ONE] * n for _ in range(n)]
    for j in range(n):
        for k in range(j + 1, n):
            terms[j][k], terms[k][j] = gaps[j][k].exp(), (-gaps[j][k]).exp()
    return [ONE / _column(terms, k) for k in range(n)]


def _column(terms: Matrix, k: int) -> Ball:
    total = terms[0][k]
    for row in terms[1:]:
        total = total + row[k]
    return total


def times(p: Ball, q: Ball) -> Ball:
    """Product of two quantities that are not negative."""
    if p.rad() < NARROW and q.rad() < NARROW:
        return p * q
    bottom = p.lower().max(ZERO) * q.lower().max(ZERO)
    return bottom.union(p.upper() * q.upper())


def spread(p: Ball, complement: Ball) -> Ball:
    """``p (1 - p)``, given an enclosure of ``1 - p`` too: small values keep their digits."""
    if p.rad() < NARROW:
        return p * complement
    bottom, top = p.lower().max(ZERO), p.upper().min(ONE)
    out = (bottom * (ONE - bottom)).union(top * (ONE - top))
    return out.union(arb(0.25)) if bottom < 0.5 < top else out


class Contrast:
    """Differences between the rows of ``scale · M p``, ``p`` a distribution over the columns.

    With ``p`` summing to 1, any number may be taken off all of a row's entries first. Their median,
    weighted by the widths of ``p``, leaves the least width; for two columns any entry of the row
    leaves the exact range.
    """

    def __init__(self, rows: Matrix, scale: Ball) -> None:
        self.n, self.m = len(rows), len(rows[0])
        self.gap = [
            [[(rows[j][b] - rows[k][b]) * scale for b in range(self.m)] for k in range(self.n)]
            for j in range(self.n)
        ]
        self.order = [
            [
                sorted(range(self.m), key=[float(t.mid()) for t in terms].__getitem__)
                for terms in row
            ]
            for row in self.gap
        ]

    def extremes(self) -> list[Ball]:
        """Each row's difference from the last row: its range over all distributions."""
        return [hull(row[-1]) for row in self.gap[:-1]]

    def __call__(self, p: Box) -> Matrix:
        """``[j][k]``, filled for ``j < k``."""
        out = [[ZERO] * self.n for _ in range(self.n)]
        reference = -1
        weights = (
            None if self.m == 2 or isinstance(p[0], arb_series) else [float(q.rad()) for q in p]
        )
        for j in range(self.n):
            for k in range(j + 1, self.n):
                terms = self.gap[j][k]
                if weights is not None:
                    reference = _median(self.order[j][k], weights)
                base = terms[reference]
                total = base
                for b, term in enumerate(terms):
                    if term is not base:
                        total = total + (term - base) * p[b]
                out[j][k] = total
        return out

    def derivative(self, p: Box, d_log: Matrix) -> Matrix:
        """Derivatives of the rows' differences from the last, as the log-weights of `p` move.

        Each is a covariance, ``sum over a < b of p_a p_b (t_a - t_b)(d_a - d_b)``: in this form
        columns that move alike cancel before the balls are formed.

        Parameters
        ----------
        d_log : matrix
            ``d_log[a][c]`` is the derivative of column a's log-weight by unknown c.
        """
        width = len(d_log[0])
        out = [[ZERO] * width for _ in self.gap[:-1]]
        for a in range(self.m):
            for b in range(a + 1, self.m):
                both = spread(p[a], p[b]) if self.m == 2 else times(p[a], p[b])
                moves = [u - v for u, v in zip(d_log[a], d_log[b], strict=True)]
                for line, row in zip(out, self.gap, strict=False):
                    weight = both * (row[-1][a] - row[-1][b])
                    for c, move in enumerate(moves):
                        if not move.is_zero():
                            line[c] = line[c] + weight * move
        return out


def _median(order: list[int], weights: list[float]) -> int:
    """The first index, in the given order, by which half of the weight has been passed."""
    rest = 0.5 * sum(weights)
    for b in order:
        rest -= weights[b]
        if rest <= 0.0:
            return b
    return order[-1]


def hull(values: Sequence[Ball]) -> Ball:
    """The smallest ball around several."""
    out = values[0]
    for value in values[1:]:
        out = out.union(value)
    return out


def widened(side: Ball) -> Ball:
    """A little more than a ball, which may have no width at all."""
    return side + arb(0, 1) * (arb(2) ** (-ctx.prec // 2) * (1 + side.abs_upper()))


def common(a: Box, b: Box) -> Box | None:
    """Intersection of two boxes, None where it is empty; an unbounded side does not count."""
    out = []
    for x, y in zip(a, b, strict=True):
        if not y.is_finite():
            out.append(x)
        elif not x.overlaps(y):
            return None
        else:
            out.append(x.intersection(y))
    return out


def inside(inner: Box, outer: Box) -> bool:
    """Whether a box lies in another."""
    return all(o.contains(i) for i, o in zip(inner, outer, strict=True))


def interior(inner: Box, outer: Box) -> bool:
    """Whether a box lies in the interior of another."""
    return all(o.contains_interior(i) for i, o in zip(inner, outer, strict=True))


def size(box: Box) -> Ball:
    """Sum of a box's half-widths."""
    total = ZERO
    for b in box:
        total = total + b.rad()
    return total.mid()


def float_below(ball: Ball) -> float:
    """The largest float64 found that is not above any point of the ball."""
    bound = ball.lower()
    out = float(bound)
    while not arb(out) <= bound:
        out = math.nextafter(out, -math.inf)
    return out


def float_above(ball: Ball) -> float:
    """The smallest float64 found that is not below any point of the ball."""
    return -float_below(-ball)


def outward(profile: list[Box]) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Bounds of probabilities in float64, rounded away from each other, within [0, 1]."""
    low = tuple(np.array([max(0.0, float_below(p)) for p in x]) for x in profile)
    high = tuple(np.array([min(1.0, float_above(p)) for p in x]) for x in profile)
    return low, high
