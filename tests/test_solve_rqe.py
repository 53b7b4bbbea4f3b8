"""RQE and QRE of normal-form games: the paper's numbers, identities, limits, refusals."""

import itertools

import numpy as np
import pytest
from scipy.optimize import brentq

import games
import rqe
from rqe.solvers._problem import normalise
from rqe.solvers.newton import Newton


def random_game(seed, shape):
    return rqe.NormalFormGame(np.random.default_rng(seed).random((len(shape), *shape)))


def by_definition(game, eq, player, trials=200, seed=0):
    """Best risk-adjusted value found by brute-force deviations from the profile."""
    tau = eq.agents[player].risk.tau
    epsilon = eq.agents[player].regularizer.epsilon
    matrix = game.own_payoffs[player]
    q = np.ones(1)
    for j, x in enumerate(eq.strategies):
        if j != player:
            q = np.outer(q, x).ravel()

    def value(x):
        u = x @ matrix
        penalty = epsilon * np.sum(np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0))
        if tau == 0:
            return q @ u - penalty
        if np.isinf(tau):
            return u.min() - penalty
        return u.min() - np.log(q @ np.exp(-tau * (u - u.min()))) / tau - penalty

    rng = np.random.default_rng(seed)
    n = matrix.shape[0]
    deviations = [np.eye(n)[a] for a in range(n)] + list(rng.dirichlet(np.ones(n), trials))
    own = eq.strategies[player]
    deviations += [0.99 * own + 0.01 * d for d in deviations]
    return value(own), max(value(d) for d in deviations)


class TestExample42:
    """SRA Example 4.2: free-riding at epsilon = 0.2."""

    @pytest.mark.parametrize(
        ("tau", "start", "expected"),
        [
            (0.5, None, (0.58369572, 0.58369572)),
            (0.5, [[0.28, 0.72], [0.84, 0.16]], (0.28017478, 0.84252458)),
            (0.5, [[0.84, 0.16], [0.28, 0.72]], (0.84252458, 0.28017478)),
            (1.0, None, (0.60822983, 0.60822983)),
        ],
    )
    def test_printed_probabilities(self, tau, start, expected):
        eq = rqe.solve_rqe(games.free_riding(), tau=tau, epsilon=0.2, start=start)
        assert [x[0] for x in eq.strategies] == pytest.approx(expected, abs=5e-9)
        assert eq.residual <= 1e-10
        assert eq.max_regret <= 1e-12

    @pytest.mark.parametrize("tau", [0.1, 0.5, 1.0, 3.0, 30.0, 1e4])
    def test_symmetric_branch_against_a_scalar_root(self, tau):
        """The symmetric RQE solves one equation in one unknown."""

        def gap(p):
            u = np.array([0.6 * p + (1 - p), 0.6 * p])  # payoff when the partner plays C, D
            weight = np.array([p, 1 - p]) * np.exp(-tau * (u - u.min()))
            belief = weight[0] / weight.sum()
            advantage = 0.6 - belief
            return p - 1 / (1 + np.exp(-advantage / 0.2))

        root = brentq(gap, 1e-9, 1 - 1e-9, xtol=1e-15)
        eq = rqe.solve_rqe(games.free_riding(), tau=tau, epsilon=0.2)
        assert eq.branch == "principal"
        assert eq.strategies[0][0] == pytest.approx(root, abs=1e-10)


@pytest.mark.parametrize(
    "shape", [(2, 2), (3, 4), (1, 3), (2, 3, 2), (2, 2, 2, 2), (2, 1, 2, 1, 2)]
)
@pytest.mark.parametrize(("tau", "epsilon"), [(0.0, 0.3), (2.0, 0.1), (30.0, 0.05), (np.inf, 0.1)])
def test_no_deviation_gains(shape, tau, epsilon):
    game = random_game(3, shape)
    eq = rqe.solve_rqe(game, tau=tau, epsilon=epsilon)
    for player in range(len(shape)):
        own, best = by_definition(game, eq, player)
        assert eq.values[player] == pytest.approx(own, abs=1e-10)
        assert best <= own + 1e-10


def test_each_player_has_its_own_attitude():
    game = random_game(11, (3, 3))
    eq = rqe.solve_rqe(game, tau=[0.0, 4.0], epsilon=[0.5, 0.05])
    assert [a.risk.tau for a in eq.agents] == [0.0, 4.0]
    assert eq.beliefs[0] == pytest.approx(eq.strategies[1])  # a risk-neutral player's belief
    for player in range(2):
        own, best = by_definition(game, eq, player)
        assert best <= own + 1e-10


def test_beliefs_are_correlated_with_three_players():
    """The worst case over the others' JOINT actions is not a product of marginals."""
    eq = rqe.solve_rqe(random_game(5, (2, 2, 2)), tau=8.0, epsilon=0.1)
    belief = eq.beliefs[0]
    product = np.outer(belief.sum(axis=1), belief.sum(axis=0))
    assert belief.sum() == pytest.approx(1.0)
    assert np.abs(belief - product).max() > 1e-3


class TestIdentities:
    @pytest.mark.parametrize("factor", [1e-8, 1e-3, 7.0, 1e8])
    def test_payoffs_times_c(self, factor):
        game = random_game(0, (3, 3))
        scaled = rqe.NormalFormGame([factor * p for p in game.payoffs])
        base = rqe.solve_rqe(game, tau=3.0, epsilon=0.1)
        other = rqe.solve_rqe(scaled, tau=3.0 / factor, epsilon=0.1 * factor)
        for x, y in zip(base.strategies, other.strategies, strict=True):
            assert y == pytest.approx(x, abs=1e-11)
        assert other.values == pytest.approx(factor * base.values, rel=1e-10)

    def test_payoff_shift(self):
        game = random_game(1, (3, 2))
        shifted = rqe.NormalFormGame([game.payoffs[0] + 5.0, game.payoffs[1] - 40.0])
        base = rqe.solve_rqe(game, tau=3.0, epsilon=0.1)
        other = rqe.solve_rqe(shifted, tau=3.0, epsilon=0.1)
        for x, y in zip(base.strategies, other.strategies, strict=True):
            assert y == pytest.approx(x, abs=1e-11)
        assert other.values == pytest.approx(base.values + [5.0, -40.0])

    def test_relabelling_players_and_actions(self):
        game = random_game(2, (2, 3, 4))
        order, actions = (2, 0, 1), [np.array([1, 0]), np.array([2, 0, 1]), np.array([3, 1, 0, 2])]
        permuted = rqe.NormalFormGame(
            [np.transpose(game.payoffs[i][np.ix_(*actions)], order) for i in order]
        )
        tau, epsilon = np.array([1.0, 5.0, 0.3]), np.array([0.1, 0.2, 0.3])
        base = rqe.solve_rqe(game, tau, epsilon)
        other = rqe.solve_rqe(permuted, tau[list(order)], epsilon[list(order)])
        for new, old in enumerate(order):
            assert other.strategies[new] == pytest.approx(base.strategies[old][actions[old]])

    def test_duplicated_action_splits_its_logit_weight(self):
        """A copy of an action shifts the others as a log 2 bonus would: independent solution."""
        game = random_game(4, (3, 3))
        copied = rqe.NormalFormGame([np.concatenate([p, p[:1]]) for p in game.payoffs])
        eq = rqe.solve_qre(copied, epsilon=0.2)
        assert eq.strategies[0][0] == pytest.approx(eq.strategies[0][3], abs=1e-12)
        for player in range(2):
            own, best = by_definition(copied, eq, player)
            assert best <= own + 1e-10


class TestLimits:
    def test_tau_to_zero_is_qre(self):
        game = random_game(6, (3, 3))
        qre = rqe.solve_qre(game, epsilon=0.2)
        gaps = []
        for tau in (1e-2, 1e-4, 1e-6):
            eq = rqe.solve_rqe(game, tau, 0.2)
            gaps.append(max(np.abs(a - b).max() for a, b in zip(eq, qre, strict=True)))
        assert gaps[2] < 1e-6
        assert gaps[0] / gaps[1] == pytest.approx(100, rel=0.05)  # first order in tau

    def test_epsilon_to_zero_is_nash(self):
        game = games.asymmetric_matching_pennies(x=9.0)
        eq = rqe.solve_qre(game, epsilon=1e-6)
        best = [
            np.max(game.payoffs[0] @ eq.strategies[1]),
            np.max(eq.strategies[0] @ game.payoffs[1]),
        ]
        assert best - eq.payoffs == pytest.approx([0.0, 0.0], abs=2e-6)

    def test_epsilon_to_infinity_is_uniform(self):
        eq = rqe.solve_rqe(random_game(7, (2, 4)), tau=3.0, epsilon=1e6)
        assert eq.strategies[1] == pytest.approx(np.full(4, 0.25), abs=1e-5)

    def test_tau_to_infinity_is_the_worst_case(self):
        game = random_game(8, (3, 3))
        limit = rqe.solve_rqe(game, np.inf, 0.1)
        near = rqe.solve_rqe(game, 1e5, 0.1)
        for x, y in zip(limit, near, strict=True):
            assert y == pytest.approx(x, abs=1e-3)

    def test_order_of_limits_matters_in_the_stag_hunt(self):
        """Section 1: security play if tau grows first; (stag, stag) survives in the other order."""
        game = games.stag_hunt()
        cautious = rqe.solve_rqe(game, tau=1e6, epsilon=1e-2)
        assert cautious.strategies[0][1] > 1 - 1e-9
        stag = [[1.0, 0.0], [1.0, 0.0]]
        brave = rqe.solve_rqe(game, tau=1e6, epsilon=2e-7, start=stag)
        assert brave.strategies[0][0] > 1 - 1e-9
        assert brave.payoffs == pytest.approx([4.0, 4.0])

    def test_security_strategies_at_tau_infinite_epsilon_zero(self):
        eq = rqe.solve_rqe(games.rock_paper_scissors(), tau=np.inf, epsilon=0.0)
        assert eq.strategies[0] == pytest.approx(np.full(3, 1 / 3), abs=1e-9)


class TestPrincipalBranch:
    def test_symmetric_game_stays_symmetric_past_the_pitchfork(self):
        eq = rqe.solve_rqe(games.free_riding(), tau=0.2, epsilon=0.05)
        assert eq.strategies[0] == pytest.approx(eq.strategies[1], abs=1e-10)
        assert eq.index == -1  # the branch that lost its stability

    def test_same_answer_as_small_steps_in_epsilon(self):
        """Brute force: natural continuation by Newton in 400 small steps from epsilon = 100."""
        game = random_game(9, (3, 3))
        start = None
        for epsilon in np.geomspace(100.0, 0.03, 400):
            eq = rqe.solve_rqe(game, 2.0, float(epsilon), method="newton", start=start)
            start = eq.strategies
        direct = rqe.solve_rqe(game, 2.0, 0.03)
        for x, y in zip(direct, eq, strict=True):
            assert y == pytest.approx(x, abs=1e-9)

    def test_any_is_an_equilibrium_too(self):
        game = random_game(10, (4, 4))
        eq = rqe.solve_rqe(game, 2.0, 0.05, select="any")
        assert eq.branch == "unknown"
        assert eq.max_regret < 1e-10

    @pytest.mark.parametrize("method", ["homotopy", "fixed_point", "newton"])
    def test_forced_methods_agree_where_the_equilibrium_is_unique(self, method):
        game = random_game(12, (3, 3))
        eq = rqe.solve_rqe(game, 1.0, 1.0, method=method)
        assert eq.method == method
        base = rqe.solve_rqe(game, 1.0, 1.0)
        for x, y in zip(base, eq, strict=True):
            assert y == pytest.approx(x, abs=1e-9)

    def test_large_games_without_factorising(self):
        """Past the size of dense algebra the same numbers come from Krylov solves."""
        game = random_game(13, (380, 360))
        eq = rqe.solve_rqe(game, tau=5.0, epsilon=0.05)
        other = rqe.solve_rqe(game, tau=5.0, epsilon=0.05, method="fixed_point")
        assert eq.branch == "principal"
        for x, y in zip(eq, other, strict=True):
            assert y == pytest.approx(x, abs=1e-9)


BAD = [
    ({"tau": -1.0, "epsilon": 0.1}, "tau"),
    ({"tau": np.nan, "epsilon": 0.1}, "tau"),
    ({"tau": [1.0, 2.0, 3.0], "epsilon": 0.1}, "tau"),
    ({"tau": "high", "epsilon": 0.1}, "tau"),
    ({"tau": 1.0, "epsilon": -0.1}, "epsilon"),
    ({"tau": 1.0, "epsilon": np.inf}, "epsilon"),
    ({"tau": 1.0, "epsilon": 0.0}, "epsilon"),
    ({"tau": 0.0, "epsilon": 0.0}, "epsilon"),
    ({"tau": 1.0, "epsilon": 1e-300}, "epsilon"),
    ({"tau": 1.0, "epsilon": 0.1, "method": "magic"}, "method"),
    ({"tau": 1.0, "epsilon": 0.1, "select": "best"}, "select"),
    ({"tau": 1.0, "epsilon": 0.1, "tol": 0.0}, "tol"),
    ({"tau": 1.0, "epsilon": 0.1, "max_steps": 0}, "max_steps"),
    ({"tau": 1.0, "epsilon": 0.1, "start": [[0.5, 0.5]]}, "start"),
    ({"tau": 1.0, "epsilon": 0.1, "start": [[0.5, 0.6], [0.5, 0.5]]}, "start"),
    ({"tau": 1.0, "epsilon": 0.1, "start": [[0.5, 0.5]] * 2, "select": "principal"}, "start"),
    ({"tau": 1.0, "epsilon": 0.1, "method": "newton", "select": "principal"}, "method"),
]


@pytest.mark.parametrize(("arguments", "name"), BAD)
def test_refusals_name_the_argument(arguments, name):
    with pytest.raises(ValueError, match=name):
        rqe.solve_rqe(games.stag_hunt(), **arguments)


def test_qre_takes_one_of_epsilon_and_lam():
    game = games.chicken()
    assert rqe.solve_qre(game, lam=4.0).strategies[0] == pytest.approx(
        rqe.solve_qre(game, epsilon=0.25).strategies[0], abs=1e-12
    )
    assert rqe.solve_qre(game, lam=0.0).strategies[0] == pytest.approx([0.5, 0.5], abs=1e-15)
    for arguments in ({}, {"epsilon": 1.0, "lam": 1.0}, {"lam": -1.0}, {"lam": np.inf}):
        with pytest.raises(ValueError, match="lam"):
            rqe.solve_qre(game, **arguments)


def test_not_a_game_and_agents_that_do_not_fit():
    with pytest.raises(ValueError, match="game"):
        rqe.solve_rqe([[1, 2], [3, 4]], 1.0, 1.0)
    agent = rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(1.0))
    with pytest.raises(ValueError, match="agents"):
        rqe.solve(games.chicken(), [agent])
    with pytest.raises(ValueError, match="range"):
        rqe.solve_rqe(rqe.NormalFormGame([[[1e308, -1e308]], [[0, 0]]]), 1.0, 1.0)


def test_solver_leaves_the_game_alone():
    game = random_game(14, (3, 3))
    before = [p.copy() for p in game.payoffs]
    rqe.solve_rqe(game, 5.0, 0.1)
    for p, q in zip(game.payoffs, before, strict=True):
        assert np.array_equal(p, q)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 3, 2)])
def test_security_by_either_door(shape):
    """tau = inf with epsilon = 0 guarantees what the maximin program guarantees."""
    game = random_game(21, shape)
    limit = rqe.solve_rqe(game, np.inf, 0.0)
    program = rqe.solve_security(game)
    assert limit.values == pytest.approx(program.values, abs=1e-12)


def test_newton_converges_at_second_order():
    """Corrections fall as their square: log delta doubles from one step to the next."""
    game = random_game(22, (4, 4))
    ranges, tau, epsilon = game.payoff_ranges[None], np.full((1, 2), 2.0), np.full((1, 2), 0.2)
    problem = normalise([p[None] for p in game.own_payoffs], ranges, tau, epsilon, [None, None])
    newton = Newton(problem)
    target = rqe.solve_rqe(game, 2.0, 0.2)
    state = newton.begin([z[None] + 0.05 * np.arange(4) for z in target.log_strategies])
    deltas = []
    for _ in range(6):
        state = newton.step(state)
        deltas.append(float(state.delta[0]))
    useful = [d for d in deltas if 1e-13 < d < 0.1]
    orders = [np.log(b) / np.log(a) for a, b in itertools.pairwise(useful)]
    assert len(useful) >= 3
    assert max(orders) > 1.7
    assert deltas[-1] < 1e-13


@pytest.mark.parametrize(("tau", "epsilon"), [(20.0, 0.013), (1e6, 3e-7)])
def test_rare_actions_decide_what_is_an_equilibrium(tau, epsilon):
    """At (stag, stag) every residual is below 1e-30, yet the log-odds have no fixed point there."""
    game = games.stag_hunt()
    # log-odds of hare at (stag, stag): z = -1/epsilon + 4/epsilon * p, where the partner's feared
    # share of hare is p = exp(z + 4 tau) / (1 + exp(z + 4 tau)), up to terms of relative size p
    grid = np.linspace(-1.0 / epsilon, 0.0, 400_001)
    feared = 1.0 / (1.0 + np.exp(-np.clip(grid + 4.0 * tau, -700.0, 700.0)))
    crossings = np.flatnonzero(np.diff(np.sign((-1.0 + 4.0 * feared) / epsilon - grid)))
    stag = [k for k in crossings if grid[k] < -1.0]
    assert stag == []
    eq = rqe.solve_rqe(game, tau, epsilon, start=([1.0, 0.0], [1.0, 0.0]))
    assert eq[0][1] > 0.99
    assert len(rqe.enumerate_rqe(game, tau, epsilon)) == 1


def test_stag_stays_an_equilibrium_where_play_is_sharp_enough():
    """tau epsilon < 1/4: science section 1."""
    found = rqe.enumerate_rqe(games.stag_hunt(), 1e6, 2e-7)
    assert len(found) == 3
    assert found.index_sum == 1
    assert sum(eq[0][0] > 0.99 for eq in found) == 2


def test_qre_of_games_that_are_not_finite():
    rewards = np.random.default_rng(0).random((2, 2, 2, 2))
    markov = rqe.MarkovGame(rewards, np.full((2, 2, 2, 2), 0.5), discount=0.9)
    for game in (games.push_object(), markov):
        found = rqe.solve_qre(game, lam=4.0)
        same = rqe.solve_rqe(game, 0.0, 0.25)
        assert found.residual <= 1e-9
        assert np.array_equal(found.values, same.values)
        with pytest.raises(ValueError, match="lam must be > 0"):
            rqe.solve_qre(game, lam=0.0)


@pytest.mark.parametrize(
    ("scale", "shift", "tau", "epsilon"),
    [
        (1.0, 0.0, 1.0, 1.797e308),
        (1e-300, 0.0, 0.0, 1e-10),
        (1e300, 1.7e308, 0.0, 1e300),
        (1e300, 1.7e308, np.inf, 1e300),
        (0.5, 0.0, np.inf, 1e308),
        (0.0, -0.29, 36.6, 5e-203),
    ],
)
def test_the_ends_of_floating_point_give_no_warning(scale, shift, tau, epsilon):
    # warnings are errors here: an answer that is certified, or a refusal in words
    first, second = shift - scale * np.eye(2), 1.0 - np.eye(2)
    game = rqe.NormalFormGame([first, second])
    if 0.0 < epsilon < 1e-100:
        with pytest.raises(ValueError, match="range / epsilon must be at most"):
            rqe.solve_rqe(game, tau, epsilon)
        return
    eq = rqe.solve_rqe(game, tau, epsilon)
    assert eq.residual <= 1e-10
    assert np.isfinite(eq.regret).all()


def test_one_player_without_a_stake():
    eq = rqe.solve_rqe(rqe.NormalFormGame([[-0.29, -0.29, -0.29]]), 36.6, 5.36e-203)
    assert eq.strategies[0] == pytest.approx(np.full(3, 1 / 3), abs=1e-15)


def test_words_and_numbers_of_odd_kinds():
    game = games.free_riding()
    with pytest.raises(ValueError, match="method must be one of"):
        rqe.solve_rqe(game, 1.0, 1.0, method=np.array(["a", "b"]))
    for start in ([[10**400, 0], [1, 0]], [[1j, 1.0], [0.5, 0.5]]):
        with pytest.raises(ValueError, match="start must be"):
            rqe.solve_rqe(game, 1.0, 1.0, start=start)
    for tau in (10**400, 1j):
        with pytest.raises(ValueError, match="tau must be"):
            rqe.solve_many(np.ones((1, 2, 2, 2)), tau, 0.5)
