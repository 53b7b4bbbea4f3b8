"""The exact gridworld against a simulator of one step, written from the rules alone."""

import itertools
import random

import numpy as np
import pytest

import games
import rqe

KITCHEN = games.overcooked_kitchen()
GAME = games.overcooked_gridworld(horizon=50)


def simulate(state, actions, first, grows):
    """Next state and rewards of one step: cells, hands, onions; agent `first` moves first."""
    cells = [divmod(state[0], 5), divmod(state[2], 5)]
    hands = [state[1], state[3]]
    onions = {(3, 4): state[4], (4, 3): state[5]}
    reward = [0.0, 0.0]
    for agent in (first, 1 - first):
        step = {0: (-1, 0), 1: (1, 0), 2: (0, -1), 3: (0, 1), 4: (0, 0)}[actions[agent]]
        if actions[agent] != 4:
            reward[agent] -= 0.2
        target = tuple(min(4, max(0, c + d)) for c, d in zip(cells[agent], step, strict=True))
        if target == (2, 2):
            if hands[agent]:
                hands[agent] = 0
                reward = [r + 10.0 for r in reward]
            continue
        if target == cells[1 - agent]:
            reward[agent] -= 2.0
            continue
        cells[agent] = target
        if not hands[agent] and onions.get(target):
            hands[agent], onions[target] = 1, 0
            reward = [r + 1.0 for r in reward]
    for place, grown in zip(onions, grows, strict=True):
        onions[place] = max(onions[place], grown)
    (a, b), (c, d) = cells
    return (5 * a + b, hands[0], 5 * c + d, hands[1], *onions.values()), reward


def expand(state, actions):
    """Distribution of the next state and expected rewards, over order and regrowth."""
    law, mean = {}, np.zeros(2)
    for first, east, south in itertools.product((0, 1), (0, 1), (0, 1)):
        weight = 0.5 * (0.2 if east else 0.8) * (0.2 if south else 0.8)
        after, reward = simulate(state, actions, first, (east, south))
        law[after] = law.get(after, 0.0) + weight
        mean += weight * np.array(reward)
    return law, mean


def test_the_number_of_states():
    """8,832, confirmed by walking from the starts with the simulator alone."""
    frontier, known = [(5, 0, 1, 0, 1, 1), (1, 0, 5, 0, 1, 1)], set()
    while frontier:
        state = frontier.pop()
        if state in known:
            continue
        known.add(state)
        for actions in itertools.product(range(5), repeat=2):
            for first, east, south in itertools.product((0, 1), (0, 1), (0, 1)):
                after, _ = simulate(state, actions, first, (east, south))
                if after not in known:
                    frontier.append(after)
    assert known == {tuple(row) for row in KITCHEN.states.tolist()}
    assert len(known) == GAME.n_states == 8832


def test_every_step_is_that_of_the_rules():
    index = {tuple(row): k for k, row in enumerate(KITCHEN.states.tolist())}
    draw = random.Random(0)
    for _ in range(3000):
        k, joint = draw.randrange(8832), draw.randrange(25)
        law, mean = expand(tuple(KITCHEN.states[k].tolist()), divmod(joint, 5))
        row = GAME.transitions[[25 * k + joint]].toarray().ravel()
        expected = np.zeros(8832)
        for after, weight in law.items():
            expected[index[after]] += weight
        np.testing.assert_allclose(row, expected, atol=1e-15)
        rewards = GAME.rewards[k].reshape(2, 25)[:, joint]
        np.testing.assert_allclose(rewards, mean, atol=1e-12)


def test_events_add_up_to_rewards():
    e = KITCHEN.events
    shared = e["pickups"].sum(axis=1) + 10 * e["deliveries"].sum(axis=1)
    for i in range(2):
        own = shared - 0.2 * e["moves"][:, i] - 2.0 * e["collisions"][:, i]
        np.testing.assert_allclose(GAME.rewards[:, i], own, atol=1e-12)


def test_seats_are_alike():
    """Exchanging the agents exchanges their rewards."""
    index = {tuple(row): k for k, row in enumerate(KITCHEN.states.tolist())}
    swapped = [index[c, d, a, b, e, s] for a, b, c, d, e, s in KITCHEN.states.tolist()]
    mirror = GAME.rewards[swapped][:, ::-1].transpose(0, 1, 3, 2)
    np.testing.assert_allclose(mirror, GAME.rewards, atol=1e-12)


@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_a_discounted_equilibrium_in_seconds(tau):
    """An equilibrium at discount 0.9 and epsilon 0.1, from any of several."""
    game = games.overcooked_gridworld(discount=0.9)
    eq = rqe.solve_rqe(game, tau, 0.1)
    assert eq.residual < 1e-6
    assert eq.regret.max() < 1e-6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"discount": 0.9, "horizon": 5}, "one of discount and horizon"),
        ({"discount": 1.0}, "discount must be"),
        ({"discount": -0.1}, "discount must be"),
        ({"horizon": 0}, "horizon must be"),
        ({"horizon": 2.5}, "horizon must be"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        games.overcooked_gridworld(**arguments)
