"""Messages of ROS, without ROS: as objects of rosbags, and as the bytes that go over the bus.

rosbags has the standard definitions; those of vision_msgs are here. A message that is made here has zeros,
empty texts and empty lists wherever nothing was given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal

import numpy as np

from c2p_deploy.errors import CloudError, MissingDependencyError, reason_of
from c2p_deploy.extras import install
from c2p_deploy.io.common import quoted

Version = Literal[1, 2]

CLOUD = "sensor_msgs/msg/PointCloud2"
DETECTIONS = "vision_msgs/msg/Detection3DArray"
MARKERS = "visualization_msgs/msg/MarkerArray"
DIAGNOSTICS = "diagnostic_msgs/msg/DiagnosticArray"
TEXT = "std_msgs/msg/String"

# vision_msgs 4, which all living distributions of ROS 2 have: a class is a name.
_ROS2 = {
    "ObjectHypothesis": "string class_id\nfloat64 score",
    "ObjectHypothesisWithPose": "ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose",
    "BoundingBox3D": "geometry_msgs/Pose center\ngeometry_msgs/Vector3 size",
    "Detection3D": "std_msgs/Header header\nObjectHypothesisWithPose[] results\nBoundingBox3D bbox\n"
    "string id",
    "Detection3DArray": "std_msgs/Header header\nDetection3D[] detections",
}
# vision_msgs 0.0 of ROS 1: a class is a number, and there is no place for that of a track.
_ROS1 = {
    "ObjectHypothesisWithPose": "int64 id\nfloat64 score\ngeometry_msgs/PoseWithCovariance pose",
    "BoundingBox3D": "geometry_msgs/Pose center\ngeometry_msgs/Vector3 size",
    "Detection3D": "Header header\nObjectHypothesisWithPose[] results\nBoundingBox3D bbox\n"
    "sensor_msgs/PointCloud2 source_cloud",
    "Detection3DArray": "Header header\nDetection3D[] detections",
}


class Messages:
    """The messages of ROS 1 or ROS 2: `make`, `encode`, `decode`. Raises MissingDependencyError.

    version: 1 or 2. types: the classes by their names, as "std_msgs/msg/String".
    """

    def __init__(self, version: Version) -> None:
        try:
            from rosbags.typesys import Stores, get_types_from_msg, get_typestore
        except ImportError as error:
            raise MissingDependencyError("messages of ROS need rosbags", install("ros")) from error
        self.version = version
        self.store = get_typestore(Stores.ROS1_NOETIC if version == 1 else Stores.ROS2_HUMBLE)
        found: dict[str, Any] = {}
        for name, text in (_ROS1 if version == 1 else _ROS2).items():
            found.update(get_types_from_msg(text, f"vision_msgs/msg/{name}"))
        self.store.register(found)
        self.types: Mapping[str, Any] = self.store.types
        self._encode: Callable[[Any, str], memoryview] = (
            self.store.serialize_ros1 if version == 1 else self.store.serialize_cdr
        )
        self._decode: Callable[[memoryview, str], Any] = (
            self.store.deserialize_ros1 if version == 1 else self.store.deserialize_cdr
        )

    def make(self, kind: str, **given: Any) -> Any:
        """A message; what is not given is zero or empty."""
        _, fields = self.store.fielddefs[kind]
        return self.types[kind](
            **{
                name: given.pop(name) if name in given else self._empty(description)
                for name, description in fields
            },
            **given,  # names that it has not, so that Python says so
        )

    def encode(self, message: Any) -> bytes:
        """As it goes over the bus: CDR, little endian, with its header; or what ROS 1 has instead."""
        return bytes(self._encode(message, message.__msgtype__))

    def decode(self, data: bytes, kind: str) -> Any:
        """The message in there, whose own arrays may be views into it. Raises CloudError where it is none."""
        try:
            return self._decode(memoryview(data), kind)
        except Exception as error:  # rosbags has several, of which not all are its own
            raise CloudError(
                f"is no {kind.replace('/msg/', '/')} ({quoted(reason_of(error))})",
                "check that the topic's type is the same everywhere",
            ) from error

    def _empty(self, description: Any) -> Any:
        """What a field without a value holds. description: as rosbags has it."""
        node, about = description
        if node.name == "NAME":
            return self.make(about)
        if node.name == "BASE":
            return _EMPTY.get(about[0], 0.0 if about[0].startswith("float") else 0)
        (element, what), length = about
        if element.name != "BASE" or what[0] == "string":
            return [self._empty((element, what)) for _ in range(length if node.name == "ARRAY" else 0)]
        dtype = _DTYPES.get(what[0], what[0])
        return np.zeros(length if node.name == "ARRAY" else 0, dtype)


_EMPTY: dict[str, Any] = {"string": "", "wstring": "", "bool": False}
_DTYPES = {"byte": "uint8", "char": "uint8", "octet": "uint8"}


@cache
def messages(version: Version) -> Messages:
    """Those of a version, of which one is enough."""
    return Messages(version)
