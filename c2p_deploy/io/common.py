"""What all format readers share: their result, their refusal, and the parsing of plain numbers.

A format reader is a function `(data: bytes, path: Path) -> Geometry`. It checks every count a
header promises against the bytes that are there *before* it allocates, and it refuses with a
CloudFileError without a path; `read_cloud` adds that. What it quotes of a file goes through `quoted`.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from c2p_deploy.errors import CloudFileError, reason_of

Floats = NDArray[Any]  # float32 or float64; which one is said where it matters
Ints = NDArray[np.int64]


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


def narrow(points: Floats) -> Floats:
    """Finite points (N, 3) float64, N >= 1 -> float32, unless that would move a point visibly.

    Kept in float64 are coordinates that are large beside the extent of the cloud, as in UTM: there, rounding
    moves points by more than a hundred-thousandth of the extent.
    """
    narrowed = points.astype(np.float32)
    error = np.abs(narrowed - points).max()  # infinite beyond the range of float32
    extent = np.ptp(points, axis=0).max() or np.abs(points).max()
    return points if error > 1e-5 * extent else narrowed


def parse_rows(rows: Sequence[bytes], columns: Sequence[int]) -> Floats:
    """The `columns` of space-separated `rows`, none of them blank -> (N, len(columns)) float64."""
    if not rows:
        return np.empty((0, len(columns)))
    try:
        return np.loadtxt(
            rows, dtype=np.float64, comments=None, usecols=tuple(columns), ndmin=2, encoding="latin-1"
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


def check_indices(indices: Ints, points: int) -> None:
    """Refuse faces that refer to vertices the file does not have."""
    if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= points):
        wrong = indices[(indices < 0) | (indices >= points)].flat[0]
        raise damaged(f"has a face that refers to vertex {wrong} (from 0), but it has {points} vertices")
