"""What is connected is cut along concave creases: there one thing stands on another, or touches it.

As in Stein et al., Object Partitioning using Local Convexity, CVPR 2014, smooth patches are joined where they
meet in a convex edge. Two things are different. Where the surface bends inward smoothly, as within a
bowl, it is one thing too: what counts is how much the normals turn from one voxel to the next, not from patch
to patch. And patches are joined one pair after the other, the most convex first, each time with the edge that
the joined ones have together; so one false link between two things does not join them.
"""

from __future__ import annotations

import heapq
import math

import numpy as np

from c2p_runtime.scene.kernels_scene import NEIGHBOURS
from c2p_runtime.scene.segmentation import Array, IntArray
from c2p_runtime.scene.voxels import Places, connected, neighbours_of, normals_of, patches_of

# A patch is what one seed's plane describes: its voxels have normals within this angle of the seed's, ...
PATCH_COSINE = math.cos(math.radians(30))
PATCH_OFFSET = 1.0  # ... are no more voxels off that plane, ...
PATCH_REACH = (
    5.0  # ... and no more voxels away. With 3 … 8 voxels and 15 … 30 degrees the same things result.
)
# How much the normals of voxels side by side turn towards each other, on average along an edge, for it to be
# a crease: 0.2 is 11 degrees. Normals look at two voxels around, so that a right angle is spread over four
# steps of 22 degrees; the inside of a bowl of a radius of 6 voxels turns by 10. 0.15 … 0.25 give the same.
CREASE = 0.2
_SCRAMBLE = 0x1E3779B97F4A7C15  # multiplied by this, numbers are in no order
MOST_BORDER = 0.7  # of a part's voxels, that may touch another part


def parts_of(keys: IntArray, centres: Array, sizes: Array, viewpoint: Array | None) -> IntArray:
    """The part that each of V voxels belongs to: int64 [V], any numbers below V.

    keys: ascending. viewpoint: from where the surfaces are seen; without one they are taken to face away from
    the middle of what they are connected with.
    """
    neighbours = neighbours_of(keys)
    normals, bend = normals_of(centres, neighbours)
    outward = viewpoint - centres if viewpoint is not None else centres - _middles(centres, neighbours)
    normals *= np.where((normals * outward).sum(axis=1) < 0, -1.0, 1.0)[:, None]
    patch = patches_of(centres, normals, bend, neighbours, sizes, PATCH_COSINE, PATCH_OFFSET, PATCH_REACH)
    first, second, turn, length = edges_of(centres, normals, neighbours, patch)
    part = join(int(patch.max()) + 1, first, second, turn, length)[patch]
    return without_creases(part, neighbours)


def without_creases(part: IntArray, neighbours: Places) -> IntArray:
    """The parts [V] of voxels, where those that are all border belong to what they touch most.

    Voxels right in a crease have normals of neither side and make a part of their own, a thin one.
    """
    padded = np.append(part, -1)  # for where no neighbour is
    border = np.zeros(len(part), bool)
    here, there = [], []
    for k in range(NEIGHBOURS):
        other = padded[neighbours[:, k]]
        apart = np.flatnonzero((other >= 0) & (other != part))
        border[apart] = True
        here.append(part[apart])
        there.append(other[apart])
    number = len(part)
    sizes = np.bincount(part, minlength=number)
    thin = np.bincount(part, border, number) > MOST_BORDER * sizes
    pair, touching = np.unique(np.concatenate(here) * number + np.concatenate(there), return_counts=True)
    pair, touching = pair[thin[pair // number]], touching[thin[pair // number]]
    becomes = np.arange(number)
    for k in np.argsort(touching, kind="stable"):  # the last, with the most, stays
        a, b = pair[k] // number, pair[k] % number
        if not thin[b]:
            becomes[a] = b
    return becomes[part]


def _middles(centres: Array, neighbours: Places) -> Array:
    """The mean of all that each voxel is connected with [V, 3]."""
    group = connected(neighbours)
    sizes = np.maximum(np.bincount(group), 1)
    return np.stack([(np.bincount(group, row) / sizes)[group] for row in centres.T], axis=1)


def edges_of(
    centres: Array, normals: Array, neighbours: Places, patch: IntArray
) -> tuple[IntArray, IntArray, Array, Array]:
    """Pairs of patches side by side: first and second [E], how much their normals turn, and the length.

    The turn is summed over the pairs of neighbouring voxels on both sides, of which the length is the number:
    how far the difference of the normals points along the way from one to the other; above 0 is convex.
    """
    number = int(patch.max()) + 1
    here, there = [], []
    for k in range(NEIGHBOURS // 2, NEIGHBOURS):
        voxel = np.flatnonzero(neighbours[:, k] < len(patch))
        other = neighbours[voxel, k].astype(np.int64)
        apart = patch[voxel] != patch[other]
        here.append(voxel[apart])
        there.append(other[apart])
    voxel, other = np.concatenate(here), np.concatenate(there)
    way = centres[voxel] - centres[other]
    turn = (way * (normals[voxel] - normals[other])).sum(axis=1)
    turn /= np.maximum(np.linalg.norm(way, axis=1), 1e-12)
    a, b = patch[voxel], patch[other]
    pair, edge = np.unique(np.minimum(a, b) * number + np.maximum(a, b), return_inverse=True)
    return pair // number, pair % number, _added(edge, turn), _added(edge, np.ones(len(edge)))


def _added(group: IntArray, values: Array) -> Array:
    """The sum of the values [N] of each group: float64, one of each number."""
    return np.asarray(np.bincount(group, values), np.float64)


def join(number: int, first: IntArray, second: IntArray, turn: Array, length: Array) -> IntArray:
    """Joins patches that meet in no crease, the most convex first: the group of each [number].

    In rounds, in each of which those are joined that are each other's best. As the mean of two edges is never
    better than the better one, that is the same as one after the other, which `join_reference` does.
    """
    group = np.arange(number)
    while len(first):
        pair = first * number + second
        mean = turn / length
        # Where turns are alike, as on what is flat, chance decides, or a round would join one pair.
        order = np.lexsort((pair * _SCRAMBLE, -mean))
        rank = np.empty(len(pair), np.int64)
        rank[order] = np.arange(len(pair))
        best = np.full(number, len(pair))
        np.minimum.at(best, first, rank)
        np.minimum.at(best, second, rank)
        joined = (rank == best[first]) & (rank == best[second]) & (mean > -CREASE)
        if not joined.any():
            break
        becomes = np.arange(number)
        becomes[second[joined]] = first[joined]
        group = becomes[group]
        first, second = becomes[first], becomes[second]
        left = first != second
        first, second, turn, length = first[left], second[left], turn[left], length[left]
        pair, edge = np.unique(
            np.minimum(first, second) * number + np.maximum(first, second), return_inverse=True
        )
        first, second = pair // number, pair % number
        turn, length = _added(edge, turn), _added(edge, length)
    return group


def join_reference(number: int, first: IntArray, second: IntArray, turn: Array, length: IntArray) -> IntArray:
    """Joins patches that meet in no crease, the most convex first: the group of each [number]."""
    group = list(range(number))
    edges: list[dict[int, tuple[float, float]]] = [{} for _ in range(number)]
    heap = []
    for a, b, t, n in zip(first.tolist(), second.tolist(), turn.tolist(), length.tolist(), strict=True):
        edges[a][b] = edges[b][a] = (t, n)
        heap.append((-t / n, a, b, t, n))
    heapq.heapify(heap)
    while heap and -heap[0][0] > -CREASE:
        _, a, b, t, n = heapq.heappop(heap)
        if edges[a].get(b) != (t, n):
            continue  # one of the two has grown since
        if len(edges[a]) < len(edges[b]):
            a, b = b, a
        group[b] = a
        del edges[a][b], edges[b][a]
        for c, (t, n) in edges[b].items():
            more = edges[a].get(c, (0.0, 0.0))
            t, n = t + more[0], n + more[1]
            edges[a][c] = edges[c][a] = (t, n)
            del edges[c][b]
            heapq.heappush(heap, (-t / n, min(a, c), max(a, c), t, n))
        edges[b] = {}
    for k in range(number):
        root = k
        while group[root] != root:
            root = group[root]
        group[k] = root
    return np.array(group)
