"""How risk aversion moves collaboration in quadratic aggregative games (SRA Theorem 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scipy.optimize import minimize_scalar

from ..result.table import Table
from ..solvers import solve_rqe

Progress = Callable[[int, int], None]


def collaboration_curve(
    game: Any,
    tau: Sequence[float],
    epsilon: float,
    *,
    player: int = 0,
    progress: Progress | None = None,
) -> Table:
    """A player's utility at the Gaussian RQE against ``tau``: Figure 1(i).

    Parameters
    ----------
    game : AggregativeGame
    tau : sequence of float
        Common degrees of risk aversion, in 1/payoff units, inside the domain of finite risk.
    epsilon : float
        Common degree of bounded rationality, in payoff units.
    player : int
        Whose utility.
    progress : callable, optional
        Called with the number of points done and their total.

    Returns
    -------
    Table
        ``tau``, ``tau epsilon``, ``utility`` (the payoff at the means: what the spread of play
        costs does not depend on ``tau``), ``payoff`` (the spread included), ``shared reward``,
        ``residual``, ``regret``.

    Raises
    ------
    InfiniteRiskError
        A ``tau`` outside the domain.
    """
    rows = []
    for done, t in enumerate(tau, start=1):
        eq = solve_rqe(game, tau=t, epsilon=epsilon)
        rows.append(
            (
                float(t),
                float(t) * epsilon,
                float(eq.mean_payoffs[player]),
                float(eq.payoffs[player]),
                float(eq.shared_reward),
                eq.residual,
                eq.max_regret,
            )
        )
        if progress is not None:
            progress(done, len(tau))
    columns = ("tau", "tau epsilon", "utility", "payoff", "shared reward", "residual", "regret")
    return Table(columns, tuple(rows), title=f"{game.name}, epsilon = {epsilon:g}")


def best_tau(game: Any, epsilon: float, upper: float, *, player: int = 0) -> tuple[float, float]:
    """The ``tau`` in ``[0, upper]`` at which the utility of `collaboration_curve` is largest.

    Parameters
    ----------
    game : AggregativeGame
        With a utility that is unimodal in ``tau``, as in Example 4.1, where it is concave.
    epsilon, upper : float
        ``upper`` must lie inside the domain of finite risk.
    player : int

    Returns
    -------
    tuple of float
        The maximiser, to about 1e-8 (a maximum is flat), and the utility there.
    """

    def loss(t: float) -> float:
        return -float(solve_rqe(game, tau=t, epsilon=epsilon).mean_payoffs[player])

    found = minimize_scalar(loss, bounds=(0.0, upper), method="bounded", options={"xatol": 1e-10})
    return float(found.x), -float(found.fun)
