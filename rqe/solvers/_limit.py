"""The end of a branch at ``epsilon = 0``: the exact Nash equilibrium on its limiting support."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model._checks import FloatArray
from ..model.normal_form import NormalFormGame
from ._curve import Curve, Point
from ._system import stack
from .support import Profile, action_values, gain, polish, solve_on_support, unit_payoffs

SLOW = 0.05
"""Change of any probability for a unit of ``log s`` below which the limit is looked for."""
BLUNT = 10.0
"""Ratio of payoff range to epsilon below which no limit is looked for."""
PATIENCE = 1.2
"""Factor by which the precision must have grown before another look."""
AGREE = 0.2
"""Distance between the limit found and the one foreseen, relative to that change."""
NEAR = 1e-4
"""Largest distance of a limit that is not isolated from the last point of its branch."""
EXACT = 1e-12
"""Gain from deviating, in units of the payoff range, of an exact equilibrium."""


@dataclass
class Limit:
    """Looks for the Nash equilibrium that a branch ends in."""

    game: NormalFormGame
    curve: Curve
    after: float = 0.0
    """Parameter up to which the branch is wanted, whatever it ends in."""

    def __post_init__(self) -> None:
        self.payoffs = unit_payoffs(self.game.payoffs)
        self.found: Profile | None = None
        self.tried = 0.0

    def __call__(self, here: Point) -> bool:
        """Whether the branch at this point is known to end in the profile then in ``found``.

        Close to a regular equilibrium ``x*`` whose best replies are all in its support, a branch
        runs as ``x* + c / s``: the change for a unit of ``log s`` says where it leads.
        """
        self.found = None
        if here.s < self.tried:
            self.tried = 0.0  # another branch
        sharpness = here.s * float(self.curve.problem.precision.max())
        if here.ahead <= 0.0 or here.s <= self.after or sharpness < BLUNT:
            return False
        x = np.exp(stack(here.z)[0])
        rate = x * here.along[:-1] * (here.s / here.ahead)
        swift = float(np.abs(rate).max())
        if swift > SLOW:
            return False
        if here.s < PATIENCE * self.tried:
            return False
        self.tried = here.s
        # by first order an action is headed for x + rate, below zero where it dies out
        alive = self.curve.split(x + rate > 0.1 * x)
        start = [np.exp(part[0]) for part in here.z]
        profile, _ = solve_on_support(self.payoffs, start, [part[0] for part in alive], 8)
        flat = np.concatenate(profile)
        if gain(self.payoffs, profile) > EXACT:
            return False
        if float(np.abs(flat - x - rate).max()) > AGREE * swift + 1e-9:
            return False
        if not self._settled(profile, x, here.s):
            return False
        self.found = profile
        return True

    def nearest(self, here: Point) -> Profile | None:
        """A Nash equilibrium next to the last point, where the limit is not a regular one.

        Where actions outside the support tie with it, or equilibria form a continuum, a branch
        comes in too slowly for its limit to be told from its neighbours.
        """
        x = [np.exp(part[0]) for part in here.z]
        profile, _ = polish(self.payoffs, x)
        away = max(float(np.abs(a - b).max()) for a, b in zip(profile, x, strict=True))
        return profile if away <= NEAR and gain(self.payoffs, profile) <= EXACT else None

    def _settled(self, profile: Profile, x: FloatArray, s: float) -> bool:
        """Whether all actions outside the support lose, by what their logit play says they do."""
        values = action_values(self.payoffs, profile)
        start = 0
        for i, (own, value) in enumerate(zip(profile, values, strict=True)):
            played = x[start : start + len(own)]
            start += len(own)
            idle = own <= 0.0
            if not idle.any():
                continue
            slack = float(value.max()) - value[idle]
            if float(slack.min()) * s * float(self.curve.problem.precision[0, i]) < 3.0:
                return False
            if float(played[idle].max()) > 0.1:
                return False
        return True
