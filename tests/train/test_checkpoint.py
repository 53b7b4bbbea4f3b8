"""Files of runs and of policies: what goes in comes out, and nothing else is taken for it."""

import itertools
import json
import os
import struct
import sys
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rqe.train import Policies, load_policies, save_policies
from rqe.train.checkpoint import header, load, save, sweep
from rqe.train.networks import network


class Learner(NamedTuple):
    actor: list
    memory: tuple


TREE = {
    "learners": (Learner([(jnp.arange(6.0).reshape(2, 3), jnp.ones(3))], (jnp.int32(7), None)),),
    "key": jax.random.split(jax.random.key(3), 2),
    "mask": np.array([True, False]),
    "empty": np.zeros((0, 4), np.float32),
    "long": np.arange(6.0).reshape(2, 3).T / 3.0,
}


def raw(leaf):
    is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf)


def assert_same(one, two):
    assert jax.tree.structure(one) == jax.tree.structure(two)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        assert a.dtype == b.dtype
        assert np.array_equal(raw(a), raw(b))


def test_any_pytree_comes_back_with_its_keys(tmp_path):
    place = tmp_path / "x.safetensors"
    save(place, TREE, about={"game": "mine"})
    blank = jax.tree.map(lambda a: a if a is TREE["key"] else np.zeros_like(a), TREE)
    assert_same(load(place, blank), TREE)
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), TREE)
    assert_same(load(place, shapes, about={"game": "mine"}), TREE)
    draws = [jax.random.normal(k[0]) for k in (load(place, TREE)["key"], TREE["key"])]
    assert draws[0] == draws[1]


def test_old_and_other_keys_are_told_apart(tmp_path):
    place = tmp_path / "x.safetensors"
    for key in (jax.random.PRNGKey(5), jax.random.key(5, impl="rbg")):
        save(place, key)
        assert_same(load(place, key), key)
        with pytest.raises(ValueError, match="must hold 'tree' as"):
            load(place, jax.random.key(5))


def test_the_file_is_plain_safetensors_with_names_that_say_where(tmp_path):
    place = tmp_path / "x.safetensors"
    save(place, TREE, about={"game": "mine"})
    content = place.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    names = json.loads(content[8 : 8 + size])
    about = names.pop("__metadata__")
    assert set(names) == {
        "learners/0/actor/0/0",
        "learners/0/actor/0/1",
        "learners/0/memory/0",
        "key",
        "mask",
        "empty",
        "long",
    }
    where = slice(*(8 + size + end for end in names["learners/0/actor/0/0"]["data_offsets"]))
    assert np.frombuffer(content[where], "<f4").tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert header(place) == about
    assert about["game"] == "mine"
    assert about["format"] == "rqe-checkpoint-1"


@pytest.mark.parametrize(
    ("like", "said"),
    [
        ({"a": np.ones(2, np.float32)}, "lacks 'a'"),
        ({}, "holds 'b'"),
        ({"b": np.ones(2, np.float32)}, r"float32 \(2,\); it holds float32 \(3,\)"),
        ({"b": np.ones(3, np.int32)}, r"int32 \(3,\); it holds float32"),
    ],
)
def test_another_pytree_is_refused_by_name(tmp_path, like, said):
    save(tmp_path / "x", {"b": np.ones(3, np.float32)})
    with pytest.raises(ValueError, match=said):
        load(tmp_path / "x", like)


def test_another_subject_is_refused_by_name(tmp_path):
    save(tmp_path / "x", {"b": np.ones(3)}, about={"digest": "a" * 64})
    with pytest.raises(ValueError, match=r"x must be of digest bbbbbbbbbbbb\.\.\.; it is of aaaa"):
        load(tmp_path / "x", {"b": np.ones(3)}, about={"digest": "b" * 64})
    with pytest.raises(ValueError, match="of seeds 1; it is of nothing"):
        load(tmp_path / "x", {"b": np.ones(3)}, about={"seeds": "1"})


def test_two_leaves_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match="'a/b' twice"):
        save(tmp_path / "x", {"a": {"b": np.ones(1)}, "a/b": np.ones(1)})
    assert list(tmp_path.iterdir()) == []


def test_cut_or_foreign_files_are_refused(tmp_path):
    place = tmp_path / "x"
    save(place, {"b": np.arange(4.0)})
    whole = place.read_bytes()
    for end in range(len(whole)):
        place.write_bytes(whole[:end])
        with pytest.raises(ValueError, match="must be a safetensors file"):
            load(place, {"b": np.ones(4)})
    save_policies(place, Policies((network(jax.random.key(0), (1, 2)),)))
    with pytest.raises(ValueError, match="format rqe-checkpoint-1; its format is 'rqe-policies-1'"):
        load(place, {"b": np.ones(4)})
    save(place, {"b": np.ones(4)})
    with pytest.raises(ValueError, match="format rqe-policies-1"):
        load_policies(place)
    with pytest.raises(FileNotFoundError):
        header(tmp_path / "none")


def test_the_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("replace"), replace(a, b)))
    save(tmp_path / "x", {"b": np.ones(3)})
    assert order == ["fsync", "replace"]


def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    save(tmp_path / "x", {"b": np.ones(3)})
    before = (tmp_path / "x").read_bytes()

    def fail(fd):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save(tmp_path / "x", {"b": np.zeros(3)})
    assert (tmp_path / "x").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_sweeping_removes_what_was_begun_and_nothing_else(tmp_path):
    for name in (".checkpoint.safetensors.12.part", ".metrics.csv.12.part", ".mine.part", "a.part"):
        (tmp_path / name).write_text("")
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".mine.part", "a.part"]


@pytest.mark.parametrize("runs", [None, 1, 3])
def test_policies_come_back_with_unequal_seats(tmp_path, runs):
    rng = np.random.default_rng(0)

    def make(*sizes):
        lead = () if runs is None else (runs,)
        pairs = itertools.pairwise(sizes)
        return [(draw(*lead, a, b), draw(*lead, b)) for a, b in pairs]

    def draw(*shape):
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    given = Policies((make(8, 6, 5), make(3, 4, 4, 2)))
    save_policies(tmp_path / "x", given, about={"seeds": "[1]"})
    back = load_policies(tmp_path / "x")
    assert_same(back, given)
    assert back.stacked == (runs is not None)
    one = back if runs is None else back[0]
    assert one.logits(1, jnp.ones(3)).shape == (2,)
    assert header(tmp_path / "x")["seeds"] == "[1]"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["0/0/weights"], "every layer and seat"),
        (["0/0/weights", "0/0/biases", "0/2/weights", "0/2/biases"], "every layer and seat"),
        (["1/0/weights", "1/0/biases"], "every layer and seat"),
        (["0/0/sizes"], "got '0/0/sizes'"),
        ([], "at least one seat"),
    ],
)
def test_incomplete_policies_are_refused(tmp_path, names, said):
    import safetensors.numpy

    tensors = {name: np.ones((2, 2), np.float32) for name in names}
    content = safetensors.numpy.save(tensors, {"format": "rqe-policies-1"})
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        load_policies(tmp_path / "x")


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"rqe\[srpo\]"):
        save(tmp_path / "x", {"b": np.ones(3)})
    with pytest.raises(ImportError, match=r"rqe\[srpo\]"):
        load_policies(tmp_path / "x")
