"""Fits of choice counts against independent likelihoods, optimisers and exact data."""

import numpy as np
import pytest
from estimation_references import (
    all_slopes,
    expected,
    log_likelihood,
    random_game,
    selten_chmura,
)
from scipy.optimize import minimize, minimize_scalar

import games
import rqe
from rqe.analysis.estimation import Observation, fit
from rqe.analysis.estimation.likelihood import Likelihood
from rqe.analysis.estimation.parameters import layout
from rqe.analysis.estimation.play import sensitivity

MIXED = (((2, 2), 1), ((3, 3), 2), ((2, 3), 3), ((2, 2, 2), 4))


@pytest.mark.parametrize(("shape", "seed"), MIXED)
def test_play_moves_as_its_derivative_says(shape, seed):
    """The implicit derivative against differences of the solver's own answers."""
    game, n = random_game(shape, seed), len(shape)
    degrees = np.concatenate([0.1 * (1.0 + np.arange(n)), 2.0 + np.arange(n)])

    def logs(values):
        return np.concatenate(rqe.solve_rqe(game, values[:n], values[n:], tol=1e-13).log_strategies)

    log_x = [z[None, None] for z in rqe.solve_rqe(game, degrees[:n], degrees[n:]).log_strategies]
    own = tuple(p[None] for p in game.own_payoffs)
    slopes = sensitivity(own, log_x, degrees[None, None, :n], degrees[None, None, n:])
    assert slopes[0, 0] == pytest.approx(all_slopes(logs, degrees), abs=1e-7)


@pytest.mark.parametrize("concept", ["rqe", "qre", "nash"])
@pytest.mark.parametrize("share", ["all", "role", "game"])
def test_the_score_is_the_likelihoods_slope(concept, share):
    data = tuple(selten_chmura(1, 8, 11))
    lay = layout(data, concept, share)
    unit = {"tau": 0.1, "epsilon": 1.1, "eta": 0.3}
    values = np.array([unit[k] * (1.0 + 0.1 * j) for j, k in enumerate(lay.kinds)])
    likelihood = Likelihood(data, concept, lay, "principal")
    found = likelihood(values[None])
    slopes = all_slopes(lambda v: likelihood(v[None]).total[0], values)
    assert found.score[0] == pytest.approx(slopes, rel=1e-5, abs=1e-3)
    # every group adds its share of it
    assert likelihood.by_group(values).sum(axis=0) == pytest.approx(found.score[0], rel=1e-9)
    assert likelihood.by_group(values).shape == (24, len(lay.names))


@pytest.mark.parametrize("number", [1, 4, 9, "3 x 3", "2 x 4", "2 x 2 x 2"])
def test_qre_agrees_with_pygambit(number):
    gambit = pytest.importorskip("pygambit")
    if isinstance(number, int):
        (data,) = selten_chmura(number)
    else:
        rng = np.random.default_rng(5)
        game = random_game(tuple(map(int, number.split(" x "))), 31)
        eq = rqe.solve_qre(game, epsilon=1.5)
        data = Observation(game, [rng.multinomial(400, x) for x in eq])
    theirs = gambit.StrategicGame.from_arrays(*data.game.payoffs)
    profile = theirs.mixed_strategy_profile()
    for player, seen in zip(theirs.players, data.totals, strict=True):
        profile[player] = dict(zip(theirs.get_strategies(player), map(float, seen), strict=True))
    estimate = gambit.qre.logit_estimate(profile)
    found = fit(data, "qre")
    assert found.lam[0] == pytest.approx(estimate.lam, abs=1e-4)
    assert found.log_likelihood == pytest.approx(estimate.log_like, rel=1e-9)


@pytest.mark.parametrize("number", range(1, 13))
def test_qre_agrees_with_an_independent_optimiser(number):
    """Game 1, all rounds, is the issue's own example."""
    data = selten_chmura(number)
    best = minimize_scalar(
        lambda t: -log_likelihood(data, 0.0, np.exp(-t)),
        bounds=(-3.0, 3.0),
        method="bounded",
        options={"xatol": 1e-9},
    )
    found = fit(data, "qre")
    assert found.converged
    assert found.lam[0] == pytest.approx(float(np.exp(best.x)), abs=1e-4)
    assert found.log_likelihood == pytest.approx(-best.fun, rel=1e-12)


def test_rqe_agrees_with_an_independent_optimiser():
    data = selten_chmura(1, 7, 10)
    best = minimize(
        lambda t: -log_likelihood(data, *np.exp(t)),
        [-2.0, 0.0],
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-9},
    )
    found = fit(data)
    assert found.converged
    assert found.estimates == pytest.approx(np.exp(best.x), rel=1e-5)
    assert found.log_likelihood == pytest.approx(-best.fun, rel=1e-12)
    assert found.by_game == pytest.approx(
        [log_likelihood([o], *found.estimates) for o in data], rel=1e-10
    )


@pytest.mark.parametrize("share", ["all", "role", "game"])
def test_exact_data_give_the_parameters_back(share):
    """Expected counts of games of several shapes: the likelihood is highest at the truth."""
    shapes = ((2, 2), (3, 3), (2, 3)) if share == "role" else [shape for shape, _ in MIXED]
    kept = random_game((3, 3), 12), random_game((3, 4), 13)
    chosen = kept if share == "game" else [random_game(s, 20 + k) for k, s in enumerate(shapes)]
    tau, epsilon = 0.15, 2.0
    data = [
        expected(
            game,
            tau * (1.0 + 0.5 * k * (share == "game")),
            [epsilon * (1.0 + 0.5 * i * (share == "role")) for i in range(game.n_players)],
        )
        for k, game in enumerate(chosen)
    ]
    found = fit(data, share=share)
    truth = {
        "all": [tau, epsilon],
        "role": [tau, tau, epsilon, 1.5 * epsilon],
        "game": [tau, 1.5 * tau, epsilon, epsilon],
    }[share]
    assert found.estimates == pytest.approx(truth, rel=2e-5)
    assert found.log_likelihood == pytest.approx(found.saturated, rel=1e-12)
    assert found.explained == pytest.approx(1.0)
    assert set(found.branch) == {"principal"}


def test_errors_are_those_of_the_likelihoods_curvature():
    data = selten_chmura(1, 7, 10)
    found = fit(data)

    def slope(values):
        return all_slopes(lambda v: log_likelihood(data, *v), values, step=3e-4)

    hessian = all_slopes(slope, found.estimates, step=3e-4)
    assert np.linalg.inv(-hessian) == pytest.approx(found.covariance, rel=2e-3)
    scores = np.concatenate(
        [
            [
                all_slopes(
                    lambda v, o=o, g=g: log_likelihood(
                        [Observation(o.game, [c[g] for c in o.counts])], *v
                    ),
                    found.estimates,
                )
                for g in range(o.n_groups)
            ]
            for o in data
        ]
    )
    middle = scores.T @ scores * len(scores) / (len(scores) - 1)
    sandwich = found.covariance @ middle @ found.covariance
    assert sandwich == pytest.approx(found.covariance_clustered, rel=1e-3)
    assert found.groups == len(scores) == 24


def test_groups_that_are_copies_of_each_other_add_nothing():
    """Twelve copies of a group: plain errors shrink, and clustered ones see no spread at all."""
    o = expected(games.selten_chmura(1), 0.2, 1.0, groups=12)
    found = fit([o, expected(games.selten_chmura(7), 0.2, 1.0, groups=12)])
    assert found.standard_errors.min() > 0.0
    assert found.standard_errors_clustered.max() < 1e-4 * found.standard_errors.min()


@pytest.mark.parametrize("concept", ["rqe", "qre"])
def test_profile_ends_are_where_the_likelihood_has_fallen(concept):
    data = selten_chmura(1, 7)
    data = [Observation(o.game, [t / 10.0 for t in o.totals]) for o in data]
    found = fit(data, concept, profile=True)
    if concept == "qre":
        for end in found.profile[0]:
            drop = found.log_likelihood - log_likelihood(data, 0.0, end)
            assert 2.0 * drop == pytest.approx(3.8414588, rel=2e-3)
        return
    for k in (0, 1):
        for end in found.profile[k]:
            best = minimize_scalar(
                lambda t, k=k, end=end: (
                    -log_likelihood(data, *((end, np.exp(t)) if k == 0 else (np.exp(t), end)))
                ),
                bounds=(-4.0, 2.0),
                method="bounded",
                options={"xatol": 1e-7},
            )
            assert 2.0 * (found.log_likelihood + best.fun) == pytest.approx(3.8414588, rel=2e-3)
    assert np.isnan(found.profile_clustered).all()  # two groups for two parameters


def test_clustered_profiles_are_wider_by_the_ratio_of_errors():
    found = fit(selten_chmura(1, 7), "qre", profile=True)
    ratio = found.standard_errors_clustered[0] / found.standard_errors[0]
    widths = [np.ptp(end[0]) for end in (found.profile_clustered, found.profile)]
    assert widths[0] / widths[1] == pytest.approx(ratio, rel=0.1)
    wald = found.wald(clustered=True)[0]
    assert wald == pytest.approx(found.profile_clustered[0], rel=0.05)


@pytest.mark.parametrize("scale", [1e-3, 250.0])
def test_units_of_payoffs_are_units_of_parameters(scale):
    data = selten_chmura(1, 7)
    large = [
        Observation(rqe.NormalFormGame([scale * p for p in o.game.payoffs]), o.counts) for o in data
    ]
    one, other = fit(data), fit(large)
    assert other["tau"] == pytest.approx(one["tau"] / scale, rel=1e-6)
    assert other["epsilon"] == pytest.approx(one["epsilon"] * scale, rel=1e-6)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-12)
    assert other.standard_errors[0] == pytest.approx(one.standard_errors[0] / scale, rel=1e-4)


def test_nash_with_noise():
    """A strict equilibrium: the share of other choices says what eta is."""
    dilemma = games.prisoners_dilemma()
    (eq,) = rqe.solve_nash(dilemma)
    counts = [np.where(x > 0.5, 90.0, 10.0) for x in eq]
    found = fit(Observation(dilemma, counts), "nash")
    assert found["eta"] == pytest.approx(0.2, abs=1e-9)
    assert found.branch == ("unique",)
    # binomial: the other action has probability eta / 2
    assert found.standard_errors[0] == pytest.approx(2.0 * np.sqrt(0.1 * 0.9 / 200), rel=1e-5)
    data = selten_chmura(2, 9)
    found = fit(data, "nash")

    def loss(eta):
        total = 0.0
        for o in data:
            (eq,) = rqe.solve_nash(o.game)
            for x, seen in zip(eq, o.totals, strict=True):
                total -= float(seen @ np.log((1.0 - eta) * x + eta / 2.0))
        return total

    best = minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-10})
    assert found["eta"] == pytest.approx(best.x, abs=1e-6)
    assert found.log_likelihood == pytest.approx(-best.fun, rel=1e-12)
