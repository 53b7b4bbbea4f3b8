"""A Gaussian equilibrium of a quadratic game."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..model.agent import Agent
from .equilibrium import FloatArray, read_only
from .status import Status
from .table import Table, format_rows


@dataclass(frozen=True, eq=False, repr=False)
class GaussianEquilibrium:
    """A profile of Gaussian strategies with the evidence that it is an equilibrium.

    Best responses are sought among ALL distributions of actions; with quadratic payoffs they are
    Gaussian, so nothing is lost by the name.

    Attributes
    ----------
    means : tuple of array (n_i,)
        Mean action of each player, in action units.
    covariances : tuple of array (n_i, n_i)
        ``-epsilon_i H_ii^{-1}``; zero for a player with ``epsilon = 0``.
    belief_means : tuple of array (m_i,)
        Mean of player i's worst-case belief about the others' stacked actions (in player order).
    belief_covariances : tuple of array (m_i, m_i)
        Its covariance, in which the others may be correlated; zero at ``tau = inf``.
    payoffs : array (N,)
        Risk-neutral expected payoffs.
    mean_payoffs : array (N,)
        Payoffs at the profile of means: ``payoffs`` net of what the spread costs, a constant in
        every ``tau``. In Example 4.1 of SRA that constant is ``-3 epsilon / 4``, and this is the
        utility in its Figure 1(i).
    values : array (N,)
        Risk-adjusted, regularised utilities (SRA eqs. 1 and 2): certainty equivalent plus
        ``epsilon`` times differential entropy (nats, actions in their own units; it may be
        negative).
    regret : array (N,)
        What each player would gain by its best response, in payoff units, in closed form (at
        ``tau = inf`` an upper bound, by weak duality).
    residual : float
        Largest difference of a mean from the best response's, in proportion to the player's spread
        or to the terms of its first-order condition, whichever is larger (so it has no unit).
    status : Status
    iterations : int
        Linear systems solved.
    method : str
    agents : tuple of Agent
    shared_reward : float or None
        Expected shared reward ``E[R]`` of an aggregative game, the costs of effort left out.
    unique : bool or None
        True: this is the only equilibrium among all profiles of finite risk, because best responses
        are Gaussian and the linear system for their means is regular. None: not established.
    strongly_monotone : bool
        Whether the surrogate game, in which players choose means and are paid their certainty
        equivalents, has a strongly monotone map (symmetric part of its derivative positive
        definite). That implies uniqueness, and that gradient play converges.
    max_tau : array (N,)
        Supremum of each player's ``tau`` with finite risk, everyone's ``epsilon`` held fixed.
    players : tuple of str
    name : str
        The game's name.

    Notes
    -----
    ``len(eq)`` is the number of players, ``eq[i]`` is player i's mean action.
    """

    means: tuple[FloatArray, ...]
    covariances: tuple[FloatArray, ...]
    belief_means: tuple[FloatArray, ...]
    belief_covariances: tuple[FloatArray, ...]
    payoffs: FloatArray
    mean_payoffs: FloatArray
    values: FloatArray
    regret: FloatArray
    residual: float
    status: Status
    iterations: int
    method: str
    agents: tuple[Agent, ...]
    shared_reward: float | None
    unique: bool | None
    strongly_monotone: bool
    max_tau: FloatArray
    players: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        # an empty matrix, the belief of a lone player, keeps its two axes when read from a file
        square = tuple(read_only(c.reshape((m.size, m.size))) for m, c in self._beliefs())
        object.__setattr__(self, "belief_covariances", square)

    def _beliefs(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        return zip(self.belief_means, self.belief_covariances, strict=True)

    def __len__(self) -> int:
        return len(self.means)

    def __getitem__(self, player: int) -> FloatArray:
        return self.means[player]

    def __iter__(self) -> Iterator[FloatArray]:
        return iter(self.means)

    @property
    def max_regret(self) -> float:
        """The largest player's regret."""
        return float(np.max(self.regret))

    def table(self) -> Table:
        """One row a player and coordinate: mean, standard deviation, payoff, value, regret."""
        rows = []
        for i, (m, s) in enumerate(zip(self.means, self.covariances, strict=True)):
            for k, mean in enumerate(m):
                first = k == 0
                rows.append(
                    (
                        self._player(i) if first else "",
                        k + 1,
                        float(mean),
                        float(np.sqrt(s[k, k])),
                        float(self.payoffs[i]) if first else None,
                        float(self.values[i]) if first else None,
                        float(self.regret[i]) if first else None,
                        float(self.max_tau[i]) if first else None,
                    )
                )
        columns = ("player", "action", "mean", "sd", "payoff", "value", "regret", "max tau")
        return Table(columns, tuple(rows), title=self._title())

    def _player(self, i: int) -> str:
        return self.players[i] if self.players else str(i + 1)

    def _title(self) -> str:
        subject = f" of {self.name}" if self.name else ""
        words = [
            f"Gaussian RQE{subject}: {self.status.name}",
            f"residual {self.residual:.1e}",
            f"regret {self.max_regret:.1e}",
        ]
        if self.shared_reward is not None:
            words.append(f"shared reward {self.shared_reward:.6g}")
        if self.unique:
            words.append("unique")
        return ", ".join(words)

    def __repr__(self) -> str:
        return f"<{self._title()}>"

    def __str__(self) -> str:
        table = self.table()
        rows = table.rows
        if len(rows) <= 60:
            return str(table)
        lines = format_rows(table.columns, rows[:60], table.title)
        return f"{lines}\n... {len(rows) - 60} rows more"

    def _repr_html_(self) -> str:
        table = self.table()
        more = len(table.rows) - 60
        note = f"<p>... {more} rows more</p>" if more > 0 else ""
        return Table(table.columns, table.rows[:60], table.title)._repr_html_() + note
