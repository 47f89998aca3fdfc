"""Writers of small cloud and mesh files, made from the format descriptions without the readers' help."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io import read_cloud

# Exact in float32 and in decimal text, with different columns, so that any swap or rounding shows.
POINTS = np.array([[0.5, -1.25, 2.0], [3.0, 4.5, -5.75], [-6.5, 0.125, 8.0], [1.0, 2.0, 3.5]], np.float32)
# Survey coordinates in metres that float32 would round to half a metre.
UTM = np.array(
    [[500000.123, 4649776.337, 87.25], [500001.5, 4649777.001, 88.5], [500002.75, 4649778.5, 86.0]]
)

CORNERS = np.array(
    [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], np.float32
)
QUADS = [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]  # a unit cube


def assert_refused(path: Path, *words: str, **options: Any) -> str:
    """That `path` ends in one clear line which contains `words`; returns the line."""
    try:
        points = read_cloud(path, **options)
    except CloudFileError as error:
        message = str(error)
    else:
        raise AssertionError(f"{path} was read: {points.shape}")
    assert message.isprintable(), message  # no line break either
    assert message.startswith(f"{path}: "), message
    problem, _, remedy = message.removeprefix(f"{path}: ").partition("; ")
    assert problem and remedy, message
    for word in words:
        assert word in message, message
    return message


def assert_on_cube(points: np.ndarray, low: float = 0.0, high: float = 1.0) -> None:
    """That `points` lie on, and on all six sides of, the axis-aligned cube low ... high."""
    assert points.min() >= low and points.max() <= high
    sides = np.concatenate([points == low, points == high], axis=1)
    assert sides.any(axis=1).all()
    np.testing.assert_allclose(sides.mean(axis=0), 1 / 6, atol=0.05)


def ply(
    points: np.ndarray = POINTS,
    faces: Sequence[Sequence[int]] | None = None,
    *,
    form: str = "binary_little_endian",
    newline: str = "\n",
    before: Sequence[tuple[str, str]] = (),
    between: Sequence[tuple[str, str]] = (),
    faces_first: bool = False,
    axis_type: str = "float",
    index_name: str = "vertex_indices",
    count_type: str = "uchar",
) -> bytes:
    """A PLY file; `before` and `between` add (type, name) properties in front of x and between x and y.

    A type "list" is a list of uchar with the row's number modulo 3 as its length.
    """
    order = ">" if "big" in form else "<"
    codes = {"float": "f", "double": "d", "int": "i", "short": "h", "uchar": "B", "uint": "I"}
    lines = ["ply", f"format {form} 1.0", "comment made by a test", "obj_info nothing"]
    columns = [*before, (axis_type, "x"), *between, (axis_type, "y"), (axis_type, "z")]
    vertex = [f"element vertex {len(points)}"]
    vertex += [f"property {'list uchar uchar' if kind == 'list' else kind} {name}" for kind, name in columns]
    face = (
        []
        if faces is None
        else [f"element face {len(faces)}", f"property list {count_type} int {index_name}"]
    )
    lines += [*face, *vertex] if faces_first else [*vertex, *face]
    header = (newline.join([*lines, "end_header"]) + newline).encode()

    def value(kind: str, number: Any) -> bytes:
        if form == "ascii":
            return repr(float(number) if kind in ("float", "double") else int(number)).encode() + b" "
        return struct.pack(order + codes[kind], float(number) if kind in ("float", "double") else int(number))

    end = newline.encode() if form == "ascii" else b""
    vertices = b""
    for row, point in enumerate(points):
        for kind, name in columns:
            if kind == "list":
                vertices += value("uchar", row % 3) + b"".join(value("uchar", 7) for _ in range(row % 3))
            else:
                vertices += value(kind, point["xyz".index(name)] if name in "xyz" else 9)
        vertices += end
    polygons = b""
    for polygon in faces or []:
        polygons += value(count_type, len(polygon)) + b"".join(value("int", index) for index in polygon) + end
    return header + (polygons + vertices if faces_first else vertices + polygons)


def pcd(
    points: np.ndarray = POINTS,
    *,
    data: str = "binary",
    fields: Sequence[tuple[str, str, int]] = (("x", "f4", 1), ("y", "f4", 1), ("z", "f4", 1)),
    header: dict[str, str] | None = None,
    newline: str = "\n",
) -> bytes:
    """A PCD file of `fields` (name, numpy type, count); other fields than x, y, z are filled with 7.

    `header` replaces lines by key, or with the value "" removes them.
    """
    dtype = np.dtype([(f"{i}{name}", "<" + kind, (count,)) for i, (name, kind, count) in enumerate(fields)])
    table = np.zeros(len(points), dtype)
    for i, (name, _, _) in enumerate(fields):
        table[f"{i}{name}"] = points[:, ["xyz".index(name)]] if name in "xyz" else 7
    entries = {
        "VERSION": "0.7",
        "FIELDS": " ".join(name for name, _, _ in fields),
        "SIZE": " ".join(kind[1] for _, kind, _ in fields),
        "TYPE": " ".join(kind[0].upper() for _, kind, _ in fields),
        "COUNT": " ".join(str(count) for _, _, count in fields),
        "WIDTH": str(len(points)),
        "HEIGHT": "1",
        "VIEWPOINT": "0 0 0 1 0 0 0",
        "POINTS": str(len(points)),
        "DATA": data,
    } | (header or {})
    lines = ["# .PCD v0.7 - Point Cloud Data file format", *(f"{k} {v}" for k, v in entries.items() if v)]
    head = (newline.join(lines) + newline).encode()
    if data == "ascii":
        rows = [" ".join(repr(v.item()) for name in table.dtype.names for v in row[name]) for row in table]
        return head + (newline.join(rows) + newline).encode()
    if data == "binary":
        return head + table.tobytes()
    planes = b"".join(table[name].tobytes() for name in table.dtype.names)
    packed = lzf_literals(planes)
    return head + struct.pack("<II", len(packed), len(planes)) + packed


def lzf_literals(raw: bytes) -> bytes:
    """`raw` as an LZF stream of literal runs (at most 32 bytes each), which every LZF decoder must take."""
    return b"".join(bytes([len(raw[i : i + 32]) - 1]) + raw[i : i + 32] for i in range(0, len(raw), 32))


def off(keyword: str = "OFF\n", counts: str = "8 6 12", vertex_tail: str = "", face_tail: str = "") -> bytes:
    rows = [f"{x} {y} {z}{vertex_tail}" for x, y, z in CORNERS.tolist()]
    rows += [f"{len(q)} {' '.join(map(str, q))}{face_tail}" for q in QUADS]
    return (keyword + "\n".join([counts, *rows]) + "\n").encode()


def obj(vertex_tail: str = "", corner: str = "{0}", offset: int = 1) -> bytes:
    lines = [f"v {x} {y} {z}{vertex_tail}" for x, y, z in CORNERS.tolist()]
    lines += ["f " + " ".join(corner.format(i + offset) for i in q) for q in QUADS]
    return "\n".join(["# a cube", "mtllib none.mtl", "o cube", "vn 0 0 1", "vt 0 0", *lines, ""]).encode()


def cube_triangles() -> np.ndarray:
    """(12, 3, 3) float32"""
    return CORNERS[np.array([[q[i] for i in three] for q in QUADS for three in ((0, 1, 2), (0, 2, 3))])]


def stl(header: bytes = b"binary", triangles: np.ndarray | None = None) -> bytes:
    triangles = cube_triangles() if triangles is None else triangles
    facets = b"".join(struct.pack("<12fH", 0, 0, 0, *t.ravel(), 0) for t in triangles.astype(np.float32))
    return header.ljust(80, b" ") + struct.pack("<I", len(triangles)) + facets


def stl_text(triangles: np.ndarray | None = None, newline: str = "\n", name: str = "a vertex 1 2 3") -> bytes:
    lines = [f"solid {name}"]
    for triangle in cube_triangles() if triangles is None else triangles:
        lines += ["  facet normal 0 0 1", "    outer loop"]
        lines += [f"      vertex {x!r} {y!r} {z!r}" for x, y, z in triangle.tolist()]
        lines += ["    endloop", "  endfacet"]
    return newline.join([*lines, f"endsolid {name}", ""]).encode()


def cube_gltf(**changes: Any) -> tuple[dict[str, Any], bytes]:
    """A glTF description of a triangulated unit cube, and its buffer: 96 bytes of corners, 72 of indices."""
    triangles = np.array([[q[i] for i in three] for q in QUADS for three in ((0, 1, 2), (0, 2, 3))], "<u2")
    buffer = CORNERS.astype("<f4").tobytes() + triangles.tobytes()
    root = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": 8},
            {"bufferView": 1, "componentType": 5123, "type": "SCALAR", "count": 36},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": 96},
            {"buffer": 0, "byteOffset": 96, "byteLength": 72},
        ],
        "buffers": [{"byteLength": len(buffer)}],
    }
    return root | changes, buffer


def glb(root: dict[str, Any], buffer: bytes | None) -> bytes:
    text = json.dumps(root).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if buffer is not None:
        buffer += b"\0" * (-len(buffer) % 4)
        chunks += struct.pack("<I4s", len(buffer), b"BIN\0") + buffer
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def las(
    points: np.ndarray = UTM, *, minor: int = 2, kind: int = 0, point_size: int = 20, count: int | None = None
) -> bytes:
    """An uncompressed LAS file with millimetre resolution."""
    scale, offset = np.array([0.001] * 3), np.floor(points.min(axis=0))
    header_size = 375 if minor == 4 else 227
    count = len(points) if count is None else count
    header = bytearray(header_size)
    header[:4] = b"LASF"
    header[24:26] = 1, minor
    struct.pack_into(
        "<HIIBHI", header, 94, header_size, header_size, 0, kind, point_size, 0 if minor == 4 else count
    )
    struct.pack_into("<6d", header, 131, *scale, *offset)
    if minor == 4:
        struct.pack_into("<Q", header, 247, count)
    raw = np.round((points - offset) / scale).astype("<i4")
    return bytes(header) + b"".join(row.tobytes().ljust(point_size, b"\0") for row in raw)
