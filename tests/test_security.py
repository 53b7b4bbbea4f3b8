"""Security strategies against a conic solver, brute force and closed forms."""

import cvxpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rqe
from rqe.solvers.nash import solve_nash
from rqe.solvers.security import maximin, solve_security


def guarantee(payoff, player, x):
    """Least expected payoff over all joint pure actions of the others, cell by cell."""
    others = [n for j, n in enumerate(payoff.shape) if j != player]
    worst = np.inf
    for cell in np.ndindex(*others):
        index = list(cell)
        index.insert(player, slice(None))
        worst = min(worst, float(x @ payoff[tuple(index)]))
    return worst


def conic_value(payoff, player):
    """The security value by a convex program solved with Clarabel, on unit payoffs."""
    n = payoff.shape[player]
    matrix = np.moveaxis(payoff, player, 0).reshape(n, -1)
    low, span = matrix.min(), max(float(np.ptp(matrix)), 1e-300)
    x, v = cvxpy.Variable(n, nonneg=True), cvxpy.Variable()
    unit = (matrix - low) / span
    problem = cvxpy.Problem(cvxpy.Maximize(v), [cvxpy.sum(x) == 1, unit.T @ x >= v])
    problem.solve(solver=cvxpy.CLARABEL)
    return float(low + span * problem.value)


@pytest.mark.parametrize("shape", [(4,), (1, 5), (5, 1), (3, 4), (2, 3, 4), (2, 2, 2, 3)])
@pytest.mark.parametrize("scale", [1.0, 1e8, 1e-8])
def test_values_match_a_conic_solver_and_the_worst_joint_action(shape, scale):
    rng = np.random.default_rng(sum(shape))
    game = rqe.NormalFormGame(scale * rng.standard_normal((len(shape), *shape)))
    eq = solve_security(game)
    assert (eq.status, eq.concept) == (rqe.Status.CONVERGED, "security")
    for i, payoff in enumerate(game.payoffs):
        span = max(float(game.payoff_ranges[i]), scale)
        assert abs(eq.values[i] - conic_value(payoff, i)) <= 1e-7 * span
        assert abs(eq.values[i] - guarantee(payoff, i, eq.strategies[i])) <= 1e-14 * span
        assert eq.beliefs[i].shape == tuple(n for j, n in enumerate(shape) if j != i)
        # the belief proves it: against it no action is worth more than the value
        worth = np.tensordot(np.moveaxis(payoff, i, 0), eq.beliefs[i], axes=len(shape) - 1)
        assert worth.max() - eq.values[i] <= 1e-13 * span
    assert [(a.risk.tau, a.regularizer.epsilon) for a in eq.agents] == [(np.inf, 0.0)] * len(shape)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_ties_and_duplicates_are_certified(data):
    n, m = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 6))
    flat = data.draw(st.lists(st.integers(-2, 2), min_size=n * m, max_size=n * m))
    payoff = np.array(flat, dtype=float).reshape(n, m) * data.draw(
        st.sampled_from([1e-8, 1.0, 1e8])
    )
    span = max(float(np.ptp(payoff)), 1e-300)
    x, p, status, _ = maximin(payoff, 10_000)
    assert status is rqe.Status.CONVERGED
    assert x.min() >= 0.0
    assert p.min() >= 0.0
    assert abs(x.sum() - 1.0) + abs(p.sum() - 1.0) <= 1e-14
    # weak duality: a gap of zero proves both optimal, whatever computed them
    assert (payoff @ p).max() - (x @ payoff).min() <= 1e-13 * span


def test_a_program_of_many_ties_is_solved_to_the_last_digits():
    # HiGHS leaves a gap of 1e-13 of the payoffs here; the exact solve on the support closes it
    payoff = np.random.default_rng(4).integers(-2, 3, (40, 40)).astype(float)
    x, p, _, _ = maximin(payoff, 10_000)
    assert (payoff @ p).max() - (x @ payoff).min() <= 1e-14


def test_chicken_and_matching_pennies():
    chicken = rqe.NormalFormGame([[[0, 7], [2, 6]], [[0, 2], [7, 6]]])
    eq = solve_security(chicken)
    assert [x.tolist() for x in eq.strategies] == [[0.0, 1.0], [0.0, 1.0]]
    assert eq.values.tolist() == [2.0, 2.0]
    assert eq.payoffs.tolist() == [6.0, 6.0]
    pennies = np.array([[9.0, 0.0], [0.0, 1.0]])
    eq = solve_security(rqe.NormalFormGame([pennies, -pennies]))
    np.testing.assert_allclose(eq.strategies[0], [0.1, 0.9], atol=1e-15)
    np.testing.assert_allclose(eq.values, [0.9, -0.9], atol=1e-14)


def test_the_others_may_coordinate():
    # player 1 wins unless both others name the same side and it is not player 1's
    payoff = np.ones((2, 2, 2))
    payoff[0, 1, 1] = payoff[1, 0, 0] = 0.0
    eq = solve_security(rqe.NormalFormGame([payoff, np.zeros((2, 2, 2)), np.zeros((2, 2, 2))]))
    assert eq.values[0] == pytest.approx(0.5, abs=1e-15)
    np.testing.assert_allclose(eq.beliefs[0], [[0.5, 0.0], [0.0, 0.5]], atol=1e-15)


def test_in_constant_sum_games_security_is_nash():
    a = np.random.default_rng(2).standard_normal((12, 9))
    game = rqe.NormalFormGame([a, 1.0 - a])
    (eq,) = solve_nash(game, method="vertex")
    np.testing.assert_allclose(solve_security(game).values, eq.payoffs, atol=1e-13)


def test_running_out_of_iterations_raises_or_returns_the_best():
    game = rqe.NormalFormGame(np.random.default_rng(0).standard_normal((2, 30, 30)))
    with pytest.raises(rqe.ConvergenceError) as caught:
        solve_security(game, max_steps=1)
    assert caught.value.status is rqe.Status.MAX_STEPS
    eq = solve_security(game, max_steps=1, throw=False)
    assert eq.status is rqe.Status.MAX_STEPS
    assert eq.max_regret > 1e-6


def test_payoffs_are_left_alone_and_the_profile_is_read_only():
    payoffs = np.random.default_rng(1).standard_normal((2, 5, 5))
    game = rqe.NormalFormGame(payoffs)
    eq = solve_security(game)
    np.testing.assert_array_equal(game.payoffs, payoffs)
    assert not eq.strategies[0].flags.writeable


@pytest.mark.parametrize(
    ("game", "arguments", "message"),
    [
        (np.eye(2), {}, "game must be a NormalFormGame; got ndarray"),
        (rqe.NormalFormGame([[1.0, 2.0]]), {"tol": 2.0}, "tol must be"),
        (rqe.NormalFormGame([[1.0, 2.0]]), {"max_steps": -1}, "max_steps must be"),
    ],
)
def test_refusals_name_the_argument(game, arguments, message):
    with pytest.raises(ValueError, match=message):
        solve_security(game, **arguments)


@pytest.mark.parametrize("start", [None, [[0.2, 0.2, 0.6], [0.25] * 4]])
@pytest.mark.parametrize("tau", [0.0, 2.0, 30.0])
def test_who_responds_to_a_security_strategy_with_zeros(tau, start):
    rng = np.random.default_rng(7)
    a, b = rng.random((3, 4)), rng.random((4, 3))
    game = rqe.NormalFormGame([a, b.T])
    eq = rqe.solve_rqe(game, [np.inf, tau], [0.0, 0.1], start=start)
    safe = rqe.solve_security(game)
    np.testing.assert_allclose(eq[0], safe[0], atol=1e-12)
    assert eq.log_strategies[0][2] == -np.inf
    p = eq[0] * np.exp(-tau * (eq[1] @ b))
    reply = np.exp(b @ (p / p.sum()) / 0.1)
    np.testing.assert_allclose(eq[1], reply / reply.sum(), atol=1e-10)
