"""All statements at once: they load, agree with what is written down, and refuse other names."""

from pathlib import Path

import pytest

from benchmarks.theorems import cell, chapter
from rqe.analysis import theorems
from rqe.analysis.theorems.statement import COLUMNS, VERDICTS, Statement

WRITTEN = Path(__file__).parents[2] / "docs" / "theorems.md"


def test_verdicts_list_every_statement():
    table = theorems.verdicts()
    assert table.column("statement") == theorems.NAMES
    assert set(table.column("verdict")) <= set(VERDICTS)
    assert table.column("verdict").count("holds with a correction") >= 4


@pytest.mark.parametrize("name", theorems.NAMES)
def test_the_document_says_what_the_library_says(name):
    statement = theorems.get(name)
    assert statement.name == name
    text = WRITTEN.read_text(encoding="utf-8")
    assert f"| [{name}](#{name}) | {statement.source} | {statement.verdict} |" in text
    assert statement.says in text
    assert statement.correction in text
    assert statement.counterexample in text


def test_a_chapter_is_written_from_the_check_itself():
    lines = chapter("cost_to_distance", 5, 3)
    table = theorems.get("cost_to_distance").check(5, 3)
    assert table.columns == COLUMNS
    for row in table.rows:
        assert f"| {' | '.join(map(cell, row))} |" in lines


def test_other_names_are_refused():
    with pytest.raises(ValueError, match="name must be one of entropic_duality"):
        theorems.get("cooperation")


def test_a_statement_needs_a_correction_if_and_only_if_it_does_not_hold():
    good = theorems.get("kl_bound")
    parts = good.name, good.source, good.says
    with pytest.raises(ValueError, match="verdict must be one of"):
        Statement(*parts, "true", good.derive, good.check)
    with pytest.raises(ValueError, match="correction must be given"):
        Statement(*parts, "fails", good.derive, good.check)
    with pytest.raises(ValueError, match="correction must be given"):
        Statement(*parts, "holds", good.derive, good.check, "something")
