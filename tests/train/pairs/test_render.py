"""Rendering: pictures lie on depth maps, colours where they belong; interruptions change nothing."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from click.testing import CliRunner
from PIL import Image

from c2p_deploy import DepthSpec, ViewSet, prepare_points, project_depth, read_cloud
from c2p_deploy.errors import C2PError, OptionError, PairsError
from c2p_deploy.projection.reference import pixel_centres, to_view
from c2p_deploy.projection.spec import turn_up
from c2p_train.commands.render import render as render_command
from c2p_train.pairs.mesh import load_mesh
from c2p_train.pairs.mesh_files import MeshFile, find_meshes
from c2p_train.pairs.render import RenderResult, make_pair, render_mesh, render_pairs
from c2p_train.pairs.shards import RenderSettings, Share, open_folder
from heard import heard_lines

SMALL = RenderSettings(spec=DepthSpec(image_size=32, num_points=64), shard_size=2)


def chair() -> trimesh.Trimesh:
    """Unlike any of its mirror images: a bar beside the back on one side, an arm on the other; y up."""
    boxes = [  # centre, extent
        ((0, 0, 0), (1, 0.3, 1)), ((0, 0.6, -0.4), (1, 1.2, 0.2)), ((0.4, 0.35, 0.2), (0.2, 0.4, 0.6)),
        ((0.35, -0.5, 0.35), (0.3, 1, 0.3)), ((-0.35, -0.5, -0.35), (0.3, 1, 0.3)),
        ((-0.7, 0.9, -0.4), (0.6, 0.3, 0.2)),
    ]  # fmt: skip
    parts = [
        trimesh.creation.box(e, trimesh.transformations.translation_matrix(c)).subdivide() for c, e in boxes
    ]
    return trimesh.util.concatenate(parts)


def chair_of_corners() -> trimesh.Trimesh:
    """The chair with corners of their own per face, so that any colour may be given to any vertex."""
    mesh = chair()
    corners = mesh.vertices[mesh.faces].reshape(-1, 3)
    return trimesh.Trimesh(corners, np.arange(len(corners)).reshape(-1, 3), process=False)


def colours_of_position(points: np.ndarray) -> np.ndarray:
    """Bright colours of points [N, 3] of the chair -> [N, 3] in 0 ... 1; red grows with x, green with y."""
    return 0.4 + 0.6 * (points - [-1, -1, -0.5]) / [1.5, 2.2, 1]


def visible(points: np.ndarray, views: ViewSet, view: int, size: int) -> tuple[np.ndarray, ...]:
    """Which points [N, 3] nothing hides in a view, and their pixels (row, column)."""
    seen = to_view(points, views.rotations[view], views.distances[view])
    row, column = (((1 - seen[:, k]) * size / 2).astype(int).clip(0, size - 1) for k in (1, 0))
    nearest = np.full((size, size), np.inf)
    np.minimum.at(nearest, (row, column), seen[:, 2])
    grown = [np.roll(nearest, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    front = np.flatnonzero(seen[:, 2] < np.min(grown, axis=0)[row, column] + 0.02)
    return front, row[front], column[front]


def mean_colour_error(path: Path, settings: RenderSettings, expected) -> float:
    """Mean difference, over visible points of all views, between hues drawn and `expected(point)`."""
    pictures, clouds, facts = make_pair(load_mesh(path), settings)
    views = ViewSet.named(settings.view_set)
    wanted = expected(clouds[0].astype(np.float64) * facts["radius"] + facts["centre"])
    differences = []
    for view in range(len(views)):
        front, row, column = visible(clouds[0], views, view, settings.spec.image_size)
        drawn = pictures[view, row, column].astype(float)
        # Light scales all channels alike, so compare the colours with the largest channel at 1.
        drawn /= drawn.max(axis=1, keepdims=True)
        hue = wanted[front] / wanted[front].max(axis=1, keepdims=True)
        differences.append(np.abs(drawn - hue).max(axis=1))
    return float(np.median(np.concatenate(differences)))


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def write_meshes(root: Path, count: int = 6) -> Path:
    """CLASS/FILE.ply below root: boxes and balls."""
    rng = np.random.default_rng(0)
    for name, make in (("box", trimesh.creation.box), ("ball", trimesh.creation.icosphere)):
        (root / name).mkdir(parents=True)
        for number in range(count // 2):
            mesh = make()
            mesh.apply_scale(rng.uniform(0.2, 1, 3))
            mesh.export(root / name / f"{number}.ply")
    return root


def rendered(
    files: list[MeshFile], out: Path, settings: RenderSettings = SMALL, workers: int = 1
) -> RenderResult:
    return render_pairs(files, out, settings, workers=workers)


@pytest.mark.parametrize(
    ("view_set", "up"), [("clip2point-10", "y"), ("clip2point-10", "z"), ("clip2point-6", "y")]
)
def test_pictures_lie_on_depth_maps(tmp_path: Path, view_set: str, up: str) -> None:
    mesh = chair()
    mesh.apply_transform(trimesh.transformations.euler_matrix(0.4, 0.7, 0.2))  # no edge along the pixels
    mesh.export(tmp_path / "chair.ply")
    spec = DepthSpec(image_size=96, point_radius=0.0075, num_points=60_000)  # discs smaller than a pixel
    settings = RenderSettings(spec=spec, view_set=view_set, up=up)
    pictures, clouds, _ = make_pair(load_mesh(tmp_path / "chair.ply"), settings)
    depth = project_depth(clouds[0], ViewSet.named(view_set), spec, "y")
    for view in range(len(depth)):
        drawn, covered = (pictures[view] < 230).all(axis=2), depth[view] < 1

        def overlap(silhouette: np.ndarray, covered: np.ndarray = covered) -> float:
            return float((silhouette & covered).sum() / (silhouette | covered).sum())

        assert overlap(drawn) > 0.92, view
        shifted = [np.roll(drawn, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
        assert max(overlap(other) for other in shifted) < overlap(drawn) - 0.005, view
        turned = [drawn[::-1], drawn[:, ::-1], drawn[::-1, ::-1], drawn.T, drawn.T[::-1], drawn.T[:, ::-1]]
        assert max(overlap(other) for other in turned) < overlap(drawn) - 0.1, view


def test_silhouettes_are_exact(tmp_path: Path) -> None:
    """No pinhole, no seam: white exactly where no ray meets a triangle, by brute force in float64."""
    mesh = chair()
    mesh.apply_transform(trimesh.transformations.euler_matrix(0.4, 0.7, 0.2))
    mesh.export(tmp_path / "chair.ply")
    loaded, size = load_mesh(tmp_path / "chair.ply"), 40
    pictures, _, facts = make_pair(loaded, RenderSettings(spec=DepthSpec(image_size=size)))
    moved = (loaded.vertices - facts["centre"]) / facts["radius"]
    rays = pixel_centres(2 * size).astype(np.float64)
    x, y = np.tile(rays, 2 * size)[:, None], np.repeat(rays, 2 * size)[:, None]  # [R, 1]
    for view, rotation in enumerate(ViewSet.named("clip2point-10").rotations):
        flat = (moved @ rotation.astype(np.float64))[loaded.faces][:, :, :2]  # [F, 3, 2]
        sides = []
        for k in range(3):
            start, edge = flat[:, k], flat[:, (k + 1) % 3] - flat[:, k]
            sides.append(edge[:, 0] * (y - start[:, 1]) - edge[:, 1] * (x - start[:, 0]))
        hit = ((np.min(sides, axis=0) >= 0) | (np.max(sides, axis=0) <= 0)).any(axis=1)
        hits = hit.reshape(size, 2, size, 2).sum(axis=(1, 3))
        np.testing.assert_array_equal((pictures[view] == 255).all(axis=2), hits == 0)
        assert pictures[view][hits == 4].max() < 210  # grey in full light


def test_vertex_colours_and_textures_land_where_they_should(tmp_path: Path) -> None:
    settings = RenderSettings(spec=DepthSpec(image_size=96, num_points=4096))
    mesh = chair_of_corners()
    colours = colours_of_position(mesh.vertices)

    coloured = mesh.copy()
    coloured.visual.vertex_colors = np.rint(255 * colours).astype(np.uint8)
    coloured.export(tmp_path / "vertex.ply")
    assert mean_colour_error(tmp_path / "vertex.ply", settings, colours_of_position) < 0.02

    # A picture whose red grows to the right and green upwards, put on the chair along x and y.
    across, upward = np.meshgrid(np.linspace(0, 1, 256), np.linspace(1, 0, 256))
    pixels = np.stack([across, upward, np.full_like(across, 0.5)], axis=2)
    picture = Image.fromarray(np.rint(255 * (0.3 + 0.7 * pixels)).astype(np.uint8))
    uv = (mesh.vertices[:, :2] - [-1, -1]) / [1.5, 2.2]

    def of_picture(points: np.ndarray) -> np.ndarray:
        at = (points[:, :2] - [-1, -1]) / [1.5, 2.2]
        return 0.3 + 0.7 * np.concatenate([at, np.full((len(at), 1), 0.5)], axis=1)

    textured = mesh.copy()
    textured.visual = trimesh.visual.TextureVisuals(uv=uv, image=picture)
    folder = tmp_path / "obj"
    folder.mkdir()
    textured.export(folder / "chair.obj")
    assert {p.suffix for p in folder.iterdir()} >= {".obj", ".mtl", ".png"}
    assert mean_colour_error(folder / "chair.obj", settings, of_picture) < 0.02
    textured.export(tmp_path / "chair.glb")
    assert mean_colour_error(tmp_path / "chair.glb", settings, of_picture) < 0.02
    textured.visual = trimesh.visual.TextureVisuals(
        uv=uv + np.array([3, -2]), image=picture
    )  # textures repeat
    textured.export(tmp_path / "repeated.glb")
    assert mean_colour_error(tmp_path / "repeated.glb", settings, of_picture) < 0.02


def test_face_colours_materials_and_scenes(tmp_path: Path) -> None:
    """A red box beside a green one in a scene; red lies towards +x."""
    (tmp_path / "two.mtl").write_text("newmtl a\nKd 1 0 0\nnewmtl b\nKd 0 1 0\n")
    red, green = trimesh.creation.box(), trimesh.creation.box()
    red.apply_translation([1, 0, 0])
    green.apply_translation([-1, 0, 0])
    lines = ["mtllib two.mtl"]
    for mesh, material, first in ((red, "a", 1), (green, "b", 9)):
        lines += [f"v {x} {y} {z}" for x, y, z in mesh.vertices]
        lines += [f"usemtl {material}"] + [f"f {a + first} {b + first} {c + first}" for a, b, c in mesh.faces]
    (tmp_path / "two.obj").write_text("\n".join(lines))
    scene = trimesh.Scene()
    for mesh, colour in ((red, (255, 0, 0, 255)), (green, (0, 255, 0, 255))):
        local = mesh.copy()
        pose = trimesh.transformations.translation_matrix(local.centroid)
        local.apply_translation(-local.centroid)  # where it stands, only the graph of the scene says
        local.visual.face_colors = colour
        scene.add_geometry(local, transform=pose)
    scene.export(tmp_path / "two.glb")
    joined = trimesh.util.concatenate([red, green])
    joined.visual.face_colors = [(255, 0, 0, 255)] * 12 + [(0, 255, 0, 255)] * 12
    joined.export(tmp_path / "two.ply")
    settings = RenderSettings(spec=DepthSpec(image_size=32))
    for name in ("two.obj", "two.glb", "two.ply"):
        pictures, _, _ = make_pair(load_mesh(tmp_path / name), settings)
        left, right = pictures[0, 16, 8], pictures[0, 16, 24]
        towards_x = ViewSet.named("clip2point-10").rotations[0][0, 0]  # frame +x is left
        red_pixel, green_pixel = (left, right) if towards_x > 0 else (right, left)
        assert red_pixel[0] > 100 and red_pixel[1] == 0, name
        assert green_pixel[1] > 100 and green_pixel[0] == 0, name


def test_clouds_are_those_of_the_robot(tmp_path: Path) -> None:
    chair().export(tmp_path / "chair.ply")
    spec = DepthSpec(image_size=32, num_points=256)
    for up in ("y", "z"):
        settings = RenderSettings(spec=spec, samplings=3, up=up, seed=5)
        _, clouds, _ = make_pair(load_mesh(tmp_path / "chair.ply"), settings)
        for k in range(3):
            robot = prepare_points(read_cloud(tmp_path / "chair.ply", seed=5 + k), spec, 5 + k)
            np.testing.assert_array_equal(clouds[k], turn_up(robot, up))


def test_real_meshes_overlay(shared: Path) -> None:
    spec = DepthSpec(image_size=64, point_radius=0.03, num_points=2048)
    for name in ("NonWheelChair", "Jet"):
        path = sorted((shared / "data/infomr" / name).glob("*.ply"))[0]
        pictures, clouds, _ = make_pair(load_mesh(path), RenderSettings(spec=spec))
        covered = project_depth(clouds[0], ViewSet.named("clip2point-10"), spec, "y") < 1
        drawn = (pictures < 250).any(axis=3)
        assert (drawn & covered).sum() > 0.95 * drawn.sum()
        assert (drawn & covered).sum() > 0.6 * covered.sum()  # discs are wider than thin parts


def broken_meshes(root: Path) -> Path:
    """One mesh that renders in spite of everything, and one of every way not to."""
    write_meshes(root, 2)
    folder = root / "odd"
    folder.mkdir()
    box = trimesh.creation.box()
    faces = "\n".join("3 " + " ".join(map(str, face)) for face in box.faces)
    vertices = [" ".join(map(str, vertex)) for vertex in box.vertices]

    def off(name: str, rows: list[str], body: str = faces) -> None:
        (folder / name).write_text(
            f"OFF\n{len(rows)} {len(body.splitlines())} 0\n" + "\n".join(rows) + f"\n{body}\n"
        )

    off("part_nan.off", ["nan nan nan", *vertices[1:]])
    off("all_nan.off", ["nan 0 0"] * 8)
    off("huge.off", [re.sub("0.5", "1e30", row) for row in vertices])
    off("large.off", [re.sub("0.5", "1e12", row) for row in vertices])
    off("far_corner.off", [*vertices, "1e300 1e300 1e300"], faces + "\n3 8 8 8")
    off("flat.off", ["1 2 3"] * 8)
    off("line.off", [f"{i} 0 0" for i in range(8)])
    off("no_faces.off", vertices, "")
    off("bad_index.off", vertices, "3 0 1 99")
    (folder / "empty.ply").write_bytes(b"")
    (folder / "garbage.glb").write_bytes(b"glTF" + bytes(range(256)))
    (folder / "garbage.stl").write_bytes(b"solid\x00\xff" * 9)
    return root


def test_what_cannot_be_rendered_is_listed(tmp_path: Path) -> None:
    files = find_meshes(broken_meshes(tmp_path / "meshes"))
    with heard_lines() as lines:
        result = rendered(files, tmp_path / "out")
    good = {"box/0", "ball/0", "odd/part_nan", "odd/large", "odd/far_corner"}
    assert {file.key for file in files} - {entry.key for entry in result.skipped} == good
    assert result.pairs == len(good)
    text = (tmp_path / "out/dataset.json").read_text()
    assert json.loads(text)["skipped"] == [{"key": e.key, "reason": e.reason} for e in result.skipped]
    assert str(tmp_path) not in text
    reasons = {entry.key: entry.reason for entry in result.skipped}
    assert "1e18" in reasons["odd/huge"]
    assert "no faces" in reasons["odd/no_faces"]
    assert "no area" in reasons["odd/line"]
    assert "finite" in reasons["odd/all_nan"]
    for file in files:
        line = f"skipped {file.path}: {reasons.get(file.key)}"
        assert (line in lines) == (file.key not in good)


def test_nothing_to_render_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(C2PError, match="no such folder"):
        find_meshes(tmp_path / "nowhere")
    (tmp_path / "meshes/empty").mkdir(parents=True)
    with pytest.raises(C2PError, match="holds no mesh"):
        find_meshes(tmp_path / "meshes")
    (tmp_path / "meshes/empty/a.obj").write_text("v 0 0 0\n")
    with pytest.raises(PairsError, match=r"none of 1 meshes.*a\.obj: .*no faces"):
        rendered(find_meshes(tmp_path / "meshes"), tmp_path / "out")
    assert not (tmp_path / "out/dataset.json").exists()


def test_shapenet_layout(tmp_path: Path) -> None:
    for synset, model in (
        ("02691156", "a.b c"),
        ("02691156", "a_b c"),
        ("03001627", "1f"),
        ("00000001", "x"),
    ):
        folder = tmp_path / synset / model / "models"
        folder.mkdir(parents=True)
        trimesh.creation.box().export(folder / "model_normalized.obj")
    (tmp_path / "03001627/gone/images").mkdir(parents=True)
    files = find_meshes(tmp_path)
    assert [(f.class_name, f.key) for f in files] == [
        ("00000001", "00000001/x"),
        ("airplane", "02691156/a_b_c"),
        ("airplane", "02691156/a_b_c-2"),
        ("chair", "03001627/1f"),
        ("chair", "03001627/gone"),
    ]
    assert "no such file" in render_mesh(files[-1], SMALL).reason
    (tmp_path / "taxonomy.json").write_text('[{"synsetId": "00000001", "name": "thing,object"}]')
    assert find_meshes(tmp_path)[0].class_name == "thing"
    (tmp_path / "taxonomy.json").write_text('{"a": 1}')
    with pytest.raises(C2PError, match=r"taxonomy\.json: is not"):
        find_meshes(tmp_path)


def test_same_stem_long_and_foreign_names_get_keys_of_their_own(tmp_path: Path) -> None:
    names = ["a.ply", "a.obj", "sub/a.stl", "x" * 120 + ".off", "x" * 110 + ".off", "椅子.off", "机.off"]
    for name in names:
        (tmp_path / "class.1" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "class.1" / name).touch()
    keys = [file.key for file in find_meshes(tmp_path)]
    assert len(set(keys)) == len(names)
    assert all(len(key) <= 161 and "." not in key and key.startswith("class_1/") for key in keys)
    with pytest.raises(ValueError, match="CLASS/ID"):
        MeshFile(tmp_path, "class", "a.b/c")


def test_shards_are_read_by_webdataset_rules_and_hold_no_time(tmp_path: Path) -> None:
    files = find_meshes(write_meshes(tmp_path / "meshes", 6))
    rendered(files, tmp_path / "out", replace(SMALL, samplings=2, shard_size=4))
    shards = sorted((tmp_path / "out").glob("shard-*.tar"))
    assert [shard.name for shard in shards] == ["shard-00000.tar", "shard-00001.tar"]
    samples: dict[str, list[str]] = {}
    for shard in shards:
        with tarfile.open(shard) as tar:
            for entry in tar:
                assert (entry.mtime, entry.uid, entry.uname, entry.mode) == (0, 0, "", 0o644)
                # webdataset's rule for the key and the suffix of a sample
                key, suffix = re.fullmatch(r"((?:.*/|)[^.]+)[.]([^/]*)", entry.name).groups()
                samples.setdefault(key, []).append(suffix)
                data = tar.extractfile(entry).read()
                if suffix == "json":
                    assert json.loads(data)["class"] == key.split("/")[0]
                elif suffix == "points.npy":
                    assert np.load(io.BytesIO(data)).shape == (2, 64, 3)
    assert sorted(samples) == sorted(file.key for file in files)
    expected = ["json", "points.npy", *(f"{view:02}.png" for view in range(10))]
    assert all(suffixes == expected for suffixes in samples.values())


_SCRIPT = """
import sys
if __name__ == "__main__":
    from pathlib import Path
    from c2p_deploy import DepthSpec
    from c2p_train.pairs.mesh_files import find_meshes
    from c2p_train.pairs.render import render_pairs
    from c2p_train.pairs.shards import RenderSettings

    settings = RenderSettings(spec=DepthSpec(image_size=32, num_points=64), shard_size=2)
    files = find_meshes(Path(sys.argv[1]))
    render_pairs(files, Path(sys.argv[2]), settings, workers=2)
"""


def children_of(process: int) -> list[Path]:
    """The folders in /proc of the processes that a process has started."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:  # after the name, which may hold anything: state, then parent
            parent = file.read_text().rpartition(")")[2].split()[1]
        except OSError:  # it has ended
            continue
        if int(parent) == process:
            found.append(file.parent)
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks up processes in /proc")
def test_killed_and_resumed_is_never_interrupted(tmp_path: Path) -> None:
    """SIGKILL in the middle, with workers: nothing stays behind, and the rest is added byte for byte."""
    meshes, out = write_meshes(tmp_path / "meshes", 40), tmp_path / "out"
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT)
    command = [sys.executable, str(script), str(meshes), str(out)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (out / "shard-00001.tar").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    children = children_of(process.pid)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert children
    assert not (out / "dataset.json").exists()
    while any(child.exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(child.exists() for child in children)  # workers ended with it
    (out / ".shard-00007.tar.left.tmp").write_bytes(b"half")  # as a kill within a write leaves it

    files = find_meshes(meshes)
    result = rendered(files, out)
    assert 0 < result.rendered < len(files)
    rendered(files, tmp_path / "whole")
    assert files_in(out) == files_in(tmp_path / "whole")


def test_resuming_keeps_whole_shards_and_refuses_anything_else(tmp_path: Path) -> None:
    files, out = find_meshes(write_meshes(tmp_path / "meshes", 6)), tmp_path / "out"
    assert rendered(files, out).rendered == 6
    before = files_in(out)
    assert rendered(files, out).rendered == 0
    with (out / "shard-00001.tar").open("r+b") as shard:
        shard.seek(700)
        shard.write(b"x")
    (out / "shard-00002.tar").unlink()
    assert rendered(files, out).rendered == 4
    assert files_in(out) == before

    for other in (replace(SMALL, seed=1), replace(SMALL, up="z"), replace(SMALL, shard_size=3)):
        with pytest.raises(PairsError, match="other meshes or other settings"):
            rendered(files, out, other)
    with pytest.raises(PairsError, match="other meshes or other settings"):
        rendered(files[1:], out)
    os.utime(files[0].path, ns=(0, 0))
    with pytest.raises(PairsError, match="other meshes or other settings"):
        rendered(files, out)
    assert files_in(out) == before

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").touch()
    with pytest.raises(PairsError, match="holds other files"):
        rendered(files, tmp_path / "mine")
    with open_folder(tmp_path / "busy", "plan"), pytest.raises(PairsError, match="another process"):
        rendered(files, tmp_path / "busy")
    with pytest.raises(PairsError, match="same key"):
        rendered([files[0], files[0]], tmp_path / "twice")


def bytes_of(folder: Path) -> dict[str, bytes]:
    """What is in a folder, without the files that only keep others out."""
    return {name: data for name, data in files_in(folder).items() if not name.startswith(".render/lock")}


@pytest.mark.parametrize("together", [True, False])
def test_parts_make_the_whole(tmp_path: Path, together: bool) -> None:
    """In one folder, or each in its own and then copied; the last one finds all there."""
    files = find_meshes(write_meshes(tmp_path / "meshes", 10))  # five shards
    rendered(files, tmp_path / "whole")
    outs = [tmp_path / ("out" if together else f"out{number}") for number in (1, 2, 3)]
    missing = []
    for number, out in zip((2, 3, 1), outs, strict=True):
        found = render_pairs(files, out, SMALL, workers=1, share=Share(number, 3))
        missing.append(found.missing)
        assert found.rendered == (4 if number < 3 else 2)
    assert missing == ([3, 2, 0] if together else [3, 4, 3])
    if not together:
        for out in outs[1:]:
            shutil.copytree(out, outs[0], dirs_exist_ok=True)
        assert not (outs[0] / "dataset.json").exists()
        assert rendered(files, outs[0]).rendered == 0
    assert bytes_of(outs[0]) == bytes_of(tmp_path / "whole")


def test_parts_keep_out_of_one_anothers_way(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with open_folder(out, "plan", Share(1, 3)):
        (out / ".shard-00000.tar.left.tmp").write_bytes(b"being written")
        with open_folder(out, "plan", Share(2, 3)):
            assert (out / ".shard-00000.tar.left.tmp").exists()
            for busy in (Share(1, 3), Share(2, 3), Share()):
                with pytest.raises(PairsError, match="another process"), open_folder(out, "plan", busy):
                    pass
    with open_folder(out, "plan"):
        assert not (out / ".shard-00000.tar.left.tmp").exists()
        with pytest.raises(PairsError, match="another process"), open_folder(out, "plan", Share(3, 3)):
            pass
    for number, of in ((0, 3), (4, 3), (1, 0)):
        with pytest.raises(OptionError, match="no part"):
            Share(number, of)
    files = find_meshes(write_meshes(tmp_path / "meshes", 4))
    with pytest.raises(PairsError, match="2 shards, none for part 3 of 3"):
        render_pairs(files, tmp_path / "few", SMALL, workers=1, share=Share(3, 3))


class _Deadly(type(Path())):
    """A path that ends the process that unpickles it, as a fault within a library would."""

    def __reduce__(self) -> tuple:
        return os._exit, (1,)


def test_a_mesh_that_kills_its_worker_is_skipped(tmp_path: Path) -> None:
    files = find_meshes(write_meshes(tmp_path / "meshes", 6))
    files[2] = replace(files[2], path=_Deadly(files[2].path))
    result = rendered(files, tmp_path / "out", workers=2)
    assert [entry.key for entry in result.skipped] == [files[2].key]
    assert "crashed" in result.skipped[0].reason
    assert result.pairs == 5


def test_command(tmp_path: Path) -> None:
    meshes, out = write_meshes(tmp_path / "meshes", 4), tmp_path / "out"
    (meshes / "nothing").mkdir()
    arguments = [str(meshes), "--out", str(out), "--image-size", "32", "--num-points", "64", "--workers", "1"]
    run = CliRunner().invoke(render_command, arguments)
    assert run.exit_code == 0, run.output
    assert "4 of 4 meshes in 2 classes, 0 skipped" in run.stdout
    assert "nothing: holds no mesh" in run.stderr
    assert "4 models in" in run.stderr and "peak memory" in run.stderr
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.width > 10 * 100 and sheet.height > 4 * 200
    parts = [*arguments[:2], str(tmp_path / "parts"), *arguments[3:], "--shard-size", "2", "--shard"]
    run = CliRunner().invoke(render_command, [*parts, "1/2"])
    assert run.exit_code == 0 and "1 shards of other parts are not there yet" in run.stderr
    run = CliRunner().invoke(render_command, [*parts, "2/2"])
    assert run.exit_code == 0 and "4 of 4 meshes" in run.stdout
    for wrong in ("3/2", "0/2", "2", "a/b", "1/-2"):
        run = CliRunner().invoke(render_command, [*parts, wrong])
        assert run.exit_code == 2 and "is no part" in run.stderr
    shutil.rmtree(meshes / "ball")
    run = CliRunner().invoke(render_command, arguments)
    assert run.exit_code == 1
    assert run.stderr.splitlines()[-1].startswith(f"error: {out}: holds pairs of other meshes")
    assert CliRunner().invoke(render_command, [str(tmp_path / "nowhere"), "--out", str(out)]).exit_code == 2
