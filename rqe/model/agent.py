"""A player's attitude: how it prices its partners' randomness and how precisely it chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from ..core.degrees import check_degree
from ..core.regularizer import NegEntropy
from ..core.risk import Entropic, Neutral, WorstCase
from ._checks import FloatArray, per_player

FORMS = ("aggregate", "action_dependent")
"""One worst-case belief for the mixed strategy, or one for each own action."""
NEUTRAL = Neutral()
RISK_METHODS = ("certainty_equivalent", "log_belief", "penalty", "slack", "smooth")
REGULARIZER_METHODS = ("penalty", "log_response", "slack")


@dataclass(frozen=True, repr=False)
class Agent:
    """One player's risk measure and regulariser, and what they apply to.

    Parameters
    ----------
    risk : Entropic, ReverseKL, ChiSquared, TotalVariation, CVaR, WorstCase or Neutral
        How it prices the randomness of the others' play. Degrees ``tau`` are in [0, inf], in
        1/payoff units; ``alpha`` of `CVaR` is in (0, 1].
    regularizer : NegEntropy, LogBarrier or Tsallis
        Its degree ``epsilon`` is in [0, inf), in payoff units.
    form : {"aggregate", "action_dependent"}
        Whether the gamble that is priced is the mixed strategy's (one worst-case belief; SRA and
        RQE24 eqs. 3 and 4) or each own action's (one belief an action; RQE24 eqs. 5 and 6), which
        is never less cautious.
    environment : risk measure
        How it prices the randomness of transitions, in Markov games only; neutral by default.

    Raises
    ------
    ValueError
        Something that is not a risk measure, regulariser or form; a degree that is negative, NaN,
        out of range or not a single number.

    Examples
    --------
    >>> import rqe
    >>> rqe.Agent(rqe.Entropic(2.0), rqe.NegEntropy(0.2))
    Agent(risk=Entropic(tau=2.0), regularizer=NegEntropy(epsilon=0.2))
    >>> rqe.Agent(rqe.Entropic(2.0), rqe.NegEntropy(0.2), form="action_dependent")
    Agent(risk=Entropic(tau=2.0), regularizer=NegEntropy(epsilon=0.2), form='action_dependent')
    """

    risk: Any
    regularizer: Any
    form: str = "aggregate"
    environment: Any = NEUTRAL

    def __post_init__(self) -> None:
        for name in ("risk", "environment"):
            value = getattr(self, name)
            if not _has(value, RISK_METHODS):
                raise ValueError(f"{name} must be a risk measure such as Entropic; got {value!r}")
            object.__setattr__(self, name, _single(value))
        if not _has(self.regularizer, REGULARIZER_METHODS):
            raise ValueError(
                f"regularizer must be a regulariser such as NegEntropy; got {self.regularizer!r}"
            )
        object.__setattr__(self, "regularizer", _single(self.regularizer))
        if not isinstance(self.form, str) or self.form not in FORMS:
            raise ValueError(
                f"form must be one of {', '.join(map(repr, FORMS))}; got {self.form!r}"
            )

    def __repr__(self) -> str:
        words = [f"risk={self.risk!r}", f"regularizer={self.regularizer!r}"]
        if self.form != "aggregate":
            words.append(f"form={self.form!r}")
        if self.environment != NEUTRAL:
            words.append(f"environment={self.environment!r}")
        return f"Agent({', '.join(words)})"


def _has(value: Any, methods: Sequence[str]) -> bool:
    known = all(hasattr(value, name) for name in methods)
    return known and is_dataclass(value) and not isinstance(value, type)


def _single(value: Any) -> Any:
    """The same measure or regulariser with its degrees as plain floats, checked."""
    degrees = {f.name: getattr(value, f.name) for f in fields(value)}
    if all(type(v) is float for v in degrees.values()):
        for name, v in degrees.items():
            check_degree(name, v)
        return value
    return replace(value, **{k: _degree(v, k) for k, v in degrees.items()}) if degrees else value


def _degree(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} of one agent must be a single number; got {value!r}") from None
    check_degree(name, number)
    return number


def make_agents(tau: Any, epsilon: Any, n_players: int) -> tuple[Agent, ...]:
    """Entropic, entropy-regularised agents from scalars or one value a player."""
    taus = per_player(tau, n_players, "tau", allow_inf=True)
    epsilons = per_player(epsilon, n_players, "epsilon", allow_inf=False)
    kinds: dict[tuple[float, float], Agent] = {}
    pairs = list(zip(taus.tolist(), epsilons.tolist(), strict=True))
    for t, e in pairs:
        if (t, e) not in kinds:  # most often all players are alike
            kinds[t, e] = Agent(Entropic(t), NegEntropy(e))
    return tuple(kinds[pair] for pair in pairs)


def is_neutral(measure: Any) -> bool:
    """Whether a risk measure is the mean: `Neutral`, or another at the degree where it is."""
    at_zero, at_one = getattr(measure, "tau", None) == 0.0, getattr(measure, "alpha", None) == 1.0
    return isinstance(measure, Neutral) or at_zero or at_one


def is_logit(agent: Agent) -> bool:
    """Whether the agent is entropic and entropy-regularised: the player of SRA eqs. 1 and 2.

    Neutrality and the worst case are its limits in ``tau``, and without risk aversion the two
    forms are one.
    """
    tau = _tau(agent)
    return (
        tau is not None
        and isinstance(agent.regularizer, NegEntropy)
        and (agent.form == "aggregate" or tau == 0.0)
    )


def _tau(agent: Agent) -> float | None:
    """Degree of an entropic risk measure or of one of its limits; None for other measures."""
    if isinstance(agent.risk, Entropic):
        return float(agent.risk.tau)
    if isinstance(agent.risk, Neutral):
        return 0.0
    return float("inf") if isinstance(agent.risk, WorstCase) else None


def degrees(agents: Sequence[Agent]) -> tuple[FloatArray, FloatArray]:
    """``tau`` and ``epsilon`` of entropic, entropy-regularised agents, as two vectors (N,).

    Raises
    ------
    ValueError
        Another agent.
    """
    for i, agent in enumerate(agents):
        if not is_logit(agent):
            raise ValueError(
                f"agents[{i}] must have an Entropic, Neutral or WorstCase risk of aggregate form "
                f"and a NegEntropy regulariser here; got {agent!r}"
            )
    taus = np.array([_tau(a) for a in agents], dtype=np.float64)
    epsilons = np.array([a.regularizer.epsilon for a in agents], dtype=np.float64)
    return taus, epsilons
