"""Any stationary equilibrium: value iteration and Newton's method, damped, then up in ``tau``."""

from __future__ import annotations

from dataclasses import dataclass

from ..result.status import Status
from ._loop import iterate
from ._markov_discounted import ROUGH, Descent, Iteration, ValueIteration, ValueNewton
from ._markov_stage import DENSE
from ._markov_sweep import CLOSE, Round, Sweep

LEAST_SHARE = 0.25
"""Smallest part of a change of values that damped value iteration makes."""
FIRST, LONGEST, SHORTEST = 0.1, 0.2, 0.02
"""First, longest and shortest step up in ``tau``, in parts of the target."""
ROUNDS = 60
"""Rounds of each stage after which a step up in ``tau`` counts as too long."""


def settle(
    sweep: Sweep, first: Round, goal: float, max_steps: int
) -> tuple[Round, Status, list[str]]:
    """An equilibrium near a round: value iteration, until Newton's method takes over.

    Where value iteration goes in circles, it goes on with a smaller share of every change; where
    Newton's method fails, to smaller changes.

    Parameters
    ----------
    sweep : Sweep
    first : Round
    goal : float
        Change of values, relative to the range of stage payoffs, that counts as none.
    max_steps : int
        Bound on the rounds of each stage.

    Returns
    -------
    round, status, words
        The best round, how it ended, and the methods that ran.
    """
    words: list[str] = []
    now, rough, share = first, ROUGH, 1.0
    while True:
        iteration = ValueIteration(sweep, rough, share=share)
        state, ending, _ = iterate(iteration, Iteration(now, now), max_steps)
        there = ending is Status.CONVERGED
        now = state.last if there else state.best
        add_word(words, "value iteration" + (" (in circles)" if state.circling else ""))
        if not there and share > LEAST_SHARE and now.ahead.size > DENSE:
            # Newton's method takes long in a large game, and far off seldom leads to anything
            share *= 0.5
            continue
        now = sweep.near(now.ahead, now, CLOSE)
        descent, ending, _ = iterate(ValueNewton(sweep, goal), Descent(now), max_steps)
        add_word(words, "newton")
        if ending is Status.CONVERGED:
            return descent.now, ending, words
        if descent.now.size < now.size:
            now = descent.now
        if (share <= LEAST_SHARE) if not there else (rough <= goal):
            return now, ending, words
        if there:
            rough = max(rough * ROUGH, goal)
        else:
            share *= 0.5


def add_word(words: list[str], word: str) -> None:
    """Methods in the order in which they ran, each change once."""
    if not words or words[-1] != word:
        words.append(word)


@dataclass
class Climb:
    """Where the way up in ``tau`` stands: at a part of the target, with an equilibrium there."""

    now: Round
    part: float
    length: float
    lost: bool = False


class TauClimb:
    """Equilibria for rising parts of everyone's ``tau``, each from the one before; a `Method`.

    No branch is followed: where the one it is on ends, what value iteration leads to is taken.
    """

    def __init__(self, sweep: Sweep, goal: float, max_steps: int) -> None:
        self.sweep, self.goal, self.max_steps = sweep, goal, min(ROUNDS, max_steps)

    def _settled(self, part: float, first: Round | None) -> Round | None:
        sweep = self.sweep.at(tau=part)
        if first is None:
            begin = sweep.principal(sweep.flat)
        else:
            begin = sweep.near(first.ahead, first, CLOSE)
        found, ending, _ = settle(sweep, begin, self.goal, self.max_steps)
        return found if ending is Status.CONVERGED else None

    def begin(self, fallback: Round) -> Climb:
        """The risk-neutral players' equilibrium; lost, with a fallback, where there is none."""
        found = self._settled(0.0, None)
        return Climb(fallback, 0.0, 0.0, True) if found is None else Climb(found, 0.0, FIRST)

    def step(self, state: Climb) -> Climb:
        """Up, or a shorter step from the same place."""
        part = min(1.0, state.part + state.length)
        found = self._settled(part, state.now)
        if found is None:
            shorter = 0.5 * state.length
            return Climb(state.now, state.part, shorter, shorter < SHORTEST)
        return Climb(found, part, min(LONGEST, 1.5 * state.length))

    def ending(self, state: Climb) -> Status | None:
        """Ended at the target, or where steps no longer lead on."""
        if state.lost:
            return Status.LOST_BRANCH
        return Status.CONVERGED if state.part == 1.0 else None

    def finite(self, state: Climb) -> bool:
        """Every equilibrium that was settled on is."""
        return True
