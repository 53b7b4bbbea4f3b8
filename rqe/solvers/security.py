r"""Security (maximin) strategies: each player's best guarantee, by linear programming.

.. math:: \max_{x_i} \; \min_{a_{-i}} \; \sum_a x_i(a)\, u_i(a, a_{-i})

The worst case is over all joint actions of the others, so they may coordinate against the player.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..model.agent import make_agents
from ..model.normal_form import NormalFormGame
from ..result.equilibrium import Equilibrium
from ..result.status import Status
from ._report import log_of, report
from ._validate import check_game, check_numbers
from .support import polish, unit_payoffs

FEASIBILITY = 1e-10
"""HiGHS' tolerances, on payoffs of unit range; the smallest it takes."""


@np.errstate(all="ignore")  # what overflows is found by looking at the result
def solve_security(
    game: NormalFormGame,
    *,
    tol: float = 1e-10,
    max_steps: int = 100_000,
    throw: bool = True,
) -> Equilibrium:
    r"""Security (maximin) strategies and values, by linear programming (von Neumann 1928).

    Every player maximises :math:`\min_{a_{-i}} U_i(x_i, a_{-i})`, the minimum being over all JOINT
    actions of the others. It is the limit of the RQE for ``tau`` to infinity first and ``epsilon``
    to 0 after it; players do not respond to each other, so the profile is a guarantee for each of
    them and no Nash equilibrium in general.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players.
    tol : float
        Bound on the residual.
    max_steps : int
        Most simplex iterations a player.
    throw : bool
        Raise where the profile is not certified; else return it with its status.

    Returns
    -------
    Equilibrium
        ``concept`` is ``"security"``; ``values`` are the security values (in payoff units),
        ``payoffs`` what the profile pays when they all play it, ``beliefs`` the worst mixtures of
        the others' joint actions (the program's dual), ``regret`` the duality gap: a bound on what
        another strategy could guarantee beyond this one. A maximin strategy need not be unique; the
        one returned is a vertex of the set.

    Raises
    ------
    ValueError
        `game` is not a `NormalFormGame`; `tol` or `max_steps` is out of range.
    ConvergenceError
        The linear program did not reach its optimum; carries the best profile.

    Examples
    --------
    >>> import rqe
    >>> from rqe.solvers.security import solve_security
    >>> chicken = rqe.NormalFormGame([[[0, 7], [2, 6]], [[0, 2], [7, 6]]])
    >>> eq = solve_security(chicken)
    >>> eq.strategies[0], eq.values
    (array([0., 1.]), array([2., 2.]))
    """
    check_game(game)
    check_numbers(tol, max_steps)
    strategies, beliefs, ending, total = [], [], Status.UNCERTIFIED, 0
    for payoff in game.own_payoffs:
        x, p, status, steps = maximin(payoff, max_steps)
        strategies.append(x)
        beliefs.append(p)
        total += steps
        if status is not Status.CONVERGED:
            ending = status
    agents = make_agents(np.inf, 0.0, game.n_players)
    return report(
        game,
        log_of(strategies),
        agents,
        tol=tol,
        method="linear program",
        iterations=total,
        ending=ending,
        log_beliefs=log_of(beliefs),
        concept="security",
        throw=throw,
    )


def maximin(payoff: FloatArray, max_steps: int) -> tuple[FloatArray, FloatArray, Status, int]:
    """Maximin strategy of one payoff matrix and the worst-case belief that proves it.

    Parameters
    ----------
    payoff : array (n, m)
        Own actions by outcomes, any units.
    max_steps : int
        Most simplex iterations.

    Returns
    -------
    x : array (n,)
    p : array (m,)
        Dual: no strategy is worth more against it than ``x`` guarantees.
    status : Status
    steps : int
    """
    (unit,) = unit_payoffs([payoff])
    n, m = unit.shape
    if n == 1 or m == 1:
        x = _indicator(n, int(unit.min(axis=1).argmax()))
        return x, _indicator(m, int((x @ unit).argmin())), Status.CONVERGED, 0
    x, p, status, steps = _linear_program(unit, max_steps)
    (x, p), more = polish([unit, -unit], [x, p])
    return x, p, status, steps + more


def _indicator(size: int, at: int) -> FloatArray:
    out = np.zeros(size)
    out[at] = 1.0
    return out


def _linear_program(unit: FloatArray, max_steps: int) -> tuple[FloatArray, FloatArray, Status, int]:
    """HiGHS on payoffs in [0, 1]; the uniform pair where it has nothing to say."""
    from scipy.optimize import linprog  # here, since it is slow to import

    n, m = unit.shape
    answer: Any = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=np.hstack([-unit.T, np.ones((m, 1))]),
        b_ub=np.zeros(m),
        A_eq=np.append(np.ones(n), 0.0)[None],
        b_eq=np.ones(1),
        bounds=[(0.0, None)] * n + [(None, None)],
        method="highs-ds",
        options={
            "maxiter": max_steps,
            "primal_feasibility_tolerance": FEASIBILITY,
            "dual_feasibility_tolerance": FEASIBILITY,
        },
    )
    status = {0: Status.CONVERGED, 1: Status.MAX_STEPS}.get(answer.status, Status.UNCERTIFIED)
    if answer.x is None or answer.ineqlin.marginals is None:
        return np.full(n, 1.0 / n), np.full(m, 1.0 / m), status, int(answer.nit)
    return answer.x[:n], -answer.ineqlin.marginals, status, int(answer.nit)
