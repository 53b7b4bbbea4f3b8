"""Figure 1 of SRA: collaboration grows with risk aversion, free-riding dies out in a pitchfork."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..model.normal_form import NormalFormGame
from ..result.path import Branch, Path
from ..result.table import Table
from ..solvers import solve_rqe
from ..solvers.continuation import trace_rqe
from ..solvers.enumeration import enumerate_rqe
from ._symmetric import APART, asymmetry
from .collaboration import best_tau, collaboration_curve
from .free_riding import Threshold, threshold
from .tricritical import tricritical

SYMMETRIC = "symmetric"
COLUMNS = ("panel", "quantity", "tau", "epsilon", "value", "residual", "regret")
SHOWN = (0.5, 1.0)
"""``tau`` at which every RQE of panel (ii) is listed."""
EPSILON = 0.2
"""Of panel (ii)."""
SMALLER = (0.15, 0.10, 0.05)
"""Further ``epsilon`` for which the end of free-riding is listed: there it is a fold."""
BRACKET = (0.16, 0.17)
"""Around the ``epsilon`` at which that changes."""
NEXT = 1e-4
"""Relative distance from the end of free-riding at which RQE are counted."""


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
    path : Path
        The branches of panel (ii) as they were traced.
    """

    collaboration: Table
    free_riding: Table
    numbers: Table
    best: tuple[float, float]
    pitchfork: tuple[float, float]
    path: Path


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
        Number of ``tau`` in panel (i), at least 5; about as many on each branch of panel (ii).
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
        An equilibrium was not found, or a branch lost.
    """
    if points < 5:
        raise ValueError(f"points must be at least 5; got {points}")
    steps = _Steps(points + len(SMALLER) + 3, progress)
    curve = collaboration_curve(push, np.linspace(0.0, 1.9, points).tolist(), 1.0, progress=steps)
    best = best_tau(push, 1.0, 1.9)
    last = threshold(ride, EPSILON)
    if last.kind != "pitchfork":
        raise ValueError(f"ride must be a game whose free-riding ends in a pitchfork; got {last!r}")
    fork = last.tau, float(last.strategies[0][0])
    steps(1, 1)
    # short steps: the branches rise vertically where they meet
    path = trace_rqe(
        ride, start=0.0, stop=1.8 * last.tau, epsilon=EPSILON, at=[], max_step=1.0 / points
    )
    steps(1, 1)
    ends = [last]
    for epsilon in SMALLER:
        ends.append(threshold(ride, epsilon))
        steps(1, 1)
    rows = [*_panel_one(push, best), *_panel_two(ride, ends)]
    steps(1, 1)
    numbers = Table(COLUMNS, tuple(rows), title="Figure 1 of SRA")
    return Figure1(curve, free_riding_branches(path), numbers, best, fork, path)


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


def _panel_two(ride: NormalFormGame, ends: list[Threshold]) -> list[tuple[Any, ...]]:
    plays = f"P({ride.actions[0][0]})"
    rows: list[tuple[Any, ...]] = []
    for tau in SHOWN:
        for eq in enumerate_rqe(ride, tau=tau, epsilon=EPSILON):
            name = rider(ride.players, float(eq[0][0] - eq[1][0]))
            quantity, value = f"{plays} of player {ride.players[0]}, {name}", float(eq[0][0])
            rows.append(("(ii)", quantity, tau, EPSILON, value, eq.residual, eq.max_regret))
    last = ends[0]
    evidence = last.residual, last.regret
    quantity = f"{plays} at the pitchfork, at this tau"
    rows.append(("(ii)", quantity, last.tau, EPSILON, float(last.strategies[0][0]), *evidence))
    for end in ends:
        quantity = f"degree of the last free-riding RQE, a {end.kind} at this tau"
        evidence = end.residual, end.regret
        rows.append(("(ii)", quantity, end.tau, end.epsilon, end.degree, *evidence))
    bend = tricritical(ride, BRACKET)
    quantity = f"{plays} where pitchforks turn subcritical, at this tau and epsilon"
    share = float(bend.strategies[0][0])
    rows.append(("(ii)", quantity, bend.tau, bend.epsilon, share, bend.residual, None))
    for word, sign in (("with", -1.0), ("without", 1.0)):
        tau = last.tau * (1.0 + sign * NEXT)
        count = len(enumerate_rqe(ride, tau=tau, epsilon=EPSILON))
        rows.append(("(ii)", f"RQE counted, {word} free-riding", tau, EPSILON, count, None, None))
    return rows


def rider(players: Sequence[str], gap: float) -> str:
    """Who free-rides, where the first of two players does the work more often by `gap`.

    Examples
    --------
    >>> rider(("Ann", "Bob"), 0.3), rider(("Ann", "Bob"), 0.0)
    ('player Bob free-rides', 'symmetric')
    """
    return SYMMETRIC if abs(gap) <= APART else f"player {players[1 if gap > 0.0 else 0]} free-rides"


def free_riding_branches(path: Path, *, action: int = 0) -> Table:
    """Probability of the costly action along every branch of a two-player game: Figure 1(ii).

    A player free-rides on a partner that plays the costly action more often. Where a player
    free-rides on several branches, they are numbered from the most unequal one.

    Parameters
    ----------
    path : Path
        Of a symmetric two-player game, along ``tau`` or ``epsilon``.
    action : int
        The costly action.

    Returns
    -------
    Table
        The traced degree, ``branch`` (its name), ``first`` and ``second`` (each player's
        probability of the action), ``stable``, ``index``, ``residual``, ``regret``; one row a
        point, in the order in which each branch runs.

    Raises
    ------
    ValueError
        The path is not of two players with that action.

    Examples
    --------
    >>> import games, rqe
    >>> path = rqe.trace_rqe(games.free_riding(), start=0, stop=2, epsilon=0.2)
    >>> sorted(set(free_riding_branches(path).column("branch")))
    ['player 1 free-rides', 'player 2 free-rides', 'symmetric']
    """
    sizes_of = [len(own) for own in path.actions]
    if len(sizes_of) != 2 or not 0 <= action < min(sizes_of):
        raise ValueError(
            f"path must be of two players with an action {action}; got one of {sizes_of} actions"
        )
    pieces = [piece for branch in path.branches for piece in _sides(branch)]
    gaps = []
    for branch, part in pieces:
        ahead = np.subtract(*(x[part, action] for x in branch.strategies))
        gaps.append(float(ahead[np.argmax(np.abs(ahead))]))
    rows: list[tuple[Any, ...]] = []
    for (branch, part), gap in zip(pieces, gaps, strict=True):
        name = rider(path.players, gap)
        rank = sum(other * gap > 0.0 and abs(other) > abs(gap) + APART for other in gaps)
        if rank and name != SYMMETRIC:
            name += f" ({rank + 1})"
        first, second = (x[part, action] for x in branch.strategies)
        evidence = branch.stable, branch.index, branch.residual, branch.regret
        rows += [
            (float(t), name, float(x), float(y), bool(stable), int(index), float(r), float(g))
            for t, x, y, stable, index, r, g in zip(
                branch.parameter[part], first, second, *(e[part] for e in evidence), strict=True
            )
        ]
    columns = (
        path.parameter, "branch", "first", "second", "stable", "index", "residual", "regret",
    )  # fmt: skip
    held = "epsilon" if path.parameter == "tau" else "tau"
    title = f"probability of {path.actions[0][action]} in {path.name}, {held} = {path.held[0]:g}"
    return Table(columns, tuple(rows), title=title)


def _sides(branch: Branch) -> list[tuple[Branch, slice]]:
    """A branch in parts: one that passes a pitchfork to its own mirror image is two branches."""
    apart = asymmetry(branch.strategies)
    edges = [0, len(branch) - 1]
    if apart.max() > APART:
        inner = (branch.index == 0) & (apart <= APART)
        edges += np.flatnonzero(inner).tolist()
    return [(branch, slice(a, b + 1)) for a, b in pairwise(sorted(set(edges)))]
