"""Regularisers as value objects: how boundedly rational a player chooses."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

from .degrees import check_degree
from .ops import Array, kl, log_softmax, neg_entropy, per_batch
from .roots import increasing_root, log_add, log_shift


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

    Raises
    ------
    ValueError
        A plain number that is negative, infinite or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> np.exp(NegEntropy(1.0).log_response(np.log([1.0, 3.0])))
    array([0.25, 0.75])
    """

    epsilon: Any = 0.0

    def __post_init__(self) -> None:
        check_degree("epsilon", self.epsilon)

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

    Raises
    ------
    ValueError
        A plain number that is negative, infinite or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.exp(LogBarrier(1.0).log_response(np.array([0.0, 1.5])))
    >>> x.round(6), bool(abs(1 / x[0] - 1 / x[1] - 1.5) < 1e-12)
    (array([0.333333, 0.666667]), True)
    """

    epsilon: Any = 0.0

    def __post_init__(self) -> None:
        check_degree("epsilon", self.epsilon)

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
        log_h = xp.where(h > 0.0, xp.log(xp.where(h > 0.0, h, 1.0)), -xp.inf)
        raw = -log_add(log_h, log_shift(log_h, xp.zeros_like(h)))
        return xp.where(exact, _uniform_on_best(v), log_softmax(raw))

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
        Order, in ``(0, inf)``.
    epsilon : float or array
        Degree of bounded rationality in payoff units, ``>= 0``; ``0`` is exact maximisation.

    Raises
    ------
    ValueError
        A plain number that is out of range, infinite or NaN.

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

    def __post_init__(self) -> None:
        check_degree("q", self.q)
        check_degree("epsilon", self.epsilon)

    def penalty(self, log_x: Array) -> Array:
        """Regulariser's value, in payoff units; (..., n) to (...)."""
        xp = log_x.__array_namespace__()
        value = xp.sum(_power(log_x, per_batch(self.q, log_x) - 1.0), axis=-1)
        return xp.asarray(self.epsilon, dtype=log_x.dtype) * value

    def log_response(self, v: Array) -> Array:
        """Quantal response to action values ``v`` (..., n), as log-probabilities.

        At ``epsilon = 0`` it is uniform on the maximisers.
        """
        xp = v.__array_namespace__()
        exact = per_batch(self.epsilon, v) == 0.0
        h, c = self._below(v)
        anchor = self._last_played(h, c)

        def excess(log_anchor: Array) -> tuple[Array, Array]:
            logs, rates = _played(h - anchor, c, log_anchor)
            x = xp.exp(logs)
            total = xp.sum(x, axis=-1, keepdims=True)
            return xp.log(total), xp.sum(x * rates, axis=-1, keepdims=True) / total

        # the best action has a probability of at least 1/n, the last one played may have little
        least = -xp.log(xp.sum(xp.ones_like(h), axis=-1, keepdims=True))
        least = xp.where(c > 1.0, least - 60.0, least)
        log_anchor = increasing_root(excess, least, xp.zeros_like(least))
        raw = log_softmax(_played(h - anchor, c, log_anchor)[0])
        return xp.where(exact, _uniform_on_best(v), raw)

    def slack(self, log_x: Array, v: Array) -> Array:
        r"""Fenchel gap of the strategy ``x`` at action values ``v``; never negative.

        The Bregman divergence from the response, and the slope at the actions that it gives up;
        ``max(v) - x·v`` at ``epsilon = 0``.
        """
        xp = v.__array_namespace__()
        epsilon = xp.asarray(self.epsilon, dtype=v.dtype)
        exact = epsilon == 0.0
        smooth = Tsallis(self.q, xp.where(exact, 1.0, epsilon))
        h, c = smooth._below(v)
        best = smooth.log_response(v)
        x, top = xp.exp(log_x), xp.exp(best)
        common = xp.isfinite(log_x) & xp.isfinite(best)
        d = xp.where(common, log_x, 0.0) - xp.where(common, best, 0.0)
        near = common & (xp.abs(d) < 1.0)
        d = xp.where(near, d, 0.0)
        power = xp.exp((c + 1.0) * xp.where(near, best, 0.0))
        close = power * (xp.exp(d) * _deformed_log(d, c) - xp.expm1(d))
        # x (log_q x - log_q r) - r^(q-1) (x - r), with what has no logarithm left out
        mine = _power(log_x, c) - xp.where(x > 0.0, x * _deformed_log(best, c), 0.0)
        slope = xp.where(xp.isfinite(best), xp.exp(c * xp.where(xp.isfinite(best), best, 0.0)), 0.0)
        each = xp.where(near, close, mine - slope * (x - top))
        # where the response is zero its marginal value falls short of the others'
        edge = xp.exp(c * xp.max(best, axis=-1, keepdims=True)) / xp.where(c > 0.0, c, 1.0)
        each = each + xp.where(xp.isfinite(best), 0.0, x * (c + 1.0) * (h - edge))
        gap = xp.where(exact, 1.0, epsilon) * xp.sum(each, axis=-1)
        return xp.where(exact, _shortfall(log_x, v), xp.where(gap < 0.0, 0.0, gap))

    def _below(self, v: Array) -> tuple[Array, Array]:
        """Shortfall of each action in units of ``q epsilon``, and ``q - 1``."""
        xp = v.__array_namespace__()
        q, epsilon = per_batch(self.q, v), per_batch(self.epsilon, v)
        below = xp.max(v, axis=-1, keepdims=True) - v
        return below / (q * xp.where(epsilon == 0.0, 1.0, epsilon)), q - 1.0

    def _last_played(self, h: Array, c: Array) -> Array:
        """Shortfall of the worst action that is played; of the best one up to order 2.

        Above order 2 small probabilities move the best action's by less than its rounding, so that
        the others must be reckoned from the smallest.
        """
        xp = h.__array_namespace__()
        if isinstance(self.q, Real) and self.q <= 2.0:
            return xp.zeros_like(h[..., :1])
        power = xp.where(c > 1.0, c, 1.0)[..., None]
        ahead = power * (h[..., :, None] - h[..., None, :])
        logs = xp.log(xp.where(ahead > 0.0, ahead, 1.0)) / power
        # what the better actions have where this one is just given up
        taken = xp.sum(xp.where(ahead > 0.0, xp.exp(logs), 0.0), axis=-1)
        last = xp.max(xp.where(taken < 1.0, h, 0.0), axis=-1, keepdims=True)
        return xp.where(c > 1.0, last, xp.zeros_like(last))


def _power(log_x: Array, c: Array) -> Array:
    """``(x^(c+1) - x)/c``, which is ``x log x`` at ``c = 0``."""
    xp = log_x.__array_namespace__()
    played = xp.isfinite(log_x)
    logs = xp.where(played, log_x, 0.0)
    near = xp.abs(c * logs) < 1.0
    close = xp.exp(logs) * _deformed_log(xp.where(near, logs, 0.0), c)
    apart = (xp.exp((c + 1.0) * logs) - xp.exp(logs)) / xp.where(near, 1.0, c)
    return xp.where(played, xp.where(near, close, apart), 0.0)


def _deformed_log(log_x: Array, c: Array) -> Array:
    """``(x^c - 1)/c``, the logarithm at ``c = 0``; at ``x = 0`` its limit."""
    xp = log_x.__array_namespace__()
    straight = c == 0.0
    played = xp.isfinite(log_x)
    logs = xp.where(played, log_x, 0.0)
    bent = xp.expm1(c * logs) / xp.where(straight, 1.0, c)
    lowest = xp.where(c > 0.0, -1.0 / xp.where(c > 0.0, c, 1.0), -xp.inf)
    return xp.where(played, xp.where(straight, logs, bent), lowest)


def _played(h: Array, c: Array, log_anchor: Array) -> tuple[Array, Array]:
    """Log-probabilities ``h`` below an anchor's, and their derivatives in the latter.

    ``x^c = anchor^c - c h``, the exponential at ``c = 0``.
    """
    xp = h.__array_namespace__()
    straight = c == 0.0
    change = -c * h
    more = change > 0.0
    z = xp.log(xp.where(more, change, 1.0)) - c * log_anchor
    rise = log_add(xp.zeros_like(z), z)
    less = change < 0.0
    drop = xp.log(xp.where(less, -change, 1.0)) - c * log_anchor
    inside = (drop < 0.0) | ~less
    safe = xp.where(inside & less, xp.exp(xp.where(drop < 0.0, drop, 0.0)), 0.0)
    fall = xp.where(more, rise, xp.log1p(-safe)) / xp.where(straight, 1.0, c)
    rates = xp.where(more, xp.exp(-rise), xp.where(inside, 1.0 / (1.0 - safe), 0.0))
    logs = log_anchor + xp.where(straight, -h, fall)
    return xp.where(inside, logs, -xp.inf), rates


def _uniform_on_best(v: Array) -> Array:
    xp = v.__array_namespace__()
    best = v == xp.max(v, axis=-1, keepdims=True)
    return log_softmax(xp.where(best, xp.zeros_like(v), -xp.inf))


def _shortfall(log_x: Array, v: Array) -> Array:
    """What a strategy loses against the best action, without cancellation."""
    xp = v.__array_namespace__()
    return xp.sum(xp.exp(log_x) * (xp.max(v, axis=-1, keepdims=True) - v), axis=-1)
