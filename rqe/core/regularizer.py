"""Regularisers as value objects: how boundedly rational a player chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .ops import Array, kl, log_softmax, neg_entropy, per_batch


@dataclass(frozen=True)
class NegEntropy:
    r"""Negative Shannon entropy, whose best response is logit choice (SRA eq. 2).

    .. math:: \max_x \; v \cdot x - \epsilon \sum_a x_a \log x_a
              \quad\Longrightarrow\quad x = \mathrm{softmax}(v / \epsilon)

    Parameters
    ----------
    epsilon : float or array
        Degree of bounded rationality in payoff units, ``>= 0``; the logit precision of MP95 is
        ``1 / epsilon``. ``0`` is exact maximisation.

    Examples
    --------
    >>> import numpy as np
    >>> np.exp(NegEntropy(1.0).log_response(np.log([1.0, 3.0])))
    array([0.25, 0.75])
    """

    epsilon: Any = 0.0

    def penalty(self, log_x: Array) -> Array:
        """Regulariser's value ``epsilon * sum(x log x)``, in payoff units; (..., n) to (...)."""
        xp = log_x.__array_namespace__()
        return xp.asarray(self.epsilon, dtype=log_x.dtype) * neg_entropy(log_x)

    def log_response(self, v: Array) -> Array:
        """Quantal response to action values ``v`` (..., n), as log-probabilities.

        At ``epsilon = 0`` it is uniform on the maximisers.
        """
        xp = v.__array_namespace__()
        epsilon = per_batch(self.epsilon, v)
        exact = epsilon == 0.0
        top = xp.max(v, axis=-1, keepdims=True)
        logits = (v - top) / xp.where(exact, 1.0, epsilon)
        return log_softmax(xp.where(exact, xp.where(v == top, xp.zeros_like(v), -xp.inf), logits))

    def slack(self, log_x: Array, v: Array) -> Array:
        r"""Fenchel gap of the strategy ``x`` at action values ``v``; never negative.

        What a better reply to ``v`` would gain: ``epsilon * KL(x || softmax(v / epsilon))``, and
        ``max(v) - x·v`` at ``epsilon = 0``. Zero exactly at the quantal response.
        """
        xp = v.__array_namespace__()
        epsilon = xp.asarray(self.epsilon, dtype=v.dtype)
        top = xp.max(v, axis=-1, keepdims=True)
        exact = xp.sum(xp.exp(log_x) * (top - v), axis=-1)
        # the divergence from an argmax's point mass is infinite: keep it out of the product
        smooth = NegEntropy(xp.where(epsilon == 0.0, 1.0, epsilon))
        return xp.where(epsilon == 0.0, exact, epsilon * kl(log_x, smooth.log_response(v)))
