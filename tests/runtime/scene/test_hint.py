"""A scene that is taken for one thing is noticed, a thing is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy import read_cloud
from c2p_runtime.scene.hint import looks_like_scene, parts_of
from paths import REPOSITORY

RNG = np.random.default_rng(0)


def turn(seed: int) -> np.ndarray:
    """A rotation, any."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(q)


def ball(x: float, y: float, radius: float = 0.05) -> np.ndarray:
    some = RNG.normal(size=(400, 3))
    return np.asarray(radius * some / np.linalg.norm(some, axis=1, keepdims=True) + (x, y, radius))


def table(width: float, points: int = 1500) -> np.ndarray:
    return RNG.uniform((-width, -width, -0.002), (width, width, 0.002), (points, 3))


@pytest.mark.parametrize("seed", range(4))
def test_table_tops_and_loose_things_are_scenes_in_any_pose_and_unit(seed: int) -> None:
    on_table = np.concatenate([table(0.4), ball(-0.1, 0), ball(0.1, 0.1)])
    loose = np.concatenate([ball(-0.3, 0), ball(0.3, 0.1), ball(0, 0.4)])
    for scene in (on_table, loose):
        cloud = 40 * scene @ turn(seed) + (900, -7, 3)
        cloud = np.concatenate([cloud, [[1e7, 0, 0], [np.nan, 1, 2]]]).astype(np.float32)
        assert looks_like_scene(cloud)


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "examples/clouds").iterdir()), ids=lambda path: path.stem
)
def test_examples_of_single_things_are_none(path: Path) -> None:
    assert not looks_like_scene(read_cloud(path))


def test_most_things_are_none(shared: Path) -> None:
    points = np.load(shared / "data/objects/objects.npz")["points"][::10].astype(np.float32)
    assert sum(map(looks_like_scene, points)) < 0.05 * len(points)


def test_table_tops_of_a_depth_camera_are(shared: Path) -> None:
    files = sorted((shared / "data/scenes").glob("*.pcd"))[::4]
    assert files and all(looks_like_scene(read_cloud(path)) for path in files)


@pytest.mark.parametrize(
    "points",
    [np.zeros((0, 3)), np.zeros((500, 3)), np.full((500, 3), np.nan), ball(0, 0)[:3], np.zeros((9, 5))],
)
def test_nothing_much_is_no_scene(points: np.ndarray) -> None:
    assert not looks_like_scene(points)


def test_a_line_and_a_plane_alone_are_no_scene() -> None:
    line = np.linspace(0, 1, 700)[:, None] * (1, 2, 3)
    assert not looks_like_scene(line) and not looks_like_scene(table(1.0))


def test_parts_are_counted_by_share() -> None:
    three = np.concatenate([ball(0.1, 0.1), ball(0.5, 0.5), ball(0.9, 0.1)])
    assert parts_of(three) == 3
    assert parts_of(np.concatenate([three, [[0.1, 0.9, 0.9]]])) == 3  # one point is no part
    assert parts_of(np.concatenate([three, np.linspace((0.1, 0.1, 0), (0.5, 0.5, 0), 50)])) == 2
