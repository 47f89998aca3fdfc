"""Near-twins: objects that are the same thing, perhaps copied into another pack, turned, coloured or
simplified.

Two objects are near-twins when their shapes agree whatever the heading, or when a model that knows shapes
gives them almost the same feature and their shapes roughly agree. Groups are what near-twins connect.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_deploy import progress
from c2p_deploy.projection.spec import FloatArray

# Distances are L1 between histograms that add up to 1, so 0 to 2. Two samplings of one surface differ by
# 0.05 to 0.12, copies simplified or turned by up to about 0.2; looked at by eye in a report of `c2p-recipe
# split`.
SAME_SHAPE = 0.16
SIMILAR_SHAPE = 0.3
SAME_FEATURE = 0.985  # cosine
_BINS = 12
_PAIRS = 8192  # of points, for distances between them


def shape_descriptor(points: FloatArray, seed: int = 0) -> FloatArray:
    """A histogram [288] of a dense cloud [N, 3], y up, in the unit sphere; a turn about y does not change it.

    Half is where points lie by radius from the up axis and by height, half is how far pairs of points are
    apart and how far apart in height. Every half adds up to a half.
    """
    low, high = points[:, 1].min(), points[:, 1].max()
    centre = points - np.array(
        [points[:, 0].mean(), (low + high) / 2, points[:, 2].mean()], dtype=points.dtype
    )
    scale = float(np.linalg.norm(centre, axis=1).max())
    centre = centre / scale
    radius = np.hypot(centre[:, 0], centre[:, 2])
    first = _smoothed(radius, (centre[:, 1] + 1) / 2)
    rng = np.random.default_rng(seed)
    a, b = rng.integers(len(points), size=(2, _PAIRS))
    apart = centre[a] - centre[b]
    second = _smoothed(np.linalg.norm(apart, axis=1) / 2, np.abs(apart[:, 1]) / 2)
    return np.asarray(np.concatenate([first, second]) / 2, dtype=np.float32)


def _smoothed(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> FloatArray:
    """A histogram [bins²] of values in [0, 1], each shared among its four nearest bins."""
    grid = np.zeros((_BINS, _BINS))
    u, v = (np.clip(value, 0, 1) * (_BINS - 1.001) for value in (x, y))
    i, j = u.astype(np.int64), v.astype(np.int64)
    for di in (0, 1):
        for dj in (0, 1):
            weight = np.abs(1 - di - (u - i)) * np.abs(1 - dj - (v - j))
            np.add.at(grid, (i + di, j + dj), weight)
    return np.asarray(grid.ravel() / grid.sum(), dtype=np.float32)


def twin_pairs(
    clouds: npt.NDArray[np.float16], features: FloatArray, labels: npt.NDArray[np.str_], seed: int = 0
) -> list[tuple[int, int, float, float]]:
    """Near-twins of one label: (a, b, shape distance, cosine), a < b.

    clouds: [N, P, 3], y up, unit sphere; features: [N, D], unit length, of a model; labels: [N]. Objects of
    two labels may have one shape, a plate and a light switch: they are no twins, and hard for a model, not
    easy.
    """
    shapes = []
    with progress.task("comparing objects", len(clouds)) as task:
        for cloud in clouds:
            shapes.append(shape_descriptor(cloud.astype(np.float32), seed))
            task.advance()
    descriptors = np.stack(shapes)
    pairs = []
    for a in range(len(descriptors)):
        alike = a + 1 + np.flatnonzero(labels[a + 1 :] == labels[a])
        distance = np.abs(descriptors[alike] - descriptors[a]).sum(axis=1)
        cosine = features[alike] @ features[a]
        same = (distance < SAME_SHAPE) | ((distance < SIMILAR_SHAPE) & (cosine > SAME_FEATURE))
        pairs += [(a, int(alike[k]), float(distance[k]), float(cosine[k])) for k in np.flatnonzero(same)]
    return pairs


def connected(count: int, pairs: list[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """The smallest member of the group that each of `count` items is connected to, int64 [count]."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return np.array([root(item) for item in range(count)], dtype=np.int64)
