"""Surfaces are what their arguments say."""

import numpy as np
import pytest

from c2p_recipes.shapes.solids import box, extrude, join, revolve, rod, rounded, superellipsoid, torus, tube


def extent(vertices: np.ndarray) -> list[float]:
    return [round(float(size), 3) for size in np.ptp(vertices, axis=0)]


def test_sizes_are_those_asked_for() -> None:
    assert extent(box(1, 2, 3).vertices) == [1, 2, 3]
    assert extent(superellipsoid((1, 2, 3)).vertices) == [1, 2, 3]
    assert extent(rod((0, 0, 0), (0, 0, 2), 0.5).vertices) == [0.5, 0.5, 2]
    assert extent(torus(1, 0.2, height=0.6).vertices) == pytest.approx([2.2, 0.6, 2.2], abs=0.01)
    assert extent(extrude([(0, 0), (2, 0), (2, 1), (0, 1)], 0.1).vertices) == [2, 1, 0.1]


def test_a_revolved_line_has_its_radius_all_around() -> None:
    solid = revolve([(1, 0), (1, 2)])
    assert np.hypot(solid.vertices[:, 0], solid.vertices[:, 2]) == pytest.approx(1)
    corners = solid.vertices[solid.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    assert area.sum() == pytest.approx(4 * np.pi, rel=0.01)


def test_a_box_is_closed_and_has_its_surface() -> None:
    solid = box(1, 2, 3)
    edges = np.sort(
        np.concatenate([solid.faces[:, [0, 1]], solid.faces[:, [1, 2]], solid.faces[:, [2, 0]]]), axis=1
    )
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_turning_moving_and_joining() -> None:
    turned = box(1, 2, 3).turned("x", 90).moved(y=5)
    assert extent(turned.vertices) == [1, 3, 2] and turned.vertices[:, 1].mean() == pytest.approx(5)
    both = join(box(1, 1, 1), turned)
    assert len(both.faces) == 24 and both.faces.max() == 15


def test_bending_keeps_lengths_along_the_middle() -> None:
    x = np.linspace(0, 1, 50)
    bent = tube(np.stack([x, 0 * x, 0 * x], 1), 1e-4).bent(90).vertices
    ends = bent[np.abs(bent[:, 0]).argmin()], bent[bent[:, 0].argmax()]
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(np.sqrt(2) * 2 / np.pi, abs=0.01)


def test_cut_corners_stay_within_the_line_and_keep_its_ends() -> None:
    line = rounded([(0, 0), (1, 0), (1, 1)], 3)
    assert line[0].tolist() == [0, 0] and line[-1].tolist() == [1, 1]
    assert line.min() >= 0 and line.max() <= 1 and len(line) > 8
