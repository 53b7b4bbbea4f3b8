"""From boxes of unknowns to float64 boxes of strategies, and what these hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from flint import arb, ctx

from ..result.proof import Bounds
from .rigorous_balls import common, inside, outward
from .rigorous_maps import Map
from .rigorous_search import Search, Zero, tighten


def collect(
    make: Callable[[], Map], found: Search, max_bits: int
) -> tuple[list[Bounds], list[Bounds]]:
    """Float64 boxes of strategies: those that hold exactly one fixed point, and the undecided."""
    zeros: list[Zero] = []
    sure: list[tuple[Bounds, bool]] = []
    for zero in found.zeros:
        box, alone = _bounds(make, zero, found.bits, max_bits)
        if not any(inside(zero.place, other.region) for other in zeros):
            zeros.append(zero)
            sure.append((box, alone))
    with ctx.workprec(found.bits):
        problem = make()
        open_boxes = [outward(problem.profile(box)) for box in found.undecided]
    enclosures: list[Bounds] = []
    undecided = list(open_boxes)
    for k, (box, alone) in enumerate(sure):
        rivals = open_boxes + [other for j, (other, _) in enumerate(sure) if j != k]
        twin = any(common(zeros[k].place, zero.place) for j, zero in enumerate(zeros) if j != k)
        apart = not any(_meet(box, rival) for rival in rivals)
        (enclosures if apart or (alone and not twin) else undecided).append(box)
    return enclosures, undecided


def _bounds(make: Callable[[], Map], zero: Zero, bits: int, max_bits: int) -> tuple[Bounds, bool]:
    """Bounds on the strategies at a fixed point, and whether they are known to hold no other.

    The precision rises until the bounds are next to each other. That no other fixed point has
    strategies within them is shown by going back: their unknowns lie in the region of uniqueness.
    """
    while True:
        with ctx.workprec(bits):
            problem = make()
            zero.place = tighten(problem, zero.place)
            box = outward(problem.profile(zero.place))
            if bits >= max_bits or all(
                bool(np.all(np.nextafter(np.nextafter(low, 2.0), 2.0) >= high))
                for low, high in zip(*box, strict=True)
            ):
                between = [
                    [arb(float(a)).union(arb(float(b))) for a, b in zip(low, high, strict=True)]
                    for low, high in zip(*box, strict=True)
                ]
                return box, inside(problem.coordinates(between), zero.region)
        bits = min(2 * bits, max_bits)


def _meet(a: Bounds, b: Bounds) -> bool:
    """Whether two boxes of strategies have a point in common."""
    return all(
        bool(np.all((low <= top) & (bottom <= high)))
        for low, high, bottom, top in zip(*a, *b, strict=True)
    )
