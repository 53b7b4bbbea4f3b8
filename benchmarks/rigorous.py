"""What can be proven about the number of RQE, how long it takes, and whether others agree.

Run ``python -m benchmarks.rigorous --out docs/rigorous.md``. The tests replay the first few draws.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import games
import rqe
from benchmarks.machine import facts
from benchmarks.rigorous_draws import (
    EPSILONS,
    TAUS,
    Draw,
    extreme_games,
    grid_count,
    small_games,
    symmetric_games,
)
from rqe.result.proof import Proof
from rqe.solvers.rigorous import prove_rqe

PITCHFORK = 0.8287886937
SYMMETRIC_SIZES = (2, 3, 4, 6, 8, 10)
SIZES = (
    ((2, 20), (0.3, 0.1, 0.03)),
    ((3, 3), (0.3, 0.1, 0.03)),
    ((3, 20), (0.3, 0.1)),
    ((4, 4), (0.3, 0.1, 0.03)),
    ((5, 5), (0.3, 0.1)),
    ((6, 6), (0.3, 0.2)),
    ((7, 7), (0.3,)),
    ((8, 8), (0.3,)),
    ((2, 2, 2), (0.3, 0.1, 0.03)),
    ((2, 2, 2, 2), (0.3, 0.1)),
    ((2, 2, 2, 2, 2), (0.3,)),
    ((2, 3, 3), (0.3, 0.1)),
    ((3, 3, 3), (0.3,)),
)


def timed(game: rqe.NormalFormGame, tau, epsilon, **options) -> tuple[Proof, float]:
    """A proof and the seconds it took."""
    began = time.perf_counter()
    proof = prove_rqe(game, tau, epsilon, **options)
    return proof, time.perf_counter() - began


def pitchfork(distances: np.ndarray) -> rqe.Table:
    """Example 4.2 on both sides of its pitchfork: RQE proven, boxes, time."""
    rows = []
    for d in distances:
        below, first = timed(games.free_riding(), PITCHFORK - d, 0.2)
        above, second = timed(games.free_riding(), PITCHFORK + d, 0.2)
        rows.append(
            (
                float(f"{d:.3e}"),
                *(len(p) if p.complete == "proved" else None for p in (below, above)),
                below.boxes,
                above.boxes,
                max(below.precision, above.precision),
                round(1e3 * max(first, second), 1),
            )
        )
    columns = ("d", "RQE at -d", "RQE at +d", "boxes -d", "boxes +d", "bits", "ms at most")
    return rqe.Table(columns, tuple(rows))


def neighbours(epsilon: float, low: float, high: float) -> tuple[Proof, Proof, float, float]:
    """Two float64 next to each other, Example 4.2 having three RQE at the first, one at the next.

    Raises
    ------
    ValueError
        The ends do not have three and one, or a float64 in between is not decided.
    """

    def proven(tau: float) -> Proof:
        proof = prove_rqe(games.free_riding(), tau, epsilon)
        if proof.complete != "proved" or len(proof) not in (1, 3):
            raise ValueError(f"low and high must surround one pitchfork; at {tau}: {proof!r}")
        return proof

    first, last = proven(low), proven(high)
    if (len(first), len(last)) != (3, 1):
        raise ValueError(f"low and high must surround the pitchfork; got {low}, {high}")
    while math.nextafter(low, high) < high:
        middle = 0.5 * (low + high)
        proof = proven(middle)
        if len(proof) == 3:
            low, first = middle, proof
        else:
            high, last = middle, proof
    return first, last, low, high


@dataclass(frozen=True)
class Comparison:
    """One game: the proof, and what others count."""

    draw: Draw
    proof: Proof
    seconds: float
    fast: int
    fast_seconds: float
    grid: int
    matched: int

    @property
    def differs(self) -> bool:
        """Whether the fast enumeration's count is not the proven one."""
        return self.proof.complete != "proved" or self.fast != len(self.proof)

    def words(self) -> str:
        """The game and its attitudes as code."""
        payoffs = [p.tolist() for p in self.draw.game.payoffs]
        return (
            f"`rqe.NormalFormGame({payoffs})`, tau {self.draw.tau.tolist()}, epsilon "
            f"{self.draw.epsilon.tolist()}: proven {len(self.proof)} ({self.proof.complete}), "
            f"enumerate_rqe {self.fast}, grid {self.grid}"
        )


def compare(draw: Draw) -> Comparison:
    """Prove, enumerate, count on a grid, and look for `solve_rqe`'s answer in the enclosures."""
    proof, seconds = timed(draw.game, draw.tau, draw.epsilon)
    began = time.perf_counter()
    fast = len(rqe.enumerate_rqe(draw.game, draw.tau, draw.epsilon))
    fast_seconds = time.perf_counter() - began
    eq = rqe.solve_rqe(draw.game, draw.tau, draw.epsilon)
    return Comparison(
        draw, proof, seconds, fast, fast_seconds, grid_count(draw), len(proof.match(eq))
    )


def agreement(found: list[Comparison]) -> rqe.Table:
    """Counts by the number of RQE that is proven."""
    rows = []
    for proven in sorted({len(c.proof) for c in found}):
        group = [c for c in found if len(c.proof) == proven]
        rows.append(
            (
                proven,
                len(group),
                sum(c.proof.complete != "proved" for c in group),
                sum(c.fast != proven for c in group),
                sum(c.grid != proven for c in group),
                sum(c.matched != 1 for c in group),
                int(np.median([c.proof.boxes for c in group])),
                max(c.proof.boxes for c in group),
                round(1e3 * float(np.median([c.seconds for c in group])), 1),
                round(1e3 * max(c.seconds for c in group), 1),
                round(1e3 * float(np.median([c.fast_seconds for c in group])), 1),
            )
        )
    columns = (
        "RQE proven", "games", "undecided", "enumerate_rqe differs", "grid differs",
        "solve_rqe not in one", "boxes median", "boxes max", "ms median", "ms max",
        "enumerate_rqe ms",
    )  # fmt: skip
    return rqe.Table(columns, tuple(rows))


def symmetric(count: int, seed: int, sizes: tuple[int, ...]) -> rqe.Table:
    """Symmetric RQE by number of players: how many, boxes, time."""
    rows = []
    for players in sizes:
        found = [
            timed(d.game, d.tau, d.epsilon, scope="symmetric")
            for d in symmetric_games(count, seed, players)
        ]
        numbers = [len(proof) for proof, _ in found]
        rows.append(
            (
                players,
                count,
                sum(proof.complete != "proved" for proof, _ in found),
                *(numbers.count(k) for k in (1, 2, 3)),
                sum(k > 3 for k in numbers),
                max(proof.boxes for proof, _ in found),
                round(1e3 * float(np.median([s for _, s in found])), 1),
                round(1e3 * max(s for _, s in found), 1),
            )
        )
    columns = (
        "players", "games", "undecided", "1 RQE", "2", "3", "more", "boxes max", "ms median",
        "ms max",
    )  # fmt: skip
    return rqe.Table(columns, tuple(rows))


def sizes(seeds: int, max_boxes: int, cases) -> rqe.Table:
    """Random uniform games by shape and epsilon, ``tau = 1``: what ends, and when."""
    rows = []
    for shape, epsilons in cases:
        for epsilon in epsilons:
            found = []
            for seed in range(seeds):
                payoffs = np.random.default_rng(seed).random((len(shape), *shape))
                game = rqe.NormalFormGame(payoffs)
                span = game.payoff_ranges
                found.append(timed(game, 1.0 / span, epsilon * span, max_boxes=max_boxes))
            rows.append(
                (
                    " x ".join(map(str, shape)),
                    min(shape) - 1 if len(shape) == 2 else sum(shape) - len(shape),
                    epsilon,
                    seeds,
                    sum(proof.complete == "proved" for proof, _ in found),
                    " ".join(str(len(proof)) for proof, _ in found),
                    int(np.median([proof.boxes for proof, _ in found])),
                    round(float(np.median([s for _, s in found])), 2),
                    round(max(s for _, s in found), 2),
                )
            )
            if sys.stderr.isatty():
                print(rows[-1], file=sys.stderr)
    columns = (
        "shape", "unknowns", "epsilon/range", "games", "proved", "RQE", "boxes median", "s median",
        "s max",
    )  # fmt: skip
    return rqe.Table(columns, tuple(rows))


def extremes(count: int, seed: int) -> rqe.Table:
    """Verdicts and times on `extreme_games`."""
    found = [timed(d.game, d.tau, d.epsilon) for d in extreme_games(count, seed)]
    rows = []
    for number in sorted({len(proof) for proof, _ in found}):
        group = [(proof, s) for proof, s in found if len(proof) == number]
        rows.append(
            (
                number,
                len(group),
                sum(proof.complete != "proved" for proof, _ in group),
                max(proof.boxes for proof, _ in group),
                max(proof.precision for proof, _ in group),
                round(1e3 * float(np.median([s for _, s in group])), 1),
                round(1e3 * max(s for _, s in group), 1),
            )
        )
    columns = ("RQE proven", "games", "undecided", "boxes max", "bits max", "ms median", "ms max")
    return rqe.Table(columns, tuple(rows))


def pitchfork_section() -> list[str]:
    """Example 4.2 near its pitchfork, down to neighbouring float64."""
    began = time.perf_counter()
    first, last, low, high = neighbours(0.2, PITCHFORK - 1e-9, PITCHFORK + 1e-9)
    seconds = time.perf_counter() - began
    return [
        "## Example 4.2 at its pitchfork",
        "",
        f"`games.free_riding()`, epsilon 0.2, tau = {PITCHFORK} ± d, 20 values of d a side:",
        "",
        "```",
        str(pitchfork(np.geomspace(1e-3, 0.5, 20))),
        "```",
        "",
        "Closer by, d ten times smaller each row:",
        "",
        "```",
        str(pitchfork(np.geomspace(1e-4, 1e-9, 6))),
        "```",
        "",
        f"Bisection over float64 (in {seconds:.1f} s, every value decided) ends at two neighbours: "
        f"tau = {low!r} has {len(first)} RQE ({first.boxes} boxes, {first.precision} bits), "
        f"tau = {high!r} has {len(last)} ({last.boxes} boxes, {last.precision} bits). The smallest "
        f"d that is decided is that of float64 itself, {high - low:.1e}.",
    ]


def agreement_section(count: int, seed: int) -> list[str]:
    """Random 2 x 2 games: the proof against everyone else."""
    found = [compare(draw) for draw in small_games(count, seed)]
    differing = [c for c in found if c.differs or c.grid != len(c.proof) or c.matched != 1]
    listed = [f"- {c.words()}" for c in differing] or ["None."]
    return [
        "## Random 2 x 2 games",
        "",
        f"{count} games, seed {seed}: uniform, normal, integer and coordination payoffs, "
        f"tau × range from {TAUS}, epsilon / range from {EPSILONS}, for both players or one each. "
        "*enumerate_rqe* is the fast enumeration with its defaults. *grid* counts sign changes of "
        "the composed replies on 20,001 points in float64, the replies by bisection: an "
        "independent computation, which can miss pairs between two points. *solve_rqe not in one*: "
        "its answer, to 1e-8, is not in exactly one enclosure.",
        "",
        "```",
        str(agreement(found)),
        "```",
        "",
        "Every difference:",
        "",
        *listed,
    ]


def main(argv: list[str] | None = None) -> int:
    """Measure, and write or print the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rigorous", description=__doc__)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size-seeds", type=int, default=3)
    parser.add_argument("--max-boxes", type=int, default=50_000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(argv)
    command = (
        f"python -m benchmarks.rigorous --draws {options.draws} --seed {options.seed} "
        f"--size-seeds {options.size_seeds} --max-boxes {options.max_boxes} --out docs/rigorous.md"
    )
    parts = [
        "# Rigorous enumeration",
        "",
        "`prove_rqe` finds every RQE of a small game, with a proof that there is no other: "
        "Krawczyk's operator and bisection, in ball arithmetic.",
        "",
        *(f"- {name}: {value}" for name, value in facts(command)),
        "",
        *pitchfork_section(),
        "",
        *agreement_section(options.draws, options.seed),
        "",
        "## Extremes",
        "",
        f"{options.draws} games, seed {options.seed}: normal, integer, coordination and constant "
        "payoffs × 1e±8, 2 x 2, 1 x 2, 2 x 1 and 1 x 1, epsilon / range from 1e-2 to 1e4, "
        "tau × range 0, 1e-6 … 1e4 and inf.",
        "",
        "```",
        str(extremes(options.draws, options.seed)),
        "```",
        "",
        "## Symmetric RQE of symmetric two-action games",
        "",
        'Uniform payoffs by own action and number of others at the first, `scope="symmetric"`, 100 '
        f"games a row, seed {options.seed}, tau and epsilon as above.",
        "",
        "```",
        str(symmetric(100, options.seed, SYMMETRIC_SIZES)),
        "```",
        "",
        "## How large",
        "",
        f"Uniform payoffs, tau × range = 1, seeds 0 to {options.size_seeds - 1}, at most "
        f"{options.max_boxes} boxes. *RQE*: the number proven in each game.",
        "",
        "```",
        str(sizes(options.size_seeds, options.max_boxes, SIZES)),
        "```",
    ]
    text = "\n".join(parts) + "\n"
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
