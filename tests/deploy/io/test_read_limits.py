"""No file costs more than it is worth: at most five seconds, and ten times its size and 200 MB of memory."""

from __future__ import annotations

import io
import json
import logging
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy.io import read_cloud
from io_files import CORNERS, POINTS, QUADS, assert_refused, cube_gltf, glb, las, obj, off, pcd, ply, stl
from io_files import stl_text as text_stl

MB = 1 << 20
READ = """
import resource, sys
from c2p_deploy.errors import C2PError
from c2p_deploy.io import read_cloud
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
for path in sys.argv[1:]:
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
    before = resource.getrusage(resource.RUSAGE_SELF)
    try:
        answer = f"{len(read_cloud(path))} points"
    except C2PError as error:
        answer = str(error)[len(path):]
    after = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/status") as status:
        peak = next(line for line in status if line.startswith("VmHWM")).split()[1]
    print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak, answer, sep="|")
"""


def costs(*paths: Path) -> list[tuple[float, float, str]]:
    """Seconds of the processor, peak memory in MB, and the answer, of each, read in a process of its own."""
    if not sys.platform.startswith("linux"):
        pytest.skip("measures memory by /proc")
    command = [sys.executable, "-c", READ, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|", 2) for line in done.stdout.splitlines()]
    return [(float(seconds), int(peak) / 1024, answer) for seconds, peak, answer in rows]


def assert_cheap(*paths: Path, seconds: float = 5) -> list[str]:
    measured = costs(*paths)
    for path, (took, peak, answer) in zip(paths, measured, strict=True):
        assert took < seconds, (path.name, took, answer)
        assert peak < 10 * path.stat().st_size / MB + 200, (path.name, peak, answer)
    return [answer for _, _, answer in measured]


def npz(points: np.ndarray, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    array, archive = io.BytesIO(), io.BytesIO()
    np.save(array, points)
    with zipfile.ZipFile(archive, "w", method) as file:
        file.writestr("points.npy", array.getvalue())
    return archive.getvalue()


def lzf_run(size: int) -> bytes:
    """A PCD file of `size` bytes of zeros, packed as well as LZF can."""
    count = size // 12
    header = pcd(data="binary_compressed", header={"WIDTH": str(count), "POINTS": str(count)})
    header = header[: header.index(b"compressed\n") + 11]
    body = b"\0\0" + b"\xe0\xff\0" * (size // 264 + 1)
    return header + struct.pack("<II", len(body), count * 12) + body


def ring(corners: int, dents: bool) -> bytes:
    """One polygon in an OBJ file."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = np.where(np.arange(corners) % 2, 1.0, 0.5 if dents else 1.0)
    rows = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    return b"".join(b"v %.9f %.9f 0\n" % tuple(row) for row in rows.tolist()) + b"f %s\n" % b" ".join(
        b"%d" % (i + 1) for i in range(corners)
    )


def scene(nodes: int, primitives: int = 1) -> bytes:
    root, buffer = cube_gltf(nodes=[{"mesh": 0}] * nodes, scenes=[{"nodes": list(range(nodes))}])
    root["meshes"][0]["primitives"] *= primitives
    return glb(root, buffer)


HEADS = {
    "off": (b"OFF\n1 0 0\n", b"1 2 3\n"),
    "obj": (b"v 1 2 3\n", b""),
    "xyz": (b"", b"1 2 3\n"),
    "csv": (b"x,y,z\n", b"1,2,3\n"),
    "ply": (ply(POINTS[:1], form="ascii").partition(b"end_header\n")[0] + b"end_header\n", b"1 2 3\n"),
    "pcd": (pcd(POINTS[:1], data="ascii").partition(b"DATA ascii\n")[0] + b"DATA ascii\n", b"1 2 3\n"),
    "stl": (b"solid\n", text_stl()),
}
HOSTILE: dict[str, Any] = {
    "bzip2.npz": lambda: npz(np.zeros((20_000_000, 3), np.float32), zipfile.ZIP_BZIP2),
    "lzma.npz": lambda: npz(np.zeros((1_000_000, 3), np.float32), zipfile.ZIP_LZMA),
    "deflate.npz": lambda: npz(np.zeros((20_000_000, 3), np.float32)),
    "bytes.npz": lambda: npz(np.zeros((20_000_000, 3), np.int8)),
    "run.pcd": lambda: lzf_run(600_000_000),
    "convex.obj": lambda: ring(100_000, dents=False),
    "star.obj": lambda: ring(100_000, dents=True),
    "stars.obj": lambda: ring(2000, dents=True) + ring(2000, dents=True)[-8894:] * 100,
    "nodes.glb": lambda: scene(40_000),
    "primitives.glb": lambda: scene(1000, 1000),
    "entries.gltf": lambda: b'{"asset":{"version":"2.0"},"x":[' + b"{}," * 2_000_000 + b"{}]}",
    "points.obj": lambda: obj() + b"f 1\n" * 500_000,
    "quads.obj": lambda: obj() + b"f 1 2 3 4\n" * 300_000,
    "none.off": lambda: off(counts="8 1000000 0").rpartition(b"4 3 0")[0] + b"0\n" * 1_000_000,
    "none.ply": lambda: ply(CORNERS, QUADS).replace(b"face 6", b"face 2000000") + b"\0" * 2_000_000,
    "header.ply": lambda: b"ply\nformat ascii 1.0\n" + b"\n" * 4_000_000,
    "line.xyz": lambda: b"1 2 3 " * 2_000_000,
    "line.off": lambda: b"OFF\n1 1 0\n1 1 1\n2000000 " + b"0 " * 2_000_000,
} | {
    f"{kind}.{suffix}": lambda head=head, lines=lines: head[0] + lines + head[1]
    for suffix, head in HEADS.items()
    for kind, lines in [
        ("blank", b"\n" * 2_000_000),
        ("return", b"\r" * 2_000_000),
        ("mark", b"#a\n" * 700_000),
    ]
    if kind != "mark" or suffix not in ("ply", "pcd", "stl")
}


def test_hostile_files_are_cheap(tmp_path: Path) -> None:
    paths = []
    for name, make in HOSTILE.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(make())
    answers = dict(zip(HOSTILE, assert_cheap(*paths), strict=True))
    assert "another method than NumPy's" in answers["bzip2.npz"]
    assert "claims that" in answers["deflate.npz"] and "claims that" in answers["run.pcd"]
    assert answers["convex.obj"] == "8192 points"
    assert "expands to more vertices" in answers["nodes.glb"]
    for suffix in HEADS:
        assert answers[f"blank.{suffix}"].endswith("points"), suffix


@pytest.mark.parametrize("suffix", ["off", "obj"])
def test_a_million_honest_vertices_take_little_memory(tmp_path: Path, suffix: str) -> None:
    rows = np.random.default_rng(0).random((1_000_000, 3)).tolist()
    head = b"OFF\n1000000 500000 0\n" if suffix == "off" else b""
    first, v, f = (0, b"", b"3 ") if suffix == "off" else (1, b"v ", b"f ")
    path = tmp_path / f"honest.{suffix}"
    path.write_bytes(
        head
        + b"".join(v + b"%.5f %.5f %.5f\n" % tuple(row) for row in rows)
        + b"".join(f + b"%d %d %d\n" % (i, i + 1, i + 2) for i in range(first, first + 500_000))
    )
    assert assert_cheap(path, seconds=30) == ["8192 points"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ply", ply()),
        ("a.pcd", pcd()),
        ("b.pcd", pcd(data="ascii")),
        ("c.pcd", pcd(data="binary_compressed")),
        ("a.off", off()),
        ("a.obj", obj()),
        ("a.stl", stl()),
        ("b.stl", text_stl()),
        ("a.glb", glb(*cube_gltf())),
        ("a.xyz", b"1 2 3\n4 5 6\n7 8 9\n1 1 1\n"),
        ("a.npz", npz(POINTS)),
        ("a.las", las()),
        ("a.bin", np.column_stack([np.tile(POINTS, (5, 1)), np.linspace(0, 1, 20)]).astype("<f4").tobytes()),
    ],
)
def test_limits_are_the_callers(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert_refused(path, "holds more than 2 points", max_points=2)
    assert_refused(path, "bytes", max_bytes=len(content) - 1)
    assert len(read_cloud(path, max_bytes=len(content), max_points=100))


def test_a_buffer_is_loaded_once_however_often_it_is_named(tmp_path: Path) -> None:
    root, buffer = cube_gltf()
    (tmp_path / "a.bin").write_bytes(buffer + b"\0" * 20 * MB)
    names = ["a.bin", "./a.bin", "%61.bin"]
    root["buffers"] = [{"byteLength": len(buffer), "uri": names[i % 3]} for i in range(300)]
    path = tmp_path / "a.gltf"
    path.write_text(json.dumps(root))
    ((_, peak, answer),) = costs(path)
    assert answer == "8192 points" and peak < 10 * 20 + 200
    assert_refused(path, "holds more than", max_bytes=20 * MB)


def test_vertices_must_not_overlap(tmp_path: Path) -> None:
    root, buffer = cube_gltf()
    root["bufferViews"][0]["byteStride"] = 4
    path = tmp_path / "a.glb"
    path.write_bytes(glb(root, buffer))
    assert_refused(path, "overlap")


@pytest.mark.parametrize(
    "line", ["elemnt vertex 4", "propert float x", "prop list uchar int a", "Element face 2"]
)
@pytest.mark.parametrize("after", ["", "comment made by\n"])
def test_misspelt_keywords_are_no_comments(tmp_path: Path, line: str, after: str) -> None:
    path = tmp_path / "a.ply"
    path.write_bytes(ply().replace(b"obj_info nothing\n", f"{after}{line}\n".encode()))
    assert_refused(path, "no sense", line)


@pytest.mark.parametrize(
    ("content", "surplus"),
    [
        (ply(form="ascii") + b"1 2 3\n\n4 5 6\n", "2 rows"),
        (ply() + b"\0" * 24, "24 bytes"),
        (ply(CORNERS, QUADS) + b"abc", "3 bytes"),
        (ply(), ""),
        (ply(form="ascii") + b"\n\n", ""),
    ],
)
def test_what_follows_the_declared_rows_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, surplus: str
) -> None:
    path = tmp_path / "a.ply"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING, "c2p_deploy"):
        assert len(read_cloud(path))
    assert [r.getMessage() for r in caplog.records] == (
        [f"{path}: {surplus} beyond those its header declares"] if surplus else []
    )


@pytest.mark.parametrize("suffix", [s for s in HEADS if s != "stl"])
def test_each_line_may_end_after_its_own_fashion(tmp_path: Path, suffix: str) -> None:
    rows = b"".join(b"%r %r %r\n" % tuple(row) for row in POINTS.tolist())
    text = {
        "off": b"OFF\n4 0 0\n" + rows,
        "obj": b"v " + rows.strip().replace(b"\n", b"\nv ") + b"\n",
        "csv": b"x,y,z\n" + rows.replace(b" ", b","),
        "xyz": rows,
        "ply": ply(form="ascii"),
        "pcd": pcd(data="ascii"),
    }[suffix]
    lines = text.split(b"\n")[:-1]
    path = tmp_path / f"a.{suffix}"
    for shift in range(3):
        ends = [(b"\n", b"\r\n", b"\r")[(i + shift) % 3] for i in range(len(lines))]
        path.write_bytes(b"".join(line + end for line, end in zip(lines, ends, strict=True)))
        np.testing.assert_array_equal(read_cloud(path), POINTS)
