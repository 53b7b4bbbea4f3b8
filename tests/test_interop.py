"""Games to and from Gambit, nashpy and quantecon: exact both ways, and bad files refused."""

from __future__ import annotations

import itertools
import tempfile
from fractions import Fraction
from pathlib import Path

import nashpy
import numpy as np
import pygambit
import pytest
import quantecon.game_theory as theory
from hypothesis import given, settings
from hypothesis import strategies as st
from interop_games import CARD, after_chance, chain, distinct_game

import rqe
from rqe.interop import (
    from_gambit,
    from_nashpy,
    from_quantecon,
    read_game,
    to_gambit,
    to_nashpy,
    to_quantecon,
    write_game,
)

ODD_LABELS = [
    'say "hi"',
    "two words",
    "日本",
    "é",
    "\U0001f600",
    "{",
    "#",
    "back\\slash",
    "a/b",
    "1",
]
PAYOFFS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1, 1).map(lambda v: v * 1e8),
    st.floats(-1, 1).map(lambda v: v * 1e-8),
    st.sampled_from([0.0, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, 0.1, -1e22]),
)


@st.composite
def any_game(draw):
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=4)))
    size = int(np.prod(shape))
    payoffs = [
        np.array(draw(st.lists(PAYOFFS, min_size=size, max_size=size))).reshape(shape)
        for _ in shape
    ]
    labels = st.permutations(ODD_LABELS)
    return rqe.NormalFormGame(
        payoffs,
        players=draw(labels)[: len(shape)],
        actions=[draw(labels)[:n] for n in shape],
        name=draw(st.sampled_from(["", "plain", ' a "quoted"\ntitle ', "ü"])),
    )


def same_payoffs(one, two):
    return one.shape == two.shape and all(
        np.array_equal(a, b) for a, b in zip(one.payoffs, two.payoffs, strict=True)
    )


def same_game(one, two):
    """Labels and every bit of the payoffs, but for the sign of zero, which Gambit drops."""
    labels = (one.players, one.actions, one.name) == (two.players, two.actions, two.name)
    return labels and same_payoffs(one, two)


# ---------------------------------------------------------------- Gambit, there and back


@settings(derandomize=True, deadline=None, max_examples=80)
@given(any_game())
def test_nfg_files_and_pygambit_objects_give_back_the_same_game(game):
    assert same_game(from_gambit(to_gambit(game)), game)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "game.nfg")
        write_game(game, path)
        assert same_game(read_game(path), game)
        assert [p.name for p in Path(place).iterdir()] == ["game.nfg"]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 4), (3, 2, 4), (2, 1, 3, 2), (2,) * 5])
def test_pygambit_sees_the_payoffs_where_we_put_them(shape):
    game = distinct_game(*shape)
    table = to_gambit(game)
    for profile in itertools.product(*(range(n) for n in shape)):
        named = {game.players[i]: game.actions[i][a] for i, a in enumerate(profile)}
        cell = table.get_payoffs(named)
        assert [float(cell[p]) for p in game.players] == [p[profile] for p in game.payoffs]


def test_reading_agrees_with_pygambits_own_arrays():
    arrays = [np.array([[Fraction(1, 3), 2], [-5, 0]]), np.array([[1, Fraction(7, 2)], [8, 9]])]
    game = from_gambit(pygambit.StrategicGame.from_arrays(*arrays, title="exact"))
    assert game.name == "exact"
    for ours, theirs in zip(game.payoffs, arrays, strict=True):
        assert np.array_equal(ours, theirs.astype(float))


def test_our_file_is_read_by_pygambit_alone(tmp_path):
    game = distinct_game(2, 3)
    write_game(game, tmp_path / "game.nfg")
    arrays = pygambit.read_nfg(tmp_path / "game.nfg").to_arrays(float)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, game.payoffs, strict=True))


def test_gambits_own_file_is_read(tmp_path):
    table = pygambit.StrategicGame.from_arrays([[1.5, 1e-8], [0, -2]], [[3, 4], [5, 6]], title="t")
    table.to_nfg(tmp_path / "game.NFG")
    game = read_game(tmp_path / "game.NFG")
    assert np.array_equal(game.payoffs[0], [[1.5, 1e-8], [0, -2]])


def test_writing_a_collaborative_game_keeps_its_payoffs(tmp_path):
    game = rqe.CollaborativeGame([[1, 1], [1, 0]], [[0.4, 0.0], [0.4, 0.0]])
    write_game(game, tmp_path / "game.nfg")
    assert same_payoffs(read_game(tmp_path / "game.nfg"), game)


# ---------------------------------------------------------------- extensive games


def test_a_tree_with_chance_is_averaged_into_its_strategic_form(tmp_path):
    path = tmp_path / "card.efg"
    path.write_text(CARD, encoding="utf-8")
    game = read_game(path)
    # Ann's strategies: (red, black) = raise raise, raise fold, fold raise, fold fold; by hand
    third = [
        [2 * 1 + -2 * 2, 1 * 1 + 1 * 2],
        [2 * 1 + -1 * 2, 1 * 1 + -1 * 2],
        [1 * 1 + -2 * 2, 1 * 1 + 1 * 2],
        [1 * 1 + -1 * 2, 1 * 1 + -1 * 2],
    ]
    assert game.name == "a card"
    assert game.players == ("Ann", "Bob")
    np.testing.assert_allclose(game.payoffs[0], np.array(third) / 3, atol=1e-15)
    np.testing.assert_array_equal(game.payoffs[1], -game.payoffs[0])


def test_only_reduced_strategies_are_counted(tmp_path):
    path = tmp_path / "chain.efg"
    path.write_text(chain(6), encoding="utf-8")
    game = read_game(path)
    assert game.shape == (7, 1)  # 64 plans, but stopping early makes the rest moot
    assert np.array_equal(game.payoffs[0].ravel(), [*range(6), 99])


def test_a_tree_of_few_information_sets_after_chance_is_read(tmp_path):
    path = tmp_path / "wide.efg"
    path.write_text(after_chance(5), encoding="utf-8")
    assert read_game(path).shape == (32, 1)


CATALOGUE = [
    name
    for name in pygambit.catalog.games()["Game"]
    if isinstance(pygambit.catalog.load(name), pygambit.ExtensiveGame)
]


@pytest.mark.parametrize("name", CATALOGUE)
def test_trees_of_gambits_catalogue_agree_with_its_arrays(name, tmp_path):
    tree = pygambit.catalog.load(name)
    tree.to_efg(tmp_path / "tree.efg")
    game = read_game(tmp_path / "tree.efg")
    if np.prod(game.shape) > 5000:
        pytest.skip("pygambit's to_arrays takes too long")
    for ours, theirs in zip(game.payoffs, tree.to_arrays(float), strict=True):
        assert np.array_equal(ours, theirs)


# ---------------------------------------------------------------- nashpy and quantecon


def test_nashpy_there_and_back_and_the_same_values():
    game = distinct_game(2, 3)
    theirs = to_nashpy(game)
    x, y = np.array([0.25, 0.75]), np.array([0.5, 0.2, 0.3])
    expected = [x @ p @ y for p in game.payoffs]
    np.testing.assert_allclose(theirs[x, y], expected, rtol=1e-15)
    assert same_payoffs(from_nashpy(theirs), game)
    theirs.payoff_matrices[0][0, 0] = 77.0
    assert game.payoffs[0][0, 0] == 0.0


def test_a_zero_sum_nashpy_game_gets_its_second_matrix():
    game = from_nashpy(nashpy.Game([[1, -2], [3, 0]]))
    assert np.array_equal(game.payoffs[1], [[-1, 2], [-3, 0]])


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 1), (2, 3, 4), (2, 3, 1, 4), (2, 3, 2, 1, 2)])
def test_quantecon_there_and_back_profile_by_profile(shape):
    game = distinct_game(*shape)
    theirs = to_quantecon(game)
    assert theirs.nums_actions == shape
    for profile in itertools.product(*(range(n) for n in shape)):
        seen = theirs[profile] if len(shape) > 1 else [theirs[profile[0]]]
        assert np.array_equal(np.ravel(seen), [p[profile] for p in game.payoffs])
    assert same_payoffs(from_quantecon(theirs), game)


def test_a_quantecon_game_of_whole_numbers_is_read():
    bimatrix = np.array([[(3, 2), (1, 1)], [(0, 0), (2, 3)], [(4, 5), (6, 7)]])
    game = from_quantecon(theory.NormalFormGame(bimatrix))
    assert np.array_equal(game.payoffs[0], bimatrix[..., 0])
    assert np.array_equal(game.payoffs[1], bimatrix[..., 1])


def test_quantecon_best_replies_are_ours():
    game = rqe.NormalFormGame(list(np.random.default_rng(3).random((3, 2, 3, 4))))
    theirs = to_quantecon(game)
    mixed = [np.random.default_rng(n).dirichlet(np.ones(n)) for n in game.shape]
    for i in range(3):
        others = [mixed[(i + k) % 3] for k in (1, 2)]
        by_hand = np.einsum(
            game.payoffs[i].transpose(i, (i + 1) % 3, (i + 2) % 3),
            [0, 1, 2],
            others[0],
            [1],
            others[1],
            [2],
            [0],
        )
        np.testing.assert_allclose(theirs.players[i].payoff_vector(others), by_hand, rtol=1e-14)
