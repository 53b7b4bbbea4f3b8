r"""Lengths along a curve of equilibria: how much play, beliefs and the parameter change.

The squared length of a step is :math:`\sum x\, dz^2 + \sum p\, dy^2 + (ds / (s + unit))^2`, the
information metric of strategies AND worst-case beliefs. Beliefs must count: with strong risk
aversion a branch can fold between profiles that are nearly pure, the same to seven digits, while
what players fear turns over.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..model._checks import FloatArray
from ._problem import Problem
from ._rows import action_payoffs
from ._system import Linearised, State, belief_step, marginal, stack


class Metric:
    """The metric at a point, for steps (n + 1,) of log-strategies and parameter.

    Parameters
    ----------
    problem : Problem
        One game at the point's parameter.
    z : State
    lin : Linearised
        The system there; its tilts are the beliefs.
    turns : list of (array (1, m_i) or None)
        What a unit of the parameter does to the beliefs by itself.
    scale : float
        Change of the parameter that counts as much as a change of play by one.
    """

    def __init__(
        self,
        problem: Problem,
        z: State,
        lin: Linearised,
        turns: list[FloatArray | None],
        scale: float,
    ) -> None:
        self.problem, self.z, self.lin, self.turns = problem, z, lin, turns
        self.x = np.exp(stack(z)[0])
        self.weight_s = float(np.float64(scale) ** -2.0)

    def split(self, flat: FloatArray) -> State:
        """A vector (n,) over all players' actions as arrays (1, n_i)."""
        ends = self.problem.starts
        return [flat[None, a:b] for a, b in pairwise(ends)]

    def beliefs(self, step: FloatArray) -> State:
        """Steps of the log-beliefs that go with a step."""
        out = belief_step(self.problem, self.z, self.lin, self.split(step[:-1]), newton=False)
        return [
            dy if turn is None else dy + float(step[-1]) * turn
            for dy, turn in zip(out, self.turns, strict=True)
        ]

    def times(self, step: FloatArray) -> FloatArray:
        """The metric's matrix times a step: the normal of the plane across it."""
        out = np.append(self.x * step[:-1], self.weight_s * step[-1])
        if all(self.problem.neutral):
            return out
        for i, dy in enumerate(self.beliefs(step)):
            if self.problem.neutral[i]:
                continue
            tilt = self.lin.tilt[i]
            out += self._back(i, tilt * dy)
        return out

    def inner(self, a: FloatArray, b: FloatArray) -> float:
        """Inner product of two steps."""
        return float(self.times(a) @ b)

    def length(self, step: FloatArray) -> float:
        """Length of a step."""
        return float(np.sqrt(self.inner(step, step)))

    def _back(self, i: int, w: FloatArray) -> FloatArray:
        """The transpose of player i's belief step, applied to (1, m_i)."""
        problem, turn = self.problem, self.turns[i]
        starts = problem.starts
        out = np.zeros(starts[-1] + 1)
        out[-1] = 0.0 if turn is None else float((w * turn).sum())
        parts = problem.form.parts(i)
        total = w.sum() if parts is None else parts.spread(parts.sums(w))
        centred = w - self.lin.tilt[i] * total
        for j in problem.form.sources(i, len(problem.sizes)):
            share = marginal(problem, i, j, centred[:, None, :], self.lin.weights[i])
            out[starts[j] : starts[j + 1]] += share[0, 0]
        own = action_payoffs(problem.payoffs[i], centred)[0]
        own = problem.tau[0, i] * np.exp(self.z[i][0]) * own
        out[starts[i] : starts[i + 1]] -= own
        return out
