"""How complete `enumerate_rqe` is on random games at little noise.

Run ``python -m benchmarks.enumeration --draws 1000 --seed 0 --out docs/enumeration.md``. Two tests
that know nothing of how the equilibria were found: their fixed-point indices must sum to 1, and
with risk neutrality every Nash equilibrium, continued by itself to the same ``epsilon``, must be
among them. Nash equilibria come from `solve_nash` (exact vertex enumeration) for two players and
from pygambit's polynomial solver for three.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pygambit as gambit

import rqe

SHAPES = ((2, 2), (3, 3), (2, 2, 2))
NOISE = 0.02
"""``epsilon`` in units of each player's payoff range."""
LADDER = np.geomspace(1e-4, NOISE, 60)
"""Degrees, in the same units, by which a Nash equilibrium is continued."""
SAME, LEAP = 1e-6, 0.05
"""Differences of a probability: between two records of one RQE, and from one rung to the next."""


@dataclass
class Count:
    """What was found for one shape and one kind of attitude."""

    games: int = 0
    sums: Counter[int | None] = field(default_factory=Counter)
    sizes: Counter[int] = field(default_factory=Counter)
    nash: int = 0
    continued: int = 0
    missing: list[int] = field(default_factory=list)
    seconds: float = 0.0


def game_of(shape: tuple[int, ...], number: int, seed: int) -> rqe.NormalFormGame:
    """Payoffs independent and uniform on [0, 1)."""
    rng = np.random.default_rng([seed, number, *shape])
    return rqe.NormalFormGame(rng.random((len(shape), *shape)))


def tau_of(game: rqe.NormalFormGame, number: int, seed: int) -> np.ndarray:
    """One degree for each player, ``tau`` times payoff range log-uniform on [0.1, 100]."""
    rng = np.random.default_rng([seed, number, 7])
    return 10.0 ** rng.uniform(-1.0, 2.0, game.n_players) / game.payoff_ranges


def nash_of(game: rqe.NormalFormGame) -> list[list[np.ndarray]]:
    """All Nash equilibria."""
    if game.n_players == 2:
        return [list(eq) for eq in rqe.solve_nash(game)]
    theirs = gambit.StrategicGame.from_arrays(*game.payoffs)
    found = gambit.nash.enumpoly_solve(theirs, use_strategic=True).equilibria
    return [
        [np.array([float(p[i][s]) for s in theirs.get_strategies(i)]) for i in theirs.players]
        for p in found
    ]


def continued(game: rqe.NormalFormGame, nash: list[np.ndarray]) -> list[np.ndarray] | None:
    """The QRE at `NOISE` that a Nash equilibrium leads to, None where the way there folds."""
    here = nash
    for rung in LADDER:
        eq = rqe.solve_rqe(
            game, 0.0, rung * game.payoff_ranges, start=here, method="newton", throw=False
        )
        gap = max(np.abs(x - y).max() for x, y in zip(eq, here, strict=True))
        if eq.status is not rqe.Status.CONVERGED or gap > LEAP:
            return None
        here = list(eq)
    return here


def among(profile: list[np.ndarray], found: rqe.EquilibriumSet) -> bool:
    """Whether a profile is one of a set."""
    return any(
        max(np.abs(x - y).max() for x, y in zip(profile, eq, strict=True)) <= SAME for eq in found
    )


def judge(shape: tuple[int, ...], draws: int, seed: int, *, averse: bool) -> Count:
    """Enumerate random games of one shape and test what came out."""
    out = Count()
    for number in range(draws):
        game = game_of(shape, number, seed)
        tau = tau_of(game, number, seed) if averse else 0.0
        began = time.perf_counter()
        found = rqe.enumerate_rqe(game, tau, NOISE * game.payoff_ranges)
        out.seconds += time.perf_counter() - began
        out.games += 1
        out.sums[found.index_sum] += 1
        out.sizes[len(found)] += 1
        if found.index_sum != 1:
            out.missing.append(number)
        if averse:
            continue
        for nash in nash_of(game):
            out.nash += 1
            end = continued(game, nash)
            if end is not None:
                out.continued += 1
                if not among(end, found):
                    out.missing.append(number)
    return out


def row(shape: tuple[int, ...], count: Count, *, averse: bool) -> str:
    """One line of the table."""
    sizes = ", ".join(f"{n}: {k}" for n, k in sorted(count.sizes.items()))
    share = 100.0 * count.sums[1] / count.games
    missing = ", ".join(map(str, sorted(set(count.missing)))) or "none"
    cells = [
        " × ".join(map(str, shape)),
        "0.1 to 100" if averse else "0",
        str(count.games),
        sizes,
        f"{share:.1f}%",
        "—" if averse else str(count.nash),
        "—" if averse else str(count.continued),
        missing,
        f"{1e3 * count.seconds / count.games:.0f} ms",
    ]
    return f"| {' | '.join(cells)} |"


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m benchmarks.enumeration``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.enumeration", description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(argv)
    command = f"python -m benchmarks.enumeration --draws {options.draws} --seed {options.seed}"
    lines = [
        "# How complete `enumerate_rqe` is",
        "",
        f"`{command}`, {options.draws} random games of each shape, payoffs uniform on [0, 1), "
        f"`epsilon` = {NOISE:g} times each player's payoff range; `tau` in units of one over the "
        "range, log-uniform for each player where a span is given.",
        "",
        "*Continued* counts the Nash equilibria that can be followed from `epsilon` = 1e-4 to "
        f"{NOISE:g} in small steps by Newton's method alone; the others' branches fold back "
        "before. *Short* lists the numbers of the games whose indices do not sum to 1, or in which "
        "a continued Nash equilibrium is not among those enumerated.",
        "",
        "| shape | tau × range | games | RQE found: games | index sum 1 | Nash | continued | short "
        "| time a game |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for averse in (False, True):
        for shape in SHAPES:
            print(shape, "averse" if averse else "neutral", file=sys.stderr, flush=True)
            count = judge(shape, options.draws, options.seed, averse=averse)
            lines.append(row(shape, count, averse=averse))
    report = "\n".join(lines) + "\n"
    print(report)
    if options.out:
        options.out.write_text(report, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
