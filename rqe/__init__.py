"""Strategic risk aversion in games: equilibria with evidence. See the README for a first use."""

from ._version import __version__
from .core.regularizer import NegEntropy
from .core.risk import Entropic
from .model.agent import Agent
from .model.normal_form import CollaborativeGame, NormalFormGame
from .result import (
    BatchEquilibrium,
    ConvergenceError,
    Equilibrium,
    EquilibriumSet,
    GaussianEquilibrium,
    InfiniteRiskError,
    MissingExtraError,
    Status,
    Table,
    load,
    save,
)
from .solvers import solve, solve_qre, solve_rqe
from .solvers.enumeration import enumerate_rqe
from .solvers.many import solve_many

__all__ = [
    "Agent",
    "BatchEquilibrium",
    "CollaborativeGame",
    "ConvergenceError",
    "Entropic",
    "Equilibrium",
    "EquilibriumSet",
    "GaussianEquilibrium",
    "InfiniteRiskError",
    "MissingExtraError",
    "NegEntropy",
    "NormalFormGame",
    "Status",
    "Table",
    "__version__",
    "enumerate_rqe",
    "load",
    "save",
    "solve",
    "solve_many",
    "solve_qre",
    "solve_rqe",
]
