"""Every RQE that many starts, deflation and the branches through what is found lead to."""

from __future__ import annotations

from itertools import islice, product
from typing import Any

import numpy as np

from ..certificate import evidence, is_solved
from ..model._checks import FloatArray, whole
from ..model.agent import Agent, make_agents
from ..model.normal_form import NormalFormGame
from ..result.equilibrium import Equilibrium, EquilibriumSet
from ..result.proof import Proof
from ..result.status import Status
from ._curve import Curve
from ._loop import iterate
from ._problem import Problem
from ._report import log_of, report
from ._system import State, apart, beliefs, jacobian, linearise
from ._tracing import Tracer
from ._validate import attitudes, check_game, check_numbers
from .newton import Newton
from .normal_form import Batch, solve_batch
from .rigorous import prove_rqe

SAME = 1e-5
"""Largest relative difference of log-probabilities between two records of one equilibrium."""
LADDER = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0)
"""Shares of the target ``tau`` at which equilibria are collected and carried upward."""
PURE_STARTS = 256
DEFLATIONS = 4
"""Times that Newton is sent away from what was found, in each round."""
DEFLATED = 25
"""Steps of Newton's method with deflation."""
FOLLOWED = 40
"""Actions of all players together up to which branches are followed."""


@np.errstate(all="ignore")  # what overflows is found by looking at the result
def enumerate_rqe(
    game: NormalFormGame,
    tau: Any,
    epsilon: Any,
    *,
    starts: int = 64,
    rounds: int = 6,
    tol: float = 1e-10,
    max_steps: int = 80,
    follow: bool = True,
    rigorous: bool = False,
    seed: Any = 0,
) -> EquilibriumSet:
    """All risk-averse quantal response equilibria that starts, deflation and branches lead to.

    Damped Newton is started from the uniform profile, the pure profiles and random ones, first at
    ``tau = 0`` and then at rising shares of the target, where the equilibria found so far start
    too; the principal branch is added. Then Newton goes on with the equilibria found deflated, and
    the branch through each of them is followed up in ``epsilon`` and back down, with the branches
    that meet it: equilibria that exist only at small ``epsilon`` come in pairs connected that way.
    Rounds of new random starts go on until the fixed-point indices sum to 1, as they must for the
    complete set, and a round has found nothing new.

    Parameters
    ----------
    game : NormalFormGame
    tau, epsilon : float or sequence of N floats
        As for `solve_rqe`.
    starts : int
        Random starts a round, >= 1.
    rounds : int
        At most so many rounds, >= 1.
    tol : float
        Bound on each equilibrium's residual.
    max_steps : int
        Newton steps a start.
    follow : bool
        Whether to follow branches. It takes most of the time of small games, and is left out in
        games of more than 40 actions in total and where a player's ``tau`` is infinite.
    rigorous : bool
        Whether to prove the number of RQE as well, by `prove_rqe`, in interval arithmetic (extra
        ``rigorous``). For small games, 2 x 2 ones above all; ``docs/rigorous.md`` says how large.
    seed : int, Generator or SeedSequence
        Of the random starts.

    Returns
    -------
    EquilibriumSet
        Ordered by strategies, each certified, with its fixed-point index (None where singular).
        ``complete`` is ``"unknown"``: an index sum of 1 is necessary for completeness, not
        sufficient. With ``rigorous`` it is ``"proved"`` where every part of the space of profiles
        was decided and each proven equilibrium is in the set; ``proof`` holds the boxes.

    Raises
    ------
    ValueError
        An argument is out of range, or the game too large for a proof; the message names it.
    MissingExtraError
        ``rigorous`` without python-flint.

    Examples
    --------
    >>> import games, rqe
    >>> eqs = rqe.enumerate_rqe(games.free_riding(), tau=0.5, epsilon=0.2)
    >>> [round(float(eq.strategies[0][0]), 8) for eq in eqs], eqs.index_sum
    ([0.28017478, 0.58369572, 0.84252458], 1)
    >>> rqe.enumerate_rqe(games.free_riding(), tau=0.5, epsilon=0.2, rigorous=True).complete
    'proved'
    """
    finite = check_game(game)
    people = make_agents(tau, epsilon, finite.n_players)
    taus, epsilons = attitudes(finite, people)
    check_numbers(tol, max_steps)
    for name, value in (("starts", starts), ("rounds", rounds)):
        whole(value, name)
    search = _Search(finite, people, taus, epsilons, tol, max_steps)
    search.principal()
    rng = np.random.default_rng(seed)
    for number in range(rounds):
        before = len(search.found)
        search.climb(_starts(finite.shape, starts, rng, first=number == 0))
        search.deflate(_starts(finite.shape, starts, rng, first=False))
        if follow:
            search.follow()
        quiet = len(search.found) == before
        if search.index_sum() == 1 and (quiet or not search.batch.problem.active):
            break
    if rigorous:
        search.prove(tau, epsilon)
    return search.collect()


class _Search:
    """What has been found so far, and how to look for more."""

    def __init__(
        self,
        game: NormalFormGame,
        agents: tuple[Agent, ...],
        tau: FloatArray,
        epsilon: FloatArray,
        tol: float,
        max_steps: int,
    ) -> None:
        self.game, self.agents, self.tol, self.max_steps = game, agents, tol, max_steps
        self.tau, self.epsilon = tau, epsilon
        self.own = [p[None] for p in game.own_payoffs]
        self.batch = Batch(self.own, tau[None], epsilon[None])
        self.found: list[State] = []
        self.branch: list[str] = []
        self.index: list[int | None] = []
        self.tracer: Tracer | None = None
        self.proof: Proof | None = None

    def principal(self) -> None:
        """The equilibrium on the branch from the uniform profile."""
        out = solve_batch(self.batch, tol=self.tol)
        if out.status[0] is Status.CONVERGED:
            self._keep([z[:1] for z in out.log_strategies], "principal")

    def climb(self, starts: State) -> None:
        """Newton from the given starts at rising ``tau``, carrying what is found upward."""
        if not self.batch.problem.active:
            return
        carried: State | None = None
        ladder = LADDER if np.any(self.tau[np.isfinite(self.tau)] > 0.0) else (1.0,)
        for share in ladder:
            pool = starts if carried is None else _join(carried, starts)
            problem = _spread_problem(self.batch.problem, share, len(pool[0]))
            method = Newton(problem)
            z = [p if f is None else f for p, f in zip(pool, problem.fixed, strict=True)]
            state, _, _ = iterate(method, method.begin(z), self.max_steps)
            good = np.flatnonzero(method.settled(state))
            carried = _distinct([part[good] for part in state.z])
            if not len(carried[0]):
                carried = None
        if carried is not None:
            for k in range(len(carried[0])):
                self._keep([part[k : k + 1] for part in carried], "unknown")

    def deflate(self, starts: State) -> None:
        """Newton away from what was found, as long as that finds more."""
        if not self.batch.problem.active:
            return
        for _ in range(DEFLATIONS):
            known = len(self.found)
            away = [np.exp(np.concatenate(z, axis=1)[0]) for z in self.found]
            self._land(starts, np.array(away) if away else None)
            if len(self.found) == known:
                break

    def _land(self, starts: State, away: FloatArray | None = None) -> None:
        """Newton at the target from given starts, away from given profiles; keeps what it finds."""
        problem = _spread_problem(self.batch.problem, 1.0, len(starts[0]))
        method = Newton(problem, away=away)
        z = [p if f is None else f for p, f in zip(starts, problem.fixed, strict=True)]
        # sent away from all there is, Newton wanders: what it finds, it finds soon
        steps = self.max_steps if away is None else min(self.max_steps, DEFLATED)
        state, _, _ = iterate(method, method.begin(z), steps)
        good = np.flatnonzero(method.settled(state))
        distinct = _distinct([part[good] for part in state.z])
        for k in range(len(distinct[0])):
            self._keep([part[k : k + 1] for part in distinct], "unknown")

    def follow(self) -> None:
        """The branches through what was found, at ``epsilon`` from the given one upward."""
        problem = self.batch.problem
        if any(f is not None for f in problem.fixed) or sum(problem.sizes) > FOLLOWED:
            return
        top = float(problem.precision.max())
        if top <= 0.0:
            return
        if self.tracer is None:
            curve = Curve(problem, "epsilon", 1.0 / top)
            self.tracer = Tracer(curve, 0.0, 1.0, longest=0.3, max_steps=2_000)
        for z in list(self.found):
            self.tracer.seed(z, 1.0, "")
        for branch in self.tracer.branches:
            for here in (branch.trail[0], branch.trail[-1]):
                if here.s == 1.0:
                    self._keep(here.z, "unknown")

    def prove(self, tau: Any, epsilon: Any) -> None:
        """Prove the number of equilibria, and look in the boxes of those not found so far."""
        self.proof = prove_rqe(self.game, tau, epsilon)
        if len(self.proof) > len(self.found):
            boxes = self.proof.enclosures
            middles = [[(a + b) / 2.0 for a, b in zip(*box, strict=True)] for box in boxes]
            starts = [log_of(own) for own in zip(*middles, strict=True)]
            self._land([np.maximum(np.array(part), -1e15) for part in starts])

    def _keep(self, z: State, branch: str) -> None:
        if any(float(apart(z, old)[0]) < SAME for old in self.found):
            return
        batch = self.batch
        found = evidence(self.own, z, batch.tau, batch.epsilon, batch.duals)
        if not bool(is_solved(found, batch.ranges, self.tol)[0]):
            return
        self.found.append(z)
        self.branch.append(branch)
        self.index.append(_index(batch.problem, z))

    def index_sum(self) -> int | None:
        """Sum of the indices, None if one is unknown or nothing was found."""
        if not self.index or None in self.index:
            return None
        return sum(i for i in self.index if i is not None)

    def collect(self) -> EquilibriumSet:
        """The records, ordered by the first player's strategy, then the next's."""
        order = sorted(
            range(len(self.found)),
            key=lambda k: [round(float(p), 9) for z in self.found[k] for p in np.exp(z[0])],
        )
        total = self.index_sum()
        notes = []
        if total is None:
            notes.append("an equilibrium is singular: its index, and so the sum, is not defined")
        elif total != 1:
            notes.append(f"indices sum to {total}, not 1: equilibria are missing; raise starts")
        complete = "unknown"
        if self.proof is not None:
            if len(self.proof) == len(self.found):
                complete = self.proof.complete
            else:
                notes.append(f"{len(self.proof)} RQE are proven, {len(self.found)} were found")
            if self.proof.undecided:
                notes.append(f"{len(self.proof.undecided)} boxes could not be decided: see proof")
        return EquilibriumSet(
            equilibria=tuple(self._record(k) for k in order),
            index_sum=total,
            complete=complete,
            proof=self.proof,
            method="newton from many starts, deflation, branches in tau and epsilon",
            notes=tuple(notes),
        )

    def _record(self, k: int) -> Equilibrium:
        return report(
            self.game,
            [part[0] for part in self.found[k]],
            self.agents,
            tol=self.tol,
            method="newton" if self.branch[k] == "unknown" else "homotopy",
            iterations=0,
            log_beliefs=[None if p is None else p[0] for p in self.batch.duals],
            branch=self.branch[k],
            index=self.index[k],
        )


def _starts(shape: tuple[int, ...], count: int, rng: np.random.Generator, *, first: bool) -> State:
    """Random profiles of varied concentration; in the first round uniform and pure ones too."""
    spread = rng.choice([0.3, 1.0, 3.0], size=count)
    parts = [
        np.log(np.maximum(rng.standard_gamma(np.repeat(spread[:, None], n, axis=1)), 1e-12))
        for n in shape
    ]
    if first:
        profiles = list(islice(product(*(range(n) for n in shape)), PURE_STARTS))
        for i, n in enumerate(shape):
            # close to pure equilibria of very precise play, basins are as narrow as play is noisy
            pure = [np.full((len(profiles), n), np.log(share / n)) for share in (0.05, 1e-30)]
            for part in pure:
                part[np.arange(len(profiles)), [a[i] for a in profiles]] = 0.0
            parts[i] = np.concatenate([np.zeros((1, n)), *pure, parts[i]])
    return [p - np.log(np.exp(p).sum(axis=1, keepdims=True)) for p in parts]


def _spread_problem(problem: Problem, share: float, count: int) -> Problem:
    """One game repeated for `count` starts, at a share of its ``tau``."""
    tau = share * problem.tau
    return Problem(
        payoffs=problem.payoffs,
        tau=np.repeat(tau, count, axis=0),
        precision=np.repeat(problem.precision, count, axis=0),
        fixed=tuple(None if z is None else np.repeat(z, count, axis=0) for z in problem.fixed),
        neutral=tuple(bool(t == 0.0) for t in tau[0]),
    )


def _join(a: State, b: State) -> State:
    return [np.concatenate(pair) for pair in zip(a, b, strict=True)]


def _distinct(z: State) -> State:
    """One of every group of profiles that agree to `SAME`."""
    flat = np.concatenate(z, axis=1)
    kept: list[int] = []
    for k in np.lexsort(flat.T[::-1]):
        one = [part[[k]] for part in z]
        if not kept or float(apart(one, [part[kept] for part in z]).min()) >= SAME:
            kept.append(int(k))
    return [part[kept] for part in z]


def _index(problem: Problem, z: State) -> int | None:
    """Sign of ``det(I - DΦ)``, None where the matrix is singular to working precision."""
    if not problem.active:
        return 1
    y = beliefs(problem, z)
    with np.errstate(all="ignore"):
        matrix = jacobian(problem, z, linearise(problem, z, y, np.ones(1)))[0]
    if not np.all(np.isfinite(matrix)):
        return None
    values = np.linalg.svd(matrix, compute_uv=False)
    if values[-1] <= 1e-9 * min(1.0, values[0]):
        return None
    return int(np.linalg.slogdet(matrix)[0])
