"""The closed list of endings, and the errors that carry them."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Status(Enum):
    """How a solver ended. Each value is the message a user reads, with its remedy."""

    CONVERGED = "converged: residual and regret are within tolerance"
    MAX_STEPS = "stopped at max_steps before the tolerance; raise max_steps, or loosen tol"
    NON_FINITE = "an iterate was not finite; rescale payoffs, tau and epsilon towards unit range"
    SINGULAR = (
        "the linear system became singular, as at a bifurcation; move tau or epsilon slightly, or "
        "use select='any'"
    )
    LOST_BRANCH = (
        "the branch could not be followed further; use select='any', or "
        "enumerate_rqe for every equilibrium found"
    )
    UNCERTIFIED = (
        "the method ended, but the residual or regret of its answer exceeds the tolerance; try "
        "another method, or loosen tol"
    )


class ConvergenceError(RuntimeError):
    """A solver could not reach its tolerance.

    Attributes
    ----------
    result : Equilibrium or the solver's other result type
        The best iterate, with its residual, regret and status; of a batch, the whole batch.
    status : Status
        Of a batch, the first that is not converged.
    """

    def __init__(self, result: Any, detail: str = "") -> None:
        self.result = result
        given = result.status if isinstance(result.status, tuple) else (result.status,)
        self.status: Status = next((s for s in given if s is not Status.CONVERGED), given[0])
        single = isinstance(getattr(result, "residual", None), float)
        evidence = f"residual {result.residual:.3g}" if single else ""
        parts = [f"{self.status.name}: {self.status.value}", evidence, detail]
        super().__init__(" | ".join(part for part in parts if part))


class InfiniteRiskError(ValueError):
    """A player's risk-adjusted payoff is minus infinity at every strategy: ``tau`` is too large.

    Attributes
    ----------
    player : int
        The first such player, from 0.
    max_tau : float
        The supremum of the ``tau`` admissible for that player, the others' attitudes held fixed;
        the risk is finite for every ``tau`` strictly below it.
    """

    def __init__(self, player: int, tau: float, max_tau: float) -> None:
        self.player = player
        self.tau = tau
        self.max_tau = max_tau
        super().__init__(
            f"tau[{player}] = {tau:.6g} makes player {player}'s risk infinite; it must be below "
            f"{max_tau:.6g} for the other players' epsilon as given"
        )


class MissingExtraError(ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs {package}, which is not installed; install it with: "
            f"pip install 'rqe[{extra}]'"
        )
