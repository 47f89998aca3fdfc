"""OFF meshes, text: with colours, normals, comments, and ModelNet's `OFF700 664 0`.

Format: http://www.geomview.org/docs/html/OFF.html
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io.common import Geometry, as_utf8, damaged, not_numbers, parse_rows, whole_number
from c2p_deploy.io.triangulate import triangulate

# texture, colour, normal: further columns behind x y z; 4, n: further coordinates
KEYWORD = re.compile(rb"(ST)?(C)?(N)?(4)?(n)?OFF")


def read_off(data: bytes, path: Path) -> Geometry:
    """Vertices and polygons; float32 where that suffices. Without polygons it is a cloud."""
    data = as_utf8(data)
    if b"#" in data:
        data = re.sub(rb"#[^\r\n]*", b"", data)
    data = data.lstrip()
    keyword = KEYWORD.match(data)
    if keyword is None:
        raise CloudFileError("does not begin with OFF", "check that it is an OFF file")
    if keyword.group(4) or keyword.group(5):
        raise CloudFileError("is an OFF file of more than three dimensions", "export it in three")
    lines = [line for line in data[keyword.end() :].splitlines() if line.strip()]
    if not lines:
        raise damaged("has no vertex and face counts after OFF")
    if lines[0].split()[0] == b"BINARY":
        raise CloudFileError("is binary OFF", "save it as text OFF or as binary PLY")
    counts = [whole_number(word, "a count on the first line of OFF") for word in lines[0].split()[:2]]
    if len(counts) < 2:
        raise damaged("has only one count on its first line, but OFF has vertices and faces")
    vertices, faces = counts
    if vertices + faces > len(lines) - 1:
        raise damaged(
            f"promises {vertices} vertices and {faces} faces, but only {len(lines) - 1} rows are there"
        )

    points = parse_rows(lines[1 : 1 + vertices], (0, 1, 2))
    rows = [line.split() for line in lines[1 + vertices : 1 + vertices + faces]]
    if not rows:
        return Geometry(points, None, declared=False)
    lengths = [whole_number(row[0], "the number of corners of a face") for row in rows]
    for row, length in zip(rows, lengths, strict=True):
        if length >= len(row):  # behind the corners may stand colours
            raise damaged(f"has a face of {length} corners that lists {len(row) - 1}")
    try:
        polygons = [row[1 : length + 1] for row, length in zip(rows, lengths, strict=True)]
        corners = np.array([int(word) for polygon in polygons for word in polygon], np.int64)
    except (ValueError, OverflowError) as error:
        raise not_numbers(error) from error
    return Geometry(points, triangulate(corners, np.array(lengths, np.int64), points), declared=False)
