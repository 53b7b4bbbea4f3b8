"""Equilibria of players with any of the risk measures and regularisers, in games of modest size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..certificate import SPARSE, Evidence, general_evidence, is_solved
from ..core.ops import joint_log
from ..model._checks import FloatArray
from ..model.agent import Agent
from ..model.normal_form import NormalFormGame
from ..result.equilibrium import Equilibrium
from ..result.status import Status
from ._links import Power, tilt
from ._loop import iterate
from ._report import report
from ._score_path import ScorePath
from ._score_polish import Polish
from ._scores import Play, System, seat_of
from ._validate import check_start
from .no_regret import no_regret

GENTLE = 30.0
"""Sharpness of steps and corners on the path in ``level``."""
SHARPER = (1e4, 1e6, 1e8, 1e10)
"""Sharpnesses at which the exact conditions are tried."""
POLISHES = 60
"""Cap on the steps of the last Newton method."""


@dataclass
class Found:
    """The best profile met, and what it took."""

    log_strategies: list[FloatArray]
    log_beliefs: list[FloatArray | None]
    """Of players whose risk measure has steps: their worst-case belief is not unique."""
    status: Status = Status.MAX_STEPS
    iterations: int = 0
    method: str = ""
    principal: bool = False
    index: int | None = None
    evidence: Evidence | None = None


class General:
    """One game and its agents, on payoffs of unit range."""

    def __init__(self, own_payoffs: Sequence[FloatArray], agents: Sequence[Agent]) -> None:
        self.own_payoffs, self.agents = list(own_payoffs), tuple(agents)
        self.ranges = np.array([np.ptp(p) for p in own_payoffs])
        seats = zip(agents, own_payoffs, self.ranges, strict=True)
        self.system = System([seat_of(a, p, float(r)) for a, p, r in seats])
        self.rounded = any(s.rounded for s in self.system.seats)

    def judged(
        self, best: Found | None, log_x: list[FloatArray], p: list[FloatArray | None]
    ) -> Found:
        """The better of a profile and the best so far, by the definition's residual."""
        log_x = [
            np.where(z < SPARSE, -np.inf, z) if isinstance(s.link, Power) and s.link.q > 1.0 else z
            for s, z in zip(self.system.seats, log_x, strict=True)
        ]
        with np.errstate(all="ignore"):  # logarithms of beliefs that rule outcomes out
            found = general_evidence(self.own_payoffs, log_x, self.agents, p)
        if best is None or best.evidence is None or found.residual < best.evidence.residual:
            return Found(log_x, p, evidence=found)
        return best

    def exact(self, best: Found | None, play: Play) -> tuple[Found, int]:
        """The exact conditions solved from a smooth answer: the best profile met, and the steps."""
        system = self.system
        smooth: list[FloatArray | None] = []
        log_x = system.strategies(play)
        for i in range(len(log_x)):
            held = system.own_belief(i) and system.seats[i].stepped
            log_q = joint_log(tuple(log_x), i)
            smooth.append(system.belief(i, play, log_q).log_p if held else None)
        best = self.judged(best, log_x, smooth)
        polish = Polish(system, play)
        with np.errstate(all="ignore"):
            at, _, steps = iterate(polish, polish.begin(), POLISHES)
            log_x = [tilt(s.link, t)[0] for s, t in zip(system.seats, at.scores, strict=True)]
            p = [None if b is None else np.log(b / b.sum()) for b in at.beliefs]
        return self.judged(best, log_x, p), steps

    def solved(self, found: Found, tol: float) -> bool:
        """Whether a profile counts as solved."""
        return found.evidence is not None and bool(is_solved(found.evidence, self.ranges, tol))


def solve_general(
    own_payoffs: Sequence[FloatArray],
    agents: Sequence[Agent],
    *,
    start: Sequence[FloatArray] | None = None,
    follow: bool = True,
    tol: float = 1e-10,
    max_steps: int = 10_000,
) -> Found:
    """Equilibrium of agents with any of the risk measures and regularisers.

    The branch is followed from indifference, with the steps of risk measures that have them
    rounded; then they are sharpened, and the exact conditions solved.

    Parameters
    ----------
    own_payoffs : sequence of array (n_i, m_i)
    agents : sequence of Agent
        With ``epsilon > 0``.
    start : sequence of array (n_i,), optional
        Log-strategies that Newton's method starts from.
    follow : bool
        Whether to follow the branch, where there is no start or Newton's method fails from it.
    tol : float
        Bound on the residual.
    max_steps : int
        Bound on the steps of each stage.
    """
    game = General(own_payoffs, agents)
    best: Found | None = None
    stages, work = [], 0
    if start is not None or not follow:
        play = game.system.from_strategies(start, GENTLE)
        best, work = game.exact(None, play)
        stages.append("newton")
        if game.solved(best, tol) or not follow:
            return _ended(game, best, stages, work, tol, Status.UNCERTIFIED)
    path = ScorePath(game.system, "level", 1.0)
    with np.errstate(all="ignore"):
        walk, ending, steps = iterate(path, path.begin(game.system.begin(GENTLE)), max_steps)
    stages.append("homotopy")
    work += steps
    index, whole = int(walk.sign), ending is Status.CONVERGED
    for k in SHARPER if ending is Status.CONVERGED else ():
        if game.rounded:
            sharpen = ScorePath(game.system, "k", k)
            with np.errstate(all="ignore"):
                walk, ending, steps = iterate(sharpen, sharpen.begin(walk.play), max_steps)
            work += steps
        best, more = game.exact(best, walk.play)
        work += more
        if game.solved(best, tol) or ending is not Status.CONVERGED or not game.rounded:
            break
    if game.rounded:
        stages.append("sharpening")
    if best is None:
        best, more = game.exact(None, walk.play)
        work += more
    best.principal, best.index = whole, index or None
    return _ended(game, best, [*stages, "newton"], work, tol, ending)


def _ended(
    game: General, best: Found, stages: list[str], work: int, tol: float, ending: Status
) -> Found:
    if game.solved(best, tol):
        best.status = Status.CONVERGED
    else:
        best.status = Status.UNCERTIFIED if ending is Status.CONVERGED else ending
        best.principal = False
    best.iterations = work
    best.method = ", ".join(stages)
    return best


def solve_finite(
    game: NormalFormGame,
    agents: tuple[Agent, ...],
    method: str,
    select: str,
    start: object,
    tol: float,
    max_steps: int,
    concept: str,
) -> Equilibrium:
    """Equilibrium of a finite game whose agents need not be entropic; arguments checked.

    ``newton`` starts from ``start``, or from uniform play, and follows no branch; ``auto`` and
    ``homotopy`` follow the branch from indifference (``auto`` after Newton's method from
    ``start``, if that fails).
    """
    begin = None
    if start is not None:
        sharpest = max(
            float(r) / a.regularizer.epsilon
            for r, a in zip(game.payoff_ranges, agents, strict=True)
        )
        begin = check_start(start, game.shape, sharpest)
    if method == "no_regret":
        learned = no_regret(game, agents, start=begin, tol=tol, max_steps=max_steps)
        found = Found(
            learned.log_strategies,
            [None] * len(agents),
            learned.status,
            learned.iterations,
            learned.method,
        )
    else:
        found = solve_general(
            game.own_payoffs,
            agents,
            start=begin,
            follow=method != "newton",
            tol=tol,
            max_steps=max_steps,
        )
    return report(
        game,
        found.log_strategies,
        agents,
        tol=tol,
        method=found.method,
        iterations=found.iterations,
        ending=Status.UNCERTIFIED if found.status is Status.CONVERGED else found.status,
        log_beliefs=found.log_beliefs,
        branch="principal" if found.principal else "unknown",
        index=found.index,
        concept=concept,
        throw=False,
    )
