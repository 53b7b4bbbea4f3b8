r"""Every extreme Nash equilibrium of a two-player game, in exact integer arithmetic.

Payoffs are read as the shortest decimals that print them (0.1 is one tenth, so that ties between
typed numbers stay ties), made positive integers, and the best-response polytopes
:math:`\{x \ge 0 : B^\top x \le 1\}` and :math:`\{y \ge 0 : A y \le 1\}` are walked basis by basis
with fraction-free pivots and the lexicographic ratio test. Nothing is rounded before the end:
whether a game is degenerate, and that no equilibrium was missed, is decided, not estimated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import comb, gcd, lcm
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..result.status import Status
from ._loop import iterate

IntArray = np.ndarray[Any, np.dtype[np.object_]]
"""Python integers of any length."""


@dataclass(frozen=True)
class Extreme:
    """A completely labelled pair of vertices, which is an extreme equilibrium."""

    x: FloatArray
    """Player 1's strategy, each probability the exact one correctly rounded."""
    y: FloatArray
    index: int | None
    """Fixed-point index, where the game is known to be nondegenerate."""


@dataclass(frozen=True)
class Enumeration:
    """What a search of both polytopes found.

    Attributes
    ----------
    equilibria : tuple of Extreme
    status : Status
        CONVERGED, or MAX_STEPS where part of a polytope was not searched.
    steps : int
        Bases visited.
    degenerate : bool
        Whether some strategy has more best responses than its support has actions.
    finite : bool
        Whether the extreme equilibria are all there are: none shares a strategy with another.
    components : int
        Connected components of the equilibrium set.
    margin : float
        Smallest positive probability, or payoff gap in units of the payoff range, of any vertex.
    """

    equilibria: tuple[Extreme, ...]
    status: Status
    steps: int
    degenerate: bool
    finite: bool
    components: int
    margin: float


@dataclass
class Search:
    """A walk over the lexicographically feasible bases of one polytope ``{z >= 0 : M z <= 1}``."""

    dimension: int
    spread: int
    """Payoff range in the integers' unit, for the margin."""
    pending: list[tuple[IntArray, int, list[int], tuple[int, int] | None]]
    seen: set[int]
    vertices: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Coordinates, up to a common factor, of each vertex, by the bits of its zero variables."""
    degenerate: bool = False
    margin: float = np.inf


class Walk:
    """The verbs of the search: each step visits one basis and notes its unseen neighbours."""

    def step(self, state: Search) -> Search:
        """Visit one basis."""
        tableau, scale, basis, move = state.pending.pop()
        if move is not None:
            row, column = move
            tableau, scale = pivot(tableau, scale, row, column)
            basis = basis.copy()
            basis[row] = column
        record(state, tableau, scale, basis)
        inside = sum(1 << v for v in basis)
        for column in range(state.dimension + len(basis)):
            if inside >> column & 1:
                continue
            row = leaving_row(tableau, column, state.dimension)
            neighbour = inside ^ (1 << basis[row]) ^ (1 << column)
            if neighbour not in state.seen:
                state.seen.add(neighbour)
                state.pending.append((tableau, scale, basis, (row, column)))
        return state

    def ending(self, state: Search) -> Status | None:
        """Done when no basis is left."""
        return None if state.pending else Status.CONVERGED

    def finite(self, state: Search) -> bool:
        """Integers always are."""
        return True


def pivot(tableau: IntArray, scale: int, row: int, column: int) -> tuple[IntArray, int]:
    """Fraction-free pivot: the tableau is ``scale`` times the rational one before and after."""
    entry = tableau[row, column]
    out = (tableau * entry - np.multiply.outer(tableau[:, column], tableau[row])) // scale
    out[row] = tableau[row]
    return out, entry


def leaving_row(tableau: IntArray, column: int, dimension: int) -> int:
    """Lexicographic ratio test: the one row that blocks in the perturbed polytope."""
    entering = tableau[:, column]
    left = [r for r in range(len(entering)) if entering[r] > 0]
    width = tableau.shape[1]
    for k in (width - 1, *range(dimension, width - 1)):
        if len(left) == 1:
            break
        values = tableau[:, k]
        best = [left[0]]
        for r in left[1:]:
            difference = values[r] * entering[best[0]] - values[best[0]] * entering[r]
            if difference < 0:
                best = [r]
            elif difference == 0:
                best.append(r)
        left = best
    return left[0]


def record(state: Search, tableau: IntArray, scale: int, basis: list[int]) -> None:
    """Note the vertex of a basis, whether it is degenerate, and its margin."""
    count = state.dimension + len(basis)
    value = [0] * count
    for r, variable in enumerate(basis):
        value[variable] = tableau[r, -1]
    zero = sum(1 << k for k, v in enumerate(value) if v == 0)
    total = sum(value[: state.dimension])
    if zero in state.vertices or total == 0:
        return
    state.vertices[zero] = tuple(value[: state.dimension])
    state.degenerate |= zero.bit_count() > state.dimension
    probability = min(v for v in value[: state.dimension] if v) / total
    gaps = [v for v in value[state.dimension :] if v]
    gap = min(gaps) / (total * state.spread) if gaps else np.inf
    state.margin = min(state.margin, probability, gap)


def bases(rows: int, columns: int) -> int:
    """Largest number of bases of the two polytopes of a game of this size.

    McMullen's upper bound theorem: a simple polytope of dimension d with f facets has at most as
    many vertices as the dual of the cyclic one.
    """

    def bound(d: int, f: int) -> int:
        low, high = d // 2, (d + 1) // 2
        return comb(f - high, low) + comb(f - low - 1, high - 1)

    return bound(rows, rows + columns) + bound(columns, rows + columns)


def positive_integers(payoff: FloatArray, own_axis: int) -> tuple[IntArray, int]:
    """The payoffs as positive integers, exact for their shortest decimals, and their range.

    Every slice along the player's own axis is shifted to minimum 0 and then everything up by the
    range; neither changes a best response.
    """
    ratios = [Decimal(repr(float(v))).as_integer_ratio() for v in payoff.ravel()]
    common = lcm(*(d for _, d in ratios))
    flat = np.array([n * (common // d) for n, d in ratios], dtype=object)
    whole = flat.reshape(payoff.shape)
    spread = int(whole.max() - whole.min())
    whole = whole - whole.min(axis=own_axis, keepdims=True)
    shared = gcd(spread, *whole.ravel()) or 1
    spread = max(spread // shared, 1)
    return whole // shared + spread, spread


def search(matrix: IntArray, spread: int, max_steps: int) -> tuple[Search, Status, int]:
    """All vertices but the origin of ``{z >= 0 : matrix z <= 1}``."""
    rows, dimension = matrix.shape
    tableau = np.zeros((rows, dimension + rows + 1), dtype=object)
    tableau[:, :dimension] = matrix
    tableau[range(rows), range(dimension, dimension + rows)] = 1
    tableau[:, -1] = 1
    basis = list(range(dimension, dimension + rows))
    state = Search(dimension, spread, [(tableau, 1, basis, None)], {sum(1 << v for v in basis)})
    return iterate(Walk(), state, max_steps)


def enumerate_vertices(a: FloatArray, b: FloatArray, max_steps: int) -> Enumeration:
    """Every extreme equilibrium of the game with payoffs ``a`` and ``b``, both (m, n).

    Parameters
    ----------
    a, b : array (m, n)
        Any finite floats: no normalisation is needed, and none changes the answer.
    max_steps : int
        Most bases to visit; `bases` bounds how many there are.
    """
    m, n = a.shape
    whole_a, spread_a = positive_integers(a, 0)
    whole_b, spread_b = positive_integers(b, 1)
    first, ending_1, steps_1 = search(whole_b.T, spread_b, max_steps)
    second, ending_2, steps_2 = search(whole_a, spread_a, max(max_steps - steps_1, 0))
    # the second polytope's variables are y then slacks of A: turn them into the first's labels
    low = (1 << n) - 1
    turned = {(k >> n) | ((k & low) << m): value for k, value in second.vertices.items()}
    pairs = matches(list(first.vertices), list(turned), (1 << (m + n)) - 1)
    degenerate = first.degenerate or second.degenerate
    status = next((e for e in (ending_1, ending_2) if e is not Status.CONVERGED), ending_1)
    proper = status is Status.CONVERGED and not degenerate
    found = []
    for x, y in ((first.vertices[p], turned[q]) for p, q in pairs):
        index = exact_index(whole_a, whole_b, x, y) if proper else None
        found.append(Extreme(shares(x), shares(y), index))
    found.sort(key=lambda pair: [*-pair.x, *-pair.y])
    return Enumeration(
        equilibria=tuple(found),
        status=status,
        steps=steps_1 + steps_2,
        degenerate=degenerate,
        finite=len({p for p, _ in pairs}) == len(pairs) == len({q for _, q in pairs}),
        components=count_components(pairs),
        margin=min(first.margin, second.margin),
    )


def shares(weights: tuple[int, ...]) -> FloatArray:
    """Integers as shares of their sum, correctly rounded."""
    total = sum(weights)
    return np.array([w / total for w in weights])


def matches(first: list[int], second: list[int], everything: int) -> list[tuple[int, int]]:
    """Pairs of vertices that together have every label."""
    kind: Any = np.int64 if everything.bit_length() < 63 else object
    held = np.array(second, dtype=kind)
    out = []
    for p in first:
        needed = everything & ~p
        out += [(p, second[k]) for k in np.flatnonzero((held & needed) == needed)]
    return out


def count_components(pairs: list[tuple[int, int]]) -> int:
    """Connected components of the graph whose edges are the pairs (Winkels 1979)."""
    groups: list[tuple[set[int], set[int]]] = []
    for p, q in pairs:
        merged = ({p}, {q})
        apart = []
        for group in groups:
            if p in group[0] or q in group[1]:
                merged = (merged[0] | group[0], merged[1] | group[1])
            else:
                apart.append(group)
        groups = [*apart, merged]
    return len(groups)


def exact_index(a: IntArray, b: IntArray, x: tuple[int, ...], y: tuple[int, ...]) -> int:
    r"""Index of a nondegenerate equilibrium on supports of size k (Shapley 1974).

    :math:`(-1)^{k+1} \operatorname{sign} \det A_{IJ} \det B_{IJ}`, positive payoffs.
    """
    rows = [k for k, v in enumerate(x) if v]
    columns = [k for k, v in enumerate(y) if v]
    block = np.ix_(rows, columns)
    product = determinant_sign(a[block]) * determinant_sign(b[block])
    return product if len(rows) % 2 else -product


def determinant_sign(matrix: IntArray) -> int:
    """Sign of a square integer matrix's determinant, by fraction-free elimination."""
    work, scale, sign = matrix.copy(), 1, 1
    while len(work):
        row = next((r for r in range(len(work)) if work[r, 0] != 0), None)
        if row is None:
            return 0
        if row:
            work[[0, row]] = work[[row, 0]]
            sign = -sign
        entry = work[0, 0]
        rest = work[1:, 1:] * entry - np.multiply.outer(work[1:, 0], work[0, 1:])
        work, scale, last = rest // scale, entry, entry
    return sign if last > 0 else -sign
