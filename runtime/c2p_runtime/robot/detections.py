"""What was found in a cloud, as messages: detections for programs, markers to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_runtime.robot.messages import DETECTIONS, MARKERS, Messages
from c2p_runtime.scene.colours import OTHER, colour_of
from c2p_runtime.scene.segmentation import Box

UNKNOWN = "unknown"  # the class of a thing without a label
_TEXT_HEIGHT = 0.05  # metres, at least


@dataclass(frozen=True)
class Found:
    """A thing, as it is told. track: its number from frame to frame, from 1; None where there are none."""

    box: Box
    label: str | None
    guess: str | None
    confidence: float
    track: int | None


def detection_array(msgs: Messages, header: Any, found: Sequence[Found], names: Sequence[str]) -> Any:
    """A vision_msgs/Detection3DArray with one detection, and in it one hypothesis, for each thing.

    The class is the label, or "unknown"; in ROS 1, which has numbers, its place among `names`, or -1. The
    score is the confidence in it, and 0 for what is unknown. The id is the track.
    """
    detections = []
    for thing in found:
        pose = pose_of(msgs, thing.box)
        score = thing.confidence if thing.label is not None else 0.0
        with_covariance = msgs.make("geometry_msgs/msg/PoseWithCovariance", pose=pose)
        box = msgs.make("vision_msgs/msg/BoundingBox3D", center=pose, size=_vector(msgs, thing.box.size))
        kind = "vision_msgs/msg/ObjectHypothesisWithPose"
        if msgs.version == 1:
            number = -1 if thing.label is None else list(names).index(thing.label)
            result = msgs.make(kind, id=number, score=score, pose=with_covariance)
            identity = {}
        else:
            hypothesis = msgs.make(
                "vision_msgs/msg/ObjectHypothesis", class_id=thing.label or UNKNOWN, score=score
            )
            result = msgs.make(kind, hypothesis=hypothesis, pose=with_covariance)
            identity = {"id": "" if thing.track is None else str(thing.track)}
        detections.append(
            msgs.make("vision_msgs/msg/Detection3D", header=header, results=[result], bbox=box, **identity)
        )
    return msgs.make(DETECTIONS, header=header, detections=detections)


def marker_array(msgs: Messages, header: Any, found: Sequence[Found]) -> Any:
    """A visualization_msgs/MarkerArray: for each thing a box in its track's colour, and its name above it.

    It begins by taking away those of the frame before.
    """
    kind = "visualization_msgs/msg/Marker"
    marker = msgs.types[kind]
    markers = [msgs.make(kind, header=header, action=marker.DELETEALL)]
    for number, thing in enumerate(found, 1):
        identity = thing.track or number
        colour = OTHER if thing.label is None else colour_of(identity)
        box = thing.box
        pose = pose_of(msgs, box)
        markers.append(
            msgs.make(
                kind,
                header=header,
                ns="things",
                id=identity,
                type=marker.CUBE,
                action=marker.ADD,
                pose=pose,
                scale=_vector(msgs, np.maximum(box.size, 1e-3)),  # of no extent at all nothing is drawn
                color=_colour(msgs, colour, 0.5),
            )
        )
        top = box.center + box.axes[2] * (box.size[2] / 2 + _TEXT_HEIGHT)
        place = msgs.make("geometry_msgs/msg/Point", **_xyz(top))
        markers.append(
            msgs.make(
                kind,
                header=header,
                ns="names",
                id=identity,
                type=marker.TEXT_VIEW_FACING,
                action=marker.ADD,
                pose=msgs.make("geometry_msgs/msg/Pose", position=place, orientation=pose.orientation),
                scale=msgs.make("geometry_msgs/msg/Vector3", z=max(_TEXT_HEIGHT, float(box.size.max()) / 10)),
                color=_colour(msgs, (255, 255, 255), 1.0),
                text=text_of(thing),
            )
        )
    return msgs.make(MARKERS, markers=markers)


def text_of(thing: Found) -> str:
    """ "mug 87 %", or "unknown (mug?)"."""
    if thing.label is not None:
        return f"{thing.label} {100 * thing.confidence:.0f} %"
    return UNKNOWN if thing.guess is None else f"{UNKNOWN} ({thing.guess}?)"


def pose_of(msgs: Messages, box: Box) -> Any:
    """The geometry_msgs/Pose of a box's middle, turned so that x, y, z are its length, width and height."""
    x, y, z, w = quaternion_of(box.axes.T).tolist()
    return msgs.make(
        "geometry_msgs/msg/Pose",
        position=msgs.make("geometry_msgs/msg/Point", **_xyz(box.center)),
        orientation=msgs.make("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w),
    )


def quaternion_of(turn: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """float64 [4], x y z w with w >= 0, of a rotation [3, 3] whose columns are the turned axes.

    From the largest of the four, which alone loses no digits (Shepperd 1978).
    """
    m = turn
    squares = np.array(  # four times each part's square
        [
            1 + m[0, 0] - m[1, 1] - m[2, 2],
            1 - m[0, 0] + m[1, 1] - m[2, 2],
            1 - m[0, 0] - m[1, 1] + m[2, 2],
            1 + m[0, 0] + m[1, 1] + m[2, 2],
        ]
    )
    products = np.array(  # four times each product of two parts
        [
            [squares[0], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]],
            [m[0, 1] + m[1, 0], squares[1], m[1, 2] + m[2, 1], m[0, 2] - m[2, 0]],
            [m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], squares[2], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], squares[3]],
        ]
    )
    row = products[int(np.argmax(squares))]
    row = row / np.linalg.norm(row)
    return np.asarray(-row if row[3] < 0 else row)


def _xyz(vector: npt.NDArray[np.float64]) -> dict[str, float]:
    return dict(zip("xyz", map(float, vector), strict=True))


def _vector(msgs: Messages, vector: npt.NDArray[np.float64]) -> Any:
    return msgs.make("geometry_msgs/msg/Vector3", **_xyz(vector))


def _colour(msgs: Messages, colour: tuple[int, int, int], opacity: float) -> Any:
    red, green, blue = (part / 255 for part in colour)
    return msgs.make("std_msgs/msg/ColorRGBA", r=red, g=green, b=blue, a=opacity)
