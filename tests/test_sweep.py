"""Sweeps: the right table, however it is cut, shared out, interrupted and resumed."""

import csv
import functools
import hashlib
import io
import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib._parallel_backends import ThreadingBackend

import benchmarks.sweeps
import games
import rqe
from rqe import cli
from rqe.analysis import GameFamily, sweep, sweep_files, sweeps
from rqe.analysis.sweep_files import DIGEST_SIZE, decode, encode
from rqe.analysis.sweep_grid import describe, make_grid
from rqe.analysis.sweep_table import Column, column_of, join

INF = float("inf")
ROOT = Path(__file__).resolve().parent.parent


def ratio(x, y):
    """Fails where y is 0."""
    return {"ratio": x / y, "large": x > 2, "word": "ab"[x % 2], "whole": x}


RATIO_GRID = {"x": [1, 2, 3, 4, 5], "y": [0, 0.5, 2]}


def volunteers(n, cost):
    """Fails for cost >= 1; two to four players."""
    return games.volunteers_dilemma(n=n, cost=cost)


MIXED_FAMILY = GameFamily(volunteers, lockstep=7)
MIXED_GRID = {
    "epsilon": [0.0, 0.1, 0.3],
    "n": [2, 3, 4],
    "cost": [0.2, 0.5, 2.0],
    "tau": [0.0, 1.0, INF],
}


def test_a_function_at_all_points_in_order():
    rows = list(sweep(ratio, RATIO_GRID).rows())
    assert len(rows) == 15
    for row, (x, y) in zip(rows, itertools.product(*RATIO_GRID.values()), strict=True):
        if y == 0:
            reason = "ZeroDivisionError: division by zero"
            assert row == (x, y, "FAILED", None, None, None, None, reason)
        else:
            assert row == (x, y, "DONE", x / y, x > 2, "ab"[x % 2], x, None)


def test_games_are_solved_as_one_by_one():
    table = sweep(MIXED_FAMILY, MIXED_GRID)
    seen = set()
    for row in table.rows():
        at = dict(zip(table.columns, row, strict=True))
        seen.add(at["status"])
        if at["cost"] == 2.0 or (at["epsilon"] == 0.0 and at["tau"] < INF):
            assert at["status"] == "FAILED"
            assert ("cost" if at["cost"] == 2.0 else "epsilon[0]") in at["reason"]
            assert (at["residual"], at["1: wait"]) == (None, None)
            continue
        game = volunteers(at["n"], at["cost"])
        eq = rqe.solve_rqe(game, tau=at["tau"], epsilon=at["epsilon"])
        assert (at["status"], at["reason"], at["branch"]) == ("CONVERGED", None, eq.branch)
        assert at["residual"] <= 1e-10
        for i in range(4):
            strategy = [at[f"{i + 1}: {a}"] for a in ("volunteer", "wait")]
            if i >= at["n"]:
                assert [*strategy, at[f"payoff {i + 1}"]] == [None, None, None]
                continue
            assert strategy == pytest.approx(eq[i], abs=1e-8)
            assert at[f"payoff {i + 1}"] == pytest.approx(eq.payoffs[i], abs=1e-8)
            assert at[f"value {i + 1}"] == pytest.approx(eq.values[i], abs=1e-8)
    assert seen == {"CONVERGED", "FAILED"}


def test_attitudes_of_single_players_and_precision():
    game = games.asymmetric_matching_pennies()
    table = sweep(game, {"tau_1": [0.0, 2.0], "tau_2": INF, "lam": [2.0, 5.0]})
    for row in table.rows():
        at = dict(zip(table.columns, row, strict=True))
        eq = rqe.solve_rqe(game, tau=[at["tau_1"], INF], epsilon=1.0 / at["lam"])
        names = [c for c in table.columns if c[:3] in ("1: ", "2: ")]
        assert [at[n] for n in names] == pytest.approx(np.concatenate(eq.strategies), abs=1e-8)
    own = sweep(game, {"tau": 1.0, "tau_2": [2.0], "epsilon": 0.5})
    eq = rqe.solve_rqe(game, tau=[1.0, 2.0], epsilon=0.5)
    assert own.column("payoff 1")[0] == pytest.approx(eq.payoffs[0], abs=1e-8)


def test_unsolved_games_say_so():
    family = GameFamily(games.stag_hunt(), max_steps=1)
    table = sweep(family, {"tau": [0.0, 1.0], "lam": 30.0})
    assert "CONVERGED" not in table.column("status")
    assert set(table.column("status")) <= set(rqe.Status.__members__)
    assert table.column("reason") == tuple(rqe.Status[s].value for s in table.column("status"))


@pytest.mark.parametrize("chunk", [1, 5, 14, 1000])
def test_the_table_does_not_depend_on_chunks(chunk):
    assert sweep(MIXED_FAMILY, MIXED_GRID, chunk=chunk).table() == mixed()
    assert sweep(ratio, RATIO_GRID, chunk=chunk).table() == sweep(ratio, RATIO_GRID).table()


@functools.cache
def mixed():
    return sweep(MIXED_FAMILY, MIXED_GRID).table()


class Lists(ThreadingBackend):
    """A backend that hands back all its results at once, as Ray's does."""

    supports_return_generator = False


joblib.register_parallel_backend("lists", Lists)


@pytest.mark.parametrize("backend", ["loky", "threading", "lists"])
def test_the_table_does_not_depend_on_workers(backend, monkeypatch):
    monkeypatch.setattr(sweeps, "ROUND", 2)  # several rounds where a backend needs them
    reports = []
    with joblib.parallel_config(backend=backend, n_jobs=2):
        found = sweep(MIXED_FAMILY, MIXED_GRID, chunk=7, progress=lambda *p: reports.append(p))
    assert found.table() == mixed()
    steps = np.diff([0, *(done for done, _ in reports)])  # the last chunk has four points
    assert sorted(steps.tolist()) == [4] + [7] * 11
    assert {total for _, total in reports} == {81}


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 700), st.data())
def test_a_part_of_a_grid_has_its_points(sizes, start, data):
    grid = make_grid({f"x{k}": range(10 * k, 10 * k + n) for k, n in enumerate(sizes)})
    start = min(start, len(grid) - 1)
    stop = data.draw(st.integers(start + 1, len(grid)))
    part, local = grid.part(start, stop)
    expected = list(grid.points(start, stop))
    assert list(part.points(local, local + stop - start)) == expected
    # of the first axis that varies, no value that is not used
    first = next((n for n in grid.names if len({p[n] for p in expected}) > 1), grid.names[-1])
    used = {p[first] for p in expected}
    assert set(part.axes[grid.names.index(first)]) == used


def test_workers_are_sent_no_more_of_a_grid_than_they_need():
    task, *_ = sweeps._prepare(where, {"_": range(100_000)}, None, None, None, None)
    assert len(pickle.dumps(task.errand(500, 50_000, 50_100))) < 2000


def where(_):
    """The process that this is called in, once another has called it too."""
    return os.getpid()


def test_workers_are_other_processes():
    table = sweep(where, {"_": range(8)}, chunk=1, n_jobs=2)
    assert os.getpid() not in table.column("value")
    assert set(sweep(where, {"_": range(8)}, n_jobs=1).column("value")) == {os.getpid()}


def noise(x, seed):
    return float(np.random.default_rng(seed).normal()) + 0 * x


def test_each_point_has_a_seed_of_its_own():
    found = sweep(noise, {"x": range(20)}, seed=3, chunk=7).column("value")
    assert found == sweep(noise, {"x": range(20)}, seed=3, chunk=3, n_jobs=2).column("value")
    expected = [
        np.random.default_rng(np.random.SeedSequence(3, spawn_key=(k,))).normal() for k in range(20)
    ]
    assert list(found) == expected
    assert len(set(found)) == 20
    assert found != sweep(noise, {"x": range(20)}, seed=4).column("value")


def unsolved(x):
    if x:
        rqe.solve_rqe(games.stag_hunt(), tau=0.0, epsilon=0.03, max_steps=1)
    return 1


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: [x], "list [1]"),
        (lambda x: {"status": x}, "status"),
        (lambda x: {"x": x}, "names of the grid; got 'x'"),
        (lambda x: {3: x}, "got 3"),
        (lambda x: "a" * 2000, "1000 characters"),
        (lambda x: 2**70, "int 1180591620717411303424"),
        (lambda x: 1j * x, "complex"),
        (lambda x: dict.fromkeys(map(str, range(300)), x), "256 columns"),
        (lambda x: unbound, "unbound"),  # noqa: F821
        (lambda x: (_ for _ in ()).throw(MemoryError("all of it")), "MemoryError: all of it"),
    ],
)
def test_a_failing_point_is_a_row_with_its_reason(function, said):
    table = sweep(function, {"x": [1]})
    assert table.column("status") == ("FAILED",)
    assert said in table.column("reason")[0]
    assert table.columns == ("x", "status", "reason")


def test_an_error_s_status_is_kept():
    table = sweep(unsolved, {"x": [0, 1]})
    done, ended = table.column("status")
    assert done == "DONE"
    assert ended in set(rqe.Status.__members__) - {"CONVERGED"}
    assert table.column("reason")[1].startswith(f"{ended}: ")
    assert {tuple(r) for r in table.counts().rows} == {("DONE", 1), (ended, 1)}


class Counted:
    """A function that says which points it was called at."""

    def __init__(self):
        self.at = []

    def __call__(self, x):
        self.at.append(x)
        return x * 0.5


def interrupt_at(number):
    def progress(done, _):
        if done >= number:
            raise KeyboardInterrupt

    return progress


def test_an_interrupted_sweep_goes_on_where_it_was(tmp_path):
    grid, function, reports = {"x": range(10)}, Counted(), []
    with pytest.raises(KeyboardInterrupt):
        sweep(function, grid, chunk=3, folder=tmp_path, progress=interrupt_at(6))
    assert function.at == list(range(6))
    assert [p.name for p in sorted(tmp_path.glob("*"))] == [
        "chunk-000000.rqe", "chunk-000001.rqe", "sweep.json",
    ]  # fmt: skip
    # the size of chunks need not be said again
    found = sweep(function, grid, folder=tmp_path, progress=lambda *p: reports.append(p))
    assert function.at == list(range(10))
    assert reports == [(6, 10), (9, 10), (10, 10)]
    assert found.column("value") == tuple(0.5 * x for x in range(10))
    sweep(function, grid, folder=tmp_path)
    assert function.at == list(range(10))


def fatal(x, place):
    """Ends its own process, at one point, until the place is there."""
    if x == 5 and not Path(place).exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def test_a_worker_that_ends_is_reported_and_the_rest_is_kept(tmp_path):
    grid = {"x": range(8), "place": str(tmp_path / "mended")}
    words = {"chunk": 1, "folder": tmp_path / "chunks"}
    with pytest.raises(ChildProcessError, match="a worker process ended"):
        sweep(fatal, grid, **words, n_jobs=2)
    finished = {p.name for p in (tmp_path / "chunks").glob("*.rqe")}
    assert "chunk-000005.rqe" not in finished
    (tmp_path / "mended").touch()
    assert sweep(fatal, grid, **words, n_jobs=2).column("value") == tuple(range(8))


def cut(content):
    return content[:-1]


def flipped(content):
    return content[:40] + bytes([content[40] ^ 1]) + content[41:]


def sealed(content):
    return content + hashlib.sha256(content).digest()


def forged(**changes):
    """The file with another header, its checksum right."""

    def change(content):
        line, _, data = content[:-DIGEST_SIZE].partition(b"\n")
        return sealed(json.dumps({**json.loads(line), **changes}).encode() + b"\n" + data)

    return change


def column(**changes):
    first = {"levels": ["DONE"], "name": "status", "type": "level"}
    second = {"levels": None, "name": "reason", "type": "float"}
    return forged(columns=[{**first, **changes}, second, {**second, "name": "value"}])


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        flipped,
        lambda _: b"",
        lambda _: b"\0" * 1000,
        lambda _: sealed(b"no line"),
        lambda _: sealed(b"[" * 100_000 + b"\n"),
        lambda _: sealed(b"3\n"),
        lambda content: sealed(content[:-DIGEST_SIZE] + b"more"),
        forged(format="rqe-sweep-chunk-0"),
        forged(columns=None),
        forged(columns=[]),
        forged(columns=[{}]),
        column(levels=[]),
        column(levels=["DONE", ["list"]]),
        column(levels=[["nan"]]),
        column(levels=["x" * 2000]),
        column(levels=None),
        column(type="object"),
        column(type="float"),
        column(type=["level"]),
        column(name="x" * 1000),
        column(name="value"),
        column(name="other"),
        column(name=None),
    ],
)
def test_damaged_chunks_are_computed_again(tmp_path, damage):
    function = Counted()
    sweep(function, {"x": range(10)}, chunk=3, folder=tmp_path)
    place = tmp_path / "chunk-000001.rqe"
    whole = place.read_bytes()
    place.write_bytes(damage(whole))
    assert place.read_bytes() != whole
    found = sweep(function, {"x": range(10)}, folder=tmp_path)
    assert function.at == [*range(10), 3, 4, 5]
    assert found.column("value") == tuple(0.5 * x for x in range(10))
    assert place.read_bytes() == whole


def test_what_a_forged_file_is_made_from_is_read():
    content = encode({"status": column_of(["DONE"]), "reason": column_of([None])}, "d", 0, 1)
    same = column()(encode(
        {"status": column_of(["DONE"]), "reason": column_of([None]), "value": column_of([1.0])},
        "d", 0, 1,
    ))  # fmt: skip
    assert decode(content, "d", 0, 1)["status"].values() == ["DONE"]
    assert decode(same, "d", 0, 1)["value"].values() == [1.0]


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 60), st.booleans())
def test_no_bytes_do_harm(noise, place, drop, seal):
    columns = {"status": column_of(["a", "b"]), "reason": column_of([None, 1.5])}
    content = encode(columns, "digest", 3, 2)
    body = content[:-DIGEST_SIZE]
    changed = body[:place] + noise + body[place + drop :]
    try:
        found = decode(sealed(changed) if seal else changed, "digest", 3, 2)
    except ValueError:
        return
    assert {len(c.values()) for c in found.values()} == {2}


def test_chunks_of_another_sweep_are_refused(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for place, size in ((one, 10), (other, 11)):
        sweep(Counted(), {"x": range(size)}, chunk=3, folder=place)
    (one / "chunk-000001.rqe").write_bytes((other / "chunk-000001.rqe").read_bytes())
    with pytest.raises(ValueError, match=r"chunk-000001\.rqe: it holds chunk 1 of another sweep"):
        sweep(Counted(), {"x": range(10)}, folder=one)
    (one / "chunk-000001.rqe").write_bytes((one / "chunk-000002.rqe").read_bytes())
    with pytest.raises(ValueError, match="it holds chunk 2"):
        sweep(Counted(), {"x": range(10)}, folder=one)


def make_scaled(factor):
    return lambda x: factor * x


def test_folders_of_another_sweep_are_refused_and_say_why(tmp_path):
    base = {"what": make_scaled(2), "grid": {"x": [1, 2, 3]}, "chunk": 2}
    sweep(**base, folder=tmp_path)
    sweep(**base, folder=tmp_path)
    others = [
        ({"grid": {"x": [1, 2, 4]}}, "grid.x.values is"),
        ({"grid": {"x": [1, 2.0, 3]}}, "grid.x.values is"),
        ({"grid": {"x": [1, 2, 3, 4]}}, "grid.x.count is 3 there, 4 here"),
        ({"chunk": 3}, "chunk is 2 there, 3 here"),
        ({"what": make_scaled(3)}, "what.holds is"),
        ({"what": lambda x: x + 1}, "what.code is"),
        ({"what": functools.partial(ratio, y=2)}, "what.code is"),
    ]
    for change, said in others:
        with pytest.raises(ValueError, match=said):
            sweep(**{**base, **change}, folder=tmp_path)
    family = {"what": games.free_riding(), "grid": {"tau": 1.0, "epsilon": [0.1, 0.2]}}
    sweep(**family, folder=tmp_path / "game")
    game = games.free_riding()
    nearly = rqe.NormalFormGame([game.payoffs[0] + 1e-12, game.payoffs[1]], name=game.name)
    with pytest.raises(ValueError, match="payoffs"):
        sweep(nearly, family["grid"], folder=tmp_path / "game")
    with pytest.raises(ValueError, match="select"):
        sweep(
            GameFamily(games.free_riding(), select="any"), family["grid"], folder=tmp_path / "game"
        )
    swept = {"x": [1, 2]}
    sweep(noise, swept, seed=1, folder=tmp_path / "seed")
    with pytest.raises(ValueError, match="seed is 1 there, 2 here"):
        sweep(noise, swept, seed=2, folder=tmp_path / "seed")


def test_a_function_is_told_alike_in_every_process():
    script = (
        "from tests.test_sweep import *; import json; "
        "print(json.dumps(describe([ratio, make_scaled(2), MIXED_FAMILY, {'a', 'b', 3}])))"
    )
    told = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        told.append(json.loads(done.stdout))
    assert told[0] == told[1] == describe([ratio, make_scaled(2), MIXED_FAMILY, {"a", "b", 3}])


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"format": 3}', b"\xff\xfe", b"[" * 200_000, b" " * 2**24 + b"{}"],
)
def test_what_is_no_manifest_is_refused(tmp_path, content):
    (tmp_path / "sweep.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"sweep\.json"):
        sweep(ratio, RATIO_GRID, folder=tmp_path)
    assert (tmp_path / "sweep.json").read_bytes() == content


def test_other_things_in_a_folder(tmp_path):
    (tmp_path / "chunk-000000.rqe").write_bytes(b"something")
    with pytest.raises(ValueError, match=r"chunk-000000\.rqe and no sweep\.json"):
        sweep(ratio, RATIO_GRID, folder=tmp_path)
    (tmp_path / "chunk-000000.rqe").unlink()
    (tmp_path / "notes.txt").write_text("mine")
    sweep(ratio, RATIO_GRID, folder=tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    for make in (Path.mkdir, os.mkfifo):
        place = tmp_path / "chunk-000000.rqe"
        place.unlink(missing_ok=True)
        make(place)
        with pytest.raises(ValueError, match="plain files"):
            sweep(ratio, RATIO_GRID, folder=tmp_path)
        place.rmdir() if place.is_dir() else place.unlink()


def test_chunks_too_large_to_be_read_back_are_refused(monkeypatch):
    monkeypatch.setattr(sweep_files, "MAX_CHUNK", 500)
    with pytest.raises(ValueError, match="chunk must be smaller: 15 of these rows"):
        sweep(ratio, RATIO_GRID)
    assert len(sweep(where, {"_": [0]})) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"what": 3}, "what must be"),
        ({"what": games.push_object()}, "what must be"),
        ({"grid": {}}, "mapping"),
        ({"grid": [1, 2]}, "mapping"),
        ({"grid": {"x": []}}, "value of x"),
        ({"grid": {"x": [float("nan")]}}, "no NaN"),
        ({"grid": {"x": [[1]]}}, "values of x must be"),
        ({"grid": {"x": range(40_000), "y": range(40_000)}}, "at most 1,000,000,000 points"),
        ({"grid": {"status": [1]}}, "identifiers other than status"),
        ({"grid": {"a b": [1]}}, "identifiers"),
        ({"grid": {"x": [1]}}, "missing a required argument: 'y'"),
        ({"grid": {**RATIO_GRID, "z": 1}}, "unexpected keyword argument 'z'"),
        ({"chunk": 0}, "chunk"),
        ({"chunk": 2**20 + 1}, "chunk"),
        ({"chunk": True}, "chunk"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"n_jobs": 1.5}, "n_jobs"),
        ({"seed": -1}, "seed"),
        ({"seed": 1}, "seed"),
        ({"what": noise, "grid": {"x": 1, "seed": [1]}, "seed": 1}, "where the grid has seed"),
        ({"what": games.stag_hunt(), "grid": {"tau": 1.0}}, "either epsilon or lam"),
        ({"what": games.stag_hunt(), "grid": {"epsilon": 1.0}}, "must have tau"),
        ({"what": games.stag_hunt(), "grid": {"tau": 1, "epsilon": 1, "lam": 1}}, "either"),
        ({"what": games.stag_hunt(), "grid": {"tau": -1, "epsilon": 1}}, "tau must be"),
        ({"what": games.stag_hunt(), "grid": {"tau": "x", "epsilon": 1}}, "tau must be"),
        ({"what": games.stag_hunt(), "grid": {"tau": True, "epsilon": 1}}, "tau must be"),
        ({"what": games.stag_hunt(), "grid": {"tau": 1, "epsilon": INF}}, "epsilon must be"),
        ({"what": games.stag_hunt(), "grid": {"tau": 1, "lam": 0}}, "lam must be"),
        ({"what": games.stag_hunt(), "grid": {"tau": 1, "lam": 1, "z": 1}}, "one game; got 'z'"),
        ({"what": games.stag_hunt(), "grid": {"tau": 1, "lam": 1}, "seed": 1}, "seed"),
        ({"what": MIXED_FAMILY, "grid": {"tau": 1, "lam": 1, "n": 2}}, "'cost'"),
    ],
)
def test_refusals_name_the_argument(changes, said):
    with pytest.raises(ValueError, match=said):
        sweep(**{"what": ratio, "grid": RATIO_GRID, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"make": 3}, "make"),
        ({"method": "magic"}, "method"),
        ({"select": "best"}, "select"),
        ({"tol": 0}, "tol"),
        ({"max_steps": 0}, "max_steps"),
        ({"lockstep": 0}, "lockstep"),
    ],
)
def test_families_are_checked(changes, said):
    with pytest.raises(ValueError, match=said):
        GameFamily(**{"make": games.stag_hunt, **changes})


def test_families_of_other_things_and_attitudes_of_nobody():
    table = sweep(GameFamily(games.push_object), {"tau": 0.5, "epsilon": 1.0})
    assert "make must make a NormalFormGame; got AggregativeGame" in table.column("reason")[0]
    for grid in ({"tau": 1, "tau_3": 1, "lam": 1}, {"tau_1": 1, "lam": 1}):
        table = sweep(games.stag_hunt(), grid)
        assert table.column("status") == ("FAILED",)
        assert "of every player" in table.column("reason")[0]


def test_large_games_are_solved_a_few_at_a_time():
    game = games.random_game(shape=(80, 90), seed=0)
    grid = {"tau": [0.0, 1.0], "epsilon": np.linspace(0.5, 1.0, 200)}
    task, size, _ = sweeps._prepare(game, grid, None, None, None, None)
    assert size == task.lockstep == 2**22 // (2 * 80 * 90)


def test_labels_that_collide_give_way_to_numbers():
    game = rqe.NormalFormGame(
        np.zeros((2, 2, 2)), players=["a", "a: b"], actions=[["b: c", "d"], ["c", "e"]]
    )
    names = sweep(game, {"tau": 1, "epsilon": 1}).columns
    assert names[-5:-1] == ("1: 1", "1: 2", "2: 1", "2: 2")


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=3),
    st.sampled_from([0, 1, 0.0, -0.0, 1.0, True, False, INF, "1"]),
)


@given(st.lists(CELLS, min_size=1, max_size=12), st.lists(st.integers(0, 12), max_size=4))
def test_columns_do_not_depend_on_how_they_are_cut(values, cuts):
    whole = column_of(values)
    bounds = [0, *sorted(c for c in cuts if c <= len(values)), len(values)]
    parts = [column_of(values[a:b]) for a, b in itertools.pairwise(bounds) if a < b]
    kept = [
        decode(encode({**ENDED, "x": p}, "d", 0, len(p)), "d", 0, len(p))["x"]
        for p in parts
        if not ENDED.update({k: column_of(["DONE"] * len(p)) for k in ("status", "reason")})
    ]
    for found in (join(parts), join(kept)):
        assert list(map(repr, found.values())) == list(map(repr, whole.values()))
    promoted = any(v is None or type(v) is float for v in values)
    expected = [float(v) if promoted and type(v) is int else v for v in values]
    assert list(map(repr, whole.values())) == list(map(repr, expected))


ENDED: dict[str, Column] = {}


def test_tables_print_write_and_convert(tmp_path):
    table = sweep(ratio, RATIO_GRID)
    lines = str(table).splitlines()
    assert lines[0] == "15 points"
    assert lines[1].split() == list(table.columns)
    assert (lines[8], len(lines)) == ("...", 15)
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert [float(r["ratio"]) if r["ratio"] else None for r in rows] == list(table.column("ratio"))
    assert rows[0]["reason"] == "ZeroDivisionError: division by zero"
    table.save_csv(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == table.to_csv() == table.table().to_csv()
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]
    assert table._repr_html_().count("<tr>") == 13
    assert "3 rows" in table._repr_html_()
    assert repr(table) == "<SweepTable: 15 points>"
    assert list(table.rows(3, 5)) == list(table.rows())[3:5]
    assert table.array("whole").tolist()[1:3] == [1.0, 1.0]
    assert np.isnan(table.array("whole")[0])
    assert table.array("word").tolist()[:2] == [None, "b"]
    table.array("y")[:] = 7.0
    assert table.column("y")[0] == 0.0
    with pytest.raises(ValueError, match="name must be one of"):
        table.column("z")


def test_tables_of_pandas():
    pytest.importorskip("pandas")
    table = sweep(ratio, {"x": [1, 2], "y": [0.5, 2]})
    frame = table.to_pandas()
    assert tuple(frame.columns) == table.columns
    for name in table.columns:
        cells = [None if c != c else c for c in frame[name].tolist()]
        assert cells == list(table.column(name))
    assert frame.groupby("word", observed=True)["ratio"].sum().to_dict() == {"b": 2.5, "a": 5.0}


def test_a_missing_pandas_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(rqe.MissingExtraError, match=r"rqe\[pandas\]"):
        sweep(ratio, RATIO_GRID).to_pandas()


def test_one_core_needs_no_joblib():
    script = (
        "import sys, games, rqe; sys.modules['joblib'] = None; del sys.modules['joblib']; "
        "rqe.analysis.sweep(games.stag_hunt(), {'tau': 1, 'epsilon': [1, 2]}); "
        "rqe.analysis.sweep(games.stag_hunt(), {'tau': 1, 'epsilon': [1, 2]}, n_jobs=1); "
        "assert 'joblib' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_measurement_of_a_million_points():
    saved = benchmarks.sweeps.saved()
    runs = saved["runs"]
    assert saved["points"] == 1_000_000
    for run in [*runs["one"], *runs["two"]]:
        assert sum(run["endings"].values()) == 1_000_000
        assert run["largest residual"] <= benchmarks.sweeps.TOLERANCE
    again = benchmarks.sweeps.summary(runs)
    assert {name: saved[name] for name in again} == again
    assert saved["one worker, s"] == np.median([run["wall"] for run in runs["one"]])
    small = benchmarks.sweeps.once(1000, 1)
    assert (small["endings"], small["chunks"]) == ({"CONVERGED": 1000}, 1)


def run(capsys, *words):
    code = cli.main(["sweep", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_writes_the_table(capsys, tmp_path):
    place = tmp_path / "new" / "table.csv"
    words = ("free_riding", "--tau", "0:4:5", "--epsilon", "0.1:1:3:log", "--vary", "cost=0.2,0.4")
    kept = ("--chunks", str(tmp_path / "chunks"), "--jobs", "2")
    code, out, err = run(capsys, *words, *kept, "--out", str(place))
    assert (code, err) == (0, "")
    assert out.split() == ["status", "points", "CONVERGED", "30", "wrote", str(place)]
    expected = sweep(
        GameFamily(games.free_riding),
        {"cost": [0.2, 0.4], "tau": [0, 1, 2, 3, 4], "epsilon": np.geomspace(0.1, 1.0, 3)},
    )
    assert place.read_text() == expected.to_csv()
    assert (tmp_path / "chunks" / "chunk-000000.rqe").exists()
    assert run(capsys, *words, *kept)[1].splitlines()[0] == "30 points"
    code, out, err = run(capsys, *words[:-1], "cost=0.2,0.5", *kept)
    assert (code, out) == (2, "")
    assert "grid.cost.values is [0.2, 0.4] there, [0.2, 0.5] here" in err


def test_the_command_takes_whole_numbers_words_and_single_players(capsys):
    out = run(capsys, "volunteers_dilemma", "--tau", "1", "--lam", "2", "--vary", "n=2:4:3")[1]
    assert [line.split()[0] for line in out.splitlines()[2:]] == ["2", "3", "4"]
    words = ("random_game:seed=1", "--tau", "1", "--lam", "2", "--vary", "shape=2x2,2x3")
    assert "2x3" in run(capsys, *words)[1]
    words = ("stag_hunt", "--tau", "1", "--vary", "tau_2=0,inf", "--lam", "2", "--select", "any")
    out = run(capsys, *words)[1]
    assert [line.split()[:3] for line in out.splitlines()[2:]] == [
        ["1", "2", "0"],
        ["1", "2", "inf"],
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stag_hunt"], "--tau"),
        (["stag_hunt", "--tau", "1"], "--epsilon"),
        (["stag_hunt", "--tau", "1", "--epsilon", "1", "--lam", "1"], "not allowed"),
        (["stag_hunt", "--tau", "1:2", "--lam", "1"], "'1:2'"),
        (["stag_hunt", "--tau", "1:2:0", "--lam", "1"], "'1:2:0'"),
        (["stag_hunt", "--tau", "0:2:3:log", "--lam", "1"], "positive"),
        (["stag_hunt", "--tau", "1:inf:3", "--lam", "1"], "'1:inf:3'"),
        (["stag_hunt", "--tau", "1:2:9999999999", "--lam", "1"], "COUNT"),
        (["stag_hunt", "--tau", "1,,2", "--lam", "1"], "between commas"),
        (["stag_hunt", "--tau", "nan", "--lam", "1"], "NaN"),
        (["stag_hunt", "--tau", "high", "--lam", "1"], "'high'"),
        (["stag_hunt", "--tau", "1", "--lam", "1", "--vary", "cost"], "NAME=VALUES"),
        (["stag_hunt", "--tau", "1", "--lam", "1", "--vary", "cost=1"], "must name no argument"),
        (["free_riding", "--tau", "1", "--lam", "1", "--vary", "kost=1"], "must name cost"),
        (["free_riding", "--tau", "1", "--lam", "1", "--vary", "tau=1"], "once"),
        (
            ["free_riding:cost=0.2", "--tau", "1", "--lam", "1", "--vary", "cost=0.1,0.3"],
            "fixes; got cost",
        ),
        (["push_object", "--tau", "1", "--lam", "1"], "normal form"),
        (["no_such_game", "--tau", "1", "--lam", "1"], "rqe games"),
        (["no_such_game", "--tau", "1", "--lam", "1", "--vary", "x=1"], "rqe games"),
        (["missing.nfg", "--tau", "1", "--lam", "1"], "missing.nfg"),
        (["stag_hunt", "--tau", "1", "--lam", "1", "--out", "/"], "--out must be a file"),
        (["stag_hunt", "--tau", "1", "--lam", "1", "--jobs", "0"], "n_jobs"),
        (["stag_hunt", "--tau", "1", "--lam", "1", "--chunk-size", "0"], "chunk"),
    ],
)
def test_the_command_refuses_in_one_line(capsys, words, said):
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("rqe: ")
    assert err.count("\n") == 1
    assert said in err


INTERRUPTED = """
import os, pathlib, signal, sys, threading, time
from rqe.cli import main

def interrupt():
    while not (pathlib.Path(sys.argv[1]) / "chunk-000000.rqe").exists():
        time.sleep(0.001)
    os.killpg(0, signal.SIGINT)  # as a terminal does: to the workers too

threading.Thread(target=interrupt, daemon=True).start()
sys.exit(main(sys.argv[2:]))
"""
"""A command that interrupts itself: another process may be late on a busy machine."""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_command_interrupted_leaves_what_it_finished(tmp_path, jobs):
    said = tmp_path / "said"
    words = ["random_game:shape=3x3", "--tau", "0:5:100", "--epsilon", "0.05:1:100"]
    words += ["--vary", "seed=0:9:10", "--jobs", jobs, "--chunks", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    with said.open("w") as file:  # no pipe, which a worker that is left behind would keep open
        process = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED, str(tmp_path), "sweep", *words],
            env=environment, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    watchdog = threading.Timer(60.0, os.killpg, (process.pid, signal.SIGKILL))
    watchdog.start()
    try:
        process.wait()
    finally:
        watchdog.cancel()
    assert process.returncode == 130
    assert "rqe: interrupted" in said.read_text()
    finished = sorted(tmp_path.glob("chunk-*.rqe"))
    assert 1 <= len(finished) < 13
    assert not list(tmp_path.glob(".*.part"))
    times = [p.stat().st_mtime_ns for p in finished]
    assert cli.main(["sweep", *words[:-4], "--chunks", str(tmp_path)]) == 0
    assert [p.stat().st_mtime_ns for p in finished] == times
    assert len(list(tmp_path.glob("chunk-*.rqe"))) == 13
