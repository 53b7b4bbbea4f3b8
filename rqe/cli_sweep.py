"""The command that solves a game, or a family of games, over a grid of attitudes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import games
import rqe

from .analysis import GameFamily, sweep
from .cli_bars import counting_bar

GRID = "VALUES"
MOST = 10**6
"""Values of one axis, at most."""


def add_command(commands: Any, find_game: Callable[[str], Any]) -> None:
    """Add ``sweep`` to the command's parser.

    Parameters
    ----------
    commands : subparsers of argparse
    find_game : function
        A built-in game by name, or one read from a file.
    """
    parser = commands.add_parser(
        "sweep",
        help="solve a game over a grid of attitudes, on many cores, resumably",
        description=(
            "Solve RQE at every combination of the given values, a row each. VALUES are numbers "
            "separated by commas (0,1,inf), or FIRST:LAST:COUNT in even steps, or "
            "FIRST:LAST:COUNT:log in even ratios. With --chunks an interrupted sweep goes on where "
            "it was when the same command is given again."
        ),
    )
    parser.add_argument("game", metavar="NAME[:arg=value,...]|FILE", help="as for solve")
    parser.add_argument(
        "--tau", type=axis, required=True, metavar=GRID, help="risk aversion, 0 to inf"
    )
    precision = parser.add_mutually_exclusive_group(required=True)
    precision.add_argument("--epsilon", type=axis, metavar=GRID, help="bounded rationality")
    precision.add_argument("--lam", type=axis, metavar=GRID, help="its inverse, precision")
    parser.add_argument(
        "--vary",
        type=named_axis,
        action="append",
        default=[],
        metavar=f"NAME={GRID}",
        help="an argument of a built-in game, or tau_2 of player 2 alone; may be repeated",
    )
    parser.add_argument("--select", choices=("principal", "any"), default="principal")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all rows as CSV")
    parser.add_argument(
        "--chunks", type=Path, metavar="DIR", help="keep finished chunks here, and go on from them"
    )
    parser.add_argument("--chunk-size", type=int, metavar="N", help="points that a worker takes")
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="processes; -1: one a core (default: 1)"
    )
    parser.set_defaults(run=lambda options: _sweep(options, find_game))


def axis(text: str) -> list[Any]:
    """The values that a text describes."""
    parts = text.split(":")
    if len(parts) == 1:
        return [_value(part) for part in text.split(",")]
    try:
        first, last = float(parts[0]), float(parts[1])
        count = int(parts[2])
        if not (1 <= count <= MOST and np.isfinite([first, last]).all()):
            raise ValueError
        if parts[3:] == ["log"] and first > 0.0 and last > 0.0:
            return [float(v) for v in np.geomspace(first, last, count)]
        if parts[3:]:
            raise ValueError
    except (ValueError, IndexError):
        raise argparse.ArgumentTypeError(
            "must be values separated by commas, or FIRST:LAST:COUNT, or FIRST:LAST:COUNT:log of "
            f"positive numbers; got {text!r}"
        ) from None
    values = [float(v) for v in np.linspace(first, last, count)]
    # 2:6:5 of numbers of players are whole numbers
    return [int(v) for v in values] if all(v.is_integer() for v in values) else values


def _value(text: str) -> int | float | str:
    """A number, or a word as it stands."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    if not text.strip():
        raise argparse.ArgumentTypeError("must have a value between commas")
    return text.strip()


def named_axis(text: str) -> tuple[str, list[Any]]:
    """NAME=VALUES."""
    name, equals, values = text.partition("=")
    if not (name and equals and values):
        raise argparse.ArgumentTypeError(f"must be NAME={GRID}; got {text!r}")
    return name, axis(values)


@dataclass(frozen=True)
class Named:
    """A built-in game, some of whose arguments vary.

    Parameters
    ----------
    text : str
        ``NAME`` or ``NAME:arg=value,...``.
    """

    text: str

    def __call__(self, **values: Any) -> Any:
        """The game of these arguments."""
        given = ",".join(f"{name}={value}" for name, value in values.items())
        return games.get(f"{self.text}{',' if ':' in self.text else ':'}{given}")


def _sweep(options: argparse.Namespace, find_game: Callable[[str], Any]) -> None:
    grid = {"tau": options.tau}
    grid |= {"epsilon": options.epsilon} if options.lam is None else {"lam": options.lam}
    arguments: dict[str, list[Any]] = {}
    for name, values in options.vary:
        if name in grid or name in arguments:
            raise ValueError(f"--vary must name an argument once; got {name} again")
        one_player = name.partition("_")[0] in grid and name.partition("_")[2].isdecimal()
        (grid if one_player else arguments)[name] = values
    make = _family(options.game, arguments, find_game)
    if options.out is not None:  # a bad place is refused before any work
        options.out.parent.mkdir(parents=True, exist_ok=True)
        if options.out.is_dir():
            raise ValueError(f"--out must be a file; {options.out} is a folder")
    # the game's own arguments first: neighbouring points are then of one game
    with counting_bar("points", None) as progress:
        table = sweep(
            GameFamily(make, select=options.select),
            {**arguments, **grid},
            chunk=options.chunk_size,
            folder=options.chunks,
            n_jobs=options.jobs,
            progress=progress,
        )
    print(table if options.out is None else table.counts())
    if options.out is not None:
        table.save_csv(options.out)
        print("wrote", options.out)


def _family(text: str, arguments: dict[str, list[Any]], find_game: Callable[[str], Any]) -> Any:
    """The game, or what makes it of the arguments that vary."""
    name, _, rest = text.partition(":")
    if arguments:
        if name not in games.catalogue():
            raise ValueError(f"--vary goes with a game that `rqe games` lists; got {text!r}")
        known = [p.name for p in games.catalogue()[name].parameters]
        for given in arguments:
            if given not in known:
                valid = ", ".join(known) or "no argument"
                raise ValueError(f"--vary of {name} must name {valid}; got {given!r}")
            if f",{given}=" in f",{rest.replace(' ', '')}":
                raise ValueError(f"--vary must not name what {text!r} fixes; got {given}")
    game = find_game(text)
    if not isinstance(game, rqe.NormalFormGame):
        raise ValueError(f"game must be in normal form; {name} is none")
    return Named(text) if arguments else game
