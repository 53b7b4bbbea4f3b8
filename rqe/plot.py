"""Pictures of tables: every function takes an Axes, or makes some, and returns it."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

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


def save(ax: Axes, target: str | Path | IO[bytes], *, format: str | None = None) -> Axes:
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
    kind = format or Path(str(target)).suffix.lstrip(".")
    figure = ax.get_figure(root=True)
    assert figure is not None
    with mpl.rc_context(_RC):
        figure.savefig(target, format=kind, dpi=200, metadata=stamps.get(kind))
    return ax


def _finish(ax: Axes) -> Axes:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.set_xlim(left=0.0)
    ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    return ax
