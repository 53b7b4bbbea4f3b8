"""Matrix-free solution of the linearised system, for games too large to factorise.

GMRES with a preconditioner that knows the actions that matter: a column of the system is as large
as the probability of its action, so the block of the likeliest actions, factorised, leaves a rest
that is close to the identity.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse.linalg import LinearOperator, gmres

from ..model._checks import FloatArray
from ..model._outcomes import Marginals
from ._problem import Problem
from ._system import Linearised, State, apply_jacobian, spread, stack

Indices = np.ndarray[tuple[int], np.dtype[np.intp]]

ACCURACY = 1e-6
"""Relative residual of each solve: Newton's corrections shrink by about as much."""
EASY, CHEAP = 12, 50
"""GMRES steps in which a system close to the identity is solved without a preconditioner, which
costs more of them where payoffs are not written out."""
COVERED = 0.999
"""Probability mass whose actions go into the preconditioner's block."""
LARGEST = 400
"""Most actions of a player in the block, and most of the others' actions in its own part."""


class KrylovSystem:
    """The linearised system of one game (B = 1) at a point, ready to be solved repeatedly.

    ``sign`` (1,) is that of the leading block's determinant, which is the whole system's where the
    rest is close to the identity; 1 where no block was needed, or none can be formed: with three
    players and more whose payoffs do not come apart by neighbour.
    """

    def __init__(
        self, problem: Problem, z: State, y: State, level: FloatArray, lin: Linearised
    ) -> None:
        self.problem = problem
        self.n = sum(problem.sizes[i] for i in problem.active)
        # in the information metric, the logarithms of actions nobody plays, however large, do not
        # decide when a solve is accurate
        self.weight = np.sqrt(np.maximum(np.exp(stack([z[i] for i in problem.active])[0]), 1e-14))

        def product(v: FloatArray) -> FloatArray:
            dz = spread(problem, (v.ravel() / self.weight)[None])
            image: FloatArray = stack(apply_jacobian(problem, z, y, level, lin, dz))[0]
            return np.asarray(self.weight * image)

        self.operator = LinearOperator((self.n, self.n), matvec=product, dtype=np.float64)
        self.inverse: LinearOperator | None = None
        self.sign = np.ones(1)
        self.hard = False
        self._point = (problem, z, y, level, lin)

    def solve(self, right: list[FloatArray], *, block: bool = True) -> State:
        """Solution, or NaN where GMRES does not reach `ACCURACY`.

        The block is formed only when plain GMRES is not done within `EASY` steps (then ``hard`` is
        set); with ``block=False`` such a system is given up at once.
        """
        goal = self.weight * stack(right)[0]
        written_out = isinstance(self.problem.payoffs[self.problem.active[0]], np.ndarray)
        easy = CHEAP if block and not written_out else EASY
        info = 1
        if not self.hard:
            found, info = gmres(
                self.operator, goal, rtol=ACCURACY, atol=1e-15, restart=easy, maxiter=1
            )
            self.hard = info != 0
        if self.hard and block:
            if self.inverse is None:
                self._form_block()
            found, info = gmres(
                self.operator,
                goal,
                rtol=ACCURACY,
                atol=1e-15,
                restart=50,
                maxiter=2,
                M=self.inverse,
            )
        if info != 0:
            found = np.full(self.n, np.nan)
        return spread(self.problem, (found / self.weight)[None])

    def _form_block(self) -> None:
        form = self.problem.form
        if isinstance(form, Marginals) or (len(self.problem.sizes) == 2 and not form.own):
            approximate, self.sign[0] = _preconditioner(*self._point)
            self.inverse = LinearOperator(
                (self.n, self.n),
                matvec=lambda v: self.weight * approximate(v.ravel() / self.weight),
                dtype=np.float64,
            )


def _likeliest(log_p: FloatArray) -> Indices:
    """The fewest outcomes that hold `COVERED` of the mass, `LARGEST` at most."""
    p = np.exp(log_p)
    order = np.argsort(-p)
    needed = int(np.searchsorted(np.cumsum(p[order]), COVERED)) + 1
    return np.sort(order[: min(needed, LARGEST)])


def _feared(problem: Problem, i: int, y: State) -> Indices:
    """The likeliest outcomes of each neighbour of player i, under its belief."""
    parts = problem.form.parts(i)
    if parts is None:
        return _likeliest(y[i][0])
    return np.concatenate([cut.start + _likeliest(y[i][0, cut]) for cut in parts.slices])


def _slope(
    problem: Problem, i: int, y: State, level: FloatArray, lin: Linearised
) -> Callable[[Indices], tuple[FloatArray, FloatArray]]:
    """Some columns of ``d log_response / d log_belief`` of player i, and of its payoffs."""
    a = problem.active.index(i)
    payoff, sharp = problem.payoffs[i], float(level[0] * problem.precision[0, i])
    s, p, tilt = np.exp(lin.log_response[a][0]), np.exp(y[i][0]), lin.tilt[a][0]
    parts = problem.form.parts(i)
    matrix = payoff[0] if isinstance(payoff, np.ndarray) else None
    if parts is None:
        values = matrix @ p if matrix is not None else payoff.by_block(p)[:, 0]
        owner = None
    else:
        values, owner = payoff.by_block(p), np.repeat(np.arange(len(parts.sizes)), parts.sizes)

    def columns(which: Indices) -> tuple[FloatArray, FloatArray]:
        entries = payoff.columns(which) if matrix is None else matrix[:, which]
        own = values[:, None] if owner is None else values[:, owner[which]]
        part = entries * p[which] - own * tilt[which]
        return np.asarray(sharp * (part - s @ part)), entries

    return columns


def _preconditioner(
    problem: Problem, z: State, y: State, level: FloatArray, lin: Linearised
) -> tuple[Callable[[FloatArray], FloatArray], float]:
    """Solve with the columns of unlikely actions replaced by the identity's.

    Also the sign of that matrix's determinant. For two players, or additive payoffs.
    """
    starts = dict(zip(problem.active, problem.starts, strict=False))
    chosen = {i: _likeliest(z[i][0]) for i in problem.active}
    picked = np.concatenate([starts[i] + chosen[i] for i in problem.active])
    blocks = []
    for i in problem.active:
        slope = _slope(problem, i, y, level, lin)
        row = []
        for j in problem.active:
            column = problem.form.column(i, j, len(problem.sizes))
            if column is not None:
                row.append(-slope(column + chosen[j])[0])
            elif j != i or problem.neutral[i]:
                row.append(np.zeros((problem.sizes[i], chosen[j].size)))
            else:
                own, entries = slope(_feared(problem, i, y))
                own = own @ entries[chosen[i]].T
                row.append(own * (problem.tau[0, i] * np.exp(z[i][0, chosen[i]])))
        blocks.append(np.concatenate(row, axis=1))
    columns = np.concatenate(blocks, axis=0)
    core = lu_factor(np.eye(picked.size) + columns[picked], check_finite=False)
    swaps = np.count_nonzero(core[1] != np.arange(picked.size))
    sign = float(np.prod(np.sign(np.diag(core[0]))) * (-1.0) ** swaps)

    def apply(v: FloatArray) -> FloatArray:
        inner = lu_solve(core, v[picked], check_finite=False)
        out = v - columns @ inner
        out[picked] = inner
        return np.asarray(out)

    return apply, sign
