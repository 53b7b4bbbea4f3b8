"""What the statements about Markov games share: one player's seat written out, random instances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.regularizer import LogBarrier, NegEntropy
from ...core.risk import Entropic, ReverseKL
from ...model._checks import FloatArray
from ...model.agent import Agent
from ...model.markov import MarkovGame
from .learning_game import random_point

DISCOUNTS = (0.0, 0.5, 0.9, 0.99)
SHAPES = ((2, 2), (3, 2), (2, 3), (2, 2, 2), (3, 2, 2))


@dataclass(frozen=True)
class Seat:
    """One player's side of a discounted game; arrays may be complex, for derivatives by a step.

    ``x`` (S, n) is its policy, ``p`` (S, m) its adversary's, over the others' joint actions, and
    ``q`` (S, m) the anchor of the penalty: what the others really play.
    """

    agent: Agent
    rewards: FloatArray
    """(S, n, m)."""
    onward: FloatArray
    """Probabilities of the next state, (S, n, m, S)."""
    discount: float
    first: FloatArray
    """Distribution of the first state, (S,)."""

    def chain(self, x: Any, p: Any) -> Any:
        """Probabilities of moving from state to state, (S, S)."""
        return np.einsum("sa,sb,sabt->st", x, p, self.onward)

    def income(self, x: Any, p: Any, q: Any) -> Any:
        """What a step pays in each state, penalty and regulariser included, (S,)."""
        reward = np.einsum("sa,sb,sab->s", x, p, self.rewards)
        return reward + belief_cost(self.agent.risk, p, q) - choice_cost(self.agent.regularizer, x)

    def values(self, x: Any, p: Any, q: Any) -> Any:
        """``V``: discounted sums of income from each state on, (S,), by one linear system."""
        system = np.eye(self.first.size) - self.discount * self.chain(x, p)
        return np.linalg.solve(system, self.income(x, p, q))

    def worth(self, x: Any, p: Any, q: Any) -> Any:
        """``V(rho)``: the expectation over the first state."""
        return self.first @ self.values(x, p, q)

    def visits(self, x: Any, p: Any) -> Any:
        """``d``: discounted share of time in each state, (S,), which sums to one."""
        system = np.eye(self.first.size) - self.discount * self.chain(x, p)
        return (1.0 - self.discount) * np.linalg.solve(system.T, self.first)

    def stage(self, ahead: Any) -> Any:
        """``Q`` (S, n, m): rewards plus discounted values (S,) of the next states."""
        return self.rewards + self.discount * self.onward @ ahead

    def summed(self, x: FloatArray, p: FloatArray, q: FloatArray) -> tuple[float, FloatArray]:
        """``V(rho)`` and ``d`` again, step by step until what is left is below 1e-16."""
        chain, income, now = self.chain(x, p), self.income(x, p, q), self.first
        total, visits, weight = 0.0, np.zeros(now.size), 1.0
        while weight > 1e-16 * (1.0 - self.discount):
            total += weight * float(now @ income)
            visits = visits + weight * now
            now, weight = now @ chain, weight * self.discount
        return total, (1.0 - self.discount) * visits


def choice_cost(rule: Any, x: Any) -> Any:
    """``epsilon nu(x)`` of an entropy or a log-barrier, (..., n) to (...)."""
    if isinstance(rule, NegEntropy):
        return rule.epsilon * np.sum(x * np.log(x), axis=-1)
    return -rule.epsilon * np.sum(np.log(x), axis=-1)


def belief_cost(risk: Any, p: Any, q: Any) -> Any:
    """``D(p, q)/tau`` of entropic or reverse KL risk, (..., m) to (...)."""
    if isinstance(risk, Entropic):
        return np.sum(p * np.log(p / q), axis=-1) / risk.tau
    return np.sum(q * np.log(q / p), axis=-1) / risk.tau


@dataclass(frozen=True)
class Scene:
    """A discounted game with agents, policies, beliefs of everybody, and a player to look at."""

    game: MarkovGame
    agents: tuple[Agent, ...]
    policies: tuple[FloatArray, ...]
    """Of each player, (S, n_i)."""
    beliefs: tuple[FloatArray, ...]
    """Of each player's adversary, (S, m_i)."""
    player: int

    @property
    def seat(self) -> Seat:
        """The player's."""
        return seat(self.game, self.agents, self.player)

    @property
    def own(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The player's policy, its adversary's, and what the others play."""
        anchor = joint_play(self.policies, self.player)
        return self.policies[self.player], self.beliefs[self.player], anchor

    @property
    def logs(self) -> list[FloatArray]:
        """Everyone's log-policies."""
        return [np.log(x) for x in self.policies]


def seat(game: MarkovGame, agents: Sequence[Agent], player: int) -> Seat:
    """One player's side of a discounted game; first states are even where it names none."""
    count, shape = game.n_states, game.shape
    dense = game.transitions.toarray().reshape(count, *shape, count)
    onward = np.moveaxis(dense, 1 + player, 1).reshape(count, shape[player], -1, count)
    first = np.full(count, 1.0 / count) if game.initial is None else game.initial
    rewards, discount = game.own_rewards[player], game.discount
    assert discount is not None
    return Seat(agents[player], rewards, onward, discount, first)


def joint_play(policies: Sequence[Any], player: int) -> Any:
    """Product of the others' policies, (S, m), the last player's action varying fastest."""
    out = np.ones((policies[0].shape[0], 1))
    for j, x in enumerate(policies):
        if j != player:
            out = (out[:, :, None] * x[:, None, :]).reshape(out.shape[0], -1)
    return out


def point(game: MarkovGame, rng: np.random.Generator) -> tuple[tuple[FloatArray, ...], ...]:
    """Random policies and beliefs in every state, from nearly even to nearly certain."""
    states = [random_point(game.shape, rng) for _ in range(game.n_states)]
    return tuple(
        tuple(np.array([s[part][i] for s in states]) for i in range(game.n_players))
        for part in (0, 1)
    )


def random_game(rng: np.random.Generator, discount: float) -> MarkovGame:
    """2 to 5 states, 2 or 3 players, payoffs of unit range, every next state possible."""
    shape = SHAPES[rng.integers(len(SHAPES))]
    count = int(rng.integers(2, 6))
    rewards = rng.random((count, len(shape), *shape))
    transitions = rng.dirichlet(np.full(count, 0.5), size=(count, *shape))
    first = rng.dirichlet(np.ones(count))
    return MarkovGame(rewards, transitions, discount=discount, initial=first)


def scenes(
    draws: int, seed: int, discounts: Sequence[float] = DISCOUNTS
) -> Iterator[tuple[Scene, np.random.Generator]]:
    """Random scenes, discounts in turn, each with the generator for more draws.

    Entropic or reverse KL risk, an entropy or a log-barrier, degrees over two magnitudes.
    """
    rng = np.random.default_rng(seed)
    for k in range(draws):
        game = random_game(rng, discounts[k % len(discounts)])
        agents = []
        for _ in game.shape:
            tau, epsilon = 10.0 ** rng.uniform(-1.0, 1.0), 10.0 ** rng.uniform(-1.3, 0.5)
            measure = (Entropic, ReverseKL)[rng.integers(2)](float(tau))
            agents.append(Agent(measure, (NegEntropy, LogBarrier)[rng.integers(2)](float(epsilon))))
        policies, beliefs = point(game, rng)
        yield Scene(game, tuple(agents), policies, beliefs, int(rng.integers(game.n_players))), rng


def softmax_rows(z: Any) -> Any:
    """Softmax of each row of logits, which may be complex."""
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def by_complex_step(worth: Callable[[Any], Any], policy: FloatArray) -> FloatArray:
    """Derivative of ``worth`` (of a policy) by each of the policy's logits: no cancellation."""
    logits = np.log(policy).astype(np.complex128)
    out = np.empty(policy.shape)
    for index in np.ndindex(policy.shape):
        moved = logits.copy()
        moved[index] += 1e-30j
        out[index] = worth(softmax_rows(moved)).imag / 1e-30
    return out


def relative(found: Any, true: Any) -> float:
    """Largest error by the largest size."""
    return float(np.max(np.abs(found - true)) / np.max(np.abs(true)))
