"""Settings as JSON: told apart, and built again."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from toys import Switches

import games
from games.overcooked import Gridworld
from rqe import train
from rqe.train.networks import network
from rqe.train.settings import describe, digest

ROOT = Path(__file__).resolve().parent.parent.parent
POOL = jax.vmap(lambda k: train.Policies((network(k, (1, 4, 2)),) * 2))(
    jax.random.split(jax.random.key(0), 2)
)
HUNT = train.NormalFormEnvironment(games.stag_hunt(), horizon=2)


@pytest.mark.parametrize(
    "config",
    [
        train.Config(Gridworld(), train.IPPO()),
        train.Config(Gridworld(horizon=9), train.SRPO(tau=float("inf"), divergence="kl")),
        train.Config(Gridworld(), train.PureAdversary(), epsilon=(0.1, 0.3), hidden=(), rows=()),
        train.Config(HUNT, train.SelfPlay(), max_grad_norm=0.5, penalty="reward", reset=False),
        train.Config(HUNT, train.SRPO(shared=True), learning_rate=1 / 3, steps=10**7),
    ],
    ids=lambda config: config.algorithm.name,
)
def test_settings_come_back(tmp_path, config):
    train.save_config(tmp_path / "config.json", config)
    back = train.load_config(tmp_path)
    assert describe(back) == describe(config)
    assert digest(back) == digest(config)
    assert dataclasses.replace(back, env=config.env) == config
    if config.env is HUNT:
        mine, theirs = back.env.game, HUNT.game
        assert [p.tolist() for p in mine.payoffs] == [p.tolist() for p in theirs.payoffs]
        assert (mine.players, mine.actions, mine.name) == (
            theirs.players,
            theirs.actions,
            theirs.name,
        )
    else:
        assert back.env == config.env


def test_a_pool_is_kept_beside_the_settings(tmp_path):
    config = train.Config(HUNT, train.FictitiousCoPlay(POOL))
    train.save_config(tmp_path / "config.json", config)
    back = train.load_config(tmp_path / "config.json")
    assert digest(back) == digest(config)
    assert len(back.algorithm.pool) == 2
    other = jax.tree.map(lambda a: a + 1e-3, POOL)
    assert digest(train.Config(HUNT, train.FictitiousCoPlay(other))) != digest(config)
    train.save_policies(tmp_path / "pool.safetensors", other)
    with pytest.raises(ValueError, match=r"differ in algorithm\.pool"):
        train.load_config(tmp_path)


def test_every_setting_changes_the_digest():
    base = train.Config(Gridworld(), train.SRPO())
    others = {
        "epsilon": 0.2, "steps": 10**6, "n_envs": 4, "n_steps": 64, "reset": False,
        "learning_rate": 1e-3, "anneal": True, "epochs": 2, "minibatches": 2, "clip": 0.1,
        "discount": 0.9, "gae_lambda": 0.9, "value_coefficient": 1.0,
        "normalize_advantages": True, "max_grad_norm": 1.0, "penalty": "reward", "hidden": (8,),
        "rows": (), "env": Gridworld(horizon=4), "algorithm": train.SRPO(tau=1.0),
    }  # fmt: skip
    changed = [dataclasses.replace(base, **{n: v}) for n, v in others.items()]
    changed.append(train.Config(Gridworld(), train.PureAdversary(tau=10.0)))
    digests = {digest(c) for c in (base, *changed)}
    assert len(digests) == len(changed) + 1


def test_the_digest_is_that_of_what_differs_from_the_defaults(monkeypatch):
    before = digest(train.Config(Gridworld(), train.SRPO()))

    @dataclasses.dataclass(frozen=True)
    class Later(train.Config):
        invented: int = 3

    assert digest(Later(Gridworld(), train.SRPO())) == before
    assert digest(Later(Gridworld(), train.SRPO(), invented=4)) != before


def test_environments_without_a_description_are_told_by_what_they_hold(tmp_path):
    def markov(horizon):
        return train.Config(
            train.MarkovEnvironment(games.cliff_walk(horizon=horizon)), train.IPPO()
        )

    assert digest(markov(5)) == digest(markov(5)) != digest(markov(6))
    train.save_config(tmp_path / "config.json", markov(5))
    with pytest.raises(ValueError, match="env must be given"):
        train.load_config(tmp_path)
    back = train.load_config(tmp_path, env=markov(5).env)
    assert back.env.game.horizon == 5
    with pytest.raises(ValueError, match="differ in environment"):
        train.load_config(tmp_path, env=markov(6).env)
    switches = train.Config(Switches(), train.IPPO())
    assert digest(switches) == digest(train.Config(Switches(), train.IPPO()))


@dataclasses.dataclass(frozen=True)
class Mine(train.IPPO):
    strength: float = 1.0


def test_algorithms_of_others_are_given(tmp_path):
    config = train.Config(Gridworld(), Mine(strength=2.0))
    train.save_config(tmp_path / "config.json", config)
    with pytest.raises(ValueError, match=r"algorithm must be given: .* test_settings\.Mine"):
        train.load_config(tmp_path)
    assert train.load_config(tmp_path, algorithm=Mine(strength=2.0)) == config
    with pytest.raises(ValueError, match=r"algorithm\.strength \(1\.0, 2\.0\)"):
        train.load_config(tmp_path, algorithm=Mine())


def test_nothing_is_imported_by_name(tmp_path):
    train.save_config(tmp_path / "config.json", train.Config(Gridworld(), train.IPPO()))
    code = (
        "import sys\nfrom rqe import train\n"
        "try:\n    train.load_config(sys.argv[1])\n"
        "except ValueError as error:\n    print(error)\n"
        "assert 'games' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "games.overcooked.Gridworld, which is no dataclass in a module that has" in done.stdout


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "rqe-training-0"}'])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match="must be a JSON file of format rqe-training-1"):
        train.load_config(tmp_path)


def test_changed_files_are_refused(tmp_path):
    place = tmp_path / "config.json"
    train.save_config(place, train.Config(Gridworld(), train.SRPO()), seeds=[1])
    content = json.loads(place.read_text())
    assert content["seeds"] == [1]
    content["config"]["epsilon"] = 0.2
    place.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="must be of the settings given"):
        train.load_config(place)
    del content["config"]["environment"]
    place.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="all settings; 'environment'"):
        train.load_config(place)
    content["config"] = {"tune": 1, "environment": {}, "algorithm": {}}
    place.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="all settings"):
        train.load_config(place)
