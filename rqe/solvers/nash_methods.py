"""The methods behind `solve_nash`; each answer passes `Request.certify`."""

from __future__ import annotations

import contextlib

import numpy as np

from ..result.equilibrium import Equilibrium, EquilibriumSet
from ..result.status import ConvergenceError, MissingExtraError, Status
from ._nash import Request, better, same, single, unless
from ._report import relabel
from .lemke_howson import paths
from .security import maximin
from .support import Profile, distributions, polish, unit_payoffs
from .vertices import enumerate_vertices

NEARLY = 1e-9
"""Margin below which a nondegenerate game is said to be nearly degenerate."""
LISTED = 1_000
"""Most pure equilibria listed."""
LEVELS = (0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
"""Degrees epsilon, in units of the payoff range, at which the homotopy tries to land."""
CLOSE = 0.05
"""Distance from the logit equilibrium at which it need not go further down."""


def by_vertices(request: Request) -> EquilibriumSet:
    """All (extreme) equilibria by exact vertex enumeration."""
    a, b = request.game.payoffs
    found = enumerate_vertices(a, b, request.max_steps)
    proper = found.status is Status.CONVERGED
    equilibria, notes = [], []
    for extreme in found.equilibria:
        equilibria.append(
            request.certify((extreme.x, extreme.y), "vertex", found.steps, index=extreme.index)
        )
    if not proper:
        note = f"vertex enumeration stopped after {found.steps} bases; equilibria may be missing"
        if request.throw or not equilibria:
            best = (
                equilibria[0]
                if equilibria
                else request.certify(request.uniform(), "vertex", found.steps, ending=found.status)
            )
            return request.failed(relabel(best, status=found.status), "vertex", note)
        notes.append(note)
    for eq in equilibria:
        if eq.status is not Status.CONVERGED:
            if request.throw:
                raise ConvergenceError(eq, "an exact equilibrium failed its certificate")
            notes.append("an exact equilibrium failed its certificate: see the statuses")
            break
    if found.degenerate:
        notes.append(_degenerate_note(len(equilibria), found.components, found.finite))
    elif proper and found.margin < NEARLY:
        notes.append(
            f"the game is nearly degenerate (margin {found.margin:.1e} of the payoff range): the "
            "set is exact for the payoffs as printed and may change with their rounding"
        )
    nondegenerate = proper and not found.degenerate
    return EquilibriumSet(
        tuple(equilibria),
        index_sum=sum(eq.index or 0 for eq in equilibria) if nondegenerate else None,
        complete="proved" if proper and (nondegenerate or found.finite) else "unknown",
        degenerate=found.degenerate or (False if proper else None),
        method="vertex",
        notes=tuple(notes),
    )


def _degenerate_note(count: int, components: int, finite: bool) -> str:
    if finite:
        return "the game is degenerate, but its equilibria are isolated: these are all of them"
    return (
        f"the game is degenerate and has a continuum of equilibria: these are its {count} extreme "
        f"equilibria, in {components} connected component{'' if components == 1 else 's'}; "
        "mixtures of those that share one player's strategy are equilibria too"
    )


def pure_equilibria(request: Request) -> EquilibriumSet:
    """All pure equilibria, by comparing each cell with the best of its line."""
    game = request.game
    best = np.ones(game.shape, dtype=bool)
    strict = np.ones(game.shape, dtype=bool)
    for i, payoff in enumerate(game.payoffs):
        top = payoff == payoff.max(axis=i, keepdims=True)
        best &= top
        strict &= top.sum(axis=i, keepdims=True) == 1
    cells = np.argwhere(best)
    equilibria = []
    for cell in cells[:LISTED]:
        profile = [np.eye(1, n, a)[0] for n, a in zip(game.shape, cell, strict=True)]
        index = 1 if strict[tuple(cell)] else None
        equilibria.append(request.certify(profile, "pure", 1, index=index))
    notes = []
    if not len(cells):
        notes.append("the game has no pure equilibrium")
    if len(cells) > LISTED:
        notes.append(f"the first {LISTED} of {len(cells)} pure equilibria are listed")
    alone = game.n_players == 1
    if alone and len(cells) > 1:
        notes.append("the maximisers tie: every mixture of them is an equilibrium")
    if not alone:
        notes.append("mixed equilibria were not searched for")
    proved = alone and len(cells) == 1
    return EquilibriumSet(
        tuple(equilibria),
        index_sum=1 if proved else None,
        complete="proved" if proved else "unknown",
        degenerate=len(cells) > 1 if alone else None,
        method="pure",
        notes=tuple(notes),
    )


def by_lemke_howson(request: Request) -> EquilibriumSet:
    """One equilibrium by complementary pivoting, from as many labels as it takes."""
    a, b = request.game.payoffs
    count = sum(request.game.shape)
    labels = np.roll(np.arange(count), -(request.start or 0))
    if request.seed is not None:
        rest = labels if request.start is None else labels[1:]
        rest[:] = np.random.default_rng(request.seed).permutation(rest)
    best: Equilibrium | None = None
    for end in paths(a, b, [int(k) for k in labels], request.max_steps):
        reached = end.status is Status.CONVERGED
        record = request.land if reached else request.certify
        found = record((end.x, end.y), "lemke-howson", end.steps, ending=unless(end.status))
        best = better(best, found, request)
        if best.status is Status.CONVERGED:
            break
    assert best is not None  # max_steps is at least 1, so there was a path
    return single(request, best, "lemke-howson")


def by_linear_program(request: Request) -> EquilibriumSet:
    """One equilibrium of a constant-sum game: a maximin strategy, and the dual that proves it."""
    own, others = request.game.own_payoffs
    x, y, status, total = maximin(own, request.max_steps)  # the dual is the other's strategy
    eq = request.land([x, y], "zero-sum", total, unless(status))
    if eq.status is not Status.CONVERGED:
        y, _, second, more = maximin(others, request.max_steps)
        worse = status if second is Status.CONVERGED else second
        eq = request.land([x, y], "zero-sum", total + more, unless(worse))
    note = (
        "one equilibrium of a constant-sum game; others, if any, were not searched for: they pay "
        "the same, and their strategies are interchangeable with these"
    )
    return single(request, eq, "zero-sum", note)


def by_homotopy(request: Request) -> EquilibriumSet:
    """One equilibrium of any game: logit responses at falling epsilon, then an exact solve."""
    from . import solve_qre  # here, since this module is imported by that one

    ranges = request.game.payoff_ranges
    units = np.where(ranges > 0.0, ranges, 1.0)
    payoffs = unit_payoffs(request.game.payoffs)
    best: Equilibrium | None = None
    total, start, note = 0, request.start, ""
    # near a given profile the response to it is sought first where it is sharpest
    for level in LEVELS if start is None else LEVELS[::-1]:
        quantal = solve_qre(
            request.game,
            epsilon=level * units,
            select="principal" if start is None else "any",
            start=start,
            max_steps=request.max_steps,
            throw=False,
        )
        profile, steps = polish(payoffs, quantal.strategies)
        total += quantal.iterations + steps
        found = request.certify(profile, "homotopy", total, ending=unless(quantal.status))
        best = better(best, found, request)
        away = max(
            float(np.abs(x - q).max()) for x, q in zip(profile, quantal.strategies, strict=True)
        )
        if found.status is Status.CONVERGED:
            best = found
            note = (
                f"one equilibrium, {away:.2g} away (largest difference of a probability) from the "
                f"logit equilibrium at epsilon = {level:g} of the payoff range; others were not "
                "searched for"
            )
            if away <= CLOSE:
                break
    assert best is not None
    return single(request, best, "homotopy", note)


def by_quantecon(request: Request) -> EquilibriumSet:
    """quantecon's vertex enumeration for small games, its Lemke–Howson for others."""
    profiles, engine = _quantecon_profiles(request)
    kept: list[Equilibrium] = []
    best: Equilibrium | None = None
    for profile in profiles:
        found = request.land(profile, f"quantecon {engine}", 1, Status.UNCERTIFIED)
        best = better(best, found, request)
        if found.status is Status.CONVERGED and not any(same(found, eq) for eq in kept):
            kept.append(found)
    if not kept:
        best = best or request.certify(request.uniform(), f"quantecon {engine}", 1)
        return request.failed(best, "quantecon", "quantecon found no certified equilibrium")
    kept.sort(key=lambda eq: [*-eq.strategies[0], *-eq.strategies[1]])
    return EquilibriumSet(
        tuple(kept),
        method=f"quantecon {engine}",
        notes=("what quantecon found in floating point; completeness was not checked",),
    )


def _quantecon_profiles(request: Request) -> tuple[list[Profile], str]:
    """quantecon's answers on payoffs of unit range, and the name of the engine that gave them."""
    try:
        import quantecon.game_theory as qe
    except ImportError:
        raise MissingExtraError("quantecon", "quantecon") from None
    from scipy.spatial import QhullError

    a, b = unit_payoffs(request.game.payoffs)
    # each of its players counts the own action first
    game = qe.NormalFormGame([qe.Player(np.ascontiguousarray(a)), qe.Player(b.T.copy())])
    found: list[Profile] = []
    if request.small and min(request.game.shape) > 1:
        with contextlib.suppress(QhullError):  # a degenerate polytope
            found = [p for p in qe.vertex_enumeration(game) if np.isfinite(np.hstack(p)).all()]
    if found:
        return [distributions(p) for p in found], "vertex"
    return [distributions(qe.lemke_howson(game, max_iter=request.max_steps))], "lemke-howson"
