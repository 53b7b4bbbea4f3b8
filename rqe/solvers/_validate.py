"""Refusals before iterating: each names the argument, the value and what would be valid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.risk import ReverseKL
from ..model._checks import FloatArray, real_array, whole
from ..model.agent import Agent, degrees, is_logit, is_neutral
from ..model.normal_form import NormalFormGame
from ..model.structured import StructuredGame


def check_game(game: Any) -> NormalFormGame:
    """A finite game whose payoffs span a finite range."""
    if not isinstance(game, NormalFormGame):
        small = "; to_normal_form() writes a small one out"
        advice = small if isinstance(game, StructuredGame) else ""
        raise ValueError(f"game must be a NormalFormGame; got {type(game).__name__}{advice}")
    check_ranges(game)
    return game


def check_ranges(game: NormalFormGame | StructuredGame) -> None:
    """Payoffs that span a finite range."""
    with np.errstate(over="ignore"):
        ranges = game.payoff_ranges
    if not np.isfinite(ranges).all():
        raise ValueError(
            f"payoffs must span a range that float64 can hold; got ranges {ranges}: rescale them"
        )


def check_agents(agents: Any, n_players: int) -> tuple[Agent, ...]:
    """One `Agent` a player."""
    try:
        given = tuple(agents)
    except TypeError:
        raise ValueError(f"agents must be {n_players} of Agent; got {agents!r}") from None
    if len(given) != n_players or not all(isinstance(a, Agent) for a in given):
        raise ValueError(f"agents must be {n_players} of Agent, one a player; got {agents!r}")
    return given


def check_degrees(ranges: FloatArray, tau: FloatArray, epsilon: FloatArray) -> None:
    """Attitudes that quantal choice is defined for; arrays (..., N)."""
    stuck = (epsilon == 0.0) & np.isfinite(tau)
    if stuck.any():
        player = int(np.argwhere(stuck)[0][-1])
        raise ValueError(
            f"epsilon[{player}] must be > 0 where tau is finite; got 0. Exact maximisation is "
            "solve_nash for tau = 0, and epsilon = 0 with tau = inf (security) is allowed; the "
            "risk-averse Nash equilibrium in between is not offered: take a small epsilon"
        )
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        sharp = np.where(epsilon > 0.0, ranges / epsilon, 0.0)
        stiff = np.where(np.isfinite(tau), tau * ranges, 0.0)
    for name, value in (("range / epsilon", sharp), ("tau * range", stiff)):
        if (value > 1e15).any():
            raise ValueError(
                f"{name} must be at most 1e15 for float64 to resolve it; got {value.max():.3g}"
            )


def check_general(game: NormalFormGame, agents: Sequence[Agent], method: str) -> None:
    """Attitudes and methods that general agents' equilibria can be computed with."""
    if method == "fixed_point":
        stray = next(i for i, a in enumerate(agents) if not is_logit(a))
        raise ValueError(
            "method must be 'auto', 'homotopy', 'newton' or 'no_regret' for agents other than "
            f"Entropic with NegEntropy; got 'fixed_point' and agents[{stray}] = {agents[stray]!r}"
        )
    for i, agent in enumerate(agents):
        rule = agent.regularizer
        order = float(getattr(rule, "q", 1.0))
        if rule.epsilon == 0.0:
            raise ValueError(
                f"epsilon of agents[{i}] must be > 0 beside general agents; got {agent!r}"
            )
        if not is_neutral(agent.environment):
            raise ValueError(
                f"environment of agents[{i}] must be neutral in a game without transitions; got "
                f"{agent.environment!r}"
            )
        if method == "no_regret":
            continue
        if order > 2.0:
            raise ValueError(
                f"q of agents[{i}] must be at most 2 for a choice rule of finite slope; got {order}"
            )
        others = any(isinstance(a.risk, ReverseKL) for j, a in enumerate(agents) if j != i)
        if order > 1.0 and others:
            raise ValueError(
                f"q of agents[{i}] must be at most 1 where another player's risk is ReverseKL, "
                f"whose belief has a kink at actions that are never played; got {order}"
            )
    epsilon = np.array([a.regularizer.epsilon for a in agents])
    tau = np.array([float(getattr(a.risk, "tau", 0.0)) for a in agents])
    check_degrees(game.payoff_ranges, tau, epsilon)


def check_numbers(tol: Any, max_steps: Any) -> None:
    """A tolerance in (0, 1) and a positive step count."""
    if not isinstance(tol, (int, float)) or not 0.0 < tol < 1.0:
        raise ValueError(f"tol must be a number in (0, 1); got {tol!r}")
    whole(max_steps, "max_steps")


def check_choice(name: str, value: Any, valid: Sequence[str]) -> str:
    """One word of a closed list."""
    if not isinstance(value, str) or value not in valid:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, valid))}; got {value!r}")
    return str(value)


def check_start(start: Any, shape: Sequence[int], sharpness: float = 0.0) -> list[FloatArray]:
    """A profile of mixed strategies, as log-probabilities.

    A zero becomes less likely than any action can be in equilibrium, where log-probabilities are
    no lower than ``-sharpness``, the largest range / epsilon (less log n).
    """
    valid = (
        f"{len(shape)} mixed strategies of sizes {tuple(shape)}, non-negative, each summing to 1"
    )
    try:
        parts = [real_array(x) for x in start]
    except (TypeError, ValueError):
        raise ValueError(f"start must be {valid}; got {start!r}") from None
    sizes = tuple(x.shape for x in parts)
    if sizes != tuple((n,) for n in shape):
        raise ValueError(f"start must be {valid}; got shapes {sizes}")
    for x in parts:
        if not (np.all(x >= 0.0) and abs(float(x.sum()) - 1.0) <= 1e-6):
            raise ValueError(f"start must be {valid}; got {x}")
    with np.errstate(divide="ignore"):
        return [np.maximum(np.log(x), -700.0 - 2.0 * sharpness) for x in parts]


def attitudes(
    game: NormalFormGame | StructuredGame, agents: Sequence[Agent]
) -> tuple[FloatArray, FloatArray]:
    """The agents' checked ``tau`` and ``epsilon``."""
    tau, epsilon = degrees(agents)
    check_degrees(game.payoff_ranges, tau, epsilon)
    return tau, epsilon
