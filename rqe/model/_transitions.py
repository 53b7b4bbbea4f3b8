"""Refusals of malformed transitions: each names the argument, the value and what is valid."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ._checks import FloatArray, frozen_array, labels, listed

MISSED = 1e-8
"""What a row of probabilities may miss 1 by."""


def transition_matrix(given: Any, count: int, shape: tuple[int, ...]) -> Any:
    """Transition probabilities as a read-only CSR array (S · Πn, S), rows summing to 1."""
    from scipy import sparse  # takes a while to load, and normal-form games never need it

    rows = count * prod(shape)
    valid = (
        f"an array of shape {(count, *shape, count)} or a SciPy sparse matrix of shape "
        f"{(rows, count)}"
    )
    if sparse.issparse(given):
        if given.shape != (rows, count):
            raise ValueError(f"transitions must be {valid}; got a sparse matrix {given.shape}")
        if given.dtype.kind not in "biuf":
            raise ValueError(f"transitions must be {valid}, of real numbers; got {given.dtype}")
        matrix = sparse.csr_array(given, dtype=np.float64, copy=True)
    else:
        dense = frozen_array(given, "transitions", valid=valid)
        if dense.shape != (count, *shape, count):
            raise ValueError(f"transitions must be {valid}; got shape {dense.shape}")
        matrix = sparse.csr_array(dense.reshape(rows, count))
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if matrix.nnz and not np.all(matrix.data >= 0.0):
        bad = matrix.data[~(matrix.data >= 0.0)][0]
        raise ValueError(f"transitions must be probabilities, finite and >= 0; got {bad}")
    totals = np.asarray(matrix.sum(axis=1)).ravel()
    off = ~(np.abs(totals - 1.0) <= MISSED)
    if off.any():
        row = int(np.flatnonzero(off)[0])
        state, *joint = np.unravel_index(row, (count, *shape))
        raise ValueError(
            f"transitions must sum to 1 over next states; got {totals[row]:.10g} in state "
            f"{int(state)} at joint action {tuple(int(a) for a in joint)}"
        )
    matrix.data /= np.repeat(totals, np.diff(matrix.indptr))
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.setflags(write=False)
    return matrix


def distribution(given: Any, name: str, size: int) -> FloatArray:
    """Read-only probabilities (size,), summing to 1."""
    valid = f"{size} probabilities, >= 0 and summing to 1"
    array = frozen_array(given, name, valid=valid)
    if array.shape != (size,) or np.any(array < 0.0) or not abs(array.sum() - 1.0) <= MISSED:
        shown = array if array.size <= 8 else f"shape {array.shape}, sum {array.sum():.10g}"
        raise ValueError(f"{name} must be {valid}; got {shown}")
    scaled = array / array.sum()
    scaled.setflags(write=False)
    return np.asarray(scaled)


def action_labels(
    given: Sequence[Sequence[str]] | None, shape: tuple[int, ...]
) -> tuple[tuple[str, ...], ...]:
    """One list of labels a player, or the default ones."""
    if given is not None:
        given = listed(given, "actions", f"{len(shape)} lists of labels")
        if len(given) != len(shape):
            raise ValueError(f"actions must be {len(shape)} lists of labels; got {given!r}")
    return tuple(
        labels(
            None if given is None else given[i],
            n,
            f"actions[{i}]",
            [str(a + 1) for a in range(n)],
        )
        for i, n in enumerate(shape)
    )
