"""What is kept between runs is made again once anything that it depends on has changed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from c2p_recipes import training_set
from c2p_recipes.data import FOLDER_LABELS, Source, class_files
from c2p_recipes.packs import objects as packs
from c2p_recipes.packs.open_objects import OpenObjects, open_objects
from c2p_recipes.shapes.catalogue import SHAPES
from c2p_recipes.training_set import Part, kept_files, kept_shapes
from open_objects import write_objects, write_package
from training_data import write_clouds


def test_files_are_read_again_for_other_labels_or_another_weight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source("mine", write_clouds(tmp_path / "data", per_class=2, classes=("table", "bed")), "y", 1)
    files = class_files(source)

    def kept(source: Source) -> Part:
        return kept_files(tmp_path / "kept.npz", source, files, seed=0)

    first = kept(source)
    assert set(first.names) == {"table", "bed"} and first.weight == 1.0 and not first.any_pose
    monkeypatch.setattr(training_set, "of_files", None)  # whoever reads now fails
    again = kept(source)
    assert again.names == first.names and np.array_equal(again.points, first.points)
    monkeypatch.undo()
    assert kept(replace(source, weight=0.5)).weight == 0.5
    assert kept(replace(source, any_pose=True)).any_pose
    monkeypatch.setitem(FOLDER_LABELS, "table", "desk")
    assert set(kept(source).names) == {"desk", "bed"}


def test_shapes_are_made_again_for_other_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for names in (("can", "mug"), ("can", "banana")):
        monkeypatch.setattr(training_set, "SHAPES", {name: SHAPES[name] for name in names})
        assert kept_shapes(tmp_path / "kept.npz", seed=0, per_label=1).names == names


def test_objects_are_sampled_again_once_one_is_turned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = write_package(tmp_path / "f.deb", [("Shelf", "scopia/a/a.obj")])
    folder = write_objects(tmp_path / "objects", [("kit", "Mug", "x"), ("kit", "Bed", "y")])

    def found() -> OpenObjects:
        return open_objects(folder, package, tmp_path / "out", seed=0)

    first = found()
    assert first.report == (tmp_path / "out/split.md").read_text()
    monkeypatch.setattr(packs, "_fixes", lambda: {("kit", "x"): "x 90"})
    turned = found()
    assert turned.objects[0].turn == (0, 90.0) and turned.objects[1].turn is None
    assert np.ptp(turned.points[0][:, 1]) == pytest.approx(np.ptp(first.points[0][:, 2]), abs=1e-3)
    assert np.array_equal(turned.points[1], first.points[1])
