"""Whole stacks of training runs in a folder: interrupted and resumed, they end the same."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..result.files import whole_file
from . import records
from .checkpoint import header, load_policies, require_safetensors, save, save_policies, sweep
from .config import Config
from .part import CHECKPOINT, METRICS, Part, Record, Report, train_part
from .policies import Policies
from .settings import (
    POOL_FILE,
    describe,
    difference,
    digest,
    load_config,
    read_settings,
    save_config,
)
from .worker import cores, parcel, train_parts

CONFIG, POLICIES, PARTS = "config.json", "policies.safetensors", "parts"
Place = str | os.PathLike[str]


@dataclass(frozen=True)
class Runs:
    """Finished training runs of the same settings.

    Parameters
    ----------
    out : Path
        Their folder.
    seeds : tuple of int
        In the order of the stack.
    policies : Policies
        A stack.
    seconds : float
        Wall time of the training with compilation, of the slowest process.
    """

    out: Path
    seeds: tuple[int, ...]
    policies: Policies
    seconds: float


def train_runs(
    config: Config,
    seeds: int | Sequence[int],
    out: Place,
    *,
    checkpoint_every: float = 180.0,
    resume: bool = False,
    force: bool = False,
    processes: int | None = None,
    progress: Report | None = None,
) -> Runs:
    """Train many seeds, with checkpoints, and leave everything in a folder.

    Parameters
    ----------
    config : Config
    seeds : int or sequence of int
        So many seeds from 0, or which. The random key of a run is ``jax.random.key(seed)``.
    out : path
        A folder for ``config.json``, ``policies.safetensors`` (`load_policies`),
        ``checkpoint.safetensors`` (all learners and optimisers) and ``metrics.csv`` (means over at
        most 100 intervals of a run: seed, update, steps, phase, quantity, who, value). While
        training is under way, ``parts/`` holds what each process has.
    checkpoint_every : float
        Seconds between checkpoints, at least; there is one at the end and after an interruption.
    resume : bool
        Go on where an interrupted training of these settings and seeds was. The result is the same,
        to the bit, as without the interruption, on the same machine and versions.
    force : bool
        Discard what training left in the folder before.
    processes : int, optional
        How many share the seeds; by default as many as there are cores on a CPU, and one elsewhere
        or where the settings cannot be sent to another process (an environment defined in a
        script). One process is this one. A resumed training keeps its number.
    progress : callable, optional
        Called with a `Progress` (``fraction``, ``steps_per_second``, ``mean_return``) every few
        seconds.

    Returns
    -------
    Runs

    Raises
    ------
    ValueError
        An argument out of range; a folder with runs in it, without ``resume`` or ``force``, or with
        ``resume`` where they are others.
    OSError
        The place cannot be written, or a process ended (ChildProcessError).
    MissingExtraError
        The package safetensors is not installed.

    Notes
    -----
    Where there are several devices and their number divides the seeds of a process, these are
    spread over the devices. On a CPU the result of a seed does not depend, to the bit, on how many
    are trained beside it, nor on the number of processes.

    Examples
    --------
    >>> import tempfile
    >>> import games
    >>> from rqe import train
    >>> env = train.NormalFormEnvironment(games.free_riding())
    >>> config = train.Config(env, train.IPPO(), steps=2048, hidden=(8,))
    >>> runs = train_runs(config, 2, Path(tempfile.mkdtemp()) / "x", processes=1)
    >>> runs.seeds, len(runs.policies)
    ((0, 1), 2)
    """
    chosen = _seeds(seeds)
    if processes is not None and processes < 1:
        raise ValueError(f"processes must be at least 1; got {processes}")
    if not checkpoint_every > 0.0:
        raise ValueError(f"checkpoint_every must be positive, in seconds; got {checkpoint_every}")
    if resume and force:
        raise ValueError("resume and force must not both be set")
    require_safetensors()
    place = Path(out)
    place.mkdir(parents=True, exist_ok=True)
    sweep(place)
    found = _found(place, config, chosen, resume, force)
    if (place / POLICIES).exists():
        _remove_parts(place)
        return load_runs(place)
    packed = parcel(config)
    if found is not None:
        count = int(found["parts"])
    else:
        count = _count(processes, len(chosen), packed)
        save_config(place / CONFIG, config, seeds=list(chosen), parts=count)
    shares = [[int(s) for s in share] for share in np.array_split(np.array(chosen), count)]
    parts = [(share, place / PARTS / str(k)) for k, share in enumerate(shares)]
    if count == 1:
        train_part(
            config, chosen, parts[0][1], checkpoint_every=checkpoint_every, progress=progress
        )
    else:
        if packed is None:
            raise ValueError(UNSENDABLE)
        train_parts(packed, parts, checkpoint_every, progress)
    _merge(config, place, parts)
    _remove_parts(place)
    return load_runs(place)


UNSENDABLE = (
    "processes must be 1: the settings cannot be sent to another process (is the environment "
    "defined in a script or a notebook?)"
)


def load_runs(out: Place) -> Runs:
    """Finished runs from their folder; `load_config` reads their settings.

    Parameters
    ----------
    out : path

    Returns
    -------
    Runs

    Raises
    ------
    OSError
        No such folder, or nothing finished in it.
    ValueError
        A file is not what it should be.
    """
    place = Path(out)
    about = header(place / POLICIES)
    seeds = tuple(json.loads(about["seeds"]))
    return Runs(place, seeds, load_policies(place / POLICIES), float(about["seconds"]))


def _seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(int(s) for s in seeds)
    within = all(0 <= seed < 2**32 for seed in chosen)
    if not chosen or len(set(chosen)) < len(chosen) or not within:
        raise ValueError(
            f"seeds must be a number of at least 1, or distinct whole numbers from 0 to 2^32 - 1; "
            f"got {seeds!r}"
        )
    return chosen


def _count(processes: int | None, seeds: int, packed: bytes | None) -> int:
    """In how many processes to train."""
    if processes is not None:
        if processes > 1 and packed is None:
            raise ValueError(UNSENDABLE)
        return min(processes, seeds)
    if packed is None or jax.default_backend() != "cpu" or jax.device_count() > 1:
        return 1
    return min(cores(), seeds)


def _found(
    place: Path, config: Config, seeds: tuple[int, ...], resume: bool, force: bool
) -> dict[str, Any] | None:
    """What an earlier training to be resumed says of itself, or None to begin anew."""
    if force:
        # in this order no moment leaves old parts to what is begun anew
        (place / POLICIES).unlink(missing_ok=True)
        _remove_parts(place)
        for name in (CONFIG, CHECKPOINT, METRICS, POOL_FILE):
            (place / name).unlink(missing_ok=True)
    if not (place / CONFIG).exists():
        if (place / POLICIES).exists():
            raise ValueError(f"out must be a place without other runs; {place} has {POLICIES}")
        return None
    there = "a finished" if (place / POLICIES).exists() else "an unfinished"
    if not resume:
        raise ValueError(
            f"out must be a new place: {place} holds {there} training; resume it, or force to "
            f"discard it"
        )
    found = read_settings(place / CONFIG)
    if found["digest"] != digest(config):
        where = difference(describe(config), found["config"])
        raise ValueError(f"config must be that of the training to resume; they differ in {where}")
    if tuple(found["seeds"]) != seeds:
        raise ValueError(
            f"seeds must be those of the training to resume, {found['seeds']}; got {list(seeds)}"
        )
    return found


def _merge(config: Config, place: Path, parts: list[tuple[list[int], Path]]) -> None:
    """All parts as one stack; the policies come last and say that all is there."""
    seeds = [seed for share, _ in parts for seed in share]
    made = [Part(config, share) for share, _ in parts]
    found = [part.load(path / CHECKPOINT) for part, (_, path) in zip(made, parts, strict=True)]
    seconds = max(float(header(path / CHECKPOINT)["seconds"]) for _, path in parts)
    state, sums = (
        jax.tree.map(_joined, *trees)
        for trees in ([r.state for r in found], [r.sums for r in found])
    )
    history = np.concatenate([r.history for r in found], axis=1)
    about = {
        "digest": digest(config),
        "seeds": json.dumps(seeds),
        "seconds": f"{seconds:.3f}",
        "update": str(config.updates),
    }
    save(place / CHECKPOINT, Record(state, sums, history), about=about)
    with whole_file(place / METRICS) as file:
        file.write(records.to_csv(config, seeds, history, config.updates).encode())
    save_policies(place / POLICIES, made[0].trainer.policies(state), about=about)


def _joined(*leaves: Any) -> Any:
    """One stack of several; by numpy where it can, which compiles nothing."""
    if jnp.issubdtype(leaves[0].dtype, jax.dtypes.prng_key):
        return jnp.concatenate(leaves)
    return np.concatenate([np.asarray(leaf) for leaf in leaves])


def _remove_parts(place: Path) -> None:
    """What the processes left, file by file: nothing else is touched."""
    for part in (place / PARTS).glob("*"):
        for name in (CHECKPOINT, METRICS):
            (part / name).unlink(missing_ok=True)
        sweep(part)
        part.rmdir()
    if (place / PARTS).exists():
        (place / PARTS).rmdir()


__all__ = ["Runs", "load_config", "load_runs", "train_runs"]
