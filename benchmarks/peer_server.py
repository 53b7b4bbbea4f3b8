"""A peer in an environment of its own: takes tasks from standard input, times and answers them.

Run by that environment's Python, which need not know this project: pygambit and NumPy are enough.
A line is a task in JSON, the answer is a line in JSON; the clock runs around the library's call
alone.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from functools import cache
from typing import Any

import numpy as np
import pygambit as gambit

GAME = getattr(gambit, "StrategicGame", gambit.Game)
"""The class that builds games from arrays: its name has changed between releases."""


@cache
def game(path: str, row: int | None) -> Any:
    """A game object from stored payoffs, kept: a large one takes seconds to build."""
    payoffs = np.load(path, allow_pickle=False)
    return GAME.from_arrays(*(payoffs if row is None else payoffs[row]))


def strategies(of: Any, profile: Any) -> list[list[float]]:
    """A mixed profile as lists, in both releases' manner of listing strategies."""
    listed = getattr(of, "get_strategies", None)
    return [
        [float(profile[s]) for s in player.strategies]
        if listed is None
        else [float(profile[player][s]) for s in listed(player)]
        for player in of.players
    ]


NUMBER = [1]
"""Calls in a row that the task under way is timed over."""


def timed(work: Any) -> tuple[float, Any]:
    """Seconds a call, and what the last one returned."""
    total, out = 0.0, None
    for _ in range(NUMBER[0]):
        out = None
        began = time.perf_counter()
        out = work()
        total += time.perf_counter() - began
    return total / NUMBER[0], out


def construction(payoffs: str) -> tuple[float, Any]:
    """A game object from arrays."""
    arrays = np.load(payoffs, allow_pickle=False)
    seconds, built = timed(lambda: GAME.from_arrays(*arrays))
    return seconds, np.array(built.to_arrays(dtype=float), dtype=float).tolist()


def qre(payoffs: str, lam: float) -> tuple[float, Any]:
    """The point of the principal branch."""
    of = game(payoffs, None)
    seconds, out = timed(lambda: gambit.qre.logit_solve_lambda(of, lam=[lam], use_strategic=True))
    return seconds, strategies(of, out[0].profile)


def qre_loop(payoffs: str, lam: float, count: int) -> tuple[float, Any]:
    """The same for the first games of a batch, one after the other."""
    several = [game(payoffs, b) for b in range(count)]
    seconds, out = timed(
        lambda: [gambit.qre.logit_solve_lambda(g, lam=[lam], use_strategic=True) for g in several]
    )
    return seconds, [strategies(g, a[0].profile) for g, a in zip(several, out, strict=True)]


def branch(payoffs: str, maxregret: float) -> tuple[float, Any]:
    """The logit branch to its limit: the last profile and the number of points."""
    of = game(payoffs, None)
    seconds, out = timed(
        lambda: gambit.qre.logit_solve_branch(of, use_strategic=True, maxregret=maxregret)
    )
    return seconds, [strategies(of, out[-1].profile), len(out)]


def nash(payoffs: str, method: str, options: dict[str, Any]) -> tuple[float, Any]:
    """Equilibria by a method of `pygambit.nash`."""
    of = game(payoffs, None)
    solve = getattr(gambit.nash, method)
    seconds, out = timed(lambda: solve(of, **options))
    return seconds, [strategies(of, profile) for profile in _equilibria(out)]


def nash_from(payoffs: str, method: str, starts: int) -> tuple[float, Any]:
    """Equilibria by a method that starts from a random ray, from seed after seed until it has one.

    Seconds are those of all the calls made.
    """
    of = game(payoffs, None)
    solve = getattr(gambit.nash, method)
    total = 0.0
    for seed in range(starts):
        ray = of.random_strategy_profile(gen=np.random.default_rng(seed))
        seconds, out = timed(lambda ray=ray: solve(ray))
        total += seconds
        found = [strategies(of, profile) for profile in _equilibria(out)]
        if found:
            return total, [seed + 1, found]
    return total, [starts, []]


def _equilibria(out: Any) -> list[Any]:
    if hasattr(out, "equilibria"):
        return list(out.equilibria)
    return [] if out.equilibrium is None else [out.equilibrium]


def estimate(payoffs: str, counts: list[list[float]]) -> tuple[float, Any]:
    """Logit precision of highest likelihood, and the log-likelihood."""
    of = game(payoffs, None)
    seen = of.mixed_strategy_profile()
    listed = getattr(of, "get_strategies", None)
    for player, numbers in zip(of.players, counts, strict=True):
        if listed is None:
            for strategy, number in zip(player.strategies, numbers, strict=True):
                seen[strategy] = float(number)
        else:
            seen[player] = dict(zip(listed(player), map(float, numbers), strict=True))
    seconds, out = timed(lambda: gambit.qre.logit_estimate(seen))
    return seconds, [float(out.lam), float(out.log_like)]


def version() -> tuple[float, Any]:
    """What answers."""
    return 0.0, gambit.__version__


TASKS = {
    f.__name__: f for f in (construction, qre, qre_loop, branch, nash, nash_from, estimate, version)
}


def main() -> None:
    """Answer until the input ends."""
    gc.disable()
    for line in sys.stdin:
        task = json.loads(line)
        NUMBER[0] = task.pop("number", 1)
        gc.collect()
        try:
            seconds, answer = TASKS[task.pop("task")](**task)
            reply = {"seconds": seconds, "answer": answer}
        except Exception as error:  # whatever the peer raises is its answer
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
