"""Maximum likelihood of degrees of risk aversion and bounded rationality from choice counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...model._checks import FloatArray, whole
from ...result.equilibrium import read_only
from ...result.fit import FitResult
from ...result.status import Status
from ...solvers._validate import check_choice
from .block import Block, add_errors, add_profiles, fit_block
from .data import Observation, check_data
from .likelihood import Likelihood
from .parameters import CONCEPTS, SHARES, Layout, layout
from .play import SELECTIONS, fit_of


def fit(
    data: Any,
    concept: str = "rqe",
    *,
    share: str = "all",
    select: str = "principal",
    profile: bool = False,
    level: float = 0.95,
    start: Any = None,
    max_steps: int = 200,
    progress: Callable[[int, int], None] | None = None,
) -> FitResult:
    """Estimate players' degrees from how often they chose what.

    Parameters
    ----------
    data : Observation or sequence of Observation
        Games in the same payoff units, any shapes.
    concept : {"rqe", "qre", "nash"}
        ``rqe``: ``tau`` (1/payoff units) and ``epsilon`` (payoff units). ``qre``: logit QRE, the
        RQE at ``tau = 0``; ``epsilon`` is estimated and ``lam = 1 / epsilon`` reported beside it.
        ``nash``: with probability ``1 - eta`` a player plays the game's Nash equilibrium, with
        probability ``eta`` each action equally likely.
    share : {"all", "role", "game"}
        One value of each degree for everybody, one for each role (player of the game), or one for
        each observation.
    select : {"principal", "best"}
        Which equilibrium, where there are several: the principal branch (for ``nash``, its limit at
        ``epsilon = 0``), or, at every trial value, of all that `enumerate_rqe` (`solve_nash`) finds
        the one that fits the game's counts best. The second is slow, and takes the choice of branch
        from the data.
    profile : bool
        Compute profile-likelihood intervals as well.
    level : float in (0, 1)
        Of the profile intervals and of the printed ones.
    start : sequence of K floats, optional
        A first guess in place of the grid of starts.
    max_steps : int >= 1
        Bound on the scoring steps of each climb.
    progress : callable, optional
        Called with the number of climbs done and their total.

    Returns
    -------
    FitResult
        With ``status`` MAX_STEPS if the climb did not converge, and notes on whatever a reader of
        the numbers should know: limits, parameters that the data do not identify, branches.

    Raises
    ------
    ValueError
        An argument out of range or of the wrong shape, or no start at which every game is solved.

    Notes
    -----
    Fisher scoring on the logarithms of the degrees (``eta``: the logit), with exact derivatives of
    equilibrium play by the implicit function theorem, from up to three local maxima of a grid that
    spans ``tau × range`` in [0.1, 316] and ``epsilon / range`` in [0.01, 16]; the search ends at
    1e-4 and 1e4, 1e-3 and 1e3. An RQE fit is also compared with its QRE: ``tau = 0`` is reported
    where no positive one is better. Observed information: central differences of the exact score.
    Clustered: ``H^-1 (Σ_g s_g s_g^T) H^-1 × G / (G - 1)`` over all G independent groups, those of
    the one observation where ``share="game"``. MP95 introduced the maximum-likelihood use of QRE.

    Examples
    --------
    >>> import games, numpy as np
    >>> from rqe.analysis.estimation import Observation, fit
    >>> play = games.selten_chmura_play(1)
    >>> result = fit(Observation(games.selten_chmura(1), play.counts), "qre")
    >>> result
    <FitResult: qre, epsilon 0.81348, log-likelihood -8769.69, CONVERGED>
    """
    observations = check_data(data)
    check_choice("concept", concept, tuple(CONCEPTS))
    check_choice("share", share, SHARES)
    check_choice("select", select, SELECTIONS)
    if not isinstance(level, (int, float)) or not 0.0 < level < 1.0:
        raise ValueError(f"level must be in (0, 1); got {level!r}")
    whole(max_steps, "max_steps")
    design = layout(observations, concept, share)
    first = _check_start(start, design)
    parts = [(o,) for o in observations] if share == "game" else [observations]
    of_part = _parameters_of_parts(design, len(parts))
    blocks = []
    for part, index in zip(parts, of_part, strict=True):
        inner = "all" if share == "game" else share
        problem = Likelihood(part, concept, layout(part, concept, inner), select)
        block = fit_block(problem, None if first is None else first[index], max_steps)
        add_errors(block)
        if profile:
            add_profiles(block, level)
        blocks.append(block)
        if progress is not None:
            progress(len(blocks), len(parts))
    return _assemble(observations, concept, share, select, level, design, blocks, of_part)


def _check_start(start: Any, design: Layout) -> FloatArray | None:
    if start is None:
        return None
    count = len(design.names)
    valid = f"{count} positive numbers, for {', '.join(design.names)}"
    try:
        array = np.asarray(start, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"start must be {valid}; got {start!r}") from None
    if array.shape != (count,) or not np.all(np.isfinite(array) & (array > 0.0)):
        raise ValueError(f"start must be {valid}; got {start!r}")
    return np.clip(array, design.lower, design.upper)


def _parameters_of_parts(design: Layout, parts: int) -> list[Any]:
    """Which of all parameters belong to each part: degree by degree, part by part."""
    return list(np.arange(len(design.names)).reshape(-1, parts).T)


def _assemble(
    data: tuple[Observation, ...],
    concept: str,
    share: str,
    select: str,
    level: float,
    design: Layout,
    blocks: list[Block],
    of_part: list[Any],
) -> FitResult:
    """One record of all blocks."""
    count = len(design.names)
    estimates, boundary = np.empty(count), [""] * count
    covariance, clustered = np.zeros((count, count)), np.zeros((count, count))
    profile, profile_clustered = np.empty((count, 2)), np.empty((count, 2))
    plays, by_game, notes = [], [], []
    for number, (block, index) in enumerate(zip(blocks, of_part, strict=True), start=1):
        estimates[index] = block.peak.values
        covariance[np.ix_(index, index)] = block.covariance
        clustered[np.ix_(index, index)] = block.clustered
        profile[index], profile_clustered[index] = block.profile, block.profile_clustered
        for k, limit in zip(index, block.boundary, strict=True):
            boundary[k] = limit
        plays += block.likelihood.at(block.peak.values)
        by_game += block.likelihood(block.peak.values[None]).by_game[0].tolist()
        prefix = f"game {number}: " if len(blocks) > 1 else ""
        notes += [prefix + note for note in block.notes]
    branch = tuple(play.branches[0] for play in plays)
    lost = [g + 1 for g, name in enumerate(branch) if name == "unknown"]
    if lost:
        notes.append(f"the branch of games {lost} is not known to be the principal one")
    converged = all(block.peak.converged for block in blocks)
    choices = sum(o.n_choices for o in data)
    return FitResult(
        concept=concept,
        share=share,
        select=select,
        parameters=design.names,
        estimates=read_only(estimates),
        boundary=tuple(boundary),
        covariance=read_only(covariance),
        covariance_clustered=read_only(clustered),
        level=float(level),
        profile=read_only(profile),
        profile_clustered=read_only(profile_clustered),
        log_likelihood=float(np.sum(by_game)),
        by_game=read_only(by_game),
        uniform=float(sum(-t.sum() * np.log(t.size) for o in data for t in o.totals)),
        saturated=float(sum(_saturated(o) for o in data)),
        choices=choices,
        groups=sum(o.n_groups for o in data),
        games=tuple(o.game.name or f"game {g}" for g, o in enumerate(data, start=1)),
        seats=read_only([o.game.n_players for o in data]),
        strategies=tuple(read_only(np.exp(z[0])) for play in plays for z in play.log_strategies),
        observed=tuple(read_only(f) for o in data for f in o.frequencies),
        branch=branch,
        status=Status.CONVERGED if converged else Status.MAX_STEPS,
        starts=sum(block.starts for block in blocks),
        reached=sum(block.reached for block in blocks),
        iterations=sum(block.likelihood.evaluations for block in blocks),
        notes=tuple(notes),
    )


def _saturated(observation: Observation) -> float:
    """Log-likelihood of the observed frequencies themselves."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = [np.log(f) for f in observation.frequencies]
    return float(fit_of(observation, logs))
