"""Roots of increasing functions of one variable, in a fixed number of steps."""

from __future__ import annotations

from collections.abc import Callable

from .ops import Array

STEPS = 64
"""Steps of every search; the functions are scaled so that Newton's method needs about ten."""


def increasing_root(
    function: Callable[[Array], tuple[Array, Array]], low: Array, high: Array
) -> Array:
    """Where an increasing function is zero, between two bounds; arrays (..., 1).

    Newton's method; a step that leaves the bracket, and every third step, is one of bisection. The
    number of steps is fixed, so that it compiles. The last step is Newton's, so that automatic
    derivatives with respect to whatever the function depends on are the implicit ones.

    Parameters
    ----------
    function : callable
        From the variable to the function's value and its slope.
    low, high : array (..., 1)
        Bounds: the function is at most 0 at the one and at least 0 at the other.

    Examples
    --------
    >>> import numpy as np
    >>> increasing_root(lambda s: (s**2 - 2.0, 2.0 * s), np.array([0.0]), np.array([2.0]))
    array([1.41421356])
    """
    xp = low.__array_namespace__()
    at = 0.5 * (low + high)
    for step in range(STEPS):
        value, slope = function(at)
        low = xp.where(value <= 0.0, at, low)
        high = xp.where(value >= 0.0, at, high)
        newton, points = _newton(at, value, slope)
        # a Newton step below rounding is the answer; to bisect then would leave it
        arrived = xp.abs(newton - at) <= 1e-15 * xp.abs(at)
        wanted = points & ((step % 3 != 2) | arrived)
        inside = wanted & (newton >= low) & (newton <= high)
        at = xp.where(inside, newton, 0.5 * (low + high))
    value, slope = function(at)
    return _newton(at, value, slope)[0]


def _newton(at: Array, value: Array, slope: Array) -> tuple[Array, Array]:
    """Newton's next point, and whether there is one: an all but vanished slope has none."""
    xp = at.__array_namespace__()
    points = slope > 1e-200 * xp.abs(value)
    return at - xp.where(points, value / xp.where(points, slope, 1.0), 0.0), points


def log_shift(log_distance: Array, log_weight: Array, floor: float = -800.0) -> Array:
    r"""The ``log δ`` at which ``Σ w / (h + δ) = 1``, of shape (..., 1).

    Everything is in logarithms, so that weights may be far below underflow.

    Parameters
    ----------
    log_distance : array (..., m)
        ``log h``: minus infinity somewhere.
    log_weight : array (..., m)
        ``log w``; minus infinity leaves an outcome out.
    floor : float
        Least ``log δ`` to look for: where no root is above it, the result is close to it.
    """
    xp = log_distance.__array_namespace__()
    top = xp.max(log_weight, axis=-1, keepdims=True)
    total = top + xp.log(xp.sum(xp.exp(log_weight - top), axis=-1, keepdims=True))
    nearest = xp.where(log_distance == -xp.inf, log_weight, -xp.inf)
    lowest = xp.max(nearest, axis=-1, keepdims=True)

    def excess(log_delta: Array) -> tuple[Array, Array]:
        log_gap = log_add(log_distance, log_delta)
        each = log_weight - log_gap
        most = xp.max(each, axis=-1, keepdims=True)
        share = xp.exp(each - most)
        amount = xp.sum(share, axis=-1, keepdims=True)
        slope = xp.sum(share * xp.exp(log_delta - log_gap), axis=-1, keepdims=True)
        return -(most + xp.log(amount)), slope / amount

    # where the worst has no weight there may be no root, and the least is as good as none
    lowest = xp.where(xp.isfinite(lowest), lowest, floor)
    return increasing_root(excess, lowest, xp.where(total > lowest, total, lowest))


def log_add(a: Array, b: Array) -> Array:
    """``log(e^a + e^b)`` where ``a`` may be minus infinity and ``b`` is finite; broadcasts."""
    xp = b.__array_namespace__()
    a_least = xp.where(a > b, b, xp.where(xp.isfinite(a), a, b))
    more = xp.where(a > b, a, b)
    # the smaller over the larger; nothing where one of them is a zero
    ratio = xp.where(xp.isfinite(a), xp.exp(a_least - more), 0.0)
    return more + xp.log1p(ratio)
