"""Timing: calls of one run interleaved between the contestants, garbage collection off."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Seconds of repeated calls."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Middle of the repetitions."""
        return float(np.median(self.seconds))

    def __str__(self) -> str:
        return f"{show(self.median)} ({show(min(self.seconds))}–{show(max(self.seconds))})"


def show(seconds: float) -> str:
    """Seconds with a unit that suits their size."""
    if seconds < 1e-3:
        return f"{1e6 * seconds:.0f} µs"
    return f"{1e3 * seconds:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"


def race(contestants: Sequence[Callable[[], Any]], repeats: int) -> tuple[list[Timing], list[Any]]:
    """Time each contestant `repeats` times, in turn, after one call that is not counted.

    Returns
    -------
    timings, answers
        In the contestants' order; the answers are those of the uncounted calls.
    """
    answers = [run() for run in contestants] if repeats > 1 else [None] * len(contestants)
    seconds: list[list[float]] = [[] for _ in contestants]
    gc.collect()
    gc.disable()
    try:
        for _ in range(repeats):
            for k, run in enumerate(contestants):
                began = time.perf_counter()
                answer = run()
                seconds[k].append(time.perf_counter() - began)
                if repeats == 1:
                    answers[k] = answer
    finally:
        gc.enable()
    return [Timing(tuple(s)) for s in seconds], answers
