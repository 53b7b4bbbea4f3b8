"""Gaussian equilibria at the edges: infinite risk, no risk, no trembles, no unique answer."""

from fractions import Fraction

import numpy as np
import pytest

from games.aggregative import push_object
from rqe.model.agent import make_agents
from rqe.model.quadratic import AggregativeGame, QuadraticGame
from rqe.result.serialize import from_dict, to_dict
from rqe.result.status import ConvergenceError, InfiniteRiskError, Status
from rqe.solvers.gaussian import solve_gaussian


def solved(game, tau, epsilon, **more):
    return solve_gaussian(game, make_agents(tau, epsilon, game.n_players), **more)


def slopes(r, s, linear=((1.0, 0.0), (0.0, 1.0))):
    """Two players whose neutral best responses are ``r b + 1`` and ``s a + 1``."""
    return QuadraticGame([[[-1, r], [r, 0]], [[0, s], [s, -1]]], linear)


def test_risk_is_finite_just_below_the_threshold_and_infinite_at_it():
    game = AggregativeGame(np.diag([1.0, 4.0]), [1.0, -1.0], [1.0, 2.0, 0.5])
    epsilon = np.array([0.3, 0.7, 1.1])
    limit = solved(game, 0.0, epsilon).max_tau
    for i in range(3):
        tau = np.zeros(3)
        tau[i] = limit[i] * (1 - 1e-9)
        eq = solved(game, tau, epsilon)
        assert eq.status is Status.CONVERGED
        assert np.all(np.isfinite(eq.values))
        for share in (1.0, 1 + 1e-9, 1e6, np.inf):
            tau[i] = limit[i] * share
            with pytest.raises(InfiniteRiskError, match=rf"tau\[{i}\]") as caught:
                solved(game, tau, epsilon, throw=False)
            assert caught.value.player == i
            assert caught.value.max_tau == pytest.approx(limit[i], rel=1e-12)


def test_means_next_to_the_threshold_are_as_exact_as_the_data_allow():
    # m_i is proportional to 1 / (1 - q_i): a last bit of tau moves it by 1e-16 / (1 - q_i)
    for gap in (1e-3, 1e-6, 1e-9):
        eq = solved(push_object(3.0), 2.0 * (1 - gap), 1.0)
        assert eq.means[0][0] == pytest.approx(3.0 / (2.0 + gap), rel=3e-16 / gap)
        assert eq.residual < 1e-13
    # two dimensions, one at its threshold: the other keeps its digits
    gap, eta = 1e-9, 1e-3
    game = AggregativeGame(np.diag([1.0, eta]), [1.0, 1.0], [1.0, 1.0])
    eq = solved(game, 2.0 * (1 - gap), 1.0)
    load = eta / (1 - 2.0 * (1 - gap) * eta / (1 + eta))
    assert eq.means[0][1] == pytest.approx(load / (1 + 2 * load), rel=1e-12)


@pytest.mark.parametrize("epsilon", [0.0, 1.0])
def test_players_without_a_stake_stay_at_zero(epsilon):
    """Rounding in the others' means must not pass for theirs, nor fail the certificate."""
    rng = np.random.default_rng(11)
    for _ in range(40):
        H, h = np.zeros((4, 4, 4)), np.zeros((4, 4))
        for i in range(4):
            H[i, i, i] = -1.0
        for i in (1, 3):  # the even players look at nobody but each other
            reach = rng.normal(size=4) * 3.0
            reach[i] = -1.0
            H[i, i], H[i, :, i], h[i] = reach, reach, rng.normal(size=4)
        H[2, 2, 0] = H[2, 0, 2] = 5.0
        eq = solved(QuadraticGame(H, h), 0.0, epsilon)
        assert eq.means[0][0] == pytest.approx(0.0, abs=1e-14)
        assert eq.means[2][0] == pytest.approx(0.0, abs=1e-13)
        assert eq.residual < 1e-12


def test_trembles_of_very_different_sizes_cost_no_digits():
    """Against exact rational arithmetic: variances 1 and 1e10, close to infinite risk."""
    H = np.zeros((3, 3, 3))
    H[0] = [[-1.0, 1.0, 2.0], [1.0, -1.0, 1.0], [2.0, 1.0, 1.0]]
    H[1, 1, 1] = H[2, 2, 2] = -1.0
    h = [[1.0, 0.5, 0.25], [0.0, 3.0, 0.0], [0.0, 0.0, -2.0]]
    eq = solved(QuadraticGame(H, h), [0.4, 0.0, 0.0], [1.0, 1.0, 1e10])
    one, tau, rare = Fraction(1), Fraction(0.4), Fraction(1, 10**10)
    a, b, d = one / tau - 1, one, rare / tau + 1  # P = Sigma^{-1} / tau + C
    det = a * d - b * b
    inverse = [[d / det, -b / det], [-b / det, a / det]]
    pull = [inverse[0][k] + 2 * inverse[1][k] for k in range(2)]  # B P^{-1}
    back = [3 / tau - one / 2, -2 * rare / tau - one / 4]  # Sigma^{-1} mu / tau - l
    mean = (1 + pull[0] * back[0] + pull[1] * back[1]) / (1 + pull[0] + 2 * pull[1])
    assert eq.means[0][0] == pytest.approx(float(mean), rel=1e-12)
    feared = [
        inverse[k][0] * (back[0] - mean) + inverse[k][1] * (back[1] - 2 * mean) for k in range(2)
    ]
    assert eq.belief_means[0] == pytest.approx([float(x) for x in feared], rel=1e-9)


def test_risk_neutral_means_solve_the_stacked_first_order_conditions():
    rng = np.random.default_rng(5)
    matrices = []
    for i in range(3):
        root = rng.normal(size=(6, 6))
        H = root + root.T
        own = slice(2 * i, 2 * i + 2)
        H[own, own] = -8.0 * np.eye(2)
        matrices.append(H)
    linear = rng.normal(size=(3, 6))
    eq = solved(QuadraticGame(matrices, linear, [2, 2, 2]), 0.0, 0.7)
    rows = np.vstack([H[2 * i : 2 * i + 2] for i, H in enumerate(matrices)])
    right = np.concatenate([h[2 * i : 2 * i + 2] for i, h in enumerate(linear)])
    np.testing.assert_allclose(np.concatenate(eq.means), -np.linalg.solve(rows, right), rtol=1e-11)
    # beliefs are the truth, and value is payoff plus entropy
    for i in range(3):
        rest = [j for j in range(3) if j != i]
        np.testing.assert_allclose(eq.belief_means[i], np.concatenate([eq.means[j] for j in rest]))
        bonus = 0.7 * 0.5 * np.linalg.slogdet(2 * np.pi * np.e * eq.covariances[i])[1]
        assert eq.values[i] == pytest.approx(eq.payoffs[i] + bonus, rel=1e-12)


def test_small_tau_tends_to_neutral_at_first_order():
    at = [solved(push_object(), t, 1.0).means[0][0] - 1 / 3 for t in (1e-4, 1e-6, 1e-8)]
    assert at == pytest.approx([1e-4 / 18, 1e-6 / 18, 1e-8 / 18], rel=1e-3)


def test_a_player_who_does_not_tremble_is_no_risk():
    game = push_object(1.0, n_players=3, rho=[1.0, 2.0, 0.7])
    exact = solved(game, [0.3, 0.4, 1.2], [0.0, 0.5, 0.0])
    assert exact.covariances[0][0, 0] == 0.0
    # only player 2's trembles count to player 3, none of its own kind to player 2
    assert exact.max_tau[1] == np.inf
    assert exact.max_tau[2] == pytest.approx((1 + 2.0) / 0.5)
    near = solved(game, [0.3, 0.4, 1.2], [1e-9, 0.5, 1e-9])
    np.testing.assert_allclose(exact.means, near.means, rtol=1e-8)
    np.testing.assert_allclose(exact.values, near.values, atol=1e-6)
    # nobody trembles: Nash, at any tau
    for tau in (0.0, 1.0, 1e9):
        nash = solved(game, tau, 0.0)
        rho = np.array([1.0, 2.0, 0.7])
        expected = np.linalg.solve(np.ones((3, 3)) + np.diag(rho), np.ones(3))
        np.testing.assert_allclose(np.concatenate(nash.means), expected, rtol=1e-12)
        np.testing.assert_allclose(nash.values, nash.mean_payoffs, rtol=1e-12)
        assert np.all(np.isinf(nash.max_tau))


def test_infinite_tau_is_security_where_the_payoff_is_convex_in_the_others():
    # u = -a²/2 + 2ab + b² + a: worst b = -a, so -a²/2 - a² + a, largest at a = 1/3
    H = [[[-1.0, 2.0], [2.0, 2.0]], [[0.0, 0.5], [0.5, -1.0]]]
    game = QuadraticGame(H, [[1.0, 0.0], [0.0, 1.0]])
    eq = solved(game, [np.inf, 0.0], 0.5)
    assert eq.means[0][0] == pytest.approx(1 / 3, rel=1e-13)
    assert eq.belief_means[0][0] == pytest.approx(-2 / 3 / 2, rel=1e-13)
    assert eq.belief_covariances[0][0, 0] == 0.0
    bonus = 0.25 * np.log(2 * np.pi * 0.5)
    assert eq.values[0] == pytest.approx(-1.5 / 9 + 1 / 3 + bonus, rel=1e-12)
    assert eq.means[1][0] == pytest.approx(1.0 + 0.5 / 3, rel=1e-13)
    assert eq.max_regret < 1e-25
    near = solved(game, [1e9, 0.0], 0.5)
    np.testing.assert_allclose(near.means, eq.means, rtol=1e-7)
    assert near.values[0] == pytest.approx(eq.values[0], abs=1e-6)
    # the others' whole space, not the point that an untrembling player plays
    assert solved(game, [np.inf, 0.0], 0.0).means[0][0] == pytest.approx(1 / 3)


def test_infinite_tau_in_a_bilinear_game_makes_the_other_irrelevant():
    # u = -a²/2 + ab + a: any a but 0 is exposed without bound to b
    eq = solved(slopes(1.0, 0.5), [np.inf, 0.0], 1.0)
    assert eq.means[0][0] == pytest.approx(0.0, abs=1e-14)
    assert eq.belief_means[0][0] == pytest.approx(-1.0)
    assert eq.values[0] == pytest.approx(0.5 * np.log(2 * np.pi))
    near = solved(slopes(1.0, 0.5), [1e10, 0.0], 1.0)
    assert near.means[0][0] == pytest.approx(0.0, abs=1e-9)
    back = from_dict(to_dict(solved(push_object(n_players=1), np.inf, 1.0)))
    assert back.agents[0].risk.tau == np.inf


def test_infinite_tau_is_refused_where_no_strategy_is_safe():
    for game in (
        push_object(),  # concave in the other's action
        slopes(0.0, 0.0, ((1.0, 1.0), (0.0, 1.0))),  # exposed to b whatever it does
    ):
        with pytest.raises(InfiniteRiskError) as caught:
            solved(game, [np.inf, 0.0], [1.0, 1.0])
        assert (caught.value.player, caught.value.tau) == (0, np.inf)
    with pytest.raises(InfiniteRiskError, match="below inf"):
        solved(push_object(), [np.inf, 0.0], [1.0, 0.0])


@pytest.mark.parametrize(
    "game",
    [
        slopes(2.0, 0.5),  # parallel reactions: none
        slopes(2.0, 0.5, ((1.0, 0.0), (0.0, -0.5))),  # the same reaction: a continuum
        push_object(rho=0.0),  # free effort: a continuum
        push_object(rho=[0.0, 0.0, 1.0], n_players=3, target=1e9),
        slopes(2e8, 0.5e-8),
    ],
)
def test_a_singular_system_ends_in_a_named_error(game):
    with pytest.raises(ConvergenceError, match="SINGULAR") as caught:
        solved(game, 0.0, 1.0)
    found = caught.value.result
    assert (found.status, found.unique) == (Status.SINGULAR, None)
    assert not found.strongly_monotone
    assert solved(game, 0.0, 1.0, throw=False).status is Status.SINGULAR


def test_risk_aversion_can_remove_a_singularity():
    # at tau = 0 the reactions are parallel; both slopes shrink as tau grows
    eq = solved(slopes(2.0, 0.5), 0.1, 1.0)
    assert eq.unique
    # u_1 = -a²/2 + 2ab + a, Sigma = 1: Q = 1 + 0.1 * 4, slope 2 / 1.4; the other 0.5 / 1.025
    r, s = 2 / 1.4, 0.5 / 1.025
    first = (1 / 1.4 + r / 1.025) / (1 - r * s)
    assert eq.means[0][0] == pytest.approx(first, rel=1e-12)


def test_the_flags_tell_uniqueness_from_strong_monotonicity():
    steady = solved(slopes(0.5, 0.5), 0.0, 1.0)
    assert (steady.unique, steady.strongly_monotone) == (True, True)
    # |r + s| / 2 < 1 decides the symmetric part of [[1, -r], [-s, 1]]
    for r, s, monotone in ((3.0, -3.0, True), (1.9, 0.0, True), (2.1, 0.0, False), (3, 3, False)):
        eq = solved(slopes(r, s), 0.0, 1.0)
        assert (eq.unique, eq.strongly_monotone) == (True, monotone)
    # risk aversion adds tau r² to the curvature
    assert solved(slopes(3.0, 3.0), 1.0, 1.0).strongly_monotone
    # security of the first leaves it no reaction, and no curvature of its own to lose
    eq = solved(slopes(2.1, 0.0), [np.inf, 0.0], 1.0)
    assert eq.strongly_monotone


@pytest.mark.parametrize("scale", [1e-100, 1e-8, 1.0, 1e8, 1e100])
def test_extreme_payoffs(scale):
    game = push_object(2.0, H=scale, rho=scale)
    eq = solved(game, 1.0 / scale, scale)
    assert eq.means[0][0] == pytest.approx(2.0 / 2.5, rel=1e-12)
    assert eq.payoffs[0] / scale == pytest.approx(-0.4 - 0.75, rel=1e-12)
    assert eq.status is Status.CONVERGED


def test_numbers_beyond_float64_are_reported():
    with pytest.raises(ConvergenceError, match="NON_FINITE"):
        solved(push_object(1e150, H=1.0), 0.0, 1e300, throw=True).payoffs  # noqa: B018


def test_the_edge_of_the_domain_is_outside_it():
    """tau epsilon = 2 in Example 4.1: the worst case runs away along a line."""
    with pytest.raises(InfiniteRiskError, match="below 2") as caught:
        solve_gaussian(push_object(), make_agents(2.0, 1.0, 2))
    assert caught.value.max_tau == pytest.approx(2.0, rel=1e-15)
    inside = solve_gaussian(push_object(), make_agents(2.0 - 1e-9, 1.0, 2))
    assert inside.means[0][0] == pytest.approx(0.5, abs=1e-8)
