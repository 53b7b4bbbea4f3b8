"""From policies and values to a result: evidence, verdict, record, of either kind of horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..certificate import evidence, is_solved
from ..core.ops import joint_log
from ..model._checks import FloatArray
from ..model.agent import Agent, degrees
from ..model.markov import MarkovGame
from ..result.equilibrium import read_only
from ..result.markov import MarkovEquilibrium
from ..result.status import Status
from ._markov_stage import Stages
from ._system import State
from .markov_regret import (
    expected_returns,
    gain_ahead,
    policy_values,
    regret_bounds,
    stage_gain,
)


@dataclass
class StageEvidence:
    """What can be said of one profile a state, given the values of the next states."""

    values: FloatArray
    """(N, S), risk-adjusted and regularised."""
    log_beliefs: tuple[FloatArray, ...]
    residual: float
    """In probability."""
    bellman: float
    """Largest bound on what the best reply in a stage game would add to a value, payoff units."""
    scale: float
    """Largest range of any stage game's payoffs; 1 if they have none."""
    solved: bool


def stage_evidence(
    stages: Stages,
    log_policies: Sequence[FloatArray],
    ahead: FloatArray,
    log_beliefs: Sequence[FloatArray | None],
    tol: float,
) -> StageEvidence:
    """Evidence for the profiles of all states, by definition."""
    tau, epsilon = degrees(stages.agents)
    payoffs = stages.payoffs(ahead)
    shape = (stages.game.n_states, stages.game.n_players)
    found = evidence(
        payoffs, log_policies, np.full(shape, tau), np.full(shape, epsilon), log_beliefs
    )
    ranges = np.stack([np.ptp(p, axis=(1, 2)) for p in payoffs], axis=1)
    solved = is_solved(found, ranges, tol) & np.isfinite(found.regret).all(axis=1)
    return StageEvidence(
        values=found.values.T,
        log_beliefs=found.log_beliefs,
        residual=float(found.residual.max()),
        bellman=float(found.regret.max()),
        scale=float(ranges.max()) or 1.0,
        solved=bool(solved.all()),
    )


def shaped_beliefs(game: MarkovGame, log_beliefs: Sequence[FloatArray]) -> list[FloatArray]:
    """Beliefs (S, m_i) as probabilities with one axis for each of the others."""
    return [
        np.exp(p).reshape(-1, *(n for j, n in enumerate(game.shape) if j != i))
        for i, p in enumerate(log_beliefs)
    ]


def record_stationary(
    game: MarkovGame,
    agents: Sequence[Agent],
    z: State,
    values: FloatArray,
    log_beliefs: Sequence[FloatArray | None],
    tol: float,
    ending: Status,
    **words: Any,
) -> MarkovEquilibrium:
    """Certify stationary policies and record them; ``values`` are a first guess at theirs."""
    stages = Stages(game, agents)
    values = policy_values(stages, z, values)
    found = stage_evidence(stages, z, values, log_beliefs, tol)
    bellman = max(found.bellman, float(np.abs(found.values - values).max()))
    regret = regret_bounds(stages, z, found.log_beliefs, values)
    finite = np.isfinite(bellman) and bool(np.isfinite(regret).all())
    good = found.solved and bellman <= tol * found.scale
    return MarkovEquilibrium(
        policies=tuple(read_only(np.exp(part)) for part in z),
        log_policies=tuple(read_only(part) for part in z),
        beliefs=tuple(map(read_only, shaped_beliefs(game, found.log_beliefs))),
        values=read_only(values),
        payoffs=read_only(expected_returns(stages, z)),
        regret=read_only(regret),
        residual=bellman,
        stage_residual=found.residual,
        status=_verdict(finite, good, ending),
        agents=tuple(agents),
        discount=game.discount,
        **_labels(game),
        **words,
    )


def record_steps(
    game: MarkovGame,
    agents: Sequence[Agent],
    steps: Sequence[tuple[State, Sequence[FloatArray | None]]],
    tol: float,
    ending: Status,
    **words: Any,
) -> MarkovEquilibrium:
    """Certify policies of a finite horizon and record them; ``steps`` from the first on."""
    stages = Stages(game, agents)
    shape = (game.n_players, game.n_states)
    ahead, returns, more = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    values, payoffs, regrets, beliefs = [], [], [], []
    bellman = residual = 0.0
    good = True
    for z, duals in reversed(steps):
        found = stage_evidence(stages, z, ahead, duals, tol)
        regrets.append(_regret_step(stages, z, found.log_beliefs, ahead, more))
        values.append(found.values)
        payoffs.append(_return_step(game, z, returns))
        beliefs.append(shaped_beliefs(game, found.log_beliefs))
        ahead, returns, more = values[-1], payoffs[-1], regrets[-1]
        bellman, residual = max(bellman, found.bellman), max(residual, found.residual)
        good = good and found.solved and found.bellman <= tol * found.scale
    finite = bool(np.isfinite(regrets).all() and np.isfinite(values).all())
    logs = [np.stack([z[i] for z, _ in steps]) for i in range(game.n_players)]
    return MarkovEquilibrium(
        policies=tuple(read_only(np.exp(part)) for part in logs),
        log_policies=tuple(read_only(part) for part in logs),
        beliefs=tuple(
            read_only(np.stack([b[i] for b in reversed(beliefs)])) for i in range(game.n_players)
        ),
        values=read_only(np.stack(values[::-1])),
        payoffs=read_only(np.stack(payoffs[::-1])),
        regret=read_only(np.stack(regrets[::-1])),
        residual=bellman,
        stage_residual=residual,
        status=_verdict(finite, good, ending),
        agents=tuple(agents),
        horizon=game.horizon,
        **_labels(game),
        **words,
    )


def _regret_step(
    stages: Stages,
    z: State,
    log_beliefs: Sequence[FloatArray],
    ahead: FloatArray,
    more: FloatArray,
) -> FloatArray:
    """Regret bounds (N, S) of one step, from those of the next."""
    out = []
    for i, log_p in enumerate(log_beliefs):
        gain, values = stage_gain(stages, i, z, log_p, ahead[i])
        believed = stages.environments[i].believed(ahead[i])
        added, _, _ = gain_ahead(stages, i, values, np.exp(log_p), believed, more[i])
        out.append(gain + added)
    return np.stack(out)


def _return_step(game: MarkovGame, z: State, ahead: FloatArray) -> FloatArray:
    """Risk-neutral returns (N, S) of one step, from those of the next."""
    out = []
    for i, v in enumerate(ahead):
        payoff = game.own_rewards[i] + game.own_first(game.expected(v), i)
        x, q = np.exp(z[i]), np.exp(joint_log(tuple(z), i))
        out.append(np.vecdot(x, (payoff @ q[:, :, None])[:, :, 0]))
    return np.stack(out)


def _verdict(finite: bool, good: bool, ending: Status) -> Status:
    if not finite:
        return Status.NON_FINITE
    if good and ending is Status.CONVERGED:
        return Status.CONVERGED
    return Status.UNCERTIFIED if ending is Status.CONVERGED else ending


def _labels(game: MarkovGame) -> dict[str, Any]:
    return {
        "players": game.players,
        "actions": game.actions,
        "states": game.states,
        "name": game.name,
    }
