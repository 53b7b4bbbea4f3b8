"""Equilibria of Markov games: which method runs, with which choice among stage equilibria."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..model.agent import Agent, is_logit
from ..model.markov import MarkovGame
from ..result.markov import MarkovEquilibrium
from ..result.status import ConvergenceError, Status
from ._markov_record import record_steps
from ._markov_sweep import Sweep
from ._system import State
from ._validate import check_agents, check_choice, check_degrees, check_numbers

METHODS = ("auto", "backward_induction", "value_iteration", "newton", "continuation")
SELECTIONS = ("principal", "any")


def solve_markov(
    game: MarkovGame,
    agents: Sequence[Agent],
    *,
    method: str = "auto",
    select: str | None = None,
    start: Any = None,
    tol: float = 1e-10,
    max_steps: int = 10_000,
    throw: bool = True,
) -> MarkovEquilibrium:
    """Equilibrium of a Markov game; `rqe.solve` and `rqe.solve_rqe` come here.

    Parameters
    ----------
    game : MarkovGame
    agents : sequence of Agent
        Entropic (or neutral, or worst-case) risk of aggregate form and entropy; any measure as
        ``environment``.
    method : {"auto", "backward_induction", "value_iteration", "newton", "continuation"}
    select : {"principal", "any"}, optional
    start : sequence of N arrays (S, n_i), optional
    tol, max_steps, throw
        As for `rqe.solve_rqe`; ``max_steps`` counts rounds over all states.
    """
    people = _check(game, agents, method, tol, max_steps)
    if game.horizon is not None:
        return _settle(_backward(game, people, method, select, start, tol), throw, "")
    raise NotImplementedError


def _check(
    game: MarkovGame, agents: Sequence[Agent], method: str, tol: float, max_steps: int
) -> tuple[Agent, ...]:
    """Refusals that do not depend on the kind of horizon."""
    people = check_agents(agents, game.n_players)
    for i, agent in enumerate(people):
        if not is_logit(agent):
            raise ValueError(
                f"agents[{i}] of a MarkovGame must have an Entropic, Neutral or WorstCase risk of "
                f"aggregate form and a NegEntropy regulariser (its environment may be any "
                f"measure); got {agent!r}"
            )
    check_numbers(tol, max_steps)
    check_choice("method", method, METHODS)
    valid = {"auto", "backward_induction"} if game.horizon else set(METHODS) - {METHODS[1]}
    if method not in valid:
        kind = "of finite horizon" if game.horizon else "discounted"
        raise ValueError(
            f"method must be one of {', '.join(map(repr, sorted(valid)))} where the game is "
            f"{kind}; got {method!r}"
        )
    sweep = Sweep(game, people)
    with np.errstate(over="ignore"):
        ranges = np.stack([np.ptp(r, axis=(1, 2)) for r in game.own_rewards], axis=1)
    if not np.all(np.isfinite(ranges)):
        raise ValueError("rewards must span a range that float64 can hold: rescale them")
    check_degrees(ranges, sweep.tau, sweep.epsilon)
    return people


def _backward(
    game: MarkovGame,
    agents: tuple[Agent, ...],
    method: str,
    select: str | None,
    start: Any,
    tol: float,
) -> MarkovEquilibrium:
    """Backward induction: stage games of the last step first."""
    if start is not None:
        raise ValueError("start must be left out where the game is of finite horizon")
    rule = check_choice("select", select or "principal", SELECTIONS)
    sweep = Sweep(game, agents)
    found = None
    ahead = np.zeros((game.n_players, game.n_states))
    steps: list[tuple[State, list[FloatArray | None]]] = []
    principal = True
    ending = Status.CONVERGED
    for _ in range(game.horizon or 0):
        near = rule == "any" and found is not None
        found = sweep.near(ahead, found, 1e-7) if near and found else sweep.principal(ahead)
        steps.append((found.z, found.log_beliefs))
        principal = principal and bool(found.principal.all())
        if not found.solved.all() or (rule == "principal" and not found.principal.all()):
            ending = Status.LOST_BRANCH
            break
        ahead = found.values
    while len(steps) < (game.horizon or 0):
        steps.append(steps[-1])
    return record_steps(
        game,
        agents,
        steps[::-1],
        tol,
        ending,
        iterations=sweep.count,
        method="backward induction",
        branch="principal" if principal else "unknown",
    )


def _settle(result: MarkovEquilibrium, throw: bool, detail: str) -> MarkovEquilibrium:
    """The result, or its `ConvergenceError` where it is not converged."""
    if throw and result.status is not Status.CONVERGED:
        raise ConvergenceError(result, detail)
    return result
