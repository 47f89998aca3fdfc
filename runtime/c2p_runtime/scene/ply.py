"""A scene as a coloured PLY: every viewer of point clouds shows which points are one thing."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from c2p_runtime.scene.classifier import Scene
from c2p_runtime.scene.colours import OTHER, SUPPORT, colour_of

SUPPORTED = -1  # what `object` is of a point of a support plane


def parts_of(count: int, scene: Scene) -> npt.NDArray[np.int32]:
    """int32 [count]: the number of each point's object, from 1; 0 for none, -1 for a support plane."""
    parts = np.zeros(count, np.int32)
    for plane in scene.planes:
        parts[plane.indices] = SUPPORTED
    for number, found in enumerate(scene.objects, 1):
        parts[found.indices] = number
    return parts


def colours_of(parts: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """uint8 [N, 3], red, green and blue, of what `parts_of` gives."""
    table = np.array([SUPPORT, OTHER, *map(colour_of, range(1, int(parts.max(initial=0)) + 1))], np.uint8)
    return table[parts + 1]


def write_ply(file: BinaryIO, points: npt.NDArray[Any], scene: Scene) -> None:
    """Writes points [N, 3] with their colours, and `object` as `parts_of` gives it; holes are left out.

    Coordinates keep their precision: doubles stay doubles.
    """
    parts = parts_of(len(points), scene)
    colours = colours_of(parts)
    places = points[:, :3]
    places = places if places.dtype == np.float64 else places.astype(np.float32)
    finite = np.isfinite(places).all(axis=1)
    real, name = ("<f8", "double") if places.dtype == np.float64 else ("<f4", "float")
    row = np.dtype([("place", real, 3), ("colour", "u1", 3), ("object", "<i4")])
    rows = np.empty(int(finite.sum()), row)
    rows["place"], rows["colour"], rows["object"] = places[finite], colours[finite], parts[finite]
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"element vertex {len(rows)}",
        *(f"property {name} {axis}" for axis in "xyz"),
        *(f"property uchar {colour}" for colour in ("red", "green", "blue")),
        "property int object",
        "end_header",
    ]
    file.write("\n".join(header).encode() + b"\n")
    file.write(rows.tobytes())
