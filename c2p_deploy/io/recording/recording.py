"""`open_recording`: which topic of which file, and its messages one after the other as frames."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from c2p_deploy.errors import C2PError, CloudError, CloudFileError, OptionError, one_line, reason_of
from c2p_deploy.io.common import quoted
from c2p_deploy.io.pointcloud2 import read_cloud2
from c2p_deploy.io.recording import mcap_file, ros1_bag, sqlite_file
from c2p_deploy.io.recording.folder import files_of
from c2p_deploy.io.recording.messages import CLOUD, ENCODINGS, decode, prepare
from c2p_deploy.io.recording.source import (
    ZSTD,
    Channel,
    Message,
    Source,
    joined,
    removed_with,
    unpacked_file,
)

_log = logging.getLogger("c2p_deploy")
_SHOWN = 12  # topics in a message


@dataclass(frozen=True)
class Frame:
    """One cloud of a sensor.

    points: float32 [N, 3], as `read_cloud2` gives them: holes are NaN; may be a read-only view. stamp: when
    it was measured, in nanoseconds since 1970, by the header of the message; where that says nothing, as
    `received`. frame_id: the coordinate frame, without a slash before it. received: when it was recorded, in
    nanoseconds. number: of the clouds of its topic, from 0.
    """

    points: NDArray[np.float32]
    stamp: int
    frame_id: str
    received: int = 0
    number: int = 0


class Recording:
    """One cloud topic of a recording, by `open_recording`; iterating gives its frames, again and again.

    topic: the one that is read. topics: all that carry clouds, with the number of their messages. length: how
    many frames there are, as far as is known before they are read. skipped: how many were left out, by all
    loops so far, because what is in them is no cloud.
    """

    def __init__(self, path: Path, source: Source, topic: str) -> None:
        self.path, self.topic, self.skipped = path, topic, 0
        self._source = source
        self._channels = {
            number: channel
            for number, channel in source.channels.items()
            if _is_cloud(channel) and channel.topic == topic
        }
        self.topics: Mapping[str, int] = _cloud_topics(source)
        self.length = self.topics[topic]
        for channel in self._channels.values():
            prepare(channel.encoding)
        self._told = source.damage is not None
        if source.damage is not None:
            self._tell(source.damage, self.length)

    def __repr__(self) -> str:
        return f"Recording({str(self.path)!r}, {self.topic!r}, {self.length} frames)"

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def frames(self, every: int = 1) -> Iterator[Frame]:
        """The frames in the order in which they were recorded: the first, and every so many after it.

        A recording that is damaged or cut off gives what is whole before that, and one line in the log; so do
        messages that hold no cloud, which are left out. Raises CloudFileError where that leaves nothing.
        """
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise OptionError(f"every must be a whole number, at least 1, not {quoted(repr(every))}")
        return self._frames(every)

    def _frames(self, every: int) -> Iterator[Frame]:
        given, wrong = 0, 0
        first: C2PError | None = None
        messages = self._source.messages(self._channels.keys())
        number = -1
        while True:
            try:
                with _refusals(self.path):
                    if (message := next(messages, None)) is None:
                        break
            except CloudFileError as damage:
                if not given and first is None:
                    raise
                if not self._told:
                    self._told = True
                    self._tell(damage, number + 1)
                break
            number += 1
            if number % every:
                continue
            try:
                with _refusals(self.path):
                    frame = self._frame(message, number)
            except (CloudError, CloudFileError) as error:
                self.skipped, wrong, first = self.skipped + 1, wrong + 1, first or error
                if wrong == 1:
                    _log.warning("%s: cloud %d is left out: %s", self.path, number, one_line(error.problem))
                continue
            given += 1
            yield frame
            del frame, message  # or two would be kept while the next one is read
        if first is not None and not given:
            raise CloudFileError(first.problem, first.remedy, self.path)
        if wrong > 1:
            _log.warning("%s: %d clouds were left out", self.path, wrong)

    def _frame(self, message: Message, number: int) -> Frame:
        msg = decode(message.data, self._channels[message.channel].encoding)
        time = msg.header.stamp
        stamp = time.sec * 10**9 + time.nanosec
        frame_id = msg.header.frame_id.lstrip("/")  # as tf2 would have it
        return Frame(read_cloud2(msg), stamp or message.time, frame_id, message.time, number)

    def _tell(self, damage: C2PError, frames: int) -> None:
        _log.warning("%s: %s; %d clouds of it are whole", self.path, one_line(damage.problem), frames)


def open_recording(path: str | os.PathLike[str], topic: str | None = None) -> Recording:
    """Opens a recording to read the clouds (sensor_msgs/PointCloud2) of one topic.

        for frame in open_recording("drive.bag"):
            frame.points, frame.stamp, frame.frame_id

    path: a ROS 1 bag (format 2.0; packed by bz2, lz4 or not), an MCAP file of ROS 2 or ROS 1, an SQLite file
    of rosbag2, or a rosbag2 folder; its first bytes tell, not its suffix. What zstd has packed, files,
    messages or chunks, is unpacked, files into a temporary folder. topic: needed if several topics carry
    clouds.

    A recording that was cut off gives what it holds, and one line in the log. No file but those of the
    recording is opened, and nothing that it says is executed.

    Raises CloudFileError where it cannot be read, carries no clouds or has several topics of them and none is
    chosen, and MissingDependencyError without the extra `ros`.
    """
    where = Path(path)
    with _refusals(where):
        source = _source_of(where)
        return Recording(where, source, _chosen(source, topic))


def _source_of(path: Path) -> Source:
    if not path.exists():
        raise CloudFileError("no such file", "check the path")
    if not path.is_dir():
        return _file_source(path)
    sources, damage = [], None
    for file in files_of(path):
        try:
            sources.append(_file_source(file))
        except CloudFileError as error:
            damage = damage or CloudFileError(f"{file.name} {error.problem}", error.remedy)
    if damage is not None and not sources:
        raise damage
    return joined(sources, damage)


def _file_source(path: Path) -> Source:
    if not path.is_file():  # reading a pipe or device may never end
        raise CloudFileError("is not a regular file", "save the recording to a file first")
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise CloudFileError("is empty (0 bytes)", "record or copy it again")
    if head.startswith(ZSTD):
        plain = unpacked_file(path)
        try:
            return removed_with(_file_source(plain), plain.parent)
        except BaseException:
            plain.unlink()
            plain.parent.rmdir()
            raise
    if head.startswith(b"#ROSBAG"):
        return ros1_bag.open_bag(path)
    if head.startswith(mcap_file.MAGIC):
        return mcap_file.open_mcap(path)
    if head.startswith(sqlite_file.MAGIC):
        return sqlite_file.open_sqlite(path)
    raise CloudFileError("is no recording", "give a ROS 1 .bag, an .mcap, a .db3 or a rosbag2 folder")


def _is_cloud(channel: Channel) -> bool:
    return channel.type == CLOUD and channel.encoding in ENCODINGS


def _cloud_topics(source: Source) -> dict[str, int]:
    topics: dict[str, int] = {}
    for channel in source.channels.values():
        if _is_cloud(channel):
            topics[channel.topic] = topics.get(channel.topic, 0) + channel.messages
    return dict(sorted(topics.items()))


def _chosen(source: Source, topic: str | None) -> str:
    """The topic to read. Raises CloudFileError where that is not clear."""
    clouds = _cloud_topics(source)
    if topic is not None:
        for name in (topic, f"/{topic}", topic.lstrip("/")):
            if name in clouds:
                return name
    elif len(clouds) == 1:
        return next(iter(clouds))
    with_counts = _listing(f"{name} ({count})" for name, count in clouds.items())
    kinds = {channel.topic: channel.type or channel.encoding for channel in source.channels.values()}
    if topic is not None and topic in kinds:
        remedy = f"choose one of {with_counts}" if clouds else "no topic of it carries clouds"
        raise CloudFileError(f"topic {quoted(topic)} carries {quoted(kinds[topic])}, no PointCloud2", remedy)
    if clouds:
        problem = "several topics carry clouds" if topic is None else f"has no topic {quoted(topic)}"
        raise CloudFileError(problem, f"choose one of {with_counts}")
    if not kinds:
        raise CloudFileError("holds no topic at all", "record it again")
    there = _listing(f"{name} ({kind})" for name, kind in sorted(kinds.items()))
    remedy = "record a topic of sensor_msgs/PointCloud2"
    if any(kind.endswith("CustomMsg") for kind in kinds.values()):
        remedy += "; Livox's driver publishes one with xfer_format: 0"
    raise CloudFileError(f"carries no PointCloud2, but {there}", remedy)


def _listing(names: Iterator[str]) -> str:
    """Names, as many as a message can bear."""
    shown = [quoted(name) for name in names]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Inside, whatever goes wrong with a file becomes a C2PError of that path."""
    try:
        with np.errstate(all="ignore"):
            yield
    except C2PError as error:
        raise error.at(path) from error
    except OSError as error:
        opened = f"cannot be read ({reason_of(error)})"
        raise CloudFileError(opened, "check the path and its permissions", path) from error
    except MemoryError as error:
        raise CloudFileError("needs more memory than there is", "record fewer points", path) from error
    except Exception as error:  # whatever a decoder did not foresee is a fault of the file to the user
        found = f"cannot be read ({type(error).__name__}: {quoted(reason_of(error), 200)})"
        raise CloudFileError(found, "check that it is a recording", path) from error
