"""Entropy-regularised maximin: its gap, its optimality conditions, cvxpy, and awkward matrices."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import KINDS

from rqe.solvers.worst_case import worst_case_response

EPSILONS = (0.0, 1e-3, 1e-2, 0.1, 1.0, 100.0, 1e4)


def matrix_of(kind, n, m, seed):
    """A payoff matrix of unit range (or constant)."""
    rng = np.random.default_rng(seed)
    base = rng.random((n, m))
    if kind == "ties":
        base = rng.integers(0, 3, (n, m)).astype(float)
    elif kind == "zero columns":
        base[:, 0] = 0.0
    elif kind == "equal rows":
        base = base[rng.integers(0, n, n)]
    elif kind == "constant":
        base = np.ones((n, m))
    elif kind == "nearly tied":
        base = base[:, rng.integers(0, m, m)] + 1e-9 * base
    span = np.ptp(base)
    return (base - base.min()) / (span or 1.0)


def program(matrix, epsilon):
    """The value by cvxpy."""
    x = cp.Variable(matrix.shape[0])
    regular = epsilon * cp.sum(cp.entr(x)) if epsilon > 0.0 else 0.0
    goal = cp.Maximize(cp.min(matrix.T @ x) + regular)
    return cp.Problem(goal, [x >= 0, cp.sum(x) == 1]).solve(solver=cp.CLARABEL)


def value(matrix, log_x, epsilon):
    x = np.exp(log_x)
    regular = -np.sum(x[x > 0.0] * log_x[x > 0.0]) * epsilon
    return (x @ matrix).min() + regular


def dual(matrix, log_p, epsilon):
    v = matrix @ np.exp(log_p)
    top = v.max()
    return top if epsilon == 0.0 else top + epsilon * np.log(np.exp((v - top) / epsilon).sum())


@given(
    st.sampled_from(KINDS),
    st.integers(1, 9),
    st.integers(1, 14),
    st.integers(0, 10_000),
    st.sampled_from(EPSILONS),
)
def test_gap_is_honest_and_at_rounding(kind, n, m, seed, epsilon):
    matrix = matrix_of(kind, n, m, seed)
    log_x, log_p, gap = worst_case_response(matrix, epsilon)
    assert np.exp(log_x).sum() == pytest.approx(1.0, abs=1e-13)
    assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-13)
    # columns that differ by 1e-9 are beyond what a linear program's tolerance separates
    assert -1e-14 <= gap <= (1e-9 if kind == "nearly tied" else 1e-12)
    by_values = dual(matrix, log_p, epsilon) - value(matrix, log_x, epsilon)
    assert by_values == pytest.approx(gap, abs=1e-14 * (1.0 + 20 * epsilon))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("epsilon", [0.0, 1e-2, 1.0])
def test_value_equals_an_independent_program(kind, epsilon):
    for seed in range(2):
        matrix = matrix_of(kind, 4, 6, seed)
        log_x, _, _ = worst_case_response(matrix, epsilon)
        assert value(matrix, log_x, epsilon) == pytest.approx(program(matrix, epsilon), abs=1e-7)


@pytest.mark.parametrize("epsilon", [e for e in EPSILONS if e > 0.0])
def test_strategy_is_the_quantal_answer_to_the_belief_which_lies_on_worst_columns(epsilon):
    matrix = matrix_of("plain", 5, 9, 3)
    log_x, log_p, _ = worst_case_response(matrix, epsilon)
    v = matrix @ np.exp(log_p) / epsilon
    np.testing.assert_allclose(log_x, v - v.max() - np.log(np.exp(v - v.max()).sum()), atol=1e-12)
    u = np.exp(log_x) @ matrix
    believed = np.exp(log_p) > 1e-12
    assert np.ptp(u[believed]) <= 1e-13
    assert u[believed].max() <= u.min() + 1e-13


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("shape", [(50, 200), (200, 50), (3, 3000), (400, 2)])
def test_large_matrices(shape, epsilon):
    _, _, gap = worst_case_response(matrix_of("plain", *shape, 0), epsilon)
    assert gap <= 1e-12


def test_matching_pennies_with_unequal_prizes_has_its_closed_form():
    # max-min of [[a, 0], [0, b]] is played with probability b / (a + b) at epsilon = 0
    matrix = np.array([[1.0, 0.0], [0.0, 0.25]])
    log_x, log_p, _ = worst_case_response(matrix, 0.0)
    np.testing.assert_allclose(np.exp(log_x), [0.2, 0.8], atol=1e-15)
    np.testing.assert_allclose(np.exp(log_p), [0.2, 0.8], atol=1e-15)
    # with both columns binding the strategy is the same at any epsilon small enough, and the
    # belief tilts so that the first action is log(1/4) epsilon less worth than the second
    log_x, log_p, _ = worst_case_response(matrix, 0.01)
    p = (0.25 - 0.01 * np.log(4.0)) / 1.25
    np.testing.assert_allclose(np.exp(log_x), [0.2, 0.8], atol=1e-13)
    np.testing.assert_allclose(np.exp(log_p), [p, 1.0 - p], atol=1e-13)


def test_equal_columns_share_their_belief():
    matrix = np.array([[1.0, 0.0, 0.0, 0.7], [0.2, 0.6, 0.6, 0.9]])
    _, log_p, _ = worst_case_response(matrix, 0.05)
    _, alone, _ = worst_case_response(matrix[:, [0, 1, 3]], 0.05)
    assert log_p[1] == log_p[2]
    np.testing.assert_allclose(np.exp(log_p[1]) * 2.0, np.exp(alone[1]), rtol=1e-13)


def test_one_action_or_one_outcome():
    log_x, log_p, gap = worst_case_response(np.array([[0.5, 0.0, 0.0, 1.0]]), 0.3)
    np.testing.assert_array_equal(np.exp(log_x), [1.0])
    np.testing.assert_array_equal(np.exp(log_p), [0.0, 0.5, 0.5, 0.0])
    assert gap == 0.0
    log_x, log_p, gap = worst_case_response(np.array([[0.0], [1.0]]), 0.5)
    np.testing.assert_allclose(log_x[1] - log_x[0], 2.0, rtol=1e-15)
    assert (log_p.tolist(), gap) == ([0.0], 0.0)


def test_too_few_steps_show_in_the_gap():
    _, _, gap = worst_case_response(matrix_of("plain", 6, 9, 0), 0.05, max_steps=1)
    assert gap > 1e-6
