"""Do the stated intervals of a fit hold the parameters that made the data?

Run ``python -m benchmarks.recovery --draws 500 --seed 0 --out docs/results/recovery.json``. Every
draw has its own generator, so that the tests can do a few of them again.

The design identifies both degrees: Selten and Chmura's twelve games, 6 groups of 50 choices a role
in each (14,400 choices, one twelfth of theirs), played at the RQE of ``tau = 0.12`` and
``epsilon = 1`` (points), near what their subjects show. Two kinds of people: in ``independent``
every choice is an independent draw from the equilibrium; in ``clustered`` every group has its own
habits, a Dirichlet draw around the equilibrium with concentration 15 for each role, which makes the
variance of a group's count (50 + 15) / (1 + 15), some 4 times, what it would be.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import games
import rqe
from benchmarks.record import digits, read, write
from rqe.analysis.estimation import Observation, fit

TRUTH = {"tau": 0.12, "epsilon": 1.0}
GROUPS, CHOICES, CONCENTRATION = 6, 50, 15.0
KINDS = ("independent", "clustered")
INTERVALS = ("Wald", "Wald clustered", "profile", "profile clustered")
RESULT = Path("docs/results/recovery.json")

Row = dict[str, Any]


def simulate(kind: str, rng: np.random.Generator) -> list[Observation]:
    """One data set."""
    data = []
    for number in range(1, 13):
        game = games.selten_chmura(number)
        counts = []
        for x in rqe.solve_rqe(game, TRUTH["tau"], TRUTH["epsilon"]):
            habits = np.tile(x, (GROUPS, 1))
            if kind == "clustered":
                habits = rng.dirichlet(CONCENTRATION * x, size=GROUPS)
            counts.append(rng.multinomial(CHOICES, habits))
        data.append(Observation(game, counts))
    return data


def draw(kind: str, seed: int, number: int) -> Row:
    """Fit one simulated data set: estimates, standard errors and intervals, rounded to 9 digits."""
    rng = np.random.default_rng([seed, number, KINDS.index(kind)])
    result = fit(simulate(kind, rng), "rqe", profile=True)
    ends = (
        result.wald(clustered=False),
        result.wald(clustered=True),
        result.profile,
        result.profile_clustered,
    )
    row: Row = {"kind": kind, "number": number, "status": result.status.name}
    for k, name in enumerate(("tau", "epsilon")):
        row[name] = digits(result.estimates[k])
        row[f"{name} s.e."] = digits(result.standard_errors[k])
        row[f"{name} clustered s.e."] = digits(result.standard_errors_clustered[k])
        for interval, end in zip(INTERVALS, ends, strict=True):
            row[f"{name} {interval}, from"], row[f"{name} {interval}, to"] = map(digits, end[k])
    return row


def covered(rows: list[Row], kind: str, name: str, interval: str) -> int:
    """How many of the intervals hold the truth."""
    which = f"{name} {interval}"
    return sum(
        float(row[f"{which}, from"]) <= TRUTH[name] <= float(row[f"{which}, to"])
        for row in rows
        if row["kind"] == kind
    )


def table(rows: list[Row]) -> rqe.Table:
    """Coverage of every kind of interval, and how the standard errors compare with the spread."""
    out = []
    for kind in KINDS:
        chosen = [row for row in rows if row["kind"] == kind]
        for name, truth in TRUTH.items():
            values = np.array([row[name] for row in chosen])
            shares = [100.0 * covered(rows, kind, name, i) / len(chosen) for i in INTERVALS]
            errors = [
                float(np.mean([float(row[f"{name} {e}"]) for row in chosen]))
                for e in ("s.e.", "clustered s.e.")
            ]
            cells = (float(values.mean() - truth), float(values.std(ddof=1)), *errors)
            out.append((kind, name, *(float(f"{c:.3g}") for c in cells), *shares))
    columns = ("people", "parameter", "bias", "spread", "mean s.e.", "mean clustered s.e.")
    return rqe.Table((*columns, *(f"{i} %" for i in INTERVALS)), tuple(out))


def saved(path: Path = RESULT) -> list[Row]:
    """The rows of a saved run."""
    content = read(path)
    return [dict(zip(content["columns"], row, strict=True)) for row in content["rows"]]


def main(arguments: list[str] | None = None) -> int:
    """Run all draws and save them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args(arguments)
    began, rows = time.perf_counter(), []
    for kind in KINDS:
        for number in range(chosen.draws):
            rows.append(draw(kind, chosen.seed, number))
            if sys.stderr.isatty() and number % 10 == 0:
                print(f"\r{kind} {number}", end="", file=sys.stderr)
    command = f"python -m benchmarks.recovery --draws {chosen.draws} --seed {chosen.seed}"
    cells = [list(row.values()) for row in rows]
    write(chosen.out, command, {"seed": chosen.seed, "columns": list(rows[0]), "rows": cells})
    print(table(rows))
    print(f"{time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
