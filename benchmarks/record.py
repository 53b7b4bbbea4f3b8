"""Results of long runs as files: with the command, versions and checksum, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

import rqe
from rqe.result.files import whole_file


def digits(value: Any, count: int = 9) -> Any:
    """A number to so many significant digits; in words where it is none that JSON has."""
    return float(f"{float(value):.{count}g}") if np.isfinite(value) else str(float(value))


def checksum(content: Any) -> str:
    """Of a result's rows, in one canonical spelling."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write(path: Path, command: str, content: Any) -> None:
    """A result with its command, versions and checksum, whole or not at all."""
    record = {
        "command": command,
        "versions": {"rqe": rqe.__version__, "numpy": np.__version__},
        "sha256": checksum(content),
        "content": content,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write((json.dumps(record, allow_nan=False) + "\n").encode())


def read(path: Path) -> Any:
    """The content of a result that `write` wrote.

    Raises
    ------
    ValueError
        The content is not what was written.
    """
    record = json.loads(path.read_text(encoding="utf-8"))
    if checksum(record["content"]) != record["sha256"]:
        raise ValueError(f"path must hold an unaltered result; the checksum of {path} is wrong")
    return record["content"]
