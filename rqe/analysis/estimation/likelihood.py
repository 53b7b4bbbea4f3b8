"""The log-likelihood of choice counts, its slope, and how much each group has to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from .data import Observation
from .parameters import Layout
from .play import NashPlay, Play, QuantalPlay, fit_of

STEP = 1e-4
"""Of central differences of the score, in logs of the parameters."""


@dataclass(frozen=True)
class Values:
    """The likelihood at T parameter vectors, with derivatives in the parameters' own units.

    Attributes
    ----------
    total : array (T,)
        ``sum counts log x``, without the multinomial coefficients; ``-inf`` where a game was not
        solved.
    by_game : array (T, G)
    score : array (T, K)
    expected : array (T, K, K)
        Expected information.
    """

    total: FloatArray
    by_game: FloatArray
    score: FloatArray
    expected: FloatArray


class Likelihood:
    """Of one concept with one layout of parameters, on one set of data."""

    def __init__(
        self, data: tuple[Observation, ...], concept: str, layout: Layout, select: str
    ) -> None:
        self.data, self.layout = data, layout
        kind: Any = NashPlay if concept == "nash" else QuantalPlay
        self.play: NashPlay | QuantalPlay = kind(data, layout, select)
        self.evaluations = 0

    def __call__(self, values: FloatArray, *, derive: bool = True) -> Values:
        """At parameter vectors (T, K); without derivatives, score and information are zero."""
        self.evaluations += values.shape[0]
        times, count = values.shape
        by_game = np.empty((times, len(self.data)))
        score, expected = np.zeros((times, count)), np.zeros((times, count, count))
        plays = self.play(values, derive=derive)
        for g, (o, play) in enumerate(zip(self.data, plays, strict=True)):
            good = play.solved & np.isfinite(play.slopes).all(axis=(1, 2))
            by_game[:, g] = np.where(good, fit_of(o, play.log_strategies), -np.inf)
            seen = np.concatenate(o.totals)
            score += np.einsum("a,tak->tk", seen, play.slopes)
            weight = np.concatenate(
                [n.sum() * np.exp(z) for n, z in zip(o.totals, play.log_strategies, strict=True)],
                axis=1,
            )
            expected += np.einsum("ta,tak,tal->tkl", weight, play.slopes, play.slopes)
        return Values(by_game.sum(axis=1), by_game, score, expected)

    def at(self, values: FloatArray) -> list[Play]:
        """Play of every game at one parameter vector (K,), with a leading axis of one."""
        return self.play(values[None])

    def by_group(self, values: FloatArray) -> FloatArray:
        """Score of every independent group, (groups of all games, K)."""
        scores = []
        for o, play in zip(self.data, self.at(values), strict=True):
            seen = np.concatenate(o.counts, axis=1)
            scores.append(seen @ play.slopes[0])
        return np.concatenate(scores)

    def observed(self, values: FloatArray, free: Any) -> FloatArray:
        """Observed information about the free parameters, by differences of the exact score."""
        index = np.flatnonzero(free)
        line = self.layout.to_line(values)
        points = np.repeat(line[None], 2 * index.size, axis=0)
        for row, k in enumerate(index):
            points[2 * row, k] -= STEP
            points[2 * row + 1, k] += STEP
        natural = self.layout.from_line(points)
        natural[:, ~np.asarray(free)] = values[~np.asarray(free)]
        score = self(natural).score[:, index]
        width = natural[1::2, index].diagonal() - natural[::2, index].diagonal()
        hessian = (score[1::2] - score[::2]) / width[:, None]
        return np.asarray(-0.5 * (hessian + hessian.T))
