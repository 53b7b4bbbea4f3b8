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
from ._problem import Problem
from ._system import Linearised, State, apply_jacobian, spread, stack

ACCURACY = 1e-6
"""Relative residual of each solve: Newton's corrections shrink by about as much."""
EASY = 12
"""GMRES steps in which a system close to the identity is solved without a preconditioner."""
COVERED = 0.999
"""Probability mass whose actions go into the preconditioner's block."""
LARGEST = 400
"""Most actions of a player in the block, and most of the others' actions in its own part."""


class KrylovSystem:
    """The linearised system of one game (B = 1) at a point, ready to be solved repeatedly.

    ``sign`` (1,) is that of the leading block's determinant, which is the whole system's where the
    rest is close to the identity; 1 where no block was needed, or with three players and more.
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
        info = 1
        if not self.hard:
            found, info = gmres(
                self.operator, goal, rtol=ACCURACY, atol=1e-15, restart=EASY, maxiter=1
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
        if len(self.problem.sizes) == 2:
            approximate, self.sign[0] = _preconditioner(*self._point)
            self.inverse = LinearOperator(
                (self.n, self.n),
                matvec=lambda v: self.weight * approximate(v.ravel() / self.weight),
                dtype=np.float64,
            )


def _likeliest(log_p: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The fewest outcomes that hold `COVERED` of the mass, `LARGEST` at most."""
    p = np.exp(log_p)
    order = np.argsort(-p)
    needed = int(np.searchsorted(np.cumsum(p[order]), COVERED)) + 1
    return np.sort(order[: min(needed, LARGEST)])


def _preconditioner(
    problem: Problem, z: State, y: State, level: FloatArray, lin: Linearised
) -> tuple[Callable[[FloatArray], FloatArray], float]:
    """Solve with the columns of unlikely actions replaced by the identity's (two players).

    Also the sign of that matrix's determinant.
    """
    starts = dict(zip(problem.active, problem.starts, strict=False))
    chosen = {i: _likeliest(z[i][0]) for i in problem.active}
    picked = np.concatenate([starts[i] + chosen[i] for i in problem.active])
    blocks = []
    for a, i in enumerate(problem.active):
        sharp = float(level[0] * problem.precision[0, i])
        s, p, tilt = np.exp(lin.log_response[a][0]), np.exp(y[i][0]), lin.tilt[a][0]
        payoff = problem.payoffs[i][0]
        values = payoff @ p

        def slope(
            columns: np.ndarray[tuple[int], np.dtype[np.intp]],
            payoff: FloatArray = payoff,
            p: FloatArray = p,
            tilt: FloatArray = tilt,
            s: FloatArray = s,
            values: FloatArray = values,
            sharp: float = sharp,
        ) -> FloatArray:
            part = payoff[:, columns] * p[columns] - values[:, None] * tilt[columns]
            return np.asarray(sharp * (part - s @ part))

        row = []
        for j in problem.active:
            if j != i:
                row.append(-slope(chosen[j]))
            elif problem.neutral[i]:
                row.append(np.zeros((problem.sizes[i], chosen[i].size)))
            else:
                outcomes = _likeliest(y[i][0])
                own = slope(outcomes) @ payoff[np.ix_(chosen[i], outcomes)].T
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
