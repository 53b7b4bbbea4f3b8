"""The trainer: rollouts of every phase, then learning, update after update, all in one program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .arrays import Array, Key, Tree
from .config import Config
from .learn import learn, make_optimizer
from .networks import network
from .policies import Policies
from .rollout import Players, Rollout, Seats, play
from .samples import Learner


class State(NamedTuple):
    """Everything that a run needs to go on: saved, it continues to the same bits."""

    learners: tuple[Learner, ...]
    envs: tuple[Tree, ...]
    """Observations and states by phase."""
    key: Key
    update: Array
    """Updates so far."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Trained:
    """What training leaves: the policies by seat, and how it went.

    Parameters
    ----------
    policies : Policies
    metrics : dict of array
        Each with leading axes of updates, then phases: ``reward`` (agents; mean a step),
        ``regularizer`` (by learner and seat; mean over steps), ``value_error`` (by learner) and
        ``rows`` (distinct observations).
    """

    policies: Policies
    metrics: dict[str, Array]


class Trainer:
    """A run in steps: `begin` it, `advance` it by updates, take its `policies`.

    Parameters
    ----------
    config : Config
    """

    def __init__(self, config: Config) -> None:
        self.config, self.plan, self.seats = config, config.plan, Seats(config.env)
        for first, learner in enumerate(self.plan.copies):
            self._alike(self.plan.homes[first], self.plan.homes[learner], "copies")
        for seat, learner in enumerate(self.plan.play):
            self._alike(seat, self.plan.homes[learner], "a shared policy")
        self._learning: Callable[..., Any] = self._learn
        if jax.default_backend() == "cpu":
            # one run after the other learns faster: work that a branch spares is spared
            self._learning = _one_by_one(self._learn)
        else:
            # side by side, every branch would be run for everyone
            self.config = replace(config, rows=())

    def _alike(self, seat: int, other: int, what: str) -> None:
        seats = self.seats
        sizes = [(seats.n_obs[j], seats.n_actions[j]) for j in (seat, other)]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"env must give {seats.agents[seat]!r} and {seats.agents[other]!r} spaces of the "
                f"same size for {what}; got {sizes[0]} and {sizes[1]} (observations, actions)"
            )

    def begin(self, key: Key, policies: Policies | None = None) -> State:
        """Learners and environments at the start of a run.

        Parameters
        ----------
        key : key
        policies : Policies, optional
            One run's, to go on from in place of random ones; every learner takes its seat's.
        """
        nets, worlds, key = jax.random.split(key, 3)
        actors, critics = [], []
        hidden = self.config.hidden
        for k, seat in enumerate(self.plan.homes):
            n_obs, n_actions = self.seats.n_obs[seat], self.seats.n_actions[seat]
            out = n_actions * self.seats.others(seat) if self.plan.joint else 1
            a, c = jax.random.split(jax.random.fold_in(nets, k))
            actors.append(network(a, (n_obs, *hidden, n_actions)))
            critics.append(network(c, (n_obs, *hidden, out)))
        copies = self.plan.copies or range(len(actors))
        actors = [actors[k] for k in copies]
        if policies is not None:
            actors = [policies.params[seat] for seat in self.plan.homes]
        optimizer = make_optimizer(self.config)
        learners = tuple(
            Learner(a, c, optimizer.init((a, c))) for a, c in zip(actors, critics, strict=True)
        )
        envs = tuple(self._fresh(jax.random.fold_in(worlds, p.salt)) for p in self.plan.phases)
        return State(learners, envs, key, jnp.zeros((), jnp.int32))

    def _fresh(self, key: Key) -> Tree:
        return self.seats.begin(jax.random.split(key, self.config.n_envs))

    def step(self, state: State) -> tuple[State, dict[str, Array]]:
        """One update: every phase rolls out, then learns; all from the same policies."""
        config, phases = self.config, self.plan.phases
        key, k_play, k_reset, k_learn = jax.random.split(state.key, 4)
        actors = tuple(k.actor for k in state.learners)
        critics = tuple(k.critic for k in state.learners)
        rollouts = []
        progress = state.update / config.updates
        plan = self.plan.at(progress)
        for phase, envs in zip(phases, state.envs, strict=True):
            start = self._fresh(jax.random.fold_in(k_reset, phase.salt)) if config.reset else envs
            k = jax.random.fold_in(k_play, phase.salt)
            k_cast, k_pool, k_steps = jax.random.split(k, 3)
            players = Players(
                self.seats, plan, phase, actors, critics, config.n_envs, k_cast, k_pool
            )
            rollouts.append(play(players, start, k_steps, config.n_steps))
        envs = state.envs if config.reset else tuple(r.envs for r in rollouts)
        learned, facts = self._learning(
            state.learners, tuple(r._replace(envs=()) for r in rollouts), progress, k_learn
        )
        return State(learned, envs, key, state.update + 1), facts

    def _learn(
        self,
        learners: tuple[Learner, ...],
        rollouts: tuple[Rollout, ...],
        progress: Array,
        key: Key,
    ) -> tuple[tuple[Learner, ...], dict[str, Array]]:
        changed: dict[int, Learner] = {}
        facts = []
        for phase, rollout in zip(self.plan.phases, rollouts, strict=True):
            found, fact = learn(
                self.config, self.seats, self.plan, phase, learners, rollout, progress,
                jax.random.fold_in(key, phase.salt),
            )  # fmt: skip
            changed |= found
            facts.append(fact)
        after = tuple(changed.get(k, learner) for k, learner in enumerate(learners))
        return after, jax.tree.map(lambda *a: jnp.stack(a), *facts)

    def advance(self, state: State, updates: int) -> tuple[State, dict[str, Array]]:
        """So many updates, and their metrics."""
        found: tuple[State, dict[str, Array]] = jax.lax.scan(
            lambda s, _: self.step(s), state, None, length=updates
        )
        return found

    def policies(self, state: State) -> Policies:
        """The policies that play, by seat."""
        return Policies(tuple(state.learners[k].actor for k in self.plan.play))


def make_train(config: Config) -> Callable[..., Trained]:
    """A whole training run as one pure function of a key.

    Parameters
    ----------
    config : Config

    Returns
    -------
    function (key, policies=None) -> Trained
        From random policies, or from given ones (one run's). To be jitted, and mapped over keys:
        ``jax.jit(jax.vmap(train))(keys)``.

    Examples
    --------
    >>> import jax
    >>> import games
    >>> from rqe import train
    >>> env = train.NormalFormEnvironment(games.free_riding())
    >>> config = train.Config(env, train.IPPO(), steps=4096)
    >>> run = jax.jit(jax.vmap(train.make_train(config)))
    >>> found = run(jax.random.split(jax.random.key(0), 2))
    >>> len(found.policies), found.metrics["reward"].shape
    (2, (2, 4, 1, 2))
    """
    trainer = Trainer(config)

    def train(key: Key, policies: Policies | None = None) -> Trained:
        state, metrics = trainer.advance(trainer.begin(key, policies), config.updates)
        return Trained(trainer.policies(state), metrics)

    return train


def _one_by_one(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which under `jax.vmap` runs once for each entry, one after the other."""
    wrapped: Any = jax.custom_batching.custom_vmap(function)

    def rule(size: int, batched: Any, *args: Any) -> tuple[Any, Any]:
        def spread(is_batched: bool, leaf: Array) -> Array:
            return leaf if is_batched else jnp.broadcast_to(leaf, (size, *leaf.shape))

        full = jax.tree.map(spread, tuple(batched), args)
        out = jax.lax.map(lambda a: wrapped(*a), full)
        return out, jax.tree.map(lambda _: True, out)

    wrapped.def_vmap(rule)
    alone: Callable[..., Any] = wrapped
    return alone


__all__ = ["State", "Trained", "Trainer", "make_train"]
