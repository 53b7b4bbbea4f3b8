"""Uniqueness: the derivation, determinants, many starts, and where it fails."""

import numpy as np
import pytest
import sympy as sp

import rqe
from games.aggregative import push_object
from rqe.analysis.theorems import get
from rqe.analysis.theorems._gaussian import aggregative_games, response_mean, spread_of
from rqe.analysis.theorems.uniqueness import continuum, with_printed_blocks
from rqe.result.status import Status

STATEMENT = get("uniqueness")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    found = STATEMENT.check(60, 0)
    assert sum(found.column("violations")) == 0
    assert found.column("draws") == (60,) * 4


def test_best_responses_in_turn_end_at_the_same_means_from_anywhere():
    """A strictly concave potential: ascent in one player's mean after the other's climbs it."""
    rng = np.random.default_rng(1)
    for game, tau, epsilon in aggregative_games(6, 5, most=3):
        expected = np.concatenate(rqe.solve_rqe(game, 0.5 * tau, epsilon).means)
        spreads = [spread_of(game, epsilon, i) for i in range(game.n_players)]
        for _ in range(2):
            means = 100.0 * rng.normal(size=len(expected))
            for _ in range(1500):
                before = means.copy()
                for i, own in enumerate(game.slices):
                    means[own] = response_mean(
                        game.payoff(i), means[game.others(i)], spreads[i], float(0.5 * tau[i])
                    )
                if np.max(np.abs(means - before)) < 1e-13:
                    break
            np.testing.assert_allclose(means, expected, atol=1e-6 * np.max(np.abs(expected)))


def test_another_determinant_is_rejected():
    found = with_printed_blocks(40, 0)
    assert found.column("violations")[0] == found.column("draws")[0] > 10


def test_counterexample_outside_the_class_has_an_rqe_at_every_common_mean():
    game, tau, epsilon = continuum()
    for m in (0.0, 1.0, -7.0):
        for i in range(2):
            spread = spread_of(game, epsilon, i)
            best = response_mean(game.payoff(i), np.array([m]), spread, float(tau[i]))
            assert best[0] == pytest.approx(m, abs=1e-14)
    eq = rqe.solve_rqe(game, tau=0.25, epsilon=1.0, throw=False)
    assert (eq.status, eq.unique) == (Status.SINGULAR, None)
    # a little more or less risk aversion, and there is one
    for t in (0.2, 0.3):
        assert rqe.solve_rqe(game, tau=t, epsilon=1.0).unique


def test_two_players_of_free_effort_have_a_continuum_and_one_has_none():
    pair = push_object(rho=[0.0, 0.0])
    assert rqe.solve_rqe(pair, tau=0.3, epsilon=1.0, throw=False).status is Status.SINGULAR
    for split in (0.2, 0.9):
        spread = spread_of(pair, np.ones(2), 0)
        best = response_mean(pair.payoff(0), np.array([1.0 - split]), spread, 0.3)
        assert best[0] == pytest.approx(split, rel=1e-13)
    assert rqe.solve_rqe(push_object(rho=[0.0, 1.0]), tau=0.3, epsilon=1.0).unique


def test_verdict():
    assert STATEMENT.verdict == "holds"
    assert not STATEMENT.correction
