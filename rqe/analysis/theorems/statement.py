"""What every statement must bring: its words, a symbolic derivation, a numeric check, a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...result.table import Table

VERDICTS = ("holds", "holds with a correction", "fails")
COLUMNS = ("quantity", "draws", "worst", "bound", "violations")


@dataclass(frozen=True)
class Statement:
    """A statement about equilibria, and what became of it when it was checked.

    Attributes
    ----------
    name : str
        Its name here, that of its file.
    source : str
        Short name and number.
    says : str
        The statement in this library's notation.
    verdict : {"holds", "holds with a correction", "fails"}
    derive : callable
        Without arguments: sympy expressions by name, each of which simplifies to zero if the
        algebra of the statement is right.
    check : callable
        ``(draws, seed)`` to a table with `COLUMNS`: on random instances, the worst value of each
        quantity, what it may be at most, and how many instances exceed that.
    correction : str
        What has to be read in place of what is printed; empty if nothing.
    counterexample : str
        Why the printed form, or the form outside the proven range, is wrong; empty if none.
    """

    name: str
    source: str
    says: str
    verdict: str
    derive: Callable[[], Mapping[str, Any]]
    check: Callable[[int, int], Table]
    correction: str = ""
    counterexample: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict must be one of {', '.join(VERDICTS)}; got {self.verdict!r}")
        if (self.verdict == "holds") == bool(self.correction):
            raise ValueError(
                "correction must be given where the verdict is not 'holds', and only there"
            )
