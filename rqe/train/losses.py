"""What learners minimise, as pure functions of arrays: each once, for every algorithm."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from .arrays import Array


def advantages(
    rewards: Array, values: Array, dones: Array, discount: float, gae_lambda: float
) -> Array:
    r"""Generalised advantage estimates.

    .. math:: A_t = \delta_t + \gamma\lambda(1 - d_t) A_{t+1}, \qquad
              \delta_t = r_t + \gamma(1 - d_t) V_{t+1} - V_t

    Parameters
    ----------
    rewards : array (T, ...)
    values : array (T + 1, ...)
        Of the state before each step, and after the last one.
    dones : array (T, ...)
        1 where the episode ended with the step, after which nothing counts.
    discount, gae_lambda : float in [0, 1]

    Returns
    -------
    array (T, ...)
    """
    keep = discount * (1.0 - dones)
    delta = rewards + keep * values[1:] - values[:-1]

    def both(later: tuple[Array, Array], sooner: tuple[Array, Array]) -> tuple[Array, Array]:
        return sooner[0] * later[0], sooner[1] + sooner[0] * later[1]

    decay = jnp.broadcast_to(gae_lambda * keep, delta.shape)
    _, out = jax.lax.associative_scan(both, (decay, delta), reverse=True)
    return out


def clipped_surrogate(log_ratio: Array, advantage: Array, clip: float) -> Array:
    """PPO's pessimistic objective of each sample, to be maximised; any shape.

    Parameters
    ----------
    log_ratio : array
        Log of the action's probability now over that when it was drawn.
    advantage : array
    clip : float
        Largest relative change of the probability that still pays.
    """
    ratio = jnp.exp(log_ratio)
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1.0 - clip, 1.0 + clip) * advantage)


def entropy(log_p: Array) -> Array:
    """Shannon entropy, (..., n) to (...)."""
    return -jnp.sum(jnp.exp(log_p) * log_p, axis=-1)
