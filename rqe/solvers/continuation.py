"""Every branch of RQE along ``tau`` or ``epsilon``: traced, switched at bifurcations, recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..model._checks import FloatArray, per_player
from ..model.agent import make_agents
from ..model.normal_form import NormalFormGame
from ..result.path import Path
from ..result.status import ConvergenceError, Status
from ._curve import Curve
from ._limit import Limit
from ._problem import normalise
from ._system import State
from ._trace_record import record
from ._tracing import Tracer
from ._validate import attitudes, check_choice, check_game, check_numbers
from .enumeration import enumerate_rqe
from .normal_form import Batch, solve_batch

LARGEST = 800
"""Actions of all players together beyond which dense linear algebra is no longer offered."""
SHARPEST = 1e6
"""Largest ratio of payoff range to ``epsilon`` at which a limit ``epsilon = 0`` is still sought."""
PLACES = 5
"""Parameter values at which equilibria are enumerated, ends included, where none are given."""


@np.errstate(all="ignore")  # what overflows is found by looking at the result
def trace_rqe(
    game: NormalFormGame,
    *,
    parameter: str = "tau",
    tau: Any = None,
    epsilon: Any = None,
    weights: Any = 1.0,
    select: str = "all",
    at: Sequence[float] | None = None,
    start: float | None = None,
    stop: float | None = None,
    max_step: float = 0.1,
    tol: float = 1e-10,
    max_steps: int = 10_000,
    throw: bool = True,
    seed: Any = 0,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Branches of RQE along ``tau`` or along ``epsilon``, with their bifurcations.

    The principal branch at ``start`` is followed by pseudo-arclength, through folds; where other
    branches meet it, they are followed too, and so are those through every equilibrium that
    `enumerate_rqe` finds at the values ``at`` and that lies on none of them. Branch points are
    located by Newton's method on an extended system, to about 1e-12; those that are singular in
    several directions at once by bisection, to about 1e-6.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players, of at most 800 actions in total.
    parameter : {"tau", "epsilon"}
        What to trace.
    tau : float or sequence of N floats, optional
        Where ``epsilon`` is traced: degrees of risk aversion, in 1/payoff units, finite; default 0,
        which traces logit QRE.
    epsilon : float or sequence of N floats, optional
        Where ``tau`` is traced: degrees of bounded rationality, in payoff units, > 0.
    weights : float or sequence of N floats
        Player i's degree is the parameter times its weight, > 0.
    select : {"all", "principal"}
        Whether to trace every branch that can be found, or the principal one alone.
    at : sequence of floats, optional
        Parameter values at which to look for branches not connected to the principal one, between
        ``start`` and ``stop``. Default: five of them, both ends among them.
    start, stop : float
        Ends of the interval: ``tau`` from 0 up, finite; ``epsilon`` > 0, or inf to start from
        uniform play. ``stop=0`` follows logit QRE (``tau=0``) to their limits, exact Nash
        equilibria.
    max_step : float
        Longest step along a branch, as a change of probabilities or of the parameter's logarithm,
        in (0, 1]; smaller ones give smoother pictures.
    tol : float
        Bound on every point's residual.
    max_steps : int
        Steps along a branch, in each direction.
    throw : bool
        Raise where a branch was not followed to its end; else return the path with its status.
    seed : int, Generator or SeedSequence
        Of the random starts of the enumeration.
    progress : callable, optional
        Called with the number of branches done.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        An argument is out of range; the message names it.
    ConvergenceError
        A branch was lost, or a point not certified; carries the path, with all that was traced.

    Examples
    --------
    >>> import games, rqe
    >>> path = rqe.trace_rqe(games.free_riding(), parameter="tau", start=0, stop=2, epsilon=0.2)
    >>> path.bifurcations
    (<Bifurcation: pitchfork at 0.8287886937>,)
    >>> [b.ends for b in path.branches]
    [('boundary', 'boundary'), ('bifurcation', 'boundary'), ('bifurcation', 'boundary')]
    """
    request = _Request(game, parameter, tau, epsilon, weights, start, stop)
    check_numbers(tol, max_steps)
    check_choice("select", select, ("all", "principal"))
    if not isinstance(max_step, (int, float)) or not 0.0 < max_step <= 1.0:
        raise ValueError(f"max_step must be a number in (0, 1]; got {max_step!r}")
    places = request.places(at) if select == "all" else []
    after = max(places, default=0.0)
    limit = Limit(request.game, request.curve, after) if request.to_nash else None
    tracer = Tracer(
        request.curve,
        request.low,
        request.high,
        longest=float(max_step),
        max_steps=max_steps,
        limit=limit,
        switch=select == "all",
        progress=progress,
    )
    notes = []
    first = request.principal()
    if first is None:
        notes.append(f"the principal equilibrium at {parameter} = {request.start:g} was not found")
    else:
        tracer.seed(first, request.begin, "principal")
    for place in places:
        for z in request.equilibria(place, seed):
            tracer.seed(z, place, f"enumerated at {parameter} = {request.value(place):.6g}")
    found = record(request.game, tracer, request, tol, tuple(notes), lost=first is None)
    if throw and found.status is not Status.CONVERGED:
        raise ConvergenceError(found)
    return found


class _Request:
    """A checked request: the curve, the interval in its own parameter, and how to start."""

    def __init__(
        self, game: Any, parameter: str, tau: Any, epsilon: Any, weights: Any, start: Any, stop: Any
    ) -> None:
        self.game = check_game(game)
        self.parameter = check_choice("parameter", parameter, ("tau", "epsilon"))
        count = self.game.n_players
        if sum(self.game.shape) > LARGEST:
            raise ValueError(
                f"game must have at most {LARGEST} actions in total to be traced; got "
                f"{sum(self.game.shape)}"
            )
        self.weights = per_player(weights, count, "weights", allow_inf=False)
        if not np.all(self.weights > 0.0):
            raise ValueError(f"weights must be > 0; got {weights!r}")
        self.start, self.stop = self._end("start", start), self._end("stop", stop)
        if self.start == self.stop:
            raise ValueError(f"stop must differ from start; got {stop!r} for both")
        if self.parameter == "tau":
            if epsilon is None or tau is not None:
                raise ValueError(
                    "parameter='tau' needs epsilon, and no tau (relative degrees of risk aversion "
                    f"are weights); got epsilon={epsilon!r} and tau={tau!r}"
                )
            self.held = per_player(epsilon, count, "epsilon", allow_inf=False)
        else:
            if epsilon is not None:
                raise ValueError(
                    "parameter='epsilon' takes no epsilon (relative degrees of bounded "
                    f"rationality are weights); got epsilon={epsilon!r}"
                )
            self.held = per_player(0.0 if tau is None else tau, count, "tau", allow_inf=False)
        self.to_nash = self.parameter == "epsilon" and 0.0 in (self.start, self.stop)
        if self.to_nash and np.any(self.held > 0.0):
            raise ValueError(
                f"tau must be 0 where epsilon is traced to 0; got {tau!r}: the limit with risk "
                "aversion is not offered, stop at a small epsilon"
            )
        if self.to_nash and self.start == 0.0:
            raise ValueError("start must be > 0 for epsilon: branches are followed towards 0")
        self._build()

    def _end(self, name: str, value: Any) -> float:
        """An end of the interval: a number of the parameter's range."""
        to_inf = self.parameter == "epsilon" and name == "start"
        if (
            isinstance(value, (bool, np.timedelta64))
            or not isinstance(value, (int, float, np.integer, np.floating))
            or not value >= 0.0
            or (value == np.inf and not to_inf)
        ):
            valid = "a number >= 0" + (" or inf" if to_inf else ", finite")
            raise ValueError(f"{name} must be {valid}; got {value!r}")
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{name} must fit in a double; got {str(value)[:40]}...") from None

    def _build(self) -> None:
        ranges = self.game.payoff_ranges
        for value in (self.start, self.stop):  # refuses what float64 cannot resolve
            tau, epsilon = value * self.weights, self.held
            if self.parameter == "epsilon":
                scale = value if 0.0 < value < np.inf else 1.0
                tau, epsilon = self.held, scale * self.weights
            attitudes(self.game, make_agents(tau, epsilon, self.game.n_players))
        unit = float(np.max(ranges)) if np.any(ranges > 0.0) else 1.0
        own = [p[None] for p in self.game.own_payoffs]
        if self.parameter == "tau":
            tau, epsilon = self.weights, self.held
        else:
            tau, epsilon = self.held, self.weights
        problem = normalise(own, ranges[None], tau[None], epsilon[None], [None] * len(own))
        # the scale at which tau, or the precision, begins to matter
        self.curve = Curve(problem, self.parameter, float(1.0 / (unit * np.max(self.weights))))
        if self.parameter == "epsilon":
            self.curve = Curve(problem, self.parameter, float(np.min(self.weights)) / unit)
        self.top = SHARPEST * float(np.min(self.weights)) / unit
        ends = sorted((self.inner(self.start), self.inner(self.stop)))
        self.low, self.high, self.begin = ends[0], ends[1], self.inner(self.start)

    def inner(self, value: float) -> float:
        """The curve's own parameter: ``tau``, or ``1 / epsilon``."""
        if self.parameter == "tau":
            return value
        return min(1.0 / value, self.top) if value > 0.0 else self.top

    def value(self, s: float) -> float:
        """The traced degree at the curve's own parameter."""
        if self.parameter == "tau":
            return s
        return 1.0 / s if s > 0.0 else np.inf

    def degrees(self, s: float) -> tuple[FloatArray, FloatArray]:
        """Every player's ``tau`` and ``epsilon`` at the curve's own parameter."""
        if self.parameter == "tau":
            return s * self.weights, self.held
        # any epsilon far above the payoff range makes play uniform
        flat = 1e15 * np.max(self.game.payoff_ranges, initial=0.0) or 1.0
        return self.held, np.minimum(self.value(s), flat) * self.weights

    def principal(self) -> State | None:
        """The principal equilibrium at the start."""
        tau, epsilon = self.degrees(self.begin)
        out = solve_batch(
            Batch([p[None] for p in self.game.own_payoffs], tau[None], epsilon[None]), tol=1e-11
        )
        return out.log_strategies if out.status[0] is Status.CONVERGED else None

    def equilibria(self, s: float, seed: Any) -> list[State]:
        """Every equilibrium that can be found at a parameter."""
        found = enumerate_rqe(self.game, *self.degrees(s), follow=False, seed=seed)
        return [[z[None] for z in eq.log_strategies] for eq in found]

    def places(self, at: Sequence[float] | None) -> list[float]:
        """The parameters to enumerate at, in the curve's own terms."""
        if at is not None:
            low, high = sorted((self.start, self.stop))
            for value in at:
                number = isinstance(value, (int, float)) and low <= value <= high
                if not number or (value == 0.0 and self.parameter == "epsilon"):
                    positive = "> 0 " if self.parameter == "epsilon" else ""
                    raise ValueError(
                        f"at must be values {positive}in [{low:g}, {high:g}]; got {value!r}"
                    )
            return [self.inner(float(value)) for value in at]
        # beyond a sharpness of 50 new branches hardly appear, while starts find them less easily
        high = min(self.high, max(50.0 * self.curve.unit, self.low)) if self.to_nash else self.high
        unit = self.curve.unit
        inner = np.geomspace(self.low + unit, high + unit, PLACES)[1:-1] - unit
        return [self.low, *(float(s) for s in inner), high]
