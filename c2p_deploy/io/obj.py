"""Wavefront OBJ: its vertices (`v`) and faces (`f`); materials, groups, curves and lines are passed over.

Format: http://paulbourke.net/dataformats/obj/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io.common import (
    MOST_LINE,
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
)
from c2p_deploy.io.triangulate import triangulate

VERTEX = b"v ", b"v\t"
STATEMENTS = *VERTEX, b"f ", b"f\t"


def read_obj(data: bytes, path: Path, limits: Limits = NO_LIMITS_GIVEN) -> Geometry:
    """Vertices and polygons; float32 where that suffices. Without a face it is a cloud."""
    data = as_utf8(data)
    points = parse_rows(_vertices(data, limits), (1, 2, 3))
    if len(points) == 0:
        raise CloudFileError(
            "holds no OBJ vertices (lines that begin with 'v ')", "check that it is an OBJ file with a shape"
        )
    corners, counts = join_polygons([_parse_faces(*batch) for batch in _face_batches(_statements(data))])
    if not len(counts):
        return Geometry(points, None, declared=False)
    return Geometry(points, triangulate(corners, counts, points), declared=False)


def _statements(data: bytes) -> Iterator[bytes]:
    """The lines `v ...` and `f ...`; a statement may go on on the next line."""
    if b"\\" not in data:
        yield from (row for line in lines_of(data) if (row := line.strip()).startswith(STATEMENTS))
        return
    parts: list[bytes] = []
    size = 0
    for line in lines_of(data):
        line = line.strip()
        if parts or line.endswith(b"\\"):
            parts.append(line.removesuffix(b"\\"))
            size += len(line)
            if size > MOST_LINE:
                raise damaged(f"has a statement of more than {MOST_LINE} bytes")
            if line.endswith(b"\\"):
                continue
            line = b" ".join(parts).strip()
            parts, size = [], 0
        if line.startswith(STATEMENTS):
            yield line
    if parts and (line := b" ".join(parts).strip()).startswith(STATEMENTS):
        yield line


def _vertices(data: bytes, limits: Limits) -> Iterator[bytes]:
    number = 0
    for line in _statements(data):
        if line.startswith(VERTEX):
            number += 1
            limits.check_points(number)
            yield line


def _face_batches(statements: Iterable[bytes]) -> Iterator[tuple[list[bytes], list[int]]]:
    """Faces, and how many vertices stand above each: negative indices count back from there."""
    seen: list[int] = []
    vertices = 0

    def faces() -> Iterator[bytes]:
        nonlocal vertices
        for line in statements:
            if line.startswith(VERTEX):
                vertices += 1
            else:
                seen.append(vertices)
                yield line[2:]

    for batch in batches(faces()):
        yield batch, seen
        seen.clear()


def _parse_faces(lines: list[bytes], seen: list[int]) -> tuple[Ints, Ints]:
    """Corners (K,) from 0, and counts (M,)."""
    # A corner is v, v/vt, v//vn or v/vt/vn; all but v goes.
    rows = re.sub(rb"/\S*", b"", b"\n".join(lines)).split(b"\n")
    if (fast := integer_rows(rows)) is not None:
        corners, counts = fast
    else:
        words = [row.split() for row in rows]
        counts = np.array([len(row) for row in words], np.int64)
        try:
            corners = np.array([int(word) for row in words for word in row], np.int64)
        except (ValueError, OverflowError) as error:
            raise not_numbers(error) from error
    if (corners == 0).any():
        raise damaged("has a face that refers to vertex 0, but OBJ counts from 1")
    corners = np.where(corners < 0, corners + np.repeat(seen, counts), corners - 1)
    return polygons_of(corners, counts)
