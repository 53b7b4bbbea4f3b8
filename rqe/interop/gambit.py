"""Games to and from Gambit: its ``.nfg`` and ``.efg`` files, and pygambit objects."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..model.normal_form import NormalFormGame
from ..result.files import read_bytes, whole_file
from ._limits import MAX_BYTES, MAX_PLAYERS, refuse_impossible, refuse_large
from ._peer import peer, require_normal_form
from ._table import payoffs_of


def read_game(path: str | os.PathLike[str]) -> NormalFormGame:
    """Read a game from one of Gambit's files.

    Parameters
    ----------
    path : path
        A ``.nfg`` file, or a ``.efg`` file, of which the reduced strategic form is taken (chance
        moves are averaged over). UTF-8.

    Returns
    -------
    NormalFormGame
        With the file's players, actions and title as labels and name; payoffs are the doubles
        nearest to the file's numbers. Actions of an ``.efg`` game are numbered, as Gambit does it.

    Raises
    ------
    ValueError
        Another ending, a malformed file, payoffs outside the range of a double, or a game of more
        than 4,000,000 profiles, 63 players, 10,000 actions of one of them, 400 digits in a row or
        (``.efg``) 5,000 moves, or 20,000,000 moves times profiles. The message names the path and
        problem.
    OSError
        The file cannot be read.
    MissingExtraError
        pygambit is not installed (extra ``gambit``).

    Examples
    --------
    >>> import rqe, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as place:
    ...     path = pathlib.Path(place, "coin.nfg")
    ...     _ = path.write_text('NFG 1 R "coin" { "Ann" "Bob" } { 2 2 } 1 -1 -1 1 -1 1 1 -1')
    ...     print(rqe.read_game(path))
    coin: 2 players, 2 x 2 actions
              1      2
      1   1, -1  -1, 1
      2   -1, 1  1, -1
    """
    source = Path(path)
    kind = source.suffix.lower()
    if kind not in (".nfg", ".efg"):
        raise ValueError(f"path must end in .nfg or .efg; got {str(source)!r}")
    pygambit = peer("pygambit", "gambit")
    data = read_bytes(source, MAX_BYTES)
    try:
        text = data.decode("utf-8")
        refuse_impossible(text, kind)
        return from_gambit(_parse(pygambit, text, kind))
    except (ValueError, RuntimeError, OverflowError) as error:
        raise ValueError(
            f"path must hold a game in Gambit's {kind} format; {source}: {error}"
        ) from None


def write_game(game: NormalFormGame, path: str | os.PathLike[str]) -> None:
    """Write a game to a Gambit ``.nfg`` file, whole or not at all.

    Payoffs keep every digit: `read_game` returns the same doubles (the sign of a zero aside). A
    `CollaborativeGame` comes back as a `NormalFormGame`: the format has no shared reward.

    Parameters
    ----------
    game : NormalFormGame
    path : path
        Ends in ``.nfg``; overwritten if it is there.

    Raises
    ------
    ValueError
        Not a normal-form game, another ending, or a game that `to_gambit` refuses.
    OSError
        The place cannot be written.
    MissingExtraError
        pygambit is not installed (extra ``gambit``).

    Examples
    --------
    >>> import rqe, tempfile, pathlib
    >>> game = rqe.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]], name="stag hunt")
    >>> with tempfile.TemporaryDirectory() as place:
    ...     rqe.write_game(game, pathlib.Path(place, "stag.nfg"))
    ...     rqe.read_game(pathlib.Path(place, "stag.nfg"))
    <NormalFormGame stag hunt: 2 players, 2 x 2 actions>
    """
    target = Path(path)
    if target.suffix.lower() != ".nfg":
        raise ValueError(f"path must end in .nfg; got {str(target)!r}")
    to_gambit(game)  # refuses what Gambit could not read again, before anything is written
    with whole_file(target) as file:
        file.write(_nfg_text(game).encode("utf-8"))


def to_gambit(game: NormalFormGame) -> Any:
    """The game as a pygambit strategic game.

    Parameters
    ----------
    game : NormalFormGame

    Returns
    -------
    pygambit.StrategicGame
        With the same labels, title and payoffs (decimals that name the same doubles).

    Raises
    ------
    ValueError
        Not a normal-form game, more than 4,000,000 profiles, or a label or name that Gambit's
        format cannot hold, such as one with a line break or with space at its ends.
    MissingExtraError
        pygambit is not installed (extra ``gambit``).

    Examples
    --------
    >>> import rqe
    >>> from rqe.interop import to_gambit
    >>> to_gambit(rqe.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]])).get_strategies("1")
    ['1', '2']
    """
    require_normal_form(game)
    pygambit = peer("pygambit", "gambit")
    refuse_large(prod(game.shape))
    # pygambit builds a table faster from its own format than from arrays
    try:
        table = _parse(pygambit, _nfg_text(game), ".nfg")
        same = (table.title, tuple(table.players)) == (game.name, game.players)
        same = same and all(
            tuple(table.get_strategies(p)) == own
            for p, own in zip(game.players, game.actions, strict=True)
        )
    except ValueError:
        same = False
    if not same:
        raise ValueError(_unfit_label(pygambit, game))
    return table


def from_gambit(game: Any) -> NormalFormGame:
    """A pygambit game's strategic form; an extensive game's reduced one.

    Parameters
    ----------
    game : pygambit.Game
        Of any representation. Chance moves are averaged over by pygambit, exactly.

    Returns
    -------
    NormalFormGame

    Raises
    ------
    ValueError
        Not a pygambit game, more than 4,000,000 profiles or 63 players, or a payoff outside the
        range of a double.
    MissingExtraError
        pygambit is not installed (extra ``gambit``).

    Examples
    --------
    >>> import pygambit
    >>> from rqe.interop import from_gambit
    >>> from_gambit(pygambit.StrategicGame.from_arrays([[1, 0]], [[0, 1]], title="tiny"))
    <NormalFormGame tiny: 2 players, 1 x 2 actions>
    """
    pygambit = peer("pygambit", "gambit")
    if not isinstance(game, pygambit.Game):
        raise ValueError(f"game must be a pygambit game; got {type(game).__name__}")
    players = list(game.players)
    if not players:
        raise ValueError("game must have at least one player; got none")
    actions = [game.get_strategies(player) for player in players]
    shape = tuple(len(own) for own in actions)
    refuse_large(prod(shape))
    if len(players) > MAX_PLAYERS:
        raise ValueError(f"game must have at most {MAX_PLAYERS} players; got {len(players)}")
    payoffs = payoffs_of(game.to_nfg(), len(players), shape)
    if payoffs is None:
        payoffs = _by_profile(game, players, actions)
    if not np.all(np.isfinite(payoffs)):
        row, *where = np.argwhere(~np.isfinite(payoffs))[0].tolist()
        profile = tuple(own[a] for own, a in zip(actions, where, strict=True))
        raise ValueError(
            f"payoffs must fit in a double; player {players[row]!r} has one beyond its range at "
            f"{profile}"
        )
    return NormalFormGame(list(payoffs), players=players, actions=actions, name=game.title)


def _by_profile(game: Any, players: Sequence[str], actions: Sequence[Sequence[str]]) -> Any:
    """Payoffs asked for one after another; infinite where no double holds one."""
    payoffs = np.empty((len(players), *(len(own) for own in actions)))
    flat = payoffs.reshape(len(players), -1)
    for column, profile in enumerate(itertools.product(*actions)):
        cell = game.get_payoffs(dict(zip(players, profile, strict=True)))
        for row, player in enumerate(players):
            try:
                flat[row, column] = float(cell[player])
            except OverflowError:
                flat[row, column] = np.inf
    return payoffs


def _parse(pygambit: Any, text: str, kind: str) -> Any:
    reader = pygambit.read_efg if kind == ".efg" else pygambit.read_nfg
    return reader(io.BytesIO(text.encode("utf-8")))


def _quote(label: str) -> str:
    escaped = label.replace('"', '\\"')
    return f'"{escaped}"'


def _nfg_text(game: NormalFormGame) -> str:
    """The game in Gambit's payoff form: the first player's action runs fastest."""
    players = " ".join(_quote(player) for player in game.players)
    actions = " ".join(f"{{ {' '.join(_quote(a) for a in own)} }}" for own in game.actions)
    columns = np.stack([p.ravel(order="F") for p in game.payoffs], axis=1)
    # repr of a double is the shortest decimal that reads back as the same double
    rows = "\n".join(" ".join(map(repr, row)) for row in columns.tolist())
    return f'NFG 1 R {_quote(game.name)} {{ {players} }}\n{{ {actions} }}\n""\n\n{rows}\n'


def _unfit_label(pygambit: Any, game: NormalFormGame) -> str:
    """Which label the format cannot hold, found by trying each alone."""

    def held(title: str, label: str) -> bool:
        text = f'NFG 1 R {_quote(title)} {{ {_quote(label)} }} {{ {{ {_quote(label)} }} }} "" 0'
        try:
            table = _parse(pygambit, text, ".nfg")
        except ValueError:
            return False
        return bool((table.title, list(table.players)) == (title, [label]))

    valid = "must be text that Gambit's format can hold"
    if not held(game.name, "1"):
        return f"name {valid} (no backslash before a quote or at the end); got {game.name!r}"
    for label in itertools.chain(game.players, *game.actions):
        if not held("", label):
            return (
                f"players and actions {valid} (no control characters, no space at the ends, no two "
                f"in a row, no backslash before a quote or at the end); got {label!r}"
            )
    return f"players and actions {valid}; got {game.players!r}, {game.actions!r}"
