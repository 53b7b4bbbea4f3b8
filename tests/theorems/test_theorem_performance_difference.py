"""Performance differences: derivations, histories one by one, a game by hand, plain policies."""

import itertools

import histories
import numpy as np
import pytest
import sympy as sp

import rqe
from rqe.analysis.theorems import get
from rqe.analysis.theorems._markov import joint_play, point, random_game, seat, softmax_rows
from rqe.analysis.theorems.performance_difference import (
    LEMMAS,
    MISREAD,
    REGRET,
    best_policy,
    difference,
    misread,
)
from rqe.analysis.theorems.policy_gradient import adversary_gradient, player_gradient
from rqe.solvers._markov_stage import Stages
from rqe.solvers.markov_regret import policy_outcome, policy_values, regret_bounds

STATEMENT = get("performance_difference")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    table = STATEMENT.check(12, 1)
    assert sum(table.column("violations")) == 0
    assert table.column("draws") == (12,) * len([*LEMMAS, *REGRET])


def test_every_misreading_fails_every_time():
    assert misread(12, 1).column("violations") == (12,) * len(MISREAD)


@pytest.mark.parametrize("seed", [0, 1])
def test_differences_are_those_of_values_by_histories(seed):
    game, rng = histories.random_game(seed)
    tau, epsilon = 0.7, 0.4
    place = seat(game, [rqe.Agent(rqe.Entropic(tau), rqe.NegEntropy(epsilon))] * 2, 0)
    x, p, q, y, r, other = map(histories.softmax, rng.normal(size=(6, 2, 2)))
    base = histories.worth(game, tau, epsilon, x, p, q)
    for new in ((y, p, q), (x, r, q), (x, p, other), (y, r, other)):
        found = difference(place, new, (x, p, q))
        assert found == pytest.approx(histories.worth(game, tau, epsilon, *new) - base, abs=2e-7)
        assert abs(found) > 1e-3


def test_the_counterexample():
    rewards = np.zeros((2, 2, 2, 2))
    rewards[1, 0, 0] = 1.0
    transitions = np.zeros((2, 2, 2, 2))
    transitions[0, 0, :, 1] = transitions[0, 1, :, 0] = transitions[1, :, :, 1] = 1.0
    game = rqe.MarkovGame(rewards, transitions, discount=0.5, initial=[1.0, 0.0])
    place = seat(game, [rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(0.0))] * 2, 0)
    even, faint = np.full((2, 2), 0.5), 1e-300
    always = np.array([[1.0, faint]] * 2)
    old, new = (always[:, ::-1], even, even), (always, even, even)
    assert difference(place, new, old) == pytest.approx(1.0, abs=1e-14)
    # the stage gains with Q of the old and of the new play, by hand
    assert place.stage(place.values(*old)).mean(axis=2) == pytest.approx(np.array([[0, 0], [1, 0]]))
    assert place.stage(place.values(*new)).mean(axis=2) == pytest.approx(
        np.array([[1, 0.5], [2, 1]])
    )
    assert place.visits(*old[:2]) @ [0, 1] / 0.5 == pytest.approx(0.0, abs=1e-14)
    assert place.visits(*new[:2]) @ [0.5, 1] / 0.5 == pytest.approx(1.5, abs=1e-14)
    assert "1; with the old visits the sum is 0, with Q of the new play 3/2" in (
        STATEMENT.counterexample
    )


def test_small_differences_are_gradients():
    rng = np.random.default_rng(2)
    game = random_game(rng, 0.9)
    agents = [rqe.Agent(rqe.ReverseKL(1.0), rqe.LogBarrier(0.2))] * game.n_players
    policies, beliefs = point(game, rng)
    place, q = seat(game, agents, 0), joint_play(policies, 0)
    x, p = policies[0], beliefs[0]
    step, push = (rng.normal(size=z.shape) for z in (x, p))
    for size in (1e-4, 1e-5):
        y, r = softmax_rows(np.log(x) + size * step), softmax_rows(np.log(p) + size * push)
        own = np.sum(player_gradient(place, x, p, q) * step)
        against = np.sum(adversary_gradient(place, x, p, q) * push)
        assert difference(place, (y, p, q), (x, p, q)) / size == pytest.approx(
            own, abs=1e3 * size * abs(own)
        )
        assert difference(place, (x, r, q), (x, p, q)) / size == pytest.approx(
            against, abs=1e3 * size * abs(against)
        )


def test_the_bound_on_regret_is_the_best_of_all_plain_policies():
    rng = np.random.default_rng(5)
    game = random_game(rng, 0.9)
    agents = [rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(0.0))] * game.n_players
    policies, _ = point(game, rng)
    stages, logs = Stages(game, agents), [np.log(x) for x in policies]
    values = policy_values(stages, logs)
    beliefs = [policy_outcome(stages, i, logs, v)[2] for i, v in enumerate(values)]
    bounds = regret_bounds(stages, logs, beliefs, values)
    for i, n in enumerate(game.shape):
        place, p, q = seat(game, agents, i), np.exp(beliefs[i]), joint_play(policies, i)
        plain = [
            np.maximum(np.eye(n)[list(choice)], 1e-300)
            for choice in itertools.product(range(n), repeat=game.n_states)
        ]
        best = np.max([place.values(y, p, q) for y in plain], axis=0)
        assert best - values[i] == pytest.approx(bounds[i], abs=1e-10)
        found = best_policy(place, policies[i], p, q)
        assert place.values(found, p, q) == pytest.approx(best, abs=1e-10)
        # the same gain as a sum over the visits of the best policy
        top = max(plain, key=lambda y: place.worth(y, p, q))
        rise = difference(place, (top, p, q), (policies[i], p, q))
        assert rise == pytest.approx(place.first @ bounds[i], abs=1e-10)


def test_verdict():
    assert STATEMENT.verdict == "holds"
