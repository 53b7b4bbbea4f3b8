"""The benchmarks run, and check the answers that they time; no time is asserted."""

import json
import subprocess
import time

import numpy as np
import pytest

import rqe
from benchmarks import __main__ as command
from benchmarks import curve, gaussian, measure, peers, plain
from benchmarks.__main__ import main, table
from benchmarks.machine import ONE_THREAD, facts
from benchmarks.measure import Section, Timing, WrongAnswer, race, ratio, require, show
from benchmarks.quantal import _checked, uniform_game
from benchmarks.sections import SECTIONS


@pytest.fixture(autouse=True)
def both_peers_are_the_installed_one(monkeypatch):
    monkeypatch.setenv(peers.HERE, "here")


@pytest.mark.parametrize("name", SECTIONS)
def test_smallest_row_of_each_section(name):
    row = SECTIONS[name].row(**SECTIONS[name].smallest)
    for column, cell in row.items():
        if column.startswith("residual"):
            assert float(cell) <= (1e-8 if "pygambit" in column else 1e-10)
        elif column.startswith(("difference", "largest difference")):
            assert float(cell) <= 1e-6  # the same equilibrium as the peer's
        elif column.startswith("regret"):
            assert float(cell) <= (1e-8 if "pygambit" in column else 1e-12)
        elif column.startswith("ratio"):
            assert cell == "—" or float(cell) > 0.0
    if name == "nash-all":
        assert "no" not in row["same set"]
    if name == "batch":
        assert row["differs from pygambit"].startswith("0 of 10; others")


@pytest.mark.parametrize("name", SECTIONS)
def test_every_case_fits_its_row(name):
    section = SECTIONS[name]
    cases = [*section.quick, *section.more, *(section.full or [])]
    assert all(case.keys() == section.smallest.keys() for case in cases)
    assert len(section.quick) > 0


def test_quick_runs_take_the_quick_cases():
    calls = []
    row = {"row": lambda **case: calls.append(case) or {}, "smallest": {}}
    fake = Section("", "", quick=[{"a": 1}], more=[{"a": 2}], **row)
    assert fake.rows(quick=True) == [{}]
    assert fake.rows(quick=False) == [{}, {}]
    assert calls == [{"a": 1}, {"a": 1}, {"a": 2}]


def test_contestants_alternate(monkeypatch):
    monkeypatch.setattr(measure, "MOST", 3)
    calls = []
    timings, answers = race([lambda: calls.append("a"), lambda: calls.append("b") or 7], 3)
    # two warm calls each that are not counted, then turns of short calls
    assert "".join(calls) == "aabb" + "aaabbb" * 3
    assert [len(t.seconds) for t in timings] == [3, 3]
    assert answers == [None, 7]


def test_a_contestant_elsewhere_has_its_own_clock():
    class Elsewhere:
        def timed(self, number):
            return 0.02, number

    timings, answers = race([Elsewhere()], 2)
    assert timings[0].seconds == (0.02, 0.02)
    assert answers == [1]


def test_what_a_peer_answers_and_what_it_complains_of():
    arrays = uniform_game(3, 0)
    here, there = peers.calls("qre", payoffs=peers.stored(arrays), lam=2.0)
    eq = rqe.solve_qre(rqe.NormalFormGame(arrays), lam=2.0)
    for call in (here, there):
        seconds, answer = call.timed(3)
        assert seconds > 0.0
        assert plain.distance(peers.profile(answer), eq.strategies) < 1e-9
    with pytest.raises(peers.PeerError, match="no_such_solve"):
        here.peer.ask("nash", payoffs=peers.stored(arrays), method="no_such_solve", options={})
    assert here.timed(1)[1] == here()  # it goes on


def test_exponents_and_the_picture(tmp_path):
    rows = [
        {"_size": n, "_seconds": {"square": 1e-6 * n**2, "cube": 1e-9 * n**3}}
        for n in (10, 100, 200, 400)
    ]
    assert "square 2.00, cube 3.00" in curve.exponents(rows)[1]
    assert curve.exponents(rows[:2]) == []
    curve.draw(rows, tmp_path / "x.svg")
    assert "actions of each player" in (tmp_path / "x.svg").read_text()


def test_one_repetition_is_the_only_call():
    calls = []
    (timing,), (answer,) = race([lambda: calls.append("a") or 7], 1)
    assert (calls, answer, len(timing.seconds)) == (["a"], 7, 1)
    assert str(timing).endswith("(one call)")


def test_nobody_pays_for_releasing_the_answer_of_another(monkeypatch):
    class Answer:
        def __del__(self):
            events.append("release")

    events = []
    clock = iter(range(100))
    monkeypatch.setattr(time, "perf_counter", lambda: events.append("clock") or next(clock))
    race([Answer, Answer], 3)
    counted = events[-3 * 6 - 2 : -2]  # last, the answers that were kept
    assert counted == ["clock", "clock", "release"] * 6


def test_wrong_answers_are_refused():
    game = uniform_game(4, 1)
    eq = rqe.solve_rqe(rqe.NormalFormGame(game), 2.0, 0.2)
    assert _checked(game, eq, 2.0, 0.2) <= 1e-10
    with pytest.raises(WrongAnswer, match="residual"):
        _checked(game, eq, 2.0, 0.21)
    with pytest.raises(WrongAnswer, match="residual"):
        _checked(game[::-1], eq, 2.0, 0.2)
    with pytest.raises(WrongAnswer, match="no"):
        require(False, "no")


def test_plain_residual_by_hand():
    # matching pennies: uniform play is the RQE at every tau; the reply to a pure action is logistic
    pennies = np.array([[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]])
    even = np.array([0.5, 0.5])
    assert plain.residual(pennies, (even, even), 3.0, 0.5) == 0.0
    heads = np.array([1.0, 0.0])
    logistic = 1.0 / (1.0 + np.exp(-2.0 / 0.5))
    gap = plain.residual(pennies, (heads, heads), 0.0, 0.5)
    assert gap == pytest.approx(logistic, rel=1e-12)  # player 2 would leave heads
    assert plain.residuals(pennies[None], (heads[None], heads[None]), 0.0, 0.5) == [gap]
    assert plain.regret(pennies, (heads, heads)) == 2.0
    assert plain.regret(pennies, (even, even)) == 0.0


def test_the_two_gaussian_references_agree():
    h, target, rho = gaussian.draw(4, 3, seed=5)
    tau = np.array([0.0, 0.1, 0.2, 0.3]) + 0.01
    exact = gaussian.closed_form(h, target, rho, tau, 0.7)
    np.testing.assert_allclose(gaussian.by_hand(h, target, rho, tau, 0.7), exact, atol=1e-12)
    one = gaussian.closed_form(np.eye(1), np.ones(1), np.ones(2), np.full(2, 0.5), 1.0)
    np.testing.assert_allclose(one, 1.0 / (3.0 - 0.25), atol=1e-14)  # SRA Example 4.1, corrected


def test_a_section_prints_its_rows(capsys):
    assert main(["--section", "construction", "--quick"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["game"] for row in rows] == ["5 × 5", "50 × 50"]
    head, rule, first, _ = table(rows)
    assert head.startswith("| game | rqe |")
    assert rule.count("|") == head.count("|") == first.count("|")


def test_header_says_where_it_was_measured():
    said = dict(facts("python -m benchmarks --quick"))
    assert said["command"] == "`python -m benchmarks --quick`"
    assert f"rqe {rqe.__version__}" in said["versions"]
    assert "quantecon" in said["versions"]
    assert all(name in said["BLAS"] for name in ONE_THREAD)
    assert {"date", "commit", "processor", "memory"} <= said.keys()


@pytest.mark.parametrize(
    ("seconds", "text"), [(5e-5, "50 µs"), (0.0123, "12.3 ms"), (2.5, "2.5 s")]
)
def test_units(seconds, text):
    assert show(seconds) == text


def test_timings_show_their_spread():
    assert str(Timing((0.003, 0.001, 0.002))) == "2 ms (1 ms–3 ms)"
    assert (ratio(3.0, 2.0), ratio(300.0, 2.0)) == ("1.5", "150")


def test_a_broken_run_goes_on(monkeypatch, tmp_path, capsys):
    place = tmp_path / "kept"
    monkeypatch.setattr(command, "KEPT", place)
    (place / "quick").mkdir(parents=True)
    for name in SECTIONS:
        row = {"told": name} | ({"_size": 5, "_seconds": {"a": 1.0}} if name == "curve" else {})
        (place / "quick" / f"{name}.json").write_text(json.dumps([row]))
    out = tmp_path / "tables.md"
    assert main(["--quick", "--resume", "--out", str(out)]) == 0
    text = out.read_text()
    assert all(f"| {name} |" in text for name in SECTIONS)
    assert "_size" not in text
    assert (tmp_path / "benchmarks_curve.svg").exists()
    assert text in capsys.readouterr().out


def test_sections_are_kept_as_they_come(monkeypatch, tmp_path):
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: Done(0, '[{"a": 1}]', ""))
    assert command._rows("qre", True, tmp_path / "new") == [{"a": 1}]
    assert json.loads((tmp_path / "new" / "qre.json").read_text()) == [{"a": 1}]
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: Done(1, "", "wrong"))
    with pytest.raises(SystemExit, match="section alone failed:\nwrong"):
        command._rows("alone", True, tmp_path / "new")


class Done:
    def __init__(self, returncode, stdout, stderr):
        self.returncode, self.stdout, self.stderr = returncode, stdout, stderr
