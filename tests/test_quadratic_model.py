"""Quadratic games as data: blocks, payoffs, refusals, printing."""

import numpy as np
import pytest

from games.aggregative import push_object
from rqe.model.quadratic import AggregativeGame, QuadraticGame

PAIR = [[[-2.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, -2.0]]]


def test_blocks_put_the_payoff_together_again():
    rng = np.random.default_rng(0)
    sizes = [2, 1, 3]
    root = rng.normal(size=(3, 6, 6))
    H = [r + r.T - 20 * np.eye(6) for r in root]
    h, c, a = rng.normal(size=(3, 6)), rng.normal(size=3), rng.normal(size=6)
    game = QuadraticGame(H, h, sizes, constants=c)
    assert (game.n_players, game.dims) == (3, (2, 1, 3))
    assert game.others(1).tolist() == [0, 1, 3, 4, 5]
    parts = [a[s] for s in game.slices]
    for i in range(3):
        p, own, rest = game.payoff(i), parts[i], a[game.others(i)]
        worth = (
            0.5 * own @ p.own @ own
            + own @ p.cross @ rest
            + 0.5 * rest @ p.other @ rest
            + p.own_linear @ own
            + p.other_linear @ rest
            + p.constant
        )
        assert worth == pytest.approx(game.payoffs_at(parts)[i])
        assert worth == pytest.approx(0.5 * a @ H[i] @ a + h[i] @ a + c[i])


def test_an_aggregative_game_pays_what_its_formula_says():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(2, 2))
    H, target, rho = root @ root.T + np.eye(2), rng.normal(size=2), [0.0, 0.5, 2.0]
    game = AggregativeGame(H, target, rho)
    actions = rng.normal(size=(3, 2))
    miss = actions.sum(axis=0) - target
    expected = [-0.5 * miss @ H @ miss - 0.5 * r * a @ a for r, a in zip(rho, actions, strict=True)]
    np.testing.assert_allclose(game.payoffs_at(actions), expected, rtol=1e-12)
    assert isinstance(game, QuadraticGame)
    assert game.dims == (2, 2, 2)
    # the others' block is whole: minus H at every pair of the others
    np.testing.assert_allclose(game.payoff(0).other[:2, 2:], -H)


def test_numbers_stand_for_the_obvious_arrays():
    scalar = AggregativeGame(2.0, 1.0, [1.0, 1.0])
    assert (scalar.H.tolist(), scalar.target.tolist()) == ([[2.0]], [1.0])
    assert AggregativeGame(2, [1, 2], [1]).H.tolist() == [[2.0, 0.0], [0.0, 2.0]]
    lone = QuadraticGame([-1.0], [2.0], [1])
    assert float(lone.payoffs_at([[1.0]])[0]) == 1.5
    assert QuadraticGame(PAIR).linear[0].tolist() == [0.0, 0.0]


def test_games_are_read_only_copies():
    H, h = np.array(PAIR), np.ones((2, 2))
    game = QuadraticGame(H, h, [1, 1])
    H[:], h[:] = 7.0, 7.0
    assert game.quadratic[0][0, 0] == -2.0
    assert game.linear[0][0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        game.quadratic[0][0, 0] = 1.0
    with pytest.raises(AttributeError, match="immutable"):
        game.name = "other"
    with pytest.raises(AttributeError, match="immutable"):
        del game.dims
    aggregate = push_object()
    for array in (aggregate.H, aggregate.target, aggregate.rho, aggregate.constants):
        assert not array.flags.writeable


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"H": []}, "H must be .* got none"),
        ({"H": 3.0}, "H must be .* got 3.0"),
        ({"H": [[[-1, np.nan], [np.nan, 0]], PAIR[1]]}, r"H\[0\] .* finite; got nan"),
        ({"H": [PAIR[0], [[0, 1], [1, -np.inf]]]}, r"H\[1\] .* got -inf"),
        ({"H": [[[-1, 0, 0], [0, 0, 0], [0, 0, 0]], PAIR[1]]}, r"H\[0\] .*\(3, 3\)"),
        ({"H": [[[-1, 2], [3]], PAIR[1]]}, r"H\[0\] must be"),
        ({"H": [[[-1, "x"], [3, 1]], PAIR[1]]}, r"H\[0\] must be"),
        ({"H": [[[-1, 0.5], [0.4, 0]], PAIR[1]]}, r"H\[0\] must be symmetric; got 0.5 at \(0, 1\)"),
        ({"H": [PAIR[0], [[-1, 1], [1, 0]]]}, r"H\[1\] must be negative definite in player 1"),
        ({"H": [[[0.1, 1], [1, 0]], PAIR[1]]}, "got eigenvalue 0.1"),
        ({"H": PAIR, "h": [[1.0, 2.0]]}, "h must be 2 vectors"),
        ({"H": PAIR, "h": [[1.0], [1.0]]}, r"h\[0\] must be a vector \(2,\)"),
        ({"H": PAIR, "h": [[1.0, np.inf], [1.0, 1.0]]}, r"h\[0\] .* got inf"),
        ({"H": PAIR, "h": 1.0}, "h must be"),
        ({"H": PAIR, "dims": [1]}, "dims must be 2"),
        ({"H": PAIR, "dims": [2, 0]}, "dims must be 2"),
        ({"H": PAIR, "dims": [1.5, 0.5]}, "dims must be 2"),
        ({"H": PAIR, "dims": 2}, "dims must be 2"),
        ({"H": PAIR, "constants": [1.0]}, "constants must be 2"),
        ({"H": PAIR, "players": ["a"]}, "players must be 2"),
        ({"H": PAIR, "players": ["a", "a"]}, "players must be 2 distinct"),
    ],
)
def test_malformed_quadratic_games_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        QuadraticGame(**arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((-1.0, 1.0, [1, 1]), "H must be positive definite; got eigenvalue -1"),
        (([[1, 1], [1, 1]], [1, 1], [1, 1]), "H must be positive definite"),
        (([[1, 2], [0, 5]], [1, 1], [1, 1]), "H must be symmetric"),
        (([[1.0]], [1, 1], [1, 1]), r"H must be a symmetric matrix \(2, 2\)"),
        ((np.nan, 1.0, [1, 1]), "H .* got nan"),
        ((1.0, np.inf, [1, 1]), "target .* got inf"),
        ((1.0, [], [1, 1]), "target must be a vector"),
        ((1.0, [[1.0]], [1, 1]), "target must be a vector"),
        ((1.0, 1.0, []), "rho .* at least one"),
        ((1.0, 1.0, 1.0), "rho must be a vector"),
        ((1.0, 1.0, [1.0, -0.1]), "rho .* -0.1"),
        ((1.0, 1.0, [1.0, np.nan]), "rho .* got nan"),
    ],
)
def test_malformed_aggregative_games_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        AggregativeGame(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [{"n_players": 0}, {"n_players": 2.5}, {"rho": [1.0]}, {"rho": None}, {"H": 0.0}, {"rho": -1}],
)
def test_push_object_refuses_by_name(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        push_object(**arguments)


def test_actions_of_the_wrong_size_are_refused():
    with pytest.raises(ValueError, match=r"actions .*\(1, 1\)"):
        push_object().payoffs_at([[1.0]])


def test_games_print():
    game = QuadraticGame(PAIR, players=["Ann", "Bob"], name="duo")
    assert repr(game).startswith("<QuadraticGame duo: 2 players, quadratic payoffs")
    assert "player Ann: H = [[-2.,  1.], [ 1.,  0.]]" in str(game)
    assert "Bob" in game._repr_html_()
    assert "too large" in str(QuadraticGame([-np.eye(9)] * 9))
    big = push_object(n_players=30)
    assert "rho = [1., 1., 1., ..., 1., 1., 1.]" in str(big)
    assert "<b>push object: 30 players" in big._repr_html_()
