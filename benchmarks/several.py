"""Games of two to five players, zero-sum games and Markov games, beside plain SciPy and NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

import rqe

from . import plain
from .measure import Row, Section, columns, race, ratio, require
from .peers import calls, profile, stored
from .structured import softmax, tilted

SOLVED = 1e-9
"""Largest residual of an answer that is timed, by the definition written out here."""
DISCOUNT = 0.9


def replies(payoffs: np.ndarray, play: list[np.ndarray], tau: float, epsilon: float) -> list:
    """Everyone's quantal reply to worst-case beliefs (SRA eqs. 1 and 2), player by player."""
    count, out = len(play), []
    for i in range(count):
        others = [play[j] for j in range(count) if j != i]
        q = others[0]
        for x in others[1:]:
            q = np.multiply.outer(q, x)
        own = np.moveaxis(payoffs[i], i, 0).reshape(len(play[i]), -1)
        p = tilted(q.ravel(), play[i] @ own, tau)
        out.append(softmax(own @ p / epsilon))
    return out


def by_root(payoffs: np.ndarray, tau: float, epsilon: float) -> list[np.ndarray]:
    """A profile that replies to itself, by `scipy.optimize.root` from the uniform one."""
    sizes = payoffs.shape[1:]
    cuts = np.cumsum(sizes)[:-1]

    def gap(flat: np.ndarray) -> np.ndarray:
        play = [softmax(part) for part in np.split(flat, cuts)]
        logs = [np.log(x) for x in replies(payoffs, play, tau, epsilon)]
        return flat - np.concatenate([x - x.mean() for x in logs])

    found = scipy.optimize.root(gap, np.zeros(sum(sizes)), tol=1e-12)
    return [softmax(part) for part in np.split(found.x, cuts)]


def residual(payoffs: np.ndarray, play: list[np.ndarray], tau: float, epsilon: float) -> float:
    """Largest difference of a probability from the reply."""
    best = replies(payoffs, play, tau, epsilon)
    return max(float(np.abs(a - b).max()) for a, b in zip(play, best, strict=True))


def players_row(shape: tuple[int, ...], tau: float, epsilon: float, repeats: int) -> Row:
    """One random game of any number of players."""
    payoffs = np.random.default_rng(0).random((len(shape), *shape))
    game = rqe.NormalFormGame(payoffs)
    timings, (eq, root) = race(
        [lambda: rqe.solve_rqe(game, tau, epsilon), lambda: by_root(payoffs, tau, epsilon)],
        repeats,
    )
    found = residual(payoffs, list(eq.strategies), tau, epsilon)
    require(max(found, eq.residual) <= SOLVED, f"residual {found:.1e} of {eq!r}")
    away = residual(payoffs, root, tau, epsilon)
    solved = away <= SOLVED
    return {
        "game": " × ".join(map(str, shape)),
        "tau": f"{tau:g}",
        "epsilon": f"{epsilon:g}",
        "rqe": str(timings[0]),
        "scipy root": str(timings[1]) if solved else f"**not solved**, {timings[1]}",
        "ratio": ratio(timings[1].median, timings[0].median) if solved else "—",
        "residual": f"{found:.0e}",
        "regret bound": f"{eq.max_regret:.0e}",
    }


PLAYERS = Section(
    "RQE of two to five players",
    "No peer computes RQE: beside it stands `scipy.optimize.root` (MINPACK) on the definition, "
    "from uniform play, in 15 lines of NumPy, which finds some root, if any, and no evidence. "
    "Random payoffs, seed 0.",
    players_row,
    quick=[
        {"shape": (5,) * n, "tau": 2.0, "epsilon": e, "repeats": 5}
        for n in (2, 3, 4)
        for e in (0.2, 0.05)
    ],
    more=[{"shape": (5,) * 5, "tau": 2.0, "epsilon": e, "repeats": 3} for e in (0.2, 0.05)]
    + [{"shape": (20, 20, 20), "tau": 2.0, "epsilon": 0.1, "repeats": 3}],
    smallest={"shape": (2, 3, 2), "tau": 2.0, "epsilon": 0.2, "repeats": 2},
)


def by_program(payoff: np.ndarray) -> list[np.ndarray]:
    """Both players' optimal strategies by `scipy.optimize.linprog`, from one linear programme."""
    n, m = payoff.shape
    found = scipy.optimize.linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=np.hstack([-payoff.T, np.ones((m, 1))]),
        b_ub=np.zeros(m),
        A_eq=np.append(np.ones(n), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0.0, None)] * n + [(None, None)],
    )
    other = -found.ineqlin.marginals
    return [found.x[:n], other / other.sum()]


def zero_row(n: int, repeats: int) -> Row:
    """One random zero-sum game."""
    payoff = np.random.default_rng(n).random((n, n))
    arrays = np.stack([payoff, -payoff])
    game = rqe.NormalFormGame(arrays)
    theirs = calls("nash", payoffs=stored(arrays), method="lp_solve", options={"rational": False})
    runs: list[Callable[[], Any]] = [
        lambda: rqe.solve_nash(game, method="zero-sum"),
        lambda: by_program(payoff),
        *theirs,
    ]
    timings, (found, scipys, *gambits) = race(runs, repeats)
    names = ["scipy linprog", *(call.peer.name for call in theirs)]
    regrets = [plain.regret(arrays, found[0].strategies), plain.regret(arrays, scipys)]
    regrets += [plain.regret(arrays, profile(answer[0])) for answer in gambits]
    require(max(regrets) <= 1e-7, f"regrets {regrets}")
    require(regrets[0] <= SOLVED, f"regret {regrets[0]:.1e} of ours")
    return {
        "game": f"{n} × {n}",
        **columns(names, timings),
        "regret, rqe": f"{regrets[0]:.0e}",
        "largest other regret": f"{max(regrets[1:]):.0e}",
    }


ZERO = Section(
    "Zero-sum games",
    '`solve_nash(method="zero-sum")`, certificate included, the linear programme in SciPy (HiGHS) '
    "alone, and pygambit's `lp_solve` in floating point. Uniform payoffs, seed n.",
    zero_row,
    quick=[{"n": 20, "repeats": 7}],
    more=[{"n": 100, "repeats": 5}, {"n": 200, "repeats": 3}],
    smallest={"n": 4, "repeats": 2},
)


def random_markov(states: int, actions: int) -> rqe.MarkovGame:
    """Two players, uniform rewards, transitions from the flat Dirichlet law, discount 0.9."""
    rewards, nexts = _draw(states, actions)
    return rqe.MarkovGame(rewards, nexts, discount=DISCOUNT)


def _draw(states: int, actions: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(states)
    shape = (actions, actions)
    rewards = rng.random((states, 2, *shape))
    return rewards, rng.dirichlet(np.ones(states), size=(states, *shape))


def by_sweeps(
    rewards: np.ndarray, nexts: np.ndarray, tau: float, epsilon: float, tol: float
) -> list[np.ndarray]:
    """Policies by simultaneous replies and values, in NumPy; damped, until both stand still."""
    states, _, n, m = rewards.shape
    values = np.zeros((states, 2))
    play = [np.full((states, k), 1.0 / k) for k in (n, m)]
    for _ in range(20_000):
        moved = 0.0
        new_values, new_play = np.empty_like(values), []
        for i in range(2):
            stage = rewards[:, i] + DISCOUNT * (nexts @ values[:, i])
            own = stage if i == 0 else np.swapaxes(stage, 1, 2)
            x, q = play[i], play[1 - i]
            outcomes = np.einsum("sa,sab->sb", x, own)
            weight = q * np.exp(-tau * (outcomes - outcomes.min(axis=1, keepdims=True)))
            total = weight.sum(axis=1)
            certain = outcomes.min(axis=1) - np.log(total) / tau
            logits = np.einsum("sab,sb->sa", own, weight / total[:, None]) / epsilon
            reply = np.exp(logits - logits.max(axis=1, keepdims=True))
            reply /= reply.sum(axis=1, keepdims=True)
            new_values[:, i] = certain - epsilon * (x * np.log(x)).sum(axis=1)
            new_play.append(0.5 * x + 0.5 * reply)
            moved = max(moved, float(np.abs(reply - x).max()))
        moved = max(moved, float(np.abs(new_values - values).max()))
        values, play = new_values, new_play
        if moved <= tol:
            break
    return play


def markov_row(states: int, actions: int, tau: float, epsilon: float, repeats: int) -> Row:
    """One random discounted game."""
    game, drawn = random_markov(states, actions), _draw(states, actions)
    timings, (eq, swept) = race(
        [
            lambda: rqe.solve_rqe(game, tau, epsilon),
            lambda: by_sweeps(*drawn, tau, epsilon, 1e-11),
        ],
        repeats,
    )
    require(eq.residual <= 1e-8, f"not solved: {eq!r}")
    gap = max(
        float(np.abs(np.asarray(a) - b).max()) for a, b in zip(eq.policies, swept, strict=True)
    )
    require(gap <= 1e-6, f"policies differ by {gap:.1e} from the sweeps'")
    return {
        "states": states,
        "actions": f"{actions} × {actions}",
        "tau": f"{tau:g}",
        "epsilon": f"{epsilon:g}",
        "rqe": str(timings[0]),
        "sweeps in NumPy": str(timings[1]),
        "ratio": ratio(timings[1].median, timings[0].median),
        "residual": f"{eq.residual:.0e}",
        "difference": f"{gap:.0e}",
    }


MARKOV = Section(
    "Stage solves of discounted Markov games",
    "Ours solves every state's stage game and the values by Newton's method, with the evidence; "
    "beside it damped replies and values of all states at once in 30 lines of NumPy, which "
    "converge at these large `epsilon`. Random rewards and transitions, discount 0.9, seed = "
    "states.",
    markov_row,
    quick=[{"states": 20, "actions": 3, "tau": 1.0, "epsilon": 0.5, "repeats": 3}],
    more=[
        {"states": s, "actions": a, "tau": 1.0, "epsilon": 0.5, "repeats": 3}
        for s, a in ((100, 3), (20, 10))
    ],
    smallest={"states": 3, "actions": 2, "tau": 1.0, "epsilon": 0.5, "repeats": 2},
)
