"""Linear algebra of one game's system, shorter where two players only react to each other.

With two risk-neutral players ``I - DΦ`` is the identity on each player's own block: the player of
more actions is eliminated.
"""

from __future__ import annotations

import numpy as np

from ..model._checks import FloatArray


def bordered(
    core: FloatArray,
    half: int,
    drift: FloatArray,
    plane: FloatArray,
    corner: float,
    load: FloatArray,
    off: float,
) -> FloatArray:
    """Solve ``core @ d - drift * e = load, plane @ d + corner * e = off`` for ``(d, e)``.

    With two players who react to each other only, ``core`` is the identity on each player's block,
    and the player of more actions, from ``half`` on or before it, is eliminated.
    """
    k = len(load)
    if half in (0, k):
        inner, outer = slice(0, 0), slice(0, k)
    elif 2 * half >= k:
        inner, outer = slice(0, half), slice(half, k)
    else:
        inner, outer = slice(half, k), slice(0, half)
    there, back = core[outer, inner], core[inner, outer]
    m = outer.stop - outer.start
    matrix, right = np.empty((m + 1, m + 1)), np.empty(m + 1)
    matrix[:m, :m] = core[outer, outer] - there @ back
    matrix[:m, m] = there @ drift[inner] - drift[outer]
    matrix[m, :m] = plane[outer] - plane[inner] @ back
    matrix[m, m] = corner + plane[inner] @ drift[inner]
    right[:m] = load[outer] - there @ load[inner]
    right[m] = off - plane[inner] @ load[inner]
    found = np.linalg.solve(matrix, right)
    out = np.empty(k + 1)
    out[outer], out[k] = found[:m], found[m]
    out[inner] = load[inner] + drift[inner] * found[m] - back @ found[:m]
    return out


def schur(core: FloatArray, half: int) -> FloatArray:
    """A smaller matrix of the same determinant, of two players who only react to each other."""
    if half in (0, len(core)):
        return core
    if 2 * half <= len(core):
        return np.asarray(np.eye(half) - core[:half, half:] @ core[half:, :half])
    return np.asarray(np.eye(len(core) - half) - core[half:, :half] @ core[:half, half:])


def spectrum(core: FloatArray, half: int) -> FloatArray:
    """Eigenvalues of ``I - DΦ`` other than one; of two players who only react to each other, by
    those of the product of their reactions, whose square roots they are."""
    k = len(core)
    if half in (0, k):
        return np.asarray(np.linalg.eigvals(core))
    product = schur(core, half)
    roots = np.sqrt(1.0 - np.linalg.eigvals(product).astype(complex))
    return np.concatenate([1.0 - roots, 1.0 + roots])
