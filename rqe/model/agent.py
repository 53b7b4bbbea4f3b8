"""A player's attitude: how it prices its partners' randomness and how precisely it chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.regularizer import NegEntropy
from ..core.risk import Entropic
from ._checks import FloatArray, per_player


@dataclass(frozen=True)
class Agent:
    """One player's risk measure and regulariser.

    Parameters
    ----------
    risk : Entropic
        Its degree ``tau`` in [0, inf], in 1/payoff units.
    regularizer : NegEntropy
        Its degree ``epsilon`` in [0, inf), in payoff units.

    Raises
    ------
    ValueError
        A degree that is negative, NaN or not a single number, or an ``epsilon`` that is infinite.

    Examples
    --------
    >>> import rqe
    >>> rqe.Agent(rqe.Entropic(2.0), rqe.NegEntropy(0.2))
    Agent(risk=Entropic(tau=2.0), regularizer=NegEntropy(epsilon=0.2))
    """

    risk: Entropic
    regularizer: NegEntropy

    def __post_init__(self) -> None:
        if not isinstance(self.risk, Entropic):
            raise ValueError(f"risk must be a risk measure such as Entropic; got {self.risk!r}")
        if not isinstance(self.regularizer, NegEntropy):
            raise ValueError(
                f"regularizer must be a regulariser such as NegEntropy; got {self.regularizer!r}"
            )
        tau = _single(self.risk.tau, "tau", allow_inf=True)
        epsilon = _single(self.regularizer.epsilon, "epsilon", allow_inf=False)
        object.__setattr__(self, "risk", Entropic(tau))
        object.__setattr__(self, "regularizer", NegEntropy(epsilon))


def _single(value: Any, name: str, *, allow_inf: bool) -> float:
    if type(value) is float and 0.0 <= value < float("inf"):
        return value
    if np.shape(value) != ():
        raise ValueError(f"{name} of one agent must be a single number; got {value!r}")
    return float(per_player(value, 1, name, allow_inf=allow_inf)[0])


def make_agents(tau: Any, epsilon: Any, n_players: int) -> tuple[Agent, ...]:
    """Entropic, entropy-regularised agents from scalars or one value a player."""
    taus = per_player(tau, n_players, "tau", allow_inf=True)
    epsilons = per_player(epsilon, n_players, "epsilon", allow_inf=False)
    return tuple(
        Agent(Entropic(float(t)), NegEntropy(float(e))) for t, e in zip(taus, epsilons, strict=True)
    )


def degrees(agents: Sequence[Agent]) -> tuple[FloatArray, FloatArray]:
    """The agents' ``tau`` and ``epsilon`` as two vectors (N,)."""
    taus = np.array([a.risk.tau for a in agents], dtype=np.float64)
    epsilons = np.array([a.regularizer.epsilon for a in agents], dtype=np.float64)
    return taus, epsilons
