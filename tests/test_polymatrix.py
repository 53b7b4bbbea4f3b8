"""Polymatrix, sparse and low-rank games: against the game written out, and by definition."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import rqe
from rqe.certificate import evidence
from rqe.model._operator import Dense, LowRank, PayoffOperator, Sparse
from rqe.solvers._curve import Curve
from rqe.solvers._krylov import _preconditioner
from rqe.solvers._system import apply_jacobian, beliefs, jacobian, linearise, stack
from rqe.solvers.structured import structured_batch

TAUS = (0.0, 1e-8, 0.5, 5.0, 50.0)


def as_given(matrix: np.ndarray, kind: str):
    """The same matrix as an array, in sparse form, or as factors."""
    if kind == "sparse":
        return sparse.csr_array(matrix)
    if kind == "old sparse":
        return sparse.coo_matrix(matrix)
    if kind == "factors":
        u, s, vt = np.linalg.svd(matrix, full_matrices=False)
        return u * s, vt.T.copy()
    return matrix


KINDS = st.sampled_from(["array", "array", "sparse", "old sparse", "factors"])


@st.composite
def networks(draw, count=(2, 4)):
    """Payoffs of a network: pairs at random, every kind of matrix, ties and zeros on purpose."""
    n = draw(st.integers(*count))
    shape = [draw(st.integers(1, 3)) for _ in range(n)]
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    scale = 10.0 ** draw(st.integers(-8, 8))
    ring = [(i, (i + 1) % n) for i in range(n)]
    pairs = set(ring) | {p for p in itertools.permutations(range(n), 2) if draw(st.booleans())}
    payoffs = {}
    for i, j in sorted(pairs):
        matrix = rng.normal(size=(shape[i], shape[j]))
        if draw(st.booleans()):
            matrix = np.round(matrix)
        payoffs[i, j] = as_given(scale * matrix, draw(KINDS))
    return rqe.PolymatrixGame(payoffs), scale


def together(marginals: np.ndarray, sizes: list[int]) -> np.ndarray:
    """The product of beliefs that are given side by side."""
    parts = np.split(marginals, np.cumsum(sizes)[:-1])
    return functools.reduce(np.multiply.outer, parts)


@settings(max_examples=100)
@given(network=networks(), log_epsilon=st.floats(-3.0, 3.0), data=st.data())
def test_what_is_solved_is_solved_in_the_full_game(network, log_epsilon, data):
    game, scale = network
    tau = np.array([data.draw(st.sampled_from(TAUS)) for _ in game.shape]) / scale
    epsilon = scale * 10.0**log_epsilon * np.ones(game.n_players)
    eq = rqe.solve_rqe(game, tau, epsilon, throw=False)
    full = game.to_normal_form()
    np.testing.assert_allclose(
        game.payoff_ranges, full.payoff_ranges, rtol=1e-9, atol=1e-14 * scale
    )
    found = evidence(full.own_payoffs, eq.log_strategies, tau, epsilon)
    unit = 1e-9 * scale
    np.testing.assert_allclose(eq.payoffs, found.payoffs, rtol=1e-9, atol=unit)
    np.testing.assert_allclose(eq.values, found.values, rtol=1e-9, atol=unit)
    np.testing.assert_allclose(eq.regret, found.regret, rtol=1e-6, atol=unit)
    assert eq.residual == pytest.approx(float(found.residual), rel=1e-6, abs=1e-9)
    if log_epsilon > -0.5:
        assert eq.status is rqe.Status.CONVERGED
        assert float(found.residual) <= 1e-9


@settings(max_examples=40)
@given(network=networks(), data=st.data())
def test_the_principal_equilibrium_is_that_of_the_full_game(network, data):
    game, scale = network
    tau = np.array([data.draw(st.sampled_from(TAUS)) for _ in game.shape]) / scale
    eq = rqe.solve_rqe(game, tau, 3.0 * scale)
    full = rqe.solve_rqe(game.to_normal_form(), tau, 3.0 * scale)
    for ours, theirs in zip(eq, full, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    assert eq.index == full.index


def complete(shape: tuple[int, ...], seed: int = 0) -> dict[tuple[int, int], np.ndarray]:
    rng = np.random.default_rng(seed)
    pairs = itertools.permutations(range(len(shape)), 2)
    return {(i, j): rng.random((shape[i], shape[j])) for i, j in pairs}


@pytest.mark.parametrize("tau", [0.3, 4.0, 60.0])
def test_the_worst_joint_belief_is_the_product_of_the_worst_marginals(tau):
    # the full game's belief is over joint actions, free to correlate: it does not
    shape = (2, 3, 4, 2)
    game = rqe.PolymatrixGame(complete(shape))
    eq = rqe.solve_rqe(game, tau, 0.4)
    full = rqe.solve_rqe(game.to_normal_form(), tau, 0.4)
    for i, belief in enumerate(full.beliefs):
        sizes = [n for j, n in enumerate(shape) if j != i]
        np.testing.assert_allclose(together(eq.beliefs[i], sizes), belief, atol=1e-11)


def test_arrays_sparse_matrices_and_factors_are_one_game():
    rng = np.random.default_rng(1)
    u, v = rng.normal(size=(30, 2)), rng.normal(size=(20, 2))
    a = np.where(rng.random((30, 20)) < 0.2, rng.normal(size=(30, 20)), 0.0)
    low = (u @ v.T).T
    dense = rqe.NormalFormGame([a, low.T])
    found = [
        rqe.solve_rqe(game, 2.0, 0.3)
        for game in (
            dense,
            rqe.PolymatrixGame({(0, 1): a, (1, 0): low}),
            rqe.PolymatrixGame({(0, 1): sparse.csc_array(a), (1, 0): (v, u)}),
            rqe.PolymatrixGame({(0, 1): sparse.lil_matrix(a), (1, 0): low}),
        )
    ]
    for eq in found[1:]:
        for i in (0, 1):
            np.testing.assert_allclose(eq[i], found[0][i], atol=1e-11)
            np.testing.assert_allclose(eq.beliefs[i], found[0].beliefs[i], atol=1e-11)
        np.testing.assert_allclose(eq.values, found[0].values, atol=1e-11)


@pytest.mark.parametrize("kind", ["array", "sparse", "factors"])
def test_an_operator_multiplies_as_its_array_does(kind):
    rng = np.random.default_rng(2)
    matrices = [rng.normal(size=(4, m)).round(1) * (rng.random((4, m)) < 0.7) for m in (3, 1, 5)]
    make = {
        "array": Dense,
        "sparse": lambda a: Sparse(sparse.csr_array(a)),
        "factors": lambda a: LowRank(a.copy(), np.eye(a.shape[1])),
    }[kind]
    mixed = [make(a) for a in matrices[:2]] + [Dense(matrices[2])]
    whole = np.concatenate(matrices, axis=1)[None]
    sums = [
        sum(a[row, b] for a, b in zip(matrices, pick, strict=True))
        for row in range(4)
        for pick in itertools.product(range(3), range(1), range(5))
    ]
    for operator in (PayoffOperator(mixed), PayoffOperator(mixed).centred()[0]):
        array = operator.written_out
        for lead in ((), (1,), (6,)):
            p, x = rng.normal(size=(*lead, 9, 2)), rng.normal(size=(*lead, 3, 4))
            np.testing.assert_allclose(operator @ p, array[0] @ p, atol=1e-12)
            np.testing.assert_allclose(x @ operator, x @ array[0], atol=1e-12)
        one = rng.normal(size=(1, 9, 1))
        np.testing.assert_allclose(operator @ one, array @ one, atol=1e-12)
        w = rng.normal(size=(5, 1, 9))
        np.testing.assert_allclose(operator * w, array * w, atol=1e-12)
        np.testing.assert_allclose(operator.scaled(3.0).written_out, 3.0 * array, atol=1e-12)
        which = np.array([0, 2, 3, 7, 8])
        np.testing.assert_allclose(operator.columns(which), array[0][:, which], atol=1e-12)
        shares = operator.by_block(one[0, :, 0])
        np.testing.assert_allclose(shares.sum(axis=1), (array @ one)[0, :, 0], atol=1e-12)
    operator = PayoffOperator(mixed)
    np.testing.assert_allclose(operator.written_out, whole, atol=1e-12)
    assert operator.bounds == pytest.approx((min(sums), max(sums)), abs=1e-12)
    assert operator.centred()[2] == pytest.approx(max(sums) - min(sums))
    moved = PayoffOperator([Dense(a + 1e6) for a in matrices]).centred()
    assert moved[1] == pytest.approx(3e6, rel=1e-5)
    assert np.abs(moved[0].written_out).max() < 3.0


def reply_by_hand(payoffs, x, i, tau, epsilon):
    """Player i's quantal reply from its matrices alone, neighbour by neighbour."""
    worth = 0.0
    for (own, j), matrix in payoffs.items():
        if own == i:
            p = x[j] * np.exp(-tau * (x[i] @ matrix))
            worth = worth + matrix @ (p / p.sum())
    v = np.exp((worth - worth.max()) / epsilon)
    return v / v.sum()


@pytest.mark.parametrize(
    ("shape", "tau", "epsilon"),
    [
        ((240, 240, 240), 3.0, 0.04),  # too large to factorise
        ((130, 120), 4.0, 0.02),
        ((3,) * 100, 2.0, 0.3),
    ],
)
def test_large_networks_by_definition(shape, tau, epsilon):
    payoffs = complete(shape)
    if len(shape) > 3:
        n = len(shape)
        payoffs = {(i, j): a for (i, j), a in payoffs.items() if (i - j) % n in (1, n - 1)}
    game = rqe.PolymatrixGame(payoffs)
    eq = rqe.solve_rqe(game, tau, epsilon)
    for i, x in enumerate(eq):
        np.testing.assert_allclose(
            x, reply_by_hand(payoffs, eq.strategies, i, tau, epsilon), atol=2e-10
        )


@pytest.mark.parametrize("tau", [0.0, 3.0])
@pytest.mark.parametrize("shape", [(4, 5), (4, 3, 5)])
@pytest.mark.parametrize("kind", ["array", "sparse", "factors"])
def test_the_preconditioner_of_every_action_inverts_the_system(kind, shape, tau):
    payoffs = complete(shape)
    game = rqe.PolymatrixGame({pair: as_given(a, kind) for pair, a in payoffs.items()})
    n = len(shape)
    problem = structured_batch(game, np.full(n, tau), np.full(n, 0.4)).problem
    rng = np.random.default_rng(3)
    z = [np.log(rng.dirichlet(np.full(k, 30.0)))[None] for k in shape]
    y, level = beliefs(problem, z), np.array([0.7])
    lin = linearise(problem, z, y, level)
    matrix = jacobian(problem, z, lin)[0]
    apply, sign = _preconditioner(problem, z, y, level, lin)
    right = rng.normal(size=sum(shape))
    np.testing.assert_allclose(apply(right), np.linalg.solve(matrix, right), atol=1e-12)
    assert sign == np.linalg.slogdet(matrix)[0]
    # steps that keep probabilities adding up to one, as those of risk-neutral play must
    steps = [(right[: a.size] - np.exp(a[0]) @ right[: a.size])[None] for a in z]
    product = stack(apply_jacobian(problem, z, y, level, lin, steps))[0]
    np.testing.assert_allclose(product, matrix @ np.concatenate(steps, axis=1)[0], atol=1e-12)


def test_lengths_along_a_branch_are_symmetric_in_their_steps():
    # what a step of play does to beliefs, and its transpose: written separately
    game = rqe.PolymatrixGame(complete((2, 3, 4)))
    problem = structured_batch(game, np.array([0.0, 2.0, 9.0]), np.full(3, 0.5)).problem
    rng = np.random.default_rng(0)
    z = [np.log(rng.dirichlet(np.ones(k)))[None] for k in game.shape]
    for traced in ("tau", "epsilon"):
        metric = Curve(problem, traced, 0.1).metric(z, 0.8)
        a, b = rng.normal(size=(2, 10))
        assert metric.inner(a, b) == pytest.approx(metric.inner(b, a), rel=1e-12)
        assert metric.inner(a, a) > 0.0


def test_a_large_sparse_game_by_definition():
    rng = np.random.default_rng(4)
    a, b = (
        sparse.random_array((1500, 1500), density=0.01, rng=rng, format="csr") for _ in range(2)
    )
    eq = rqe.solve_rqe(rqe.PolymatrixGame({(0, 1): a, (1, 0): b}), 200.0, 0.003)
    x, y = eq
    assert x.max() > 5.0 * x.min()  # play is not uniform
    p = y * np.exp(-200.0 * (a.T @ x))
    v = np.exp(a @ (p / p.sum()) / 0.003)
    np.testing.assert_allclose(x, v / v.sum(), atol=1e-10)
    q = x * np.exp(-200.0 * (b.T @ y))
    w = np.exp(b @ (q / q.sum()) / 0.003)
    np.testing.assert_allclose(y, w / w.sum(), atol=1e-10)


@pytest.mark.parametrize("method", ["auto", "homotopy", "fixed_point", "newton"])
def test_every_method(method):
    game = rqe.PolymatrixGame(complete((2, 3, 2)))
    eq = rqe.solve_rqe(game, 1.0, 0.5, method=method)
    full = rqe.solve_rqe(game.to_normal_form(), 1.0, 0.5)
    for ours, theirs in zip(eq, full, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    qre = rqe.solve_qre(game, lam=2.0)
    assert qre.concept == "qre"
    np.testing.assert_allclose(qre[1], rqe.solve_qre(game.to_normal_form(), lam=2.0)[1], atol=1e-9)


def test_who_fears_everything_has_one_neighbour():
    payoffs = complete((3, 4), seed=7)
    mixed = {(0, 1): sparse.csr_array(payoffs[0, 1]), (1, 0): payoffs[1, 0]}
    game = rqe.PolymatrixGame(mixed)
    attitudes = [math.inf, 2.0], [0.0, 0.1]
    eq, full = (rqe.solve_rqe(g, *attitudes) for g in (game, game.to_normal_form()))
    for ours, theirs in zip(eq, full, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_allclose(eq.values, full.values, atol=1e-9)
    with pytest.raises(ValueError, match=r"tau\[0\] must be finite.*more than one neighbour"):
        rqe.solve_rqe(rqe.PolymatrixGame(complete((2, 2, 2))), [math.inf, 1.0, 1.0], 0.5)
    wide = (np.ones((3000, 1)), np.ones((3000, 1)))
    with pytest.raises(ValueError, match=r"tau\[1\] must be finite.*3000 x 3000"):
        rqe.solve_rqe(rqe.PolymatrixGame({(0, 1): wide, (1, 0): wide}), [1.0, math.inf], 0.5)


def test_who_is_met_without_a_stake_plays_uniformly():
    game = rqe.PolymatrixGame({(0, 1): [[1.0, 0.0], [0.0, 2.0]]})
    assert game.pairs == ((0, 1),)
    eq = rqe.solve_rqe(game, 3.0, 0.2)
    full = rqe.solve_rqe(game.to_normal_form(), 3.0, 0.2)
    np.testing.assert_allclose(eq[1], 0.5)
    np.testing.assert_allclose(eq[0], full[0], atol=1e-11)
    assert game.payoff_ranges[1] == 0.0


def test_payoffs_are_nobody_elses_to_change():
    a = np.eye(2)
    s = sparse.csr_array(np.eye(2))
    u = np.ones((2, 1))
    game = rqe.PolymatrixGame({(0, 1): a, (1, 2): s, (2, 0): (u, u)})
    before = rqe.solve_rqe(game, 1.0, 0.5)
    a[0, 0], s.data[0], u[0] = 9.0, 9.0, 9.0
    after = rqe.solve_rqe(game, 1.0, 0.5)
    for x, y in zip(before, after, strict=True):
        np.testing.assert_array_equal(x, y)
    blocks = [op.blocks[0] for op in game.own_payoffs]
    for array in (blocks[0].matrix, blocks[1].matrix.data, blocks[2].left):
        assert not array.flags.writeable
    with pytest.raises(AttributeError, match="immutable"):
        game.shape = (1, 1, 1)


def test_labels_and_records(tmp_path):
    game = rqe.PolymatrixGame(
        {(0, 1): np.ones((2, 3)), (1, 0): np.ones((3, 2))},
        players=["a", "b"],
        actions=[["in", "out"], ["x", "y", "z"]],
        name="meeting",
    )
    assert str(game) == "meeting: 2 players, 2 to 3 actions, 2 ordered pairs"
    eq = rqe.solve_rqe(game, 1.0, 1.0)
    assert "out" in str(eq)
    rqe.save(eq, tmp_path / "eq.json")
    np.testing.assert_array_equal(rqe.load(tmp_path / "eq.json").beliefs[0], eq.beliefs[0])
    assert game.to_normal_form().actions == game.actions
    three = rqe.solve_rqe(rqe.PolymatrixGame(complete((2, 2, 2))), 1.0, 1.0)
    rqe.save(three, tmp_path / "three.json")
    assert rqe.load(tmp_path / "three.json").beliefs[0].shape == (4,)


EYE = np.eye(2)


@pytest.mark.parametrize(
    ("payoffs", "words"),
    [
        ({}, "mapping of pairs"),
        ([EYE, EYE], "mapping of pairs"),
        ({0: EYE}, "key 0"),
        ({(0, 1, 2): EYE}, r"key \(0, 1, 2\)"),
        ({(0, -1): EYE}, "key"),
        ({(0.0, 1): EYE}, "key"),
        ({(1, 1): EYE}, "own cost"),
        ({(0, 2): EYE}, "none with player 1"),
        ({(0, 1): EYE, (1, 0): np.ones((3, 2))}, "player 1 as many actions"),
        ({(0, 1): np.ones(3)}, r"payoffs\[0, 1\]"),
        ({(0, 1): np.ones((0, 2))}, "an action for each"),
        ({(0, 1): [[1.0, np.nan]]}, "finite"),
        ({(0, 1): [["a", "b"]]}, r"payoffs\[0, 1\]"),
        ({(0, 1): sparse.csr_array(np.array([[np.inf, 1.0]]))}, "finite"),
        ({(0, 1): sparse.csr_array(np.array([[1j, 1.0]]))}, "real"),
        ({(0, 1): (np.ones((2, 2)), np.ones((2, 3)))}, "as many columns"),
        ({(0, 1): (np.ones((2, 1)), np.full((2, 1), np.nan))}, r"payoffs\[0, 1\]\[1\]"),
    ],
)
def test_malformed_games_are_refused_by_name(payoffs, words):
    with pytest.raises(ValueError, match=words):
        rqe.PolymatrixGame(payoffs)


def test_what_cannot_be_solved_is_refused_by_name():
    game = rqe.PolymatrixGame({(0, 1): EYE, (1, 0): EYE})
    with pytest.raises(ValueError, match=r"agents\[1\].*to_normal_form"):
        rqe.solve(
            game,
            [
                rqe.Agent(rqe.Entropic(1.0), rqe.NegEntropy(0.2)),
                rqe.Agent(rqe.Entropic(1.0), rqe.LogBarrier(0.2)),
            ],
        )
    with pytest.raises(ValueError, match="no_regret"):
        rqe.solve_rqe(game, 1.0, 0.2, method="no_regret")
    with pytest.raises(ValueError, match="to_normal_form"):
        rqe.solve_nash(game)
    with pytest.raises(ValueError, match="actions must be 2 lists"):
        rqe.PolymatrixGame({(0, 1): EYE, (1, 0): EYE}, actions=[["a", "b"]])
    with pytest.raises(ValueError, match="at most 4,000,000 payoffs"):
        rqe.PolymatrixGame({(i, (i + 1) % 30): EYE for i in range(30)}).to_normal_form()
    big = rqe.PolymatrixGame({(0, 1): [[1e308, -1e308]], (1, 0): EYE[:, :1]})
    with pytest.raises(ValueError, match="range"):
        rqe.solve_rqe(big, 1.0, 0.2)


@pytest.mark.parametrize("tau", [0.0, 2.0])
def test_single_precision_is_storage_alone(tau):
    rng = np.random.default_rng(3)
    a, b = (1e3 + rng.random((n, m)).astype(np.float32) for n, m in ((300, 400), (400, 300)))
    assert a.dtype == np.float32
    single = rqe.PolymatrixGame({(0, 1): a, (1, 0): b})
    double = rqe.PolymatrixGame({(0, 1): a.astype(float), (1, 0): b.astype(float)})
    for one, other in zip(single.own_payoffs, double.own_payoffs, strict=True):
        p, x = rng.random((1, one.shape[2], 2)), rng.random((1, 2, one.shape[1]))
        np.testing.assert_allclose(one @ p, other @ p, rtol=1e-13)
        np.testing.assert_allclose(x @ one, x @ other, rtol=1e-13)
        np.testing.assert_array_equal(one.written_out, other.written_out)
        assert one.bounds == other.bounds
        for made, same in zip(one.centred()[1:], other.centred()[1:], strict=True):
            assert made == pytest.approx(same, abs=1e-9)
        for part in one.blocks:
            assert part.matrix.dtype == np.float32
            assert part.scaled(3.0).centred()[0].matrix is part.matrix
    found, same = (rqe.solve_rqe(g, tau, 0.05) for g in (single, double))
    for x, y in zip(found.strategies, same.strategies, strict=True):
        assert np.abs(x - y).max() < 1e-10
    assert found.residual <= 1e-10
    assert found.values == pytest.approx(same.values, rel=1e-12)


def test_single_precision_is_checked_like_any_other():
    bad = np.full((2, 2), np.nan, dtype=np.float32)
    with pytest.raises(ValueError, match=r"payoffs\[0, 1\] must be"):
        rqe.PolymatrixGame({(0, 1): bad, (1, 0): np.eye(2)})
    with pytest.raises(ValueError, match="action for each"):
        rqe.PolymatrixGame({(0, 1): np.zeros((0, 2), np.float32), (1, 0): np.eye(2)})
    given = np.eye(2, dtype=np.float32)
    game = rqe.PolymatrixGame({(0, 1): given, (1, 0): given})
    given[:] = 7.0
    assert game.payoff_ranges.tolist() == [1.0, 1.0]
