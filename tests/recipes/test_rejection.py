"""What the bundled model's rejection is fitted to: names that stand for labels, and groups of clouds."""

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy import DepthSpec, LabelSet, Manifest
from c2p_deploy.errors import C2PError
from c2p_recipes.data import RecipeData
from c2p_recipes.object_names import FRAGMENT, NEAR, STRANGER, STRUCTURE, outcome_of, plain_name
from c2p_recipes.rejection import rejection_groups
from c2p_recipes.size_limits import SIZE_LIMITS
from c2p_runtime.classifier import DEFAULT_ENGINE
from training_data import write_clouds, write_text_features

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
    labels = set(Manifest.for_engine(DEFAULT_ENGINE).labels.names)
    lines = (shared / "data/objects/objects.tsv").read_text(encoding="utf-8").splitlines()[1:]
    found = [outcome_of(line.split("\t")[2]) for line in lines]
    assert {one for one in found if not one.startswith("(")} <= labels
    assert found.count(STRANGER) > 300 and len(found) - sum(one.startswith("(") for one in found) > 700
    assert set(SIZE_LIMITS) == labels and all(least < most for least, most in SIZE_LIMITS.values())


@pytest.fixture
def data(tmp_path: Path) -> RecipeData:
    sets = [write_clouds(tmp_path / name, per_class=20, classes=("table", "bed")) for name in ("m", "a", "b")]
    objects = tmp_path / "objects"
    objects.mkdir()
    names = ["Table 1", "table 2", "Apple 1", "apple 2", "wall", "Stool", *["Bed"] * 40]
    points = np.random.default_rng(0).normal(size=(len(names), 100, 3)).astype(np.float16)
    np.savez(objects / "objects.npz", points=points)
    (objects / "objects.tsv").write_text(
        "index\tname\n" + "".join(f"{i}\t{n}\n" for i, n in enumerate(names))
    )
    return RecipeData(*sets, write_text_features(tmp_path / "text"), objects)


def test_groups_hold_validation_clouds_and_objects_twice_over(data: RecipeData) -> None:
    labels = LabelSet(("bed", "table"), np.eye(2))
    *sources, objects = rejection_groups(data, labels, SPEC, 0)
    for group in sources:
        assert group.points.shape == (2 * 4, 64, 3)  # a tenth of 20 of each class, whole and from one side
        assert sorted(group.label) == [0] * 4 + [1] * 4
        np.testing.assert_array_equal(group.object[:4], group.object[4:])
    assert [list(objects.label[:34]).count(label) for label in (0, 1, -1)] == [30, 2, 2]
    assert len(objects.label) == 68
    apples = objects.object[objects.label == -1]
    assert len(apples) == 4 and len(set(apples)) == 1  # may be one mesh in two colours


def test_without_table_a_table_is_a_stranger(data: RecipeData) -> None:
    group = rejection_groups(data, LabelSet(("bed", "chair"), np.eye(2)), SPEC, 0)[0]
    assert sorted(group.label) == [-1] * 4 + [0] * 4


def test_damaged_objects_are_refused(data: RecipeData) -> None:
    assert data.objects is not None
    (data.objects / "objects.tsv").write_text("index\tname\n0\tBed\n")
    with pytest.raises(C2PError, match="46 clouds and 1 names"):
        rejection_groups(data, LabelSet(("bed", "table"), np.eye(2)), SPEC, 0)
