"""Strategic risk aversion in games: equilibria with evidence. See the README for a first use."""

from ._version import __version__
from .analysis.tractability import is_tractable
from .core.regularizer import LogBarrier, NegEntropy, Tsallis
from .core.risk import (
    ChiSquared,
    CVaR,
    Entropic,
    Neutral,
    ReverseKL,
    TotalVariation,
    WorstCase,
)
from .interop import read_game, write_game
from .model.agent import Agent
from .model.anonymous import AnonymousGame, SymmetricGame
from .model.markov import MarkovGame
from .model.normal_form import CollaborativeGame, NormalFormGame
from .model.polymatrix import PolymatrixGame
from .model.quadratic import AggregativeGame, QuadraticGame
from .result import (
    BatchEquilibrium,
    Bifurcation,
    Branch,
    ConvergenceError,
    Equilibrium,
    EquilibriumSet,
    FitResult,
    GaussianEquilibrium,
    InfiniteRiskError,
    MarkovEquilibrium,
    MissingExtraError,
    Path,
    Proof,
    Status,
    Table,
    load,
    save,
)
from .result.learning import Learning
from .solvers import solve, solve_qre, solve_rqe
from .solvers.continuation import trace_rqe
from .solvers.convex import Certificate, certify
from .solvers.enumeration import enumerate_rqe
from .solvers.many import solve_many
from .solvers.nash import solve_nash
from .solvers.no_regret import learn
from .solvers.rigorous import prove_rqe
from .solvers.security import solve_security

__all__ = [
    "Agent",
    "WorstCase",
    "Tsallis",
    "TotalVariation",
    "ReverseKL",
    "Neutral",
    "LogBarrier",
    "ChiSquared",
    "CVaR",
    "AggregativeGame",
    "AnonymousGame",
    "BatchEquilibrium",
    "Bifurcation",
    "Branch",
    "Certificate",
    "CollaborativeGame",
    "ConvergenceError",
    "Entropic",
    "Equilibrium",
    "EquilibriumSet",
    "FitResult",
    "GaussianEquilibrium",
    "InfiniteRiskError",
    "Learning",
    "MarkovEquilibrium",
    "MarkovGame",
    "MissingExtraError",
    "NegEntropy",
    "NormalFormGame",
    "Path",
    "PolymatrixGame",
    "Proof",
    "QuadraticGame",
    "Status",
    "SymmetricGame",
    "Table",
    "__version__",
    "certify",
    "enumerate_rqe",
    "is_tractable",
    "learn",
    "load",
    "prove_rqe",
    "read_game",
    "save",
    "solve",
    "solve_many",
    "solve_nash",
    "solve_qre",
    "solve_rqe",
    "solve_security",
    "trace_rqe",
    "write_game",
]
