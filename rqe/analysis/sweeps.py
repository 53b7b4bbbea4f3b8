"""Sweeps over a grid: chunk by chunk, on one core or many, and resumable."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .._version import __version__
from ..model._checks import is_whole, whole
from ..model.normal_form import NormalFormGame
from .sweep_family import MAX_POINTS, GameFamily, check_family, default_lockstep, family_columns
from .sweep_files import FORMAT, Folder, chunk_of, decode, digest, encode, open_folder
from .sweep_grid import Grid, describe, make_grid
from .sweep_points import check_function, function_columns
from .sweep_table import Column, SweepTable, join, nothing

CHUNK = 100
"""Points of a chunk of a function, where the caller does not say."""
ROUND = 8
"""Chunks a worker between two writings, where a backend hands back all its results at once."""
AHEAD = "2*n_jobs + 1000"
"""Chunks that are asked of Dask ahead: a cluster that grows with its work needs to see some."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker needs to know of a sweep.

    It has slots, and so no weak references: what joblib can refer to weakly it leaves with one of
    Dask's workers, and it is lost with that worker.
    """

    what: Any
    grid: Grid
    seed: int | None
    lockstep: int
    sweep: str

    def run(self, number: int, start: int, stop: int, first: int) -> bytes:
        """The chunk of the points from `start` to before `stop`, as the bytes of its file.

        ``first`` is the number in the whole sweep of the point at ``start``.
        """
        if isinstance(self.what, GameFamily):
            columns = family_columns(self.what, self.grid, start, stop, self.lockstep)
        else:
            columns = function_columns(self.what, self.grid, start, stop, self.seed, first)
        return encode(columns, self.sweep, number, stop - start)

    def errand(self, number: int, start: int, stop: int) -> tuple[Task, int, int, int, int]:
        """What to send for one chunk: of long axes, no more than its part."""
        grid, local = self.grid.part(start, stop)
        return replace(self, grid=grid), number, local, local + stop - start, start


def run_chunk(task: Task, number: int, start: int, stop: int, first: int) -> tuple[int, bytes]:
    """A chunk with its number: what a worker is asked for."""
    import multiprocessing

    # Ctrl-C goes to every process of a terminal. It is for the one that asked, which then ends its
    # workers; workers that ended by themselves at that moment can leave it waiting for them.
    worker = multiprocessing.current_process().name.startswith("Loky")
    if worker and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return number, task.run(number, start, stop, first)


def sweep(
    what: Any,
    grid: Any,
    *,
    chunk: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> SweepTable:
    """A function, or the equilibria of games, at all points of a grid, as a tidy table.

    Parameters
    ----------
    what : callable, NormalFormGame or GameFamily
        A function is called with a point's values by name; it returns a number, text, truth value
        or None, or a mapping of columns to such. A game, or each game that a `GameFamily` makes of
        the grid's other values, is solved for its RQE at the grid's ``tau`` (1/payoff units, in
        [0, inf]) and ``epsilon`` (payoff units, in [0, inf)) or ``lam`` (its inverse), which may be
        a player's own: ``tau_1``, ``epsilon_2``. Games of one shape are solved as one batch.
    grid : mapping of str to sequence
        The values of each argument: numbers, texts, truth values or None; one value is an axis of
        one. The last axis varies fastest.
    chunk : int, optional
        Points that a worker takes at a time, at most 2^20. By default that of ``folder`` where it
        holds this sweep; else 100 of a function, and of a family as many as are solved together,
        of which it is always a multiple (it is rounded up).
    folder : path, optional
        Where finished chunks are kept. A sweep that was interrupted, or whose workers were lost,
        takes up there what is finished; a damaged file is computed again. It is this process that
        writes: workers need no access.
    n_jobs : int, optional
        Worker processes; -1 is one a core, 1 is this process. By default what
        ``joblib.parallel_config`` says, where it is used, and 1 otherwise.
    seed : int, optional
        Of a function that draws random numbers, at least 0: it is called with ``seed``, a
        `numpy.random.SeedSequence` of each point's own. None of a family, whose games are made of
        the grid's values alone; ``seed`` may be one of them.
    progress : callable, optional
        Called with the number of points done and of all, as chunks come in.

    Returns
    -------
    SweepTable
        The grid's columns, ``status``, what was found, and ``reason``. A point whose function
        returned is ``DONE``; one of a game has its `rqe.Status`, ``branch``, ``residual``,
        ``regret`` (the players' largest), ``iterations``, payoffs, values and strategies. Where
        something was raised, the row says ``FAILED`` (or the status that `rqe.ConvergenceError`
        carries) and, as its reason, what.

    Raises
    ------
    ValueError
        An argument is out of range, or the folder holds another sweep: other values, another
        function (by its name, its code and what it closes over) or game, seed or chunk.
    OSError
        The folder cannot be written, or a worker process ended (ChildProcessError).

    Notes
    -----
    The table does not depend on the number of workers, on the chunks, nor on interruptions. Inside
    ``with joblib.parallel_config(backend="dask")``, or another backend of joblib, the same call
    uses a cluster (docs/sweeps.md).

    Examples
    --------
    >>> import games, rqe
    >>> grid = {"tau": [0.5, 1.0], "epsilon": [0.1, 0.2]}
    >>> table = rqe.analysis.sweep(games.free_riding(), grid)
    >>> [round(x, 4) for x in table.column("1: C")]
    [0.6053, 0.5837, 0.6336, 0.6082]
    """
    task, size, place = _prepare(what, grid, chunk, folder, n_jobs, seed)
    points = len(task.grid)
    bounds = [(start, min(start + size, points)) for start in range(0, points, size)]
    chunks: list[dict[str, Column] | None] = [None] * len(bounds)
    if place is not None:
        chunks = [place.find(k, stop - start) for k, (start, stop) in enumerate(bounds)]
    left = [(k, *bounds[k]) for k, found in enumerate(chunks) if found is None]
    done = points - sum(stop - start for _, start, stop in left)
    if progress is not None and done:
        progress(done, points)
    for number, content in _results(task, left, n_jobs):
        start, stop = bounds[number]
        chunks[number] = decode(content, task.sweep, number, stop - start)
        if place is not None:
            place.keep(number, content)
        done += stop - start
        if progress is not None:
            progress(done, points)
    return _table(task.grid, [c for c in chunks if c is not None])


def _prepare(
    what: Any, grid: Any, chunk: int | None, folder: Any, n_jobs: int | None, seed: int | None
) -> tuple[Task, int, Folder | None]:
    """The arguments, checked: what workers need, the size of a chunk, and its folder."""
    found = make_grid(grid)
    if seed is not None:
        whole(seed, "seed", 0)
    if n_jobs is not None and (not is_whole(n_jobs) or n_jobs == 0):
        raise ValueError(f"n_jobs must be a whole number other than 0; got {n_jobs!r}")
    if isinstance(what, NormalFormGame):
        what = GameFamily(what)
    lockstep = 1
    if isinstance(what, GameFamily):
        if seed is not None:
            raise ValueError("seed must be None of a family: its games are made of the grid alone")
        check_family(what, found)
        lockstep = default_lockstep(what, found)
    elif callable(what):
        if seed is not None and "seed" in found.names:
            raise ValueError("seed must be None where the grid has seed; got both")
        check_function(what, (*found.names, *(("seed",) if seed is not None else ())))
    else:
        raise ValueError(f"what must be a function, a game or a GameFamily; got {what!r:.60}")
    if chunk is not None:
        whole(chunk, "chunk", 1, MAX_POINTS)
    elif folder is not None:
        chunk = chunk_of(folder, MAX_POINTS)
    least = CHUNK if lockstep == 1 and not isinstance(what, GameFamily) else lockstep
    size = -(-(chunk or least) // lockstep) * lockstep
    manifest = {
        "format": FORMAT,
        "what": describe(what),
        "grid": found.manifest(),
        "order": list(found.names),
        "points": len(found),
        "seed": seed,
        "chunk": size,
        "together": lockstep,
        "rqe": __version__,
    }
    place = None if folder is None else open_folder(Path(folder), manifest)
    return Task(what, found, seed, lockstep, digest(manifest)), size, place


def _results(
    task: Task, left: list[tuple[int, int, int]], n_jobs: int | None
) -> Iterator[tuple[int, bytes]]:
    """Chunks as they are finished, in any order."""
    # a backend chosen with joblib.parallel_config means that joblib was imported
    if not left or n_jobs == 1 or (n_jobs is None and "joblib" not in sys.modules):
        for entry in left:
            yield run_chunk(*task.errand(*entry))
        return
    from concurrent.futures.process import BrokenProcessPool

    try:
        yield from _by_workers(task, left, n_jobs)
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "a worker process ended before its chunk was done (was there too little memory?); with "
            "a folder, the same call goes on from the chunks that are finished"
        ) from error


def _by_workers(
    task: Task, left: list[tuple[int, int, int]], n_jobs: int | None
) -> Iterator[tuple[int, bytes]]:
    """Chunks from joblib's workers, as they are finished."""
    import joblib

    def asked(part: list[tuple[int, int, int]]) -> Iterator[Any]:
        return (joblib.delayed(run_chunk)(*task.errand(*entry)) for entry in part)

    # chunks are large: joblib is not to put several into one parcel
    growing = type(joblib.parallel.get_active_backend()[0]).__name__.startswith("Dask")
    ahead = AHEAD if growing else "2*n_jobs"
    how = {"n_jobs": n_jobs, "batch_size": 1, "pre_dispatch": ahead}
    try:
        pool = joblib.Parallel(**how, return_as="generator_unordered")
    except ValueError:
        # Ray's backend, for one, hands back what it has when all is done
        with joblib.Parallel(**how) as pool:
            step = ROUND * max(1, joblib.effective_n_jobs(n_jobs))
            for first in range(0, len(left), step):
                yield from pool(asked(left[first : first + step]))
        return
    yield from pool(asked(left))


def _table(grid: Grid, chunks: list[dict[str, Column]]) -> SweepTable:
    """All chunks, one below the other, beside the grid's values."""
    found = grid.columns()
    sizes = [len(c["status"]) for c in chunks]
    for name in dict.fromkeys(name for c in chunks for name in c):
        pairs = zip(chunks, sizes, strict=True)
        found[name] = join([c[name] if name in c else nothing(n) for c, n in pairs])
    found["reason"] = found.pop("reason")  # long, and mostly empty: at the end
    return SweepTable(found, title=f"{len(grid):,} points")
