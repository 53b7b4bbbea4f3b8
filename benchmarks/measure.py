"""Timing: calls of one run interleaved between the contestants, garbage collection off."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
"""One line of a table: column to cell."""


@dataclass(frozen=True)
class Timing:
    """Seconds of repeated calls."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Middle of the repetitions."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        if len(self.seconds) == 1:
            return f"{show(self.median)} (one call)"
        return f"{show(self.median)} ({show(min(self.seconds))}–{show(max(self.seconds))})"


@dataclass(frozen=True)
class Section:
    """One table: what is timed, for which cases.

    Attributes
    ----------
    title, about : str
        Heading of the table, and what a reader must know to judge it.
    row : callable
        Times one case and returns its line; raises where an answer that it timed is wrong.
    quick, more : sequence of mappings
        Arguments of ``row``: the cases of ``--quick``, and those that a full run adds.
    full : sequence of mappings, optional
        The cases of a full run where they are others than ``quick`` and ``more``.
    smallest : mapping
        Arguments for a test.
    """

    title: str
    about: str
    row: Callable[..., Row]
    quick: Sequence[Mapping[str, Any]]
    smallest: Mapping[str, Any]
    more: Sequence[Mapping[str, Any]] = ()
    full: Sequence[Mapping[str, Any]] | None = None

    def rows(self, quick: bool) -> list[Row]:
        """Every line of the table."""
        cases = [*self.quick, *self.more] if self.full is None else self.full
        return [self.row(**case) for case in (self.quick if quick else cases)]


class WrongAnswer(Exception):
    """A contestant's answer failed its check: its time means nothing."""


def require(truth: bool, complaint: str) -> None:
    """Raise `WrongAnswer`, also where Python drops its assertions."""
    if not truth:
        raise WrongAnswer(complaint)


def show(seconds: float) -> str:
    """Seconds with a unit that suits their size."""
    if seconds < 1e-3:
        return f"{1e6 * seconds:.0f} µs"
    return f"{1e3 * seconds:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"


def ratio(peer: float, ours: float) -> str:
    """How many times as long the peer takes, to two digits."""
    quotient = peer / ours
    return f"{quotient:.0f}" if quotient >= 10.0 else f"{quotient:.2g}"


def columns(names: Sequence[str], timings: Sequence[Timing]) -> Row:
    """Our time, every peer's, and the ratios."""
    row: Row = {"rqe": str(timings[0])}
    for name, timing in zip(names, timings[1:], strict=True):
        row[name] = str(timing)
        row[f"ratio to {name}"] = ratio(timing.median, timings[0].median)
    return row


TURN, MOST = 0.05, 100
"""Seconds that a turn of short calls is to last, and the most calls in it."""


def race(contestants: Sequence[Callable[[], Any]], repeats: int) -> tuple[list[Timing], list[Any]]:
    """Time each contestant `repeats` times, in turn.

    One call of each comes before and is not counted, unless `repeats` is 1: then the only call is
    the counted one. Short calls are repeated within a turn, which is their mean: alternating with
    others at every call, all of them would be timed with cold caches. A contestant in a process of
    its own has its own clock, a method ``timed(number)`` to seconds a call and an answer. Answers
    are released outside the timed region, so that nobody pays for clearing up after another.

    Returns
    -------
    timings, answers
        In the contestants' order; the answers are those of the first calls.
    """
    answers, numbers = [None] * len(contestants), [1] * len(contestants)
    if repeats > 1:
        for k, run in enumerate(contestants):
            seconds, answers[k] = _turn(run, 1)
            if seconds < TURN:  # once more, warm
                seconds, answers[k] = _turn(run, 1)
            numbers[k] = max(1, min(MOST, int(TURN / max(seconds, 1e-9))))
    found: list[list[float]] = [[] for _ in contestants]
    gc.collect()
    gc.disable()
    try:
        for _ in range(repeats):
            for k, run in enumerate(contestants):
                spent, answer = _turn(run, numbers[k])
                found[k].append(spent)
                if repeats == 1:
                    answers[k] = answer
                answer = None
    finally:
        gc.enable()
    return [Timing(tuple(s)) for s in found], answers


def _turn(run: Callable[[], Any], number: int) -> tuple[float, Any]:
    """Seconds a call, over so many in a row, and the last one's answer."""
    if hasattr(run, "timed"):
        return run.timed(number)  # type: ignore[no-any-return]
    total, answer = 0.0, None
    for _ in range(number):
        answer = None
        began = time.perf_counter()
        answer = run()
        total += time.perf_counter() - began
    return total / number, answer
