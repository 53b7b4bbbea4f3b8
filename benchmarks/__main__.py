"""Run every section in a fresh process, one thread, and write the tables as Markdown."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rqe.result.files import whole_file

from .machine import ONE_THREAD, facts
from .measure import Row, show

KEPT = Path("build/benchmarks")
"""Every section's rows as they come: a run that breaks off has not been for nothing."""
READING = """\
Medians, with the smallest and largest of the repetitions in brackets. The contestants of a row are
called in turn, in a process of the section's own, after calls that are not counted; short calls are
repeated within a turn, of which the mean counts; garbage collection is off while the clock
(`time.perf_counter`) runs. pygambit comes twice, the newest stable release and the newest
pre-release, each in an environment of its own, whose process waits while the others work and times
its own calls. A ratio is the other's median over ours: above 1, `rqe` is faster. Random games have
independent payoffs, uniform on [0, 1) unless said otherwise, from `numpy.random.default_rng(seed)`.
Every answer that was timed is checked against the definition, written out in NumPy: a run with a
wrong answer writes nothing."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m benchmarks``."""
    given = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes only, under a minute")
    parser.add_argument("--out", type=Path, help="write the tables here too")
    parser.add_argument(
        "--resume", action="store_true", help="take what sections of a broken run have left"
    )
    parser.add_argument("--section", help=argparse.SUPPRESS)
    options = parser.parse_args(given)
    from .curve import CURVE, draw, exponents
    from .sections import SECTIONS  # brings in every peer

    if options.section:
        print(json.dumps(SECTIONS[options.section].rows(options.quick)))
        return 0
    began = time.perf_counter()
    kept = KEPT / ("quick" if options.quick else "full")
    if not options.resume:
        shutil.rmtree(kept, ignore_errors=True)
    text = ["# Benchmarks", "", "| | |", "|---|---|"]
    text += [f"| {name} | {value} |" for name, value in facts(_command(given))]
    text += ["", READING]
    for name, section in SECTIONS.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        left = kept / f"{name}.json"
        rows = json.loads(left.read_text()) if left.exists() else _rows(name, options.quick, kept)
        text += ["", f"## {section.title}", "", section.about, "", *table(rows)]
        if section is CURVE:
            text += exponents(rows)
            if options.out:
                picture = options.out.with_name("benchmarks_curve.svg")
                draw(rows, picture)
                text += ["", f"![Time against size, logarithmic axes]({picture.name})"]
    text += ["", f"The whole run took {show(time.perf_counter() - began)}."]
    report = "\n".join(text) + "\n"
    if options.out:
        options.out.write_text(report, encoding="utf-8")
    print(report)
    return 0


def _command(words: Sequence[str]) -> str:
    return " ".join(["python -m benchmarks", *words])


def _rows(name: str, quick: bool, kept: Path) -> list[Row]:
    words = [sys.executable, "-m", "benchmarks", "--section", name, *(["--quick"] if quick else [])]
    done = subprocess.run(words, env=os.environ | ONE_THREAD, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"section {name} failed:\n{done.stderr}")
    found: list[Row] = json.loads(done.stdout)
    kept.mkdir(parents=True, exist_ok=True)
    with whole_file(kept / f"{name}.json") as file:
        file.write(json.dumps(found).encode())
    return found


def table(rows: Sequence[Row]) -> list[str]:
    """Lines of a Markdown table; the first row's keys are the columns."""
    # what only the plots need begins with a dash below the line
    head = [key for key in dict.fromkeys(key for row in rows for key in row) if key[0] != "_"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + [
        "| " + " | ".join(str(row.get(key, "—")) for key in head) + " |" for row in rows
    ]


if __name__ == "__main__":
    raise SystemExit(main())
