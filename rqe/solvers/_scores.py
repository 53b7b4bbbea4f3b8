r"""Equilibrium conditions of general agents, as equations between perceived scores.

Player i perceives scores :math:`t_i` of its own actions and, where its risk is aggregate, scores
:math:`s_i` of the others' joint actions. Strategies and beliefs are the links' answers to them,
:math:`x_i = R_i(t_i)` and :math:`p_i = B_i(-s_i, x_{-i})`, and the equations say that perception is
right, :math:`t_i = \ell U_i p_i / \epsilon_i` and :math:`s_i = k_i U_i^\top x_i`. They are linear
but for the links, each of unit scale in its own score, so that Newton's method sees as far with
stiff players as with gentle ones. An action-dependent player has one belief an action, a function
of the others' play alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..core.ops import joint_log
from ..core.regularizer import NegEntropy
from ..core.risk import ChiSquared, CVaR, Entropic, ReverseKL, TotalVariation, WorstCase
from ..model._checks import FloatArray
from ..model.agent import Agent, is_neutral
from ._beliefs import Belief, tilted, transport_price, transported
from ._links import BeliefLink, Cap, Corner, Exponential, Inverse, Link, Power, answered, tilt

CORNER = 1e12
"""Sharpness at which a rounded corner counts as sharp."""


@dataclass(frozen=True)
class Seat:
    """One player on payoffs of unit range: its matrix, its precision, its risk.

    Attributes
    ----------
    payoff : array (n, m)
    precision : float
        ``range / epsilon``.
    link : Link
        Of its strategy.
    kind : {"neutral", "smooth", "worst", "cap", "move"}
        Shape of its risk: the last three have steps, of sharpness ``k``.
    degree : float
        ``tau × range``, or ``alpha``.
    by_action : bool
        Whether its risk is action-dependent.
    belief : Link
    """

    payoff: FloatArray
    precision: float
    link: Link
    kind: str
    degree: float
    by_action: bool
    belief: BeliefLink

    @property
    def stepped(self) -> bool:
        """Whether the risk measure has steps, so that beliefs are not unique at ties."""
        return self.kind in ("worst", "cap", "move")

    @property
    def rounded(self) -> bool:
        """Whether anything of it depends on the sharpness."""
        corner = isinstance(self.belief, Corner)
        return self.stepped or corner or (isinstance(self.link, Power) and self.link.q > 1.0)

    def scale(self, k: float) -> float:
        """Score of the others' joint actions for each unit of payoff."""
        return self.degree if self.kind == "smooth" else k

    def sharpened(self, k: float) -> Seat:
        """The same seat with its links' corners and steps of sharpness ``k``."""
        link = replace(self.link, k=k) if isinstance(self.link, Power) else self.link
        belief = replace(self.belief, k=k) if isinstance(self.belief, Corner) else self.belief
        return replace(self, link=link, belief=belief)


def seat_of(agent: Agent, payoff: FloatArray, span: float) -> Seat:
    """The seat of an agent with raw payoffs (n, m) of the given range."""
    unit = span if span > 0.0 else 1.0
    matrix = (payoff - (0.5 * payoff.max() + 0.5 * payoff.min())) / unit
    kind, degree, belief = _shape(agent.risk, unit)
    if matrix.shape[1] == 1:
        kind, belief = "neutral", Exponential()  # nothing to be uncertain of
    rule = agent.regularizer
    order = float(getattr(rule, "q", 1.0))
    link: Link = Inverse()
    if isinstance(rule, NegEntropy) or (hasattr(rule, "q") and order == 1.0):
        link = Exponential()
    elif hasattr(rule, "q"):
        link = Power(order, 1.0)
    by_action = agent.form == "action_dependent" and kind != "neutral"
    return Seat(matrix, unit / rule.epsilon, link, kind, degree, by_action, belief)


def _shape(risk: object, unit: float) -> tuple[str, float, BeliefLink]:
    """Kind of a risk measure, its degree on unit range and its link."""
    if is_neutral(risk):
        return "neutral", 0.0, Exponential()
    if isinstance(risk, (Entropic, ReverseKL, ChiSquared, TotalVariation)):
        tau = float(risk.tau) * unit
        if np.isinf(tau):
            return "worst", tau, Exponential()
        if isinstance(risk, TotalVariation):
            return "move", tau, Exponential()
        link = Exponential() if isinstance(risk, Entropic) else Inverse()
        return "smooth", tau, Corner(1.0) if isinstance(risk, ChiSquared) else link
    if isinstance(risk, CVaR):
        return "cap", float(risk.alpha), Cap(float(risk.alpha))
    if isinstance(risk, WorstCase):
        return "worst", np.inf, Exponential()
    raise ValueError(
        "risk must be Entropic, ReverseKL, ChiSquared, TotalVariation, CVaR, WorstCase or Neutral "
        f"to be solved for; got {risk!r}"
    )


@dataclass
class Play:
    """A point: perceived scores and what they lead to.

    ``scores`` (n_i,) a player; ``outcomes`` (m_i,) of players with a belief of their own, else
    None; ``level`` and ``k`` are the precision multiplier and the sharpness of steps.
    """

    scores: list[FloatArray]
    outcomes: list[FloatArray | None]
    level: float
    k: float


@dataclass
class Linear:
    """The equations linearised at a point."""

    log_x: list[FloatArray]
    log_p: list[FloatArray]
    """Beliefs (m_i,), or (n_i, m_i) by action."""
    rows: list[FloatArray]
    """Log-strategies' slopes in the scores, (n_i, n_i)."""
    gap: FloatArray
    """Right sides of Newton's system, stacked."""
    miss: list[FloatArray | None]
    """Residuals of the outcomes' scores."""
    drift: FloatArray
    """Slope of the equations in the parameter, stacked."""
    drop: list[FloatArray | None]
    """Slopes of the outcomes' scores in the parameter."""
    matrix: FloatArray


class System:
    """The equations of one game and its agents."""

    def __init__(self, seats: Sequence[Seat]) -> None:
        self.seats = list(seats)
        self.sizes = [s.payoff.shape[0] for s in seats]
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)])
        self.others = [[j for j in range(len(seats)) if j != i] for i in range(len(seats))]
        self.spread = [self._replication(i) for i in range(len(seats))]
        self.k = 0.0

    def _replication(self, i: int) -> dict[int, FloatArray]:
        """For each other player, which of its actions each joint action holds: (m_i, n_j)."""
        if not self.others[i]:
            return {}
        shape = [self.sizes[j] for j in self.others[i]]
        grid = np.indices(shape).reshape(len(shape), -1)
        pairs = zip(self.others[i], grid, strict=True)
        return {j: np.eye(self.sizes[j])[where] for j, where in pairs}

    def sharpen(self, k: float) -> None:
        """Give steps and corners the sharpness ``k``."""
        if k != self.k:
            self.seats, self.k = [s.sharpened(k) for s in self.seats], k

    def own_belief(self, i: int) -> bool:
        """Whether player i's belief depends on its own strategy."""
        return self.seats[i].kind != "neutral" and not self.seats[i].by_action

    def begin(self, k: float) -> Play:
        """Indifference: ``level`` 0."""
        scores = [np.zeros(n) for n in self.sizes]
        return self.perceived(scores, 0.0, k)

    def from_strategies(self, log_x: Sequence[FloatArray] | None, k: float) -> Play:
        """The play at given log-strategies (uniform where there are none): one reply to them."""
        if log_x is None:
            log_x = [np.full(n, -np.log(n)) for n in self.sizes]
        scores = []
        self.sharpen(k)
        for i, seat in enumerate(self.seats):
            x, log_q = np.exp(log_x[i]), joint_log(tuple(log_x), i)
            outcomes = seat.scale(k) * (x @ seat.payoff) if self.own_belief(i) else None
            given: list[FloatArray | None] = [*([None] * i), outcomes]
            play = Play([], given, 1.0, k)
            scores.append(seat.precision * self.row(i, play, x, log_q).values)
        return self.perceived(scores, 1.0, k)

    def perceived(self, scores: Sequence[FloatArray], level: float, k: float) -> Play:
        """The play at given scores of actions, with outcomes perceived as they are."""
        self.sharpen(k)
        outcomes: list[FloatArray | None] = []
        for i, (seat, t) in enumerate(zip(self.seats, scores, strict=True)):
            x = np.exp(tilt(seat.link, t)[0])
            outcomes.append(seat.scale(k) * (x @ seat.payoff) if self.own_belief(i) else None)
        return Play(list(scores), outcomes, level, k)

    def strategies(self, play: Play) -> list[FloatArray]:
        """Log-strategies."""
        self.sharpen(play.k)
        return [tilt(s.link, t)[0] for s, t in zip(self.seats, play.scores, strict=True)]

    def belief(self, i: int, play: Play, log_q: FloatArray) -> Belief:
        """Belief of player i, of an aggregate risk, at its perceived outcomes."""
        seat, outcomes = self.seats[i], play.outcomes[i]
        assert outcomes is not None
        if seat.kind == "move":
            return transported(seat.payoff, outcomes, log_q, play.k / seat.degree)
        weighted = seat.kind != "worst"
        return tilted(seat.belief, seat.payoff, outcomes, log_q, weighted=weighted)

    def linearise(self, play: Play, moving: str = "level") -> Linear:
        """Residuals and slopes; the parameter that moves is ``level`` or ``k``."""
        self.sharpen(play.k)
        n = int(self.starts[-1])
        answers = [answered(s.link, t) for s, t in zip(self.seats, play.scores, strict=True)]
        log_x, rows = [z for z, _ in answers], [slopes for _, slopes in answers]
        matrix, gap, drift = np.eye(n), np.zeros(n), np.zeros(n)
        log_p: list[FloatArray] = []
        miss: list[FloatArray | None] = []
        drop: list[FloatArray | None] = []
        for i, seat in enumerate(self.seats):
            here = slice(self.starts[i], self.starts[i + 1])
            x, log_q = np.exp(log_x[i]), joint_log(tuple(log_x), i)
            sharp = play.level * seat.precision
            out = self.row(i, play, x, log_q)
            log_p.append(out.log_p)
            miss.append(out.miss)
            gap[here] = sharp * (out.values + out.moved) - play.scores[i]
            bend = seat.payoff.T @ x if out.own is not None else None
            stepped = moving == "k" and seat.kind not in ("smooth", "neutral")
            drop.append(bend if stepped and bend is not None else None)
            if moving == "level":
                drift[here] = seat.precision * out.values
            elif out.own is not None and drop[-1] is not None:
                drift[here] = sharp * (out.own @ drop[-1] + out.nudge / play.k)
            if out.own is not None:
                push = seat.scale(play.k) * seat.payoff.T @ (x[:, None] * rows[i])
                matrix[here, here] -= sharp * out.own @ push
            for j, copies in self.spread[i].items():
                there = slice(self.starts[j], self.starts[j + 1])
                matrix[here, there] -= sharp * (out.cross @ copies) @ rows[j]
        return Linear(log_x, log_p, rows, gap, miss, drift, drop, matrix)

    def row(self, i: int, play: Play, x: FloatArray, log_q: FloatArray) -> Row:
        """Values of player i's actions and their slopes in outcomes and in the others' play."""
        seat = self.seats[i]
        if seat.kind == "neutral":
            p = np.exp(log_q)
            values = seat.payoff @ p
            return Row(log_q, values, 0.0 * values, None, None, seat.payoff * p)
        if seat.by_action:
            price = self._prices(seat, play.k, log_q)
            values = price.sum(axis=1)
            return Row(log_q, values, 0.0 * values, None, None, price)
        found, given = self.belief(i, play, log_q), play.outcomes[i]
        assert given is not None
        miss = seat.scale(play.k) * (x @ seat.payoff) - given
        values = seat.payoff @ np.exp(found.log_p)
        moved = found.own @ miss
        return Row(found.log_p, values, moved, miss, found.own, found.cross, found.nudge)

    def _prices(self, seat: Seat, k: float, log_q: FloatArray) -> FloatArray:
        """Certainty equivalent of each own action, (n, m), a part for each joint action.

        The parts are the slopes in the others' log-play as well: the level is stationary.
        """
        if seat.kind == "worst":
            return np.asarray(np.exp(log_q) * seat.payoff.min(axis=1, keepdims=True))
        scale = seat.scale(k)
        scores = scale * seat.payoff
        if seat.kind == "move":
            return np.asarray(np.exp(log_q) * transport_price(scores, k / seat.degree) / scale)
        weights = np.broadcast_to(log_q, scores.shape)
        shifted = tilt(seat.belief, -scores, weights)[1]
        level = shifted[:, :1] + scores[:, :1]
        return np.asarray(np.exp(log_q) * (level - seat.belief.conjugate(shifted)) / scale)

    def step(
        self, play: Play, lin: Linear, dt: FloatArray, by: float, *, newton: bool
    ) -> list[FloatArray | None]:
        """Steps of the outcomes' scores that go with ``dt`` and a parameter step ``by``."""
        out: list[FloatArray | None] = []
        for i, seat in enumerate(self.seats):
            miss = lin.miss[i]
            if miss is None:
                out.append(None)
                continue
            here = slice(self.starts[i], self.starts[i + 1])
            dx = np.exp(lin.log_x[i]) * (lin.rows[i] @ dt[here])
            ds = seat.scale(play.k) * (dx @ seat.payoff)
            drop = lin.drop[i]
            ds = ds if drop is None else ds + by * drop
            out.append(ds + miss if newton else ds)
        return out


@dataclass
class Row:
    """One player's part of the linearised equations."""

    log_p: FloatArray
    values: FloatArray
    moved: FloatArray
    """Change of the values that putting the outcomes' scores right would make."""
    miss: FloatArray | None
    own: FloatArray | None
    """Slope of the values in the outcomes' scores, (n, m)."""
    cross: FloatArray
    """Slope of the values in the others' joint log-play, (n, m)."""
    nudge: FloatArray | float = 0.0
    """Slope of the values in the logarithm of ``k`` at given scores, (n,)."""
