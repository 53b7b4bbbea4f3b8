"""The saved training study: kept policies play again; the page says what the rows hold."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import srpo

ROOT = Path(__file__).parents[1]
STUDY = srpo.saved(ROOT / srpo.RESULT)
PAGE = (ROOT / "docs" / "figure2.md").read_text(encoding="utf-8")
SUMMARIES = {name: srpo.summary(row) for name, row in STUDY["cases"].items()}


def test_every_case_of_the_plan_is_there_with_its_seeds():
    assert list(STUDY["cases"]) == list(srpo.cases())
    for name, case in srpo.cases().items():
        assert SUMMARIES[name]["runs"] == case.seeds


@pytest.mark.parametrize(
    "table",
    [
        srpo.table(STUDY["cases"]),
        srpo.block_table(STUDY["blocks"]),
        srpo.newcomer_table(STUDY["newcomers"]),
        srpo.curve_table(STUDY["curves"]),
    ],
    ids=["cases", "blocks", "newcomers", "curves"],
)
def test_the_page_shows_the_saved_tables(table):
    assert str(table) in PAGE


def test_free_riding_is_ippos_and_not_srpos():
    assert SUMMARIES["ippo"]["free-riders"] == 30
    assert SUMMARIES["srpo"]["free-riders"] == 0
    assert SUMMARIES["srpo"]["self-play"] > SUMMARIES["ippo"]["self-play"]
    assert SUMMARIES["srpo"]["cross-play"] > 2.0 * SUMMARIES["ippo"]["cross-play"]


@pytest.mark.parametrize("name", ["ippo", "srpo"])
def test_kept_policies_play_as_the_matrix_says(name):
    jax = pytest.importorskip("jax")
    overcooked = pytest.importorskip("games.overcooked")
    from rqe import train

    runs = train.load_policies(ROOT / srpo.POLICIES.format(name))
    assert len(runs) == srpo.KEPT
    found = train.crossplay(
        overcooked.Gridworld(), runs, runs, jax.random.key(123), episodes=32, steps=srpo.STEPS
    )
    written = np.array(STUDY["cases"][name]["matrix"])[: srpo.KEPT, : srpo.KEPT]
    # both are means over rollouts: 32 here, 16 there
    error = np.sqrt(3.0) * found.total_errors + 1.0
    assert np.abs(found.total - written).max() < 5.0 * error.max()
    assert np.mean(np.abs(found.total - written) / error) < 1.5
