"""Branches of equilibria along a parameter, and the points where they turn, meet or part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .equilibrium import Equilibrium, FloatArray
from .status import Status
from .table import Table

KINDS = ("fold", "pitchfork", "transcritical", "multiple")


@dataclass(frozen=True, eq=False, repr=False)
class Branch:
    """A curve of equilibria, in the order in which it runs.

    Attributes
    ----------
    parameter : array (T,)
        The traced degree at each point: ``tau`` (1/payoff units) or ``epsilon`` (payoff units).
        Not monotone where the branch folds back.
    strategies : tuple of array (T, n_i)
        One a player.
    residual : array (T,)
        Largest difference of a probability from the reply to the profile.
    regret : array (T,)
        The largest player's regret bound, in payoff units.
    stable : bool array (T,)
        Whether all eigenvalues of ``DΦ - I`` have negative real part, ``Φ`` being the reply map:
        adjusting towards the reply leads back to the equilibrium.
    index : int array (T,)
        Fixed-point index, the sign of ``det(I - DΦ)``; 0 at bifurcations.
    ends : tuple of str
        Why the branch begins and ends where it does: ``"boundary"`` of the traced interval,
        ``"bifurcation"`` (where it meets another branch), ``"limit"`` (an exact Nash equilibrium at
        ``epsilon = 0``), ``"closed"`` (it returns to its beginning), or ``"lost"``.
    origin : str
        How it was found.
    status : Status
        CONVERGED; LOST_BRANCH where a step could not be certified, or MAX_STEPS: then it goes on
        beyond its last point.
    limits : tuple of (Equilibrium or None)
        The Nash equilibria at ``epsilon = 0`` that the branch begins and ends in, where it was
        followed there.
    """

    parameter: FloatArray
    strategies: tuple[FloatArray, ...]
    residual: FloatArray
    regret: FloatArray
    stable: NDArray[np.bool_]
    index: NDArray[np.int64]
    ends: tuple[str, str]
    origin: str
    status: Status
    limits: tuple[Equilibrium | None, Equilibrium | None] = (None, None)

    def __len__(self) -> int:
        return len(self.parameter)

    def __repr__(self) -> str:
        low, high = float(self.parameter.min()), float(self.parameter.max())
        return (
            f"<Branch: {len(self)} points, {low:.6g} to {high:.6g}, {self.origin}, "
            f"ends {self.ends[0]} and {self.ends[1]}>"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Bifurcation:
    """A point where a branch folds back, or where branches meet.

    Attributes
    ----------
    parameter : float
        The traced degree there.
    strategies : tuple of array (n_i,)
    kind : {"fold", "pitchfork", "transcritical", "multiple"}
        ``fold``: a branch turns back; ``pitchfork``: a branch that turns back there meets one that
        goes through; ``transcritical``: two branches cross; ``multiple``: more than one direction
        is singular at once, as in symmetric games of three or more players.
    residual : float
        Of the profile, as an equilibrium.
    direction : tuple of array (n_i,)
        The singular direction in strategies (of largest entry 1), in which the branches differ; of
        a multiple point, one of them.
    curvature : float
        Of a pitchfork: second derivative of the parameter along the branch that turns back, by the
        length of ``direction``; by differences, to about three digits. Negative where its
        equilibria lie at smaller parameters. NaN at other points.
    """

    parameter: float
    strategies: tuple[FloatArray, ...]
    kind: str
    residual: float
    direction: tuple[FloatArray, ...]
    curvature: float = float("nan")

    def __repr__(self) -> str:
        return f"<Bifurcation: {self.kind} at {self.parameter:.10g}>"


@dataclass(frozen=True, eq=False, repr=False)
class Path:
    """The branches of a game's equilibria along ``tau`` or ``epsilon``, and where they bifurcate.

    Attributes
    ----------
    parameter : {"tau", "epsilon"}
        What was traced.
    start, stop : float
        The interval, in the order in which it was given.
    branches : tuple of Branch
        The principal one first, if it was traced.
    bifurcations : tuple of Bifurcation
        By parameter.
    held : array (N,)
        The degrees that were held fixed: ``epsilon`` where ``tau`` was traced, and the reverse.
    weights : array (N,)
        Each player's degree in units of the parameter.
    status : Status
        CONVERGED, or the ending of the first branch that was not followed to its end.
    notes : tuple of str
    players, actions : tuple
        Labels.
    name : str
        The game's name.
    """

    parameter: str
    start: float
    stop: float
    branches: tuple[Branch, ...]
    bifurcations: tuple[Bifurcation, ...]
    held: FloatArray
    weights: FloatArray
    status: Status
    notes: tuple[str, ...] = ()
    players: tuple[str, ...] = ()
    actions: tuple[tuple[str, ...], ...] = ()
    name: str = ""

    @property
    def residual(self) -> float:
        """The largest residual of any point of any branch."""
        return max((float(b.residual.max()) for b in self.branches), default=float("nan"))

    def points(self) -> Table:
        """One row a point of a branch: parameter, strategies, evidence, stability."""
        names = [
            f"{self.players[i]}: {action}" for i, own in enumerate(self.actions) for action in own
        ]
        rows = []
        for k, branch in enumerate(self.branches):
            flat = np.concatenate(branch.strategies, axis=1)
            for t in range(len(branch)):
                evidence = float(branch.residual[t]), float(branch.regret[t])
                signs = bool(branch.stable[t]), int(branch.index[t])
                probabilities = (float(p) for p in flat[t])
                rows.append((k, float(branch.parameter[t]), *probabilities, *evidence, *signs))
        columns = ("branch", self.parameter, *names, "residual", "regret", "stable", "index")
        return Table(columns, tuple(rows), title=self._title())

    def table(self) -> Table:
        """One row a branch: its points, its range, its ends, how it was found."""
        rows = []
        for k, b in enumerate(self.branches):
            span = float(b.parameter.min()), float(b.parameter.max())
            share = int(np.count_nonzero(b.stable))
            rows.append((k, len(b), *span, " to ".join(b.ends), share, _worst(b), b.origin))
        columns = (
            "branch",
            "points",
            f"lowest {self.parameter}",
            f"highest {self.parameter}",
            "ends",
            "stable points",
            "residual",
            "origin",
        )
        return Table(columns, tuple(rows), title=self._title())

    def bifurcation_table(self) -> Table:
        """One row a bifurcation: kind, parameter, strategies, residual."""
        rows = tuple(
            (
                b.kind,
                b.parameter,
                " | ".join(" ".join(f"{p:.6g}" for p in x) for x in b.strategies),
                b.residual,
            )
            for b in self.bifurcations
        )
        title = f"{len(rows)} bifurcation{'' if len(rows) == 1 else 's'}"
        return Table(("kind", self.parameter, "strategies", "residual"), rows, title=title)

    def _title(self) -> str:
        subject = f" of {self.name}" if self.name else ""
        count = len(self.branches)
        words = f"{count} branch{'' if count == 1 else 'es'}"
        return (
            f"RQE{subject} along {self.parameter} from {self.start:g} to {self.stop:g}: {words}, "
            f"{len(self.bifurcations)} bifurcations, {self.status.name}, "
            f"residual {self.residual:.1e}"
        )

    def __repr__(self) -> str:
        return f"<Path: {self._title()}>"

    def __str__(self) -> str:
        parts = [str(self.table())]
        if self.bifurcations:
            parts.append(str(self.bifurcation_table()))
        return "\n".join([*parts, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return self.table()._repr_html_() + self.bifurcation_table()._repr_html_()


def _worst(branch: Branch) -> Any:
    return float(branch.residual.max())
