"""A Nash request and the certificate that every answer to it must pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..model.agent import make_agents
from ..model.normal_form import NormalFormGame
from ..result.equilibrium import Equilibrium, EquilibriumSet
from ..result.status import ConvergenceError, Status
from ._report import log_of, relabel, report
from .support import polish, unit_payoffs

REGRET = 1e-9
"""Largest regret of an answer, in units of the player's payoff range."""


@dataclass(frozen=True)
class Request:
    """What was asked for."""

    game: NormalFormGame
    tol: float
    max_steps: int
    throw: bool
    start: Any
    seed: Any
    small: bool
    """Whether all equilibria can be enumerated in a second or two."""

    def certify(
        self, strategies: Sequence[FloatArray], method: str, steps: int, **more: Any
    ) -> Equilibrium:
        """The record of a profile; CONVERGED only with residual and regret in tolerance."""
        agents = make_agents(0.0, 0.0, self.game.n_players)
        found = report(
            self.game,
            log_of(strategies),
            agents,
            tol=self.tol,
            method=method,
            iterations=steps,
            concept="nash",
            throw=False,
            **more,
        )
        ranges = self.game.payoff_ranges
        allowed = REGRET * np.where(ranges > 0.0, ranges, 1.0)
        if found.status is Status.CONVERGED and bool(np.any(found.regret > allowed)):
            return relabel(found, status=Status.UNCERTIFIED)
        return found

    def land(
        self, strategies: Sequence[FloatArray], method: str, steps: int, ending: Status
    ) -> Equilibrium:
        """The record of a profile, solved exactly on its support where it is not precise enough."""
        found = self.certify(strategies, method, steps, ending=ending)
        if found.status is Status.CONVERGED:
            return found
        profile, more = polish(unit_payoffs(self.game.payoffs), strategies)
        return self.certify(profile, method, steps + more, ending=ending)

    def failed(self, best: Equilibrium, method: str, note: str) -> EquilibriumSet:
        """The ending of a method that has no certified answer."""
        if self.throw:
            raise ConvergenceError(best, note)
        return EquilibriumSet((best,), method=method, notes=(note,))

    def uniform(self) -> tuple[FloatArray, ...]:
        """The uniform profile."""
        return tuple(np.full(n, 1.0 / n) for n in self.game.shape)


def unless(status: Status) -> Status:
    """The ending of a stage, as that of a profile which fails its certificate after it."""
    return Status.UNCERTIFIED if status is Status.CONVERGED else status


def single(request: Request, eq: Equilibrium, method: str, note: str = "") -> EquilibriumSet:
    """A set of one equilibrium that a method ended with."""
    if eq.status is not Status.CONVERGED:
        return request.failed(eq, method, "no certified equilibrium was reached")
    alone = "one equilibrium; others were not searched for"
    return EquilibriumSet((eq,), method=method, notes=(note or alone,))


def better(best: Equilibrium | None, found: Equilibrium, request: Request) -> Equilibrium:
    """The one with the smaller regret, in units of the payoff ranges; certified ones first."""
    if best is None:
        return found
    ranges = request.game.payoff_ranges
    units = np.where(ranges > 0.0, ranges, 1.0)

    def badness(eq: Equilibrium) -> tuple[bool, float]:
        return eq.status is not Status.CONVERGED, float(np.max(eq.regret / units))

    return found if badness(found) < badness(best) else best


def same(this: Equilibrium, other: Equilibrium) -> bool:
    """Whether two profiles differ by no more than rounding."""
    pairs = zip(this.strategies, other.strategies, strict=True)
    return all(float(np.abs(x - y).max()) <= 1e-9 for x, y in pairs)
