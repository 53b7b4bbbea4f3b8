"""RQE24's cliff walk as an exact Markov game: two agents cross a grid and make each other slip."""

from __future__ import annotations

from functools import cache
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rqe import MarkovGame

from ._checks import ending, number

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

SIZE = 6
CLIFF = tuple((SIZE - 1, column) for column in range(1, SIZE - 1))
STARTS = ((SIZE - 1, 0), (SIZE - 1, SIZE - 1))
GOALS = STARTS[::-1]
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))
ACTIONS = ("up", "down", "left", "right")
SURE, DISTURBED = 0.9, 0.5
"""Probability of the intended direction: alone, and within one cell of the other agent."""
EVENTS = ("falls", "arrivals", "steps")


class Board(NamedTuple):
    """The game's tables; cells are (row, column), joint actions in C order, agent 1's first.

    Attributes
    ----------
    cells : array (S, 2, 2) of int
        Where agent 1 is, and agent 2.
    transitions : csr_array (S · 16, S)
    events : dict of array (S, 2, 4, 4)
        Probability that each agent's step is one of its ``falls``, its ``arrivals``, or its other
        ``steps``; all zero once it has arrived.
    near : array (S,) of bool
        Whether the agents disturb each other.
    start : int
        The first state.
    size : int
        The grid has ``size × size`` cells.
    cliff : array (4, 2) of int
    starts, goals : array (2, 2) of int
        One row an agent.
    moves : array (4, 2) of int
        What each action adds to row and column.
    """

    cells: IntArray
    transitions: sparse.csr_array
    events: dict[str, FloatArray]
    near: NDArray[np.bool_]
    start: int
    size: int
    cliff: IntArray
    starts: IntArray
    goals: IntArray
    moves: IntArray


def cliff_walk(
    *,
    cliff: float = -2.0,
    goal: float = 1.0,
    step: float = 0.0,
    horizon: int | None = None,
    discount: float | None = None,
) -> MarkovGame:
    """RQE24's cliff walk: two agents pass each other on a 6 × 6 grid above a cliff.

    Agent 1 walks from the lower left corner to the lower right one, agent 2 the other way; the
    four cells between them are the cliff. An agent moves in the direction that it chose with
    probability 0.9, or 0.5 while the agents are within one cell of each other, and otherwise in
    one of the other three, each as likely. A move off the grid leaves it where it is. One that
    moves onto the cliff falls and is put back to its own start; one that reaches its goal stays
    there, gets nothing more and disturbs nobody.

    Parameters
    ----------
    cliff, goal, step : float
        What a move pays its agent: one onto the cliff, one that reaches the goal, any other.
        Payoff units, finite.
    horizon : int, optional
        Number of steps; 200 if neither it nor ``discount`` is given.
    discount : float in [0, 1), optional
        Of a game without end.

    Returns
    -------
    MarkovGame
        Two players ("1", "2") with the actions up, down, left and right; 1,024 states, named by
        the agents' cells such as "(5,0) (5,5)", where play begins.

    Raises
    ------
    ValueError
        A payoff that is not finite, both of ``discount`` and ``horizon``, or one out of range.

    Notes
    -----
    Source: RQE24, experiments. Its second setting is ``cliff_walk(cliff=-100, goal=20, step=-0.1,
    horizon=100)``. The paper is silent on these choices made here: which cells are the cliff and
    the starts; that each agent's goal is the other's start, so that they have to pass each other;
    that a fall is not the end; there is no action to stay; "within one cell" includes diagonal
    neighbours and the same cell, which agents may share; both move at once, with independent slips.
    Rewards are expectations over slips. `cliff_walk_board` has the cells and the expected events.

    Examples
    --------
    >>> import games
    >>> game = games.cliff_walk()
    >>> game
    <MarkovGame Cliff walk: 2 players, 4 x 4 actions, 1024 states, 200 steps>
    >>> start = game.states.index("(5,0) (5,5)")
    >>> right = game.actions[0].index("right")
    >>> float(game.rewards[start, 0, right, 0].round(12))     # agent 1 steps over the edge
    -1.8
    """
    horizon, discount = ending(horizon, discount, 200)
    prices = [
        number(value, name, low=-inf)
        for value, name in ((cliff, "cliff"), (goal, "goal"), (step, "step"))
    ]
    board = cliff_walk_board()
    paid = [price * board.events[name] for price, name in zip(prices, EVENTS, strict=True)]
    initial = np.zeros(len(board.cells))
    initial[board.start] = 1.0
    return MarkovGame(
        sum(paid),
        board.transitions,
        discount=discount,
        horizon=horizon,
        initial=initial,
        actions=[ACTIONS] * 2,
        states=[f"({a},{b}) ({c},{d})" for (a, b), (c, d) in board.cells.tolist()],
        name="Cliff walk",
    )


@cache
def cliff_walk_board() -> Board:
    """Cells, transitions and expected events of the cliff walk.

    Returns
    -------
    Board
        In the order of the states of `cliff_walk`.

    Examples
    --------
    >>> import games
    >>> board = games.cliff_walk_board()
    >>> board.cells[board.start].tolist()
    [[5, 0], [5, 5]]
    >>> board.cliff.tolist()
    [[5, 1], [5, 2], [5, 3], [5, 4]]
    """
    ground = [(r, c) for r in range(SIZE) for c in range(SIZE) if (r, c) not in CLIFF]
    count, actions = len(ground), len(MOVES)
    first, second = np.divmod(np.arange(count**2), count)
    cells = np.stack([np.array(ground)[first], np.array(ground)[second]], axis=1)
    walks = (cells != np.array(GOALS)).any(axis=2)
    close = np.abs(cells[:, 0] - cells[:, 1]).max(axis=1) <= 1
    near = walks.all(axis=1) & close
    # agents' slips are independent: joint transitions are products, alone or disturbed
    laws = [[_walk(ground, i, sure) for i in range(2)] for sure in (SURE, DISTURBED)]
    both = sparse.vstack([sparse.kron(a.after, b.after) for a, b in laws]).tocsr()
    a1, a2 = np.divmod(np.arange(actions**2), actions)
    rows = (first[:, None] * actions + a1) * count * actions + second[:, None] * actions + a2
    picked = rows + near[:, None] * (count * actions) ** 2
    events = {}
    for name in EVENTS:
        one, two = (
            np.stack([law[i].events[name] for law in laws])[near.astype(int), at]
            for i, at in enumerate((first, second))
        )
        shape = (count**2, actions, actions)
        pair = [np.broadcast_to(one[:, :, None], shape), np.broadcast_to(two[:, None, :], shape)]
        events[name] = np.stack(pair, axis=1)
    tables = [np.array(table) for table in (CLIFF, STARTS, GOALS, MOVES)]
    for array in (cells, near, *events.values(), *tables):
        array.setflags(write=False)
    start = ground.index(STARTS[0]) * count + ground.index(STARTS[1])
    return Board(cells, both[picked.ravel()], events, near, start, SIZE, *tables)


class _Law(NamedTuple):
    """One agent's step at one probability of the intended direction."""

    after: sparse.csr_array
    """(cells · actions, cells)"""
    events: dict[str, FloatArray]
    """Probabilities (cells, actions)."""


def _walk(ground: list[tuple[int, int]], agent: int, sure: float) -> _Law:
    """Where one agent's step leads from every cell, and what happens on the way."""
    count, actions = len(ground), len(MOVES)
    after = np.zeros((count, actions, count))
    events = {name: np.zeros((count, actions)) for name in EVENTS}
    chance = np.full((actions, actions), (1.0 - sure) / (actions - 1))
    np.fill_diagonal(chance, sure)
    for k, (row, column) in enumerate(ground):
        if (row, column) == GOALS[agent]:
            after[k, :, k] = 1.0
            continue
        for direction, (down, right) in enumerate(MOVES):
            target = (min(max(row + down, 0), SIZE - 1), min(max(column + right, 0), SIZE - 1))
            fell, arrived = target in CLIFF, target == GOALS[agent]
            end = ground.index(STARTS[agent] if fell else target)
            after[k, :, end] += chance[:, direction]
            name = "falls" if fell else "arrivals" if arrived else "steps"
            events[name][k] += chance[:, direction]
    return _Law(sparse.csr_array(after.reshape(-1, count)), events)
