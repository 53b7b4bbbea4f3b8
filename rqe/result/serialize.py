"""Results to and from JSON: a documented schema, arrays as lists, no code in the file.

Non-finite numbers, which JSON has no words for, are the strings ``"inf"``, ``"-inf"``, ``"nan"``.
A file is written beside its destination and renamed, so it is whole or absent.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from typing import Any

import numpy as np

from ..core.regularizer import LogBarrier, NegEntropy, Tsallis
from ..core.risk import (
    ChiSquared,
    CVaR,
    Entropic,
    Neutral,
    ReverseKL,
    TotalVariation,
    WorstCase,
)
from ..model.agent import Agent, make_agents
from .batch import BatchEquilibrium
from .equilibrium import Equilibrium, EquilibriumSet, read_only
from .files import read_bytes, whole_file
from .fit import FitResult
from .gaussian import GaussianEquilibrium
from .path import Bifurcation, Branch, Path
from .proof import Proof
from .status import Status
from .table import Table
from .wellformed import check_result

SCHEMA = "rqe-result-1"
MAX_BYTES = 4 * 2**30
"""Largest file that `load` reads."""
_KINDS: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        Equilibrium,
        EquilibriumSet,
        BatchEquilibrium,
        GaussianEquilibrium,
        FitResult,
        Path,
        Branch,
        Bifurcation,
        Proof,
        Table,
    )
}
_ATTITUDES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        Entropic,
        ReverseKL,
        ChiSquared,
        TotalVariation,
        CVaR,
        WorstCase,
        Neutral,
        NegEntropy,
        LogBarrier,
        Tsallis,
    )
}
# fields that are not arrays, tuples of arrays or plain scalars need a word on how to read them
_PLAIN_TUPLES = {
    "players",
    "actions",
    "notes",
    "branch",
    "columns",
    "ends",
    "parameters",
    "boundary",
    "games",
}


def to_dict(result: Any) -> dict[str, Any]:
    """A result as plain lists, numbers and strings, ready for `json.dumps`.

    Raises
    ------
    ValueError
        `result` is not one of the package's result types.
    """
    kind = type(result).__name__
    if _KINDS.get(kind) is not type(result):
        raise ValueError(f"result must be one of {', '.join(_KINDS)}; got {kind}")
    fields = {_key(f.name): _encode(getattr(result, f.name)) for f in dataclasses.fields(result)}
    return {"schema": SCHEMA, "kind": kind, **fields}


def from_dict(data: Any) -> Any:
    """The result that `to_dict` wrote.

    Raises
    ------
    ValueError
        Another schema, an unknown kind, missing or unexpected fields, or malformed values.
    """
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        got = data.get("schema") if isinstance(data, dict) else type(data).__name__
        raise ValueError(f"schema must be {SCHEMA!r}; got {got!r}")
    cls = _KINDS.get(str(data.get("kind")))
    if cls is None:
        raise ValueError(f"kind must be one of {', '.join(_KINDS)}; got {data.get('kind')!r}")
    names = {_key(f.name): f.name for f in dataclasses.fields(cls)}
    given = set(data) - {"schema", "kind"}
    expected = set(names)
    if given != expected:
        raise ValueError(
            f"fields of {cls.__name__} must be {sorted(names)}; "
            f"missing {sorted(expected - given)}, unexpected {sorted(given - expected)}"
        )
    try:
        found = cls(**{name: _decode(name, data[key]) for key, name in names.items()})
        check_result(found)
    except (TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"malformed {cls.__name__}: {error}") from None
    return found


def _key(name: str) -> str:
    """What a field is called in the file, where ``kind`` is the type of the result."""
    return "bifurcation" if name == "kind" else name


def save(result: Any, path: str | os.PathLike[str]) -> None:
    """Write a result to a JSON file, whole or not at all.

    Parameters
    ----------
    result : Equilibrium, EquilibriumSet, BatchEquilibrium, GaussianEquilibrium, FitResult, Path,
        Proof, Table
    path : path
        Overwritten if it is there.

    Raises
    ------
    ValueError
        `result` is not a result.
    OSError
        The place cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib, rqe
    >>> table = rqe.Table(("game", "equilibria"), (("chicken", 3),))
    >>> with tempfile.TemporaryDirectory() as place:
    ...     rqe.save(table, pathlib.Path(place, "table.json"))
    ...     rqe.load(pathlib.Path(place, "table.json")) == table
    True
    """
    text = json.dumps(to_dict(result), allow_nan=False)
    with whole_file(path) as file:
        file.write(text.encode("utf-8"))


def load(path: str | os.PathLike[str]) -> Any:
    """Read a result that `save` wrote.

    Parameters
    ----------
    path : path
        Nothing in the file is executed.

    Returns
    -------
    The kind of result that was saved.

    Raises
    ------
    ValueError
        The file is not JSON, or not a result of this schema, whole and of shapes that fit. The
        message names the path and the problem.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import tempfile, pathlib, games, rqe
    >>> eq = rqe.solve_rqe(games.chicken(), tau=1.0, epsilon=0.5)
    >>> with tempfile.TemporaryDirectory() as place:
    ...     rqe.save(eq, pathlib.Path(place, "chicken.json"))
    ...     again = rqe.load(pathlib.Path(place, "chicken.json"))
    >>> bool((again.strategies[0] == eq.strategies[0]).all())
    True
    """
    data = read_bytes(path, MAX_BYTES)
    try:
        return from_dict(json.loads(data.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"path must hold a result saved by rqe.save; {path}: {error}") from None


def _encode(value: Any) -> Any:
    if isinstance(value, Status):
        return value.name
    if isinstance(value, Agent):
        return _encode_agent(value)
    if _KINDS.get(type(value).__name__) is type(value):
        return to_dict(value)
    if isinstance(value, np.ndarray):
        return _encode(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_encode(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, np.generic):
        return value.item()
    return value


def _encode_agent(agent: Agent) -> dict[str, Any]:
    """Two numbers for the player of SRA eqs. 1 and 2, else every part by its name."""
    logit = Agent(agent.risk, agent.regularizer) == agent
    if logit and isinstance(agent.risk, Entropic) and isinstance(agent.regularizer, NegEntropy):
        return {"tau": _encode(agent.risk.tau), "epsilon": _encode(agent.regularizer.epsilon)}
    parts = {k: _encode_part(getattr(agent, k)) for k in ("risk", "regularizer", "environment")}
    return {**parts, "form": agent.form}


def _encode_part(part: Any) -> dict[str, Any]:
    degrees = {f.name: _encode(getattr(part, f.name)) for f in dataclasses.fields(part)}
    return {"kind": type(part).__name__, **degrees}


def _decode_agent(data: dict[str, Any]) -> Agent:
    if "risk" not in data:
        return make_agents(_number(data["tau"]), _number(data["epsilon"]), 1)[0]
    parts = {k: _decode_part(data[k]) for k in ("risk", "regularizer", "environment")}
    return Agent(**parts, form=data["form"])


def _decode_part(data: dict[str, Any]) -> Any:
    kind = data["kind"]
    if kind not in _ATTITUDES:
        raise TypeError(f"expected one of {', '.join(_ATTITUDES)}, got {kind!r}")
    return _ATTITUDES[kind](**{k: _number(v) for k, v in data.items() if k != "kind"})


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"expected a number, got {value!r}")
    if isinstance(value, str) and value not in ("inf", "-inf", "nan"):
        raise TypeError(f"expected a number, got {value!r}")
    return float(value)


def _array(value: Any) -> Any:
    def walk(v: Any) -> Any:
        return [walk(w) for w in v] if isinstance(v, list) else _number(v)

    return read_only(walk(value))


def _of(kind: type, value: Any, dtype: Any) -> Any:
    """A vector of values of one plain type, which NumPy would convert from others."""
    if not isinstance(value, list) or any(type(v) is not kind for v in value):
        raise TypeError(f"expected a list of {kind.__name__}, got {str(value)[:60]!r}")
    return np.array(value, dtype=dtype)


def _cell(value: Any) -> Any:
    """A table's cell: the words for non-finite numbers are numbers again."""
    return float(value) if value in ("inf", "-inf", "nan") else value


def _deep_tuple(value: Any) -> Any:
    return tuple(_deep_tuple(v) for v in value) if isinstance(value, list) else value


def _decode(name: str, value: Any) -> Any:
    if name == "status":
        return Status[value] if isinstance(value, str) else tuple(Status[v] for v in value)
    if name == "agents":
        return tuple(_decode_agent(a) for a in value)
    if name in _RECORDS:
        return tuple(None if v is None else from_dict(v) for v in value)
    if name == "proof":
        return None if value is None else from_dict(value)
    if name in ("enclosures", "undecided"):
        return tuple(tuple(tuple(map(_array, end)) for end in box) for box in value)
    if name == "stable":
        return _of(bool, value, np.bool_)
    if name == "rows":
        return tuple(tuple(_cell(v) for v in row) for row in value)
    if name in _PLAIN_TUPLES:
        return _deep_tuple(value)
    if name in ("iterations", "index") and isinstance(value, list):
        return _of(int, value, np.int64)
    if name in _ARRAY_TUPLES:
        return tuple(_array(v) for v in value)
    if isinstance(value, list):
        return _array(value)
    if name in _FLOATS and value is not None:
        return _number(value)
    return value


_RECORDS = {"equilibria", "branches", "bifurcations", "limits"}
_ARRAY_TUPLES = {
    "direction",
    "strategies",
    "log_strategies",
    "beliefs",
    "means",
    "covariances",
    "belief_means",
    "belief_covariances",
    "observed",
}
_FLOATS = {
    "residual",
    "shared_reward",
    "start",
    "stop",
    "curvature",
    "log_likelihood",
    "uniform",
    "saturated",
}
