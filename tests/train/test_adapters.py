"""Games as environments, against the games' own tables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import sparse

import games
import rqe
from rqe import train

SHAPE = (2, 3, 2)


def random_markov(seed, shape, count, *, rows="dense", **ending):
    """A Markov game with every kind of row: certain, sparse, full."""
    rng = np.random.default_rng(seed)
    rewards = rng.normal(size=(count, len(shape), *shape))
    n = count * int(np.prod(shape))
    law = rng.dirichlet(np.full(count, 0.5), size=n)
    law[rng.random(law.shape) < 0.4] = 0.0
    law[np.arange(n), rng.integers(count, size=n)] += 0.1
    law[0] = np.eye(count)[count - 1]
    law /= law.sum(axis=1, keepdims=True)
    first = np.zeros(count)
    first[: count - 1] = rng.dirichlet(np.ones(count - 1))
    table = sparse.csr_array(law) if rows == "sparse" else law.reshape(count, *shape, count)
    return rqe.MarkovGame(rewards, table, initial=first, **ending)


def returns(env, key, count, steps, discount=1.0):
    """Discounted returns (count, N) of uniform play."""

    def step(carry, key):
        k_act, k_step = jax.random.split(key)
        actions = {
            a: jax.random.randint(jax.random.fold_in(k_act, i), (count,), 0, env.action_space(a).n)
            for i, a in enumerate(env.agents)
        }
        out = jax.vmap(env.step)(jax.random.split(k_step, count), carry, actions)
        return out[1], jnp.stack([out[2][a] for a in env.agents], axis=-1)

    @jax.jit
    def play(key):
        first, rest = jax.random.split(key)
        state = jax.vmap(env.reset)(jax.random.split(first, count))[1]
        return jax.lax.scan(step, state, jax.random.split(rest, steps))[1]

    paid = np.asarray(play(key), np.float64)
    return np.tensordot(discount ** np.arange(steps), paid, axes=1)


def uniform_step(game, value):
    """Expected rewards and values one step before, under uniform play, (N, S)."""
    axes = tuple(range(1, 1 + game.n_players))
    ahead = np.stack([game.expected(v).mean(axis=axes) for v in value])
    return game.rewards.mean(axis=tuple(a + 1 for a in axes)).T, ahead


# normal form


@pytest.mark.parametrize(
    "game",
    [
        games.free_riding(),
        games.random_game(shape=(2, 3, 4), seed=1),
        games.get("matching_pennies"),
    ],
    ids=lambda g: g.name or "three players",
)
def test_rewards_are_the_payoffs_of_every_joint_action(game):
    env = train.NormalFormEnvironment(game)
    train.check_environment(env)
    assert env.agents == list(game.players)
    assert [env.action_space(a).n for a in env.agents] == list(game.shape)
    joint = np.indices(game.shape).reshape(game.n_players, -1)
    _, state = env.reset(jax.random.key(0))
    actions = {a: jnp.asarray(joint[i]) for i, a in enumerate(env.agents)}
    play = jax.vmap(lambda a: env.step(jax.random.key(0), state, a))
    obs, _, rewards, dones, _ = jax.jit(play)(actions)
    for i, agent in enumerate(env.agents):
        np.testing.assert_allclose(rewards[agent], game.payoffs[i].ravel(), rtol=1e-6, atol=1e-7)
        assert np.all(obs[agent] == 1.0)
    assert np.all(dones["__all__"])


def test_repeated_plays():
    env = train.NormalFormEnvironment(games.stag_hunt(), horizon=3)
    _, state = env.reset(jax.random.key(0))
    over = []
    step = jax.jit(env.step)
    for t in range(7):
        _, state, _, dones, _ = step(jax.random.key(t), state, {"1": 0, "2": 1})
        over.append(bool(dones["__all__"]))
    assert over == [False, False, True] * 2 + [False]


def test_expected_payoffs_of_mixed_play():
    game = games.random_game(shape=SHAPE, seed=4)
    env = train.NormalFormEnvironment(game)
    found = returns(env, jax.random.key(2), 40_000, 1)
    exact = np.array([p.mean() for p in game.payoffs])
    error = found.std(axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - exact) < 4 * error)


# Markov games


@pytest.mark.parametrize("rows", ["dense", "sparse"])
def test_transitions_have_the_frequencies_of_the_tables(rows):
    game = random_markov(0, (2, 3), 7, rows=rows, discount=0.8)
    env = train.MarkovEnvironment(game, observe="index")
    draws = 4000
    states = np.repeat(np.arange(7), 6)
    joint = np.tile(np.indices((2, 3)).reshape(2, -1), 7)
    _, start = env.reset(jax.random.key(0))

    def one(state, a, b, key):
        place = start._replace(where=state)
        _, place, rewards, dones, _ = env.step(key, place, {"1": a, "2": b})
        return place.where, jnp.stack([rewards["1"], rewards["2"]]), dones["__all__"]

    keys = jax.random.split(jax.random.key(1), (42, draws))
    each = jax.vmap(jax.vmap(one, (None, None, None, 0)))
    after, paid, over = jax.jit(each)(jnp.asarray(states, jnp.int32), joint[0], joint[1], keys)
    counts = np.stack([np.bincount(row, minlength=7) for row in np.asarray(after)])
    law = game.transitions.toarray()
    assert np.all(counts[law == 0.0] == 0)
    spread = np.sqrt(draws * law * (1.0 - law))
    assert np.all(np.abs(counts - draws * law) <= 4.5 * spread + 1.0)
    expected = game.rewards.reshape(7, 2, 6).transpose(0, 2, 1).reshape(42, 1, 2)
    np.testing.assert_allclose(paid, np.broadcast_to(expected, paid.shape), rtol=1e-6, atol=1e-7)
    assert not np.any(over)


def test_draws_invert_the_cumulative_probabilities():
    """Over an even grid of numbers every next state comes up its share of times, to one."""
    game = random_markov(3, (1,), 33, discount=0.5)
    env = train.MarkovEnvironment(game)
    grid = (np.arange(50_000) + 0.5) / 50_000
    rows = np.arange(34)
    each = jax.vmap(jax.vmap(env._draws, (None, 0)), (0, None))
    found = jax.jit(each)(rows, jnp.float32(grid))
    counts = np.stack([np.bincount(row, minlength=33) for row in np.asarray(found)])
    law = np.vstack([game.transitions.toarray(), game.initial])
    assert np.max(np.abs(counts - 50_000 * law)) <= 1.01
    assert np.all(counts[law == 0.0] == 0)
    # the largest number below one stays within the row
    last = each(rows, jnp.full(1, 1.0 - 2.0**-24, jnp.float32))[:, 0]
    assert np.all(law[rows, np.asarray(last)] > 0.0)


def test_first_states_have_their_distribution():
    game = random_markov(0, (2, 3), 7, discount=0.8)
    env = train.MarkovEnvironment(game)
    obs, state = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(5), 50_000))
    counts = np.bincount(state.where, minlength=7)
    spread = np.sqrt(50_000 * game.initial * (1 - game.initial))
    assert np.all(np.abs(counts - 50_000 * game.initial) <= 4 * spread)
    np.testing.assert_array_equal(obs["1"], np.eye(7)[np.asarray(state.where)])
    fixed = train.MarkovEnvironment(game, initial=np.eye(7)[6])
    assert int(fixed.reset(jax.random.key(0))[1].where) == 6


def test_the_value_of_uniform_play_in_a_finite_game():
    """Three players with unequal numbers of actions."""
    game = random_markov(1, SHAPE, 6, rows="sparse", horizon=5)
    env = train.MarkovEnvironment(game)
    train.check_environment(env)
    value = np.zeros((3, 6))
    for _ in range(5):
        mean, ahead = uniform_step(game, value)
        value = mean + ahead
    found = returns(env, jax.random.key(3), 40_000, 5)
    error = found.std(axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - value @ game.initial) < 4 * error)


def test_the_value_of_uniform_play_in_a_discounted_game():
    game = random_markov(2, (2, 3), 6, discount=0.7)
    env = train.MarkovEnvironment(game)
    train.check_environment(env)
    value = np.zeros((2, 6))
    for _ in range(200):
        mean, ahead = uniform_step(game, value)
        value = mean + 0.7 * ahead
    # what comes after 50 steps counts less than 2e-8
    found = returns(env, jax.random.key(4), 40_000, 50, discount=0.7)
    error = found.std(axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - value @ game.initial) < 4 * error)


def test_the_exact_gridworld_is_an_environment_too():
    game = games.overcooked_gridworld(horizon=50)
    env = train.MarkovEnvironment(game, observe="index")
    value = np.zeros((2, 8832))
    for _ in range(50):
        mean, ahead = uniform_step(game, value)
        value = mean + ahead
    found = returns(env, jax.random.key(6), 4000, 50)
    error = found.std(axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - value @ game.initial) < 4 * error)


@pytest.mark.parametrize("observe", ["one-hot", "index"])
def test_observations_tell_state_and_step(observe):
    game = random_markov(1, (2, 2), 6, horizon=3)
    env = train.MarkovEnvironment(game, observe=observe)
    space = env.observation_space("1")
    obs, state = env.reset(jax.random.key(0))
    step = jax.jit(env.step_env)
    for t in range(3):
        where, time = int(state.where), int(state.time)
        assert time == t
        hot = np.concatenate([np.eye(6)[where], np.eye(3)[t]])
        expected = hot if observe == "one-hot" else [where, t]
        np.testing.assert_array_equal(obs["2"], expected)
        assert space.contains(obs["1"])
        obs, state, _, dones, _ = step(jax.random.key(t), state, {"1": 0, "2": 1})
    assert dones["__all__"]
    assert space.contains(obs["1"]), "the last observation, which training does not see"
    cut = train.MarkovEnvironment(random_markov(1, (2, 2), 6, discount=0.9), 2, observe)
    assert cut.observation_space("1").shape == ((6,) if observe == "one-hot" else (1,))
    _, state = cut.reset(jax.random.key(0))
    over = []
    step = jax.jit(cut.step)
    for t in range(4):
        obs, state, _, dones, _ = step(jax.random.key(t), state, {"1": 0, "2": 1})
        assert cut.observation_space("1").contains(obs["1"])
        over.append(bool(dones["__all__"]))
    assert over == [False, True, False, True]


def test_printing():
    game = games.stag_hunt()
    assert repr(train.NormalFormEnvironment(game, 3)) == (
        f"NormalFormEnvironment({game!r}, horizon=3)"
    )
    env = train.MarkovEnvironment(random_markov(1, (2, 2), 6, discount=0.9), 2, "index")
    assert env.name == "MarkovGame"
    assert repr(env).endswith("horizon=2, observe='index')")


MARKOV = random_markov(1, (2, 2), 3, discount=0.9)
FINITE = random_markov(1, (2, 2), 3, horizon=4)
NOWHERE = rqe.MarkovGame(np.zeros((1, 1, 1)), np.ones((1, 1, 1)), discount=0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: train.NormalFormEnvironment(MARKOV), "game must be a NormalFormGame; got Markov"),
        (lambda: train.NormalFormEnvironment(games.stag_hunt(), 0), "horizon must be a whole"),
        (
            lambda: train.NormalFormEnvironment(rqe.NormalFormGame([[1e39, 0.0]])),
            "payoffs below 3.4e38",
        ),
        (
            lambda: train.NormalFormEnvironment(
                rqe.NormalFormGame([[[1.0]], [[1.0]]], players=["x", "__all__"])
            ),
            "no player called '__all__'",
        ),
        (lambda: train.MarkovEnvironment(games.stag_hunt()), "game must be a MarkovGame"),
        (lambda: train.MarkovEnvironment(FINITE, horizon=4), "horizon must be left out"),
        (lambda: train.MarkovEnvironment(MARKOV, horizon=0), "horizon must be a whole number"),
        (lambda: train.MarkovEnvironment(MARKOV, observe="raw"), "observe must be one of"),
        (lambda: train.MarkovEnvironment(NOWHERE), "initial must be given"),
        (lambda: train.MarkovEnvironment(MARKOV, initial=[1.0]), "initial must be 3 probabilities"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(ValueError, match="agent must be one of"):
        train.MarkovEnvironment(MARKOV).action_space("3")
