"""Whether a cloud that is taken for one thing is rather a whole scene; a millisecond's look at it.

It has parts with space between them, or a plane on one side of which all the rest is, not as wide as the
plane. Of 1,270 clouds of single things one in fifty does; of 17 table tops, as a depth camera sees them, all
do. Rooms and streets, which fill their walls, it does not notice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_MOST_POINTS = 2048  # looked at
_BOUNDS = (0.01, 0.99)  # what lies beyond may be strays
_CELLS = 12  # along the longest side: a thing of 1,000 points has no gap as wide as one
_PARTS, _LEAST_PART = 3, 0.02  # how many parts make a scene, and the share of the points that each has
_HYPOTHESES, _VOTERS = 96, 512  # planes through three points each, and points that are asked
_THICKNESS = 0.015  # of a plane to either side, of the longest side
_LEAST_IN_PLANE = 0.25  # of the points
_ONE_SIDE = 0.9  # of the other points, that are on the same side of the plane
_WIDER = 1.3  # the plane is than these, both ways


def looks_like_scene(points: npt.NDArray[np.floating]) -> bool:
    """Of points [N, 3] in any unit and pose."""
    cloud = points[:: max(1, -(-len(points) // _MOST_POINTS)), :3].astype(np.float64)
    cloud = cloud[np.isfinite(cloud).all(axis=1)]
    if len(cloud) < _VOTERS // 4:
        return False
    low, high = np.quantile(cloud, _BOUNDS, axis=0)
    longest = float((high - low).max())
    if not 0 < longest < np.inf:
        return False
    around = 0.05 * longest
    cloud = cloud[((cloud >= low - around) & (cloud <= high + around)).all(axis=1)]
    cloud = (cloud - low) / longest
    return has_wide_plane(cloud) or parts_of(cloud) >= _PARTS


def has_wide_plane(cloud: Array) -> bool:
    """Whether many of points [N, 3], the longest side 1, lie in a plane, and the rest on one side of it."""
    voters = cloud[:: max(1, len(cloud) // _VOTERS)]
    three = np.random.default_rng(0).integers(len(voters), size=(3, _HYPOTHESES))
    corner, second, third = voters[three]
    normals = np.cross(second - corner, third - corner)
    lengths = np.linalg.norm(normals, axis=1)
    sound = lengths > 1e-6
    if not sound.any():
        return False
    normals = normals[sound] / lengths[sound, None]
    offsets = (normals * corner[sound]).sum(axis=1)
    # No product of matrices: that wakes threads, which takes longer on a busy machine.
    height = np.einsum("va,ha->hv", voters, normals) - offsets[:, None]
    best = int((np.abs(height) < _THICKNESS).sum(axis=1).argmax())
    normal = normals[best]
    height = np.einsum("na,a->n", cloud, normal) - offsets[best]
    inside = np.abs(height) < 1.5 * _THICKNESS
    above = ~inside & (height > 0)
    share = above.sum() / max(int((~inside).sum()), 1)
    rest = above if share > 0.5 else ~inside & ~above
    if inside.mean() < _LEAST_IN_PLANE or max(share, 1 - share) < _ONE_SIDE or rest.mean() < 0.01:
        return False
    side = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    side /= np.linalg.norm(side)
    across = np.stack([side, np.cross(normal, side)], axis=1)
    foot, others = (
        np.ptp(np.quantile(np.einsum("na,ab->nb", cloud[part], across), (0.02, 0.98), axis=0), axis=0)
        for part in (inside, rest)
    )
    return bool((foot >= _WIDER * others).all())


def parts_of(cloud: Array) -> int:
    """How many parts of some size points [N, 3], the longest side 1, fall into: cells that touch are one."""
    places = np.clip(np.floor(cloud * _CELLS).astype(np.int64), -1, _CELLS) + 2
    count = np.zeros((_CELLS + 4,) * 3, np.int64)
    np.add.at(count, tuple(places.T), 1)
    filled = count > 0
    name = np.where(filled, np.arange(count.size).reshape(count.shape), -1)
    while True:  # the largest name spreads over what is connected
        wider = name
        for axis in range(3):
            near = np.moveaxis(wider, axis, 0)
            spread = near.copy()
            np.maximum(spread[1:], near[:-1], out=spread[1:])
            np.maximum(spread[:-1], near[1:], out=spread[:-1])
            wider = np.moveaxis(spread, 0, axis)
        wider = np.where(filled, wider, -1)
        if np.array_equal(wider, name):
            break
        name = wider
    sizes = np.bincount(name[filled], count[filled])
    return int((sizes >= _LEAST_PART * len(cloud)).sum())
