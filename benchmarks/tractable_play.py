"""Which play of a 2 x 2 game a class of RQE can produce, in closed form, and its best common fit.

A player's worst-case belief depends on play and on ``tau`` alone, and its first-order condition is
linear in ``epsilon``: so for every ``tau`` there is exactly one ``epsilon`` at which given play is
a best response, positive or not. What play a class captures is therefore a scan over ``tau``, one
player at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

import games
import rqe
from rqe.analysis.estimation import Observation

Array = NDArray[np.float64]
TAUS = np.logspace(-4, 4, 161)
"""In 1/points: ``tau`` times the payoff range from 0.001 to 200,000 or so."""


@dataclass(frozen=True)
class Class:
    """A risk measure with a regulariser, and the condition under which learning finds its RQE."""

    name: str
    risk: Any
    regularizer: Any
    product: float
    """Least ``tau_1 tau_2 epsilon_1 epsilon_2``; 0 where no such condition is known."""

    def hardness(self, x: Array) -> Array:
        """Derivative of the regulariser's penalty towards the first action, for ``epsilon = 1``."""
        if self.regularizer is rqe.NegEntropy:
            return np.log(x) - np.log1p(-x)
        return 1.0 / (1.0 - x) - 1.0 / x

    def advantage(self, payoff: Array, x: Array, y: Array, tau: Any) -> Array:
        """What the first action is worth over the second, under the worst-case belief at (x, y)."""
        outcomes = x[..., None] * payoff[..., 0, :] + (1.0 - x)[..., None] * payoff[..., 1, :]
        log_q = np.log(np.stack([y, 1.0 - y], axis=-1))
        belief = np.exp(self.risk(tau).log_belief(outcomes, log_q))
        return ((payoff[..., 0, :] - payoff[..., 1, :]) * belief).sum(axis=-1)

    def epsilon(self, payoff: Array, x: Array, y: Array, tau: Any) -> Array:
        """The ``epsilon`` at which x is the answer to y; not positive where there is none."""
        return np.asarray(self.advantage(payoff, x, y, tau) / self.hardness(x))

    def agents(self, tau: Sequence[float], epsilon: Sequence[float]) -> list[rqe.Agent]:
        """Two players of the class."""
        pairs = zip(tau, epsilon, strict=True)
        return [rqe.Agent(self.risk(t), self.regularizer(e)) for t, e in pairs]


CLASSES = (
    Class("KL, entropy", rqe.Entropic, rqe.NegEntropy, 0.0),
    Class("KL, log-barrier", rqe.Entropic, rqe.LogBarrier, 1.0 / 64.0),
    Class("reverse KL, entropy", rqe.ReverseKL, rqe.NegEntropy, 1.0 / 16.0),
)


def payoffs(number: int) -> tuple[Array, Array]:
    """Own actions by the other's, of both players of one game."""
    row, column = games.selten_chmura(number).own_payoffs
    return row, column


def highest(kind: Class, payoff: Array, x: Array, y: Array) -> Array:
    """Largest ``tau × epsilon`` over `TAUS` at which x answers y; 0 where none does."""
    best = np.zeros(np.broadcast(x, y).shape)
    for tau in TAUS:
        best = np.maximum(best, tau * kind.epsilon(payoff, x, y, tau))
    return best


def area(kind: Class, number: int, cells: int = 30) -> float:
    """Share of the unit square of play that the class can produce (with players' own degrees)."""
    side = (np.arange(cells) + 0.5) / cells  # never 1/2, where no epsilon matters
    x, y = np.meshgrid(side, side, indexing="ij")
    row, column = payoffs(number)
    both = highest(kind, row, x, y) * highest(kind, column, y, x)
    return float(np.mean((both > 0.0) & (both >= kind.product)))


def quantal_area(number: int, cells: int = 30) -> float:
    """The same of logit QRE with an ``epsilon`` for each player."""
    side = (np.arange(cells) + 0.5) / cells
    x, y = np.meshgrid(side, side, indexing="ij")
    row, column = payoffs(number)
    kind = CLASSES[0]
    sound = (kind.epsilon(row, x, y, 0.0) > 0.0) & (kind.epsilon(column, y, x, 0.0) > 0.0)
    return float(np.mean(sound))


def exact(kind: Class, number: int) -> dict[str, Any]:
    """The least risk-averse RQE of the class at the mean observed frequencies, if there is one.

    Least: the larger of the two players' ``tau``, among those of `TAUS`. The answer is solved for
    again by `rqe.solve`, which knows nothing of the inversion.
    """
    play = games.selten_chmura_play(number)
    seen = (play.row, play.column)
    x, y = (np.array(v) for v in seen)
    row, column = payoffs(number)
    epsilons = np.array(
        [[kind.epsilon(row, x, y, t), kind.epsilon(column, y, x, t)] for t in TAUS], dtype=float
    )
    sizes = np.where(epsilons > 0.0, epsilons * TAUS[:, None], 0.0)
    reached = np.maximum.accumulate(sizes, axis=0).prod(axis=1)
    good = np.flatnonzero((reached > 0.0) & (reached >= kind.product))
    if not good.size:
        return {"game": number, "class": kind.name, "captured": False}
    pick = sizes[: good[0] + 1].argmax(axis=0)
    tau, epsilon = TAUS[pick], epsilons[pick, [0, 1]]
    eq = rqe.solve(games.selten_chmura(number), kind.agents(tau, epsilon))
    miss = max(abs(float(eq[i][0]) - v) for i, v in enumerate(seen))
    return {
        "game": number,
        "class": kind.name,
        "captured": True,
        "tau": tau.tolist(),
        "epsilon": epsilon.tolist(),
        "product": float(np.prod(tau * epsilon)),
        "miss": miss,
    }


def solve_all(kind: Class, numbers: Sequence[int], tau: float, epsilon: float) -> Array | None:
    """First-action probabilities (games, 2) at common degrees, by Newton's method on two equations.

    None where it does not converge; `rqe.solve` judges the answers that are reported.
    """
    both = [np.stack(p) for p in zip(*(payoffs(n) for n in numbers), strict=True)]
    plays = [games.selten_chmura_play(n) for n in numbers]
    z = np.array([[p.row, p.column] for p in plays])
    z = np.log(z) - np.log1p(-z)

    def gaps(z: Array) -> Array:
        x = 1.0 / (1.0 + np.exp(-z))
        sides = ((both[0], x[:, 0], x[:, 1]), (both[1], x[:, 1], x[:, 0]))
        return np.stack(
            [
                (kind.advantage(p, own, other, tau) / epsilon - kind.hardness(own))
                * (1.0 if kind.regularizer is rqe.NegEntropy else own * (1.0 - own))
                for p, own, other in sides
            ],
            axis=1,
        )

    for _ in range(80):
        now = gaps(z)
        slopes = np.stack(
            [(gaps(z + step) - gaps(z - step)) / 2e-6 for step in 1e-6 * np.eye(2)], axis=2
        )
        try:
            step = np.linalg.solve(slopes, -now[..., None])[..., 0]
        except np.linalg.LinAlgError:
            return None
        z = z + step / np.maximum(1.0, np.abs(step).max(axis=1, keepdims=True))
        if np.abs(step).max() < 1e-9:
            return np.asarray(1.0 / (1.0 + np.exp(-z)))
        if not np.all(np.isfinite(z)):
            break
    return None


def common_fits(
    kind: Class, data: Sequence[Observation], numbers: Sequence[int]
) -> list[dict[str, Any]]:
    """Maximum likelihood of one ``tau`` and one ``epsilon``: any, and the tractable ones."""

    def loss(point: Array) -> float:
        epsilon, tau = np.exp(point[0]), np.exp(point[1] - point[0])
        x = solve_all(kind, numbers, tau, epsilon)
        return -log_likelihood(data, x) if x is not None else 1e12

    def record(point: Array, tractable: bool) -> dict[str, Any]:
        epsilon, tau = float(np.exp(point[0])), float(np.exp(point[1] - point[0]))
        plays = [
            rqe.solve(games.selten_chmura(n), kind.agents((tau, tau), (epsilon, epsilon)))
            for n in numbers
        ]
        x = np.array([[eq[0][0], eq[1][0]] for eq in plays])
        found = {"class": kind.name, "tractable": tractable, "tau": tau, "epsilon": epsilon}
        return found | {"log_likelihood": log_likelihood(data, x)}

    options = {"xatol": 1e-6, "fatol": 1e-6, "maxiter": 1000}
    starts = ([0.0, -2.0], [0.0, 0.0], [-1.0, -1.0])
    point = min(
        (minimize(loss, s, method="Nelder-Mead", options=options) for s in starts),
        key=lambda found: found.fun,
    ).x
    fits = [record(point, False)]
    if kind.product > 0.0:
        bound = 0.5 * np.log(kind.product)
        if point[1] < bound:
            edge = minimize_scalar(
                lambda e: loss(np.array([e, bound])), bounds=(-4.0, 4.0), method="bounded",
                options={"xatol": 1e-8},
            )  # fmt: skip
            point = np.array([edge.x, bound])
        fits.append(record(point, True))
    return fits


def log_likelihood(data: Sequence[Observation], x: Array) -> float:
    """Of first-action probabilities (games, 2)."""
    total = 0.0
    for o, pair in zip(data, x, strict=True):
        for seen, first in zip(o.totals, pair, strict=True):
            total += float(seen[0] * np.log(first) + seen[1] * np.log1p(-first))
    return total
