"""Refusals of bad parameters, each naming the argument, the value and what is valid."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

MAX_PROFILES = 1_000_000
"""Largest number of action profiles of a named game with a size to choose."""


def whole(value: Any, name: str, low: int, high: int | None = None) -> int:
    """A whole number in [low, high]."""
    valid = f"a whole number >= {low}" if high is None else f"a whole number from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{name} must be {valid}; got {value!r}")
    out = int(value)
    if out < low or (high is not None and out > high):
        raise ValueError(f"{name} must be {valid}; got {out}")
    return out


def number(value: Any, name: str, *, low: float, high: float = math.inf) -> float:
    """A finite number strictly between `low` and `high`."""
    valid = f"a finite number > {low:g}" if high == math.inf else f"a number in ({low:g}, {high:g})"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name} must be {valid}; got {value!r}")
    out = float(value)
    if not (math.isfinite(out) and low < out < high):
        raise ValueError(f"{name} must be {valid}; got {out!r}")
    return out


def ending(horizon: Any, discount: Any, default: int) -> tuple[int | None, float | None]:
    """A horizon or a discount in [0, 1), the other None; ``default`` steps if neither is given."""
    if discount is not None and horizon is not None:
        raise ValueError(
            f"give one of discount and horizon; got discount={discount!r} and horizon={horizon!r}"
        )
    if discount is None:
        return whole(default if horizon is None else horizon, "horizon", 1), None
    return None, 0.0 if discount == 0.0 else number(discount, "discount", low=0.0, high=1.0)
