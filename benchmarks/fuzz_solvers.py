"""Cases of the fuzz run that solve games, of any scale and attitude; every answer is judged again.

A solver refuses with a `ValueError` that names an argument, raises `ConvergenceError`, or returns
what `benchmarks.recheck` and the definitions below cannot refute.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import rqe
from benchmarks.fuzz_models import MEASURES, RULES, shape_of
from benchmarks.hostile import anything, array, attempt, damaged, number, require, shown, thing
from benchmarks.recheck import CLAIMS, refuted
from benchmarks.recheck_more import gaussian_refuted, general_refuted, markov_refuted
from benchmarks.soak import claims_refuted

NAMES = ("payoffs", "tau", "epsilon", "game", "range", "start", "lam", "method", "select", "tol",
         "max_step", "agents", "rewards", "seed", "parameter", "stop", "weights", "at",
         "q")  # fmt: skip
TOL = 1e-10


def arrays(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Payoffs of all players, finite ones."""
    out = np.stack([array(rng, shape) for _ in shape])
    return np.where(np.isfinite(out), out, 1.0)


def attitude(rng: np.random.Generator, payoffs: np.ndarray, name: str) -> Any:
    """Degrees in proportion to the payoffs' ranges, or hostile ones."""
    n = len(payoffs)
    if rng.random() < 0.12:
        return anything(rng)
    with np.errstate(over="ignore"):
        span = np.minimum(np.ptp(payoffs.reshape(n, -1), axis=1), 1e300)
    span = np.where(span > 0.0, span, 1.0)
    if name == "tau":
        value = 10.0 ** rng.uniform(-10, 8, size=n)
        value[rng.random(n) < 0.15], value[rng.random(n) < 0.1] = 0.0, np.inf
        with np.errstate(over="ignore"):
            value = value / span
    else:
        with np.errstate(over="ignore"):
            value = 10.0 ** rng.uniform(-5, 9, size=n) * span
        value[rng.random(n) < 0.03] = 0.0
    if rng.random() < 0.05:
        value[rng.integers(n)] = number(rng)
    return float(value[0]) if rng.random() < 0.5 else value


def options(rng: np.random.Generator, shape: tuple[int, ...], methods: tuple[str, ...]) -> Any:
    """Keywords, mostly left out; a bounded number of steps, so that a case ends."""
    out: dict[str, Any] = {"max_steps": int(rng.choice([1, 20, 200, 200, 200]))}
    if rng.random() < 0.3:
        out["method"] = str(rng.choice(methods))
    if rng.random() < 0.15:
        out["select"] = str(rng.choice(["principal", "any"]))
    if rng.random() < 0.1:
        out["start"] = [rng.dirichlet(np.ones(m)) for m in shape]
        if rng.random() < 0.4:
            out["start"] = damaged(rng, np.array([rng.dirichlet(np.ones(m)) for m in shape[:1]]))
    if rng.random() < 0.05:
        key = str(rng.choice(["max_steps", "tol", "method", "select", "start"]))
        out[key] = anything(rng)
    if isinstance(out.get("max_steps"), (int, float)) and out["max_steps"] > 200:
        out["max_steps"] = 200
    return out


def doubles(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Degrees as the package takes them."""
    with np.errstate(over="ignore"):
        return np.broadcast_to(value, shape).astype(float)


def certain(rng: np.random.Generator, game: Any, eq: Any, tau: Any, epsilon: Any, tol: Any) -> str:
    """The claims about an equilibrium stand."""
    shown(eq)
    n = game.n_players
    t, e = doubles(tau, (n,)), doubles(epsilon, (n,))
    wrong = claims_refuted(np.stack(game.payoffs), eq, t, e, float(tol))
    require(not wrong, f"{'; '.join(wrong)}: {eq!r}")
    require(eq.status is rqe.Status.CONVERGED, f"{eq.status} without an error")
    return "answered"


def rqe_(rng: np.random.Generator, place: Path) -> str:
    """`solve_rqe`."""
    shape = shape_of(rng)
    payoffs = arrays(rng, shape)
    game: Any = rqe.NormalFormGame(payoffs) if rng.random() < 0.98 else thing(rng)
    tau, epsilon = attitude(rng, payoffs, "tau"), attitude(rng, payoffs, "epsilon")
    more = options(rng, shape, ("auto", "homotopy", "fixed_point", "newton", "no_regret"))
    eq = attempt(lambda: rqe.solve_rqe(game, tau, epsilon, **more), NAMES)
    return certain(rng, game, eq, tau, epsilon, more.get("tol", TOL))


def qre(rng: np.random.Generator, place: Path) -> str:
    """`solve_qre`, by epsilon or by lambda."""
    shape = shape_of(rng)
    payoffs = arrays(rng, shape)
    game = rqe.NormalFormGame(payoffs)
    epsilon = attitude(rng, payoffs, "epsilon")
    more = options(rng, shape, ("auto", "homotopy", "fixed_point", "newton"))
    if rng.random() < 0.3:
        lam = 0.0 if rng.random() < 0.2 else attitude(rng, payoffs, "tau")
        eq = attempt(lambda: rqe.solve_qre(game, lam=lam, **more), NAMES)
        epsilon = [a.regularizer.epsilon for a in eq.agents]
        given = np.broadcast_to(lam, (len(shape),)).astype(float)
        close = np.isclose(np.array(epsilon) * given, 1.0, rtol=1e-12) | (np.array(epsilon) >= 1e15)
        ranges = game.payoff_ranges
        require(np.all(close | (given * ranges < 1e-14)), f"epsilon {epsilon} for lambda {lam}")
    else:
        eq = attempt(lambda: rqe.solve_qre(game, epsilon, **more), NAMES)
    return certain(rng, game, eq, 0.0, epsilon, more.get("tol", TOL))


def nash(rng: np.random.Generator, place: Path) -> str:
    """`solve_nash`: every equilibrium of the set."""
    payoffs = arrays(rng, shape_of(rng))
    if rng.random() < 0.1 and len(payoffs) == 2:
        payoffs[1] = -payoffs[0]
    game = rqe.NormalFormGame(payoffs)
    more: dict[str, Any] = {"max_steps": int(rng.choice([3, 2000]))}
    if rng.random() < 0.5:
        kinds = ("auto", "vertex", "pure", "lemke-howson", "zero-sum", "homotopy")
        more["method"] = str(rng.choice(kinds))
    if rng.random() < 0.05:
        more[str(rng.choice(["start", "seed", "tol", "max_steps", "method"]))] = anything(rng)
    found = attempt(lambda: rqe.solve_nash(game, **more), NAMES)
    shown(found)
    for eq in found:
        certain(rng, game, eq, 0.0, 0.0, max(TOL, more.get("tol", TOL)))
    return "answered"


def security(rng: np.random.Generator, place: Path) -> str:
    """`solve_security`."""
    game = rqe.NormalFormGame(arrays(rng, shape_of(rng)))
    eq = attempt(lambda: rqe.solve_security(game), NAMES)
    return certain(rng, game, eq, np.inf, 0.0, TOL)


def many(rng: np.random.Generator, place: Path) -> str:
    """`solve_many`: a status a game, and the claims of those that are solved."""
    shape, count = shape_of(rng), int(rng.integers(0, 5))
    payoffs: Any = np.zeros((0, len(shape), *shape))
    if count:
        payoffs = np.stack([arrays(rng, shape) for _ in range(count)])
    tau = attitude(rng, payoffs[0] if count else np.ones((len(shape), 2)), "tau")
    epsilon = attitude(rng, payoffs[0] if count else np.ones((len(shape), 2)), "epsilon")
    if rng.random() < 0.15:
        payoffs = damaged(rng, payoffs)
    more = options(rng, shape, ("auto", "homotopy", "fixed_point", "newton"))
    more.pop("start", None)
    found = attempt(lambda: rqe.solve_many(payoffs, tau, epsilon, **more), NAMES)
    shown(found)
    if not len(found):
        return "answered"
    kept = np.asarray(payoffs).astype(float)
    t, e = (doubles(v, found.tau.shape) for v in (tau, epsilon))
    flags = refuted(kept, found, t, e, float(more.get("tol", TOL)))
    wrong = [c for c, f in zip(CLAIMS, flags, strict=True) if np.any(f & found.converged)]
    require(not wrong, f"{'; '.join(wrong)}: {found!r}")
    return "answered" if found.converged.all() else "not converged"


def general(rng: np.random.Generator, place: Path) -> str:
    """`solve` with agents of every risk measure and regulariser."""
    shape = shape_of(rng)[:3]
    payoffs = arrays(rng, shape)
    game = rqe.NormalFormGame(payoffs)

    def person(i: int) -> Any:
        span = float(min(np.ptp(payoffs[i]), 1e150)) or 1.0
        kind = MEASURES[rng.integers(len(MEASURES))]
        degree = rng.uniform(0.01, 1.0) if kind is rqe.CVaR else 10.0 ** rng.uniform(-4, 3) / span
        epsilon = 10.0 ** rng.uniform(-3, 4) * span
        rule = rqe.Tsallis(float(rng.choice([0.5, 1.5, 2.0])), epsilon)
        if rng.random() < 0.7:
            rule = RULES[rng.integers(len(RULES))](epsilon)
        form = "aggregate" if rng.random() < 0.8 else "action_dependent"
        return rqe.Agent(kind(degree), rule, form)

    agents = [person(i) for i in range(len(shape))]
    if rng.random() < 0.05:
        agents[0] = thing(rng)
    steps = int(rng.choice([20, 200]))
    eq = attempt(lambda: rqe.solve(game, agents, max_steps=steps), NAMES)
    shown(eq)
    wrong = general_refuted(game, eq, agents)
    require(not wrong, f"{wrong}: {eq!r} of {agents!r}")
    return "answered"


def gaussian(rng: np.random.Generator, place: Path) -> str:
    """Gaussian equilibria: the first-order conditions of players and of their adversaries."""
    n, size = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    root, unit = rng.normal(size=(size, size)), 10.0 ** rng.choice([-100, -8, 0, 0, 0, 8, 100])
    rho = unit * 10.0 ** rng.uniform(-6, 3, size=n)
    shared = unit * (root @ root.T + 0.1 * np.eye(size))
    tau = 10.0 ** rng.uniform(-6, 2, size=n) * (rng.random(n) < 0.9)
    epsilon = 10.0 ** rng.uniform(-6, 2, size=n) * (rng.random(n) < 0.9)
    tau, epsilon = tau / unit, epsilon * unit
    if rng.random() < 0.1:
        (tau if rng.random() < 0.5 else epsilon)[rng.integers(n)] = number(rng)
    try:
        game = rqe.AggregativeGame(shared, rng.normal(size=size), rho)
    except ValueError:
        return "refused"
    eq = attempt(lambda: rqe.solve_rqe(game, tau, epsilon), NAMES)
    shown(eq)
    wrong = gaussian_refuted(game, eq, tau, epsilon)
    require(not wrong, f"{wrong}: {eq!r}")
    return "answered"


def markov(rng: np.random.Generator, place: Path) -> str:
    """Markov games of two states: Bellman's equations."""
    shape = tuple(int(k) for k in rng.integers(1, 3, size=rng.integers(1, 3)))
    scale = 10.0 ** rng.choice([-8, 0, 0, 0, 8])
    rewards = scale * rng.random((2, len(shape), *shape))
    moves = rng.dirichlet(np.ones(2), size=(2, *shape))
    ending: Any = {"discount": float(rng.choice([0.0, 0.5, 0.9, 0.999]))}
    if rng.random() < 0.3:
        ending = {"horizon": int(rng.integers(1, 4))}
    game = rqe.MarkovGame(rewards, moves, **ending)
    tau, epsilon = 10.0 ** rng.uniform(-4, 2) / scale, 10.0 ** rng.uniform(-3, 3) * scale
    if rng.random() < 0.1:
        tau = number(rng)
    if rng.random() < 0.1:
        epsilon = number(rng)
    eq = attempt(lambda: rqe.solve_rqe(game, tau, epsilon, max_steps=200), NAMES)
    shown(eq)
    wrong = markov_refuted(game, eq, tau, epsilon)
    require(not wrong, f"{wrong}: {eq!r}")
    return "answered"


def trace(rng: np.random.Generator, place: Path) -> str:
    """`trace_rqe` of a small game: every point of every branch."""
    shape = (2, 2) if rng.random() < 0.7 else (2, 3)
    payoffs = np.round(rng.normal(size=(2, *shape)), 1)
    game = rqe.NormalFormGame(payoffs)
    given: Any = {"start": 0.0, "stop": float(rng.uniform(0.1, 5)), "epsilon": 0.3,
                  "max_step": 0.5, "max_steps": 100, "select": "principal"}  # fmt: skip
    if rng.random() < 0.4:
        key = list(given)[rng.integers(5)]
        given[key] = anything(rng)
    if isinstance(given["max_steps"], (int, float)) and given["max_steps"] > 1000:
        given["max_steps"] = 100
    path = attempt(lambda: rqe.trace_rqe(game, **given), NAMES)
    shown(path)
    epsilon = doubles(given["epsilon"], (2,))
    for branch in path.branches:
        for k in range(len(branch)):
            x = [s[k] for s in branch.strategies]
            residual = reply_gap(game, x, float(branch.parameter[k]), epsilon)
            stiff = (1.0 + branch.parameter[k]) / epsilon.min() * game.payoff_ranges.max() ** 2
            require(residual < 1e-8 + 1e-12 * stiff, f"a point of residual {residual}")
    return "answered"


def reply_gap(game: Any, x: list[np.ndarray], tau: float, epsilon: np.ndarray) -> float:
    """Residual of a two-player profile, in a few lines."""
    worst = 0.0
    for i in range(2):
        table = game.payoffs[i] if i == 0 else game.payoffs[i].T
        u = x[i] @ table
        p = x[1 - i] * np.exp(-tau * (u - u.min()))
        v = table @ (p / p.sum()) / epsilon[i]
        reply = np.exp(v - v.max())
        worst = max(worst, float(np.abs(reply / reply.sum() - x[i]).max()))
    return worst


def enumerated(rng: np.random.Generator, place: Path) -> str:
    """`enumerate_rqe` of 2 x 2 games: every equilibrium of the set."""
    payoffs = np.round(rng.normal(size=(2, 2, 2)), 1)
    game = rqe.NormalFormGame(payoffs)
    tau, epsilon = float(rng.uniform(0, 3)), float(10.0 ** rng.uniform(-1.5, 1))
    more: dict[str, Any] = {"starts": 8, "rounds": 2, "follow": False}
    if rng.random() < 0.2:
        tau = anything(rng)
    if rng.random() < 0.2:
        epsilon = anything(rng)
    found = attempt(lambda: rqe.enumerate_rqe(game, tau, epsilon, **more), NAMES)
    shown(found)
    for eq in found:
        certain(rng, game, eq, tau, epsilon, TOL)
    return "answered"
