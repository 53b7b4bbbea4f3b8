"""One round over all states: solve every stage game at the values of the next states."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from ..certificate import evidence, is_solved
from ..model._checks import FloatArray
from ..model.agent import Agent, degrees
from ..model.markov import MarkovGame
from ..result.status import Status
from ._markov_newton import follow, stage_values, value_slopes
from ._markov_stage import Stages
from ._problem import Problem
from ._rows import BoolArray
from ._system import State, beliefs, change, choose
from .homotopy import Homotopy
from .normal_form import Batch, Outcome, solve_batch
from .normal_form import _closely as follow_closely

CLOSE = 1e-7
"""Largest change of a probability by the last correction of a stage game; its square is left."""
SAME = 1e-4
"""Largest change of a probability for which a sharper equilibrium is still the same one."""
LOCKSTEP, TRIAL = 1000, 150
"""Steps along their branches after which stage games are followed one at a time; in a round that is
only a trial, after which they stay unsolved."""


@dataclass
class Round:
    """Stage equilibria of all states at given values of the next states."""

    ahead: FloatArray
    """Values (N, S) that the stage games were built from."""
    values: FloatArray
    """Values (N, S) of the stage equilibria."""
    z: State
    y: State
    problem: Problem
    payoffs: list[FloatArray]
    log_beliefs: list[FloatArray | None]
    """Saddle-point beliefs of players with ``tau = inf``; None for the others."""
    solved: BoolArray
    principal: BoolArray
    """Which stage equilibria were found on the branch from uniform play."""

    @property
    def gap(self) -> FloatArray:
        """What a round changes values by, (N, S)."""
        return self.values - self.ahead

    @property
    def size(self) -> float:
        """Largest change of a value."""
        return float(np.abs(self.gap).max())


class Sweep:
    """Solves the stage games of logit agents, all states at once.

    Parameters
    ----------
    game : MarkovGame
    agents : sequence of Agent
        Entropic (or neutral, or worst-case) of aggregate form, entropy-regularised.
    """

    def __init__(self, game: MarkovGame, agents: Sequence[Agent]) -> None:
        self.game, self.agents = game, tuple(agents)
        self.stages = Stages(game, agents)
        self.tau, self.epsilon = degrees(agents)
        self.tally = [0]
        self.flat: FloatArray = np.zeros((game.n_players, game.n_states))
        """Values ahead of the rewards alone."""

    @property
    def count(self) -> int:
        """Rounds so far."""
        return self.tally[0]

    def batch(self, payoffs: list[FloatArray]) -> Batch:
        """The stage games as one batch of normal-form games."""
        shape = (self.game.n_states, self.game.n_players)
        return Batch(payoffs, np.full(shape, self.tau), np.full(shape, self.epsilon))

    def principal(self, ahead: FloatArray) -> Round:
        """Every stage equilibrium on the branch that its own game has from uniform play."""
        payoffs = self.stages.payoffs(ahead)
        batch = self.batch(payoffs)
        z = [np.array(part) for part in batch.problem.uniform()]
        everyone = np.arange(self.game.n_states)
        solved, principal = self._place(batch, z, everyone, "principal")
        return self._round(ahead, payoffs, batch, z, beliefs(batch.problem, z), solved, principal)

    def at(self, *, epsilon: float = 1.0, tau: float = 1.0) -> Sweep:
        """The same with everyone's degrees times factors; rounds are counted together."""
        other = copy(self)
        other.epsilon, other.tau = self.epsilon * epsilon, self.tau * tau
        return other

    def near(
        self,
        ahead: FloatArray,
        last: Round,
        goal: float,
        *,
        strict: bool = False,
        trial: bool = False,
    ) -> Round:
        """Every stage equilibrium next to that of an earlier round; failing that, any.

        With ``strict``, failing that, none: the stage game is unsolved. With ``trial``, those that
        take long are unsolved.
        """
        payoffs = self.stages.payoffs(ahead)
        batch = self.batch(payoffs)
        z, y, solved = follow(batch.problem, last.z, last.y, goal)
        principal = np.zeros(solved.size, dtype=np.bool_)
        lost = np.flatnonzero(~solved)
        if lost.size and not strict:
            solved[lost], principal[lost] = self._place(batch, z, lost, "any", trial)
            fresh = beliefs(batch.problem.take(lost), [part[lost] for part in z])
            for whole, part in zip(y, fresh, strict=True):
                whole[lost] = part
        return self._round(ahead, payoffs, batch, z, y, solved, principal)

    def begin(self, ahead: FloatArray, log_policies: State) -> Round:
        """A round to start from: given policies with their worst-case beliefs, unsolved."""
        payoffs = self.stages.payoffs(ahead)
        batch = self.batch(payoffs)
        z = [
            np.array(part if fixed is None else fixed)
            for part, fixed in zip(log_policies, batch.problem.fixed, strict=True)
        ]
        nobody = np.zeros(self.game.n_states, dtype=np.bool_)
        return self._round(ahead, payoffs, batch, z, beliefs(batch.problem, z), nobody, nobody)

    def _place(
        self,
        batch: Batch,
        z: State,
        rows: np.ndarray[tuple[int], np.dtype[np.intp]],
        select: str,
        trial: bool = False,
    ) -> tuple[BoolArray, BoolArray]:
        """Solve the given stage games from uniform play, into ``z``; who was solved, and how."""
        own = [p[rows] for p in batch.own_payoffs]
        part = batch
        if rows.size < batch.count:
            part = Batch(own, batch.tau[rows], batch.epsilon[rows])
        if trial:
            out = solve_batch(part, method="homotopy", max_steps=TRIAL)
        else:
            out = solve_batch(part, select=select, max_steps=LOCKSTEP)
        if select == "principal":
            _look_closely(part, out, ~out.principal)
        end, good = _sharpened(part, out)
        if select == "any" and not trial and not good.all():
            # one at a time takes long, so only where nothing else has led to an equilibrium
            _look_closely(part, out, ~good)
            end, good = _sharpened(part, out)
        for whole, piece in zip(z, end, strict=True):
            whole[rows] = piece
        return good, good & out.principal

    def _round(
        self,
        ahead: FloatArray,
        payoffs: list[FloatArray],
        batch: Batch,
        z: State,
        y: State,
        solved: BoolArray,
        principal: BoolArray,
    ) -> Round:
        self.tally[0] += 1
        values = stage_values(payoffs, z, self.tau, self.epsilon)
        return Round(ahead, values, z, y, batch.problem, payoffs, batch.duals, solved, principal)

    def slopes(self, found: Round) -> list[list[FloatArray | None]]:
        """`value_slopes` at a round; every ``tau`` finite."""
        return value_slopes(found.problem, found.z, found.y, self.tau, self.epsilon)


def _sharpened(batch: Batch, out: Outcome) -> tuple[State, BoolArray]:
    """Equilibria to the last digit where they are the same ones; which of them are certified."""
    rough = out.log_strategies
    sharp, _, settled = follow(batch.problem, rough, beliefs(batch.problem, rough), CLOSE)
    end = choose(settled & (change(rough, sharp) <= SAME), sharp, rough)
    found = evidence(batch.own_payoffs, end, batch.tau, batch.epsilon, out.log_beliefs)
    return end, np.asarray(is_solved(found, batch.ranges, 1e-9))


def _look_closely(batch: Batch, out: Outcome, which: BoolArray) -> None:
    """Follow the branches that lockstep did not get to the end of again, one by one."""
    rows = np.flatnonzero(which)
    if not rows.size or not batch.problem.active:
        return
    method = Homotopy(batch.problem)
    status = np.full(batch.count, Status.CONVERGED, dtype=object)
    status[rows] = Status.LOST_BRANCH
    follow_closely(batch.problem, method, status, LOCKSTEP)
    landed = rows[method.arrival.landed[rows]]
    for whole, part in zip(out.log_strategies, method.arrival.z, strict=True):
        whole[landed] = part[landed]
    out.principal[landed] = True
