"""Wavefront OBJ: its vertices (`v`) and faces (`f`); materials, groups, curves and lines are passed over.

Format: http://paulbourke.net/dataformats/obj/
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io.common import Geometry, as_utf8, damaged, not_numbers, parse_rows
from c2p_deploy.io.triangulate import triangulate


def read_obj(data: bytes, path: Path) -> Geometry:
    """Vertices and polygons; float32 where that suffices. Without a face it is a cloud."""
    data = as_utf8(data)
    if b"\\" in data:
        data = re.sub(rb"\\\r?\n", b" ", data)  # a statement may go on on the next line
    vertices: list[bytes] = []
    faces: list[bytes] = []
    seen: list[int] = []  # vertices above each face; negative indices count back from there
    for line in data.splitlines():
        line = line.strip()
        key = line[:2]
        if key in (b"v ", b"v\t"):
            vertices.append(line)
        elif key in (b"f ", b"f\t"):
            faces.append(line[2:])
            seen.append(len(vertices))
    if not vertices:
        raise CloudFileError(
            "holds no OBJ vertices (lines that begin with 'v ')", "check that it is an OBJ file with a shape"
        )
    points = parse_rows(vertices, (1, 2, 3))
    if not faces:
        return Geometry(points, None, declared=False)

    # A corner is v, v/vt, v//vn or v/vt/vn; all but v goes.
    rows = [row.split() for row in re.sub(rb"/\S*", b"", b"\n".join(faces)).split(b"\n")]
    counts = np.array([len(row) for row in rows], np.int64)
    try:
        corners = np.array([int(word) for row in rows for word in row], np.int64)
    except (ValueError, OverflowError) as error:
        raise not_numbers(error) from error
    if (corners == 0).any():
        raise damaged("has a face that refers to vertex 0, but OBJ counts from 1")
    corners = np.where(corners < 0, corners + np.repeat(seen, counts), corners - 1)
    return Geometry(points, triangulate(corners, counts, points), declared=False)
