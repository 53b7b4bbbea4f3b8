"""The Gaussian best response: the derivation, quadrature, and formulas that are not it."""

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize_scalar

from games.aggregative import push_object
from rqe.analysis.theorems import get
from rqe.analysis.theorems._gaussian import (
    certain_by_quadrature,
    largest,
    payoffs_on,
    response_mean,
    spread_of,
)
from rqe.analysis.theorems.gaussian_response import other_means

STATEMENT = get("gaussian_response")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    found = STATEMENT.check(40, 0)
    assert sum(found.column("violations")) == 0
    assert min(found.column("draws")) >= 40


def test_the_quadrature_is_an_integral():
    """Against the sum over a fixed grid that knows nothing of the tilt."""
    payoff, tau = push_object().payoff(0), 0.8
    own, others, spread = np.array([0.3]), np.array([0.4]), np.array([[0.5]])
    b = np.linspace(-12.0, 12.0, 20001)
    density = np.exp(-((b - 0.4) ** 2)) / np.sqrt(np.pi)
    mass = np.sum(density * np.exp(-tau * payoffs_on(payoff, own, b[:, None]))) * (b[1] - b[0])
    found = certain_by_quadrature(payoff, own, others, spread, tau)
    assert found == pytest.approx(-np.log(mass) / tau, rel=1e-12)


def test_the_mean_is_where_a_direct_search_ends():
    game, epsilon = push_object(2.0, n_players=3, rho=[1.0, 2.0, 0.5]), np.array([0.4, 0.2, 0.6])
    payoff, spread = game.payoff(0), spread_of(game, epsilon, 0)
    others = np.array([0.7, -0.2])
    found = minimize_scalar(
        lambda m: -certain_by_quadrature(payoff, np.array([m]), others, spread, 1.1),
        bounds=(-5.0, 5.0),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert response_mean(payoff, others, spread, 1.1)[0] == pytest.approx(found.x, abs=1e-6)


def test_beyond_the_domain_the_integral_grows_without_end():
    game, epsilon = push_object(), np.ones(2)
    payoff, spread = game.payoff(0), spread_of(game, epsilon, 0)
    assert largest(game, epsilon, 0) == pytest.approx(2.0)
    for tau, ends in ((1.5, True), (2.5, False)):
        mass = []
        for reach in (20.0, 40.0):
            b = np.linspace(-reach, reach, 8001)
            exponent = -tau * payoffs_on(payoff, np.zeros(1), b[:, None]) - b**2 / spread[0, 0] / 2
            mass.append(np.log(np.sum(np.exp(exponent)) * (b[1] - b[0])))
        assert (abs(mass[1] - mass[0]) < 1e-6) == ends


def test_other_formulas_are_rejected():
    for name, found in other_means(20, 0).items():
        quantities = dict(zip(found.column("quantity"), found.rows, strict=True))
        loss = next(row for q, row in quantities.items() if q.startswith("loss"))
        mean = next(row for q, row in quantities.items() if q.startswith("mean of the softmax"))
        for row in (loss, mean):
            assert row[-1] == row[1] > 0, name


def test_verdict():
    assert STATEMENT.verdict == "holds"
    assert not STATEMENT.correction
