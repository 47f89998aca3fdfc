"""PCD: every variant reads to exact values, every damage is refused."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.errors import MissingDependencyError
from c2p_deploy.io import read_cloud
from io_files import POINTS, UTM, assert_refused, lzf_literals, pcd

ENCODINGS = ["ascii", "binary", "binary_compressed"]
XYZ = [("x", "f4", 1), ("y", "f4", 1), ("z", "f4", 1)]


def read(tmp_path: Path, content: bytes) -> np.ndarray:
    path = tmp_path / "cloud.pcd"
    path.write_bytes(content)
    return read_cloud(path)


@pytest.mark.parametrize("data", ENCODINGS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_points_are_exact(tmp_path: Path, data: str, newline: str) -> None:
    points = read(tmp_path, pcd(data=data, newline=newline))
    assert points.dtype == np.float32
    assert points.flags.c_contiguous and points.flags.writeable
    np.testing.assert_array_equal(points, POINTS)


@pytest.mark.parametrize("data", ENCODINGS)
@pytest.mark.parametrize(
    "fields",
    [
        [
            ("intensity", "f4", 1),
            ("z", "f4", 1),
            ("x", "f4", 1),
            ("_", "u1", 4),
            ("y", "f4", 1),
            ("_", "u1", 3),
        ],
        [("x", "f4", 1), ("y", "f4", 1), ("z", "f4", 1), ("rgb", "u4", 1), ("vfh", "f4", 5)],
        [("vfh", "f4", 5), ("t", "f8", 1), *XYZ],
        [("x", "f8", 1), ("y", "f4", 1), ("z", "i2", 1)],
    ],
    ids=["any order", "behind", "in front", "mixed types"],
)
def test_other_fields_are_passed_over(tmp_path: Path, data: str, fields: list[tuple[str, str, int]]) -> None:
    whole = np.array([[0.5, -1.25, 2], [3, 4.5, -6]])  # z is an integer in one of the layouts
    np.testing.assert_array_equal(read(tmp_path, pcd(whole, data=data, fields=fields)), whole)


@pytest.mark.parametrize("data", ENCODINGS)
def test_doubles_keep_their_precision(tmp_path: Path, data: str) -> None:
    points = read(tmp_path, pcd(UTM, data=data, fields=[(a, "f8", 1) for a in "xyz"]))
    assert points.dtype == np.float64
    np.testing.assert_array_equal(points, UTM)


@pytest.mark.parametrize("data", ENCODINGS)
def test_organised_clouds_lose_their_nan_rows(tmp_path: Path, data: str) -> None:
    points = np.concatenate([POINTS, np.full((4, 3), np.nan, np.float32), POINTS[::-1]])
    content = pcd(points, data=data, header={"WIDTH": "4", "HEIGHT": "3"})
    np.testing.assert_array_equal(read(tmp_path, content), np.concatenate([POINTS, POINTS[::-1]]))


@pytest.mark.parametrize("data", ENCODINGS)
@pytest.mark.parametrize(
    "header",
    [{"POINTS": ""}, {"WIDTH": "", "HEIGHT": ""}, {"COUNT": ""}, {"VERSION": ".5", "VIEWPOINT": ""}],
    ids=["POINTS", "WIDTH", "COUNT", "version .5"],
)
def test_old_headers_may_lack_lines(tmp_path: Path, data: str, header: dict[str, str]) -> None:
    np.testing.assert_array_equal(read(tmp_path, pcd(data=data, header=header)), POINTS)


def test_back_references_decompress(tmp_path: Path) -> None:
    # 12 points whose coordinates are all 1.0: one literal float, then copies of what lies four bytes back
    planes = np.ones(36, "<f4").tobytes()
    packed = b"\x03" + planes[:4]
    left = len(planes) - 4
    while left:
        run = min(left, 264)
        assert run >= 9
        packed += bytes([0xE0, run - 9, 3])
        left -= run
    header = pcd(np.ones((12, 3), np.float32), data="binary_compressed").partition(b"compressed\n")
    content = header[0] + header[1] + struct.pack("<II", len(packed), len(planes)) + packed
    np.testing.assert_array_equal(read(tmp_path, content), np.ones((12, 3)))


@pytest.mark.parametrize("data", ENCODINGS)
def test_every_truncation_is_refused(tmp_path: Path, data: str) -> None:
    content = pcd(data=data)
    ends = (
        [i for i, c in enumerate(content) if c == 10][:-1]
        if data == "ascii"
        else range(0, len(content) - 1, 2)
    )
    path = tmp_path / "cut.pcd"
    for end in ends:
        path.write_bytes(content[: max(end, 1)])
        assert_refused(path)


@pytest.mark.parametrize("data", ENCODINGS)
@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"FIELDS": "x y"}, ["without x, y and z"]),
        ({"FIELDS": "x y w"}, ["without x, y and z"]),
        ({"FIELDS": ""}, ["differ in length"]),
        ({"SIZE": "4 4"}, ["differ in length"]),
        ({"SIZE": "4 4 3"}, ["F3"]),
        ({"SIZE": "4 4 -4"}, ["'-4'"]),
        ({"TYPE": "F F Q"}, ["Q4"]),
        ({"COUNT": "1 1 2"}, ["times 2"]),
        ({"COUNT": "1 1 0"}, ["times 0"]),
        ({"WIDTH": "5"}, ["contradicts itself"]),
        ({"HEIGHT": "7"}, ["contradicts itself"]),
        ({"WIDTH": "0", "POINTS": "0"}, ["no points"]),
        ({"WIDTH": "", "HEIGHT": "", "POINTS": ""}, ["without POINTS and WIDTH"]),
        ({"WIDTH": "1000000000", "POINTS": "1000000000"}, ["promises"]),
        ({"WIDTH": "31623", "HEIGHT": "31623", "POINTS": ""}, ["promises"]),
        ({"WIDTH": "99999999999999999999999", "POINTS": ""}, ["not a whole number"]),
        ({"DATA": "binary_squeezed"}, ["binary_squeezed"]),
    ],
)
def test_lying_headers_are_refused(
    tmp_path: Path, data: str, header: dict[str, str], words: list[str]
) -> None:
    path = tmp_path / "bad.pcd"
    path.write_bytes(pcd(data=data, header=header))
    message = assert_refused(path)
    # zero points of compressed data contradict the compressed size first
    assert data == "binary_compressed" or all(word in message for word in words), message


@pytest.mark.parametrize(
    ("packed", "unpacked"),
    [(10**9, 48), (48, 10**9), (50, 47), (50, 49), (0, 48), (2**32 - 1, 2**32 - 1)],
)
def test_lying_compressed_sizes_are_refused(tmp_path: Path, packed: int, unpacked: int) -> None:
    head, mark, body = pcd(data="binary_compressed").partition(b"compressed\n")
    path = tmp_path / "bad.pcd"
    path.write_bytes(head + mark + struct.pack("<II", packed, unpacked) + body[8:])
    assert_refused(path, "promises")


@pytest.mark.parametrize("stream", [b"\xe0\xff\x00" * 17, lzf_literals(b"\0" * 40), b"\x1f" * 50])
def test_corrupt_compressed_data_are_refused(tmp_path: Path, stream: bytes) -> None:
    head, mark, _ = pcd(data="binary_compressed").partition(b"compressed\n")
    path = tmp_path / "bad.pcd"
    path.write_bytes(head + mark + struct.pack("<II", len(stream), 48) + stream)
    assert_refused(path, "decompress")


def test_words_instead_of_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.pcd"
    path.write_bytes(pcd(data="ascii").replace(b"4.5", b"four"))
    assert_refused(path, "four")


def test_without_the_decoder_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lzf", None)
    path = tmp_path / "cloud.pcd"
    path.write_bytes(pcd(data="binary_compressed"))
    with pytest.raises(MissingDependencyError, match=r"^.*cloud\.pcd: .*pip install python-neo-lzf"):
        read_cloud(path)
    path.write_bytes(pcd(data="binary"))
    assert len(read_cloud(path)) == 4
