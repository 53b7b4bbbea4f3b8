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
