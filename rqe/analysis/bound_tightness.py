"""How far the bound of the free-riding theorem lies above the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..model.normal_form import CollaborativeGame
from ..result.table import Table
from .free_riding import last_tau, threshold
from .free_riding_bound import printed_threshold, proven_threshold, sharp_threshold

Progress = Callable[[int, int], None]


def bound_table(
    game: CollaborativeGame,
    epsilon: Sequence[float],
    delta: Sequence[float],
    *,
    seed: Any = 0,
    progress: Progress | None = None,
) -> Table:
    """How far the theorem's bound lies above the truth.

    Parameters
    ----------
    game : CollaborativeGame
        Symmetric.
    epsilon : sequence of float > 0
        Common degrees of bounded rationality, in payoff units.
    delta : sequence of float > 0
        Degrees of free-riding, in payoff units.
    seed : int, Generator or SeedSequence
    progress : callable, optional
        Called with the number of ``epsilon`` done and their total.

    Returns
    -------
    Table
        One row an ``epsilon`` and ``delta``: the threshold of all free-riding (``tau_c``), its
        kind, the pitchfork, the largest ``tau`` with an RQE of degree at least ``delta``
        (``last tau``; None where there is none), the bounds as printed, as proven and the sharper
        one, and each as a multiple of ``last tau``. A multiple below 1 refutes the bound.

    Raises
    ------
    ValueError, ConvergenceError
        As for `threshold`.
    """
    rows: list[tuple[Any, ...]] = []
    for done, e in enumerate(epsilon, start=1):
        found = threshold(game, e, seed=seed)
        for d in delta:
            last = last_tau(game, found.path, d)
            bounds = [f(game, e, d) for f in (printed_threshold, proven_threshold, sharp_threshold)]
            # at tau = 0 an RQE of that degree may be the last: no multiple of 0 is a bound
            multiples = [b / last if last else None for b in bounds]
            known = [None if np.isnan(v) else v for v in (found.tau, found.pitchfork)]
            rows.append(
                (float(e), float(d), known[0], found.kind, known[1], last, *bounds, *multiples)
            )
        if progress is not None:
            progress(done, len(epsilon))
    names = ("printed", "proven", "sharper")
    columns = ("epsilon", "delta", "tau_c", "kind", "pitchfork", "last tau", *names)
    title = f"free-riding in {game.name}: the theorem's bounds and the truth"
    return Table((*columns, *(f"{n} / last tau" for n in names)), tuple(rows), title=title)
