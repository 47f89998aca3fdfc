"""Near-twins are found whatever their heading, and none is trained on of what measures."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2p_deploy.errors import C2PError
from c2p_deploy.io.meshes.sample import sample_mesh
from c2p_deploy.projection.prepare import to_unit_sphere
from c2p_recipes.augment import about
from c2p_recipes.packs.objects import DENSE_POINTS, NamedObject, dense_clouds, named_objects, object_points
from c2p_recipes.packs.split import HELD_BACK, report, split_objects
from c2p_recipes.packs.twins import SAME_SHAPE, connected, shape_descriptor
from c2p_recipes.shapes.catalogue import make_shape
from open_objects import write_objects, write_package


def cloud(label: str, number: int, seed: int, heading: float = 0.0) -> np.ndarray:
    shape = make_shape(label, number)
    points = sample_mesh(shape.vertices, shape.faces, 4096, seed)
    return to_unit_sphere(points @ about(1, heading))


@pytest.mark.parametrize("label", ["mug", "airplane", "desk", "drill"])
def test_a_turned_copy_is_a_twin_and_another_thing_is_not(label: str) -> None:
    one, copy = shape_descriptor(cloud(label, 0, 1)), shape_descriptor(cloud(label, 0, 2, heading=77))
    other = shape_descriptor(cloud("chess piece", 5, 3))
    assert np.abs(one - copy).sum() < SAME_SHAPE < np.abs(one - other).sum()


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=40))
def test_groups_are_what_pairs_connect(pairs: list[tuple[int, int]]) -> None:
    group = connected(20, pairs)
    assert all(group[a] == group[b] for a, b in pairs)
    assert (group <= np.arange(20)).all() and (group[group] == group).all()
    assert len(set(group.tolist())) >= 20 - len(pairs)


def test_no_twin_of_a_validation_object_is_trained_on() -> None:
    labels = ["mug", "drill", "airplane", "chess piece", "bottle"]
    objects, clouds = [], []
    for pack in ("one", "two", HELD_BACK[0]):
        for number in range(20):
            label = labels[number % 5]
            # The pack that is held back has copies of the first, and things of its own.
            which = number if pack != "two" and number < 10 else number + 100 * (1 + len(pack))
            objects.append(NamedObject(len(objects), pack, label, label, f"{pack}/{number}"))
            clouds.append(cloud(label, which, seed=len(objects), heading=31 * number))
    features = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    split = split_objects(objects, np.stack(clouds).astype(np.float16), features, seed=0)
    trained = set(split.of("training").tolist())
    apart = set(split.of("other packs").tolist()) | set(split.of("same packs").tolist())
    assert len(split.of("other packs")) >= 8 and len(split.of("left out")) >= 8
    assert not any({a, b} & trained and {a, b} & apart for a, b, _, _ in split.twins)
    text = report(objects, split)
    assert f"| {HELD_BACK[0]} | 0 | 0 | {len(split.of('other packs'))} |" in text
    assert text.count(" ~ ") == len(split.of("left out"))


def test_objects_are_sampled_from_meshes_where_there_are_any(tmp_path: Path) -> None:
    package = write_package(tmp_path / "f.deb", [("Shelf", "scopia/a/a.obj")])
    rows = [
        ("sweethome3d-furniture/Scopia", "Shelf", "scopia/a/a.obj"),
        ("kit", "floor Full", "x"),
        ("kit", "Mug", "y"),
    ]
    folder = write_objects(tmp_path / "objects", rows)
    objects = named_objects(folder)
    assert [(each.label, each.row) for each in objects] == [("shelf", 0), ("mug", 2)]
    clouds = dense_clouds(objects, folder, package, seed=0)
    assert clouds.shape == (2, DENSE_POINTS, 3)
    extent = np.ptp(clouds[0].astype(np.float64), axis=0)
    assert extent / extent.max() == pytest.approx([1, 0.5, 0.25], abs=0.02)
    assert len(np.unique(clouds[0], axis=0)) > 2000 > 513 > len(np.unique(clouds[1], axis=0))


def test_clouds_that_are_damaged_or_something_else_are_refused(tmp_path: Path) -> None:
    folder = write_objects(tmp_path / "objects", [("kit", "Mug", "x")])
    archive = folder / "objects.npz"
    whole = archive.read_bytes()
    for broken in (whole[:200], whole[:-30], b"", b"PK\x03\x04"):
        archive.write_bytes(broken)
        with pytest.raises(C2PError, match="cannot be read"):
            object_points(folder)
    with archive.open("wb") as file:
        np.save(file, np.zeros((1, 8, 3)))  # not an archive
    with pytest.raises(C2PError, match="cannot be read"):
        object_points(folder)
    np.savez(archive, points=np.zeros((1, 8)))
    with pytest.raises(C2PError, match="not clouds"):
        object_points(folder)


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "objects.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(C2PError, match="no table of objects"):
        named_objects(tmp_path)
