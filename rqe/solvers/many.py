"""Thousands of games of one shape at once."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..certificate import Evidence, evidence, is_solved
from ..core.ops import own_first
from ..model._checks import FloatArray, frozen_array, real_array
from ..result.batch import BatchEquilibrium
from ..result.equilibrium import read_only
from ..result.status import ConvergenceError, Status
from ._rows import crowded
from ._validate import check_choice, check_degrees, check_numbers
from .normal_form import METHODS, SELECTIONS, Batch, Outcome, refine, solve_batch


@np.errstate(all="ignore")  # what overflows is found by looking at the result
def solve_many(
    payoffs: Any,
    tau: Any,
    epsilon: Any,
    *,
    method: str = "auto",
    select: str = "principal",
    tol: float = 1e-10,
    max_steps: int = 10_000,
    throw: bool = False,
) -> BatchEquilibrium:
    """RQE of many games of one shape; the games of `solve_rqe`, in lockstep.

    Parameters
    ----------
    payoffs : array_like (B, N, n_1, ..., n_N)
        ``payoffs[b, i]`` is player i's payoff array in game b.
    tau : float, array (N,) or array (B, N)
        Degrees of risk aversion in [0, inf], in 1/payoff units. A player's is infinite in all
        games or in none.
    epsilon : float, array (N,) or array (B, N)
        Degrees of bounded rationality, > 0 (or 0 where ``tau = inf``), in payoff units.
    method, select, tol, max_steps
        As for `solve_rqe`.
    throw : bool
        Raise `ConvergenceError`, carrying the whole batch, if any game was not solved.

    Returns
    -------
    BatchEquilibrium
        With a status a game: one game's failure is one row's status.

    Raises
    ------
    ValueError
        An argument is out of range or of the wrong shape; the message names it.
    ConvergenceError
        With ``throw=True``, where a game was not solved.

    Examples
    --------
    >>> import numpy as np, rqe
    >>> payoffs = np.random.default_rng(0).random((1000, 2, 3, 3))
    >>> batch = rqe.solve_many(payoffs, tau=2.0, epsilon=0.2)
    >>> bool(batch.converged.all()), batch.strategies[0].shape
    (True, (1000, 3))
    """
    games = frozen_array(payoffs, "payoffs", valid="an array of shape (B, N, n_1, ..., n_N)")
    if games.ndim < 3 or games.shape[1] != games.ndim - 2 or 0 in games.shape[1:]:
        raise ValueError(
            "payoffs must have shape (B, N, n_1, ..., n_N) with at least one action a player; got "
            f"{games.shape}"
        )
    check_numbers(tol, max_steps)
    check_choice("method", method, METHODS)
    check_choice("select", select, SELECTIONS)
    if select == "principal" and method not in ("auto", "homotopy"):
        raise ValueError(
            f"method must be 'auto' or 'homotopy' with select='principal'; got {method!r}"
        )
    count, n_players = games.shape[:2]
    taus = _degrees(tau, count, n_players, "tau", allow_inf=True)
    epsilons = _degrees(epsilon, count, n_players, "epsilon", allow_inf=False)
    if count == 0:
        return _empty(games.shape, taus, epsilons)
    endless = np.isinf(taus)
    if np.any(endless.any(axis=0) != endless.all(axis=0)):
        raise ValueError("tau of a player must be infinite in all games of the batch or in none")
    order: Literal["C", "F"] = "F" if crowded(count, games.shape[2:]) else "C"
    own = [np.asarray(own_first(games[:, i], i, n_players), order=order) for i in range(n_players)]
    with np.errstate(over="ignore"):
        ranges = np.stack([np.ptp(p, axis=(1, 2)) for p in own], axis=1)
    if not np.all(np.isfinite(ranges)):
        raise ValueError("payoffs must span a range that float64 can hold: rescale them")
    check_degrees(ranges, taus, epsilons)
    batch = Batch(own, taus, epsilons)
    out = solve_batch(batch, method=method, select=select, tol=tol, max_steps=max_steps)
    found = evidence(own, out.log_strategies, taus, epsilons, out.log_beliefs)
    good = is_solved(found, ranges, tol)
    if not good.all():
        refine(batch, out, np.flatnonzero(~good))
        found = evidence(own, out.log_strategies, taus, epsilons, out.log_beliefs)
        good = is_solved(found, ranges, tol)
    result = _record(batch, out, found, good)
    if throw and not bool(good.all()):
        raise ConvergenceError(result, f"{int((~good).sum())} of {count} games unsolved")
    return result


def _record(
    batch: Batch, out: Outcome, found: Evidence, good: np.ndarray[Any, np.dtype[np.bool_]]
) -> BatchEquilibrium:
    broken = ~(np.isfinite(found.residual) & np.isfinite(found.regret).all(axis=1))
    status = np.array(out.status)
    status[~good & (status == Status.CONVERGED)] = Status.UNCERTIFIED
    status[good] = Status.CONVERGED
    status[broken] = Status.NON_FINITE
    shape = batch.problem.sizes
    stages = dict.fromkeys(str(s) for s in out.stage)
    return BatchEquilibrium(
        strategies=tuple(read_only(np.exp(z)) for z in out.log_strategies),
        log_strategies=tuple(read_only(z) for z in out.log_strategies),
        beliefs=tuple(
            read_only(np.exp(p).reshape(batch.count, *(n for j, n in enumerate(shape) if j != i)))
            for i, p in enumerate(found.log_beliefs)
        ),
        payoffs=read_only(found.payoffs),
        values=read_only(found.values),
        regret=read_only(found.regret),
        residual=read_only(found.residual),
        status=tuple(status),
        iterations=out.iterations,
        method="; ".join(stages),
        tau=read_only(batch.tau),
        epsilon=read_only(batch.epsilon),
        branch=tuple(np.where(out.principal & good, "principal", "unknown").tolist()),
    )


def _degrees(value: Any, count: int, n_players: int, name: str, *, allow_inf: bool) -> FloatArray:
    valid = f"a number >= 0, or an array of shape ({n_players},) or ({count}, {n_players})"
    try:
        array = real_array(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be {valid}; got {value!r}") from None
    if array.shape not in ((), (n_players,), (count, n_players)):
        raise ValueError(f"{name} must be {valid}; got shape {array.shape}")
    bad = np.isnan(array) | (array < 0.0) | (np.isinf(array) & (not allow_inf))
    if np.any(bad):
        raise ValueError(f"{name} must be {valid}; got {array[bad].ravel()[0]}")
    return np.array(np.broadcast_to(array, (count, n_players)))


def _empty(shape: tuple[int, ...], tau: FloatArray, epsilon: FloatArray) -> BatchEquilibrium:
    n_players, sizes = shape[1], shape[2:]
    nothing = np.zeros((0, n_players))
    strategies = tuple(np.zeros((0, n)) for n in sizes)
    return BatchEquilibrium(
        strategies=strategies,
        log_strategies=strategies,
        beliefs=tuple(
            np.zeros((0, *(n for j, n in enumerate(sizes) if j != i))) for i in range(n_players)
        ),
        payoffs=nothing,
        values=nothing,
        regret=nothing,
        residual=np.zeros(0),
        status=(),
        iterations=np.zeros(0, dtype=np.int64),
        method="",
        tau=tau,
        epsilon=epsilon,
        branch=(),
    )
