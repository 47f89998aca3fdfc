"""What is in a message of a recording: by rosbags, with the definitions that it brings.

The definitions in a recording are not used: rosbags would make Python of them, and a PointCloud2 is the same
in all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from c2p_deploy.errors import C2PError
from c2p_deploy.io.common import damaged, quoted
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
    try:
        return _decoder(encoding)(memoryview(data), "sensor_msgs/msg/PointCloud2")
    except C2PError:
        raise
    except Exception as error:  # rosbags has several, of which not all are its own
        raise damaged(f"holds a message that is no PointCloud2 ({quoted(error)})") from error
