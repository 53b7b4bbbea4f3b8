"""One player's problem for any risk measure and regulariser: its program and what it proves."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from .convex_choice import FLAT, Choice
from .convex_price import Price

NARROW = 1e-7
"""Width of a bracket, on payoffs of unit range, at which a second program is not asked."""


@dataclass(frozen=True)
class GeneralGoal:
    """Maximise the priced outcomes less the regulariser, on payoffs in [-1/2, 1/2].

    Attributes
    ----------
    matrix : array (n, m)
    price : Price
    choice : Choice
    each : bool
        Whether each own action is priced by itself (action-dependent risk).
    """

    matrix: FloatArray
    price: Price
    choice: Choice
    each: bool

    def value(self, log_x: FloatArray) -> float:
        """The objective at a strategy given as logarithms."""
        x = np.exp(log_x)
        if self.each:
            worth = float(x @ self._worths())
        else:
            worth = self.price.worth(x @ self.matrix)
        return worth - self.choice.penalty(log_x)

    def bracket(self) -> tuple[float, float, str]:
        """A value that can be had, one that no strategy exceeds, and the solver's word.

        The program's dual is solved as well where the first answer leaves the bracket wide.
        """
        if self.each:
            return self._bracket_of_each()
        steep = self.price.steep
        best, bound, word = -np.inf, np.inf, "failed"
        for over_beliefs in (steep, not steep):
            x, p, said = self.solve(over_beliefs=over_beliefs)
            beliefs = [self.price.repaired(p), self.price.q]
            strategies = [_log(x), *(self.choice.best(self.matrix @ p)[1] for p in beliefs)]
            beliefs += [self.price.belief(np.exp(z) @ self.matrix) for z in strategies]
            best = max(best, *map(self.value, strategies))
            bound = min(bound, *map(self.bound, beliefs))
            word = said if word == "failed" else word
            if bound - best <= NARROW:
                break
        return best, bound, word

    def _bracket_of_each(self) -> tuple[float, float, str]:
        """Where actions are priced one by one, any belief bounds what an action is worth."""
        x, _, word = self.solve()
        v = [
            min(float(p @ u) + self.price.cost(p) for p in (self.price.belief(u), self.price.q))
            for u in self.matrix
        ]
        bound, reply = self.choice.best(np.array(v))
        return max(self.value(_log(x)), self.value(reply)), bound, word

    def bound(self, p: FloatArray) -> float:
        """A value that no strategy exceeds: the best one against the belief `p`, and its cost."""
        return self.choice.best(self.matrix @ p)[0] + self.price.cost(p)

    def solve(self, *, over_beliefs: bool = False) -> tuple[FloatArray, FloatArray, str]:
        """A program's strategy and belief, one of them as multipliers, and the solver's word."""
        import cvxpy as cp

        run = self._over_beliefs if over_beliefs else self._over_strategies
        even = np.full(self.matrix.shape[0], 1.0 / self.matrix.shape[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an inaccurate answer is reported in words
            try:
                x, p, word = self._fixed(cp) if self.each else run(cp)
            except cp.SolverError:
                return even, self.price.q, "failed"
        return _sized(x, even), _sized(p, self.price.q), word

    def _worths(self) -> FloatArray:
        """What each own action is worth by itself."""
        return np.array([self.price.worth(u) for u in self.matrix])

    def _strategy(self, cp: Any) -> tuple[Any, Any, list[Any], Any]:
        """A strategy, its outcomes, constraints, and ``-nu``.

        Play strays from uniform by 1/epsilon where epsilon is large, and is posed in that unit.
        """
        n = self.matrix.shape[0]
        unit = 1.0 / max(1.0, self.choice.curvature(n) / n)
        d = cp.Variable(n)
        x = 1.0 / n + unit * d
        reward: Any = self.choice.term(cp, x)
        if self.choice.epsilon > FLAT:
            reward = -0.5 * self.choice.curvature(n) * unit**2 * cp.sum_squares(d)
        means = self.matrix.mean(axis=0) + unit * (self.matrix.T @ d)
        return x, means, [x >= 0.0, cp.sum(d) == 0.0], reward

    def _fixed(self, cp: Any) -> tuple[Any, Any, str]:
        """Action values that do not depend on play."""
        x, _, constraints, reward = self._strategy(cp)
        problem = cp.Problem(cp.Maximize(self._worths() @ x + reward), constraints)
        run_clarabel(cp, problem)
        return x.value, None, str(problem.status)

    def _over_strategies(self, cp: Any) -> tuple[Any, Any, str]:
        x, means, constraints, reward = self._strategy(cp)
        u = cp.Variable(self.matrix.shape[1])
        outcomes = means - u == 0.0
        worth, demands = self.price.term(cp, u)
        problem = cp.Problem(cp.Maximize(worth + reward), [*constraints, *demands, outcomes])
        run_clarabel(cp, problem)
        return x.value, outcomes.dual_value, str(problem.status)

    def _over_beliefs(self, cp: Any) -> tuple[Any, Any, str]:
        n, m = self.matrix.shape
        p, v = cp.Variable(m), cp.Variable(n)
        worths = self.matrix @ p - v == 0.0
        if self.choice.epsilon > FLAT:
            mean = cp.sum(v) / n
            best = mean + cp.sum_squares(v - mean) / (2.0 * self.choice.curvature(n))
        else:
            best = self.choice.conjugate(cp, v)
        cost, demands = self.price.charge(cp, p)
        constraints = [p >= 0.0, cp.sum(p) == 1.0, *demands, worths]
        problem = cp.Problem(cp.Minimize(best + cost), constraints)
        run_clarabel(cp, problem)
        return worths.dual_value, p.value, str(problem.status)


def run_clarabel(cp: Any, problem: Any) -> None:
    """Solve a program in place; with shorter steps where full ones get stuck at a cone's boundary.

    Raises
    ------
    cvxpy.SolverError
        Where both do.
    """
    try:
        problem.solve(solver=cp.CLARABEL)
    except cp.SolverError:
        problem.solve(solver=cp.CLARABEL, max_step_fraction=0.9)


def _sized(found: Any, otherwise: FloatArray) -> FloatArray:
    """A distribution from what a solver returned, whichever sign its multipliers have."""
    if found is None or not np.all(np.isfinite(found)):
        return otherwise
    positive = np.maximum(np.sign(np.sum(found)) * np.asarray(found), 0.0)
    return np.asarray(positive / positive.sum()) if positive.sum() > 0.0 else otherwise


def _log(x: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(x))
