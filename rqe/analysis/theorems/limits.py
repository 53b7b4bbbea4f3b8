"""Limits of the RQE: logit QRE and Nash one way, security strategies the other, with rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from ...core.ops import joint_log
from ...model._checks import FloatArray
from ...model.normal_form import NormalFormGame
from ...result.equilibrium import Equilibrium
from ...result.table import Table
from ...solvers.security import solve_security
from ..free_riding_bound import gains
from ._finite import collect, equilibria, joint, softmax, table
from .probability_bound import log_least
from .statement import Statement

BOUNDS = {
    "residual as a QRE, per tau range s / (16 epsilon)": 1.0,
    "regret at tau = epsilon = 0, per epsilon log n + tau range^2 / 8": 1.0,
    "loss in the worst case against a security strategy, per epsilon log n + rarest / tau": 1.0,
    "rarest per sum of log n_j + d_j/epsilon": 1.0 + 1e-12,
}


def derive() -> dict[str, Any]:
    """Limits of the tilt and of the softmax, and the two orders of limits in the stag hunt."""
    import sympy as sp

    tau, epsilon, spread = sp.symbols("tau epsilon d", positive=True)
    q, low = sp.Symbol("q", positive=True), sp.Symbol("a", real=True)
    good = (1 - q) * sp.exp(-tau * spread)
    p = q / (q + good)
    mean = low + (1 - q) * spread
    out = {
        "tilt at tau -> 0": sp.limit(p, tau, 0) - q,
        "tilt's slope at tau = 0": sp.diff(p, tau).subs(tau, 0) + q * (low - mean),
        "tilt at tau -> inf": sp.limit(p, tau, sp.oo) - 1,
        "softmax at epsilon -> 0": sp.limit(1 / (1 + sp.exp(-spread / epsilon)), epsilon, 0) - 1,
        "softmax at epsilon -> inf": sp.limit(1 / (1 + sp.exp(-spread / epsilon)), epsilon, sp.oo)
        - sp.Rational(1, 2),
    }
    # stag hunt [[4, 0], [3, 3]], both near stag: hare costs a player 1, and its partner 4
    odds = -1 / epsilon + 4 * tau
    out["belief even at tau epsilon = 1/4"] = sp.solve(odds, tau)[0] - 1 / (4 * epsilon)
    feared = 1 / (1 + sp.exp(-odds))
    for share, end in ((sp.Rational(1, 5), 0), (sp.Rational(1, 3), 1)):
        name = f"fear of hare at tau epsilon = {share}, epsilon -> 0"
        out[name] = sp.limit(feared.subs(tau, share / epsilon), epsilon, 0) - end
    # the largest slope of a softmax component, x (1 - x), is 1/4
    share = sp.Symbol("x", positive=True)
    out["softmax slope at most 1/4"] = (
        sp.Rational(1, 4) - share * (1 - share) - (share - sp.Rational(1, 2)) ** 2
    )
    return out


def check(draws: int, seed: int) -> Table:
    """Each limit's rate at random RQE: how far they are from QRE, Nash and security play."""
    return table("limits", collect(_instances(draws, seed), BOUNDS))


def _instances(draws: int, seed: int) -> Iterator[dict[str, float]]:
    names = list(BOUNDS)
    for game, eq, tau, epsilon in equilibria(draws, seed):
        lost = security_losses(game, eq)
        for i, u in enumerate(game.own_payoffs):
            span, (_, interaction) = float(np.ptp(u)), gains(u)
            q, n = joint(eq, i), u.shape[0]
            if n == 1 or q.size == 1:
                continue
            worth = u @ q
            residual = float(np.abs(eq[i] - softmax(worth / epsilon)).max())
            regret = float(worth.max() - eq[i] @ worth)
            rarest = -float(joint_log(eq.log_strategies, i).min())
            others = [v for j, v in enumerate(game.own_payoffs) if j != i]
            rate = sum(np.log(v.shape[0]) + gains(v)[0] / epsilon for v in others)
            even = epsilon * float(np.log(n))
            numbers = (
                residual / (tau * span * interaction / (16.0 * epsilon)),
                regret / (even + tau * span**2 / 8.0),
                float(lost[i]) / (even + rarest / tau),
                min(rarest, -sum(log_least(v, epsilon) for v in others)) / rate,
            )
            yield dict(zip(names, numbers, strict=True))


def security_losses(game: NormalFormGame, eq: Equilibrium) -> FloatArray:
    """What each player's strategy gives up in the worst case against a maximin one, (N,).

    In payoff units; 0 for security strategies.
    """
    safe = solve_security(game)
    worst = [
        [float((profile[i] @ u).min()) for i, u in enumerate(game.own_payoffs)]
        for profile in (safe, eq)
    ]
    return np.asarray(np.array(worst[0]) - np.array(worst[1]))


def order_of_limits(pairs: Sequence[tuple[float, float]]) -> Table:
    """The symmetric RQE of the stag hunt [[4, 0], [3, 3]] that hunts most, in log-odds.

    In probabilities an RQE this near to a pure profile cannot be told from its neighbours: the
    odds of hare underflow, and with them what the partner fears.

    Parameters
    ----------
    pairs : sequence of (float, float)
        ``tau`` in 1/payoff units and ``epsilon`` in payoff units.

    Returns
    -------
    Table
        ``tau``, ``epsilon``, their product, ``P(stag)``, its ``log-odds``, how far the log-odds of
        the reply are from them relative to ``1/epsilon``, and the loss in the worst case against
        the security strategy, which is hare.

    Examples
    --------
    >>> found = order_of_limits([(1e6, 2e-7), (1e6, 3e-7)])
    >>> [round(p, 6) for p in found.column("P(stag)")]
    [1.0, 0.0]
    """
    rows = []
    for tau, epsilon in pairs:
        odds = _stag_log_odds(tau, epsilon)
        p = float(expit(odds))
        gap = abs(float(_stag_excess(odds, tau, epsilon))) * epsilon
        rows.append((float(tau), float(epsilon), tau * epsilon, p, odds, gap, 3.0 * p))
    columns = ("tau", "epsilon", "tau epsilon", "P(stag)", "log-odds", "gap", "worst-case loss")
    return Table(columns, tuple(rows), title="stag hunt, the symmetric RQE that hunts most")


def _stag_excess(odds: Any, tau: float, epsilon: float) -> Any:
    """Log-odds of the reply to a partner of the same log-odds, less these."""
    belief = expit(odds - 4.0 * tau * expit(odds))
    return (4.0 * belief - 3.0) / epsilon - odds


def _stag_log_odds(tau: float, epsilon: float) -> float:
    # beyond the ends of the grid the reply is always nearer to even than the strategy
    grid = np.linspace(-3.0 / epsilon - 1.0, 1.0 / epsilon + 1.0, 8001)
    last = int(np.flatnonzero(_stag_excess(grid, tau, epsilon) > 0.0)[-1])
    ends = float(grid[last]), float(grid[last + 1])
    return float(brentq(_stag_excess, *ends, args=(tau, epsilon), xtol=1e-12 / epsilon))


STATEMENT = Statement(
    name="limits",
    source="SRA; RQE24",
    says=(
        "As tau -> 0 every RQE becomes a logit QRE (residual at most tau range s/(16 epsilon), s "
        "the most that the others can change a gain), and as epsilon -> 0 too a Nash equilibrium "
        "(regret at most epsilon log n + tau range^2/8). As tau -> inf it becomes the profile of "
        "quantal security strategies, and as epsilon -> 0 after it of security strategies: the "
        "loss in the worst case is at most epsilon log n + rarest/tau, rarest <= sum over the "
        "others of log n_j + d_j/epsilon_j being minus the log of their rarest joint action. So "
        "what has to go to infinity is tau epsilon: the order of the limits matters."
    ),
    verdict="holds",
    derive=derive,
    check=check,
    counterexample=(
        "stag hunt [[4, 0], [3, 3]]: tau -> inf and epsilon -> 0 at tau epsilon = 0.2 < 1/4 keeps "
        "(stag, stag) an RQE (tau = 1e6, epsilon = 2e-7), which loses 3 to hare in the worst case"
    ),
)
