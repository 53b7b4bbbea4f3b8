"""What fitted parameters say of games: those they were fitted on, or others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...model._checks import FloatArray
from ...model.normal_form import NormalFormGame
from ...result.fit import FitResult
from ...result.table import Table
from .data import Observation, check_data
from .fitting import fit
from .likelihood import Likelihood
from .parameters import layout


def predict(fitted: FitResult, game: NormalFormGame) -> tuple[FloatArray, ...]:
    """Play of any game at fitted parameters, on the principal branch.

    Parameters
    ----------
    fitted : FitResult
        With parameters common to all, or by role.
    game : NormalFormGame
        In the payoff units of the games that were fitted.

    Returns
    -------
    tuple of array (n_i,)

    Raises
    ------
    ValueError
        Parameters that belong to single games, or by role for another number of players; an
        equilibrium that was not found.

    Examples
    --------
    >>> import games
    >>> from rqe.analysis.estimation import Observation, fit, predict
    >>> play = games.selten_chmura_play(1)
    >>> fitted = fit(Observation(games.selten_chmura(1), play.counts), "qre")
    >>> [x.round(3).tolist() for x in predict(fitted, games.selten_chmura(2))]
    [[0.152, 0.848], [0.6, 0.4]]
    """
    seen = Observation(game, [np.ones(n) for n in game.shape])
    (play,) = _likelihood(fitted, (seen,)).at(fitted.estimates)
    if not play.solved[0]:
        raise ValueError(f"game must have an equilibrium that is found; {game.name} at {fitted!r}")
    return tuple(np.exp(z[0]) for z in play.log_strategies)


def score(fitted: FitResult, data: Any) -> Table:
    """How well fitted parameters predict observations, those of other games included.

    Parameters
    ----------
    fitted : FitResult
        With parameters common to all, or by role.
    data : Observation or sequence of Observation

    Returns
    -------
    Table
        One row a game: choices, log-likelihood, the same for each choice, and the squared distance
        ``1/2 sum_i |x_i - f_i|²`` to the observed frequencies (with two actions each, the squared
        distance in the plane of first-action probabilities that SC08 use).

    Raises
    ------
    ValueError
        As `predict`.

    Examples
    --------
    >>> import games
    >>> from rqe.analysis.estimation import Observation, fit, score
    >>> data = [Observation(games.selten_chmura(k), games.selten_chmura_play(k).counts)
    ...         for k in (1, 2)]
    >>> held_out = score(fit(data[0], "rqe"), data[1])
    >>> round(held_out.column("squared distance")[0], 3)
    0.013
    """
    observations = check_data(data)
    likelihood = _likelihood(fitted, observations)
    totals = likelihood(fitted.estimates[None]).by_game[0]
    rows = []
    for g, (o, play) in enumerate(zip(observations, likelihood.at(fitted.estimates), strict=True)):
        distance = 0.5 * sum(
            float(np.sum((np.exp(z[0]) - f) ** 2))
            for z, f in zip(play.log_strategies, o.frequencies, strict=True)
            if np.all(np.isfinite(f))
        )
        total = float(totals[g])
        name = o.game.name or f"game {g + 1}"
        rows.append((name, o.n_choices, total, total / o.n_choices, distance))
    columns = ("game", "choices", "log-likelihood", "a choice", "squared distance")
    return Table(columns, tuple(rows), title=f"predictions of {fitted!r}")


def cross_validate(
    data: Sequence[Observation],
    folds: Sequence[Sequence[int]],
    concept: str = "rqe",
    *,
    share: str = "all",
    progress: Callable[[int, int], None] | None = None,
) -> Table:
    """Fit on some games, predict the others, for every fold.

    Parameters
    ----------
    data : sequence of Observation
    folds : sequence of sequences of int
        Indices of the games held out, one sequence a fold.
    concept, share
        As for `fit`; ``share`` is ``"all"`` or ``"role"``: parameters of one game say nothing of
        another.
    progress : callable, optional
        Called with the number of folds done and their total.

    Returns
    -------
    Table
        One row a fold: games held out, log-likelihood of the training and of the held-out games,
        the latter for each choice, mean squared distance over the held-out games, and estimates.

    Raises
    ------
    ValueError
        A fold that is empty, holds out everything or games that are not there.

    Examples
    --------
    >>> import games
    >>> from rqe.analysis.estimation import Observation, cross_validate
    >>> data = [Observation(games.selten_chmura(k), games.selten_chmura_play(k).counts)
    ...         for k in (1, 2, 3)]
    >>> table = cross_validate(data, [[0], [1], [2]], "qre")
    >>> table.columns[:4]
    ('held out', 'trained', 'held-out', 'a choice')
    """
    observations = check_data(data)
    if share == "game":
        raise ValueError("share must be 'all' or 'role' to predict other games; got 'game'")
    everything = set(range(len(observations)))
    rows, names = [], layout(observations, concept, share).names
    for number, fold in enumerate(folds, start=1):
        out = set(fold)
        if not out or not out < everything:
            raise ValueError(
                f"folds must each hold out some, not all, of the games 0 to "
                f"{len(observations) - 1}; got {list(fold)}"
            )
        train = [observations[g] for g in sorted(everything - out)]
        held = [observations[g] for g in sorted(out)]
        fitted = fit(train, concept, share=share)
        scores = score(fitted, held)
        total = sum(scores.column("log-likelihood"))
        rows.append(
            (
                " ".join(str(g + 1) for g in sorted(out)),
                fitted.log_likelihood,
                total,
                total / sum(scores.column("choices")),
                float(np.mean(scores.column("squared distance"))),
                *fitted.estimates.tolist(),
            )
        )
        if progress is not None:
            progress(number, len(folds))
    columns = ("held out", "trained", "held-out", "a choice", "squared distance", *names)
    return Table(columns, tuple(rows), title=f"{concept}, share={share!r}: games counted from 1")


def _likelihood(fitted: FitResult, observations: tuple[Observation, ...]) -> Likelihood:
    """Of the fitted concept on other data."""
    if fitted.share == "game":
        raise ValueError("fitted must have common parameters or parameters by role; got by game")
    lay = layout(observations, fitted.concept, fitted.share)
    if lay.names != fitted.parameters:
        raise ValueError(
            f"fitted must have a parameter for each player; got {', '.join(fitted.parameters)} for "
            f"{observations[0].game.n_players} players"
        )
    return Likelihood(observations, fitted.concept, lay, "principal")
