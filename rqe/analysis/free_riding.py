"""How risk aversion ends free-riding in symmetric two-player games (SRA Theorem 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import brentq

from ..core.ops import joint_log
from ..core.regularizer import NegEntropy
from ..core.response import reply, reply_derivative
from ..core.risk import Entropic
from ..model._checks import FloatArray
from ..model.agent import degrees
from ..model.normal_form import NormalFormGame
from ..result.equilibrium import Equilibrium, EquilibriumSet
from ..result.table import Table
from ..solvers import solve_rqe
from ..solvers.enumeration import enumerate_rqe

Progress = Callable[[int, int], None]
SYMMETRIC = "symmetric"
_SAME = 1e-5  # difference of two players' probabilities below which a profile counts as symmetric


def branch_names(equilibria: EquilibriumSet, action: int = 0) -> tuple[str, ...]:
    """What to call each RQE of a symmetric two-player game: symmetric, or who free-rides.

    A player free-rides on a partner that plays the costly `action` more often. Where one player
    free-rides at several RQE, they are numbered from the most unequal one.
    """
    gaps = [float(eq[0][action] - eq[1][action]) for eq in equilibria]
    names = []
    for gap in gaps:
        if abs(gap) <= _SAME:
            names.append(SYMMETRIC)
            continue
        rank = sum(other * gap > 0.0 and abs(other) > abs(gap) for other in gaps)
        rider = equilibria[0].players[1 if gap > 0.0 else 0]
        names.append(f"player {rider} free-rides" + (f" ({rank + 1})" if rank else ""))
    return tuple(names)


def free_riding_branches(
    game: NormalFormGame,
    tau: Sequence[float],
    epsilon: float,
    *,
    action: int = 0,
    progress: Progress | None = None,
) -> Table:
    """Probability of the costly action at every RQE found, against ``tau``: Figure 1(ii).

    Parameters
    ----------
    game : NormalFormGame
        Two players, symmetric.
    tau : sequence of float
        Common degrees of risk aversion, in 1/payoff units.
    epsilon : float
        Common degree of bounded rationality, in payoff units.
    action : int
        The costly action.
    progress : callable, optional
        Called with the number of points done and their total.

    Returns
    -------
    Table
        ``tau``, ``branch`` (see `branch_names`), ``first`` and ``second`` (each player's
        probability of the action), ``residual``, ``regret``; one row an equilibrium.
    """
    rows: list[tuple[Any, ...]] = []
    for done, t in enumerate(tau, start=1):
        found = enumerate_rqe(game, tau=t, epsilon=epsilon)
        for name, eq in zip(branch_names(found, action), found, strict=True):
            shares = float(eq[0][action]), float(eq[1][action])
            rows.append((float(t), name, *shares, eq.residual, eq.max_regret))
        if progress is not None:
            progress(done, len(tau))
    columns = ("tau", "branch", "first", "second", "residual", "regret")
    title = f"probability of {game.actions[0][action]} in {game.name}, epsilon = {epsilon:g}"
    return Table(columns, tuple(rows), title=title)


def bifurcation_determinant(game: NormalFormGame, eq: Equilibrium) -> float:
    """``det(I - DΦ)`` of the reply map on the tangent space; zero where branches meet.

    Its sign is the fixed-point index of the equilibrium.

    Parameters
    ----------
    game : NormalFormGame
    eq : Equilibrium
        With finite ``tau`` and positive ``epsilon``.

    Returns
    -------
    float
    """
    tau, epsilon = degrees(eq.agents)
    logs = eq.log_strategies
    frames = [_tangent(x.size) for x in logs]
    directions = [
        tuple(frames[j][:, k] / eq[j] if j == i else np.zeros(x.size) for i, x in enumerate(logs))
        for j in range(len(logs))
        for k in range(logs[j].size - 1)
    ]
    blocks = []
    for i, payoff in enumerate(game.own_payoffs):
        risk, regularizer = Entropic(float(tau[i])), NegEntropy(float(epsilon[i]))
        answer = reply(payoff, logs[i], joint_log(logs, i), risk, regularizer)
        # joint_log adds the others' logarithms up, so it maps directions to directions too
        columns = [
            reply_derivative(payoff, logs[i], answer, tau[i], epsilon[i], d[i], joint_log(d, i))
            for d in directions
        ]
        blocks.append(frames[i].T @ (np.exp(answer.log_response)[:, None] * np.array(columns).T))
    jacobian = np.concatenate(blocks)
    return float(np.linalg.det(np.eye(len(jacobian)) - jacobian))


def _tangent(n: int) -> FloatArray:
    """An orthonormal basis (n, n - 1) of the directions that keep probabilities summing to 1."""
    return np.linalg.svd(np.ones((1, n)))[2][1:].T


def pitchfork(
    game: NormalFormGame, epsilon: float, between: tuple[float, float], *, action: int = 0
) -> tuple[float, float]:
    """Where asymmetric branches meet the symmetric one: the derivative criterion, no counting.

    Along the principal branch of a symmetric game, which is symmetric, finds the ``tau`` at which
    ``det(I - DΦ)`` changes sign.

    Parameters
    ----------
    game : NormalFormGame
        Two players, symmetric.
    epsilon : float
    between : tuple of float
        Two ``tau`` with the bifurcation between them.
    action : int

    Returns
    -------
    tuple of float
        The ``tau`` and the probability of `action` there.

    Raises
    ------
    ValueError
        The determinant has the same sign at both ends.
    """

    def determinant(t: float) -> float:
        return bifurcation_determinant(game, solve_rqe(game, tau=t, epsilon=epsilon))

    ends = [determinant(t) for t in between]
    if ends[0] * ends[1] > 0.0:
        raise ValueError(
            f"between must hold a bifurcation; det(I - DΦ) is {ends[0]:.4g} and {ends[1]:.4g} at "
            f"{between}"
        )
    at = float(brentq(determinant, *between, xtol=1e-9))
    # only the players' average is well determined here: a difference of 1e-5 between them leaves a
    # residual at the size of rounding, which is what a bifurcation means
    eq = solve_rqe(game, tau=at, epsilon=epsilon)
    return at, 0.5 * float(eq[0][action] + eq[1][action])


def last_free_riding(
    game: NormalFormGame,
    epsilon: float,
    between: tuple[float, float],
    *,
    tol: float = 1e-4,
    progress: Progress | None = None,
) -> tuple[float, float]:
    """Bracket the largest ``tau`` with an asymmetric RQE, by bisection on what is enumerated.

    Unlike `pitchfork` this also sees a fold beyond the pitchfork (SRA Theorem 4.2 speaks of the
    last free-riding RQE, not of the bifurcation).

    Parameters
    ----------
    game : NormalFormGame
        Two players, symmetric.
    epsilon : float
    between : tuple of float
        A ``tau`` with asymmetric RQE and a larger one without.
    tol : float
        Width of the bracket returned.
    progress : callable, optional
        Called with the number of halvings done and their total.

    Returns
    -------
    tuple of float
        The largest ``tau`` tried with an asymmetric RQE, the smallest above it without.

    Raises
    ------
    ValueError
        The ends of `between` are not as asked.
    """

    def rides(t: float) -> bool:
        found = enumerate_rqe(game, tau=t, epsilon=epsilon)
        return any(name != SYMMETRIC for name in branch_names(found))

    low, high = between
    if not rides(low) or rides(high):
        raise ValueError(
            f"between must go from a tau with an asymmetric RQE to one without: {between}"
        )
    total = max(1, int(np.ceil(np.log2((high - low) / tol))))
    for done in range(1, total + 1):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rides(middle) else (low, middle)
        if progress is not None:
            progress(done, total)
    return low, high
