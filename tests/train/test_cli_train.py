"""The commands that train and play: what they ask the trainer for, what they leave, refusals."""

import csv
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import games
from games.overcooked import Gridworld
from rqe import cli, cli_bars, cli_train, train
from rqe.train import runs as folders
from rqe.train.settings import describe

ROOT = Path(__file__).resolve().parent.parent.parent


def run(capsys, *words):
    code = cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def refused(capsys, *words):
    """The one line on standard error of a request that cannot be met."""
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("rqe: ")
    assert err.count("\n") == 1
    return err


@pytest.fixture
def asked(monkeypatch):
    """What the command asks the trainer for, in place of training."""
    calls = []

    def train_runs(config, seeds, out, **options):
        calls.append((config, seeds, out, options))
        return folders.Runs(out, (0, 1), None, 4.0)

    monkeypatch.setattr(train, "train_runs", train_runs)
    return calls


def test_the_defaults_are_those_of_figure_2(capsys, asked, tmp_path):
    code, out, err = run(capsys, "train", "overcooked", "--out", tmp_path / "x")
    (config, seeds, place, options) = asked[0]
    assert (code, err) == (0, "")
    assert config == train.Config(Gridworld(), train.SRPO())
    assert (seeds, place) == (30, tmp_path / "x")
    assert options.pop("progress") is not None
    assert options == {
        "checkpoint_every": 180.0,
        "resume": False,
        "force": False,
        "processes": None,
    }
    assert "2 runs of 1998848 steps" in out
    assert "999424 steps a second" in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "overcooked:horizon=40 --algorithm srpo --tau inf --divergence kl"
            " --adversary closed-form --epsilon 0.1,0.3 --steps 1e6 --learning-rate 1e-3",
            train.Config(
                Gridworld(40),
                train.SRPO(float("inf"), "kl", "closed-form"),
                epsilon=(0.1, 0.3),
                steps=1_000_000,
                learning_rate=1e-3,
            ),
        ),
        (
            "overcooked --algorithm ippo --set hidden=[32,16] --set max_grad_norm=0.5"
            " --set penalty=reward --set anneal=true --set shared=true",
            train.Config(
                Gridworld(),
                train.IPPO(shared=True),
                hidden=(32, 16),
                max_grad_norm=0.5,
                penalty="reward",
                anneal=True,
            ),
        ),
        ("overcooked --algorithm self-play", train.Config(Gridworld(), train.SelfPlay())),
        (
            "overcooked --algorithm pure-adversary --divergence kl",
            train.Config(Gridworld(), train.PureAdversary(divergence="kl")),
        ),
    ],
)
def test_words_become_settings(capsys, asked, words, expected):
    assert run(capsys, "train", *words.split(), "--out", "x")[0] == 0
    assert asked[0][0] == expected


def test_the_rest_is_passed_on(capsys, asked):
    words = "--seeds 3,5,9 --resume --processes 2 --checkpoint-every 60 --out runs/x"
    assert run(capsys, "train", "stag_hunt", *words.split())[0] == 0
    config, seeds, out, options = asked[0]
    game = train.NormalFormEnvironment(games.stag_hunt())
    assert describe(config) == describe(train.Config(game, train.SRPO()))
    assert (seeds, out) == ([3, 5, 9], Path("runs/x"))
    assert (options["resume"], options["processes"], options["checkpoint_every"]) == (True, 2, 60)


def test_arguments_of_a_game(capsys, asked):
    assert run(capsys, "train", "free_riding:cost=0.3", "--out", "x")[0] == 0
    game = train.NormalFormEnvironment(games.free_riding(cost=0.3))
    assert (
        describe(asked[0][0])["environment"]
        == describe(train.Config(game, train.IPPO()))["environment"]
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("undercooked", "overcooked or a game"),
        ("overcooked:width=3", "'width'"),
        ("overcooked:horizon=long", "horizon"),
        ("push_object", "normal-form game"),
        ("stag_hunt:colour=3", "colour"),
        ("overcooked --algorithm ippo --tau 3", "takes no --tau"),
        ("overcooked --algorithm fcp", "needs --pool"),
        ("overcooked --algorithm srpo --pool a", "takes no --pool"),
        ("overcooked --algorithm fcp --pool nowhere", "nowhere"),
        ("overcooked --algorithm magic", "magic"),
        ("overcooked --tau -1", "tau"),
        ("overcooked --steps 2.5", "whole number"),
        ("overcooked --steps inf", "whole number"),
        ("overcooked --steps 10", "steps must be at least"),
        ("overcooked --seeds few", "seeds"),
        ("overcooked --seeds 1,1", "seeds"),
        ("overcooked --seeds 0", "seeds"),
        ("overcooked --set colour=3", "'colour'"),
        ("overcooked --set colour", "NAME=VALUE"),
        ("overcooked --set epochs=1.5", "epochs"),
        ("overcooked --epsilon 0.1,0.2,0.3", "epsilon"),
        ("overcooked --processes 0", "processes"),
        ("overcooked --resume --force", "resume and force"),
    ],
)
def test_refusals_are_one_line(capsys, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused(capsys, "train", *words.split(), "--out", "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["jax", "optax", "safetensors"])
@pytest.mark.parametrize("words", ["train overcooked --out x", "crossplay a --out x.png"])
def test_a_missing_extra_is_named(tmp_path, package, words):
    code = (
        f"import sys; sys.modules[{package!r}] = None; import rqe.cli; "
        f"sys.exit(rqe.cli.main({words.split()!r}))"
    )
    if package == "safetensors" and words.startswith("crossplay"):
        (tmp_path / "a").mkdir()
        (tmp_path / "a/policies.safetensors").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"needs {package}" in done.stderr
    assert "rqe[srpo]" in done.stderr


class Terminal:
    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_the_bar_tells_return_and_pace(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with cli_bars.training_bar("training") as show:
        show(train.Progress(0.25, 123456.0, 439.04))
        show(train.Progress(1.0, 123456.0, 439.04))
    assert "100.0%" in terminal.text
    assert "return 439.0, 123,456 steps/s" in terminal.text


def nets(seed, runs, n_obs, n_actions):
    rng = np.random.default_rng(seed)

    def net():
        shapes = ((runs, n_obs, 4), (runs, 4)), ((runs, 4, n_actions), (runs, n_actions))
        return [tuple(np.float32(rng.normal(size=s)) for s in layer) for layer in shapes]

    return train.Policies((net(), net()))


def finished(out, env, seeds, salt):
    """A folder as training leaves it, with random policies."""
    out.mkdir()
    sizes = env.observation_space(env.agents[0]).shape[0], env.action_space(env.agents[0]).n
    train.save_config(out / "config.json", train.Config(env, train.IPPO()))
    about = {"seeds": str(list(seeds)), "seconds": "1.0"}
    train.save_policies(out / "policies.safetensors", nets(salt, len(seeds), *sizes), about=about)
    return out


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two folders of runs in the gridworld."""
    place = tmp_path_factory.mktemp("runs")
    env = Gridworld(horizon=10)
    return finished(place / "a", env, (0, 4), 0), finished(place / "b", env, (1, 2, 3), 1)


def read(place):
    with place.open() as file:
        return list(csv.DictReader(file))


def test_crossplay_draws_every_folder_and_writes_every_pair(capsys, two, tmp_path):
    picture = tmp_path / "new" / "fig2.png"
    words = ("--out", picture, "--episodes", 2, "--steps", 12, "--seed", 7)
    code, out, err = run(capsys, "crossplay", *two, *words)
    assert (code, err) == (0, "")
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = read(picture.with_suffix(".csv"))
    pairs = [(r["runs_1"], int(r["seed_1"]), r["runs_2"], int(r["seed_2"])) for r in rows]
    assert pairs == [
        *(("a", i, "a", j) for i in (0, 4) for j in (0, 4)),
        *(("b", i, "b", j) for i in (1, 2, 3) for j in (1, 2, 3)),
    ]
    runs = train.load_runs(two[1]).policies
    found = train.crossplay(
        Gridworld(horizon=10), runs, runs, jax.random.key(7), episodes=2, steps=12
    )
    totals = np.array([float(r["total"]) for r in rows[4:]]).reshape(3, 3)
    assert totals == pytest.approx(found.total, rel=1e-6)
    lines = out.splitlines()
    assert lines[0].startswith("all agents' rewards over 12 steps")
    assert lines[3].split()[0] == "b"
    off = found.total[~np.eye(3, dtype=bool)]
    for number in (np.diag(found.total).mean(), np.diag(found.total).std(ddof=1)):
        assert f"{number:.4g}" in lines[3]
    for number in (off.mean(), off.std(ddof=1)):
        assert f"{number:.4g}" in lines[3]
    assert lines[3].endswith("/3")


def test_crossplay_of_all_together_in_one_matrix(capsys, tmp_path, monkeypatch):
    env = train.NormalFormEnvironment(games.stag_hunt())
    folders = finished(tmp_path / "a", env, (0,), 0), finished(tmp_path / "b", env, (1, 2), 1)
    drawn = []
    draw = cli.cli_crossplay.draw
    monkeypatch.setattr(
        cli.cli_crossplay, "draw", lambda played, out: drawn.append((played, draw(played, out)))
    )
    picture = tmp_path / "all.pdf"
    words = ("--together", "--out", picture, "--episodes", 2, "--steps", 5)
    code, out, err = run(capsys, "crossplay", *folders, *words)
    assert (code, err) == (0, "")
    assert picture.read_bytes().startswith(b"%PDF")
    ((played, _),) = drawn
    assert list(played) == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
    assert played["a", "b"].total.shape == (1, 2)
    rows = read(picture.with_suffix(".csv"))
    assert len(rows) == 9
    mixed = [float(r["total"]) for r in rows if (r["runs_1"], r["runs_2"]) == ("b", "a")]
    assert mixed == pytest.approx(played["b", "a"].total.ravel().tolist())
    line = next(line for line in out.splitlines() if line.startswith("b with a"))
    assert f"{played['b', 'a'].total.mean():.4g}" in line
    # one run has self-play and no one else to play with; nothing is delivered in this game
    assert len(next(line for line in out.splitlines() if line.startswith("a  ")).split()) == 4


def test_crossplay_refuses_in_one_line(capsys, two, tmp_path):
    out = ("--out", tmp_path / "x.png")
    other = finished(tmp_path / "c", Gridworld(horizon=11), (0,), 2)
    assert "of one environment" in refused(capsys, "crossplay", *two, other, *out)
    assert "different folders" in refused(capsys, "crossplay", two[0], two[0], *out)
    assert "nowhere" in refused(capsys, "crossplay", tmp_path / "nowhere", *out)
    assert ".png or .pdf" in refused(capsys, "crossplay", two[0], "--out", tmp_path / "x.gif")
    assert "--seed" in refused(capsys, "crossplay", two[0], *out, "--seed", -1)
    assert "episodes" in refused(capsys, "crossplay", two[0], *out, "--episodes", 0)
    (tmp_path / "file").write_text("")
    assert "file" in refused(capsys, "crossplay", two[0], "--out", tmp_path / "file" / "x.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c", "file"]


def test_a_pool_of_partners_is_read_from_folders(capsys, asked, two):
    words = ("--algorithm", "fcp", "--pool", *two, "--out", "x")
    assert run(capsys, "train", "overcooked", *words)[0] == 0
    pool = asked[0][0].algorithm.pool
    expected = [train.load_runs(p).policies for p in two]
    assert len(pool) == 5
    assert np.array_equal(pool[3].params[0][0][0], expected[1][1].params[0][0][0])


def test_nothing_of_the_trainer_is_loaded_for_other_commands():
    code = "import sys, rqe.cli; rqe.cli.main(['games']); assert 'jax' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False,
                          capture_output=True).returncode == 0  # fmt: skip


def test_the_settings_of_a_command_can_be_had_without_running_it():
    options = cli._parser().parse_args(["train", "overcooked", "--tau", "3", "--out", "x"])
    assert cli_train.settings(options) == train.Config(Gridworld(), train.SRPO(tau=3.0))
