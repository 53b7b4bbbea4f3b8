"""The tracer: bifurcations against scalar computations, branches against other solvers."""

import itertools

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import games
import rqe
from rqe.core.ops import joint_log
from rqe.core.regularizer import NegEntropy
from rqe.core.response import reply
from rqe.core.risk import Entropic

SCALAR = {"cost": mpmath.mpf("0.4"), "reward": 1}


def excess(x, q, tau, epsilon):
    """Example 4.2 by hand: log-odds of C that player 1 plays less those that it should play."""
    work, rest = SCALAR["reward"] - SCALAR["cost"], SCALAR["reward"]
    if_c, if_d = x * work + (1 - x) * rest, x * work
    p = q * mpmath.exp(-tau * if_c)
    p /= p + (1 - q) * mpmath.exp(-tau * if_d)
    return mpmath.log(x / (1 - x)) - (work - rest * p) / epsilon


def slopes(x, q, tau, epsilon):
    return [mpmath.diff(excess, (x, q, tau, epsilon), n) for n in ((1, 0, 0, 0), (0, 1, 0, 0))]


def scalar_pitchfork(tau, x, epsilon):
    """Where a difference between the players is neither damped nor driven: mpmath, 30 digits."""

    def equations(t, c):
        own, other = slopes(c, c, t, epsilon)
        return excess(c, c, t, epsilon), own - other

    with mpmath.workdps(30):
        return mpmath.findroot(equations, (tau, x))


def scalar_fold(tau, x, q, epsilon):
    """Where the two equations have a double root."""

    def equations(t, a, b):
        one, two = slopes(a, b, t, epsilon), slopes(b, a, t, epsilon)
        return (
            excess(a, b, t, epsilon),
            excess(b, a, t, epsilon),
            one[0] * two[0] - one[1] * two[1],
        )

    with mpmath.workdps(30):
        return mpmath.findroot(equations, (tau, x, q))


def of_kind(path, kind):
    return [b for b in path.bifurcations if b.kind == kind]


def test_example_4_2_has_its_pitchfork_to_ten_digits():
    path = rqe.trace_rqe(games.free_riding(), start=0, stop=10, epsilon=0.2)
    (fork,) = path.bifurcations
    assert fork.kind == "pitchfork"
    tau, x = scalar_pitchfork(0.83, 0.6, mpmath.mpf(0.2))
    assert abs(fork.parameter - float(tau)) < 1e-10
    assert abs(fork.parameter - 0.8287886937) < 1e-8
    assert abs(fork.strategies[0][0] - float(x)) < 1e-9
    # the direction keeps the sum of the players' probabilities
    assert np.allclose(fork.direction[0] + fork.direction[1], 0.0, atol=1e-8)
    assert fork.curvature < 0.0  # the branches that turn back lie below
    assert len(path.branches) == 3
    assert path.status is rqe.Status.CONVERGED


@pytest.mark.parametrize("epsilon", [0.15, 0.10, 0.05])
def test_folds_lie_beyond_a_subcritical_pitchfork(epsilon):
    path = rqe.trace_rqe(games.free_riding(), start=0, stop=15, epsilon=epsilon)
    (fork,) = of_kind(path, "pitchfork")
    folds = of_kind(path, "fold")
    assert len(folds) == 2  # mirror images
    assert folds[0].parameter > fork.parameter
    assert fork.curvature > 0.0
    fold = folds[0]
    guess = [fold.parameter, fold.strategies[0][0], fold.strategies[1][0]]
    tau, x, q = scalar_fold(*guess, mpmath.mpf(epsilon))
    assert abs(fold.parameter - float(tau)) < 1e-9
    assert abs(fold.strategies[0][0] - float(x)) + abs(fold.strategies[1][0] - float(q)) < 1e-7
    low, high = fold.parameter * (1 - 1e-5), fold.parameter * (1 + 1e-5)
    counts = [len(rqe.enumerate_rqe(games.free_riding(), t, epsilon)) for t in (low, high)]
    assert counts == [5, 1]


def test_curvature_is_that_of_the_branch_that_turns_back():
    game = games.free_riding()
    fork = rqe.trace_rqe(game, start=0, stop=2, epsilon=0.2).bifurcations[0]
    # probabilities on the asymmetric branch open as the root of the distance in tau
    below = 1e-3
    eqs = rqe.enumerate_rqe(game, fork.parameter - below, 0.2)
    apart = 0.5 * abs(float(eqs[0][0][0] - eqs[0][1][0]))
    assert np.isclose(-2.0 * below / apart**2, fork.curvature, rtol=2e-2)


def test_branch_ends_are_the_equilibria_there():
    path = rqe.trace_rqe(games.free_riding(), start=0, stop=0.5, epsilon=0.2)
    at_stop = sorted(float(b.strategies[0][np.argmax(b.parameter), 0]) for b in path.branches)
    assert np.allclose(at_stop, [0.28017478, 0.58369572, 0.84252458], atol=1e-8)


def test_three_symmetric_players_bifurcate_in_two_directions_at_once():
    game = games.volunteers_dilemma(3)
    path = rqe.trace_rqe(game, start=0, stop=10, epsilon=0.1)
    (many,) = of_kind(path, "multiple")
    folds = of_kind(path, "fold")
    assert len(path.branches) == 7
    assert len(folds) == 3
    assert np.ptp([f.parameter for f in folds]) < 1e-9
    for tau in (0.5 * many.parameter, 0.5 * (many.parameter + folds[0].parameter)):
        crossings = sum(
            int(np.count_nonzero(np.diff(np.sign(b.parameter - tau)) != 0)) for b in path.branches
        )
        assert crossings == len(rqe.enumerate_rqe(game, tau, 0.1)) == 7


def random_zero_sum_rows(seed, n=3):
    """Uniform play is an equilibrium whatever epsilon, without any symmetry."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, n, n))
    return rqe.NormalFormGame([a - a.mean(axis=1, keepdims=True), b - b.mean(axis=0)])


def test_a_branch_that_goes_through_and_one_that_crosses_it():
    found = 0
    for seed in range(6):
        game = random_zero_sum_rows(seed)
        path = rqe.trace_rqe(game, parameter="epsilon", start=np.inf, stop=0.02)
        for point in of_kind(path, "transcritical"):
            found += 1
            assert np.allclose(np.concatenate(point.strategies), 1.0 / 3.0, atol=1e-9)
            # on both sides there is uniform play and one other equilibrium close by
            for epsilon in (point.parameter * 1.002, point.parameter / 1.002):
                near = [
                    eq
                    for eq in rqe.enumerate_rqe(game, 0.0, epsilon)
                    if max(np.abs(x - 1.0 / 3.0).max() for x in eq) < 0.1
                ]
                assert len(near) == 2
                assert sum(eq.index for eq in near) == 0
    assert found >= 2


def test_all_nine_equilibria_of_mckelvey_and_mclennan():
    path = rqe.trace_rqe(games.mckelvey_mclennan(), parameter="epsilon", start=np.inf, stop=0)
    limits = [eq for b in path.branches for eq in b.limits if eq is not None]
    assert len(limits) == 9
    assert all(eq.max_regret < 1e-12 for eq in limits)
    flat = np.array([np.concatenate(eq.strategies) for eq in limits])
    apart = np.abs(flat[:, None] - flat).max(axis=2) + np.eye(9)
    assert apart.min() > 0.01
    kinds = [b.kind for b in path.bifurcations]
    assert (kinds.count("transcritical"), kinds.count("fold")) == (1, 4)
    assert path.residual <= 1e-10


@pytest.mark.parametrize("seed", range(8))
def test_limits_are_nash_equilibria_and_all_reached_from_enumeration(seed):
    rng = np.random.default_rng(seed)
    game = rqe.NormalFormGame(rng.random((2, 3, 3)))
    path = rqe.trace_rqe(game, parameter="epsilon", start=np.inf, stop=0)
    found = [eq for b in path.branches for eq in b.limits if eq is not None]
    limits = [np.concatenate(eq.strategies) for eq in found]
    nash = [np.concatenate(eq.strategies) for eq in rqe.solve_nash(game)]
    for limit in limits:
        assert min(np.abs(limit - other).max() for other in nash) < 1e-9
    # what lives at epsilon = 0.02 (the sharpest place enumerated) is followed to its limit
    at = rqe.enumerate_rqe(game, 0.0, 0.02 * game.payoff_ranges)
    assert len(limits) == len(at)


def test_the_principal_branch_is_gambits():
    gambit = pytest.importorskip("pygambit")
    for seed in range(4):
        payoffs = np.random.default_rng(100 + seed).random((2, 3, 3))
        game = rqe.NormalFormGame(payoffs)
        path = rqe.trace_rqe(game, parameter="epsilon", start=np.inf, stop=0.05, select="principal")
        (branch,) = path.branches
        if np.any(np.diff(branch.parameter) > 0.0):
            continue  # folds: a value of lambda names several points
        theirs = gambit.StrategicGame.from_arrays(*payoffs)
        for t in range(2, len(branch), 6):
            lam = 1.0 / float(branch.parameter[t])
            point = gambit.qre.logit_solve_lambda(theirs, lam=[lam], use_strategic=True)[0]
            profile = np.array(
                [
                    float(point.profile[p][s])
                    for p in theirs.players
                    for s in theirs.get_strategies(p)
                ]
            )
            ours = np.concatenate([x[t] for x in branch.strategies])
            assert np.abs(profile - ours).max() < 1e-6


def reply_map(game, tau, epsilon):
    """Φ by the core's reply, on the first n_i - 1 probabilities of each player."""

    def phi(free):
        parts, start = [], 0
        for n in game.shape:
            head = free[start : start + n - 1]
            parts.append(np.append(head, 1.0 - head.sum()))
            start += n - 1
        logs = tuple(np.log(p) for p in parts)
        out = []
        for i, payoff in enumerate(game.own_payoffs):
            answer = reply(
                payoff, logs[i], joint_log(logs, i), Entropic(tau[i]), NegEntropy(epsilon[i])
            )
            out.append(np.exp(answer.log_response)[:-1])
        return np.concatenate(out)

    return phi


@pytest.mark.parametrize(("shape", "seed"), [((2, 3), 0), ((2, 2, 2), 1), ((3, 3), 2)])
def test_stability_and_index_by_differences_of_the_reply(shape, seed):
    rng = np.random.default_rng(seed)
    game = rqe.NormalFormGame(rng.standard_normal((len(shape), *shape)))
    path = rqe.trace_rqe(game, start=0, stop=5, epsilon=0.15)
    unlike = 0
    for branch in path.branches:
        for t in range(1, len(branch), 4):
            if branch.index[t] == 0:
                continue
            tau = np.full(len(shape), branch.parameter[t])
            phi = reply_map(game, tau, np.full(len(shape), 0.15))
            free = np.concatenate([x[t][:-1] for x in branch.strategies])
            step = 1e-6 * np.eye(len(free))
            slope = np.array([(phi(free + d) - phi(free - d)) / 2e-6 for d in step]).T
            values = np.linalg.eigvals(slope - np.eye(len(free)))
            if np.abs(values.real).min() < 1e-3:
                continue
            assert branch.stable[t] == bool(np.all(values.real < 0.0))
            assert branch.index[t] == np.sign(np.linalg.det(np.eye(len(free)) - slope))
            unlike += not branch.stable[t]
    assert len(path.branches) >= 1
    if seed == 1:
        assert unlike > 0 or len(path.branches) == 1


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    shape=st.sampled_from([(2, 2), (1, 3), (3, 2), (2, 2, 2)]),
    epsilon=st.sampled_from([0.03, 0.1, 1.0]),
    scale=st.sampled_from([1e-8, 1.0, 1e8]),
    parameter=st.sampled_from(["tau", "epsilon"]),
)
def test_every_point_is_an_equilibrium_and_scales(seed, shape, epsilon, scale, parameter):
    payoffs = np.random.default_rng(seed).random((len(shape), *shape))
    kinds = []
    for factor in (1.0, scale):
        game = rqe.NormalFormGame(factor * payoffs)
        if parameter == "tau":
            span = {"start": 0, "stop": 8 / factor, "epsilon": epsilon * factor}
        else:
            span = {"start": np.inf, "stop": 0.1 * epsilon * factor, "tau": 2 / factor}
        path = rqe.trace_rqe(game, parameter=parameter, **span)
        assert path.residual <= 1e-10
        unit = factor if parameter == "epsilon" else 1 / factor
        kinds.append([(b.kind, b.parameter / unit) for b in path.bifurcations])
        for branch in path.branches:
            middle = len(branch) // 2
            attitude = {"tau": path.held, "epsilon": path.held}
            attitude[parameter] = path.weights * min(branch.parameter[middle], 1e20 * factor)
            eq = rqe.solve_rqe(
                game, **attitude, start=[x[middle] for x in branch.strategies], method="newton"
            )
            pairs = zip(eq, branch.strategies, strict=True)
            gap = max(np.abs(x - y[middle]).max() for x, y in pairs)
            assert gap < 1e-7
    assert [k for k, _ in kinds[0]] == [k for k, _ in kinds[1]]
    assert np.allclose([p for _, p in kinds[0]], [p for _, p in kinds[1]], rtol=1e-6)


def test_players_may_differ():
    game = games.free_riding()
    path = rqe.trace_rqe(
        game, start=0, stop=1.5, epsilon=(0.2, 0.3), weights=(1.0, 2.0), select="principal"
    )
    eq = rqe.solve_rqe(game, tau=(1.5, 3.0), epsilon=(0.2, 0.3))
    (branch,) = path.branches
    assert branch.parameter[-1] == 1.5
    assert max(np.abs(x[-1] - y).max() for x, y in zip(branch.strategies, eq, strict=True)) < 1e-9


def test_both_directions_trace_the_same():
    game = games.stag_hunt()
    there = rqe.trace_rqe(game, parameter="epsilon", start=3.0, stop=0.05)
    back = rqe.trace_rqe(game, parameter="epsilon", start=0.05, stop=3.0)
    assert [b.kind for b in there.bifurcations] == [b.kind for b in back.bifurcations] == ["fold"]
    assert np.isclose(there.bifurcations[0].parameter, back.bifurcations[0].parameter, rtol=1e-10)


def test_a_branch_cut_short_says_so_and_is_carried():
    with pytest.raises(rqe.ConvergenceError, match="max_steps") as caught:
        rqe.trace_rqe(games.free_riding(), start=0, stop=10, epsilon=0.2, max_steps=5)
    path = caught.value.result
    assert path.status is rqe.Status.MAX_STEPS
    assert path.branches[0].ends[1] == "lost"
    assert path.residual <= 1e-10
    quiet = rqe.trace_rqe(
        games.free_riding(), start=0, stop=10, epsilon=0.2, max_steps=5, throw=False
    )
    assert quiet.status is path.status


def test_a_step_that_cannot_be_certified_ends_in_lost_branch(monkeypatch):
    from rqe.solvers import _branch

    real = _branch.correct

    def blind(curve, z, y, s, plane, **options):
        found = real(curve, z, y, s, plane, **options)
        found.good &= found.s < 1.0
        return found

    monkeypatch.setattr(_branch, "correct", blind)
    path = rqe.trace_rqe(games.free_riding(), start=0, stop=3, epsilon=0.2, throw=False)
    assert path.status is rqe.Status.LOST_BRANCH
    assert any("lost" in b.ends for b in path.branches)
    assert path.branches[0].parameter.max() < 1.0


def test_a_game_without_stakes_and_one_action_players():
    flat = rqe.NormalFormGame([[[1.0, 1.0]], [[2.0, 2.0]]])
    path = rqe.trace_rqe(flat, start=0, stop=3, epsilon=0.5)
    assert np.allclose(path.branches[0].strategies[1], 0.5)
    alone = rqe.NormalFormGame([[0.0, 1.0, 3.0]])
    path = rqe.trace_rqe(alone, parameter="epsilon", start=np.inf, stop=0)
    (branch,) = path.branches
    assert np.array_equal(branch.limits[1][0], [0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameter": "lambda", "start": 0, "stop": 1}, "parameter must be one of"),
        ({"start": 0, "stop": 1}, "needs epsilon"),
        ({"start": 0, "stop": 1, "epsilon": 0.2, "tau": 1.0}, "weights"),
        ({"start": 0, "stop": 0, "epsilon": 0.2}, "stop must differ from start"),
        ({"start": -1, "stop": 1, "epsilon": 0.2}, "start must be a number >= 0, finite"),
        ({"start": 0, "stop": np.inf, "epsilon": 0.2}, "stop must be a number >= 0, finite"),
        ({"start": 0, "stop": np.nan, "epsilon": 0.2}, "stop must be"),
        ({"start": None, "stop": 1, "epsilon": 0.2}, "start must be"),
        ({"start": 0, "stop": 1, "epsilon": 0.0}, "epsilon"),
        ({"start": 0, "stop": 1, "epsilon": 0.2, "weights": 0.0}, "weights must be > 0"),
        ({"start": 0, "stop": 1, "epsilon": 0.2, "at": [2.0]}, "at must be values"),
        ({"start": 0, "stop": 1, "epsilon": 0.2, "max_step": 2.0}, "max_step"),
        ({"start": 0, "stop": 1, "epsilon": 0.2, "select": "any"}, "select"),
        ({"parameter": "epsilon", "start": 1, "stop": 0, "tau": 1.0}, "tau must be 0"),
        ({"parameter": "epsilon", "start": 0, "stop": 1}, "start must be > 0"),
        ({"parameter": "epsilon", "start": 1, "stop": 0.1, "tau": np.inf}, "tau"),
        ({"parameter": "epsilon", "start": 1, "stop": 0.1, "epsilon": 1.0}, "takes no epsilon"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        rqe.trace_rqe(games.free_riding(), **options)


def test_paths_print_and_survive_a_file(tmp_path):
    path = rqe.trace_rqe(games.stag_hunt(), parameter="epsilon", start=np.inf, stop=0)
    rqe.save(path, tmp_path / "path.json")
    again = rqe.load(tmp_path / "path.json")
    assert str(again) == str(path)
    assert repr(again) == repr(path)
    for old, new in zip(path.branches, again.branches, strict=True):
        assert np.array_equal(old.parameter, new.parameter)
        assert old.stable.dtype == new.stable.dtype
        assert np.array_equal(old.index, new.index)
        for a, b in itertools.chain(
            zip(old.strategies, new.strategies, strict=True),
            zip(
                [x for q in old.limits if q for x in q],
                [x for q in new.limits if q for x in q],
                strict=True,
            ),
        ):
            assert np.array_equal(a, b)
    points = path.points()
    assert len(points.rows) == sum(len(b) for b in path.branches)
    assert "fold" in path._repr_html_()


def crowded():
    """A symmetric game of three actions with up to 13 RQE, many of them nearly pure."""
    return rqe.CollaborativeGame([[0, 1, 0], [1, 0, 0], [0, 0, 1.2]], [[0.1, 0, 0]] * 2)


@pytest.mark.parametrize("epsilon", [0.12, 0.09])
def test_no_fold_is_passed_without_being_located(epsilon):
    """An index that changes sign has a singular point between; step lengths do not matter."""
    found = []
    for step in (0.1, 0.05):
        path = rqe.trace_rqe(crowded(), start=0, stop=7.5, epsilon=epsilon, max_step=step)
        for branch in path.branches:
            assert not np.any(branch.index[1:] * branch.index[:-1] == -1)
        found.append([(b.kind, round(b.parameter, 7)) for b in path.bifurcations])
    assert found[0] == found[1]
    assert len(found[0]) == {0.12: 15, 0.09: 14}[epsilon]


def test_a_closed_branch_is_followed_round():
    path = rqe.trace_rqe(crowded(), start=0, stop=7.5, epsilon=0.09)
    (ring,) = [b for b in path.branches if b.ends == ("closed", "closed")]
    assert ring.parameter.min() > 0.0
    assert ring.parameter.max() < 7.5
    first, last = ([x[t] for x in ring.strategies] for t in (0, -1))
    steps = np.abs(np.diff(np.concatenate(ring.strategies, axis=1), axis=0)).max()
    assert max(np.abs(x - y).max() for x, y in zip(first, last, strict=True)) <= steps


@pytest.mark.parametrize(("tau", "count"), [(3, 13), (4, 5), (5, 3)])
def test_crossings_enumeration_and_proof_count_alike(tau, count):
    """Arms of a pitchfork between nearly pure profiles run on smoothly into each other."""
    pytest.importorskip("flint")
    game = crowded()
    path = rqe.trace_rqe(game, start=0, stop=7.5, epsilon=0.12)
    crossings = sum(
        int(np.count_nonzero(np.diff(np.sign(b.parameter - tau)) != 0)) for b in path.branches
    )
    enumerated = rqe.enumerate_rqe(game, tau, 0.12, rigorous=True)
    assert crossings == len(enumerated) == len(enumerated.proof) == count
    assert enumerated.complete == "proved"
    assert rqe.enumerate_rqe(game, tau, 0.12).index_sum == 1
