"""``rqe reproduce figure2``: train IPPO and SRPO on the gridworld, draw their cross-play."""

from __future__ import annotations

from pathlib import Path

from .cli_bars import counting_bar, training_bar
from .cli_crossplay import draw
from .cli_train import trainer
from .result.files import whole_file

FULL, QUICK = (30, 2_000_000), (8, 500_000)
"""Seeds of each algorithm, and environment steps of each seed."""


def figure2(out: Path, quick: bool) -> None:
    """Train, let all runs play with each other, print the means, and draw the matrices.

    Parameters
    ----------
    out : Path
        Folder for ``figure2.png``, ``.pdf`` and ``.csv``, and for the runs, which an interrupted
        command goes on with. A quick run's names end in ``_quick``.
    quick : bool
        Fewer seeds, a quarter of the steps.
    """
    train = trainer()
    import games.overcooked

    seeds, steps = QUICK if quick else FULL
    name = "figure2_quick" if quick else "figure2"
    if quick:
        print(f"quick: {seeds} seeds of {steps} steps; the figure has {FULL[0]} of {FULL[1]}")
    runs, env = {}, games.overcooked.Gridworld()
    for title, algorithm in (("IPPO", train.IPPO()), ("SRPO", train.SRPO())):
        config = train.Config(env, algorithm, steps=steps)
        place = out / f"{name}_runs" / title.lower()
        begun = (place / "config.json").exists()
        with training_bar(title) as progress:
            runs[title] = train.train_runs(config, seeds, place, resume=begun, progress=progress)
        print(
            f"{title}: {seeds} runs of {config.interactions} steps in {runs[title].seconds:.0f} s"
        )
    with counting_bar("pairs", None) as progress_of_pairs:
        played = train.crossplay_runs(env, runs, together=True, progress=progress_of_pairs)
    print(train.summary(played))
    own = {pair: found for pair, found in played.items() if pair[0] == pair[1]}
    written = [out / f"{name}{end}" for end in (".png", ".pdf", ".csv")]
    for path in written[:2]:
        draw(own, path)
    with whole_file(written[2]) as file:
        file.write(train.pairs(played, runs).to_csv().encode())
    print("wrote", ", ".join(map(str, written)))
