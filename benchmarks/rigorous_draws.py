"""Random games for the proofs, and a count of their RQE that knows nothing of proofs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import rqe

TAUS = (0.0, 0.1, 1.0, 5.0, 20.0, 100.0)
EPSILONS = (0.02, 0.05, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Draw:
    """One random game with attitudes in payoff units."""

    game: rqe.NormalFormGame
    tau: np.ndarray
    epsilon: np.ndarray


def small_games(count: int, seed: int) -> Iterator[Draw]:
    """Random 2 x 2 games: uniform, normal and integer payoffs, and coordination games."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        kind = rng.integers(4)
        if kind == 0:
            payoffs = rng.random((2, 2, 2))
        elif kind == 1:
            payoffs = rng.normal(size=(2, 2, 2))
        elif kind == 2:
            payoffs = rng.integers(-2, 3, size=(2, 2, 2)).astype(float)
        else:
            payoffs = 0.3 * rng.random((2, 2, 2)) + np.eye(2)
        game = rqe.NormalFormGame(payoffs)
        span = np.where(game.payoff_ranges > 0.0, game.payoff_ranges, 1.0)
        tau = rng.choice(TAUS, size=2 if rng.random() < 0.5 else 1)
        epsilon = rng.choice(EPSILONS, size=2 if rng.random() < 0.5 else 1)
        yield Draw(game, tau / span, epsilon * span)


def extreme_games(count: int, seed: int) -> Iterator[Draw]:
    """Payoffs × 1e±8, constants, ties, 1 x 2; epsilon/range 1e-2 to 1e4, tau × range to inf."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        kind = rng.integers(4)
        if kind == 0:
            payoffs = rng.normal(size=(2, 2, 2))
        elif kind == 1:
            payoffs = rng.integers(-1, 2, size=(2, 2, 2)).astype(float)
        elif kind == 2:
            payoffs = np.eye(2) * rng.random((2, 1, 1))
        else:
            payoffs = np.ones((2, 2, 2))
        rows, columns = rng.choice(3, p=[0.8, 0.1, 0.1]), rng.choice(3, p=[0.8, 0.1, 0.1])
        payoffs = payoffs[:, : 1 if rows == 1 else 2, : 1 if columns == 1 else 2]
        game = rqe.NormalFormGame(payoffs * rng.choice([1e-8, 1.0, 1e8]))
        span = np.where(game.payoff_ranges > 0.0, game.payoff_ranges, 1.0)
        tau = rng.choice([0.0, 1e-6, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4, np.inf], size=2)
        yield Draw(game, tau / span, 10.0 ** rng.uniform(-2, 4, size=2) * span)


def best_log_odds(own: np.ndarray, t: np.ndarray, tau: float, epsilon: float) -> np.ndarray:
    """Log-odds of a player's reply to the other's log-odds `t`, by bisection on its own condition.

    At log-odds ``s`` the belief's log-odds are ``t - tau (u_0 - u_1)(s)``, and the payoff
    difference under that belief less ``epsilon s`` decreases in ``s``.
    """
    gap = own[0] - own[1]
    low = np.full(t.shape, gap.min() / epsilon - 1.0)
    high = np.full(t.shape, gap.max() / epsilon + 1.0)
    for _ in range(90):
        s = 0.5 * (low + high)
        x = 0.5 * (1.0 + np.tanh(0.5 * s))
        outcomes = (own[0, 0] - own[0, 1]) * x + (own[1, 0] - own[1, 1]) * (1.0 - x)
        belief = 0.5 * (1.0 + np.tanh(0.5 * (t - tau * outcomes)))
        up = gap[1] + (gap[0] - gap[1]) * belief > epsilon * s
        low, high = np.where(up, s, low), np.where(up, high, s)
    return 0.5 * (low + high)


def grid_count(draw: Draw, points: int = 20_001) -> int:
    """Sign changes of ``reply_1(reply_2(s)) - s`` on a grid of log-odds: fixed points, or fewer.

    Knows neither the explicit maps of the proofs nor ball arithmetic; it can miss pairs between two
    points of the grid, and steep replies can cross without a fixed point being resolved.
    """
    first, second = draw.game.own_payoffs
    gap = first[0] - first[1]
    low, high = gap.min() / draw.epsilon[0] - 0.5, gap.max() / draw.epsilon[0] + 0.5
    s = np.linspace(low, high, points)
    t = best_log_odds(second, s, draw.tau[1], draw.epsilon[1])
    excess = best_log_odds(first, t, draw.tau[0], draw.epsilon[0]) - s
    return int(np.count_nonzero((excess[1:] > 0.0) != (excess[:-1] > 0.0)))


def symmetric_games(count: int, seed: int, players: int) -> Iterator[Draw]:
    """Random symmetric two-action games: uniform payoffs by own action and others at the first."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        by_count = rng.random((2, players))
        game = symmetric_game(by_count)
        tau, epsilon = rng.choice(TAUS), rng.choice(EPSILONS)
        yield Draw(game, np.full(players, tau), np.full(players, epsilon))


def symmetric_game(by_count: np.ndarray) -> rqe.NormalFormGame:
    """The game in which ``by_count[a, k]`` is the payoff of ``a`` when k others play action 0."""
    players = by_count.shape[1]
    payoffs = np.empty((players,) + (2,) * players)
    for play in itertools.product((0, 1), repeat=players):
        for i in range(players):
            others = play.count(0) - (play[i] == 0)
            payoffs[(i, *play)] = by_count[play[i], others]
    return rqe.NormalFormGame(payoffs)
