"""PairDataset: what was rendered comes back, and damage is told."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from c2p_deploy import DepthSpec, ViewSet, prepare_points, read_cloud
from c2p_deploy.errors import PairsError
from c2p_train.pairs.contact_sheet import write_contact_sheet
from c2p_train.pairs.mesh import load_mesh
from c2p_train.pairs.mesh_files import MeshFile, find_meshes
from c2p_train.pairs.pair_dataset import PairDataset
from c2p_train.pairs.render import make_pair, render_pairs
from c2p_train.pairs.shards import RenderSettings

SETTINGS = RenderSettings(spec=DepthSpec(image_size=32, num_points=64), samplings=2, shard_size=2)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> list[MeshFile]:
    """Five meshes of two classes."""
    root = tmp_path_factory.mktemp("meshes")
    for number in range(5):
        folder = root / ("flat", "round")[number % 2]
        folder.mkdir(exist_ok=True)
        mesh = (
            trimesh.creation.cone(1, 1 + number) if number % 2 else trimesh.creation.box((3, 1 + number, 1))
        )
        mesh.export(folder / f"{number}.ply")
    return find_meshes(root)


def render(files: list[MeshFile], out: Path, settings: RenderSettings = SETTINGS) -> PairDataset:
    render_pairs(files, out, settings, workers=1)
    return PairDataset(out)


@pytest.fixture
def pairs(source: list[MeshFile], tmp_path: Path) -> PairDataset:
    return render(source, tmp_path / "pairs")


def test_what_was_rendered_comes_back(source: list[MeshFile], pairs: PairDataset) -> None:
    assert (len(pairs), pairs.image_size, pairs.num_points, pairs.samplings) == (5, 32, 64, 2)
    assert pairs.views == ViewSet.named("clip2point-10")
    assert pairs.classes == ("flat", "round")
    by_key = {file.key: file for file in source}
    assert {pairs.key(i) for i in range(5)} == set(by_key)
    for i in range(5):
        file = by_key[pairs.key(i)]
        assert pairs.classes[pairs.label(i)] == file.class_name
        pictures, clouds, _ = make_pair(load_mesh(file.path), SETTINGS)
        np.testing.assert_array_equal(pairs.points(i), clouds)
        for view in range(10):
            np.testing.assert_array_equal(pairs.image(i, view), pictures[view])
        robot = prepare_points(read_cloud(file.path), SETTINGS.spec)
        np.testing.assert_array_equal(pairs.points(i)[0], robot)
    pairs.verify()
    copy = pickle.loads(pickle.dumps(pairs))
    np.testing.assert_array_equal(copy.image(3, 7), pairs.image(3, 7))
    with pytest.raises(IndexError):
        pairs.image(0, 10)


def test_class_names_of_the_caller_count(source: list[MeshFile], tmp_path: Path) -> None:
    renamed = [
        MeshFile(f.path, {"flat": "plate, large", "round": "Kegel"}[f.class_name], f.key) for f in source
    ]
    pairs = render(renamed[:3], tmp_path / "renamed")
    assert pairs.classes == tuple(sorted({file.class_name for file in renamed[:3]}))
    names = {file.key: file.class_name for file in renamed}
    assert all(pairs.classes[pairs.label(i)] == names[pairs.key(i)] for i in range(3))


def test_digest_follows_content_alone(source: list[MeshFile], pairs: PairDataset, tmp_path: Path) -> None:
    root = tmp_path / "moved"
    moved = []
    for file in source:  # elsewhere, and newer
        target = root / file.class_name / file.path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.path, target)
        moved.append(MeshFile(target, file.class_name, file.key))
    assert render(moved, tmp_path / "again").digest == pairs.digest
    assert render(source[1:], tmp_path / "fewer").digest != pairs.digest
    other = RenderSettings(spec=SETTINGS.spec, samplings=2, shard_size=2, seed=1)
    assert render(source, tmp_path / "seed", other).digest != pairs.digest
    trimesh.creation.box((3, 2, 1.5)).export(moved[0].path)
    assert render(moved, tmp_path / "changed").digest != pairs.digest


def test_damage_is_told(pairs: PairDataset) -> None:
    root, shard = pairs.root, pairs.root / "shard-00001.tar"
    whole = shard.read_bytes()
    place = whole.index(b"IDAT") + 40
    shard.write_bytes(whole[:place] + bytes(b ^ 0xFF for b in whole[place : place + 8]) + whole[place + 8 :])
    damaged = PairDataset(root)  # size and index are right
    with pytest.raises(PairsError, match=r"shard-00001\.tar: its content has changed.*repeat the render"):
        damaged.verify()
    with pytest.raises(PairsError, match=r"shard-00001\.tar: .* is damaged"):
        for i in range(len(damaged)):
            for view in range(10):
                damaged.image(i, view)
    shard.write_bytes(b"\1" * 512 + whole[512:])
    with pytest.raises(PairsError, match="not a shard of pairs"):
        PairDataset(root)
    shard.write_bytes(whole[:-512])
    with pytest.raises(PairsError, match="bytes instead of"):
        PairDataset(root)
    shard.unlink()
    with pytest.raises(PairsError, match="no such shard"):
        PairDataset(root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "has version 2"),
        ({"format": "photos"}, "does not describe"),
        ({"count": 7}, "promises 7 objects"),
        ({"classes": ["flat"]}, "not in dataset.json"),
        ({"view_set": {"name": "x", "rotations": [[1]], "distances": [1]}}, "is damaged"),
        ({"shards": [{"name": "shard-00000.tar"}]}, "is damaged"),
        ({"spec": None}, "is damaged"),
    ],
)
def test_unfit_descriptions_are_refused(pairs: PairDataset, change: dict, message: str) -> None:
    path = pairs.root / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(PairsError, match=message):
        PairDataset(pairs.root)


def test_other_folders_are_refused(pairs: PairDataset, tmp_path: Path) -> None:
    with pytest.raises(PairsError, match=r"no dataset\.json.*; render one"):
        PairDataset(tmp_path)
    (pairs.root / "dataset.json").write_text("{")
    with pytest.raises(PairsError, match="is not JSON"):
        PairDataset(pairs.root)
    (pairs.root / "dataset.json").unlink()
    with pytest.raises(PairsError, match="finish it by repeating"):
        PairDataset(pairs.root)


def test_contact_sheet_shows_pictures_above_their_depth_maps(pairs: PairDataset, tmp_path: Path) -> None:
    write_contact_sheet(pairs, SETTINGS.spec, tmp_path / "sheet.png", objects=2)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("L"))
    half = len(sheet) // 2
    for row, label in enumerate((0, 1)):  # one object of each class
        i = next(i for i in range(len(pairs)) if pairs.label(i) == label)
        top = sheet[row * half + 22 :][:112, 4 + 4 * 116 :][:, :112]  # picture of view 4
        small = np.asarray(Image.fromarray(top).resize((32, 32), Image.Resampling.BOX)).astype(int)
        drawn = np.asarray(Image.fromarray(pairs.image(i, 4)).convert("L")).astype(int)
        assert np.abs(small - drawn)[1:-1, 1:-1].mean() < 8
        below = sheet[row * half + 22 + 116 :][:112, 4 + 4 * 116 :][:, :112]
        dark_there = below[np.asarray(Image.fromarray(drawn.astype(np.uint8)).resize((112, 112))) > 250]
        assert (dark_there < 200).mean() < 0.15  # next to nothing outside of the silhouette
