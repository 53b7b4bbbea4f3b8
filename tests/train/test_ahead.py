"""Random numbers drawn ahead of a loop are those that the loop would have drawn."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games.overcooked import Gridworld
from rqe.train.ahead import ahead


@partial(jax.jit, static_argnums=2)
def walk(key, x, length):
    """Key and state mixed in jitted functions, a loop, a branch and constants."""
    here, there = jax.random.split(key)
    noise = jax.random.normal(here, (length,)) * jnp.arange(1.0, length + 1.0)
    x = jax.lax.fori_loop(0, length, lambda k, y: jnp.sin(y + noise[k]), x)
    late = jax.random.bernoulli(there, jnp.clip(x, 0.1, 0.9))
    jump = jax.lax.cond(x > 0.0, lambda k: jax.random.uniform(k), lambda _: -1.0, there)
    return {"x": x, "jump": jump, "late": late, "pure": jax.random.bits(here), "fixed": 3.0}


@pytest.mark.parametrize("kind", [jax.random.key, jax.random.PRNGKey])
def test_the_same_draws(kind):
    keys = jax.vmap(kind)(jnp.arange(20))
    x = jnp.linspace(-1.0, 1.0, 20)
    draw, rest = ahead(partial(walk, length=4), keys[0], x[0])
    wanted = jax.vmap(partial(walk, length=4))(keys, x)
    found = jax.vmap(rest)(jax.vmap(draw)(keys), x)
    assert wanted.keys() == found.keys()
    for name, value in wanted.items():
        # the compiler rounds sums and logarithms as the program around them allows
        np.testing.assert_allclose(value, found[name], atol=1e-6, rtol=0.0)
    np.testing.assert_array_equal(wanted["pure"], found["pure"])


def _primitives(function, *args):
    found, waiting = set(), [jax.make_jaxpr(function)(*args).jaxpr]
    while waiting:
        for eqn in waiting.pop().eqns:
            found.add(eqn.primitive.name)
            for value in eqn.params.values():
                inner = getattr(value, "jaxpr", None)
                if inner is not None:
                    waiting.append(inner)
    return found


def test_nothing_random_is_left_for_the_loop():
    env, key = Gridworld(), jax.random.key(0)
    _, state = env.reset(key)
    actions = dict.fromkeys(env.agents, jnp.int32(2))
    draw, rest = ahead(env.step, key, state, actions)
    assert "random_bits" in _primitives(env.step, key, state, actions)
    assert "random_bits" in _primitives(draw, key)
    drawn = draw(key)
    left = _primitives(rest, drawn, state, actions)
    assert not {name for name in left if name.startswith(("random", "threefry"))}
    # and constants are not among what is stored for every step
    assert sum(np.size(d) for d in drawn) < 20


def test_effects_stay_in_order():
    said = []

    def step(key, x):
        jax.debug.callback(lambda k: said.append(int(k)), jax.random.bits(key) % 7, ordered=True)
        return x + 1.0

    key = jax.random.key(1)
    draw, rest = ahead(step, key, 0.0)
    drawn = draw(key)
    jax.effects_barrier()
    assert said == []
    assert float(rest(drawn, 1.5)) == 2.5
    jax.effects_barrier()
    assert said == [int(jax.random.bits(key) % 7)]
