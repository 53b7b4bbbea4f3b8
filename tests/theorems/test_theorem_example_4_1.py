"""Example 4.1: the derivation, solved games, and the main text's mean."""

import numpy as np
import pytest
import sympy as sp

import rqe
from games.aggregative import push_object
from rqe.analysis.theorems import get
from rqe.analysis.theorems._gaussian import response_mean, spread_of
from rqe.analysis.theorems.example_4_1 import as_printed

STATEMENT = get("example_4_1")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    assert sum(STATEMENT.check(100, 0).column("violations")) == 0


def test_the_main_texts_mean_is_rejected():
    found = as_printed(50, 0)
    rejected = dict(zip(found.column("quantity"), found.column("violations"), strict=True))
    assert rejected["m less the formula, per target"] == 50
    assert rejected["utility less the formula, per target²"] == 50


def test_counterexample():
    game = push_object()
    spread = spread_of(game, np.ones(2), 0)
    for mean, best in ((2 / 5, 2 / 5), (1 / 2, 1 / 3)):
        found = response_mean(game.payoff(0), np.array([mean]), spread, 1.0)
        assert found[0] == pytest.approx(best, rel=1e-13)
    assert rqe.solve_rqe(game, 1.0, 1.0).means[0][0] == pytest.approx(2 / 5, rel=1e-13)


@pytest.mark.parametrize(("tau", "worth"), [(0.0, -1 / 9), (1.0, -1 / 10), (2.0 - 1e-9, -1 / 8)])
def test_values(tau, worth):
    eq = rqe.solve_rqe(push_object(), tau, 1.0)
    assert eq.mean_payoffs[0] == pytest.approx(worth, abs=2e-9)


def test_the_utility_is_concave_where_it_was_measured():
    taus = np.linspace(0.0, 1.99, 200)
    worth = [rqe.solve_rqe(push_object(), float(t), 1.0).mean_payoffs[0] for t in taus]
    assert np.all(np.diff(worth, 2) < 0.0)
    assert abs(taus[np.argmax(worth)] - 1.0) <= 0.01


def test_verdict():
    assert STATEMENT.verdict == "holds with a correction"
    assert "a/(3 - tau epsilon/2)" in STATEMENT.correction
