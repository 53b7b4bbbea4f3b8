"""A hundred thousand hostile cases: no crash, no hang, no wrong answer, no error without a name.

Run ``python -m benchmarks.fuzz --cases 100000 --seed 0``; it can be interrupted, and goes on where
it was. ``--kind`` keeps to one kind. Cases run in a process of their own (`benchmarks.fuzz_worker`)
with limits on time and memory, which is started anew after a crash. ``python -m benchmarks.fuzz
--replay FILE`` repeats the cases of a corpus, one JSON object a line.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import rqe
from benchmarks.machine import ONE_THREAD, facts
from benchmarks.record import read, write
from rqe.result.files import whole_file

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "fuzz.json"
FINE = ("answered", "refused", "not converged")
"""Outcomes that are as documented; every other one is a failure."""
WALL_LIMIT = 180.0
"""Seconds without a verdict after which the process is given up: a case stuck in compiled code."""
Case = dict[str, Any]
Verdict = tuple[str, str, float]


class Worker:
    """One process for cases, started when there is one, and again after it died.

    Parameters
    ----------
    cold : bool
        Whether to start without a warm-up: sooner, but the first cases pay for what they load.
    """

    def __init__(self, *, cold: bool = False) -> None:
        self._words = ["--cold"] if cold else []
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def judge(self, case: Case) -> Verdict:
        """Outcome, message and seconds of one case."""
        try:
            process = self._ready()
            assert process.stdin is not None
            process.stdin.write(json.dumps(case).encode() + b"\n")
            process.stdin.flush()
            answer = self._line(WALL_LIMIT)
        except (BrokenPipeError, EOFError):
            code = self.close()
            return "crash", f"the process ended with {code}", 0.0
        except TimeoutError:
            self.close()
            return "hang", f"no verdict within {WALL_LIMIT:g} s", WALL_LIMIT
        outcome, message, seconds = json.loads(answer)
        return outcome, message, seconds

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.fuzz_worker", *self._words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
            )
            self._line(600.0)
        return self._process

    def _line(self, seconds: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        pipe, until = self._process.stdout.fileno(), time.monotonic() + seconds
        while b"\n" not in self._rest:
            if not select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError
            more = os.read(pipe, 65536)
            if not more:
                raise EOFError
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def close(self) -> int | None:
        """End the process; its exit code."""
        process, self._process, self._rest = self._process, None, b""
        if process is None:
            return None
        process.kill() if process.poll() is None else None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        return process.wait()


def cases(count: int, seed: int, only: str | None = None, first: int = 0) -> Iterator[Case]:
    """Case k of a run: a kind drawn by weight, and a number that no other run of it has."""
    from benchmarks.fuzz_worker import KINDS

    names = list(KINDS)
    weights = np.array([weight for weight, _ in KINDS.values()], dtype=float)
    for k in range(first, count):
        rng = np.random.default_rng([seed, k])
        kind = only or names[rng.choice(len(names), p=weights / weights.sum())]
        yield {"kind": kind, "seed": seed * 10**9 + k}


def replay(given: Iterable[Case]) -> list[Verdict]:
    """Verdicts of cases, in order."""
    worker = Worker()
    try:
        return [worker.judge(case) for case in given]
    finally:
        worker.close()


def fuzz(
    count: int,
    seed: int,
    state: Path,
    only: str | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> dict[str, Any]:
    """All cases, going on where the state file says.

    Returns
    -------
    dict
        ``done``, ``counts`` by kind and outcome, ``seconds`` by kind, ``slowest`` case a kind,
        ``failures``: case, outcome, message.
    """
    done: dict[str, Any] = {"seed": seed, "kind": only, "done": 0, "counts": {}, "seconds": {},
                            "slowest": {}, "failures": []}  # fmt: skip
    if state.exists():
        found = json.loads(state.read_text(encoding="utf-8"))
        done = found if (found["seed"], found["kind"]) == (seed, only) else done
    counts, seconds = Counter(done["counts"]), Counter(done["seconds"])
    worker, kept = Worker(), time.monotonic()
    try:
        for case in cases(count, seed, only, done["done"]):
            outcome, message, taken = worker.judge(case)
            kind = case["kind"]
            counts[f"{kind}|{outcome}"] += 1
            seconds[kind] += taken
            done["slowest"][kind] = max(done["slowest"].get(kind, 0.0), taken)
            if outcome not in FINE:
                done["failures"].append({**case, "outcome": outcome, "message": message})
            done |= {"done": done["done"] + 1, "counts": dict(counts), "seconds": dict(seconds)}
            if progress is not None:
                progress(done["done"], count, len(done["failures"]))
            if time.monotonic() - kept > 20.0 or done["done"] == count:
                kept = time.monotonic()
                with whole_file(state) as file:
                    file.write(json.dumps(done).encode())
    finally:
        worker.close()
    return done


def table(content: dict[str, Any]) -> rqe.Table:
    """Cases by kind and outcome, with seconds of processor time."""
    rows = []
    for kind in sorted({key.partition("|")[0] for key in content["counts"]}):
        of = {k.partition("|")[2]: n for k, n in content["counts"].items()
              if k.partition("|")[0] == kind}  # fmt: skip
        failed = sum(n for outcome, n in of.items() if outcome not in FINE)
        rows.append((kind, sum(of.values()), *(of.get(o, 0) for o in FINE), failed,
                     round(content["seconds"][kind]), content["slowest"][kind]))  # fmt: skip
    return rqe.Table(("kind", "cases", *FINE, "failures", "seconds", "slowest"), tuple(rows))


def saved(path: Path = RESULT) -> dict[str, Any]:
    """The content of a saved run."""
    content: dict[str, Any] = read(path)
    return content


def main(arguments: list[str] | None = None) -> int:
    """Run, or replay; the exit code says whether anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="one kind of case alone")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="a corpus, a case a line")
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args(arguments)
    if chosen.replay is not None:
        given = [json.loads(line) for line in chosen.replay.read_text("utf-8").splitlines()]
        bad = [(c, v) for c, v in zip(given, replay(given), strict=True) if v[0] not in FINE]
        for case, verdict in bad:
            print(json.dumps(case), *verdict)
        return 1 if bad else 0

    def bar(done: int, total: int, failed: int) -> None:
        if done % (20 if sys.stderr.isatty() else 1000) == 0:
            print(f"\r{done} of {total}, {failed} failures", end="", file=sys.stderr, flush=True)

    state = chosen.out.with_suffix(".state")
    done = fuzz(chosen.cases, chosen.seed, state, chosen.kind, bar)
    command = f"python -m benchmarks.fuzz --cases {chosen.cases} --seed {chosen.seed}"
    content = done | {"machine": facts(command)}
    write(chosen.out, command, content)
    state.unlink(missing_ok=True)
    print(f"\n{table(content)}")
    for failure in done["failures"][:200]:
        print(json.dumps(failure))
    return 1 if done["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
