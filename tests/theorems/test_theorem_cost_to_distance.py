"""Cost to distance: the derivation, a linear program for the constant, and constants that fail."""

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import linprog

from rqe.analysis.theorems import get
from rqe.analysis.theorems.cost_to_distance import other_constants

STATEMENT = get("cost_to_distance")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    assert sum(STATEMENT.check(200, 0).column("violations")) == 0


@pytest.mark.parametrize("size", [2, 3, 6])
def test_a_linear_program_finds_the_same_constant(size):
    c = np.random.default_rng(size).normal(size=size)
    # largest z·c over z = x - y with |z|_1 <= 1 and no sum; z = plus - minus
    best = linprog(
        np.concatenate([-c, c]),
        A_ub=np.ones((1, 2 * size)),
        b_ub=[1.0],
        A_eq=np.concatenate([np.ones(size), -np.ones(size)])[None],
        b_eq=[0.0],
    )
    assert -best.fun == pytest.approx(0.5 * np.ptp(c), abs=1e-9)


def test_other_constants_are_rejected():
    found = other_constants(50, 0)
    assert found.column("violations")[:2] == (50, 50)
    assert found.column("violations")[2] > 10


def test_verdict():
    assert STATEMENT.verdict == "holds"
