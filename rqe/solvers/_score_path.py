"""The branch of general agents' equilibria, followed from indifference to their precision.

Pseudo-arclength steps in the information metric of the strategies, first in the precision
multiplier ``level`` from 0 to 1, then in the sharpness ``k`` of risk measures
that have steps. Each step must contract, keep its direction and keep the sign of the determinant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..model._checks import FloatArray
from ..result.status import Status
from ._rows import solve_linear
from ._scores import Linear, Play, System

FIRST, STRAIGHT = 0.15, 0.7
"""Largest first correction, in probability, and least cosine between two steps' directions."""
REACH = 0.3
"""Largest change of a probability that a prediction is trusted for."""
LOOSE, TIGHT = 1e-6, 1e-12
"""Corrections, in probability, at which a point of the path, and its end, count as reached."""
CROSSING, SMALLEST = 1e-4, 1e-10
"""Step lengths below which a change of sign is taken for a bifurcation that was crossed, and the
branch for lost."""
CORRECTIONS = 12


@dataclass
class Walk:
    """Where the path has come to and how it goes on."""

    play: Play
    lin: Linear
    dt: FloatArray
    dtheta: float
    length: float
    parity: float
    sign: float
    lost: bool = False
    landed: bool = False


def profile(lin: Linear) -> list[FloatArray]:
    """Strategies and beliefs as probabilities."""
    return [np.exp(z) for z in (*lin.log_x, *lin.log_p)]


def shift(before: list[FloatArray], after: list[FloatArray]) -> float:
    """Largest change of a probability."""
    pairs = zip(before, after, strict=True)
    return max(float(np.max(np.abs(a - b))) for a, b in pairs)


class ScorePath:
    """Steps along one parameter, ``level`` or ``k``; a `Method` for the driver loop."""

    def __init__(self, system: System, moving: str, end: float) -> None:
        self.system, self.moving, self.end = system, moving, end

    def theta(self, play: Play) -> float:
        """The parameter."""
        return play.level if self.moving == "level" else play.k

    def unit(self, play: Play) -> float:
        """What counts as one unit of the parameter: it changes play by about that much."""
        if self.moving == "k":
            return play.k
        top = max(s.precision for s in self.system.seats)
        return max(play.level, 1.0 / top) if top > 0.0 else 1.0

    def at(self, play: Play, theta: float) -> Play:
        """The play with another parameter."""
        if self.moving == "level":
            return replace(play, level=theta)
        return replace(play, k=theta)

    def begin(self, play: Play) -> Walk:
        """Headed for the end."""
        lin = self.system.linearise(play, self.moving)
        forward = 1.0 if self.end >= self.theta(play) else -1.0
        dt, dtheta, sign = self._tangent(play, lin, None, forward)
        parity = sign * np.sign(dtheta)
        return Walk(play, lin, dt, dtheta, 0.25, parity, sign)

    def _inner(self, play: Play, lin: Linear, a: FloatArray, b: FloatArray) -> float:
        total = 0.0
        for i, (z, rows) in enumerate(zip(lin.log_x, lin.rows, strict=True)):
            here = slice(self.system.starts[i], self.system.starts[i + 1])
            total += float(np.exp(z) @ ((rows @ a[here]) * (rows @ b[here])))
        return total

    def _tangent(
        self, play: Play, lin: Linear, ahead: tuple[FloatArray, float] | None, forward: float
    ) -> tuple[FloatArray, float, float]:
        """Unit direction of the path and the determinant's sign."""
        slope = solve_linear(lin.matrix[None], lin.drift[None, :, None])[0, :, 0]
        sign = float(np.linalg.slogdet(lin.matrix)[0])
        unit = self.unit(play)
        size = np.sqrt(self._inner(play, lin, slope, slope) + unit**-2)
        dt, dtheta = slope / size, 1.0 / size
        if ahead is not None:
            along = self._inner(play, lin, dt, ahead[0]) + dtheta * ahead[1] / unit**2
            forward = 1.0 if along >= 0.0 else -1.0
        return forward * dt, forward * dtheta, sign

    def step(self, walk: Walk) -> Walk:
        """Predict, correct, accept or shorten."""
        play, lin = walk.play, walk.lin
        theta, length = self.theta(play), walk.length
        if not np.all(np.isfinite(walk.dt)):
            return replace(walk, lost=True)
        start = profile(lin)
        while True:
            to_go = (self.end - theta) / walk.dtheta if walk.dtheta != 0.0 else np.inf
            landing = to_go <= length and (to_go >= 0.0 or theta > self.end)
            length = to_go if landing else length
            guess, moved = self._predict(walk, length, landing)
            if moved is not None and shift(start, profile(moved)) <= REACH:
                break
            length = 0.5 * abs(length)
            if length < SMALLEST:
                return replace(walk, lost=True)
        found = self._correct(walk, guess, landing)
        if found is None:
            return self._shorten(walk, length)
        new, fresh, count = found
        dt, dtheta, sign = self._tangent(new, fresh, (walk.dt, walk.dtheta), 1.0)
        if not (np.all(np.isfinite(dt)) and sign != 0.0):
            return self._shorten(walk, length)
        unit = self.unit(new)
        straight = self._inner(new, fresh, dt, walk.dt) + dtheta * walk.dtheta / unit**2
        norm = self._inner(new, fresh, walk.dt, walk.dt) + (walk.dtheta / unit) ** 2
        parity = sign * np.sign(dtheta)
        crossed = parity != walk.parity
        if straight < STRAIGHT * np.sqrt(norm) or (crossed and abs(length) > CROSSING):
            return self._shorten(walk, length)
        longer = abs(length) * (1.7 if count <= 3 else 1.2 if count <= 5 else 0.7)
        return Walk(
            new, fresh, dt, dtheta, longer, float(parity), sign,
            landed=landing,
        )  # fmt: skip

    def _shorten(self, walk: Walk, length: float) -> Walk:
        shorter = 0.4 * abs(length)
        return replace(walk, length=shorter, lost=shorter < SMALLEST)

    def _predict(self, walk: Walk, length: float, landing: bool) -> tuple[Play, Linear | None]:
        by = length * walk.dtheta
        steps = self.system.step(walk.play, walk.lin, walk.dt, walk.dtheta, newton=False)
        theta = self.end if landing else self.theta(walk.play) + by
        # steps are slopes in the scores; the parameter's own part came with them
        guess = self.at(self._moved(walk.play, walk.dt, steps, length), theta)
        return guess, self._linear(guess)

    def _moved(self, play: Play, dt: FloatArray, steps: list[FloatArray | None], by: float) -> Play:
        scores = [
            t + by * dt[self.system.starts[i] : self.system.starts[i + 1]]
            for i, t in enumerate(play.scores)
        ]
        outcomes = [
            s if s is None or d is None else s + by * d
            for s, d in zip(play.outcomes, steps, strict=True)
        ]
        return replace(play, scores=scores, outcomes=outcomes)

    def _linear(self, play: Play) -> Linear | None:
        with np.errstate(all="ignore"):
            lin = self.system.linearise(play, self.moving)
        fine = np.all(np.isfinite(lin.matrix)) and np.all(np.isfinite(lin.gap))
        return lin if fine and np.all(np.isfinite(lin.drift)) else None

    def _correct(self, walk: Walk, play: Play, landing: bool) -> tuple[Play, Linear, int] | None:
        """Newton's method across the path, or at the end at the end's parameter."""
        lin = self._linear(play)
        if lin is None:
            return None
        unit = self.unit(walk.play)
        across = self._covector(walk, walk.dt)
        last = np.inf
        for count in range(1, CORRECTIONS + 1):
            n = lin.gap.size
            bordered = np.zeros((n + 1, n + 1))
            bordered[:n, :n], bordered[:n, n] = lin.matrix, -lin.drift
            bordered[n, n] = 1.0
            if not landing:
                bordered[n, :n], bordered[n, n] = across, walk.dtheta / unit**2
            full = solve_linear(bordered[None], np.append(lin.gap, 0.0)[None, :, None])[0, :, 0]
            if not np.all(np.isfinite(full)):
                return None
            steps = self.system.step(play, lin, full[:n], float(full[n]), newton=True)
            new = self._moved(play, full[:n], steps, 1.0)
            if not landing:
                new = self.at(new, self.theta(play) + float(full[n]))
            fresh = self._linear(new)
            if fresh is None:
                return None
            size = shift(profile(lin), profile(fresh))
            if (count == 1 and size > FIRST) or (count > 1 and size > max(0.5 * last, 1e-9)):
                return None
            play, lin, last = new, fresh, size
            if size <= (1e-9 if landing else LOOSE):
                return play, lin, count
        return None

    def _covector(self, walk: Walk, dt: FloatArray) -> FloatArray:
        out = np.empty_like(dt)
        for i, (z, rows) in enumerate(zip(walk.lin.log_x, walk.lin.rows, strict=True)):
            here = slice(self.system.starts[i], self.system.starts[i + 1])
            out[here] = rows.T @ (np.exp(z) * (rows @ dt[here]))
        return out

    def ending(self, walk: Walk) -> Status | None:
        """Converged at the end of the path; lost where steps got too short."""
        if walk.landed:
            return Status.CONVERGED
        return Status.LOST_BRANCH if walk.lost else None

    def finite(self, walk: Walk) -> bool:
        """Whether the walk's numbers are finite."""
        return bool(np.isfinite(walk.length))
