r"""No-regret learning of the 2N-player game whose equilibria are the RQE (RQE24 Thm 3).

Player i chooses :math:`x_i` to maximise :math:`x_i \cdot U_i p_i - \nu_i(x_i)`; its adversary
chooses a belief :math:`p_i` over the others' joint actions to minimise
:math:`x_i \cdot U_i p_i + D_i(p_i, x_{-i})`. All 2N move at once by mirror descent, each keeping
its own penalty whole (a proximal step), so that no step size is too long for a stiff penalty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..model._checks import FloatArray, per_player
from ..model.agent import Agent
from ..model.normal_form import NormalFormGame
from ..result.equilibrium import read_only
from ..result.learning import Learning
from ..result.status import ConvergenceError, Status
from ._descent import Mirror
from ._loop import iterate
from ._mirror import GEOMETRIES, LEARNABLE_REGULARIZER, LEARNABLE_RISK
from ._report import report
from ._validate import check_agents, check_choice, check_game, check_numbers, check_start

SCHEDULES = ("constant", "sqrt")
RAREST = -30.0
"""Log-probability that an action starts with at least: at the border there is no slope."""
RECORDS = 100
"""Steps recorded by default, at equal ratios."""


class Learned(NamedTuple):
    """The better of the last and the averaged iterate, and how the run ended."""

    log_strategies: list[FloatArray]
    iterations: int
    status: Status
    method: str


def no_regret(
    game: NormalFormGame,
    agents: Sequence[Agent],
    *,
    start: Sequence[FloatArray] | None = None,
    tol: float = 1e-10,
    max_steps: int = 10_000,
) -> Learned:
    """The profile that optimistic mirror descent comes to, for `solve`; arguments checked before.

    Parameters
    ----------
    game : NormalFormGame
    agents : sequence of Agent
        Of aggregate form; risk Entropic, ReverseKL or ChiSquared.
    start : sequence of array (n_i,), optional
        Log-strategies; uniform if left out.
    tol, max_steps
        Bound on the residual, and on the steps.

    Raises
    ------
    ValueError
        An agent that cannot learn: see `learn`.
    """
    people = check_learners(agents)
    method = Mirror(
        game.own_payoffs,
        people,
        steps=default_steps(game, people),
        schedule="constant",
        geometry="entropic",
        optimistic=True,
        tol=tol,
    )
    with np.errstate(all="ignore"):
        state, status, steps = iterate(method, method.begin(_begin(game, start)), max_steps)
    gaps, _ = method.look(state)
    chosen = state.log_x if gaps[0] <= gaps[1] else state.average()
    return Learned(list(chosen), steps, status, "no_regret")


def default_steps(game: NormalFormGame, agents: Sequence[Agent]) -> FloatArray:
    """One over the payoff range of each player: the longest step that bilinear payoffs allow."""
    ranges = game.payoff_ranges
    return np.asarray(1.0 / np.where(ranges > 0.0, ranges, 1.0))


def check_learners(agents: Sequence[Agent]) -> tuple[Agent, ...]:
    """Agents whose penalties have slopes at every interior point."""
    for i, agent in enumerate(agents):
        rule, risk = agent.regularizer, agent.risk
        if agent.form != "aggregate":
            raise ValueError(
                f"form of agents[{i}] must be 'aggregate' for no-regret learning, whose adversary "
                f"answers the mixed strategy; got {agent.form!r}"
            )
        if not isinstance(risk, LEARNABLE_RISK) or not 0.0 < risk.tau < np.inf:
            raise ValueError(
                f"risk of agents[{i}] must be Entropic, ReverseKL or ChiSquared with tau in "
                f"(0, inf), a penalty that has a slope, for no-regret learning; got {risk!r}"
            )
        if not isinstance(rule, LEARNABLE_REGULARIZER) or not rule.epsilon > 0.0:
            raise ValueError(
                f"regularizer of agents[{i}] must be NegEntropy, LogBarrier or Tsallis with "
                f"epsilon > 0 for no-regret learning; got {rule!r}"
            )
    return tuple(agents)


def _begin(game: NormalFormGame, start: Sequence[FloatArray] | None) -> list[FloatArray]:
    if start is not None:
        return [np.maximum(z, RAREST) for z in start]
    return [np.full(n, -np.log(n)) for n in game.shape]


@np.errstate(all="ignore")  # what overflows is found by looking at the result
def learn(
    game: NormalFormGame,
    agents: Sequence[Agent],
    *,
    optimistic: bool = True,
    geometry: str = "entropic",
    step: Any = None,
    schedule: str = "constant",
    start: Any = None,
    tol: float = 1e-10,
    max_steps: int = 10_000,
    throw: bool = True,
    record: Sequence[int] | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> Learning:
    r"""Mirror descent of N players and N adversaries, with its regrets over time (RQE24 Thm 3).

    Player i maximises :math:`x_i \cdot U_i p_i - \nu_i(x_i)`, its adversary minimises
    :math:`x_i \cdot U_i p_i + D_i(p_i, x_{-i})` over beliefs about the others' joint actions; a
    profile is an RQE exactly where all 2N are at rest. Where `is_tractable` says so there is one
    RQE and play goes there; elsewhere it may cycle, or settle where the start leads.

    Parameters
    ----------
    game : NormalFormGame
    agents : sequence of Agent
        One a player, of aggregate form: risk Entropic, ReverseKL or ChiSquared with ``tau`` in
        (0, inf); any regulariser with ``epsilon > 0``. Others have no slope to descend on.
    optimistic : bool
        Move against what will be seen next if the last change is repeated; plain mirror descent
        moves against what was seen last, and needs shorter steps.
    geometry : {"entropic", "log_barrier"}
        Distances of steps: relative entropy, or the log-barrier's divergence, which moves unlikely
        actions less.
    step : float or sequence of N floats, optional
        Step size of each player and its adversary in 1/payoff units, > 0; by default one over the
        player's payoff range. Penalties are kept whole in each step (proximal steps), so that only
        payoffs limit it.
    schedule : {"constant", "sqrt"}
        ``sqrt`` divides the size by the square root of the step's number.
    start : sequence of N arrays (n_i,), optional
        Mixed strategies to start from, with at least 1e-13 for every action; uniform if left out.
        Adversaries start where the others do.
    tol : float
        Bound on the residual (sup norm of probabilities), of the last or the averaged iterate.
    max_steps : int
    throw : bool
        Raise where no iterate is certified; else return the run with its status.
    record : sequence of int, optional
        Steps to record; by default 0 and a hundred at equal ratios up to ``max_steps``.
    progress : callable, optional
        Called now and then with the number of steps taken and the residual.

    Returns
    -------
    Learning

    Raises
    ------
    ValueError
        An agent that cannot learn, or an argument out of range; the message names it.
    ConvergenceError
        Neither iterate is certified after ``max_steps``; carries the run.

    Examples
    --------
    >>> import games, rqe
    >>> careful = rqe.Agent(rqe.Entropic(1.0), rqe.LogBarrier(0.2))
    >>> run = rqe.learn(games.free_riding(), [careful, careful])
    >>> run.converged, run.last.strategies[0].round(6)
    (True, array([0.577639, 0.422361]))
    """
    finite = check_game(game)
    people = check_learners(check_agents(agents, finite.n_players))
    check_numbers(tol, max_steps)
    check_choice("geometry", geometry, tuple(GEOMETRIES))
    check_choice("schedule", schedule, SCHEDULES)
    steps = default_steps(finite, people) if step is None else _sizes(step, finite.n_players)
    method = Mirror(
        finite.own_payoffs,
        people,
        steps=steps,
        schedule=schedule,
        geometry=geometry,
        optimistic=bool(optimistic),
        tol=tol,
        record=_recorded(record, max_steps),
        progress=progress,
    )
    begin = None if start is None else check_start(start, finite.shape)
    with np.errstate(all="ignore"):
        state, status, count = iterate(method, method.begin(_begin(finite, begin)), max_steps)
        method.write(state)
    name = "optimistic mirror descent" if optimistic else "mirror descent"
    ends = [
        report(
            finite,
            log_x,
            people,
            tol=tol,
            method=f"{name}, {which} iterate",
            iterations=count,
            ending=Status.UNCERTIFIED if status is Status.CONVERGED else status,
            throw=False,
        )
        for which, log_x in (("last", state.log_x), ("averaged", state.average()))
    ]
    if status is Status.CONVERGED and not any(e.status is Status.CONVERGED for e in ends):
        status = Status.UNCERTIFIED
    return _learning(method, ends, status, count, geometry, throw)


def _learning(
    method: Mirror, ends: list[Any], status: Status, count: int, geometry: str, throw: bool
) -> Learning:
    at, play, mean, gaps, regrets, external = zip(*method.trace, strict=True)
    n = len(method.agents)
    counted = np.array(at)
    counted.setflags(write=False)
    run = Learning(
        last=ends[0],
        average=ends[1],
        steps=counted,
        strategies=tuple(read_only(np.stack([x[i] for x in play])) for i in range(n)),
        averages=tuple(read_only(np.stack([x[i] for x in mean])) for i in range(n)),
        residual=read_only(np.stack(gaps)),
        regret=read_only(np.stack(regrets)),
        external_regret=read_only(np.stack(external)),
        status=status,
        iterations=count,
        step=read_only(method.steps),
        schedule=method.schedule,
        geometry=geometry,
        optimistic=method.optimistic,
    )
    if throw and status is not Status.CONVERGED:
        raise ConvergenceError(run)
    return run


def _sizes(step: Any, n_players: int) -> FloatArray:
    sizes = per_player(step, n_players, "step", allow_inf=False)
    if not np.all(sizes > 0.0):
        raise ValueError(f"step must be > 0, in 1/payoff units; got {step!r}")
    return sizes


def _recorded(record: Sequence[int] | None, max_steps: int) -> set[int]:
    if record is None:
        ratios = np.geomspace(1.0, max_steps, RECORDS)
        return {0, *(round(t) for t in ratios)}
    wanted = {int(t) for t in record}
    if any(t < 0 or t != given for t, given in zip(map(int, record), record, strict=True)):
        raise ValueError(f"record must hold whole numbers of steps >= 0; got {record!r}")
    return {0, *wanted}
