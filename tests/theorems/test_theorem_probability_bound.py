"""Least probabilities: the derivation, random equilibria, sharpness, and a bound that is none."""

import numpy as np
import pytest
import sympy as sp

import rqe
from rqe.analysis.theorems import get
from rqe.analysis.theorems.probability_bound import log_least, with_absolute_payoffs

STATEMENT = get("probability_bound")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    assert sum(STATEMENT.check(80, 0).column("violations")) == 0


@pytest.mark.parametrize("tau", [0.0, 3.0, np.inf])
def test_attained_by_a_dominated_action_at_any_tau(tau):
    u = np.array([[0.0, 0.0], [0.7, 0.7], [0.7, 0.7]])
    game = rqe.NormalFormGame([u, np.zeros((3, 2))])
    eq = rqe.solve_rqe(game, tau, 0.1)
    assert np.log(eq[0][0]) == pytest.approx(log_least(u, 0.1), abs=1e-9)
    assert np.log(eq[0][0]) == pytest.approx(-np.log1p(2.0 * np.exp(7.0)), abs=1e-9)


def test_one_action_is_certain():
    assert log_least(np.ones((1, 4)), 0.1) == 0.0


def test_largest_absolute_payoff_is_no_bound():
    assert with_absolute_payoffs(60, 0).column("violations")[0] > 3
    game = rqe.NormalFormGame([[[1.0, 1.0], [-1.0, -1.0]], np.zeros((2, 2))])
    rare = rqe.solve_rqe(game, 1.0, 0.5)[0][1]
    assert rare == pytest.approx(1.0 / (1.0 + np.exp(4.0)), abs=1e-10)
    assert rare < np.exp(-1.0 / 0.5) / 2.0
    assert f"{rare:.4f}" in STATEMENT.counterexample


def test_verdict():
    assert STATEMENT.verdict == "holds"
