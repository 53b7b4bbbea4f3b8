"""A small environment with all that one may have: masks, unequal spaces, agents done early."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from rqe import train

SIZES = {"a": 2, "b": 3, "c": 4}
HORIZON = 6
EARLY = 3
"""When agent c is done."""


class Switch(NamedTuple):
    last: jax.Array
    time: jax.Array


class Switches(train.AutoReset):
    """Everyone picks a number, but not the one of the step before; it is the reward, times ten.

    Agent b gets one tenth of a random number on top. Agent a sees the numbers of a and b, agent b
    its own as a discrete observation, agent c all three; before the first step they are -1.
    """

    name = "switches"

    def __init__(self):
        self.agents = list(SIZES)

    def observation_space(self, agent):
        return {
            "a": train.Box(-1.0, [1.0, 2.0]),
            "b": train.Discrete(4),
            "c": train.Box(-1.0, 3.0, (3,)),
        }[agent]

    def action_space(self, agent):
        return train.Discrete(SIZES[agent])

    def seen(self, last):
        wide = last.astype(jnp.float32)
        return {"a": wide[:2], "b": last[1] + 1, "c": wide}

    def get_avail_actions(self, state):
        return {a: jnp.arange(size) != state.last[i] for i, (a, size) in enumerate(SIZES.items())}

    def reset(self, key):
        last = jnp.full(3, -1, jnp.int32)
        return self.seen(last), Switch(last, jnp.zeros((), jnp.int32))

    def step_env(self, key, state, actions):
        last = jnp.stack([jnp.asarray(actions[a], jnp.int32) for a in SIZES])
        time = state.time + 1
        paid = 10.0 * last
        paid = paid.at[1].add(0.1 * jax.random.uniform(key))
        over = time >= HORIZON
        dones = {"a": over, "b": over, "c": over | (time >= EARLY), "__all__": over}
        rewards = {a: paid[i] for i, a in enumerate(SIZES)}
        return self.seen(last), Switch(last, time), rewards, dones, {"time": time}
