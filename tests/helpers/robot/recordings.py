"""Recordings of every kind, written by rosbags and mcap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io.recording import open_recording
from cloud2 import OUSTER, VELODYNE, random_points, ros_message

pytest.importorskip("rosbags")
pytest.importorskip("mcap")

import mcap.writer
from rosbags import rosbag1, rosbag2
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.typesys import Stores, get_typestore

ROS1, ROS2 = get_typestore(Stores.ROS1_NOETIC), get_typestore(Stores.ROS2_HUMBLE)
CLOUD, TEXT = "sensor_msgs/msg/PointCloud2", "std_msgs/msg/String"
START = 1_700_000_000_000_000_000


class Sent(NamedTuple):
    """One message to record: a cloud (structured points), or a text."""

    topic: str
    content: np.ndarray | str
    received: int  # ns
    stamp: int = 0


def drive(frames: int = 5, points: int = 40, topics: Sequence[str] = ("/lidar",)) -> list[Sent]:
    """A recording of clouds, with texts between them."""
    sent = []
    for i in range(frames):
        for j, topic in enumerate(topics):
            cloud = random_points((OUSTER, VELODYNE)[j % 2], (2, points), seed=10 * i + j)
            time = START + i * 100_000_000 + j
            sent.append(Sent(topic, cloud, time, time - 30_000_000))
        sent.append(Sent("/chatter", f"tick {i}", START + i * 100_000_000 + 50))
    return sent


def _message(store: Any, sent: Sent) -> tuple[Any, str]:
    if isinstance(sent.content, str):
        return store.types[TEXT](sent.content), TEXT
    return ros_message(store, sent.content, sent.stamp, "/os1_lidar"), CLOUD


def write_bag(path: Path, sent: Sequence[Sent], packing: str | None = None, chunk: int = 1 << 12) -> Path:
    writer = rosbag1.Writer(path)
    if packing:
        writer.set_compression(getattr(rosbag1.Writer.CompressionFormat, packing))
    writer.chunk_threshold = chunk
    with writer:
        connections: dict[str, Any] = {}
        for each in sent:
            msg, kind = _message(ROS1, each)
            if each.topic not in connections:
                connections[each.topic] = writer.add_connection(each.topic, kind, typestore=ROS1)
            writer.write(connections[each.topic], each.received, ROS1.serialize_ros1(msg, kind))
    return path


def write_rosbag2(
    path: Path,
    sent: Sequence[Sent],
    storage: str = "SQLITE3",
    packing: str | None = None,
) -> Path:
    writer = rosbag2.Writer(path, version=9, storage_plugin=StoragePlugin[storage])
    if packing:
        writer.set_compression(CompressionMode[packing], CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, Any] = {}
        for each in sent:
            msg, kind = _message(ROS2, each)
            if each.topic not in connections:
                connections[each.topic] = writer.add_connection(each.topic, kind, typestore=ROS2)
            writer.write(connections[each.topic], each.received, ROS2.serialize_cdr(msg, kind))
    return path


def write_mcap(
    path: Path, sent: Sequence[Sent], profile: str = "ros1", packing: str = "ZSTD", **options: Any
) -> Path:
    store = ROS1 if profile == "ros1" else ROS2
    with path.open("wb") as file:
        options = {"chunk_size": 1 << 12} | options
        writer = mcap.writer.Writer(file, compression=mcap.writer.CompressionType[packing], **options)
        writer.start(profile)
        channels: dict[str, int] = {}
        for each in sent:
            msg, kind = _message(store, each)
            if each.topic not in channels:
                name = kind.replace("/msg/", "/") if profile == "ros1" else kind
                definition, _ = store.generate_msgdef(kind, ros_version=int(profile[-1]))
                schema = writer.register_schema(name, f"{profile}msg", definition.encode())
                encoding = "ros1" if profile == "ros1" else "cdr"
                channels[each.topic] = writer.register_channel(each.topic, encoding, schema)
            raw = store.serialize_ros1(msg, kind) if profile == "ros1" else store.serialize_cdr(msg, kind)
            writer.add_message(channels[each.topic], each.received, bytes(raw), each.stamp)
        writer.finish()
    return path


def bare(folder: Path) -> Path:
    """The one file with messages of a rosbag2 folder."""
    (file,) = (path for path in folder.iterdir() if path.name != "metadata.yaml")
    return file


# Kinds of recordings: each is written at or below a folder.
KINDS: dict[str, Callable[[Path, Sequence[Sent]], Path]] = {
    "none.bag": lambda folder, sent: write_bag(folder / "a.bag", sent),
    "bz2.bag": lambda folder, sent: write_bag(folder / "a.bag", sent, "BZ2"),
    "lz4.bag": lambda folder, sent: write_bag(folder / "a.bag", sent, "LZ4"),
    "sqlite folder": lambda folder, sent: write_rosbag2(folder / "a", sent),
    "mcap folder": lambda folder, sent: write_rosbag2(folder / "a", sent, "MCAP"),
    "packed messages": lambda folder, sent: write_rosbag2(folder / "a", sent, packing="MESSAGE"),
    "packed sqlite": lambda folder, sent: write_rosbag2(folder / "a", sent, packing="FILE"),
    "packed mcap": lambda folder, sent: write_rosbag2(folder / "a", sent, "MCAP", "FILE"),
    "packed chunks": lambda folder, sent: write_rosbag2(folder / "a", sent, "MCAP", "STORAGE"),
    "bare.db3": lambda folder, sent: bare(write_rosbag2(folder / "a", sent)),
    "bare.mcap": lambda folder, sent: bare(write_rosbag2(folder / "a", sent, "MCAP")),
    "ros1.mcap": lambda folder, sent: write_mcap(folder / "a.mcap", sent),
    "ros1 none.mcap": lambda folder, sent: write_mcap(folder / "a.mcap", sent, packing="NONE"),
    "ros1 lz4.mcap": lambda folder, sent: write_mcap(folder / "a.mcap", sent, packing="LZ4"),
    "ros2 zstd.mcap": lambda folder, sent: write_mcap(folder / "a.mcap", sent, "ros2"),
    "ros2 plain.mcap": lambda folder, sent: write_mcap(folder / "a.mcap", sent, "ros2", use_chunking=False),
    "ros2 no index.mcap": lambda folder, sent: write_mcap(
        folder / "a.mcap", sent, "ros2", use_statistics=False, index_types=mcap.writer.IndexType.NONE
    ),
    "ros2 no summary.mcap": lambda folder, sent: write_mcap(
        folder / "a.mcap",
        sent,
        "ros2",
        use_statistics=False,
        repeat_channels=False,
        repeat_schemas=False,
        index_types=mcap.writer.IndexType.NONE,
    ),
}


def seeds(folder: Path) -> dict[str, bytes]:
    """Small recordings of every kind that is one file, to be damaged: names and contents."""
    found = {}
    for kind, write in KINDS.items():
        if "folder" in kind or kind.startswith("packed"):
            continue
        (folder / kind).mkdir()
        found[kind] = write(folder / kind, drive(3, points=6)).read_bytes()
    return found


def assert_frames_or_refusal(path: Path) -> None:
    try:
        frames = list(open_recording(path))
    except CloudFileError as error:
        message = str(error)
        assert message.isprintable() and message.startswith(f"{path}: ") and "; " in message
        assert len(message) < len(str(path)) + 1200  # topics have long names
        assert "cannot be read (" not in message, message  # the last resort is for what nobody foresaw
    else:
        for frame in frames:
            assert frame.points.dtype == np.float32 and frame.points.shape[1:] == (3,)
            assert isinstance(frame.stamp, int) and isinstance(frame.frame_id, str)
