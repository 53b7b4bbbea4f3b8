"""Run every section in a fresh process, one thread, and write the tables as Markdown."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import rqe

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
PACKAGES = ("numpy", "scipy", "pygambit", "quantecon")


def main(argv: list[str] | None = None) -> int:
    """The command ``python -m benchmarks``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes only, under a minute")
    parser.add_argument("--out", type=Path, help="write the tables here too")
    parser.add_argument("--section", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.section:
        from .sections import SECTIONS

        rows = list(SECTIONS[options.section](options.quick))
        print(json.dumps(rows))
        return 0
    from .sections import SECTIONS

    command = "python -m benchmarks" + (" --quick" if options.quick else "")
    text = [*_heading(command)]
    for name, section in SECTIONS.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        text += [
            "",
            f"## {(section.__doc__ or name).rstrip('.')}",
            "",
            *_section(name, options.quick),
        ]
    report = "\n".join(text) + "\n"
    if options.out:
        options.out.write_text(report, encoding="utf-8")
    print(report)
    return 0


def _section(name: str, quick: bool) -> list[str]:
    words = [sys.executable, "-m", "benchmarks", "--section", name, *(["--quick"] if quick else [])]
    done = subprocess.run(words, env=os.environ | ONE_THREAD, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"section {name} failed:\n{done.stderr}")
    head, *rows = json.loads(done.stdout)
    lines = ["| " + " | ".join(map(str, head)) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]


def _heading(command: str) -> list[str]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    today = datetime.datetime.now(tz=datetime.UTC).date()
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES)
    return [
        "# Benchmarks",
        "",
        f"Command: `{command}`, commit {commit or 'unknown'}, {today}. rqe {rqe.__version__}, "
        f"{versions}, Python {platform.python_version()}, {platform.machine()}, "
        f"{os.cpu_count()} cores, one thread used.",
        "",
        "Medians with the smallest and largest of the repetitions in brackets; calls of the "
        "contestants alternate in one process. A ratio is the peer's median over ours: above 1, "
        "`rqe` is faster. Random games have independent uniform payoffs unless said otherwise. Our "
        "times include the certificate (residual, regret, beliefs, values); every timed answer is "
        "checked.",
    ]


if __name__ == "__main__":
    raise SystemExit(main())
