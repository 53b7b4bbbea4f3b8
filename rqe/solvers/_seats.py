"""Each player's view of a quadratic game: its payoff, the others' risk to it, its response map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core import gaussian as core
from ..model._checks import FloatArray
from ..model.agent import Agent, degrees
from ..model.quadratic import QuadraticGame
from ..result.status import InfiniteRiskError

EDGE = 1.0 - 8.0 * float(np.finfo(np.float64).eps)
"""Share of the largest tau that rounding cannot tell from all of it."""


@dataclass(frozen=True)
class Seat:
    """One player's view of the game: its payoff, its attitude and the risk the others are to it."""

    payoff: core.Quadratic
    tau: float
    epsilon: float
    factor: FloatArray
    """Of its own covariance."""
    exposure: core.Exposure
    """Of the others' play."""
    max_tau: float
    jacobian: FloatArray
    offset: FloatArray
    """Mean of the best response: ``jacobian @ others + offset``."""
    worst: FloatArray | None
    """The others' actions prepared for at ``tau = inf``, which nobody's choice moves."""

    @property
    def covariance(self) -> FloatArray:
        """Of its own play, ``-epsilon H_ii^{-1}``."""
        return self.factor @ self.factor.T


def seats_of(game: QuadraticGame, agents: tuple[Agent, ...]) -> list[Seat]:
    """Every player's seat, or `InfiniteRiskError` for the first whose risk is infinite."""
    tau, epsilon = degrees(agents)
    payoffs = [game.payoff(i) for i in range(game.n_players)]
    units = [core.response_factor(p.own, 1.0) for p in payoffs]
    seats = []
    for i, payoff in enumerate(payoffs):
        t = float(tau[i])
        scales = np.repeat(np.sqrt(epsilon), game.dims)[game.others(i)]
        unit = stack([f for j, f in enumerate(units) if j != i])
        reach = unit * scales
        own = np.sqrt(epsilon[i]) * units[i]
        if not all(np.all(np.isfinite(x)) for x in (own @ own.T, reach.T @ payoff.other @ reach)):
            raise ValueError(
                f"epsilon must give finite variances -epsilon / H_ii; got {epsilon}: rescale it"
            )
        found = core.exposure(payoff.other, reach)
        bound, worst = float(core.max_tau(found)), None
        if np.isinf(t):
            saddle = _security(payoff, units[i], core.exposure(payoff.other, unit))
            if saddle is None:
                raise InfiniteRiskError(i, t, bound)
            (offset, worst), jacobian = saddle, np.zeros(payoff.cross.shape)
        elif t >= EDGE * bound or np.any(np.isnan(core.tilted_covariance(found, t))):
            raise InfiniteRiskError(i, t, min(t, bound))
        else:
            jacobian, offset = core.response_map(payoff, found, t)
        seats.append(Seat(payoff, t, float(epsilon[i]), own, found, bound, jacobian, offset, worst))
    return seats


def stack(blocks: Sequence[FloatArray]) -> FloatArray:
    """Block-diagonal matrix; empty for a lone player."""
    size = sum(len(b) for b in blocks)
    out, at = np.zeros((size, size)), 0
    for b in blocks:
        out[at : at + len(b), at : at + len(b)] = b
        at += len(b)
    return out


def _security(
    payoff: core.Quadratic, own: FloatArray, found: core.Exposure
) -> tuple[FloatArray, FloatArray] | None:
    """Saddle of the payoff: best mean against the others' worst actions; None where unbounded.

    Solved in coordinates that make own curvatures unit ones, so that units do not matter.
    """
    if np.any(found.rates < 0.0):
        return None
    pull = own.T @ payoff.cross @ found.factor
    push = found.factor.T @ payoff.other_linear
    size = max(np.sqrt(np.max(found.rates, initial=0.0)), np.max(np.abs(pull), initial=0.0))
    unit = 1.0 / size if size > 0.0 else 1.0
    n = len(own)
    system = np.block(
        [[np.eye(n), -unit * pull], [unit * pull.T, unit**2 * found.curvature]],
    )
    right = np.concatenate([own.T @ payoff.own_linear, -unit * push])
    answer = np.linalg.lstsq(system, right, rcond=1e-13)[0]
    terms = np.abs(system) @ np.abs(answer) + np.abs(right)
    if np.any(np.abs(system @ answer - right) > 1e-9 * np.max(terms, initial=0.0)):
        return None
    return own @ answer[:n], found.factor @ (unit * answer[n:])


def pseudo_inverse(convex: FloatArray) -> FloatArray:
    """Inverse of a symmetric matrix on its range."""
    return np.asarray(np.linalg.pinv(convex, rcond=1e-12, hermitian=True), dtype=np.float64)
