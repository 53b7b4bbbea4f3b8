"""Markov games as data: shapes, storage, and refusals that name the argument."""

import numpy as np
import pytest
from scipy import sparse

import rqe

RNG = np.random.default_rng(0)
REWARDS = RNG.random((3, 2, 2, 4))
TRANSITIONS = RNG.dirichlet(np.ones(3), size=(3, 2, 4))


def changed(array, index, value):
    out = np.array(array)
    out[index] = value
    return out


def test_dense_and_sparse_are_one_game():
    dense = rqe.MarkovGame(REWARDS, TRANSITIONS, discount=0.9)
    rows = TRANSITIONS.reshape(24, 3)
    for form in (sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.csr_matrix):
        game = rqe.MarkovGame(REWARDS, form(rows), discount=0.9)
        assert np.array_equal(game.transitions.toarray(), dense.transitions.toarray())
    assert dense.shape == (2, 4)
    assert (dense.n_states, dense.n_players) == (3, 2)
    assert np.allclose(dense.transitions.toarray(), rows, rtol=1e-15)


def test_rows_are_states_first_then_joint_actions_in_c_order():
    values = np.array([1.0, 10.0, 100.0])
    game = rqe.MarkovGame(REWARDS, TRANSITIONS, horizon=2)
    assert np.allclose(game.expected(values), TRANSITIONS @ values, rtol=1e-14)
    row = 1 * 8 + 1 * 4 + 2
    assert np.allclose(game.transitions.toarray()[row], TRANSITIONS[1, 1, 2], rtol=1e-15)


def test_own_rewards_have_the_own_action_first():
    game = rqe.MarkovGame(REWARDS, TRANSITIONS, horizon=2)
    assert np.array_equal(game.own_rewards[0], REWARDS[:, 0])
    assert np.array_equal(game.own_rewards[1], REWARDS[:, 1].transpose(0, 2, 1))


def test_nothing_stored_can_be_written_to_and_inputs_stay_the_callers():
    rewards, transitions = np.array(REWARDS), sparse.csr_array(TRANSITIONS.reshape(24, 3))
    before = transitions.data.copy()
    game = rqe.MarkovGame(rewards, transitions, discount=0.0, initial=[0.5, 0.5, 0.0])
    rewards[:] = 7.0
    transitions.data[:] = 7.0
    assert np.array_equal(game.rewards, REWARDS)
    assert np.allclose(game.transitions.data, before, rtol=1e-15)
    stored = (game.rewards, game.transitions.data, game.transitions.indices, game.initial)
    for array in (*stored, game.own_rewards[1]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    with pytest.raises(AttributeError, match="immutable"):
        game.discount = 0.5


def test_stored_zeros_are_dropped_and_duplicates_added_up():
    rows, columns = np.arange(24).repeat(3), np.tile([0, 0, 2], 24)
    data = np.tile([0.25, 0.75, 0.0], 24)
    game = rqe.MarkovGame(
        REWARDS, sparse.coo_array((data, (rows, columns)), shape=(24, 3)), horizon=1
    )
    assert game.transitions.nnz == 24
    assert np.array_equal(game.transitions.toarray()[:, 0], np.ones(24))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rewards": REWARDS[:, :1]}, r"rewards must have shape \(S, N, n_1, ..., n_N\)"),
        ({"rewards": REWARDS[0]}, r"rewards must have shape"),
        ({"rewards": np.zeros((0, 2, 2, 4))}, "at least one state"),
        ({"rewards": changed(REWARDS, (0, 1, 0, 0), np.nan)}, r"rewards must .* got nan"),
        ({"transitions": TRANSITIONS[:2]}, r"transitions must be an array of shape \(3, 2, 4, 3\)"),
        ({"transitions": sparse.csr_array(TRANSITIONS.reshape(12, 6))}, "got a sparse matrix"),
        ({"transitions": 1j * sparse.csr_array(TRANSITIONS.reshape(24, 3))}, "of real numbers"),
        ({"transitions": 2.0 * TRANSITIONS}, "transitions must sum to 1 over next states; got 2"),
        (
            {"transitions": changed(TRANSITIONS, (1, 0, 3), [0.5, 0.5, 1e-6])},
            r"got 1.000001 in state 1 at joint action \(0, 3\)",
        ),
        ({"transitions": changed(TRANSITIONS, (0, 0, 0), [1.5, -0.5, 0.0])}, "got -0.5"),
        ({"transitions": changed(TRANSITIONS, (0, 0, 0), np.nan)}, "transitions must .* got nan"),
        (
            {
                "transitions": sparse.csr_array(
                    changed(TRANSITIONS, (0, 0, 0), np.nan).reshape(24, 3)
                )
            },
            "probabilities, finite and >= 0; got nan",
        ),
        ({"discount": 1.0}, r"discount must be a number in \[0, 1\); got 1.0"),
        ({"discount": -0.1}, "discount must"),
        ({"discount": float("nan")}, "discount must"),
        ({"discount": True}, "discount must"),
        ({"discount": "0.9"}, "discount must"),
        ({"discount": None}, "give one of discount and horizon"),
        ({"horizon": 3}, "give one of discount and horizon"),
        ({"discount": None, "horizon": 0}, "horizon must be a whole number >= 1; got 0"),
        ({"discount": None, "horizon": 2.0}, "horizon must"),
        ({"initial": [0.5, 0.5]}, "initial must be 3 probabilities"),
        ({"initial": [0.5, 0.6, -0.1]}, "initial must"),
        ({"initial": [0.5, 0.5, 0.5]}, "initial must"),
        ({"players": ["a", "a"]}, "players must"),
        ({"actions": [["x", "y"]]}, "actions must be 2 lists"),
        ({"actions": [["x", "y"], ["a", "b"]]}, r"actions\[1\] must be 4 labels"),
        ({"states": ["only one"]}, "states must be 3 labels"),
    ],
)
def test_malformed_games_are_refused_by_name(arguments, message):
    given = {"rewards": REWARDS, "transitions": TRANSITIONS, "discount": 0.9, **arguments}
    with pytest.raises(ValueError, match=message):
        rqe.MarkovGame(given.pop("rewards"), given.pop("transitions"), **given)


def test_wrong_values_are_refused():
    game = rqe.MarkovGame(REWARDS, TRANSITIONS, discount=0.9)
    with pytest.raises(ValueError, match=r"values must have shape \(3,\)"):
        game.expected(np.zeros((2, 3)))


def test_it_prints():
    game = rqe.MarkovGame(REWARDS, TRANSITIONS, discount=0.9, name="draws & chances")
    assert str(game).splitlines()[0] == (
        "draws & chances: 2 players, 2 x 4 actions, 3 states, discount 0.9"
    )
    assert repr(game).startswith("<MarkovGame draws")
    assert "draws &amp; chances" in game._repr_html_()
    single = rqe.MarkovGame(np.zeros((1, 1, 2)), np.ones((1, 2, 1)), horizon=3)
    assert repr(single) == "<MarkovGame: 1 player, 2 actions, 1 state, 3 steps>"
