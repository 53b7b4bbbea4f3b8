"""What a measurement was taken on: machine, versions, commit, day."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import numpy as np

import rqe

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""Environment of the processes that time something; libraries read it when they load."""
PACKAGES = ("numpy", "scipy", "quantecon", "nashpy")


def facts(command: str, packages: tuple[str, ...] = PACKAGES) -> list[tuple[str, str]]:
    """Name and value of everything that a reader needs to repeat or to judge the numbers."""
    versions = [f"{p} {importlib.metadata.version(p)}" for p in packages]
    blas = np.__config__.CONFIG["Build Dependencies"]["blas"]
    return [
        ("command", f"`{command}`"),
        ("date", f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d %H:%M} UTC"),
        ("commit", commit()),
        ("versions", ", ".join([f"rqe {rqe.__version__}", *versions, _python()])),
        ("processor", f"{_processor()}, {platform.machine()}, {os.cpu_count()} cores"),
        ("memory", _memory()),
        ("BLAS", f"{blas.get('name')} {blas.get('version')}, 1 thread ({', '.join(ONE_THREAD)})"),
        ("load average at the start", _load()),
    ]


def commit() -> str:
    """The commit of the working tree, and whether it has other changes."""
    # the tables' own file does not count: this very run rewrites it
    commit = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "rqe", "benchmarks")
    return (commit or "unknown") + (", with uncommitted changes" if changed else "")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words], capture_output=True, text=True, cwd=Path(__file__).parent.parent
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _memory() -> str:
    try:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{size / 2**30:.1f} GiB"


def _load() -> str:
    try:
        return f"{os.getloadavg()[0]:.2f}"
    except (AttributeError, OSError):
        return "unknown"
