r"""Damped Newton at the target itself: quadratic close to an equilibrium, with no say in which.

Deflation keeps it away from known equilibria ``x_k``: Newton's step for the system times
:math:`m(x) = \prod_k (1 + 1 / |x - x_k|^2)` is the plain step divided by
:math:`1 - \nabla \log m \cdot dx`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model._checks import FloatArray
from ..result.status import Status
from ._problem import Problem
from ._rows import BoolArray
from ._system import (
    State,
    belief_step,
    beliefs,
    change,
    choose,
    linearise,
    moved,
    reach,
    scaled,
    solve_system,
    unsettled,
)


@dataclass
class NewtonState:
    """Strategies, beliefs, and the last two corrections in probability, (B,)."""

    z: State
    y: State
    delta: FloatArray
    previous: FloatArray
    sign: FloatArray


class Newton:
    """Newton steps of a batch, each shortened so that no probability leaps; a `Method`."""

    def __init__(
        self, problem: Problem, goal: float = 1e-13, away: FloatArray | None = None
    ) -> None:
        self.problem = problem
        self.goal = goal
        self.away = away
        """Profiles (K, n) to keep away from."""

    def begin(self, z: State) -> NewtonState:
        """From a profile, with the beliefs that go with it."""
        huge = np.full(self.problem.batch, np.inf)
        return NewtonState(z, beliefs(self.problem, z), huge, huge, np.zeros(self.problem.batch))

    def step(self, state: NewtonState) -> NewtonState:
        """One correction of strategies and beliefs."""
        problem, z, y = self.problem, state.z, state.y
        level = np.ones(problem.batch)
        with np.errstate(all="ignore"):
            lin = linearise(problem, z, y, level)
            dz, _, sign_of, _ = solve_system(problem, z, lin)
            dy = belief_step(problem, z, lin, dz, newton=True)
            if self.away is not None:
                factor = self._deflation(z, dz)
                dz, dy = scaled(dz, factor), scaled(dy, factor)
            short = np.minimum(1.0, np.minimum(reach(z, dz), reach(y, dy)))
            new_z, new_y = moved(problem, z, y, scaled(dz, short), scaled(dy, short))
            delta = np.maximum(change(z, new_z), change(y, new_y))
            delta = np.maximum(delta, unsettled(z, new_z))
            sign = sign_of()
        sound = np.isfinite(delta)
        return NewtonState(
            choose(sound, new_z, z),
            choose(sound, new_y, y),
            np.where(sound, delta, np.nan),
            state.delta,
            sign,
        )

    def _deflation(self, z: State, dz: State) -> FloatArray:
        """What the plain step is to be multiplied by, (B,)."""
        assert self.away is not None
        x = np.exp(np.concatenate(z, axis=1))
        dx = x * np.concatenate(dz, axis=1)
        gap = x[:, None, :] - self.away
        square = np.maximum((gap**2).sum(axis=2), 1e-300)
        slope = -2.0 * (gap * dx[:, None, :]).sum(axis=2) / (square * (square + 1.0))
        return np.asarray(1.0 / (1.0 - slope.sum(axis=1)))

    def settled(self, state: NewtonState) -> BoolArray:
        """Whose corrections vanished, or stopped shrinking at the size of rounding; (B,)."""
        stuck = (state.delta <= 1e-8) & (state.delta >= 0.5 * state.previous)
        return np.asarray((state.delta <= self.goal) | stuck)

    def ending(self, state: NewtonState) -> Status | None:
        """Ended when every game has settled or met a singular matrix."""
        broken = np.isnan(state.delta)
        if bool(broken.all()):
            return Status.SINGULAR
        return Status.CONVERGED if bool((self.settled(state) | broken).all()) else None

    def finite(self, state: NewtonState) -> bool:
        """Whether every log-strategy is a number; broken games stay where they were."""
        return not any(bool(np.isnan(part).any()) for part in state.z)
