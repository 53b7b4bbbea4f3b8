"""Environments as PettingZoo's `ParallelEnv`, for tools that know that interface."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ..model._checks import whole
from ..result.status import MissingExtraError
from .arrays import Array
from .env import masked


def parallel_env(env: Any, seed: int = 0, max_steps: int | None = None) -> Any:
    """An environment as PettingZoo's ``ParallelEnv``.

    Parameters
    ----------
    env : Environment
        With a method ``step_env``, a step without a new start after the last.
    seed : int
        Of the first reset without a seed of its own; later ones go on with the same random numbers.
    max_steps : int, optional
        Where episodes are cut off: ``truncated``. An episode that ends by itself is ``terminated``.

    Returns
    -------
    pettingzoo.ParallelEnv
        ``infos`` hold an agent's ``action_mask`` where the environment has masks, and each of the
        entries of the environment's info that have a value for every agent. ``unwrapped.env`` is
        the environment.

    Raises
    ------
    MissingExtraError
        PettingZoo is not installed.
    ValueError
        An environment without ``step_env``, or with spaces that PettingZoo has no like for.

    Examples
    --------
    >>> import games.overcooked
    >>> env = parallel_env(games.overcooked.Gridworld())
    >>> observations, infos = env.reset(seed=1)
    >>> observations, rewards, terminated, truncated, infos = env.step(
    ...     {"agent_0": 1, "agent_1": 4}
    ... )
    >>> round(rewards["agent_0"], 6), infos["agent_0"]["moves"]
    (-0.2, 1.0)
    """
    try:
        from gymnasium import spaces
        from pettingzoo import ParallelEnv
    except ModuleNotFoundError as error:
        if error.name not in ("pettingzoo", "gymnasium"):
            raise
        raise MissingExtraError("pettingzoo", "pettingzoo") from None
    if not hasattr(env, "step_env"):
        raise ValueError(
            f"env must have 'step_env', a step without a reset; {type(env).__name__} has none"
        )
    whole(seed, "seed", 0)
    if max_steps is not None:
        whole(max_steps, "max_steps")
    view: Any = type("ParallelView", (_View, ParallelEnv), {})
    return view(env, seed, max_steps, spaces)


class _View:
    """The methods of a `ParallelEnv`, one episode at a time."""

    render_mode = None

    def __init__(self, env: Any, seed: int, max_steps: int | None, spaces: Any) -> None:
        self.env, self.max_steps = env, max_steps
        self.possible_agents = list(env.agents)
        self.agents: list[str] = []
        self.metadata = {"name": str(env.name), "render_modes": [], "is_parallelizable": True}
        self.observation_spaces = {
            a: _like(env.observation_space(a), spaces) for a in self.possible_agents
        }
        self.action_spaces = {a: _like(env.action_space(a), spaces) for a in self.possible_agents}
        self._legal = jax.jit(env.get_avail_actions) if masked(env) else None
        self._reset, self._step = jax.jit(env.reset), jax.jit(env.step_env)
        self._key = jax.random.key(seed)
        self._state: Any = None
        self._steps = 0

    def observation_space(self, agent: str) -> Any:
        """Always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        """Always the same object."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Observations and infos at the start of an episode; ``options`` has no use."""
        if seed is not None:
            self._key = jax.random.key(seed)
        obs, self._state = self._reset(self._draw())
        self._steps = 0
        self.agents = list(self.possible_agents)
        return self._seen(obs), self._infos({})

    def step(self, actions: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        """Observations, rewards, terminated, truncated and infos of the agents still in play."""
        if self._state is None:
            raise ValueError("step must come after reset")
        joint = {}
        for agent in self.possible_agents:
            space = self.action_spaces[agent]
            if agent not in self.agents:
                # out of play, but the environment wants an action of everyone
                joint[agent] = space.dtype.type(0)
                continue
            if agent not in actions or not space.contains(actions[agent]):
                raise ValueError(
                    f"actions[{agent!r}] must be in {space}; got {actions.get(agent)!r}"
                )
            joint[agent] = space.dtype.type(actions[agent])
        if not self.agents:
            return {}, {}, {}, {}, {}
        obs, self._state, rewards, dones, info = self._step(self._draw(), self._state, joint)
        self._steps += 1
        over = bool(dones["__all__"])
        cut = self.max_steps is not None and self._steps >= self.max_steps
        playing = self.agents
        terminated = {a: over or bool(dones[a]) for a in playing}
        truncated = {a: cut and not terminated[a] for a in playing}
        found = (
            self._seen(obs),
            {a: float(rewards[a]) for a in playing},
            terminated,
            truncated,
            self._infos(info),
        )
        self.agents = [a for a in playing if not (terminated[a] or truncated[a])]
        return found

    def _draw(self) -> Array:
        self._key, key = jax.random.split(self._key)
        return key

    def _seen(self, obs: dict[str, Array]) -> dict[str, Any]:
        # a copy, since callers of PettingZoo may write into what they get
        return {
            a: np.array(obs[a], dtype=self.observation_spaces[a].dtype)
            if self.observation_spaces[a].shape
            else self.observation_spaces[a].dtype.type(obs[a])
            for a in self.agents
        }

    def _infos(self, info: dict[str, Any]) -> dict[str, dict[str, Any]]:
        infos: dict[str, dict[str, Any]] = {a: {} for a in self.agents}
        count = len(self.possible_agents)
        for name, values in info.items():
            by_agent = values if isinstance(values, dict) else None
            if by_agent is None and np.shape(values) == (count,):
                by_agent = dict(zip(self.possible_agents, np.asarray(values).tolist(), strict=True))
            for agent in self.agents:
                if by_agent is not None and agent in by_agent:
                    infos[agent][name] = by_agent[agent]
        if self._legal is not None:
            legal = self._legal(self._state)
            for agent in self.agents:
                infos[agent]["action_mask"] = np.asarray(legal[agent]).astype(np.int8)
        return infos


def _like(space: Any, spaces: Any) -> Any:
    """Gymnasium's space for one of ours, or of JaxMARL's."""
    if hasattr(space, "n"):
        return spaces.Discrete(int(space.n))
    if not (hasattr(space, "low") and hasattr(space, "high")):
        raise ValueError(f"env must have spaces like Discrete and Box; got {space!r}")
    dtype = np.dtype(space.dtype)
    low, high = (
        np.broadcast_to(np.asarray(b), space.shape).astype(dtype) for b in (space.low, space.high)
    )
    return spaces.Box(low, high, tuple(space.shape), dtype.type)
