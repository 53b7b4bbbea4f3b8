"""Records of a batch on its way along its branches: where it stands, what was found, the end."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ._crossings import Counts
from ._problem import Problem
from ._rows import BoolArray, dot, take
from ._system import State

Rows = np.ndarray[Any, np.dtype[np.intp]]


def inner(z: State, a: State, b: State) -> FloatArray:
    """Information metric: expectation of ``a * b`` under each player's strategy, summed."""
    total: Any = 0.0
    for log_x, u, v in zip(z, a, b, strict=True):
        total = total + dot(np.exp(log_x) * u, v)
    return np.asarray(total)


def _rows(record: Any, which: Any, skip: str = "") -> dict[str, Any]:
    """Copies of the given rows of every array that a record holds."""
    names = [field.name for field in fields(record) if field.name != skip]
    held = {name: getattr(record, name) for name in names}
    return {
        name: [take(part, which) for part in value]
        if isinstance(value, list)
        else take(value, which)
        for name, value in held.items()
    }


@dataclass
class Walk:
    """Where every game still under way stands on its path."""

    problem: Problem
    rows: Rows
    unit: FloatArray
    z: State
    y: State
    level: FloatArray
    tz: State
    ty: State
    tl: FloatArray
    length: FloatArray
    parity: FloatArray
    sign: FloatArray
    negative: Counts
    landed: BoolArray
    lost: BoolArray

    def take(self, keep: Rows) -> Walk:
        """The games of the given rows alone."""
        return Walk(self.problem.take(keep), **_rows(self, keep, skip="problem"))


@dataclass
class Corrected:
    """What Newton made of predicted points."""

    z: State
    y: State
    level: FloatArray
    slope: State
    y_slope: State
    first: FloatArray
    good: BoolArray
    sign: FloatArray
    negative: Counts

    def put(self, rows: Rows, late: Corrected) -> Corrected:
        """With what became of the given rows later; their first correction stays."""
        out = _rows(self, slice(None))
        for name in ("z", "y", "slope", "y_slope"):
            for whole, part in zip(out[name], getattr(late, name), strict=True):
                whole[rows] = part
        for name in ("level", "good", "sign", "negative"):
            out[name][rows] = getattr(late, name)
        return Corrected(**out)


@dataclass
class Arrival:
    """Where each game of the whole batch ended."""

    z: State
    y: State
    level: FloatArray
    sign: FloatArray
    landed: BoolArray
    work: np.ndarray[Any, np.dtype[np.int64]]
    """Linear systems solved for each game."""
