"""How far learning reaches: random games and players inside the tractable range, and just outside.

Run ``python -m benchmarks.learning --draws 60 --seed 0``. Degrees over four orders of magnitude,
each player its own, with every ``epsilon`` scaled to 1.0001 times what the theorem asks ("inside")
or a tenth of it ("outside"); payoffs uniform on [0, 1].
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

import rqe
from rqe.analysis.theorems.learning_game import at_threshold

MARGINS = {"inside": 1.0001, "outside": 0.1}
KINDS = ("entropic, log-barrier", "reverse KL, entropy", "reverse KL, log-barrier")
METHODS = {"optimistic": True, "plain": False}


def players(kind: str, count: int, rng: np.random.Generator) -> list[rqe.Agent]:
    """Agents of one kind with random degrees."""
    risk = rqe.Entropic if kind.startswith("entropic") else rqe.ReverseKL
    rule = rqe.NegEntropy if kind.endswith("entropy") else rqe.LogBarrier
    degrees = 10.0 ** rng.uniform(-2.0, 2.0, size=(count, 2))
    return [rqe.Agent(risk(float(t)), rule(float(e))) for t, e in degrees]


def instances(draws: int, seed: int) -> Iterator[tuple[str, rqe.NormalFormGame, list[rqe.Agent]]]:
    """Games of two and three players with two or three actions each."""
    rng = np.random.default_rng(seed)
    for k in range(draws):
        count = int(rng.choice([2, 3]))
        shape = tuple(int(n) for n in rng.integers(2, 4, size=count))
        game = rqe.NormalFormGame([rng.random(shape) for _ in shape])
        kind = KINDS[k % len(KINDS)]
        yield kind, game, players(kind, count, rng)


def measure(draws: int, seed: int, max_steps: int) -> rqe.Table:
    """Share of runs that were certified, and their steps."""
    steps: dict[tuple[str, str, str], list[float]] = {}
    for kind, game, agents in instances(draws, seed):
        for place, margin in MARGINS.items():
            people = at_threshold(agents, margin)
            for name, optimistic in METHODS.items():
                run = rqe.learn(
                    game, people, optimistic=optimistic, record=(), max_steps=max_steps, throw=False
                )
                count = float(run.iterations) if run.converged else np.nan
                steps.setdefault((place, kind, name), []).append(count)
    rows = []
    for (place, kind, name), counts in sorted(steps.items()):
        done = [c for c in counts if np.isfinite(c)]
        rows.append(
            (place, kind, name, len(counts), len(done), *(
                (float(np.median(done)), max(done)) if done else (None, None)
            ))
        )  # fmt: skip
    columns = ("place", "players", "descent", "runs", "certified", "median steps", "most steps")
    return rqe.Table(columns, tuple(rows), title=f"{draws} draws, seed {seed}")


def main() -> None:
    """The table, on standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-steps", type=int, default=5000)
    given = parser.parse_args()
    print(measure(given.draws, given.seed, given.max_steps))


if __name__ == "__main__":
    main()
