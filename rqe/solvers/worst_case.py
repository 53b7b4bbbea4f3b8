"""The strategy of a player with ``tau = inf``: entropy-regularised maximin, to machine precision.

With ``tau = inf`` the worst case is over all joint actions of the others, so the player's problem
``max_x min_b (x·M)_b + epsilon H(x)`` does not depend on how they play. Its saddle point's dual
``p`` is the player's belief, and ``x = softmax(M p / epsilon)``. A primal–dual interior-point
method finds the columns that bind, an active-set Newton method makes the answer exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..core.ops import log_softmax
from ..model._checks import FloatArray
from ..result.status import Status
from ._interior import ENOUGH, InteriorPoint
from ._loop import iterate
from .security import maximin

PIVOTS = 100_000
"""Cap on the simplex iterations of the linear case."""


@dataclass(frozen=True)
class Saddle:
    """A feasible pair of the problem and its dual, as log-probabilities, and their gap."""

    log_x: FloatArray
    log_p: FloatArray
    gap: float


def worst_case_response(
    payoff: FloatArray, epsilon: float, max_steps: int = 200
) -> tuple[FloatArray, FloatArray, float]:
    """Solve ``max_x min_b (x·M)_b + epsilon H(x)`` and its dual over the simplices.

    The dual is ``min_p epsilon logsumexp(M p / epsilon)``; at ``epsilon = 0`` both are linear.

    Parameters
    ----------
    payoff : array (n, m)
        Own actions by the others' joint actions, of unit range (or constant).
    epsilon : float
        Degree of bounded rationality in the same units, ``>= 0``.
    max_steps : int
        Cap on the steps of each stage.

    Returns
    -------
    log_x : array (n,)
        Log-probabilities of the strategy; exactly ``log_softmax(M p / epsilon)`` where
        ``epsilon > 0``.
    log_p : array (m,)
        Log-probabilities of the belief.
    gap : float
        Duality gap in payoff units, never below 0 but for rounding: at most this much is lost by
        playing ``x``. Judge the answer by it; where precision ran out it is the best found.

    Examples
    --------
    >>> import numpy as np
    >>> log_x, log_p, gap = worst_case_response(np.array([[1.0, 0.0], [0.2, 0.6]]), 0.01)
    >>> np.exp(log_x).round(4), np.exp(log_p).round(4), gap < 1e-12
    (array([0.2857, 0.7143]), array([0.422, 0.578]), True)
    """
    matrix = np.asarray(payoff, dtype=np.float64)
    n, m = matrix.shape
    if n == 1 or m == 1:
        lowest = matrix.min(axis=0) == matrix.min()
        with np.errstate(divide="ignore"):
            log_p = np.log(lowest / lowest.sum()) if n == 1 else np.zeros(1)
        found = pair(matrix, epsilon, log_p)
        return found.log_x, found.log_p, found.gap
    # equal columns share their belief evenly: solve without the copies
    matrix, place, copies = np.unique(matrix, axis=1, return_inverse=True, return_counts=True)
    found = linear(matrix) if epsilon == 0.0 else Saddle(matrix, matrix, np.inf)
    # HiGHS's tolerance loses nearly equal columns; bold steps can lose a steep logarithm
    for centring in (0.0, 0.3, 0.1):
        if found.gap > 1e-12:
            again = smooth(matrix, epsilon, centring, max_steps)
            found = again if again.gap < found.gap else found
    return found.log_x, (found.log_p - np.log(copies))[place.ravel()], found.gap


def smooth(matrix: FloatArray, epsilon: float, centring: float, max_steps: int) -> Saddle:
    """Interior-point steps, then the polish (at ``epsilon = 0`` the interior pair itself)."""
    interior = InteriorPoint(matrix, epsilon, centring)
    inside, _, _ = iterate(interior, interior.begin(), max_steps)
    if epsilon == 0.0:
        return both(matrix, inside.x, inside.p)
    polish = Polish(matrix, epsilon)
    refined, _, _ = iterate(polish, polish.begin(inside.p, inside.s), max_steps)
    return refined.best


def pair(matrix: FloatArray, epsilon: float, log_p: FloatArray) -> Saddle:
    """The strategy that answers a belief, and the gap between the two."""
    worth = matrix @ np.exp(log_p)
    if epsilon > 0.0:
        log_x = log_softmax(worth / epsilon)
        held = float(np.exp(log_x) @ worth)
    else:
        with np.errstate(divide="ignore"):
            best = worth == worth.max()
            log_x = np.log(best / best.sum())
        held = float(worth.max())
    return Saddle(log_x, log_p, held - float((np.exp(log_x) @ matrix).min()))


@dataclass
class Refined:
    """A belief on its set of binding columns, and the best pair met so far."""

    p: FloatArray
    active: np.ndarray[tuple[int], np.dtype[np.bool_]]
    best: Saddle
    idle: int = 0


class Polish:
    """Newton's method on the binding columns, which drops and adds columns; a `Method`."""

    def __init__(self, matrix: FloatArray, epsilon: float) -> None:
        self.matrix = matrix
        self.epsilon = epsilon

    def begin(self, p: FloatArray, s: FloatArray) -> Refined:
        """From interior beliefs and slacks: a column binds where its belief exceeds its slack."""
        start = self.judged(Refined(p / p.sum(), p > 0.0, Saddle(p, p, np.inf)))
        active = p > s
        if not active.any():
            active = p == p.max()
        p = np.where(active, p, 0.0)
        return self.judged(Refined(p / p.sum(), active, start.best))

    def judged(self, at: Refined) -> Refined:
        """The state with its belief considered for the best pair."""
        with np.errstate(divide="ignore"):
            found = pair(self.matrix, self.epsilon, np.log(at.p))
        better = found.gap < 0.5 * at.best.gap
        best = found if found.gap < at.best.gap else at.best
        return replace(at, best=best, idle=0 if better else at.idle + 1)

    def step(self, at: Refined) -> Refined:
        """One Newton step to equal worth of the binding columns, shortened at a zero belief."""
        x = np.exp(log_softmax(self.matrix @ at.p / self.epsilon))
        u = x @ self.matrix
        active = at.active.copy()
        lowest = int(np.argmin(u))
        if not active[lowest] and u[lowest] < u[active].min() - ENOUGH:
            active[lowest] = True
        columns = self.matrix[:, active]
        # curvature of the dual, factored so that small directions keep their digits
        root = np.sqrt(x / self.epsilon)[:, None] * (columns - (x @ columns)[None, :])
        k = columns.shape[1]
        system = np.zeros((k + 1, k + 1))
        system[:k, :k] = root.T @ root
        system[:k, k] = system[k, :k] = 1.0
        load = np.append(u[active].mean() - u[active], 0.0)
        change = np.linalg.lstsq(system, load, rcond=1e-14)[0][:k]
        p = at.p[active]
        falling = change < 0.0
        longest = float(np.min(p[falling] / -change[falling])) if falling.any() else np.inf
        p = np.maximum(p + min(1.0, longest) * change, 0.0)
        new = np.zeros_like(at.p)
        new[active] = p / p.sum()
        if longest <= 1.0 and (new[active] > 0.0).any():
            active &= new > 0.0
        return self.judged(Refined(new, active, at.best, at.idle))

    def ending(self, at: Refined) -> Status | None:
        """Converged at the size of rounding; given up when ten steps in a row gain nothing."""
        if at.best.gap <= ENOUGH:
            return Status.CONVERGED
        return Status.MAX_STEPS if at.idle > 10 else None

    def finite(self, at: Refined) -> bool:
        """Whether the belief is made of numbers."""
        return bool(np.isfinite(at.p).all())


def linear(matrix: FloatArray) -> Saddle:
    """The case ``epsilon = 0``: the security strategy, by linear programming."""
    x, p, _, _ = maximin(matrix, PIVOTS)
    return both(matrix, x, p)


def both(matrix: FloatArray, x: FloatArray, p: FloatArray) -> Saddle:
    """A pair as log-probabilities, with the gap of the linear problem."""
    x, p = x / x.sum(), p / p.sum()
    with np.errstate(divide="ignore"):
        gap = float((matrix @ p).max() - (x @ matrix).min())
        return Saddle(np.log(x), np.log(p), gap)
