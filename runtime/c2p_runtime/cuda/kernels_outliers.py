"""The CUDA kernels that remove stray points, as `c2p_deploy.projection.outliers` defines them.

In the order of their launches, each one block's work per cloud:

    find_voxels   the voxel of every candidate, by medians found by halving the interval
    keep_parts    groups of voxels by a forest of links; the candidates of those that stay

All decisions are made on whole numbers, so what stays is what the reference keeps, whichever thread comes
first: voxels are numbered in any order, and only their groups and the sizes of these matter. M voxels have
M² / 2 distances, about 1,000 for the surface of a thing and never more than candidates.
B clouds, C candidates, T slots of a table, a power of two of at least 2 C.
"""

from __future__ import annotations

import numpy as np

from c2p_deploy.projection.outliers import (
    ATTEMPTS,
    EXTENT,
    FARTHEST_VOXEL,
    MOST_STRAYS,
    NEIGHBOUR,
    PARTS,
    VOXELS,
)
from c2p_runtime.cuda.block import ALL_LANES, LANES, WARPS, block_max, block_sum
from c2p_runtime.cuda.numba_cuda import cuda, kernel, libdevice

OUTLIER_THREADS = 1024

_BITS = 10  # of a key, for each axis
_AXIS = (1 << _BITS) - 1
_SPREAD = 0x45D9F3B  # multiplied by this, keys that are alike take slots far apart
_FARTHER = 1 << 22  # than any two voxels, squared


@kernel(OUTLIER_THREADS)
def find_voxels(candidates, finite, keys):  # type: ignore[no-untyped-def]
    """The voxels of a cloud's candidates, `voxels_of`. Grid (B), one block a cloud.

    candidates: float32 [B, C, 3]; finite: int32 [B], from `pick_candidates`. keys: int32 [B, C], the voxel's
    three numbers in ten bits each.
    """
    cloud, thread, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    slots = cuda.shared.array((2, WARPS), np.int64)
    real_slots = cuda.shared.array(WARPS, np.float64)
    lows = cuda.shared.array(3, np.float32)
    highs = cuda.shared.array(3, np.float32)
    points = max(0, min(finite[cloud], candidates.shape[1]))
    for axis in range(3):
        # The smallest key that at least half of all do not exceed: the lower median.
        low, high = np.int64(-(1 << 31)), np.int64((1 << 31) - 1)
        for turn in range(32):
            middle = (low + high) >> 1
            below = np.int64(0)
            for n in range(thread, points, threads):
                below += _order(candidates[cloud, n, axis]) <= middle
            if 2 * block_sum(below, slots[turn % 2]) >= points:
                high = middle
            else:
                low = middle + 1
        # The upper one: of an even number of points the next larger, unless there are several of the lower.
        below, above = np.int64(0), np.int64(-(1 << 40))
        for n in range(thread, points, threads):
            order = _order(candidates[cloud, n, axis])
            below += order <= low
            if order > low:
                above = max(above, -order)
        below, above = block_sum(below, slots[0]), -block_max(above, slots[1])
        if thread == 0:
            lows[axis] = _of_order(low)
            highs[axis] = _of_order(low if below > points // 2 else above)
        cuda.syncthreads()

    away, largest = np.int64(0), 0.0
    for n in range(thread, points, threads):
        distance = _distance(candidates, cloud, n, lows, highs)
        away += distance > 0
        largest = max(largest, distance)
    away = block_sum(away, slots[0])
    # The smallest distance that more than `rank` do not exceed: halved until there is no number between.
    rank = points - 1 - away // EXTENT
    nearer, unit = 0.0, block_max(largest, real_slots)
    turn = 0
    while True:
        between = nearer + (unit - nearer) * 0.5
        if not nearer < between < unit:
            break
        below = np.int64(0)
        for n in range(thread, points, threads):
            below += _distance(candidates, cloud, n, lows, highs) <= between
        turn += 1
        if block_sum(below, slots[turn % 2]) > rank:
            unit = between
        else:
            nearer = between
    for n in range(thread, points, threads):
        key = np.int64(0)
        for axis in range(3):
            steps = np.int32(0)
            if away > 0:
                offset = _offset(candidates, cloud, n, axis, lows, highs)
                steps = np.int32(min(abs(offset) / unit * VOXELS, np.float64(FARTHEST_VOXEL)) + 0.5)
                if offset < 0:
                    steps = -steps
            key = (key << _BITS) | (steps + FARTHEST_VOXEL)
        keys[cloud, n] = key


@kernel(OUTLIER_THREADS)
def keep_parts(candidates, finite, keys, table, inside, voxels, nearest, parent, sizes, kept, left, strays):  # type: ignore[no-untyped-def]
    """The candidates that are no strays, in their order. Grid (B), one block a cloud.

    candidates, finite, keys: see `find_voxels` -> kept: float32 [B, C, 3]; left: int32 [B], how many, or what
    finite says where that is less than 1; strays: int32 [B], how many are missing.
    To work in, int32: table, inside [B, T], by slot: the voxel's key, and how many points are in it; voxels,
    nearest, parent, sizes [B, C]: the M slots that are taken, then by voxel the squared distance to the
    eighth nearest, the link towards its group's first, and that one's points.
    """
    cloud, thread, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    slots = cuda.shared.array((2, WARPS), np.int64)
    taken = cuda.shared.array(1, np.int32)
    in_warp = cuda.shared.array(WARPS, np.int32)
    points = max(0, min(finite[cloud], candidates.shape[1]))
    last = table.shape[1] - 1
    for slot in range(thread, table.shape[1], threads):
        table[cloud, slot], inside[cloud, slot] = -1, 0
    if thread == 0:
        taken[0] = 0
    cuda.syncthreads()
    for n in range(thread, points, threads):
        key = keys[cloud, n]
        slot = _slot(key, last)
        while True:
            before = cuda.atomic.cas(table, (cloud, slot), -1, key)
            if before == -1:
                voxels[cloud, cuda.atomic.add(taken, 0, 1)] = slot
            if before == -1 or before == key:
                break
            slot = (slot + 1) & last
        cuda.atomic.add(inside, (cloud, slot), 1)
    cuda.syncthreads()
    count = np.int64(taken[0])

    lost = np.int64(0)
    if points > PARTS and count > NEIGHBOUR:
        _to_eighth(table, voxels, cloud, count, nearest)
        cuda.syncthreads()
        low, high = np.int64(0), np.int64(_FARTHER)
        for turn in range(23):
            middle = (low + high) >> 1
            below = np.int64(0)
            for m in range(thread, count, threads):
                below += nearest[cloud, m] <= middle
            if 2 * block_sum(below, slots[turn % 2]) >= count:
                high = middle
            else:
                low = middle + 1
        reach = 4 * low
        for _ in range(ATTEMPTS):
            for m in range(thread, count, threads):
                parent[cloud, m], sizes[cloud, m] = m, 0
            cuda.syncthreads()
            for m in range(thread, count, threads):
                key = table[cloud, voxels[cloud, m]]
                for other in range(m):
                    if _square(key, table[cloud, voxels[cloud, other]]) <= reach:
                        _link(parent, cloud, m, other)
            cuda.syncthreads()
            for m in range(thread, count, threads):
                root = _root(parent, cloud, m)
                nearest[cloud, m] = root  # from here on: its group
                cuda.atomic.add(sizes, (cloud, root), inside[cloud, voxels[cloud, m]])
            cuda.syncthreads()
            largest = np.int64(0)
            for m in range(thread, count, threads):
                largest = max(largest, sizes[cloud, m])
            largest = block_max(largest, slots[1])
            lost = np.int64(0)
            for m in range(thread, count, threads):
                size = np.int64(sizes[cloud, nearest[cloud, m]])
                if not (PARTS * size > points or size == largest):
                    lost += inside[cloud, voxels[cloud, m]]
            lost = block_sum(lost, slots[0])
            if MOST_STRAYS * lost <= points:
                break
            reach *= 4
            cuda.syncthreads()
        if MOST_STRAYS * lost > points:
            lost = np.int64(0)
        if lost > 0:  # inside becomes whether the points of a voxel stay
            for m in range(thread, count, threads):
                size = np.int64(sizes[cloud, nearest[cloud, m]])
                inside[cloud, voxels[cloud, m]] = PARTS * size > points or size == largest
    cuda.syncthreads()

    base = np.int64(0)
    warp, lane = thread // LANES, thread % LANES
    for first in range(0, points, threads):
        n = first + thread
        stays = n < points
        if stays and lost > 0:
            key = keys[cloud, n]
            slot = _slot(key, last)
            while table[cloud, slot] != key:
                slot = (slot + 1) & last
            stays = inside[cloud, slot] != 0
        votes = cuda.ballot_sync(ALL_LANES, stays)
        if lane == 0:
            in_warp[warp] = cuda.popc(votes)
        cuda.syncthreads()
        target, everywhere = base + cuda.popc(votes & ((1 << lane) - 1)), base
        for other in range(threads // LANES):
            found = in_warp[other]
            everywhere += found
            if other < warp:
                target += found
        if stays:
            for axis in range(3):
                kept[cloud, target, axis] = candidates[cloud, n, axis]
        base = everywhere
        cuda.syncthreads()
    if thread == 0:
        left[cloud] = base if points > 0 else finite[cloud]
        strays[cloud] = lost


# --- device functions ---------------------------------------------------------------------


@cuda.jit(device=True)
def _order(value):  # type: ignore[no-untyped-def]
    """A whole number, larger for a larger float32."""
    bits = np.int64(libdevice.float_as_int(value))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF) - 1


@cuda.jit(device=True)
def _of_order(order):  # type: ignore[no-untyped-def]
    """The float32 of `_order`."""
    if order >= 0:
        return libdevice.int_as_float(np.int32(order))
    return -libdevice.int_as_float(np.int32(-(order + 1)))


@cuda.jit(device=True)
def _offset(candidates, cloud, n, axis, lows, highs):  # type: ignore[no-untyped-def]
    """Twice that from the median."""
    value = np.float64(candidates[cloud, n, axis])
    return (value - np.float64(lows[axis])) + (value - np.float64(highs[axis]))


@cuda.jit(device=True)
def _distance(candidates, cloud, n, lows, highs):  # type: ignore[no-untyped-def]
    """The largest of the three offsets, without sign."""
    return max(
        abs(_offset(candidates, cloud, n, 0, lows, highs)),
        abs(_offset(candidates, cloud, n, 1, lows, highs)),
        abs(_offset(candidates, cloud, n, 2, lows, highs)),
    )


@cuda.jit(device=True)
def _slot(key, last):  # type: ignore[no-untyped-def]
    """Where a key is looked for first."""
    spread = (np.int64(key) * _SPREAD) & 0xFFFFFFFF
    return (spread ^ (spread >> 15)) & last


@cuda.jit(device=True)
def _square(a, b):  # type: ignore[no-untyped-def]
    """The squared distance of two voxels by their keys."""
    x = (a >> (2 * _BITS)) - (b >> (2 * _BITS))
    y = ((a >> _BITS) & _AXIS) - ((b >> _BITS) & _AXIS)
    z = (a & _AXIS) - (b & _AXIS)
    return x * x + y * y + z * z


@cuda.jit(device=True)
def _to_eighth(table, voxels, cloud, count, nearest):  # type: ignore[no-untyped-def]
    """Squared distance of each voxel to its eighth nearest."""
    best = cuda.local.array(NEIGHBOUR, np.int32)
    for m in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        key = table[cloud, voxels[cloud, m]]
        for b in range(NEIGHBOUR):
            best[b] = _FARTHER
        for other in range(count):
            square = np.int32(_square(key, table[cloud, voxels[cloud, other]]))
            if 0 < square < best[NEIGHBOUR - 1]:
                for b in range(NEIGHBOUR):  # sorted in; what is farther moves on
                    nearer = min(best[b], square)
                    square = max(best[b], square)
                    best[b] = nearer
        nearest[cloud, m] = best[NEIGHBOUR - 1]


@cuda.jit(device=True)
def _root(parent, cloud, m):  # type: ignore[no-untyped-def]
    """The first of a voxel's group. Read by atomic operations, because others may link meanwhile."""
    above = cuda.atomic.max(parent, (cloud, m), -1)
    while above != m:
        m = above
        above = cuda.atomic.max(parent, (cloud, m), -1)
    return m


@cuda.jit(device=True)
def _link(parent, cloud, a, b):  # type: ignore[no-untyped-def]
    """Makes one group of two: the later root is linked to the earlier, unless another thread was faster."""
    while True:
        a, b = _root(parent, cloud, a), _root(parent, cloud, b)
        if a == b:
            return
        later, earlier = max(a, b), min(a, b)
        if cuda.atomic.cas(parent, (cloud, later), later, earlier) == later:
            return
