"""Whole scenes made by rule: what is found, that nothing but the scene decides it, and what is no scene."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from c2p_deploy.errors import CloudError, OptionError
from c2p_runtime.scene.segment import segment
from c2p_runtime.scene.segmentation import SceneOptions, Segmentation
from harness.scene_scoring import best_overlaps
from scenes import cuboid, cylinder, scene, seen_from

SENSOR = np.array([0.1, -0.7, 0.8])
THINGS = [
    cuboid((-0.25, 0.1, 0.05), (0.2, 0.12, 0.1), 0.5),
    cuboid((-0.25, 0.1, 0.13), (0.1, 0.08, 0.06), 0.2),  # on it
    cylinder((0.1, 0.0, 0.06), 0.04, 0.12),
    cuboid((0.3, 0.2, 0.1), (0.1, 0.1, 0.2), 1.0),
    cuboid((0.38, -0.2, 0.03), (0.09, 0.06, 0.06), 1.2),
]
# A camera at SENSOR that looks at the middle of the table: rows are right, down and ahead.
AHEAD = -SENSOR / np.linalg.norm(SENSOR)
RIGHT = np.cross(AHEAD, [0, 0, 1]) / np.linalg.norm(np.cross(AHEAD, [0, 0, 1]))
CAMERA = np.stack([RIGHT, np.cross(AHEAD, RIGHT), AHEAD])
_POINTS, _LABELS = scene(*THINGS)
_SEEN = seen_from(SENSOR, _POINTS)
POINTS, LABELS = _POINTS[_SEEN], _LABELS[_SEEN]  # in the table's frame
# What a map has of it: seen from all around.
_AROUND = np.any([seen_from([x, y, 0.8], _POINTS) for x in (-0.7, 0.7) for y in (-0.7, 0.7)], axis=0)
ALL_POINTS, ALL_LABELS = _POINTS[_AROUND], _LABELS[_AROUND]
SEEN = (POINTS - SENSOR) @ CAMERA.T  # in the camera's optical frame


def found(segmentation: Segmentation) -> list[np.ndarray]:
    return [thing.indices for thing in segmentation.objects]


def check(answer: Segmentation, count: int) -> None:
    """What holds of every answer."""
    taken = np.concatenate([*found(answer), *(plane.indices for plane in answer.planes), np.zeros(0, int)])
    assert len(np.unique(taken)) == len(taken)
    assert len(taken) == 0 or (taken.min() >= 0 and taken.max() < count)
    for thing in answer.objects:
        assert (np.diff(thing.indices) > 0).all() and thing.indices.dtype == np.int64
        assert np.isfinite(thing.box.corners()).all()
        assert thing.box.size[0] >= thing.box.size[1]
        np.testing.assert_allclose(thing.box.axes @ thing.box.axes.T, np.eye(3), atol=1e-9)
        np.testing.assert_allclose(thing.box.axes[2], answer.up, atol=1e-9)
    assert np.linalg.norm(answer.up) == pytest.approx(1)
    assert all(value >= 0 for value in answer.timing_ms.values())


@pytest.mark.parametrize("up", ["auto", "-y"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_table_before_a_camera(up: Any, dtype: type) -> None:
    answer = segment(SEEN.astype(dtype), up)
    check(answer, len(SEEN))
    assert len(answer.objects) == len(THINGS) and best_overlaps(found(answer), LABELS).min() > 0.85
    np.testing.assert_allclose(answer.up, CAMERA @ [0, 0, 1], atol=0.01)
    (plane,) = answer.planes
    assert plane.offset == pytest.approx(-SENSOR[2], abs=0.005)
    assert (LABELS[plane.indices] == -1).mean() > 0.97
    distances = [np.linalg.norm(thing.box.center) for thing in answer.objects]
    assert distances == sorted(distances)
    for thing, size in ((3, [0.1, 0.1, 0.2]), (4, [0.09, 0.06, 0.06])):
        overlap = [np.isin(each, np.flatnonzero(thing == LABELS)).mean() for each in found(answer)]
        box = answer.objects[int(np.argmax(overlap))].box
        np.testing.assert_allclose(box.size, size, atol=0.025)  # without its foot, which is the table's


@pytest.mark.parametrize("up", ["auto", "z"])
def test_the_same_table_upright(up: Any) -> None:
    """All sides are seen, as in a map, and the origin is in the middle of the table."""
    answer = segment(ALL_POINTS, up)
    check(answer, len(ALL_POINTS))
    assert best_overlaps(found(answer), ALL_LABELS).min() > 0.8
    np.testing.assert_allclose(answer.up, [0, 0, 1], atol=0.01)


@pytest.mark.parametrize("frame", ["camera", "table"])
def test_the_order_of_the_points_changes_nothing(frame: str) -> None:
    points = SEEN if frame == "camera" else POINTS
    order = np.random.default_rng(1).permutation(len(points))
    first, second = segment(points), segment(points[order])
    assert len(first.objects) == len(second.objects) > 0
    for a, b in zip(first.objects, second.objects, strict=True):
        np.testing.assert_array_equal(a.indices, np.sort(order[b.indices]))
        np.testing.assert_allclose(a.box.corners(), b.box.corners(), atol=1e-9)


def cut_elsewhere(turn: float, move: Any) -> list[np.ndarray]:
    """The same table, turned about up and moved."""
    c, s = np.cos(turn), np.sin(turn)
    return found(segment(ALL_POINTS @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + move, "z"))


@settings(max_examples=5)
@given(st.floats(0, 2 * np.pi), st.tuples(*[st.floats(-0.3, 0.3)] * 3))
def test_turned_about_up_and_moved_it_is_cut_the_same(turn: float, move: tuple[float, float, float]) -> None:
    """But for the pile, which the grid of voxels, fixed in space, now and then leaves in one piece."""
    things = cut_elsewhere(turn, move)
    apart, pile = best_overlaps(things, ALL_LABELS), np.where(ALL_LABELS == 1, 0, ALL_LABELS)
    assert apart[2:].min() > 0.75
    assert apart[:2].min() > 0.7 or best_overlaps(things, pile)[0] > 0.85


def test_a_pile_comes_apart_nearly_wherever_it_stands() -> None:
    rng = np.random.default_rng(0)
    places = [cut_elsewhere(rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3, 3)) for _ in range(20)]
    assert sum(best_overlaps(things, ALL_LABELS)[:2].min() > 0.7 for things in places) >= 18


def test_map_coordinates_are_no_other_scene() -> None:
    far = np.array([551154.0, 249122.0, 1835.0])
    here, there = segment(ALL_POINTS, "z"), segment(ALL_POINTS + far, "z")
    assert len(here.objects) == len(there.objects)
    for a, b in zip(here.objects, there.objects, strict=True):
        assert len(np.intersect1d(a.indices, b.indices)) > 0.95 * len(np.union1d(a.indices, b.indices))
        np.testing.assert_allclose(b.box.center - far, a.box.center, atol=0.01)
    assert there.planes[0].normal @ far == pytest.approx(there.planes[0].offset, abs=0.01)


def test_things_do_not_depend_on_the_table_s_points() -> None:
    """With every other point of the table left out, and with none of what nothing stands on."""
    keep = (LABELS >= 0) | (np.arange(len(LABELS)) % 2 == 0)
    overlaps = best_overlaps(found(segment(SEEN[keep])), LABELS[keep])
    assert overlaps.min() > 0.85


def test_holes_are_left_out() -> None:
    """Zeros and NaN, as sensors write them, and columns behind x, y, z."""
    cloud = np.zeros((2 * len(SEEN), 5), np.float32)
    cloud[::2, :3] = SEEN
    cloud[1::4] = np.nan
    answer, plain = segment(cloud), segment(SEEN.astype(np.float32))
    assert [(i % 2 == 0).all() for i in found(answer)] == [True] * len(plain.objects)
    for a, b in zip(found(answer), found(plain), strict=True):
        np.testing.assert_array_equal(a // 2, b)


def test_limits() -> None:
    whole = segment(SEEN)
    sizes = sorted(float(thing.box.size.max()) for thing in whole.objects)
    options = SceneOptions()
    fewer = segment(SEEN, options=replace(options, max_objects=2))
    assert fewer.dropped == len(whole.objects) - 2
    assert [len(i) for i in found(fewer)] == [len(i) for i in found(whole)[:2]]
    less = segment(SEEN, options=replace(options, max_size=(sizes[-2] + sizes[-1]) / 2))
    assert (len(less.objects), less.too_large) == (len(whole.objects) - 1, whole.too_large + 1)
    most = max(len(i) for i in found(whole))
    none = segment(SEEN, options=replace(options, min_points=most + 1))
    assert (len(none.objects), none.too_small) == (0, whole.too_small + len(whole.objects))


def test_a_crop_leaves_out_what_is_outside() -> None:
    low, high = (-0.5, -0.4, -0.1), (0.2, 0.4, 0.5)
    answer = segment(POINTS, "z", SceneOptions(crop=(low, high)))
    taken = np.concatenate(found(answer))
    assert len(answer.objects) >= 3
    assert ((POINTS[taken] >= low) & (POINTS[taken] <= high)).all()


def test_without_a_support_the_table_is_part_of_it_all() -> None:
    answer = segment(POINTS, "z", SceneOptions(support="none"))
    assert answer.planes == ()
    assert (LABELS[np.concatenate(found(answer))] == -1).any()


def test_a_table_and_the_floor_are_two_supports_and_a_wall_is_none() -> None:
    x, y = (a.ravel() for a in np.meshgrid(np.arange(-1.5, 1.5, 0.01), np.arange(-1.5, 1.5, 0.01)))
    floor = np.stack([x, y, np.full(len(x), -0.7)], axis=1)
    wall = np.stack([x, np.full(len(x), 1.5), y + 1.0], axis=1)
    wall = np.concatenate([wall, wall + np.array([0, 0, 0.002])])  # the plane with the most points
    rng = np.random.default_rng(0)
    room = np.concatenate([floor, wall]) + rng.normal(0, 0.001, (len(floor) + len(wall), 3))
    points = np.concatenate([ALL_POINTS, room])
    labels = np.append(ALL_LABELS, np.full(len(room), -1))
    answer = segment(points, "z")
    assert sorted(round(plane.offset, 1) for plane in answer.planes) == [-0.7, 0.0]
    assert all(plane.normal[2] > 0.99 for plane in answer.planes)
    overlaps = best_overlaps(found(answer), labels)
    assert overlaps[2:].min() > 0.6  # in a room voxels are too large to tell the ledge between the first two


GRID = np.stack(np.meshgrid(np.linspace(-1, 1, 200), np.linspace(-1, 1, 200)), axis=-1).reshape(-1, 2)
RNG = np.random.default_rng(0)
NO_SCENES = {
    "nothing": np.zeros((0, 3)),
    "zeros": np.zeros((100, 3)),
    "one point": np.ones((1, 3)),
    "one place": np.full((1000, 3), 0.5),
    "all NaN": np.full((50, 3), np.nan),
    "all infinite": np.full((50, 3), -np.inf),
    "a plane": np.c_[GRID, np.zeros(len(GRID))],
    "a wall": np.c_[GRID[:, 0], np.ones(len(GRID)), GRID[:, 1]],
    "a line": np.linspace(0, 1, 1000)[:, None] * [[1, 1, 1]],
    "huge": RNG.normal(size=(1000, 3)) * 1e30,
    "huge, one place": np.full((100, 3), 1e18),
    "beyond float32": RNG.normal(size=(1000, 3)) * 1e300,
    "tiny": RNG.normal(size=(1000, 3)) * 1e-300,
    "wide": RNG.uniform(-999, 999, (5000, 3)),
    "a ball of fog": RNG.normal(size=(20_000, 3)),
    "whole numbers": RNG.integers(-5, 5, (1000, 3)),
}


@pytest.mark.parametrize("support", ["auto", "plane", "ground", "none"])
@pytest.mark.parametrize("name", NO_SCENES)
def test_what_is_no_scene_is_cut_without_an_error(name: str, support: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = segment(NO_SCENES[name], options=SceneOptions(support=support))
    check(answer, len(NO_SCENES[name]))
    if name == "a plane" and support in ("auto", "plane"):
        assert answer.objects == () and len(answer.planes) == 1


@settings(max_examples=40)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(0, 30), st.just(3)),
        elements=st.floats(width=32) | st.floats(-1, 1, width=32),
    ),
    st.sampled_from(["auto", "z", "-y", "x"]),
    st.sampled_from(["auto", "plane", "ground", "none"]),
)
def test_any_few_points_have_an_answer(points: np.ndarray, up: Any, support: Any) -> None:
    if len(points) < 3:
        points = np.zeros((3, 3), np.float32)
    check(segment(points, up, SceneOptions(support=support, min_points=1, min_size=0.01)), len(points))


def test_what_are_no_points_or_no_axis_is_refused() -> None:
    with pytest.raises(CloudError, match=r"\[N, 3\]"):
        segment(np.zeros((5, 2)))
    with pytest.raises(OptionError, match="up is 'w'"):
        segment(POINTS, "w")  # type: ignore[arg-type]
