"""Where no degree helps: the derivation, pairs of points, games of several RQE."""

import numpy as np
import pytest
import sympy as sp

import games
import rqe
from rqe.analysis.theorems import get
from rqe.analysis.theorems.tractability_limits import count_of_rqe, two_pure

STATEMENT = get("tractability_limits")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    assert sum(STATEMENT.check(100, 1).column("violations")) == 0


def test_example_4_2_has_three_rqe_beyond_the_log_barriers_border():
    assert len(rqe.enumerate_rqe(games.free_riding(), tau=0.8, epsilon=0.2)) == 3
    same = [rqe.Agent(rqe.Entropic(0.8), rqe.LogBarrier(0.2))] * 2
    assert rqe.is_tractable(same)
    assert pytest.approx(rqe.is_tractable(same).value) == 0.0256
    starts = ([[s, 1 - s], [1 - s, s]] for s in (0.9, 0.5, 0.1))
    ends = [rqe.solve(games.free_riding(), same, start=s).strategies[0][0] for s in starts]
    assert np.ptp(ends) < 1e-9


@pytest.mark.parametrize("product", [0.1, 0.5, 0.9, 0.97])
def test_two_rqe_at_every_product_below_one(product):
    assert count_of_rqe(product) == 2
    game, agents, start = two_pure(product)
    # the end next to the feared action by hand: its log-odds are the fixed point of one map
    U = game.own_payoffs[0]
    odds = float(U[0, 0] - U[1, 0])
    for _ in range(200):
        x = np.array([1.0, np.exp(-odds)]) / (1.0 + np.exp(-odds))
        lean = odds - product * float((x @ U)[0] - (x @ U)[1])
        p = np.array([1.0, np.exp(-lean)]) / (1.0 + np.exp(-lean))
        odds = float((U @ p)[0] - (U @ p)[1])
    eq = rqe.solve(game, agents, start=start, select="any")
    assert eq.log_strategies[0][0] - eq.log_strategies[0][1] == pytest.approx(odds, rel=1e-9)
    assert odds > 10.0


def test_verdict():
    assert STATEMENT.verdict == "holds"
