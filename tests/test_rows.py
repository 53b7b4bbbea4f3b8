"""Both layouts of a batch give the same sums, products and solutions."""

import numpy as np
import pytest

import rqe
from rqe.solvers import _rows

COUNT = 70


def pair(*shape, seed=0):
    """The same numbers stored row by row and column by column."""
    a = np.random.default_rng(seed).normal(size=(COUNT, *shape))
    return a, np.asfortranarray(a)


def test_layouts_agree_and_are_kept():
    x, x_f = pair(4, seed=1)
    p, p_f = pair(5, seed=2)
    a, a_f = pair(4, 5, seed=3)
    b, b_f = pair(5, 2, seed=4)
    cases = [
        (_rows.dot, (x, x), (x_f, x_f)),
        (_rows.action_payoffs, (a, p), (a_f, p_f)),
        (_rows.outcome_payoffs, (a, x), (a_f, x_f)),
        (_rows.product, (a, b), (a_f, b_f)),
        (_rows.row_max, (x,), (x_f,)),
        (_rows.row_sum, (x,), (x_f,)),
        (_rows.side_by_side, (x, 2.0 * x), (x_f, 2.0 * x_f)),
        (_rows.take, (a, np.array([3, 60, 3])), (a_f, np.array([3, 60, 3]))),
        (_rows.take, (a, slice(None)), (a_f, slice(None))),
    ]
    for function, plain, by_column in cases:
        here, there = function(*plain), function(*by_column)
        np.testing.assert_allclose(there, here, rtol=1e-13, atol=1e-13)
        assert here.flags.c_contiguous
        assert there.flags.f_contiguous
    assert not np.shares_memory(_rows.take(a_f, slice(None)), a_f)


def test_products_with_one_game_shared_by_all():
    p, p_f = pair(5, seed=2)
    a = np.random.default_rng(0).normal(size=(1, 4, 5))
    np.testing.assert_allclose(_rows.action_payoffs(a, p_f), p @ a[0].T, rtol=1e-13)
    np.testing.assert_allclose(_rows.outcome_payoffs(np.swapaxes(a, 1, 2), p_f), p @ a[0].T)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 16])
def test_elimination(n):
    rng = np.random.default_rng(n)
    matrix = np.eye(n) + rng.uniform(-1.0, 1.0, (COUNT, n, n))
    right = rng.normal(size=(COUNT, n, 2))
    if n > 1:
        matrix[0] = np.eye(n)[[1, 0, *range(2, n)]]  # no elimination without exchanges
        matrix[1, :, 0] = 0.0  # singular
        matrix[2, 0, 0] = 1e-13  # a pivot that ruins what follows
    found, sign = _rows.solve_signed(np.asfortranarray(matrix), np.asfortranarray(right))
    signs, logs = np.linalg.slogdet(matrix)
    np.testing.assert_array_equal(sign(), signs)
    sound = logs > -np.inf
    back = matrix[sound] @ found[sound]
    condition = np.linalg.cond(matrix[sound])[:, None, None]
    assert np.all(np.abs(back - right[sound]) <= 1e-11 * condition)
    assert np.isnan(found[~sound]).all()
    assert (~sound).sum() == (n > 1)


def test_elimination_leaves_its_arguments_alone():
    matrix, right = pair(3, 3)[1], pair(3, 2)[1]
    kept = matrix.copy(), right.copy()
    _rows.solve_linear(matrix, right)
    np.testing.assert_array_equal(matrix, kept[0])
    np.testing.assert_array_equal(right, kept[1])


@pytest.mark.parametrize("shape", [(3, 3), (1, 2), (2, 2, 2), (8, 8), (2, 1, 3)])
@pytest.mark.parametrize("tau", [0.0, 3.0, [np.inf, 1.0, 0.0]])
def test_a_crowd_is_solved_as_its_games_are(monkeypatch, shape, tau):
    payoffs = np.random.default_rng(7).random((COUNT, len(shape), *shape))
    degrees = tau if isinstance(tau, float) else tau[: len(shape)]
    crowd = rqe.solve_many(payoffs, degrees, 0.1)
    monkeypatch.setattr(_rows, "SMALL", 0)
    plain = rqe.solve_many(payoffs, degrees, 0.1)
    assert crowd.converged.all()
    assert plain.converged.all()
    for ours, theirs in zip(crowd.strategies, plain.strategies, strict=True):
        assert np.abs(ours - theirs).max() < 1e-8
    assert crowd.residual.max() <= 1e-10
