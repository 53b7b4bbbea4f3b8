"""SRA's Overcooked gridworld as an environment to train in; needs JAX, the extra ``srpo``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rqe import train

from ._checks import whole
from .overcooked_gridworld import (
    ACTIONS,
    COLLISION_COST,
    DELIVERY,
    EVENTS,
    MOVE_COST,
    ONIONS,
    PICK_UP,
    POT,
    REGROWTH,
    SIZE,
    STARTS,
)

Array = Any
"""A JAX array, traced or not."""
AGENTS = ("agent_0", "agent_1")


class State(NamedTuple):
    """Where a step of the gridworld starts."""

    kitchen: Array
    """(8,) of int: row, column and carrying flag of agent 0, the same of agent 1, onion flags."""
    time: Array
    """() of int: steps of the episode so far."""


@dataclass(frozen=True)
class Gridworld(train.AutoReset):
    """SRA's Overcooked gridworld: two cooks carry onions to a pot.

    The rules are those of `overcooked_gridworld`, the same game in tables. Both agents observe all
    of it: row, column and carrying flag of agent 0, the same of agent 1, and whether the onions of
    (3, 4) and (4, 3) are there; eight raw numbers. Actions are up, down, left, right and stay.

    Parameters
    ----------
    horizon : int
        Steps of an episode, 50 by default as in SRA's training.

    Raises
    ------
    ValueError
        A horizon that is not a whole number from 1.

    Notes
    -----
    ``info`` of a step holds each agent's ``pickups``, ``deliveries``, ``moves`` (every action but
    stay) and ``collisions``, arrays (2,) of 0 and 1. Source: SRA, experiments.

    Examples
    --------
    >>> import jax
    >>> from games.overcooked import Gridworld
    >>> env = Gridworld()
    >>> obs, state = env.reset(jax.random.key(0))
    >>> obs["agent_0"].tolist()
    [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    >>> actions = {"agent_0": 1, "agent_1": 4}
    >>> obs, state, rewards, dones, info = env.step(jax.random.key(1), state, actions)
    >>> float(rewards["agent_0"]), info["moves"].tolist()
    (-0.2..., [1.0, 0.0])
    """

    horizon: int = 50

    def __post_init__(self) -> None:
        whole(self.horizon, "horizon", 1)

    @property
    def name(self) -> str:
        """For tables."""
        return "overcooked"

    @property
    def private_costs(self) -> dict[str, float]:
        """What events cost who brings them about, in reward units."""
        return {"moves": MOVE_COST, "collisions": COLLISION_COST}

    @property
    def agents(self) -> list[str]:
        """The two cooks."""
        return list(AGENTS)

    def observation_space(self, agent: str) -> train.Box:
        """Cells' rows and columns to 4, flags to 1."""
        _known(agent)
        top = SIZE - 1
        return train.Box(0.0, [top, top, 1, top, top, 1, 1, 1])

    def action_space(self, agent: str) -> train.Discrete:
        """Five numbers: up, down, left, right, stay."""
        _known(agent)
        return train.Discrete(len(ACTIONS))

    def reset(self, key: Array) -> tuple[dict[str, Array], State]:
        """Both onions there, empty hands; who starts where is drawn."""
        swapped = jax.random.bits(key, (), jnp.uint32) & 1
        (a, b), (c, d) = STARTS
        first, second = (jnp.asarray(v, jnp.int32) for v in ((a, b, 0, c, d), (c, d, 0, a, b)))
        rest = jnp.asarray((0, 1, 1), jnp.int32)
        kitchen = jnp.concatenate([jnp.where(swapped == 1, second, first), rest])
        return _observe(kitchen), State(kitchen, jnp.zeros((), jnp.int32))

    def step_env(
        self, key: Array, state: State, actions: dict[str, Array]
    ) -> tuple[dict[str, Array], State, dict[str, Array], dict[str, Array], dict[str, Array]]:
        """One step, without a new start after the last."""
        first, east, south = chance(key)
        played = (actions[AGENTS[0]], actions[AGENTS[1]])
        kitchen, paid, events = move(state.kitchen, played, first, (east, south))
        time = state.time + 1
        over = time >= self.horizon
        dones = {AGENTS[0]: over, AGENTS[1]: over, "__all__": over}
        rewards = {AGENTS[0]: paid[0], AGENTS[1]: paid[1]}
        return _observe(kitchen), State(kitchen, time), rewards, dones, events

    def state_of(self, row: Any, time: int = 0) -> State:
        """The state that a row of ``overcooked_kitchen().states`` stands for.

        Parameters
        ----------
        row : array_like (6,)
            Cell (``5 × row + column``) and carrying flag of agent 0, the same of agent 1, and the
            onion flags.
        time : int
            Steps of the episode so far.

        Returns
        -------
        State
        """
        a, b, c, d, east, south = jnp.asarray(row, jnp.int32)
        entries = (a // SIZE, a % SIZE, b, c // SIZE, c % SIZE, d, east, south)
        return State(jnp.stack(entries), jnp.asarray(time, jnp.int32))

    def row_of(self, state: State) -> Array:
        """The row of ``overcooked_kitchen().states`` for a state, (6,): `state_of` backwards."""
        r, c, b, s, t, d, east, south = state.kitchen
        return jnp.stack((SIZE * r + c, b, SIZE * s + t, d, east, south))


def chance(key: Array) -> tuple[Array, Array, Array]:
    """What a step leaves to chance: who moves first, and which onions would reappear.

    Parameters
    ----------
    key : key

    Returns
    -------
    first : int array ()
        0 or 1, with equal probabilities.
    east, south : int array ()
        1 with probability 0.2: the onion of (3, 4), or of (4, 3), is back if it was missing.
    """
    # all from one random word: a number below 50, even to a relative error of 50 / 2^32
    inverse = round(1.0 / REGROWTH)
    number = (jax.random.bits(key, (), jnp.uint32) % (2 * inverse**2)).astype(jnp.int32)
    first, rest = number % 2, number // 2
    east, south = rest % inverse == 0, rest // inverse == 0
    return first, east.astype(jnp.int32), south.astype(jnp.int32)


class _Cook(NamedTuple):
    """An agent, entry by entry."""

    row: Array
    column: Array
    carries: Array


def move(
    kitchen: Array, actions: tuple[Array, Array], first: Array, grows: tuple[Array, Array]
) -> tuple[Array, Array, dict[str, Array]]:
    """One step of the rules, with chance's part given.

    Parameters
    ----------
    kitchen : int array (8,)
        As in `State`.
    actions : pair of int array ()
        Of agent 0 and agent 1; from 0: up, down, left, right, stay.
    first : int array ()
        Who moves first, 0 or 1.
    grows : pair of int array ()
        Whether the onion of (3, 4), and that of (4, 3), is back at the end if it is missing.

    Returns
    -------
    kitchen : int array (8,)
    rewards : float array (2,)
    events : dict of float array (2,)
        Each agent's pickups, deliveries, moves and collisions: 0 or 1.
    """
    entries = [kitchen[k] for k in range(8)]
    cooks = (_Cook(*entries[:3]), _Cook(*entries[3:6]))
    turned = first == 1

    def exchange(pair: Any) -> Any:
        """Agents in order of play from agents in order of seats, and back."""
        one, other = pair
        swap = [jnp.where(turned, b, a) for a, b in zip(one, other, strict=True)]
        back = [jnp.where(turned, a, b) for a, b in zip(one, other, strict=True)]
        return swap, back

    early, late = (_Cook(*c) for c in exchange(cooks))
    (a,), (b,) = exchange([(jnp.asarray(x, jnp.int32),) for x in actions])
    early, onions, did = _turn(early, late, entries[6:], a)
    late, onions, then = _turn(late, early, onions, b)
    cooks = exchange((early, late))
    onions = [onion | grown for onion, grown in zip(onions, grows, strict=True)]
    counts = zip(*exchange((did, then)), strict=True)
    events = {
        name: jnp.stack(pair).astype(jnp.float32) for name, pair in zip(EVENTS, counts, strict=True)
    }
    shared = PICK_UP * events["pickups"].sum() + DELIVERY * events["deliveries"].sum()
    own = MOVE_COST * events["moves"] + COLLISION_COST * events["collisions"]
    return jnp.stack([*cooks[0], *cooks[1], *onions]), shared - own, events


def _turn(
    cook: _Cook, other: _Cook, onions: list[Array], action: Array
) -> tuple[_Cook, list[Array], tuple[Array, ...]]:
    """One agent's turn; events in the order of `EVENTS`."""
    up, down, left, right = (jnp.where(action == k, 1, 0) for k in range(4))
    row = jnp.clip(cook.row + down - up, 0, SIZE - 1)
    column = jnp.clip(cook.column + right - left, 0, SIZE - 1)
    at_pot = (row == POT[0]) & (column == POT[1])
    bumped = (row == other.row) & (column == other.column)
    stands = ~(at_pot | bumped)
    carries = cook.carries == 1
    delivers = at_pot & carries
    picks, left_over = jnp.zeros_like(carries), []
    for onion, place in zip(onions, ONIONS, strict=True):
        takes = stands & ~carries & (onion == 1) & (row == place[0]) & (column == place[1])
        left_over.append(jnp.where(takes, 0, onion))
        picks = picks | takes
    after = _Cook(
        jnp.where(stands, row, cook.row),
        jnp.where(stands, column, cook.column),
        jnp.where(picks, 1, jnp.where(delivers, 0, cook.carries)),
    )
    return after, left_over, (picks, delivers, action != ACTIONS.index("stay"), bumped)


def _observe(kitchen: Array) -> dict[str, Array]:
    seen = kitchen.astype(jnp.float32)
    return dict.fromkeys(AGENTS, seen)


def _known(agent: str) -> None:
    if agent not in AGENTS:
        raise ValueError(f"agent must be one of {', '.join(map(repr, AGENTS))}; got {agent!r}")
