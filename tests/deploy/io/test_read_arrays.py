"""NPY, NPZ, raw float32 and LAS."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from c2p_deploy.errors import MissingDependencyError
from c2p_deploy.io import read_cloud
from io_files import POINTS, UTM, assert_refused, las

RNG = np.random.default_rng(0)


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def write(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


# --- NPY and NPZ


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8", "<f2", "<i4", "<i8", "<i2", "u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_is_exact(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.array([[1, 2, 3, 99], [40, 50, 60, 99]]).astype(dtype, order=order)
    points = read_cloud(write(tmp_path, "a.npy", npy(array)))
    assert points.dtype == (np.float64 if dtype.endswith("f8") else np.float32)
    assert points.dtype.isnative and points.flags.c_contiguous and points.flags.writeable
    np.testing.assert_array_equal(points, [[1, 2, 3], [40, 50, 60]])


def test_npy_keeps_large_integers(tmp_path: Path) -> None:
    array = np.array([[500000123, 4649776337, 1], [500000124, 4649776338, 2]])
    np.testing.assert_array_equal(read_cloud(write(tmp_path, "a.npy", npy(array))), array)


def test_npy_of_records(tmp_path: Path) -> None:
    table = np.zeros(4, [("t", "<f8"), ("z", "<f4"), ("y", "<f4"), ("x", "<f4"), ("ring", "u1")])
    table["x"], table["y"], table["z"] = POINTS.T
    points = read_cloud(write(tmp_path, "a.npy", npy(table)))
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, POINTS)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("shape", ["points", "only one"])
def test_npz_finds_its_points(tmp_path: Path, save: object, shape: str) -> None:
    assert callable(save)
    others = {"labels": np.arange(4), "colour": np.zeros((4, 2)), "image": np.zeros((8, 8, 3))}
    arrays = others | ({"points": POINTS, "normals": POINTS} if shape == "points" else {"cloud": POINTS})
    save(tmp_path / "a.npz", **arrays)
    np.testing.assert_array_equal(read_cloud(tmp_path / "a.npz"), POINTS)


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("a pickle was opened",))


def with_header(
    shape: str, descr: str = "'<f4'", version: bytes = b"\x01\x00", body: bytes = b"\0" * 48
) -> bytes:
    """An NPY file whose header says what it is told to."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    length = struct.pack("<H" if version[0] == 1 else "<I", len(text) + 1)
    return b"\x93NUMPY" + version + length + text + b"\n" + body


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (with_header("(1000000000, 3)"), "promises an array of shape (1000000000, 3)"),
        (with_header("(4611686018427387904, 4)"), "promises an array"),  # overflows to 0 in 64 bits
        (with_header("(5, 3)"), "promises"),
        (with_header("(-4, 3)"), "promises"),
        (with_header("(4, -3)"), "shape (4, -3)"),
        (with_header("(0, 3)"), "no points"),
        (with_header("(12,)"), "shape (12,)"),
        (with_header("(2, 2, 3)"), "shape (2, 2, 3)"),
        (with_header("(6, 2)"), "shape (6, 2)"),
        (with_header("(3, 1024)", body=b"\0" * 12288), "shape (3, 1024)"),  # coordinates in rows
        (with_header("()"), "shape ()"),
        (with_header("(4, 3)", "'|O'"), "Python objects"),
        (with_header("(4, 3)", "'<c8'"), "complex64"),
        (with_header("(4, 3)", "'<U1'"), "str"),
        (with_header("(4, 3)", "'|b1'"), "bool"),
        (with_header("(4,)", "[('x', '<f4'), ('y', '<f4')]"), "('x', 'y')"),
        (with_header("(4, 3)", "'<f5'"), "no sense"),
        (with_header("__import__('os')"), "no sense"),
        (with_header("(4, 3)", version=b"\x09\x00"), "version"),
        (with_header("(4, 3)", version=b"\x02\x00")[:9], "no sense"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "no sense"),
        (b"\x93NUM", "no sense"),
        (npy(np.array([Trap()], dtype=object)), "Python objects"),
        (npy(np.full((4, 3), np.nan)), "none of them finite"),
    ],
)
def test_npy_lies_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    assert_refused(write(tmp_path, "a.npy", content), words)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("points.npy", content)
    assert_refused(write(tmp_path, "a.npz", archive.getvalue()), words)


def test_npz_without_clear_points_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=POINTS, b=POINTS)
    assert_refused(path, "2 arrays that could be points", "a, b")
    np.savez(path, a=np.arange(3))
    assert_refused(path, "0 arrays")
    np.savez(path, a=np.array([Trap()]))
    assert_refused(path, "0 arrays")


@pytest.mark.parametrize("name", ["points.npy", "other.npy"])
def test_zip_bombs_are_not_unpacked(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, with_header("(10000000, 3)", body=b"\0" * 120_000_000))
        if name == "other.npy":
            file.writestr("points.npy", npy(POINTS))
    assert path.stat().st_size < 200_000
    if name == "points.npy":
        assert_refused(path, "claims that")
    else:
        np.testing.assert_array_equal(read_cloud(path), POINTS)


@pytest.mark.parametrize("end", [10, 30, 60, 200, -1, -30])
def test_cut_npz_is_refused(tmp_path: Path, end: int) -> None:
    np.savez(tmp_path / "whole.npz", points=POINTS)
    assert_refused(write(tmp_path, "a.npz", (tmp_path / "whole.npz").read_bytes()[:end]))


# --- raw float32


def raw(rows: np.ndarray) -> bytes:
    return rows.astype("<f4").tobytes()


def scan(columns: int, count: int) -> np.ndarray:
    """Points around a sensor, with the attributes that data sets with that many columns give them."""
    rng = np.random.default_rng(count)
    angle = rng.uniform(0, 2 * np.pi, count)
    reach = rng.uniform(2, 40, count)
    points = np.stack([reach * np.cos(angle), reach * np.sin(angle), rng.uniform(-2, 1.5, count)], axis=1)
    attributes = {
        3: [],
        4: [rng.uniform(0, 1, count)],
        5: [rng.integers(0, 256, count), np.arange(count) % 32],
        6: [rng.integers(0, 256, count) for _ in range(3)],
    }[columns]
    return np.column_stack([points, *attributes])


@pytest.mark.parametrize("columns", [3, 4, 5, 6])
@pytest.mark.parametrize("count", [4200, 20000, 20160])
def test_columns_of_raw_points_are_inferred(tmp_path: Path, columns: int, count: int) -> None:
    rows = scan(columns, count)  # all three counts divide by 4, 5 and 6: only the values can tell
    points = read_cloud(write(tmp_path, "a.bin", raw(rows)))
    assert points.dtype == np.float32 and points.flags.writeable
    np.testing.assert_array_equal(points, rows[:, :3].astype(np.float32))


@pytest.mark.parametrize("columns", [4, 6])
def test_normals_and_unit_colours_are_attributes(tmp_path: Path, columns: int) -> None:
    rows = scan(3, 4200)
    attributes = RNG.uniform(0, 1, (len(rows), 3)) if columns == 4 else RNG.normal(size=(len(rows), 3))
    if columns == 6:
        attributes /= np.linalg.norm(attributes, axis=1, keepdims=True)
    points = read_cloud(write(tmp_path, "a.bin", raw(np.column_stack([rows, attributes]))))
    np.testing.assert_array_equal(points, rows.astype(np.float32))


def test_columns_can_be_given(tmp_path: Path) -> None:
    rows = RNG.normal(size=(60, 7))
    path = write(tmp_path, "a.bin", raw(rows))
    np.testing.assert_array_equal(read_cloud(path, columns=7), rows[:, :3].astype(np.float32))
    rows[3, 1] = np.nan
    path = write(tmp_path, "a.bin", raw(rows))
    np.testing.assert_array_equal(
        read_cloud(path, columns=7), np.delete(rows, 3, 0)[:, :3].astype(np.float32)
    )
    assert_refused(path, "420 values", columns=8)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\0" * 13, "13 bytes"),
        (raw(RNG.uniform(0, 1, (5040, 3))), "may hold points of 3 or 4 or 5 or 6"),  # could be anything
        (raw(RNG.normal(size=(60, 3))), "do not look like points"),  # too few to tell
        (raw(scan(4, 12)[:, :3]), "do not look like points"),
        (raw(np.column_stack([scan(4, 8400), RNG.normal(size=(8400, 4))])), "do not look like points"),
        (raw(RNG.normal(size=(7, 1))), "do not look like points"),
        (np.arange(1200, dtype="<i4").tobytes(), "does not look like float32"),
        (RNG.normal(size=(1200, 3)).tobytes(), "does not look like float32"),  # doubles
        (raw(np.full((1200, 4), np.nan)), "does not look like float32"),
        (raw(np.full((1200, 4), 1e20)), "does not look like float32"),
    ],
)
def test_doubtful_raw_points_ask_for_columns(tmp_path: Path, content: bytes, words: str) -> None:
    message = assert_refused(write(tmp_path, "a.bin", content), words)
    assert "columns" in message or len(content) == 13


@settings(max_examples=40)
@given(
    array=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 60), st.integers(3, 9)),
        elements=st.floats(-1e4, 1e4, width=32) | st.sampled_from([np.nan, np.inf]),
    )
)
def test_given_columns_always_win(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray) -> None:
    path = tmp_path_factory.getbasetemp() / "given.bin"
    path.write_bytes(raw(array))
    expected = array[np.isfinite(array[:, :3]).all(axis=1), :3]
    if len(expected):
        np.testing.assert_array_equal(read_cloud(path, columns=array.shape[1]), expected)
    else:
        assert_refused(path, "none of them finite", columns=array.shape[1])


# --- LAS and LAZ


@pytest.mark.parametrize(
    ("minor", "kind", "size"), [(0, 0, 20), (2, 1, 28), (2, 3, 34), (4, 6, 30), (4, 7, 40)]
)
def test_las_keeps_millimetres(tmp_path: Path, minor: int, kind: int, size: int) -> None:
    points = read_cloud(write(tmp_path, "a.las", las(minor=minor, kind=kind, point_size=size)))
    assert points.dtype == np.float64
    np.testing.assert_allclose(points, UTM, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"LASF", "complete LAS header"),
        (las()[:226], "complete LAS header"),
        (las()[:-1], "promises 3 points"),
        (las(count=2**32 - 1), "promises 4294967295 points"),
        (las(minor=4, count=2**63), "promises 9223372036854775808 points"),
        (las(count=0), "no points"),
        (las(minor=7), "version 1.7"),
        (las(point_size=10), "contradict"),
        (las()[:94] + b"\xff\xff" + las()[96:], "contradict"),
        (las()[:96] + b"\xff\xff\xff\xff" + las()[100:], "contradict"),
        (las()[:100] + b"\xff\xff\xff\xff" + las()[104:], "contradict"),
        (las(minor=4)[:243] + b"\xff\xff\xff\xff" + las(minor=4)[247:], "beyond its end"),
    ],
)
def test_las_lies_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    assert_refused(write(tmp_path, "a.las", content), words)


def test_las_and_laz_equal_laspy(tmp_path: Path) -> None:
    laspy = pytest.importorskip("laspy", reason="needs laspy[lazrs]")
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.scales, header.offsets = [0.001] * 3, [500000, 4649776, 0]
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = np.tile(UTM, (500, 1)).T + RNG.uniform(0, 10, (3, 1500))
    for name in ("a.las", "a.laz"):
        cloud.write(tmp_path / name)
        points = read_cloud(tmp_path / name)
        assert points.dtype == np.float64
        np.testing.assert_array_equal(points, cloud.xyz)
    whole = (tmp_path / "a.laz").read_bytes()
    for end in (200, 300, 400, 500, len(whole) // 2, len(whole) - 100):
        assert_refused(write(tmp_path, "cut.laz", whole[:end]))
    lie = bytearray(whole)
    struct.pack_into("<Q", lie, 247, 10**12)
    assert_refused(write(tmp_path, "lie.laz", bytes(lie)), "promises 1000000000000 points")
    struct.pack_into("<Q", lie, 247, 1501)
    assert_refused(write(tmp_path, "lie.laz", bytes(lie)))


def test_laz_without_laspy_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "laspy", None)
    compressed = bytearray(las())
    compressed[104] |= 0x80
    path = write(tmp_path, "a.laz", bytes(compressed))
    with pytest.raises(MissingDependencyError, match=r"^.*a\.laz: .*; pip install .*\[las\]', or save"):
        read_cloud(path)
    assert len(read_cloud(write(tmp_path, "a.las", las()))) == 3  # uncompressed needs no package
