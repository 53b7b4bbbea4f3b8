"""Solvers: a game and its players' attitudes in, an equilibrium with evidence out."""

from __future__ import annotations

from collections.abc import Sequence
from sys import float_info
from typing import Any

import numpy as np

from ..model._checks import FloatArray, per_player
from ..model.agent import Agent, is_logit, make_agents
from ..model.markov import MarkovGame
from ..model.normal_form import NormalFormGame
from ..model.quadratic import QuadraticGame
from ..model.structured import StructuredGame
from ..result.equilibrium import Equilibrium
from ..result.gaussian import GaussianEquilibrium
from ..result.markov import MarkovEquilibrium
from ..result.status import Status
from ._report import report, settle
from ._validate import (
    attitudes,
    check_agents,
    check_choice,
    check_game,
    check_general,
    check_numbers,
    check_ranges,
    check_start,
)
from .gaussian import solve_gaussian
from .general import solve_finite
from .markov import solve_markov
from .normal_form import METHODS, SELECTIONS, Batch, Outcome, refine, solve_batch
from .structured import check_structured, full_sign, structured_batch


def solve_rqe(
    game: Any,
    tau: Any,
    epsilon: Any,
    *,
    method: str = "auto",
    select: str | None = None,
    start: Any = None,
    tol: float = 1e-10,
    max_steps: int = 10_000,
    throw: bool = True,
) -> Any:
    """Risk-averse quantal response equilibrium (SRA eqs. 1 and 2; RQE24), with its evidence.

    Parameters
    ----------
    game : NormalFormGame, PolymatrixGame, AnonymousGame, QuadraticGame or MarkovGame
        Any number of players. Quadratic games have their Gaussian equilibrium computed, Markov
        games policies for every state. In an anonymous game each type stands for one player.
    tau : float or sequence of N floats
        Degrees of risk aversion in 1/payoff units, in [0, inf]. ``0`` is risk neutrality; at
        ``inf`` a player prepares for the worst of ALL the others' joint actions, and its strategy
        comes from a convex program.
    epsilon : float or sequence of N floats
        Degrees of bounded rationality in payoff units, > 0 (logit precision is ``1 / epsilon``).
        ``0`` is allowed for players with ``tau = inf`` (security strategies).
    method : {"auto", "homotopy", "fixed_point", "newton", "no_regret"}
        ``homotopy`` follows the principal branch; the others follow none. ``no_regret`` is
        optimistic mirror descent (see `rqe.learn`), for the attitudes that `rqe.is_tractable`
        speaks of. Markov games have methods and selections of their own (docs/markov.md).
    select : {"principal", "any"}, optional
        Which equilibrium, where there are several. ``principal``: the branch followed down in
        ``epsilon`` at fixed ``tau`` from the uniform profile, whatever the machine or solver;
        players with ``tau = inf`` are held at their strategy, which is unique. ``any``: the first
        found. The default is ``principal``, or ``any`` where ``start`` or a ``method`` that follows
        no branch is given.
    start : sequence of N arrays (n_i,), optional
        Mixed strategies to start from, for ``select="any"``.
    tol : float
        Bound on the residual (sup norm of probabilities).
    max_steps : int
        Bound on the steps of each stage.
    throw : bool
        Raise where the equilibrium is not certified; else return it with its status.

    Returns
    -------
    Equilibrium, GaussianEquilibrium or MarkovEquilibrium

    Raises
    ------
    ValueError
        An argument is out of range; the message names it.
    ConvergenceError
        No certified equilibrium was reached; carries the best iterate.
    InfiniteRiskError
        A quadratic game in which a player's ``tau`` makes its risk infinite.

    Examples
    --------
    >>> import games, rqe
    >>> eq = rqe.solve_rqe(games.free_riding(), tau=1.0, epsilon=0.2)
    >>> round(float(eq.strategies[0][0]), 8), eq.branch
    (0.60822983, 'principal')
    >>> eq.residual < 1e-10 and eq.max_regret < 1e-15
    True
    """
    agents = make_agents(tau, epsilon, _players(game))
    return _solve(game, agents, method, select, start, tol, max_steps, throw, "rqe")


def solve_qre(
    game: NormalFormGame,
    epsilon: Any = None,
    *,
    lam: Any = None,
    method: str = "auto",
    select: str | None = None,
    start: Any = None,
    tol: float = 1e-10,
    max_steps: int = 10_000,
    throw: bool = True,
) -> Any:
    """Logit quantal response equilibrium (MP95), the ``tau = 0`` case of `solve_rqe`.

    Parameters
    ----------
    game : NormalFormGame, PolymatrixGame, AnonymousGame, QuadraticGame or MarkovGame
    epsilon : float or sequence of N floats
        Degrees of bounded rationality in payoff units, > 0.
    lam : float or sequence of N floats
        Logit precision ``1 / epsilon`` in place of it, in [0, inf); at 0, which only finite games
        take, play is uniform. Give one of the two.
    method, select, start, tol, max_steps, throw
        As for `solve_rqe`.

    Returns
    -------
    Equilibrium, GaussianEquilibrium or MarkovEquilibrium

    Raises
    ------
    ValueError
        Both or neither of ``epsilon`` and ``lam``; an argument out of range.
    ConvergenceError
        No certified equilibrium was reached; carries the best iterate.

    Examples
    --------
    >>> import games, rqe
    >>> eq = rqe.solve_qre(games.matching_pennies(), lam=3.0)
    >>> eq.strategies[0]
    array([0.5, 0.5])
    """
    if (epsilon is None) == (lam is None):
        raise ValueError(f"give one of epsilon and lam; got epsilon={epsilon!r} and lam={lam!r}")
    count = _players(game)
    if lam is not None:
        precision = per_player(lam, count, "lam", allow_inf=False)
        # indifference at lam = 0 is the uniform profile: any epsilon far above the range gives it
        with np.errstate(all="ignore"):
            epsilon = np.minimum(1.0 / precision, _flat(game, precision))
    agents = make_agents(0.0, epsilon, count)
    return _solve(game, agents, method, select, start, tol, max_steps, throw, "qre")


def _flat(game: Any, precision: FloatArray) -> FloatArray | float:
    """An ``epsilon`` far above any payoff range: indifference, as ``lam = 0`` means it."""
    if isinstance(game, (MarkovGame, QuadraticGame)):
        if not precision.all():
            raise ValueError(f"lam must be > 0 for a {type(game).__name__}; got {precision}")
        return float_info.max
    finite = game if isinstance(game, StructuredGame) else check_game(game)
    ranges = finite.payoff_ranges
    return np.minimum(1e17 * np.where(ranges > 0.0, ranges, 1.0), float_info.max)


def _players(game: Any) -> int:
    if isinstance(game, StructuredGame):
        return game.n_seats
    count = getattr(game, "n_players", None)
    if not isinstance(count, int):
        raise ValueError(
            "game must be a NormalFormGame, a structured, quadratic or Markov game; got "
            f"{type(game).__name__}"
        )
    return count


def solve(
    game: Any,
    agents: Sequence[Agent],
    *,
    method: str = "auto",
    select: str | None = None,
    start: Any = None,
    tol: float = 1e-10,
    max_steps: int = 10_000,
    throw: bool = True,
) -> Any:
    """Equilibrium of players with the given attitudes; see `solve_rqe` for the arguments.

    Parameters
    ----------
    game : NormalFormGame, PolymatrixGame, AnonymousGame, QuadraticGame or MarkovGame
    agents : sequence of Agent
        One a player.
    method, select, start, tol, max_steps, throw
        As for `solve_rqe`.

    Returns
    -------
    Equilibrium, GaussianEquilibrium or MarkovEquilibrium

    Raises
    ------
    ValueError
        As for `solve_rqe`.
    ConvergenceError
        As for `solve_rqe`.

    Examples
    --------
    >>> import games, rqe
    >>> careful = rqe.Agent(rqe.Entropic(5.0), rqe.NegEntropy(0.2))
    >>> neutral = rqe.Agent(rqe.Entropic(0.0), rqe.NegEntropy(0.2))
    >>> eq = rqe.solve(games.free_riding(), [careful, neutral])
    >>> eq.strategies[0].round(4)
    array([0.9171, 0.0829])
    """
    return _solve(game, agents, method, select, start, tol, max_steps, throw, "rqe")


@np.errstate(all="ignore")  # what overflows is found by looking at the result
def _solve(
    game: Any,
    agents: Sequence[Agent],
    method: str,
    select: str | None,
    start: Any,
    tol: float,
    max_steps: int,
    throw: bool,
    concept: str,
) -> Equilibrium | GaussianEquilibrium | MarkovEquilibrium:
    if isinstance(game, MarkovGame):
        return solve_markov(
            game,
            agents,
            method=method,
            select=select,
            start=start,
            tol=tol,
            max_steps=max_steps,
            throw=throw,
        )
    if isinstance(game, QuadraticGame):
        _refuse_choices(method, select, start)
        return solve_gaussian(game, check_agents(agents, game.n_players), tol=tol, throw=throw)
    structured = game if isinstance(game, StructuredGame) else None
    finite = check_game(game) if structured is None else structured
    people = check_agents(agents, _players(finite))
    check_numbers(tol, max_steps)
    check_choice("method", method, (*METHODS, "no_regret"))
    if structured is not None:
        check_ranges(structured)
        check_structured(structured, people, method)
    logit = all(map(is_logit, people))
    if logit:
        tau, epsilon = attitudes(finite, people)
    select = _selection(select, method, start)
    if method == "no_regret" or not logit:
        assert isinstance(finite, NormalFormGame)  # structured games have been refused
        check_general(finite, people, method)
        found = solve_finite(finite, people, method, select, start, tol, max_steps, concept)
        return settle(found, throw=throw)
    begin = None
    if start is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            sharpness = float(
                np.max(finite.payoff_ranges / epsilon, where=epsilon > 0, initial=0.0)
            )
        begin = [z[None] for z in check_start(start, finite.shape, sharpness)]
    if structured is None:
        own = [p[None] for p in finite.own_payoffs]
        batch = Batch(own, tau[None], epsilon[None], ranges=finite.payoff_ranges[None])
    else:
        batch = structured_batch(structured, tau, epsilon)
    out = solve_batch(
        batch, method=method, select=select, start=begin, tol=tol, max_steps=max_steps
    )
    if structured is not None:
        out.sign[0] = full_sign(batch.problem, out.log_strategies, float(out.sign[0]))
    found = _record(finite, people, out, tol, concept)
    if found.status is Status.UNCERTIFIED:
        refine(batch, out, np.zeros(1, dtype=np.intp))
        found = _record(finite, people, out, tol, concept)
    return settle(found, throw=throw)


def _refuse_choices(method: str, select: str | None, start: Any) -> None:
    """A Gaussian equilibrium is one linear system: there is nothing to choose or to start."""
    if method != "auto" or select not in (None, "principal") or start is not None:
        raise ValueError(
            "method, select and start must be left out for a QuadraticGame, whose equilibrium is "
            f"the solution of one linear system; got {method!r}, {select!r}, {start!r}"
        )


def _record(
    game: NormalFormGame | StructuredGame,
    agents: tuple[Agent, ...],
    out: Outcome,
    tol: float,
    concept: str,
) -> Equilibrium:
    ending = out.status[0]
    return report(
        game,
        [z[0] for z in out.log_strategies],
        agents,
        tol=tol,
        method=out.stage[0],
        iterations=int(out.iterations[0]),
        ending=Status.UNCERTIFIED if ending is Status.CONVERGED else ending,
        log_beliefs=[None if p is None else p[0] for p in out.log_beliefs],
        branch="principal" if out.principal[0] else "unknown",
        index=int(out.sign[0]) or None,
        concept=concept,
        throw=False,
    )


def _selection(select: str | None, method: str, start: Any) -> str:
    """Which equilibrium is asked for; a start or a method that follows no branch means any."""
    if select is None:
        return "principal" if start is None and method in ("auto", "homotopy") else "any"
    check_choice("select", select, SELECTIONS)
    if select == "principal" and start is not None:
        raise ValueError(
            "start must be None with select='principal', whose branch starts at the uniform "
            "profile; use select='any'"
        )
    if select == "principal" and method not in ("auto", "homotopy"):
        raise ValueError(
            f"method must be 'auto' or 'homotopy' with select='principal'; got {method!r}, which "
            "follows no branch"
        )
    return select
