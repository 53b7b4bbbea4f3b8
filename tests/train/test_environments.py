"""Spaces, the check of environments, new starts, frozen seats."""

import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import HORIZON, SIZES, Switches

import games
from games.overcooked import Gridworld
from rqe import train

ROOT = Path(__file__).resolve().parents[2]


# spaces


@pytest.mark.parametrize(
    "space",
    [
        train.Discrete(1),
        train.Discrete(7),
        train.Box(0.0, 1.0, (2, 3)),
        train.Box(-np.inf, [3.0, np.inf]),
        train.Box([-np.inf, -5.0], np.inf),
        train.Box(2.0, 2.0, ()),
        train.Box(-3, 4, (5,), np.int32),
    ],
)
def test_samples_lie_in_their_space(space):
    drawn = jax.jit(jax.vmap(space.sample))(jax.random.split(jax.random.key(0), 200))
    assert drawn.shape == (200, *space.shape)
    assert drawn.dtype == space.dtype
    assert jax.jit(jax.vmap(space.contains))(drawn).all()
    assert not space.contains(drawn), "a stack is not an element"


def test_samples_reach_all_of_their_space():
    keys = jax.random.split(jax.random.key(1), 3000)
    numbers = jax.jit(jax.vmap(train.Discrete(4).sample))(keys)
    assert np.all(np.abs(np.bincount(numbers, minlength=4) - 750) < 4 * np.sqrt(3000 * 3 / 16))
    even = np.asarray(jax.jit(jax.vmap(train.Box(-1.0, [3.0]).sample))(keys))
    assert abs(even.mean() - 1.0) < 4 * (4 / np.sqrt(12)) / np.sqrt(3000)
    assert even.min() < -0.98
    assert even.max() > 2.98
    both = np.asarray(jax.jit(jax.vmap(train.Box(-np.inf, np.inf, ()).sample))(keys))
    assert 0.45 < np.mean(both > 0.0) < 0.55


def test_what_spaces_contain():
    box = train.Box(0.0, [1.0, 2.0])
    assert box.contains(jnp.array([1.0, 2.0]))
    assert not box.contains(jnp.array([1.0, 2.1]))
    assert not box.contains(jnp.array([-0.1, 0.0]))
    assert not box.contains(jnp.array([1.0, jnp.nan]))
    assert not box.contains(jnp.array(1.0))
    five = train.Discrete(5)
    assert five.contains(jnp.int8(4))
    assert not five.contains(-1)
    assert not five.contains(5)
    assert not five.contains(1.0)
    assert not five.contains(jnp.zeros(1, int))


def test_equal_spaces():
    assert train.Discrete(3) == train.Discrete(3) != train.Discrete(4)
    assert train.Box(0, 1, (2,)) == train.Box([0, 0], [1, 1]) != train.Box(0, 2, (2,))
    assert len({train.Box(-0.0, 1, (2,)), train.Box([0, 0], [1, 1]), train.Discrete(3)}) == 2
    assert repr(train.Box(0, 1, (2,))) == "Box(0, 1, (2,), float32)"
    assert repr(train.Box(0, [1, 2])) == "Box([0.0, 0.0], [1.0, 2.0], (2,), float32)"
    assert repr(train.Discrete(3)) == "Discrete(3)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: train.Discrete(0), "n must be a whole number >= 1; got 0"),
        (lambda: train.Discrete(2.0), "n must be a whole number"),
        (lambda: train.Box(1.0, 0.0, (2,)), "low must not exceed high"),
        (lambda: train.Box(0.0, np.nan, ()), "low must not exceed high"),
        (lambda: train.Box([0.0, 1.0], 2.0, (3,)), "low and high must be numbers or arrays"),
        (lambda: train.Box("a", 2.0), "low and high must be numbers or arrays"),
    ],
)
def test_spaces_refuse(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# the check


def test_good_environments_pass():
    train.check_environment(Switches())
    train.check_environment(Switches(), jax.random.PRNGKey(3))
    train.check_environment(train.Frozen(Switches(), {"b": lambda key, obs, mask: mask.argmax()}))
    assert isinstance(Switches(), train.Environment)


class Broken(Switches):
    """`Switches` with one thing replaced."""

    def __init__(self, **changes):
        super().__init__()
        for name, value in changes.items():
            setattr(self, name, value)


def without(values, agent):
    return {a: v for a, v in values.items() if a != agent}


def stepping(change):
    """A step of which a part is changed: observations, state, rewards, dones, info."""

    def step(key, state, actions):
        return change(*Switches().step(key, state, actions))

    return step


GOOD = Switches()
RESET = GOOD.reset(jax.random.key(0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"agents": []}, "env.agents must be distinct names"),
        ({"agents": ["a", "a"]}, "env.agents must be distinct names"),
        ({"agents": ["a", "__all__"]}, "none of them '__all__'"),
        (
            {"action_space": lambda a: train.Box(0.0, 1.0, (2,))},
            r"action_space\('a'\) must be discrete",
        ),
        (
            {"observation_space": lambda a: None},
            r"observation_space\('a'\) must have a shape; got None",
        ),
        ({"reset": lambda key: RESET[0]}, r"env.reset must return \(obs, state\); got dict"),
        (
            {"reset": lambda key: (without(RESET[0], "b"), RESET[1])},
            r"observations of reset must have an entry for every agent; missing: \['b'\]",
        ),
        (
            {"reset": lambda key: ({**RESET[0], "c": jnp.zeros(2)}, RESET[1])},
            r"observation of 'c' after reset must have its space's shape \(3,\); got \(2,\)",
        ),
        (
            {"reset": lambda key: ({**RESET[0], "a": jnp.array([0.0, 9.0])}, RESET[1])},
            "observation of 'a' after reset must lie in its space",
        ),
        (
            {"step": stepping(lambda o, s, r, d, i: (o | {"a": o["a"] * jnp.nan}, s, r, d, i))},
            "observation of 'a' after step must lie in its space",
        ),
        (
            {"reset": lambda key: RESET if jax.random.uniform(key) > 2.0 else (1, 2)},
            "env.reset must run under jax.jit",
        ),
        ({"step": lambda key, state, actions: (1, 2)}, "env.step must return"),
        (
            {"step": stepping(lambda o, s, r, d, i: (o, s, without(r, "c"), d, i))},
            r"rewards of step must have an entry for every agent; missing: \['c'\]",
        ),
        (
            {"step": stepping(lambda o, s, r, d, i: (o, s, r | {"b": jnp.ones(2)}, d, i))},
            "rewards of step must be one finite number an agent; 'b' has",
        ),
        (
            {"step": stepping(lambda o, s, r, d, i: (o, s, r | {"b": jnp.inf}, d, i))},
            "rewards of step must be one finite number an agent; 'b' has",
        ),
        (
            {"step": stepping(lambda o, s, r, d, i: (o, s, r, without(d, "__all__"), i))},
            r"dones of step must have an entry for every agent; missing: \['__all__'\]",
        ),
        (
            {"step": stepping(lambda o, s, r, d, i: (o, s, r, d, jnp.zeros(3)))},
            "info of step must be a dict",
        ),
        (
            {"step": stepping(lambda o, s, r, d, i: (o, s._replace(time=1.0), r, d, i))},
            r"step must not change shapes or types; in the state, .time has",
        ),
        (
            {"step": stepping(lambda o, s, r, d, i: (o, tuple(s), r, d, i))},
            "observations and a state of the structure that reset returns",
        ),
        (
            {"get_avail_actions": lambda s: without(GOOD.get_avail_actions(s), "a")},
            "masks of get_avail_actions must have an entry for every agent",
        ),
        (
            {"get_avail_actions": lambda s: GOOD.get_avail_actions(s) | {"c": jnp.ones(3, bool)}},
            r"mask of 'c' must have shape \(4,\), one entry an action; got \(3,\)",
        ),
        (
            {"get_avail_actions": lambda s: GOOD.get_avail_actions(s) | {"a": jnp.zeros(2, bool)}},
            "mask of 'a' must leave a legal action",
        ),
    ],
)
def test_the_check_names_what_is_wrong(changes, message):
    with pytest.raises(ValueError, match=message):
        train.check_environment(Broken(**changes))


def test_the_check_names_what_is_missing():
    class Nothing:
        name = "nothing"
        agents = ("a",)

    with pytest.raises(ValueError, match="env must have 'num_agents'; Nothing has none"):
        train.check_environment(Nothing())

    class Miscounted(Switches):
        num_agents = 2

    with pytest.raises(ValueError, match=r"env\.num_agents must be 3"):
        train.check_environment(Miscounted())


def test_masks_that_are_not_implemented():
    """As JaxMARL's base class has it."""

    class Unmasked(Switches):
        def get_avail_actions(self, state):
            raise NotImplementedError

    train.check_environment(Unmasked())
    assert not hasattr(train.Frozen(Unmasked(), {"a": lambda *_: 0}), "get_avail_actions")
    assert hasattr(train.Frozen(Switches(), {"a": lambda *_: 0}), "get_avail_actions")


@pytest.mark.parametrize("wide", [True, False])
def test_single_precision_whatever_the_default(wide):
    with jax.enable_x64(wide):
        game = games.cliff_walk(horizon=4)
        for env in (
            Gridworld(),
            train.NormalFormEnvironment(games.stag_hunt()),
            train.MarkovEnvironment(game),
        ):
            train.check_environment(env)
            obs, _ = env.reset(jax.random.key(0))
            assert {v.dtype for v in obs.values()} == {jnp.dtype("float32")}


# new starts


def test_a_step_is_step_env_until_the_end_then_a_reset():
    env = Switches()
    obs, state = env.reset(jax.random.key(0))
    step, step_env = jax.jit(env.step), jax.jit(env.step_env)
    for t in range(1, 3 * HORIZON + 1):
        key = jax.random.key(t)
        actions = {a: jnp.int32(t % n) for a, n in SIZES.items()}
        same = step_env(jax.random.split(key)[0], state, actions)
        obs, state, rewards, dones, _ = step(key, state, actions)
        over = t % HORIZON == 0
        assert bool(dones["__all__"]) == over
        assert {a: float(r) for a, r in rewards.items()} == {
            a: float(r) for a, r in same[2].items()
        }
        expected = env.reset(key) if over else same[:2]
        jax.tree.map(np.testing.assert_array_equal, (obs, state), expected)


def test_the_start_after_the_end_is_drawn_anew():
    """Who starts where is independent of the last step's chance."""
    env = Gridworld(horizon=1)
    keys = jax.random.split(jax.random.key(6), 20_000)
    state = env.state_of([0, 0, 2, 0, 0, 0])
    actions = {"agent_0": jnp.int32(3), "agent_1": jnp.int32(2)}

    def both(key):
        obs, _, _, _, info = env.step(key, state, actions)
        return obs["agent_0"][0] == 1.0, info["collisions"][0] == 1.0

    start, second = (np.asarray(v, float) for v in jax.jit(jax.vmap(both))(keys))
    assert abs(np.corrcoef(start, second)[0, 1]) < 4 / np.sqrt(20_000)


# frozen seats


def test_a_frozen_seat_plays_its_policy_on_what_it_sees():
    env = Switches()
    # agent c repeats what it sees of agent b, plus one
    frozen = train.Frozen(env, {"c": lambda key, obs, mask: (obs[1] + 1).astype(jnp.int32)})
    assert frozen.agents == ["a", "b"]
    assert frozen.num_agents == 2
    assert frozen.name == "switches"
    obs, state = frozen.reset(jax.random.key(0))
    assert set(obs) == {"a", "b"}
    before = -1
    step = jax.jit(frozen.step)
    for t in range(1, 20):
        b = t % 3
        obs, state, rewards, dones, _ = step(jax.random.key(t), state, {"a": t % 2, "b": b})
        assert set(rewards) == {"a", "b"}
        assert set(dones) == {"a", "b", "__all__"}
        if dones["__all__"]:
            assert state.seen["c"].tolist() == [-1.0, -1.0, -1.0]
            before = -1
        else:
            assert state.seen["c"].tolist() == [t % 2, b, before + 1]
            assert obs["a"].tolist() == [t % 2, b]
            before = b


def test_frozen_seats_have_random_numbers_of_their_own():
    env = train.NormalFormEnvironment(games.free_riding(), horizon=5)

    def noise(key, obs, mask):
        assert mask is None
        return jax.random.bernoulli(key, 0.25).astype(jnp.int32)

    both = train.Frozen(env, {"2": noise})
    _, state = both.reset(jax.random.key(0))
    keys = jax.random.split(jax.random.key(1), 20_000)
    step = jax.vmap(lambda k: both.step_env(k, state, {"1": 1})[2]["1"])
    # who defects gets 1 if the other cooperates, with probability 3/4
    share = float(jnp.mean(jax.jit(step)(keys)))
    assert abs(share - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 20_000)

    trio = train.Frozen(Switches(), {"a": noise_of(2), "b": noise_of(2)})
    _, state = trio.reset(jax.random.key(0))
    seen = jax.jit(jax.vmap(lambda k: trio.step_env(k, state, {"c": 0})[0]["c"]))(keys)
    a, b = np.asarray(seen)[:, :2].T
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(20_000)


def noise_of(n):
    return lambda key, obs, mask: jax.random.randint(key, (), 0, n)


def test_frozen_seats_know_their_legal_actions():
    """A seat that plays the first legal action never repeats itself."""
    frozen = train.Frozen(Switches(), {"b": lambda key, obs, mask: jnp.argmax(mask)})
    _, state = frozen.reset(jax.random.key(0))
    played = []
    for t in range(HORIZON - 1):
        legal = frozen.get_avail_actions(state)
        assert set(legal) == {"a", "c"}
        assert legal["a"].shape == (2,)
        _, state, *_ = frozen.step(jax.random.key(t), state, {"a": 0, "c": 0})
        played.append(int(state.state.last[1]))
    assert played == [0, 1, 0, 1, 0]


def test_frozen_seats_nest():
    inner = train.Frozen(Switches(), {"a": lambda *_: 1})
    outer = train.Frozen(inner, {"c": lambda *_: 3})
    obs, state = outer.reset(jax.random.key(0))
    obs, state, rewards, *_ = outer.step(jax.random.key(1), state, {"b": 0})
    assert outer.agents == ["b"]
    assert state.state.state.last.tolist() == [1, 0, 3]
    assert set(obs) == set(rewards) == {"b"}
    train.check_environment(outer)


def test_the_gridworld_with_an_idle_partner():
    idle = train.Frozen(Gridworld(), {"agent_1": lambda *_: 4})
    _, state = idle.reset(jax.random.key(0))
    step = jax.jit(idle.step)
    corner = state.seen["agent_1"][3:5].tolist()
    for t in range(20):
        obs, state, rewards, _, info = step(jax.random.key(t), state, {"agent_0": t % 5})
        assert obs["agent_0"][3:5].tolist() == corner
        assert info["moves"].tolist() == [float(t % 5 != 4), 0.0]
        assert set(rewards) == {"agent_0"}


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ({"d": noise_of(2)}, r"policies must be for agents of the environment, .* got 'd'"),
        ({"a": 1}, r"policies\['a'\] must be a function"),
        (dict.fromkeys("abc", noise_of(2)), "policies must leave a seat to play"),
    ],
)
def test_frozen_refuses(policies, message):
    with pytest.raises(ValueError, match=message):
        train.Frozen(Switches(), policies)


def test_training_needs_no_pettingzoo():
    script = (
        "import sys; from rqe import train; import games.overcooked; "
        "found = {'pettingzoo', 'gymnasium', 'jaxmarl'} & set(sys.modules); assert not found, found"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
