"""The GPU's sampling in plain NumPy: what `c2p_runtime.cuda.kernels_sampling` must give, bit for bit.

Written to be read. It differs from `c2p_deploy.projection.prepare.sample_points`, the CPU's, in how large
clouds are thinned: one point from each of as many equal strata, which needs no table of random
numbers and no list of what is left, so that every thread of a GPU decides for itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from c2p_deploy.projection.sampling import farthest_points_reference
from c2p_deploy.projection.spec import FloatArray

# Farthest-point sampling looks at this many candidates per point it keeps, half of what the CPU does: on a
# GPU its time grows with them, and the answers hardly change (benchmarks/results/sampling.json).
CANDIDATES_PER_POINT = 4


def hash32(seed: int, i: Any) -> Any:
    """32 bits that look random, of two integers, 0 <= seed < 2**32 and 0 <= i < 2**30; i may be int64 [N].

    Multiplication and exclusive or of the high half, twice. The factor is below 2**31, so that products
    stay below 2**63. `kernels_sampling` compiles this function for the GPU.
    """
    x = (seed + i * 0x9E3779B9) & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return x ^ (x >> 16)


def thin(points: FloatArray, candidates: int, seed: int) -> FloatArray:
    """One of the points [N, 3] from each of so many equal strata; all of them when there are no more."""
    if len(points) <= candidates:
        return points
    i = np.arange(candidates, dtype=np.int64)
    within = (i << 16) + (hash32(seed, i) & 0xFFFF)
    return np.asarray(points[within * len(points) // (candidates << 16)])


def farthest(points: FloatArray, count: int, seed: int) -> FloatArray:
    """`count` of the points [N, 3], each the farthest from those before it, the first of equals."""
    if len(points) <= count:
        return points
    return points[farthest_points_reference(points, count, hash32(seed, 0) % len(points))]


def sample(
    points: FloatArray, count: int, seed: int, candidates_per_point: int = CANDIDATES_PER_POINT
) -> FloatArray:
    """At most `count` of the finite rows of points [N, 3], as the GPU samples them."""
    finite = points[np.isfinite(points).all(axis=1)]
    return farthest(thin(finite, candidates_per_point * count, seed), count, seed)
