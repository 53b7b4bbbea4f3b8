"""What each concept predicts, for many parameter vectors at once, and how that moves with them.

Play at an equilibrium ``z = Phi(z; theta)`` moves with the parameters as the implicit function
theorem says, ``(I - DPhi) dz = dPhi/dtheta``: one small linear system a game, no second solve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.ops import joint_log, outcome_payoffs
from ...core.regularizer import NegEntropy
from ...core.response import Reply, reply, reply_derivative
from ...core.risk import Entropic
from ...model._checks import FloatArray
from ...solvers._rows import solve_linear
from ...solvers.enumeration import enumerate_rqe
from ...solvers.many import solve_many
from ...solvers.nash import solve_nash
from .data import Observation
from .parameters import Layout

SELECTIONS = ("principal", "best")


@dataclass(frozen=True)
class Play:
    """Play of one game at T parameter vectors.

    Attributes
    ----------
    log_strategies : tuple of array (T, n_i)
    slopes : array (T, n_1 + ... + n_N, K)
        Derivative of the log-strategies, players one after the other.
    solved : bool array (T,)
    branches : tuple of str, length T
    """

    log_strategies: tuple[FloatArray, ...]
    slopes: FloatArray
    solved: np.ndarray[Any, np.dtype[np.bool_]]
    branches: tuple[str, ...]


class QuantalPlay:
    """RQE, and QRE at ``tau = 0``, of every game.

    Parameters
    ----------
    data : tuple of Observation
    layout : Layout
    select : {"principal", "best"}
        The principal branch, or of all equilibria that are found the one that fits best.
    """

    def __init__(self, data: tuple[Observation, ...], layout: Layout, select: str) -> None:
        self.data, self.layout, self.select = data, layout, select
        shapes = dict.fromkeys(o.game.shape for o in data)
        self.sets = [[g for g, o in enumerate(data) if o.game.shape == s] for s in shapes]
        self.own = [
            tuple(np.stack(p) for p in zip(*(data[g].game.own_payoffs for g in rows), strict=True))
            for rows in self.sets
        ]
        self.payoffs = [np.stack([np.stack(data[g].game.payoffs) for g in r]) for r in self.sets]

    def degrees(self, g: int, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """``tau`` and ``epsilon`` of the players of game g, each (T, N)."""
        at = self.layout.at[g]
        if at.shape[0] == 1:
            return np.zeros((values.shape[0], at.shape[1])), values[:, at[0]]
        return values[:, at[0]], values[:, at[1]]

    def __call__(self, values: FloatArray, *, derive: bool = True) -> list[Play]:
        """Play of every game at parameter vectors (T, K); slopes are 0 if they are not wanted."""
        out: dict[int, Play] = {}
        for rows, own, payoffs in zip(self.sets, self.own, self.payoffs, strict=True):
            pairs = [self.degrees(g, values) for g in rows]
            tau, epsilon = (np.stack([p[k] for p in pairs], axis=1) for k in (0, 1))  # (T, g, N)
            solve = self._principal if self.select == "principal" else self._best
            log_x, solved, branches = solve(rows, payoffs, tau, epsilon)
            slopes = np.zeros((*tau.shape[:2], sum(payoffs.shape[2:]), 2 * tau.shape[2]))
            if derive:
                with np.errstate(all="ignore"):  # where nothing was solved, nothing is claimed
                    slopes = sensitivity(own, log_x, tau, epsilon)
            for k, g in enumerate(rows):
                out[g] = Play(
                    log_strategies=tuple(z[:, k] for z in log_x),
                    slopes=self._by_parameter(g, slopes[:, k]),
                    solved=solved[:, k],
                    branches=tuple(branches[:, k].tolist()),
                )
        return [out[g] for g in range(len(self.data))]

    def _by_parameter(self, g: int, slopes: FloatArray) -> FloatArray:
        """Slopes with respect to every player's degrees, added up over those that are shared."""
        at = self.layout.at[g]
        n = at.shape[1]
        out = np.zeros((*slopes.shape[:2], len(self.layout.names)))
        for row, degree in enumerate((1,) if at.shape[0] == 1 else (0, 1)):
            for i in range(n):
                out[..., at[row, i]] += slopes[..., degree * n + i]
        return out

    def _principal(
        self, rows: list[int], payoffs: FloatArray, tau: FloatArray, epsilon: FloatArray
    ) -> tuple[list[FloatArray], Any, Any]:
        times, count, n = tau.shape
        batch = solve_many(
            np.broadcast_to(payoffs, (times, *payoffs.shape)).reshape(-1, *payoffs.shape[1:]),
            tau.reshape(-1, n),
            epsilon.reshape(-1, n),
        )
        log_x = [z.reshape(times, count, -1) for z in batch.log_strategies]
        branches = np.array(batch.branch, dtype=object).reshape(times, count)
        return log_x, batch.converged.reshape(times, count), branches

    def _best(
        self, rows: list[int], payoffs: FloatArray, tau: FloatArray, epsilon: FloatArray
    ) -> tuple[list[FloatArray], Any, Any]:
        times, count, n = tau.shape
        log_x = [np.zeros((times, count, k)) for k in payoffs.shape[2:]]
        solved = np.zeros((times, count), dtype=np.bool_)
        branches = np.full((times, count), "unknown", dtype=object)
        for t in range(times):
            for k, g in enumerate(rows):
                found = enumerate_rqe(self.data[g].game, tau[t, k], epsilon[t, k])
                if not len(found):
                    continue
                fits = [fit_of(self.data[g], eq.log_strategies) for eq in found]
                best = found[int(np.argmax(fits))]
                for i in range(n):
                    log_x[i][t, k] = best.log_strategies[i]
                solved[t, k], branches[t, k] = True, f"best of {len(found)}"
        return log_x, solved, branches


class NashPlay:
    """A Nash equilibrium of every game, replaced by a uniform choice with probability ``eta``."""

    def __init__(self, data: tuple[Observation, ...], layout: Layout, select: str) -> None:
        self.data, self.layout, self.select = data, layout, select
        self.equilibria: list[list[tuple[FloatArray, ...]]] = []
        self.names: list[str] = []
        for o in data:
            found = solve_nash(o.game)
            name = "unique" if len(found) == 1 and found.complete == "proved" else "principal"
            if name != "unique" and select == "principal":
                found = solve_nash(o.game, method="homotopy")
            self.equilibria.append([eq.strategies for eq in found])
            self.names.append(name if select == "principal" else f"best of {len(found)}")

    def __call__(self, values: FloatArray, *, derive: bool = True) -> list[Play]:
        """Play of every game at parameter vectors (T, K); slopes cost nothing here."""
        return [self._play(g, values) for g in range(len(self.data))]

    def _play(self, g: int, values: FloatArray) -> Play:
        observation, eta = self.data[g], values[:, self.layout.at[g][0]]
        options = []
        for strategies in self.equilibria[g]:
            mixed = [
                (1.0 - eta[:, i, None]) * x + eta[:, i, None] / x.size
                for i, x in enumerate(strategies)
            ]
            with np.errstate(divide="ignore"):
                log_x = [np.log(x) for x in mixed]
                steps = [(1.0 / x.size - x) / m for x, m in zip(strategies, mixed, strict=True)]
            options.append((fit_of(observation, log_x), log_x, steps))
        best = np.argmax([fit for fit, _, _ in options], axis=0)  # (T,)
        pick = np.arange(values.shape[0])
        log_x = [np.stack([o[1][i] for o in options])[best, pick] for i in range(eta.shape[1])]
        steps = [np.stack([o[2][i] for o in options])[best, pick] for i in range(eta.shape[1])]
        slopes = np.zeros((values.shape[0], sum(observation.game.shape), values.shape[1]))
        start = 0
        for i, step in enumerate(steps):
            slopes[:, start : start + step.shape[1], self.layout.at[g][0, i]] = step
            start += step.shape[1]
        return Play(
            tuple(log_x), slopes, np.ones(pick.size, dtype=np.bool_), (self.names[g],) * pick.size
        )


def fit_of(observation: Observation, log_strategies: Any) -> FloatArray:
    """Log-likelihood of a profile or of T of them, () or (T,); what was never seen counts 0."""
    total: Any = 0.0
    for seen, log_x in zip(observation.totals, log_strategies, strict=True):
        used = seen > 0.0
        total = total + np.sum(seen[used] * log_x[..., used], axis=-1)
    return np.asarray(total)


def sensitivity(
    own: tuple[FloatArray, ...], log_x: list[FloatArray], tau: FloatArray, epsilon: FloatArray
) -> FloatArray:
    """Derivative of equilibrium log-strategies with respect to every player's degrees.

    Parameters
    ----------
    own : tuple of array (g, n_i, m_i)
    log_x : list of array (T, g, n_i)
    tau, epsilon : array (T, g, N)
        Finite, ``epsilon > 0``.

    Returns
    -------
    array (T, g, n_1 + ... + n_N, 2N)
        First with respect to ``tau_1 .. tau_N``, then ``epsilon_1 .. epsilon_N``; NaN where the
        equilibrium is singular.
    """
    n, sizes = len(own), [z.shape[-1] for z in log_x]
    ends = np.cumsum(sizes)
    unit = np.eye(ends[-1])
    matrix = np.empty((*tau.shape[:2], ends[-1], ends[-1]))
    right = np.zeros((*tau.shape[:2], ends[-1], 2 * n))
    for i, payoff in enumerate(own):
        here = slice(ends[i] - sizes[i], ends[i])
        t, e = tau[..., i], epsilon[..., i]
        answer = reply(payoff, log_x[i], joint_log(tuple(log_x), i), Entropic(t), NegEntropy(e))
        x, p = np.exp(log_x[i]), np.exp(answer.log_belief)
        u = outcome_payoffs(payoff, x)
        d_values = np.einsum("...nm,...m->...n", payoff, p * ((p * u).sum(-1, keepdims=True) - u))
        for column, moved in (
            (i, d_values / e[..., None]),
            (n + i, -answer.values / e[..., None] ** 2),
        ):
            right[..., here, column] = moved - (x * moved).sum(-1, keepdims=True)
        # the reply's derivative in the direction of every log-probability at once, on a new axis
        wide = Reply(*(part[..., None, :] for part in answer))
        parts = [unit[:, end - k : end] for k, end in zip(sizes, ends, strict=True)]
        matrix[..., here, :] = np.swapaxes(
            parts[i]
            - reply_derivative(
                payoff[..., None, :, :],
                log_x[i][..., None, :],
                wide,
                t[..., None],
                e[..., None],
                parts[i],
                joint_log(tuple(parts), i),
            ),
            -1,
            -2,
        )
    shape = right.shape
    return solve_linear(
        matrix.reshape(-1, *shape[2:3], shape[2]), right.reshape(-1, *shape[2:])
    ).reshape(shape)
