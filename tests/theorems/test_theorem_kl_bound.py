"""Divergence of the worst-case belief: the derivation, its bounds, and bounds that are none."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from rqe.analysis.theorems import get
from rqe.analysis.theorems.kl_bound import even, rare, too_small

STATEMENT = get("kl_bound")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    assert sum(STATEMENT.check(60, 0).column("violations")) == 0


def test_too_small_bounds_are_rejected():
    assert min(too_small(60, 0).column("violations")) >= 1


@pytest.mark.parametrize("nats", [100.0, 400.0, 2000.0])
def test_the_linear_bound_is_approached(nats):
    with mpmath.workdps(2500):
        steep = mpmath.mpf(nats) + mpmath.sqrt(nats)
        q = mpmath.exp(-mpmath.mpf(nats))
        bad = q / (q + (1 - q) * mpmath.exp(-steep))
        forward = bad * mpmath.log(bad / q) + (1 - bad) * mpmath.log((1 - bad) / (1 - q))
        expected = float(1 - forward / steep)
    assert rare(nats) == pytest.approx(expected, rel=1e-9)
    assert 0.0 < rare(nats) < 1.2 / np.sqrt(nats)


def test_the_quadratic_bound_is_approached_from_below_at_its_rate():
    gaps = [1.0 - even(s) for s in (0.4, 0.2, 0.1)]
    assert all(g > 0.0 for g in gaps)
    assert gaps[0] / gaps[1] == pytest.approx(4.0, rel=0.02)
    assert gaps[1] / gaps[2] == pytest.approx(4.0, rel=0.01)


def test_verdict_and_its_number():
    assert STATEMENT.verdict == "holds"
    assert f"{(1.0 - rare(100.0)) * 110.0:.2f}" in STATEMENT.counterexample
