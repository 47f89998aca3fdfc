"""What the kernels of `voxels` do, in plain NumPy and Python: for reading and for tests."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from c2p_runtime.scene.cutting.kernels_scene import AXIS_BITS, AXIS_MASK, FINE, MIDDLE
from c2p_runtime.scene.cutting.voxels import Places, Voxels
from c2p_runtime.scene.segmentation import Array, IntArray

# The neighbours of a voxel in the order of their keys.
AROUND = [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) != (0, 0, 0)]


def keep_points_reference(points: npt.NDArray[np.float32], crop: npt.NDArray[np.float32]) -> IntArray:
    """The indices of points [N, 3 or more] that are no holes and within crop [2, 3]."""
    xyz = points[:, :3]
    inside = (xyz >= crop[0]).all(axis=1) & (xyz <= crop[1]).all(axis=1)
    return np.flatnonzero(inside & (xyz != 0).any(axis=1))


def voxels_of_reference(points: npt.NDArray[np.float32], size: float, near: float = math.inf) -> Voxels:
    """`voxels_of`."""
    exact = points.astype(np.float64)
    far = np.linalg.norm(exact, axis=1)
    stretch = np.full(len(points), 1 / size)
    beyond = far > near
    stretch[beyond] *= near * (3 - 2 * np.sqrt(near / far[beyond])) / far[beyond]
    at = np.floor(exact * stretch[:, None]).astype(np.int64) + MIDDLE
    keys = (at[:, 0] << 2 * AXIS_BITS) | (at[:, 1] << AXIS_BITS) | at[:, 2]
    keys, voxel_of, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sums = np.zeros((len(keys), 3), np.int64)
    np.add.at(sums, voxel_of, np.floor(exact * FINE + 0.5).astype(np.int64))
    centres = sums / (counts[:, None] * float(FINE))
    sizes = size * np.maximum(np.linalg.norm(centres, axis=1) / near, 1.0) ** 1.5
    return Voxels(keys, sizes, centres, voxel_of)


def neighbours_of_reference(keys: IntArray) -> Places:
    """`neighbours_of`."""
    number = {int(key): v for v, key in enumerate(keys)}
    out = np.full((len(keys), len(AROUND)), len(keys), np.uint32)
    for v, key in enumerate(keys.tolist()):
        x, y, z = key >> 2 * AXIS_BITS, (key >> AXIS_BITS) & AXIS_MASK, key & AXIS_MASK
        for k, (dx, dy, dz) in enumerate(AROUND):
            other = (x + dx) << 2 * AXIS_BITS | (y + dy) << AXIS_BITS | (z + dz)
            out[v, k] = number.get(other, len(keys))
    return out


def connected_reference(neighbours: Places) -> IntArray:
    """`connected`: every voxel takes the smallest number next to it, until nothing changes."""
    group = np.arange(len(neighbours))
    while True:
        smallest = np.minimum(group, np.append(group, len(group))[neighbours].min(axis=1, initial=len(group)))
        if (smallest == group).all():
            return group
        group = smallest


def normals_of_reference(centres: Array, neighbours: Places) -> tuple[Array, Array]:
    """`normals_of`."""
    count = len(centres)
    around = [[v, *(int(u) for u in neighbours[v] if u < count)] for v in range(count)]
    normals, bend = np.zeros((count, 3)), np.full(count, 1 / 3)
    for v in range(count):
        these = centres[[w for u in around[v] for w in around[u]]]
        off = these - these.mean(axis=0)
        values, vectors = np.linalg.eigh(off.T @ off)
        if values.sum() > 0:
            normals[v], bend[v] = vectors[:, 0], max(values[0] / values.sum(), 0.0)
    return normals, bend


def patches_of_reference(
    centres: Array,
    normals: Array,
    bend: Array,
    neighbours: Places,
    sizes: Array,
    cosine: float,
    offset: float,
    reach: float,
) -> IntArray:
    """`patches_of`."""
    count = len(centres)
    patch, found = np.full(count, -1), 0
    for seed in np.argsort(bend, kind="stable"):
        if patch[seed] >= 0:
            continue
        queue, patch[seed] = [int(seed)], found
        while queue:
            for u in neighbours[queue.pop()].tolist():
                if u == count or patch[u] >= 0:
                    continue
                away = centres[u] - centres[seed]
                if (
                    normals[u] @ normals[seed] >= cosine
                    and abs(away @ normals[seed]) <= offset * sizes[seed]
                    and np.linalg.norm(away) <= reach * sizes[seed]
                ):
                    patch[u] = found
                    queue.append(u)
        found += 1
    return patch


def chain_hull_reference(points: Array) -> IntArray:
    """`chain_hull`: int64 [H], the numbers of its corners. (Andrew 1979.)"""
    chain: list[int] = []
    for ordered in (range(len(points)), reversed(range(len(points)))):
        start = len(chain)
        for k in ordered:
            x, y = points[k]
            while len(chain) - start >= 2:
                (ax, ay), (bx, by) = points[chain[-2:]]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                chain.pop()
            chain.append(k)
        chain.pop()
    return np.array(chain, np.int64)
