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
from .behaviour import FreeRiding, blocks, free_riding
from .check import check_environment
from .checkpoint import load_policies, save_policies
from .config import Config
from .env import AutoReset, Environment, Frozen
from .evaluate import crossplay, self_play
from .exploit import Exploitability, exploitability
from .folders import crossplay_runs, load_folders, pairs, summary
from .intervals import Interval, bootstrap
from .pairings import CrossPlay
from .part import Progress
from .policies import Policies, stack
from .ppo import State, Trained, Trainer, make_train
from .record import Record, record
from .runs import Runs, load_runs, train_runs
from .settings import load_config, save_config
from .spaces import Box, Discrete
from .zoo import parallel_env

__all__ = [
    "IPPO",
    "SRPO",
    "Algorithm",
    "AutoReset",
    "Box",
    "CrossPlay",
    "Config",
    "Discrete",
    "Environment",
    "Exploitability",
    "FictitiousCoPlay",
    "FreeRiding",
    "Frozen",
    "Interval",
    "MarkovEnvironment",
    "NormalFormEnvironment",
    "Objective",
    "Phase",
    "Plan",
    "Policies",
    "Progress",
    "PureAdversary",
    "Record",
    "Runs",
    "SelfPlay",
    "State",
    "Trained",
    "Trainer",
    "blocks",
    "bootstrap",
    "check_environment",
    "crossplay",
    "crossplay_runs",
    "exploitability",
    "free_riding",
    "load_config",
    "load_folders",
    "load_policies",
    "load_runs",
    "make_train",
    "pairs",
    "parallel_env",
    "record",
    "save_config",
    "save_policies",
    "self_play",
    "stack",
    "summary",
    "train_runs",
]
