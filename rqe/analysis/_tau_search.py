"""Searches over degrees of risk aversion in the closed form of an aggregative game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize

from ..model._checks import FloatArray, whole
from .aggregative import Frame

_POINTS = 801  # of a search along a line: stationary points within one step may be missed
_ROUNDING = 1e-14  # a larger tau must gain more than that, in proportion
SHORT = 1e-6
"""How far from infinite risk, as a share, `climb` stops."""


@dataclass(frozen=True, eq=False)
class Objective:
    """``reward`` times the shared reward less ``weights @ costs``, at the means."""

    frame: Frame
    reward: float
    weights: FloatArray

    def margins(self, tau: FloatArray) -> FloatArray:
        """``1 - q_i`` by direction, (..., N, d), of every player's ``tau`` (..., N)."""
        return np.asarray(1.0 - tau[..., None] * self.frame.reach)

    def push(self, margins: FloatArray) -> FloatArray:
        """How fast each player's share grows in the logit, ``r_i s_i``; (..., N, d)."""
        return np.asarray(self.frame.reach / margins * self.frame.shares(margins)[0])

    def value(self, margins: FloatArray) -> FloatArray:
        """The objective, (...)."""
        shares, undone = self.frame.shares(margins)
        price = self.weights * self.frame.rho
        miss = self.reward * self.frame.eta * undone**2
        cost = np.sum(price[:, None] * shares**2, axis=-2)
        return np.asarray(-0.5 * np.sum(self.frame.aim**2 * (miss + cost), axis=-1))

    def slopes(self, margins: FloatArray) -> FloatArray:
        """Its derivative in each player's ``tau``, (..., N)."""
        shares, undone = self.frame.shares(margins)
        paid = (self.weights * self.frame.rho)[:, None] * shares
        gain = self.reward * self.frame.eta * undone**2 + np.sum(paid * shares, axis=-2)
        change = self.push(margins) * (gain[..., None, :] - paid)
        return np.asarray(np.sum(self.frame.aim**2 * change, axis=-1))


def search(
    frame: Frame,
    of: int | str,
    start: FloatArray,
    direction: FloatArray,
    upper: float | None = None,
) -> tuple[float, float, str]:
    """Where an objective is largest on the line ``start + step * direction``.

    Parameters
    ----------
    frame : Frame
    of : int, "team" or "planner"
        As for `best_common_tau`.
    start, direction : array (N,)
        ``start`` is admissible; the direction is that of one player, or of all from 0.
    upper : float, optional
        The largest step, admissible; by default steps go up to infinite risk.

    Returns
    -------
    tuple
        The step, the objective there and `BestTau.where`.
    """
    objective = objective_of(frame, of)
    moving = direction > 0.0
    room = np.min((frame.max_tau - start)[moving] / direction[moving])
    end = float(room) if upper is None else upper

    def margins(step: Any) -> FloatArray:
        return objective.margins(start + np.asarray(step)[..., None] * direction)

    def slope(step: Any) -> Any:
        return objective.slopes(margins(step)) @ direction

    # shares of the way, the last of them crowding at its end, where the objective may turn sharply
    share = np.append(np.linspace(0.0, 1.0, _POINTS)[:-1], 1.0 - 10.0 ** -np.arange(4.0, 11.0))
    inside = end * share if np.isfinite(end) else np.zeros(1)
    slopes = slope(inside)
    if not np.any(slopes):
        return 0.0, float(objective.value(margins(0.0))), "constant"
    peaks = np.flatnonzero((slopes[:-1] > 0.0) & (slopes[1:] <= 0.0))
    found = [(0.0, "zero"), *((_root(slope, *inside[k : k + 2]), "interior") for k in peaks)]
    candidates = [(float(objective.value(margins(x))), x, word) for x, word in found]
    # the limit: who is at infinite risk does everything, shared by costs (margins that reach 0
    # together fall at the same rate)
    last = margins(end)
    last = np.where(last <= 1e-12, 1e-100, last)
    candidates.append((float(objective.value(last)), end, "boundary"))
    best = candidates[0]
    for candidate in candidates[1:]:
        if candidate[0] > best[0] + _ROUNDING * abs(best[0]):
            best = candidate
    return best[1], best[0], best[2]


def objective_of(frame: Frame, of: int | str) -> Objective:
    """A player's payoff, the ``"team"``'s sum of payoffs, or the ``"planner"``'s objective."""
    n = frame.rho.size
    if isinstance(of, str):
        if of not in ("team", "planner"):
            raise ValueError(f"of must be a player, 'team' or 'planner'; got {of!r}")
        return Objective(frame, float(n) if of == "team" else 1.0, np.ones(n))
    return Objective(frame, 1.0, (np.arange(n) == check_player(of, n)).astype(np.float64))


def check_player(player: Any, n: int) -> int:
    """A player's index, from 0."""
    return whole(player, "player", 0, n - 1)


def _root(slope: Any, left: float, right: float) -> float:
    return float(brentq(slope, left, right, xtol=1e-300, rtol=4.0 * np.finfo(np.float64).eps))


def climb(objective: Objective, scale: FloatArray, start: FloatArray) -> FloatArray:
    """Local maximum over every player's share of its largest ``tau``, up to `SHORT` of it."""
    size = max(-float(objective.value(objective.margins(0.0 * scale))), 1e-300)

    def loss(share: FloatArray) -> tuple[float, FloatArray]:
        margins = objective.margins(share * scale)
        return -float(objective.value(margins)) / size, -objective.slopes(margins) * scale / size

    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0 - SHORT if s > 0.0 else 0.0) for s in scale],
        options={"ftol": 1e-15, "gtol": 1e-11, "maxiter": 500},
    )
    return np.asarray(found.x)
