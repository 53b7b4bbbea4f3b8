"""Check every statement of `rqe.analysis.theorems` on random instances, and write what came out.

Run ``python -m benchmarks.theorems --draws 200 --seed 0 --out docs/theorems.md``. The tests check
the derivations and a few instances of each; this is the longer run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import sympy

from rqe import Table
from rqe.analysis import theorems

BESIDE: dict[str, tuple[str, ...]] = {
    "entropic_duality": ("misplaced",),
    "quantal_response": ("other_responses",),
    "gaussian_response": ("other_means",),
    "surrogate_game": ("other_games",),
    "gaussian_equilibrium": ("as_printed",),
    "collaboration": ("beyond",),
    "example_4_1": ("as_printed",),
    "probability_bound": ("with_absolute_payoffs",),
    "kl_bound": ("too_small",),
    "cost_to_distance": ("other_constants",),
    "free_riding": ("beyond",),
    "policy_gradient": ("misread",),
    "performance_difference": ("misread",),
}
"""Functions of a statement's module that show what fails next to it: printed forms, and the same
check outside the proven range."""


def cell(value: Any) -> str:
    """A table's cell in Markdown."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else str(value).replace("|", "\\|")


def markdown(table: Table) -> list[str]:
    """A table in Markdown."""
    head = "| " + " | ".join(table.columns) + " |"
    rule = "|" + "---|" * len(table.columns)
    rows = ["| " + " | ".join(map(cell, row)) + " |" for row in table.rows]
    return [head, rule, *rows]


def part(title: str, found: Table | Mapping[str, Table]) -> list[str]:
    """One table, or several by name."""
    tables = {"": found} if isinstance(found, Table) else found
    out = []
    for name, table in tables.items():
        out += ["", f"{title}{f' ({name})' if name else ''}:", "", *markdown(table)]
    return out


def chapter(name: str, draws: int, seed: int) -> list[str]:
    """What one statement says, whether its derivation holds, and how its check went."""
    statement = theorems.get(name)
    module = import_module(f"rqe.analysis.theorems.{name}")
    expressions = statement.derive()
    nonzero = [k for k, e in expressions.items() if sympy.simplify(e) != 0]
    if nonzero:
        raise RuntimeError(f"{name}: these do not simplify to zero: {', '.join(nonzero)}")
    out = ["", f"## {name}", "", f"*{statement.source}.* {statement.says}"]
    out += ["", f"**{statement.verdict.capitalize()}.** {statement.correction}".rstrip()]
    if statement.counterexample:
        out += ["", f"Counterexample: {statement.counterexample}"]
    out += ["", f"Symbolically (zero by sympy): {'; '.join(expressions)}."]
    out += part("On random instances", statement.check(draws, seed))
    for beside in BESIDE.get(name, ()):
        run: Callable[[int, int], Any] | None = getattr(module, beside, None)
        if run is not None:
            out += part(f"What fails beside it, `{beside}`", run(draws, seed))
    return out


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m benchmarks.theorems``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.theorems", description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(argv)
    lines = [
        "# Theorems, checked",
        "",
        f"`python -m benchmarks.theorems --draws {options.draws} --seed {options.seed}`. Each "
        "statement lives in `rqe/analysis/theorems/`, with its derivation, its check and its test "
        "in `tests/theorems/`. *worst* is the worst value of a quantity over the draws, *bound* "
        "what it may be at most, *violations* how many draws exceed that.",
        "",
        "| statement | source | verdict |",
        "|---|---|---|",
    ]
    chapters = []
    for name in theorems.NAMES:
        began = time.perf_counter()
        statement = theorems.get(name)
        lines.append(f"| [{name}](#{name}) | {statement.source} | {statement.verdict} |")
        chapters += chapter(name, options.draws, options.seed)
        print(f"{name}: {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    report = "\n".join([*lines, *chapters]) + "\n"
    if options.out:
        options.out.write_text(report, encoding="utf-8")
    else:
        print(report)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
