"""The example clouds and scripts in `examples/`."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bus import tabletop
from c2p_deploy import DepthSpec, prepare_points, read_cloud
from c2p_deploy.io import CLOUD_SUFFIXES
from cloud2 import XYZ

EXAMPLES = Path(__file__).parent.parent / "examples"
CLOUDS = sorted((EXAMPLES / "clouds").iterdir())

# Metres: extent in x, y, z; and the axis that is up.
EXTENTS = {
    "airplane.obj": ((36.7, 34, 10.8), "z"),
    "bathtub.off": ((0.8, 1.74, 0.55), "z"),
    "bed.npy": ((1.64, 2.14, 1.06), "z"),
    "bottle.xyz": ((0.076, 0.076, 0.316), "z"),
    "chair.ply": ((0.44, 0.5, 0.95), "z"),
    "lamp.ply": ((0.37, 0.22, 0.45), "z"),
    "monitor.stl": ((0.2, 0.6, 0.48), "z"),
    "mug_y_up.glb": ((0.117, 0.094, 0.082), "y"),
    "sofa.csv": ((0.93, 1.9, 0.9), "z"),
    "table.pcd": ((0.85, 1.6, 0.75), "z"),
}


def make_clouds(*arguments: str) -> None:
    subprocess.run([sys.executable, str(EXAMPLES / "make_clouds.py"), *arguments], check=True, timeout=120)


def test_the_script_reproduces_the_committed_files(tmp_path: Path) -> None:
    make_clouds("--out", str(tmp_path / "new" / "clouds"))
    made = sorted((tmp_path / "new" / "clouds").iterdir())
    assert [path.name for path in made] == [path.name for path in CLOUDS]
    for new, committed in zip(made, CLOUDS, strict=True):
        assert new.read_bytes() == committed.read_bytes(), committed.name


def test_another_seed_gives_other_points_and_the_same_meshes(tmp_path: Path) -> None:
    make_clouds("--out", str(tmp_path), "--seed", "7")
    for committed in CLOUDS:
        same = (tmp_path / committed.name).read_bytes() == committed.read_bytes()
        assert same == (committed.suffix in (".obj", ".off", ".stl", ".glb")), committed.name


def test_each_file_has_a_format_of_its_own_and_all_are_small() -> None:
    kinds = {path.read_bytes()[:30] if path.suffix == ".ply" else path.suffix.encode() for path in CLOUDS}
    assert len(kinds) == len(CLOUDS)  # the two .ply are one binary, one text
    assert {path.suffix for path in CLOUDS} <= set(CLOUD_SUFFIXES)
    assert sum(path.stat().st_size for path in CLOUDS) < 600_000


@pytest.mark.parametrize("path", CLOUDS, ids=lambda path: path.name)
def test_every_cloud_is_readable_and_of_real_size(path: Path) -> None:
    points = read_cloud(path)
    assert points.dtype == np.float32
    is_mesh = path.suffix in (".obj", ".off", ".stl", ".glb")
    assert len(points) == 8192 if is_mesh else 2000 <= len(points) <= 4000
    extent, up = EXTENTS[path.name]
    assert np.ptp(points, axis=0) == pytest.approx(extent, rel=0.05)
    assert len(np.unique(points, axis=0)) > 0.95 * len(points)
    if path.name != "airplane.obj":  # it flies
        assert points[:, "xyz".index(up)].min() == pytest.approx(0, abs=0.01)
    assert len(prepare_points(points, DepthSpec())) == 1024


@pytest.mark.parametrize("path", CLOUDS, ids=lambda path: path.name)
def test_other_readers_agree(path: Path) -> None:
    """The files are what their suffix says, not merely what our own readers take."""
    if path.suffix in (".xyz", ".csv", ".npy"):
        delimiter = "," if path.suffix == ".csv" else None
        theirs = (
            np.load(path)
            if path.suffix == ".npy"
            else np.loadtxt(path, delimiter=delimiter, skiprows=int(path.suffix == ".csv"))
        )
        assert read_cloud(path) == pytest.approx(theirs)
    elif path.suffix == ".pcd":
        pypcd4 = pytest.importorskip("pypcd4", reason="pypcd4 is not installed")
        theirs = pypcd4.PointCloud.from_path(path).numpy(("x", "y", "z"))
        np.testing.assert_array_equal(read_cloud(path), theirs)
    else:
        trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")
        loaded = trimesh.load(path)
        theirs = loaded.to_geometry() if hasattr(loaded, "to_geometry") else loaded
        ours = read_cloud(path, mesh_points=50_000)
        slack = 0.01 * float(np.ptp(ours, axis=0).max())
        assert ours.min(axis=0) == pytest.approx(theirs.bounds[0], abs=slack)
        assert ours.max(axis=0) == pytest.approx(theirs.bounds[1], abs=slack)


@pytest.mark.parametrize(
    "path", [p for p in CLOUDS if p.suffix in (".obj", ".off", ".stl", ".glb")], ids=lambda path: path.name
)
def test_meshes_are_closed_skins_that_face_outwards(path: Path) -> None:
    trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")
    loaded = trimesh.load(path)
    mesh = loaded.to_geometry() if hasattr(loaded, "to_geometry") else loaded
    mesh.merge_vertices()
    for part in mesh.split(only_watertight=False):
        assert part.is_watertight and part.is_winding_consistent
        assert part.volume > 0


def test_classify_names_the_example_clouds() -> None:
    from c2p_runtime.classifier import DEFAULT_ENGINE

    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    if not DEFAULT_ENGINE.exists():
        pytest.skip("the bundled model is not built yet")
    paths = [str(EXAMPLES / "clouds" / name) for name in ("chair.ply", "table.pcd")]
    answer = subprocess.run(
        [sys.executable, str(EXAMPLES / "classify.py"), *paths], capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr
    assert [line.split(": ")[1].split("  (")[0] for line in answer.stdout.splitlines()] == ["chair", "table"]
    assert answer.stdout.count("(") == 2


def test_embed_follows_a_recording(tmp_path: Path) -> None:
    """The last of its frames is always answered; things keep their numbers from frame to frame."""
    recordings = pytest.importorskip("recordings")
    structured = np.ascontiguousarray(tabletop(20_000)).view(XYZ).reshape(-1)
    start = recordings.START
    sent = [recordings.Sent("/points", structured, start + i * 200_000_000, start) for i in range(5)]
    bag = recordings.write_bag(tmp_path / "drive.bag", sent, chunk=1 << 20)
    answer = subprocess.run(
        [sys.executable, str(EXAMPLES / "embed.py"), str(bag)], capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr
    lines = [line.split(": ", 1) for line in answer.stdout.splitlines()]
    frames = {frame: sorted(said.split()[0] for f, said in lines if f == frame) for frame, _ in lines}
    assert "frame 4" in frames and all(found == ["#1", "#2", "#3"] for found in frames.values())
    assert "received=5" in answer.stderr and "failed=0" in answer.stderr


def test_the_package_for_ros_2_fits_the_node() -> None:
    """Its parameters are those that the node declares, its files those that are installed."""
    yaml = pytest.importorskip("ruamel.yaml", reason="ruamel.yaml is not installed").YAML(typ="safe")
    folder = EXAMPLES / "ros2"
    given = yaml.load(folder / "config" / "scene.yaml")["c2p"]["ros__parameters"]
    source = (EXAMPLES.parent / "runtime/c2p_runtime/robot/ros2_node.py").read_text()
    block = re.search(r"^PARAMETERS = (\{.*?^\})", source, flags=re.MULTILINE | re.DOTALL)
    assert block is not None
    declared = ast.literal_eval(block[1])
    assert {name: type(value) for name, value in given.items()} == {
        name: type(value) for name, value in declared.items()
    }
    setup = (folder / "setup.py").read_text()
    for path in folder.rglob("*"):
        if path.suffix == ".py":
            compile(path.read_text(), path.name, "exec")
        if path.parent.name in ("launch", "config", "resource"):
            assert f'"{path.relative_to(folder).as_posix()}"' in setup
    assert ElementTree.parse(folder / "package.xml").findtext("name") == "c2p_ros2"


def test_the_package_for_ros_1_fits_the_node() -> None:
    """Its launch file starts what is there, with options that the node has and arguments that it declares."""
    folder = EXAMPLES / "ros1"
    launch = ElementTree.parse(folder / "launch" / "scene.launch").getroot()
    (node,) = launch.findall("node")
    name = ElementTree.parse(folder / "package.xml").findtext("name")
    assert (folder / "CMakeLists.txt").read_text().count(f"project({name})") == 1
    assert node.get("pkg") == name
    script = folder / "scripts" / str(node.get("type"))
    assert f"PROGRAMS scripts/{script.name} " in (folder / "CMakeLists.txt").read_text()
    assert os.access(script, os.X_OK) and script.read_text().startswith("#!/usr/bin/env python3\n")
    compile(script.read_text(), script.name, "exec")
    declared = {arg.get("name"): arg.get("default") for arg in launch.findall("arg")}
    used = re.findall(r"\$\(arg (\w+)\)", " ".join(node.attrib.values()))
    assert set(used) == set(declared)
    arguments = re.sub(r"\$\(arg (\w+)\)", lambda found: str(declared[found[1]]), str(node.get("args")))
    from c2p_runtime.robot.ros1 import main

    options = main.make_context("ros1", shlex.split(arguments)).params
    assert (options["topic"], options["name"]) == (declared["points"], declared["name"])
    assert options["scene"]
    (example,) = re.findall(
        r"^roslaunch c2p_ros1 scene.launch (.*)$", (folder / "README.md").read_text(), re.M
    )
    given = dict(word.split(":=") for word in shlex.split(example))
    assert set(given) <= set(declared)
    assert main.make_context("ros1", shlex.split(given["options"])).params["labels"] == "mug, bottle, drill"
