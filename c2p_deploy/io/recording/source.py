"""What every format's module gives: channels, and messages in the order in which they were recorded."""

from __future__ import annotations

import bz2
import importlib
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from c2p_deploy.errors import CloudFileError, MissingDependencyError, reason_of
from c2p_deploy.extras import install
from c2p_deploy.io.common import UNPACKED_FREE, check_unpacked, damaged, quoted

MOST_CHANNELS = 1 << 16  # a robot has hundreds of topics
_WINDOW = 1 << 27  # bytes that zstd may look back; its own limit, too, unless told otherwise
_RATIO = 64  # what all chunks of a file together may unpack to, by its size
_PART = 1 << 20
ZSTD = b"\x28\xb5\x2f\xfd"  # how its frames begin


class Channel(NamedTuple):
    """Messages of one type on one topic; one topic may have several."""

    topic: str
    type: str  # as ROS 1 writes it: sensor_msgs/PointCloud2
    encoding: str  # "ros1", "cdr", or what this reader does not know
    messages: int


class Message(NamedTuple):
    """One message as it lies in the file."""

    channel: int
    time: int  # ns, when it was recorded
    data: bytes | memoryview


@dataclass(frozen=True)
class Source:
    """A file whose channels are known.

    damage: why it is not complete, where that shows without reading it all.
    messages: those of some channels; ends with a CloudFileError where the file is damaged.
    """

    channels: dict[int, Channel]
    messages: Callable[[Set[int]], Iterator[Message]]
    damage: CloudFileError | None = None


def read(file: BinaryIO, size: int) -> bytes:
    """Exactly so many bytes. Raises CloudFileError where the file ends before."""
    data = file.read(size)
    if len(data) < size:
        raise damaged("ends in the middle of a record")
    return data


def needed(module: str) -> Any:
    """A module that the extra `ros` brings."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependencyError("is a recording", f"{install('ros')} to read it") from error


def unpack(kind: str, packed: bytes | memoryview, size: int) -> bytes:
    """At most `size` bytes out of packed ones (bz2, lz4, zstd); fewer where those are cut off."""
    if size == 0:
        return b""
    check_unpacked(size, 0, len(packed))
    if kind not in ("bz2", "lz4", "zstd"):
        raise CloudFileError(
            f"holds data packed by {quoted(kind)!r}", "record it with lz4, zstd, bz2 or none of them"
        )
    # What each of the three raises for what is not its own; zstd's is a plain Exception.
    errors: tuple[type[Exception], ...] = (OSError, RuntimeError, ValueError, EOFError)
    try:
        if kind == "bz2":
            return bz2.BZ2Decompressor().decompress(packed, size)
        if kind == "lz4":
            unpacker = needed("lz4.frame").LZ4FrameDecompressor()
            return bytes(unpacker.decompress(packed, size))
        zstd = needed("zstandard")
        errors = (*errors, zstd.ZstdError)
        return bytes(zstd.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(packed).read(size))
    except errors as error:
        raise damaged(f"holds packed data that do not unpack ({quoted(reason_of(error))})") from error


class Unpacker:
    """Unpacks chunk after chunk of one file, until they are out of all proportion to it.

    Each is checked by itself, too; but a file can hold thousands of them, of which each takes a second.
    """

    def __init__(self, file_bytes: int) -> None:
        self._left = UNPACKED_FREE + _RATIO * file_bytes

    def __call__(self, kind: str, packed: bytes, size: int) -> bytes:
        """As `unpack`."""
        self._left -= size
        if self._left < 0:
            raise damaged(f"claims to unpack to more than {_RATIO} times its size, as no recording does")
        return unpack(kind, packed, size)


def unpack_message(packed: bytes | memoryview) -> bytes:
    """A message that rosbag2 has packed by itself."""
    declared = needed("zstandard").frame_content_size(bytes(packed[:18]))
    if declared < 0:
        raise damaged("holds a packed message that does not say its size")
    return unpack("zstd", packed, declared)


def unpacked_file(path: Path) -> Path:
    """A temporary file of what `path` holds packed by zstd; the caller removes the folder it is in."""
    module = needed("zstandard")
    folder = Path(tempfile.mkdtemp(prefix="c2p-"))
    try:
        with path.open("rb") as packed, (folder / path.stem).open("wb") as plain:
            reader = module.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(packed)
            size, most = 0, path.stat().st_size
            while part := reader.read(_PART):
                size += len(part)
                check_unpacked(size, 0, most)
                plain.write(part)
    except module.ZstdError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise damaged(f"does not unpack ({quoted(reason_of(error))})") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder / path.stem


def removed_with(source: Source, folder: Path) -> Source:
    """The source, whose folder goes when it does."""
    weakref.finalize(source, shutil.rmtree, folder, ignore_errors=True)
    return source


def joined(sources: list[Source], damage: CloudFileError | None = None) -> Source:
    """One recording in several files, one after the other; damage: that of files which are not among them.

    A damaged file does not keep those after it from being read: the messages end with its error.
    """
    channels: dict[int, Channel] = {}
    parts: list[tuple[Source, dict[int, int]]] = []  # with the numbers of its channels here, by those there
    for source in sources:
        numbers = {there: len(channels) + i for i, there in enumerate(source.channels)}
        channels |= {numbers[there]: channel for there, channel in source.channels.items()}
        parts.append((source, numbers))
        damage = damage or source.damage

    def messages(wanted: Set[int]) -> Iterator[Message]:
        first = None
        for source, numbers in parts:
            some = {there for there, here in numbers.items() if here in wanted}
            try:
                for message in source.messages(some) if some else ():
                    yield message._replace(channel=numbers[message.channel])
            except CloudFileError as error:
                first = first or error
        if first is not None:
            raise first

    return Source(channels, messages, damage)
