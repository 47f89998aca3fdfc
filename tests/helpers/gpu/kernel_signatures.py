"""Every kernel with the types it is launched with, and what it may cost."""

from __future__ import annotations

from typing import Any

# Registers a thread may use (test_cubins.py): what is needed, rounded up, so that a change that costs more is
# seen. A block of 1,024 threads has no more than 64 each.
BUDGET = {
    "clear": 32,
    "splat": 56,
    "depth_range": 40,
    "shade float32": 40,
    "shade float16": 40,
    "count_finite": 24,
    "pick_candidates": 48,
    "find_voxels": 64,
    "keep_parts": 64,
    "farthest 4096": 128,  # in blocks of 256 threads
    "farthest 8192": 64,
    "unit_sphere": 64,
    "score": 64,
}


def kernels_and_signatures() -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """Every kernel with the types it is launched with."""
    from numba.cuda import types

    from c2p_runtime.cuda import kernels_outliers, kernels_sampling, kernels_score
    from c2p_runtime.cuda import kernels_projection as kernels

    def array(kind: Any, dimensions: int) -> Any:
        return types.Array(kind, dimensions, "C")

    real, whole, bits, seed = types.float32, types.int32, types.uint32, types.int64
    clouds, per_cloud, zbuffers = array(real, 3), array(whole, 1), array(bits, 1)
    rows, spans, drawn = array(real, 2), array(whole, 2), (zbuffers, whole, array(whole, 4))
    per_view = array(real, 1)
    splat = (
        clouds,
        per_cloud,
        whole,
        clouds,
        per_view,
        per_view,
        array(real, 1),
        real,
        zbuffers,
    )
    sampling = (clouds, per_cloud, seed, clouds, per_cloud)
    return {
        "clear": (kernels.clear, (zbuffers,)),
        "splat": (kernels.splat, splat),
        "depth_range": (kernels.depth_range, drawn),
        "shade float32": (kernels.shade, (*drawn, array(real, 1))),
        "shade float16": (kernels.shade, (*drawn, array(types.float16, 1))),
        "count_finite": (kernels_sampling.count_finite, (rows, spans, array(whole, 2))),
        "pick_candidates": (
            kernels_sampling.pick_candidates,
            (rows, spans, array(whole, 2), seed, clouds, per_cloud),
        ),
        "find_voxels": (kernels_outliers.find_voxels, (clouds, per_cloud, array(whole, 2))),
        "keep_parts": (
            kernels_outliers.keep_parts,
            (clouds, per_cloud, *[array(whole, 2)] * 7, clouds, per_cloud, per_cloud),
        ),
        "farthest 4096": (kernels_sampling.farthest_for(4096)[0], sampling),
        "farthest 8192": (kernels_sampling.farthest_for(8192)[0], sampling),
        "unit_sphere": (kernels_sampling.unit_sphere, (clouds, per_cloud, per_cloud, per_cloud)),
        "score": (kernels_score.score, (array(real, 2), array(real, 2), real, array(real, 2))),
    }
