"""Evidence by definition: loops over profiles, a search over deviations, hand-made cases."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import attitudes, games, profiles

import rqe
from rqe.certificate import Evidence, evidence, is_solved, verdict
from rqe.result.status import Status


def by_definition(game, strategies, player, tau, epsilon):
    """Payoff, value and belief of one player, summed profile by profile."""
    shape, n = game.shape, game.n_players
    others = [j for j in range(n) if j != player]
    payoff = 0.0
    outcomes, weights = [], []
    for rest in itertools.product(*(range(shape[j]) for j in others)):
        weight = np.prod([strategies[j][a] for j, a in zip(others, rest, strict=True)])
        outcome = 0.0
        for own in range(shape[player]):
            cell = list(rest)
            cell.insert(player, own)
            outcome += strategies[player][own] * game.payoffs[player][tuple(cell)]
        payoff += weight * outcome
        outcomes.append(outcome)
        weights.append(weight)
    u, q = np.array(outcomes), np.array(weights)
    if tau == 0.0:
        belief, worth = q, payoff
    elif tau == np.inf:
        worth = u.min()
        belief = np.where(u == u.min(), q if q[u == u.min()].sum() > 0 else 1.0, 0.0)
    else:
        low = u[q > 0.0].min()
        belief = q * np.exp(-tau * np.maximum(u - low, 0.0))
        worth = low - np.log(belief.sum()) / tau
    x = strategies[player]
    return payoff, worth - epsilon * np.sum(x[x > 0] * np.log(x[x > 0])), belief / belief.sum()


@settings(max_examples=40)
@given(st.data(), games(players=(2, 4), scale=1.0))
def test_payoffs_values_and_beliefs_equal_the_definition(data, game):
    relative = (0.0, 0.01, 1.0, 20.0, np.inf)
    tau, epsilon = data.draw(attitudes(game, taus=relative, epsilons=(0.0, 0.01, 1.0, 1e4)))
    log_x = data.draw(profiles(game))
    found = evidence(game.own_payoffs, log_x, tau, epsilon)
    for i in range(game.n_players):
        payoff, value, belief = by_definition(
            game, [np.exp(z) for z in log_x], i, tau[i], epsilon[i]
        )
        size = 1e-12 * (1.0 + np.abs(game.payoffs[i]).max() + epsilon[i])
        assert found.payoffs[i] == pytest.approx(payoff, abs=size)
        assert found.values[i] == pytest.approx(value, abs=size)
        if tau[i] < np.inf:
            np.testing.assert_allclose(np.exp(found.log_beliefs[i]), belief, atol=1e-9)


@settings(max_examples=40)
@given(st.data(), games(players=(2, 3)))
def test_regret_covers_every_deviation(data, game):
    tau, epsilon = data.draw(attitudes(game, epsilons=(0.0, 1e-3, 0.1, 1e4)))
    log_x = data.draw(profiles(game))
    found = evidence(game.own_payoffs, log_x, tau, epsilon)
    rng = np.random.default_rng(0)
    assert (found.regret >= 0.0).all()
    for i, n in enumerate(game.shape):
        span = game.payoff_ranges[i] or 1.0
        deviations = [*np.eye(n), *rng.dirichlet(np.full(n, 0.5), 15)]
        for y in deviations:
            with np.errstate(divide="ignore"):
                other = [np.log(y) if j == i else z for j, z in enumerate(log_x)]
            gain = evidence(game.own_payoffs, other, tau, epsilon).values[i] - found.values[i]
            size = np.abs(game.payoffs[i]).max() + epsilon[i] * np.log(n + 1)
            assert found.regret[i] >= gain - 1e-9 * span - 1e-13 * size


def test_regret_vanishes_at_a_known_equilibrium():
    # Example 4.2 at tau = 1, epsilon = 0.2 (science section 2)
    game = rqe.CollaborativeGame([[1, 1], [1, 0]], [[0.4, 0.0], [0.4, 0.0]])
    x = np.log([0.60822983, 1.0 - 0.60822983])
    found = evidence(game.own_payoffs, (x, x), np.ones(2), np.full(2, 0.2))
    assert found.residual < 1e-8
    assert (found.regret < 1e-15).all()
    uniform = np.log([0.5, 0.5])
    off = evidence(game.own_payoffs, (uniform, uniform), np.ones(2), np.full(2, 0.2))
    assert off.residual > 0.05
    assert (off.regret > 1e-3).all()


def test_residual_at_epsilon_zero_is_that_of_the_natural_map():
    game = rqe.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]])
    zero = np.zeros(2)

    def found(*x):
        with np.errstate(divide="ignore"):
            return evidence(game.own_payoffs, [np.log(np.array(p)) for p in x], zero, zero)

    for x in ([1.0, 0.0], [0.0, 1.0], [0.75, 0.25]):
        assert found(x, x).residual <= 1e-15
        assert found(x, x).regret.max() <= 1e-15
    # (stag, hare) pays player 1 nothing: a step along the payoffs moves it by (3 - 0) / 4 / 2
    off = found([1.0, 0.0], [0.0, 1.0])
    assert off.residual == pytest.approx(0.375, abs=1e-15)
    assert off.regret[0] == pytest.approx(3.0, abs=1e-15)


def test_a_given_belief_replaces_the_tilt_and_its_slack_counts():
    game = rqe.NormalFormGame([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    half = np.log([0.5, 0.5])
    tau, epsilon = np.full(2, np.inf), np.full(2, 0.1)
    found = evidence(game.own_payoffs, (half, half), tau, epsilon, (half, half))
    assert found.residual <= 1e-15
    assert found.regret.max() <= 1e-15
    with np.errstate(divide="ignore"):
        skewed = np.log([1.0, 0.0])
    x = np.log([0.75, 0.25])
    off = evidence(game.own_payoffs, (x, half), tau, epsilon, (skewed, half))
    # believing the first column, player 1 earns 0.75, half a unit above its worst case 0.25
    fenchel = 0.1 * np.log(np.exp(10.0) + 1.0) - 0.75 + 0.1 * np.exp(x) @ x
    assert off.regret[0] == pytest.approx(0.5 + fenchel, rel=1e-12)


def test_a_batch_equals_its_games():
    rng = np.random.default_rng(0)
    payoffs = rng.normal(size=(4, 2, 2, 3))
    games_ = [rqe.NormalFormGame(p) for p in payoffs]
    log_x = [np.log(rng.dirichlet(np.ones(n), 4)) for n in (2, 3)]
    tau, epsilon = np.array([[0.0, 1.0]] * 4), rng.random((4, 2)) * np.array([[1.0, 0.0]])
    matrices = [np.stack([g.own_payoffs[i] for g in games_]) for i in range(2)]
    together = evidence(matrices, log_x, tau, epsilon)
    for b, game in enumerate(games_):
        alone = evidence(game.own_payoffs, [z[b] for z in log_x], tau[b], epsilon[b])
        for name in ("payoffs", "values", "regret", "residual", "floor"):
            np.testing.assert_allclose(
                getattr(together, name)[b], getattr(alone, name), rtol=1e-12, atol=1e-14
            )


def made(residual, regret, floor=1e-6):
    nothing = np.zeros(2)
    return Evidence((), nothing, nothing, np.array(regret), np.array(residual), np.array(floor))


@pytest.mark.parametrize(
    ("residual", "regret", "solved"),
    [
        (1e-11, [0.0, 0.0], True),
        (1e-9, [1e-10, 1e-7], True),  # at the floor, both regrets within 1e-9 of their ranges
        (1e-9, [1e-8, 0.0], False),
        (1e-5, [0.0, 0.0], False),  # above the floor
    ],
)
def test_what_counts_as_solved(residual, regret, solved):
    found, ranges = made(residual, regret), np.array([1.0, 100.0])
    assert bool(is_solved(found, ranges, 1e-10)) is solved
    expected = Status.CONVERGED if solved else Status.MAX_STEPS
    assert verdict(found, ranges, 1e-10, Status.MAX_STEPS) is expected


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_evidence_that_is_not_finite_is_never_an_answer(bad):
    assert verdict(made(0.0, [bad, 0.0]), np.ones(2), 1e-10, Status.MAX_STEPS) is Status.NON_FINITE
    assert verdict(made(bad, [0.0, 0.0]), np.ones(2), 1e-10, Status.MAX_STEPS) is Status.NON_FINITE


def test_a_constant_game_is_solved_by_uniform_play_only():
    game = rqe.NormalFormGame(np.full((2, 2, 2), 7.0))
    half, skewed = np.log([0.5, 0.5]), np.log([0.6, 0.4])
    for log_x, solved in (((half, half), True), ((skewed, half), False)):
        found = evidence(game.own_payoffs, log_x, np.ones(2), np.ones(2))
        assert bool(is_solved(found, game.payoff_ranges, 1e-10)) is solved
        np.testing.assert_allclose(found.payoffs, 7.0, rtol=1e-15)
