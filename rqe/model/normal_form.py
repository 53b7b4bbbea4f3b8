"""Finite games in normal form, any number of players."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from ..core.ops import own_first
from ._checks import FloatArray, frozen_array, labels, listed
from ._frozen import Frozen


class NormalFormGame(Frozen):
    """A finite game: one payoff array a player.

    Parameters
    ----------
    payoffs : sequence of array_like, each (n_1, ..., n_N)
        ``payoffs[i][a_1, ..., a_N]`` is player i's gain. Copied, and kept read-only.
    players : sequence of str, optional
        Labels; by default ``"1"``, ``"2"``, ...
    actions : sequence of sequences of str, optional
        One list of labels a player; by default ``"1"``, ``"2"``, ...
    name : str, optional
        A title for printing.

    Raises
    ------
    ValueError
        No players, an empty action set, payoff arrays of different shapes or with fewer axes than
        players, payoffs that are not finite real numbers, labels that are not distinct.

    Notes
    -----
    Immutable, compared and hashed by identity.

    Examples
    --------
    >>> import rqe
    >>> game = rqe.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]], name="stag hunt")
    >>> game.shape, game.n_players
    ((2, 2), 2)
    >>> print(game)
    stag hunt: 2 players, 2 x 2 actions
             1     2
      1   4, 4  0, 3
      2   3, 0  3, 3
    """

    payoffs: tuple[FloatArray, ...]
    players: tuple[str, ...]
    actions: tuple[tuple[str, ...], ...]
    name: str

    def __init__(
        self,
        payoffs: Sequence[Any],
        *,
        players: Sequence[str] | None = None,
        actions: Sequence[Sequence[str]] | None = None,
        name: str = "",
    ) -> None:
        valid = "a sequence of payoff arrays, one a player, each of shape (n_1, ..., n_N)"
        given = listed(payoffs, "payoffs", valid)
        count = len(given)
        if count == 0:
            raise ValueError(f"payoffs must be {valid}; got none: a game has at least one player")
        arrays = [
            frozen_array(p, f"payoffs[{i}]", valid=f"an array of real numbers with {count} axes")
            for i, p in enumerate(given)
        ]
        for i, p in enumerate(arrays):
            if p.ndim != count:
                raise ValueError(
                    f"payoffs[{i}] must have {count} axes, one a player (payoffs holds {count} "
                    f"arrays); got shape {p.shape}"
                )
            if p.shape != arrays[0].shape:
                raise ValueError(
                    f"payoffs must all have one shape; payoffs[{i}] has {p.shape} and payoffs[0] "
                    f"has {arrays[0].shape}"
                )
        shape = arrays[0].shape
        if 0 in shape:
            raise ValueError(f"payoffs must give every player an action; got shape {shape}")
        named = None
        if actions is not None:
            named = listed(actions, "actions", f"{count} lists of labels")
            if len(named) != count:
                raise ValueError(f"actions must be {count} lists of labels; got {actions!r}")
        self._freeze(
            payoffs=tuple(arrays),
            players=labels(players, count, "players", [str(i + 1) for i in range(count)]),
            actions=tuple(
                labels(
                    None if named is None else named[i],
                    n,
                    f"actions[{i}]",
                    [str(a + 1) for a in range(n)],
                )
                for i, n in enumerate(shape)
            ),
            name=str(name),
        )

    @property
    def n_players(self) -> int:
        """Number of players."""
        return len(self.payoffs)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return self.payoffs[0].shape

    @cached_property
    def own_payoffs(self) -> tuple[FloatArray, ...]:
        """Each player's payoffs as a matrix, own actions by the others' joint actions."""
        return tuple(own_first(p, i, self.n_players) for i, p in enumerate(self.payoffs))

    @cached_property
    def payoff_ranges(self) -> FloatArray:
        """Largest less smallest payoff of each player, (N,)."""
        return np.array([np.ptp(p) for p in self.payoffs])

    def _cells(self) -> list[list[str]]:
        rows = self.shape[0]
        flat = [p.reshape(rows, -1) for p in self.payoffs]
        return [
            [", ".join(f"{p[a, b]:.4g}" for p in flat) for b in range(flat[0].shape[1])]
            for a in range(rows)
        ]

    def _column_labels(self) -> list[str]:
        joint = [""]
        for own in self.actions[1:]:
            joint = [f"{head},{label}" if head else label for head in joint for label in own]
        return joint

    def _title(self) -> str:
        sizes = " x ".join(str(n) for n in self.shape)
        plural = "player" if self.n_players == 1 else "players"
        return f"{self.name or type(self).__name__}: {self.n_players} {plural}, {sizes} actions"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._title()}>"

    def __str__(self) -> str:
        if self.payoffs[0].size > 144:
            return f"{self._title()} (payoff table too large to print)"
        cells, columns = self._cells(), self._column_labels()
        width = max(len(text) for text in [*columns, *(c for row in cells for c in row)])
        side = max(len(label) for label in self.actions[0])
        lines = [self._title(), " " * (side + 2) + "".join(f"  {c:>{width}}" for c in columns)]
        for label, row in zip(self.actions[0], cells, strict=True):
            lines.append(f"  {label:<{side}}" + "".join(f"  {c:>{width}}" for c in row))
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        title = escape(self._title())
        if self.payoffs[0].size > 144:
            return f"<p><b>{title}</b> (payoff table too large to show)</p>"
        head = "".join(f"<th>{escape(c)}</th>" for c in self._column_labels())
        body = "".join(
            f"<tr><th>{escape(label)}</th>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>"
            for label, row in zip(self.actions[0], self._cells(), strict=True)
        )
        return f"<table><caption>{title}</caption><tr><th></th>{head}</tr>{body}</table>"


class CollaborativeGame(NormalFormGame):
    """A collaborative game: ``u_i = R(a_1, ..., a_N) - c_i(a_i)`` (science section 1).

    Parameters
    ----------
    reward : array_like (n_1, ..., n_N)
        The shared reward ``R``.
    costs : sequence of array_like, each (n_i,)
        Private cost of each action, one vector a player.
    players, actions, name
        As for `NormalFormGame`.

    Raises
    ------
    ValueError
        As `NormalFormGame`, and where the costs do not match the reward's axes.

    Examples
    --------
    >>> import rqe
    >>> game = rqe.CollaborativeGame([[1, 1], [1, 0]], [[0.4, 0.0], [0.4, 0.0]])
    >>> game.payoffs[0]
    array([[0.6, 0.6],
           [1. , 0. ]])
    """

    reward: FloatArray
    costs: tuple[FloatArray, ...]

    def __init__(
        self,
        reward: Any,
        costs: Sequence[Any],
        *,
        players: Sequence[str] | None = None,
        actions: Sequence[Sequence[str]] | None = None,
        name: str = "",
    ) -> None:
        shared = frozen_array(reward, "reward", valid="an array of shape (n_1, ..., n_N)")
        if shared.ndim == 0 or 0 in shared.shape:
            raise ValueError(
                "reward must have one axis a player and at least one action on each; got shape "
                f"{shared.shape}"
            )
        each = f"{shared.ndim} vectors, one a player (reward has shape {shared.shape})"
        vectors = listed(costs, "costs", each)
        if len(vectors) != shared.ndim:
            raise ValueError(f"costs must be {each}; got {len(vectors)}")
        private = tuple(
            frozen_array(c, f"costs[{i}]", valid="a vector of real numbers", ndim=1)
            for i, c in enumerate(vectors)
        )
        payoffs = []
        for i, (c, n) in enumerate(zip(private, shared.shape, strict=True)):
            if c.shape != (n,):
                raise ValueError(
                    f"costs[{i}] must have {n} entries, one an action of player {i}; got {c.shape}"
                )
            axes = [1] * shared.ndim
            axes[i] = n
            payoffs.append(shared - c.reshape(axes))
        super().__init__(payoffs, players=players, actions=actions, name=name)
        self._freeze(reward=shared, costs=private)
