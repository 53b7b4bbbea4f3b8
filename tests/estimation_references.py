"""Independent likelihoods: equilibria of 2 x 2 games by two scalar equations, optima by scipy."""

import numpy as np
from scipy.optimize import brentq

import games
import rqe
from rqe.analysis.estimation import Observation


def sigmoid(z):
    """Probability of given log-odds."""
    return 1.0 / (1.0 + np.exp(-z))


def answer(payoff, other, tau, epsilon):
    """Log-odds of the first action that are an RQE's answer to the other's probability."""
    far = float(np.abs(payoff[0] - payoff[1]).max()) / epsilon + 1.0

    def gap(z):
        x = sigmoid(z)
        u = x * payoff[0] + (1.0 - x) * payoff[1]
        p = np.array([other, 1.0 - other]) * np.exp(-tau * (u - u.min()))
        return z - float((payoff[0] - payoff[1]) @ p) / p.sum() / epsilon

    return brentq(gap, -far, far, xtol=1e-14, rtol=1e-14)


def play_of(game, tau, epsilon):
    """First-action probabilities of a 2 x 2 game with one equilibrium."""
    row, column = game.own_payoffs
    far = float(np.abs(column[0] - column[1]).max()) / epsilon + 1.0

    def gap(z):
        return answer(column, sigmoid(answer(row, sigmoid(z), tau, epsilon)), tau, epsilon) - z

    z = brentq(gap, -far, far, xtol=1e-14, rtol=1e-14)
    return sigmoid(answer(row, sigmoid(z), tau, epsilon)), sigmoid(z)


def log_likelihood(data, tau, epsilon):
    """Of all choices, every player having the same degrees."""
    total = 0.0
    for o in data:
        for seen, x in zip(o.totals, play_of(o.game, tau, epsilon), strict=True):
            total += seen[0] * np.log(x) + seen[1] * np.log1p(-x)
    return total


def selten_chmura(*numbers):
    """Observations of the numbered games."""
    return [
        Observation(games.selten_chmura(k), games.selten_chmura_play(k).counts) for k in numbers
    ]


def expected(game, tau, epsilon, choices=1000.0, groups=1):
    """What a game's principal RQE is expected to show."""
    eq = rqe.solve_rqe(game, tau, epsilon)
    return Observation(game, [np.tile(choices / groups * x, (groups, 1)) for x in eq])


def random_game(shape, seed):
    """Payoffs uniform on [0, 10]."""
    return rqe.NormalFormGame(10.0 * np.random.default_rng(seed).random((len(shape), *shape)))


def all_slopes(function, values, step=1e-6):
    """Central differences, one column a parameter."""
    columns = []
    for k, value in enumerate(values):
        ends = []
        for sign in (-1.0, 1.0):
            moved = np.array(values, dtype=float)
            moved[k] += sign * step * value
            ends.append(np.asarray(function(moved)))
        columns.append((ends[1] - ends[0]) / (2.0 * step * value))
    return np.stack(columns, axis=-1)
