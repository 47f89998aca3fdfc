"""glTF and GLB: the scene as it stands in the world, and nothing that its file does not hold."""

from __future__ import annotations

import base64
import copy
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy.io import read_cloud
from io_files import CORNERS, POINTS, assert_on_cube, assert_refused, cube_gltf, glb

Edit = Callable[[dict[str, Any]], object]


def write(tmp_path: Path, root: dict[str, Any], buffer: bytes | None, name: str = "model.glb") -> Path:
    path = tmp_path / name
    path.write_bytes(glb(root, buffer))
    return path


def test_a_cube_in_every_container(tmp_path: Path) -> None:
    root, buffer = cube_gltf()
    assert_on_cube(read_cloud(write(tmp_path, root, buffer), mesh_points=3000))

    def read_text(uri: str) -> np.ndarray:
        path = tmp_path / "model.gltf"
        path.write_text(json.dumps(root | {"buffers": [{"byteLength": len(buffer), "uri": uri}]}))
        return read_cloud(path, mesh_points=3000)

    inline = read_text("data:application/octet-stream;base64," + base64.b64encode(buffer).decode())
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "cube.bin").write_bytes(buffer)
    np.testing.assert_array_equal(inline, read_text("a%20b/cube.bin"))
    np.testing.assert_array_equal(inline, read_cloud(tmp_path / "model.glb", mesh_points=3000))


def test_transforms_apply_from_leaf_to_root(tmp_path: Path) -> None:
    quarter = [0, 0, np.sqrt(0.5), np.sqrt(0.5)]  # about z: x -> y, y -> -x
    nodes = [
        {"children": [1], "translation": [10, 0, 0]},
        {"children": [2], "rotation": quarter},
        {"mesh": 0, "scale": [2, 1, 1], "translation": [0, 0, 5]},
    ]
    points = read_cloud(write(tmp_path, *cube_gltf(nodes=nodes)))
    np.testing.assert_allclose(points.min(axis=0), [9, 0, 5], atol=1e-5)
    np.testing.assert_allclose(points.max(axis=0), [10, 2, 6], atol=1e-5)


def test_a_matrix_is_stored_by_columns(tmp_path: Path) -> None:
    """This one takes x to 3 y, y to z and z to x."""
    nodes = [{"mesh": 0, "matrix": [0, 3, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 7, 8, 9, 1]}]
    points = read_cloud(write(tmp_path, *cube_gltf(nodes=nodes)))
    np.testing.assert_allclose(points.min(axis=0), [7, 8, 9], atol=1e-3)
    np.testing.assert_allclose(points.max(axis=0), [8, 11, 10], atol=1e-3)


def test_every_instance_counts(tmp_path: Path) -> None:
    nodes = [{"mesh": 0}, {"mesh": 0, "translation": [100, 0, 0]}, {"mesh": 0, "translation": [-999, 0, 0]}]
    points = read_cloud(write(tmp_path, *cube_gltf(nodes=nodes, scenes=[{"nodes": [0, 1]}])))
    assert 0.45 < np.mean(points[:, 0] >= 100) < 0.55
    assert points[:, 0].min() == 0  # the third node is not in the scene


@pytest.mark.parametrize("missing", ["scene", "scenes"])
def test_without_a_scene_all_roots_are_shown(tmp_path: Path, missing: str) -> None:
    root, buffer = cube_gltf(nodes=[{"children": [1], "translation": [5, 5, 5]}, {"mesh": 0}])
    del root[missing]
    assert_on_cube(read_cloud(write(tmp_path, root, buffer), mesh_points=3000), 5, 6)


def test_points_are_exact(tmp_path: Path) -> None:
    root, _ = cube_gltf()
    root["meshes"] = [{"primitives": [{"attributes": {"POSITION": 0}, "mode": 0}]}]
    root["accessors"] = [{"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": 4}]
    root["bufferViews"] = [{"buffer": 0, "byteLength": 48}]
    root["buffers"] = [{"byteLength": 48}]
    points = read_cloud(write(tmp_path, root, POINTS.tobytes()))
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, POINTS)


@pytest.mark.parametrize("mode", [4, 5, 6])
@pytest.mark.parametrize("indexed", [False, True])
def test_strips_and_fans(tmp_path: Path, mode: int, indexed: bool) -> None:
    """A unit square of two triangles, in each of the three ways."""
    square = {4: [0, 1, 2, 0, 2, 3], 5: [0, 1, 3, 2], 6: [0, 1, 2, 3]}[mode]
    root, buffer = cube_gltf()
    primitive: dict[str, Any] = {"attributes": {"POSITION": 0}, "mode": mode}
    if indexed:
        primitive["indices"] = 1
        buffer = buffer[:96] + np.array(square, "<u2").tobytes()
        root["accessors"][1]["count"] = len(square)
    else:
        buffer = CORNERS[square].tobytes()
        root["accessors"] = [root["accessors"][0] | {"count": len(square)}]
    root["meshes"] = [{"primitives": [primitive]}]
    root["bufferViews"] = [
        {"buffer": 0, "byteLength": len(buffer) if not indexed else 96},
        {"buffer": 0, "byteOffset": 96, "byteLength": len(square) * 2},
    ]
    root["buffers"] = [{"byteLength": len(buffer)}]
    points = read_cloud(write(tmp_path, root, buffer))
    assert (points[:, 2] == 0).all()
    quadrants = [np.mean((points[:, 0] > 0.5) == a) for a in (0, 1)] + [np.mean(points[:, 1] > 0.5)]
    np.testing.assert_allclose(quadrants, 0.5, atol=0.03)


def test_interleaved_and_quantised_positions(tmp_path: Path) -> None:
    root, buffer = cube_gltf()
    quantised = np.zeros((8, 4), "<i2")  # x, y, z and padding, 8 bytes apart
    quantised[:, :3] = CORNERS * 32767
    root["accessors"][0] |= {"componentType": 5122, "normalized": True}
    root["bufferViews"][0] = {"buffer": 0, "byteLength": 64, "byteStride": 8}
    root["bufferViews"][1]["byteOffset"] = 64
    root["buffers"] = [{"byteLength": 64 + 72}]
    points = read_cloud(write(tmp_path, root, quantised.tobytes() + buffer[96:]), mesh_points=3000)
    assert_on_cube(points)


def test_lines_are_no_shape(tmp_path: Path) -> None:
    root, buffer = cube_gltf()
    root["meshes"][0]["primitives"][0]["mode"] = 1
    assert_refused(write(tmp_path, root, buffer), "no points")


EDITS: list[tuple[Edit, str]] = [
    (lambda r: r["accessors"][0].update(count=10**9), "promises 1000000000"),
    (lambda r: r["accessors"][1].update(count=10**12), "promises 1000000000000"),
    (lambda r: r["accessors"][0].update(count=-8), "promises -8"),
    (lambda r: r["accessors"][0].update(count="8"), "not consistent"),
    (lambda r: r["accessors"][0].update(count=7), "vertex 7"),
    (lambda r: r["accessors"][1].update(count=35), "not consistent"),
    (lambda r: r["accessors"][1].update(componentType=5122), "not consistent"),
    (lambda r: r["accessors"][0].update(componentType=9999), "not consistent"),
    (lambda r: r["accessors"][0].update(type="VEC2"), "VEC2"),
    (lambda r: r["accessors"][0].update(byteOffset=4), "cannot hold"),
    (lambda r: r["accessors"][0].update(byteOffset=-4), "cannot hold"),
    (lambda r: r["accessors"][0].update(sparse={}), "sparse"),
    (lambda r: r["accessors"][0].pop("bufferView"), "sparse or compressed"),
    (lambda r: r["bufferViews"][0].update(byteStride=0), "cannot hold"),
    (lambda r: r["bufferViews"][0].update(byteStride=-12), "cannot hold"),
    (lambda r: r["bufferViews"][0].update(byteStride=10**9), "cannot hold"),
    (lambda r: r["bufferViews"][1].update(byteOffset=10**9), "cannot hold"),
    (lambda r: r["bufferViews"][0].update(buffer=3), "not consistent"),
    (lambda r: r["buffers"][0].update(byteLength=10**9), "promises a buffer of 1000000000"),
    (lambda r: r["buffers"][0].update(uri="../secret.bin"), "outside its folder"),
    (lambda r: r["buffers"][0].update(uri="/etc/hostname"), "outside its folder"),
    (lambda r: r["buffers"][0].update(uri="https://example.org/a.bin"), "outside its folder"),
    (lambda r: r["buffers"][0].update(uri="absent.bin"), "not beside it"),
    (lambda r: r["buffers"][0].update(uri="data:;base64,AAAA"), "promises a buffer"),
    (lambda r: r["buffers"][0].update(uri="data:;base64,A"), "not consistent"),
    (lambda r: r["nodes"][0].update(children=[0]), "not a tree"),
    (lambda r: r["nodes"][0].update(children=[5]), "not consistent"),
    (lambda r: r["nodes"][0].update(children=[-1]), "not consistent"),
    (lambda r: r["nodes"][0].update(mesh=1), "not consistent"),
    (lambda r: r["nodes"][0].update(matrix=[1, 2, 3]), "not consistent"),
    (lambda r: r["nodes"][0].update(translation=[1e308, "a", 0]), "not consistent"),
    (lambda r: r["nodes"][0].update(scale=[0, 0, float("nan")]), "finite"),
    (lambda r: r.update(extensionsRequired=["KHR_draco_mesh_compression"]), "KHR_draco_mesh_compression"),
    (lambda r: r.update(asset={"version": "1.0"}), "version 1.0"),
    (lambda r: r.update(asset=3), "not glTF"),
    (lambda r: r.pop("asset"), "not glTF"),
    (lambda r: r.update(scene=1), "not consistent"),
    (lambda r: r.update(nodes={"a": 1}), "not consistent"),
    (lambda r: r.update(meshes=[]), "not consistent"),
    (lambda r: r.update(scenes=[{"nodes": []}]), "no points"),
]


@pytest.mark.parametrize(("edit", "words"), EDITS)
def test_lies_are_refused(tmp_path: Path, edit: Edit, words: str) -> None:
    root, buffer = cube_gltf()
    root = copy.deepcopy(root)
    edit(root)
    assert_refused(write(tmp_path, root, buffer), words)


def test_a_small_file_cannot_unfold_without_end(tmp_path: Path) -> None:
    count = 10_000
    triangles = np.arange(3 * 1000 * 3, dtype="<f4").tobytes()
    root, _ = cube_gltf(nodes=[{"mesh": 0}] * count, scenes=[{"nodes": list(range(count))}])
    root["meshes"] = [{"primitives": [{"attributes": {"POSITION": 0}}] * 100}]
    root["accessors"] = [{"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": 3000}]
    root["bufferViews"] = [{"buffer": 0, "byteLength": len(triangles)}]
    root["buffers"] = [{"byteLength": len(triangles)}]
    assert_refused(write(tmp_path, root, triangles), "expands to more vertices")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    content = glb(*cube_gltf())
    path = tmp_path / "cut.glb"
    for end in range(1, len(content), 3):
        path.write_bytes(content[:end])
        assert_refused(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{}", "not glTF"),
        (b"[]", "not glTF"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xff", "not JSON"),
        (struct.pack("<4sII", b"glTF", 1, 20) + b"\0" * 8, "version 1"),
        (struct.pack("<4sIII4s", b"glTF", 2, 20, 0, b"BIN\0"), "no JSON chunk"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.gltf"
    path.write_bytes(content)
    assert_refused(path, words)
