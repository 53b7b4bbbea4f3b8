"""Tractability of reverse KL risk: the derivation, the border by search, a game at the border."""

import numpy as np
import pytest
import sympy as sp
from border_search import INSIDE, OUTSIDE, lowest

import rqe
from rqe.analysis.theorems import get

STATEMENT = get("tractability_reverse")
BORDER = 1 / 4


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    assert sum(STATEMENT.check(12, 1).column("violations")) == 0


def slope(x, p, epsilon):
    """Losses' gradients of two players alike without payoffs, ``tau = 1``, written out."""
    choice = epsilon * np.log(x)
    q = x[::-1]
    belief = -q / p
    return np.concatenate([choice.ravel(), belief.ravel()])


@pytest.mark.parametrize("actions", [2, 3])
def test_a_search_finds_the_border(actions):
    found = lowest(slope, BORDER, actions)
    assert found[INSIDE] > 0.0 > found[OUTSIDE]


def test_the_counterexample():
    agents = [rqe.Agent(rqe.ReverseKL(1.0), rqe.NegEntropy(0.24))] * 2
    game = rqe.NormalFormGame([0.49 * np.array([[1.0, -1.0], [-1.0, 1.0]])] * 2)
    starts = ([[s, 1.0 - s]] * 2 for s in (0.8, 0.5, 0.2))
    ends = [rqe.solve(game, agents, start=s).strategies[0][0] for s in starts]
    assert ends[0] > 0.51
    assert ends[1] == pytest.approx(0.5, abs=1e-12)
    assert ends[2] == pytest.approx(1.0 - ends[0], abs=1e-9)


def test_verdict():
    assert STATEMENT.verdict == "holds"
