"""The game of means: a deterministic game whose Nash equilibrium is the means of the RQE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from ...model.quadratic import QuadraticGame
from ...result.table import Table
from ...solvers import solve_rqe
from ._finite import ROUNDING, collect, table
from ._gaussian import caution, certain_by_quadrature, quadratic_games, spread_of
from .statement import Statement

SMALL = ((1, 1), (2, 1), (1, 2), (2, 2), (1, 1, 1))
BOUNDS = {
    "payoff differences less those of the risk-adjusted utility by quadrature": 1e-10,
    "Nash equilibrium of the surrogate less the means of the RQE": 1e-9,
    "gain of another action at the means, in the surrogate": ROUNDING,
    "largest eigenvalue of a surrogate's own block, in proportion": -ROUNDING,
}
Make = Callable[[QuadraticGame, FloatArray, FloatArray], QuadraticGame]


def surrogate(game: QuadraticGame, tau: FloatArray, epsilon: FloatArray) -> QuadraticGame:
    """The deterministic game in which players choose means and are paid certainty equivalents.

    Parameters
    ----------
    game : QuadraticGame
    tau, epsilon : array (N,)
        Positive, and admissible.

    Returns
    -------
    QuadraticGame
        With blocks ``A - B P^{-1} B^T``, ``B P^{-1} Sigma^{-1}/tau`` and ``C - C P^{-1} C`` of a
        player's own, cross and others' curvature, and linear parts ``g - B P^{-1} l`` and
        ``l - C P^{-1} l``. Payoffs lack a constant that no choice moves.

    Examples
    --------
    >>> from rqe.model.quadratic import AggregativeGame
    >>> push = AggregativeGame(H=1.0, target=1.0, rho=[1.0, 1.0])
    >>> print(surrogate(push, np.array([1.0, 1.0]), np.array([1.0, 1.0])).quadratic[0])
    [[-3. -2.]
     [-2. -2.]]
    """
    hessians, linear = [], []
    for i, own in enumerate(game.slices):
        p, rest = game.payoff(i), game.others(i)
        risk = np.linalg.inv(caution(p, spread_of(game, epsilon, i), float(tau[i])))
        H, h = np.zeros_like(game.quadratic[i]), np.zeros_like(game.linear[i])
        H[own, own] = p.own - p.cross @ risk @ p.cross.T
        H[own, rest] = p.cross - p.cross @ risk @ p.other
        H[rest, own] = H[own, rest].T
        H[np.ix_(rest, rest)] = p.other - p.other @ risk @ p.other
        h[own] = p.own_linear - p.cross @ risk @ p.other_linear
        h[rest] = p.other_linear - p.other @ risk @ p.other_linear
        hessians.append(0.5 * (H + H.T))
        linear.append(h)
    return QuadraticGame(hessians, linear, game.dims, name=f"surrogate of {game.name}")


def nash(game: QuadraticGame) -> FloatArray:
    """Stacked Nash equilibrium of a deterministic quadratic game: its first-order conditions."""
    rows = [H[own] for H, own in zip(game.quadratic, game.slices, strict=True)]
    right = [h[own] for h, own in zip(game.linear, game.slices, strict=True)]
    return np.asarray(np.linalg.solve(-np.vstack(rows), np.concatenate(right)))


def derive() -> dict[str, Any]:
    """Payoff, blocks, adversaries and first-order conditions, against one and two others."""
    return {**_blocks(1), **_blocks(2), **_two_players()}


def _blocks(m: int) -> dict[str, Any]:
    """One own coordinate against ``m`` of the others'."""
    import sympy as sp

    tau = sp.Symbol("tau", positive=True)
    A, g, own = sp.symbols("A g a", real=True)
    B = sp.Matrix(1, m, sp.symbols(f"B1:{m + 1}", real=True))
    C = sp.Matrix(m, m, lambda j, k: sp.Symbol(f"C{min(j, k)}{max(j, k)}", real=True))
    low, mu, b = (sp.Matrix(sp.symbols(f"{v}1:{m + 1}", real=True)) for v in ("l", "mu", "b"))
    precision = sp.diag(*sp.symbols(f"s1:{m + 1}", positive=True)).inv()
    P = precision / tau + C

    def payoff(other: Any) -> Any:
        mixed = (B * other)[0] * own + (other.T * C * other)[0] / 2 + (low.T * other)[0]
        return A * own**2 / 2 + g * own + mixed

    w = B.T * own + C * mu + low
    value = payoff(mu) - (w.T * P.inv() * w)[0] / 2
    # the adversary: a belief's mean, at a price
    priced = payoff(b) + ((b - mu).T * precision * (b - mu))[0] / (2 * tau)
    feared = P.inv() * (precision * mu / tau - B.T * own - low)
    at = dict(zip(b, feared, strict=True))
    out = {
        f"the adversary's mean is stationary, {m}, {k}": sp.diff(priced, b[k]).subs(at)
        for k in range(m)
    }
    out[f"the adversary leaves the certainty equivalent, {m}"] = priced.subs(at) - value
    cross = B * P.inv() * precision / tau
    out[f"own curvature, {m}"] = sp.diff(value, own, 2) - (A - (B * P.inv() * B.T)[0])
    for k in range(m):
        out[f"cross curvature, {m}, {k}"] = sp.diff(value, own, mu[k]) - cross[k]
        for j in range(k + 1):
            other = (C - C * P.inv() * C)[j, k]
            out[f"others' curvature, {m}, {j}{k}"] = sp.diff(value, mu[j], mu[k]) - other
    origin = dict.fromkeys((own, *mu), 0)
    linear = g - (B * P.inv() * low)[0]
    out[f"own linear part, {m}"] = sp.diff(value, own).subs(origin) - linear
    pull = precision * mu / tau - low
    best = (g + (B * P.inv() * pull)[0]) / (-A + (B * P.inv() * B.T)[0])
    out[f"best action is the lemma's mean, {m}"] = sp.diff(value, own).subs(own, best)
    return out


def _two_players() -> dict[str, Any]:
    """Example 4.1 as a game of means: its Nash equilibrium."""
    import sympy as sp

    s = sp.Symbol("s", positive=True)  # tau epsilon / 2
    a, b = sp.symbols("a b", real=True)
    value = -((a + b - 1) ** 2) / (2 * (1 - s)) - a**2 / 2
    P = 1 / s - 1  # Sigma^{-1}/tau + H_-i,-i
    direct = -((a + b - 1) ** 2) / 2 - a**2 / 2 - (1 - a - b) ** 2 / (2 * P)
    first = sp.diff(value, a)
    mean = 1 / (3 - s)
    return {
        "Example 4.1: missing the target costs 1/(1 - s) times as much": value - direct,
        "Example 4.1: 1/(3 - s) is the Nash equilibrium": first.subs({a: mean, b: mean}),
    }


def check(draws: int, seed: int) -> Table:
    """The surrogate's payoffs against quadrature, and its Nash equilibrium against `solve_rqe`."""
    return table("surrogate game of means", collect(_instances(draws, seed, surrogate), BOUNDS))


def _instances(draws: int, seed: int, make: Make) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng(seed)
    names = list(BOUNDS)
    for game, tau, epsilon in quadratic_games(draws, seed, SMALL):
        means, made = rng.normal(size=sum(game.dims)), make(game, tau, epsilon)
        eq = np.concatenate(solve_rqe(game, tau, epsilon).means)
        found = nash(made)
        for i, own in enumerate(game.slices):
            rest, other = game.others(i), rng.normal(size=len(eq))
            spread, p = spread_of(game, epsilon, i), game.payoff(i)
            worth = [
                certain_by_quadrature(p, m[own], m[rest], spread, float(tau[i]))
                for m in (means, other)
            ]
            paid = [_paid(made, m, i) for m in (means, other)]
            moved = np.where(np.isin(np.arange(len(eq)), rest), found, other)
            gain = _paid(made, moved, i) - _paid(made, found, i)
            scale = abs(worth[0]) + abs(worth[1])
            block = made.quadratic[i][own, own]
            numbers = (
                abs(paid[1] - paid[0] - (worth[1] - worth[0])) / scale,
                float(np.max(np.abs(found - eq)) / np.max(np.abs(eq))),
                gain / scale,
                float(np.linalg.eigvalsh(block)[-1] / np.max(np.abs(made.quadratic[i]))),
            )
            yield dict(zip(names, numbers, strict=True))


def _paid(game: QuadraticGame, stacked: FloatArray, player: int) -> float:
    return float(game.payoffs_at([stacked[own] for own in game.slices])[player])


def other_games(draws: int, seed: int) -> dict[str, Table]:
    """The same check of two deterministic games that are NOT the surrogate.

    The game itself, played with points; and the game with only its own block made cautious, that
    is, with the price of risk but without the shift of the belief.
    """

    def half(game: QuadraticGame, tau: FloatArray, epsilon: FloatArray) -> QuadraticGame:
        made, hessians = surrogate(game, tau, epsilon), []
        for H, right, own in zip(game.quadratic, made.quadratic, game.slices, strict=True):
            changed = H.copy()
            changed[own, own] = right[own, own]
            hessians.append(changed)
        return QuadraticGame(hessians, game.linear, game.dims)

    wrong: dict[str, Make] = {"the game itself": lambda game, *_: game, "own blocks only": half}
    return {
        name: table(name, collect(_instances(draws, seed, make), BOUNDS))
        for name, make in wrong.items()
    }


STATEMENT = Statement(
    name="surrogate_game",
    source="SRA appendix (surrogate game), for Thm 4.1",
    says=(
        "Where every P_-i is positive definite, a profile is an RQE of a game with quadratic "
        "payoffs exactly if Sigma_i = -epsilon_i H_ii^{-1} for all i and the means are a pure Nash "
        "equilibrium of the deterministic game in which i chooses m_i and is paid V_i(m) = u_i(m) "
        "- w_i^T P_-i^{-1} w_i / 2, w_i = H_i,-i^T m_i + H_-i,-i m_-i + h_-i: the certainty "
        "equivalent less a constant. V_i is quadratic, strictly concave in m_i, with own block "
        "H_ii - H_i,-i P_-i^{-1} H_i,-i^T and cross block H_i,-i P_-i^{-1} Sigma_-i^{-1}/tau_i. "
        "V_i is also what an adversary leaves who chooses the believed mean mu of the others and "
        "pays (mu - m_-i)^T Sigma_-i^{-1} (mu - m_-i) / (2 tau_i)."
    ),
    verdict="holds",
    derive=derive,
    check=check,
)
