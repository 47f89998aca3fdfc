"""`project_depth` for the CPU: the projection of `c2p_deploy.projection.reference`, compiled by Numba.

Same signature and results as `project_depth_reference`. One kernel draws one view and
holds no lock of Python's, so views are spread over a small thread pool: unlike Numba's own
parallel loops this needs no OpenMP library on the machine and is safe to call from many
threads at once. Compiled code is cached on disk, so only the first run ever compiles.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from c2p_deploy.cores import cores
from c2p_deploy.errors import OptionError
from c2p_deploy.projection.jit import jit
from c2p_deploy.projection.reference import pixel_centres
from c2p_deploy.projection.spec import DepthSpec, FloatArray, UpAxis, turn_up
from c2p_deploy.projection.views import ViewSet

_THREADS = min(8, cores())
_FAR = np.float32(3.4e38)  # what the z-buffer holds where nothing was drawn
_FAR_BITS = _FAR.view(np.uint32)


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
    radius = np.float32(spec.point_radius)

    def draw(first: int) -> None:
        for view in range(first, len(views), _THREADS):
            _draw_view(cloud, views.rotations[view], views.distances[view], centres, radius, out[view])

    # This thread draws its share, too: waking another costs as much as drawing one small view.
    others = [_pool(os.getpid()).submit(draw, first) for first in range(1, min(_THREADS, len(views)))]
    draw(0)
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


@jit
def _draw_view(points, rotation, distance, centres, radius, depth):  # type: ignore[no-untyped-def]
    """One depth map: float32 points [N, 3], rotation [3, 3], pixel centres [S] -> depth [S, S].

    The arithmetic that decides coverage and depth is the reference's, operation by
    operation, in float32; only the search for the pixels of a disc is different.
    """
    size = depth.shape[0]
    one, half_pixel = np.float32(1), np.float32(0.5)
    scale = one / distance
    squared = radius * radius
    limit = one + radius
    half = np.float32(0.5 * size)
    reach = radius * half + np.float32(0.01)  # of a pixel to spare: rounding here must never lose a hit
    depth[:, :] = _FAR
    for n in range(points.shape[0]):
        px, py, pz = points[n, 0] * scale, points[n, 1] * scale, points[n, 2] * scale
        x = (px * rotation[0, 0] + py * rotation[1, 0]) + pz * rotation[2, 0]
        y = (px * rotation[0, 1] + py * rotation[1, 1]) + pz * rotation[2, 1]
        z = ((px * rotation[0, 2] + py * rotation[1, 2]) + pz * rotation[2, 2]) + distance
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
                if dx * dx + dy2 < squared and z < depth[i, j]:
                    depth[i, j] = z
    _shade(depth.reshape(-1))


@jit
def _shade(depth):  # type: ignore[no-untyped-def]
    """A z-buffer float32 [P] -> shades, in place, as `c2p_deploy.projection.reference` defines them.

    Depths that are not negative are ordered as their bits are. As integers they are compared sixteen at
    once, which the compiler may not do with floats, because of what is not a number.
    """
    one = np.float32(1)
    bits = depth.view(np.uint32)
    zero, unit = np.uint32(0), np.uint32(1)
    nearest_less_one = np.uint32(0xFFFFFFFF)  # so that 0, which counts as background, is the largest
    limits = np.zeros(2, dtype=np.uint32)
    farthest, background = zero, zero
    for k in range(bits.size):
        z = bits[k]
        empty = z == _FAR_BITS
        nearest_less_one = min(nearest_less_one, np.uint32(z - unit))
        farthest = max(farthest, zero if empty else z)
        background += unit if empty or z == zero else zero
    limits[0], limits[1] = nearest_less_one + unit, farthest
    nearest_z, farthest_z = limits.view(np.float32)
    if background:
        nearest_z = min(nearest_z, one)
    for k in range(depth.size):
        z = depth[k]
        shade = (z - nearest_z) / farthest_z * np.float32(200) / np.float32(255)
        depth[k] = one if z == _FAR or z == 0 else shade
