"""The CPU's kernels as they are written: Python on flat arrays, never run as Python.

`tools/build_kernels.py` has Numba turn them into `kernels.ll`, which the package carries and
`c2p_deploy.projection.native` loads; so nothing is compiled from Python, kept on disk or unpickled
where a robot runs. After a change here run that script; a test compares the two.

What a kernel may use is what needs no runtime: numbers, loops, and the arrays it is given. All arrays
are flat and C-contiguous; `FLOATS` and `BITS` of one array are two views of the same memory.
"""

# Numba reads types from the arguments, so there are no annotations.
# mypy: disallow-untyped-defs=False

from __future__ import annotations

import numpy as np

FAR = np.float32(3.4e38)  # what a z-buffer holds where nothing was drawn
FAR_BITS = FAR.view(np.uint32)
BLOCK = 32  # points that farthest-point sampling looks at, or passes over, together
CELL_BITS = 4
CELLS = 1 << CELL_BITS  # per axis, of the grid that brings neighbours into one block
AXIS_BITS = 21  # of a cell's number along each axis in its key, where cells are many and most are empty
_SPREAD = 0x1E3779B97F4A7C15  # multiplied by this, keys that are alike take slots far apart

# Arguments by kernel: "f*" float32 array, "d*" float64 array, "u*" uint32 array, "q*" int64 array,
# "f" float32, "q" int64.
SIGNATURES = {
    "draw_view": ("f*", "q", "f*", "f", "f*", "q", "f", "f*", "u*"),
    "by_cell": ("f*", "q", "f*", "q*", "q*", "q*"),
    "farthest": ("f*", "q", "q", "q", "q*", "q*", "f*", "u*", "f*", "f*", "u*"),
    "to_local": ("d*", "q", "f*"),
    "number_cells": ("q*", "q", "q*", "q", "q*", "q*", "q*", "q*"),
    "nearest_voxels": ("q*", "q*", "q*", "q*", "q", "q*", "q", "q", "q", "q", "q*", "q*", "q*"),
    "link_cells": ("q*", "q*", "q*", "q*", "q", "q*", "q", "q", "q", "q", "q*", "q*"),
}


def draw_view(points, count, rotation, distance, centres, size, radius, depth, bits):
    """One depth map: points [count, 3], rotation [3, 3], pixel centres [size] -> depth [size, size].

    bits: the memory of depth. The arithmetic that decides coverage and depth is the reference's, operation
    by operation, in float32; only the search for the pixels of a disc is different.
    """
    one, half_pixel = np.float32(1), np.float32(0.5)
    scale = one / distance
    squared = radius * radius
    limit = one + radius
    half = np.float32(0.5 * size)
    reach = radius * half + np.float32(0.01)  # of a pixel to spare: rounding here must never lose a hit
    pixels = size * size
    for k in range(pixels):
        depth[k] = FAR
    for n in range(count):
        px, py, pz = points[3 * n] * scale, points[3 * n + 1] * scale, points[3 * n + 2] * scale
        x = (px * rotation[0] + py * rotation[3]) + pz * rotation[6]
        y = (px * rotation[1] + py * rotation[4]) + pz * rotation[7]
        z = ((px * rotation[2] + py * rotation[5]) + pz * rotation[8]) + distance
        if not (z >= 0 and abs(x) < limit and abs(y) < limit):  # also when not a number
            continue
        # Where the point lies among the centres of pixels, so that centre j is at j.
        column, row = (one - x) * half - half_pixel, (one - y) * half - half_pixel
        first_j, last_j = max(0, int(column - reach + one)), min(size - 1, int(column + reach))
        first_i, last_i = max(0, int(row - reach + one)), min(size - 1, int(row + reach))
        for i in range(first_i, last_i + 1):
            dy = y - centres[i]
            dy2 = dy * dy
            for j in range(first_j, last_j + 1):
                dx = x - centres[j]
                if dx * dx + dy2 < squared and z < depth[i * size + j]:
                    depth[i * size + j] = z

    # The shades, as `c2p_deploy.projection.reference` defines them. Depths that are not negative are ordered
    # as their bits are; as integers they are compared sixteen at once, which the compiler may not do with
    # floats, because of what is not a number.
    zero, unit = np.uint32(0), np.uint32(1)
    nearest_less_one = np.uint32(0xFFFFFFFF)  # so that 0, which counts as background, is the largest
    farthest, background = zero, zero
    for k in range(pixels):
        z = bits[k]
        empty = z == FAR_BITS
        nearest_less_one = min(nearest_less_one, np.uint32(z - unit))
        farthest = max(farthest, zero if empty else z)
        background += unit if empty or z == zero else zero
    kept = bits[0]  # the first pixel lends its memory to turn bits into numbers
    bits[0] = nearest_less_one + unit
    nearest_z = depth[0]
    bits[0] = farthest
    farthest_z = depth[0]
    bits[0] = kept
    if background:
        nearest_z = min(nearest_z, one)
    for k in range(pixels):
        z = depth[k]
        shade = (z - nearest_z) / farthest_z * np.float32(200) / np.float32(255)
        depth[k] = one if z == FAR or z == 0 else shade


def by_cell(points, n, low, cell, starts, order):
    """The order [n] that puts points [n, 3] of neighbouring cells of a grid side by side (Morton order).

    To work in: low [3], cell [n], and starts [CELLS**3 + 1], zeros.
    """
    extent = np.float32(0)
    for axis in range(3):
        low[axis], high = points[axis], points[axis]
        for k in range(1, n):
            low[axis], high = min(low[axis], points[3 * k + axis]), max(high, points[3 * k + axis])
        extent = max(extent, high - low[axis])
    scale = np.float32(CELLS) / extent if extent > 0 else np.float32(0)
    for k in range(n):
        code = 0
        for axis in range(3):
            q = min(int((points[3 * k + axis] - low[axis]) * scale), CELLS - 1)
            for bit in range(CELL_BITS):
                code |= ((q >> bit) & 1) << (3 * bit + axis)
        cell[k] = code
        starts[code + 1] += 1
    for code in range(CELLS**3):
        starts[code + 1] += starts[code]
    for k in range(n):
        order[starts[cell[k]]] = k
        starts[cell[k]] += 1


def farthest(points, n, count, first, chosen, order, nearest, bits, sorted_points, boxes, largest):
    """Indices of `count` of points [n, 3], each the farthest from those before it -> chosen [count].

    first: the first of them, order: the points, neighbours side by side, as `by_cell` gives it. To work in:
    nearest [n] and bits, its memory; sorted_points [3, n], boxes [blocks, 6], largest [blocks], of as many
    blocks as n points make.
    """
    infinity = np.float32(np.inf)
    blocks = (n + BLOCK - 1) // BLOCK
    for k in range(n):
        for axis in range(3):
            sorted_points[axis * n + k] = points[3 * order[k] + axis]
        nearest[k] = infinity  # squared distance to the points chosen so far
    for b in range(blocks):
        for axis in range(3):
            low, high = infinity, -infinity
            for k in range(b * BLOCK, min(n, (b + 1) * BLOCK)):
                low = min(low, sorted_points[axis * n + k])
                high = max(high, sorted_points[axis * n + k])
            boxes[6 * b + axis], boxes[6 * b + 3 + axis] = low, high
        largest[b] = bits[b * BLOCK]

    zero = np.float32(0)
    index = first
    for m in range(count):
        chosen[m] = index
        cx, cy, cz = points[3 * index], points[3 * index + 1], points[3 * index + 2]
        top = np.uint32(0)
        for b in range(blocks):
            # No point of a block is nearer than its box. Rounding keeps order, so this holds to the bit.
            ex = max(max(boxes[6 * b] - cx, cx - boxes[6 * b + 3]), zero)
            ey = max(max(boxes[6 * b + 1] - cy, cy - boxes[6 * b + 4]), zero)
            ez = max(max(boxes[6 * b + 2] - cz, cz - boxes[6 * b + 5]), zero)
            start, end = b * BLOCK, min(n, (b + 1) * BLOCK)
            here = largest[b]
            if np.float32((ex * ex + ey * ey) + ez * ez).view(np.uint32) < here:
                for k in range(start, end):
                    dx, dy, dz = (
                        sorted_points[k] - cx,
                        sorted_points[n + k] - cy,
                        sorted_points[2 * n + k] - cz,
                    )
                    nearest[k] = min(nearest[k], (dx * dx + dy * dy) + dz * dz)
                here = np.uint32(0)
                for k in range(start, end):
                    here = max(here, bits[k])
                largest[b] = here
            top = max(top, here)
        index = n
        for b in range(blocks):
            if largest[b] == top:
                for k in range(b * BLOCK, min(n, (b + 1) * BLOCK)):
                    if bits[k] == top:
                        index = min(index, order[k])


def to_local(points, count, local):
    """Points [count, 3] in float64 -> local [count, 3] in float32, less the first row that is finite.

    Map coordinates are large: in float32 they would leave no digits for the shape.
    """
    x, y, z = 0.0, 0.0, 0.0
    for n in range(count):
        x, y, z = points[3 * n], points[3 * n + 1], points[3 * n + 2]
        if abs(x) < np.inf and abs(y) < np.inf and abs(z) < np.inf:
            break
    for n in range(count):
        local[3 * n] = np.float32(points[3 * n] - x)
        local[3 * n + 1] = np.float32(points[3 * n + 1] - y)
        local[3 * n + 2] = np.float32(points[3 * n + 2] - z)


# --- stray points: voxels [M, 3] are whole numbers, sorted into cells of which only those with one exist ---
# cells: keys [K] of the K cells; table [2**bits]: their numbers by the hash of their key, -1 in empty slots;
# starts [K + 1]: of each cell's voxels in order [M].


def number_cells(keys, n, table, bits, cell_of, cells, starts, order):
    """The cells of n voxels by the keys of these [n], numbered as they come -> cell_of [n] and the cells.

    table: all -1. starts: of K <= n cells, all 0 in a length of n + 2; its last becomes K.
    """
    mask = (1 << bits) - 1
    count = 0
    for k in range(n):
        key = keys[k]
        slot = ((key * _SPREAD) >> (63 - bits)) & mask
        while table[slot] >= 0 and cells[table[slot]] != key:
            slot = (slot + 1) & mask
        if table[slot] < 0:
            table[slot] = count
            cells[count] = key
            count += 1
        cell_of[k] = table[slot]
        starts[table[slot] + 1] += 1
    for c in range(count):
        starts[c + 1] += starts[c]
    for k in range(n):
        order[starts[cell_of[k]]] = k
        starts[cell_of[k]] += 1
    for c in range(count, 0, -1):  # each start has moved to the next one's
        starts[c] = starts[c - 1]
    starts[0] = 0
    starts[n + 1] = count


def nearest_voxels(
    voxels, order, starts, cells, count, table, bits, side, wanted, least, best, near, nearest
):
    """Squared distance of every voxel to its `wanted` nearest -> nearest [M]; beyond side, side**2 + 1.

    least: what it cannot be less than; a voxel that has that needs to look no further. To work in:
    best [wanted], near [3, M].
    """
    mask = (1 << bits) - 1
    limit = side * side
    total = starts[count]
    for c in range(count):
        found = 0  # voxels of this cell and of those around it, side by side
        for dx in range(-1, 2):
            for dy in range(-1, 2):
                for dz in range(-1, 2):
                    key = cells[c] + (dx << (2 * AXIS_BITS)) + (dy << AXIS_BITS) + dz
                    slot = ((key * _SPREAD) >> (63 - bits)) & mask
                    while table[slot] >= 0 and cells[table[slot]] != key:
                        slot = (slot + 1) & mask
                    if table[slot] >= 0:
                        for m in range(starts[table[slot]], starts[table[slot] + 1]):
                            for axis in range(3):
                                near[axis * total + found] = voxels[3 * order[m] + axis]
                            found += 1
        for m in range(starts[c], starts[c + 1]):
            x, y, z = voxels[3 * order[m]], voxels[3 * order[m] + 1], voxels[3 * order[m] + 2]
            for b in range(wanted):
                best[b] = limit + 1
            k = 0
            while k < found and best[wanted - 1] > least:
                dx, dy, dz = near[k] - x, near[total + k] - y, near[2 * total + k] - z
                square = dx * dx + dy * dy + dz * dz
                if square < best[wanted - 1] and square > 0:
                    b = wanted - 1
                    while b > 0 and best[b - 1] > square:
                        best[b] = best[b - 1]
                        b -= 1
                    best[b] = square
                k += 1
            nearest[order[m]] = best[wanted - 1]


def link_cells(voxels, order, starts, cells, count, table, bits, side, around, reach, sizes, group):
    """Numbers cells [K] alike that are connected: by two voxels no farther apart than the root of reach.

    Of cells so small that all their own voxels are; side: of how many voxels; around: how many cells away
    the others may be. group [K]: each cell's own number, becomes the smallest of its group. sizes [K], to
    work in: zeros.

    First with the cells next to each, which connects most of a surface. Then with the others, which is
    left out for the cells of a group with more than half: whatever is not in it looks for it.
    """
    mask = (1 << bits) - 1
    largest = -1
    for farther in range(2):
        if farther:
            for c in range(count):
                root = c
                while group[root] != root:
                    root = group[root]
                group[c] = root
                sizes[root] += 1
                if 2 * sizes[root] > count:
                    largest = root
        span = around if farther else 1
        for c in range(count):
            root = c
            while group[root] != root:
                root = group[root]
            if root == largest:
                continue
            for dx in range(-span if largest >= 0 else 0, span + 1):
                for dy in range(-span, span + 1):
                    for dz in range(-span, span + 1):
                        if largest < 0 and dx == 0 and (dy < 0 or (dy == 0 and dz <= 0)):
                            continue  # these come to this cell themselves
                        if farther and max(abs(dx), abs(dy), abs(dz)) < 2:
                            continue
                        # The least that their voxels can be apart; along an axis the same cell is no apart.
                        gx, gy, gz = (
                            (abs(dx) - 1) * side + 1,
                            (abs(dy) - 1) * side + 1,
                            (abs(dz) - 1) * side + 1,
                        )
                        gx, gy, gz = gx if dx else 0, gy if dy else 0, gz if dz else 0
                        if gx * gx + gy * gy + gz * gz > reach:
                            continue
                        key = cells[c] + (dx << (2 * AXIS_BITS)) + (dy << AXIS_BITS) + dz
                        slot = ((key * _SPREAD) >> (63 - bits)) & mask
                        while table[slot] >= 0 and cells[table[slot]] != key:
                            slot = (slot + 1) & mask
                        other = table[slot]
                        if other < 0:
                            continue
                        a, b = c, other
                        while group[a] != a:
                            group[a] = group[group[a]]
                            a = group[a]
                        while group[b] != b:
                            group[b] = group[group[b]]
                            b = group[b]
                        if a == b:
                            continue
                        linked = False
                        m = starts[c]
                        while m < starts[c + 1] and not linked:
                            k = starts[other]
                            while k < starts[other + 1] and not linked:
                                square = 0
                                for axis in range(3):
                                    d = voxels[3 * order[m] + axis] - voxels[3 * order[k] + axis]
                                    square += d * d
                                linked = square <= reach
                                k += 1
                            m += 1
                        if linked:
                            group[max(a, b)] = min(a, b)
    for c in range(count):  # what is linked to has a smaller number, and is done
        group[c] = group[group[c]]
