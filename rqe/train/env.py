"""Environments: what the trainer asks of one, a check that names what is wrong, frozen seats."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

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


def masked(env: Any) -> bool:
    """Whether an environment says which actions are legal.

    Parameters
    ----------
    env : Environment

    Returns
    -------
    bool
        False without a method ``get_avail_actions``, or with one that is not implemented, as
        JaxMARL's environments without masks have.
    """
    if not hasattr(env, "get_avail_actions"):
        return False
    try:
        jax.eval_shape(lambda key: env.get_avail_actions(env.reset(key)[1]), jax.random.key(0))
    except NotImplementedError:
        return False
    return True


class AutoReset(ABC):
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


class Played(NamedTuple):
    """State of an environment with frozen seats."""

    state: Tree
    """Of the environment itself."""
    seen: Dict
    """What the frozen seats observe."""


class Frozen:
    """An environment in which given policies play some of the seats; the others are its agents.

    Parameters
    ----------
    env : Environment
    policies : dict of str to function (key, obs, mask) -> action
        By agent; ``mask`` is the agent's legal actions, or None where all are legal.

    Raises
    ------
    ValueError
        An agent that the environment does not have, a policy that cannot be called, or no seat
        left to play.

    Notes
    -----
    ``info`` is the environment's own, with what it says of the frozen seats.

    Examples
    --------
    A partner who defects:

    >>> import jax, games
    >>> from rqe import train
    >>> env = train.NormalFormEnvironment(games.free_riding())
    >>> alone = train.Frozen(env, {"2": lambda key, obs, mask: 1})
    >>> alone.agents
    ['1']
    >>> obs, state = alone.reset(jax.random.key(0))
    >>> _, _, rewards, _, _ = alone.step(jax.random.key(1), state, {"1": 1})
    >>> rewards["1"].tolist()
    0.0
    """

    def __init__(self, env: Any, policies: Mapping[str, Seat]) -> None:
        for agent, policy in policies.items():
            if agent not in env.agents:
                raise ValueError(
                    f"policies must be for agents of the environment, {env.agents}; got {agent!r}"
                )
            if not callable(policy):
                raise ValueError(
                    f"policies[{agent!r}] must be a function (key, obs, mask) -> action; got "
                    f"{policy!r}"
                )
        self.env, self.policies = env, dict(policies)
        self.agents: list[str] = [a for a in env.agents if a not in policies]
        if not self.agents:
            raise ValueError(f"policies must leave a seat to play; got all of {env.agents}")
        self.masked = masked(env)
        if self.masked:
            self.get_avail_actions = self._legal

    @property
    def name(self) -> str:
        """The environment's."""
        return str(self.env.name)

    @property
    def num_agents(self) -> int:
        """How many seats are left to play."""
        return len(self.agents)

    def observation_space(self, agent: str) -> Any:
        """The environment's."""
        return self.env.observation_space(agent)

    def action_space(self, agent: str) -> Any:
        """The environment's."""
        return self.env.action_space(agent)

    def reset(self, key: Key) -> tuple[Dict, Played]:
        """Observations of the seats left, and state, at the start of an episode."""
        obs, state = self.env.reset(key)
        return self._mine(obs), Played(state, {a: obs[a] for a in self.policies})

    def step(self, key: Key, state: Played, actions: Dict) -> Step:
        """A step of the environment, with the frozen seats' actions."""
        return self._step(self.env.step, key, state, actions)

    def step_env(self, key: Key, state: Played, actions: Dict) -> Step:
        """As `step`, without the new start after the last step."""
        return self._step(self.env.step_env, key, state, actions)

    def _step(self, step: Any, key: Key, state: Played, actions: Dict) -> Step:
        key, *draws = jax.random.split(key, 1 + len(self.policies))
        legal = self.env.get_avail_actions(state.state) if self.masked else {}
        played = {
            agent: policy(draw, state.seen[agent], legal.get(agent))
            for draw, (agent, policy) in zip(draws, self.policies.items(), strict=True)
        }
        # in the environment's own order, which some environments rely on
        joint = {a: played[a] if a in played else actions[a] for a in self.env.agents}
        obs, inner, rewards, dones, info = step(key, state.state, joint)
        after = Played(inner, {a: obs[a] for a in self.policies})
        dones = self._mine(dones) | {"__all__": dones["__all__"]}
        return self._mine(obs), after, self._mine(rewards), dones, info

    def _legal(self, state: Played) -> Dict:
        return self._mine(self.env.get_avail_actions(state.state))

    def _mine(self, values: Dict) -> Dict:
        return {a: values[a] for a in self.agents}
