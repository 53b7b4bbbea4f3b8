"""Free-riding and blocks on numbers by hand, and on cooks who work or do not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from games.overcooked import Gridworld
from rqe import train

AGENTS = ("a", "b")
PRICES = {"moves": 0.2, "collisions": 2.0}


def played(events, total=None, agents=AGENTS):
    """A result with these events and nothing else of interest."""
    arrays = {name: np.array(v, dtype=float) for name, v in events.items()}
    shape = next(iter(arrays.values())).shape
    total = np.zeros(shape[:-1]) if total is None else np.array(total, dtype=float)
    returns = np.repeat(total[..., None], len(agents), axis=-1) / len(agents)
    return train.CrossPlay(
        agents, returns, np.zeros(shape), total, np.zeros(total.shape), arrays, {}, 1, 1
    )


def test_shares_movement_and_costs_by_hand():
    result = played(
        {
            "deliveries": [[19.0, 1.0], [5.0, 5.0], [0.0, 0.0], [1.0, 9.0]],
            "moves": [[100.0, 20.0], [60.0, 80.0], [0.0, 0.0], [10.0, 40.0]],
            "collisions": [[1.0, 3.0], [0.0, 0.0], [0.0, 0.0], [0.0, 2.0]],
        }
    )
    found = train.free_riding(result, costs=PRICES)
    np.testing.assert_allclose(found.smallest, [0.05, 0.5, np.nan, 0.1])
    np.testing.assert_allclose(found.movement, [0.2, 0.75, np.nan, 0.25])
    np.testing.assert_allclose(
        found.private_costs, [[22.0, 10.0], [12.0, 16.0], [0.0, 0.0], [2.0, 12.0]]
    )
    np.testing.assert_allclose(found.cost_difference, [12.0, 4.0, 0.0, 10.0])
    # a tenth itself is not under a tenth, and where nothing is done no one rides free
    assert found.free_rides.tolist() == [True, False, False, False]
    assert found.kinds.tolist() == [["worker", "free-rider"], *[["sharing", "sharing"]] * 3]
    assert repr(found) == "<FreeRiding: an agent does under 10% of the work in 1/4>"
    assert found.table().column("free-rides") == (True, False, False, False)
    stricter = train.free_riding(result, costs=PRICES, below=0.2)
    assert stricter.kinds[3].tolist() == ["free-rider", "worker"]
    assert np.all(np.isnan(train.free_riding(result).private_costs))


def test_pairs_and_three_agents():
    result = played(
        {"served": [[[8.0, 1.0, 1.0], [30.0, 1.0, 1.0]]], "steps": [[[1.0, 2.0, 4.0]] * 2]},
        agents=("a", "b", "c"),
    )
    found = train.free_riding(result, work="served", moves="steps", costs={"steps": 1.0})
    assert found.smallest.tolist() == [[0.1, 1.0 / 32.0]]
    assert found.movement.tolist() == [[0.25, 0.25]]
    assert found.cost_difference.tolist() == [[3.0, 3.0]]
    assert found.kinds[0, 1].tolist() == ["worker", "free-rider", "free-rider"]
    assert found.table().columns[:2] == ("row", "column")


def still_and_restless(moving):
    """Two cooks, each of whom walks about at random or stays where it is."""
    seats = []
    for moves in moving:
        biases = jnp.zeros(5) if moves else jnp.array([0.0, 0.0, 0.0, 0.0, 90.0])
        seats.append([(jnp.zeros((8, 5)), biases)])
    return train.Policies(tuple(seats))


def test_a_cook_who_stays_rides_free_on_one_who_walks():
    runs = train.stack([still_and_restless(who) for who in [(1, 0), (0, 1), (1, 1), (0, 0)]])
    play = train.self_play(Gridworld(), runs, jax.random.key(0), episodes=200, steps=128)
    found = train.free_riding(play, costs=PRICES)
    assert found.kinds[:, 0].tolist() == ["worker", "free-rider", "sharing", "sharing"]
    assert found.kinds[:, 1].tolist() == ["free-rider", "worker", "sharing", "sharing"]
    np.testing.assert_array_equal(found.smallest[[0, 1, 3]], [0.0, 0.0, np.nan])
    assert 0.4 < found.smallest[2] < 0.5
    np.testing.assert_array_equal(found.movement[[0, 1, 3]], [0.0, 0.0, np.nan])
    # four of five actions are moves: 0.2 each, and the one who stays pays nothing
    assert play.events["moves"][0, 0] == pytest.approx(0.8 * 128, abs=1.5)
    np.testing.assert_allclose(
        found.cost_difference[0],
        0.2 * play.events["moves"][0, 0] + 2.0 * play.events["collisions"][0, 0],
    )
    # returns are what is shared less what is private
    shared = play.events["pickups"].sum(axis=-1) + 10.0 * play.events["deliveries"].sum(axis=-1)
    np.testing.assert_allclose(
        play.returns, shared[:, None] - found.private_costs, atol=1e-4, rtol=1e-5
    )


def test_costs_are_the_environments_unless_given():
    class Priced(Gridworld):
        private_costs = PRICES

    run = still_and_restless((1, 1))
    play = train.self_play(Priced(), run, jax.random.key(0), episodes=2, steps=9)
    own = train.free_riding(play)
    given = train.free_riding(play, costs=PRICES)
    np.testing.assert_array_equal(own.private_costs, given.private_costs)
    assert np.all(own.private_costs > 0.0)


def test_blocks_by_hand():
    total = [
        [90.0, 10.0, 20.0, 70.0],
        [30.0, 91.0, 40.0, 50.0],
        [22.0, 44.0, 92.0, 60.0],
        [71.0, 52.0, 61.0, 93.0],
    ]
    kinds = [
        ["worker", "free-rider"],
        ["free-rider", "worker"],
        ["worker", "free-rider"],
        ["SRPO", "SRPO"],
    ]
    # row's seat 1 with column's seat 2, self-play left out:
    # 0,1: w w; 0,2: w f; 0,3: w S; 1,0: f f; 1,2: f f; 1,3: f S; 2,0: w f; 2,1: w w; 2,3: w S;
    # 3,0: S f; 3,1: S w; 3,2: S f
    table = train.blocks(played({"x": np.zeros((4, 4, 2))}, total), kinds)
    found = {row[0]: row[1:] for row in table.rows}
    assert {name: (row[0], row[1]) for name, row in found.items()} == {
        "worker with worker": (2, 27.0),
        "free-rider with worker": (2, 21.0),
        "free-rider with free-rider": (2, 35.0),
        "SRPO with worker": (3, pytest.approx((70.0 + 60.0 + 52.0) / 3.0)),
        "SRPO with free-rider": (3, pytest.approx((50.0 + 71.0 + 61.0) / 3.0)),
    }
    assert found["free-rider with worker"][4] == pytest.approx(np.std([20.0, 22.0], ddof=1))
    assert all(row[2] <= row[1] <= row[3] for row in found.values())
    apart = train.blocks(played({"x": np.zeros((4, 4, 2))}, total), kinds, ordered=True)
    found = {row[0]: row[1:3] for row in apart.rows}
    assert found["worker with SRPO"] == (2, 65.0)
    assert found["SRPO with worker"] == (1, 52.0)
    assert found["SRPO with free-rider"] == (2, 66.0)


def test_blocks_of_two_lists_count_every_cell():
    total = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    play = played({"x": np.zeros((2, 3, 2))}, total)
    table = train.blocks(play, [["A", "A"], ["B", "B"]], [["C", "C"], ["C", "C"], ["D", "D"]])
    found = {row[0]: row[1:3] for row in table.rows}
    assert found == {
        "A with C": (2, 1.5), "A with D": (1, 3.0), "B with C": (2, 4.5), "B with D": (1, 6.0),
    }  # fmt: skip


def test_three_agents_are_the_rows_first_and_the_columns_others():
    play = played({"x": np.zeros((2, 2, 3))}, [[0.0, 1.0], [2.0, 0.0]], agents=("a", "b", "c"))
    table = train.blocks(play, [["A", "-", "-"], ["-", "B", "C"]], ordered=True)
    assert table.column("block") == ("- with - with -", "A with B with C")
    assert table.column("mean") == (2.0, 1.0)


def test_refusals():
    play = played({"deliveries": [[1.0, 2.0]], "moves": [[1.0, 2.0]]})
    for change, message in (
        ({"work": "soups"}, r"work must be among .*\['deliveries', 'moves'\]; got 'soups'"),
        ({"moves": "walks"}, "moves must be among"),
        ({"costs": {"falls": 1.0}}, "costs must be among .* got 'falls'"),
        ({"below": 1.5}, r"below must be in \[0, 1\]; got 1.5"),
    ):
        with pytest.raises(ValueError, match=message):
            train.free_riding(play, **change)
    with pytest.raises(ValueError, match="cross must have rows and columns"):
        train.blocks(play, [["x", "y"]])
    square = played({"x": np.zeros((2, 2, 2))})
    with pytest.raises(ValueError, match=r"rows must name .* 2 seats for 2 runs; got 1 runs"):
        train.blocks(square, [["x", "y"]])
    with pytest.raises(ValueError, match=r"columns must name .* of \[1\] seats"):
        train.blocks(square, [["x", "y"]] * 2, [["x"], ["y"]])
