"""Grids show the policy they are given: arrows by probability, shades by visits."""

from itertools import pairwise

import numpy as np
import pytest

from rqe import plot, plot_grid

MOVES = [[-1, 0], [1, 0], [0, -1], [0, 1]]
CELLS = [[0, 0], [0, 1], [1, 0]]


def arrows(ax):
    """Outlines of all arrows as arrays of (column, row)."""
    found = [patch.get_path() for patch in ax.patches if patch.get_zorder() == 3]
    if not found:
        return []
    (path,) = found
    ends = np.append(np.flatnonzero(path.codes == path.MOVETO), len(path.codes))
    return [path.vertices[a:b] for a, b in pairwise(ends)]


def shift(outline, cell):
    """The corner of an arrow that is furthest from its cell's centre, seen from there."""
    seen = outline - np.array(cell[::-1])
    return seen[np.argmax(np.hypot(*seen.T))]


def test_arrows_point_where_the_moves_go_and_are_as_long_as_they_are_likely():
    (ax,) = plot.panels()
    chance = [[0.67, 0.0, 0.04, 0.29], [0.0, 1.0, 0.0, 0.0], [np.nan] * 4]
    assert plot_grid.policy(chance, CELLS, MOVES, ax) is ax
    ends = [
        shift(outline, [0, column]) for outline, column in zip(arrows(ax), [0, 0, 1], strict=True)
    ]
    # (column, row): up is towards smaller rows; 4% has no arrow, nor has the cell of NaN
    np.testing.assert_allclose(ends, [[0, -0.47 * 0.67], [0.47 * 0.29, 0], [0, 0.47]], atol=1e-12)
    # rows count downwards, and a sure move stays inside its cell
    assert ax.get_ylim() == (1.5, -0.5)
    assert all(
        np.abs(shift(o, [0, c])).max() < 0.5 for o, c in zip(arrows(ax), [0, 0, 1], strict=True)
    )


def test_staying_is_a_dot_by_area():
    for chance in (1.0, 0.25):
        (ax,) = plot.panels()
        plot_grid.policy([[chance]], [[2, 3]], [[0, 0]], ax)
        (outline,) = arrows(ax)
        left, right = outline[:, 0].min(), outline[:, 0].max()
        assert right - 3 == pytest.approx(3 - left) == pytest.approx(0.2 * np.sqrt(chance))


def test_shades_are_visits_and_blocked_cells_are_hatched():
    (ax,) = plot.panels()
    even = np.full((3, 4), 0.25)
    plot_grid.policy(
        even, CELLS, MOVES, ax, visits=[0.0, 2.0, 5.0], most=4.0, blocked=[[1, 1]],
        blocked_label="wall", marks={"S": (0, 1)},
    )  # fmt: skip
    (mesh,) = ax.collections
    assert mesh.get_array().tolist() == [[0.0, 2.0], [5.0, None]]
    assert mesh.get_clim() == (0.0, 4.0)
    centre = mesh.get_transform().transform((0.5, 0.5))
    np.testing.assert_allclose(centre, ax.transData.transform((0.0, 0.0)))
    (wall,) = (patch for patch in ax.patches if patch.get_hatch())
    assert (wall.get_x(), wall.get_y()) == (0.5, 0.5)
    said = {text.get_text(): text.get_position() for text in ax.texts}
    assert said["wall"] == (1.0, 1.0)
    assert np.abs(np.array(said["S"]) - [1.0, 0.0]).max() < 0.5
    (bar,) = (other for other in ax.figure.axes if other is not ax)
    assert "steps" in bar.get_ylabel()
    (ax,) = plot.panels()
    plot_grid.policy(even, CELLS, MOVES, ax, visits=[0.0, 2.0, 5.0], key=False)
    assert ax.figure.axes == [ax]
    assert ax.collections[0].get_clim() == (0.0, 5.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probabilities": [[0.5, 0.5]] * 3}, "shapes .* got \\(3, 2\\)"),
        ({"cells": [[0, 0], [0, 1]]}, "shapes .*\\(2, 2\\)"),
        ({"cells": [0, 1, 2]}, "shapes"),
        ({"probabilities": [[1.5, -0.5, 0, 0]] * 3}, "probabilities must be >= 0; got -0.5"),
        ({"visits": [1.0, 2.0]}, "visits must be 3 numbers"),
        ({"visits": [1.0, 2.0, -1.0]}, "visits must be 3 numbers"),
    ],
)
def test_refusals(change, message):
    given = {"probabilities": np.full((3, 4), 0.25), "cells": CELLS, "moves": MOVES} | change
    (ax,) = plot.panels()
    with pytest.raises(ValueError, match=message):
        plot_grid.policy(ax=ax, **given)
