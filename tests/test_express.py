"""The short walk of two neutral players arrives where the long one does, or gives up."""

import numpy as np
import pytest

import games
import rqe
from rqe.solvers import _express, normal_form


def draw(kind, rng):
    n, m = rng.integers(1, 8, 2)
    if kind == "uniform":
        return rng.random((2, n, m))
    if kind == "ties":
        return rng.integers(0, 3, (2, n, m)).astype(float)
    common = rng.random((n, n))
    return np.stack([common, common]) if kind == "common" else rng.normal(size=(2, n, m)) * 1e6


def both(monkeypatch, game, lam):
    short = rqe.solve_qre(game, lam=lam)
    with monkeypatch.context() as patch:
        patch.setattr(normal_form, "express", lambda *_: None)
        return short, rqe.solve_qre(game, lam=lam)


@pytest.mark.parametrize("kind", ["uniform", "ties", "common", "large"])
def test_as_the_long_walk(monkeypatch, kind):
    rng = np.random.default_rng(5)
    taken, real = [], _express.express

    def counted(problem, max_steps):
        found = real(problem, max_steps)
        taken.append(found is not None)
        return found

    monkeypatch.setattr(normal_form, "express", counted)
    for _ in range(60):
        arrays = draw(kind, rng)
        span = max(np.ptp(arrays[0]), np.ptp(arrays[1]), 1e-9)
        lam = rng.uniform(0.0, 18.0, 2) / span
        short, long = both(monkeypatch, rqe.NormalFormGame(arrays), lam)
        for x, y in zip(short.strategies, long.strategies, strict=True):
            assert np.abs(x - y).max() < 1e-8
        assert (short.index, short.branch) == (long.index, "principal")
        assert short.residual <= 1e-10
    assert np.mean(taken) > 0.7


def test_closed_forms():
    # a player without payoffs at stake is uniform, and the other replies to that
    arrays = np.stack([np.arange(6.0).reshape(2, 3), np.zeros((2, 3))])
    eq = rqe.solve_qre(rqe.NormalFormGame(arrays), lam=2.0)
    weights = np.exp(2.0 * arrays[0].mean(axis=1))
    assert eq.strategies[0] == pytest.approx(weights / weights.sum(), abs=1e-12)
    assert eq.strategies[1] == pytest.approx(np.full(3, 1 / 3), abs=1e-12)
    found = rqe.solve_qre(games.matching_pennies(), lam=3.0)
    assert np.concatenate(found.strategies) == pytest.approx(np.full(4, 0.5), abs=1e-12)
    alone = rqe.solve_qre(rqe.NormalFormGame(np.ones((2, 1, 1))), lam=3.0)
    assert np.concatenate(alone.strategies).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("payoffs", "tau", "epsilon"),
    [
        ((2, 3, 3), 1.0, 0.2),  # a player who fears something
        ((2, 3, 3), 0.0, 0.01),  # sharper than moderate
        ((3, 2, 2, 2), 0.0, 0.2),  # a third player
        ((2, 3, 3), [np.inf, 0.0], 0.2),  # one who does not respond
    ],
)
def test_what_it_does_not_try(monkeypatch, payoffs, tau, epsilon):
    game = rqe.NormalFormGame(np.random.default_rng(0).random(payoffs))
    seen, real = [], _express.express
    monkeypatch.setattr(normal_form, "express", lambda *a: seen.append(real(*a)) or seen[-1])
    assert rqe.solve_rqe(game, tau, epsilon).residual <= 1e-10
    assert seen == [None]


def test_it_gives_up_where_the_branch_is_not_followed(monkeypatch):
    monkeypatch.setattr(_express, "FIRST", 0.0)
    game = rqe.NormalFormGame(np.random.default_rng(0).random((2, 4, 4)))
    eq = rqe.solve_qre(game, lam=5.0)
    assert eq.residual <= 1e-10
    assert eq.branch == "principal"


def test_steps_are_bounded():
    game = rqe.NormalFormGame(np.random.default_rng(0).random((2, 4, 4)))
    with pytest.raises(rqe.ConvergenceError) as caught:
        rqe.solve_qre(game, lam=15.0, max_steps=1)
    assert caught.value.status is rqe.Status.MAX_STEPS
