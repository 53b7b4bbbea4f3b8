"""Time and evidence of equilibria of Markov games: random ones, and the Overcooked gridworld.

Run ``python -m benchmarks.markov [--seeds 5] [--kitchen] [--shares]``; the gridworld takes
about four minutes, and who does the work there half a minute.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

import games
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


def kitchen() -> rqe.Table:
    """The Overcooked gridworld's 8,832 states at epsilon 0.1, as SRA sets it."""
    cases = [(f"discount {d}", {"discount": d}, t) for d in (0.9, 0.99) for t in (0.0, 0.1, 1.0)]
    cases += [("horizon 50", {"horizon": 50}, t) for t in (0.0, 0.1, 1.0, 10.0)]
    rows = [row(name, games.overcooked_gridworld(**which), tau, 0.1) for name, which, tau in cases]
    return rqe.Table(COLUMNS, tuple(rows), title="Overcooked gridworld")


def play(
    policies: Sequence[np.ndarray], steps: int = 128, reset: int | None = 50
) -> dict[str, np.ndarray]:
    """Expected events (2,) of stationary policies in the gridworld, from its starts.

    Evaluation of SRA: 128 steps, put back to a start every 50 (``reset=None``: never).
    """
    tables = games.overcooked_kitchen()
    first = np.zeros(len(tables.states))
    first[tables.starts] = 0.5
    now, totals = first, {name: np.zeros(2) for name in tables.events}
    for step in range(steps):
        if reset is not None and step % reset == 0:
            now = first
        joint = now[:, None, None] * policies[0][:, :, None] * policies[1][:, None, :]
        for name, event in tables.events.items():
            totals[name] += np.einsum("sab,siab->i", joint, event)
        now = tables.transitions.T @ joint.ravel()
    return totals


def shares() -> rqe.Table:
    """Who delivers, what each pays for moving, and the sum of returns, at epsilon 0.1."""
    rows = []
    for discount in (0.9, 0.99):
        for tau in (0.0, 0.1, 1.0):
            eq = rqe.solve_rqe(games.overcooked_gridworld(discount=discount), tau, 0.1)
            sums = []
            for reset in (50, None):
                events = play(eq.policies, reset=reset)
                gains = events["pickups"] + 10.0 * events["deliveries"]
                costs = 0.2 * events["moves"] + 2.0 * events["collisions"]
                sums.append(float(2.0 * gains.sum() - costs.sum()))
                if reset:
                    delivered = float(events["deliveries"][0] / events["deliveries"].sum())
                    moved = [float(m) for m in 0.2 * events["moves"]]
            rows.append((discount, tau, delivered, *moved, *sums))
    columns = ("discount", "tau", "first delivers", "first moves", "second moves",
               "sum of returns", "without resets")  # fmt: skip
    return rqe.Table(columns, tuple(rows), title="Overcooked gridworld, 128 steps")


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m benchmarks.markov``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.markov", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--kitchen", action="store_true")
    parser.add_argument("--shares", action="store_true")
    options = parser.parse_args(argv)
    print(random_games(options.seeds))
    if options.kitchen:
        print(kitchen())
    if options.shares:
        print(shares())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
