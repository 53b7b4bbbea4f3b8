"""The principal branch: followed from the uniform profile as ``epsilon`` comes down to its target.

The path is traced in the precision multiplier ``level`` from 0 (``epsilon = inf``, where the
uniform profile is the only equilibrium) to 1, by pseudo-arclength in the information metric of the
strategies, so it passes folds. Each accepted point is checked for the parity that a regular branch
keeps, sign det J times the direction in ``level``, and for two eigenvalues of J that change sign in
one step, which parity does not show. A jump to another branch breaks one or the other and is
retried with smaller steps; only a break that survives them is taken for a bifurcation crossed. A
batch moves in lockstep, every game with its own step length.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..model._checks import FloatArray
from ..result.status import Status
from ._crossings import leapt, negative
from ._problem import Problem
from ._rows import BoolArray, take
from ._system import (
    Linearised,
    State,
    belief_step,
    beliefs,
    change,
    choose,
    linearise,
    moved,
    reach,
    scaled,
    solve_system,
    spread,
    stack,
)
from ._walk import Arrival, Corrected, Walk, inner

FIRST = 0.15
"""Largest first correction, in probability: a prediction further off may have left the branch."""
CONTRACTION = 0.15
"""Newton corrections must shrink at least this much from one to the next."""
LOOSE, TIGHT = 3e-3, 1e-6
"""Corrections, in probability, at which a point of the path, and the target, count as reached; on
the path less by the factor ``1 + tau / 10``: beliefs turn over within payoffs of ``1 / tau``."""
STRAIGHT = 0.7
"""Cosine between directions of one step and the next below which the step was too long."""
SMALLEST = 1e-9
"""Step length, in the path's metric, below which the branch counts as lost."""
CROSSING = 1e-3
"""Step length below which a change of parity is taken for a bifurcation that was crossed."""
SPARED, DENSE = 240, 700
"""Actions of all players together from which, and up to which, to do without factorising."""
CORRECTIONS = 8
"""Newton steps after which a prediction that has not converged is given up."""
CROWD, THINNED = 64, 0.3
"""Games from which on, and share of them done at which, the others are corrected on their own."""
ERROR = 0.05
"""First correction, in probability, that step lengths aim at."""


class Homotopy:
    """Predictor–corrector steps of a whole batch; a `Method` for the driver loop."""

    def __init__(self, problem: Problem) -> None:
        # Krylov solves while they are easy; where they are not, factorise, or only the block of
        # the likeliest actions if the whole is too large (then the index is not known)
        total = sum(problem.sizes)
        self.krylov = problem.batch == 1 and total > SPARED
        self.block = total > DENSE
        self.start = problem.uniform()
        self.start_beliefs = beliefs(problem, self.start)
        self.arrival = Arrival(
            z=[np.array(part) for part in self.start],
            y=[np.array(part) for part in self.start_beliefs],
            level=np.zeros(problem.batch),
            sign=np.zeros(problem.batch),
            landed=np.zeros(problem.batch, dtype=np.bool_),
            work=np.zeros(problem.batch, dtype=np.int64),
        )

    def begin(self, problem: Problem) -> Walk:
        """The uniform profile at ``level`` 0 and the direction in which the branch leaves it."""
        z, y = self.start, self.start_beliefs
        count = problem.batch
        level, ones = np.zeros(count), np.ones(count)
        lin = linearise(problem, z, y, level, dense=False)
        slope = spread(problem, stack(lin.drift))
        y_slope = belief_step(problem, z, lin, slope, newton=False)
        top = problem.precision.max(axis=1)
        unit = 1.0 / np.where(top > 0.0, top, 1.0)
        norm = 1.0 / np.sqrt(inner(z, slope, slope) + unit**-2)
        return Walk(
            problem=problem,
            rows=np.arange(count),
            unit=unit,
            z=z,
            y=y,
            level=level,
            tz=scaled(slope, norm),
            ty=scaled(y_slope, norm),
            tl=norm,
            length=4.0 * ones,
            parity=ones,
            sign=ones,
            negative=np.zeros((count, 2), dtype=np.int64),
            landed=np.zeros(count, dtype=np.bool_),
            lost=np.zeros(count, dtype=np.bool_),
        )

    def step(self, walk: Walk) -> Walk:
        """Predict, correct, accept or shorten; games that ended leave the batch."""
        length = np.minimum(walk.length, reach(walk.z, walk.tz))
        if not all(walk.problem.neutral):
            length = np.minimum(length, reach(walk.y, walk.ty))
        forward = walk.tl > 0.0
        to_go = np.where(forward, (1.0 - walk.level) / np.where(forward, walk.tl, 1.0), np.inf)
        landing = length >= to_go
        length = np.where(landing, to_go, length)
        level = np.where(landing, 1.0, walk.level + length * walk.tl)
        z, y = moved(walk.problem, walk.z, walk.y, scaled(walk.tz, length), scaled(walk.ty, length))
        found = self._correct(walk, z, y, level, landing)
        self._accept(walk, found, length, landing)
        return self._drop(walk)

    def ending(self, walk: Walk) -> Status | None:
        """Ended when every game has; each game's own ending is in `arrival`."""
        return Status.CONVERGED if walk.rows.size == 0 else None

    def finite(self, walk: Walk) -> bool:
        """Whether every position and step is a number."""
        return bool(np.isfinite(walk.level).all() and np.isfinite(walk.length).all())

    def _correct(
        self,
        walk: Walk,
        z: State,
        y: State,
        level: FloatArray,
        landing: BoolArray,
        done: int = 0,
        previous: FloatArray | float = np.inf,
    ) -> Corrected:
        """Newton after `done` corrections; what is left of a crowd then goes on alone."""
        problem, count = walk.problem, level.size
        metric = (walk.level + walk.unit) ** -2
        # inexact solves leave directions less certain: points must be sharper to make up for it
        loose = (0.3 if self.block else 1.0) * LOOSE / (1.0 + 0.1 * problem.tau.max(axis=1))
        loose = np.maximum(loose, 3e-5)
        good, bad = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
        first, y_slope, rest = np.full(count, np.inf), walk.ty, np.arange(0)
        shift, all_landing = np.zeros(count), bool(landing.all())
        sure = np.where(landing, TIGHT, loose)
        # a first correction says nothing of convergence yet: it must be smaller
        surer = np.where(landing, TIGHT, 0.01 * loose)
        reacting = not all(problem.neutral)
        with np.errstate(all="ignore"):
            for k in range(done, CORRECTIONS):
                lin, plain, slope, sign_of, matrix = self._solve(walk, z, y, level, not all_landing)
                dz = plain
                if not all_landing:
                    shift, dz = self._bend(walk, plain, slope, landing)
                dy = belief_step(problem, z, lin, dz, newton=True)
                new_z, new_y = moved(problem, z, y, dz, dy)
                delta = change(z, new_z)
                if reacting:
                    delta = np.maximum(delta, change(y, new_y))
                if not all_landing:
                    delta = np.maximum(delta, np.abs(shift) * np.sqrt(metric))
                if k == 0:
                    first = delta
                    bad |= ~(delta <= FIRST)
                else:
                    bad |= ~((delta <= CONTRACTION * previous) | (delta <= 1e-11)) & ~good
                previous = delta
                going = ~(good | bad)
                z, y = choose(going, new_z, z), choose(going, new_y, y)
                if not all_landing:
                    level = np.where(going, level + shift, level)
                good |= going & (delta <= (sure if k else surer))
                over = good | bad
                thin = k + 1 < CORRECTIONS and count >= CROWD and over.mean() > THINNED
                if thin or over.all():
                    rest = np.flatnonzero(~over)
                    break
            if not all_landing:
                y_slope = belief_step(problem, z, lin, slope, newton=False)
            sign = sign_of()
        self.arrival.work[walk.rows] += k + 1 - done
        good &= np.isfinite(level) & (level >= 0.0) & (landing | (level < 1.0))
        counts = np.zeros((count, 2), dtype=np.int64) if matrix is None else negative(matrix, good)
        found = Corrected(z, y, level, slope, y_slope, first, good, sign, counts)
        if not rest.size:
            return found
        z, y = [take(part, rest) for part in z], [take(part, rest) for part in y]
        others = walk.take(rest), z, y, level[rest], landing[rest]
        return found.put(rest, self._correct(*others, done=k + 1, previous=delta[rest]))

    def _bend(
        self, walk: Walk, plain: State, slope: State, landing: BoolArray
    ) -> tuple[FloatArray, State]:
        """Changes of level that keep corrections at right angles to the path, and the steps."""
        along = inner(walk.z, walk.tz, plain)
        across = inner(walk.z, walk.tz, slope) + walk.tl * (walk.level + walk.unit) ** -2
        shift = np.where(landing, 0.0, -along / across)
        return shift, [p + s * shift[:, None] for p, s in zip(plain, slope, strict=True)]

    def _solve(
        self, walk: Walk, z: State, y: State, level: FloatArray, turn: bool
    ) -> tuple[Linearised, State, State, Callable[[], FloatArray], FloatArray | None]:
        """The system at a point, Newton's step, the slope (the old one unless to `turn`), sign.

        And the matrix, if it was factorised.
        """
        problem = walk.problem
        if self.krylov:
            from ._krylov import KrylovSystem  # sparse linear algebra: only if used

            lin = linearise(problem, z, y, level, dense=False)
            system = KrylovSystem(problem, z, y, level, lin)
            plain = system.solve(lin.load, block=self.block)
            slope = system.solve(lin.drift, block=self.block) if turn else walk.tz
            if self.block or not system.hard:
                return lin, plain, slope, lambda: system.sign, None
            self.krylov = False
        lin = linearise(problem, z, y, level)
        return lin, *solve_system(problem, z, lin)

    def _accept(self, walk: Walk, found: Corrected, length: FloatArray, landing: BoolArray) -> None:
        metric = (walk.level + walk.unit) ** -2
        with np.errstate(all="ignore"):
            cosine = inner(walk.z, walk.tz, found.slope) + walk.tl * metric
            heading = np.sign(cosine)
            parity = found.sign * heading
            regular = (parity == walk.parity) & ~leapt(walk.negative, found.negative)
            good = found.good & (regular | (length < CROSSING)) & (parity != 0.0)
            growth = np.sqrt(ERROR / np.maximum(found.first, 1e-8))
            # a correction that is not a number (a singular or unsolved system) shortens the most
            growth = np.fmax(np.minimum(growth, 4.0), 0.2)
            norm = walk.tl
            if not landing.all():  # who lands needs no direction to go on in
                size = inner(found.z, found.slope, found.slope) + (found.level + walk.unit) ** -2
                norm = heading / np.sqrt(size)
                mixed = inner(walk.z, found.slope, found.slope) + metric
                turned = np.abs(cosine) < STRAIGHT * np.sqrt(mixed)
                good &= np.isfinite(norm) & (~turned | landing | (length < CROSSING))
                walk.tz = choose(good, scaled(found.slope, norm), walk.tz)
                walk.ty = choose(good, scaled(found.y_slope, norm), walk.ty)
        walk.z, walk.y = choose(good, found.z, walk.z), choose(good, found.y, walk.y)
        walk.tl = np.where(good, norm, walk.tl)
        walk.level = np.where(good, found.level, walk.level)
        walk.parity = np.where(good, parity, walk.parity)
        walk.sign = np.where(good, found.sign, walk.sign)
        walk.negative = np.where(good[:, None], found.negative, walk.negative)
        walk.length = np.where(
            good, length * np.maximum(growth, 0.5), length * np.minimum(growth, 0.6)
        )
        walk.landed = good & landing
        walk.lost = ~good & (walk.length < SMALLEST)

    def _drop(self, walk: Walk) -> Walk:
        over = walk.landed | walk.lost
        if not over.any():
            return walk
        self.record(walk, over)
        if over.all():  # nothing of what is left will be read
            walk.rows = walk.rows[:0]
            return walk
        return walk.take(np.flatnonzero(~over))

    def record(self, walk: Walk, which: BoolArray) -> None:
        """Note where the given games of the walk stand."""
        end, rows = self.arrival, walk.rows[which]
        for kept, part in zip(end.z + end.y, walk.z + walk.y, strict=True):
            kept[rows] = part[which]
        end.level[rows] = walk.level[which]
        end.sign[rows] = 0.0 if self.krylov and self.block else walk.sign[which]
        end.landed[rows] = walk.landed[which]
