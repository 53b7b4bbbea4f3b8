"""Cross-play of finished runs, folder by folder: what Figure 2 shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ..result.table import Table
from .behaviour import free_riding
from .evaluate import crossplay
from .intervals import bootstrap
from .pairings import CrossPlay
from .runs import Place, Runs, load_runs
from .settings import describe_environment, load_config

COLUMNS = ("runs of", "self-play", "its sd", "cross-play", "its sd over pairs", "free-riding")
Played = dict[tuple[str, str], CrossPlay]
"""Cross-play by names of the folders in seat 1 and in the other seats."""


def load_folders(places: Sequence[Place], *, env: Any = None) -> tuple[Any, dict[str, Runs]]:
    """The one environment of several folders of finished runs, and the runs by folder's name.

    Parameters
    ----------
    places : sequence of path
    env : Environment, optional
        Where `load_config` cannot build it.

    Returns
    -------
    Environment, dict of str to Runs

    Raises
    ------
    OSError
        No such folder, or nothing finished in it.
    ValueError
        Runs of different environments, a folder twice, a file that is not what it should be.
    """
    runs: dict[str, Runs] = {}
    first: Any = None
    where = [Path(place).resolve() for place in places]
    if len(set(where)) < len(where):
        raise ValueError(f"places must be different folders; got {', '.join(map(str, places))}")
    for place in where:
        name = place.name if place.name not in runs else str(place)
        runs[name] = load_runs(place)
        found = load_config(place, env=env).env
        first = found if first is None else first
        if describe_environment(found) != describe_environment(first):
            raise ValueError(f"places must be of one environment; {place} is of {found!r}")
    return first, runs


def crossplay_runs(
    env: Any,
    runs: Mapping[str, Runs],
    *,
    together: bool = False,
    seed: int = 0,
    episodes: int = 32,
    steps: int = 128,
    progress: Callable[[int, int], None] | None = None,
) -> Played:
    """Cross-play within every folder of runs, or also between them.

    Parameters
    ----------
    env : Environment
    runs : mapping of str to Runs
    together : bool
        Whether runs of different folders play with each other too.
    seed : int
    episodes, steps : int
        As `crossplay` has them.
    progress : function (done, total), optional
        Told the number of pairs of runs.

    Returns
    -------
    dict of (str, str) to CrossPlay
    """
    names = [(a, b) for a in runs for b in runs if together or a == b]
    total = sum(len(runs[a].seeds) * len(runs[b].seeds) for a, b in names)
    before = 0
    out: Played = {}
    for a, b in names:

        def told(done: int, _: int, before: int = before) -> None:
            if progress is not None:
                progress(before + done, total)

        out[a, b] = crossplay(
            env, runs[a].policies, runs[b].policies, jax.random.key(seed),
            episodes=episodes, steps=steps, progress=told,
        )  # fmt: skip
        before += out[a, b].total.size
    return out


def summary(played: Played) -> Table:
    """Means over runs with 95% bootstrap intervals, and how many runs ride free in self-play.

    Parameters
    ----------
    played : dict of (str, str) to CrossPlay
        From `crossplay_runs`.

    Returns
    -------
    Table
    """
    rows: list[tuple[Any, ...]] = []
    for (a, b), found in played.items():
        if a != b:
            mean = bootstrap(found.total, seed=0, same=False)
            rows.append((f"{a} with {b}", None, None, str(mean), _sd(found.total), None))
            continue
        own = found.diagonal()
        riding = None
        if {"deliveries", "moves"} <= found.events.keys():
            riding = f"{int(free_riding(own).free_rides.sum())}/{len(own.total)}"
        alone = str(bootstrap(own.total, seed=0)), _sd(own.total)
        beside: tuple[Any, Any] = (None, None)
        if len(own.total) > 1:
            others = found.total[~np.eye(len(own.total), dtype=bool)]
            beside = str(bootstrap(found.total, seed=0)), _sd(others)
        rows.append((a, *alone, *beside, riding))
    steps = next(iter(played.values())).steps
    title = f"all agents' rewards over {steps} steps: means over runs, 95% intervals"
    return Table(COLUMNS, tuple(rows), title=title)


def _sd(values: Any) -> float | None:
    """Standard deviation, of two values or more, to four digits."""
    return float(f"{np.std(values, ddof=1):.4g}") if values.size > 1 else None


def pairs(played: Played, runs: Mapping[str, Runs]) -> Table:
    """A row for each pair of runs, by folder and seed.

    Parameters
    ----------
    played : dict of (str, str) to CrossPlay
        From `crossplay_runs`.
    runs : mapping of str to Runs
        From `load_folders`.

    Returns
    -------
    Table
    """
    columns: tuple[str, ...] = ()
    rows = []
    for (a, b), found in played.items():
        table = found.table()
        columns = ("runs_1", "seed_1", "runs_2", "seed_2", *table.columns[2:])
        for row, column, *rest in table.rows:
            rows.append((a, runs[a].seeds[row], b, runs[b].seeds[column], *rest))
    return Table(columns, tuple(rows), title="cross-play by pair")


__all__ = ["crossplay_runs", "load_folders", "pairs", "summary"]
