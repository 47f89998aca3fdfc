"""Text features for our labels, from the published files."""

from pathlib import Path

import numpy as np
import pytest

from c2p_deploy.errors import LabelError
from c2p_recipes.data import FOLDER_LABELS, TRAINING_ONLY_LABELS
from c2p_train.datasets.benchmark_sets import MODELNET10_LABELS
from c2p_train.model.detic_features import label_set_of, read_detic_features
from training_data import write_text_features


def test_openimages_wins_and_rows_follow_the_ids(tmp_path: Path) -> None:
    folder = write_text_features(tmp_path / "text")
    found = read_detic_features(folder)
    assert set(found) == {"table", "bed", "couch", "chair", "lamp", "dresser"}
    np.testing.assert_array_equal(found["table"], np.load(folder / "oid_clip_a+cname.npy")[0])
    np.testing.assert_array_equal(found["dresser"], np.load(folder / "lvis_v1_clip_a+cname.npy")[0])


def test_labels_use_their_stand_in(tmp_path: Path) -> None:
    found = read_detic_features(write_text_features(tmp_path / "text"))
    labels = label_set_of(("sofa", "bed"), found)  # the files say "Couch"
    assert labels.names == ("sofa", "bed")
    np.testing.assert_allclose(
        labels.text_features[0], found["couch"] / np.linalg.norm(found["couch"]), rtol=1e-6
    )
    with pytest.raises(LabelError, match="'toilet'"):
        label_set_of(("toilet",), found)


@pytest.mark.parametrize(
    "name", ["class_names_lvis_oid.json", "Objects365_names_fix.csv", "oid_clip_a+cname.npy"]
)
def test_missing_or_short_files_are_refused(tmp_path: Path, name: str) -> None:
    folder = write_text_features(tmp_path / "text")
    (folder / name).unlink()
    with pytest.raises(LabelError, match=str(folder)):
        read_detic_features(folder)
    np.save(folder / "oid_clip_a+cname.npy", np.ones((2, 512)))
    with pytest.raises(LabelError):
        read_detic_features(folder)


def test_every_label_has_a_real_text_feature(shared: Path) -> None:
    names = tuple(sorted(set(FOLDER_LABELS.values())))
    labels = label_set_of(names, read_detic_features(shared / "data/clip_text"))
    assert labels.dim == 512 and set(MODELNET10_LABELS) < set(names) and set(names) > TRAINING_ONLY_LABELS
    similarity = labels.text_features @ labels.text_features.T
    assert (similarity - np.eye(len(names)) < 0.97).all()  # no two labels share a feature
    assert similarity.min() > 0.4  # and all are of CLIP's one narrow cone
