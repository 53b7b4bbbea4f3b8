"""Figure 1 of SRA: collaboration grows with risk aversion, free-riding dies out in a pitchfork."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.normal_form import NormalFormGame
from ..result.table import Table
from ..solvers import solve_rqe
from ..solvers.enumeration import enumerate_rqe
from .collaboration import best_tau, collaboration_curve
from .free_riding import branch_names, free_riding_branches, last_free_riding, pitchfork

COLUMNS = ("panel", "quantity", "tau", "epsilon", "value", "residual", "regret")


@dataclass(frozen=True)
class Figure1:
    """The two panels and the numbers read off them.

    Attributes
    ----------
    collaboration : Table
        Panel (i), from `collaboration_curve`.
    free_riding : Table
        Panel (ii), from `free_riding_branches`.
    numbers : Table
        Panel, quantity, tau, epsilon, value, residual, regret; one row a number.
    best : tuple of float
        The ``tau`` of the largest utility in panel (i), and that utility.
    pitchfork : tuple of float
        The ``tau`` and the probability at which the branches of panel (ii) meet.
    """

    collaboration: Table
    free_riding: Table
    numbers: Table
    best: tuple[float, float]
    pitchfork: tuple[float, float]


def figure1(
    push: Any,
    ride: NormalFormGame,
    *,
    points: int = 41,
    progress: Callable[[int, int], None] | None = None,
) -> Figure1:
    """Compute Figure 1 at the paper's settings: epsilon 1 in panel (i), 0.2 in panel (ii).

    Parameters
    ----------
    push : AggregativeGame
        Example 4.1, ``games.push_object()``.
    ride : NormalFormGame
        Example 4.2, ``games.free_riding()``.
    points : int
        Number of ``tau`` on each axis, at least 5.
    progress : callable, optional
        Called with the number of steps done and their total.

    Returns
    -------
    Figure1

    Raises
    ------
    ValueError
        Too few points, or games of which the figure makes no sense.
    ConvergenceError
        An equilibrium was not found.
    """
    if points < 5:
        raise ValueError(f"points must be at least 5; got {points}")
    steps = _Steps(2 * points + 13, progress)
    curve = collaboration_curve(push, np.linspace(0.0, 1.9, points).tolist(), 1.0, progress=steps)
    best = best_tau(push, 1.0, 1.9)
    fork = pitchfork(ride, 0.2, (0.1, 1.5))
    # the branches rise vertically where they meet: points crowd there
    away = np.linspace(0.0, 1.0, points - points // 2) ** 2
    taus = np.concatenate(
        [fork[0] * (1.0 - away[::-1]), np.linspace(fork[0], 1.5, points // 2 + 1)]
    )
    grid = sorted({round(float(t), 12) for t in taus} - {round(fork[0], 12)})
    branches = free_riding_branches(ride, grid, 0.2, progress=steps)
    last = last_free_riding(ride, 0.2, (0.5, 1.5), progress=steps)
    rows = [*_panel_one(push, best), *_panel_two(ride, fork, last)]
    return Figure1(
        curve, branches, Table(COLUMNS, tuple(rows), title="Figure 1 of SRA"), best, fork
    )


class _Steps:
    """One count over several stages that each count from 1."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None) -> None:
        self.total, self.done, self.progress = total, 0, progress

    def __call__(self, done: int, total: int) -> None:
        self.done = min(self.done + 1, self.total)
        if self.progress is not None:
            self.progress(self.done, self.total)


def _panel_one(push: Any, best: tuple[float, float]) -> list[tuple[Any, ...]]:
    rows = []
    for name, tau in (("utility", 0.0), ("largest utility, at this tau", best[0])):
        eq = solve_rqe(push, tau=tau, epsilon=1.0)
        evidence = eq.residual, eq.max_regret
        rows.append(("(i)", name, tau, 1.0, float(eq.mean_payoffs[0]), *evidence))
    return rows


def _panel_two(
    ride: NormalFormGame, fork: tuple[float, float], last: tuple[float, float]
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for tau in (0.5, 1.0):
        found = enumerate_rqe(ride, tau=tau, epsilon=0.2)
        for name, eq in zip(branch_names(found), found, strict=True):
            quantity = f"P({ride.actions[0][0]}) of player {ride.players[0]}, {name}"
            rows.append(("(ii)", quantity, tau, 0.2, float(eq[0][0]), eq.residual, eq.max_regret))
    at = solve_rqe(ride, tau=fork[0], epsilon=0.2)
    quantity = "P(C) at the pitchfork, at this tau"
    rows.append(("(ii)", quantity, fork[0], 0.2, fork[1], at.residual, at.max_regret))
    for word, tau in zip(("with", "without"), last, strict=True):
        count = len(enumerate_rqe(ride, tau=tau, epsilon=0.2))
        rows.append(("(ii)", f"RQE counted, {word} free-riding", tau, 0.2, count, None, None))
    return rows
