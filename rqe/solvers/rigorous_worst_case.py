"""A two-action player's strategy at ``tau = inf``, enclosed: nobody else's play moves it."""

from __future__ import annotations

from flint import arb, ctx

from ..model._checks import FloatArray
from .rigorous_balls import ZERO, Ball, exact, hull, softmax

FRACTIONS = (0.5078125, 0.4453125, 0.5546875)
"""Where the bracket is cut in turn: a tie, at which no side is known, may lie on one of them."""


def log_odds(own: FloatArray, epsilon: float) -> Ball:
    """Log-odds of a two-action player's strategy at ``tau = inf``, which no one else's play moves.

    It maximises the concave ``min_b (x·M)_b + epsilon H(x)``. At log-odds ``s`` the derivative in
    the first action's probability lies between the smallest and the largest of
    ``M_0b - M_1b - epsilon s`` over the columns ``b`` that may be worst: where all have one sign,
    the maximiser is on a known side, and the search narrows to it.
    """
    bits = ctx.prec
    matrix = exact(own)
    gap = [a - b for a, b in zip(*matrix, strict=True)]
    scale = arb(float(epsilon))
    around = hull(gap) / scale
    low, high = around.lower() - 1, around.upper() + 1
    for step in range(4 * bits):
        width = high - low
        if width < (abs(low).upper() + 1) * arb(2) ** (16 - bits):
            break
        s = (low + width * FRACTIONS[step % 3]).mid()
        x = softmax([[ZERO, s], [-s, ZERO]])
        worth = [x[0] * a + x[1] * b for a, b in zip(*matrix, strict=True)]
        least = min(w.upper() for w in worth)
        tops = [g - scale * s for g, w in zip(gap, worth, strict=True) if not w > least]
        if all(t > 0 for t in tops):
            low = s
        elif all(t < 0 for t in tops):
            high = s
        elif step >= 3 * bits:
            break
    return low.union(high)
