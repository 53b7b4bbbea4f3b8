"""Progress bars of the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def counting_bar(title: str, total: int | None) -> Iterator[Callable[[int, int], None]]:
    """A callback that shows a bar on a terminal, once the work has taken two seconds."""
    from tqdm import tqdm

    # disable=None: no bar where standard error is not a terminal
    with tqdm(total=total, desc=title, delay=2, disable=None, leave=False) as bar:

        def show(done: int, of: int) -> None:
            bar.total = of
            bar.update(done - bar.n)

        yield show


@contextmanager
def training_bar(title: str) -> Iterator[Callable[[Any], None]]:
    """A callback that shows how far training is, its return and its pace, on a terminal."""
    from tqdm import tqdm

    form = "{desc}: {percentage:5.1f}%|{bar}| {elapsed}<{remaining}{postfix}"
    with tqdm(total=1.0, desc=title, disable=None, leave=False, bar_format=form) as bar:

        def show(progress: Any) -> None:
            bar.set_postfix_str(
                f"return {progress.mean_return:.1f}, {progress.steps_per_second:,.0f} steps/s",
                refresh=False,
            )
            bar.n = progress.fraction
            bar.refresh()  # a report comes every other second: none is one too many

        yield show
