"""Refusals shared by the constructors: each names the argument, the value and what is valid."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
NOT_REAL = (str, bytes, complex, np.complexfloating, np.datetime64, np.timedelta64)
"""What NumPy would turn into a number, and nobody means as one."""


def listed(value: Any, name: str, valid: str) -> list[Any]:
    """A sequence as a list, refused by name otherwise."""
    try:
        return list(value)
    except TypeError:
        raise ValueError(f"{name} must be {valid}; got {value!r}") from None


def is_whole(value: Any) -> bool:
    """Whether it is a whole number; NumPy counts spans of time among its integers."""
    return isinstance(value, Integral) and not isinstance(value, (bool, np.timedelta64))


def whole(value: Any, name: str, least: int = 1, most: int | None = None) -> int:
    """A whole number in [least, most]."""
    if not is_whole(value) or value < least or (most is not None and value > most):
        valid = f">= {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be a whole number {valid}; got {value!r}")
    return int(value)


def real_array(value: Any) -> FloatArray:
    """A float64 copy of `value`, where it holds real numbers; what is too large becomes inf.

    Raises
    ------
    TypeError, ValueError
        Anything else, masked entries among it.
    """
    if np.ma.is_masked(value):
        raise TypeError("not all numbers: some are masked")
    source = np.asarray(value)
    if source.dtype.kind not in "biuf":
        source = np.asarray(value, dtype=object)
        if any(isinstance(v, NOT_REAL) for v in source.ravel()):
            raise TypeError("not real numbers")
    try:
        with np.errstate(over="ignore"):
            return np.array(source, dtype=np.float64, order="C", copy=True)
    except OverflowError as error:
        raise ValueError(str(error)) from None


def frozen_array(value: Any, name: str, *, valid: str, ndim: int | None = None) -> FloatArray:
    """A read-only float64 copy of `value`, refused if it is ragged, not real or not finite."""
    try:
        array = real_array(value)
    except (TypeError, ValueError) as error:
        text = repr(value)
        shown = text if len(text) < 80 else text[:77] + "..."
        raise ValueError(f"{name} must be {valid}; got {shown} ({error})") from None
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must be {valid}; got an array of shape {array.shape}")
    if not np.all(np.isfinite(array)):
        where = np.argwhere(~np.isfinite(array))[0]
        bad = array[tuple(where)]
        raise ValueError(
            f"{name} must be {valid}, all finite; got {bad} at index {tuple(where.tolist())}"
        )
    array.setflags(write=False)
    return array


def per_player(
    value: Any, n_players: int, name: str, *, allow_inf: bool, allow_zero: bool = True
) -> FloatArray:
    """One non-negative number a player from a scalar or a sequence."""
    top = "inf" if allow_inf else "finite"
    low = ">= 0" if allow_zero else "> 0"
    valid = f"a number {low} ({top} at most) or {n_players} of them, one a player"
    try:
        array = real_array(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be {valid}; got {value!r}") from None
    if array.shape not in ((), (n_players,)):
        raise ValueError(f"{name} must be {valid}; got shape {array.shape}: {value!r}")
    bad = np.isnan(array) | (array < 0.0)
    if not allow_inf:
        bad |= np.isinf(array)
    if not allow_zero:
        bad |= array == 0.0
    if bad.any():
        raise ValueError(f"{name} must be {valid}; got {value!r}")
    array = np.full(n_players, array)
    array.setflags(write=False)
    return array


def labels(
    given: Sequence[str] | None, count: int, name: str, default: Sequence[str]
) -> tuple[str, ...]:
    """`count` distinct, non-empty labels, or the default ones."""
    if given is None:
        return tuple(default)
    out = () if isinstance(given, str) else tuple(map(str, listed(given, name, f"{count} labels")))
    if len(out) != count:
        raise ValueError(f"{name} must be {count} labels; got {given!r}")
    if len(set(out)) != count or not all(out):
        raise ValueError(f"{name} must be {count} distinct, non-empty labels; got {given!r}")
    return out
