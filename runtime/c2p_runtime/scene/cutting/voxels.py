"""Points become voxels, sorted by their place, and voxels know those next to them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.native import Kernels
from c2p_runtime.scene.cutting import kernels_scene
from c2p_runtime.scene.cutting.kernels_scene import AXIS_BITS, AXIS_MASK, FINE, NEIGHBOURS
from c2p_runtime.scene.segmentation import Array, IntArray

run = Kernels(kernels_scene).run

Places = npt.NDArray[np.uint32]

REACH = 1000.0  # metres from the origin; what lies beyond belongs to no scene that a robot acts in
SMALLEST = 0.001  # metres a voxel must have for REACH to have numbers


@dataclass(frozen=True)
class Voxels:
    """V voxels, by x, then y, then z.

    keys: int64 [V]; sizes: float64 [V], of their sides; centres: float64 [V, 3], the means of their points;
    voxel_of: int64 [M], of each point.
    """

    keys: IntArray
    sizes: Array
    centres: Array
    voxel_of: IntArray

    def places(self) -> IntArray:
        """int64 [V, 3]: their numbers along x, y and z, as they are in the keys."""
        keys = self.keys
        return np.stack([keys >> 2 * AXIS_BITS, (keys >> AXIS_BITS) & AXIS_MASK, keys & AXIS_MASK], axis=1)


def keep_points(
    points: npt.NDArray[np.float32], crop: npt.NDArray[np.float32]
) -> tuple[IntArray, npt.NDArray[np.float32]]:
    """Which points [N, 3 or more] are no holes and within crop [2, 3]: indices [M], and they [M, 3]."""
    n = len(points)
    if points.strides[1] != 4 or points.strides[0] % 4 or points.strides[0] < 0:
        points = np.ascontiguousarray(points)
    kept, local = np.empty(n + 1, np.int64), np.empty((n, 3), np.float32)
    run("keep_points", points, n, points.strides[0] // 4, crop, kept, local)
    count = int(kept[n])
    return kept[:count], local[:count]


def voxels_of(points: npt.NDArray[np.float32], size: float, near: float = math.inf) -> Voxels:
    """The voxels of points [M, 3] that are within REACH.

    size: of the side. near: beyond that distance from the origin, where a sensor is, the sides grow: along
    the line of sight with the power of 1.5 of the distance, between the gaps of the points (1) and the errors
    of a depth camera (2), and across it more slowly. Sizes are those along it. The order of the points
    changes nothing, not even by rounding.
    """
    return voxels_numbered(points, size, near, *number_voxels(points, size, near))


def number_voxels(points: npt.NDArray[np.float32], size: float, near: float) -> tuple[IntArray, IntArray]:
    """The first half of `voxels_of`: keys [V], as their points come, and the voxel of each point [M]."""
    n = len(points)
    bits = (2 * n).bit_length()
    table, voxel_of, keys = np.full(1 << bits, -1, np.int64), np.empty(n, np.int64), np.empty(n + 1, np.int64)
    run("number_voxels", points, n, 1.0 / size, near, table, bits, voxel_of, keys)
    return keys[: keys[n]], voxel_of


def voxels_numbered(
    points: npt.NDArray[np.float32], size: float, near: float, keys: IntArray, voxel_of: IntArray
) -> Voxels:
    """The second half of `voxels_of`, which overwrites voxel_of: sorted, with centres."""
    order = np.argsort(keys)
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.arange(len(keys))
    counts, sums = np.zeros(len(keys), np.int64), np.zeros((len(keys), 3), np.int64)
    run("sum_voxels", points, len(points), rank, voxel_of, counts, sums)
    centres = sums / (counts[:, None] * float(FINE))
    sizes = size * np.maximum(np.linalg.norm(centres, axis=1) / near, 1.0) ** 1.5
    return Voxels(keys[order], sizes, centres, voxel_of)


def neighbours_of(keys: IntArray) -> Places:
    """The up to 26 voxels next to each of those with ascending keys [V]: uint32 [V, 26], V where none is."""
    neighbours = np.full((len(keys), NEIGHBOURS), len(keys), np.uint32)
    run("link_voxels", keys, len(keys), neighbours)
    return neighbours


def connected(neighbours: Places) -> IntArray:
    """The smallest number among the voxels that each is connected with: int64 [V]."""
    group = np.arange(len(neighbours))
    run("join_linked", neighbours, len(neighbours), group)
    return group


def normals_of(centres: Array, neighbours: Places) -> tuple[Array, Array]:
    """Unit normals [V, 3] of either sign, of two voxels around, and how far each is from flat [V]: 0 … 1/3.

    Zeros where there are too few voxels for a normal.
    """
    count = len(centres)
    normals, bend = np.empty((count, 3)), np.empty(count)
    run("estimate_normals", centres, count, neighbours, np.empty((count, 10)), normals, bend)
    return normals, bend


def patches_of(
    centres: Array,
    normals: Array,
    bend: Array,
    neighbours: Places,
    sizes: Array,
    cosine: float,
    offset: float,
    reach: float,
) -> IntArray:
    """Smooth patches, grown from the flattest voxels on: int64 [V], numbers from 0.

    cosine: of the largest angle to the seed's normal. offset, reach: in sizes [V] of the seed.
    """
    count = len(centres)
    patch, seeds = np.full(count, -1), np.argsort(bend, kind="stable")
    run(
        "grow_patches", centres, normals, seeds, neighbours, count, cosine, sizes, offset, reach, patch,
        np.empty(count, np.int64),
    )  # fmt: skip
    return patch
