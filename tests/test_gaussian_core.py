"""Gaussian primitives against quadrature, direct optimisation and a discretised belief."""

import array_api_strict
import jax
import numpy as np
import pytest
from scipy.optimize import minimize

from rqe.core import gaussian as core
from rqe.core.risk import Entropic


def spd(rng, n, low=0.5):
    root = rng.normal(size=(n, n))
    return root @ root.T / n + low * np.eye(n)


def symmetric(rng, n):
    root = rng.normal(size=(n, n))
    return 0.5 * (root + root.T)


def draw(seed, n=2, m=2, share=0.6):
    """A payoff, own play, the others' Gaussian, and a tau at a share of the admissible range."""
    rng = np.random.default_rng(seed)
    payoff = core.Quadratic(
        own=-spd(rng, n),
        cross=rng.normal(size=(n, m)),
        other=symmetric(rng, m),
        own_linear=rng.normal(size=n),
        other_linear=rng.normal(size=m),
        constant=np.array(rng.normal()),
    )
    covariance = spd(rng, m) * 0.3
    found = core.exposure(payoff.other, np.linalg.cholesky(covariance))
    tau = share * min(float(core.max_tau(found)), 3.0)
    return payoff, rng.normal(size=n), rng.normal(size=m), covariance, found, tau


def utility(payoff, own, own_covariance, b):
    """Expected payoff over the own play, at each row of the others' actions ``b``."""
    A, B, C, g, h, c = payoff
    fixed = 0.5 * own @ A @ own + 0.5 * np.trace(A @ own_covariance) + g @ own + c
    return fixed + b @ (B.T @ own + h) + 0.5 * np.einsum("...j,jk,...k->...", b, C, b)


def integral(payoff, own, own_covariance, others, covariance, tau):
    """``-log E exp(-tau u) / tau`` through precision matrices, not through modes."""
    A, B, C, g, h, c = payoff
    precision = np.linalg.inv(covariance)
    tilted = precision + tau * C
    slope = precision @ others - tau * (B.T @ own + h)
    log_mean = 0.5 * (
        np.linalg.slogdet(precision)[1]
        - np.linalg.slogdet(tilted)[1]
        + slope @ np.linalg.solve(tilted, slope)
        - others @ precision @ others
    )
    fixed = 0.5 * own @ A @ own + 0.5 * np.trace(A @ own_covariance) + g @ own + c
    return fixed - log_mean / tau


def entropy(covariance):
    return 0.5 * np.linalg.slogdet(2 * np.pi * np.e * covariance)[1]


def test_the_reference_integral_equals_gauss_hermite_quadrature():
    for seed in range(6):
        payoff, own, others, covariance, _, tau = draw(seed)
        spread = np.eye(2) * 0.1
        nodes, weights = np.polynomial.hermite_e.hermegauss(80)
        grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
        mass = np.outer(weights, weights).ravel() / (2 * np.pi)
        points = others + grid @ np.linalg.cholesky(covariance).T
        worth = utility(payoff, own, spread, points)
        by_quadrature = -np.log(mass @ np.exp(-tau * worth)) / tau
        by_formula = integral(payoff, own, spread, others, covariance, tau)
        assert by_formula == pytest.approx(by_quadrature, abs=2e-6)


@pytest.mark.parametrize("seed", range(10))
def test_certainty_equivalent_equals_the_reference_integral(seed):
    payoff, own, others, covariance, found, tau = draw(seed, n=1 + seed % 3, m=1 + seed % 4)
    point = np.zeros((len(own), len(own)))
    expected = integral(payoff, own, point, others, covariance, tau)
    got = core.certainty_equivalent(payoff, own, others, found, tau)
    assert float(got) == pytest.approx(expected, rel=1e-10, abs=1e-10)
    # a tau of 1e-9 must not cost digits: the value is within O(tau) of the expectation
    neutral = utility(payoff, own, point, others) + 0.5 * np.trace(payoff.other @ covariance)
    assert float(core.certainty_equivalent(payoff, own, others, found, 0.0)) == pytest.approx(
        neutral, rel=1e-12
    )
    tiny = float(core.certainty_equivalent(payoff, own, others, found, 1e-13))
    assert tiny == pytest.approx(neutral, rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_the_belief_attains_the_infimum_that_defines_the_value(seed):
    payoff, own, others, covariance, found, tau = draw(seed)
    precision = np.linalg.inv(covariance)
    point = np.zeros((2, 2))

    def penalised(z):
        mean, low = z[:2], np.array([[np.exp(z[2]), 0.0], [z[3], np.exp(z[4])]])
        spread = low @ low.T
        gap = mean - others
        kl = 0.5 * (
            np.trace(precision @ spread)
            - 2
            + gap @ precision @ gap
            - np.linalg.slogdet(precision @ spread)[1]
        )
        worth = utility(payoff, own, point, mean) + 0.5 * np.trace(payoff.other @ spread)
        return worth + kl / tau

    best = minimize(penalised, np.r_[others, -1.0, 0.0, -1.0], method="BFGS", tol=1e-10)
    mean, spread = core.belief(payoff, own, others, found, tau)
    low = np.array([[np.exp(best.x[2]), 0.0], [best.x[3], np.exp(best.x[4])]])
    assert mean == pytest.approx(best.x[:2], abs=1e-5)
    assert spread == pytest.approx(low @ low.T, abs=1e-5)
    value = float(core.certainty_equivalent(payoff, own, others, found, tau))
    assert best.fun == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_no_belief_of_another_shape_is_worse(seed):
    # over ALL beliefs on a fine grid, Gaussian or not, by the finite-game primitive
    payoff, own, others, covariance, found, tau = draw(seed, n=1, m=1)
    b = np.linspace(-14.0, 14.0, 4001)
    log_q = -0.5 * (b - others[0]) ** 2 / covariance[0, 0]
    log_q -= np.log(np.sum(np.exp(log_q)))
    worth = utility(payoff, own, np.zeros((1, 1)), b[:, None])
    value = float(core.certainty_equivalent(payoff, own, others, found, tau))
    assert float(Entropic(tau).certainty_equivalent(worth, log_q)) == pytest.approx(value, abs=1e-9)
    p = np.exp(Entropic(tau).log_belief(worth, log_q))
    mean, spread = core.belief(payoff, own, others, found, tau)
    assert p @ b == pytest.approx(mean[0], abs=1e-8)
    assert p @ (b - mean[0]) ** 2 == pytest.approx(spread[0, 0], abs=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_best_response_equals_direct_optimisation_over_mean_and_cholesky_factor(seed):
    payoff, _, others, covariance, found, tau = draw(seed)
    epsilon = 0.3

    def loss(z):
        low = np.array([[np.exp(z[2]), 0.0], [z[3], np.exp(z[4])]])
        spread = low @ low.T
        value = integral(payoff, z[:2], spread, others, covariance, tau)
        return -value - epsilon * entropy(spread)

    best = minimize(loss, np.zeros(5), method="BFGS", tol=1e-10)
    low = np.array([[np.exp(best.x[2]), 0.0], [best.x[3], np.exp(best.x[4])]])
    jacobian, offset = core.response_map(payoff, found, tau)
    mean = jacobian @ others + offset
    factor = core.response_factor(payoff.own, epsilon)
    assert mean == pytest.approx(best.x[:2], abs=1e-5)
    assert factor @ factor.T == pytest.approx(low @ low.T, abs=1e-5)
    value = core.certainty_equivalent(payoff, mean, others, found, tau)
    bonus = core.entropy_bonus(payoff.own, epsilon)
    assert float(value + bonus) == pytest.approx(-best.fun, abs=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_regret_is_the_difference_of_values(seed):
    payoff, own, others, _, found, tau = draw(seed, n=3, m=2)
    jacobian, offset = core.response_map(payoff, found, tau)
    step, gain = core.improvement(payoff, own, others, found, tau)
    assert own + step == pytest.approx(jacobian @ others + offset, abs=1e-11)
    here, there = (
        float(core.certainty_equivalent(payoff, a, others, found, tau)) for a in (own, own + step)
    )
    assert float(gain) == pytest.approx(there - here, abs=1e-10)
    assert float(gain) > 0.0


@pytest.mark.parametrize("epsilon", [0.0, 0.4])
def test_a_wrong_covariance_costs_the_difference_of_objectives(epsilon):
    rng = np.random.default_rng(1)
    own, wrong = -spd(rng, 3), spd(rng, 3)

    def objective(spread):
        smooth = epsilon * entropy(spread) if epsilon > 0.0 else 0.0
        return 0.5 * np.trace(own @ spread) + smooth

    best = float(core.entropy_bonus(own, epsilon))
    right = -epsilon * np.linalg.inv(own)
    assert best == pytest.approx(objective(right), abs=1e-12)
    assert float(core.covariance_gain(own, wrong, epsilon)) == pytest.approx(
        best - objective(wrong)
    )
    assert float(core.covariance_gain(own, right, epsilon)) == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("seed", range(8))
def test_max_tau_is_where_the_tilted_precision_stops_being_positive_definite(seed):
    payoff, own, others, covariance, found, _ = draw(seed, m=3)
    limit = float(core.max_tau(found))
    precision = np.linalg.inv(covariance)

    def smallest(t):
        return np.linalg.eigvalsh(precision + t * payoff.other)[0]

    assert np.isfinite(limit)
    assert smallest(limit * (1 - 1e-6)) > 0.0 > smallest(limit * (1 + 1e-6))
    below, above = (
        float(core.certainty_equivalent(payoff, own, others, found, limit * s)) for s in (0.999, 1)
    )
    assert np.isfinite(below)
    assert above == -np.inf
    with np.errstate(invalid="ignore"):
        assert np.all(np.isnan(core.belief(payoff, own, others, found, limit * 1.1)[0]))


def everything(payoff, own, others, factor, tau):
    found = core.exposure(payoff.other, factor)
    return (
        core.max_tau(found),
        *core.belief(payoff, own, others, found, tau),
        *core.response_map(payoff, found, tau),
        *core.improvement(payoff, own, others, found, tau),
        core.certainty_equivalent(payoff, own, others, found, tau),
        core.response_factor(payoff.own, 0.3),
        core.covariance_gain(payoff.own, -payoff.own, 0.3),
        core.entropy_bonus(payoff.own, 0.3),
    )


def batch():
    """Four draws stacked, the last with a player who does not tremble and a tau of 0."""
    drawn = [draw(seed) for seed in range(4)]
    payoff = core.Quadratic(
        *(np.stack(parts) for parts in zip(*(d[0] for d in drawn), strict=True))
    )
    own, others = (np.stack([d[k] for d in drawn]) for k in (1, 2))
    factor = np.stack([np.linalg.cholesky(d[3]) for d in drawn])
    factor[3, 1] = 0.0
    tau = np.array([d[5] for d in drawn])
    tau[3] = 0.0
    return payoff, own, others, factor, tau


def test_a_batch_is_its_members():
    payoff, own, others, factor, tau = batch()
    together = everything(payoff, own, others, factor, tau)
    for k in range(4):
        one = core.Quadratic(*(part[k] for part in payoff))
        alone = everything(one, own[k], others[k], factor[k], tau[k])
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_allclose(a[k], b, rtol=1e-12, atol=1e-13)


def test_same_numbers_in_every_namespace():
    payoff, own, others, factor, tau = batch()
    expected = everything(payoff, own, others, factor, tau)
    for part in (*payoff, own, others, factor, tau):
        part.setflags(write=False)
    with jax.enable_x64(True):
        for xp, run in (
            (np, everything),
            (array_api_strict, everything),
            (jax.numpy, jax.jit(everything)),
            (jax.numpy, jax.vmap(everything)),
        ):
            there = core.Quadratic(*(xp.asarray(part) for part in payoff))
            got = run(there, *(xp.asarray(part) for part in (own, others, factor, tau)))
            for a, b in zip(got, expected, strict=True):
                np.testing.assert_allclose(np.asarray(a), b, rtol=1e-11, atol=1e-12)
