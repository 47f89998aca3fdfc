"""What all format readers share: their result, their refusal, and the parsing of plain numbers.

A format reader is a function `(data: bytes, path: Path, limits: Limits) -> Geometry`. It checks every
count a header promises against the bytes that are there *before* it allocates, and it refuses with a
CloudFileError without a path; `read_cloud` adds that. What it quotes of a file goes through `quoted`.
Text is walked line by line, never kept as a list of lines: a line costs more than it is long.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from c2p_deploy.errors import CloudFileError, reason_of

Floats = NDArray[Any]  # float32 or float64; which one is said where it matters
Ints = NDArray[np.int64]

MOST_LINE = 1 << 20  # bytes; of rows of numbers it is tens of thousands of columns
BATCH = 1 << 18  # bytes of text whose words exist at a time: as objects they take twenty times that
LINES = 1 << 12  # of such a batch, at most
ROWS = 1 << 16  # points or triangles looked at together where the results between are larger than they are
# What a packed cloud may become in memory: clouds pack 3 : 1, a bomb 1000 : 1.
UNPACKED_RATIO, UNPACKED_FREE = 8, 160 << 20


class Limits(NamedTuple):
    """What a caller is ready to read; readers refuse beyond it before they allocate."""

    file_bytes: int = 4 << 30  # of a file with all the files it refers to
    points: int = 200_000_000  # in the file; of a mesh, vertices

    def check_points(self, points: int) -> None:
        if points > self.points:
            raise CloudFileError(
                f"holds more than {self.points} points",
                "thin it, or read it with a larger max_points",
            )

    def check_bytes(self, size: int) -> None:
        if size > self.file_bytes:
            raise CloudFileError(
                f"holds more than {self.file_bytes} bytes",
                "thin it, or read it with a larger max_bytes",
            )


NO_LIMITS_GIVEN = Limits()


class Geometry(NamedTuple):
    """What a file holds."""

    points: Floats  # (N, 3) float32 or float64; may hold NaN and infinity
    triangles: Ints | None = None  # (M, 3), every index within 0 ... N - 1; None for a cloud
    # Whether the source declares the precision of `points`, which is then kept. Text and integers do not:
    # what comes of their points is brought to float32 where that does no harm.
    declared: bool = True


def damaged(problem: str) -> CloudFileError:
    """The refusal of a file that does not hold what its own format says it should."""
    return CloudFileError(problem, "the file is damaged or cut short, so copy or export it again")


def quoted(content: object, most: int = 60) -> str:
    """What a file holds, or a library says of it, at a length that a message can bear."""
    text = str(content)
    return text if len(text) <= most else f"{text[:most]} ..."


def whole_number(token: bytes | str, what: str) -> int:
    """The count in `token`, 0 ... 10^18; `what` names it in the refusal."""
    text = token.decode("latin-1") if isinstance(token, bytes) else token
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise damaged(f"{what} is {quoted(text)!r}, not a whole number")
    return int(text)


def check_unpacked(unpacked: int, points: int, packed: int) -> None:
    """Refuse `packed` bytes that claim to hold out of all proportion; called before they are unpacked."""
    if unpacked + 40 * points > UNPACKED_FREE + UNPACKED_RATIO * packed:  # 40: as float64, and narrowed
        raise damaged(f"claims that {packed} bytes unpack to {unpacked}, as no cloud does")


def float_type(types: Iterable[np.dtype[Any]]) -> type[np.floating[Any]]:
    """float32 if that holds all values of `types` exactly, else float64."""
    kinds = [(type.kind, type.itemsize) for type in types]
    return np.float32 if all(size <= (4 if kind == "f" else 2) for kind, size in kinds) else np.float64


def narrow(points: Floats) -> Floats:
    """Finite points (N, 3) float64, N >= 1 -> float32, unless that would move a point visibly.

    Kept in float64 are coordinates that are large beside the extent of the cloud, as in UTM: there, rounding
    moves points by more than a hundred-thousandth of the extent.
    """
    if points.dtype == np.float32:
        return points
    narrowed = points.astype(np.float32)
    parts = (slice(i, i + ROWS) for i in range(0, len(points), ROWS))
    error = max(np.abs(narrowed[part] - points[part]).max() for part in parts)  # infinite beyond float32
    low, high = points.min(axis=0), points.max(axis=0)
    extent = (high - low).max() or max(np.abs(low).max(), np.abs(high).max())
    return points if error > 1e-5 * extent else narrowed


def unix_lines(data: bytes) -> bytes:
    """Text whose lines all end in a newline, however they ended, each after another fashion or not."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def line_blocks(data: bytes, start: int = 0) -> Iterator[list[bytes]]:
    """The lines from `start` on that are not blank, with their ends: some BATCH bytes of them at a time."""
    if data.find(b"\r", start) >= 0:
        data, start = unix_lines(data[start:]), 0
    while start < len(data):
        end = data.find(b"\n", start + BATCH) + 1 or len(data)
        lines = [line for line in data[start:end].splitlines(keepends=True) if not line.isspace()]
        if end - start > MOST_LINE and (longest := max(map(len, lines), default=0)) > MOST_LINE:
            raise damaged(f"has a line of {longest} bytes, which no row of numbers is")
        yield lines
        start = end


def lines_of(data: bytes, start: int = 0) -> Iterator[bytes]:
    """The lines from `start` on that are not blank, with their ends."""
    return chain.from_iterable(line_blocks(data, start))


def batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """`lines`, so many at a time that their words fit into memory whatever the size of the file."""
    lines = iter(lines)
    while some := list(islice(lines, LINES)):
        if sum(map(len, some)) <= BATCH:
            yield some
            continue
        batch: list[bytes] = []
        size = 0
        for line in some:
            batch.append(line)
            size += len(line)
            if size > BATCH:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch


def parse_rows(rows: Iterable[bytes], columns: Sequence[int]) -> Floats:
    """The `columns` of space-separated `rows`, none of them blank -> (N, len(columns)) float64."""
    rows = iter(rows)
    if (first := next(rows, None)) is None:
        return np.empty((0, len(columns)))
    try:
        return np.loadtxt(
            chain((first,), rows),
            dtype=np.float64,
            comments=None,
            usecols=tuple(columns),
            ndmin=2,
            encoding="latin-1",
        )
    except ValueError as error:
        raise not_numbers(error) from error


def not_numbers(error: Exception) -> CloudFileError:
    """The refusal for a number that does not parse; NumPy's words for it say where it is."""
    return damaged(f"holds a row that is not the numbers it should be ({quoted(reason_of(error), 200)})")


def as_utf8(data: bytes) -> bytes:
    """Text bytes without byte order mark; UTF-16 becomes UTF-8."""
    if data.startswith(codecs.BOM_UTF8):
        return data[3:]
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16").encode("utf-8", "replace")
        except UnicodeDecodeError as error:
            raise damaged(f"begins like UTF-16 text, but is not ({error.reason})") from error
    return data


def integer_rows(lines: Sequence[bytes]) -> tuple[Ints, Ints] | None:
    """All whole numbers in lines of nothing else, and how many each has; None if there is anything else.

    Several times as fast as splitting and `int`.
    """
    text = b"".join(lines)
    if text.count(b"\n") + (not lines[-1].endswith(b"\n")) < len(lines):  # a comment took the ends of some
        text = b"\n".join(line.rstrip(b"\n") for line in lines)
    if text.translate(None, b"0123456789 \t\n"):
        return None
    letters = np.frombuffer(text, np.uint8)
    in_word = letters > 32
    begins = in_word.copy()
    begins[1:] &= ~in_word[:-1]
    row = np.cumsum(letters == 10)[begins]  # of each word
    values = np.fromstring(text.decode(), np.int64, sep=" ")
    counts = np.bincount(row, minlength=len(lines))
    is_whole = len(values) == len(row) and len(counts) == len(lines) and values.max(initial=0) < 2**62
    return (values, counts) if is_whole else None


def join_polygons(parts: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """Corners (K,) and counts (M,) of polygons that were read in parts."""
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    corners, counts = zip(*parts, strict=True)
    return np.concatenate(corners), np.concatenate(counts)


def polygons_of(corners: NDArray[Any], counts: Ints) -> tuple[NDArray[Any], Ints]:
    """Those polygons that have an inside: a face of two corners costs a file next to nothing."""
    if len(counts) and counts.min() < 3:
        return corners[np.repeat(counts >= 3, counts)], counts[counts >= 3]
    return corners, counts


def check_indices(indices: Ints, points: int) -> None:
    """Refuse faces that refer to vertices the file does not have."""
    if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= points):
        wrong = indices[(indices < 0) | (indices >= points)].flat[0]
        raise damaged(f"has a face that refers to vertex {wrong} (from 0), but it has {points} vertices")
