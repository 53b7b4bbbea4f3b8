"""Games that people have played in laboratories, with what they did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rqe import NormalFormGame

from ._checks import whole


@dataclass(frozen=True, eq=False)
class ObservedPlay:
    """Choice frequencies observed in one two-player experiment with two actions a player.

    Attributes
    ----------
    row, column : float in [0, 1]
        Mean frequency of the row player's first action, and of the column player's first.
    groups : ndarray (G, 2)
        The same two frequencies of every independent group; read-only.
    decisions : ndarray (G,)
        Decisions per role in every group; read-only.
    subjects : int
        Number of subjects.
    """

    row: float
    column: float
    groups: NDArray[np.float64]
    decisions: NDArray[np.int64]
    subjects: int

    @property
    def counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Choices of each action by group, (G, 2) for the row and for the column player.

        ``decisions`` times ``groups``, rounded: most published frequencies have three decimals, so
        a count may be off by one in every thousand choices or so.

        Examples
        --------
        >>> import games
        >>> row, column = games.selten_chmura_play(1).counts
        >>> row[:2].tolist(), int(row.sum())
        ([[83, 717], [63, 737]], 9600)
        """
        first = np.rint(self.groups * self.decisions[:, None]).astype(np.int64)
        other = self.decisions[:, None] - first
        row, column = (np.stack([first[:, i], other[:, i]], axis=1) for i in (0, 1))
        return row, column


def selten_chmura(game: int = 1) -> NormalFormGame:
    """Selten and Chmura's twelve experimental 2 x 2 games.

    Parameters
    ----------
    game : int, 1 to 12
        The paper's number. Games 1 to 6 are constant-sum; game k + 6 has the payoff differences,
        hence the best replies, of game k, and is not.

    Returns
    -------
    NormalFormGame
        Actions U, D and L, R.

    Raises
    ------
    ValueError
        `game` not a whole number from 1 to 12.

    Notes
    -----
    Nash equilibrium: one, completely mixed. With row payoffs A and column payoffs B the column
    player plays L with probability ``(A_DR - A_UR) / (A_UL - A_UR - A_DL + A_DR)``, the row player
    U with probability ``(B_DR - B_DL) / (B_UL - B_UR - B_DL + B_DR)``; in game 1, U at 1/11 and L
    at 10/11. Source: SC08; provenance in ``games/data/selten_chmura_2008/README.md``.

    See Also
    --------
    selten_chmura_play : what the subjects did.

    Examples
    --------
    >>> import games
    >>> print(games.selten_chmura(1))
    Selten-Chmura game 1: 2 players, 2 x 2 actions
              L      R
      U   10, 8  0, 18
      D    9, 9  10, 8
    """
    entry = _selten_chmura(game)
    return NormalFormGame(
        [entry["row_payoffs"], entry["col_payoffs"]],
        actions=[entry["row_actions"], entry["col_actions"]],
        name=f"Selten-Chmura game {entry['game']}",
    )


def selten_chmura_play(game: int = 1) -> ObservedPlay:
    """How the subjects of Selten and Chmura played one of the twelve games.

    Parameters
    ----------
    game : int, 1 to 12
        The paper's number.

    Returns
    -------
    ObservedPlay
        Frequencies of U and of L over rounds 1 to 200: 12 independent groups of 8 subjects in
        games 1 to 6, 6 groups in games 7 to 12.

    Raises
    ------
    ValueError
        `game` not a whole number from 1 to 12.

    Notes
    -----
    Most group frequencies are rounded to three decimals: as counts use ``decisions`` times
    ``groups``, rounded. Source: SC08, one transcription; see the data's README.

    Examples
    --------
    >>> import games
    >>> play = games.selten_chmura_play(1)
    >>> play.row, play.column, play.groups.shape
    (0.079, 0.6901, (12, 2))
    """
    seen = _selten_chmura(game)["observed"]
    groups = np.array([[g["U"], g["L"]] for g in seen["groups"]], dtype=np.float64)
    decisions = np.array([g["N"] for g in seen["groups"]], dtype=np.int64)
    groups.setflags(write=False)
    decisions.setflags(write=False)
    return ObservedPlay(
        row=float(seen["U"]),
        column=float(seen["L"]),
        groups=groups,
        decisions=decisions,
        subjects=int(seen["subjects"]),
    )


def goeree_holt_palfrey() -> NormalFormGame:
    """A matching-pennies game of Goeree, Holt and Palfrey, with a risky and a safe action.

    Returns
    -------
    NormalFormGame
        Actions U, D and L, R. Payoffs, row: ``[[200, 160], [370, 10]]``; column:
        ``[[160, 10], [200, 370]]``.

    Notes
    -----
    Nash equilibrium: U with probability 17/32, L with probability 15/32. Source: GHP03; one
    transcription of the payoffs, and that this is the paper's game 4 is inferred, not checked
    against the paper. No observed frequencies are at hand.

    Examples
    --------
    >>> import games
    >>> games.goeree_holt_palfrey().payoffs[0]
    array([[200., 160.],
           [370.,  10.]])
    """
    return NormalFormGame(
        [[[200, 160], [370, 10]], [[160, 10], [200, 370]]],
        actions=[["U", "D"], ["L", "R"]],
        name="Goeree-Holt-Palfrey game 4",
    )


def _selten_chmura(game: int) -> dict[str, Any]:
    number = whole(game, "game", 1, 12)
    entries = {entry["game"]: entry for entry in _data()["games"]}
    found: dict[str, Any] = entries[number]
    return found


@cache
def _data() -> dict[str, Any]:
    text = files("games").joinpath("data/selten_chmura_2008/games.json").read_text("utf-8")
    data: dict[str, Any] = json.loads(text)
    return data
