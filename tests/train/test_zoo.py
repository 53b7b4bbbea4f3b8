"""PettingZoo's view of our environments."""

import sys
import warnings

import jax
import numpy as np
import pytest
from toys import EARLY, HORIZON, SIZES, Switches

import games
import rqe
from games.overcooked import Gridworld
from rqe import train

pytest.importorskip("pettingzoo")

MARKOV = games.cliff_walk(horizon=12)


@pytest.mark.parametrize(
    "env",
    [
        Gridworld(),
        Switches(),
        train.Frozen(Switches(), {"b": lambda key, obs, mask: mask.argmax()}),
        train.NormalFormEnvironment(games.random_game(shape=(2, 3, 4), seed=0), horizon=5),
        train.MarkovEnvironment(MARKOV),
        train.MarkovEnvironment(MARKOV, observe="index"),
    ],
    ids=["gridworld", "switches", "frozen", "normal form", "markov", "markov index"],
)
def test_the_parallel_api(env, capsys):
    from pettingzoo.test import parallel_api_test

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        view = train.parallel_env(env)
        parallel_api_test(view, num_cycles=120)
        view.max_steps = 4
        parallel_api_test(view, num_cycles=30)
    assert "Passed" in capsys.readouterr().out


def walk(view, steps, seed=None):
    """Everything that a fixed walk shows."""
    found = [view.reset(seed=seed)]
    for t in range(steps):
        found.append(view.step({a: t % view.action_space(a).n for a in view.agents}))
    return found


def test_steps_are_those_of_the_environment():
    env = Gridworld()
    view = train.parallel_env(env, seed=3)
    key, draw = jax.random.split(jax.random.key(3))
    obs, state = env.reset(draw)
    seen, _ = view.reset()
    for t in range(50):
        for agent in env.agents:
            np.testing.assert_array_equal(seen[agent], obs[agent])
            assert seen[agent].dtype == np.float32
            assert seen[agent] in view.observation_space(agent)
        key, draw = jax.random.split(key)
        actions = {"agent_0": t % 5, "agent_1": (t // 2) % 5}
        obs, state, rewards, _, info = env.step_env(draw, state, actions)
        seen, paid, terminated, truncated, infos = view.step(actions)
        assert paid == {a: float(r) for a, r in rewards.items()}
        for i, agent in enumerate(env.agents):
            assert infos[agent] == {name: float(v[i]) for name, v in info.items()}
        assert terminated == dict.fromkeys(env.agents, t == 49)
        assert not any(truncated.values())
    assert view.agents == []
    assert view.step({}) == ({}, {}, {}, {}, {})


def test_seeds():
    one, two = (train.parallel_env(Gridworld(), seed=s) for s in (0, 1))
    first, other = str(walk(one, 30)), str(walk(two, 30))
    assert first != other
    again = str(walk(one, 30))
    assert again != first, "a reset without a seed goes on with the same random numbers"
    assert str(walk(two, 30, seed=0)) == first
    assert str(walk(two, 30)) == again


def test_masks_and_agents_that_end_early():
    view = train.parallel_env(Switches())
    _, infos = view.reset()
    assert {a: i["action_mask"].tolist() for a, i in infos.items()} == {
        a: [1] * n for a, n in SIZES.items()
    }
    for t in range(1, HORIZON + 1):
        playing = view.agents
        assert playing == (["a", "b", "c"] if t <= EARLY else ["a", "b"])
        actions = {a: t % SIZES[a] for a in playing}
        obs, rewards, terminated, truncated, infos = view.step(actions)
        for part in (obs, rewards, terminated, truncated, infos):
            assert list(part) == playing
        for agent in playing:
            mask = infos[agent]["action_mask"]
            assert mask.dtype == np.int8
            assert np.flatnonzero(mask == 0).tolist() == [actions[agent]]
        assert terminated == {a: t == HORIZON or (a == "c" and t == EARLY) for a in playing}
    assert view.agents == []


def test_episodes_cut_off():
    view = train.parallel_env(Gridworld(horizon=3), max_steps=2)
    *_, (_, _, terminated, truncated, _) = walk(view, 2)
    assert not any(terminated.values())
    assert all(truncated.values())
    assert view.agents == []
    view = train.parallel_env(Gridworld(horizon=2), max_steps=2)
    *_, (_, _, terminated, truncated, _) = walk(view, 2)
    assert all(terminated.values())
    assert not any(truncated.values())


def test_what_the_view_refuses():
    view = train.parallel_env(Gridworld())
    with pytest.raises(ValueError, match="step must come after reset"):
        view.step({})
    view.reset()
    with pytest.raises(
        ValueError, match=r"actions\['agent_1'\] must be in Discrete\(5\); got None"
    ):
        view.step({"agent_0": 0})
    with pytest.raises(ValueError, match=r"actions\['agent_0'\] must be in Discrete\(5\); got 5"):
        view.step({"agent_0": 5, "agent_1": 0})
    with pytest.raises(ValueError, match="env must have 'step_env'"):
        train.parallel_env(object())
    with pytest.raises(ValueError, match="seed must be a whole number"):
        train.parallel_env(Gridworld(), seed=-1)
    with pytest.raises(ValueError, match="max_steps must be a whole number"):
        train.parallel_env(Gridworld(), max_steps=0)

    class Odd(Switches):
        def observation_space(self, agent):
            return "anything"

    with pytest.raises(ValueError, match="env must have spaces like Discrete and Box"):
        train.parallel_env(Odd())


@pytest.mark.parametrize("package", ["pettingzoo", "gymnasium"])
def test_without_the_extra(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(rqe.MissingExtraError, match=r"pip install 'rqe\[pettingzoo\]'"):
        train.parallel_env(Gridworld())
