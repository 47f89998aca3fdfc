"""The kernels that cut a scene, as they are written: Python on flat arrays, never run as Python.

As `c2p_deploy.projection.kernels`, which says what a kernel may use: Numba turns them into
`kernels_scene.ll`. Beside each stands what gives the same in NumPy, in `voxels_reference.py`.
"""

# Numba reads types from the arguments, so there are no annotations.
# mypy: disallow-untyped-defs=False

from __future__ import annotations

import numpy as np

AXIS_BITS = 21  # of a voxel's number along each axis in its key
MIDDLE = 1 << (AXIS_BITS - 1)  # added to a voxel's number, so that none is negative
AXIS_MASK = (1 << AXIS_BITS) - 1
FINE = 1 << 20  # steps a metre, in which coordinates are summed: whole numbers have the same sum in any order
NEIGHBOURS = 26
_SPREAD = 0x1E3779B97F4A7C15  # multiplied by this, keys that are alike take slots far apart

# Arguments by kernel: "f*" float32 array, "d*" float64 array, "u*" uint32 array, "q*" int64 array,
# "d" float64, "q" int64.
SIGNATURES = {
    "keep_points": ("f*", "q", "q", "f*", "q*", "f*"),
    "number_voxels": ("f*", "q", "d", "d", "q*", "q", "q*", "q*"),
    "sum_voxels": ("f*", "q", "q*", "q*", "q*", "q*"),
    "link_voxels": ("q*", "q", "u*"),
    "join_linked": ("u*", "q", "q*"),
    "estimate_normals": ("d*", "q", "u*", "d*", "d*", "d*"),
    "grow_patches": ("d*", "d*", "q*", "u*", "q", "d", "d*", "d", "d", "q*", "q*"),
    "chain_hull": ("d*", "q", "q*"),
}


def keep_points(points, n, step, crop, kept, local):
    """Which of n points are within crop [2, 3] and no holes -> kept [n + 1], local [n, 3].

    step: from one point's x to the next one's. What is not finite or all zero is a hole. The last of kept
    becomes how many there are.
    """
    zero = np.float32(0)
    count = 0
    for k in range(n):
        x, y, z = points[step * k], points[step * k + 1], points[step * k + 2]
        if (
            x >= crop[0]
            and y >= crop[1]
            and z >= crop[2]
            and x <= crop[3]
            and y <= crop[4]
            and z <= crop[5]
            and (x != zero or y != zero or z != zero)
        ):
            kept[count] = k
            local[3 * count], local[3 * count + 1], local[3 * count + 2] = x, y, z
            count += 1
    kept[n] = count


def number_voxels(points, n, scale, near, table, bits, voxel_of, keys):
    """The voxels of points [n, 3], numbered as they come -> voxel_of [n] and keys [n + 1].

    scale: voxels a metre. near: beyond that distance from the origin distances are compressed, so that the
    voxels grow with their power of 1.5 along the line of sight; infinite for none. table [2**bits]: all -1.
    The last of keys becomes how many there are.
    """
    mask = (1 << bits) - 1
    count = 0
    for k in range(n):
        x, y, z = (
            np.float64(points[3 * k]),
            np.float64(points[3 * k + 1]),
            np.float64(points[3 * k + 2]),
        )
        stretch = scale
        square = x * x + y * y + z * z
        if square > near * near:
            far = np.sqrt(square)
            stretch = scale * near * (3.0 - 2.0 * np.sqrt(abs(near / far))) / far
        key = (int(np.floor(x * stretch)) + MIDDLE) << (2 * AXIS_BITS)
        key |= (int(np.floor(y * stretch)) + MIDDLE) << AXIS_BITS
        key |= int(np.floor(z * stretch)) + MIDDLE
        slot = ((key * _SPREAD) >> (63 - bits)) & mask
        while table[slot] >= 0 and keys[table[slot]] != key:
            slot = (slot + 1) & mask
        if table[slot] < 0:
            table[slot] = count
            keys[count] = key
            count += 1
        voxel_of[k] = table[slot]
    keys[n] = count


def sum_voxels(points, n, rank, voxel_of, counts, sums):
    """Renumbers the voxels of points [n, 3] by rank, and adds up what is in them -> counts [V], sums [V, 3].

    The sums are whole numbers of a FINE part of a metre.
    """
    for k in range(n):
        v = rank[voxel_of[k]]
        voxel_of[k] = v
        counts[v] += 1
        for axis in range(3):
            sums[3 * v + axis] += int(np.floor(np.float64(points[3 * k + axis]) * FINE + 0.5))


def link_voxels(keys, count, neighbours):
    """The voxels next to each by their ascending keys [V] -> neighbours [V, 26], all V before.

    In the order of their keys, so that of any voxel's neighbour k it is itself the neighbour 25 - k.
    For each shift the keys and the shifted keys are walked along together.
    """
    for shift in range(5):
        # (0, 0), (0, 1), (1, -1), (1, 0), (1, 1) along x and y; along z all three at once.
        dx = 1 if shift >= 2 else 0
        dy = shift - 3 if shift >= 2 else shift
        first = 9 * (dx + 1) + 3 * (dy + 1)  # the place of dz = 0: among 27, less the voxel's own
        step = ((dx << AXIS_BITS) + dy) << AXIS_BITS
        other = 0
        for v in range(count):
            middle = keys[v] + step
            while other < count and keys[other] < middle - 1:
                other += 1
            at = other
            while at < count and keys[at] <= middle + 1:
                dz = keys[at] - middle
                if shift > 0 or dz > 0:
                    place = first + dz
                    neighbours[NEIGHBOURS * v + place] = np.uint32(at)
                    neighbours[NEIGHBOURS * at + NEIGHBOURS - 1 - place] = np.uint32(v)
                at += 1


def join_linked(neighbours, count, group):
    """Numbers voxels [V] alike that are connected: group [V], each its own number, becomes the smallest."""
    for v in range(count):
        for k in range(NEIGHBOURS // 2, NEIGHBOURS):
            a, b = int(neighbours[NEIGHBOURS * v + k]), v
            if a == count:
                continue
            while group[a] != a:
                group[a] = group[group[a]]
                a = group[a]
            while group[b] != b:
                group[b] = group[group[b]]
                b = group[b]
            group[max(a, b)] = min(a, b)
    for v in range(count):
        group[v] = group[group[v]]


def estimate_normals(centres, count, neighbours, moments, normals, bend):
    """The plane through the voxels around each of centres [V, 3] -> normals [V, 3], of either sign, and bend.

    Around: neighbours and their neighbours, those counted more often that are reached in more ways. bend [V]:
    the smallest eigenvalue of their covariance as a part of the trace; 0 is flat, 1/3 no surface at all. To
    work in: moments [V, 10].
    """
    for v in range(count):
        x0, y0, z0 = centres[3 * v], centres[3 * v + 1], centres[3 * v + 2]
        for m in range(10):
            moments[10 * v + m] = 0.0
        for k in range(NEIGHBOURS + 1):
            u = v if k == NEIGHBOURS else int(neighbours[NEIGHBOURS * v + k])
            if u == count:
                continue
            x, y, z = centres[3 * u] - x0, centres[3 * u + 1] - y0, centres[3 * u + 2] - z0
            moments[10 * v] += 1.0
            moments[10 * v + 1] += x
            moments[10 * v + 2] += y
            moments[10 * v + 3] += z
            moments[10 * v + 4] += x * x
            moments[10 * v + 5] += x * y
            moments[10 * v + 6] += x * z
            moments[10 * v + 7] += y * y
            moments[10 * v + 8] += y * z
            moments[10 * v + 9] += z * z
    for v in range(count):
        x0, y0, z0 = centres[3 * v], centres[3 * v + 1], centres[3 * v + 2]
        n, sx, sy, sz = 0.0, 0.0, 0.0, 0.0
        xx, xy, xz, yy, yz, zz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(NEIGHBOURS + 1):
            u = v if k == NEIGHBOURS else int(neighbours[NEIGHBOURS * v + k])
            if u == count:
                continue
            # Moments about u's centre become those about v's.
            x, y, z = centres[3 * u] - x0, centres[3 * u + 1] - y0, centres[3 * u + 2] - z0
            w, ux, uy, uz = (
                moments[10 * u],
                moments[10 * u + 1],
                moments[10 * u + 2],
                moments[10 * u + 3],
            )
            n += w
            sx += ux + w * x
            sy += uy + w * y
            sz += uz + w * z
            xx += moments[10 * u + 4] + 2 * x * ux + w * x * x
            xy += moments[10 * u + 5] + x * uy + y * ux + w * x * y
            xz += moments[10 * u + 6] + x * uz + z * ux + w * x * z
            yy += moments[10 * u + 7] + 2 * y * uy + w * y * y
            yz += moments[10 * u + 8] + y * uz + z * uy + w * y * z
            zz += moments[10 * u + 9] + 2 * z * uz + w * z * z
        sx, sy, sz = sx / n, sy / n, sz / n
        xx, xy, xz = xx / n - sx * sx, xy / n - sx * sy, xz / n - sx * sz
        yy, yz, zz = yy / n - sy * sy, yz / n - sy * sz, zz / n - sz * sz
        trace = xx + yy + zz
        normals[3 * v], normals[3 * v + 1], normals[3 * v + 2] = 0.0, 0.0, 0.0
        bend[v] = 1.0 / 3.0
        if trace <= 0.0:
            continue
        xx, xy, xz, yy, yz, zz = xx / trace, xy / trace, xz / trace, yy / trace, yz / trace, zz / trace
        # The smallest root of the characteristic polynomial; from below Newton's steps never overshoot.
        minors = xx * yy - xy * xy + xx * zz - xz * xz + yy * zz - yz * yz
        det = xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
        root = 0.0
        for _ in range(12):
            value = ((root - 1.0) * root + minors) * root - det
            slope = (3.0 * root - 2.0) * root + minors
            if slope <= 1e-12:
                break
            root -= value / slope
        xx, yy, zz = xx - root, yy - root, zz - root
        # Its vector stands across the rows of what is left: of three cross products the longest.
        best = 0.0
        for k in range(3):
            if k == 0:
                ax, ay, az = xy * yz - xz * yy, xz * xy - xx * yz, xx * yy - xy * xy
            elif k == 1:
                ax, ay, az = xy * zz - xz * yz, xz * xz - xx * zz, xx * yz - xy * xz
            else:
                ax, ay, az = yy * zz - yz * yz, yz * xz - xy * zz, xy * yz - yy * xz
            square = ax * ax + ay * ay + az * az
            if square > best:
                best = square
                length = np.sqrt(square)
                normals[3 * v] = ax / length
                normals[3 * v + 1] = ay / length
                normals[3 * v + 2] = az / length
        if best > 0.0:
            bend[v] = max(root, 0.0)


def grow_patches(centres, normals, seeds, neighbours, count, cosine, sizes, offset, reach, patch, queue):
    """Smooth patches of voxels around seeds [V], the first first -> patch [V], all -1 before.

    A voxel joins what is next to it if its normal is no farther from the seed's than the angle of
    that cosine, and it lies no farther off the seed's plane than offset, and from the seed than reach, in
    sizes [V] of the seed. patch: numbers in the order of the seeds. To work in: queue [V].
    """
    found = 0
    for s in range(count):
        seed = seeds[s]
        if patch[seed] >= 0:
            continue
        nx, ny, nz = normals[3 * seed], normals[3 * seed + 1], normals[3 * seed + 2]
        cx, cy, cz = centres[3 * seed], centres[3 * seed + 1], centres[3 * seed + 2]
        most_off, most_far = offset * sizes[seed], reach * sizes[seed]
        patch[seed] = found
        queue[0] = seed
        first, last = 0, 1
        while first < last:
            v = queue[first]
            first += 1
            for k in range(NEIGHBOURS):
                u = int(neighbours[NEIGHBOURS * v + k])
                if u == count or patch[u] >= 0:
                    continue
                if normals[3 * u] * nx + normals[3 * u + 1] * ny + normals[3 * u + 2] * nz < cosine:
                    continue
                x, y, z = centres[3 * u] - cx, centres[3 * u + 1] - cy, centres[3 * u + 2] - cz
                if abs(x * nx + y * ny + z * nz) > most_off or x * x + y * y + z * z > most_far * most_far:
                    continue
                patch[u] = found
                queue[last] = u
                last += 1
        found += 1


def chain_hull(points, n, chain):
    """The convex hull of n > 2 distinct points [n, 2], by x, then y -> chain [2 n + 1], counter-clockwise.

    The last of chain becomes how many there are. Along what has no area it goes there and back.
    """
    count = 0
    for way in range(2):
        start = count
        for k in range(n):
            i = k if way == 0 else n - 1 - k
            while count - start >= 2:
                a, b = chain[count - 2], chain[count - 1]
                bx, by = points[2 * b] - points[2 * a], points[2 * b + 1] - points[2 * a + 1]
                x, y = points[2 * i] - points[2 * a], points[2 * i + 1] - points[2 * a + 1]
                if bx * y - by * x > 0.0:
                    break
                count -= 1
            chain[count] = i
            count += 1
        count -= 1
    chain[2 * n] = count
