"""The surrogate game of means: the derivation, quadrature, and games that are not it."""

import numpy as np
import pytest
import sympy as sp

import rqe
from rqe.analysis.theorems import get
from rqe.analysis.theorems._gaussian import quadratic_games
from rqe.analysis.theorems.surrogate_game import nash, other_games, surrogate

STATEMENT = get("surrogate_game")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    assert sum(STATEMENT.check(60, 0).column("violations")) == 0


def test_its_nash_equilibrium_is_the_solvers():
    """By the solver for risk-neutral players who do not tremble, for up to four players."""
    for game, tau, epsilon in quadratic_games(15, 3):
        made = surrogate(game, tau, epsilon)
        eq = rqe.solve_rqe(made, tau=0.0, epsilon=0.0)
        np.testing.assert_allclose(np.concatenate(eq.means), nash(made), rtol=1e-8, atol=1e-10)
        risky = rqe.solve_rqe(game, tau=tau, epsilon=epsilon)
        np.testing.assert_allclose(nash(made), np.concatenate(risky.means), rtol=1e-7, atol=1e-9)


def test_other_games_are_rejected():
    for name, found in other_games(20, 0).items():
        draws, violations = found.column("draws"), found.column("violations")
        assert violations[0] == draws[0] > 0, name
        assert violations[1] == draws[1], name


def test_verdict():
    assert STATEMENT.verdict == "holds"
    assert not STATEMENT.correction
