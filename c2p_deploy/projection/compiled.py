"""`project_depth` for the CPU: the projection of `c2p_deploy.projection.reference` by a compiled kernel.

Same signature and results as `project_depth_reference`. One call of the kernel draws one view and
holds no lock of Python's, so views are spread over a small thread pool, which is safe to use from
many threads at once.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Lock

import numpy as np
import numpy.typing as npt

from c2p_deploy.cores import cores
from c2p_deploy.errors import OptionError
from c2p_deploy.projection.native import run
from c2p_deploy.projection.reference import pixel_centres
from c2p_deploy.projection.spec import DepthSpec, FloatArray, UpAxis, turn_up
from c2p_deploy.projection.views import ViewSet

_THREADS = min(8, cores())


def project_depth(
    points: npt.ArrayLike,
    views: ViewSet,
    spec: DepthSpec,
    up: UpAxis = "z",
    out: FloatArray | None = None,
) -> FloatArray:
    """Depth maps float32 [V, S, S] of prepared points [N, 3] (unit sphere, see `prepare_points`).

    Foreground lies in [0, 200/255], near is dark; background is 1.0. `up` names the axis of
    the cloud that points up. `out`, C-contiguous float32 [V, S, S], is filled and returned
    when given. Raises OptionError for a wrong shape, dtype or `up`.
    """
    cloud, out = checked(points, views, spec, out)
    cloud = np.ascontiguousarray(turn_up(cloud, up))
    centres = _centres(spec.image_size)
    radius = spec.point_radius

    def draw(first: int) -> None:
        for view in range(first, len(views), _THREADS):
            depth = out[view]
            rotation, distance = views.rotations[view], views.distances[view]
            run("draw_view", cloud, len(cloud), rotation, distance, centres, len(depth), radius, depth, depth)

    shares = range(1, min(_THREADS, len(views)))
    locks, drawn = {first: Lock() for first in shares}, set()

    def draw_once(first: int) -> None:
        with locks[first]:
            if first not in drawn:
                draw(first)
                drawn.add(first)

    others = []
    for first in shares:
        try:
            others.append(_pool(os.getpid()).submit(draw_once, first))
        except RuntimeError:  # the interpreter ends, or the system gives no more threads
            draw_once(first)  # once: the pool may have kept it even so, and come to it any time
    draw(0)  # this thread draws, too: waking another costs as much as drawing one small view
    for other in others:
        other.result()  # re-raises whatever the thread raised
    return out


def checked(
    points: npt.ArrayLike, views: ViewSet, spec: DepthSpec, out: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """The points as float32 [N, 3], and where the depth maps go. Raises OptionError (see `project_depth`)."""
    cloud = np.asarray(points, dtype=np.float32)
    if cloud.ndim != 2 or cloud.shape[1] != 3:
        raise OptionError(f"points must be [N, 3], got {cloud.shape}")
    shape = (len(views), spec.image_size, spec.image_size)
    if out is None:
        out = np.empty(shape, dtype=np.float32)
    elif out.shape != shape or out.dtype != np.float32 or not out.flags.c_contiguous:
        raise OptionError(f"out must be C-contiguous float32 {shape}, got {out.dtype} {out.shape}")
    return cloud, out


@lru_cache(maxsize=8)
def _centres(image_size: int) -> FloatArray:
    return pixel_centres(image_size)


@lru_cache(maxsize=1)
def _pool(pid: int) -> ThreadPoolExecutor:
    """The threads of this process: a forked child (another pid) has none and gets its own."""
    return ThreadPoolExecutor(max_workers=max(1, _THREADS - 1), thread_name_prefix="c2p-project")
