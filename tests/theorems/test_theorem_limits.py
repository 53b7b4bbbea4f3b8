"""Limits: the derivation, the rates, and that the order of the limits matters."""

import numpy as np
import pytest
import sympy as sp

import games
import rqe
from rqe.analysis.theorems import get
from rqe.analysis.theorems.limits import order_of_limits, security_losses

STATEMENT = get("limits")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    assert sum(STATEMENT.check(60, 0).column("violations")) == 0


def test_residual_as_a_qre_falls_linearly_in_tau():
    game = games.asymmetric_matching_pennies()
    qre = rqe.solve_qre(game, epsilon=1.0)
    gaps = [np.abs(rqe.solve_rqe(game, t, 1.0)[0] - qre[0]).max() for t in (1e-2, 1e-3, 1e-4)]
    assert gaps[0] / gaps[1] == pytest.approx(10.0, rel=0.1)
    assert gaps[1] / gaps[2] == pytest.approx(10.0, rel=0.01)


def test_epsilon_to_zero_after_tau_to_zero_is_nash():
    game = games.battle_of_the_sexes()
    nash = rqe.solve_nash(game)
    gaps = []
    for epsilon in (0.02, 0.01, 0.005):
        eq = rqe.solve_rqe(game, 1e-6, epsilon)
        gaps.append(
            min(np.abs(np.concatenate([*eq]) - np.concatenate([*found])).max() for found in nash)
        )
    # a mixed equilibrium is approached linearly, a strict one exponentially
    assert gaps[2] < 0.6 * gaps[1] < 0.36 * gaps[0] < 0.01


def test_tau_to_infinity_first_is_security():
    game = games.stag_hunt()
    for tau in (1e4, np.inf):
        eq = rqe.solve_rqe(game, tau, 0.01)
        assert np.all(security_losses(game, eq) <= 0.01 * np.log(2.0) + (np.log(2.0) + 400.0) / tau)


def test_the_other_order_keeps_the_risky_nash_equilibrium():
    found = order_of_limits([(1e6, 2e-7), (1e6, 2.4e-7), (1e6, 2.6e-7), (1e6, 3e-7)])
    stag = np.array(found.column("P(stag)"))
    assert stag == pytest.approx([1.0, 1.0, 0.0, 0.0], abs=1e-9)
    assert found.column("worst-case loss") == pytest.approx([3.0, 3.0, 0.0, 0.0], abs=1e-6)
    assert max(found.column("gap")) <= 1e-9
    # what is left of it in odds, by hand: at full belief in stag it is worth 1 more than hare
    assert found.column("log-odds")[0] == pytest.approx(1.0 / 2e-7, rel=1e-9)
    assert found.column("log-odds")[3] < 0.0
    # the rates that the statement gives say so too: they bound nothing while tau epsilon is small
    assert found.column("tau epsilon")[0] < 0.25 < found.column("tau epsilon")[2]


@pytest.mark.parametrize(("tau", "epsilon"), [(2.0, 0.05), (8.0, 0.05), (1.0, 0.5)])
def test_log_odds_are_those_of_an_enumerated_rqe(tau, epsilon):
    found = order_of_limits([(tau, epsilon)]).column("P(stag)")[0]
    most = max(eq[0][0] for eq in rqe.enumerate_rqe(games.stag_hunt(), tau, epsilon))
    assert found == pytest.approx(most, abs=1e-9)


def test_security_losses_are_zero_for_security_strategies_only():
    game = games.stag_hunt()
    assert security_losses(game, rqe.solve_security(game)) == pytest.approx([0.0, 0.0], abs=1e-9)
    assert np.all(security_losses(game, rqe.solve_qre(game, lam=0.0)) > 0.1)


def test_verdict():
    assert STATEMENT.verdict == "holds"
    assert "tau = 1e6, epsilon = 2e-7" in STATEMENT.counterexample
