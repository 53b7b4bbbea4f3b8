"""Bootstrap over runs: a case by hand, duplicates, and how often intervals cover."""

from itertools import product

import numpy as np
import pytest

from rqe.train import bootstrap


def by_hand(values, pairs=None):
    """The distribution of the bootstrap's mean over pairs, all draws enumerated."""
    count = len(values)
    found = []
    for drawn in product(range(count), repeat=count):
        cells = [
            values[i][j] for i in drawn for j in drawn if i != j and (pairs is None or pairs[i][j])
        ]
        if cells:
            found.append(np.mean(cells))
    return np.array(found)


def ends(found, level):
    """Percentiles of equally likely numbers."""
    tails = [50.0 * (1.0 - level), 50.0 * (1.0 + level)]
    return tuple(np.percentile(found, tails, method="inverted_cdf"))


def test_every_draw_of_a_small_matrix():
    values = np.array([[90.0, 1.0, 2.0], [4.0, 90.0, 8.0], [16.0, 32.0, 90.0]])
    found = bootstrap(values, seed=0, draws=200_000, level=0.45)
    expected = by_hand(values)
    # 27 draws, of which three are of one run alone: nothing to count
    assert len(expected) == 24
    assert found.estimate == pytest.approx(63.0 / 6.0)
    assert (found.low, found.high) == pytest.approx(ends(expected, 0.45))
    # a run's cell with itself is nowhere near, drawn twice or not
    wide = bootstrap(values, seed=0, draws=20_000, level=0.999)
    assert wide.high == expected.max() == (8.0 + 32.0) / 2.0
    assert wide.low == expected.min()


def test_some_pairs_only():
    rng = np.random.default_rng(3)
    values, pairs = rng.normal(size=(4, 4)), rng.random((4, 4)) < 0.6
    found = bootstrap(values, seed=1, draws=200_000, level=0.6, pairs=pairs)
    expected = by_hand(values, pairs)
    off = pairs & ~np.eye(4, dtype=bool)
    assert found.estimate == pytest.approx(values[off].mean())
    assert (found.low, found.high) == pytest.approx(ends(expected, 0.6))


def test_rows_and_columns_of_different_runs_are_drawn_apart():
    values = np.array([[0.0, 10.0]])
    found = bootstrap(values, seed=0, same=False, level=0.4)
    # both columns with weight 1/2, or one of them twice with 1/4 each
    assert (found.estimate, found.low, found.high) == (5.0, 5.0, 5.0)
    wide = bootstrap(values, seed=0, same=False, level=0.6)
    assert (wide.low, wide.high) == (0.0, 10.0)


def test_a_vector_has_the_standard_error_of_its_mean():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    found = bootstrap(values, seed=0, draws=20_000, level=0.6826895)
    half = values.std() / np.sqrt(400)
    assert found.estimate == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2.0 * half, rel=0.03)


def test_a_statistic_of_ones_own():
    values = np.array([1.0, 5.0, 9.0])

    def spread(values, weights):
        middle = np.average(values, weights=weights)
        return np.average((values - middle) ** 2, weights=weights)

    found = bootstrap(values, spread, seed=0, draws=4000, level=0.95)
    every = [np.var([values[i] for i in drawn]) for drawn in product(range(3), repeat=3)]
    assert found.estimate == pytest.approx(32.0 / 3.0)
    assert (found.low, found.high) == pytest.approx(ends(every, 0.95))
    whole = bootstrap(np.ones((2, 3)), lambda v, a, b: a @ v @ b, seed=0, same=False)
    assert (whole.low, whole.high) == (6.0, 6.0)


def simulated(rng, runs):
    """Pairs that share runs: most of the noise is a run's, not a cell's."""
    rows, columns = rng.normal(0.0, 1.0, runs), rng.normal(0.0, 1.0, runs)
    cells = rows[:, None] + columns[None] + rng.normal(0.0, 0.5, (runs, runs))
    return cells + 100.0 * np.eye(runs)


def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(11)
    hits, naive = 0, 0
    for trial in range(400):
        values = simulated(rng, 20)
        found = bootstrap(values, seed=trial, draws=500, level=0.9)
        hits += found.low < 0.0 < found.high
        off = values[~np.eye(20, dtype=bool)]
        naive += abs(off.mean()) < 1.645 * off.std() / np.sqrt(off.size)
    # 400 trials have a standard error of 1.5%; percentiles of 20 runs are a little narrow
    assert 0.83 < hits / 400 < 0.95
    # cells taken for independent would be wrong more often than right
    assert naive / 400 < 0.5


def test_draws_without_a_pair_are_left_out():
    # of two runs half of all draws are one run twice; the other half are both once
    found = bootstrap([[0.0, 1.0], [3.0, 0.0]], seed=0, draws=50)
    assert (found.estimate, found.low, found.high) == (2.0, 2.0, 2.0)
    seeds = (bootstrap([[0.0, 1.0], [3.0, 0.0]], seed=k, draws=1).low for k in range(60))
    assert 15 < np.isnan(list(seeds)).sum() < 45


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).normal(size=(6, 6))
    first, again = (bootstrap(values, seed=4) for _ in range(2))
    assert first == again
    assert bootstrap(values, seed=5) != first
    assert str(first).startswith(f"{first.estimate:.4g} [")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": []}, "values must be finite"),
        ({"values": [1.0, np.nan]}, "values must be finite"),
        ({"values": np.zeros((2, 2, 2))}, "values must be finite"),
        ({"values": np.zeros((2, 3))}, r"square .* \(2, 3\)"),
        ({"values": [[1.0]]}, "a pair of different runs"),
        ({"statistic": "median"}, "statistic must be 'mean' or a function; got 'median'"),
        ({"level": 1.0}, "level must be between 0 and 1"),
        ({"draws": 0}, "draws must be a whole number"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"pairs": np.ones((2, 2))}, "pairs must be true or false"),
        ({"pairs": np.ones((3, 3), bool)}, "pairs must be true or false"),
        ({"pairs": np.eye(2, dtype=bool)}, "a pair of different runs"),
    ],
)
def test_refusals(change, message):
    given = {"values": np.ones((2, 2)), "seed": 0} | change
    with pytest.raises(ValueError, match=message):
        bootstrap(**given)
