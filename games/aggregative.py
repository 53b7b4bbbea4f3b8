"""Quadratic games of collaboration on a common target."""

from __future__ import annotations

from typing import Any

from rqe import AggregativeGame

from ._checks import whole

MAX_PLAYERS = 256
"""The game holds as many matrices of as many rows and columns."""


def push_object(
    target: float = 1.0, *, n_players: int = 2, rho: Any = 1.0, H: float = 1.0
) -> AggregativeGame:
    r"""Robots push an object to a target, each paying for its own effort.

    ``u_i = -H/2 (Σ a_j - target)² - rho_i/2 a_i²``, one real action a player (SRA Example 4.1).

    Parameters
    ----------
    target : float
        Where the object should go, in action units.
    n_players : int, 1 to 256
        The paper has 2. (The game holds N matrices N × N.)
    rho : float or sequence of n_players floats
        Cost of effort, ``>= 0``, in payoff units per squared action.
    H : float
        Cost of missing the target, ``> 0``, in the same units.

    Returns
    -------
    AggregativeGame

    Raises
    ------
    ValueError
        An argument is out of range; the message names it.

    Notes
    -----
    With ``H = 1``, equal players and :math:`k = \tau \epsilon (N - 1) / (1 + \rho) < 1`, the only
    RQE has means :math:`\mathrm{target} / (N + \rho - \rho k)` and variances
    :math:`\epsilon / (1 + \rho)`; risk is infinite from ``k = 1`` on. For two players and
    ``rho = 1`` that is :math:`\mathrm{target} / (3 - \tau \epsilon / 2)`; the paper's main text
    prints ``3 - tau epsilon``, but its appendix agrees with this. The payoff at the means is then
    :math:`-\frac12 \mathrm{target}^2 (2 - 2s + s^2) / (3 - s)^2` with :math:`s = \tau \epsilon /
    2`, largest at :math:`\tau \epsilon = 1`; the spread of play costs :math:`3 \epsilon / 4` more
    whatever ``tau`` is.

    Examples
    --------
    >>> import games.aggregative
    >>> print(games.aggregative.push_object())
    push object: 2 players, quadratic payoffs, actions of dimension 1, 1
      u_i = -1/2 |Σ a_j - target|²_H - rho_i/2 |a_i|²
      H = [[1.]]
      target = [1.]
      rho = [1., 1.]
    """
    n_players = whole(n_players, "n_players", 1, MAX_PLAYERS)
    try:
        costs = [rho] * n_players if isinstance(rho, (int, float)) else list(rho)
    except TypeError:
        raise ValueError(f"rho must be a number or {n_players} of them; got {rho!r}") from None
    if len(costs) != n_players:
        raise ValueError(f"rho must be a number or {n_players} of them; got {len(costs)}")
    return AggregativeGame(H=[[H]], target=[target], rho=costs, name="push object")
