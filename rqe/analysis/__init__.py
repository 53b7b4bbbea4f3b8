"""Questions asked of equilibria: parameters in, frozen tables out; nothing prints."""

from .sweep_family import GameFamily
from .sweep_table import SweepTable
from .sweeps import sweep

__all__ = ["GameFamily", "SweepTable", "sweep"]
