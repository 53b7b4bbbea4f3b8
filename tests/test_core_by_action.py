"""Action-dependent risk against its definition, and against the aggregate form."""

import numpy as np
import pytest

from rqe.core.ops import outcome_payoffs
from rqe.core.regularizer import LogBarrier, NegEntropy, Tsallis
from rqe.core.response import (
    action_values,
    regret_by_action,
    reply,
    reply_by_action,
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

RISKS = (
    Neutral(),
    Entropic(2.0),
    ReverseKL(2.0),
    ChiSquared(4.0),
    TotalVariation(3.0),
    CVaR(0.3),
    WorstCase(),
)
RULES = (NegEntropy(0.2), LogBarrier(0.2), Tsallis(2.0, 0.2), NegEntropy(0.0))
each_risk = pytest.mark.parametrize("risk", RISKS, ids=repr)


def setting(seed=0, batch=40, n=3, m=4):
    rng = np.random.default_rng(seed)
    log_x, log_q = (
        np.log(rng.dirichlet(np.ones(n), batch)),
        np.log(rng.dirichlet(np.ones(m), batch)),
    )
    return rng.random((batch, n, m)), log_x, log_q


def test_matching_pennies_at_tau_ten():
    pennies, even = np.array([[1.0, 0.0], [0.0, 1.0]]), np.log([0.5, 0.5])
    none = NegEntropy(0.0)
    aggregate = float(risk_adjusted_value(pennies, even, even, Entropic(10.0), none))
    by_action = float(value_by_action(pennies, even, even, Entropic(10.0), none))
    assert aggregate == pytest.approx(0.5, abs=1e-15)
    assert by_action == pytest.approx(-np.log(0.5 * (1.0 + np.exp(-10.0))) / 10.0, abs=1e-15)
    assert round(by_action, 3) == 0.069


@each_risk
def test_never_worth_more_than_aggregate_and_as_much_for_pure_strategies(risk):
    payoff, log_x, log_q = setting()
    rule = NegEntropy(0.1)
    by_action = value_by_action(payoff, log_x, log_q, risk, rule)
    aggregate = risk_adjusted_value(payoff, log_x, log_q, risk, rule)
    assert (by_action <= aggregate + 1e-14).all()
    if not isinstance(risk, Neutral):
        assert (by_action < aggregate - 1e-6).mean() > 0.5
    with np.errstate(divide="ignore"):
        pure = np.broadcast_to(np.log([0.0, 1.0, 0.0]), log_x.shape)
    np.testing.assert_allclose(
        value_by_action(payoff, pure, log_q, risk, rule),
        risk_adjusted_value(payoff, pure, log_q, risk, rule),
        atol=1e-14,
    )


@each_risk
def test_values_and_beliefs_are_those_of_each_row_alone(risk):
    payoff, _, log_q = setting()
    answer = reply_by_action(payoff, log_q, risk, NegEntropy(0.2))
    assert answer.log_belief.shape == payoff.shape
    for a in range(3):
        row = payoff[:, a]
        worth = risk.certainty_equivalent(row, log_q)
        np.testing.assert_allclose(answer.values[:, a], worth, rtol=1e-14)
        log_p = answer.log_belief[:, a]
        cost = (np.exp(log_p) * row).sum(axis=-1) + risk.penalty(log_p, log_q)
        np.testing.assert_allclose(cost, worth, atol=1e-13)
    np.testing.assert_array_equal(answer.outcomes, payoff)


@each_risk
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_regret_is_what_the_reply_gains(risk, rule):
    payoff, log_x, log_q = setting(1)
    best = reply_by_action(payoff, log_q, risk, rule).log_response
    gain = value_by_action(payoff, best, log_q, risk, rule) - value_by_action(
        payoff, log_x, log_q, risk, rule
    )
    found = regret_by_action(payoff, log_x, log_q, risk, rule)
    assert (found > 0.0).all()
    np.testing.assert_allclose(found, gain, atol=1e-13)
    np.testing.assert_allclose(regret_by_action(payoff, best, log_q, risk, rule), 0.0, atol=1e-15)
    # nobody does better, by search over a fine grid of strategies
    grid = np.array([(i, j, 20 - i - j) for i in range(21) for j in range(21 - i)]) / 20.0
    log_grid = np.log(np.maximum(grid, 1e-12))
    rows = (log_grid.shape[0], *payoff.shape[1:])
    for k in range(3):
        everywhere = value_by_action(
            np.broadcast_to(payoff[k], rows),
            log_grid,
            np.broadcast_to(log_q[k], (rows[0], 4)),
            risk,
            rule,
        )
        top = float(value_by_action(payoff[k], best[k], log_q[k], risk, rule))
        assert everywhere.max() <= top + 1e-10


@pytest.mark.parametrize("kind", [Entropic, ReverseKL, ChiSquared, TotalVariation, CVaR])
def test_a_batch_may_carry_one_degree_a_game(kind):
    payoff, _, log_q = setting(2, batch=3, n=3)
    degrees = np.array([0.1, 0.5, 1.0])
    together = action_values(payoff, log_q, kind(degrees))
    beliefs = reply_by_action(payoff, log_q, kind(degrees), NegEntropy(degrees)).log_belief
    for b, degree in enumerate(degrees):
        alone = kind(float(degree))
        np.testing.assert_allclose(
            together[b], action_values(payoff[b], log_q[b], alone), rtol=1e-14
        )
        one = reply_by_action(payoff[b], log_q[b], alone, NegEntropy(0.1)).log_belief
        np.testing.assert_allclose(np.exp(beliefs[b]), np.exp(one), atol=1e-14)


def test_without_risk_aversion_the_two_forms_are_one():
    payoff, log_x, log_q = setting(3)
    rule = LogBarrier(0.3)
    ours = reply_by_action(payoff, log_q, Neutral(), rule)
    theirs = reply(payoff, log_x, log_q, Neutral(), rule)
    np.testing.assert_allclose(ours.log_response, theirs.log_response, atol=1e-13)
    expected = (np.exp(log_q) * outcome_payoffs(payoff, np.exp(log_x))).sum(axis=-1)
    found = value_by_action(payoff, log_x, log_q, Neutral(), NegEntropy(0.0))
    np.testing.assert_allclose(found, expected, atol=1e-14)
