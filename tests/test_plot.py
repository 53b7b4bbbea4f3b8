"""What the pictures show is what the tables say; nothing needs a display."""

import io

import numpy as np
import pytest

import games
import rqe
from rqe import plot
from rqe.result.table import Table

CURVE = Table(("tau", "utility"), ((0.0, -0.11), (1.0, -0.1), (1.5, -0.105)))
BRANCHES = Table(
    ("tau", "branch", "first"),
    (
        (0.0, "player 1 free-rides", 0.2),
        (0.0, "symmetric", 0.55),
        (0.0, "player 2 free-rides", 0.9),
        (0.5, "player 1 free-rides", 0.3),
        (0.5, "symmetric", 0.58),
        (0.5, "player 2 free-rides", 0.8),
        (1.0, "symmetric", 0.61),
    ),
)
FORK = (0.8, 0.6)


def lines(ax):
    """Labelled lines as lists of points."""
    return {
        line.get_label(): list(zip(*np.asarray(line.get_data()).tolist(), strict=True))
        for line in ax.lines
        if not line.get_label().startswith("_")
    }


def test_collaboration_draws_the_table_and_marks_the_best():
    (ax,) = plot.panels(1)
    assert plot.collaboration(CURVE, ax, best=(1.0, -0.1)) is ax
    drawn = lines(ax)
    assert drawn["RQE"] == [row[:2] for row in CURVE.rows]
    assert drawn["largest, at τ = 1"] == [(1.0, -0.1)]
    assert "payoff" in ax.get_xlabel()
    assert "payoff" in ax.get_ylabel()


def test_free_riding_joins_each_branch_and_the_pitchfork():
    (ax,) = plot.panels(1)
    assert plot.free_riding(BRANCHES, ax, fork=FORK) is ax
    drawn = lines(ax)
    assert drawn["symmetric"] == [(0.0, 0.55), (0.5, 0.58), FORK, (1.0, 0.61)]
    assert drawn["player 1 free-rides"] == [(0.0, 0.2), (0.5, 0.3), FORK]
    assert drawn["player 2 free-rides"] == [(0.0, 0.9), (0.5, 0.8), FORK]
    assert drawn["pitchfork, τ = 0.8"] == [FORK]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert sorted(legend) == sorted(drawn)


def test_free_riding_without_a_pitchfork_adds_no_point():
    (ax,) = plot.panels(1)
    plot.free_riding(BRANCHES, ax)
    assert sum(len(points) for points in lines(ax).values()) == len(BRANCHES.rows)


def test_branches_differ_in_more_than_colour():
    (ax,) = plot.panels(1)
    plot.free_riding(BRANCHES, ax)
    styles = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len(styles) == len({c for c, _ in styles}) == len({s for _, s in styles}) == 3


def test_panels_share_one_figure_without_pyplot():
    left, right = plot.panels(2)
    assert left.figure is right.figure
    with pytest.raises(ValueError, match="count must be at least 1; got 0"):
        plot.panels(0)


@pytest.mark.parametrize(("kind", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_saved_files_are_what_they_say_and_repeat(kind, magic, tmp_path):
    written = []
    for _ in range(2):
        (ax,) = plot.panels(1)
        plot.collaboration(CURVE, ax)
        out = io.BytesIO()
        assert plot.save(ax, out, format=kind) is ax
        written.append(out.getvalue())
    assert written[0].startswith(magic)
    assert written[0] == written[1]
    path = tmp_path / f"figure.{kind}"
    plot.save(ax, path)
    assert path.read_bytes() == written[0]


def test_drawing_leaves_the_reader_s_settings_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    (ax,) = plot.panels(1)
    plot.free_riding(BRANCHES, ax, fork=FORK)
    plot.save(ax, io.BytesIO(), format="png")
    assert dict(mpl.rcParams) == before


def test_branches_show_stability_bifurcations_and_limits():
    path = rqe.trace_rqe(games.free_riding(), parameter="epsilon", start=np.inf, stop=0)
    (ax,) = plot.panels(1)
    assert plot.branches(path, ax) is ax
    (fork,) = path.bifurcations
    assert lines(ax)[f"pitchfork, ε = {fork.parameter:.4g}"] == [
        (fork.parameter, fork.strategies[0][0])
    ]
    assert ax.get_xscale() == "log"
    drawn = [line for line in ax.lines if line.get_label().startswith("_")]
    curves = [line for line in drawn if len(line.get_xdata()) > 1]
    # infinite and zero epsilon have no place on the axis; all else is drawn
    shown = {(x, y) for line in curves for x, y in zip(*line.get_data(), strict=True)}
    points = {
        (x, y)
        for b in path.branches
        for x, y in zip(b.parameter, b.strategies[0][:, 0], strict=True)
        if 0.0 < x < np.inf
    }
    assert shown == points
    rings = [line for line in drawn if len(line.get_xdata()) == 1]
    assert len(rings) == 3
    # the symmetric branch is stable above the pitchfork and unstable below
    for line in curves:
        x, y = (np.asarray(part) for part in line.get_data())
        if abs(y[-1] - 0.6) < 0.06 and x.max() > fork.parameter * 1.01:
            assert line.get_linestyle() == "-"
    assert {line.get_linestyle() for line in curves} == {"-", "--"}


@pytest.mark.parametrize(("player", "action"), [(2, 0), (0, 2), (-1, 0)])
def test_branches_of_nobody_are_refused(player, action):
    path = rqe.trace_rqe(games.free_riding(), start=0, stop=1, epsilon=0.5)
    (ax,) = plot.panels(1)
    with pytest.raises(ValueError, match="must be 0 to 1"):
        plot.branches(path, ax, player=player, action=action)
