"""An equilibrium of a Markov game: policies, values, beliefs, and their evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np

from ..model.agent import Agent
from .equilibrium import FloatArray
from .status import Status
from .table import Table, format_rows

SHOWN = 40
"""Rows of a printed table."""


@dataclass(frozen=True, eq=False, repr=False)
class MarkovEquilibrium:
    """Policies of a Markov game with the evidence that they are an equilibrium.

    With a finite horizon every array of policies and beliefs has a leading axis H, step 0 first:
    (H, S, ...) in place of (S, ...), and values are (H, N, S) in place of (N, S).

    Attributes
    ----------
    policies : tuple of array (S, n_i) or (H, S, n_i)
        Mixed strategy of each player in each state (at each step).
    log_policies : tuple of array, the same shapes
        Their logarithms: probabilities may underflow to 0.
    beliefs : tuple of array (S, n_j for j != i) or (H, S, n_j for j != i)
        Worst-case belief of player i over the others' joint actions; axes are the others in player
        order.
    values : array (N, S) or (H, N, S)
        Risk-adjusted, regularised sums of rewards from each state (and step) on, in payoff units:
        SRA (17)-(19), with the price of random transitions of RQE24 where an agent has one.
    payoffs : array (N, S) or (H, N, S)
        Risk-neutral expected sums of rewards, without regularisers; discounted where the game is.
    regret : array (N, S) or (H, N, S)
        Upper bound on what each player could gain from each state on by any policy of its own, in
        payoff units: a Markov decision problem against the others' policies (weak duality).
    residual : float
        Bellman residual, in payoff units: how far any value is from that of the best reply in its
        stage game, one step with these values ahead.
    stage_residual : float
        Largest difference of a probability from the reply to the others, over all stage games.
    status : Status
    iterations : int
        Rounds in which the stage games of all states were solved.
    method : str
        Stages that led to the answer, in order.
    agents : tuple of Agent
    branch : {"principal", "unknown"}
        Whether the answer is the one that ``select="principal"`` defines (see `rqe.solve_rqe`).
    discount : float or None
    horizon : int or None
    players, actions, states : tuple
        Labels.
    name : str
        The game's name.

    Notes
    -----
    ``len(eq)`` is the number of players, ``eq[i]`` is player i's policy.
    """

    policies: tuple[FloatArray, ...]
    log_policies: tuple[FloatArray, ...]
    beliefs: tuple[FloatArray, ...]
    values: FloatArray
    payoffs: FloatArray
    regret: FloatArray
    residual: float
    stage_residual: float
    status: Status
    iterations: int
    method: str
    agents: tuple[Agent, ...]
    branch: str = "unknown"
    discount: float | None = None
    horizon: int | None = None
    players: tuple[str, ...] = ()
    actions: tuple[tuple[str, ...], ...] = ()
    states: tuple[str, ...] = ()
    name: str = ""

    def __len__(self) -> int:
        return len(self.policies)

    def __getitem__(self, player: int) -> FloatArray:
        return self.policies[player]

    def __iter__(self) -> Iterator[FloatArray]:
        return iter(self.policies)

    @property
    def max_regret(self) -> float:
        """The largest regret, over players, states and steps."""
        return float(np.max(self.regret))

    def table(self, step: int = 0) -> Table:
        """One row a state and player: likeliest action, its probability, payoff, value, regret.

        Parameters
        ----------
        step : int
            Which step, with a finite horizon.
        """
        at = slice(None) if self.horizon is None else step
        policies = [x[at] for x in self.policies]
        payoffs, values, regret = self.payoffs[at], self.values[at], self.regret[at]
        rows = []
        for s in range(values.shape[1]):
            for i, x in enumerate(policies):
                best = int(np.argmax(x[s]))
                rows.append(
                    (
                        self._state(s) if i == 0 else "",
                        self.players[i] if self.players else str(i + 1),
                        self.actions[i][best] if self.actions else str(best + 1),
                        float(x[s, best]),
                        float(payoffs[i, s]),
                        float(values[i, s]),
                        float(regret[i, s]),
                    )
                )
        columns = ("state", "player", "likeliest", "probability", "payoff", "value", "regret")
        return Table(columns, tuple(rows), title=self._title())

    def _state(self, s: int) -> str:
        return self.states[s] if self.states else str(s + 1)

    def _title(self) -> str:
        subject = f" of {self.name}" if self.name else ""
        return (
            f"Markov RQE{subject}: {self.status.name}, Bellman residual {self.residual:.1e}, "
            f"regret {self.max_regret:.1e}, {self.branch} branch"
        )

    def __repr__(self) -> str:
        return f"<{self._title()}>"

    def __str__(self) -> str:
        table = self.table()
        text = format_rows(table.columns, table.rows[:SHOWN], table.title)
        more = len(table.rows) - SHOWN
        return text if more <= 0 else f"{text}\n... {more} rows more"

    def _repr_html_(self) -> str:
        table = self.table()
        if len(table.rows) > SHOWN:
            return f"<pre>{escape(str(self))}</pre>"
        return table._repr_html_()
