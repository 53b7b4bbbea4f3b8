"""What hypothesis draws: games and attitudes that are awkward on purpose."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import rqe

SCALES = (1.0, 1.0, 1e-8, 1e8, 1e-3, 37.0)
KINDS = ("plain", "ties", "zero columns", "equal rows", "constant", "nearly tied")


@st.composite
def payoff_arrays(draw, shape, kind=None, scale=None):
    """Payoffs of one player: plain, with ties, zero columns, equal rows, or constant; any scale."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(KINDS)) if kind is None else kind
    scale = draw(st.sampled_from(SCALES)) if scale is None else scale
    shift = draw(st.sampled_from((0.0, 0.0, -0.5, 10.0)))
    if kind == "ties":
        base = rng.integers(0, 3, shape).astype(float)
    elif kind == "constant":
        base = np.ones(shape)
    else:
        base = rng.random(shape)
    if kind == "zero columns":
        base[..., 0] = 0.0
    if kind == "equal rows":
        base[...] = base[:1]
    if kind == "nearly tied":
        base = np.round(base) + 1e-9 * base
    return scale * (base + shift)


@st.composite
def shapes(draw, players=(2, 5), most=4):
    """Action counts with 1 x n and n x 1 among them; at most 256 profiles."""
    count = draw(st.integers(*players))
    most = min(most, {2: 6, 3: 4, 4: 3}.get(count, 3))
    return tuple(draw(st.sampled_from((*range(1, most + 1), 2, 2))) for _ in range(count))


@st.composite
def games(draw, players=(2, 5), most=4, scale=None):
    """Games of 2 to 5 players, each player's payoffs with a kind and a scale of its own."""
    shape = draw(shapes(players, most))
    return rqe.NormalFormGame([draw(payoff_arrays(shape, scale=scale)) for _ in shape])


RELATIVE_TAU = (0.0, 1e-8, 1e-4, 0.1, 1.0, 5.0, 30.0, 1e3, 1e6, np.inf)
RELATIVE_EPSILON = (1e-3, 1e-2, 0.05, 0.2, 1.0, 10.0, 1e4)


@st.composite
def attitudes(draw, game, taus=RELATIVE_TAU, epsilons=RELATIVE_EPSILON):
    """A ``tau`` and an ``epsilon`` a player, in the units of the player's payoff range."""
    span = np.where(game.payoff_ranges > 0.0, game.payoff_ranges, 1.0)
    tau = [draw(st.sampled_from(taus)) / s for s in span]
    epsilon = [draw(st.sampled_from(epsilons)) * s for s in span]
    return np.array(tau), np.array(epsilon)


@st.composite
def distributions(draw, size, zeros=True):
    """Probabilities: uniform, random, nearly pure, or with exact zeros."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(("uniform", "random", "skewed", "zeros" if zeros else "random")))
    if kind == "uniform":
        return np.full(size, 1.0 / size)
    p = rng.dirichlet(np.full(size, 0.1 if kind == "skewed" else 1.0))
    p = np.maximum(p, 1e-300)
    if kind == "zeros":
        p = np.where(rng.random(size) < 0.4, 0.0, p)
        p[rng.integers(size)] += 0.1
    return p / p.sum()


@st.composite
def profiles(draw, game):
    """One mixed strategy a player, as log-probabilities (zeros become ``-inf``)."""
    with np.errstate(divide="ignore"):
        return tuple(np.log(draw(distributions(n))) for n in game.shape)
