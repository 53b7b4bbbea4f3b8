"""Hostile random games: solved and certified, or refused by name; never a wrong answer."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rqe
from benchmarks.robustness import draws, judge, summary

COUNT = 250


@pytest.mark.parametrize("select", ["principal", "any"])
def test_refusals_are_rare_and_answers_right(select):
    """At most 1% refused where range/epsilon × (1 + tau × range) < 1e6; none wrong anywhere."""
    verdicts = [
        judge(draw, select, by_convex_program=k % 10 == 0)
        for k, draw in enumerate(draws(COUNT, seed=20))
    ]
    tractable = [v for v in verdicts if v.tractable]
    assert len(tractable) > 0.8 * COUNT
    assert sum(not v.converged for v in tractable) <= 0.01 * len(tractable), summary(verdicts)
    assert not any(v.wrong for v in verdicts)


payoff = st.integers(-3, 3) | st.floats(-1, 1, allow_subnormal=False)


@st.composite
def cases(draw):
    players = draw(st.integers(2, 5))
    shape = draw(
        st.lists(st.integers(1, 3 if players < 4 else 2), min_size=players, max_size=players)
    )
    size = int(np.prod(shape))
    arrays = [
        np.reshape(draw(st.lists(payoff, min_size=size, max_size=size)), shape) for _ in shape
    ]
    scale = draw(st.sampled_from([1e-8, 1.0, 1e8]))
    tau = draw(st.sampled_from([0.0, 1e-8, 1e-2, 1.0, 30.0, 1e3, 1e6, np.inf]))
    epsilon = draw(st.sampled_from([1e-3, 1e-2, 0.1, 1.0, 1e4]))
    return rqe.NormalFormGame([scale * a for a in arrays]), tau / scale, epsilon * scale


@settings(max_examples=60, deadline=None, derandomize=True)
@given(cases())
def test_values_are_best_by_definition(case):
    """No pure deviation, nor a small step towards one, is worth more; beliefs are worst."""
    game, tau, epsilon = case
    eq = rqe.solve_rqe(game, tau, epsilon, max_steps=3000, throw=False)
    if eq.status is not rqe.Status.CONVERGED:
        # by name, and only where no float64 method is at ease (`TRACTABLE` counts how rarely)
        assert eq.status in (rqe.Status.LOST_BRANCH, rqe.Status.MAX_STEPS)
        span = float(np.max(game.payoff_ranges))
        assert span / epsilon * (1.0 + tau * span) >= 1e5
        return
    span = max(float(np.max(game.payoff_ranges)), 1e-300)
    for i, matrix in enumerate(game.own_payoffs):
        q = np.ones(1)
        for j, x in enumerate(eq.strategies):
            if j != i:
                q = np.outer(q, x).ravel()

        def value(x, matrix=matrix, q=q):
            u = x @ matrix
            entropy = -np.sum(np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0))
            if tau == 0:
                certain = q @ u
            elif np.isinf(tau):
                certain = u.min()
            elif tau * np.ptp(u) < 1e-4:  # two terms of the series: exact to rounding here
                certain = q @ u - tau / 2 * (q @ (u - q @ u) ** 2)
            else:
                certain = u.min() - np.log(q @ np.exp(-tau * (u - u.min()))) / tau
            return certain + epsilon * entropy

        own = eq.strategies[i]
        size = max(span, float(np.max(np.abs(matrix))), epsilon)
        assert eq.values[i] == pytest.approx(value(own), abs=1e-10 * size)
        for a in range(own.size):
            for step in (1e-3, 0.1, 1.0):
                other = (1 - step) * own + step * np.eye(own.size)[a]
                assert value(other) <= value(own) + 1e-11 * size


def unsolved(matrix, right):
    """No system has a solution, and no determinant a sign."""
    return np.full_like(right, np.nan), lambda: np.zeros(len(matrix))


class TestEveryEnding:
    """A test reaches every member of Status that these solvers can end with."""

    game = rqe.NormalFormGame(np.random.default_rng(0).random((2, 4, 4)))

    @pytest.mark.parametrize("method", ["homotopy", "newton", "fixed_point"])
    def test_max_steps(self, method):
        with pytest.raises(rqe.ConvergenceError) as caught:
            rqe.solve_rqe(self.game, 1.0, 0.01, method=method, max_steps=1)
        assert caught.value.status is rqe.Status.MAX_STEPS
        assert caught.value.result.residual > 1e-10
        assert "max_steps" in str(caught.value)

    def test_without_throw_the_best_iterate_comes_back(self):
        eq = rqe.solve_rqe(self.game, 1.0, 0.01, max_steps=1, throw=False)
        assert eq.status is rqe.Status.MAX_STEPS
        assert eq.branch == "unknown"
        assert eq.strategies[0].sum() == pytest.approx(1.0)

    def test_converged(self):
        assert rqe.solve_rqe(self.game, 1.0, 0.1).status is rqe.Status.CONVERGED

    def test_lost_branch(self, monkeypatch):
        """With no step short enough allowed, the first rejected step loses the branch."""
        monkeypatch.setattr("rqe.solvers.homotopy.SMALLEST", 1e9)
        monkeypatch.setattr("rqe.solvers.homotopy.CONTRACTION", 1e-9)
        monkeypatch.setattr("rqe.solvers.normal_form.PATIENT", 0)  # and no second look
        with pytest.raises(rqe.ConvergenceError, match="select='any'") as caught:
            rqe.solve_rqe(self.game, 1.0, 0.01)
        assert caught.value.status is rqe.Status.LOST_BRANCH

    def test_steps_shrink_where_no_system_can_be_solved(self, monkeypatch):
        """Corrections that are not numbers lose the branch; they do not poison the step length."""
        monkeypatch.setattr("rqe.solvers._system.solve_signed", unsolved)
        monkeypatch.setattr("rqe.solvers.normal_form.PATIENT", 0)
        with pytest.raises(rqe.ConvergenceError) as caught:
            rqe.solve_rqe(self.game, 1.0, 0.01)
        assert caught.value.status is rqe.Status.LOST_BRANCH

    def test_a_branch_lost_is_followed_more_closely(self, monkeypatch):
        """The tracer lands where the homotopy would have."""
        expected = rqe.solve_rqe(self.game, 1.0, 0.05)
        monkeypatch.setattr("rqe.solvers.homotopy.SMALLEST", 1e9)
        monkeypatch.setattr("rqe.solvers.homotopy.CONTRACTION", 1e-9)
        eq = rqe.solve_rqe(self.game, 1.0, 0.05)
        assert eq.branch == "principal"
        assert eq.index == expected.index
        assert max(np.abs(x - y).max() for x, y in zip(eq, expected, strict=True)) < 1e-9

    def test_a_branch_that_folds_among_nearly_pure_profiles(self):
        """Draw 945 of the robustness run: one action each but for two players, tau range 100."""
        draw = next(itertools.islice(draws(946, 0), 945, None))
        eq = rqe.solve_rqe(draw.game, draw.tau, draw.epsilon)
        assert eq.branch == "principal"
        assert eq.max_regret <= 1e-12 * draw.game.payoff_ranges.max()

    def test_singular(self, monkeypatch):
        monkeypatch.setattr("rqe.solvers._system.solve_signed", unsolved)
        with pytest.raises(rqe.ConvergenceError) as caught:
            rqe.solve_rqe(self.game, 1.0, 0.1, method="newton")
        assert caught.value.status is rqe.Status.SINGULAR

    def test_a_belief_that_is_not_worst_is_not_believed(self, monkeypatch):
        """At tau = inf the strategy answers its belief exactly, whatever the belief is."""

        def careless(payoff, epsilon, max_steps=200):
            even = np.full(payoff.shape[1], -np.log(payoff.shape[1]))
            reply = rqe.NegEntropy(epsilon).log_response(payoff @ np.exp(even))
            return reply, even, 0.0

        monkeypatch.setattr("rqe.solvers.worst_case.worst_case_response", careless)
        with pytest.raises(rqe.ConvergenceError) as caught:
            rqe.solve_rqe(self.game, np.inf, 0.1)
        assert caught.value.status is rqe.Status.UNCERTIFIED
        many = rqe.solve_many(np.stack([self.game.payoffs]), np.inf, 0.1)
        assert many.status == (rqe.Status.UNCERTIFIED,)

    def test_uncertified(self, monkeypatch):
        """A method that claims to be done is not believed."""
        monkeypatch.setattr(
            "rqe.solvers.newton.Newton.settled", lambda self, state: np.array([True])
        )
        with pytest.raises(rqe.ConvergenceError, match="residual") as caught:
            rqe.solve_rqe(self.game, 3.0, 0.02, method="newton")
        assert caught.value.status is rqe.Status.UNCERTIFIED
        assert caught.value.result.residual > 1e-3

    def test_non_finite(self):
        from rqe.solvers._loop import iterate

        class Broken:
            def step(self, state):
                return float("nan")

            def ending(self, state):
                return None

            def finite(self, state):
                return state == state

        state, status, steps = iterate(Broken(), 1.0, 10)
        assert (state, status, steps) == (1.0, rqe.Status.NON_FINITE, 0)
