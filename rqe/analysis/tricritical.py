r"""Where the pitchfork of free-riding turns from supercritical to subcritical.

Near a pitchfork the asymmetric RQE lie at ``tau = tau* + κ a²/2 + O(a^4)``, ``a`` being half the
difference between the players. With ``F(z, tau) = 0`` the equations of the RQE, ``J`` their
Jacobian, ``v`` and ``w`` its null vectors and ``J⁺`` its inverse on the rest,

.. math:: \kappa = - \frac{w \cdot (F_{vvv} + 3 F_{vp})}{3 \, w \cdot (F_{\tau v} + F_{vq})},
          \qquad p = -J^+ F_{vv}, \quad q = -J^+ F_\tau :

three orders of ``F(z(a), tau(a)) = 0``, the third taken along ``w``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from ..model._checks import FloatArray
from ..model.normal_form import NormalFormGame
from ..result.path import Bifurcation
from ..solvers._bifurcation import sample
from ._symmetric import check_symmetric, meetings
from .path_refinement import curve_of, trace

STENCIL = (-3, -2, -1, 1, 2, 3)
FIRST = np.array([-1.0, 9.0, -45.0, 45.0, -9.0, 1.0]) / 60.0
SECOND = np.array([2.0, -27.0, 270.0, 270.0, -27.0, 2.0]) / 180.0
CENTRE = -490.0 / 180.0
"""Central differences of sixth order, on six neighbours (and, of the second, the centre)."""
STEP = 0.01
"""Step of log-probabilities; a tenth of it, of ``tau`` relative to itself."""


@dataclass(frozen=True)
class Tricritical:
    """The point of the (``tau``, ``epsilon``) plane at which fold and pitchfork curves part.

    Attributes
    ----------
    epsilon : float
        In payoff units. Above it the pitchfork is supercritical and free-riding ends there; below
        it is subcritical and free-riding ends in a fold beyond.
    tau : float
        Of the pitchfork there, in 1/payoff units.
    strategies : tuple of array (n,)
        The symmetric RQE there.
    curvature : float
        What is left of `pitchfork_curvature`: zero, but for rounding.
    residual : float
        Of the profile, as an equilibrium.
    """

    epsilon: float
    tau: float
    strategies: tuple[FloatArray, ...]
    curvature: float
    residual: float


def pitchfork_curvature(game: NormalFormGame, epsilon: float, fork: Bifurcation) -> float:
    """Second derivative of ``tau`` along the asymmetric branch at a pitchfork.

    Parameters
    ----------
    game : NormalFormGame
        Of two players, symmetric.
    epsilon : float
        Common degree of bounded rationality, in payoff units.
    fork : Bifurcation
        A pitchfork of a path along ``tau`` at that ``epsilon``, with common ``tau``.

    Returns
    -------
    float
        By the length of ``fork.direction``, like `Bifurcation.curvature`, but from derivatives of
        the equations at the point, to about 1e-9: negative where the pitchfork is supercritical.

    Examples
    --------
    >>> import games, rqe
    >>> game = games.free_riding()
    >>> (fork,) = rqe.trace_rqe(game, start=0, stop=2, epsilon=0.2).bifurcations
    >>> round(pitchfork_curvature(game, 0.2, fork), 6), round(fork.curvature, 1)
    (-4.193827, -4.2)
    """
    count = game.n_players
    curve = curve_of(game, np.full(count, float(epsilon)), np.ones(count))
    x = np.concatenate(fork.strategies)
    flat, s = np.log(x), fork.parameter
    v = np.concatenate(fork.direction) / x
    size = float(np.abs(v).max())
    here = sample(curve, flat[None], np.array([s]))
    n = len(flat)
    left, _, right = np.linalg.svd(here.matrix[0])
    w, null = left[:, -1], right[-1]
    bordered = np.block([[here.matrix[0], w[:, None]], [null[None], np.zeros((1, 1))]])

    def rest(load: FloatArray) -> FloatArray:
        """``-J⁺`` of a load, across the null vector."""
        return np.asarray(np.linalg.solve(bordered, np.append(-load, 0.0))[:n])

    h, step = STEP / size, 0.1 * STEP * (s + curve.unit)
    moves = np.array(STENCIL)[:, None]
    along = sample(curve, flat + h * moves * v, np.full(6, s)).matrix
    later = sample(curve, np.repeat(flat[None], 6, axis=0), s + step * moves[:, 0]).matrix
    by_v = np.tensordot(FIRST, along, 1) / h
    by_vv = (np.tensordot(SECOND, along, 1) + CENTRE * here.matrix[0]) / h**2
    by_s = np.tensordot(FIRST, later, 1) / step
    p, q = rest(by_v @ v), rest(here.by_s[0])
    cubic = float(w @ (by_vv @ v + 3.0 * by_v @ p))
    return -cubic / (3.0 * float(w @ (by_s @ v + by_v @ q)))


def last_pitchfork(
    game: NormalFormGame, epsilon: float, stop: float | None = None
) -> Bifurcation | None:
    """The pitchfork of largest ``tau`` at which players begin to differ, None where there is none.

    Parameters
    ----------
    game : NormalFormGame
        Of two players, symmetric.
    epsilon : float
    stop : float, optional
        Where to stop looking; by default ``2 / epsilon``, as `threshold` does.

    Returns
    -------
    Bifurcation or None
    """
    end = 2.0 / epsilon if stop is None else stop
    path = trace(game, start=0.0, stop=end, epsilon=epsilon, at=[])
    forks = [b for b in meetings(path) if b.kind == "pitchfork"]
    return forks[-1] if forks else None


def tricritical(
    game: NormalFormGame, between: tuple[float, float], *, tol: float = 1e-10
) -> Tricritical:
    """The ``epsilon`` at which the pitchfork turns from supercritical to subcritical.

    Parameters
    ----------
    game : NormalFormGame
        Of two players, symmetric. (With more, several directions are singular at once, and the
        asymmetric branches leave on one side at first order: there is no such point.)
    between : tuple of float
        Two ``epsilon``, in payoff units, with a pitchfork at both and all between: subcritical at
        one end and supercritical at the other.
    tol : float
        Of ``epsilon``, relative.

    Returns
    -------
    Tricritical

    Raises
    ------
    ValueError
        The game is not symmetric or not of two players, there is no pitchfork at some ``epsilon``
        between, or it is of one kind at both ends.

    Examples
    --------
    >>> import games
    >>> found = tricritical(games.free_riding(), (0.15, 0.2))
    >>> round(found.epsilon, 8), round(found.tau, 6)
    (0.16562791, 1.457762)
    """
    if check_symmetric(game).n_players != 2:
        raise ValueError(f"game must be of two players; got {game.n_players}")

    def fork(epsilon: float) -> Bifurcation:
        found = last_pitchfork(game, epsilon)
        if found is None:
            raise ValueError(f"between must hold pitchforks; there is none at epsilon {epsilon:g}")
        return found

    def curvature(epsilon: float) -> float:
        return pitchfork_curvature(game, epsilon, fork(epsilon))

    low, high = sorted(float(e) for e in between)
    if not 0.0 < low < high < np.inf:
        raise ValueError(f"between must be two different numbers > 0; got {between!r}")
    ends = curvature(low), curvature(high)
    if ends[0] * ends[1] > 0.0:
        raise ValueError(
            f"between must hold a change of kind; the curvature is {ends[0]:.4g} and {ends[1]:.4g} "
            f"at {between}"
        )
    at = float(brentq(curvature, low, high, xtol=tol * low, rtol=max(tol, 1e-15)))
    here = fork(at)
    left = pitchfork_curvature(game, at, here)
    return Tricritical(at, here.parameter, here.strategies, left, here.residual)
