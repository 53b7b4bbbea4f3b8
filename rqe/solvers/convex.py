"""The second opinion: each player's best response by a convex program; the only cvxpy import.

Nothing here uses the package's own primitives: the objective is written again from the definition.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..model.agent import Agent, degrees, is_logit
from ..model.normal_form import NormalFormGame
from ..result.equilibrium import Equilibrium, read_only
from ..result.table import Table
from .convex_choice import choice_of
from .convex_goal import NARROW, GeneralGoal, run_clarabel
from .convex_price import entropic_worth
from .convex_risk import price_of

Program = tuple[Any, Callable[[], Any], Callable[[], Any]]
"""A cvxpy problem, and how to read its strategy and its belief."""


@dataclass(frozen=True, eq=False, repr=False)
class Certificate:
    """What a convex program says of a profile, player by player; all but `solver` in payoff units.

    Attributes
    ----------
    values : array (N,)
        Risk-adjusted, regularised value of the profile.
    best : array (N,)
        Value of the program's strategy against the same opponents: it can be had.
    bound : array (N,)
        A value that no strategy exceeds, by weak duality at the program's multipliers.
    ranges : array (N,)
        Payoff range of each player (1 where payoffs are constant).
    solver : tuple of str
        The solver's word on each program.
    tol : float
        Share of the payoff range that a player may gain.

    Notes
    -----
    `best` and `bound` are evaluated from the definition at the program's answer, so that they
    bracket the truth however accurate the solver was.
    """

    values: FloatArray
    best: FloatArray
    bound: FloatArray
    ranges: FloatArray
    solver: tuple[str, ...]
    tol: float
    players: tuple[str, ...] = ()

    @property
    def gain(self) -> FloatArray:
        """What each player could gain by the program's strategy, (N,)."""
        return np.asarray(self.best - self.values)

    @property
    def verdict(self) -> tuple[str, ...]:
        """A word a player: "certified", "refuted" or, the bracket being too wide, "undecided"."""
        allowed = self.tol * self.ranges
        return tuple(
            "certified" if high <= room else "refuted" if low > room else "undecided"
            for low, high, room in zip(self.gain, self.bound - self.values, allowed, strict=True)
        )

    @property
    def ok(self) -> bool:
        """Whether no player can gain more than `tol` times its payoff range."""
        return all(word == "certified" for word in self.verdict)

    def table(self) -> Table:
        """One row a player: value, best value, its bound, gain, the solver's word, the verdict."""
        rows = tuple(
            (
                self.players[i] if self.players else str(i + 1),
                *(float(v[i]) for v in (self.values, self.best, self.bound, self.gain)),
                self.solver[i],
                word,
            )
            for i, word in enumerate(self.verdict)
        )
        columns = ("player", "value", "best value", "bound", "gain", "solver", "verdict")
        return Table(columns, rows, title=repr(self)[1:-1])

    def __repr__(self) -> str:
        word = "ok" if self.ok else "not certified"
        return f"<Certificate: {word}, largest gain {float(np.max(self.gain)):.1e}>"

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def certify(game: NormalFormGame, eq: Equilibrium, *, tol: float = 1e-6) -> Certificate:
    """Check a profile against each player's best response, computed independently.

    Player i's best response to the others' actual play `q` maximises the concave

    ``rho(x·M; q) - nu(x)``, with ``rho(u; q) = min_p p·u + D(p, q)``

    over the simplex (``sum_a x_a rho(M_a; q) - nu(x)`` where its risk is action-dependent; RQE24
    eqs. 3 to 6): a conic program, solved by cvxpy with Clarabel on payoffs scaled to unit range.
    Every risk measure, regulariser and form of `Agent` is covered.

    Parameters
    ----------
    game : NormalFormGame
    eq : Equilibrium
        Of any concept: its agents say what each player maximises.
    tol : float
        Share of its payoff range that a player may gain, ``> 0``.

    Returns
    -------
    Certificate
        ``certificate.ok`` is the verdict; printing it shows the numbers.

    Raises
    ------
    ValueError
        `eq` is not an `Equilibrium` of a game of this shape, or `tol` is not positive.

    Notes
    -----
    Finite games only. The solver sees ``tau × range`` below 1e-3 as mean and variance, and a
    regulariser with ``epsilon / range`` above 30 as its second-order expansion at uniform play; the
    values are evaluated from the definition at the answer, so that a poor approximation can only
    make the verdict "undecided". The equilibrium's own beliefs, values and regret are not read.

    Examples
    --------
    >>> import rqe
    >>> game = rqe.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]])
    >>> certificate = rqe.certify(game, rqe.solve_rqe(game, tau=1.0, epsilon=0.5))
    >>> certificate.ok, certificate.verdict
    (True, ('certified', 'certified'))
    """
    _refuse(game, eq, tol)
    ranges = np.where(game.payoff_ranges > 0.0, game.payoff_ranges, 1.0)
    found = []
    for i, raw in enumerate(game.own_payoffs):
        middle = 0.5 * (raw.min() + raw.max())
        matrix, log_q = (raw - middle) / ranges[i], _joint(eq.log_strategies, i)
        opinion = _logit if is_logit(eq.agents[i]) else _general
        value, best, bound, word = opinion(
            eq.agents[i], matrix, log_q, float(ranges[i]), eq.log_strategies[i]
        )
        found.append([middle + ranges[i] * v for v in (value, best, bound)] + [word])
    values, bests, bounds, words = zip(*found, strict=True)
    return Certificate(
        values=read_only(values),
        best=read_only(bests),
        bound=read_only(bounds),
        ranges=read_only(ranges),
        solver=tuple(words),
        tol=float(tol),
        players=game.players,
    )


def _logit(
    agent: Agent, matrix: FloatArray, log_q: FloatArray, span: float, log_x: FloatArray
) -> tuple[float, float, float, str]:
    """Value, best value, bound and the solver's word for an entropic, entropy-regularised player.

    In units of `span`, by which its payoffs were divided.
    """
    (tau,), (epsilon,) = degrees([agent])
    goal = Goal(matrix, log_q, tau=float(tau * span), epsilon=float(epsilon / span))
    x, p, word = goal.solve()
    best, bound = goal.bracket(x, p)
    if bound - best > NARROW:  # the solver got stuck: the same problem, posed another way
        _, other, least, said = _general(agent, matrix, log_q, span, log_x)
        best, bound = max(best, other), min(bound, least)
        word = said if word == "failed" else word
    return goal.value(np.exp(log_x)), best, bound, word


def _general(
    agent: Agent, matrix: FloatArray, log_q: FloatArray, span: float, log_x: FloatArray
) -> tuple[float, float, float, str]:
    """The same for any other risk measure and regulariser, of either form."""
    goal = GeneralGoal(
        matrix,
        price_of(agent.risk, log_q, span),
        choice_of(agent.regularizer, span),
        each=agent.form == "action_dependent",
    )
    return goal.value(log_x), *goal.bracket()


def _refuse(game: Any, eq: Any, tol: Any) -> None:
    if not isinstance(game, NormalFormGame):
        raise ValueError(
            f"game must be a NormalFormGame: certify covers finite games; got {type(game).__name__}"
        )
    if not isinstance(eq, Equilibrium):
        raise ValueError(
            "eq must be an Equilibrium of a finite game, one member of an EquilibriumSet or batch; "
            f"got {type(eq).__name__}"
        )
    shape = tuple(x.size for x in eq.log_strategies)
    if shape != game.shape:
        raise ValueError(f"eq must be a profile of game, shape {game.shape}; got shape {shape}")
    if not (isinstance(tol, (int, float)) and 0.0 < tol < np.inf):
        raise ValueError(f"tol must be a number > 0; got {tol!r}")


def _joint(log_strategies: tuple[FloatArray, ...], player: int) -> FloatArray:
    """Log-probabilities of the others' joint actions, the last player's varying fastest."""
    joint = np.zeros(1)
    for j, z in enumerate(log_strategies):
        if j != player:
            joint = np.add.outer(joint, z).ravel()
    return np.asarray(joint - np.logaddexp.reduce(joint))


def _entropy(x: FloatArray) -> float:
    """Shannon entropy in nats."""
    return -float(np.sum(x * np.log(np.where(x > 0.0, x, 1.0))))


@dataclass(frozen=True)
class Goal:
    """One player's problem on payoffs in [-1/2, 1/2]; the others' joint play as logarithms.

    A probability of exp(-1000) matters where ``tau`` makes up for it: it must not become 0.
    """

    matrix: FloatArray
    log_q: FloatArray
    tau: float
    epsilon: float

    @property
    def q(self) -> FloatArray:
        """The others' joint play, where nothing is lost by underflow."""
        return np.asarray(np.exp(self.log_q))

    def value(self, x: FloatArray) -> float:
        """The objective at a strategy."""
        u = x @ self.matrix
        worth = entropic_worth(u, self.log_q, self.tau)
        return worth + self.epsilon * _entropy(x)

    def bound(self, p: FloatArray) -> float:
        """A value that no strategy exceeds: the best one against the belief `p`, and its price."""
        v = self.matrix @ p
        if self.epsilon > 0.0:
            best = self.epsilon * float(np.logaddexp.reduce(v / self.epsilon))
        else:
            best = float(v.max())
        if self.tau == np.inf or bool((p == self.q).all()):
            return best
        # below 1e-6 rounding drowns the price, and the others' play bounds within tau / 8
        rated = np.where(p > 0.0, self.log_q, 0.0)
        price = float(-_entropy(p) - p @ rated) if self.tau >= 1e-6 else np.inf
        return best + (max(price, 0.0) / self.tau if price < np.inf else np.inf)

    def bracket(self, x: FloatArray, p: FloatArray) -> tuple[float, float]:
        """Attained and unattainable values next to the program's strategy and multipliers."""
        strategies, beliefs = [x], [p, self.q]
        if self.epsilon > 0.0:
            v = self.matrix @ p / self.epsilon
            strategies.append(np.exp(v - np.logaddexp.reduce(v)))
        for own in tuple(strategies):
            if 0.0 < self.tau < np.inf:
                tilt = self.log_q - self.tau * (own @ self.matrix)
                p = np.exp(tilt - tilt.max())
                beliefs.append(p / p.sum())
        return max(map(self.value, strategies)), min(map(self.bound, beliefs))

    def solve(self) -> tuple[FloatArray, FloatArray, str]:
        """The program's strategy, its multipliers as a belief, and the solver's word."""
        import cvxpy as cp

        steep = 1e3 < self.tau < np.inf
        problem, strategy, belief = self._dual(cp) if steep else self._primal(cp)
        even = np.full(self.matrix.shape[0], 1.0 / self.matrix.shape[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an inaccurate answer is reported in words
            try:
                run_clarabel(cp, problem)
            except cp.SolverError:
                return even, self.q, "failed"
        x, p = strategy(), belief()
        word = str(problem.status)
        if x is None or p is None:
            return even, self.q, word
        x, full = np.maximum(x, 0.0), np.zeros(self.log_q.size)
        full[self._seen()] = np.maximum(p, 0.0)
        if not (x.sum() > 0.0 and full.sum() > 0.0):
            return even, self.q, word
        return x / x.sum(), full / full.sum(), word

    def _seen(self) -> Any:
        """Columns that count: at finite ``tau`` those the others play."""
        return np.isfinite(self.log_q) | (self.tau == np.inf)

    def _primal(self, cp: Any) -> Program:
        """Over strategies; play strays from uniform by 1/epsilon, so it is posed in that unit."""
        seen, n = self._seen(), self.matrix.shape[0]
        log_q, columns = self.log_q[seen], self.matrix[:, seen]
        q = np.exp(log_q)
        u, d = cp.Variable(columns.shape[1]), cp.Variable(n)
        unit = 1.0 / max(1.0, self.epsilon)
        x = 1.0 / n + unit * d
        outcomes = columns.mean(axis=0) + unit * (columns.T @ d) - u == 0.0
        if self.tau == np.inf:
            worth = cp.min(u)
        elif self.tau <= 1e-3:
            worth = q @ u - 0.5 * self.tau * cp.sum_squares(cp.multiply(np.sqrt(q), u - q @ u))
        else:
            worth = -cp.log_sum_exp(log_q - self.tau * u) / self.tau
        if self.epsilon > 30.0:
            worth -= 0.5 * n * self.epsilon * unit**2 * cp.sum_squares(d)
        elif self.epsilon > 0.0:
            worth += self.epsilon * cp.sum(cp.entr(x))
        problem = cp.Problem(cp.Maximize(worth), [x >= 0.0, cp.sum(d) == 0.0, outcomes])
        return problem, lambda: x.value, lambda: _sized(outcomes.dual_value)

    def _dual(self, cp: Any) -> Program:
        """Over beliefs: at large ``tau`` the divergence is a gentle term, the exponential steep."""
        seen, n = self._seen(), self.matrix.shape[0]
        columns = self.matrix[:, seen]
        p, v = cp.Variable(columns.shape[1]), cp.Variable(n)
        worths = columns @ p - v == 0.0
        if self.epsilon == 0.0:
            best = cp.max(v)
        elif self.epsilon > 30.0:
            mean = cp.sum(v) / n
            best = mean + cp.sum_squares(v - mean) / (2.0 * n * self.epsilon)
        else:
            best = self.epsilon * cp.log_sum_exp(v / self.epsilon)
        price = (-cp.sum(cp.entr(p)) - self.log_q[seen] @ p) / self.tau
        problem = cp.Problem(cp.Minimize(best + price), [p >= 0.0, cp.sum(p) == 1.0, worths])
        return problem, lambda: _sized(worths.dual_value), lambda: p.value


def _sized(multipliers: Any) -> Any:
    """Multipliers of a sum to one, whichever sign the modelling layer gives them."""
    return None if multipliers is None else np.sign(multipliers.sum()) * multipliers
