r"""When is there one RQE for every game, that no-regret learning finds? (RQE24 Thms 3, 6 to 8.)

Weigh the moves of player i and of its adversary by :math:`w_i > 0`. The payoffs cancel from the
symmetric part of the 2N-player game's derivative, so that monotonicity is a matter of penalties
alone. Minimised over the beliefs' moves and over all points, what is left is

.. math:: \sum_j w_j \kappa_j t_j^2 - \sum_i \frac{w_i}{4\tau_i} F_i(t),

where :math:`t_j^2` measures player j's move, :math:`\kappa_j` is the least curvature of its
regulariser, and :math:`F_i = (\sum_{j \ne i} t_j)^2` for entropic risk,
:math:`\sum_{j \ne i} t_j^2` for reverse KL. Some weights keep this from being negative exactly
where no :math:`t \ge 0` has :math:`4 \kappa_i \tau_i t_i^2 < F_i(t)` for all i at once; and where
one has, there is a game of two actions a player with several RQE. The proofs are in
`rqe.analysis.theorems`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.regularizer import LogBarrier, NegEntropy, Tsallis
from ..core.risk import ChiSquared, Entropic, Neutral, ReverseKL
from ..model._checks import FloatArray
from ..model.agent import Agent

OUTCOMES = ("proved", "refuted", "unknown")
ROUNDS = 500
"""Steps of the power iteration, which contracts quickly: its map is homogeneous and monotone."""


@dataclass(frozen=True)
class Tractability:
    """Whether the players' attitudes alone, whatever the payoffs, make equilibrium tractable.

    Truthy only where a theorem says yes.

    Attributes
    ----------
    outcome : {"proved", "refuted", "unknown"}
        ``proved``: in every game there is one RQE and the learning game is strictly monotone.
        ``refuted``: some game of two actions a player has several RQE. ``unknown``: no theorem
        decides.
    value : float
        What the theorem compares; NaN where it has nothing to compare.
    threshold : float
        With what. ``value`` must be at least it for two players (a product of degrees), at most it
        otherwise.
    sharp : bool
        Whether the threshold is the exact border of the two other outcomes.
    weights : tuple of float
        Player weights under which the learning game is monotone, adding up to 1; empty if none
        were proved.
    theorem : str
        The condition, with its numbers.
    implies : str
        What follows.
    """

    outcome: str
    value: float
    threshold: float
    sharp: bool
    weights: tuple[float, ...]
    theorem: str
    implies: str

    def __bool__(self) -> bool:
        return self.outcome == "proved"

    def __str__(self) -> str:
        return f"{self.outcome}: {self.theorem}. {self.implies}"


IMPLIES = {
    "proved": (
        "In every game with these players there is one RQE, and mirror descent in continuous time "
        "comes closer to it at every moment (a weighted divergence falls)"
    ),
    "refuted": "Some game with these players, two actions each, has several RQE",
    "unknown": "Nothing is claimed",
}


def is_tractable(agents: Sequence[Agent], *, shape: Sequence[int] | None = None) -> Tractability:
    r"""Whether attitudes alone make equilibrium unique and learnable, by a named theorem.

    With :math:`\kappa = \epsilon` for `NegEntropy`, :math:`2\epsilon` for `LogBarrier` and
    :math:`q\,2^{1-q}\epsilon` for `Tsallis` of order `q`, and :math:`\beta_i = 4\kappa_i\tau_i`:

    * `Entropic` risk, log-barriers: :math:`\sum_i 1/(1 + \sqrt{\beta_i}) \le 1`; for two players
      :math:`\epsilon_1\epsilon_2\tau_1\tau_2 \ge 1/64`.
    * `ReverseKL` risk, any of them (`q` at most 1): :math:`\sum_i 1/(1 + \beta_i) \le 1`; for two
      players with entropies :math:`\epsilon_1\epsilon_2\tau_1\tau_2 \ge 1/16`.
    * Mixtures of these: the spectral radius of a monotone map is at most 1.

    Each is sharp: beyond it some game of two actions a player has several RQE. Entropic risk beside
    an entropy, and chi-square risk, are monotone at no degree, so that no theorem says yes there;
    below a threshold of the same kind they are refuted.

    Parameters
    ----------
    agents : sequence of Agent
        One a player, of any attitudes.
    shape : sequence of int, optional
        Numbers of actions. Players with a single action do not count; a refutation needs two
        actions a player.

    Returns
    -------
    Tractability
        Truthy where proved.

    Raises
    ------
    ValueError
        ``agents`` are not agents, or ``shape`` does not fit them.

    Examples
    --------
    >>> import rqe
    >>> careful = rqe.Agent(rqe.Entropic(1.0), rqe.LogBarrier(0.2))
    >>> found = rqe.is_tractable([careful, careful])
    >>> bool(found), found.outcome, round(found.value, 6), found.threshold, found.sharp
    (True, 'proved', 0.04, 0.015625, True)
    >>> rqe.is_tractable([rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(0.9))] * 2).outcome
    'unknown'
    """
    people = _checked(agents, shape)
    if shape is not None:
        people = [a for a, n in zip(people, shape, strict=True) if n > 1]
    if len(people) < 2:
        return _answer("proved", np.nan, np.nan, True, np.ones(len(people)), "one player decides")
    obstacle = next((w for w in map(_unmodelled, people) if w), "")
    if obstacle:
        return _answer("unknown", np.nan, np.nan, False, np.empty(0), f"no theorem for {obstacle}")
    radius, t = spectral_radius(people)
    gap = _gap(people)
    value, threshold, words = _compare(people, radius)
    if _holds(people, radius):
        if gap:
            return _answer("unknown", value, threshold, False, np.empty(0), gap)
        return _answer("proved", value, threshold, True, _weights(people, t), words)
    return _answer("refuted", value, threshold, not gap, np.empty(0), words)


def _checked(agents: Any, shape: Sequence[int] | None) -> list[Agent]:
    people = list(agents)
    if not people or not all(isinstance(a, Agent) for a in people):
        raise ValueError(f"agents must be one Agent a player; got {agents!r}")
    if shape is not None and (len(shape) != len(people) or any(n < 1 for n in shape)):
        raise ValueError(
            f"shape must hold a number of actions >= 1 for each of {len(people)} agents; got "
            f"{shape!r}"
        )
    return people


def _unmodelled(agent: Agent) -> str:
    """What no theorem here covers, in words; empty if nothing."""
    if agent.form != "aggregate":
        return "action-dependent risk"
    if not isinstance(agent.risk, (Entropic, ReverseKL, ChiSquared, Neutral)):
        return f"{type(agent.risk).__name__} risk"
    if np.isinf(_tau(agent)):
        return "tau = inf, whose worst-case belief is not unique"
    if not isinstance(agent.regularizer, (NegEntropy, LogBarrier, Tsallis)):
        return f"{type(agent.regularizer).__name__}"
    return "" if agent.regularizer.epsilon > 0.0 else "epsilon = 0"


def _tau(agent: Agent) -> float:
    return float(getattr(agent.risk, "tau", 0.0))  # Neutral has none


def _curvature(agent: Agent) -> float:
    """Least curvature ``κ`` in the metric ``Σ h²/x``; exact at two even actions for all."""
    rule = agent.regularizer
    if isinstance(rule, LogBarrier):
        return 2.0 * float(rule.epsilon)
    order = float(getattr(rule, "q", 1.0))
    return float(order * 2.0 ** (1.0 - order) * rule.epsilon)


def _gap(people: Sequence[Agent]) -> str:
    """Why the learning game is not monotone at any degree, in words; empty where it can be."""
    for i, agent in enumerate(people):
        order = float(getattr(agent.regularizer, "q", 1.0))
        others = [a for j, a in enumerate(people) if j != i]
        if isinstance(agent.risk, ChiSquared):
            return "no theorem: chi-square risk is not monotone at any degree"
        if order > 1.0:
            return f"no theorem: a Tsallis entropy of order {order:g} > 1 is not monotone"
        barrier = all(isinstance(a.regularizer, LogBarrier) for a in others)
        if isinstance(agent.risk, Entropic) and agent.risk.tau > 0.0 and not barrier:
            return (
                "no theorem: entropic risk is monotone at no degree beside a regulariser other "
                "than the log-barrier"
            )
    return ""


def _demand(agent: Agent, t: FloatArray, i: int) -> float:
    """``F_i(t)``: what adversary i asks of the others' curvatures."""
    rest = np.delete(t, i)
    return float(rest.sum() ** 2 if isinstance(agent.risk, Entropic) else (rest**2).sum())


def _needs(people: Sequence[Agent]) -> FloatArray:
    """``β_i = 4 κ_i τ_i``; chi-square counts half its degree."""
    return np.array([_unit(a) * _tau(a) * float(a.regularizer.epsilon) for a in people])


def _unit(agent: Agent) -> float:
    """``β / (τ ε)``."""
    shape = 2.0 if isinstance(agent.risk, ChiSquared) else 4.0
    return shape * _curvature(agent) / float(agent.regularizer.epsilon)


def spectral_radius(people: Sequence[Agent]) -> tuple[float, FloatArray]:
    """Spectral radius of ``t_i -> sqrt(F_i(t)/β_i)``, and its positive eigenvector.

    Infinite where some player is neutral. The map is monotone and homogeneous of degree one, so
    that the largest and smallest of its ratios bracket the radius at any positive ``t``.
    """
    beta, t = _needs(people), np.ones(len(people))
    if np.any(beta == 0.0):
        return np.inf, t
    for _ in range(ROUNDS):
        image = np.sqrt([_demand(a, t, i) / beta[i] for i, a in enumerate(people)])
        ratios = image / t
        if ratios.max() - ratios.min() <= 1e-15 * ratios.max():
            break
        t = np.sqrt(t * image)  # the geometric mean keeps two players from alternating
        t = t / t.max()
    return float(np.sqrt(ratios.max() * ratios.min())), t


def _holds(people: Sequence[Agent], radius: float) -> bool:
    """The condition itself: in closed form where there is one, so that its border is exact."""
    value, threshold, _ = _compare(people, radius)
    return bool(value >= threshold if len(people) == 2 else value <= threshold)


def _compare(people: Sequence[Agent], radius: float) -> tuple[float, float, str]:
    """Value, threshold and the condition in words."""
    beta = _needs(people)
    if len(people) == 2:
        value = float(np.prod([(_tau(a), float(a.regularizer.epsilon)) for a in people]))
        threshold = 1.0 / float(np.prod([_unit(a) for a in people]))
        words = "epsilon_1 epsilon_2 tau_1 tau_2"
        sign = ">=" if value >= threshold else "<"
        return value, threshold, f"{words} = {value:.6g} {sign} {threshold:.6g}"
    entropic = [isinstance(a.risk, Entropic) for a in people]
    if all(entropic):
        value, words = float(np.sum(1.0 / (1.0 + np.sqrt(beta)))), "sum 1/(1 + sqrt(4 kappa tau))"
    elif not any(entropic):
        value, words = float(np.sum(1.0 / (1.0 + beta))), "sum 1/(1 + 4 kappa tau)"
    else:
        value, words = radius, "the spectral radius of t_i -> sqrt(F_i(t)/(4 kappa_i tau_i))"
    return value, 1.0, f"{words} = {value:.6g} {'<=' if value <= 1.0 else '>'} 1"


def _weights(people: Sequence[Agent], t: FloatArray) -> FloatArray:
    """Weights whose form has ``t`` as its only null direction at the border: a Perron vector."""
    n = len(people)
    system = np.zeros((n, n))
    for i, agent in enumerate(people):
        rest = t.sum() - t[i]
        for j in range(n):
            if j != i:
                push = rest if isinstance(agent.risk, Entropic) else t[j]
                system[j, i] = push / (4.0 * _tau(agent) * _curvature(people[j]) * t[j])
    values, vectors = np.linalg.eig(system)
    found = np.abs(np.real(vectors[:, np.argmax(np.real(values))]))
    return np.asarray(found / found.sum())


def _answer(
    outcome: str, value: float, threshold: float, sharp: bool, weights: FloatArray, theorem: str
) -> Tractability:
    total = weights.sum()
    shares = tuple(float(w / total) for w in weights) if len(weights) else ()
    return Tractability(
        outcome, float(value), float(threshold), sharp, shares, theorem, IMPLIES[outcome]
    )
