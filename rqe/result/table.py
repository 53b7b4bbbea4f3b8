"""A small frozen table that prints, renders in Jupyter and writes CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # at the size of rounding only the magnitude says something
        return f"{value:.1e}" if 0.0 < abs(value) < 1e-8 else f"{value:.8g}"
    return "" if value is None else str(value)


@dataclass(frozen=True)
class Table:
    """Rows under named columns.

    Parameters
    ----------
    columns : tuple of str
    rows : tuple of tuples
        One cell a column: numbers, text, booleans or None.
    title : str

    Raises
    ------
    ValueError
        A row whose length is not the number of columns, or a column asked for that is not there.

    Examples
    --------
    >>> print(Table(("game", "regret"), (("chicken", 0.0),)))
    game     regret
    chicken       0
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"rows must have {len(self.columns)} cells each; got {row!r}")

    def column(self, name: str) -> tuple[Any, ...]:
        """All cells of one column."""
        if name not in self.columns:
            raise ValueError(f"name must be one of {self.columns}; got {name!r}")
        k = self.columns.index(name)
        return tuple(row[k] for row in self.rows)

    def __str__(self) -> str:
        return format_rows(self.columns, self.rows, self.title)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(c)}</th>" for c in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_cell(v))}</td>" for v in row) + "</tr>"
            for row in self.rows
        )
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        return f"<table>{caption}<tr>{head}</tr>{body}</table>"

    def to_csv(self) -> str:
        """The table as comma-separated text; floats keep full precision."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([repr(v) if isinstance(v, float) else v for v in row] for row in self.rows)
        return out.getvalue()


def format_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> str:
    """Aligned text: numbers to the right, words to the left."""
    text = [[_cell(v) for v in row] for row in rows]
    widths = [max([len(c), *(len(r[k]) for r in text)]) for k, c in enumerate(columns)]
    right = [
        bool(rows) and all(isinstance(r[k], (int, float)) or r[k] is None for r in rows)
        for k in range(len(columns))
    ]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            f"{c:>{w}}" if r else f"{c:<{w}}" for c, w, r in zip(cells, widths, right, strict=True)
        ).rstrip()

    return "\n".join(([title] if title else []) + [line(columns)] + [line(row) for row in text])
