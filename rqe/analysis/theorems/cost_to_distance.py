"""A difference of expected costs bounds the distance of two strategies from below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from ...result.table import Table
from ._finite import ROUNDING, collect, table
from .statement import Statement

BOUNDS = {
    "cost difference less (c_max - c_min)/2 |x - y|_1, per range": ROUNDING,
    "1 less their ratio where mass moves from cheapest to dearest": 1e-9,
    "N players: spread of costs less (c_max - c_min)/2 max |x_i - x_j|_1, per range": ROUNDING,
}


def derive() -> dict[str, Any]:
    """Centring the costs at their middle; equality for two actions and between the extremes."""
    import sympy as sp

    out: dict[str, Any] = {}
    for size in (2, 3):
        x = [*sp.symbols(f"x1:{size}", positive=True)]
        y = [*sp.symbols(f"y1:{size}", positive=True)]
        x, y = [*x, 1 - sum(x)], [*y, 1 - sum(y)]
        c = sp.symbols(f"c1:{size + 1}", real=True)
        middle = (c[0] + c[-1]) / 2
        plain = sum((a - b) * k for a, b, k in zip(x, y, c, strict=True))
        centred = sum((a - b) * (k - middle) for a, b, k in zip(x, y, c, strict=True))
        out[f"centring changes nothing, {size} actions"] = plain - centred
    moved, low, high = sp.symbols("m a b", positive=True)
    # mass m moves from the cheapest to the dearest action: |x - y|_1 = 2 m
    out["equality between the extremes"] = moved * (high - low) - (high - low) / 2 * (2 * moved)
    x1, y1 = sp.symbols("x1 y1", real=True)
    two = sp.Abs((x1 - y1) * (high - low))
    half = sp.Abs(high - low) / 2 * (sp.Abs(x1 - y1) + sp.Abs((1 - x1) - (1 - y1)))
    out["equality for two actions"] = two - half
    return out


def check(draws: int, seed: int) -> Table:
    """Random strategies and costs, the strategies that attain the bound, and N players."""
    return table("cost to distance", collect(_instances(draws, seed), BOUNDS))


def _ratio(x: FloatArray, y: FloatArray, c: FloatArray) -> float:
    return float(abs((x - y) @ c) / (0.5 * np.ptp(c) * np.abs(x - y).sum()))


def _instances(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng(seed)
    names = list(BOUNDS)
    for _ in range(draws):
        size = int(rng.integers(2, 7))
        c = rng.normal(size=size)
        profile = rng.dirichlet(np.full(size, 10.0 ** rng.uniform(-1.0, 1.0)), size=4)
        x, y = profile[0], profile[0].copy()
        moved = 0.5 * x[np.argmin(c)]
        y[np.argmin(c)] -= moved
        y[np.argmax(c)] += moved
        # a shift of the probability's last digits is not a distance
        extreme = abs(1.0 - _ratio(x, y, c)) if moved > 1e-3 else 0.0
        furthest = max(float(np.abs(a - b).sum()) for a in profile for b in profile)
        span, expected = float(np.ptp(c)), profile @ c
        pair = float(abs(expected[0] - expected[1])) / span
        numbers = (
            pair - 0.5 * float(np.abs(profile[0] - profile[1]).sum()),
            extreme,
            float(np.ptp(expected)) / span - 0.5 * furthest,
        )
        yield dict(zip(names, numbers, strict=True))


def other_constants(draws: int, seed: int) -> Table:
    """What fails: a smaller constant, the Euclidean distance, and costs that differ."""
    rng = np.random.default_rng(seed)
    bounds = {
        "cost difference per 0.45 (c_max - c_min) |x - y|_1": 1.0 + ROUNDING,
        "cost difference per (c_max - c_min)/2 |x - y|_2": 1.0 + ROUNDING,
        "with another cost vector for y": 1.0 + ROUNDING,
    }

    def instances() -> Iterator[dict[str, float]]:
        for _ in range(draws):
            c, other = rng.random(2), rng.random(2)
            x, y = rng.dirichlet(np.ones(2)), rng.dirichlet(np.ones(2))
            half = 0.5 * float(max(np.ptp(c), np.ptp(other)))
            mixed = abs(float(x @ c - y @ other)) / (half * float(np.abs(x - y).sum()))
            straight = abs(float((x - y) @ c)) / float(0.5 * np.ptp(c) * np.linalg.norm(x - y))
            numbers = _ratio(x, y, c) / 0.9, straight, mixed
            yield dict(zip(bounds, numbers, strict=True))

    return table("cost to distance, otherwise", collect(instances(), bounds))


STATEMENT = Statement(
    name="cost_to_distance",
    source="SRA appendix, for Thm 4.2",
    says=(
        "For strategies x, y over actions of the same costs c, |E_x c - E_y c| <= "
        "(c_max - c_min)/2 |x - y|_1. So a profile of degree of free-riding delta has two players "
        "at least 2 delta/(c_max - c_min) apart. Equality where the mass that differs moves "
        "between a cheapest and a dearest action, hence always with two actions. With N players "
        "of the same costs the largest difference of expected costs obeys the same bound."
    ),
    verdict="holds",
    derive=derive,
    check=check,
    counterexample=(
        "players of different costs: c_1 = (1, 0), c_2 = (0, 0), both even: the same strategy, and "
        "expected costs that differ by 1/2"
    ),
)
