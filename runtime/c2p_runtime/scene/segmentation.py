"""What a scene is cut into: the words of this room, and the options of the cutting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import OptionError
from c2p_deploy.json_file import is_number, is_whole, shown

IntArray = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

Support = Literal["auto", "plane", "ground", "none"]
SUPPORTS: tuple[str, ...] = get_args(Support)


@dataclass(frozen=True)
class SceneOptions:
    """How a scene is cut into things; lengths in metres.

    support: what the things stand on: planes (table, floor), ground that is not flat (LiDAR outdoors),
    nothing that has to be removed, or whichever the points look like. min_size, max_size: of the longest
    side of a thing's box. min_points: of a thing, below which it is no answer. max_objects: of a scene; the
    nearest to the sensor are kept, and the rest is counted. crop: lowest and highest x, y, z of what is
    looked at; infinite where there is no limit. Raises OptionError, which names the option, for what is none.
    """

    support: Support = "auto"
    min_size: float = 0.03
    max_size: float = 2.5
    min_points: int = 30
    max_objects: int = 64
    crop: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.support, str) or self.support not in SUPPORTS:
            raise OptionError(
                f"support must be one of {', '.join(map(repr, SUPPORTS))}, got {shown(self.support)}"
            )
        # Written so that NaN, which is neither more nor less than anything, does not pass.
        if not is_number(self.min_size) or not 0 < self.min_size < math.inf:
            raise OptionError(
                f"min_size must be a finite number of metres above 0, got {shown(self.min_size)}"
            )
        if not is_number(self.max_size) or not self.max_size > 0:
            raise OptionError(f"max_size must be a number of metres above 0, got {shown(self.max_size)}")
        if self.min_size > self.max_size:
            raise OptionError(
                f"min_size ({shown(self.min_size)}) is more than max_size ({shown(self.max_size)})"
            )
        for name in ("min_points", "max_objects"):
            count = getattr(self, name)
            if not is_whole(count) or count < 1:
                raise OptionError(f"{name} must be a whole number, 1 or more, got {shown(count)}")
        if self.crop is not None:
            _check_crop(self.crop)


def _check_crop(crop: object) -> None:
    """Raises OptionError unless it is two corners [2, 3], the lowest and the highest x, y, z."""
    try:
        corners = np.asarray(crop)
    except ValueError:  # rows of different lengths
        corners = np.zeros(0)
    if corners.shape != (2, 3) or corners.dtype.kind not in "iuf":
        raise OptionError(
            f"crop must be the lowest and the highest x, y, z, two of three numbers, got {shown(crop)}"
        )
    if not (corners[0] < corners[1]).all():
        raise OptionError(
            f"crop must go from lower to higher along x, y and z, got {shown(crop)}",
            "write ((lowest x, y, z), (highest x, y, z))",
        )


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
