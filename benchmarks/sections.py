"""The tables, in the order in which they are printed."""

from __future__ import annotations

from .gaussian import GAUSSIAN
from .imports import IMPORTS
from .measure import Section
from .nash import ALL, ONE
from .quantal import ALONE, BATCH, CONSTRUCTION, QRE
from .tracing import BRANCH, EXAMPLE

SECTIONS: dict[str, Section] = {
    "qre": QRE,
    "construction": CONSTRUCTION,
    "alone": ALONE,
    "batch": BATCH,
    "branches": EXAMPLE,
    "logit-branch": BRANCH,
    "nash-all": ALL,
    "nash-one": ONE,
    "gaussian": GAUSSIAN,
    "imports": IMPORTS,
}
