"""Play: environments in lockstep, with whoever the phase puts in the seats."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from . import networks
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
        self.n_obs = tuple(max(1, prod(env.observation_space(a).shape)) for a in self.agents)
        self.masked = masked(env)

    def others(self, seat: int) -> int:
        """Number of joint actions of all other seats."""
        return prod(n for j, n in enumerate(self.n_actions) if j != seat)

    def begin(self, keys: Key) -> Tree:
        """Fresh environments: their observations and states."""
        return jax.vmap(self.env.reset)(keys)

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


def choose_by_cast(options: list[Array], column: tuple[int, ...], cast: Array) -> Array:
    """For each environment the option of the learner that its cast puts in this seat."""
    learners = sorted(set(column))
    out = options[0]
    for learner, option in zip(learners[1:], options[1:], strict=True):
        here = jnp.asarray([c == learner for c in column])[cast]
        out = jnp.where(here.reshape(-1, *([1] * (option.ndim - 1))), option, out)
    return out


def play(
    seats: Seats,
    plan: Plan,
    phase: Phase,
    actors: tuple[Tree, ...],
    critics: tuple[Tree, ...],
    envs: Tree,
    key: Key,
    steps: int,
) -> Rollout:
    """Roll out a phase.

    Parameters
    ----------
    seats : Seats
    plan, phase : Plan and one of its phases
    actors, critics : tuple of networks
        Of all learners; critics are for worst-case beliefs alone.
    envs : pytree
        Observations and states to start from, E environments.
    key : key
    steps : int

    Returns
    -------
    Rollout
    """
    count = envs[0][seats.agents[0]].shape[0]
    draw_cast, draw_pool, draw_steps = jax.random.split(key, 3)
    cast = jax.random.randint(draw_cast, (count,), 0, len(phase.casts))
    members: Any = None
    if any(POOL in row for row in phase.casts):
        which = jax.random.randint(draw_pool, (count,), 0, len(plan.pool))
        members = jax.tree.map(lambda a: a[which], plan.pool.params)

    def log_policies(obs: tuple[Array, ...], masks: tuple[Array | None, ...]) -> list[Any]:
        out = []
        for j in range(seats.n):
            column = tuple(row[j] for row in phase.casts)
            options = []
            for k in sorted(set(column)):
                if k == POOL:
                    options.append(jax.vmap(networks.log_policy)(members[j], obs[j], masks[j]))
                elif k != TILTED:
                    options.append(networks.log_policy(actors[k], obs[j], masks[j]))
            out.append(choose_by_cast(options, column, cast) if options else None)
        return out

    def step(carry: Tree, key: Key) -> tuple[Tree, tuple[Any, ...]]:
        raw, state = carry
        obs, masks = seats.observe(raw), seats.masks(state)
        k_act, k_env = jax.random.split(key)
        logs = log_policies(obs, masks)
        own = next((i for i, log in enumerate(logs) if log is not None), 0)
        if any(log is None for log in logs):
            log_belief = tilt(plan, own, actors, critics, obs, masks).log_belief
            joint = jax.random.categorical(jax.random.fold_in(k_act, seats.n), log_belief)
            sizes = [n for j, n in enumerate(seats.n_actions) if j != own]
            beside = iter(jnp.unravel_index(joint, sizes))
        chosen = []
        for j, log in enumerate(logs):
            if log is None:
                chosen.append(next(beside))
            else:
                chosen.append(jax.random.categorical(jax.random.fold_in(k_act, j), log))
        actions = dict(zip(seats.agents, chosen, strict=True))
        after, state, rewards, dones, _ = jax.vmap(seats.env.step)(
            jax.random.split(k_env, count), state, actions
        )
        paid = jnp.stack([jnp.asarray(rewards[a], jnp.float32) for a in seats.agents], axis=-1)
        done = jnp.asarray(dones["__all__"], jnp.float32)
        return (after, state), (obs, masks, jnp.stack(chosen, axis=-1), paid, done)

    envs, (obs, masks, actions, rewards, dones) = jax.lax.scan(
        step, envs, jax.random.split(draw_steps, steps)
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
        cast,
        envs,
    )


def joint_action(actions: Array, own: int, n_actions: tuple[int, ...]) -> Array:
    """Number of the joint action in an agent's view, own action first; (..., N) to (...)."""
    order = [own, *(j for j in range(len(n_actions)) if j != own)]
    return reduce(lambda total, j: total * n_actions[j] + actions[..., j], order, 0)
