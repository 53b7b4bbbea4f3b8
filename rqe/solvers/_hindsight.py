"""Average external regret: what the best fixed choice in hindsight would have gained a step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.risk import ChiSquared, Entropic, ReverseKL
from ..model._checks import FloatArray
from ..model.agent import Agent


class Hindsight:
    """Running sums from which all 2N external regrets follow in closed form.

    A player's best fixed strategy answers the average values of its actions. An adversary's best
    fixed belief answers the average values of outcomes, anchored to a summary of the others' play:
    its geometric mean for `Entropic`, arithmetic for `ReverseKL`, harmonic for `ChiSquared`.
    """

    def __init__(self, agents: Sequence[Agent], shapes: Sequence[tuple[int, ...]]) -> None:
        self.agents = tuple(agents)
        self.count = 0
        self.values = [np.zeros(n) for n, _ in shapes]
        self.outcomes = [np.zeros(m) for _, m in shapes]
        self.anchors = [np.zeros(m) for _, m in shapes]
        self.entropies = np.zeros(len(shapes))
        """Of ReverseKL: sum of ``q log q``."""
        self.gained = np.zeros(len(shapes))
        self.paid = np.zeros(len(shapes))

    def add(
        self,
        seen: tuple[list[FloatArray], list[FloatArray], list[FloatArray]],
        log_x: Sequence[FloatArray],
        log_p: Sequence[FloatArray],
    ) -> None:
        """One step: what everybody faced, and what it played."""
        self.count += 1
        for i, (values, outcomes, log_q) in enumerate(zip(*seen, strict=True)):
            agent, x, p = self.agents[i], np.exp(log_x[i]), np.exp(log_p[i])
            self.values[i] += values
            self.outcomes[i] += outcomes
            self.gained[i] += float(x @ values) - float(agent.regularizer.penalty(log_x[i]))
            self.paid[i] += float(p @ outcomes) + float(agent.risk.penalty(log_p[i], log_q))
            if isinstance(agent.risk, Entropic):
                self.anchors[i] += log_q
            elif isinstance(agent.risk, ReverseKL):
                self.anchors[i] += np.exp(log_q)
                self.entropies[i] += float(np.exp(log_q) @ log_q)
            else:
                self.anchors[i] += np.exp(-log_q)

    def regrets(self) -> FloatArray:
        """Average external regret of the N players, then of their N adversaries; (2N,)."""
        n = len(self.agents)
        out = np.full(2 * n, np.nan)
        if self.count == 0:
            return out
        t = float(self.count)
        for i, agent in enumerate(self.agents):
            values = self.values[i] / t
            best = agent.regularizer.log_response(values)
            most = float(np.exp(best) @ values) - float(agent.regularizer.penalty(best))
            out[i] = most - self.gained[i] / t
            out[n + i] = self.paid[i] / t - self._least(i, t)
        return out

    def _least(self, i: int, t: float) -> float:
        """Lowest average loss of a fixed belief."""
        risk, u, anchor = self.agents[i].risk, self.outcomes[i] / t, self.anchors[i] / t
        if isinstance(risk, Entropic):
            log_mass = float(np.logaddexp.reduce(anchor))
            value = float(risk.certainty_equivalent(u, anchor - log_mass))
            return float(value - log_mass / float(risk.tau))
        if isinstance(risk, ReverseKL):
            log_q = np.log(anchor)
            spread = self.entropies[i] / t - float(anchor @ log_q)
            value = float(risk.certainty_equivalent(u, log_q))
            return float(value + spread / float(risk.tau))
        mass = float((1.0 / anchor).sum())
        log_q = -np.log(anchor) - np.log(mass)
        # the divergence from the harmonic mean weighs 1/mass more, and lacks a constant
        tau = float(risk.tau) * mass
        value = float(ChiSquared(tau).certainty_equivalent(u, log_q))
        return float(value + 1.0 / tau - 1.0 / float(risk.tau))
