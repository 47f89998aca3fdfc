"""`DepthSpec`, how a model wants its clouds drawn, and which way is up in a cloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import OptionError
from c2p_deploy.json_file import is_number, is_whole, shown

FloatArray = npt.NDArray[np.float32]
UpAxis = Literal["z", "y", "x", "-z", "-y", "-x"]
UP_AXES: tuple[str, ...] = get_args(UpAxis)
# How clouds are turned so that y is up: which axis x, y and z come from, and whether it changes sign.
# Robots have x ahead, y to the left, z up: what is ahead goes to -z, what is left to -x. A camera's optical
# frame has z ahead, x to the right, y down, and goes to the same; NED has x ahead, y to the right, z down.
_TURNS: dict[str, tuple[tuple[int, bool], tuple[int, bool], tuple[int, bool]]] = {
    "z": ((1, True), (2, False), (0, True)),
    "y": ((0, False), (1, False), (2, False)),
    "x": ((2, True), (0, False), (1, True)),
    "-z": ((1, False), (2, True), (0, True)),
    "-y": ((0, False), (1, True), (2, True)),
    "-x": ((2, False), (0, True), (1, True)),
}
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
        raise OptionError(f"up must be one of {', '.join(map(repr, UP_AXES))}, got {shown(up)}")


def turn_up(points: FloatArray, up: UpAxis) -> FloatArray:
    """Turns clouds so that y is up: with `up="z"`, (x, y, z) -> (-y, z, -x).

    points: [N, 3]. With `up="y"` they are returned as they are. Nothing is mirrored: all six are rotations.
    """
    check_up(up)
    if up == "y":
        return points
    return np.stack([-points[:, axis] if minus else points[:, axis] for axis, minus in _TURNS[up]], axis=1)


def up_vector(up: UpAxis) -> npt.NDArray[np.float64]:
    """The unit vector [3] of an up axis."""
    check_up(up)
    axis, minus = _TURNS[up][1]
    vector = np.zeros(3)
    vector[axis] = -1 if minus else 1
    return vector
