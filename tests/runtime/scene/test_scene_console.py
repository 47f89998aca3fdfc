"""`c2p-run --scene` as its users meet it: lines, JSON, pictures, coloured clouds, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from click.testing import CliRunner, Result
from PIL import Image

from c2p_deploy import read_cloud
from c2p_deploy.errors import C2PError
from c2p_runtime import Classifier
from c2p_runtime.cli import main
from c2p_runtime.scene.classifier import Scene, SceneClassifier, SceneObject
from c2p_runtime.scene.colours import OTHER, SUPPORT, colour_of
from c2p_runtime.scene.console import lines_of, save_scene, with_suffix
from c2p_runtime.scene.picture import scene_picture
from c2p_runtime.scene.ply import write_ply
from c2p_runtime.scene.segmentation import Plane
from engines import LABELS, write_engine
from segmented import in_parts, things

RNG = np.random.default_rng(0)


def c2p_run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def tabletop(count: int = 3) -> np.ndarray:
    """Balls on a table, z up: float32 [N, 3]."""
    parts = [RNG.uniform((-0.5, -0.5, 0), (0.5, 0.5, 0.001), (20_000, 3))]
    for place in range(count):
        ball = RNG.normal(size=(3000, 3))
        ball *= 0.05 / np.linalg.norm(ball, axis=1, keepdims=True)
        parts.append(ball + np.array([0.25 * (place - 1), 0.1 * place, 0.06]))
    return np.concatenate(parts).astype(np.float32)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    np.save(tmp_path / "table.npy", tabletop())
    return tmp_path / "table.npy"


@pytest.fixture
def scene(tmp_path: Path) -> tuple[np.ndarray, Scene]:
    """Three things by hand on a support, and points of neither."""
    points, parts = in_parts(things(3))
    support = RNG.uniform((-0.5, -0.5, 0), (2.5, 0.5, 0.001), (900, 3)).astype(np.float32)
    other = RNG.uniform((-0.5, -0.5, 1), (2.5, 0.5, 1.1), (50, 3)).astype(np.float32)
    plane = Plane(np.array([0.0, 0, 1]), 0.0, np.arange(600, 1500))
    points = np.concatenate([points, support, other])
    scene_clf = SceneClassifier(Classifier(write_engine(tmp_path), device="cpu"))
    return points, scene_clf.named(points, replace(parts, planes=(plane,)))


def test_a_line_for_each_thing(table: Path, tmp_path: Path) -> None:
    result = c2p_run("--engine", write_engine(tmp_path), "--scene", table)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, 1):
        assert line.startswith(f"{table} #{number}: ")
        assert any(name in line for name in LABELS.names) and " m at (" in line
        assert "0.10 × 0.10 × 0.1" in line  # balls of 10 cm; their foot may be lost with the table


def test_one_object_of_json_for_each_scene(table: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "empty.npy", tabletop(0))
    result = c2p_run(
        "--engine", write_engine(tmp_path), "--scene", "--json", "--top-k", 2, table, tmp_path / "empty.npy"
    )
    assert result.exit_code == 0, result.stderr
    full, empty = map(json.loads, result.stdout.splitlines())
    assert list(full) == [
        *("file", "objects", "planes", "up", "dropped", "too_small", "too_large", "points", "timing_ms"),
        *("engine", "backend"),
    ]
    assert full["up"] == pytest.approx([0, 0, 1], abs=0.02) and full["points"] == len(tabletop())
    assert [one["id"] for one in full["objects"]] == [1, 2, 3]
    for one in full["objects"]:
        assert one["points"] > 2500 and len(one["top"]) == 2 and one["guess"] in LABELS.names
        assert one["box"]["size"] == pytest.approx([0.1, 0.1, 0.1], abs=0.02)
        assert np.linalg.det(one["box"]["axes"]) == pytest.approx(1, abs=1e-4)
    assert full["planes"][0]["points"] > 15_000
    assert empty["objects"] == [] and empty["file"].endswith("empty.npy")
    assert full["timing_ms"]["total"] > full["timing_ms"]["classify"] > 0
    assert {"read", "keep"} <= full["timing_ms"].keys()  # the file, and the points of it that count
    stages = sum(ms for stage, ms in full["timing_ms"].items() if stage != "total")
    assert full["timing_ms"]["total"] >= stages - 0.1


def test_nothing_found_is_an_answer(scene: tuple[np.ndarray, Scene]) -> None:
    _, found = scene
    empty = replace(found, objects=())
    assert list(lines_of(Path("a.pcd"), empty)) == ["a.pcd: no things found"]
    assert list(lines_of(Path("a.pcd"), replace(empty, too_small=2, too_large=1))) == [
        "a.pcd: no things found (2 too small, 1 too large)"
    ]


def test_what_has_no_shape_is_unknown(scene: tuple[np.ndarray, Scene]) -> None:
    _, found = scene
    thing = found.objects[0]
    lines = list(lines_of(Path("a"), replace(found, objects=(SceneObject(thing.box, thing.indices, None),))))
    assert lines[0].startswith("a #1: unknown, too few points, ")


def test_the_coloured_cloud_tells_things_apart(scene: tuple[np.ndarray, Scene], tmp_path: Path) -> None:
    """trimesh reads it, and so does `read_cloud`."""
    points, found = scene
    points = np.concatenate([points, [[np.nan, 0, 0]]]).astype(np.float32)
    save_scene(points, found, tmp_path / "s.ply", "title")
    cloud = trimesh.load(tmp_path / "s.ply")
    np.testing.assert_array_equal(cloud.vertices, points[:-1])
    np.testing.assert_array_equal(read_cloud(tmp_path / "s.ply"), points[:-1])
    for number, thing in enumerate(found.objects, 1):
        assert (cloud.colors[thing.indices, :3] == colour_of(number)).all()
    assert (cloud.colors[600:1500, :3] == SUPPORT).all() and (cloud.colors[1500:, :3] == OTHER).all()
    numbers = cloud.metadata["_ply_raw"]["vertex"]["data"]["object"]
    assert sorted(set(numbers.tolist())) == [-1, 0, 1, 2, 3]


def test_doubles_stay_doubles(scene: tuple[np.ndarray, Scene], tmp_path: Path) -> None:
    points, found = scene
    far = points + np.array([6.9e5, 5.3e6, 0.1])
    with (tmp_path / "far.ply").open("wb") as file:
        write_ply(file, far, found)
    np.testing.assert_array_equal(read_cloud(tmp_path / "far.ply"), far)


def test_the_picture_shows_each_thing_in_its_colour(scene: tuple[np.ndarray, Scene]) -> None:
    points, found = scene
    page = np.asarray(scene_picture(points, found, title="scene")).astype(int)
    panels = page[84 : 84 + 600, 32 : 32 + 680], page[84 : 84 + 600, 32 + 694 : 32 + 694 + 680]
    for panel in panels:
        for number in (1, 2, 3):
            assert (np.abs(panel - colour_of(number)).max(axis=2) < 30).sum() > 200
    ahead = [
        np.argwhere(np.abs(panels[0] - colour_of(number)).max(axis=2) < 30).mean(axis=0)
        for number in (1, 2, 3)
    ]
    assert ahead[0][0] > ahead[1][0] > ahead[2][0]  # x, which the things lie along, is up the page


@pytest.mark.parametrize("count", [0, 1, 30, 64])
def test_any_number_of_things_can_be_drawn(tmp_path: Path, count: int) -> None:
    points, parts = in_parts(things(count, points=60) or things(1))
    parts = replace(parts, objects=parts.objects[:count])
    clf = Classifier(write_engine(tmp_path, max_batch=64), device="cpu")
    scene = SceneClassifier(clf).named(points, parts)
    assert scene_picture(points, scene, title="caf\udce9 椅子\n").width > 1000
    assert scene_picture(points[:0], replace(scene, objects=()), title="").width > 1000


def test_pictures_of_several_scenes_do_not_clash(table: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "table.npy").write_bytes(table.read_bytes())
    out = tmp_path / "out"
    out.mkdir()
    result = c2p_run(
        *("--engine", write_engine(tmp_path), "--scene", "--save-scene", out / "v1.2"),
        *(table, tmp_path / "more" / "table.npy"),
    )
    assert result.exit_code == 0, result.stderr
    names = ["v1.2-table-2.ply", "v1.2-table-2.png", "v1.2-table.ply", "v1.2-table.png"]
    assert sorted(path.name for path in out.iterdir()) == names
    with Image.open(out / "v1.2-table.png") as picture:
        assert picture.format == "PNG"


def test_neither_file_is_left_where_one_cannot_be_written(
    scene: tuple[np.ndarray, Scene], tmp_path: Path
) -> None:
    points, found = scene
    out = tmp_path / "out"
    (out / "s.png").mkdir(parents=True)
    with pytest.raises(C2PError, match="is a folder"):
        save_scene(points, found, out / "s.ply", "t")
    assert [path.name for path in out.iterdir()] == ["s.png"]


@pytest.mark.parametrize(
    ("name", "expected"), [("a", "a.ply"), ("a.png", "a.ply"), ("b/a.PLY", "b/a.ply"), ("v1.2", "v1.2.ply")]
)
def test_names_get_their_suffix(name: str, expected: str) -> None:
    assert with_suffix(Path(name), ".ply") == Path(expected)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--save-scene", "a"], "--save-scene is for scenes: add --scene"),
        (["--support", "plane"], "--support is for scenes"),
        (["--min-size", "0.1"], "--min-size is for scenes"),
        (["--max-size", "3"], "--max-size is for scenes"),
        (["--up", "auto"], "--up auto is for scenes"),
        (["--scene", "--save-views", "a.png"], "--save-views is for clouds of one thing"),
        (["--scene", "--save-depth", "a.npz"], "--save-depth is for clouds of one thing"),
        (["--scene", "--support", "wall"], "'wall' is not one of"),
        (["--scene", "--min-size", "0"], "0"),
    ],
)
def test_options_that_make_no_sense_together_are_wrong_usage(arguments: list[str], complaint: str) -> None:
    result = c2p_run(*arguments, "a.pcd")
    assert result.exit_code == 2 and complaint in result.stderr


def test_a_bad_file_spoils_no_other(table: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pcd"
    bad.write_text("nonsense")
    result = c2p_run("--engine", write_engine(tmp_path), "--scene", bad, table)
    assert result.exit_code == 1 and len(result.stdout.splitlines()) == 3
    assert result.stderr.startswith(f"error: {bad}: ") and result.stderr.count("\n") == 1


def test_a_scene_that_is_taken_for_one_thing_gets_a_hint(table: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "c2p_runtime", "--engine", write_engine(tmp_path), "--up", "y", table],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0 and len(result.stdout.splitlines()) == 1
    assert "looks like a whole scene" in result.stderr and result.stderr.count("\n") == 1


def test_scenes_are_imported_where_they_are_used() -> None:
    code = "import sys, c2p_runtime, c2p_runtime.cli; print([m for m in sys.modules if '.scene' in m])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["[]"]
