"""Stage games of a Markov game: what each joint action is worth given the values of next states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..model.agent import Agent, is_neutral
from ..model.markov import MarkovGame

DENSE = 1500
"""Unknowns up to which a linear system is solved as a dense one."""


@dataclass(frozen=True)
class _Group:
    """The state–action pairs that have the same number of next states."""

    rows: np.ndarray[Any, np.dtype[np.intp]]
    places: np.ndarray[Any, np.dtype[np.intp]]
    """Where in the stored transitions each next state is, (rows, next states)."""
    log_q: FloatArray


class Environment:
    """One player's price of random transitions: certainty equivalents of next states' values.

    A measure's worst case is sought among the next states that have positive probability. Rows are
    taken in groups of one length, so that no padding is ever needed.

    Parameters
    ----------
    transitions : scipy.sparse.csr_array (rows, S)
        As `MarkovGame.transitions`.
    measure : risk measure
        `Agent.environment`.
    """

    def __init__(self, transitions: Any, measure: Any) -> None:
        self.transitions, self.measure = transitions, measure
        self.neutral = is_neutral(measure)
        self._groups: list[_Group] = []
        if self.neutral:
            return
        lengths = np.diff(transitions.indptr)
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            places = transitions.indptr[rows][:, None] + np.arange(length)
            self._groups.append(_Group(rows, places, np.log(transitions.data[places])))

    def certain(self, values: FloatArray) -> FloatArray:
        """Certainty equivalent of ``values`` (S,) one step ahead, for each row."""
        if self.neutral:
            return np.asarray(self.transitions @ values)
        out = np.empty(self.transitions.shape[0])
        for group in self._groups:
            u = values[self.transitions.indices[group.places]]
            out[group.rows] = self.measure.certainty_equivalent(u, group.log_q)
        return out

    def believed(self, values: FloatArray) -> Any:
        """Worst-case transitions at ``values``, sparse: the slope of `certain`, and a bound on it.

        Certainty equivalents are concave, so the expectation under these transitions of any change
        of values is at least what the certainty equivalent changes by.
        """
        if self.neutral:
            return self.transitions
        from scipy import sparse

        data = np.empty_like(self.transitions.data)
        for group in self._groups:
            u = values[self.transitions.indices[group.places]]
            data[group.places] = np.exp(self.measure.log_belief(u, group.log_q))
        parts = (data, self.transitions.indices, self.transitions.indptr)
        return sparse.csr_array(parts, shape=self.transitions.shape)


class Stages:
    """All stage games of a Markov game, given everyone's values of the states.

    Parameters
    ----------
    game : MarkovGame
    agents : sequence of Agent
    """

    def __init__(self, game: MarkovGame, agents: Sequence[Agent]) -> None:
        self.game, self.agents = game, tuple(agents)
        self.discount = 1.0 if game.discount is None else game.discount
        kept: dict[Any, Environment] = {}
        self.environments = tuple(
            kept.setdefault(a.environment, Environment(game.transitions, a.environment))
            for a in self.agents
        )

    def payoff(self, player: int, values: FloatArray) -> FloatArray:
        """A player's stage payoffs (S, n_i, m_i) where next states are worth ``values`` (S,)."""
        game = self.game
        ahead = self.environments[player].certain(values).reshape(game.n_states, *game.shape)
        return game.own_rewards[player] + self.discount * game.own_first(ahead, player)

    def payoffs(self, values: FloatArray) -> list[FloatArray]:
        """Everyone's, from values (N, S)."""
        return [self.payoff(i, v) for i, v in enumerate(values)]

    def joint(self, weights: FloatArray, player: int) -> FloatArray:
        """Numbers (S, n_i, m_i) in a player's view, as (S, Πn) in the game's order."""
        shape = self.game.shape
        others = [n for j, n in enumerate(shape) if j != player]
        full = np.moveaxis(weights.reshape(-1, shape[player], *others), 1, 1 + player)
        return np.ascontiguousarray(full).reshape(self.game.n_states, -1)

    def onward(self, weights: FloatArray, transitions: Any) -> Any:
        """Sparse (S, S): next states' weights, from weights (S, Πn) of the joint actions."""
        from scipy import sparse

        size = weights.shape[1]
        ends = np.arange(0, weights.size + 1, size)
        rows = (weights.ravel(), np.arange(weights.size), ends)
        return sparse.csr_array(rows, shape=(self.game.n_states, weights.size)) @ transitions


def relax(matrix: Any, right: FloatArray, guess: FloatArray | None = None) -> FloatArray:
    """Solution of a sparse square system that is close to ``I`` less a matrix of probabilities.

    Dense where it is small; else GMRES, which such systems suit, and a factorisation if it fails.
    """
    if right.size <= DENSE:
        return np.asarray(np.linalg.solve(matrix.toarray(), right))
    from scipy.sparse import linalg

    scale = float(np.abs(right).max())
    if scale == 0.0:
        return np.zeros_like(right)
    found, failed = linalg.gmres(
        matrix, right / scale, x0=guess, rtol=1e-12, atol=0.0, restart=200, maxiter=5
    )
    if failed:
        found = linalg.splu(matrix.tocsc()).solve(right / scale)
    return np.asarray(found * scale)
