"""How a run went: means over intervals of updates, as a tidy table."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from .algorithms import Objective, Phase
from .config import Config

POINTS = 100
"""Intervals of a run, at most; each is one row of every quantity."""
COLUMNS = ("seed", "update", "steps", "phase", "quantity", "who", "value")

NAMES = ("reward", "regularizer", "value_error", "rows")
"""Metrics of the trainer that are kept."""


def width(config: Config) -> int:
    """Updates of an interval; the last one may be shorter."""
    return ceil(config.updates / POINTS)


def points(config: Config) -> int:
    """Intervals of a run."""
    return ceil(config.updates / width(config))


def labels(config: Config) -> list[tuple[int, str, str]]:
    """Phase, quantity and whose it is, in the order of `flat`.

    ``reward`` is an agent's, a step. ``bonus`` is the entropy of an agent's policy times its weight
    ``epsilon``; ``penalty`` is what an adversary pays for playing otherwise than its partner would,
    with its factor ``1/tau``; ``value_error`` is the mean square error of a learner's critic;
    ``rows`` are the distinct observations of a rollout.
    """
    agents = list(config.env.agents)
    phases = list(enumerate(config.plan.phases))
    out = [(p, "reward", agent) for p, _ in phases for agent in agents]
    for p, phase in phases:
        for goal, seat in _played(config, phase):
            kind = "bonus" if goal.anchor is None else "penalty"
            out.append((p, kind, _who(goal, agents[seat])))
    for p, phase in phases:
        for goal in phase.objectives:
            seats = [agents[seat] for one, seat in _played(config, phase) if one is goal]
            out.append((p, "value_error", _who(goal, "+".join(seats))))
    return out + [(p, "rows", "all") for p, _ in phases]


def shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Shapes of the metrics of one update of one run."""
    phases = config.plan.phases
    widths = (len(config.env.agents), len(_played(config, phases[0])), len(phases[0].objectives))
    sizes = [*((len(phases), w) for w in widths), (len(phases),)]
    return dict(zip(NAMES, sizes, strict=True))


def _played(config: Config, phase: Phase) -> list[tuple[Objective, int]]:
    """Objectives of a phase with each seat that their learner plays in it."""
    return [
        (goal, seat)
        for goal in phase.objectives
        for seat in range(len(config.env.agents))
        if any(row[seat] == goal.learner for row in phase.casts)
    ]


def _who(goal: Objective, seats: str) -> str:
    return seats if goal.anchor is None else f"adversary in {seats}"


def flat(metrics: dict[str, Any]) -> Any:
    """Metrics with a leading axis of seeds, side by side: (seeds, quantities)."""
    parts = [np.asarray(metrics[name]) for name in NAMES]
    return np.concatenate([p.reshape(p.shape[0], -1) for p in parts], axis=1)


def mean_return(config: Config, metrics: dict[str, Any]) -> float:
    """Mean over seeds and phases of all agents' rewards together, over the steps of a rollout."""
    reward = np.asarray(metrics["reward"])
    return float(reward.sum(axis=-1).mean()) * config.n_steps


def to_csv(config: Config, seeds: Sequence[int], history: Any, updates: int) -> str:
    """The table of so many updates, from the means (points, seeds, quantities)."""
    names = labels(config)
    step = width(config)
    ends = [min((k + 1) * step, config.updates) for k in range(points(config))]
    lines = [",".join(COLUMNS)]
    for s, seed in enumerate(seeds):
        for k, end in enumerate(ends):
            if end > updates:
                break
            head = f"{seed},{end},{end * config.interactions_per_update}"
            lines += [
                f"{head},{phase},{quantity},{who},{value:.6g}"
                for (phase, quantity, who), value in zip(names, history[k, s], strict=True)
            ]
    return "\n".join(lines) + "\n"
