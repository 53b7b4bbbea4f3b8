"""All branches that can be reached from given equilibria: followed, switched, told apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..model._checks import FloatArray
from ..result.status import Status
from ._bifurcation import Singular, sample
from ._branch import CLOSE, BranchWalk, Vertex, same_plane
from ._curve import Correction, Curve, Point, correct, point
from ._limit import Limit
from ._loop import iterate
from ._system import State, apart, change, moved, normalised, scaled, stack
from .support import Profile

OFFSETS = (0.02, 0.005, 0.05, 1e-3, 2e-4)
"""Distances from a meeting point, in the metric, at which the branches that leave it are sought."""
ANGLES = 24
"""Directions tried around a point that is singular in two of them; in more, ten times as many."""
NEARBY = 1e-4
"""Largest correction, in probability, of an equilibrium that a branch is to be followed from."""
AROUND = 0.1
"""Distance from a multiple point at which the branches that leave it are sought."""
SEGMENTS, BEYOND = 8, 0.02
"""Segments of a branch that are looked at for an equilibrium; how far past their ends, in lengths,
it may lie."""
SAME = 1e-6
"""Largest relative difference of log-probabilities, and of the parameter, of one singular point."""


Limits = tuple[Profile | None, Profile | None]


@dataclass
class Walked:
    """A walk with its ending, and the limit it led to."""

    trail: list[Vertex]
    end: str
    status: Status
    limit: Profile | None


@dataclass
class Traced:
    """One branch as it was followed."""

    trail: list[Vertex]
    ends: tuple[str, str]
    origin: str
    status: Status
    limits: Limits = (None, None)
    flat: FloatArray = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        self.flat = np.array([np.exp(stack(v.z)[0]) for v in self.trail])
        self.s = np.array([v.s for v in self.trail])


class Tracer:
    """What has been traced of a game's curve, and what is still to be followed."""

    def __init__(
        self,
        curve: Curve,
        low: float,
        high: float,
        *,
        longest: float,
        max_steps: int,
        limit: Limit | None = None,
        switch: bool = True,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.curve, self.low, self.high, self.longest = curve, low, high, longest
        self.max_steps, self.limit, self.switch, self.progress = max_steps, limit, switch, progress
        self.branches: list[Traced] = []
        self.singular: list[Singular] = []
        self.todo: deque[int] = deque()
        self.loose: list[int] = []
        """Branches whose limit is an equilibrium next to their end, not an isolated one."""

    def seed(self, z: State, s: float, origin: str) -> bool:
        """Follow the branch through an equilibrium both ways, and all that meet it; if new."""
        upward = np.append(np.zeros(sum(part.shape[1] for part in z)), 1.0)
        y = self.curve.beliefs(z, s)
        with np.errstate(all="ignore"):
            sharp = correct(self.curve, z, y, s, upward, reach=NEARBY)
            z, y = (sharp.z, sharp.y) if sharp.good else (z, y)
            if self.known_point(z, s):
                return False
            start = point(self.curve, z, y, s, upward)
        if start is None:
            return False
        forward = self._walk(start)
        if forward.end == "closed":
            self._add(forward.trail, ("closed", "closed"), origin, forward.status)
        else:
            backward = self._walk(start.reversed())
            trail = [*reversed(backward.trail[1:]), *forward.trail]
            fine = forward.status is Status.CONVERGED
            status = backward.status if fine else forward.status
            limits = backward.limit, forward.limit
            self._add(trail, (backward.end, forward.end), origin, status, limits)
        while self.todo and self.switch:
            self._leave(self.todo.popleft())
        return True

    def _walk(self, start: Point) -> Walked:
        method = BranchWalk(self.curve, self.low, self.high, self.longest, self._seen, self.limit)
        walk, status, _ = iterate(method, method.begin(start), self.max_steps)
        end = walk.end or "lost"
        if end == "lost" and self._arrived(walk.points[-1]):
            end, status = "bifurcation", Status.CONVERGED
        if self.limit is None:
            return Walked(walk.trail, end, status, None)
        found = self.limit.found if end == "limit" else None
        if end == "boundary" and walk.points[-1].s >= self.high:
            found = self.limit.nearest(walk.points[-1])
            end = "lost" if found is None else "limit"
            status = Status.LOST_BRANCH if found is None else status
            self.loose.append(len(self.branches))
        return Walked(walk.trail, end, status, found)

    def _arrived(self, last: Point) -> bool:
        """Whether a branch that cannot be followed on was running into a multiple point."""
        for here in self.singular:
            gap = np.append(stack(here.z)[0] - stack(last.z)[0], here.s - last.s)
            length = self._length(here, gap)
            heading = last.metric.inner(last.along, gap) > 0.8 * length
            if here.kind == "multiple" and length <= 2.0 * AROUND and heading:
                return True
        return False

    def _add(
        self, trail: list[Vertex], ends: tuple[str, str], origin: str, status: Status,
        limits: Limits = (None, None),
    ) -> None:  # fmt: skip
        self.branches.append(Traced(trail, ends, origin, status, limits))
        if self.progress is not None:
            self.progress(len(self.branches))

    def _seen(self, found: Singular) -> bool:
        """Whether a meeting point was met before; if not, it is remembered, to be left later."""
        for old in self.singular:
            gap = abs(np.log((found.s + self.curve.unit) / (old.s + self.curve.unit)))
            if gap <= SAME and float(apart(found.z, old.z)[0]) <= 10.0 * SAME:
                return True
        self.todo.append(len(self.singular))
        self.singular.append(found)
        return False

    def _leave(self, number: int) -> None:
        """Follow every branch that leaves a meeting point and is not yet known."""
        here = self.singular[number]
        for start in self._departures(here):
            if self.known_point(start.z, start.s):
                continue
            walk = self._walk(start)
            origin = f"switched at {here.kind} point {number + 1}"
            ends = "bifurcation", walk.end
            self._add([here, *walk.trail], ends, origin, walk.status, (None, walk.limit))

    def _departures(self, here: Singular) -> list[Point]:
        """First points of the branches that leave a meeting point, each pointing away from it."""
        if here.kind == "multiple":
            return self._around(here)
        out = []
        for arm in here.arms:
            for sign in (1.0, -1.0):
                for offset in OFFSETS:
                    found = self._offset(here, sign * arm, offset)
                    if found is not None:
                        out.append(found)
                        break
        return out

    def _around(self, here: Singular) -> list[Point]:
        """Departures in whatever singular directions branches lie in."""
        rank = len(here.null)
        if rank == 2:
            angle = 2.0 * np.pi * np.arange(ANGLES) / ANGLES
            mixes = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        else:
            mixes = np.random.default_rng(0).standard_normal((10 * ANGLES, rank))
            mixes /= np.linalg.norm(mixes, axis=1, keepdims=True)
        out: list[Point] = []
        for mix in mixes:
            found = self._sought(here, np.append(mix @ here.null, 0.0))
            if found is not None and not any(
                float(change(found.z, old.z)[0]) <= 0.05 * AROUND for old in out
            ):
                out.append(found)
        return out

    def _sought(self, here: Singular, arm: FloatArray) -> Point | None:
        """An equilibrium at a given distance from a multiple point, wherever a solver ends.

        Several directions are nearly singular there, so that Newton's basins are small: the
        powerful hybrid method, which backs off, goes first.
        """
        from scipy.optimize import root  # only symmetric games of three and more come here

        metric, flat = self.curve.metric(here.z, here.s), stack(here.z)[0]

        def off(unknown: FloatArray) -> FloatArray:
            value = sample(self.curve, unknown[None, :-1], unknown[-1:]).value[0]
            gap = unknown - np.append(flat, here.s)
            return np.append(value / AROUND, metric.inner(gap, gap) / AROUND**2 - 1.0)

        begin = np.append(flat, here.s) + AROUND * arm
        with np.errstate(all="ignore"):
            solved = root(off, begin, method="hybr", options={"xtol": 1e-12})
            s = float(solved.x[-1])
            if not float(np.abs(solved.fun).max()) <= 1e-8 or not self.low <= s <= self.high:
                return None
            z = [normalised(part) for part in self.curve.split(solved.x[:-1])]
            gap = solved.x - np.append(flat, here.s)
            y = self.curve.beliefs(z, s)
            found = correct(self.curve, z, y, s, metric.times(gap), reach=1e-6)
            return point(self.curve, found.z, found.y, found.s, gap) if found.good else None

    def _length(self, here: Singular, gap: FloatArray) -> float:
        return self.curve.metric(here.z, here.s).length(gap)

    def _offset(self, here: Singular, arm: FloatArray, offset: float) -> Point | None:
        """The equilibrium at a distance from a meeting point, in the plane across a direction."""
        problem = self.curve.at(np.array([here.s]))[0]
        y = self.curve.beliefs(here.z, here.s)
        dz = scaled(self.curve.split(arm[:-1]), np.array([offset]))
        z, _ = moved(problem, here.z, y, dz, [np.zeros_like(part) for part in y])
        s = here.s + offset * float(arm[-1])
        if s < 0.0:
            return None
        plane = self.curve.metric(here.z, here.s).times(arm)
        with np.errstate(all="ignore"):
            found: Correction = correct(self.curve, z, self.curve.beliefs(z, s), s, plane)
            if not found.good or not self.low <= found.s <= self.high:
                return None
            gap = np.append(stack(found.z)[0] - stack(here.z)[0], found.s - here.s)
            if self._length(here, gap) > 3.0 * offset:
                return None
            return point(self.curve, found.z, found.y, found.s, gap)

    def known_point(self, z: State, s: float) -> bool:
        """Whether an equilibrium lies on a branch that was traced."""
        scale = s + self.curve.unit
        for branch in self.branches:
            for near in _close_by(branch, stack(z)[0], s, scale):
                there = same_plane(self.curve, near, z, s)
                if (
                    there is not None
                    and float(apart(there.z, z)[0]) <= CLOSE
                    and abs(there.s - s) <= CLOSE * scale
                ):
                    return True
        return False


def _close_by(branch: Traced, log_x: FloatArray, s: float, scale: float) -> list[Point]:
    """Points of a branch next to the segments that an equilibrium could lie on, nearest first."""
    flat = np.column_stack([branch.flat, branch.s / scale])
    target = np.append(np.exp(log_x), s / scale)
    if len(flat) == 1:
        return [v for v in branch.trail if isinstance(v, Point)]
    chord = np.diff(flat, axis=0)
    length = np.linalg.norm(chord, axis=1)
    share = np.vecdot(target - flat[:-1], chord) / np.maximum(length, 1e-300) ** 2
    away = target - flat[:-1] - np.clip(share, 0.0, 1.0)[:, None] * chord
    distance = np.linalg.norm(away, axis=1)
    near = np.flatnonzero(distance <= 0.5 * length + 1e-6)
    unknown = np.append(log_x, s)
    out = []
    for k in near[np.argsort(distance[near])][:SEGMENTS]:
        ends = branch.trail[k], branch.trail[k + 1]
        points = [v for v in ends if isinstance(v, Point)]
        if points and _beside(points[0], *ends, unknown):
            out.append(points[0] if share[k] < 0.5 else points[-1])
    return out


def _beside(near: Point, one: Vertex, other: Vertex, unknown: FloatArray) -> bool:
    """Whether a profile and parameter lie between two vertices, in the metric next to them.

    Beyond a meeting point another branch can run on smoothly where this one begins.
    """
    begin, end = (np.append(stack(v.z)[0], v.s) for v in (one, other))
    chord, gap = end - begin, unknown - begin
    size = near.metric.inner(chord, chord)
    share = near.metric.inner(chord, gap) / size if size > 0.0 else 0.0
    return -BEYOND <= share <= 1.0 + BEYOND and near.metric.length(gap - share * chord) <= (
        0.5 * float(np.sqrt(size)) + CLOSE
    )
