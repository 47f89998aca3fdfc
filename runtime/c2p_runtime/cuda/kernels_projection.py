"""The CUDA kernels of the projection: z-buffers cleared, discs splatted, depth maps shaded.

The arithmetic that decides coverage and depth is that of `c2p_deploy.projection.reference`, operation by
operation, in float32. GPUs like to fuse a product and a sum into one operation that rounds
once; the compiler must not where the reference rounds twice. So those products are written
`libdevice.fmul_rn`: it becomes `mul.rn`, which neither libNVVM nor ptxas may fuse.

`launch` launches them; every kernel says for which grid it is written. B clouds, V
views, S pixels a side. Not run on hardware yet.
"""

from __future__ import annotations

import numpy as np

from c2p_runtime.cuda.block import WARPS, block_max
from c2p_runtime.cuda.numba_cuda import cuda, kernel, libdevice

# Threads per block. Discs and pixels are independent, so any multiple of a warp gives the same
# maps; which is fastest on which board is to be measured. A depth map is one block's work from
# beginning to end, hence that block is as large as blocks get.
CLEAR_THREADS = 256
SPLAT_THREADS = 128
SHADE_THREADS = 1024

# A depth nobody reaches: the bits of float32 +inf. Depths are >= 0, and such floats keep their
# order when their bits are read as uint32: so the nearest wins by an integer atomic, which is one
# instruction, where the minimum of floats is a loop of compare-and-swap.
_FAR_BITS = 0x7F800000
FAR = np.uint32(_FAR_BITS)


@kernel(CLEAR_THREADS)
def clear(zbuffers):  # type: ignore[no-untyped-def]
    """Sets z-buffers uint32 [B, V, S * S] to FAR. Grid (pixels, V, B), one thread a pixel."""
    pixel = cuda.grid(1)
    if pixel < zbuffers.shape[2]:
        zbuffers[cuda.blockIdx.z, cuda.blockIdx.y, pixel] = FAR


@kernel(SPLAT_THREADS)
def splat(points, kept, z_up, rotations, distances, scales, centres, radius, zbuffers):  # type: ignore[no-untyped-def]
    """Draws every point's disc. Grid (points, V, B), one thread for one point in one view.

    points: float32 [B, N, 3], of which the first kept [B] (int32) count. z_up: whether to
    turn them as `turn_up` does. rotations: float32 [V, 3, 3]; distances, scales: float32 [V],
    scales = 1 / distances; centres: float32 [S]; radius: float32, of a disc.
    zbuffers: uint32 [B, V, S * S], cleared before.

    A disc of the paper's covers 16 pixels. To give each thread one pixel of a disc instead
    would be more parallel for one small cloud; whether that pays is to be measured.
    """
    n, view, cloud = cuda.grid(1), cuda.blockIdx.y, cuda.blockIdx.z
    if n >= kept[cloud]:
        return
    one = np.float32(1)
    size = centres.shape[0]
    x, y, z = points[cloud, n, 0], points[cloud, n, 1], points[cloud, n, 2]
    if z_up:
        x, y, z = -y, z, -x
    px = libdevice.fmul_rn(x, scales[view])
    py = libdevice.fmul_rn(y, scales[view])
    pz = libdevice.fmul_rn(z, scales[view])
    x = _turned(px, py, pz, rotations, view, 0)
    y = _turned(px, py, pz, rotations, view, 1)
    z = _turned(px, py, pz, rotations, view, 2) + distances[view]
    limit = one + radius
    if not (z >= np.float32(0) and abs(x) < limit and abs(y) < limit):  # also when not a number
        return
    depth = np.uint32(libdevice.float_as_int(z))
    squared = libdevice.fmul_rn(radius, radius)
    half = libdevice.fmul_rn(np.float32(size), np.float32(0.5))
    reach = libdevice.fmul_rn(radius, half) + one  # one pixel to spare: rounding here must never lose a hit
    column, row = libdevice.fmul_rn(one - x, half), libdevice.fmul_rn(one - y, half)
    first_j, last_j = max(0, int(column - reach)), min(size - 1, int(column + reach))
    first_i, last_i = max(0, int(row - reach)), min(size - 1, int(row + reach))
    for i in range(first_i, last_i + 1):
        dy = y - centres[i]
        dy2 = libdevice.fmul_rn(dy, dy)
        if dy2 >= squared:
            continue
        for j in range(first_j, last_j + 1):
            dx = x - centres[j]
            if libdevice.fmul_rn(dx, dx) + dy2 < squared:
                cuda.atomic.min(zbuffers, (cloud, view, i * size + j), depth)


@cuda.jit(device=True)
def _turned(px, py, pz, rotations, view, axis):  # type: ignore[no-untyped-def]
    """One camera coordinate of a point, before the camera's distance is added."""
    a = libdevice.fmul_rn(px, rotations[view, 0, axis])
    b = libdevice.fmul_rn(py, rotations[view, 1, axis])
    c = libdevice.fmul_rn(pz, rotations[view, 2, axis])
    return (a + b) + c


@kernel(SHADE_THREADS)
def shade(zbuffers, depth):  # type: ignore[no-untyped-def]
    """Depth maps from z-buffers. Grid (V, B), one block for one map.

    zbuffers: uint32 [B, V, S * S] -> depth [B, V, S * S], float32 or float16: what the engine takes.

    One block reads its map twice and needs no second launch for the range of depths. With
    few maps on a large GPU most of it idles meanwhile: whether two launches would be faster
    there is to be measured.
    """
    view, cloud = cuda.blockIdx.x, cuda.blockIdx.y
    thread, threads = cuda.threadIdx.x, cuda.blockDim.x
    pixels = zbuffers.shape[2]
    slots = cuda.shared.array((2, WARPS), np.int32)
    # Of the foreground, as bits: the farthest, and the nearest with its sign changed, so that it is the
    # largest, too. As int32, which shuffles take; depths have no sign bit.
    negated, farthest, background = np.int32(-_FAR_BITS), np.int32(0), np.int32(0)
    for pixel in range(thread, pixels, threads):
        bits = zbuffers[cloud, view, pixel]
        if bits == FAR or bits == np.uint32(0):  # a depth of exactly 0 counts as background
            background = np.int32(1)
        else:
            negated, farthest = max(negated, -np.int32(bits)), max(farthest, np.int32(bits))
    some_background = cuda.syncthreads_or(background) != 0

    near = libdevice.int_as_float(-block_max(np.int32(negated), slots[0]))
    far = libdevice.int_as_float(block_max(np.int32(farthest), slots[1]))
    if some_background:
        near = min(near, np.float32(1))
    for pixel in range(thread, pixels, threads):
        bits = zbuffers[cloud, view, pixel]
        if bits == FAR or bits == np.uint32(0):
            depth[cloud, view, pixel] = np.float32(1)
        else:
            z = libdevice.int_as_float(np.int32(bits))
            depth[cloud, view, pixel] = (z - near) / far * np.float32(200) / np.float32(255)
