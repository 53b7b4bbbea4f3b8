"""Leaps over points where an even number of eigenvalues changes sign."""

import numpy as np
import pytest

import rqe
from rqe.solvers import _crossings


def near_symmetric(n: int, count: int, seed: int = 0) -> np.ndarray:
    """Coordination games, 1 for agreeing and up to 0.01 at random: (count, 2, n, n)."""
    return np.eye(n) + 0.01 * np.random.default_rng(seed).random((count, 2, n, n))


@pytest.mark.parametrize(("n", "lam"), [(3, 16.0), (4, 12.0), (5, 10.0), (8, 14.0)])
def test_the_principal_branch_of_nearly_symmetric_games_is_not_left(n: int, lam: float) -> None:
    """The branch folds to one pure profile: straight on it would stay nearly uniform.

    The reference is the tracer, which follows the turn with small steps and checks eigenvalues.
    """
    payoffs = near_symmetric(n, 4)
    batch = rqe.solve_many(payoffs, tau=0.0, epsilon=1.0 / lam)
    for k, (first, second) in enumerate(payoffs):
        game = rqe.NormalFormGame([first, second])
        path = rqe.trace_rqe(
            game,
            parameter="epsilon",
            start=np.inf,
            stop=1.0 / lam,
            select="principal",
            max_step=0.05,
        )
        branch = path.branches[0]
        for i in range(2):
            expected = np.asarray(branch.strategies[i])[-1]
            assert np.asarray(batch.strategies[i])[k] == pytest.approx(expected, abs=1e-6)
            alone = rqe.solve_qre(game, epsilon=1.0 / lam)
            assert np.asarray(alone.strategies[i]) == pytest.approx(expected, abs=1e-6)
        assert max(np.asarray(batch.strategies[0])[k]) > 0.9


def test_counts_are_those_of_the_spectrum() -> None:
    """Against all eigenvalues: exact where two real parts are negative, and 0 where it says so."""
    rng = np.random.default_rng(1)
    matrix = np.eye(5) - rng.normal(0.0, 0.7, (500, 5, 5))
    which = rng.random(500) < 0.8
    counts = _crossings.negative(matrix, which)
    seen = 0
    for row, asked, (wedge, left) in zip(matrix, which, counts, strict=True):
        values = np.linalg.eigvals(row)
        exact = int((values.real < 0.0).sum())
        if asked and exact >= 2:
            assert left == exact
            assert wedge == int(((values.real < 0.0) & (abs(values.imag) <= -values.real)).sum())
            seen += 1
        else:
            assert left in ((0, exact) if asked else (0,))
    assert seen > 50


def test_a_leap_is_two_in_both_counts() -> None:
    """A fold changes one eigenvalue; a pair that passes the imaginary axis one of the counts."""
    before = np.zeros((4, 2), dtype=np.int64)
    after = np.array([[1, 1], [0, 2], [2, 2], [4, 4]])
    assert _crossings.leapt(before, after).tolist() == [False, False, True, True]
    assert not _crossings.leapt(after, after).any()


def test_nearly_symmetric_games_with_risk_aversion() -> None:
    """A tenth of the first correction that steps aim at ends on the same branch."""
    payoffs = near_symmetric(4, 6, seed=3)
    for k in range(len(payoffs)):
        game = rqe.NormalFormGame(list(payoffs[k]))
        eq = rqe.solve_rqe(game, tau=0.5, epsilon=0.1)
        path = rqe.trace_rqe(
            game,
            parameter="epsilon",
            tau=0.5,
            start=np.inf,
            stop=0.1,
            select="principal",
            max_step=0.05,
        )
        expected = np.asarray(path.branches[0].strategies[0])[-1]
        assert np.asarray(eq.strategies[0]) == pytest.approx(expected, abs=1e-6)
