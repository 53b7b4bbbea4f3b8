"""Pytrees and policies in safetensors files: no code in them, whole or absent, checked by name."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ..result.files import whole_file
from ..result.status import MissingExtraError
from .arrays import Tree
from .policies import Policies

FORMAT = "rqe-checkpoint-1"
POLICIES = "rqe-policies-1"
Place = str | os.PathLike[str]


def save(path: Place, tree: Tree, *, about: Mapping[str, str] | None = None) -> None:
    """A pytree of arrays to a file, for example all the state of a run.

    Parameters
    ----------
    path : path
        Overwritten if it is there, in one instant: a reader finds the old file or the new one, also
        if this is interrupted or the machine goes down.
    tree : pytree of arrays
        Random keys (`jax.random.key`) are among what it may hold.
    about : dict of str, optional
        Kept in the file's header, see `header`; `load` compares.

    Raises
    ------
    MissingExtraError
        The package safetensors is not installed.
    OSError
        The place cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import jax.numpy as jnp
    >>> place = pathlib.Path(tempfile.mkdtemp()) / "state.safetensors"
    >>> save(place, {"key": jax.random.key(1), "update": jnp.zeros(3)}, about={"game": "mine"})
    >>> load(place, {"key": jax.random.key(0), "update": jnp.ones(3)})["update"].tolist()
    [0.0, 0.0, 0.0]
    >>> load(place, {"key": jax.random.key(0), "update": jnp.ones(4)})
    Traceback (most recent call last):
    ...
    ValueError: ...state.safetensors must hold 'update' as float32 (4,); it holds float32 (3,)
    """
    leaves = _named(tree)
    keys = {name: str(jax.random.key_impl(k)) for name, k in leaves.items() if _is_key(k)}
    tensors = {name: _plain(leaf) for name, leaf in leaves.items()}
    _write(path, tensors, FORMAT, {**(about or {}), "keys": json.dumps(keys)})


def load(path: Place, like: Tree, *, about: Mapping[str, str] | None = None) -> Tree:
    """A pytree from a file.

    Parameters
    ----------
    path : path
    like : pytree
        Of the same structure as what was saved, with arrays or `jax.ShapeDtypeStruct` of the same
        shapes and types.
    about : dict of str, optional
        What the file's header must say.

    Returns
    -------
    pytree of arrays

    Raises
    ------
    MissingExtraError
        The package safetensors is not installed.
    OSError
        No such file.
    ValueError
        Not such a file, or one of something else: names, shapes, types, or what it is about.
    """
    found, tensors = _read(path, FORMAT)
    for name, value in (about or {}).items():
        if found.get(name) != value:
            raise ValueError(
                f"{path} must be of {name} {_short(value)}; it is of {_short(found.get(name))}"
            )
    wanted = _named(like)
    missing, beyond = sorted(wanted.keys() - tensors), sorted(tensors.keys() - wanted)
    if missing or beyond:
        what = f"lacks {missing[0]!r}" if missing else f"holds {beyond[0]!r}"
        raise ValueError(f"{path} must hold the tensors of the pytree given, no others; it {what}")
    keys = _keys(found, path)
    leaves = []
    for name, leaf in wanted.items():
        array = tensors[name]
        if name in keys:
            try:
                array = jax.random.wrap_key_data(jax.numpy.asarray(array), impl=keys[name])
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path} must hold random keys; {name!r}: {error}") from None
        elif jax.dtypes.canonicalize_dtype(array.dtype) == array.dtype:
            array = jax.numpy.asarray(array)  # what JAX would round stays numpy's
        if array.shape != leaf.shape or array.dtype != leaf.dtype:
            raise ValueError(
                f"{path} must hold {name!r} as {leaf.dtype} {leaf.shape}; it holds {array.dtype} "
                f"{array.shape}"
            )
        leaves.append(array)
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def save_policies(
    path: Place, policies: Policies, *, about: Mapping[str, str] | None = None
) -> None:
    """Policies to a file that says everything that is needed to play them.

    Parameters
    ----------
    path : path
        Overwritten if it is there, in one instant.
    policies : Policies
        One run or a stack.
    about : dict of str, optional
        Kept in the file's header, see `header`.

    Raises
    ------
    MissingExtraError
        The package safetensors is not installed.
    OSError
        The place cannot be written.

    Notes
    -----
    Tensors are called ``seat/layer/weights``, (n_in, n_out), and ``seat/layer/biases``, (n_out,),
    both numbers from 0; in a stack each has a leading axis of runs. Between layers there is a tanh.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from rqe.train.networks import network
    >>> place = pathlib.Path(tempfile.mkdtemp()) / "policies.safetensors"
    >>> save_policies(place, Policies((network(jax.random.key(0), (8, 16, 5)),) * 2))
    >>> load_policies(place).logits(1, jax.numpy.zeros(8)).shape
    (5,)
    """
    tensors = {}
    for seat, layers in enumerate(policies.params):
        for number, (weights, biases) in enumerate(layers):
            tensors[f"{seat}/{number}/weights"] = np.asarray(weights)
            tensors[f"{seat}/{number}/biases"] = np.asarray(biases)
    _write(path, tensors, POLICIES, about)


def load_policies(path: Place) -> Policies:
    """Policies from a file of `save_policies`.

    Parameters
    ----------
    path : path

    Returns
    -------
    Policies

    Raises
    ------
    MissingExtraError
        The package safetensors is not installed.
    OSError
        No such file.
    ValueError
        Not such a file.
    """
    _, tensors = _read(path, POLICIES)
    seats: dict[int, dict[int, dict[str, Any]]] = {}
    for name, tensor in tensors.items():
        parts = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})/(weights|biases)", name)
        if parts is None:
            raise ValueError(f"{path} must hold tensors seat/layer/weights or biases; got {name!r}")
        seat, layer, kind = parts.groups()
        seats.setdefault(int(seat), {}).setdefault(int(layer), {})[kind] = jax.numpy.asarray(tensor)
    try:
        params = tuple(
            [(seats[j][k]["weights"], seats[j][k]["biases"]) for k in range(len(seats[j]))]
            for j in range(len(seats))
        )
    except KeyError:
        raise ValueError(f"{path} must hold weights and biases of every layer and seat") from None
    if not params:
        raise ValueError(f"{path} must hold the policy of at least one seat")
    _check_networks(params, path)
    return Policies(params)


def header(path: Place) -> dict[str, str]:
    """What a file of `save` or `save_policies` is about, with its ``format``.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict of str

    Raises
    ------
    MissingExtraError
        The package safetensors is not installed.
    OSError
        No such file.
    ValueError
        Not such a file.
    """
    return _open(path)[0]


def require_safetensors() -> Any:
    """The package, or the error that names what brings it: before any work, not after it."""
    try:
        import safetensors
        import safetensors.numpy
    except ImportError:
        raise MissingExtraError("safetensors", "srpo") from None
    return safetensors


def sweep(folder: Path) -> None:
    """Remove what a process that was killed had begun to write here."""
    for name in ("*.safetensors", "metrics.csv", "config.json"):
        for litter in folder.glob(f".{name}.*.part"):
            litter.unlink(missing_ok=True)


def _write(
    path: Place, tensors: dict[str, Any], kind: str, about: Mapping[str, str] | None
) -> None:
    package = require_safetensors()
    metadata = {**(about or {}), "format": kind}
    whole = {name: np.asarray(t, order="C") for name, t in tensors.items()}
    content = package.numpy.save(whole, metadata)
    with whole_file(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # on the disk before the rename: never a name without its content


def _open(path: Place, wanted: str | None = None) -> tuple[dict[str, str], dict[str, Any]]:
    """Header and tensors (all of them, or none if the format is not the one wanted)."""
    package = require_safetensors()
    os.stat(path)  # the system's own words where there is no such file
    try:
        with package.safe_open(os.fspath(path), framework="numpy") as file:
            found = dict(file.metadata() or {})
            names = list(file.keys()) if found.get("format") == wanted else []
            return found, {name: file.get_tensor(name) for name in names}
    # AttributeError: a type of number that NumPy has not
    except (package.SafetensorError, AttributeError) as error:
        raise ValueError(f"{path} must be a safetensors file; {error}") from None


def _read(path: Place, wanted: str) -> tuple[dict[str, str], dict[str, Any]]:
    found, tensors = _open(path, wanted)
    if found.get("format") != wanted:
        raise ValueError(
            f"{path} must be a file of format {wanted}; its format is {found.get('format')!r}"
        )
    return found, tensors


def _keys(found: Mapping[str, str], path: Place) -> dict[str, Any]:
    """Which tensors are random keys, and of which kind."""
    try:
        keys = json.loads(found.get("keys", "{}"))
    except (ValueError, RecursionError):
        keys = None
    if not isinstance(keys, dict):
        raise ValueError(f"{path} must say in its header which tensors are random keys")
    return keys


def _check_networks(params: Sequence[Sequence[tuple[Any, Any]]], path: Place) -> None:
    """Layers that fit together, of one number of runs if they are stacked."""
    pairs = [pair for layers in params for pair in layers]
    runs = {shape for w, b in pairs for shape in (w.shape[:-2], b.shape[:-1])}
    fits = len(runs) == 1 and len(next(iter(runs))) <= 1 and (0,) not in runs
    for layers in params:
        wide = layers[0][0].shape[-2:-1]
        for weights, biases in layers:
            fits = fits and weights.shape[-2:] == (*wide, *biases.shape[-1:]) and weights.size > 0
            fits = fits and weights.ndim in (2, 3)
            fits = fits and weights.dtype == biases.dtype == np.float32
            wide = biases.shape[-1:]
    if not fits:
        raise ValueError(
            f"{path} must hold float32 weights (n_in, n_out) and biases (n_out,) of layers that "
            f"fit together, or stacks of as many of each"
        )


def _named(tree: Tree) -> dict[str, Any]:
    """Leaves by their path in the pytree, such as ``learners/0/actor/1/0``."""
    out: dict[str, Any] = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        name = "/".join(_step(entry) for entry in path) or "tree"
        if name in out:
            raise ValueError(f"tree must have different paths to its leaves; got {name!r} twice")
        out[name] = leaf
    return out


def _step(entry: Any) -> str:
    for kind in ("name", "key", "idx"):
        if hasattr(entry, kind):
            return str(getattr(entry, kind))
    return str(entry)


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _plain(leaf: Any) -> Any:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _short(text: str | None) -> str:
    return "nothing" if text is None else text if len(text) <= 16 else f"{text[:12]}..."


__all__ = ["header", "load", "load_policies", "save", "save_policies"]
