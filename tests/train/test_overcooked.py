"""The gridworld to train in, against its rules in plain Python and the exact Markov game."""

import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import sparse

import games
from games.overcooked import Gridworld, chance, move
from rqe import train

ENV = Gridworld()
KITCHEN = games.overcooked_kitchen()
EVENTS = ("pickups", "deliveries", "moves", "collisions")
STARTS = {(1, 0, 0, 0, 1, 0, 1, 1), (0, 1, 0, 1, 0, 0, 1, 1)}
OUTCOMES = [(f, e, s) for f in (0, 1) for e in (0, 1) for s in (0, 1)]
WEIGHTS = np.array([0.5 * (0.8, 0.2)[e] * (0.8, 0.2)[s] for _, e, s in OUTCOMES])


class Cooks:
    """The rules of science.md, sentence by sentence; `seen` are the eight numbers."""

    def __init__(self, seen):
        self.at = {0: (seen[0], seen[1]), 1: (seen[3], seen[4])}
        self.holding = {0: bool(seen[2]), 1: bool(seen[5])}
        self.onions = {p for p, there in zip([(3, 4), (4, 3)], seen[6:], strict=True) if there}

    def turn(self, who, action, paid, events):
        row, column = self.at[who]
        if action != "stay":
            paid[who] -= 0.2
            events["moves"][who] += 1
        if action == "up":
            row -= 1
        elif action == "down":
            row += 1
        elif action == "left":
            column -= 1
        elif action == "right":
            column += 1
        target = (min(max(row, 0), 4), min(max(column, 0), 4))
        if target == (2, 2):
            if self.holding[who]:
                self.holding[who] = False
                events["deliveries"][who] += 1
                for one in paid:
                    paid[one] += 10.0
            return
        if target == self.at[1 - who]:
            paid[who] -= 2.0
            events["collisions"][who] += 1
            return
        self.at[who] = target
        if target in self.onions and not self.holding[who]:
            self.onions.remove(target)
            self.holding[who] = True
            events["pickups"][who] += 1
            for one in paid:
                paid[one] += 1.0

    def step(self, actions, first, east, south):
        """Rewards and events of a step."""
        paid = {0: 0.0, 1: 0.0}
        events = {name: [0, 0] for name in EVENTS}
        for who in (first, 1 - first):
            label = ["up", "down", "left", "right", "stay"][actions[who]]
            self.turn(who, label, paid, events)
        if east:
            self.onions.add((3, 4))
        if south:
            self.onions.add((4, 3))
        return [paid[0], paid[1]], events

    def seen(self):
        both = [(*self.at[k], int(self.holding[k])) for k in (0, 1)]
        there = [int(p in self.onions) for p in [(3, 4), (4, 3)]]
        return (*both[0], *both[1], *there)


def test_a_hundred_thousand_steps_are_those_of_the_rules():
    """Same draws of chance, same observations, rewards, events and endings."""
    count, steps = 50, 2000

    def step(carry, key):
        obs, state = carry
        k_act, k_step, k_reset = jax.random.split(key, 3)
        # mostly towards the other end, so that onions are fetched and delivered
        a = jax.random.choice(k_act, 5, (count, 2), p=jnp.array([0.2, 0.25, 0.2, 0.25, 0.1]))
        keys = jax.random.split(k_step, count)
        actions = {"agent_0": a[:, 0], "agent_1": a[:, 1]}
        after, state, rewards, dones, info = jax.vmap(ENV.step_env)(keys, state, actions)
        start = jax.vmap(ENV.reset)(jax.random.split(k_reset, count))
        over = dones["__all__"]
        going = jax.tree.map(
            lambda x, y: jnp.where(over.reshape(-1, *[1] * (x.ndim - 1)), x, y),
            start,
            (after, state),
        )
        drawn = jax.vmap(chance)(keys)
        return going, (obs, a, drawn, after, rewards, over, info)

    first, last = jax.random.split(jax.random.key(1))
    begin = jax.vmap(ENV.reset)(jax.random.split(first, count))
    _, found = jax.jit(lambda k: jax.lax.scan(step, begin, jax.random.split(k, steps)))(last)
    obs, actions, drawn, after, rewards, over, info = jax.tree.map(np.asarray, found)
    np.testing.assert_array_equal(obs["agent_0"], obs["agent_1"])
    np.testing.assert_array_equal(after["agent_0"], after["agent_1"])
    seen, then = (v["agent_0"].astype(int).tolist() for v in (obs, after))
    drawn, actions = np.stack(drawn, axis=-1).tolist(), actions.tolist()
    paid = np.stack([rewards["agent_0"], rewards["agent_1"]], axis=-1)
    expected = np.empty((steps, count, 2))
    happened = {name: np.empty((steps, count, 2)) for name in EVENTS}
    for e in range(count):
        time = 0
        for t in range(steps):
            if time == 0:
                cooks = Cooks(seen[t][e])
                assert tuple(seen[t][e]) in STARTS
            assert cooks.seen() == tuple(seen[t][e])
            expected[t, e], events = cooks.step(actions[t][e], *drawn[t][e])
            for name in EVENTS:
                happened[name][t, e] = events[name]
            assert cooks.seen() == tuple(then[t][e])
            time += 1
            assert over[t, e] == (time == 50)
            time %= 50
    np.testing.assert_allclose(paid, expected, atol=1e-5)
    for name in EVENTS:
        np.testing.assert_array_equal(info[name], happened[name])
        assert happened[name].sum() > 500, f"too few {name} for a test"


def test_the_rules_in_python_are_those_of_the_exact_game():
    game = games.overcooked_gridworld()
    index = {tuple(row): k for k, row in enumerate(KITCHEN.states.tolist())}
    draw = random.Random(2)
    for _ in range(1500):
        k, joint = draw.randrange(8832), draw.randrange(25)
        a, b, c, d, east, south = KITCHEN.states[k].tolist()
        law, mean = np.zeros(8832), np.zeros(2)
        for outcome, weight in zip(OUTCOMES, WEIGHTS, strict=True):
            cooks = Cooks((*divmod(a, 5), b, *divmod(c, 5), d, east, south))
            paid, _ = cooks.step(divmod(joint, 5), *outcome)
            r, q, h, s, t, g, *there = cooks.seen()
            law[index[5 * r + q, h, 5 * s + t, g, *there]] += weight
            mean += weight * np.array(paid)
        row = game.transitions[[25 * k + joint]].toarray().ravel()
        np.testing.assert_allclose(law, row, atol=1e-15)
        np.testing.assert_allclose(mean, game.rewards[k].reshape(2, 25)[:, joint], atol=1e-12)


def test_every_state_and_action_is_that_of_the_exact_game():
    """All 8,832 states, 25 joint actions and 8 outcomes of chance, with their probabilities."""
    game = games.overcooked_gridworld()
    states = jax.vmap(ENV.state_of)(KITCHEN.states)
    joint = np.stack(np.divmod(np.arange(25), 5), axis=1)

    def one(state, actions, outcome):
        first, east, south = outcome
        kitchen, paid, events = move(state.kitchen, tuple(actions), first, (east, south))
        return ENV.row_of(state._replace(kitchen=kitchen)), paid, events

    every = jax.vmap(jax.vmap(jax.vmap(one, (None, None, 0)), (None, 0, None)), (0, None, None))
    after, paid, events = jax.jit(every)(states, joint, np.array(OUTCOMES))
    radix = np.array([25, 2, 25, 2, 2, 2])
    index = np.full(radix.prod(), -1)
    index[np.ravel_multi_index(KITCHEN.states.T, radix)] = np.arange(8832)
    to = index[np.ravel_multi_index(np.moveaxis(np.asarray(after), -1, 0), radix)]
    assert to.min() >= 0
    rows = np.broadcast_to(np.arange(8832 * 25).reshape(8832, 25, 1), to.shape)
    weights = np.broadcast_to(WEIGHTS, to.shape)
    table = sparse.coo_array((weights.ravel(), (rows.ravel(), to.ravel())), game.transitions.shape)
    assert abs(table.tocsr() - game.transitions).max() < 1e-15
    mean = np.einsum("sakp,k->sap", np.asarray(paid, np.float64), WEIGHTS)
    expected = game.rewards.reshape(8832, 2, 25).transpose(0, 2, 1)
    np.testing.assert_allclose(mean, expected, atol=1e-6)
    for name in EVENTS:
        rate = np.einsum("sakp,k->sap", np.asarray(events[name], np.float64), WEIGHTS)
        table = KITCHEN.events[name].reshape(8832, 2, 25).transpose(0, 2, 1)
        np.testing.assert_allclose(rate, table, atol=1e-6)


def test_chance_has_its_probabilities():
    """Both agents want the same cell, and both onions are missing: a step shows what was drawn."""
    count = 200_000
    state = ENV.state_of([0, 0, 2, 0, 0, 0])
    actions = {"agent_0": jnp.int32(3), "agent_1": jnp.int32(2)}
    keys = jax.random.split(jax.random.key(3), count)
    obs = jax.jit(jax.vmap(lambda k: ENV.step(k, state, actions)[0]["agent_0"]))(keys)
    seen = np.asarray(obs).astype(int)
    first = (seen[:, 4] == 1).astype(int)
    assert np.array_equal(seen[:, 1] == 1, first == 0), "one of them gets the cell"
    code = 4 * first + 2 * seen[:, 6] + seen[:, 7]
    counts = np.bincount(code, minlength=8)
    expected = count * WEIGHTS
    # chi-square with 7 degrees of freedom: 0.9999 quantile
    assert np.sum((counts - expected) ** 2 / expected) < 29.88


def test_who_starts_where_is_even():
    keys = jax.random.split(jax.random.key(4), 100_000)
    obs, state = jax.jit(jax.vmap(ENV.reset))(keys)
    seen = np.asarray(obs["agent_1"]).astype(int)
    assert {tuple(row) for row in seen.tolist()} == STARTS
    assert abs(np.mean(seen[:, 0]) - 0.5) < 4 * 0.5 / np.sqrt(100_000)
    assert not np.any(state.time)


def test_episodes_start_anew():
    env = Gridworld(horizon=3)
    step = jax.jit(env.step)
    _, state = env.reset(jax.random.key(0))
    starts = []
    for t in range(1, 61):
        actions = {"agent_0": 1, "agent_1": 3}
        obs, state, _, dones, info = step(jax.random.key(t), state, actions)
        assert bool(dones["__all__"]) == bool(dones["agent_0"]) == (t % 3 == 0)
        assert int(state.time) == t % 3
        assert info["moves"].tolist() == [1.0, 1.0], "the step that was taken, not the new start"
        if t % 3 == 0:
            starts.append(tuple(obs["agent_0"].astype(int).tolist()))
        np.testing.assert_array_equal(obs["agent_1"], state.kitchen)
    assert set(starts) == STARTS


def test_the_return_of_uniform_play_is_the_exact_one():
    game = games.overcooked_gridworld(horizon=50)
    value = np.zeros((2, 8832))
    mean = game.rewards.reshape(8832, 2, 25).mean(axis=2).T
    for _ in range(50):
        ahead = np.stack([game.expected(v).reshape(8832, 25).mean(axis=1) for v in value])
        value = mean + ahead
    exact = value @ game.initial
    count = 8000

    @jax.jit
    def play(key):
        def step(carry, key):
            k_act, k_step = jax.random.split(key)
            a = jax.random.randint(k_act, (count, 2), 0, 5)
            actions = {"agent_0": a[:, 0], "agent_1": a[:, 1]}
            out = jax.vmap(ENV.step)(jax.random.split(k_step, count), carry, actions)
            return out[1], jnp.stack([out[2]["agent_0"], out[2]["agent_1"]])

        first, rest = jax.random.split(key)
        state = jax.vmap(ENV.reset)(jax.random.split(first, count))[1]
        return jax.lax.scan(step, state, jax.random.split(rest, 50))[1].sum(axis=0)

    found = np.asarray(play(jax.random.key(5)), np.float64)
    error = found.std(axis=1) / np.sqrt(count)
    assert np.all(np.abs(found.mean(axis=1) - exact) < 4 * error)


def test_states_and_rows_of_the_kitchen():
    rows = np.asarray(jax.vmap(lambda r: ENV.row_of(ENV.state_of(r)))(KITCHEN.states))
    np.testing.assert_array_equal(rows, KITCHEN.states)
    state = ENV.state_of([5, 0, 1, 1, 0, 1], time=7)
    assert state.kitchen.tolist() == [1, 0, 0, 0, 1, 1, 0, 1]
    assert int(state.time) == 7


def test_an_environment_like_any():
    train.check_environment(ENV)
    assert ENV.agents == ["agent_0", "agent_1"]
    assert ENV.observation_space("agent_0").high.tolist() == [4, 4, 1, 4, 4, 1, 1, 1]
    assert ENV.action_space("agent_1").n == 5
    assert Gridworld() == Gridworld(horizon=50) != Gridworld(horizon=49)
    assert isinstance(ENV, train.Environment)
    obs, _ = ENV.reset(jax.random.PRNGKey(0))
    assert obs["agent_0"].dtype == jnp.float32


@pytest.mark.parametrize("horizon", [0, -1, 2.5, True, "50"])
def test_horizons_out_of_range(horizon):
    with pytest.raises(ValueError, match="horizon must be a whole number >= 1"):
        Gridworld(horizon=horizon)


def test_unknown_agents():
    with pytest.raises(ValueError, match="agent must be one of 'agent_0', 'agent_1'; got 'x'"):
        ENV.action_space("x")
    with pytest.raises(ValueError, match="agent must be one of"):
        ENV.observation_space("agent_2")
