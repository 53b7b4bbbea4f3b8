"""The epochs of one phase: every learner takes steps down its own loss."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from . import networks
from .algorithms import Phase, Plan
from .arrays import Array, Key, Tree
from .config import Config
from .losses import clipped_surrogate, entropy
from .rollout import Rollout, Seats
from .samples import Learner, Samples, gather, join
from .table import Table, distinct


def learn(
    config: Config,
    seats: Seats,
    plan: Plan,
    phase: Phase,
    learners: tuple[Learner, ...],
    rollout: Rollout,
    progress: Array,
    key: Key,
) -> tuple[dict[int, Learner], dict[str, Array]]:
    """Learners of a phase after its epochs, and what happened.

    Networks see the rollout's distinct observations if these fit in one of ``config.rows``, and
    else all of them; the outcome is the same.
    """
    every = join(rollout)
    plan, epsilons = plan.at(progress), config.epsilons_at(progress, seats.n)
    table = distinct(every)
    sizes = [s for s in config.rows if s < len(every)]
    whole = Table(every, jnp.arange(len(every)), table.count)
    cuts = [Table(table.rows[:s], table.place, table.count) for s in sizes]
    body = partial(_learn, config, seats, plan, phase, learners, rollout, epsilons, key)
    which = jnp.searchsorted(jnp.asarray(sizes), table.count) if sizes else 0
    found, facts = jax.lax.switch(which, [partial(body, t) for t in (*cuts, whole)])
    return found, facts | {"rows": table.count}


def _learn(
    config: Config,
    seats: Seats,
    plan: Plan,
    phase: Phase,
    learners: tuple[Learner, ...],
    rollout: Rollout,
    epsilons: tuple[Any, ...],
    key: Key,
    table: Table,
) -> tuple[dict[int, Learner], dict[str, Array]]:
    samples, facts = gather(config, seats, plan, phase, learners, rollout, epsilons, table)
    found, errors = {}, []
    for number, goal in enumerate(phase.objectives):
        loss = partial(learner_loss, config, plan.risk, epsilons)
        found[goal.learner], error = _epochs(
            config, loss, learners[goal.learner], samples[goal.learner],
            jax.random.fold_in(key, number),
        )  # fmt: skip
        errors.append(error)
    return found, facts | {"value_error": jnp.stack(errors)}


def learner_loss(
    config: Config,
    risk: Any,
    epsilons: tuple[Any, ...],
    params: tuple[Tree, Tree],
    samples: list[tuple[int, Samples]],
) -> tuple[Array, Array]:
    """What a learner minimises: PPO's objective, its regulariser, and its critic's error.

    Parameters
    ----------
    config : Config
    risk : risk measure or None
        Its penalty ties an adversary to its anchor.
    epsilons : tuple of float
        By seat.
    params : actor and critic
    samples : list of (seat, Samples)

    Returns
    -------
    loss, error : array ()
        ``-(surrogate + epsilon H) + c error`` for an agent, ``-(surrogate - D/tau) + c error`` for
        an adversary; the mean square of the critic's errors.
    """
    actor, critic = params
    gain, error = jnp.zeros(()), jnp.zeros(())
    for seat, s in samples:
        log = networks.log_policy(actor, s.obs, s.mask)
        ratio = log[s.place, s.action] - s.log_old
        surrogate = clipped_surrogate(ratio, s.advantage, config.clip)
        if s.anchor is None:
            bonus = epsilons[seat] * entropy(log)
        else:
            bonus = -risk.penalty(log, s.anchor)
        gain = gain + jnp.sum(s.weights * (surrogate + bonus[s.place]))
        value = networks.apply(critic, s.obs)[s.place, s.cell]
        error = error + jnp.sum(s.weights * (value - s.target) ** 2)
    seats = len(samples)
    return -gain / seats + config.value_coefficient * error / seats, error / seats


def _epochs(
    config: Config, loss: Any, learner: Learner, samples: list[tuple[int, Samples]], key: Key
) -> tuple[Learner, Array]:
    """A learner after so many passes over its samples, whole or in minibatches."""
    optimizer = make_optimizer(config)
    slope = jax.grad(loss, has_aux=True)

    def step(carry: tuple[Tree, Tree], part: Any) -> tuple[tuple[Tree, Tree], Array]:
        params, memory = carry
        grads, error = slope(params, part)
        change, memory = optimizer.update(grads, memory, params)
        return (optax.apply_updates(params, change), memory), error

    carry = ((learner.actor, learner.critic), learner.memory)
    if config.minibatches == 1:
        carry, errors = jax.lax.scan(
            lambda c, _: step(c, samples), carry, None, length=config.epochs
        )
    else:
        parts = jax.vmap(partial(_shuffled, config, samples))(jax.random.split(key, config.epochs))
        parts = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), parts)

        def one(c: Any, part: Any) -> Any:
            return step(c, [(j, s._replace(**p)) for (j, s), p in zip(samples, part, strict=True)])

        carry, errors = jax.lax.scan(one, carry, parts)
    (actor, critic), memory = carry
    return Learner(actor, critic, memory), errors[0]


def _shuffled(config: Config, samples: list[tuple[int, Samples]], key: Key) -> list[dict[str, Any]]:
    """Samples of every seat in random order, cut into minibatches (M, B/M)."""
    out = []
    for number, (_, s) in enumerate(samples):
        order = jax.random.permutation(jax.random.fold_in(key, number), s.action.shape[0])
        cut = order.reshape(config.minibatches, -1)
        fields = ("place", "action", "cell", "log_old", "advantage", "target", "weights")
        part = {name: getattr(s, name)[cut] for name in fields}
        part["weights"] = part["weights"] / jnp.maximum(
            part["weights"].sum(axis=1, keepdims=True), 1e-12
        )
        out.append(part)
    return out


def make_optimizer(config: Config) -> Any:
    """Adam, with the learning rate's way down and the gradients' bound if there are any."""
    rate: Any = config.learning_rate
    if config.anneal:
        rate = optax.linear_schedule(rate, 0.0, config.gradient_steps)
    adam = optax.adam(rate, eps=1e-8)
    if config.max_grad_norm is None:
        return adam
    return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), adam)
