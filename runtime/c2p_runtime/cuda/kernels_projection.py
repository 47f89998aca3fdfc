"""The CUDA kernels of the projection: z-buffers cleared, discs splatted, depth maps shaded.

The arithmetic that decides coverage and depth is that of `c2p_deploy.projection.reference`, operation by
operation, in float32. GPUs like to fuse a product and a sum into one operation that rounds
once; the compiler must not where the reference rounds twice. So those products are written
`libdevice.fmul_rn`: it becomes `mul.rn`, which neither libNVVM nor ptxas may fuse.

`launch` launches them; every kernel says for which grid it is written. B clouds, V
views, S pixels a side.
"""

from __future__ import annotations

import numpy as np

from c2p_deploy.projection.spec import UP_AXES
from c2p_runtime.cuda.block import WARPS, block_max
from c2p_runtime.cuda.numba_cuda import cuda, kernel, libdevice

# Threads per block. Discs and pixels are independent, so any multiple of a warp gives the same
# maps; which is fastest on which board is to be measured.
CLEAR_BLOCKS, CLEAR_THREADS = 128, 256
SPLAT_THREADS = 128
SHADE_THREADS = 256
SHADE_PIXELS = 4096  # of a map, for one block: ten maps of 224 x 224 are 130 blocks

# A depth nobody reaches: the bits of float32 +inf. Depths are >= 0, and such floats keep their
# order when their bits are read as uint32: so the nearest wins by an integer atomic, which is one
# instruction, where the minimum of floats is a loop of compare-and-swap.
_FAR_BITS = 0x7F800000
FAR = np.uint32(_FAR_BITS)
_ONE_BITS = np.int32(0x3F800000)  # of float32 1
Z_UP, X_UP, Z_DOWN, Y_DOWN, X_DOWN = (UP_AXES.index(up) for up in ("z", "x", "-z", "-y", "-x"))


@kernel(CLEAR_THREADS)
def clear(zbuffers):  # type: ignore[no-untyped-def]
    """Sets z-buffers, flat uint32 [B * V * S * S], to FAR, before the first call. Any grid.

    From then on `shade` leaves them so: a launch less, and no reading of what is written anyway.
    """
    for pixel in range(cuda.grid(1), len(zbuffers), cuda.gridsize(1)):
        zbuffers[pixel] = FAR


@kernel(SPLAT_THREADS)
def splat(points, kept, up, rotations, distances, scales, centres, radius, zbuffers):  # type: ignore[no-untyped-def]
    """Draws every point's disc. Grid (points, V, B), one thread for one point in one view.

    points: float32 [B, N, 3], of which the first kept [B] (int32) count. up: int32, the place
    in `UP_AXES` of the axis from which `turn_up` turns them. rotations: float32 [V, 3, 3]; distances, scales:
    float32 [V], scales = 1 / distances; centres: float32 [S]; radius: float32, of a disc.
    zbuffers: flat uint32 [B * V * S * S], FAR wherever nothing has been drawn.

    A disc of the paper's covers 16 pixels. To give each thread one pixel of a disc instead
    would be more parallel for one small cloud; whether that pays is to be measured.
    """
    n, view, cloud = cuda.grid(1), cuda.blockIdx.y, cuda.blockIdx.z
    if n >= kept[cloud]:
        return
    one = np.float32(1)
    size = centres.shape[0]
    base = np.uint32((cloud * cuda.gridDim.y + view) * size * size)
    x, y, z = points[cloud, n, 0], points[cloud, n, 1], points[cloud, n, 2]
    if up == Z_UP:
        x, y, z = -y, z, -x
    elif up == X_UP:
        x, y, z = -z, x, -y
    elif up == Z_DOWN:
        x, y, z = y, -z, -x
    elif up == Y_DOWN:
        x, y, z = x, -y, -z
    elif up == X_DOWN:
        x, y, z = z, -x, -y
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
                cuda.atomic.min(zbuffers, np.uint32(base + i * size + j), depth)


@cuda.jit(device=True)
def _turned(px, py, pz, rotations, view, axis):  # type: ignore[no-untyped-def]
    """One camera coordinate of a point, before the camera's distance is added."""
    a = libdevice.fmul_rn(px, rotations[view, 0, axis])
    b = libdevice.fmul_rn(py, rotations[view, 1, axis])
    c = libdevice.fmul_rn(pz, rotations[view, 2, axis])
    return (a + b) + c


@kernel(SHADE_THREADS)
def depth_range(zbuffers, pixels, ranges):  # type: ignore[no-untyped-def]
    """The nearest and the farthest depth of every part of every map. Grid (parts, V, B).

    zbuffers: flat uint32 [B * V * pixels]; pixels: int32, of a map -> ranges: int32 [B, V, parts, 2], the
    bits of these depths, the nearest's with its sign changed; a part is SHADE_PIXELS pixels.
    """
    part, thread = cuda.blockIdx.x, cuda.threadIdx.x
    first, last, base = _pixels_of_block(pixels)
    slots = cuda.shared.array((2, WARPS), np.int32)
    # As int32, which shuffles take; depths have no sign bit. Background counts as depth 1 for the nearest.
    negated, farthest = np.int32(-_FAR_BITS), np.int32(0)
    for pixel in range(np.uint32(first + thread), last, np.uint32(cuda.blockDim.x)):
        bits = np.int32(zbuffers[np.uint32(base + pixel)])
        background = bits == np.int32(_FAR_BITS) or bits == np.int32(0)  # a depth of exactly 0 counts as such
        negated = max(negated, np.int32(-(_ONE_BITS if background else bits)))
        farthest = max(farthest, np.int32(0) if background else bits)
    negated, farthest = block_max(negated, slots[0]), block_max(farthest, slots[1])
    if thread == 0:
        ranges[cuda.blockIdx.z, cuda.blockIdx.y, part, 0] = negated
        ranges[cuda.blockIdx.z, cuda.blockIdx.y, part, 1] = farthest


@kernel(SHADE_THREADS)
def shade(zbuffers, pixels, ranges, depth):  # type: ignore[no-untyped-def]
    """Depth maps from z-buffers, which are FAR again afterwards. Grid and first arguments as `depth_range`'s.

    depth: flat [B * V * pixels], float32 or float16: what the engine takes.
    """
    view, cloud = cuda.blockIdx.y, cuda.blockIdx.z
    first, last, base = _pixels_of_block(pixels)
    negated, farthest = np.int32(-_FAR_BITS), np.int32(0)
    for part in range(ranges.shape[2]):
        negated = max(negated, ranges[cloud, view, part, 0])
        farthest = max(farthest, ranges[cloud, view, part, 1])
    near, far = libdevice.int_as_float(np.int32(-negated)), libdevice.int_as_float(farthest)
    for pixel in range(np.uint32(first + cuda.threadIdx.x), last, np.uint32(cuda.blockDim.x)):
        place = np.uint32(base + pixel)
        bits = zbuffers[place]
        shaded = np.float32(1)
        if not (bits == FAR or bits == np.uint32(0)):
            z = libdevice.int_as_float(np.int32(bits))
            shaded = (z - near) / far * np.float32(200) / np.float32(255)
        depth[place] = shaded
        zbuffers[place] = FAR


@cuda.jit(device=True)
def _pixels_of_block(pixels):  # type: ignore[no-untyped-def]
    """Of a grid (parts, V, B): first and last pixel of this block's part, and where its map begins.

    uint32, so that places are found by 32-bit arithmetic, and none of them is looked at for its sign.
    """
    first = np.uint32(cuda.blockIdx.x * SHADE_PIXELS)
    last = min(np.uint32(pixels), np.uint32(first + np.uint32(SHADE_PIXELS)))
    return first, last, np.uint32((cuda.blockIdx.z * cuda.gridDim.y + cuda.blockIdx.y) * pixels)
