"""Performance-difference lemmas of Markov games, and what they make of gains in single stages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.regularizer import NegEntropy
from ...core.risk import Entropic
from ...model._checks import FloatArray
from ...result.table import Table
from ...solvers._markov_stage import Stages
from ...solvers.markov_regret import policy_outcome, policy_values, regret_bounds, stage_gain
from ._finite import ROUNDING, collect, table
from ._markov import DISCOUNTS, Scene, Seat, belief_cost, choice_cost, point, relative, scenes
from ._markov_proofs import performance_difference as derivation
from .policy_gradient import adversary_advantage, player_advantage
from .statement import Statement

Play = tuple[FloatArray, FloatArray, FloatArray]
"""A player's policy (S, n), its adversary's (S, m), and what the others play (S, m)."""
LEMMAS = {
    "player's: both sides, relative": 1e-10,
    "adversary's: both sides, relative": 1e-10,
    "everything moved, the others too: both sides, relative": 1e-10,
    "player's, advantage less a divergence: both sides, relative": 1e-10,
    "adversary's, advantage plus a divergence: both sides, relative": 1e-10,
    "cost of a belief that is not worst: both sides, relative": 1e-9,
    "cost of a policy that is not best: both sides, relative": 1e-9,
}
REGRET = {
    "gain in worst-case value less the library's bound on regret, relative": 1e-9,
    "|bound on regret less V's rise to the best policy at the same belief|, relative": 1e-8,
    "bound on regret per largest stage gain / (1 - gamma)": 1.0 + 1e-8,
}
MISREAD = {
    "states visited as before the change": 1e-6,
    "Q of the new pair": 1e-6,
    "without the divergence": 1e-6,
    "states visited as the real partners would": 1e-6,
}
"""Errors relative to the difference; each would have to be zero if the form were right."""


def difference(place: Seat, new: Play, old: Play) -> float:
    r"""What ``V(rho)`` gains from ``old`` to ``new``: stage gains weighted by the new visits.

    .. math:: \frac1{1-\gamma} \sum_s d'(s) \bigl[ x' Q p' - x Q p
              + (D(p', q') - D(p, q))/\tau - \epsilon (\nu(x') - \nu(x)) \bigr]

    with ``Q`` of the old play and ``d'`` under the new.

    Parameters
    ----------
    place : Seat
    new, old : tuple of array (S, n), (S, m), (S, m)
        The player's policy, its adversary's, and what the others play; what is the same in both
        may be the same array.

    Examples
    --------
    One state, two actions worth 1 and 0, no risk; the policy moves from even to (3/4, 1/4):

    >>> import rqe
    >>> from rqe.analysis.theorems._markov import seat
    >>> pay = np.array([[[[1.0], [0.0]], [[0.0], [0.0]]]])
    >>> game = rqe.MarkovGame(pay, np.ones((1, 2, 1, 1)), discount=0.5)
    >>> me = seat(game, [rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(0.0))] * 2, 0)
    >>> one = np.ones((1, 1))
    >>> round(difference(me, (np.array([[0.75, 0.25]]), one, one), (one * [0.5, 0.5], one, one)), 6)
    0.5
    """
    stage = place.stage(place.values(*old))
    gains = _income(place, stage, new) - _income(place, stage, old)
    return _weigh(place, new, gains)


def _income(place: Seat, stage: FloatArray, play: Play) -> Any:
    """What a stage game is worth under some play, (S,)."""
    x, p, q = play
    payoff = np.einsum("sa,sb,sab->s", x, p, stage)
    return payoff + belief_cost(place.agent.risk, p, q) - choice_cost(place.agent.regularizer, x)


def _weigh(place: Seat, play: Play, gains: FloatArray) -> float:
    """Gains of single stages (S,), summed over the states that some play visits."""
    return float(place.visits(*play[:2]) @ gains) / (1.0 - place.discount)


def choice_divergence(rule: Any, y: FloatArray, x: FloatArray) -> FloatArray:
    """``epsilon`` times the Bregman divergence of ``y`` from ``x``, (..., n) to (...)."""
    if isinstance(rule, NegEntropy):
        return np.asarray(rule.epsilon * np.sum(y * np.log(y / x), axis=-1))
    return np.asarray(rule.epsilon * np.sum(y / x - 1.0 - np.log(y / x), axis=-1))


def belief_divergence(risk: Any, r: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """Bregman divergence of ``D(r, q)/tau`` from ``p``, (..., m) to (...)."""
    if isinstance(risk, Entropic):
        return np.asarray(np.sum(r * np.log(r / p), axis=-1) / risk.tau)
    return np.asarray(np.sum(q * (r / p - 1.0 - np.log(r / p)), axis=-1) / risk.tau)


def best_policy(place: Seat, x: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """The policy that is best against an adversary's that stands still: policy iteration.

    Nothing has a probability below 1e-300.
    """
    value = -np.inf
    for _ in range(100):  # each squares the error
        ahead = place.values(x, p, q)
        if not ahead.sum() > value + ROUNDING * np.abs(ahead).sum():
            break
        value = float(ahead.sum())
        each = np.vecdot(place.stage(ahead), p[:, None, :])
        x = np.maximum(np.exp(place.agent.regularizer.log_response(each)), 1e-300)
    return x


def check(draws: int, seed: int) -> Table:
    """Random pairs of policies and beliefs, near and far; the library's certificate of regret."""
    return table(
        "performance differences",
        collect(_instances(draws, seed), {**LEMMAS, **REGRET}),
    )


def _instances(draws: int, seed: int) -> Iterator[dict[str, float]]:
    for scene, rng in scenes(draws, seed):
        policies, beliefs = point(scene.game, rng)
        if rng.random() < 0.5:  # a small step
            near = 10.0 ** rng.uniform(-3.0, -1.0)
            policies, beliefs = (
                tuple((1.0 - near) * a + near * b for a, b in zip(old, new, strict=True))
                for old, new in ((scene.policies, policies), (scene.beliefs, beliefs))
            )
        other = Scene(scene.game, scene.agents, policies, beliefs, scene.player)
        found = (*_lemmas(scene, other), *_regret(scene, other))
        yield dict(zip((*LEMMAS, *REGRET), found, strict=True))


def _apart(place: Seat, new: Play, old: Play, found: float) -> float:
    """Error of a difference, relative to the values whose difference it is."""
    after, before = place.values(*new), place.values(*old)
    scale = float(np.abs(after).max() + np.abs(before).max())
    return abs(float(place.first @ (after - before)) - found) / scale


def _lemmas(scene: Scene, other: Scene) -> Iterator[float]:
    place, (x, p, q), (y, r, _) = scene.seat, scene.own, other.own
    old, new = (x, p, q), (y, p, q)
    believed = (x, r, q)
    yield _apart(place, new, old, difference(place, new, old))
    yield _apart(place, believed, old, difference(place, believed, old))
    yield _apart(place, other.own, old, difference(place, other.own, old))
    agent = place.agent
    gains = np.vecdot(y, player_advantage(place, *old)) - choice_divergence(agent.regularizer, y, x)
    yield _apart(place, new, old, _weigh(place, new, gains))
    gains = np.vecdot(r, adversary_advantage(place, *old)) + belief_divergence(agent.risk, r, p, q)
    yield _apart(place, believed, old, _weigh(place, believed, gains))


def _regret(scene: Scene, other: Scene) -> Iterator[float]:
    """What is lost by a belief that is not worst and a policy that is not best; certificates."""
    i, place, (x, p, q) = scene.player, scene.seat, scene.own
    stages, logs = Stages(scene.game, scene.agents), scene.logs
    values = policy_values(stages, logs)
    beliefs = [policy_outcome(stages, j, logs, v)[2] for j, v in enumerate(values)]
    worst = np.exp(beliefs[i])
    gains = belief_divergence(place.agent.risk, p, worst, q)
    yield _apart(place, (x, p, q), (x, worst, q), _weigh(place, (x, p, q), gains))
    best = best_policy(place, x, worst, q)
    gains = -choice_divergence(place.agent.regularizer, x, best)
    yield _apart(place, (x, worst, q), (best, worst, q), _weigh(place, (x, worst, q), gains))
    bound = regret_bounds(stages, logs, beliefs, values)[i]
    moved = list(logs)
    moved[i] = np.log(other.policies[i])
    gain = policy_values(stages, moved, values)[i] - values[i]
    rise = place.values(best, worst, q) - place.values(x, worst, q)
    largest = stage_gain(stages, i, logs, beliefs[i], values[i])[0].max()
    size = np.abs(values[i]).max()
    yield float(np.max(gain - bound) / size)
    yield float(np.abs(bound - rise).max() / size)
    yield float(bound.max() * (1.0 - place.discount) / largest)


def misread(draws: int, seed: int) -> Table:
    """Forms that look alike and are wrong, discounts above 0; their errors."""

    def errors() -> Iterator[dict[str, float]]:
        for scene, rng in scenes(draws, seed, DISCOUNTS[1:]):
            place, (x, _, q) = scene.seat, scene.own
            y = point(scene.game, rng)[0][scene.player]
            p = rng.dirichlet(np.ones(q.shape[1]), size=q.shape[0])
            yield dict(zip(MISREAD, _misread(place, (y, p, q), (x, p, q)), strict=True))

    return table("performance differences misread", collect(errors(), MISREAD))


def _misread(place: Seat, new: Play, old: Play) -> tuple[float, ...]:
    """Errors of the forms of `MISREAD`, in order; the player's policy moves."""
    true = place.worth(*new) - place.worth(*old)
    stages = [place.stage(place.values(*play)) for play in (old, new)]
    gains, later = (_income(place, q, new) - _income(place, q, old) for q in stages)
    linear = np.vecdot(new[0], player_advantage(place, *old))
    return (
        relative(_weigh(place, old, gains), true),
        relative(_weigh(place, new, later), true),
        relative(_weigh(place, new, linear), true),
        relative(_weigh(place, (new[0], new[2], new[2]), gains), true),
    )


STATEMENT = Statement(
    name="performance_difference",
    source="SRA appendix C (wording ours)",
    says=(
        "In the notation of policy_gradient, without the player's index: V(rho) under (pi', p') "
        "less V(rho) under (pi, p) is sum_s d'(s) [pi' Q p' - pi Q p + (D(p') - D(p))/tau - "
        "epsilon (nu(pi') - nu(pi))]/(1 - gamma), with Q of the old pair and the visits d' of the "
        "new one (or, read backwards, Q of the new and visits of the old). Player (p' = p): the "
        "bracket is (pi' - pi) Q p - epsilon (nu(pi') - nu(pi)), or pi' A less epsilon times the "
        "Bregman divergence of nu, KL(pi' || pi) for an entropy. Adversary (pi' = pi): (p' - p) "
        "pi Q + (D(p') - D(p))/tau, or p' B plus KL(p' || p)/tau for D = KL(p || pi_-i), plus sum "
        "pi_-i (p'/p - 1 - log(p'/p))/tau for D = KL(pi_-i || p). It holds too if the anchor "
        "moves. Hence a belief costs what it diverges from the worst one, and a policy loses what "
        "it diverges from the best reply to p, both summed over the states that they themselves "
        "visit. Regret: no policy gains more in worst-case value than the best reply to the worst "
        "p gains in V at that p (weak duality). That is the bound that rqe.solvers.markov_regret "
        "computes, and it is at most max_s g(s)/(1 - gamma), with g what one stage can gain: "
        "epsilon KL(pi || softmax(Q p/epsilon)) for an entropy."
    ),
    verdict="holds",
    derive=derivation,
    check=check,
    counterexample=(
        "in state 1 the first action leads to state 2, for ever, where it pays 1; all else pays "
        "nothing and stays; gamma = 1/2, epsilon -> 0. From never to always playing it V(1) rises "
        "by 1; with the old visits the sum is 0, with Q of the new play 3/2"
    ),
)
