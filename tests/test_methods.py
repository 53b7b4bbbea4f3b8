"""Method × selection × game × attitude: each cell is solved and certified, or refused by name."""

from itertools import product

import numpy as np
import pytest

import rqe

rng = np.random.default_rng(5)
GAMES = {
    "one player": rqe.NormalFormGame([[3.0, 1.0, 2.0]]),
    "two players": rqe.NormalFormGame(rng.random((2, 3, 2))),
    "three players": rqe.NormalFormGame(rng.random((3, 2, 2, 2))),
    "one action": rqe.NormalFormGame(rng.random((2, 1, 3))),
    "one profile": rqe.NormalFormGame([[[2.0]], [[5.0]]]),
    "constant": rqe.NormalFormGame(np.full((2, 2, 2), 7.0)),
    "quadratic": rqe.AggregativeGame(H=[[1.0]], target=[1.0], rho=[1.0, 1.0]),
}
CELLS = list(
    product(
        GAMES,
        ("auto", "homotopy", "fixed_point", "newton"),
        (None, "principal", "any"),
        (0.0, 0.7, np.inf),
        (0.0, 0.3),
    )
)


def refusal(kind, method, select, tau, epsilon):
    """The argument that the error must name, or None where the cell must be solved."""
    if kind == "quadratic":
        if method != "auto" or select == "any":
            return "method, select and start"
        return "tau" if np.isinf(tau) else None  # epsilon = 0 is play without noise
    if epsilon == 0.0 and not np.isinf(tau):
        return "epsilon"
    if select == "principal" and method in ("fixed_point", "newton"):
        return "method"
    return None


@pytest.mark.parametrize(("kind", "method", "select", "tau", "epsilon"), CELLS)
def test_cell(kind, method, select, tau, epsilon):
    game = GAMES[kind]
    expected = refusal(kind, method, select, tau, epsilon)
    if expected is not None:
        with pytest.raises(ValueError, match=expected):
            rqe.solve_rqe(game, tau, epsilon, method=method, select=select)
        return
    eq = rqe.solve_rqe(game, tau, epsilon, method=method, select=select)
    assert eq.status is rqe.Status.CONVERGED
    assert eq.residual <= 1e-10
    assert np.all(eq.regret <= 1e-9)
    if kind != "quadratic":
        assert rqe.certify(game, eq).ok


def test_one_player_is_a_softmax():
    eq = rqe.solve_rqe(GAMES["one player"], tau=5.0, epsilon=0.5)
    expected = np.exp(np.array([3.0, 1.0, 2.0]) / 0.5)
    assert eq.strategies[0] == pytest.approx(expected / expected.sum())
    assert eq.beliefs[0].shape == ()
