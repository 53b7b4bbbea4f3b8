"""The same numbers from NumPy, read-only NumPy, array_api_strict, and JAX under jit and vmap."""

import array_api_strict as strict
import jax
import numpy as np
import pytest

from rqe.core import ops
from rqe.core.regularizer import LogBarrier, NegEntropy, Tsallis
from rqe.core.response import (
    action_values,
    regret_bound,
    regret_by_action,
    reply,
    reply_by_action,
    reply_derivative,
    residual,
    risk_adjusted_value,
    value_by_action,
)
from rqe.core.risk import (
    ChiSquared,
    CVaR,
    Entropic,
    Neutral,
    ReverseKL,
    TotalVariation,
    WorstCase,
)

BATCH, N, M = 5, 3, 4
rng = np.random.default_rng(0)
PAYOFF = rng.normal(size=(BATCH, N, M))
PAYOFF[1] = np.round(PAYOFF[1])  # ties
PAYOFF[2, :, 1] = 0.0
LOG_X = np.log(rng.dirichlet(np.ones(N), BATCH))
LOG_Q = np.log(rng.dirichlet(np.ones(M), BATCH))
LOG_P = np.log(rng.dirichlet(np.ones(M), BATCH))
LOG_X[3] = np.array([0.0, -np.inf, -np.inf])
LOG_Q[3, 0] = -np.inf
LOG_Q[3] -= ops.logsumexp(LOG_Q[3])
U = rng.normal(size=(BATCH, M))
U[4] = 1.0
V = rng.normal(size=(BATCH, N))
TAUS = (0.0, 1e-14, 1e-8, 1.3, 1e6, np.inf)
EPSILONS = (0.0, 0.2, 50.0)


def both(tau, epsilon):
    return Entropic(tau), NegEntropy(epsilon)


def derivative(payoff, log_x, log_q, d_log_x, d_log_q):
    answer = reply(payoff, log_x, log_q, *both(1.3, 0.2))
    return reply_derivative(payoff, log_x, answer, 1.3, 0.2, d_log_x, d_log_q)


CASES = {
    "logsumexp": (ops.logsumexp, (LOG_X,)),
    "log_softmax": (ops.log_softmax, (V,)),
    "kl": (ops.kl, (LOG_P, LOG_Q)),
    "kl to itself": (ops.kl, (LOG_X, LOG_X)),
    "neg_entropy": (ops.neg_entropy, (LOG_X,)),
    "outcome_payoffs": (ops.outcome_payoffs, (PAYOFF, np.exp(LOG_X))),
    "action_payoffs": (ops.action_payoffs, (PAYOFF, np.exp(LOG_Q))),
    "project_simplex": (ops.project_simplex, (V,)),
    "own_first": (lambda p: ops.own_first(p, 1, 2), (PAYOFF,)),
    "joint_log": (lambda *z: ops.joint_log(z, 1), (LOG_X, LOG_Q, LOG_P)),
    "residual": (residual, (LOG_X, np.log(np.full((BATCH, N), 1.0 / N)))),
    "derivative": (derivative, (PAYOFF, LOG_P[:, :N], LOG_Q, V, U)),
}
for tau in TAUS:
    risk = Entropic(tau)
    CASES[f"certainty_equivalent tau={tau}"] = (risk.certainty_equivalent, (U, LOG_Q))
    CASES[f"log_belief tau={tau}"] = (risk.log_belief, (U, LOG_Q))
    CASES[f"slack tau={tau}"] = (risk.slack, (U, LOG_Q, LOG_P))
    for epsilon in EPSILONS if tau == 1.3 else (0.2,):
        pair = both(tau, epsilon)
        name = f"tau={tau} epsilon={epsilon}"
        CASES[f"reply {name}"] = (
            lambda m, x, q, pair=pair: reply(m, x, q, *pair).log_response,
            (PAYOFF, LOG_X, LOG_Q),
        )
        CASES[f"value {name}"] = (
            lambda m, x, q, pair=pair: risk_adjusted_value(m, x, q, *pair),
            (PAYOFF, LOG_X, LOG_Q),
        )
        CASES[f"regret {name}"] = (
            lambda m, x, q, p, pair=pair: regret_bound(m, x, q, p, *pair),
            (PAYOFF, LOG_X, LOG_Q, LOG_P),
        )
for epsilon in EPSILONS:
    regularizer = NegEntropy(epsilon)
    CASES[f"log_response epsilon={epsilon}"] = (regularizer.log_response, (V,))
    CASES[f"penalty epsilon={epsilon}"] = (regularizer.penalty, (LOG_X,))
    CASES[f"slack of a strategy epsilon={epsilon}"] = (regularizer.slack, (LOG_X, V))

MEASURES = (
    *(kind(tau) for kind in (ReverseKL, ChiSquared, TotalVariation) for tau in (1.3, np.inf)),
    *(CVaR(alpha) for alpha in (0.3, 1.0)),
    WorstCase(),
    Neutral(),
)
RULES = (
    LogBarrier(0.2),
    *(Tsallis(q, 0.2) for q in (0.5, 3.0)),
    Tsallis(2.0, 0.0),
)
for risk in MEASURES:
    CASES[f"certainty_equivalent {risk}"] = (risk.certainty_equivalent, (U, LOG_Q))
    CASES[f"log_belief {risk}"] = (risk.log_belief, (U, LOG_Q))
    CASES[f"penalty {risk}"] = (risk.penalty, (LOG_P, LOG_Q))
    CASES[f"slack {risk}"] = (risk.slack, (U, LOG_Q, LOG_P))
for regularizer in RULES:
    CASES[f"log_response {regularizer}"] = (regularizer.log_response, (V,))
    CASES[f"penalty {regularizer}"] = (regularizer.penalty, (LOG_X,))
    CASES[f"slack {regularizer}"] = (regularizer.slack, (LOG_X, V))
for pair in ((Entropic(1.3), NegEntropy(0.2)), (CVaR(0.3), LogBarrier(0.2))):
    CASES[f"action_values {pair}"] = (
        lambda m, q, pair=pair: action_values(m, q, pair[0]),
        (PAYOFF, LOG_Q),
    )
    CASES[f"reply_by_action {pair}"] = (
        lambda m, q, pair=pair: reply_by_action(m, q, *pair).log_belief,
        (PAYOFF, LOG_Q),
    )
    CASES[f"value_by_action {pair}"] = (
        lambda m, x, q, pair=pair: value_by_action(m, x, q, *pair),
        (PAYOFF, LOG_X, LOG_Q),
    )
    CASES[f"regret_by_action {pair}"] = (
        lambda m, x, q, pair=pair: regret_by_action(m, x, q, *pair),
        (PAYOFF, LOG_X, LOG_Q),
    )

pytestmark = pytest.mark.parametrize("name", CASES)


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


def numpy_answer(name):
    function, arguments = CASES[name]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(function(*arguments))


def close(found, expected, name):
    found = np.asarray(found)
    assert found.shape == expected.shape
    # a tau of 1e6 multiplies whatever the library's summation order leaves in the last digit
    tol = 1e-9 if "tau=1000000.0" in name else 1e-14
    np.testing.assert_allclose(found, expected, rtol=tol, atol=tol)


def test_read_only_numpy(name):
    function, arguments = CASES[name]
    locked = [np.array(a) for a in arguments]
    for a in locked:
        a.setflags(write=False)
    with np.errstate(invalid="ignore", divide="ignore"):
        np.testing.assert_array_equal(function(*locked), numpy_answer(name))


def test_strict_standard(name):
    function, arguments = CASES[name]
    with np.errstate(invalid="ignore", divide="ignore"):
        found = function(*(strict.asarray(a) for a in arguments))
    assert isinstance(found, type(strict.asarray(0.0)))
    assert found.dtype == strict.float64
    close(np.from_dlpack(found), numpy_answer(name), name)


def test_jax_jit(name):
    function, arguments = CASES[name]
    found = jax.jit(function)(*(jax.numpy.asarray(a) for a in arguments))
    assert found.dtype == np.float64
    close(found, numpy_answer(name), name)


def test_jax_vmap(name):
    function, arguments = CASES[name]
    found = jax.vmap(function)(*(jax.numpy.asarray(a) for a in arguments))
    close(found, numpy_answer(name), name)


def test_numpy_batch_equals_loop(name):
    function, arguments = CASES[name]
    with np.errstate(invalid="ignore", divide="ignore"):
        rows = [function(*(a[b] for a in arguments)) for b in range(BATCH)]
    close(np.stack(rows), numpy_answer(name), name)
