r"""Quadratic payoffs and Gaussian play: belief, best response, value and regret in closed form.

One player's payoff is :math:`u(a, b) = \frac12 a^T A a + a^T B b + \frac12 b^T C b + g^T a + l^T b
+ c`, with ``a`` its own action and ``b`` the stacked actions of the others, who play
:math:`N(\mu, \Sigma)`. Averaged over its own play, of mean ``m``, the payoff is quadratic in ``b``,
so the worst-case belief (the Gibbs tilt of ``risk.py``) is Gaussian with precision
:math:`\Sigma^{-1} + \tau C`; the risk is infinite unless that is positive definite. The payoff sees
of the own play only its mean and covariance, so the best response among ALL distributions is
Gaussian, of covariance :math:`-\epsilon A^{-1}` whatever the others do. Everything is computed in
the coordinates that diagonalise ``Sigma`` and ``C`` together, which stay finite where ``Sigma`` is
singular (players who do not tremble) and at ``tau = 0``. Leading axes are a batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .ops import Array


class Quadratic(NamedTuple):
    """One player's payoff, cut into its own part and the others'."""

    own: Array
    """``A``, negative definite, (..., n, n)."""
    cross: Array
    """``B``, (..., n, m)."""
    other: Array
    """``C``, symmetric, of any sign, (..., m, m)."""
    own_linear: Array
    """``g``, (..., n)."""
    other_linear: Array
    """``l``, (..., m)."""
    constant: Array
    """``c``, (...)."""


class Modes(NamedTuple):
    """Independent directions of the others' play in which the payoff's curvature is diagonal."""

    rates: Array
    """Curvature of the payoff along each, ascending, in payoff units, (..., m)."""
    directions: Array
    """``D`` (..., m, m), columns: ``D D^T = Sigma`` and ``D^T C D = diag(rates)``."""


def response_factor(own: Array, epsilon: Any) -> Array:
    """Matrix ``F`` with ``F F^T = -epsilon A^{-1}``, the covariance of every best response.

    ``own`` is ``A``, negative definite; ``epsilon >= 0``, (...), is in payoff units.

    Examples
    --------
    >>> import numpy as np
    >>> response_factor(np.array([[-4.0]]), 1.0)
    array([[0.5]])
    """
    xp = own.__array_namespace__()
    root = xp.matrix_transpose(xp.linalg.cholesky(-own))
    eye = xp.eye(own.shape[-1], dtype=own.dtype)
    scale = xp.sqrt(xp.asarray(epsilon, dtype=own.dtype))[..., None, None]
    return scale * xp.linalg.solve(root, xp.broadcast_to(eye, own.shape))


def modes(other: Array, factor: Array) -> Modes:
    """Diagonalise the others' covariance ``factor @ factor.T`` and the curvature ``C`` together.

    The factor (..., m, m) may be singular: a player who does not tremble has a zero block. A rate
    below the rounding error of the largest is set to 0: its sign is not known.
    """
    xp = other.__array_namespace__()
    size = other.shape[-1]
    if size == 0:
        return Modes(factor[..., 0], factor)
    curvature = xp.matrix_transpose(factor) @ other @ factor
    rates, vectors = xp.linalg.eigh(0.5 * (curvature + xp.matrix_transpose(curvature)))
    noise = 2.0 * size * float(xp.finfo(rates.dtype).eps)
    top = xp.max(xp.abs(rates), axis=-1, keepdims=True)
    return Modes(xp.where(xp.abs(rates) <= noise * top, 0.0, rates), factor @ vectors)


def max_tau(found: Modes) -> Array:
    """Supremum of the ``tau`` at which the player's risk is finite; shape (...).

    ``-1 / (smallest rate)``, the generalised eigenvalue at which ``Sigma^{-1} + tau C`` stops being
    positive definite; ``inf`` where no rate is negative. At ``max_tau`` itself risk is infinite.
    """
    xp = found.rates.__array_namespace__()
    if found.rates.shape[-1] == 0:
        return xp.full(found.rates.shape[:-1], xp.inf, dtype=found.rates.dtype)
    low = found.rates[..., 0]
    return xp.where(low < 0.0, -1.0 / xp.where(low < 0.0, low, -1.0), xp.inf)


def belief(
    payoff: Quadratic, mean: Array, others: Array, found: Modes, tau: Any
) -> tuple[Array, Array]:
    r"""Worst-case belief about the others' joint action, at the own mean; finite ``tau``.

    The minimiser over ALL beliefs of :math:`E_p u + \mathrm{KL}(p \| N(\mu, \Sigma)) / \tau`.

    Parameters
    ----------
    payoff : Quadratic
    mean : array (..., n)
        Own mean; the own covariance does not matter to the belief.
    others : array (..., m)
        ``mu``, the others' means.
    found : Modes
        Of the others' covariance.
    tau : float or array (...)
        In ``[0, max_tau)``, in 1/payoff units.

    Returns
    -------
    mean : array (..., m)
    covariance : array (..., m, m)
        Both NaN where the risk is infinite.
    """
    xp = mean.__array_namespace__()
    t = xp.asarray(tau, dtype=mean.dtype)[..., None]
    stiffness = _stiffness(found, t)
    spread = found.directions / xp.sqrt(stiffness)[..., None, :]
    slope = _slope(payoff, mean, others)
    shift = _apply(spread, _apply(xp.matrix_transpose(spread), slope))
    return others - t * shift, spread @ xp.matrix_transpose(spread)


def response_map(payoff: Quadratic, found: Modes, tau: Any) -> tuple[Array, Array]:
    """The mean of the best response, affine in the others' means: ``J @ mu + k``; finite ``tau``.

    Own mean and belief are solved for together (a concave–convex saddle), which keeps its digits as
    ``tau`` approaches ``max_tau`` and the eliminated form would lose them.

    Parameters
    ----------
    payoff, found, tau
        As for `belief`.

    Returns
    -------
    jacobian : array (..., n, m)
    offset : array (..., n)
    """
    xp = payoff.own.__array_namespace__()
    t = xp.asarray(tau, dtype=payoff.own.dtype)[..., None]
    tilt = xp.sqrt(t)[..., None, :] * found.directions
    turned = xp.matrix_transpose(tilt)
    top = xp.concat((payoff.cross, payoff.own_linear[..., None]), axis=-1)
    right = xp.concat((payoff.other, payoff.other_linear[..., None]), axis=-1)
    answer = _saddle(payoff, tilt, _stiffness(found, t), top, turned @ right)
    return answer[..., :-1], answer[..., -1]


def improvement(
    payoff: Quadratic, mean: Array, others: Array, found: Modes, tau: Any
) -> tuple[Array, Array]:
    """How far the best response's mean is, and what moving there gains; finite ``tau``.

    Worked out from the belief at ``mean`` (the gradient there), not from `response_map`.

    Parameters
    ----------
    payoff, mean, others, found, tau
        As for `belief`.

    Returns
    -------
    step : array (..., n)
        Best response's mean less ``mean``.
    gain : array (...)
        Regret of ``mean``, in payoff units, exact: the value is quadratic in it.
    """
    xp = mean.__array_namespace__()
    t = xp.asarray(tau, dtype=mean.dtype)[..., None]
    feared, _ = belief(payoff, mean, others, found, tau)
    gradient = _apply(payoff.own, mean) + payoff.own_linear + _apply(payoff.cross, feared)
    tilt = xp.sqrt(t)[..., None, :] * found.directions
    none = xp.zeros((*others.shape, 1), dtype=mean.dtype)
    step = _saddle(payoff, tilt, _stiffness(found, t), gradient[..., None], none)[..., 0]
    return step, 0.5 * xp.sum(gradient * step, axis=-1)


def covariance_gain(own: Array, covariance: Array, epsilon: Any) -> Array:
    """Regret of playing another covariance than ``-epsilon A^{-1}``, in payoff units; shape (...).

    ``epsilon`` times the Kullback–Leibler divergence of the two centred Gaussians; at
    ``epsilon = 0``, what the spread costs.
    """
    xp = own.__array_namespace__()
    root = xp.linalg.cholesky(-own)
    precise = xp.linalg.eigvalsh(xp.matrix_transpose(root) @ covariance @ root)
    epsilon = xp.asarray(epsilon, dtype=own.dtype)[..., None]
    exact = epsilon == 0.0
    excess = xp.where(exact, 0.0, precise / xp.where(exact, 1.0, epsilon) - 1.0)
    smooth = epsilon * (excess - xp.log1p(excess))
    return 0.5 * xp.sum(xp.where(exact, xp.abs(precise), smooth), axis=-1)


def payoff_at(payoff: Quadratic, mean: Array, others: Array) -> Array:
    """The payoff ``u`` at a pair of points: own action and others' joint action; shape (...)."""
    xp = mean.__array_namespace__()
    own = xp.sum(mean * (0.5 * _apply(payoff.own, mean) + payoff.own_linear), axis=-1)
    other = 0.5 * _apply(payoff.other, others) + payoff.other_linear
    mixed = xp.sum(mean * _apply(payoff.cross, others), axis=-1)
    return own + mixed + xp.sum(others * other, axis=-1) + payoff.constant


def certainty_equivalent(
    payoff: Quadratic, mean: Array, others: Array, found: Modes, tau: Any
) -> Array:
    r"""Risk-adjusted payoff (SRA eq. 1) of a point against Gaussian others; finite ``tau``.

    .. math:: -\tfrac1\tau \log E_{b \sim N(\mu, \Sigma)} e^{-\tau u(m, b)} = u(m, \mu)
        + \tfrac1{2\tau} \sum_k \log(1 + \tau \lambda_k)
        - \tfrac\tau2 \sum_k \frac{(D^T w)_k^2}{1 + \tau \lambda_k}

    with ``lambda`` the rates and ``w`` the payoff's slope in the others' actions at ``mu``. Spread
    of the own play adds ``trace(A S) / 2`` for its covariance ``S``.

    Parameters
    ----------
    payoff, mean, others, found, tau
        As for `belief`; ``-inf`` where the risk is infinite.

    Returns
    -------
    array (...)

    Examples
    --------
    >>> import numpy as np
    >>> one, none = np.eye(1), np.zeros(1)
    >>> payoff = Quadratic(-one, 0 * one, -one, none, none, np.array(0.0))
    >>> [float(certainty_equivalent(payoff, none, none, modes(-one, one), t)) for t in (0.0, 1.0)]
    [-0.5, -inf]
    """
    xp = mean.__array_namespace__()
    t = xp.asarray(tau, dtype=mean.dtype)[..., None]
    growth = t * found.rates
    finite = growth > -1.0
    neutral = t == 0.0
    logs = xp.log1p(xp.where(finite, growth, 0.0)) / xp.where(neutral, 1.0, t)
    spread = 0.5 * xp.sum(xp.where(neutral, found.rates, logs), axis=-1)
    slope = _apply(xp.matrix_transpose(found.directions), _slope(payoff, mean, others))
    feared = 0.5 * xp.sum(t * slope**2 / xp.where(finite, 1.0 + growth, 1.0), axis=-1)
    value = payoff_at(payoff, mean, others) + spread - feared
    return xp.where(xp.all(finite, axis=-1), value, -xp.inf)


def entropy_bonus(own: Array, epsilon: Any) -> Array:
    """``trace(A S) / 2 + epsilon * entropy(S)`` at the best ``S = -epsilon A^{-1}``; shape (...).

    The differential entropy is in nats, of actions in their own units; ``0`` at ``epsilon = 0``.
    """
    xp = own.__array_namespace__()
    size = own.shape[-1]
    epsilon = xp.asarray(epsilon, dtype=own.dtype)
    log_det = xp.linalg.slogdet(-own).logabsdet
    log_scale = size * xp.log(2.0 * xp.pi * xp.where(epsilon > 0.0, epsilon, 1.0))
    return 0.5 * epsilon * (log_scale - log_det)


def _apply(matrix: Array, vector: Array) -> Array:
    xp = vector.__array_namespace__()
    return xp.squeeze(matrix @ vector[..., None], axis=-1)


def _slope(payoff: Quadratic, mean: Array, others: Array) -> Array:
    """Gradient of the payoff in the others' actions, at their means."""
    xp = mean.__array_namespace__()
    tail = _apply(payoff.other, others) + payoff.other_linear
    return _apply(xp.matrix_transpose(payoff.cross), mean) + tail


def _stiffness(found: Modes, t: Array) -> Array:
    """``1 + tau * rate`` of each mode, the factor on its precision; NaN where not positive."""
    xp = found.rates.__array_namespace__()
    factor = 1.0 + t * found.rates
    return xp.where(factor > 0.0, factor, xp.nan)


def _saddle(payoff: Quadratic, tilt: Array, stiffness: Array, top: Array, low: Array) -> Array:
    """Own part of the solution of ``[-A, B T; -(B T)^T, diag(stiffness)] z = [top; low]``."""
    xp = top.__array_namespace__()
    pull = payoff.cross @ tilt
    eye = xp.eye(tilt.shape[-1], dtype=top.dtype)
    # rows divided by their pivot: a large tau otherwise swamps the own block
    weight = 1.0 / stiffness[..., None]
    upper = xp.concat((-payoff.own, pull), axis=-1)
    shape = (*pull.shape[:-2], *eye.shape)
    lower = xp.concat((-weight * xp.matrix_transpose(pull), xp.broadcast_to(eye, shape)), axis=-1)
    right = xp.concat((top, weight * low), axis=-2)
    solution = xp.linalg.solve(xp.concat((upper, lower), axis=-2), right)
    return solution[..., : top.shape[-2], :]
