"""What is in a message of a recording: by rosbags, with the definitions that it brings.

The definitions in a recording are not used: rosbags would make Python of them, and a PointCloud2 is the same
in all.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from typing import Any

from c2p_deploy.errors import C2PError, reason_of
from c2p_deploy.io.common import damaged, quoted
from c2p_deploy.io.pointcloud2 import MOST_FIELDS
from c2p_deploy.io.recording.source import ZSTD, needed, unpack_message

CLOUD = "sensor_msgs/PointCloud2"
ENCODINGS = {"ros1": "ROS1_NOETIC", "cdr": "ROS2_HUMBLE"}  # and where rosbags has its definitions


@cache
def _decoder(encoding: str) -> Callable[[memoryview, str], Any]:
    typesys = needed("rosbags.typesys")
    store = typesys.get_typestore(getattr(typesys.Stores, ENCODINGS[encoding]))
    decoder: Callable[[memoryview, str], Any] = (
        store.deserialize_ros1 if encoding == "ros1" else store.deserialize_cdr
    )
    return decoder


def prepare(encoding: str) -> None:
    """Raises MissingDependencyError where messages could not be read."""
    _decoder(encoding)


def decode(data: bytes | memoryview, encoding: str) -> Any:
    """The PointCloud2 that `data` holds; its own `data` is a view into them."""
    if encoding == "cdr" and data[:4] == ZSTD:  # CDR begins with a zero
        data = unpack_message(data)
    if _count_of_fields(data, encoding) > MOST_FIELDS:
        raise damaged("holds a message of more fields than any cloud has")
    try:
        return _decoder(encoding)(memoryview(data), "sensor_msgs/msg/PointCloud2")
    except C2PError:
        raise
    except Exception as error:  # rosbags has several, of which not all are its own
        raise damaged(f"holds a message that is no PointCloud2 ({quoted(reason_of(error))})") from error


def _count_of_fields(data: bytes | memoryview, encoding: str) -> int:
    """How many fields a message says it has: rosbags makes objects of them all. 0 where it ends before."""
    order = "<" if encoding == "ros1" or data[1:2] == b"\1" else ">"
    try:
        # Before it: a count (ROS 1) or the kind of CDR, and the stamp, 12 bytes; a text; height and width.
        (text,) = struct.unpack_from(f"{order}I", data, 12)
        after = 16 + text if encoding == "ros1" else 16 + -(-text // 4) * 4
        count: int = struct.unpack_from(f"{order}I", data, after + 8)[0]
        return count
    except struct.error:
        return 0
