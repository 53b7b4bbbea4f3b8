"""When equilibrium is tractable: closed forms against eigenvalues, searches and counterexamples."""

import numpy as np
import pytest
from scipy.optimize import minimize

import rqe
from rqe import ChiSquared, Entropic, LogBarrier, NegEntropy, ReverseKL, Tsallis
from rqe.analysis.theorems.learning_game import at_threshold, coordination, lean, operator
from rqe.analysis.tractability import spectral_radius


def alike(risk, rule, players=2):
    return [rqe.Agent(risk, rule)] * players


@pytest.mark.parametrize(
    ("agents", "threshold"),
    [
        (alike(Entropic(1.0), LogBarrier(0.125)), 1 / 64),
        (alike(ReverseKL(1.0), NegEntropy(0.25)), 1 / 16),
        (alike(ReverseKL(1.0), LogBarrier(0.125)), 1 / 64),
        ([rqe.Agent(ReverseKL(1.0), r) for r in (NegEntropy(0.25), LogBarrier(0.125))], 1 / 32),
        ([rqe.Agent(Entropic(1.0), NegEntropy(0.25)), rqe.Agent(ReverseKL(1.0), LogBarrier(0.125))],
         1 / 32),
    ],
)  # fmt: skip
def test_two_players_have_a_product_and_its_border(agents, threshold):
    found = rqe.is_tractable(agents)
    assert found
    assert (found.value, found.threshold) == (threshold, threshold)
    assert found.sharp
    tau = agents[0].risk.tau * (1.0 - 1e-12)
    below = [rqe.Agent(type(agents[0].risk)(tau), agents[0].regularizer), agents[1]]
    assert rqe.is_tractable(below).outcome == "refuted"
    # only the product counts, whoever has which part of it
    shifted = [
        rqe.Agent(type(a.risk)(a.risk.tau * f), type(a.regularizer)(a.regularizer.epsilon / g))
        for a, f, g in zip(agents, (4.0, 0.5), (8.0, 0.25), strict=True)
    ]
    assert rqe.is_tractable(shifted).value == threshold


@pytest.mark.parametrize("players", [2, 3, 4, 7])
def test_players_alike(players):
    border = (players - 1) ** 2 / 8
    assert rqe.is_tractable(alike(Entropic(1.0), LogBarrier(border + 1e-9), players))
    assert not rqe.is_tractable(alike(Entropic(1.0), LogBarrier(border - 1e-9), players))
    border = (players - 1) / 4
    assert rqe.is_tractable(alike(ReverseKL(1.0), NegEntropy(border + 1e-9), players))
    assert not rqe.is_tractable(alike(ReverseKL(1.0), NegEntropy(border - 1e-9), players))
    assert rqe.is_tractable(alike(ReverseKL(1.0), LogBarrier(border / 2 + 1e-9), players))
    assert not rqe.is_tractable(alike(ReverseKL(1.0), LogBarrier(border / 2 - 1e-9), players))


def random_agents(rng, players):
    risks = (Entropic, ReverseKL)
    degrees = 10.0 ** rng.uniform(-1, 0.7, size=(players, 2))
    return [rqe.Agent(risks[rng.integers(2)](t), LogBarrier(e)) for t, e in degrees]


def form(agents, weights):
    """The matrix that must be positive semidefinite: log-barriers, by definition."""
    n = len(agents)
    out = np.diag([w * 2.0 * a.regularizer.epsilon for w, a in zip(weights, agents, strict=True)])
    for i, a in enumerate(agents):
        rest = np.ones(n) - np.eye(n)[i]
        asked = np.outer(rest, rest) if isinstance(a.risk, Entropic) else np.diag(rest)
        out = out - weights[i] / (4.0 * a.risk.tau) * asked
    return out


@pytest.mark.parametrize("players", [2, 3, 5])
def test_the_weights_work_and_without_them_none_do(players):
    rng = np.random.default_rng(players)
    seen = set()
    for _ in range(40):
        agents = random_agents(rng, players)
        found = rqe.is_tractable(agents)
        seen.add(found.outcome)
        if found:
            assert sum(found.weights) == pytest.approx(1.0)
            matrix = form(agents, found.weights)
            assert np.linalg.eigvalsh(matrix).min() >= -1e-12 * np.abs(matrix).max()
            continue

        # a search over all weights for one with a nonnegative form, in units of its diagonal
        def least(logs, agents=agents):
            weights = np.exp(logs - logs.max())
            matrix = form(agents, weights)
            unit = np.sqrt(
                [w * a.regularizer.epsilon for w, a in zip(weights, agents, strict=True)]
            )
            return -np.linalg.eigvalsh(matrix / np.outer(unit, unit)).min()

        search = minimize(least, np.zeros(players), method="Nelder-Mead")
        assert search.fun > 0
    assert seen == {"proved", "refuted"}


def test_closed_forms_are_the_spectral_radius():
    rng = np.random.default_rng(9)
    for _ in range(50):
        players = int(rng.integers(2, 6))
        risk = (Entropic, ReverseKL)[rng.integers(2)]
        agents = [
            rqe.Agent(risk(t), LogBarrier(e)) for t, e in 10.0 ** rng.uniform(-1, 1, (players, 2))
        ]
        assert bool(rqe.is_tractable(agents)) == (spectral_radius(agents)[0] <= 1.0)
        assert rqe.is_tractable(at_threshold(agents, 1.0 + 1e-9))
        assert rqe.is_tractable(at_threshold(agents, 1.0 - 1e-9)).outcome == "refuted"


@pytest.mark.parametrize("order", [0.2, 0.5, 0.9])
def test_tsallis_curvature_by_search(order):
    # least sum h^2 x^(q-2) per sum h^2 / x over x and moves h that add up to nothing
    rng = np.random.default_rng(0)
    least = np.inf
    for _ in range(20_000):
        x = rng.dirichlet(np.full(3, 10.0 ** rng.uniform(-1, 1)))
        h = rng.normal(size=3) * x ** rng.uniform(0, 1)
        h -= h.mean()
        least = min(least, float(np.sum(h**2 * x ** (order - 2)) / np.sum(h**2 / x)))
    assert 2 ** (1 - order) - 1e-12 <= least <= 1.1 * 2 ** (1 - order)
    border = 0.25 / (order * 2 ** (1 - order))
    found = rqe.is_tractable(alike(ReverseKL(1.0), Tsallis(order, 1.001 * border)))
    assert found.outcome == "proved"
    below = alike(ReverseKL(1.0), Tsallis(order, 0.95 * border))
    assert rqe.is_tractable(below).outcome == "refuted"
    assert lean(coordination(below, np.ones(2)), below) > 0.01


@pytest.mark.parametrize(
    ("risk", "rule", "threshold"),
    [
        (ChiSquared, NegEntropy, 1 / 4),
        (ChiSquared, LogBarrier, 1 / 16),
        (Entropic, NegEntropy, 1 / 16),
    ],
)
def test_where_no_theorem_says_yes_one_can_still_say_no(risk, rule, threshold):
    epsilon = np.sqrt(threshold)
    above = rqe.is_tractable(alike(risk(1.0), rule(1.01 * epsilon)))
    assert (above.outcome, above.sharp) == ("unknown", False)
    assert not above
    below = alike(risk(1.0), rule(0.97 * epsilon))
    found = rqe.is_tractable(below)
    assert (found.outcome, found.threshold) == ("refuted", pytest.approx(threshold))
    assert lean(coordination(below, np.ones(2)), below) > 0.01


@pytest.mark.parametrize(
    "agent",
    [
        rqe.Agent(rqe.CVaR(0.5), NegEntropy(9.0)),
        rqe.Agent(rqe.TotalVariation(9.0), NegEntropy(9.0)),
        rqe.Agent(rqe.WorstCase(), LogBarrier(9.0)),
        rqe.Agent(Entropic(np.inf), LogBarrier(9.0)),
        rqe.Agent(ReverseKL(9.0), NegEntropy(0.0)),
        rqe.Agent(ReverseKL(9.0), Tsallis(1.5, 9.0)),
        rqe.Agent(ReverseKL(9.0), NegEntropy(9.0), form="action_dependent"),
    ],
)
def test_no_theorem_is_no_answer(agent):
    found = rqe.is_tractable([agent, rqe.Agent(ReverseKL(9.0), LogBarrier(9.0))])
    assert found.outcome == "unknown"
    assert "no theorem" in found.theorem
    assert found.weights == ()


def test_neutral_players_are_refuted():
    for risk in (rqe.Neutral(), Entropic(0.0), ReverseKL(0.0)):
        agents = [rqe.Agent(risk, LogBarrier(1.0)), rqe.Agent(ReverseKL(1.0), LogBarrier(1.0))]
        assert rqe.is_tractable(agents).outcome == "refuted"
        assert rqe.is_tractable([*agents, agents[1]]).outcome == "refuted"
    # a strong enough wish to agree
    game = rqe.NormalFormGame([np.array([[9.0, -9.0], [-9.0, 9.0]])] * 2)
    found = [
        rqe.solve(game, [rqe.Agent(Entropic(0.0), NegEntropy(1.0))] * 2, start=[s, s]).strategies[
            0
        ][0]
        for s in ([0.99, 0.01], [0.01, 0.99])
    ]
    assert abs(found[0] - found[1]) > 0.9


def test_lone_players_and_players_without_a_choice():
    lone = rqe.Agent(rqe.CVaR(0.5), NegEntropy(0.1))
    assert rqe.is_tractable([lone])
    assert rqe.is_tractable([lone] * 3, shape=(1, 4, 1))
    assert rqe.is_tractable([lone] * 3, shape=(1, 4, 2)).outcome == "unknown"
    third = rqe.Agent(Entropic(1.0), LogBarrier(0.125))
    assert rqe.is_tractable([third] * 3, shape=(2, 2, 1))
    assert not rqe.is_tractable([third] * 3)


@pytest.mark.parametrize(
    ("agents", "shape", "word"),
    [
        ([], None, "agents"),
        ([3], None, "agents"),
        (alike(Entropic(1.0), NegEntropy(1.0), 1), (2, 2), "shape"),
        (alike(Entropic(1.0), NegEntropy(1.0), 1), (0,), "shape"),
    ],
)
def test_bad_arguments_are_named(agents, shape, word):
    with pytest.raises(ValueError, match=word):
        rqe.is_tractable(agents, shape=shape)


def test_it_says_its_theorem():
    words = str(rqe.is_tractable(alike(Entropic(1.0), LogBarrier(0.2))))
    assert words.startswith("proved: epsilon_1 epsilon_2 tau_1 tau_2 = 0.04 >= 0.015625. In every")


def test_payoffs_do_not_enter():
    rng = np.random.default_rng(4)
    agents = [rqe.Agent(Entropic(1.0), LogBarrier(0.2)), rqe.Agent(ReverseKL(2.0), LogBarrier(0.1))]
    x, y, p, q = rng.dirichlet(np.ones(3), size=4)
    points = ([x, y], [p, q]), ([y, p], [x, y])
    found = []
    for payoffs in ([np.zeros((3, 3))] * 2, [rng.normal(size=(3, 3)) * s for s in (100.0, 1.0)]):
        here, there = (operator(payoffs, agents, z) for z in points)
        moves = [
            sum(
                w * (here[part][i] - there[part][i]) @ (points[0][part][i] - points[1][part][i])
                for i, w in enumerate(weights)
            )
            for part, weights in ((0, (0.3, 0.7)), (1, (0.3, 0.7)), (1, (0.7, 0.3)))
        ]
        found.append((moves[0] + moves[1], moves[0] + moves[2]))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-11)
    # unless a player and its adversary weigh differently
    assert abs(found[0][1] - found[1][1]) > 1.0
