"""Markov games: finitely many states, finite stage games, discounted or of finite horizon."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from ..core.ops import own_first
from ._checks import FloatArray, frozen_array, labels, whole
from ._frozen import Frozen
from ._transitions import action_labels, distribution, transition_matrix


class MarkovGame(Frozen):
    r"""A game that moves between states: each step pays rewards and draws the next state.

    Parameters
    ----------
    rewards : array_like (S, N, n_1, ..., n_N)
        ``rewards[s, i][a_1, ..., a_N]`` is player i's gain in state s. Copied, and kept read-only.
    transitions : array_like (S, n_1, ..., n_N, S) or SciPy sparse matrix (S · Πn, S)
        Probability of each next state. A sparse matrix has one row a state and joint action:
        states first, then joint actions in C order (the last player's action varies fastest).
        Rows may miss 1 by 1e-8, and are then scaled to it.
    discount : float, optional
        ``gamma`` in [0, 1), for a game without end. Give exactly one of it and ``horizon``.
    horizon : int, optional
        Number of steps, ``>= 1``; rewards are then not discounted.
    initial : array_like (S,), optional
        Distribution of the first state. Equilibria do not depend on it.
    players : sequence of str, optional
        Labels; by default ``"1"``, ``"2"``, ...
    actions : sequence of sequences of str, optional
        One list of labels a player, the same in every state; by default ``"1"``, ``"2"``, ...
    states : sequence of str, optional
        Labels; by default ``"1"``, ``"2"``, ...
    name : str, optional
        A title for printing.

    Attributes
    ----------
    rewards : array (S, N, n_1, ..., n_N)
    transitions : scipy.sparse.csr_array (S · Πn, S)
        Without stored zeros, read-only.
    discount : float or None
    horizon : int or None
    initial : array (S,) or None

    Raises
    ------
    ValueError
        Shapes that do not match, numbers that are not finite, probabilities that are negative or
        do not sum to 1, both or neither of ``discount`` and ``horizon``, or one out of range,
        labels that are not distinct.

    Notes
    -----
    Immutable, compared and hashed by identity. Every player has the same actions in every state;
    an action that a state does not offer can be given the rewards and transitions of another.

    Examples
    --------
    Two players who stay in the good state as long as both play their first action:

    >>> import numpy as np, rqe
    >>> rewards = np.zeros((2, 2, 2, 2))
    >>> rewards[0] = 1.0
    >>> transitions = np.zeros((2, 2, 2, 2))
    >>> transitions[..., 1] = 1.0
    >>> transitions[0, 0, 0] = [1.0, 0.0]
    >>> game = rqe.MarkovGame(rewards, transitions, discount=0.9, states=["good", "bad"])
    >>> game
    <MarkovGame: 2 players, 2 x 2 actions, 2 states, discount 0.9>
    >>> game.transitions.shape
    (8, 2)
    """

    rewards: FloatArray
    transitions: Any
    discount: float | None
    horizon: int | None
    initial: FloatArray | None
    players: tuple[str, ...]
    actions: tuple[tuple[str, ...], ...]
    states: tuple[str, ...]
    name: str

    def __init__(
        self,
        rewards: Any,
        transitions: Any,
        *,
        discount: float | None = None,
        horizon: int | None = None,
        initial: Any = None,
        players: Sequence[str] | None = None,
        actions: Sequence[Sequence[str]] | None = None,
        states: Sequence[str] | None = None,
        name: str = "",
    ) -> None:
        gains = frozen_array(rewards, "rewards", valid="an array (S, N, n_1, ..., n_N)")
        if gains.ndim < 3 or gains.shape[1] != gains.ndim - 2 or 0 in gains.shape:
            raise ValueError(
                "rewards must have shape (S, N, n_1, ..., n_N), with one axis of actions for each "
                f"of the N players and at least one state and action; got {gains.shape}"
            )
        count, n_players, shape = gains.shape[0], gains.shape[1], gains.shape[2:]
        if (discount is None) == (horizon is None):
            raise ValueError(
                f"give one of discount and horizon; got discount={discount!r} and "
                f"horizon={horizon!r}"
            )
        self._freeze(
            rewards=gains,
            transitions=transition_matrix(transitions, count, shape),
            discount=None if discount is None else _discount(discount),
            horizon=None if horizon is None else whole(horizon, "horizon"),
            initial=None if initial is None else distribution(initial, "initial", count),
            players=labels(players, n_players, "players", [str(i + 1) for i in range(n_players)]),
            actions=action_labels(actions, shape),
            states=labels(states, count, "states", [str(s + 1) for s in range(count)]),
            name=str(name),
        )

    @property
    def n_states(self) -> int:
        """Number of states, S."""
        return int(self.rewards.shape[0])

    @property
    def n_players(self) -> int:
        """Number of players, N."""
        return int(self.rewards.shape[1])

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return self.rewards.shape[2:]

    @cached_property
    def own_rewards(self) -> tuple[FloatArray, ...]:
        """Each player's rewards as (S, n_i, m_i): own actions by the others' joint actions."""
        return tuple(self.own_first(self.rewards[:, i], i) for i in range(self.n_players))

    def own_first(self, values: FloatArray, player: int) -> FloatArray:
        """Numbers (S, n_1, ..., n_N) as a player sees them: (S, n_i, m_i), read-only."""
        out = np.ascontiguousarray(own_first(values, player, self.n_players))
        out.setflags(write=False)
        return out

    def expected(self, values: Any) -> FloatArray:
        """Expectation over the next state of numbers attached to states.

        Parameters
        ----------
        values : array_like (S,)

        Returns
        -------
        array (S, n_1, ..., n_N)
            For every state and joint action; not discounted.
        """
        v = np.asarray(values, dtype=np.float64)
        if v.shape != (self.n_states,):
            raise ValueError(f"values must have shape ({self.n_states},); got {v.shape}")
        found = np.asarray(self.transitions @ v)
        return found.reshape(self.n_states, *self.shape)

    def _title(self) -> str:
        sizes = " x ".join(str(n) for n in self.shape)
        players = f"{self.n_players} player{'' if self.n_players == 1 else 's'}"
        states = f"{self.n_states} state{'' if self.n_states == 1 else 's'}"
        ending = f"discount {self.discount:g}" if self.horizon is None else f"{self.horizon} steps"
        head = self.name or type(self).__name__
        return f"{head}: {players}, {sizes} actions, {states}, {ending}"

    def __repr__(self) -> str:
        title = self._title()
        return f"<{title}>" if not self.name else f"<{type(self).__name__} {title}>"

    def __str__(self) -> str:
        span = f"{self.rewards.min():.4g} to {self.rewards.max():.4g}"
        stored = self.transitions.nnz / self.transitions.shape[0]
        return (
            f"{self._title()}\nrewards {span}; {stored:.3g} next states a joint action on average"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def _discount(value: Any) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating))
    other = isinstance(value, (bool, np.timedelta64))  # which count as integers
    if not number or other or not 0.0 <= value < 1.0:
        raise ValueError(f"discount must be a number in [0, 1); got {value!r}")
    return float(value)
