"""Games as environments: training there has an exact answer to be compared with."""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..model._checks import whole
from ..model._transitions import distribution
from ..model.markov import MarkovGame
from ..model.normal_form import NormalFormGame
from .arrays import Array, Key
from .env import AutoReset, Dict, Step
from .spaces import Box, Discrete

OBSERVE = ("one-hot", "index")


class _Seated(AutoReset):
    """What the adapters share: the players are the agents, and pay by joint action."""

    def __init__(self, game: Any) -> None:
        if "__all__" in game.players:
            raise ValueError("game must have no player called '__all__', which stands for all")
        self.game = game
        self.agents = list(game.players)
        sizes = zip(self.agents, game.shape, strict=True)
        self._actions: dict[str, Discrete] = {a: Discrete(n) for a, n in sizes}

    @property
    def name(self) -> str:
        """The game's, or its type."""
        return str(self.game.name or type(self.game).__name__)

    def action_space(self, agent: str) -> Discrete:
        """The player's actions, in the game's order."""
        return self._actions[self._known(agent)]

    def _known(self, agent: str) -> str:
        if agent not in self._actions:
            raise ValueError(f"agent must be one of {self.agents}; got {agent!r}")
        return agent

    def _joint(self, actions: Dict) -> Array:
        """Number of the joint action, in C order."""
        played = zip((jnp.asarray(actions[a], jnp.int32) for a in self.agents), self.game.shape,
                     strict=True)  # fmt: skip
        return reduce(lambda total, own: total * own[1] + own[0], played, jnp.int32(0))

    def _by_agent(self, values: Array) -> Dict:
        return {a: values[i] for i, a in enumerate(self.agents)}

    def _everyone(self, value: Array) -> Dict:
        return dict.fromkeys(self.agents, value)


class NormalFormEnvironment(_Seated):
    """A normal-form game, played once an episode or several times over.

    Agents are the game's players. They observe one constant number, 1, so that policies are mixed
    strategies; rewards are the payoffs.

    Parameters
    ----------
    game : NormalFormGame
    horizon : int
        Plays of an episode, which no one sees the number of.

    Raises
    ------
    ValueError
        Something else than a normal-form game, payoffs that float32 cannot hold, a horizon that is
        not a whole number from 1.

    Examples
    --------
    >>> import jax, games
    >>> env = NormalFormEnvironment(games.free_riding())
    >>> obs, state = env.reset(jax.random.key(0))
    >>> obs, state, rewards, dones, _ = env.step(jax.random.key(1), state, {"1": 0, "2": 1})
    >>> round(float(rewards["1"]), 6), float(rewards["2"]), bool(dones["__all__"])
    (0.6, 1.0, True)
    """

    def __init__(self, game: NormalFormGame, horizon: int = 1) -> None:
        if not isinstance(game, NormalFormGame):
            raise ValueError(f"game must be a NormalFormGame; got {type(game).__name__}")
        super().__init__(game)
        self.horizon = whole(horizon, "horizon")
        self._payoffs = _single(np.stack([p.ravel() for p in game.payoffs], axis=1), "payoffs")
        self._space = Box(1.0, 1.0, (1,))

    def observation_space(self, agent: str) -> Box:
        """A constant."""
        self._known(agent)
        return self._space

    def reset(self, key: Key) -> tuple[Dict, Array]:
        """The constant, and the number of plays so far."""
        return self._everyone(jnp.ones(1, jnp.float32)), jnp.zeros((), jnp.int32)

    def step_env(self, key: Key, state: Array, actions: Dict) -> Step:
        """One play."""
        state = state + 1
        over = state >= self.horizon
        rewards = self._by_agent(self._payoffs[self._joint(actions)])
        dones = self._everyone(over) | {"__all__": over}
        return self._everyone(jnp.ones(1, jnp.float32)), state, rewards, dones, {}

    def __repr__(self) -> str:
        return f"NormalFormEnvironment({self.game!r}, horizon={self.horizon})"


class Place(NamedTuple):
    """Where play of a Markov game is."""

    where: Array
    """() of int: the state's number."""
    time: Array
    """() of int: steps of the episode so far."""


class MarkovEnvironment(_Seated):
    """A tabular Markov game; next states are drawn from its sparse tables as they are.

    Agents are the game's players, and observe the state: as S zeros and ones, or as its number. In
    a game of finite horizon H they see the step as well, as H more zeros and ones (all zeros after
    the last), or as a second number. Rewards are the game's; its discount factor is left to the
    learner's `Config.discount`.

    Parameters
    ----------
    game : MarkovGame
    horizon : int, optional
        Steps of an episode of a discounted game, where play is cut off; the agents do not see it
        coming. By default episodes of a discounted game never end. A finite game has its own.
    observe : {"one-hot", "index"}
    initial : array_like (S,), optional
        Distribution of the first state; by default the game's.

    Raises
    ------
    ValueError
        Something else than a Markov game, rewards that float32 cannot hold, a horizon for a game
        that has one, no distribution of the first state, an argument out of range.

    Notes
    -----
    Probabilities are rounded to float32: events rarer than 1e-7 may never be drawn.

    Examples
    --------
    >>> import jax, games
    >>> env = MarkovEnvironment(games.cliff_walk(horizon=10), observe="index")
    >>> obs, state = env.reset(jax.random.key(0))
    >>> obs["1"].shape, env.observation_space("1").high.tolist()[1]
    ((2,), 10.0)
    """

    def __init__(
        self,
        game: MarkovGame,
        horizon: int | None = None,
        observe: str = "one-hot",
        initial: Any = None,
    ) -> None:
        if not isinstance(game, MarkovGame):
            raise ValueError(f"game must be a MarkovGame; got {type(game).__name__}")
        if observe not in OBSERVE:
            raise ValueError(
                f"observe must be one of {', '.join(map(repr, OBSERVE))}; got {observe!r}"
            )
        if game.horizon is not None and horizon is not None:
            raise ValueError(
                f"horizon must be left out: the game has {game.horizon} steps; got {horizon!r}"
            )
        first = game.initial if initial is None else distribution(initial, "initial", game.n_states)
        if first is None:
            raise ValueError(
                "initial must be given: the game has no distribution of the first state"
            )
        super().__init__(game)
        self.horizon = whole(horizon, "horizon") if horizon is not None else game.horizon
        self.observe = observe
        count, n = game.rewards.shape[:2]
        rewards = np.moveaxis(game.rewards.reshape(count, n, -1), 1, -1)
        self._rewards = _single(rewards.reshape(-1, n), "rewards")
        self._draws = _Draws(game, first)
        self._space = self._room()

    def _room(self) -> Box:
        """The observation space, which both kinds of observation share with all agents."""
        count, steps = self.game.n_states, self.game.horizon
        if self.observe == "one-hot":
            return Box(0.0, 1.0, (count + (steps or 0),))
        return Box(0.0, [count - 1] if steps is None else [count - 1, steps])

    def observation_space(self, agent: str) -> Box:
        """The state, and the step where the game's horizon is finite."""
        self._known(agent)
        return self._space

    def reset(self, key: Key) -> tuple[Dict, Place]:
        """A first state."""
        where = self._draws(self._rewards.shape[0], jax.random.uniform(key))
        place = Place(where, jnp.zeros((), jnp.int32))
        return self._seen(place), place

    def step_env(self, key: Key, state: Place, actions: Dict) -> Step:
        """One step, without a new start after the last."""
        joint = self._rewards.shape[0] // self.game.n_states
        row = state.where * joint + self._joint(actions)
        place = Place(self._draws(row, jax.random.uniform(key)), state.time + 1)
        over = jnp.asarray(False) if self.horizon is None else place.time >= self.horizon
        rewards = self._by_agent(self._rewards[row])
        return self._seen(place), place, rewards, self._everyone(over) | {"__all__": over}, {}

    def _seen(self, place: Place) -> Dict:
        numbers = [place.where] if self.game.horizon is None else list(place)
        if self.observe == "index":
            return self._everyone(jnp.stack(numbers).astype(jnp.float32))
        sizes = [self.game.n_states, self.game.horizon or 0]
        hot = [jnp.arange(size) == k for k, size in zip(numbers, sizes, strict=False)]
        return self._everyone(jnp.concatenate(hot).astype(jnp.float32))

    def __repr__(self) -> str:
        return f"MarkovEnvironment({self.game!r}, horizon={self.horizon}, observe={self.observe!r})"


class _Draws:
    """Next states by inverse cumulative probability, in the sparse rows; the last row is first.

    Row s · Πn + a is what follows joint action a in state s; one more row, at the end, is the
    distribution of the first state.
    """

    def __init__(self, game: MarkovGame, first: Any) -> None:
        table = game.transitions
        start = np.flatnonzero(first)
        data = np.concatenate([table.data, first[start]])
        ends = np.concatenate([table.indptr, [len(data)]]).astype(np.int64)
        if max(len(data), len(ends)) > np.iinfo(np.int32).max:
            raise ValueError(
                f"game must have fewer than 2^31 transitions of positive probability; got "
                f"{len(data)}"
            )
        sizes = np.diff(ends)
        total = np.cumsum(data)
        before = np.repeat(total[ends[:-1]] - data[ends[:-1]], sizes)
        within = total - before
        within /= np.repeat(within[ends[1:] - 1], sizes)
        self._ends = jnp.asarray(ends, jnp.int32)
        self._next = jnp.asarray(np.concatenate([table.indices, start]), jnp.int32)
        self._cumulative = jnp.asarray(within, jnp.float32)
        self._halvings = int(sizes.max() - 1).bit_length()

    def __call__(self, row: Array, u: Array) -> Array:
        """The first entry of a row whose cumulative probability exceeds ``u`` in [0, 1)."""
        low, high = self._ends[row], self._ends[row + 1] - 1
        for _ in range(self._halvings):
            middle = (low + high) // 2
            later = u >= self._cumulative[middle]
            low, high = jnp.where(later, middle + 1, low), jnp.where(later, high, middle)
        return self._next[low]


def _single(values: Any, name: str) -> Array:
    """Numbers in float32, refused if it cannot hold them."""
    if np.max(np.abs(values)) > np.finfo(np.float32).max:
        raise ValueError(
            f"game must have {name} below 3.4e38, the largest float32; got "
            f"{np.max(np.abs(values)):.3g}"
        )
    return jnp.asarray(values, jnp.float32)
