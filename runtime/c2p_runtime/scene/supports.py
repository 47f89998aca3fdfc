"""Planes that things stand on, and by them what is up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from c2p_runtime.scene.frame import Frame
from c2p_runtime.scene.kernels_scene import AXIS_BITS
from c2p_runtime.scene.segmentation import Array, IntArray
from c2p_runtime.scene.voxels import Places, Voxels, neighbours_of

Mask = npt.NDArray[np.bool_]

CELL_BITS = 3  # a cell, of whose voxels one plane is made, has 8 of them along each axis
LEAST_IN_CELL = 16  # voxels: a quarter of a plane right through it
FLAT = 0.02  # the smallest eigenvalue of a cell that is part of a plane, as a part of the trace
LEVEL = 0.98  # cosine of 11 degrees: between a plane and the cells it goes through
PARALLEL = 0.985  # cosine of 10 degrees: between a plane and a further one
LEAST_AREA = 0.08  # of all voxels, that lie in a plane for it to be a support
LEAST_OF_FIRST = 0.2  # of the first plane's voxels, that a further plane has: the top of a box has fewer
MOST = 4  # planes
MOST_TRIED = 500  # hypotheses a plane: each is compared with all cells
MOST_FITTED = 4000  # voxels that a plane is fitted to
DEVIATIONS = 3.0  # standard deviations from the plane, by the median, to which its points are its own


@dataclass(frozen=True)
class Level:
    """A support plane: normal · p = offset, and which of the voxels lie in it.

    tolerance: how many sizes of a voxel its own points may be off.
    """

    normal: Array
    offset: float
    tolerance: float
    inside: IntArray


@dataclass(frozen=True)
class Cells:
    """C cubes of voxels.

    centres, normals: float64 [C, 3], of the plane through the voxels; areas: float64 [C], how many there are;
    flat: bool [C], whether they do lie in a plane; around: uint32 [C, 26], the cells next to each, C where
    none is; cell_of: int64 [V].
    """

    centres: Array
    normals: Array
    areas: Array
    flat: Mask
    around: Places
    cell_of: IntArray


def cells_of(voxels: Voxels) -> Cells:
    """Voxels in cubes of 8 x 8 x 8, with the plane through each."""
    at = voxels.places() >> CELL_BITS
    keys = (at[:, 0] << 2 * AXIS_BITS) | (at[:, 1] << AXIS_BITS) | at[:, 2]
    keys, cell_of, inside = np.unique(keys, return_inverse=True, return_counts=True)
    number, areas = len(keys), inside.astype(np.float64)
    means = np.stack([np.bincount(cell_of, row, number) for row in voxels.centres.T]) / areas
    off = voxels.centres.T - means[:, cell_of]
    moments = np.empty((number, 3, 3))
    for a in range(3):
        for b in range(a, 3):
            moments[:, a, b] = moments[:, b, a] = np.bincount(cell_of, off[a] * off[b], number)
    values, vectors = np.linalg.eigh(moments)
    flat = (values[:, 0] < FLAT * values.sum(axis=1)) & (inside >= LEAST_IN_CELL)
    return Cells(means.T, vectors[:, :, 0], areas, flat, neighbours_of(keys), cell_of)


def find_levels(voxels: Voxels, frame: Frame) -> list[Level]:
    """Support planes, the largest first: such as things may stand on in this frame.

    Like RANSAC, but every flat cell is a hypothesis, so nothing is left to chance. Seen by a sensor at the
    origin, a support is seen from above. Further planes are parallel to the first.
    """
    cells = cells_of(voxels)
    facing = -(cells.normals * cells.centres).sum(axis=1) if frame.sensor else cells.normals @ frame.up
    normals = cells.normals * np.where(facing < 0, -1.0, 1.0)[:, None]
    able = cells.flat & (normals @ frame.up >= frame.cosine)
    free = np.ones(len(voxels.keys), bool)
    levels: list[Level] = []
    while len(levels) < MOST and able.any():
        level, through = _largest(voxels, cells, normals, able, free)
        least = LEAST_AREA * len(free) if not levels else LEAST_OF_FIRST * len(levels[0].inside)
        if len(level.inside) < least:
            break
        levels.append(level)
        free[level.inside] = False
        able &= ~through & (normals @ levels[0].normal >= PARALLEL)
    return levels


def _largest(voxels: Voxels, cells: Cells, normals: Array, able: Mask, free: Mask) -> tuple[Level, Mask]:
    """The plane through most of the able cells, and which of all cells it goes through."""
    areas = cells.areas * able
    sizes = np.ones(len(areas))
    sizes[cells.cell_of] = voxels.sizes  # one of each cell's
    tried = np.flatnonzero(able)
    tried = tried[:: 1 + len(tried) // MOST_TRIED]
    own = (normals[tried] * cells.centres[tried]).sum(axis=1)
    off = np.abs(normals[tried] @ cells.centres.T - own[:, None])
    near = (off < sizes) & (normals[tried] @ normals.T > LEVEL)
    best = tried[int(np.argmax(near @ areas))]
    normal, centre = normals[best], cells.centres[best]
    for _ in range(3):
        # What lies in it is near it and in, or next to, a cell that it goes through: not a slice of a wall.
        off = np.abs((cells.centres - centre) @ normal)
        through = able & (off < 2 * sizes) & (normals @ normal > LEVEL)
        by = np.append(through, False)
        by = through | by[cells.around].any(axis=1)
        distance = np.abs((voxels.centres - centre) @ normal) / voxels.sizes
        inside = np.flatnonzero(free & by[cells.cell_of] & (distance < 2))
        if len(inside) < 3:
            break
        these = voxels.centres[inside[:: 1 + len(inside) // MOST_FITTED]]
        centre = these.mean(axis=0)
        off_centre = (these - centre).T
        vector = np.linalg.eigh(off_centre @ off_centre.T)[1][:, 0]
        normal = vector if vector @ normal > 0 else -vector
    distance = np.abs((voxels.centres - centre) @ normal) / voxels.sizes
    spread = 1.4826 * float(np.median(distance[inside])) if len(inside) else 0.0
    tolerance = max(1.0, DEVIATIONS * spread)
    inside = np.flatnonzero(free & by[cells.cell_of] & (distance < tolerance))
    return Level(normal, float(normal @ centre), tolerance, inside), through | (able & by)


def lies_flat(voxels: Voxels, level: Level) -> Mask:
    """Which voxels [V] are so near a plane that a thing of nothing else is the plane's own unevenness."""
    off = np.abs(voxels.centres @ level.normal - level.offset)
    return np.asarray(off < 2 * level.tolerance * voxels.sizes)
