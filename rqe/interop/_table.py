"""Payoffs of a game from the text that pygambit writes of it, as a table.

Asked for one profile after another, pygambit looks labels up one by one, which takes time in
proportion to the number of actions for each: hours for tables it writes in seconds.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import inf

import numpy as np

from ..model._checks import FloatArray
from ._limits import QUOTED

_HEAD = re.compile(r'\s*NFG\s+1\s+[DR]\s*"\s*\{[\s"]*\}\s*\{(?:\s*\{[\s"]*\})*\s*\}\s*"\s*')
_OUTCOME = re.compile(r'\{\s*"([^{}"]*)\}')
_NUMBER = re.compile(r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?(?:/[0-9]+)?")


def payoffs_of(text: str, n_players: int, shape: tuple[int, ...]) -> FloatArray | None:
    """Payoffs (N, n_1, ..., n_N), infinite where no double holds one; None if the text is odd.

    Odd it is where a label ends in a backslash: Gambit's format cannot tell where such a one ends.
    """
    bare = QUOTED.sub('"', text)
    head = _HEAD.match(bare)
    if head is None:
        return None
    body = bare[head.end() :]
    outcomes, braces, cells = body.rpartition("}")
    if braces:
        cell = _by_outcome(outcomes + braces, cells, n_players)
    else:
        flat = _doubles(body.split())
        cell = None if flat is None or flat.size % n_players else flat.reshape(-1, n_players)
    if cell is None or len(cell) != np.prod(shape, dtype=object):
        return None
    # the first player's action runs fastest
    return np.stack([column.reshape(shape, order="F") for column in cell.T])


def _by_outcome(outcomes: str, cells: str, n_players: int) -> FloatArray | None:
    """A row of payoffs a profile, from the numbers of its outcomes; 0 is no outcome."""
    rows = [np.zeros(n_players)]
    for found in _OUTCOME.finditer(outcomes):
        row = _doubles(found.group(1).replace(",", " ").split())
        if row is None or len(row) != n_players:
            return None
        rows.append(row)
    words = cells.split()
    if not all(w.isascii() and w.isdigit() and int(w) < len(rows) for w in words):
        return None
    return np.array(rows)[[int(w) for w in words]]


def _doubles(words: list[str]) -> FloatArray | None:
    """The doubles nearest to numbers as Gambit writes them."""
    known: dict[str, float] = {}
    for word in dict.fromkeys(words):
        if _NUMBER.fullmatch(word) is None:
            return None
        try:
            known[word] = float(Fraction(word)) if "/" in word else float(word)
        except OverflowError:
            known[word] = inf
        except (ValueError, ZeroDivisionError):
            return None
    return np.array([known[word] for word in words])
