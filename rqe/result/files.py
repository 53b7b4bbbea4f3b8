"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A binary file to fill beside its place, renamed into it at the end unless an error occurred.

    Parameters
    ----------
    path : path
        Overwritten if it is there; left as it was if filling fails.

    Raises
    ------
    OSError
        The place cannot be written.
    """
    target = Path(path)
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as file:
            yield file
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
