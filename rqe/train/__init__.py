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
from .policies import Policies, stack
from .ppo import State, Trained, Trainer, make_train

__all__ = [
    "IPPO",
    "SRPO",
    "Algorithm",
    "Config",
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
