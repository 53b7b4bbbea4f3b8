"""The process of the fuzz run's cases: limits on time and memory, a verdict each.

Started by `benchmarks.fuzz`, which outlives whatever happens here. A line of JSON in is a case, a
line of JSON out its verdict.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import fuzz_commands, fuzz_models, fuzz_readers, fuzz_solvers
from benchmarks.hostile import Failure, Refused

Case = Callable[[np.random.Generator, Path], str]
KINDS: dict[str, tuple[int, Case]] = {
    "read .nfg": (12, fuzz_readers.nfg),
    "read .efg": (7, fuzz_readers.efg),
    "read result": (13, fuzz_readers.result),
    "read checkpoint": (5, fuzz_readers.checkpoint),
    "read policies": (3, fuzz_readers.policies),
    "read settings": (3, fuzz_readers.settings),
    "game by name": (2, fuzz_readers.name),
    "NormalFormGame": (8, fuzz_models.normal_form),
    "CollaborativeGame": (3, fuzz_models.collaborative),
    "QuadraticGame": (4, fuzz_models.quadratic),
    "MarkovGame": (4, fuzz_models.markov),
    "Agent": (3, fuzz_models.agent),
    "Observation": (2, fuzz_models.observation),
    "solve_rqe": (7, fuzz_solvers.rqe_),
    "solve_qre": (4, fuzz_solvers.qre),
    "solve_nash": (4, fuzz_solvers.nash),
    "solve_security": (2, fuzz_solvers.security),
    "solve_many": (3, fuzz_solvers.many),
    "solve, general agents": (2, fuzz_solvers.general),
    "solve_rqe, quadratic": (2, fuzz_solvers.gaussian),
    "solve_rqe, Markov": (1, fuzz_solvers.markov),
    "trace_rqe": (1, fuzz_solvers.trace),
    "enumerate_rqe": (1, fuzz_solvers.enumerated),
    "command line": (9, fuzz_commands.command),
}
"""Every kind of case, with its weight."""
LITERAL = {
    "read .nfg": "nfg",
    "read .efg": "efg",
    "read result": "result",
    "read checkpoint": "checkpoint",
    "read policies": "policies",
    "read settings": "settings",
    "game by name": "name",
}
CPU_LIMIT = 20.0
"""Seconds of processor time that a case may take."""
MEMORY = 2**30
"""Bytes of address space that a case may add to what the process has after its imports."""
GROWTH = 256 * 2**20
"""Bytes by which a case may raise the largest resident size there was."""


class Hang(BaseException):
    """A case that took longer than its limit; nothing catches this by accident."""


def _hang(*_: Any) -> None:
    raise Hang


def generator(kind: str, seed: int) -> np.random.Generator:
    """Of one case: the same on every machine, whatever other kinds there are."""
    return np.random.default_rng([zlib.crc32(kind.encode()), seed])


def judged(case: dict[str, Any], place: Path) -> tuple[str, str]:
    """Outcome of one case, and the message of a failure."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.setitimer(signal.ITIMER_PROF, CPU_LIMIT)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            outcome = outcome_of(case, place)
    except Hang:
        return "hang", f"more than {CPU_LIMIT:g} s"
    except Failure as failure:
        return failure.kind, str(failure)
    except MemoryError as error:
        return "memory", f"MemoryError {error}"
    except BaseException as error:
        return "undocumented error", f"{type(error).__name__}: {error}{_where(error)}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    if said:
        first = said[0]
        return "warning", f"{first.message} ({Path(first.filename).name}:{first.lineno})"
    if grown > GROWTH:
        return "memory", f"{grown / 2**20:.0f} MiB more than any case before"
    return outcome, ""


def _where(error: BaseException) -> str:
    """File and line that an error comes from."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"


def outcome_of(case: dict[str, Any], place: Path) -> str:
    """Run one case; a refusal is an outcome."""
    try:
        return perform(case, place)
    except Refused as refusal:
        return str(refusal)


def perform(case: dict[str, Any], place: Path) -> str:
    """Run one case: of a generator, or with contents of its own."""
    kind = case["kind"]
    if "words" in case:
        return fuzz_commands.run(case["words"])
    if "data" in case:
        data = base64.b64decode(case["data"])
        return fuzz_readers.LITERAL[LITERAL[kind]](data, place)
    if "text" in case:
        # a piece that is a list is text and how often it stands there
        pieces = [case["text"]] if isinstance(case["text"], str) else case["text"]
        text = "".join(p if isinstance(p, str) else p[0] * p[1] for p in pieces)
        data = text.encode("utf-8", "surrogatepass")
        return fuzz_readers.LITERAL[LITERAL[kind]](data, place)
    return KINDS[kind][1](generator(kind, case["seed"]), place)


def warm_up() -> None:
    """Everything that is loaded when first used, so that no case is charged for it."""
    fuzz_readers.results()
    fuzz_readers.tensors()
    with contextlib.suppress(Refused), tempfile.TemporaryDirectory() as folder:
        for kind, (_, case) in KINDS.items():
            for seed in range(3):
                with contextlib.suppress(Exception):
                    case(generator(kind, seed), Path(folder))


def limit_memory() -> None:
    """No more address space than there is in use, and `MEMORY`."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> None:
    """Cases from standard input, verdicts to standard output."""
    verdicts = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a case prints is no verdict
    signal.signal(signal.SIGPROF, _hang)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        if "--cold" not in sys.argv:
            warm_up()
        limit_memory()
        print("ready", file=verdicts, flush=True)
        for line in sys.stdin:
            case = json.loads(line)
            began = time.process_time()
            outcome, message = judged(case, Path(folder))
            taken = round(time.process_time() - began, 4)
            print(json.dumps([outcome, message[:2000], taken]), file=verdicts, flush=True)


if __name__ == "__main__":
    main()
