"""Existence of RQE: a continuous reply on a product of simplices, of degree one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from ...model.normal_form import NormalFormGame
from ...result.status import Status
from ...result.table import Table
from ...solvers import solve_rqe
from ...solvers.enumeration import enumerate_rqe
from ._finite import ROUNDING, SHAPES, certain, collect, table
from .statement import Statement

BOUNDS = {
    "games not solved (0 or 1)": 0.0,
    "regret bound at the RQE, per range": 1e-9,
    "distance of the sum of fixed-point indices from 1": 0.0,
}
DEGREES = (0.0, 0.01, 0.3, 2.0, 10.0, np.inf)
"""``tau`` times the payoff range, drawn for each player."""


def derive() -> dict[str, Any]:
    """The value is concave in the own strategy, and the reply's degree is that of a constant."""
    import sympy as sp

    tau, inverse = sp.symbols("tau iota", positive=True)
    x, y = sp.symbols("x y", positive=True)
    a, b = sp.symbols("a1:5", real=True), sp.symbols("b1:5", real=True)

    def belief(payoff: Any, own: Any, other: Any) -> tuple[Any, Any]:
        left = own * payoff[0] + (1 - own) * payoff[2]
        right = own * payoff[1] + (1 - own) * payoff[3]
        heavy = other * sp.exp(-tau * left), (1 - other) * sp.exp(-tau * right)
        return heavy[0] / (heavy[0] + heavy[1]), -sp.log(heavy[0] + heavy[1]) / tau

    def reply(payoff: Any, own: Any, other: Any) -> Any:
        p = belief(payoff, own, other)[0]
        gain = p * (payoff[0] - payoff[2]) + (1 - p) * (payoff[1] - payoff[3])
        return 1 / (1 + sp.exp(-inverse * gain))

    p, value = belief(a, x, y)
    tilted = p * (1 - p) * (a[0] - a[1] - a[2] + a[3]) ** 2
    maps = reply(a, x, y), reply(b, y, x)
    # at infinite epsilon (inverse = 0) the reply is the constant 1/2, of index +1
    slopes = sp.Matrix([[sp.diff(f, z).subs(inverse, 0) for z in (x, y)] for f in maps])
    index = (sp.eye(2) - slopes).det()
    return {
        "value is concave in the own strategy": sp.diff(value, x, 2) + tau * tilted,
        "reply is uniform at infinite epsilon": maps[0].subs(inverse, 0) - sp.Rational(1, 2),
        "index there": index - 1,
    }


def check(draws: int, seed: int) -> Table:
    """Random games: an RQE with its regret, also at ``tau`` 0 and inf; the index sum of all."""
    return table("existence", collect(_instances(draws, seed), BOUNDS))


def _instances(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng(seed)
    names = list(BOUNDS)
    for _ in range(draws):
        shape = SHAPES[rng.integers(len(SHAPES))]
        game = NormalFormGame([rng.random(shape) for _ in shape])
        tau, epsilon = rng.choice(DEGREES, len(shape)), 10.0 ** rng.uniform(-1.0, 0.5, len(shape))
        eq = solve_rqe(game, tau, epsilon, throw=False)
        numbers = {
            names[0]: float(eq.status is not Status.CONVERGED),
            names[1]: eq.max_regret,  # payoffs are of unit range
        }
        if np.all(np.isfinite(tau)):
            # few starts are enough here: more are drawn until the indices sum to 1
            found = enumerate_rqe(game, tau, epsilon, starts=4)
            total = found.index_sum
            numbers[names[2]] = np.nan if total is None else float(abs(total - 1))
        yield numbers


def risk_seeking(tau: float, draws: int, seed: int) -> Table:
    """Where the risk is not convex (``tau < 0``): mixed replies lose to pure ones, at any play.

    In matching pennies no profile of pure strategies is an equilibrium, so that without noise a
    game of two risk seekers has none at all.

    Parameters
    ----------
    tau : float
        Not 0; risk seeking where negative, in 1/payoff units.
    draws, seed : int

    Returns
    -------
    Table
        What a random mixed reply gains over the better of its two pure ones at most; a bound of 0
        that a convex risk exceeds.
    """
    rng = np.random.default_rng(seed)
    payoff = np.eye(2)

    def gain(x: FloatArray, q: FloatArray) -> float:
        pure = max(certain(row, q, tau) for row in payoff)
        return certain(x @ payoff, q, tau) - pure

    values = [gain(rng.dirichlet(np.ones(2)), rng.dirichlet(np.ones(2))) for _ in range(draws)]
    name = f"gain of a mixed reply over the best pure one, tau = {tau:g}"
    return table("matching pennies", collect(iter([{name: v} for v in values]), {name: ROUNDING}))


STATEMENT = Statement(
    name="existence",
    source="RQE24",
    says=(
        "Every finite game has an RQE for every convex risk measure, here Entropic with tau in "
        "[0, inf] and epsilon > 0: the penalised worst case is concave in the own strategy and "
        "continuous in the others', so the best replies are unique and continuous, and Brouwer "
        "applies. The fixed-point indices of all RQE sum to +1, the degree of the constant reply "
        "at infinite epsilon."
    ),
    verdict="holds",
    derive=derive,
    check=check,
    counterexample=(
        "outside convex risk it fails: two risk seekers (tau = -1, epsilon = 0) at matching "
        "pennies have no equilibrium, since every mixed reply loses to a pure one"
    ),
)
