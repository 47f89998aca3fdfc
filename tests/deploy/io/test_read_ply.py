"""PLY: every variant reads to exact values, every damage is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.io import read_cloud
from io_files import CORNERS, POINTS, QUADS, UTM, assert_on_cube, assert_refused, ply

FORMS = ["ascii", "binary_little_endian", "binary_big_endian"]


def read(tmp_path: Path, content: bytes, **options: int) -> np.ndarray:
    path = tmp_path / "cloud.ply"
    path.write_bytes(content)
    return read_cloud(path, **options)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_points_are_exact(tmp_path: Path, form: str, newline: str) -> None:
    points = read(tmp_path, ply(form=form, newline=newline))
    assert points.dtype == np.float32
    assert points.flags.c_contiguous and points.flags.writeable
    np.testing.assert_array_equal(points, POINTS)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("before", "between"),
    [
        ([("uchar", "red"), ("short", "s")], [("double", "d")]),
        ([("list", "l")], []),
        ([], [("list", "l"), ("uint", "u")]),
        ([("list", "l"), ("list", "k")], [("list", "m")]),
    ],
    ids=["values", "list in front", "list between", "lists"],
)
def test_other_properties_are_passed_over(
    tmp_path: Path, form: str, before: list[tuple[str, str]], between: list[tuple[str, str]]
) -> None:
    np.testing.assert_array_equal(read(tmp_path, ply(form=form, before=before, between=between)), POINTS)


@pytest.mark.parametrize("form", FORMS)
def test_doubles_keep_their_precision(tmp_path: Path, form: str) -> None:
    points = read(tmp_path, ply(UTM, form=form, axis_type="double"))
    assert points.dtype == np.float64
    np.testing.assert_array_equal(points, UTM)


def test_large_coordinates_in_text_keep_their_precision_whatever_their_declared_type(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(tmp_path, ply(UTM, form="ascii", axis_type="float")), UTM)


@pytest.mark.parametrize("form", FORMS)
def test_integers_are_coordinates_too(tmp_path: Path, form: str) -> None:
    voxels = np.array([[1, 2, 3], [-4, 5, 60]])
    points = read(tmp_path, ply(voxels, form=form, axis_type="short"))
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, voxels)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("faces_first", [False, True])
@pytest.mark.parametrize("index_name", ["vertex_indices", "vertex_index", "corners"])
def test_meshes_are_sampled(tmp_path: Path, form: str, faces_first: bool, index_name: str) -> None:
    content = ply(CORNERS, QUADS, form=form, faces_first=faces_first, index_name=index_name)
    points = read(tmp_path, content, mesh_points=3000)
    assert points.shape == (3000, 3) and points.dtype == np.float32
    assert_on_cube(points)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("faces_first", [False, True])
def test_faces_of_mixed_size_give_the_same_shape(tmp_path: Path, form: str, faces_first: bool) -> None:
    mixed = [*QUADS[:3], [1, 2, 6], [1, 6, 5], *QUADS[4:], [0, 1], []]
    assert_on_cube(read(tmp_path, ply(CORNERS, mixed, form=form, faces_first=faces_first), mesh_points=3000))


@pytest.mark.parametrize("form", FORMS)
def test_lengths_of_lists_may_be_wide(tmp_path: Path, form: str) -> None:
    assert_on_cube(read(tmp_path, ply(CORNERS, QUADS, form=form, count_type="uint"), mesh_points=3000))


@pytest.mark.parametrize("form", FORMS)
def test_no_faces_means_a_cloud(tmp_path: Path, form: str) -> None:
    np.testing.assert_array_equal(read(tmp_path, ply(POINTS, [], form=form)), POINTS)


def test_a_body_that_begins_like_a_line_break_is_not_skipped(tmp_path: Path) -> None:
    points = np.frombuffer(b"\n\n\n\n" + POINTS.tobytes()[4:], np.float32).reshape(-1, 3)
    np.testing.assert_array_equal(read(tmp_path, ply(points)), points)
    np.testing.assert_array_equal(read(tmp_path, ply(points, newline="\r\n")), points)


def test_a_comment_broken_in_two_is_still_a_comment(tmp_path: Path) -> None:
    content = ply().replace(b"obj_info nothing", b"comment made by\nan exporter with a long name")
    np.testing.assert_array_equal(read(tmp_path, content), POINTS)


def test_nan_rows_are_left_out(tmp_path: Path) -> None:
    points = POINTS.copy()
    points[1, 2], points[2, 0] = np.nan, np.inf
    np.testing.assert_array_equal(read(tmp_path, ply(points)), POINTS[[0, 3]])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("faces", [None, QUADS], ids=["cloud", "mesh"])
def test_every_truncation_is_refused(tmp_path: Path, form: str, faces: list[list[int]] | None) -> None:
    points = POINTS if faces is None else CORNERS
    content = ply(points, faces, form=form)
    path = tmp_path / "cut.ply"
    # In text, cutting the last digits only changes a number: there, cut whole lines.
    ends = (
        [i for i, c in enumerate(content) if c == 10][:-1]
        if form == "ascii"
        else range(0, len(content) - 1, 3)
    )
    for end in ends:
        path.write_bytes(content[: max(end, 1)])
        assert_refused(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"ply\n", b"plx\n", ["'ply'"]),
        (b"end_header", b"end_heather", ["end_header"]),
        (b"format ascii 1.0\n", b"", ["no sense"]),
        (b"format ascii", b"format asci", ["no sense"]),
        (b"element vertex 8", b"element vertex -8", ["'-8'"]),
        (b"element vertex 8", b"element vertex 9999999999999999999999", ["not a whole number"]),
        (b"element vertex 8", b"element vertex 1000000000", ["1000000000 rows of vertex"]),
        (b"element face 6", b"element face 1000000000", ["1000000000 rows of face"]),
        (b"element vertex 8", b"element vertices 8", ["no vertex element"]),
        (b"property float z", b"property float w", ["x, y and z"]),
        (b"property float z", b"property quad z", ["no sense"]),
        (b"property float z", b"property list uchar float z", ["x, y and z"]),
        (b"property list uchar", b"property list float", ["length"]),
        (b"4 0 3 2 1", b"4 0 3 2 8", ["vertex 8"]),
        (b"4 0 3 2 1", b"4 0 3 2 -1", ["vertex -1"]),
        (b"4 0 3 2 1", b"4 0 3 2 1.5", ["whole numbers"]),
        (b"4 0 3 2 1", b"x 0 3 2 1", ["'x'"]),
        (b"4 0 3 2 1", b"5 0 3 2 1", ["incomplete"]),
        (b"4 0 3 2 1", b"4 0 3 two 1", ["two"]),
        (b"1.0 1.0 1.0", b"1.0 nil 1.0", ["nil", "row 6, column 2"]),
    ],
)
def test_malformed_text_is_refused(tmp_path: Path, old: bytes, new: bytes, words: list[str]) -> None:
    content = ply(CORNERS, QUADS, form="ascii")
    assert old in content
    path = tmp_path / "bad.ply"
    path.write_bytes(content.replace(old, new, 1))
    assert_refused(path, *words)


@pytest.mark.parametrize("count_type", ["uchar", "uint", "int"])
def test_list_lengths_beyond_the_file_are_refused(tmp_path: Path, count_type: str) -> None:
    content = bytearray(ply(CORNERS, QUADS, count_type=count_type))
    faces = len(ply(CORNERS, [], count_type=count_type))
    width = 1 if count_type == "uchar" else 4
    content[faces : faces + width] = b"\xff" * width  # of a signed type: a negative length
    path = tmp_path / "bad.ply"
    path.write_bytes(content)
    assert_refused(path, "row 0 is incomplete")


def test_an_empty_cloud_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.ply"
    path.write_bytes(ply(POINTS[:0]))
    assert_refused(path, "no points")
