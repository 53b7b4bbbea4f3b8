"""Collaborative games: a shared reward less a private cost, ``u_i = R(a) - c_i(a_i)``."""

from __future__ import annotations

import numpy as np

from rqe import CollaborativeGame

from ._checks import MAX_PROFILES, number, whole


def free_riding(cost: float = 0.4) -> CollaborativeGame:
    """Free-riding on a costly task that one player can do alone.

    Both receive 1 unless both defect; cooperating (C) costs `cost`, defecting (D) nothing.

    Parameters
    ----------
    cost : float in (0, 1)
        Private cost of C, in payoff units.

    Returns
    -------
    CollaborativeGame
        Two players, actions C and D. Payoffs, row player: ``[[1 - cost, 1 - cost], [1, 0]]``; the
        game is symmetric.

    Raises
    ------
    ValueError
        `cost` outside (0, 1).

    Notes
    -----
    Nash equilibria: (C, D), (D, C), and the mixed one where each plays C with probability
    ``1 - cost``. Source: SRA, Example 4.2, with ``cost = 0.4``.

    Examples
    --------
    >>> import games
    >>> games.free_riding().payoffs[0]
    array([[0.6, 0.6],
           [1. , 0. ]])
    """
    cost = number(cost, "cost", low=0.0, high=1.0)
    return CollaborativeGame(
        [[1.0, 1.0], [1.0, 0.0]],
        [[cost, 0.0], [cost, 0.0]],
        actions=[["C", "D"]] * 2,
        name=f"free riding (cost {cost:g})",
    )


def volunteers_dilemma(n: int = 3, cost: float = 0.5, benefit: float = 1.0) -> CollaborativeGame:
    """Volunteer's dilemma: one volunteer is enough for everybody.

    Every player receives `benefit` if at least one volunteers, nothing otherwise; volunteering
    costs `cost`.

    Parameters
    ----------
    n : int, 2 to 16
        Number of players.
    cost : float in (0, benefit)
        Private cost of volunteering, in payoff units.
    benefit : float > 0
        What one volunteer is worth to each player, in payoff units.

    Returns
    -------
    CollaborativeGame
        Actions "volunteer" and "wait" for each player.

    Raises
    ------
    ValueError
        An argument outside its range.

    Notes
    -----
    Nash equilibria: exactly one volunteers (n of them); and the symmetric mixed one, in which each
    waits with probability ``(cost / benefit) ** (1 / (n - 1))``. Source: Diekmann85.

    Examples
    --------
    >>> import games
    >>> games.volunteers_dilemma(n=2, cost=0.25).payoffs[0]
    array([[0.75, 0.75],
           [1.  , 0.  ]])
    """
    n = whole(n, "n", 2, 16)
    benefit = number(benefit, "benefit", low=0.0)
    cost = number(cost, "cost", low=0.0, high=benefit)
    reward = np.full((2,) * n, benefit)
    reward[(1,) * n] = 0.0
    return CollaborativeGame(
        reward,
        [[cost, 0.0]] * n,
        actions=[["volunteer", "wait"]] * n,
        name=f"volunteer's dilemma (n {n}, cost {cost:g}, benefit {benefit:g})",
    )


def public_goods(n: int = 3, multiplier: float = 2.0) -> CollaborativeGame:
    """Public goods: contributions are multiplied and shared equally.

    Each player owns one unit and contributes it or keeps it. Contributions are multiplied by
    `multiplier` and divided equally among all; payoffs are net of the unit owned, so that
    ``R = multiplier * (number of contributors) / n`` and contributing costs 1.

    Parameters
    ----------
    n : int, 2 to 16
        Number of players.
    multiplier : float > 0
        What one unit contributed becomes; the social dilemma is ``1 < multiplier < n``.

    Returns
    -------
    CollaborativeGame
        Actions "contribute" and "keep" for each player.

    Raises
    ------
    ValueError
        An argument outside its range.

    Notes
    -----
    Nash equilibria: keeping is strictly dominant, and nobody contributing the only one, where
    ``multiplier < n``; everybody contributing the only one where ``multiplier > n``; every profile
    is one at ``multiplier = n``. Source: IsaacWalker88 (the two-action form).

    Examples
    --------
    >>> import games
    >>> games.public_goods(n=2, multiplier=1.5).payoffs[0]
    array([[ 0.5 , -0.25],
           [ 0.75,  0.  ]])
    """
    n = whole(n, "n", 2, 16)
    multiplier = number(multiplier, "multiplier", low=0.0)
    contributors = n - np.indices((2,) * n).sum(axis=0)
    with np.errstate(over="ignore"):  # what is too large is refused by the game
        reward = multiplier * contributors / n
    return CollaborativeGame(
        reward,
        [[1.0, 0.0]] * n,
        actions=[["contribute", "keep"]] * n,
        name=f"public goods (n {n}, multiplier {multiplier:g})",
    )


def minimum_effort(n: int = 2, levels: int = 7, cost: float = 0.5) -> CollaborativeGame:
    """Minimum effort: the group produces what its weakest member does.

    Each player chooses an effort 1, 2, ..., `levels`; ``R`` is the smallest effort chosen, and
    effort e costs ``cost * e``.

    Parameters
    ----------
    n : int, 2 to 16
        Number of players.
    levels : int >= 2
        Number of efforts; ``levels ** n`` may be 1,000,000 at most.
    cost : float in (0, 1)
        Cost of a unit of effort, relative to what a unit of the minimum yields.

    Returns
    -------
    CollaborativeGame
        Actions "1" to ``str(levels)`` for each player.

    Raises
    ------
    ValueError
        An argument outside its range.

    Notes
    -----
    Nash equilibria in pure strategies: every profile of one common effort, and no other; they are
    ranked, the highest best for all. Source: VHBB90, whose payoffs ``0.2 min - 0.1 e + 0.6`` with
    seven levels are, per 0.2 and up to a constant, those of ``cost = 0.5``.

    Examples
    --------
    >>> import games
    >>> games.minimum_effort(n=2, levels=2).payoffs[0]
    array([[0.5, 0.5],
           [0. , 1. ]])
    """
    n = whole(n, "n", 2, 16)
    levels = whole(levels, "levels", 2, MAX_PROFILES)
    if levels**n > MAX_PROFILES:
        raise ValueError(
            f"levels must keep levels ** n at {MAX_PROFILES:,} profiles at most; got {levels} with "
            f"n = {n}"
        )
    cost = number(cost, "cost", low=0.0, high=1.0)
    efforts = np.arange(1.0, levels + 1.0)
    reward = np.full((levels,) * n, np.inf)
    for player in range(n):
        axes = [1] * n
        axes[player] = levels
        reward = np.minimum(reward, efforts.reshape(axes))
    return CollaborativeGame(
        reward,
        [cost * efforts] * n,
        actions=[[str(level + 1) for level in range(levels)]] * n,
        name=f"minimum effort (n {n}, levels {levels}, cost {cost:g})",
    )
