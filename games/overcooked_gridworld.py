"""SRA's Overcooked gridworld as an exact Markov game, its states enumerated from the rules."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rqe import MarkovGame

from ._checks import ending

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

SIZE = 5
POT = (2, 2)
ONIONS = ((3, 4), (4, 3))
STARTS = ((1, 0), (0, 1))
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1), (0, 0))
ACTIONS = ("up", "down", "left", "right", "stay")
MOVE_COST, COLLISION_COST = 0.2, 2.0
PICK_UP, DELIVERY = 1.0, 10.0
REGROWTH = 0.2
EVENTS = ("pickups", "deliveries", "moves", "collisions")


class Kitchen(NamedTuple):
    """The game's tables; joint actions in C order, agent 1's action first.

    Attributes
    ----------
    states : array (S, 6) of int
        Cell (``5 × row + column``) and carrying flag of agent 1, the same of agent 2, and whether
        the onions of (3, 4) and (4, 3) are there.
    transitions : csr_array (S · 25, S)
    events : dict of array (S, 2, 5, 5)
        Expected number a step of each agent's ``pickups``, ``deliveries``, ``moves`` (every action
        but stay) and ``collisions``.
    starts : array (2,) of int
        Agent 1 on (1, 0) and agent 2 on (0, 1), and the other way round.
    """

    states: IntArray
    transitions: sparse.csr_array
    events: dict[str, FloatArray]
    starts: IntArray


class _Moved(NamedTuple):
    """One agent's move, for many states at once."""

    cell: IntArray
    carries: IntArray
    onions: IntArray
    events: FloatArray


def overcooked_gridworld(
    *, discount: float | None = None, horizon: int | None = None
) -> MarkovGame:
    """SRA's Overcooked gridworld: two cooks carry onions to a pot.

    On a 5 × 5 grid, the pot at (2, 2) is solid and onions lie at (3, 4) and (4, 3). The agents act
    one after the other, in an order drawn anew each step. An agent that moves pays 0.2; one that
    runs into the other pays 2 more and stays; one that is empty-handed and stands where an onion
    is picks it up (+1 to both); one that carries and moves against the pot delivers (+10 to both).
    At the end of each step a missing onion reappears with probability 0.2.

    Parameters
    ----------
    discount : float in [0, 1), optional
        Of a game without end.
    horizon : int, optional
        Number of steps; SRA trains with episodes of 50. One of the two; ``horizon=50`` by default.

    Returns
    -------
    MarkovGame
        Two players ("1", "2") with the actions up, down, left, right and stay; the 8,832 states
        that can be reached from the two starts, which are equally likely.

    Raises
    ------
    ValueError
        Both of ``discount`` and ``horizon``, or one out of range.

    Notes
    -----
    Source: SRA, experiments (facts of the environment). Rewards are expectations over the order of
    moves. `overcooked_kitchen` has the states and the expected events.

    Examples
    --------
    >>> import games
    >>> games.overcooked_gridworld(discount=0.9)
    <MarkovGame Overcooked gridworld: 2 players, 5 x 5 actions, 8832 states, discount 0.9>
    """
    horizon, discount = ending(horizon, discount, 50)
    kitchen = overcooked_kitchen()
    events = kitchen.events
    shared = PICK_UP * events["pickups"] + DELIVERY * events["deliveries"]
    own = MOVE_COST * events["moves"] + COLLISION_COST * events["collisions"]
    initial = np.zeros(len(kitchen.states))
    initial[kitchen.starts] = 0.5
    return MarkovGame(
        shared.sum(axis=1, keepdims=True) - own,
        kitchen.transitions,
        discount=discount,
        horizon=horizon,
        initial=initial,
        actions=[ACTIONS] * 2,
        states=[_label(row) for row in kitchen.states],
        name="Overcooked gridworld",
    )


@cache
def overcooked_kitchen() -> Kitchen:
    """States, transitions and expected events of the Overcooked gridworld.

    Returns
    -------
    Kitchen
        In the order of the states of `overcooked_gridworld`.

    Examples
    --------
    >>> import games
    >>> kitchen = games.overcooked_kitchen()
    >>> kitchen.states[kitchen.starts]
    array([[5, 0, 1, 0, 1, 1],
           [1, 0, 5, 0, 1, 1]])
    """
    begin = [SIZE * r + c for r, c in STARTS]
    starts = np.array([[begin[0], 0, begin[1], 0, 3], [begin[1], 0, begin[0], 0, 3]])
    known = {tuple(row): k for k, row in enumerate(starts.tolist())}
    frontier, found = starts, [starts]
    while len(frontier):
        after, _, _ = _successors(frontier)
        fresh = []
        for row in np.unique(after.reshape(-1, 5), axis=0).tolist():
            if tuple(row) not in known:
                known[tuple(row)] = len(known)
                fresh.append(row)
        frontier = np.array(fresh, dtype=np.int64).reshape(-1, 5)
        found.append(frontier)
    packed = np.concatenate(found)
    after, weights, events = _successors(packed)
    count = len(packed)
    code = np.full(25 * 2 * 25 * 2 * 4, -1, dtype=np.int64)
    code[_code(packed)] = np.arange(count)
    rows = np.broadcast_to(np.arange(count * 25).reshape(count, 25, 1), weights.shape)
    table = sparse.coo_array(
        (weights.ravel(), (rows.ravel(), code[_code(after)].ravel())), shape=(count * 25, count)
    )
    states = np.column_stack([packed[:, :4], packed[:, 4] & 1, packed[:, 4] >> 1])
    tables = {
        name: events[..., k].reshape(count, 5, 5, 2).transpose(0, 3, 1, 2)
        for k, name in enumerate(EVENTS)
    }
    for array in (states, *tables.values()):
        array.setflags(write=False)
    return Kitchen(states, table.tocsr(), tables, np.array([0, 1]))


def _code(packed: IntArray) -> IntArray:
    """One number for each state: cells, flags and onions."""
    a, b, c, d, e = np.moveaxis(packed, -1, 0)
    return np.asarray((((a * 2 + b) * 25 + c) * 2 + d) * 4 + e)


def _successors(packed: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Every joint action's outcomes: states (S, 25, 8, 5), weights, and events (S, 25, 2, 4).

    Eight outcomes: two orders of moves, and whether each onion would reappear if it were missing.
    """
    count = len(packed)
    cell = [packed[:, 0, None], packed[:, 2, None]]
    carries = [packed[:, 1, None], packed[:, 3, None]]
    action = [np.repeat(np.arange(5), 5)[None], np.tile(np.arange(5), 5)[None]]
    after = np.empty((count, 25, 8, 5), dtype=np.int64)
    weights = np.empty((count, 25, 8))
    events = np.zeros((count, 25, 2, 4))
    for turn, order in enumerate(((0, 1), (1, 0))):
        where = [np.broadcast_to(v, (count, 25)) for v in cell]
        holds = [np.broadcast_to(v, (count, 25)) for v in carries]
        onions = np.broadcast_to(packed[:, 4, None], (count, 25))
        for i in order:
            moved = _move(where[i], holds[i], where[1 - i], onions, action[i])
            where[i], holds[i], onions = moved.cell, moved.carries, moved.onions
            events[:, :, i] += 0.5 * moved.events
        for grown in range(4):
            k = 4 * turn + grown
            weight = np.full((count, 25), 0.5)
            for bit in (1, 2):
                chance = REGROWTH if grown & bit else 1.0 - REGROWTH
                # an onion that is there stays: only one of the two branches is its own
                there = float(bool(grown & bit))
                weight = weight * np.where(onions & bit, there, chance)
            after[:, :, k] = np.stack([where[0], holds[0], where[1], holds[1], onions | grown], -1)
            weights[:, :, k] = weight
    return after, weights, events


def _move(
    cell: IntArray, carries: IntArray, other: IntArray, onions: IntArray, action: IntArray
) -> _Moved:
    """One agent's move, by the rules in their order."""
    steps = np.array(MOVES)[action]
    row = np.clip(cell // SIZE + steps[..., 0], 0, SIZE - 1)
    column = np.clip(cell % SIZE + steps[..., 1], 0, SIZE - 1)
    target = row * SIZE + column
    at_pot = target == POT[0] * SIZE + POT[1]
    bumped = ~at_pot & (target == other)
    walks = ~at_pot & ~bumped
    delivers = at_pot & (carries == 1)
    here = np.where(walks, target, cell)
    picks = np.zeros_like(walks)
    for bit, (r, c) in zip((1, 2), ONIONS, strict=True):
        takes = walks & (target == r * SIZE + c) & (carries == 0) & ((onions & bit) != 0)
        onions = np.where(takes, onions & ~bit, onions)
        picks = picks | takes
    holds = np.where(delivers, 0, np.where(picks, 1, carries))
    moves = np.broadcast_to(action != 4, cell.shape)
    counted = np.stack([picks, delivers, moves, bumped], axis=-1).astype(np.float64)
    return _Moved(here, holds, onions, counted)


def _label(state: IntArray) -> str:
    """A state in words: cells, hands and onions."""
    a, b, c, d, east, south = state.tolist()
    hands = ["", "*"]
    there = f"{east}{south}"
    return f"({a // 5},{a % 5}){hands[b]} ({c // 5},{c % 5}){hands[d]} {there}"
