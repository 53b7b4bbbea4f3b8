r"""Equilibria of one game as a curve in one parameter ``s``: its equations, tangents, corrections.

Traced in ``tau``, player i's degree is ``s`` times its weight; traced in ``epsilon``, its precision
is ``s`` divided by its weight, so that ``epsilon = inf`` is ``s = 0``. The unknowns are those of
`_system`. The plane in which a correction moves is part of the linear system, which therefore stays
regular where the curve folds back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ._blocks import bordered, schur, spectrum
from ._metric import Metric
from ._problem import Problem
from ._rows import BoolArray, action_payoffs, outcome_payoffs
from ._system import (
    Linearised,
    State,
    belief_step,
    beliefs,
    change,
    jacobian,
    linearise,
    marginal,
    moved,
    stack,
)

CORRECTIONS = 12
"""Newton steps after which a prediction that has not converged is given up."""
FIRST = 0.15
"""Largest first correction, in probability: a prediction further off may have left the branch."""
CONTRACTION = 0.2
"""Newton corrections must shrink at least this much from one to the next."""
GOAL, STUCK = 1e-13, 1e-8
"""Correction, in probability, at which a point counts as reached; and below which corrections that
no longer shrink are rounding."""


@dataclass(frozen=True)
class Curve:
    """A game's equilibria against one parameter.

    Attributes
    ----------
    problem : Problem
        One game at ``s = 1``; no player is fixed.
    traced : {"tau", "epsilon"}
    unit : float
        Where the scale of ``s`` turns from linear to logarithmic.
    """

    problem: Problem
    traced: str
    unit: float

    def at(self, s: FloatArray) -> tuple[Problem, FloatArray]:
        """The problems, and their levels, at parameters (B,)."""
        base, count = self.problem, len(s)
        tau, precision = np.repeat(base.tau, count, 0), np.repeat(base.precision, count, 0)
        if self.traced == "tau":
            tau = s[:, None] * tau
            return replace(base, tau=tau, precision=precision), np.ones(count)
        return replace(base, tau=tau, precision=precision), s

    def drift(
        self, z: State, y: State, level: FloatArray, lin: Linearised
    ) -> tuple[State, list[FloatArray | None]]:
        """Derivatives by ``s`` of the log-responses, belief changes included, and of the beliefs.

        Only a belief's own change by ``s`` is listed: None where there is none.
        """
        if self.traced == "epsilon":
            return lin.drift, [None] * len(z)
        out, turns = [], []
        for i, payoff in enumerate(self.problem.payoffs):
            outcomes = outcome_payoffs(payoff, np.exp(z[i]))
            parts, tilt = self.problem.form.parts(i), lin.tilt[i]
            if parts is None:
                turn = np.vecdot(tilt, outcomes)[:, None] - outcomes
            else:
                turn = parts.spread(parts.sums(tilt * outcomes)) - outcomes
            turn *= self.problem.tau[:, i, None]
            change = action_payoffs(payoff, np.exp(y[i]) * turn)
            centred = change - np.vecdot(np.exp(lin.log_response[i]), change)[:, None]
            out.append(level[:, None] * self.problem.precision[:, i, None] * centred)
            turns.append(turn)
        return out, turns

    def local(self, z: State, y: State, s: float) -> Local:
        """The system at one point."""
        problem, level = self.at(np.array([s]))
        lin = linearise(problem, z, y, level)
        drift, turns = self.drift(z, y, level, lin)
        matrix, played = jacobian(problem, z, lin), weighty(problem, z, lin)[0]
        return Local(
            problem,
            lin,
            matrix[0],
            stack(lin.load)[0],
            stack(drift)[0],
            turns,
            np.flatnonzero(played),
        )

    def beliefs(self, z: State, s: float) -> State:
        """Gibbs tilts at a profile."""
        return beliefs(self.at(np.array([s]))[0], z)

    def split(self, flat: FloatArray) -> State:
        """A vector (n,) over all players' actions as arrays (1, n_i)."""
        starts = self.problem.starts
        return [flat[None, a:b] for a, b in pairwise(starts)]

    def metric(self, z: State, s: float) -> Metric:
        """How steps from an equilibrium are measured."""
        problem, level = self.at(np.array([s]))
        y = beliefs(problem, z)
        lin = linearise(problem, z, y, level, dense=False)
        _, turns = self.drift(z, y, level, lin)
        return Metric(problem, z, lin, turns, s + self.unit)


NEAR_ZERO = 0.3
"""Size of an eigenvalue of ``I - DΦ`` beyond which it cannot reach zero within a step."""
RARE = 1e-14
"""Probability, in play and in every belief, below which an action matters to nobody."""


def weighty(problem: Problem, z: State, lin: Linearised) -> BoolArray:
    """Which actions (B, n) matter: played, or feared, with more than a negligible probability."""
    shares = [np.exp(part) for part in z]
    for i, tilt in enumerate(lin.tilt):
        if problem.neutral[i]:
            continue
        for j in problem.form.sources(i, len(problem.sizes)):
            feared = marginal(problem, i, j, tilt[:, None, :], lin.weights[i])[:, 0, :]
            shares[j] = np.maximum(shares[j], feared)
    return np.asarray(stack(shares) > RARE)


@dataclass
class Local:
    """The system linearised at one point, with its dense matrix."""

    problem: Problem
    lin: Linearised
    matrix: FloatArray
    load: FloatArray
    drift: FloatArray
    turns: list[FloatArray | None]
    played: np.ndarray[Any, np.dtype[np.intp]]
    """Actions whose log-probabilities matter to anybody; the others follow from them."""

    def solve(self, plane: FloatArray, load: FloatArray | float, off: float) -> FloatArray:
        """The step (n + 1,) in strategies and ``s`` that meets a load, and leaves a plane by off.

        Only the columns of actions that matter are not those of the identity: the system has as
        many unknowns as there are such actions.
        """
        rows, n = self.played, len(self.load)
        given = np.full(len(rows), load) if isinstance(load, float) else load[rows]
        found = bordered(
            self.core, self.blocks, self.drift[rows], plane[rows], plane[-1], given, off
        )
        if len(rows) == n:
            return found
        out = np.empty(n + 1)
        out[:n] = load + self.drift * found[-1] - self.matrix[:, rows] @ found[:-1]
        out[rows], out[n] = found[:-1], found[-1]
        return out

    @property
    def blocks(self) -> int:
        """Where the second of two players begins who react to each other only; else 0."""
        if self.problem.neutral != (True, True) or self.problem.form.own:
            return 0
        return int(np.searchsorted(self.played, self.problem.starts[1]))

    @cached_property
    def core(self) -> FloatArray:
        """The block of the matrix that decides its determinant and eigenvalues other than 1."""
        return self.matrix[np.ix_(self.played, self.played)]

    def belief_step(self, z: State, dz: State, ds: float, newton: bool) -> State:
        """Steps of the log-beliefs that go with those of strategies and parameter."""
        out = belief_step(self.problem, z, self.lin, dz, newton)
        return [
            step if turn is None else step + ds * turn
            for step, turn in zip(out, self.turns, strict=True)
        ]


@dataclass
class Point:
    """A point of the curve and the direction of the curve there."""

    z: State
    y: State
    s: float
    along: FloatArray
    """The direction (n + 1,), of unit length."""
    turning: State
    """The log-beliefs' part of it."""
    metric: Metric
    sign: float
    """Sign of ``det(I - DΦ)``."""
    negative: int | None
    """How many eigenvalues of ``I - DΦ`` are real and negative; None where not counted, or where
    none is near zero."""

    @property
    def ahead(self) -> float:
        """The parameter's part of the direction."""
        return float(self.along[-1])

    def reversed(self) -> Point:
        """The same point, to be left the other way."""
        return replace(self, along=-self.along, turning=[-part for part in self.turning])


@dataclass
class Correction:
    """What Newton made of a prediction: a point without its direction."""

    z: State
    y: State
    s: float
    first: float
    good: bool


def correct(
    curve: Curve,
    z: State,
    y: State,
    s: float,
    plane: FloatArray,
    *,
    through: FloatArray | None = None,
    reach: float = FIRST,
) -> Correction:
    """Newton within a plane: ``plane`` (n + 1,) is its normal.

    It passes through the prediction, or the profile and parameter ``through`` (n + 1,).
    """
    first, previous = np.inf, np.inf
    anchor = np.append(stack(z)[0], s) if through is None else through
    for k in range(CORRECTIONS):
        here = curve.local(z, y, s)
        off = float(plane @ (np.append(stack(z)[0], s) - anchor))
        try:
            step = here.solve(plane, here.load, -off)
        except np.linalg.LinAlgError:
            return Correction(z, y, s, first, False)
        dz, ds = curve.split(step[:-1]), float(step[-1])
        if not np.all(np.isfinite(step)):
            return Correction(z, y, s, first, False)
        dy = here.belief_step(z, dz, ds, newton=True)
        new_z, new_y = moved(here.problem, z, y, dz, dy)
        moves = float(change(z, new_z)[0]), float(change(y, new_y)[0])
        delta = max(*moves, abs(ds) / (abs(s) + curve.unit))
        if k == 0:
            first = delta
        stuck = delta <= STUCK and delta >= CONTRACTION * previous
        if (k == 0 and delta > reach) or not (delta <= CONTRACTION * previous or stuck):
            return Correction(z, y, s, first, False)
        z, y, s, previous = new_z, new_y, s + ds, delta
        if delta <= GOAL or stuck:
            return Correction(z, y, s, first, bool(np.isfinite(s)))
    return Correction(z, y, s, first, False)


COUNTED = 40
"""Actions that matter, of all players together, up to which eigenvalues are counted."""


def point(curve: Curve, z: State, y: State, s: float, along: FloatArray) -> Point | None:
    """A point with its direction, turned so that it agrees with ``along`` (n + 1,).

    None where the direction is not defined: more than one branch passes.
    """
    here = curve.local(z, y, s)
    metric = Metric(here.problem, z, here.lin, here.turns, s + curve.unit)
    plane = metric.times(along)
    try:
        step = here.solve(plane, 0.0, 1.0)
    except np.linalg.LinAlgError:
        return None
    step /= metric.length(step)
    if not np.all(np.isfinite(step)):
        return None
    if float(plane @ step) < 0.0:
        step = -step
    negative = None
    core = here.core
    if len(core) <= COUNTED * (2 if here.blocks else 1):
        values = spectrum(core, here.blocks)
        if float(np.abs(values).min()) < NEAR_ZERO:
            negative = int(np.count_nonzero((np.abs(values.imag) < 1e-12) & (values.real < 0.0)))
    metric.lin.slopes.clear()  # large, and not of the metric
    return Point(
        z=z,
        y=y,
        s=s,
        along=step,
        turning=metric.beliefs(step),
        metric=metric,
        sign=float(np.linalg.slogdet(schur(core, here.blocks))[0]),
        negative=negative,
    )
