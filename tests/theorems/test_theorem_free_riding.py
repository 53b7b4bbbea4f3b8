"""Free-riding: the derivation, the printed and the proven constant, and where none holds."""

import numpy as np
import pytest
import sympy as sp

import games
import rqe
from rqe.analysis import free_riding_bound as bound
from rqe.analysis.theorems import get
from rqe.analysis.theorems.free_riding import (
    BEYOND,
    beyond,
    degree,
    one_worker,
    riders,
    scaled,
    three_actions,
)

STATEMENT = get("free_riding")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_check_finds_no_violation():
    found = STATEMENT.check(24, 0)
    assert sum(found.column("violations")) == 0
    assert min(found.column("draws")) >= 1


def test_the_same_search_rejects_the_printed_bound_and_games_beyond():
    found = dict(zip(*[beyond(24, 0).column(c) for c in ("quantity", "violations")], strict=True))
    names = list(BEYOND)
    assert found[names[0]] > 5
    assert found[names[2]] > 0
    assert found[names[3]] > 3


def test_example_4_2_in_small_units_breaks_the_printed_bound():
    small = scaled(games.free_riding(), 0.01)
    worst = max(delta for _, delta in riders(small, 50.0, 0.002, 0))
    assert worst == pytest.approx(0.0022494, abs=5e-8)
    printed, proven = (
        f(small, 0.002, worst) for f in (bound.printed_threshold, bound.proven_threshold)
    )
    assert printed < 50.0 < proven
    assert printed == pytest.approx(48.65, abs=0.005)
    assert proven == pytest.approx(24_327, abs=1.0)
    for number in ("0.0022494", "48.65", "24,327"):
        assert number in STATEMENT.counterexample


@pytest.mark.parametrize("by", [1e-6, 1e-2, 1e3])
def test_the_corrected_bounds_have_the_unit_of_tau(by):
    game = games.free_riding()
    other = scaled(game, by)
    for f in (bound.proven_threshold, bound.sharp_threshold):
        assert f(other, 0.2 * by, 0.1 * by) == pytest.approx(f(game, 0.2, 0.1) / by, rel=1e-12)
    printed = bound.printed_threshold(other, 0.2 * by, 0.1 * by)
    assert printed == pytest.approx(bound.printed_threshold(game, 0.2, 0.1), rel=1e-12)


@pytest.mark.parametrize("shape", [2, 3, 5])
def test_the_sharper_bound_is_at_most_a_quarter_of_the_proven_one(shape):
    rng = np.random.default_rng(shape)
    reward, costs = rng.random((shape, shape)), rng.random(shape)
    game = rqe.CollaborativeGame(reward + reward.T, [costs, costs])
    own = bound.sizes(game).own
    for epsilon in (1e-3, 0.1, 10.0):
        sharp = bound.sharp_threshold(game, epsilon, 0.1)
        proven = bound.proven_threshold(game, epsilon, 0.1, payoff_bound=own)
        assert sharp <= 0.25 * proven * (1.0 + 1e-12)


@pytest.mark.parametrize("cost", [0.1, 0.4])
def test_the_bound_of_two_actions_is_sharp(cost):
    # with little noise free-riding lives up to tau = (1 - cost)/epsilon; the bound is 1/epsilon
    game, epsilon = games.free_riding(cost), 0.01
    most = {}
    for share in (0.9, 1.1):
        tau = share * (1.0 - cost) / epsilon
        degrees = [delta for _, delta in riders(game, tau, epsilon, 0)]
        most[share] = max(degrees, default=0.0)
        assert all(tau <= bound.sharp_threshold(game, epsilon, delta) for delta in degrees)
    assert most[0.9] == pytest.approx(cost, rel=0.05)
    assert most[1.1] < 0.5 * cost


def test_three_actions_break_the_printed_bound_at_unit_range_and_that_of_two():
    game, tau, epsilon = three_actions(), 600.0, 0.005
    assert max(np.ptp(p) for p in game.payoffs) <= 1.0
    eq, worst = max(riders(game, tau, epsilon, 0), key=lambda found: found[1])
    # near a pure profile probabilities say little: the reply has the same logarithms
    for i, (u, z) in enumerate(zip(game.own_payoffs, eq.log_strategies, strict=True)):
        x, log_q = np.exp(z), eq.log_strategies[1 - i]
        tilted = log_q - tau * (x @ u)
        belief = np.exp(tilted - tilted.max())
        values = u @ (belief / belief.sum()) / epsilon
        answer = values - values.max() - np.log(np.exp(values - values.max()).sum())
        assert z == pytest.approx(answer, abs=1e-6)
    printed = bound.printed_threshold(game, epsilon, worst)
    assert printed < 0.95 * tau
    assert f"degree {worst:.5f}, printed {printed:.0f}" in STATEMENT.counterexample
    assert tau / (bound.sizes(game).costs / (epsilon * worst)) > 2.6
    assert tau < bound.sharp_threshold(game, epsilon, worst)


@pytest.mark.parametrize("tau", [0.0, 1.0, 1e3])
def test_one_worker_free_rides_at_every_tau(tau):
    game = one_worker()
    eq = rqe.solve_rqe(game, tau, 0.2)
    expected = 0.4 * (1.0 / (1.0 + np.exp(-3.0)) - 1.0 / (1.0 + np.exp(2.0)))
    assert degree(game, eq) == pytest.approx(expected, abs=1e-9)
    with pytest.raises(ValueError, match="symmetric"):
        bound.proven_threshold(game, 0.2, 0.1)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"epsilon": 0.0}, "epsilon"),
        ({"delta": -1.0}, "delta"),
        ({"delta": float("nan")}, "delta"),
        ({"payoff_bound": 0.5}, "payoff_bound"),
        ({"game": games.stag_hunt()}, "CollaborativeGame"),
    ],
)
def test_refusals(change, named):
    given = {"game": games.free_riding(), "epsilon": 0.2, "delta": 0.1, **change}
    with pytest.raises(ValueError, match=named):
        bound.proven_threshold(**given)


def test_gains_are_those_of_every_pair_of_actions():
    u = np.random.default_rng(0).random((4, 3))
    change = [[u[a] - u[b] for b in range(4)] for a in range(4)]
    own, interaction = bound.gains(u)
    assert own == pytest.approx(max(c.max() for row in change for c in row))
    assert interaction == pytest.approx(max(np.ptp(c) for row in change for c in row))


def test_verdict():
    assert STATEMENT.verdict == "holds with a correction"
    assert "epsilon^2" in STATEMENT.correction
