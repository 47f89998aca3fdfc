"""Stray points: which of a cloud's points belong to no surface of its object.

One stray, a flying pixel at the edge of a thing or a reflection behind it, moves the centre and shrinks the
rest, and farthest-point sampling takes every stray first. So they go before a cloud is sampled, centred and
scaled:

1. **Voxels.** The middle is the median of each axis. The extent is what seven of eight points are nearer to
   it than, along whichever axis they are farthest. Points are counted in cubes with a side of a sixteenth of
   that. From here on all is whole numbers: the order of points, their unit, where they lie and quarter turns
   change nothing, and every version gives the same to the bit. Nor does it matter how much more densely a
   near side was scanned than a far one.
2. **Reach.** Twice the median distance of a voxel to its eighth nearest: less than three voxels where a
   surface is sampled densely. Voxels within reach of each other belong together, and so do those that others
   connect (single linkage).
3. **Parts.** A group stays if it is the largest, or has more than a 32nd of all points: a lampshade apart
   from its foot, the wheels of a car. The smaller ones are strays, alone or in clumps.
4. Where that would take more than a 16th of the points, the cloud is more uneven than its median tells
   (leaves of a plant, rings of a lidar): the reach is doubled, three times at most, and then all stay.

Fewer than 33 points are all kept. Statistical and radius outlier removal, as in PCL, look at each point's
neighbours alone and keep clumps; the reach found here is what they leave to the user to choose.

`kept_points_reference` is that in plain NumPy; `kept_points` gives the same quickly, by compiled kernels;
`c2p_runtime.cuda.kernels_outliers` does on a GPU.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.kernels import AXIS_BITS
from c2p_deploy.projection.native import run

Mask = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]

EXTENT = 8  # one in so many points lies farther from the middle than the extent
VOXELS = 16  # side by side in the extent
FARTHEST_VOXEL = 500  # 41 extents: what lies beyond is taken to lie there
NEIGHBOUR = 8  # the distance to this nearest voxel tells how densely a cloud is sampled
PARTS = 32  # a group of more than one in so many points is a part of the object
MOST_STRAYS = 16  # no more than one in so many points may be strays
ATTEMPTS = 4  # at a reach, each twice the one before

_LEAST = 2  # squared distance to the eighth nearest voxel: only six are one away
_MARGIN = 8  # empty cells all around, so that those next to any cell have keys, too


def kept_points_reference(points: npt.NDArray[np.floating]) -> Mask:
    """Which of finite points [N, 3] are no strays: bool [N].

    Compares all voxels with all: for reading and for tests.
    """
    everything = np.ones(len(points), bool)
    voxels, voxel_of, inside = np.unique(voxels_of(points), axis=0, return_inverse=True, return_counts=True)
    if len(points) <= PARTS or len(voxels) <= NEIGHBOUR:
        return everything
    difference = voxels[:, None] - voxels[None]
    square = (difference * difference).sum(axis=2)
    reach = squared_reach(np.sort(square, axis=1)[:, NEIGHBOUR])  # the 0th is the voxel itself
    for _ in range(ATTEMPTS):
        group = np.arange(len(voxels))
        linked = square <= reach
        while True:  # every voxel takes the smallest number within its reach, until nothing changes
            smallest = np.where(linked, group, len(group)).min(axis=1)
            if (smallest == group).all():
                break
            group = smallest
        kept = are_parts(np.bincount(group, inside).astype(np.int64))[group][voxel_of.ravel()]
        if few_strays(len(kept) - kept.sum(), len(kept)):
            return np.asarray(kept)
        reach *= 4
    return everything


def kept_points(points: npt.NDArray[np.floating]) -> Mask:
    """What `kept_points_reference` gives, by compiled kernels."""
    everything = np.ones(len(points), bool)
    if len(points) <= PARTS:
        return everything
    at = voxels_of(points)
    filled = _Cells(at, 1)
    if filled.count <= NEIGHBOUR:
        return everything
    voxels = np.ascontiguousarray(at[filled.order[filled.starts[:-1]]])
    inside = np.diff(filled.starts)
    reach = squared_reach(_nearest(voxels, 2 if 2 * len(voxels) < len(points) else 3))
    for _ in range(ATTEMPTS):
        # As long as it can be for no two voxels of a cell to be out of each other's reach.
        side = math.isqrt(reach // 3)
        cells = _Cells(voxels, side)
        group = np.arange(cells.count)
        run(
            "link_cells", voxels, cells.order, cells.starts, cells.keys, cells.count,
            cells.table, cells.bits, side, (math.isqrt(reach) - 1) // side + 1, reach,
            np.zeros(cells.count, np.int64), group,
        )  # fmt: skip
        group = group[cells.cell_of]
        part = are_parts(np.bincount(group, inside).astype(np.int64))[group]
        if few_strays(inside[~part].sum(), len(points)):
            return everything if part.all() else np.asarray(part[filled.cell_of])
        reach *= 4
    return everything


def voxels_of(points: npt.NDArray[np.floating]) -> Whole:
    """The voxels [N, 3] of finite points [N, 3], N > 0, counted from the middle."""
    cloud = np.ascontiguousarray(points.T)
    low, high = (cloud.shape[1] - 1) // 2, cloud.shape[1] // 2
    middle = np.partition(cloud, (low, high), axis=1)[:, [low, high]].astype(np.float64)
    # Twice the offset, so that nothing is rounded of the mean of two.
    offset = (cloud - middle[:, :1]) + (cloud - middle[:, 1:])
    distance = np.abs(offset)
    largest = distance.max(axis=0)
    away = largest[largest > 0]  # of some sensors half of the points are holes, all in one place
    if len(away) == 0:
        return np.zeros(points.shape, np.int64)
    rank = len(away) - 1 - len(away) // EXTENT
    with np.errstate(over="ignore"):
        distance /= np.partition(away, rank)[rank]
    steps = np.minimum(distance * VOXELS, FARTHEST_VOXEL) + 0.5
    return np.ascontiguousarray(np.copysign(steps, offset).T.astype(np.int64))


def squared_reach(nearest: Whole) -> int:
    """Of the squared distances [M] of voxels to their eighth nearest: twice the lower median, squared."""
    middle = (len(nearest) - 1) // 2
    return 4 * int(np.partition(nearest, middle)[middle])


def are_parts(sizes: Whole) -> Mask:
    """Which groups stay, of so many points each."""
    return np.asarray((PARTS * sizes > sizes.sum()) | (sizes == sizes.max()))


def few_strays(strays: int, count: int) -> bool:
    """Whether so many strays of `count` points are no more than there may be."""
    return bool(MOST_STRAYS * strays <= count)


class _Cells:
    """Voxels [M, 3] sorted into cubes of `side` voxels, of which only those with one in them exist.

    count: K, how many; cell_of: [M]; order: [M], the voxels by cell; starts: [K + 1], of each cell in it;
    keys: [K], where a cell lies, and table, of 2**bits slots: its number by its key.
    """

    def __init__(self, voxels: Whole, side: int) -> None:
        n = len(voxels)
        at = (voxels + FARTHEST_VOXEL) // side + _MARGIN
        keys = (at[:, 0] << 2 * AXIS_BITS) | (at[:, 1] << AXIS_BITS) | at[:, 2]
        self.bits = (2 * n).bit_length()
        self.table = np.full(1 << self.bits, -1, np.int64)
        self.cell_of, self.order, self.keys = np.empty((3, n), np.int64)
        starts = np.zeros(n + 2, np.int64)
        run("number_cells", keys, n, self.table, self.bits, self.cell_of, self.keys, starts, self.order)
        self.count = int(starts[-1])
        self.starts = starts[: self.count + 1]


def _nearest(voxels: Whole, side: int) -> Whole:
    """Squared distances [M] of voxels [M, 3] to their eighth nearest, right in the nearer half.

    side: of the cells to begin with, which changes nothing but the time: larger where voxels are scattered.
    """
    count = len(voxels)
    while True:
        cells, nearest = _Cells(voxels, side), np.empty(count, np.int64)
        run(
            "nearest_voxels", voxels, cells.order, cells.starts, cells.keys, cells.count, cells.table,
            cells.bits, side, NEIGHBOUR, _LEAST, np.empty(NEIGHBOUR, np.int64),
            np.empty((3, count), np.int64), nearest,
        )  # fmt: skip
        if 2 * np.count_nonzero(nearest <= side * side) > count:
            return nearest
        side += (side + 1) // 2
