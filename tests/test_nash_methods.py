"""One equilibrium at a time: pivoting, linear programming, homotopy; and the refusals."""

import sys

import cvxpy
import numpy as np
import pygambit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nash_references import best_gains, bimatrix, draw, rounded

import rqe
from rqe.solvers._loop import iterate
from rqe.solvers._nash import Request
from rqe.solvers.lemke_howson import TIE, Pivoting, begin, paths
from rqe.solvers.nash import solve_nash
from rqe.solvers.support import contract, polish, solve_on_support, unit_payoffs

ROCK = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])


def test_every_label_of_lemke_howson_leads_to_an_equilibrium_of_index_one():
    # Lemke and Howson 1964; the end of a path from the artificial equilibrium has index +1
    rng = np.random.default_rng(2)
    for _ in range(10):
        a, b = rng.standard_normal((2, 4, 5))
        every = solve_nash(bimatrix(a, b))
        positive = rounded(eq.strategies for eq in every if eq.index == 1)
        for label in range(9):
            (end,) = paths(a, b, [label], 10_000)
            assert end.status is rqe.Status.CONVERGED
            assert rounded([(end.x, end.y)]) <= positive


@pytest.mark.parametrize("size", [25, 100])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_large_games_end_with_certified_regret(size, seed):
    game = bimatrix(*np.random.default_rng(seed).standard_normal((2, size, size)))
    (eq,) = solve_nash(game, method="lemke-howson")
    assert eq.status is rqe.Status.CONVERGED
    (x, y), (a, b) = eq.strategies, game.payoffs
    assert (a @ y).max() - x @ a @ y <= 1e-13
    assert (x @ b).max() - x @ b @ y <= 1e-13


def test_paths_that_cycle_under_a_plain_ratio_test_end():
    # without the lexicographic rule, paths from labels 1, 4 and 5 of this game never end
    a = np.array([[2, 0, 1], [1, 2, 1], [2, 2, 0], [2, 0, 2], [2, 2, 0], [1, 0, 2]], dtype=float)
    b = np.array([[0, 0, 1], [2, 1, 2], [1, 2, 0], [1, 2, 0], [2, 0, 0], [2, 1, 1]], dtype=float)
    for label in range(9):
        (end,) = paths(a, b, [label], 200)
        assert end.status is rqe.Status.CONVERGED
        assert np.all(best_gains(bimatrix(a, b), (end.x, end.y)) <= 1e-14)


def test_rounding_does_not_build_up_along_a_path_of_thousands_of_pivots():
    a = (np.random.default_rng(1).standard_normal((150, 150)) > 0.0).astype(float)
    path, status, steps = iterate(Pivoting(), begin(1.0 + a, 2.0 - a, 0), 30_000)
    assert status is rqe.Status.CONVERGED
    assert steps > 1000
    for half in path.halves:
        exact = np.linalg.solve(half.columns[:, half.basis], half.columns)
        assert np.abs(half.tableau - exact).max() <= TIE  # ties stay recognisable


@pytest.mark.parametrize("kind", ["ties", "duplicates", "scaled"])
def test_pivoting_does_not_cycle_in_degenerate_games(kind):
    rng = np.random.default_rng(8)
    for size in (3, 10, 40):
        for _ in range(5):
            game = bimatrix(*draw(rng, kind, size, size + 1))
            (eq,) = solve_nash(game, method="lemke-howson")
            spans = np.where(game.payoff_ranges > 0.0, game.payoff_ranges, 1.0)
            assert np.all(eq.regret <= 1e-12 * spans)


def test_labels_and_seeds_choose_the_equilibrium():
    game = bimatrix(np.eye(3), np.eye(3))
    for label in range(6):
        (eq,) = solve_nash(game, method="lemke-howson", start=label)
        assert int(np.argmax(eq.strategies[0])) == label % 3
    seeded = [solve_nash(game, method="lemke-howson", seed=seed) for seed in range(12)]
    assert len(rounded(found[0].strategies for found in seeded)) == 3
    (again,) = solve_nash(game, method="lemke-howson", seed=7)
    assert rounded([again]) == rounded([seeded[7][0]])


def test_the_step_cap_is_kept_and_reported():
    game = bimatrix(*np.random.default_rng(0).standard_normal((2, 60, 60)))
    with pytest.raises(rqe.ConvergenceError) as caught:
        solve_nash(game, method="lemke-howson", max_steps=5)
    assert caught.value.status is rqe.Status.MAX_STEPS
    assert caught.value.result.iterations == 5
    found = solve_nash(game, method="lemke-howson", max_steps=5, throw=False)
    assert found[0].status is rqe.Status.MAX_STEPS
    assert found.notes == ("no certified equilibrium was reached",)


@pytest.mark.parametrize("shape", [(2, 2), (4, 7), (30, 20)])
@pytest.mark.parametrize("method", ["zero-sum", "lemke-howson", "homotopy"])
def test_zero_sum_values_match_a_conic_solver(shape, method):
    rng = np.random.default_rng(sum(shape))
    for scale in (1.0, 1e8, 1e-8):
        a = rng.standard_normal(shape)
        x, v = cvxpy.Variable(shape[0], nonneg=True), cvxpy.Variable()
        problem = cvxpy.Problem(cvxpy.Maximize(v), [cvxpy.sum(x) == 1, a.T @ x >= v])
        problem.solve(solver=cvxpy.CLARABEL)
        (eq,) = solve_nash(bimatrix(scale * a, 3.0 * scale - scale * a), method=method)
        assert eq.payoffs[0] / scale == pytest.approx(problem.value, abs=1e-7)
        assert eq.max_regret <= 1e-12 * scale


def test_default_for_large_games():
    rng = np.random.default_rng(4)
    a = rng.standard_normal((20, 20))
    assert solve_nash(bimatrix(a, 1.0 - a)).method == "zero-sum"
    coordination = solve_nash(bimatrix(np.eye(20), np.eye(20)))
    assert (coordination.method, len(coordination)) == ("pure", 20)
    assert solve_nash(bimatrix(np.tile(ROCK, (7, 7)), np.tile(-2.0 * ROCK, (7, 7)))).method == (
        "lemke-howson"
    )
    assert solve_nash(rqe.NormalFormGame(cyclic_three())).method == "homotopy"


def cyclic_three():
    """Three players, each wants to match the next, except that the last wants to differ."""
    payoffs = np.zeros((3, 2, 2, 2))
    for cell in np.ndindex(2, 2, 2):
        same = [cell[k] == cell[(k + 1) % 3] for k in range(3)]
        payoffs[(slice(None), *cell)] = [same[0], same[1], not same[2]]
    return payoffs


def test_three_players_who_chase_each_other_mix_evenly():
    (eq,) = solve_nash(rqe.NormalFormGame(cyclic_three()))
    np.testing.assert_allclose(eq.strategies, 0.5, atol=1e-15)


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 2, 2), (2, 3, 3)])
def test_homotopy_lands_on_one_of_gambits_equilibria(shape):
    rng = np.random.default_rng(6)
    for _ in range(6):
        payoffs = rng.integers(-9, 10, (3, *shape)).astype(float)
        payoffs += rng.uniform(-0.4, 0.4, payoffs.shape).round(3)
        (eq,) = solve_nash(rqe.NormalFormGame(payoffs), method="homotopy")
        peer = pygambit.StrategicGame.from_arrays(*payoffs)
        every = pygambit.nash.enumpoly_solve(peer).equilibria
        flat = [
            [float(x[str(k + 1)]) for x, n in zip(e, shape, strict=True) for k in range(n)]
            for e in every
        ]
        distances = [np.abs(np.hstack(eq.strategies) - f).max() for f in flat]
        assert min(distances) <= 1e-6


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_any_number_of_players_by_brute_force(data):
    shape = data.draw(st.sampled_from([(2, 2, 2), (1, 3, 2), (3, 3, 2), (2, 2, 2, 2)]))
    size = len(shape) * int(np.prod(shape))
    flat = data.draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    scale = data.draw(st.sampled_from([1e-8, 1.0, 1e8]))
    game = rqe.NormalFormGame(scale * np.array(flat, dtype=float).reshape(-1, *shape))
    spans = np.where(game.payoff_ranges > 0.0, game.payoff_ranges, 1.0)
    (eq,) = solve_nash(game, method="homotopy")
    assert np.all(best_gains(game, eq.strategies) <= 1e-9 * spans)
    pure = solve_nash(game, method="pure")
    expected = [
        cell
        for cell in np.ndindex(*shape)
        if np.all(best_gains(game, [np.eye(n)[a] for n, a in zip(shape, cell, strict=True)]) <= 0.0)
    ]
    assert [tuple(int(np.argmax(x)) for x in eq.strategies) for eq in pure] == expected


def test_homotopy_can_start_elsewhere():
    game = bimatrix([[4, 0], [3, 3]], [[4, 3], [0, 3]])
    (risk_dominant,) = solve_nash(game, method="homotopy")
    assert risk_dominant.strategies[0].tolist() == [0.0, 1.0]  # Harsanyi and Selten 1988
    (stag,) = solve_nash(game, method="homotopy", start=([0.99, 0.01], [0.99, 0.01]))
    assert stag.strategies[0].tolist() == [1.0, 0.0]


def test_homotopy_that_runs_out_of_steps_says_so():
    payoffs = np.random.default_rng(3).standard_normal((3, 4, 4, 4))
    game = rqe.NormalFormGame(payoffs)
    with pytest.raises(rqe.ConvergenceError) as caught:
        solve_nash(game, method="homotopy", max_steps=1)
    assert caught.value.status is rqe.Status.MAX_STEPS
    found = solve_nash(game, method="homotopy", max_steps=1, throw=False)
    assert [eq.status for eq in found] == [rqe.Status.MAX_STEPS]
    assert found.notes == ("no certified equilibrium was reached",)


def test_newton_on_a_support_solves_the_volunteers_dilemma():
    # benefit 1, cost c: each volunteers with probability 1 - c^(1/(n-1)) (Diekmann 1985)
    players, cost = 4, 0.3
    payoffs = np.zeros((players, *(2,) * players))
    for cell in np.ndindex(*(2,) * players):
        for i in range(players):
            payoffs[(i, *cell)] = float(any(cell)) - cost * cell[i]
    start = tuple(np.array([0.6, 0.4]) for _ in range(players))
    support = [np.ones(2, dtype=bool)] * players
    profile, steps = solve_on_support(payoffs, start, support)
    closed = 1.0 - cost ** (1.0 / (players - 1))
    assert [x[1] for x in profile] == pytest.approx([closed] * players, abs=1e-14)
    assert 2 <= steps <= 10


def test_polish_lands_on_the_equilibrium_nearby():
    payoffs = unit_payoffs([ROCK, -ROCK])
    third = np.full(3, 1.0 / 3.0)
    profile, _ = polish(payoffs, (third + [1e-4, -1e-4, 0.0], third))
    np.testing.assert_allclose(np.hstack(profile), 1.0 / 3.0, atol=1e-15)


def test_contraction_is_a_sum_over_the_others():
    rng = np.random.default_rng(1)
    payoff = rng.standard_normal((2, 3, 4))
    x = tuple(rng.dirichlet(np.ones(n)) for n in payoff.shape)
    expected = np.einsum("abc,b->ca", payoff, x[1])
    np.testing.assert_allclose(contract(payoff, x, [2, 0]), expected, rtol=1e-14)


@pytest.mark.parametrize("kind", ["smooth", "ties", "duplicates"])
def test_quantecon_engine(kind):
    rng = np.random.default_rng(9)
    for shape in ((1, 3), (4, 4), (3, 5), (15, 15)):
        game = bimatrix(*draw(rng, kind, *shape))
        found = solve_nash(game, method="quantecon")
        for eq in found:
            assert np.all(best_gains(game, eq.strategies) <= 1e-9 * game.payoff_ranges.max())
        if kind == "smooth" and shape == (4, 4):
            every = solve_nash(game)
            assert rounded(e.strategies for e in found) == rounded(e.strategies for e in every)


def test_quantecon_missing_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "quantecon.game_theory", None)
    with pytest.raises(rqe.MissingExtraError, match=r"rqe\[quantecon\]"):
        solve_nash(bimatrix(ROCK, -ROCK), method="quantecon")


def test_a_loose_residual_does_not_excuse_regret():
    game = bimatrix(ROCK, -ROCK)
    third = np.full(3, 1.0 / 3.0)
    request = Request(game, 1e-3, 1, True, None, None, True)
    near = request.certify((third, third + [1e-6, -1e-6, 0.0]), "by hand", 0)
    assert near.residual <= 1e-3
    assert near.status is rqe.Status.UNCERTIFIED
    assert request.certify((third, third), "by hand", 0).status is rqe.Status.CONVERGED


def test_only_strict_pure_equilibria_have_an_index():
    # (1, 1) is strict for both; at (2, 2) player 2 is indifferent
    found = solve_nash(bimatrix([[2, 0], [0, 1]], [[1, 0], [3, 3]]), method="pure")
    assert [(eq.strategies[0][0], eq.index) for eq in found] == [(1.0, 1), (0.0, None)]


def test_no_pure_equilibrium_is_an_answer():
    found = solve_nash(bimatrix(ROCK, -ROCK), method="pure")
    assert len(found) == 0
    assert found.notes[0] == "the game has no pure equilibrium"


def test_a_thousand_pure_equilibria_are_listed_and_the_rest_counted():
    found = solve_nash(bimatrix(np.zeros((40, 40)), np.zeros((40, 40))), method="pure")
    assert len(found) == 1000
    assert "of 1600" in found.notes[0]


THREE = rqe.NormalFormGame(np.zeros((3, 2, 2, 2)))
PAIR = bimatrix([[1, 2], [3, 4]], [[1, 0], [0, 1]])


@pytest.mark.parametrize(
    ("game", "arguments", "message"),
    [
        ([[1]], {}, "game must be a NormalFormGame"),
        (PAIR, {"method": "support"}, "method must be one of 'auto', 'vertex'"),
        (THREE, {"method": "vertex"}, "for 3 players; got 'vertex'"),
        (THREE, {"method": "zero-sum"}, "for 3 players; got 'zero-sum'"),
        (PAIR, {"method": "zero-sum"}, "constant-sum"),
        (PAIR, {"tol": 0.0}, "tol must be"),
        (PAIR, {"tol": np.nan}, "tol must be"),
        (PAIR, {"max_steps": 0}, "max_steps must be"),
        (PAIR, {"max_steps": 2.5}, "max_steps must be"),
        (PAIR, {"start": 1}, "start must be None with method='auto'"),
        (PAIR, {"seed": 1}, "seed must be None with method='auto'"),
        (PAIR, {"method": "lemke-howson", "start": 4}, r"in \[0, 4\); got 4"),
        (PAIR, {"method": "lemke-howson", "start": True}, "start must be a label"),
        (PAIR, {"method": "lemke-howson", "seed": -1}, "seed must be a whole number"),
        (PAIR, {"method": "homotopy", "start": ([1.0, 0.0],)}, "start must be 2 mixed"),
        (PAIR, {"method": "homotopy", "start": ([2.0, 0.0], [1.0, 0.0])}, "start must be 2 mixed"),
    ],
)
def test_refusals_name_the_argument(game, arguments, message):
    with pytest.raises(ValueError, match=message):
        solve_nash(game, **arguments)
