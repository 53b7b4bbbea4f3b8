"""All Nash equilibria of two-player games: against Gambit, nashpy and quantecon, and by hand."""

import warnings

import nashpy
import numpy as np
import pytest
import quantecon.game_theory
from hypothesis import given, settings
from hypothesis import strategies as st
from nash_references import best_gains, bimatrix, draw, gambit_extreme, rounded

import rqe
from rqe.solvers.nash import solve_nash
from rqe.solvers.vertices import bases, determinant_sign, enumerate_vertices, leaving_row

CLASSICS = {
    "prisoners' dilemma": ([[3, 0], [5, 1]], [[3, 5], [0, 1]], [((0, 1), (0, 1), 1)]),
    "chicken": (
        [[0, 7], [2, 6]],
        [[0, 2], [7, 6]],
        [((1, 0), (0, 1), 1), ((1 / 3, 2 / 3), (1 / 3, 2 / 3), -1), ((0, 1), (1, 0), 1)],
    ),
    "battle of the sexes": (
        [[2, 0], [0, 1]],
        [[1, 0], [0, 2]],
        [((1, 0), (1, 0), 1), ((2 / 3, 1 / 3), (1 / 3, 2 / 3), -1), ((0, 1), (0, 1), 1)],
    ),
    "stag hunt": (
        [[4, 0], [3, 3]],
        [[4, 3], [0, 3]],
        [((1, 0), (1, 0), 1), ((3 / 4, 1 / 4), (3 / 4, 1 / 4), -1), ((0, 1), (0, 1), 1)],
    ),
    "rock, paper, scissors": (
        [[0, -1, 1], [1, 0, -1], [-1, 1, 0]],
        [[0, 1, -1], [-1, 0, 1], [1, -1, 0]],
        [((1 / 3,) * 3, (1 / 3,) * 3, 1)],
    ),
    "one row": ([[1, 5, 2]], [[3, 1, 4]], [((1,), (0, 0, 1), 1)]),
}


@pytest.mark.parametrize("name", CLASSICS)
@pytest.mark.parametrize("scale", [1.0, 1e8, 1e-8])
def test_classics_have_their_equilibria_and_indices(name, scale):
    a, b, expected = CLASSICS[name]
    found = solve_nash(bimatrix(np.multiply(a, scale), np.multiply(b, scale)))
    assert len(found) == len(expected)
    for eq, (x, y, index) in zip(found, expected, strict=True):
        np.testing.assert_allclose(eq.strategies[0], x, atol=1e-15)
        np.testing.assert_allclose(eq.strategies[1], y, atol=1e-15)
        assert eq.index == index
        assert eq.concept == "nash"
        assert eq.status is rqe.Status.CONVERGED
    assert (found.index_sum, found.complete, found.degenerate) == (1, "proved", False)
    assert not found.notes


@pytest.mark.parametrize("size", [2, 3, 5])
def test_coordination_has_every_support_with_alternating_index(size):
    found = solve_nash(bimatrix(np.eye(size), np.eye(size)))
    assert len(found) == 2**size - 1
    for eq in found:
        support = int((eq.strategies[0] > 0.0).sum())
        assert eq.index == (-1) ** (support + 1)
        np.testing.assert_allclose(eq.strategies[0].max(), 1.0 / support, rtol=1e-15)
    assert found.index_sum == 1


@pytest.mark.parametrize("kind", ["smooth", "ties", "scaled", "duplicates"])
def test_same_extreme_equilibria_as_gambit(kind):
    rng = np.random.default_rng(11)
    degenerate = 0
    for _ in range(60):
        m, n = rng.integers(1, 6, 2)
        a, b = draw(rng, kind, m, n)
        found = solve_nash(bimatrix(a, b))
        assert rounded(eq.strategies for eq in found) == gambit_extreme(a, b)
        assert len(rounded(eq.strategies for eq in found)) == len(found)
        degenerate += bool(found.degenerate)
        if not found.degenerate:
            assert (found.index_sum, len(found) % 2, found.complete) == (1, 1, "proved")
        else:
            assert found.index_sum is None
            assert "degenerate" in found.notes[0]
    assert degenerate == 0 if kind == "smooth" else degenerate > 10


@pytest.mark.parametrize("shape", [(3, 3), (4, 4), (3, 5)])
def test_same_equilibria_as_nashpy_and_quantecon(shape):
    rng = np.random.default_rng(3)
    for _ in range(10):
        a, b = rng.standard_normal((2, *shape))
        mine = rounded(eq.strategies for eq in solve_nash(bimatrix(a, b)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert mine == rounded(nashpy.Game(a, b).vertex_enumeration())
        players = [quantecon.game_theory.Player(p) for p in (a, b.T.copy())]
        peer = quantecon.game_theory.NormalFormGame(players)
        assert mine == rounded(quantecon.game_theory.vertex_enumeration(peer))


def test_ten_by_ten_is_enumerated_by_default():
    a, b = np.random.default_rng(10).standard_normal((2, 10, 10))
    found = solve_nash(bimatrix(a, b))
    players = [quantecon.game_theory.Player(p) for p in (a, b.T.copy())]
    peer = quantecon.game_theory.NormalFormGame(players)
    assert rounded(eq.strategies for eq in found) == rounded(
        quantecon.game_theory.vertex_enumeration(peer)
    )
    assert (found.complete, found.index_sum) == ("proved", 1)
    assert found[0].iterations <= bases(10, 10)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_every_equilibrium_is_one_by_brute_force(data):
    m, n = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    entry = st.one_of(st.integers(-2, 2).map(float), st.floats(-1.0, 1.0, width=32))
    flat = data.draw(st.lists(entry, min_size=2 * m * n, max_size=2 * m * n))
    a, b = np.array(flat).reshape(2, m, n) * data.draw(st.sampled_from([1e-8, 1.0, 1e8]))
    game = bimatrix(a, b)
    found = solve_nash(game)
    assert len(found) >= 1  # Nash 1950
    for eq in found:
        spans = np.where(game.payoff_ranges > 0.0, game.payoff_ranges, 1.0)
        assert np.all(best_gains(game, eq.strategies) <= 1e-12 * spans)
        assert eq.residual <= 1e-12


def test_affine_changes_and_relabelling_change_nothing():
    rng = np.random.default_rng(5)
    a, b = rng.integers(0, 8, (2, 4, 3)).astype(float)
    mine = rounded(eq.strategies for eq in solve_nash(bimatrix(a, b)))
    moved = solve_nash(bimatrix(4.0 * a + rng.integers(0, 9, 3), 0.5 * b - 7.0))
    assert rounded(eq.strategies for eq in moved) == mine
    order = [2, 0, 3, 1]
    permuted = solve_nash(bimatrix(a[order], b[order]))
    back = [(eq.strategies[0][np.argsort(order)], eq.strategies[1]) for eq in permuted]
    assert rounded(back) == mine
    swapped = solve_nash(bimatrix(b.T, a.T))
    assert rounded(eq.strategies[::-1] for eq in swapped) == mine


def test_a_continuum_says_so_and_mixtures_of_neighbours_are_equilibria():
    game = bimatrix([[1, 1], [1, 1]], [[1, 2], [3, 1]])
    found = solve_nash(game)
    assert (found.degenerate, found.complete, found.index_sum) == (True, "unknown", None)
    assert "continuum" in found.notes[0]
    assert "1 connected component;" in found.notes[0]
    same_x = [eq for eq in found if abs(eq.strategies[0][0] - 2 / 3) < 1e-12]
    assert len(same_x) == 2
    mixture = 0.3 * same_x[0].strategies[1] + 0.7 * same_x[1].strategies[1]
    assert np.all(best_gains(game, (same_x[0].strategies[0], mixture)) <= 1e-15)


def test_as_many_bases_as_there_can_be():
    # polar of a cyclic polytope: the upper bound theorem is tight, and the search finds them all
    size = 6
    angles = np.sort(np.random.default_rng(0).uniform(0.0, 2.0 * np.pi, 2 * size))
    waves = [wave(k * angles) for k in range(1, size // 2 + 1) for wave in (np.cos, np.sin)]
    points = np.array(waves).T
    corner, rest = points[:size], points[size:]
    slack = 1.0 - rest @ np.linalg.solve(corner, np.ones(size))
    matrix = -(rest @ np.linalg.inv(corner)) / slack[:, None]
    found = solve_nash(bimatrix(matrix, matrix.T))
    assert found[0].iterations == bases(size, size) == 224
    assert rounded(eq.strategies for eq in found) == gambit_extreme(matrix, matrix.T)


def test_decimals_are_read_as_typed():
    # in binary 0.9 - 0.6 differs from 0.7 - 0.4; in the game that was meant they tie
    rng = np.random.default_rng(7)
    for _ in range(30):
        a, b = rng.integers(0, 10, (2, 4, 4)).astype(float)
        whole, tenths = solve_nash(bimatrix(a, b)), solve_nash(bimatrix(a / 10.0, b / 10.0))
        assert rounded(e.strategies for e in whole) == rounded(e.strategies for e in tenths)
        assert whole.degenerate == tenths.degenerate


def test_determinant_signs():
    rng = np.random.default_rng(12)
    signs = []
    for size in (1, 2, 3, 4, 6):
        for _ in range(40):
            matrix = rng.integers(-1, 2, (size, size))
            exact = round(float(np.linalg.det(matrix)))  # below 10^3, so rounding recovers it
            signs.append(determinant_sign(matrix.astype(object)))
            assert signs[-1] == np.sign(exact)
    assert set(signs) == {-1, 0, 1}


def test_ties_in_the_ratio_test_are_broken_as_in_the_perturbed_polytope():
    # slack j starts at 1 + t^(j+1) for a small t: of two rows that tie the later one blocks
    tableau = np.array([[2, 1, 0, 0, 1], [2, 0, 1, 0, 1], [1, 0, 0, 1, 1]], dtype=object)
    t = 1e-3
    perturbed = [(1.0 + t ** (j + 1)) / entry for j, entry in enumerate(tableau[:, 0])]
    assert leaving_row(tableau, 0, 1) == int(np.argmin(perturbed)) == 1


def test_components_are_counted():
    found = enumerate_vertices(np.ones((3, 1)), np.ones((3, 1)), 1000)
    assert (len(found.equilibria), found.components, found.finite) == (3, 1, False)
    # coordination where the first of two choices comes twice: its copies belong together, and so
    # do the two extreme mixed equilibria
    a = np.array([[2.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    found = enumerate_vertices(a, a, 1000)
    pure = [e for e in found.equilibria if max(e.x) == max(e.y) == 1.0]
    assert (len(found.equilibria), len(pure), found.components) == (5, 3, 3)


def test_a_degenerate_game_with_isolated_equilibria_is_complete():
    # player 2 is indifferent at player 1's dominant action only against an action never played
    a, b = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    found = solve_nash(bimatrix(a, b))
    assert [eq.strategies[1].tolist() for eq in found] == [[1.0, 0.0]]
    assert (found.degenerate, found.complete) == (True, "proved")
    assert "isolated" in found.notes[0]


def test_a_tie_that_only_rounding_breaks_is_decided_and_mentioned():
    a, b = np.array([[0.1 + 0.2, 1.0], [0.3, 0.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    found = solve_nash(bimatrix(a, b))
    assert (len(found), found.degenerate, found.complete) == (1, False, "proved")
    assert "nearly degenerate" in found.notes[0]


def test_one_player_maximises():
    unique = solve_nash(rqe.NormalFormGame([[1.0, 3.0, 2.0]]))
    assert [eq.strategies[0].tolist() for eq in unique] == [[0.0, 1.0, 0.0]]
    assert (unique.complete, unique.degenerate, unique.index_sum) == ("proved", False, 1)
    tied = solve_nash(rqe.NormalFormGame([[3.0, 3.0, 2.0]]))
    assert len(tied) == 2
    assert (tied.complete, tied.degenerate) == ("unknown", True)
    assert "mixture" in tied.notes[0]


def test_stopping_early_raises_or_says_what_is_missing():
    a = np.eye(5)
    with pytest.raises(rqe.ConvergenceError) as caught:
        solve_nash(bimatrix(a, a), method="vertex", max_steps=40)
    assert caught.value.status is rqe.Status.MAX_STEPS
    part = solve_nash(bimatrix(a, a), method="vertex", max_steps=40, throw=False)
    assert (part.complete, part.degenerate, part.index_sum) == ("unknown", None, None)
    assert "may be missing" in part.notes[0]
    nothing = solve_nash(bimatrix(a, a), method="vertex", max_steps=1, throw=False)
    assert [eq.status for eq in nothing] == [rqe.Status.MAX_STEPS]


def test_payoffs_are_left_alone():
    a, b = np.random.default_rng(0).standard_normal((2, 4, 4))
    game = bimatrix(a, b)
    for method in ("vertex", "lemke-howson", "homotopy", "pure"):
        solve_nash(game, method=method)
    np.testing.assert_array_equal(game.payoffs[0], a)
    np.testing.assert_array_equal(game.payoffs[1], b)
    assert not game.payoffs[0].flags.writeable
