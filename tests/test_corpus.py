"""A thousand hostile cases replayed, the judges themselves judged, and the saved runs looked at."""

from __future__ import annotations

import dataclasses
import json
import signal
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import rqe
from benchmarks import fuzz, fuzz_readers, fuzz_worker, soak
from benchmarks.hostile import Failure, Refused, attempt
from benchmarks.recheck import CLAIMS, refuted
from benchmarks.recheck_more import gaussian_refuted, general_refuted, markov_refuted

CORPUS = Path(__file__).parent / "corpus" / "cases.jsonl"
CASES = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def test_a_thousand_cases_end_as_documented():
    verdicts = fuzz.replay(CASES)
    assert len(verdicts) == 1000
    bad = [
        (case, verdict)
        for case, verdict in zip(CASES, verdicts, strict=True)
        if verdict[0] not in fuzz.FINE or verdict[0] != case.get("expect", verdict[0])
    ]
    assert not bad


def test_the_corpus_holds_every_kind_of_case():
    assert {case["kind"] for case in CASES} == set(fuzz_worker.KINDS)


def outline(value):
    """Types and keys: what a format fixes, not what a machine rounds."""
    if isinstance(value, dict):
        return {key: outline(part) for key, part in value.items()}
    if isinstance(value, list):
        return [outline(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def test_the_saved_results_that_cases_damage_are_of_the_present_format():
    fresh = json.loads(json.dumps(fuzz_readers.made()))
    assert [outline(r) for r in fuzz_readers.results()] == [outline(r) for r in fresh]


# ---------------------------------------------------------------- the process of the cases


def test_a_crash_is_a_verdict_and_the_next_case_has_a_process_of_its_own():
    worker, fine = fuzz.Worker(cold=True), {"kind": "game by name", "text": "chicken"}
    try:
        assert worker.judge(fine)[0] == "answered"
        worker._process.kill()
        worker._process.wait()
        assert worker.judge(fine)[0] == "crash"
        assert worker.judge(fine)[0] == "answered"
    finally:
        worker.close()


def warns(rng, place):
    warnings.warn("careless", RuntimeWarning, stacklevel=1)
    return "answered"


def spins(rng, place):
    while True:
        pass


def hoards(rng, place):
    raise MemoryError("too much")


def unnamed(rng, place):
    return attempt(lambda: int("x"), ["tau"])


def undocumented(rng, place):
    return {}["key"]


def wrong(rng, place):
    raise Failure("wrong", "not so")


def refuses(rng, place):
    raise Refused("refused")


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        (warns, "warning"),
        (spins, "hang"),
        (hoards, "memory"),
        (unnamed, "unnamed"),
        (undocumented, "undocumented error"),
        (wrong, "wrong"),
        (refuses, "refused"),
    ],
)
def test_every_kind_of_failure_is_seen(case, outcome, monkeypatch, tmp_path):
    monkeypatch.setitem(fuzz_worker.KINDS, "trial", (1, case))
    monkeypatch.setattr(fuzz_worker, "CPU_LIMIT", 0.2)
    before = signal.signal(signal.SIGPROF, fuzz_worker._hang)
    try:
        assert fuzz_worker.judged({"kind": "trial", "seed": 0}, tmp_path)[0] == outcome
    finally:
        signal.signal(signal.SIGPROF, before)


def test_an_interrupted_run_goes_on_where_it_was(tmp_path, monkeypatch):
    seen = []

    class Counted(fuzz.Worker):
        def judge(self, case):
            seen.append(case["seed"])
            if len(seen) == 4:
                raise KeyboardInterrupt
            return "answered", "", 0.0

    monkeypatch.setattr(fuzz, "Worker", Counted)
    clock = iter(range(0, 10**6, 100))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with pytest.raises(KeyboardInterrupt):
        fuzz.fuzz(6, 0, tmp_path / "state")
    done = fuzz.fuzz(6, 0, tmp_path / "state")
    assert seen == [0, 1, 2, 3, 3, 4, 5]
    assert done["done"] == sum(done["counts"].values()) == 6


# ---------------------------------------------------------------- the judges


def batch(**changes):
    payoffs = np.random.default_rng(0).random((3, 2, 2, 3))
    found = rqe.solve_many(payoffs, 2.0, 0.2)
    changed = dataclasses.replace(found, **{k: f(getattr(found, k)) for k, f in changes.items()})
    flags = refuted(payoffs, changed, found.tau, found.epsilon, 1e-10)
    return [claim for claim, flag in zip(CLAIMS, flags, strict=True) if flag.any()]


def moved(strategies):
    return tuple(x + 1e-6 * np.where(np.arange(x.shape[1]) == 0, 1.0, -1.0) for x in strategies)


def test_answers_that_are_right_stand():
    assert batch() == []


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"strategies": moved}, "strategies are distributions"),
        ({"log_strategies": moved}, "residual within tolerance or at its rounding floor"),
        ({"residual": lambda r: r + 1e-9}, "residual as stated"),
        ({"payoffs": lambda u: u + 1e-9}, "payoffs as stated"),
        ({"values": lambda v: v - 1e-9}, "values as stated"),
        ({"log_strategies": lambda z: flatter(z)}, "regret negligible"),
        (
            {"log_strategies": lambda z: flatter(z)},
            "no deviation gains more than the stated regret",
        ),
    ],
)
def test_a_false_claim_is_refuted(changes, claim):
    assert claim in batch(**changes)


def test_every_claim_has_a_false_one_above():
    assert len(CLAIMS) == 7


@pytest.mark.parametrize("risk", [rqe.CVaR(0.3), rqe.ReverseKL(2.0), rqe.ChiSquared(1.0),
                                  rqe.TotalVariation(3.0), rqe.Entropic(4.0)])  # fmt: skip
@pytest.mark.parametrize("rule", [rqe.LogBarrier(0.3), rqe.Tsallis(0.5, 0.3)])
@pytest.mark.parametrize("form", ["aggregate", "action_dependent"])
def test_general_answers_are_judged(risk, rule, form):
    game = rqe.NormalFormGame(np.random.default_rng(1).random((2, 3, 2)))
    agents = [rqe.Agent(risk, rule, form)] * 2
    eq = rqe.solve(game, agents)
    assert general_refuted(game, eq, agents) == ""
    other = dataclasses.replace(eq, log_strategies=flatter(eq.log_strategies))
    assert "value" in general_refuted(game, other, agents)
    assert "gain" in general_refuted(game, _with_values(game, other, agents), agents)


def flatter(logs):
    """Strategies that are half as decided."""
    halves = [np.exp(0.5 * z) for z in logs]
    return tuple(np.log(x / x.sum(axis=-1, keepdims=True)) for x in halves)


def _with_values(game, eq, agents):
    """The same false profile with its own true values."""
    from benchmarks.recheck_more import _joint, _value

    logs = [np.asarray(z, dtype=np.longdouble) for z in eq.log_strategies]
    values = []
    for i, agent in enumerate(agents):
        table = np.moveaxis(game.payoffs[i], i, 0).reshape(logs[i].size, -1)
        low = table.min()
        values.append(float(_value(agent, table - low, _joint(logs, i))(np.exp(logs[i])) + low))
    return dataclasses.replace(eq, values=np.array(values))


def test_gaussian_and_markov_answers_are_judged():
    game = rqe.AggregativeGame([[2.0, 0.3], [0.3, 1.0]], [1.0, 2.0], [0.5, 1.0, 2.0])
    tau, epsilon = np.array([0.3, 0.0, 0.5]), np.array([0.5, 0.2, 0.0])
    eq = rqe.solve_rqe(game, tau, epsilon)
    assert gaussian_refuted(game, eq, tau, epsilon) == ""
    for name in ("means", "covariances", "belief_means"):
        other = dataclasses.replace(eq, **{name: tuple(1.001 * m for m in getattr(eq, name))})
        assert gaussian_refuted(game, other, tau, epsilon)
    rng = np.random.default_rng(2)
    moves = rng.dirichlet(np.ones(2), size=(2, 2, 2))
    for ending in ({"discount": 0.9}, {"horizon": 3}):
        chain = rqe.MarkovGame(rng.random((2, 2, 2, 2)), moves, **ending)
        found = rqe.solve_rqe(chain, 1.0, 0.3)
        assert markov_refuted(chain, found, 1.0, 0.3) == ""
        higher = dataclasses.replace(found, values=found.values + 0.1)
        assert "values" in markov_refuted(chain, higher, 1.0, 0.3)
        other = dataclasses.replace(found, log_policies=flatter(found.log_policies))
        assert markov_refuted(chain, other, 1.0, 0.3)


# ---------------------------------------------------------------- the saved runs


def test_the_saved_fuzz_run_has_no_crash_hang_or_wrong_answer():
    content = fuzz.saved()
    assert content["done"] == sum(content["counts"].values()) >= 100_000
    found = {key.partition("|")[2] for key in content["counts"]}
    assert not found & {"crash", "hang", "wrong", "memory", "undocumented error"}
    failed = [n for k, n in content["counts"].items() if k.partition("|")[2] not in fuzz.FINE]
    assert sum(failed) == len(content["failures"])
    assert {row[0] for row in fuzz.table(content).rows} == set(fuzz_worker.KINDS)


def test_the_saved_soak_refutes_no_claim_and_one_batch_comes_out_again():
    content = soak.saved()
    assert content["failures"] == []
    many = [n for key, n in content["counts"].items() if key.startswith("solve_many|")]
    assert sum(many) >= 1_000_000
    (number, counts), *_ = content["sample"].items()
    again = soak.judge(content["seed"], int(number))
    assert again["failures"] == []
    assert dict(again["counts"]) == counts
