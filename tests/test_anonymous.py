"""Anonymous and symmetric games: against the game written out, by enumeration, by one root."""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit

import games
import rqe
from rqe.certificate import evidence
from rqe.model._counts import Counts, _add, lattice, log_multinomial, number_of_counts
from rqe.solvers._curve import Curve
from rqe.solvers.structured import structured_batch

TAUS = (0.0, 1e-8, 0.5, 5.0, 50.0)


def draw_game(seed: int, sizes: tuple[int, ...], k: int, scale: float, ties: bool):
    """Payoffs of unit range about, times a scale; with ties, few different ones."""
    rng = np.random.default_rng(seed)
    shape = (len(sizes), k, number_of_counts(sum(sizes) - 1, k))
    tables = rng.integers(0, 3, shape) / 2.0 if ties else rng.normal(size=shape)
    return rqe.AnonymousGame(scale * tables, sizes)


SIZES = st.sampled_from([(2,), (3,), (5,), (1, 1), (2, 1), (1, 3), (2, 2), (1, 1, 1), (2, 1, 1)])


@settings(max_examples=150)
@given(
    seed=st.integers(0, 10**6),
    sizes=SIZES,
    k=st.integers(1, 3),
    log_epsilon=st.floats(-3.0, 3.0),
    log_scale=st.floats(-8.0, 8.0),
    ties=st.booleans(),
    data=st.data(),
)
def test_what_is_solved_is_solved_in_the_full_game(
    seed, sizes, k, log_epsilon, log_scale, ties, data
):
    scale = 10.0**log_scale
    game = draw_game(seed, sizes, k, scale, ties)
    tau = [data.draw(st.sampled_from(TAUS)) / scale for _ in sizes]
    epsilon = [scale * 10.0**log_epsilon * (1.0 + r) for r in range(len(sizes))]
    eq = rqe.solve_rqe(game, tau, epsilon, throw=False)
    full = game.to_normal_form()
    who = list(game.type_of)
    logs = [eq.log_strategies[r] for r in who]
    found = evidence(full.own_payoffs, logs, np.array(tau)[who], np.array(epsilon)[who])
    # whatever was reached, the record says of it what the full game's does
    unit = 1e-9 * scale
    np.testing.assert_allclose(eq.payoffs[who], found.payoffs, rtol=1e-9, atol=unit)
    np.testing.assert_allclose(eq.values[who], found.values, rtol=1e-9, atol=unit)
    np.testing.assert_allclose(eq.regret[who], found.regret, rtol=1e-6, atol=unit)
    assert eq.residual == pytest.approx(float(found.residual), rel=1e-6, abs=1e-9)
    if log_epsilon > -1.5:
        assert eq.status is rqe.Status.CONVERGED
        assert float(found.residual) <= 1e-9


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), sizes=SIZES, k=st.integers(2, 3), data=st.data())
def test_the_principal_equilibrium_is_that_of_the_full_game(seed, sizes, k, data):
    game = draw_game(seed, sizes, k, 1.0, False)
    tau = [data.draw(st.sampled_from((*TAUS[:-1], math.inf))) for _ in sizes]
    eq = rqe.solve_rqe(game, tau, 2.0)
    who = list(game.type_of)
    full = rqe.solve_rqe(game.to_normal_form(), [tau[r] for r in who], 2.0)
    for r, x in zip(who, full, strict=True):
        np.testing.assert_allclose(eq[r], x, atol=1e-10)
    np.testing.assert_allclose(eq.values[who], full.values, atol=1e-9)
    assert eq.index == full.index == 1
    # the belief over counts is the full game's, summed over the joint actions of one count
    tally = np.zeros(len(game.counts))
    place = {tuple(row): c for c, row in enumerate(game.counts.tolist())}
    for actions in itertools.product(range(k), repeat=len(who) - 1):
        tally[place[tuple(actions.count(a) for a in range(k))]] += full.beliefs[0][actions]
    np.testing.assert_allclose(eq.beliefs[0], tally, atol=1e-8)


def test_lengths_along_a_branch_are_symmetric_in_their_steps():
    # what a step of play does to beliefs, and its transpose: written separately
    game = draw_game(11, (2, 3, 1), 3, 1.0, False)
    problem = structured_batch(game, np.array([0.0, 2.0, 9.0]), np.full(3, 0.5)).problem
    rng = np.random.default_rng(0)
    z = [np.log(rng.dirichlet(np.ones(3)))[None] for _ in range(3)]
    for traced in ("tau", "epsilon"):
        metric = Curve(problem, traced, 0.1).metric(z, 0.8)
        a, b = rng.normal(size=(2, 10))
        assert metric.inner(a, b) == pytest.approx(metric.inner(b, a), rel=1e-12)
        assert metric.inner(a, a) > 0.0


def volunteer(n: int) -> rqe.SymmetricGame:
    """The volunteer's dilemma: 0.7 for who volunteers, 1 for the others if anybody does."""
    return rqe.SymmetricGame(
        lambda action, counts: 0.7 if action == 0 else float(counts[0] > 0), n, n_actions=2
    )


def volunteer_root(n: int, tau: float, epsilon: float) -> float:
    """Its symmetric RQE: one equation in the probability of volunteering.

    Somebody among the others volunteers or nobody does: two outcomes, no counts.
    """

    def excess(x: float) -> float:
        nobody = (n - 1) * math.log1p(-x)
        somebody = math.log(-math.expm1(nobody))
        if tau == 0.0:
            feared = math.exp(nobody)
        else:  # the strategy's payoff is 0.7 x with nobody, 0.7 x + 1 - x with somebody
            tilt = somebody - tau * (1.0 - x)
            feared = float(expit(nobody - tilt))
        return x - float(expit((0.7 - (1.0 - feared)) / epsilon))

    return float(brentq(excess, 1e-12, 1.0 - 1e-12, xtol=1e-15, rtol=1e-15))


@pytest.mark.parametrize("n", [2, 50, 100, 1000])
@pytest.mark.parametrize(("tau", "epsilon"), [(0.0, 0.1), (1.0, 0.1), (1.0, 0.02), (50.0, 0.05)])
def test_many_players_by_one_root(n, tau, epsilon):
    eq = rqe.solve_rqe(volunteer(n), tau, epsilon)
    assert eq[0][0] == pytest.approx(volunteer_root(n, tau, epsilon), abs=1e-10)
    assert eq.residual < 1e-10
    assert eq.max_regret < 1e-12


def test_a_hundred_players_take_less_than_a_tenth_of_a_second():
    game = volunteer(100)
    seconds = []
    for _ in range(3):
        began = time.process_time()
        rqe.solve_rqe(game, 5.0, 0.05)
        seconds.append(time.process_time() - began)
    assert min(seconds) < 0.1


def test_qre_of_many_players():
    eq = rqe.solve_qre(volunteer(60), lam=8.0)
    assert eq[0][0] == pytest.approx(volunteer_root(60, 0.0, 1.0 / 8.0), abs=1e-10)
    assert eq.concept == "qre"


@pytest.mark.parametrize("method", ["auto", "homotopy", "fixed_point", "newton"])
def test_every_method(method):
    eq = rqe.solve_rqe(volunteer(20), 1.0, 0.3, method=method)
    assert eq[0][0] == pytest.approx(volunteer_root(20, 1.0, 0.3), abs=1e-9)
    again = rqe.solve_rqe(volunteer(20), 1.0, 0.3, select="any", start=[[0.9, 0.1]])
    np.testing.assert_allclose(again[0], eq[0], atol=1e-9)


def by_enumeration(sizes, k, profile, player):
    """Probabilities of the counts of the others, joint action by joint action."""
    total = dict.fromkeys(itertools.product(range(sum(sizes)), repeat=k), 0.0)
    of_type = {key: np.zeros((len(sizes), k)) for key in total}
    seats = [r for r, n in enumerate(sizes) for _ in range(n - (r == player))]
    for actions in itertools.product(range(k), repeat=len(seats)):
        p = math.prod(profile[r][a] for r, a in zip(seats, actions, strict=True))
        key = tuple(actions.count(a) for a in range(k))
        total[key] += p
        for r, a in zip(seats, actions, strict=True):
            of_type[key][r, a] += p
    rows = [tuple(row) for row in lattice(len(seats), k).tolist()]
    return np.array([total[r] for r in rows]), np.array([of_type[r] / total[r] for r in rows])


@pytest.mark.parametrize(
    ("sizes", "k"), [((4,), 2), ((3, 2), 2), ((1, 2, 2), 3), ((2, 1, 1), 2), ((1, 1), 4)]
)
def test_counts_by_enumeration(sizes, k):
    rng = np.random.default_rng(k)
    profile = [rng.dirichlet(np.ones(k)) for _ in sizes]
    logs = [np.log(x)[None] for x in profile]
    form = Counts(sizes, k)
    for player in range(len(sizes)):
        q, expected = by_enumeration(sizes, k, profile, player)
        np.testing.assert_allclose(np.exp(form.log_play(logs, player))[0], q, rtol=1e-12)
        weights = form.weights(logs, player)
        for s, weight in enumerate(weights):
            if form.others(player)[s]:
                weight = np.broadcast_to(weight, (1, *expected[:, s].shape))
                np.testing.assert_allclose(weight[0], expected[:, s], rtol=1e-11, atol=1e-13)
            else:
                assert weight is None


def test_counts_in_lexicographic_order():
    np.testing.assert_array_equal(lattice(2, 2), [[0, 2], [1, 1], [2, 0]])
    rows = lattice(5, 3).tolist()
    assert rows == sorted(rows)
    assert len(rows) == len({tuple(r) for r in rows}) == number_of_counts(5, 3) == 21
    assert all(sum(r) == 5 for r in rows)
    np.testing.assert_array_equal(lattice(3, 1), [[3]])
    np.testing.assert_array_equal(lattice(0, 3), [[0, 0, 0]])


def test_probabilities_far_below_the_smallest_double_keep_their_digits():
    # a thousand times log(1e-3), in two types: the one count where all take the rare action
    logs = [np.log([[1e-3, 0.999]]), np.log([[1e-4, 0.9999]])]
    form = Counts((501, 500), 2)
    assert form.log_play(logs, 0)[0, -1] == pytest.approx(
        500 * math.log(1e-3) + 500 * math.log(1e-4), rel=1e-13
    )


@pytest.mark.parametrize(("first", "second", "k"), [(4, 7, 2), (5, 3, 3), (2, 2, 4)])
def test_both_ways_of_adding_counts(first, second, k, monkeypatch):
    rng = np.random.default_rng(first)
    a, b = (log_multinomial(np.log(rng.dirichlet(np.ones(k)))[None], n) for n in (first, second))
    plain = _add(a, first, b, second, k)
    batched = _add(np.repeat(a, 3, axis=0), first, np.repeat(b, 3, axis=0), second, k)
    monkeypatch.setattr("rqe.model._counts.SAFE", 1.0)
    in_logs = _add(a, first, b, second, k)
    assert plain.shape == in_logs.shape == (1, number_of_counts(first + second, k))
    np.testing.assert_allclose(plain, in_logs, rtol=1e-12)
    np.testing.assert_allclose(batched, np.repeat(in_logs, 3, axis=0), rtol=1e-12)


def test_a_type_split_in_two_plays_the_same():
    table = np.random.default_rng(3).random((3, number_of_counts(11, 3)))
    one = rqe.solve_rqe(rqe.SymmetricGame(table, 12), 3.0, 0.2)
    for sizes in [(5, 7), (1, 11), (4, 4, 4)]:
        eq = rqe.solve_rqe(rqe.AnonymousGame([table] * len(sizes), sizes), 3.0, 0.2)
        for x in eq:
            np.testing.assert_allclose(x, one[0], atol=1e-10)
        np.testing.assert_allclose(eq.values, one.values[0], atol=1e-10)


def numeric_index(game: rqe.NormalFormGame, eq, tau: float, epsilon: float) -> int:
    """Sign of ``det(I - DΦ)`` of the full reply map, by differences of the map by definition."""
    n, count = game.shape[0], game.n_players

    def reply(flat: np.ndarray) -> np.ndarray:
        x = flat.reshape(count, n)
        out = []
        for i, payoff in enumerate(game.payoffs):
            joint = np.ones(())
            for j in range(count):
                if j != i:
                    joint = np.multiply.outer(joint, x[j])
            u = np.moveaxis(payoff, i, 0).reshape(n, -1)
            p = joint.ravel() * np.exp(-tau * (x[i] @ u))
            v = np.exp(u @ (p / p.sum()) / epsilon)
            out.append(v / v.sum())
        return np.concatenate(out)

    flat = np.concatenate([eq[0]] * count)
    columns = []
    for e in np.eye(flat.size):
        h = 1e-6
        columns.append((reply(flat + h * e) - reply(flat - h * e)) / (2.0 * h))
    # replies sum to one: the directions off the simplices have eigenvalue 0, and factor 1
    return int(np.sign(np.linalg.det(np.eye(flat.size) - np.array(columns).T)))


@pytest.mark.parametrize(("tau", "index"), [(0.0, -1), (0.5, -1), (1.2, 1)])
def test_the_index_is_that_of_the_full_game(tau, index):
    # SRA Example 4.2: below the pitchfork the symmetric RQE has index -1 among all profiles,
    # though it is the only symmetric one
    reward = np.array([[1.0, 1.0], [1.0, 0.0]])
    table = reward[:, ::-1] - np.array([[0.4], [0.0]])  # column c: c others cooperate
    game = rqe.SymmetricGame(table, 2)
    eq = rqe.solve_rqe(game, tau, 0.2)
    full = games.free_riding()
    np.testing.assert_allclose(game.to_normal_form().payoffs, full.payoffs)
    assert eq.index == index == numeric_index(full, eq, tau, 0.2)
    assert rqe.solve_rqe(full, tau, 0.2).index == index


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n", [3, 4])
def test_the_index_of_more_players(seed, n):
    rng = np.random.default_rng(seed)
    crowd = rng.normal(size=(2, n)) - 2.0 * np.array([np.arange(n), np.arange(n)[::-1]])
    game = rqe.SymmetricGame(crowd, n)
    eq = rqe.solve_rqe(game, 0.2, 0.3)
    assert eq.index == numeric_index(game.to_normal_form(), eq, 0.2, 0.3)


def test_both_signs_of_the_index_occur_with_an_even_number_of_players():
    table = -2.0 * np.array([np.arange(4), np.arange(4)[::-1]])
    game = rqe.SymmetricGame(table, 4)
    signs = {rqe.solve_rqe(game, 0.2, epsilon).index for epsilon in (0.3, 3.0)}
    assert signs == {-1, 1}


def test_worst_cases_and_security():
    game = draw_game(5, (2, 2), 2, 1.0, False)
    full = game.to_normal_form()
    mixed = rqe.solve_rqe(game, [math.inf, 2.0], [0.0, 0.3])
    same = rqe.solve_rqe(full, [math.inf, math.inf, 2.0, 2.0], [0.0, 0.0, 0.3, 0.3])
    np.testing.assert_allclose(mixed[0], same[0], atol=1e-9)
    np.testing.assert_allclose(mixed[1], same[2], atol=1e-9)
    np.testing.assert_allclose(mixed.values, same.values[[0, 2]], atol=1e-9)


def test_alone_and_without_a_choice():
    alone = rqe.solve_rqe(rqe.SymmetricGame([[1.0], [0.0]], 1), 2.0, 0.5)
    assert alone[0][0] == pytest.approx(1.0 / (1.0 + math.exp(-2.0)), abs=1e-12)
    assert alone.index == 1
    one = rqe.solve_rqe(rqe.SymmetricGame([[3.0]], 40), 2.0, 0.5)
    assert one[0] == pytest.approx([1.0])
    assert one.values == pytest.approx([3.0])
    flat = rqe.solve_rqe(rqe.SymmetricGame(np.full((3, 55), 7.0), 10), 2.0, 0.5)
    np.testing.assert_allclose(flat[0], 1.0 / 3.0, atol=1e-12)


def test_functions_and_tables_are_the_same_game():
    seen = []

    def gain(action, counts):
        seen.append((action, counts))
        return action + 0.1 * counts[0] - 0.2 * counts[2]

    game = rqe.SymmetricGame(gain, 4, n_actions=3)
    assert len(seen) == 3 * 10
    assert all(sum(c) == 3 and all(isinstance(n, int) for n in c) for _, c in seen)
    table = [[a + 0.1 * c[0] - 0.2 * c[2] for c in game.counts] for a in range(3)]
    np.testing.assert_array_equal(game.own_payoffs[0], table)
    assert not game.own_payoffs[0].flags.writeable
    assert not game.counts.flags.writeable
    with pytest.raises(AttributeError, match="immutable"):
        game.sizes = (3,)


def test_records_keep_their_labels(tmp_path):
    game = rqe.AnonymousGame(
        [[[0.0, 1.0], [1.0, 0.0]]] * 2, (1, 1), types=["row", "column"], actions=["in", "out"]
    )
    eq = rqe.solve_rqe(game, 1.0, 0.5)
    assert "row" in str(eq)
    assert "out" in str(eq)
    rqe.save(eq, tmp_path / "eq.json")
    back = rqe.load(tmp_path / "eq.json")
    np.testing.assert_array_equal(back.beliefs[1], eq.beliefs[1])
    assert repr(game) == "<AnonymousGame 2 players of 2 types, 2 actions>"
    toy = rqe.SymmetricGame([[1.0, 2.0]] * 2, 2, name="toy")
    assert str(toy) == "toy: 2 players, 2 actions"


TABLE = [[0.0, 1.0, 2.0], [1.0, 1.0, 1.0]]


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: rqe.AnonymousGame([], []), "one type at least"),
        (lambda: rqe.AnonymousGame([TABLE], [3, 1]), "one entry a type"),
        (lambda: rqe.AnonymousGame(None, [3]), "must be sequences"),
        (lambda: rqe.AnonymousGame([TABLE], [0]), r"sizes\[0\]"),
        (lambda: rqe.AnonymousGame([TABLE], [2.5]), r"sizes\[0\]"),
        (lambda: rqe.SymmetricGame(TABLE, True), "n_players"),
        (lambda: rqe.SymmetricGame(TABLE, 4), r"shape \(2, 4\)"),
        (lambda: rqe.SymmetricGame([TABLE], 3), r"payoffs\[0\]"),
        (lambda: rqe.SymmetricGame(3.0, 3), "tables"),
        (lambda: rqe.SymmetricGame([[0.0, math.nan, 1.0]] * 2, 3), "finite"),
        (lambda: rqe.SymmetricGame(lambda a, c: "x", 3, n_actions=2), r"payoffs\[0\]"),
        (lambda: rqe.SymmetricGame(lambda a, c: 0.0, 3), "n_actions must be given"),
        (lambda: rqe.SymmetricGame(lambda a, c: 0.0, 3, n_actions=0), "n_actions"),
        (lambda: rqe.SymmetricGame(lambda a, c: 0.0, 200, n_actions=6), "at most 20,000,000"),
        (
            lambda: rqe.AnonymousGame([lambda a, c: 0.0] * 2, (90, 90), n_actions=3),
            "4,000,000 pairs",
        ),
        (lambda: rqe.SymmetricGame(TABLE, 3, actions=["a", "a"]), "distinct"),
        (lambda: rqe.AnonymousGame([TABLE], [3], types=["a", "b"]), "types"),
    ],
)
def test_malformed_games_are_refused_by_name(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_what_cannot_be_solved_is_refused_by_name():
    game = rqe.SymmetricGame(TABLE, 3)
    careful = rqe.Agent(rqe.CVaR(0.5), rqe.NegEntropy(0.2))
    with pytest.raises(ValueError, match=r"agents\[0\].*to_normal_form"):
        rqe.solve(game, [careful])
    with pytest.raises(ValueError, match="no_regret"):
        rqe.solve_rqe(game, 1.0, 0.2, method="no_regret")
    for solver in (rqe.solve_nash, rqe.solve_security):
        with pytest.raises(ValueError, match=r"NormalFormGame.*SymmetricGame.*to_normal_form"):
            solver(game)
    with pytest.raises(ValueError, match="tau"):
        rqe.solve_rqe(game, [1.0, 2.0, 3.0], 0.2)
    with pytest.raises(ValueError, match="epsilon"):
        rqe.solve_rqe(game, 1.0, 0.0)
    with pytest.raises(ValueError, match="start"):
        rqe.solve_rqe(game, 1.0, 0.2, start=[[0.5, 0.5]] * 3)
    with pytest.raises(ValueError, match="at most 4,000,000 payoffs"):
        rqe.SymmetricGame(np.zeros((2, 30)), 30).to_normal_form()
    with pytest.raises(ValueError, match="range"):
        rqe.solve_rqe(rqe.SymmetricGame([[1e308], [-1e308]], 1), 1.0, 0.2)
