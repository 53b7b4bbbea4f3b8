"""Markov games written out a second time: plain loops and others' solvers, no shared code."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.optimize import linprog, root
from scipy.special import logsumexp


def draw(seed, n_states, shape, *, spread=1.0, whole=False):
    """Random rewards (S, N, n...) and dense transitions (S, n..., S)."""
    rng = np.random.default_rng(seed)
    size = (n_states, len(shape), *shape)
    rewards = rng.integers(0, 5, size).astype(float) if whole else rng.random(size)
    return rewards, rng.dirichlet(np.full(n_states, spread), size=(n_states, *shape))


def joint_play(policies, s, player):
    """Product distribution of the others' joint actions, as a dictionary."""
    others = [j for j in range(len(policies)) if j != player]
    ranges = [range(policies[j].shape[1]) for j in others]
    return {
        b: np.prod([policies[j][s, k] for j, k in zip(others, b, strict=True)])
        for b in itertools.product(*ranges)
    }


def certain(u, q, tau):
    """Entropic certainty equivalent of payoffs under probabilities, written out."""
    u, q = np.asarray(u), np.asarray(q)
    keep = q > 0.0
    u, q = u[keep], q[keep]
    return float(q @ u) if tau == 0.0 else float(-logsumexp(-tau * u, b=q) / tau)


def worth(rewards, transitions, discount, policies, ahead, player, tau, epsilon, tau_env=0.0):
    """One step of a player's risk-adjusted, regularised value under policies, (S,)."""
    out = []
    for s in range(rewards.shape[0]):
        q = joint_play(policies, s, player)
        outcomes = []
        for b in q:
            total = 0.0
            for a, probability in enumerate(policies[player][s]):
                joint = (*b[:player], a, *b[player:])
                later = certain(ahead, transitions[(s, *joint)], tau_env)
                total += probability * (rewards[(s, player, *joint)] + discount * later)
            outcomes.append(total)
        x = policies[player][s]
        entropy = -float(np.sum(x * np.log(x, where=x > 0.0, out=np.zeros_like(x))))
        out.append(certain(outcomes, list(q.values()), tau) + epsilon * entropy)
    return np.array(out)


def evaluate(rewards, transitions, discount, policies, player, tau, epsilon, tau_env=0.0):
    """A player's value of stationary policies by plain value iteration, (S,)."""
    values = np.zeros(rewards.shape[0])
    while True:
        new = worth(rewards, transitions, discount, policies, values, player, tau, epsilon, tau_env)
        if np.abs(new - values).max() <= 1e-13 * (1.0 + np.abs(new).max()):
            return new
        values = new


def stationary_system(rewards, transitions, discount, tau, epsilon):
    """The conditions of a two-player stationary RQE as one residual function of one vector.

    The vector stacks both players' log-odds (against the last action) and values.
    """
    n_states, _, n, m = rewards.shape

    def unpack(vector):
        first, second, values = np.split(vector, [n_states * (n - 1), n_states * (n + m - 2)])
        logits = [first.reshape(n_states, n - 1), second.reshape(n_states, m - 1)]
        padded = [np.hstack([z, np.zeros((n_states, 1))]) for z in logits]
        return [np.exp(z - logsumexp(z, axis=1, keepdims=True)) for z in padded], values.reshape(
            2, n_states
        )

    def residual(vector):
        (x, y), values = unpack(vector)
        gaps = []
        for player, (own, other) in enumerate(((x, y), (y, x))):
            payoff = rewards[:, player] + discount * transitions @ values[player]
            payoff = payoff if player == 0 else payoff.transpose(0, 2, 1)
            outcomes = np.einsum("sa,sab->sb", own, payoff)
            tilt = other * np.exp(-tau * (outcomes - outcomes.min(axis=1, keepdims=True)))
            tilt /= tilt.sum(axis=1, keepdims=True)
            scores = np.einsum("sab,sb->sa", payoff, tilt) / epsilon
            logs = np.log(own)
            wanted = scores[:, :-1] - scores[:, -1:]
            gaps.append((wanted - (logs[:, :-1] - logs[:, -1:])).ravel())
            value = -logsumexp(-tau * outcomes, b=other, axis=1) / tau
            gaps.append(value - epsilon * np.sum(own * logs, axis=1) - values[player])
        return np.concatenate([gaps[0], gaps[2], gaps[1], gaps[3]])

    return residual, unpack


def solve_system(rewards, transitions, discount, tau, epsilon, start):
    """A root of `stationary_system` near policies and values, by SciPy's hybrid method."""
    residual, unpack = stationary_system(rewards, transitions, discount, tau, epsilon)
    (x, y), values = start
    odds = [np.log(p[:, :-1]) - np.log(p[:, -1:]) for p in (x, y)]
    vector = np.concatenate([*(z.ravel() for z in odds), np.ravel(values)])
    found = root(residual, vector, tol=1e-13)
    assert np.abs(residual(found.x)).max() < 1e-9
    return unpack(found.x)


def matrix_value(payoff):
    """Security value of the row player of a matrix, by linear programming."""
    n, m = payoff.shape
    constraints = np.hstack([-payoff.T, np.ones((m, 1))])
    found = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=constraints,
        b_ub=np.zeros(m),
        A_eq=np.append(np.ones(n), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0.0, None)] * n + [(None, None)],
    )
    return -found.fun


def shapley(rewards, transitions, discount):
    """Security values of a player in a two-player game, rewards (S, n, m): Shapley's iteration."""
    values = np.zeros(rewards.shape[0])
    while True:
        stage = rewards + discount * transitions @ values
        new = np.array([matrix_value(payoff) for payoff in stage])
        if np.abs(new - values).max() <= 1e-10:
            return new
        values = new


def soft_values(rewards, transitions, discount, epsilon):
    """Optimal entropy-regularised values of one decision maker, rewards (S, n)."""
    values = np.zeros(rewards.shape[0])
    while True:
        new = epsilon * logsumexp((rewards + discount * transitions @ values) / epsilon, axis=1)
        if np.abs(new - values).max() <= 1e-13 * (1.0 + np.abs(new).max()):
            return new
        values = new
