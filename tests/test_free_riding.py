"""Where free-riding ends, against scalar equations in mpmath and against plain enumeration."""

import itertools
from dataclasses import replace

import mpmath
import numpy as np
import pytest

import games
import rqe
from rqe.analysis import free_riding
from rqe.analysis._symmetric import APART, asymmetry, check_symmetric, is_asymmetric, meetings
from rqe.analysis.bound_tightness import bound_table
from rqe.analysis.free_riding import degree, last_tau, threshold
from rqe.analysis.path_refinement import trace, turns_unseen
from rqe.analysis.phase import count_rqe, phase_diagram
from rqe.analysis.tricritical import last_pitchfork, pitchfork_curvature, tricritical

COST = mpmath.mpf("0.4")


def odds(x, gain, epsilon):
    """Log-odds of doing the job with probability x, less those that its gain calls for."""
    return mpmath.log(x / (1 - x)) - gain / epsilon


def example(x, y, tau, epsilon):
    """Example 4.2: what is wrong with x against a partner who does the job with probability y."""
    # own payoff is x (1 - cost) if the partner defects, and 1 - x cost if not
    feared = (1 - y) / (1 - y + y * mpmath.exp(-tau * (1 - x)))
    return odds(x, feared - COST, epsilon)


def scalar(equations, guess):
    """A root to 30 digits; the equations know nothing of this library."""
    with mpmath.workdps(30):
        return [float(v) for v in mpmath.findroot(equations, guess)]


def slopes(x, y, tau, epsilon):
    return [mpmath.diff(example, (x, y, tau, epsilon), n) for n in ((1, 0, 0, 0), (0, 1, 0, 0))]


def scalar_pitchfork(epsilon, guess):
    """Symmetric, and a difference between the players neither grows nor shrinks."""

    def equations(tau, x):
        own, other = slopes(x, x, tau, epsilon)
        return example(x, x, tau, epsilon), own - other

    return scalar(equations, guess)


def scalar_fold(epsilon, guess):
    def equations(tau, x, y):
        (a, b), (c, d) = slopes(x, y, tau, epsilon), slopes(y, x, tau, epsilon)
        return example(x, y, tau, epsilon), example(y, x, tau, epsilon), a * c - b * d

    return scalar(equations, guess)


def scalar_curvature(epsilon, guess):
    """Curvature at the pitchfork, and its tau: from tau at differences 1e-6 and 2e-6, 50 digits."""
    with mpmath.workdps(50):

        def tau_at(apart):
            def equations(tau, x):
                up, down = x + apart, x - apart
                return example(up, down, tau, epsilon), example(down, up, tau, epsilon)

            return mpmath.findroot(equations, guess)[0]

        a = mpmath.mpf(10) ** -6
        one, two = tau_at(a), tau_at(2 * a)
        return 2 * (two - one) / (3 * a**2), one


def spread(eq):
    return float(asymmetry([x[None] for x in eq])[0])


def asymmetric(game, tau, epsilon):
    """How many asymmetric RQE plain enumeration finds."""
    return sum(spread(eq) > APART for eq in rqe.enumerate_rqe(game, tau, epsilon))


@pytest.fixture(scope="module")
def ends():
    return {epsilon: threshold(games.free_riding(), epsilon) for epsilon in (0.2, 0.15, 0.1, 0.05)}


def test_free_riding_ends_in_the_pitchfork_of_the_paper(ends):
    found = ends[0.2]
    tau, x = scalar_pitchfork(mpmath.mpf("0.2"), (0.83, 0.6))
    assert found.kind == "pitchfork"
    assert found.tau == found.pitchfork
    assert abs(found.tau - tau) < 1e-10
    assert abs(found.tau - 0.8287886937) < 1e-8
    assert abs(found.strategies[0][0] - x) < 1e-9
    assert found.degree < 1e-9
    assert found.residual < 1e-10
    assert found.regret < 1e-12


@pytest.mark.parametrize(
    ("epsilon", "expected"), [(0.15, 1.802962), (0.10, 3.922708), (0.05, 10.484819)]
)
def test_free_riding_ends_in_a_fold_where_epsilon_is_small(ends, epsilon, expected):
    found = ends[epsilon]
    assert found.kind == "fold"
    guess = found.tau, found.strategies[0][0], found.strategies[1][0]
    tau, x, y = scalar_fold(mpmath.mpf(str(epsilon)), guess)
    assert abs(found.tau - tau) < 1e-9
    assert abs(found.tau - expected) < 1e-6
    assert abs(found.degree - 0.4 * abs(x - y)) < 1e-7
    fork, _ = scalar_pitchfork(mpmath.mpf(str(epsilon)), (found.pitchfork, 0.65))
    assert abs(found.pitchfork - fork) < 1e-9
    assert found.pitchfork < found.tau < found.searched


@pytest.mark.parametrize("epsilon", [0.2, 0.15, 0.1, 0.05])
def test_enumeration_sees_the_same_end(ends, epsilon):
    game, tau = games.free_riding(), ends[epsilon].tau
    below, above = (asymmetric(game, tau * (1.0 + d), epsilon) for d in (-1e-5, 1e-5))
    assert below == (2 if epsilon == 0.2 else 4)
    assert above == 0


def test_there_is_none_where_play_is_noisy():
    found = threshold(games.free_riding(), 0.3)
    assert found.kind == "none"
    assert np.isnan(found.tau)
    assert found.strategies == ()
    assert "no asymmetric RQE" in repr(found)
    assert asymmetric(games.free_riding(), 0.0, 0.3) == 0


def test_units_and_labels_do_not_matter(ends):
    small = rqe.CollaborativeGame([[0, 0.01], [0.01, 0.01]], [[0, 0.004]] * 2)
    found = threshold(small, 0.001)
    assert np.isclose(found.tau, 100.0 * ends[0.1].tau, rtol=1e-10)
    assert np.isclose(found.degree, 0.01 * ends[0.1].degree, rtol=1e-6)


WHO_LEADS = rqe.CollaborativeGame([[0, 1, 0], [1, 0, 0], [0, 0, 1.2]], [[0.1, 0, 0]] * 2)
"""One leads, one follows; or both work alone: equilibria that no branch from the first leads to."""


def test_branches_that_no_other_leads_to_count():
    connected = rqe.trace_rqe(WHO_LEADS, start=0, stop=6, epsilon=0.3, at=[])
    assert not any(is_asymmetric(branch) for branch in connected.branches)
    found = threshold(WHO_LEADS, 0.3)
    below, above = (asymmetric(WHO_LEADS, found.tau * (1.0 + d), 0.3) for d in (-1e-4, 1e-4))
    assert below > 0
    assert above == 0


def test_every_fold_is_located():
    """In steps of 0.1 two of this game's folds are passed without being located."""
    pytest.importorskip("flint")
    path = trace(WHO_LEADS, start=0, stop=6, epsilon=0.12, at=[0.0])
    for branch in path.branches:
        assert np.all(branch.index[1:] * branch.index[:-1] >= 0)
        assert not turns_unseen(branch)
    # the last two symmetric RQE but one end in a fold of their own
    last = max(b.parameter for b in path.bifurcations if b.kind == "fold")
    for sign, number in ((-1.0, 3), (1.0, 1)):
        proof = rqe.prove_rqe(WHO_LEADS, last * (1.0 + 1e-3 * sign), 0.12)
        assert (len(proof), proof.complete) == (number, "proved")


def test_an_index_next_to_a_singular_point_is_no_fold():
    branch = rqe.trace_rqe(games.free_riding(), start=0, stop=6, epsilon=0.1).branches[1]
    tau, index = branch.parameter.copy(), branch.index.copy()
    (fold,) = np.flatnonzero(index == 0)[1:]  # the first is the pitchfork it leaves
    assert not turns_unseen(branch)
    index[fold] = index[fold - 1]
    assert turns_unseen(replace(branch, index=index))
    index[fold], index[fold - 1] = 0, index[fold + 1]
    assert turns_unseen(replace(branch, index=index))
    tau[fold - 2 : fold] = tau[fold] * (1.0 - 1e-9)
    assert not turns_unseen(replace(branch, index=index, parameter=tau))


def test_the_interval_grows_until_free_riding_has_ended(monkeypatch, ends):
    monkeypatch.setattr(free_riding, "REACH", 0.1)
    found = threshold(games.free_riding(), 0.1)
    assert found.searched == 4.0  # 1, 2, 4
    assert np.isclose(found.tau, ends[0.1].tau, rtol=1e-12)
    monkeypatch.setattr(free_riding, "EXTENSIONS", 1)
    with pytest.raises(ValueError, match="stop must lie beyond the last asymmetric RQE"):
        threshold(games.free_riding(), 0.1)


@pytest.mark.parametrize("seed", [0, 1])
def test_random_games_against_enumeration(seed):
    rng = np.random.default_rng(seed)
    reward, cost = rng.uniform(size=(3, 3)), rng.uniform(size=3)
    game = rqe.CollaborativeGame(reward + reward.T, [cost, cost])
    found = threshold(game, 0.06)
    if found.kind == "none":
        assert [asymmetric(game, tau, 0.06) for tau in (0.0, 3.0, 9.0)] == [0, 0, 0]
        return
    below, above = (asymmetric(game, found.tau * (1.0 + d), 0.06) for d in (-1e-3, 1e-3))
    assert below > 0
    assert above == 0


def volunteer(x, none, tau, epsilon):
    """The same for a volunteer (cost 1/2) whose partners all wait with probability `none`."""
    feared = none / (none + (1 - none) * mpmath.exp(-tau * (1 - x)))
    return odds(x, feared - mpmath.mpf("0.5"), epsilon)


def test_three_players():
    """One volunteers with probability x, the others with y; the symmetric point is theirs too."""
    found = threshold(games.volunteers_dilemma(3), 0.1)
    assert found.kind == "fold"
    epsilon = mpmath.mpf("0.1")

    def lone(x, y, tau):
        return volunteer(x, (1 - y) ** 2, tau, epsilon)

    def other(x, y, tau):
        return volunteer(y, (1 - x) * (1 - y), tau, epsilon)

    def fold(tau, x, y):
        (a, b), (c, d) = (
            [mpmath.diff(f, (x, y, tau), n) for n in ((1, 0, 0), (0, 1, 0))] for f in (lone, other)
        )
        return lone(x, y, tau), other(x, y, tau), a * d - b * c

    shares = sorted(float(x[0]) for x in found.strategies)
    x, y = (shares[2], shares[0]) if shares[1] - shares[0] < 1e-6 else (shares[0], shares[2])
    tau, x, y = scalar(fold, (found.tau, x, y))
    assert abs(found.tau - tau) < 1e-9
    assert abs(found.tau - 2.9139524) < 1e-6
    assert abs(found.degree - 0.5 * abs(x - y)) < 1e-7

    def meeting(tau, x):
        # F of player 1 by its own share less by one partner's: singular across the players
        own = mpmath.diff(lambda v: volunteer(v, (1 - x) ** 2, tau, epsilon), x)
        partner = mpmath.diff(lambda v: volunteer(x, (1 - x) * (1 - v), tau, epsilon), x)
        return lone(x, x, tau), own - partner

    tau, _ = scalar(meeting, (found.pitchfork, 0.3))
    assert abs(found.pitchfork - tau) < 1e-10
    assert meetings(found.path)[-1].kind == "multiple"
    assert asymmetric(games.volunteers_dilemma(3), found.tau * (1.0 + 1e-4), 0.1) == 0


def test_curvature_is_that_of_the_scalar_problem():
    game = games.free_riding()
    for epsilon, guess in ((0.2, (0.829, 0.6)), (0.15, (1.765, 0.64)), (0.1, (2.907, 0.71))):
        fork = last_pitchfork(game, epsilon)
        expected, _ = scalar_curvature(mpmath.mpf(str(epsilon)), guess)
        found = pitchfork_curvature(game, epsilon, fork)
        assert np.isclose(found, float(expected), rtol=1e-8)
        assert np.isclose(found, fork.curvature, rtol=1e-2, atol=1e-2)


@pytest.fixture(scope="module")
def turning():
    return tricritical(games.free_riding(), (0.15, 0.2))


def test_pitchforks_turn_subcritical_where_the_scalar_problem_says(turning):
    guess = (1.46, 0.636)
    with mpmath.workdps(50):
        expected = mpmath.findroot(
            lambda e: scalar_curvature(e, guess)[0], (0.165, 0.166), solver="secant", tol=1e-18
        )
        tau = scalar_curvature(expected, guess)[1]
    assert abs(turning.epsilon - float(expected)) < 1e-9
    assert abs(turning.tau - float(tau)) < 1e-7
    assert abs(turning.epsilon - 0.1656279139) < 1e-9


def test_fold_and_pitchfork_merge_there(turning):
    """Their distance in tau vanishes as the square of that in epsilon: its root is a line."""
    steps = np.array([0.0002, 0.0004, 0.0006, 0.0008])
    gaps = []
    for step in steps:
        epsilon = turning.epsilon - step
        path = rqe.trace_rqe(
            games.free_riding(), start=1.3, stop=1.7, epsilon=epsilon, at=[], max_step=0.02
        )
        fold = max(b.parameter for b in path.bifurcations if b.kind == "fold")
        gaps.append(np.sqrt(fold - meetings(path)[-1].parameter))
    # a cubic through the four values, continued to where it vanishes
    line = np.polyfit(gaps, turning.epsilon - steps, 3)
    assert abs(np.polyval(line, 0.0) - turning.epsilon) < 1e-8


def test_a_change_of_kind_is_needed():
    game = games.free_riding()
    with pytest.raises(ValueError, match="between must hold a change of kind"):
        tricritical(game, (0.18, 0.2))
    with pytest.raises(ValueError, match="between must hold pitchforks; there is none"):
        tricritical(game, (0.15, 0.3))
    with pytest.raises(ValueError, match="between must be two different numbers"):
        tricritical(game, (0.2, 0.2))
    with pytest.raises(ValueError, match="game must be of two players"):
        tricritical(games.volunteers_dilemma(3), (0.1, 0.2))


def test_degree_is_the_largest_difference_of_two_players():
    rng = np.random.default_rng(0)
    for n_players in (2, 3, 4):
        costs = rng.uniform(size=(n_players, 3))
        game = rqe.CollaborativeGame(np.zeros((3,) * n_players), costs)
        profile = rng.dirichlet(np.ones(3), size=n_players)
        expected = [sum(p * c for p, c in zip(x, own, strict=True)) for x, own in
                    zip(profile, costs, strict=True)]  # fmt: skip
        by_pairs = max(abs(a - b) for a, b in itertools.combinations(expected, 2))
        assert np.isclose(degree(game, profile), by_pairs, rtol=1e-12)
    game = games.free_riding()
    eqs = rqe.enumerate_rqe(game, 0.5, 0.2)
    assert degree(game, eqs) == max(degree(game, eq) for eq in eqs)
    assert np.isclose(degree(game, eqs), 0.4 * (0.84252458 - 0.28017478), atol=1e-8)


@pytest.mark.parametrize("profile", [[[0.5, 0.5]], [[0.5, 0.5], [1.0]], 3, [[0.7, 0.7], [1, 0]]])
def test_degree_refuses_what_is_no_profile(profile):
    with pytest.raises(ValueError, match="profile must be"):
        degree(games.free_riding(), profile)


def test_degree_needs_private_costs():
    game = rqe.NormalFormGame(games.free_riding().payoffs)
    with pytest.raises(ValueError, match="game must be a CollaborativeGame"):
        degree(game, [[1.0, 0.0]] * 2)
    assert np.isnan(threshold(game, 0.2).degree)  # the threshold does not


def test_last_tau_is_where_enumeration_loses_that_degree(ends):
    game = games.free_riding()
    for epsilon, delta in ((0.2, 0.02), (0.2, 0.2), (0.15, 0.25), (0.1, 0.37)):
        tau = last_tau(game, ends[epsilon].path, delta)
        below, above = (
            degree(game, rqe.enumerate_rqe(game, tau * (1.0 + d), epsilon)) for d in (-1e-7, 1e-7)
        )
        assert above < delta < below
        assert below - above < 1e-5
    assert last_tau(game, ends[0.1].path, 0.3) == ends[0.1].tau  # the fold has more
    assert last_tau(game, ends[0.2].path, 0.39) is None


def test_last_tau_refuses_what_it_cannot_answer(ends):
    with pytest.raises(ValueError, match="delta must be a finite number > 0"):
        last_tau(games.free_riding(), ends[0.2].path, 0.0)
    path = rqe.trace_rqe(games.free_riding(), parameter="epsilon", start=1.0, stop=0.5)
    with pytest.raises(ValueError, match="path must be along tau"):
        last_tau(games.free_riding(), path, 0.1)


def test_the_bound_as_proven_holds_and_the_printed_one_breaks():
    small = rqe.CollaborativeGame([[0.01, 0.01], [0.01, 0]], [[0.004, 0]] * 2)
    seen = []
    table = bound_table(small, [0.002], [0.0022494, 0.0035], progress=lambda *n: seen.append(n))
    assert seen == [(1, 1)]
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert abs(row["last tau"] - 50.0) < 1e-2  # science.md's counterexample
    assert row["printed / last tau"] < 1.0 < row["sharper / last tau"] < row["proven / last tau"]
    assert np.isclose(row["proven / last tau"] * row["last tau"], row["proven"])
    last = dict(zip(table.columns, table.rows[1], strict=True))
    assert last["last tau"] is None
    assert last["proven / last tau"] is None


@pytest.fixture(scope="module")
def diagram():
    tau = np.linspace(0.0, 6.0, 25)
    epsilon = np.array([0.06, 0.1, 0.14, 0.18, 0.26])
    return phase_diagram(games.free_riding(), tau, epsilon, places=1)


def test_counts_are_those_of_enumeration(diagram):
    rng = np.random.default_rng(3)
    rows = [diagram.counts.rows[k] for k in rng.permutation(len(diagram.counts.rows))[:16]]
    assert {row[2] for row in rows} == {1, 3, 5}
    assert set(diagram.counts.column("index sum")) == {1}
    for tau, epsilon, number, _ in rows:
        assert len(rqe.enumerate_rqe(games.free_riding(), tau, epsilon)) == number


def test_counts_of_a_game_of_many_branches_are_the_proven_ones():
    pytest.importorskip("flint")
    game = rqe.CollaborativeGame([[0, 1, 0], [1, 0, 0], [0, 0, 1.5]], [[0.2, 0, 0]] * 2)
    found = phase_diagram(game, [1.0, 4.1, 7.0], [0.1], places=3)
    assert len(set(found.counts.column("RQE"))) >= 2
    for tau, epsilon, number, signs in found.counts.rows:
        assert signs == 1
        proof = rqe.prove_rqe(game, tau, epsilon)
        assert proof.complete == "proved"
        assert len(proof) == number


def test_curves_carry_their_ends(diagram, ends, turning):
    rows = diagram.boundaries.rows
    curves = {name: [r[1:] for r in rows if r[0] == name] for name in ("fold", "pitchfork")}
    assert len(rows) == sum(map(len, curves.values()))
    for points in curves.values():
        assert points == sorted(points, key=lambda p: p[1])
        assert min(np.abs(np.subtract(p, (turning.tau, turning.epsilon))).max() for p in points) < (
            1e-7
        )
    assert diagram.tricritical is not None
    # at tau = 0, logit QRE: x = 1/(1 + exp((x - 0.6)/epsilon)) forks where x (1 - x) = epsilon
    epsilon, _ = scalar(
        lambda e, x: (odds(x, 1 - x - COST, e), x * (1 - x) - e),
        (0.247, 0.55),
    )
    tau, axis = curves["pitchfork"][-1]
    assert tau == 0.0
    assert abs(axis - epsilon) < 1e-9
    assert (ends[0.1].tau, 0.1) in [(pytest.approx(t, abs=1e-9), e) for t, e in curves["fold"]]


def test_counts_change_across_the_curves_only(diagram):
    for epsilon in (0.06, 0.1, 0.14, 0.18):
        row = [(t, k) for t, e, k, _ in diagram.counts.rows if e == epsilon]
        at = sorted(t for _, t, e in diagram.boundaries.rows if e == epsilon)
        for (a, before), (b, after) in itertools.pairwise(row):
            assert (before != after) == any(a < t < b for t in at)


def test_a_game_without_bifurcations_has_no_curves():
    found = phase_diagram(games.public_goods(3), [0.0, 1.0], [0.2, 0.5], places=1)
    assert set(found.counts.column("RQE")) == {1}
    assert found.boundaries.rows == ()
    assert found.tricritical is None


def test_three_players_have_a_diagram_too():
    found = phase_diagram(games.volunteers_dilemma(3), [0.0, 0.5, 2.0, 3.5], [0.1], places=1)
    assert found.counts.column("RQE") == (7, 7, 7, 1)
    assert sorted(found.boundaries.column("curve")) == ["fold", "multiple"]


@pytest.mark.parametrize(
    ("tau", "epsilon", "places", "word"),
    [
        ([1.0, 0.5], [0.1], 1, "tau must rise"),
        ([], [0.1], 1, "tau must be finite numbers, at least one"),
        ([0.0, np.inf], [0.1], 1, "tau must be finite numbers"),
        ([0.0], [0.2, 0.1], 1, "epsilon must rise"),
        ([-1.0], [0.1], 1, "tau must be >= 0 and epsilon > 0"),
        ([0.0], [0.0], 1, "tau must be >= 0 and epsilon > 0"),
        ([0.0], [0.1], 0, "places must be a whole number >= 1"),
    ],
)
def test_diagram_refuses_bad_grids(tau, epsilon, places, word):
    with pytest.raises(ValueError, match=word):
        phase_diagram(games.free_riding(), tau, epsilon, places=places)


def test_counting_stays_in_the_interval():
    path = rqe.trace_rqe(games.free_riding(), start=0, stop=2, epsilon=0.2)
    assert count_rqe(path, [0.0, 0.8, 0.9, 1.99]).tolist() == [3, 3, 1, 1]
    for tau in (-0.1, 2.0):
        with pytest.raises(ValueError, match=r"tau must lie in \[0, 2\)"):
            count_rqe(path, [tau])


def test_only_symmetric_games():
    lone = rqe.NormalFormGame([[1.0, 2.0]])
    uneven = rqe.CollaborativeGame(np.zeros((2, 3)), [[0.0] * 2, [0.0] * 3])
    for game in (lone, uneven, games.push_object()):
        with pytest.raises(ValueError, match="game must be a finite game of two or more players"):
            threshold(game, 0.2)
    rng = np.random.default_rng(0)
    cube = rng.uniform(size=(2, 2, 2))
    # each player looks at the others, but not at them alike
    cyclic = rqe.NormalFormGame(
        [cube, np.transpose(cube, (2, 0, 1)), np.transpose(cube, (1, 2, 0))]
    )
    for game in (games.matching_pennies(), cyclic):
        with pytest.raises(ValueError, match="game must be symmetric"):
            threshold(game, 0.2)
    even = (cube + np.swapaxes(cube, 1, 2)) / 2.0
    same = rqe.NormalFormGame([even, np.swapaxes(even, 0, 1), np.swapaxes(even, 0, 2)])
    assert check_symmetric(same) is same


@pytest.mark.parametrize("epsilon", [0.0, -1.0, np.inf, "much"])
def test_threshold_needs_an_epsilon(epsilon):
    with pytest.raises(ValueError, match="epsilon must be a finite number > 0"):
        threshold(games.free_riding(), epsilon)


def test_threshold_says_where_its_interval_is_too_short():
    with pytest.raises(ValueError, match="stop must lie beyond the last asymmetric RQE; there are"):
        threshold(games.free_riding(), 0.2, stop=0.5)
