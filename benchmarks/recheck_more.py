"""Answers of general agents, quadratic games and Markov games, checked again by definition.

Each function returns what it refutes, in words; empty where the answer stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import rqe
from benchmarks.recheck import ROUNDING, recheck

Array = np.ndarray[Any, Any]
STEPS = (1e-3, 0.1, 0.5, 1.0)
"""Parts of the way to another strategy."""


def general_refuted(game: Any, eq: Any, agents: Sequence[Any]) -> str:
    """A deviation of an `rqe.solve` equilibrium that gains more than the stated regret."""
    logs = [np.asarray(z, dtype=np.longdouble) for z in eq.log_strategies]
    for i, agent in enumerate(agents):
        table = np.moveaxis(game.payoffs[i], i, 0).reshape(logs[i].size, -1)
        low, span = table.min(), float(np.ptp(table))
        value = _value(agent, table.astype(np.longdouble) - low, _joint(logs, i))
        x = np.exp(logs[i])
        now = value(x)
        spread = abs(now - value(np.full(x.size, 1.0 / x.size, dtype=np.longdouble)))
        noise = 1e-11 * (span + agent.regularizer.epsilon + float(spread))
        if abs(float(x.sum()) - 1.0) > 1e-12:
            return f"strategy of player {i} sums to 1 + {float(x.sum()) - 1.0}"
        if abs(float(now + low) - eq.values[i]) > noise + 1e-11 * np.abs(table).max():
            return f"value {now + low} of player {i}, stated {eq.values[i]}"
        ends = [*np.eye(x.size), np.full(x.size, 1.0 / x.size)]
        gain = max(value((1.0 - s) * x + s * end) - now for end in ends for s in STEPS)
        if not gain <= eq.regret[i] + noise:
            return f"gain {gain} of player {i}, stated regret {eq.regret[i]}"
        if not eq.regret[i] <= 1e-8 * (span + agent.regularizer.epsilon):
            return f"regret {eq.regret[i]} of player {i}, range {span}"
    return ""


def _joint(logs: Sequence[Array], i: int) -> Array:
    q = np.ones(1, dtype=np.longdouble)
    for j, z in enumerate(logs):
        if j != i:
            q = np.outer(q, np.exp(z)).ravel()
    return q / q.sum()


def _value(agent: Any, table: Array, q: Array) -> Callable[[Array], Any]:
    """What a strategy is worth to an agent: RQE24 eqs. 3 to 6 less the regulariser."""
    rule, each = agent.regularizer, None
    if agent.form == "action_dependent":
        each = np.array([certain(agent.risk, row, q) for row in table])

    def value(x: Array) -> Any:
        worth = certain(agent.risk, x @ table, q) if each is None else x @ each
        with np.errstate(divide="ignore", invalid="ignore"):
            if isinstance(rule, rqe.NegEntropy):
                cost = np.where(x > 0.0, x * np.log(np.where(x > 0.0, x, 1.0)), 0.0).sum()
            elif isinstance(rule, rqe.LogBarrier):
                cost = -np.log(x).sum()
            else:
                cost = ((x**rule.q).sum() - 1.0) / (rule.q - 1.0)
        return worth - rule.epsilon * cost

    return value


def certain(risk: Any, u: Array, q: Array) -> Any:
    """Certainty equivalent of a gamble: the infimum over beliefs, each measure by its own way."""
    low = u.min()
    s = u - low
    if isinstance(risk, rqe.CVaR):
        order = np.argsort(s)
        room = np.minimum(np.cumsum(q[order]) / risk.alpha, 1.0)
        return low + np.diff(room, prepend=0.0) @ s[order]
    if isinstance(risk, rqe.Neutral) or risk.tau == 0.0 or s.max() == 0.0:
        return q @ u
    if np.isinf(risk.tau):
        return low
    tau = np.longdouble(risk.tau)
    if isinstance(risk, rqe.TotalVariation):
        return low + q @ np.minimum(s, 1.0 / tau)
    if isinstance(risk, rqe.Entropic):
        if tau * s.max() < 1e-7:
            return q @ u - tau / 2 * (q @ (u - q @ u) ** 2)
        return low - np.log(q @ np.exp(-tau * s)) / tau
    if isinstance(risk, rqe.ReverseKL):
        # p = q / (tau (s + t)); the total falls in t
        t = np.exp(_root(lambda k: q @ (1.0 / (tau * (s + np.exp(k)))) - 1.0,
                         -np.log(tau) - 700.0, -np.log(tau)))  # fmt: skip
        ratio = tau * (s + t)
        return low + (q / ratio) @ s + (q @ np.log(ratio)) / tau
    t = _root(lambda k: 1.0 - q @ np.maximum(0.0, 1.0 + tau / 2 * (k - s)), -2.0 / tau, q @ s)
    p = q * np.maximum(0.0, 1.0 + tau / 2 * (t - s))
    return low + p @ s + (q @ (p / np.where(q > 0.0, q, 1.0) - 1.0) ** 2) / tau


def _root(falling: Callable[[Any], Any], low: Any, high: Any) -> Any:
    """Bisection in extended precision."""
    low, high = np.longdouble(low), np.longdouble(high)
    for _ in range(90):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if falling(middle) > 0.0 else (low, middle)
    return 0.5 * (low + high)


def gaussian_refuted(game: Any, eq: Any, tau: Array, epsilon: Array) -> str:
    """First-order conditions of SRA's quadratic games: of every player, and of its adversary.

    The adversary's is multiplied by the partners' covariance, which may be singular.
    """
    ends = np.cumsum(game.dims)
    where = [np.arange(end - n, end) for end, n in zip(ends, game.dims, strict=True)]
    tau, epsilon = (np.broadcast_to(v, (len(where),)) for v in (tau, epsilon))
    for i, own in enumerate(where):
        others = np.concatenate([w for j, w in enumerate(where) if j != i] or [own[:0]])
        H = game.quadratic[i].astype(np.longdouble)
        h = game.linear[i].astype(np.longdouble)
        m, mu = eq.means[i], eq.belief_means[i]
        covariance = -H[np.ix_(own, own)] @ eq.covariances[i]
        if np.abs(covariance - epsilon[i] * np.eye(own.size)).max() > 1e-9 * epsilon[i] + 1e-300:
            return f"covariance of player {i}"
        terms = [H[np.ix_(own, own)] @ m, H[np.ix_(own, others)] @ mu, h[own]]
        if not _balanced(terms):
            return f"first-order condition of player {i}: {sum(terms)}"
        if others.size == 0 or np.isinf(tau[i]):
            continue
        spread = np.zeros((others.size, others.size), dtype=np.longdouble)
        at = 0
        for j, w in enumerate(where):
            if j != i:
                spread[at : at + w.size, at : at + w.size] = eq.covariances[j]
                at += w.size
        before = np.concatenate([eq.means[j] for j in range(len(where)) if j != i])
        felt = [H[np.ix_(others, others)] @ mu, H[np.ix_(others, own)] @ m, h[others]]
        if not _balanced([mu, -before, *(tau[i] * (spread @ f) for f in felt)]):
            return f"first-order condition of the adversary of player {i}"
    return ""


def _balanced(terms: Sequence[Array]) -> bool:
    total, size = sum(terms), sum(np.abs(t) for t in terms)
    return bool(np.all(np.abs(total) <= 1e-8 * np.max(size)))


def markov_refuted(game: Any, eq: Any, tau: float, epsilon: float) -> str:
    """Bellman's equations: every stage game with its continuation, judged as a game of its own."""
    steps = 1 if game.horizon is None else game.horizon
    for h in range(steps):
        values = eq.values if game.horizon is None else eq.values[h]
        ahead = np.zeros_like(values)
        if game.horizon is None:
            ahead = game.discount * values
        elif h + 1 < steps:
            ahead = eq.values[h + 1]
        logs = [z if game.horizon is None else z[h] for z in eq.log_policies]
        beliefs = [p if game.horizon is None else p[h] for p in eq.beliefs]
        stage = game.rewards + np.stack([game.expected(v) for v in ahead], axis=1)
        attitudes = (np.full((game.n_states, game.n_players), float(k)) for k in (tau, epsilon))
        found = recheck(stage, logs, *attitudes, beliefs)
        span = float(np.ptp(stage.reshape(game.n_states, game.n_players, -1), axis=2).max())
        size = float(np.abs(values).max()) + span + epsilon
        sharp = span / epsilon if epsilon > 0.0 else 1.0
        floor = ROUNDING * (1.0 + sharp * (1.0 + (tau * span if np.isfinite(tau) else 0.0)))
        if not np.all(np.abs(found.values.T - values) <= 1e-8 * size):
            return f"values off by {np.abs(found.values.T - values).max()} at step {h}"
        if epsilon > 0.0 and not np.all(found.residual <= max(1e-9, floor)):
            return f"stage residual {found.residual.max()} at step {h}"
        if not np.all((eq.regret if steps == 1 else eq.regret[h]) + 1e-9 * size >= found.gain.T):
            return f"gain {found.gain.max()} at step {h}"
    return ""
