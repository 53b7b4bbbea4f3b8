"""Cases of the fuzz run that read files: Gambit's, results, checkpoints, settings; and game names.

A reader refuses with a `ValueError` that names the path, or returns what prints and can be written
and read again to the same content.
"""

from __future__ import annotations

import copy
import json
import math
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import games
import rqe
from benchmarks.hostile import (
    Refused,
    attempt,
    number,
    require,
    shown,
    text_damage,
    thing,
    word,
)
from rqe.result.files import whole_file
from rqe.result.serialize import to_dict

NFG_TOKENS = tuple(
    t.encode()
    for t in (
        "{", "}", '"', "NFG", "EFG", "1", "R", "D", "0", "-1", "1/3", "1/0", "0.5", "1e5", "1e400",
        "1e-400", "nan", "inf", "99999999999", "1e999", "\\", '\\"', "\n", ",", "#", "--1", "+1",
        "1.2.3", "{ }", '""', "9" * 60, "1/" + "3" * 60, "\u00e9", "\x00", "t", "c", "p", "e",
    )
)  # fmt: skip
EFG_TEXT = """EFG 2 R "a card" { "Ann" "Bob" }
"about"
c "" 1 "deal" { "red" 1/3 "black" 2/3 } 0
p "" 1 1 "red" { "raise" "fold" } 0
p "" 2 1 "raised" { "meet" "pass" } 0
t "" 1 "" { 2 -2 }
t "" 2 "" { 1 -1 }
t "" 3 "" { 1 -1 }
p "" 1 2 "black" { "raise" "fold" } 0
p "" 2 1 "raised" { "meet" "pass" } 0
t "" 4 "" { -2 2 }
t "" 2 "" { 1 -1 }
t "" 5 "" { -1 1 }
"""
SAVED = Path(__file__).resolve().parent / "results" / "fuzz_inputs.json"
JSON_TOKENS = tuple(
    t.encode()
    for t in (
        "{", "}", "[", "]", ",", ":", '"', "null", "true", "NaN", "Infinity", '"inf"', '"nan"',
        "1e999", "-1", "0", "1" * 400, '"CONVERGED"', '"x"', "[]", "{}", "[[]]", "\\u0000",
        '"\\ud800"', "0.5", "[1,2]", '"kind"', '"schema"', "[" * 200,
    )
)  # fmt: skip


def nfg(rng: np.random.Generator, place: Path) -> str:
    """A table in Gambit's format, whole or damaged."""
    n = int(rng.integers(1, 5))
    shape = [int(k) for k in rng.integers(1, 4, size=n)]
    size = int(np.prod(shape))
    players = " ".join(f'"p{i}"' for i in range(n))
    if rng.random() < 0.3:
        values = [f"{k}" for k in rng.integers(0, size + 1, size=size)]
        rows = " ".join(f'{{ "" {" ".join(_payoff(rng) for _ in range(n))} }}' for _ in range(size))
        body = f'"" {{ {rows} }} {" ".join(values)}'
    else:
        body = " ".join(_payoff(rng) for _ in range(size * n))
    if rng.random() < 0.5:
        sizes = " ".join(map(str, shape))
    else:
        sizes = " ".join(f"{{ {' '.join(f'{chr(34)}a{k}{chr(34)}' for k in range(m))} }}"
                         for m in shape)  # fmt: skip
    text = f'NFG 1 R "{"t" if rng.random() < 0.8 else "é"}" {{ {players} }} {{ {sizes} }} {body}\n'
    return read_gambit(text_damage(rng, text.encode(), NFG_TOKENS), place / "case.nfg")


def _payoff(rng: np.random.Generator) -> str:
    forms = ("{}", "{}/7", "{}.25", "-{}", "{}e3", "{}E-2")
    form = forms[rng.integers(len(forms))] if rng.random() < 0.3 else "{}"
    return form.format(int(rng.integers(10)))


def efg(rng: np.random.Generator, place: Path) -> str:
    """A tree in Gambit's format, damaged."""
    lines = EFG_TEXT.encode().splitlines(keepends=True)
    if rng.random() < 0.3:
        a, b = rng.integers(len(lines), size=2)
        lines[a], lines[b] = lines[b], lines[a]
    return read_gambit(text_damage(rng, b"".join(lines), NFG_TOKENS), place / "case.efg")


def read_gambit(data: bytes, path: Path) -> str:
    """Read bytes as one of Gambit's files; what is read is written and read again."""
    path.write_bytes(data)
    game = attempt(lambda: rqe.read_game(path), [str(path)])
    shown(game)
    require(all(np.isfinite(p).all() for p in game.payoffs), "payoffs that are not finite")
    again = path.with_name("again.nfg")
    try:
        attempt(lambda: rqe.write_game(game, again), ["players", "name"])
    except Refused:
        return "answered"  # labels that a tree may have and a table may not
    back = rqe.read_game(again)
    same = all(np.array_equal(p, q) for p, q in zip(game.payoffs, back.payoffs, strict=True))
    labels = (game.players, game.actions, game.name) == (back.players, back.actions, back.name)
    require(same and labels, "what was written is not what was read")
    return "answered"


@cache
def results() -> tuple[Any, ...]:
    """One result of every kind that can be saved, as plain data: those of `made`, once saved.

    Damage falls on a byte or a part drawn by number, so the cases of a seed are the same on every
    machine only where the last digits and the steps of a solver are.
    """
    return tuple(json.loads(SAVED.read_text(encoding="utf-8")))


def made() -> tuple[Any, ...]:
    """The results to damage, solved here; ``python -m benchmarks.fuzz_readers`` saves them."""
    game = games.chicken()
    rng = np.random.default_rng(0)
    found = [
        rqe.solve_rqe(game, tau=1.0, epsilon=0.5),
        rqe.solve_rqe(rqe.NormalFormGame(rng.random((3, 2, 3, 2))), tau=1.0, epsilon=0.3),
        rqe.solve(game, [rqe.Agent(rqe.CVaR(0.5), rqe.LogBarrier(0.5))] * 2),
        rqe.solve_nash(game),
        rqe.solve_many(rng.random((3, 2, 2, 3)), tau=2.0, epsilon=0.2),
        rqe.solve_rqe(games.push_object(), tau=0.5, epsilon=1.0),
        rqe.trace_rqe(games.free_riding(), start=0.5, stop=1.0, epsilon=0.2, max_step=0.5),
        rqe.Table(("a", "b"), (("x", 1.0), ("y", float("nan"))), title="t"),
        fitted(),
    ]
    return tuple(to_dict(f) for f in found)


def fitted() -> Any:
    """Estimates from a few made-up choices."""
    from rqe.analysis import estimation

    observed = estimation.Observation(games.matching_pennies(), [[30, 20], [24, 26]])
    return estimation.fit([observed], "qre")


def result(rng: np.random.Generator, place: Path) -> str:
    """A saved result, with its text damaged or one of its parts replaced."""
    data = results()[rng.integers(len(results()))]
    if rng.random() < 0.25:
        content = text_damage(rng, json.dumps(data).encode(), JSON_TOKENS)
    else:
        data = copy.deepcopy(data)
        for _ in range(int(rng.integers(3))):
            alter(rng, data)
        content = json.dumps(data, default=str).encode()
    return read_result(content, place / "case.json")


def alter(rng: np.random.Generator, data: Any) -> None:
    """Replace, remove, double or empty one part of plain data, at any depth."""
    while True:
        keys = list(data) if isinstance(data, dict) else list(range(len(data)))
        if not keys:
            return
        key = keys[rng.integers(len(keys))]
        if isinstance(data[key], (dict, list)) and data[key] and rng.random() < 0.7:
            data = data[key]
            continue
        break
    choice = rng.integers(6)
    if choice == 0:
        del data[key]
    elif choice == 1:
        data[key] = number(rng)
    elif choice == 2:
        data[key] = _plain(thing(rng))
    elif choice == 3:
        data[key] = word(rng)
    elif choice == 4:
        data[key] = [data[key]] * int(rng.integers(4))
    elif isinstance(data, list):
        data.insert(key, copy.deepcopy(data[key]))
    else:
        data[word(rng)] = data[key]


def _plain(value: Any) -> Any:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return repr(type(value))
    return value


def read_result(data: bytes, path: Path) -> str:
    """Read bytes as a result; what is read prints, and is the same when saved and read again."""
    path.write_bytes(data)
    found = attempt(lambda: rqe.load(path), [str(path)])
    shown(found)
    again = path.with_name("again.json")
    rqe.save(found, again)
    require(equal(to_dict(rqe.load(again)), to_dict(found)), "the same file read differently")
    return "answered"


def equal(a: Any, b: Any) -> bool:
    """Equality of plain data, in which NaN equals itself."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    return bool(a == b)


@cache
def tensors() -> tuple[bytes, bytes, Any, str]:
    """A checkpoint and policies as bytes, what the first is like, and settings as text."""
    import tempfile

    import jax
    import jax.numpy as jnp

    from rqe import train
    from rqe.train import checkpoint
    from rqe.train.networks import network

    tree = {"key": jax.random.key(1), "update": jnp.zeros(3), "deep": (jnp.ones((2, 2)), 3 * [0.5])}
    tree = jax.tree.map(lambda a: a if hasattr(a, "dtype") else jnp.asarray(a), tree)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        checkpoint.save(place / "a", tree, about={"digest": "abc"})
        policies = train.Policies((network(jax.random.key(0), (2, 3, 2)),) * 2)
        checkpoint.save_policies(place / "b", policies)
        env = train.NormalFormEnvironment(games.free_riding())
        train.save_config(place / "c", train.Config(env, train.SRPO(tau=3.0)))
        parts = [(place / name).read_bytes() for name in "abc"]
    return parts[0], parts[1], tree, parts[2].decode()


def tensor_damage(rng: np.random.Generator, data: bytes) -> bytes:
    """A safetensors file with its header's length, its header or its bytes changed."""
    (length,) = struct.unpack("<Q", data[:8])
    head, body = data[8 : 8 + length], data[8 + length :]
    choice = rng.integers(5)
    if choice == 0:
        claimed = int(rng.choice([0, 1, length - 1, length + 8, 2**31, 2**40, 2**63]))
        return struct.pack("<Q", claimed) + head + body
    if choice == 1:
        return text_damage(rng, data, JSON_TOKENS)
    if choice == 2:
        header = json.loads(head)
        kinds = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "U8", "BOOL", "C64", "?")
        for _ in range(int(rng.integers(1, 3))):
            name = list(header)[rng.integers(len(header))]
            part = header[name]
            if isinstance(part, dict) and "dtype" in part and rng.random() < 0.6:
                field = str(rng.choice(["dtype", "shape", "data_offsets"]))
                part[field] = {
                    "dtype": str(rng.choice(kinds)),
                    "shape": [int(k) for k in rng.choice([0, 1, 2, 3, 2**31, 2**40], size=2)],
                    "data_offsets": [int(k) for k in rng.choice([0, 4, 12, 2**40], size=2)],
                }[field]
            else:
                alter(rng, header)
        head = json.dumps(header).encode()
    elif choice == 3:
        body = body[: rng.integers(len(body))] if rng.random() < 0.5 else body * 2
    else:
        body = bytes(rng.integers(0, 256, size=len(body), dtype=np.uint8))
    return struct.pack("<Q", len(head)) + head + body


def checkpoint(rng: np.random.Generator, place: Path) -> str:
    """A damaged checkpoint of a training run."""
    data, _, _, _ = tensors()
    return read_checkpoint(tensor_damage(rng, data), place / "case.safetensors")


def read_checkpoint(data: bytes, path: Path) -> str:
    """Read bytes as a checkpoint: refused, or arrays of the shapes and types asked for."""
    import jax

    from rqe.train import checkpoint

    path.write_bytes(data)
    attempt(lambda: checkpoint.header(path), [str(path)])
    like = tensors()[2]
    found = attempt(lambda: checkpoint.load(path, like, about={"digest": "abc"}), [str(path)])
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(like), strict=True)
    require(all(a.shape == b.shape and a.dtype == b.dtype for a, b in pairs), "other shapes")
    return "answered"


def policies(rng: np.random.Generator, place: Path) -> str:
    """Damaged policies."""
    _, data, _, _ = tensors()
    return read_policies(tensor_damage(rng, data), place / "case.safetensors")


def read_policies(data: bytes, path: Path) -> str:
    """Read bytes as policies: refused, or networks that can be played."""
    from rqe.train import checkpoint

    path.write_bytes(data)
    found = attempt(lambda: checkpoint.load_policies(path), [str(path)])
    runs = [found[k] for k in range(len(found))] if found.stacked else [found]
    for run in runs:
        for seat in range(run.n_seats):
            size = run.params[seat][0][0].shape[0]
            require(run.logits(seat, np.zeros(size, dtype=np.float32)).ndim == 1, "no policy")
    return "answered"


def settings(rng: np.random.Generator, place: Path) -> str:
    """The settings of a training run, with their text damaged or a part replaced."""
    text = tensors()[3]
    if rng.random() < 0.3:
        data = text_damage(rng, text.encode(), JSON_TOKENS)
    else:
        content = json.loads(text)
        for _ in range(int(rng.integers(3))):
            alter(rng, content)
        data = json.dumps(content, default=str).encode()
    return read_settings(data, place / "config.json")


def read_settings(data: bytes, path: Path) -> str:
    """Read bytes as settings: refused, or those of the run."""
    from rqe import train

    path.write_bytes(data)
    found = attempt(lambda: train.load_config(path), [str(path)])
    require(found.algorithm.tau == 3.0, "settings other than those of the digest")
    return "answered"


def name(rng: np.random.Generator, place: Path) -> str:
    """A game by a damaged name."""
    known = list(games.catalogue())
    text = known[rng.integers(len(known))]
    given = games.catalogue()[text].parameters
    if given and rng.random() < 0.8:
        part = given[rng.integers(len(given))]
        value = word(rng) if rng.random() < 0.4 else f"{number(rng):.6g}"
        if rng.random() < 0.4:
            value = str(rng.choice(["3", "0", "-1", "2", "1x1", "0x2", "2x2x2", "1e3", "7"]))
        text = f"{text}:{part.name}={value}"
    if rng.random() < 0.3:
        raw = text_damage(
            rng, text.encode("utf-8", "replace"), (b":", b"=", b",", b"x", b"0", b"-", b"1e9")
        )
        text = raw.decode("utf-8", "replace")
    return read_name(text)


def read_name(text: str) -> str:
    """A game by name: refused, or one that prints."""
    head = text.partition(":")[0]
    own = [p.name for p in games.catalogue()[head].parameters] if head in games.catalogue() else []
    shown(attempt(lambda: games.get(text), ["name", "arguments", "reward", head, *own]))
    return "answered"


LITERAL = {
    "nfg": lambda data, place: read_gambit(data, place / "case.nfg"),
    "efg": lambda data, place: read_gambit(data, place / "case.efg"),
    "result": lambda data, place: read_result(data, place / "case.json"),
    "checkpoint": lambda data, place: read_checkpoint(data, place / "case.safetensors"),
    "policies": lambda data, place: read_policies(data, place / "case.safetensors"),
    "settings": lambda data, place: read_settings(data, place / "config.json"),
    "name": lambda data, place: read_name(data.decode("utf-8", "surrogatepass")),
}
"""How a file's own bytes, kept because they once did harm, are read."""

__all__ = ["LITERAL", "checkpoint", "efg", "name", "nfg", "policies", "result",
           "settings"]  # fmt: skip


if __name__ == "__main__":
    with whole_file(SAVED) as place:
        place.write((json.dumps(made(), indent=1) + "\n").encode())
