"""STL, binary and text: triangles only, each with its own three corners."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from c2p_deploy.io.common import Floats, Geometry, damaged, parse_rows

FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def read_stl(data: bytes, path: Path) -> Geometry:
    """Triangles; float32 (text: where that suffices)."""
    facets = int.from_bytes(data[80:84], "little")
    # binary files may begin with "solid" as well
    is_text = data[:512].lstrip().lower().startswith(b"solid") and b"\0" not in data[:512]
    if len(data) >= 84 and (len(data) == 84 + facets * FACET.itemsize or not is_text):
        points, declared = _read_binary(data, facets), True
    elif is_text:
        points, declared = _read_text(data), False
    else:
        raise damaged("is neither text STL (begins with 'solid') nor as long as the header of binary STL")
    return Geometry(points, np.arange(len(points)).reshape(-1, 3), declared)


def _read_binary(data: bytes, facets: int) -> Floats:
    if facets * FACET.itemsize > len(data) - 84:
        raise damaged(
            f"promises {facets} STL facets, but only {(len(data) - 84) // FACET.itemsize} are there"
        )
    points: Floats = np.frombuffer(data, FACET, facets, 84)["corners"].reshape(-1, 3).astype(np.float32)
    return points


def _read_text(data: bytes) -> Floats:
    # Anchored to the line, since the name of a solid may hold any words.
    corners = re.findall(rb"^[ \t]*(vertex[ \t][^\r\n]*)", data, re.MULTILINE | re.IGNORECASE)
    facets = len(re.findall(rb"^[ \t]*endfacet\b", data, re.MULTILINE | re.IGNORECASE))
    solids = re.findall(rb"^[ \t]*(solid|endsolid)\b", data, re.MULTILINE | re.IGNORECASE)
    if len(corners) != 3 * facets:
        raise damaged(f"has {len(corners)} corners in {facets} STL facets instead of three each")
    if not solids or solids[-1].lower() != b"endsolid":
        raise damaged("is text STL that does not end with 'endsolid'")
    return parse_rows(corners, (1, 2, 3))
