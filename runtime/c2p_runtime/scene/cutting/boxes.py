"""Upright boxes: of all that hold the points, that with the smallest ground."""

from __future__ import annotations

import numpy as np

from c2p_runtime.scene.cutting.voxels import run
from c2p_runtime.scene.segmentation import Array, Box


def frame_of(up: Array) -> Array:
    """float64 [3, 3]: unit rows side, other side and up, right-handed."""
    least = np.zeros(3)
    least[np.argmin(np.abs(up))] = 1.0
    side = _cross(least, up)
    side /= np.linalg.norm(side)
    return np.stack([side, _cross(up, side), up])


def _cross(first: Array, second: Array) -> Array:
    """Of two vectors [3]: np.cross takes as long as the hull of a thing."""
    (a, b, c), (x, y, z) = first.tolist(), second.tolist()
    return np.array([b * z - c * y, c * x - a * z, a * y - b * x])


def upright_box(points: Array, up: Array) -> Box:
    """The upright box of points [M, 3], M > 0, of least ground area: one side lies along the convex hull.

    (Freeman and Shapira 1975.) A box of no extent has zeros in its size.
    """
    frame = frame_of(up)
    middle = points.mean(axis=0)
    local = (points - middle) @ frame.T
    ground = hull(local[:, :2])
    edges = np.concatenate([ground[1:], ground[:1]]) - ground
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    sides = edges[lengths > 0] / lengths[lengths > 0, None]
    if len(sides) == 0:
        sides = np.array([[1.0, 0.0]])
    along = ground @ sides.T
    across = ground @ np.stack([-sides[:, 1], sides[:, 0]])
    areas = np.ptp(along, axis=0) * np.ptp(across, axis=0)
    best = int(np.argmin(areas))
    low = np.array([along[:, best].min(), across[:, best].min(), local[:, 2].min()])
    high = np.array([along[:, best].max(), across[:, best].max(), local[:, 2].max()])
    x = np.array([sides[best, 0], sides[best, 1], 0.0])
    axes = np.stack([x, [-x[1], x[0], 0.0], [0.0, 0.0, 1.0]])
    size, centre = high - low, (low + high) / 2 @ axes
    if size[0] < size[1]:  # length first
        axes = np.stack([axes[1], -axes[0], axes[2]])
        size = size[[1, 0, 2]]
    return Box(middle + centre @ frame, size, axes @ frame)


def hull(points: Array) -> Array:
    """The convex hull [H, 2] of points float64 [M, 2], M > 0, counter-clockwise."""
    points = _outermost(_outermost(points, 8), 32)
    points = points[np.lexsort((points[:, 1], points[:, 0]))]
    points = np.ascontiguousarray(points[np.append(True, (points[1:] != points[:-1]).any(axis=1))])
    if len(points) < 3:
        return points
    chain = np.empty(2 * len(points) + 1, np.int64)
    run("chain_hull", points, len(points), chain)
    return points[chain[: chain[-1]]]


def _outermost(points: Array, directions: int) -> Array:
    """Points [M, 2] without those inside the polygon of the farthest in some directions."""
    if len(points) <= 4 * directions:
        return points
    angles = np.arange(directions) * (2 * np.pi / directions)
    x, y = np.ascontiguousarray(points.T)
    far = np.cos(angles)[:, None] * x + np.sin(angles)[:, None] * y
    corners = points[np.argmax(far, axis=1)]
    edges = np.concatenate([corners[1:], corners[:1]]) - corners
    turn = edges.any(axis=1)  # else it is the farthest in two directions
    (ax, ay), (ex, ey) = corners[turn].T[:, :, None], edges[turn].T[:, :, None]
    outside = ((y - ay) * ex <= (x - ax) * ey).any(axis=0)
    return points[outside] if outside.any() else points[:1]
