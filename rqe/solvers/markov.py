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
from ._loop import iterate
from ._markov_discounted import Continuation, Descent, Iteration, ValueIteration, ValueNewton
from ._markov_record import record_stationary, record_steps
from ._markov_search import TauClimb, settle
from ._markov_sweep import CLOSE, Round, Sweep
from ._system import State
from ._validate import check_agents, check_choice, check_degrees, check_numbers
from .markov_regret import log_policies_of, policy_values

METHODS = ("auto", "backward_induction", "value_iteration", "newton", "continuation")
SELECTIONS = ("principal", "stagewise", "any")
REMEDY = {
    "principal": "try select='any'",
    "stagewise": "try select='any'",
    "any": "try a start, for example the policies at a smaller tau or a larger epsilon",
}
"""What may help where no stationary equilibrium was reached."""


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
    select : {"principal", "stagewise", "any"}, optional
    start : MarkovEquilibrium or sequence of N arrays (S, n_i), optional
        Of an equilibrium at other degrees, the values are taken as well: raise ``tau`` so.
    tol, max_steps, throw
        As for `rqe.solve_rqe`; ``max_steps`` counts rounds over all states.
    """
    people = _check(game, agents, method, tol, max_steps)
    rule = _choice(game, method, select, start)
    if game.horizon is not None:
        return _settle(_backward(game, people, rule, tol), throw, "")
    result, words = _discounted(game, people, method, rule, start, tol, max_steps)
    return _settle(result, throw, f"after {words}; {REMEDY[rule]}")


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


def _choice(game: MarkovGame, method: str, select: str | None, start: Any) -> str:
    """Which equilibrium is asked for, where there are several."""
    if game.horizon is not None and start is not None:
        raise ValueError("start must be left out where the game is of finite horizon")
    default = "principal" if game.horizon or method == "continuation" else "any"
    rule = check_choice("select", default if select is None else select, SELECTIONS)
    if game.horizon is not None:
        return rule
    if start is not None and rule != "any":
        raise ValueError(
            f"start must be left out with select={rule!r}, which has a start of its own; use "
            "select='any'"
        )
    ways = {
        "principal": ("auto", "continuation"),
        "stagewise": ("auto", "value_iteration"),
        "any": ("auto", "value_iteration", "newton"),
    }
    if method not in ways[rule]:
        raise ValueError(
            f"method must be one of {', '.join(map(repr, ways[rule]))} with select={rule!r}; got "
            f"{method!r}"
        )
    return rule


def _backward(
    game: MarkovGame, agents: tuple[Agent, ...], rule: str, tol: float
) -> MarkovEquilibrium:
    """Backward induction: stage games of the last step first."""
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
        if not found.solved.all() or (rule != "any" and not found.principal.all()):
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


def _discounted(
    game: MarkovGame,
    agents: tuple[Agent, ...],
    method: str,
    rule: str,
    start: Any,
    tol: float,
    max_steps: int,
) -> tuple[MarkovEquilibrium, str]:
    """A stationary equilibrium, and words on what went wrong if something did."""
    sweep = Sweep(game, agents)
    smooth = bool(np.isfinite(sweep.tau).all())
    if not smooth and method in ("newton", "continuation"):
        raise ValueError(
            f"method must be 'auto' or 'value_iteration' where a player's tau is inf, whose "
            f"strategy has kinks as values move; got {method!r}"
        )
    if rule == "principal" and smooth:
        found, ending, words = _continue(sweep, tol, max_steps)
    else:
        first = _first_round(sweep, start)
        if method == "auto" and rule == "any" and smooth:
            found, ending, words = _search(sweep, first, tol, max_steps)
        else:
            stagewise = rule == "stagewise"
            found, ending, words = _iterate(sweep, first, method, stagewise, tol, max_steps)
    exact = {
        "principal": ending is Status.CONVERGED,
        "stagewise": bool(found.principal.all()),
        "any": False,
    }
    result = record_stationary(
        game,
        agents,
        found.z,
        found.values,
        found.log_beliefs,
        tol,
        ending,
        iterations=sweep.count,
        method=", ".join(words),
        branch="principal" if exact[rule] else "unknown",
    )
    return result, ", ".join(words)


def _first_round(sweep: Sweep, start: Any) -> Round:
    """Where to iterate from: what is given, or the stage equilibria of the rewards alone."""
    game = sweep.game
    if start is None:
        return sweep.principal(sweep.flat)
    if isinstance(start, MarkovEquilibrium):
        if start.values.shape != sweep.flat.shape:
            raise ValueError(
                f"start must be an equilibrium with values of shape {sweep.flat.shape}; got "
                f"{start.values.shape}"
            )
        return sweep.begin(start.values, log_policies_of(start.policies, game))
    logs = log_policies_of(start, game)
    return sweep.begin(policy_values(sweep.stages, logs), logs)


def _iterate(
    sweep: Sweep, first: Round, method: str, stagewise: bool, tol: float, max_steps: int
) -> tuple[Round, Status, list[str]]:
    """Value iteration or Newton's method alone."""
    if method == "newton":
        begin = Descent(sweep.near(first.ahead, first, CLOSE))
        descent, ending, _ = iterate(ValueNewton(sweep, 0.01 * tol), begin, max_steps)
        return descent.now, ending, ["newton"]
    iteration = ValueIteration(sweep, 0.01 * tol, stagewise=stagewise)
    state, ending, _ = iterate(iteration, Iteration(first, first), max_steps)
    return state.last, ending, ["value iteration" + (" (in circles)" if state.circling else "")]


def _search(
    sweep: Sweep, first: Round, tol: float, max_steps: int
) -> tuple[Round, Status, list[str]]:
    """Any equilibrium: near a round; failing that, by way of smaller ``tau`` or larger ``epsilon``.

    What the detours pass through are equilibria at other degrees: only their ends are answers.
    """
    found, ending, words = settle(sweep, first, 0.01 * tol, max_steps)
    if ending is not Status.CONVERGED and sweep.tau.any():
        climb = TauClimb(sweep, 0.01 * tol, max_steps)
        top, reached, _ = iterate(climb, climb.begin(found), max_steps)
        words.append("tau raised from 0")
        if reached is Status.CONVERGED:
            return top.now, reached, words
        words[-1] += f" (as far as {top.part:.2g} of it)"
    if ending is not Status.CONVERGED:
        again, reached, more = _continue(sweep, tol, max_steps)
        words += more
        if reached is Status.CONVERGED:
            return again, reached, words
    return found, ending, words


def _continue(sweep: Sweep, tol: float, max_steps: int) -> tuple[Round, Status, list[str]]:
    """Continuation in ``epsilon`` from nearly uniform play."""
    method = Continuation(sweep, 0.01 * tol)
    ramp, ending, _ = iterate(method, method.begin(), max_steps)
    words = "continuation"
    if ending is not Status.CONVERGED:
        words += f" (as far as {np.exp(ramp.level):.3g} times epsilon)"
    return ramp.now, ending, [words]


def _settle(result: MarkovEquilibrium, throw: bool, detail: str) -> MarkovEquilibrium:
    """The result, or its `ConvergenceError` where it is not converged."""
    if throw and result.status is not Status.CONVERGED:
        raise ConvergenceError(result, detail)
    return result
