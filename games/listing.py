"""The catalogue: what the named games are, and games from text such as ``"stag_hunt"``."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One argument of a named game.

    Attributes
    ----------
    name : str
    kind : type
        ``int``, ``float`` or ``tuple`` (of whole numbers, written ``3x4`` in text).
    default : int, float or tuple
    """

    name: str
    kind: type
    default: Any

    def __str__(self) -> str:
        if self.kind is tuple:
            return f"{self.name}={'x'.join(str(size) for size in self.default)}"
        return f"{self.name}={self.default:g}"

    def parse(self, text: str) -> Any:
        """The value that `text` says, or a ValueError naming what is valid."""
        if self.kind is tuple:
            valid = "whole numbers joined by x, such as 3x4"
        else:
            valid = "a whole number" if self.kind is int else "a number"
        try:
            if self.kind is tuple:
                return tuple(int(part) for part in text.split("x"))
            return self.kind(text)
        except ValueError:
            raise ValueError(f"{self.name} must be {valid}; got {text!r}") from None


@dataclass(frozen=True)
class CatalogueEntry:
    """A named game.

    Attributes
    ----------
    name : str
        As in ``games.get(name)`` and ``getattr(games, name)``.
    summary : str
        What it is, in one line.
    parameters : tuple of Parameter
        Its arguments, each with a default.
    source : str
        A key of ``references.bib``, with the place where there is one; empty where none applies.
    make : callable
        The function that builds it.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    source: str
    make: Callable[..., Any]

    def __str__(self) -> str:
        arguments = ", ".join(str(parameter) for parameter in self.parameters)
        parts = [
            self.summary,
            f"({arguments})" if arguments else "",
            self.source and f"[{self.source}]",
        ]
        return " ".join(part for part in parts if part)


def entry(make: Callable[..., Any], source: str) -> CatalogueEntry:
    """The catalogue's line on a function: its docstring's first line and its signature."""
    summary = inspect.getdoc(make) or ""
    parameters = tuple(
        Parameter(name, type(given.default), given.default)
        for name, given in inspect.signature(make).parameters.items()
    )
    return CatalogueEntry(
        make.__name__, summary.splitlines()[0].rstrip("."), parameters, source, make
    )


def parse(text: str, entries: dict[str, CatalogueEntry]) -> Any:
    """The game that ``NAME[:arg=value,...]`` describes."""
    name, colon, rest = text.partition(":")
    if name not in entries:
        raise ValueError(
            f"name must be one of {', '.join(entries)}; got {name!r}{_hint(name, entries)}"
        )
    found = entries[name]
    known = {parameter.name: parameter for parameter in found.parameters}
    if colon and not known:
        raise ValueError(f"{name} takes no arguments; got {rest!r}")
    valid = ", ".join(str(parameter) for parameter in found.parameters)
    given: dict[str, Any] = {}
    for part in rest.split(",") if colon else []:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if key not in known:
            raise ValueError(
                f"arguments of {name} must be among: {valid}; got {part!r}{_hint(key, known)}"
            )
        if not equals or not value:
            raise ValueError(f"arguments of {name} must be written arg=value; got {part!r}")
        if key in given:
            raise ValueError(f"arguments of {name} must be given once; got {key} again in {rest!r}")
        given[key] = known[key].parse(value)
    return found.make(**given)


def _hint(word: str, known: dict[str, Any]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
