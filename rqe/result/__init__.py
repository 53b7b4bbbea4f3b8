"""What solvers return: frozen records that carry their own evidence, and the named errors."""

from .batch import BatchEquilibrium
from .equilibrium import Equilibrium, EquilibriumSet
from .fit import FitResult
from .gaussian import GaussianEquilibrium
from .markov import MarkovEquilibrium
from .path import Bifurcation, Branch, Path
from .proof import Proof
from .serialize import load, save
from .status import ConvergenceError, InfiniteRiskError, MissingExtraError, Status
from .table import Table

__all__ = [
    "BatchEquilibrium",
    "Bifurcation",
    "Branch",
    "ConvergenceError",
    "Equilibrium",
    "EquilibriumSet",
    "FitResult",
    "GaussianEquilibrium",
    "InfiniteRiskError",
    "MarkovEquilibrium",
    "MissingExtraError",
    "Path",
    "Proof",
    "Status",
    "Table",
    "load",
    "save",
]
