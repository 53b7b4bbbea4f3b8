"""Batches agree with one game at a time, whatever the mixture of easy and hard games."""

import numpy as np
import pytest

import rqe
from rqe.solvers import homotopy, normal_form


def payoffs(count, *shape, seed=0):
    return np.random.default_rng(seed).random((count, len(shape), *shape))


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (2, 2, 2), (1, 3)])
@pytest.mark.parametrize(("tau", "epsilon"), [(0.0, 0.2), (3.0, 0.05), (np.inf, 0.1)])
def test_equals_a_loop(shape, tau, epsilon):
    arrays = payoffs(12, *shape)
    batch = rqe.solve_many(arrays, tau, epsilon)
    assert batch.converged.all()
    for b, one in enumerate(arrays):
        eq = rqe.solve_rqe(rqe.NormalFormGame(one), tau, epsilon)
        for i in range(len(shape)):
            assert batch.strategies[i][b] == pytest.approx(eq.strategies[i], abs=1e-10)
            assert batch.beliefs[i][b] == pytest.approx(eq.beliefs[i], abs=1e-8)
        assert batch.values[b] == pytest.approx(eq.values, abs=1e-10)
        assert batch[b].branch == eq.branch == "principal"


def test_attitudes_by_game_and_player():
    arrays = payoffs(5, 3, 3)
    tau = np.array([[0.0, 1.0], [2.0, 0.1], [5.0, 5.0], [0.3, 9.0], [1.0, 1.0]])
    epsilon = np.linspace(0.05, 1.0, 10).reshape(5, 2)
    batch = rqe.solve_many(arrays, tau, epsilon)
    for b in range(5):
        eq = rqe.solve_rqe(rqe.NormalFormGame(arrays[b]), tau[b], epsilon[b])
        assert batch.strategies[0][b] == pytest.approx(eq.strategies[0], abs=1e-10)


def test_chunks_do_not_matter(monkeypatch):
    arrays = payoffs(150, 2, 3)
    whole = rqe.solve_many(arrays, 2.0, 0.1)
    monkeypatch.setattr(normal_form, "CACHE", 1)
    split = rqe.solve_many(arrays, 2.0, 0.1)
    assert np.abs(whole.strategies[0] - split.strategies[0]).max() < 1e-10
    assert whole.residual.max() <= 1e-10


@pytest.mark.parametrize("tau", [0.0, 30.0, [2.0, np.inf]])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2)])
def test_games_that_have_converged_do_not_go_on_with_the_others(monkeypatch, shape, tau):
    arrays = payoffs(80, *shape, seed=1)
    together = rqe.solve_many(arrays, tau, 0.02)
    monkeypatch.setattr(homotopy, "CROWD", 10**9)
    lockstep = rqe.solve_many(arrays, tau, 0.02)
    monkeypatch.setattr(homotopy, "CROWD", 2)
    monkeypatch.setattr(homotopy, "THINNED", 0.0)
    alone = rqe.solve_many(arrays, tau, 0.02)
    for x, y, z in zip(together.strategies, lockstep.strategies, alone.strategies, strict=True):
        assert np.abs(x - y).max() < 1e-9
        assert np.abs(z - y).max() < 1e-9
    # each game then takes the steps that it takes by itself
    monkeypatch.setattr(normal_form, "express", lambda *_: None)
    games = [rqe.solve_rqe(rqe.NormalFormGame(one), tau, 0.02) for one in arrays]
    assert alone.iterations.tolist() == [eq.iterations for eq in games]
    assert lockstep.iterations.sum() > alone.iterations.sum()


def test_any_equilibrium_of_a_batch():
    batch = rqe.solve_many(payoffs(30, 3, 3), 1.0, 0.1, select="any")
    assert batch.converged.all()
    assert batch.regret.max() <= 1e-10
    assert set(batch.branch) <= {"principal", "unknown"}


def test_failures_are_rows_or_one_error():
    arrays = payoffs(6, 3, 3)
    batch = rqe.solve_many(arrays, 1.0, 0.01, max_steps=2)
    assert not batch.converged.all()
    assert {s for s in batch.status if s is not rqe.Status.CONVERGED} == {rqe.Status.MAX_STEPS}
    with pytest.raises(rqe.ConvergenceError, match="games unsolved") as caught:
        rqe.solve_many(arrays, 1.0, 0.01, max_steps=2, throw=True)
    assert len(caught.value.result) == 6


def test_empty_batch():
    batch = rqe.solve_many(np.zeros((0, 2, 3, 4)), 1.0, 0.1)
    assert len(batch) == 0
    assert batch.strategies[1].shape == (0, 4)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((np.zeros((4, 3, 3)), 1.0, 0.1), "payoffs"),
        ((np.zeros((4, 3, 2, 2)), 1.0, 0.1), "payoffs"),
        ((np.full((4, 2, 2, 2), np.nan), 1.0, 0.1), "payoffs"),
        ((np.zeros((4, 2, 2, 2)), [1.0, 2.0, 3.0], 0.1), "tau"),
        ((np.zeros((4, 2, 2, 2)), -1.0, 0.1), "tau"),
        ((np.zeros((4, 2, 2, 2)), 1.0, np.inf), "epsilon"),
        ((np.zeros((4, 2, 2, 2)), 1.0, 0.0), "epsilon"),
        ((np.zeros((2, 2, 2, 2)), [[np.inf, 1.0], [1.0, 1.0]], 0.1), "tau"),
    ],
)
def test_refusals(arguments, name):
    with pytest.raises(ValueError, match=name):
        rqe.solve_many(*arguments)
