"""Cases of the fuzz run that give the command words: damaged options, names, files and folders.

The command ends with 0 and an answer, or with 2 and one line that says why; never with a traceback.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

import games
import rqe
from benchmarks.hostile import Failure, number, require, word
from benchmarks.soak import claims_refuted
from rqe.result.serialize import from_dict

ODD = ("", "nan", "inf", "-inf", "-1", "0", "1e-320", "1e400", "1,2", "1,,2", ",", "0x1", "1_0",
       "٣", "--", "-", "é", "\x00", "1e308", "a=b", "1e16", "/dev/null", "/", ".", "missing.nfg",
       "%s", "{}", "\ud800", "=", "--json", "--help", "1;2")  # fmt: skip
SMALL = ("chicken", "stag_hunt", "free_riding", "matching_pennies", "rock_paper_scissors",
         "prisoners_dilemma", "push_object", "volunteers_dilemma:n=3", "random_game:shape=2x3",
         "random_game:shape=3", "mckelvey_mclennan", "public_goods",
         "selten_chmura:game=3")  # fmt: skip
TRAINING = ("tau", "epsilon", "seeds", "steps", "learning-rate", "set", "algorithm", "pool",
            "divergence", "checkpoint-every")  # fmt: skip
TEXT = 'NFG 1 R "coin" { "Ann" "Bob" } { 2 2 } 1 -1 -1 1 -1 1 1 -1'


def degree(rng: np.random.Generator) -> str:
    """A number as somebody types it."""
    if rng.random() < 0.3:
        return f"{number(rng):.3g}"
    return f"{10.0 ** rng.uniform(-2, 2):.3g}"


def words(rng: np.random.Generator, place: Path) -> list[str]:
    """A command that mostly makes sense."""
    game = SMALL[rng.integers(len(SMALL))]
    if rng.random() < 0.1:
        (place / "a.nfg").write_text(TEXT, encoding="utf-8")
        game = str(place / "a.nfg")
    choice = rng.random()
    if choice < 0.7:
        concept = str(rng.choice(["rqe", "rqe", "rqe", "qre", "nash", "security"]))
        argv = ["solve", game, "--concept", concept]
        argv += ["--tau", degree(rng)] if concept == "rqe" else []
        argv += ["--epsilon", degree(rng)] if concept in ("rqe", "qre") else []
        for flag, chance in (("--json", 0.6), ("--all", 0.03), ("--select", 0.1)):
            if rng.random() < chance:
                argv += [flag] if flag != "--select" else [flag, "any"]
        return argv
    if choice < 0.75:
        return ["trace", game, "--start", "1", "--stop", "1.2", "--epsilon", "0.5", "--principal"]
    if choice < 0.8:
        return ["games"]
    if choice < 0.85:
        out = place / "a-file"
        out.write_text("", encoding="utf-8")  # refused before any work, if nothing else is
        return ["reproduce", str(rng.choice(["figure1", "figure2", "nothing"])), "--out", str(out)]
    if choice < 0.92:
        out = place / "a-file"
        out.write_text("", encoding="utf-8")
        name = str(rng.choice(["overcooked", "stag_hunt", "nothing", "push_object"]))
        argv = ["train", name, "--out", str(out), "--processes", "1", "--seeds", "1"]
        option = str(rng.choice(TRAINING))
        value = degree(rng) if rng.random() < 0.5 else word(rng)
        return [*argv, f"--{option}", value if option != "set" else f"hidden={value}"]
    if choice < 0.96:
        return ["crossplay", str(place), "--out", str(place / "x.png"), "--seed", degree(rng)]
    return [str(rng.choice(["--version", "--help", "solve", "tarce", ""]))]


def damaged_words(rng: np.random.Generator, argv: list[str]) -> list[str]:
    """The same with words lost, doubled, swapped or replaced; its place to write is left alone."""
    out = list(argv)
    for _ in range(int(rng.choice([0, 0, 1, 1, 2]))):
        free = [k for k, w in enumerate(out) if k and "a-file" not in w and w not in ("--out", "")]
        if not free:
            break
        at = free[rng.integers(len(free))]
        choice = rng.integers(5)
        if choice == 0:
            del out[at]
        elif choice == 1:
            out.insert(at, out[at])
        elif choice == 2 and at > 1 and out[at - 1] not in ("--out",):
            out[at] = ODD[rng.integers(len(ODD))]
        elif choice == 3:
            out.append(ODD[rng.integers(len(ODD))])
        else:
            out[at] = word(rng)
    return out


def command(rng: np.random.Generator, place: Path) -> str:
    """A damaged command line."""
    return run(damaged_words(rng, words(rng, place)))


def run(argv: list[str]) -> str:
    """The command on these words: an answer that stands, or one line on why there is none."""
    from rqe.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(argv)
        except SystemExit as ending:
            code = ending.code
            require(code == 0 and {"--help", "-h", "--version"} & {*argv}, f"exit {code}: {argv!r}")
            return "answered"
    said = err.getvalue()
    require(code in (0, 2), f"exit {code}: {argv!r}")
    if code == 2:
        last = said.replace("\r", "\n").strip().splitlines()
        if not last or not last[-1].startswith("rqe: ") or "Traceback" in said:
            raise Failure("unnamed", f"{argv!r} said {said[-200:]!r}")
        return "refused"
    require(out.getvalue().strip(), f"nothing said: {argv!r}")
    if "--json" in argv and argv[0] == "solve":
        judge(json.loads(out.getvalue()), argv)
    return "answered"


def judge(content: Any, argv: list[str]) -> None:
    """A printed equilibrium is one of the game that was named."""
    found = from_dict(content)
    if not isinstance(found, rqe.Equilibrium):
        return
    named = [w for w in argv[1:] if w.partition(":")[0] in games.catalogue()]
    if len(named) != 1:
        return
    payoffs = np.stack(games.get(named[0]).payoffs)
    tau = np.array([a.risk.tau for a in found.agents])
    epsilon = np.array([a.regularizer.epsilon for a in found.agents])
    wrong = claims_refuted(payoffs, found, tau, epsilon)
    require(not wrong, f"{'; '.join(wrong)}: {argv!r}")
