"""Regularisers against convex programs, 130 digits, closed forms, and their identities."""

import cvxpy as cp
import jax
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rqe.core.ops import project_simplex
from rqe.core.regularizer import LogBarrier, NegEntropy, Tsallis

EPSILONS = (1e-6, 1e-3, 0.1, 1.0, 1e3, 1e6)
ORDERS = (0.05, 0.5, 0.999, 1.0, 1.0 + 1e-12, 1.001, 1.5, 2.0, 3.0, 40.0)
RULES = (
    *(kind(epsilon) for kind in (NegEntropy, LogBarrier) for epsilon in EPSILONS),
    *(Tsallis(q, epsilon) for q in ORDERS for epsilon in (1e-6, 0.3, 1e3)),
)
SOLVER = {"solver": cp.CLARABEL, "tol_gap_abs": 1e-8, "tol_gap_rel": 1e-8, "tol_feas": 1e-8}
named = pytest.mark.parametrize("rule", RULES, ids=repr)


def log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def term(rule, x):
    """The regulariser in cvxpy's words."""
    if isinstance(rule, NegEntropy):
        return -rule.epsilon * cp.sum(cp.entr(x))
    if isinstance(rule, LogBarrier):
        return -rule.epsilon * cp.sum(cp.log(x))
    return rule.epsilon * (cp.sum(cp.power(x, rule.q)) - 1.0) / (rule.q - 1.0)


CONIC = (
    *(kind(epsilon) for kind in (NegEntropy, LogBarrier) for epsilon in (0.02, 0.2, 2.0)),
    *(Tsallis(q, epsilon) for q in (0.5, 1.5, 2.0, 3.0) for epsilon in (0.1, 0.5)),
)


# the solver is not sure of itself where a response is next to zero; its numbers are compared
@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
@pytest.mark.parametrize("rule", CONIC, ids=repr)
def test_response_solves_the_convex_program(rule):
    rng = np.random.default_rng(0)
    v = rng.random((5, 4))
    found = np.exp(rule.log_response(v))
    values = (found * v).sum(axis=-1) - rule.penalty(np.log(np.maximum(found, 1e-300)))
    for k in range(5):
        x = cp.Variable(4, nonneg=True)
        problem = cp.Problem(cp.Maximize(v[k] @ x - term(rule, x)), [cp.sum(x) == 1.0])
        problem.solve(**SOLVER)
        assert values[k] == pytest.approx(problem.value, abs=2e-7)
        np.testing.assert_allclose(found[k], x.value, atol=2e-4)


@mpmath.workdps(130)
def digits(rule, v):
    """Log-probabilities of the response by bisection in 130 digits."""
    epsilon = mpmath.mpf(rule.epsilon)
    h = [(mpmath.mpf(float(max(v))) - mpmath.mpf(float(w))) / epsilon for w in v]

    def shares(top):  # the largest probability fixes the others by their marginal values
        if isinstance(rule, LogBarrier):
            return [1 / (d + 1 / top) for d in h]
        q = mpmath.mpf(getattr(rule, "q", 1.0))
        if q == 1:
            return [top * mpmath.exp(-d) for d in h]
        bases = [top ** (q - 1) - (q - 1) * d / q for d in h]
        return [b ** (1 / (q - 1)) if b > 0 else mpmath.mpf(0) for b in bases]

    left, right = mpmath.mpf(1) / (len(h) + 1), mpmath.mpf(1)
    for _ in range(430):
        middle = (left + right) / 2
        left, right = (middle, right) if mpmath.fsum(shares(middle)) < 1 else (left, middle)
    return shares(right)


@named
def test_response_in_many_digits(rule):
    rng = np.random.default_rng(1)
    for v in (rng.random(5), np.array([0.0, 1.0]), np.array([0.3, 0.3, 0.3 + 1e-12]), np.ones(1)):
        found = rule.log_response(v)
        for mine, exact in zip(found, digits(rule, v), strict=True):
            if exact > 0:
                # what float64 leaves of v / epsilon it can leave of a log-probability
                rounding = 1e-14 * (1.0 + abs(mine)) + 4e-16 * (1.0 + 1.0 / rule.epsilon)
                if getattr(rule, "q", 1.0) > 1.0:  # next to being dropped
                    rounding /= max(float(exact) ** (rule.q - 1.0), 1e-9)
                assert mine == pytest.approx(float(mpmath.log(exact)), abs=rounding)
            else:
                assert mine == -np.inf


@named
@settings(max_examples=8)
@given(st.integers(0, 10_000), st.sampled_from((1.0, 1e-8, 1e8)))
def test_slack_is_the_loss_against_the_response(rule, seed, scale):
    rng = np.random.default_rng(seed)
    v = scale * rng.choice((0.0, 0.25, 0.9, 1.0), 4)
    degrees = {"q": rule.q} if isinstance(rule, Tsallis) else {}
    scaled = type(rule)(**degrees, epsilon=scale * rule.epsilon)
    best = scaled.log_response(v)
    assert np.exp(best).sum() == pytest.approx(1.0, abs=1e-14)
    unit = scale * (1.0 + rule.epsilon)
    assert 0.0 <= float(scaled.slack(best, v)) <= 1e-15 * unit
    x = np.vstack(
        [rng.dirichlet(np.ones(4), 20), 0.999 * np.exp(best) + 0.001 * rng.dirichlet(np.ones(4))]
    )
    loss = np.exp(best) @ v - float(scaled.penalty(best)) - (x @ v - scaled.penalty(np.log(x)))
    rows = np.broadcast_to(v, x.shape)
    found = scaled.slack(np.log(x), rows)
    assert (found > 0.0).all()
    size = 1.0 + np.abs(scaled.penalty(np.log(x))) / unit
    np.testing.assert_allclose(found, loss, rtol=1e-9, atol=float((4e-14 * unit * size).max()))


@named
def test_shift_scale_and_labels(rule):
    rng = np.random.default_rng(2)
    v = rng.random((6, 5))
    best = np.exp(rule.log_response(v))
    rounding = 1e-12 + 1e-15 / rule.epsilon
    np.testing.assert_allclose(np.exp(rule.log_response(v + 7.0)), best, atol=10 * rounding)
    order = rng.permutation(5)
    np.testing.assert_allclose(np.exp(rule.log_response(v[:, order])), best[:, order], atol=1e-14)
    raised = v.copy()
    raised[:, 0] += 0.1
    assert (np.exp(rule.log_response(raised))[:, 0] >= best[:, 0] - 1e-13).all()
    ranks = np.argsort(v, axis=-1)
    assert (np.diff(np.take_along_axis(best, ranks, axis=-1), axis=-1) >= -1e-13).all()


@named
def test_penalty_is_convex_and_least_at_uniform(rule):
    rng = np.random.default_rng(3)
    a, b = rng.dirichlet(np.ones(4), 50), rng.dirichlet(np.ones(4), 50)
    middle = rule.penalty(np.log(0.5 * (a + b)))
    ends = 0.5 * (rule.penalty(np.log(a)) + rule.penalty(np.log(b)))
    assert (middle <= ends + 1e-14 * (rule.epsilon + np.abs(ends))).all()
    even = float(rule.penalty(np.log(np.full(4, 0.25))))
    assert (rule.penalty(np.log(a)) >= even - 1e-14 * rule.epsilon).all()


def test_order_one_is_entropy_and_orders_near_it_are_near():
    rng = np.random.default_rng(4)
    v, x = rng.random((10, 4)), rng.dirichlet(np.ones(4), 10)
    entropy = NegEntropy(0.1)
    for q, tol in ((1.0, 1e-14), (1.0 - 1e-12, 1e-10), (1.0 + 1e-12, 1e-10), (1.0 + 1e-6, 1e-4)):
        near = Tsallis(q, 0.1)
        np.testing.assert_allclose(near.log_response(v), entropy.log_response(v), atol=tol * 100)
        np.testing.assert_allclose(near.penalty(np.log(x)), entropy.penalty(np.log(x)), atol=tol)
        np.testing.assert_allclose(near.slack(np.log(x), v), entropy.slack(np.log(x), v), atol=tol)


def test_order_two_is_projection():
    v = np.random.default_rng(5).normal(size=(50, 6))
    for epsilon in (0.05, 0.5, 20.0):
        found = np.exp(Tsallis(2.0, epsilon).log_response(v))
        np.testing.assert_allclose(found, project_simplex(v / (2.0 * epsilon)), atol=1e-13)
        if epsilon < 1.0:
            assert (found == 0.0).any()


def test_two_actions_under_the_barrier_by_the_quadratic_formula():
    for d in (0.0, 1e-9, 0.5, 3.0, 1e6):
        # 1/x - 1/(1 - x) = d / epsilon
        k = d / 0.2
        less = 2.0 / (k + 2.0 + np.hypot(k, 2.0))
        found = np.exp(LogBarrier(0.2).log_response(np.array([1.0, 1.0 + d])))
        np.testing.assert_allclose(found, [less, 1.0 - less], rtol=1e-9 if d > 1e3 else 1e-14)


@pytest.mark.parametrize(
    "rule", [NegEntropy(0.0), LogBarrier(0.0), Tsallis(0.5, 0.0), Tsallis(2.0, 0.0)]
)
def test_exact_maximisation_is_uniform_on_the_maximisers(rule):
    v = np.array([1.0, 2.0, 2.0])
    np.testing.assert_allclose(np.exp(rule.log_response(v)), [0.0, 0.5, 0.5])
    assert float(rule.slack(log(np.array([0.25, 0.75, 0.0])), v)) == 0.25
    assert float(rule.slack(log(np.array([0.0, 1.0, 0.0])), v)) == 0.0
    assert float(rule.penalty(np.log([0.2, 0.3, 0.5]))) == 0.0


def test_actions_that_are_never_played():
    never = log(np.array([1.0, 0.0]))
    v = np.array([1.0, 0.0])
    assert float(LogBarrier(0.1).slack(never, v)) == np.inf
    assert float(LogBarrier(0.1).penalty(never)) == np.inf
    for q in (0.5, 1.0, 2.0):
        rule = Tsallis(q, 2.0)
        best = rule.log_response(v)
        loss = np.exp(best) @ v - float(rule.penalty(best)) - 1.0
        assert float(rule.penalty(never)) == 0.0
        assert float(rule.slack(never, v)) == pytest.approx(loss, rel=1e-12)
    # given up by the response: x² epsilon and the shortfall of 1 beyond the slope 2 epsilon
    rule = Tsallis(2.0, 0.25)
    np.testing.assert_array_equal(np.exp(rule.log_response(v)), [1.0, 0.0])
    x = np.array([0.75, 0.25])
    assert float(rule.slack(np.log(x), v)) == pytest.approx(1.0 - (0.75 - 0.25 * (0.625 - 1.0)))


@named
def test_logarithms_far_below_underflow(rule):
    log_x, v = np.array([0.0, -1000.0, -900.0]), np.array([1.0, 0.0, 0.5])
    with np.errstate(all="raise", under="ignore"):
        slack = float(rule.slack(log_x, v))
        penalty = float(rule.penalty(log_x))
        best = rule.log_response(np.array([1.0, 0.0, -1e9]))
    assert np.isfinite(slack)
    assert slack >= 0.0
    expected = rule.epsilon * 1900.0 if isinstance(rule, LogBarrier) else None
    if isinstance(rule, Tsallis) and rule.q < 0.1:
        expected = rule.epsilon * (np.exp(-50.0) + np.exp(-45.0)) / (rule.q - 1.0)
    assert penalty == pytest.approx(expected or 0.0, rel=1e-12, abs=1e-100)
    if isinstance(rule, LogBarrier):
        assert best[2] == pytest.approx(
            np.log(rule.epsilon / 1e9), abs=1e-2 if rule.epsilon > 1e5 else 1e-5
        )


@pytest.mark.parametrize("kind", [NegEntropy, LogBarrier, Tsallis])
def test_a_batch_may_carry_one_degree_a_game(kind):
    rng = np.random.default_rng(6)
    epsilon = np.array([0.0, 0.1, 2.0, 2.0])
    degrees = {"q": np.array([0.5, 1.0, 2.0, 3.0])} if kind is Tsallis else {}
    v, log_x = rng.random((4, 3)), np.log(rng.dirichlet(np.ones(3), 4))
    together = kind(**degrees, epsilon=epsilon)
    for b in range(4):
        alone = kind(**{k: float(d[b]) for k, d in degrees.items()}, epsilon=float(epsilon[b]))
        np.testing.assert_allclose(
            together.log_response(v)[b], alone.log_response(v[b]), rtol=1e-13
        )
        np.testing.assert_allclose(together.penalty(log_x)[b], alone.penalty(log_x[b]), rtol=1e-13)
        found = together.slack(log_x, v)[b]
        np.testing.assert_allclose(found, alone.slack(log_x[b], v[b]), rtol=1e-13)


@pytest.mark.parametrize("epsilon", [0.01, 3.0])
def test_automatic_derivative_of_the_response(epsilon):
    v = np.array([0.1, 0.7, 0.4])
    for rule in (LogBarrier(epsilon), Tsallis(1.5, 60.0 * epsilon)):
        with jax.enable_x64(True):
            found = np.asarray(jax.jacobian(rule.log_response)(jax.numpy.asarray(v)))
        x = np.exp(rule.log_response(v))
        # 1 / nu'': what a unit of marginal value moves of each probability
        if isinstance(rule, LogBarrier):
            moved = x**2 / rule.epsilon
        else:
            moved = x ** (2.0 - rule.q) / (rule.q * rule.epsilon)
        expected = (moved / x)[:, None] * (np.eye(3) - moved / moved.sum())
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11 / epsilon)


def test_degrees_out_of_range_are_refused_and_arrays_are_not_looked_at():
    for kind in (NegEntropy, LogBarrier, lambda e: Tsallis(2.0, e)):
        for value in (-1e-9, np.nan, np.inf):
            with pytest.raises(ValueError, match=r"epsilon must be in \[0, inf\); got "):
                kind(value)
        kind(np.array([-1.0]))
    for value in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=r"q must be in \(0, inf\); got "):
            Tsallis(value, 1.0)
