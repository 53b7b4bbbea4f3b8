"""Settings of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .algorithms import Algorithm, Plan
from .rollout import Seats


@dataclass(frozen=True)
class Config:
    """Settings of a training run; by default those of SRA's gridworld.

    Raises
    ------
    ValueError
        A setting out of range.

    Examples
    --------
    >>> import games.overcooked
    >>> from rqe import train
    >>> config = train.Config(games.overcooked.Gridworld(), train.SRPO(tau=10.0))
    >>> config.updates, config.interactions
    (976, 1998848)
    """

    env: Any
    """The environment; see `rqe.train.Environment`."""
    algorithm: Algorithm
    """Who plays whom: `IPPO`, `SRPO` and others."""
    epsilon: float | tuple[float, ...] = 0.1
    """Bounded rationality, the weight of the agents' entropy, in reward units: ``>= 0``, one number
    or one an agent. Adversaries have none."""
    final_epsilon: float | None = None
    """Everyone's at the end of the run, to which it moves by equal factors; None if it stays."""
    steps: int = 2_000_000
    """Environment steps of the run, over all phases together: the same budget for every
    algorithm. Rounded down to whole updates."""
    n_envs: int = 8
    """Environments of a phase, in lockstep."""
    n_steps: int = 128
    """Steps of each environment in an update."""
    reset: bool = True
    """Whether all environments start anew with every update."""
    learning_rate: float = 6e-4
    """Adam's."""
    anneal: bool = False
    """Whether the learning rate falls to zero, linearly over the run."""
    epochs: int = 4
    """Passes over the samples of an update."""
    minibatches: int = 1
    """Parts that each pass is cut into."""
    clip: float = 0.2
    """PPO's bound on the relative change of a probability."""
    discount: float = 0.99
    """Discount factor, in [0, 1]."""
    gae_lambda: float = 0.95
    """Weight of longer horizons in advantages, in [0, 1]."""
    value_coefficient: float = 0.5
    """Weight of the critic's mean square error."""
    normalize_advantages: bool = False
    """Whether advantages get mean 0 and variance 1 in every update."""
    max_grad_norm: float | None = None
    """Bound on a learner's gradient, or none."""
    penalty: str = "loss"
    """Where entropy and the adversary's penalty count: in the "loss" alone, of the states that are
    visited, as PPO implementations have it; or also in the "reward", so that returns foresee them
    and the gradient is that of the regularised value (SRA appendix C)."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the hidden layers of actors and critics."""
    rows: tuple[int, ...] = (256, 320, 384, 448, 576)
    """Sizes of the table of distinct observations that networks are compiled for."""

    def __post_init__(self) -> None:
        for name in ("steps", "n_envs", "n_steps", "epochs", "minibatches"):
            value = getattr(self, name)
            if not (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
                raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}")
        for name in ("discount", "gae_lambda"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1]; got {getattr(self, name)!r}")
        for name in ("learning_rate", "clip"):
            if not 0.0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be positive; got {getattr(self, name)!r}")
        if not 0.0 <= self.value_coefficient < float("inf"):
            raise ValueError(f"value_coefficient must be >= 0; got {self.value_coefficient!r}")
        if self.max_grad_norm is not None and not self.max_grad_norm > 0.0:
            raise ValueError(f"max_grad_norm must be positive or None; got {self.max_grad_norm!r}")
        if self.penalty not in ("loss", "reward"):
            raise ValueError(f"penalty must be 'loss' or 'reward'; got {self.penalty!r}")
        if (self.n_envs * self.n_steps) % self.minibatches:
            raise ValueError(
                f"minibatches must divide the {self.n_envs * self.n_steps} samples of a phase; "
                f"got {self.minibatches}"
            )
        n = len(self.env.agents)
        if self.final_epsilon is not None and not (
            0.0 < self.final_epsilon < float("inf") and all(e > 0.0 for e in self.epsilons(n))
        ):
            raise ValueError(
                f"final_epsilon must be positive and finite, as epsilon is then; got "
                f"{self.final_epsilon!r} with epsilon={self.epsilon!r}"
            )
        if any(not 0.0 <= e < float("inf") for e in self.epsilons(n)):
            raise ValueError(f"epsilon must be >= 0 and finite; got {self.epsilon!r}")
        if self.steps < self.interactions_per_update:
            raise ValueError(
                f"steps must be at least the {self.interactions_per_update} of one update; got "
                f"{self.steps}"
            )
        Seats(self.env)

    def epsilons(self, n: int) -> tuple[float, ...]:
        """One for each of n seats."""
        if isinstance(self.epsilon, (int, float)):
            return (float(self.epsilon),) * n
        if len(self.epsilon) != n:
            raise ValueError(
                f"epsilon must be one number or {n}, one an agent; got {self.epsilon!r}"
            )
        return tuple(float(e) for e in self.epsilon)

    def epsilons_at(self, progress: Any, n: int) -> tuple[Any, ...]:
        """The same after a part of the run, in [0, 1]."""
        if self.final_epsilon is None:
            return self.epsilons(n)
        return tuple(e * (self.final_epsilon / e) ** progress for e in self.epsilons(n))

    @property
    def plan(self) -> Plan:
        """The algorithm's plan for this environment."""
        return self.algorithm.plan(len(self.env.agents))

    @property
    def interactions_per_update(self) -> int:
        """Environment steps of one update, all phases together."""
        return self.n_envs * self.n_steps * len(self.plan.phases)

    @property
    def updates(self) -> int:
        """Whole updates that the steps are enough for."""
        return self.steps // self.interactions_per_update

    @property
    def interactions(self) -> int:
        """Environment steps that the run takes."""
        return self.updates * self.interactions_per_update

    @property
    def gradient_steps(self) -> int:
        """Steps of every optimiser in the run."""
        return self.updates * self.epochs * self.minibatches
