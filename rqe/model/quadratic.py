"""Games with continuous actions and quadratic payoffs, any number of players and dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.gaussian import Quadratic
from ._checks import FloatArray, frozen_array, labels, listed
from ._frozen import Frozen
from ._matrices import check_definite, dimensions, hessian, vector


class QuadraticGame(Frozen):
    """A game on real vectors: ``u_i = 1/2 a^T H_i a + h_i^T a + c_i``, ``a`` the stacked actions.

    Parameters
    ----------
    H : sequence of N array_like, each (D, D)
        One symmetric matrix a player, ``D`` the sum of ``dims``; a number where ``D = 1``. Its
        block of the player's own action must be negative definite; the whole need not be.
    h : sequence of N array_like, each (D,), optional
        By default zero.
    dims : sequence of N int, optional
        How many coordinates each player controls, ``>= 1``, in the order in which ``a`` stacks
        them; by default one each.
    constants : sequence of N floats, optional
        ``c_i``; by default zero. They move payoffs, never play.
    players : sequence of str, optional
        Labels; by default ``"1"``, ``"2"``, ...
    name : str, optional
        A title for printing.

    Attributes
    ----------
    quadratic, linear : tuple of array (D, D) and of array (D,)
        ``H`` and ``h``, copied and read-only; ``H`` made exactly symmetric.
    constants : array (N,)
    dims : tuple of int

    Raises
    ------
    ValueError
        No players, shapes that do not match, numbers that are not finite, an ``H`` that is not
        symmetric (to 1e-12 of its largest entry) or not negative definite in the player's own
        action.

    Notes
    -----
    Immutable, compared and hashed by identity.

    Examples
    --------
    >>> from rqe.model.quadratic import QuadraticGame
    >>> game = QuadraticGame(H=[[[-2, 1], [1, 0]], [[0, 1], [1, -2]]], h=[[1, 0], [0, 1]])
    >>> game.n_players, game.dims
    (2, (1, 1))
    >>> [float(u) for u in game.payoffs_at([[1.0], [1.0]])]
    [1.0, 1.0]
    """

    quadratic: tuple[FloatArray, ...]
    linear: tuple[FloatArray, ...]
    constants: FloatArray
    dims: tuple[int, ...]
    players: tuple[str, ...]
    name: str

    def __init__(
        self,
        H: Sequence[Any],
        h: Sequence[Any] | None = None,
        dims: Sequence[int] | None = None,
        *,
        constants: Sequence[float] | None = None,
        players: Sequence[str] | None = None,
        name: str = "",
    ) -> None:
        valid = "a sequence of symmetric matrices (D, D), one a player"
        given = listed(H, "H", valid)
        count = len(given)
        if count == 0:
            raise ValueError(f"H must be {valid}; got none: a game has at least one player")
        sizes = dimensions(dims, count)
        total = sum(sizes)
        linear = [np.zeros(total)] * count if h is None else listed(h, "h", "N vectors (D,)")
        if len(linear) != count:
            raise ValueError(f"h must be {count} vectors, one a player; got {len(linear)}")
        offsets = frozen_array(
            np.zeros(count) if constants is None else constants,
            "constants",
            valid=f"{count} numbers, one a player",
            ndim=1,
        )
        if offsets.shape != (count,):
            raise ValueError(f"constants must be {count} numbers; got {offsets.shape[0]}")
        self._freeze(
            quadratic=tuple(hessian(m, f"H[{i}]", total) for i, m in enumerate(given)),
            linear=tuple(vector(v, f"h[{i}]", total) for i, v in enumerate(linear)),
            constants=offsets,
            dims=sizes,
            players=labels(players, count, "players", [str(i + 1) for i in range(count)]),
            name=str(name),
        )
        for i, own in enumerate(self.slices):
            check_definite(-self.quadratic[i][own, own], f"H[{i}]", i)

    @property
    def n_players(self) -> int:
        """Number of players."""
        return len(self.quadratic)

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where each player's action stands in the stacked one."""
        ends = np.cumsum(self.dims).tolist()
        return tuple(slice(end - n, end) for end, n in zip(ends, self.dims, strict=True))

    def others(self, player: int) -> NDArray[np.intp]:
        """The stacked action's indices that are not the player's, in order, as an index array."""
        own = self.slices[player]
        keep = np.ones(sum(self.dims), dtype=bool)
        keep[own] = False
        return np.flatnonzero(keep)

    def payoff(self, player: int) -> Quadratic:
        """One player's payoff in blocks: its own action, and the others' stacked in order."""
        H, h = self.quadratic[player], self.linear[player]
        own, rest = self.slices[player], self.others(player)
        return Quadratic(
            own=H[own, own],
            cross=H[own][:, rest],
            other=H[np.ix_(rest, rest)],
            own_linear=h[own],
            other_linear=h[rest],
            constant=self.constants[player],
        )

    def payoffs_at(self, actions: Sequence[Any]) -> FloatArray:
        """Every player's payoff at a profile of actions, one vector (n_i,) a player; (N,)."""
        a = np.concatenate([np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in actions])
        if a.shape != (sum(self.dims),):
            raise ValueError(f"actions must be vectors of sizes {self.dims}; got {len(a)} numbers")
        worth = [0.5 * a @ H @ a + h @ a for H, h in zip(self.quadratic, self.linear, strict=True)]
        return np.array(worth) + self.constants

    def _title(self) -> str:
        plural = "player" if self.n_players == 1 else "players"
        sizes = ", ".join(str(n) for n in self.dims[:8]) + (", ..." if len(self.dims) > 8 else "")
        return (
            f"{self.name or type(self).__name__}: {self.n_players} {plural}, quadratic payoffs, "
            f"actions of dimension {sizes}"
        )

    def _lines(self) -> list[str]:
        if sum(self.dims) > 6:
            return ["payoff matrices too large to print"]
        return [
            f"player {label}: H = {np.array2string(H, precision=4, separator=', ')}, "
            f"h = {np.array2string(h, precision=4, separator=', ')}".replace("\n", "")
            for label, H, h in zip(self.players, self.quadratic, self.linear, strict=True)
        ]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._title()}>"

    def __str__(self) -> str:
        return "\n".join([self._title(), *("  " + line for line in self._lines())])

    def _repr_html_(self) -> str:
        body = "".join(f"<li>{escape(line)}</li>" for line in self._lines())
        return f"<p><b>{escape(self._title())}</b></p><ul>{body}</ul>"


class AggregativeGame(QuadraticGame):
    """A collaboration on a sum: ``u_i = -1/2 |Σ a_j - target|²_H - rho_i/2 |a_i|²`` (SRA Thm 4.1).

    Parameters
    ----------
    H : array_like (d, d)
        Symmetric positive definite; a number stands for that multiple of the identity.
    target : array_like (d,)
        What the actions should add up to; a number where ``d = 1``.
    rho : sequence of N floats
        Each player's cost of effort, ``>= 0``; its length is the number of players. ``0`` is free
        effort; where two or more have it, equilibria form a continuum and no solver returns one.
    players, name
        As for `QuadraticGame`.

    Attributes
    ----------
    H, target, rho : array (d, d), (d,), (N,)
    quadratic, linear, constants, dims
        As of any `QuadraticGame`; ``constants`` holds ``-1/2 |target|²_H``.

    Raises
    ------
    ValueError
        Shapes that do not match, numbers that are not finite, an ``H`` that is not symmetric or not
        positive definite, a negative ``rho``, no players.

    Examples
    --------
    >>> from rqe.model.quadratic import AggregativeGame
    >>> game = AggregativeGame(H=[[1.0]], target=[1.0], rho=[1.0, 1.0])
    >>> game.payoff(0).other
    array([[-1.]])
    >>> float(game.payoffs_at([[0.5], [0.5]])[0])
    -0.125
    """

    H: FloatArray
    target: FloatArray
    rho: FloatArray

    def __init__(
        self,
        H: Any,
        target: Any,
        rho: Sequence[float],
        *,
        players: Sequence[str] | None = None,
        name: str = "",
    ) -> None:
        aim = frozen_array(target, "target", valid="a vector (d,) or a number")
        aim = aim.reshape(1) if aim.ndim == 0 else aim
        if aim.ndim != 1 or aim.size == 0:
            raise ValueError(f"target must be a vector (d,), d >= 1; got shape {aim.shape}")
        size = aim.size
        costs = frozen_array(rho, "rho", valid="a vector of numbers >= 0, one a player", ndim=1)
        if costs.size == 0 or np.any(costs < 0.0):
            raise ValueError(
                f"rho must be a vector of numbers >= 0, one a player, at least one; got {rho!r}"
            )
        shared = frozen_array(H, "H", valid=f"a symmetric matrix ({size}, {size}) or a number")
        shared = hessian(shared * np.eye(size) if shared.ndim == 0 else shared, "H", size)
        check_definite(shared, "H")
        count = costs.size
        with np.errstate(over="ignore", invalid="ignore"):
            missed = -0.5 * float(aim @ shared @ aim)
            linear = shared @ aim
            steepest = np.abs(shared).max() + costs.max()
        if not np.all(np.isfinite([missed, *linear, steepest])):
            raise ValueError(
                f"H, target and rho must make payoffs that float64 can hold; got H = {H!r}, "
                f"target = {target!r}, rho = {rho!r}: rescale them"
            )
        joint = np.kron(np.ones((count, count)), -shared)
        hessians = []
        for i, cost in enumerate(costs):
            effort = np.zeros(count)
            effort[i] = cost
            hessians.append(joint - np.kron(np.diag(effort), np.eye(size)))
        super().__init__(
            hessians,
            [np.tile(linear, count)] * count,
            [size] * count,
            constants=[missed] * count,
            players=players,
            name=name,
        )
        self._freeze(H=shared, target=aim, rho=costs)

    def _lines(self) -> list[str]:
        def show(a: FloatArray) -> str:
            return np.array2string(a, precision=4, separator=", ", threshold=20).replace("\n", "")

        formula = "u_i = -1/2 |Σ a_j - target|²_H - rho_i/2 |a_i|²"
        return [formula, *(f"{key} = {show(getattr(self, key))}" for key in ("H", "target", "rho"))]
