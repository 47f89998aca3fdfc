"""What holds for every format: names, places and contents that are no cloud, headers that lie about size."""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy.errors import CloudFileError, OptionError
from c2p_deploy.io import CLOUD_SUFFIXES, read_cloud
from io_files import CORNERS, POINTS, QUADS, assert_refused, cube_gltf, glb, las, off, pcd, ply, stl


def test_all_suffixes_are_listed() -> None:
    expected = ".asc .bin .csv .glb .gltf .las .laz .npy .npz .obj .off .pcd .ply .pts .stl .txt .xyz"
    assert " ".join(CLOUD_SUFFIXES) == expected


def test_a_path_may_be_a_string_and_its_suffix_in_capitals(tmp_path: Path) -> None:
    path = tmp_path / "CLOUD.PLY"
    path.write_bytes(ply())
    np.testing.assert_array_equal(read_cloud(str(path)), POINTS)


@pytest.mark.parametrize("suffix", CLOUD_SUFFIXES)
def test_places_without_a_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cloud{suffix}"
    assert_refused(path, "no such file")
    path.touch()
    assert_refused(path, "empty")
    path.unlink()
    path.mkdir()
    assert_refused(path, "directory")
    path.rmdir()
    path.symlink_to(path)
    assert_refused(path, "cannot be opened")


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_bytes(ply())
    assert_refused(tmp_path / "a.ply" / "b.ply", "cannot be opened")
    assert_refused(tmp_path / ("n" * 300 + ".ply"), "cannot be opened")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ply")
    assert_refused(tmp_path / "pipe.ply", "not a regular file")
    (tmp_path / "zero.ply").symlink_to("/dev/zero")
    assert_refused(tmp_path / "zero.ply", "not a regular file")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.ply"
    path.write_bytes(ply())
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything

        def refuse(self: Path) -> bytes:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "read_bytes", refuse)
    assert_refused(path, "Permission denied", "permissions")


def test_more_than_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bytes:
        raise MemoryError

    path = tmp_path / "huge.ply"
    path.write_bytes(ply())
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert_refused(path, "memory")


@pytest.mark.parametrize("name", ["cloud", "cloud.", "cloud.parquet", "cloud.ply.gz", ".ply", "cloud.jpeg"])
def test_unknown_suffixes_name_the_known(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(ply())
    assert_refused(path, "suffix", ".ply", ".glb")


@pytest.mark.parametrize(
    "name", ["line\nbreak.ply", "tab\t.ply", "bell\a.ply", "bytes\udcff.ply", "\u2028.ply"]
)
def test_odd_names_stay_on_one_line(tmp_path: Path, name: str) -> None:
    for path in (tmp_path / name, tmp_path / f"{name}.xyz"):
        with pytest.raises(CloudFileError) as caught:
            read_cloud(path)
        message = str(caught.value)
        assert message.isprintable() and "no such file; check the path" in message
        message.encode()  # can be printed
    with pytest.raises(CloudFileError, match="not a file name"):
        read_cloud("nul\0.ply")


FOREIGN = {
    "PLY": ply(),
    "PCD": pcd(),
    "OFF": off(),
    "binary glTF": glb(*cube_gltf()),
    "a NumPy array": b"\x93NUMPY\x01\x00",
    "a ZIP archive": b"PK\x03\x04",
    "LAS": las(),
    "Parquet": b"PAR1",
    "gzip": b"\x1f\x8b" + zlib.compress(b""),
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    "a PNG image": b"\x89PNG\r\n",
    "a web page": b"<!DOCTYPE html>\n<title>404</title>",
}
RIGHT = {"PLY": "ply", "PCD": "pcd", "OFF": "off", "binary glTF": "glb gltf", "a NumPy array": "npy"}
RIGHT |= {"a ZIP archive": "npz", "LAS": "las laz"}


@pytest.mark.parametrize(
    ("content", "suffix"),
    [(c, s) for c in FOREIGN for s in CLOUD_SUFFIXES if s[1:] not in RIGHT.get(c, "").split()],
)
def test_content_that_belies_its_suffix_is_named(tmp_path: Path, content: str, suffix: str) -> None:
    path = tmp_path / f"cloud{suffix}"
    path.write_bytes(FOREIGN[content])
    message = assert_refused(path, f"is {content}, not what {suffix} stands for")
    assert any(remedy in message for remedy in ("git lfs pull", "rename it to", "convert it", "download"))


@pytest.mark.parametrize("suffix", CLOUD_SUFFIXES)
@pytest.mark.parametrize("seed", range(3))
def test_noise_is_refused(tmp_path: Path, suffix: str, seed: int) -> None:
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(np.random.default_rng(seed).bytes(4096))
    assert_refused(path)


HUGE = b"1000000000"
XYZ = [("x", "f4", 1), ("y", "f4", 1), ("z", "f4", 1)]
PACKED = pcd(data="binary_compressed", header={"WIDTH": "300000000", "POINTS": "300000000"})
PACKED = PACKED[: PACKED.index(b"compressed\n") + 11] + b"\0" * 48
LIES: dict[str, bytes] = {
    "ascii.ply": ply(form="ascii").replace(b"vertex 4", b"vertex " + HUGE),
    "binary.ply": ply().replace(b"vertex 4", b"vertex " + HUGE),
    "listed.ply": ply(before=[("list", "l")]).replace(b"vertex 4", b"vertex " + HUGE),
    "faces.ply": ply(CORNERS, QUADS).replace(b"face 6", b"face " + HUGE),
    "list.ply": ply(CORNERS, QUADS, count_type="uint")[:-120] + b"\xff\xff\xff\x7f" + b"\0" * 116,
    "ascii.pcd": pcd(data="ascii", header={"WIDTH": "1000000000", "POINTS": ""}),
    "binary.pcd": pcd(header={"WIDTH": "100000", "HEIGHT": "10000", "POINTS": ""}),
    "step.pcd": pcd(fields=[*XYZ, ("_", "u1", 1)], header={"COUNT": "1 1 1 999999999999"}),
    "size.pcd": PACKED[:-48] + struct.pack("<II", 2**24, 3_600_000_000) + b"\0" * 48,
    "ratio.pcd": PACKED[:-48] + struct.pack("<II", 48, 3_600_000_000) + b"\0" * 48,
    "vertices.off": off(counts="1000000000 6 0"),
    "faces.off": off(counts="8 1000000000 0"),
    "corners.off": off().replace(b"\n4 ", b"\n1000000000 "),
    "facets.stl": stl()[:80] + b"\xff\xff\xff\xff" + stl()[84:],
    "count.pts": b"1000000000\n1 2 3\n",
    "count.las": las(count=2**32 - 1),
    "length.glb": glb(*cube_gltf())[:8] + b"\xff\xff\xff\xff" + glb(*cube_gltf())[12:],
    "chunk.glb": glb(*cube_gltf())[:12] + b"\xff\xff\xff\xff" + glb(*cube_gltf())[16:],
    "shape.npy": b"\x93NUMPY\x01\x00\x46\x00"
    b"{'descr':'<f8','fortran_order':False,'shape':(1000000000,3)}          ",
}


@pytest.mark.parametrize("name", LIES)
def test_a_lying_header_costs_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(LIES[name])
    tracemalloc.start()
    begin = time.perf_counter()
    assert_refused(path)
    seconds, peak = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 2
    assert peak < 4_000_000, f"{peak} bytes"


LONG = b"w" * 5000
LONG_CONTENTS: dict[str, bytes] = {
    "element.ply": ply(form="ascii").replace(b"vertex 4", b"vertex " + LONG),
    "line.ply": ply().replace(b"element vertex", b"property " + LONG + b"\nelement vertex"),
    "fields.pcd": pcd(data="ascii").replace(b"FIELDS x", b"FIELDS " + LONG),
    "kind.pcd": pcd(data="ascii").replace(b"DATA ascii", b"DATA " + LONG),
    "count.off": off(counts=LONG.decode()),
    "corner.obj": b"v 0 0 0\nf " + LONG + b" 1 1\n",
    "row.xyz": b"1 2 3\n1 2 " + LONG + b"\n",
    "header.csv": LONG + b"\n" + LONG + b"\n",
    "version.gltf": b'{"asset": {"version": "' + LONG + b'"}}',
    "buffer.gltf": b'{"asset": {"version": "2.0"}, "buffers": [{"byteLength": 1, "uri": "' + LONG + b'"}]}',
    "key.gltf": b'{"asset": {"version": "2.0"}, "scenes": [{"nodes": "' + LONG + b'"}]}',
    "header.npy": b"\x93NUMPY\x01\x00" + struct.pack("<H", 5000) + LONG,
}


@pytest.mark.parametrize("name", LONG_CONTENTS)
def test_a_message_stays_short_whatever_it_quotes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(LONG_CONTENTS[name])
    assert len(assert_refused(path).removeprefix(str(path))) < 500


SLOW: dict[str, bytes] = {
    "spaces.stl": b"solid\nvertex 1 2 3" + b" " * 1_000_000 + b"x\n",
    "spaces.csv": b"x" + b" " * 1_000_000 + b"y,z\n1,2,3\n",
    "quotes.txt": b'"' * 1_000_001 + b"\n",
    "comments.xyz": b"#\n" * 100_000,
    "blank.xyz": b"\n" * 300_000,
    "slashes.obj": b"v 0 0 0\nf 1" + b"/" * 1_000_000 + b"\n",
    "continued.obj": b"v 0 0 0\nf \\\n" * 50_000,
    "hashes.off": b"#" * 1_000_000,
    "header.ply": b"ply\nformat ascii 1.0\n" + b"comment\n" * 100_000,
    "rows.ply": b"ply\nformat binary_little_endian 1.0\nelement e 200000\nproperty list uchar uchar l\n"
    b"element vertex 1\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    + b"\1\0"
    + b"\0" * 199_999,
    "lines.pcd": b"VERSION .7\n" + b"# comment\n" * 100_000,
    "nested.gltf": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("name", SLOW)
def test_repetition_takes_linear_time(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(SLOW[name])
    begin = time.perf_counter()
    with contextlib.suppress(CloudFileError):  # some of these are clouds of one point
        read_cloud(path)
    assert time.perf_counter() - begin < 5


@pytest.mark.parametrize("options", [{"mesh_points": 0}, {"seed": -1}, {"columns": 2}])
def test_impossible_arguments_are_a_mistake_of_the_caller(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "cloud.ply"
    path.write_bytes(ply())
    with pytest.raises(OptionError, match=f"{next(iter(options))} must be at least"):
        read_cloud(path, **options)


def test_one_point_is_a_cloud(tmp_path: Path) -> None:
    path = tmp_path / "one.xyz"
    path.write_text("0.1 0.2 0.3\n")
    points = read_cloud(path)
    assert points.dtype == np.float32 and points.shape == (1, 3)


def test_import_is_light() -> None:
    """Importing the readers pulls in no package but numpy (alone: not by way of `c2p_deploy`)."""
    code = (
        "import sys, types, numpy; before = set(sys.modules)\n"
        "package = types.ModuleType('c2p_deploy'); package.__path__ = [sys.argv[1]]\n"
        "sys.modules['c2p_deploy'] = package\n"
        "import c2p_deploy.io\n"
        "known = sys.stdlib_module_names | {'numpy', 'c2p_deploy'}\n"
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before} - known))"
    )
    folder = Path(sys.modules["c2p_deploy"].__path__[0])
    result = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"


def test_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    for name, content in {**LIES, "nan.xyz": b"nan nan nan\n", "inf.obj": b"v 1e999 0 0\nf 1 1 1\n"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CloudFileError):
            read_cloud(tmp_path / name)
    shutil.copy(__file__, tmp_path / "python.txt")
    assert_refused(tmp_path / "python.txt")
    assert capfd.readouterr() == ("", "")
    assert not [str(warning.message) for warning in recwarn]
