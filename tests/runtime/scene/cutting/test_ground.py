"""Ground that is not flat, and clusters around a lidar."""

from __future__ import annotations

import numpy as np
import pytest

from c2p_runtime.scene.cutting.ground import above_ground, clusters_around
from c2p_runtime.scene.segment import segment
from c2p_runtime.scene.segmentation import SceneOptions


def hills(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ground with slopes of up to 11 degrees."""
    return np.asarray(-1.7 + 2 * np.sin(x / 15) + 1.5 * np.cos(y / 20) - 1.5)


def landscape(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Hills with six cuboids of 1 x 1 x 1.5 m, and which of these each point is of, -1 for the ground."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-40, 40, (2, 60_000))
    points, labels = [np.stack([x, y, hills(x, y)], axis=1)], [np.full(len(x), -1)]
    for k, (cx, cy) in enumerate([(5, 0), (-8, 6), (12, -9), (-20, -15), (-6, 0), (30, 10)]):
        side = rng.uniform(-0.5, 0.5, (1500, 3))
        face = np.where(rng.integers(0, 2, len(side)) == 1, 0.5, -0.5)
        side[np.arange(len(side)), rng.integers(0, 2, len(side))] = face
        side[:, 2] = (side[:, 2] + 0.5) * 1.5
        points.append(side + np.array([cx, cy, hills(np.array(cx), np.array(cy))]))
        labels.append(np.full(len(side), k))
    return np.concatenate(points), np.concatenate(labels)


def test_the_ground_goes_and_things_stay() -> None:
    points, labels = landscape()
    above = above_ground(points + np.random.default_rng(1).normal(0, 0.02, points.shape))
    assert above[labels < 0].mean() < 0.02
    assert above[labels >= 0].mean() > 0.8  # the rest is their lowest 20 cm


def test_reflections_below_the_ground_do_not_lift_it() -> None:
    points, labels = landscape()
    below = points[::3000] - [0, 0, 8]
    above = above_ground(np.concatenate([points, below]))[: len(points)]
    assert above[labels < 0].mean() < 0.02


def test_clusters_meet_where_the_circle_closes() -> None:
    """A wall right behind, half at an azimuth of +180 degrees and half at -180."""
    y, z = (a.ravel() for a in np.meshgrid(np.linspace(-1, 1, 50), np.linspace(-0.5, 0.5, 20)))
    wall = np.stack([np.full(len(y), -8.0), y, z], axis=1)
    other = wall * [-1, 1, 1]
    cluster = clusters_around(np.concatenate([wall, other]))
    assert len(set(cluster[: len(wall)])) == len(set(cluster[len(wall) :])) == 1
    assert cluster[0] != cluster[-1]


@pytest.mark.parametrize("support", ["auto", "ground"])
def test_things_on_hills_are_found_near_and_far(support: str) -> None:
    points, labels = landscape()
    answer = segment(points, "z", SceneOptions(support=support, min_size=0.3))
    assert answer.planes == ()
    for k in range(6):
        inside = np.flatnonzero(labels == k)
        best = max(
            len(np.intersect1d(t.indices, inside)) / len(np.union1d(t.indices, inside))
            for t in answer.objects
        )
        assert best > 0.7, k
