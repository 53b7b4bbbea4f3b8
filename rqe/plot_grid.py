"""Policies on a grid: in every cell an arrow for each move, as long as the move is likely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from .plot import VERMILION

# white to a light blue: black arrows stay legible on it, and it survives a grey printer
_SHADES = LinearSegmentedColormap.from_list("visits", ["#FFFFFF", "#7FB8E0"], N=16)
_REACH = 0.47
"""Length of an arrow of probability 1, in cells: it ends short of the edge."""
_HALF = ((0.0, 0.08), (0.55, 0.08), (0.55, 0.27), (1.0, 0.0))
_ARROW = np.array([*_HALF, *((x, -y) for x, y in _HALF[-2::-1]), _HALF[0]])
"""An arrow to the right: along its length, and across it in the same unit."""
_WIDEST = 0.75
"""Across, an arrow is as wide as one of this length at most: short ones keep their shape."""
SHORTEST = 0.05
"""Less likely moves have no arrow."""


def policy(
    probabilities: Any,
    cells: Any,
    moves: Any,
    ax: Axes,
    *,
    visits: Any = None,
    most: float | None = None,
    key: bool = True,
    blocked: Any = (),
    blocked_label: str = "",
    marks: Mapping[str, Sequence[int]] | None = None,
) -> Axes:
    """What a policy does in every cell of a grid.

    An arrow that almost reaches the cell's edge is a move made for certain; moves of less than 5%
    have none. Rows count downwards.

    Parameters
    ----------
    probabilities : array_like (K, n)
        Of n moves in K cells. A row of NaN leaves its cell empty.
    cells : array_like (K, 2) of int
        Row and column of each, from 0.
    moves : array_like (n, 2)
        What each move adds to row and column; a move of (0, 0) is a dot, its area the probability.
    ax : Axes
    visits : array_like (K,), optional
        Expected number of steps in each cell, ``>= 0``: shades the cells.
    most : float, optional
        Visits of the darkest shade, so that panels can be compared; by default the largest.
    key : bool
        Whether a bar beside the grid says what the shades mean.
    blocked : array_like (M, 2) of int, optional
        Cells to hatch.
    blocked_label : str
        What these are, written into their middle.
    marks : mapping of str to (row, column), optional
        Letters to write into corners of cells.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        Shapes that do not match; a negative probability or number of visits.

    Examples
    --------
    >>> from rqe import plot, plot_grid
    >>> (ax,) = plot.panels()
    >>> moves = [[0, 1], [1, 0]]
    >>> ax = plot_grid.policy([[0.8, 0.2], [0.0, 1.0]], [[0, 0], [0, 1]], moves, ax)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('column', 'row')
    """
    chance, where, steps = (np.asarray(v, dtype=np.float64) for v in (probabilities, cells, moves))
    count = len(where)
    if where.shape != (count, 2) or steps.ndim != 2 or chance.shape != (count, len(steps)):
        raise ValueError(
            "probabilities, cells and moves must have shapes (K, n), (K, 2) and (n, 2); got "
            f"{chance.shape}, {where.shape} and {steps.shape}"
        )
    if np.any(chance < 0.0):
        raise ValueError(f"probabilities must be >= 0; got {np.nanmin(chance):g}")
    walls = np.asarray(blocked, dtype=np.float64).reshape(-1, 2)
    rows, columns = np.concatenate([where, walls]).max(axis=0) + 1
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal")
    if visits is not None:
        _shade(where, visits, most, key, ax)
    for row, column in walls:
        look = Rectangle((column - 0.5, row - 0.5), 1.0, 1.0, facecolor="white", linewidth=0.0)
        look.set(edgecolor=VERMILION, hatch="///")
        ax.add_patch(look)
    if len(walls) and blocked_label:
        row, column = walls.mean(axis=0)
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        ax.text(column, row, blocked_label, ha="center", va="center", fontsize=10, bbox=ground)
    ax.set_xticks(np.arange(0.5, columns - 1), minor=True)
    ax.set_yticks(np.arange(0.5, rows - 1), minor=True)
    ax.grid(which="minor", color="#999999", linewidth=0.5)
    ax.tick_params(which="minor", length=0)
    ax.set_xticks(range(int(columns)))
    ax.set_yticks(range(int(rows)))
    ax.set_xlabel("column")
    ax.set_ylabel("row")
    outlines = [
        _outline(where[k], steps[a], chance[k, a])
        for k, a in np.argwhere(chance >= SHORTEST)  # NaN is not
    ]
    if outlines:
        shape = Path.make_compound_path(*outlines)
        ax.add_patch(PathPatch(shape, facecolor="black", linewidth=0, zorder=3))
    for letter, (row, column) in (marks or {}).items():
        spot = (column - 0.44, row - 0.44)
        ax.text(*spot, letter, ha="left", va="top", fontsize=9, fontweight="bold", zorder=4)
    return ax


def _shade(where: Any, visits: Any, most: float | None, key: bool, ax: Axes) -> None:
    """Cells by how often they are visited, and what the shades mean."""
    numbers = np.asarray(visits, dtype=np.float64)
    if numbers.shape != (len(where),) or not np.all(numbers >= 0.0):
        raise ValueError(f"visits must be {len(where)} numbers >= 0, one a cell; got {visits!r}")
    shape = (where.max(axis=0) + 1).astype(int)
    image = np.full(shape, np.nan)
    image[tuple(where.astype(int).T)] = numbers
    top = float(numbers.max())
    limit = top if most is None else most
    scale = Normalize(0.0, limit)
    mesh = ax.pcolormesh(np.ma.masked_invalid(image), cmap=_SHADES, norm=scale, zorder=0)
    mesh.set_transform(_shifted(ax))
    if not key:
        return
    figure = ax.get_figure(root=True)
    assert figure is not None
    bar = figure.colorbar(mesh, ax=ax, shrink=0.8, extend="neither" if top <= limit else "max")
    bar.set_label("expected steps spent in the cell")


def _shifted(ax: Axes) -> Any:
    """Data coordinates in which a cell's corner, not its centre, is at whole numbers."""
    from matplotlib.transforms import Affine2D

    return Affine2D().translate(-0.5, -0.5) + ax.transData


def _outline(cell: Any, move: Any, chance: float) -> Path:
    """An arrow from the centre of a cell, or a dot, as a closed outline in (column, row)."""
    centre = cell[::-1]
    size = float(np.hypot(*move))
    if size == 0.0:
        return Path.circle(tuple(centre), 0.2 * float(np.sqrt(chance)))
    along = move[::-1] / size
    across = np.array([-along[1], along[0]])
    length = _REACH * chance
    width = _REACH * min(chance, _WIDEST)
    points = centre + _ARROW[:, :1] * length * along + _ARROW[:, 1:] * width * across
    codes = [Path.MOVETO, *[Path.LINETO] * (len(points) - 2), Path.CLOSEPOLY]
    return Path(points, codes)
