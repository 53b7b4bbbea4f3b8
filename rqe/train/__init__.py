"""Training of multi-agent policies: SRPO, IPPO and others on environments written in JAX."""

from .adapters import MarkovEnvironment, NormalFormEnvironment
from .algorithms import (
    IPPO,
    SRPO,
    Algorithm,
    FictitiousCoPlay,
    Objective,
    Phase,
    Plan,
    PureAdversary,
    SelfPlay,
)
from .check import check_environment
from .config import Config
from .env import AutoReset, Environment, Frozen
from .policies import Policies, stack
from .ppo import State, Trained, Trainer, make_train
from .spaces import Box, Discrete
from .zoo import parallel_env

__all__ = [
    "IPPO",
    "SRPO",
    "Algorithm",
    "AutoReset",
    "Box",
    "Config",
    "Discrete",
    "Environment",
    "FictitiousCoPlay",
    "Frozen",
    "MarkovEnvironment",
    "NormalFormEnvironment",
    "Objective",
    "Phase",
    "Plan",
    "Policies",
    "PureAdversary",
    "SelfPlay",
    "State",
    "Trained",
    "Trainer",
    "check_environment",
    "make_train",
    "parallel_env",
    "stack",
]
