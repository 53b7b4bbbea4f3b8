"""Tanh networks as plain pytrees, initialised as the settings of SRA's runs say."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import jax
import jax.numpy as jnp

from .arrays import Array, Key, Tree

ILLEGAL = -1e30
"""Logit of an action that is not allowed; finite, so that ``p log p`` and its gradient are zero."""


def network(key: Key, sizes: tuple[int, ...]) -> Tree:
    """Random weights and biases of a fully connected network.

    Parameters
    ----------
    key : key
    sizes : tuple of int
        Width of the input, of every hidden layer and of the output.

    Returns
    -------
    list of (weights (n_in, n_out), biases (n_out,))
        Uniform on ``±1/sqrt(n_in)``.
    """
    layers = []
    keys = jax.random.split(key, len(sizes) - 1)
    for k, (wide, narrow) in zip(keys, pairwise(sizes), strict=True):
        bound = 1.0 / sqrt(wide)
        a, b = jax.random.split(k)
        weights = jax.random.uniform(a, (wide, narrow), jnp.float32, -bound, bound)
        layers.append((weights, jax.random.uniform(b, (narrow,), jnp.float32, -bound, bound)))
    return layers


def apply(layers: Tree, x: Array) -> Array:
    """Output of a network, (..., n_in) to (..., n_out): tanh between layers, a linear head."""
    for weights, biases in layers[:-1]:
        x = jnp.tanh(x @ weights + biases)
    weights, biases = layers[-1]
    return x @ weights + biases


def log_policy(layers: Tree, obs: Array, mask: Array | None = None) -> Array:
    """Log-probabilities of the actions, (..., n_obs) to (..., n).

    Parameters
    ----------
    layers : network
    obs : array (..., n_obs)
    mask : array (..., n) of bool, optional
        Which actions are allowed; the others get probability zero.
    """
    logits = apply(layers, obs)
    if mask is not None:
        logits = jnp.where(mask, logits, ILLEGAL)
    return jax.nn.log_softmax(logits)
