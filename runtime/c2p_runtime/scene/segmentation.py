"""What a scene is cut into: the words of this room, and the options of the cutting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

Support = Literal["auto", "plane", "ground", "none"]


@dataclass(frozen=True)
class SceneOptions:
    """How a scene is cut into things; lengths in metres.

    support: what the things stand on: planes (table, floor), ground that is not flat (LiDAR outdoors),
    nothing that has to be removed, or whichever the points look like. min_size, max_size: of the longest
    side of a thing's box. min_points: of a thing, below which it is no answer. max_objects: of a scene; the
    nearest to the sensor are kept, and the rest is counted. crop: lowest and highest x, y, z of what is
    looked at.
    """

    support: Support = "auto"
    min_size: float = 0.03
    max_size: float = 2.5
    min_points: int = 30
    max_objects: int = 64
    crop: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None


@dataclass(frozen=True)
class Box:
    """A box that stands upright, in the frame of the cloud, in its unit.

    center: float64 [3]; size: float64 [3], length >= width, and height; axes: float64 [3, 3], the rows are
    the unit vectors of length, width and up, right-handed.
    """

    center: Array
    size: Array
    axes: Array

    def corners(self) -> Array:
        """float64 [8, 3]: the four below, counter-clockwise seen from above, then the four above."""
        signs = np.array(
            [
                (-1, -1, -1),
                (1, -1, -1),
                (1, 1, -1),
                (-1, 1, -1),
                (-1, -1, 1),
                (1, -1, 1),
                (1, 1, 1),
                (-1, 1, 1),
            ]
        )
        return np.asarray(self.center + (signs * self.size / 2) @ self.axes)


@dataclass(frozen=True)
class Plane:
    """A support plane: points p with normal · p = offset; normal points up.

    indices: of its points in the cloud.
    """

    normal: Array
    offset: float
    indices: IntArray


@dataclass(frozen=True)
class Segment:
    """The points of one thing. indices: ascending, into the cloud as it was given."""

    indices: IntArray
    box: Box


@dataclass(frozen=True)
class Segmentation:
    """A scene in parts.

    objects: the nearest first; planes: supports, that with the most points first; up: unit vector [3];
    dropped: things over max_objects; too_small, too_large: clusters outside the limits of size and points;
    timing_ms: of each stage, in order.
    """

    objects: tuple[Segment, ...]
    planes: tuple[Plane, ...]
    up: Array
    dropped: int
    too_small: int
    too_large: int
    timing_ms: dict[str, float]
