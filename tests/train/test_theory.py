"""Training against theory: one-state and small Markov games, whose equilibria solvers know."""

import numpy as np
import pytest

import rqe

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")
pytest.importorskip("optax")

from rqe import train  # noqa: E402

TAU, EPSILON = 10.0, 0.1
PENNIES = rqe.NormalFormGame([np.array([[9.0, 0.0], [0.0, 1.0]]) / 4, [[0.0, 1.0], [1.0, 0.0]]])
"""Asymmetric matching pennies, where the two divergences and risk neutrality lie far apart."""
ONE_STATE = {
    "n_envs": 64, "n_steps": 4, "epochs": 1, "hidden": (), "anneal": True, "rows": (1,),
    "epsilon": EPSILON,
}  # fmt: skip
"""Linear softmax policies, many small updates, a learning rate that falls to zero."""
RISKS = {"kl": rqe.Entropic, "reverse_kl": rqe.ReverseKL}


def strategies(config, seed=0):
    """Final strategies of every seat of a one-state environment."""
    found = jax.jit(train.make_train(config))(jax.random.key(seed)).policies
    seats = range(len(config.env.agents))
    return [np.exp(np.asarray(found.logits(j, jnp.ones(1)), np.float64)) for j in seats]


def equilibrium(game, risk, epsilon=EPSILON, **options):
    agents = [rqe.Agent(risk, rqe.NegEntropy(epsilon))] * game.n_players
    return [np.asarray(x) for x in rqe.solve(game, agents, **options).strategies]


def gap(one, other):
    return max(float(np.abs(x - y).max()) for x, y in zip(one, other, strict=True))


def test_the_three_equilibria_are_where_the_paper_puts_them_and_far_apart():
    targets = {
        "kl": (0.227, 0.559),
        "reverse_kl": (0.356, 0.528),
    }
    found = {name: equilibrium(PENNIES, risk(TAU)) for name, risk in RISKS.items()}
    found["qre"] = equilibrium(PENNIES, rqe.Neutral())
    targets["qre"] = (0.601, 0.116)
    for name, target in targets.items():
        np.testing.assert_allclose([x[0] for x in found[name]], target, atol=6e-4)
    for one in found:
        for other in found:
            assert one == other or gap(found[one], found[other]) > 0.05


@pytest.mark.parametrize("divergence", ["kl", "reverse_kl"])
@pytest.mark.parametrize("adversary", ["learned", "closed-form"])
def test_srpo_learns_the_equilibrium_of_its_divergence(divergence, adversary):
    learned = adversary == "learned"
    settings = ONE_STATE | {
        "steps": 5_000_000 if learned else 1_000_000,
        "learning_rate": 2e-3 if learned else 5e-3,
    }
    algorithm = train.SRPO(TAU, divergence, adversary)
    found = strategies(train.Config(train.NormalFormEnvironment(PENNIES), algorithm, **settings))
    assert gap(found, equilibrium(PENNIES, RISKS[divergence](TAU))) < 0.02
    other = {"kl": "reverse_kl", "reverse_kl": "kl"}[divergence]
    assert gap(found, equilibrium(PENNIES, RISKS[other](TAU))) > 0.05
    assert gap(found, equilibrium(PENNIES, rqe.Neutral())) > 0.05


def test_ippo_learns_the_quantal_response_equilibrium():
    settings = ONE_STATE | {"steps": 2_000_000, "learning_rate": 1e-2}
    env = train.NormalFormEnvironment(PENNIES)
    found = strategies(train.Config(env, train.IPPO(), **settings))
    assert gap(found, equilibrium(PENNIES, rqe.Neutral())) < 0.02


@pytest.mark.parametrize(("shape", "seed"), [((2, 3), 1), ((2, 2, 2), 2)])
def test_the_exact_adversary_holds_joint_beliefs_in_random_games(shape, seed):
    rng = np.random.default_rng(seed)
    game = rqe.NormalFormGame([rng.random(shape) for _ in shape])
    settings = ONE_STATE | {"steps": 1_500_000, "learning_rate": 5e-3, "epsilon": 0.3}
    algorithm = train.SRPO(3.0, "kl", "closed-form")
    env = train.NormalFormEnvironment(game)
    found = strategies(train.Config(env, algorithm, **settings))
    assert gap(found, equilibrium(game, rqe.Entropic(3.0), 0.3)) < 0.02


def markov_game():
    """In the first state play is noisy, and leads on; in the second everyone knows what to do."""
    rewards = np.zeros((2, 2, 2, 2))
    rewards[0] = [[[1.0, 0.0], [0.2, 0.6]], [[0.3, 1.0], [0.0, 0.5]]]
    rewards[1] = [[[0.6, 0.6], [-0.9, -0.9]], [[0.6, -0.9], [0.6, -0.9]]]
    transitions = np.zeros((2, 2, 2, 2))
    transitions[0, 0], transitions[0, 1] = [0.9, 0.1], [0.2, 0.8]
    transitions[1, :, 0], transitions[1, :, 1] = [0.7, 0.3], [0.1, 0.9]
    return rqe.MarkovGame(rewards, transitions, discount=0.7, initial=[0.5, 0.5])


def learned_policies(game, penalty, seed=0):
    config = train.Config(
        train.MarkovEnvironment(game), train.SRPO(2.0, "kl", "closed-form"), epsilon=0.3,
        steps=4_000_000, n_envs=64, n_steps=16, learning_rate=5e-3, anneal=True, epochs=2,
        hidden=(), discount=0.7, gae_lambda=0.5, penalty=penalty, reset=False, rows=(2,),
    )  # fmt: skip
    found = jax.jit(train.make_train(config))(jax.random.key(seed)).policies
    return [np.exp(np.asarray(found.logits(j, jnp.eye(2)), np.float64)) for j in range(2)]


def test_srpo_learns_the_equilibrium_of_a_markov_game_if_penalties_count_as_rewards():
    game = markov_game()
    target = [np.asarray(x) for x in rqe.solve_rqe(game, tau=2.0, epsilon=0.3).policies]
    right, usual = (gap(learned_policies(game, p), target) for p in ("reward", "loss"))
    assert right < 0.01
    # what stays in the loss is not foreseen: another fixed point
    assert usual > 0.015
