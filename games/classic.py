"""Classic games of the textbooks, and random ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rqe import NormalFormGame

from ._checks import number, whole

MAX_PAYOFFS, MAX_PLAYERS = 500_000_000, 63
"""Largest random game: four gigabytes, in an array with an axis a player and one more."""


def prisoners_dilemma() -> NormalFormGame:
    """Prisoner's dilemma: defecting is dominant, cooperating better for both.

    Returns
    -------
    NormalFormGame
        Actions C and D. Payoffs, row player: ``[[3, 0], [5, 1]]``; the game is symmetric.

    Notes
    -----
    Nash equilibrium: (D, D), in strictly dominant strategies. Source: AxelrodHamilton81 for the
    payoffs.

    Examples
    --------
    >>> import games
    >>> print(games.prisoners_dilemma())
    prisoner's dilemma: 2 players, 2 x 2 actions
             C     D
      C   3, 3  0, 5
      D   5, 0  1, 1
    """
    return _symmetric([[3, 0], [5, 1]], ["C", "D"], "prisoner's dilemma")


def stag_hunt() -> NormalFormGame:
    """Stag hunt: the better equilibrium is the riskier.

    Returns
    -------
    NormalFormGame
        Actions "stag" and "hare". Payoffs, row player: ``[[4, 0], [3, 3]]``; symmetric.

    Notes
    -----
    Nash equilibria: (stag, stag), (hare, hare), and the mixed one with stag at probability 3/4.
    Maximin: hare. Source: Skyrms04 for the game; with these payoffs (stag, stag) stays an RQE at
    every finite ``tau`` for ``epsilon`` small enough.

    Examples
    --------
    >>> import games
    >>> games.stag_hunt().payoffs[0]
    array([[4., 0.],
           [3., 3.]])
    """
    return _symmetric([[4, 0], [3, 3]], ["stag", "hare"], "stag hunt")


def chicken() -> NormalFormGame:
    """Chicken: each wants the other to give way, and neither a crash.

    Returns
    -------
    NormalFormGame
        Actions "swerve" and "dare". Payoffs, row player: ``[[6, 2], [7, 0]]``; symmetric.

    Notes
    -----
    Nash equilibria: (swerve, dare), (dare, swerve), and the mixed one with swerve at probability
    2/3. Source: RapoportChammah66 for the game; these payoffs are one usual choice.

    Examples
    --------
    >>> import games
    >>> games.chicken().payoffs[0]
    array([[6., 2.],
           [7., 0.]])
    """
    return _symmetric([[6, 2], [7, 0]], ["swerve", "dare"], "chicken")


def mckelvey_mclennan() -> NormalFormGame:
    """Three players, two actions, nine Nash equilibria: the most that regular such games have.

    Returns
    -------
    NormalFormGame
        Actions "1" and "2". Payoffs (9, 8, 12) at (1, 1, 1), (9, 8, 2) at (2, 2, 1), (3, 4, 6) at
        (2, 1, 2) and (1, 2, 2); nothing at the other profiles.

    Notes
    -----
    Nash equilibria: the four profiles that pay, two totally mixed and three in which one player
    plays pure. Their logit equilibria at ``epsilon`` below 1.07 lie on six branches, of which the
    principal one is crossed by another at ``epsilon = 1.6757``. Source: MM97; payoffs as in
    Gambit's collection of games, 2x2x2.nfg.

    Examples
    --------
    >>> import games
    >>> games.mckelvey_mclennan().payoffs[2][:, :, 0]
    array([[12.,  0.],
           [ 0.,  2.]])
    """
    payoffs = np.zeros((3, 2, 2, 2))
    payoffs[:, 0, 0, 0], payoffs[:, 1, 1, 0] = (9, 8, 12), (9, 8, 2)
    payoffs[:, 1, 0, 1] = payoffs[:, 0, 1, 1] = (3, 4, 6)
    return NormalFormGame(
        list(payoffs), actions=[["1", "2"]] * 3, name="McKelvey and McLennan's game"
    )


def battle_of_the_sexes() -> NormalFormGame:
    """Battle of the sexes: both want to meet, each at its own favourite.

    Returns
    -------
    NormalFormGame
        Actions "Bach" and "Stravinsky". Payoffs, row: ``[[2, 0], [0, 1]]``; column:
        ``[[1, 0], [0, 2]]``.

    Notes
    -----
    Nash equilibria: (Bach, Bach), (Stravinsky, Stravinsky), and the mixed one where each plays its
    own favourite with probability 2/3. Source: OsborneRubinstein94 ("Bach or Stravinsky?").

    Examples
    --------
    >>> import games
    >>> games.battle_of_the_sexes().payoffs[1]
    array([[1., 0.],
           [0., 2.]])
    """
    return NormalFormGame(
        [[[2, 0], [0, 1]], [[1, 0], [0, 2]]],
        actions=[["Bach", "Stravinsky"]] * 2,
        name="battle of the sexes",
    )


def matching_pennies() -> NormalFormGame:
    """Matching pennies: the row player wants to match, the column player not to.

    Returns
    -------
    NormalFormGame
        Actions "heads" and "tails". Payoffs, row: ``[[1, -1], [-1, 1]]``; zero-sum.

    Notes
    -----
    Nash equilibrium: both play each action with probability 1/2; value 0.
    Source: OsborneRubinstein94.

    Examples
    --------
    >>> import games
    >>> games.matching_pennies().payoffs[0]
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    row = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return NormalFormGame([row, -row], actions=[["heads", "tails"]] * 2, name="matching pennies")


def asymmetric_matching_pennies(x: float = 9.0) -> NormalFormGame:
    """Asymmetric matching pennies: one cell pays the row player `x`.

    Raising `x` moves the row player in experiments, although the Nash equilibrium says that only
    the column player should move.

    Parameters
    ----------
    x : float > 0
        The row player's payoff at the first action of both; 1 gives a symmetric game.

    Returns
    -------
    NormalFormGame
        Actions U, D and L, R. Payoffs, row: ``[[x, 0], [0, 1]]``; column: ``[[0, 1], [1, 0]]``.

    Raises
    ------
    ValueError
        `x` not a finite number > 0.

    Notes
    -----
    Nash equilibrium: the row player plays U with probability 1/2, the column player L with
    probability ``1 / (1 + x)``. Source: Ochs95, analysed in MP95; GHP03 for games of the kind.

    Examples
    --------
    >>> import games
    >>> games.asymmetric_matching_pennies(4.0).payoffs[0]
    array([[4., 0.],
           [0., 1.]])
    """
    x = number(x, "x", low=0.0)
    return NormalFormGame(
        [[[x, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]],
        actions=[["U", "D"], ["L", "R"]],
        name=f"asymmetric matching pennies (x {x:g})",
    )


def rock_paper_scissors() -> NormalFormGame:
    """Rock, paper, scissors: each action beats one and loses to one.

    Returns
    -------
    NormalFormGame
        Actions "rock", "paper", "scissors"; a win is worth 1, a loss -1, a tie 0; zero-sum.

    Notes
    -----
    Nash equilibrium: both play each action with probability 1/3; value 0.
    Source: OsborneRubinstein94.

    Examples
    --------
    >>> import games
    >>> games.rock_paper_scissors().payoffs[0]
    array([[ 0., -1.,  1.],
           [ 1.,  0., -1.],
           [-1.,  1.,  0.]])
    """
    row = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
    return _symmetric(row, ["rock", "paper", "scissors"], "rock, paper, scissors")


def random_game(
    shape: tuple[int, ...] = (3, 3), seed: int | np.random.Generator = 0
) -> NormalFormGame:
    """Random game: independent payoffs, uniform on [0, 1).

    Parameters
    ----------
    shape : sequence of int, each >= 1
        Number of actions of each player; at most 500,000,000 payoffs of all of them.
    seed : int >= 0 or numpy.random.Generator
        The same seed gives the same game.

    Returns
    -------
    NormalFormGame

    Raises
    ------
    ValueError
        An empty shape, a size below 1, too many payoffs, or a negative seed.

    Notes
    -----
    Player i's payoffs are the i-th block of ``default_rng(seed).random((N, *shape))``. Equilibria:
    none known in closed form; with probability 1 the game is nondegenerate and has an odd number
    of Nash equilibria (Wilson71).

    Examples
    --------
    >>> import games
    >>> games.random_game((2, 3, 2), seed=7).shape
    (2, 3, 2)
    """
    if isinstance(shape, str) or not isinstance(shape, Sequence) or len(shape) == 0:
        raise ValueError(f"shape must be a number of actions for each player; got {shape!r}")
    sizes = tuple(whole(size, f"shape[{i}]", 1) for i, size in enumerate(shape))
    if len(sizes) > MAX_PLAYERS or len(sizes) * math.prod(sizes) > MAX_PAYOFFS:
        raise ValueError(
            f"shape must be of at most {MAX_PLAYERS} players and {MAX_PAYOFFS:,} payoffs; got "
            f"{sizes}"
        )
    if isinstance(seed, np.random.Generator):
        generator, name = seed, "random game"
    else:
        seed = whole(seed, "seed", 0)
        generator, name = np.random.default_rng(seed), f"random game (seed {seed})"
    return NormalFormGame(list(generator.random((len(sizes), *sizes))), name=name)


def _symmetric(row: list[list[int]], actions: list[str], name: str) -> NormalFormGame:
    return NormalFormGame([row, np.array(row).T], actions=[actions] * 2, name=name)
