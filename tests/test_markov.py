"""Equilibria of Markov games against games without states, other solvers and the definition."""

import numpy as np
import pytest
from markov_references import (
    draw,
    evaluate,
    shapley,
    soft_values,
    solve_system,
    worth,
)
from quantecon.markov import DiscreteDP
from scipy import sparse

import rqe
from rqe.certificate import evidence
from rqe.solvers._loop import iterate
from rqe.solvers._markov_newton import follow
from rqe.solvers._markov_search import TauClimb
from rqe.solvers._markov_sweep import Sweep
from rqe.solvers._system import beliefs
from rqe.solvers.markov_regret import best_response_values
from rqe.solvers.normal_form import Batch

SHAPES = [(2, 2), (3, 2), (2, 2, 2)]


def same(a, b, tol):
    return all(np.allclose(x, y, rtol=0.0, atol=tol) for x, y in zip(a, b, strict=True))


def agents(tau, epsilon, count=2, environment=0.0):
    one = rqe.Agent(
        rqe.Entropic(tau), rqe.NegEntropy(epsilon), environment=rqe.Entropic(environment)
    )
    return [one] * count


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("select", ["any", "principal", "stagewise"])
def test_one_state_is_the_game_played_for_ever(shape, select):
    rewards, transitions = draw(3, 1, shape)
    plain = rqe.solve_rqe(rqe.NormalFormGame(list(rewards[0])), tau=2.0, epsilon=0.3)
    game = rqe.MarkovGame(rewards, transitions, discount=0.8)
    found = rqe.solve_rqe(game, tau=2.0, epsilon=0.3, select=select)
    assert same([x[0] for x in found.policies], plain.strategies, 1e-9)
    assert np.allclose(found.values[:, 0], plain.values / 0.2, rtol=1e-10)
    assert np.allclose(found.payoffs[:, 0], plain.payoffs / 0.2, rtol=1e-9)
    assert same([p[0] for p in found.beliefs], plain.beliefs, 1e-9)
    assert found.branch == ("unknown" if select == "any" else "principal")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tau", [0.0, 2.0])
def test_one_step_is_each_states_game(shape, tau):
    rewards, transitions = draw(4, 5, shape)
    found = rqe.solve_rqe(rqe.MarkovGame(rewards, transitions, horizon=1), tau=tau, epsilon=0.2)
    for s in range(5):
        plain = rqe.solve_rqe(rqe.NormalFormGame(list(rewards[s])), tau=tau, epsilon=0.2)
        assert same([x[0, s] for x in found.policies], plain.strategies, 1e-9)
        assert same([p[0, s] for p in found.beliefs], plain.beliefs, 1e-9)
        assert np.allclose(found.values[0, :, s], plain.values, rtol=1e-12)
        assert np.allclose(found.payoffs[0, :, s], plain.payoffs, rtol=1e-9)
    assert found.branch == "principal"


@pytest.mark.parametrize("select", ["principal", "any"])
def test_a_repeated_game_is_played_the_same_at_every_step(select):
    rewards, transitions = draw(5, 1, (3, 3))
    game = rqe.MarkovGame(rewards, transitions, horizon=4)
    found = rqe.solve_rqe(game, tau=1.0, epsilon=0.3, select=select)
    plain = rqe.solve_rqe(rqe.NormalFormGame(list(rewards[0])), tau=1.0, epsilon=0.3)
    for t in range(4):
        assert same([x[t, 0] for x in found.policies], plain.strategies, 1e-9)
        assert np.allclose(found.values[t, :, 0], (4 - t) * plain.values, rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("tau", "environment"), [(0.0, 0.0), (2.0, 0.0), (2.0, 3.0)])
def test_backward_induction_by_the_definition(shape, tau, environment):
    rewards, transitions = draw(6, 3, shape)
    game = rqe.MarkovGame(rewards, transitions, horizon=3)
    found = rqe.solve(game, agents(tau, 0.25, len(shape), environment))
    ahead = np.zeros((len(shape), 3))
    for t in (2, 1, 0):
        policies = [x[t] for x in found.policies]
        for i in range(len(shape)):
            value = worth(rewards, transitions, 1.0, policies, ahead[i], i, tau, 0.25, environment)
            assert np.allclose(found.values[t, i], value, rtol=1e-12)
            # nobody gains by a step towards any pure strategy, in any state
            for a in range(shape[i]):
                other = [np.array(x) for x in policies]
                other[i] = 0.99 * other[i] + 0.01 * np.eye(shape[i])[a]
                moved = worth(rewards, transitions, 1.0, other, ahead[i], i, tau, 0.25, environment)
                assert np.all(moved < value)
        ahead = found.values[t]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("tau", "epsilon"), [(0.5, 1.0), (2.0, 0.3), (8.0, 0.15)])
def test_stationary_equilibria_solve_the_whole_system(seed, tau, epsilon):
    rewards, transitions = draw(seed, 2, (2, 3))
    game = rqe.MarkovGame(rewards, transitions, discount=0.9)
    found = rqe.solve_rqe(game, tau, epsilon)
    # SciPy starts a little off, so that it has something to do
    rng = np.random.default_rng(seed)
    start = [x * np.exp(0.02 * rng.normal(size=x.shape)) for x in found.policies]
    start = [x / x.sum(axis=1, keepdims=True) for x in start]
    policies, values = solve_system(
        rewards, transitions, 0.9, tau, epsilon, (start, found.values + 0.01)
    )
    assert same(found.policies, policies, 1e-7)
    assert np.allclose(found.values, values, rtol=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("environment", [0.0, 4.0])
def test_values_and_regret_of_stationary_equilibria_by_the_definition(shape, environment):
    rewards, transitions = draw(7, 3, shape, spread=0.5)
    game = rqe.MarkovGame(rewards, transitions, discount=0.7)
    found = rqe.solve(game, agents(1.5, 0.2, len(shape), environment))
    rng = np.random.default_rng(0)
    for i, n in enumerate(shape):
        settings = (rewards, transitions, 0.7)
        value = evaluate(*settings, found.policies, i, 1.5, 0.2, environment)
        assert np.allclose(found.values[i], value, rtol=1e-11)
        for _ in range(5):
            other = [np.array(x) for x in found.policies]
            other[i] = other[i] * np.exp(0.1 * rng.normal(size=(3, n)))
            other[i] /= other[i].sum(axis=1, keepdims=True)
            assert np.all(evaluate(*settings, other, i, 1.5, 0.2, environment) < value)
    assert found.max_regret < 1e-12
    assert found.residual < 1e-12
    assert found.stage_residual < 1e-10


@pytest.mark.parametrize("epsilon", [0.05, 1.0])
def test_one_player_is_a_regularised_decision_problem(epsilon):
    rewards, transitions = draw(8, 6, (4,))
    game = rqe.MarkovGame(rewards, transitions, discount=0.9)
    found = rqe.solve_rqe(game, tau=3.0, epsilon=epsilon)
    assert np.allclose(
        found.values[0], soft_values(rewards[:, 0], transitions, 0.9, epsilon), rtol=1e-11
    )


def test_one_player_with_little_noise_is_a_decision_problem():
    rewards, transitions = draw(9, 12, (3,))
    exact = DiscreteDP(rewards[:, 0], transitions, 0.9).solve(method="policy_iteration")
    game = rqe.MarkovGame(rewards, transitions, discount=0.9)
    found = rqe.solve_rqe(game, tau=0.0, epsilon=1e-4)
    # entropy is worth at most epsilon log n a step
    gap = found.values[0] - exact.v
    assert np.all(gap > -1e-9)
    assert np.all(gap <= 1e-4 * np.log(3) / 0.1)
    assert np.array_equal(np.argmax(found.policies[0], axis=1), exact.sigma)


@pytest.mark.parametrize("seed", range(3))
def test_zero_sum_games_approach_shapleys_values(seed):
    rewards, transitions = draw(seed, 3, (2, 3))
    rewards[:, 1] = -rewards[:, 0]
    game = rqe.MarkovGame(rewards, transitions, discount=0.8)
    found = rqe.solve_rqe(game, tau=0.0, epsilon=1e-3)
    exact = shapley(rewards[:, 0], transitions, 0.8)
    assert np.all(np.abs(found.payoffs[0] - exact) <= 1e-3 * (np.log(2) + np.log(3)) / 0.2)
    assert np.allclose(found.payoffs[1], -found.payoffs[0], rtol=1e-10)


@pytest.mark.parametrize("seed", range(2))
def test_infinite_risk_aversion_without_noise_is_security(seed):
    rewards, transitions = draw(seed, 3, (2, 3))
    game = rqe.MarkovGame(rewards, transitions, discount=0.8)
    found = rqe.solve_rqe(game, tau=np.inf, epsilon=0.0)
    assert np.allclose(found.values[0], shapley(rewards[:, 0], transitions, 0.8), atol=1e-8)
    turned = rewards[:, 1].transpose(0, 2, 1), transitions.transpose(0, 2, 1, 3)
    assert np.allclose(found.values[1], shapley(*turned, 0.8), atol=1e-8)
    assert found.max_regret < 1e-7
    with pytest.raises(ValueError, match="tau is inf"):
        rqe.solve_rqe(game, tau=np.inf, epsilon=0.1, method="newton")


def test_only_one_player_prepares_for_the_worst():
    rewards, transitions = draw(2, 3, (2, 2))
    game = rqe.MarkovGame(rewards, transitions, discount=0.8)
    found = rqe.solve_rqe(game, tau=[np.inf, 1.0], epsilon=0.2)
    for i, tau in enumerate((1e7, 1.0)):
        value = evaluate(rewards, transitions, 0.8, found.policies, i, tau, 0.2)
        assert np.allclose(found.values[i], value, atol=1e-5)
    assert found.max_regret < 1e-8


def test_the_certificate_is_exact_without_risk_aversion():
    rewards, transitions = draw(10, 4, (3, 2))
    rng = np.random.default_rng(0)
    policies = [rng.dirichlet(np.ones(n), size=4) for n in (3, 2)]
    game = rqe.MarkovGame(rewards, transitions, discount=0.9)
    values, bounds = best_response_values(game, policies, agents(0.0, 0.1))
    for i in range(2):
        faced = rewards[:, i], transitions
        axis = "sab,sb->sa" if i == 0 else "sab,sa->sb"
        onward = axis.replace("sab", "sabt").replace("->sa", "->sat").replace("->sb", "->sbt")
        best = soft_values(
            np.einsum(axis, faced[0], policies[1 - i]),
            np.einsum(onward, faced[1], policies[1 - i]),
            0.9,
            0.1,
        )
        assert np.allclose(bounds[i], best, rtol=1e-10)
        assert np.allclose(
            values[i], evaluate(rewards, transitions, 0.9, policies, i, 0.0, 0.1), rtol=1e-10
        )
        assert np.all(best > values[i] + 0.01)


@pytest.mark.parametrize("environment", [0.0, 3.0])
def test_the_certificate_bounds_every_deviation(environment):
    rewards, transitions = draw(11, 3, (2, 2))
    rng = np.random.default_rng(1)
    policies = [rng.dirichlet(np.ones(2), size=3) for _ in range(2)]
    game = rqe.MarkovGame(rewards, transitions, discount=0.6)
    _, bounds = best_response_values(game, policies, agents(3.0, 0.1, 2, environment))
    best = np.full(3, -np.inf)
    grid = np.linspace(0.001, 0.999, 9)
    for a in grid:
        for b in grid:
            for c in grid:
                mine = np.array([[a, 1 - a], [b, 1 - b], [c, 1 - c]])
                trial = [mine, policies[1]]
                settings = (rewards, transitions, 0.6, trial, 0, 3.0, 0.1, environment)
                best = np.maximum(best, worth(*settings[:4], bounds[0], *settings[4:]))
    # one step of the best reply on top of the bound does not exceed the bound
    assert np.all(best <= bounds[0] + 1e-12)


def test_policies_handed_to_the_certificate_are_checked():
    rewards, transitions = draw(11, 3, (2, 2))
    game = rqe.MarkovGame(rewards, transitions, discount=0.6)
    even = np.full((3, 2), 0.5)
    for policies, message in (
        ([even], "policies must be 2 arrays"),
        ([even, even[:2]], "policies must be 2 arrays"),
        ([even, 1.1 * even], "for player 1 in state 0"),
        ([even, np.array([[0.5, 0.5], [-0.5, 1.5], [1, 0]])], "for player 1 in state 1"),
        ([even, np.full((3, 2), np.nan)], "for player 1 in state 0"),
        ("none", "policies must be"),
    ):
        with pytest.raises(ValueError, match=message):
            best_response_values(game, policies, agents(1.0, 1.0))
    with pytest.raises(ValueError, match="game must be discounted"):
        best_response_values(
            rqe.MarkovGame(rewards, transitions, horizon=2), [even, even], agents(1.0, 1.0)
        )


def test_dense_and_sparse_transitions_give_the_same_bits():
    rewards, transitions = draw(12, 4, (2, 3), spread=0.3)
    rows = sparse.coo_array(transitions.reshape(24, 4))
    found = [
        rqe.solve_rqe(rqe.MarkovGame(rewards, form, discount=0.9), tau=1.0, epsilon=0.2)
        for form in (transitions, rows)
    ]
    assert all(np.array_equal(a, b) for a, b in zip(*[f.policies for f in found], strict=True))
    assert np.array_equal(found[0].values, found[1].values)


@pytest.mark.parametrize("kind", [{"discount": 0.9}, {"horizon": 4}])
def test_units_offsets_and_names_do_not_matter(kind):
    rewards, transitions = draw(13, 3, (2, 3))
    found = rqe.solve_rqe(rqe.MarkovGame(rewards, transitions, **kind), tau=2.0, epsilon=0.2)
    scaled = rqe.solve_rqe(
        rqe.MarkovGame(1e3 * rewards, transitions, **kind), tau=2e-3, epsilon=200.0
    )
    assert same(found.policies, scaled.policies, 1e-9)
    assert np.allclose(scaled.values, 1e3 * found.values, rtol=1e-10)
    lifted = rqe.solve_rqe(rqe.MarkovGame(rewards + 7.0, transitions, **kind), tau=2.0, epsilon=0.2)
    assert same(found.policies, lifted.policies, 1e-9)
    steps = [10.0] if "discount" in kind else [4.0, 3.0, 2.0, 1.0]
    lift = 7.0 * np.array(steps).reshape(-1, 1, 1)
    assert np.allclose(lifted.values, found.values + (lift[0] if "discount" in kind else lift))
    turned = rqe.MarkovGame(
        rewards[:, ::-1].transpose(0, 1, 3, 2), transitions.transpose(0, 2, 1, 3), **kind
    )
    assert same(found.policies, rqe.solve_rqe(turned, 2.0, 0.2).policies[::-1], 1e-9)
    order = np.array([2, 0, 1])
    moved = rqe.MarkovGame(rewards[order], transitions[order][..., order], **kind)
    at = (slice(None), order) if "horizon" in kind else order
    assert same([x[at] for x in found.policies], rqe.solve_rqe(moved, 2.0, 0.2).policies, 1e-9)


def test_players_may_differ():
    rewards, transitions = draw(14, 3, (2, 2, 2))
    game = rqe.MarkovGame(rewards, transitions, discount=0.7)
    found = rqe.solve_rqe(game, tau=[0.0, 1.0, 5.0], epsilon=[0.1, 0.3, 0.5])
    for i, (tau, epsilon) in enumerate(((0.0, 0.1), (1.0, 0.3), (5.0, 0.5))):
        value = evaluate(rewards, transitions, 0.7, found.policies, i, tau, epsilon)
        assert np.allclose(found.values[i], value, rtol=1e-11)


def circling_game():
    rng = np.random.default_rng(7)
    count = int(rng.integers(2, 4))
    rewards = rng.integers(0, 5, (count, 2, 2, 2)).astype(float)
    transitions = rng.dirichlet(np.full(count, 0.3), size=(count, 2, 2))
    return rqe.MarkovGame(rewards, transitions, discount=0.95)


@pytest.mark.parametrize(
    "choice", [{"select": "stagewise"}, {"method": "value_iteration", "select": "any"}]
)
def test_value_iteration_in_circles_is_refused_by_name(choice):
    with pytest.raises(rqe.ConvergenceError, match="in circles") as refusal:
        rqe.solve_rqe(circling_game(), tau=0.0, epsilon=0.3, **choice)
    assert refusal.value.status is rqe.Status.LOST_BRANCH
    assert refusal.value.result.residual > 0.1
    again = rqe.solve_rqe(circling_game(), tau=0.0, epsilon=0.3, throw=False, **choice)
    assert again.status is rqe.Status.LOST_BRANCH


def test_where_value_iteration_goes_in_circles_newton_finds_an_equilibrium():
    game = circling_game()
    found = rqe.solve_rqe(game, tau=0.0, epsilon=0.3)
    assert found.method == "value iteration (in circles), newton"
    principal = rqe.solve_rqe(game, tau=0.0, epsilon=0.3, select="principal")
    assert principal.branch == "principal"
    # two equilibria of one game: which one is meant has to be said
    assert np.abs(found.policies[0] - principal.policies[0]).max() > 0.5
    rewards, transitions = game.rewards, game.transitions.toarray().reshape(*game.rewards.shape[:1],
                                                                            2, 2, -1)  # fmt: skip
    for eq in (found, principal):
        for i in range(2):
            value = evaluate(rewards, transitions, 0.95, eq.policies, i, 0.0, 0.3)
            assert np.allclose(eq.values[i], value, rtol=1e-9)
        assert eq.max_regret < 1e-9


def test_a_start_leads_to_the_equilibrium_next_to_it():
    game = circling_game()
    for select in ("any", "principal"):
        found = rqe.solve_rqe(game, tau=0.0, epsilon=0.3, select=select)
        again = rqe.solve_rqe(game, tau=0.0, epsilon=0.3, start=found.policies)
        assert same(found.policies, again.policies, 1e-8)
        assert again.iterations <= 4


def test_an_equilibrium_at_other_degrees_is_a_start_with_its_values():
    rewards, transitions = draw(16, 6, (3, 2))
    game = rqe.MarkovGame(rewards, transitions, discount=0.95)
    calm = rqe.solve_rqe(game, 1.0, 0.2)
    wary = rqe.solve_rqe(game, 1.5, 0.2, start=calm)
    alone = rqe.solve_rqe(game, 1.5, 0.2)
    assert same(wary.policies, alone.policies, 1e-8)
    assert rqe.solve_rqe(game, 1.0, 0.2, start=calm).iterations <= 4
    finite = rqe.MarkovGame(rewards, transitions, horizon=2)
    with pytest.raises(ValueError, match="start must be an equilibrium with values of shape"):
        rqe.solve_rqe(game, 1.0, 0.2, start=rqe.solve_rqe(finite, 1.0, 0.2))


def test_tau_raised_from_0_leads_to_an_equilibrium():
    rewards, transitions = draw(17, 5, (2, 3))
    game = rqe.MarkovGame(rewards, transitions, discount=0.9)
    sweep = Sweep(game, agents(4.0, 0.1))
    climb = TauClimb(sweep, 1e-12, 300)
    top, ending, _ = iterate(climb, climb.begin(sweep.principal(sweep.flat)), 100)
    assert ending is rqe.Status.CONVERGED
    assert top.part == 1.0
    policies = [np.exp(z) for z in top.now.z]
    for i in range(2):
        value = evaluate(rewards, transitions, 0.9, policies, i, 4.0, 0.1)
        assert np.allclose(top.now.values[i], value, rtol=1e-9)


def test_the_principal_equilibrium_does_not_depend_on_the_scale_of_the_first_step():
    rewards, transitions = draw(15, 4, (2, 2))
    game = rqe.MarkovGame(rewards, transitions, discount=0.9)
    target = rqe.solve_rqe(game, 1.0, 0.2, select="principal")
    # the same branch followed by hand, in many small steps from where it is the only equilibrium
    policies = None
    for epsilon in np.geomspace(50.0, 0.2, 30):
        policies = rqe.solve_rqe(game, 1.0, float(epsilon), start=policies).policies
    assert same(target.policies, policies, 1e-8)


@pytest.mark.parametrize("epsilon", [1.0, 0.2, 0.05])
def test_fifty_states_three_players(epsilon):
    rewards, transitions = draw(0, 50, (3, 3, 3))
    game = rqe.MarkovGame(rewards, transitions, discount=0.9)
    found = rqe.solve_rqe(game, tau=1.0, epsilon=epsilon)
    assert found.status is rqe.Status.CONVERGED
    assert found.residual < 1e-9
    assert found.max_regret < 1e-9


def test_large_sparse_games_use_the_iterative_solver():
    n_states = 1200
    rng = np.random.default_rng(0)
    rewards = rng.random((n_states, 2, 2, 2))
    rows = np.arange(n_states * 4).repeat(3)
    columns = (rows // 4 + rng.integers(-3, 4, rows.size)) % n_states
    weights = rng.dirichlet(np.ones(3), size=n_states * 4).ravel()
    game = rqe.MarkovGame(
        rewards,
        sparse.coo_array((weights, (rows, columns)), shape=(n_states * 4, n_states)),
        discount=0.95,
    )
    found = rqe.solve_rqe(game, tau=1.0, epsilon=0.2)
    assert found.residual < 1e-10
    dense = game.transitions.toarray().reshape(n_states, 2, 2, n_states)
    step = worth(rewards, dense, 0.95, found.policies, found.values[0], 0, 1.0, 0.2)
    assert np.allclose(step, found.values[0], rtol=1e-10)


def test_steps_that_run_out_are_said_so():
    game = circling_game()
    with pytest.raises(rqe.ConvergenceError) as refusal:
        rqe.solve_rqe(game, 0.0, 0.3, method="value_iteration", max_steps=3)
    assert refusal.value.status is rqe.Status.MAX_STEPS
    assert refusal.value.result.iterations <= 5


@pytest.mark.parametrize(
    ("horizon", "choice", "message"),
    [
        (True, {"start": [[[0.5, 0.5]]]}, "start must be left out"),
        (True, {"method": "newton"}, "method must be one of 'auto', 'backward_induction' where"),
        (True, {"method": "homotopy"}, "method must be one of"),
        (True, {"select": "best"}, "select must be one of"),
        (False, {"method": "backward_induction"}, "where the game is discounted"),
        (False, {"select": "principal", "method": "newton"}, "with select='principal'"),
        (False, {"select": "stagewise", "method": "newton"}, "with select='stagewise'"),
        (False, {"select": "any", "method": "continuation"}, "with select='any'"),
        (False, {"select": "principal", "start": []}, "start must be left out with"),
        (False, {"start": [np.ones((2, 2))]}, "policies must be 2 arrays"),
        (False, {"tol": 0.0}, "tol must"),
        (False, {"max_steps": 0}, "max_steps must"),
        (False, {"tau": -1.0}, "tau must"),
        (False, {"epsilon": 0.0}, r"epsilon\[.\] must be > 0 where tau is finite"),
        (False, {"epsilon": 1e-16}, "range / epsilon must be at most"),
    ],
)
def test_choices_that_make_no_sense_are_refused_before_iterating(horizon, choice, message):
    rewards, transitions = draw(0, 2, (2, 2))
    kind = {"horizon": 2} if horizon else {"discount": 0.9}
    game = rqe.MarkovGame(rewards, transitions, **kind)
    given = {"tau": 1.0, "epsilon": 0.5, **choice}
    with pytest.raises(ValueError, match=message):
        rqe.solve_rqe(game, given.pop("tau"), given.pop("epsilon"), **given)


def test_other_agents_are_refused_by_name():
    rewards, transitions = draw(0, 2, (2, 2))
    game = rqe.MarkovGame(rewards, transitions, discount=0.9)
    each = rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(0.5), form="action_dependent")
    plain = rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(0.5))
    with pytest.raises(ValueError, match=r"agents\[1\] of a MarkovGame must have"):
        rqe.solve(game, [plain, each])
    with pytest.raises(ValueError, match="agents must be 2 of Agent"):
        rqe.solve(game, [plain])


def test_it_prints_as_a_table():
    rewards, transitions = draw(0, 30, (2, 2))
    game = rqe.MarkovGame(rewards, transitions, horizon=2, name="a walk")
    found = rqe.solve_rqe(game, 1.0, 0.5)
    assert repr(found).startswith("<Markov RQE of a walk: CONVERGED, Bellman residual")
    assert str(found).endswith("... 20 rows more")
    assert "... 20 rows more" in found._repr_html_()
    last = found.table(step=1)
    assert last.rows[0][:3] == ("1", "1", last.rows[0][2])
    assert last.rows[0][5] == pytest.approx(float(found.values[1, 0, 0]))
    assert len(found) == 2
    assert list(found)[1] is found[1]


@pytest.mark.parametrize("tau", [0.5, 5.0, 20.0])
def test_stage_games_settle_only_where_they_are_solved(tau):
    rng = np.random.default_rng(0)
    count = 500
    own = [rng.uniform(0.0, 10.0, size=(count, 5, 5)) for _ in range(2)]
    batch = Batch(own, np.full((count, 2), tau), np.full((count, 2), 0.1))
    starts = [rng.dirichlet(np.full(5, 0.1), size=count) + 1e-12 for _ in range(2)]
    logs = [np.log(x / x.sum(axis=1, keepdims=True)) for x in starts]
    found, _, settled = follow(batch.problem, logs, beliefs(batch.problem, logs), 1e-7)
    residual = evidence(own, found, batch.tau, batch.epsilon).residual
    assert settled.sum() > 0.5 * count
    assert residual[settled].max() < 1e-8
