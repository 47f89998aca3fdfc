"""A group's name stands for its labels, where the engine has some of them and no label of that name."""

import numpy as np

from c2p_deploy import LabelSet
from c2p_deploy.labels import by_names, label_groups
from c2p_deploy.labels.groups import without_groups
from c2p_deploy.labels.names import rows_of


def test_a_group_is_replaced_by_its_known_labels() -> None:
    known = rows_of(["chair", "table", "mug", "Night_Stand", "car"])
    assert set(without_groups(["furniture"], known)) == {"chair", "table", "night stand"}
    assert without_groups(["mug", "Furniture"], known)[0] == "mug"
    assert without_groups(["table", "furniture"], known).count("table") == 1


def test_labels_and_unknown_words_stay_as_they_are() -> None:
    assert without_groups(["animal"], ["animal", "dog"]) == ("animal",)  # a label of the engine
    assert without_groups(["furniture"], ["mug"]) == ("furniture",)  # nothing of it is known
    assert without_groups(["gadget", "mug"], ["mug"]) == ("gadget", "mug")


def test_label_sets_take_groups() -> None:
    names = ("chair", "dog", "sofa")
    known = LabelSet(names, np.eye(3, 8, dtype=np.float32))
    chosen = by_names(known, ["furniture"])
    assert set(chosen.names) == {"chair", "sofa"}
    assert np.array_equal(chosen.text_features[chosen.names.index("sofa")], known.text_features[2])


def test_groups_hold_labels_and_no_other_groups() -> None:
    groups = label_groups()
    assert {"chair", "table"} <= set(groups["furniture"]) and "can" in groups["container"]
    assert all(names and len(set(names)) == len(names) for names in groups.values())
