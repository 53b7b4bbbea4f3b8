"""Stationary equilibria of discounted games: value iteration, Newton on values, continuation.

All three look for values that reproduce themselves: solve every stage game at the values of the
next states, and get those values back. What differs is where the next values come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..result.status import Status
from ._loop import iterate
from ._markov_stage import relax
from ._markov_sweep import CLOSE, Round, Sweep
from ._system import change

ROUGH = 1e-2
"""Changes of values, relative to the range of stage payoffs, from which Newton takes over."""
PATIENCE = 40
"""Rounds without a new best after which value iteration counts as going in circles."""
HALVINGS = 7
"""Shortest Newton step: this many halvings of the full one."""
EASY, FIRST, SHORTEST, LEAP = 30.0, 0.5, 1e-4, 0.35
"""Continuation: first ``epsilon`` relative to the range of values that can be at stake, first and
shortest step in ``log epsilon``, and largest change of a probability in one step."""


def span(found: Round) -> float:
    """Half the spread of what a round changes values by: what a shift of values cannot remove."""
    gap = found.gap
    return float(0.5 * (gap.max(axis=1) - gap.min(axis=1)).max())


def shifted(found: Round, discount: float) -> FloatArray:
    """Values of a round, moved to where a common change of all of them would end."""
    gap = found.gap
    middle = 0.5 * (gap.max(axis=1) + gap.min(axis=1))
    return np.asarray(found.values + (discount / (1.0 - discount) * middle)[:, None])


def scale_of(found: Round) -> float:
    """Largest range of any stage game's payoffs; 1 if they have none."""
    return max(float(np.ptp(p, axis=(1, 2)).max()) for p in found.payoffs) or 1.0


@dataclass
class Iteration:
    """Where value iteration stands: the last round, the best one, and rounds since then."""

    last: Round
    best: Round
    since: int = 0
    circling: bool = False


class ValueIteration:
    """Values of one round are the next one's values ahead, shifted; a `Method`.

    Parameters
    ----------
    sweep : Sweep
    goal : float
        Change of values, relative to the range of stage payoffs, that ends it.
    stagewise : bool
        Take every stage game's own principal equilibrium, in place of the one next to the last
        round's.
    share : float in (0, 1]
        Part of each change of values that is made: less than 1 can settle what goes in circles.
    """

    def __init__(
        self, sweep: Sweep, goal: float, *, stagewise: bool = False, share: float = 1.0
    ) -> None:
        self.sweep, self.goal, self.stagewise, self.share = sweep, goal, stagewise, share

    def step(self, state: Iteration) -> Iteration:
        """One round."""
        last = state.last
        ahead = shifted(last, self.sweep.stages.discount)
        ahead = last.ahead + self.share * (ahead - last.ahead)
        if self.stagewise:
            found = self.sweep.principal(ahead)
        else:
            # inexact while values still move: what is left of a correction is about its square
            rough = min(1e-3, 1e-2 * np.sqrt(last.size / scale_of(last)))
            found = self.sweep.near(ahead, last, max(CLOSE, rough))
        better = span(found) < 0.9 * span(state.best)
        best = found if better else state.best
        return Iteration(found, best, 0 if better else state.since + 1)

    def ending(self, state: Iteration) -> Status | None:
        """Ended when values reproduce themselves, or go in circles."""
        if state.last.size <= self.goal * scale_of(state.last):
            return Status.CONVERGED
        state.circling = state.since >= PATIENCE
        return Status.LOST_BRANCH if state.circling else None

    def finite(self, state: Iteration) -> bool:
        """Whether all values are numbers."""
        return bool(np.isfinite(state.last.values).all())


def newton_step(sweep: Sweep, found: Round) -> FloatArray:
    """Change of the values ahead (N, S) after which, to first order, a round reproduces them."""
    from scipy import sparse

    stages, n_players = sweep.stages, sweep.game.n_players
    believed = [e.believed(v) for e, v in zip(stages.environments, found.ahead, strict=True)]
    blocks: list[list[Any]] = []
    for i, row in enumerate(sweep.slopes(found)):
        blocks.append([])
        for k, slope in enumerate(row):
            block = None
            if slope is not None:
                block = -stages.discount * stages.onward(stages.joint(slope, k), believed[k])
                if i == k:
                    block = block + sparse.eye_array(sweep.game.n_states, format="csr")
            blocks[-1].append(block)
    matrix = sparse.block_array(blocks, format="csr")
    return relax(matrix, found.gap.ravel()).reshape(n_players, -1)


@dataclass
class Descent:
    """Where Newton's method stands, and why it stopped if it did."""

    now: Round
    halted: Status | None = None
    steps: int = 0


class ValueNewton:
    """Newton's method on the values, each stage game followed to where it moves; a `Method`.

    A step is halved until it makes the change of values smaller. Close to an equilibrium it
    converges quadratically, also where value iteration goes in circles around it.
    """

    def __init__(self, sweep: Sweep, goal: float, *, strict: bool = False) -> None:
        self.sweep, self.goal, self.strict = sweep, goal, strict
        """`strict`: give up where a stage game has to be found anew, which may change branch."""

    def step(self, state: Descent) -> Descent:
        """One step of the values ahead."""
        now = state.now
        with np.errstate(all="ignore"):
            move = newton_step(self.sweep, now)
        if not np.isfinite(move).all():
            return Descent(now, Status.SINGULAR, state.steps)
        for k in range(HALVINGS):
            share = 0.5**k
            ahead = now.ahead + share * move
            found = self.sweep.near(ahead, now, CLOSE, strict=self.strict, trial=True)
            if found.solved.all() and found.size <= (1.0 - 0.1 * share) * now.size:
                return Descent(found, None, state.steps + 1)
        floor = 1e-12 * (1.0 + float(np.abs(now.values).max()))
        return Descent(now, Status.CONVERGED if now.size <= floor else Status.LOST_BRANCH)

    def ending(self, state: Descent) -> Status | None:
        """Ended when values reproduce themselves to the goal, or no step improves on them."""
        if state.halted is not None:
            return state.halted
        close = state.now.size <= self.goal * scale_of(state.now)
        return Status.CONVERGED if close and state.now.solved.all() else None

    def finite(self, state: Descent) -> bool:
        """Whether all values are numbers."""
        return bool(np.isfinite(state.now.values).all())


@dataclass
class Ramp:
    """Where continuation stands: at ``log`` of the multiple of ``epsilon``, and before."""

    now: Round
    level: float
    length: float
    previous: tuple[FloatArray, float] | None = None
    rounds: int = 0
    lost: bool = False


class Continuation:
    """The stationary equilibrium followed down in ``epsilon``, all states at once; a `Method`.

    It starts where everyone's ``epsilon`` is so large that play is nearly uniform and the
    equilibrium is the only one, and moves in steps that are shortened until no probability leaps.
    It goes no further than a fold of the branch in ``epsilon``: there it is lost.
    """

    def __init__(self, sweep: Sweep, goal: float) -> None:
        self.sweep, self.goal = sweep, goal

    def begin(self) -> Ramp:
        """The equilibrium next to uniform play."""
        game, epsilon = self.sweep.game, self.sweep.epsilon
        stake = max(float(np.ptp(r)) for r in game.own_rewards) / (1.0 - self.sweep.stages.discount)
        smallest = float(np.min(epsilon, where=epsilon > 0.0, initial=np.inf))
        level = max(0.0, np.log(EASY * (stake or 1.0) / smallest))
        sweep = self.sweep.at(epsilon=float(np.exp(level)))
        start = sweep.principal(sweep.flat)
        state, _, _ = iterate(ValueIteration(sweep, 1e-4), Iteration(start, start), 200)
        return self._correct(sweep, state.last, level, FIRST) or Ramp(start, level, 0.0, lost=True)

    def _correct(self, sweep: Sweep, guess: Round, level: float, length: float) -> Ramp | None:
        state, ending, steps = iterate(
            ValueNewton(sweep, self.goal, strict=True), Descent(guess), 12
        )
        return Ramp(state.now, level, length, rounds=steps) if ending is Status.CONVERGED else None

    def step(self, state: Ramp) -> Ramp:
        """Predict, correct, accept or shorten."""
        level = max(0.0, state.level - state.length)
        sweep = self.sweep.at(epsilon=float(np.exp(level)))
        ahead = state.now.ahead
        if state.previous is not None:
            before, old = state.previous
            # values are all but linear in epsilon where it is large
            run = (np.exp(level) - np.exp(state.level)) / (np.exp(state.level) - np.exp(old))
            ahead = ahead + run * (ahead - before)
        guess = sweep.near(ahead, state.now, CLOSE, strict=True)
        found = None
        if guess.solved.all():
            found = self._correct(sweep, guess, level, state.length)
        if found is None or float(change(state.now.z, found.now.z).max()) > LEAP:
            state.length *= 0.4
            state.lost = state.length < SHORTEST
            return state
        found.previous = (state.now.ahead, state.level)
        found.length = state.length * (1.6 if found.rounds <= 4 else 1.0)
        return found

    def ending(self, state: Ramp) -> Status | None:
        """Ended at the target, or where steps no longer lead on."""
        if state.lost:
            return Status.LOST_BRANCH
        return Status.CONVERGED if state.level == 0.0 else None

    def finite(self, state: Ramp) -> bool:
        """Whether all values are numbers."""
        return bool(np.isfinite(state.now.values).all())
