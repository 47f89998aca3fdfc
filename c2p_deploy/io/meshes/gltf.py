"""glTF 2.0, as .gltf (JSON) and .glb (binary): the triangles and points of its scene, transforms applied.

Format: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html. Not read: skins, morphing, sparse
accessors and compressed geometry (the last two are refused, as their shape would be wrong).
"""

from __future__ import annotations

import base64
import json
import os
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from c2p_deploy.errors import CloudFileError, reason_of
from c2p_deploy.io.common import (
    NO_LIMITS_GIVEN,
    Floats,
    Geometry,
    Ints,
    Limits,
    check_indices,
    damaged,
    quoted,
)

Json = dict[str, Any]

COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC3": 3}
POINTS, TRIANGLES, STRIP, FAN = 0, 4, 5, 6
MOST_ENTRIES = 500_000  # of the description: as objects they take a hundred bytes each
# Many nodes may show one mesh, so a small file can stand for any number of vertices. Counted are vertices and
# triangles of all nodes; so many are free, and one more for so many bytes of buffers.
FREE_ELEMENTS, BYTES_PER_ELEMENT = 2_000_000, 8
NODE_COST, PRIMITIVE_COST = 10, 50  # in elements: what they cost if they show nothing


def read_gltf(data: bytes, path: Path, limits: Limits = NO_LIMITS_GIVEN) -> Geometry:
    """All meshes of the default scene in one frame (y up, metres, as the format prescribes); float32."""
    if data.startswith(b"glTF"):
        text, binary = _split_glb(data)
    else:
        text, binary = data, None
    if sum(map(text.count, (b"{", b"[", b","))) > MOST_ENTRIES:
        raise CloudFileError(f"has a description of more than {MOST_ENTRIES} entries", "export a part of it")
    try:
        root = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(f"has a glTF description that is not JSON ({reason_of(error)})") from error
    if not isinstance(root, dict) or not isinstance(root.get("asset"), dict):
        raise CloudFileError("is JSON, but not glTF", "check that it is a glTF file")
    version = root["asset"].get("version")
    if not str(version).startswith("2"):
        raise CloudFileError(f"is glTF of version {quoted(version)}", "export it as glTF 2.0")
    try:
        if packed := [name for name in root.get("extensionsRequired", []) if "compression" in name]:
            raise CloudFileError(
                f"holds compressed geometry ({quoted(packed[0])})", "export it without compression"
            )
        return _read_scene(root, _load_buffers(root, binary, path, limits, len(data)), limits)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, struct.error) as error:
        cause = quoted(f"{type(error).__name__}: {error}", 200)
        raise damaged(f"has a glTF description that is not consistent ({cause})") from error


def _split_glb(data: bytes) -> tuple[bytes, bytes | None]:
    """The JSON and the binary chunk of a GLB file."""
    if len(data) < 20:
        raise damaged("ends within its GLB header")
    _, version, length = struct.unpack_from("<4sII", data)
    if version != 2:
        raise CloudFileError(f"is GLB of version {version}", "export it as glTF 2.0")
    if length > len(data):
        raise damaged(f"promises {length} bytes of GLB, but only {len(data)} are there")
    chunks: dict[bytes, bytes] = {}
    position = 12
    while position + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, position)
        position += 8
        if size > length - position:
            raise damaged(f"promises a GLB chunk of {size} bytes, but only {length - position} are there")
        chunks.setdefault(kind, data[position : position + size])
        position += size
    if b"JSON" not in chunks:
        raise damaged("has no JSON chunk, so it is not a complete GLB file")
    return chunks[b"JSON"], chunks.get(b"BIN\0")


def _load_buffers(root: Json, binary: bytes | None, path: Path, limits: Limits, size: int) -> list[bytes]:
    """The bytes behind every buffer: the GLB chunk, a data URI, or a file beside `path` (nowhere else).

    size: of the glTF file itself; with all the files beside it, it is held against the limit.
    """
    buffers: list[bytes] = []
    loaded: dict[str, bytes] = {}  # each is read once, however many buffers name it
    for entry in root.get("buffers", []):
        uri = entry.get("uri")
        if uri is None:
            if binary is None:
                raise damaged("has a glTF buffer without data")
            content = binary
        elif uri.startswith("data:"):
            if uri not in loaded:
                loaded[uri] = base64.b64decode(uri.partition(",")[2])
            content = loaded[uri]
        else:
            beside = Path(unquote(uri))
            if ":" in uri or beside.is_absolute() or ".." in beside.parts:
                raise CloudFileError(
                    f"refers to data outside its folder: {quoted(uri)!r}", "export it as one .glb"
                )
            if not (path.parent / beside).is_file():
                raise CloudFileError(
                    f"refers to {quoted(uri)!r}, which is not beside it", "copy that file too"
                )
            place = os.path.realpath(path.parent / beside)  # which may go by many names
            if place not in loaded:
                size += Path(place).stat().st_size
                limits.check_bytes(size)
                loaded[place] = Path(place).read_bytes()
            content = loaded[place]
        if (promised := entry["byteLength"]) > len(content):
            raise damaged(f"promises a buffer of {promised} bytes, but only {len(content)} are there")
        buffers.append(content)
    return buffers


def _read_scene(root: Json, buffers: list[bytes], limits: Limits) -> Geometry:
    nodes, meshes = root.get("nodes", []), root.get("meshes", [])
    if root.get("scenes"):
        start = _entry(root["scenes"], root.get("scene", 0)).get("nodes", [])
    else:
        children = {child for node in nodes for child in node.get("children", [])}
        start = [number for number in range(len(nodes)) if number not in children]
    shown = [(number, np.eye(4)) for number in reversed(start)]
    visited: set[int] = set()
    parts: list[tuple[Floats, Ints]] = []
    distinct = {id(content): len(content) for content in buffers}
    left = FREE_ELEMENTS + sum(distinct.values()) // BYTES_PER_ELEMENT
    vertices = 0
    while shown:
        number, parent = shown.pop()
        node = _entry(nodes, number)
        if number in visited:
            raise damaged(f"has a glTF scene that is not a tree (node {number} appears twice)")
        visited.add(number)
        frame = parent @ _transform(node)
        shown += [(child, frame) for child in reversed(node.get("children", []))]
        left -= NODE_COST
        for primitive in _entry(meshes, node["mesh"])["primitives"] if "mesh" in node else []:
            points, corners = _read_primitive(root, buffers, primitive, left)
            left -= PRIMITIVE_COST + len(points) + len(corners)
            vertices += len(points)
            _check_left(left)
            limits.check_points(vertices)
            parts.append((points @ frame[:3, :3].T + frame[:3, 3], corners))

    if not parts:
        return Geometry(np.empty((0, 3), np.float32))
    offsets = np.cumsum([0, *(len(points) for points, _ in parts)])
    triangles = np.concatenate(
        [corners + offset for (_, corners), offset in zip(parts, offsets[:-1], strict=True)]
    )
    points = np.concatenate([points for points, _ in parts])
    return Geometry(points, triangles if len(triangles) else None, declared=False)


def _check_left(left: int) -> None:
    if left < 0:
        raise CloudFileError(
            "expands to more vertices than a file of its size can hold", "export a smaller part of it"
        )


def _entry(entries: list[Json], number: int) -> Json:
    if not 0 <= number < len(entries):  # Python would count a negative number from the end
        raise IndexError(f"entry {number} of {len(entries)}")
    return entries[number]


def _transform(node: Json) -> Floats:
    """Node to parent, (4, 4) float64, for column vectors."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T  # stored by columns
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), np.float64)
    frame = np.eye(4)
    frame[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    frame[:3, :3] *= np.array(node.get("scale", (1, 1, 1)), np.float64)
    frame[:3, 3] = node.get("translation", (0, 0, 0))
    return frame


def _read_primitive(root: Json, buffers: list[bytes], primitive: Json, left: int) -> tuple[Floats, Ints]:
    """Vertices (N, 3) float64 and triangles (M, 3) of one primitive; none at all for lines.

    left: how many there may be.
    """
    none = np.empty((0, 3), np.int64)
    mode = primitive.get("mode", TRIANGLES)
    if mode not in (POINTS, TRIANGLES, STRIP, FAN) or "POSITION" not in primitive["attributes"]:
        return none.astype(np.float64), none
    points = _read_accessor(root, buffers, primitive["attributes"]["POSITION"], "VEC3", left)
    points = points.astype(np.float64)
    if mode == POINTS:
        return points, none
    if "indices" in primitive:
        corners = _read_accessor(root, buffers, primitive["indices"], "SCALAR", 3 * left).ravel()
        if corners.dtype.kind != "u":
            raise TypeError("indices are not unsigned integers")
        corners = corners.astype(np.int64)
    else:
        corners = np.arange(len(points))
    check_indices(corners, len(points))
    if mode == TRIANGLES:
        return points, corners.reshape(-1, 3)
    if len(corners) < 3:
        return points, none
    begin = corners[:-2] if mode == STRIP else np.broadcast_to(corners[0], len(corners) - 2)
    return points, np.stack([begin, corners[1:-1], corners[2:]], axis=1)


def _read_accessor(root: Json, buffers: list[bytes], number: int, type: str, left: int) -> NDArray[Any]:
    """(count, width) values, count <= left; integers flagged `normalized` become floats."""
    accessor = _entry(root["accessors"], number)
    if "sparse" in accessor or "bufferView" not in accessor:
        raise CloudFileError("holds sparse or compressed geometry, which is not read", "export it plainly")
    if accessor["type"] != type:
        raise TypeError(f"accessor {number} is {accessor['type']}, not {type}")
    view = _entry(root["bufferViews"], accessor["bufferView"])
    buffer = buffers[view["buffer"]]
    component, width, count = np.dtype(COMPONENTS[accessor["componentType"]]), WIDTHS[type], accessor["count"]
    stride = view.get("byteStride", component.itemsize * width)
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    end = start + stride * (count - 1) + component.itemsize * width
    if count == 0:
        return np.empty((0, width), component)
    if (
        min(count, stride) < 1
        or start < 0
        or end > min(len(buffer), view.get("byteOffset", 0) + view["byteLength"])
    ):
        raise damaged(f"promises {count} vertices or corners, but its buffer cannot hold them")
    if stride < component.itemsize * width:
        raise damaged(f"has glTF vertices that overlap: one begins every {stride} bytes")
    _check_left(left - count)
    values: NDArray[Any] = np.ndarray((count, width), component, buffer, start, (stride, component.itemsize))
    if accessor.get("normalized") and component.kind != "f":
        values = np.maximum(values / np.iinfo(component).max, -1.0)
    return values
