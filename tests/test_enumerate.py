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


def search_of(game, tau, epsilon):
    from rqe.model.agent import make_agents
    from rqe.solvers.enumeration import _Search

    n = game.n_players
    agents = make_agents(tau, epsilon, n)
    return _Search(game, agents, np.full(n, tau), np.full(n, epsilon), 1e-10, 80)


def test_deflation_leads_newton_elsewhere():
    """From the same starts, all next to one root, plain Newton finds that root and no other."""
    search = search_of(games.free_riding(), 0.5, 0.2)
    near = 0.583 + 0.01 * np.random.default_rng(0).standard_normal((2, 16))
    starts = [np.log(np.stack([x, 1 - x], axis=1)) for x in near]
    search._land(starts)
    assert [round(float(np.exp(z[0][0, 0])), 8) for z in search.found] == [0.58369572]
    search._land(starts, np.exp(np.concatenate(search.found[0], axis=1)))
    assert sorted(round(float(np.exp(z[0][0, 0])), 8) for z in search.found)[0] == 0.28017478


def test_a_branch_leads_to_its_other_end():
    """One start alone, without deflation: the fold partner comes by following the branch."""
    game = games.stag_hunt()
    every = rqe.enumerate_rqe(game, 0.0, 0.2)
    assert len(every) == 3
    search = search_of(game, 0.0, 0.2)
    # the stag equilibrium does not lie on the principal branch, but on one that folds
    search._land([np.log([[0.999, 0.001]]), np.log([[0.999, 0.001]])])
    assert len(search.found) == 1
    search.follow()
    assert len(search.found) == 2
    assert sorted(search.index) == [-1, 1]


FIVE = (
    [[1.1013562608337766, 0.0396536524857587], [0.11601917195155846, 1.1017584678340522]],
    [[1.2623323604327419, 0.125625905194212], [0.02461350180468661, 1.278041560707576]],
)
FIVE_TAU = [18.83053321196124, 15.956240853189264]
FIVE_EPSILON = [0.02124209630696587, 0.025068561178057783]


def test_a_two_by_two_game_with_five_equilibria_some_alike_to_seven_digits():
    pytest.importorskip("flint")
    game = rqe.NormalFormGame(FIVE)
    found = rqe.enumerate_rqe(game, FIVE_TAU, FIVE_EPSILON, rigorous=True)
    assert (len(found), found.complete, found.index_sum) == (5, "proved", 1)
    assert [eq.index for eq in found] == [1, -1, 1, -1, 1]
    assert len(found.proof) == 5
    fast = rqe.enumerate_rqe(game, FIVE_TAU, FIVE_EPSILON)
    assert fast.complete == "unknown"
    assert len(fast) == 5


def test_a_proof_that_ends_undecided_is_not_called_one():
    pytest.importorskip("flint")
    # two equilibria in each corner lie closer together than float64 can tell
    hunt = rqe.NormalFormGame([[[2.0, 0.0], [0.0, 1.0]]] * 2)
    found = rqe.enumerate_rqe(hunt, 1e4, 1e-8, rigorous=True)
    assert found.complete == "unknown"
    assert found.proof.undecided
    assert any("undecided" in note or "decided" in note for note in found.notes)


def test_a_proof_is_refused_where_there_is_none():
    pytest.importorskip("flint")
    with pytest.raises(ValueError, match="at most 7 unknowns"):
        rqe.enumerate_rqe(games.random_game((12, 12)), 0.0, 1.0, rigorous=True)


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (2, 2, 2)])
def test_indices_sum_to_one_and_nash_equilibria_are_continued(shape):
    pytest.importorskip("pygambit")
    from benchmarks.enumeration import judge

    neutral = judge(shape, 4, 1, averse=False)
    assert neutral.missing == []
    assert neutral.continued >= 4
    assert judge(shape, 2, 1, averse=True).missing == []


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
