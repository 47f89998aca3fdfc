"""Rows of text: any delimiter, any header, exact values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from c2p_deploy.io import read_cloud
from io_files import POINTS, UTM, assert_refused

ROWS = ["0.5 -1.25 2", "3 4.5 -5.75", "-6.5 0.125 8", "1 2 3.5"]


def read(tmp_path: Path, content: str | bytes, name: str = "cloud.txt") -> np.ndarray:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_cloud(path)


@pytest.mark.parametrize("suffix", ["xyz", "txt", "csv", "asc", "pts", "XYZ"])
@pytest.mark.parametrize("mark", [" ", "\t", ",", ", ", ";", " ; ", "   "])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_points_are_exact(tmp_path: Path, suffix: str, mark: str, newline: str) -> None:
    text = newline.join(row.replace(" ", mark) for row in ROWS)
    for content in (text, text + newline, newline + text + newline + newline):
        points = read(tmp_path, content, f"cloud.{suffix}")
        assert points.dtype == np.float32 and points.flags.c_contiguous
        np.testing.assert_array_equal(points, POINTS)


HEADED = {
    "x y z": "x y z\n" + "\n".join(ROWS),
    "upper": "X,Y,Z\n" + "\n".join(ROWS).replace(" ", ","),
    "other order": "z,intensity,x,y\n" + "\n".join(f"{z},9,{x},{y}" for x, y, z in POINTS.tolist()),
    "words beside": "id;name;x;y;z\n" + "\n".join("1;my chair;" + r.replace(" ", ";") for r in ROWS),
    "index column": ",x,y,z\n" + "\n".join(f"{i},{r.replace(' ', ',')}" for i, r in enumerate(ROWS)),
    "quoted": '"x","y","z"\n' + "\n".join('"' + r.replace(" ", '","') + '"' for r in ROWS),
    "ParaView": '"Normals:0","Points:0","Points:1","Points:2"\n'
    + "\n".join("1," + r.replace(" ", ",") for r in ROWS),
    "units": "X [m],Y [m],Z (m)\n" + "\n".join(ROWS).replace(" ", ","),
    "CloudCompare": "//X Y Z R G B\n" + "\n".join(f"{r} 1 2 3" for r in ROWS),
    "comment": "# made by a test\n# x y z\n" + "\n".join(ROWS),
    "comment that orders": "# z y x\n" + "\n".join(" ".join(r.split()[::-1]) for r in ROWS),
    "prefixes": "pos_x pos_y pos_z w\n" + "\n".join(f"{r} 4" for r in ROWS),
    "beside normals": "nx,ny,nz,PointX,PointY,PointZ\n"
    + "\n".join(f"0,0,1,{r.replace(' ', ',')}" for r in ROWS),
    "suffixes": "t;x_mm;y_mm;z_mm\n" + "\n".join("7;" + r.replace(" ", ";") for r in ROWS),
    "words for axes": "id,Easting,Northing,Elevation\n" + "\n".join(f"1,{r.replace(' ', ',')}" for r in ROWS),
    "a title of other length": "exported by a scanner\n" + "\n".join(ROWS),
    "a title": "Scan 7 of the hall\n" + "\n".join(ROWS),
    "count": "4\n" + "\n".join(f"{r} -1200 255 0 0" for r in ROWS),
    "Excel": "sep=;\nx;y;z\n" + "\n".join(ROWS).replace(" ", ";"),
    "decimal commas": "x;y;z\n" + "\n".join(ROWS).replace(" ", ";").replace(".", ",").replace("3;", "3,0;"),
    "trailing comment": "\n".join(f"{r} # seen" for r in ROWS),
    "trailing commas": "\n".join(f"{r.replace(' ', ',')}," for r in ROWS),
    "exponents": "5e-1 -1.25E+0 2.\n+3 45e-1 -5.75\n-6.5 .125 8\n1 2 3.5\n",
    "byte order mark": "\ufeffx y z\n" + "\n".join(ROWS),
}


@pytest.mark.parametrize("name", HEADED)
def test_headers_are_honoured(tmp_path: Path, name: str) -> None:
    np.testing.assert_array_equal(read(tmp_path, HEADED[name]), POINTS)


def test_utf16_is_text_too(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(tmp_path, ("x y z\r\n" + "\r\n".join(ROWS)).encode("utf-16")), POINTS)


def test_nan_rows_are_left_out(tmp_path: Path) -> None:
    rows = [ROWS[0], "nan nan nan", ROWS[1], "1 NaN 2", "inf 0 0", "1e999 0 0", *ROWS[2:]]
    np.testing.assert_array_equal(read(tmp_path, "\n".join(rows)), POINTS)


def test_large_coordinates_keep_their_precision(tmp_path: Path) -> None:
    points = read(tmp_path, "\n".join(f"{x:.3f} {y:.3f} {z:.2f}" for x, y, z in UTM))
    assert points.dtype == np.float64
    np.testing.assert_array_equal(points, UTM)


@settings(max_examples=40)
@given(
    points=hnp.arrays(
        np.float32, st.tuples(st.integers(1, 20), st.just(3)), elements=st.floats(-1e6, 1e6, width=32)
    ),
    mark=st.sampled_from([" ", ",", ";", "\t"]),
    header=st.sampled_from(["", "x y z", "# x y z", "pos.x pos.y pos.z"]),
)
def test_whatever_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, points: np.ndarray, mark: str, header: str
) -> None:
    rows = [header.replace(" ", mark)] * bool(header) + [mark.join(map(repr, row)) for row in points.tolist()]
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_text("\n".join(rows))
    np.testing.assert_array_equal(read_cloud(path), points)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("\n\n", "no row of numbers"),
        ("time,intensity,ring\n1,2,3\n4,5,6\n", "has the columns time, intensity, ring, of which none are x"),
        ("a b c d\n1 2 3 4\n", "name those x, y and z, or leave the row of names out"),
        ("vx,vy,vz\n1,2,3\n4,5,6\n", "has the columns vx, vy, vz"),
        ("x,y,i\n1,2,3\n4,5,6\n", "has the columns x, y, i"),
        ("u,v,depth" + 300 * ",more" + "\n1,2,3" + 300 * ",4" + "\n", "m ..., of which"),
        ("# only a comment\n", "no row of numbers"),
        ("x y z\n", "no row of numbers"),
        ("x,y,z", "no row of numbers"),
        ("5\n", "no row of numbers"),
        ("not a cloud\nat all\n", "'at all'"),
        ("1 2\n3 4\n", "rows of 2 columns"),
        ("1,2\n", "rows of 2 columns"),
        ("x y z\n1 2\n", "rows of 2 columns"),
        ("3\n1 2 3\n4 5 6\n", "promises 3 points"),
        ("1000000000\n1 2 3\n4 5 6\n", "promises 1000000000 points"),
        ("1\n1 2 3\n4 5 6\n", "promises 1 points"),
        ("1 2 3\n4 5\n", "2 columns"),
        ("1 2 3\n4 five 6\n", "five"),
        ("1,2,3\n4,,6\n", "''"),
        ("2\nwater\nO 0 0 0\nH 0 0 1\n", "'O 0 0 0'"),  # the .xyz of chemists
        ("nan nan nan\n", "none of them finite"),
        (b"1 2 3\n\0\0\0\n", "not text"),
        (b"\xff\xfe1\0 ", "UTF-16"),
    ],
)
def test_other_text_is_refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    path = tmp_path / "bad.xyz"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert_refused(path, words)
