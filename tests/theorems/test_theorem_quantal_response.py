"""The quantal response: the derivation, ascent on the utility, and softmaxes that are not it."""

import numpy as np
import pytest
import sympy as sp

import rqe
from rqe.analysis.theorems import get
from rqe.analysis.theorems._finite import softmax, tilt
from rqe.analysis.theorems.quantal_response import other_responses, respond

STATEMENT = get("quantal_response")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    assert sum(STATEMENT.check(30, 0).column("violations")) == 0


def test_other_softmaxes_are_rejected_by_the_same_measure():
    found = other_responses(30, 0)
    assert min(found.column("violations")) > 0.7 * found.column("draws")[0]


def test_best_response_to_a_fixed_partner():
    # against an opponent whose play is given, not an equilibrium's
    u, q = np.array([[4.0, 0.0, 1.0], [3.0, 3.0, 0.0]]), np.array([0.5, 0.2, 0.3])
    x = respond(u, q, 0.8, 0.5)
    assert x == pytest.approx(softmax(u @ tilt(x @ u, q, 0.8) / 0.5), abs=1e-9)
    shares = np.linspace(1e-6, 1.0 - 1e-6, 20_001)
    outcomes = np.outer(shares, u[0]) + np.outer(1.0 - shares, u[1])
    values = -np.log((q * np.exp(-0.8 * outcomes)).sum(axis=1)) / 0.8
    values -= 0.5 * (shares * np.log(shares) + (1.0 - shares) * np.log1p(-shares))
    assert shares[values.argmax()] == pytest.approx(x[0], abs=1e-4)
    # strictly concave: one maximum on the whole grid
    assert np.all(np.diff(values, 2) < 0.0)


def test_at_equilibrium_every_player_responds_so():
    game = rqe.NormalFormGame([np.arange(8.0).reshape(2, 2, 2) ** 0.5 % 1.0] * 3)
    eq = rqe.solve_rqe(game, tau=[0.5, 2.0, 0.0], epsilon=0.3)
    for i, u in enumerate(game.own_payoffs):
        assert eq[i] == pytest.approx(softmax(u @ eq.beliefs[i].ravel() / 0.3), abs=1e-10)


def test_verdict():
    assert STATEMENT.verdict == "holds"
    assert not STATEMENT.correction
