"""The CUDA kernels that make clouds ready to be projected: thinned, sampled, centred and scaled.

In the order of their launches:

    count_finite     how many rows of each tile of a cloud are finite
    pick_candidates  the finite rows in order; of a large cloud, one from each of C equal strata
    farthest         at most P of the candidates, by farthest-point sampling
    unit_sphere      moved to their mean and scaled so that the farthest is at radius 1

What they give depends on nothing but the cloud and the seed: there is no atomic operation
whose order could change a result, so the same input gives the same bits. B clouds, C candidates,
P points. `launch` launches them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from c2p_deploy.projection.prepare import LARGEST_COORDINATE
from c2p_runtime.cuda.block import ALL_LANES, LANES, WARPS, block_max, block_sum, warp_max
from c2p_runtime.cuda.numba_cuda import cuda, kernel, libdevice
from c2p_runtime.cuda.sampling_reference import hash32

# Threads per block. Rows are independent, so the size of a tile of them changes no result and is to be
# measured. Scaling is one block's work per cloud, so that block is as large as blocks get; so is sampling,
# where fewer threads have less to agree on.
TILE_THREADS = 256
BLOCK_THREADS = 1024
FARTHEST_THREADS = 256

# Values of `status`; 0 is a cloud that can be classified.
NO_FINITE_POINT = 1
ALL_COINCIDE = 2
TOO_LARGE = 3

_LARGEST_COORDINATE = np.float32(LARGEST_COORDINATE)
_FRACTION_BITS = 16  # of where a candidate lies within its stratum


@kernel(TILE_THREADS)
def count_finite(points, spans, tile_counts):  # type: ignore[no-untyped-def]
    """Finite rows per tile, or -1 where one is too large. Grid (tiles, B), one thread a row.

    points: float32 [T, 3], all clouds one after another; spans: int32 [B, 2], the first row of each
    and how many it has. tile_counts: int32 [B, tiles]; tiles without rows are left alone.
    """
    tile, cloud = cuda.blockIdx.x, cuda.blockIdx.y
    if tile * cuda.blockDim.x >= spans[cloud, 1]:
        return
    row = tile * cuda.blockDim.x + cuda.threadIdx.x
    place = spans[cloud, 0] + row
    here = row < spans[cloud, 1] and _is_finite(points, place)
    too_large = here and (
        abs(points[place, 0]) > _LARGEST_COORDINATE
        or abs(points[place, 1]) > _LARGEST_COORDINATE
        or abs(points[place, 2]) > _LARGEST_COORDINATE
    )
    found = cuda.syncthreads_count(np.int32(here))
    damaged = cuda.syncthreads_or(np.int32(too_large))
    if cuda.threadIdx.x == 0:
        tile_counts[cloud, tile] = -1 if damaged else found


@kernel(TILE_THREADS)
def pick_candidates(points, spans, tile_counts, seed, candidates, finite):  # type: ignore[no-untyped-def]
    """The rows to sample from. Grid (tiles, B), one thread a row; blocks as those of `count_finite`.

    points, spans, tile_counts: see there. seed: int. candidates: float32 [B, C, 3]; a cloud of
    more than C finite rows is cut into C equal strata, and candidate i is row
    floor((i + u_i) * rows / C), u_i in [0, 1) by a hash of seed and i. finite: int32 [B],
    the finite rows of each cloud, or -1 when one is too large.

    A row finds out by itself whether it is chosen, so nothing waits for a compacted cloud.
    """
    tile, cloud, thread = cuda.blockIdx.x, cuda.blockIdx.y, cuda.threadIdx.x
    start, rows = spans[cloud, 0], spans[cloud, 1]
    tiles = (rows + cuda.blockDim.x - 1) // cuda.blockDim.x
    if tile >= tiles and tile > 0:
        return
    sums = cuda.shared.array(3, np.int32)  # finite rows in earlier tiles, in all; -1 for damage
    in_warp = cuda.shared.array(WARPS, np.int32)
    if thread < 3:
        sums[thread] = 0
    cuda.syncthreads()
    before, everywhere, worst = 0, 0, 0
    for other in range(thread, tiles, cuda.blockDim.x):
        found = tile_counts[cloud, other]
        everywhere, worst = everywhere + found, min(worst, found)
        if other < tile:
            before += found
    cuda.atomic.add(sums, 0, before)
    cuda.atomic.add(sums, 1, everywhere)
    cuda.atomic.min(sums, 2, worst)
    row = tile * cuda.blockDim.x + thread
    here = row < rows and _is_finite(points, start + row)
    warp, lane = thread // LANES, thread % LANES
    votes = cuda.ballot_sync(ALL_LANES, here)
    if lane == 0:
        in_warp[warp] = cuda.popc(votes)
    cuda.syncthreads()

    total = np.int64(sums[1])
    if sums[2] < 0:
        total = np.int64(-1)
    if tile == 0 and thread == 0:
        finite[cloud] = total
    if not here or total < 0:
        return
    rank = np.int64(sums[0]) + cuda.popc(votes & ((1 << lane) - 1))
    for earlier in range(warp):
        rank += in_warp[earlier]
    strata = candidates.shape[1]
    if total <= strata:
        _copy_row(points, start + row, candidates, cloud, rank)
        return
    # Strata are longer than a row, so parts of two at most share it; both may choose it.
    first = rank * strata // total
    for i in range(first, min(first + 2, strata)):
        within = (i << _FRACTION_BITS) + (_hash32(seed, i) & ((1 << _FRACTION_BITS) - 1))
        if (within * total) // (strata << _FRACTION_BITS) == rank:
            _copy_row(points, start + row, candidates, cloud, i)


@lru_cache(maxsize=8)
def farthest_for(candidates: int, threads: int | None = None) -> tuple[Any, int]:
    """The kernel `farthest` for at most so many candidates a cloud, and the threads of its blocks.

    It is compiled for that number so that a thread's candidates stay in its registers: 16 each for the
    paper's 1,024 points. Few warps with many candidates each spend least on agreeing; more than 16, and
    the compiler moves them to memory, hence larger blocks where there are more.
    """
    if threads is None:
        threads = FARTHEST_THREADS if candidates <= 16 * FARTHEST_THREADS else BLOCK_THREADS
    per_thread, warps = -(-candidates // threads), threads // LANES  # a power of two
    steps = warps.bit_length() - 1

    @kernel(threads)
    def farthest(candidates, finite, seed, samples, kept):  # type: ignore[no-untyped-def]
        """At most P candidates, each the farthest from those before it. Grid (B), one block a cloud.

        candidates: float32 [B, C, 3]; finite: int32 [B], from `pick_candidates`; seed: int, of
        the first one -> samples: float32 [B, P, 3]; kept: int32 [B], how many. Of equally
        far candidates the first is taken. A cloud with at most P of them passes as it is.

        Every sample waits for the block to agree on the one before it: shuffles within a
        warp, then one barrier.
        """
        cloud, thread = cuda.blockIdx.x, cuda.threadIdx.x
        available = np.int32(max(0, min(finite[cloud], candidates.shape[1])))
        wanted = np.int32(min(available, samples.shape[1]))
        if thread == 0:
            kept[cloud] = wanted
        if available <= samples.shape[1]:
            for n in range(thread, available, threads):
                _copy_row(candidates[cloud], n, samples, cloud, n)
            return
        # The bits of floats >= 0 order as these do. Two rows of slots take turns, so that one barrier per
        # sample is enough.
        bits_of_warp = cuda.shared.array((2, warps), np.int32)
        index_of_warp = cuda.shared.array((2, warps), np.int32)
        x = cuda.local.array(per_thread, np.float32)
        y = cuda.local.array(per_thread, np.float32)
        z = cuda.local.array(per_thread, np.float32)
        nearest = cuda.local.array(per_thread, np.float32)  # squared distance to the samples so far
        # Neighbours in order are in one thread, so that the first of equals is in the first thread of them.
        own, last = np.int32(thread * per_thread), np.int32(available - 1)
        for k in range(per_thread):
            row = min(own + k, last)  # the last one, again, where there are no more
            x[k], y[k], z[k] = candidates[cloud, row, 0], candidates[cloud, row, 1], candidates[cloud, row, 2]
            nearest[k] = np.float32(np.inf)
        # Unsigned, as all places in the loop below: none has to be looked at for its sign.
        warp, lane, turn = np.uint32(thread // LANES), np.uint32(thread % LANES), np.uint32(0)
        there, chosen_rows = candidates[cloud], samples[cloud]
        chosen = np.uint32(_hash32(seed, 0) % np.int64(available))
        for n in range(np.uint32(wanted)):
            cx, cy, cz = there[chosen, 0], there[chosen, 1], there[chosen, 2]
            if thread == 0:
                chosen_rows[n, 0], chosen_rows[n, 1], chosen_rows[n, 2] = cx, cy, cz
            best, mine = np.int32(-1), np.int32(0)
            for k in range(per_thread):
                dx, dy, dz = x[k] - cx, y[k] - cy, z[k] - cz
                square = libdevice.fmul_rn(dx, dx) + libdevice.fmul_rn(dy, dy)
                nearest[k] = min(nearest[k], square + libdevice.fmul_rn(dz, dz))
                bits = np.int32(libdevice.float_as_int(nearest[k]))
                if bits > best:
                    best, mine = bits, np.int32(k)
            top = warp_max(best)
            if lane == _first_lane(best == top):
                bits_of_warp[turn, warp] = best
                index_of_warp[turn, warp] = min(own + mine, last)
            cuda.syncthreads()
            of_warp = bits_of_warp[turn, np.uint32(lane % warps)]
            top = of_warp
            for step in range(steps):
                top = max(top, cuda.shfl_xor_sync(ALL_LANES, top, 1 << step))
            chosen = np.uint32(index_of_warp[turn, _first_lane(of_warp == top)])
            turn = np.uint32(turn ^ np.uint32(1))

    return farthest, threads


@kernel(BLOCK_THREADS)
def unit_sphere(samples, finite, kept, status):  # type: ignore[no-untyped-def]
    """`to_unit_sphere` in place. Grid (B), one block a cloud.

    samples: float32 [B, P, 3], of which the first kept [B] (int32) count; finite: int32 [B],
    from `pick_candidates` -> status: int32 [B]. Where it is not 0, kept becomes 0: such a
    cloud is drawn as an empty one.

    float64 as in the reference; only the order of the mean's sum and fused products differ,
    which the rounding to float32 hides all but always.
    """
    cloud, thread, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    slots = cuda.shared.array((5, WARPS), np.float64)
    points = kept[cloud]
    x, y, z, largest = 0.0, 0.0, 0.0, 0.0
    for n in range(thread, points, threads):
        px, py, pz = (
            np.float64(samples[cloud, n, 0]),
            np.float64(samples[cloud, n, 1]),
            np.float64(samples[cloud, n, 2]),
        )
        x, y, z = x + px, y + py, z + pz
        largest = max(largest, abs(px), abs(py), abs(pz))
    divisor = max(points, 1)
    x = block_sum(x, slots[0]) / divisor
    y = block_sum(y, slots[1]) / divisor
    z = block_sum(z, slots[2]) / divisor
    largest = block_max(largest, slots[3])
    square = 0.0
    for n in range(thread, points, threads):
        dx, dy, dz = samples[cloud, n, 0] - x, samples[cloud, n, 1] - y, samples[cloud, n, 2] - z
        square = max(square, dx * dx + dy * dy + dz * dz)
    radius = math.sqrt(block_max(square, slots[4]))

    outcome = 0
    if finite[cloud] < 0:
        outcome = TOO_LARGE
    elif finite[cloud] == 0:
        outcome = NO_FINITE_POINT
    elif not radius > 1e-7 * largest:
        outcome = ALL_COINCIDE
    if thread == 0:  # every thread has read kept before the barriers above
        status[cloud] = outcome
        if outcome != 0:
            kept[cloud] = 0
    if outcome == 0:
        for n in range(thread, points, threads):
            samples[cloud, n, 0] = np.float32((samples[cloud, n, 0] - x) / radius)
            samples[cloud, n, 1] = np.float32((samples[cloud, n, 1] - y) / radius)
            samples[cloud, n, 2] = np.float32((samples[cloud, n, 2] - z) / radius)


# --- device functions ---------------------------------------------------------------------


@cuda.jit(device=True)
def _is_finite(points, row):  # type: ignore[no-untyped-def]
    infinity = np.float32(np.inf)
    return (
        abs(points[row, 0]) < infinity and abs(points[row, 1]) < infinity and abs(points[row, 2]) < infinity
    )


@cuda.jit(device=True)
def _copy_row(points, row, target, cloud, index):  # type: ignore[no-untyped-def]
    target[cloud, index, 0] = points[row, 0]
    target[cloud, index, 1] = points[row, 1]
    target[cloud, index, 2] = points[row, 2]


@cuda.jit(device=True)
def _first_lane(holds):  # type: ignore[no-untyped-def]
    """The first lane of the warp in which this holds; there must be one."""
    votes = np.uint32(cuda.ballot_sync(ALL_LANES, holds))
    return np.uint32(cuda.popc(np.uint32(votes ^ (votes - np.uint32(1)))) - 1)


# One definition for the GPU and for the reference of this sampling.
_hash32 = cuda.jit(device=True)(hash32)
