"""The newest stable pygambit and its newest pre-release, each in an environment of its own."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import venv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .machine import ONE_THREAD

PLACE = Path("build/peers")
RELEASES = {"stable": ["pygambit"], "newest": ["--pre", "pygambit"]}
"""What to install in each environment."""
HERE = "BENCHMARKS_PEERS"
"""Environment variable: "here" takes this very Python for both, as the tests do."""


class PeerError(Exception):
    """The peer raised: its words."""


def interpreter(release: str) -> str:
    """The Python of a release's environment, built if it is missing (this needs a network)."""
    if os.environ.get(HERE) == "here":
        return sys.executable
    place = PLACE / release
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (place / "done").exists():
        print(f"installing {' '.join(RELEASES[release])} into {place} ...", file=sys.stderr)
        venv.create(place, clear=True, with_pip=True)
        words = [str(python), "-m", "pip", "install", "-q", *RELEASES[release], "numpy"]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"pygambit ({release}) cannot be installed:\n{done.stderr}")
        (place / "done").touch()
    return str(python.absolute())


class Peer:
    """A process that answers one task at a time.

    Parameters
    ----------
    release : str
        A key of `RELEASES`.
    """

    def __init__(self, release: str) -> None:
        self.release = release
        self._process = subprocess.Popen(
            [interpreter(release), str(Path(__file__).with_name("peer_server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | ONE_THREAD,
        )
        atexit.register(self.close)
        self.version = str(self.ask("version")[1])

    @property
    def name(self) -> str:
        """For the head of a column."""
        return f"pygambit {self.version}"

    def ask(self, task: str, **options: Any) -> tuple[float, Any]:
        """Seconds by the peer's own clock, and its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"task": task, **options}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"{self.release}: the process ended")
        reply = json.loads(line)
        if "error" in reply:
            raise PeerError(f"{self.release}: {reply['error']}")
        return float(reply["seconds"]), reply["answer"]

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


@cache
def peers() -> tuple[Peer, ...]:
    """Both releases, started once a process."""
    return tuple(Peer(release) for release in RELEASES)


class Call:
    """A task as a contestant of `race`, with a clock of its own."""

    def __init__(self, peer: Peer, task: str, **options: Any) -> None:
        self.peer, self.task, self.options = peer, task, options

    def __call__(self) -> Any:
        return self.timed(1)[1]

    def timed(self, number: int) -> tuple[float, Any]:
        """Seconds a call, over so many in a row, and the answer."""
        return self.peer.ask(self.task, number=number, **self.options)


def calls(task: str, **options: Any) -> list[Call]:
    """The same task for both releases."""
    return [Call(peer, task, **options) for peer in peers()]


@cache
def _folder() -> Any:
    return tempfile.TemporaryDirectory(prefix="payoffs-")


_STORED: dict[bytes, str] = {}


def stored(payoffs: np.ndarray) -> str:
    """A file with the payoffs, for peers to read."""
    key = payoffs.tobytes() + str(payoffs.shape).encode()
    if key not in _STORED:
        path = Path(_folder().name) / f"{len(_STORED)}.npy"
        np.save(path, payoffs, allow_pickle=False)
        _STORED[key] = str(path)
    return _STORED[key]


def profile(answer: Any) -> list[np.ndarray]:
    """A peer's profile as arrays."""
    return [np.array(x) for x in answer]
