"""Where play goes: how likely each state is at each step, and what is expected on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..model._checks import FloatArray, whole
from ..model._policies import check_policies
from ..model._transitions import distribution
from ..model.markov import MarkovGame


def occupancy(
    game: MarkovGame,
    policies: Sequence[Any],
    *,
    steps: int | None = None,
    initial: Any = None,
    restart: int | None = None,
) -> FloatArray:
    """Distribution of the state at each step of play.

    Parameters
    ----------
    game : MarkovGame
    policies : MarkovEquilibrium or sequence of N arrays (S, n_i) or (H, S, n_i)
        One mixed strategy a state, or a state and step (step 0 first; then ``steps <= H``, or
        ``restart <= H``: a restart begins again with step 0).
    steps : int, optional
        Number of steps; by default the game's horizon.
    initial : array_like (S,), optional
        Distribution of the first state; by default the game's own.
    restart : int, optional
        Put play back to ``initial`` every so many steps; by default never.

    Returns
    -------
    array (steps, S)

    Raises
    ------
    ValueError
        Shapes that do not match, rows that are no distributions, fewer policies than steps, no
        ``steps`` for a discounted game, no ``initial`` for a game without one.

    Examples
    --------
    A state that is left with probability one half at every step:

    >>> import numpy as np, rqe
    >>> from rqe.analysis.occupancy import occupancy
    >>> moves = np.array([[[0.5, 0.5]], [[0.0, 1.0]]])
    >>> game = rqe.MarkovGame(np.zeros((2, 1, 1)), moves, horizon=3, initial=[1.0, 0.0])
    >>> occupancy(game, [np.ones((2, 1))])
    array([[1.  , 0.  ],
           [0.5 , 0.5 ],
           [0.25, 0.75]])
    """
    walk = _walk(game, policies, steps, initial, restart)
    return np.array([now for now, _ in walk])


def expected_totals(
    game: MarkovGame,
    policies: Sequence[Any],
    amounts: Mapping[str, Any],
    *,
    steps: int | None = None,
    initial: Any = None,
    restart: int | None = None,
) -> dict[str, FloatArray]:
    """What play is expected to add up to: events or rewards, over all steps.

    Parameters
    ----------
    game, policies, steps, initial, restart
        As for `occupancy`.
    amounts : mapping of str to array (S, N, n_1, ..., n_N)
        By name, what each player adds in each state at each joint action.

    Returns
    -------
    dict of str to array (N,)

    Raises
    ------
    ValueError
        As `occupancy`; amounts of another shape.

    Examples
    --------
    >>> import numpy as np, rqe
    >>> from rqe.analysis.occupancy import expected_totals
    >>> moves = np.array([[[0.5, 0.5]], [[0.0, 1.0]]])
    >>> game = rqe.MarkovGame(np.ones((2, 1, 1)), moves, horizon=3, initial=[1.0, 0.0])
    >>> left = np.array([[[0.5]], [[0.0]]])
    >>> expected_totals(game, [np.ones((2, 1))], {"rewards": game.rewards, "left": left})
    {'rewards': array([3.]), 'left': array([0.875])}
    """
    tables = {}
    for name, amount in amounts.items():
        table = np.asarray(amount, dtype=np.float64)
        if table.shape != game.rewards.shape:
            raise ValueError(
                f"amounts[{name!r}] must have shape {game.rewards.shape}, that of the game's "
                f"rewards; got {table.shape}"
            )
        tables[name] = table.reshape(*game.rewards.shape[:2], -1)
    totals = {name: np.zeros(game.n_players) for name in tables}
    for _, joint in _walk(game, policies, steps, initial, restart):
        for name, table in tables.items():
            totals[name] += np.einsum("sa,sia->i", joint, table)
    return totals


def _walk(
    game: MarkovGame, policies: Any, steps: int | None, initial: Any, restart: int | None
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """The state's distribution (S,) and that of state and joint action (S, Πn), step by step."""
    count = whole(game.horizon if steps is None else steps, "steps")
    every = count if restart is None else whole(restart, "restart")
    first = game.initial if initial is None else distribution(initial, "initial", game.n_states)
    if first is None:
        raise ValueError("initial must be given: the game has no distribution of the first state")
    parts = check_policies(policies, game, steps=min(every, count))
    now = first
    for step in range(count):
        at = step % every
        now = first if at == 0 else now
        joint = now[:, None]
        for x in parts:
            here = x[at] if x.ndim == 3 else x
            joint = (joint[:, :, None] * here[:, None, :]).reshape(game.n_states, -1)
        yield now, joint
        now = np.asarray(game.transitions.T @ joint.ravel())
