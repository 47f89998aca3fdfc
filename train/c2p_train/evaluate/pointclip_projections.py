"""Other ways to draw a point cloud for CLIP, to compare ours with: as picture and in accuracy.

Written from the descriptions of PointCLIP (Zhang et al., CVPR 2022, arXiv 2112.02413, section
3.1) and PointCLIP V2 (Zhu et al., ICCV 2023, arXiv 2211.11682, section 3.1), with the cameras
of this project. PointCLIP's perspective is left out, so that the ways differ in how points
become pixels and in nothing else; the numbers are not those of these papers. In both a nearer
point is brighter and the background is black, the opposite of ours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_deploy import DepthSpec, ViewSet
from c2p_deploy.projection.reference import to_view
from c2p_deploy.projection.spec import FloatArray, UpAxis, turn_up

_FARTHEST = np.float32(1 / 255)  # one step of grey above the background
# PointCLIP V2's grid: planes of depth, and cells across and down per pixel of the depth map.
_PLANES = 8
_CELLS_PER_PIXEL = 0.5
_POOL = 5  # cells: width of the densifying window
_BLUR = np.exp(-0.5 * np.array([-1 / 3, 0, 1 / 3]) ** 2)  # Gaussian of sigma 3, cut to 3 cells


def project_sparse(points: npt.ArrayLike, views: ViewSet, spec: DepthSpec, up: UpAxis = "z") -> FloatArray:
    """PointCLIP: every point lights the one pixel under it. Maps float32 [V, S, S] in [0, 1].

    points: prepared, [N, 3]. Where several points fall on a pixel the nearest stays.
    Brightness falls from 1 at the nearest point of the view to 1/255 at the farthest.
    """
    size = spec.image_size
    maps = np.zeros((len(views), size, size), dtype=np.float32)
    for depth_map, seen in zip(maps, _seen(points, views, up), strict=True):
        row, column, inside = _cells(seen, size)
        np.maximum.at(depth_map, (row[inside], column[inside]), _brightness(seen)[inside])
    return maps


def project_dense(points: npt.ArrayLike, views: ViewSet, spec: DepthSpec, up: UpAxis = "z") -> FloatArray:
    """PointCLIP V2: quantise, densify, smooth, squeeze. Maps float32 [V, S, S] in [0, 1].

    points: prepared, [N, 3]. Each view's points go into a grid of 8 planes of depth at half the
    map's resolution; every cell takes the nearest depth of the 5 x 5 cells around it in its
    plane; a Gaussian smooths the planes; the nearest value along the line of sight remains and
    is magnified to S.
    """
    size = spec.image_size
    cells = int(np.ceil(size * _CELLS_PER_PIXEL))
    maps = np.empty((len(views), size, size), dtype=np.float32)
    for depth_map, seen in zip(maps, _seen(points, views, up), strict=True):
        brightness = _brightness(seen)
        row, column, inside = _cells(seen, cells)
        plane = np.minimum((brightness * _PLANES).astype(np.int64), _PLANES - 1)
        grid = np.zeros((_PLANES, cells, cells), dtype=np.float32)
        np.maximum.at(grid, (plane[inside], row[inside], column[inside]), brightness[inside])
        for axis in (1, 2):  # the window's maximum and the Gaussian are both separable
            grid = _shifted(grid, axis, _POOL // 2).max(axis=0)
        for axis in (1, 2):
            grid = np.tensordot(_BLUR / _BLUR.sum(), _shifted(grid, axis, 1), axes=1).astype(np.float32)
        depth_map[:] = _magnified(grid.max(axis=0), size)
    return maps


def _seen(points: npt.ArrayLike, views: ViewSet, up: UpAxis) -> list[FloatArray]:
    """Per view: frame x, frame y and depth of all points, [N, 3]."""
    cloud = turn_up(np.asarray(points, dtype=np.float32), up)
    return [to_view(cloud, r, d) for r, d in zip(views.rotations, views.distances, strict=True)]


def _brightness(seen: FloatArray) -> FloatArray:
    """[N]: 1 for the nearest point of the view, 1/255 for the farthest, in proportion between."""
    z = seen[:, 2]
    extent = np.ptp(z)
    share = (z.max() - z) / extent if extent > 0 else np.ones_like(z)
    return np.asarray(_FARTHEST + (1 - _FARTHEST) * share, dtype=np.float32)


def _cells(
    seen: FloatArray, size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Row and column [N] in a raster [size, size] over the frame, and which lie in it: +x left, +y up."""
    column = np.floor((1 - seen[:, 0]) * size / 2).astype(np.int64)
    row = np.floor((1 - seen[:, 1]) * size / 2).astype(np.int64)
    return row, column, (row >= 0) & (row < size) & (column >= 0) & (column < size)


def _shifted(grid: FloatArray, axis: int, reach: int) -> FloatArray:
    """[2 reach + 1, ...]: the grid moved by -reach ... reach along an axis, zeros coming in."""
    padding = [(reach, reach) if i == axis else (0, 0) for i in range(grid.ndim)]
    padded = np.pad(grid, padding)
    length = grid.shape[axis]
    return np.stack([padded.take(range(s, s + length), axis=axis) for s in range(2 * reach + 1)])


def _magnified(image: FloatArray, size: int) -> FloatArray:
    """[c, c] -> [size, size], bilinear between the centres of the cells."""
    at = np.clip((np.arange(size) + 0.5) * len(image) / size - 0.5, 0, len(image) - 1)
    low = np.minimum(at.astype(np.int64), max(len(image) - 2, 0))
    share = (at - low).astype(np.float32)
    high = np.minimum(low + 1, len(image) - 1)
    rows = image[low] * (1 - share)[:, None] + image[high] * share[:, None]
    return np.asarray(rows[:, low] * (1 - share) + rows[:, high] * share)
