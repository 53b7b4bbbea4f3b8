r"""Gaussian RQE of quadratic aggregative games in closed form, with their gradient in ``tau``.

In an eigendirection of ``H`` with eigenvalue ``eta``, of a target with coordinate ``aim`` there,
player ``i`` takes the share ``s_i`` of the target and ``s_0`` is left undone,

.. math:: s_i = \frac{g_i}{1 + \sum_j g_j}, \quad s_0 = \frac{1}{1 + \sum_j g_j}, \quad
    g_i = \frac{\eta}{\rho_i (1 - q_i)}, \quad
    q_i = \tau_i \sum_{j \neq i} \frac{\epsilon_j \eta}{\eta + \rho_j},

a multinomial logit in the ``log g_i``. So one player's ``tau`` moves all shares as one value moves
a softmax: its own share grows, every other falls in proportion. SRA Theorem 4.1, corrected for
three and more players.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model._checks import FloatArray, per_player
from ..model.quadratic import AggregativeGame
from ..result.equilibrium import read_only
from ..result.status import InfiniteRiskError

Degrees = float | Sequence[float] | FloatArray
"""One number for everybody, or one a player."""
_SERIES = 0.05  # below this q, differences of logarithms lose digits to cancellation


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """The Gaussian RQE of an `AggregativeGame`, from formulas and without a linear system.

    Attributes
    ----------
    means : array (N, d)
        Mean action of each player, in action units.
    total : array (d,)
        Their sum.
    shared_reward, mean_reward : float
        ``E[R]``, and ``R`` at the means. They differ by what the spread of play costs, which no
        ``tau`` moves.
    costs, mean_costs : array (N,)
        Expected private costs, and those of the means.
    payoffs, mean_payoffs : array (N,)
        Shared reward less own cost: expected, and at the means (the utility of SRA Figure 1(i)).
    values : array (N,)
        Risk-adjusted, regularised utilities, as in `GaussianEquilibrium`.
    eigenvalues, directions : array (d,), (d, d)
        Of ``H``, ascending; a direction a column.
    shares : array (N, d)
        Part of the target that each player takes, by direction; what they leave of 1 is undone.
    margins : array (N, d)
        ``1 - q_i`` by direction: how far each player is from infinite risk, 1 at ``tau = 0``.
    max_tau : array (N,)
        Supremum of each player's ``tau`` with finite risk, everyone's ``epsilon`` held fixed.
    """

    means: FloatArray
    total: FloatArray
    shared_reward: float
    mean_reward: float
    costs: FloatArray
    mean_costs: FloatArray
    payoffs: FloatArray
    mean_payoffs: FloatArray
    values: FloatArray
    eigenvalues: FloatArray
    directions: FloatArray
    shares: FloatArray
    margins: FloatArray
    max_tau: FloatArray


@dataclass(frozen=True, eq=False)
class TauGradient:
    """Derivatives in every player's ``tau``, in squared payoff units.

    Attributes
    ----------
    shared_reward : array (N,)
        Of ``E[R]``, and of ``R`` at the means: the spread of play does not depend on ``tau``.
        Never negative.
    costs : array (N, N)
        Entry ``(l, i)``: of player ``l``'s expected cost in player ``i``'s ``tau``. Never positive
        off the diagonal.
    payoffs : array (N, N)
        The same of expected payoffs (and of those at the means). Never negative off the diagonal
        and never positive on it: everybody gains by another's risk aversion, nobody by its own.
    values : array (N, N)
        The same of risk-adjusted, regularised utilities.
    """

    shared_reward: FloatArray
    costs: FloatArray
    payoffs: FloatArray
    values: FloatArray


@dataclass(frozen=True, eq=False)
class Frame:
    """An aggregative game in the eigendirections of ``H``, with everyone's ``epsilon``."""

    eta: FloatArray
    basis: FloatArray
    aim: FloatArray
    rho: FloatArray
    epsilon: FloatArray
    reach: FloatArray
    """``q_i / tau_i``, (N, d): others' spread as player ``i``'s payoff feels it, payoff units."""

    @property
    def max_tau(self) -> FloatArray:
        """Supremum of each player's ``tau`` with finite risk, (N,); ``inf`` without a limit."""
        top = np.max(self.reach, axis=1)
        return np.where(top > 0.0, 1.0 / np.where(top > 0.0, top, 1.0), np.inf)

    def shares(self, margins: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Shares of the players (..., N, d) and the share undone (..., d), at margins ``1 - q_i``.

        The margins are positive. A player with ``rho = 0`` does everything.
        """
        cost = self.rho[:, None] * margins
        least = np.min(cost, axis=-2, keepdims=True)
        weight = np.where(cost > 0.0, least / np.where(cost > 0.0, cost, 1.0), 1.0)
        whole = least + self.eta * np.sum(weight, axis=-2, keepdims=True)
        return self.eta * weight / whole, (least / whole)[..., 0, :]


def frame_of(game: Any, epsilon: Degrees) -> Frame:
    """The game in eigendirections of ``H``, or a refusal that says what the closed form needs."""
    if not isinstance(game, AggregativeGame):
        raise ValueError(
            "game must be an AggregativeGame: the closed form needs one shared H and costs "
            f"rho_i/2 |a_i|², multiples of the identity; got {type(game).__name__}. solve_rqe "
            "takes any quadratic game"
        )
    free = np.flatnonzero(game.rho == 0.0)
    if len(free) > 1:
        raise ValueError(
            "rho must be > 0 for all players but one: where two or more have free effort, "
            f"equilibria form a continuum; got rho = 0 for players {free.tolist()}"
        )
    trembles = per_player(epsilon, game.n_players, "epsilon", allow_inf=False)
    eta, basis = np.linalg.eigh(game.H)
    spread = trembles[:, None] * (eta / (eta + game.rho[:, None]))
    others = ~np.eye(game.n_players, dtype=bool)
    with np.errstate(over="ignore"):
        # a sum over the others, not a difference of sums: who trembles little keeps its digits
        reach = np.stack([np.sum(spread[row], axis=0) for row in others])
    if not np.all(np.isfinite(reach)):
        raise ValueError(f"epsilon must have a finite sum; got {trembles}: rescale it")
    return Frame(eta, basis, game.target @ basis, game.rho, trembles, reach)


def closed_form(game: Any, tau: Degrees, epsilon: Degrees) -> ClosedForm:
    """The Gaussian RQE of an aggregative game by its closed form.

    Parameters
    ----------
    game : AggregativeGame
        Any number of players and dimensions; at most one player with ``rho = 0``.
    tau, epsilon : float or sequence of N floats
        Degrees of risk aversion (1/payoff units) and of bounded rationality (payoff units),
        ``>= 0``.

    Returns
    -------
    ClosedForm

    Raises
    ------
    ValueError
        Another kind of game, two or more players with ``rho = 0``, an ``epsilon`` or ``tau`` that
        is malformed.
    InfiniteRiskError
        A player's ``tau`` is not below its largest admissible value.

    Notes
    -----
    What `solve_rqe` finds by a linear system. Source: SRA Theorem 4.1 with ``H_-i,-i`` whole.

    Examples
    --------
    >>> from rqe.model.quadratic import AggregativeGame
    >>> game = AggregativeGame(H=1.0, target=1.0, rho=[1.0, 1.0])
    >>> found = closed_form(game, tau=1.0, epsilon=1.0)
    >>> found.means.ravel().round(12), found.mean_payoffs.round(12), found.margins.ravel()
    (array([0.4, 0.4]), array([-0.1, -0.1]), array([0.5, 0.5]))
    """
    frame = frame_of(game, epsilon)
    q = _risks(frame, per_player(tau, game.n_players, "tau", allow_inf=True))
    margins = 1.0 - q
    shares, undone = frame.shares(margins)
    eta, aim, rho = frame.eta, frame.aim, frame.rho
    miss = eta * (aim * undone) ** 2
    mean_reward = -0.5 * float(np.sum(miss))
    variances = frame.epsilon[:, None] / (eta + rho[:, None])
    spread_reward = -0.5 * float(np.sum(eta * variances))
    mean_costs = 0.5 * rho * np.sum((aim * shares) ** 2, axis=1)
    costs = mean_costs + 0.5 * rho * np.sum(variances, axis=1)
    feared = -0.5 * np.sum(miss / margins - frame.reach * _log_ratio(q), axis=1)
    scale = 2.0 * np.pi * np.where(frame.epsilon > 0.0, frame.epsilon, 1.0)
    entropy = 0.5 * frame.epsilon * np.sum(np.log(scale[:, None] / (eta + rho[:, None])), axis=1)
    means = (aim * shares) @ frame.basis.T
    return ClosedForm(
        means=read_only(means),
        total=read_only(np.sum(means, axis=0)),
        shared_reward=mean_reward + spread_reward,
        mean_reward=mean_reward,
        costs=read_only(costs),
        mean_costs=read_only(mean_costs),
        payoffs=read_only(mean_reward + spread_reward - costs),
        mean_payoffs=read_only(mean_reward - mean_costs),
        values=read_only(feared - mean_costs + entropy),
        eigenvalues=read_only(eta),
        directions=read_only(frame.basis),
        shares=read_only(shares),
        margins=read_only(margins),
        max_tau=read_only(frame.max_tau),
    )


def tau_gradient(game: Any, tau: Degrees, epsilon: Degrees) -> TauGradient:
    r"""Derivatives of the shared reward, of costs and of utilities in every player's ``tau``.

    With ``r_i = q_i / (tau_i (1 - q_i))``, in each direction and summed over them,

    .. math:: \frac{\partial J}{\partial \tau_i} = \eta\, \mathrm{aim}^2\, s_0^2\, r_i s_i, \quad
        \frac{\partial s_l}{\partial \tau_i} = r_i s_i (\delta_{li} - s_l), \quad
        \frac{\partial u_i}{\partial \tau_i} = \mathrm{aim}^2\, r_i s_i\,
            (\eta s_0^2 - \rho_i s_i (1 - s_i)) \le 0.

    Parameters
    ----------
    game, tau, epsilon
        As for `closed_form`, with the same refusals.

    Returns
    -------
    TauGradient

    Examples
    --------
    >>> from rqe.model.quadratic import AggregativeGame
    >>> game = AggregativeGame(H=1.0, target=1.0, rho=[1.0, 1.0])
    >>> found = tau_gradient(game, tau=1.0, epsilon=1.0)
    >>> found.shared_reward.round(6), found.payoffs.round(6).tolist()
    (array([0.016, 0.016]), [[-0.08, 0.08], [0.08, -0.08]])
    """
    frame = frame_of(game, epsilon)
    q = _risks(frame, per_player(tau, game.n_players, "tau", allow_inf=True))
    margins = 1.0 - q
    shares, undone = frame.shares(margins)
    square, rho, eye = frame.aim**2, frame.rho, np.eye(game.n_players)
    miss = frame.eta * square * undone**2
    push = frame.reach / margins * shares
    reward = np.sum(miss * push, axis=1)
    # axes: whose cost, whose tau, direction
    moved = push[None] * (eye[:, :, None] - shares[:, None])
    costs = rho[:, None] * np.sum(square * shares[:, None] * moved, axis=2)
    feared = np.sum((miss / margins)[:, None] * push[None], axis=2)
    alone = -0.5 * np.sum(miss * frame.reach / margins**2, axis=1)
    alone -= 0.5 * np.sum(frame.reach**2 * _log_curve(q), axis=1)
    return TauGradient(
        shared_reward=read_only(reward),
        costs=read_only(costs),
        payoffs=read_only(reward[None] - costs),
        values=read_only(feared + np.diag(alone) - costs),
    )


def _risks(frame: Frame, tau: FloatArray) -> FloatArray:
    """``q_i`` by direction, (N, d); refused where one is not below 1."""
    limit = frame.max_tau
    for i, t in enumerate(tau):
        # at tau = inf the others' actions are feared whether they tremble or not
        if not t < limit[i] and not (np.isinf(t) and len(tau) == 1):
            raise InfiniteRiskError(i, float(t), float(limit[i]))
    q = np.where(np.isinf(tau), 0.0, tau)[:, None] * frame.reach
    for j in np.flatnonzero(np.any(q >= 1.0, axis=1)):  # the limit itself is rounded
        raise InfiniteRiskError(int(j), float(tau[j]), float(tau[j]))
    return np.asarray(q)


def _log_ratio(q: FloatArray) -> FloatArray:
    """``log(1 - q) / q`` for q in [0, 1), and its limit -1 at 0."""
    return np.where(q > 0.0, np.log1p(-q) / np.where(q > 0.0, q, 1.0), -1.0)


def _log_curve(q: FloatArray) -> FloatArray:
    """``(log(1 - q) + q / (1 - q)) / q²`` for q in [0, 1), by its series where q is small."""
    large = np.where(q > _SERIES, q, 0.5)
    series = sum((n - 1) / n * q ** (n - 2) for n in range(2, 15))
    return np.where(q > _SERIES, (np.log1p(-large) + large / (1.0 - large)) / large**2, series)
