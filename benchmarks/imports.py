"""What the first import costs, in fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys

from .measure import Row, Section, Timing, require

SCRIPT = """
import json, sys, time
{before}
start = time.perf_counter()
import {name}
print(json.dumps([time.perf_counter() - start, sorted(sys.modules)]))
"""
HEAVY = {"cvxpy", "sympy", "matplotlib", "jax", "nashpy", "pygambit", "quantecon", "tqdm"}
"""What `import rqe` must leave alone."""


def row(name: str, after: str, repeats: int) -> Row:
    """Import `name` once a process, after the modules named in `after`."""
    before = f"import {after}" if after else ""
    words = [sys.executable, "-c", SCRIPT.format(before=before, name=name)]
    seconds, loaded = [], set()
    for _ in range(repeats + 1):
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        taken, modules = json.loads(done.stdout)
        seconds.append(taken)
        loaded = HEAVY & set(modules)
    require(name != "rqe" or not loaded, f"import rqe brings in {sorted(loaded)}")
    return {
        "import": f"`{name}`",
        "after": f"`{after}`" if after else "nothing",
        "time": str(Timing(tuple(seconds[1:]))),
    }


IMPORTS = Section(
    "Imports",
    "Each time in a fresh process, files in the system's cache (a first process is not counted). "
    "`import rqe` is checked to leave the plotting, convex-programming and peer packages alone.",
    row,
    quick=[
        {"name": "numpy, scipy", "after": "", "repeats": 5},
        {"name": "rqe", "after": "numpy, scipy", "repeats": 5},
        {"name": "pygambit", "after": "numpy, scipy", "repeats": 5},
    ],
    full=[
        {"name": "numpy, scipy", "after": "", "repeats": 15},
        {"name": "rqe", "after": "numpy, scipy", "repeats": 15},
        {"name": "pygambit", "after": "numpy, scipy", "repeats": 15},
    ],
    smallest={"name": "rqe", "after": "numpy, scipy", "repeats": 1},
)
