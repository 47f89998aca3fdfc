"""`DepthSpec`, how a model wants its clouds drawn, and which way is up in a cloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import OptionError
from c2p_deploy.json_file import is_number, is_whole, shown

FloatArray = npt.NDArray[np.float32]
UpAxis = Literal["z", "y"]
UP_AXES: tuple[str, ...] = get_args(UpAxis)
# "robust": stray points are removed first. "paper": every point counts, as in the paper.
Preparation = Literal["paper", "robust"]
PREPARATIONS: tuple[str, ...] = get_args(Preparation)


@dataclass(frozen=True)
class DepthSpec:
    """How a model wants its clouds drawn. It belongs to the model and travels in the manifest.

    The defaults are the paper's.
    """

    image_size: int = 224  # S: width and height of a depth map, pixels
    point_radius: float = 0.02  # radius of a point's disc; the frame is 2 wide
    num_points: int = 1024  # clouds with more points are sampled down to this many

    def __post_init__(self) -> None:
        if not is_whole(self.image_size) or not 8 <= self.image_size <= 4096:
            raise OptionError(
                f"image_size must be a whole number in 8 ... 4096, got {shown(self.image_size)}"
            )
        if not is_number(self.point_radius) or not 0.0 < self.point_radius <= 1.0:
            raise OptionError(f"point_radius must be a number in (0, 1], got {shown(self.point_radius)}")
        if not is_whole(self.num_points) or not 2 <= self.num_points <= 1_000_000:
            raise OptionError(
                f"num_points must be a whole number in 2 ... 1000000, got {shown(self.num_points)}"
            )


def check_up(up: str) -> None:
    """Raises OptionError unless `up` names an axis that the projection knows."""
    if up not in UP_AXES:
        raise OptionError(f"up must be {' or '.join(map(repr, UP_AXES))}, got {shown(up)}")


def turn_up(points: FloatArray, up: UpAxis) -> FloatArray:
    """Turns clouds whose up axis is z so that y is up: (x, y, z) -> (-y, z, -x).

    points: [N, 3]. With `up="y"` they are returned as they are.
    """
    check_up(up)
    if up == "y":
        return points
    x, y, z = points[:, 0], points[:, 1], points[:, 2]
    return np.stack([-y, z, -x], axis=1)
