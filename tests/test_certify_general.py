"""The second opinion for every risk measure, regulariser and form, against the definitions."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize

import rqe
from rqe.result.equilibrium import read_only
from rqe.solvers.convex_choice import choice_of
from rqe.solvers.convex_goal import GeneralGoal
from rqe.solvers.convex_risk import price_of
from tests.cells import CELLS, FORMS, REGULARIZERS, RISKS, SHAPES, agent_of

DIVERGENCES = (rqe.Entropic, rqe.ReverseKL, rqe.ChiSquared, rqe.TotalVariation)
GAME = rqe.NormalFormGame(np.random.default_rng(0).random((2, 3, 4)), name="random")
FULL = rqe.solve_rqe(GAME, tau=1.0, epsilon=1.0)


def log(x):
    with np.errstate(divide="ignore"):
        return np.log(x)


def profile(agents, *strategies):
    """A record that says no more than who plays what; its evidence is another profile's."""
    logs = tuple(read_only(log(np.array(x, dtype=float))) for x in strategies)
    return replace(
        FULL, agents=agents, strategies=tuple(np.exp(z) for z in logs), log_strategies=logs
    )


def divergence(risk, p, q):
    """The penalty of a belief, written from the definition for the tests; zero times log 0 is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        forward = np.where(p > 0.0, p * np.log(p / q), 0.0).sum(axis=-1)
        backward = np.where(q > 0.0, q * np.log(q / p), 0.0).sum(axis=-1)
        square = np.where((q > 0.0) | (p > 0.0), (p - q) ** 2 / q, 0.0).sum(axis=-1)
    if isinstance(risk, rqe.CVaR):
        return np.where((p <= q / risk.alpha + 1e-14 / risk.alpha).all(axis=-1), 0.0, np.inf)
    if isinstance(risk, rqe.WorstCase):
        return np.zeros(p.shape[:-1])
    if isinstance(risk, rqe.Neutral):
        return np.where(np.abs(p - q).max(axis=-1) < 1e-15, 0.0, np.inf)
    distance = {
        rqe.Entropic: forward,
        rqe.ReverseKL: backward,
        rqe.ChiSquared: square,
        rqe.TotalVariation: 0.5 * np.abs(p - q).sum(axis=-1),
    }[type(risk)]
    return distance / risk.tau


def penalty(rule, x):
    """The regulariser, written from the definition for the tests."""
    if isinstance(rule, rqe.LogBarrier):
        return -rule.epsilon * log(x).sum(axis=-1)
    if isinstance(rule, rqe.Tsallis) and rule.q != 1.0:
        return rule.epsilon * ((x**rule.q).sum(axis=-1) - 1.0) / (rule.q - 1.0)
    return rule.epsilon * np.where(x > 0.0, x * log(np.where(x > 0.0, x, 1.0)), 0.0).sum(axis=-1)


def sample(rng, size, n):
    """Distributions over the whole simplex, its edges and corners included."""
    inside = rng.dirichlet(np.ones(n), size // 2)
    edges = rng.dirichlet(np.full(n, 0.2), size - size // 2 - n)
    return np.concatenate([inside, edges, np.eye(n)])


MEASURES = [
    *(kind(tau) for kind in DIVERGENCES for tau in (0.01, 0.8, 5.0, 300.0)),
    *map(rqe.CVaR, (0.02, 0.3, 0.9)),
    rqe.WorstCase(),
    rqe.Neutral(),
]


@pytest.mark.parametrize("risk", MEASURES, ids=repr)
@pytest.mark.parametrize("gone", [0, 2])
def test_a_price_is_the_least_over_beliefs(risk, gone):
    """No sampled belief costs less than the dual's value, and the belief returned attains it."""
    rng = np.random.default_rng(1)
    for draw in range(6):
        q = rng.dirichlet(np.ones(5))
        q[:gone] = 0.0
        q /= q.sum()
        u = np.round(rng.random(5), 1) - 0.5
        if draw % 2:  # the worst is an outcome that the others never play, where there is one
            u[0] = u.min() - 0.1
        price = price_of(risk, log(q), 1.0)
        worth, belief = price.worth(u), price.belief(u)
        assert belief.min() >= 0.0
        assert belief.sum() == pytest.approx(1.0, abs=1e-12)
        beliefs = np.concatenate([sample(rng, 2000, 5), [q]])
        near = np.concatenate([0.9 * belief + 0.1 * beliefs, 0.999 * belief + 0.001 * beliefs])
        beliefs = np.concatenate([beliefs, near, 0.5 * (beliefs + q)])
        assert np.min(beliefs @ u + divergence(risk, beliefs, q)) >= worth - 1e-12
        assert belief @ u + divergence(risk, belief, q) == pytest.approx(worth, abs=1e-12)
        assert price.cost(belief) == pytest.approx(divergence(risk, belief, q), abs=1e-12)
        for p in beliefs[:50]:
            expected = divergence(risk, p, q)
            assert price.cost(p) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        repaired = price.repaired(beliefs[0])
        assert repaired.sum() == pytest.approx(1.0, abs=1e-12)
        assert price.cost(repaired) < np.inf


def test_prices_by_hand_where_the_others_never_play_the_worst():
    u, q = np.array([0.0, 1.0]), np.array([0.0, 1.0])

    def worth(risk):
        return price_of(risk, log(q), 1.0).worth(u)

    assert worth(rqe.WorstCase()) == 0.0
    assert worth(rqe.TotalVariation(4.0)) == 0.25  # all mass moves, at 1/tau
    # keeping a share s costs -log(s)/4 and is worth s: best at s = 1/4
    assert worth(rqe.ReverseKL(4.0)) == pytest.approx(0.25 + np.log(4.0) / 4.0, abs=1e-14)
    reverse = price_of(rqe.ReverseKL(4.0), log(q), 1.0)
    np.testing.assert_allclose(reverse.belief(u), [0.75, 0.25], atol=1e-14)
    for risk in (rqe.Entropic(4.0), rqe.ChiSquared(4.0), rqe.CVaR(0.1), rqe.Neutral()):
        assert worth(risk) == 1.0
    for kind in DIVERGENCES:
        assert worth(kind(np.inf)) == 0.0
        assert worth(kind(0.0)) == 1.0
    assert worth(rqe.CVaR(1.0)) == 1.0


@pytest.mark.parametrize("epsilon", [0.0, 1e-3, 0.2, 50.0])
@pytest.mark.parametrize(
    "kind",
    [rqe.NegEntropy, rqe.LogBarrier]
    + [lambda e, q=q: rqe.Tsallis(q, e) for q in (0.3, 0.999999, 1.0, 1.000001, 1.5, 2.0, 4.0)],
)
def test_a_choice_is_the_best_of_all_strategies(kind, epsilon):
    rule = kind(epsilon)
    rng = np.random.default_rng(2)
    choice = choice_of(rule, 1.0)
    # Tsallis by its definition loses digits next to order 1
    digits = 1e-9 if abs(getattr(rule, "q", 0.0) - 1.0) < 1e-3 else 1e-12
    for n in (1, 2, 4):
        v = np.round(rng.random(n), 1)
        most, log_x = choice.best(v)
        assert np.exp(log_x).sum() == pytest.approx(1.0, abs=1e-12)
        cost = penalty(rule, np.exp(log_x)) if epsilon else 0.0
        attained = np.exp(log_x) @ v - cost
        assert most == pytest.approx(attained, abs=digits * max(1.0, epsilon))
        own = np.exp(log_x) @ v - choice.penalty(log_x)
        assert own == pytest.approx(attained, abs=digits * max(1.0, epsilon))
        x = sample(rng, 2000, n)
        x = np.concatenate([x, 0.99 * np.exp(log_x) + 0.01 * x])
        cost = penalty(rule, x) if epsilon else 0.0
        assert np.max(x @ v - cost) <= most + digits * max(1.0, epsilon)


def objective(agent, matrix, q):
    """The player's objective at strategies (k, n), by the package's own batched definitions."""

    def value(x):
        joint = np.broadcast_to(log(q), (*x.shape[:-1], q.size))
        if agent.form == "aggregate":
            worth = agent.risk.certainty_equivalent(x @ matrix, joint)
        else:
            rows = np.broadcast_to(log(q), matrix.shape)
            worth = x @ agent.risk.certainty_equivalent(matrix, rows)
        return worth - agent.regularizer.penalty(log(x))

    return value


def searched(value, start):
    """A best strategy by a simplex search over logits: no derivative, no program."""

    def loss(z):
        x = np.exp(z - z.max())
        return -float(value((x / x.sum())[None])[0])

    z = np.log(np.maximum(start, 1e-6))
    for _ in range(2):  # restarted, since a search can stall where risk has kinks
        z = minimize(
            loss, z, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 300}
        ).x
    x = np.exp(z - z.max())
    return x / x.sum()


@pytest.mark.parametrize(("risk", "rule", "form"), list(product(RISKS, REGULARIZERS, FORMS)))
def test_best_response_agrees_with_a_search(risk, rule, form):
    agent = agent_of(risk, rule, form)
    rng = np.random.default_rng(3)
    x, q = rng.dirichlet(np.ones(3)), np.array([0.4, 0.0, 0.35, 0.25])
    agents = (agent, agent_of("Neutral", "NegEntropy", "aggregate"))
    certificate = rqe.certify(GAME, profile(agents, x, q))
    value = objective(agent, GAME.payoffs[0], q)
    tries = np.maximum(sample(rng, 2000, 3), 1e-300)
    worths = value(tries)
    best = searched(value, tries[np.argmax(worths)])
    top = float(value(best[None])[0])
    assert certificate.values[0] == pytest.approx(float(value(x[None])[0]), abs=1e-12)
    assert -1e-12 <= certificate.bound[0] - certificate.best[0] <= 1e-6 * GAME.payoff_ranges[0]
    assert certificate.bound[0] >= max(top, worths.max()) - 1e-12
    assert certificate.best[0] == pytest.approx(top, abs=1e-7)
    assert certificate.gain[0] > 0.0
    assert certificate.verdict[0] == "refuted"
    # the search's strategy is a best response; a step away from it is not
    assert rqe.certify(GAME, profile(agents, best, q)).verdict[0] == "certified"
    away = 0.9 * best + 0.1 * np.eye(3)[np.argmin(best)]
    assert rqe.certify(GAME, profile(agents, away, q)).verdict[0] == "refuted"


@pytest.mark.parametrize("risk", RISKS)
@pytest.mark.parametrize("form", FORMS)
def test_equilibria_are_certified_and_their_neighbours_are_not(risk, form):
    checked = 0
    for cell in CELLS:
        if (cell[0], cell[2]) != (risk, form) or (cell[3] > 2 and cell[1] != "LogBarrier"):
            continue
        rng = np.random.default_rng(CELLS.index(cell))
        game = rqe.NormalFormGame([rng.random(SHAPES[cell[3]]) for _ in range(cell[3])])
        try:
            eq = rqe.solve(game, [agent_of(*cell[:3])] * cell[3])
        except ValueError:  # refused by name: see tests/test_cells.py
            continue
        checked += 1
        certificate = rqe.certify(game, eq)
        assert certificate.ok, str(certificate)
        assert (certificate.gain <= eq.regret + 1e-9).all()
        np.testing.assert_allclose(certificate.values, eq.values, rtol=0.0, atol=1e-10)
        away = [0.8 * x + 0.2 * np.eye(x.size)[np.argmin(x)] for x in eq.strategies]
        moved = replace(eq, strategies=tuple(away), log_strategies=tuple(map(log, away)))
        assert "refuted" in rqe.certify(game, moved).verdict
    assert checked >= 5


@pytest.mark.parametrize("risk", [*DIVERGENCES, rqe.CVaR])
@pytest.mark.parametrize("epsilon", [1e-3, 0.1, 5.0, 1e4])
def test_bracket_is_narrow_over_the_whole_range(risk, epsilon):
    rng = np.random.default_rng(4)
    degrees = (0.01, 0.5, 0.99) if risk is rqe.CVaR else (1e-300, 1e-8, 1e-3, 0.1, 30.0, 1e4, 1e6)
    rules = (rqe.NegEntropy(epsilon), rqe.LogBarrier(epsilon), rqe.Tsallis(0.5, epsilon),
             rqe.Tsallis(2.0, epsilon))  # fmt: skip
    payoffs = (rng.random((3, 5)), np.round(rng.random((4, 3))), np.zeros((2, 2)))
    for degree, rule, payoff in product(degrees, rules, payoffs):
        q = rng.dirichlet(np.ones(payoff.shape[1]))
        q[0] = rng.choice([q[0], 0.0, 1e-20])
        each = bool(rng.random() < 0.3)
        price = price_of(risk(degree), log(q / q.sum()), 1.0)
        goal = GeneralGoal(payoff - 0.5, price, choice_of(rule, 1.0), each)
        best, bound, word = goal.bracket()
        assert word in ("optimal", "optimal_inaccurate")
        assert -1e-11 * max(1.0, epsilon) <= bound - best <= 1e-6, (degree, rule, each)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
@pytest.mark.parametrize("risk", RISKS)
def test_units_do_not_matter(scale, risk):
    def measured(measure, unit):
        return replace(measure, tau=measure.tau / unit) if hasattr(measure, "tau") else measure

    x, q = [0.2, 0.3, 0.5], [0.1, 0.2, 0.3, 0.4]
    found = []
    for unit in (1.0, scale):
        game = rqe.NormalFormGame(unit * np.stack(GAME.payoffs))
        agent = rqe.Agent(measured(RISKS[risk], unit), rqe.LogBarrier(0.1 * unit))
        certificate = rqe.certify(game, profile((agent, agent), x, q))
        found.append([certificate.values / unit, certificate.best / unit])
        assert certificate.verdict == ("refuted", "refuted")
    np.testing.assert_allclose(found[0], found[1], rtol=1e-7)


def test_an_action_never_played_has_an_infinite_barrier():
    agent = rqe.Agent(rqe.CVaR(0.5), rqe.LogBarrier(0.1))
    certificate = rqe.certify(GAME, profile((agent, agent), [0.0, 0.5, 0.5], [0.25] * 4))
    assert certificate.values[0] == -np.inf
    assert np.isfinite(certificate.values[1])
    assert certificate.verdict[0] == "refuted"
    assert "refuted" in str(certificate)


def test_the_record_s_own_evidence_is_not_read():
    agents = (agent_of("CVaR", "LogBarrier", "aggregate"), FULL.agents[1])
    plain = profile(agents, [0.2, 0.3, 0.5], [0.1, 0.2, 0.3, 0.4])
    false = replace(
        plain,
        beliefs=tuple(np.full_like(p, np.nan) for p in plain.beliefs),
        values=plain.values + 7.0,
        regret=0.0 * plain.regret,
        status=rqe.Status.CONVERGED,
    )
    one, other = rqe.certify(GAME, plain), rqe.certify(GAME, false)
    for name in ("values", "best", "bound"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_each_player_is_judged_by_its_own_attitude():
    careful = agent_of("TotalVariation", "Tsallis(1.5)", "action_dependent")
    logit = rqe.Agent(rqe.Entropic(2.0), rqe.NegEntropy(0.3))
    x, q = [0.2, 0.3, 0.5], [0.1, 0.2, 0.3, 0.4]
    mixed = rqe.certify(GAME, profile((careful, logit), x, q))
    alone = [rqe.certify(GAME, profile((a, a), x, q)) for a in (careful, logit)]
    for i in range(2):
        assert mixed.values[i] == alone[i].values[i]
        assert mixed.bound[i] == alone[i].bound[i]
    assert alone[0].bound[1] != alone[1].bound[1]


def test_a_failed_program_leaves_a_true_bracket(monkeypatch):
    import cvxpy as cp

    def fail(*_, **__):
        raise cp.SolverError("no answer")

    agent = agent_of("CVaR", "LogBarrier", "aggregate")
    record = profile((agent, agent), [0.2, 0.3, 0.5], [0.1, 0.2, 0.3, 0.4])
    truth = rqe.certify(GAME, record)
    monkeypatch.setattr(cp.Problem, "solve", fail)
    poor = rqe.certify(GAME, record)
    assert poor.solver == ("failed", "failed")
    assert (poor.best <= truth.bound + 1e-12).all()
    assert (poor.bound >= truth.best - 1e-12).all()
    assert (poor.bound - poor.best > truth.bound - truth.best).all()


def test_a_solver_that_gets_stuck_is_asked_again():
    """Large programs at which Clarabel's first attempt ends without progress."""
    game = rqe.NormalFormGame(np.random.default_rng(0).random((3, 20, 20, 20)))
    even = rqe.solve_rqe(game, tau=0.0, epsilon=1e6)
    for rule in (rqe.LogBarrier(0.1), rqe.NegEntropy(10.0)):
        agents = (rqe.Agent(rqe.WorstCase(), rule),) * 3
        certificate = rqe.certify(game, replace(even, agents=agents))
        assert "failed" not in certificate.solver
        assert (certificate.bound - certificate.best <= 1e-6).all()
        assert certificate.verdict == ("refuted",) * 3


def test_a_stranger_s_attitude_is_refused_by_name():
    @dataclass(frozen=True)
    class Odd:
        smooth = True
        certainty_equivalent = log_belief = penalty = slack = log_response = None

    odd = (rqe.Agent(Odd(), rqe.NegEntropy(0.1)), rqe.Agent(rqe.Neutral(), Odd()))
    for agent, word in zip(odd, ("risk must be", "regularizer must be"), strict=True):
        with pytest.raises(ValueError, match=word):
            rqe.certify(GAME, profile((agent, agent), [0.2, 0.3, 0.5], [0.25] * 4))
