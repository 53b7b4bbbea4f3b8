"""The number of RQE of a small game, proven, each in a box with a proof that it is the only one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ..model._checks import FloatArray, whole
from ..model.agent import make_agents
from ..model.normal_form import NormalFormGame
from ..result.equilibrium import read_only
from ..result.proof import Bounds, Proof
from ..result.status import MissingExtraError
from ._validate import attitudes, check_choice, check_game

UNKNOWNS = 7
"""Largest number of unknowns that a search is begun with."""
LEAST_BITS, MOST_BITS = 64, 1 << 16


def prove_rqe(
    game: NormalFormGame,
    tau: Any,
    epsilon: Any,
    *,
    scope: str = "all",
    max_boxes: int = 50_000,
    precision: int = 1024,
) -> Proof:
    """Every RQE of a small game, with a proof that there is no other.

    The RQE are the fixed points of an explicit map on a box that holds them all. The box is
    searched in ball arithmetic (Arb): parts that the map's enclosure excludes are dropped, parts in
    which Krawczyk's operator maps into the interior hold exactly one, the rest is bisected; where
    rounding hides the verdict, the precision is doubled. Payoffs, ``tau`` and ``epsilon`` are taken
    as the exact binary numbers that they are.

    Parameters
    ----------
    game : NormalFormGame
        Two players, or few actions: at most 7 unknowns, which are ``min(n_1, n_2) - 1`` for two
        players and the sum of ``n_i - 1`` for more. What takes how long: ``docs/rigorous.md``.
    tau : float or sequence of N floats
        Degrees of risk aversion, 1/payoff units, >= 0. ``inf`` for players of at most two actions.
    epsilon : float or sequence of N floats
        Degrees of bounded rationality, payoff units, > 0.
    scope : {"all", "symmetric"}
        "symmetric": only the RQE in which all players play alike, of a symmetric game of two
        actions (payoffs depend on one's own action and on how many of the others take the first)
        with the same ``tau`` and ``epsilon`` for all: one unknown for any number of players.
    max_boxes : int
        Boxes to examine at most, >= 1; those left are reported as undecided.
    precision : int
        Bits that the arithmetic may rise to, 64 to 65536.

    Returns
    -------
    Proof
        ``complete`` is "proved" where every box was decided.

    Raises
    ------
    ValueError
        An argument is out of range, or the game is too large or not symmetric; the message names
        it.
    MissingExtraError
        python-flint is not installed.

    Notes
    -----
    For two players with ``tau_1`` finite, player 1's worst-case belief ``p`` fixes everything: its
    own strategy is ``x = softmax(U p / epsilon_1)``, undoing the Gibbs tilt gives what player 2
    plays, ``q ∝ p exp(tau_1 Uᵀx)``, player 2's belief is the tilt of ``x``, and its reply must be
    ``q`` again. So the unknowns are the log-ratios of one belief. Log-odds of an RQE are at most
    payoff range over ``epsilon``, which bounds the search.

    Examples
    --------
    >>> import games, rqe
    >>> from rqe.solvers.rigorous import prove_rqe
    >>> proof = prove_rqe(games.free_riding(), tau=0.5, epsilon=0.2)
    >>> len(proof), proof.complete
    (3, 'proved')
    >>> [round(float(low[0][0]), 8) for low, high in proof.enclosures]
    [0.28017478, 0.58369572, 0.84252458]
    """
    game = check_game(game)
    taus, epsilons = attitudes(game, make_agents(tau, epsilon, game.n_players))
    if not np.all(epsilons > 0.0):
        raise ValueError(f"epsilon must be > 0 for every player; got {epsilons}")
    check_choice("scope", scope, ("all", "symmetric"))
    whole(max_boxes, "max_boxes")
    whole(precision, "precision", LEAST_BITS, MOST_BITS)
    make = _maker(game, taus, epsilons, scope)
    found = _part("search").search(make, max_boxes, precision)
    enclosures, undecided = _part("boxes").collect(make, found, precision)
    return Proof(
        enclosures=_ordered(enclosures),
        undecided=_ordered(undecided),
        complete="unknown" if undecided else "proved",
        boxes=found.boxes,
        precision=found.bits,
        scope=scope,
        name=game.name,
    )


def _maker(
    game: NormalFormGame, tau: FloatArray, epsilon: FloatArray, scope: str
) -> Callable[[], Any]:
    """What builds the game's map at the precision of the moment; refuses what has none."""
    shape, own = game.shape, game.own_payoffs
    averse = [i for i in range(len(shape)) if np.isinf(tau[i]) and shape[i] > 1]
    for i in averse:
        if shape[i] > 2:
            raise ValueError(
                f"tau[{i}] must be finite for a player of more than 2 actions to be enclosed; "
                f"got inf with {shape[i]} actions"
            )
    table = _symmetric_payoffs(game, tau, epsilon) if scope == "symmetric" else None
    two = len(shape) == 2 and min(shape) > 1 and not averse
    free = [n - 1 for i, n in enumerate(shape) if i not in averse]
    unknowns = 1 if table is not None else min(free) if two else sum(free)
    if unknowns > UNKNOWNS:
        raise ValueError(
            f"game must have at most {UNKNOWNS} unknowns to be searched (min(n_1, n_2) - 1 for two "
            f"players, else the sum of n_i - 1); got {unknowns} for shape {shape}"
        )
    maps = _part("maps")
    if table is not None and not averse:
        return lambda: maps.Symmetric(table, float(tau[0]), float(epsilon[0]))
    if two:
        # the fewer actions a belief is over, the fewer unknowns; of equals, the smaller search
        sides = [maps.Belief(own, tau, epsilon, leader) for leader in (0, 1)]
        best = min((0, 1), key=lambda k: (len(sides[k].domain), sides[k].extent()))
        return lambda: maps.Belief(own, tau, epsilon, best)

    log_odds = _part("worst_case").log_odds

    def build() -> Any:
        settled = {i: [log_odds(own[i], float(epsilon[i]))] for i in averse}
        return maps.Reply(own, shape, tau, epsilon, settled)

    return build


def _symmetric_payoffs(game: NormalFormGame, tau: FloatArray, epsilon: FloatArray) -> FloatArray:
    """Payoffs by own action and number of others at the first one; refuses asymmetric games."""
    if set(game.shape) != {2}:
        raise ValueError(
            f"game must have two actions a player for scope='symmetric'; got shape {game.shape}"
        )
    for name, value in (("tau", tau), ("epsilon", epsilon)):
        if not np.all(value == value[0]):
            raise ValueError(f"{name} must be the same for all players; got {value}")
    n = game.n_players
    table = np.full((2, n), np.nan)
    for i in range(n):
        by_own = np.moveaxis(game.payoffs[i], i, 0)
        for play in np.ndindex(*by_own.shape):
            at = (play[0], play[1:].count(0))
            if np.isnan(table[at]):
                table[at] = by_own[play]
            elif table[at] != by_own[play]:
                raise ValueError(
                    "game must be symmetric for scope='symmetric': payoffs that depend on one's "
                    f"own action and the number of others at the first alone; got {table[at]} and "
                    f"{by_own[play]} for player {i}, action {at[0]}, {at[1]} others at the first"
                )
    return table


def _part(name: str) -> Any:
    """One of the files whose arithmetic is optional."""
    try:
        return importlib.import_module(f"rqe.solvers.rigorous_{name}")
    except ModuleNotFoundError as error:
        if error.name != "flint":  # our own files, or a broken installation: say so
            raise
        raise MissingExtraError("python-flint", "rigorous") from None


def _ordered(boxes: list[Bounds]) -> tuple[Bounds, ...]:
    order = sorted(boxes, key=lambda box: [x.tolist() for x in box[0]])
    return tuple(
        (tuple(read_only(x) for x in low), tuple(read_only(x) for x in high)) for low, high in order
    )
