r"""Where a curve folds back or meets another: located by Newton on an extended system.

With ``F(z, s) = z - log Φ(z, s)`` and ``J = ∂F/∂z``, borders ``b, c`` make
``M = [[J, b], [cᵀ, 0]]`` regular where ``J`` loses rank one. ``M [v, g] = [0, 1]`` and
``Mᵀ [w, g] = [0, 1]`` give the null vectors and the number ``g``, zero where ``J`` is singular.
A fold solves ``F = 0, g = 0``; a point where two branches meet solves
``F + μ b = 0, g = 0, wᵀ F_s = 0`` in ``(z, s, μ)``, with ``μ = 0`` in the end, and stays regular
there. Second derivatives are central differences of the exact ``J``: they decide how fast Newton
converges, not where to.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ._curve import Curve, weighty
from ._rows import BoolArray
from ._system import State, beliefs, jacobian, linearise, normalised, stack

Rows = np.ndarray[Any, np.dtype[np.intp]]

STEP = 1e-5
"""Relative step of the central differences."""
ROUNDS = 12
REACHED, SHRUNK = 1e-12, 1e-9
"""Largest Newton step at which a point counts as located; and at which, if steps no longer shrink,
rounding has been reached."""
FLAT = 1e-4
"""Ratio of second-order coefficients below which a branch point is a pitchfork."""


@dataclass
class Singular:
    """A located point of a curve at which ``I - DΦ`` is singular."""

    kind: str
    z: State
    s: float
    null: FloatArray
    """The singular direction, of unit length in the metric; several rows at a multiple point."""
    arms: list[FloatArray]
    """Directions (n + 1,) of unit length, one for each line that passes; none where unknown."""
    curvature: float = float("nan")
    """At a pitchfork: ``d²s/da²`` along the branch ``z + a null`` that turns back."""


@dataclass
class Sample:
    """``F``, ``J`` and ``F_s`` at a batch of points."""

    value: FloatArray
    matrix: FloatArray
    by_s: FloatArray
    played: BoolArray

    def only(self, rows: Rows) -> Sample:
        """The equations and unknowns of the given actions alone."""
        block = self.matrix[:, rows[:, None], rows]
        return Sample(self.value[:, rows], block, self.by_s[:, rows], self.played[:, rows])


def sample(curve: Curve, z: FloatArray, s: FloatArray) -> Sample:
    """Evaluate at profiles (B, n) of log-probabilities, normalised or not, and parameters (B,)."""
    starts = curve.problem.starts
    parts = [z[:, a:b] for a, b in pairwise(starts)]
    problem, level = curve.at(s)
    y = beliefs(problem, parts)
    lin = linearise(problem, parts, y, level)
    drift, _ = curve.drift(parts, y, level, lin)
    matrix, played = jacobian(problem, parts, lin), weighty(problem, parts, lin)
    return Sample(-stack(lin.gap), matrix, -stack(drift), played)


@dataclass
class _Bordered:
    """The bordered system at a point: null vectors, the test number, and derivatives of both."""

    here: Sample
    v: FloatArray
    w: FloatArray
    g: float
    inverse: FloatArray
    b: FloatArray
    along: FloatArray
    """``ξ``, by which ``z`` would have to move against ``F_s``."""
    h: float
    """``wᵀ F_s``."""

    @classmethod
    def make(cls, here: Sample, b: FloatArray, c: FloatArray) -> _Bordered:
        n = len(b)
        matrix = np.zeros((n + 1, n + 1))
        matrix[:n, :n], matrix[:n, n], matrix[n, :n] = here.matrix[0], b, c
        inverse = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
        w = inverse[n, :n]
        return cls(
            here=here,
            v=inverse[:n, n],
            w=w,
            g=float(inverse[n, n]),
            inverse=inverse,
            b=b,
            along=inverse[:n, :n] @ here.by_s[0],
            h=float(w @ here.by_s[0]),
        )


@dataclass
class _Second:
    """Directional second derivatives at a point, contracted with ``w`` where rows."""

    vv: FloatArray
    """``wᵀ D²F[v, ·]``."""
    xi: FloatArray
    """``wᵀ D²F[ξ, ·]``."""
    s: FloatArray
    """``∂J/∂s``."""
    ss: FloatArray
    """``F_ss``."""


def _second(curve: Curve, at: _Bordered, z: FloatArray, s: float, rows: Rows) -> _Second:
    size = [max(float(np.abs(d).max()), 1e-300) for d in (at.v, at.along)]
    step = STEP * (s + curve.unit)
    points = np.repeat(z[None], 6, axis=0)
    points[:4, rows] += np.array(
        [
            sign * STEP / k * d
            for d, k in zip((at.v, at.along), size, strict=True)
            for sign in (1, -1)
        ]
    )
    found = sample(curve, points, np.array([s] * 4 + [s + step, s - step])).only(rows)
    by_v = at.w @ (found.matrix[0] - found.matrix[1]) * (size[0] / (2.0 * STEP))
    by_xi = at.w @ (found.matrix[2] - found.matrix[3]) * (size[1] / (2.0 * STEP))
    by_s = (found.matrix[4] - found.matrix[5]) / (2.0 * step)
    return _Second(by_v, by_xi, by_s, (found.by_s[4] - found.by_s[5]) / (2.0 * step))


def _borders(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Left and right singular vectors of the smallest singular value."""
    left, _, right = np.linalg.svd(matrix)
    return left[:, -1], right[-1]


def _normal(curve: Curve, flat: FloatArray) -> FloatArray:
    return np.asarray(stack([normalised(part) for part in curve.split(flat)])[0])


def locate_fold(curve: Curve, z: State, s: float) -> Singular | None:
    """The fold near a point of the curve, or None where Newton does not settle on one."""
    return _locate(curve, stack(z)[0], s, meeting=False)


def locate_meeting(curve: Curve, z: State, s: float) -> Singular | None:
    """The point near one of the curve where another branch meets it, or None."""
    return _locate(curve, stack(z)[0], s, meeting=True)


def _locate(curve: Curve, flat: FloatArray, s: float, *, meeting: bool) -> Singular | None:
    previous, mu = np.inf, 0.0
    begin = sample(curve, flat[None], np.array([s]))
    # actions that matter to nobody are left out: they are what the others make them
    rows = np.flatnonzero(begin.played[0])
    n = len(rows)
    b, c = _borders(begin.only(rows).matrix[0])
    with np.errstate(all="ignore"):
        for _ in range(ROUNDS):
            whole = sample(curve, flat[None], np.array([s]))
            at = _Bordered.make(whole.only(rows), b, c)
            second = _second(curve, at, flat, s, rows)
            unknowns = n + 2 if meeting else n + 1
            matrix = np.zeros((unknowns, unknowns))
            matrix[:n, :n], matrix[:n, n] = at.here.matrix[0], at.here.by_s[0]
            matrix[n, :n], matrix[n, n] = -second.vv, -float(at.w @ second.s @ at.v)
            right = [*-(at.here.value[0] + mu * b), -at.g]
            if meeting:
                matrix[:n, n + 1] = b
                matrix[n + 1, :n] = at.w @ second.s - second.xi
                matrix[n + 1, n] = float(at.w @ (second.ss - second.s @ at.along))
                right.append(-at.h)
            try:
                step = np.linalg.solve(matrix, np.array(right))
            except np.linalg.LinAlgError:
                return None
            moved: FloatArray = flat - whole.value[0]
            moved[rows] = flat[rows] + step[:n]
            moved = _normal(curve, moved)
            delta = float(np.abs(np.exp(moved) - np.exp(flat)).max())
            delta = max(delta, abs(float(step[n])) / (abs(s) + curve.unit))
            if not np.isfinite(delta) or delta > 0.5 or s + step[n] < 0.0:
                return None
            flat, s = moved, s + float(step[n])
            mu += float(step[n + 1]) if meeting else 0.0
            if delta <= REACHED or (delta <= SHRUNK and delta >= 0.25 * previous):
                if meeting and abs(mu) > 1e-8:
                    return None  # the equations of a neighbouring, perturbed game
                slide = float(np.linalg.norm(at.here.by_s[0]))
                if not meeting and abs(at.h) <= FLAT**2 * slide:
                    return None  # branches meet here: the parameter moves along the null space
                return _describe(curve, flat, s, rows, (b, c), meeting=meeting)
            previous = delta
    return None


def _describe(
    curve: Curve,
    flat: FloatArray,
    s: float,
    rows: Rows,
    borders: tuple[FloatArray, FloatArray],
    *,
    meeting: bool,
) -> Singular:
    """The null vector, the directions that pass, and the kind."""
    whole = sample(curve, flat[None], np.array([s]))
    at = _Bordered.make(whole.only(rows), *borders)
    z = curve.split(flat)
    metric = curve.metric(z, s)

    def full(step: FloatArray, by_s: float = 0.0) -> FloatArray:
        """A step of the actions that matter, with what it makes of all others."""
        out: FloatArray = -whole.matrix[0][:, rows] @ step - by_s * whole.by_s[0]
        out[rows] = step
        return out

    direction = full(at.v)
    length = metric.length(np.append(direction, 0.0))
    null = direction / length
    if not meeting:
        return Singular("fold", z, s, null[None], [np.append(null, 0.0)])
    second = _second(curve, at, flat, s, rows)
    across = full(-at.along, 1.0)  # z moves so for every unit of s on a branch that goes through
    unit = s + curve.unit
    a11 = float(second.vv @ at.v) / length**2
    a12 = float(at.w @ second.s @ at.v - second.xi @ at.v) / length * unit
    a22 = float(at.w @ second.ss - 2.0 * (at.w @ second.s @ at.along) + second.xi @ at.along)
    a22 *= unit**2
    # a11 α² + 2 a12 α β + a22 β² = 0 for directions α (null, 0) + β unit (across, 1)
    if abs(a11) <= FLAT * max(abs(a12), abs(a11)):
        kind, pairs = "pitchfork", [(1.0, 0.0), (-a22, 2.0 * a12)]
    else:
        root = np.sqrt(max(a12**2 - a11 * a22, 0.0))
        q = -(a12 + np.copysign(root, a12))
        kind, pairs = "transcritical", [(q, a11), (a22, q)]
    arms = []
    for alpha, beta in pairs:
        arm = alpha * np.append(null, 0.0) + beta * unit * np.append(across, 1.0)
        arms.append(arm / metric.length(arm))
    return Singular(kind, z, s, null[None], arms)


def null_space(curve: Curve, z: State, s: float, tol: float = 1e-5) -> FloatArray:
    """Orthonormal singular directions (k, n) in the metric, of relative size at most ``tol``."""
    whole = sample(curve, stack(z), np.array([s]))
    rows = np.flatnonzero(whole.played[0])
    root = np.exp(0.5 * stack(z)[0][rows])
    # in coordinates in which the metric is plain length, balanced across rare actions
    _, values, right = np.linalg.svd(root[:, None] * whole.only(rows).matrix[0] / root)
    null = right[values <= tol * max(1.0, values[0])] / root
    out = -null @ whole.matrix[0][:, rows].T
    out[:, rows] = null
    return np.asarray(out)
