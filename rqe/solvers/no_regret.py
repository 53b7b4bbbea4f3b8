r"""No-regret learning of the 2N-player game whose equilibria are the RQE (RQE24 Thm 3).

Player i chooses :math:`x_i` to maximise :math:`x_i \cdot U_i p_i - \nu_i(x_i)`; its adversary
chooses a belief :math:`p_i` over the others' joint actions to minimise
:math:`x_i \cdot U_i p_i + D_i(p_i, x_{-i})`. All 2N move at once by mirror descent, each keeping
its own penalty whole (a proximal step), so that no step size is too long for a stiff penalty.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..core.ops import action_payoffs, joint_log, log_softmax, outcome_payoffs
from ..core.response import regret_bound, reply, residual
from ..model._checks import FloatArray, per_player
from ..model.agent import Agent
from ..model.normal_form import NormalFormGame
from ..result.equilibrium import read_only
from ..result.learning import Learning
from ..result.status import ConvergenceError, Status
from ._hindsight import Hindsight
from ._loop import iterate
from ._mirror import (
    GEOMETRIES,
    LEARNABLE_REGULARIZER,
    LEARNABLE_RISK,
    Slope,
    of_regularizer,
    of_risk,
    proximal,
)
from ._report import report
from ._validate import check_agents, check_choice, check_game, check_numbers, check_start

SCHEDULES = ("constant", "sqrt")
CHECKS, PATIENCE = 10, 100
"""Steps between two looks at the evidence, while play hardly moves and while it does."""
RECORDS = 100
"""Steps recorded by default, at equal ratios."""


@dataclass
class Profile:
    """Log-strategies of all players and log-beliefs of all adversaries, and their averages."""

    log_x: list[FloatArray]
    log_p: list[FloatArray]
    total: list[FloatArray]
    """Sums of the strategies played so far."""
    count: int = 0
    last: tuple[list[FloatArray], list[FloatArray], list[FloatArray]] | None = None
    """What all saw one step ago: values of actions, of outcomes, the others' log-play."""
    moved: float = np.inf
    """Largest change of a probability in the last step."""
    solved: bool = False
    evidence: tuple[FloatArray, FloatArray] | None = None

    def average(self) -> list[FloatArray]:
        """Logarithms of the averaged strategies; the start, before any step."""
        if self.count == 0:
            return self.log_x
        with np.errstate(divide="ignore"):
            return [np.log(s / s.sum()) for s in self.total]


class Mirror:
    """Mirror descent as a method of `_loop.iterate`.

    Parameters
    ----------
    own_payoffs : sequence of array (n_i, m_i)
    agents : sequence of Agent
    steps : array (N,)
        First step sizes, in 1/payoff units.
    record : collection of int
        Steps at which to write the trace.
    """

    def __init__(
        self,
        own_payoffs: Sequence[FloatArray],
        agents: Sequence[Agent],
        *,
        steps: FloatArray,
        schedule: str,
        geometry: str,
        optimistic: bool,
        tol: float,
        record: Collection[int] = (),
        progress: Callable[[int, float], None] | None = None,
    ) -> None:
        self.payoffs = [p - 0.5 * (float(p.max()) + float(p.min())) for p in own_payoffs]
        self.agents = tuple(agents)
        self.steps, self.schedule, self.optimistic = steps, schedule, optimistic
        self.geometry = GEOMETRIES[geometry]
        self.tol, self.record, self.progress = tol, frozenset(record), progress
        self.penalties: list[Slope] = [of_regularizer(a.regularizer) for a in agents]
        self.hindsight = Hindsight(self.agents, [p.shape for p in own_payoffs])
        self.trace: list[tuple[Any, ...]] = []

    def begin(self, log_x: Sequence[FloatArray]) -> Profile:
        """Given strategies, and beliefs that the others play just those."""
        given = [np.asarray(log_softmax(z)) for z in log_x]
        log_p = [joint_log(tuple(given), i) for i in range(len(given))]
        return Profile(given, log_p, [np.zeros_like(z) for z in given])

    def seen(self, state: Profile) -> tuple[list[FloatArray], list[FloatArray], list[FloatArray]]:
        """What each player and adversary faces: values of actions and outcomes, others' play."""
        values, outcomes, others = [], [], []
        for i, payoff in enumerate(self.payoffs):
            values.append(action_payoffs(payoff, np.exp(state.log_p[i])))
            outcomes.append(outcome_payoffs(payoff, np.exp(state.log_x[i])))
            others.append(joint_log(tuple(state.log_x), i))
        return values, outcomes, others

    def step(self, state: Profile) -> Profile:
        """All 2N move at once, towards what they saw or, if optimistic, expect to see next."""
        now = self.seen(state)
        self.hindsight.add(now, state.log_x, state.log_p)
        then = state.last if self.optimistic and state.last is not None else now
        values, outcomes, others = (
            [2.0 * b - a for a, b in zip(old, new, strict=True)]
            for old, new in zip(then, now, strict=True)
        )
        shrink = 1.0 if self.schedule == "constant" else 1.0 / np.sqrt(state.count + 1.0)
        log_x, log_p = [], []
        for i, agent in enumerate(self.agents):
            size = float(self.steps[i]) * shrink
            slope = self.penalties[i]
            log_x.append(proximal(-values[i], slope, self.geometry, size, state.log_x[i]))
            # an extrapolated distribution need not add up to one
            slope, linear = of_risk(agent.risk, np.asarray(log_softmax(others[i])))
            outcome = outcomes[i] + linear
            log_p.append(proximal(outcome, slope, self.geometry, size, state.log_p[i]))
        total = [s + np.exp(z) for s, z in zip(state.total, state.log_x, strict=True)]
        pairs = zip(log_x, state.log_x, strict=True)
        moved = max(float(np.abs(np.exp(a) - np.exp(b)).max()) for a, b in pairs)
        return Profile(log_x, log_p, total, state.count + 1, now, moved)

    def look(self, state: Profile) -> tuple[FloatArray, FloatArray]:
        """Residual and largest regret bound of the last and the averaged iterate, each (2,)."""
        if state.evidence is None:
            found = [self.judged(state.log_x), self.judged(state.average())]
            state.evidence = np.array([f[0] for f in found]), np.array([f[1] for f in found])
        return state.evidence

    def judged(self, log_x: list[FloatArray]) -> tuple[float, float]:
        """Residual and largest regret of a profile, by definition."""
        gaps, regrets = [], []
        for i, (payoff, agent) in enumerate(zip(self.payoffs, self.agents, strict=True)):
            log_q = joint_log(tuple(log_x), i)
            answer = reply(payoff, log_x[i], log_q, agent.risk, agent.regularizer)
            gaps.append(float(residual(log_x[i], answer.log_response)))
            regrets.append(
                float(
                    regret_bound(
                        payoff, log_x[i], log_q, answer.log_belief, agent.risk, agent.regularizer
                    )
                )
            )
        return max(gaps), max(max(regrets), 0.0)

    def ending(self, state: Profile) -> Status | None:
        """Converged as soon as a look finds the last or the averaged iterate solved."""
        due = state.count in self.record
        # looking costs as much as several steps: a play that moves by more is not at rest
        every = CHECKS if state.moved <= 10.0 * self.tol else PATIENCE
        if due or state.count % every == 0:
            gaps, _ = self.look(state)
            state.solved = bool(gaps.min() <= self.tol)
            if self.progress is not None:
                self.progress(state.count, float(gaps.min()))
        if due or (state.solved and self.record):
            self.write(state)
        return Status.CONVERGED if state.solved else None

    def write(self, state: Profile) -> None:
        """One record of the trace."""
        if self.trace and self.trace[-1][0] == state.count:
            return
        gaps, regrets = self.look(state)
        external = self.hindsight.regrets()
        mean = [np.exp(z) for z in state.average()]
        self.trace.append(
            (state.count, [np.exp(z) for z in state.log_x], mean, gaps, regrets, external)
        )

    def finite(self, state: Profile) -> bool:
        """Whether every proximal step found its minimiser."""
        return all(bool(np.all(np.isfinite(z))) for z in (*state.log_x, *state.log_p))


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
        return list(start)
    return [np.full(n, -np.log(n)) for n in game.shape]


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
        Mixed strategies to start from; uniform if left out. Adversaries start where the others do.
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
    (True, array([0.563509, 0.436491]))
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
