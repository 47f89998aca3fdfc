"""PCD (Point Cloud Library): ascii, binary and binary_compressed; organised or not; any further fields.

Format: https://pointclouds.org/documentation/tutorials/pcd_file_format.html
"""

from __future__ import annotations

import importlib
import re
import struct
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from c2p_deploy.errors import CloudFileError, MissingDependencyError
from c2p_deploy.io.common import (
    NO_LIMITS_GIVEN,
    Floats,
    Geometry,
    Limits,
    check_unpacked,
    damaged,
    float_type,
    line_blocks,
    lines_of,
    parse_rows,
    quoted,
    whole_number,
)

LZF_RATIO = 88  # three bytes of LZF stand for at most 264
MOST_HEADER = 1 << 20  # bytes; a header is a few hundred
LINE_END = re.compile(rb"\r\n|\n|\r")


class Field(NamedTuple):
    """Where one coordinate lies in a point."""

    type: np.dtype[Any]
    offset: int  # bytes before it in a binary point
    column: int  # words before it in an ascii point


class Header(NamedTuple):
    """What the text above the data says, checked for consistency."""

    xyz: list[Field]
    point_size: int  # bytes
    points: int
    encoding: str  # "ascii", "binary" or "binary_compressed"
    body: int  # where the data begin


def read_pcd(data: bytes, path: Path, limits: Limits = NO_LIMITS_GIVEN) -> Geometry:
    """All points, NaN rows included; float64 if a coordinate is a double, else float32 if that suffices."""
    header = _parse_header(data)
    if header.encoding == "ascii":
        points = _read_ascii(data, header, limits)
    elif header.encoding == "binary":
        points = _read_binary(data, header, limits)
    else:
        points = _read_compressed(data, header, limits)
    is_double = any(field.type == "<f8" for field in header.xyz)
    return Geometry(points, None, declared=is_double or points.dtype == np.float32)


def _parse_header(data: bytes) -> Header:
    entries: dict[str, list[str]] = {}
    position = 0
    while "DATA" not in entries:
        end = LINE_END.search(data, position, MOST_HEADER)
        if end is None:
            raise damaged("has no DATA line, so it is not a complete PCD file")
        words = data[position : min(end.start(), position + 10_000)].decode("latin-1").split()
        position = end.end()
        if words and not words[0].startswith("#"):
            entries.setdefault(words[0].upper(), words[1:])
            if not entries.keys() & {"VERSION", "FIELDS", "COLUMNS"} and len(entries) > 1:
                raise damaged("does not begin with a PCD header")

    names = entries.get("FIELDS") or entries.get("COLUMNS") or []
    kinds = entries.get("TYPE", [])
    sizes = [whole_number(word, "a SIZE in the PCD header") for word in entries.get("SIZE", [])]
    counts = [
        whole_number(word, "a COUNT in the PCD header") for word in entries.get("COUNT", ["1"] * len(names))
    ]
    if names and not {"x", "y", "z"} <= set(names):
        raise damaged(f"has the PCD fields {quoted(' '.join(names))}, without x, y and z")
    if not names or not len(names) == len(kinds) == len(sizes) == len(counts):
        raise damaged("has a PCD header whose FIELDS, SIZE, TYPE and COUNT lines differ in length")
    width, height, points = (_single(entries, key) for key in ("WIDTH", "HEIGHT", "POINTS"))
    if width is not None and points is not None and width * (1 if height is None else height) != points:
        raise damaged(
            f"has a PCD header that contradicts itself: WIDTH {width}, HEIGHT {height}, POINTS {points}"
        )
    if points is None:
        if width is None:
            raise damaged("has a PCD header without POINTS and WIDTH")
        points = width * (1 if height is None else height)

    encoding = " ".join(entries["DATA"]).lower()
    if encoding not in ("ascii", "binary", "binary_compressed"):
        raise CloudFileError(
            f"holds PCD data of the unknown kind {quoted(encoding)!r}", "save it as DATA binary"
        )
    offsets = np.cumsum([0, *(size * count for size, count in zip(sizes, counts, strict=True))]).tolist()
    columns = np.cumsum([0, *counts]).tolist()
    xyz = []
    for axis in "xyz":
        i = names.index(axis)
        kind = f"{kinds[i]}{sizes[i]}"
        if kind not in ("F4", "F8", "I1", "I2", "I4", "I8", "U1", "U2", "U4", "U8") or counts[i] != 1:
            raise damaged(f"has a PCD field {axis} of the impossible type {quoted(kind)} (times {counts[i]})")
        xyz.append(Field(np.dtype("<" + kind.lower()), offsets[i], columns[i]))
    return Header(xyz, offsets[-1], points, encoding, position)


def _single(entries: dict[str, list[str]], key: str) -> int | None:
    return whole_number(" ".join(entries[key]), f"{key} in the PCD header") if key in entries else None


def _read_ascii(data: bytes, header: Header, limits: Limits) -> Floats:
    rows = sum(map(len, line_blocks(data, header.body)))
    if rows < header.points:
        raise damaged(f"promises {header.points} points, but only {rows} are there")
    limits.check_points(header.points)
    rows_there = islice(lines_of(data, header.body), header.points)
    return parse_rows(rows_there, [field.column for field in header.xyz])


def _read_binary(data: bytes, header: Header, limits: Limits) -> Floats:
    left = len(data) - header.body
    if header.points * header.point_size > left:
        raise damaged(f"promises {header.points} points of {header.point_size} bytes, but has {left} bytes")
    limits.check_points(header.points)
    points = np.empty((header.points, 3), _dtype(header))
    for axis, field in enumerate(header.xyz):
        points[:, axis] = np.ndarray(
            header.points, field.type, data, header.body + field.offset, strides=(header.point_size,)
        )
    return points


def _read_compressed(data: bytes, header: Header, limits: Limits) -> Floats:
    """LZF-compressed, and by field: all x, then all y, ..."""
    size = header.points * header.point_size
    if len(data) < header.body + 8:
        raise damaged("ends before its compressed points begin")
    packed, unpacked = struct.unpack_from("<II", data, header.body)
    if packed > len(data) - header.body - 8:
        raise damaged(f"promises {packed} compressed bytes, but only {len(data) - header.body - 8} are there")
    if unpacked != size or unpacked > packed * LZF_RATIO:
        raise damaged(f"promises {size} bytes of points, but {packed} compressed ones for {unpacked}")
    limits.check_points(header.points)
    check_unpacked(unpacked, header.points, packed)
    if size == 0:
        return np.empty((0, 3))
    try:
        lzf = importlib.import_module("lzf")
    except ImportError as error:
        raise MissingDependencyError(
            "is a compressed PCD file", "pip install python-neo-lzf, or save it as DATA binary"
        ) from error
    try:
        planes = lzf.decompress(data[header.body + 8 : header.body + 8 + packed], unpacked)
    except ValueError as error:
        raise damaged("holds compressed points that do not decompress") from error
    if planes is None or len(planes) != unpacked:
        raise damaged("holds compressed points that decompress to another size than it says")
    points = np.empty((header.points, 3), _dtype(header))
    for axis, field in enumerate(header.xyz):
        points[:, axis] = np.frombuffer(planes, field.type, header.points, field.offset * header.points)
    return points


def _dtype(header: Header) -> type[np.floating[Any]]:
    """The smallest type that holds all coordinates exactly."""
    return float_type(field.type for field in header.xyz)
