"""Log-domain operations against mpmath, a quadratic program and brute force."""

import itertools

import jax
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from strategies import distributions

from rqe.core import ops

mpmath.mp.dps = 60


def log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def exact_kl(p, q):
    terms = [
        mpmath.mpf(a) * mpmath.log(mpmath.mpf(a) / mpmath.mpf(b))
        for a, b in zip(p, q, strict=True)
        if a > 0
    ]
    return mpmath.fsum(terms)


def test_logsumexp_survives_overflow_underflow_and_emptiness():
    x = np.array([[1000.0, 1000.0], [-1000.0, -1001.0], [-np.inf, 3.0], [-np.inf, -np.inf]])
    expected = [1000 + np.log(2), -1000 + np.log1p(np.exp(-1)), 3.0, -np.inf]
    np.testing.assert_allclose(ops.logsumexp(x), expected, rtol=1e-15)
    assert np.exp(ops.log_softmax(x[:3])).sum(axis=-1) == pytest.approx(1.0, abs=1e-15)


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=8))
def test_logsumexp_equals_mpmath(values):
    expected = mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(v)) for v in values))
    found = float(ops.logsumexp(np.array(values)))
    assert found == pytest.approx(float(expected), rel=1e-14, abs=1e-14)


@given(st.data(), st.integers(1, 7))
def test_kl_equals_mpmath(data, size):
    p, q = data.draw(distributions(size)), data.draw(distributions(size, zeros=False))
    # the reference takes the very numbers that the logarithms stand for, renormalised
    a = [mpmath.exp(mpmath.mpf(v)) if v > -np.inf else mpmath.mpf(0) for v in log(p)]
    b = [mpmath.exp(mpmath.mpf(v)) for v in log(q)]
    a, b = [v / mpmath.fsum(a) for v in a], [v / mpmath.fsum(b) for v in b]
    expected = float(mpmath.fsum(x * mpmath.log(x / y) for x, y in zip(a, b, strict=True) if x > 0))
    found = float(ops.kl(log(p), log(q)))
    assert found >= 0.0
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("size", [1e-1, 1e-4, 1e-7, 1e-10])
def test_kl_keeps_its_digits_close_to_zero(size):
    q = np.array([0.2, 0.3, 0.5])
    mp_q = [mpmath.mpf(v) for v in q]
    shift = [mpmath.mpf(size) * v for v in (1, -2, 1)]
    mp_p = [v * (1 + s) for v, s in zip(mp_q, shift, strict=True)]
    mp_p = [v / mpmath.fsum(mp_p) for v in mp_p]
    log_p = np.array([float(mpmath.log(v)) for v in mp_p])
    expected = float(exact_kl(mp_p, mp_q))
    # log p itself carries an error of 1e-16, a relative 1e-16 / size of the difference
    assert float(ops.kl(log_p, np.log(q))) == pytest.approx(expected, rel=1e-15 + 1e-14 / size)
    assert float(ops.kl(np.log(q), np.log(q))) == 0.0


def test_kl_at_zero_weights():
    point, even = log(np.array([1.0, 0.0])), np.log([0.5, 0.5])
    assert float(ops.kl(point, even)) == pytest.approx(np.log(2), rel=1e-15)
    assert float(ops.kl(even, point)) == np.inf
    assert float(ops.kl(point, point)) == 0.0
    assert float(ops.neg_entropy(point)) == 0.0
    assert float(ops.neg_entropy(even)) == pytest.approx(-np.log(2), rel=1e-15)


@pytest.mark.parametrize("player", [0, 1, 2])
def test_own_first_and_joint_log_agree_with_a_loop(player):
    rng = np.random.default_rng(player)
    shape = (2, 3, 4)
    payoff = rng.normal(size=(6, *shape))
    strategies = [rng.dirichlet(np.ones(n), 6) for n in shape]
    matrix = ops.own_first(payoff, player, 3)
    joint = np.exp(ops.joint_log(tuple(np.log(x) for x in strategies), player))
    others = [j for j in range(3) if j != player]
    assert joint.sum(axis=-1) == pytest.approx(1.0, abs=1e-14)
    for own in range(shape[player]):
        for k, rest in enumerate(itertools.product(*(range(shape[j]) for j in others))):
            cell = list(rest)
            cell.insert(player, own)
            np.testing.assert_array_equal(matrix[:, own, k], payoff[(slice(None), *cell)])
            weight = np.prod(
                [strategies[j][:, a] for j, a in zip(others, rest, strict=True)], axis=0
            )
            np.testing.assert_allclose(joint[:, k], weight, rtol=1e-14)


def test_one_player_faces_one_certain_outcome():
    payoff = np.array([1.0, 2.0])
    assert ops.own_first(payoff, 0, 1).shape == (2, 1)
    np.testing.assert_array_equal(ops.joint_log((np.log([0.5, 0.5]),), 0), [0.0])


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=6), st.sampled_from((1.0, 1e-6, 1e6)))
def test_project_simplex_satisfies_the_optimality_conditions(values, scale):
    y = scale * np.array(values)
    x = ops.project_simplex(y)
    assert x.sum() == pytest.approx(1.0, abs=1e-9 * max(1.0, scale))
    assert (x >= 0.0).all()
    level = (y - x)[x > 0.0]
    slack = 1e-9 * max(1.0, scale)
    assert np.ptp(level) <= slack
    assert (y[x == 0.0] <= level.max() + slack).all()


@pytest.mark.parametrize("seed", range(5))
def test_project_simplex_equals_a_quadratic_program(seed):
    y = np.random.default_rng(seed).normal(size=4)
    solved = minimize(
        lambda x: 0.5 * np.sum((x - y) ** 2),
        np.full(4, 0.25),
        jac=lambda x: x - y,
        bounds=[(0.0, None)] * 4,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1.0},
        method="SLSQP",
        options={"ftol": 1e-15},
    )
    np.testing.assert_allclose(ops.project_simplex(y), solved.x, atol=1e-7)


@pytest.mark.parametrize(
    ("function", "point", "gradient"),
    [
        # d/dz sum p (log p) at p = exp z: p (1 + log p), whose limit at p = 0 is 0
        (ops.neg_entropy, [0.0, -np.inf], [1.0, 0.0]),
        (lambda z: ops.kl(z, np.log([0.25, 0.75])), [0.0, -np.inf], [np.log(4.0), 0.0]),
        (lambda z: ops.kl(np.log([0.25, 0.75]) + 0.0 * z, z), [np.log(0.5), np.log(0.5)], None),
        (ops.logsumexp, [0.0, -np.inf], [1.0, 0.0]),
        (lambda z: ops.log_softmax(z)[0], [0.0, -np.inf], [0.0, 0.0]),
    ],
)
def test_gradients_at_zero_weights_are_finite(function, point, gradient):
    with jax.enable_x64(True):
        found = np.asarray(jax.grad(function)(jax.numpy.asarray(point)))
        if gradient is None:  # an interior point: central differences
            gradient = central(function, np.array(point))
    np.testing.assert_allclose(found, gradient, atol=1e-8)


def central(function, at, step=1e-6):
    """Central differences of a scalar function."""
    unit = np.eye(at.size)
    return np.array(
        [float(function(at + step * e) - function(at - step * e)) / (2 * step) for e in unit]
    )


@pytest.mark.parametrize("name", ["logsumexp", "neg_entropy"])
def test_gradients_equal_finite_differences(name):
    function, at = getattr(ops, name), np.log(np.array([0.1, 0.2, 0.7]))
    with jax.enable_x64(True):
        found = np.asarray(jax.grad(function)(jax.numpy.asarray(at)))
    np.testing.assert_allclose(found, central(function, at), atol=1e-9)
