"""Degrees of risk aversion and bounded rationality: plain numbers are checked, arrays are not.

An array may be a tracer, whose values nobody knows; whoever builds a batch checks it beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

RANGES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "tau": ("in [0, inf]", lambda value: value >= 0.0),
    "alpha": ("in (0, 1]", lambda value: 0.0 < value <= 1.0),
    "epsilon": ("in [0, inf)", lambda value: 0.0 <= value < float("inf")),
    "q": ("in (0, inf)", lambda value: 0.0 < value < float("inf")),
}
"""What each degree may be, in words and as a test that NaN fails."""


def check_degree(name: str, value: Any) -> None:
    """Refuse a plain number that is out of the degree's range.

    Raises
    ------
    ValueError
        Naming the degree, its value and its range.
    """
    words, valid = RANGES[name]
    if not isinstance(value, Real):
        return
    try:
        fits = valid(float(value))
    except (TypeError, OverflowError):  # a span of time of NumPy's, an integer beyond any double
        fits = False
    if not fits:
        raise ValueError(f"{name} must be {words}; got {value!r}")
