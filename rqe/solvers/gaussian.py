"""Gaussian equilibria of quadratic games: one linear system for the means, then the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core import gaussian as core
from ..model._checks import FloatArray
from ..model.agent import Agent
from ..model.quadratic import AggregativeGame, QuadraticGame
from ..result.equilibrium import read_only
from ..result.gaussian import GaussianEquilibrium
from ..result.status import ConvergenceError, Status
from ._seats import Seat, pseudo_inverse, seats_of, stack
from ._validate import check_agents, check_numbers

SINGULAR_CONDITION = 1e12
"""Condition number from which the system for the means counts as singular: few digits are left."""


def solve_gaussian(
    game: QuadraticGame, agents: Sequence[Agent], *, tol: float = 1e-10, throw: bool = True
) -> GaussianEquilibrium:
    r"""The Gaussian RQE of a quadratic game (SRA Thm 4.1), any number of players.

    Every best response is Gaussian with covariance :math:`-\epsilon_i H_{ii}^{-1}` and a mean
    affine in the others' means, so equilibrium means solve one linear system. The block
    :math:`H_{-i,-i}` of the others is taken whole; the paper's proposition takes it block-diagonal,
    which is right for two players only.

    Parameters
    ----------
    game : QuadraticGame
    agents : sequence of Agent
        One a player. ``tau = 0`` is risk neutrality. Players with ``epsilon = 0`` play a point and
        are no risk to others. At ``tau = inf`` a player prepares for the worst of ALL the others'
        actions; that is finite only where its payoff is convex in them.
    tol : float
        Bound on the residual.
    throw : bool
        Raise where the equilibrium is not certified; else return it with its status.

    Returns
    -------
    GaussianEquilibrium

    Raises
    ------
    ValueError
        An argument is malformed.
    InfiniteRiskError
        A player's ``tau`` is not below its largest admissible value; whatever ``throw`` is, since
        no number would be left to return.
    ConvergenceError
        With `Status.SINGULAR` where the linear system has a condition number above 1e12: no
        equilibrium, or a continuum of them, or one of which few digits are known.

    Examples
    --------
    >>> from rqe.model.agent import make_agents
    >>> from rqe.model.quadratic import AggregativeGame
    >>> game = AggregativeGame(H=1.0, target=1.0, rho=[1.0, 1.0])
    >>> eq = solve_gaussian(game, make_agents(1.0, 1.0, 2))
    >>> round(float(eq.means[0][0]), 12), round(float(eq.mean_payoffs[0]), 12)
    (0.4, -0.1)
    >>> eq.max_tau
    array([2., 2.])
    """
    if not isinstance(game, QuadraticGame):
        raise ValueError(f"game must be a QuadraticGame; got {type(game).__name__}")
    people = check_agents(agents, game.n_players)
    check_numbers(tol, 1)
    with np.errstate(all="ignore"):  # overflow is found by looking at the result
        try:
            seats = seats_of(game, people)
            means, regular = _means(game, seats)
            result = _record(game, people, seats, means, regular, tol)
        except np.linalg.LinAlgError:
            raise ValueError(
                "tau, epsilon and the game's payoffs must be of sizes that float64 can relate: "
                "rescale them"
            ) from None
    if throw and result.status is not Status.CONVERGED:
        raise ConvergenceError(result, _detail(result))
    return result


def _means(game: QuadraticGame, seats: Sequence[Seat]) -> tuple[FloatArray, bool]:
    """Fixed point of all best responses, stacked, and whether the system is regular."""
    size = sum(game.dims)
    jacobian, offset = np.zeros((size, size)), np.zeros(size)
    for i, (own, seat) in enumerate(zip(game.slices, seats, strict=True)):
        jacobian[own, game.others(i)], offset[own] = seat.jacobian, seat.offset
    if not (np.all(np.isfinite(jacobian)) and np.all(np.isfinite(offset))):
        return np.full(size, np.nan), True
    # balancing is a change of the units of actions: the verdict must not depend on them
    from scipy.linalg import matrix_balance  # slow to import: only if used

    balanced, (units, _) = matrix_balance(jacobian, permute=False, separate=True)
    system = np.eye(size) - balanced
    regular = bool(np.linalg.cond(system) <= SINGULAR_CONDITION)
    if regular:
        answer = np.linalg.solve(system, offset / units)
        for _ in range(2):  # refined: small means next to large ones keep their digits
            answer += np.linalg.solve(system, offset / units - system @ answer)
        for _ in range(game.n_players):  # a mean above the sum of its terms is rounding, all of it
            terms = np.abs(balanced) @ np.abs(answer) + np.abs(offset / units)
            answer = np.where(
                np.abs(answer) > 2.0 * terms, balanced @ answer + offset / units, answer
            )
        return units * answer, True
    rcond = 1.0 / SINGULAR_CONDITION
    return units * np.linalg.lstsq(system, offset / units, rcond=rcond)[0], False


def _strongly_monotone(game: QuadraticGame, seats: Sequence[Seat]) -> bool:
    """Whether the derivative of the surrogate game's map has a positive definite symmetric part."""
    size = sum(game.dims)
    derivative, scale = np.zeros((size, size)), np.zeros((size, size))
    for i, (own, seat) in enumerate(zip(game.slices, seats, strict=True)):
        payoff = seat.payoff
        if seat.worst is None:
            risk = seat.tau * core.tilted_covariance(seat.exposure, seat.tau)
        else:
            risk = pseudo_inverse(payoff.other)
        curvature = -payoff.own + payoff.cross @ risk @ payoff.cross.T
        derivative[own, own] = curvature
        derivative[own, game.others(i)] = -curvature @ seat.jacobian
        scale[own, own] = core.response_factor(payoff.own, 1.0)
    symmetric = scale.T @ (derivative + derivative.T) @ scale
    if not np.all(np.isfinite(symmetric)):
        return False
    spectrum = np.linalg.eigvalsh(symmetric)
    return bool(spectrum[0] > 4.0 * size * np.finfo(np.float64).eps * np.max(np.abs(spectrum)))


@dataclass(frozen=True)
class _Account:
    """What one player believes, is paid and could gain at a profile of means."""

    belief: tuple[FloatArray, FloatArray]
    value: float
    regret: float
    residual: float


def _account(seat: Seat, mean: FloatArray, others: FloatArray) -> _Account:
    """Evidence for one player, from its belief at the profile and not from the system solved."""
    payoff, epsilon = seat.payoff, seat.epsilon
    bonus = float(core.entropy_bonus(payoff.own, epsilon))
    if seat.worst is None:
        feared, spread = core.belief(payoff, mean, others, seat.exposure, seat.tau)
        worth = float(core.certainty_equivalent(payoff, mean, others, seat.exposure, seat.tau))
        step, gain = core.improvement(payoff, mean, others, seat.exposure, seat.tau)
    else:
        feared = seat.worst
        spread = np.zeros((len(feared), len(feared)))
        worth = float(core.payoff_at(payoff, mean, feared))
        gradient = payoff.own @ mean + payoff.own_linear + payoff.cross @ feared
        step = np.linalg.solve(-payoff.own, gradient)
        slope = payoff.cross.T @ mean + payoff.other_linear + payoff.other @ feared
        gain = 0.5 * (gradient @ step + slope @ pseudo_inverse(payoff.other) @ slope)
    gain = float(gain) + float(core.covariance_gain(payoff.own, seat.covariance, epsilon))
    terms = np.abs(payoff.own_linear) + np.abs(payoff.cross) @ np.abs(feared)
    size = float(np.max(np.abs(mean) + np.abs(np.linalg.inv(payoff.own)) @ terms))
    size = max(size, float(np.sqrt(np.max(np.diag(seat.covariance)))))
    return _Account(
        belief=(feared, spread),
        value=worth + bonus,
        regret=max(gain, 0.0) if np.isfinite(gain) else gain,
        residual=float(np.max(np.abs(step))) / size if size > 0.0 else 0.0,
    )


def _record(
    game: QuadraticGame,
    agents: tuple[Agent, ...],
    seats: Sequence[Seat],
    means: FloatArray,
    regular: bool,
    tol: float,
) -> GaussianEquilibrium:
    accounts = [
        _account(seat, means[own], means[game.others(i)])
        for i, (own, seat) in enumerate(zip(game.slices, seats, strict=True))
    ]
    profile = [read_only(means[own]) for own in game.slices]
    at_means = game.payoffs_at(profile)
    spread = stack([seat.covariance for seat in seats])
    payoffs = at_means + [0.5 * float(np.sum(H * spread)) for H in game.quadratic]
    residual = float(np.max([a.residual for a in accounts]))
    finite = np.all(np.isfinite([[a.value, a.regret, a.residual] for a in accounts]))
    status = Status.CONVERGED if residual <= tol else Status.UNCERTIFIED
    if not regular:
        status = Status.SINGULAR
    if not finite or not np.all(np.isfinite(payoffs)):
        status = Status.NON_FINITE
    return GaussianEquilibrium(
        means=tuple(profile),
        covariances=tuple(read_only(seat.covariance) for seat in seats),
        belief_means=tuple(read_only(a.belief[0]) for a in accounts),
        belief_covariances=tuple(read_only(a.belief[1]) for a in accounts),
        payoffs=read_only(payoffs),
        mean_payoffs=read_only(at_means),
        values=read_only([a.value for a in accounts]),
        regret=read_only([a.regret for a in accounts]),
        residual=residual,
        status=status,
        iterations=1,
        method="linear system",
        agents=agents,
        shared_reward=_shared_reward(game, profile, seats),
        unique=True if status is Status.CONVERGED else None,
        strongly_monotone=_strongly_monotone(game, seats),
        max_tau=read_only([seat.max_tau for seat in seats]),
        players=game.players,
        name=game.name,
    )


def _shared_reward(
    game: QuadraticGame, means: Sequence[FloatArray], seats: Sequence[Seat]
) -> float | None:
    """``E[R]`` of an aggregative game."""
    if not isinstance(game, AggregativeGame):
        return None
    miss = np.sum(means, axis=0) - game.target
    spread = np.sum([seat.covariance for seat in seats], axis=0)
    return -0.5 * float(miss @ game.H @ miss + np.sum(game.H * spread))


def _detail(result: GaussianEquilibrium) -> str:
    if result.status is not Status.SINGULAR:
        return ""
    return "the means' linear system is singular: no equilibrium, or a continuum of them"
