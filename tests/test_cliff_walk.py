"""The exact cliff walk against its rules, enumerated slip by slip; and solved."""

import itertools
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp

import games
import rqe
from benchmarks.cliff_walk import EPSILONS, MEASURES, RESULT, alike, cases, row, tables
from benchmarks.record import read
from rqe.analysis.occupancy import occupancy

BOARD = games.cliff_walk_board()
GAME = games.cliff_walk()
SECOND = {"cliff": -100, "goal": 20, "step": -0.1, "horizon": 100}
INDEX = {tuple(map(tuple, pair)): s for s, pair in enumerate(BOARD.cells.tolist())}
UP, DOWN, LEFT, RIGHT = range(4)
ROOT = Path(__file__).parents[1]


def land(cell, direction, start, goal, prices):
    """Where one move ends and what it pays; nothing is left to chance here."""
    cliff, won, other = prices
    if cell == goal:
        return cell, 0.0
    row, column = cell
    if direction == "up" and row > 0:
        row -= 1
    if direction == "down" and row < 5:
        row += 1
    if direction == "left" and column > 0:
        column -= 1
    if direction == "right" and column < 5:
        column += 1
    if row == 5 and 1 <= column <= 4:
        return start, cliff
    return (row, column), won if (row, column) == goal else other


def expand(one, two, intended, prices):
    """Distribution of the agents' next cells and their expected rewards, over both slips."""
    corners = ((5, 0), (5, 5)), ((5, 5), (5, 0))
    arrived = one == (5, 5) or two == (5, 0)
    beside = one[0] - two[0] in (-1, 0, 1) and one[1] - two[1] in (-1, 0, 1)
    sure = 0.5 if beside and not arrived else 0.9
    law, mean = {}, [0.0, 0.0]
    for slips in itertools.product(("up", "down", "left", "right"), repeat=2):
        weight = 1.0
        for slip, meant in zip(slips, intended, strict=True):
            weight *= sure if slip == meant else (1 - sure) / 3
        ends = []
        for i, (cell, slip) in enumerate(zip((one, two), slips, strict=True)):
            end, paid = land(cell, slip, *corners[i], prices)
            ends.append(end)
            mean[i] += weight * paid
        law[tuple(ends)] = law.get(tuple(ends), 0.0) + weight
    return law, mean


def follow(state, actions, game=GAME):
    """Next cells by probability, and rewards, of a joint action by name."""
    joint = tuple(game.actions[0].index(a) for a in actions)
    row = 16 * INDEX[state] + 4 * joint[0] + joint[1]
    law = game.transitions[[row]].tocoo()
    ends = [tuple(map(tuple, BOARD.cells[k].tolist())) for k in law.coords[1]]
    return dict(zip(ends, law.data, strict=True)), game.rewards[(INDEX[state], slice(None), *joint)]


# ---------------------------------------------------------------- the rules


def test_every_step_is_that_of_the_rules():
    second = games.cliff_walk(**SECOND)
    matrix = GAME.transitions
    assert np.array_equal(second.transitions.toarray(), matrix.toarray())
    for state, s in INDEX.items():
        for a, b in itertools.product(range(4), repeat=2):
            intended = (GAME.actions[0][a], GAME.actions[1][b])
            law, mean = expand(*state, intended, (-2.0, 1.0, 0.0))
            row = 16 * s + 4 * a + b
            span = slice(matrix.indptr[row], matrix.indptr[row + 1])
            kept = dict(zip(matrix.indices[span].tolist(), matrix.data[span].tolist(), strict=True))
            wanted = {INDEX[cells]: weight for cells, weight in law.items()}
            assert kept == pytest.approx(wanted, abs=1e-15)
            assert GAME.rewards[s, :, a, b] == pytest.approx(mean, abs=1e-14)
            _, mean = expand(*state, intended, (-100.0, 20.0, -0.1))
            assert second.rewards[s, :, a, b] == pytest.approx(mean, abs=1e-12)


def test_states_are_the_pairs_of_cells_and_all_are_reached():
    frontier, known = [((5, 0), (5, 5))], set()
    while frontier:
        state = frontier.pop()
        if state not in known:
            known.add(state)
            # every slip is possible, so one action leads everywhere that any leads
            frontier += expand(*state, ("up", "up"), (0.0, 0.0, 0.0))[0]
    assert known == set(INDEX)
    assert len(known) == GAME.n_states == 32**2


def test_a_step_over_the_edge_by_hand():
    law, rewards = follow(((5, 0), (5, 5)), ("right", "up"))
    slip = 0.1 / 3
    # agent 1 falls (right), bumps into walls (left, down) or goes up: only that leaves its start
    stays, climbs = 0.9 + 2 * slip, slip
    # agent 2 goes up, bumps into walls (right, down) or falls (left)
    expected = {
        ((5, 0), (4, 5)): stays * 0.9,
        ((5, 0), (5, 5)): stays * 3 * slip,
        ((4, 0), (4, 5)): climbs * 0.9,
        ((4, 0), (5, 5)): climbs * 3 * slip,
    }
    assert law == pytest.approx(expected)
    assert rewards == pytest.approx([-2 * 0.9, -2 * slip])


def test_reaching_the_goal_by_hand():
    law, rewards = follow(((4, 5), (2, 2)), ("down", "left"), games.cliff_walk(**SECOND))
    slip = 0.1 / 3
    assert sum(w for (one, _), w in law.items() if one == (5, 5)) == pytest.approx(0.9)
    assert rewards == pytest.approx([0.9 * 20 - 0.1 * 0.1, -0.1])
    # the corners of the grid keep those who move off it
    law, _ = follow(((0, 0), (2, 4)), ("up", "right"))
    assert sum(w for (one, _), w in law.items() if one == (0, 0)) == pytest.approx(0.9 + slip)


@pytest.mark.parametrize(
    ("one", "two", "sure"),
    [
        ((2, 2), (2, 2), 0.5),
        ((2, 2), (2, 3), 0.5),
        ((2, 2), (3, 3), 0.5),  # diagonal neighbours
        ((2, 2), (2, 4), 0.9),
        ((2, 2), (4, 3), 0.9),
        ((5, 5), (4, 4), 0.9),  # agent 1 has arrived
        ((1, 1), (5, 0), 0.9),  # agent 2 has
        ((4, 1), (5, 0), 0.9),
    ],
)
def test_agents_disturb_each_other_when_near_unless_one_has_arrived(one, two, sure):
    assert BOARD.near[INDEX[one, two]] == (sure == 0.5)
    law, _ = follow((one, two), ("up", "up"))
    if one != (5, 5):
        there = (one[0] - 1, one[1])
        assert sum(w for (a, _), w in law.items() if a == there) == pytest.approx(sure)
    if two != (5, 0):
        there = (two[0] - 1, two[1])
        assert sum(w for (_, b), w in law.items() if b == there) == pytest.approx(sure)


def test_who_has_arrived_stays_and_gets_nothing_more():
    home = [s for (one, _), s in INDEX.items() if one == (5, 5)]
    assert len(home) == 32
    stays = np.isin(np.arange(1024), home)
    for s in home:
        assert not GAME.rewards[s, 0].any()
        rows = GAME.transitions[16 * s : 16 * (s + 1)].toarray()
        np.testing.assert_allclose(rows[:, stays].sum(axis=1), 1.0)
        # agent 2's law is the same whatever agent 1 "does"
        assert np.array_equal(rows.reshape(4, 4, -1)[0], rows.reshape(4, 4, -1)[3])


def test_events_say_what_each_step_is():
    total = sum(BOARD.events.values())
    walking = [(BOARD.cells[:, i] != BOARD.goals[i]).any(axis=1) for i in range(2)]
    for i in range(2):
        np.testing.assert_allclose(total[:, i], walking[i][:, None, None] * np.ones((4, 4)))
    mixed = games.cliff_walk(cliff=-7, goal=3, step=-0.25, horizon=2)
    e = BOARD.events
    np.testing.assert_allclose(
        mixed.rewards, -7 * e["falls"] + 3 * e["arrivals"] - 0.25 * e["steps"], atol=1e-15
    )


def test_arguments_reach_the_game():
    assert (GAME.horizon, GAME.discount) == (200, None)
    assert games.cliff_walk(discount=0.0).discount == 0.0
    assert games.cliff_walk(**SECOND).horizon == 100
    assert GAME.initial[INDEX[(5, 0), (5, 5)]] == 1.0
    assert GAME.states[BOARD.start] == "(5,0) (5,5)"
    with pytest.raises(ValueError, match="read-only"):
        BOARD.events["falls"][0] = 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"discount": 0.9, "horizon": 5}, "one of discount and horizon"),
        ({"discount": 1.0}, "discount must be"),
        ({"discount": -0.1}, "discount must be"),
        ({"horizon": 0}, "horizon must be"),
        ({"horizon": 2.5}, "horizon must be"),
        ({"cliff": float("-inf")}, "cliff must be a finite number"),
        ({"goal": "20"}, "goal must be a finite number .* got '20'"),
        ({"step": float("nan")}, "step must be a finite number"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        games.cliff_walk(**arguments)


# ---------------------------------------------------------------- solved


MIRROR = [INDEX[(d, 5 - e), (b, 5 - c)] for (b, c), (d, e) in INDEX]
"""The state in which the agents have changed seats and the grid its sides."""
KINDS = {
    "first": {"horizon": 20},
    "second": SECOND | {"horizon": 20},
    "first, discounted": {"discount": 0.95},
    "second, discounted": {"cliff": -100, "goal": 20, "step": -0.1, "discount": 0.95},
}


def solved(kind, tau, epsilon, environment=None):
    return solve(kind, tau, epsilon, environment or rqe.Neutral())


@cache
def solve(kind, tau, epsilon, environment):
    agent = rqe.Agent(rqe.Entropic(tau), rqe.NegEntropy(epsilon), environment=environment)
    return rqe.solve(games.cliff_walk(**KINDS[kind]), [agent, agent])


def assert_mirrored(eq):
    """Agent 2 does and expects what agent 1 does in the mirror."""
    seen = eq.policies[0][..., MIRROR, :][..., [UP, DOWN, RIGHT, LEFT]]
    np.testing.assert_allclose(eq.policies[1], seen, atol=1e-7)
    np.testing.assert_allclose(eq.values[..., 1, :], eq.values[..., 0, MIRROR], rtol=1e-7)


@pytest.mark.parametrize("kind", ["first", "second", "first, discounted"])
@pytest.mark.parametrize(("tau", "epsilon"), [(0.0, 0.1), (1.0, 0.1), (10.0, 0.1), (1.0, 0.02)])
def test_equilibria_are_exact_and_mirrored(kind, tau, epsilon):
    eq = solved(kind, tau, epsilon)
    assert eq.residual <= 1e-6
    assert eq.max_regret <= 1e-6
    assert_mirrored(eq)


@pytest.mark.parametrize(("tau", "epsilon"), [(0.0, 1.0), (1.0, 1.0), (0.0, 0.1)])
def test_the_second_setting_discounted(tau, epsilon):
    eq = solved("second, discounted", tau, epsilon)
    assert max(eq.residual, eq.max_regret) <= 1e-6
    assert_mirrored(eq)


@pytest.mark.parametrize("environment", [rqe.Entropic(0.3), rqe.CVaR(0.5)])
def test_agents_who_fear_slips(environment):
    eq = solved("second", 1.0, 0.1, environment)
    assert max(eq.residual, eq.max_regret) <= 1e-6
    assert_mirrored(eq)
    bold, game = solved("second", 1.0, 0.1), games.cliff_walk(**KINDS["second"])
    # a price is charged for slips: where the other has arrived, an agent's value is lower for it
    home = [s for (_, two), s in INDEX.items() if two == (5, 0)]
    assert np.all(eq.values[:, 0, home] <= bold.values[:, 0, home] + 1e-9)
    # they give each other a wide berth: half as many steps side by side, or fewer
    close = [occupancy(game, x)[:, BOARD.near].sum() for x in (eq, bold)]
    assert close[0] < 0.5 * close[1]


def alone(prices, epsilon, steps, aversion):
    """Values of agent 1 by cell and its first choices, with nobody else on the grid."""
    cells = sorted({one for one, _ in INDEX})
    ways = ("up", "down", "left", "right")
    ahead = dict.fromkeys(cells, 0.0)
    for _ in range(steps):
        now, play = {}, {}
        for cell in cells:
            worth = []
            for meant in ways:
                chances = [0.9 if way == meant else 0.1 / 3 for way in ways]
                ends = [land(cell, way, (5, 0), (5, 5), prices) for way in ways]
                paid = sum(c * p for c, (_, p) in zip(chances, ends, strict=True))
                later = np.array([ahead[end] for end, _ in ends])
                worth.append(paid + np.dot(chances, later))
                if aversion:
                    worth[-1] = paid - logsumexp(-aversion * later, b=chances) / aversion
            now[cell] = epsilon * logsumexp(np.array(worth) / epsilon)
            play[cell] = np.exp((np.array(worth) - now[cell]) / epsilon)
        ahead = now
    return ahead, play


@pytest.mark.parametrize("kind", ["first", "second"])
@pytest.mark.parametrize(
    ("tau", "aversion", "epsilon"), [(0.0, 0, 0.1), (10.0, 0, 0.1), (1.0, 0.3, 0.1), (1.0, 0, 0.02)]
)
def test_once_the_other_has_arrived_an_agent_is_alone(kind, tau, aversion, epsilon):
    """And its attitude to the other's play is of no matter any more."""
    prices = (-2.0, 1.0, 0.0) if kind == "first" else (-100.0, 20.0, -0.1)
    eq = solved(kind, tau, epsilon, rqe.Entropic(aversion) if aversion else None)
    values, play = alone(prices, epsilon, 20, aversion)
    for cell, value in values.items():
        s = INDEX[cell, (5, 0)]
        assert eq.values[0, 0, s] == pytest.approx(value, abs=1e-9)
        assert eq.policies[0][0, s] == pytest.approx(play[cell], abs=1e-9)


def test_near_the_other_it_is_harder_to_arrive():
    """The one way in which the agents matter to each other, seen in values."""
    eq = solved("second", 0.0, 0.1)
    beside, away = INDEX[(4, 4), (3, 4)], INDEX[(4, 4), (0, 0)]
    assert eq.payoffs[0, 0, away] > eq.payoffs[0, 0, beside] + 1.0


# ---------------------------------------------------------------- the saved study


@pytest.fixture(scope="module")
def study():
    return read(ROOT / RESULT)


def by_tau(study, ending, setting, epsilon):
    """Rows of agents who are alike and do not fear slips, tau growing."""
    calm = ["Neutral", "Neutral"]
    wanted = (ending, setting, epsilon, calm)
    chosen = [
        r
        for r in study
        if (r["ending"], r["setting"], r["epsilon"], r["slips"]) == wanted
        and r["tau"][0] == r["tau"][1]
        and r["status"] == "CONVERGED"
    ]
    return sorted(chosen, key=lambda r: r["tau"][0])


BLOCKS = [(e, s, x) for e in ("horizon", "discount") for s in EPSILONS for x in EPSILONS[s]]


def test_the_study_has_all_its_cases(study):
    names = ("setting", "ending", "tau", "epsilon", "slips")
    wanted = json.loads(json.dumps(list(cases())))
    assert [[r[name] for name in names] for r in study] == wanted
    assert len(study) == 70
    lost = [(r["ending"], r["tau"], r["epsilon"]) for r in study if r["status"] != "CONVERGED"]
    assert lost == [("horizon", [10.0, 10.0], 0.01), ("discount", [0.0, 0.0], 0.01)]
    for r in study:
        if r["status"] == "CONVERGED":
            assert r["residual"] < 1e-12
            assert r["regret"] < 1e-12
    # agents with the same attitudes play alike, but for one case
    same = [r for r in study if r["tau"][0] == r["tau"][1] and r["slips"][0] == r["slips"][1]]
    assert len(same) == len(study) - 2
    assert [r["slips"] for r in same if not alike(r)] == [["CVaR 0.8"] * 2]


@pytest.mark.parametrize(
    "case",
    [
        ("second", "horizon", (0.0, 0.0), 1.0, ("Neutral", "Neutral")),
        ("first", "discount", (10.0, 10.0), 0.1, ("Neutral", "Neutral")),
    ],
)
def test_a_row_computed_again(study, case):
    fresh = json.loads(json.dumps(row(case)))
    head = ("setting", "ending", "tau", "epsilon", "slips", "status")
    (saved,) = (r for r in study if all(r[name] == fresh[name] for name in head))
    for name in ("payoff", "alone", *MEASURES):
        assert fresh[name] == pytest.approx(saved[name], rel=1e-6), name


def test_what_the_docs_say_of_caution(study):
    """Averse to each other: fewer falls, further from the cliff; not always further apart."""
    closer = 0
    for block in BLOCKS:
        rows = by_tau(study, *block)
        assert len(rows) >= 3
        falls, edge, beside = (
            [r[name][0] for r in rows] for name in ("falls", "to the cliff", "side by side")
        )
        assert falls == sorted(falls, reverse=True)
        assert edge == sorted(edge)
        closer += beside[-1] > beside[0]
    assert (len(BLOCKS), closer) == (14, 8)


def test_the_docs_show_the_saved_tables(study):
    text = (ROOT / "docs" / "cliff_walk.md").read_text(encoding="utf-8")
    for table in tables(study):
        assert f"```\n{table}\n```" in text
