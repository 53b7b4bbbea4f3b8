"""Entropic duality: the derivation, a convex program, and the misplaced expectation."""

import cvxpy as cp
import numpy as np
import pytest
import sympy as sp

from rqe.analysis.theorems import get
from rqe.analysis.theorems.entropic_duality import misplaced, three_values
from rqe.core.risk import Entropic

STATEMENT = get("entropic_duality")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    assert sum(STATEMENT.check(60, 0).column("violations")) == 0


@pytest.mark.parametrize("tau", [0.1, 1.0, 8.0])
def test_value_and_belief_solve_the_convex_program(tau):
    rng = np.random.default_rng(3)
    u, q = rng.random(4), rng.dirichlet(np.ones(4))
    p = cp.Variable(4)
    problem = cp.Problem(
        cp.Minimize(u @ p + cp.sum(cp.rel_entr(p, q)) / tau), [cp.sum(p) == 1, p >= 0]
    )
    problem.solve(solver=cp.CLARABEL)
    risk = Entropic(tau)
    assert float(risk.certainty_equivalent(u, np.log(q))) == pytest.approx(problem.value, abs=1e-7)
    assert np.exp(risk.log_belief(u, np.log(q))) == pytest.approx(p.value, abs=2e-4)


def test_expectation_outside_the_exponent_breaks_the_duality():
    found = misplaced(30, 0)
    assert found.column("violations") == (30, 30)
    stag, even = np.array([[4.0, 0.0], [3.0, 3.0]]), np.array([0.5, 0.5])
    values = three_values(stag, even, even, 1.0)
    by_hand = (
        -np.log(0.5 * np.exp(-3.5) + 0.5 * np.exp(-1.5)),
        0.5 * -np.log(0.5 * np.exp(-4.0) + 0.5) + 0.5 * 3.0,
        -np.log(0.25 * (np.exp(-4.0) + 1.0 + 2.0 * np.exp(-3.0))),
    )
    assert values == pytest.approx(by_hand, abs=1e-12)
    for number in values:
        assert f"{number:.4f}" in STATEMENT.counterexample


def test_verdict():
    assert STATEMENT.verdict == "holds with a correction"
    assert "inside the exponent" in STATEMENT.correction
