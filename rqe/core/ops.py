"""Log-domain operations on batches of distributions and payoffs.

Every function works in the namespace of the arrays it is given (``x.__array_namespace__()``), so
NumPy, JAX under ``jit`` and any other standard-conforming array library run the same code. The last
axis is the one acted on; leading axes are a batch. Distributions travel as LOG-probabilities, since
equilibrium probabilities underflow and gradients at a zero weight are otherwise NaN.
"""

from __future__ import annotations

from typing import Any

Array = Any
"""An array of any library that implements the Python array API standard."""


def per_batch(value: Any, like: Array) -> Array:
    """A degree as an array in `like`'s namespace with one trailing axis to broadcast over."""
    xp = like.__array_namespace__()
    return xp.asarray(value, dtype=like.dtype)[..., None]


def divisor(degree: Array) -> Array:
    """A degree to divide by: 1 in place of 0 and infinity, whose limits `between` puts in."""
    xp = degree.__array_namespace__()
    return xp.where((degree > 0.0) & xp.isfinite(degree), degree, 1.0)


def between(degree: Array, at_zero: Array, inside: Array, at_infinity: Array) -> Array:
    """A quantity at a degree in [0, inf], from its two limits and what it is in between."""
    xp = degree.__array_namespace__()
    return xp.where(degree == 0.0, at_zero, xp.where(xp.isfinite(degree), inside, at_infinity))


def logsumexp(x: Array) -> Array:
    """Logarithm of the sum of exponentials along the last axis, safe against overflow.

    Parameters
    ----------
    x : array (..., n)
        May hold ``-inf``; a row of ``-inf`` gives ``-inf``.

    Returns
    -------
    array (...)

    Examples
    --------
    >>> import numpy as np
    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.69314718...
    """
    xp = x.__array_namespace__()
    top = xp.max(x, axis=-1, keepdims=True)
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    total = xp.sum(xp.exp(x - top), axis=-1)
    empty = total == 0.0
    return xp.where(empty, -xp.inf, xp.log(xp.where(empty, 1.0, total)) + xp.squeeze(top, axis=-1))


def log_softmax(x: Array) -> Array:
    """Log-probabilities proportional to ``exp(x)`` along the last axis.

    Examples
    --------
    >>> import numpy as np
    >>> np.exp(log_softmax(np.log([1.0, 3.0])))
    array([0.25, 0.75])
    """
    xp = x.__array_namespace__()
    shifted = x - xp.max(x, axis=-1, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))


def kl(log_p: Array, log_q: Array) -> Array:
    r"""Kullback–Leibler divergence :math:`\sum p (\log p - \log q)`, never negative.

    Summed as :math:`\sum p (e^d - 1 - d)` with :math:`d = \log q - \log p`, which equals the
    divergence because both sum to one, and keeps full relative precision when ``p`` is close to
    ``q`` (the plain sum loses it at divergences of 1e-16).

    Parameters
    ----------
    log_p, log_q : array (..., n)
        Log-probabilities, each normalised along the last axis. ``-inf`` is a zero weight.

    Returns
    -------
    array (...)
        Infinite where ``p`` has mass that ``q`` has not.

    Examples
    --------
    >>> import numpy as np
    >>> half = np.log([0.5, 0.5])
    >>> round(float(kl(np.log([0.25, 0.75]), half)), 6)
    0.130812
    """
    xp = log_p.__array_namespace__()
    # a zero weight of p contributes q alone; the stand-in keeps gradients finite there
    zero = log_p == -xp.inf
    d = xp.where(zero, 0.0, log_q - xp.where(zero, 0.0, log_p))
    p = xp.exp(log_p)
    near = xp.abs(d) < 1.0
    d_near = xp.where(near, d, 0.0)
    close = p * (xp.expm1(d_near) - d_near)
    apart = xp.exp(log_q) - p - p * xp.where(near, 0.0, d)
    return xp.sum(xp.where(zero, xp.exp(log_q), xp.where(near, close, apart)), axis=-1)


def neg_entropy(log_p: Array) -> Array:
    r"""Negative Shannon entropy :math:`\sum p \log p`, in nats; between ``-log(n)`` and 0.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(neg_entropy(np.log([0.5, 0.5]))), 6)
    -0.693147
    """
    xp = log_p.__array_namespace__()
    zero = log_p == -xp.inf
    return xp.sum(xp.where(zero, 0.0, xp.exp(log_p) * xp.where(zero, 0.0, log_p)), axis=-1)


def own_first(payoff: Array, player: int, n_players: int) -> Array:
    """One player's payoffs as a matrix: own actions by the others' joint actions.

    Parameters
    ----------
    payoff : array (..., n_1, ..., n_N)
    player : int
        Which of the last ``n_players`` axes is the player's own.
    n_players : int

    Returns
    -------
    array (..., n_i, m_i)
        ``m_i`` counts the others' joint actions, in player order, the last player's varying
        fastest.
    """
    xp = payoff.__array_namespace__()
    batch = payoff.ndim - n_players
    moved = xp.moveaxis(payoff, batch + player, batch)
    n = moved.shape[batch]
    m = 1
    for size in moved.shape[batch + 1 :]:
        m *= size
    return xp.reshape(moved, (*moved.shape[:batch], n, m))


def joint_log(log_strategies: tuple[Array, ...], player: int) -> Array:
    """Log-probabilities of the others' joint actions when they play independently.

    Parameters
    ----------
    log_strategies : tuple of array (..., n_j)
        One a player, the player's own included (it is not read).
    player : int

    Returns
    -------
    array (..., m_i)
        Same order as `own_first`; with one player, a single certain outcome.
    """
    xp = log_strategies[player].__array_namespace__()
    others = [x for j, x in enumerate(log_strategies) if j != player]
    if not others:
        return xp.zeros_like(log_strategies[player][..., :1])
    joint = others[0]
    for x in others[1:]:
        joint = joint[..., :, None] + x[..., None, :]
        joint = xp.reshape(joint, (*joint.shape[:-2], joint.shape[-2] * joint.shape[-1]))
    return joint


def outcome_payoffs(payoff: Array, x: Array) -> Array:
    """Expected payoff at each joint action of the others: ``U_i(x_i, ·)`` of section 1.

    Parameters
    ----------
    payoff : array (..., n_i, m_i)
    x : array (..., n_i)
        The player's own mixed strategy.

    Returns
    -------
    array (..., m_i)
    """
    xp = x.__array_namespace__()
    return xp.squeeze(x[..., None, :] @ payoff, axis=-2)


def action_payoffs(payoff: Array, p: Array) -> Array:
    """Expected payoff of each own action under a belief: ``U_i p_i`` of section 1.

    Parameters
    ----------
    payoff : array (..., n_i, m_i)
    p : array (..., m_i)

    Returns
    -------
    array (..., n_i)
    """
    xp = p.__array_namespace__()
    return xp.squeeze(payoff @ p[..., :, None], axis=-1)


def project_simplex(y: Array) -> Array:
    """Euclidean projection onto the probability simplex, along the last axis.

    Examples
    --------
    >>> import numpy as np
    >>> project_simplex(np.array([0.5, 1.5, -1.0]))
    array([0., 1., 0.])
    """
    xp = y.__array_namespace__()
    ordered = -xp.sort(-y, axis=-1)
    rank = xp.arange(1, y.shape[-1] + 1, dtype=y.dtype)
    surplus = xp.cumulative_sum(ordered, axis=-1) - 1.0
    kept = xp.sum(xp.astype(ordered * rank > surplus, y.dtype), axis=-1, keepdims=True)
    level = xp.sum(xp.where(rank <= kept, ordered, 0.0), axis=-1, keepdims=True)
    shifted = y - (level - 1.0) / kept
    return xp.where(shifted > 0.0, shifted, 0.0)
