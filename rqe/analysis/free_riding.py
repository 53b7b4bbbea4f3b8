"""Degrees of free-riding, and where risk aversion ends it in symmetric games (SRA Theorem 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model._checks import FloatArray
from ..model.normal_form import CollaborativeGame, NormalFormGame
from ..result.equilibrium import EquilibriumSet
from ..result.path import Bifurcation, Branch, Path
from ..solvers.enumeration import enumerate_rqe
from ._symmetric import APART, asymmetry, check_symmetric, is_asymmetric, meetings
from .free_riding_bound import sizes
from .path_refinement import largest_parameter, sharpened, trace

REACH = 2.0
"""The interval's first end, as a multiple of ``1 / epsilon``."""
EXTENSIONS = 6
"""Times that the interval is doubled while asymmetric RQE live on at its end."""
AGAIN = 3
"""Values of ``tau`` beyond a threshold at which equilibria are enumerated once more."""


def degree(game: CollaborativeGame, profile: Any) -> float:
    r"""Degree of free-riding: how much more of the private costs one player bears than another.

    .. math:: \delta = \max_i E\,c_i(a_i) - \min_i E\,c_i(a_i)
                     = \max_{i, j} |E\,c_i(a_i) - E\,c_j(a_j)|

    For two players that is SRA's ``|E c(a_1) - E c(a_2)|``. For more, the largest difference of
    two players is the generalisation of which the theorem still holds, with the same constant
    (`proven_threshold`): its proof compares one player with one other. A standard deviation is at
    most half of it, and shrinks with the number of players while one of them rides on all others.

    Parameters
    ----------
    game : CollaborativeGame
        Any number of players, symmetric or not.
    profile : Equilibrium, EquilibriumSet, or sequence of N arrays (n_i,)
        Of a set, the degree is the largest of its members'.

    Returns
    -------
    float
        In payoff units, >= 0.

    Raises
    ------
    ValueError
        `game` is not collaborative, the profile does not fit it, or the set is empty.

    Examples
    --------
    >>> import games, rqe
    >>> game = games.free_riding()
    >>> degree(game, [[1.0, 0.0], [0.25, 0.75]])
    0.30000000000000004
    >>> round(degree(game, rqe.enumerate_rqe(game, tau=0.5, epsilon=0.2)), 6)
    0.22494
    """
    sizes(game)  # refuses what has no private costs
    if isinstance(profile, EquilibriumSet):
        if not len(profile):
            raise ValueError("profile must hold an equilibrium; got an empty set")
        return max(degree(game, eq) for eq in profile)
    try:
        given = tuple(np.asarray(x, dtype=np.float64) for x in profile)
    except (TypeError, ValueError):
        given = ()
    if tuple(x.shape for x in given) != tuple((n,) for n in game.shape):
        raise ValueError(
            f"profile must be {game.n_players} strategies, of {game.shape} actions; got {profile!r}"
        )
    if any(not np.all(x >= 0.0) or abs(x.sum() - 1.0) > 1e-6 for x in given):
        raise ValueError(f"profile must be probabilities that sum to 1; got {profile!r}")
    return float(_degrees(game, [x[None] for x in given])[0])


def _degrees(game: CollaborativeGame, strategies: Sequence[FloatArray]) -> FloatArray:
    """Degrees (T,) of many profiles, one array (T, n_i) a player."""
    costs = np.array([x @ c for x, c in zip(strategies, game.costs, strict=True)])
    return np.asarray(np.ptp(costs, axis=0))


@dataclass(frozen=True, eq=False, repr=False)
class Threshold:
    """The largest ``tau`` with an asymmetric RQE, and what shows it.

    Attributes
    ----------
    epsilon : float
        Common degree of bounded rationality, in payoff units.
    tau : float
        The threshold, in 1/payoff units; NaN where there is no asymmetric RQE at any ``tau``.
    kind : {"fold", "pitchfork", "transcritical", "multiple", "none"}
        In what the last asymmetric RQE ends: two of them annihilate each other in a fold, or they
        merge with a symmetric one.
    pitchfork : float
        The largest ``tau`` at which an asymmetric branch leaves a symmetric one; NaN if none does.
        Less than ``tau`` where the pitchfork is subcritical.
    strategies : tuple of array (n,)
        The profile at the threshold; empty where there is none.
    degree : float
        Its degree of free-riding; NaN where the game has no private costs.
    residual, regret : float
        Of that profile, as an equilibrium.
    searched : float
        The end of the interval traced: up to there no asymmetric RQE was found beyond ``tau``.
    path : Path
        The branches.
    """

    epsilon: float
    tau: float
    kind: str
    pitchfork: float
    strategies: tuple[FloatArray, ...]
    degree: float
    residual: float
    regret: float
    searched: float
    path: Path

    def __repr__(self) -> str:
        if self.kind == "none":
            return f"<Threshold: no asymmetric RQE at epsilon = {self.epsilon:g}>"
        return f"<Threshold: tau = {self.tau:.10g}, a {self.kind}, at epsilon = {self.epsilon:g}>"


def threshold(
    game: NormalFormGame, epsilon: float, *, stop: float | None = None, seed: Any = 0
) -> Threshold:
    """The largest ``tau`` at which a symmetric game has an asymmetric RQE.

    All branches from ``tau = 0`` on are traced (`rqe.trace_rqe`), with those through equilibria
    enumerated at several ``tau``, up to twice the value at which the theorem's two-action form
    (`sharp_threshold`) has half of the largest degree left, and twice as far as long as
    asymmetric RQE live on there. There is always an end: as ``tau`` grows, every player's reply
    tends to the one strategy that is best against the worst, whoever the partners are. Beyond the
    threshold equilibria are enumerated again, for branches that no other leads to.

    Parameters
    ----------
    game : NormalFormGame
        Symmetric, of two or more players.
    epsilon : float > 0
        Common degree of bounded rationality, in payoff units.
    stop : float, optional
        Where to stop, in 1/payoff units; by default found as described.
    seed : int, Generator or SeedSequence
        Of the enumerations.

    Returns
    -------
    Threshold
        Of a fold or branch point, located to about 1e-12. That nothing lies beyond is as certain
        as the enumeration is complete.

    Raises
    ------
    ValueError
        The game is not symmetric, an argument is out of range, or asymmetric RQE live on at
        `stop`.
    ConvergenceError
        A branch was lost.

    Examples
    --------
    >>> import games
    >>> threshold(games.free_riding(), 0.2)
    <Threshold: tau = 0.8287886937, a pitchfork, at epsilon = 0.2>
    >>> threshold(games.free_riding(), 0.1)
    <Threshold: tau = 3.922708354, a fold, at epsilon = 0.1>
    """
    check_symmetric(game)
    if not isinstance(epsilon, (int, float)) or not 0.0 < epsilon < np.inf:
        raise ValueError(f"epsilon must be a finite number > 0; got {epsilon!r}")
    given = stop is not None
    stop = REACH / epsilon if stop is None else stop
    at: list[float] | None = None
    for _ in range(EXTENSIONS + AGAIN):
        path = trace(game, start=0.0, stop=stop, epsilon=epsilon, at=at, seed=seed)
        last = _last(path)
        if last is None or not _lives_on(*last[1:]):
            missed = _beyond(game, epsilon, 0.0 if last is None else last[0], stop, seed)
            if missed is None:
                return _threshold(game, epsilon, path, last)
            at = [*(np.linspace(0.0, stop, 5).tolist() if at is None else at), missed]
        elif given or stop >= REACH * 2.0**EXTENSIONS / epsilon:
            raise ValueError(
                f"stop must lie beyond the last asymmetric RQE; there are some at {stop:g}"
            )
        else:
            stop, at = 2.0 * stop, None
    raise ValueError(f"stop must be given for this game: asymmetric RQE turn up as far as {stop:g}")


def _beyond(
    game: NormalFormGame, epsilon: float, tau: float, stop: float, seed: Any
) -> float | None:
    """A ``tau`` beyond a threshold at which an asymmetric RQE is found after all."""
    unit = 1.0 / max(float(game.payoff_ranges.max()), 1.0 / stop)
    inner = np.geomspace(tau + unit, stop + unit, AGAIN + 2)[1:-1] - unit
    for t in inner.tolist():
        found = enumerate_rqe(game, t, epsilon, follow=False, seed=seed)
        if any(float(asymmetry([x[None] for x in eq])[0]) > APART for eq in found):
            return float(t)
    return None


def _last(path: Path) -> tuple[float, Branch, int] | None:
    """The largest parameter of any asymmetric branch, the branch, and the point's number."""
    found = [
        (float(branch.parameter.max()), branch, int(np.argmax(branch.parameter)))
        for branch in path.branches
        if is_asymmetric(branch)
    ]
    return max(found, key=lambda last: last[0], default=None)


def _lives_on(branch: Branch, k: int) -> bool:
    """Whether a branch is cut off at its largest parameter by the end of the interval."""
    return (k == 0 and branch.ends[0] == "boundary") or (
        k == len(branch) - 1 and branch.ends[1] == "boundary"
    )


def _threshold(
    game: NormalFormGame, epsilon: float, path: Path, last: tuple[float, Branch, int] | None
) -> Threshold:
    nan = float("nan")
    if last is None:
        return Threshold(epsilon, nan, "none", nan, (), nan, nan, nan, path.stop, path)
    tau, branch, k = last
    profile = np.concatenate([x[k] for x in branch.strategies])

    def distance(b: Bifurcation) -> float:
        gap = float(np.abs(np.concatenate(b.strategies) - profile).max())
        return gap + abs(b.parameter - tau) / tau

    # a branch may pass a pitchfork from one side to its mirror image: not every turn is a fold
    here = sharpened(game, path, min(path.bifurcations, key=distance))
    spread = degree(game, here.strategies) if isinstance(game, CollaborativeGame) else nan
    forks = meetings(path)
    return Threshold(
        epsilon=float(epsilon),
        tau=here.parameter,
        kind=here.kind,
        pitchfork=sharpened(game, path, forks[-1]).parameter if forks else nan,
        strategies=here.strategies,
        degree=spread,
        residual=here.residual,
        regret=float(branch.regret[k]),
        searched=path.stop,
        path=path,
    )


def last_tau(game: CollaborativeGame, path: Path, delta: float) -> float | None:
    """The largest ``tau`` of a traced path with an RQE that free-rides at least ``delta``.

    Parameters
    ----------
    game : CollaborativeGame
    path : Path
        Of that game, traced along ``tau``, for instance a `Threshold`'s.
    delta : float > 0
        Degree of free-riding, in payoff units.

    Returns
    -------
    float or None
        Solved to rounding between the points of the path; None where no RQE free-rides so much.

    Raises
    ------
    ValueError
        The path is not along ``tau``, or ``delta`` not a number > 0.

    Examples
    --------
    >>> import games
    >>> game = games.free_riding()
    >>> round(last_tau(game, threshold(game, 0.2).path, 0.2), 6)
    0.60918
    """
    if path.parameter != "tau":
        raise ValueError(f"path must be along tau; got one along {path.parameter}")
    if not 0.0 < delta < np.inf:
        raise ValueError(f"delta must be a finite number > 0; got {delta!r}")
    sizes(game)
    return largest_parameter(
        game, path, lambda strategies: _degrees(game, strategies) - float(delta)
    )
