"""Games and independent answers that the tests of Nash equilibria compare with."""

import itertools

import numpy as np
import pygambit

import rqe


def bimatrix(first, second):
    """A two-player game from nested lists or arrays."""
    return rqe.NormalFormGame([first, second])


def rounded(profiles):
    """A set of profiles, to seven digits."""
    return {tuple(tuple((np.round(x, 7) + 0.0).tolist()) for x in profile) for profile in profiles}


def gambit_extreme(a, b):
    """Gambit's extreme equilibria, in rational arithmetic."""
    game = pygambit.StrategicGame.from_arrays(a, b)
    found = pygambit.nash.enummixed_solve(game, rational=True).equilibria
    return rounded(
        [
            np.array([float(x[str(k + 1)]) for k in range(n)])
            for x, n in zip(eq, a.shape, strict=True)
        ]
        for eq in found
    )


def best_gains(game, strategies):
    """Every player's gain from its best pure deviation, by adding up over all pure profiles."""
    gains = []
    for i, payoff in enumerate(game.payoffs):
        worth = np.zeros(game.shape[i])
        current = 0.0
        for cell in itertools.product(*(range(n) for n in game.shape)):
            others = np.prod([x[cell[j]] for j, x in enumerate(strategies) if j != i])
            worth[cell[i]] += others * payoff[cell]
            current += others * strategies[i][cell[i]] * payoff[cell]
        gains.append(worth.max() - current)
    return np.array(gains)


def draw(rng, kind, m, n):
    """Games with and without ties, duplicates, and payoffs far from unit range."""
    if kind == "smooth":
        return rng.standard_normal((2, m, n))
    if kind == "ties":
        return rng.integers(0, 3, (2, m, n)).astype(float)
    if kind == "scaled":
        return rng.integers(0, 10, (2, m, n)) * 10.0 ** rng.integers(-8, 9)
    games = rng.integers(0, 5, (2, m, n)).astype(float)
    games[:, -1], games[:, :, -1] = games[:, 0], games[:, :, 0]
    return games
