r"""Above which ``tau`` no RQE free-rides more than ``delta``: printed, corrected, sharper bounds.

The game is collaborative and symmetric, the players share ``tau`` and ``epsilon``. Every bound has
one proof. Let ``F(x; y)`` be the risk-adjusted payoff of ``x`` against a partner who plays ``y``.
Plus ``epsilon`` times the entropy it is strongly concave in ``x``, so that two players' strategies
``x`` and ``y`` at an RQE, each a best response to the other, satisfy

.. math:: \epsilon \, (KL(x \| y) + KL(y \| x))
          \le F(x; y) - F(x; x) + F(y; x) - F(y; y),

and the right side is at most ``1/tau`` times how far apart two partners can be in log-probability.
With more than two players the rest of the group is the same for both and nothing changes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..model._checks import FloatArray
from ..model.normal_form import CollaborativeGame


class Sizes(NamedTuple):
    """What the bounds need to know of a collaborative game; payoff units but for ``actions``."""

    actions: int
    """Largest number of actions of a player."""
    costs: float
    """``c_max - c_min``, the largest of the players'."""
    payoffs: float
    """Range of the shared reward plus that of the costs: a bound on what any player can gain."""
    own: float
    """The most that a change of own action can gain, whatever the others do."""
    interaction: float
    """The most that the others' joint action can change such a gain; no cost enters."""


def sizes(game: CollaborativeGame) -> Sizes:
    """Measure a collaborative game, symmetric or not; see `Sizes`.

    Raises
    ------
    ValueError
        `game` is not a `CollaborativeGame`.

    Examples
    --------
    >>> import games
    >>> sizes(games.free_riding())
    Sizes(actions=2, costs=0.4, payoffs=1.4, own=0.6, interaction=1.0)
    """
    if not isinstance(game, CollaborativeGame):
        raise ValueError(f"game must be a CollaborativeGame; got {type(game).__name__}")
    own, interaction = np.max([gains(u) for u in game.own_payoffs], axis=0).tolist()
    costs = max(float(np.ptp(c)) for c in game.costs)
    return Sizes(max(game.shape), costs, float(np.ptp(game.reward)) + costs, own, interaction)


def gains(payoff: FloatArray) -> tuple[float, float]:
    """The most that a change of own action can gain, and how much the others can change a gain.

    Parameters
    ----------
    payoff : array (n_i, m_i)
        One player's payoffs, own actions by the others' joint actions.

    Returns
    -------
    tuple of float
        `Sizes.own` and `Sizes.interaction` of this player, in payoff units.

    Examples
    --------
    >>> import numpy as np
    >>> gains(np.array([[4.0, 0.0], [3.0, 3.0]]))
    (3.0, 4.0)
    """
    change = payoff[:, None, :] - payoff[None, :, :]
    return float(change.max()), float(np.ptp(change, axis=-1).max())


def is_symmetric(game: CollaborativeGame) -> bool:
    """Whether exchanging any two players leaves the game as it is, to rounding.

    Examples
    --------
    >>> import games, rqe
    >>> is_symmetric(games.free_riding()), is_symmetric(games.public_goods(n=4))
    (True, True)
    >>> is_symmetric(rqe.CollaborativeGame([[1, 1], [0, 0]], [[0.4, 0.0]] * 2))
    False
    """
    found = sizes(game)
    noise = 1e-12 * found.payoffs
    if len(set(game.shape)) > 1:
        return False
    same_costs = all(np.all(np.abs(c - game.costs[0]) <= noise) for c in game.costs)
    swaps = (np.swapaxes(game.reward, 0, i) for i in range(1, game.n_players))
    return same_costs and all(np.all(np.abs(r - game.reward) <= noise) for r in swaps)


def printed(found: Sizes, epsilon: float, delta: float, payoff_bound: float) -> float:
    """The bound as SRA prints it, of a game of the given sizes."""
    return corrected(found, epsilon, delta, payoff_bound) * epsilon


def corrected(found: Sizes, epsilon: float, delta: float, payoff_bound: float) -> float:
    """The bound that SRA's proof gives, of a game of the given sizes."""
    certain = epsilon * float(np.log(found.actions)) + payoff_bound
    return 2.0 * certain * (found.costs / (epsilon * delta)) ** 2


def sharpest(found: Sizes, epsilon: float, delta: float) -> float:
    """The least of the bounds of `sharp_threshold`, of a game of the given sizes."""
    ratio = found.costs / delta
    # log of the inverse of the least probability that an action can have
    rarest = 0.0
    if found.actions > 1:
        rarest = float(np.logaddexp(0.0, np.log(found.actions - 1.0) + found.own / epsilon))
    bounds = [
        ratio**2 * rarest / (2.0 * epsilon),
        ratio**2 * found.interaction / (4.0 * epsilon**2),
    ]
    if found.actions == 2:
        bounds.append(ratio / epsilon)
    return min(bounds)


def printed_threshold(
    game: CollaborativeGame, epsilon: float, delta: float, *, payoff_bound: float | None = None
) -> float:
    r"""Bound of SRA Theorem 4.2 as printed, which is WRONG: RQE with more free-riding lie above it.

    .. math:: \frac{2 (\epsilon \log n + \bar v)(c_{max} - c_{min})^2}{\epsilon \, \delta^2}

    It drops an ``epsilon``; in units of 1/payoff it would have to read as `proven_threshold`. Here
    the number is taken as it stands.

    Parameters
    ----------
    game : CollaborativeGame
        Symmetric, ``n`` actions a player.
    epsilon : float > 0
        Common degree of bounded rationality, in payoff units.
    delta : float > 0
        Degree of free-riding, the difference of the players' expected costs, in payoff units.
    payoff_bound : float, optional
        ``v̄``, in payoff units: at least `Sizes.own`, the most that changing one's action can gain.
        By default the range of the reward plus that of the costs, which always suffices.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        The game is not collaborative and symmetric, or a number is out of range.

    Examples
    --------
    >>> import rqe
    >>> small = rqe.CollaborativeGame([[0.01, 0.01], [0.01, 0]], [[0.004, 0]] * 2)
    >>> round(printed_threshold(small, 0.002, 0.0022494), 2)
    48.65
    """
    return printed(*_checked(game, epsilon, delta, payoff_bound))


def proven_threshold(
    game: CollaborativeGame, epsilon: float, delta: float, *, payoff_bound: float | None = None
) -> float:
    r"""Bound of SRA Theorem 4.2 as its proof gives it: no RQE free-rides more than ``delta`` above.

    .. math:: \frac{2 (\epsilon \log n + \bar v)(c_{max} - c_{min})^2}{\epsilon^2 \, \delta^2}

    Holds for any number of players, with the largest difference of two players' costs as degree.

    Parameters
    ----------
    game, epsilon, delta, payoff_bound
        As for `printed_threshold`.

    Returns
    -------
    float
        A degree of risk aversion, in 1/payoff units.

    Raises
    ------
    ValueError
        As for `printed_threshold`.

    Examples
    --------
    >>> import rqe
    >>> small = rqe.CollaborativeGame([[0.01, 0.01], [0.01, 0]], [[0.004, 0]] * 2)
    >>> round(proven_threshold(small, 0.002, 0.0022494))
    24327
    """
    return corrected(*_checked(game, epsilon, delta, payoff_bound))


def sharp_threshold(game: CollaborativeGame, epsilon: float, delta: float) -> float:
    r"""The least bound that we can prove: at most a quarter of `proven_threshold`.

    The smallest of

    .. math:: \frac{r^2}{2 \epsilon} \log(1 + (n - 1) e^{d / \epsilon}), \qquad
              \frac{r^2 s}{4 \epsilon^2}, \qquad
              \frac{r}{\epsilon} \text{ if } n = 2, \qquad r = \frac{c_{max} - c_{min}}{\delta},

    with ``d`` and ``s`` the game's `Sizes.own` and `Sizes.interaction`. The last is sharp: with
    ``R = 1`` unless both defect and cost ``c``, an RQE of degree ``c`` (in the limit of small
    ``epsilon``) lives up to ``tau = (1 - c) / epsilon``.

    Parameters
    ----------
    game, epsilon, delta
        As for `printed_threshold`.

    Returns
    -------
    float
        A degree of risk aversion, in 1/payoff units.

    Raises
    ------
    ValueError
        As for `printed_threshold`.

    Examples
    --------
    >>> import games
    >>> round(sharp_threshold(games.free_riding(), 0.2, 0.1), 6)
    20.0
    """
    found, epsilon, delta, _ = _checked(game, epsilon, delta, None)
    return sharpest(found, epsilon, delta)


def _checked(
    game: Any, epsilon: float, delta: float, payoff_bound: float | None
) -> tuple[Sizes, float, float, float]:
    found = sizes(game)
    if not is_symmetric(game):
        raise ValueError(
            f"game must be symmetric, the same to every player; got {game!r}: the theorem says "
            "nothing of others"
        )
    for name, value in (("epsilon", epsilon), ("delta", delta)):
        if not 0.0 < value < np.inf:
            raise ValueError(f"{name} must be a finite number > 0; got {value!r}")
    bound = found.payoffs if payoff_bound is None else payoff_bound
    if not found.own * (1.0 - 1e-12) <= bound < np.inf:
        raise ValueError(
            f"payoff_bound must be finite and at least {found.own:.6g}, what a change of action "
            f"can gain in this game; got {payoff_bound!r}"
        )
    return found, float(epsilon), float(delta), float(bound)
