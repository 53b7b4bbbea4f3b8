"""Figure 1 against its closed forms and against scalar root-finding that knows no solver."""

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import brentq

import games
import rqe
from rqe.analysis.collaboration import best_tau, collaboration_curve
from rqe.analysis.figure1 import SYMMETRIC, figure1, free_riding_branches, rider
from rqe.analysis.phase import count_rqe
from rqe.core.ops import joint_log
from rqe.core.response import reply

COST = 0.4


SEEN = []


@pytest.fixture(scope="module")
def result():
    SEEN.clear()
    return figure1(
        games.push_object(),
        games.free_riding(),
        points=9,
        progress=lambda *count: SEEN.append(count),
    )


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
def test_branches_hold_every_rqe_of_example_4_2(result, tau, count):
    by_hand = all_by_hand(tau, 0.2)
    assert len(by_hand) == count == count_rqe(result.path, [tau])[0]
    for player in ("first", "second"):
        shares = []
        columns = zip(
            *(result.free_riding.column(n) for n in ("branch", "tau", player)), strict=True
        )
        points = {}
        for name, t, p in columns:
            points.setdefault(name, []).append((t, p))
        for line in points.values():
            taus, values = np.array(sorted(line)).T
            if taus[0] <= tau <= taus[-1]:
                shares.append(np.interp(tau, taus, values))
        np.testing.assert_allclose(sorted(shares), by_hand, atol=3e-3)  # drawn as straight lines
    assert max(result.free_riding.column("residual")) < 1e-10
    assert max(result.free_riding.column("regret")) < 1e-12


def test_branches_are_stable_where_the_determinant_by_hand_says_so(result):
    """Two players, one number each: stable where the product of the replies' slopes is below 1."""

    def slope(y, tau):
        return (best_reply(y + 1e-6, tau, 0.2) - best_reply(y - 1e-6, tau, 0.2)) / 2e-6

    columns = ("tau", "first", "second", "stable", "index")
    rows = list(zip(*(result.free_riding.column(name) for name in columns), strict=True))
    for tau, first, second, stable, index in rows[::7]:
        margin = 1.0 - slope(first, tau) * slope(second, tau)
        if abs(margin) > 1e-4:
            assert stable == (margin > 0.0)
            assert index == (1 if margin > 0.0 else -1)
    assert {stable for *_, stable, _ in rows} == {True, False}


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


def test_counting_agrees_with_every_end_of_free_riding(result):
    rows = [dict(zip(result.numbers.columns, row, strict=True)) for row in result.numbers.rows]
    counted = {r["quantity"]: (r["tau"], r["value"]) for r in rows if "counted" in r["quantity"]}
    (low, more), (high, one) = counted.values()
    assert "with free" in next(iter(counted))
    assert low < result.pitchfork[0] < high
    assert (more, one) == (3, 1) == (len(all_by_hand(low, 0.2)), len(all_by_hand(high, 0.2)))
    ends = {r["epsilon"]: r for r in rows if "last free-riding" in r["quantity"]}
    assert sorted(ends) == [0.05, 0.10, 0.15, 0.2]
    assert "pitchfork" in ends[0.2]["quantity"]
    for epsilon in (0.15, 0.10):
        assert "fold" in ends[epsilon]["quantity"]
        counts = [len(all_by_hand(ends[epsilon]["tau"] + d, epsilon)) for d in (-1e-3, 1e-3)]
        assert counts == [5, 1]


def test_what_the_figure_cannot_show_is_refused():
    with pytest.raises(ValueError, match="points must be at least 5"):
        figure1(games.push_object(), games.free_riding(), points=4)
    with pytest.raises(ValueError, match="ride must be a game whose free-riding ends"):
        figure1(games.push_object(), games.public_goods(2, 1.5), points=5)
    path = rqe.trace_rqe(games.volunteers_dilemma(3), start=0, stop=1, epsilon=0.5)
    with pytest.raises(ValueError, match="path must be of two players"):
        free_riding_branches(path)
    path = rqe.trace_rqe(games.free_riding(), start=0, stop=1, epsilon=0.5)
    with pytest.raises(ValueError, match="with an action 2"):
        free_riding_branches(path, action=2)


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (2, 3, 2)])
def test_the_index_is_the_sign_of_the_determinant_by_finite_differences(shape):
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
    found = rqe.enumerate_rqe(game, tau=2.0, epsilon=0.15)
    index = next(e.index for e in found if max(np.abs(e[0] - eq[0])) < 1e-8)
    assert np.sign(np.linalg.det(np.eye(at.size) - jacobian)) == index


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
    names = []
    for eq in eqs:
        gap = float(eq[0][0] - eq[1][0])
        names.append(rider(eq.players, gap))
        if names[-1] == SYMMETRIC:
            assert abs(gap) < 1e-9
        else:
            lazy = 0 if names[-1] == "player 1 free-rides" else 1
            assert eq.payoffs[lazy] > eq.payoffs[1 - lazy]
    assert len(set(names)) == 3


def test_branches_of_one_rider_are_numbered_and_mirror_images_told_apart():
    rng = np.random.default_rng(33)
    reward, cost = rng.uniform(size=(3, 3)), rng.uniform(size=3)
    game = rqe.CollaborativeGame(reward + reward.T, [cost, cost])
    path = rqe.trace_rqe(game, start=0, stop=0.5, epsilon=0.1, at=[0.0], max_step=1.0)
    table = free_riding_branches(path)
    names = [name for name, _ in itertools.groupby(table.column("branch"))]
    apart = {f"player {k} free-rides{more}" for k in (1, 2) for more in ("", " (2)")}
    assert set(names) == {*apart, SYMMETRIC}
    for name in apart:
        shares = [(r[2], r[3]) for r in table.rows if r[1] == name]
        sign = -1.0 if "player 1" in name else 1.0
        assert all(sign * (x - y) > -1e-9 for x, y in shares)
    assert len(table.rows) == sum(map(len, path.branches)) + 1  # the pitchfork, on either side


def test_progress_counts_up_to_its_total(result):
    assert [done for done, _ in SEEN] == list(range(1, len(SEEN) + 1))
    assert SEEN[-1] == (SEEN[-1][1], SEEN[-1][1])
