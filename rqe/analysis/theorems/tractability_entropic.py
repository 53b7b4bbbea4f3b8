"""Entropic risk with log-barriers: exactly when the learning game is monotone for every payoff."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.regularizer import LogBarrier
from ...core.risk import Entropic
from ...model.agent import Agent
from ...result.table import Table
from ._finite import collect, table
from .learning_game import BOUNDS, measure
from .statement import Statement


def derive() -> dict[str, Any]:
    """Payoffs cancel; the squares; the border; the weights; the game at the border."""
    return {**cancellation(), **_squares(), **_border(), **_witness()}


def cancellation() -> dict[str, Any]:
    """Two players, two actions: the quadratic form of the operator's derivative has no payoffs."""
    import sympy as sp

    x, p = sp.symbols("x1:5", positive=True), sp.symbols("p1:5", positive=True)
    h, k = sp.symbols("h1:5", real=True), sp.symbols("k1:5", real=True)
    U, V = (sp.Matrix(2, 2, sp.symbols(f"{name}1:5", real=True)) for name in "uv")
    w, tau, eps = (sp.symbols(f"{name}1:3", positive=True) for name in ("w", "tau", "epsilon"))
    out: dict[str, Any] = {}
    for name in ("entropic", "reverse KL"):
        form, bare = sp.Integer(0), sp.Integer(0)
        moves = [*zip(x, h, strict=True), *zip(p, k, strict=True)]
        for i, payoff in enumerate((U, V)):
            own, belief = slice(2 * i, 2 * i + 2), slice(2 * i, 2 * i + 2)
            rest = slice(2 - 2 * i, 4 - 2 * i)
            mixed = (sp.Matrix(1, 2, x[own]) * payoff * sp.Matrix(p[belief]))[0]
            barrier = -eps[i] * sum(sp.log(a) for a in x[own])
            a, b = (p[belief], x[rest]) if name == "entropic" else (x[rest], p[belief])
            price = sum(c * sp.log(c / d) for c, d in zip(a, b, strict=True)) / tau[i]
            for loss, group, step in (
                (barrier - mixed, x[own], h[own]),
                (mixed + price, p[belief], k[belief]),
            ):
                for z, dz in zip(group, step, strict=True):
                    slope = sp.diff(loss, z)
                    form += w[i] * dz * sum(sp.diff(slope, y) * dy for y, dy in moves)
            for loss, group, step in ((barrier, x[own], h[own]), (price, p[belief], k[belief])):
                for z, dz in zip(group, step, strict=True):
                    slope = sp.diff(loss, z)
                    bare += w[i] * dz * sum(sp.diff(slope, y) * dy for y, dy in moves)
        out[f"payoffs cancel, {name}"] = form - bare
    return out


def _squares() -> dict[str, Any]:
    """What is left after the best move of a belief is a variance; its largest value."""
    import sympy as sp

    p1, p2 = sp.symbols("p1 p2", positive=True)
    g = sp.symbols("g1:4", real=True)
    k1, k2 = sp.symbols("k1 k2", real=True)
    p, k = (p1, p2, 1 - p1 - p2), (k1, k2, -k1 - k2)
    mean = sum(a * b for a, b in zip(p, g, strict=True))
    variance = sum(a * (b - mean) ** 2 for a, b in zip(p, g, strict=True))
    form = sum(c**2 / a - c * b for a, b, c in zip(p, g, k, strict=True))
    rest = sum((c - a * (b - mean) / 2) ** 2 / a for a, b, c in zip(p, g, k, strict=True))
    low, high, a = sp.symbols("low high a", real=True)
    two = a * (1 - a) * (high - low) ** 2
    centre = (high - low) ** 2 * (a - sp.Rational(1, 2)) ** 2
    return {
        "a belief's move completes a square": form + variance / 4 - rest,
        "variance of two outcomes": (high - low) ** 2 / 4 - two - centre,
        "range and length": 2 * (low**2 + high**2) - (high - low) ** 2 - (high + low) ** 2,
    }


def _border() -> dict[str, Any]:
    """The positive vector that closes the proof, the weights, and the case of two players."""
    import sympy as sp

    r = sp.symbols("r1:4", positive=True)  # square roots of beta
    out: dict[str, Any] = {}
    t = [1 / (1 + a) for a in r]
    total = sum(t)
    for j in range(3):
        # D t - K t with weights sqrt(tau/epsilon), that is D = r and K = sum c c^T / r
        pull = sum((total - t[i]) / r[i] for i in range(3) if i != j)
        slack = (1 - total) * (1 + sum(1 / r[i] for i in range(3) if i != j))
        out[f"the vector 1/(1 + sqrt(beta)) is enough, {j}"] = r[j] * t[j] - pull - slack
    a, b = r[:2]
    out["two players: the sum is the product"] = (
        1 - 1 / (1 + a) - 1 / (1 + b) - (a * b - 1) / ((1 + a) * (1 + b))
    )
    tau, eps = sp.symbols("tau epsilon", positive=True)
    beta = 4 * (2 * eps) * tau
    out["beta of a log-barrier"] = beta**2 - 64 * (eps * tau) ** 2
    n = sp.Symbol("N", positive=True)
    out["N alike"] = (n / (1 + sp.sqrt(beta)) - 1).subs(eps, (n - 1) ** 2 / (8 * tau)).subs(n, 3)
    return out


def _witness() -> dict[str, Any]:
    """Two players at the border: the slopes of their replies at even play multiply to one."""
    import sympy as sp

    a, tau, eps = sp.symbols("a tau epsilon", positive=True)
    x, q = sp.symbols("x q", positive=True)
    # payoffs a where the two agree, -a where not: outcomes are worth a (2x - 1) and its negative
    p = q * sp.exp(-tau * a * (2 * x - 1))
    p = p / (p + (1 - q) * sp.exp(tau * a * (2 * x - 1)))
    condition = 2 * a * (2 * p - 1) + eps * (1 / x - 1 / (1 - x))
    even = {x: sp.Rational(1, 2), q: sp.Rational(1, 2)}
    slope = -sp.diff(condition, q).subs(even) / sp.diff(condition, x).subs(even)
    kappa = 2 * eps
    steepest = slope.subs(a, sp.sqrt(kappa / tau))
    return {
        "slope of a reply at even play": slope - a / (kappa + tau * a**2),
        "the steepest reply": steepest - 1 / sp.sqrt(4 * kappa * tau),
    }


def _draw(n: int, rng: np.random.Generator) -> list[Agent]:
    degrees = 10.0 ** rng.uniform(-1.0, 1.0, size=(n, 2))
    return [Agent(Entropic(float(t)), LogBarrier(float(e))) for t, e in degrees]


def check(draws: int, seed: int) -> Table:
    """Random pairs of points inside, the tightest pair at the border, learning, several RQE."""
    return table("entropic risk with log-barriers", collect(measure(draws, seed, _draw), BOUNDS))


STATEMENT = Statement(
    name="tractability_entropic",
    source="RQE24 Thms 3, 6 to 8 (constants derived here)",
    says=(
        "N players with entropic risk and log-barriers. If sum_i 1/(1 + sqrt(8 epsilon_i "
        "tau_i)) <= 1, the learning game, players weighted by sqrt(tau_i/epsilon_i), is "
        "strictly monotone whatever the payoffs: there is one RQE, and mirror descent in "
        "continuous time approaches it at every moment. For two players that is epsilon_1 "
        "epsilon_2 tau_1 tau_2 >= 1/64, for N players alike epsilon tau >= (N - 1)^2/8. Sharp: "
        "beyond it no weights make the game monotone, and some game of two actions a player has "
        "several RQE. Proof: payoffs cancel, since a player and its adversary have opposite "
        "ones and one weight; with g_j = h_j/x_j for a move h_j, the best move of belief i "
        "leaves sum_j w_j epsilon_j |g_j|^2 - sum_i w_i/(4 tau_i) Var_p(sum_{j != i} g_j), and "
        "the variance is at most (sum_{j != i} range g_j)^2/4 with range g_j <= sqrt(2) |g_j|: "
        "attained at x_j = (1/2, 1/2), p_i half on either of two opposite joint actions. So the "
        "condition is that a nonnegative matrix is at most a diagonal one, which the vector "
        "1/(1 + sqrt(8 epsilon_j tau_j)) decides (Perron); no other weights do better (minimax "
        "over moves). At equality the form vanishes at single points only, so that monotonicity "
        "stays strict. Beyond the border a game of wishes to agree has even play as an RQE, "
        "with slopes of replies that form a nonnegative matrix of Perron root above 1; scale "
        "its payoffs up from nothing, and where the root passes 1 the index of even play turns "
        "negative, so that there are others."
    ),
    verdict="holds",
    derive=derive,
    check=check,
    counterexample=(
        "two players of tau = 1, epsilon = 0.12 (product 0.0144 < 1/64), payoffs 0.49 where they "
        "agree and -0.49 where not: even play, and an RQE on either side of it"
    ),
)
