"""Policy-gradient theorems of Markov games: for players, for adversaries, and for the anchor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.risk import Entropic
from ...model._checks import FloatArray
from ...result.table import Table
from ...solvers import solve_rqe
from ...solvers._markov_stage import Stages
from ...solvers.markov_regret import policy_outcome, policy_values
from ._finite import collect, table
from ._markov import (
    DISCOUNTS,
    Scene,
    Seat,
    by_complex_step,
    joint_play,
    random_game,
    relative,
    scenes,
    seat,
    softmax_rows,
)
from ._markov_proofs import policy_gradient as derivation
from .learning_game import slope_of_belief, slope_of_choice
from .statement import Statement

BOUNDS = {
    "V(rho) by a linear system less the sum over time, relative": 1e-11,
    "d by a linear system less the sum over time, relative": 1e-11,
    "player's gradient less the complex step, relative": 1e-10,
    "adversary's gradient less the complex step, relative": 1e-10,
    "partner's gradient less the complex step, per 1 / ((1 - gamma) tau)": 1e-10,
    "V at the worst belief less the library's value, relative": 1e-10,
    "slope of the worst-case value less its difference quotient, relative": 1e-6,
}
AT_RQE = {
    "player's gradient at an RQE, per range / (1 - gamma)": 1e-8,
    "adversary's gradient at an RQE, per range / (1 - gamma)": 1e-8,
}
MISREAD = {
    "player's, states visited as the real partners would": 1e-6,
    "player's, without the regulariser's own slope": 1e-6,
    "player's, Q of rewards alone, the regulariser's slope here only": 1e-6,
    "player's, without 1/(1 - gamma)": 1e-6,
    "adversary's, without the penalty's own slope": 1e-6,
    "adversary's, Q of rewards alone, the penalty's slope here only": 1e-6,
}
"""Errors relative to the gradient; each would have to be zero if the form were right."""


def player_advantage(seat: Seat, x: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """Regularised advantage of each own action, (S, n); its mean under ``x`` is zero.

    For an entropy ``Q p - epsilon log x - (V - D/tau)``.
    """
    each = np.vecdot(seat.stage(seat.values(x, p, q)), p[:, None, :])
    each = each - slope_of_choice(seat.agent.regularizer, x)
    return np.asarray(each - np.vecdot(x, each)[:, None])


def adversary_advantage(seat: Seat, x: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """What each joint action of the others costs the player more than the mean, (S, m).

    ``x Q + log(p / q)/tau - (V + epsilon nu)`` for entropic, ``x Q - x Q p + (1 - q/p)/tau`` for
    reverse KL risk.
    """
    each = np.einsum("sa,sab->sb", x, seat.stage(seat.values(x, p, q)))
    each = each + slope_of_belief(seat.agent.risk, p, q)
    return np.asarray(each - np.vecdot(p, each)[:, None])


def player_gradient(seat: Seat, x: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    r"""Derivative of ``V(rho)`` by the logits of the player's policy, (S, n).

    Parameters
    ----------
    seat : Seat
    x, p, q : array (S, n), (S, m), (S, m)
        The player's policy, its adversary's, and what the others play.

    Examples
    --------
    One state, two actions worth 1 and 0, no risk: ``x(1 - x)(1 - epsilon log(x/(1 - x)))``.

    >>> import rqe
    >>> from rqe.analysis.theorems._markov import seat
    >>> pay = np.array([[[[1.0], [0.0]], [[0.0], [0.0]]]])
    >>> game = rqe.MarkovGame(pay, np.ones((1, 2, 1, 1)), discount=0.0)
    >>> me = seat(game, [rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(1.0))] * 2, 0)
    >>> one = np.ones((1, 1))
    >>> player_gradient(me, np.array([[0.75, 0.25]]), one, one).round(6)
    array([[-0.01849,  0.01849]])
    """
    weight = seat.visits(x, p) / (1.0 - seat.discount)
    return np.asarray(weight[:, None] * x * player_advantage(seat, x, p, q))


def adversary_gradient(seat: Seat, x: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """Derivative of ``V(rho)`` by the logits of the adversary's policy, (S, m)."""
    weight = seat.visits(x, p) / (1.0 - seat.discount)
    return np.asarray(weight[:, None] * p * adversary_advantage(seat, x, p, q))


def partner_gradient(scene: Scene, partner: int) -> FloatArray:
    """Derivative of the player's ``V(rho)`` by a partner's logits, beliefs held: (S, n_j).

    Through the anchor of the penalty alone.
    """
    place, own = scene.seat, scene.policies[partner]
    x, p, q = scene.own
    others = [j for j in range(scene.game.n_players) if j != scene.player]
    sizes = [scene.game.shape[j] for j in others]
    away = tuple(1 + k for k, j in enumerate(others) if j != partner)

    def marginal(weights: FloatArray) -> FloatArray:
        return np.asarray(weights.reshape(-1, *sizes).sum(axis=away))

    if isinstance(place.agent.risk, Entropic):
        pull = own - marginal(p)
    else:
        surprise = q * np.log(q / p)
        pull = marginal(surprise) - own * surprise.sum(axis=1, keepdims=True)
    weight = place.visits(x, p) / ((1.0 - place.discount) * place.agent.risk.tau)
    return np.asarray(weight[:, None] * pull)


def check(draws: int, seed: int) -> Table:
    """Random games against derivatives by a complex step; every fourth draw an equilibrium."""
    few = max(1, draws // 4)
    return table(
        "policy gradients",
        [
            *collect(_gradients(draws, seed), BOUNDS),
            *collect(_equilibria(few, seed), AT_RQE),
        ],
    )


def _gradients(draws: int, seed: int) -> Iterator[dict[str, float]]:
    for scene, rng in scenes(draws, seed):
        yield dict(zip(BOUNDS, (*_slopes(scene), *_worst(scene, rng)), strict=True))


def _slopes(scene: Scene) -> tuple[float, ...]:
    """Both sums over time, and all three gradients against derivatives by a complex step."""
    place, (x, p, q) = scene.seat, scene.own
    partner = (scene.player + 1) % scene.game.n_players

    def anchor(policy: Any) -> Any:
        policies = [policy if j == partner else y for j, y in enumerate(scene.policies)]
        return joint_play(policies, scene.player)

    own = by_complex_step(lambda y: place.worth(y, p, q), x)
    against = by_complex_step(lambda y: place.worth(x, y, q), p)
    pull = by_complex_step(lambda y: place.worth(x, p, anchor(y)), scene.policies[partner])
    unit = (1.0 - place.discount) * place.agent.risk.tau
    total, visits = place.summed(x, p, q)
    return (
        relative(place.worth(x, p, q), total),
        relative(place.visits(x, p), visits),
        relative(player_gradient(place, x, p, q), own),
        relative(adversary_gradient(place, x, p, q), against),
        # zero where a belief is what the partners play: by its unit, not by its size
        unit * float(np.abs(partner_gradient(scene, partner) - pull).max()),
    )


def _worst(scene: Scene, rng: np.random.Generator) -> tuple[float, float]:
    """The worst-case value from the solver's side, and its slope in a random direction."""
    stages, player, place = Stages(scene.game, scene.agents), scene.player, scene.seat
    x, _, q = scene.own
    step, size = rng.normal(size=x.shape), 1e-3

    start = policy_values(stages, scene.logs)
    ahead = start[player]

    def value(length: float) -> FloatArray:
        logs = scene.logs
        logs[player] = np.log(softmax_rows(logs[player] + length * size * step))
        return np.asarray(policy_values(stages, logs, start)[player])

    p = np.exp(policy_outcome(stages, player, scene.logs, ahead)[2])
    gradient = player_gradient(place, x, p, q)
    # five points: exact up to the fourth power of the step
    near, far = value(1.0) - value(-1.0), value(2.0) - value(-2.0)
    quotient = float(place.first @ (8.0 * near - far)) / (12.0 * size)
    slope = float(np.sum(gradient * step))
    return (
        relative(place.values(x, p, q), ahead),
        abs(slope - quotient) / float(np.abs(gradient * step).sum()),
    )


def _equilibria(draws: int, seed: int) -> Iterator[dict[str, float]]:
    """Equilibria of entropic players with entropies, the kind that can be solved for."""
    rng = np.random.default_rng(seed)
    for k in range(draws):
        game = random_game(rng, DISCOUNTS[k % 4])
        tau, epsilon = 10.0 ** rng.uniform(-1.0, 0.5), 10.0 ** rng.uniform(-0.7, 0.3)
        eq = solve_rqe(game, float(tau), float(epsilon))
        largest = [0.0, 0.0]
        for i in range(game.n_players):
            place, x, q = seat(game, eq.agents, i), eq.policies[i], joint_play(eq.policies, i)
            p = eq.beliefs[i].reshape(q.shape)
            for part, gradient in enumerate((player_gradient, adversary_gradient)):
                size = float(np.abs(gradient(place, x, p, q)).max()) * (1.0 - place.discount)
                largest[part] = max(largest[part], size)
        yield dict(zip(AT_RQE, largest, strict=True))


def misread(draws: int, seed: int) -> Table:
    """Forms that look alike and are wrong, discounts above 0; their errors."""

    def errors() -> Iterator[dict[str, float]]:
        for scene, rng in scenes(draws, seed, DISCOUNTS[1:]):
            place, (x, _, q) = scene.seat, scene.own
            p = rng.dirichlet(np.ones(q.shape[1]), size=q.shape[0])
            yield dict(zip(MISREAD, _misread(place, x, p, q), strict=True))

    return table("policy gradients misread", collect(errors(), MISREAD))


def _misread(place: Seat, x: FloatArray, p: FloatArray, q: FloatArray) -> tuple[float, ...]:
    """Errors of the forms of `MISREAD`, in order."""
    agent, inside = place.agent, 1.0 - place.discount
    true, against = player_gradient(place, x, p, q), adversary_gradient(place, x, p, q)
    visits = place.visits(x, p)[:, None]
    stage = place.stage(place.values(x, p, q))
    income = np.einsum("sa,sb,sab->s", x, p, place.rewards)
    system = np.eye(q.shape[0]) - place.discount * place.chain(x, p)
    bare = place.stage(np.linalg.solve(system, income))
    own, others = slope_of_choice(agent.regularizer, x), slope_of_belief(agent.risk, p, q)

    def weigh(policy: FloatArray, each: FloatArray) -> FloatArray:
        centred = each - np.vecdot(policy, each)[:, None]
        return np.asarray(visits * policy * centred / inside)

    return (
        relative(true / visits * place.visits(x, q)[:, None], true),
        relative(weigh(x, np.vecdot(stage, p[:, None, :])), true),
        relative(weigh(x, np.vecdot(bare, p[:, None, :]) - own), true),
        relative(true * inside, true),
        relative(weigh(p, np.einsum("sa,sab->sb", x, stage)), against),
        relative(weigh(p, np.einsum("sa,sab->sb", x, bare) + others), against),
    )


STATEMENT = Statement(
    name="policy_gradient",
    source="SRA appendix C (wording ours)",
    says=(
        "Discounted game; pi_i, p_i and pi_-i are softmax policies with a logit for each action "
        "and state; V_i(s) = pi_i Q_i p_i + D(p_i, pi_-i)/tau_i - epsilon_i nu(pi_i) with Q_i = "
        "r_i + gamma E V_i(s'); d is the discounted share of time in each state, from rho on, "
        "under pi_i and p_i (the adversary, not the real partners); it sums to one. Player: "
        "dV_i(rho)/dtheta_i(s, a) = d(s) pi_i(a|s) A_i(s, a)/(1 - gamma), where A_i is Q_i p_i - "
        "epsilon_i nu'(pi_i) less its mean under pi_i. For an entropy A_i = Q_i p_i - epsilon_i "
        "log pi_i - (V_i - D/tau_i): the 1 in nu' = 1 + log pi_i goes out with the mean. "
        "Adversary, who minimises the same V_i: dV_i(rho)/dphi_i(s, b) = d(s) p_i(b|s) B_i(s, "
        "b)/(1 - gamma), where B_i is pi_i Q_i + (dD/dp_i)/tau_i less its mean under p_i: pi_i "
        "Q_i + log(p_i/pi_-i)/tau_i - (V_i + epsilon_i nu) for D = KL(p_i || pi_-i), pi_i Q_i - "
        "pi_i Q_i p_i + (1 - pi_-i/p_i)/tau_i for D = KL(pi_-i || p_i). The worst-case value min "
        "over p of V_i(rho) has the player's gradient at the worst p_i, as if that stood still "
        "(envelope). A partner's logits move V_i too, at a fixed p_i through the anchor alone: by "
        "d(s)/((1 - gamma) tau_i) times pi_j less p_i's marginal, or, for D = KL(pi_-i || p_i), "
        "times E[1{a_j = a} log(pi_-i/p_i)] - pi_j D under pi_-i. At the worst p_i the limit of "
        "that as tau_i -> 0 is the usual cross gradient; no player's gradient of its own contains "
        "it. At an RQE the gradients of all players and adversaries vanish."
    ),
    verdict="holds",
    derive=derivation,
    check=check,
    counterexample=(
        "state 1 pays nothing and the partner can move play on to state 2, for ever, where the "
        "player's actions pay 1 and 0; gamma = 1/2, even policy, epsilon -> 0: if the adversary "
        "moves on with probability 1/2, dV(1)/dtheta(2, 1) = 1/6; weighted with the visits of a "
        "partner who does so with 1/10 it would be 1/22"
    ),
)
