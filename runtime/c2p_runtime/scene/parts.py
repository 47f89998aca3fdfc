"""What is connected is cut where surfaces meet in a concave edge: there one thing stands on or beside another.

As Stein et al., Object Partitioning using Local Convexity, CVPR 2014: patches instead of supervoxels.
"""

from __future__ import annotations

import numpy as np

from c2p_runtime.scene.kernels_scene import NEIGHBOURS
from c2p_runtime.scene.segmentation import Array, IntArray
from c2p_runtime.scene.voxels import Places, connected, neighbours_of, normals_of, patches_of

PATCH_ANGLE = 20.0
PATCH_REACH = 5.0
PATCH_OFFSET = 1.0
CONCAVE = 10.0


def things_of(keys: IntArray, centres: Array, size: float, viewpoint: Array | None, up: Array) -> IntArray:
    """The thing that each of the voxels belongs to: int64 [V]."""
    neighbours = neighbours_of(keys)
    normals, bend = normals_of(centres, neighbours)
    if viewpoint is None:
        group = connected(neighbours)
        number = group.max() + 1
        means = np.stack([np.bincount(group, c, number) for c in centres.T]) / np.maximum(
            np.bincount(group, minlength=number), 1
        )
        facing = (normals * (centres - means.T[group])).sum(axis=1)
    else:
        facing = (normals * (viewpoint - centres)).sum(axis=1)
    normals *= np.where(facing < 0, -1.0, 1.0)[:, None]
    patch = patches_of(
        centres, normals, bend, neighbours,
        np.cos(np.radians(PATCH_ANGLE)), PATCH_OFFSET * size, PATCH_REACH * size,
    )  # fmt: skip
    return merge_patches(centres, normals, neighbours, patch)[patch]


def merge_patches(centres, normals, neighbours, patch):
    number = int(patch.max()) + 1
    sizes = np.bincount(patch, minlength=number)
    mean = np.stack([np.bincount(patch, c, number) for c in centres.T], axis=1) / sizes[:, None]
    normal = np.stack([np.bincount(patch, c, number) for c in normals.T], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1), 1e-12)[:, None]
    pairs = []
    for k in range(NEIGHBOURS // 2, NEIGHBOURS):
        other = neighbours[:, k]
        i = np.flatnonzero(other < len(patch))
        a, b = patch[i], patch[other[i]]
        i = a != b
        a, b = a[i], b[i]
        pairs.append(np.minimum(a, b) * number + np.maximum(a, b))
    pair, count = np.unique(np.concatenate(pairs), return_counts=True)
    a, b = pair // number, pair % number
    d = mean[a] - mean[b]
    d /= np.linalg.norm(d, axis=1)[:, None]
    angle = np.degrees(np.arccos(np.clip((normal[a] * normal[b]).sum(axis=1), -1, 1)))
    convex = (d * (normal[a] - normal[b])).sum(axis=1) > 0
    merge = convex | (angle < CONCAVE)
    group = np.arange(number)

    def root(x):
        while group[x] != x:
            group[x] = group[group[x]]
            x = group[x]
        return x

    for x, y in zip(a[merge], b[merge], strict=True):
        x, y = root(x), root(y)
        group[max(x, y)] = min(x, y)
    return np.array([root(x) for x in range(number)])
