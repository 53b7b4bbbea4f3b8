"""The grid of a sweep, and a text that says what is swept over it."""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.normal_form import NormalFormGame
from .sweep_files import ENDING, digest
from .sweep_table import Column, Scalar, column_of, plain

MAX_POINTS = 10**9
SPELLED = 1000
"""Values of an axis up to which a manifest has them all, not their number and digest alone."""
DEPTH = 8
"""How deep what a function holds is looked into."""


@dataclass(frozen=True)
class Grid:
    """All combinations of the values of named axes; the last axis varies fastest.

    Attributes
    ----------
    names : tuple of str
    axes : tuple of tuples
        The values of each.
    """

    names: tuple[str, ...]
    axes: tuple[tuple[Scalar, ...], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return tuple(len(axis) for axis in self.axes)

    def __len__(self) -> int:
        return prod(self.shape)

    def indices(self, start: int, stop: int) -> dict[str, NDArray[np.int64]]:
        """Which value of each axis the points from `start` to before `stop` have."""
        found = np.unravel_index(np.arange(start, stop), self.shape)
        return dict(zip(self.names, found, strict=True))

    def points(self, start: int, stop: int) -> Iterator[dict[str, Scalar]]:
        """The points from `start` to before `stop`, as keyword arguments."""
        where = [k.tolist() for k in self.indices(start, stop).values()]
        for point in zip(*where, strict=True):
            yield {n: a[k] for n, a, k in zip(self.names, self.axes, point, strict=True)}

    def part(self, start: int, stop: int) -> tuple[Grid, int]:
        """A grid with no more values than these points need, and where in it they begin."""
        axes, inner, stop = list(self.axes), len(self), stop - 1
        for k, axis in enumerate(axes):
            inner //= len(axis)
            low, high = start // inner, stop // inner
            axes[k] = axis[low : high + 1]
            start, stop = start - low * inner, stop - low * inner
            if low < high:
                break
        return Grid(self.names, tuple(axes)), start

    def columns(self) -> dict[str, Column]:
        """A column an axis, one row a point."""
        where = self.indices(0, len(self))
        axes = zip(self.names, self.axes, strict=True)
        return {name: column_of(axis).take(where[name]) for name, axis in axes}

    def manifest(self) -> dict[str, Any]:
        """What a folder says of the grid."""
        return {n: _axis(values) for n, values in zip(self.names, self.axes, strict=True)}


def _axis(values: tuple[Scalar, ...]) -> dict[str, Any]:
    spelled = [str(v) if v in (np.inf, -np.inf) else v for v in values]
    found = {"count": len(values), "sha256": digest(spelled)}
    return found | ({"values": spelled} if len(values) <= SPELLED else {})


def make_grid(grid: Any) -> Grid:
    """A grid from a mapping of names to values; a single value is an axis of one.

    Raises
    ------
    ValueError
        No mapping, names that cannot be arguments, an empty axis, a value of another kind.
    """
    if not isinstance(grid, Mapping) or not grid:
        raise ValueError(f"grid must be a mapping of names to their values; got {grid!r:.60}")
    axes = []
    for name, given in grid.items():
        if not (isinstance(name, str) and name.isidentifier()) or name in ENDING:
            raise ValueError(
                f"names of grid must be identifiers other than status and reason; got {name!r:.60}"
            )
        axes.append(_values(name, given))
    found = Grid(tuple(grid), tuple(axes))
    if len(found) > MAX_POINTS:
        raise ValueError(f"grid must have at most {MAX_POINTS:,} points; got {len(found):,}")
    return found


def _values(name: str, given: Any) -> tuple[Scalar, ...]:
    try:
        several = [given] if isinstance(given, (str, bytes)) else list(given)
    except TypeError:
        several = [given]
    values = tuple(plain(v, f"values of {name}") for v in several)
    if not values or any(v is None and w is not None for v, w in zip(values, several, strict=True)):
        raise ValueError(f"grid must have a value of {name}, and no NaN; got {given!r:.60}")
    return values


def describe(value: Any, depth: int = 0) -> Any:
    """Something that JSON can say, other for another function or game, alike in every process.

    Functions are told by name, code, defaults and what they close over; objects of unknown kinds
    by their type alone.
    """
    if depth > DEPTH:
        return "..."
    deeper = depth + 1
    if isinstance(value, NormalFormGame):
        return {"game": value.name, "payoffs": [describe(p, deeper) for p in value.payoffs]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcSU":
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"array": list(value.shape), "type": value.dtype.str, "sha256": content}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, complex, np.generic)):
        return {type(value).__name__: repr(value)}
    if isinstance(value, (list, tuple)):
        return [describe(v, deeper) for v in value]
    if isinstance(value, (set, frozenset)):
        return {"set": sorted(digest(describe(v, deeper)) for v in value)}
    if isinstance(value, Mapping):
        return {str(k): describe(v, deeper) for k, v in value.items()}
    if isinstance(value, functools.partial):
        parts = (value.func, value.args, value.keywords)
        return {"partial": [describe(part, deeper) for part in parts]}
    if isinstance(value, types.MethodType):
        return {"method": describe(value.__func__, deeper), "of": describe(value.__self__, deeper)}
    if isinstance(value, types.FunctionType):
        return _function(value, deeper)
    if isinstance(value, types.CodeType):
        return _code(value, deeper)
    if is_dataclass(value) and not isinstance(value, type):
        inner = {f.name: describe(getattr(value, f.name), deeper) for f in fields(value)}
        return {"object": _name(type(value)), "fields": inner}
    named = value if hasattr(value, "__qualname__") else type(value)
    return {"object": _name(named)}


def _name(value: Any) -> str:
    return f"{getattr(value, '__module__', '')}.{value.__qualname__}"


def _function(function: Callable[..., Any], depth: int) -> dict[str, Any]:
    inner: Any = function
    held = []
    for cell in inner.__closure__ or ():
        try:
            held.append(describe(cell.cell_contents, depth))
        except ValueError:  # not bound yet
            held.append(None)
    code = digest([describe(inner.__code__, depth), describe(inner.__defaults__, depth)])
    # a script's functions are of __main__ here and of the script's name elsewhere
    return {
        "function": inner.__qualname__,
        "code": digest([code, describe(inner.__kwdefaults__, depth)]),
        "holds": digest(held),
    }


def _code(code: types.CodeType, depth: int) -> list[Any]:
    constants = [describe(c, depth) for c in code.co_consts]
    return [code.co_code.hex(), list(code.co_names), constants]
