"""Stacks of runs in folders: the same bits however they are interrupted, split or spread."""

import csv
import dataclasses
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

import games
from games.overcooked import Gridworld
from rqe import train
from rqe.train import part as parts
from rqe.train import records, worker
from rqe.train import runs as folders
from rqe.train.checkpoint import header
from rqe.train.settings import describe

ENV = train.NormalFormEnvironment(games.stag_hunt())
CONFIG = train.Config(
    ENV, train.IPPO(), steps=4000, n_envs=2, n_steps=8, epochs=2, hidden=(4,), rows=()
)
UPDATES = 250
SEEDS = (0, 5)
WORDS = (
    "train", "stag_hunt", "--algorithm", "ippo", "--seeds", "0,5", "--steps", "4000",
    "--set", "n_envs=2", "--set", "n_steps=8", "--set", "epochs=2", "--set", "hidden=[4]",
    "--set", "rows=[]",
)  # fmt: skip
"""The same on the command line."""
ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = [{here!r}]
from test_runs import CONFIG, SEEDS
from rqe import train
from rqe.train import part
part.CHUNK = 0.01
out, every = Path(sys.argv[1]), float(sys.argv[2])
log = open(out.with_suffix(".log"), "a")
def told(progress):
    print(round(progress.fraction * CONFIG.updates), file=log, flush=True)
"""


def files(out):
    return sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())


FINISHED = ["checkpoint.safetensors", "config.json", "metrics.csv", "policies.safetensors"]


def same(one, two):
    a, b = jax.tree.leaves(one), jax.tree.leaves(two)
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def state(out, config=CONFIG, seeds=SEEDS):
    """Everything that a finished stack was, random keys as numbers."""
    record = parts.Part(config, seeds).load(out / "checkpoint.safetensors")
    return jax.tree.map(
        lambda a: jax.random.key_data(a) if jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key)
        else np.asarray(a), record,
    )  # fmt: skip


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A folder of compiled programs: what one process has compiled no other one compiles again."""
    folder = str(tmp_path_factory.mktemp("programs"))
    wanted = {
        "jax_compilation_cache_dir": folder,
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in wanted}
    for name, value in wanted.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    yield {name.upper(): str(value) for name, value in wanted.items()}
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


@pytest.fixture(scope="module")
def at_once(programs):
    """The same runs in one jitted function."""
    keys = jax.vmap(jax.random.key)(np.array(SEEDS))
    return jax.jit(jax.vmap(train.make_train(CONFIG)))(keys)


@pytest.fixture(scope="module")
def whole(programs, tmp_path_factory):
    """An uninterrupted stack, trained in this process."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    told = []
    found = train.train_runs(CONFIG, SEEDS, out, processes=1, progress=told.append)
    return out, found, told


def test_what_is_left_in_the_folder(whole):
    out, found, _ = whole
    assert files(out) == FINISHED
    again = train.load_runs(out)
    assert again.seeds == found.seeds == SEEDS
    assert same(again.policies, train.load_policies(out / "policies.safetensors"))
    assert again.seconds > 0.0
    assert describe(train.load_config(out)) == describe(CONFIG)
    assert json.loads((out / "config.json").read_text())["seeds"] == list(SEEDS)


def test_runs_are_those_of_the_one_jitted_function(whole, at_once):
    _, found, _ = whole
    assert same(found.policies, at_once.policies)


def table(place):
    with place.open() as file:
        return list(csv.DictReader(file))


def test_metrics_are_means_over_intervals(whole, at_once):
    rows = table(whole[0] / "metrics.csv")
    assert tuple(rows[0]) == ("seed", "update", "steps", "phase", "quantity", "who", "value")
    found = {tuple(list(r.values())[:-1]): float(r["value"]) for r in rows}
    assert len(found) == len(rows)
    ends = [min(u, UPDATES) for u in range(3, UPDATES + 3, 3)]  # 84 intervals, the last of one
    names = {"reward": "reward", "bonus": "regularizer", "value_error": "value_error"}
    expected = {}
    for s, seed in enumerate(SEEDS):
        for k, end in enumerate(ends):
            for quantity, metric in names.items():
                for j, agent in enumerate(ENV.agents):
                    values = np.asarray(at_once.metrics[metric][s, 3 * k : end, 0, j], float)
                    spot = (str(seed), str(end), str(16 * end), "0", quantity, agent)
                    expected[spot] = values.mean()
            expected[str(seed), str(end), str(16 * end), "0", "rows", "all"] = 1.0
    assert found.keys() == expected.keys()
    for spot, mean in expected.items():
        assert found[spot] == pytest.approx(mean, rel=1e-4, abs=1e-6), spot


def test_progress_tells_fraction_return_and_pace(whole, at_once):
    _, _, told = whole
    fractions = [p.fraction for p in told]
    assert fractions == sorted(set(fractions))
    assert fractions[-1] == 1.0
    assert told[0].steps_per_second == 0.0  # mostly compilation
    assert all(p.steps_per_second > 0.0 for p in told[1:])
    # everyone's rewards over the 8 steps of a rollout, in the last, one-update, interval
    last = float(np.asarray(at_once.metrics["reward"])[:, -1].sum(axis=-1).mean()) * 8
    assert told[-1].mean_return == pytest.approx(last, rel=1e-5)


def test_a_seed_does_not_depend_on_those_beside_it(whole, tmp_path):
    _, found, _ = whole
    alone = train.train_runs(CONFIG, [5], tmp_path / "alone", processes=1)
    assert same(alone.policies[0], found.policies[1])
    assert not same(alone.policies[0], found.policies[0])


def test_interrupted_and_resumed_is_the_same(whole, tmp_path, monkeypatch):
    out, _, _ = whole
    monkeypatch.setattr(parts, "CHUNK", 0.001)  # about an update, so that intervals are cut
    reports = itertools.count()

    def interrupt(progress):
        if next(reports) == 12:
            raise KeyboardInterrupt

    place = tmp_path / "x"
    with pytest.raises(KeyboardInterrupt):
        train.train_runs(CONFIG, SEEDS, place, processes=1, progress=interrupt)
    assert files(place) == [
        "config.json",
        "parts/0/checkpoint.safetensors",
        "parts/0/metrics.csv",
    ]
    update = int(header(place / "parts/0/checkpoint.safetensors")["update"])
    assert 13 <= update < UPDATES == CONFIG.updates
    with pytest.raises(ValueError, match="unfinished"):
        train.train_runs(CONFIG, SEEDS, place)
    (place / ".metrics.csv.1.part").write_text("half")
    # the number of processes is that of the beginning
    train.train_runs(CONFIG, SEEDS, place, processes=2, resume=True)
    assert files(place) == FINISHED
    assert same(state(place), state(out))
    assert (place / "metrics.csv").read_bytes() == (out / "metrics.csv").read_bytes()


def start(script, *words, **environment):
    code = SCRIPT.format(here=str(Path(__file__).parent)) + script
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen([sys.executable, "-c", code, *words], cwd=ROOT, env=variables)


def wait_for(condition, process, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "ended too early"
        assert time.monotonic() < end, "too slow"
        time.sleep(0.002)


def test_killed_at_any_moment_little_is_lost(whole, programs, tmp_path):
    out, _, _ = whole
    place, log = tmp_path / "x", tmp_path / "x.log"
    log.touch()
    draw = random.Random(3)
    script = (
        "train.train_runs(CONFIG, SEEDS, out, checkpoint_every=every, resume=True, processes=1,"
        " progress=told)"
    )
    for _ in range(2):
        before = len(log.read_text().splitlines())
        process = start(script, str(place), "1e-9", **programs)
        wanted = before + draw.randint(5, 15)
        wait_for(lambda wanted=wanted: len(log.read_text().splitlines()) >= wanted, process)
        time.sleep(draw.uniform(0.0, 0.05))
        process.kill()
        process.wait()
        told = [int(line) for line in log.read_text().splitlines()]
        record = parts.Part(CONFIG, SEEDS).load(place / "parts/0/checkpoint.safetensors")
        # a report comes before its checkpoint: at most the last one is not in the file
        assert told[-2] <= int(record.state.update[0]) <= told[-1]
        rows = table(place / "parts/0/metrics.csv")
        assert max([int(row["update"]) for row in rows], default=0) <= told[-1]
        assert json.loads((place / "config.json").read_text())["parts"] == 1
    train.train_runs(CONFIG, SEEDS, place, resume=True)
    assert files(place) == FINISHED
    assert same(state(place), state(out))


def test_seeds_over_several_devices_are_the_same(whole, tmp_path):
    _, found, _ = whole
    script = (
        "assert part.Part(CONFIG, SEEDS)._mesh.size == 2\n"
        "assert part.Part(CONFIG, (0, 1, 2))._mesh is None\n"
        "train.train_runs(CONFIG, SEEDS, out, progress=told)"
    )
    flags = "--xla_force_host_platform_device_count=2"
    assert start(script, str(tmp_path / "x"), "180", XLA_FLAGS=flags).wait() == 0
    assert same(train.load_runs(tmp_path / "x").policies, found.policies)


def children(process):
    listing = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in listing.read_text().split()]


def gone(pid):
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_processes_are_interrupted_resumed_and_merged(whole, programs, tmp_path, monkeypatch):
    out, _, _ = whole
    place = tmp_path / "x"
    words = (*WORDS, "--out", str(place), "--processes", "2", "--checkpoint-every", "1e-9")

    slow = (
        "import time; from rqe.train import part; save = part.Part.save; part.CHUNK = 0.01; "
        "part.Part.save = lambda *a: (save(*a), time.sleep(0.05)); "
    )

    def command(*more):
        code = (
            "import signal, sys, rqe.cli\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from rqe.train import worker\n"
            f"worker.COMMAND = {slow!r} + worker.COMMAND\n"
            "worker.FLAGS = ''\n"  # so that programs of this process serve there too
            "sys.exit(rqe.cli.main(sys.argv[1:]))"
        )
        return subprocess.Popen(
            [sys.executable, "-c", code, *words, *more], cwd=ROOT, stderr=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **programs},
        )  # fmt: skip

    checkpoints = [place / f"parts/{k}/checkpoint.safetensors" for k in (0, 1)]

    def updates():
        return [int(header(c)["update"]) if c.exists() else 0 for c in checkpoints]

    process = command()
    wait_for(lambda: min(updates()) > 0, process)
    workers = children(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (130, "rqe: interrupted\n")
    assert len(workers) == 2
    assert all(gone(pid) for pid in workers)
    after = updates()

    process = command("--resume")
    wait_for(lambda: max(updates()) > max(after), process)
    workers = children(process)
    process.kill()  # and the workers, left alone, end by themselves
    process.communicate()
    deadline = time.monotonic() + 60
    while not all(gone(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert max(updates()) > max(after)

    for name, value in programs.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(worker, "FLAGS", "")
    told = []
    train.train_runs(CONFIG, SEEDS, place, resume=True, progress=told.append)
    assert told[0].fraction > sum(after) / 2 / UPDATES
    assert told[-1].fraction == 1.0
    assert files(place) == FINISHED
    assert same(state(place), state(out))
    assert (place / "metrics.csv").read_bytes() == (out / "metrics.csv").read_bytes()


@dataclasses.dataclass(frozen=True)
class Broken(Gridworld):
    """Fails in the other process, one way or the other."""

    home: int = dataclasses.field(default_factory=os.getpid)

    def reset(self, key):
        if os.getpid() != self.home:
            if self.horizon == 7:
                os._exit(7)
            raise ValueError("places must be free; got stuck")
        return super().reset(key)


@pytest.mark.parametrize(
    ("horizon", "error", "said"),
    [(7, ChildProcessError, "code 7"), (5, ValueError, "got stuck")],
)
def test_what_goes_wrong_in_a_process_is_said_here(tmp_path, horizon, error, said):
    config = train.Config(Broken(horizon), train.IPPO(), steps=2048)
    packed = worker.parcel(config)
    with pytest.raises(error, match=said):
        worker.train_parts(packed, [((0,), tmp_path / "0")], 180.0, None)


def test_a_process_that_ends_before_it_has_listened_is_said_too(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "COMMAND", "import os; os._exit(3)")
    wide = np.zeros((1, 1, 100_000), np.float32)  # more than a pipe holds
    pool = train.Policies(([(wide, wide[0])],) * 2)
    config = train.Config(ENV, train.FictitiousCoPlay(pool))
    with pytest.raises(ChildProcessError, match="code 3"):
        worker.train_parts(worker.parcel(config), [((0,), tmp_path / "0")], 180.0, None)


def test_progress_of_several_processes_is_weighted_by_their_seeds():
    class Ended:
        def wait(self):
            return 0

    reports = [
        (0, {"fraction": 0.2, "steps_per_second": 10.0, "mean_return": 4.0}),
        (1, {"fraction": 0.8, "steps_per_second": 30.0, "mean_return": 1.0}),
        (0, None),
        (1, None),
    ]
    events = worker.queue.SimpleQueue()
    for report in reports:
        events.put(report)
    told = []
    worker._watch([Ended(), Ended()], [1, 2], events, told.append, [0.0, 0.3])
    assert [(p.fraction, p.steps_per_second, p.mean_return) for p in told] == [
        (pytest.approx(0.8 / 3), 10.0, 4.0),
        (pytest.approx(0.6), 40.0, pytest.approx(2.0)),
    ]


def test_a_finished_place_is_not_overwritten(whole, monkeypatch):
    out, found, _ = whole
    contents = {name: (out / name).read_bytes() for name in FINISHED}
    with pytest.raises(ValueError, match="finished training; resume"):
        train.train_runs(CONFIG, SEEDS, out)
    other = dataclasses.replace(CONFIG, epsilon=0.2)
    with pytest.raises(ValueError, match=r"differ in epsilon \(0.2, 0.1\)"):
        train.train_runs(other, SEEDS, out, resume=True)
    with pytest.raises(ValueError, match="seeds must be those"):
        train.train_runs(CONFIG, 2, out, resume=True)
    monkeypatch.setattr(folders, "train_part", lambda *a, **k: pytest.fail("trained again"))
    again = train.train_runs(CONFIG, SEEDS, out, resume=True)
    assert same(again.policies, found.policies)
    assert contents == {name: (out / name).read_bytes() for name in FINISHED}


def test_force_discards_runs_and_nothing_else(whole, tmp_path, monkeypatch):
    place = tmp_path / "x"
    place.mkdir()
    for name in FINISHED:
        (place / name).write_bytes((whole[0] / name).read_bytes())
    (place / "notes.txt").write_text("mine")

    def stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(folders, "train_part", stop)
    with pytest.raises(KeyboardInterrupt):
        train.train_runs(CONFIG, [4], place, force=True, processes=1)
    assert files(place) == ["config.json", "notes.txt"]
    assert json.loads((place / "config.json").read_text())["seeds"] == [4]


@pytest.mark.parametrize(
    ("seeds", "options", "said"),
    [
        (0, {}, "seeds"),
        ([1, 1], {}, "seeds"),
        ([-1], {}, "seeds"),
        ([2**32], {}, "seeds"),
        (1, {"processes": 0}, "processes"),
        (1, {"checkpoint_every": 0.0}, "checkpoint_every"),
        (1, {"resume": True, "force": True}, "resume and force"),
    ],
)
def test_arguments_out_of_range_are_refused_before_any_file(tmp_path, seeds, options, said):
    with pytest.raises(ValueError, match=said):
        train.train_runs(CONFIG, seeds, tmp_path / "x", **options)
    assert list(tmp_path.iterdir()) == []


def test_settings_that_cannot_be_sent_stay_in_this_process(monkeypatch, tmp_path):
    class Local(Gridworld):
        pass

    config = train.Config(Local(), train.IPPO(), steps=2048)
    assert worker.parcel(config) is None
    assert folders._count(None, 8, None) == 1
    with pytest.raises(ValueError, match="processes must be 1"):
        train.train_runs(config, 2, tmp_path / "x", processes=2)
    packed = worker.parcel(CONFIG)
    assert folders._count(None, 1, packed) == 1
    monkeypatch.setattr(folders, "cores", lambda: 4)
    assert folders._count(None, 8, packed) == 4
    assert folders._count(3, 2, packed) == 2
    monkeypatch.setattr(Broken, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Broken", Broken, raising=False)
    assert worker.parcel(train.Config(Broken(), train.IPPO())) is None


def test_a_missing_package_is_said_before_training(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"rqe\[srpo\]"):
        train.train_runs(CONFIG, 1, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def named(config):
    """Labels as text, and the trainer's own shapes of what they label."""
    trainer = train.Trainer(config)
    state = jax.eval_shape(trainer.begin, jax.random.key(0))
    metrics = jax.eval_shape(trainer.step, state)[1]
    assert {n: m.shape for n, m in metrics.items()} == records.shapes(config)
    return [f"{phase} {kind}: {who}" for phase, kind, who in records.labels(config)]


def test_labels_follow_the_plan_of_the_algorithm():
    small = {"steps": 64, "n_envs": 2, "n_steps": 8, "hidden": (4,), "rows": ()}
    assert named(train.Config(ENV, train.SRPO(), **small)) == [
        "0 reward: 1", "0 reward: 2", "1 reward: 1", "1 reward: 2",
        "0 bonus: 1", "0 penalty: adversary in 2", "1 bonus: 2", "1 penalty: adversary in 1",
        "0 value_error: 1", "0 value_error: adversary in 2",
        "1 value_error: 2", "1 value_error: adversary in 1", "0 rows: all", "1 rows: all",
    ]  # fmt: skip
    assert named(train.Config(ENV, train.SRPO(shared=True), **small)) == [
        "0 reward: 1", "0 reward: 2", "0 bonus: 1", "0 bonus: 2",
        "0 penalty: adversary in 1", "0 penalty: adversary in 2",
        "0 value_error: 1+2", "0 value_error: adversary in 1+2", "0 rows: all",
    ]  # fmt: skip
    three = train.NormalFormEnvironment(games.random_game(shape=(2, 2, 2), seed=0))
    found = named(train.Config(three, train.SRPO(control="seat"), **small | {"steps": 128}))
    assert found[9:15] == [
        "0 bonus: 1", "0 penalty: adversary in 2", "0 penalty: adversary in 3",
        "1 bonus: 2", "1 penalty: adversary in 1", "1 penalty: adversary in 3",
    ]  # fmt: skip
