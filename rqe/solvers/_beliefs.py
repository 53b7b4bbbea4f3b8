"""Worst-case beliefs at perceived scores, smooth ones, and how action values follow them.

A belief answers the scores of the others' joint actions by its link, or, for total variation, by
carrying mass to the worst outcome. ``k`` is the sharpness of steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model._checks import FloatArray
from ._links import Link, sigmoid, softplus, tilt


@dataclass
class Belief:
    """A belief, and slopes of the action values under it.

    Attributes
    ----------
    log_p, shifted : array (m,)
        Log-belief, and scores shifted to the level at which steps are.
    own, cross : array (n, m)
        Slopes of the values in the outcomes' scores, and in the others' joint log-play.
    nudge : array (n,)
        Slope of the values in ``log k`` at given scores.
    """

    log_p: FloatArray
    shifted: FloatArray
    own: FloatArray
    cross: FloatArray
    nudge: FloatArray


def tilted(
    link: Link, payoff: FloatArray, outcomes: FloatArray, log_q: FloatArray, *, weighted: bool
) -> Belief:
    """The link's answer to outcomes' scores (m,); unweighted, whatever the others' play."""
    log_p, shifted = tilt(link, -outcomes, log_q if weighted else np.zeros_like(log_q))
    p = np.exp(log_p)
    weight = p * link.rate(shifted)
    total = weight.sum()
    # dp = p dlog q + weight (dλ - ds), with dλ such that the sum stays
    level = payoff @ weight
    own = np.outer(level, weight / total) - payoff * weight
    cross = (payoff - (level / total)[:, None]) * p if weighted else np.zeros_like(payoff)
    return Belief(log_p, shifted, own, cross, np.zeros(len(payoff)))


def transported(payoff: FloatArray, outcomes: FloatArray, log_q: FloatArray, gap: float) -> Belief:
    """Mass of outcomes whose score exceeds the least by ``gap`` goes to the least.

    Gradient of the concave ``Σ q min(s, min(s) + gap)`` with both minima softened.
    """
    least, log_w, log_kept = _softened(outcomes, gap)
    q, kept, w = np.exp(log_q), np.exp(log_kept), np.exp(log_w)
    turn = q * kept * sigmoid(outcomes - least - gap)
    stays = q * kept
    with np.errstate(divide="ignore"):
        moved = float(np.exp(log_q + _log_rest(outcomes, least, gap)).sum())
        log_p = np.logaddexp(log_q + log_kept, np.log(moved) + log_w)
    to = payoff @ w
    beyond = payoff - to[:, None]
    own = np.outer(beyond @ turn, w) - beyond * turn - moved * beyond * w
    nudge = gap * (beyond @ turn)
    shifted = least + 0.5 * gap - outcomes
    return Belief(log_p, shifted, own, beyond * stays, nudge)


def transport_price(scores: FloatArray, gap: float) -> FloatArray:
    """What each outcome contributes, in score, to the value of rows of scores (n, m)."""
    least, _, _ = _softened(scores, gap)
    return np.asarray(-np.logaddexp(-scores, -(least + gap)))


def _softened(s: FloatArray, gap: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Soft minimum (..., 1), log-weights of the least, log-share of each outcome that stays."""
    low = s.min(axis=-1, keepdims=True)
    least = low - np.log(np.exp(low - s).sum(axis=-1, keepdims=True))
    return least, least - s, -softplus(s - least - gap)


def _log_rest(s: FloatArray, least: FloatArray, gap: float) -> FloatArray:
    return -softplus(least + gap - s)
