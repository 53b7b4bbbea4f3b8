"""How many eigenvalues of a system are negative, counted only where there can be two of them.

The sign of the determinant shows an odd number of eigenvalues that changed sign between two points
of a path, and not an even one. Along a regular branch real ones change sign one at a time, at
folds, so that two at once are a leap, also where they have met since and are complex. A complex
pair may cross the imaginary axis anywhere, but far from zero: a leap changes by two both how many
have a negative real part and how many are closer to the negative half of the real axis than to the
imaginary one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ._rows import BoolArray, product

Counts = np.ndarray[Any, np.dtype[np.int64]]

COUNTED = 40
"""Rows of a system up to which eigenvalues are counted."""


def negative(matrix: FloatArray, which: BoolArray) -> Counts:
    """Eigenvalues within 45 degrees of the negative axis, and of negative real part, (B, 2).

    Parameters
    ----------
    matrix : (B, n, n)
        ``I - K``. Two eigenvalues of ``K`` are beyond one only if the sums of squares of the
        entries of ``K`` and of ``K @ K`` exceed two (Schur's inequality); elsewhere, and beyond
        `COUNTED` rows, the counts are 0.
    which : (B,)
        The rows that are asked for; others are 0.
    """
    out = np.zeros((len(matrix), 2), dtype=np.int64)
    n = matrix.shape[1]
    # two actions leave one direction: the other eigenvalue of K is zero
    if not 3 <= n <= COUNTED:
        return out
    diagonal = np.einsum("bii->b", matrix)
    size = np.einsum("bij,bij->b", matrix, matrix) - 2.0 * diagonal + n
    rows = np.flatnonzero(which & (size > 2.0) & np.isfinite(size))
    if rows.size:
        k = np.eye(n) - np.ascontiguousarray(matrix[rows])
        square = product(k, k)
        rows = rows[np.einsum("bij,bij->b", square, square) > 2.0]
    if rows.size:
        values = np.linalg.eigvals(np.ascontiguousarray(matrix[rows]))
        left = values.real < 0.0
        out[rows, 0] = (left & (np.abs(values.imag) <= -values.real)).sum(axis=1)
        out[rows, 1] = left.sum(axis=1)
    return out


def leapt(before: Counts, after: Counts) -> BoolArray:
    """Whether two eigenvalues or more changed sign between two points, (B,)."""
    return np.asarray((np.abs(after - before) >= 2).all(axis=1))
