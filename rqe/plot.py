"""Pictures of tables: every function takes an Axes, or makes some, and returns it."""

from __future__ import annotations

import pathlib
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
_RC = {"font.size": 10.0, "axes.labelsize": 11.0, "legend.fontsize": 9.0, "pdf.fonttype": 42}


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
    """Probability of the costly action at every RQE, against risk aversion: Figure 1(ii).

    Parameters
    ----------
    table : Table
        From `rqe.analysis.free_riding.free_riding_branches`.
    ax : Axes
    fork : tuple of float, optional
        The ``tau`` and the probability at which the branches meet: marked, and joined to the
        branches that end there.

    Returns
    -------
    Axes
    """
    taus, branches, first = (table.column(name) for name in ("tau", "branch", "first"))
    names = sorted(set(branches), key=branches.index)
    with mpl.rc_context(_RC):
        for k, name in enumerate(sorted(names, key=lambda name: name != "symmetric")):
            points = [(t, p) for t, b, p in zip(taus, branches, first, strict=True) if b == name]
            color, style = _STYLES[k % len(_STYLES)]
            if fork is not None and (name == "symmetric" or max(points)[0] < fork[0]):
                points.append(fork)
            x, y = zip(*sorted(points), strict=True)
            ax.plot(x, y, color=color, linestyle=style, label=name)
        if fork is not None:
            label = f"pitchfork, τ = {fork[0]:.4g}"
            ax.plot(*fork, "o", color="black", markersize=5, label=label, zorder=3)
        ax.set_xlabel("risk aversion τ (1/payoff unit)")
        ax.set_ylabel("probability that player 1 plays C")
        ax.set_ylim(0.0, 1.0)
        ax.legend(frameon=False)
    return _finish(ax)


_MARKS = {"fold": "s", "pitchfork": "o", "transcritical": "D", "multiple": "*"}
_UNITS = {
    "tau": "risk aversion τ (1/payoff unit)",
    "epsilon": "bounded rationality ε (payoff units)",
}


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
            _branch(branch, ax, player, action, _STYLES[k % len(_STYLES)][0], along_epsilon)
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
    first = 0
    steady = solid[:-1] & solid[1:]
    for t in range(1, len(x)):
        if t < len(steady) and steady[t] == steady[t - 1]:
            continue
        stretch = slice(first, t + 1)
        keep = np.isfinite(x[stretch]) & ((x[stretch] > 0.0) | (not along_epsilon))
        style = "-" if steady[t - 1] else "--"
        ax.plot(x[stretch][keep], y[stretch][keep], color=color, linestyle=style)
        first = t
    for limit, edge in zip(branch.limits, (1, -2), strict=True):
        if limit is not None:
            ax.plot(x[edge], y[edge], "o", color=color, markerfacecolor="white", markersize=6)


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
