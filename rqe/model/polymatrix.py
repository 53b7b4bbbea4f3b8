"""Games whose payoffs add up over pairs of players."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from numbers import Integral
from typing import Any

import numpy as np

from ._checks import frozen_array, labels
from ._operator import Block, Dense, LowRank, PayoffOperator, Single, Sparse
from ._outcomes import Marginals
from .normal_form import NormalFormGame
from .structured import StructuredGame

VALID = "a matrix (n_i, n_j), a SciPy sparse matrix, or a pair (U, V) of arrays for U @ V.T"


class PolymatrixGame(StructuredGame):
    r"""A game played in pairs: :math:`u_i(a) = \sum_j A_{ij}(a_i, a_j)`, networks included.

    Two-player games whose matrix is sparse or of low rank are the case of one pair.

    Parameters
    ----------
    payoffs : mapping of (int, int) to matrix (n_i, n_j)
        ``payoffs[i, j][a_i, a_j]`` is what player i gains from its meeting with player j, own
        actions in ROWS (of a two-player game: ``{(0, 1): A, (1, 0): B.T}``). A matrix is an array
        (one of float32 stays so: half the memory, sums in double precision all the same), a SciPy
        sparse matrix, or a pair ``(U, V)`` of arrays (n_i, r) and (n_j, r) that stands for
        ``U @ V.T``; none is ever written out (of ``U @ V.T`` every entry is looked at once, some
        rows at a time, for the payoff range). A pair of players that is not listed does not meet. A
        player's own cost ``c(a_i)`` is taken off every column of one of its matrices.
    players : sequence of str, optional
        Labels; by default ``"1"``, ``"2"``, ...
    actions : sequence of sequences of str, optional
        One list of labels a player; by default ``"1"``, ``"2"``, ...
    name : str, optional
        A title for printing.

    Raises
    ------
    ValueError
        Keys that are not pairs of different players, matrices whose shapes do not agree, a player
        in no pair, payoffs that are not finite real numbers, labels that are not distinct.

    Notes
    -----
    The others' play is a product, :math:`x_{-i} = \prod_j x_j`, and payoffs add up. So the worst
    case of entropic risk (SRA eq. 1) comes apart: for ANY belief ``p`` over joint actions with
    marginals :math:`p_j`, the expected payoff depends on the marginals only, and

    .. math:: \mathrm{KL}(p \,\|\, \textstyle\prod_j x_j) = \mathrm{KL}(p \,\|\, \prod_j p_j)
              + \sum_j \mathrm{KL}(p_j \,\|\, x_j) \ge \sum_j \mathrm{KL}(p_j \,\|\, x_j),

    with equality for the product. The infimum over joint beliefs is therefore the sum of one
    infimum a neighbour, :math:`-\frac1\tau \sum_j \log \sum_b x_j(b) e^{-\tau (x_i A_{ij})_b}`,
    and the worst-case belief is the product of the tilts
    :math:`p_j(b) \propto x_j(b)\, e^{-\tau (x_i A_{ij})_b}`. Correlated deviations are allowed and
    gain nothing. A record's ``beliefs[i]`` holds these marginals side by side, neighbours in
    ascending order; the index may be unknown (None) from some hundred actions on, as of any game
    too large to factorise. Solved by `rqe.solve_rqe`, `rqe.solve_qre` and `rqe.solve`, for entropic
    players who regularise by entropy; ``tau = inf`` only for a player with one neighbour.

    Immutable, compared and hashed by identity.

    Examples
    --------
    Twelve players on a ring, each of whom wants to match the next and escape the one before:

    >>> import numpy as np, rqe
    >>> match = np.eye(2)
    >>> ring = {(i, (i + 1) % 12): match for i in range(12)}
    >>> ring |= {(i, (i - 1) % 12): -match for i in range(12)}
    >>> game = rqe.PolymatrixGame(ring)
    >>> game
    <PolymatrixGame 12 players, 2 actions each, 24 ordered pairs>
    >>> eq = rqe.solve_rqe(game, tau=2.0, epsilon=0.1)
    >>> eq.strategies[0], eq.beliefs[0].shape
    (array([0.5, 0.5]), (4,))
    """

    form: Marginals

    def __init__(
        self,
        payoffs: Mapping[tuple[int, int], Any],
        *,
        players: Sequence[str] | None = None,
        actions: Sequence[Sequence[str]] | None = None,
        name: str = "",
    ) -> None:
        blocks = _blocks(payoffs)
        shape = _shape(blocks)
        count = len(shape)
        neighbours: list[list[int]] = [[] for _ in shape]
        for i, j in sorted(blocks):
            neighbours[i].append(j)
        for i, row in enumerate(neighbours):
            if not row:  # its payoffs are constant: it meets somebody, to no effect
                j = 1 if i == 0 else 0
                row.append(j)
                blocks[i, j] = LowRank(np.zeros((shape[i], 1)), np.zeros((shape[j], 1)))
        own = tuple(PayoffOperator([blocks[i, j] for j in row]) for i, row in enumerate(neighbours))
        if actions is not None and len(actions) != count:
            raise ValueError(f"actions must be {count} lists of labels; got {len(actions)}")
        with np.errstate(over="ignore", invalid="ignore"):
            ranges = np.array([high - low for low, high in (op.bounds for op in own)])
        ranges.setflags(write=False)
        self._freeze(
            form=Marginals(neighbours, shape),
            own_payoffs=own,
            payoff_ranges=ranges,
            shape=shape,
            pairs=tuple(sorted(_pairs_of(payoffs))),
            players=labels(players, count, "players", [str(i + 1) for i in range(count)]),
            actions=tuple(
                labels(
                    None if actions is None else actions[i],
                    n,
                    f"actions[{i}]",
                    [str(a + 1) for a in range(n)],
                )
                for i, n in enumerate(shape)
            ),
            name=str(name),
        )

    pairs: tuple[tuple[int, int], ...]
    """The keys of ``payoffs``, sorted."""

    @property
    def n_players(self) -> int:
        """Number of players."""
        return len(self.shape)

    def to_normal_form(self) -> NormalFormGame:
        """The same game with every payoff written out.

        Returns
        -------
        NormalFormGame

        Raises
        ------
        ValueError
            More than four million payoffs in all.

        Examples
        --------
        >>> import rqe
        >>> game = rqe.PolymatrixGame({(0, 1): [[1, 0], [0, 1]], (1, 0): [[0, 1], [1, 0]]})
        >>> game.to_normal_form().payoffs[1]
        array([[0., 1.],
               [1., 0.]])
        """
        shape, count = self.shape, self.n_players
        self._refuse_large(count * prod(shape))
        tensors = []
        for i, operator in enumerate(self.own_payoffs):
            tensor = np.zeros(shape)
            matrix = operator.written_out[0]
            for j, cut in zip(self.form.neighbours[i], operator.cuts, strict=True):
                block = matrix[:, cut] if i < j else matrix[:, cut].T
                axes = [n if axis in (i, j) else 1 for axis, n in enumerate(shape)]
                tensor += block.reshape(axes)
            tensors.append(tensor)
        return NormalFormGame(tensors, players=self.players, actions=self.actions, name=self.name)

    def _title(self) -> str:
        least, most = min(self.shape), max(self.shape)
        sizes = f"{least} actions each" if least == most else f"{least} to {most} actions"
        head = f"{self.name}: " if self.name else ""
        return f"{head}{self.n_players} players, {sizes}, {len(self.pairs)} ordered pairs"


def _pairs_of(payoffs: Any) -> list[tuple[int, int]]:
    """The checked keys, as plain pairs of whole numbers."""
    valid = "a mapping of pairs (i, j) of different players, counted from 0, to matrices"
    if not isinstance(payoffs, Mapping) or not payoffs:
        raise ValueError(f"payoffs must be {valid}; got {_short(payoffs)}")
    for key in payoffs:
        pair = isinstance(key, tuple) and len(key) == 2
        if not pair or not all(isinstance(i, Integral) and int(i) >= 0 for i in key):
            raise ValueError(f"payoffs must be {valid}; got the key {key!r}")
        if key[0] == key[1]:
            raise ValueError(
                f"payoffs must be {valid}; got the key {key!r}: take a player's own cost off every "
                "column of one of its matrices"
            )
    return [(int(i), int(j)) for i, j in payoffs]


def _blocks(payoffs: Any) -> dict[tuple[int, int], Block]:
    pairs = _pairs_of(payoffs)
    return {key: _block(payoffs[key], f"payoffs[{key[0]}, {key[1]}]") for key in pairs}


def _block(value: Any, name: str) -> Block:
    """One matrix in the form in which it was given, read-only."""
    if isinstance(value, tuple) and len(value) == 2 and all(np.ndim(f) == 2 for f in value):
        left, right = (
            frozen_array(f, f"{name}[{k}]", valid="a matrix of real numbers")
            for k, f in enumerate(value)
        )
        if left.shape[1] != right.shape[1] or 0 in (len(left), len(right)):
            raise ValueError(
                f"{name} must be {VALID} with as many columns in U as in V; got shapes "
                f"{left.shape} and {right.shape}"
            )
        return LowRank(left, right)
    if hasattr(value, "tocsr"):
        return _sparse(value, name)
    if type(value) is np.ndarray and value.dtype == np.float32 and value.ndim == 2:
        single = np.array(value, order="C")  # a copy that is no larger than what was given
        if single.size and np.isfinite(single).all():
            single.setflags(write=False)
            return Single(single)
    matrix = frozen_array(value, name, valid=VALID, ndim=2)
    if 0 in matrix.shape:
        raise ValueError(f"{name} must be {VALID}, with an action for each; got {matrix.shape}")
    return Dense(matrix)


def _sparse(value: Any, name: str) -> Sparse:
    if value.ndim != 2 or 0 in value.shape or value.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must be {VALID}, real, with an action for each; got a sparse {value.shape} of "
            f"{value.dtype}"
        )
    matrix = value.tocsr().astype(np.float64, copy=True)
    matrix.sum_duplicates()
    if not np.all(np.isfinite(matrix.data)):
        raise ValueError(f"{name} must be {VALID}, all finite")
    both = Sparse(matrix)
    for half in (both.matrix, both.transpose):
        for array in (half.data, half.indices, half.indptr):
            array.setflags(write=False)
    return both


def _shape(blocks: Mapping[tuple[int, int], Block]) -> tuple[int, ...]:
    """Number of actions of each player, agreed upon by every matrix."""
    sizes: dict[int, tuple[int, tuple[int, int]]] = {}
    for pair, block in sorted(blocks.items()):
        for player, n in zip(pair, block.shape, strict=True):
            known, first = sizes.setdefault(player, (n, pair))
            if known != n:
                raise ValueError(
                    f"payoffs[{pair[0]}, {pair[1]}] must give player {player} as many actions as "
                    f"payoffs[{first[0]}, {first[1]}], {known}; got shape {block.shape}"
                )
    count = max(sizes) + 1
    missing = sorted(set(range(count)) - set(sizes))
    if missing:
        raise ValueError(
            f"payoffs must have a pair with each of the {count} players in it; got none with "
            f"player {missing[0]}"
        )
    return tuple(sizes[i][0] for i in range(count))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else text[:77] + "..."
