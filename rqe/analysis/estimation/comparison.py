"""Whether a richer model is worth its parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from ...model._checks import FloatArray
from ...result.fit import FitResult
from ...result.table import Table


@dataclass(frozen=True)
class LikelihoodRatio:
    """Test of a restricted model within a full one.

    Attributes
    ----------
    statistic : float
        Twice the difference of the log-likelihoods.
    p_value : float
        If all choices are independent.
    factor : float
        How much dependence within groups multiplies the variance of what the restriction fixes;
        NaN where the full fit has no clustered covariance.
    adjusted, p_adjusted : float
        ``statistic / factor``, and its p-value.
    distribution : str
        What the statistic is compared with.
    """

    statistic: float
    p_value: float
    factor: float
    adjusted: float
    p_adjusted: float
    distribution: str

    def table(self) -> Table:
        """Two rows: independent choices, independent groups."""
        rows = (
            ("independent choices", self.statistic, self.p_value),
            ("independent groups", self.adjusted, self.p_adjusted),
        )
        columns = ("assuming", "likelihood ratio", "p-value")
        return Table(columns, rows, title=f"compared with {self.distribution}")

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def likelihood_ratio(restricted: FitResult, full: FitResult) -> LikelihoodRatio:
    """Likelihood-ratio test of nested models that were fitted to the same data.

    Parameters
    ----------
    restricted, full : FitResult
        QRE within RQE with the same ``share``; or one concept with ``share="all"`` within
        ``"role"`` or ``"game"``.

    Returns
    -------
    LikelihoodRatio

    Raises
    ------
    ValueError
        Fits of other data, or that are not nested in one of these ways.

    Notes
    -----
    QRE is the RQE with ``tau = 0``, on the boundary of what ``tau`` can be: for one ``tau`` the
    statistic is 0 in half of all samples, and its distribution the mixture 1/2 χ²(0) + 1/2 χ²(1).
    For one ``tau`` a game, weights are binomial; for two correlated ones, ``1/4 + asin(ρ)/2π``
    falls on χ²(2) and 1/2 on χ²(1); for more, 1/2 χ²(K-1) + 1/2 χ²(K) bounds the p-value from
    above.

    Choices within a group depend on each other, and the plain test then rejects far too often. The
    adjusted statistic divides by the mean ratio of clustered to model-based variances of the
    parameters that the restriction fixes: first-order, and exact for one parameter
    (RotnitzkyJewell90). The mixtures are those of SelfLiang87.

    Examples
    --------
    >>> import games
    >>> from rqe.analysis.estimation import Observation, fit, likelihood_ratio
    >>> data = [Observation(games.selten_chmura(k), games.selten_chmura_play(k).counts)
    ...         for k in (1, 7)]
    >>> test = likelihood_ratio(fit(data, "qre"), fit(data, "rqe"))
    >>> test.distribution, test.adjusted < test.statistic
    ('1/2 χ²(0) + 1/2 χ²(1)', True)
    """
    _check_nested(restricted, full)
    statistic = max(2.0 * (full.log_likelihood - restricted.log_likelihood), 0.0)
    if restricted.concept == full.concept:
        count = len(full.parameters) - len(restricted.parameters)
        factor = _factor(full, list(range(len(full.parameters))))
        weights, plain, name = {count: 1.0}, {count: 1.0}, f"χ²({count})"
    else:
        taus = [k for k, p in enumerate(full.parameters) if p.startswith("tau")]
        factor = _factor(full, taus)
        plain, name = _mixture(full, full.covariance, taus)
        weights, _ = _mixture(full, full.covariance_clustered, taus)
    adjusted = statistic / factor
    return LikelihoodRatio(
        statistic,
        _p_value(statistic, plain),
        factor,
        adjusted,
        _p_value(adjusted, weights) if math.isfinite(adjusted) else math.nan,
        name,
    )


def comparison(fits: list[FitResult]) -> Table:
    """Models of the same data side by side, the highest likelihood first.

    Parameters
    ----------
    fits : list of FitResult

    Returns
    -------
    Table
        Parameters, log-likelihood, AIC, BIC, and the share of the way from uniform play to the
        observed frequencies.

    Raises
    ------
    ValueError
        Fits of different data.

    Examples
    --------
    >>> import games
    >>> from rqe.analysis.estimation import Observation, comparison, fit
    >>> data = Observation(games.selten_chmura(1), games.selten_chmura_play(1).counts)
    >>> comparison([fit(data, c) for c in ("rqe", "qre", "nash")]).column("concept")
    ('rqe', 'qre', 'nash')
    """
    for other in fits[1:]:
        _check_same_data(fits[0], other)
    ranked = sorted(fits, key=lambda f: -f.log_likelihood)
    rows = tuple(
        (
            f.concept,
            f.share,
            len(f.parameters),
            round(f.log_likelihood, 2),
            round(f.aic, 1),
            round(f.bic, 1),
            round(f.explained, 4),
        )
        for f in ranked
    )
    columns = ("concept", "share", "parameters", "log-likelihood", "AIC", "BIC", "explained")
    return Table(columns, rows)


def _check_same_data(one: FitResult, other: FitResult) -> None:
    same = (
        one.games == other.games
        and one.choices == other.choices
        and math.isclose(one.saturated, other.saturated, rel_tol=1e-12)
    )
    if not same:
        raise ValueError("fits must be of the same data; they differ in games or counts")


def _check_nested(restricted: FitResult, full: FitResult) -> None:
    _check_same_data(restricted, full)
    pair = (restricted.concept, full.concept), (restricted.share, full.share)
    tau = pair[0] == ("qre", "rqe") and pair[1][0] == pair[1][1]
    shared = pair[0][0] == pair[0][1] and pair[1] in (("all", "role"), ("all", "game"))
    if not tau and not shared:
        raise ValueError(
            "restricted must be the QRE fit with full's share, or full's concept with share='all'; "
            f"got {restricted.concept!r} by {restricted.share!r} within {full.concept!r} by "
            f"{full.share!r}"
        )


def _factor(full: FitResult, which: list[int]) -> float:
    """Mean ratio of the clustered to the model-based variance, over directions of ``which``."""
    known = [k for k in which if np.isfinite(full.covariance_clustered[k, k])]
    if not known:
        return math.nan
    here = np.ix_(known, known)
    ratio = np.linalg.solve(full.covariance[here], full.covariance_clustered[here])
    return float(np.trace(ratio)) / len(known)


def _mixture(
    full: FitResult, covariance: FloatArray, taus: list[int]
) -> tuple[dict[int, float], str]:
    """Weights of χ² by degrees of freedom, for K parameters on the boundary."""
    count = len(taus)
    if count == 1:
        return {0: 0.5, 1: 0.5}, "1/2 χ²(0) + 1/2 χ²(1)"
    if full.share == "game":
        weights = {k: math.comb(count, k) / 2.0**count for k in range(count + 1)}
        return weights, f"Σ binomial({count}, 1/2) χ²(k)"
    block = covariance[np.ix_(taus, taus)]
    if count == 2 and np.all(np.isfinite(block)):
        rho = float(block[0, 1] / math.sqrt(block[0, 0] * block[1, 1]))
        both = 0.25 + math.asin(rho) / (2.0 * math.pi)
        name = f"{0.5 - both:.3f} χ²(0) + 1/2 χ²(1) + {both:.3f} χ²(2)"
        return {0: 0.5 - both, 1: 0.5, 2: both}, name
    return {count - 1: 0.5, count: 0.5}, f"1/2 χ²({count - 1}) + 1/2 χ²({count}), an upper bound"


def _p_value(statistic: float, weights: dict[int, float]) -> float:
    """Share of samples with a statistic at least this large."""
    return sum(
        weight * (float(statistic <= 0.0) if k == 0 else float(chdtrc(k, statistic)))
        for k, weight in weights.items()
    )
