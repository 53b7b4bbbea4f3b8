"""Regularisers as value objects: how boundedly rational a player chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .ops import Array, kl, log_softmax, neg_entropy, per_batch
from .roots import increasing_root, pole_root


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


@dataclass(frozen=True)
class LogBarrier:
    r"""Log-barrier, whose best response never gives up on an action (RQE24).

    .. math:: \max_x \; v \cdot x + \epsilon \sum_a \log x_a
              \quad\Longrightarrow\quad x_a = \frac{\epsilon}{\eta - v_a}

    Parameters
    ----------
    epsilon : float or array
        Degree of bounded rationality in payoff units, ``>= 0``; ``0`` is exact maximisation. An
        action that is worse by ``d`` is played with probability of about ``epsilon / d``.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.exp(LogBarrier(1.0).log_response(np.array([0.0, 1.5])))
    >>> x.round(6), bool(abs(1 / x[0] - 1 / x[1] - 1.5) < 1e-12)
    (array([0.333333, 0.666667]), True)
    """

    epsilon: Any = 0.0

    def penalty(self, log_x: Array) -> Array:
        """Regulariser's value ``-epsilon * sum(log x)``, in payoff units; (..., n) to (...)."""
        xp = log_x.__array_namespace__()
        epsilon = xp.asarray(self.epsilon, dtype=log_x.dtype)
        total = -xp.sum(log_x, axis=-1)
        return xp.where(epsilon == 0.0, 0.0, epsilon * xp.where(epsilon == 0.0, 0.0, total))

    def log_response(self, v: Array) -> Array:
        """Quantal response to action values ``v`` (..., n), as log-probabilities.

        At ``epsilon = 0`` it is uniform on the maximisers.
        """
        xp = v.__array_namespace__()
        epsilon = per_batch(self.epsilon, v)
        exact = epsilon == 0.0
        below = xp.max(v, axis=-1, keepdims=True) - v
        h = below / xp.where(exact, 1.0, epsilon)
        raw = -xp.log(h + xp.exp(pole_root(h, xp.zeros_like(h))))
        raw = raw - xp.log(xp.sum(xp.exp(raw), axis=-1, keepdims=True))
        return xp.where(exact, _uniform_on_best(v), raw)

    def slack(self, log_x: Array, v: Array) -> Array:
        r"""Fenchel gap of the strategy ``x`` at action values ``v``; never negative.

        The Bregman divergence :math:`\epsilon \sum_a (r_a - 1 - \log r_a)`, ``r`` the ratio of
        ``x`` to the response; ``max(v) - x·v`` at ``epsilon = 0``.
        """
        xp = v.__array_namespace__()
        epsilon = xp.asarray(self.epsilon, dtype=v.dtype)
        exact = epsilon == 0.0
        smooth = LogBarrier(xp.where(exact, 1.0, epsilon))
        d = log_x - smooth.log_response(v)
        # an action that is never played costs an infinite barrier
        safe = xp.where(xp.isfinite(d), d, 0.0)
        each = xp.where(xp.isfinite(d), xp.expm1(safe) - safe, xp.inf)
        gap = xp.sum(each, axis=-1)
        gap = xp.where(gap < 0.0, 0.0, gap)
        return xp.where(exact, _shortfall(log_x, v), xp.where(exact, 1.0, epsilon) * gap)


@dataclass(frozen=True)
class Tsallis:
    r"""Tsallis entropy of order ``q``: between the log-barrier's caution and sparse choice.

    .. math:: \max_x \; v \cdot x - \epsilon \frac{\sum_a x_a^q - 1}{q - 1}

    Orders below 1 play every action, with tails of power ``1/(1-q)``; order 1 is `NegEntropy`;
    above 1, actions that are bad enough are not played at all (at 2, the response is the Euclidean
    projection of ``v / (2 epsilon)`` onto the simplex).

    Parameters
    ----------
    q : float or array
        Order, ``> 0``.
    epsilon : float or array
        Degree of bounded rationality in payoff units, ``>= 0``; ``0`` is exact maximisation.

    Examples
    --------
    >>> import numpy as np
    >>> np.exp(Tsallis(2.0, 1.0).log_response(np.array([0.0, 1.0, 4.0]))).round(6)
    array([0., 0., 1.])
    >>> np.exp(Tsallis(2.0, 1.0).log_response(np.array([0.0, 1.0, 2.0]))).round(6)
    array([0.  , 0.25, 0.75])
    """

    q: Any = 2.0
    epsilon: Any = 0.0

    def penalty(self, log_x: Array) -> Array:
        """Regulariser's value, in payoff units; (..., n) to (...)."""
        xp = log_x.__array_namespace__()
        c = per_batch(self.q, log_x) - 1.0
        linear = c == 0.0
        power = xp.exp(log_x) * xp.expm1(c * xp.where(xp.isfinite(log_x), log_x, 0.0))
        # (x^q - x)/(q - 1) is x (x^c - 1)/c; without it, at q = 1, x log x
        each = xp.where(xp.isfinite(log_x), power / xp.where(linear, 1.0, c), 0.0)
        value = xp.sum(each, axis=-1)
        value = xp.where(xp.squeeze(linear, axis=-1), neg_entropy(log_x), value)
        return xp.asarray(self.epsilon, dtype=log_x.dtype) * value

    def log_response(self, v: Array) -> Array:
        """Quantal response to action values ``v`` (..., n), as log-probabilities.

        At ``epsilon = 0`` it is uniform on the maximisers.
        """
        xp = v.__array_namespace__()
        epsilon = per_batch(self.epsilon, v)
        exact = epsilon == 0.0
        q = per_batch(self.q, v)
        n = v.shape[-1]
        h = (xp.max(v, axis=-1, keepdims=True) - v) / (q * xp.where(exact, 1.0, epsilon))
        floor = _deformed_log(-xp.log(xp.ones_like(h[..., :1]) * n), q)

        def excess(at: Array) -> tuple[Array, Array]:
            logs, rates = _deformed_exp(at - h, q)
            x = xp.exp(logs)
            total = xp.sum(x, axis=-1, keepdims=True)
            return total - 1.0, xp.sum(x * rates, axis=-1, keepdims=True)

        at = increasing_root(excess, floor, xp.zeros_like(floor))
        raw = _deformed_exp(at - h, q)[0]
        raw = raw - xp.log(xp.sum(xp.exp(raw), axis=-1, keepdims=True))
        return xp.where(exact, _uniform_on_best(v), raw)

    def slack(self, log_x: Array, v: Array) -> Array:
        """Fenchel gap of the strategy ``x`` at action values ``v``; never negative."""
        xp = v.__array_namespace__()
        epsilon = xp.asarray(self.epsilon, dtype=v.dtype)
        exact = epsilon == 0.0
        scale = xp.where(exact, 1.0, epsilon)
        rule = Tsallis(self.q, scale)
        best = rule.log_response(v)
        x, top = xp.exp(log_x), xp.exp(best)
        q = per_batch(self.q, v)
        # Bregman divergence from the response, and the slope at actions the response gives up
        slope = scale[..., None] * q * _deformed_log(best, q)
        level = xp.max(xp.where(top > 0.0, v - xp.where(top > 0.0, slope, 0.0), -xp.inf),
                       axis=-1, keepdims=True)  # fmt: skip
        level = level - scale[..., None]
        common = (x > 0.0) & (top > 0.0)
        d = xp.where(common, log_x, 0.0) - xp.where(common, best, 0.0)
        c = q - 1.0
        order_one = c == 0.0
        u = xp.where(order_one, 1.0, c)
        # ν(x) - ν(x*) - ν'(x*)(x - x*) over x*^q: (e^{qd} - 1 - q (e^d - 1)) / (q - 1)
        general = xp.exp(q * xp.where(top > 0.0, best, 0.0)) * (
            (xp.expm1(q * d) - q * xp.expm1(d)) / u
        )
        entropic = top * (xp.expm1(d) * (d - 1.0) + d)
        both = xp.where(order_one, entropic, general)
        curve = _deformed_log(log_x, q)
        # x given up by the player: ν(0) - ν(x*) - ν'(x*)(0 - x*); by the response: from zero
        fell = top * (q * _deformed_log(best, q) + 1.0 - _deformed_log(best, q))
        rose = xp.where(x > 0.0, x * (scale[..., None] * xp.where(x > 0.0, curve, 0.0)
                                      + xp.where(top > 0.0, 0.0, level - v)), 0.0)  # fmt: skip
        each = xp.where(
            top > 0.0,
            scale[..., None] * xp.where(x > 0.0, both, xp.where(top > 0.0, fell, 0.0)),
            rose,
        )
        gap = xp.sum(each, axis=-1)
        gap = xp.where(gap < 0.0, 0.0, gap)
        return xp.where(exact, _shortfall(log_x, v), gap)


def _deformed_log(log_x: Array, q: Array) -> Array:
    """``(x^(q-1) - 1)/(q - 1)``, the logarithm at ``q = 1``."""
    xp = log_x.__array_namespace__()
    c = q - 1.0
    one = c == 0.0
    finite = xp.isfinite(log_x)
    value = xp.expm1(c * xp.where(finite, log_x, 0.0)) / xp.where(one, 1.0, c)
    value = xp.where(one, log_x, value)
    return xp.where(finite, value, xp.where(c > 0.0, -1.0 / xp.where(c > 0.0, c, 1.0), -xp.inf))


def _deformed_exp(y: Array, q: Array) -> tuple[Array, Array]:
    """Logarithm of the inverse of `_deformed_log`, and the derivative of that logarithm."""
    xp = y.__array_namespace__()
    c = q - 1.0
    one = c == 0.0
    base = 1.0 + c * y
    inside = base > 0.0
    safe = xp.where(inside, c * y, 0.0)
    logs = xp.where(one, y, xp.log1p(safe) / xp.where(one, 1.0, c))
    rate = xp.where(inside, 1.0 / xp.where(inside, base, 1.0), 0.0)
    return xp.where(inside, logs, -xp.inf), rate


def _uniform_on_best(v: Array) -> Array:
    xp = v.__array_namespace__()
    best = v == xp.max(v, axis=-1, keepdims=True)
    return log_softmax(xp.where(best, xp.zeros_like(v), -xp.inf))


def _shortfall(log_x: Array, v: Array) -> Array:
    """What a strategy loses against the best action, without cancellation."""
    xp = v.__array_namespace__()
    return xp.sum(xp.exp(log_x) * (xp.max(v, axis=-1, keepdims=True) - v), axis=-1)
