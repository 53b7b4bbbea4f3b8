"""A sweep on Ray, two workers: the same call, the same table.

Ray is no dependency of the project: ``pip install ray`` beside it, then run
``python -m benchmarks.sweep_ray --points 100000``. It starts Ray on this machine, sweeps through
joblib's Ray backend, and compares with the sweep on one core, row for row.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np

import games
from rqe.analysis import GameFamily, SweepTable, sweep

STEPS = 10
"""Values of tau, and of epsilon, for each game."""


def family() -> GameFamily:
    """Random 3 × 3 games by seed."""
    return GameFamily(functools.partial(games.random_game, (3, 3)), lockstep=1000)


def grid(points: int) -> dict[str, object]:
    """So many points, a tenth of a tenth of them different games."""
    return {
        "seed": range(max(1, points // STEPS**2)),
        "tau": np.linspace(0.0, 5.0, STEPS),
        "epsilon": np.geomspace(0.05, 1.0, STEPS),
    }


def on_ray(points: int, workers: int, folder: Path) -> tuple[SweepTable, list[float]]:
    """The table, and how many seconds after the start of the sweep each chunk came in."""
    import ray
    from ray.util.joblib import register_ray

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    register_ray()
    times: list[float] = []
    began = time.perf_counter()

    def note(done: int, _: int) -> None:
        times.append(time.perf_counter() - began)

    try:
        with joblib.parallel_config(backend="ray", n_jobs=workers):
            return sweep(family(), grid(points), folder=folder, progress=note), times
    finally:
        ray.shutdown()


def main(arguments: list[str] | None = None) -> int:
    """Sweep on Ray and on one core; compare."""
    import ray

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args(arguments)
    began = time.perf_counter()
    serial = sweep(family(), grid(chosen.points), n_jobs=1)
    between = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        found, times = on_ray(chosen.points, chosen.workers, Path(place))
        ended = time.perf_counter()
        again = sweep(family(), grid(chosen.points), folder=place)
    alike = found.table() == serial.table() == again.table()
    print(found.counts())
    print(f"ray {ray.__version__}, {chosen.workers} workers, {len(found):,} points")
    print(f"one core {between - began:.1f} s; ray, its start included, {ended - between:.1f} s")
    print(f"first chunk after {times[0]:.1f} s, last of {len(times)} after {times[-1]:.1f} s")
    print("alike, row for row" if alike else "NOT ALIKE")
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
