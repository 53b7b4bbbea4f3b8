"""Six risk measures against convex programs, 60 digits, brute force, and the axioms they keep."""

import cvxpy as cp
import jax
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from strategies import distributions

from rqe.core.risk import (
    ChiSquared,
    CVaR,
    Entropic,
    Neutral,
    ReverseKL,
    TotalVariation,
    WorstCase,
)

WITH_TAU = (Entropic, ReverseKL, ChiSquared, TotalVariation)
TAUS = (0.0, 1e-8, 1e-4, 0.1, 1.0, 3.0, 30.0, 1e3, 1e6, np.inf)
ALPHAS = (1.0, 0.9, 0.5, 0.2, 0.01)
MEASURES = (
    *(kind(tau) for kind in WITH_TAU for tau in TAUS),
    *(CVaR(alpha) for alpha in ALPHAS),
    WorstCase(),
    Neutral(),
)
SOLVER = {"solver": cp.CLARABEL, "tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}
named = pytest.mark.parametrize("risk", MEASURES, ids=repr)


def log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def program(risk, p, q):
    """The penalty of a measure in cvxpy's words, and what it asks of the belief."""
    if isinstance(risk, CVaR):
        return 0.0, [p <= q / risk.alpha]
    if isinstance(risk, WorstCase):
        return 0.0, []
    if isinstance(risk, Neutral):
        return 0.0, [p == q]
    terms = {
        Entropic: lambda: cp.sum(cp.rel_entr(p, q)),
        ReverseKL: lambda: cp.sum(cp.rel_entr(q, p)),
        ChiSquared: lambda: cp.sum(cp.multiply(1.0 / q, cp.square(p - q))),
        TotalVariation: lambda: 0.5 * cp.norm1(p - q),
    }
    return terms[type(risk)]() / risk.tau, []


def by_program(risk, u, q):
    p = cp.Variable(u.size)
    price, limits = program(risk, p, q)
    problem = cp.Problem(cp.Minimize(p @ u + price), [p >= 0.0, cp.sum(p) == 1.0, *limits])
    problem.solve(**SOLVER)
    return float(problem.value), np.asarray(p.value)


CONIC = (
    *(kind(tau) for kind in WITH_TAU for tau in (0.1, 1.0, 5.0, 40.0)),
    *(CVaR(alpha) for alpha in (0.9, 0.4, 0.1)),
    WorstCase(),
    Neutral(),
)


@pytest.mark.parametrize("risk", CONIC, ids=repr)
def test_value_and_belief_solve_the_convex_program(risk):
    rng = np.random.default_rng(0)
    u, q = rng.random((6, 5)), rng.dirichlet(np.ones(5), 6)
    values, beliefs = risk.certainty_equivalent(u, np.log(q)), np.exp(risk.log_belief(u, np.log(q)))
    assert beliefs.shape == (6, 5)
    for k in range(6):
        value, belief = by_program(risk, u[k], q[k])
        assert values[k] == pytest.approx(value, abs=2e-8)
        np.testing.assert_allclose(beliefs[k], belief, atol=2e-4)


@mpmath.workdps(60)
def digits(risk, u, log_q):
    """Value of a measure in 60 digits, by bisection on the multiplier of the belief's mass."""
    u = [mpmath.mpf(float(v)) for v in u]
    q = [mpmath.exp(mpmath.mpf(float(v))) if v > -np.inf else mpmath.mpf(0) for v in log_q]
    total = mpmath.fsum(q)
    q = [w / total for w in q]
    tau = mpmath.mpf(float(risk.tau))
    low = min(u)
    if isinstance(risk, TotalVariation):
        return mpmath.fsum(w * min(v, low + 1 / tau) for w, v in zip(q, u, strict=True))
    if isinstance(risk, ReverseKL):

        def dual(at):  # at = λ + low > 0
            return (
                -at
                + low
                + mpmath.fsum(
                    w * (1 + mpmath.log(tau * (v - low + at)))
                    for w, v in zip(q, u, strict=True)
                    if w
                )
                / tau
            )

        def rate(at):
            terms = (w / (tau * (v - low + at)) for w, v in zip(q, u, strict=True) if w)
            return mpmath.fsum(terms) - 1

        left, right = mpmath.mpf(10) ** -900, 1 / tau
        for _ in range(3300):
            if right / left > 4:
                middle = mpmath.sqrt(left * right)
            else:
                middle = (left + right) / 2
            left, right = (middle, right) if rate(middle) > 0 else (left, middle)
            if right - left < right * mpmath.mpf(10) ** -50:
                break
        return dual(right)

    def belief(level):
        return [
            w * max(mpmath.mpf(0), 1 + tau / 2 * (level - v)) for w, v in zip(q, u, strict=True)
        ]

    left = low - 2 / tau
    right = mpmath.fsum(w * v for w, v in zip(q, u, strict=True))
    for _ in range(260):
        middle = (left + right) / 2
        left, right = (middle, right) if mpmath.fsum(belief(middle)) < 1 else (left, middle)
    p = belief(right)
    spread = mpmath.fsum((a - w) ** 2 / w for a, w in zip(p, q, strict=True) if w)
    return mpmath.fsum(a * v for a, v in zip(p, u, strict=True)) + spread / tau


@pytest.mark.parametrize("tau", [1e-8, 1e-4, 0.1, 1.0, 30.0, 1e3, 1e6])
@pytest.mark.parametrize("kind", [ReverseKL, ChiSquared, TotalVariation])
def test_value_in_sixty_digits_at_every_degree_and_scale(kind, tau):
    rng = np.random.default_rng(1)
    for scale in (1.0, 1e8, 1e-8):
        u = scale * rng.random(4)
        for log_q in (log(rng.dirichlet(np.ones(4))), np.array([-1000.0, -300.0, -1e-12, -28.0])):
            log_q = log_q - np.logaddexp.reduce(log_q)
            risk = kind(tau / scale)
            found = float(risk.certainty_equivalent(u, log_q))
            assert found == pytest.approx(float(digits(risk, u, log_q)), rel=0.0, abs=4e-15 * scale)


few = settings(max_examples=8)
awkward = st.sampled_from((0.0, 0.25, 0.25 + 1e-9, 0.9, 1.0))
awkward_payoffs = st.lists(awkward, min_size=1, max_size=6)
scales = st.sampled_from((1.0, 1e-8, 1e8))


def rescaled(risk, scale):
    """The same attitude to payoffs in other units."""
    return type(risk)(risk.tau / scale) if isinstance(risk, WITH_TAU) else risk


@named
@few
@given(awkward_payoffs, scales, st.data())
def test_belief_attains_the_value_and_has_no_slack(risk, payoffs, scale, data):
    u = scale * np.array(payoffs)
    log_q = log(data.draw(distributions(u.size)))
    scaled = rescaled(risk, scale)
    log_p = scaled.log_belief(u, log_q)
    p = np.exp(log_p)
    assert p.sum() == pytest.approx(1.0, abs=1e-13)
    value = float(scaled.certainty_equivalent(u, log_q))
    # a price divides rounding by a small tau, and multiplies what a huge tau leaves of it
    tau = getattr(risk, "tau", 1.0)
    rounding = 1e-12 + (4e-16 / tau if 0.0 < tau < 1e-2 else 0.0)
    assert p @ u + float(scaled.penalty(log_p, log_q)) == pytest.approx(value, abs=scale * rounding)
    slack = float(scaled.slack(u, log_q, log_p))
    assert 0.0 <= slack <= scale * 1e-12


@named
def test_slack_is_what_a_belief_loses(risk):
    rng = np.random.default_rng(2)
    u, log_q = rng.random((40, 4)), np.log(rng.dirichlet(np.ones(4), 40))
    best = np.exp(risk.log_belief(u, log_q))
    other = rng.dirichlet(np.ones(4), 40)
    for share in (1.0, 0.3, 1e-3):
        p = (1.0 - share) * best + share * (np.exp(log_q) if isinstance(risk, CVaR) else other)
        log_p = log(p)
        cost = (p * u).sum(axis=-1) + risk.penalty(log_p, log_q)
        loss = cost - risk.certainty_equivalent(u, log_q)
        slack = risk.slack(u, log_q, log_p)
        assert (slack >= 0.0).all()
        finite = np.isfinite(loss)
        np.testing.assert_array_equal(np.isfinite(slack), finite)
        np.testing.assert_allclose(
            slack[finite],
            loss[finite],
            rtol=1e-6,
            atol=1e-13 * (1.0 + cost[finite].max(initial=0.0)),
        )


@named
def test_the_last_digit_of_a_belief_has_no_price(risk):
    u, log_q = np.array([0.0, 0.25, 0.5, 1.0]), np.log([0.1, 0.2, 0.3, 0.4])
    rounded = log(
        np.exp(risk.log_belief(u, log_q)) * (1.0 + np.array([1.0, -2.0, 3.0, -2.0]) * 2e-16)
    )
    assert float(risk.slack(u, log_q, rounded)) < 1e-12


@named
@few
@given(st.data())
def test_no_random_belief_does_worse(risk, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    u, log_q = rng.random(4), log(data.draw(distributions(4)))
    q = np.exp(log_q)
    value = float(risk.certainty_equivalent(u, log_q))
    corners = np.vstack([np.eye(4), rng.dirichlet(np.ones(4), 30), q])
    mixed = np.vstack([corners, 0.5 * corners + 0.5 * q, 0.999 * q + 0.001 * corners])
    cost = mixed @ u + risk.penalty(log(mixed), np.broadcast_to(log_q, mixed.shape))
    assert (cost >= value - 1e-12).all()


@named
@few
@given(st.data(), scales)
def test_axioms(risk, data, scale):
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    u, w, log_q = rng.random(5), rng.random(5), log(data.draw(distributions(5)))

    def value(v):
        return float(risk.certainty_equivalent(v, log_q))

    rounding = 3e-14
    assert value(u + w) >= value(u) - rounding
    assert value(u + 3.0) == pytest.approx(value(u) + 3.0, abs=rounding)
    assert value(0.5 * (u + w)) >= 0.5 * (value(u) + value(w)) - rounding
    assert u.min() <= value(u) <= max(np.exp(log_q) @ u, u.min()) + rounding
    assert value(np.full(5, 0.7)) == pytest.approx(0.7, abs=rounding)
    order = rng.permutation(5)
    shuffled = float(risk.certainty_equivalent(u[order], log_q[order]))
    assert shuffled == pytest.approx(value(u), abs=rounding)
    in_units = float(rescaled(risk, scale).certainty_equivalent(scale * u, log_q))
    assert in_units == pytest.approx(scale * value(u), abs=scale * rounding)
    if isinstance(risk, (CVaR, WorstCase, Neutral)):  # coherent: no units of its own
        assert value(2.5 * u) == pytest.approx(2.5 * value(u), abs=rounding)


@named
def test_penalty_is_convex_and_least_at_the_reference(risk):
    rng = np.random.default_rng(3)
    a, b, q = (rng.dirichlet(np.ones(4), 50) for _ in range(3))
    middle = risk.penalty(np.log(0.5 * (a + b)), np.log(q))
    ends = 0.5 * (risk.penalty(np.log(a), np.log(q)) + risk.penalty(np.log(b), np.log(q)))
    assert (middle <= ends * (1.0 + 1e-12) + 1e-15).all()
    np.testing.assert_array_equal(risk.penalty(np.log(q), np.log(q)), 0.0)


@pytest.mark.parametrize("kind", WITH_TAU)
def test_more_risk_averse_is_never_worth_more_and_the_ends_are_the_limits(kind):
    rng = np.random.default_rng(4)
    u, log_q = rng.random((30, 5)), np.log(rng.dirichlet(np.ones(5), 30))
    values = np.stack([kind(t).certainty_equivalent(u, log_q) for t in TAUS])
    assert (np.diff(values, axis=0) <= 1e-14).all()
    np.testing.assert_allclose(values[0], Neutral().certainty_equivalent(u, log_q), atol=1e-15)
    np.testing.assert_allclose(kind(1e-12).certainty_equivalent(u, log_q), values[0], atol=1e-12)
    np.testing.assert_array_equal(values[-1], WorstCase().certainty_equivalent(u, log_q))
    near = kind(1e12).certainty_equivalent(u, log_q)
    np.testing.assert_allclose(near, values[-1], atol=1e-10)
    np.testing.assert_allclose(np.exp(kind(0.0).log_belief(u, log_q)), np.exp(log_q), atol=1e-15)


def test_tails_shrink_from_the_mean_to_the_worst():
    rng = np.random.default_rng(5)
    u, log_q = rng.random((30, 5)), np.log(rng.dirichlet(np.ones(5), 30))
    values = np.stack([CVaR(a).certainty_equivalent(u, log_q) for a in (*ALPHAS, 1e-9)])
    assert (np.diff(values, axis=0) <= 1e-14).all()
    np.testing.assert_allclose(values[0], Neutral().certainty_equivalent(u, log_q), atol=1e-15)
    np.testing.assert_allclose(values[-1], WorstCase().certainty_equivalent(u, log_q), atol=1e-15)


def test_measures_are_ordered_as_their_penalties_are():
    # KL <= χ² and 2 tv² <= KL for every pair of distributions, with either argument first; and
    # densities bounded by 1/alpha have a divergence of at most -log(alpha)
    rng = np.random.default_rng(6)
    u, log_q = rng.random((200, 4)), np.log(rng.dirichlet(np.ones(4), 200))
    for tau in (0.1, 1.0, 10.0):
        entropic = Entropic(tau).certainty_equivalent(u, log_q)
        assert (entropic <= ChiSquared(tau).certainty_equivalent(u, log_q) + 1e-14).all()
        for alpha in (0.2, 0.7):
            bound = CVaR(alpha).certainty_equivalent(u, log_q) - np.log(alpha) / tau
            assert (entropic <= bound + 1e-14).all()


def test_tail_mean_against_its_linear_program():
    rng = np.random.default_rng(7)
    for alpha in (1e-3, 0.25, 0.5, 0.75, 1.0):
        u = rng.integers(0, 4, 7).astype(float)
        q = np.array([0.25, 0.25, 0.125, 0.125, 0.125, 0.0625, 0.0625])[rng.permutation(7)]
        best = linprog(u, A_eq=np.ones((1, 7)), b_eq=[1.0], bounds=[(0.0, w / alpha) for w in q])
        risk = CVaR(alpha)
        assert float(risk.certainty_equivalent(u, np.log(q))) == pytest.approx(best.fun, abs=1e-13)


def test_where_mass_may_go():
    u, log_q = np.array([0.0, 1.0, 2.0]), log(np.array([0.0, 0.5, 0.5]))
    # within the support only, at any finite degree
    for risk in (Entropic(1e3), ChiSquared(1e3), CVaR(1e-3)):
        np.testing.assert_allclose(np.exp(risk.log_belief(u, log_q)), [0, 1, 0], atol=2e-3)
        assert float(risk.certainty_equivalent(u, log_q)) > 0.99
        assert float(risk.penalty(np.log([0.1, 0.8, 0.1]), log_q)) == np.inf
    # anywhere: q / (tau u) is all that reverse KL leaves on the rest; total variation moves what is
    # further than 1/tau above the worst
    np.testing.assert_allclose(np.exp(ReverseKL(3.0).log_belief(u, log_q)), [0.75, 1 / 6, 1 / 12])
    np.testing.assert_allclose(np.exp(ReverseKL(0.5).log_belief(u, log_q))[0], 0.0, atol=1e-300)
    np.testing.assert_allclose(np.exp(TotalVariation(0.75).log_belief(u, log_q)), [0.5, 0.5, 0.0])
    assert float(TotalVariation(0.75).certainty_equivalent(u, log_q)) == pytest.approx(7 / 6)
    for kind in WITH_TAU:
        np.testing.assert_array_equal(np.exp(kind(np.inf).log_belief(u, log_q)), [1, 0, 0])


@named
def test_probabilities_far_below_underflow(risk):
    u = np.array([0.0, 0.0, 0.5, 1.0])
    log_q = np.array([-1000.0, -1001.0, -2000.0, 0.0])
    with np.errstate(all="raise", under="ignore"):
        log_p = risk.log_belief(u, log_q)
        value = float(risk.certainty_equivalent(u, log_q))
        slack = float(risk.slack(u, log_q, log_p))
    assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-13)
    assert 0.0 <= value <= 1.0
    assert 0.0 <= slack <= 1e-12
    assert log_p[0] - log_p[1] == pytest.approx(1.0, abs=1e-9)


@named
def test_one_outcome_is_certain(risk):
    u, log_q = np.array([[2.0], [-1e8]]), np.zeros((2, 1))
    np.testing.assert_array_equal(risk.certainty_equivalent(u, log_q), u[:, 0])
    np.testing.assert_array_equal(risk.log_belief(u, log_q), log_q)
    np.testing.assert_array_equal(risk.slack(u, log_q, log_q), 0.0)


@pytest.mark.parametrize("kind", [*WITH_TAU, CVaR])
def test_a_batch_may_carry_one_degree_a_game(kind):
    degrees = np.array(ALPHAS if kind is CVaR else TAUS)
    rng = np.random.default_rng(8)
    u, log_q = rng.random((degrees.size, 4)), np.log(rng.dirichlet(np.ones(4), degrees.size))
    log_p = np.log(rng.dirichlet(np.ones(4), degrees.size))
    for verb, arguments in (
        ("certainty_equivalent", (u, log_q)),
        ("log_belief", (u, log_q)),
        ("penalty", (log_p, log_q)),
        ("slack", (u, log_q, log_p)),
    ):
        together = getattr(kind(degrees), verb)(*arguments)
        for b, degree in enumerate(degrees):
            alone = getattr(kind(float(degree)), verb)(*(a[b] for a in arguments))
            np.testing.assert_allclose(together[b], alone, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("kind", [Entropic, ReverseKL, ChiSquared])
def test_smooth_measures_have_their_belief_as_gradient(kind):
    rng = np.random.default_rng(9)
    u, log_q = rng.random(4), np.log(rng.dirichlet(np.ones(4)))
    for tau in (0.1, 1.0, 20.0):
        risk = kind(tau)
        assert risk.smooth
        belief = np.exp(risk.log_belief(u, log_q))
        with jax.enable_x64(True):
            automatic = jax.grad(risk.certainty_equivalent)(jax.numpy.asarray(u), log_q)
        np.testing.assert_allclose(automatic, belief, atol=1e-11)
        for b, step in enumerate(1e-6 * np.eye(4)):
            up, down = (float(risk.certainty_equivalent(u + s, log_q)) for s in (step, -step))
            assert (up - down) / 2e-6 == pytest.approx(belief[b], abs=1e-8 * (1.0 + tau))


@pytest.mark.parametrize("kind", [*WITH_TAU, CVaR])
def test_degrees_out_of_range_are_refused_and_arrays_are_not_looked_at(kind):
    name = "alpha" if kind is CVaR else "tau"
    bad = (
        (0.0, 1.5, -0.1, np.nan, np.float32(2.0)) if kind is CVaR else (-1e-9, -1, np.nan, -np.inf)
    )
    for value in bad:
        with pytest.raises(ValueError, match=f"{name} must be in .*; got "):
            kind(value)
    kind(np.array([-1.0, 2.0]))
