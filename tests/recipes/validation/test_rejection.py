"""What the bundled model's rejection is fitted to: names that stand for labels, and groups of clouds."""

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy import DepthSpec, LabelSet, Manifest
from c2p_deploy.errors import C2PError
from c2p_recipes.clouds import Clouds
from c2p_recipes.data import Source, sources_of
from c2p_recipes.validation.rejection import rejection_groups, validation_groups
from c2p_recipes.vocabulary.object_names import FRAGMENT, NEAR, STRANGER, STRUCTURE, outcome_of, plain_name
from c2p_recipes.vocabulary.size_limits import SIZE_LIMITS
from c2p_runtime.bundled import engine_path
from c2p_train.evaluate.calibrate import STRANGER as NONE
from training_data import write_clouds

SPEC = DepthSpec(32, 0.1, 64)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("NightStand 2", "night stand"), ("Bedside table", "night stand"), ("coffee table", "table"),
        ("CardinalFish", "fish"), ("Carrot 1", STRANGER), ("Sports Car2", "car"), ("Cargo Train Front", NEAR),
        ("Apple 3", STRANGER), ("Refrigerator", STRANGER), ("kitchen Fridge Small", STRANGER),
        ("Wardrobe", NEAR), ("Stool", NEAR), ("wall Corner Half", STRUCTURE),
        ("Double hung window", STRUCTURE),
        ("RoofTile Plate", FRAGMENT), ("Stock AR 4", FRAGMENT), ("grand piano", "musical instrument"),
        ("1Story GableRoof Mat", FRAGMENT), ("Abdominal bench", NEAR), ("bench Cushion", "sofa"),
    ],
)  # fmt: skip
def test_names_are_told_apart(name: str, outcome: str) -> None:
    assert outcome_of(name) == outcome


def test_names_lose_their_numbers_and_their_spelling() -> None:
    assert {plain_name(n) for n in ("PineTree 3", "pine_tree", "Pine Tree2")} == {"pine tree"}


def test_outcomes_and_limits_are_labels_of_the_bundled_model(shared: Path) -> None:
    labels = set(Manifest.for_engine(engine_path("research")).labels.names)
    lines = (shared / "data/objects/objects.tsv").read_text(encoding="utf-8").splitlines()[1:]
    found = [outcome_of(line.split("\t")[2]) for line in lines]
    assert {one for one in found if not one.startswith("(")} <= labels
    assert found.count(STRANGER) > 300 and len(found) - sum(one.startswith("(") for one in found) > 700
    everything = set(Manifest.for_engine(engine_path("default")).labels.names)
    assert set(SIZE_LIMITS) == labels | everything
    assert all(least < most for least, most in SIZE_LIMITS.values())


Data = tuple[list[Source], Path]


@pytest.fixture
def data(tmp_path: Path) -> Data:
    sets = [write_clouds(tmp_path / name, per_class=20, classes=("table", "bed")) for name in ("m", "a", "b")]
    objects = tmp_path / "objects"
    objects.mkdir()
    names = ["Table 1", "table 2", "Fridge 1", "fridge 2", "wall", "Stool", *["Bed"] * 40]
    points = np.random.default_rng(0).normal(size=(len(names), 100, 3)).astype(np.float16)
    np.savez(objects / "objects.npz", points=points)
    (objects / "objects.tsv").write_text(
        "pack\tpath\tname\tcategory\n" + "".join(f"kit\t{i}\t{n}\t\n" for i, n in enumerate(names))
    )
    return sources_of(*sets), objects


def test_groups_hold_validation_clouds_and_objects_twice_over(data: Data) -> None:
    labels = LabelSet(("bed", "table"), np.eye(2))
    *sources, objects = rejection_groups(*data, labels, SPEC, 0)
    for group in sources:
        assert group.points.shape == (2 * 4, 64, 3)  # a tenth of 20 of each class, whole and from one side
        assert sorted(group.label) == [0] * 4 + [1] * 4
        np.testing.assert_array_equal(group.object[:4], group.object[4:])
    assert [list(objects.label[:34]).count(label) for label in (0, 1, NONE)] == [30, 2, 2]
    assert len(objects.label) == 68
    fridges = objects.object[objects.label == NONE]
    assert len(fridges) == 4 and len(set(fridges)) == 1  # may be one mesh in two colours


def test_without_table_a_table_is_a_stranger(data: Data) -> None:
    sources, _ = data
    group = rejection_groups(sources, None, LabelSet(("bed", "chair"), np.eye(2)), SPEC, 0)[0]
    assert sorted(group.label) == [NONE] * 4 + [0] * 4


def test_what_was_kept_apart_and_objects_without_a_label(data: Data) -> None:
    points = np.random.default_rng(1).normal(size=(5, 64, 3)).astype(np.float32)
    every = np.arange(5)
    clouds = Clouds(
        points, every, np.ones(5, int), np.array([0, 1, 0, 1, 2]), np.array([0, 0, 1, 1, 2]),
        np.ones(5, bool), ("bed", "table", "rocket"), ("packs", "packs, one side", "meshes"),
    )  # fmt: skip
    labels = LabelSet(("table", "bed"), np.eye(2))
    packs, meshes, strangers = validation_groups(clouds, data[1], labels, SPEC, 0)
    assert packs.name == "packs" and packs.label.tolist() == [1, 0, 1, 0]
    assert packs.object.tolist() == [0, 1, 0, 1]  # both show the same objects
    assert meshes.label.tolist() == [NONE]
    assert strangers.name == "unlabelled objects" and set(strangers.label) == {NONE}
    assert len(strangers.label) == 4  # two fridges, each also from one side


def test_damaged_objects_are_refused(data: Data) -> None:
    (data[1] / "objects.tsv").write_text("pack\tpath\tname\tcategory\nkit\t0\tBed\t\n")
    with pytest.raises(C2PError, match="46 clouds and 1 names"):
        rejection_groups(*data, LabelSet(("bed", "table"), np.eye(2)), SPEC, 0)
