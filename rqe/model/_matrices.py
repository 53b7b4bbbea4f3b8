"""Refusals of malformed quadratic payoffs: each names the argument, the value and what is valid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._checks import FloatArray, frozen_array, is_whole, listed


def dimensions(dims: Sequence[int] | None, count: int) -> tuple[int, ...]:
    """One whole number >= 1 a player; by default all 1."""
    valid = f"{count} whole numbers >= 1, one a player"
    sizes = [1] * count if dims is None else listed(dims, "dims", valid)
    if len(sizes) != count or not all(map(is_whole, sizes)) or any(n < 1 for n in sizes):
        raise ValueError(f"dims must be {valid}; got {dims!r}")
    return tuple(int(n) for n in sizes)


def vector(value: Any, name: str, size: int) -> FloatArray:
    """A read-only vector of the stacked dimension."""
    valid = f"a vector ({size},): one entry for every coordinate of every player (the sum of dims)"
    array = frozen_array(value, name, valid=valid)
    array = array.reshape(1) if array.ndim == 0 and size == 1 else array
    if array.shape != (size,):
        raise ValueError(f"{name} must be {valid}; got shape {array.shape}")
    return array


def hessian(value: Any, name: str, size: int) -> FloatArray:
    """A read-only, exactly symmetric matrix of the stacked dimension."""
    valid = f"a symmetric matrix ({size}, {size})"
    array = frozen_array(value, name, valid=valid)
    array = array.reshape(1, 1) if array.ndim == 0 and size == 1 else array
    if array.shape != (size, size):
        raise ValueError(f"{name} must be {valid}; got shape {array.shape}")
    with np.errstate(over="ignore"):
        gap = np.abs(array - array.T)
    if np.max(gap) > 1e-12 * np.max(np.abs(array)):
        j, k = np.unravel_index(int(np.argmax(gap)), gap.shape)
        raise ValueError(
            f"{name} must be symmetric; got {array[j, k]:.6g} at ({j}, {k}) and {array[k, j]:.6g} "
            f"at ({k}, {j})"
        )
    return frozen_array(0.5 * array + 0.5 * array.T, name, valid=valid)


def check_definite(block: FloatArray, name: str, player: int | None = None) -> None:
    """Refuse a matrix that is not positive definite; a player's own block comes in negated."""
    spectrum = np.linalg.eigvalsh(block)
    floor = 4.0 * len(spectrum) * np.finfo(np.float64).eps * np.max(np.abs(spectrum))
    if spectrum[0] > floor:
        return
    if player is None:
        raise ValueError(f"{name} must be positive definite; got eigenvalue {spectrum[0]:.6g}")
    raise ValueError(
        f"{name} must be negative definite in player {player}'s own action; got eigenvalue "
        f"{-spectrum[0]:.6g} of that block"
    )
