"""The tracer on pygambit's catalogue: through every bifurcation, down to exact Nash equilibria."""

import numpy as np
import pytest

import rqe

gambit = pytest.importorskip("pygambit")

LARGEST = 20
"""Actions of all players together of the games traced here."""
OFF_PRINCIPAL = (
    "journals/ijgt/nau2004/sec3",
    "journals/dcg/vonstengel1999/6x6_game_with_75_eq_small_payoffs",
    "journals/other/shapley1974/fig3",
)
"""Games with a pitchfork on the principal branch, which pygambit leaves there."""


def arrays_of(name):
    return gambit.catalog.load(name).to_arrays(dtype=float)


def names():
    out = []
    for name in gambit.catalog.games()["Game"]:
        arrays = arrays_of(name)
        stakes = max(float(np.ptp(a)) for a in arrays) > 0.0
        if stakes and sum(arrays[0].shape) <= LARGEST:
            out.append(name)
    return out


@pytest.mark.parametrize("name", names())
def test_logit_branches_end_in_nash_equilibria(name):
    game = rqe.NormalFormGame(arrays_of(name))
    path = rqe.trace_rqe(game, parameter="epsilon", start=np.inf, stop=0)
    assert path.status is rqe.Status.CONVERGED
    assert path.residual <= 1e-10
    assert path.branches[0].ends == ("boundary", "limit")
    for branch in path.branches:
        assert "lost" not in branch.ends
        for end, limit in zip(branch.ends, branch.limits, strict=True):
            assert (end == "limit") == (limit is not None)
            if limit is not None:
                assert limit.max_regret <= 1e-9 * float(game.payoff_ranges.max())


@pytest.mark.parametrize("name", OFF_PRINCIPAL)
def test_where_gambit_leaves_the_principal_branch_both_branches_are_traced(name):
    theirs = gambit.catalog.load(name)
    game = rqe.NormalFormGame(theirs.to_arrays(dtype=float))
    lam = 5.0 if "shapley" not in name else 8.0
    path = rqe.trace_rqe(game, parameter="epsilon", start=np.inf, stop=1.0 / lam)
    assert "pitchfork" in [b.kind for b in path.bifurcations]
    point = gambit.qre.logit_solve_lambda(theirs, lam=[lam], use_strategic=True)[0]
    profile = [
        np.array([float(point.profile[p][s]) for s in theirs.get_strategies(p)])
        for p in theirs.players
    ]
    # their point can be rough there: what counts is the equilibrium next to it
    eq = rqe.solve_qre(game, lam=lam, start=profile)
    ends = []
    for branch in path.branches:
        for t in (0, -1):
            if np.isclose(branch.parameter[t], 1.0 / lam, rtol=1e-12):
                ends.append([x[t] for x in branch.strategies])
    gaps = [max(np.abs(x - y).max() for x, y in zip(end, eq, strict=True)) for end in ends]
    assert min(gaps) < 1e-7
    principal = [x[-1] for x in path.branches[0].strategies]
    away = max(np.abs(x - y).max() for x, y in zip(principal, eq, strict=True))
    assert away > 0.01
