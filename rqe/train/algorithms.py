"""Who plays whom and for what: every algorithm is a plan of phases for the one trainer.

A *learner* is a policy with a critic. A *phase* is a rollout: its casts say which learner sits in
which seat, its objectives what each learner in training is after. SRPO is IPPO with one more kind
of learner, the adversary, which sits where the partner would.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ..core.divergences import ReverseKL
from ..core.risk import Entropic

POOL = -1
"""In a cast: a member of the algorithm's pool, drawn anew for each environment and rollout."""
TILTED = -2
"""In a cast: the worst-case belief about the learners of this seat, by the core's closed form."""

Weights = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Objective:
    """What a learner is after in a phase."""

    learner: int
    rewards: Weights
    """``[seat][agent]``: how much of each agent's reward counts for who plays the seat."""
    penalties: Weights
    """``[seat][other]``: how much of each seat's regulariser counts in the rewards, if any does."""
    anchor: int | None = None
    """The learner to stay close to (an adversary's), in place of the entropy bonus (an agent's)."""


@dataclass(frozen=True)
class Phase:
    """A rollout and what is learned from it."""

    casts: tuple[tuple[int, ...], ...]
    """Learners by seat, or `POOL` or `TILTED`; every environment draws one of the rows."""
    objectives: tuple[Objective, ...]
    salt: int
    """Phases with the same salt roll out with the same random numbers."""


@dataclass(frozen=True)
class Plan:
    """All learners and phases of one update."""

    homes: tuple[int, ...]
    """For each learner a seat that it plays: its sizes of observation and action space."""
    play: tuple[int, ...]
    """For each seat the learner whose policy training is for."""
    phases: tuple[Phase, ...]
    copies: tuple[int, ...] = ()
    """For each learner the one whose policy it starts with; by default its own."""
    risk: Any = None
    """Risk measure whose penalty ties adversaries to their anchors."""
    final_tau: float | None = None
    """Its degree at the end of the run, which it moves to by equal factors; None if it stays."""
    joint: bool = False
    """Critics value joint actions, as the closed form needs."""
    pool: Any = None
    """Policies that `POOL` stands for, stacked."""

    def at(self, progress: Any) -> Plan:
        """The plan after a part of the run, in [0, 1]."""
        if self.final_tau is None:
            return self
        first = self.risk.tau
        tau = first * (self.final_tau / first) ** progress
        return replace(self, risk=type(self.risk)(tau))


class Algorithm(Protocol):
    """A value that says who plays whom; see `Plan`."""

    @property
    def name(self) -> str:
        """For tables."""

    def plan(self, n_agents: int) -> Plan:
        """The plan for so many agents."""


def _unit(n: int, sign: float = 1.0) -> Weights:
    return tuple(tuple(sign * float(j == k) for k in range(n)) for j in range(n))


def _column(n: int, agent: int, sign: float = 1.0) -> Weights:
    """Everyone's stake is one agent's reward."""
    return tuple(tuple(sign * float(k == agent) for k in range(n)) for _ in range(n))


def _full(n: int, sign: float = 1.0) -> Weights:
    return tuple((sign,) * n for _ in range(n))


@dataclass(frozen=True)
class IPPO:
    """Independent learners, each with its own reward and critic.

    Parameters
    ----------
    shared : bool
        One policy for all seats, whose spaces must be alike.
    """

    shared: bool = False
    name: str = "ippo"

    def plan(self, n_agents: int) -> Plan:
        """One phase in which everyone learns."""
        seats = range(n_agents)
        cast = (0,) * n_agents if self.shared else tuple(seats)
        goals = tuple(Objective(k, _unit(n_agents), _unit(n_agents)) for k in sorted(set(cast)))
        return Plan(tuple(sorted(set(cast))), cast, (Phase((cast,), goals, 0),))


@dataclass(frozen=True)
class SelfPlay(IPPO):
    """One policy that plays every seat: `IPPO` with shared parameters."""

    shared: bool = True
    name: str = "self-play"


@dataclass(frozen=True)
class SRPO:
    r"""Strategically risk-averse policy optimisation (SRA section 5).

    In phase i agent i plays against an adversary in its partner's seat, which lowers agent i's
    reward but pays :math:`\frac1\tau D` for playing otherwise than the partner would.

    Parameters
    ----------
    tau : float in (0, inf]
        Degree of risk aversion, 1/reward units.
    divergence : {"reverse_kl", "kl"}
        ``D``: KL(partner || adversary), as SRA's authors compute it, or KL(adversary || partner),
        as the paper prints it. Fixed points of one-state games are RQE of `ReverseKL` or
        `Entropic` risk: different equilibria.
    adversary : {"learned", "closed-form"}
        A policy with a critic, or the worst-case belief given a learned ``Q_i`` of joint actions.
    control : {"others", "seat"}
        With more than two agents: adversaries in all the other seats (the closed form: jointly,
        with correlated deviations; learned: one for each seat, correlated through what they
        observe), or in one of them, drawn for each environment, while the others' own policies
        play the rest. In a one-state game with three agents learned adversaries of all the others
        end where each pays its own penalty, not at the RQE, whose belief is one and joint.
    shared : bool
        One policy for all agents and one adversary for all seats; the adversary's seat is drawn
        for each environment.
    final_tau : float in (0, inf), optional
        Degree at the end of the run, to which it moves by equal factors.

    Raises
    ------
    ValueError
        An argument out of range, or a combination that is not defined.
    """

    tau: float = 10.0
    divergence: str = "reverse_kl"
    adversary: str = "learned"
    control: str = "others"
    shared: bool = False
    final_tau: float | None = None

    def __post_init__(self) -> None:
        if not self.tau > 0.0:
            raise ValueError(f"tau must be positive (or inf); got {self.tau!r}")
        if self.final_tau is not None and not 0.0 < self.final_tau < float("inf") > self.tau:
            raise ValueError(
                f"final_tau must be positive and finite, as tau is then; got {self.final_tau!r} "
                f"with tau={self.tau!r}"
            )
        for name, valid in (
            ("divergence", ("reverse_kl", "kl")),
            ("adversary", ("learned", "closed-form")),
            ("control", ("others", "seat")),
        ):
            if getattr(self, name) not in valid:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(repr, valid))}; got "
                    f"{getattr(self, name)!r}"
                )
        if self.adversary == "closed-form" and (self.shared or self.control == "seat"):
            raise ValueError(
                "adversary must be 'learned' with shared=True or control='seat'; got 'closed-form'"
            )

    @property
    def name(self) -> str:
        """For tables."""
        return "srpo"

    @property
    def risk(self) -> Any:
        """The risk measure, from the core."""
        return ReverseKL(self.tau) if self.divergence == "reverse_kl" else Entropic(self.tau)

    def plan(self, n_agents: int) -> Plan:
        """A phase for each agent, or one for all where the policy is shared."""
        if n_agents < 2:
            raise ValueError(f"SRPO needs at least 2 agents; got {n_agents}")
        if self.shared:
            return self._shared(n_agents)
        seats = range(n_agents)
        if self.adversary == "closed-form":
            phases = []
            for i in seats:
                cast = tuple(i if j == i else TILTED for j in seats)
                goal = Objective(i, _column(n_agents, i), _full(n_agents))
                phases.append(Phase((cast,), (goal,), i))
            own = tuple(seats)
            return Plan(
                own, own, tuple(phases), risk=self.risk, final_tau=self.final_tau, joint=True
            )
        homes, copies = list(seats), list(seats)
        phases = []
        for i in seats:
            rivals = {}
            for j in seats:
                if j != i:
                    rivals[j] = len(homes)
                    homes.append(j)
                    copies.append(j)
            others = [j for j in seats if j != i]
            if self.control == "others":
                casts = [tuple(rivals.get(j, i) for j in seats)]
            else:
                casts = [tuple(rivals[j] if j == k else j for j in seats) for k in others]
            agent = Objective(i, _column(n_agents, i), _full(n_agents))
            against = tuple(
                Objective(k, _column(n_agents, i, -1.0), _full(n_agents, -1.0), anchor=j)
                for j, k in rivals.items()
            )
            phases.append(Phase(tuple(casts), (agent, *against), i))
        return Plan(
            tuple(homes),
            tuple(seats),
            tuple(phases),
            tuple(copies),
            risk=self.risk,
            final_tau=self.final_tau,
        )

    def _shared(self, n_agents: int) -> Plan:
        casts = tuple(tuple(int(j == k) for j in range(n_agents)) for k in range(n_agents))
        # who plays the adversary's seat j lowers what the others get on average
        against = np.where(np.eye(n_agents) > 0, 0.0, -1.0 / (n_agents - 1))
        rewards = tuple(tuple(row) for row in against.tolist())
        goals = (
            Objective(0, _unit(n_agents), _full(n_agents)),
            Objective(1, rewards, _full(n_agents, -1.0), anchor=0),
        )
        return Plan(
            (0, 0),
            (0,) * n_agents,
            (Phase(casts, goals, 0),),
            (0, 0),
            risk=self.risk,
            final_tau=self.final_tau,
        )


@dataclass(frozen=True)
class PureAdversary(SRPO):
    """Adversaries bound by nothing: SRPO at ``tau = inf``."""

    tau: float = float("inf")

    @property
    def name(self) -> str:
        """For tables."""
        return "pure-adversary"


@dataclass(frozen=True, eq=False)
class FictitiousCoPlay:
    """Learners whose partners are drawn from a pool of trained policies, fixed meanwhile.

    Parameters
    ----------
    pool : Policies
        A stack of runs, for example several seeds at several stages of training.
    """

    pool: Any
    name: str = "fcp"

    def plan(self, n_agents: int) -> Plan:
        """A phase for each agent, with members of the pool in the other seats."""
        seats = range(n_agents)
        phases = tuple(
            Phase(
                (tuple(i if j == i else POOL for j in seats),),
                (Objective(i, _unit(n_agents), _unit(n_agents)),),
                i,
            )
            for i in seats
        )
        return Plan(tuple(seats), tuple(seats), phases, pool=self.pool)
