"""Logit QRE against pygambit's branch tracer, on the games of its catalogue."""

import numpy as np
import pytest

import rqe
from rqe.certificate import evidence

gambit = pytest.importorskip("pygambit")

PRECISIONS = (0.5, 1.0, 2.0, 5.0)
PITCHFORK = {
    "journals/ijgt/nau2004/sec3": (
        "battle of the sexes is symmetric under exchange of players and actions; at its pitchfork "
        "pygambit breaks the symmetry on purpose and leaves on a side branch"
    ),
    "journals/dcg/vonstengel1999/6x6_game_with_75_eq_small_payoffs": (
        "payoffs are unchanged by reversing both players' actions; pygambit leaves the symmetric "
        "branch at its pitchfork"
    ),
    "journals/other/shapley1974/fig3": (
        "a symmetric game whose symmetric branch pygambit leaves; its point has residual 5e-8 there"
    ),
}


def names():
    return list(gambit.catalog.games()["Game"])


def theirs(game, lam):
    point = gambit.qre.logit_solve_lambda(game, lam=[lam], use_strategic=True)[0]
    return [
        np.array([float(point.profile[p][s]) for s in game.get_strategies(p)]) for p in game.players
    ]


def residual(game, profile, lam):
    logs = [np.log(np.maximum(x / x.sum(), 1e-300)) for x in profile]
    n = game.n_players
    return float(evidence(game.own_payoffs, logs, np.zeros(n), np.full(n, 1 / lam)).residual)


@pytest.mark.parametrize("name", names())
def test_catalogue(name):
    theirs_game = gambit.catalog.load(name)
    game = rqe.NormalFormGame(theirs_game.to_arrays(dtype=float))
    for lam in PRECISIONS:
        eq = rqe.solve_qre(game, lam=lam)
        assert eq.branch == "principal"
        assert eq.residual <= 1e-10
        try:
            point = theirs(theirs_game, lam)
        except RuntimeError as error:  # then only our own certificate speaks
            assert "imperfect recall" in str(error)  # noqa: PT017
            continue
        if residual(game, point, lam) > 1e-8:
            continue
        gap = max(np.abs(a - b).max() for a, b in zip(point, eq.strategies, strict=True))
        if gap > 1e-6:
            # the index shows that our branch went straight on through a pitchfork
            assert name in PITCHFORK
            assert eq.index == -1


@pytest.mark.parametrize("name", sorted(PITCHFORK))
def test_the_exceptions_are_symmetric_profiles(name):
    """Where the two disagree, ours is the profile with the game's symmetry: the same branch."""
    game = rqe.NormalFormGame(gambit.catalog.load(name).to_arrays(dtype=float))
    eq = rqe.solve_qre(game, lam=2.0)
    x, y = eq.strategies
    a, b = game.payoffs
    symmetries = 0
    if np.array_equal(a, a[::-1, ::-1]) and np.array_equal(b, b[::-1, ::-1]):
        assert x == pytest.approx(x[::-1], abs=1e-9)
        assert y == pytest.approx(y[::-1], abs=1e-9)
        symmetries += 1
    if np.array_equal(a, b.T):
        assert x == pytest.approx(y, abs=1e-9)
        symmetries += 1
    if np.array_equal(a, b.T[::-1, ::-1]):
        assert x == pytest.approx(y[::-1], abs=1e-9)
        symmetries += 1
    assert symmetries > 0


@pytest.mark.parametrize("n", [5, 30, 80])
def test_random_games_at_high_precision(n):
    rng = np.random.default_rng(n)
    arrays = rng.random((2, n, n))
    lam = 20.0
    point = theirs(gambit.StrategicGame.from_arrays(*arrays), lam)
    eq = rqe.solve_qre(rqe.NormalFormGame(arrays), lam=lam)
    for a, b in zip(point, eq.strategies, strict=True):
        assert b == pytest.approx(a, abs=1e-6)


@pytest.mark.parametrize("which", [79, 6947, 7266, 7381])
def test_branches_that_lie_close_to_others(which):
    """Games on which longer steps leap to another branch; pygambit takes its own small ones."""
    rng = np.random.default_rng(5)
    rng.random((10000, 2, 3, 3))
    arrays = rng.random((8000, 2, 5, 5))[which]
    game = gambit.StrategicGame.from_arrays(*arrays)
    point = gambit.qre.logit_solve_lambda(
        game, lam=[20.0], use_strategic=True, first_step=0.001, max_accel=1.01
    )[0]
    eq = rqe.solve_qre(rqe.NormalFormGame(arrays), lam=20.0)
    for player, x in zip(game.players, eq.strategies, strict=True):
        expected = [float(point.profile[player][s]) for s in game.get_strategies(player)]
        assert x == pytest.approx(expected, abs=1e-6)
