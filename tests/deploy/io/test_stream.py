"""A cloud out of a pipe: its first bytes tell the format."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.errors import C2PError, CloudFileError, OptionError
from c2p_deploy.io import read_cloud, read_stream
from paths import REPOSITORY

CLOUDS = sorted((REPOSITORY / "examples" / "clouds").iterdir())


@pytest.mark.parametrize("file", CLOUDS, ids=lambda file: file.name)
def test_every_format_is_told_from_its_first_bytes(file: Path) -> None:
    options = {"columns": 4} if file.suffix == ".bin" else {}
    with file.open("rb") as stream:
        found = read_stream(stream, seed=3, mesh_points=100, **options)
    np.testing.assert_array_equal(found, read_cloud(file, seed=3, mesh_points=100, **options))


def binary_stl(header: bytes) -> bytes:
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes()
    return header.ljust(80, b"\0") + struct.pack("<I", 1) + bytes(12) + corners + bytes(2)


ASCII_STL = b"solid a\nfacet normal 0 0 1\nouter loop\n" + b"vertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n"


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (binary_stl(b"made by a test"), "stl"),
        (binary_stl(b"solid, as some programs begin"), "stl"),
        (ASCII_STL + b"endloop\nendfacet\nendsolid\n", "stl"),
        (b"# comment\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "obj"),
        (b"COFF\n1 0 0\n1 2 3 0 0 0 0\n", "off"),
        (b"# made by hand\nVERSION .7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 1\nHEIGHT 1\n"
         b"POINTS 1\nDATA ascii\n1 2 3\n", "pcd"),
        ("x,y,z\n1,2,3\n".encode("utf-16"), "csv"),
        (b"1;2;3\n4;5;6\n", "txt"),
    ],
)  # fmt: skip
def test_what_begins_otherwise_is_told_too(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    np.testing.assert_array_equal(read_stream(io.BytesIO(content)), read_cloud(path))


def test_more_than_one_piece_is_read(tmp_path: Path) -> None:
    points = np.random.default_rng(0).random((200_000, 3), np.float32)
    np.save(tmp_path / "a.npy", points)
    with (tmp_path / "a.npy").open("rb") as stream:
        np.testing.assert_array_equal(read_stream(stream), points)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"words\nand words\n", "and words"),
        (b"\x89PNG\r\n", "is a PNG image, no point cloud; convert it"),
        (b"version https://git-lfs", "is a Git LFS pointer, no point cloud; fetch the file itself"),
        (bytes(range(128)), "has no format that its first bytes tell; save it under its suffix"),
        (b"ply\nformat ascii 1.0\n", "standard input: "),
    ],
)
def test_what_is_no_cloud_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(C2PError) as caught:
        read_stream(io.BytesIO(content))
    assert str(caught.value).startswith("standard input: ") and words in str(caught.value)


def test_limits_hold_in_a_pipe_too() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"1 2 3\n" * (size // 6)

    with pytest.raises(CloudFileError, match=r"^standard input: holds more than 5000000 bytes"):
        read_stream(Endless(), max_bytes=5_000_000)
    with pytest.raises(OptionError, match="mesh_points"):
        read_stream(io.BytesIO(b"1 2 3\n"), mesh_points=0)
