"""The named games: payoffs, and the known equilibria that their docstrings state."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

import games
import rqe


def deviation_gains(game, strategies):
    """Each player's largest gain from a pure deviation, summed profile by profile."""
    gains = []
    for i in range(game.n_players):
        values = np.zeros(game.shape[i])
        expected = 0.0
        for profile in itertools.product(*(range(n) for n in game.shape)):
            others = np.prod(
                [strategies[j][a] for j, a in enumerate(profile) if j != i], initial=1.0
            )
            values[profile[i]] += others * game.payoffs[i][profile]
            expected += others * strategies[i][profile[i]] * game.payoffs[i][profile]
        gains.append(values.max() - expected)
    return np.array(gains)


def is_nash(game, strategies):
    return bool(np.all(deviation_gains(game, strategies) <= 1e-12))


def pure(game, profile):
    return [np.eye(n)[a] for n, a in zip(game.shape, profile, strict=True)]


def pure_nash(game):
    every = itertools.product(*(range(n) for n in game.shape))
    return {profile for profile in every if is_nash(game, pure(game, profile))}


def mixed_2x2(game):
    """The completely mixed equilibrium of a 2 x 2 game by indifference, (P(row 1), P(col 1))."""
    row, column = game.payoffs
    p = (column[1, 1] - column[1, 0]) / (column[0, 0] - column[0, 1] - column[1, 0] + column[1, 1])
    q = (row[1, 1] - row[0, 1]) / (row[0, 0] - row[0, 1] - row[1, 0] + row[1, 1])
    return p, q


def pair(p, q):
    return [np.array([p, 1 - p]), np.array([q, 1 - q])]


def interchangeable(game):
    """Whether exchanging any two players (and their actions) leaves the game as it is."""
    n = game.n_players
    for i, j in itertools.combinations(range(n), 2):
        axes = list(range(n))
        axes[i], axes[j] = axes[j], axes[i]
        moved = [game.payoffs[k].transpose(axes) for k in axes]
        if not all(np.array_equal(a, b) for a, b in zip(moved, game.payoffs, strict=True)):
            return False
    return True


# ---------------------------------------------------------------- two players, two actions


@pytest.mark.parametrize(
    ("game", "pure_ones", "mixed"),
    [
        (games.free_riding(), {(0, 1), (1, 0)}, (0.6, 0.6)),
        (games.free_riding(0.25), {(0, 1), (1, 0)}, (0.75, 0.75)),
        (games.stag_hunt(), {(0, 0), (1, 1)}, (3 / 4, 3 / 4)),
        (games.chicken(), {(0, 1), (1, 0)}, (2 / 3, 2 / 3)),
        (games.battle_of_the_sexes(), {(0, 0), (1, 1)}, (2 / 3, 1 / 3)),
        (games.matching_pennies(), set(), (1 / 2, 1 / 2)),
        (games.asymmetric_matching_pennies(), set(), (1 / 2, 1 / 10)),
        (games.asymmetric_matching_pennies(4.0), set(), (1 / 2, 1 / 5)),
        (games.goeree_holt_palfrey(), set(), (17 / 32, 15 / 32)),
        (games.volunteers_dilemma(n=2, cost=0.3), {(0, 1), (1, 0)}, (0.7, 0.7)),
    ],
    ids=lambda value: value.name if isinstance(value, rqe.NormalFormGame) else "",
)
def test_equilibria_of_two_by_two_games(game, pure_ones, mixed):
    assert pure_nash(game) == pure_ones
    assert mixed_2x2(game) == pytest.approx(mixed, abs=1e-15)
    assert is_nash(game, pair(*mixed))
    # a profile beside the mixed equilibrium is none: the check above can fail
    assert not is_nash(game, pair(mixed[0] + 0.01, mixed[1]))


def test_prisoners_dilemma_defection_is_strictly_dominant_and_worse_for_both():
    game = games.prisoners_dilemma()
    assert np.all(game.payoffs[0][1] > game.payoffs[0][0])
    assert np.all(game.payoffs[1][:, 1] > game.payoffs[1][:, 0])
    assert pure_nash(game) == {(1, 1)}
    assert all(p[0, 0] > p[1, 1] for p in game.payoffs)
    assert game.actions == (("C", "D"), ("C", "D"))


def test_rock_paper_scissors_is_zero_sum_and_uniform():
    game = games.rock_paper_scissors()
    assert np.array_equal(game.payoffs[0], -game.payoffs[1])
    assert pure_nash(game) == set()
    assert is_nash(game, [np.full(3, 1 / 3)] * 2)


@pytest.mark.parametrize(
    "game",
    [
        games.free_riding(),
        games.prisoners_dilemma(),
        games.stag_hunt(),
        games.chicken(),
        games.rock_paper_scissors(),
        games.volunteers_dilemma(4),
        games.public_goods(4, 1.7),
        games.minimum_effort(3, 4),
    ],
    ids=lambda game: game.name,
)
def test_players_are_interchangeable(game):
    assert interchangeable(game)


def test_interchangeable_sees_a_difference():
    assert not interchangeable(games.battle_of_the_sexes())


def test_two_volunteers_at_unit_benefit_are_free_riders():
    one, two = games.volunteers_dilemma(n=2, cost=0.4), games.free_riding(0.4)
    assert all(np.array_equal(a, b) for a, b in zip(one.payoffs, two.payoffs, strict=True))


# ---------------------------------------------------------------- collaboration, any number


@pytest.mark.parametrize(
    "game",
    [
        games.free_riding(),
        games.volunteers_dilemma(4, 0.3, 2.0),
        games.public_goods(4, 3.0),
        games.minimum_effort(3, 3, 0.2),
    ],
)
def test_payoffs_are_the_shared_reward_less_the_private_cost(game):
    assert isinstance(game, rqe.CollaborativeGame)
    for profile in itertools.product(*(range(n) for n in game.shape)):
        for i, a in enumerate(profile):
            assert game.payoffs[i][profile] == game.reward[profile] - game.costs[i][a]


@pytest.mark.parametrize(("n", "cost", "benefit"), [(2, 0.5, 1.0), (3, 0.2, 1.0), (5, 1.5, 2.0)])
def test_volunteers_dilemma_equilibria(n, cost, benefit):
    game = games.volunteers_dilemma(n, cost, benefit)
    assert pure_nash(game) == {tuple(int(i != j) for i in range(n)) for j in range(n)}
    wait = (cost / benefit) ** (1 / (n - 1))
    assert is_nash(game, [np.array([1 - wait, wait])] * n)
    assert not is_nash(game, [np.array([0.99 - wait, 0.01 + wait])] * n)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_public_goods_equilibria_on_either_side_of_the_dilemma(n):
    everybody, nobody = (0,) * n, (1,) * n
    assert pure_nash(games.public_goods(n, n - 0.5)) == {nobody}
    assert pure_nash(games.public_goods(n, n + 0.5)) == {everybody}
    assert len(pure_nash(games.public_goods(n, float(n)))) == 2**n
    dilemma = games.public_goods(n, (1 + n) / 2)
    assert all(p[everybody] > p[nobody] for p in dilemma.payoffs)


@pytest.mark.parametrize(("n", "levels", "cost"), [(2, 7, 0.5), (3, 4, 0.1), (4, 3, 0.9)])
def test_minimum_effort_equilibria_are_the_common_efforts(n, levels, cost):
    game = games.minimum_effort(n, levels, cost)
    common = [(level,) * n for level in range(levels)]
    assert pure_nash(game) == set(common)
    ranked = [game.payoffs[0][profile] for profile in common]
    assert np.all(np.diff(ranked) > 0)


def test_minimum_effort_is_the_experiment_in_units_of_its_benefit():
    game = games.minimum_effort(2, 7, 0.5)
    for a, b in itertools.product(range(7), repeat=2):
        dollars = 0.2 * min(a + 1, b + 1) - 0.1 * (a + 1) + 0.6
        assert 0.2 * game.payoffs[0][a, b] + 0.6 == pytest.approx(dollars, abs=1e-15)


# ---------------------------------------------------------------- experiments


@pytest.mark.parametrize("number", range(1, 13))
def test_selten_chmura_has_one_equilibrium_and_it_is_mixed(number):
    game = games.selten_chmura(number)
    assert pure_nash(game) == set()
    p, q = mixed_2x2(game)
    assert 0 < p < 1
    assert 0 < q < 1
    assert is_nash(game, pair(p, q))
    total = game.payoffs[0] + game.payoffs[1]
    assert (np.ptp(total) == 0) == (number <= 6)


@pytest.mark.parametrize("number", range(1, 7))
def test_selten_chmura_pairs_share_best_replies(number):
    one, other = games.selten_chmura(number), games.selten_chmura(number + 6)
    assert np.array_equal(np.diff(one.payoffs[0], axis=0), np.diff(other.payoffs[0], axis=0))
    assert np.array_equal(np.diff(one.payoffs[1], axis=1), np.diff(other.payoffs[1], axis=1))
    assert mixed_2x2(one) == pytest.approx(mixed_2x2(other), abs=1e-15)


def test_selten_chmura_game_1_equilibrium_is_the_stated_one():
    assert mixed_2x2(games.selten_chmura(1)) == pytest.approx((1 / 11, 10 / 11), abs=1e-15)


def test_selten_chmura_flags_agree_with_the_payoffs():
    path = Path(games.__file__).parent / "data" / "selten_chmura_2008" / "games.json"
    for entry in json.loads(path.read_text("utf-8"))["games"]:
        total = np.array(entry["row_payoffs"]) + np.array(entry["col_payoffs"])
        assert entry["constant_sum"] == (np.ptp(total) == 0)


@pytest.mark.parametrize("number", range(1, 13))
def test_observed_play_is_consistent(number):
    play = games.selten_chmura_play(number)
    count = 12 if number <= 6 else 6
    assert play.groups.shape == (count, 2)
    assert play.subjects == 8 * count
    assert np.all((play.groups >= 0) & (play.groups <= 1))
    assert np.all(play.decisions == 800)  # 4 subjects in a role, 200 rounds
    # the stated means are those of the groups, rounded (most to four decimals)
    assert play.groups.mean(axis=0) == pytest.approx([play.row, play.column], abs=6e-4)
    with pytest.raises(ValueError, match="read-only"):
        play.groups[0, 0] = 0.0


# ---------------------------------------------------------------- random games


def test_random_games_repeat_and_differ_by_seed():
    one, same, other = (games.random_game((3, 2, 4), seed) for seed in (5, 5, 6))
    assert one.shape == (3, 2, 4)
    assert all(np.array_equal(a, b) for a, b in zip(one.payoffs, same.payoffs, strict=True))
    assert not np.array_equal(one.payoffs[0], other.payoffs[0])
    assert not np.array_equal(one.payoffs[0], one.payoffs[1])
    drawn = games.random_game((3, 2, 4), np.random.default_rng(5))
    assert np.array_equal(drawn.payoffs[2], one.payoffs[2])


def test_random_payoffs_are_uniform_on_the_unit_interval():
    values = np.sort(np.concatenate([p.ravel() for p in games.random_game((100, 100)).payoffs]))
    assert values[0] >= 0
    assert values[-1] < 1
    # Kolmogorov-Smirnov distance of 20,000 draws: above 0.0138 once in a thousand times
    assert np.max(np.abs(values - (np.arange(values.size) + 0.5) / values.size)) < 0.0138
