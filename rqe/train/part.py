"""Training of a stack of seeds in one process, in chunks of updates, with checkpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..result.files import whole_file
from . import records
from .arrays import Array, Tree
from .checkpoint import header, load, save, sweep
from .config import Config
from .ppo import State, Trainer
from .settings import digest

CHECKPOINT, METRICS = "checkpoint.safetensors", "metrics.csv"
CHUNK = 2.0
"""Seconds between two reports, about."""


@dataclass(frozen=True)
class Progress:
    """How far training is.

    Parameters
    ----------
    fraction : float
        Of the steps of all seeds, in [0, 1].
    steps_per_second : float
        Environment steps of all seeds; 0 until there is something to measure.
    mean_return : float
        All agents' rewards together over the steps of one rollout, mean over seeds, phases and the
        interval of updates under way. With SRPO agents face adversaries in training.
    """

    fraction: float
    steps_per_second: float
    mean_return: float


Report = Callable[[Progress], None]


class Record(NamedTuple):
    """All that a stack of runs needs to go on: saved, it continues to the same bits."""

    state: State
    sums: dict[str, Array]
    """Metrics, summed over the interval under way."""
    history: Any
    """(points, seeds, quantities): means over the intervals that are over."""


class Part:
    """A stack of seeds with one compiled program for every length of chunk.

    Parameters
    ----------
    config : Config
    seeds : sequence of int
        The random key of a run is ``jax.random.key(seed)``: it does not depend on the others.

    Notes
    -----
    Where there are several devices and their number divides the seeds, these are spread over them.
    """

    def __init__(self, config: Config, seeds: Sequence[int]) -> None:
        self.config, self.seeds = config, tuple(seeds)
        self.trainer = Trainer(config)
        devices = jax.devices()
        self._mesh = None
        if len(devices) > 1 and len(self.seeds) % len(devices) == 0:
            self._mesh = jax.sharding.Mesh(np.array(devices), ("seeds",))
        begin, advance = jax.vmap(self._begin), jax.vmap(self._advance, in_axes=(0, 0, None))
        self.begin = jax.jit(self._spread(begin, 1))
        self.advance = jax.jit(self._spread(advance, 2, 1))

    def _spread(self, function: Callable[..., Any], split: int, whole: int = 0) -> Any:
        """The function with its first arguments, and its results, cut by seeds among devices."""
        if self._mesh is None:
            return function
        by_seed, everywhere = jax.sharding.PartitionSpec("seeds"), jax.sharding.PartitionSpec()
        specs = (by_seed,) * split + (everywhere,) * whole
        return jax.shard_map(
            function, mesh=self._mesh, in_specs=specs, out_specs=by_seed, check_vma=False
        )

    def keys(self) -> Array:
        """One for each seed."""
        return jnp.stack([jax.random.key(seed) for seed in self.seeds])

    def _begin(self, key: Array) -> tuple[State, dict[str, Array]]:
        sums = {name: jnp.zeros(s) for name, s in records.shapes(self.config).items()}
        return self.trainer.begin(key), sums

    def _advance(self, state: State, sums: Tree, updates: Array) -> tuple[State, Tree]:
        def body(_: Array, carry: tuple[State, Tree]) -> tuple[State, Tree]:
            state, metrics = self.trainer.step(carry[0])
            return state, {name: total + metrics[name] for name, total in carry[1].items()}

        # the number of updates is an argument of the program: no length of chunk compiles anew
        out: tuple[State, Tree] = jax.lax.fori_loop(0, updates, body, (state, sums))
        return out

    def new(self) -> Record:
        """The start of all runs."""
        state, sums = self.begin(self.keys())
        return Record(state, sums, self._no_history())

    def _no_history(self) -> Any:
        config = self.config
        shape = (records.points(config), len(self.seeds), len(records.labels(config)))
        return np.full(shape, np.nan, np.float32)

    def about(self) -> dict[str, str]:
        """What a checkpoint must be of."""
        return {"digest": digest(self.config), "seeds": json.dumps(list(self.seeds))}

    def load(self, path: Path) -> Record:
        """A checkpoint of these runs."""
        state, sums = jax.eval_shape(self.begin, self.keys())
        found = load(path, Record(state, sums, self._no_history()), about=self.about())
        record: Record = found._replace(history=np.asarray(found.history))
        return record

    def save(self, out: Path, record: Record, seconds: float) -> None:
        """A checkpoint and the table so far."""
        done = int(record.state.update[0])
        about = self.about() | {"seconds": f"{seconds:.3f}", "update": str(done)}
        save(out / CHECKPOINT, record, about=about)
        table = records.to_csv(self.config, self.seeds, record.history, done)
        with whole_file(out / METRICS) as file:
            file.write(table.encode())

    def step(self, record: Record, wanted: int) -> tuple[Record, float]:
        """At most so many updates, to the end of an interval; the mean return over this so far."""
        width, done = records.width(self.config), int(record.state.update[0])
        start = done // width * width
        end = min(start + width, self.config.updates)
        after = min(done + wanted, end)
        state, sums = self.advance(record.state, record.sums, jnp.int32(after - done))
        jax.block_until_ready(state)
        means = jax.tree.map(lambda m: np.asarray(m) / (after - start), sums)
        history = record.history
        if after == end:
            history = history.copy()
            history[start // width] = records.flat(means)
            sums = jax.tree.map(jnp.zeros_like, sums)
        return Record(state, sums, history), records.mean_return(self.config, means)


def saved_updates(out: Path) -> int:
    """How many updates the checkpoint of a part is of; 0 if there is none."""
    place = out / CHECKPOINT
    return int(header(place)["update"]) if place.exists() else 0


def train_part(
    config: Config,
    seeds: Sequence[int],
    out: Path,
    *,
    checkpoint_every: float = 180.0,
    progress: Report | None = None,
) -> None:
    """Train a stack of seeds to the end, from its last checkpoint if there is one.

    Parameters
    ----------
    config : Config
    seeds : sequence of int
    out : Path
        A folder; at the end, and after any exception, its checkpoint is of the last update.
    checkpoint_every : float
        Seconds.
    progress : callable, optional
        Called with a `Progress` every few seconds.
    """
    out.mkdir(parents=True, exist_ok=True)
    sweep(out)
    part = Part(config, seeds)
    place = out / CHECKPOINT
    before = 0.0
    if place.exists():
        record, before = part.load(place), float(header(place)["seconds"])
    else:
        record = part.new()
    total, per_update = config.updates, len(seeds) * config.interactions_per_update
    begun = saved = time.monotonic()
    wanted, compiled = 1, False
    try:
        while (done := int(record.state.update[0])) < total:
            started = time.monotonic()
            record, mean = part.step(record, wanted)
            now = time.monotonic()
            made = int(record.state.update[0]) - done
            # the first chunk is one update and mostly compilation: it says nothing about the pace
            pace = made / (now - started) if compiled else 0.0
            wanted = max(1, round(CHUNK * pace)) if compiled else 4
            compiled = True
            if progress is not None:
                progress(Progress((done + made) / total, pace * per_update, mean))
            if now - saved >= checkpoint_every and done + made < total:
                part.save(out, record, before + now - begun)
                saved = time.monotonic()
    finally:
        part.save(out, record, before + time.monotonic() - begun)
