r"""Quadratic payoffs and Gaussian play: belief, best response, value and regret in closed form.

One player's payoff is :math:`u(a, b) = \frac12 a^T A a + a^T B b + \frac12 b^T C b + g^T a + l^T b
+ c`, with ``a`` its own action and ``b`` the stacked actions of the others, who play
:math:`N(\mu, \Sigma)`. Averaged over its own play, of mean ``m``, the payoff is quadratic in ``b``,
so the worst-case belief (the Gibbs tilt of ``risk.py``) is Gaussian with precision
:math:`\Sigma^{-1} + \tau C`; the risk is infinite unless that is positive definite. The payoff sees
of the own play only its mean and covariance, so the best response among ALL distributions is
Gaussian, of covariance :math:`-\epsilon A^{-1}` whatever the others do. Everything is computed
from a factor of ``Sigma``, never from an inverse, so that it stays finite where ``Sigma`` is
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


class Exposure(NamedTuple):
    """The others' randomness as the player's payoff feels it."""

    factor: Array
    """``F`` (..., m, m) with ``F F^T = Sigma``."""
    curvature: Array
    """``F^T C F``, in payoff units, (..., m, m)."""
    rates: Array
    """Eigenvalues of that, ascending, to the rounding error of the largest; (..., m)."""


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


def exposure(other: Array, factor: Array) -> Exposure:
    """How the others' randomness, of covariance ``factor @ factor.T``, meets the curvature ``C``.

    The factor (..., m, m) may be singular: a player who does not tremble has a zero block. A rate
    below the rounding error of the largest is set to 0: its sign is not known.
    """
    xp = other.__array_namespace__()
    size = other.shape[-1]
    if size == 0:
        return Exposure(factor, other, xp.sum(factor, axis=-1))
    curvature = xp.matrix_transpose(factor) @ other @ factor
    curvature = 0.5 * (curvature + xp.matrix_transpose(curvature))
    rates = xp.linalg.eigvalsh(curvature)
    noise = 2.0 * size * float(xp.finfo(rates.dtype).eps)
    top = xp.max(xp.abs(rates), axis=-1, keepdims=True)
    return Exposure(factor, curvature, xp.where(xp.abs(rates) <= noise * top, 0.0, rates))


def max_tau(found: Exposure) -> Array:
    """Supremum of the ``tau`` at which the player's risk is finite; shape (...).

    ``-1 / (smallest rate)``, the generalised eigenvalue at which ``Sigma^{-1} + tau C`` stops being
    positive definite; ``inf`` where no rate is negative. At ``max_tau`` itself risk is infinite.
    """
    xp = found.rates.__array_namespace__()
    if found.rates.shape[-1] == 0:
        return xp.full(found.rates.shape[:-1], xp.inf, dtype=found.rates.dtype)
    low = found.rates[..., 0]
    return xp.where(low < 0.0, -1.0 / xp.where(low < 0.0, low, -1.0), xp.inf)


def tilted_covariance(found: Exposure, tau: Any) -> Array:
    """Covariance of the worst-case belief, (..., m, m); NaN where the risk is infinite."""
    t = found.rates.__array_namespace__().asarray(tau, dtype=found.rates.dtype)[..., None]
    return _tilt(found, t, 0.0 * found.rates)[1]


def belief(
    payoff: Quadratic, mean: Array, others: Array, found: Exposure, tau: Any
) -> tuple[Array, Array]:
    r"""Minimiser of :math:`E_p u + \mathrm{KL}(p \| N(\mu, \Sigma)) / \tau`; finite ``tau``.

    Over ALL beliefs about the others' joint action.

    Parameters
    ----------
    payoff : Quadratic
    mean : array (..., n)
        Own mean; the own covariance does not matter.
    others : array (..., m)
        ``mu``, the others' means.
    found : Exposure
        Of the others' covariance.
    tau : float or array (...)
        In ``[0, max_tau)``, in 1/payoff units.

    Returns
    -------
    mean : array (..., m)
    covariance : array (..., m, m)
        Both NaN where the risk is infinite.
    """
    t = mean.__array_namespace__().asarray(tau, dtype=mean.dtype)[..., None]
    shift, covariance = _tilt(found, t, _slope(payoff, mean, others))
    return others - t * shift, covariance


def response_map(payoff: Quadratic, found: Exposure, tau: Any) -> tuple[Array, Array]:
    """The mean of the best response, affine in the others' means: ``J @ mu + k``; finite ``tau``.

    Own mean and belief are solved for together, which keeps the digits that eliminating the belief
    loses as ``tau`` approaches ``max_tau``. Returns ``J`` (..., n, m) and ``k`` (..., n).
    """
    xp = payoff.own.__array_namespace__()
    t = xp.asarray(tau, dtype=payoff.own.dtype)[..., None]
    top = xp.concat((payoff.cross, payoff.own_linear[..., None]), axis=-1)
    right = xp.concat((payoff.other, payoff.other_linear[..., None]), axis=-1)
    answer = _saddle(payoff, found, t, top, right)
    return answer[..., :-1], answer[..., -1]


def improvement(
    payoff: Quadratic, mean: Array, others: Array, found: Exposure, tau: Any
) -> tuple[Array, Array]:
    """Best response's mean less ``mean``, and what moving there gains; arguments as for `belief`.

    The gain (...) is the regret of ``mean``, in payoff units and exact. At finite ``tau``.
    """
    xp = mean.__array_namespace__()
    t = xp.asarray(tau, dtype=mean.dtype)[..., None]
    top = payoff.own_linear + _apply(payoff.cross, others)
    right = _apply(payoff.other, others) + payoff.other_linear
    step = _saddle(payoff, found, t, top[..., None], right[..., None])[..., 0] - mean
    pull = _apply(xp.matrix_transpose(payoff.cross), step)
    caution = xp.sum(t * pull * _tilt(found, t, pull)[0], axis=-1)
    return step, 0.5 * (caution - xp.sum(step * _apply(payoff.own, step), axis=-1))


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
    payoff: Quadratic, mean: Array, others: Array, found: Exposure, tau: Any
) -> Array:
    r"""Risk-adjusted payoff (SRA eq. 1) of a point against Gaussian others; finite ``tau``.

    .. math:: -\tfrac1\tau \log E_{b \sim N(\mu, \Sigma)} e^{-\tau u(m, b)} = u(m, \mu)
        + \tfrac1{2\tau} \sum_k \log(1 + \tau \lambda_k)
        - \tfrac\tau2 w^T (\Sigma^{-1} + \tau C)^{-1} w

    with ``lambda`` the rates and ``w`` the payoff's slope in the others' actions at ``mu``. Spread
    of the own play adds ``trace(A S) / 2`` for its covariance ``S``.

    Parameters
    ----------
    payoff, mean, others, found, tau
        As for `belief`; the value (...) is ``-inf`` where the risk is infinite.

    Examples
    --------
    >>> import numpy as np
    >>> one, none = np.eye(1), np.zeros(1)
    >>> payoff = Quadratic(-one, 0 * one, -one, none, none, np.array(0.0))
    >>> others = exposure(-one, one)
    >>> [float(certainty_equivalent(payoff, none, none, others, t)) for t in (0.0, 1.0)]
    [-0.5, -inf]
    """
    xp = mean.__array_namespace__()
    t = xp.asarray(tau, dtype=mean.dtype)[..., None]
    growth = t * found.rates
    finite = growth > -1.0
    neutral = t == 0.0
    logs = xp.log1p(xp.where(finite, growth, 0.0)) / xp.where(neutral, 1.0, t)
    spread = 0.5 * xp.sum(xp.where(neutral, found.rates, logs), axis=-1)
    slope = _slope(payoff, mean, others)
    feared = 0.5 * xp.sum(t * slope * _tilt(found, t, slope)[0], axis=-1)
    value = payoff_at(payoff, mean, others) + spread - feared
    return xp.where(xp.isnan(value), -xp.inf, value)


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


def _levers(found: Exposure, t: Array) -> tuple[Array, Array]:
    """``F S`` and ``S (1 + tau F^T C F) S``, with ``S`` diagonal so that the second has a unit one.

    The scaling keeps the digits of players who tremble little next to some who tremble much. Both
    are NaN where the second is not positive definite: the risk is infinite.
    """
    xp = t.__array_namespace__()
    size = found.rates.shape[-1]
    eye = xp.eye(size, dtype=t.dtype)
    stiffness = eye + t[..., None] * found.curvature
    diagonal = xp.sum(xp.abs(stiffness) * eye, axis=-1)
    scale = 1.0 / xp.sqrt(xp.where(diagonal > 0.0, diagonal, 1.0))
    unit = stiffness * scale[..., :, None] * scale[..., None, :]
    if size > 0:
        finite = (xp.linalg.eigvalsh(unit)[..., :1] > 0.0) & (t < max_tau(found)[..., None])
        scale = xp.where(finite, scale, xp.nan)
        unit = xp.where(finite[..., None], unit, xp.nan)
    return found.factor * scale[..., None, :], unit


def _tilt(found: Exposure, t: Array, slope: Array) -> tuple[Array, Array]:
    """The tilted covariance ``(Sigma^{-1} + tau C)^{-1}``, applied to a slope and whole."""
    xp = t.__array_namespace__()
    lever, unit = _levers(found, t)
    half = xp.linalg.solve(unit, xp.matrix_transpose(lever))
    covariance = lever @ half
    covariance = 0.5 * (covariance + xp.matrix_transpose(covariance))
    return _apply(lever, _apply(half, slope)), covariance


def _saddle(payoff: Quadratic, found: Exposure, t: Array, top: Array, right: Array) -> Array:
    """Own part ``x`` of ``-A x + B F z = top``, ``(1 + tau F^T C F) z = tau F^T (B^T x + right)``.

    Both unknowns are scaled to unit diagonals, and ``z`` by ``sqrt(tau)``, before solving.
    """
    xp = top.__array_namespace__()
    lever, unit = _levers(found, t)
    lever = xp.sqrt(t)[..., None] * lever
    own = response_factor(payoff.own, 1.0)
    pull = xp.matrix_transpose(own) @ payoff.cross @ lever
    eye = xp.broadcast_to(xp.eye(own.shape[-1], dtype=top.dtype), own.shape)
    upper = xp.concat((eye, pull), axis=-1)
    lower = xp.concat((-xp.matrix_transpose(pull), unit), axis=-1)
    low = xp.matrix_transpose(lever) @ right
    load = xp.concat((xp.matrix_transpose(own) @ top, low), axis=-2)
    solution = xp.linalg.solve(xp.concat((upper, lower), axis=-2), load)
    return own @ solution[..., : top.shape[-2], :]
