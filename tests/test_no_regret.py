"""No-regret learning: steps by convex programs, regrets by brute force, ends that others find."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import root

import games
import rqe
from rqe import ChiSquared, Entropic, LogBarrier, NegEntropy, ReverseKL, Tsallis
from rqe.solvers._hindsight import Hindsight
from rqe.solvers._mirror import GEOMETRIES, Slope, of_regularizer, of_risk, proximal
from rqe.solvers.no_regret import no_regret

RISKS = (Entropic, ReverseKL, ChiSquared)
RULES = (NegEntropy, LogBarrier, lambda e: Tsallis(0.5, e), lambda e: Tsallis(1.5, e))


def divergence(risk, p, q):
    """A penalty as a cvxpy expression."""
    if isinstance(risk, Entropic):
        return cp.sum(cp.kl_div(p, q)) / risk.tau
    if isinstance(risk, ReverseKL):
        return cp.sum(cp.multiply(q, np.log(q) - cp.log(p))) / risk.tau
    return cp.sum(cp.multiply(1 / q, (p - q) ** 2)) / risk.tau


def regulariser(rule, x):
    """A regulariser as a cvxpy expression."""
    if isinstance(rule, NegEntropy):
        return -rule.epsilon * cp.sum(cp.entr(x))
    if isinstance(rule, LogBarrier):
        return -rule.epsilon * cp.sum(cp.log(x))
    sign = rule.epsilon / (rule.q - 1.0)
    return sign * cp.sum(cp.power(x, rule.q))


def bregman(geometry, z, at):
    """A geometry's divergence as a cvxpy expression, less a constant."""
    if geometry == "entropic":
        return cp.sum(cp.kl_div(z, at))
    return cp.sum(cp.multiply(1 / at, z) - cp.log(z))


def simplex_minimum(loss, z):
    problem = cp.Problem(cp.Minimize(loss), [cp.sum(z) == 1])
    problem.solve(solver="CLARABEL")
    return float(problem.value)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("which", range(len(RISKS) + len(RULES)))
def test_a_step_is_the_convex_programs(which, geometry):
    rng = np.random.default_rng(which)
    for _ in range(3):
        n = int(rng.integers(2, 5))
        linear, (at, q) = rng.normal(size=n), rng.dirichlet(np.ones(n) * 3, size=2)
        degree, step = 10.0 ** rng.uniform(-1, 1, size=2)
        z = cp.Variable(n)
        if which < len(RISKS):
            risk = RISKS[which](degree)
            slope, extra = of_risk(risk, np.log(q))
            price = divergence(risk, z, q)
        else:
            rule = RULES[which - len(RISKS)](degree)
            slope, extra = of_regularizer(rule), 0.0
            price = regulariser(rule, z)
        loss = linear @ z + price + bregman(geometry, z, at) / step
        found = np.exp(proximal(linear + extra, slope, GEOMETRIES[geometry], step, np.log(at)))
        best = simplex_minimum(loss, z)
        z.value = found
        assert float(found.sum()) == pytest.approx(1.0, abs=1e-14)
        assert float(loss.value) <= best + 1e-7 * (1.0 + abs(best))


def test_a_step_ends_at_any_scale():
    rng = np.random.default_rng(0)
    for _ in range(300):
        n = int(rng.integers(2, 7))
        scale = 10.0 ** rng.uniform(-2, 4)
        linear = scale * rng.normal(size=n)
        at = np.log(np.maximum(rng.dirichlet(np.full(n, 0.1)), 1e-200))
        whole = Slope(b=rng.random(n), d=np.exp(rng.normal(size=n) * 5)) + Slope(s=0.3, r=0.5)
        y = proximal(linear, whole, GEOMETRIES["entropic"], 1.0 / scale, at)
        slope = whole.at(y)[0] + scale * (y - at) + linear
        z = np.exp(y)
        gap = np.abs(z * (slope - z @ slope))
        assert gap.max() <= 1e-9 * (1.0 + np.abs(slope).max())


@pytest.mark.parametrize("risk", RISKS)
def test_hindsight_is_the_best_fixed_choice(risk):
    rng = np.random.default_rng(1)
    n, m, steps = 3, 4, 7
    agent = rqe.Agent(risk(1.3), LogBarrier(0.4))
    told = Hindsight([agent], [(n, m)])
    values, outcomes = rng.normal(size=(steps, n)), rng.normal(size=(steps, m))
    qs = rng.dirichlet(np.ones(m) * 2, size=steps)
    xs, ps = rng.dirichlet(np.ones(n) * 2, size=steps), rng.dirichlet(np.ones(m) * 2, size=steps)
    assert np.all(np.isnan(told.regrets()))
    gained = paid = 0.0
    for t in range(steps):
        told.add(([values[t]], [outcomes[t]], [np.log(qs[t])]), [np.log(xs[t])], [np.log(ps[t])])
        gained += xs[t] @ values[t] + 0.4 * np.log(xs[t]).sum()
        held = cp.Variable(m, value=ps[t])
        paid += ps[t] @ outcomes[t] + float(divergence(agent.risk, held, qs[t]).value)
    x, p = cp.Variable(n), cp.Variable(m)
    most = -simplex_minimum(-values.sum(axis=0) @ x + steps * regulariser(agent.regularizer, x), x)
    losses = sum(outcomes[t] @ p + divergence(agent.risk, p, qs[t]) for t in range(steps))
    least = simplex_minimum(losses, p)
    expected = [(most - gained) / steps, (paid - least) / steps]
    np.testing.assert_allclose(told.regrets(), expected, atol=1e-6)


def stationary(payoffs, tau, epsilon, start):
    """Reverse KL with entropies, two players: first-order conditions of all four, by scipy."""
    n, m = payoffs[0].shape
    cuts = np.cumsum([n, m, m, n, 1, 1, 1])

    def gaps(z):
        x, y, p, r = (np.exp(part) for part in np.split(z, cuts)[:4])
        a, b, c, d = z[-4:]
        return np.concatenate(
            [
                payoffs[0] @ p - epsilon * np.log(x) - a,
                payoffs[1] @ r - epsilon * np.log(y) - b,
                payoffs[0].T @ x - y / (tau * p) + c,
                payoffs[1].T @ y - x / (tau * r) + d,
                [x.sum() - 1, y.sum() - 1, p.sum() - 1, r.sum() - 1],
            ]
        )

    x, y = start
    guess = np.concatenate([np.log(np.concatenate([x, y, y, x])), [1.0, 1.0, 1 / tau, 1 / tau]])
    found = root(gaps, guess, tol=1e-13)
    assert np.abs(gaps(found.x)).max() < 1e-9
    return np.exp(found.x[:n]), np.exp(found.x[n : n + m])


def test_the_end_solves_the_first_order_conditions():
    rng = np.random.default_rng(2)
    A, B = rng.normal(size=(3, 2)), rng.normal(size=(2, 3))
    game = rqe.NormalFormGame([A, B.T])
    agents = [rqe.Agent(ReverseKL(1.0), NegEntropy(0.5))] * 2
    assert rqe.is_tractable(agents)
    even = [np.full(3, 1 / 3), np.full(2, 0.5)]
    expected = stationary([A, B], 1.0, 0.5, even)
    for _ in range(6):
        start = [rng.dirichlet(np.ones(3) * 0.3), rng.dirichlet(np.ones(2) * 0.3)]
        run = rqe.learn(game, agents, start=start, record=())
        for x, y in zip(run.last, expected, strict=True):
            np.testing.assert_allclose(x, y, atol=1e-8)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("optimistic", [True, False])
@pytest.mark.parametrize("players", [2, 3])
def test_inside_every_start_leads_to_the_one_equilibrium(players, optimistic, geometry):
    rng = np.random.default_rng(3)
    shape = (3, 2, 2)[:players]
    game = rqe.NormalFormGame([rng.random(shape) for _ in shape])
    agents = [rqe.Agent(Entropic(1.0), LogBarrier(0.2 if players == 2 else 0.6))] * players
    assert rqe.is_tractable(agents)
    expected = rqe.solve(game, agents)
    for _ in range(2):
        start = [rng.dirichlet(np.ones(n)) for n in shape]
        run = rqe.learn(
            game, agents, start=start, optimistic=optimistic, geometry=geometry, record=()
        )
        for x, y in zip(run.last, expected, strict=True):
            np.testing.assert_allclose(x, y, atol=1e-8)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("risk", RISKS)
def test_every_cell_that_can_learn_does(risk, rule):
    game = rqe.NormalFormGame(np.random.default_rng(4).random((2, 2, 3)))
    agents = [rqe.Agent(risk(0.7), rule(0.6)), rqe.Agent(Entropic(0.5), LogBarrier(0.4))]
    run = rqe.learn(game, agents, record=())
    assert run.converged
    assert run.last.max_regret < 1e-9
    for x, y in zip(run.best, rqe.solve(game, agents), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-8)


def test_regrets_fall():
    game = games.random_game((3, 3), seed=1)
    agents = [rqe.Agent(Entropic(1.0), LogBarrier(0.2))] * 2
    times = [0, 10, 30, 100, 300]
    run = rqe.learn(game, agents, record=times, tol=1e-15, max_steps=300, throw=False)
    assert run.residual[-1, 0] < 1e-9 < run.residual[1, 0]
    assert np.all(np.diff(run.regret[:, 1]) < 0)
    worst = run.external_regret[1:].max(axis=1)
    # play has settled: what was lost before is shared among ever more steps
    np.testing.assert_allclose(worst[1:] * run.steps[2:], worst[-1] * run.steps[-1], rtol=0.05)
    assert worst[-1] < 1e-3


def test_the_trace_is_the_definition():
    game = games.free_riding()
    agents = [rqe.Agent(Entropic(1.0), NegEntropy(0.3))] * 2
    run = rqe.learn(game, agents, record=[0, 1, 2, 7], max_steps=7, throw=False)
    assert list(run.steps) == [0, 1, 2, 7]
    mean = np.mean([run.strategies[0][0], run.strategies[0][1]], axis=0)
    np.testing.assert_allclose(run.averages[0][2], mean, atol=1e-15)
    shares = np.linspace(1e-6, 1.0 - 1e-6, 4001)
    grid = np.stack([shares, 1.0 - shares], axis=1)
    for k in range(4):
        gains = []
        for own, other, U in ((0, 1, game.own_payoffs[0]), (1, 0, game.own_payoffs[1])):
            x = np.vstack([run.strategies[own][k], grid])
            worth = -np.log(np.exp(-(x @ U)) @ run.strategies[other][k])
            worth = worth - 0.3 * np.sum(x * np.log(x), axis=1)
            gains.append(worth.max() - worth[0])
        # the bound holds, and is not ten times what there is to gain
        assert max(gains) - 1e-9 <= run.regret[k, 0] <= 10.0 * max(gains) + 1e-9


def test_without_caution_plain_descent_circles():
    agents = [rqe.Agent(Entropic(0.05), NegEntropy(0.05))] * 2
    game = games.matching_pennies()
    assert rqe.is_tractable(agents).outcome == "refuted"
    start = [[0.9, 0.1], [0.6, 0.4]]
    with pytest.raises(rqe.ConvergenceError, match="MAX_STEPS") as error:
        rqe.learn(game, agents, start=start, optimistic=False, max_steps=1000)
    run = error.value.result
    late = run.strategies[0][run.steps > 300, 0]
    assert late.min() < 0.1 < 0.9 < late.max()
    # the average does not answer the play it averages, but it is close to the only equilibrium
    assert np.abs(run.average[0] - 0.5).max() < 0.05
    assert run.external_regret[-1, :2].max() < 0.02


def test_without_caution_where_it_ends_depends_on_the_start():
    game = games.free_riding()
    agents = [rqe.Agent(Entropic(0.5), NegEntropy(0.2))] * 2
    known = rqe.enumerate_rqe(game, tau=0.5, epsilon=0.2)
    starts = ([[0.9, 0.1], [0.1, 0.9]], [[0.5, 0.5], [0.5, 0.5]], [[0.1, 0.9], [0.9, 0.1]])
    ends = sorted(float(rqe.learn(game, agents, start=s, record=()).last[0][0]) for s in starts)
    np.testing.assert_allclose(ends, sorted(float(eq[0][0]) for eq in known), atol=1e-8)
    assert len(known) == 3


def test_units_do_not_matter():
    game = games.random_game((2, 3), seed=5)
    small = rqe.learn(game, [rqe.Agent(Entropic(2.0), LogBarrier(0.1))] * 2, record=[5])
    larger = rqe.NormalFormGame([1e3 * p for p in game.payoffs])
    large = rqe.learn(larger, [rqe.Agent(Entropic(2e-3), LogBarrier(1e2))] * 2, record=[5])
    for a, b in zip(small.strategies, large.strategies, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    assert small.iterations == large.iterations


def test_a_schedule_divides_by_the_root_of_the_step():
    game = games.free_riding()
    agents = [rqe.Agent(Entropic(1.0), NegEntropy(0.3))] * 2
    some = {"record": [2], "max_steps": 2, "throw": False, "optimistic": False}
    falling = rqe.learn(game, agents, step=0.5, schedule="sqrt", **some)
    first = rqe.learn(game, agents, step=0.5, **some)
    # one step of 0.5, then one of 0.5/sqrt(2), adversaries included, written out
    x = p = np.full((2, 2), 0.5)
    U = game.own_payoffs
    for eta in (0.5, 0.5 / np.sqrt(2)):
        values = [U[i] @ p[i] for i in range(2)]
        losses = [x[i] @ U[i] for i in range(2)]
        new_x = [np.exp((np.log(x[i]) / eta + values[i]) / (1 / eta + 0.3)) for i in range(2)]
        new_p = [
            np.exp((np.log(p[i]) / eta + np.log(x[1 - i]) - losses[i]) / (1 / eta + 1.0))
            for i in range(2)
        ]
        x = np.array([v / v.sum() for v in new_x])
        p = np.array([v / v.sum() for v in new_p])
    np.testing.assert_allclose([z[-1] for z in falling.strategies], x, atol=1e-14)
    assert np.abs(first.strategies[0][-1] - x[0]).max() > 1e-4


def test_for_solve():
    game = games.random_game((3, 3), seed=2)
    agents = [rqe.Agent(ReverseKL(1.0), NegEntropy(0.4))] * 2
    found = no_regret(game, agents)
    assert found.status is rqe.Status.CONVERGED
    for z, y in zip(found.log_strategies, rqe.solve(game, agents), strict=True):
        np.testing.assert_allclose(np.exp(z), y, atol=1e-8)
    assert no_regret(game, agents, max_steps=3).status is rqe.Status.MAX_STEPS


def test_progress_is_told():
    heard = []
    agents = [rqe.Agent(Entropic(1.0), NegEntropy(0.3))] * 2
    run = rqe.learn(games.free_riding(), agents, progress=lambda *told: heard.append(told))
    assert (heard[0][0], heard[-1][0]) == (0, run.iterations)
    assert heard[-1][1] <= 1e-10 < heard[0][1]


LOGIT = rqe.Agent(Entropic(1.0), NegEntropy(0.3))


@pytest.mark.parametrize(
    ("agent", "word"),
    [
        (rqe.Agent(rqe.CVaR(0.5), NegEntropy(0.3)), "CVaR"),
        (rqe.Agent(rqe.Neutral(), NegEntropy(0.3)), "Neutral"),
        (rqe.Agent(Entropic(0.0), NegEntropy(0.3)), "tau=0.0"),
        (rqe.Agent(Entropic(np.inf), NegEntropy(0.3)), "tau=inf"),
        (rqe.Agent(Entropic(1.0), NegEntropy(0.0)), "epsilon=0.0"),
        (rqe.Agent(Entropic(1.0), NegEntropy(0.3), form="action_dependent"), "form"),
    ],
)
def test_who_cannot_learn_is_refused_by_name(agent, word):
    with pytest.raises(ValueError, match=r"agents\[1\]") as error:
        rqe.learn(games.free_riding(), [LOGIT, agent])
    assert word in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"geometry": "round"}, "geometry"),
        ({"schedule": "linear"}, "schedule"),
        ({"step": 0.0}, "step"),
        ({"step": [1.0, -1.0]}, "step"),
        ({"record": [0.5]}, "record"),
        ({"record": [-1]}, "record"),
        ({"max_steps": 0}, "max_steps"),
        ({"tol": 2.0}, "tol"),
        ({"start": [[1.0, 1.0], [1.0, 0.0]]}, "start"),
    ],
)
def test_arguments_out_of_range_are_named(arguments, word):
    with pytest.raises(ValueError, match=word):
        rqe.learn(games.free_riding(), [LOGIT] * 2, **arguments)


def test_certain_starts_are_left():
    agents = [rqe.Agent(Entropic(1.0), LogBarrier(0.2))] * 2
    run = rqe.learn(games.free_riding(), agents, start=[[1.0, 0.0], [0.0, 1.0]], record=())
    np.testing.assert_allclose(run.last[0], [0.577639, 0.422361], atol=1e-6)


def test_it_prints():
    run = rqe.learn(games.free_riding(), [LOGIT] * 2)
    assert repr(run).startswith("<Learning: Optimistic mirror descent of free riding")
    assert "CONVERGED" in repr(run)
    assert str(run).count("\n") == len(run.steps) + 1
    assert run._repr_html_().count("<tr>") == len(run.steps) + 1
