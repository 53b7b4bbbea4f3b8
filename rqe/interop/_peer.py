"""Optional packages, imported when first asked for."""

from __future__ import annotations

import importlib
from typing import Any

from ..model.normal_form import NormalFormGame
from ..result.status import MissingExtraError


def peer(package: str, extra: str, module: str | None = None) -> Any:
    """Import an optional package, naming the extra that brings it where it is absent."""
    try:
        found = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:  # installed, but broken: its own message says more
            raise
        raise MissingExtraError(package, extra) from None
    return importlib.import_module(module) if module else found


def require_normal_form(game: Any) -> None:
    """Refuse anything that is not a finite game of ours."""
    if not isinstance(game, NormalFormGame):
        raise ValueError(f"game must be a normal-form game of rqe; got {type(game).__name__}")
