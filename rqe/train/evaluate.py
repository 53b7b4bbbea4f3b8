"""Cross-play: policies of different runs play together, all pairs in lockstep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ..model._checks import whole
from . import networks
from .arrays import Array, Key, Tree
from .pairings import CrossPlay, FloatArray
from .policies import Policies, stack
from .rollout import Seats

Progress = Callable[[int, int], None]
"""Told how many pairs are done, and of how many."""

TOGETHER = 2048
"""About how many environments are stepped in one program."""


def crossplay(
    env: Any,
    rows: Policies,
    columns: Policies,
    key: Key,
    *,
    episodes: int = 32,
    steps: int = 128,
    progress: Progress | None = None,
) -> CrossPlay:
    """Every run of ``rows`` in the first seat with every run of ``columns`` in the other seats.

    Seats are kept apart: a run's policy for a seat plays this seat alone. With more than two
    agents all other seats are played by the same run of ``columns``.

    Parameters
    ----------
    env : Environment
    rows, columns : Policies
        Stacks of R and C runs (a single run counts as a stack of one).
    key : key
    episodes : int
        Independent rollouts of each pair.
    steps : int
        Environment steps of a rollout. Where an episode of the environment ends, the next begins.
    progress : function (done, total), optional
        Told the number of pairs.

    Returns
    -------
    CrossPlay
        With leading axes (R, C). Events are those entries of the environment's ``info`` that are
        arrays (N,), or dictionaries with a number for each agent.

    Raises
    ------
    ValueError
        Policies that do not fit the environment or are not finite, a number that is not whole and
        positive.

    Notes
    -----
    The random numbers of a pair depend on the key and its two places in the lists alone.

    Examples
    --------
    Those who contribute and those who do not, in both seats:

    >>> import jax, games, jax.numpy as jnp
    >>> from rqe import train
    >>> env = train.NormalFormEnvironment(games.free_riding(cost=0.4))
    >>> always = [[(jnp.zeros((1, 2)), 90.0 * jnp.eye(2)[action])] for action in (0, 1)]
    >>> runs = train.stack([train.Policies((one, one)) for one in always])
    >>> found = train.crossplay(env, runs, runs, jax.random.key(0), steps=1)
    >>> found.total.round(6)
    array([[1.2, 1.6],
           [1.6, 0. ]])
    """
    seats = Seats(env)
    row_runs, column_runs = (
        run_policies(seats, rows, "rows"),
        run_policies(seats, columns, "columns"),
    )
    shape = (len(row_runs), len(column_runs))
    pairs = np.array(list(np.ndindex(shape)))
    params = (row_runs.params[0], *column_runs.params[1:])
    return _evaluate(seats, params, pairs, shape, key, episodes, steps, progress)


def self_play(
    env: Any,
    runs: Policies,
    key: Key,
    *,
    episodes: int = 32,
    steps: int = 128,
    progress: Progress | None = None,
) -> CrossPlay:
    """Every run with itself: the diagonal of `crossplay`, with the same random numbers.

    Parameters
    ----------
    env : Environment
    runs : Policies
        A stack of R runs, or one.
    key, episodes, steps, progress
        As `crossplay` has them.

    Returns
    -------
    CrossPlay
        With one leading axis (R,).

    Raises
    ------
    ValueError
        As `crossplay` does.
    """
    seats = Seats(env)
    found = run_policies(seats, runs, "runs")
    pairs = np.repeat(np.arange(len(found))[:, None], 2, axis=1)
    return _evaluate(seats, found.params, pairs, (len(found),), key, episodes, steps, progress)


def run_policies(seats: Seats, runs: Any, name: str) -> Policies:
    """A stack of runs that fits the environment."""
    if not isinstance(runs, Policies):
        raise ValueError(f"{name} must be Policies; got {type(runs).__name__}")
    if runs.n_seats != seats.n:
        raise ValueError(
            f"{name} must have a policy for each of the {seats.n} agents; got {runs.n_seats}"
        )
    stacked = stack([runs])
    for agent, layers, *sizes in zip(
        seats.agents, stacked.params, seats.n_obs, seats.n_actions, strict=True
    ):
        found = [layers[0][0].shape[-2], layers[-1][0].shape[-1]]
        if found != sizes:
            raise ValueError(
                f"{name} must have a policy of {sizes[0]} observed numbers and {sizes[1]} actions "
                f"for {agent!r}; got {found[0]} and {found[1]}"
            )
        sound = [np.isfinite(a).reshape(len(a), -1).all(axis=1) for a in jax.tree.leaves(layers)]
        if not np.all(sound):
            broken = np.flatnonzero(~np.all(sound, axis=0)).tolist()
            raise ValueError(
                f"{name} must be finite; the policy for {agent!r} is not in runs {broken}"
            )
    return stacked


def _evaluate(
    seats: Seats,
    params: tuple[Tree, ...],
    pairs: NDArray[np.int64],
    shape: tuple[int, ...],
    key: Key,
    episodes: int,
    steps: int,
    progress: Progress | None,
) -> CrossPlay:
    """Statistics of pairs (row, column), some of them at a time."""
    whole(episodes, "episodes")
    whole(steps, "steps")
    size = min(len(pairs), max(1, TOGETHER // episodes))

    def roll(params: tuple[Tree, ...], part: Array) -> dict[str, Array]:
        others = [jax.tree.map(lambda a: a[part[:, 1]], layers) for layers in params[1:]]
        chosen = (jax.tree.map(lambda a: a[part[:, 0]], params[0]), *others)
        sown = jax.vmap(lambda p: jax.random.fold_in(jax.random.fold_in(key, p[0]), p[1]))(part)
        return _rollouts(seats, chosen, sown, episodes, steps)

    program = jax.jit(roll)
    parts: list[dict[str, FloatArray]] = []
    for begin in range(0, len(pairs), size):
        part = pairs[begin : begin + size]
        # of one size, so that there is one program; what is made up is thrown away
        full = np.concatenate([part, np.zeros((size - len(part), 2), part.dtype)])
        sums = program(params, jnp.asarray(full, jnp.int32))
        parts.append({n: np.asarray(a, np.float64)[: len(part)] for n, a in sums.items()})
        if progress is not None:
            progress(begin + len(part), len(pairs))
    every = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    every["total"] = every["returns"].sum(axis=-1)
    means = {n: a.mean(axis=1).reshape(*shape, *a.shape[2:]) for n, a in every.items()}
    errors = {n: _standard_error(a).reshape(means[n].shape) for n, a in every.items()}
    events = {n: n.removeprefix("events/") for n in every if n.startswith("events/")}
    return CrossPlay(
        seats.agents,
        means["returns"],
        errors["returns"],
        means["total"],
        errors["total"],
        {short: means[n] for n, short in events.items()},
        {short: errors[n] for n, short in events.items()},
        episodes,
        steps,
        getattr(seats.env, "private_costs", None),
    )


def _standard_error(samples: FloatArray) -> FloatArray:
    """Of the mean over axis 1."""
    count = samples.shape[1]
    if count == 1:
        return np.full_like(samples[:, 0], np.nan)
    return np.asarray(samples.std(axis=1, ddof=1) / np.sqrt(count))


def _rollouts(
    seats: Seats, params: tuple[Tree, ...], keys: Key, episodes: int, steps: int
) -> dict[str, Array]:
    """Sums over the steps of every rollout, (P, E, N) each, of P pairs with a key each."""
    pairs = keys.shape[0]
    count = pairs * episodes

    def draws(number: Array) -> Key:
        return jax.vmap(lambda k: jax.random.fold_in(k, number))(keys)

    def sown(number: Array) -> Key:
        some = jax.vmap(lambda k: jax.random.split(k, episodes))(draws(number))
        return some.reshape(count, *some.shape[2:])

    def act(obs: tuple[Array, ...], masks: tuple[Array | None, ...], u: Array) -> dict[str, Array]:
        actions = {}
        for j, agent in enumerate(seats.agents):
            seen, mask = obs[j].reshape(pairs, episodes, -1), masks[j]
            legal = None if mask is None else mask.reshape(pairs, episodes, -1)
            chances = jnp.exp(jax.vmap(networks.log_policy)(params[j], seen, legal))
            below = jnp.cumsum(chances, axis=-1)
            # u < 1, so the last action of positive probability is the last that can be drawn
            drawn = jnp.sum(below <= u[..., j, None] * below[..., -1:], axis=-1)
            actions[agent] = drawn.reshape(count)
        return actions

    def step(carry: tuple[Tree, Any], number: Array) -> tuple[tuple[Tree, Any], None]:
        (raw, state), sums = carry
        u = jax.vmap(lambda k: jax.random.uniform(k, (episodes, seats.n)))(draws(2 * number))
        actions = act(seats.observe(raw), seats.masks(state), u)
        raw, state, rewards, _, info = jax.vmap(seats.env.step)(
            sown(2 * number + 1), state, actions
        )
        here = {"returns": jnp.stack([rewards[a] for a in seats.agents], axis=-1)}
        here |= _events(seats, info, count)
        sums = {n: sums[n] + v.reshape(pairs, episodes, seats.n) for n, v in here.items()}
        return ((raw, state), sums), None

    envs = seats.begin(sown(jnp.zeros((), jnp.int32)))
    names = ["returns", *jax.eval_shape(lambda: _events(seats, _info(seats, envs), count))]
    zero = {n: jnp.zeros((pairs, episodes, seats.n)) for n in names}
    (_, sums), _ = jax.lax.scan(step, (envs, zero), 1 + jnp.arange(steps))
    return dict(sums)


def _info(seats: Seats, envs: Tree) -> dict[str, Any]:
    """What the environments say of a step, for its shapes."""
    raw, state = envs
    count = raw[seats.agents[0]].shape[0]
    actions = {a: jnp.zeros(count, jnp.int32) for a in seats.agents}
    keys = jax.random.split(jax.random.key(0), count)
    info: dict[str, Any] = jax.vmap(seats.env.step)(keys, state, actions)[4]
    return info


def _events(seats: Seats, info: dict[str, Any], count: int) -> dict[str, Array]:
    """Entries of ``info`` that are each agent's, as (count, N)."""
    found = {}
    for name, value in info.items():
        if isinstance(value, dict):
            if set(value) != set(seats.agents):
                continue
            value = jnp.stack([value[a] for a in seats.agents], axis=-1)
        if getattr(value, "shape", None) == (count, seats.n):
            found[f"events/{name}"] = jnp.asarray(value, jnp.float32)
    return found
