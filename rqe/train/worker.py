"""Parts of a stack of runs in processes of their own, each on one core."""

from __future__ import annotations

import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .config import Config
from .part import Progress, Report, saved_updates, train_part

FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
COMMAND = "from rqe.train.worker import main; main()"
PATIENCE = 120.0
"""Seconds that a process gets to write its checkpoint and end."""
ERRORS: dict[str, Any] = {e.__name__: e for e in (ValueError, TypeError, OSError, MemoryError)}
"""What a worker's report of an error becomes here; anything else is a ChildProcessError."""


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def parcel(config: Config) -> bytes | None:
    """Settings as another process of ours can take them in; None if it cannot."""
    try:
        packed = pickle.dumps(config)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    # what is defined in a script or a notebook is not there in another process
    return None if b"__main__" in packed else packed


def train_parts(
    packed: bytes,
    parts: Sequence[tuple[Sequence[int], Path]],
    checkpoint_every: float,
    progress: Report | None,
) -> None:
    """Train several parts at once; an exception here ends all after a checkpoint of each.

    Parameters
    ----------
    packed : bytes
        The settings, from `parcel`.
    parts : sequence of (seeds, folder)
    checkpoint_every : float
        Seconds.
    progress : callable, optional

    Raises
    ------
    ChildProcessError
        A process ended without its work done.
    """
    updates = pickle.loads(packed).updates
    done = [saved_updates(out) / updates for _, out in parts]
    events: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    workers: list[subprocess.Popen[bytes]] = []
    try:
        for number, (seeds, out) in enumerate(parts):
            workers.append(_start(packed, (tuple(seeds), out, checkpoint_every)))
            threading.Thread(
                target=_listen, args=(number, workers[-1].stdout, events), daemon=True
            ).start()
        _watch(workers, [len(seeds) for seeds, _ in parts], events, progress, done)
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGINT)
        for worker in workers:
            try:
                worker.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def _start(packed: bytes, rest: tuple[Any, ...]) -> subprocess.Popen[bytes]:
    """A process that trains a part; settings go to it through a pipe, never through a file."""
    environment = dict(os.environ)
    environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {FLAGS}".strip()
    environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(p) for p in sys.path)
    # in a session of its own: an interrupt from the keyboard comes to this process alone
    worker = subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    assert worker.stdin is not None
    with suppress(BrokenPipeError), worker.stdin as pipe:  # its end tells why, if it ended already
        pickle.dump((packed, rest), pipe)
    return worker


def _listen(number: int, lines: Any, events: queue.SimpleQueue[tuple[int, Any]]) -> None:
    with lines:
        for line in lines:
            events.put((number, json.loads(line)))
    events.put((number, None))


def _watch(
    workers: list[subprocess.Popen[bytes]],
    sizes: list[int],
    events: queue.SimpleQueue[tuple[int, Any]],
    progress: Report | None,
    done: list[float],
) -> None:
    """Pass reports on, all parts together, until every process has ended well."""
    latest = [Progress(fraction, 0.0, 0.0) for fraction in done]
    heard: set[int] = set()
    running = len(workers)
    while running:
        number, event = events.get()
        if event is None:
            running -= 1
            code = workers[number].wait()
            if code != 0:
                raise ChildProcessError(
                    f"a training process ended with code {code}; what it had saved can be resumed"
                )
        elif "error" in event:
            raise ERRORS.get(event["error"], ChildProcessError)(event["message"])
        else:
            latest[number] = Progress(**event)
            heard.add(number)
            if progress is not None:
                share = [s / sum(sizes) for s in sizes]
                told = sum(sizes[k] for k in heard)
                progress(
                    Progress(
                        sum(s * p.fraction for s, p in zip(share, latest, strict=True)),
                        sum(p.steps_per_second for p in latest),
                        sum(sizes[k] * latest[k].mean_return for k in heard) / told,
                    )
                )


def main() -> None:
    """The other side: train the part that standard input tells of."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        packed, (seeds, out, checkpoint_every) = pickle.load(sys.stdin.buffer)
        config = pickle.loads(packed)
        train_part(config, seeds, out, checkpoint_every=checkpoint_every, progress=_tell)
    except KeyboardInterrupt:
        os._exit(130)
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more; the checkpoint is written
    except Exception as error:
        kind = next((name for name, e in ERRORS.items() if isinstance(error, e)), "")
        _send({"error": kind, "message": f"{error}" or type(error).__name__})
        os._exit(1)


def _tell(progress: Progress) -> None:
    _send(vars(progress))


def _send(message: dict[str, Any]) -> None:
    # at once and without a buffer, which would be written again at the end
    os.write(1, (json.dumps(message) + "\n").encode())
