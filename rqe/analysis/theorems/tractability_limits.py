"""Where no degree makes the learning game monotone: entropies, chi-squares, high Tsallis orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.regularizer import LogBarrier, NegEntropy, Tsallis
from ...core.risk import ChiSquared, Entropic, ReverseKL
from ...model._checks import FloatArray
from ...model.agent import Agent
from ...model.normal_form import NormalFormGame
from ...result.status import Status
from ...result.table import Table
from ...solvers import solve
from ._finite import collect, table
from .learning_game import Point, separation
from .statement import Statement

PAIRS: dict[str, tuple[Any, Any]] = {
    "entropic risk, entropy": (Entropic, NegEntropy),
    "entropic risk, Tsallis order 1/2": (Entropic, lambda e: Tsallis(0.5, e)),
    "chi-square risk, entropy": (ChiSquared, NegEntropy),
    "chi-square risk, log-barrier": (ChiSquared, LogBarrier),
    "reverse KL risk, Tsallis order 3/2": (ReverseKL, lambda e: Tsallis(1.5, e)),
}
SEPARATION = "{}: monotonicity left, per size"
SECOND = "entropic risk, entropy, tau epsilon in [0.1, 0.95]: 2 less the RQE of one game"
BOUNDS = {**{SEPARATION.format(name): -1e-3 for name in PAIRS}, SECOND: 0.0}


def derive() -> dict[str, Any]:
    """What the best moves of beliefs leave of curvature at play (delta, 1 - delta)."""
    import sympy as sp

    d, h, eps, tau, p = sp.symbols("delta h epsilon tau p", positive=True)
    x = (d, 1 - d)
    g = (h / d, -h / (1 - d))
    half = sp.Rational(1, 2)
    spread = half * (1 - half) * (g[0] - g[1]) ** 2
    entropy = eps * (h**2 / d + h**2 / (1 - d)) - spread / (4 * tau)
    price = ((p - d) ** 2 / d + (d - p) ** 2 / (1 - d)) / tau
    bend, mix = sp.diff(price, p, 2).subs(p, half), sp.diff(price, p, d).subs(p, half)
    barrier = eps * (h**2 / x[0] ** 2 + h**2 / x[1] ** 2) - (mix * h) ** 2 / (4 * bend)
    # times delta^3: what is left as delta -> 0
    worst = sp.limit(sp.cancel(barrier * d**3), d, 0)
    power = sp.limit((d ** sp.Rational(-1, 2)) * d, d, 0)
    return {
        "entropic risk, entropy": entropy
        - h**2 / (d * (1 - d)) * (eps - 1 / (16 * tau * d * (1 - d))),
        "chi-square risk, log-barrier": worst + h**2 / (8 * tau),
        "Tsallis curvature of order 3/2 per that of an entropy": power,
    }


def check(draws: int, seed: int) -> Table:
    """For random degrees, however large: a pair of points, and for entropies a game of two RQE."""
    return table("beyond the theorems", collect(_instances(draws, seed), BOUNDS))


def _instances(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng(seed)
    for k in range(draws):
        out = {}
        weights = [1.0, float(10.0 ** rng.uniform(-1.0, 1.0))]
        for name, (risk, rule) in PAIRS.items():
            degrees = 10.0 ** rng.uniform(0.0, 1.5, size=(2, 2))
            agents = [Agent(risk(float(t)), rule(float(e))) for t, e in degrees]
            # the rarer the action, the worse: 1e-7 undoes any degrees and weights drawn here
            pair = pair_at(1e-7, agents)
            none = [np.zeros((2, 2))] * 2
            out[SEPARATION.format(name)] = separation(none, agents, weights, *pair)
        if k % 10 == 0:
            out[SECOND] = 2.0 - float(count_of_rqe(float(rng.uniform(0.1, 0.95))))
        yield out


def pair_at(delta: float, agents: list[Agent]) -> tuple[Point, Point]:
    """Two points around rare actions: beliefs move as hurts monotonicity most."""
    x = np.array([delta, 1.0 - delta])
    h = 1e-3 * delta * np.array([1.0, -1.0])
    reverse = isinstance(agents[0].risk, ReverseKL)
    p = x if reverse else np.array([0.5, 0.5])
    if reverse:
        k = 0.5 * h
    elif isinstance(agents[0].risk, Entropic):
        k = 0.5 * p * (h / x - p @ (h / x))
    else:
        ratio = p * h / x**2
        k = 0.5 * x * (ratio - x @ ratio)
    return ([x - h / 2, x - h / 2], [p - k / 2, p - k / 2]), (
        [x + h / 2, x + h / 2],
        [p + k / 2, p + k / 2],
    )


def two_pure(product: float) -> tuple[NormalFormGame, list[Agent], list[FloatArray]]:
    """A game with two RQE next to pure play, entropic with entropies, ``tau epsilon < 1``.

    Deviating from the first costs 1 - c, fear of the partner's other action weighs 1: it stays as
    long as ``1 - c > tau epsilon``, if payoffs are large enough. Nothing is to fear at the second.
    """
    low = min(0.05, 0.5 * (1.0 - product))
    size = 20.0 / (1.0 - product - low) + 20.0 / low
    U = size * np.array([[1.0, 0.0], [low, 0.6 * low]])
    agents = [Agent(Entropic(product), NegEntropy(1.0))] * 2
    rare = float(np.exp(-size * (1.0 - low)))
    return NormalFormGame([U, U.T]), agents, [np.array([1.0 - rare, rare])] * 2


def count_of_rqe(product: float) -> int:
    """Certified RQE of that game, from either pure start."""
    game, agents, start = two_pure(product)
    found: list[float] = []
    for begin in (start, [x[::-1] for x in start]):
        eq = solve(game, agents, start=begin, select="any", throw=False)
        share = float(eq.strategies[0][0])
        if eq.status is Status.CONVERGED and all(abs(share - other) > 0.1 for other in found):
            found.append(share)
    return len(found)


STATEMENT = Statement(
    name="tractability_limits",
    source="SRA Example 4.2; RQE24",
    says=(
        "No degrees, weights or payoffs make the learning game monotone with entropic risk beside "
        "a regulariser other than the log-barrier, with chi-square risk beside any, or with a "
        "Tsallis entropy of order above 1: at an action of probability delta -> 0 the curvature "
        "that adversaries ask for grows faster than what regularisers give (1/delta^2 against "
        "1/delta for entropies, 1/delta^3 against 1/delta^2 for chi-square risk and log-barriers). "
        "With entropic risk and entropies there are games of several RQE at every tau epsilon < 1 "
        "of two players alike, and Example 4.2 has three at epsilon = 0.2, tau = 0.8, where "
        "epsilon_1 epsilon_2 tau_1 tau_2 = 0.0256 > 1/64."
    ),
    verdict="holds",
    derive=derive,
    check=check,
)
