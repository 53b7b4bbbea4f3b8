"""The command that trains policies."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import games
import rqe

from .cli_bars import training_bar

ALGORITHMS = ("ippo", "self-play", "srpo", "pure-adversary", "fcp")
OPTIONS = {
    "srpo": ("tau", "divergence", "adversary"),
    "pure-adversary": ("divergence", "adversary"),
    "fcp": ("pool",),
}
"""What each algorithm takes."""


def add_command(commands: Any, numbers: Callable[[str], Any]) -> None:
    """Add ``train`` to the command's parser.

    Parameters
    ----------
    commands : subparsers of argparse
    numbers : function
        Reads a number or a comma-separated list of them.
    """
    train = commands.add_parser(
        "train",
        help="train policies over many seeds (extra srpo)",
        description=(
            "Train an algorithm over many seeds, on every core, with checkpoints every few "
            "minutes. Interrupted, it goes on with --resume, to the same bits."
        ),
    )
    train.add_argument(
        "environment",
        metavar="NAME[:arg=value,...]",
        help="overcooked, or a normal-form game that `rqe games` lists",
    )
    train.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    train.add_argument("--algorithm", choices=ALGORITHMS, default="srpo", help="default: srpo")
    train.add_argument("--tau", type=float, help="srpo: degree of risk aversion (default: 10)")
    train.add_argument("--divergence", choices=("reverse_kl", "kl"), help="srpo: what ties")
    train.add_argument("--adversary", choices=("learned", "closed-form"), help="srpo: of what kind")
    train.add_argument("--pool", type=Path, nargs="+", help="fcp: folders of finished runs")
    train.add_argument("--epsilon", type=numbers, help="entropy's weight (default: 0.1)")
    train.add_argument(
        "--seeds", type=_seeds, default=30, help="so many, or which: 0,1,7 (default: 30)"
    )
    train.add_argument(
        "--steps", type=_whole, help="environment steps of a seed (default: 2e6)", metavar="N"
    )
    train.add_argument("--learning-rate", type=float, help="Adam's (default: 6e-4)")
    train.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other field of train.Config or of the algorithm, as JSON; may be repeated",
    )
    train.add_argument("--resume", action="store_true", help="go on where it was interrupted")
    train.add_argument("--force", action="store_true", help="discard what is in the folder")
    train.add_argument("--processes", type=int, help="default: one a core")
    train.add_argument(
        "--checkpoint-every", type=float, default=180.0, metavar="SECONDS", help="default: 180"
    )
    train.set_defaults(run=_train)


def _seeds(text: str) -> int | list[int]:
    """A number of seeds, or a comma-separated list of which."""
    try:
        numbers = [int(part) for part in text.split(",") if part]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number, or numbers separated by commas; got {text!r}"
        ) from None
    return numbers[0] if "," not in text and numbers else numbers


def _whole(text: str) -> int:
    """A whole number, also written as 2e6."""
    try:
        number = float(text)
        if number != int(number):
            raise ValueError
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"must be a whole number; got {text!r}") from None
    return int(number)


def _setting(text: str) -> tuple[str, Any]:
    """NAME=VALUE; a value that is no JSON is a word."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE; got {text!r}")
    try:
        found = json.loads(value)
    except json.JSONDecodeError:
        found = value
    return name, tuple(found) if isinstance(found, list) else found


def trainer() -> Any:
    """The room of training, or the error that names what brings it."""
    try:
        from . import train
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in ("jax", "jaxlib", "optax", "safetensors"):
            raise
        raise rqe.MissingExtraError(package, "srpo") from None
    return train


def environment(text: str) -> Any:
    """An environment by name, such as ``overcooked``, or ``stag_hunt`` of the named games."""
    train = trainer()
    name, _, rest = text.partition(":")
    if name == "overcooked":
        from games.overcooked import Gridworld

        arguments = dict(_setting(part) for part in rest.split(",") if part)
        unknown = sorted(arguments.keys() - {"horizon"})
        if unknown:
            raise ValueError(f"overcooked takes the argument horizon; got {unknown[0]!r}")
        return Gridworld(**arguments)
    if name not in games.catalogue():
        raise ValueError(
            f"environment must be overcooked or a game that `rqe games` lists; got {name!r}"
        )
    game = games.get(text)
    if not isinstance(game, rqe.NormalFormGame):
        raise ValueError(f"environment must be a normal-form game; {name} is none")
    return train.NormalFormEnvironment(game)


def _algorithm(options: argparse.Namespace, more: dict[str, Any]) -> Any:
    """The algorithm, with its options and those settings of ``more`` that are its own."""
    train = trainer()
    kind: Any = {
        "ippo": train.IPPO,
        "self-play": train.SelfPlay,
        "srpo": train.SRPO,
        "pure-adversary": train.PureAdversary,
        "fcp": train.FictitiousCoPlay,
    }[options.algorithm]
    taken = OPTIONS.get(options.algorithm, ())
    given = {n: getattr(options, n) for n in ("tau", "divergence", "adversary", "pool")}
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if name not in taken:
            raise ValueError(f"--algorithm {options.algorithm} takes no --{name}")
    if options.algorithm == "fcp":
        if "pool" not in given:
            raise ValueError("--algorithm fcp needs --pool, folders of finished runs")
        given["pool"] = train.stack([train.load_runs(p).policies for p in options.pool])
    own = {f.name for f in dataclasses.fields(kind)} - {"name"}
    return kind(**given, **{name: more.pop(name) for name in own & more.keys()})


def settings(options: argparse.Namespace) -> Any:
    """The settings that the words of ``rqe train`` ask for."""
    train = trainer()
    env, more = environment(options.environment), dict(options.set)
    algorithm = _algorithm(options, more)
    for name in ("epsilon", "steps", "learning_rate"):
        if getattr(options, name) is not None:
            value = getattr(options, name)
            more[name] = tuple(value) if isinstance(value, list) else value
    known = {f.name for f in dataclasses.fields(train.Config)} - {"env", "algorithm"}
    unknown = sorted(more.keys() - known)
    if unknown:
        raise ValueError(
            f"--set must name a field of train.Config or of the algorithm; got {unknown[0]!r}"
        )
    return train.Config(env, algorithm, **more)


def _train(options: argparse.Namespace) -> None:
    train = trainer()
    config = settings(options)
    with training_bar("training") as progress:
        runs = train.train_runs(
            config,
            options.seeds,
            options.out,
            checkpoint_every=options.checkpoint_every,
            resume=options.resume,
            force=options.force,
            processes=options.processes,
            progress=progress,
        )
    total = config.interactions * len(runs.seeds)
    print(f"{len(runs.seeds)} runs of {config.interactions} steps in {runs.out}")
    pace = total / runs.seconds
    print(f"trained in {runs.seconds:.0f} s with compilation: {pace:.0f} steps a second")
