"""Real files of sensors and exporters, in the `shared` folder beside the repository."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.errors import CloudFileError
from c2p_deploy.io import read_cloud
from io_files import assert_on_cube, assert_refused
from paths import SHARED

DATA = SHARED / "data"
FILES = sorted(p for name in ("odd_files", "sensors") for p in (DATA / name).rglob("*") if p.is_file())
needs_data = pytest.mark.skipif(not FILES, reason=f"needs odd_files and sensors in {DATA}")


@needs_data
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_a_cloud_or_a_clear_refusal(path: Path) -> None:
    begin = time.perf_counter()
    try:
        points = read_cloud(path)
    except CloudFileError as error:
        message = str(error)
        assert message.isprintable() and message.startswith(f"{path}: ") and "; " in message
        assert "cannot be read (" not in message  # each of these has its own words
    else:
        assert points.ndim == 2 and points.shape[1] == 3 and len(points) >= 1
        assert points.dtype in (np.float32, np.float64) and np.isfinite(points).all()
    assert time.perf_counter() - begin < 3


POINT_COUNTS = {
    "sensors/pcl/bunny.pcd": 397,  # ascii, version .5
    "sensors/pcl/car6.pcd": 10031,  # compressed
    "sensors/pcl/colored_cloud.pcd": 1000,  # binary, upright: width 1
    "sensors/pcl/cturtle.pcd": 167198,
    "sensors/pcl/lamppost.pcd": 1771,
    "sensors/pcl/milk.pcd": 13704,
    "sensors/pcl/office1.pcd": 254456,  # of 307200, the rest NaN
    "sensors/pcl/organised_640x480.pcd": 271575,
    "sensors/pcl/sac_plane_test.pcd": 3283,
    "sensors/pointcloudset/pcd_files/test_tree.pcd": 102236,  # padding fields
    "sensors/pointcloudset/las_files/diamond.las": 6,
    "sensors/pointcloudset/xyz/diamond.xyz": 6,
    "sensors/mmdet3d/demo-data/kitti/000008.bin": 17238,
    "sensors/mmdet3d/demo-data/scannet/scene0000_00.bin": 40684,
    "sensors/mmdet3d/demo-data/sunrgbd/000017.bin": 50000,
    "odd_files/trimesh-models/points_ascii_with_lists.ply": 5,
    "odd_files/trimesh-models/points_emptyface.ply": 1024,
    "odd_files/trimesh-models/emptyIO/ply_points_ascii.ply": 8,
    "odd_files/trimesh-models/emptyIO/obj_points.obj": 8,
    "odd_files/assimp-parser-tests/models/PLY/points.ply": 4,
    "odd_files/assimp-parser-tests/models/OBJ/point_cloud.obj": 3,
    "odd_files/assimp-parser-tests/models/OBJ/testline.obj": 8,
}


@needs_data
@pytest.mark.parametrize("name", POINT_COUNTS)
def test_clouds_have_all_their_points(name: str) -> None:
    assert len(read_cloud(DATA / name)) == POINT_COUNTS[name]


@needs_data
@pytest.mark.parametrize(
    ("pattern", "columns"), [("kitti/*", 4), ("nuscenes/*", 5), ("scannet/*", 6), ("sunrgbd/*", 6)]
)
def test_raw_scans_are_understood(pattern: str, columns: int) -> None:
    (path,) = (DATA / "sensors" / "mmdet3d" / "demo-data").glob(pattern)
    expected = np.fromfile(path, "<f4").reshape(-1, columns)[:, :3]
    np.testing.assert_array_equal(read_cloud(path), expected)


@needs_data
def test_the_same_cloud_in_four_formats() -> None:
    folder = DATA / "sensors" / "pointcloudset"
    diamond = read_cloud(folder / "xyz" / "diamond.xyz")
    np.testing.assert_array_equal(read_cloud(folder / "csv" / "diamond.csv"), diamond)
    np.testing.assert_allclose(read_cloud(folder / "las_files" / "diamond.las"), diamond, atol=1e-6)
    np.testing.assert_array_equal(np.sort(np.unique(diamond)), [0, 0.5, 1])
    for name in ("csv/headerless.csv", "csv/with_header.csv", "csv/with_header_upper.csv"):
        np.testing.assert_array_equal(read_cloud(folder / name), [[0.5, 0, 0.5], [0, 0.5, 0.5]])


@needs_data
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("odd_files/trimesh-models/negative_indices.obj", -1, 1),
        ("odd_files/trimesh-models/unit_cube.STL", -0.5, 0.5),
        ("odd_files/trimesh-models/cube.OBJ", None, None),
        ("odd_files/assimp-parser-tests/models/OFF/Cube.off", None, None),
        ("odd_files/assimp-parser-tests/models/OBJ/box.obj", -0.5, 0.5),
        ("odd_files/assimp-parser-tests/models/OBJ/box_UTF16BE.obj", -0.5, 0.5),
        ("sensors/pcl/cube.ply", -1, 1),
    ],
)
def test_cubes_are_cubes(name: str, low: float | None, high: float | None) -> None:
    points = read_cloud(DATA / name)
    assert len(points) == 8192
    assert_on_cube(points, points.min() if low is None else low, points.max() if high is None else high)


@needs_data
def test_data_that_begin_like_a_line_break() -> None:
    """A unit cube at x = 5.967534, whose first coordinate begins with the byte of a line break."""
    points = read_cloud(DATA / "odd_files/assimp-parser-tests/models/PLY/cube_binary_starts_with_nl.ply")
    np.testing.assert_allclose(points.min(axis=0), [5.967534, 0, 0], atol=1e-6)
    np.testing.assert_allclose(points.max(axis=0), [6.967534, 1, 1], atol=1e-6)
    assert np.mean((points[:, 1:] == 0) | (points[:, 1:] == 1)) == pytest.approx(1 / 3, abs=0.03)


@needs_data
def test_comments_in_off() -> None:
    """An upright square prism whose vertices lie on the axes."""
    points = read_cloud(DATA / "odd_files" / "trimesh-models" / "comments.off")
    np.testing.assert_allclose(np.abs(points).max(axis=0), [1.632993, 1.632993, 1.154701], rtol=0.02)
    on_caps = np.isclose(np.abs(points[:, 2]), 1.154701, atol=1e-6)
    on_sides = np.isclose(np.abs(points[:, 0]) + np.abs(points[:, 1]), 1.632993, atol=1e-5)
    assert (on_caps | on_sides).all()
    assert on_caps.mean() == pytest.approx(1 / 3, abs=0.03)


REFUSALS = {
    "odd_files/assimp-parser-tests/models/invalid/empty.off": "empty (0 bytes)",
    "odd_files/assimp-parser-tests/models/invalid/malformed.obj": "vertex 0",
    "odd_files/assimp-parser-tests/models/OBJ/number_formats.obj": "'3.1+e2'",
    "odd_files/assimp-parser-tests/models/OFF/formatDetection": "no suffix",
    "odd_files/trimesh-models/emptyIO/ply_empty_ascii.ply": "no points",
    "odd_files/trimesh-models/emptyIO/ply_empty_bin.ply": "no points",
    "odd_files/trimesh-models/emptyIO/stl_empty_ascii.stl": "no points",
    "odd_files/trimesh-models/emptyIO/stl_empty_bin.stl": "no points",
    "sensors/pcl/LICENSE.txt": "not numbers",
}


@needs_data
def test_only_these_files_are_refused() -> None:
    for name, words in REFUSALS.items():
        assert_refused(DATA / name, words)
    for path in FILES:
        name = path.relative_to(DATA).as_posix()
        about = path.suffix in ("", ".md", ".json", ".parquet") or path.name == "SOURCE.txt"
        if name not in REFUSALS and not about:
            assert len(read_cloud(path, mesh_points=16)) > 0
