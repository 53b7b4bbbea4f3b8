"""Where play goes: against random walks drawn one by one, and enumerations by hand."""

from itertools import product

import numpy as np
import pytest

import games
import rqe
from rqe.analysis.occupancy import expected_totals, occupancy


def random_game(seed, states=3, shape=(2, 3), **ending):
    rng = np.random.default_rng(seed)
    rewards = rng.normal(size=(states, len(shape), *shape))
    transitions = rng.dirichlet(np.ones(states), size=(states, *shape))
    policies = [rng.dirichlet(np.ones(n), size=(5, states)) for n in shape]
    return rqe.MarkovGame(rewards, transitions, **ending), transitions, policies


def histories(game, transitions, policies, first, steps, restart):
    """Every history with its probability, multiplied out."""
    joint = list(product(*(range(n) for n in game.shape)))
    visited = np.zeros((steps, game.n_states))
    total = np.zeros(game.n_players)
    fronts = [(s, p) for s, p in enumerate(first)]
    for step in range(steps):
        if step and step % restart == 0:
            mass = sum(p for _, p in fronts)
            fronts = [(s, p * mass) for s, p in enumerate(first)]
        after = []
        for s, p in fronts:
            visited[step, s] += p
            for a in joint:
                chance = p
                for x, k in zip(policies, a, strict=True):
                    chance = chance * x[step % restart, s, k]
                total += chance * game.rewards[(s, slice(None), *a)]
                after += [(t, chance * transitions[(s, *a, t)]) for t in range(game.n_states)]
        sums = np.zeros(game.n_states)
        for s, p in after:
            sums[s] += p
        fronts = list(enumerate(sums))
    return visited, total


@pytest.mark.parametrize(("steps", "restart"), [(4, 4), (5, 2), (1, 1)])
@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 2, 2)])
def test_histories_multiplied_out(steps, restart, shape):
    game, transitions, policies = random_game(3, shape=shape, horizon=5)
    first = np.array([0.2, 0.5, 0.3])
    visited, total = histories(game, transitions, policies, first, steps, restart)
    options = {"steps": steps, "initial": first, "restart": restart}
    np.testing.assert_allclose(occupancy(game, policies, **options), visited, atol=1e-14)
    found = expected_totals(game, policies, {"gain": game.rewards}, **options)
    np.testing.assert_allclose(found["gain"], total, atol=1e-13)


def test_totals_are_what_the_solver_says_policies_pay():
    game, _, _ = random_game(4, horizon=5)
    eq = rqe.solve_rqe(game, 1.0, 0.3)
    first = np.array([0.1, 0.2, 0.7])
    found = expected_totals(game, eq, {"gain": game.rewards}, initial=first)["gain"]
    np.testing.assert_allclose(found, eq.payoffs[0] @ first, atol=1e-12)


def test_a_discounted_sum_of_visits_pays_what_the_solver_says():
    game, _, _ = random_game(5, discount=0.8)
    eq = rqe.solve_rqe(game, 1.0, 0.3)
    first = np.array([1.0, 0.0, 0.0])
    visits = occupancy(game, eq, steps=200, initial=first)
    weights = 0.8 ** np.arange(200)
    gain = np.einsum("siab,sa,sb->si", game.rewards, eq[0], eq[1])
    np.testing.assert_allclose(weights @ visits @ gain, eq.payoffs @ first, atol=1e-12)


def test_the_gridworlds_starts_are_its_own():
    game = games.overcooked_gridworld(horizon=2)
    kitchen = games.overcooked_kitchen()
    stay = np.zeros((game.n_states, 5))
    stay[:, 4] = 1.0
    visits = occupancy(game, [stay, stay])
    assert set(np.flatnonzero(visits[1])) == set(kitchen.starts)
    moves = expected_totals(game, [stay, stay], kitchen.events)
    assert all(not np.any(v) for v in moves.values())


def test_bad_input_is_named():
    game, _, policies = random_game(6, discount=0.9)
    still = [x[0] for x in policies]
    first = np.ones(3) / 3
    cases = [
        ({"policies": still}, "steps must be a whole number >= 1; got None"),
        ({"policies": still, "steps": 3}, "initial must be given"),
        ({"policies": still, "steps": 3, "initial": [0.5, 0.6, 0.0]}, "initial must"),
        ({"policies": still[:1], "steps": 3, "initial": first}, "policies must be 2 arrays"),
        ({"policies": 7, "steps": 3, "initial": first}, "policies must be 2 arrays"),
        (
            {"policies": [2.0 * x for x in still], "steps": 3, "initial": first},
            "for player 0 in state 0",
        ),
        ({"policies": policies, "steps": 6, "initial": first}, "at least 6 steps"),
        ({"policies": still, "steps": 3, "initial": first, "restart": 0}, "restart must be"),
    ]
    for options, words in cases:
        with pytest.raises(ValueError, match=words):
            occupancy(game, **options)
    with pytest.raises(ValueError, match=r"amounts\['gain'\] must have shape"):
        expected_totals(game, still, {"gain": np.ones(3)}, steps=2, initial=first)
    assert occupancy(game, policies, steps=9, initial=first, restart=5).shape == (9, 3)
