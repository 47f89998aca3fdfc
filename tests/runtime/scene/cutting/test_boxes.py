"""Boxes hold their points, stand upright, and have no more ground than a search over all angles finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from c2p_runtime.scene.cutting.boxes import hull, upright_box
from c2p_runtime.scene.cutting.voxels import run
from c2p_runtime.scene.cutting.voxels_reference import chain_hull_reference


def unit(vector: list[float]) -> np.ndarray:
    return np.array(vector) / np.linalg.norm(vector)


UPS = [unit([0, 0, 1]), unit([0, -1, 0]), unit([0.1, -0.7, -0.7]), unit([1, 2, 3])]


@pytest.mark.parametrize("up", UPS)
@pytest.mark.parametrize("count", [1, 2, 3, 20, 3000])
def test_a_box_holds_its_points_and_is_the_smallest(up: np.ndarray, count: int) -> None:
    rng = np.random.default_rng(count)
    points = rng.normal(size=(count, 3)) * [3, 1, 0.5] + 100
    box = upright_box(points, up)
    np.testing.assert_allclose(box.axes @ box.axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(box.axes) == pytest.approx(1)
    np.testing.assert_allclose(box.axes[2], up)
    assert box.size[0] >= box.size[1] >= 0
    local = (points - box.center) @ box.axes.T
    np.testing.assert_allclose(np.abs(local).max(axis=0), box.size / 2, atol=1e-9)
    assert (np.abs(local) <= box.size / 2 + 1e-9).all()
    for angle in np.linspace(0, np.pi / 2, 181):
        turned = local[:, :2] @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        assert np.ptp(turned[:, 0]) * np.ptp(turned[:, 1]) >= box.size[0] * box.size[1] - 1e-9


@settings(max_examples=50)
@given(st.floats(0, 7), st.tuples(*[st.floats(0.1, 3)] * 3))
def test_the_box_of_a_box_is_that_box(turn: float, size: tuple[float, float, float]) -> None:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * np.array(size) / 2
    c, s = np.cos(turn), np.sin(turn)
    box = upright_box(corners @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + [1, 2, 3], UPS[0])
    np.testing.assert_allclose(box.center, [1, 2, 3], atol=1e-9)
    np.testing.assert_allclose(box.size, [max(size[:2]), min(size[:2]), size[2]], atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_hull_is_scipys(seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(10 ** (seed + 1) // 2 + 3, 2))[:5000]
    theirs = points[ConvexHull(points).vertices]
    assert {*map(tuple, hull(points))} == {*map(tuple, theirs)}


def test_the_hull_of_what_has_no_area() -> None:
    line = np.stack([np.linspace(0, 1, 1000), np.linspace(0, 2, 1000)], axis=1)
    assert {*map(tuple, hull(line))} == {(0, 0), (1, 2)}
    assert len(hull(np.ones((1000, 2)))) == 1


@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=40, unique=True))
def test_the_chain_is_the_reference_s(corners: list[tuple[int, int]]) -> None:
    points = np.array(sorted(corners), float) / 3
    chain = np.empty(2 * len(points) + 1, np.int64)
    run("chain_hull", points, len(points), chain)
    np.testing.assert_array_equal(chain[: chain[-1]], chain_hull_reference(points))
