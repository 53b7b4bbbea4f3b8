"""Time and evidence of equilibria of random Markov games.

Run ``python -m benchmarks.markov [--seeds 5]``; `benchmarks.gridworld` has a larger one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

import rqe

COLUMNS = ("game", "tau", "epsilon", "status", "Bellman residual", "regret", "rounds", "seconds")


def random_markov(seed: int, states: int, players: int, actions: int) -> rqe.MarkovGame:
    """Uniform rewards in [0, 1], transitions from the flat Dirichlet law, discount 0.9."""
    rng = np.random.default_rng(seed)
    shape = (actions,) * players
    rewards = rng.random((states, players, *shape))
    return rqe.MarkovGame(
        rewards, rng.dirichlet(np.ones(states), size=(states, *shape)), discount=0.9
    )


def row(name: str, game: rqe.MarkovGame, tau: float, epsilon: float) -> tuple[object, ...]:
    """One equilibrium: how it ended, its evidence and its time."""
    began = time.perf_counter()
    eq = rqe.solve_rqe(game, tau, epsilon, throw=False)
    took = time.perf_counter() - began
    regret = float(np.max(eq.regret))
    return (name, tau, epsilon, eq.status.name, eq.residual, regret, eq.iterations, took)


def random_games(seeds: int, states: int = 50) -> rqe.Table:
    """Discounted games of 50 states, three players and three actions each."""
    rows = [
        row(f"seed {seed}", random_markov(seed, states, 3, 3), 1.0, epsilon)
        for epsilon in (1.0, 0.2, 0.05)
        for seed in range(seeds)
    ]
    return rqe.Table(COLUMNS, tuple(rows), title=f"{states} states, 3 players, 3 actions each")


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m benchmarks.markov``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.markov", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args(argv)
    print(random_games(options.seeds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
