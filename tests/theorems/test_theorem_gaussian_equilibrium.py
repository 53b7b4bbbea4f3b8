"""Gaussian RQE by one linear system: the derivation, solved games, and the printed blocks."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import rqe
from games.aggregative import push_object
from rqe.analysis.theorems import get
from rqe.analysis.theorems._gaussian import certain_by_quadrature, response_mean, spread_of
from rqe.analysis.theorems.gaussian_equilibrium import (
    as_printed,
    pairwise_domain,
    printed_means,
    system_means,
)

STATEMENT = get("gaussian_equilibrium")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    assert sum(STATEMENT.check(60, 0).column("violations")) == 0


def test_the_printed_blocks_are_right_for_two_players_only():
    found = as_printed(60, 0)
    assert found["two players"].column("violations") == (0,)
    assert found["two players"].column("draws")[0] > 20
    more = found["more players"]
    assert more.column("violations") == more.column("draws")
    assert more.column("draws")[0] > 40


def test_counterexample():
    """Three equal players, H = rho = a = epsilon = 1, tau = 1/2."""
    game, tau, epsilon = push_object(n_players=3), np.full(3, 0.5), np.ones(3)
    right, wrong = system_means(game, tau, epsilon), printed_means(game, tau, epsilon)
    np.testing.assert_allclose(right, 2 / 7, rtol=1e-13)
    np.testing.assert_allclose(wrong, 5 / 16, rtol=1e-13)
    np.testing.assert_allclose(rqe.solve_rqe(game, 0.5, 1.0).means, 2 / 7, rtol=1e-12)
    # which of them answers itself, by the integral
    payoff, spread = game.payoff(0), spread_of(game, epsilon, 0)
    for m, best in ((2 / 7, 2 / 7), (5 / 16, 1 / 4)):
        others = np.full(2, m)
        assert response_mean(payoff, others, spread, 0.5)[0] == pytest.approx(best, rel=1e-13)
        worth = {
            a: certain_by_quadrature(payoff, np.array([a]), others, spread, 0.5)
            for a in (m, best, best + 0.01, best - 0.01)
        }
        assert max(worth, key=worth.get) == pytest.approx(best)
    for number in (Fraction(2, 7), Fraction(5, 16), Fraction(1, 4)):
        assert str(number) in STATEMENT.counterexample


def test_the_pairwise_condition_admits_infinite_risk():
    # tau epsilon / 2 = 3/4 < 1 for every pair, and q = 3/2
    game, tau, epsilon = push_object(n_players=3), np.full(3, 1.5), np.ones(3)
    with pytest.raises(rqe.InfiniteRiskError) as caught:
        rqe.solve_rqe(game, 1.5, 1.0)
    assert caught.value.max_tau == pytest.approx(1.0)
    assert np.all(np.isfinite(printed_means(game, tau, epsilon)))
    infinite, count = pairwise_domain(200, 0)
    assert count > 100
    assert infinite > count // 4


def test_verdict():
    assert STATEMENT.verdict == "holds with a correction"
    assert "block-diagonal" in STATEMENT.correction
    assert "N = 2 only" in STATEMENT.correction
