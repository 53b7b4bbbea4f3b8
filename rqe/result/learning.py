"""What no-regret learning came to, and how it got there."""

from __future__ import annotations

from dataclasses import dataclass

from .equilibrium import Equilibrium, FloatArray
from .status import Status
from .table import Table


@dataclass(frozen=True, eq=False, repr=False)
class Learning:
    """A run of mirror descent of N players and their N adversaries.

    Attributes
    ----------
    last, average : Equilibrium
        The last and the time-averaged strategies, each with its evidence; neither need be an
        equilibrium (see their ``status``).
    steps : int array (T,)
        Steps at which the run was recorded, the start (0) first and the last step last.
    strategies : tuple of array (T, n_i)
        Last iterate at those steps.
    averages : tuple of array (T, n_i)
        Averaged iterate.
    residual : array (T, 2)
        Largest difference of a probability from the reply to the profile: last, averaged iterate.
    regret : array (T, 2)
        The largest player's regret bound in payoff units, by weak duality with the worst-case
        belief: last, averaged iterate.
    external_regret : array (T, 2N)
        What each player, and then each adversary, could have gained a step on average with the
        best fixed strategy in hindsight, in payoff units; NaN at the start. This is what no-regret
        learning drives to zero, whether or not play converges.
    status : Status
        CONVERGED if an iterate's residual is within tolerance.
    iterations : int
        Steps taken.
    step : array (N,)
        Step sizes of each player and its adversary, in 1/payoff units (the first, if they fall).
    schedule : {"constant", "sqrt"}
    geometry : {"entropic", "log_barrier"}
    optimistic : bool
    """

    last: Equilibrium
    average: Equilibrium
    steps: FloatArray
    strategies: tuple[FloatArray, ...]
    averages: tuple[FloatArray, ...]
    residual: FloatArray
    regret: FloatArray
    external_regret: FloatArray
    status: Status
    iterations: int
    step: FloatArray
    schedule: str
    geometry: str
    optimistic: bool

    @property
    def best(self) -> Equilibrium:
        """The last or the averaged iterate, whichever has the lower regret."""
        return self.last if self.last.max_regret <= self.average.max_regret else self.average

    @property
    def converged(self) -> bool:
        """Whether an iterate was certified."""
        return self.status is Status.CONVERGED

    def table(self) -> Table:
        """One row a recorded step: residuals, regrets, and the largest external regret."""
        columns = (
            "step",
            "residual, last",
            "residual, average",
            "regret, last",
            "regret, average",
            "external regret",
        )
        parts = zip(
            self.steps, self.residual, self.regret, self.external_regret.max(axis=1), strict=True
        )
        rows = tuple((int(t), *map(float, r), *map(float, g), float(e)) for t, r, g, e in parts)
        return Table(columns, rows, title=self._title())

    def _title(self) -> str:
        subject = f" of {self.last.name}" if self.last.name else ""
        kind = "optimistic mirror descent" if self.optimistic else "mirror descent"
        return (
            f"{kind.capitalize()}{subject}: {self.status.name} after {self.iterations} steps, "
            f"regret {self.last.max_regret:.1e} (last), {self.average.max_regret:.1e} (average)"
        )

    def __repr__(self) -> str:
        return f"<Learning: {self._title()}>"

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()
