"""Finished chunks of a sweep in a folder: files without code, each whole or absent, each checked.

A folder holds ``sweep.json``, which says what is swept, and one ``chunk-NNNNNN.rqe`` a finished
chunk. A chunk file is one line of JSON (its sweep's digest, its number, its columns), the columns'
numbers as little-endian arrays one after another, and the SHA-256 of all that comes before.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..model._checks import is_whole
from ..result.files import read_bytes, whole_file
from .sweep_table import Column, Scalar, plain

FORMAT, CHUNK_FORMAT = "rqe-sweep-1", "rqe-sweep-chunk-1"
MANIFEST = "sweep.json"
MAX_MANIFEST, MAX_CHUNK, MAX_HEADER = 2**24, 2**28, 2**24
"""Bytes that are read of a manifest, of a chunk file, and of the line it begins with."""
MAX_NAME = 200
"""Characters of a column's name."""
TYPES: dict[str, np.dtype[Any]] = {
    "int": np.dtype("<i8"),
    "float": np.dtype("<f8"),
    "level": np.dtype("<i4"),
}
DIGEST_SIZE = 32
ENDING = ("status", "reason")
"""Columns that every chunk begins with: how each of its points ended."""


class Damaged(ValueError):
    """A chunk file that is not what was once written: to be computed again."""


def canonical(content: Any) -> str:
    """JSON in one spelling."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(content: Any) -> str:
    """SHA-256 of something that JSON can say."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def encode(columns: Mapping[str, Column], sweep: str, number: int, rows: int) -> bytes:
    """A chunk as the bytes of its file.

    Raises
    ------
    ValueError
        It would be larger than can be read back.
    """
    described, arrays = [], []
    for name, column in columns.items():
        kind = "level" if column.levels is not None else "int"
        kind = "float" if column.data.dtype == np.float64 else kind
        levels = None if column.levels is None else [_spell(v) for v in column.levels]
        described.append({"name": name, "type": kind, "levels": levels})
        arrays.append(np.ascontiguousarray(column.data, dtype=TYPES[kind]).tobytes())
    head = {"format": CHUNK_FORMAT, "sweep": sweep, "chunk": number, "rows": rows}
    line = canonical({**head, "columns": described}).encode() + b"\n"
    size = len(line) + sum(map(len, arrays)) + DIGEST_SIZE
    if len(line) > MAX_HEADER or size > MAX_CHUNK:
        raise ValueError(f"chunk must be smaller: {rows:,} of these rows take {size:,} bytes")
    body = b"".join([line, *arrays])
    return body + hashlib.sha256(body).digest()


def _spell(value: Scalar) -> Scalar | list[str]:
    """JSON has no word for infinity."""
    return [str(value)] if isinstance(value, float) and np.isinf(value) else value


def _read_level(value: Any) -> Scalar:
    if value in (["inf"], ["-inf"]):
        return float(value[0])
    found = plain(value, "a level")
    if found is None and value is not None:
        raise ValueError("a level must not be NaN")
    return found


def decode(content: bytes, sweep: str, number: int, rows: int) -> dict[str, Column]:
    """The columns of a chunk file.

    Raises
    ------
    Damaged
        The bytes are not what `encode` makes.
    ValueError
        They are, of another sweep or another chunk.
    """
    body = content[:-DIGEST_SIZE]
    if hashlib.sha256(body).digest() != content[-DIGEST_SIZE:]:
        raise Damaged("its checksum is wrong")
    line, newline, data = body.partition(b"\n")
    if not newline or len(line) > MAX_HEADER:
        raise Damaged("its first line is missing or too long")
    try:
        head = json.loads(line)
        if not isinstance(head, dict) or head.get("format") != CHUNK_FORMAT:
            raise Damaged("it is of another format")
        if (head["sweep"], head["chunk"], head["rows"]) != (sweep, number, rows):
            raise _Foreign(f"it holds chunk {head['chunk']!r:.20} of another sweep or grid")
        return _columns(head["columns"], data, rows)
    except _Foreign as error:
        raise ValueError(str(error)) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Damaged(f"{type(error).__name__}: {error}") from None


class _Foreign(Exception):
    """Intact, and not ours."""


def _columns(described: Any, data: bytes, rows: int) -> dict[str, Column]:
    found: dict[str, Column] = {}
    sizes = [rows * TYPES[d["type"]].itemsize for d in described]
    if sum(sizes) != len(data):
        raise ValueError(f"it holds {len(data):,} bytes of numbers where {sum(sizes):,} belong")
    place = 0
    for d, size in zip(described, sizes, strict=True):
        name, kind, levels = d["name"], d["type"], d["levels"]
        if not isinstance(name, str) or len(name) > MAX_NAME or name in found:
            raise ValueError(f"it has a bad or repeated column name {name!r:.40}")
        array = np.frombuffer(data, TYPES[kind], count=rows, offset=place)
        place += size
        array = array.astype(TYPES[kind].newbyteorder("="), copy=False)
        if kind == "level":
            values = tuple(_read_level(v) for v in levels)
            if rows and not (array.min() >= 0 and array.max() < len(values)):
                raise ValueError(f"codes of column {name!r} have no level")
            found[name] = Column(array, values)
        else:
            found[name] = Column(array)
    if tuple(found)[:2] != ENDING or found["status"].levels is None:
        raise ValueError(f"its columns must begin with {' and '.join(ENDING)}")
    return found


@dataclass(frozen=True)
class Folder:
    """The folder of one sweep.

    Attributes
    ----------
    path : Path
    sweep : str
        Digest of its manifest.
    """

    path: Path
    sweep: str

    def place(self, number: int) -> Path:
        """Where a chunk's file is."""
        return self.path / f"chunk-{number:06d}.rqe"

    def keep(self, number: int, content: bytes) -> None:
        """Write a finished chunk, whole or not at all."""
        with whole_file(self.place(number)) as file:
            file.write(content)

    def find(self, number: int, rows: int) -> dict[str, Column] | None:
        """A finished chunk, or None where there is none or it is damaged.

        Raises
        ------
        ValueError
            The file is intact and belongs to another sweep, or is no plain file.
        """
        place = self.place(number)
        if not _is_file(place):
            return None
        try:
            return decode(read_bytes(place, MAX_CHUNK), self.sweep, number, rows)
        except Damaged:
            return None
        except ValueError as error:
            raise ValueError(
                f"folder must hold chunks of this sweep alone; {place}: {error}; remove it"
            ) from None


def open_folder(path: str | os.PathLike[str], manifest: dict[str, Any]) -> Folder:
    """A folder for this sweep, made if it is not there.

    Raises
    ------
    ValueError
        It holds another sweep; the message says in what it differs.
    OSError
        It cannot be made, read or written.
    """
    folder = Folder(Path(path), digest(manifest))
    folder.path.mkdir(parents=True, exist_ok=True)
    found = read_manifest(folder.path)
    if found is None:
        stray = next(iter(sorted(folder.path.glob("chunk-*.rqe"))), None)
        if stray is not None:
            raise ValueError(
                f"folder must hold a sweep or nothing; {folder.path} has {stray.name} and no "
                f"{MANIFEST}"
            )
        with whole_file(folder.path / MANIFEST) as file:
            file.write((json.dumps(manifest, indent=1, allow_nan=False) + "\n").encode())
    elif not _same(found, manifest):
        where, there, here = _difference(found, manifest)
        raise ValueError(
            f"folder must be of this sweep or new; {folder.path} is of another: {where} is "
            f"{there!r:.80} there, {here!r:.80} here"
        )
    return folder


def read_manifest(path: Path) -> dict[str, Any] | None:
    """What a folder says it is the sweep of; None where it says nothing.

    Raises
    ------
    ValueError
        The file is no manifest.
    """
    place = path / MANIFEST
    if not _is_file(place):
        return None
    try:
        found = json.loads(read_bytes(place, MAX_MANIFEST))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"folder must hold a readable {MANIFEST}; {place}: {str(error)[:100]}"
        ) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"folder must hold a {MANIFEST} of format {FORMAT!r}; {place} is none")
    return found


def chunk_of(path: str | os.PathLike[str], most: int) -> int | None:
    """The chunk size that a folder's sweep has; None where there is none, or none that can be."""
    found = read_manifest(Path(path))
    size: Any = None if found is None else found.get("chunk")
    return int(size) if is_whole(size) and 0 < size <= most else None


def _is_file(place: Path) -> bool:
    """Whether it is there; a pipe or a device, which may never end, is refused."""
    try:
        mode = os.stat(place).st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(mode):
        raise ValueError(f"folder must hold plain files; {place} is none")
    return True


def _same(one: Any, other: Any) -> bool:
    """Whether two contents of JSON are one; to Python, 1 and 1.0 and True are."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _difference(one: Any, other: Any, where: str = "") -> tuple[str, Any, Any]:
    """The first place, in order of names, where two manifests differ, and what each has there."""
    if isinstance(one, dict) and isinstance(other, dict):
        # values say more than their digest
        for key in sorted(one.keys() | other.keys(), key=lambda k: (k == "sha256", str(k))):
            if not _same(one.get(key), other.get(key)):
                inner = f"{where}.{key}" if where else str(key)
                return _difference(one.get(key), other.get(key), inner)
    return where, one, other
