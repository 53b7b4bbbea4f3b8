"""Maximum likelihood by damped Fisher scoring on the log scale, inside bounds.

The exact slope of play makes the expected information exact as well, so that a step costs one solve
of every game and the method converges as Newton's does where the model is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from .likelihood import Likelihood

LONGEST = 2.0
"""Longest step of a parameter's logarithm."""
ENOUGH = 1e-16
"""Relative gain of the log-likelihood that is not worth a step: a millionth of a standard error."""


@dataclass(frozen=True)
class Peak:
    """Where a climb ended.

    Attributes
    ----------
    values : array (K,)
    log_likelihood : float
    converged : bool
    """

    values: FloatArray
    log_likelihood: float
    converged: bool


def climb(
    likelihood: Likelihood,
    start: FloatArray,
    free: Any,
    max_steps: int = 200,
    enough: float = ENOUGH,
) -> Peak:
    """Maximise over the free parameters from one start; the others stay.

    Parameters
    ----------
    likelihood : Likelihood
    start : array (K,)
        In the parameters' own units; the free ones are moved within bounds.
    free : bool array (K,)
    max_steps : int
    enough : float
        Relative gain of the log-likelihood that is not worth a step.
    """
    layout, free = likelihood.layout, np.asarray(free, dtype=np.bool_)
    low, high = layout.to_line(layout.lower), layout.to_line(layout.upper)

    def values_at(line: FloatArray) -> FloatArray:
        return np.where(free, layout.from_line(line), start)

    line = np.where(free, np.clip(layout.to_line(start), low, high), 0.0)
    now = likelihood(values_at(line)[None])
    damping, noise = 0.0, 1e-13
    for _ in range(max_steps):
        total = float(now.total[0])
        if not np.isfinite(total):
            break
        slope = layout.slope(values_at(line))
        score, info = now.score[0] * slope, now.expected[0] * np.outer(slope, slope)
        stuck = ((line <= low) & (score <= 0.0)) | ((line >= high) & (score >= 0.0))
        moving = np.flatnonzero(free & ~stuck)
        step = _step(score[moving], info[np.ix_(moving, moving)], damping)
        gain = float(score[moving] @ step)
        if gain <= enough * (1.0 + abs(total)):
            return Peak(values_at(line), total, True)
        trial = line.copy()
        trial[moving] = np.clip(line[moving] + step, low[moving], high[moving])
        ahead = likelihood(values_at(trial)[None])
        if float(ahead.total[0]) >= total - noise * abs(total):
            line, now, damping = trial, ahead, 0.0 if damping < 1e-2 else 0.1 * damping
        else:
            damping = max(0.1, 4.0 * damping)
            if damping > 1e8:
                # no step up is left that rounding lets one see: as high as it gets, if the promised
                # gain is rounding too
                return Peak(values_at(line), total, gain <= 1e-6)
    return Peak(values_at(line), float(now.total[0]), False)


def _step(score: FloatArray, info: FloatArray, damping: float) -> FloatArray:
    """The scoring step, damped on the information's own diagonal and cut to a safe length."""
    if not score.size:
        return score
    size = np.maximum(np.diag(info), 1e-300)
    scale = np.sqrt(size)
    unit = info / np.outer(scale, scale)
    unit[np.diag_indices_from(unit)] = 1.0 + damping + 1e-12
    step = np.linalg.lstsq(unit, score / scale, rcond=None)[0] / scale
    longest = float(np.max(np.abs(step), initial=0.0))
    return np.asarray(step * min(1.0, LONGEST / longest) if longest > 0.0 else step)


def grid(likelihood: Likelihood) -> list[FloatArray]:
    """Starts: the highest three local maxima of the likelihood on a grid of common degrees.

    Where players in different roles have their own degrees, the best is also tried with the first
    role's degrees four times those of the others, and a quarter of them.
    """
    layout = likelihood.layout
    kinds = list(dict.fromkeys(layout.kinds))
    axes = []
    for kind in kinds:
        k = layout.kinds.index(kind)
        low, high = layout.lower[k], layout.upper[k]
        axes.append(
            {
                "tau": low * np.logspace(3, 6.5, 6),
                "epsilon": low * np.logspace(1, 4.2, 8),
                "eta": np.array([0.02, 0.1, 0.3, 0.6, 0.9]),
            }[kind].clip(low, high)
        )
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    which = [kinds.index(kind) for kind in layout.kinds]
    values = mesh.reshape(-1, len(kinds))[:, which]
    heights = likelihood(values, derive=False).total.reshape(mesh.shape[:-1])
    peaks = [p for p in np.ndindex(heights.shape) if heights[p] == _around(heights, p).max()]
    peaks = sorted((p for p in peaks if np.isfinite(heights[p])), key=lambda p: -heights[p])[:3]
    starts = [mesh[p][which] for p in peaks]
    if starts and len(layout.kinds) > len(kinds):
        for factor in (4.0, 0.25):
            tilted = starts[0].copy()
            tilted[[layout.kinds.index(kind) for kind in kinds]] *= factor
            starts.append(np.clip(tilted, layout.lower, layout.upper))
    return starts


def _around(heights: FloatArray, place: tuple[int, ...]) -> FloatArray:
    """The neighbours of a grid point, itself included."""
    return heights[tuple(slice(max(k - 1, 0), k + 2) for k in place)]
