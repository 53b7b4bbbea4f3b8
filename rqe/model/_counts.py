r"""Outcomes of anonymous games: how many of the others take each action.

The ``N - 1`` others, of types ``s`` with ``M_s`` players who play ``x_s``, take the actions ``c``
times with probability :math:`q(c) = \sum \prod_s \binom{M_s}{c_s} \prod_a x_{s,a}^{c_{s,a}}`, the
sum being over all ways :math:`\sum_s c_s = c` to divide ``c`` between the types. It is summed in
logarithms: with a hundred players probabilities of 1e-600 count as soon as they are feared.

Its derivative by :math:`z_s = \log x_s` is an expectation: of those who took action ``a``, so many
are expected to be of type ``s``, given ``c``. With one type that is ``c_a`` itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, combinations
from math import comb, lgamma
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._checks import FloatArray
from ._outcomes import Joint, Logs

IntArray = NDArray[np.intp]
LOWEST = -1e290
"""Stands for the logarithm of zero: zero times it is zero."""
SAFE = -600.0
"""Logarithm of a probability, relative to the largest, that float64 holds with every digit."""


MOST_PAIRS = 4_000_000
"""Most pairs of counts that two groups of players may have between them."""


def number_of_counts(players: int, k: int) -> int:
    """Ways in which players can be counted by which of ``k`` actions they take."""
    return comb(players + k - 1, k - 1)


@lru_cache(maxsize=64)
def lattice(players: int, k: int) -> IntArray:
    """All counts (K, k) of players by action, in lexicographic order."""
    size = number_of_counts(players, k)
    bars = combinations(range(players + k - 1), k - 1)
    flat = np.fromiter((b for row in bars for b in row), dtype=np.intp, count=size * (k - 1))
    edges = np.full((size, k + 1), -1, dtype=np.intp)
    edges[:, 1:-1] = flat.reshape(size, k - 1)
    edges[:, -1] = players + k - 1
    out = np.diff(edges, axis=1) - 1
    out.setflags(write=False)
    return out


@lru_cache(maxsize=64)
def _log_ways(players: int, k: int) -> FloatArray:
    """Logarithms of the multinomial coefficients of `lattice`, (K,)."""
    factorials = np.array([lgamma(n + 1.0) for n in range(players + 1)])
    return np.asarray(factorials[players] - factorials[lattice(players, k)].sum(axis=1))


def _codes(counts: IntArray, base: int) -> IntArray:
    """One whole number a row of counts below `base`, in lexicographic order."""
    codes = np.zeros(counts.shape[:-1], dtype=np.intp)
    for a in range(counts.shape[-1] - 1):  # the last count follows from the others
        codes = codes * base + counts[..., a]
    return codes


def number_of_pairs(sizes: Sequence[int], k: int) -> int:
    """Most pairs of counts that are added up when the first types meet the others."""
    before = [number_of_counts(n, k) for n in accumulate(sizes)]
    after = [number_of_counts(n, k) for n in accumulate(reversed(sizes))][::-1]
    return max((a * b for a, b in zip(before[:-1], after[1:], strict=True)), default=0)


@lru_cache(maxsize=64)
def _pairs(first: int, second: int, k: int) -> tuple[NDArray[np.int32], ...]:
    """Each pair's sum as a place in the lattice; pairs sorted by it; where each sum begins."""
    a, b = lattice(first, k), lattice(second, k)
    codes = _codes(a[:, None, :] + b[None, :, :], first + second + 1).ravel()
    order = np.argsort(codes, kind="stable")
    fresh = np.diff(codes[order], prepend=-1) != 0
    place = np.empty_like(order)
    place[order] = np.cumsum(fresh) - 1
    found = place, order, np.flatnonzero(fresh)
    return tuple(part.astype(np.int32) for part in found)  # they are kept: half the memory


@lru_cache(maxsize=64)
def _without_one(players: int, k: int) -> IntArray:
    """Where in the lattice of one player less each count lies less one action, (K, k).

    One past the end where nobody took the action.
    """
    counts = lattice(players, k)
    less = counts[:, None, :] - np.eye(k, dtype=np.intp)
    known = _codes(lattice(players - 1, k), players + 1)
    place = np.searchsorted(known, _codes(np.maximum(less, 0), players + 1))
    return np.where(counts > 0, place, len(known))


def log_multinomial(log_x: FloatArray, players: int) -> FloatArray:
    """Log-probabilities (..., K) of the counts of players who all play (..., k)."""
    k = log_x.shape[-1]
    return np.asarray(
        _log_ways(players, k) + np.maximum(log_x, LOWEST) @ lattice(players, k).T.astype(np.float64)
    )


def _add(a: FloatArray, first: int, b: FloatArray, second: int, k: int) -> FloatArray:
    """Log-probabilities of the counts of two independent groups together."""
    if first == 0 or second == 0:
        return b if first == 0 else a
    tops = a.max(axis=-1, keepdims=True), b.max(axis=-1, keepdims=True)
    lowest = (a - tops[0]).min() + (b - tops[1]).min()
    if lowest > SAFE and a.size == a.shape[-1] and b.size == b.shape[-1]:
        left, right = np.exp(a - tops[0]).ravel(), np.exp(b - tops[1]).ravel()
        if k == 2:
            joined = np.convolve(left, right)
        else:
            joined = np.bincount(_pairs(first, second, k)[0], np.outer(left, right).ravel())
        return np.asarray(np.log(joined) + tops[0] + tops[1])
    place, order, starts = _pairs(first, second, k)
    v = a[..., :, None] + b[..., None, :]
    v = v.reshape(*v.shape[:-2], -1)[..., order]
    top = np.maximum.reduceat(v, starts, axis=-1)
    total = np.add.reduceat(np.exp(v - top[..., place[order]]), starts, axis=-1)
    return np.asarray(top + np.log(total))


class Counts(Joint):
    """Counts of the others' actions; players of one type play alike.

    Parameters
    ----------
    sizes : sequence of int
        Number of players of each type.
    k : int
        Number of actions.
    """

    own = True

    def __init__(self, sizes: Sequence[int], k: int) -> None:
        self.sizes, self.k = tuple(sizes), k

    def others(self, player: int) -> tuple[int, ...]:
        """Number of players of each type beside one of the given type."""
        return tuple(n - (s == player) for s, n in enumerate(self.sizes))

    def sources(self, player: int, count: int) -> tuple[int, ...]:
        """As `Joint.sources`: every type with another player in it."""
        return tuple(s for s, n in enumerate(self.others(player)) if n > 0)

    def log_play(self, z: Logs, player: int) -> FloatArray:
        """As `Joint.log_play`."""
        found, so_far = log_multinomial(z[0], self.others(player)[0]), self.others(player)[0]
        for log_x, n in zip(z[1:], self.others(player)[1:], strict=True):
            found = _add(found, so_far, log_multinomial(log_x, n), n, self.k)
            so_far += n
        return found

    def weights(self, z: Logs, player: int) -> Any:
        """Expected numbers (..., K, k) of each type among those counted; None where there are none.

        Each needs the distribution without one player of the type as well: products of all types
        before and after it are kept.
        """
        counts, k = self.others(player), self.k
        if len(counts) == 1:
            return [lattice(counts[0], k).astype(np.float64)]
        parts = [log_multinomial(log_x, n) for log_x, n in zip(z, counts, strict=True)]
        before, after = [parts[0]], [parts[-1]]
        for s in range(1, len(counts)):
            before.append(_add(before[-1], sum(counts[:s]), parts[s], counts[s], k))
        for s in range(len(counts) - 2, 0, -1):
            after.append(_add(parts[s], counts[s], after[-1], sum(counts[s + 1 :]), k))
        after = after[::-1]
        total = sum(counts)
        out: list[FloatArray | None] = []
        for s, n in enumerate(counts):
            if n == 0:
                out.append(None)
                continue
            rest = log_multinomial(z[s], n - 1)
            if s > 0:
                rest = _add(before[s - 1], sum(counts[:s]), rest, n - 1, k)
            if s < len(counts) - 1:
                rest = _add(rest, sum(counts[:s]) + n - 1, after[s], sum(counts[s + 1 :]), k)
            padded = np.concatenate([rest, np.full((*rest.shape[:-1], 1), -np.inf)], axis=-1)
            share = padded[..., _without_one(total, k)] + z[s][..., None, :]
            with np.errstate(over="ignore", invalid="ignore"):
                expected = n * np.exp(share - before[-1][..., :, None])
            out.append(np.fmin(expected, lattice(total, k)))
        return out

    def step(self, weights: Any, dz: Logs, player: int) -> FloatArray:
        """As `Joint.step`."""
        total: Any = 0.0
        for weight, part in zip(weights, dz, strict=True):
            if weight is not None:
                total = total + (weight @ part[..., :, None])[..., 0]
        return np.asarray(total)

    def pull(self, weights: Any, player: int, source: int, slope: FloatArray) -> FloatArray:
        """As `Joint.pull`."""
        return np.asarray(slope @ weights[source])
