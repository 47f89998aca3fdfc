"""Upright boxes: of all that hold the points, that with the smallest ground."""

from __future__ import annotations

import numpy as np

from c2p_runtime.scene.segmentation import Array, Box


def frame_of(up: Array) -> Array:
    """float64 [3, 3]: unit rows side, other side and up, right-handed."""
    least = np.zeros(3)
    least[np.argmin(np.abs(up))] = 1.0
    side = np.cross(least, up)
    side /= np.linalg.norm(side)
    return np.stack([side, np.cross(up, side), up])


def upright_box(points: Array, up: Array) -> Box:
    """The upright box of points [M, 3], M > 0, of least ground area: one side lies along the convex hull.

    (Freeman and Shapira 1975.) A box of no extent has zeros in its size.
    """
    frame = frame_of(up)
    middle = points.mean(axis=0)
    local = (points - middle) @ frame.T
    ground = hull(local[:, :2])
    edges = np.roll(ground, -1, axis=0) - ground
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
    """The convex hull [H, 2] of points [M, 2], M > 0, counter-clockwise: Andrew's monotone chain."""
    points = np.unique(_outermost(_outermost(points, 8), 32), axis=0)
    if len(points) < 3:
        return points
    chain: list[tuple[float, float]] = []
    for ordered in (points, points[::-1]):
        start = len(chain)
        for x, y in ordered.tolist():
            while len(chain) - start >= 2:
                (ax, ay), (bx, by) = chain[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                chain.pop()
            chain.append((x, y))
        chain.pop()
    return np.array(chain)


def _outermost(points: Array, directions: int) -> Array:
    """Points [M, 2] without those inside the polygon of the farthest in some directions."""
    if len(points) <= 4 * directions:
        return points
    angles = np.arange(directions) * (2 * np.pi / directions)
    x, y = points.T
    corners = points[
        [int(np.argmax(x * c + y * s)) for c, s in zip(np.cos(angles), np.sin(angles), strict=True)]
    ]
    outside = np.zeros(len(points), bool)
    for (ax, ay), (ex, ey) in zip(corners, np.roll(corners, -1, axis=0) - corners, strict=True):
        if ex or ey:  # else it is the farthest in two directions
            outside |= (y - ay) * ex <= (x - ax) * ey
    return points[outside] if outside.any() else points[:1]
