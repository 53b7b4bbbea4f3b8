"""Row by row over a batch: sums, products and linear systems, in the layout that suits its size.

A crowd of small games is stored with the game as the fastest axis (Fortran order): every NumPy
call then runs down long columns in place of thousands of rows of three numbers, which is five to
ten times as fast. Ufuncs keep the order of their arguments, so it is enough to begin with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..model._checks import FloatArray

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

CROWD = 64
"""Games from which on a batch is a crowd."""
SMALL = 16
"""Actions of all players together up to which the layout, and elimination in it, pay."""
PIVOT = 1e-3
"""Pivots below this, in units of a system's largest entry, call for LAPACK's row exchanges."""


def crowded(count: int, sizes: Sequence[int]) -> bool:
    """Whether games of these sizes are to be stored with the game as the fastest axis."""
    return count >= CROWD and sum(sizes) <= SMALL


def by_column(a: FloatArray) -> bool:
    """Whether an array is stored column by column, and is a crowd's."""
    return a.shape[0] >= CROWD and a.flags.f_contiguous and not a.flags.c_contiguous


def take(a: Any, keep: Any) -> Any:
    """Copies of the given rows (numbers, or a slice of all of them), stored as the array is."""
    if a.ndim > 1 and by_column(a):
        return a.copy(order="F") if isinstance(keep, slice) else np.take(a.T, keep, axis=-1).T
    return np.array(a[keep])


def dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Products of rows, (B,)."""
    if by_column(a):
        return np.asarray((a * b).sum(axis=1))
    return np.asarray(np.vecdot(a, b))


def action_payoffs(payoff: Any, p: FloatArray) -> FloatArray:
    """`core.ops.action_payoffs` of a batch, (B or 1, n, m) or an operator, and (B, m): (B, n)."""
    if by_column(p):
        return np.asarray(np.einsum("bij,bj->bi", payoff, p))
    if isinstance(payoff, np.ndarray):
        return np.asarray(np.matvec(payoff, p))
    return np.asarray((payoff @ p[:, :, None])[:, :, 0])


def outcome_payoffs(payoff: Any, x: FloatArray) -> FloatArray:
    """`core.ops.outcome_payoffs` of a batch, (B or 1, n, m) or an operator, and (B, n): (B, m)."""
    if by_column(x):
        return np.asarray(np.einsum("bi,bij->bj", x, payoff))
    if isinstance(payoff, np.ndarray):
        return np.asarray(np.vecmat(x, payoff))
    return np.asarray((x[:, None, :] @ payoff)[:, 0, :])


def product(a: FloatArray, b: FloatArray) -> FloatArray:
    """``a @ b`` row by row: (B, n, m) and (B, m, k) to (B, n, k)."""
    if by_column(a):
        return np.asarray(np.einsum("bij,bjk->bik", a, b))
    return np.asarray(a @ b)


def side_by_side(a: FloatArray, b: FloatArray) -> FloatArray:
    """Two right-hand sides (B, n) as columns (B, n, 2)."""
    out = np.empty((*a.shape, 2), order="F" if by_column(a) else "C")
    out[:, :, 0], out[:, :, 1] = a, b
    return out


def add_identity(matrix: FloatArray) -> None:
    """Add one to the diagonals of (B, n, n), in place."""
    if by_column(matrix):
        for k in range(matrix.shape[1]):
            matrix[:, k, k] += 1.0
    else:
        matrix.reshape(len(matrix), -1)[:, :: matrix.shape[1] + 1] += 1.0


def row_max(x: FloatArray) -> FloatArray:
    """Largest entry of each row, (B, 1); many short rows go column by column."""
    if x.shape[0] < 64 or x.shape[1] > 16 or by_column(x):
        return np.asarray(x.max(axis=1, keepdims=True))
    top = x[:, 0]
    for k in range(1, x.shape[1]):
        top = np.maximum(top, x[:, k])
    return top[:, None]


@lru_cache(maxsize=64)
def _ones(n: int) -> FloatArray:
    """A column to add rows up with: faster than a sum over a short axis."""
    column = np.ones((n, 1))
    column.setflags(write=False)
    return column


def row_sum(x: FloatArray) -> FloatArray:
    """Sum of each row, (B, 1)."""
    if by_column(x):
        return np.asarray(x.sum(axis=1, keepdims=True))
    return np.asarray(x @ _ones(x.shape[1]))


def solve_linear(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solution of (B, n, n) against (B, n, k); NaN where a matrix is exactly singular."""
    return _eliminate(matrix, right)[0] if by_column(matrix) else _factorise(matrix, right)


def solve_signed(
    matrix: FloatArray, right: FloatArray
) -> tuple[FloatArray, Callable[[], FloatArray]]:
    """`solve_linear`, and what gives the signs of the determinants, (B,), if they are wanted."""
    if by_column(matrix):
        found, sign = _eliminate(matrix, right)
        return found, lambda: sign
    if len(matrix) == 1 and len(right) == 1:
        return _alone(matrix, right)
    return _factorise(matrix, right), lambda: np.asarray(np.linalg.slogdet(matrix)[0])


@lru_cache(maxsize=1)
def _gesv() -> Any:
    from scipy.linalg.lapack import dgesv  # not part of the first import

    return dgesv


def _alone(matrix: FloatArray, right: FloatArray) -> tuple[FloatArray, Callable[[], FloatArray]]:
    """One system: LAPACK without the wrapping, its factors at hand for the sign."""
    factors, pivots, found, info = _gesv()(matrix[0], right[0])
    if info > 0:
        return np.full_like(right, np.nan), lambda: np.zeros(1)

    def sign() -> FloatArray:
        swaps = np.count_nonzero(pivots != np.arange(pivots.size))
        minus = np.count_nonzero(factors.diagonal() < 0.0)
        return np.array([-1.0 if (swaps + minus) % 2 else 1.0])

    return np.asarray(found)[None], sign


def _factorise(matrix: FloatArray, right: FloatArray) -> FloatArray:
    try:
        return np.asarray(np.linalg.solve(matrix, right))
    except np.linalg.LinAlgError:
        out = np.full_like(right, np.nan)
        for b in range(len(matrix)):
            with contextlib.suppress(np.linalg.LinAlgError):
                out[b] = np.linalg.solve(matrix[b], right[b])
        return out


def _eliminate(matrix: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """All systems at once by Gaussian elimination without exchanges; LAPACK where these are due."""
    n = matrix.shape[1]
    a, x = matrix.copy(order="F"), right.copy(order="F")
    with np.errstate(all="ignore"):
        for k in range(n - 1):
            factor = a[:, k + 1 :, k] / a[:, k, k, None]
            a[:, k + 1 :, k + 1 :] -= factor[:, :, None] * a[:, None, k, k + 1 :]
            x[:, k + 1 :] -= factor[:, :, None] * x[:, None, k]
        for k in range(n - 1, -1, -1):
            x[:, k] /= a[:, k, k, None]
            x[:, :k] -= a[:, :k, k, None] * x[:, None, k]
    pivots = np.diagonal(a, axis1=1, axis2=2)
    sign = np.sign(pivots).prod(axis=1)
    size = np.abs(matrix).max(axis=(1, 2))
    small = ~(np.abs(pivots).min(axis=1) > PIVOT * size)
    if small.any():
        rows = np.flatnonzero(small)
        hard = np.ascontiguousarray(matrix[rows])
        x[rows] = _factorise(hard, np.ascontiguousarray(right[rows]))
        sign[rows] = np.linalg.slogdet(hard)[0]
    return x, sign
