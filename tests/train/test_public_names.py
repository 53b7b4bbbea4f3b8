"""The trainer's public names, written out; each says what it is."""

import inspect

import pytest

pytest.importorskip("jax")

from rqe import train

TRAIN = {
    "Algorithm",
    "AutoReset",
    "Box",
    "Config",
    "CrossPlay",
    "Discrete",
    "Environment",
    "Exploitability",
    "FictitiousCoPlay",
    "FreeRiding",
    "Frozen",
    "IPPO",
    "Interval",
    "MarkovEnvironment",
    "NormalFormEnvironment",
    "Objective",
    "Phase",
    "Plan",
    "Policies",
    "Progress",
    "PureAdversary",
    "Record",
    "Runs",
    "SRPO",
    "SelfPlay",
    "State",
    "Trained",
    "Trainer",
    "blocks",
    "bootstrap",
    "check_environment",
    "crossplay",
    "crossplay_runs",
    "exploitability",
    "free_riding",
    "load_config",
    "load_folders",
    "load_policies",
    "load_runs",
    "make_train",
    "pairs",
    "parallel_env",
    "record",
    "save_config",
    "save_policies",
    "self_play",
    "stack",
    "summary",
    "train_runs",
}


def test_the_public_names_are_these():
    assert set(train.__all__) == TRAIN
    assert len(train.__all__) == len(TRAIN)


@pytest.mark.parametrize("name", sorted(TRAIN))
def test_every_public_name_is_documented(name):
    value = getattr(train, name)
    text = inspect.getdoc(value)
    assert text
    assert len(text.splitlines()[0]) <= 100
    if inspect.isfunction(value):
        assert "Parameters" in text
        assert "Returns" in text or inspect.signature(value).return_annotation in ("None", None)
