"""Existence: the derivation, random games, the index sum, and what convexity is needed for."""

import pytest
import sympy as sp

import games
import rqe
from rqe.analysis.theorems import get
from rqe.analysis.theorems.existence import risk_seeking

STATEMENT = get("existence")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    found = STATEMENT.check(40, 0)
    assert sum(found.column("violations")) == 0
    assert min(found.column("draws")) >= 15


def test_an_incomplete_set_has_another_index_sum():
    # two of the three RQE: the sum tells that one is missing
    found = rqe.enumerate_rqe(games.free_riding(), 0.5, 0.2)
    assert sorted(eq.index for eq in found) == [-1, 1, 1]
    for left in found:
        assert sum(eq.index for eq in found if eq is not left) != 1


def test_risk_seekers_never_mix():
    assert risk_seeking(-1.0, 200, 0).column("violations") == (0,)
    assert risk_seeking(-1.0, 200, 0).column("worst")[0] < 0.0
    # the same measure sees that the risk averse do
    assert risk_seeking(1.0, 200, 0).column("violations")[0] > 20


def test_matching_pennies_has_no_pure_equilibrium():
    assert all(0.0 < p < 1.0 for eq in rqe.solve_nash(games.matching_pennies()) for p in eq[0])


def test_verdict():
    assert STATEMENT.verdict == "holds"
