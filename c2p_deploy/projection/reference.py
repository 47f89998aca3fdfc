"""The reference projection: a point cloud becomes one depth map per view.

This file is the definition of the projection for the whole toolkit. It is written to be
read, not to be fast; `c2p_deploy.project_depth` is the fast version with the same
signature and is tested against this one. Both reproduce the renderer that the authors of
CLIP2Point trained with (paper section 3.2 and their released code, measured; see
`tests/deploy/projection/test_reference.py`), including what one would not guess:

- the camera is orthographic, the frame is [-1, 1]², +x is LEFT and +y is UP;
- a point is a flat disc: it covers a pixel when the squared distance to the pixel centre
  is strictly below the squared radius, and the nearest point wins;
- depth is divided by the farthest depth, not by the range (it is *not* min–max).

Everything is computed in float32, in this order of operations, so that the result is
reproducible bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.spec import DepthSpec, FloatArray, UpAxis, turn_up
from c2p_deploy.projection.views import ViewSet

_FOREGROUND_RANGE = np.float32(200.0)  # depth01 is (z - near) / far * 200 / 255 ...
_FULL_RANGE = np.float32(255.0)  # ... in two steps, as the authors' code rounds it


def pixel_centres(image_size: int) -> FloatArray:
    """Frame coordinates of the pixel centres [S], falling from left (top) to right (bottom).

    Serves columns (x, +x is left) and rows (y, +y is up) alike.
    """
    backwards = np.arange(image_size - 1, -1, -1, dtype=np.float32)
    one = np.float32(1)
    return (backwards * np.float32(2) + one) / np.float32(image_size) - one


def to_view(points: FloatArray, rotation: FloatArray, distance: np.float32) -> FloatArray:
    """Camera coordinates [N, 3] of points [N, 3]: frame x, frame y and depth z.

    The cloud is scaled by 1/distance, then seen from that distance (`p @ R + (0, 0, d)`;
    row vectors). The sums are spelled out because a BLAS would be free to reorder them.
    """
    p = points * (np.float32(1) / distance)
    columns = [
        (p[:, 0] * rotation[0, k] + p[:, 1] * rotation[1, k]) + p[:, 2] * rotation[2, k] for k in range(3)
    ]
    columns[2] = columns[2] + distance
    return np.stack(columns, axis=1)


def z_buffer(view_points: FloatArray, spec: DepthSpec) -> FloatArray:
    """Depth of the nearest disc in every pixel [S, S], and -1 where there is none.

    view_points: [N, 3] from `to_view`. Points behind the camera plane (z < 0) and points
    that are not numbers never hit.
    """
    size, radius = spec.image_size, np.float32(spec.point_radius)
    centres = pixel_centres(size)
    x, y, z = view_points[:, 0], view_points[:, 1], view_points[:, 2]
    limit = np.float32(1) + radius
    seen = (z >= 0) & (np.abs(x) < limit) & (np.abs(y) < limit)  # False for NaN
    x, y, z = x[seen], y[seen], z[seen]

    # The pixel under each point, and the square window around it that can hold its disc.
    column = np.floor((1 - x.astype(np.float64)) * size / 2).astype(np.int64)
    row = np.floor((1 - y.astype(np.float64)) * size / 2).astype(np.int64)
    reach = int(np.ceil(spec.point_radius * size / 2)) + 1
    nearest = np.full((size, size), np.inf, dtype=np.float32)
    for di in range(-reach, reach + 1):
        for dj in range(-reach, reach + 1):
            i, j = row + di, column + dj
            inside = (i >= 0) & (i < size) & (j >= 0) & (j < size)
            i, j = i[inside], j[inside]
            dx, dy = x[inside] - centres[j], y[inside] - centres[i]
            hit = dx * dx + dy * dy < radius * radius
            np.minimum.at(nearest, (i[hit], j[hit]), z[inside][hit])
    nearest[np.isinf(nearest)] = -1
    return nearest


def normalise_depth(zbuf: FloatArray) -> FloatArray:
    """Depth map in [0, 200/255] with a background of 1.0, from one z-buffer [S, S].

    `(z - near) / far * 200 / 255`, where far is the largest depth and near the smallest
    value of the map *after* the background has been painted 1.0: hence min(nearest, 1)
    whenever any background is left. A depth of exactly 0 counts as background.
    """
    foreground = zbuf > 0
    if not foreground.any():
        return np.ones_like(zbuf)
    painted = np.where(foreground, zbuf, np.float32(1))
    depth = (painted - painted.min()) / zbuf.max() * _FOREGROUND_RANGE / _FULL_RANGE
    return np.where(foreground, depth, np.float32(1))


def project_depth_reference(
    points: npt.ArrayLike, views: ViewSet, spec: DepthSpec, up: UpAxis = "z"
) -> FloatArray:
    """Depth maps float32 [V, S, S] of prepared points [N, 3] (unit sphere, see `prepare_points`).

    Foreground lies in [0, 200/255], near is dark; background is 1.0. The plain NumPy
    definition of what `c2p_deploy.project_depth` computes quickly.
    """
    cloud = turn_up(np.asarray(points, dtype=np.float32).reshape(-1, 3), up)
    return np.stack([normalise_depth(zbuf) for zbuf in z_buffers(cloud, views, spec)])


def z_buffers(points: FloatArray, views: ViewSet, spec: DepthSpec) -> Iterator[FloatArray]:
    """One z-buffer [S, S] per view, of points [N, 3] whose up axis is y."""
    for rotation, distance in zip(views.rotations, views.distances, strict=True):
        yield z_buffer(to_view(points, rotation, distance), spec)
