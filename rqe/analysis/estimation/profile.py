"""Profile-likelihood intervals: all values of a parameter that the likelihood does not rule out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import brentq

from ...model._checks import FloatArray
from .climb import climb
from .likelihood import Likelihood

ROUGH = 1e-11
"""Relative gain of the log-likelihood below which the other parameters count as settled."""


def profile_interval(
    likelihood: Likelihood, values: FloatArray, free: Any, k: int, reach: float, error: float
) -> tuple[float, float]:
    """Where the profile log-likelihood has fallen by ``reach² / 2``.

    Parameters
    ----------
    likelihood : Likelihood
    values : array (K,)
        The estimates.
    free : bool array (K,)
        Parameters that are estimated, not at a limit.
    k : int
    reach : float
        Normal quantile, times the square root of what clustering adds to the variance.
    error : float
        A guess at the standard error, to step by.

    Returns
    -------
    lower, upper : float
        0 or ``inf`` where the likelihood has not fallen far enough at the search's end.
    """
    rest = np.array(free, dtype=np.bool_)
    rest[k] = False
    best = float(likelihood(values[None]).total[0])
    known: dict[float, float] = {}
    low, high = likelihood.layout.lower[k], likelihood.layout.upper[k]
    kind = likelihood.layout.kinds[k]
    near = values.copy()

    def shortfall(value: float) -> float:
        """Signed root of the likelihood ratio, less where it ends: linear in a normal model."""
        nonlocal near
        if value in known:
            return known[value]
        start = near.copy()
        start[k] = value
        peak = climb(likelihood, start, rest, enough=ROUGH)
        if not math.isfinite(peak.log_likelihood):
            return math.inf  # no equilibrium was found there: as good as ruled out
        near = peak.values
        known[value] = math.sqrt(max(2.0 * (best - peak.log_likelihood), 0.0)) - reach
        return known[value]

    centre = float(values[k])
    known[centre] = -reach
    step = error * reach if math.isfinite(error) and error > 0.0 else 0.5 * max(centre, low)
    ends = []
    for sign in (-1.0, 1.0):
        near = values.copy()
        inside, outside = centre, centre
        fallen = -reach
        for tries in range(60):
            outside = centre + sign * step * (1.05 + tries**2)
            if outside <= low:
                # an exact zero is a value that `tau` can take; the others only come near theirs
                halved = 0.2 * inside
                outside = halved if halved > low else (0.0 if kind == "tau" else low)
            outside = min(outside, high)
            fallen = shortfall(outside)
            if fallen >= 0.0 or outside in (0.0, low, high):
                break
            inside = outside
        if fallen < 0.0:
            ends.append(0.0 if sign < 0.0 else 1.0 if kind == "eta" else math.inf)
        elif inside == outside:
            ends.append(inside)
        else:
            near = values.copy()
            tolerance = 1e-4 * max(abs(outside - inside), 1e-300)
            ends.append(float(brentq(_capped(shortfall), inside, outside, xtol=tolerance)))
    return ends[0], ends[1]


def _capped(function: Any) -> Any:
    """A root finder wants finite numbers."""
    return lambda value: min(function(value), 1e6)
