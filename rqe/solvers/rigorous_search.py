"""Every fixed point of an explicit map on a box, by Krawczyk's operator and bisection.

Each box is excluded (the map's image misses it, or the mean-value form or Krawczyk's image does),
or lies in a box in which Krawczyk's operator maps into the interior and so proves one fixed point
and no second, or is split. What rounding keeps from a verdict waits for a higher precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flint import arb, arb_mat, ctx

from .rigorous_balls import ONE, ZERO, Box, Matrix, common, inside, interior, size, widened
from .rigorous_maps import Map

SPLIT = arb(0.5078125)
"""Share of a box's width at which it is cut: not the middle, where fixed points like to lie."""
GROWTH = arb(1.25)
"""How far beyond the hull of a box and its Krawczyk image uniqueness is tried."""
NOISE = 16
"""A box waits for more precision once rounding at its centre exceeds this share of its spread."""
FIRST_BITS = 64
ORDER = 5
"""Of the Taylor polynomials."""
WIDE = arb(1)
"""Radius from which a Taylor polynomial is not tried."""


@dataclass
class Zero:
    """One fixed point: a box in which it is the only one, and a small box that holds it."""

    region: Box
    place: Box


@dataclass
class Search:
    """What a search has found, and what it has not decided."""

    zeros: list[Zero] = field(default_factory=list)
    undecided: list[Box] = field(default_factory=list)
    boxes: int = 0
    bits: int = FIRST_BITS


def search(make: Callable[[], Map], max_boxes: int, max_bits: int) -> Search:
    """All fixed points of the map that `make` builds at the working precision.

    Parameters
    ----------
    make : callable
        Returns the `Map`, its constants correct at the precision of the moment.
    max_boxes : int
        Boxes to examine at most.
    max_bits : int
        Highest precision.
    """
    found = Search(bits=min(FIRST_BITS, max_bits))
    stack: list[Box] | None = None
    while True:
        with ctx.workprec(found.bits):
            problem = make()
            if not problem.domain:  # nothing unknown: one profile
                found.zeros.append(Zero([], []))
                return found
            if stack is None:
                stack = [list(problem.domain)]
            stage = _Stage(problem, found, max_boxes)
            stage.run(stack)
            if stack or not stage.waiting or found.bits >= max_bits:
                found.undecided = merge(stage.waiting, found.zeros) + stack
                return found
        stack = stage.waiting
        found.bits = min(2 * found.bits, max_bits)


class _Stage:
    """The search at one precision."""

    def __init__(self, problem: Map, found: Search, max_boxes: int) -> None:
        self.map, self.found, self.max_boxes = problem, found, max_boxes
        self.waiting: list[Box] = []

    def run(self, stack: list[Box]) -> None:
        """Empty the stack, unless the boxes run out; what needs more precision waits."""
        while stack and self.found.boxes < self.max_boxes:
            box = stack.pop()
            if not any(inside(box, zero.region) for zero in self.found.zeros):
                stack += self._examine(box)

    def _examine(self, box: Box) -> list[Box]:
        """The parts of a box that remain to be examined."""
        self.found.boxes += 1
        narrowed = common(box, self.map.image(box))
        if narrowed is None:
            return []
        box = narrowed
        centre = [b.mid() for b in box]
        residual = [c - g for c, g in zip(centre, self.map.image(centre), strict=True)]
        slope = self.map.slope(box)
        for attempt in (slope, sharper_slope(self.map, box, slope)):
            if attempt is None:
                break
            slope = attempt
            mean_value = _mean_value(residual, slope, box, centre)
            if not all(m.contains(0) or not m.is_finite() for m in mean_value):
                return []
            step = krawczyk(box, centre, residual, slope)
            if step is not None:
                if self._unique(box, step):
                    return []
                narrowed = common(box, step)
                if narrowed is None:
                    return []
                if size(narrowed) < 0.5 * size(box):
                    return [narrowed]
        if _blurred(box, residual, mean_value):
            self.waiting.append(box)
            return []
        return _split(box, slope)

    def _unique(self, box: Box, step: Box) -> bool:
        """Whether the box lies in one that is now known to hold exactly one fixed point."""
        if interior(step, box):
            region, place = box, step
        else:
            if any(not s.overlaps(b) for s, b in zip(step, box, strict=True)):
                return False
            if any(s.rad() > 2 * b.rad() for s, b in zip(step, box, strict=True)):
                return False
            hull = [b.union(s) for b, s in zip(box, step, strict=True)]
            region = [widened(h.mid() + (h - h.mid()) * GROWTH) for h in hull]
            image = newton(self.map, region)
            if image is None or not interior(image, region):
                return False
            place = image
        place = tighten(self.map, place)
        if not any(inside(place, zero.region) for zero in self.found.zeros):
            self.found.zeros.append(Zero(region, place))
        return True


def krawczyk(box: Box, centre: Box, residual: Box, slope: Matrix) -> Box | None:
    """Krawczyk's image of a box for ``y - G(y)``; None where no approximate inverse exists.

    Every fixed point in the box lies in the image, and if the image lies in the box's interior
    there is exactly one.
    """
    n = len(box)
    change = [[(ONE if j == k else ZERO) - slope[j][k] for k in range(n)] for j in range(n)]
    try:
        inverse = arb_mat([[c.mid() for c in row] for row in change]).inv().mid().tolist()
    except ZeroDivisionError:
        return None
    out = []
    for j in range(n):
        total = centre[j]
        for k in range(n):
            total = total - inverse[j][k] * residual[k]
        for k in range(n):
            rest = ONE if j == k else ZERO
            for m in range(n):
                rest = rest - inverse[j][m] * change[m][k]
            total = total + rest * (box[k] - centre[k])
        out.append(total)
    return out if all(t.is_finite() for t in out) else None


def newton(problem: Map, box: Box) -> Box | None:
    """Krawczyk's image of a box, evaluated afresh."""
    centre = [b.mid() for b in box]
    residual = [c - g for c, g in zip(centre, problem.image(centre), strict=True)]
    slope = problem.slope(box)
    return krawczyk(box, centre, residual, sharper_slope(problem, box, slope) or slope)


def sharper_slope(problem: Map, box: Box, slope: Matrix) -> Matrix | None:
    """With one unknown and a box not too wide, the slope by its Taylor polynomial at the centre.

    Near a fold or a pitchfork the slope is small and flat: an enclosure that is off by the box's
    width then asks for boxes as small as the slope, this one only for boxes as small as the
    distance to the point where it vanishes.
    """
    if len(box) != 1 or not box[0].rad() < WIDE:
        return None
    at_centre = problem.taylor(box[0].mid(), ORDER)
    over_box = problem.taylor(box[0], ORDER)
    if at_centre is None or over_box is None:
        return None
    offset = box[0] - box[0].mid()
    total, power = ZERO, ONE
    for k in range(1, ORDER + 1):
        total = total + k * (over_box if k == ORDER else at_centre)[k] * power
        power = power * offset
    if not total.is_finite():
        return None
    return [[total.intersection(slope[0][0]) if slope[0][0].is_finite() else total]]


def tighten(problem: Map, box: Box, rounds: int = 200) -> Box:
    """A smaller box around the only fixed point of this one, as small as the precision allows."""
    for _ in range(rounds if box else 0):
        image = newton(problem, box)
        smaller = None if image is None else common(box, image)
        if smaller is None or size(smaller) > 0.99 * size(box):
            return box
        box = smaller
    return box


def merge(boxes: list[Box], zeros: list[Zero], most: int = 500) -> list[Box]:
    """Boxes that touch, joined where the join holds no fixed point that is known already."""
    if len(boxes) > most:
        return boxes
    out: list[Box] = []
    for box in boxes:
        grown, again = box, True
        while again:
            again = False
            for k, other in enumerate(out):
                if common(grown, other) is None:
                    continue
                joint = [a.union(b) for a, b in zip(grown, other, strict=True)]
                if not any(common(joint, zero.place) for zero in zeros):
                    grown, again = joint, True
                    del out[k]
                    break
        out.append(grown)
    return out


def _mean_value(residual: Box, slope: Matrix, box: Box, centre: Box) -> Box:
    """Enclosure of ``y - G(y)`` over a box from its centre and its slope."""
    out = []
    for j, row in enumerate(slope):
        total = residual[j]
        for k, (b, c) in enumerate(zip(box, centre, strict=True)):
            total = total + ((ONE if j == k else ZERO) - row[k]) * (b - c)
        out.append(total)
    return out


def _blurred(box: Box, residual: Box, mean_value: Box) -> bool:
    """Whether rounding, not the box's size, is what keeps the verdict open."""
    if all(NOISE * r.rad() > m.rad() for r, m in zip(residual, mean_value, strict=True)):
        return True
    least = arb(2) ** (10 - ctx.prec)
    return all(b.rad() < least * (1 + b.abs_upper()) for b in box)


def _split(box: Box, slope: Matrix) -> list[Box]:
    """Two parts of a box, cut across the direction in which the map varies most over it."""
    weight = []
    for k, b in enumerate(box):
        total = b.rad()
        for row in slope:
            total = total + row[k].abs_upper() * b.rad()
        weight.append(total.upper() if total.is_finite() else b.rad())
    widest = max(range(len(box)), key=lambda k: float(weight[k]))
    side = box[widest]
    low, high = side.lower(), side.upper()
    cut = (low + (high - low) * SPLIT).mid()
    parts = []
    for half in (low.union(cut), cut.union(high)):
        part = list(box)
        part[widest] = half
        parts.append(part)
    return parts
