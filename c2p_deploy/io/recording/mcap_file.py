"""MCAP files, of ROS 2 or ROS 1: records in chunks, then a summary. https://mcap.dev/spec

A file without a summary, which a recorder writes last, is walked through, and what is whole is given.
"""

from __future__ import annotations

import io
import struct
from collections import Counter
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from c2p_deploy.errors import CloudFileError, reason_of
from c2p_deploy.io.common import damaged, quoted
from c2p_deploy.io.recording.source import MOST_CHANNELS, Channel, Message, Source, Unpacker, needed, read

MAGIC = b"\x89MCAP0\r\n"
FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, CHUNK_INDEX, STATISTICS, DATA_END = 2, 3, 4, 5, 6, 8, 11, 15
MOST_RECORD = 1 << 26  # bytes of a record that is no chunk and no message, of which more are passed over
_FOOTER_SIZE = 9 + 20 + len(MAGIC)


class Record(NamedTuple):
    op: int
    at: int  # where it begins
    data: int  # where what is in it begins
    size: int


class Described:
    """Channels as they are met."""

    def __init__(self) -> None:
        self.schemas: dict[int, str] = {}
        self.channels: dict[int, tuple[str, str, int]] = {}  # topic, encoding, schema
        self.counts: Counter[int] = Counter()
        self.has_counts = False

    def add(self, file: BinaryIO, record: Record) -> None:
        if record.op == SCHEMA:
            schema = _parsed(file, record, "Schema")
            self.schemas[schema.id] = schema.name
        elif record.op == CHANNEL:
            channel = _parsed(file, record, "Channel")
            self.channels[channel.id] = channel.topic, channel.message_encoding, channel.schema_id
        elif record.op == STATISTICS:
            self.counts.update(_parsed(file, record, "Statistics").channel_message_counts)
            self.has_counts = True
        if max(len(self.schemas), len(self.channels)) > MOST_CHANNELS:  # as their numbers have 16 bits
            raise damaged("has more topics than any robot")

    def as_channels(self) -> dict[int, Channel]:
        return {
            number: Channel(
                topic, self.schemas.get(schema, "").replace("/msg/", "/"), encoding, self.counts[number]
            )
            for number, (topic, encoding, schema) in self.channels.items()
        }


def open_mcap(path: Path) -> Source:
    """The channels of an MCAP file."""
    damage = None
    with path.open("rb") as file:
        size = path.stat().st_size
        try:
            summary = _summary_of(file, size)
        except CloudFileError as error:
            summary, damage = None, error
        found = Described()
        try:
            for record in _walk(file, summary, size - _FOOTER_SIZE) if summary else ():
                found.add(file, record)
        except CloudFileError as error:
            damage = error
        if damage is not None or not (found.has_counts and found.channels):
            summary, found = None, _walked(file, size)

    def messages(wanted: Set[int]) -> Iterator[Message]:
        with path.open("rb") as file:
            unpack = Unpacker(size)
            passed_over = _chunks_without(file, summary, size, wanted) if summary else set()
            for record in _walk(file, len(MAGIC), size):
                if record.op in (DATA_END, FOOTER):
                    return
                if record.op == MESSAGE:
                    yield from _message(file, record, wanted)
                elif record.op == CHUNK and record.at not in passed_over:
                    stream, begin, end = _inside(file, record, unpack)
                    for inner in _walk(stream, begin, end):
                        if inner.op == MESSAGE:
                            yield from _message(stream, inner, wanted)

    return Source(found.as_channels(), messages, damage)


def _summary_of(file: BinaryIO, size: int) -> int | None:
    """Where the summary begins; None where a writer that came to its end has left none."""
    file.seek(max(0, size - _FOOTER_SIZE))
    footer = file.read(_FOOTER_SIZE)
    if size < len(MAGIC) + _FOOTER_SIZE or footer[0] != FOOTER or not footer.endswith(MAGIC):
        raise damaged("has no end: its recorder did not come to one, or the file is cut off")
    (start,) = struct.unpack_from("<Q", footer, 9)
    if start and not len(MAGIC) <= start <= size - _FOOTER_SIZE:
        raise damaged("has a summary beyond its end")
    return start or None


def _walked(file: BinaryIO, size: int) -> Described:
    """Channels and counts by all records there are, as far as they are whole."""
    found, unpack = Described(), Unpacker(size)
    try:
        for record in _walk(file, len(MAGIC), size):
            if record.op in (DATA_END, FOOTER):
                break
            stream, begin, end = _inside(file, record, unpack) if record.op == CHUNK else (file, 0, 0)
            for each in _walk(stream, begin, end) if record.op == CHUNK else (record,):
                if each.op == MESSAGE:
                    stream.seek(each.data)
                    found.counts.update(struct.unpack("<H", read(stream, 2)))
                elif each.op in (SCHEMA, CHANNEL):
                    found.add(stream, each)
    except CloudFileError:
        if not found.channels:
            raise
    return found


def _chunks_without(file: BinaryIO, summary: int, size: int, wanted: Set[int]) -> set[int]:
    """Where those chunks begin that hold no message of these channels, as far as the summary says."""
    chunks = set()
    for record in _walk(file, summary, size - _FOOTER_SIZE):
        if record.op == CHUNK_INDEX:
            index = _parsed(file, record, "ChunkIndex")
            if index.message_index_offsets and not wanted & index.message_index_offsets.keys():
                chunks.add(index.chunk_start_offset)
    return chunks


def _message(file: BinaryIO, record: Record, wanted: Set[int]) -> Iterator[Message]:
    file.seek(record.data)
    if record.size < 22:
        raise damaged("has a message that makes no sense")
    channel, _, time, _ = struct.unpack("<HIQQ", read(file, 22))
    if channel in wanted:
        yield Message(channel, time, read(file, record.size - 22))


def _inside(file: BinaryIO, chunk: Record, unpack: Unpacker) -> tuple[BinaryIO, int, int]:
    """Where the records of a chunk lie: in which stream, from where to where."""
    file.seek(chunk.data)
    size, _, length = struct.unpack_from("<QII", read(file, 32), 16)
    if length > 64:
        raise damaged("has a chunk that makes no sense")
    packing = read(file, length).decode("utf-8", "replace")
    (packed,) = struct.unpack("<Q", read(file, 8))
    begin, end = chunk.data + 40 + length, chunk.data + chunk.size
    if begin + packed < end:
        raise damaged("has a chunk that makes no sense")
    if not packing:
        return file, begin, min(begin + packed, end)
    return io.BytesIO(unpack(packing, read(file, end - begin), size)), 0, size


def _walk(file: BinaryIO, at: int, end: int) -> Iterator[Record]:
    """The records between two places. Of a chunk that is cut off, what there is; then a CloudFileError."""
    while at < end:
        file.seek(at)
        op, size = struct.unpack("<BQ", read(file, 9))
        record = Record(op, at, at + 9, max(0, min(size, end - at - 9)))
        if record.size == size or op == CHUNK:
            yield record
        if record.size < size:
            raise damaged("ends in the middle of a record")
        at += 9 + size


def _parsed(file: BinaryIO, record: Record, kind: str) -> Any:
    """A record as the mcap package reads it: mcap.records.KIND."""
    if record.size > MOST_RECORD:
        raise damaged(f"has a record of {record.size} bytes, where a few are due")
    file.seek(record.data)
    stream = needed("mcap.data_stream").ReadDataStream(io.BytesIO(read(file, record.size)))
    try:
        return getattr(needed("mcap.records"), kind).read(stream)
    except (ValueError, struct.error, EOFError, needed("mcap.exceptions").McapError) as error:
        raise damaged(f"has a record that makes no sense ({quoted(reason_of(error))})") from error
