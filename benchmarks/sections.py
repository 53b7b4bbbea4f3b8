"""The tables, in the order in which they are printed."""

from __future__ import annotations

from .curve import CURVE, MEMORY
from .estimating import ESTIMATION
from .gaussian import GAUSSIAN
from .imports import IMPORTS
from .measure import Section
from .nash import ALL, LARGE, ONE, SEVERAL
from .quantal import ALONE, BATCH, CONSTRUCTION, QRE
from .several import MARKOV, PLAYERS, ZERO
from .structured import ANONYMOUS, NETWORKS
from .tracing import BRANCH, EXAMPLE

SECTIONS: dict[str, Section] = {
    "qre": QRE,
    "construction": CONSTRUCTION,
    "alone": ALONE,
    "batch": BATCH,
    "branches": EXAMPLE,
    "logit-branch": BRANCH,
    "curve": CURVE,
    "players": PLAYERS,
    "anonymous": ANONYMOUS,
    "networks": NETWORKS,
    "nash-all": ALL,
    "nash-one": ONE,
    "nash-large": LARGE,
    "nash-several": SEVERAL,
    "zero-sum": ZERO,
    "gaussian": GAUSSIAN,
    "markov": MARKOV,
    "estimation": ESTIMATION,
    "memory": MEMORY,
    "imports": IMPORTS,
}
