"""Anderson-accelerated iteration of the quantal reply map: a few payoff products a step.

The fastest way to SOME equilibrium where the reply map is not too steep (``range/epsilon`` and
``tau × range²/epsilon`` moderate). It follows no branch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..model._checks import FloatArray
from ..result.status import Status
from ._problem import Problem
from ._rows import action_payoffs
from ._system import State, beliefs, normalised, spread, stack, unsettled

MEMORY = 8
"""Differences of past iterates that the acceleration combines."""
PATIENCE = 40
"""Steps without a new best residual after which the iteration has stalled."""


@dataclass
class Iterate:
    """Log-strategies, what the reply map makes of them, and the memory of past differences."""

    z: State
    answer: State
    residual: FloatArray
    best: float = np.inf
    stalled: int = 0
    past_z: list[FloatArray] = field(default_factory=list)
    past_gap: list[FloatArray] = field(default_factory=list)


def replies(problem: Problem, z: State) -> State:
    """Quantal replies of the active players, as log-probabilities; fixed players stay."""
    out = []
    for i, (payoff, log_p) in enumerate(zip(problem.payoffs, beliefs(problem, z), strict=True)):
        if problem.fixed[i] is None:
            values = action_payoffs(payoff, np.exp(log_p))
            out.append(normalised(problem.precision[:, i, None] * values))
        else:
            out.append(z[i])
    return out


def _residual(z: State, answer: State) -> FloatArray:
    gaps = [np.abs(np.exp(a) - np.exp(b)).max(axis=1) for a, b in zip(z, answer, strict=True)]
    return np.asarray(np.maximum(np.max(gaps, axis=0), unsettled(z, answer)))


class FixedPoint:
    """Anderson acceleration (type II) on logits, for a batch; a `Method`."""

    def __init__(self, problem: Problem, tol: float) -> None:
        self.problem = problem
        self.tol = tol

    def begin(self, z: State) -> Iterate:
        """From a profile."""
        answer = replies(self.problem, z)
        return Iterate(z, answer, _residual(z, answer))

    def step(self, state: Iterate) -> Iterate:
        """Combine the remembered differences, then ask for the replies again."""
        active = self.problem.active
        now = stack([state.z[i] for i in active])
        gap = stack([state.answer[i] for i in active]) - now
        mixed = now + gap
        if state.past_z:
            d_z = np.stack([now - old for old in state.past_z], axis=2)
            d_gap = np.stack([gap - old for old in state.past_gap], axis=2)
            gram = np.swapaxes(d_gap, 1, 2) @ d_gap
            size = np.trace(gram, axis1=1, axis2=2)[:, None, None]
            gram += (1e-12 * size + 1e-300) * np.eye(gram.shape[1])
            pull = np.swapaxes(d_gap, 1, 2) @ gap[:, :, None]
            weights = np.linalg.solve(gram, pull)
            mixed = mixed - ((d_z + d_gap) @ weights)[:, :, 0]
        parts = spread(self.problem, mixed)
        fixed = self.problem.fixed
        z = [
            normalised(part) if given is None else given
            for part, given in zip(parts, fixed, strict=True)
        ]
        answer = replies(self.problem, z)
        residual = _residual(z, answer)
        worst = float(residual.max())
        improved = worst < 0.9 * state.best
        return Iterate(
            z,
            answer,
            residual,
            best=min(worst, state.best),
            stalled=0 if improved else state.stalled + 1,
            past_z=[*state.past_z, now][-MEMORY:],
            past_gap=[*state.past_gap, gap][-MEMORY:],
        )

    def ending(self, state: Iterate) -> Status | None:
        """Converged within tolerance; given up after `PATIENCE` steps without progress."""
        if bool((state.residual <= self.tol).all()):
            return Status.CONVERGED
        return Status.MAX_STEPS if state.stalled > PATIENCE else None

    def finite(self, state: Iterate) -> bool:
        """Whether the residuals are numbers."""
        return bool(np.isfinite(state.residual).all())
