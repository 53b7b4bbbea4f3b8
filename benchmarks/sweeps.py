"""A sweep of a million points, by one worker and by two, each time in a fresh process.

Run ``python -m benchmarks.sweeps --points 1000000 --repeats 3``. A point is a random game of two
players (3 × 3 by default), a ``tau`` and an ``epsilon``; finished chunks are kept in a folder and
the table is put together, as in any sweep. The wall time is from the call of `rqe.analysis.sweep`
to its table, the start of workers included and that of Python and its imports not; the processor
time is that of all processes, from their start. Runs of one worker and of two alternate, and a
third kind runs two processes of one worker each at once, which is what this machine's two cores can
do at best: memory and caches are shared, and other work may be under way.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import games
import rqe
from benchmarks.machine import ONE_THREAD, facts
from benchmarks.measure import require
from benchmarks.record import read, write

RESULT = Path(__file__).parent / "results" / "sweeps.json"
STEPS = 10
"""Values of tau, and of epsilon, for each game."""
ACTIONS = 3
"""Actions of each player."""
TOLERANCE = 1e-9
"""Residual that every solved point must have."""


def family(actions: int = ACTIONS) -> rqe.analysis.GameFamily:
    """Random games of two players by seed."""
    return rqe.analysis.GameFamily(functools.partial(games.random_game, (actions, actions)))


def grid(points: int) -> dict[str, Any]:
    """So many points, one in a hundred a new game."""
    return {
        "seed": range(max(1, points // STEPS**2)),
        "tau": np.linspace(0.0, 5.0, STEPS),
        "epsilon": np.geomspace(0.05, 1.0, STEPS),
    }


def once(points: int, workers: int, actions: int = ACTIONS) -> dict[str, Any]:
    """One sweep, timed and checked."""
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        table = rqe.analysis.sweep(family(actions), grid(points), folder=place, n_jobs=workers)
        wall = time.perf_counter() - began
        chunks = len(list(Path(place).glob("chunk-*.rqe")))
    endings = {str(status): int(count) for status, count in table.counts().rows}
    solved = np.array(table.array("status") == "CONVERGED")
    worst = float(table.array("residual")[solved].max())
    require(worst <= TOLERANCE, f"a residual of {worst:.2e} is larger than {TOLERANCE:g}")
    require(len(table) == points, f"{len(table)} rows instead of {points}")
    if workers > 1:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True)  # so that their time is counted as children's
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "workers": workers,
        "wall": round(wall, 3),
        "processor": round(sum(u.ru_utime + u.ru_stime for u in used), 3),
        "chunks": chunks,
        "endings": endings,
        "largest residual": float(f"{worst:.2e}"),
        "load": round(os.getloadavg()[0], 2),
        "MB": round(used[0].ru_maxrss / 1024),
    }


def fresh(points: int, workers: int, actions: int) -> subprocess.Popen[str]:
    """`once` in a new process, one thread each."""
    words = ["--once", str(workers), "--points", str(points), "--actions", str(actions)]
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sweeps", *words],
        env={**os.environ, **ONE_THREAD},
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a fresh process measured."""
    out, _ = process.communicate()
    require(process.returncode == 0, "a sweep failed")
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def measure(points: int, repeats: int, actions: int = ACTIONS) -> dict[str, Any]:
    """Runs of one worker, of two, and of two processes at once, in turn."""
    runs: dict[str, list[Any]] = {"one": [], "two": [], "twice one": []}
    for k in range(repeats):
        runs["one"].append(finished(fresh(points, 1, actions)))
        runs["two"].append(finished(fresh(points, 2, actions)))
        pair = [fresh(points // 2, 1, actions) for _ in range(2)]
        runs["twice one"].append([finished(p) for p in pair])
        print(f"{k + 1} of {repeats} rounds", file=sys.stderr, flush=True)
    return {"points": points, "actions": actions, "runs": runs, **summary(runs)}


def summary(runs: dict[str, list[Any]]) -> dict[str, Any]:
    """Medians, and the ratios that matter."""
    one = [r["wall"] for r in runs["one"]]
    two = [r["wall"] for r in runs["two"]]
    half = [max(r["wall"] for r in pair) for pair in runs["twice one"]]
    return {
        "one worker, s": statistics.median(one),
        "two workers, s": statistics.median(two),
        "speed-up, median of pairs": round(statistics.median(map(_ratio, one, two)), 3),
        "speed-up, fastest runs": round(min(one) / min(two), 3),
        "two processes of half the points, s": statistics.median(half),
        "speed-up that the machine allows": round(statistics.median(map(_ratio, one, half)), 3),
    }


def _ratio(one: float, other: float) -> float:
    return one / other


def saved(path: Path = RESULT) -> dict[str, Any]:
    """The content of a saved run."""
    content: dict[str, Any] = read(path)
    return content


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--actions", type=int, default=ACTIONS, help="of each player (default: 3)")
    parser.add_argument("--once", type=int, metavar="WORKERS", help="one run, its figures as JSON")
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args(arguments)
    if chosen.once is not None:
        print(json.dumps(once(chosen.points, chosen.once, chosen.actions)))
        return 0
    command = f"python -m benchmarks.sweeps --points {chosen.points} --repeats {chosen.repeats}"
    command += "" if chosen.actions == ACTIONS else f" --actions {chosen.actions}"
    machine = facts(command, ("numpy", "scipy", "joblib"))
    content = measure(chosen.points, chosen.repeats, chosen.actions) | {"machine": machine}
    write(chosen.out, command, content)
    for name, value in content.items():
        if not isinstance(value, (dict, list)):
            print(f"{name}: {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
