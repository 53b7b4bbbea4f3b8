"""Risk aversion removes free-riding: the theorem's constant, as printed and as it must read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np

from ...model.normal_form import CollaborativeGame
from ...result.equilibrium import Equilibrium
from ...result.table import Table
from ...solvers import solve_rqe
from ...solvers.enumeration import enumerate_rqe
from ..free_riding_bound import Sizes, corrected, printed, sharpest, sizes
from ._finite import ROUNDING, collect, table
from .probability_bound import log_least
from .statement import Statement

BOUNDS = {
    "tau per corrected bound at the RQE's degree, two players": 1.0,
    "tau per sharper bound, two players": 1.0,
    "tau per printed bound, two actions, payoffs of unit range": 1.0,
    "tau per corrected bound, three players": 1.0,
    "tau per sharper bound, three players": 1.0,
    "unequal tau: epsilon |x - y|_1^2 per (1/tau_1 + 1/tau_2) rarest": 1.0,
    "any game: epsilon tau |x_i - security_i|_1^2 per rarest": 1.0,
}
BEYOND = {
    "tau per printed bound, payoffs x 0.001": 1.0,
    "tau per printed bound, three actions, payoffs of unit range": 1.0,
    "tau per corrected bound, asymmetric reward": 1.0,
    "tau per corrected bound, symmetric reward, different costs": 1.0,
    "tau per corrected bound at the smaller epsilon, unequal epsilon": 1.0,
}


def derive() -> dict[str, Any]:
    """Each step of the proof that is an identity, the constants, and their units."""
    import sympy as sp

    tau, epsilon, s = sp.symbols("tau epsilon s", positive=True)
    x, y = sp.symbols("x1:3", positive=True), sp.symbols("y1:3", positive=True)
    full_x, full_y = [*x, 1 - sum(x)], [*y, 1 - sum(y)]
    out: dict[str, Any] = {}

    def entropy(p: Any) -> Any:
        return -sum(a * sp.log(a) for a in p)

    def divergence(p: Any, q: Any) -> Any:
        return sum(a * (sp.log(a) - sp.log(b)) for a, b in zip(p, q, strict=True))

    # strong concavity is exact: what the entropy loses on its tangent at y is a divergence
    rise = sum(sp.diff(entropy(full_y), b) * (a - b) for a, b in zip(x, y, strict=True))
    bregman = entropy(full_y) + rise - entropy(full_x) - divergence(full_x, full_y)
    out["entropy's tangent, three actions"] = sp.expand(bregman)
    # two partners differ in value by the mean likelihood ratio under the tilt of one of them
    u, (p, q) = sp.symbols("u1:3", real=True), sp.symbols("p q", positive=True)
    sums = [law * sp.exp(-tau * u[0]) + (1 - law) * sp.exp(-tau * u[1]) for law in (p, q)]
    heavy = q * sp.exp(-tau * u[0]) / sums[1]
    out["value against another partner"] = (
        sums[0] / sums[1] - heavy * p / q - (1 - heavy) * (1 - p) / (1 - q)
    )
    # two actions: both divergences together are half the distance times the log-odds' difference
    log_odds = sp.log(p) - sp.log(1 - p) - sp.log(q) + sp.log(1 - q)
    both = divergence([p, 1 - p], [q, 1 - q]) + divergence([q, 1 - q], [p, 1 - p])
    out["both divergences, two actions"] = sp.expand(both - (p - q) * log_odds)
    out |= _constants(epsilon, s)
    # Example 4.2 with little noise: the free-rider's belief that its partner defects
    cost = sp.Symbol("c", positive=True)
    last = sp.solve(-(1 - cost) / epsilon + tau, tau)[0]
    out["last tau of Example 4.2, epsilon -> 0"] = last - (1 - cost) / epsilon
    return out


def _constants(epsilon: Any, s: Any) -> dict[str, Any]:
    """How the bounds hang together, and what a change of the payoff unit does to each."""
    import sympy as sp

    spread, delta, bound, n, tau = sp.symbols("c delta v n tau", positive=True)

    def proven(e: Any, c: Any, d: Any, v: Any) -> Any:
        # |x - x*|_1 <= sqrt(2 C / (epsilon tau)), C = log n + v/epsilon, twice, times c/2
        distance = 2 * sp.sqrt(2 * (sp.log(n) + v / e) / (e * tau))
        return sp.solve(sp.Eq((c * distance / 2) ** 2, d**2), tau)[0]

    def as_printed(e: Any, c: Any, d: Any, v: Any) -> Any:
        return 2 * (e * sp.log(n) + v) * c**2 / (e * d**2)

    here = proven(epsilon, spread, delta, bound)
    scaled = proven(s * epsilon, s * spread, s * delta, s * bound)
    unscaled = as_printed(s * epsilon, s * spread, s * delta, s * bound)
    quarter = (spread / delta) ** 2 * (sp.log(n) + bound / epsilon) / (2 * epsilon)
    return {
        "corrected is printed per epsilon": here
        - as_printed(epsilon, spread, delta, bound) / epsilon,
        "corrected has the unit of tau": sp.expand(scaled - here / s),
        "printed has none": sp.expand(unscaled - as_printed(epsilon, spread, delta, bound)),
        "comparing the two players directly gains a factor 4": sp.expand(here - 4 * quarter),
    }


def degree(game: CollaborativeGame, eq: Equilibrium) -> float:
    """Degree of free-riding: largest less smallest expected cost, in payoff units."""
    return float(np.ptp([x @ c for x, c in zip(eq.strategies, game.costs, strict=True)]))


def random_symmetric(rng: Any, players: int, actions: int) -> CollaborativeGame:
    """A random symmetric collaborative game whose payoffs have unit range.

    Half of them substitutes (one worker is nearly enough), where free-riding is likely.
    """
    reward = rng.random((actions,) * players)
    costs = rng.random(actions) * 10.0 ** rng.uniform(-1.5, 0.0)
    if rng.random() < 0.5:
        reward = 0.3 * rng.uniform() * reward
        # all but the profile in which every player takes its last action
        reward += 1.0
        reward[(-1,) * players] = 0.0
        costs[-1] = 0.0
    reward = sum(np.transpose(reward, order) for order in permutations(range(players)))
    span = float(np.ptp(reward - costs.reshape(-1, *[1] * (players - 1))))
    return CollaborativeGame(reward / span, [costs / span] * players)


def scaled(game: CollaborativeGame, by: float) -> CollaborativeGame:
    """The game with payoffs in another unit."""
    return CollaborativeGame(by * game.reward, [by * c for c in game.costs])


def riders(
    game: CollaborativeGame, tau: Any, epsilon: Any, seed: int
) -> Iterator[tuple[Equilibrium, float]]:
    """Every RQE found that free-rides, with its degree."""
    smallest = 1e-6 * sizes(game).costs
    for eq in enumerate_rqe(game, tau, epsilon, starts=8, rounds=2, follow=False, seed=seed):
        found = degree(game, eq)
        if found > smallest:
            yield eq, found


def _attitude(rng: Any) -> tuple[float, float]:
    # free-riding needs tau epsilon of order 1; both sides of that are drawn
    epsilon = 10.0 ** rng.uniform(-2.0, 0.0)
    return float(10.0 ** rng.uniform(-1.5, 0.7) / epsilon), float(epsilon)


def check(draws: int, seed: int) -> Table:
    """Random collaborative games: how much of each bound the RQE that free-ride use up."""
    return table(
        "bounds on free-riding",
        collect(
            (numbers for part in (_two, _three, _unequal, _any) for numbers in part(draws, seed)),
            BOUNDS,
        ),
    )


def _two(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng([seed, 0])
    names = list(BOUNDS)
    for k in range(draws):
        game = random_symmetric(rng, 2, int(rng.integers(2, 4)))
        (tau, epsilon), scale, found = _attitude(rng), 10.0 ** rng.uniform(-4.0, 4.0), sizes(game)
        small = scaled(game, scale)
        measured = sizes(small)
        for eq, _ in riders(small, tau / scale, epsilon * scale, k):
            delta = degree(small, eq)
            numbers = {
                names[0]: tau / scale / _full(measured, epsilon * scale, delta),
                names[1]: tau / scale / sharpest(measured, epsilon * scale, delta),
            }
            if found.actions == 2:
                at_unit = printed(found, epsilon, delta / scale, found.payoffs)
                numbers[names[2]] = tau / at_unit
            yield numbers


def _three(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng([seed, 1])
    names = list(BOUNDS)
    for k in range(max(1, draws // 4)):
        game, (tau, epsilon) = random_symmetric(rng, 3, 2), _attitude(rng)
        found = sizes(game)
        for _, delta in riders(game, tau, epsilon, k):
            yield {
                names[3]: tau / _full(found, epsilon, delta),
                names[4]: tau / sharpest(found, epsilon, delta),
            }


def _unequal(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng([seed, 2])
    for k in range(max(1, draws // 4)):
        game, (tau, epsilon) = random_symmetric(rng, 2, 2), _attitude(rng)
        taus = tau, tau * 10.0 ** rng.uniform(0.0, 2.0)
        rarest = -log_least(game.own_payoffs[0], epsilon)
        for eq, _ in riders(game, taus, epsilon, k):
            apart = float(np.abs(eq[0] - eq[1]).sum())
            limit = rarest * (1.0 / taus[0] + 1.0 / taus[1])
            yield {list(BOUNDS)[5]: epsilon * apart**2 / limit}


def _any(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng([seed, 3])
    for _ in range(max(1, draws // 4)):
        game, (tau, epsilon) = random_asymmetric(rng), _attitude(rng)
        eq, safe = solve_rqe(game, tau, epsilon), solve_rqe(game, np.inf, epsilon)
        least = [log_least(u, epsilon) for u in game.own_payoffs]
        for i in (0, 1):
            apart = float(np.abs(eq[i] - safe[i]).sum())
            yield {list(BOUNDS)[6]: epsilon * tau * apart**2 / -least[1 - i]}


def _full(found: Sizes, epsilon: float, delta: float) -> float:
    return corrected(found, epsilon, delta, found.own)


def random_asymmetric(rng: Any, *, same_reward: bool = False) -> CollaborativeGame:
    """A random two-player collaborative game that is the same to neither player.

    Parameters
    ----------
    rng : Generator
    same_reward : bool
        A symmetric reward and costs that differ; else costs that are the same.
    """
    reward, costs = rng.random((2, 2)), rng.random((2, 2))
    if same_reward:
        return CollaborativeGame(0.5 * (reward + reward.T), costs)
    return CollaborativeGame(reward, [costs[0], costs[0]])


def beyond(draws: int, seed: int) -> Table:
    """The same search where the proof does not reach: what the bounds miss by, and how often.

    For the printed bound, every RQE found that free-rides in `draws` symmetric games. For games
    that are not symmetric, and for unequal ``epsilon``, the principal RQE of `draws` games, at a
    ``tau`` around the bound of half the largest possible degree.
    """
    return table(
        "bounds on free-riding beyond their range",
        collect((n for part in (_printed, _asymmetric, _noise) for n in part(draws, seed)), BEYOND),
    )


def _printed(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng([seed, 4])
    names = list(BEYOND)
    for k in range(draws):
        actions, (tau, epsilon) = 2 + k % 2, _attitude(rng)
        game = random_symmetric(rng, 2, actions)
        found = sizes(game)
        for _, delta in riders(game, tau, epsilon, k):
            # the RQE of the game x s are those of the game, at tau / s and epsilon x s
            at_unit = tau / printed(found, epsilon, delta, found.payoffs)
            yield {names[0]: at_unit / 1e-3, **({names[1]: at_unit} if actions == 3 else {})}


def _asymmetric(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng([seed, 5])
    for k in range(draws):
        game = random_asymmetric(rng, same_reward=bool(k % 2))
        found, epsilon = sizes(game), float(10.0 ** rng.uniform(-2.0, 0.0))
        tau = _full(found, epsilon, 0.5 * found.costs) * 10.0 ** rng.uniform(-1.0, 1.0)
        delta = max(degree(game, solve_rqe(game, tau, epsilon)), ROUNDING)
        yield {list(BEYOND)[2 + k % 2]: tau / _full(found, epsilon, delta)}


def _noise(draws: int, seed: int) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng([seed, 6])
    for _ in range(draws):
        game, epsilon = random_symmetric(rng, 2, 2), 10.0 ** rng.uniform(-2.0, 0.0, 2)
        found, low = sizes(game), float(epsilon.min())
        tau = _full(found, low, 0.5 * found.costs) * 10.0 ** rng.uniform(-1.0, 1.0)
        delta = max(degree(game, solve_rqe(game, tau, epsilon)), ROUNDING)
        yield {list(BEYOND)[4]: tau / _full(found, low, delta)}


def one_worker() -> CollaborativeGame:
    """A collaborative game in which only the first player's work counts; costs are the same.

    ``R = 1`` if and only if the first player works, cost 0.4: at ``epsilon = 0.2`` the players work
    with probabilities ``1/(1 + e^-3)`` and ``1/(1 + e^2)`` at EVERY ``tau``.
    """
    return CollaborativeGame([[1.0, 1.0], [0.0, 0.0]], [[0.4, 0.0]] * 2, name="one worker")


def three_actions() -> CollaborativeGame:
    """A symmetric game with payoffs in [0, 1] that breaks the printed bound, unit range or not.

    At ``epsilon = 0.005, tau = 600`` it has an RQE of degree 0.04405, for which 544 is printed;
    the bound of two actions, ``(c_max - c_min)/(epsilon delta)``, it exceeds by a factor 2.6.
    """
    reward = [[0.9, 0.83, 0.86], [0.83, 0.0, 0.6], [0.86, 0.6, 1.0]]
    return CollaborativeGame(reward, [[0.05, 0.0, 0.0]] * 2, name="three actions")


STATEMENT = Statement(
    name="free_riding",
    source="SRA Thm 4.2",
    says=(
        "In a symmetric finite collaborative game with common tau and epsilon no RQE has a degree "
        "of free-riding (difference of two players' expected costs) above delta if tau exceeds "
        "2 (epsilon log n + v)(c_max - c_min)^2 / (epsilon^2 delta^2), v a bound on what a change "
        "of own action can gain. Comparing the two players directly, not each with the security "
        "strategy, proves a quarter of that, for any number of players; also "
        "s (c_max - c_min)^2 / (4 epsilon^2 delta^2), s the most that the others can change such "
        "a gain; and with two actions (c_max - c_min)/(epsilon delta), whose constant is the "
        "best possible."
    ),
    verdict="holds with a correction",
    derive=derive,
    check=check,
    correction=(
        "epsilon^2 where epsilon is printed: the strong concavity step gives "
        "|x - x*|_1 <= sqrt(2 C/(epsilon tau)) with C = log n + v/epsilon. For that step v must "
        "bound gains (differences of payoffs over own actions), not absolute payoffs; the "
        "theorem, having a factor 4 to spare, survives v = max|u|. With two actions the "
        "printed bound is true all the same where v >= 1/2, which is why payoffs of unit range "
        "do not break it there; with three they do"
    ),
    counterexample=(
        "printed bound: R in {0, 0.01} (0 if both defect), cost 0.004, epsilon = 0.002, tau = 50 "
        "has an RQE of degree 0.0022494, for which 48.65 is printed (corrected 24,327). "
        "At unit range too: R = [[0.9, 0.83, 0.86], [0.83, 0, 0.6], [0.86, 0.6, 1]], c = "
        "(0.05, 0, 0), epsilon = 0.005, tau = 600, degree 0.04405, printed 544. "
        "Asymmetric games, any constant: R = 1 if and only if player 1 works, cost 0.4, epsilon = "
        "0.2 has degree 1/3 at every tau, although costs are the same; symmetric games with "
        "unequal epsilon likewise. What is left there: each player is near its own security "
        "strategy, |x_i - x_i*|_1^2 <= C_i/(epsilon_i tau_i). With three actions the bound "
        "(c_max - c_min)/(epsilon delta) fails: the three-action game exceeds it 2.6 times"
    ),
)
