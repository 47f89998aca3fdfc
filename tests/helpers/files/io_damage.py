"""Small valid files of every format, what to damage in them, and what may come of that."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io import read_cloud
from io_files import (
    CORNERS,
    POINTS,
    QUADS,
    cube_gltf,
    glb,
    las,
    obj,
    off,
    pcd,
    ply,
    stl,
    stl_text,
)


def numpy_bytes(save: str) -> bytes:
    stream = io.BytesIO()
    if save == "npy":
        np.save(stream, POINTS)
    elif save == "npz":
        np.savez(stream, points=POINTS)
    else:
        np.savez_compressed(stream, points=POINTS, other=POINTS[0])
    return stream.getvalue()


MIXED = [*QUADS[:5], [3, 0, 4], [3, 4, 7]]
SEEDS: dict[str, bytes] = {
    "ascii.ply": ply(form="ascii", before=[("list", "l")]),
    "little.ply": ply(before=[("uchar", "red"), ("list", "l")]),
    "big.ply": ply(form="binary_big_endian", axis_type="double"),
    "mesh.ply": ply(CORNERS, MIXED),
    "text mesh.ply": ply(CORNERS, MIXED, form="ascii"),
    "ascii.pcd": pcd(data="ascii"),
    "binary.pcd": pcd(),
    "compressed.pcd": pcd(data="binary_compressed"),
    "cube.off": off(face_tail=" 1 0 0"),
    "cube.obj": obj(corner="{0}/1/1"),
    "binary.stl": stl(),
    "text.stl": stl_text(),
    "cube.glb": glb(*cube_gltf()),
    "cube.gltf": glb(*cube_gltf()),
    "rows.xyz": b"x y z\n0.5 -1.25 2\n3 4.5 -5.75\n-6.5 0.125 8\n",
    "rows.csv": b'"x";"y";"z"\n"0,5";"-1,25";"2"\n3;4,5;-5,75\n',
    "count.pts": b"3\n0.5 -1.25 2 9\n3 4.5 -5.75 9\n-6.5 0.125 8 9\n",
    "array.npy": numpy_bytes("npy"),
    "array.npz": numpy_bytes("npz"),
    "packed.npz": numpy_bytes("npz compressed"),
    "points.las": las(minor=4),
    "kitti.bin": np.column_stack([np.tile(POINTS, (5, 1)), np.linspace(0, 1, 20)]).astype("<f4").tobytes(),
}

WORDS = [b"-1", b"0", b"999999999", b"1e999", b"nan", b" ", b"\n", b"\r", b'"', b"#", b",", b";", b"\\\n"]
WORDS += [n.to_bytes(4, "little") for n in (0, 1, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1)]
WORDS += [n.to_bytes(4, "big") for n in (2**31 - 1, 2**32 - 1)]


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Up to six replacements, insertions, removals, cuts, repetitions, or parts of other files."""
    others = list(SEEDS.values())
    for _ in range(int(rng.integers(1, 7))):
        at = int(rng.integers(0, max(len(content), 1)))
        splice = (
            WORDS[int(rng.integers(len(WORDS)))] if rng.random() < 0.6 else rng.bytes(int(rng.integers(1, 5)))
        )
        match int(rng.integers(6)):
            case 0:
                content = content[:at] + splice + content[at + len(splice) :]
            case 1:
                content = content[:at] + splice + content[at:]
            case 2:
                content = content[:at] + content[at + int(rng.integers(1, 40)) :]
            case 3:
                content = content[: at + 1] if rng.random() < 0.3 else content
            case 4:
                content = content[:at] + content[at : at + 40] * int(rng.integers(2, 60)) + content[at:]
            case _:
                other = others[int(rng.integers(len(others)))]
                begin = int(rng.integers(len(other)))
                content = content[:at] + other[begin : begin + 60] + content[at:]
    return content or b"\0"


def assert_cloud_or_refusal(path: Path) -> None:
    try:
        points = read_cloud(path, mesh_points=64)
    except CloudFileError as error:
        message = str(error)
        assert message.isprintable() and message.startswith(f"{path}: ") and "; " in message
        assert len(message) < len(str(path)) + 600
        # The last resort exists for what nobody foresaw; whatever this test finds is foreseen from then on.
        assert "cannot be read (" not in message, message
    else:
        assert points.ndim == 2 and points.shape[1] == 3 and len(points) >= 1
        assert points.dtype in (np.float32, np.float64)
        assert points.flags.c_contiguous and np.isfinite(points).all()
