"""No action of a quantal equilibrium is rarer than payoffs and ``epsilon`` allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from ...result.table import Table
from ..free_riding_bound import gains
from ._finite import ROUNDING, collect, equilibria, softmax, table
from .statement import Statement

BOUNDS = {
    "log of the sharp bound less log of the least probability at an RQE": ROUNDING,
    "the same at a random belief": ROUNDING,
    "log of exp(-d/epsilon)/n less log of the sharp bound": ROUNDING,
    "gap of the sharp bound where one action loses d to all others": ROUNDING,
}


def log_least(payoff: FloatArray, epsilon: float) -> float:
    r"""Logarithm of the least probability that an action can have, whatever the player believes.

    .. math:: x(a) \ge \frac{1}{1 + (n - 1) e^{d / \epsilon}}

    Parameters
    ----------
    payoff : array (n, m)
        Own actions by the others' joint actions; ``d``, the first of `gains`, is the most that a
        change of action can gain.
    epsilon : float > 0

    Returns
    -------
    float
        In nats, ``<= 0``.

    Examples
    --------
    >>> round(float(np.exp(log_least(np.array([[0.6, 0.6], [1.0, 0.0]]), 0.2))), 6)
    0.047426
    """
    others = payoff.shape[0] - 1
    if others == 0:
        return 0.0
    return -float(np.logaddexp(0.0, np.log(others) + gains(payoff)[0] / epsilon))


def derive() -> dict[str, Any]:
    """The bound is the softmax at the extreme, monotone up to it, and above ``exp(-d/eps)/n``."""
    import sympy as sp

    gap, epsilon = sp.symbols("d epsilon", positive=True)
    out: dict[str, Any] = {}
    for size in (2, 3, 4):
        values = sp.symbols(f"v1:{size + 1}", real=True)
        rare = sp.exp(values[0] / epsilon) / sum(sp.exp(v / epsilon) for v in values)
        extreme = {values[0]: 0, **dict.fromkeys(values[1:], gap)}
        bound = 1 / (1 + (size - 1) * sp.exp(gap / epsilon))
        out[f"attained at the extreme, {size} actions"] = rare.subs(extreme) - bound
        second = rare * sp.exp((values[1] - values[0]) / epsilon)
        slope = sp.diff(rare, values[1]) + rare * second / epsilon
        out[f"falls in every other value, {size} actions"] = slope
        growth = sp.exp(gap / epsilon)
        weaker = (growth - 1) / (size * growth * (1 + (size - 1) * growth))
        out[f"exceeds exp(-d/epsilon)/n, {size} actions"] = bound - 1 / (size * growth) - weaker
    return out


def check(draws: int, seed: int) -> Table:
    """Random RQE and random beliefs against the bound, and the game that attains it."""
    return table("least probabilities", collect(_instances(draws, seed), BOUNDS))


def _instances(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng(seed)
    names = list(BOUNDS)
    for game, eq, _, epsilon in equilibria(draws, seed):
        for i, u in enumerate(game.own_payoffs):
            n, least = u.shape[0], log_least(u, epsilon)
            believed = u @ rng.dirichlet(np.full(u.shape[1], 0.3)) / epsilon
            rarest = float(np.log(softmax(believed)).min())
            d = gains(u)[0]
            extreme = np.append(0.0, np.full(n - 1, d))
            attained = float(np.log(softmax(extreme / epsilon))[0])
            numbers = (
                least - float(eq.log_strategies[i].min()),
                least - rarest,
                -d / epsilon - float(np.log(n)) - least,
                abs(attained - least),
            )
            yield dict(zip(names, numbers, strict=True))


def with_absolute_payoffs(draws: int, seed: int) -> Table:
    """``exp(-max|u|/epsilon)/n`` in place of the bound: what payoffs of both signs do to it."""
    rng = np.random.default_rng(seed)
    bounds = {"log of exp(-max|u|/epsilon)/n less log of the least probability": ROUNDING}

    def instances() -> Iterator[dict[str, float]]:
        for _ in range(draws):
            u = rng.uniform(-1.0, 1.0, (2, 2))
            epsilon = float(10.0 ** rng.uniform(-1.5, 0.0))
            rarest = float(np.log(softmax(u @ rng.dirichlet(np.ones(2)) / epsilon)).min())
            claimed = -float(np.abs(u).max()) / epsilon - float(np.log(2.0))
            yield dict.fromkeys(bounds, claimed - rarest)

    return table(
        "least probabilities from the largest absolute payoff", collect(instances(), bounds)
    )


STATEMENT = Statement(
    name="probability_bound",
    source="SRA appendix, for Thm 4.2",
    says=(
        "At every RQE, and at the quantal response to any belief at all, each action of player i "
        "has probability at least 1/(1 + (n_i - 1) exp(d_i/epsilon_i)), which is at least "
        "exp(-d_i/epsilon_i)/n_i; d_i is the most that a change of own action can gain, at any "
        "joint action of the others (at most the payoff range). Attained where one action loses "
        "d_i to every other."
    ),
    verdict="holds",
    derive=derive,
    check=check,
    counterexample=(
        "d_i must bound gains, not payoffs: with max|u| in its place payoffs 1 and -1 whatever the "
        "other does, epsilon = 0.5, give the second action 1/(1 + e^4) = 0.0180 < e^-2/2 = 0.0677"
    ),
)
