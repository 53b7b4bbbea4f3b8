"""Degrees of risk aversion and bounded rationality estimated from choices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from .equilibrium import FloatArray
from .status import Status
from .table import Table


@dataclass(frozen=True, eq=False, repr=False)
class FitResult:
    """Maximum-likelihood estimates and what can be said of them.

    Attributes
    ----------
    concept : {"rqe", "qre", "nash"}
    share : {"all", "role", "game"}
        Who has the same degrees.
    select : {"principal", "best"}
        Which equilibrium was fitted where there are several.
    parameters : tuple of str, length K
        ``tau`` in 1/payoff units, ``epsilon`` in payoff units, ``eta`` a probability; with the
        player or the observation (counted from 1) where they are not common.
    estimates : array (K,)
    boundary : tuple of {"", "0", "inf", "1"}, length K
        Where the likelihood rises all the way to a limit of the parameter, that limit. The estimate
        is then 0 for ``tau -> 0``, else the last value that was tried, and has no standard error.
    covariance : array (K, K)
        Inverse of the observed information; NaN in the rows of parameters at a limit, and
        throughout where the data do not identify the parameters.
    covariance_clustered : array (K, K)
        The sandwich that allows for any dependence within an independent group.
    level : float
        Of the profile-likelihood intervals.
    profile, profile_clustered : array (K, 2)
        Ends of those intervals: independent choices, and the likelihood ratio scaled by the
        variance that clustering adds; NaN where they were not asked for.
    log_likelihood : float
        ``sum counts log x``, without the multinomial coefficients, which no parameter enters.
    by_game : array (G,)
    uniform, saturated : float
        Log-likelihood of uniform play, and of each game's own observed frequencies: no concept
        that predicts one frequency a game, role and action does better.
    choices : float
    groups : int
        Independent groups.
    games : tuple of str, length G
    seats : array (G,)
        Players of each game.
    strategies, observed : tuple of array (n_i,)
        Fitted and observed frequencies: the players of the first game, then of the second.
    branch : tuple of str, length G
        Which equilibrium of each game was fitted: ``"principal"``, ``"best of 3"`` ...;
        ``"unique"`` where a Nash equilibrium is known to be the only one.
    status : Status
        Whether the climb converged.
    starts, reached : int
        Starts tried, and how many of them came to the reported likelihood.
    iterations : int
        Parameter vectors at which the likelihood was computed.
    notes : tuple of str
        What a reader should know.

    Notes
    -----
    ``fit["tau"]`` is the estimate of that name.
    """

    concept: str
    share: str
    select: str
    parameters: tuple[str, ...]
    estimates: FloatArray
    boundary: tuple[str, ...]
    covariance: FloatArray
    covariance_clustered: FloatArray
    level: float
    profile: FloatArray
    profile_clustered: FloatArray
    log_likelihood: float
    by_game: FloatArray
    uniform: float
    saturated: float
    choices: float
    groups: int
    games: tuple[str, ...]
    seats: FloatArray
    strategies: tuple[FloatArray, ...]
    observed: tuple[FloatArray, ...]
    branch: tuple[str, ...]
    status: Status
    starts: int
    reached: int
    iterations: int
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> float:
        if name not in self.parameters:
            raise ValueError(f"name must be one of {', '.join(self.parameters)}; got {name!r}")
        return float(self.estimates[self.parameters.index(name)])

    @property
    def converged(self) -> bool:
        """Whether the climb converged."""
        return self.status is Status.CONVERGED

    @property
    def standard_errors(self) -> FloatArray:
        """From the observed information, (K,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def standard_errors_clustered(self) -> FloatArray:
        """Allowing for dependence within groups, (K,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance_clustered)))

    @property
    def lam(self) -> FloatArray:
        """Precision ``1 / epsilon`` of every ``epsilon``, in order; empty for Nash."""
        pairs = zip(self.parameters, self.estimates, strict=True)
        return np.array([1.0 / value for name, value in pairs if name.startswith("epsilon")])

    @property
    def aic(self) -> float:
        """Akaike's criterion, ``2 K - 2 log L``: smaller is better."""
        return 2.0 * len(self.parameters) - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion with the number of choices, ``K log n - 2 log L``."""
        return len(self.parameters) * math.log(self.choices) - 2.0 * self.log_likelihood

    @property
    def explained(self) -> float:
        """Share of the way from uniform play (0) to the observed frequencies (1), in likelihood."""
        room = self.saturated - self.uniform
        return (self.log_likelihood - self.uniform) / room if room > 0.0 else math.nan

    def wald(self, level: float = 0.95, *, clustered: bool = True) -> FloatArray:
        """Intervals ``estimate ± z × standard error``, taken on the log (``eta``: logit) scale.

        Parameters
        ----------
        level : float in (0, 1)
        clustered : bool
            Which standard errors.

        Returns
        -------
        array (K, 2)
            NaN where there is no standard error.

        Raises
        ------
        ValueError
            `level` out of range.
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"level must be in (0, 1); got {level!r}")
        z = NormalDist().inv_cdf(0.5 + 0.5 * level)
        errors = self.standard_errors_clustered if clustered else self.standard_errors
        out = np.full((len(self.parameters), 2), math.nan)
        for k, (name, value, error) in enumerate(
            zip(self.parameters, self.estimates, errors, strict=True)
        ):
            if not math.isfinite(error):
                continue
            for end, sign in enumerate((-1.0, 1.0)):
                if name.startswith("eta"):
                    odds = value / (1.0 - value)
                    odds *= math.exp(min(sign * z * error / (value * (1.0 - value)), 700.0))
                    out[k, end] = odds / (1.0 + odds)
                else:
                    out[k, end] = value * math.exp(min(sign * z * error / value, 700.0))
        return out

    def table(self) -> Table:
        """One row a parameter: estimate, standard errors, intervals, limit; ``lam`` for QRE."""
        wald = self.wald(self.level, clustered=True)
        profiled = bool(np.isfinite(self.profile_clustered).any())
        ends = self.profile_clustered if profiled else wald
        kind = "profile" if profiled else "Wald"
        share = f"{100.0 * self.level:g}% {kind}"
        columns = (
            "parameter",
            "estimate",
            "s.e.",
            "clustered s.e.",
            f"{share} from",
            "to",
            "limit",
        )
        rows: list[tuple[Any, ...]] = []
        for k, name in enumerate(self.parameters):
            errors = (self.standard_errors[k], self.standard_errors_clustered[k])
            cells = [_short(v) for v in (self.estimates[k], *errors, *ends[k])]
            limit = f"-> {self.boundary[k]}" if self.boundary[k] else ""
            rows.append((name, *cells, limit))
            if self.concept == "qre":
                value = float(self.estimates[k])
                inverse = [1.0 / value, *(float(e) / value**2 for e in errors)]
                between = [math.inf if v == 0.0 else 1.0 / v for v in ends[k][::-1]]
                rows.append(
                    (name.replace("epsilon", "lam"), *map(_short, (*inverse, *between)), "")
                )
        return Table(columns, tuple(rows), title=self._title())

    def predictions(self) -> Table:
        """Observed against fitted frequency of every action but each player's last."""
        rows, place = [], 0
        for g, name in enumerate(self.games):
            for i in range(int(self.seats[g])):
                seen, fitted = self.observed[place], self.strategies[place]
                for a in range(len(fitted) - 1):
                    rows.append((name, i + 1, a + 1, float(seen[a]), float(fitted[a])))
                place += 1
        return Table(("game", "player", "action", "observed", "fitted"), tuple(rows))

    def of_game(self, game: int) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
        """Fitted and observed frequencies of one game, counted from 0, a vector a player."""
        ends = np.cumsum(self.seats.astype(int))
        here = slice(int(ends[game] - self.seats[game]), int(ends[game]))
        return self.strategies[here], self.observed[here]

    def _title(self) -> str:
        name = {"rqe": "RQE", "qre": "logit QRE", "nash": "Nash with uniform noise"}[self.concept]
        who = {"all": "common parameters", "role": "parameters by role", "game": "by game"}
        way = f"{100.0 * self.explained:.1f}% of the way from uniform play to the frequencies"
        return (
            f"{name}, {who[self.share]}, {_count(len(self.games), 'game')}, "
            f"{_count(self.groups, 'group')}, {self.choices:g} choices: "
            f"log-likelihood {self.log_likelihood:.2f}, AIC {self.aic:.1f}, BIC {self.bic:.1f}"
            f"{'' if math.isnan(self.explained) else ', ' + way}; {self.status.name}"
        )

    def __repr__(self) -> str:
        pairs = zip(self.parameters, self.estimates, strict=True)
        values = ", ".join(f"{name} {value:.5g}" for name, value in pairs)
        return (
            f"<FitResult: {self.concept}, {values}, log-likelihood {self.log_likelihood:.2f}, "
            f"{self.status.name}>"
        )

    def __str__(self) -> str:
        return "\n".join([str(self.table()), *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return self.table()._repr_html_() + notes


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _short(value: Any) -> float | None:
    """Six digits; nothing in place of what is not known."""
    return None if math.isnan(value) else float(f"{float(value):.6g}")
