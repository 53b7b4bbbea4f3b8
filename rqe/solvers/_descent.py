"""Mirror descent of N players and their N adversaries, as a method of `_loop.iterate`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..certificate import general_evidence, is_solved
from ..core.ops import action_payoffs, joint_log, log_softmax, outcome_payoffs
from ..model._checks import FloatArray
from ..model.agent import Agent
from ..result.status import Status
from ._hindsight import Hindsight
from ._mirror import GEOMETRIES, Slope, of_regularizer, of_risk, proximal

CHECKS, PATIENCE = 10, 100
"""Steps between two looks at the evidence, while play hardly moves and while it does."""


@dataclass
class Profile:
    """Log-strategies of all players and log-beliefs of all adversaries, and their averages."""

    log_x: list[FloatArray]
    log_p: list[FloatArray]
    total: list[FloatArray]
    """Sums of the strategies played so far."""
    count: int = 0
    last: tuple[list[FloatArray], list[FloatArray], list[FloatArray]] | None = None
    """What all saw one step ago: values of actions, of outcomes, the others' log-play."""
    moved: float = np.inf
    """Largest change of a probability in the last step."""
    solved: bool = False
    evidence: tuple[FloatArray, FloatArray] | None = None

    def average(self) -> list[FloatArray]:
        """Logarithms of the averaged strategies; the start, before any step."""
        if self.count == 0:
            return self.log_x
        with np.errstate(divide="ignore"):
            return [np.log(s / s.sum()) for s in self.total]


class Mirror:
    """Mirror descent as a method of `_loop.iterate`.

    Parameters
    ----------
    own_payoffs : sequence of array (n_i, m_i)
    agents : sequence of Agent
    steps : array (N,)
        First step sizes, in 1/payoff units.
    record : collection of int
        Steps at which to write the trace.
    """

    def __init__(
        self,
        own_payoffs: Sequence[FloatArray],
        agents: Sequence[Agent],
        *,
        steps: FloatArray,
        schedule: str,
        geometry: str,
        optimistic: bool,
        tol: float,
        record: Collection[int] = (),
        progress: Callable[[int, float], None] | None = None,
    ) -> None:
        self.payoffs = [p - 0.5 * (float(p.max()) + float(p.min())) for p in own_payoffs]
        self.own_payoffs, self.agents = list(own_payoffs), tuple(agents)
        self.ranges = np.array([np.ptp(p) for p in own_payoffs])
        self.steps, self.schedule, self.optimistic = steps, schedule, optimistic
        self.geometry = GEOMETRIES[geometry]
        self.tol, self.record, self.progress = tol, frozenset(record), progress
        self.penalties: list[Slope] = [of_regularizer(a.regularizer) for a in agents]
        self.hindsight = Hindsight(self.agents, [p.shape for p in own_payoffs])
        self.trace: list[tuple[Any, ...]] = []

    def begin(self, log_x: Sequence[FloatArray]) -> Profile:
        """Given strategies, and beliefs that the others play just those."""
        given = [np.asarray(log_softmax(z)) for z in log_x]
        log_p = [joint_log(tuple(given), i) for i in range(len(given))]
        return Profile(given, log_p, [np.zeros_like(z) for z in given])

    def seen(self, state: Profile) -> tuple[list[FloatArray], list[FloatArray], list[FloatArray]]:
        """What each player and adversary faces: values of actions and outcomes, others' play."""
        values, outcomes, others = [], [], []
        for i, payoff in enumerate(self.payoffs):
            values.append(action_payoffs(payoff, np.exp(state.log_p[i])))
            outcomes.append(outcome_payoffs(payoff, np.exp(state.log_x[i])))
            others.append(joint_log(tuple(state.log_x), i))
        return values, outcomes, others

    def step(self, state: Profile) -> Profile:
        """All 2N move at once, towards what they saw or, if optimistic, expect to see next."""
        now = self.seen(state)
        self.hindsight.add(now, state.log_x, state.log_p)
        then = state.last if self.optimistic and state.last is not None else now
        values, outcomes, others = (
            [2.0 * b - a for a, b in zip(old, new, strict=True)]
            for old, new in zip(then, now, strict=True)
        )
        shrink = 1.0 if self.schedule == "constant" else 1.0 / np.sqrt(state.count + 1.0)
        log_x, log_p = [], []
        for i, agent in enumerate(self.agents):
            size = float(self.steps[i]) * shrink
            slope = self.penalties[i]
            log_x.append(proximal(-values[i], slope, self.geometry, size, state.log_x[i]))
            # an extrapolated distribution need not add up to one
            slope, linear = of_risk(agent.risk, np.asarray(log_softmax(others[i])))
            outcome = outcomes[i] + linear
            log_p.append(proximal(outcome, slope, self.geometry, size, state.log_p[i]))
        total = [s + np.exp(z) for s, z in zip(state.total, state.log_x, strict=True)]
        pairs = zip(log_x, state.log_x, strict=True)
        moved = max(float(np.abs(np.exp(a) - np.exp(b)).max()) for a, b in pairs)
        return Profile(log_x, log_p, total, state.count + 1, now, moved)

    def look(self, state: Profile) -> tuple[FloatArray, FloatArray]:
        """Residual and largest regret bound of the last and the averaged iterate, each (2,)."""
        if state.evidence is None:
            found = [self.judged(state.log_x), self.judged(state.average())]
            state.evidence = np.array([f[0] for f in found]), np.array([f[1] for f in found])
            state.solved = found[0][2] or found[1][2]
        return state.evidence

    def judged(self, log_x: list[FloatArray]) -> tuple[float, float, bool]:
        """Residual and largest regret of a profile, by definition, and whether that is solved."""
        found = general_evidence(self.own_payoffs, log_x, self.agents)
        worst = float(found.regret.max())
        return float(found.residual), worst, bool(is_solved(found, self.ranges, self.tol))

    def ending(self, state: Profile) -> Status | None:
        """Converged as soon as a look finds the last or the averaged iterate solved."""
        due = state.count in self.record
        # looking costs as much as several steps: a play that moves by more is not at rest
        every = CHECKS if state.moved <= 10.0 * self.tol else PATIENCE
        if due or state.count % every == 0:
            gaps, _ = self.look(state)
            if self.progress is not None:
                self.progress(state.count, float(gaps.min()))
        if due or (state.solved and self.record):
            self.write(state)
        return Status.CONVERGED if state.solved else None

    def write(self, state: Profile) -> None:
        """One record of the trace."""
        if self.trace and self.trace[-1][0] == state.count:
            return
        gaps, regrets = self.look(state)
        external = self.hindsight.regrets()
        mean = [np.exp(z) for z in state.average()]
        self.trace.append(
            (state.count, [np.exp(z) for z in state.log_x], mean, gaps, regrets, external)
        )

    def finite(self, state: Profile) -> bool:
        """Whether every proximal step found its minimiser."""
        return all(bool(np.all(np.isfinite(z))) for z in (*state.log_x, *state.log_p))
