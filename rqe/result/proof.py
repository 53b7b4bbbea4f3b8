"""What is proven about the equilibria of a game: how many there are, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .table import Table, format_rows

FloatArray = NDArray[np.float64]
Bounds = tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]
"""Lower and upper ends of each player's probabilities."""

SHOWN = 40
"""Rows printed at most."""


@dataclass(frozen=True, eq=False, repr=False)
class Proof:
    """Boxes of strategies that hold exactly one RQE each, and boxes that could not be decided.

    Every RQE of the scope lies in one of the boxes. Each is a pair ``(lower, upper)``, both a tuple
    of one array (n_i,) a player: the ends of its probabilities as float64, rounded outward.

    Attributes
    ----------
    enclosures : tuple of (lower, upper)
        Proven to hold exactly one RQE each (of the scope), ordered by the lower ends.
    undecided : tuple of (lower, upper)
        Neither shown to be empty nor to hold exactly one; or shown to hold one that float64 cannot
        tell from another (probabilities that underflow).
    complete : {"proved", "unknown"}
        "proved" where nothing is undecided: ``len(enclosures)`` is then the number of RQE.
    boxes : int
        Boxes examined.
    precision : int
        Bits of the interval arithmetic in which the last box was decided.
    scope : {"all", "symmetric"}
        Whether all RQE were looked for, or those in which all players play alike.
    name : str
        The game's name.

    Notes
    -----
    ``len(proof)`` is the number of enclosures.
    """

    enclosures: tuple[Bounds, ...]
    undecided: tuple[Bounds, ...]
    complete: str
    boxes: int
    precision: int
    scope: str = "all"
    name: str = ""

    def __len__(self) -> int:
        return len(self.enclosures)

    def match(self, profile: Sequence[Any], *, atol: float = 1e-8) -> tuple[int, ...]:
        """Numbers of the enclosures that a profile lies in, or within `atol` of.

        Parameters
        ----------
        profile : Equilibrium or sequence of array (n_i,)
            One mixed strategy a player.
        atol : float
            Largest distance of a probability from the enclosure, >= 0: a solver's answer has an
            error of its own.

        Raises
        ------
        ValueError
            `atol` is negative or not a number, or the profile does not have the game's shape.

        Examples
        --------
        >>> import numpy as np
        >>> box = ((np.array([0.3, 0.6]),), (np.array([0.4, 0.7]),))
        >>> Proof((box,), (), "proved", 1, 64).match([[0.35, 0.65]])
        (0,)
        """
        if not atol >= 0.0:
            raise ValueError(f"atol must be a number >= 0; got {atol!r}")
        given = [np.asarray(x, dtype=np.float64) for x in profile]
        for box in (*self.enclosures, *self.undecided):
            sizes = [x.shape for x in box[0]]
            if [x.shape for x in given] != sizes:
                raise ValueError(
                    f"profile must be strategies of shapes {sizes}; got {[x.shape for x in given]}"
                )
        return tuple(
            k
            for k, (low, high) in enumerate(self.enclosures)
            if all(
                bool(np.all((x >= a - atol) & (x <= b + atol)))
                for x, a, b in zip(given, low, high, strict=True)
            )
        )

    def table(self) -> Table:
        """One row a box: verdict, the middle of its strategies, its largest width."""
        rows: tuple[tuple[Any, ...], ...] = (
            *((k, "one RQE", *_row(box)) for k, box in enumerate(self.enclosures)),
            *((None, "undecided", *_row(box)) for box in self.undecided),
        )
        return Table(("#", "verdict", "strategies", "width"), rows, title=self._title())

    def _title(self) -> str:
        count = len(self.enclosures)
        kind = "symmetric RQE" if self.scope == "symmetric" else "RQE"
        subject = f" of {self.name}" if self.name else ""
        if self.complete == "proved":
            words = [f"exactly {count} {kind}{subject}, proved"]
        else:
            boxes = len(self.undecided)
            words = [
                f"{count} {kind}{subject} proved",
                f"{boxes} box{'' if boxes == 1 else 'es'} undecided",
            ]
        return ", ".join([*words, f"{self.boxes} boxes examined", f"{self.precision} bits"])

    def __repr__(self) -> str:
        return f"<Proof: {self._title()}>"

    def __str__(self) -> str:
        table = self.table()
        text = format_rows(table.columns, table.rows[:SHOWN], table.title)
        more = len(table.rows) - SHOWN
        return f"{text}\n... {more} rows more" if more > 0 else text

    def _repr_html_(self) -> str:
        table = self.table()
        more = len(table.rows) - SHOWN
        note = f"<p>... {more} rows more</p>" if more > 0 else ""
        return Table(table.columns, table.rows[:SHOWN], table.title)._repr_html_() + note


def _row(box: Bounds) -> tuple[str, float]:
    """The middle of a box in words, and its largest width."""
    middle = [(a + b) / 2 for a, b in zip(*box, strict=True)]
    width = max(float(np.max(b - a)) for a, b in zip(*box, strict=True))
    return " | ".join(" ".join(f"{p:.6g}" for p in x) for x in middle), width
