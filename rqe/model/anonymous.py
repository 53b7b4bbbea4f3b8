"""Games in which it matters how many others do something, not who."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._checks import FloatArray, frozen_array, labels, whole
from ._counts import MOST_PAIRS, Counts, lattice, number_of_counts, number_of_pairs
from .normal_form import NormalFormGame
from .structured import StructuredGame

MOST = 20_000_000
"""Most payoffs of one type's table."""


class AnonymousGame(StructuredGame):
    r"""A game of few types of player, who mind only how many others take each action.

    Parameters
    ----------
    payoffs : sequence, one a type, of arrays (k, K) or functions
        ``payoffs[r][a, c]`` is the gain of a player of type r that takes action a while the OTHERS
        are counted as in row ``c`` of `counts`: its number ``counts[c, b]`` of them takes action
        b. Rows are in lexicographic order, so with two actions column ``c`` says that ``c`` others
        take the FIRST. Or a function ``f(action, counts)`` of an action's number and the tuple of
        counts, called once an entry.
    sizes : sequence of int
        Number of players of each type, at least 1.
    n_actions : int, optional
        Number ``k`` of actions, the same for all; needed where only functions are given.
    types : sequence of str, optional
        Labels; by default ``"50 of type 1"``, ...
    actions : sequence of str, optional
        Labels; by default ``"1"``, ``"2"``, ...
    name : str, optional
        A title for printing.

    Raises
    ------
    ValueError
        No types, sizes that are not positive whole numbers, tables of another shape than (k, K) or
        of more than twenty million payoffs, types whose counts make more than four million pairs,
        payoffs that are not finite real numbers, labels that are not distinct.

    Notes
    -----
    Payoffs depend on the counts alone, and so does the Gibbs tilt: the worst case over joint
    actions (SRA eq. 1) is one over counts, whose distribution under independent play is that of a
    sum of multinomials. ``K`` is ``comb(N + k - 2, k - 1)`` for ``N`` players, ``N`` with two
    actions. The cost of a step grows with the square of the number of types.

    What is found is an equilibrium of the FULL game in which players of one type, who must share
    one attitude, play alike. Each type stands for one player in the arguments and in the record:
    ``tau`` and ``epsilon`` are scalars or one value a type, ``strategies[r]``, ``payoffs[r]`` and
    ``regret[r]`` are those of every player of type r, and ``beliefs[r]`` (K,) is over `counts`. Its
    certificate is that of the full game: nobody gains by deviating alone. Other equilibria, also
    some in which players of a type play differently, may exist; this says nothing of them. With
    ``select="principal"`` it lies on the branch that leaves the uniform profile, followed among
    symmetric profiles: where the full game's branch forks into asymmetric ones, the symmetric one
    is kept. The index is the full game's: in the directions that keep a type's total, of which type
    r has ``sizes[r] - 1`` copies, the system is small and its sign counts as often.

    Immutable, compared and hashed by identity.

    Examples
    --------
    Sixty commuters and forty residents choose a road; it slows down with every car.

    >>> import rqe
    >>> commuter = lambda road, cars: -(1.0, 1.2)[road] * (1 + cars[road]) / 100
    >>> resident = lambda road, cars: (0.0, -0.3)[road] - (1 + cars[road]) / 100
    >>> game = rqe.AnonymousGame([commuter, resident], sizes=[60, 40], n_actions=2)
    >>> game
    <AnonymousGame 100 players of 2 types, 2 actions>
    >>> eq = rqe.solve_rqe(game, tau=2.0, epsilon=0.05)
    >>> eq.beliefs[0].shape, eq.residual < 1e-10
    ((100,), True)
    """

    form: Counts
    own_payoffs: tuple[FloatArray, ...]
    sizes: tuple[int, ...]
    counts: NDArray[np.intp]
    """How many of the others take each action, (K, k), one row a column of the payoffs."""

    def __init__(
        self,
        payoffs: Sequence[Any],
        sizes: Sequence[int],
        *,
        n_actions: int | None = None,
        types: Sequence[str] | None = None,
        actions: Sequence[str] | None = None,
        name: str = "",
    ) -> None:
        try:
            given, numbers = list(payoffs), list(sizes)
        except TypeError:
            raise ValueError(
                f"payoffs and sizes must be sequences, one entry a type; got {payoffs!r} and "
                f"{sizes!r}"
            ) from None
        if not given or len(given) != len(numbers):
            raise ValueError(
                "payoffs and sizes must have one entry a type, and one type at least; got "
                f"{len(given)} and {len(numbers)}"
            )
        numbers = [whole(n, f"sizes[{r}]") for r, n in enumerate(numbers)]
        total = sum(numbers)
        k = _number_of_actions(given, n_actions)
        if k * number_of_counts(total - 1, k) > MOST:
            raise ValueError(
                f"a table must have at most {MOST:,} payoffs; {total} players with {k} actions "
                f"make {k * number_of_counts(total - 1, k):.3g}"
            )
        if number_of_pairs(numbers, k) > MOST_PAIRS:
            raise ValueError(
                f"sizes must make at most {MOST_PAIRS:,} pairs of counts of two groups of types; "
                f"{tuple(numbers)} with {k} actions make {number_of_pairs(numbers, k):.3g}: take "
                "fewer types, or one type for players with equal payoffs and attitudes"
            )
        counts = lattice(total - 1, k)
        tables = tuple(_table(p, k, counts, f"payoffs[{r}]") for r, p in enumerate(given))
        with np.errstate(over="ignore"):
            ranges = np.array([np.ptp(p) for p in tables])
        ranges.setflags(write=False)
        own = labels(actions, k, "actions", [str(a + 1) for a in range(k)])
        default = [f"{n} of type {r + 1}" for r, n in enumerate(numbers)]
        self._freeze(
            form=Counts(numbers, k),
            own_payoffs=tables,
            payoff_ranges=ranges,
            shape=(k,) * len(numbers),
            sizes=tuple(numbers),
            counts=counts,
            players=labels(types, len(numbers), "types", default),
            actions=(own,) * len(numbers),
            name=str(name),
        )

    @property
    def n_players(self) -> int:
        """Number of players of all types."""
        return sum(self.sizes)

    @property
    def n_types(self) -> int:
        """Number of types."""
        return len(self.sizes)

    @cached_property
    def type_of(self) -> tuple[int, ...]:
        """The type of each player of the full game, in the order of `to_normal_form`."""
        return tuple(r for r, n in enumerate(self.sizes) for _ in range(n))

    def to_normal_form(self) -> NormalFormGame:
        """The same game with every player and payoff written out, types in order.

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
        >>> game = rqe.SymmetricGame([[2.0, 2.0, 2.0], [0.0, 3.0, 3.0]], n_players=3)
        >>> game.to_normal_form().payoffs[0][1]
        array([[3., 3.],
               [3., 0.]])
        """
        k, count = self.shape[0], self.n_players
        self._refuse_large(count * k**count)
        place = {tuple(row): c for c, row in enumerate(self.counts.tolist())}
        tensors = np.empty((count, *(k,) * count))
        for profile in product(range(k), repeat=count):
            tally = [profile.count(a) for a in range(k)]
            for i, a in enumerate(profile):
                others = tuple(n - (b == a) for b, n in enumerate(tally))
                tensors[(i, *profile)] = self.own_payoffs[self.type_of[i]][a, place[others]]
        return NormalFormGame(list(tensors), actions=[self.actions[0]] * count, name=self.name)

    def _title(self) -> str:
        kinds = f" of {self.n_types} types" if self.n_types > 1 else ""
        people = "player" if self.n_players == 1 else "players"
        choices = "action" if self.shape[0] == 1 else "actions"
        head = f"{self.name}: " if self.name else ""
        return f"{head}{self.n_players} {people}{kinds}, {self.shape[0]} {choices}"


class SymmetricGame(AnonymousGame):
    """A game of identical players: an `AnonymousGame` of one type, and solved as one.

    Parameters
    ----------
    payoff : array_like (k, K) or function
        Own action by the counts of the others, as one of the ``payoffs`` of `AnonymousGame`.
    n_players : int
    n_actions : int, optional
        Number of actions; needed with a function.
    actions, name
        As for `AnonymousGame`.

    Raises
    ------
    ValueError
        As `AnonymousGame`.

    Examples
    --------
    The volunteer's dilemma of a hundred players: action 1 costs 0.3 and is enough for all.

    >>> import rqe
    >>> game = rqe.SymmetricGame(
    ...     lambda action, counts: 0.7 if action == 0 else float(counts[0] > 0), 100, n_actions=2
    ... )
    >>> eq = rqe.solve_rqe(game, tau=1.0, epsilon=0.1)
    >>> eq.strategies[0].round(4)
    array([0.053, 0.947])
    """

    def __init__(
        self,
        payoff: Any,
        n_players: int,
        *,
        n_actions: int | None = None,
        actions: Sequence[str] | None = None,
        name: str = "",
    ) -> None:
        count = whole(n_players, "n_players")
        super().__init__(
            [payoff],
            [count],
            n_actions=n_actions,
            types=[f"each of {count}"],
            actions=actions,
            name=name,
        )


def _number_of_actions(payoffs: Sequence[Any], n_actions: int | None) -> int:
    if n_actions is not None:
        return whole(n_actions, "n_actions")
    tables = [p for p in payoffs if not callable(p)]
    if not tables:
        raise ValueError("n_actions must be given where payoffs are functions; got None")
    try:
        return len(tables[0])
    except TypeError:
        raise ValueError(f"payoffs must be tables (k, K) or functions; got {tables[0]!r}") from None


def _table(given: Any, k: int, counts: NDArray[np.intp], name: str) -> FloatArray:
    valid = f"a table of shape {(k, len(counts))}, one column a count of the others, or a function"
    if callable(given):
        given = list(_rows(given, k, counts))
    table = frozen_array(given, name, valid=valid)
    if table.shape != (k, len(counts)):
        raise ValueError(f"{name} must be {valid}; got shape {table.shape}")
    return table


def _rows(
    function: Callable[[int, tuple[int, ...]], float], k: int, counts: NDArray[np.intp]
) -> Iterator[list[float]]:
    rows = [tuple(row) for row in counts.tolist()]
    for action in range(k):
        yield [function(action, row) for row in rows]
