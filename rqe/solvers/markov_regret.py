r"""What policies are worth, and what each player could gain on its own: the certificate.

Knows no equilibrium iteration. With the others' policies and player i's belief ``p`` held fixed in
every state, player i faces a Markov decision problem with a regulariser: its optimal value bounds
the best-response value from above (weak duality: the true adversary could do no worse than ``p``),
and it is reached where ``p`` is worst against the best response, as it is at an equilibrium.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.ops import action_payoffs, joint_log, outcome_payoffs
from ..model._checks import FloatArray
from ..model._policies import check_policies
from ..model.agent import Agent
from ..model.markov import MarkovGame
from ._markov_stage import Stages, relax

ROUNDS = 60
"""Policy-improvement rounds; each squares the error, so a handful is used."""


def policy_outcome(
    stages: Stages, player: int, log_policies: Sequence[FloatArray], ahead: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """One step of a player's value under everyone's policies.

    Parameters
    ----------
    stages : Stages
    player : int
    log_policies : sequence of array (S, n_j)
    ahead : array (S,)
        The player's values of the next states.

    Returns
    -------
    value, payoff, log_belief : array (S,), (S, n_i, m_i), (S, m_i)
        Risk-adjusted, regularised values; stage payoffs; a worst-case belief.
    """
    agent, log_x = stages.agents[player], log_policies[player]
    payoff = stages.payoff(player, ahead)
    log_q = joint_log(tuple(log_policies), player)
    outcomes = outcome_payoffs(payoff, np.exp(log_x))
    value = agent.risk.certainty_equivalent(outcomes, log_q) - agent.regularizer.penalty(log_x)
    return np.asarray(value), payoff, np.asarray(agent.risk.log_belief(outcomes, log_q))


def _towards(
    stages: Stages, player: int, x: FloatArray, p: FloatArray, ahead: FloatArray
) -> tuple[Any, Any]:
    """``discount`` times the next states' probabilities under a strategy and a belief, (S, S)."""
    believed = stages.environments[player].believed(ahead)
    weights = stages.joint(x[:, :, None] * p[:, None, :], player)
    return stages.discount * stages.onward(weights, believed), believed


def policy_values(
    stages: Stages, log_policies: Sequence[FloatArray], start: FloatArray | None = None
) -> FloatArray:
    """Risk-adjusted, regularised values (N, S) of stationary policies in a discounted game.

    The value is the fixed point of a concave contraction: Newton's method, which is policy
    improvement by the adversary and the environment.
    """
    from scipy import sparse

    shape = (stages.game.n_players, stages.game.n_states)
    values = np.zeros(shape) if start is None else np.array(start)
    one = sparse.eye_array(shape[1], format="csr")
    for i in range(shape[0]):
        best = np.inf
        for _ in range(ROUNDS):
            value, _, log_p = policy_outcome(stages, i, log_policies, values[i])
            gap = value - values[i]
            size = float(np.abs(gap).max())
            if not size < 0.5 * best:
                break
            best = size
            x, p = np.exp(log_policies[i]), np.exp(log_p)
            step = relax(one - _towards(stages, i, x, p, values[i])[0], gap)
            values[i] = values[i] + step
            if size == 0.0:
                break
    return values


def expected_returns(stages: Stages, log_policies: Sequence[FloatArray]) -> FloatArray:
    """Risk-neutral discounted sums of rewards (N, S), without regularisers."""
    from scipy import sparse

    game = stages.game
    one = sparse.eye_array(game.n_states, format="csr")
    weights = np.ones((game.n_states, 1))
    for log_x in log_policies:
        grown = weights[:, :, None] * np.exp(log_x)[:, None, :]
        weights = grown.reshape(game.n_states, -1)
    system = one - stages.discount * stages.onward(weights, game.transitions)
    flat = game.rewards.reshape(game.n_states, game.n_players, -1)
    return np.stack([relax(system, np.vecdot(flat[:, i], weights))
                     for i in range(game.n_players)])  # fmt: skip


def _conjugate(agent: Agent, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Largest regularised value of action values (S, n), and the strategies that reach it."""
    log_y = agent.regularizer.log_response(v)
    y = np.exp(log_y)
    return np.vecdot(y, v) - agent.regularizer.penalty(log_y), y


def stage_gain(
    stages: Stages,
    player: int,
    log_policies: Sequence[FloatArray],
    log_belief: FloatArray,
    ahead: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Bound on the gain from deviating in this step alone (S,), and action values (S, n_i)."""
    agent, log_x = stages.agents[player], log_policies[player]
    payoff = stages.payoff(player, ahead)
    values = action_payoffs(payoff, np.exp(log_belief))
    log_q = joint_log(tuple(log_policies), player)
    outcomes = outcome_payoffs(payoff, np.exp(log_x))
    gain = agent.regularizer.slack(log_x, values) + agent.risk.slack(outcomes, log_q, log_belief)
    return np.maximum(np.asarray(gain), 0.0), values


def gain_ahead(
    stages: Stages, player: int, values: FloatArray, p: FloatArray, believed: Any, more: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What gains ``more`` (S,) of the next states add to this step's best value.

    Returns
    -------
    added, strategy, onward : array (S,), (S, n_i), (S, n_i)
        The best strategy with them, and ``discount`` times the expected gain of each action.
    """
    game, agent = stages.game, stages.agents[player]
    spread = (believed @ more).reshape(game.n_states, *game.shape)
    onward = stages.discount * action_payoffs(game.own_first(spread, player), p)
    centred = values - values.max(axis=1, keepdims=True)
    before, _ = _conjugate(agent, centred)
    after, strategy = _conjugate(agent, centred + onward)
    return np.maximum(after - before, 0.0), strategy, onward


def regret_bounds(
    stages: Stages,
    log_policies: Sequence[FloatArray],
    log_beliefs: Sequence[FloatArray],
    values: FloatArray,
) -> FloatArray:
    """Upper bounds (N, S) on each player's gain from any other policy, discounted games.

    Parameters
    ----------
    stages : Stages
    log_policies, log_beliefs : sequence of array (S, n_i) and of array (S, m_i)
        Any beliefs give a bound; worst-case ones give the sharpest.
    values : array (N, S)
        What the policies are worth, as `policy_values`.

    Notes
    -----
    The gain solves ``W = δ + f*(v + h(W)) - f*(v)``, with ``δ`` the gain of one step, ``f*`` the
    regulariser's conjugate, ``v`` the action values and ``h`` the expected gain ahead: soft policy
    iteration from ``W = 0``. What is left at its end is added, divided by ``1 - discount``.
    """
    from scipy import sparse

    count = stages.game.n_states
    one = sparse.eye_array(count, format="csr")
    out = np.zeros((stages.game.n_players, count))
    for i in range(stages.game.n_players):
        gain, v = stage_gain(stages, i, log_policies, log_beliefs[i], values[i])
        p = np.exp(log_beliefs[i])
        believed = stages.environments[i].believed(values[i])
        more, left, best = np.zeros(count), np.inf, np.inf
        for _ in range(ROUNDS):
            added, y, onward = gain_ahead(stages, i, v, p, believed, more)
            short = gain + added - more
            left = float(np.abs(short).max())
            if not left < 0.5 * best:
                break
            best = left
            weights = stages.joint(y[:, :, None] * p[:, None, :], i)
            system = one - stages.discount * stages.onward(weights, believed)
            more = relax(system, gain + added - np.vecdot(y, onward))
        out[i] = np.maximum(more, 0.0) + left / (1.0 - stages.discount)
    return out


def log_policies_of(policies: Any, game: MarkovGame) -> list[FloatArray]:
    """Stationary policies as log-probabilities; a zero becomes 1e-300."""
    return [np.log(np.maximum(x, 1e-300)) for x in check_policies(policies, game)]


def best_response_values(
    game: MarkovGame, policies: Sequence[Any], agents: Sequence[Agent]
) -> tuple[FloatArray, FloatArray]:
    """What stationary policies are worth, and at most how much better each player could do.

    Parameters
    ----------
    game : MarkovGame
        Discounted.
    policies : sequence of N arrays (S, n_i)
        A zero counts as a probability of 1e-300.
    agents : sequence of Agent
        Of aggregate form.

    Returns
    -------
    values, bounds : array (N, S)
        Risk-adjusted, regularised values of the policies; upper bounds on the best-response values.
        The second less the first is a bound on the regret, sharp at equilibria.

    Examples
    --------
    >>> import numpy as np, rqe
    >>> from rqe.solvers.markov_regret import best_response_values
    >>> rewards = np.stack([np.eye(2), np.eye(2)])[None]
    >>> game = rqe.MarkovGame(rewards, np.ones((1, 2, 2, 1)), discount=0.5)
    >>> agents = [rqe.Agent(rqe.Entropic(0.0), rqe.NegEntropy(0.1))] * 2
    >>> values, bounds = best_response_values(game, [[[0.5, 0.5]], [[0.5, 0.5]]], agents)
    >>> bool(np.allclose(values, 2 * (0.5 + 0.1 * np.log(2)))), bool(np.allclose(bounds, values))
    (True, True)
    """
    if game.discount is None:
        raise ValueError("game must be discounted; got one of finite horizon")
    logs = log_policies_of(policies, game)
    stages = Stages(game, agents)
    values = policy_values(stages, logs)
    beliefs = [policy_outcome(stages, i, logs, values[i])[2] for i in range(game.n_players)]
    return values, values + regret_bounds(stages, logs, beliefs, values)
