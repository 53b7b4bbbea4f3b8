"""How risk aversion moves collaboration in quadratic aggregative games (SRA Theorem 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..model._checks import per_player
from ..result.table import Table
from ..solvers import solve_rqe
from ._tau_search import search
from .aggregative import Degrees, closed_form, frame_of

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
        ``residual``, ``regret``: solved, not from the closed form, with the evidence.

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


def collaboration_table(game: Any, tau: Sequence[Any], epsilon: Degrees) -> Table:
    """Everybody's effort, cost and utility along ``tau``, from the closed form.

    Parameters
    ----------
    game : AggregativeGame
        Any number of players and dimensions.
    tau : sequence of float, or of sequences of N floats
        The points: common degrees of risk aversion, or one a player (1/payoff units).
    epsilon : float or sequence of N floats
        Payoff units.

    Returns
    -------
    Table
        ``tau`` (or a column a player), ``margin`` (the smallest ``1 - q_i``; risk is infinite at
        0), ``shared reward`` (expected: ``J``), ``reward at means``, ``team`` (the sum of the
        expected payoffs); then for each player its ``cost`` and ``payoff`` (both expected) and its
        ``value`` (risk-adjusted and regularised).

    Raises
    ------
    ValueError, InfiniteRiskError
        As `rqe.analysis.aggregative.closed_form`.

    Examples
    --------
    >>> from rqe.model.quadratic import AggregativeGame
    >>> game = AggregativeGame(H=1.0, target=1.0, rho=[1.0, 2.0])
    >>> found = collaboration_table(game, [0.0, 0.5, 1.0], 0.2)
    >>> [round(c, 6) for c in found.column("cost 1")], [round(j, 6) for j in found.column("team")]
    ([0.13, 0.131595, 0.133173], [-0.563333, -0.559663, -0.556136])
    """
    points = [per_player(t, game.n_players, "tau", allow_inf=True) for t in tau]
    common = all(np.all(t == t[0]) for t in points)
    heads = ("tau",) if common else tuple(f"tau {p}" for p in game.players)
    rows = []
    for t in points:
        at = closed_form(game, t, epsilon)
        each = zip(at.costs, at.payoffs, at.values, strict=True)
        rows.append(
            (
                *(float(v) for v in (t[:1] if common else t)),
                float(np.min(at.margins)),
                at.shared_reward,
                at.mean_reward,
                float(np.sum(at.payoffs)),
                *(float(v) for player in each for v in player),
            )
        )
    kinds = tuple(f"{kind} {p}" for p in game.players for kind in ("cost", "payoff", "value"))
    columns = (*heads, "margin", "shared reward", "reward at means", "team", *kinds)
    return Table(columns, tuple(rows), title=f"{game.name}, epsilon = {epsilon}")


def best_tau(game: Any, epsilon: float, upper: float, *, player: int = 0) -> tuple[float, float]:
    """The common ``tau`` up to ``upper`` at which the utility of `collaboration_curve` is largest.

    Parameters
    ----------
    game : AggregativeGame
    epsilon, upper : float
        ``upper`` must lie inside the domain of finite risk.
    player : int

    Returns
    -------
    tuple of float
        The maximiser and the utility there.

    Raises
    ------
    InfiniteRiskError
        ``upper`` outside the domain.
    """
    closed_form(game, upper, epsilon)  # refuses what is outside the domain
    n = game.n_players
    found = search(frame_of(game, epsilon), player, np.zeros(n), np.ones(n), upper)
    return found[0], found[1]
