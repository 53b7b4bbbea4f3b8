"""Pictures of tables: every function takes an Axes, or makes some, and returns it."""

from __future__ import annotations

import pathlib
from itertools import combinations, pairwise
from typing import IO, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .result.path import Branch, Path
from .result.table import Table

# Okabe and Ito's palette keeps its contrast for colour-blind readers; line styles differ as well,
# so that the picture survives a grey printer
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
_STYLES = ((BLUE, "-"), (VERMILION, "--"), (GREEN, "-."), (GREY, ":"))
_COLORS = (BLUE, VERMILION, GREEN, "#CC79A7", "#E69F00", "#56B4E9", GREY)
"""Of branches, whose line styles say whether they are stable."""
_RC = {"font.size": 10.0, "axes.labelsize": 11.0, "legend.fontsize": 9.0, "pdf.fonttype": 42}
_MARKS = {"fold": "s", "pitchfork": "o", "transcritical": "D", "multiple": "*"}
_UNITS = {
    "tau": "risk aversion τ (1/payoff unit)",
    "epsilon": "bounded rationality ε (payoff units)",
}


_ROOM = 0.06
"""Distance from a region's edge, in widths of the panel, that its label needs."""


def panels(count: int = 1) -> tuple[Axes, ...]:
    """Empty panels side by side in one new figure, drawn without a display.

    Parameters
    ----------
    count : int
        At least 1.

    Returns
    -------
    tuple of Axes
    """
    if count < 1:
        raise ValueError(f"count must be at least 1; got {count}")
    with mpl.rc_context(_RC):
        figure = Figure(figsize=(4.5 * count, 3.4))
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.06)
        FigureCanvasAgg(figure)
        return tuple(figure.subplots(1, count, squeeze=False)[0])


def collaboration(table: Table, ax: Axes, *, best: tuple[float, float] | None = None) -> Axes:
    """Utility against risk aversion: Figure 1(i).

    Parameters
    ----------
    table : Table
        From `rqe.analysis.collaboration.collaboration_curve`.
    ax : Axes
    best : tuple of float, optional
        A ``tau`` and the utility there, to mark.

    Returns
    -------
    Axes
    """
    with mpl.rc_context(_RC):
        ax.plot(table.column("tau"), table.column("utility"), color=BLUE, label="RQE")
        if best is not None:
            ax.axvline(best[0], color=GREY, linestyle=":", linewidth=1.0)
            ax.plot(*best, "o", color=VERMILION, label=f"largest, at τ = {best[0]:.4g}")
        ax.set_xlabel("risk aversion τ (1/payoff unit)")
        ax.set_ylabel("utility at the RQE (payoff units)")
        ax.legend(frameon=False)
    return _finish(ax)


def free_riding(table: Table, ax: Axes, *, fork: tuple[float, float] | None = None) -> Axes:
    """Probability of the costly action along every branch of RQE: Figure 1(ii).

    Stable stretches are solid, unstable ones dashed; every branch carries its name.

    Parameters
    ----------
    table : Table
        From `rqe.analysis.free_riding.free_riding_branches`, along ``tau``.
    ax : Axes
    fork : tuple of float, optional
        The ``tau`` and the probability at which branches meet, to mark.

    Returns
    -------
    Axes
    """
    points: dict[str, list[tuple[float, float, bool]]] = {}
    columns = (table.column(name) for name in ("tau", "branch", "first", "stable", "index"))
    for tau, name, share, stable, index in zip(*columns, strict=True):
        # at a singular point a branch is neither: its neighbour decides
        points.setdefault(name, []).append((tau, share, stable or index == 0))
    names = sorted(points, key=lambda name: name != "symmetric")
    with mpl.rc_context(_RC):
        ax.set(xlim=(0.0, max(table.column("tau"))), ylim=(0.0, 1.0))
        lines = {name: np.array([p[:2] for p in points[name]]) for name in names}
        for k, name in enumerate(names):
            color = _STYLES[k % len(_STYLES)][0]
            solid = np.array([p[2] for p in points[name]])
            for number, (stretch, style) in enumerate(_stretches(solid)):
                label = f"_{name}" if number else name
                ax.plot(*lines[name][stretch].T, color=color, linestyle=style, label=label)
            others = [lines[n] for n in names if n != name]
            _name_curve(name, lines[name], others, color, ax)
        for label, style in (("stable", "-"), ("unstable", "--")):
            ax.plot([], [], color=GREY, linestyle=style, label=label)
        if fork is not None:
            label = f"pitchfork, τ = {fork[0]:.4g}"
            ax.plot(*fork, "o", color="black", markersize=5, label=label, zorder=3)
        ax.set_xlabel(_UNITS["tau"])
        ax.set_ylabel("probability that player 1 plays C")
        named = {*lines, *(f"_{name}" for name in lines)}
        ax.legend(handles=[h for h in ax.lines if h.get_label() not in named], frameon=False)
    return _finish(ax)


def _stretches(solid: Any) -> list[tuple[slice, str]]:
    """Runs of a branch's points with the line style of each; neighbouring runs share a point."""
    steady = np.logical_and(solid[:-1], solid[1:])
    edges = [0, *(np.flatnonzero(steady[1:] != steady[:-1]) + 1), len(steady)]
    return [
        (slice(a, b + 1), "-" if steady[a] else "--") for a, b in pairwise(edges) if a < len(steady)
    ]


def branches(path: Path, ax: Axes, *, player: int = 0, action: int = 0) -> Axes:
    """Probability of an action along every branch of equilibria, bifurcations marked.

    Stable branches are solid, unstable ones dashed. Along ``epsilon`` the axis is logarithmic;
    a limit at ``epsilon = 0`` is an open ring at the branch's last point before it.

    Parameters
    ----------
    path : Path
        From `rqe.trace_rqe`.
    ax : Axes
    player, action : int
        Whose probability of what, from 0.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        There is no such player or action.

    Examples
    --------
    >>> import games, rqe, rqe.plot
    >>> path = rqe.trace_rqe(games.free_riding(), parameter="tau", start=0, stop=2, epsilon=0.2)
    >>> ax = rqe.plot.branches(path, *rqe.plot.panels())
    >>> ax.get_xlabel()
    'risk aversion τ (1/payoff unit)'
    """
    if not 0 <= player < len(path.actions):
        raise ValueError(f"player must be 0 to {len(path.actions) - 1}; got {player!r}")
    if not 0 <= action < len(path.actions[player]):
        raise ValueError(f"action must be 0 to {len(path.actions[player]) - 1}; got {action!r}")
    along_epsilon = path.parameter == "epsilon"
    with mpl.rc_context(_RC):
        for k, branch in enumerate(path.branches):
            _branch(branch, ax, player, action, _COLORS[k % len(_COLORS)], along_epsilon)
        for kind, mark in _MARKS.items():
            found = [b for b in path.bifurcations if b.kind == kind]
            if found:
                x, y = [b.parameter for b in found], [b.strategies[player][action] for b in found]
                symbol = "ε" if along_epsilon else "τ"
                single = max(x) - min(x) <= 1e-6 * max(x)  # images of one point by symmetry
                label = f"{kind}, {symbol} = {x[0]:.4g}" if single else kind
                ax.plot(x, y, mark, color="black", markersize=5, label=label, zorder=4)
        for label, style in (("stable", "-"), ("unstable", "--")):
            ax.plot([], [], color=GREY, linestyle=style, label=label)
        ax.set_xlabel(_UNITS[path.parameter])
        name = path.actions[player][action]
        ax.set_ylabel(f"P(player {path.players[player]} plays {name})")
        ax.set_ylim(-0.02, 1.02)
        if along_epsilon:
            ax.set_xscale("log")
        ax.legend(frameon=False)
    return _finish(ax, from_zero=not along_epsilon)


def _branch(
    branch: Branch, ax: Axes, player: int, action: int, color: str, along_epsilon: bool
) -> None:
    """One branch, its stable stretches solid."""
    x, y = branch.parameter, branch.strategies[player][:, action]
    # at a singular point a branch is neither: its neighbour decides
    solid = branch.stable | (branch.index == 0)
    for stretch, style in _stretches(solid):
        keep = np.isfinite(x[stretch]) & ((x[stretch] > 0.0) | (not along_epsilon))
        ax.plot(x[stretch][keep], y[stretch][keep], color=color, linestyle=style)
    for limit, edge in zip(branch.limits, (1, -2), strict=True):
        if limit is not None:
            ax.plot(x[edge], y[edge], "o", color=color, markerfacecolor="white", markersize=6)


def phase_diagram(
    counts: Table,
    ax: Axes,
    *,
    boundaries: Table | None = None,
    tricritical: tuple[float, float] | None = None,
) -> Axes:
    """Number of RQE over risk aversion and bounded rationality, and the curves where it changes.

    Regions are shaded by their number, darker where there are more, and say it; the curves carry
    their names. Between two rows of the grid the edges of regions are joined by straight lines.

    Parameters
    ----------
    counts : Table
        ``tau``, ``epsilon``, ``RQE`` on a grid, from `rqe.analysis.phase.phase_diagram`.
    ax : Axes
    boundaries : Table, optional
        ``curve``, ``tau``, ``epsilon``, from the same.
    tricritical : tuple of float, optional
        A ``tau`` and an ``epsilon``, to mark.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        The counts do not fill a grid of at least 2 x 2 points.
    """
    columns = [counts.column(name) for name in ("tau", "epsilon", "RQE")]
    tau, epsilon = map(np.unique, columns[:2])
    cells = {(t, e): k for t, e, k in zip(*columns, strict=True)}
    if min(len(tau), len(epsilon)) < 2 or len(cells) != len(tau) * len(epsilon):
        raise ValueError(
            f"counts must fill a grid of at least 2 x 2 points; got {len(counts.rows)} rows for "
            f"{len(tau)} values of tau and {len(epsilon)} of epsilon"
        )
    number = np.array([[cells[t, e] for t in tau] for e in epsilon])
    levels = np.unique(number)
    greys = np.round(np.linspace(1.0, 0.64, len(levels)), 3)
    shade = dict(zip(levels.tolist(), greys.astype(str).tolist(), strict=True))
    with mpl.rc_context(_RC):
        for k in range(len(epsilon) - 1):
            _strip(tau, epsilon[k : k + 2], number[k : k + 2], shade, ax)
        busy = []
        for k in levels:
            (t, e), clear = _inmost(number == k)
            if clear >= _ROOM:
                busy.append((tau[t], epsilon[e]))
                ax.text(*busy[-1], f"{k} RQE", ha="center", va="center", zorder=5)
        ax.set(xlim=(tau[0], _frame(tau, number)), ylim=(epsilon[0], epsilon[-1]))
        lines = _curves(boundaries)
        if tricritical is not None:
            busy.append(tricritical)
            ax.plot(*tricritical, "o", color="black", markersize=6, label="tricritical", zorder=4)
            ax.annotate(
                f"tricritical point\nτ = {tricritical[0]:.4g}, ε = {tricritical[1]:.4g}",
                tricritical, xytext=(16, 10), textcoords="offset points", fontsize=9,
                arrowprops={"arrowstyle": "-", "linewidth": 0.6},
            )  # fmt: skip
        for k, (name, xy) in enumerate(lines.items()):
            color, style = _STYLES[k % len(_STYLES)]
            ax.plot(*xy.T, color=color, linestyle=style, linewidth=1.8, label=name, zorder=3)
            others = [line for other, line in lines.items() if other != name]
            _name_curve(name, xy, [*others, *(np.array([spot]) for spot in busy)], color, ax)
        ax.set_xlabel(_UNITS["tau"])
        ax.set_ylabel(_UNITS["epsilon"])
    return _finish(ax, from_zero=False)


def _curves(boundaries: Table | None) -> dict[str, Any]:
    """Points (T, 2) of each curve, by name."""
    out: dict[str, list[tuple[float, float]]] = {}
    if boundaries is not None:
        names = ("curve", "tau", "epsilon")
        for name, *point in zip(*(boundaries.column(n) for n in names), strict=True):
            out.setdefault(name, []).append((point[0], point[1]))
    return {name: np.array(out[name]) for name in sorted(out, reverse=True)}


def _strip(tau: Any, edges: Any, number: Any, shade: dict[Any, str], ax: Axes) -> None:
    """Shaded regions between two rows of a grid of counts."""
    runs = []
    for row in number:
        turns = np.flatnonzero(row[1:] != row[:-1])
        middle = 0.5 * (tau[turns] + tau[turns + 1])
        runs.append((row[np.append(turns, -1)], np.concatenate([tau[:1], middle, tau[-1:]])))
    (few, narrow), (many, wide) = sorted(runs, key=lambda run: len(run[0]))
    joined = _aligned(few, narrow, many, wide)
    half = 0.5 * (edges[0] + edges[1])
    if joined is None:  # neither row has the other's regions in the same order
        parts = [((edges[0], half), *runs[0], runs[0][1]), ((half, edges[1]), *runs[1], runs[1][1])]
    elif len(runs[0][0]) <= len(runs[1][0]):
        parts = [(edges, many, joined, wide)]
    else:
        parts = [(edges, many, wide, joined)]
    for span, found, low, high in parts:
        for j, k in enumerate(found):
            sides = (low[j], high[j]), (low[j + 1], high[j + 1])
            ax.fill_betweenx(span, *sides, color=shade[k], linewidth=0.3, zorder=0)


def _frame(tau: Any, number: Any) -> float:
    """Where the picture ends on the right: an edge that leaves the grid there is cut off first."""
    right = float(tau[-1])
    if len(np.unique(number[:, -1])) > 1:
        column = np.flatnonzero((number[:, 1:] != number[:, :-1]).any(axis=0))[-1:]
        right = float(0.5 * (tau[column] + tau[column + 1])[0]) if len(column) else right
    return right


def _aligned(few: Any, at: Any, many: Any, wide: Any) -> Any:
    """Edges of a row's regions as those of a row with more: what it lacks has no width.

    Of all ways to do so, the one that moves edges least; None where there is none.
    """
    best, least = None, np.inf
    for kept in combinations(range(len(many)), len(few)):
        if np.array_equal(many[list(kept)], few):
            out = at[np.searchsorted(kept, np.arange(len(many) + 1))]
            move = float(np.abs(out - wide).sum())
            best, least = (out, move) if move < least else (best, least)
    return best


def _inmost(mask: Any) -> tuple[tuple[int, int], float]:
    """Column and row of a cell that lies as far as any from cells outside a region; how far."""
    rows, columns = (np.linspace(0, n - 1, min(n, 48)).astype(int) for n in mask.shape)
    here = np.pad(mask[np.ix_(rows, columns)], 1)
    grid = np.stack(np.meshgrid(*(np.linspace(0, 1, n) for n in here.shape), indexing="ij"), -1)
    inside, outside = grid[here], grid[~here]
    gap = np.array([np.square((outside - p) * (1.0, 1.6)).sum(axis=1).min() for p in inside])
    at = np.argwhere(here)[int(np.argmax(gap))] - 1
    return (int(columns[at[1]]), int(rows[at[0]])), float(np.sqrt(gap.max()))


def _name_curve(name: str, xy: Any, others: list[Any], color: str, ax: Axes) -> None:
    """The name of a curve (T, 2) along it, where it is clear of all curves and of the frame."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    corner, size = np.array([left, low]), np.array([right - left, high - low])
    figure = ax.get_figure(root=True)
    assert figure is not None
    # lengths from here on are in widths of the panel
    shape = np.array([1.0, ax.bbox.height / ax.bbox.width])
    em = 10.0 / 72.0 * figure.dpi / ax.bbox.width
    half = 0.28 * em * len(name)
    own = _dense((xy - corner) / size * shape)
    points = np.concatenate([own, *(_dense((o - corner) / size * shape) for o in others)])
    best: tuple[float, float, Any] = (-np.inf, 0.0, own[0])
    for k in range(4, len(own) - 4, 3):
        along = own[k + 4] - own[k - 4]
        along = along / max(np.linalg.norm(along), 1e-12) * (1.0 if along[0] >= 0.0 else -1.0)
        across = np.array([-along[1], along[0]])
        angle = float(np.arctan2(along[1], along[0]))
        for side in (1.0, -1.0):
            middle = own[k] + 0.95 * em * side * across
            tips = middle + half * np.array([[-1.0], [1.0]]) * along
            gap = points - middle
            far = np.hypot(np.maximum(np.abs(gap @ along) - half, 0.0), gap @ across).min()
            clear = min(far, tips.min(), (shape - tips).min())
            score = min(clear, 0.9 * em) - 0.1 * em * abs(angle)
            best = max(best, (score, angle, middle), key=lambda found: found[0])
    _, angle, middle = best
    x, y = (middle / shape * size + corner).tolist()
    turn = float(np.degrees(angle))
    ax.text(x, y, name, color=color, ha="center", va="center", rotation=turn, zorder=5)


def _dense(line: Any) -> Any:
    """A polygonal line with points at equal distances."""
    run = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1)))
    even = np.linspace(0.0, run[-1], 240)
    return np.stack([np.interp(even, run, line[:, k]) for k in range(2)], axis=1)


def save(ax: Axes, target: str | pathlib.Path | IO[bytes], *, format: str | None = None) -> Axes:
    """Write the figure that holds `ax`; the same picture gives the same bytes.

    Parameters
    ----------
    ax : Axes
    target : path or binary file
    format : {"png", "pdf"}, optional
        By default what the path's suffix says.

    Returns
    -------
    Axes
    """
    stamps: dict[str, dict[str, Any]] = {
        "pdf": {"CreationDate": None},
        "png": {"Software": None},
    }
    kind = format or pathlib.Path(str(target)).suffix.lstrip(".")
    figure = ax.get_figure(root=True)
    assert figure is not None
    with mpl.rc_context(_RC):
        figure.savefig(target, format=kind, dpi=200, metadata=stamps.get(kind))
    return ax


def _finish(ax: Axes, *, from_zero: bool = True) -> Axes:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.grid(alpha=0.25, linewidth=0.6)
    if from_zero:
        ax.set_xlim(left=0.0)
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    return ax
