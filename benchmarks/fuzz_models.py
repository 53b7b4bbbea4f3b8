"""Cases of the fuzz run that build games, attitudes and data from hostile values.

A constructor refuses with a `ValueError` that names an argument, or builds exactly what it was
given: read-only copies, whatever becomes of the caller's arrays.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

import games
import rqe
from benchmarks.hostile import (
    anything,
    array,
    attempt,
    damaged,
    number,
    require,
    shown,
    thing,
    word,
)
from rqe.analysis.estimation import Observation

MEASURES = (rqe.Entropic, rqe.ReverseKL, rqe.ChiSquared, rqe.TotalVariation, rqe.CVaR)
RULES = (rqe.NegEntropy, rqe.LogBarrier)


def shape_of(rng: np.random.Generator) -> tuple[int, ...]:
    """Actions of 1 to 4 players."""
    return tuple(int(k) for k in rng.integers(1, 5, size=rng.integers(1, 5)))


def labels(rng: np.random.Generator, count: int) -> Any:
    """Labels, mostly good ones."""
    if rng.random() < 0.7:
        return None
    if rng.random() < 0.3:
        return thing(rng)
    return [word(rng) if rng.random() < 0.3 else f"p{k}" for k in range(count)]


def normal_form(rng: np.random.Generator, place: Path) -> str:
    """`NormalFormGame` of payoffs that are mostly wrong somewhere."""
    shape = shape_of(rng)
    n = len(shape)
    payoffs: Any = [array(rng, shape) for _ in range(n)]
    for _ in range(int(rng.integers(3))):
        at = int(rng.integers(len(payoffs)))
        value = payoffs[at]
        payoffs[at] = damaged(rng, value) if isinstance(value, np.ndarray) else anything(rng)
    choice = rng.random()
    if choice < 0.1:
        payoffs = anything(rng)
    elif choice < 0.2:
        payoffs = payoffs[:-1] if rng.random() < 0.5 else payoffs * 2
    elif choice < 0.3:
        payoffs = tuple(payoffs)
    given = {
        "players": labels(rng, n),
        "actions": None if rng.random() < 0.8 else [labels(rng, m) for m in shape],
        "name": "" if rng.random() < 0.8 else word(rng),
    }
    call = lambda: rqe.NormalFormGame(payoffs, **given)  # noqa: E731
    game = attempt(call, ["payoffs", "players", "actions", "name"])
    shown(game)
    for own, mine in zip(game.payoffs, payoffs, strict=True):
        exactly(own, mine)
    return "answered"


def exactly(kept: np.ndarray, given: Any) -> None:
    """A read-only array holds the doubles that are nearest to what was given, in its own memory."""
    with np.errstate(all="ignore"):
        nearest = np.asarray(given).astype(np.float64)
    require(kept.dtype == np.float64 and not kept.flags.writeable, "an array that can be written")
    require(not np.ma.is_masked(given), "masked entries taken for numbers")
    require(np.isfinite(kept).all(), "numbers that are not finite")
    require(kept.shape == nearest.shape and np.array_equal(kept, nearest), "other numbers")
    if isinstance(given, np.ndarray):
        require(not np.shares_memory(kept, given), "the caller's own memory")


def collaborative(rng: np.random.Generator, place: Path) -> str:
    """`CollaborativeGame` of a hostile reward and costs."""
    shape = shape_of(rng)
    reward: Any = array(rng, shape)
    costs: Any = [array(rng, (m,)) for m in shape]
    choice = rng.random()
    if choice < 0.3:
        reward = damaged(rng, reward)
    elif choice < 0.6:
        at = int(rng.integers(len(costs)))
        costs[at] = damaged(rng, costs[at])
    elif choice < 0.7:
        costs = anything(rng)
    players = labels(rng, len(shape))
    game = attempt(
        lambda: rqe.CollaborativeGame(reward, costs, players=players),
        ["reward", "costs", "players", "payoffs"],
    )
    shown(game)
    exactly(game.reward, reward)
    for own, mine in zip(game.costs, costs, strict=True):
        exactly(own, mine)
    return "answered"


def quadratic(rng: np.random.Generator, place: Path) -> str:
    """`QuadraticGame` and `AggregativeGame` of hostile matrices."""
    n = int(rng.integers(1, 4))
    if rng.random() < 0.5:
        size = int(rng.integers(1, 4))
        root = rng.normal(size=(size, size))
        parts: dict[str, Any] = {
            "H": (root @ root.T + np.eye(size)) * 10.0 ** rng.choice([-150, -8, 0, 0, 0, 8, 150]),
            "target": array(rng, (size,)),
            "rho": np.abs(array(rng, (n,))),
        }
        make: Any = rqe.AggregativeGame
    else:
        dims = [int(k) for k in rng.integers(1, 3, size=n)]
        total = sum(dims)
        noise = [0.3 * rng.normal(size=(total, total)) for _ in range(n)]
        parts = {
            "H": [(m + m.T - 3.0 * np.eye(total)) * 10.0 ** rng.choice([-150, 0, 0, 150])
                  for m in noise],
            "h": [array(rng, (total,)) for _ in range(n)],
            "dims": dims,
        }  # fmt: skip
        make = rqe.QuadraticGame
    if rng.random() < 0.7:
        key = list(parts)[rng.integers(len(parts))]
        value = parts[key]
        if isinstance(value, list):
            at = int(rng.integers(len(value)))
            parts[key] = [*value[:at], damaged(rng, np.asarray(value[at])), *value[at + 1 :]]
        else:
            parts[key] = damaged(rng, np.asarray(value))
    shown(attempt(lambda: make(**parts), [*parts, "target"]))
    return "answered"


def markov(rng: np.random.Generator, place: Path) -> str:
    """`MarkovGame` of hostile rewards, transitions and horizons."""
    from scipy import sparse

    states = int(rng.integers(1, 4))
    shape = tuple(int(k) for k in rng.integers(1, 3, size=rng.integers(1, 3)))
    rewards: Any = array(rng, (states, len(shape), *shape))
    moves: Any = rng.random((states, *shape, states)) + 1e-3
    moves = moves / moves.sum(axis=-1, keepdims=True)
    choice = rng.random()
    if choice < 0.25:
        rewards = damaged(rng, rewards)
    elif choice < 0.5:
        moves = damaged(rng, moves)
    elif choice < 0.6:
        moves = sparse.csr_array(moves.reshape(-1, states))
        if rng.random() < 0.6:
            moves.data[rng.integers(moves.nnz)] = number(rng)
        if rng.random() < 0.3:
            moves = moves.tocoo()
        if rng.random() < 0.2:
            moves = moves.astype(np.complex128)
    given: dict[str, Any] = {"discount": 0.9} if rng.random() < 0.5 else {"horizon": 3}
    if rng.random() < 0.3:
        given[str(rng.choice(["discount", "horizon", "initial"]))] = anything(rng)
    if rng.random() < 0.2:
        given["states"] = labels(rng, states)
    names = ["rewards", "transitions", "discount", "horizon", "initial", "states"]
    game = attempt(lambda: rqe.MarkovGame(rewards, moves, **given), names)
    shown(game)
    exactly(game.rewards, rewards)
    totals = np.asarray(game.transitions.sum(axis=1)).ravel()
    require(np.allclose(totals, 1.0, rtol=0, atol=1e-12), "rows that do not sum to 1")
    return "answered"


def agent(rng: np.random.Generator, place: Path) -> str:
    """Risk measures, regularisers and agents of hostile degrees."""
    value = anything(rng)
    kind = (*MEASURES, *RULES, rqe.Tsallis)[rng.integers(8)]
    degree = {rqe.CVaR: "alpha"}.get(kind, "tau" if kind in MEASURES else "epsilon")

    def make() -> Any:
        part = kind(1.5, value) if kind is rqe.Tsallis and rng.random() < 0.5 else kind(value)
        if kind in MEASURES:
            other = rqe.NegEntropy(1.0) if rng.random() < 0.9 else thing(rng)
            return rqe.Agent(part, other)
        form = "aggregate" if rng.random() < 0.9 else thing(rng)
        return rqe.Agent(rqe.Entropic(1.0), part, form)

    found = attempt(make, [degree, "q", "risk", "regularizer", "form", "environment"])
    shown(found)
    part = found.risk if kind in MEASURES else found.regularizer
    numbers = [getattr(part, f.name) for f in dataclasses.fields(part)]
    require(all(type(k) is float and k >= 0.0 for k in numbers), f"a degree of {numbers}")
    return "answered"


def observation(rng: np.random.Generator, place: Path) -> str:
    """Choice counts of a named game."""
    game: Any = games.chicken() if rng.random() < 0.9 else thing(rng)
    counts: Any = [rng.integers(0, 50, size=(2, 2)).astype(float) for _ in range(2)]
    choice = rng.random()
    if choice < 0.5:
        counts[0] = damaged(rng, counts[0])
    elif choice < 0.7:
        counts[1][rng.integers(2), rng.integers(2)] = number(rng)
    elif choice < 0.8:
        counts = anything(rng)
    found = attempt(lambda: Observation(game, counts), ["game", "counts"])
    shown(found)
    for kept, given in zip(found.counts, counts, strict=True):
        exactly(kept, np.atleast_2d(given) if not np.ma.isMaskedArray(given) else given)
    return "answered"
