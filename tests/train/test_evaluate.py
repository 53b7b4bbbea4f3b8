"""Cross-play against exact values, seats and lists in their places, the same bits each time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import SIZES, Switches

import games
from games.overcooked import Gridworld
from rqe import NormalFormGame, train
from rqe.train.networks import network

KITCHEN = games.overcooked_kitchen()
EVENTS = ("pickups", "deliveries", "moves", "collisions")
HORIZON = 50


def policies(seed, runs, sizes, scale=1.0):
    """Random runs; larger outputs make firmer policies."""

    def one(key):
        nets = []
        for k, (wide, out) in zip(jax.random.split(key, len(sizes)), sizes, strict=True):
            *hidden, (weights, biases) = network(k, (wide, 16, out))
            nets.append([*hidden, (scale * weights, scale * biases)])
        return train.Policies(tuple(nets))

    return jax.vmap(one)(jax.random.split(jax.random.key(seed), runs))


def kitchen_policy(layers):
    """What a network does in every state of the kitchen, with nothing but numpy; (S, 5)."""
    a, carries, b, other, east, south = KITCHEN.states.T
    x = np.stack([a // 5, a % 5, carries, b // 5, b % 5, other, east, south], axis=1).astype(float)
    layers = [[np.asarray(v, np.float64) for v in layer] for layer in layers]
    for weights, biases in layers[:-1]:
        x = np.tanh(x @ weights + biases)
    weights, biases = layers[-1]
    logits = x @ weights + biases
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True)


def exactly(first, second, steps):
    """Expected returns and events of two policies, by the state's distribution step by step."""
    joint = kitchen_policy(first)[:, :, None] * kitchen_policy(second)[:, None, :]
    here = {name: np.einsum("sab,siab->si", joint, KITCHEN.events[name]) for name in EVENTS}
    start = np.zeros(len(KITCHEN.states))
    start[KITCHEN.starts] = 0.5
    state, sums = start, {name: np.zeros(2) for name in EVENTS}
    for step in range(steps):
        if step % HORIZON == 0:
            state = start
        for name in EVENTS:
            sums[name] = sums[name] + state @ here[name]
        state = KITCHEN.transitions.T @ (state[:, None, None] * joint).ravel()
    shared = sums["pickups"].sum() + 10.0 * sums["deliveries"].sum()
    return shared - 0.2 * sums["moves"] - 2.0 * sums["collisions"], sums


def test_the_kitchen_in_expectation():
    rows, columns = policies(0, 2, [(8, 5)] * 2, 4.0), policies(1, 2, [(8, 5)] * 2, 4.0)
    found = train.crossplay(
        Gridworld(HORIZON), rows, columns, jax.random.key(2), episodes=1024, steps=128
    )
    assert found.returns.shape == (2, 2, 2)
    scores, largest = [], 0.0
    for i, j in np.ndindex(2, 2):
        first = jax.tree.map(lambda a, i=i: a[i], rows.params[0])
        second = jax.tree.map(lambda a, j=j: a[j], columns.params[1])
        returns, events = exactly(first, second, 128)
        scores.append((found.returns[i, j] - returns) / found.errors[i, j])
        total = found.total[i, j] - returns.sum()
        scores.append([total / found.total_errors[i, j]])
        for name in EVENTS:
            error = np.maximum(found.event_errors[name][i, j], 1e-3)
            scores.append((found.events[name][i, j] - events[name]) / error)
            largest = max(largest, float(found.event_errors[name].max()))
    scores = np.concatenate(scores)
    assert np.abs(scores).max() < 4.0
    # about as far away as standard errors say, not much nearer either
    assert 0.5 < np.sqrt(np.mean(scores**2)) < 1.6
    # and these are small enough to notice a wrong order of moves, a late reset, a swapped seat
    assert largest < 0.6


def pure(*choices):
    """Runs that play one action for certain; for each seat: numbers seen, actions, each run's."""
    seats = []
    for seen, actions, chosen in choices:
        biases = 80.0 * jax.nn.one_hot(jnp.asarray(chosen), actions)
        seats.append([(jnp.zeros((len(chosen), seen, actions)), biases)])
    return train.Policies(tuple(seats))


def test_three_players_sit_where_they_should():
    payoffs = np.random.default_rng(0).integers(-9, 9, (3, 2, 3, 4)).astype(float)
    env = train.NormalFormEnvironment(NormalFormGame(payoffs))
    rows = pure((1, 2, [0, 1]), (1, 3, [0, 0]), (1, 4, [0, 0]))
    columns = pure((1, 2, [0, 0, 0]), (1, 3, [0, 1, 2]), (1, 4, [3, 1, 2]))
    found = train.crossplay(env, rows, columns, jax.random.key(0), episodes=2, steps=5)
    for i, j in np.ndindex(2, 3):
        np.testing.assert_array_equal(
            found.returns[i, j], 5.0 * payoffs[:, i, [0, 1, 2][j], [3, 1, 2][j]]
        )
    np.testing.assert_array_equal(found.total, found.returns.sum(axis=-1))
    assert found.agents == ("1", "2", "3")
    assert found.events == {}
    assert not np.any(found.errors)
    assert not np.any(found.total_errors)
    alone = train.crossplay(env, rows[0], columns[1], jax.random.key(0), episodes=1, steps=1)
    np.testing.assert_array_equal(alone.returns[0, 0], payoffs[:, 0, 1, 1])
    assert np.all(np.isnan(alone.errors))


def test_mixed_strategies_of_a_matrix_game():
    game = games.free_riding(cost=0.4)
    env = train.NormalFormEnvironment(game, horizon=3)
    runs = policies(3, 2, [(1, 2)] * 2, 6.0)
    found = train.crossplay(env, runs, runs, jax.random.key(5), episodes=2000, steps=7)
    for i, j in np.ndindex(2, 2):
        x = np.exp(runs[i].logits(0, jnp.ones(1)))
        y = np.exp(runs[j].logits(1, jnp.ones(1)))
        expected = [7.0 * x @ payoff @ y for payoff in game.payoffs]
        second = [7.0 * (x @ payoff**2 @ y - (x @ payoff @ y) ** 2) for payoff in game.payoffs]
        assert np.all(np.abs(found.returns[i, j] - expected) < 4.0 * found.errors[i, j])
        np.testing.assert_allclose(found.errors[i, j], np.sqrt(np.array(second) / 2000), rtol=0.1)


def test_illegal_actions_are_not_played():
    # everyone wants action 1, which may not be played twice running: 1, 0, 1, 0, ... for agent a
    fond = pure((2, 2, [1]), (1, 3, [1]), (3, 4, [1]))
    found = train.self_play(Switches(), fond, jax.random.key(0), episodes=8, steps=15)
    # episodes of six steps, so ones in steps 1, 3, 5, 7, ..., 13, 15
    assert found.returns[0, 0] == 80.0
    # the others fall back on one of several, each as likely
    assert found.returns[0, 2] > 80.0
    assert found.agents == ("a", "b", "c")
    assert found.events == {}


class Counted(Switches):
    """Info of every form."""

    def get_avail_actions(self, state):
        return {a: jnp.ones(n, bool) for a, n in SIZES.items()}

    def step_env(self, key, state, actions):
        obs, state, rewards, dones, _ = super().step_env(key, state, actions)
        info = {
            "played": {a: actions[a] for a in self.agents},
            "listed": jnp.arange(3) == 1,
            "wide": jnp.ones((3, 3)),
            "some": {"a": 1.0},
            "number": 1.0,
        }
        return obs, state, rewards, dones, info


def test_events_are_what_is_said_of_each_agent():
    run = pure((2, 2, [1]), (1, 3, [2]), (3, 4, [3]))
    found = train.self_play(Counted(), run, jax.random.key(0), episodes=2, steps=4)
    assert set(found.events) == {"played", "listed"}
    np.testing.assert_array_equal(found.events["played"], [[4.0, 8.0, 12.0]])
    np.testing.assert_array_equal(found.events["listed"], [[0.0, 4.0, 0.0]])


def same(a, b):
    np.testing.assert_array_equal(a.returns, b.returns)
    np.testing.assert_array_equal(a.errors, b.errors)
    np.testing.assert_array_equal(a.total_errors, b.total_errors)


def test_a_pair_is_the_same_to_the_bit_in_whatever_company(monkeypatch):
    env, key = train.NormalFormEnvironment(games.free_riding(), horizon=3), jax.random.key(7)
    runs = policies(4, 4, [(1, 2)] * 2)
    options = {"episodes": 16, "steps": 20}
    done = []
    whole = train.crossplay(
        env, runs, runs, key, progress=lambda now, total: done.append((now, total)), **options
    )
    assert done == [(16, 16)]
    # old keys are taken as well
    same(whole, train.crossplay(env, runs, runs, jax.random.PRNGKey(7), **options))
    same(whole.diagonal(), train.self_play(env, runs, key, **options))
    part = train.crossplay(env, runs[:2], runs[:3], key, **options)
    np.testing.assert_array_equal(part.returns, whole.returns[:2, :3])
    # three pairs at a time, and a last part that is filled up
    monkeypatch.setattr("rqe.train.evaluate.TOGETHER", 48)
    done.clear()
    cut = train.crossplay(
        env, runs, runs, key, progress=lambda now, total: done.append((now, total)), **options
    )
    same(whole, cut)
    assert done == [(3, 16), (6, 16), (9, 16), (12, 16), (15, 16), (16, 16)]
    other = train.crossplay(env, runs, runs, jax.random.key(8), **options)
    assert np.mean(other.returns != whole.returns) > 0.9
    # seats are kept apart: the matrix is no mirror image of itself
    assert not np.array_equal(whole.total, whole.total.T)


def test_results_are_read_only_and_tabulated():
    runs = policies(4, 2, [(8, 5)] * 2)
    found = train.crossplay(Gridworld(), runs, runs, jax.random.key(0), episodes=2, steps=3)
    with pytest.raises(ValueError, match="read-only"):
        found.returns[0, 0, 0] = 1.0
    table, alone = found.table(), found.diagonal()
    assert table.columns[:4] == ("row", "column", "total", "total_error")
    assert table.column("row") == (0, 0, 1, 1)
    assert table.column("column") == (0, 1, 0, 1)
    np.testing.assert_array_equal(
        table.column("moves_agent_1"), found.events["moves"][..., 1].ravel()
    )
    np.testing.assert_array_equal(table.column("return_agent_0"), found.returns[..., 0].ravel())
    assert alone.table().column("run") == (0, 1)
    assert alone.table().column("total") == table.column("total")[::3]
    assert "2 x 2 pairs" in repr(found)
    assert "2 runs" in repr(alone)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 3}, "rows must be Policies; got int"),
        (
            {"columns": policies(0, 1, [(8, 5)] * 3)},
            "columns must have .* 2 agents; got 3",
        ),
        ({"rows": policies(0, 1, [(7, 5)] * 2)}, "rows .* 8 observed numbers .* got 7 and 5"),
        ({"columns": policies(0, 1, [(8, 5), (8, 4)])}, "'agent_1'; got 8 and 4"),
        ({"episodes": 0}, "episodes must be a whole number >= 1; got 0"),
        ({"steps": 2.5}, "steps must be a whole number"),
    ],
)
def test_refusals(change, message):
    runs = policies(0, 2, [(8, 5)] * 2)
    given = {"env": Gridworld(), "rows": runs, "columns": runs, "key": jax.random.key(0)} | change
    with pytest.raises(ValueError, match=message):
        train.crossplay(**given)


def test_policies_that_diverged_are_refused():
    runs = policies(0, 4, [(8, 5)] * 2)
    seats = list(runs.params)
    (weights, biases), *rest = seats[1]
    seats[1] = [(weights.at[1, 0, 0].set(jnp.nan), biases.at[3, 2].set(jnp.inf)), *rest]
    broken = train.Policies(tuple(seats))
    with pytest.raises(ValueError, match=r"runs must be finite; .*'agent_1' .* \[1, 3\]"):
        train.self_play(Gridworld(), broken, jax.random.key(0))


def test_only_squares_have_diagonals():
    zero = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"square cross-play; got \(2, 3\)"):
        train.CrossPlay(("a",), zero[..., None], zero[..., None], zero, zero).diagonal()
