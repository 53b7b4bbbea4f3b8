"""A tidy table of many rows: an array a column, one row a point."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from numbers import Real
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..model._checks import is_whole
from ..result.files import whole_file
from ..result.status import MissingExtraError
from ..result.table import Table, format_rows

Scalar = bool | int | float | str | None
LONGEST = 1000
"""Characters that a text may have."""
SHOWN = 6
"""Rows at the beginning, and at the end, of a table that is printed."""
BLOCK = 10_000
"""Rows that are turned into Python values at a time."""


def plain(value: Any, name: str) -> Scalar:
    """A number, text, truth value or nothing, as Python has it; not-a-number is nothing.

    Raises
    ------
    ValueError
        Anything else, a text that is too long, or a whole number beyond 64 bits.
    """
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if is_whole(value) and -(2**63) <= value < 2**63:
        return int(value)
    if isinstance(value, Real) and not is_whole(value) and not isinstance(value, np.timedelta64):
        return None if value != value else float(value)
    if isinstance(value, str) and len(value) <= LONGEST:
        return str(value)
    shown = repr(value)
    raise ValueError(
        f"{name} must be a number, a text of at most {LONGEST} characters, True, False or None; "
        f"got {type(value).__name__} {shown if len(shown) < 60 else shown[:57] + '...'}"
    )


@dataclass(frozen=True, eq=False)
class Column:
    """One column: int64, float64 (NaN is nothing), or codes of a few distinct values.

    Attributes
    ----------
    data : array
        Of int64, of float64, or of int32 where there are levels.
    levels : tuple, optional
        The distinct values that codes stand for, in order of appearance.
    """

    data: NDArray[Any]
    levels: tuple[Scalar, ...] | None = None

    def __len__(self) -> int:
        return len(self.data)

    def values(self, rows: slice = slice(None)) -> list[Scalar]:
        """Cells as Python values."""
        found: list[Any] = self.data[rows].tolist()
        if self.levels is not None:
            return [self.levels[code] for code in found]
        if self.data.dtype == np.float64:
            return [None if v != v else v for v in found]
        return found

    def take(self, where: NDArray[Any]) -> Column:
        """The cells at some rows."""
        return Column(self.data[where], self.levels)


def nothing(count: int) -> Column:
    """A column without a value."""
    return Column(np.full(count, np.nan))


def column_of(values: Sequence[Scalar]) -> Column:
    """A column of values from `plain`.

    Whole numbers beside real ones, or beside nothing, become real ones: so a column is the same
    however its rows were cut into chunks.
    """
    kinds = set(map(type, values))
    if kinds == {type(None)}:
        return nothing(len(values))
    if kinds <= {int}:
        return Column(np.array(values, dtype=np.int64))
    if kinds <= {int, float, type(None)}:
        return Column(np.array([np.nan if v is None else v for v in values], dtype=np.float64))
    if kinds <= {str, bool, type(None)}:
        codes = {value: code for code, value in enumerate(dict.fromkeys(values))}
        return Column(np.array([codes[v] for v in values], dtype=np.int32), tuple(codes))
    return _mixed(values, promoted=not kinds.isdisjoint({float, type(None)}))


def _mixed(values: Sequence[Scalar], *, promoted: bool) -> Column:
    """A column of numbers among texts and truth values."""
    codes: dict[tuple[str, str], int] = {}
    levels: list[Scalar] = []
    data = np.empty(len(values), dtype=np.int32)
    for row, value in enumerate(values):
        level = float(value) if promoted and type(value) is int else value
        # True, 1 and 1.0 are equal, 0.0 and -0.0 too: the spelling tells them apart
        code = codes.setdefault((type(level).__name__, repr(level)), len(levels))
        if code == len(levels):
            levels.append(level)
        data[row] = code
    return Column(data, tuple(levels))


def join(parts: Sequence[Column]) -> Column:
    """Columns one below the other; the same as `column_of` all their values."""
    if all(p.levels is None for p in parts):
        return Column(np.concatenate([p.data for p in parts]))  # int64 beside float64 is float64
    parts = [_blank(p) if p.levels is None and _is_empty(p) else p for p in parts]
    if any(p.levels is None or any(type(v) in (int, float) for v in p.levels) for p in parts):
        return column_of([v for p in parts for v in p.values()])
    codes: dict[Scalar, int] = {}  # of texts, truth values and None: none equals another
    maps = [[codes.setdefault(v, len(codes)) for v in p.levels or ()] for p in parts]
    data = [np.array(m, dtype=np.int32)[p.data] for m, p in zip(maps, parts, strict=True)]
    return Column(np.concatenate(data), tuple(codes))


def _is_empty(column: Column) -> bool:
    return column.data.dtype == np.float64 and bool(np.isnan(column.data).all())


def _blank(column: Column) -> Column:
    return Column(np.zeros(len(column), dtype=np.int32), (None,))


@dataclass(frozen=True, eq=False, repr=False)
class SweepTable:
    """What a sweep found: one row a point, in the order of the grid.

    Attributes
    ----------
    columns : tuple of str
        The grid's names, ``status``, what was found, ``reason``.
    title : str

    Notes
    -----
    Cells are whole numbers, real numbers, texts, truth values or None; not-a-number is None. A
    column is kept as an array, so that a row takes some ten bytes a column.

    Examples
    --------
    >>> import rqe
    >>> table = rqe.analysis.sweep(lambda x, y: x * y, {"x": [1, 2], "y": [0.5, 1.5]})
    >>> print(table)
    4 points
    x    y  status  value  reason
    1  0.5  DONE      0.5
    1  1.5  DONE      1.5
    2  0.5  DONE        1
    2  1.5  DONE        3
    >>> table.column("value"), len(table)
    ((0.5, 1.5, 1.0, 3.0), 4)
    """

    data: Mapping[str, Column]
    title: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.data)

    def __len__(self) -> int:
        return len(next(iter(self.data.values())))

    def column(self, name: str) -> tuple[Scalar, ...]:
        """All cells of one column.

        Raises
        ------
        ValueError
            There is no such column.
        """
        return tuple(self._column(name).values())

    def array(self, name: str) -> NDArray[Any]:
        """One column as an array of int64, of float64 (NaN for None), or of objects.

        Raises
        ------
        ValueError
            There is no such column.
        """
        found = self._column(name)
        if found.levels is None:
            return found.data.copy()
        levels = np.empty(len(found.levels), dtype=object)
        levels[:] = found.levels
        cells: NDArray[Any] = levels[found.data]
        return cells

    def _column(self, name: str) -> Column:
        if name not in self.data:
            raise ValueError(f"name must be one of {self.columns}; got {name!r}")
        return self.data[name]

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[Scalar, ...]]:
        """Rows as tuples, one after another, from `start` to before `stop`."""
        stop = len(self) if stop is None else min(stop, len(self))
        for first in range(start, stop, BLOCK):
            part = slice(first, min(first + BLOCK, stop))
            yield from zip(*(c.values(part) for c in self.data.values()), strict=True)

    def table(self) -> Table:
        """All rows as an `rqe.Table`, for tables of moderate length."""
        return Table(self.columns, tuple(self.rows()), title=self.title)

    def counts(self) -> Table:
        """How many points ended how."""
        statuses = self._column("status")
        number = np.bincount(statuses.data, minlength=len(statuses.levels or ()))
        pairs = zip(statuses.levels or (), number.tolist(), strict=True)
        return Table(("status", "points"), tuple(sorted(pairs, key=lambda p: (-p[1], str(p[0])))))

    def __repr__(self) -> str:
        return f"<SweepTable: {self.title or f'{len(self):,} points'}>"

    def _excerpt(self) -> list[tuple[Scalar, ...]]:
        if len(self) <= 2 * SHOWN:
            return list(self.rows())
        return [*self.rows(0, SHOWN), *self.rows(len(self) - SHOWN)]

    def __str__(self) -> str:
        lines = format_rows(self.columns, self._excerpt(), self.title).split("\n")
        if len(self) > 2 * SHOWN:
            lines.insert(-SHOWN, "...")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        shown = Table(self.columns, tuple(self._excerpt()), title=self.title)
        beyond = len(self) - len(shown.rows)
        note = f"<p>{beyond:,} rows in the middle are not shown</p>" if beyond else ""
        return shown._repr_html_() + note

    def to_csv(self) -> str:
        """The table as comma-separated text; floats keep full precision, None is empty."""
        out = io.StringIO()
        self._write(out)
        return out.getvalue()

    def save_csv(self, path: str | os.PathLike[str]) -> None:
        """Write `to_csv` to a file, whole or not at all.

        Raises
        ------
        OSError
            The place cannot be written.
        """
        with whole_file(path) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            self._write(text)
            text.flush()
            text.detach()

    def _write(self, out: IO[str]) -> None:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        rows = self.rows()
        while block := list(islice(rows, BLOCK)):
            writer.writerows([repr(v) if type(v) is float else v for v in row] for row in block)

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame`; texts become categories.

        Raises
        ------
        MissingExtraError
            pandas is not installed (extra ``pandas``).
        """
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            if error.name != "pandas":
                raise
            raise MissingExtraError("pandas", "pandas") from None
        found: dict[str, Any] = {}
        for name, column in self.data.items():
            texts = column.levels is not None and all(isinstance(v, str) for v in column.levels)
            if texts:
                found[name] = pd.Categorical.from_codes(column.data, list(column.levels or ()))
            else:
                found[name] = self.array(name)
        return pd.DataFrame(found)
