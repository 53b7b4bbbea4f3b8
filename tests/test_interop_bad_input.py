"""Bad files and wrong objects: refused with the path and the problem, and nothing written."""

from __future__ import annotations

import sys

import nashpy
import numpy as np
import pytest
from interop_games import CARD, after_chance, chain, distinct_game

import rqe
from rqe.interop import (
    from_gambit,
    from_nashpy,
    from_quantecon,
    read_game,
    to_gambit,
    to_nashpy,
    to_quantecon,
    write_game,
)

# ---------------------------------------------------------------- bad files


BAD_NFG = {
    "empty": ("", "Expecting NFG file type indicator"),
    "another format": ("hello", "Expecting NFG file type indicator"),
    "too few payoffs": ('NFG 1 R "" { "a" "b" } { 2 2 } 1 1 1', "Expected numerical payoff"),
    "too many payoffs": ('NFG 1 R "" { "a" "b" } { 1 1 } 1 1 1', "Expected end-of-file"),
    "no players": ('NFG 1 R "" { } { }', "Expecting outcome or payoff"),
    "no actions": ('NFG 1 R "" { "a" "b" } { 0 2 }', "Expecting outcome or payoff"),
    "nan": ('NFG 1 R "" { "a" "b" } { 1 1 } nan 1', "Expecting outcome or payoff"),
    "zero division": ('NFG 1 R "" { "a" "b" } { 1 1 } 1/0 1', "division by zero"),
    "too large": ('NFG 1 R "" { "a" "b" } { 1 1 } 1e400 1', "payoffs must fit in a double"),
    "far too large": (
        'NFG 1 R "" { "a" "b" } { 1 1 } 1e99999999 1',
        "payoffs must fit in a double",
    ),
    "huge table": (
        'NFG 1 R "" { "a" "b" } { 100000 100000 } 1',
        "declares 10,000,000,000 profiles",
    ),
    "huge table, labelled": (
        'NFG 1 R "" { ' + '"p" ' * 40 + "} { " + '{ "x" "y" } ' * 40 + '} "" 1',
        "declares 1,099,511,627,776 profiles",
    ),
    "unclosed label": ('NFG 1 R "t { "a" "b" } { 1 1 } 1 1', "Gambit's .nfg format"),
    "not UTF-8": (b"NFG 1 R \xff", "can't decode"),
}


@pytest.mark.parametrize("case", list(BAD_NFG))
def test_bad_nfg_files_are_refused_with_path_and_problem(case, tmp_path):
    text, problem = BAD_NFG[case]
    path = tmp_path / "bad.nfg"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=problem) as caught:
        read_game(path)
    assert str(path) in str(caught.value)


BAD_EFG = {
    "empty": ("", "Gambit's .efg format"),
    "cut short": (CARD[: len(CARD) // 2], "Gambit's .efg format"),
    "a table": ('NFG 1 R "" { "a" "b" } { 1 1 } 1 1', "Gambit's .efg format"),
    "chance that does not add up": (CARD.replace("2/3", "1/2"), "Gambit's .efg format"),
    "too many strategies": (after_chance(40), "at most 4,000,000 profiles"),
    "too deep": (chain(6000), "at most 5,000 moves; got 6,000"),
    "too large": (CARD.replace("{ 2 -2 }", "{ 2e400 -2 }"), "payoffs must fit in a double"),
    "far too large": (CARD.replace("{ 2 -2 }", "{ 2e99999 -2 }"), "payoffs must fit in a double"),
}


@pytest.mark.parametrize("case", list(BAD_EFG))
def test_bad_efg_files_are_refused_with_path_and_problem(case, tmp_path):
    text, problem = BAD_EFG[case]
    path = tmp_path / "bad.efg"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=problem) as caught:
        read_game(path)
    assert str(path) in str(caught.value)


def test_other_endings_and_missing_files(tmp_path):
    with pytest.raises(ValueError, match=r"path must end in .nfg or .efg; got '.*game.txt'"):
        read_game(tmp_path / "game.txt")
    with pytest.raises(ValueError, match=r"path must end in .nfg; got '.*game.efg'"):
        write_game(distinct_game(2, 2), tmp_path / "game.efg")
    with pytest.raises(FileNotFoundError, match="absent"):
        read_game(tmp_path / "absent.nfg")
    with pytest.raises(FileNotFoundError, match="absent"):
        write_game(distinct_game(2, 2), tmp_path / "absent" / "game.nfg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "label", ["line\nbreak", " lead", "trail ", "two  spaces", "tab\t", "end\\", 'a\\"b', "\ud800"]
)
def test_labels_that_the_format_cannot_hold_are_refused_and_nothing_is_written(label, tmp_path):
    path = tmp_path / "game.nfg"
    path.write_text("before")
    payoffs = np.zeros((2, 1, 2))
    for game in (
        rqe.NormalFormGame(list(payoffs), players=["fine", label]),
        rqe.NormalFormGame(list(payoffs), actions=[["fine"], ["too", label]]),
    ):
        with pytest.raises(ValueError, match="players and actions must be text") as caught:
            write_game(game, path)
        assert repr(label) in str(caught.value)
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_name_that_the_format_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="name must be text that Gambit's format can hold"):
        to_gambit(rqe.NormalFormGame(np.zeros((2, 1, 1)), name="end\\"))


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "game.nfg"
    path.write_text("before")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_game(distinct_game(2, 2), path)
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("convert", "value", "message"),
    [
        (to_nashpy, 3, "game must be a normal-form game of rqe; got int"),
        (to_quantecon, [[1]], "game must be a normal-form game of rqe; got list"),
        (to_gambit, None, "game must be a normal-form game of rqe; got NoneType"),
        (to_nashpy, distinct_game(2, 2, 2), "game must have two players for nashpy; got 3"),
        (from_nashpy, distinct_game(2, 2), "game must be a nashpy game; got NormalFormGame"),
        (from_quantecon, distinct_game(2, 2), "game must be a quantecon NormalFormGame"),
        (from_gambit, distinct_game(2, 2), "game must be a pygambit game; got NormalFormGame"),
        (from_nashpy, nashpy.Game([[np.nan]]), "all finite"),
    ],
)
def test_other_things_are_refused(convert, value, message):
    with pytest.raises(ValueError, match=message):
        convert(value)


def test_writing_something_else_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="game must be a normal-form game of rqe; got str"):
        write_game("stag hunt", tmp_path / "game.nfg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["pygambit", "quantecon"])
def test_a_missing_package_names_the_extra(package, monkeypatch, tmp_path):
    path = tmp_path / "game.nfg"
    write_game(distinct_game(2, 2), path)
    for module in [m for m in sys.modules if m.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    calls = {
        "pygambit": (
            "gambit",
            [
                lambda: read_game(path),
                lambda: write_game(distinct_game(2), path),
                lambda: to_gambit(distinct_game(2)),
                lambda: from_gambit(None),
            ],
        ),
        "quantecon": (
            "quantecon",
            [lambda: to_quantecon(distinct_game(2)), lambda: from_quantecon(None)],
        ),
    }
    extra, uses = calls[package]
    for use in uses:
        with pytest.raises(rqe.MissingExtraError, match=rf"pip install 'rqe\[{extra}\]'"):
            use()
