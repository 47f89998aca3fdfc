"""Wavefront OBJ: its vertices (`v`) and faces (`f`); materials, groups, curves and lines are passed over.

Format: http://paulbourke.net/dataformats/obj/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    line_blocks,
    lines_of,
    not_numbers,
    parse_rows,
    polygons_of,
)
from c2p_deploy.io.meshes.triangulate import triangulate

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
    corners, counts = join_polygons([_parse_faces(*batch) for batch in _face_batches(data)])
    if not len(counts):
        return Geometry(points, None, declared=False)
    return Geometry(points, triangulate(corners, counts, points), declared=False)


def _statements(data: bytes) -> Iterator[list[bytes]]:
    """The lines `v ...` and `f ...`, some at a time; a statement may go on on the next line."""
    blocks = line_blocks(data) if b"\\" not in data else batches(_whole_lines(data))
    for lines in blocks:
        yield [row for line in lines if (row := line.strip()).startswith(STATEMENTS)]


def _whole_lines(data: bytes) -> Iterator[bytes]:
    """Lines put together that end in a backslash."""
    parts: list[bytes] = []
    size = 0
    for line in lines_of(data):
        line = line.strip()
        parts.append(line.removesuffix(b"\\"))
        size += len(line)
        if size > MOST_LINE:
            raise damaged(f"has a statement of more than {MOST_LINE} bytes")
        if not line.endswith(b"\\"):
            yield b" ".join(parts)
            parts, size = [], 0
    if parts:
        yield b" ".join(parts)


def _vertices(data: bytes, limits: Limits) -> Iterator[bytes]:
    number = 0
    for rows in _statements(data):
        vertices = [row for row in rows if row.startswith(VERTEX)]
        number += len(vertices)
        limits.check_points(number)
        yield from vertices


def _face_batches(data: bytes) -> Iterator[tuple[list[bytes], Ints]]:
    """Faces, and how many vertices stand above each: negative indices count back from there."""
    vertices = 0
    for rows in _statements(data):
        is_vertex = np.array([row.startswith(VERTEX) for row in rows], bool)
        faces = [row[2:] for row in rows if not row.startswith(VERTEX)]
        if faces:
            yield faces, vertices + np.cumsum(is_vertex)[~is_vertex]
        vertices += len(rows) - len(faces)


def _parse_faces(lines: list[bytes], seen: Ints) -> tuple[Ints, Ints]:
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
