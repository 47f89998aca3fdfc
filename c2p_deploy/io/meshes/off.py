"""OFF meshes, text: with colours, normals, comments, and ModelNet's `OFF700 664 0`.

Format: http://www.geomview.org/docs/html/OFF.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io.common import (
    NO_LIMITS_GIVEN,
    Geometry,
    Ints,
    Limits,
    as_utf8,
    batches,
    damaged,
    integer_rows,
    join_polygons,
    lines_of,
    not_numbers,
    parse_rows,
    polygons_of,
    whole_number,
)
from c2p_deploy.io.meshes.triangulate import triangulate

# texture, colour, normal: further columns behind x y z; 4, n: further coordinates
KEYWORD = re.compile(rb"(ST)?(C)?(N)?(4)?(n)?OFF")


def read_off(data: bytes, path: Path, limits: Limits = NO_LIMITS_GIVEN) -> Geometry:
    """Vertices and polygons; float32 where that suffices. Without polygons it is a cloud."""
    data = as_utf8(data)
    lines = _lines(data)
    begin = next(lines, b"").strip()
    keyword = KEYWORD.match(begin)
    if keyword is None:
        raise CloudFileError("does not begin with OFF", "check that it is an OFF file")
    if keyword.group(4) or keyword.group(5):
        raise CloudFileError("is an OFF file of more than three dimensions", "export it in three")
    words = begin[keyword.end() :].split() or next(lines, b"").split()
    if not words:
        raise damaged("has no vertex and face counts after OFF")
    if words[0] == b"BINARY":
        raise CloudFileError("is binary OFF", "save it as text OFF or as binary PLY")
    numbers = [whole_number(word, "a count on the first line of OFF") for word in words[:2]]
    if len(numbers) < 2:
        raise damaged("has only one count on its first line, but OFF has vertices and faces")
    vertices, faces = numbers
    above = 1 if len(begin) > keyword.end() else 2  # lines: `OFF700 664 0`, or the counts below the keyword
    rows = sum(1 for _ in lines)
    if vertices + faces > rows:
        raise damaged(f"promises {vertices} vertices and {faces} faces, but only {rows} rows are there")
    limits.check_points(vertices)
    lines = islice(_lines(data), above, None)
    points = parse_rows(islice(lines, vertices), (0, 1, 2))
    if not faces:
        return Geometry(points, None, declared=False)
    corners, counts = join_polygons([_parse_faces(batch) for batch in batches(islice(lines, faces))])
    return Geometry(points, triangulate(corners, counts, points), declared=False)


def _lines(data: bytes) -> Iterator[bytes]:
    """Those that hold more than a comment."""
    lines = lines_of(data)
    if b"#" not in data:
        return lines
    return (line for line in (line.partition(b"#")[0] for line in lines) if line and not line.isspace())


def _parse_faces(lines: list[bytes]) -> tuple[Ints, Ints]:
    """Corners (K,) and counts (M,)."""
    if (fast := integer_rows(lines)) is not None:
        words, in_row = fast
        begins = np.cumsum(in_row) - in_row
        counts = words[begins]
        if (counts < in_row).all():
            place = np.arange(len(words)) - np.repeat(begins, in_row)
            return polygons_of(words[(place > 0) & (place <= np.repeat(counts, in_row))], counts)
    rows = [line.split() for line in lines]
    lengths = [whole_number(row[0], "the number of corners of a face") for row in rows]
    for row, length in zip(rows, lengths, strict=True):
        if length >= len(row):  # behind the corners may stand colours
            raise damaged(f"has a face of {length} corners that lists {len(row) - 1}")
    try:
        polygons = [row[1 : length + 1] for row, length in zip(rows, lengths, strict=True)]
        corners = np.array([int(word) for polygon in polygons for word in polygon], np.int64)
    except (ValueError, OverflowError) as error:
        raise not_numbers(error) from error
    return polygons_of(corners, np.array(lengths, np.int64))
