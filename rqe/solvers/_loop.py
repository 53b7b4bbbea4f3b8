"""The one driver loop: counts, checks that iterates stay finite, and names the ending."""

from __future__ import annotations

from typing import Protocol, TypeVar

from ..result.status import Status

S = TypeVar("S")


class Method(Protocol[S]):
    """An iterative method: three verbs over its own state (which it may mutate and return)."""

    def step(self, state: S) -> S:
        """The next iterate."""

    def ending(self, state: S) -> Status | None:
        """How it ended, or None to go on."""

    def finite(self, state: S) -> bool:
        """Whether every number of the iterate is finite."""


def iterate(method: Method[S], state: S, max_steps: int) -> tuple[S, Status, int]:
    """Step until the method says how it ended, an iterate is not finite, or steps run out.

    Returns
    -------
    state, status, steps
        The last state whose numbers are finite, how it ended, and the number of steps taken.
    """
    for steps in range(max_steps + 1):
        ending = method.ending(state)
        if ending is not None:
            return state, ending, steps
        if steps == max_steps:
            break
        following = method.step(state)
        if not method.finite(following):
            return state, Status.NON_FINITE, steps
        state = following
    return state, Status.MAX_STEPS, max_steps
