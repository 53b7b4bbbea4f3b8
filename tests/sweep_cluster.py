"""A sweep on a Dask cluster of two processes, one of which is killed in the middle of a chunk.

Run by `test_sweep_cluster`, with a folder as its argument; it prints what it saw as JSON.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import joblib

import games
import rqe

GRID = {"cost": [0.2, 0.3, 0.4, 0.5, 0.6, 0.7], "tau": [0.5, 1.5], "epsilon": [0.1, 0.2]}
CHUNK = 4
"""Points of a chunk: all of one cost."""
PATIENCE = 60.0
"""Seconds that a worker or the killer waits for a file."""


def wait_for(find, what):
    """What `find` returns once it is something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = find()
        if found:
            return found
        time.sleep(0.01)
    raise TimeoutError(f"no {what} after {PATIENCE} s")


def answer(cost, tau, epsilon):
    """A free-rider's probabilities: what is swept, here and on the cluster."""
    eq = rqe.solve_rqe(games.free_riding(cost=cost), tau=tau, epsilon=epsilon)
    return {"cooperates": eq[0][0], "residual": eq.residual, "steps": eq.iterations}


class Watched:
    """The same, by workers that leave a note, and from the second chunk on wait for the murder."""

    def __init__(self, place):
        self.place = place

    def __call__(self, cost, tau, epsilon):
        if (tau, epsilon) == (GRID["tau"][0], GRID["epsilon"][0]):
            note = Path(self.place, f"begun-{GRID['cost'].index(cost)}-{os.getpid()}")
            note.touch()
            if cost != GRID["cost"][0]:
                wait_for(Path(self.place, "killed").exists, "murder")
        return answer(cost, tau, epsilon)


def kill_one(place, folder, seen):
    """Kill a worker that is in the middle of a chunk, once the first chunk's file is there."""
    try:
        wait_for(Path(folder, "chunk-000000.rqe").exists, "first chunk")
        # who has begun a further chunk waits in it: it cannot be between two when it is killed
        notes = wait_for(lambda: sorted(Path(place).glob("begun-[1-9]-*")), "second chunk")
        _, chunk, victim = notes[0].name.split("-")
        os.kill(int(victim), signal.SIGKILL)
        seen |= {"victim": int(victim), "chunk": int(chunk)}
    finally:
        Path(place, "killed").touch()


def main(place):
    from distributed import Client, LocalCluster

    folder, seen = Path(place, "chunks"), {}
    killer = threading.Thread(target=kill_one, args=(place, folder, seen), daemon=True)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
        local_directory=str(Path(place, "dask")),
    ) as cluster, Client(cluster), joblib.parallel_config(backend="dask"):  # fmt: skip
        killer.start()
        found = rqe.analysis.sweep(Watched(place), GRID, chunk=CHUNK, folder=folder)
    killer.join()
    serial = rqe.analysis.sweep(answer, GRID, chunk=CHUNK)
    again = rqe.analysis.sweep(Watched(place), GRID, folder=folder)
    seen |= {
        "begun": sorted(p.name for p in Path(place).glob("begun-*")),
        "rows": len(found),
        "alike": found.table() == serial.table(),
        "kept": again.table() == serial.table(),
        "cooperates": found.column("cooperates"),
    }
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1])
