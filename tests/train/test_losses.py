"""Every loss with a number worked out by hand; gradients against finite differences."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")
pytest.importorskip("optax")

from jax.test_util import check_grads  # noqa: E402

from rqe import train  # noqa: E402
from rqe.core.divergences import ReverseKL  # noqa: E402
from rqe.core.risk import Entropic  # noqa: E402
from rqe.train import learn, losses, networks, samples  # noqa: E402
from rqe.train.table import distinct  # noqa: E402

LOG = np.log


def test_advantages_by_hand_with_an_episode_that_ends():
    rewards = jnp.array([1.0, 2.0, 3.0])
    values = jnp.array([0.5, 1.0, -1.0, 4.0])
    dones = jnp.array([0.0, 1.0, 0.0])
    # delta: 1 + 0.5·1 - 0.5 = 1; 2 - 1 = 1 (the episode ends); 3 + 0.5·4 + 1 = 6
    # A_2 = 6, A_1 = 1 (nothing after the end), A_0 = 1 + 0.5·0.8·1
    found = losses.advantages(rewards, values, dones, 0.5, 0.8)
    np.testing.assert_allclose(found, [1.4, 1.0, 6.0], rtol=1e-6)


def test_advantages_of_many_environments_are_those_of_each():
    rng = np.random.default_rng(0)
    rewards, values = rng.normal(size=(7, 3, 2)), rng.normal(size=(8, 3, 2))
    dones = rng.integers(0, 2, size=(7, 3, 1)).astype(float)
    found = losses.advantages(*map(jnp.asarray, (rewards, values, dones)), 0.9, 0.7)
    running = np.zeros((3, 2))
    for t in range(6, -1, -1):
        keep = 0.9 * (1.0 - dones[t])
        running = rewards[t] + keep * values[t + 1] - values[t] + 0.7 * keep * running
        np.testing.assert_allclose(found[t], running, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("ratio", "advantage", "worth"),
    [(1.1, 2.0, 2.2), (1.5, 2.0, 2.4), (0.5, 2.0, 1.0), (1.5, -2.0, -3.0), (0.5, -2.0, -1.6)],
)
def test_the_clipped_surrogate_by_hand(ratio, advantage, worth):
    found = losses.clipped_surrogate(jnp.log(ratio), jnp.asarray(advantage), 0.2)
    assert float(found) == pytest.approx(worth, rel=1e-6)


def test_entropy_by_hand():
    assert float(losses.entropy(jnp.log(jnp.array([0.5, 0.25, 0.25])))) == pytest.approx(
        1.5 * LOG(2.0), rel=1e-6
    )


def sample(**changes):
    """Two samples of one row, whose policy has odds 3 to 1."""
    fields = {
        "obs": jnp.ones((1, 1)), "mask": None, "place": jnp.array([0, 0]),
        "action": jnp.array([0, 1]), "cell": jnp.array([0, 0]),
        "log_old": jnp.log(jnp.array([0.5, 0.25])), "advantage": jnp.array([1.0, 2.0]),
        "target": jnp.array([1.0, 4.0]), "weights": jnp.array([0.5, 0.5]), "anchor": None,
    }  # fmt: skip
    return samples.Samples(**fields | changes)


ACTOR = [(jnp.zeros((1, 2)), jnp.log(jnp.array([0.75, 0.25])))]
CRITIC = [(jnp.zeros((1, 1)), jnp.array([2.0]))]


def config(**settings):
    env = train.NormalFormEnvironment(__import__("games").matching_pennies())
    return train.Config(env, train.IPPO(), **settings)


def test_an_agents_loss_by_hand():
    # ratios 1.5 (clipped to 1.2) and 1: surrogates 1.2 and 2, mean 1.6
    entropy = -(0.75 * LOG(0.75) + 0.25 * LOG(0.25))
    # critic says 2: errors 1 and -2, mean square 2.5
    loss, error = learn.learner_loss(config(), None, (0.1,), (ACTOR, CRITIC), [(0, sample())])
    assert float(error) == pytest.approx(2.5, rel=1e-6)
    assert float(loss) == pytest.approx(-1.6 - 0.1 * entropy + 0.5 * 2.5, rel=1e-6)


@pytest.mark.parametrize(
    ("risk", "divergence"),
    [
        (Entropic(10.0), 0.75 * LOG(1.5) + 0.25 * LOG(0.5)),
        (ReverseKL(10.0), 0.5 * LOG(0.5 / 0.75) + 0.5 * LOG(0.5 / 0.25)),
    ],
)
def test_an_adversarys_loss_by_hand(risk, divergence):
    near = sample(anchor=jnp.log(jnp.array([[0.5, 0.5]])))
    loss, _ = learn.learner_loss(config(), risk, (0.1,), (ACTOR, CRITIC), [(0, near)])
    assert float(loss) == pytest.approx(-1.6 + divergence / 10.0 + 1.25, rel=1e-6)


@pytest.mark.parametrize("risk", [None, Entropic(3.0), ReverseKL(3.0)])
def test_gradients_are_those_of_finite_differences_also_with_illegal_actions(risk):
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(0), 4)
        double = lambda tree: jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), tree)  # noqa: E731
        actor = double(networks.network(keys[0], (3, 4, 3)))
        critic = double(networks.network(keys[1], (3, 4, 1)))
        obs = jax.random.normal(keys[2], (4, 3), jnp.float64)
        mask = jnp.array([[True, True, False], [True, True, True]] * 2)
        place = jnp.array([0, 1, 2, 3, 1])
        action = jnp.array([0, 2, 1, 1, 0])
        old = networks.log_policy(actor, obs, mask)
        anchor = None
        if risk is not None:
            shifted = jax.tree.map(lambda a: a + 0.3, actor)
            anchor = networks.log_policy(shifted, 2.0 * obs, mask)
        batch = samples.Samples(
            obs, mask, place, action, jnp.zeros_like(action), old[place, action] - 0.05,
            jnp.array([1.0, -2.0, 0.5, 1.0, -1.0]), jnp.arange(5.0), jnp.full(5, 0.2), anchor,
        )  # fmt: skip

        def loss(params):
            return learn.learner_loss(config(), risk, (0.1,), params, [(0, batch)])[0]

        check_grads(loss, ((actor, critic),), order=1, modes=["rev"], rtol=1e-5)
        slopes = jax.grad(loss)((actor, critic))
        assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(slopes))
        # an action that is not legal has no weight to move
        assert np.asarray(old)[[0, 2], 2].max() < -1e29


def test_distinct_rows_are_found_and_everyone_finds_its_own():
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 3, size=(500, 4)).astype(np.float32)
    table = distinct(jnp.asarray(rows))
    count = len(np.unique(rows, axis=0))
    assert int(table.count) == count < 82
    np.testing.assert_array_equal(np.asarray(table.rows)[np.asarray(table.place)], rows)
    assert int(table.place.max()) == count - 1


@pytest.mark.parametrize("code", [lambda x, **_: x[:, 0] * 0, lambda x, **_: x[:, 0]])
def test_rows_that_share_a_hash_stay_apart(monkeypatch, code):
    """All of them share it, or those with the same first entry."""
    monkeypatch.setattr(jnp, "sum", code)
    rows = np.random.default_rng(2).integers(0, 2, size=(60, 3)).astype(np.float32)
    table = distinct(jnp.asarray(rows))
    # rows that alternate count more than once, but none is taken for another
    assert 8 < int(table.count) <= 60
    np.testing.assert_array_equal(np.asarray(table.rows)[np.asarray(table.place)], rows)


def test_the_core_is_what_adversaries_are_tied_by():
    assert isinstance(train.SRPO(2.0, "kl").risk, Entropic)
    assert isinstance(train.SRPO(2.0, "reverse_kl").risk, ReverseKL)
