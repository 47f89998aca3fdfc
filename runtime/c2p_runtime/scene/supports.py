"""Planes that things stand on, and by them what is up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from c2p_runtime.scene.segmentation import Array, IntArray
from c2p_runtime.scene.voxels import Voxels

CELL_BITS = 3  # a cell, of whose voxels one plane is made, has 8 of them along each axis
LEAST_IN_CELL = 16  # voxels: a quarter of a plane right through it
FLAT = 0.02  # the smallest eigenvalue of a cell that is part of a plane, as a part of the trace
LEVEL = 0.98  # cosine of 11 degrees: between a plane and the cells it goes through
PARALLEL = 0.985  # cosine of 10 degrees: between a plane and a further one
LEAST_AREA = 0.08  # of all voxels, that lie in a plane for it to be a support
LEAST_OF_FIRST = 0.2  # of the first plane's voxels, that a further plane has: the top of a box has fewer
MOST = 4  # planes


@dataclass(frozen=True)
class Level:
    """A support plane: normal · p = offset, and which of the voxels lie in it, no farther than tolerance."""

    normal: Array
    offset: float
    tolerance: float
    inside: IntArray


@dataclass(frozen=True)
class Cells:
    """C cubes of voxels with a plane through what is in them: cell_of int64 [V], -1 where there is none."""

    centres: Array
    normals: Array
    areas: Array


def flat_cells(voxels: Voxels) -> Cells:
    """The cells with a plane through them; area is how many voxels."""
    at = voxels.places() >> CELL_BITS
    keys = (at[:, 0] << 42) | (at[:, 1] << 21) | at[:, 2]
    _, cell_of, inside = np.unique(keys, return_inverse=True, return_counts=True)
    inside = inside.astype(np.float64)
    number = len(inside)
    means = _sums(cell_of, voxels.centres.T, number) / inside
    off = voxels.centres.T - means[:, cell_of]
    moments = np.empty((number, 3, 3))
    for a in range(3):
        for b in range(a, 3):
            moments[:, a, b] = moments[:, b, a] = np.bincount(cell_of, off[a] * off[b], number)
    filled = inside >= LEAST_IN_CELL
    values, vectors = np.linalg.eigh(moments[filled])
    flat = values[:, 0] < FLAT * values.sum(axis=1)
    return Cells(means.T[filled][flat], vectors[flat, :, 0], inside[filled][flat])


def _sums(group: IntArray, rows: Array, number: int) -> Array:
    return np.stack([np.bincount(group, row, number) for row in rows])


def find_levels(voxels: Voxels, expected: Array, cosine: float, sensor: bool) -> list[Level]:
    """Support planes, the largest first.

    expected: unit vector up, known as well as that cosine says. sensor: whether the points are seen from the
    origin, which then is above every support. Every flat cell is a hypothesis, so nothing is left to chance.
    """
    cells = flat_cells(voxels)
    levels: list[Level] = []
    left = np.ones(len(cells.areas), bool)
    free = np.ones(len(voxels.keys), bool)
    while len(levels) < MOST and left.any():
        if levels:
            expected, cosine = levels[0].normal, PARALLEL
        level = _largest(voxels, cells, left, free, expected, cosine, sensor)
        least = LEAST_AREA * len(voxels.keys)
        if levels:
            least = max(least, LEAST_OF_FIRST * len(levels[0].inside))
        if level is None or len(level.inside) < least:
            break
        free[level.inside] = False
        left &= np.abs(cells.centres @ level.normal - level.offset) > 2 * level.tolerance
        levels.append(level)
    return levels


def _largest(
    voxels: Voxels, cells: Cells, left: Array, free: Array, expected: Array, cosine: float, sensor: bool
) -> Level | None:
    normals, centres, areas = cells.normals[left], cells.centres[left], cells.areas[left]
    # Seen from the origin, a surface shows the side that faces it; else a support's upper side counts.
    facing = -(normals * centres).sum(axis=1) if sensor else normals @ expected
    normals = normals * np.where(facing < 0, -1.0, 1.0)[:, None]
    able = normals @ expected >= cosine
    if not able.any():
        return None
    normals, centres, areas = normals[able], centres[able], areas[able]
    off = np.abs(normals @ centres.T - (normals * centres).sum(axis=1)[:, None])
    near = (off < voxels.size) & (normals @ normals.T > LEVEL)
    best = int(np.argmax(near @ areas))
    normal, centre = normals[best], centres[best]
    for tolerance in (3.0, 2.0, 2.0):
        inside = np.flatnonzero(free & (np.abs((voxels.centres - centre) @ normal) < tolerance * voxels.size))
        if len(inside) < 3:
            return None
        these = voxels.centres[inside]
        centre = these.mean(axis=0)
        vector = np.linalg.eigh(np.cov(these.T))[1][:, 0]
        normal = vector if vector @ normal > 0 else -vector
    distance = (voxels.centres - centre) @ normal
    spread = 1.4826 * float(np.median(np.abs(distance[inside])))
    tolerance = max(voxels.size, 3 * spread)
    inside = np.flatnonzero(free & (np.abs(distance) < tolerance))
    return Level(normal, float(normal @ centre), tolerance, inside)
