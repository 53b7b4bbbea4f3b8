"""A function at the points of a chunk, each of which ends in a row."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..result.status import ConvergenceError
from .sweep_files import ENDING, MAX_NAME
from .sweep_grid import Grid
from .sweep_table import LONGEST, Column, Scalar, column_of, plain

DONE, FAILED = "DONE", "FAILED"
MAX_CELLS = 256
"""Columns that a function may fill at a point."""


def function_columns(
    function: Callable[..., Any], grid: Grid, start: int, stop: int, seed: int | None, first: int
) -> dict[str, Column]:
    """A function's answers at the points from `start` to before `stop`; seeds from `first` on."""
    rows: list[Mapping[str, Scalar]] = []
    endings: list[tuple[str, str | None]] = []
    for number, point in enumerate(grid.points(start, stop), start=first):
        more: dict[str, Any] = {}
        if seed is not None:
            # of the point's number alone: alike whoever computes it, and whenever
            more["seed"] = np.random.SeedSequence(seed, spawn_key=(number,))
        try:
            rows.append(_cells(function(**point, **more), grid.names))
            endings.append((DONE, None))
        except Exception as error:
            rows.append({})
            endings.append(ending_of(error))
    names = dict.fromkeys(name for row in rows for name in row)
    found = {name: column_of([row.get(name) for row in rows]) for name in names}
    status, reason = zip(*endings, strict=True)
    return {"status": column_of(status), "reason": column_of(reason), **found}


def ending_of(error: Exception) -> tuple[str, str | None]:
    """Status and reason of a point that raised an error."""
    if isinstance(error, ConvergenceError):
        return error.status.name, str(error)[:LONGEST]
    return FAILED, f"{type(error).__name__}: {error}"[:LONGEST]


def _cells(answer: Any, taken: tuple[str, ...]) -> dict[str, Scalar]:
    """A function's answer as cells by column."""
    if not isinstance(answer, Mapping):
        return {"value": plain(answer, "the function's value")}
    if len(answer) > MAX_CELLS:
        raise ValueError(f"the function may fill at most {MAX_CELLS} columns; got {len(answer)}")
    for name in answer:
        if not isinstance(name, str) or len(name) > MAX_NAME or name in (*taken, *ENDING):
            raise ValueError(
                "the function's columns must be named by texts other than status, reason and "
                f"names of the grid; got {name!r:.60}"
            )
    return {name: plain(value, name) for name, value in answer.items()}


def check_function(function: Callable[..., Any], names: tuple[str, ...]) -> None:
    """Whether the function can be called with these names."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # a function of C need not tell
    try:
        signature.bind(**dict.fromkeys(names))
    except TypeError as error:
        raise ValueError(
            f"grid must name all arguments, {signature}; got {', '.join(names)}: {error}"
        ) from None
