"""Points on a mesh, drawn uniformly by area."""

from __future__ import annotations

import numpy as np

from c2p_deploy.io.common import Floats, Ints


def sample_mesh(points: Floats, triangles: Ints, count: int, seed: int) -> Floats:
    """`count` points drawn uniformly by area from triangles (T, 3) over vertices (N, 3) -> (count, 3).

    Same arguments, same bits. The dtype is that of `points`. Triangles with a NaN or infinite corner are
    left out; if what remains has no area, the vertices themselves are returned.
    """
    finite = np.asarray(np.isfinite(points).all(axis=1))  # (N,)
    if not finite.all():
        triangles = triangles[finite[triangles].all(axis=1)]
    if len(triangles) == 0:
        return points
    a, b, c = (points[corner].astype(np.float64) for corner in triangles.T)  # (T, 3) each
    # Edges scaled to at most 1 (and halved first): areas then neither overflow nor vanish, whatever the unit.
    ab, ac = b / 2 - a / 2, c / 2 - a / 2
    longest = max(np.abs(ab).max(), np.abs(ac).max())
    if longest == 0:
        return points
    total = np.cumsum(np.sqrt((np.cross(ab / longest, ac / longest) ** 2).sum(axis=1)))  # (T,)
    if total[-1] == 0:
        return points

    random = np.random.default_rng(seed).random((count, 3))
    chosen = np.searchsorted(total, random[:, 0] * total[-1], side="right").clip(max=len(total) - 1)
    # uniform in the triangle: the square root makes up for its narrowing towards corner a
    outward, across = np.sqrt(random[:, 1:2]), random[:, 2:3]
    drawn = (1 - outward) * a[chosen] + outward * (1 - across) * b[chosen] + outward * across * c[chosen]
    sampled: Floats = drawn.astype(points.dtype)
    return sampled
