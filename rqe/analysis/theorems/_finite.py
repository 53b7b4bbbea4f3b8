"""What the statements about finite games share: random instances, and rows of their tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from ...model.normal_form import NormalFormGame
from ...result.equilibrium import Equilibrium
from ...result.table import Table
from ...solvers import solve_rqe
from .statement import COLUMNS

Row = tuple[str, int, float, float, int]
ROUNDING = 1e-12
"""What an inequality that holds exactly may be missed by in float64, relative to its size."""


def row(quantity: str, values: Iterable[float], bound: float) -> Row:
    """One row of a check: how many values, the worst, the bound, and how many exceed it."""
    found = [float(v) for v in values]
    # written so that a NaN counts as a violation
    return quantity, len(found), max(found), bound, sum(not v <= bound for v in found)


def table(title: str, rows: Iterable[Row]) -> Table:
    """The rows of a check under `COLUMNS`."""
    return Table(COLUMNS, tuple(rows), title=title)


def collect(instances: Iterator[dict[str, float]], bounds: dict[str, float]) -> list[Row]:
    """One row a quantity from instances that each measure some of them, in the order of `bounds`.

    Parameters
    ----------
    instances : iterator of dict
        Quantity to value. An instance may leave a quantity out.
    bounds : dict
        Quantity to the most that it may be; one that no instance measures has no row.
    """
    found: dict[str, list[float]] = {name: [] for name in bounds}
    for instance in instances:
        for name, value in instance.items():
            found[name].append(value)
    return [row(name, found[name], bound) for name, bound in bounds.items() if found[name]]


def gambles(draws: int, seed: int) -> Iterator[tuple[FloatArray, FloatArray, float]]:
    """Random gambles: payoffs ``u`` and probabilities ``q`` of 2 to 6 outcomes, and a ``tau``.

    Probabilities from nearly even to nearly certain, ranges and ``tau`` over several magnitudes.
    """
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        size = int(rng.integers(2, 7))
        u = rng.normal(size=size) * 10.0 ** rng.uniform(-2.0, 2.0)
        q = np.maximum(rng.dirichlet(np.full(size, 10.0 ** rng.uniform(-0.7, 1.0))), 1e-12)
        yield u, q / q.sum(), float(10.0 ** rng.uniform(-2.0, 1.5) / np.ptp(u))


SHAPES = ((2, 2), (3, 2), (3, 3), (4, 2), (2, 2, 2), (3, 2, 2), (1, 3))


def games(draws: int, seed: int) -> Iterator[tuple[NormalFormGame, float, float]]:
    """Random games of 2 and 3 players with a ``tau`` and an ``epsilon`` each, at several scales."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        shape = SHAPES[rng.integers(len(SHAPES))]
        scale = 10.0 ** rng.uniform(-2.0, 2.0)
        game = NormalFormGame([scale * rng.random(shape) for _ in shape])
        tau, epsilon = 10.0 ** rng.uniform(-2.0, 1.5), 10.0 ** rng.uniform(-1.3, 0.5)
        yield game, float(tau / scale), float(epsilon * scale)


def equilibria(draws: int, seed: int) -> Iterator[tuple[NormalFormGame, Equilibrium, float, float]]:
    """Random games as `games` draws them, each with an RQE."""
    for game, tau, epsilon in games(draws, seed):
        yield game, solve_rqe(game, tau, epsilon), tau, epsilon


def joint(strategies: Any, player: int) -> FloatArray:
    """Product distribution of the others' joint actions, in the order of ``own_payoffs``."""
    out = np.ones(1)
    for j, x in enumerate(strategies):
        if j != player:
            out = np.outer(out, x).ravel()
    return out


def softmax(v: FloatArray) -> FloatArray:
    """Probabilities proportional to ``exp(v)``."""
    e = np.exp(v - v.max())
    return np.asarray(e / e.sum())


def certain(u: FloatArray, q: FloatArray, tau: float) -> float:
    """``-(1/tau) log sum(q exp(-tau u))``, written out; ``tau > 0``."""
    low = u.min()
    return float(low - np.log(np.sum(q * np.exp(-tau * (u - low)))) / tau)


def tilt(u: FloatArray, q: FloatArray, tau: float) -> FloatArray:
    """The Gibbs tilt ``q exp(-tau u)``, normalised."""
    weights = q * np.exp(-tau * (u - u.min()))
    return np.asarray(weights / weights.sum())


def descend(
    value: Callable[[FloatArray], float],
    slope: Callable[[FloatArray], FloatArray],
    curvature: Callable[[FloatArray], FloatArray],
    start: FloatArray,
) -> FloatArray:
    """Minimiser over the simplex of a smooth, strictly convex function: damped Newton steps.

    Knows nothing of tilts and quantal responses: a second opinion on both.

    Parameters
    ----------
    value, slope, curvature : callable
        Of a distribution (size,); the gradient and the Hessian with respect to its entries.
    start : array (size,)
        A distribution with full support.
    """
    p, size = start, start.size
    for _ in range(200):
        # steps relative to the probabilities, which keep their sum
        system = np.zeros((size + 1, size + 1))
        system[:size, :size] = p[:, None] * curvature(p) * p
        system[size, :size] = system[:size, size] = p
        g = slope(p)
        drop = p * (g - p @ g)
        step = np.linalg.solve(system, np.append(-drop, 0.0))[:size]
        length = min(1.0, 0.99 / max(1e-300, -float(step.min())))
        here = value(p)
        while value(p + length * p * step) > here + 0.1 * length * float(drop @ step):
            length *= 0.5
            if length < 1e-12:  # rounding: there is nothing left to gain
                return p
        p = p + length * p * step
        p = p / p.sum()
    return p
