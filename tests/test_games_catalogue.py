"""The catalogue of named games: games by text, and refusals of bad parameters."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import games
import rqe

# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: games.free_riding(0.0), r"cost must be a number in \(0, 1\); got 0.0"),
        (lambda: games.free_riding(1), r"cost must be a number in \(0, 1\); got 1"),
        (lambda: games.free_riding(float("nan")), "cost must be .* got nan"),
        (lambda: games.free_riding("0.4"), "cost must be .* got '0.4'"),
        (lambda: games.volunteers_dilemma(1), "n must be a whole number from 2 to 16; got 1"),
        (lambda: games.volunteers_dilemma(17), "n must be a whole number from 2 to 16; got 17"),
        (lambda: games.volunteers_dilemma(2.0), "n must be a whole number .* got 2.0"),
        (lambda: games.volunteers_dilemma(True), "n must be a whole number .* got True"),
        (lambda: games.volunteers_dilemma(3, 2.0, 1.5), r"cost must be a number in \(0, 1.5\)"),
        (lambda: games.volunteers_dilemma(3, 0.5, np.inf), "benefit must be a finite number > 0"),
        (lambda: games.public_goods(3, 0.0), "multiplier must be a finite number > 0; got 0.0"),
        (lambda: games.public_goods(3, -2), "multiplier must be a finite number > 0; got -2"),
        (lambda: games.minimum_effort(2, 1), "levels must be a whole number .* got 1"),
        (lambda: games.minimum_effort(8, 7), "levels must keep .* got 7 with n = 8"),
        (lambda: games.minimum_effort(2, 3, 1.0), r"cost must be a number in \(0, 1\)"),
        (lambda: games.asymmetric_matching_pennies(0), "x must be a finite number > 0; got 0"),
        (lambda: games.selten_chmura(0), "game must be a whole number from 1 to 12; got 0"),
        (lambda: games.selten_chmura_play(13), "game must be a whole number from 1 to 12; got 13"),
        (lambda: games.random_game(()), r"shape must be a number of actions .* got \(\)"),
        (lambda: games.random_game(3), "shape must be a number of actions .* got 3"),
        (lambda: games.random_game("33"), "shape must be a number of actions .* got '33'"),
        (lambda: games.random_game((3, 0)), r"shape\[1\] must be a whole number >= 1; got 0"),
        (lambda: games.random_game((2, 2), -1), "seed must be a whole number >= 0; got -1"),
        (lambda: games.random_game((2, 2), None), "seed must be a whole number >= 0; got None"),
    ],
)
def test_bad_parameters_are_refused_by_name(build, message):
    with pytest.raises(ValueError, match=message):
        build()


# ---------------------------------------------------------------- the catalogue


def test_every_public_game_is_in_the_catalogue_and_back():
    functions = {
        name
        for name in games.__all__
        if inspect.isfunction(getattr(games, name))
        # the catalogue lists games of one step
        and name not in {"catalogue", "get", "selten_chmura_play"}
        and name not in {"cliff_walk", "overcooked_gridworld"}
    }
    assert set(games.catalogue()) == functions
    assert games.__all__ == sorted(games.__all__)


@pytest.mark.parametrize("name", list(games.catalogue()))
def test_catalogue_entries_build_and_describe(name):
    entry = games.catalogue()[name]
    assert entry.make is getattr(games, name)
    assert "\n" not in str(entry)
    assert str(entry).startswith(entry.summary)
    arguments = ",".join(str(parameter) for parameter in entry.parameters)
    # what the catalogue says of the defaults, read back, is the default game
    text = f"{name}:{arguments}" if arguments else name
    one, two = games.get(text), games.get(name)
    assert type(one) is type(two)
    if isinstance(one, rqe.NormalFormGame):
        assert all(np.array_equal(a, b) for a, b in zip(one.payoffs, two.payoffs, strict=True))


def test_the_catalogue_is_a_copy():
    games.catalogue().clear()
    assert games.catalogue()


def test_games_by_text():
    assert games.get("selten_chmura:game=3").name == "Selten-Chmura game 3"
    assert games.get("volunteers_dilemma: n = 4, cost=0.5").shape == (2, 2, 2, 2)
    assert games.get("random_game:shape=2x3x4,seed=9").shape == (2, 3, 4)
    assert games.get("random_game:shape=5").shape == (5,)
    assert games.get("push_object:n_players=3,rho=2").n_players == 3
    assert games.get("asymmetric_matching_pennies:x=1e3").payoffs[0][0, 0] == 1000.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "stag_hnt",
            r"name must be one of free_riding, .*'stag_hnt' \(did you mean 'stag_hunt'\?\)",
        ),
        ("", "name must be one of free_riding, .* got ''"),
        ("__class__", "name must be one of"),
        ("free_riding:", "arguments of free_riding must be among: cost=0.4; got ''"),
        ("free_riding:cst=1", r"among: cost=0.4; got 'cst=1' \(did you mean 'cost'\?\)"),
        ("free_riding:cost", "must be written arg=value; got 'cost'"),
        ("free_riding:cost=", "must be written arg=value; got 'cost='"),
        ("free_riding:cost=a", "cost must be a number; got 'a'"),
        ("free_riding:cost=2", r"cost must be a number in \(0, 1\); got 2.0"),
        ("free_riding:cost=0.1,cost=0.2", "given once; got cost again"),
        ("stag_hunt:x=1", "stag_hunt takes no arguments; got 'x=1'"),
        ("selten_chmura:game=1.5", "game must be a whole number; got '1.5'"),
        ("selten_chmura:game=13", "game must be a whole number from 1 to 12; got 13"),
        (
            "random_game:shape=3xx",
            "shape must be whole numbers joined by x, such as 3x4; got '3xx'",
        ),
        (3, "text must be NAME or NAME:arg=value,...; got 3"),
    ],
)
def test_bad_text_is_refused_with_what_is_valid(text, message):
    with pytest.raises(ValueError, match=message):
        games.get(text)


def test_every_source_is_in_the_bibliography():
    path = Path(__file__).parent.parent / "references.bib"
    keys = set(re.findall(r"^@\w+\{(\w+),", path.read_text("utf-8"), flags=re.MULTILINE))
    for entry in games.catalogue().values():
        if entry.source:
            assert entry.source.split(",")[0] in keys
    for name in games.catalogue():
        doc = inspect.getdoc(getattr(games, name)) or ""
        cited = re.findall(r"\b(?:[A-Z][A-Za-z]+\d\d|SRA)\b", doc)
        assert cited, name
        assert set(cited) <= keys
