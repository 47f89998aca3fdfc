"""Turning the points of a thing so that the scene's up is the axis that a classifier takes for up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from c2p_deploy.projection.spec import UP_AXES, UpAxis, turn_up, up_vector

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]


def nearest_axis(up: Array) -> UpAxis:
    """The axis that is nearest to a direction [3]."""
    axes: list[UpAxis] = list(UP_AXES)  # type: ignore[arg-type]
    return max(axes, key=lambda axis: float(up_vector(axis) @ up))


def turn_between(up: Array, to: UpAxis) -> Array:
    """The rotation float64 [3, 3], for row vectors, that makes the unit vector `up` [3] the axis `to`.

    From axis to axis it is as `turn_up` has it, so that what is ahead stays on the side where a classifier
    sees it; what is left beside the nearest axis is turned by the shortest way.
    """
    from_axis = turn_up(np.eye(3, dtype=np.float32), nearest_axis(up)).astype(np.float64)
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
    """The rotation, for row vectors, of a unit vector [3] onto y, to which it is nearer than to -y."""
    x, y, z = up
    sine = np.array([[0.0, x, 0.0], [-x, 0.0, -z], [0.0, z, 0.0]])  # row @ sine = (up × y) × row
    return np.asarray(np.eye(3) + sine + sine @ sine / (1 + y))
