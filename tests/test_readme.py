"""The texts name only what exists: commands, names and files (their examples run as doctests)."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from rqe import cli

ROOT = Path(__file__).parents[1]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PLAIN = re.compile(r"`(rqe(?:\.\w+)+)")


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_names_exist(path):
    for name in set(PLAIN.findall(path.read_text(encoding="utf-8"))):
        parts = name.split(".")
        thing = import_module(parts[0])
        for k, part in enumerate(parts[1:], start=1):
            if not hasattr(thing, part):
                thing = import_module(".".join(parts[: k + 1]))
            else:
                thing = getattr(thing, part)


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_links_lead_to_files(path):
    targets = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    local = [t for t in targets if "://" not in t]
    assert [t for t in local if not (path.parent / t).exists()] == []


def test_the_two_commands_are_one_line_each_and_the_ones_that_ci_runs():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv")]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    endings = re.findall(r"readme_command '([^']+)'", script)
    assert len(commands) == len(endings) == 2
    for command, ending in zip(commands, endings, strict=True):
        assert command.endswith(ending)


def test_shell_examples_are_understood_by_the_command():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"`rqe ([^`]+)`", text)
    assert len(examples) >= 3
    for example in examples:
        options = cli._parser().parse_args(shlex.split(example))
        assert options.run is not None
