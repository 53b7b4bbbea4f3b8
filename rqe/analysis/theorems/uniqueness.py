"""An aggregative game has exactly one RQE of finite risk, with equal players or without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from ...model.quadratic import AggregativeGame, QuadraticGame
from ...result.table import Table
from ...solvers import solve_rqe
from ..aggregative import closed_form
from ._finite import collect, table
from ._gaussian import Instance, aggregative_games
from .gaussian_equilibrium import system_of
from .statement import Statement

EQUAL = {
    "equal players: difference of their means, in proportion": 1e-11,
    "equal players: mean less eta a/(rho (1 - q) + N eta), in proportion": 1e-11,
}
ANY = {
    "determinant of the system over its formula, less 1": 1e-8,
    "less the least eigenvalue of diag(c) + eta 1 1^T, per least c": -1.0 + 1e-9,
}


def derive() -> dict[str, Any]:
    """Every RQE is Gaussian; the potential and its Hessian; the determinant, 2 to 4 players."""
    import sympy as sp

    out = _gaussian()
    eta = sp.Symbol("eta", positive=True)
    for n in (2, 3, 4):
        rho, room = (sp.symbols(f"{k}1:{n + 1}", positive=True) for k in ("rho", "d"))
        m, aim = sp.symbols(f"m1:{n + 1}", real=True), sp.Symbol("a", real=True)
        # room is 1 - q, and an effective cost c is rho (1 - q)
        cost = [r * d for r, d in zip(rho, room, strict=True)]
        miss = eta * (sum(m) - aim) ** 2 / 2
        potential = -miss - sum(c * x**2 for c, x in zip(cost, m, strict=True)) / 2
        matrix = sp.diag(*cost) + eta * sp.ones(n, n)
        for i in range(n):
            value = -miss / room[i] - rho[i] * m[i] ** 2 / 2
            gap = sp.diff(room[i] * value - potential, m[i])
            out[f"the surrogate has a potential, {n} players, {i}"] = gap
        hessian = sp.hessian(potential, m) + matrix
        out[f"its Hessian is -diag(c) - eta 1 1^T, {n} players"] = sum(x**2 for x in hessian)
        loads = sum(eta / c for c in cost)
        out[f"determinant, {n} players"] = matrix.det() - sp.prod(cost) * (1 + loads)
        free = sp.prod(cost[1:]) * eta
        out[f"determinant where one rho is 0, {n} players"] = matrix.det().subs(rho[0], 0) - free
        both = matrix.det().subs({rho[0]: 0, rho[1]: 0})
        out[f"determinant where two rho are 0, {n} players"] = both
    return out


def _gaussian() -> dict[str, Any]:
    """Against ANY belief the payoff is quadratic in the own action, with the same curvature."""
    import sympy as sp

    A, B, C, g, low, a = sp.symbols("A B C g l a", real=True)
    p, b = sp.symbols("p1:4", positive=True), sp.symbols("b1:4", real=True)
    feared = sum(
        q * (A * a**2 / 2 + B * a * x + C * x**2 / 2 + g * a + low * x)
        for q, x in zip(p, b, strict=True)
    )
    return {"any belief leaves the own curvature": sp.diff(feared, a, 2) - A * sum(p)}


def check(draws: int, seed: int) -> Table:
    """Equal players' means, and for all the determinant and the potential's curvature."""
    rows = [
        *collect(_equal(draws, seed), EQUAL),
        *collect(_any(aggregative_games(draws, seed), printed=False), ANY),
    ]
    return table("uniqueness in aggregative games", rows)


def equal_games(draws: int, seed: int) -> Iterator[Instance]:
    """Aggregative games of equal players, with a common ``tau`` and ``epsilon`` in the domain."""
    rng = np.random.default_rng(seed)
    for game, _, epsilon in aggregative_games(draws, seed):
        n, k = game.n_players, int(rng.integers(game.n_players))
        same = AggregativeGame(game.H, game.target, [game.rho[k]] * n)
        common = np.full(n, epsilon[k])
        limit = closed_form(same, 0.0, common).max_tau
        yield same, rng.uniform(0.02, 0.9) * limit, common


def _equal(draws: int, seed: int) -> Iterator[dict[str, float]]:
    names = list(EQUAL)
    for game, tau, epsilon in equal_games(draws, seed):
        means = np.array(solve_rqe(game, tau, epsilon).means)
        n, rho = game.n_players, game.rho[0]
        eta, basis = np.linalg.eigh(game.H)
        q = tau[0] * epsilon[0] * (n - 1) * eta / (eta + rho)
        mean = basis @ (eta * (basis.T @ game.target) / (rho * (1.0 - q) + n * eta))
        size = float(np.max(np.abs(mean)))
        gaps = float(np.max(np.ptp(means, axis=0))), float(np.max(np.abs(means - mean)))
        yield dict(zip(names, (gap / size for gap in gaps), strict=True))


def _any(games: Iterator[Instance], *, printed: bool) -> Iterator[dict[str, float]]:
    names = list(ANY)
    for game, tau, epsilon in games:
        found = closed_form(game, tau, epsilon)
        system = system_of(game, tau, epsilon, printed=printed)[0]
        expected, least = 1.0, np.inf
        for k, eta in enumerate(found.eigenvalues):
            cost = game.rho * found.margins[:, k]
            expected *= np.prod(cost / (eta + cost)) * (1.0 + np.sum(eta / cost))
            bend = np.linalg.eigvalsh(np.diag(cost) + eta)
            least = min(least, float(bend[0] / np.min(cost)))
        ratio = float(np.linalg.det(system)) / expected
        yield dict(zip(names, (abs(ratio - 1.0), -least), strict=True))


def with_printed_blocks(draws: int, seed: int) -> Table:
    """The same check of the system with block-diagonal ``H_-i,-i``, three and more players."""
    games = (g for g in aggregative_games(draws, seed) if g[0].n_players > 2)
    return table("determinants with the printed blocks", collect(_any(games, printed=True), ANY))


def continuum() -> tuple[QuadraticGame, FloatArray, FloatArray]:
    """Two equal players outside the aggregative class, and a ``tau``: RQE at every common mean.

    ``u_i = -a_i²/2 + 2 a_i a_j`` with ``tau = 1/4``, ``epsilon = 1``: others play with variance 1,
    so ``P = 4``, and the best response to a mean is that mean.
    """
    game = QuadraticGame([[[-1.0, 2.0], [2.0, 0.0]], [[0.0, 2.0], [2.0, -1.0]]])
    return game, np.full(2, 0.25), np.ones(2)


STATEMENT = Statement(
    name="uniqueness",
    source="SRA appendix (uniqueness in the symmetric case), for Thm 4.1",
    says=(
        "An aggregative game of equal players has, in the domain of finite risk, exactly one RQE, "
        "and in it all play alike. More than that: with any tau_i, epsilon_i and rho_i of which at "
        "most one is 0 there is exactly one RQE among all profiles of finite risk. For a best "
        "response to any play at all is Gaussian with covariance -epsilon_i H_ii^{-1}, and in each "
        "eigendirection of H the game of means has the strictly concave potential -eta (M - a)²/2 "
        "- sum_i c_i m_i²/2, c_i = rho_i (1 - q_i): its determinant is prod(c) (1 + sum(eta/c))."
    ),
    verdict="holds",
    derive=derive,
    check=check,
    counterexample=(
        "outside the aggregative class the means' system may be singular: u_i = -a_i²/2 + 2 a_i "
        "a_j, tau = 1/4, epsilon = 1 has an RQE at every m_1 = m_2. So has an aggregative game of "
        "which two players have rho = 0, at every split of the effort"
    ),
)
