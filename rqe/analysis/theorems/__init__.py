"""Theorems, one file a statement: what it says, a derivation, a check, and the verdict."""

from __future__ import annotations

from importlib import import_module

from ...result.table import Table
from .statement import Statement

NAMES = (
    "entropic_duality",
    "quantal_response",
    "existence",
    "limits",
    "gaussian_response",
    "surrogate_game",
    "gaussian_equilibrium",
    "uniqueness",
    "collaboration",
    "example_4_1",
    "probability_bound",
    "kl_bound",
    "cost_to_distance",
    "free_riding",
    "tractability_entropic",
    "tractability_reverse",
    "tractability_limits",
    "policy_gradient",
    "performance_difference",
)
"""The statements, in the order in which they build on one another."""


def get(name: str) -> Statement:
    """One statement by name.

    Raises
    ------
    ValueError
        There is no statement of that name.
    """
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}; got {name!r}")
    found = import_module(f"{__name__}.{name}").STATEMENT
    assert isinstance(found, Statement)
    return found


def verdicts() -> Table:
    """Every statement with its source and verdict.

    Returns
    -------
    Table
        ``statement``, ``source``, ``verdict``, ``correction``.
    """
    rows = tuple((s.name, s.source, s.verdict, s.correction) for s in map(get, NAMES))
    return Table(("statement", "source", "verdict", "correction"), rows, title="Theorems")
