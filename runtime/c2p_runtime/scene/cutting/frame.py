"""What is up, where the sensor is, and how large a voxel should be: what the points themselves tell of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from c2p_deploy.errors import OptionError
from c2p_deploy.json_file import shown
from c2p_deploy.projection.spec import UpAxis, up_vector
from c2p_runtime.scene.cutting.voxels import SMALLEST, Voxels, number_voxels, voxels_numbered
from c2p_runtime.scene.segmentation import Array, Support

AXES: tuple[UpAxis, ...] = get_args(UpAxis)
CONE = 1.5  # tangent of 56 degrees: half of the widest angle that depth cameras see
IN_CONE = 0.99  # of the points: what is mixed up in a recording is not seen by the camera
FARTHEST = 15.0  # metres; what a depth camera sees is nearer
PITCH = 75.0  # degrees that a camera may look down, or up
TILT = 25.0  # degrees that the ground, or a frame that is said to stand upright, may be off
OUTDOORS = 10.0  # metres from the sensor; a room ends before
MANY = 0.2  # of the points that are so far away: outdoors
VOXELS_OF_SMALLEST = 5  # along the longest side of the smallest thing; 4 … 6 cut the same things
NEAR = 1.0  # metres to which a depth camera is precise enough for the smallest thing
MOST_VOXELS = 50_000  # about what a table or a room has; more take longer than a frame may
POINTS_OF_VOXEL = 1.5  # on average; with fewer, voxels of one surface are not next to each other
ALONE = 1.2  # points of a voxel, where most are alone in theirs, which does not tell how much is lacking


@dataclass(frozen=True)
class Frame:
    """up: expected, a unit vector; cosine: of how far it may be off; sensor: whether one is at the origin."""

    up: Array
    cosine: float
    sensor: bool


def frame_of_points(points: npt.NDArray[np.float32], up: UpAxis | Literal["auto"]) -> Frame:
    """What is expected of a frame by the points [M, 3] in it and what a user says. Raises OptionError.

    A depth camera at the origin sees a cone, so all points lie around one axis. With "auto" and a cone
    about +z it is a camera's optical frame, whose y points down; everything else is taken to stand upright as
    the frames of robots do (REP 103): z is up. In a cone the camera may look down steeply, and its supports
    are those planes that it sees from above.
    """
    if up != "auto" and up not in AXES:
        raise OptionError(f"up is {shown(up)}", f"use auto, {', '.join(AXES)}")
    ahead = next((name for name in AXES if _in_cone(points, up_vector(name))), None)
    axis: UpAxis = ("-y" if ahead == "z" else "z") if up == "auto" else up
    camera = ahead is not None and ahead[-1] != axis[-1]
    return Frame(up_vector(axis), float(np.cos(np.radians(PITCH if camera else TILT))), camera)


def _in_cone(points: npt.NDArray[np.float32], axis: Array) -> bool:
    if len(points) == 0:
        return False
    along = int(np.argmax(np.abs(axis)))
    depth = points[:, along] * np.float32(axis[along])
    if np.count_nonzero(depth > 0) < IN_CONE * len(points):
        return False
    aside = np.hypot(points[:, along - 1], points[:, along - 2])
    return bool(np.count_nonzero((aside < CONE * depth) & (depth < FARTHEST)) >= IN_CONE * len(points))


def looks_like(points: npt.NDArray[np.float32], up: Array) -> Support:
    """Whether things stand on planes or, outdoors around a lidar, on ground that is none. up: an axis."""
    along = int(np.argmax(np.abs(up)))
    far = np.count_nonzero(points[:, along - 1] ** 2 + points[:, along - 2] ** 2 > OUTDOORS**2)
    return "ground" if far > MANY * len(points) else "plane"


def fitting_voxels(points: npt.NDArray[np.float32], smallest: float, sensor: bool) -> Voxels:
    """Voxels fine enough for the smallest thing, but no finer than points [M, 3] and the time allow.

    sensor: whether they are seen from the origin.
    """
    size, near = max(smallest / VOXELS_OF_SMALLEST, SMALLEST), NEAR if sensor else math.inf
    keys, voxel_of = number_voxels(points, size, near)
    for _ in range(12):
        excess = len(keys) / min(len(points) / POINTS_OF_VOXEL, MOST_VOXELS)
        if excess <= 1.05:
            break
        # The points of a surface in a voxel increase with the square of its size.
        size *= 2.0 if len(points) < ALONE * len(keys) else float(np.sqrt(excess))
        keys, voxel_of = number_voxels(points, size, near)
    return voxels_numbered(points, size, near, keys, voxel_of)
