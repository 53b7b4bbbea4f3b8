"""The shared primitive: replies, their derivative, the regret bound, against independent code."""

import cvxpy as cp
import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from strategies import RELATIVE_EPSILON, RELATIVE_TAU, distributions, payoff_arrays

from rqe.core.regularizer import NegEntropy
from rqe.core.response import (
    regret_bound,
    reply,
    reply_derivative,
    residual,
    risk_adjusted_value,
)
from rqe.core.risk import Entropic


def log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def by_hand(payoff, x, q, tau, epsilon):
    """Risk-adjusted, regularised value from the definition."""
    u = x @ payoff
    if tau == np.inf:
        worth = u.min()
    elif tau == 0.0:
        worth = q @ u
    else:
        low = u[q > 0.0].min()
        worth = low - np.log(q @ np.exp(-tau * np.maximum(u - low, 0.0))) / tau
    return worth - epsilon * np.sum(x[x > 0.0] * np.log(x[x > 0.0]))


def best_value(payoff, q, tau, epsilon):
    """The best response's value by cvxpy, from the definition."""
    x = cp.Variable(payoff.shape[0])
    u = payoff.T @ x
    if tau == np.inf:
        worth = cp.min(u)
    elif tau == 0.0:
        worth = q @ u
    else:
        worth = -cp.log_sum_exp(np.log(q) - tau * u) / tau
    regular = epsilon * cp.sum(cp.entr(x)) if epsilon > 0.0 else 0.0
    problem = cp.Problem(cp.Maximize(worth + regular), [x >= 0, cp.sum(x) == 1])
    return problem.solve(solver=cp.CLARABEL)


CASES = [(t, e) for t in (0.0, 0.5, 5.0, np.inf) for e in (0.0, 0.05, 1.0)]


@pytest.mark.parametrize(("tau", "epsilon"), CASES)
def test_value_equals_the_definition_and_the_bound_covers_the_regret(tau, epsilon):
    rng = np.random.default_rng(0)
    risk, regularizer = Entropic(tau), NegEntropy(epsilon)
    for _ in range(6):
        payoff, q = rng.random((3, 4)), rng.dirichlet(np.ones(4))
        top = best_value(payoff, q, tau, epsilon)
        for x in rng.dirichlet(np.full(3, 0.5), 3):
            log_x, log_q = np.log(x), np.log(q)
            value = float(risk_adjusted_value(payoff, log_x, log_q, risk, regularizer))
            assert value == pytest.approx(by_hand(payoff, x, q, tau, epsilon), abs=1e-13)
            answer = reply(payoff, log_x, log_q, risk, regularizer)
            # any belief gives a bound; the worst-case one and an arbitrary one
            for log_p in (answer.log_belief, np.log(rng.dirichlet(np.ones(4)))):
                bound = float(regret_bound(payoff, log_x, log_q, log_p, risk, regularizer))
                assert bound >= top - value - 1e-7


@pytest.mark.parametrize(("tau", "epsilon"), [c for c in CASES if c[0] < np.inf and c[1] > 0.0])
def test_bound_is_zero_at_the_best_response_and_the_residual_too(tau, epsilon):
    rng = np.random.default_rng(1)
    payoff, log_q = rng.random((3, 4)), np.log(rng.dirichlet(np.ones(4)))
    risk, regularizer = Entropic(tau), NegEntropy(epsilon)

    def loss(z):
        log_x = z - np.log(np.sum(np.exp(z)))
        return -by_hand(payoff, np.exp(log_x), np.exp(log_q), tau, epsilon)

    found = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-11})
    log_x = found.x - np.log(np.sum(np.exp(found.x)))
    answer = reply(payoff, log_x, log_q, risk, regularizer)
    assert float(residual(log_x, answer.log_response)) < 1e-5
    bound = regret_bound(payoff, log_x, log_q, answer.log_belief, risk, regularizer)
    assert 0.0 <= float(bound) < 1e-7  # what the search by differences leaves


@given(
    st.data(),
    st.integers(1, 5),
    st.integers(1, 6),
    st.sampled_from(RELATIVE_TAU),
    st.sampled_from((0.0, *RELATIVE_EPSILON)),
)
def test_bound_covers_every_deviation(data, n, m, relative_tau, relative_epsilon):
    payoff = data.draw(payoff_arrays((n, m)))
    span = np.ptp(payoff) or 1.0
    tau, epsilon = relative_tau / span, relative_epsilon * span
    x, q = data.draw(distributions(n)), data.draw(distributions(m))
    risk, regularizer = Entropic(tau), NegEntropy(epsilon)
    answer = reply(payoff, log(x), log(q), risk, regularizer)
    bound = float(regret_bound(payoff, log(x), log(q), answer.log_belief, risk, regularizer))
    centred = payoff - 0.5 * (payoff.min() + payoff.max())
    value = by_hand(centred, x, q, tau, epsilon)
    rng = np.random.default_rng(0)
    others = [*np.eye(n), np.full(n, 1.0 / n), *rng.dirichlet(np.ones(n), 20)]
    others.append(np.exp(answer.log_response))
    top = max(by_hand(centred, y, q, tau, epsilon) for y in others)
    rounding = span * (1e-12 + (1e-15 / relative_tau if 0.0 < relative_tau < 1.0 else 0.0))
    assert bound >= top - value - rounding - 1e-15 * epsilon * 10


def test_reply_is_the_fixed_point_form_of_the_equilibrium():
    # Example 4.2 at tau = 1, epsilon = 0.2: P(C) = 0.60822983 is the only RQE
    game = np.array([[0.6, 0.6], [1.0, 0.0]])
    log_x = np.log([0.60822983, 1 - 0.60822983])
    answer = reply(game, log_x, log_x, Entropic(1.0), NegEntropy(0.2))
    np.testing.assert_allclose(np.exp(answer.log_response), np.exp(log_x), atol=1e-8)


def setting(seed, batch=3, n=3, m=4):
    rng = np.random.default_rng(seed)
    payoff = rng.normal(size=(batch, n, m))
    log_x = np.log(rng.dirichlet(np.ones(n), batch))
    log_q = np.log(rng.dirichlet(np.ones(m), batch))
    return payoff, log_x, log_q, rng.normal(size=(batch, n)), rng.normal(size=(batch, m))


@pytest.mark.parametrize("tau", [0.0, 1e-8, 0.7, 20.0])
@pytest.mark.parametrize("epsilon", [0.05, 1.0, 1e3])
def test_derivative_equals_automatic_and_finite_differences(tau, epsilon):
    payoff, log_x, log_q, d_x, d_q = setting(2)
    risk, regularizer = Entropic(tau), NegEntropy(epsilon)

    def answer(x, q):
        return reply(payoff, x, q, risk, regularizer)

    found = reply_derivative(payoff, log_x, answer(log_x, log_q), tau, epsilon, d_x, d_q)
    with jax.enable_x64(True):
        point = (jax.numpy.asarray(log_x), jax.numpy.asarray(log_q))
        along = (jax.numpy.asarray(d_x), jax.numpy.asarray(d_q))
        _, automatic = jax.jvp(
            lambda x, q: reply(jax.numpy.asarray(payoff), x, q, risk, regularizer).log_response,
            point,
            along,
        )
    np.testing.assert_allclose(found, automatic, rtol=1e-9, atol=1e-12 / epsilon)
    step = 1e-6
    ahead = answer(log_x + step * d_x, log_q + step * d_q).log_response
    behind = answer(log_x - step * d_x, log_q - step * d_q).log_response
    size = max(1.0, np.abs(found).max())
    np.testing.assert_allclose(found, (ahead - behind) / (2 * step), atol=1e-6 * size)


def test_derivative_takes_one_degree_a_game():
    payoff, log_x, log_q, d_x, d_q = setting(3)
    tau, epsilon = np.array([0.0, 1.0, 5.0]), np.array([0.1, 0.5, 2.0])
    together = reply_derivative(
        payoff,
        log_x,
        reply(payoff, log_x, log_q, Entropic(tau), NegEntropy(epsilon)),
        tau,
        epsilon,
        d_x,
        d_q,
    )
    for b in range(3):
        one = reply(payoff[b], log_x[b], log_q[b], Entropic(tau[b]), NegEntropy(epsilon[b]))
        alone = reply_derivative(payoff[b], log_x[b], one, tau[b], epsilon[b], d_x[b], d_q[b])
        np.testing.assert_allclose(together[b], alone, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("tau", [0.0, 1.0, np.inf])
@pytest.mark.parametrize("epsilon", [0.0, 0.3])
def test_gradients_of_value_and_regret_are_finite_at_zero_weights(tau, epsilon):
    payoff, *_ = setting(4)
    with jax.enable_x64(True):
        log_x = jax.numpy.asarray(log(np.array([0.0, 0.4, 0.6])))
        log_q = jax.numpy.asarray(log(np.array([0.1, 0.0, 0.3, 0.6])))
        risk, regularizer = Entropic(tau), NegEntropy(epsilon)
        matrix = jax.numpy.asarray(payoff[0])
        value = jax.grad(
            lambda m, x, q: risk_adjusted_value(m, x, q, risk, regularizer), argnums=(0, 1, 2)
        )(matrix, log_x, log_q)
        # the belief is the belief at the profile, a constant: the bound's own derivative
        log_p = reply(matrix, log_x, log_q, risk, regularizer).log_belief
        bound = jax.grad(
            lambda m, x: regret_bound(m, x, log_q, log_p, risk, regularizer), argnums=(0, 1)
        )(matrix, log_x)
    assert all(np.isfinite(np.asarray(g)).all() for g in (*value, *bound))


@pytest.mark.parametrize("tau", [0.0, 1e-8, 0.7, 20.0])
def test_gradient_of_the_regret_bound_equals_finite_differences(tau):
    payoff, log_x, log_q, d_x, _ = (a[0] for a in setting(5))
    risk, regularizer = Entropic(tau), NegEntropy(0.3)
    log_p = reply(payoff, log_x, log_q, risk, regularizer).log_belief
    if tau == 0.0:
        log_p = log_q

    def bound(z):
        # along the simplex: the formulas take normalised log-probabilities
        xp = z.__array_namespace__()
        return regret_bound(
            xp.asarray(payoff),
            z - xp.log(xp.sum(xp.exp(z))),
            xp.asarray(log_q),
            xp.asarray(log_p),
            risk,
            regularizer,
        )

    with jax.enable_x64(True):
        _, found = jax.jvp(bound, (jax.numpy.asarray(log_x),), (jax.numpy.asarray(d_x),))
    step = 1e-6
    by_steps = float(bound(log_x + step * d_x) - bound(log_x - step * d_x)) / (2 * step)
    assert float(found) == pytest.approx(by_steps, rel=1e-6, abs=1e-7)
