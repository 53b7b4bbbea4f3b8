"""Answers checked by the definitions, written out once more without the package."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Profile = Sequence[np.ndarray]


def residual(arrays: np.ndarray, profile: Profile, tau: float, epsilon: float) -> float:
    """Largest difference of a probability of two players from its quantal reply.

    Parameters
    ----------
    arrays : array (2, m, n)
    profile : two arrays (m,), (n,)
    tau, epsilon : float
        Of both players; finite, ``epsilon > 0``.
    """
    gaps = []
    for own, x, q in zip((arrays[0], arrays[1].T), profile, profile[::-1], strict=True):
        tilt = -tau * (x @ own)
        belief = q * np.exp(tilt - tilt.max())
        logits = own @ (belief / belief.sum()) / epsilon
        reply = np.exp(logits - logits.max())
        gaps.append(float(np.abs(x - reply / reply.sum()).max()))
    return max(gaps)


def residuals(payoffs: np.ndarray, profile: Profile, tau: float, epsilon: float) -> np.ndarray:
    """`residual` of every game of a batch: payoffs (B, 2, m, n), strategies (B, m) and (B, n)."""
    first, second = profile
    return np.array(
        [
            residual(game, (x, y), tau, epsilon)
            for game, x, y in zip(payoffs, first, second, strict=True)
        ]
    )


def regret(arrays: np.ndarray, profile: Profile) -> float:
    """What the better-off of two deviating players gains by its best pure deviation."""
    gains = []
    for own, x, q in zip((arrays[0], arrays[1].T), profile, profile[::-1], strict=True):
        worth = own @ q
        gains.append(float(worth.max() - x @ worth))
    return max(gains)


def distance(one: Profile, other: Profile) -> float:
    """Largest difference of a probability between two profiles."""
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))
