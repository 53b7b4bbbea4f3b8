"""Play: environments in lockstep, with whoever the phase puts in the seats."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from . import networks
from .ahead import ahead
from .algorithms import POOL, TILTED, Phase, Plan
from .arrays import Array, Key, Tree
from .beliefs import tilt
from .env import masked


class Rollout(NamedTuple):
    """Steps of all environments of a phase; T steps, E environments, N seats."""

    obs: tuple[Array, ...]
    """By seat: (T + 1, E, n_obs), the last one after the last step."""
    masks: tuple[Array | None, ...]
    """By seat: (T + 1, E, n) of bool, or None where everything is allowed."""
    actions: Array
    """(T, E, N)."""
    rewards: Array
    """(T, E, N), each agent's own."""
    dones: Array
    """(T, E), 1 where an episode ended."""
    cast: Array
    """(E,), the row of the phase's casts."""
    envs: Tree
    """States of the environments after the last step, with their observations."""


class Seats:
    """Sizes of an environment's seats, and its dictionaries as tuples by seat.

    Parameters
    ----------
    env : Environment

    Raises
    ------
    ValueError
        An action space that is not discrete.
    """

    def __init__(self, env: Any) -> None:
        self.env = env
        self.agents = tuple(env.agents)
        self.n = len(self.agents)
        for agent in self.agents:
            if not hasattr(env.action_space(agent), "n"):
                raise ValueError(
                    f"env must have discrete action spaces; that of {agent!r} is "
                    f"{env.action_space(agent)!r}"
                )
        self.n_actions = tuple(int(env.action_space(a).n) for a in self.agents)
        # from the observations themselves: some environments' spaces say other shapes
        obs = jax.eval_shape(env.reset, jax.random.key(0))[0]
        self.n_obs = tuple(max(1, prod(obs[a].shape)) for a in self.agents)
        self.masked = masked(env)

    def others(self, seat: int) -> int:
        """Number of joint actions of all other seats."""
        return prod(n for j, n in enumerate(self.n_actions) if j != seat)

    def begin(self, keys: Key) -> Tree:
        """Fresh environments: their observations and states."""
        return jax.vmap(self.env.reset)(keys)

    def step(self, key: Key, state: Tree, chosen: list[Array]) -> tuple[Any, Tree, Array, Array]:
        """Observations, state, rewards (N,) and whether the episode ended, of one environment."""
        actions = dict(zip(self.agents, chosen, strict=True))
        obs, state, rewards, dones, _ = self.env.step(key, state, actions)
        paid = jnp.stack([jnp.asarray(rewards[a], jnp.float32) for a in self.agents], axis=-1)
        return obs, state, paid, jnp.asarray(dones["__all__"], jnp.float32)

    def observe(self, obs: dict[str, Array]) -> tuple[Array, ...]:
        """Observations as float32 rows (E, n_obs) by seat."""
        rows = [jnp.asarray(obs[a], jnp.float32) for a in self.agents]
        return tuple(r.reshape(r.shape[0], -1) for r in rows)

    def masks(self, state: Tree) -> tuple[Array | None, ...]:
        """Masks (E, n) by seat, or None."""
        if not self.masked:
            return (None,) * self.n
        legal = jax.vmap(self.env.get_avail_actions)(state)
        return tuple(jnp.asarray(legal[a], bool) for a in self.agents)


class Players:
    """Who sits where in each of E environments, and what they do.

    Parameters
    ----------
    seats : Seats
    plan, phase : Plan and one of its phases
    actors, critics : tuple of networks
        Of all learners; critics are for worst-case beliefs alone.
    count : int
        E.
    cast_key, pool_key : key
        For the casts, and for members of the pool.
    """

    def __init__(
        self,
        seats: Seats,
        plan: Plan,
        phase: Phase,
        actors: tuple[Tree, ...],
        critics: tuple[Tree, ...],
        count: int,
        cast_key: Key,
        pool_key: Key,
    ) -> None:
        self.seats, self.plan, self.actors, self.critics = seats, plan, actors, critics
        self.columns = tuple(zip(*phase.casts, strict=True))
        """Learners by seat, then by cast."""
        self.cast = jax.random.randint(cast_key, (count,), 0, len(phase.casts))
        self.members: Any = None
        if any(POOL in row for row in phase.casts):
            which = jax.random.randint(pool_key, (count,), 0, len(plan.pool))
            self.members = jax.tree.map(lambda a: a[which], plan.pool.params)

        self.tilted = tuple(j for j, column in enumerate(self.columns) if TILTED in column)
        """Seats of the worst-case belief."""

    def luck(self, key: Key) -> list[Array]:
        """What `act` leaves to chance: standard Gumbel noise (E, n) by seat, then the belief's.

        Drawn for all steps at once: in the loop over steps, random numbers took most of the time.
        """
        sizes = [1 if j in self.tilted else n for j, n in enumerate(self.seats.n_actions)]
        sizes.append(prod(self.seats.n_actions[j] for j in self.tilted))
        count = self.cast.shape[0]
        return [
            jax.random.gumbel(jax.random.fold_in(key, j), (count, n)) for j, n in enumerate(sizes)
        ]

    def act(
        self, obs: tuple[Array, ...], masks: tuple[Array | None, ...], luck: list[Array]
    ) -> list[Array]:
        """Actions (E,) by seat."""
        logs = [self._log_policy(j, obs[j], masks[j]) for j in range(self.seats.n)]
        chosen: list[Array] = [
            None if log is None else jnp.argmax(log + noise, axis=-1)
            for log, noise in zip(logs, luck, strict=False)
        ]
        if self.tilted:
            own = next(j for j, log in enumerate(logs) if log is not None)
            worst = tilt(self.plan, own, self.actors, self.critics, obs, masks)
            joint = jnp.argmax(worst.log_belief + luck[-1], axis=-1)
            sizes = [self.seats.n_actions[j] for j in self.tilted]
            for j, part in zip(self.tilted, jnp.unravel_index(joint, sizes), strict=True):
                chosen[j] = part
        return chosen

    def _log_policy(self, seat: int, obs: Array, mask: Array | None) -> Any:
        """Log-probabilities (E, n) of a seat's actions; None for a worst-case belief."""
        column = self.columns[seat]
        if TILTED in column:
            return None
        learners = sorted(set(column))
        found = None
        for k in learners:
            if k == POOL:
                here = jax.vmap(networks.log_policy)(self.members[seat], obs, mask)
            else:
                here = networks.log_policy(self.actors[k], obs, mask)
            mine = jnp.asarray([c == k for c in column])[self.cast]
            found = here if found is None else jnp.where(mine[:, None], here, found)
        return found


def play(players: Players, envs: Tree, key: Key, steps: int) -> Rollout:
    """Roll out a phase.

    Parameters
    ----------
    players : Players
    envs : pytree
        Observations and states to start from, E environments.
    key : key
    steps : int

    Returns
    -------
    Rollout
    """
    seats = players.seats
    count = players.cast.shape[0]

    one = jax.tree.map(lambda a: a[0], envs[1])
    draw, move = ahead(seats.step, key, one, [jnp.int32(0)] * seats.n)

    def chance(key: Key) -> tuple[list[Array], list[Array]]:
        k_act, k_env = jax.random.split(key)
        return players.luck(k_act), jax.vmap(draw)(jax.random.split(k_env, count))

    def step(carry: Tree, luck: tuple[list[Array], list[Array]]) -> tuple[Tree, tuple[Any, ...]]:
        raw, state = carry
        obs, masks = seats.observe(raw), seats.masks(state)
        chosen = players.act(obs, masks, luck[0])
        after, state, rewards, dones = jax.vmap(move)(luck[1], state, chosen)
        return (after, state), (obs, masks, jnp.stack(chosen, axis=-1), rewards, dones)

    envs, (obs, masks, actions, rewards, dones) = jax.lax.scan(
        step, envs, jax.vmap(chance)(jax.random.split(key, steps))
    )
    last, last_masks = seats.observe(envs[0]), seats.masks(envs[1])

    def extended(run: Array, end: Array) -> Array:
        return None if run is None else jnp.concatenate([run, end[None]])

    return Rollout(
        tuple(extended(a, b) for a, b in zip(obs, last, strict=True)),
        tuple(extended(a, b) for a, b in zip(masks, last_masks, strict=True)),
        actions,
        rewards,
        dones,
        players.cast,
        envs,
    )


def joint_action(actions: Array, own: int, n_actions: tuple[int, ...]) -> Array:
    """Number of the joint action in an agent's view, own action first; (..., N) to (...)."""
    order = [own, *(j for j in range(len(n_actions)) if j != own)]
    return reduce(lambda total, j: total * n_actions[j] + actions[..., j], order, 0)
