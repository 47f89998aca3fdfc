"""OFF, OBJ and STL, and what happens to faces of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.io import read_cloud
from c2p_deploy.io.meshes.sample import sample_mesh
from c2p_deploy.io.meshes.triangulate import triangulate
from io_files import CORNERS, POINTS, assert_on_cube, assert_refused, cube_triangles, obj, off, stl, stl_text


def write(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


VARIANTS = {
    "plain.off": off(),
    "glued.off": off("OFF"),  # ModelNet: OFF8 6 12
    "same line.off": off("OFF "),
    "colour.off": off("COFF\n", vertex_tail=" 255 0 0 255", face_tail=" 0.5 0.5 0.5"),
    "normal.off": off("NOFF\n", vertex_tail=" 0 0 1"),
    "all.off": off("STCNOFF\n", vertex_tail=" 0 0 1 255 0 0 255 0.5 0.5"),
    "two counts.off": off(counts="8 6"),
    "crlf.off": off().replace(b"\n", b"\r\n"),
    "comments.off": b"# first\n\n" + off("OFF # a cube\n# more\n\n", vertex_tail=" # see\n", face_tail=" #"),
    "a comment.off": off().replace(b"\n4 0 1", b" # see\n4 0 1"),
    "mark.off": b"\xef\xbb\xbf" + off(),
    "plain.obj": obj(),
    "texture.obj": obj(corner="{0}/1"),
    "normal.obj": obj(corner="{0}//1"),
    "both.obj": obj(corner="{0}/1/1"),
    "open.obj": obj(corner="{0}/1/"),
    "negative.obj": obj(offset=-8),
    "colour.obj": obj(vertex_tail=" 0.5 0.5 0.5"),
    "weight.obj": obj(vertex_tail=" 1.0"),
    "crlf.obj": obj().replace(b"\n", b"\r\n"),
    "tabs.obj": obj().replace(b"v ", b" v\t").replace(b"f ", b"\tf\t"),
    "continued.obj": obj().replace(b"f 1 4", b"f 1 \\\n4"),
    "utf16le.obj": obj().decode().encode("utf-16"),
    "utf16be.obj": b"\xfe\xff" + obj().decode().encode("utf-16-be"),
    "binary.stl": stl(),
    "binary that says solid.stl": stl(b"solid like text"),
    "binary with more behind.stl": stl() + b"trailing bytes",
    "binary that says solid with more behind.stl": stl(b"solid like text") + b"trailing bytes",
    "text.stl": stl_text(),
    "crlf.stl": stl_text(newline="\r\n"),
    "solids.stl": stl_text(cube_triangles()[:5])
    + b"solid nothing\nendsolid\n"
    + stl_text(cube_triangles()[5:]).upper(),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_cube_is_a_cube(tmp_path: Path, name: str) -> None:
    points = read_cloud(write(tmp_path, name, VARIANTS[name]), mesh_points=3000)
    assert points.shape == (3000, 3) and points.dtype == np.float32
    assert_on_cube(points)


def test_faces_count_back_from_where_they_stand(tmp_path: Path) -> None:
    """Negative indices in OBJ: each face means the vertices just above it, not the last of the file."""
    one = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\n"
    two = b"v 0 0 9\nv 1 0 9\nv 0 1 9\nf -3 -2 -1\n"
    points = read_cloud(write(tmp_path, "two.obj", one + two), mesh_points=2000)
    assert set(points[:, 2].tolist()) == {0.0, 9.0}
    assert 0.45 < np.mean(points[:, 2] == 0) < 0.55


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cloud.off", b"OFF\n4 0 0\n" + b"".join(b"%r %r %r\n" % tuple(p) for p in POINTS.tolist())),
        ("cloud.obj", b"".join(b"v %r %r %r\nvn 0 0 1\n" % tuple(p) for p in POINTS.tolist())),
        ("lines.obj", b"".join(b"v %r %r %r\n" % tuple(p) for p in POINTS.tolist()) + b"l 1 2 3\np 4\n"),
    ],
)
def test_vertices_without_faces_are_a_cloud(tmp_path: Path, name: str, content: bytes) -> None:
    np.testing.assert_array_equal(read_cloud(write(tmp_path, name, content)), POINTS)


def test_a_mesh_without_area_is_its_vertices(tmp_path: Path) -> None:
    content = b"v 0 0 0\nv 1 1 1\nv 2 2 2\nv 3 3 4\nf 1 2 3\nf 4 4 4\n"
    points = read_cloud(write(tmp_path, "line.obj", content))
    np.testing.assert_array_equal(points, [[0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 4]])


def test_faces_with_a_nan_corner_are_left_out(tmp_path: Path) -> None:
    triangles = cube_triangles().copy()
    triangles[0, 1, 2] = np.nan
    points = read_cloud(write(tmp_path, "hole.stl", stl(triangles=triangles)))
    assert len(points) == 8192 and np.isfinite(points).all()
    assert 0.03 < np.mean(points[:, 2] == 0) < 0.15  # one of the two triangles at z = 0 is gone: 1 of 11


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.off", b"OFF\n", ["no vertex and face counts"]),
        ("a.off", b"OOFF\n8 6 12\n", ["begin with OFF"]),
        ("a.off", off(counts="8 7 12"), ["7 faces"]),
        ("a.off", off(counts="1000000000 6 0"), ["1000000000 vertices"]),
        ("a.off", off(counts="8 1000000000 0"), ["1000000000 faces"]),
        ("a.off", off(counts="8"), ["one count"]),
        ("a.off", off(counts="8 -6 0"), ["'-6'"]),
        ("a.off", off(counts="8.0 6 0"), ["'8.0'"]),
        ("a.off", off(counts="7 6 0"), ["corners"]),
        ("a.off", off("4OFF\n"), ["three dimensions"]),
        ("a.off", off("OFF BINARY\n"), ["binary OFF"]),
        ("a.off", off().replace(b"4 0 3 2 1", b"4 0 3 2 8"), ["vertex 8"]),
        ("a.off", off().replace(b"4 0 3 2 1", b"4 0 3 2 -1"), ["vertex -1"]),
        ("a.off", off().replace(b"4 0 3 2 1", b"5 0 3 2 1"), ["5 corners"]),
        ("a.off", off().replace(b"4 0 3 2 1", b"4 0 3 2 1.5"), ["1.5"]),
        ("a.off", off().replace(b"1.0 1.0 1.0", b"1.0 1.0"), ["2 columns"]),
        ("a.obj", b"# nothing\n", ["no OBJ vertices"]),
        ("a.obj", obj().replace(b"f 1 4", b"f 0 4"), ["vertex 0"]),
        ("a.obj", obj().replace(b"f 1 4", b"f 9 4"), ["vertex 8 (from 0)"]),
        ("a.obj", obj().replace(b"f 1 4", b"f -9 4"), ["vertex -1"]),
        ("a.obj", obj().replace(b"f 1 4", b"f 99999999999999999999 4"), ["not the numbers"]),
        ("a.obj", obj().replace(b"f 1 4", b"f one 4"), ["one"]),
        ("a.obj", obj().replace(b"v 1.0 1.0 1.0", b"v 1.0 1.0"), ["3 columns"]),
        ("a.obj", obj().replace(b"v 1.0 1.0 1.0", b"v 1.0 x 1.0"), ["'x'"]),
        ("a.obj", b"\xff\xfe\x00\xd8" + b"v\0", ["UTF-16"]),
        ("a.stl", stl()[:-1], ["promises 12", "11 are there"]),
        ("a.stl", stl()[:84], ["promises 12", "0 are there"]),
        ("a.stl", stl()[:50], ["neither"]),
        ("a.stl", stl()[:80] + b"\xff\xff\xff\xff" + stl()[84:], ["promises 4294967295"]),
        ("a.stl", stl(triangles=cube_triangles()[:0]), ["no points"]),
        ("a.stl", stl_text().rpartition(b"endsolid")[0], ["endsolid"]),
        ("a.stl", stl_text().replace(b"      vertex 1.0 1.0 1.0\n", b"", 1), ["corners in 12"]),
        ("a.stl", stl_text().replace(b"vertex 1.0 1.0 1.0", b"vertex 1.0 1.0"), ["not the numbers"]),
        ("a.stl", b"solid nothing\nendsolid nothing\n", ["no points"]),
    ],
)
def test_damage_is_refused(tmp_path: Path, name: str, content: bytes, words: list[str]) -> None:
    assert_refused(write(tmp_path, name, content), *words)


@pytest.mark.parametrize("name", ["a.off", "a.stl", "b.stl"])
def test_every_truncation_is_refused(tmp_path: Path, name: str) -> None:
    content = {"a.off": off(), "a.stl": stl_text(), "b.stl": stl()}[name]
    if name == "b.stl":
        ends = list(range(1, len(content), 7))
    else:
        # A last line may be cut within; OFF needs its last number, text STL only the word endsolid.
        last = content.rindex(b"endsolid") + 3 if name == "a.stl" else content.rindex(b" ")
        ends = list(range(1, last, 7))
    for end in ends:
        assert_refused(write(tmp_path, name, content[:end]))


def area(points: np.ndarray, triangles: np.ndarray) -> float:
    a, b, c = np.moveaxis(points[triangles].astype(np.float64), 1, 0)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


L_SHAPE = [(0, 0), (3, 0), (3, 1), (1, 1), (1, 3), (0, 3)]  # area 5
PLUS = [
    (1, 0),
    (2, 0),
    (2, 1),
    (3, 1),
    (3, 2),
    (2, 2),
    (2, 3),
    (1, 3),
    (1, 2),
    (0, 2),
    (0, 1),
    (1, 1),
]  # area 5
ARROW = [(0, 0), (2, -1), (0, 3), (-2, -1)]  # a quad with a reflex corner, area 6
COMB = [
    (0, 0),
    (7, 0),
    (7, 3),
    (6, 3),
    (6, 1),
    (5, 1),
    (5, 3),
    (4, 3),
    (4, 1),
    (3, 1),
    (3, 3),
    (2, 3),
    (2, 1),
    (1, 1),
]
COMB += [(1, 3), (0, 3)]  # area 7 + 4 * 2


@pytest.mark.parametrize(("outline", "expected"), [(L_SHAPE, 5), (PLUS, 5), (ARROW, 6), (COMB, 15)])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("plane", [0, 1, 2])
def test_concave_polygons_are_covered_exactly(
    outline: list[tuple[int, int]], expected: float, reverse: bool, plane: int
) -> None:
    flat = np.array(outline[::-1] if reverse else outline, np.float64)
    points = np.insert(flat, plane, 0.3 * flat[:, 0] + 1000, axis=1)  # a slanted plane, far out
    slant = np.sqrt(1 + 0.3**2)
    for turn in range(len(outline)):
        corners = np.roll(np.arange(len(outline)), turn)
        triangles = triangulate(corners, np.array([len(outline)]), points)
        assert triangles.shape == (len(outline) - 2, 3)
        assert area(points, triangles) == pytest.approx(expected * slant)  # no overlap, nothing outside


def test_polygons_of_all_kinds_stay_in_order() -> None:
    points = np.array([[x, y, 0] for x, y in [*PLUS, *ARROW, *L_SHAPE]], np.float64)
    rings = [
        [0, 1, 2],
        list(range(12)),
        [3, 4],
        list(range(12, 16)),
        [],
        [5],
        list(range(16, 22)),
        [0, 1, 2, 3],
    ]
    corners, counts = (
        np.concatenate([np.array(r, np.int64) for r in rings]),
        np.array([len(r) for r in rings]),
    )
    triangles = triangulate(corners, counts, points)
    assert [len(r) - 2 for r in rings if len(r) > 2] == [1, 10, 2, 4, 2]
    parts = np.split(triangles, np.cumsum([1, 10, 2, 4]))
    assert [pytest.approx(area(points, part)) for part in parts] == [0.5, 5, 6, 5, 0.5 + 0.5]
    for part, ring in zip(parts, [r for r in rings if len(r) > 2], strict=True):
        assert set(part.ravel().tolist()) == set(ring)


def test_a_polygon_that_crosses_itself_still_ends() -> None:
    star = np.array([[np.sin(4 * np.pi * i / 5), np.cos(4 * np.pi * i / 5), 0] for i in range(5)])
    knot = np.random.default_rng(0).normal(size=(300, 3))
    for points in (star, knot, knot * np.nan, knot * 1e200, knot * 0):
        with np.errstate(all="ignore"):
            triangles = triangulate(np.arange(len(points)), np.array([len(points)]), points)
        assert triangles.shape == (len(points) - 2, 3)


def test_samples_are_uniform_by_area() -> None:
    """Two triangles of area 1 and 3: counts and means are what uniformity demands."""
    points = np.array([[0, 0, 0], [2, 0, 0], [0, 1, 0], [10, 0, 0], [10, 3, 0], [12, 0, 0]], np.float64)
    triangles = np.array([[0, 1, 2], [3, 4, 5]])
    drawn = sample_mesh(points, triangles, 40000, seed=1)
    first = drawn[:, 0] < 5
    assert first.mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_allclose(drawn[first].mean(axis=0), points[:3].mean(axis=0), atol=0.02)
    np.testing.assert_allclose(drawn[~first].mean(axis=0), points[3:].mean(axis=0), atol=0.03)
    # within a triangle: a quarter of the points in each of its four congruent parts
    weight = 1 - drawn[first, 0] / 2 - drawn[first, 1]
    parts = [weight > 0.5, drawn[first, 0] > 1, drawn[first, 1] > 0.5]
    np.testing.assert_allclose([part.mean() for part in parts], 0.25, atol=0.02)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_samples_do_not_depend_on_the_unit(scale: float) -> None:
    triangles = np.arange(36).reshape(-1, 3)
    cube = cube_triangles().reshape(-1, 3).astype(np.float64)
    np.testing.assert_allclose(
        sample_mesh(cube * scale, triangles, 500, 3) / scale, sample_mesh(cube, triangles, 500, 3), rtol=1e-12
    )


def test_the_seed_decides_to_the_bit(tmp_path: Path) -> None:
    path = write(tmp_path, "cube.off", off())
    first = read_cloud(path, seed=7)
    assert first.shape == (8192, 3)
    assert first.tobytes() == read_cloud(path, seed=7).tobytes()
    assert first.tobytes() != read_cloud(path, seed=8).tobytes()


def test_samples_keep_large_offsets(tmp_path: Path) -> None:
    lines = [f"v {500000 + x} {4649776 + y} {z}" for x, y, z in CORNERS.tolist()]
    points = read_cloud(write(tmp_path, "utm.obj", ("\n".join(lines) + "\nf 1 2 3 4\n").encode()))
    assert points.dtype == np.float64
    local = points - [500000, 4649776, 0]
    assert local.min() >= 0 and local.max() <= 1
    assert len(np.unique(local[:, 0])) > 8000  # float32 would leave 33 different values
