"""One equilibrium of a finite game, and sets of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ..model.agent import Agent
from .proof import Proof
from .status import Status
from .table import Table, format_rows

FloatArray = NDArray[np.float64]


def read_only(array: Any) -> FloatArray:
    """A read-only float64 view or copy."""
    out = np.asarray(array, dtype=np.float64)
    out = out.view()
    out.setflags(write=False)
    return out


@dataclass(frozen=True, eq=False, repr=False)
class Equilibrium:
    """A profile with the evidence that it is an equilibrium.

    Attributes
    ----------
    strategies : tuple of array (n_i,)
        Mixed strategies.
    log_strategies : tuple of array (n_i,)
        Their logarithms, the state that was solved for: probabilities may underflow to 0.
    beliefs : tuple of array (n_j for j != i)
        Worst-case belief of player i over the others' joint actions; axes are the others in player
        order. Not necessarily a product: correlated deviations are allowed. A player whose risk is
        action-dependent has one for each own action, (n_i, n_j for j != i). In an `AnonymousGame`
        over the counts of the others (K,), in a `PolymatrixGame` the neighbours' marginals side by
        side.
    payoffs : array (N,)
        Risk-neutral expected payoffs.
    values : array (N,)
        Risk-adjusted, regularised utilities (SRA eqs. 1 and 2), in payoff units.
    regret : array (N,)
        Upper bound on each player's gain from deviating, in payoff units (weak duality).
    residual : float
        Largest difference of a probability from the reply to the profile (sup norm).
    status : Status
    iterations : int
        Evaluations of the reply map, or the method's own steps.
    method : str
        Stages that led to the answer, in order, each from where the one before had come to.
    agents : tuple of Agent
    branch : {"principal", "unknown"}
        Whether the profile is known to lie on the branch followed down in ``epsilon`` from the
        uniform profile.
    index : int or None
        Fixed-point index, the sign of ``det(I - DΦ)`` on the tangent space; None where not
        computed or singular.
    concept : {"rqe", "qre", "nash", "security"}
    players, actions : tuple
        Labels.
    name : str
        The game's name.

    Notes
    -----
    ``len(eq)`` is the number of players, ``eq[i]`` is player i's mixed strategy.
    """

    strategies: tuple[FloatArray, ...]
    log_strategies: tuple[FloatArray, ...]
    beliefs: tuple[FloatArray, ...]
    payoffs: FloatArray
    values: FloatArray
    regret: FloatArray
    residual: float
    status: Status
    iterations: int
    method: str
    agents: tuple[Agent, ...]
    branch: str = "unknown"
    index: int | None = None
    concept: str = "rqe"
    players: tuple[str, ...] = ()
    actions: tuple[tuple[str, ...], ...] = ()
    name: str = ""

    def __len__(self) -> int:
        return len(self.strategies)

    def __getitem__(self, player: int) -> FloatArray:
        return self.strategies[player]

    def __iter__(self) -> Iterator[FloatArray]:
        return iter(self.strategies)

    @property
    def max_regret(self) -> float:
        """The largest player's regret."""
        return float(np.max(self.regret))

    def table(self) -> Table:
        """One row a player and action: probability, and the player's payoff, value and regret."""
        rows = []
        for i, x in enumerate(self.strategies):
            for a, probability in enumerate(x):
                first = a == 0
                rows.append(
                    (
                        self._player(i) if first else "",
                        self._action(i, a),
                        float(probability),
                        float(self.payoffs[i]) if first else None,
                        float(self.values[i]) if first else None,
                        float(self.regret[i]) if first else None,
                    )
                )
        columns = ("player", "action", "probability", "payoff", "value", "regret")
        return Table(columns, tuple(rows), title=self._title())

    def _player(self, i: int) -> str:
        return self.players[i] if self.players else str(i + 1)

    def _action(self, i: int, a: int) -> str:
        return self.actions[i][a] if self.actions else str(a + 1)

    def _title(self) -> str:
        subject = f" of {self.name}" if self.name else ""
        return (
            f"{self.concept.upper() if len(self.concept) == 3 else self.concept.capitalize()}"
            f"{subject}: {self.status.name}, residual {self.residual:.1e}, "
            f"regret {self.max_regret:.1e}, {self.branch} branch"
            f"{'' if self.index is None else f', index {self.index:+d}'}"
        )

    def __repr__(self) -> str:
        return f"<{self._title()}>"

    def __str__(self) -> str:
        if sum(x.size for x in self.strategies) > 60:
            rows = [
                (
                    self._player(i),
                    x.size,
                    self._action(i, int(np.argmax(x))),
                    float(np.max(x)),
                    float(self.payoffs[i]),
                    float(self.values[i]),
                    float(self.regret[i]),
                )
                for i, x in enumerate(self.strategies)
            ]
            columns = (
                "player",
                "actions",
                "most likely",
                "probability",
                "payoff",
                "value",
                "regret",
            )
            return format_rows(columns, rows, self._title())
        return str(self.table())

    def _repr_html_(self) -> str:
        if sum(x.size for x in self.strategies) > 60:
            return f"<pre>{escape(str(self))}</pre>"
        return self.table()._repr_html_()


def _brief(x: FloatArray, labels: tuple[str, ...] | None) -> str:
    """A strategy in a table cell: all its probabilities, or the support of a long one."""
    if x.size <= 12:
        return " ".join(f"{p:.6g}" for p in x)
    largest = np.argsort(-x, kind="stable")[:6]
    shown = [a for a in largest if x[a] > 1e-6]
    words = [f"{labels[a] if labels else a + 1}:{x[a]:.4g}" for a in shown]
    more = int(np.count_nonzero(x > 1e-6)) - len(shown)
    return " ".join([*words, *([f"(+{more} more)"] if more else [])])


@dataclass(frozen=True, eq=False, repr=False)
class EquilibriumSet(Sequence[Equilibrium]):
    """Several equilibria of one game, in a stated order.

    Attributes
    ----------
    equilibria : tuple of Equilibrium
    index_sum : int or None
        Sum of the fixed-point indices; 1 if none is missing (and none singular), None if an index
        is unknown.
    complete : {"proved", "unknown"}
        Whether every equilibrium is in the set.
    degenerate : bool or None
        For Nash equilibria: whether the game is degenerate, so that equilibria may form a continuum
        of which the set holds extreme points. None where not examined.
    method : str
    notes : tuple of str
        Whatever a reader should know, in sentences.
    proof : Proof or None
        What was proven of the number of equilibria, and where they are, if that was asked for.
    """

    equilibria: tuple[Equilibrium, ...]
    index_sum: int | None = None
    complete: str = "unknown"
    degenerate: bool | None = None
    method: str = ""
    notes: tuple[str, ...] = field(default=())
    proof: Proof | None = None

    def __len__(self) -> int:
        return len(self.equilibria)

    @overload
    def __getitem__(self, index: int) -> Equilibrium: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Equilibrium, ...]: ...
    def __getitem__(self, index: int | slice) -> Equilibrium | tuple[Equilibrium, ...]:
        return self.equilibria[index]

    def table(self) -> Table:
        """One row an equilibrium: strategies, payoffs, residual, regret, index."""
        rows = tuple(
            (
                k,
                " | ".join(
                    _brief(x, eq.actions[i] if eq.actions else None) for i, x in enumerate(eq)
                ),
                " ".join(f"{p:.6g}" for p in eq.payoffs),
                eq.residual,
                eq.max_regret,
                eq.index,
            )
            for k, eq in enumerate(self.equilibria)
        )
        columns = ("#", "strategies", "payoffs", "residual", "regret", "index")
        return Table(columns, rows, title=self._title())

    def _title(self) -> str:
        count = len(self.equilibria)
        words = [f"{count} equilibri{'um' if count == 1 else 'a'}", f"completeness {self.complete}"]
        if self.index_sum is not None:
            words.append(f"index sum {self.index_sum:+d}")
        if self.degenerate:
            words.append("degenerate game")
        return ", ".join(words)

    def __repr__(self) -> str:
        return f"<EquilibriumSet: {self._title()}>"

    def __str__(self) -> str:
        return "\n".join([str(self.table()), *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>note: {escape(note)}</p>" for note in self.notes)
        return self.table()._repr_html_() + notes
