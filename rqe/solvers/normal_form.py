"""Equilibria of finite games: which stages run, in what order, on one game or a batch of games."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..certificate import evidence, is_solved
from ..model._checks import FloatArray
from ..model._outcomes import JOINT, Joint
from ..result.status import Status
from ._branch import BranchWalk
from ._curve import Curve, point
from ._express import express
from ._loop import iterate
from ._problem import Problem, normalise
from ._system import State, beliefs, change
from .fixed_point import FixedPoint
from .homotopy import DENSE, Homotopy
from .newton import Newton

METHODS = ("auto", "homotopy", "fixed_point", "newton")
SELECTIONS = ("principal", "any")
FLOOR = -1e290
"""Stands for the logarithm of zero where a strategy is exact: differences of it are numbers."""
PATIENT = 500
"""Steps of the second, closer look at a branch that was lost."""
CACHE = 300_000
"""Payoffs of the games that move in lockstep at once: more fall out of the processor's cache."""


@dataclass
class Outcome:
    """Where each game of a batch ended."""

    log_strategies: State
    log_beliefs: list[FloatArray | None]
    status: np.ndarray[Any, np.dtype[np.object_]]
    iterations: np.ndarray[Any, np.dtype[np.int64]]
    stage: np.ndarray[Any, np.dtype[np.object_]]
    principal: np.ndarray[Any, np.dtype[np.bool_]]
    sign: FloatArray


class Batch:
    """A batch of games with its attitudes, in payoff units and in normalised ones.

    Parameters
    ----------
    own_payoffs : sequence of array (B or 1, n_i, m_i), or of PayoffOperator
    tau, epsilon : array (B, N)
        Checked: ``epsilon = 0`` only where ``tau = inf``, and a player's ``tau`` is infinite in
        all games of the batch or in none.
    form : Joint
        What the outcomes are, if not the others' joint actions.
    ranges : array (B, N), optional
        Payoff ranges, where they are known.
    """

    def __init__(
        self,
        own_payoffs: Sequence[Any],
        tau: FloatArray,
        epsilon: FloatArray,
        *,
        form: Joint = JOINT,
        ranges: FloatArray | None = None,
    ) -> None:
        self.own_payoffs = tuple(own_payoffs)
        self.tau, self.epsilon, self.form = tau, epsilon, form
        self.count, self.n_players = tau.shape
        if ranges is None:
            ranges = np.empty(tau.shape)
            for i, p in enumerate(self.own_payoffs):
                ranges[:, i] = np.ptp(p, axis=(1, 2))
        self.ranges = ranges
        self.fixed: list[FloatArray | None] = []
        self.duals: list[FloatArray | None] = []
        for i in range(self.n_players):
            strategy, dual = self._worst_case(i) if np.isinf(tau[0, i]) else (None, None)
            self.fixed.append(strategy)
            self.duals.append(dual)
        finite = [None if z is None else np.maximum(z, FLOOR) for z in self.fixed]
        self.problem = normalise(self.own_payoffs, self.ranges, tau, epsilon, finite, form)

    def _worst_case(self, i: int) -> tuple[FloatArray, FloatArray]:
        """Strategies and saddle-point beliefs of a player with ``tau = inf``, game by game."""
        from .worst_case import worst_case_response  # brings in linear programming: only if used

        payoff = self.own_payoffs[i]
        middle = 0.5 * payoff.max(axis=(1, 2)) + 0.5 * payoff.min(axis=(1, 2))
        strategies, duals = [], []
        for b in range(self.count):
            row = b if payoff.shape[0] > 1 else 0
            span = self.ranges[b, i] if self.ranges[b, i] > 0.0 else 1.0
            log_x, log_p, _ = worst_case_response(
                (payoff[row] - middle[row]) / span, self.epsilon[b, i] / span
            )
            strategies.append(log_x)
            duals.append(log_p)
        return np.stack(strategies), np.stack(duals)

    def solved(self, z: State, rows: np.ndarray[Any, np.dtype[np.intp]], tol: float) -> bool:
        """Whether the given games all count as solved at the given profiles."""
        own = [p if p.shape[0] == 1 else p[rows] for p in self.own_payoffs]
        duals = [None if p is None else p[rows] for p in self.duals]
        found = evidence(own, z, self.tau[rows], self.epsilon[rows], duals, self.form)
        return bool(np.all(is_solved(found, self.ranges[rows], tol)))


def solve_batch(
    batch: Batch,
    *,
    method: str = "auto",
    select: str = "principal",
    start: State | None = None,
    tol: float = 1e-10,
    max_steps: int = 10_000,
) -> Outcome:
    """Run the stages that ``method`` and ``select`` call for.

    ``auto`` follows the branch for the principal equilibrium; for any equilibrium it tries the
    accelerated fixed point, then Newton, then the branch. A batch follows branches first: games in
    lockstep wait for the slowest, which the fixed point has no bound on.
    """
    count = batch.count
    z = batch.problem.uniform() if start is None else _held(batch.problem, start)
    out = Outcome(
        log_strategies=z,
        log_beliefs=batch.duals,
        status=np.full(count, Status.MAX_STEPS, dtype=object),
        iterations=np.zeros(count, dtype=np.int64),
        stage=np.full(count, "", dtype=object),
        principal=np.zeros(count, dtype=np.bool_),
        sign=np.zeros(count),
    )
    if not batch.problem.active:
        _make_exact(batch, out)
        out.status[:], out.stage[:] = Status.CONVERGED, "convex program"
        out.principal[:], out.sign[:] = True, 1.0
        return out
    if method == "auto":
        stages = ["homotopy"]
        if select == "any":
            # Newton factorises: a game too large for that goes straight to the branch
            small = sum(batch.problem.sizes) <= DENSE
            others = ["fixed_point", "newton"] if small else ["fixed_point"]
            stages = [*others, *stages] if count == 1 else [*stages, *others]
    else:
        stages = [method]
    left = np.arange(count)
    together = max(64, CACHE // sum(p.shape[1] * p.shape[2] for p in batch.own_payoffs))
    for stage in stages:
        for first in range(0, left.size, together):
            _STAGES[stage](batch, out, left[first : first + together], tol, max_steps)
        left = left[[s is not Status.CONVERGED for s in out.status[left]]]
        if not left.size:
            break
    _make_exact(batch, out)
    return out


def _sub(batch: Batch, rows: np.ndarray[Any, np.dtype[np.intp]]) -> Problem:
    whole = rows.size == batch.count
    return batch.problem if whole else batch.problem.take(rows)


def _held(problem: Problem, z: Sequence[FloatArray]) -> State:
    """The profile with players that do not respond at their own strategy."""
    return [part if given is None else given for part, given in zip(z, problem.fixed, strict=True)]


def _make_exact(batch: Batch, out: Outcome) -> None:
    """Put back the zeros of strategies that are exact, which iterations stay away from."""
    out.log_strategies = [
        z if exact is None else exact
        for z, exact in zip(out.log_strategies, batch.fixed, strict=True)
    ]


def _place(out: Outcome, rows: Any, z: State) -> None:
    if rows.size == out.iterations.size:
        out.log_strategies = z
        return
    for i, part in enumerate(z):
        if out.log_strategies[i] is not part:
            whole = np.array(out.log_strategies[i])
            whole[rows] = part
            out.log_strategies[i] = whole


def _follow(batch: Batch, out: Outcome, rows: Any, tol: float, max_steps: int) -> None:
    """The branch from the uniform profile; what landed is polished by Newton where needed."""
    problem = _sub(batch, rows)
    quick = express(problem, max_steps)
    if quick is not None:
        _place(out, rows, quick.log_strategies)
        out.status[rows], out.principal[rows], out.stage[rows] = Status.CONVERGED, True, "homotopy"
        out.iterations[rows] += quick.work
        out.sign[rows] = quick.sign
        return
    method = Homotopy(problem)
    walk, ending, _ = iterate(method, method.begin(problem), max_steps)
    status = np.full(rows.size, Status.LOST_BRANCH, dtype=object)
    if walk.rows.size:
        method.record(walk, np.ones(walk.rows.size, dtype=np.bool_))
        status[walk.rows] = ending
    end = method.arrival
    _closely(problem, method, status, max_steps)
    status[end.landed] = Status.CONVERGED
    _place(out, rows, end.z)
    out.status[rows] = status
    out.iterations[rows] += end.work
    out.principal[rows], out.sign[rows] = end.landed, end.sign
    out.stage[rows] = "homotopy"  # from the uniform profile: it builds on no other stage


def _closely(problem: Problem, method: Homotopy, status: Any, max_steps: int) -> None:
    """Follow again the branches that were lost, in steps that mind what players fear.

    Nearly pure branches can fold while no probability of play moves by 1e-7: the tracer measures
    beliefs as well. It is slower, so it goes second.
    """
    if any(z is not None for z in problem.fixed) or sum(problem.sizes) > DENSE:
        return
    end = method.arrival
    for row in np.flatnonzero(status == Status.LOST_BRANCH):
        if end.landed[row]:
            continue
        one = problem.take(np.array([row]))
        curve = Curve(one, "epsilon", 1.0 / float(one.precision.max()))
        z = one.uniform()
        upward = np.append(np.zeros(sum(one.sizes)), 1.0)
        start = point(curve, z, beliefs(one, z), 0.0, upward)
        if start is None:
            continue
        follow = BranchWalk(curve, 0.0, 1.0, 1.0, lambda _: False)
        walk, _, steps = iterate(follow, follow.begin(start), min(max_steps, PATIENT))
        end.work[row] += steps
        last = walk.points[-1]
        if walk.end == "boundary" and last.s == 1.0:
            for kept, part in zip(end.z, last.z, strict=True):
                kept[row] = part[0]
            end.level[row], end.sign[row], end.landed[row] = 1.0, last.sign, True


def _after(stages: str, stage: str) -> str:
    """The stages that led to an answer, with one that went on from where they had come to."""
    return f"{stages}, {stage}" if stages else stage


def _accelerate(batch: Batch, out: Outcome, rows: Any, tol: float, max_steps: int) -> None:
    """Anderson-accelerated fixed point from where each game stands."""
    problem = _sub(batch, rows)
    method = FixedPoint(problem, tol * 0.1)
    begin = method.begin([part[rows] for part in out.log_strategies])
    with np.errstate(all="ignore"):
        state, _, steps = iterate(method, begin, max_steps)
    reached = state.residual <= tol
    _place(out, rows, state.z)
    out.status[rows] = [Status.CONVERGED if r else Status.MAX_STEPS for r in reached]
    out.iterations[rows] += steps
    out.stage[rows] = [_after(out.stage[row], "fixed_point") for row in rows]


def _polish(batch: Batch, out: Outcome, rows: Any, tol: float, max_steps: int) -> None:
    """Damped Newton from where each game stands, one game at a time: each ends when it is done."""
    for row in rows:
        one = np.array([row])
        method = Newton(_sub(batch, one))
        begin = method.begin([part[one] for part in out.log_strategies])
        state, ending, steps = iterate(method, begin, min(max_steps, 200))
        if ending is Status.CONVERGED:
            _place(out, one, state.z)
            if not batch.solved(state.z, one, tol):
                ending = Status.UNCERTIFIED
        out.status[row], out.sign[row] = ending, state.sign[0]
        out.iterations[row] += steps
        out.stage[row] = _after(out.stage[row], "newton")


_STAGES = {"homotopy": _follow, "fixed_point": _accelerate, "newton": _polish}


def refine(batch: Batch, out: Outcome, rows: np.ndarray[Any, np.dtype[np.intp]]) -> None:
    """Sharpen answers that came out rough, by Newton steps that stay where the answer is."""
    for row in rows:
        if out.status[row] is not Status.CONVERGED or not batch.problem.active:
            continue
        one = np.array([row])
        method = Newton(_sub(batch, one))
        z = _held(method.problem, [part[one] for part in out.log_strategies])
        state, ending, steps = iterate(method, method.begin(z), 20)
        out.iterations[row] += steps
        if ending is Status.CONVERGED and float(change(z, state.z)[0]) <= 1e-4:
            _place(out, one, state.z)
    _make_exact(batch, out)
