"""The saved gridworld study: cheap rows are computed again; the page says what the rows hold."""

from pathlib import Path

import numpy as np
import pytest

import games
import rqe
from benchmarks import gridworld

ROWS = gridworld.saved(Path(__file__).parents[1] / gridworld.RESULT)
PAGE = Path(__file__).parents[1] / "docs" / "gridworld.md"
CHEAP = ("planner, reset", "planner, no reset", "lone worker, reset", "lone worker, no reset",
         "answers, discount 0.9, epsilon 0.1", "discount 0.9, tau 0, first idles")  # fmt: skip


def close(found, written):
    """Numbers within a ten-thousandth, words alike."""
    assert found.keys() == written.keys()
    for key, value in written.items():
        if key in ("Bellman residual", "regret", "rounds", "method"):
            continue  # rounding of another machine shows in these
        if isinstance(value, dict):
            close(found[key], value)
        elif isinstance(value, list) and isinstance(value[0], dict):
            for a, b in zip(found[key], value, strict=True):
                close(a, b)
        elif isinstance(value, str):
            assert found[key] == value
        else:
            np.testing.assert_allclose(found[key], value, atol=2e-3, err_msg=key)


def test_every_row_of_the_plan_is_there():
    assert list(ROWS) == list(gridworld.cells())


@pytest.mark.parametrize("name", CHEAP)
def test_rows_come_out_again(name):
    function, arguments = gridworld.cells()[name]
    close(function(*arguments), ROWS[name])


def test_whoever_converged_is_certified_and_shares_the_work():
    converged = [row for row in ROWS.values() if row.get("status") == "CONVERGED"]
    assert len(converged) == 60
    for row in converged:
        assert row["Bellman residual"] <= 1e-6
        assert row["regret"] <= 1e-6
        assert 0.4 < row["both"]["share of first"] < 0.6


def test_no_row_beats_the_planner():
    for row in ROWS.values():
        for play in [row.get("both"), *row.get("starts", ()), *row.get("turns", ())]:
            if play is not None:
                assert play["sum of returns"] <= ROWS["planner, reset"]["sum of returns"] + 1e-3


def test_the_lone_worker_is_worth_what_a_search_over_its_paths_says():
    """Every plan of four steps, from beside an onion."""
    kitchen, game = games.overcooked_kitchen(), games.overcooked_gridworld(horizon=5)
    dense = game.transitions
    rewards = game.rewards.sum(axis=1)

    def best(state, left):
        if left == 0:
            return 0.0
        worth = []
        for action in range(5):
            row = dense[[state * 25 + action * 5 + gridworld.STAY]]
            ahead = sum(p * best(int(t), left - 1)
                        for p, t in zip(row.data, row.indices, strict=True))  # fmt: skip
            worth.append(rewards[state, action, gridworld.STAY] + ahead)
        return max(worth)

    near = [k for k, s in enumerate(kitchen.states) if s[0] == 13 and s[1] == 0 and s[2] == 0]
    assert best(near[0], 4) == pytest.approx(float(gridworld.planned(True, 4)[near[0]]), abs=1e-12)


def test_the_page_shows_the_saved_table():
    assert str(gridworld.table(ROWS)) in PAGE.read_text(encoding="utf-8")


def test_a_lone_workers_partner_is_idle_and_its_reply_is_not():
    turns = ROWS["answers, discount 0.9, epsilon 0.1"]["turns"]
    assert turns[0]["share of first"] == 1.0
    assert turns[1]["share of first"] < 0.6


def test_random_starts_are_policies():
    game = rqe.MarkovGame(np.zeros((3, 2, 5, 5)), np.full((3, 5, 5, 3), 1 / 3), discount=0.5)
    for seed in range(3):
        for x in gridworld.random_policies(game, seed):
            np.testing.assert_allclose(x.sum(axis=1), 1.0)
            assert x.min() > 0.0
