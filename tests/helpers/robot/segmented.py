"""Scenes made on the spot, with the parts they consist of."""

from __future__ import annotations

import numpy as np

from c2p_runtime.scene.segmentation import Box, Segment, Segmentation


def things(count: int, seed: int = 0, points: int = 200) -> list[np.ndarray]:
    """Scattered ellipsoids of about 0.2 m, z up, in a row along x: float32 [points, 3] each."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=(points, 3)) * rng.uniform(0.02, 0.08, 3) + (place, 0, 0.3)).astype(np.float32)
        for place in range(count)
    ]


def box_around(points: np.ndarray, axes: np.ndarray | None = None) -> Box:
    """A box along axes [3, 3] (rows), those of the frame where none are given."""
    axes = np.eye(3) if axes is None else axes
    local = points.astype(np.float64) @ axes.T
    low, high = local.min(axis=0), local.max(axis=0)
    return Box((low + high) / 2 @ axes, high - low, axes)


def in_parts(
    clouds: list[np.ndarray], up: tuple[float, ...] = (0, 0, 1), **counts: int
) -> tuple[np.ndarray, Segmentation]:
    """One cloud whose rows are shuffled, and the segmentation of which each of `clouds` is an object."""
    together = np.concatenate(clouds)
    order = np.random.default_rng(1).permutation(len(together))
    belongs = np.repeat(np.arange(len(clouds)), [len(cloud) for cloud in clouds])[order]
    points = together[order]
    parts = tuple(
        Segment(indices, box_around(points[indices]))
        for indices in (np.flatnonzero(belongs == thing) for thing in range(len(clouds)))
    )
    found = {"dropped": 0, "too_small": 0, "too_large": 0, **counts}
    return points, Segmentation(parts, (), np.array(up, float), timing_ms={"parts": 1.0}, **found)
