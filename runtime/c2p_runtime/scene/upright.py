"""Turning the points of a thing so that the scene's up is the axis that a classifier takes for up."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.spec import UpAxis, turn_up, up_vector

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]


def up_axis_of(up: Array, said: UpAxis | Literal["auto"]) -> UpAxis:
    """The axis that points up in the frame of a cloud whose up was found to be `up` [3].

    What was said; of "auto" one of the two that `segment` then expects: a robot's z, or, if up is nearer to
    that, the -y of a camera, which may look straight down.
    """
    if said != "auto":
        return said
    return "-y" if up @ up_vector("-y") > up @ up_vector("z") else "z"


def turn_between(up: Array, axis: UpAxis, to: UpAxis) -> Array:
    """The rotation float64 [3, 3], for row vectors, that makes the unit vector `up` [3] the axis `to`.

    axis: what `up` is in an upright frame of that kind; there it is turned first, by the shortest way. From
    axis to axis it goes on as `turn_up` has it, so that what is ahead stays on the side where a classifier
    sees it. So a camera shows things from the same side however it is inclined.
    """
    from_axis = turn_up(np.eye(3, dtype=np.float32), axis).astype(np.float64)
    to_axis = turn_up(np.eye(3, dtype=np.float32), to).astype(np.float64)
    return from_axis @ _shortest_turn(up @ from_axis) @ to_axis.T


def turned(points: Floats, turn: Array) -> Floats:
    """Points [N, 3] turned by [3, 3], in their own precision; the same points where there is nothing to turn.

    Each point by itself, so that a point gets the same bits whichever others are with it, which products of
    matrices do not promise.
    """
    if np.array_equal(turn, np.eye(3)):
        return points
    x, y, z = (points[:, axis, None] * turn[axis].astype(points.dtype) for axis in range(3))
    return np.asarray(x + y + z)


def _shortest_turn(up: Array) -> Array:
    """The rotation, for row vectors, of a unit vector [3] onto y; near -y by way of half a turn about x."""
    x, y, z = up
    if y < -0.9:  # where the shortest way is any
        half = np.diag([1.0, -1.0, -1.0])
        return np.asarray(half @ _shortest_turn(up @ half))
    sine = np.array([[0.0, x, 0.0], [-x, 0.0, -z], [0.0, z, 0.0]])  # row @ sine = (up × y) × row
    return np.asarray(np.eye(3) + sine + sine @ sine / (1 + y))
