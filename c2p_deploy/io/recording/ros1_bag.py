"""ROS 1 bags, format 2.0: records in chunks, then an index. http://wiki.ros.org/Bags/Format/2.0

A bag whose recorder was killed has no index, and one that was cut off has lost it; then its records are
walked through, and what is whole is given.
"""

from __future__ import annotations

import io
import struct
from collections import Counter
from collections.abc import Iterator, Set
from pathlib import Path
from typing import BinaryIO, NamedTuple

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io.common import damaged, quoted
from c2p_deploy.io.recording.source import MOST_CHANNELS, Channel, Message, Source, Unpacker, read

MAGIC = b"#ROSBAG V2.0\n"
MESSAGE, BAG, CHUNK, CHUNK_INFO, CONNECTION = 2, 3, 5, 6, 7  # operations; 4 is an index within the file
CLOUD_MD5 = "1158d486dd51d683ce2f1be655c3c181"  # of sensor_msgs/PointCloud2 as ROS 1 always had it
MOST_HEADER = 1 << 16  # bytes
MOST_CONNECTION = 1 << 24  # its message definition is in it


class Record(NamedTuple):
    op: int
    header: dict[bytes, bytes]
    at: int  # where it begins
    data: int  # where its data begin
    size: int  # of its data


def open_bag(path: Path) -> Source:
    """The channels of a bag. Raises CloudFileError for one of another version, or encrypted."""
    damage = None
    with path.open("rb") as file:
        size = path.stat().st_size
        version = file.read(len(MAGIC))
        if version != MAGIC:
            found = quoted(version[8:].strip().decode("latin-1"))
            raise CloudFileError(f"is a ROS bag of format {found}", "bring it to 2.0 by 'rosbag migrate'")
        try:
            index = _index_of(file, size)
            connections, counts = _indexed(file, index, size)
        except CloudFileError as error:
            if "encrypted" in error.problem:
                raise
            index, damage = None, error
            connections, counts = _walked(file, size)
    channels = {
        number: Channel(topic, kind, "ros1", counts[number]) for number, (topic, kind) in connections.items()
    }

    def messages(wanted: Set[int]) -> Iterator[Message]:
        with path.open("rb") as file:
            chunks = None if index is None else _chunks_with(file, index, size, wanted)
            unpack = Unpacker(size)
            for record in _walk(file, len(MAGIC), size if index is None else index):
                if record.op == CHUNK and (chunks is None or record.at in chunks):
                    yield from _messages_in(*_inside(file, record, unpack), wanted)

    return Source(channels, messages, damage)


def _index_of(file: BinaryIO, size: int) -> int:
    """Where the index begins."""
    record = next(_walk(file, len(MAGIC), size), None)
    if record is None or record.op != BAG:
        raise damaged("does not begin as a ROS bag does")
    if record.header.get(b"encryptor"):
        raise CloudFileError("is an encrypted ROS bag", "decrypt it first")
    index = _number(record.header, b"index_pos")
    if not len(MAGIC) < index <= size:
        raise damaged("has no index: its recorder did not come to an end, or the file is cut off")
    return index


def _indexed(file: BinaryIO, index: int, size: int) -> tuple[dict[int, tuple[str, str]], Counter[int]]:
    """Connections (topic and type), and how many messages each has, by the index."""
    connections: dict[int, tuple[str, str]] = {}
    counts: Counter[int] = Counter()
    for record in _walk(file, index, size):
        if record.op == CONNECTION:
            _add_connection(connections, file, record)
        elif record.op == CHUNK_INFO:
            for number, count in _chunk_counts(file, record):
                if number in connections:
                    counts[number] += count
    return connections, counts


def _walked(file: BinaryIO, size: int) -> tuple[dict[int, tuple[str, str]], Counter[int]]:
    """The same by what is in the chunks, as far as they are whole."""
    connections: dict[int, tuple[str, str]] = {}
    counts: Counter[int] = Counter()
    unpack = Unpacker(size)
    try:
        for record in _walk(file, len(MAGIC), size):
            if record.op == CONNECTION:
                _add_connection(connections, file, record)
            elif record.op == CHUNK:
                stream, begin, end = _inside(file, record, unpack)
                for inner in _walk(stream, begin, end):
                    if inner.op == CONNECTION:
                        _add_connection(connections, stream, inner)
                    elif inner.op == MESSAGE:
                        counts[_number(inner.header, b"conn")] += 1
    except CloudFileError:
        if not connections:
            raise
    return connections, counts


def _chunks_with(file: BinaryIO, index: int, size: int, wanted: Set[int]) -> set[int]:
    """Where those chunks begin that hold messages of some connections."""
    return {
        _number(record.header, b"chunk_pos")
        for record in _walk(file, index, size)
        if record.op == CHUNK_INFO
        and any(count and number in wanted for number, count in _chunk_counts(file, record))
    }


def _chunk_counts(file: BinaryIO, record: Record) -> Iterator[tuple[int, int]]:
    file.seek(record.data)
    data = read(file, record.size)
    if len(data) % 8:
        raise damaged("has an index that makes no sense")
    return struct.iter_unpack("<II", data)


def _messages_in(stream: BinaryIO, begin: int, end: int, wanted: Set[int]) -> Iterator[Message]:
    for record in _walk(stream, begin, end):
        if record.op != MESSAGE or (number := _number(record.header, b"conn")) not in wanted:
            continue
        stream.seek(record.data)
        seconds, nanoseconds = struct.unpack("<II", record.header[b"time"].ljust(8, b"\0")[:8])
        yield Message(number, seconds * 10**9 + nanoseconds, read(stream, record.size))


def _inside(file: BinaryIO, chunk: Record, unpack: Unpacker) -> tuple[BinaryIO, int, int]:
    """Where the records of a chunk lie: in which stream, from where to where."""
    packing = chunk.header.get(b"compression", b"none").decode("latin-1")
    if packing == "none":
        return file, chunk.data, chunk.data + chunk.size
    file.seek(chunk.data)
    size = _number(chunk.header, b"size")
    return io.BytesIO(unpack(packing, read(file, chunk.size), size)), 0, size


def _walk(file: BinaryIO, at: int, end: int) -> Iterator[Record]:
    """The records between two places. Of a chunk that is cut off, what there is; then a CloudFileError."""
    while at < end:
        file.seek(at)
        (length,) = struct.unpack("<I", read(file, 4))
        if length > MOST_HEADER:
            raise damaged("has a record that makes no sense")
        header = _header(read(file, length))
        (size,) = struct.unpack("<I", read(file, 4))
        data = at + 8 + length
        op = header.get(b"op", b"")
        record = Record(op[0] if op else 0, header, at, data, min(size, end - data))
        if record.size == size or record.op == CHUNK:
            yield record
        if record.size < size:
            raise damaged("ends in the middle of a record")
        at = data + size


def _header(data: bytes) -> dict[bytes, bytes]:
    """Names and values: each with its length before it, and joined by "="."""
    fields: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at) if at + 4 <= len(data) else (len(data),)
        name, equals, value = data[at + 4 : at + 4 + length].partition(b"=")
        at += 4 + length
        if not equals or at > len(data):
            raise damaged("has a record that makes no sense")
        fields[name] = value
    return fields


def _number(header: dict[bytes, bytes], name: bytes) -> int:
    value = header.get(name)
    if value is None or len(value) not in (4, 8):
        raise damaged(f"has a record without {name.decode()}")
    return int.from_bytes(value, "little")


def _add_connection(connections: dict[int, tuple[str, str]], file: BinaryIO, record: Record) -> None:
    if len(connections) >= MOST_CHANNELS or record.size > MOST_CONNECTION:
        raise damaged("has more topics than any robot")
    file.seek(record.data)
    described = _header(read(file, record.size))
    topic = (record.header.get(b"topic") or described.get(b"topic", b"")).decode("utf-8", "replace")
    kind = described.get(b"type", b"").decode("utf-8", "replace")
    md5 = described.get(b"md5sum", b"*").decode("latin-1")
    if kind == "sensor_msgs/PointCloud2" and md5 not in (CLOUD_MD5, "*", ""):
        kind += " (of another definition)"
    connections[_number(record.header, b"conn")] = topic, kind
