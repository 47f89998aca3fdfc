"""Builds the example clouds: ten everyday things, each in another file format.

    python examples/make_clouds.py [--out DIR] [--seed 0]

The things are those of `shapes.py`, z up (but in `mug_y_up.glb`); point clouds are sampled on their
surfaces uniformly by area. The same seed gives the same files to the byte.
"""

from __future__ import annotations

import argparse
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from shapes import (
    Floats,
    Mesh,
    airplane,
    bathtub,
    bed,
    bottle,
    chair,
    lamp,
    monitor,
    mug,
    sample,
    sofa,
    table,
    to_grid,
)


def text_rows(points: Floats, separator: str = " ") -> str:
    """One line of x, y and z per point."""
    return "".join(separator.join(f"{value:.4f}" for value in point) + "\n" for point in points)


def ply_header(encoding: str, count: int) -> str:
    axes = "".join(f"property float {axis}\n" for axis in "xyz")
    return f"ply\nformat {encoding} 1.0\nelement vertex {count}\n{axes}end_header\n"


def ply_binary(points: Floats) -> bytes:
    return ply_header("binary_little_endian", len(points)).encode() + points.astype("<f4").tobytes()


def ply_ascii(points: Floats) -> bytes:
    return (ply_header("ascii", len(points)) + text_rows(points)).encode()


def pcd_binary(points: Floats) -> bytes:
    header = (
        "# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\n"
        "FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\n"
        f"WIDTH {len(points)}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {len(points)}\nDATA binary\n"
    )
    return header.encode() + points.astype("<f4").tobytes()


def csv_with_header(points: Floats) -> bytes:
    return ("x,y,z\n" + text_rows(points, ",")).encode()


def xyz(points: Floats) -> bytes:
    return text_rows(points).encode()


def npy(points: Floats) -> bytes:
    # By hand, since np.save pads its header differently from version to version.
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(points)}, 3), }}"
    header = header.ljust(128 - 10 - 1) + "\n"
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header))
        + header.encode()
        + points.astype("<f4").tobytes()
    )


def off(mesh: Mesh) -> bytes:
    counts = f"{len(mesh.vertices)} {len(mesh.triangles)} 0\n"
    faces = "".join(f"3 {a} {b} {c}\n" for a, b, c in mesh.triangles)
    return ("OFF\n" + counts + text_rows(mesh.vertices) + faces).encode()


def obj(mesh: Mesh) -> bytes:
    vertices = "".join(f"v {row}\n" for row in text_rows(mesh.vertices).splitlines())
    faces = "".join(f"f {a} {b} {c}\n" for a, b, c in mesh.triangles + 1)
    return (vertices + faces).encode()


def stl(mesh: Mesh) -> bytes:
    facets = np.zeros(
        len(mesh.triangles), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")]
    )
    facets["corners"] = mesh.vertices[mesh.triangles]  # readers work out the normals
    return bytes(80) + struct.pack("<I", len(facets)) + facets.tobytes()


def glb(mesh: Mesh) -> bytes:
    """Binary glTF 2.0, which is always y up."""
    x, y, z = mesh.vertices.T
    positions = to_grid(np.stack([x, z, -y], axis=1)).astype("<f4")
    indices = mesh.triangles.astype("<u2").ravel()
    body = positions.tobytes() + indices.tobytes()
    body += bytes(-len(body) % 4)
    views = [(0, positions.nbytes, 34962), (positions.nbytes, indices.nbytes, 34963)]
    low, high = (
        [float(value) for value in bound] for bound in (positions.min(axis=0), positions.max(axis=0))
    )
    scene = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": len(positions),
                "type": "VEC3",
                "min": low,
                "max": high,
            },
            {"bufferView": 1, "componentType": 5123, "count": len(indices), "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": start, "byteLength": length, "target": target}
            for start, length, target in views
        ],
        "buffers": [{"byteLength": len(body)}],
    }
    text = json.dumps(scene, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(body), b"BIN\0") + body
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


CLOUDS: list[tuple[str, Callable[[], Mesh], int, Callable[[Floats], bytes]]] = [
    ("chair.ply", chair, 3000, ply_binary),
    ("table.pcd", table, 3000, pcd_binary),
    ("sofa.csv", sofa, 3000, csv_with_header),
    ("bed.npy", bed, 4000, npy),
    ("lamp.ply", lamp, 2500, ply_ascii),
    ("bottle.xyz", bottle, 2000, xyz),
]
MESHES: list[tuple[str, Callable[[], Mesh], Callable[[Mesh], bytes]]] = [
    ("airplane.obj", airplane, obj),
    ("bathtub.off", bathtub, off),
    ("monitor.stl", monitor, stl),
    ("mug_y_up.glb", mug, glb),
]


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the example clouds and meshes.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "clouds", metavar="DIR")
    parser.add_argument("--seed", type=int, default=0, help="of the sampling of the clouds")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for number, (name, make, count, encode) in enumerate(CLOUDS):
        points = sample(make(), count, np.random.default_rng([arguments.seed, number]))
        (arguments.out / name).write_bytes(encode(points))
    for name, make, write in MESHES:
        mesh = make()
        (arguments.out / name).write_bytes(write(Mesh(to_grid(mesh.vertices), mesh.triangles)))


if __name__ == "__main__":
    main()
