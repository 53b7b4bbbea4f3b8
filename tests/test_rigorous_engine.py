"""The proofs' machinery: enclosures, maps, and a search that claims no more than it has shown."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rqe
from benchmarks.rigorous_draws import small_games
from rqe.solvers.rigorous import prove_rqe

flint = pytest.importorskip("flint")
maps = importlib.import_module("rqe.solvers.rigorous_maps")
balls = importlib.import_module("rqe.solvers.rigorous_balls")
engine = importlib.import_module("rqe.solvers.rigorous_search")
report = importlib.import_module("rqe.solvers.rigorous_boxes")


class Power(maps.Map):
    """Fixed points where ``(y - middle)^power = gap``, on [-1, 1]; play is (y, 1 - y)."""

    def __init__(self, power, middle, gap):
        top, _, bottom = middle.partition("/")
        self.middle = flint.arb(top) / flint.arb(bottom or 1)
        self.power, self.gap = power, flint.arb(gap)
        self.domain = [flint.arb(0, 1)]

    def image(self, y):
        return [y[0] - (y[0] - self.middle) ** self.power + self.gap]

    def slope(self, y):
        return [[1 - self.power * (y[0] - self.middle) ** (self.power - 1)]]

    def profile(self, y):
        return [[y[0], 1 - y[0]]]

    def coordinates(self, profile):
        return [profile[0][0]]


class TestTwoFormulations:
    """The two-player map (a belief) and the general one (replies) have nothing in common."""

    @pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 3)])
    @pytest.mark.parametrize("tau", [0.0, 3.0])
    def test_same_equilibria(self, shape, tau):
        for seed in range(4 if min(shape) == 2 else 1):
            payoffs = np.random.default_rng(seed).random((2, *shape)) + np.eye(*shape)
            game = rqe.NormalFormGame(payoffs)
            attitudes = (np.full(2, tau), np.full(2, 0.2))

            def replies(game=game, attitudes=attitudes):
                return maps.Reply(game.own_payoffs, game.shape, *attitudes, {})

            proof = prove_rqe(game, *attitudes)
            found = engine.search(replies, 50_000, 256)
            boxes, undecided = report.collect(replies, found, 256)
            assert not undecided
            assert proof.complete == "proved"
            assert len(boxes) == len(proof)
            for low, high in boxes:
                middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
                assert len(proof.match(middle, atol=1e-14)) == 1


class TestSearch:
    def test_a_degenerate_fixed_point_is_never_counted(self):
        """(y - 1/3)^3 = 0: a triple zero, around which nothing is proven at any precision."""
        found = engine.search(lambda: Power(3, "1/3", 0), 5000, 256)
        assert not found.zeros
        (box,) = found.undecided
        with flint.ctx.workprec(400):
            assert box[0].contains(flint.fmpq(1, 3))
        assert box[0].rad() < 1e-15

    @pytest.mark.parametrize("power", ["1e-30", "1e-20", "1e-9"])
    def test_two_close_fixed_points_are_both_found(self, power):
        """(y - 0.3)^2 = gap: two, in float64 boxes of their own; = -gap: none."""
        found = engine.search(lambda: Power(2, "0.3", power), 5000, 512)
        assert (len(found.zeros), found.undecided) == (2, [])
        boxes, undecided = report.collect(lambda: Power(2, "0.3", power), found, 512)
        assert (len(boxes), undecided) == (2, [])
        none = engine.search(lambda: Power(2, "0.3", f"-{power}"), 5000, 512)
        assert (none.zeros, none.undecided) == ([], [])

    def test_fixed_points_too_close_for_float64_are_not_given_boxes(self):
        """Both are proven to exist, but no box of float64 holds one alone."""
        found = engine.search(lambda: Power(2, "0.3", "1e-60"), 5000, 512)
        assert len(found.zeros) == 2
        boxes, undecided = report.collect(lambda: Power(2, "0.3", "1e-60"), found, 512)
        assert (len(boxes), len(undecided)) == (0, 2)

    def test_an_enclosure_inside_an_undecided_box_stands(self):
        """Its uniqueness is shown by itself: going back, its play lies in the unique region."""
        found = engine.search(lambda: Power(2, "0.3", "1e-4"), 5000, 256)
        centres = [float(zero.place[0].mid()) for zero in found.zeros]
        assert sorted(centres) == pytest.approx([0.29, 0.31])
        found.undecided.append([flint.arb(0, 1)])
        boxes, undecided = report.collect(lambda: Power(2, "0.3", "1e-4"), found, 256)
        assert (len(boxes), len(undecided)) == (2, 1)
        assert [float(low[0][0]) for low, _ in boxes] == pytest.approx(centres, abs=1e-15)

    def test_one_fixed_point_found_twice_is_counted_once(self):
        found = engine.search(lambda: Power(2, "0.3", "1e-4"), 5000, 256)
        first = found.zeros[0]
        found.zeros.append(engine.Zero(list(first.region), list(first.region)))
        boxes, undecided = report.collect(lambda: Power(2, "0.3", "1e-4"), found, 256)
        assert (len(boxes), undecided) == (2, [])

    def test_what_float64_cannot_tell_apart_is_left_undecided(self):
        """Five RQE, two of them in either corner with probabilities far below 5e-324."""
        game = rqe.NormalFormGame(np.random.default_rng(0).random((2, 2, 2)) + np.eye(2))
        proof = prove_rqe(game, 1e4, 1e-8)
        assert (len(proof), len(proof.undecided), proof.complete) == (1, 4, "unknown")
        for low, high in proof.undecided:
            assert min(x.min() for x in low) == 0.0
            assert min(x.min() for x in high) <= 5e-324

        def make():
            return maps.Belief(game.own_payoffs, np.full(2, 1e4), np.full(2, 1e-8), 0)

        found = engine.search(make, 5000, 1024)
        assert (len(found.zeros), found.undecided) == (5, [])


class TestBalls:
    """Every enclosure holds what it should, at random points of random boxes."""

    def sample(self, rng, box):
        return [
            flint.arb(float(b.mid()) + float(rng.uniform(-1, 1)) * float(b.rad()) * 0.999)
            for b in box
        ]

    def problems(self, rng):
        for shape in ((2, 2), (2, 4), (3, 3)):
            own = rqe.NormalFormGame(rng.normal(size=(2, *shape))).own_payoffs
            for leader in (0, 1):
                yield maps.Belief(own, np.array([1.5, 0.4]), np.array([0.3, 0.2]), leader)
        game = rqe.NormalFormGame(rng.normal(size=(3, 2, 3, 2)))
        tau, epsilon = np.array([1.5, 0.4, 0.0]), np.array([0.3, 0.2, 0.5])
        yield maps.Reply(game.own_payoffs, game.shape, tau, epsilon, {})
        yield maps.Symmetric(rng.normal(size=(2, 5)), 0.8, 0.3)

    def test_images_slopes_and_profiles(self):
        rng = np.random.default_rng(0)
        for problem in self.problems(rng):
            for width in (1e-6, 0.1, 2.0):
                box = [flint.arb(float(v), width) for v in rng.normal(size=len(problem.domain))]
                point = self.sample(rng, box)
                for a, b in zip(problem.image(box), problem.image(point), strict=True):
                    assert a.contains(b) or a.overlaps(b)
                    assert a.rad() < 1e6
                for wide, thin in zip(problem.slope(box), problem.slope(point), strict=True):
                    assert all(a.overlaps(b) for a, b in zip(wide, thin, strict=True))
                for wide, thin in zip(problem.profile(box), problem.profile(point), strict=True):
                    assert all(a.overlaps(b) for a, b in zip(wide, thin, strict=True))

    def test_slopes_are_derivatives(self):
        """Central differences at 300 bits agree with every entry to 1e-40."""
        rng = np.random.default_rng(1)
        with flint.ctx.workprec(300):
            h = flint.arb(2) ** -80
            for problem in self.problems(rng):
                y = [flint.arb(float(v)) for v in rng.normal(size=len(problem.domain))]
                slope = problem.slope(y)
                for k in range(len(y)):
                    up, down = ([v + s * h if j == k else v for j, v in enumerate(y)]
                                for s in (1, -1))  # fmt: skip
                    pairs = zip(problem.image(up), problem.image(down), strict=True)
                    for j, (a, b) in enumerate(pairs):
                        assert abs((a - b) / (2 * h) - slope[j][k]) < 1e-40
                if len(y) == 1:
                    assert problem.taylor(y[0], 3)[1].overlaps(slope[0][0])

    def test_sharper_slopes_hold_the_slope(self):
        rng = np.random.default_rng(2)
        for problem in self.problems(rng):
            if len(problem.domain) == 1:
                for width in (1e-8, 1e-3, 0.3):
                    box = [flint.arb(float(rng.normal()), width)]
                    plain = problem.slope(box)
                    sharp = engine.sharper_slope(problem, box, plain)
                    for _ in range(5):
                        exact = problem.slope(self.sample(rng, box))[0][0]
                        assert sharp[0][0].overlaps(exact)
                    assert sharp[0][0].rad() <= plain[0][0].rad() * (1 + 1e-8)

    def test_coordinates_undo_profiles(self):
        for draw in small_games(5, seed=4):
            problem = maps.Belief(draw.game.own_payoffs, *_both(draw), 0)
            zeros = engine.search(lambda p=problem: p, 1000, 64).zeros
            for zero in zeros:
                back = problem.coordinates(problem.profile(zero.place))
                assert back[0].overlaps(zero.place[0])

    @given(st.floats(-1e300, 1e300), st.integers(1, 60))
    def test_rounding_is_outward(self, value, share):
        ball = flint.arb(value) / share
        assert flint.arb(balls.float_below(ball)) <= ball
        assert flint.arb(balls.float_above(ball)) >= ball
        width = balls.float_above(ball) - balls.float_below(ball)
        assert width <= 4 * max(np.spacing(abs(value / share)), 5e-324)


def _both(draw):
    return np.full(2, draw.tau), np.full(2, draw.epsilon)
