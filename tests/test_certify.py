"""The convex certificate: agrees with solved games, refutes wrong ones, admits what it can't."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

import rqe
from rqe.result.equilibrium import read_only
from rqe.solvers.convex import Certificate, Goal, certify
from rqe.solvers.worst_case import worst_case_response

STAG_HUNT = rqe.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]], name="stag hunt")


def moved(eq, *strategies):
    """The same record with another profile."""
    with np.errstate(divide="ignore"):
        logs = tuple(read_only(np.log(np.array(x, dtype=float))) for x in strategies)
    return replace(eq, strategies=tuple(np.exp(z) for z in logs), log_strategies=logs)


@pytest.mark.parametrize("tau", [0.0, 1e-6, 0.5, 20.0, np.inf])
@pytest.mark.parametrize("epsilon", [0.05, 1.0, 1e4])
def test_solved_games_are_certified(tau, epsilon):
    rng = np.random.default_rng(0)
    for shape in ((2, 2), (3, 4), (1, 3), (2, 3, 2)):
        game = rqe.NormalFormGame(rng.random((len(shape), *shape)))
        eq = rqe.solve_rqe(game, tau=tau, epsilon=epsilon)
        certificate = certify(game, eq)
        assert certificate.ok, str(certificate)
        assert (certificate.bound - certificate.values <= 1e-6 * certificate.ranges).all()
        np.testing.assert_allclose(certificate.values, eq.values, rtol=1e-12, atol=1e-10)
        # the closed form covers what the program finds
        assert (certificate.gain <= eq.regret + 1e-9).all()


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_units_do_not_matter(scale):
    game = rqe.NormalFormGame(scale * np.stack(STAG_HUNT.payoffs))
    eq = rqe.solve_rqe(game, tau=[1.0 / scale, 3.0 / scale], epsilon=0.5 * scale)
    assert certify(game, eq).ok
    wrong = certify(game, moved(eq, [0.5, 0.5], [0.5, 0.5]))
    assert wrong.verdict == ("refuted", "refuted")


@pytest.mark.parametrize(
    ("tau", "epsilon"),
    [(0.0, 0.0), (0.0, 0.3), (1.0, 0.0), (1.0, 0.3), (50.0, 0.3), (np.inf, 0.3), (np.inf, 0.0)],
)
def test_gain_equals_a_search_over_strategies(tau, epsilon):
    rng = np.random.default_rng(1)
    game = rqe.NormalFormGame(rng.random((2, 2, 3)))
    any_eq = rqe.solve_rqe(game, tau=1.0, epsilon=1.0)
    agents = (rqe.Agent(rqe.Entropic(tau), rqe.NegEntropy(epsilon)),) * 2
    q = np.array([0.2, 0.5, 0.3])
    eq = replace(moved(any_eq, [0.4, 0.6], q), agents=agents)
    certificate = certify(game, eq)

    def value(first):
        x = np.array([first, 1.0 - first])
        u = x @ game.payoffs[0]
        if tau == np.inf:
            worth = u.min()
        else:
            worth = q @ u if tau == 0.0 else -np.log(q @ np.exp(-tau * u)) / tau
        return worth - epsilon * np.sum(x[x > 0.0] * np.log(x[x > 0.0]))

    inside = minimize_scalar(
        lambda x: -value(x), bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-12}
    )
    top = max(-inside.fun, value(0.0), value(1.0))
    assert certificate.values[0] == pytest.approx(value(0.4), abs=1e-12)
    assert certificate.best[0] == pytest.approx(top, abs=1e-7)
    assert certificate.bound[0] >= top - 1e-10
    assert certificate.gain[0] == pytest.approx(top - value(0.4), abs=1e-7)


def test_nash_and_security_profiles():
    nash = rqe.solve_rqe(STAG_HUNT, tau=1.0, epsilon=1.0)
    exact = (rqe.Agent(rqe.Entropic(0.0), rqe.NegEntropy(0.0)),) * 2
    for profile, ok in (
        (([1, 0], [1, 0]), True),
        (([0, 1], [0, 1]), True),
        (([0.75, 0.25], [0.75, 0.25]), True),
        (([1, 0], [0, 1]), False),
        (([0.7, 0.3], [0.75, 0.25]), False),
    ):
        assert certify(STAG_HUNT, replace(moved(nash, *profile), agents=exact)).ok is ok
    averse = (rqe.Agent(rqe.Entropic(np.inf), rqe.NegEntropy(0.0)),) * 2
    assert certify(STAG_HUNT, replace(moved(nash, [0, 1], [0, 1]), agents=averse)).ok
    # the worst case counts actions that the partner never plays
    assert not certify(STAG_HUNT, replace(moved(nash, [1, 0], [1, 0]), agents=averse)).ok


@pytest.mark.parametrize("tau", [0.0, 1e-8, 1e-4, 1e-2, 1.0, 100.0, 1e4, 1e6, np.inf])
@pytest.mark.parametrize("epsilon", [0.0, 1e-3, 0.1, 5.0, 1e4])
def test_bracket_is_narrow_over_the_whole_range(tau, epsilon):
    rng = np.random.default_rng(2)
    payoffs = (rng.random((3, 5)), np.round(rng.random((4, 3))))
    for payoff in payoffs:
        goal = Goal(payoff - 0.5, np.log(rng.dirichlet(np.ones(payoff.shape[1]))), tau, epsilon)
        x, p, word = goal.solve()
        best, bound = goal.bracket(x, p)
        assert word in ("optimal", "optimal_inaccurate")
        assert -1e-11 * max(1.0, epsilon) <= bound - best <= 1e-6


def test_bracket_holds_the_truth_however_poor_the_answer():
    rng = np.random.default_rng(3)
    matrix, log_q = rng.random((3, 4)) - 0.5, np.log(rng.dirichlet(np.ones(4)))
    for tau in (0.0, 1e-7, 0.8, 1e3):
        goal = Goal(matrix, log_q, tau, 0.2)

        def loss(z, goal=goal):
            x = np.exp(z - z.max())
            return -goal.value(x / x.sum())

        truth = -min(
            minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13}).fun
            for start in (np.zeros(3), np.array([1.0, 0.0, -1.0]))
        )
        best, bound = goal.bracket(np.array([0.1, 0.1, 0.8]), rng.dirichlet(np.ones(4)))
        assert best <= truth + 1e-10
        assert bound >= truth - 1e-10


def test_worst_case_solutions_are_certified():
    rng = np.random.default_rng(4)
    matrix = rng.random((4, 7))
    matrix = (matrix - matrix.min()) / np.ptp(matrix)
    for epsilon in (0.0, 0.01, 1.0):
        log_x, _, _ = worst_case_response(matrix, epsilon)
        goal = Goal(matrix - 0.5, np.full(7, -np.log(7.0)), np.inf, epsilon)
        best, bound = goal.bracket(*goal.solve()[:2])
        assert best - 1e-12 <= goal.value(np.exp(log_x)) + 1e-8
        assert goal.value(np.exp(log_x)) <= bound + 1e-12


def test_a_probability_that_underflows_still_counts():
    # player 1 plays its second action with probability exp(-1000), which is 0 in double precision;
    # player 2 would lose 1 there, and at tau = 2000 that outweighs it: -log(e^-1000) / 2000 = 1/2
    game = rqe.NormalFormGame([[[1.0, 1.0], [0.0, 0.0]], [[1.0, 0.9], [0.0, 0.9]]])
    eq = rqe.solve_rqe(game, tau=[0.0, 2000.0], epsilon=[1e-3, 1e-2])
    assert eq.log_strategies[0][1] == pytest.approx(-1000.0)
    assert eq.strategies[0][1] == 0.0
    certificate = certify(game, eq)
    assert certificate.ok
    np.testing.assert_allclose(certificate.values, eq.values, rtol=1e-12)
    bold = replace(eq, log_strategies=(eq.log_strategies[0], np.array([0.0, -np.inf])))
    assert certify(game, bold).values[1] == pytest.approx(0.5, abs=1e-12)
    assert certify(game, bold).verdict == ("certified", "refuted")


def test_an_inaccurate_solver_leaves_the_verdict_open():
    ones = np.ones(2)
    certificate = Certificate(
        values=ones,
        best=np.array([1.0, 1.5]),
        bound=np.array([2.0, 2.0]),
        ranges=ones,
        solver=("optimal_inaccurate", "failed"),
        tol=1e-6,
    )
    assert certificate.verdict == ("undecided", "refuted")
    assert not certificate.ok
    assert "optimal_inaccurate" in str(certificate)


def test_a_failed_program_says_so(monkeypatch):
    import cvxpy as cp

    def fail(*_, **__):
        raise cp.SolverError("no answer")

    eq = rqe.solve_rqe(STAG_HUNT, tau=1.0, epsilon=0.5)
    monkeypatch.setattr(cp.Problem, "solve", fail)
    certificate = certify(STAG_HUNT, moved(eq, [0.5, 0.5], [0.9, 0.1]))
    assert certificate.solver == ("failed", "failed")
    assert not certificate.ok


def test_prints_one_row_a_player():
    certificate = certify(STAG_HUNT, rqe.solve_rqe(STAG_HUNT, tau=1.0, epsilon=0.5))
    text = str(certificate)
    assert text.count("certified") == 2
    assert "ok" in repr(certificate)
    assert certificate._repr_html_().count("<tr>") == 3
    assert len(certificate.table().rows) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"game": "stag hunt"}, "game must be"),
        ({"eq": None}, "eq must be"),
        ({"game": rqe.NormalFormGame(np.zeros((2, 3, 3)))}, "shape"),
        ({"tol": 0.0}, "tol must be"),
        ({"tol": float("nan")}, "tol must be"),
        ({"tol": "small"}, "tol must be"),
    ],
)
def test_refusals_name_the_argument(change, words):
    eq = rqe.solve_rqe(STAG_HUNT, tau=1.0, epsilon=0.5)
    given = {"game": STAG_HUNT, "eq": eq, "tol": 1e-6, **change}
    with pytest.raises(ValueError, match=words):
        certify(given["game"], given["eq"], tol=given["tol"])


def _profiles_of_every_solver():
    rng = np.random.default_rng(3)
    game = rqe.NormalFormGame(rng.random((2, 3, 3)))
    agents = [
        rqe.Agent(rqe.Entropic(tau), rqe.NegEntropy(epsilon))
        for tau, epsilon in ((3.0, 0.1), (np.inf, 0.2))
    ]
    found = {
        "solve": rqe.solve(game, agents),
        "solve_rqe": rqe.solve_rqe(game, 2.0, 0.1),
        "solve_rqe any": rqe.solve_rqe(game, 2.0, 0.1, select="any"),
        "solve_rqe tau = inf": rqe.solve_rqe(game, np.inf, 0.1),
        "solve_qre": rqe.solve_qre(game, 0.1),
        "solve_security": rqe.solve_security(game),
        "solve_many": rqe.solve_many(np.stack([np.stack(game.payoffs)] * 2), 2.0, 0.1)[1],
    }
    for method in ("vertex", "lemke-howson", "homotopy"):
        found[f"solve_nash {method}"] = rqe.solve_nash(game, method=method)[0]
    for k, eq in enumerate(rqe.enumerate_rqe(game, 0.2, 0.05)):
        found[f"enumerate_rqe {k}"] = eq
    return [pytest.param(game, eq, id=name) for name, eq in found.items()]


@pytest.mark.parametrize(("game", "eq"), _profiles_of_every_solver())
def test_every_solver_is_certified_and_its_neighbour_is_not(game, eq):
    assert rqe.certify(game, eq).ok
    away = [0.8 * x + 0.2 * np.eye(x.size)[np.argmin(x)] for x in eq.strategies]
    with np.errstate(divide="ignore"):
        logs = tuple(np.log(x) for x in away)
    elsewhere = replace(eq, strategies=tuple(away), log_strategies=logs)
    assert "refuted" in rqe.certify(game, elsewhere).verdict
