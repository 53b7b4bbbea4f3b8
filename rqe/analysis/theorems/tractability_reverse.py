"""Reverse KL risk with any regulariser: exactly when the learning game is monotone."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.regularizer import LogBarrier, NegEntropy, Tsallis
from ...core.risk import Entropic, ReverseKL
from ...model.agent import Agent
from ...result.table import Table
from ._finite import collect, table
from .learning_game import BOUNDS, measure
from .statement import Statement


def derive() -> dict[str, Any]:
    """The square; independent moves add up; the border; curvatures; the game at the border."""
    return {**_squares(), **_border(), **_curvatures(), **_witness()}


def _squares() -> dict[str, Any]:
    """What is left after the best move of a belief, and that players' moves do not mix in it."""
    import sympy as sp

    q, m, g = (sp.symbols(f"{name}1:4", real=True) for name in "qmg")
    form = sum(a * b**2 - a * b * c for a, b, c in zip(q, m, g, strict=True))
    best = sum(a * (b - c / 2) ** 2 for a, b, c in zip(q, m, g, strict=True))
    left = sum(a * c**2 for a, c in zip(q, g, strict=True)) / 4
    x, y = sp.symbols("x y", positive=True)
    h, k = sp.symbols("h k", real=True)
    one, two = {0: (x, h), 1: (1 - x, -h)}, {0: (y, k), 1: (1 - y, -k)}
    joint = sum(
        one[a][0] * two[b][0] * (one[a][1] / one[a][0] + two[b][1] / two[b][0]) ** 2
        for a in (0, 1)
        for b in (0, 1)
    )
    apart = h**2 / x + h**2 / (1 - x) + k**2 / y + k**2 / (1 - y)
    return {
        "a belief's move completes a square": form - best + left,
        "independent moves add up": joint - apart,
    }


def _border() -> dict[str, Any]:
    """Weights tau_i/(1 + beta_i): each player's condition, exact at the border."""
    import sympy as sp

    beta = sp.symbols("beta1:4", positive=True)
    y = [1 / (1 + b) for b in beta]  # w_i / tau_i
    out = {
        f"the weights meet player {j}'s condition": beta[j] * y[j]
        - sum(y[i] for i in range(3) if i != j)
        - (1 - sum(y))
        for j in range(3)
    }
    a, b = beta[:2]
    out["two players: the sum is the product"] = (
        1 - 1 / (1 + a) - 1 / (1 + b) - (a * b - 1) / ((1 + a) * (1 + b))
    )
    n, tau = sp.symbols("N tau", positive=True)
    out["N alike, entropies"] = n / (1 + 4 * (n - 1) / (4 * tau) * tau) - 1
    return out


def _curvatures() -> dict[str, Any]:
    """Two actions: curvature in units of ``Σ h²/x``; least at even play."""
    import sympy as sp

    x, q = sp.symbols("x q", positive=True)
    unit = 1 / x + 1 / (1 - x)
    half = sp.Rational(1, 2)
    barrier = (1 / x**2 + 1 / (1 - x) ** 2) / unit
    tsallis = q * (x ** (q - 2) + (1 - x) ** (q - 2)) / unit
    mean = (1 - x) * x ** (q - 1) + x * (1 - x) ** (q - 1)
    return {
        "log-barrier": barrier - 2 - (1 - 2 * x) ** 2 / (x * (1 - x)),
        "entropy": (1 / x + 1 / (1 - x)) / unit - 1,
        # convex and decreasing powers of x and 1 - x, whose weighted mean is 2x(1 - x) <= 1/2
        "Tsallis as a mean of powers": sp.powsimp(sp.expand(tsallis / q - mean), force=True).subs(
            q, sp.Rational(1, 3)
        ),
        "Tsallis at even play": tsallis.subs(x, half) - q * 2 ** (1 - q),
    }


def _witness() -> dict[str, Any]:
    """Two players at the border: the slopes of their replies at even play multiply to one."""
    import sympy as sp

    a, tau, eps, x, q, p = sp.symbols("a tau epsilon x q p", positive=True)
    half = sp.Rational(1, 2)
    # the belief: slopes of the adversary's loss are equal at both outcomes
    belief = 2 * a * (2 * x - 1) - q / (tau * p) + (1 - q) / (tau * (1 - p))
    reply = 2 * a * (2 * p - 1) - eps * sp.log(x / (1 - x))
    even = {x: half, q: half, p: half}
    dp_dx, dp_dq = (-sp.diff(belief, z).subs(even) / sp.diff(belief, p).subs(even) for z in (x, q))
    own = sp.diff(reply, x).subs(even) + sp.diff(reply, p).subs(even) * dp_dx
    slope = -sp.diff(reply, p).subs(even) * dp_dq / own
    return {
        "slope of a reply at even play": slope - a / (eps + tau * a**2),
        "the steepest reply": slope.subs(a, sp.sqrt(eps / tau)) - 1 / sp.sqrt(4 * eps * tau),
    }


def _draw(n: int, rng: np.random.Generator) -> list[Agent]:
    """Any regularisers; every fourth time mixtures with entropic risk, all with log-barriers."""
    mixed = rng.random() < 0.25
    agents = []
    for _ in range(n):
        tau, epsilon = (float(d) for d in 10.0 ** rng.uniform(-1.0, 1.0, size=2))
        order = float(rng.uniform(0.2, 0.95))
        rules = (NegEntropy(epsilon), LogBarrier(epsilon), Tsallis(order, epsilon))
        risk = Entropic(tau) if mixed and rng.random() < 0.5 else ReverseKL(tau)
        agents.append(Agent(risk, rules[1] if mixed else rules[rng.integers(3)]))
    return agents


def check(draws: int, seed: int) -> Table:
    """Random pairs of points inside, the tightest pair at the border, learning, several RQE."""
    return table("reverse KL risk", collect(measure(draws, seed, _draw), BOUNDS))


STATEMENT = Statement(
    name="tractability_reverse",
    source="RQE24 Thms 3, 6 to 8 (constants derived here)",
    says=(
        "N players with reverse KL risk; kappa = epsilon for entropies, 2 epsilon for log- "
        "barriers, q 2^(1 - q) epsilon for Tsallis entropies of order q <= 1; beta = 4 kappa "
        "tau. If sum_i 1/(1 + beta_i) <= 1, the learning game, players weighted by tau_i/(1 + "
        "beta_i), is strictly monotone whatever the payoffs. For two players that is epsilon_1 "
        "epsilon_2 tau_1 tau_2 >= 1/16 with entropies, 1/64 with log-barriers, 1/32 with one of "
        "each; for N players alike with entropies epsilon tau >= (N - 1)/4. Mixed with entropic "
        "risk (whose opponents need log-barriers): the spectral radius of t_i -> "
        "sqrt(F_i(t)/beta_i) at most 1, F_i = (sum_{j != i} t_j)^2 for entropic, sum_{j != i} "
        "t_j^2 for reverse KL risk. All sharp: beyond them some game of two actions a player "
        "has several RQE. Proof: the best move of belief i leaves -w_i/(4 tau_i) sum q (sum_{j "
        "!= i} h_j/x_j)^2, attained where the belief is what the others play; independent moves "
        "add up, to sum_{j != i} sum h_j^2/x_j. The least curvature of a regulariser in that "
        "unit is kappa: for a Tsallis entropy or log-barrier only an action of probability "
        "above 1/2 counts against it, the others do best as one, and two actions are Jensen's "
        "inequality. Beyond the border a game of wishes to agree has even play as an RQE, with "
        "slopes of replies that form a nonnegative matrix of Perron root above 1; scale its "
        "payoffs up from nothing, and where the root passes 1 the index of even play turns "
        "negative, so that there are others."
    ),
    verdict="holds",
    derive=derive,
    check=check,
    counterexample=(
        "two players of tau = 1, epsilon = 0.24 (product 0.0576 < 1/16), payoffs 0.49 where they "
        "agree and -0.49 where not: even play, and an RQE on either side of it"
    ),
)
