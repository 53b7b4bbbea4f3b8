"""Risk aversion induces collaboration: the shared reward rises with every player's ``tau``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from ...model.quadratic import QuadraticGame
from ...result.table import Table
from ...solvers import solve_rqe
from ..aggregative import tau_gradient
from . import _collaboration_proof as proof
from ._finite import collect, table
from ._gaussian import aggregative_games
from .gaussian_equilibrium import printed_means
from .statement import Statement

RISE = "J less J at a larger tau_i, in proportion"
BOUNDS = {
    RISE: 0.0,
    "difference quotient of J less dJ/dtau_i, per J / largest tau_i": 1e-6,
    "own payoff at a larger tau_i less own payoff, in proportion": 0.0,
    "another's payoff less that at a larger tau_i, in proportion": 0.0,
}
COMMUTING = f"{RISE}; matrix costs with commuting H^-1 Q_i"
SLOPES = {
    "less dJ/dtau_i, the least of all i": 0.0,
    "the same at the target that is worst for it": 0.0,
    "less the slope of J in a common tau": 0.0,
    "the same at the target that is worst for the common tau": 0.0,
}
Rewards = Callable[[FloatArray], float]


def derive() -> dict[str, Any]:
    """Slopes of reward and payoffs from the closed form, what they say of teams, the proof."""
    return {**proof.slopes(), **proof.team(), **proof.proof()}


def check(draws: int, seed: int) -> Table:
    """Solved games before and after one ``tau_i`` grows: unequal players, vector actions."""
    rows = [
        *collect(_instances(draws, seed), BOUNDS),
        *collect(_commuting(draws, seed), {COMMUTING: 0.0}),
    ]
    return table("risk induces collaboration", rows)


def _instances(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng(seed)
    names = list(BOUNDS)
    for game, tau, epsilon in aggregative_games(draws, seed):
        i = int(rng.integers(game.n_players))
        at = solve_rqe(game, tau, epsilon)
        limit = float(at.max_tau[i])

        def reward(taus: FloatArray, game: Any = game, epsilon: FloatArray = epsilon) -> float:
            return _miss(game.H, game.target, np.array(solve_rqe(game, taus, epsilon).means))

        bolder = _moved(tau, i, rng.uniform(0.1, 0.9) * (limit - tau[i]))
        gains = solve_rqe(game, bolder, epsilon).mean_payoffs - at.mean_payoffs
        here = reward(tau)
        slope = float(tau_gradient(game, tau, epsilon).shared_reward[i])
        numbers = (
            (here - reward(bolder)) / abs(here),
            abs(_quotient(reward, tau, i, 1e-3 * limit) - slope) * limit / abs(here),
            float(gains[i] / np.max(np.abs(at.mean_payoffs))),
            float(-np.min(np.delete(gains, i)) / np.max(np.abs(at.mean_payoffs))),
        )
        yield dict(zip(names, numbers, strict=True))


def _miss(H: FloatArray, target: FloatArray, means: FloatArray) -> float:
    """Shared reward at the means (N, d): what the spread of play costs does not move with tau."""
    miss = np.sum(means, axis=0) - target
    return -0.5 * float(miss @ H @ miss)


def _moved(tau: FloatArray, i: int, step: float) -> FloatArray:
    return np.where(np.arange(len(tau)) == i, tau + step, tau)


def _quotient(value: Rewards, tau: FloatArray, i: int, step: float) -> float:
    """Difference quotient of fourth order."""
    near, far = (value(_moved(tau, i, k * step)) - value(_moved(tau, i, -k * step)) for k in (1, 2))
    return (8.0 * near - far) / (12.0 * step)


def with_matrix_costs(H: FloatArray, costs: Sequence[FloatArray], target: FloatArray) -> Any:
    """The aggregative game with private costs ``a_i^T Q_i a_i / 2``, as a `QuadraticGame`.

    Also what players of unequal levers have: ``R = -|sum_i B_i b_i - a|²_H / 2`` and costs ``rho_i
    |b_i|²/2`` are, for ``a_i = B_i b_i``, a game with ``Q_i = rho_i (B_i B_i^T)^{-1}``.

    Parameters
    ----------
    H : array (d, d)
    costs : sequence of N arrays (d, d)
        Symmetric positive definite.
    target : array (d,)
    """
    n, d = len(costs), len(target)
    hessians = []
    for i, cost in enumerate(costs):
        own = np.zeros((n, n))
        own[i, i] = 1.0
        hessians.append(-np.kron(np.ones((n, n)), H) - np.kron(own, cost))
    return QuadraticGame(hessians, [np.tile(H @ target, n)] * n, [d] * n)


def _definite(rng: np.random.Generator, d: int) -> FloatArray:
    root = rng.normal(size=(d, d))
    return np.asarray(root @ root.T + rng.uniform(0.05, 1.0) * np.eye(d))


def _limits(H: FloatArray, costs: Sequence[FloatArray], epsilon: FloatArray) -> FloatArray:
    """Largest ``tau`` of each player, (N,)."""
    root = np.linalg.cholesky(H)
    tops = [np.linalg.eigvalsh(root.T @ S @ root)[-1] for S in _spreads(H, costs, epsilon)]
    return np.array([1.0 / top for top in tops])


def _spreads(H: FloatArray, costs: Sequence[FloatArray], epsilon: FloatArray) -> list[FloatArray]:
    """Covariance of the sum of the others' actions, for each player."""
    each = [e * np.linalg.inv(H + Q) for e, Q in zip(epsilon, costs, strict=True)]
    return [sum(each) - own for own in each]


def _commuting(draws: int, seed: int) -> Iterator[dict[str, float]]:
    """Costs that one change of coordinates makes diagonal together with ``H``: equal ones, too."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        n, d = int(rng.integers(2, 5)), int(rng.integers(2, 4))
        T = rng.normal(size=(d, d)) + 2.0 * np.eye(d)
        H, target = T.T @ T, rng.normal(size=d)
        costs = [T.T @ np.diag(rng.uniform(0.1, 3.0, size=d)) @ T for _ in range(n)]
        if rng.random() < 0.5:
            costs = [_definite(rng, d)] * n
        epsilon = 10.0 ** rng.uniform(-1.0, 0.5, size=n)
        limit, i = _limits(H, costs, epsilon), int(rng.integers(n))
        tau = rng.uniform(0.02, 0.8, size=n) * limit
        game = with_matrix_costs(H, costs, target)
        bolder = _moved(tau, i, 0.1 * limit[i])
        here, there = (
            _miss(H, target, np.array(solve_rqe(game, t, epsilon).means)) for t in (tau, bolder)
        )
        yield {COMMUTING: (here - there) / abs(here)}


def matrix_slopes(
    H: FloatArray, costs: Sequence[FloatArray], tau: FloatArray, epsilon: FloatArray
) -> tuple[FloatArray, list[FloatArray]]:
    r"""``dJ/dtau_i`` under matrix costs: ``e^T F_i e``, with ``e`` what is left undone.

    With ``S_i`` the covariance of the others' sum and ``W_i = (H^{-1} - tau_i S_i)^{-1}``, players
    do ``m_i = Q_i^{-1} W_i e``, so ``e = K^{-1} target`` for ``K = 1 + sum_j Q_j^{-1} W_j`` and
    ``F_i = H K^{-1} Q_i^{-1} W_i S_i W_i``: of one sign where the factors commute.

    Parameters
    ----------
    H : array (d, d)
    costs : sequence of N arrays (d, d)
        ``Q_i``, symmetric positive definite.
    tau, epsilon : array (N,)
        Admissible.

    Returns
    -------
    tuple
        ``K`` (d, d) and the list of ``F_i`` (d, d).
    """
    spreads = _spreads(H, costs, epsilon)
    W = [np.linalg.inv(np.linalg.inv(H) - t * S) for t, S in zip(tau, spreads, strict=True)]
    efforts = [np.linalg.solve(Q, w) for Q, w in zip(costs, W, strict=True)]
    K = np.eye(len(H)) + sum(efforts)
    forms = [
        H @ np.linalg.solve(K, effort @ S @ w)
        for effort, S, w in zip(efforts, spreads, W, strict=True)
    ]
    return np.asarray(K), forms


def matrix_costs(draws: int, seed: int, *, players: int = 2, share: float = 0.9) -> Table:
    """Outside the proven range: random matrix costs in two dimensions. The violations are a result.

    Parameters
    ----------
    draws, seed : int
    players : int
    share : float
        ``tau_i`` is drawn up to this share of the largest one.

    Returns
    -------
    Table
        With `COLUMNS`. The slopes are in proportion to ``J / (largest tau_i)``. Rows: at a random
        target, some ``dJ/dtau_i < 0``; at some target; then for a ``tau`` common to all.
    """

    def instances() -> Iterator[dict[str, float]]:
        rng = np.random.default_rng(seed)
        for _ in range(draws):
            H, target = _definite(rng, 2), rng.normal(size=2)
            costs = [_definite(rng, 2) for _ in range(players)]
            epsilon = 10.0 ** rng.uniform(-1.0, 0.5, size=players)
            limit = _limits(H, costs, epsilon)
            tau = rng.uniform(0.0, share, size=players) * limit
            K, forms = matrix_slopes(H, costs, tau, epsilon)
            undone = np.linalg.solve(K, target)
            root: FloatArray = np.asarray(np.linalg.cholesky(H))
            reward = 0.5 * float(undone @ H @ undone)
            scaled = [t * F for t, F in zip(limit, forms, strict=True)]
            common = np.asarray(float(np.min(limit)) * sum(forms))
            numbers = (
                -min(float(undone @ F @ undone) for F in scaled) / reward,
                -min(_least(F, root) for F in scaled),
                -float(undone @ common @ undone) / reward,
                -_least(common, root),
            )
            yield dict(zip(SLOPES, numbers, strict=True))

    return table(f"matrix costs, {players} players", collect(instances(), SLOPES))


def _least(form: FloatArray, root: FloatArray) -> float:
    """Least of ``e^T F e / (e^T H e / 2)`` over ``e``, with ``root root^T = H``."""
    half = np.linalg.solve(root, np.linalg.solve(root, form).T)
    return float(np.linalg.eigvalsh(half + half.T)[0])


def printed_blocks(draws: int, seed: int) -> Table:
    """The check's first row with the block-diagonal ``H_-i,-i`` in place of the RQE, ``N >= 3``."""
    rng = np.random.default_rng(seed)

    def instances() -> Iterator[dict[str, float]]:
        for game, tau, epsilon in aggregative_games(draws, seed):
            if game.n_players < 3:
                continue
            i = int(rng.integers(game.n_players))
            limit = solve_rqe(game, tau, epsilon).max_tau[i]
            bolder = _moved(tau, i, 0.5 * (limit - tau[i]))
            here, there = (
                _miss(
                    game.H,
                    game.target,
                    printed_means(game, t, epsilon).reshape(game.n_players, -1),
                )
                for t in (tau, bolder)
            )
            yield {RISE: (here - there) / abs(here)}

    return table("block-diagonal, three and more players", collect(instances(), {RISE: 0.0}))


def counterexample() -> tuple[FloatArray, list[FloatArray], FloatArray]:
    """``H``, ``Q_1`` and ``Q_2``, and a target: at ``tau = 0``, ``epsilon = 1``, J falls in tau_2.

    ``H`` is the identity, with which every cost commutes; the costs do not commute with each other.
    """
    costs = [np.array([[5.0, -2.0], [-2.0, 1.0]]), np.array([[3.0, -2.0], [-2.0, 2.0]])]
    return np.eye(2), costs, np.array([0.0, 1.0])


STATEMENT = Statement(
    name="collaboration",
    source="SRA Theorem 4.1",
    says=(
        "In an aggregative game, R = -|sum_i a_i - a|²_H / 2 and costs rho_i |a_i|²/2, any number "
        "of players, vector actions, unequal tau_i, epsilon_i, rho_i > 0: on the domain q_i < 1, J "
        "= E[R] at the RQE rises with every tau_i, strictly where a != 0 and another player has "
        "epsilon > 0. In each eigendirection dJ/dtau_i = eta a² s_0² r_i s_i, s_0 = 1/(1 + G) the "
        "share left undone, s_i = g_i s_0, r_i = q_i/(tau_i (1 - q_i)). Every other's payoff rises "
        "and the player's own falls; their sum is largest at q_i = 1 - 1/N, R less all costs "
        "at tau = 0. The same holds for costs a_i^T Q_i a_i / 2 if the H^-1 Q_i commute pairwise, "
        "as for equal players with any Q."
    ),
    verdict="holds with a correction",
    derive=derive,
    check=check,
    correction=(
        "for N >= 3 with H_-i,-i whole and the domain q_i < 1; in the proof the off-diagonal "
        "blocks of the block inverse carry minus signs, and the second entry of the right-hand "
        "side P_21"
    ),
    counterexample=(
        "matrix costs: H = 1, Q_1 = [[5, -2], [-2, 1]], Q_2 = [[3, -2], [-2, 2]], a = (0, 1), tau "
        "= 0, epsilon = 1: dJ/dtau_2 = -2/729. Block-diagonal H_-i,-i: three equal players, H = "
        "rho = a = epsilon = 1, means (1 + tau/2)/4, so that J falls from 0 at tau = 2/3 to "
        "-1/200 at tau = 14/15"
    ),
)
