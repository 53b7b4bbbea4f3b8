"""One set of games that share parameters: the best peak, limits, standard errors, intervals."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from .climb import Peak, climb, grid
from .likelihood import Likelihood
from .profile import profile_interval

SAME = 1e-5
"""Log-likelihoods closer than this are one optimum."""
FLAT = 1e-4
"""Log-likelihood lost at a limit of a parameter that no data of ours would notice."""
WIDE = 1.0
"""Standard error of a parameter's logarithm above which its limits are looked at."""
NOTHING = 1e-2
"""Inverse of the standard error of a parameter's logarithm below which the data say nothing."""
SINGULAR = 1e-9
"""Smallest eigenvalue of the information in units of its diagonal that counts as identified."""


@dataclass
class Block:
    """Games that share parameters, fitted."""

    likelihood: Likelihood
    peak: Peak
    free: Any
    boundary: list[str]
    starts: int
    reached: int
    notes: list[str]
    covariance: FloatArray
    clustered: FloatArray
    profile: FloatArray
    profile_clustered: FloatArray


def fit_block(likelihood: Likelihood, start: FloatArray | None, max_steps: int) -> Block:
    """The best peak over all starts, with parameters at their limits taken out."""
    lay = likelihood.layout
    count = len(lay.names)
    everything = np.ones(count, dtype=np.bool_)
    starts = grid(likelihood) if start is None else [start]
    peaks = [climb(likelihood, s, everything, max_steps) for s in starts]
    peaks = [p for p in peaks if np.isfinite(p.log_likelihood)]
    if not peaks:
        raise ValueError(
            "start must be a point at which every game is solved; none of those tried is"
        )
    peak = max(peaks, key=lambda p: p.log_likelihood)
    reached = sum(p.log_likelihood >= peak.log_likelihood - SAME for p in peaks)
    taus = np.array([kind == "tau" for kind in lay.kinds])
    if taus.any():
        neutral = climb(likelihood, np.where(taus, 0.0, peak.values), ~taus, max_steps)
        if neutral.log_likelihood >= peak.log_likelihood - 1e-9:
            peak = neutral
    nothing = np.full((count, count), np.nan)
    ends = np.full((count, 2), np.nan)
    block = Block(
        likelihood, peak, everything, [""] * count, len(starts), reached, [],
        nothing, nothing.copy(), ends, ends.copy(),
    )  # fmt: skip
    _settle_limits(block, max_steps)
    return block


def _settle_limits(block: Block, max_steps: int) -> None:
    """Name the parameters that ran to a limit, and fit the others again beside them."""
    lay = block.likelihood.layout
    for _ in lay.names:
        values, new = block.peak.values.copy(), []
        for k in range(len(lay.names)):
            if block.boundary[k]:
                continue
            if values[k] <= lay.lower[k] * (1.0 + 1e-9):
                block.boundary[k] = "0"
                values[k] = 0.0 if lay.kinds[k] == "tau" else lay.lower[k]
                new.append(k)
            elif values[k] >= lay.upper[k] * (1.0 - 1e-12):
                block.boundary[k] = "1" if lay.kinds[k] == "eta" else "inf"
                values[k] = lay.upper[k]
                new.append(k)
        if not new:
            flat = _flat_limit(block, max_steps)
            if flat is None:
                break
            k, block.boundary[k], values = flat
        block.free = np.array([not limit for limit in block.boundary])
        block.peak = climb(block.likelihood, values, block.free, max_steps)
    for name, limit in zip(lay.names, block.boundary, strict=True):
        if limit:
            block.notes.append(
                f"{name} -> {limit}: the likelihood rises, or stays, all the way to that limit"
            )


def _flat_limit(block: Block, max_steps: int) -> tuple[int, str, FloatArray] | None:
    """A parameter that might as well be at a limit, though the climb stopped short of it."""
    lay, peak = block.likelihood.layout, block.peak
    expected = block.likelihood(peak.values[None]).expected[0].diagonal()
    for k in np.flatnonzero(block.free):
        slope = lay.slope(peak.values)[k]
        if lay.kinds[k] == "eta" or expected[k] * slope**2 > 1.0 / WIDE**2:
            continue
        edges = []
        for limit, bound in (("0", lay.lower[k]), ("inf", lay.upper[k])):
            values, rest = peak.values.copy(), block.free.copy()
            values[k], rest[k] = bound, False
            edge = climb(block.likelihood, values, rest, max_steps)
            if edge.log_likelihood >= peak.log_likelihood - FLAT:
                edges.append((limit, edge.values))
        if len(edges) == 1:  # both: the data say nothing of it at all
            ((limit, out),) = edges
            if limit == "0" and lay.kinds[k] == "tau":
                out[k] = 0.0
            return int(k), limit, out
    return None


def add_errors(block: Block) -> None:
    """Covariances from the observed information, and with the groups' scores between."""
    free = np.flatnonzero(block.free)
    if not free.size:
        return
    here = np.ix_(free, free)
    with np.errstate(invalid="ignore"):
        information = block.likelihood.observed(block.peak.values, block.free)
        scale = np.sqrt(np.diag(information))
        unit = information / np.outer(scale, scale)
    least = float(np.linalg.eigvalsh(unit)[0]) if np.all(np.isfinite(unit)) else -np.inf
    slope = block.likelihood.layout.slope(block.peak.values)[free]
    if not (least > SINGULAR and np.min(scale * slope) > NOTHING):
        names = ", ".join(block.likelihood.layout.names[k] for k in free)
        block.notes.append(f"the data do not identify {names}: no standard errors")
        return
    inverse = np.linalg.inv(unit) / np.outer(scale, scale)
    block.covariance[here] = inverse
    scores = block.likelihood.by_group(block.peak.values)[:, free]
    groups = scores.shape[0]
    if groups <= free.size:
        block.notes.append(
            f"{groups} independent {'group' if groups == 1 else 'groups'} for {free.size} "
            f"{'parameter' if free.size == 1 else 'parameters'}: no clustered standard errors"
        )
        return
    middle = scores.T @ scores * groups / (groups - 1.0)
    block.clustered[here] = inverse @ middle @ inverse


def add_profiles(block: Block, level: float) -> None:
    """Profile intervals of every parameter that is not at an upper limit."""
    z = NormalDist().inv_cdf(0.5 + 0.5 * level)
    for k in range(len(block.boundary)):
        kind = block.likelihood.layout.kinds[k]
        if block.boundary[k] and not (kind == "tau" and block.boundary[k] == "0"):
            continue
        own, factor = _inflation(block, k)
        problem = block.likelihood, block.peak.values, block.free, k
        block.profile[k] = profile_interval(*problem, z, own)
        if np.isfinite(factor):
            block.profile_clustered[k] = profile_interval(*problem, z * factor, own)


def _inflation(block: Block, k: int) -> tuple[float, float]:
    """A standard error of one parameter, and what dependence within groups multiplies it by.

    At ``tau = 0`` the likelihood is smooth, though the estimate is not: the expected information
    and the groups' scores there say how far it falls in the first place.
    """
    own, wide = float(block.covariance[k, k]), float(block.clustered[k, k])
    if block.boundary[k]:
        used = np.flatnonzero(block.free | (np.arange(len(block.boundary)) == k))
        expected = block.likelihood(block.peak.values[None]).expected[0][np.ix_(used, used)]
        scores = block.likelihood.by_group(block.peak.values)[:, used]
        groups = scores.shape[0]
        if np.linalg.matrix_rank(expected) < used.size:
            return np.nan, np.nan
        inverse = np.linalg.inv(expected)
        middle = scores - scores.mean(axis=0)
        sandwich = inverse @ middle.T @ middle @ inverse * groups / max(groups - 1.0, 1.0)
        place = int(np.flatnonzero(used == k)[0])
        own = float(inverse[place, place])
        wide = float(sandwich[place, place]) if groups > used.size else np.nan
    return own**0.5, (wide / own) ** 0.5
