"""Polygon faces to triangles, in vectorised numpy; only oddly shaped polygons cost a Python loop."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from c2p_deploy.io.common import Floats, Ints, check_indices, damaged, polygons_of

MOST_CORNERS = 1 << 18  # of one polygon; honest ones have hundreds
CORNERS_AT_ONCE = 1 << 16  # what is worked out between takes some 300 bytes a corner
# For the ears of one file: a test looks at all corners left, and costs as much as this many by itself.
EAR_WORK, EAR_COST = 30_000_000, 500  # about two seconds

_log = logging.getLogger("c2p_deploy")


def triangulate(corners: Ints, counts: Ints, points: Floats) -> Ints:
    """Triangles (T, 3) that cover the polygons, polygon after polygon.

    corners: (K,) vertex indices of all polygons in a row; counts: (M,) corners of each polygon, summing to
    K; points: (N, 3). Polygons of fewer than three corners (points, lines) vanish. A convex polygon becomes
    a fan; a concave one is cut so that no triangle leaves it, as long as it does not cross itself and the
    work stays within bounds: concave polygons beyond that become fans, with a warning.

    Raises CloudFileError for an index outside 0 ... N - 1, or a polygon of more than MOST_CORNERS.
    """
    check_indices(corners, len(points))
    corners, counts = polygons_of(corners, counts)
    if len(counts) == 0:
        return np.empty((0, 3), np.int64)
    if counts.max() == 3:
        return corners.reshape(-1, 3)
    if counts.max() > MOST_CORNERS:
        raise damaged(f"has a face of {counts.max()} corners")

    ends = np.cumsum(counts)
    triangles = np.empty((int((counts - 2).sum()), 3), np.int64)
    work_left, uncut, polygon, done = EAR_WORK, 0, 0, 0
    while polygon < len(counts):
        begin = int(ends[polygon] - counts[polygon])
        following = max(int(np.searchsorted(ends, begin + CORNERS_AT_ONCE, side="right")), polygon + 1)
        part, work_left, too_much = _triangulate(
            corners[begin : ends[following - 1]], counts[polygon:following], points, work_left
        )
        triangles[done : done + len(part)] = part
        uncut, polygon, done = uncut + too_much, following, done + len(part)
    if uncut:
        _log.warning("%d concave faces are too large or too many to be cut well; they became fans", uncut)
    return triangles


def _triangulate(corners: Ints, counts: Ints, points: Floats, work_left: int) -> tuple[Ints, int, int]:
    """`triangulate` for some polygons of at least three corners.

    Also returns the work then left, and how many concave polygons became fans for want of it.
    """
    first = np.cumsum(counts) - counts  # (M,) where each polygon begins in `corners`
    reflex, normals = _reflex_corners(corners, counts, first, points)
    reflexes = np.add.reduceat(reflex, first, dtype=np.int64)  # (M,)

    # From a polygon's only reflex corner every other corner is visible: a fan that starts there is exact.
    shift = np.zeros(len(counts), np.int64)
    index = np.arange(len(corners)) - np.repeat(first, counts)  # (K,) within the polygon
    only = reflex & np.repeat(reflexes == 1, counts)
    shift[reflexes == 1] = index[only]
    corners = corners[
        np.repeat(first, counts) + (index + np.repeat(shift, counts)) % np.repeat(counts, counts)
    ]

    # fans of all polygons at once: corners (0, 1, 2), (0, 2, 3), ...
    fans = counts - 2
    first_fan = np.cumsum(fans) - fans
    start = np.repeat(first, fans)
    step = np.arange(len(start)) - np.repeat(first_fan, fans)
    triangles = np.stack([corners[start], corners[start + step + 1], corners[start + step + 2]], axis=1)

    uncut = 0
    for polygon in np.flatnonzero(reflexes > 1):
        ring = corners[first[polygon] : first[polygon] + counts[polygon]]
        if len(ring) * (len(ring) // 2 + EAR_COST) > work_left:  # though every first test may find an ear
            uncut += 1
            continue
        ears, work_left = _clip_ears(_flatten(points[ring], normals[polygon]), work_left)
        if ears is not None:
            triangles[first_fan[polygon] : first_fan[polygon] + fans[polygon]] = ring[ears]
        uncut += work_left <= 0
    return triangles, work_left, uncut


def _reflex_corners(
    corners: Ints, counts: Ints, first: Ints, points: Floats
) -> tuple[NDArray[np.bool_], Floats]:
    """Which corners (K,) turn against their polygon, and the polygons' area vectors (M, 3)."""
    following = np.arange(len(corners)) + 1
    following[first + counts - 1] = first
    previous = np.empty_like(following)
    previous[following] = np.arange(len(corners))
    # relative to the polygon's first corner, else large offsets drown the products
    local = points[corners].astype(np.float64) - np.repeat(points[corners[first]], counts, axis=0)
    edges = local[following] - local
    normals = np.add.reduceat(np.cross(local, local[following]), first, axis=0)
    turns = (np.cross(edges[previous], edges) * np.repeat(normals, counts, axis=0)).sum(axis=1)
    # false where a vertex is NaN or overflows: such polygons pass for convex
    return turns < -1e-9 * np.repeat((normals**2).sum(axis=1), counts), normals


def _flatten(ring: Floats, normal: Floats) -> Floats:
    """A polygon's corners (C, 3) seen along its normal -> (C, 2), counterclockwise."""
    axis = int(np.abs(normal).argmax())
    flat = ring.astype(np.float64)[:, [(axis + 1) % 3, (axis + 2) % 3]]
    return flat if normal[axis] > 0 else flat * [1, -1]


def _clip_ears(flat: Floats, work_left: int) -> tuple[Ints | None, int]:
    """Cut a counterclockwise polygon (C, 2) into triangles (C - 2, 3) of corner positions.

    None if it crosses itself or needs more than `work_left`; also returns the work then left.
    """
    ring, ears = list(range(len(flat))), []
    rim = 1e-9 * np.ptp(flat, axis=0).prod()
    while len(ring) > 3:
        for i in range(len(ring)):
            if work_left <= 0:
                return None, 0
            work_left -= len(ring) + EAR_COST
            ear = [ring[i - 1], ring[i], ring[(i + 1) % len(ring)]]
            a, b, c = flat[ear]
            if _doubled_area(a, b, c) < 0:
                continue
            # An ear must hold no other corner, not even on its rim, where it would cut the polygon in two.
            others = flat[ring]
            others = others[(others != a).any(axis=1) & (others != b).any(axis=1) & (others != c).any(axis=1)]
            inside = (_doubled_area(a, b, others) >= -rim) & (_doubled_area(b, c, others) >= -rim)
            if not (inside & (_doubled_area(c, a, others) >= -rim)).any():
                ears.append(ear)
                del ring[i]
                break
        else:
            return None, work_left
    return np.array([*ears, ring]), work_left


def _doubled_area(a: Floats, b: Floats, c: Floats) -> Floats:
    """Twice the signed area of triangle a, b, c in the plane; `c` may be (C, 2)."""
    doubled: Floats = (b[0] - a[0]) * (c[..., 1] - a[1]) - (b[1] - a[1]) * (c[..., 0] - a[0])
    return doubled
