"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PIECE = 2**20
"""Bytes read at once."""
SPECIAL = 256 * 2**20
"""Bytes that are read of what is no regular file: a pipe or a device may never end."""


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


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """The bytes of a file that is not larger than it may be.

    Parameters
    ----------
    path : path
    most : int
        Largest size; of a pipe or a device also no more than `SPECIAL`.

    Raises
    ------
    ValueError
        The file is larger; nothing beyond the limit is read.
    OSError
        The file cannot be read.
    """
    with open(path, "rb") as file:
        found = os.fstat(file.fileno())
        regular = stat.S_ISREG(found.st_mode)
        limit = most if regular else min(most, SPECIAL)
        content = bytearray()
        # piece by piece: a read of so many bytes sets aside as many, whatever there is to read
        while found.st_size <= limit and len(content) <= limit:
            piece = file.read(PIECE)
            if not piece:
                return bytes(content)
            content += piece
    raise ValueError(f"path must hold at most {limit:,} bytes; {path} has more")
