"""The command that lets trained runs play together and draws Figure 2."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from .cli_bars import counting_bar
from .cli_train import trainer
from .result.files import whole_file

PICTURES = (".png", ".pdf")


def add_command(commands: Any) -> None:
    """Add ``crossplay`` to the command's parser."""
    parser = commands.add_parser(
        "crossplay",
        help="let trained runs play together and draw the matrices (extra srpo)",
        description=(
            "Every run with every other one of its folder: a matrix a folder, all on one colour "
            "scale, with a table of all pairs (CSV) beside the picture."
        ),
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="DIR", help="from `rqe train`")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="a picture, .png or .pdf"
    )
    parser.add_argument(
        "--together", action="store_true", help="one matrix: runs of different folders play too"
    )
    parser.add_argument("--episodes", type=int, default=32, help="rollouts a pair (default: 32)")
    parser.add_argument("--steps", type=int, default=128, help="of a rollout (default: 128)")
    parser.add_argument("--seed", type=int, default=0, help="of these rollouts (default: 0)")
    parser.set_defaults(run=_crossplay)


def _crossplay(options: argparse.Namespace) -> None:
    if options.out.suffix not in PICTURES:
        raise ValueError(f"--out must end in .png or .pdf; got {options.out}")
    if options.seed < 0:
        raise ValueError(f"--seed must be >= 0; got {options.seed}")
    train = trainer()
    import games.overcooked  # noqa: F401  # a class that settings may name

    options.out.parent.mkdir(parents=True, exist_ok=True)  # a bad place is refused before any work
    env, runs = train.load_folders(options.runs)
    with counting_bar("pairs", None) as progress:
        played = train.crossplay_runs(
            env,
            runs,
            together=options.together,
            seed=options.seed,
            episodes=options.episodes,
            steps=options.steps,
            progress=progress,
        )
    print(train.summary(played))
    written = [options.out, options.out.with_suffix(".csv")]
    draw(played, written[0])
    with whole_file(written[1]) as file:
        file.write(train.pairs(played, runs).to_csv().encode())
    print("wrote", ", ".join(map(str, written)))


def draw(played: dict[tuple[str, str], Any], out: Path) -> None:
    """A matrix a folder on one colour scale, or one of all folders in blocks, to a picture.

    Parameters
    ----------
    played : dict of (str, str) to CrossPlay
        From `rqe.train.crossplay_runs`.
    out : Path
    """
    from . import plot, plot_crossplay

    names = list(dict.fromkeys(a for a, _ in played))
    if len(played) == len(names):
        axes = plot_crossplay.matrices({a: found.total for (a, _), found in played.items()})
    else:
        axes = plot.panels()
        joined = np.block([[played[a, b].total for b in names] for a in names])
        blocks = {name: len(played[name, name].total) for name in names}
        plot_crossplay.matrix(joined, axes[0], blocks=blocks)
    with whole_file(out) as file:
        plot.save(axes[0], file, format=out.suffix[1:])
