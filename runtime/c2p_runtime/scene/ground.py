"""Outdoors, as a lidar sees it: ground that is not flat, and things that get sparse with the distance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_runtime.scene.kernels_scene import AXIS_BITS, MIDDLE
from c2p_runtime.scene.segmentation import Array, IntArray
from c2p_runtime.scene.voxels import Voxels, connected, neighbours_of, voxels_of

CELL = 1.0  # metres, of the map of the ground
MOST_CELLS = 256  # along a side of it; a wider scene has larger ones
WIDEST_GAP = 32  # cells in the map without a point, over which the ground is carried on
SLOPE = 0.3  # the steepest ground: 17 degrees, a steep street
PIT = 1.0  # metres that a cell's lowest point may be below what is around; deeper is a reflection
CLEARANCE = 0.2  # metres above the ground where a thing begins: kerbs and the noise of lidars are lower
STEP = 0.021  # of angle, and of distance as a part of it: a lidar of 32 rings has one every 1.33 degrees
NEAREST = 1.0  # metres from the axis of the lidar; what is nearer is the robot itself


def above_ground(points: Array) -> npt.NDArray[np.bool_]:
    """Which of points [M, 3], z up, M > 0, stand above the ground.

    The ground is the highest surface that no point lies below and that is nowhere steeper than SLOPE: the
    lowest point of each cell of a map, from which it may rise no faster than that.
    """
    low = points[:, :2].min(axis=0)
    cell = max(CELL, float(np.ptp(points[:, :2], axis=0).max()) / (MOST_CELLS - 1))
    at = ((points[:, :2] - low) / cell).astype(np.int64)
    rows, columns = at.max(axis=0) + 1
    index = at[:, 0] * columns + at[:, 1]
    height = np.full(rows * columns, np.inf)
    np.minimum.at(height, index, points[:, 2])
    height = _without_pits(height.reshape(rows, columns))
    steps = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy]
    for _ in range(WIDEST_GAP):
        before = height
        for dx, dy in steps:
            height = np.minimum(height, _moved(height, dx, dy) + SLOPE * cell * np.hypot(dx, dy))
        if np.array_equal(before, height):
            break
    return np.asarray(points[:, 2] - height.ravel()[index] > CLEARANCE)


def robot_itself(points: Array) -> npt.NDArray[np.bool_]:
    """Which of points [M, 3], z up, the lidar at the origin has of what carries it."""
    return np.asarray(np.hypot(points[:, 0], points[:, 1]) < NEAREST)


def _without_pits(height: Array) -> Array:
    """The map without cells far below the median of 5 x 5; infinite is where nothing was seen."""
    i, j = np.nonzero(np.isfinite(height))
    padded = np.pad(height, 2, constant_values=np.inf)
    around = np.stack([padded[i + di, j + dj] for di in range(5) for dj in range(5)])
    around[np.isinf(around)] = np.nan
    pit = height[i, j] < np.nanmedian(around, axis=0) - PIT
    height[i[pit], j[pit]] = np.inf
    return height


def _moved(grid: Array, dx: int, dy: int) -> Array:
    """The grid's values from so many cells away, at most one; infinite from outside."""
    padded = np.pad(grid, 1, constant_values=np.inf)
    return padded[1 + dx : 1 + dx + grid.shape[0], 1 + dy : 1 + dy + grid.shape[1]]


def clusters_around(points: Array) -> IntArray:
    """Things among points [M, 3], z up, seen from the origin and none above or below it: int64 [M].

    Of each point the number of its cluster. What is in voxels next to each other belongs together, and voxels
    are of azimuth, logarithm of the distance, and height over distance: they grow as a lidar's gaps do.
    """
    far = np.hypot(points[:, 0], points[:, 1])
    turn = round(2 * np.pi / STEP)  # voxels around: a whole number, so that the ends of the circle meet
    azimuth = (np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) + 0.5) % 1.0
    azimuth = np.minimum(azimuth * turn, turn - 0.001)  # so that float32 does not round it to a voxel more
    warped = np.stack([azimuth, np.log(far) / STEP, points[:, 2] / far / STEP], axis=1)
    voxels = voxels_of(warped.astype(np.float32), 1.0)
    return _connected_around(voxels, turn)[voxels.voxel_of]


def _connected_around(voxels: Voxels, turn: int) -> IntArray:
    """`connected`, where the voxel after the last along x is the first."""
    keys = voxels.keys
    first = np.flatnonzero(keys >> 2 * AXIS_BITS == MIDDLE)
    ahead = keys[first] + (turn << 2 * AXIS_BITS)  # once more, behind the last
    below = len(keys)
    group = connected(neighbours_of(np.concatenate([keys, ahead])))
    for a, b in zip(first.tolist(), range(below, below + len(first)), strict=True):
        low, high = sorted((int(group[a]), int(group[b])))
        if low != high:
            group[group == high] = low
    return group[:below]
