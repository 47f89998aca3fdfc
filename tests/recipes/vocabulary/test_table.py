"""Names of objects become labels as the table says, and the table says what makes sense."""

import csv
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.labels import label_groups
from c2p_recipes.vocabulary.table import all_labels, groups, label_of, label_set, words_of
from c2p_train.model.detic_features import read_detic_features


@pytest.mark.parametrize(
    ("name", "category", "label"),
    [
        ("kitchen Cabinet Upper Double", "", "cabinet"),
        ("Round table", "Kitchen", "table"),
        ("table Coffee Glass Square", "", "coffee table"),
        ("lamp Round Table", "", "lamp"),  # the longest name wins over `table`
        ("Apple iMac 2004", "Office", "computer"),
        ("Apple 3", "crops_pack", None),  # a tree that bears apples
        ("apple", "", "apple"),
        ("trash can", "", "trash can"),
        ("Ladder short", "platformer_pack", "ladder"),
        ("Body Pistol 1", "modular_sci_fi_guns_pack", None),  # a fragment
        ("Witch", "modular_women", "person"),
        ("Roasted chicken", "", "roast chicken"),
        ("aws robomaker residential Sofa 01", "", "sofa"),
        ("floor Full", "", None),
    ],
)
def test_free_text_names_become_labels(name: str, category: str, label: str | None) -> None:
    assert label_of(name, category) == label


def test_words_are_split_where_people_would_split_them() -> None:
    assert words_of("Kitchen 2Drawers") == "kitchen drawers"
    assert words_of("bookcaseClosedDoors_01") == "bookcase closed doors"
    assert words_of("VW new beetle") == "vw new beetle"


def test_there_are_many_labels_in_groups_that_the_runtime_knows() -> None:
    assert len(all_labels()) >= 150
    assert all(label.groups for label in all_labels())
    # tools/build_label_groups.py writes the one from the other.
    assert dict(label_groups()) == groups()
    assert {"furniture", "tool", "container", "vehicle", "food", "animal"} <= set(groups())


def test_every_label_has_a_text_feature_of_clip(shared: Path) -> None:
    names = tuple(label.name for label in all_labels())
    features = label_set(names, read_detic_features(shared / "data/clip_text")).text_features
    likeness = features @ features.T - np.eye(len(names))
    a, b = np.unravel_index(likeness.argmax(), likeness.shape)
    # Two labels with one feature could never be told apart.
    assert likeness[a, b] < 0.999, (names[a], names[b])


def test_no_name_of_the_open_packs_is_claimed_twice(shared: Path) -> None:
    with (shared / "data/objects/objects.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    labels = {label_of(name, category) for name, category in {(row["name"], row["category"]) for row in rows}}
    assert len(labels - {None}) > 200
