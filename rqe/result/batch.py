"""Equilibria of many games of one shape, as arrays with a leading batch axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model.agent import make_agents
from .equilibrium import Equilibrium, FloatArray, read_only
from .status import Status
from .table import format_rows


@dataclass(frozen=True, eq=False, repr=False)
class BatchEquilibrium:
    """The fields of `Equilibrium` with a leading axis B, and a status each.

    Attributes
    ----------
    strategies, log_strategies : tuple of array (B, n_i)
    beliefs : tuple of array (B, n_j for j != i)
    payoffs, values, regret : array (B, N)
    residual : array (B,)
    status : tuple of Status, length B
    iterations : array (B,) of int
    method : str
    tau, epsilon : array (B, N)
    branch : tuple of {"principal", "unknown"}, length B

    Notes
    -----
    ``batch[b]`` is the `Equilibrium` of game b; ``len(batch)`` is B.
    """

    strategies: tuple[FloatArray, ...]
    log_strategies: tuple[FloatArray, ...]
    beliefs: tuple[FloatArray, ...]
    payoffs: FloatArray
    values: FloatArray
    regret: FloatArray
    residual: FloatArray
    status: tuple[Status, ...]
    iterations: np.ndarray[tuple[int], np.dtype[np.int64]]
    method: str
    tau: FloatArray
    epsilon: FloatArray
    branch: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.residual.shape[0])

    @property
    def converged(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which games were solved, (B,)."""
        return np.array([s is Status.CONVERGED for s in self.status], dtype=np.bool_)

    def __getitem__(self, b: int) -> Equilibrium:
        return Equilibrium(
            strategies=tuple(read_only(x[b]) for x in self.strategies),
            log_strategies=tuple(read_only(x[b]) for x in self.log_strategies),
            beliefs=tuple(read_only(p[b]) for p in self.beliefs),
            payoffs=read_only(self.payoffs[b]),
            values=read_only(self.values[b]),
            regret=read_only(self.regret[b]),
            residual=float(self.residual[b]),
            status=self.status[b],
            iterations=int(self.iterations[b]),
            method=self.method,
            agents=make_agents(self.tau[b], self.epsilon[b], self.tau.shape[1]),
            branch=self.branch[b],
        )

    def __repr__(self) -> str:
        return (
            f"<BatchEquilibrium: {len(self)} games, {int(self.converged.sum())} converged, "
            f"largest residual {float(np.max(self.residual, initial=0.0)):.1e}>"
        )

    def __str__(self) -> str:
        counts = [(s.name, sum(t is s for t in self.status)) for s in Status]
        return format_rows(("status", "games"), [c for c in counts if c[1]], repr(self)[1:-1])

    def _repr_html_(self) -> str:
        return f"<pre>{self}</pre>"
