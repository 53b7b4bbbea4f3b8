"""How risk-averse to be, for one player or for the team, in quadratic aggregative games."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model._checks import FloatArray, per_player
from ..result.equilibrium import read_only
from ._tau_search import SHORT, Objective, check_player, climb, search
from .aggregative import Degrees, Frame, closed_form, frame_of


@dataclass(frozen=True, eq=False)
class BestTau:
    """Where an objective is largest in ``tau``.

    Attributes
    ----------
    tau : array (N,)
        Every player's degree of risk aversion, 1/payoff units.
    value : float
        The objective at the means there, in payoff units.
    where : {"interior", "zero", "boundary", "constant"}
        ``"interior"``: a stationary point. ``"zero"``: no risk aversion is best (of those whose
        ``tau`` is searched). ``"boundary"``: the objective rises all the way to infinite risk:
        ``tau`` is the limit and ``value`` a supremum, which no admissible ``tau`` attains.
        ``"constant"``: the objective does not depend on ``tau``.
    """

    tau: FloatArray
    value: float
    where: str


@dataclass(frozen=True, eq=False)
class TeamTau:
    """The degrees of risk aversion, one a player, at which the sum of all payoffs is largest.

    Attributes
    ----------
    tau : array (N,)
        1/payoff units.
    value : float
        Sum of the payoffs at the means there, in payoff units.
    first_best : float
        The largest sum of payoffs over all actions: what no ``tau`` can beat.
    where : tuple of {"interior", "zero", "boundary", "constant"}
        For each player. ``"boundary"``: the search ended a millionth short of infinite risk, and
        ``value`` is a lower bound on a supremum. ``"constant"``: its ``tau`` moves nothing.
    exact : bool
        Whether ``tau`` attains ``first_best`` by the formula; else it is the best of several local
        searches.
    """

    tau: FloatArray
    value: float
    first_best: float
    where: tuple[str, ...]
    exact: bool


def largest_tau(game: Any, epsilon: Degrees) -> FloatArray:
    """Supremum of each player's ``tau`` with finite risk; the least of them bounds a common one.

    Parameters
    ----------
    game : AggregativeGame
    epsilon : float or sequence of N floats
        Payoff units.

    Returns
    -------
    array (N,)
        1/payoff units; ``inf`` where nobody else trembles. At the supremum itself risk is infinite.

    Raises
    ------
    ValueError
        As `rqe.analysis.aggregative.closed_form`.

    Notes
    -----
    ``1 / sum_{j != i} epsilon_j eta / (eta + rho_j)`` at the largest eigenvalue ``eta`` of ``H``;
    the paper's pairwise condition is that for two players, and too weak for more.

    Examples
    --------
    >>> from rqe.model.quadratic import AggregativeGame
    >>> game = AggregativeGame(H=1.0, target=1.0, rho=[1.0, 1.0, 1.0])
    >>> largest_tau(game, epsilon=[0.5, 1.0, 1.0]).round(8)
    array([1.        , 1.33333333, 1.33333333])
    """
    return read_only(frame_of(game, epsilon).max_tau)


def best_common_tau(game: Any, epsilon: Degrees, *, of: int | str = "team") -> BestTau:
    """The ``tau``, the same for every player, that is best for a player or for all of them.

    Parameters
    ----------
    game : AggregativeGame
    epsilon : float or sequence of N floats
        Payoff units.
    of : int, "team" or "planner"
        A player's payoff; ``"team"``: the sum of all payoffs; ``"planner"``: the shared reward,
        counted once, less all costs. At the means: what the spread of play costs does not depend on
        ``tau``.

    Returns
    -------
    BestTau

    Raises
    ------
    ValueError
        As `rqe.analysis.aggregative.closed_form`, or an ``of`` that is not listed.

    Notes
    -----
    ``"planner"`` is a potential of the risk-neutral game, so its maximum is the Nash equilibrium
    and ``tau = 0`` always best. The sum of payoffs counts the reward once a player, and gains.

    The search brackets every change of sign of the slope, in closed form, between 801 points of
    the domain: two stationary points within one step may be missed.

    Examples
    --------
    >>> from rqe.model.quadratic import AggregativeGame
    >>> game = AggregativeGame(H=1.0, target=1.0, rho=[1.0, 1.0])
    >>> found = best_common_tau(game, epsilon=1.0)
    >>> found.tau.round(9), round(found.value, 12), found.where
    (array([1., 1.]), -0.2, 'interior')
    """
    frame = frame_of(game, epsilon)
    n = frame.rho.size
    return _best(frame, of, np.zeros(n), np.ones(n))


def best_own_tau(game: Any, tau: Degrees, epsilon: Degrees, player: int) -> BestTau:
    """The ``tau`` that serves a player best, the others' ``tau`` held fixed.

    Parameters
    ----------
    game : AggregativeGame
    tau : float or sequence of N floats
        The others' degrees of risk aversion; the player's own entry is not looked at.
    epsilon : float or sequence of N floats
        Payoff units.
    player : int

    Returns
    -------
    BestTau

    Raises
    ------
    ValueError, InfiniteRiskError
        As `rqe.analysis.aggregative.closed_form`.

    Notes
    -----
    It is 0, or makes no difference: a player's payoff falls in its own ``tau`` and rises in every
    other (`rqe.analysis.aggregative.TauGradient`). Choosing how risk-averse to be is a social
    dilemma, of which `best_team_tau` is the cooperative outcome.
    """
    frame = frame_of(game, epsilon)
    own = check_player(player, frame.rho.size)
    only = np.arange(frame.rho.size) == own
    start = np.where(only, 0.0, per_player(tau, frame.rho.size, "tau", allow_inf=True))
    closed_form(game, start, epsilon)  # refuses what is outside the domain
    return _best(frame, own, start, only.astype(np.float64))


def _best(frame: Frame, of: int | str, start: FloatArray, direction: FloatArray) -> BestTau:
    step, value, where = search(frame, of, start, direction)
    return BestTau(read_only(start + step * direction), value, where)


def best_team_tau(game: Any, epsilon: Degrees) -> TeamTau:
    r"""The degrees of risk aversion, one a player, that are best for the sum of all payoffs.

    Parameters
    ----------
    game : AggregativeGame
    epsilon : float or sequence of N floats
        Payoff units.

    Returns
    -------
    TeamTau

    Raises
    ------
    ValueError
        As `rqe.analysis.aggregative.closed_form`.

    Notes
    -----
    The team is best off where ``rho_i m_i = N eta (aim - total)``, and RQE have ``rho_i (1 - q_i)
    m_i = eta (aim - total)``. So ``q_i = 1 - 1/N`` in every direction is the first best, and inside
    the domain. One ``tau_i`` sets one number, so it is attained where ``H`` is a multiple of the
    identity, by :math:`\tau_i = (1 - 1/N) / \sum_{j \neq i} \epsilon_j \eta / (\eta + \rho_j)`,
    which is ``(eta + rho) / (N eta epsilon)`` for equal players. Elsewhere local searches from
    several points approach it.

    Examples
    --------
    >>> from rqe.model.quadratic import AggregativeGame
    >>> game = AggregativeGame(H=1.0, target=1.0, rho=[1.0, 3.0])
    >>> found = best_team_tau(game, epsilon=[0.5, 1.0])
    >>> found.tau.round(12), found.exact
    (array([2., 2.]), True)
    """
    frame = frame_of(game, epsilon)
    n, limit = frame.rho.size, frame.max_tau
    objective = Objective(frame, float(n), np.ones(n))
    level = 1.0 - 1.0 / n
    moves = np.isfinite(limit)
    scale = np.where(moves, limit, 0.0)
    # how far the directions' q differ when the largest is 1
    uneven = np.ptp(frame.reach, axis=1) * scale
    exact = bool(np.all(moves) and np.all(uneven <= 1e-13))
    if exact:
        share = np.full(n, level)
    else:
        starts = [np.where(moves, x, 0.0) for x in (0.0, 0.5 * level, level, 0.5 + 0.5 * level)]
        share = max(
            (climb(objective, scale, start) for start in starts),
            key=lambda x: float(objective.value(objective.margins(x * scale))),
        )
    margins = objective.margins(share * scale)
    where = np.where(share <= 0.0, "zero", "interior")
    where = np.where(share >= 1.0 - 2.0 * SHORT, "boundary", where)
    change = objective.push(margins) * (1.0 - frame.shares(margins)[0])
    idle = np.all(frame.aim * change == 0.0, axis=1)
    return TeamTau(
        tau=read_only(share * scale),
        value=float(objective.value(margins)),
        first_best=float(objective.value(np.full(frame.reach.shape, 1.0 / n))),
        where=tuple(str(w) for w in np.where(idle, "constant", where)),
        exact=exact,
    )
