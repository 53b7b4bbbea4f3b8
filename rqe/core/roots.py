"""Roots of increasing functions of one variable, in a fixed number of steps."""

from __future__ import annotations

from collections.abc import Callable

from .ops import Array

STEPS = 96
"""Steps of every search: bisection alone needs about 60, and twice that at hostile scales."""


def increasing_root(
    function: Callable[[Array], tuple[Array, Array]], low: Array, high: Array, steps: int = STEPS
) -> Array:
    """Where an increasing function is zero, between two bounds; arrays (..., 1).

    Newton's method, replaced by bisection where it leaves the bracket or does not halve it. The
    number of steps is fixed, so that it compiles.

    Parameters
    ----------
    function : callable
        From the variable to the function's value and its slope.
    low, high : array (..., 1)
        Bounds: the function is at most 0 at the one and at least 0 at the other.
    """
    xp = low.__array_namespace__()
    at = 0.5 * (low + high)
    for step in range(steps):
        value, slope = function(at)
        low = xp.where(value <= 0.0, at, low)
        high = xp.where(value >= 0.0, at, high)
        usable = slope > 0.0
        newton = at - value / xp.where(usable, slope, 1.0)
        inside = usable & (newton > low) & (newton < high) & (step % 3 != 2)
        # every third step halves the bracket, unless it is as good as closed
        settled = (newton == at) | (high - low <= 4e-16 * xp.abs(at))
        at = xp.where(settled & usable, xp.where(inside, newton, at),
                      xp.where(inside, newton, 0.5 * (low + high)))  # fmt: skip
    return at


def pole_root(distance: Array, log_weight: Array) -> Array:
    r"""The ``δ > 0`` at which ``Σ w / (h + δ) = 1``, as its logarithm, (..., 1).

    Parameters
    ----------
    distance : array (..., m)
        ``h >= 0``, zero somewhere.
    log_weight : array (..., m)
        ``log w``; minus infinity leaves an outcome out.
    """
    xp = distance.__array_namespace__()
    total = xp.log(xp.sum(xp.exp(log_weight), axis=-1, keepdims=True))
    nearest = xp.max(xp.where(distance == 0.0, log_weight, -xp.inf), axis=-1, keepdims=True)
    lowest = xp.where(xp.isfinite(nearest), nearest, -800.0)

    def excess(log_delta: Array) -> tuple[Array, Array]:
        gap = distance + xp.exp(log_delta)
        share = xp.exp(log_weight) / gap
        amount = xp.sum(share, axis=-1, keepdims=True)
        slope = xp.sum(share * xp.exp(log_delta) / gap, axis=-1, keepdims=True)
        return -xp.log(amount), slope / amount

    return increasing_root(excess, xp.where(lowest < -800.0, -800.0, lowest), total)
