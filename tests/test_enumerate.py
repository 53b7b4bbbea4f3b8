"""Enumeration finds what is known to be there, and says what it does not know."""

import numpy as np
import pytest

import games
import rqe


def test_example_42_has_three_then_one():
    """The pitchfork at tau = 0.828789 (science section 2)."""
    three = rqe.enumerate_rqe(games.free_riding(), tau=0.5, epsilon=0.2)
    assert [eq.strategies[0][0] for eq in three] == pytest.approx(
        [0.28017478, 0.58369572, 0.84252458], abs=5e-9
    )
    assert [eq.index for eq in three] == [1, -1, 1]
    assert three.index_sum == 1
    assert three.complete == "unknown"
    assert three[1].branch == "principal"
    for eq in three:
        assert eq.residual <= 1e-10
    assert len(rqe.enumerate_rqe(games.free_riding(), tau=1.0, epsilon=0.2)) == 1


@pytest.mark.parametrize(("tau", "count"), [(0.825, 3), (0.833, 1)])
def test_either_side_of_the_pitchfork(tau, count):
    assert len(rqe.enumerate_rqe(games.free_riding(), tau=tau, epsilon=0.2)) == count


@pytest.mark.parametrize("seed", range(6))
def test_all_equilibria_of_2x2_games_by_a_grid_of_sign_changes(seed):
    """Brute force: every crossing of the two reply curves in one dimension."""
    rng = np.random.default_rng(seed)
    game = rqe.NormalFormGame(rng.integers(-3, 4, (2, 2, 2)).astype(float))
    a, b = game.payoffs

    def reply(matrix, opponent):
        return 1 / (
            1 + np.exp(-((matrix[0] - matrix[1]) @ np.array([opponent, 1 - opponent])) / 0.3)
        )

    grid = np.linspace(0, 1, 200001)
    image = reply(a, reply(b.T, grid)) - grid
    crossings = int(np.sum(np.sign(image[:-1]) * np.sign(image[1:]) < 0) + np.sum(image == 0))
    found = rqe.enumerate_rqe(game, tau=0.0, epsilon=0.3)
    assert len(found) == crossings
    assert found.index_sum == 1


def test_symmetric_sets_are_closed_under_relabelling():
    found = rqe.enumerate_rqe(games.chicken(), tau=0.1, epsilon=0.2)
    profiles = {tuple(np.round(np.concatenate(list(eq)), 6)) for eq in found}
    mirrored = {tuple(np.round(np.concatenate(list(eq)[::-1]), 6)) for eq in found}
    assert profiles == mirrored


def test_worst_case_players_have_one_equilibrium():
    found = rqe.enumerate_rqe(games.stag_hunt(), tau=np.inf, epsilon=0.1)
    assert len(found) == 1
    assert found.index_sum == 1


def test_prints_as_a_table_and_saves(tmp_path):
    found = rqe.enumerate_rqe(games.free_riding(), tau=0.5, epsilon=0.2)
    assert "3 equilibria" in str(found)
    assert "<table>" in found._repr_html_()
    rqe.save(found, tmp_path / "set.json")
    again = rqe.load(tmp_path / "set.json")
    assert again[2].strategies[0] == pytest.approx(found[2].strategies[0], abs=0)
    assert again.index_sum == 1


@pytest.mark.parametrize(("name", "value"), [("starts", 0), ("rounds", 1.5), ("tol", 2.0)])
def test_refusals(name, value):
    with pytest.raises(ValueError, match=name):
        rqe.enumerate_rqe(games.chicken(), 1.0, 0.1, **{name: value})
