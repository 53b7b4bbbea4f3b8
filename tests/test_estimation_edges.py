"""Limits, several equilibria, what is not identified, refusals, comparison and prediction."""

import math

import numpy as np
import pytest
from estimation_references import expected, log_likelihood, random_game, selten_chmura

import games
import rqe
from rqe.analysis.estimation import (
    Observation,
    comparison,
    cross_validate,
    fit,
    likelihood_ratio,
    predict,
    score,
)
from rqe.analysis.estimation.comparison import _mixture


def test_choices_without_pattern_have_no_precision():
    found = fit(Observation(games.selten_chmura(1), [[50, 50], [50, 50]]), "qre")
    assert found.boundary == ("inf",)
    assert np.isnan(found.standard_errors[0])
    assert any("epsilon -> inf" in note for note in found.notes)
    assert found.log_likelihood == pytest.approx(found.uniform, abs=1e-3)
    assert "-> inf" in str(found)


def test_choices_without_error_have_all_precision():
    dilemma = games.prisoners_dilemma()
    (eq,) = rqe.solve_nash(dilemma)
    found = fit(Observation(dilemma, [100 * x for x in eq]), "qre")
    assert found.boundary == ("0",)
    assert found.log_likelihood == pytest.approx(0.0, abs=1e-6)
    noise = fit(Observation(dilemma, [100 * x for x in eq]), "nash")
    assert noise.boundary == ("0",)
    assert noise["eta"] < 1e-8


def test_players_who_are_not_averse_are_said_not_to_be():
    """Data on the far side of tau = 0 from any RQE: risk-loving play."""
    game = games.selten_chmura(7)
    row, column = game.own_payoffs
    # the answer with beliefs tilted towards GOOD outcomes, by iteration in logs with small steps
    x = np.array([0.5, 0.5])
    for _ in range(4000):
        new = []
        for payoff, own, other in ((row, x[0], x[1]), (column, x[1], x[0])):
            u = own * payoff[0] + (1.0 - own) * payoff[1]
            p = np.array([other, 1.0 - other]) * np.exp(0.05 * u)
            new.append(1.0 / (1.0 + np.exp(-(payoff[0] - payoff[1]) @ p / p.sum() / 2.0)))
        x = x + 0.02 * (np.array(new) - x)
    loving = Observation(game, [1000.0 * np.array([v, 1.0 - v]) for v in x])
    found = fit(loving, profile=True)
    assert found["tau"] == 0.0
    assert found.boundary == ("0", "")
    neutral = fit(loving, "qre")
    assert found.log_likelihood == pytest.approx(neutral.log_likelihood, rel=1e-12)
    assert found["epsilon"] == pytest.approx(neutral["epsilon"], rel=1e-6)
    assert found.standard_errors[1] == pytest.approx(neutral.standard_errors[0], rel=1e-6)
    assert found.profile[0, 0] == 0.0
    assert 0.0 < found.profile[0, 1] < 1.0
    test = likelihood_ratio(neutral, found)
    assert test.statistic == pytest.approx(0.0, abs=1e-9)
    assert test.p_value >= 0.5 - 1e-6  # up to rounding of a statistic of zero


def test_endless_aversion_is_named():
    """Play at tau = inf: the likelihood rises all the way."""
    chosen = [games.selten_chmura(1), games.selten_chmura(7)]
    data = [expected(game, math.inf, 1.0) for game in chosen]
    found = fit(data)
    assert found.boundary == ("inf", "")
    assert found["epsilon"] == pytest.approx(1.0, rel=1e-3)
    assert found.log_likelihood == pytest.approx(found.saturated, abs=1e-3)


def test_what_two_frequencies_cannot_identify_has_no_errors():
    found = fit(expected(games.selten_chmura(7), 0.1, [1.0, 1.2]), share="role")
    assert found.log_likelihood == pytest.approx(found.saturated, rel=1e-9)
    assert any("do not identify" in note for note in found.notes) or "0" in found.boundary
    assert np.isnan(found.standard_errors).any()


def test_play_that_no_parameter_moves():
    """In symmetric matching pennies every QRE is the same: nothing to learn, and no limit."""
    found = fit(Observation(games.matching_pennies(), [[50, 50], [50, 50]]), "qre")
    assert found.boundary == ("",)
    assert np.isnan(found.standard_errors).all()
    assert any("do not identify epsilon" in note for note in found.notes)
    assert math.isnan(found.explained)
    assert "nan" not in str(found)


def test_one_group_has_no_clustered_errors():
    found = fit(expected(games.selten_chmura(1), 0.2, 1.0), "qre")
    assert np.isfinite(found.standard_errors).all()
    assert np.isnan(found.standard_errors_clustered).all()
    assert any("no clustered standard errors" in note for note in found.notes)


@pytest.mark.parametrize("concept", ["rqe", "nash"])
def test_people_on_another_branch(concept):
    """Stag hunters who all hunt stag, though the principal branch ends at hare (or mixes)."""
    game = games.stag_hunt()
    if concept == "nash":
        eqs = rqe.solve_nash(game)
        principal = rqe.solve_nash(game, method="homotopy")[0]
        far = next(eq for eq in eqs if np.abs(eq[0] - principal[0]).max() > 0.5)
        counts = [1000.0 * (0.9 * x + 0.05) for x in far]
    else:
        eqs = rqe.enumerate_rqe(game, 0.05, 0.2)
        principal = rqe.solve_rqe(game, 0.05, 0.2)
        far = next(eq for eq in eqs if np.abs(eq[0] - principal[0]).max() > 0.5)
        counts = [1000.0 * x for x in far]
    data = Observation(game, counts)
    plain = fit(data, concept)
    start = None if concept == "nash" else [0.04, 0.25]
    best = fit(data, concept, select="best", start=start, max_steps=12)
    assert best.log_likelihood > plain.log_likelihood + 100.0
    assert best.log_likelihood == pytest.approx(best.saturated, abs=1e-4)
    assert best.branch[0] == f"best of {len(eqs)}"
    assert plain.branch[0] == "principal"
    if concept == "nash":
        assert best["eta"] == pytest.approx(0.1, abs=1e-6)


def test_likelihood_ratio():
    data = selten_chmura(1, 7)
    neutral, averse = fit(data, "qre"), fit(data, "rqe")
    test = likelihood_ratio(neutral, averse)
    gain = log_likelihood(data, *averse.estimates) - log_likelihood(data, 0.0, *neutral.estimates)
    assert test.statistic == pytest.approx(2.0 * gain, abs=1e-6)
    assert test.p_value == pytest.approx(0.5 * math.erfc(math.sqrt(test.statistic / 2.0)))
    ratio = averse.standard_errors_clustered[0] / averse.standard_errors[0]
    assert test.factor == pytest.approx(ratio**2)
    assert test.adjusted == pytest.approx(test.statistic / ratio**2)
    assert test.p_adjusted > test.p_value
    by_game = fit(data, "qre", share="game")
    assert likelihood_ratio(neutral, by_game).distribution == "χ²(1)"
    for restricted, full in ((averse, neutral), (by_game, fit(data, "qre", share="role"))):
        with pytest.raises(ValueError, match="restricted must be"):
            likelihood_ratio(restricted, full)
    with pytest.raises(ValueError, match="same data"):
        likelihood_ratio(fit(data[0], "qre"), averse)
    ranked = comparison([neutral, averse, by_game])
    assert list(ranked.column("log-likelihood")) == sorted(
        ranked.column("log-likelihood"), reverse=True
    )


@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.8])
def test_weights_of_the_mixture_are_those_of_a_projection(rho):
    """Two correlated estimates, projected on the quadrant where both are nonnegative."""
    full = fit(selten_chmura(1, 7), share="role")
    covariance = np.eye(4)
    covariance[0, 1] = covariance[1, 0] = rho
    weights, _ = _mixture(full, covariance, [0, 1])
    root = np.linalg.cholesky(covariance[:2, :2])
    z = np.random.default_rng(0).normal(size=(40_000, 2))
    points = z @ root.T
    inverse = np.linalg.inv(covariance[:2, :2])
    # candidates: the point itself, the nearest on each axis (in the metric), the origin
    inside = (points > 0.0).all(axis=1)
    on_axis = np.zeros(len(points), dtype=bool)
    for k in (0, 1):
        along = points @ inverse[:, k] / inverse[k, k]
        foot = np.zeros_like(points)
        foot[:, k] = along
        push = (points - foot) @ inverse  # the multiplier of the other constraint
        on_axis |= ~inside & (along > 0.0) & (push[:, 1 - k] <= 0.0)
    assert weights[2] == pytest.approx(inside.mean(), abs=0.01)
    assert weights[1] == pytest.approx(on_axis.mean(), abs=0.01)
    assert sum(weights.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("concept", ["rqe", "qre", "nash"])
@pytest.mark.parametrize("share", ["all", "role"])
def test_predictions_are_the_equilibria_at_the_estimates(concept, share):
    train, held = selten_chmura(1, 7), selten_chmura(4)[0]
    found = fit(train, concept, share=share)
    play = predict(found, held.game)
    value = found.estimates.reshape(-1, 1 if share == "all" else 2) * np.ones(2)
    if concept == "nash":
        (eq,) = rqe.solve_nash(held.game)
        reference = [(1 - e) * x + e / 2 for e, x in zip(value[0], eq, strict=True)]
    else:
        tau, epsilon = value if concept == "rqe" else (0.0, value[0])
        reference = rqe.solve_rqe(held.game, tau, epsilon)
    for x, y in zip(play, reference, strict=True):
        assert x == pytest.approx(y, abs=1e-9)
    (row,) = score(found, held).rows
    assert row[2] == pytest.approx(
        sum(float(t @ np.log(x)) for t, x in zip(held.totals, play, strict=True))
    )
    assert row[3] == pytest.approx(row[2] / 19200)
    near = [(x - f)[0] for x, f in zip(play, held.frequencies, strict=True)]
    assert row[4] == pytest.approx(float(np.sum(np.square(near))))


def test_cross_validation_is_fitting_and_scoring():
    data = selten_chmura(1, 2, 7)
    calls = []
    table = cross_validate(data, [[0], [1, 2]], "rqe", progress=lambda *at: calls.append(at))
    by_hand = fit(data[1:], "rqe")
    row = table.rows[0]
    assert row[0] == "1"
    assert row[1] == pytest.approx(by_hand.log_likelihood)
    assert row[2] == pytest.approx(score(by_hand, data[0]).column("log-likelihood")[0])
    assert row[5:] == pytest.approx(tuple(by_hand.estimates))
    assert table.rows[1][0] == "2 3"
    assert calls == [(1, 2), (2, 2)]


@pytest.mark.parametrize("share", ["all", "role", "game"])
def test_save_and_print(share, tmp_path):
    found = fit(selten_chmura(1, 7), "rqe", share=share)
    rqe.save(found, tmp_path / "fit.json")
    again = rqe.load(tmp_path / "fit.json")
    assert again.parameters == found.parameters
    assert np.array_equal(again.covariance, found.covariance, equal_nan=True)
    assert all(
        np.array_equal(a, b) for a, b in zip(again.strategies, found.strategies, strict=True)
    )
    assert str(again) == str(found)
    assert (again.status, again.aic, again.bic) == (found.status, found.aic, found.bic)
    text = found._repr_html_()
    assert all(name in text and name in str(found) for name in found.parameters)
    fitted, observed = again.of_game(1)
    assert fitted[1] == pytest.approx(found.strategies[3])
    assert observed[1] == pytest.approx(found.observed[3])
    assert len(found.predictions().rows) == 4
    with pytest.raises(ValueError, match="name must be"):
        found["lambda"]
    assert found.bic - found.aic == pytest.approx(len(found.parameters) * (math.log(28800) - 2.0))


def test_lam_stands_beside_epsilon():
    table = fit(selten_chmura(1)[0], "qre").table()
    values = dict(zip(table.column("parameter"), table.column("estimate"), strict=True))
    assert values["lam"] == pytest.approx(1.0 / values["epsilon"], rel=1e-5)


GAME = games.matching_pennies()


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([[1, 2]], "counts must be 2 arrays"),
        ([[1, 2], [1, 2, 3]], r"counts\[1\] must have shape \(1, 2\)"),
        ([[1, 2], [[1, 2], [3, 4]]], r"counts\[1\] must have shape \(1, 2\)"),
        ([[1, -2], [1, 2]], r"counts\[0\] must be finite and >= 0"),
        ([[1, math.nan], [1, 2]], r"counts\[0\] must be finite and >= 0"),
        ([[0, 0], [0, 0]], "at least one choice"),
        ("ab", "counts must be 2 arrays"),
    ],
)
def test_observations_are_refused_by_name(counts, message):
    with pytest.raises(ValueError, match=message):
        Observation(GAME, counts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"concept": "level-k"}, "concept must be"),
        ({"share": "nobody"}, "share must be"),
        ({"select": "any"}, "select must be"),
        ({"level": 95}, "level must be"),
        ({"start": [1.0]}, "start must be 2 positive numbers"),
        ({"start": [1.0, 0.0]}, "start must be 2 positive numbers"),
        ({"max_steps": 0}, "max_steps must be"),
    ],
)
def test_fits_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit(Observation(GAME, [[1, 2], [2, 1]]), **arguments)


def test_other_refusals():
    data = [Observation(GAME, [[1, 2], [2, 1]])]
    three = Observation(random_game((2, 2, 2), 0), [[1, 2], [2, 1], [2, 2]])
    with pytest.raises(ValueError, match="game must be a NormalFormGame"):
        Observation(GAME.payoffs, [[1, 2], [2, 1]])
    for wrong in ([], [GAME], 3):
        with pytest.raises(ValueError, match="data must be"):
            fit(wrong)
    with pytest.raises(ValueError, match="share must be 'all' or 'game'"):
        fit([*data, three], share="role")
    with pytest.raises(ValueError, match="share must be 'all' or 'role'"):
        cross_validate(data, [[0]], share="game")
    for fold in ([], [0], [5]):
        with pytest.raises(ValueError, match="folds must"):
            cross_validate(data, [fold])
    by_game = fit(selten_chmura(1, 7), "qre", share="game")
    with pytest.raises(ValueError, match="common parameters"):
        predict(by_game, GAME)
    by_role = fit(selten_chmura(1, 7), "qre", share="role")
    with pytest.raises(ValueError, match="a parameter for each player"):
        score(by_role, three)
    with pytest.raises(ValueError, match="level must be"):
        by_role.wald(1.0)


def test_a_climb_that_is_cut_short_says_so():
    found = fit(selten_chmura(1, 7), max_steps=1)
    assert found.status is rqe.Status.MAX_STEPS
    assert "MAX_STEPS" in str(found)
