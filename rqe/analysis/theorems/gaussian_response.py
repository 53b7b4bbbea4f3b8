"""The risk-averse quantal best response in a quadratic game is Gaussian, in closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...core.gaussian import Quadratic, certainty_equivalent, exposure
from ...model._checks import FloatArray
from ...result.table import Table
from ._finite import collect, table
from ._gaussian import (
    caution,
    certain_by_quadrature,
    grid,
    payoffs_on,
    quadratic_games,
    response_mean,
    spread_of,
)
from .statement import Statement

SMALL = ((1, 1), (2, 1), (1, 2), (1, 1, 1))
BOUNDS = {
    "certainty equivalent less quadrature, in proportion": 1e-11,
    "loss of another mean by quadrature less d^T K d / 2, in proportion": 1e-7,
    "mean of the softmax on a grid less m_i, per standard deviation": 1e-9,
    "variance of the softmax on a grid over Sigma_i, less 1": 1e-9,
}
Mean = Callable[[Quadratic, FloatArray, FloatArray, float], FloatArray]


def derive() -> dict[str, Any]:
    """Integral, value, slope and maximiser: two players, three, and a vector of own actions."""
    return {**_integral(), **_maximiser(1, 1), **_maximiser(1, 2), **_maximiser(2, 1)}


def _integral() -> dict[str, Any]:
    """One action each: the risk by completing the square, then by integrating."""
    import sympy as sp

    tau, epsilon, s, precise, bend = sp.symbols("tau epsilon s P alpha", positive=True)
    B, g, low, mu, m, a, b = sp.symbols("B g l mu m a b", real=True)
    C = (precise - 1 / s) / tau  # so that the tilted precision 1/s + tau C is the symbol P > 0
    payoff = -bend * a**2 / 2 + B * a * b + C * b**2 / 2 + g * a + low * b
    at = payoff.subs(a, m)
    exponent = -tau * at - (b - mu) ** 2 / (2 * s)
    feared = (mu / s - tau * (B * m + low)) / precise
    rest = exponent + precise * (b - feared) ** 2 / 2
    x = sp.Symbol("x", real=True)
    mass = sp.integrate(sp.exp(-precise * x**2 / 2), (x, -sp.oo, sp.oo))
    risk = -(rest.subs(b, 0) + sp.log(mass) - sp.log(2 * sp.pi * s) / 2) / tau
    slope = B * m + C * mu + low
    closed = at.subs(b, mu) + sp.log(s * precise) / (2 * tau) - tau * slope**2 / (2 * precise)
    caution = precise / tau
    best = (g + B / caution * (mu / (tau * s) - low)) / (bend + B**2 / caution)
    softmax = payoff.subs(b, feared.subs(m, best)) / epsilon
    normal = -((a - best) ** 2) * bend / (2 * epsilon)
    spread = sp.Symbol("S", positive=True)
    noise = -bend * spread / 2 + epsilon * sp.log(2 * sp.pi * sp.E * spread) / 2
    return {
        "the tilt is Gaussian": sp.diff(rest, b),
        "certainty equivalent, integrated": sp.expand_log(risk - closed),
        "m_i is stationary": sp.diff(closed, m).subs(m, best),
        "curvature in m_i": sp.diff(closed, m, 2) + bend + B**2 / caution,
        "softmax of the feared payoff is N(m_i, Sigma_i)": sp.diff(softmax - normal, a),
        "Sigma_i is stationary": sp.diff(noise, spread).subs(spread, epsilon / bend),
        "curvature in Sigma_i": sp.diff(noise, spread, 2) + epsilon / (2 * spread**2),
    }


def _maximiser(n: int, m: int) -> dict[str, Any]:
    """``n`` own coordinates against ``m`` of the others', their spread diagonal."""
    import sympy as sp

    tau = sp.Symbol("tau", positive=True)
    own = sp.diag(*sp.symbols(f"alpha1:{n + 1}", positive=True)) * -1
    cross = sp.Matrix(n, m, sp.symbols(f"B1:{n * m + 1}", real=True))
    spread = sp.diag(*sp.symbols(f"s1:{m + 1}", positive=True))
    other = sp.Matrix(m, m, lambda j, k: sp.Symbol(f"C{min(j, k)}{max(j, k)}", real=True))
    g, low = (sp.Matrix(sp.symbols(f"{v}1:{k + 1}", real=True)) for v, k in (("g", n), ("l", m)))
    mu, b = (sp.Matrix(sp.symbols(f"{v}1:{m + 1}", real=True)) for v in ("mu", "b"))
    mean = sp.Matrix(sp.symbols(f"m1:{n + 1}", real=True))
    precision = spread.inv() + tau * other
    feared = precision.inv() * (spread.inv() * mu - tau * (cross.T * mean + low))
    payoff = (mean.T * own * mean / 2 + mean.T * cross * b + b.T * other * b / 2)[0]
    payoff += (g.T * mean + low.T * b)[0]
    exponent = -tau * payoff - ((b - mu).T * spread.inv() * (b - mu))[0] / 2
    rest = exponent + ((b - feared).T * precision * (b - feared))[0] / 2
    size = f"{n} own against {m}"
    out = {f"the tilt is Gaussian, {size}, {k}": sp.diff(rest, b[k]) for k in range(m)}
    growth = spread.det() * precision.det() - (sp.eye(m) + tau * spread * other).det()
    out[f"normalising constant, {size}"] = growth
    caution = precision / tau
    pull = spread.inv() * mu / tau - low
    best = (-own + cross * caution.inv() * cross.T).inv() * (g + cross * caution.inv() * pull)
    slope = own * mean + g + cross * feared  # the envelope: the belief's own slope is zero
    for k in range(n):
        bend = sp.diff(-rest.subs(dict.fromkeys(b, 0)) / tau, mean[k])
        out[f"slope of the certainty equivalent, {size}, {k}"] = bend - slope[k]
        at = slope[k].subs(dict(zip(mean, best, strict=True)), simultaneous=True)
        out[f"m_i is stationary, {size}, {k}"] = at
    return out


def check(draws: int, seed: int) -> Table:
    """The lemma against quadrature, and against a softmax on a grid of actions."""
    instances = _instances(draws, seed, response_mean)
    return table("Gaussian best response", collect(instances, BOUNDS))


def _instances(draws: int, seed: int, formula: Mean) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng(seed)
    names = list(BOUNDS)
    for game, taus, epsilons in quadratic_games(draws, seed, SMALL):
        for i in range(game.n_players):
            payoff, tau, epsilon = game.payoff(i), float(taus[i]), float(epsilons[i])
            spread = spread_of(game, epsilons, i)
            others = rng.normal(size=len(spread))
            best = formula(payoff, others, spread, tau)
            around = payoff, others, spread, tau
            value = _value(around, best)
            seen = exposure(payoff.other, np.linalg.cholesky(spread))
            closed = float(certainty_equivalent(payoff, best, others, seen, tau))
            scale = abs(value) + 1.0 / tau
            away = rng.normal(size=len(best))
            reach = np.linalg.solve(caution(payoff, spread, tau), payoff.cross.T)
            lost = 0.5 * float(away @ (payoff.cross @ reach - payoff.own) @ away)
            numbers = [
                abs(closed - value) / scale,
                abs(value - _value(around, best + away) - lost) / lost,
            ]
            if len(best) == 1:
                center, variance = softmax_moments(around, best, epsilon)
                exact = -epsilon / float(payoff.own[0, 0])
                numbers += [abs(center - float(best[0])) / exact**0.5, abs(variance / exact - 1.0)]
            yield dict(zip(names, numbers, strict=False))


def _value(around: tuple[Quadratic, FloatArray, FloatArray, float], mean: FloatArray) -> float:
    payoff, others, spread, tau = around
    return certain_by_quadrature(payoff, mean, others, spread, tau)


def softmax_moments(
    around: tuple[Quadratic, FloatArray, FloatArray, float], mean: FloatArray, epsilon: float
) -> tuple[float, float]:
    """Mean and variance of ``softmax(U p / epsilon)`` on a fine grid of one own action.

    ``p`` is the Gibbs tilt on a grid of the others' actions when the own mean is ``mean``: the
    quantal best response of a finite game, with nothing assumed of its shape.

    Parameters
    ----------
    around : tuple
        One player's payoff, the others' means and covariance, and ``tau``.
    mean : array (1,)
    epsilon : float > 0
    """
    payoff, others, spread, tau = around
    nodes, log_weights = grid(payoff, mean, others, spread, tau)
    exponent = log_weights - tau * payoffs_on(payoff, mean, nodes)
    belief = np.exp(exponent - np.max(exponent))
    belief /= np.sum(belief)
    width = (epsilon / -float(payoff.own[0, 0])) ** 0.5
    actions = float(mean[0]) + width * np.linspace(-12.0, 12.0, 201)
    worth = np.array([belief @ payoffs_on(payoff, np.array([a]), nodes) for a in actions])
    play = np.exp((worth - np.max(worth)) / epsilon)
    play /= np.sum(play)
    center = float(play @ actions)
    return center, float(play @ (actions - center) ** 2)


def other_means(draws: int, seed: int) -> dict[str, Table]:
    """The same check of three formulas that are NOT the best response.

    Without risk (``P_-i`` infinite), with the others' linear part added in place of subtracted,
    and without the ``1/tau`` before ``Sigma_-i^{-1} m_-i``.
    """

    def neutral(p: Quadratic, mu: FloatArray, spread: FloatArray, tau: float) -> FloatArray:
        return np.asarray(np.linalg.solve(-p.own, p.own_linear + p.cross @ mu))

    def added(p: Quadratic, mu: FloatArray, spread: FloatArray, tau: float) -> FloatArray:
        return response_mean(p._replace(other_linear=-p.other_linear), mu, spread, tau)

    def flat(p: Quadratic, mu: FloatArray, spread: FloatArray, tau: float) -> FloatArray:
        return response_mean(p, tau * mu, spread, tau)

    wrong = {"no risk": neutral, "h_-i added": added, "1/tau left out": flat}
    return {
        name: table(name, collect(_instances(draws, seed, formula), BOUNDS))
        for name, formula in wrong.items()
    }


STATEMENT = Statement(
    name="gaussian_response",
    source="SRA Lemma (risk-averse quantal best response)",
    says=(
        "In a game with quadratic payoffs, against others who play N(m_-i, Sigma_-i), let P_-i = "
        "Sigma_-i^{-1}/tau_i + H_-i,-i be positive definite. Then the best response among all "
        "distributions is N(m_i, Sigma_i) with Sigma_i = -epsilon_i H_ii^{-1}, whatever the others "
        "do, and m_i = (-H_ii + H_i,-i P_-i^{-1} H_i,-i^T)^{-1} (h_i + H_i,-i P_-i^{-1} "
        "(Sigma_-i^{-1} m_-i / tau_i - h_-i)). A mean that is d away loses d^T K d / 2 with K = "
        "-H_ii + H_i,-i P_-i^{-1} H_i,-i^T. Where P_-i is not positive definite the risk is "
        "infinite."
    ),
    verdict="holds",
    derive=derive,
    check=check,
)
