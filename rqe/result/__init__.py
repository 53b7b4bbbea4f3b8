"""What solvers return: frozen records that carry their own evidence, and the named errors."""

from .batch import BatchEquilibrium
from .equilibrium import Equilibrium, EquilibriumSet
from .gaussian import GaussianEquilibrium
from .serialize import load, save
from .status import ConvergenceError, InfiniteRiskError, MissingExtraError, Status
from .table import Table

__all__ = [
    "BatchEquilibrium",
    "ConvergenceError",
    "Equilibrium",
    "EquilibriumSet",
    "GaussianEquilibrium",
    "InfiniteRiskError",
    "MissingExtraError",
    "Status",
    "Table",
    "load",
    "save",
]
