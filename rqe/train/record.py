"""Episodes as they went: what every seat saw and did, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ..model._checks import whole
from .arrays import Array, Key, Tree
from .evaluate import run_policies
from .policies import Policies
from .rollout import Seats

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Record:
    """One rollout of T steps with N agents.

    Attributes
    ----------
    obs : tuple of N arrays (T + 1, n_obs)
        What each seat saw before every step, and after the last.
    actions : int array (T, N)
    rewards : array (T, N)
    dones : bool array (T,)
        Whether an episode ended with the step; what follows it is the next one's start.
    """

    obs: tuple[FloatArray, ...]
    actions: NDArray[np.int64]
    rewards: FloatArray
    dones: NDArray[np.bool_]

    def __repr__(self) -> str:
        totals = ", ".join(f"{v:.4g}" for v in self.rewards.sum(axis=0))
        return f"<Record of {len(self.dones)} steps: returns {totals}>"


def record(env: Any, policies: Policies, key: Key, steps: int = 50) -> Record:
    """Let a run play, and keep everything.

    Parameters
    ----------
    env : Environment
    policies : Policies
        One run. Seats of several runs are put together as
        ``Policies((one.params[0], other.params[1]))``.
    key : key
    steps : int

    Returns
    -------
    Record

    Raises
    ------
    ValueError
        Policies that do not fit the environment, or of several runs; a number of steps that is not
        whole and positive.

    Examples
    --------
    >>> import jax, games, jax.numpy as jnp
    >>> from rqe import train
    >>> env = train.NormalFormEnvironment(games.free_riding())
    >>> coin = [(jnp.zeros((1, 2)), jnp.zeros(2))]
    >>> train.record(env, train.Policies((coin, coin)), jax.random.key(1), steps=3).actions.shape
    (3, 2)
    """
    whole(steps, "steps")
    seats = Seats(env)
    stacked = run_policies(seats, policies, "policies")
    if len(stacked) != 1:
        raise ValueError(f"policies must be of one run; got {len(stacked)} (index the stack)")
    run = stacked[0]

    def seen(raw: Any, state: Any) -> tuple[tuple[Array, ...], tuple[Array | None, ...]]:
        raw, state = jax.tree.map(lambda a: jnp.asarray(a)[None], (raw, state))
        return seats.observe(raw), seats.masks(state)

    def step(carry: Tree, key: Key) -> tuple[Tree, tuple[Any, ...]]:
        raw, state = carry
        obs, masks = seen(raw, state)
        act, go = jax.random.split(key)
        actions = {
            agent: run.act(jax.random.fold_in(act, j), j, obs[j], masks[j])[0]
            for j, agent in enumerate(seats.agents)
        }
        raw, state, rewards, dones, _ = env.step(go, state, actions)
        did = jnp.stack([actions[a] for a in seats.agents])
        paid = jnp.stack([jnp.asarray(rewards[a], jnp.float32) for a in seats.agents])
        return (raw, state), (tuple(o[0] for o in obs), did, paid, dones["__all__"])

    def roll(key: Key) -> tuple[Any, ...]:
        begin, go = jax.random.split(key)
        (raw, state), (obs, *rest) = jax.lax.scan(
            step, env.reset(begin), jax.random.split(go, steps)
        )
        last, _ = seen(raw, state)
        return tuple(jnp.concatenate([o, e]) for o, e in zip(obs, last, strict=True)), *rest

    obs, actions, rewards, dones = jax.jit(roll)(key)
    return Record(
        tuple(np.asarray(o, np.float64) for o in obs),
        np.asarray(actions, np.int64),
        np.asarray(rewards, np.float64),
        np.asarray(dones, bool),
    )
