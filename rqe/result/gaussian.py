"""A Gaussian equilibrium of a quadratic game."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False, repr=False)
class GaussianEquilibrium:
    """Placeholder replaced by the Gaussian work."""
