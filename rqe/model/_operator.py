"""Payoffs that are multiplied with and never written out: sparse, of low rank, or side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ._checks import FloatArray

CACHED = 1 << 16
"""Entries of a matrix in single precision that are widened at a time."""
CHUNK = 1 << 22
"""Entries of a product of low rank that are written out at a time, to find its extremes."""


class LowRank:
    """The matrix ``left @ right.T``, kept as its two factors.

    Parameters
    ----------
    left, right : array (n, r), (m, r)
    """

    def __init__(self, left: FloatArray, right: FloatArray) -> None:
        self.left, self.right = left, right
        self.shape = (left.shape[0], right.shape[0])

    def times(self, p: FloatArray) -> FloatArray:
        """The matrix times (..., m, k)."""
        return np.asarray(self.left @ (self.right.T @ p))

    def transposed_times(self, x: FloatArray) -> FloatArray:
        """Rows (..., k, n) times the matrix."""
        return np.asarray((x @ self.left) @ self.right.T)

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        """Smallest and largest entry of each row, by way of every entry."""
        step = max(1, CHUNK // self.shape[1])
        low, high = np.empty(self.shape[0]), np.empty(self.shape[0])
        for first in range(0, self.shape[0], step):
            rows = slice(first, first + step)
            part = self.left[rows] @ self.right.T
            low[rows], high[rows] = part.min(axis=1), part.max(axis=1)
        return low, high

    def centred(self) -> tuple[LowRank, float]:
        """Itself: a constant taken off would raise the rank and bring back no digits."""
        return self, 0.0

    def scaled(self, factor: float) -> LowRank:
        """The matrix times a number."""
        return LowRank(self.left * factor, self.right)

    def columns(self, which: Any) -> FloatArray:
        """Some columns, written out."""
        return np.asarray(self.left @ self.right[which].T)


class Sparse:
    """A SciPy CSR array and its transpose, both in rows."""

    def __init__(self, matrix: Any, transpose: Any = None) -> None:
        self.matrix = matrix
        self.transpose = matrix.T.tocsr() if transpose is None else transpose
        self.shape = tuple(matrix.shape)

    def times(self, p: FloatArray) -> FloatArray:
        """The matrix times (..., m, k)."""
        return _flat(self.matrix, p)

    def transposed_times(self, x: FloatArray) -> FloatArray:
        """Rows (..., k, n) times the matrix."""
        return np.swapaxes(_flat(self.transpose, np.swapaxes(x, -1, -2)), -1, -2)

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        """Smallest and largest entry of each row, zeros included."""
        low, high = self.matrix.min(axis=1), self.matrix.max(axis=1)
        return _dense(low).ravel(), _dense(high).ravel()

    def centred(self) -> tuple[Sparse, float]:
        """Itself: zeros are among the entries, which are therefore no larger than their range."""
        return self, 0.0

    def scaled(self, factor: float) -> Sparse:
        """The matrix times a number."""
        return Sparse(self.matrix * factor, self.transpose * factor)

    def columns(self, which: Any) -> FloatArray:
        """Some columns, written out."""
        return np.asarray(self.transpose[which].toarray().T)


class Dense:
    """A matrix that is written out."""

    def __init__(self, matrix: FloatArray) -> None:
        self.matrix = matrix
        self.shape = matrix.shape

    def times(self, p: FloatArray) -> FloatArray:
        """The matrix times (..., m, k)."""
        return np.asarray(self.matrix @ p)

    def transposed_times(self, x: FloatArray) -> FloatArray:
        """Rows (..., k, n) times the matrix."""
        return np.asarray(x @ self.matrix)

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        """Smallest and largest entry of each row."""
        return self.matrix.min(axis=1), self.matrix.max(axis=1)

    def centred(self) -> tuple[Dense, float]:
        """The matrix about zero, and the constant taken off."""
        middle = 0.5 * (float(self.matrix.min()) + float(self.matrix.max()))
        return Dense(self.matrix - middle), middle

    def scaled(self, factor: float) -> Dense:
        """The matrix times a number."""
        return Dense(self.matrix * factor)

    def columns(self, which: Any) -> FloatArray:
        """Some columns."""
        return np.asarray(self.matrix[:, which])


class Single:
    """A matrix stored in single precision: half the memory, and sums in double precision.

    Parameters
    ----------
    matrix : array (n, m) of float32
    middle, factor : float
        The payoffs are ``factor * (matrix - middle)``: neither is ever written out.
    """

    def __init__(self, matrix: Any, middle: float = 0.0, factor: float = 1.0) -> None:
        self.matrix, self.middle, self.factor = matrix, middle, factor
        self.shape = matrix.shape
        self._step = max(1, CACHED // matrix.shape[1])

    def _parts(self) -> Iterator[tuple[slice, FloatArray]]:
        """Rows in double precision, as many at a time as stay in the processor's cache."""
        for first in range(0, self.shape[0], self._step):
            rows = slice(first, first + self._step)
            yield rows, self.matrix[rows].astype(np.float64)

    def times(self, p: FloatArray) -> FloatArray:
        """The matrix times (..., m, k)."""
        out = np.concatenate([part @ p for _, part in self._parts()], axis=-2)
        return np.asarray(self.factor * (out - self.middle * p.sum(axis=-2, keepdims=True)))

    def transposed_times(self, x: FloatArray) -> FloatArray:
        """Rows (..., k, n) times the matrix."""
        out = sum(x[..., rows] @ part for rows, part in self._parts())
        return np.asarray(self.factor * (out - self.middle * x.sum(axis=-1, keepdims=True)))

    def extremes(self) -> tuple[FloatArray, FloatArray]:
        """Smallest and largest entry of each row."""
        low, high = self.matrix.min(axis=1), self.matrix.max(axis=1)
        return self._written(low), self._written(high)

    def centred(self) -> tuple[Single, float]:
        """The matrix about zero, and the constant taken off."""
        middle = 0.5 * float(self.matrix.min()) + 0.5 * float(self.matrix.max())
        off = self.factor * (middle - self.middle)
        return Single(self.matrix, middle, self.factor), off

    def scaled(self, factor: float) -> Single:
        """The matrix times a number."""
        return Single(self.matrix, self.middle, self.factor * factor)

    def columns(self, which: Any) -> FloatArray:
        """Some columns, in double precision."""
        return self._written(self.matrix[:, which])

    def _written(self, part: Any) -> FloatArray:
        return np.asarray(self.factor * (part.astype(np.float64) - self.middle))


Block = Dense | Single | Sparse | LowRank


def _flat(matrix: Any, p: FloatArray) -> FloatArray:
    """A sparse matrix (n, m) times (..., m, k)."""
    m, k = p.shape[-2:]
    if p.size == m:
        return np.asarray(matrix @ p.reshape(m)).reshape(*p.shape[:-2], -1, 1)
    columns = np.moveaxis(p, -2, 0)
    found = (matrix @ columns.reshape(m, -1)).reshape(-1, *p.shape[:-2], k)
    return np.asarray(np.moveaxis(found, 0, -2))


def _dense(x: Any) -> FloatArray:
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x)


class PayoffOperator:
    """Payoffs (1, n, m) of one player, as blocks side by side whose payoffs are added up.

    Stands in for an array in ``payoff @ p`` and ``x @ payoff``. The payoff of own action ``a`` is
    the sum, over the blocks, of the entry in the column that came true in the block: the smallest
    and largest payoffs are sums too.

    Parameters
    ----------
    blocks : sequence of Dense, Single, Sparse or LowRank, each (n, m_k)
    """

    __array_ufunc__ = None  # NumPy leaves products to the methods below

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)
        ends = np.cumsum([b.shape[1] for b in self.blocks])
        self.cuts = tuple(
            slice(int(end) - b.shape[1], int(end)) for end, b in zip(ends, self.blocks, strict=True)
        )
        self.shape = (1, self.blocks[0].shape[0], int(ends[-1]))

    @cached_property
    def _pieces(self) -> tuple[tuple[slice, Block], ...]:
        """Blocks to multiply with: written-out ones are one matrix if there is nothing else."""
        matrices = [b.matrix for b in self.blocks if isinstance(b, Dense)]
        if len(matrices) == len(self.blocks) > 1:
            return ((slice(None), Dense(np.concatenate(matrices, axis=1))),)
        return tuple(zip(self.cuts, self.blocks, strict=True))

    def __matmul__(self, p: FloatArray) -> FloatArray:
        products = [piece.times(p[..., cut, :]) for cut, piece in self._pieces]
        return products[0] if len(products) == 1 else np.asarray(sum(products))

    def __rmatmul__(self, x: FloatArray) -> FloatArray:
        products = [piece.transposed_times(x) for _, piece in self._pieces]
        return products[0] if len(products) == 1 else np.concatenate(products, axis=-1)

    def __mul__(self, weights: FloatArray) -> FloatArray:
        return np.asarray(self.written_out * weights)

    def swapaxes(self, first: int, second: int) -> FloatArray:
        """As of the array (1, n, m), written out."""
        return np.swapaxes(self.written_out, first, second)

    @cached_property
    def written_out(self) -> FloatArray:
        """The array (1, n, m)."""
        every = np.arange(self.shape[2])
        return self.columns(every)[None]

    def columns(self, which: np.ndarray[Any, np.dtype[np.intp]]) -> FloatArray:
        """Some columns (n, len(which)), in ascending order, written out."""
        edges = np.searchsorted(which, [*(cut.start for cut in self.cuts), self.shape[2]])
        parts = []
        for k, (cut, block) in enumerate(zip(self.cuts, self.blocks, strict=True)):
            parts.append(block.columns(which[edges[k] : edges[k + 1]] - cut.start))
        return np.concatenate(parts, axis=1)

    def by_block(self, p: FloatArray) -> FloatArray:
        """Each block's share (n, K) of the expected payoffs under (m,)."""
        shares = [
            block.times(p[cut, None]) for cut, block in zip(self.cuts, self.blocks, strict=True)
        ]
        return np.concatenate(shares, axis=1)

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest payoff: each row's extremes added up over the blocks."""
        extremes = [block.extremes() for block in self.blocks]
        low, high = (sum(e[k] for e in extremes) for k in (0, 1))
        return float(np.min(low)), float(np.max(high))

    def centred(self) -> tuple[PayoffOperator, float, float]:
        """The operator with each block about zero, the constant taken off, and the range."""
        parts = [block.centred() for block in self.blocks]
        low, high = self.bounds
        middle = sum(constant for _, constant in parts)
        centred = PayoffOperator([block for block, _ in parts])
        centred.__dict__["bounds"] = (low - middle, high - middle)
        return centred, middle, high - low

    def scaled(self, factor: float) -> PayoffOperator:
        """The operator times a positive number."""
        return PayoffOperator([block.scaled(factor) for block in self.blocks])
