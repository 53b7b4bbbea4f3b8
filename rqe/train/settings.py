"""Settings as JSON: what a run was, told apart by a digest and built again from the file."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..model.normal_form import NormalFormGame
from ..result.files import read_bytes, whole_file
from .adapters import NormalFormEnvironment
from .algorithms import IPPO, SRPO, FictitiousCoPlay, PureAdversary, SelfPlay
from .checkpoint import load_policies, save_policies
from .config import Config
from .policies import Policies

FORMAT = "rqe-training-1"
POOL_FILE = "pool.safetensors"
ALGORITHMS: dict[str, Any] = {
    cls.__name__: cls for cls in (IPPO, SelfPlay, SRPO, PureAdversary, FictitiousCoPlay)
}
MAX_BYTES = 256 * 2**20
"""Largest file of settings that is read; a game's payoffs are among them."""
DEPTH = 6
"""How deep objects within an environment are looked into."""


def describe(config: Config) -> dict[str, Any]:
    """Settings as JSON has it: the algorithm and the environment by name, with their arguments.

    Arrays that are no settings (an environment's tables, a pool of policies) are told by a digest.
    """
    rest = {
        f.name: _plain(getattr(config, f.name))
        for f in dataclasses.fields(config)
        if f.name not in ("env", "algorithm")
    }
    kind = type(config.algorithm)
    algorithm = {"class": _name(kind) if kind not in ALGORITHMS.values() else kind.__name__}
    return {
        "environment": describe_environment(config.env),
        "algorithm": algorithm | _fields(config.algorithm),
        **rest,
    }


def describe_environment(env: Any) -> dict[str, Any]:
    """An environment's class and its arguments, or whatever it holds."""
    if type(env) is NormalFormEnvironment:
        game = env.game
        arguments: dict[str, Any] = {
            "payoffs": [p.tolist() for p in game.payoffs],
            "players": list(game.players),
            "actions": [list(a) for a in game.actions],
            "name": game.name,
            "horizon": env.horizon,
        }
    else:
        arguments = _fields(env)
    return {"class": _name(type(env)), "arguments": arguments}


def digest(config: Config) -> str:
    """Hexadecimal digest (SHA-256) of the settings: equal ones share it.

    Those at their defaults are left out, so that it survives settings that come later.
    """
    told = describe(config)
    for part, of in ((told, config), (told["algorithm"], config.algorithm)):
        if dataclasses.is_dataclass(of):
            for f in dataclasses.fields(of):
                usual = f.default is not dataclasses.MISSING
                if usual and part.get(f.name) == _plain(f.default):
                    part.pop(f.name, None)
    text = json.dumps(told, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def save_config(path: str | os.PathLike[str], config: Config, **about: Any) -> None:
    """Settings to a JSON file; a pool of partners goes to ``pool.safetensors`` beside it.

    Parameters
    ----------
    path : path
        Overwritten if it is there, in one instant.
    config : Config
    **about
        More to keep in the file, as JSON can.

    Raises
    ------
    OSError
        The place cannot be written.
    """
    pool = getattr(config.algorithm, "pool", None)
    if isinstance(pool, Policies):
        save_policies(Path(path).with_name(POOL_FILE), pool)
    content = {"format": FORMAT, "digest": digest(config), **about, "config": describe(config)}
    with whole_file(path) as file:
        file.write((json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())


def read_settings(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The content of a file of `save_config`, as JSON has it."""
    data = read_bytes(path, MAX_BYTES)
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # ValueError: its bytes, its words, its numbers
        raise ValueError(f"{path} must be a JSON file of format {FORMAT}; {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{path} must be a JSON file of format {FORMAT}")
    return content


def load_config(path: str | os.PathLike[str], *, env: Any = None, algorithm: Any = None) -> Config:
    """The settings of a run from its ``config.json``.

    Parameters
    ----------
    path : path
        The file, or the run's folder.
    env : Environment, optional
        Needed where the file cannot say all of it: an environment which is neither a
        `NormalFormEnvironment` nor a dataclass of plain settings, or one whose module has not been
        imported (nothing is imported by name).
    algorithm : Algorithm, optional
        Needed where it is not one of `rqe.train`.

    Returns
    -------
    Config

    Raises
    ------
    OSError
        No such file.
    ValueError
        Not such a file, settings out of range, an environment or algorithm that is needed, or one
        that is not the file's.

    Examples
    --------
    >>> import tempfile
    >>> import games.overcooked
    >>> from rqe import train
    >>> place = Path(tempfile.mkdtemp()) / "config.json"
    >>> save_config(place, train.Config(games.overcooked.Gridworld(), train.SRPO(tau=3.0)))
    >>> load_config(place).algorithm.tau
    3.0
    """
    place = Path(path)
    if place.is_dir():
        place = place / "config.json"
    content = read_settings(place)
    try:
        found = dict(content["config"])
        where, who = found.pop("environment"), found.pop("algorithm")
        env = _environment(where, place) if env is None else env
        algorithm = _algorithm(who, place) if algorithm is None else algorithm
        config = Config(env, algorithm, **{name: _back(value) for name, value in found.items()})
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{place} must hold all settings; {error}") from None
    except ValueError as error:
        named = str(place) in str(error)
        raise error if named else ValueError(f"{place} must hold settings; {error}") from None
    if digest(config) != content.get("digest"):
        differing = difference(describe(config), content["config"])
        raise ValueError(f"{place} must be of the settings given; they differ in {differing}")
    return config


def difference(one: Any, two: Any, at: str = "") -> str:
    """Where two descriptions differ first, such as ``algorithm.tau (10.0, 3.0)``."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        for name in sorted({*one, *two}):
            if one.get(name) != two.get(name):
                below = f"{at}.{name}" if at else str(name)
                return difference(one.get(name), two.get(name), below)
    words = [text if len(text) <= 40 else f"{text[:37]}..." for text in (repr(one), repr(two))]
    return f"{at} ({words[0]}, {words[1]})"


def _environment(where: Mapping[str, Any], place: Path) -> Any:
    name, arguments = where["class"], dict(where["arguments"])
    if name == _name(NormalFormEnvironment):
        horizon = arguments.pop("horizon")
        return NormalFormEnvironment(NormalFormGame(**arguments), horizon)
    module, _, cls = name.rpartition(".")
    kind = getattr(sys.modules.get(module), cls, None)
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise ValueError(
            f"env must be given: {place} says {name}, which is no dataclass in a module that has "
            f"been imported"
        )
    return kind(**{key: _back(value) for key, value in arguments.items()})


def _algorithm(who: Mapping[str, Any], place: Path) -> Any:
    rest = {key: _back(value) for key, value in who.items() if key != "class"}
    kind = ALGORITHMS.get(who["class"])
    if kind is None:
        raise ValueError(f"algorithm must be given: {place} says {who['class']}")
    if "pool" in rest:
        rest["pool"] = load_policies(place.with_name(POOL_FILE))
    return kind(**rest)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _fields(value: Any, depth: int = DEPTH) -> dict[str, Any]:
    """What an object was made of (a dataclass), or all that it holds."""
    if dataclasses.is_dataclass(value):
        names = [f.name for f in dataclasses.fields(value) if f.init]
    else:
        names = sorted(getattr(value, "__dict__", {}))
    return {name: _plain(getattr(value, name), depth - 1) for name in names}


def _plain(value: Any, depth: int = DEPTH) -> Any:
    """A value as JSON has it; arrays, and pytrees of them, by a digest."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, (list, tuple)):
        return [_plain(v, depth) for v in value]
    if isinstance(value, Mapping):
        return {str(k): _plain(v, depth) for k, v in value.items()}
    if hasattr(value, "__array__"):
        return _array(np.asarray(value))
    if depth == 0 or isinstance(value, type) or inspect.isroutine(value):
        return getattr(value, "__qualname__", type(value).__qualname__)
    return {"class": type(value).__qualname__, **_fields(value, depth)}


def _array(array: Any) -> Any:
    """The number in an array of no axes, or the digest of a larger one."""
    if array.ndim == 0:
        return _plain(array.item())
    content = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return {"array": f"{array.dtype} {'x'.join(map(str, array.shape))}", "sha256": content}


def _back(value: Any) -> Any:
    """Lists as tuples again, and the numbers that JSON has no words for."""
    if value in ("inf", "-inf"):
        return float(value)
    return tuple(_back(v) for v in value) if isinstance(value, list) else value


__all__ = ["describe", "describe_environment", "digest", "load_config", "save_config"]
