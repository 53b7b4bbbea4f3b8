"""What structured games need of a solver beside their outcomes: a batch of one, and its index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..model._counts import Counts
from ..model.agent import Agent, is_logit
from ..model.structured import StructuredGame
from ._problem import Problem
from ._system import State, beliefs, linearise, marginal
from .normal_form import Batch

WRITTEN_OUT = 4_000_000
"""Most payoffs of a player with ``tau = inf``, whose convex program needs them one by one."""


def check_structured(game: StructuredGame, agents: Sequence[Agent], method: str) -> None:
    """Attitudes and methods that structured games can be solved with."""
    if method == "no_regret":
        raise ValueError(
            "method must be 'auto', 'homotopy', 'fixed_point' or 'newton' for a "
            f"{type(game).__name__}; got 'no_regret': to_normal_form() writes a small game out"
        )
    for i, agent in enumerate(agents):
        if not is_logit(agent):
            raise ValueError(
                f"agents[{i}] must be Entropic (or Neutral or WorstCase) with NegEntropy in a "
                f"{type(game).__name__}; got {agent!r}: to_normal_form() writes a small game out"
            )


def structured_batch(game: StructuredGame, tau: FloatArray, epsilon: FloatArray) -> Batch:
    """The game as a batch of one."""
    own: list[Any] = []
    for i, payoff in enumerate(game.own_payoffs):
        if isinstance(payoff, np.ndarray):
            own.append(payoff[None])
        elif np.isinf(tau[i]):
            own.append(_one_matrix(game, i, payoff))
        else:
            own.append(payoff)
    return Batch(own, tau[None], epsilon[None], form=game.form, ranges=game.payoff_ranges[None])


def _one_matrix(game: StructuredGame, i: int, payoff: Any) -> FloatArray:
    """The payoffs (1, n, m) of a player whose worst case is over all of ONE neighbour's actions."""
    if game.form.parts(i) is not None:
        raise ValueError(
            f"tau[{i}] must be finite for a player of a {type(game).__name__} with more than one "
            "neighbour; got inf: to_normal_form() writes a small game out"
        )
    if payoff.shape[1] * payoff.shape[2] > WRITTEN_OUT:
        raise ValueError(
            f"tau[{i}] must be finite where a player has more than {WRITTEN_OUT:,} payoffs; got "
            f"inf with {payoff.shape[1]} x {payoff.shape[2]} of them"
        )
    return np.asarray(payoff.written_out)


def full_sign(problem: Problem, z: State, sign: float) -> float:
    """Sign of ``det(I - DΦ)`` of the full game from that of the system for one player a type.

    The full system's matrix commutes with exchanging players of one type, so it splits into the
    system of equal steps within types (``sign``) and, for each type, ``N_r - 1`` copies of the
    system of steps that cancel out within the type: there the others' counts turn by what ONE
    player's step does, with the opposite sign.
    """
    form = problem.form
    if not isinstance(form, Counts) or sign == 0.0:
        return sign
    lin = linearise(problem, z, beliefs(problem, z), np.ones(problem.batch))
    for a, r in enumerate(problem.active):
        alike = form.sizes[r] - 1
        if alike % 2 == 0:  # copies in pairs: the sign is +1 whatever it is
            continue
        slope = lin.slopes[a]
        matrix = marginal(problem, r, r, slope, lin.weights[a]) / alike
        if not problem.neutral[r]:
            own = slope @ np.swapaxes(problem.payoffs[r], 1, 2)
            matrix = matrix + own * (problem.tau[:, r, None] * np.exp(z[r]))[:, None, :]
        sign *= float(np.linalg.slogdet(np.eye(matrix.shape[1]) + matrix[0])[0])
    return sign
