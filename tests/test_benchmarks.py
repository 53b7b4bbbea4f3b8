"""The benchmarks' sections run, and check the answers that they time; no time is asserted."""

import itertools

import pytest

from benchmarks.measure import race, show
from benchmarks.sections import SECTIONS


@pytest.mark.parametrize("name", [n for n in SECTIONS if n != "batch"])
def test_first_row_of_each_section(name):
    head, row = itertools.islice(SECTIONS[name](True), 2)
    assert len(head) == len(row)
    if name == "qre":
        assert float(row[-1]) <= 1e-6  # the same point of the same branch as the peer's


def test_contestants_alternate():
    calls = []
    timings, answers = race([lambda: calls.append("a"), lambda: calls.append("b")], 3)
    assert "".join(calls) == "ab" * 4
    assert [len(t.seconds) for t in timings] == [3, 3]
    assert answers == [None, None]


@pytest.mark.parametrize(
    ("seconds", "text"), [(5e-5, "50 µs"), (0.0123, "12.3 ms"), (2.5, "2.5 s")]
)
def test_units(seconds, text):
    assert show(seconds) == text
