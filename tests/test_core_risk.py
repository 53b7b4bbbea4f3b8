"""Entropic risk and the entropy regulariser against mpmath, searches and their identities."""

import jax
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from strategies import distributions

from rqe.core.ops import kl
from rqe.core.regularizer import NegEntropy
from rqe.core.risk import Entropic

mpmath.mp.dps = 80
TAUS = (0.0, 1e-14, 1e-12, 1e-10, 1e-8, 1e-4, 0.3, 0.5, 2.0, 50.0, 1e3, 1e6, np.inf)


def log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def exact(tau, u, q):
    """Certainty equivalent in 80 digits, of the distribution that log(q) stands for."""
    weights = [mpmath.exp(mpmath.mpf(float(v))) if v > -np.inf else mpmath.mpf(0) for v in log(q)]
    total = mpmath.fsum(weights)
    weights = [w / total for w in weights]
    if tau == np.inf:
        return mpmath.mpf(float(min(u)))
    if tau == 0.0:
        return mpmath.fsum(w * mpmath.mpf(float(v)) for w, v in zip(weights, u, strict=True))
    t = mpmath.mpf(tau)
    inside = mpmath.fsum(
        w * mpmath.exp(-t * mpmath.mpf(float(v))) for w, v in zip(weights, u, strict=True)
    )
    return -mpmath.log(inside) / t


@pytest.mark.parametrize("tau", TAUS)
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_certainty_equivalent_equals_mpmath(tau, shift):
    rng = np.random.default_rng(1)
    for _ in range(20):
        u, q = rng.normal(size=5) + shift, rng.dirichlet(np.full(5, 0.5))
        found = float(Entropic(tau).certainty_equivalent(u, np.log(q)))
        assert found == pytest.approx(float(exact(tau, u, q)), rel=2e-15, abs=2e-15)


@pytest.mark.parametrize("tau", [1e-14, 1e-12, 1e-10, 1e-8])
def test_small_tau_keeps_the_risk_premium(tau):
    # two outcomes of one sign of risk: the premium is tau/2 times the variance to first order;
    # payoffs around 0 make it visible next to the mean
    u, q = np.array([-1.0, 1.0]), np.array([0.5, 0.5])
    found = float(Entropic(tau).certainty_equivalent(u, np.log(q)))
    assert found == pytest.approx(float(exact(tau, u, q)), abs=1e-16)


@pytest.mark.parametrize("tau", [0.1, 1.0, 40.0])
def test_certainty_equivalent_is_the_infimum_over_beliefs(tau):
    rng = np.random.default_rng(2)
    u, q = rng.normal(size=4), rng.dirichlet(np.ones(4))

    def penalised(z):
        p = np.exp(z - z.max())
        p = p / p.sum()
        return p @ u + np.sum(p * np.log(p / q)) / tau

    best = min(
        minimize(penalised, rng.normal(size=4), method="BFGS", options={"gtol": 1e-10}).fun
        for _ in range(3)
    )
    assert float(Entropic(tau).certainty_equivalent(u, np.log(q))) == pytest.approx(best, abs=1e-7)


@given(st.data(), st.integers(1, 6), st.sampled_from(TAUS), st.sampled_from((1.0, 1e-8, 1e8)))
def test_belief_attains_the_certainty_equivalent(data, size, relative, scale):
    u = scale * np.array(
        data.draw(st.lists(st.sampled_from((0.0, 0.25, 0.9, 1.0)), min_size=size, max_size=size))
    )
    log_q = log(data.draw(distributions(size)))
    risk = Entropic(relative / scale)
    log_p = risk.log_belief(u, log_q)
    assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-14)
    value = float(risk.certainty_equivalent(u, log_q))
    if risk.tau == np.inf:
        price = 0.0
    elif risk.tau == 0.0:
        np.testing.assert_allclose(np.exp(log_p), np.exp(log_q), atol=1e-15)
        price = 0.0
    else:
        price = float(kl(log_p, log_q)) / risk.tau
    # dividing a divergence by a tiny tau multiplies its rounding
    rounding = 1e-13 + (4e-16 / relative if 0.0 < relative < 1e-2 else 0.0)
    assert np.exp(log_p) @ u + price == pytest.approx(value, abs=scale * rounding)
    assert float(risk.slack(u, log_q, log_p)) == pytest.approx(0.0, abs=scale * rounding)


@given(st.data(), st.sampled_from(TAUS))
def test_monotone_translation_equivariant_concave_and_between_worst_and_mean(data, tau):
    seed = data.draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    u, w, log_q = rng.random(5), rng.random(5), log(data.draw(distributions(5)))
    value = Entropic(tau).certainty_equivalent
    assert float(value(u + w, log_q)) >= float(value(u, log_q)) - 1e-14
    assert float(value(u + 3.0, log_q)) == pytest.approx(float(value(u, log_q)) + 3.0, abs=2e-14)
    half = float(value(0.5 * (u + w), log_q))
    assert half >= 0.5 * float(value(u, log_q) + value(w, log_q)) - 1e-14
    if tau < np.inf:
        assert float(value(u, log_q)) <= float(np.exp(log_q) @ u) + 1e-14
    assert float(value(u, log_q)) >= u.min() - 1e-14


def test_more_risk_averse_is_never_worth_more():
    rng = np.random.default_rng(3)
    u, log_q = rng.normal(size=(30, 6)), np.log(rng.dirichlet(np.ones(6), 30))
    values = np.stack([Entropic(t).certainty_equivalent(u, log_q) for t in TAUS])
    assert (np.diff(values, axis=0) <= 1e-14).all()


def test_worst_case_counts_outcomes_that_are_never_played():
    u, log_q = np.array([0.0, 1.0, 2.0]), log(np.array([0.0, 0.5, 0.5]))
    assert float(Entropic(np.inf).certainty_equivalent(u, log_q)) == 0.0
    np.testing.assert_array_equal(np.exp(Entropic(np.inf).log_belief(u, log_q)), [1.0, 0.0, 0.0])
    # any finite degree cannot believe what has no probability
    np.testing.assert_allclose(np.exp(Entropic(1e3).log_belief(u, log_q)), [0.0, 1.0, 0.0])


@pytest.mark.parametrize("tau", [1e-8, 0.2, 1.0, 30.0])
def test_slack_is_what_a_belief_loses(tau):
    rng = np.random.default_rng(4)
    u, q, p = rng.normal(size=5), rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5))
    risk = Entropic(tau)
    loss = p @ u + np.sum(p * np.log(p / q)) / tau - float(exact(tau, u, q))
    assert float(risk.slack(u, np.log(q), np.log(p))) == pytest.approx(loss, rel=1e-7)


def test_slack_at_the_ends():
    u, q, p = np.array([1.0, 2.0]), np.log([0.5, 0.5]), np.log([0.25, 0.75])
    assert float(Entropic(np.inf).slack(u, q, p)) == pytest.approx(0.75, rel=1e-15)
    assert float(Entropic(0.0).slack(u, q, q)) == 0.0
    assert float(Entropic(0.0).slack(u, q, p)) == np.inf


def test_a_batch_may_carry_one_degree_a_game():
    rng = np.random.default_rng(5)
    u, log_q = rng.normal(size=(len(TAUS), 4)), np.log(rng.dirichlet(np.ones(4), len(TAUS)))
    together = Entropic(np.array(TAUS))
    for b, tau in enumerate(TAUS):
        alone = Entropic(tau)
        for verb in ("certainty_equivalent", "log_belief"):
            found = getattr(together, verb)(u, log_q)[b]
            np.testing.assert_allclose(found, getattr(alone, verb)(u[b], log_q[b]), rtol=1e-14)


def central(function, at, step):
    unit = np.eye(at.size)
    return np.array(
        [(function(at + step * e) - function(at - step * e)) / (2 * step) for e in unit]
    )


@pytest.mark.parametrize("tau", [0.0, 1e-14, 1e-8, 0.4, 0.6, 3.0, 100.0])
def test_gradient_in_payoffs_is_the_belief(tau):
    rng = np.random.default_rng(6)
    u, log_q = rng.normal(size=4), np.log(rng.dirichlet(np.ones(4)))
    risk = Entropic(tau)
    with jax.enable_x64(True):
        found = np.asarray(jax.grad(risk.certainty_equivalent)(jax.numpy.asarray(u), log_q))
    np.testing.assert_allclose(found, np.exp(risk.log_belief(u, log_q)), atol=1e-12)
    by_steps = central(lambda v: float(risk.certainty_equivalent(v, log_q)), u, 1e-6)
    np.testing.assert_allclose(found, by_steps, atol=2e-8)


@pytest.mark.parametrize("tau", [0.0, 1e-8, 0.4, 3.0, 1e6, np.inf])
def test_gradients_are_finite_at_zero_weights(tau):
    u = np.array([0.3, -1.0, 0.7])
    risk = Entropic(tau)
    with jax.enable_x64(True):
        log_q = jax.numpy.asarray(log(np.array([0.0, 0.4, 0.6])))
        u = jax.numpy.asarray(u)
        in_u, in_q = jax.grad(risk.certainty_equivalent, argnums=(0, 1))(u, log_q)
        through = jax.grad(lambda v, z: jax.numpy.exp(risk.log_belief(v, z))[1], argnums=(0, 1))
        gradients = [in_u, in_q, *through(u, log_q)]
    assert all(np.isfinite(np.asarray(g)).all() for g in gradients)
    assert float(in_q[0]) == 0.0
    if tau < np.inf:
        assert float(in_u[0]) == 0.0


@pytest.mark.parametrize("epsilon", [0.0, 1e-3, 0.2, 1.0, 1e4])
def test_response_maximises_and_slack_is_the_loss(epsilon):
    rng = np.random.default_rng(7)
    regularizer, v = NegEntropy(epsilon), np.append(rng.random(3), [0.5, 0.5])
    best = regularizer.log_response(v)

    def worth(x):
        return x @ v - epsilon * np.sum(np.where(x > 0, x * log(np.where(x > 0, x, 1.0)), 0.0))

    top = worth(np.exp(best))
    for x in rng.dirichlet(np.full(5, 0.3), 200):
        loss = float(regularizer.slack(np.log(x), v))
        assert loss == pytest.approx(top - worth(x), rel=1e-9, abs=1e-11 * max(1.0, epsilon))
        assert loss >= 0.0
    assert float(regularizer.slack(best, v)) == pytest.approx(0.0, abs=1e-14)


def test_exact_response_is_uniform_on_the_maximisers():
    v = np.array([1.0, 2.0, 2.0])
    np.testing.assert_array_equal(np.exp(NegEntropy(0.0).log_response(v)), [0.0, 0.5, 0.5])


@pytest.mark.parametrize("epsilon", [1e-3, 0.2, 5.0])
def test_gradient_of_the_response_equals_finite_differences(epsilon):
    v = np.array([0.1, 0.2, 0.15])
    regularizer = NegEntropy(epsilon)
    with jax.enable_x64(True):
        found = np.asarray(jax.jacobian(regularizer.log_response)(jax.numpy.asarray(v)))
    x = np.exp(regularizer.log_response(v))
    np.testing.assert_allclose(found, (np.eye(3) - x[None, :]) / epsilon, rtol=1e-12, atol=1e-12)
    step = 1e-5 * epsilon
    for k in range(3):
        by_steps = central(lambda w, k=k: float(regularizer.log_response(w)[k]), v, step)
        np.testing.assert_allclose(found[k], by_steps, rtol=1e-6, atol=1e-6 / epsilon)
