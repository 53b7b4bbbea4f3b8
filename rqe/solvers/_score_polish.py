"""The last steps to general agents' equilibria: exact conditions where risk measures have steps.

With CVaR, total variation or the worst case, a belief is at a bound of its set in some outcomes and
free in others, whose payoffs tie. The smooth path says which; Newton's method then solves the
conditions of that pattern with the free probabilities as unknowns, and outcomes change sides until
the pattern is that of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.ops import joint_log
from ..model._checks import FloatArray
from ..result.status import Status
from ._links import answered, tilt
from ._scores import CORNER, Play, System

TIED = 25.0
"""How many units of score around a step count as on it."""
SHARP = 1e-13
"""Change of a probability at which Newton's method has arrived."""


@dataclass
class Pattern:
    """Where the belief of one player stands: free outcomes, the others' ratio, the free's offset.

    ``free`` (m,) marks outcomes whose payoffs tie; ``ratio`` (m,) is the fixed ratio of the others
    to their reference; ``offset`` (m,) is what a free outcome's payoff is above the level.
    """

    free: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ratio: FloatArray
    offset: FloatArray


@dataclass
class Exact:
    """Scores of actions, beliefs and levels."""

    scores: list[FloatArray]
    outcomes: list[FloatArray | None]
    beliefs: list[FloatArray | None]
    levels: list[float]
    change: float = np.inf
    """Of a probability, in the last step."""


class Polish:
    """Newton's method on the conditions of a pattern; a `Method` for the driver loop."""

    def __init__(self, system: System, play: Play) -> None:
        self.system = system
        self.play = play
        self.stepped = [system.own_belief(i) and s.stepped for i, s in enumerate(system.seats)]
        self.patterns: list[Pattern | None] = []

    def begin(self) -> Exact:
        """The pattern of the smooth answer, and the answer."""
        play, system = self.play, self.system
        log_x = system.strategies(play)
        at = Exact(list(play.scores), list(play.outcomes), [], [])
        for i, seat in enumerate(system.seats):
            if not self.stepped[i]:
                self.patterns.append(None)
                at.beliefs.append(None)
                at.levels.append(0.0)
                continue
            log_q = joint_log(tuple(log_x), i)
            found = system.belief(i, play, log_q)
            u = np.exp(log_x[i]) @ seat.payoff
            pattern = self._pattern(i, found.shifted)
            self.patterns.append(pattern)
            at.beliefs.append(np.exp(found.log_p))
            spare = u[pattern.free] - pattern.offset[pattern.free]
            at.levels.append(float(spare.mean()) if spare.size else float(u.min()))
        self.play = replace(play, k=CORNER)  # of corners, and of steps that no pattern replaces
        return at

    def _pattern(self, i: int, s: FloatArray) -> Pattern:
        seat = self.system.seats[i]
        zero = np.zeros_like(s)
        if seat.kind == "worst":
            return Pattern(s > s.max() - TIED, zero, zero)
        if seat.kind == "cap":
            return Pattern(np.abs(s) < TIED, np.where(s > 0.0, 1.0 / seat.degree, 0.0), zero)
        half = 0.5 * self.play.k / seat.degree
        top, low = s > half - TIED, np.abs(s + half) < TIED
        reach = 0.5 / seat.degree
        offset = np.where(top, -reach, np.where(low, reach, 0.0))
        return Pattern(top | low, np.where(s + half > 0.0, 1.0, 0.0), offset)

    def step(self, at: Exact) -> Exact:
        """One Newton step on scores, free probabilities and levels; then outcomes change sides."""
        system, play = self.system, self.play
        system.sharpen(play.k)
        answers = [answered(s.link, t) for s, t in zip(system.seats, at.scores, strict=True)]
        log_x, slopes = [z for z, _ in answers], [rows for _, rows in answers]
        n = int(system.starts[-1])
        extra = [0 if p is None else int(p.free.sum()) + 1 for p in self.patterns]
        begins = n + np.concatenate([[0], np.cumsum(extra)])
        size = int(begins[-1])
        matrix, right = np.zeros((size, size)), np.zeros(size)
        smooth = Play(at.scores, at.outcomes, 1.0, play.k)
        for i, (seat, pattern) in enumerate(zip(system.seats, self.patterns, strict=True)):
            here = slice(system.starts[i], system.starts[i + 1])
            x, log_q = np.exp(log_x[i]), joint_log(tuple(log_x), i)
            matrix[here, here] += np.eye(seat.payoff.shape[0])
            if pattern is None:
                row = system.row(i, smooth, x, log_q)
                right[here] = seat.precision * (row.values + row.moved) - at.scores[i]
                if row.own is not None:
                    push = seat.scale(play.k) * seat.payoff.T @ (x[:, None] * slopes[i])
                    matrix[here, here] -= seat.precision * row.own @ push
                cross = row.cross
            else:
                mine = slice(begins[i], begins[i + 1] - 1)
                level = begins[i + 1] - 1
                p, free = at.beliefs[i], pattern.free
                assert p is not None
                fixed = np.where(free, 0.0, pattern.ratio * np.exp(log_q))
                held = np.where(free, p, fixed)
                right[here] = seat.precision * (seat.payoff @ held) - at.scores[i]
                matrix[here, mine] = -seat.precision * seat.payoff[:, free]
                matrix[mine, here] = seat.payoff[:, free].T @ (x[:, None] * slopes[i])
                matrix[mine, level] = -1.0
                u = x @ seat.payoff
                right[mine] = at.levels[i] + pattern.offset[free] - u[free]
                matrix[level, mine] = 1.0
                right[level] = 1.0 - held.sum()
                cross = seat.payoff * fixed
                for j, copies in system.spread[i].items():
                    there = slice(system.starts[j], system.starts[j + 1])
                    matrix[level, there] = (fixed @ copies) @ slopes[j]
            for j, copies in system.spread[i].items():
                there = slice(system.starts[j], system.starts[j + 1])
                matrix[here, there] -= seat.precision * (cross @ copies) @ slopes[j]
        if not (np.all(np.isfinite(matrix)) and np.all(np.isfinite(right))):
            return replace(at, scores=[np.full_like(t, np.nan) for t in at.scores])
        step = np.linalg.lstsq(matrix, right, rcond=1e-13)[0]
        return self._moved(at, log_x, slopes, np.asarray(step, dtype=np.float64), begins)

    def _moved(
        self,
        at: Exact,
        log_x: list[FloatArray],
        slopes: list[FloatArray],
        step: FloatArray,
        begins: Any,
    ) -> Exact:
        system = self.system
        new = Exact([], [], [], [])
        for i, (seat, pattern) in enumerate(zip(system.seats, self.patterns, strict=True)):
            dt = step[system.starts[i] : system.starts[i + 1]]
            new.scores.append(at.scores[i] + dt)
            outcomes = at.outcomes[i]
            if outcomes is not None and pattern is None:
                x = np.exp(log_x[i])
                dx = x * (slopes[i] @ dt)
                outcomes = seat.scale(self.play.k) * ((x + dx) @ seat.payoff)
            new.outcomes.append(outcomes)
            p, level = at.beliefs[i], at.levels[i]
            if pattern is not None and p is not None:
                part = step[int(begins[i]) : int(begins[i + 1])]
                p = p.copy()
                p[pattern.free] += part[:-1]
                level += float(part[-1])
            new.beliefs.append(p)
            new.levels.append(level)
        self._resettle(new)
        after = [tilt(s.link, t)[0] for s, t in zip(system.seats, new.scores, strict=True)]
        pairs = [(np.exp(a), np.exp(b)) for a, b in zip(log_x, after, strict=True)]
        for p, r in zip(at.beliefs, new.beliefs, strict=True):
            if p is not None and r is not None:
                pairs.append((p, r))
        new.change = max(float(np.max(np.abs(a - b))) for a, b in pairs)
        return new

    def _resettle(self, at: Exact) -> None:
        """Fixed outcomes take their ratio; one that is beyond its bound changes sides."""
        log_x = [tilt(s.link, t)[0] for s, t in zip(self.system.seats, at.scores, strict=True)]
        for i, (seat, pattern) in enumerate(zip(self.system.seats, self.patterns, strict=True)):
            p = at.beliefs[i]
            if pattern is None or p is None:
                continue
            q = np.exp(joint_log(tuple(log_x), i))
            u = np.exp(log_x[i]) @ seat.payoff
            above = u - at.levels[i]
            self._release(seat.kind, seat.degree, pattern, above)
            low, high = np.zeros_like(q), np.full_like(q, np.inf)
            if seat.kind == "cap":
                high = q / seat.degree
            elif seat.kind == "move":
                top = pattern.free & (pattern.offset < 0.0)
                low, high = np.where(top, q, 0.0), np.where(top, np.inf, q)
            under, over = pattern.free & (p < low - 1e-12), pattern.free & (p > high + 1e-12)
            if (pattern.free & ~under & ~over).any() or seat.kind == "cap":
                with np.errstate(divide="ignore", invalid="ignore"):
                    bound = np.where(under, low, high) / q
                leaving = under | over
                pattern.ratio = np.where(leaving, bound, pattern.ratio)
                pattern.free = pattern.free & ~leaving
            p[~pattern.free] = (pattern.ratio * q)[~pattern.free]
            np.clip(p, 0.0, None, out=p)

    @staticmethod
    def _release(kind: str, degree: float, pattern: Pattern, above: FloatArray) -> None:
        """Fixed outcomes whose payoff is on the wrong side of the level become free."""
        fixed = ~pattern.free
        if kind == "worst":
            wrong = fixed & (above < -1e-12)
            offset = np.zeros_like(above)
        elif kind == "cap":
            high = pattern.ratio > 0.0
            wrong = fixed & np.where(high, above > 1e-12, above < -1e-12)
            offset = np.zeros_like(above)
        else:
            reach = 0.5 / degree
            one = pattern.ratio > 0.0
            too_low, too_high = above < -reach - 1e-12, above > reach + 1e-12
            wrong = fixed & np.where(one, too_low | too_high, above < reach - 1e-12)
            offset = np.where(too_low & one, -reach, reach)
        pattern.offset = np.where(wrong, offset, pattern.offset)
        pattern.free = pattern.free | wrong

    def ending(self, at: Exact) -> Status | None:
        """Converged when a step moves no probability."""
        return Status.CONVERGED if at.change <= SHARP else None

    def finite(self, at: Exact) -> bool:
        """Whether every score is a number."""
        return all(bool(np.all(np.isfinite(t))) for t in at.scores)
