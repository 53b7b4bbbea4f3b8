"""What learners learn from: a rollout's returns and advantages, over its distinct observations."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from . import networks
from .algorithms import TILTED, Objective, Phase, Plan
from .arrays import Array, Tree
from .beliefs import Worst, tilt
from .config import Config
from .losses import advantages, entropy
from .rollout import Rollout, Seats, joint_action
from .table import Table


class Learner(NamedTuple):
    """A policy, its critic, and the optimiser's memory."""

    actor: Tree
    critic: Tree
    memory: Tree


class Samples(NamedTuple):
    """What a learner learns from in one seat; B samples, R rows."""

    obs: Array
    """(R, n_obs)."""
    mask: Array | None
    """(R, n) of bool, or None."""
    place: Array
    """(B,), row of each sample."""
    action: Array
    """(B,)."""
    cell: Array
    """(B,): which of the critic's outputs is the sample's."""
    log_old: Array
    """(B,), log-probability of the action when it was drawn."""
    advantage: Array
    """(B,)."""
    target: Array
    """(B,): what the critic should have said."""
    weights: Array
    """(B,), a distribution: even over the samples of which the learner played this seat."""
    anchor: Array | None
    """(R, n): log-probabilities of the policy to stay close to."""


class _Part(NamedTuple):
    """A learner in one of its seats."""

    goal: Objective
    seat: int
    log: Array
    anchor: Array | None
    present: Array | None
    """(E,): 1 where the learner plays the seat; None if it does everywhere."""


def join(rollout: Rollout) -> Array:
    """Everyone's observations and masks side by side, (B, d) of float32."""
    wide = [o.reshape(-1, o.shape[-1]) for o in rollout.obs]
    wide += [m.reshape(-1, m.shape[-1]) for m in rollout.masks if m is not None]
    return jnp.concatenate([w.astype(jnp.float32) for w in wide], axis=1)


def _apart(rows: Array, seats: Seats) -> tuple[list[Array], list[Array | None]]:
    """Observations and masks by seat, from what `join` put side by side."""
    widths = list(seats.n_obs) + (list(seats.n_actions) if seats.masked else [])
    columns, start = [], 0
    for width in widths:
        columns.append(rows[:, start : start + width])
        start += width
    masks = [m > 0.5 for m in columns[seats.n :]] if seats.masked else [None] * seats.n
    return columns[: seats.n], masks


def gather(
    config: Config,
    seats: Seats,
    plan: Plan,
    phase: Phase,
    learners: tuple[Learner, ...],
    rollout: Rollout,
    epsilons: tuple[Any, ...],
    table: Table,
) -> tuple[dict[int, list[tuple[int, Samples]]], dict[str, Array]]:
    """Samples of every learner in training, by seat, with one recursion for all advantages.

    Returns
    -------
    samples : dict of learner to list of (seat, Samples)
    facts : dict of array
        Mean reward of each agent a step; entropy and penalty of each learner's policy.
    """
    steps, count = rollout.dones.shape
    obs, masks = _apart(table.rows, seats)
    place = table.place.reshape(steps + 1, count)
    parts = _parts(seats, phase, learners, rollout, obs, masks)
    worst = None
    if any(TILTED in row for row in phase.casts):
        nets = [(k.actor, k.critic) for k in learners]
        actors, critics = (tuple(n) for n in zip(*nets, strict=True))
        own = phase.objectives[0].learner
        worst = tilt(plan, own, actors, critics, tuple(obs), tuple(masks))
    degrees = [
        epsilons[p.seat] * entropy(p.log)
        if p.anchor is None
        else plan.risk.penalty(p.log, p.anchor)
        for p in parts
    ]
    paid = _paid(config, seats, parts, degrees, worst, rollout, place[:-1])
    values = [
        worst.value
        if worst is not None
        else networks.apply(learners[p.goal.learner].critic, obs[p.seat])[:, 0]
        for p in parts
    ]
    ahead = jnp.stack([v[place] for v in values], axis=-1)
    gain = advantages(
        jnp.stack(paid, axis=-1), ahead, rollout.dones[..., None], config.discount,
        config.gae_lambda,
    )  # fmt: skip
    target = gain + ahead[:-1]
    out: dict[int, list[tuple[int, Samples]]] = {g.learner: [] for g in phase.objectives}
    flat = place[:-1].ravel()
    for c, part in enumerate(parts):
        here = jnp.ones(count) if part.present is None else part.present
        weights = jnp.broadcast_to(here, (steps, count)).ravel()
        weights = weights / jnp.maximum(weights.sum(), 1.0)
        action = rollout.actions[..., part.seat].ravel()
        cell = jnp.zeros_like(action)
        if plan.joint:
            cell = joint_action(rollout.actions, part.seat, seats.n_actions).ravel()
        advantage = gain[..., c].ravel()
        if config.normalize_advantages:
            advantage = advantage - jnp.sum(weights * advantage)
            advantage = advantage / (jnp.sqrt(jnp.sum(weights * advantage**2)) + 1e-8)
        sample = Samples(
            obs[part.seat], masks[part.seat], flat, action, cell, part.log[flat, action],
            advantage, target[..., c].ravel(), weights, part.anchor,
        )  # fmt: skip
        out[part.goal.learner].append((part.seat, sample))
    regular = jnp.stack([jnp.mean(d[place[:-1]]) for d in degrees])
    return out, {"reward": rollout.rewards.mean(axis=(0, 1)), "regularizer": regular}


def _parts(
    seats: Seats,
    phase: Phase,
    learners: tuple[Learner, ...],
    rollout: Rollout,
    obs: list[Array],
    masks: list[Array | None],
) -> list[_Part]:
    parts = []
    for goal in phase.objectives:
        for j in range(seats.n):
            column = [row[j] == goal.learner for row in phase.casts]
            if not any(column):
                continue
            here = None if all(column) else jnp.asarray(column, jnp.float32)[rollout.cast]
            log = networks.log_policy(learners[goal.learner].actor, obs[j], masks[j])
            anchor = None
            if goal.anchor is not None:
                anchor = networks.log_policy(learners[goal.anchor].actor, obs[j], masks[j])
            parts.append(_Part(goal, j, log, anchor, here))
    return parts


def _paid(
    config: Config,
    seats: Seats,
    parts: list[_Part],
    degrees: list[Array],
    worst: Worst | None,
    rollout: Rollout,
    place: Array,
) -> list[Array]:
    """Rewards (T, E) of every part, with the regularisers of all seats if these are to count."""
    paid = [rollout.rewards @ jnp.asarray(p.goal.rewards[p.seat]) for p in parts]
    if config.penalty == "loss":
        return paid
    by_seat = [jnp.zeros(place.shape) for _ in range(seats.n)]
    for part, value in zip(parts, degrees, strict=True):
        here = 1.0 if part.present is None else part.present
        by_seat[part.seat] = by_seat[part.seat] + value[place] * here
    if worst is not None:
        own = parts[0].seat
        by_seat[own] = by_seat[own] + worst.penalty[place]
    extra = jnp.stack(by_seat, axis=-1)
    return [
        r + extra @ jnp.asarray(p.goal.penalties[p.seat]) for r, p in zip(paid, parts, strict=True)
    ]
