"""Answers checked again by definition, in extended precision: shares no code with the package.

SRA eqs. 1 and 2 are evaluated as they are printed, game by game of a batch, in ``numpy.longdouble``
(64 bits of mantissa on x86). What is asked of an answer is what the package promises: a residual
within ``tol`` or at the rounding floor of float64, a regret bound that no deviation exceeds, values
and payoffs that are those of the profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
ROUNDING = 256.0 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Findings:
    """What the definitions say of a batch of profiles, (B,) or (B, N)."""

    residual: Array
    """Largest difference of a probability from the quantal response to the profile."""
    bound: Array
    """Upper bound on every player's gain from any deviation (weak duality)."""
    gain: Array
    """The most that a player gains by a pure action, uniform play or its quantal response."""
    payoffs: Array
    values: Array


def recheck(
    payoffs: Array,
    log_strategies: Sequence[Array],
    tau: Array,
    epsilon: Array,
    beliefs: Sequence[Array] | None = None,
) -> Findings:
    """Judge profiles of a batch of games of one shape.

    Parameters
    ----------
    payoffs : array (B, N, n_1, ..., n_N)
    log_strategies : sequence of array (B, n_i)
    tau, epsilon : array (B, N)
        A player's ``tau`` is infinite in all games or in none.
    beliefs : sequence of array (B, ...), optional
        Used where ``tau`` is infinite, as the belief that a strategy answers.
    """
    logs = [_normalised(np.asarray(z, dtype=np.longdouble)) for z in log_strategies]
    rows = [_player(payoffs, logs, tau, epsilon, beliefs, i) for i in range(len(logs))]
    residual, bound, gain, neutral, value = (np.stack(c, axis=1) for c in zip(*rows, strict=True))
    return Findings(residual.max(axis=1), bound, gain, neutral, value)


def _player(
    payoffs: Array,
    logs: Sequence[Array],
    tau: Array,
    epsilon: Array,
    beliefs: Sequence[Array] | None,
    i: int,
) -> tuple[Array, ...]:
    count, own = len(payoffs), logs[i].shape[1]
    table = np.moveaxis(payoffs[:, i], 1 + i, 1).reshape(count, own, -1).astype(np.longdouble)
    low = table.min(axis=(1, 2))
    table = table - low[:, None, None]  # every statement shifts with the payoffs
    t = tau[:, i].astype(np.longdouble)[:, None]
    e = epsilon[:, i].astype(np.longdouble)[:, None]
    log_q = _others(logs, i)
    x, q = np.exp(logs[i]), np.exp(log_q)
    u = np.einsum("ba,bam->bm", x, table)
    endless = bool(np.isinf(tau[0, i]))
    if endless and beliefs is not None:
        p = np.asarray(beliefs[i], dtype=np.longdouble).reshape(count, -1)
        p = p / p.sum(axis=1, keepdims=True)
        slack = np.einsum("bm,bm->b", p, u - u.min(axis=1, keepdims=True))
    else:
        p = np.exp(_normalised(log_q - t * (u - u.min(axis=1, keepdims=True))))
        slack = np.zeros(count, dtype=np.longdouble)
    worth = np.einsum("bam,bm->ba", table, p)
    exact = e[:, 0] == 0.0
    reply = _normalised(worth / np.where(e == 0.0, 1.0, e))
    apart = np.where(x > 0.0, x * (np.maximum(logs[i], -1e30) - reply), 0.0).sum(axis=1)
    shortfall = worth.max(axis=1) - (x * worth).sum(axis=1)
    bound = np.where(exact, shortfall, e[:, 0] * apart) + slack

    def value(log_y: Array) -> Array:
        y = np.exp(log_y)
        entropy = -np.where(y > 0.0, y * np.maximum(log_y, -1e30), 0.0).sum(axis=1)
        return _certain(np.einsum("ba,bam->bm", y, table), log_q, t[:, 0]) + e[:, 0] * entropy

    now = value(logs[i])
    with np.errstate(divide="ignore"):
        others = [np.log(np.eye(own, dtype=np.longdouble)[[a] * count]) for a in range(own)]
    others += [np.full((count, own), -np.log(np.longdouble(own))), reply]
    gain = np.max([np.where(exact & (k > own), 0.0, value(y) - now) for k, y in enumerate(others)],
                  axis=0)  # fmt: skip
    gap = np.where(exact, 0.0, np.abs(x - np.exp(reply)).max(axis=1))
    return gap, bound, gain, np.einsum("bm,bm->b", q, u) + low, now + low


def _certain(u: Array, log_q: Array, t: Array) -> Array:
    """Certainty equivalent of SRA eq. 1; a series where ``tau`` times the spread is tiny."""
    q = np.exp(log_q)
    low = u.min(axis=1)
    mean = (q * u).sum(axis=1)
    centred = u - mean[:, None]
    second, third = ((q * centred**k).sum(axis=1) for k in (2, 3))
    finite = np.where(np.isfinite(t), t, 0.0)
    series = mean - finite * second / 2 + finite**2 * third / 6
    safe = np.where(finite > 0.0, finite, 1.0)
    top = log_q - safe[:, None] * (u - low[:, None])
    peak = top.max(axis=1)
    whole = low - (peak + np.log(np.exp(top - peak[:, None]).sum(axis=1))) / safe
    tiny = finite * np.abs(centred).max(axis=1) < 1e-6
    return np.where(np.isfinite(t), np.where(tiny, series, whole), low)


def _others(logs: Sequence[Array], i: int) -> Array:
    total = np.zeros((len(logs[i]), 1), dtype=np.longdouble)
    for j, z in enumerate(logs):
        if j != i:
            total = (total[:, :, None] + z[:, None, :]).reshape(len(z), -1)
    return total


def _normalised(z: Array) -> Array:
    peak = z.max(axis=1, keepdims=True)
    shifted = z - peak
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def refuted(payoffs: Array, answer: Any, tau: Array, epsilon: Array, tol: float) -> list[Array]:
    """Where an answer is not what it says it is.

    Parameters
    ----------
    payoffs : array (B, N, n_1, ..., n_N)
    answer : BatchEquilibrium, or anything with its fields
    tau, epsilon : array (B, N)
    tol : float
        What the residual was to be.

    Returns
    -------
    list of bool array (B,)
        One a claim, in the order of `CLAIMS`; True where it is refuted.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # payoffs near the end of float64's range
        return _refuted(payoffs, answer, tau, epsilon, tol)


def _refuted(payoffs: Array, answer: Any, tau: Array, epsilon: Array, tol: float) -> list[Array]:
    count, n = payoffs.shape[:2]
    found = recheck(payoffs, answer.log_strategies, tau, epsilon, answer.beliefs)
    flat = payoffs.reshape(count, n, -1)
    span = np.ptp(flat, axis=2)
    size = np.abs(flat).max(axis=2)
    steep = np.where(np.isfinite(tau), tau, 0.0) * span
    sharp = np.divide(span, epsilon, out=np.ones_like(span), where=epsilon > 0.0)
    floor = ROUNDING * (1.0 + sharp * (1.0 + steep))
    worst = floor.max(axis=1)
    # the regret is a divergence: of second order in what rounding does to the logarithms
    noise = 1e-14 * (span + epsilon) + epsilon * np.minimum(floor, 1.0) ** 2
    allowed = 1e-9 * np.where(span > 0.0, span, 1.0) + epsilon * tol + noise
    close = 1e-12 * (size + span + epsilon)
    values = found.values.astype(np.float64)  # inf, where no double is as large
    probabilities = np.concatenate(
        [np.abs(x.sum(axis=1, keepdims=True) - 1.0) for x in answer.strategies]
        + [np.abs(x - np.exp(z)) for x, z in zip(answer.strategies, answer.log_strategies,
                                                 strict=True)]
        + [np.maximum(-x, 0.0) for x in answer.strategies],
        axis=1,
    )  # fmt: skip
    smooth = np.all(epsilon > 0.0, axis=1) & np.all(np.isfinite(tau), axis=1)
    return [
        ~np.all(probabilities <= 1e-12, axis=1),
        ~(found.residual <= np.maximum(tol, worst)),
        smooth & ~(np.abs(found.residual - answer.residual) <= worst),
        ~np.all(found.bound <= allowed, axis=1),
        ~np.all(found.gain <= answer.regret + noise, axis=1),
        ~np.all(np.abs(found.payoffs - answer.payoffs) <= close, axis=1),
        ~np.all((values == answer.values) | (np.abs(values - answer.values) <= close), axis=1),
    ]


CLAIMS = (
    "strategies are distributions",
    "residual within tolerance or at its rounding floor",
    "residual as stated",
    "regret negligible",
    "no deviation gains more than the stated regret",
    "payoffs as stated",
    "values as stated",
)
