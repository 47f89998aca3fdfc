"""Farthest-point sampling: of many points a few that cover them evenly.

Each point chosen is the one farthest from all that were chosen before it. `farthest_points_reference` is that
sentence in NumPy. `farthest_points` gives the same indices quickly, because most points lie nearer to an
earlier choice than a new one can come (the bounding boxes of Han et al. 2023, "QuickFPS").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.kernels import BLOCK, CELLS
from c2p_deploy.projection.native import run
from c2p_deploy.projection.spec import FloatArray

Indices = npt.NDArray[np.int64]


def farthest_points_reference(points: FloatArray, count: int, first: int) -> Indices:
    """Indices [count] of finite points [N, 3] in the order of their choice, beginning with `first`.

    Distances are squared and in float32, (dx² + dy²) + dz²; of equally far points the one with the smallest
    index is taken. count: 1 ... N.
    """
    chosen = np.empty(count, np.int64)
    nearest = np.full(len(points), np.inf, np.float32)  # squared distance to the points chosen so far
    index = first
    for n in range(count):
        chosen[n] = index
        d = points - points[index]
        nearest = np.minimum(nearest, (d[:, 0] * d[:, 0] + d[:, 1] * d[:, 1]) + d[:, 2] * d[:, 2])
        index = int(nearest.argmax())
    return chosen


def farthest_points(points: FloatArray, count: int, first: int) -> Indices:
    """What `farthest_points_reference` gives, by a compiled kernel."""
    points = np.ascontiguousarray(points, np.float32)
    n, blocks = len(points), -(-len(points) // BLOCK)
    order, cell, starts = np.empty(n, np.int64), np.empty(n, np.int64), np.zeros(CELLS**3 + 1, np.int64)
    run("by_cell", points, n, np.empty(3, np.float32), cell, starts, order)
    chosen, nearest = np.empty(count, np.int64), np.empty(n, np.float32)
    boxes, largest = np.empty((blocks, 6), np.float32), np.empty(blocks, np.uint32)
    run(
        "farthest", points, n, count, first, chosen, order, nearest, nearest,
        np.empty((3, n), np.float32), boxes, largest,
    )  # fmt: skip
    return chosen
