"""The exact adversary: the core's worst-case belief, given a critic of joint actions."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from ..core.ops import joint_log
from ..core.regularizer import NegEntropy
from ..core.response import reply
from . import networks
from .algorithms import Plan
from .arrays import Array, Tree


class Worst(NamedTuple):
    """An agent's worst case."""

    log_belief: Array
    """(..., m): log-probabilities of the others' joint actions."""
    value: Array
    """(...): expected value of play under that belief."""
    penalty: Array
    """(...): what the belief pays for not being the others' play."""


def tilt(
    plan: Plan,
    own: int,
    actors: tuple[Tree, ...],
    critics: tuple[Tree, ...],
    obs: tuple[Array, ...],
    masks: tuple[Array | None, ...],
) -> Worst:
    """An agent's worst-case belief over the others' joint actions, as `rqe.core.response` has it.

    Parameters
    ----------
    plan : Plan
        Of which `risk` is the risk measure.
    own : int
        The agent's seat, and learner.
    actors, critics : tuple of networks
        Of all learners, which are in the order of seats; critic ``own`` values joint actions.
    obs, masks : tuple of array (E, ...)
        By seat.

    Returns
    -------
    Worst
        With the critic's ``Q_i`` in place of payoffs.
    """
    logs = [networks.log_policy(a, o, m) for a, o, m in zip(actors, obs, masks, strict=False)]
    log_q = joint_log(tuple(logs), own)
    values = joint_values(critics[own], obs[own], logs[own].shape[-1])
    found = reply(values, logs[own], log_q, plan.risk, NegEntropy(1.0))
    value = jnp.sum(jnp.exp(found.log_belief) * found.outcomes, axis=-1)
    return Worst(found.log_belief, value, plan.risk.penalty(found.log_belief, log_q))


def joint_values(critic: Tree, obs: Array, n_own: int) -> Array:
    """A critic's values of joint actions, (..., n_obs) to (..., n_own, joint actions of others)."""
    flat = networks.apply(critic, obs)
    return jnp.reshape(flat, (*flat.shape[:-1], n_own, -1))
