"""Bootstrap intervals over runs: what another set of seeds might have given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model._checks import whole

FloatArray = NDArray[np.float64]
Statistic = Callable[..., float]
"""A number from values and how often each run counts: (values, weights), or with weights of rows
and of columns."""


@dataclass(frozen=True)
class Interval:
    """A number with a percentile interval over runs.

    Attributes
    ----------
    estimate : float
        From the runs as they are.
    low, high : float
    level : float in (0, 1)
        How often such intervals should cover what they estimate, in the long run.
    """

    estimate: float
    low: float
    high: float
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}]"


def bootstrap(
    values: Any,
    statistic: str | Statistic = "mean",
    *,
    seed: int,
    same: bool = True,
    pairs: Any = None,
    draws: int = 2000,
    level: float = 0.95,
) -> Interval:
    """A percentile interval of a statistic over runs, which are drawn with replacement.

    Runs are drawn, not cells: the cells of a row share a run. Rows and columns of a matrix of the
    ``same`` runs are drawn together, and a run's cell with itself never counts in the mean, a run
    drawn twice included: that would be self-play.

    Parameters
    ----------
    values : array_like (R,) or (R, C)
        One number a run, or one for each pair of runs.
    statistic : "mean" or function
        A function is given ``values`` and how often each run was drawn, float array (R,); two such
        arrays, of rows and of columns, where these are not the same runs.
    seed : int
    same : bool
        Whether rows and columns of a matrix are the same runs in the same order.
    pairs : bool array_like (R, C), optional
        Which cells the mean of a matrix is over; by default all but a run's with itself.
    draws : int
    level : float in (0, 1)

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        Values that are not a finite vector or matrix, a matrix of the same runs that is not square,
        no pair to take the mean over, an argument out of range.

    Notes
    -----
    Draws without any pair to count (as when one run is drawn every time) are left out; if there is
    no other, the ends are NaN. A mean over a single pair has an interval without width, which says
    nothing of how sure it is.

    Examples
    --------
    >>> print(bootstrap([1.0, 2.0, 3.0, 4.0], seed=0))
    2.5 [1.5, 3.5]
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim not in (1, 2) or not array.size or not np.all(np.isfinite(array)):
        raise ValueError(
            f"values must be finite numbers, one a run (R,) or one a pair (R, C); got {array!r}"
        )
    if array.ndim == 2 and same and array.shape[0] != array.shape[1]:
        raise ValueError(
            f"values must be square where rows and columns are the same runs (same=True); got "
            f"shape {array.shape}"
        )
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be between 0 and 1; got {level!r}")
    whole(draws, "draws")
    generator = np.random.default_rng(whole(seed, "seed", 0))
    axes = 1 if same else array.ndim
    counts = [_counts(generator, n, draws) for n in array.shape[:axes]]
    ones = [np.ones((1, n)) for n in array.shape[:axes]]
    if callable(statistic):
        found = np.array([statistic(array, *w) for w in zip(*counts, strict=True)])
        estimate = float(statistic(array, *(w[0] for w in ones)))
    elif statistic == "mean":
        counted = _counted(array, same, pairs)
        estimate = float(_mean(array, counted, ones)[0])
        found = _mean(array, counted, counts)
    else:
        raise ValueError(f"statistic must be 'mean' or a function; got {statistic!r}")
    if np.isnan(estimate):
        raise ValueError("values must leave a pair of different runs to count; got none")
    tail = 50.0 * (1.0 - level)
    kept = found[~np.isnan(found)]
    low, high = np.percentile(kept if kept.size else [np.nan], [tail, 100.0 - tail])
    return Interval(estimate, float(low), float(high), level)


def _counts(generator: np.random.Generator, runs: int, draws: int) -> FloatArray:
    """How often each run is among as many drawn with replacement, (draws, R)."""
    found: FloatArray = generator.multinomial(runs, np.full(runs, 1.0 / runs), draws).astype(float)
    return found


def _counted(array: FloatArray, same: bool, pairs: Any) -> FloatArray:
    """Which cells a mean is over, as 0 and 1."""
    if pairs is not None:
        counted = np.asarray(pairs)
        if counted.dtype != bool or counted.shape != array.shape or array.ndim != 2:
            raise ValueError(
                f"pairs must be true or false for each cell of a matrix {array.shape}; got "
                f"{counted.dtype} {counted.shape}"
            )
    else:
        counted = np.ones(array.shape, dtype=bool)
    if array.ndim == 2 and same:
        counted = counted & ~np.eye(len(array), dtype=bool)
    return counted.astype(np.float64)


def _mean(array: FloatArray, counted: FloatArray, counts: list[FloatArray]) -> FloatArray:
    """Weighted means, one for each draw; NaN where nothing counts."""
    if array.ndim == 1:
        return np.asarray(counts[0] @ array / counts[0].sum(axis=1))
    rows, columns = counts[0], counts[-1]
    top = ((rows @ (counted * array)) * columns).sum(axis=1)
    bottom = ((rows @ counted) * columns).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(top / bottom)
