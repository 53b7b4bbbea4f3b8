"""The 2N-player learning game written out: its operator, pairs of points, games of several RQE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.regularizer import LogBarrier, NegEntropy
from ...core.risk import Entropic, ReverseKL
from ...model._checks import FloatArray
from ...model.agent import Agent
from ...model.normal_form import NormalFormGame
from ...result.status import Status
from ...solvers import solve
from ...solvers.no_regret import learn
from ..tractability import is_tractable, spectral_radius
from ._finite import ROUNDING, joint

Point = tuple[list[FloatArray], list[FloatArray]]
"""Strategies of the N players, and beliefs of their N adversaries."""


def slope_of_choice(rule: Any, x: FloatArray) -> FloatArray:
    """Gradient of a regulariser."""
    if isinstance(rule, NegEntropy):
        return np.asarray(rule.epsilon * (np.log(x) + 1.0))
    if isinstance(rule, LogBarrier):
        return np.asarray(-rule.epsilon / x)
    return np.asarray(rule.epsilon * rule.q / (rule.q - 1.0) * x ** (rule.q - 1.0))


def slope_of_belief(risk: Any, p: FloatArray, q: FloatArray) -> FloatArray:
    """Gradient of a risk measure's penalty in the belief."""
    if isinstance(risk, Entropic):
        return np.asarray((np.log(p / q) + 1.0) / risk.tau)
    if isinstance(risk, ReverseKL):
        return np.asarray(-q / p / risk.tau)
    return np.asarray(2.0 * (p / q - 1.0) / risk.tau)


def operator(payoffs: Sequence[FloatArray], agents: Sequence[Agent], point: Point) -> Point:
    """Loss gradients of all 2N at a point; payoffs are own actions by the others' joint actions."""
    xs, ps = point
    players, adversaries = [], []
    for i, (U, agent) in enumerate(zip(payoffs, agents, strict=True)):
        players.append(slope_of_choice(agent.regularizer, xs[i]) - U @ ps[i])
        adversaries.append(slope_of_belief(agent.risk, ps[i], joint(xs, i)) + U.T @ xs[i])
    return players, adversaries


def separation(
    payoffs: Sequence[FloatArray],
    agents: Sequence[Agent],
    weights: Sequence[float],
    one: Point,
    two: Point,
) -> float:
    """Weighted ``<F(z) - F(z'), z - z'>``, per its size: negative where not monotone."""
    here, there = operator(payoffs, agents, one), operator(payoffs, agents, two)
    total = size = 0.0
    for part in (0, 1):
        for i, w in enumerate(weights):
            term = (here[part][i] - there[part][i]) * (one[part][i] - two[part][i])
            total += w * float(term.sum())
            size += w * float(np.abs(term).sum())
    return total / size if size > 0.0 else 0.0


def random_point(shape: Sequence[int], rng: np.random.Generator) -> Point:
    """Strategies and beliefs from nearly even to nearly certain; half of the beliefs near play."""
    xs, ps = [], []
    for n in shape:
        x = rng.dirichlet(np.full(n, 10.0 ** rng.uniform(-0.5, 1.5)))
        xs.append(_inside(x))
    for i in range(len(shape)):
        q = joint(xs, i)
        free = rng.dirichlet(np.full(q.size, 10.0 ** rng.uniform(-0.5, 1.5)))
        share = rng.choice([0.0, 0.5, 1.0])
        ps.append(_inside(share * q + (1.0 - share) * free))
    return xs, ps


def random_pair(shape: Sequence[int], rng: np.random.Generator) -> tuple[Point, Point]:
    """Two points far apart, or (half of the time) close together."""
    one, two = random_point(shape, rng), random_point(shape, rng)
    if rng.random() < 0.5:
        near = 10.0 ** rng.uniform(-3.0, -1.0)
        mixed = [
            [(1.0 - near) * a + near * b for a, b in zip(u, v, strict=True)]
            for u, v in zip(one, two, strict=True)
        ]
        two = (mixed[0], mixed[1])
    return one, two


def _inside(p: FloatArray) -> FloatArray:
    kept = np.maximum(p, 1e-9)
    return np.asarray(kept / kept.sum())


def tight_pair(agents: Sequence[Agent], t: FloatArray, near: float = 1e-3) -> tuple[Point, Point]:
    """The pair of points, two actions each, at which the form is smallest in direction ``t``.

    Strategies are even. An entropic adversary's belief is on the two opposite joint actions, any
    other's is what the others play.
    """
    n = len(agents)
    m = near * t / t.max()
    signs = np.array([1.0, -1.0])
    step = [0.5 * m_i * signs for m_i in m]
    xs = [np.array([0.5, 0.5]) - 0.5 * h for h in step]
    other = [x + h for x, h in zip(xs, step, strict=True)]
    ps, moved = [], []
    for i, agent in enumerate(agents):
        rest = [m[j] for j in range(n) if j != i]
        size = 2 ** (n - 1)
        corners = np.zeros(size)
        corners[[0, -1]] = 0.5
        faint = 1e-6
        p = np.full(size, 1.0 / size)
        if isinstance(agent.risk, Entropic):
            p = (1.0 - faint) * corners + faint * p
        spread = np.zeros(size)
        for index in range(size):
            digits = [(index >> (n - 2 - k)) & 1 for k in range(n - 1)]
            spread[index] = sum(r * signs[d] for r, d in zip(rest, digits, strict=True))
        k = 0.5 * p * (spread - p @ spread)
        ps.append(p - 0.5 * k)
        moved.append(p + 0.5 * k)
    return (xs, ps), (other, moved)


def coordination(agents: Sequence[Agent], t: FloatArray, depth: float = 12.0) -> NormalFormGame:
    """A game of two actions a player that has several RQE where ``4 κ τ t² < F(t)`` for everybody.

    Even play is an RQE, from which replies to a common lean grow. Pairs want to agree, each to the
    degree that gains most against its adversary; with three or more players an entropic one cares
    only whether ALL others do the one or the other, which it fears most (by ``depth / tau``).
    """
    n = len(agents)
    payoffs = []
    for i, agent in enumerate(agents):
        tau = float(agent.risk.tau)
        tau = 0.5 * tau if type(agent.risk).__name__ == "ChiSquared" else tau
        grid = np.indices((2,) * n)
        signs = 1.0 - 2.0 * grid
        rest = [j for j in range(n) if j != i]
        if isinstance(agent.risk, Entropic) and n > 2:
            total = sum(signs[j] for j in rest)
            agree = np.abs(total) == n - 1
            gain = sum(t[j] for j in rest) / (2.0 * tau * t[i])
            payoffs.append(np.where(agree, gain * signs[i] * np.sign(total) - depth / tau, 0.0))
        else:
            pulls = (t[j] / (2.0 * tau * t[i]) * signs[j] for j in rest)
            payoffs.append(signs[i] * sum(pulls))
    return NormalFormGame(payoffs)


def lean(game: NormalFormGame, agents: Sequence[Agent], tol: float = 1e-10) -> float:
    """How far from even the certified RQE are that are found from leaning starts; 0 if none is."""
    furthest = 0.0
    for share in (0.99, 0.9, 0.75, 0.6):
        start = [np.array([share, 1.0 - share]) for _ in agents]
        eq = solve(game, agents, start=start, select="any", tol=tol, throw=False)
        if eq.status is Status.CONVERGED:
            furthest = max(furthest, float(np.max(np.abs(np.array(eq.strategies) - 0.5))))
    return furthest


def scaled(agents: Sequence[Agent], factor: float) -> list[Agent]:
    """The same agents with every ``epsilon`` times a factor."""
    rules = [replace(a.regularizer, epsilon=factor * a.regularizer.epsilon) for a in agents]
    return [replace(a, regularizer=r) for a, r in zip(agents, rules, strict=True)]


def at_threshold(agents: Sequence[Agent], margin: float) -> list[Agent]:
    """The same agents with all ``epsilon`` scaled to ``margin`` times what the theorem asks."""
    return scaled(agents, margin * spectral_radius(agents)[0] ** 2)


BOUNDS = {
    "inside: weighted monotonicity violated at random pairs, per size": ROUNDING,
    "inside: monotonicity violated at the tightest pair, epsilon 1% above, per size": ROUNDING,
    "1% below: monotonicity left at the tightest pair, per size": -1e-3,
    "inside: residual of learning from random starts": 1e-10,
    "inside: distance of where two random starts lead": 1e-8,
    "5% below: 0.01 less the distance of an RQE from even play": 0.0,
}


def measure(draws: int, seed: int, draw: Callable[..., list[Agent]]) -> Iterator[dict[str, float]]:
    """What `BOUNDS` names, on random attitudes by `draw` (players, generator); games on a part."""
    rng = np.random.default_rng(seed)
    names = list(BOUNDS)
    for k in range(draws):
        n = int(rng.choice([2, 3, 4]))
        agents = at_threshold(draw(n, rng), 1.0 + 10.0 ** rng.uniform(-3.0, 1.0))
        weights = is_tractable(agents).weights
        shape = tuple(int(m) for m in rng.integers(2, 5 if n == 2 else 4, size=n))
        scale = 10.0 ** rng.uniform(-1.0, 0.3)
        game = NormalFormGame([scale * rng.normal(size=shape) for _ in shape])
        pairs = (random_pair(shape, rng) for _ in range(20))
        numbers = [max(-separation(game.own_payoffs, agents, weights, *z) for z in pairs)]
        none = [np.zeros((2, 2 ** (n - 1)))] * n
        for margin in (1.01, 0.99):
            close = at_threshold(agents, margin)
            pair = tight_pair(close, spectral_radius(close)[1])
            left = separation(
                none, close, is_tractable(at_threshold(agents, 1.0001)).weights, *pair
            )
            numbers.append(-left if margin > 1.0 else left)
        if k % 10 == 0:
            starts = [[rng.dirichlet(np.ones(m)) for m in shape] for _ in range(2)]
            runs = [learn(game, agents, start=s, record=(), throw=False) for s in starts]
            ends = zip(*(r.last.strategies for r in runs), strict=True)
            numbers.append(max(float(r.residual[-1].min()) for r in runs))
            numbers.append(max(float(np.abs(a - b).max()) for a, b in ends))
            below = at_threshold(agents, 0.95)
            numbers.append(0.01 - lean(coordination(below, spectral_radius(below)[1]), below))
        yield dict(zip(names, numbers, strict=False))
