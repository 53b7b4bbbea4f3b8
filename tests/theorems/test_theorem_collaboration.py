"""Risk induces collaboration: the derivation, solved games, and games outside its range."""

import numpy as np
import pytest
import sympy as sp

import rqe
from games.aggregative import push_object
from rqe.analysis.theorems import _collaboration_proof as proof
from rqe.analysis.theorems import get
from rqe.analysis.theorems.collaboration import (
    counterexample,
    matrix_costs,
    matrix_slopes,
    printed_blocks,
    with_matrix_costs,
)
from rqe.analysis.theorems.gaussian_equilibrium import printed_means
from rqe.model.quadratic import QuadraticGame

STATEMENT = get("collaboration")


@pytest.mark.parametrize(("name", "gap"), STATEMENT.derive().items())
def test_derivation(name, gap):
    assert sp.simplify(gap) == 0, name


def test_the_proof_as_printed_is_rejected():
    gaps = {name: sp.simplify(gap) for name, gap in proof.proof_as_printed().items()}
    assert sum(gap != 0 for name, gap in gaps.items() if name.startswith("block")) == 9
    # player 2's entry is wrong, and only for unequal players
    wrong = gaps["means of players 1 and 2, 1"]
    assert wrong != 0
    assert gaps["means of players 1 and 2, 0"] == 0
    equal = {"tau2": "tau1", "v2": "v1"}
    symbols = {s.name: s for s in wrong.free_symbols}
    assert sp.simplify(wrong.subs({symbols[a]: symbols[b] for a, b in equal.items()})) == 0


def test_check_finds_no_violation():
    found = STATEMENT.check(40, 0)
    assert sum(found.column("violations")) == 0
    assert found.column("draws") == (40,) * 5


def rewards(game, H, target, taus, epsilon):
    """J at the means, by the linear system of the solver."""
    means = [np.array(rqe.solve_rqe(game, t, epsilon).means) for t in taus]
    return [-0.5 * (m.sum(0) - target) @ H @ (m.sum(0) - target) for m in means]


def test_counterexample_with_matrix_costs():
    """H = 1, costs that do not commute with each other: exact, and by the solver."""
    H, costs, target = counterexample()
    t = sp.Symbol("t")
    one, aim = sp.eye(2), sp.Matrix([0, 1])
    Q = [sp.Matrix(2, 2, [int(x) for x in cost.ravel()]) for cost in costs]
    first, second = sp.Matrix(sp.symbols("x1:3")), sp.Matrix(sp.symbols("y1:3"))
    # player 1 is neutral; player 2's P^{-1} = t (Sigma_1^{-1} - t)^{-1}
    precision = one + Q[0]
    risk = (precision - t * one).inv()
    reply = (one + Q[1] + t * risk).inv() * (aim - risk * (precision * first - t * aim))
    conditions = [*((one + Q[0]) * first - (aim - second)), *(second - reply)]
    solved = sp.solve(conditions, [*first, *second])
    miss = (first + second - aim).subs(solved)
    reward = -(miss.T * miss)[0] / 2
    assert sp.diff(reward, t).subs(t, 0) == sp.Rational(-2, 729)
    assert "-2/729" in STATEMENT.counterexample
    game = with_matrix_costs(H, costs, target)
    here, there = rewards(game, H, target, ([0.0, 0.0], [0.0, 1e-3]), 1.0)
    assert (there - here) / 1e-3 == pytest.approx(-2 / 729, rel=2e-2)
    for cost in costs:  # each commutes with H, and they not with each other
        np.testing.assert_array_equal(H @ cost, cost @ H)
    assert np.any(costs[0] @ costs[1] != costs[1] @ costs[0])


def test_unequal_levers_are_such_a_counterexample():
    """Costs |b_i|²/2, but what counts is B_i b_i: J falls in tau_2."""
    H, costs, target = counterexample()
    levers = [np.linalg.cholesky(np.linalg.inv(Q)) for Q in costs]
    np.testing.assert_allclose(levers[0], [[1.0, 0.0], [2.0, 1.0]], atol=1e-12)
    joint = np.hstack(levers)
    hessians = []
    for i in range(2):
        effort = np.zeros((4, 4))
        effort[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = np.eye(2)
        hessians.append(-joint.T @ joint - effort)
    game = QuadraticGame(hessians, [joint.T @ target] * 2, [2, 2])
    found = []
    for tau in ([0.0, 0.0], [0.0, 0.1]):
        miss = joint @ np.concatenate(rqe.solve_rqe(game, tau, 1.0).means) - target
        found.append(-0.5 * miss @ miss)
    plain = rewards(with_matrix_costs(H, costs, target), H, target, ([0, 0], [0, 0.1]), 1.0)
    np.testing.assert_allclose(found, plain, rtol=1e-10)
    assert found[1] < found[0]


def test_matrix_slopes_are_differences_of_solved_games():
    rng = np.random.default_rng(4)
    for n in (2, 3):
        H, *costs = (r @ r.T + 0.3 * np.eye(2) for r in rng.normal(size=(n + 1, 2, 2)))
        target, epsilon, tau = rng.normal(size=2), np.full(n, 0.3), np.full(n, 0.2)
        game = with_matrix_costs(H, costs, target)
        K, forms = matrix_slopes(H, costs, tau, epsilon)
        undone = np.linalg.solve(K, target)
        for i, form in enumerate(forms):
            taus = [tau + k * 1e-4 * np.eye(n)[i] for k in (-1, 1)]
            below, above = rewards(game, H, target, taus, epsilon)
            assert undone @ form @ undone == pytest.approx((above - below) / 2e-4, rel=1e-5)


def test_random_matrix_costs_violate_the_claim():
    found = matrix_costs(300, 0)
    some, worst, common, common_worst = found.column("violations")
    assert 40 < some < worst < 200
    assert 20 < common < common_worst
    assert matrix_costs(100, 0, players=4).column("violations")[0] > 20


def test_block_diagonal_curvature_violates_the_claim():
    found = printed_blocks(60, 0)
    assert found.column("draws")[0] > 30
    assert found.column("violations")[0] > 10
    # three equal players: falling, and rising in truth
    game, epsilon = push_object(n_players=3), np.ones(3)
    J = []
    for tau in (2 / 3, 14 / 15):
        means = printed_means(game, np.full(3, tau), epsilon)
        np.testing.assert_allclose(means, (1 + tau / 2) / 4, rtol=1e-12)
        J.append(-0.5 * (means.sum() - 1.0) ** 2)
    assert [pytest.approx(0.0, abs=1e-25), pytest.approx(-1 / 200, rel=1e-12)] == J
    true = rewards(game, game.H, game.target, (2 / 3, 14 / 15), 1.0)
    assert true[0] < true[1]


def test_verdict():
    assert STATEMENT.verdict == "holds with a correction"
    assert "minus signs" in STATEMENT.correction
    assert "P_21" in STATEMENT.correction
