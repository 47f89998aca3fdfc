"""What the benchmark of precisions says is right: which clouds it judges by, and how it counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import precision
from c2p_deploy import LabelSet
from c2p_export.checkpoint import reference_features
from c2p_recipes.clouds import load_clouds
from c2p_recipes.data import SEED, VAL_FRACTION, Source, validation_files
from c2p_recipes.validation.judge import validation_results
from c2p_train.model.checkpoint import Checkpoint
from small_models import DIM, checkpoint
from training_data import write_clouds

NAMES = ("table", "bed", "chair", "car", "tree", "lamp", "gun")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Two data sets; the second has classes that the first has not."""
    root = tmp_path_factory.mktemp("clouds")
    few = write_clouds(root / "few", 30, ("table", "bed", "chair"))
    many = write_clouds(root / "many", 20, ("NonWheelChair", "Car", "Tree"))
    write_clouds(many, 20, ("DeskLamp", "Gun"))
    return [Source("ModelNet10", few, "z", samplings=1), Source("meshes", many, "y", samplings=1)]


def small(names: tuple[str, ...] = NAMES) -> Checkpoint:
    """A checkpoint with these labels."""
    text = np.random.default_rng(1).normal(size=(len(names), DIM))
    return replace(checkpoint(), labels=LabelSet(names, text))


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(0, 10, 0.0, 0.277533), (9, 10, 0.595850, 0.982124), (388, 399, 0.951314, 0.984541)],
)
def test_wilson(right: int, count: int, low: float, high: float) -> None:
    assert precision.wilson(right, count) == pytest.approx((low, high), abs=1e-5)
    mirrored = precision.wilson(count - right, count)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-5)


def test_answers_lost_and_gained_are_counted_apart() -> None:
    truth = np.array([0, 1, 2, 0, 1])
    float32 = np.array([0, 1, 1, 2, 1])
    rounded = np.array([0, 2, 2, 1, 1])  # one lost, one gained, one wrong in another way
    counted = precision.accuracy_of(rounded, float32, truth)
    assert (counted["right"], counted["clouds"]) == (3, 5)
    names = ("differ_from_float32", "of_these_lost", "of_these_gained")
    assert [counted[name] for name in names] == [3, 1, 1]


def test_clouds_are_judged_as_the_recipes_judge_them(sources: list[Source], tmp_path: Path) -> None:
    model = small()
    assert model.labels is not None
    clouds, _ = load_clouds(
        sources, model.spec, tmp_path / "clouds.npz", val_fraction=VAL_FRACTION, seed=SEED
    )
    labels = model.labels.subset(clouds.labels)
    expected = validation_results(model.model, clouds, labels, model.labels, model.spec, model.views)
    for source in sources:
        judged = precision.held_out_set(source, model)
        answers = precision.answers_of(reference_features(model.model, judged.depth), judged)
        found = precision.accuracy_of(answers, answers, judged.truth)
        right = sum(right for _, right in expected[source.name])
        assert (found["right"], found["clouds"]) == (right, len(expected[source.name]))


def test_ranges_are_measured_on_other_clouds_than_accuracy(
    sources: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def note(files: list[Path], source: Source, checkpoint: Checkpoint) -> np.ndarray:
        read.extend(files)
        return np.zeros((len(files), 1))

    monkeypatch.setattr(precision, "maps_of", note)
    maps = precision.calibration_maps(sources, small())
    held_out = {path for source in sources for path in validation_files(source, VAL_FRACTION, SEED)}
    assert len(maps) == len(read) == len(set(read)) == 60
    assert held_out and not held_out & set(read)
    everywhere = {"table", "bed", "chair", "NonWheelChair", "Car", "Tree", "DeskLamp", "Gun"}
    assert {path.parent.name for path in read} == everywhere


def test_data_that_a_checkpoint_has_few_labels_for_are_left_out(sources: list[Source]) -> None:
    modelnet10, meshes = sources
    adapters = small(("table", "bed", "chair"))
    assert isinstance(precision.held_out_set(modelnet10, adapters), precision.HeldOut)
    assert precision.held_out_set(meshes, adapters) == "the checkpoint has a label for only 2 of 10 clouds"
