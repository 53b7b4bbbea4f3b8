"""The trainer: bits, plans, schedules, the other algorithms, and what it refuses."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import games
import rqe

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")
pytest.importorskip("optax")

from games.overcooked import Gridworld  # noqa: E402
from rqe import train  # noqa: E402
from rqe.train import learn, samples  # noqa: E402
from rqe.train.rollout import Rollout  # noqa: E402

GRID = {"steps": 768, "n_envs": 4, "n_steps": 32, "hidden": (8,), "rows": ()}
"""Tiny runs on the gridworld."""
ONE_STATE = {"n_envs": 64, "n_steps": 4, "epochs": 1, "hidden": (), "anneal": True, "rows": (1,)}


def quick(function):
    """Compiled in a hurry, for runs so short that compilation is all they take."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def leaves(tree):
    return [np.asarray(a) for a in jax.tree.leaves(tree)]


def same(one, other):
    """Equal to the bit."""
    pairs = zip(leaves(one), leaves(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def strategies(env, algorithm, key=0, **settings):
    found = jax.jit(train.make_train(train.Config(env, algorithm, **settings)))
    policies = found(jax.random.key(key)).policies
    seats = range(policies.n_seats)
    return [np.exp(np.asarray(policies.logits(j, jnp.ones(1)), np.float64)) for j in seats]


@dataclass(frozen=True)
class Pinned:
    """SRPO whose adversary is the partner: a phase an agent, on the same random numbers."""

    name: str = "pinned"

    def plan(self, n_agents):
        whole = train.IPPO().plan(n_agents)
        (phase,) = whole.phases
        return replace(
            whole, phases=tuple(replace(phase, objectives=(goal,)) for goal in phase.objectives)
        )


def test_with_its_adversary_pinned_to_the_partner_srpo_is_ippo_to_the_bit():
    env = Gridworld()
    found = []
    for algorithm, phases in ((train.IPPO(), 1), (Pinned(), 2)):
        trainer = train.Trainer(train.Config(env, algorithm, **GRID | {"steps": 768 * phases}))
        assert len(trainer.plan.phases) == phases
        state = trainer.begin(jax.random.key(3))
        state, _ = jax.jit(lambda s, t=trainer: t.advance(s, 6))(state)
        found.append(state.learners)
    assert same(found[0], found[1])


def test_the_same_key_gives_the_same_bits_alone_and_beside_others():
    config = train.Config(Gridworld(), train.SRPO(divergence="kl"), **GRID)
    alone = quick(train.make_train(config))(jax.random.key(1))
    # compiled anew, from another function
    assert same(alone, quick(train.make_train(config))(jax.random.key(1)))
    keys = jax.vmap(jax.random.key)(jnp.arange(3))
    stacked = quick(jax.vmap(train.make_train(config)))(keys)
    # another program may round otherwise
    for a, b in zip(leaves(alone.policies), leaves(stacked.policies[1]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert not same(stacked.policies[0], stacked.policies[1])


def made_up(rng, kinds):
    """A rollout of the gridworld's sizes, of so many kinds of observations."""
    seen = rng.normal(size=(kinds, 8)).astype(np.float32)[rng.integers(0, kinds, size=(9, 8))]
    return Rollout(
        (jnp.asarray(seen),) * 2, (None, None), jnp.asarray(rng.integers(0, 5, size=(8, 8, 2))),
        jnp.asarray(rng.normal(size=(8, 8, 2)), jnp.float32),
        jnp.asarray(rng.random((8, 8)) < 0.2, jnp.float32), jnp.zeros(8, jnp.int32), (),
    )  # fmt: skip


@pytest.mark.parametrize("adversary", ["learned", "closed-form"])
def test_a_table_of_distinct_observations_changes_nothing_but_rounding(adversary):
    """Few observations, some, and more than the tables hold."""
    algorithm = train.SRPO(divergence="kl", adversary=adversary)

    def learner(rows):
        config = train.Config(Gridworld(), algorithm, **GRID | {"rows": rows, "penalty": "reward"})
        trainer = train.Trainer(config)
        state = trainer.begin(jax.random.key(2))
        return quick(
            lambda rollout: learn.learn(
                config, trainer.seats, trainer.plan, trainer.plan.phases[1], state.learners,
                rollout, 0.0, jax.random.key(0),
            )
        )  # fmt: skip

    full, tables = learner(()), learner((6, 30))
    rng = np.random.default_rng(0)
    for kinds in (5, 25, 60):
        rollout = made_up(rng, kinds)
        one, other = full(rollout), tables(rollout)
        count = len(np.unique(np.asarray(rollout.obs[0]).reshape(-1, 8), axis=0))
        assert int(other[1]["rows"]) == count
        assert (count <= 6, 6 < count <= 30, count > 30).index(True) == (5, 25, 60).index(kinds)
        for a, b in zip(leaves(one), leaves(other), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


def test_advantages_come_from_one_recursion_a_phase(monkeypatch):
    calls = []
    real = samples.advantages

    def counted(rewards, *rest):
        calls.append(rewards.shape)
        return real(rewards, *rest)

    monkeypatch.setattr(samples, "advantages", counted)
    trainer = train.Trainer(train.Config(Gridworld(), train.SRPO(), **GRID))
    state = jax.eval_shape(trainer.begin, jax.random.key(0))
    jax.eval_shape(trainer.step, state)
    # two phases; an agent and its adversary in each, on the last axis
    assert calls == [(32, 4, 2), (32, 4, 2)]


def test_an_update_is_as_long_as_the_budget_says_for_every_algorithm():
    for algorithm, phases in ((train.IPPO(), 1), (train.SRPO(), 2), (train.SRPO(shared=True), 1)):
        config = train.Config(Gridworld(), algorithm, steps=100_000)
        assert config.interactions_per_update == 1024 * phases
        assert 100_000 - 1024 * phases < config.interactions <= 100_000


def test_adversaries_begin_as_copies_of_the_partner():
    state = train.Trainer(train.Config(Gridworld(), train.SRPO(), **GRID)).begin(jax.random.key(0))
    one, two, against_one, against_two = (k.actor for k in state.learners)
    assert same(against_one, two)
    assert same(against_two, one)
    assert not same(one, two)


def test_a_run_goes_on_from_given_policies():
    config = train.Config(Gridworld(), train.IPPO(), **GRID)
    first = train.Trainer(config)
    begun = first.policies(first.begin(jax.random.key(0)))
    trainer = train.Trainer(replace(config, algorithm=train.SRPO()))
    state = trainer.begin(jax.random.key(1), begun)
    assert same(trainer.policies(state), begun)


def test_degrees_move_by_equal_factors():
    config = train.Config(Gridworld(), train.SRPO(8.0, final_tau=2.0), epsilon=1.0,
                          final_epsilon=0.01, **GRID)  # fmt: skip
    plan = config.plan
    assert [float(plan.at(p).risk.tau) for p in (0.0, 0.5, 1.0)] == pytest.approx([8.0, 4.0, 2.0])
    assert [float(config.epsilons_at(p, 2)[1]) for p in (0.0, 0.5, 1.0)] == pytest.approx(
        [1.0, 0.1, 0.01]
    )
    still = train.SRPO(8.0).plan(2)
    assert still.at(0.5) is still


def test_a_fictitious_partner_is_answered_as_its_pool_plays():
    """Two members who play heads with 0.9 and 0.5: on average 0.7."""
    env = train.NormalFormEnvironment(games.matching_pennies())
    nets = [[(jnp.zeros((1, 2)), jnp.log(jnp.array([p, 1.0 - p])))] for p in (0.9, 0.5)]
    pool = train.stack([train.Policies((net, net)) for net in nets])
    found = strategies(
        env, train.FictitiousCoPlay(pool), epsilon=0.5, steps=1_000_000, learning_rate=1e-2,
        **ONE_STATE,
    )  # fmt: skip
    # the matcher gains 0.8 by heads, the other loses it: quantal replies at epsilon = 0.5
    heads = 1.0 / (1.0 + np.exp(-0.8 / 0.5))
    assert found[0][0] == pytest.approx(heads, abs=0.02)
    assert found[1][0] == pytest.approx(1.0 - heads, abs=0.02)


def test_a_pure_adversary_leaves_security_play():
    """Each fears the worst: the row player's maximin with entropy."""
    game = rqe.NormalFormGame([[[3.0, 0.0], [1.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]]])
    algorithm = train.PureAdversary(divergence="kl", adversary="closed-form")
    found = strategies(
        train.NormalFormEnvironment(game), algorithm, epsilon=0.2, steps=1_000_000,
        learning_rate=2e-2, **ONE_STATE,
    )  # fmt: skip
    exact = rqe.solve_rqe(game, tau=np.inf, epsilon=0.2).strategies
    for x, y in zip(found, exact, strict=True):
        np.testing.assert_allclose(x, y, atol=0.02)


def test_one_shared_policy_plays_both_seats():
    mine = np.array([[0.0, 3.0], [1.0, 1.5]])
    game = rqe.NormalFormGame([mine, mine.T])
    env = train.NormalFormEnvironment(game)
    settings = ONE_STATE | {"epsilon": 0.3, "steps": 1_000_000, "learning_rate": 1e-2}
    one, two = strategies(env, train.SelfPlay(), **settings)
    np.testing.assert_array_equal(one, two)
    neutral = rqe.solve_qre(game, epsilon=0.3).strategies[0]
    np.testing.assert_allclose(one, neutral, atol=0.02)
    averse, _ = strategies(env, train.SRPO(2.0, "kl", shared=True), **settings)
    target = rqe.solve_rqe(game, tau=2.0, epsilon=0.3).strategies[0]
    np.testing.assert_allclose(averse, target, atol=0.02)
    assert np.abs(target - neutral).max() > 0.3


def half_against(payoffs, tau, epsilon):
    """Strategies where each of three players meets, half of the time each, one adverse seat.

    The adversary of a seat tilts that seat's own strategy: ``y ∝ x exp(-tau u)``, with ``u`` what
    the player it is against gets on average.
    """
    x = [np.full(2, 0.5)] * 3
    for _ in range(2000):
        replies = []
        for i, u in enumerate(payoffs):
            u = np.moveaxis(u, i, 0)
            one, two = (x[j] for j in range(3) if j != i)
            against_one = one * np.exp(-tau * np.einsum("a,abc,c->b", x[i], u, two))
            against_two = two * np.exp(-tau * np.einsum("a,abc,b->c", x[i], u, one))
            worth = np.einsum("abc,b,c->a", u, against_one / against_one.sum(), two)
            worth = worth + np.einsum("abc,b,c->a", u, one, against_two / against_two.sum())
            reply = np.exp(0.5 * worth / epsilon)
            replies.append(reply / reply.sum())
        change = max(np.abs(a - b).max() for a, b in zip(x, replies, strict=True))
        x = [0.8 * a + 0.2 * b for a, b in zip(x, replies, strict=True)]
    assert change < 1e-12
    return x


def test_with_three_agents_one_seat_or_all_others_are_adverse():
    payoffs = np.random.default_rng(43).random((3, 2, 2, 2))
    game = rqe.NormalFormGame(list(payoffs))
    others, seat = train.SRPO().plan(3), train.SRPO(control="seat").plan(3)
    assert len(others.homes) == len(seat.homes) == 9
    assert [len(p.casts) for p in others.phases] == [1, 1, 1]
    for i, phase in enumerate(seat.phases):
        assert len(phase.casts) == 2
        # one other seat is the adversary's, the third agent plays its own
        assert all(sum(k >= 3 for k in cast) == 1 and cast[i] == i for cast in phase.casts)
    exact = half_against(payoffs, 5.0, 0.2)
    found = strategies(
        train.NormalFormEnvironment(game), train.SRPO(5.0, "kl", control="seat"), epsilon=0.2,
        steps=4_000_000, learning_rate=5e-3, **ONE_STATE,
    )  # fmt: skip
    for x, y in zip(found, exact, strict=True):
        np.testing.assert_allclose(x, y, atol=0.02)
    # neither without adversaries nor with both others adverse
    for tau in (0.0, 5.0):
        elsewhere = rqe.solve_rqe(game, tau=tau, epsilon=0.2).strategies
        assert max(np.abs(x - y).max() for x, y in zip(exact, elsewhere, strict=True)) > 0.1


def test_unequal_seats_train_and_what_must_be_alike_is_refused():
    game = rqe.NormalFormGame([np.arange(6.0).reshape(2, 3), -np.arange(6.0).reshape(2, 3)])
    env = train.NormalFormEnvironment(game)
    found = strategies(env, train.SRPO(0.1), steps=2048, n_steps=32, hidden=(4,))
    assert [x.size for x in found] == [2, 3]
    with pytest.raises(ValueError, match="same size for a shared policy"):
        train.Trainer(train.Config(env, train.SelfPlay(), steps=2048))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1; got 0"),
        ({"steps": 10}, "steps must be at least the 1024 of one update; got 10"),
        ({"epsilon": -0.1}, "epsilon must be >= 0 and finite; got -0.1"),
        ({"epsilon": (0.1, 0.2, 0.3)}, "epsilon must be one number or 2"),
        ({"epsilon": 0.0, "final_epsilon": 0.1}, "final_epsilon must be positive"),
        ({"discount": 1.5}, r"discount must be in \[0, 1\]; got 1.5"),
        ({"gae_lambda": float("nan")}, "gae_lambda must be"),
        ({"learning_rate": 0.0}, "learning_rate must be positive; got 0.0"),
        ({"minibatches": 3}, "minibatches must divide the 1024 samples of a phase; got 3"),
        ({"max_grad_norm": 0.0}, "max_grad_norm must be positive or None; got 0.0"),
        ({"penalty": "both"}, "penalty must be 'loss' or 'reward'; got 'both'"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        train.Config(Gridworld(), train.IPPO(), **settings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tau": 0.0}, "tau must be positive"),
        ({"tau": float("nan")}, "tau must be positive"),
        ({"divergence": "tv"}, "divergence must be one of 'reverse_kl', 'kl'; got 'tv'"),
        ({"adversary": "none"}, "adversary must be one of"),
        ({"adversary": "closed-form", "shared": True}, "adversary must be 'learned'"),
        ({"final_tau": -1.0}, "final_tau must be positive"),
        ({"tau": float("inf"), "final_tau": 1.0}, "final_tau must be positive"),
    ],
)
def test_bad_algorithms_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        train.SRPO(**arguments)


def test_minibatches_learn_too():
    env = train.NormalFormEnvironment(games.stag_hunt())
    settings = ONE_STATE | {"epochs": 2, "minibatches": 4, "epsilon": 1.0, "steps": 500_000}
    found = strategies(env, train.IPPO(), learning_rate=3e-3, **settings)
    exact = rqe.solve_qre(games.stag_hunt(), epsilon=1.0).strategies
    for x, y in zip(found, exact, strict=True):
        np.testing.assert_allclose(x, y, atol=0.03)
