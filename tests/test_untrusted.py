"""Files are untrusted: nothing in them runs, their size is bounded, what they say fits together."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

import games
import rqe
from rqe.interop import from_gambit
from rqe.interop import gambit as gambit_room
from rqe.interop._table import payoffs_of
from rqe.result import files, serialize
from rqe.result.files import read_bytes
from rqe.result.serialize import from_dict, to_dict
from rqe.result.wellformed import _STRUCTURES, _TYPES

ROOT = Path(__file__).resolve().parent.parent
RUNS_CODE = {"eval", "exec", "compile", "__import__", "load_module"}
"""Calls that turn text into code."""
CODE_IN_FILES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "joblib.load"}
"""Formats that can hold code."""
PICKLES_OF_ITS_OWN = {"rqe/train/worker.py"}
"""Settings sent to a process of its own making, never read from a file that was given."""


def test_no_reader_evaluates_or_unpickles():
    found = []
    for path in sorted([*ROOT.glob("rqe/**/*.py"), *ROOT.glob("games/**/*.py")]):
        name = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in RUNS_CODE or called in ("np.load", "numpy.load"):
                    found.append((name, called))
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            if name not in PICKLES_OF_ITS_OWN:
                found += [(name, n) for n in names if n in CODE_IN_FILES]
    assert found == []


def test_a_file_larger_than_it_may_be_is_not_read(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(ValueError, match=r"path must hold at most 4 bytes; .*x has more"):
        read_bytes(path, 4)
    with open(path, "wb") as file:
        file.truncate(10**12)  # takes no room on the disk
    with pytest.raises(ValueError, match="at most 1,000 bytes"):
        read_bytes(path, 1000)
    with pytest.raises(ValueError, match="at most"):
        rqe.load(path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless device")
def test_a_device_that_never_ends_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SPECIAL", 10**6)
    for name, read in (("x.nfg", rqe.read_game), ("x.json", rqe.load)):
        os.symlink("/dev/zero", tmp_path / name)
        with pytest.raises(ValueError, match="at most 1,000,000 bytes"):
            read(tmp_path / name)


# ---------------------------------------------------------------- results that fit together


RESULT = to_dict(rqe.solve_rqe(games.chicken(), tau=1.0, epsilon=0.5))
BATCH = to_dict(rqe.solve_many(np.random.default_rng(0).random((2, 2, 2, 3)), 1.0, 0.5))


@pytest.mark.parametrize(
    ("data", "field", "value", "words"),
    [
        (RESULT, "payoffs", [1.0, 2.0, 3.0], "payoffs of shape"),
        (RESULT, "strategies", [[0.5, 0.5]], "log_strategies of shapes"),
        (RESULT, "strategies", [[0.5, 0.5], [0.2, 0.3, 0.5]], "log_strategies of shapes"),
        (RESULT, "strategies", [], "a strategy for each player"),
        (RESULT, "beliefs", [[[0.5, 0.5]], [0.5, 0.5]], "beliefs of shapes"),
        (RESULT, "agents", [], "2 agents"),
        (RESULT, "players", ["one"], "2 players, or none named"),
        (RESULT, "actions", [["a", "b"]], "actions that number"),
        (RESULT, "iterations", 1.5, "iterations of Equilibrium must be int"),
        (RESULT, "method", 3, "method of Equilibrium must be str"),
        (RESULT, "residual", "0.1", "expected a number"),
        (RESULT, "residual", 10**400, "too large"),
        (RESULT, "status", "FINE", "FINE"),
        (BATCH, "iterations", [1.5, 2], "expected a list of int"),
        (BATCH, "branch", ["principal"], "a status and a branch for each of 2 games"),
        (BATCH, "tau", [[-1.0, 1.0], [1.0, 1.0]], "tau and epsilon in their ranges"),
    ],
)
def test_results_that_do_not_fit_are_refused_by_path(data, field, value, words, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**data, field: value}))
    with pytest.raises(ValueError, match=words) as caught:
        rqe.load(path)
    assert str(path) in str(caught.value)
    path.write_text(json.dumps(data))
    assert to_dict(rqe.load(path)) == data


def test_every_field_of_every_result_has_a_type_that_is_checked():
    assert set(_STRUCTURES) == set(serialize._KINDS.values())
    for kind in _STRUCTURES:
        assert {str(f.type) for f in dataclasses.fields(kind)} <= set(_TYPES)


def test_empty_batches_and_sets_are_results_too():
    batch = rqe.solve_many(np.zeros((0, 2, 2, 2)), 1.0, 0.5)
    assert len(from_dict(to_dict(batch))) == 0
    assert len(from_dict(to_dict(rqe.EquilibriumSet(())))) == 0


# ---------------------------------------------------------------- tables of Gambit


@pytest.mark.parametrize(
    "body",
    [
        '{ 2 3 } "" 1 2 3/7 -4 0.5 6e2 7 8 9 10 11 -1/3',
        '{ { "a" "b" } { "x\\"y" "}" "{ 1" } } "" { { "o{" 1, 2 } { "" 0.25 1/3 } } 0 1 2 2 1 0',
    ],
)
def test_a_table_is_read_as_profile_by_profile(body, monkeypatch, tmp_path):
    path = tmp_path / "x.nfg"
    path.write_text(f'NFG 1 R "a \\"title\\"" {{ "p{{" "q" }} {body}')
    whole = rqe.read_game(path)
    monkeypatch.setattr(gambit_room, "payoffs_of", lambda *_: None)
    slow = rqe.read_game(path)
    for p, q in zip(whole.payoffs, slow.payoffs, strict=True):
        np.testing.assert_array_equal(p, q)
    assert (whole.players, whole.actions, whole.name) == (slow.players, slow.actions, slow.name)


def test_labels_that_end_in_a_backslash_are_asked_for_one_by_one():
    import pygambit

    table = pygambit.StrategicGame.from_arrays([[1, 2]], [[3, 4]], title="odd\\")
    assert payoffs_of(table.to_nfg(), 2, (1, 2)) is None
    np.testing.assert_array_equal(from_gambit(table).payoffs[1], [[3.0, 4.0]])


@pytest.mark.parametrize(
    "text",
    [
        'NFG 1 R "" { "a" } { { "1" } }\n"" x',
        'NFG 1 R "" { "a" } { { "1" } }\n"" 1 2',
        'NFG 1 R "" { "a" } { { "1" } }\n"" { { "" 1 2 } } 1',
        'NFG 1 R "" { "a" } { { "1" } }\n"" { { "" 1 } } 2',
        "no table",
    ],
)
def test_odd_text_is_nobodys_payoffs(text):
    assert payoffs_of(text, 1, (1,)) is None
    fine = 'NFG 1 R "" { "a" } { { "1" } }\n"" { { "" 7 } } 1'
    np.testing.assert_array_equal(payoffs_of(fine, 1, (1,)), [[7.0]])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.ma.array([[1.0]], mask=[[True]]), "some are masked"),
        (np.array([[1j]]), "not real numbers"),
        (np.array([[1]], dtype="m8[s]"), "must be a string or a real number"),
        (np.array([["2020-01-01"]], dtype="M8[D]"), "must be a string or a real"),
        ([[10**400]], "too large"),
        (np.array([[np.longdouble("1e400")]]), "all finite"),
    ],
)
def test_what_numpy_would_make_a_number_of_is_refused(value, words):
    with pytest.raises(ValueError, match=words) as caught:
        rqe.NormalFormGame([value, [[1.0]]])
    assert "payoffs[0]" in str(caught.value)
