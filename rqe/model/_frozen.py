"""Immutability that games share."""

from __future__ import annotations

from typing import Any


class Frozen:
    """Fields are set once, by the constructor; compared and hashed by identity."""

    def _freeze(self, **fields: Any) -> None:
        for key, value in fields.items():
            object.__setattr__(self, key, value)

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: cannot set {key!r}")

    def __delattr__(self, key: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: cannot delete {key!r}")
