"""What the statements about quadratic games share: random instances, formulas written out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.gaussian import Quadratic
from ...model._checks import FloatArray
from ...model.quadratic import AggregativeGame, QuadraticGame
from ..aggregative import frame_of

Instance = tuple[Any, FloatArray, FloatArray]


def quadratic_games(draws: int, seed: int, sizes: Any = None) -> Iterator[Instance]:
    """Random `QuadraticGame` of 2 to 4 players at random scales, with admissible ``tau, epsilon``.

    Parameters
    ----------
    draws, seed : int
    sizes : sequence of tuples of int, optional
        Shapes to draw from: dimensions, one a player.
    """
    rng = np.random.default_rng(seed)
    shapes = sizes or ((1, 1), (2, 1), (1, 2), (2, 2), (1, 1, 1), (2, 1, 1), (1, 2, 1), (1,) * 4)
    for _ in range(draws):
        dims = shapes[rng.integers(len(shapes))]
        ends, scale = np.cumsum(dims), 10.0 ** rng.uniform(-1.0, 1.0)
        hessians = []
        for end, n in zip(ends, dims, strict=True):
            root = rng.normal(size=(ends[-1], ends[-1]))
            H = 0.5 * (root + root.T)
            own = slice(end - n, end)
            H[own, own] = -root[:n, :n] @ root[:n, :n].T - (1.0 + len(dims)) * np.eye(n)
            hessians.append(scale * H)
        game = QuadraticGame(hessians, scale * rng.normal(size=(len(dims), ends[-1])), dims)
        epsilon = scale * rng.uniform(0.05, 1.0, size=len(dims))
        limit = [largest(game, epsilon, i) for i in range(len(dims))]
        tau = rng.uniform(0.05, 0.85, size=len(dims)) * np.minimum(limit, 2.0 / scale)
        yield game, tau, epsilon


def aggregative_games(draws: int, seed: int, most: int = 5) -> Iterator[Instance]:
    """Random `AggregativeGame` of 2 to `most` unequal players, 1 to 3 dimensions, in the domain."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        n, d = int(rng.integers(2, most + 1)), int(rng.integers(1, 4))
        scale = 10.0 ** rng.uniform(-1.0, 1.0)
        root = rng.normal(size=(d, d))
        H = scale * (root @ root.T + rng.uniform(0.05, 1.0) * np.eye(d))
        game = AggregativeGame(
            0.5 * (H + H.T), rng.normal(size=d), scale * 10.0 ** rng.uniform(-1.0, 1.0, size=n)
        )
        epsilon = scale * 10.0 ** rng.uniform(-1.0, 0.5, size=n)
        yield game, rng.uniform(0.02, 0.9, size=n) * frame_of(game, epsilon).max_tau, epsilon


def spread_of(game: QuadraticGame, epsilon: FloatArray, player: int) -> FloatArray:
    """Covariance of the others' stacked actions: ``-epsilon_j H_jj^{-1}`` along the diagonal."""
    size = sum(game.dims)
    out = np.zeros((size, size))
    for j, own in enumerate(game.slices):
        out[own, own] = -epsilon[j] * np.linalg.inv(game.quadratic[j][own, own])
    rest = game.others(player)
    return out[np.ix_(rest, rest)]


def largest(game: QuadraticGame, epsilon: FloatArray, player: int) -> float:
    """The ``tau`` at which ``Sigma_-i^{-1}/tau + H_-i,-i`` stops being positive definite."""
    root = np.linalg.cholesky(spread_of(game, epsilon, player))
    low = float(np.linalg.eigvalsh(root.T @ game.payoff(player).other @ root)[0])
    return -1.0 / low if low < 0.0 else np.inf


def caution(payoff: Quadratic, spread: FloatArray, tau: float) -> FloatArray:
    """``P_-i = Sigma_-i^{-1}/tau + H_-i,-i``."""
    return np.asarray(np.linalg.inv(spread) / tau + payoff.other)


def response_mean(
    payoff: Quadratic, others: FloatArray, spread: FloatArray, tau: float
) -> FloatArray:
    """``m_i`` of the lemma, written out with inverses; ``others`` are ``m_-i``."""
    reach = payoff.cross @ np.linalg.inv(caution(payoff, spread, tau))
    pull = np.linalg.solve(spread, others) / tau - payoff.other_linear
    bend = -payoff.own + reach @ payoff.cross.T
    return np.asarray(np.linalg.solve(bend, payoff.own_linear + reach @ pull))


def certain_by_quadrature(
    payoff: Quadratic, mean: FloatArray, others: FloatArray, spread: FloatArray, tau: float
) -> float:
    """``-(1/tau) log E exp(-tau u)`` over Gaussian play of the others, by the trapezoid rule.

    The others have one or two coordinates. The grid stands where the integrand is; the sum knows
    nothing of the integral's closed form.
    """
    nodes, log_weights = grid(payoff, mean, others, spread, tau)
    exponent = log_weights - tau * payoffs_on(payoff, mean, nodes)
    top = np.max(exponent)
    return -float(top + np.log(np.sum(np.exp(exponent - top)))) / tau


def grid(
    payoff: Quadratic, mean: FloatArray, others: FloatArray, spread: FloatArray, tau: float
) -> tuple[FloatArray, FloatArray]:
    """Nodes (K, m) and the logarithms of step times the others' density, around the tilted play."""
    precision = np.linalg.inv(spread)
    tilted = np.linalg.inv(precision + tau * payoff.other)
    slope = payoff.cross.T @ mean + payoff.other @ others + payoff.other_linear
    root = np.linalg.cholesky(0.5 * (tilted + tilted.T))
    line = np.linspace(-9.0, 9.0, 73)
    size = len(others)
    points = np.stack(np.meshgrid(*[line] * size, indexing="ij"), axis=-1).reshape(-1, size)
    nodes = others - tau * tilted @ slope + points @ root.T
    away = nodes - others
    density = np.sum(away * (away @ precision), axis=1) + np.linalg.slogdet(2 * np.pi * spread)[1]
    step = float(np.linalg.slogdet(root)[1]) + size * np.log(line[1] - line[0])
    return nodes, step - 0.5 * density


def payoffs_on(payoff: Quadratic, mean: FloatArray, nodes: FloatArray) -> FloatArray:
    """The payoff of a point against each of many joint actions (K, m) of the others; (K,)."""
    own = mean @ (0.5 * payoff.own @ mean + payoff.own_linear) + payoff.constant
    tail = 0.5 * nodes @ payoff.other + payoff.cross.T @ mean + payoff.other_linear
    return np.asarray(own + np.sum(nodes * tail, axis=1))
