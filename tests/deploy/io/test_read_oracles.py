"""Our readers against the writers and readers of independent libraries, where those are installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.io import read_cloud
from c2p_deploy.io.common import Geometry
from c2p_deploy.io.read import READERS
from io_files import POINTS, pcd
from paths import SHARED


def read(path: Path) -> Geometry:
    return READERS[path.suffix.lower()](path.read_bytes(), path)


def area(points: np.ndarray, triangles: np.ndarray) -> float:
    a, b, c = np.moveaxis(points[triangles].astype(np.float64), 1, 0)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@pytest.mark.parametrize("suffix", ["ply", "off", "obj", "stl", "glb"])
def test_meshes_that_trimesh_writes(tmp_path: Path, suffix: str) -> None:
    trimesh = pytest.importorskip("trimesh", reason="needs trimesh as the independent writer")
    mesh = trimesh.creation.torus(major_radius=2, minor_radius=0.5)
    mesh.apply_transform(trimesh.transformations.rotation_matrix(0.7, [1, 2, 3], [1, 0, 0]))
    path = tmp_path / f"torus.{suffix}"
    mesh.export(path)
    points, triangles, _ = read(path)
    assert triangles is not None
    corners, expected = points[triangles], mesh.vertices[mesh.faces]
    np.testing.assert_allclose(corners, expected, atol=1e-5)  # the same triangles in the same order


@pytest.mark.parametrize("encoding", ["ply", "ascii ply", "ascii stl"])
def test_other_encodings_that_trimesh_writes(tmp_path: Path, encoding: str) -> None:
    trimesh = pytest.importorskip("trimesh", reason="needs trimesh as the independent writer")
    mesh = trimesh.creation.icosphere(subdivisions=2)
    mesh.visual.vertex_colors = np.random.default_rng(0).integers(0, 255, (len(mesh.vertices), 4), np.uint8)
    options = {"ply": {}, "ascii ply": {"encoding": "ascii"}, "ascii stl": {"file_type": "stl_ascii"}}[
        encoding
    ]
    path = tmp_path / f"sphere.{encoding[-3:]}"
    mesh.export(path, **options)
    points, triangles, _ = read(path)
    assert triangles is not None
    np.testing.assert_allclose(points[triangles], mesh.vertices[mesh.faces], atol=1e-6)


def test_a_scene_that_trimesh_writes(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh", reason="needs trimesh as the independent writer")
    box = trimesh.creation.box()
    scene = trimesh.Scene(box)
    frame = trimesh.transformations.rotation_matrix(1.1, [3, 1, 2]) @ np.diag([2, 3, 4, 1])
    frame[:3, 3] = 5, 6, 7
    scene.add_geometry(box, transform=frame)
    scene.add_geometry(trimesh.PointCloud(POINTS))
    path = tmp_path / "scene.glb"
    scene.export(path)
    points, triangles, _ = read(path)
    assert triangles is not None
    whole = scene.to_mesh()
    assert area(points, triangles) == pytest.approx(whole.area)
    used = points[np.unique(triangles)]
    np.testing.assert_allclose(used.min(axis=0), whole.bounds[0], atol=1e-6)
    np.testing.assert_allclose(used.max(axis=0), whole.bounds[1], atol=1e-6)


@pytest.mark.parametrize("encoding", ["ascii", "binary", "binary_compressed"])
def test_clouds_that_pypcd4_writes(tmp_path: Path, encoding: str) -> None:
    pypcd4 = pytest.importorskip("pypcd4", reason="needs pypcd4 as the independent writer")
    points = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    fields = ("intensity", "z", "x", "y", "ring")
    types = (np.float32, np.float32, np.float32, np.float32, np.uint16)
    columns = [points[:, 0] * 0, points[:, 2], points[:, 0], points[:, 1], np.arange(500, dtype=np.uint16)]
    path = tmp_path / "cloud.pcd"
    pypcd4.PointCloud.from_points(columns, fields, types).save(path, encoding=pypcd4.Encoding(encoding))
    np.testing.assert_allclose(read_cloud(path), points, rtol=0 if "binary" in encoding else 1e-6)


@pytest.mark.parametrize("data", ["ascii", "binary", "binary_compressed"])
def test_our_own_test_writer_agrees_with_pypcd4(tmp_path: Path, data: str) -> None:
    pypcd4 = pytest.importorskip("pypcd4", reason="needs pypcd4 as the independent reader")
    path = tmp_path / "cloud.pcd"
    path.write_bytes(pcd(data=data))
    np.testing.assert_array_equal(pypcd4.PointCloud.from_path(path).numpy(("x", "y", "z")), POINTS)


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("seed", range(6))
def test_random_files_that_plyfile_writes(tmp_path: Path, text: bool, order: str, seed: int) -> None:
    plyfile = pytest.importorskip("plyfile", reason="needs plyfile as the independent writer")
    rng = np.random.default_rng(seed)
    axis = str(rng.choice(["f4", "f8", "i2", "i4", "u1"]))
    count = int(rng.integers(3, 2000))
    fields = [(name, axis) for name in "xyz"] + [("red", "u1"), ("time", "f8"), ("ring", "i2")]
    vertex = np.zeros(count, [fields[i] for i in rng.permutation(len(fields))])
    for name, _ in fields:
        vertex[name] = np.abs(rng.normal(size=count) * 50).clip(max=99)
    sizes = rng.integers(3, 4 if seed % 2 else 7, 50)
    face = np.empty(50, [("vertex_indices", object)])
    face["vertex_indices"] = [rng.integers(0, count, size).astype("i4") for size in sizes]
    elements = [plyfile.PlyElement.describe(vertex, "vertex"), plyfile.PlyElement.describe(face, "face")]
    path = tmp_path / "cloud.ply"
    plyfile.PlyData(elements, text=text, byte_order=order, comments=["a test"]).write(str(path))
    points, triangles, _ = read(path)
    expected = np.stack([vertex[name] for name in "xyz"], axis=1)
    np.testing.assert_allclose(points, expected, rtol=1e-6 if text else 0)
    assert triangles is not None and len(triangles) == (sizes - 2).sum()
    corners = [set(polygon.tolist()) for polygon in face["vertex_indices"]]
    ends = np.cumsum(sizes - 2)
    assert all(set(t.tolist()) <= corners[np.searchsorted(ends, i, "right")] for i, t in enumerate(triangles))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("suffix", ["las", "laz"])
def test_random_files_that_laspy_writes(tmp_path: Path, suffix: str, seed: int) -> None:
    laspy = pytest.importorskip("laspy", reason="needs laspy as the independent writer")
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(int(rng.integers(1, 3000)), 3)) * 500 + (5e5, 4e6, 100)
    header = laspy.LasHeader(version="1.4" if seed % 2 else "1.2", point_format=6 if seed % 2 else 3)
    header.scales, header.offsets = np.full(3, 0.001), np.floor(points.min(axis=0))
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = points.T
    path = tmp_path / f"cloud.{suffix}"
    cloud.write(str(path))
    np.testing.assert_array_equal(read_cloud(path), laspy.read(str(path)).xyz)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("suffix", ["ply", "off", "obj", "stl", "glb"])
def test_random_meshes_that_trimesh_writes(tmp_path: Path, suffix: str, seed: int) -> None:
    trimesh = pytest.importorskip("trimesh", reason="needs trimesh as the independent writer")
    rng = np.random.default_rng(seed)
    mesh = trimesh.Trimesh(rng.normal(size=(200, 3)), rng.integers(0, 200, (333, 3)), process=False)
    path = tmp_path / f"mesh.{suffix}"
    mesh.export(path)
    points, triangles, _ = read(path)
    assert triangles is not None
    np.testing.assert_allclose(points[triangles], mesh.vertices[mesh.faces], atol=1e-5)


# Where trimesh reads something else, and why ours is right.
DIFFER = {
    "concave_polygon.obj": "a fan leaves the outline of its 66-sided polygon: 13 times the area",
    "space_in_material_name.obj": "the same polygon",
    "polygonfaces.obj": "a pentagon that is far from flat has no one area",
    "box_UTF16BE.obj": "trimesh needs a further package for it",
    "regr01.obj": "trimesh needs a further package for it",
}


def test_real_meshes_equal_trimesh() -> None:
    """Area and extent of every odd mesh file that both accept."""
    trimesh = pytest.importorskip("trimesh", reason="needs trimesh as the independent reader")
    folder = SHARED / "data" / "odd_files"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    compared = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in (".ply", ".off", ".obj", ".stl") or path.name in DIFFER:
            continue
        try:
            theirs = trimesh.load(path, process=False, skip_materials=True)
            theirs = theirs.to_mesh() if isinstance(theirs, trimesh.Scene) else theirs
            points, triangles, _ = read(path)
        except Exception:  # refused by one of the two
            continue
        if triangles is None or not len(triangles) or not hasattr(theirs, "faces"):
            continue
        assert area(points, triangles) == pytest.approx(theirs.area, rel=1e-5), path
        used = points[np.unique(triangles)]
        np.testing.assert_allclose(
            [used.min(0), used.max(0)], theirs.bounds, rtol=1e-5, atol=1e-6, err_msg=str(path)
        )
        compared += 1
    assert compared >= 50
