"""The command: what it prints, what it writes, and how it refuses."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

import games
import rqe
from rqe import cli
from rqe.result.files import whole_file
from rqe.result.serialize import from_dict

STAG_HUNT = """NFG 1 R "stag hunt" { "1" "2" } { 2 2 }

4 4 3 0 0 3 3 3
"""


def run(capsys, *words):
    code = cli.main(words)
    out, err = capsys.readouterr()
    return code, out, err


def refused(capsys, *words):
    """The one line on standard error of a request that cannot be met."""
    code, out, err = run(capsys, *words)
    assert code == 2
    assert out == ""
    assert err.startswith("rqe: ")
    assert err.count("\n") == 1
    return err


def test_games_are_listed_one_line_each(capsys):
    code, out, err = run(capsys, "games")
    names = [line.split()[0] for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert names == list(games.catalogue())
    assert all(len(line.split()) > 1 for line in out.splitlines())


def test_solve_prints_the_equilibrium_and_its_evidence(capsys):
    code, out, _ = run(capsys, "solve", "free_riding", "--tau", "1", "--epsilon", "0.2")
    assert code == 0
    assert "CONVERGED" in out
    assert "principal branch" in out
    assert "0.60822983" in out


def test_json_is_the_documented_schema_and_reads_back(capsys):
    words = ("solve", "free_riding", "--tau", "inf,1", "--epsilon", "0.2", "--json")
    code, out, _ = run(capsys, *words)
    back = from_dict(json.loads(out))
    again = rqe.solve_rqe(games.free_riding(), tau=[float("inf"), 1.0], epsilon=0.2)
    assert code == 0
    assert [a.risk.tau for a in back.agents] == [float("inf"), 1.0]
    assert back.strategies[0].tolist() == again.strategies[0].tolist()


def test_sets_are_printed_and_read_back(capsys):
    words = ("solve", "free_riding", "--tau", "0.5", "--epsilon", "0.2", "--all")
    assert "3 equilibria" in run(capsys, *words)[1]
    back = from_dict(json.loads(run(capsys, *words, "--json")[1]))
    assert len(back) == 3
    assert back.index_sum == 1


def test_arguments_of_a_game(capsys):
    words = ("solve", "free_riding:cost=0.3", "--tau", "1", "--epsilon", "0.2", "--json")
    back = from_dict(json.loads(run(capsys, *words)[1]))
    game = games.free_riding(cost=0.3)
    again = rqe.solve_rqe(game, tau=1.0, epsilon=0.2)
    assert back.payoffs.tolist() == again.payoffs.tolist()


@pytest.mark.parametrize("concept", ["qre", "nash", "security"])
def test_other_concepts(capsys, concept):
    words = ["solve", "stag_hunt", "--concept", concept, "--json"]
    back = from_dict(json.loads(run(capsys, *words, *(["--epsilon", "1"] * (concept == "qre")))[1]))
    found = list(back) if concept == "nash" else [back]
    assert {eq.concept for eq in found} == {concept}
    assert len(found) == (3 if concept == "nash" else 1)


def test_gaussian_games_are_solved_too(capsys):
    code, out, _ = run(capsys, "solve", "push_object", "--tau", "0.5", "--epsilon", "1", "--json")
    back = from_dict(json.loads(out))
    assert code == 0
    assert float(back.means[0][0]) == pytest.approx(1.0 / 2.75, abs=1e-12)


def test_a_file_in_gambit_s_format(capsys, tmp_path):
    pytest.importorskip("pygambit")
    path = tmp_path / "hunt.nfg"
    path.write_text(STAG_HUNT)
    code, out, _ = run(capsys, "solve", str(path), "--concept", "nash", "--json")
    back = from_dict(json.loads(out))
    assert code == 0
    assert sorted(round(float(eq[0][0]), 9) for eq in back) == [0.0, 0.75, 1.0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["solve", "no_such_game", "--tau", "1", "--epsilon", "1"], "rqe games"),
        (["solve", "missing.nfg", "--concept", "nash"], "missing.nfg"),
        (["solve", "stag_hunt:colour=3", "--tau", "1", "--epsilon", "1"], "colour"),
        (["solve", "free_riding:cost=cheap", "--tau", "1", "--epsilon", "1"], "cost"),
        (["solve", "stag_hunt", "--tau", "1"], "needs --epsilon"),
        (["solve", "stag_hunt", "--epsilon", "1"], "needs --tau"),
        (["solve", "stag_hunt", "--concept", "qre", "--tau", "1", "--epsilon", "1"], "no --tau"),
        (["solve", "stag_hunt", "--concept", "nash", "--epsilon", "1"], "no --epsilon"),
        (["solve", "stag_hunt", "--concept", "security", "--all"], "--all"),
        (["solve", "stag_hunt", "--concept", "nash", "--select", "any"], "--select"),
        (["solve", "stag_hunt", "--concept", "guess"], "guess"),
        (["solve", "stag_hunt", "--tau", "x", "--epsilon", "1"], "'x'"),
        (["solve", "stag_hunt", "--tau", "-1", "--epsilon", "1"], "tau"),
        (["solve", "stag_hunt", "--tau", "nan", "--epsilon", "1"], "tau"),
        (["solve", "stag_hunt", "--tau", "1,2,3", "--epsilon", "1"], "tau"),
        (["solve", "stag_hunt", "--tau", "1", "--epsilon", "inf"], "epsilon"),
        (["solve", "push_object", "--tau", "3", "--epsilon", "1"], "infinite"),
        (["solve"], "--help"),
        (["dance"], "dance"),
        (["reproduce", "figure9"], "figure9"),
        (["reproduce", "--shiny"], "--shiny"),
    ],
)
def test_refusals_are_one_line(capsys, words, said):
    assert said in refused(capsys, *words)


def test_malformed_files_are_refused(capsys, tmp_path):
    pytest.importorskip("pygambit")
    path = tmp_path / "broken.nfg"
    path.write_text("NFG 1 R nonsense")
    assert "broken.nfg" in refused(capsys, "solve", str(path), "--concept", "nash")


def test_a_missing_extra_is_named(capsys, tmp_path, monkeypatch):
    path = tmp_path / "hunt.nfg"
    path.write_text(STAG_HUNT)
    monkeypatch.setitem(sys.modules, "pygambit", None)
    assert "rqe[gambit]" in refused(capsys, "solve", str(path), "--concept", "nash")


def test_no_answer_within_reach_is_refused_with_its_evidence(capsys, monkeypatch):
    real = rqe.solve_rqe
    monkeypatch.setattr(
        rqe,
        "solve_rqe",
        lambda *a, **k: real(*a, **k | {"select": "any"}, method="newton", max_steps=1),
    )
    said = refused(capsys, "solve", "free_riding", "--tau", "1", "--epsilon", "0.2")
    assert "MAX_STEPS" in said
    assert "residual" in said


def test_version_and_help(capsys):
    for words, expected in (
        (["--version"], f"rqe {rqe.__version__}\n"),
        (["--help"], "usage: rqe"),
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main(words)
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(expected)
    assert run(capsys)[0] == 0


def test_reproduce_figure1_writes_files_and_prints_the_numbers(capsys, tmp_path):
    out_dir = tmp_path / "new" / "place"
    code, out, err = run(capsys, "reproduce", "figure1", "--out", str(out_dir))
    assert (code, err) == (0, "")  # no bar where standard error is not a terminal
    assert sorted(p.name for p in out_dir.iterdir()) == [
        "figure1-i.csv",
        "figure1-ii.csv",
        "figure1.csv",
        "figure1.pdf",
        "figure1.png",
    ]
    for number in ("0.28017478", "0.58369572", "0.84252458", "0.60822983"):
        assert number in out
    rows = list(csv.DictReader((out_dir / "figure1.csv").read_text().splitlines()))
    fork = next(float(r["tau"]) for r in rows if "pitchfork" in r["quantity"])
    assert fork == pytest.approx(0.828789, abs=5e-7)
    best = next(r for r in rows if "largest" in r["quantity"])
    assert float(best["tau"]) == pytest.approx(1.0, abs=1e-6)
    assert float(best["value"]) == pytest.approx(-0.1, abs=1e-12)


def test_reproduce_games_solves_every_one(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(capsys, "reproduce", "games")
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines[2:]] == list(games.catalogue())
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_no_file(tmp_path):
    def write_half(target):
        with whole_file(target) as file:
            file.write(b"half")
            raise OSError("disk full")

    target = tmp_path / "figure1.png"
    target.write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"):
        write_half(target)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_is_a_file_is_refused_before_any_work(capsys, tmp_path, monkeypatch):
    place = tmp_path / "taken"
    place.write_text("")
    monkeypatch.setattr(cli, "_figure1", lambda out: pytest.fail("worked first"))
    assert "taken" in refused(capsys, "reproduce", "figure1", "--out", str(place))


def _start(*words, **kwargs):
    return subprocess.Popen(
        [sys.executable, "-m", "rqe", *words],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


def test_a_reader_that_goes_away_is_no_drama():
    reader, writer = os.pipe()
    os.close(reader)
    process = _start("games", stdout=writer)
    os.close(writer)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


@pytest.mark.skipif(os.name == "nt", reason="signals differ")
def test_ctrl_c_is_one_line(tmp_path):
    ready = tmp_path / "ready"
    code = (
        "import pathlib, signal, sys, time, rqe, rqe.cli\n"
        # a shell starts its background jobs with the signal ignored, and children inherit that
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def wait(*a, **k):\n"
        f"    pathlib.Path({str(ready)!r}).touch(); time.sleep(60)\n"
        "rqe.solve_rqe = wait\n"
        "sys.exit(rqe.cli.main(['solve', 'stag_hunt', '--tau', '1', '--epsilon', '1']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not ready.exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "rqe: interrupted\n")


def test_trace_prints_branches_and_writes_a_picture_and_the_points(capsys, tmp_path):
    words = ("trace", "free_riding", "--start", "0", "--stop", "2", "--epsilon", "0.2")
    code, out, err = run(capsys, *words, "--out", str(tmp_path))
    assert (code, err) == (0, "")
    assert "pitchfork" in out
    assert "0.82878869" in out
    assert (tmp_path / "trace.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "trace.pdf").read_bytes().startswith(b"%PDF")
    rows = list(csv.DictReader((tmp_path / "trace.csv").read_text().splitlines()))
    assert {row["branch"] for row in rows} == {"0", "1", "2"}
    assert all(float(row["residual"]) <= 1e-10 for row in rows)
    assert "1: C" in rows[0]


def test_trace_speaks_json_and_the_logit_branch_alone(capsys):
    words = ("trace", "stag_hunt", "--parameter", "epsilon", "--start", "inf", "--stop", "0")
    code, out, _ = run(capsys, *words, "--principal", "--json")
    path = from_dict(json.loads(out))
    assert code == 0
    assert len(path.branches) == 1
    assert path.branches[0].limits[1].strategies[0].tolist() in ([1.0, 0.0], [0.0, 1.0])


def test_trace_refuses_in_one_line(capsys):
    err = refused(capsys, "trace", "free_riding", "--start", "0", "--stop", "2")
    assert "needs epsilon" in err
    err = refused(capsys, "trace", "no_such_game", "--start", "0", "--stop", "2")
    assert "rqe games" in err


def test_all_equilibria_with_a_proof_of_their_number(capsys):
    pytest.importorskip("flint")
    words = ("solve", "free_riding", "--tau", "0.5", "--epsilon", "0.2", "--all", "--rigorous")
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert "completeness proved" in out
    assert "--all" in refused(
        capsys, "solve", "free_riding", "--tau", "1", "--epsilon", "1", "--rigorous"
    )
