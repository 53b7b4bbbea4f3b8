"""Time and memory against size, with fitted exponents and log–log plots."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import rqe

from .machine import ONE_THREAD
from .measure import Row, Section, race, require, show
from .peers import calls, profile, stored
from .plain import residual as by_definition
from .quantal import SAME, TOL, uniform_game

LAM = 5.0
FITTED_FROM = 100
"""Smallest size that an exponent is fitted to: below, times are those of Python's calls."""
COLORS = ("#0072B2", "#009E73", "#D55E00", "#CC79A7")
MARKS = ("o", "s", "^", "v")


def curve_row(n: int, repeats: int, peer: bool) -> Row:
    """Principal QRE and RQE of one random game, and the peers' QRE."""
    arrays = uniform_game(n, 0)
    game = rqe.NormalFormGame(arrays)
    theirs = calls("qre", payoffs=stored(arrays), lam=LAM) if peer else []
    timings, (qre, risky, *points) = race(
        [
            lambda: rqe.solve_qre(game, lam=LAM),
            lambda: rqe.solve_rqe(game, 2.0, 1.0 / LAM),
            *theirs,
        ],
        repeats,
    )
    for eq, tau in ((qre, 0.0), (risky, 2.0)):
        found = by_definition(arrays, eq.strategies, tau, 1.0 / LAM)
        require(found <= TOL, f"residual {found:.1e} of {eq!r}")
    for point in points:
        gap = max(
            float(np.abs(a - b).max()) for a, b in zip(profile(point), qre.strategies, strict=True)
        )
        require(gap <= SAME, f"pygambit differs by {gap:.1e}")
    names = ["rqe, QRE", "rqe, RQE", *(call.peer.name for call in theirs)]
    row: Row = {"game": f"{n} × {n}"}
    for name, timing in zip(names, timings, strict=True):
        row[name] = str(timing)
    row["_size"], row["_seconds"] = n, {k: t.median for k, t in zip(names, timings, strict=True)}
    return row


CURVE = Section(
    "Cost against size",
    "Principal QRE and RQE (`tau = 2`) of random games at lambda = 5, seed 0; pygambit's objects "
    "take minutes to build above 200 × 200.",
    curve_row,
    quick=[{"n": n, "repeats": 5, "peer": True} for n in (5, 10, 20, 50)],
    more=[{"n": n, "repeats": 3, "peer": True} for n in (100, 200)]
    + [{"n": n, "repeats": 3, "peer": False} for n in (500, 1000, 2000)],
    smallest={"n": 5, "repeats": 2, "peer": True},
)


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float | None:
    """Slope of log time against log size, by least squares; None with fewer than two points."""
    large = [(n, s) for n, s in zip(sizes, seconds, strict=True) if n >= FITTED_FROM]
    if len(large) < 2:
        return None
    x, y = np.log(np.array(large)).T
    return float(np.polyfit(x, y, 1)[0])


def series(rows: Sequence[Row]) -> dict[str, tuple[list[int], list[float]]]:
    """Sizes and seconds by contestant."""
    out: dict[str, tuple[list[int], list[float]]] = {}
    for row in rows:
        for name, seconds in row["_seconds"].items():
            sizes, times = out.setdefault(name, ([], []))
            sizes.append(row["_size"])
            times.append(seconds)
    return out


def exponents(rows: Sequence[Row]) -> list[str]:
    """The line below the table."""
    found = {name: exponent(*points) for name, points in series(rows).items()}
    said = [f"{name} {value:.2f}" for name, value in found.items() if value is not None]
    if not said:
        return []
    return ["", f"Time grows as n to the power of (n ≥ {FITTED_FROM}): " + ", ".join(said) + "."]


def draw(rows: Sequence[Row], out: Path) -> None:
    """Time against size on logarithmic axes, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    with plt.rc_context({"svg.hashsalt": "rqe", "font.size": 10}):
        figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
        styles = zip(series(rows).items(), COLORS, MARKS, strict=False)
        for (name, (sizes, seconds)), color, mark in styles:
            power = exponent(sizes, seconds)
            label = name if power is None else f"{name}: $n^{{{power:.2f}}}$"
            axes.loglog(sizes, seconds, color=color, marker=mark, label=label)
        axes.set_xlabel("actions of each player, n")
        axes.set_ylabel("time (s)")
        axes.set_title("Logit equilibrium of a random n × n game at lambda = 5")
        axes.grid(visible=True, which="major", alpha=0.3)
        axes.legend(frameon=False)
        figure.savefig(out, metadata={"Date": None})
        plt.close(figure)


def memory_row(n: int, tau: float) -> Row:
    """Peak memory of one solve, in a fresh process."""
    words = [sys.executable, "-m", "benchmarks.curve", str(n), str(tau)]
    done = subprocess.run(words, env=os.environ | ONE_THREAD, capture_output=True, text=True)
    require(done.returncode == 0, done.stderr)
    found = json.loads(done.stdout)
    held = 2 * n * n * 8 / 2**20
    return {
        "game": f"{n} × {n}",
        "tau": f"{tau:g}",
        "payoffs": f"{held:.0f} MB",
        "before solving": f"{found['before']:.0f} MB",
        "at most": f"{found['peak']:.0f} MB",
        "above, in payoffs": f"{(found['peak'] - found['before']) / held:.1f}",
        "residual": f"{found['residual']:.0e}",
        "time": show(found["seconds"]),
    }


def _peak() -> float:
    """Largest resident memory of this process so far, in MB.

    Linux's own number: `getrusage` counts what the process was before it became this program.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        held = next(line for line in lines if line.startswith("VmHWM:"))
        return int(held.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _measured(n: int, tau: float) -> dict[str, Any]:
    import time

    game = rqe.NormalFormGame(uniform_game(n, 0))
    before = _peak()
    began = time.perf_counter()
    eq = rqe.solve_rqe(game, tau, 1.0 / LAM)
    seconds = time.perf_counter() - began
    return {"before": before, "peak": _peak(), "seconds": seconds, "residual": eq.residual}


MEMORY = Section(
    "Memory",
    "Largest resident memory of a fresh process that builds one random game and solves it once at "
    "lambda = 5; the first column counts both players' payoffs, *before* what "
    "building the game took at most.",
    memory_row,
    quick=[{"n": 500, "tau": tau} for tau in (0.0, 2.0)],
    more=[{"n": 2000, "tau": tau} for tau in (0.0, 2.0)],
    smallest={"n": 100, "tau": 2.0},
)


if __name__ == "__main__":
    print(json.dumps(_measured(int(sys.argv[1]), float(sys.argv[2]))))
