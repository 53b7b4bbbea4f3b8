"""Heat maps and boards show the numbers that they are given."""

import numpy as np
import pytest
from matplotlib.patches import Circle

from rqe import plot, plot_crossplay

VALUES = np.arange(6.0).reshape(2, 3)


def test_a_matrix_has_its_first_row_on_top_and_its_scale_beside():
    (ax,) = plot.panels()
    assert plot_crossplay.matrix(VALUES, ax, title="IPPO") is ax
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), VALUES)
    assert image.origin == "upper"
    assert image.get_clim() == (0.0, 5.0)
    assert image.get_cmap().name == "cividis"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("run in seat 2", "run in seat 1")
    assert ax.get_title() == "IPPO"
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "sum of returns (reward units)"
    assert image.colorbar.extend == "neither"


def test_what_is_off_the_scale_is_said():
    for limits, extend in (((1.0, 5.0), "min"), ((0.0, 4.0), "max"), ((1.0, 4.0), "both")):
        (ax,) = plot.panels()
        plot_crossplay.matrix(VALUES, ax, limits=limits)
        assert ax.images[0].colorbar.extend == extend
        assert ax.images[0].get_clim() == limits


def test_missing_cells_are_grey():
    (ax,) = plot.panels()
    plot_crossplay.matrix([[1.0, np.nan], [2.0, 3.0]], ax, key=False)
    image = ax.images[0]
    assert image.get_array().mask.tolist() == [[False, True], [False, False]]
    shade = image.to_rgba(image.get_array())[0, 1]
    assert shade[0] == shade[1] == shade[2]
    assert ax.figure.axes == [ax]


def test_matrices_share_a_scale_and_one_bar():
    axes = plot_crossplay.matrices({"A": VALUES, "B": VALUES[:1] - 7.0, "C": [[np.nan, 2.0]]})
    assert [ax.get_title() for ax in axes] == ["A", "B", "C"]
    assert {ax.images[0].get_clim() for ax in axes} == {(-7.0, 5.0)}
    assert len(axes[0].figure.axes) == 4
    same = plot_crossplay.matrices({"A": [[3.0]]})
    assert same[0].images[0].get_clim() == (2.5, 3.5)
    fixed = plot_crossplay.matrices({"A": VALUES}, limits=(0.0, 600.0), unit="points")
    assert fixed[0].images[0].get_clim() == (0.0, 600.0)
    assert fixed[0].figure.axes[1].get_ylabel() == "points"


def test_blocks_are_named_in_their_middle_with_lines_between():
    (ax,) = plot.panels()
    plot_crossplay.matrix(np.eye(5), ax, blocks={"IPPO": 2, "SRPO": 3})
    np.testing.assert_allclose(ax.get_xticks(), [0.5, 3.0])
    np.testing.assert_allclose(ax.get_yticks(), [0.5, 3.0])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["IPPO", "SRPO"]
    upright, level = ax.lines
    np.testing.assert_array_equal(upright.get_xdata(), [1.5, 1.5])
    np.testing.assert_array_equal(level.get_ydata(), [1.5, 1.5])


def discs(ax):
    """Centres (row, column), radius and whether filled, of what is drawn on a board."""
    found = []
    for patch in ax.patches:
        if isinstance(patch, Circle):
            x, y = patch.center
            found.append((round(y, 2), round(x, 2), patch.radius, patch.get_facecolor()[3] > 0))
    return found


EPISODE = {
    "positions": [[[0, 1], [1, 0]], [[1, 1], [1, 1]], [[2, 1], [0, 0]]],
    "shape": (3, 2),
    "carrying": [[False, False], [True, False], [False, True]],
    "items": [[2, 0]],
    "present": [[True], [False], [True]],
    "blocked": {"pot": (0, 0)},
    "captions": ["start", "", "end"],
}


def test_frames_show_agents_items_and_loads():
    axes = plot.panels(3)
    assert plot_crossplay.frames(axes=axes, **EPISODE) == axes
    first, second, third = (discs(ax) for ax in axes)
    assert [d[:2] for d in first] == [(1.67, -0.33), (0.08, 1.0), (1.08, 0.0)]
    # an item that is there is filled; one that is not is a ring
    assert [frame[0][3] for frame in (first, second, third)] == [True, False, True]
    # side by side on one cell, around its middle, smaller
    bodies = [d for d in second if abs(d[0] - 1.08) < 1e-9]
    assert [d[1] for d in bodies] == [0.77, 1.23]
    assert bodies[0][2] < first[1][2]
    # one more disc where someone carries, over whoever does
    assert [len(frame) for frame in (first, second, third)] == [3, 4, 4]
    assert abs(second[2][1] - 0.77) < 0.25
    assert abs(third[3][1] - 0.0) < 0.25
    words = [[t.get_text() for t in ax.texts] for ax in axes]
    assert words == [["pot", "1", "2", "start"], ["pot", "1", "2"], ["pot", "1", "2", "end"]]
    assert axes[0].get_ylim() == (2.5, -0.5)


def test_an_animation_shows_one_frame_after_the_other(tmp_path):
    (ax,) = plot.panels()
    film = plot_crossplay.animate(ax=ax, **EPISODE)
    (still,) = plot.panels()
    film.save(tmp_path / "episode.gif", writer="pillow")
    assert (tmp_path / "episode.gif").stat().st_size > 1000
    # after the last frame the board holds that frame and nothing of the others
    plot_crossplay.frames(
        [EPISODE["positions"][2]], [still], shape=(3, 2), carrying=[[False, True]], items=[[2, 0]],
        blocked={"pot": (0, 0)}, captions=["end"],
    )  # fmt: skip
    assert discs(ax) == discs(still)
    assert [t.get_text() for t in ax.texts] == [t.get_text() for t in still.texts]
    assert 'class="animation"' in film.to_jshtml()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": [1.0, 2.0]}, r"values must be a matrix .* shape \(2,\)"),
        ({"values": [[np.nan]]}, "values must be a matrix .* finite"),
        ({"limits": (2.0, 1.0)}, r"limits must be \(low, high\)"),
        ({"limits": (np.nan, 1.0)}, "limits must be"),
        ({"blocks": {"A": 2}}, r"blocks must be counts .* got \{'A': 2\}"),
        ({"blocks": {"A": 3, "B": 0}}, "blocks must be counts"),
    ],
)
def test_matrix_refusals(change, message):
    (ax,) = plot.panels()
    with pytest.raises(ValueError, match=message):
        plot_crossplay.matrix(**({"values": np.eye(3), "ax": ax} | change))


def test_matrices_need_one():
    with pytest.raises(ValueError, match="values must have a matrix"):
        plot_crossplay.matrices({})
    with pytest.raises(ValueError, match="values must have a finite entry"):
        plot_crossplay.matrices({"A": [[np.nan]]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": [[0, 1]]}, r"positions must have shape \(T, N, 2\).* got \(1, 2\)"),
        ({"positions": [[[3, 0]]] * 3}, "positions must lie on the grid of 3 x 2 cells"),
        ({"items": [[0, 2]]}, "items must lie on the grid"),
        ({"present": [[True]]}, r"present must have shape \(3, 1\); got \(1, 1\)"),
        ({"carrying": [True]}, r"carrying must have shape \(3, 2\)"),
        ({"captions": ["one"]}, "captions must be 3, one a moment; got 1"),
        ({"axes": ()}, "axes must be 3, one a moment; got 0"),
    ],
)
def test_board_refusals(change, message):
    given = EPISODE | {"axes": plot.panels(3)} | change
    with pytest.raises(ValueError, match=message):
        plot_crossplay.frames(**given)
