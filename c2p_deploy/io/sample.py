"""Points on a mesh, drawn uniformly by area."""

from __future__ import annotations

import numpy as np

from c2p_deploy.io.common import Floats, Ints


def sample_mesh(points: Floats, triangles: Ints, count: int, seed: int) -> Floats:
    """`count` points drawn uniformly by area from triangles (T, 3) over vertices (N, 3) -> (count, 3).

    Same arguments, same bits. The dtype is that of `points`. Triangles with a NaN or infinite corner are
    left out; if what remains has no area, the vertices themselves are returned.
    """
    usable = np.isfinite(points[triangles]).all(axis=(1, 2))  # (T,)
    triangles = triangles[usable]
    if len(triangles) == 0:
        return points
    used = points[triangles.ravel()].astype(np.float64)  # (3 T, 3)
    low, high = used.min(axis=0), used.max(axis=0)
    scale = (high / 2 - low / 2).max()  # halved: the extent itself may overflow
    if not scale > 0:
        return points
    # Areas of a mesh brought to unit size neither overflow nor vanish, whatever its unit.
    a, b, c = np.moveaxis(((used - low / 2 - high / 2) / scale).reshape(-1, 3, 3), 1, 0)
    total = np.cumsum(np.sqrt((np.cross(b - a, c - a) ** 2).sum(axis=1)))  # (T,)
    if not total[-1] > 0:
        return points

    random = np.random.default_rng(seed).random((count, 3))
    chosen = np.searchsorted(total, random[:, 0] * total[-1], side="right").clip(max=len(total) - 1)
    # uniform in the triangle: the square root makes up for its narrowing towards corner a
    outward, across = np.sqrt(random[:, 1:2]), random[:, 2:3]
    corners = used.reshape(-1, 3, 3)[chosen]  # (count, 3, 3)
    weights = np.stack([1 - outward, outward * (1 - across), outward * across], axis=1)  # (count, 3, 1)
    sampled: Floats = (weights * corners).sum(axis=1).astype(points.dtype)
    return sampled
