"""Proofs of the number of RQE, against independent counts, solvers, closed forms and themselves."""

import builtins
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import games
import rqe
from benchmarks.rigorous import (
    PITCHFORK,
    agreement,
    compare,
    extremes,
    main,
    neighbours,
    pitchfork,
    sizes,
    symmetric,
)
from benchmarks.rigorous_draws import (
    extreme_games,
    grid_count,
    small_games,
    symmetric_game,
    symmetric_games,
)
from rqe.certificate import evidence
from rqe.result.proof import Proof
from rqe.solvers.rigorous import prove_rqe
from tests.strategies import payoff_arrays

flint = pytest.importorskip("flint")

COORDINATION = rqe.NormalFormGame(
    [
        [[1.2689944572662344, 0.09502767892502546], [0.08411514170912386, 1.2817391151237416]],
        [[1.1511992677887484, 0.028954657897193523], [0.013765539312584573, 1.2971276572486212]],
    ]
)


def middles(proof):
    return [[(a + b) / 2 for a, b in zip(*box, strict=True)] for box in proof.enclosures]


class TestExample42:
    def test_three_below_and_one_above_the_pitchfork(self):
        table = pitchfork(np.geomspace(1e-3, 0.5, 20))
        assert set(table.column("RQE at -d")) == {3}
        assert set(table.column("RQE at +d")) == {1}

    def test_every_float_is_decided(self):
        """Bisection ends at neighbouring float64 with three RQE at one and one at the other."""
        first, last, low, high = neighbours(0.2, PITCHFORK - 1e-9, PITCHFORK + 1e-9)
        assert (len(first), len(last)) == (3, 1)
        assert high == math.nextafter(low, 1.0)
        assert low == pytest.approx(PITCHFORK, abs=1e-10)
        # the three are told apart by the square root of the distance
        spread = [x[0][0] for x in middles(first)]
        assert 1e-9 < spread[2] - spread[0] < 1e-6

    def test_neighbours_refuses_ends_that_surround_nothing(self):
        with pytest.raises(ValueError, match="low and high must surround"):
            neighbours(0.2, 0.5, 0.6)

    def test_boxes_grow_with_the_logarithm_of_the_distance(self):
        boxes = pitchfork(np.array([1e-3, 1e-6, 1e-9, 1e-12])).column("boxes -d")
        steps = np.diff(boxes)
        assert np.all(steps > 0)
        assert np.all(steps < 100)

    def test_the_fold_beyond_a_subcritical_pitchfork(self):
        """At epsilon = 0.1 free-riding RQE live on to tau = 3.923; the pitchfork is at 2.907."""
        counts = [len(prove_rqe(games.free_riding(), t, 0.1)) for t in (2.8, 3.0, 3.9, 3.95)]
        assert counts == [3, 5, 5, 1]


class TestAgainstOthers:
    def test_random_games(self):
        """Counts on a grid, and `solve_rqe`'s answer in exactly one enclosure."""
        found = [compare(draw) for draw in small_games(15, seed=1)]
        assert all(c.proof.complete == "proved" for c in found)
        assert all(c.grid == len(c.proof) for c in found), agreement(found)
        assert all(c.matched == 1 for c in found)
        # whatever the fast enumeration finds is there; it need not find all
        assert all(c.fast <= len(c.proof) for c in found)
        assert {len(c.proof) for c in found} >= {1, 3}

    def test_five_equilibria_of_a_two_by_two_game(self):
        tau, epsilon = [16.699732507, 15.584066041], [0.0239524795, 0.0256672424]
        proof = prove_rqe(COORDINATION, tau, epsilon)
        assert (len(proof), proof.complete) == (5, "proved")

    def test_the_grid_sees_what_the_proof_sees(self):
        draw = next(small_games(1, seed=3))
        few = type(draw)(COORDINATION, np.array([16.7, 15.6]), np.array([0.024, 0.0257]))
        assert grid_count(few) == 5 == len(prove_rqe(COORDINATION, few.tau, few.epsilon))

    @pytest.mark.parametrize("shape", [(2, 5), (3, 3), (2, 2, 2), (2, 3, 2), (3, 4)])
    def test_enumeration_of_larger_games(self, shape):
        """Each equilibrium that the fast search finds lies in one enclosure of its own."""
        for seed in range(3):
            payoffs = np.random.default_rng(seed).random((len(shape), *shape))
            game = rqe.NormalFormGame(payoffs)
            proof = prove_rqe(game, 1.0, 0.1)
            assert proof.complete == "proved"
            hits = [proof.match(eq) for eq in rqe.enumerate_rqe(game, 1.0, 0.1, starts=8)]
            assert all(len(hit) == 1 for hit in hits)
            assert len({hit[0] for hit in hits}) == len(hits) <= len(proof)

    def test_the_middles_are_equilibria(self):
        """By the certificate, which knows no solver: regret at the size of rounding."""
        for draw in small_games(20, seed=8):
            for middle in middles(prove_rqe(draw.game, draw.tau, draw.epsilon)):
                z = [np.log(x)[None] for x in middle]
                own = [p[None] for p in draw.game.own_payoffs]
                found = evidence(own, z, draw.tau[None], draw.epsilon[None], [None, None])
                span = np.maximum(draw.game.payoff_ranges, 1e-300)
                assert np.all(found.regret[0] <= 1e-12 * span)

    def test_opposed_interactions_have_one_equilibrium(self):
        """Where one player wants to match and the other not, the composed reply decreases."""
        rng = np.random.default_rng(5)
        for _ in range(10):
            match, other = rng.random((2, 2, 2)) * 0.2 + np.eye(2) * np.array([[[1.0]], [[-1.0]]])
            tau, epsilon = rng.uniform(0, 10, 2), rng.uniform(0.02, 0.3, 2)
            assert len(prove_rqe(rqe.NormalFormGame([match, other]), tau, epsilon)) == 1


class TestClosedForms:
    def test_one_action_players_change_nothing(self):
        payoffs = np.random.default_rng(2).random((2, 2, 2)) + np.eye(2)
        plain = prove_rqe(rqe.NormalFormGame(payoffs), 1.0, 0.1)
        third = np.concatenate([np.zeros((1, 1, 2, 2)), payoffs[:, None]])
        padded = prove_rqe(rqe.NormalFormGame(third), 1.0, 0.1)
        assert len(plain) == len(padded) == 3
        for a, b in zip(middles(plain), middles(padded), strict=True):
            assert b[0].tolist() == [1.0]
            np.testing.assert_allclose(np.concatenate(a), np.concatenate(b[1:]), atol=1e-15)

    def test_one_player_chooses_by_softmax(self):
        """1 x 2 and 2 x 1: the log-odds are the payoff difference over epsilon."""
        game = rqe.NormalFormGame([[[0.3, 0.7]], [[1.0, 0.5]]])
        proof = prove_rqe(game, [5.0, np.inf], 0.25)
        (low, high) = proof.enclosures[0]
        assert low[0].tolist() == high[0].tolist() == [1.0]
        exact = 1.0 / (1.0 + math.exp(-0.5 / 0.25))
        assert low[1][0] - 2e-16 <= exact <= high[1][0] + 2e-16
        assert high[1][0] - low[1][0] < 1e-15
        assert len(proof) == 1

    def test_nobody_has_a_choice(self):
        proof = prove_rqe(rqe.NormalFormGame([[[2.0]], [[3.0]]]), 1.0, 1.0)
        assert (len(proof), proof.complete) == (1, "proved")
        assert [x.tolist() for x in proof.enclosures[0][0]] == [[1.0], [1.0]]

    @pytest.mark.parametrize("tau", [0.0, 4.0, np.inf])
    def test_constant_payoffs_are_played_evenly(self, tau):
        proof = prove_rqe(rqe.NormalFormGame(np.ones((2, 2, 2))), tau, 0.1)
        low, high = proof.enclosures[0]
        for a, b in zip(low, high, strict=True):
            assert np.all((a <= 0.5) & (b >= 0.5) & (b - a <= 1e-15))

    def test_worst_case_player_against_the_tie(self):
        """Matching pennies with unequal stakes at tau = inf: both columns tie at x = 1/4."""
        game = rqe.NormalFormGame([[[3.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
        proof = prove_rqe(game, [np.inf, 2.0], 0.1)
        low, high = proof.enclosures[0]
        assert (len(proof), proof.complete) == (1, "proved")
        assert low[0][0] <= 0.25 <= high[0][0]
        assert high[0][0] - low[0][0] < 1e-15

    def test_worst_case_player_away_from_the_tie(self):
        """With one column worst at all strategies the reply is the softmax against it."""
        game = rqe.NormalFormGame([[[0.2, 3.0], [0.5, 4.0]], [[0.0, 1.0], [1.0, 0.0]]])
        low, high = prove_rqe(game, [np.inf, np.inf], 0.1).enclosures[0]
        exact = 1.0 / (1.0 + math.exp((0.5 - 0.2) / 0.1))
        assert low[0][0] - 2e-16 <= exact <= high[0][0] + 2e-16
        assert high[0][0] - low[0][0] < 1e-15
        assert low[1][0] <= 0.5 <= high[1][0]

    def test_worst_case_against_the_convex_solver(self):
        for seed in range(5):
            game = rqe.NormalFormGame(np.random.default_rng(seed).random((2, 2, 2)))
            for tau in ([np.inf, 1.0], [np.inf, np.inf]):
                proof = prove_rqe(game, tau, 0.05)
                assert (len(proof), proof.complete) == (1, "proved")
                assert proof.match(rqe.solve_rqe(game, tau, 0.05)) == (0,)


class TestExtremes:
    def test_all_decided(self):
        table = extremes(60, seed=2)
        assert sum(table.column("games")) == 60
        assert set(table.column("undecided")) == {0}

    @settings(max_examples=25)
    @given(
        st.integers(0, 10**6),
        payoff_arrays((2, 2), scale=1.0),
        st.sampled_from([0.0, 0.5, 30.0, np.inf]),
    )
    def test_scale_changes_no_count(self, seed, other, tau):
        """Powers of two scale exactly: the same proof, box by box."""
        payoffs = np.stack([np.random.default_rng(seed).random((2, 2)), other])
        plain = prove_rqe(rqe.NormalFormGame(payoffs), tau, 0.05)
        scaled = prove_rqe(rqe.NormalFormGame(payoffs * 2.0**26), tau * 2.0**-26, 0.05 * 2.0**26)
        assert plain.complete == scaled.complete == "proved"
        for a, b in zip(plain.enclosures, scaled.enclosures, strict=True):
            np.testing.assert_array_equal(np.concatenate(a[0]), np.concatenate(b[0]))

    def test_probabilities_that_underflow_are_enclosed(self):
        game = rqe.NormalFormGame([np.diag([1.0, 1.0])] * 2)
        proof = prove_rqe(game, 0.0, 1e-4)
        assert len(proof) == 3
        low, high = proof.enclosures[0]
        assert 0.0 == low[0][0] < high[0][0] < 1e-320
        assert proof.complete == "proved"

    def test_very_stiff(self):
        game = rqe.NormalFormGame(np.random.default_rng(0).random((2, 2, 2)) + np.eye(2))
        proof = prove_rqe(game, 1e4, 1e-4)
        assert (len(proof), proof.complete) == (1, "proved")


class TestSymmetric:
    def test_random_games_against_the_full_search(self):
        """In 2 and 3 players every symmetric RQE, and no other, is proven by both."""
        for players in (2, 3):
            for draw in symmetric_games(12, seed=players, players=players):
                part = prove_rqe(draw.game, draw.tau, draw.epsilon, scope="symmetric")
                whole = prove_rqe(draw.game, draw.tau, draw.epsilon)
                assert part.complete == whole.complete == "proved"
                alike = [x for x in middles(whole) if np.ptp([v[0] for v in x]) < 1e-12]
                assert len(alike) == len(part)
                assert all(len(part.match(x, atol=1e-14)) == 1 for x in alike)

    def test_more_players(self):
        table = symmetric(5, 0, (4, 7))
        assert set(table.column("undecided")) == {0}

    def test_free_riding_has_one(self):
        proof = prove_rqe(games.free_riding(), 0.5, 0.2, scope="symmetric")
        assert repr(proof).startswith("<Proof: exactly 1 symmetric RQE of free riding")

    def test_worst_case(self):
        game = symmetric_game(np.array([[0.1, 0.5, 0.9], [0.7, 0.2, 0.4]]))
        proof = prove_rqe(game, np.inf, 0.1, scope="symmetric")
        assert len(proof) == 1
        assert proof.match(rqe.solve_rqe(game, np.inf, 0.1)) == (0,)

    def test_refusals(self):
        game = rqe.NormalFormGame([[[1, 2], [3, 4]], [[1, 2], [3, 4]]])
        with pytest.raises(ValueError, match=r"game must be symmetric for scope='symmetric'.*3\.0"):
            prove_rqe(game, 1.0, 1.0, scope="symmetric")
        with pytest.raises(ValueError, match="tau must be the same"):
            prove_rqe(games.free_riding(), [1.0, 2.0], 1.0, scope="symmetric")
        with pytest.raises(ValueError, match="epsilon must be the same"):
            prove_rqe(games.free_riding(), 1.0, [1.0, 2.0], scope="symmetric")
        wide = rqe.NormalFormGame(np.zeros((2, 3, 3)))
        with pytest.raises(ValueError, match="two actions a player"):
            prove_rqe(wide, 1.0, 1.0, scope="symmetric")


class TestHonesty:
    def test_boxes_that_run_out_are_reported(self):
        proof = prove_rqe(COORDINATION, 16.0, 0.025, max_boxes=3)
        whole = prove_rqe(COORDINATION, 16.0, 0.025)
        assert proof.complete == "unknown"
        assert proof.boxes == 3
        assert proof.undecided
        assert "undecided" in str(proof)
        for x in middles(whole):
            held = proof.match(x, atol=1e-15) or any(
                all(np.all((low <= v) & (v <= high)) for v, low, high in zip(x, *box, strict=True))
                for box in proof.undecided
            )
            assert held

    def test_too_little_precision_is_reported_and_no_more(self):
        """At 64 bits the last float64 before the pitchfork cannot be decided, and is not."""
        tau = 0.828788693725786
        proof = prove_rqe(games.free_riding(), tau, 0.2, precision=64)
        assert (proof.complete, proof.precision) == ("unknown", 64)
        (box,) = proof.undecided
        assert box[0][0][0] <= 0.6002062 <= box[1][0][0] + 1e-6
        assert len(prove_rqe(games.free_riding(), tau, 0.2)) == 3

    def test_the_working_precision_is_left_as_it_was(self):
        before = flint.ctx.prec
        prove_rqe(games.free_riding(), 0.828788693725786, 0.2)
        assert flint.ctx.prec == before


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"epsilon": 0.0}, "epsilon"),
            ({"tau": -1.0}, "tau must be"),
            ({"tau": np.inf, "epsilon": 0.0}, "epsilon must be > 0 for every player"),
            ({"scope": "some"}, "scope must be one of 'all', 'symmetric'"),
            ({"max_boxes": 0}, "max_boxes must be a whole number >= 1"),
            ({"max_boxes": True}, "max_boxes"),
            ({"precision": 32}, "precision must be a whole number from 64"),
            ({"precision": 1e3}, "precision"),
            ({"precision": 1 << 20}, "from 64 to 65536"),
            ({"game": 3}, "game must be a NormalFormGame"),
        ],
    )
    def test_arguments(self, arguments, words):
        given = {"game": games.free_riding(), "tau": 0.5, "epsilon": 0.2} | arguments
        with pytest.raises(ValueError, match=words):
            prove_rqe(**given)

    def test_worst_case_of_many_actions(self):
        game = rqe.NormalFormGame(np.ones((2, 3, 2)))
        with pytest.raises(ValueError, match=r"tau\[0\] must be finite.*3 actions"):
            prove_rqe(game, [np.inf, 1.0], 0.1)
        assert len(prove_rqe(game, [1.0, np.inf], 0.1)) == 1

    def test_too_many_unknowns(self):
        with pytest.raises(ValueError, match=r"at most \d+ unknowns.*shape \(30, 30\)"):
            prove_rqe(rqe.NormalFormGame(np.zeros((2, 30, 30))), 1.0, 0.1)

    def test_missing_extra(self, monkeypatch):
        real = builtins.__import__

        def without(name, *rest, **more):
            if name == "flint":
                raise ModuleNotFoundError("No module named 'flint'", name="flint")
            return real(name, *rest, **more)

        for name in ("maps", "balls", "search", "boxes", "worst_case"):
            monkeypatch.delitem(sys.modules, f"rqe.solvers.rigorous_{name}", raising=False)
        monkeypatch.delitem(sys.modules, "flint", raising=False)
        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(rqe.MissingExtraError, match=r"pip install 'rqe\[rigorous\]'"):
            prove_rqe(games.free_riding(), 0.5, 0.2)


class TestProof:
    def test_prints(self):
        proof = prove_rqe(games.free_riding(), 0.5, 0.2)
        assert repr(proof).startswith("<Proof: exactly 3 RQE of free riding (cost 0.4), proved,")
        assert str(proof).splitlines()[2].split()[1:3] == ["one", "RQE"]
        assert "<table>" in proof._repr_html_()
        table = proof.table()
        assert table.columns == ("#", "verdict", "strategies", "width")
        assert max(table.column("width")) < 1e-15

    def test_long_ones_are_cut(self):
        box = ((np.array([0.0, 0.5]),), (np.array([0.5, 1.0]),))
        proof = Proof((), (box,) * 50, "unknown", 9, 64)
        assert str(proof).endswith("... 10 rows more")
        assert "10 rows more" in proof._repr_html_()
        assert repr(proof) == (
            "<Proof: 0 RQE proved, 50 boxes undecided, 9 boxes examined, 64 bits>"
        )

    def test_match(self):
        proof = prove_rqe(games.free_riding(), 0.5, 0.2)
        eqs = rqe.enumerate_rqe(games.free_riding(), 0.5, 0.2)
        assert [proof.match(eq) for eq in eqs] == [(0,), (1,), (2,)]
        assert proof.match([[0.5, 0.5], [0.5, 0.5]]) == ()
        assert proof.match([[0.5, 0.5], [0.5, 0.5]], atol=1.0) == (0, 1, 2)
        with pytest.raises(ValueError, match="profile must be strategies of shapes"):
            proof.match([[1.0, 0.0, 0.0], [0.5, 0.5]])
        with pytest.raises(ValueError, match="atol must be a number >= 0"):
            proof.match(eqs[0], atol=float("nan"))

    def test_is_frozen(self):
        proof = prove_rqe(games.free_riding(), 0.5, 0.2)
        with pytest.raises(AttributeError):
            proof.complete = "unknown"
        with pytest.raises(ValueError, match="read-only"):
            proof.enclosures[0][0][0][0] = 0.0


class TestScript:
    def test_sizes(self):
        table = sizes(2, 2000, cases=(((3, 3), (0.3,)), ((2, 2, 2), (0.3,))))
        assert table.column("unknowns") == (2, 3)
        assert table.column("proved") == (2, 2)

    def test_extreme_games_have_every_kind(self):
        drawn = list(extreme_games(100, seed=0))
        assert {d.game.shape for d in drawn} >= {(2, 2), (1, 2), (2, 1)}
        assert any(np.isinf(d.tau).any() for d in drawn)
        assert any(np.all(d.game.payoff_ranges == 0.0) for d in drawn)

    def test_report(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr("benchmarks.rigorous.SIZES", (((2, 2), (0.3,)),))
        monkeypatch.setattr("benchmarks.rigorous.SYMMETRIC_SIZES", (2, 3))
        out = tmp_path / "rigorous.md"
        words = ["--draws", "4", "--size-seeds", "1", "--out", str(out)]
        assert main(words) == 0
        text = out.read_text(encoding="utf-8")
        assert text == capsys.readouterr().out[:-1]
        assert "## How large" in text
        assert "has 3 (" not in text
