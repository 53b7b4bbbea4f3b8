"""Gaussian equilibria against closed forms, a discretised game, limits and equivariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar

from games.aggregative import push_object
from rqe.core import gaussian as core
from rqe.model.agent import make_agents
from rqe.model.normal_form import NormalFormGame
from rqe.model.quadratic import AggregativeGame, QuadraticGame
from rqe.result.serialize import from_dict, to_dict
from rqe.result.status import ConvergenceError, Status
from rqe.solvers import solve_rqe
from rqe.solvers.gaussian import solve_gaussian

SEEDS = st.integers(0, 2**32 - 1)
DRAWS = settings(derandomize=True, deadline=None, max_examples=25)


def solved(game, tau, epsilon, **more):
    return solve_gaussian(game, make_agents(tau, epsilon, game.n_players), **more)


def random_game(rng, sizes):
    """Full matrices of any sign but for the own blocks."""
    ends = np.cumsum(sizes)
    matrices = []
    for end, n in zip(ends, sizes, strict=True):
        root = rng.normal(size=(ends[-1], ends[-1]))
        H = 0.5 * (root + root.T)
        own = root[:n, :n]
        H[end - n : end, end - n : end] = -(own @ own.T + (1.0 + len(sizes)) * np.eye(n))
        matrices.append(H)
    return QuadraticGame(matrices, rng.normal(size=(len(sizes), ends[-1])), sizes)


def admissible(game, epsilon, share, cap=3.0):
    """A tau a player at a share of the largest admissible one."""
    return share * np.minimum(solved(game, 0.0, epsilon, throw=False).max_tau, cap)


@pytest.mark.parametrize("target", [1.0, -7.5, 1e6])
@pytest.mark.parametrize(("tau", "epsilon"), [(0.0, 1.0), (0.5, 1.0), (0.1, 10.0), (1.999, 1.0)])
def test_example_4_1(tau, epsilon, target):
    eq = solved(push_object(target), tau, epsilon)
    s = tau * epsilon / 2
    mean = target / (3 - s)
    worth = -0.5 * target**2 * (2 - 2 * s + s**2) / (3 - s) ** 2
    for i in range(2):
        assert eq.means[i][0] == pytest.approx(mean, rel=1e-12)
        assert eq.covariances[i][0, 0] == pytest.approx(epsilon / 2, rel=1e-14)
        assert eq.mean_payoffs[i] == pytest.approx(worth, rel=1e-12)
        assert eq.payoffs[i] == pytest.approx(worth - 0.75 * epsilon, rel=1e-12)
        # the tilt of N(mean, epsilon/2) by exp(-tau u): precision 2/epsilon - tau
        assert eq.belief_covariances[i][0, 0] == pytest.approx(1 / (2 / epsilon - tau), rel=1e-11)
        # own first-order condition at the believed mean
        assert -2 * mean - eq.belief_means[i][0] + target == pytest.approx(
            0, abs=1e-11 * abs(target)
        )
    assert eq.shared_reward == pytest.approx(-0.5 * ((2 * mean - target) ** 2 + epsilon))
    assert np.allclose(eq.max_tau, 2 / epsilon, rtol=1e-14)
    assert eq.unique
    assert eq.strongly_monotone


def test_the_utility_of_figure_1_is_largest_where_tau_times_epsilon_is_one():
    def loss(t):
        return -solved(push_object(2.0), t, 0.5).mean_payoffs[0]

    best = minimize_scalar(loss, bounds=(0.0, 3.9), method="bounded", options={"xatol": 1e-10})
    assert best.x * 0.5 == pytest.approx(1.0, abs=1e-6)
    assert -best.fun == pytest.approx(-0.4, abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 50])
def test_equal_players(n):
    rho, tau, epsilon = 1.7, 0.3, 0.4 / n
    eq = solved(push_object(2.0, n_players=n, rho=rho), tau, epsilon)
    k = tau * epsilon * (n - 1) / (1 + rho)
    assert np.allclose(np.concatenate(eq.means), 2.0 / (n + rho - rho * k), rtol=1e-12, atol=0)
    bound = np.inf if n == 1 else (1 + rho) / (epsilon * (n - 1))
    assert np.allclose(eq.max_tau, bound, rtol=1e-12)


@given(seed=SEEDS, n=st.integers(1, 5), d=st.integers(1, 3))
@DRAWS
def test_heterogeneous_players_and_vector_actions(seed, n, d):
    """The closed form in the eigendirections of ``H``, slip 2 of the paper."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(d, d)))
    etas = rng.uniform(0.1, 5.0, size=d)
    rho, epsilon = rng.uniform(0.1, 3.0, size=n), rng.uniform(0.05, 2.0, size=n)
    target = rng.normal(size=d)
    H = basis @ np.diag(etas) @ basis.T
    game = AggregativeGame(0.5 * (H + H.T), target, rho)
    reach = np.array(
        [[sum(epsilon[j] * e / (e + rho[j]) for j in range(n) if j != i) for e in etas]
         for i in range(n)]
    )  # fmt: skip
    with np.errstate(divide="ignore"):
        limit = 1.0 / np.max(reach, axis=1)
    tau = rng.uniform(0.0, 0.98, size=n) * np.minimum(limit, 10.0)
    q = tau[:, None] * reach
    G = np.sum(etas / (rho[:, None] * (1 - q)), axis=0)
    aim = basis.T @ target
    total = aim * G / (1 + G)
    expected = (etas * (aim - total) / (rho[:, None] * (1 - q))) @ basis.T
    eq = solved(game, tau, epsilon)
    np.testing.assert_allclose(eq.means, expected, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(eq.max_tau, limit, rtol=1e-10)
    assert eq.unique
    # Theorem 4.1: the shared reward increases in every tau
    if n > 1:
        bolder = tau + np.eye(n)[seed % n] * 0.01 * np.minimum(limit, 10.0)
        assert solved(game, bolder, epsilon).shared_reward > eq.shared_reward


@given(seed=SEEDS, sizes=st.lists(st.integers(1, 3), min_size=1, max_size=4))
@settings(derandomize=True, deadline=None, max_examples=15)
def test_nobody_gains_by_another_mean_or_spread(seed, sizes):
    """Direct optimisation of the Gaussian integral written with precision matrices."""
    rng = np.random.default_rng(seed)
    game = random_game(rng, sizes)
    epsilon = rng.uniform(0.1, 1.0, size=len(sizes))
    tau = rng.uniform(0.05, 0.9) * admissible(game, epsilon, 1.0)
    eq = solved(game, tau, epsilon)
    stacked, spread = np.concatenate(eq.means), np.zeros((sum(sizes), sum(sizes)))
    for own, s in zip(game.slices, eq.covariances, strict=True):
        spread[own, own] = s
    for i, n in enumerate(sizes):
        rest, own = game.others(i), game.slices[i]
        H, h = game.quadratic[i], game.linear[i]
        A, B, C = H[own, own], H[own][:, rest], H[np.ix_(rest, rest)]
        q, precision = stacked[rest], np.linalg.inv(spread[np.ix_(rest, rest)])
        tilted = precision + tau[i] * C
        low = np.tril_indices(n)

        def loss(z, n=n, i=i, A=A, B=B, q=q, h=h, own=own, rest=rest, precision=precision,
                 tilted=tilted, low=low):  # fmt: skip
            m, factor = z[:n], np.zeros((n, n))
            factor[low] = z[n:]
            s = factor @ factor.T
            slope = precision @ q - tau[i] * (B.T @ m + h[rest])
            log_mean = 0.5 * (
                np.linalg.slogdet(precision)[1] - np.linalg.slogdet(tilted)[1]
                + slope @ np.linalg.solve(tilted, slope) - q @ precision @ q
            )  # fmt: skip
            fixed = 0.5 * m @ A @ m + h[own] @ m + 0.5 * np.trace(A @ s)
            smooth = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * s)[1]
            return -(fixed - log_mean / tau[i] + epsilon[i] * smooth)

        here = np.r_[eq.means[i], np.linalg.cholesky(eq.covariances[i])[low]]
        assert -loss(here) == pytest.approx(eq.values[i], abs=1e-8)
        away = np.r_[eq.means[i] + 0.3, (0.7 * np.linalg.cholesky(eq.covariances[i]))[low]]
        best = minimize(loss, away, method="BFGS", options={"gtol": 1e-7})
        assert -best.fun == pytest.approx(eq.values[i], abs=1e-7)
        assert best.x[:n] == pytest.approx(eq.means[i], abs=1e-4)
    assert eq.residual < 1e-12
    assert eq.max_regret < 1e-20


def test_a_fine_grid_of_actions_has_the_same_equilibrium():
    a = np.linspace(-7.0, 7.0, 113)
    own, other = np.meshgrid(a, a, indexing="ij")
    row = -0.5 * (own + other - 1.0) ** 2 - 0.5 * own**2
    tau, epsilon = 0.8, 1.0
    fine = solve_rqe(NormalFormGame([row, row.T]), tau, epsilon)
    eq = solved(push_object(), tau, epsilon)
    x = fine.strategies[0]
    assert x @ a == pytest.approx(eq.means[0][0], abs=1e-7)
    assert x @ (a - x @ a) ** 2 == pytest.approx(0.5, abs=1e-7)
    assert fine.payoffs[0] == pytest.approx(eq.payoffs[0], abs=1e-7)
    # Shannon entropy on a grid is the differential one less the logarithm of the step
    assert fine.values[0] + epsilon * np.log(a[1] - a[0]) == pytest.approx(eq.values[0], abs=1e-7)


def test_the_blocks_of_the_others_are_taken_whole():
    """At N = 3 the paper's block-diagonal formula is beaten by a deviation; ours is not."""
    n, rho, tau, epsilon = 3, 1.0, 0.5, 1.0
    game = push_object(1.0, n_players=n, rho=rho)
    eq = solved(game, tau, epsilon)
    k = tau * epsilon * (n - 1) / (1 + rho)
    assert eq.means[0][0] == pytest.approx(1.0 / (n + rho - rho * k), rel=1e-13)
    payoff, others = game.payoff(0), np.full(2, eq.means[0][0])
    found = core.exposure(payoff.other, np.eye(2) * np.sqrt(epsilon / 2))
    diagonal = core.Quadratic(*payoff[:2], -np.eye(2), *payoff[3:])
    cut = core.exposure(diagonal.other, np.eye(2) * np.sqrt(epsilon / 2))
    jacobian, offset = core.response_map(diagonal, cut, tau)
    mean = offset[0] / (1 - jacobian.sum())
    assert abs(mean - eq.means[0][0]) > 1e-3
    _, gain = core.improvement(payoff, np.array([mean]), np.full(2, mean), found, tau)
    assert float(gain) > 1e-4
    assert float(core.improvement(payoff, eq.means[0], others, found, tau)[1]) < 1e-25


@given(seed=SEEDS, sizes=st.lists(st.integers(1, 2), min_size=2, max_size=4))
@settings(derandomize=True, deadline=None, max_examples=15)
def test_units_labels_and_constants_do_not_matter(seed, sizes):
    rng = np.random.default_rng(seed)
    game, count = random_game(rng, sizes), len(sizes)
    epsilon = rng.uniform(0.1, 1.0, size=count)
    tau = admissible(game, epsilon, 0.7)
    eq = solved(game, tau, epsilon)
    flat = np.concatenate(eq.means)
    for c in (1e-8, 1e8):
        scaled = QuadraticGame(
            [c * H for H in game.quadratic], [c * h for h in game.linear], sizes,
            constants=rng.normal(size=count),
        )  # fmt: skip
        same = solved(scaled, tau / c, epsilon * c)
        np.testing.assert_allclose(np.concatenate(same.means), flat, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(same.max_tau, eq.max_tau / c, rtol=1e-9)
        assert same.strongly_monotone == eq.strongly_monotone
    # actions in other units, one for every coordinate
    units = 10.0 ** rng.uniform(-4, 4, size=sum(sizes))
    other = QuadraticGame(
        [H / np.outer(units, units) for H in game.quadratic],
        [h / units for h in game.linear],
        sizes,
    )
    same = solved(other, tau, epsilon)
    np.testing.assert_allclose(np.concatenate(same.means) / units, flat, rtol=1e-8, atol=1e-10)
    assert same.strongly_monotone == eq.strongly_monotone
    # players in another order
    order = rng.permutation(count)
    index = np.concatenate([np.arange(game.slices[i].start, game.slices[i].stop) for i in order])
    turned = QuadraticGame(
        [game.quadratic[i][np.ix_(index, index)] for i in order],
        [game.linear[i][index] for i in order],
        [sizes[i] for i in order],
    )
    moved = solved(turned, tau[order], epsilon[order])
    np.testing.assert_allclose(np.concatenate(moved.means), flat[index], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(moved.values, eq.values[order], rtol=1e-9, atol=1e-10)


def test_fifty_players_with_several_dimensions_each():
    rng = np.random.default_rng(0)
    n, d = 50, 3
    root = rng.normal(size=(d, d))
    H, rho = root @ root.T + np.eye(d), rng.uniform(0.5, 2.0, size=n)
    game = AggregativeGame(H, rng.normal(size=d), rho)
    eq = solved(game, 0.9 / n, 1.0)
    assert eq.status is Status.CONVERGED
    assert eq.residual < 1e-12
    miss = np.sum(eq.means, axis=0) - game.target
    feared = [b.reshape(n - 1, d).sum(axis=0) for b in eq.belief_means]
    for m, b, r in zip(eq.means, feared, rho, strict=True):
        np.testing.assert_allclose(-H @ (m + b - game.target) - r * m, 0.0, atol=1e-11)
    assert eq.shared_reward < -0.5 * miss @ H @ miss


def test_a_saved_result_comes_back():
    for eq in (
        solved(push_object(), [0.0, 1.0], [1.0, 0.0]),
        solved(push_object(n_players=1), np.inf, 1.0),
        solved(random_game(np.random.default_rng(2), [1, 2]), 0.1, 1.0),  # no shared reward
    ):
        back = from_dict(to_dict(eq))
        assert to_dict(back) == to_dict(eq)
        assert [c.shape for c in back.belief_covariances] == [
            c.shape for c in eq.belief_covariances
        ]
        assert back.agents == eq.agents
        assert "unique" in repr(back)


def test_results_print():
    eq = solved(push_object(3.0), 1.0, 1.0)
    assert repr(eq).startswith("<Gaussian RQE of push object: CONVERGED, residual")
    text = str(eq).splitlines()
    assert " ".join(text[1].split()) == "player action mean sd payoff value regret max tau"
    assert eq._repr_html_().count("<tr>") == 3
    assert [m[0] for m in eq] == pytest.approx([1.2] * len(eq))
    assert "40 rows more" in str(solved(push_object(n_players=100), 0.0, 1.0))


@pytest.mark.parametrize(
    ("game", "agents", "tol", "said"),
    [
        (NormalFormGame([[1.0]]), make_agents(0, 1, 1), 1e-10, "QuadraticGame"),
        (push_object(), make_agents(0, 1, 3), 1e-10, "agents"),
        (push_object(), make_agents(0, 1, 2), -1.0, "tol"),
        (push_object(rho=0.0, H=1e-300), make_agents(0, 1e300, 2), 1e-10, "epsilon"),
    ],
)
def test_refusals(game, agents, tol, said):
    with pytest.raises(ValueError, match=said):
        solve_gaussian(game, agents, tol=tol)


def test_a_tolerance_below_rounding_is_reported_not_claimed():
    game = random_game(np.random.default_rng(3), [2, 2, 3])
    with pytest.raises(ConvergenceError, match="UNCERTIFIED") as caught:
        solved(game, 0.0, 0.5, tol=1e-30)
    assert 0.0 < caught.value.result.residual < 1e-13
    assert caught.value.result.unique is None
