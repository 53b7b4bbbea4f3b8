"""Figure 1 against its closed forms and against scalar root-finding that knows no solver."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq

import games
import rqe
from rqe.analysis.collaboration import best_tau, collaboration_curve
from rqe.analysis.figure1 import figure1
from rqe.analysis.free_riding import (
    SYMMETRIC,
    bifurcation_determinant,
    branch_names,
    free_riding_branches,
    last_free_riding,
    pitchfork,
)
from rqe.core.ops import joint_log
from rqe.core.response import reply

COST = 0.4


@pytest.fixture(scope="module")
def result():
    return figure1(games.push_object(), games.free_riding(), points=9)


def excess(x, y, tau, epsilon):
    """Example 4.2 by hand: own P(C) less the reply to it, where the partner plays C with y."""
    tilt = math.exp(-tau * ((1.0 - COST * x) - (1.0 - COST) * x))
    against_c = y * tilt / (y * tilt + 1.0 - y)
    return x - 1.0 / (1.0 + math.exp(-((1.0 - COST) - against_c) / epsilon))


def best_reply(y, tau, epsilon):
    return brentq(excess, 0.0, 1.0, args=(y, tau, epsilon), xtol=1e-15)


def all_by_hand(tau, epsilon, grid=4001):
    """Every P(C) of player 1 at an RQE: the roots of the twice-applied best reply."""
    ys = np.linspace(1e-6, 1.0 - 1e-6, grid)
    gaps = [best_reply(best_reply(y, tau, epsilon), tau, epsilon) - y for y in ys]
    return [
        brentq(lambda y: best_reply(best_reply(y, tau, epsilon), tau, epsilon) - y, a, b)
        for a, b, f, g in zip(ys, ys[1:], gaps, gaps[1:], strict=False)
        if f * g < 0.0
    ]


@pytest.mark.parametrize(("tau", "count"), [(0.0, 3), (0.5, 3), (1.0, 1)])
def test_branches_hold_every_rqe_of_example_4_2(tau, count):
    table = free_riding_branches(games.free_riding(), [tau], 0.2)
    by_hand = all_by_hand(tau, 0.2)
    assert len(by_hand) == count
    np.testing.assert_allclose(sorted(table.column("first")), by_hand, atol=1e-9)
    np.testing.assert_allclose(sorted(table.column("second")), by_hand, atol=1e-9)
    assert max(table.column("residual")) < 1e-10
    assert max(table.column("regret")) < 1e-12


def test_numbers_printed_in_the_issue(result):
    rows = [dict(zip(result.numbers.columns, row, strict=True)) for row in result.numbers.rows]
    shares = [(r["tau"], r["value"]) for r in rows if r["quantity"].startswith("P(C) of player")]
    expected = [(0.5, 0.28017478), (0.5, 0.58369572), (0.5, 0.84252458), (1.0, 0.60822983)]
    np.testing.assert_allclose(sorted(shares), expected, atol=5e-9)
    assert result.pitchfork[0] == pytest.approx(0.828789, abs=5e-7)


def test_pitchfork_is_where_the_reply_has_slope_minus_one(result):
    def slope_plus_one(tau):
        p = brentq(lambda x: excess(x, x, tau, 0.2), 0.0, 1.0, xtol=1e-15)
        h = 1e-5
        return (best_reply(p + h, tau, 0.2) - best_reply(p - h, tau, 0.2)) / (2 * h) + 1.0

    tau = brentq(slope_plus_one, 0.1, 1.5)
    assert result.pitchfork[0] == pytest.approx(tau, abs=1e-7)
    p = brentq(lambda x: excess(x, x, tau, 0.2), 0.0, 1.0)
    assert result.pitchfork[1] == pytest.approx(p, abs=1e-7)


def test_counting_agrees_with_the_derivative_where_the_pitchfork_is_supercritical(result):
    low, high = last_free_riding(games.free_riding(), 0.2, (0.5, 1.5))
    assert high - low <= 1e-4
    assert low - 1e-5 <= result.pitchfork[0] <= high


def test_free_riding_outlives_a_subcritical_pitchfork():
    game = games.free_riding()
    assert pitchfork(game, 0.15, (0.1, 2.5))[0] == pytest.approx(1.765, abs=5e-4)
    low, high = last_free_riding(game, 0.15, (1.5, 2.5), tol=1e-3)
    assert len(all_by_hand(low - 1e-3, 0.15)) == 5
    assert len(all_by_hand(high + 1e-3, 0.15)) == 1
    table = free_riding_branches(game, [1.79], 0.15)
    assert sorted(table.column("branch")) == [
        "player 1 free-rides",
        "player 1 free-rides (2)",
        "player 2 free-rides",
        "player 2 free-rides (2)",
        SYMMETRIC,
    ]


def test_brackets_without_the_event_are_refused():
    with pytest.raises(ValueError, match="between must hold a bifurcation"):
        pitchfork(games.free_riding(), 0.2, (1.0, 1.5))
    with pytest.raises(ValueError, match="between must go from"):
        last_free_riding(games.free_riding(), 0.2, (1.0, 1.5))
    with pytest.raises(ValueError, match="points must be at least 5"):
        figure1(games.push_object(), games.free_riding(), points=4)


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (2, 3, 2)])
def test_determinant_matches_finite_differences_and_the_index(shape):
    rng = np.random.default_rng(len(shape) * 10 + shape[0])
    game = rqe.NormalFormGame([rng.uniform(size=shape) for _ in shape])
    eq = rqe.solve_rqe(game, tau=2.0, epsilon=0.15)

    def reply_map(free):
        parts = np.split(free, np.cumsum([n - 1 for n in shape])[:-1])
        logs = tuple(np.log(np.append(x, 1.0 - x.sum())) for x in parts)
        out = []
        for i, payoff in enumerate(game.own_payoffs):
            agent = eq.agents[i]
            answer = reply(payoff, logs[i], joint_log(logs, i), agent.risk, agent.regularizer)
            out.append(np.exp(answer.log_response)[:-1])
        return np.concatenate(out)

    at, h = np.concatenate([x[:-1] for x in eq]), 1e-6
    steps = np.eye(at.size) * h
    jacobian = np.stack([(reply_map(at + s) - reply_map(at - s)) / (2 * h) for s in steps], axis=1)
    by_hand = np.linalg.det(np.eye(at.size) - jacobian)
    found = bifurcation_determinant(game, eq)
    assert found == pytest.approx(by_hand, rel=1e-6)
    assert np.sign(found) == eq.index


def test_panel_one_is_the_closed_form(result):
    s = np.array(result.collaboration.column("tau epsilon")) / 2.0
    closed = -0.5 * (2.0 - 2.0 * s + s**2) / (3.0 - s) ** 2
    np.testing.assert_allclose(result.collaboration.column("utility"), closed, atol=1e-13)
    spread = np.subtract(
        result.collaboration.column("utility"), result.collaboration.column("payoff")
    )
    np.testing.assert_allclose(spread, 0.75, atol=1e-12)  # 3 epsilon / 4, whatever tau is
    assert np.all(np.diff(result.collaboration.column("shared reward")) > 0.0)


def test_panel_one_peaks_where_tau_epsilon_is_one(result):
    assert result.best[0] == pytest.approx(1.0, abs=1e-6)
    assert result.best[1] == pytest.approx(-0.1, abs=1e-12)
    assert best_tau(games.push_object(), 0.5, 3.9)[0] == pytest.approx(2.0, abs=1e-6)


def test_panel_one_is_about_the_player_asked_for():
    game = games.push_object(rho=[1.0, 3.0])
    (mine,), (other,) = (
        collaboration_curve(game, [0.5], 1.0, player=k).column("utility") for k in (0, 1)
    )
    eq = rqe.solve_rqe(game, tau=0.5, epsilon=1.0)
    first, second = (float(m[0]) for m in eq.means)
    miss = -0.5 * (first + second - 1.0) ** 2
    assert mine == pytest.approx(miss - 0.5 * first**2, abs=1e-13)
    assert other == pytest.approx(miss - 1.5 * second**2, abs=1e-13)


def test_panel_one_refuses_infinite_risk():
    with pytest.raises(rqe.InfiniteRiskError, match="tau"):
        collaboration_curve(games.push_object(), [2.5], 1.0)


def test_names_tell_who_rides():
    eqs = rqe.enumerate_rqe(games.free_riding(), tau=0.5, epsilon=0.2)
    for name, eq in zip(branch_names(eqs), eqs, strict=True):
        gap = eq[0][0] - eq[1][0]
        if name == SYMMETRIC:
            assert abs(gap) < 1e-9
        else:
            lazy = 0 if name == "player 1 free-rides" else 1
            assert eq.payoffs[lazy] > eq.payoffs[1 - lazy]
    assert len(set(branch_names(eqs))) == 3


def test_progress_counts_up_to_its_total():
    seen = []
    figure1(games.push_object(), games.free_riding(), points=5, progress=lambda *a: seen.append(a))
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert seen[-1] == (seen[-1][1], seen[-1][1])
