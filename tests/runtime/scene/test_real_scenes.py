"""Real recordings: labelled tabletop scenes, and others that must give sensible boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy import read_cloud
from c2p_recipes.packs.scanned import read_labelled, table_normal
from c2p_runtime.scene.segment import segment
from c2p_runtime.scene.segmentation import SceneOptions
from harness.scene_scoring import best_overlaps

FOUND = 0.5  # overlap of points with which an object counts as found
# Of the sets: boxes, stacked, occluded, cylinders. The cutting finds all but one of them all; an object fewer
# in each may come from other rounding, two would be another cutting.
LEAST = {"boxes": 9, "stacked": 9, "occluded": 7, "cylinders": 12}


def set_of(path: Path) -> str:
    number = int(path.stem[5:])
    return next(
        n for end, n in ((17, "boxes"), (25, "stacked"), (33, "occluded"), (45, "cylinders")) if number < end
    )


def test_labelled_objects_are_found(shared: Path) -> None:
    hits = dict.fromkeys(LEAST, 0)
    objects = further = 0
    for path in sorted((shared / "data" / "scenes").glob("learn*.pcd")):
        points, label = read_labelled(path)
        answer = segment(points)
        best = best_overlaps(
            [thing.indices for thing in answer.objects], np.where(label >= 20, label // 10, -1)
        )
        hits[set_of(path)] += int((best >= FOUND).sum())
        objects += len(best)
        further += len(answer.objects) - int((best >= FOUND).sum())
        normal = table_normal(points[(label >= 1) & (label < 10)])
        assert answer.up @ normal > np.cos(np.radians(2)), path.name
    assert objects == 42
    assert all(hits[name] >= least for name, least in LEAST.items()), hits
    assert further <= 14  # pieces of objects, most of them of what something in front of it parts in two


def test_the_order_of_real_points_changes_nothing(shared: Path) -> None:
    points, _ = read_labelled(shared / "data" / "scenes" / "learn33.pcd")
    order = np.random.default_rng(0).permutation(len(points))
    first, second = segment(points), segment(points[order])
    assert len(first.objects) == len(second.objects)
    for a, b in zip(first.objects, second.objects, strict=True):
        np.testing.assert_array_equal(a.indices, np.sort(order[b.indices]))


# What is there: how many things there must be at least and at most.
SENSORS: dict[str, tuple[int, int]] = {
    "pcl/organised_640x480.pcd": (4, 12),
    "pcl/office1.pcd": (20, 64),
    "pcl/milk.pcd": (0, 3),
    "pcl/bunny.pcd": (1, 1),
    "pcl/car6.pcd": (0, 20),
    "pcl/lamppost.pcd": (0, 20),
    "mmdet3d/demo-data/kitti/000008.bin": (12, 30),
    "mmdet3d/demo-data/nuscenes/n015-2018-07-24-11-22-45+0800__LIDAR_TOP__1532402927647951.pcd.bin": (10, 60),
    "mmdet3d/demo-data/scannet/scene0000_00.bin": (10, 64),
    "mmdet3d/demo-data/sunrgbd/000017.bin": (5, 64),
}


@pytest.mark.parametrize("name", SENSORS)
def test_recordings_of_all_kinds_give_sensible_boxes(shared: Path, name: str) -> None:
    points = read_cloud(shared / "data" / "sensors" / name)
    options = SceneOptions(max_size=6.0)
    answer = segment(points, options=options)
    least, most = SENSORS[name]
    assert least <= len(answer.objects) <= most
    for thing in answer.objects:
        inside = points[thing.indices].astype(np.float64) - thing.box.center
        assert (np.abs(inside @ thing.box.axes.T) <= thing.box.size / 2 + 1e-3).all()
        assert options.min_size <= thing.box.size.max() <= options.max_size


def test_cars_of_a_lidar_are_found(shared: Path) -> None:
    """Two of KITTI's frame 8, seen in a picture from above: their places, and the size of a car."""
    points = read_cloud(shared / "data" / "sensors" / "mmdet3d" / "demo-data" / "kitti" / "000008.bin")
    answer = segment(points, options=SceneOptions(max_size=6.0, min_size=0.3))
    for x, y in ((8.0, 1.2), (14.7, -1.1)):
        near: Any = [t.box for t in answer.objects if np.hypot(*(t.box.center[:2] - [x, y])) < 1.0]
        assert any(3.0 < box.size[0] < 5.0 and 1.2 < box.size[1] < 2.2 for box in near)
