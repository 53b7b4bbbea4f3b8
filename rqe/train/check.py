"""A check that an environment is what the trainer expects, naming what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .arrays import Key
from .env import masked

STEPS = 8
"""Random steps that are tried."""


def check_environment(env: Any, key: Key | None = None) -> None:
    """Try an environment: its agents and spaces, a reset and some random steps.

    Parameters
    ----------
    env : Environment
    key : key, optional
        For the random steps; ``jax.random.key(0)`` by default.

    Raises
    ------
    ValueError
        Naming what is wrong: a missing method, agents that are not distinct names, an action space
        that is not discrete, a missing agent in a dictionary, an observation outside its space, a
        mask of the wrong size or without a legal action, a reward or done that is not one number,
        a state whose shape a step changes, something that cannot be traced by JAX.

    Examples
    --------
    >>> import games.overcooked
    >>> check_environment(games.overcooked.Gridworld())
    """
    sizes = _seats(env)
    key = jax.random.key(0) if key is None else key
    start, chooser, *draws = jax.random.split(key, 2 + STEPS)
    random = np.random.default_rng(int(jax.random.bits(chooser)))
    obs, state = _parts(_traced(env.reset, "reset")(start), 2, "reset", "(obs, state)")
    _observations(env, obs, "reset")
    masks = _traced(env.get_avail_actions, "get_avail_actions") if masked(env) else None
    first = (obs, state)
    step = _traced(env.step, "step")
    for draw in draws:
        actions = _actions(sizes, None if masks is None else masks(state), random)
        found = _parts(step(draw, state, actions), 5, "step", "(obs, state, rewards, dones, info)")
        obs, state, rewards, dones, info = found
        _observations(env, obs, "step")
        _same_shapes(first, (obs, state))
        _one_number(rewards, env.agents, "rewards")
        _one_number(dones, [*env.agents, "__all__"], "dones")
        if not isinstance(info, Mapping):
            raise ValueError(f"info of step must be a dict; got {type(info).__name__}")


def _seats(env: Any) -> dict[str, int]:
    """Number of actions of each agent."""
    for name in (
        "name", "agents", "num_agents", "reset", "step", "observation_space", "action_space",
    ):  # fmt: skip
        if not hasattr(env, name):
            raise ValueError(f"env must have {name!r}; {type(env).__name__} has none")
    agents = list(env.agents)
    if not agents or len(set(agents)) != len(agents) or "__all__" in agents:
        raise ValueError(
            f"env.agents must be distinct names, none of them '__all__'; got {agents!r}"
        )
    if env.num_agents != len(agents):
        raise ValueError(
            f"env.num_agents must be {len(agents)}, the number of env.agents; got "
            f"{env.num_agents!r}"
        )
    sizes = {}
    for agent in agents:
        space = env.action_space(agent)
        size = getattr(space, "n", None)
        if not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(
                f"action_space({agent!r}) must be discrete, with n >= 1 actions; got {space!r}"
            )
        sizes[agent] = int(size)
        if not hasattr(env.observation_space(agent), "shape"):
            raise ValueError(
                f"observation_space({agent!r}) must have a shape; got "
                f"{env.observation_space(agent)!r}"
            )
    return sizes


def _traced(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function under `jax.jit`, or a refusal that says that it cannot be traced."""
    compiled = jax.jit(function)

    def call(*args: Any) -> Any:
        try:
            return compiled(*args)
        except TypeError as error:
            raise ValueError(f"env.{name} must run under jax.jit; {error}") from error

    return call


def _parts(found: Any, count: int, name: str, valid: str) -> Any:
    if not isinstance(found, tuple) or len(found) != count:
        raise ValueError(f"env.{name} must return {valid}; got {type(found).__name__}")
    return found


def _entries(values: Any, agents: list[str], what: str) -> None:
    if not isinstance(values, Mapping):
        raise ValueError(f"{what} must be a dict by agent; got {type(values).__name__}")
    missing = [a for a in agents if a not in values]
    if missing:
        raise ValueError(f"{what} must have an entry for every agent; missing: {missing}")


def _observations(env: Any, obs: Any, name: str) -> None:
    _entries(obs, env.agents, f"observations of {name}")
    for agent in env.agents:
        space, seen = env.observation_space(agent), obs[agent]
        # one of JaxMARL's gives a whole number for the shape of a vector
        shape = tuple(np.atleast_1d(np.asarray(space.shape, np.int64)).tolist())
        if jnp.shape(seen) != shape:
            raise ValueError(
                f"observation of {agent!r} after {name} must have its space's shape {shape}; got "
                f"{jnp.shape(seen)}"
            )
        if hasattr(space, "contains") and not bool(space.contains(seen)):
            raise ValueError(
                f"observation of {agent!r} after {name} must lie in its space {space!r}; got "
                f"{np.asarray(seen)!r}"
            )


def _actions(sizes: dict[str, int], masks: Any, random: np.random.Generator) -> dict[str, Any]:
    """Random actions, legal ones where there are masks."""
    if masks is None:
        masks = {a: np.ones(n) for a, n in sizes.items()}
    _entries(masks, list(sizes), "masks of get_avail_actions")
    out = {}
    for agent, size in sizes.items():
        mask = np.asarray(masks[agent])
        if mask.shape != (size,):
            raise ValueError(
                f"mask of {agent!r} must have shape ({size},), one entry an action; got "
                f"{mask.shape}"
            )
        legal = np.flatnonzero(mask > 0)
        if not len(legal):
            raise ValueError(f"mask of {agent!r} must leave a legal action; got none")
        out[agent] = np.int32(random.choice(legal))
    return out


def _same_shapes(before: Any, after: Any) -> None:
    """A step gives back observations and a state like those that it was given."""
    if jax.tree.structure(before) != jax.tree.structure(after):
        raise ValueError(
            "step must return observations and a state of the structure that reset returns; got "
            f"{jax.tree.structure(after)} in place of {jax.tree.structure(before)}"
        )
    pairs = zip(jax.tree_util.tree_leaves_with_path(before), jax.tree.leaves(after), strict=True)
    for (path, a), b in pairs:
        old, new = ((jnp.shape(x), jnp.result_type(x)) for x in (a, b))
        if old != new:
            what = "observations" if path[0].idx == 0 else "state"
            raise ValueError(
                f"step must not change shapes or types; in the {what}, "
                f"{jax.tree_util.keystr(path[1:]) or 'the array'} has {new} in place of {old}"
            )


def _one_number(values: Any, agents: list[str], what: str) -> None:
    _entries(values, agents, f"{what} of step")
    for agent in agents:
        value = np.asarray(values[agent])
        if value.shape != () or not np.isfinite(value):
            raise ValueError(
                f"{what} of step must be one finite number an agent; {agent!r} has {value!r}"
            )
