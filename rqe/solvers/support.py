r"""Exact solve on a support: the indifference equations of a profile, by Newton's method.

Unknown are the probabilities on the support and each player's payoff ``v_i``; the equations are
:math:`U_i(a, x_{-i}) = v_i` for the support's actions, and :math:`\sum_a x_i(a) = 1`.
For two players they are linear and one step solves them; for more they are polynomial. Steps are
least-squares ones of least norm, so that a continuum of solutions, as in a degenerate game, gives
the one nearest the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..result.status import Status
from ._loop import iterate

Profile = tuple[FloatArray, ...]
Masks = Sequence[np.ndarray[Any, np.dtype[np.bool_]]]

CUTS = (1e-2, 1e-3, 1e-5, 1e-8, 1e-12)
"""Probabilities below which an action may be left out of the support, each tried."""


def unit_payoffs(payoffs: Sequence[FloatArray]) -> Profile:
    """Each player's payoffs shifted and scaled to [0, 1]; constant ones to 0."""
    out = []
    for payoff in payoffs:
        span = float(np.ptp(payoff))
        out.append((payoff - payoff.min()) / (span if span > 0.0 else 1.0))
    return tuple(out)


def contract(payoff: FloatArray, profile: Sequence[FloatArray], keep: Sequence[int]) -> FloatArray:
    """Expectation of a payoff array over the play of every player not in ``keep``.

    Returns
    -------
    array
        Axes are the players kept, in the order of ``keep``.
    """
    out = payoff
    for player in reversed(range(len(profile))):
        if player not in keep:
            out = np.tensordot(out, profile[player], axes=([player], [0]))
    order = np.argsort(np.argsort(keep))
    return np.asarray(np.transpose(out, order))


def action_values(payoffs: Sequence[FloatArray], profile: Sequence[FloatArray]) -> Profile:
    """Expected payoff of each action of each player."""
    return tuple(contract(p, profile, [i]) for i, p in enumerate(payoffs))


def gain(payoffs: Sequence[FloatArray], profile: Sequence[FloatArray]) -> float:
    """Largest player's gain from its best reply, in the payoffs' units."""
    values = action_values(payoffs, profile)
    return max(float(v.max() - x @ v) for v, x in zip(values, profile, strict=True))


@dataclass
class Guess:
    """Probabilities and payoffs under Newton's method; which step comes next, how far off it is."""

    x: Profile
    v: FloatArray
    error: float
    previous: float


class Indifference:
    """The verbs of Newton's method on one support."""

    def __init__(self, payoffs: Sequence[FloatArray], support: Masks) -> None:
        self.payoffs = payoffs
        self.support = [np.flatnonzero(s) for s in support]

    def equations(self, x: Profile, v: FloatArray) -> FloatArray:
        """Payoff differences to indifference, then deviations of the sums from one."""
        values = action_values(self.payoffs, x)
        level = [values[i][rows] - v[i] for i, rows in enumerate(self.support)]
        return np.concatenate([*level, [float(xi.sum()) - 1.0 for xi in x]])

    def jacobian(self, x: Profile) -> FloatArray:
        """Derivative of `equations` in the support's probabilities, then in ``v``."""
        players = range(len(x))
        rows = []
        for i in players:
            blocks = []
            for j in players:
                shape = (len(self.support[i]), len(self.support[j]))
                if i == j:
                    blocks.append(np.zeros(shape))
                    continue
                pair = contract(self.payoffs[i], x, [i, j])
                blocks.append(pair[np.ix_(self.support[i], self.support[j])])
            price = np.zeros((len(self.support[i]), len(x)))
            price[:, i] = -1.0
            rows.append(np.hstack([*blocks, price]))
        sums = np.zeros((len(x), rows[0].shape[1]))
        start = 0
        for i in players:
            sums[i, start : start + len(self.support[i])] = 1.0
            start += len(self.support[i])
        return np.vstack([*rows, sums])

    def guess(self, x: Profile, v: FloatArray, previous: float) -> Guess:
        """A point with its error."""
        return Guess(x, v, float(np.abs(self.equations(x, v)).max()), previous)

    def step(self, state: Guess) -> Guess:
        """One least-norm Newton step."""
        matrix, right = self.jacobian(state.x), -self.equations(state.x, state.v)
        try:
            move = np.linalg.lstsq(matrix, right, rcond=1e-13)[0]
        except np.linalg.LinAlgError:
            move = np.full(matrix.shape[1], np.nan)
        x, start = [], 0
        for xi, own in zip(state.x, self.support, strict=True):
            fresh = xi.copy()
            fresh[own] += move[start : start + len(own)]
            start += len(own)
            x.append(fresh)
        return self.guess(tuple(x), state.v + move[start:], state.error)

    def ending(self, state: Guess) -> Status | None:
        """Done at rounding error, or when steps no longer help there; lost when far outside."""
        if state.error <= 1e-15 or (state.error <= 1e-11 and state.error >= 0.5 * state.previous):
            return Status.CONVERGED
        if max(float(np.abs(xi).max()) for xi in state.x) > 10.0:
            return Status.SINGULAR
        return None

    def finite(self, state: Guess) -> bool:
        """Whether every unknown is finite."""
        return bool(np.isfinite(state.error))


def solve_on_support(
    payoffs: Sequence[FloatArray],
    start: Sequence[FloatArray],
    support: Masks,
    max_steps: int = 30,
) -> tuple[Profile, int]:
    """Profile on a support that makes its actions indifferent, and the steps it took.

    Parameters
    ----------
    payoffs : sequence of array (n_1, ..., n_N)
        Of about unit range.
    start : sequence of array (n_i,)
    support : sequence of bool array (n_i,)
        Actions to be made indifferent, which may have positive probability; at least one a player.

    Returns
    -------
    profile, steps
        Non-negative and normalised. It need not be an equilibrium: the caller certifies.
    """
    method = Indifference(payoffs, support)
    x0 = distributions([np.where(s, x, 0.0) for x, s in zip(start, support, strict=True)])
    values = action_values(payoffs, x0)
    v0 = np.array([float(x @ v) for x, v in zip(x0, values, strict=True)])
    state, _, steps = iterate(method, method.guess(x0, v0, np.inf), max_steps)
    return distributions(state.x), steps


def distributions(weights: Sequence[FloatArray]) -> Profile:
    """Weights clipped at zero and normalised; uniform where nothing is left."""
    out = []
    for w in weights:
        clipped = np.maximum(w, 0.0)
        total = float(clipped.sum())
        uniform = np.full(len(w), 1.0 / len(w))
        out.append(clipped / total if np.isfinite(total) and total > 0.0 else uniform)
    return tuple(out)


def polish(
    payoffs: Sequence[FloatArray], start: Sequence[FloatArray], enough: float = 1e-14
) -> tuple[Profile, int]:
    """The best of a profile and of exact solves on the supports it suggests.

    Parameters
    ----------
    payoffs : sequence of array (n_1, ..., n_N)
        Of about unit range, as `unit_payoffs` makes them.
    start : sequence of array (n_i,)
        Near an equilibrium.
    enough : float
        Gain, in the payoffs' units, at which to look no further.

    Returns
    -------
    profile, steps
    """
    begin = best = distributions(start)
    least, work = gain(payoffs, best), 0
    tried = set()
    for cut in CUTS:
        support = [x >= min(cut, float(x.max())) for x in begin]
        key = b"".join(mask.tobytes() for mask in support)
        if least <= enough or key in tried:
            continue
        tried.add(key)
        found, steps = solve_on_support(payoffs, begin, support)
        work += steps
        found_gain = gain(payoffs, found)
        if found_gain < least:
            best, least = found, found_gain
    return best, work
