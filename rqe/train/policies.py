"""Trained policies: one for each seat, alone or as a stack of runs."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from . import networks
from .arrays import Array, Key, Tree


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Policies:
    """A policy for every seat; a pytree, so it can be stacked, saved and mapped over.

    Parameters
    ----------
    params : tuple of N networks
        Of the seats; every array may have a leading axis of runs.

    Examples
    --------
    >>> import jax
    >>> from rqe.train.networks import network
    >>> keys = jax.random.split(jax.random.key(0), 3)
    >>> runs = jax.vmap(lambda k: Policies((network(k, (8, 64, 64, 5)),) * 2))(keys)
    >>> len(runs), runs[1].logits(0, jax.numpy.zeros(8)).shape
    (3, (5,))
    """

    params: tuple[Tree, ...]

    @property
    def n_seats(self) -> int:
        """Number of seats."""
        return len(self.params)

    @property
    def stacked(self) -> bool:
        """Whether this is a stack of runs."""
        return bool(self.params[0][0][0].ndim == 3)

    def __len__(self) -> int:
        if not self.stacked:
            raise TypeError("a single run has no length; index a stack of runs")
        return int(self.params[0][0][0].shape[0])

    def __getitem__(self, which: object) -> Policies:
        if not self.stacked:
            raise TypeError("a single run cannot be indexed")
        return Policies(jax.tree.map(lambda a: a[which], self.params))

    def logits(self, seat: int, obs: Array, mask: Array | None = None) -> Array:
        """Log-probabilities of a seat's actions, (..., n_obs) to (..., n); one run only."""
        return networks.log_policy(self.params[seat], obs, mask)

    def act(self, key: Key, seat: int, obs: Array, mask: Array | None = None) -> Array:
        """An action drawn from a seat's policy."""
        return jax.random.categorical(key, self.logits(seat, obs, mask))


def stack(runs: list[Policies]) -> Policies:
    """Single runs and stacks, one after the other, as one stack.

    Parameters
    ----------
    runs : list of Policies
        With networks of the same sizes.

    Returns
    -------
    Policies
    """
    parts = [r if r.stacked else jax.tree.map(lambda a: a[None], r) for r in runs]
    joined: Policies = jax.tree.map(lambda *arrays: jnp.concatenate(arrays), *parts)
    return joined
