"""What was seen, as the messages that Foxglove draws: clouds, boxes with names, depth maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from foxglove.messages import (
    Color,
    CubePrimitive,
    KeyValuePair,
    PackedElementField,
    PackedElementFieldNumericType,
    PointCloud,
    Pose,
    Quaternion,
    RawImage,
    SceneEntity,
    SceneEntityDeletion,
    SceneEntityDeletionType,
    SceneUpdate,
    TextPrimitive,
    Timestamp,
    Vector3,
)

from c2p_deploy.projection.spec import FloatArray
from c2p_runtime.prediction import Prediction
from c2p_runtime.robot.detections import quaternion_of
from c2p_runtime.scene.classifier import SceneObject
from c2p_runtime.scene.colours import Colour, colour_of
from c2p_runtime.scene.console import answer_of
from c2p_runtime.scene.segmentation import Box

_LETTERS = 16.0  # pixels on the screen, however near the thing is
_LINE, _GREY = 2, 160  # pixels between two depth maps, and how bright they are
_LATEST = (2**32 - 1) * 10**9  # what fits into a Timestamp; broken clocks claim more

# Milliseconds that predictions and scenes tell of.
STAGES = ("prepare", "project", "encode", "score", "keep", "voxels", "supports", "parts", "boxes")
LATENCY = {
    "title": "c2p.Latency",
    "type": "object",
    "properties": {
        stage: {"type": "number", "description": "milliseconds"}
        for stage in (*STAGES, "cut", "classify", "total")
    },
    "required": ["total"],
}


def in_range(stamp: int) -> int:
    """Nanoseconds since 1970 that a message can tell."""
    return min(max(stamp, 0), _LATEST)


def cloud_message(
    points: npt.NDArray[Any], colours: npt.NDArray[np.uint8] | None, stamp: int, frame_id: str
) -> PointCloud:
    """Points [N, 3 or more] with colours uint8 [N, 3], if any. Holes are left out, doubles stay doubles."""
    places = points[:, :3]
    places = places if places.dtype == np.float64 else places.astype(np.float32)
    seen = np.isfinite(places).all(axis=1)
    kind, numeric = (
        ("<f8", PackedElementFieldNumericType.Float64)
        if places.dtype == np.float64
        else ("<f4", PackedElementFieldNumericType.Float32)
    )
    coloured = () if colours is None else ("red", "green", "blue", "alpha")
    row = np.dtype([(axis, kind) for axis in "xyz"] + [(name, "u1") for name in coloured])
    rows = np.empty(int(seen.sum()), row)
    for column, axis in enumerate("xyz"):
        rows[axis] = places[seen, column]
    if colours is not None:
        for column, name in enumerate(("red", "green", "blue")):
            rows[name] = colours[seen, column]
        rows["alpha"] = 255
    fields = [
        PackedElementField(
            name=name,
            offset=row.fields[name][1],  # type: ignore[index]
            type=numeric if name in ("x", "y", "z") else PackedElementFieldNumericType.Uint8,
        )
        for name in row.names or ()
    ]
    return PointCloud(
        timestamp=_timestamp(stamp),
        frame_id=frame_id,
        pose=Pose(position=Vector3(), orientation=Quaternion(w=1)),
        point_stride=row.itemsize,
        fields=fields,
        data=rows.tobytes(),
    )


def things_message(
    things: Sequence[tuple[Box, SceneObject | Prediction]], stamp: int, frame_id: str
) -> SceneUpdate:
    """For each thing its box, in its colour, with its number and its name above it.

    Those of the cloud before are taken away.
    """
    return SceneUpdate(
        deletions=[SceneEntityDeletion(timestamp=_timestamp(stamp), type=SceneEntityDeletionType.All)],
        entities=[
            _entity(number, box, answer, stamp, frame_id) for number, (box, answer) in enumerate(things, 1)
        ],
    )


def _entity(
    number: int, box: Box, answer: SceneObject | Prediction, stamp: int, frame_id: str
) -> SceneEntity:
    x, y, z, w = quaternion_of(box.axes.T).tolist()
    turn = Quaternion(x=x, y=y, z=z, w=w)
    colour = colour_of(number)
    told = {
        "label": answer.label or "",
        "guess": answer.guess or "",
        "confidence": f"{answer.confidence:.6f}",
        "reason": answer.reason or "",
    }
    return SceneEntity(
        timestamp=_timestamp(stamp),
        frame_id=frame_id,
        id=str(number),
        metadata=[KeyValuePair(key=key, value=value) for key, value in told.items()],
        cubes=[
            CubePrimitive(
                pose=Pose(position=_vector(box.center), orientation=turn),
                size=_vector(np.maximum(box.size, 1e-3)),  # of no extent at all nothing is drawn
                color=_colour(colour, 0.4),
            )
        ],
        texts=[
            TextPrimitive(
                pose=Pose(position=_vector(box.center + box.axes[2] * (box.size[2] * 0.6)), orientation=turn),
                billboard=True,
                scale_invariant=True,
                font_size=_LETTERS,
                color=_colour(colour, 1),
                text=f"{number} {answer_of(answer)}",
            )
        ],
    )


def depth_message(maps: FloatArray, stamp: int, frame_id: str) -> RawImage:
    """Depth maps float32 [rows, columns, S, S] side by side, near dark, as gray of 8 bits with lines between.

    A map that is not there is NaN, and drawn as background.
    """
    rows, columns, size, _ = maps.shape
    step = size + _LINE
    sheet = np.full((rows * step - _LINE, columns * step - _LINE), _GREY, np.uint8)
    grays = np.rint(np.clip(np.nan_to_num(maps, nan=1.0), 0, 1) * 255).astype(np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = row * step, column * step
            sheet[top : top + size, left : left + size] = grays[row, column]
    height, width = sheet.shape
    return RawImage(
        timestamp=_timestamp(stamp),
        frame_id=frame_id,
        width=width,
        height=height,
        encoding="mono8",
        step=width,
        data=sheet.tobytes(),
    )


def _timestamp(stamp: int) -> Timestamp:
    return Timestamp(*divmod(stamp, 10**9))


def _vector(vector: npt.NDArray[np.float64]) -> Vector3:
    x, y, z = map(float, vector)
    return Vector3(x=x, y=y, z=z)


def _colour(colour: Colour, opacity: float) -> Color:
    red, green, blue = (part / 255 for part in colour)
    return Color(r=red, g=green, b=blue, a=opacity)
