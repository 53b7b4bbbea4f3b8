"""What a result read from a file must be: fields of their types, arrays of shapes that fit.

A file may come from anywhere. What passes here prints, indexes and saves as any result does;
whether its numbers are an equilibrium's is for `rqe.certify` to say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..model._checks import is_whole
from ..model.agent import Agent
from .batch import BatchEquilibrium
from .equilibrium import Equilibrium, EquilibriumSet
from .fit import FitResult
from .gaussian import GaussianEquilibrium
from .path import KINDS, Bifurcation, Branch, Path
from .proof import Proof
from .status import Status
from .table import Table

Shape = tuple[int, ...]


def _each(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple) and all(map(fits, value))


def _a(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _array(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, np.ndarray) and value.dtype == kind


_float_array, _text, _nothing = _array(np.float64), _a(str), _a(type(None))
_box = _each(_each(_float_array))
_TYPES: dict[str, Callable[[Any], bool]] = {
    "str": _text,
    "int": is_whole,
    "float": _a(float),
    "bool": _a(bool),
    "int | None": lambda value: value is None or is_whole(value),
    "float | None": _a(float, type(None)),
    "bool | None": _a(bool, type(None)),
    "Status": _a(Status),
    "FloatArray": _float_array,
    "NDArray[np.bool_]": _array(np.bool_),
    "NDArray[np.int64]": _array(np.int64),
    "np.ndarray[tuple[int], np.dtype[np.int64]]": _array(np.int64),
    "Proof | None": _a(Proof, type(None)),
    "tuple[FloatArray, ...]": _each(_float_array),
    "tuple[str, ...]": _each(_text),
    "tuple[str, str]": _each(_text),
    "tuple[tuple[str, ...], ...]": _each(_each(_text)),
    "tuple[Status, ...]": _each(_a(Status)),
    "tuple[Agent, ...]": _each(_a(Agent)),
    "tuple[Equilibrium, ...]": _each(_a(Equilibrium)),
    "tuple[Branch, ...]": _each(_a(Branch)),
    "tuple[Bifurcation, ...]": _each(_a(Bifurcation)),
    "tuple[Equilibrium | None, Equilibrium | None]": _each(_a(Equilibrium, type(None))),
    "tuple[Bounds, ...]": _each(_box),
    "tuple[tuple[Any, ...], ...]": _each(_each(_a(str, int, float, type(None)))),
}
"""Whether a value is of a type, by the words of the annotation."""


def check_result(result: Any) -> None:
    """Refuse a result whose fields are of other types or of shapes that do not fit.

    Raises
    ------
    ValueError
        Naming the field.
    """
    kind = type(result).__name__
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if not _TYPES[str(field.type)](value):
            text = repr(value)
            shown = text if len(text) < 80 else text[:77] + "..."
            raise ValueError(f"{field.name} of {kind} must be {field.type}; got {shown}")
    _STRUCTURES[type(result)](result)


def _require(fits: bool, words: str) -> None:
    if not fits:
        raise ValueError(f"a result must have {words}")


def _shape(result: Any, wanted: Shape, *names: str) -> None:
    """The named arrays have this shape; where it is of no games, they are empty."""
    for name in names:
        shape = getattr(result, name).shape
        empty = wanted[0] == 0 and 0 in shape
        _require(shape == wanted or empty, f"{name} of shape {wanted}; it has {shape}")


def _shapes(arrays: Sequence[Any], wanted: Sequence[Shape], name: str) -> None:
    found = [a.shape for a in arrays]
    _require(found == list(wanted), f"{name} of shapes {list(wanted)}; they have {found}")


def _sizes(strategies: Sequence[Any]) -> list[int]:
    """Actions of each player; at least one player, each with an action."""
    sizes = [x.size for x in strategies]
    _require(len(sizes) > 0 and all(sizes), "a strategy for each player")
    _require(all(x.ndim == 1 for x in strategies), "strategies that are vectors")
    return sizes


def _labels(result: Any, sizes: Sequence[int]) -> None:
    counts = [len(own) for own in result.actions]
    _require(len(result.players) in (0, len(sizes)), f"{len(sizes)} players, or none named")
    _require(counts in ([], list(sizes)), f"actions that number {sizes}, or none named")


def _equilibrium(eq: Equilibrium) -> None:
    sizes = _sizes(eq.strategies)
    n = len(sizes)
    _shapes(eq.log_strategies, [(k,) for k in sizes], "log_strategies")
    _shape(eq, (n,), "payoffs", "values", "regret")
    _require(len(eq.agents) == n, f"{n} agents")
    others = [tuple(m for j, m in enumerate(sizes) if j != i) for i in range(n)]
    forms = [(a.form == "action_dependent") for a in eq.agents]
    found = [b.shape for b in eq.beliefs]
    fits = len(found) == n and all(
        b == o or (own and b == (k, *o))
        for b, o, k, own in zip(found, others, sizes, forms, strict=True)
    )
    # structured games: beliefs over outcomes of the game's own, which the record does not list
    fits = fits or (len(found) == n and all(len(b) == 1 for b in found) and not any(forms))
    _require(fits, f"beliefs of shapes {others}; they have {found}")
    _labels(eq, sizes)


def _batch(batch: BatchEquilibrium) -> None:
    games = batch.residual.size
    _require(batch.residual.ndim == 1, "a residual a game")
    n = len(batch.strategies)
    _require(n > 0, "a strategy for each player")
    _shape(batch, (games, n), "payoffs", "values", "regret", "tau", "epsilon")
    _shape(batch, (games,), "iterations")
    lengths = (len(batch.status), len(batch.branch))
    _require(lengths == (games, games), f"a status and a branch for each of {games} games")
    several = (len(batch.log_strategies), len(batch.beliefs))
    _require(several == (n, n), f"log_strategies and beliefs of {n} players")
    if games == 0:
        return
    sizes = [x.shape[1] if x.ndim == 2 else 0 for x in batch.strategies]
    _require(all(sizes), "strategies (B, n_i)")
    for name in ("strategies", "log_strategies"):
        _shapes(getattr(batch, name), [(games, k) for k in sizes], name)
    others = [tuple(m for j, m in enumerate(sizes) if j != i) for i in range(n)]
    _shapes(batch.beliefs, [(games, *o) for o in others], "beliefs")
    limits = bool(np.all(batch.tau >= 0.0) and np.all(batch.epsilon >= 0.0))
    _require(limits and bool(np.all(np.isfinite(batch.epsilon))), "tau and epsilon in their ranges")


def _gaussian(eq: GaussianEquilibrium) -> None:
    sizes = _sizes(eq.means)
    n, total = len(sizes), sum(sizes)
    rest = [total - k for k in sizes]
    _shapes(eq.covariances, [(k, k) for k in sizes], "covariances")
    _shapes(eq.belief_means, [(m,) for m in rest], "belief_means")
    _shapes(eq.belief_covariances, [(m, m) for m in rest], "belief_covariances")
    _shape(eq, (n,), "payoffs", "mean_payoffs", "values", "regret", "max_tau")
    _require(not any(np.any(np.diag(c) < 0.0) for c in eq.covariances), "variances >= 0")
    _require(len(eq.agents) == n and len(eq.players) in (0, n), f"{n} agents and players")


def _fit(fit: FitResult) -> None:
    k, games = len(fit.parameters), len(fit.games)
    _require(k > 0 and len(fit.boundary) == k, "a boundary for each parameter")
    _shape(fit, (k,), "estimates")
    _shape(fit, (k, k), "covariance", "covariance_clustered")
    _shape(fit, (k, 2), "profile", "profile_clustered")
    _shape(fit, (games,), "by_game", "seats")
    _require(games > 0 and len(fit.branch) == games, "a branch for each game")
    _require(bool(np.all(fit.estimates >= 0.0)), "estimates >= 0")
    _require(fit.concept in ("rqe", "qre", "nash"), "a concept that can be fitted")
    with np.errstate(over="ignore", under="ignore"):
        inverse = bool(np.all(fit.estimates**2 > 0.0))
    _require(fit.concept != "qre" or inverse, "estimates that have an inverse")
    _require(fit.share in ("all", "role", "game"), "a share that can be fitted")
    rates = [v for p, v in zip(fit.parameters, fit.estimates, strict=True) if p.startswith("eta")]
    _require(all(v < 1.0 for v in rates), "rates below 1")
    _require(0.0 < fit.level < 1.0 and 0.0 < fit.choices < np.inf, "a level and choices")
    _require(
        len(fit.strategies) == len(fit.observed) == fit.seats.sum(), "a strategy for each seat"
    )
    _shapes(fit.observed, [(m,) for m in _sizes(fit.strategies)], "observed")
    _require(bool(np.all((fit.seats >= 1.0) & (fit.seats % 1.0 == 0.0))), "whole numbers of seats")
    for name in ("covariance", "covariance_clustered"):
        variances = np.diag(getattr(fit, name))
        _require(not bool(np.any(variances < 0.0)), f"variances >= 0 in {name}")


def _branch(branch: Branch) -> None:
    points = branch.parameter.size
    _require(points > 0 and branch.parameter.ndim == 1, "points on each branch")
    _require(len(branch.strategies) > 0, "a strategy for each player")
    _require(all(x.ndim == 2 for x in branch.strategies), "strategies (T, n_i)")
    _require(all(x.shape[0] == points and x.size for x in branch.strategies), f"{points} points")
    _shape(branch, (points,), "residual", "regret", "stable", "index")
    _require(len(branch.ends) == len(branch.limits) == 2, "two ends on each branch")


def _bifurcation(point: Bifurcation) -> None:
    _shapes(point.direction, [(k,) for k in _sizes(point.strategies)], "direction")
    _require(point.kind in KINDS, f"bifurcations of the kinds {', '.join(KINDS)}")


def _path(path: Path) -> None:
    n = path.held.size
    _require(n > 0, "degrees that were held")
    _shape(path, (n,), "held", "weights")
    _require(path.parameter in ("tau", "epsilon"), "tau or epsilon traced")
    _require(all(len(b.strategies) == n for b in path.branches), f"branches of {n} players")
    _require(all(len(b.strategies) == n for b in path.bifurcations), f"points of {n} players")
    sizes = [len(own) for own in path.actions]
    if path.branches:
        sizes = [x.shape[1] for x in path.branches[0].strategies]
    for branch in path.branches:
        shapes = [x.shape[1] for x in branch.strategies]
        _require(shapes == sizes, f"branches in games of sizes {sizes}")
    for point in path.bifurcations:
        _require([x.size for x in point.strategies] == sizes or not sizes, f"points of {sizes}")
    _labels(path, sizes)


def _proof(proof: Proof) -> None:
    for box in (*proof.enclosures, *proof.undecided):
        _require(len(box) == 2, "boxes with two ends")
        _shapes(box[1], [(k,) for k in _sizes(box[0])], "ends of a box")


def _set(found: EquilibriumSet) -> None:
    shapes = {tuple(x.size for x in eq.strategies) for eq in found.equilibria}
    _require(len(shapes) <= 1, "equilibria of one game")


def _table(table: Table) -> None:
    """The constructor of a table has looked at its rows."""


_STRUCTURES: dict[type, Callable[[Any], None]] = {
    Equilibrium: _equilibrium,
    EquilibriumSet: _set,
    BatchEquilibrium: _batch,
    GaussianEquilibrium: _gaussian,
    FitResult: _fit,
    Branch: _branch,
    Bifurcation: _bifurcation,
    Path: _path,
    Proof: _proof,
    Table: _table,
}
