"""Cross-play matrices as heat maps, and episodes on a grid, frame by frame or animated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle

from .plot import BLUE, GREEN, GREY, VERMILION, panels

_SCALE = "cividis"
"""Looks alike to colour-blind readers, and grows lighter throughout."""
_AGENTS = (BLUE, VERMILION, GREEN, "#CC79A7", "#56B4E9")
_ITEM = "#E69F00"
_LINE: dict[str, Any] = {"color": "white", "linewidth": 2.0}


def matrix(
    values: Any,
    ax: Axes,
    *,
    limits: tuple[float, float] | None = None,
    blocks: Mapping[str, int] | None = None,
    key: bool = True,
    title: str = "",
    unit: str = "sum of returns (reward units)",
) -> Axes:
    """A cross-play matrix as a heat map, its first row on top.

    Parameters
    ----------
    values : array_like (R, C)
        What run i in seat 1 and run j in seat 2 earn; NaN leaves a cell grey.
    ax : Axes
    limits : (low, high), optional
        Ends of the colour scale, so that panels can be compared; by default those of the values.
    blocks : mapping of str to int, optional
        Groups of runs in the order of rows and of columns, and how many: named at the edges, with
        lines between them. Needs R = C.
    key : bool
        Whether a bar beside the panel says what colours mean.
    title, unit : str

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        Values that are not a matrix with a finite entry, blocks that do not add up, limits out of
        order.

    Examples
    --------
    >>> from rqe import plot, plot_crossplay
    >>> (ax,) = plot.panels()
    >>> ax = plot_crossplay.matrix([[5.0, 1.0], [2.0, 4.0]], ax)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('run in seat 2', 'run in seat 1')
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or not np.any(np.isfinite(array)):
        raise ValueError(
            f"values must be a matrix (R, C) with a finite entry; got shape {array.shape}"
        )
    low, high = scale([array]) if limits is None else limits
    if not low < high:
        raise ValueError(f"limits must be (low, high) with low < high; got {limits!r}")
    inside = array[np.isfinite(array)]
    image = ax.imshow(
        np.ma.masked_invalid(array), cmap=_colors(), vmin=low, vmax=high, interpolation="nearest"
    )
    ax.set_xlabel("run in seat 2")
    ax.set_ylabel("run in seat 1")
    ax.set_title(title)
    if blocks is None:
        for axis, count in ((ax.xaxis, array.shape[1]), (ax.yaxis, array.shape[0])):
            axis.set_ticks(range(0, count, max(1, -(-count // 6))))
    else:
        _name_blocks(blocks, array.shape, ax)
    if key:
        figure = ax.get_figure(root=True)
        assert figure is not None
        below, above = inside.min() < low, inside.max() > high
        extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}
        bar = figure.colorbar(image, ax=ax, shrink=0.9, extend=extend[int(below), int(above)])
        bar.set_label(unit)
    return ax


def matrices(values: Mapping[str, Any], **options: Any) -> tuple[Axes, ...]:
    """Cross-play matrices side by side on one colour scale, as SRA's Figure 2 has them.

    Parameters
    ----------
    values : mapping of str to array_like (R, C)
        By title.
    options
        As `matrix` takes them; the bar is beside the last panel.

    Returns
    -------
    tuple of Axes
        In a new figure.

    Examples
    --------
    >>> from rqe import plot_crossplay
    >>> axes = plot_crossplay.matrices({"IPPO": [[3.0, 1.0], [1.0, 3.0]], "SRPO": [[4.0]]})
    >>> [ax.get_title() for ax in axes]
    ['IPPO', 'SRPO']
    """
    if not values:
        raise ValueError("values must have a matrix; got none")
    options = {"limits": scale(list(values.values()))} | options
    axes = panels(len(values))
    for number, (ax, (title, array)) in enumerate(zip(axes, values.items(), strict=True)):
        matrix(array, ax, title=title, key=number == len(axes) - 1, **options)
    return axes


def scale(values: Sequence[Any]) -> tuple[float, float]:
    """Ends of a colour scale that several matrices fit on.

    Parameters
    ----------
    values : sequence of array_like

    Returns
    -------
    low, high : float
        The smallest and the largest finite entry, a unit apart where all are equal.
    """
    every = np.concatenate([np.asarray(v, dtype=np.float64).ravel() for v in values])
    finite = every[np.isfinite(every)]
    if not finite.size:
        raise ValueError("values must have a finite entry; got none")
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _colors() -> Any:
    return mpl.colormaps[_SCALE].with_extremes(bad="#BBBBBB")


def _name_blocks(blocks: Mapping[str, int], shape: tuple[int, ...], ax: Axes) -> None:
    """Lines between groups of runs, and their names in place of the runs' numbers."""
    counts = list(blocks.values())
    if any(c < 1 for c in counts) or {sum(counts)} != set(shape):
        raise ValueError(
            f"blocks must be counts >= 1 that add up to the {shape[0]} rows and {shape[1]} columns;"
            f" got {dict(blocks)!r}"
        )
    ends = np.cumsum(counts)
    for end in ends[:-1]:
        ax.axvline(end - 0.5, **_LINE)
        ax.axhline(end - 0.5, **_LINE)
    middles = ends - np.array(counts) / 2.0 - 0.5
    ax.set_xticks(middles, list(blocks))
    ax.set_yticks(middles, list(blocks), rotation=90, va="center")
    ax.tick_params(length=0)


def frames(
    positions: Any,
    axes: Sequence[Axes],
    *,
    shape: tuple[int, int],
    carrying: Any = None,
    items: Any = (),
    present: Any = None,
    blocked: Mapping[str, Sequence[int]] | None = None,
    captions: Sequence[str] | None = None,
) -> tuple[Axes, ...]:
    """Moments of an episode on a grid, one a panel.

    Agents are numbered discs, what they carry is a small disc on theirs, and so is an item in a
    corner of its cell; a missing item is a ring. Agents that stand on one cell are drawn side by
    side. Rows count downwards.

    Parameters
    ----------
    positions : int array_like (T, N, 2)
        Row and column of N agents at T moments.
    axes : sequence of T Axes
    shape : (rows, columns)
        Of the grid.
    carrying : bool array_like (T, N), optional
    items : int array_like (K, 2)
        Cells in which items lie.
    present : bool array_like (T, K), optional
        Whether each is there; by default always.
    blocked : mapping of str to (row, column), optional
        Solid cells and what to write on them.
    captions : sequence of T str, optional
        Over the panels.

    Returns
    -------
    tuple of Axes

    Raises
    ------
    ValueError
        Shapes that do not match, agents or items off the grid.

    Examples
    --------
    >>> from rqe import plot, plot_crossplay
    >>> axes = plot.panels(2)
    >>> two = plot_crossplay.frames([[[0, 0], [1, 1]], [[0, 1], [1, 1]]], axes, shape=(2, 2))
    >>> len(two)
    2
    """
    board = _Board(positions, shape, carrying, items, present, blocked, captions)
    if len(axes) != board.count:
        raise ValueError(f"axes must be {board.count}, one a moment; got {len(axes)}")
    for moment, ax in enumerate(axes):
        board.empty(ax)
        board.draw(moment, ax)
    return tuple(axes)


def animate(
    positions: Any,
    ax: Axes,
    *,
    shape: tuple[int, int],
    carrying: Any = None,
    items: Any = (),
    present: Any = None,
    blocked: Mapping[str, Sequence[int]] | None = None,
    captions: Sequence[str] | None = None,
    interval: float = 250.0,
) -> FuncAnimation:
    """An episode on a grid as an animation.

    Parameters
    ----------
    positions, shape, carrying, items, present, blocked, captions
        As `frames` has them.
    ax : Axes
    interval : float
        Milliseconds a moment.

    Returns
    -------
    FuncAnimation
        To be kept until it is shown, ``to_jshtml()``, or saved.

    Raises
    ------
    ValueError
        As `frames` does.
    """
    board = _Board(positions, shape, carrying, items, present, blocked, captions)
    board.empty(ax)
    drawn: list[Artist] = []

    def show(moment: int) -> list[Artist]:
        while drawn:
            drawn.pop().remove()
        drawn.extend(board.draw(moment, ax))
        return drawn

    figure = ax.get_figure(root=True)
    assert figure is not None
    return FuncAnimation(figure, show, frames=board.count, init_func=list, interval=interval)


class _Board:
    """A grid, and what is on it at each moment."""

    def __init__(
        self,
        positions: Any,
        shape: tuple[int, int],
        carrying: Any,
        items: Any,
        present: Any,
        blocked: Mapping[str, Sequence[int]] | None,
        captions: Sequence[str] | None,
    ) -> None:
        self.at = np.asarray(positions, dtype=np.float64)
        if self.at.ndim != 3 or self.at.shape[2] != 2 or not self.at.size:
            raise ValueError(
                f"positions must have shape (T, N, 2), rows and columns; got {self.at.shape}"
            )
        self.count, self.agents = self.at.shape[:2]
        self.shape, self.blocked = shape, dict(blocked or {})
        self.items = np.asarray(items, dtype=np.float64).reshape(-1, 2)
        for name, cells in (("positions", self.at), ("items", self.items)):
            if np.any((cells < 0) | (cells >= np.array(shape))):
                raise ValueError(f"{name} must lie on the grid of {shape[0]} x {shape[1]} cells")
        kept = (self.count, len(self.items))
        self.present = self._flags(np.ones(kept) if present is None else present, kept, "present")
        held = (self.count, self.agents)
        self.held = self._flags(np.zeros(held) if carrying is None else carrying, held, "carrying")
        if captions is not None and len(captions) != self.count:
            raise ValueError(f"captions must be {self.count}, one a moment; got {len(captions)}")
        self.captions = [""] * self.count if captions is None else list(captions)

    @staticmethod
    def _flags(values: Any, shape: tuple[int, int], name: str) -> Any:
        array = np.asarray(values)
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape}; got {array.shape}")
        return array.astype(bool)

    def empty(self, ax: Axes) -> None:
        """The grid with its solid cells."""
        rows, columns = self.shape
        ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal")
        ax.set_xticks(np.arange(0.5, columns - 1), minor=True)
        ax.set_yticks(np.arange(0.5, rows - 1), minor=True)
        ax.grid(which="minor", color="#999999", linewidth=0.5)
        ax.tick_params(which="minor", length=0)
        ax.set_xticks(range(columns))
        ax.set_yticks(range(rows))
        ax.set_xlabel("column")
        ax.set_ylabel("row")
        for word, (row, column) in self.blocked.items():
            ax.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1.0, 1.0, facecolor="#DDDDDD", edgecolor=GREY)
            )
            ax.text(column, row, word, ha="center", va="center", fontsize=9)

    def draw(self, moment: int, ax: Axes) -> list[Artist]:
        """What is there at one moment."""
        drawn: list[Artist] = []
        for (row, column), there in zip(self.items, self.present[moment], strict=True):
            face = _ITEM if there else "none"
            spot = (column - 0.33, row - 0.33)
            drawn.append(ax.add_patch(Circle(spot, 0.13, facecolor=face, edgecolor=_ITEM)))
        here = self.at[moment]
        for agent, cell in enumerate(here):
            beside = [j for j in range(self.agents) if np.array_equal(here[j], cell)]
            x = cell[1] + 0.46 * (beside.index(agent) - (len(beside) - 1) / 2.0)
            color = _AGENTS[agent % len(_AGENTS)]
            radius = 0.28 if len(beside) == 1 else 0.23
            body = Circle((x, cell[0] + 0.08), radius, facecolor=color, edgecolor="white", zorder=3)
            drawn.append(ax.add_patch(body))
            drawn.append(
                ax.text(x, cell[0] + 0.08, str(agent + 1), color="white", ha="center",
                        va="center", fontsize=9, fontweight="bold", zorder=4)
            )  # fmt: skip
            if self.held[moment, agent]:
                load = Circle((x + 0.18, cell[0] - 0.16), 0.12, facecolor=_ITEM, edgecolor="white")
                load.set_zorder(5)
                drawn.append(ax.add_patch(load))
        if self.captions[moment]:
            top: dict[str, Any] = {
                "ha": "center",
                "va": "bottom",
                "transform": ax.transAxes,
                "fontsize": 10,
            }
            drawn.append(ax.text(0.5, 1.02, self.captions[moment], **top))
        return drawn
