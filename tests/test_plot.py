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
    ("tau", "branch", "first", "stable", "index"),
    (
        (0.0, "player 1 free-rides", 0.2, True, 1),
        (0.5, "player 1 free-rides", 0.3, True, 1),
        (0.8, "player 1 free-rides", 0.6, False, 0),
        (0.0, "symmetric", 0.55, False, -1),
        (0.5, "symmetric", 0.58, False, -1),
        (0.8, "symmetric", 0.6, False, 0),
        (1.0, "symmetric", 0.61, True, 1),
        (0.8, "player 2 free-rides", 0.6, False, 0),
        (0.5, "player 2 free-rides", 0.8, True, 1),
        (0.0, "player 2 free-rides", 0.9, True, 1),
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


def test_free_riding_draws_each_branch_with_its_name_and_stability():
    (ax,) = plot.panels(1)
    assert plot.free_riding(BRANCHES, ax, fork=FORK) is ax
    drawn = lines(ax)
    assert drawn["player 1 free-rides"] == [(0.0, 0.2), (0.5, 0.3), FORK]
    assert drawn["player 2 free-rides"] == [FORK, (0.5, 0.8), (0.0, 0.9)]
    assert drawn["symmetric"] == [(0.0, 0.55), (0.5, 0.58), FORK]  # unstable as far as that
    assert drawn["pitchfork, τ = 0.8"] == [FORK]
    styles = {line.get_label(): line.get_linestyle() for line in ax.lines}
    assert styles["symmetric"] == "--"
    assert styles["_symmetric"] == styles["player 1 free-rides"] == "-"
    (rest,) = (line for line in ax.lines if line.get_label() == "_symmetric")
    assert rest.get_xydata().tolist() == [list(FORK), [1.0, 0.61]]
    names = {"symmetric", "player 1 free-rides", "player 2 free-rides"}
    assert {text.get_text() for text in ax.texts} == names
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["stable", "unstable", "pitchfork, τ = 0.8"]


def test_free_riding_without_a_pitchfork_marks_none():
    (ax,) = plot.panels(1)
    plot.free_riding(BRANCHES, ax)
    assert not any(line.get_marker() == "o" for line in ax.lines)


def test_names_lie_beside_their_curves_and_touch_none():
    (ax,) = plot.panels(1)
    plot.free_riding(BRANCHES, ax)
    ax.figure.canvas.draw()
    for text in ax.texts:
        (line,) = (one for one in ax.lines if one.get_label() == text.get_text())
        assert text.get_color() == line.get_color()
        inside = ax.bbox.padded(2.0).get_points()
        corners = text.get_window_extent().get_points()
        assert np.all(corners[0] >= inside[0])
        assert np.all(corners[1] <= inside[1])
        middle = np.array(text.get_position())
        for one in ax.lines:
            xy = np.asarray(one.get_xydata(), dtype=float)
            if len(xy) > 1:
                run = np.linspace(0, len(xy) - 1, 400)
                dense = np.stack([np.interp(run, range(len(xy)), xy[:, k]) for k in (0, 1)], axis=1)
                assert np.abs((dense - middle) / (1.0, 1.0)).max(axis=1).min() > 0.01


COUNTS = Table(
    ("tau", "epsilon", "RQE"),
    tuple(
        (t, e, 3 if t + 4 * e < 2 else 5 if t + 4 * e < 3 and e < 0.3 else 1)
        for e in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
        for t in np.linspace(0.0, 4.0, 41).tolist()
    ),
)
CURVES = Table(
    ("curve", "tau", "epsilon"),
    (("fold", 2.6, 0.1), ("fold", 2.2, 0.2), ("fold", 1.6, 0.25), *(
        ("pitchfork", 2.0 - 4.0 * e, e) for e in (0.1, 0.2, 0.3, 0.4, 0.5)
    )),
)  # fmt: skip


def test_phase_diagram_shades_by_number_and_names_every_region_and_curve():
    (ax,) = plot.panels(1)
    assert plot.phase_diagram(COUNTS, ax, boundaries=CURVES, tricritical=(1.0, 0.25)) is ax
    texts = [text.get_text() for text in ax.texts]
    assert sorted(texts[:3]) == ["1 RQE", "3 RQE", "5 RQE"]
    assert "tricritical point\nτ = 1, ε = 0.25" in texts
    assert {"fold", "pitchfork"} <= set(texts)
    drawn = lines(ax)
    assert drawn["pitchfork"] == [row[1:] for row in CURVES.rows if row[0] == "pitchfork"]
    assert drawn["fold"] == [row[1:] for row in CURVES.rows if row[0] == "fold"]
    styles = {line.get_label(): (line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert all(a != b for a, b in zip(styles["fold"], styles["pitchfork"], strict=True))
    # each region's label stands on a grid point of that number
    cells = {(t, e): k for t, e, k in COUNTS.rows}
    for text in ax.texts[:3]:
        assert cells[text.get_position()] == int(text.get_text().split()[0])
    assert "1/payoff" in ax.get_xlabel()
    assert "payoff units" in ax.get_ylabel()


def test_phase_diagram_s_shading_is_the_count_at_every_grid_point():
    (ax,) = plot.panels(1)
    plot.phase_diagram(COUNTS, ax)
    shade = {}
    for t, e, number in COUNTS.rows:
        # a hair inside, away from the strips' common edges
        spot = (min(max(t, 0.02), 3.98), e + (1e-6 if e < 0.6 else -1e-6))
        found = {
            tuple(area.get_facecolor()[0])
            for area in ax.collections
            if any(path.contains_point(spot) for path in area.get_paths())
        }
        assert len(found) == 1, spot
        shade.setdefault(number, set()).update(found)
    assert all(len(colors) == 1 for colors in shade.values())
    grey = [next(iter(shade[k]))[0] for k in (1, 3, 5)]
    assert grey[0] > grey[1] > grey[2]


def test_phase_diagram_refuses_what_is_no_grid():
    (ax,) = plot.panels(1)
    for rows in (COUNTS.rows[:-1], COUNTS.rows[:41]):
        with pytest.raises(ValueError, match="counts must fill a grid of at least 2 x 2"):
            plot.phase_diagram(Table(COUNTS.columns, rows), ax)


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
