"""The risk-averse quantal best response of a finite game is one softmax fixed point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from ...result.table import Table
from ._finite import certain, collect, descend, equilibria, joint, softmax, table, tilt
from .statement import Statement

BOUNDS = {
    "strategy at the RQE less the maximiser found by ascent": 1e-6,
    "value found by ascent less the value at the RQE, per range": 1e-10,
    "value at the RQE less the value found by ascent, per range": 1e-10,
    "epsilon KL(x || best) less what x loses, per range": 1e-10,
}


def derive() -> dict[str, Any]:
    """Gradient and Hessian of the regularised utility, for 2 and 3 own actions and 2 outcomes."""
    import sympy as sp

    tau, epsilon = sp.symbols("tau epsilon", positive=True)
    share = sp.Symbol("y", positive=True)
    out: dict[str, Any] = {}
    for size in (2, 3):
        x = sp.symbols(f"x1:{size + 1}", positive=True)
        left, right = sp.symbols(f"a1:{size + 1}"), sp.symbols(f"b1:{size + 1}")
        columns = [sum(s * v for s, v in zip(x, c, strict=True)) for c in (left, right)]
        heavy = [w * sp.exp(-tau * c) for w, c in zip((share, 1 - share), columns, strict=True)]
        p = heavy[0] / (heavy[0] + heavy[1])
        utility = -sp.log(heavy[0] + heavy[1]) / tau - epsilon * sum(s * sp.log(s) for s in x)
        worth = [p * a + (1 - p) * b for a, b in zip(left, right, strict=True)]
        for k in range(size):
            slope = sp.diff(utility, x[k]) - (worth[k] - epsilon * (sp.log(x[k]) + 1))
            out[f"gradient is U p - epsilon (log x + 1), {size} actions, {k}"] = slope
            for j in range(k + 1):
                spread = p * (1 - p) * (left[k] - right[k]) * (left[j] - right[j])
                bend = -tau * spread - (epsilon / x[k] if j == k else 0)
                curved = sp.diff(utility, x[k], x[j]) - bend
                out[f"Hessian is -tau Cov - epsilon/x, {size} actions, {k}{j}"] = curved
        # where x is the softmax of the values v = U p the gradient is the same in every direction
        values = sp.symbols(f"v1:{size + 1}", real=True)
        total = sum(sp.exp(v / epsilon) for v in values)
        level = [v - epsilon * sp.expand_log(sp.log(sp.exp(v / epsilon) / total)) for v in values]
        out[f"softmax is stationary, {size} actions"] = level[0] - level[1]
    return out


def check(draws: int, seed: int) -> Table:
    """Every player's strategy at an RQE against ascent on its own regularised utility."""
    return table("risk-averse quantal best response", collect(_instances(draws, seed), BOUNDS))


def _instances(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng(seed)
    names = list(BOUNDS)
    for game, eq, t, e in equilibria(draws, seed):
        for i, raw in enumerate(game.own_payoffs):
            span = float(np.ptp(raw))
            u, tau, epsilon = raw / span, t * span, e / span
            q = joint(eq, i)
            found = respond(u, q, tau, epsilon)
            best, other = eq[i], rng.dirichlet(np.ones(eq[i].size))
            at = utility(u, best, q, tau, epsilon)
            above = utility(u, found, q, tau, epsilon)
            lost = above - utility(u, other, q, tau, epsilon)
            divergence = epsilon * float(np.sum(other * np.log(other / found)))
            numbers = float(np.abs(best - found).max()), above - at, at - above, divergence - lost
            yield dict(zip(names, numbers, strict=True))


def utility(u: FloatArray, x: FloatArray, q: FloatArray, tau: float, epsilon: float) -> float:
    """Risk-adjusted, regularised utility (SRA eqs. 1 and 2), written out; ``tau > 0``."""
    return certain(x @ u, q, tau) - epsilon * float(np.sum(x * np.log(x)))


def respond(u: FloatArray, q: FloatArray, tau: float, epsilon: float) -> FloatArray:
    """Maximiser of `utility` by ascent, from the uniform strategy.

    Parameters
    ----------
    u : array (n, m)
        Own actions by the others' joint actions.
    q : array (m,)
        The others' play, with full support.
    tau, epsilon : float > 0
    """

    def curvature(x: FloatArray) -> FloatArray:
        p = tilt(x @ u, q, tau)
        centred = u - (u @ p)[:, None]
        return np.asarray(tau * (centred * p) @ centred.T + np.diag(epsilon / x))

    return descend(
        lambda x: -utility(u, x, q, tau, epsilon),
        lambda x: np.asarray(epsilon * (np.log(x) + 1.0) - u @ tilt(x @ u, q, tau)),
        curvature,
        np.full(u.shape[0], 1.0 / u.shape[0]),
    )


def other_responses(draws: int, seed: int) -> Table:
    """Two softmaxes that are NOT the best response: without the tilt, and with a tilt an action."""
    bounds = {
        "softmax of U x_-i / epsilon (no tilt)": 1e-6,
        "softmax of each action's own certainty equivalent": 1e-6,
    }

    def instances() -> Iterator[dict[str, float]]:
        for game, eq, tau, epsilon in equilibria(draws, seed):
            for i, u in enumerate(game.own_payoffs):
                q = joint(eq, i)
                each = np.array([certain(row, q, tau) for row in u])
                guesses = softmax(u @ q / epsilon), softmax(each / epsilon)
                gaps = [float(np.abs(eq[i] - guess).max()) for guess in guesses]
                yield dict(zip(bounds, gaps, strict=True))

    return table("responses that are not the best", collect(instances(), bounds))


STATEMENT = Statement(
    name="quantal_response",
    source="SRA eqs. 1 and 2; RQE24",
    says=(
        "Against any play x_-i, the risk-adjusted utility plus epsilon times the entropy of x_i is "
        "strictly concave (its Hessian is -tau Cov_p(u) - epsilon diag(1/x), p the tilt), so the "
        "best response is unique; it is the x_i with x_i = softmax(U_i p_i / epsilon), p_i the "
        "Gibbs tilt at x_i itself. Another x_i loses at least epsilon KL(x_i || best)."
    ),
    verdict="holds",
    derive=derive,
    check=check,
)
