"""Environments of JaxMARL, as they are; runs where that package is installed."""

import jax
import pytest

from rqe import train

jaxmarl = pytest.importorskip("jaxmarl")


@pytest.mark.parametrize("name", ["MPE_simple_tag_v3", "MPE_simple_spread_v3", "switch_riddle"])
def test_an_environment_of_jaxmarl(name):
    env = jaxmarl.make(name)
    train.check_environment(env)
    assert isinstance(env, train.Environment)


def test_a_frozen_runner():
    env = jaxmarl.make("MPE_simple_tag_v3")
    runner = env.agents[-1]
    chasers = train.Frozen(env, {runner: lambda key, obs, mask: jax.random.randint(key, (), 0, 5)})
    train.check_environment(chasers)
    assert chasers.num_agents == env.num_agents - 1
