"""Throughput of the trainer on the Overcooked gridworld, against plain PyTorch in the same run.

Run ``python -m benchmarks.training`` where PyTorch is installed (``pip install torch``); without it
the comparison is left out. Every measurement has a process of its own with one thread. Steps are
environment steps of all phases, seconds are CPU seconds of the process without compilation;
contestants take turns, and what is reported is the median of the turns.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import ONE_THREAD, facts
from benchmarks.record import digits, write
from rqe import Table

RESULT = Path("benchmarks/results/training.json")
UPDATES = {"ippo": 300, "srpo": 150}
"""Updates that the peer trains for in a turn: the same steps for both algorithms."""
CASES = (("ippo", 1), ("ippo", 30), ("srpo", 1), ("srpo", 30))


def ours(algorithm: str, seeds: int) -> dict[str, float]:
    """One turn of our trainer: whole runs of 2,000,000 steps, or a tenth of it for many seeds."""
    import jax
    import jax.numpy as jnp

    import games.overcooked
    from rqe import train as t

    choice = {"ippo": t.IPPO(), "srpo": t.SRPO()}[algorithm]
    trainer = t.Trainer(t.Config(games.overcooked.Gridworld(), choice))
    total = trainer.config.updates
    updates = total if seeds == 1 else total // 10
    states = jax.vmap(trainer.begin)(jax.vmap(jax.random.key)(jnp.arange(seeds)))
    began = time.perf_counter()
    program = jax.jit(jax.vmap(lambda s: trainer.advance(s, updates)[0])).lower(states).compile()
    compiled = time.perf_counter() - began
    wall, cpu = time.perf_counter(), time.process_time()
    jax.block_until_ready(program(states))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    steps = seeds * updates * trainer.config.interactions_per_update
    return {
        "steps per CPU second": steps / cpu,
        "steps per second": steps / wall,
        "compile seconds": compiled,
        "peak memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def theirs(algorithm: str) -> dict[str, float]:
    """One turn of the peer."""
    from benchmarks import torch_ppo

    _, pace = torch_ppo.train(algorithm, UPDATES[algorithm], seed=0)
    return {"steps per CPU second": pace}


def _turn(*words: str) -> dict[str, float]:
    flags = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}
    command = [sys.executable, "-m", "benchmarks.training", "--turn", *words]
    done = subprocess.run(
        command, env=os.environ | ONE_THREAD | flags, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def _peer() -> bool:
    return importlib.util.find_spec("torch") is not None


def measure(turns: int) -> dict[str, dict[str, float]]:
    """Medians over turns of every case, and of the peer's."""
    peer = _peer()
    if not peer:
        print("the comparison is left out: pip install torch", file=sys.stderr)
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(turns):
        for algorithm, seeds in CASES:
            found.setdefault(f"{algorithm}, {seeds} seeds", []).append(_turn(algorithm, str(seeds)))
        for algorithm in UPDATES if peer else ():
            found.setdefault(f"{algorithm}, PyTorch", []).append(_turn(algorithm, "torch"))
    return {
        name: {k: digits(statistics.median(row[k] for row in rows), 4) for k in rows[0]}
        for name, rows in found.items()
    }


def table(rows: dict[str, dict[str, float]]) -> Table:
    """One line a case, with the ratio to the peer's pace."""
    lines: list[tuple[Any, ...]] = []
    columns = ("steps per CPU second", "steps per second", "compile seconds", "peak memory, MB")
    for name, row in rows.items():
        theirs = rows.get(f"{name.split(',')[0]}, PyTorch")
        ratio = round(row[columns[0]] / theirs[columns[0]], 1) if theirs else None
        lines.append((name, *(row.get(c) for c in columns), ratio))
    return Table(("case", *columns, "times PyTorch"), tuple(lines))


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m benchmarks.training``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--turn", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.turn:
        algorithm, who = options.turn
        print(json.dumps(theirs(algorithm) if who == "torch" else ours(algorithm, int(who))))
        return 0
    packages = ("numpy", "jax", "optax", *(("torch",) if _peer() else ()))
    about = dict(facts("python -m benchmarks.training", packages))
    rows = measure(options.turns)
    write(options.out, "python -m benchmarks.training", {"about": about, "rows": rows})
    print(table(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
