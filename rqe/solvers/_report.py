"""From a profile to a result: evidence, verdict, record. Only this builds `Equilibrium`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..certificate import evidence, general_evidence, verdict
from ..model._checks import FloatArray
from ..model._outcomes import JOINT
from ..model.agent import Agent, degrees, is_logit
from ..model.normal_form import NormalFormGame
from ..model.structured import StructuredGame
from ..result.equilibrium import Equilibrium, read_only
from ..result.status import ConvergenceError, Status


def report(
    game: NormalFormGame | StructuredGame,
    log_strategies: Sequence[FloatArray],
    agents: Sequence[Agent],
    *,
    tol: float,
    method: str,
    iterations: int,
    ending: Status = Status.UNCERTIFIED,
    log_beliefs: Sequence[FloatArray | None] | None = None,
    branch: str = "unknown",
    index: int | None = None,
    concept: str = "rqe",
    throw: bool = True,
    detail: str = "",
) -> Equilibrium:
    """Certify a profile and record it.

    Parameters
    ----------
    game, log_strategies, agents
        The profile, as log-probabilities, and whose it is.
    tol : float
        Bound on the residual.
    ending : Status
        What the record says where the profile is not solved.
    throw : bool
        Raise `ConvergenceError` where it is not.
    """
    if all(map(is_logit, agents)):
        tau, epsilon = degrees(agents)
        form = game.form if isinstance(game, StructuredGame) else JOINT
        found = evidence(game.own_payoffs, log_strategies, tau, epsilon, log_beliefs, form)
    else:
        with np.errstate(all="ignore"):  # logarithms of beliefs that rule outcomes out
            # rules of choice other than logit leave rounding in the sum of what is nearly pure
            log_strategies = [x - np.log(np.exp(x).sum()) for x in log_strategies]
            found = general_evidence(game.own_payoffs, log_strategies, agents, log_beliefs)
    status = verdict(found, game.payoff_ranges, tol, ending)
    axes = [_outcome_axes(game, i) for i in range(len(game.shape))]
    result = Equilibrium(
        strategies=tuple(read_only(np.exp(x)) for x in log_strategies),
        log_strategies=tuple(read_only(x) for x in log_strategies),
        beliefs=tuple(
            # a leading axis of own actions where the risk is action-dependent
            read_only(np.exp(p).reshape([*p.shape[:-1], *axes[i]]))
            for i, p in enumerate(found.log_beliefs)
        ),
        payoffs=read_only(found.payoffs),
        values=read_only(found.values),
        regret=read_only(found.regret),
        residual=float(found.residual),
        status=status,
        iterations=int(iterations),
        method=method,
        agents=tuple(agents),
        branch=branch if status is Status.CONVERGED else "unknown",
        index=index,
        concept=concept,
        players=game.players,
        actions=game.actions,
        name=game.name,
    )
    if throw and status is not Status.CONVERGED:
        raise ConvergenceError(result, detail)
    return result


def _outcome_axes(game: NormalFormGame | StructuredGame, i: int) -> list[int]:
    """Axes of a player's belief: the other players, or one for all outcomes."""
    if isinstance(game, StructuredGame):
        return [-1]
    return [n for j, n in enumerate(game.shape) if j != i]


def settle(result: Equilibrium, *, throw: bool) -> Equilibrium:
    """The result, or its `ConvergenceError` where it is not converged and `throw` is set."""
    if throw and result.status is not Status.CONVERGED:
        raise ConvergenceError(result)
    return result


def relabel(result: Equilibrium, **changes: object) -> Equilibrium:
    """The same record with some fields replaced."""
    return replace(result, **changes)  # type: ignore[arg-type]


def log_of(strategies: Sequence[FloatArray]) -> tuple[FloatArray, ...]:
    """Logarithms of mixed strategies; a zero becomes ``-inf`` without a warning."""
    with np.errstate(divide="ignore"):
        return tuple(np.log(x) for x in strategies)
