"""The table of docs/cells.md, computed again cell by cell."""

import pytest

from tests.cells import CELLS, GAMES, PAGE, outcome

TEXT = PAGE.read_text(encoding="utf-8")


def listed(cell):
    """What the page says of a cell."""
    risk, rule, form, count = cell
    (line,) = [row for row in TEXT.splitlines() if row.startswith(f"| `{risk}` | `{rule}` |")]
    column = line.split("|")[3 if form == "aggregate" else 4]
    return column.split(",")[count - 2].strip()


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(map(str, cell)))
def test_every_cell_solves_or_is_refused_as_the_page_says(cell):
    assert outcome(cell) == listed(cell)


def test_what_must_be_solved_is():
    for risk, rule, form, count in CELLS:
        if rule in ("NegEntropy", "LogBarrier") and form == "aggregate" and count < 4:
            assert listed((risk, rule, form, count)) == f"{GAMES}/{GAMES}"


def test_nothing_is_solved_in_part():
    assert {listed(cell) for cell in CELLS} == {f"{GAMES}/{GAMES}", "no"}
