"""Training of multi-agent policies: SRPO, IPPO and others on environments written in JAX."""

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
from .config import Config
from .env import AutoReset, Environment
from .policies import Policies, stack
from .ppo import State, Trained, Trainer, make_train
from .spaces import Box, Discrete

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
    "Objective",
    "Phase",
    "Plan",
    "Policies",
    "PureAdversary",
    "SelfPlay",
    "State",
    "Trained",
    "Trainer",
    "make_train",
    "stack",
]
