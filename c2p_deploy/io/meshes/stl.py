"""STL, binary and text: triangles only, each with its own three corners."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from c2p_deploy.io.common import NO_LIMITS_GIVEN, Floats, Geometry, Limits, damaged, parse_rows, unix_lines

FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
VERTEX, ENDFACET, SOLID = (
    re.compile(rb"^[ \t]*" + line, re.MULTILINE | re.IGNORECASE)
    for line in (rb"(vertex[ \t][^\n]*)", rb"endfacet\b", rb"(solid|endsolid)\b")
)


def read_stl(data: bytes, path: Path, limits: Limits = NO_LIMITS_GIVEN) -> Geometry:
    """Triangles; float32 (text: where that suffices)."""
    facets = int.from_bytes(data[80:84], "little")
    # binary files may begin with "solid" as well
    is_text = data[:512].lstrip().lower().startswith(b"solid") and b"\0" not in data[:512]
    if len(data) >= 84 and (len(data) == 84 + facets * FACET.itemsize or not is_text):
        points, declared = _read_binary(data, facets, limits), True
    elif is_text:
        points, declared = _read_text(unix_lines(data), limits), False
    else:
        raise damaged("is neither text STL (begins with 'solid') nor as long as the header of binary STL")
    return Geometry(points, np.arange(len(points)).reshape(-1, 3), declared)


def _read_binary(data: bytes, facets: int, limits: Limits) -> Floats:
    if facets * FACET.itemsize > len(data) - 84:
        raise damaged(
            f"promises {facets} STL facets, but only {(len(data) - 84) // FACET.itemsize} are there"
        )
    limits.check_points(3 * facets)
    points: Floats = np.frombuffer(data, FACET, facets, 84)["corners"].reshape(-1, 3).astype(np.float32)
    return points


def _read_text(data: bytes, limits: Limits) -> Floats:
    # Anchored to the line, since the name of a solid may hold any words.
    corners = sum(1 for _ in VERTEX.finditer(data))
    facets = sum(1 for _ in ENDFACET.finditer(data))
    last = b""
    for solid in SOLID.finditer(data):
        last = solid.group(1).lower()
    if corners != 3 * facets:
        raise damaged(f"has {corners} corners in {facets} STL facets instead of three each")
    if last != b"endsolid":
        raise damaged("is text STL that does not end with 'endsolid'")
    limits.check_points(corners)
    return parse_rows((corner.group(1) for corner in VERTEX.finditer(data)), (1, 2, 3))
