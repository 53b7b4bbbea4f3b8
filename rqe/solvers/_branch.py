"""One branch, followed from a point in one direction to wherever it ends; a `Method`.

Predictor–corrector steps along the tangent. A step is taken again, shorter, where Newton converges
slowly, the branch turns sharply, or the parity ``sign det(I - DΦ) × direction`` changes, which it
does only where branches meet: a change that survives down to `CROSSING` is located, and without
such a point it is a leap to another branch and the step is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..result.status import Status
from ._bifurcation import Singular, locate_fold, locate_meeting, null_space
from ._curve import Correction, Curve, Point, correct, point
from ._system import State, apart, change, moved, reach, scaled, stack

STRAIGHT = 0.9
"""Cosine between directions of one step and the next below which the step was too long."""
SMALLEST = 1e-8
"""Step length, in the metric, below which the branch counts as lost."""
UPON, UPON_AGAIN = 0.02, 1e-6
"""Share of a step within which a singular point counts as met by its end, and the step length down
to which that is avoided."""
CROSSING = 2e-3
"""Step length at which a change of parity must be explained by a point where branches meet."""
BEGIN = 0.05
ERROR = 0.01
"""First correction, in probability, that step lengths aim at."""
CLOSE = 1e-6
"""Largest relative difference of log-probabilities between two records of one point."""

Vertex = Point | Singular
Seen = Callable[[Singular], bool]
"""Whether a singular point has been met before; it is remembered from then on."""
Reached = Callable[[Point], bool]
"""Whether a point is so close to the limit of its branch that the limit is known."""


@dataclass
class Walk:
    """The points so far, the step length, and how it ended."""

    points: list[Point]
    trail: list[Vertex]
    length: float
    end: str = ""


class BranchWalk:
    """Steps from a point along its direction, within ``[low, high]`` of the parameter."""

    def __init__(
        self,
        curve: Curve,
        low: float,
        high: float,
        longest: float,
        known: Seen,
        limit: Reached | None = None,
    ) -> None:
        self.curve, self.low, self.high, self.longest = curve, low, high, longest
        self.known, self.limit = known, limit

    def begin(self, start: Point) -> Walk:
        """Nothing walked yet."""
        walk = Walk([start], [start], min(BEGIN, self.longest))
        if (start.s <= self.low and start.ahead < 0.0) or (
            start.s >= self.high and start.ahead > 0.0
        ):
            walk.end = "boundary"
        return walk

    def ending(self, walk: Walk) -> Status | None:
        """Ended for a reason, or lost."""
        if not walk.end:
            return None
        return Status.LOST_BRANCH if walk.end == "lost" else Status.CONVERGED

    def finite(self, walk: Walk) -> bool:
        """Whether the last point is one."""
        return bool(np.isfinite(walk.points[-1].s) and np.isfinite(walk.points[-1].along).all())

    def step(self, walk: Walk) -> Walk:
        """Predict, correct, accept or shorten."""
        here = walk.points[-1]
        length = min(walk.length, float(reach(here.z, self.curve.split(here.along[:-1]))[0]))
        length = min(length, float(reach(here.y, here.turning)[0]))
        bound = self.high if here.ahead > 0.0 else self.low
        to_go = (bound - here.s) / here.ahead if here.ahead != 0.0 else np.inf
        landing = length >= to_go
        length = min(length, to_go)
        found = self._try(here, length, bound if landing else None)
        new = self._direct(here, found) if found.good else None
        if new is None or not self._sound(here, new, length):
            return self._shorten(walk, length)
        if self._parity(new) != self._parity(here):
            if length > CROSSING:
                return self._shorten(walk, length)
            if not self._meet(walk, here, new):
                return self._shorten(walk, length)
        elif new.ahead * here.ahead < 0.0:
            # a turn that cannot be placed is placed closer by, or the branch counts as lost
            placed = self._fold(walk, here, new)
            placed = placed or (length <= CROSSING and self._meet(walk, here, new))
            if not placed:
                return self._shorten(walk, length)
        elif self._hidden(here, new):
            self._many(walk, here, new)
        if walk.end:
            return walk
        walk.points.append(new)
        walk.trail.append(new)
        growth = float(np.clip(np.sqrt(ERROR / max(found.first, 1e-8)), 0.5, 2.0))
        walk.length = min(self.longest, length * growth)
        if landing:
            walk.end = "boundary"
        elif self.limit is not None and self.limit(new):
            walk.end = "limit"
        elif self._returned(walk, here, new):
            walk.end = "closed"
        return walk

    def _try(self, here: Point, length: float, bound: float | None) -> Correction:
        z, y = shifted(self.curve, here, length)
        if bound is None:
            plane, s = here.metric.times(here.along), here.s + length * here.ahead
        else:
            plane, s = np.append(np.zeros(len(here.along) - 1), 1.0), bound
        with np.errstate(all="ignore"):
            found = correct(self.curve, z, y, s, plane)
        found.good &= self.low <= found.s <= self.high
        return found

    def _direct(self, here: Point, found: Correction) -> Point | None:
        with np.errstate(all="ignore"):
            return point(self.curve, found.z, found.y, found.s, here.along)

    def _sound(self, here: Point, new: Point, length: float) -> bool:
        """Whether the direction changed little enough for the step to be trusted."""
        cosine = here.metric.inner(here.along, new.along) / here.metric.length(new.along)
        # right at a meeting point directions are not well defined
        return bool(cosine >= STRAIGHT or (length <= CROSSING and cosine > 0.0))

    @staticmethod
    def _parity(at: Point) -> float:
        return at.sign * float(np.sign(at.ahead))

    @staticmethod
    def _shorten(walk: Walk, length: float) -> Walk:
        walk.length = 0.5 * length
        if walk.length < SMALLEST:
            walk.end = "lost"
        return walk

    def _fold(self, walk: Walk, here: Point, new: Point) -> bool:
        """Locate where the branch turned back; whether that place was found."""
        for near in (new, here):
            found = locate_fold(self.curve, near.z, near.s)
            if found is not None and self._between(here, new, found):
                walk.trail.append(found)
                return True
        return False

    def _meet(self, walk: Walk, here: Point, new: Point) -> bool:
        """Locate what changed the parity; whether there is such a point."""
        for near in (here, new):
            found = locate_meeting(self.curve, near.z, near.s)
            if found is not None and self._between(here, new, found):
                self._record(walk, found)
                return True
        before = len(walk.trail)
        if self._hidden(here, new):
            self._many(walk, here, new)
        return len(walk.trail) > before

    def _record(self, walk: Walk, found: Singular) -> None:
        walk.trail.append(found)
        if self.known(found):
            walk.end = "bifurcation"

    def _between(self, here: Point, new: Point, found: Singular) -> bool:
        """Whether a located point lies where the two points say that it must.

        And not at the step's very end, where signs would be rounding: a shorter step misses it.
        """
        ends = [np.append(stack(v.z)[0], v.s) for v in (here, new, found)]
        length = here.metric.length(ends[1] - ends[0])
        if here.metric.length(ends[2] - ends[1]) < UPON * length and length > UPON_AGAIN:
            return False
        step = float(change(here.z, new.z)[0]), abs(new.s - here.s)
        slack = 2.0 * step[0] + 1e-6, 2.0 * step[1] + 1e-6 * (here.s + self.curve.unit)
        return (
            float(change(here.z, found.z)[0]) <= slack[0]
            and abs(found.s - here.s) <= slack[1] + slack[0] * (here.s + self.curve.unit)
            and self.low <= found.s <= self.high
        )

    @staticmethod
    def _hidden(here: Point, new: Point) -> bool:
        """Whether an even number of eigenvalues changed sign, which the parity does not show."""
        if here.negative is None or new.negative is None:
            return False
        return here.negative != new.negative

    def _many(self, walk: Walk, here: Point, new: Point) -> None:
        """Bisect for a point singular in several directions; eigenvalues may also just collide."""
        low, high = here, new
        for _ in range(60):
            s = 0.5 * (low.s + high.s)
            z = [0.5 * (a + b) for a, b in zip(low.z, high.z, strict=True)]
            y = self.curve.beliefs(z, s)
            with np.errstate(all="ignore"):
                found = correct(self.curve, z, y, s, low.metric.times(low.along))
                middle = self._direct(high, found) if found.good else None
            if middle is None or abs(high.s - low.s) < 1e-9 * (s + self.curve.unit):
                break
            low, high = (low, middle) if middle.negative != low.negative else (middle, high)
        null = null_space(self.curve, low.z, low.s)
        if len(null) >= 2:
            self._record(walk, Singular("multiple", low.z, low.s, null, []))

    def _returned(self, walk: Walk, here: Point, new: Point) -> bool:
        """Whether the step passed the first point again, in the same direction."""
        first = walk.points[0]
        if len(walk.points) < 4 or first.ahead * new.ahead < 0.0:
            return False
        step = float(change(here.z, new.z)[0])
        if float(change(new.z, first.z)[0]) > step or float(change(here.z, first.z)[0]) > step:
            return False
        if (first.s - here.s) * (first.s - new.s) > 0.0:
            return False
        back = same_plane(self.curve, new, first.z, first.s)
        return back is not None and float(apart(back.z, first.z)[0]) <= CLOSE


def same_plane(curve: Curve, near: Point, z: State, s: float) -> Correction | None:
    """The point of the branch through ``near`` in the plane through ``(z, s)`` across it."""
    plane = near.metric.times(near.along)
    target = np.append(stack(z)[0], s)
    share = float(plane @ (target - np.append(stack(near.z)[0], near.s)))
    with np.errstate(all="ignore"):
        begin = shifted(curve, near, share)
        found = correct(curve, *begin, near.s + share * near.ahead, plane, through=target)
    return found if found.good else None


def shifted(curve: Curve, here: Point, length: float) -> tuple[State, State]:
    """Strategies and beliefs at a distance along a point's direction."""
    factor = np.array([length])
    problem = curve.at(np.array([here.s]))[0]
    dz = scaled(curve.split(here.along[:-1]), factor)
    return moved(problem, here.z, here.y, dz, scaled(here.turning, factor))
