"""Policy gradients: derivations, histories one by one, a game by hand, equilibria, misreadings."""

import histories
import numpy as np
import pytest
import sympy as sp

import rqe
from rqe.analysis.theorems import get
from rqe.analysis.theorems._markov import (
    Scene,
    by_complex_step,
    joint_play,
    point,
    random_game,
    seat,
)
from rqe.analysis.theorems.policy_gradient import (
    BOUNDS,
    MISREAD,
    adversary_gradient,
    misread,
    partner_gradient,
    player_gradient,
)
from rqe.solvers._markov_stage import Stages
from rqe.solvers.markov_regret import policy_outcome, policy_values

STATEMENT = get("policy_gradient")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    table = STATEMENT.check(12, 1)
    assert sum(table.column("violations")) == 0
    assert table.column("draws") == (12,) * len(BOUNDS) + (3, 3)


def test_every_misreading_fails_every_time():
    assert misread(12, 1).column("violations") == (12,) * len(MISREAD)


def differences(value, logits):
    """Central differences by each logit."""
    out = np.zeros(logits.shape)
    for index in np.ndindex(logits.shape):
        step = np.zeros(logits.shape)
        step[index] = 1e-4
        out[index] = (value(logits + step) - value(logits - step)) / 2e-4
    return out


@pytest.mark.parametrize("seed", [0, 1])
def test_gradients_are_those_of_the_value_by_histories(seed):
    game, rng = histories.random_game(seed)
    tau, epsilon = 2.0, 0.3
    agents = [rqe.Agent(rqe.Entropic(tau), rqe.NegEntropy(epsilon))] * 2
    theta, phi, partner = rng.normal(size=(3, 2, 2))
    x, p, q = map(histories.softmax, (theta, phi, partner))
    place = seat(game, agents, 0)

    def value(theta, phi, partner):
        return histories.worth(game, tau, epsilon, *map(histories.softmax, (theta, phi, partner)))

    own = differences(lambda z: value(z, phi, partner), theta)
    against = differences(lambda z: value(theta, z, partner), phi)
    pull = differences(lambda z: value(theta, phi, z), partner)
    scene = Scene(game, tuple(agents), (x, q), (p, x), 0)
    assert player_gradient(place, x, p, q) == pytest.approx(own, abs=2e-7)
    assert adversary_gradient(place, x, p, q) == pytest.approx(against, abs=2e-7)
    assert partner_gradient(scene, 1) == pytest.approx(pull, abs=2e-7)
    assert min(np.abs(g).max() for g in (own, against, pull)) > 0.03


def two_states(epsilon, tau=1.0):
    """The counterexample's game: the partner's first action moves play on to where it pays."""
    rewards = np.zeros((2, 2, 2, 2))
    rewards[1, 0, 0] = 1.0
    transitions = np.zeros((2, 2, 2, 2))
    transitions[0, :, 0, 1] = transitions[0, :, 1, 0] = transitions[1, :, :, 1] = 1.0
    game = rqe.MarkovGame(rewards, transitions, discount=0.5, initial=[1.0, 0.0])
    return seat(game, [rqe.Agent(rqe.Entropic(tau), rqe.NegEntropy(epsilon))] * 2, 0)


def test_the_counterexample():
    place = two_states(0.0)
    even = np.full((2, 2), 0.5)
    real = np.array([[0.1, 0.9], [0.5, 0.5]])
    gradient = player_gradient(place, even, even, real)
    assert gradient == pytest.approx(np.array([[0, 0], [1 / 6, -1 / 6]]), abs=1e-15)
    visits = place.visits(even, real) / place.visits(even, even)
    assert gradient[1, 0] * visits[1] == pytest.approx(1 / 22, abs=1e-15)
    assert "1/6" in STATEMENT.counterexample
    assert "1/22" in STATEMENT.counterexample


def test_both_gradients_by_hand():
    tau, epsilon, moved, real = 2.0, 1.0, 0.4, 0.1
    place = two_states(epsilon, tau)
    x = np.array([[0.5, 0.5], [0.75, 0.25]])
    p, q = (np.array([[m, 1 - m], [0.5, 0.5]]) for m in (moved, real))

    def entropy(share):
        return -share * np.log(share) - (1 - share) * np.log(1 - share)

    def value(share, onward):
        """Of state 1, where play goes on with probability ``onward`` to a state worth ``good``."""
        good = (share + epsilon * entropy(share)) / 0.5
        cost = onward * np.log(onward / real) + (1 - onward) * np.log((1 - onward) / (1 - real))
        return (epsilon * np.log(2) + cost / tau + 0.5 * onward * good) / (1 - 0.5 * (1 - onward))

    h = 1e-5
    by_share = (value(0.75 + h, moved) - value(0.75 - h, moved)) / (2 * h)
    by_move = (value(0.75, moved + h) - value(0.75, moved - h)) / (2 * h)
    assert place.values(x, p, q)[0] == pytest.approx(value(0.75, moved), abs=1e-13)
    own, against = player_gradient(place, x, p, q), adversary_gradient(place, x, p, q)
    assert own[1, 0] == pytest.approx(0.75 * 0.25 * by_share, abs=1e-8)
    assert against[0, 0] == pytest.approx(moved * (1 - moved) * by_move, abs=1e-8)
    # the share's slope in closed form: visits of state 2 are 2/7 per 1 - gamma
    assert own[1, 0] == pytest.approx(4 / 7 * 0.75 * 0.25 * (1 - np.log(3)), abs=1e-14)


@pytest.mark.parametrize("measure", [rqe.Entropic, rqe.ReverseKL])
def test_the_pull_through_the_anchor_becomes_the_plain_cross_gradient(measure):
    rng = np.random.default_rng(4)
    game = random_game(rng, 0.9)
    while game.n_players < 3:
        game = random_game(rng, 0.9)
    tau = 1e-5
    agents = (rqe.Agent(measure(tau), rqe.NegEntropy(0.2)),) * 3
    policies, _ = point(game, rng)
    stages, logs = Stages(game, agents), [np.log(x) for x in policies]
    ahead = policy_values(stages, logs)
    beliefs = tuple(np.exp(policy_outcome(stages, i, logs, ahead[i])[2]) for i in range(3))
    scene = Scene(game, agents, policies, beliefs, 0)

    def neutral(policy):
        q = joint_play([policies[0], policies[1], policy], 0)
        return scene.seat.worth(policies[0], q, q)

    plain = by_complex_step(neutral, policies[2])
    assert partner_gradient(scene, 2) == pytest.approx(plain, abs=1e-3 * np.abs(plain).max())


def test_gradients_vanish_at_an_equilibrium_and_not_beside_it():
    rng = np.random.default_rng(7)
    game = random_game(rng, 0.9)
    eq = rqe.solve_rqe(game, tau=1.0, epsilon=0.4)
    for i in range(game.n_players):
        place, x, q = seat(game, eq.agents, i), eq.policies[i], joint_play(eq.policies, i)
        p = eq.beliefs[i].reshape(q.shape)
        off = 0.9 * x + 0.1 / x.shape[1]
        assert np.abs(player_gradient(place, x, p, q)).max() < 1e-10
        assert np.abs(adversary_gradient(place, x, p, q)).max() < 1e-10
        assert np.abs(player_gradient(place, off, p, q)).max() > 1e-3
        assert np.abs(adversary_gradient(place, x, q, q)).max() > 1e-3


def test_verdict():
    assert STATEMENT.verdict == "holds"
