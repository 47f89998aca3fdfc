"""Points as a person sees them: splatted into an image from one side, shaded where depth jumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]
Image = npt.NDArray[np.uint8]

_LARGEST_DOT = 4  # pixels, half its width
_SHADE = 0.55  # how dark a pixel gets that lies far behind its neighbours
_SHADE_REACH = 3  # pixels


@dataclass(frozen=True)
class Side:
    """An orthographic view of a region into an image.

    axes: float64 [3, 3], rows: to the right, up the image, and towards the viewer. low, high: [2] of the
    region along the first two; scale: pixels per metre; size: (width, height), pixels.
    """

    axes: Array
    low: Array
    high: Array
    scale: float
    size: tuple[int, int]

    @staticmethod
    def of(corners: Array, axes: Array, size: tuple[int, int], margin: float = 0.08) -> Side:
        """That in which points [M, 3] fill the image but for a margin, a share of it."""
        flat = corners @ axes[:2].T
        low, high = flat.min(axis=0), flat.max(axis=0)
        extent = np.maximum(high - low, 1e-3)
        scale = float(((1 - 2 * margin) * np.array(size) / extent).min())
        middle, half = (low + high) / 2, np.array(size) / scale / 2
        return Side(axes, middle - half, middle + half, scale, size)

    def places(self, points: Floats) -> Array:
        """Pixel coordinates float64 [M, 2] of points [M, 3], x to the right and y down."""
        flat = points @ self.axes[:2].T
        return np.stack(
            [(flat[:, 0] - self.low[0]) * self.scale, (self.high[1] - flat[:, 1]) * self.scale], axis=1
        )


def drawn(points: Array, colours: Image, side: Side) -> Image:
    """An image uint8 [height, width, 3] of points [N, 3] with colours uint8 [N, 3], on white."""
    width, height = side.size
    places = np.floor(side.places(points)).astype(np.int64)
    inside = ((places >= 0) & (places < side.size)).all(axis=1)
    near = points[inside] @ side.axes[2]
    order = np.argsort(near, kind="stable")  # the nearest last: it is what stays in a pixel
    x, y = places[inside][order].T
    near, colours = near[order], colours[inside][order]
    depth = np.full((height, width), -np.inf)
    picture = np.full((height, width, 3), 255, np.uint8)
    reach = _dot(len(x), width * height)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            if down * down + right * right > reach * reach + 1:
                continue
            rows, columns = np.clip(y + down, 0, height - 1), np.clip(x + right, 0, width - 1)
            nearer = near > depth[rows, columns]
            rows, columns = rows[nearer], columns[nearer]
            depth[rows, columns], picture[rows, columns] = near[nearer], colours[nearer]
    return _shaded(picture, depth, 4 / side.scale)


def _dot(count: int, pixels: int) -> int:
    """Half the width of a dot, for which surfaces look closed: about a third of the image is covered."""
    return int(np.clip(np.sqrt(0.35 * pixels / max(count, 1)) * 0.75, 1, _LARGEST_DOT))


def _shaded(picture: Image, depth: Array, step: float) -> Image:
    """Darker where a pixel lies behind its neighbours (eye-dome lighting, Boucheny 2009). step: metres."""
    filled = np.isfinite(depth)
    if not filled.any():
        return picture
    level = np.where(filled, depth, depth[filled].min())
    behind = np.zeros_like(level)
    for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        moved = np.roll(level, (down * _SHADE_REACH, right * _SHADE_REACH), axis=(0, 1))
        behind += np.clip((moved - level) / step / 4, 0, 1)
    light = np.where(filled, 1 - _SHADE * np.clip(behind / 2, 0, 1), 1.0)
    return np.asarray(picture * light[..., None], np.uint8)
