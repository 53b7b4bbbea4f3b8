"""IPPO and SRPO on the Overcooked gridworld in plain PyTorch: what `rqe.train` is compared with.

Written as a practitioner would: a Python object for each of the eight environments (at so few,
faster than NumPy arrays of all of them), networks in batches, no loop over samples in the update,
one thread. The rules and settings are those of the gridworld runs of SRA.
"""

from __future__ import annotations

import copy
import random
import time
from typing import Any

import numpy as np

MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1), (0, 0))
ONIONS = {(3, 4): 6, (4, 3): 7}
SETTINGS: dict[str, Any] = {
    "envs": 8, "steps": 128, "horizon": 50, "rate": 6e-4, "epochs": 4, "clip": 0.2,
    "discount": 0.99, "gae": 0.95, "epsilon": 0.1, "tau": 10.0,
}  # fmt: skip


class Kitchen:
    """One gridworld."""

    def __init__(self, horizon: int, rng: random.Random) -> None:
        self.horizon, self.draw = horizon, rng.random
        self.reset()

    def reset(self) -> list[int]:
        """Start anew; row, column and hands of both cooks, and the onions."""
        starts = (0, 1, 0, 1, 0, 0) if self.draw() < 0.5 else (1, 0, 0, 0, 1, 0)
        self.state, self.time = [*starts, 1, 1], 0
        return self.state

    def step(self, actions: list[int]) -> tuple[list[int], list[float], bool]:
        """Observation, rewards of both cooks, and whether a new episode begins."""
        state, rewards = self.state, [0.0, 0.0]
        for cook in (1, 0) if self.draw() < 0.5 else (0, 1):
            shared = self._turn(cook, actions[cook], rewards)
            rewards = [rewards[0] + shared, rewards[1] + shared]
        for onion in (6, 7):
            if not state[onion] and self.draw() < 0.2:
                state[onion] = 1
        self.time += 1
        done = self.time >= self.horizon
        return (self.reset() if done else state), rewards, done

    def _turn(self, cook: int, action: int, rewards: list[float]) -> float:
        """What both earn by one cook's action; its costs go into its own reward."""
        state, own, other = self.state, 3 * cook, 3 - 3 * cook
        if action != 4:
            rewards[cook] -= 0.2
        row = min(max(state[own] + MOVES[action][0], 0), 4)
        column = min(max(state[own + 1] + MOVES[action][1], 0), 4)
        if row == 2 and column == 2:
            delivers = state[own + 2]
            state[own + 2] = 0
            return 10.0 * delivers
        if row == state[other] and column == state[other + 1]:
            rewards[cook] -= 2.0
            return 0.0
        state[own], state[own + 1] = row, column
        onion = ONIONS.get((row, column))
        if onion is None or state[own + 2] or not state[onion]:
            return 0.0
        state[onion], state[own + 2] = 0, 1
        return 1.0


class Kitchens:
    """Gridworlds in lockstep."""

    def __init__(self, count: int, horizon: int, seed: int) -> None:
        rng = random.Random(seed)
        self.kitchens = [Kitchen(horizon, rng) for _ in range(count)]

    def reset(self) -> np.ndarray:
        """Start anew; observations (count, 8)."""
        return np.array([kitchen.reset() for kitchen in self.kitchens], dtype=np.float32)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Observations, rewards (count, 2) and dones after actions (count, 2)."""
        pairs = zip(self.kitchens, actions.tolist(), strict=True)
        obs, rewards, dones = zip(*[k.step(a) for k, a in pairs], strict=True)
        return np.array(obs, dtype=np.float32), np.array(rewards), np.array(dones)


def _network(out: int) -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, out)
    )


class Learner:
    """A policy, a critic and their optimiser."""

    def __init__(self, rate: float, actor: Any = None) -> None:
        import torch

        self.actor = _network(5) if actor is None else copy.deepcopy(actor)
        self.critic = _network(1)
        parameters = [*self.actor.parameters(), *self.critic.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=rate)


def rollout(players: list[Learner], kitchens: Kitchens, steps: int) -> dict[str, Any]:
    """Observations (T + 1, E, 8), actions (T, E, 2), rewards (T, E, 2) and dones (T, E)."""
    import torch

    obs = [kitchens.reset()]
    actions, rewards, dones = [], [], []
    with torch.no_grad():
        for _ in range(steps):
            seen = torch.from_numpy(obs[-1])
            logits = torch.stack([p.actor(seen) for p in players], dim=1)
            drawn = torch.distributions.Categorical(logits=logits).sample()
            after, paid, done = kitchens.step(drawn.numpy())
            obs.append(after)
            actions.append(drawn)
            rewards.append(torch.from_numpy(paid.astype(np.float32)))
            dones.append(torch.from_numpy(done.astype(np.float32)))
    return {
        "obs": torch.from_numpy(np.stack(obs)), "actions": torch.stack(actions),
        "rewards": torch.stack(rewards), "dones": torch.stack(dones),
    }  # fmt: skip


def update(
    learner: Learner, seat: int, reward: Any, data: dict[str, Any], anchor: Any, s: dict[str, Any]
) -> None:
    """PPO's epochs for one learner; an anchor makes it an adversary."""
    import torch
    from torch.distributions import Categorical, kl_divergence

    obs, action = data["obs"], data["actions"][..., seat]
    with torch.no_grad():
        values = learner.critic(obs)[..., 0]
        old = Categorical(logits=learner.actor(obs[:-1])).log_prob(action)
        keep = s["discount"] * (1.0 - data["dones"])
        delta = reward + keep * values[1:] - values[:-1]
        advantage, running = torch.zeros_like(delta), torch.zeros_like(delta[0])
        for t in range(len(delta) - 1, -1, -1):
            running = delta[t] + s["gae"] * keep[t] * running
            advantage[t] = running
        target = advantage + values[:-1]
        tied = None if anchor is None else Categorical(logits=anchor(obs[:-1]))
    for _ in range(s["epochs"]):
        policy = Categorical(logits=learner.actor(obs[:-1]))
        ratio = (policy.log_prob(action) - old).exp()
        clipped = ratio.clamp(1.0 - s["clip"], 1.0 + s["clip"])
        gain = torch.minimum(ratio * advantage, clipped * advantage).mean()
        if tied is None:
            gain = gain + s["epsilon"] * policy.entropy().mean()
        else:
            gain = gain - kl_divergence(tied, policy).mean() / s["tau"]
        error = (learner.critic(obs[:-1])[..., 0] - target).pow(2).mean()
        learner.optimizer.zero_grad()
        (0.5 * error - gain).backward()
        learner.optimizer.step()


def train(
    algorithm: str, updates: int, seed: int, settings: dict[str, Any] | None = None
) -> tuple[list[Any], float]:
    """Policies of both seats after so many updates, and environment steps per CPU-second.

    Parameters
    ----------
    algorithm : {"ippo", "srpo"}
    updates, seed : int
    settings : dict, optional
        Changes of `SETTINGS`.

    Raises
    ------
    ModuleNotFoundError
        PyTorch is not installed.
    """
    import torch

    s = SETTINGS | (settings or {})
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    kitchens = Kitchens(s["envs"], s["horizon"], seed)
    agents = [Learner(s["rate"]) for _ in range(2)]
    rivals = [Learner(s["rate"], agents[1 - i].actor) for i in range(2)]
    warm = min(2, updates - 1)
    began = time.process_time()
    for number in range(updates):
        if number == warm:
            began = time.process_time()
        if algorithm == "ippo":
            data = rollout(agents, kitchens, s["steps"])
            for i, agent in enumerate(agents):
                update(agent, i, data["rewards"][..., i], data, None, s)
            continue
        for i, agent in enumerate(agents):
            seats = [agent, rivals[i]] if i == 0 else [rivals[i], agent]
            data = rollout(seats, kitchens, s["steps"])
            reward = data["rewards"][..., i]
            update(agent, i, reward, data, None, s)
            update(rivals[i], 1 - i, -reward, data, agents[1 - i].actor, s)
    phases = 1 if algorithm == "ippo" else 2
    steps = (updates - warm) * phases * s["envs"] * s["steps"]
    return [a.actor for a in agents], steps / (time.process_time() - began)


def evaluate(actors: list[Any], seed: int, episodes: int = 32, steps: int = 128) -> float:
    """Mean sum of both cooks' returns."""
    players = [Learner(1e-3, actor) for actor in actors]
    kitchens = Kitchens(episodes, SETTINGS["horizon"], seed)
    return float(rollout(players, kitchens, steps)["rewards"].sum(dim=(0, 2)).mean())
