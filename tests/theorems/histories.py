"""Small discounted games worth by history: every sequence of states and actions, none merged."""

import numpy as np

import rqe

STEPS = 6
DISCOUNT = 0.05  # to the power of STEPS it is 2e-8


def random_game(seed):
    """Two states, two players of two actions, a distribution of first states."""
    rng = np.random.default_rng(seed)
    transitions = rng.dirichlet(np.ones(2), size=(2, 2, 2))
    first = rng.dirichlet(np.ones(2))
    return rqe.MarkovGame(
        rng.random((2, 2, 2, 2)), transitions, discount=DISCOUNT, initial=first
    ), rng


def softmax(logits):
    weights = np.exp(logits)
    return weights / weights.sum(axis=1, keepdims=True)


def worth(game, tau, epsilon, x, p, q):
    """What the first player gets, ``epsilon`` by entropy, the penalty by its log-likelihood ratio.

    Each step of each history pays ``r - epsilon log x(a) + log(p(b)/q(b))/tau``.
    """
    onward = game.transitions.toarray().reshape(2, 2, 2, 2)
    surplus = np.log(p / q)[:, None, :] / tau - epsilon * np.log(x)[:, :, None]
    state, chance, total = np.arange(2), game.initial, 0.0
    for step in range(STEPS):
        acted = chance[:, None, None] * x[state][:, :, None] * p[state][:, None, :]
        total += DISCOUNT**step * np.sum(acted * (game.rewards[state, 0] + surplus[state]))
        chance = (acted[..., None] * onward[state]).ravel()
        state = np.tile([0, 1], acted.size)
    return total
