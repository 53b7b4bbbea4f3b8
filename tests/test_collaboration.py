"""Collaboration in aggregative games: closed form, gradient, domain, and how averse to be."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import rqe
from games.aggregative import push_object
from rqe.analysis.aggregative import closed_form, tau_gradient
from rqe.analysis.collaboration import best_tau, collaboration_curve, collaboration_table
from rqe.analysis.tau_choice import best_common_tau, best_own_tau, best_team_tau, largest_tau
from rqe.model.quadratic import AggregativeGame, QuadraticGame

SEEDS = st.integers(0, 2**32 - 1)
DRAWS = settings(max_examples=25)


def instance(seed, n, d, share=0.95):
    """A game with heterogeneous players, and admissible degrees; some players do not tremble."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(d, d))
    H = root @ root.T + rng.uniform(0.1, 1.0) * np.eye(d)
    rho = rng.uniform(0.1, 3.0, size=n)
    if seed % 4 == 0:
        rho[rng.integers(n)] = 0.0
    game = AggregativeGame(0.5 * (H + H.T), rng.normal(size=d), rho)
    epsilon = rng.uniform(0.05, 2.0, size=n) * (rng.random(n) < 0.85)
    tau = rng.uniform(0.0, share, size=n) * np.minimum(largest_tau(game, epsilon), 5.0)
    return game, tau, epsilon


# ------------------------------------------------------------------------ closed form


@given(seed=SEEDS, n=st.integers(1, 5), d=st.integers(1, 3))
@DRAWS
def test_the_closed_form_is_what_the_linear_system_says(seed, n, d):
    game, tau, epsilon = instance(seed, n, d)
    found, eq = closed_form(game, tau, epsilon), rqe.solve_rqe(game, tau=tau, epsilon=epsilon)
    size = 1.0 + np.max(np.abs(eq.values))
    np.testing.assert_allclose(found.means, eq.means, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.total, np.sum(eq.means, axis=0), rtol=1e-8, atol=1e-9)
    for name in ("payoffs", "mean_payoffs", "values"):
        np.testing.assert_allclose(getattr(found, name), getattr(eq, name), atol=1e-9 * size)
    np.testing.assert_allclose(found.max_tau, eq.max_tau, rtol=1e-10)
    assert found.shared_reward == pytest.approx(eq.shared_reward, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(found.shared_reward - found.costs, found.payoffs, atol=1e-12)
    np.testing.assert_allclose(found.mean_reward - found.mean_costs, found.mean_payoffs, atol=1e-12)
    spread = [np.trace(s) for s in eq.covariances]
    np.testing.assert_allclose(
        found.costs - found.mean_costs, 0.5 * game.rho * spread, rtol=1e-9, atol=1e-14
    )


@given(seed=SEEDS, n=st.integers(2, 4), d=st.integers(1, 3))
@settings(max_examples=15)
def test_units_frames_and_labels_do_not_matter(seed, n, d):
    game, tau, epsilon = instance(seed, n, d)
    found, slopes = closed_form(game, tau, epsilon), tau_gradient(game, tau, epsilon)
    rng = np.random.default_rng(seed + 1)
    scale = 10.0 ** rng.uniform(-6.0, 6.0)
    other = AggregativeGame(scale * game.H, game.target, scale * game.rho)
    scaled = closed_form(other, tau / scale, scale * epsilon)
    np.testing.assert_allclose(scaled.means, found.means, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(scaled.payoffs, scale * found.payoffs, rtol=1e-9)
    steeper = tau_gradient(other, tau / scale, scale * epsilon).payoffs
    size = np.max(np.abs(slopes.payoffs))
    np.testing.assert_allclose(steeper / scale**2, slopes.payoffs, rtol=1e-8, atol=1e-10 * size)
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    H = turn @ game.H @ turn.T
    turned = closed_form(
        AggregativeGame(0.5 * (H + H.T), turn @ game.target, game.rho), tau, epsilon
    )
    np.testing.assert_allclose(turned.means, found.means @ turn.T, rtol=1e-8, atol=1e-10)
    order = rng.permutation(n)
    mixed = AggregativeGame(game.H, game.target, game.rho[order])
    np.testing.assert_allclose(
        closed_form(mixed, tau[order], epsilon[order]).values, found.values[order], rtol=1e-12
    )
    np.testing.assert_allclose(
        tau_gradient(mixed, tau[order], epsilon[order]).values,
        slopes.values[np.ix_(order, order)],
        rtol=1e-9,
        atol=1e-10 * size,
    )


def test_values_keep_their_digits_as_tau_vanishes():
    game, epsilon = push_object(2.0, rho=[1.0, 2.0]), [1.0, 0.5]
    neutral = closed_form(game, 0.0, epsilon).values
    slope = tau_gradient(game, 0.0, epsilon).values.sum(axis=1)
    for t in (1e-3, 1e-6, 1e-12, 1e-300):
        moved = closed_form(game, t, epsilon).values - neutral
        np.testing.assert_allclose(moved, t * slope, rtol=2 * t, atol=1e-15)
    # on both sides of where the series takes over
    for t in (0.0749, 0.0751):
        eq = rqe.solve_rqe(game, tau=t, epsilon=epsilon)
        np.testing.assert_allclose(closed_form(game, t, epsilon).values, eq.values, atol=1e-14)


def test_one_player_with_free_effort_does_everything():
    game = AggregativeGame([[2.0, 1.0], [1.0, 3.0]], [1.0, -2.0], [1.0, 0.0, 2.0])
    found = closed_form(game, [0.3, 0.2, 0.1], 0.5)
    np.testing.assert_allclose(found.means, [[0.0, 0.0], [1.0, -2.0], [0.0, 0.0]], atol=1e-14)
    assert found.mean_reward == pytest.approx(0.0, abs=1e-28)
    assert not np.any(tau_gradient(game, [0.3, 0.2, 0.1], 0.5).shared_reward)


@pytest.mark.parametrize("ask", [closed_form, tau_gradient])
def test_refusals_say_what_would_be_valid(ask):
    with pytest.raises(ValueError, match=r"game must be an AggregativeGame.*solve_rqe"):
        ask(QuadraticGame([[[-1.0, 0.5], [0.5, 0.0]], [[0.0, 0.5], [0.5, -1.0]]]), 0.1, 1.0)
    with pytest.raises(ValueError, match=r"rho must be > 0.*players \[0, 2\]"):
        ask(push_object(n_players=3, rho=[0.0, 1.0, 0.0]), 0.1, 1.0)
    with pytest.raises(ValueError, match="tau must be"):
        ask(push_object(), [0.1, 0.1, 0.1], 1.0)
    with pytest.raises(ValueError, match="tau must be"):
        ask(push_object(), -0.1, 1.0)
    with pytest.raises(ValueError, match="epsilon must be"):
        ask(push_object(), 0.1, np.inf)
    with pytest.raises(ValueError, match="finite sum"):
        ask(push_object(n_players=5), 0.0, 1.7e308)


# ------------------------------------------------------------------------ domain


def refusal(solve, *args):
    with pytest.raises(rqe.InfiniteRiskError) as caught:
        solve(*args)
    return caught.value.player, caught.value.max_tau


@given(seed=SEEDS, n=st.integers(2, 4), d=st.integers(1, 3))
@settings(max_examples=10)
def test_the_domain_is_the_solvers(seed, n, d):
    game, _, epsilon = instance(seed, n, d)
    limit = largest_tau(game, epsilon)
    player = seed % n
    for share in (1.0 + 1e-9, 2.0, np.inf):
        tau = np.zeros(n)
        tau[player] = limit[player] * share
        expected = refusal(rqe.solve_rqe, game, tau, epsilon)
        assert refusal(closed_form, game, tau, epsilon) == (player, limit[player])
        assert expected[0] == player
        assert expected[1] == pytest.approx(limit[player], rel=1e-10)
    if np.isfinite(limit[player]):
        tau[player] = limit[player] * (1.0 - 1e-9)
        assert np.all(closed_form(game, tau, epsilon).margins > 0.0)
        assert rqe.solve_rqe(game, tau, epsilon).unique


def test_at_the_largest_tau_itself_risk_is_infinite():
    for rho in ([1.0, 1.0], [0.3, 0.7], [1.7, 2.9]):
        game = push_object(rho=rho)
        top = float(np.min(largest_tau(game, 0.3)))
        assert refusal(closed_form, game, top, 0.3)[1] == pytest.approx(top)


def test_only_the_others_trembles_bound_tau():
    game = push_object(rho=[1.0, 3.0])
    np.testing.assert_allclose(largest_tau(game, [0.5, 0.0]), [np.inf, 4.0])
    assert closed_form(game, [1e9, 0.0], [0.5, 0.0]).margins[0, 0] == 1.0
    # at tau = inf the others are feared whether they tremble or not: as the solver has it
    assert refusal(closed_form, game, [np.inf, 0.0], [0.5, 0.0]) == (0, np.inf)
    assert refusal(rqe.solve_rqe, game, [np.inf, 0.0], [0.5, 0.0]) == (0, np.inf)
    alone = push_object(3.0, n_players=1)
    assert closed_form(alone, np.inf, 1.0).means[0, 0] == pytest.approx(1.5)


# ------------------------------------------------------------------------ gradient


@given(seed=SEEDS, n=st.integers(1, 4), d=st.integers(1, 3))
@DRAWS
def test_the_gradient_matches_differences_of_the_linear_system(seed, n, d):
    game, tau, epsilon = instance(seed, n, d, share=0.7)
    tau = tau + 0.05 * np.minimum(largest_tau(game, epsilon), 5.0)
    found = tau_gradient(game, tau, epsilon)
    for i in range(n):
        h = 1e-4 * tau[i]
        if h < 1e-9:
            continue
        # differences of fourth order
        at = [
            rqe.solve_rqe(game, tau=tau + k * h * np.eye(n)[i], epsilon=epsilon)
            for k in (-2, -1, 1, 2)
        ]
        weights = np.array([1.0, -8.0, 8.0, -1.0]) / (12.0 * h)
        reward, payoffs, values = (
            weights @ np.array([getattr(eq, name) for eq in at])
            for name in ("shared_reward", "payoffs", "values")
        )
        noise = 1e-10 * (1.0 + np.max(np.abs(at[0].values))) / h
        assert found.shared_reward[i] == pytest.approx(reward, rel=1e-6, abs=noise)
        np.testing.assert_allclose(found.payoffs[:, i], payoffs, rtol=1e-6, atol=noise)
        np.testing.assert_allclose(found.values[:, i], values, rtol=1e-6, atol=noise)
        np.testing.assert_allclose(found.costs[:, i], reward - payoffs, rtol=1e-6, atol=2.0 * noise)


def test_the_gradient_matches_sympy_on_the_first_order_conditions():
    """Three players in exact arithmetic, differentiated without the closed form."""
    tau = sp.symbols("t1:4", positive=True)
    rho, epsilon = [sp.Rational(1), sp.Rational(2), sp.Rational(1, 2)], [sp.Rational(1, 3)] * 3
    eta, aim = sp.Rational(3, 2), sp.Rational(2)
    means = sp.symbols("m1:4")
    risk = [
        tau[i] * sum(epsilon[j] * eta / (eta + rho[j]) for j in range(3) if j != i)
        for i in range(3)
    ]
    conditions = [eta * (aim - sum(means)) - rho[i] * (1 - risk[i]) * means[i] for i in range(3)]
    solved = sp.solve(conditions, means)
    reward = -eta * (sum(solved.values()) - aim) ** 2 / 2
    costs = [rho[i] * solved[means[i]] ** 2 / 2 for i in range(3)]
    at = dict(zip(tau, (sp.Rational(1, 5), sp.Rational(3, 5), sp.Rational(1, 10)), strict=True))
    game = AggregativeGame(1.5, 2.0, [1.0, 2.0, 0.5])
    found = tau_gradient(game, [0.2, 0.6, 0.1], 1 / 3)
    exact = [float(sp.diff(reward, t).subs(at)) for t in tau]
    np.testing.assert_allclose(found.shared_reward, exact, rtol=1e-13)
    paid = [[float(sp.diff(c, t).subs(at)) for t in tau] for c in costs]
    np.testing.assert_allclose(found.costs, paid, rtol=1e-13)


@given(seed=SEEDS, n=st.integers(2, 5), d=st.integers(1, 3))
@DRAWS
def test_everybody_gains_by_anothers_risk_aversion_and_nobody_by_its_own(seed, n, d):
    game, tau, epsilon = instance(seed, n, d)
    found = tau_gradient(game, tau, epsilon)
    off = ~np.eye(n, dtype=bool)
    assert np.all(found.shared_reward >= 0.0)
    assert np.all(found.payoffs[off] >= 0.0)
    assert np.all(np.diag(found.payoffs) <= 1e-14 * np.max(np.abs(found.payoffs)))
    if np.all(game.rho > 0.0) and np.sum(epsilon > 0.0) >= 2:
        assert np.all(found.shared_reward > 0.0)


# ------------------------------------------------------------------------ along tau


def test_the_table_is_what_the_solver_says():
    game = AggregativeGame([[2.0, 0.5], [0.5, 1.0]], [1.0, 2.0], [1.0, 0.5, 2.0])
    taus = [0.0, 0.2, 0.4]
    found = collaboration_table(game, taus, [0.2, 0.5, 0.1])
    assert found.columns[:5] == ("tau", "margin", "shared reward", "reward at means", "team")
    for k, t in enumerate(taus):
        eq = rqe.solve_rqe(game, tau=t, epsilon=[0.2, 0.5, 0.1])
        assert found.column("shared reward")[k] == pytest.approx(eq.shared_reward, rel=1e-11)
        assert found.column("team")[k] == pytest.approx(np.sum(eq.payoffs), rel=1e-11)
        assert found.column("margin")[k] == pytest.approx(1.0 - t / np.min(eq.max_tau), abs=1e-12)
        for i in range(3):
            m, s = eq.means[i], eq.covariances[i]
            cost = 0.5 * game.rho[i] * (m @ m + np.trace(s))
            assert found.column(f"cost {i + 1}")[k] == pytest.approx(cost, rel=1e-11)
            assert found.column(f"payoff {i + 1}")[k] == pytest.approx(eq.payoffs[i], rel=1e-11)
            assert found.column(f"value {i + 1}")[k] == pytest.approx(eq.values[i], rel=1e-11)


def test_the_table_takes_one_tau_a_player():
    found = collaboration_table(push_object(), [[0.0, 0.5], [0.0, 1.0]], 1.0)
    assert found.columns[:3] == ("tau 1", "tau 2", "margin")
    assert found.column("tau 2") == (0.5, 1.0)
    assert np.diff(found.column("shared reward"))[0] > 0.0
    # the lone risk-averse player pays for it, the other gains
    assert np.diff(found.column("payoff 2"))[0] < 0.0 < np.diff(found.column("payoff 1"))[0]
    with pytest.raises(rqe.InfiniteRiskError):
        collaboration_table(push_object(), [1.0, 2.5], 1.0)


def test_the_curve_of_figure_1_agrees_with_the_table():
    game = push_object(rho=[1.0, 3.0])
    curve = collaboration_curve(game, [0.0, 0.5, 1.5], 1.0, player=1)
    found = collaboration_table(game, [0.0, 0.5, 1.5], 1.0)
    np.testing.assert_allclose(curve.column("payoff"), found.column("payoff 2"), rtol=1e-13)
    np.testing.assert_allclose(
        curve.column("shared reward"), found.column("shared reward"), rtol=1e-13
    )


# ------------------------------------------------------------------------ best tau


@pytest.mark.parametrize("n", [2, 3, 6])
@pytest.mark.parametrize(("eta", "rho"), [(1.0, 1.0), (2.0, 0.5)])
def test_equal_players_are_best_off_at_the_first_best(n, eta, rho):
    game = push_object(2.0, n_players=n, rho=rho, H=eta)
    found = best_common_tau(game, 0.4)
    assert found.where == "interior"
    np.testing.assert_allclose(found.tau, (eta + rho) / (n * eta * 0.4), rtol=1e-7)
    # every player pays rho/2 m², and all miss by M - target: a problem in one number
    m = n * eta * 2.0 / (rho + n * n * eta)
    best = -0.5 * n * (eta * (n * m - 2.0) ** 2 + rho * m**2)
    assert found.value == pytest.approx(best, rel=1e-13)
    alone = best_common_tau(game, 0.4, of=n - 1)
    assert alone.value == pytest.approx(best / n, rel=1e-13)
    np.testing.assert_allclose(best_team_tau(game, 0.4).tau, found.tau, rtol=1e-7)


@pytest.mark.parametrize("of", ["team", 0, 1, 2])
def test_the_best_common_tau_beats_a_grid_of_solutions(of):
    game = AggregativeGame([[2.0, 0.5], [0.5, 0.3]], [1.0, -2.0], [1.0, 0.5, 4.0])
    epsilon = [0.2, 0.5, 0.1]
    found = best_common_tau(game, epsilon, of=of)
    top = float(np.min(largest_tau(game, epsilon)))

    def worth(t):
        u = rqe.solve_rqe(game, tau=t, epsilon=epsilon).mean_payoffs
        return np.sum(u) if of == "team" else u[of]

    grid = [worth(t) for t in top * np.linspace(0.0, 0.999, 60)]
    assert found.value >= np.max(grid) - 1e-12
    assert found.value <= np.max(grid) + 0.02 * np.ptp(grid)
    if found.where == "interior":
        assert worth(found.tau[0]) == pytest.approx(found.value, rel=1e-12)


def test_a_best_tau_at_the_boundary_is_a_supremum_that_nothing_attains():
    # only player 1 trembles, so only player 2's tau matters: it takes over all the effort
    game = push_object(1.0, rho=[1.0, 3.0])
    found = best_common_tau(game, [0.5, 0.0], of=0)
    assert (found.where, found.value) == ("boundary", pytest.approx(0.0, abs=1e-15))
    assert found.tau[0] == pytest.approx(4.0)
    for gap, below in ((1e-3, 1e-5), (1e-6, 1e-11)):
        worth = rqe.solve_rqe(game, tau=4.0 * (1.0 - gap), epsilon=[0.5, 0.0]).mean_payoffs[0]
        assert -below < worth < 0.0
    with pytest.raises(rqe.InfiniteRiskError):
        rqe.solve_rqe(game, tau=float(found.tau[0]), epsilon=[0.5, 0.0])


def test_at_the_boundary_those_who_do_everything_share_it_by_their_costs():
    # both reach infinite risk together, at tau = 3: epsilon_2/(1+rho_2) = epsilon_1/(1+rho_1)
    game = push_object(1.0, rho=[1.0, 2.0])
    epsilon = [2.0 / 3.0, 1.0]
    near = rqe.solve_rqe(game, tau=3.0 * (1.0 - 1e-9), epsilon=epsilon).means
    np.testing.assert_allclose(np.concatenate(near), [2 / 3, 1 / 3], rtol=1e-6)
    # and where that is the best: most of the target lies where H is small
    game = AggregativeGame(np.diag([1.0, 0.2]), [0.1, 1.0], [1.0, 2.0])
    found = best_common_tau(game, epsilon)
    assert found.where == "boundary"
    assert np.min(found.tau) == pytest.approx(3.0)
    near = rqe.solve_rqe(game, tau=3.0 * (1.0 - 1e-9), epsilon=epsilon)
    assert found.value == pytest.approx(np.sum(near.mean_payoffs), abs=1e-9)


def test_for_the_planner_no_risk_aversion_is_best():
    for seed in range(12):
        game, _, epsilon = instance(4 * seed + 1, 3, 2)
        epsilon = epsilon + 0.1
        found = best_common_tau(game, epsilon, of="planner")
        assert found.where == "zero"
        assert not np.any(found.tau)
        # the planner's own problem, all costs and one reward: the stacked system
        H = np.kron(np.ones((3, 3)), game.H) + np.kron(np.diag(game.rho), np.eye(2))
        a = np.linalg.solve(H, np.tile(game.H @ game.target, 3)).reshape(3, 2)
        miss = a.sum(axis=0) - game.target
        best = -0.5 * (miss @ game.H @ miss + game.rho @ np.sum(a**2, axis=1))
        assert found.value == pytest.approx(best, rel=1e-10)


@given(seed=SEEDS, n=st.integers(1, 4), d=st.integers(1, 2))
@settings(max_examples=20)
def test_nobody_is_served_by_its_own_risk_aversion(seed, n, d):
    game, tau, epsilon = instance(seed, n, d, share=0.9)
    player = seed % n
    found = best_own_tau(game, tau, epsilon, player)
    assert found.where in ("zero", "constant")
    assert found.tau[player] == 0.0
    rest = np.arange(n) != player
    assert np.array_equal(found.tau[rest], tau[rest])
    grid = np.linspace(0.0, 0.9, 4) * min(largest_tau(game, epsilon)[player], 5.0)
    for t in grid:
        moved = np.where(rest, tau, t)
        worth = rqe.solve_rqe(game, tau=moved, epsilon=epsilon).mean_payoffs[player]
        assert worth <= found.value + 1e-10 * (1.0 + abs(found.value))


@given(seed=SEEDS, n=st.integers(2, 5))
@settings(max_examples=20)
def test_scalar_actions_attain_the_teams_first_best(seed, n):
    game, _, epsilon = instance(seed, n, 1)
    epsilon = epsilon + 0.05
    found = best_team_tau(game, epsilon)
    assert found.exact
    eta, aim = game.H[0, 0], game.target[0]
    actions = np.linalg.solve(
        n * eta * np.ones((n, n)) + np.diag(game.rho), np.full(n, n * eta * aim)
    )
    best = -0.5 * (n * eta * (actions.sum() - aim) ** 2 + game.rho @ actions**2)
    assert found.first_best == pytest.approx(best, rel=1e-9, abs=1e-14)
    eq = rqe.solve_rqe(game, tau=found.tau, epsilon=epsilon)
    assert np.sum(eq.mean_payoffs) == pytest.approx(best, rel=1e-9, abs=1e-14)
    np.testing.assert_allclose(np.concatenate(eq.means), actions, rtol=1e-8, atol=1e-12)
    assert found.value == pytest.approx(found.first_best, rel=1e-12, abs=1e-300)


def test_vector_actions_come_near_the_first_best_and_no_direct_search_beats_it():
    game = AggregativeGame([[2.0, 0.5], [0.5, 1.0]], [1.0, 1.0], [1.0, 0.5])
    epsilon = np.array([0.4, 0.7])
    found = best_team_tau(game, epsilon)
    assert found.where == ("interior", "interior")
    assert not found.exact
    assert found.value < found.first_best
    assert found.value >= best_common_tau(game, epsilon).value - 1e-13
    limit = largest_tau(game, epsilon)

    def loss(x):
        share = 0.5 + 0.49999 * np.tanh(x)
        return -np.sum(rqe.solve_rqe(game, tau=share * limit, epsilon=epsilon).mean_payoffs)

    direct = min(
        (minimize(loss, x, method="Nelder-Mead", options={"fatol": 1e-13, "xatol": 1e-6})
         for x in ([0.0, 0.0], [1.5, -1.0])),
        key=lambda r: r.fun,
    )  # fmt: skip
    assert -direct.fun == pytest.approx(found.value, rel=1e-8)


def test_the_team_may_be_best_off_at_infinite_risk():
    # the target lies where H is small, the domain ends where it is large
    game = AggregativeGame(np.diag([1.0, 0.01]), [0.0, 1.0], [1.0, 1.0])
    found = best_team_tau(game, 1.0)
    assert found.where == ("boundary", "boundary")
    np.testing.assert_allclose(found.tau, 2.0, rtol=1e-5)
    common = best_common_tau(game, 1.0)
    assert common.where == "boundary"
    assert found.value <= common.value <= found.first_best
    assert common.value == pytest.approx(found.value, rel=1e-6)


def test_where_tau_moves_nothing_the_answer_says_so():
    for game, epsilon in (
        (push_object(n_players=1), 1.0),
        (push_object(0.0), 1.0),
        (push_object(rho=[0.0, 1.0]), 1.0),
        (push_object(), 0.0),
    ):
        assert best_common_tau(game, epsilon).where == "constant"
        assert set(best_team_tau(game, epsilon).where) == {"constant"}
    # one who alone trembles fears nobody
    found = best_team_tau(push_object(), [1.0, 0.0])
    assert found.where == ("constant", "interior")
    assert not found.exact


def test_choices_refuse_what_is_not_there():
    for of in ("everybody", 2, -1, True, 0.0):
        with pytest.raises(ValueError, match=r"(of|player) must be"):
            best_common_tau(push_object(), 1.0, of=of)
    with pytest.raises(ValueError, match="player must be"):
        best_own_tau(push_object(), 0.0, 1.0, 2)
    with pytest.raises(rqe.InfiniteRiskError):
        best_own_tau(push_object(), [0.0, 2.0], 1.0, 0)
    assert best_own_tau(push_object(), [2.5, 1.0], 1.0, 0).tau[1] == 1.0
    with pytest.raises(rqe.InfiniteRiskError):
        best_tau(push_object(), 1.0, 2.0)


def test_best_tau_stops_at_the_end_of_its_range():
    assert best_tau(push_object(), 1.0, 0.5)[0] == 0.5
    assert best_tau(push_object(), 1.0, 1.9) == (pytest.approx(1.0), pytest.approx(-0.1))
