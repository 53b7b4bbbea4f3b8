r"""One Nash equilibrium of a two-player game by complementary pivoting (Lemke, Howson 1964).

Lexicographic ratio tests keep degenerate games from cycling, the work is capped, and paths from
several initial labels take turns: a path from one label may be exponentially long while another's
is short (Codenotti, De Rossi, Pagan 2008). The basis where a path ends is solved
again from the payoffs, so pivots' rounding errors do not reach the answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..model._checks import FloatArray
from ..result.status import Status
from ._loop import iterate

PIVOT = 1e-9
"""Entries below this share of a column's largest count as zero: payoffs lie in [1, 2]."""
TIE = 1e-11
"""Ratios closer than this, relatively, tie."""
TOGETHER = 8
"""Paths that take turns."""
REFRESH = 64
"""Pivots between fresh factorisations, which keep rounding errors from building up."""


class Candidate(NamedTuple):
    """Where one path ended."""

    x: FloatArray
    y: FloatArray
    status: Status
    """CONVERGED at a completely labelled pair; MAX_STEPS at the cap, SINGULAR without a pivot."""
    label: int
    steps: int


@dataclass
class Half:
    """One polytope's tableau: all columns by label, then the right-hand side."""

    columns: FloatArray
    tableau: FloatArray
    basis: list[int]
    slack: range
    """Labels of the initial basis, whose columns carry the lexicographic perturbation."""
    age: int = 0


@dataclass
class Path:
    """A path under way: the halves take turns, the label that left one enters the other."""

    halves: tuple[Half, Half]
    turn: int
    entering: int
    dropped: int
    ending: Status | None = None


class Pivoting:
    """The verbs of complementary pivoting."""

    def step(self, state: Path) -> Path:
        """One pivot."""
        half = state.halves[state.turn]
        row = leaving_row(half, state.entering)
        if row is None:
            state.ending = Status.SINGULAR
            return state
        left = half.basis[row]
        exchange(half, row, state.entering)
        state.turn, state.entering = 1 - state.turn, left
        if left == state.dropped:
            state.ending = Status.CONVERGED
        return state

    def ending(self, state: Path) -> Status | None:
        """Done when the label dropped at the start is found again."""
        return state.ending

    def finite(self, state: Path) -> bool:
        """Whether both right-hand sides are finite."""
        return all(bool(np.isfinite(half.tableau[:, -1]).all()) for half in state.halves)


def leaving_row(half: Half, column: int) -> int | None:
    """Lexicographic ratio test among entries that are safely positive."""
    entering = half.tableau[:, column]
    left = np.flatnonzero(entering > PIVOT * max(1.0, float(np.abs(entering).max())))
    for k in (-1, *half.slack):
        if len(left) <= 1:
            break
        ratios = half.tableau[left, k] / entering[left]
        least = ratios.min()
        left = left[ratios <= least + TIE * max(1.0, abs(float(least)))]
    return int(left[0]) if len(left) else None


def exchange(half: Half, row: int, column: int) -> None:
    """Pivot in place; now and then, factorise the new basis afresh."""
    half.basis[row] = column
    half.age += 1
    tableau = half.tableau
    if half.age % REFRESH == 0:
        try:
            fresh = np.asarray(np.linalg.solve(half.columns[:, half.basis], half.columns))
        except np.linalg.LinAlgError:
            fresh = np.full_like(tableau, np.nan)
        half.tableau = fresh
        return
    pivot_row = tableau[row] / tableau[row, column]
    factor = tableau[:, column].copy()
    factor[row] = 0.0
    tableau -= factor[:, None] * pivot_row
    tableau[row] = pivot_row


def unit_positive(payoff: FloatArray, own_axis: int) -> FloatArray:
    """Payoffs in [1, 2] with the same best responses."""
    span = float(np.ptp(payoff))
    shifted = payoff - payoff.min(axis=own_axis, keepdims=True)
    return np.asarray(1.0 + shifted / (span if span > 0.0 else 1.0))


def begin(a: FloatArray, b: FloatArray, label: int) -> Path:
    """The artificial equilibrium, with one label about to be dropped."""
    m, n = a.shape
    first = np.hstack([b.T, np.eye(n), np.ones((n, 1))])
    second = np.hstack([np.eye(m), a, np.ones((m, 1))])
    halves = (
        Half(first, first.copy(), list(range(m, m + n)), range(m, m + n)),
        Half(second, second.copy(), list(range(m)), range(m)),
    )
    return Path(halves, turn=0 if label < m else 1, entering=label, dropped=label)


def strategy(half: Half, own: range) -> FloatArray:
    """The strategy of a half's basis, solved from its columns; uniform where there is none."""
    size = len(own)
    try:
        weights = np.linalg.solve(half.columns[:, half.basis], half.columns[:, -1])
    except np.linalg.LinAlgError:
        return np.full(size, 1.0 / size)
    out = np.zeros(size)
    for variable, weight in zip(half.basis, weights, strict=True):
        if variable in own:
            out[variable - own.start] = max(float(weight), 0.0)
    total = out.sum()
    good = np.isfinite(total) and total > 0.0
    return out / total if good else np.full(size, 1.0 / size)


def paths(
    a: FloatArray, b: FloatArray, labels: Sequence[int], max_steps: int
) -> Iterator[Candidate]:
    """Ends of paths from several labels, advanced in turns that grow, until steps run out.

    Parameters
    ----------
    a, b : array (m, n)
    labels : sequence of int
        Labels to drop, in ``[0, m + n)``: player 1's actions, then player 2's.
    max_steps : int
        Most pivots in all.

    Yields
    ------
    Candidate
        Every path's end, for the caller to certify; where steps run out, the point reached.
    """
    m, n = a.shape
    unit_a, unit_b = unit_positive(a, 0), unit_positive(b, 1)
    used, cap = 0, 2 * (m + n) + 10
    waiting, alive = list(labels), deque[tuple[int, Path]]()

    def end(label: int, path: Path, status: Status) -> Candidate:
        x = strategy(path.halves[0], range(m))
        return Candidate(x, strategy(path.halves[1], range(m, m + n)), status, label, used)

    while True:
        while waiting and len(alive) < TOGETHER:
            alive.append((waiting[0], begin(unit_a, unit_b, waiting.pop(0))))
        for _ in range(len(alive)):
            label, path = alive.popleft()
            path, status, steps = iterate(Pivoting(), path, min(cap, max_steps - used))
            used += steps
            if status is not Status.MAX_STEPS:
                yield end(label, path, status)
            elif used >= max_steps:
                yield end(label, path, status)
                return
            else:
                alive.append((label, path))
        if not waiting and not alive:
            return
        cap *= 2
