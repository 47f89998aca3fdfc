"""Points on a mesh, drawn uniformly by area."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from c2p_deploy.io.common import ROWS, Floats, Ints


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
    # Edges scaled to at most 1 (and halved first): areas then neither overflow nor vanish, whatever the unit.
    longest = max(np.abs(edges).max() for edges in _half_edges(points, triangles))
    if longest == 0:
        return points
    areas = np.empty(len(triangles))
    for i, (ab, ac) in enumerate(_half_edges(points, triangles)):
        part = np.sqrt((np.cross(ab / longest, ac / longest) ** 2).sum(axis=1))
        areas[i * ROWS : i * ROWS + len(part)] = part
    total = np.cumsum(areas, out=areas)  # (T,)
    if total[-1] == 0:
        return points

    random = np.random.default_rng(seed).random((count, 3))
    chosen = np.searchsorted(total, random[:, 0] * total[-1], side="right").clip(max=len(total) - 1)
    # uniform in the triangle: the square root makes up for its narrowing towards corner a
    outward, across = np.sqrt(random[:, 1:2]), random[:, 2:3]
    a, b, c = (points[corner].astype(np.float64) for corner in triangles[chosen].T)  # (count, 3) each
    drawn = (1 - outward) * a + outward * (1 - across) * b + outward * across * c
    sampled: Floats = drawn.astype(points.dtype)
    return sampled


def _half_edges(points: Floats, triangles: Ints) -> Iterator[Floats]:
    """Halves of the edges ab and ac of all triangles, (2, <= ROWS, 3) float64 at a time: memory."""
    for i in range(0, len(triangles), ROWS):
        a, b, c = (points[corner].astype(np.float64) / 2 for corner in triangles[i : i + ROWS].T)
        yield np.stack([b - a, c - a])
