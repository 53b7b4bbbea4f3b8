"""Environments: what the trainer asks of one, a check that names what is wrong, frozen seats."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from .arrays import Array, Key, Tree

Dict = dict[str, Array]
"""An array for each agent."""
Step = tuple[Dict, Tree, Dict, Dict, dict[str, Any]]
"""Observations, state, rewards, dones and info after a step."""
Seat = Callable[[Key, Array, Array | None], Array]
"""A policy of one seat: key, observation and mask (None where all is legal) to an action."""


@runtime_checkable
class Environment(Protocol):
    """What the trainer asks of an environment: the interface of JaxMARL's.

    Everything is pure, and can be jitted and mapped; a state is any pytree of arrays. Agents may
    have unequal spaces; rewards are each agent's own. An environment with actions that are not
    always legal has a method ``get_avail_actions(state)`` besides: for each agent an array (n,)
    that is true where an action is legal.
    """

    name: str

    @property
    def agents(self) -> list[str]:
        """The agents, by seat."""

    @property
    def num_agents(self) -> int:
        """How many agents there are."""

    def reset(self, key: Key) -> tuple[Dict, Tree]:
        """Observations and state at the start of an episode."""

    def step(self, key: Key, state: Tree, actions: Dict) -> Step:
        """Observations, state, rewards, dones and info after a step.

        ``dones`` has an entry ``"__all__"``; where it is true, the observations and the state are
        those of a new episode's start.
        """

    def observation_space(self, agent: str) -> Any:
        """An agent's observations: a space with a ``shape``."""

    def action_space(self, agent: str) -> Any:
        """An agent's actions: a space with a number ``n``."""


class AutoReset:
    """Base of environments: from ``reset`` and ``step_env`` a ``step`` that starts anew at the end.

    A subclass has ``agents``, ``reset(key)`` and ``step_env(key, state, actions)``.
    """

    agents: Any

    @property
    def num_agents(self) -> int:
        """How many agents there are."""
        return len(self.agents)

    @abstractmethod
    def reset(self, key: Key) -> tuple[Dict, Tree]:
        """Observations and state at the start of an episode."""

    @abstractmethod
    def step_env(self, key: Key, state: Tree, actions: Dict) -> Step:
        """As `step`, without the new start."""

    def step(self, key: Key, state: Tree, actions: Dict) -> Step:
        """Observations, state, rewards, dones and info; a new episode's start after the last step.

        Parameters
        ----------
        key : key
        state : pytree
        actions : dict of str to int array ()

        Returns
        -------
        obs, state, rewards, dones, info
        """
        here, anew = jax.random.split(key)
        obs, state, rewards, dones, info = self.step_env(here, state, actions)
        start = self.reset(anew)
        over = dones["__all__"]
        obs, state = jax.tree.map(lambda a, b: jnp.where(over, a, b), start, (obs, state))
        return obs, state, rewards, dones, info
