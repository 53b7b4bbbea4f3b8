"""A worker of a Dask cluster is killed in the middle of a chunk, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sweep_cluster import CHUNK, GRID

import games
import rqe

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 240.0
"""Seconds for it all, on a loaded machine; it takes three where nothing else runs."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What `sweep_cluster` saw. It is a process of its own, so that nothing of it can stay."""
    pytest.importorskip("distributed")
    place = tmp_path_factory.mktemp("cluster")
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(ROOT / "tests" / "sweep_cluster.py"), str(place)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=LIMIT)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode == 0, err
    return json.loads(out)


def test_a_worker_was_killed_in_the_middle_of_a_chunk(seen):
    begun = [note.split("-")[1:] for note in seen["begun"]]
    again = [int(pid) for number, pid in begun if int(number) == seen["chunk"]]
    assert seen["chunk"] >= 1
    assert seen["victim"] in again
    # the chunk was begun a second time, by another process
    assert len(set(again)) == 2
    # no chunk whose file was there is computed again: the first was begun once
    assert sum(number == "0" for number, _ in begun) == 1


def test_nothing_is_lost(seen):
    assert seen["rows"] == len(GRID["cost"]) * CHUNK
    assert seen["alike"]
    assert seen["kept"]


def test_the_table_is_right(seen):
    points = [(c, t, e) for c in GRID["cost"] for t in GRID["tau"] for e in GRID["epsilon"]]
    for (cost, tau, epsilon), found in zip(points, seen["cooperates"], strict=True):
        eq = rqe.solve_rqe(games.free_riding(cost=cost), tau=tau, epsilon=epsilon)
        assert found == pytest.approx(eq[0][0], abs=1e-9)
