"""The saved studies: unaltered, computed again in part, and quoted as they are."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

import games
import rqe
from benchmarks.record import read, write
from benchmarks.recovery import INTERVALS, RESULT, TRUTH, covered, draw, saved, table
from benchmarks.selten_chmura import FOLDS, by_group, held_out, observations, tables
from benchmarks.selten_chmura import RESULT as STUDY
from benchmarks.tractable_play import CLASSES, area, common_fits, exact, payoffs, quantal_area
from rqe.analysis.estimation import cross_validate, fit

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def study():
    return read(ROOT / STUDY)


def test_counts_are_frequencies_times_decisions():
    for number in range(1, 13):
        play = games.selten_chmura_play(number)
        for i, counts in enumerate(play.counts):
            assert np.array_equal(counts.sum(axis=1), play.decisions)
            assert np.abs(counts[:, 0] / play.decisions - play.groups[:, i]).max() <= 0.5 / 800
        mean = [c.sum(axis=0)[0] / c.sum() for c in play.counts]
        assert mean == pytest.approx([play.row, play.column], abs=1e-3)


def test_a_result_that_was_altered_is_refused(tmp_path):
    path = tmp_path / "result.json"
    write(path, "a command", {"rows": [1.0, 2.0]})
    assert read(path) == {"rows": [1.0, 2.0]}
    record = json.loads(path.read_text())
    record["content"]["rows"][0] = 1.5
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="checksum"):
        read(path)


def test_intervals_cover_as_often_as_they_say():
    """92 to 98% of 500, all four kinds where choices are independent, the clustered ones always."""
    rows = saved(ROOT / RESULT)
    assert [row["number"] for row in rows] == [*range(500), *range(500)]
    assert {row["status"] for row in rows} == {"CONVERGED"}
    for kind, name, interval in itertools.product(("independent", "clustered"), TRUTH, INTERVALS):
        count = covered(rows, kind, name, interval)
        if kind == "independent" or "clustered" in interval:
            assert 460 <= count <= 490
        else:
            assert count < 400  # groups have habits, and these intervals do not know


@pytest.mark.parametrize(("kind", "number"), [("independent", 0), ("clustered", 321)])
def test_saved_draws_are_drawn_again(kind, number):
    rows = saved(ROOT / RESULT)
    (row,) = [r for r in rows if r["kind"] == kind and r["number"] == number]
    again = draw(kind, 0, number)
    assert again.keys() == row.keys()
    for key, value in row.items():
        assert again[key] == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value)


def test_saved_fits_are_fitted_again(study):
    data = observations()
    rows = {(r["concept"], r["share"]): r for r in study["fits"]}
    for model in (("rqe", "all"), ("qre", "game"), ("nash", "role")):
        found = fit(data, model[0], share=model[1])
        assert rows[model]["log-likelihood"] == pytest.approx(found.log_likelihood, rel=1e-9)
        assert rows[model]["AIC"] == pytest.approx(found.aic, rel=1e-9)
        assert rows[model]["explained"] == pytest.approx(found.explained, rel=1e-6)
    assert study["equilibria"] == [1] * 12


def test_saved_predictions_are_predicted_again(study):
    data, name = observations(), "games 1-6 from 7-12"
    saved_rows = {tuple(r[:3]): r for r in study["prediction"]}
    groups = {}
    for model in (("rqe", "all"), ("qre", "all")):
        groups[model], distance = held_out(data, FOLDS[name], *model)
        row = saved_rows[name, *model]
        assert row[3] == pytest.approx(groups[model].sum(), rel=1e-9)
        assert row[5] == pytest.approx(distance, rel=1e-6)
    gap = groups["rqe", "all"] - groups["qre", "all"]
    (rival,) = [r for r in study["rivals"] if r[:5] == [name, "rqe", "all", "qre", "all"]]
    assert rival[5] == pytest.approx(gap.sum(), abs=1e-3)
    assert rival[6] == pytest.approx(gap.mean() / (gap.std(ddof=1) / np.sqrt(72)), rel=1e-6)
    best = by_group(data[:6], [o.frequencies for o in data[:6]]).sum()
    assert row[4] == pytest.approx(best)


def test_saved_splits_are_split_again(study):
    folds = [list(f) for f in itertools.combinations(range(12), 6)]
    few = range(0, len(folds), 300)
    for concept in ("rqe", "qre", "nash"):
        again = cross_validate(observations(), [folds[k] for k in few], concept)
        kept = [study["split totals"][concept][k] for k in few]
        assert list(again.column("held-out")) == pytest.approx(kept, rel=1e-7)
    totals = {c: np.array(v) for c, v in study["split totals"].items()}
    for one, other, count, ahead, _, *quantiles in study["splits"]:
        gap = totals[one] - totals[other]
        assert (count, ahead) == (924, int((gap > 0.0).sum()))
        assert quantiles == pytest.approx(np.quantile(gap, [0, 0.5, 1]), abs=1e-3)


@pytest.mark.parametrize("kind", CLASSES[1:], ids=lambda kind: kind.name)
@pytest.mark.parametrize("number", [3, 12])
def test_tractable_play_is_solved_for_again(study, kind, number):
    """The inversion says which degrees give the mean frequencies; the solver finds them there."""
    (row,) = [r for r in study["captured"] if (r["class"], r["game"]) == (kind.name, number)]
    again = exact(kind, number)
    assert again["captured"]
    assert again["miss"] < 1e-8
    assert row["tau"] == pytest.approx(again["tau"])
    assert row["epsilon"] == pytest.approx(again["epsilon"], rel=1e-6)
    assert np.prod(row["tau"]) * np.prod(row["epsilon"]) >= kind.product
    play = games.selten_chmura_play(number)
    eq = rqe.solve(games.selten_chmura(number), kind.agents(row["tau"], row["epsilon"]))
    assert eq[0][0] == pytest.approx(play.row, abs=1e-6)
    assert eq[1][0] == pytest.approx(play.column, abs=1e-6)


def test_areas_and_common_fits_are_computed_again(study):
    assert study["areas"][1][:4] == pytest.approx(
        [2, quantal_area(2), area(CLASSES[0], 2), area(CLASSES[1], 2)]
    )
    (again,) = common_fits(CLASSES[0], observations(), range(1, 13))
    entropic = fit(observations(), "rqe")
    assert (again["tau"], again["epsilon"]) == pytest.approx(tuple(entropic.estimates), rel=1e-4)
    assert again["log_likelihood"] == pytest.approx(entropic.log_likelihood, rel=1e-9)
    assert study["common"][0]["log_likelihood"] == pytest.approx(again["log_likelihood"], rel=1e-9)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.name)
def test_the_inversion_inverts_a_solved_equilibrium(kind):
    tau, epsilon = (0.3, 0.5), (0.9, 0.6)
    eq = rqe.solve(games.selten_chmura(8), kind.agents(tau, epsilon))
    x, y = (np.array(s[0]) for s in eq)
    row, column = payoffs(8)
    assert float(kind.epsilon(row, x, y, tau[0])) == pytest.approx(epsilon[0], rel=1e-6)
    assert float(kind.epsilon(column, y, x, tau[1])) == pytest.approx(epsilon[1], rel=1e-6)


def test_documents_quote_the_saved_tables(study):
    people = (ROOT / "docs" / "people.md").read_text(encoding="utf-8")
    for found in tables(study):
        body = "\n".join(str(found).splitlines()[1:])
        assert body in people, found.title
    assert str(table(saved(ROOT / RESULT))) in (ROOT / "docs" / "estimation.md").read_text("utf-8")
