"""Games and agents as frozen data: copies, labels, printing, and every refusal by name."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import rqe
from rqe.model.agent import degrees, make_agents

A = [[4, 0], [3, 3]]
B = [[4, 3], [0, 3]]


def game(**words):
    return rqe.NormalFormGame([A, B], **words)


def test_payoffs_are_copied_and_read_only():
    source = np.array([A, B], dtype=float)
    made = rqe.NormalFormGame(source)
    source[0, 0, 0] = 99.0
    assert made.payoffs[0][0, 0] == 4.0
    with pytest.raises(ValueError, match="read-only"):
        made.payoffs[0][0, 0] = 1.0
    for matrix in made.own_payoffs:
        with pytest.raises(ValueError, match="read-only"):
            matrix[0, 0] = 1.0


@pytest.mark.parametrize("kind", [np.float32, np.int8, np.uint64, bool, object])
def test_any_real_numbers_will_do(kind):
    made = rqe.NormalFormGame([np.array([[1, 0], [0, 1]], dtype=kind)] * 2)
    assert made.payoffs[0].dtype == np.float64
    np.testing.assert_array_equal(made.payoffs[1], np.eye(2))


def test_exact_numbers_become_floats():
    made = rqe.NormalFormGame([[[Fraction(1, 4), Decimal("0.5")]], [[0, 1]]])
    np.testing.assert_array_equal(made.payoffs[0], [[0.25, 0.5]])


@pytest.mark.parametrize("build", [game, lambda: rqe.CollaborativeGame(A, [[0, 1], [1, 0]])])
def test_games_are_immutable(build):
    made = build()
    with pytest.raises(AttributeError, match="immutable"):
        made.name = "other"
    with pytest.raises(AttributeError, match="immutable"):
        made.extra = 1
    with pytest.raises(AttributeError, match="immutable"):
        del made.payoffs
    assert made.shape == (2, 2)


def test_shapes_ranges_and_own_payoffs_of_three_players():
    payoffs = np.random.default_rng(0).normal(size=(3, 2, 3, 4))
    made = rqe.NormalFormGame(payoffs)
    assert (made.n_players, made.shape) == (3, (2, 3, 4))
    np.testing.assert_array_equal(made.payoff_ranges, [np.ptp(p) for p in payoffs])
    assert [m.shape for m in made.own_payoffs] == [(2, 12), (3, 8), (4, 6)]
    # player 2's matrix: rows its own action, columns (a_1, a_3) with a_3 fastest
    np.testing.assert_array_equal(made.own_payoffs[1][2], payoffs[1][:, 2, :].ravel())


def test_one_player_and_one_action_are_games():
    alone = rqe.NormalFormGame([[1.0, 2.0, 3.0]])
    assert (alone.n_players, alone.shape) == (1, (3,))
    assert "1 player," in str(alone)
    assert rqe.NormalFormGame(np.zeros((2, 1, 1))).shape == (1, 1)


def test_printing_names_everything():
    made = game(players=["Ann & Bo", "Cy"], actions=[["stag", "hare"], ["s<t", "h"]], name="hunt")
    text, html = str(made), made._repr_html_()
    assert text.splitlines()[0] == "hunt: 2 players, 2 x 2 actions"
    assert "stag" in text
    assert "4, 4" in text
    assert "hunt" in repr(made)
    assert "s&lt;t" in html
    assert "s<t" not in html
    assert html.count("<td>") == 4
    large = rqe.NormalFormGame(np.zeros((2, 13, 13)))
    assert "too large" in str(large)
    assert "too large" in large._repr_html_()


def test_collaborative_payoffs_are_reward_less_cost():
    rng = np.random.default_rng(1)
    reward, costs = rng.normal(size=(2, 3, 2)), [rng.normal(size=n) for n in (2, 3, 2)]
    made = rqe.CollaborativeGame(reward, costs)
    for cell in np.ndindex(2, 3, 2):
        for i in range(3):
            assert made.payoffs[i][cell] == pytest.approx(reward[cell] - costs[i][cell[i]])
    assert isinstance(made, rqe.NormalFormGame)
    for frozen in (made.reward, *made.costs):
        assert not frozen.flags.writeable


NORMAL_FORM_REFUSALS = {
    "no players": (([],), {}, "at least one player"),
    "not a sequence": ((3,), {}, "payoffs must be"),
    "nothing": ((None,), {}, "payoffs must be"),
    "NaN": (([[[np.nan, 0], [0, 0]], B],), {}, r"payoffs\[0\].*nan at index \(0, 0\)"),
    "infinite": (([A, [[0, 0], [0, -np.inf]]],), {}, r"payoffs\[1\].*-inf at index \(1, 1\)"),
    "ragged": (([[[1, 2], [3]], B],), {}, r"payoffs\[0\] must be"),
    "words": (([[["a", "b"]], [[1, 2]]],), {}, r"payoffs\[0\] must be"),
    "numbers in quotes": (([[["1", "2"]], [[1, 2]]],), {}, r"payoffs\[0\] must be"),
    "complex": (([[[1j, 0]], [[1, 2]]],), {}, r"payoffs\[0\] must be"),
    "None inside": (([[[None, 0]], [[1, 2]]],), {}, r"payoffs\[0\] must be"),
    "mismatched shapes": (([A, [[1, 2, 3], [4, 5, 6]]],), {}, r"payoffs\[1\] has \(2, 3\)"),
    "too few axes": (([A, B, A],), {}, "3 axes"),
    "too many axes": (([np.zeros((2, 2, 2)), B],), {}, "2 axes"),
    "one array of two players": ((A,), {}, "2 axes"),
    "empty action set": ((np.zeros((2, 0, 3)),), {}, r"every player an action.*\(0, 3\)"),
    "too few player labels": (([A, B],), {"players": ["x"]}, "players must be 2 labels"),
    "one word as labels": (([A, B],), {"players": "xy"}, "players must be 2 labels"),
    "equal player labels": (([A, B],), {"players": ["x", "x"]}, "distinct"),
    "empty label": (([A, B],), {"players": ["x", ""]}, "non-empty"),
    "too few action lists": (([A, B],), {"actions": [["a", "b"]]}, "actions must be 2"),
    "too few actions": (([A, B],), {"actions": [["a", "b"], ["c"]]}, r"actions\[1\] must be 2"),
    "equal actions": (([A, B],), {"actions": [["a", "a"], ["c", "d"]]}, r"actions\[0\].*distinct"),
}


@pytest.mark.parametrize("case", NORMAL_FORM_REFUSALS)
def test_normal_form_refusals(case):
    arguments, words, message = NORMAL_FORM_REFUSALS[case]
    with pytest.raises(ValueError, match=message):
        rqe.NormalFormGame(*arguments, **words)


COLLABORATIVE_REFUSALS = {
    "reward without axes": (3.0, [], "reward must have one axis a player"),
    "empty reward": (np.zeros((2, 0)), [[0, 0], []], "at least one action"),
    "reward NaN": ([[np.nan, 0]], [[0], [0, 0]], "reward must be.*nan"),
    "reward ragged": ([[1, 2], [3]], [[0, 0], [0, 0]], "reward must be"),
    "too few costs": (A, [[0, 0]], "costs must be 2 vectors"),
    "cost too short": (A, [[0], [0, 0]], r"costs\[0\] must have 2 entries"),
    "cost a matrix": (A, [[[0, 0]], [0, 0]], r"costs\[0\] must be"),
    "cost infinite": (A, [[0, np.inf], [0, 0]], r"costs\[0\] must be.*inf"),
    "cost a word": (A, [["x", "y"], [0, 0]], r"costs\[0\] must be"),
}


@pytest.mark.parametrize("case", COLLABORATIVE_REFUSALS)
def test_collaborative_refusals(case):
    reward, costs, message = COLLABORATIVE_REFUSALS[case]
    with pytest.raises(ValueError, match=message):
        rqe.CollaborativeGame(reward, costs)


def test_costs_that_overflow_the_reward_are_refused():
    with pytest.raises(ValueError, match="finite"), np.errstate(over="ignore"):
        rqe.CollaborativeGame([[1e308, 0]], [[-1e308], [0, 0]])


def test_agents_hold_plain_numbers():
    agent = rqe.Agent(rqe.Entropic(np.float32(2)), rqe.NegEntropy(np.array(0.5)))
    assert type(agent.risk.tau) is float
    assert type(agent.regularizer.epsilon) is float
    assert agent == rqe.Agent(rqe.Entropic(2.0), rqe.NegEntropy(0.5))
    assert rqe.Agent(rqe.Entropic(np.inf), rqe.NegEntropy(0.0)).risk.tau == np.inf
    with pytest.raises(AttributeError):
        agent.risk = rqe.Entropic(1.0)


def test_make_agents_takes_one_number_or_one_a_player():
    tau, epsilon = degrees(make_agents([0.0, 1.0, np.inf], 0.2, 3))
    np.testing.assert_array_equal(tau, [0.0, 1.0, np.inf])
    np.testing.assert_array_equal(epsilon, [0.2, 0.2, 0.2])


AGENT_REFUSALS = {
    "negative tau": (lambda: rqe.Agent(rqe.Entropic(-1.0), rqe.NegEntropy(0.1)), "tau.*-1"),
    "NaN tau": (lambda: rqe.Agent(rqe.Entropic(np.nan), rqe.NegEntropy(0.1)), "tau.*nan"),
    "several taus": (
        lambda: rqe.Agent(rqe.Entropic([1.0, 2.0]), rqe.NegEntropy(0.1)),
        "tau.*single number",
    ),
    "word tau": (lambda: rqe.Agent(rqe.Entropic("x"), rqe.NegEntropy(0.1)), "tau.*'x'"),
    "negative epsilon": (
        lambda: rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(-0.1)),
        "epsilon.*-0.1",
    ),
    "NaN epsilon": (lambda: rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(np.nan)), "epsilon.*nan"),
    "infinite epsilon": (
        lambda: rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(np.inf)),
        "epsilon.*inf",
    ),
    "no risk measure": (lambda: rqe.Agent(2.0, rqe.NegEntropy(0.1)), "risk must be a risk measure"),
    "no regulariser": (lambda: rqe.Agent(rqe.Entropic(1.0), 0.1), "regularizer must be"),
}


@pytest.mark.parametrize("case", AGENT_REFUSALS)
def test_agent_refusals(case):
    build, message = AGENT_REFUSALS[case]
    with pytest.raises(ValueError, match=message):
        build()


PER_PLAYER_REFUSALS = {
    "too few tau": ([1.0], 0.1, r"tau.*2 of them.*\(1,\)"),
    "too many tau": ([1.0] * 3, 0.1, r"tau.*\(3,\)"),
    "tau a matrix": ([[1.0, 2.0]], 0.1, r"tau.*\(1, 2\)"),
    "one negative tau": ([1.0, -2.0], 0.1, "tau.*-2"),
    "tau a word": ("high", 0.1, "tau.*'high'"),
    "tau missing": (None, 0.1, "tau"),
    "one infinite epsilon": (1.0, [0.1, np.inf], "epsilon.*inf"),
    "one NaN epsilon": (1.0, [0.1, np.nan], "epsilon.*nan"),
    "too many epsilon": (1.0, [0.1] * 3, r"epsilon.*\(3,\)"),
}


@pytest.mark.parametrize("case", PER_PLAYER_REFUSALS)
def test_attitudes_are_refused_before_solving(case):
    tau, epsilon, message = PER_PLAYER_REFUSALS[case]
    with pytest.raises(ValueError, match=message):
        make_agents(tau, epsilon, 2)
    with pytest.raises(ValueError, match=message):
        rqe.solve_rqe(game(), tau=tau, epsilon=epsilon)
