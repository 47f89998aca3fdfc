"""A taught model says "unknown" to strangers: its rejection is fitted on the clouds that it learns from."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from c2p_deploy import DepthSpec, LabelSet, ViewSet
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.rejection import Judge, Rejection
from c2p_deploy.rejection.signals import SIGNALS
from c2p_deploy.scores import label_scores
from c2p_recipes.vocabulary.object_names import STRANGER, outcome_of
from c2p_train.commands.fewshot import fewshot
from c2p_train.datasets.cloud_files import prepare_cloud
from c2p_train.datasets.labelled_clouds import load_split
from c2p_train.evaluate.calibrate import checkpoint_encoder
from c2p_train.evaluate.features import ViewFeatures
from c2p_train.evaluate.rejection_figures import auroc
from c2p_train.learn.ridge import RidgeHead, fit_head
from c2p_train.learn.shots_rejection import fit_shots_rejection, ridge_features
from c2p_train.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.conv_encoder import ConvConfig, ConvEncoder
from c2p_train.model.heads import ZeroShot
from training_data import write_clouds

CLASSES, KINDS, VIEWS, DIM = 5, 12, 3, 24
FIXED = np.random.default_rng(7)
# Of things: those taught first, then strangers; and where clutter lies.
CENTRES = FIXED.normal(size=(KINDS, VIEWS, DIM))
CLUTTER = FIXED.normal(size=(VIEWS, DIM))
LABELS = LabelSet(tuple("abcde"), FIXED.normal(size=(CLASSES, DIM)))


def seen(centres: FloatArray, label: np.ndarray, seed: int) -> ViewFeatures:
    noise = np.random.default_rng(seed).normal(size=(len(label), VIEWS, DIM))
    return ViewFeatures((centres + noise).astype(np.float32), None, label)


def things(first: int, end: int, each: int, seed: int) -> ViewFeatures:
    label = np.repeat(np.arange(first, end), each)
    return seen(CENTRES[label], label, seed)


def clutter(count: int, seed: int) -> ViewFeatures:
    return seen(CLUTTER, np.zeros(count, np.int64), seed)


def test_of_too_few_clouds_there_is_none() -> None:
    for shots in (
        things(0, CLASSES, 1, 0),
        things(0, CLASSES, 5, 0),
        things(0, CLASSES, 40, 0).take(np.r_[0:120, 160]),
    ):  # one of each; fewer than thirty; none of one class, and one alone of another
        fitted = fit_head(shots, LABELS.text_features)
        assert fit_shots_rejection(shots, fitted, LABELS, None, clutter(40, 1)) is None


def test_known_things_keep_their_labels_strangers_and_clutter_do_not() -> None:
    """On clouds that neither head nor rejection has seen; though the head knows its shots by heart."""
    shots, text = things(0, CLASSES, 16, 0), LABELS.text_features
    fitted = fit_head(shots, text)
    rejection = fit_shots_rejection(shots, fitted, LABELS, None, clutter(60, 1))
    assert rejection is not None
    judge = Judge(rejection, text, text, fitted.logit_scale)
    confidence, rejected = {}, {}
    for name, clouds in (
        ("known", things(0, CLASSES, 40, 2)),
        ("strangers", things(CLASSES, KINDS, 30, 3)),
        ("clutter", clutter(100, 4)),
    ):
        features = ridge_features(fitted.head, clouds)
        sure, like_clutter, novel = judge.measure(features, label_scores(features, text, fitted.logit_scale))
        confidence[name], rejected[name] = sure, (like_clutter > 0) | (novel > 0)
        if name == "known":
            right = (features @ text.T).argmax(axis=1) == clouds.label
    assert rejected["known"].mean() < 0.15
    assert rejected["strangers"].mean() > 0.5 and rejected["clutter"].mean() > 0.6
    assert confidence["known"].mean() == pytest.approx(right.mean(), abs=0.07)


def test_of_many_clouds_a_fifth_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    shots = things(0, CLASSES, 16, 0)
    fitted = fit_head(shots, LABELS.text_features)
    monkeypatch.setattr("c2p_train.learn.shots_rejection._MANY", len(shots) - 1)
    seen_by: list[int] = []

    def noted(shots: ViewFeatures, *others: Any) -> RidgeHead:
        seen_by.append(len(shots))
        return fit_head(shots, *others)

    monkeypatch.setattr("c2p_train.learn.shots_rejection.fit_head", noted)
    assert fit_shots_rejection(shots, fitted, LABELS, None, clutter(60, 1)) is not None
    assert seen_by == [60]  # of 16 clouds a class four are left out


def rejection_of(dim: int) -> Rejection:
    numbers = np.random.default_rng(0).normal(size=dim + 2 * len(SIGNALS) + 2)
    return Rejection(
        clutter=numbers[: dim + 1].astype(np.float32),
        novelty=numbers[: dim + len(SIGNALS) + 1].astype(np.float32),
        new_words=numbers[-len(SIGNALS) - 1 :],
        confidence=numbers[-len(SIGNALS) - 1 :],
        typical=numbers[-len(SIGNALS) :],
    )


def taught(tmp_path: Path, *options: str, start: Rejection | None) -> Checkpoint:
    """What the command makes of 36 clouds and a small model that carries this rejection."""
    torch.manual_seed(0)
    small = {"stem": 8, "widths": (8, 16), "blocks": (1, 1), "embed_dim": DIM}
    depth, image = (ConvEncoder(ConvConfig(channels=channels, **small)).eval() for channels in (1, 3))
    labels = LabelSet(("ball", "rod", "night stand"), FIXED.normal(size=(3, DIM)))
    spec = DepthSpec(image_size=32, point_radius=0.06, num_points=64)
    model = CLIP2Point(depth, image, ZeroShot())
    checkpoint = Checkpoint(model, ViewSet.named("clip2point-6"), spec, labels, 100.0, {}, start)
    save_checkpoint(checkpoint, tmp_path / "start.pt")
    if not (tmp_path / "data").exists():
        write_clouds(tmp_path / "data", per_class=16, classes=("ball", "rod", "night_stand"))
    paths = {"--ckpt": "start.pt", "--data": "data", "--out": "out", "--cache": "cache"}
    places = [word for option, name in paths.items() for word in (option, str(tmp_path / name))]
    result = CliRunner().invoke(fewshot, [*places, "--device", "cpu", *options])
    assert result.exit_code == 0, result.output
    (model_file,) = (tmp_path / "out").rglob("model.pt")
    return load_checkpoint(model_file)


def test_command_stores_one_fitted_on_the_shots(tmp_path: Path) -> None:
    alone = taught(tmp_path, "--shots", "full", start=None)
    assert alone.rejection is not None and alone.rejection.dim == DIM
    (tmp_path / "out").rename(tmp_path / "alone")
    begun = taught(tmp_path, "--shots", "full", start=rejection_of(DIM))
    assert begun.rejection is not None
    # Few clouds move it little from where it began.
    near = np.corrcoef(begun.rejection.clutter[:-1], rejection_of(DIM).clutter[:-1])[0, 1]
    assert near > np.corrcoef(alone.rejection.clutter[:-1], rejection_of(DIM).clutter[:-1])[0, 1]
    assert not np.array_equal(begun.rejection.clutter, rejection_of(DIM).clutter)


@pytest.mark.parametrize("options", [("--shots", "2"), ("--shots", "4", "--head", "dpa", "--epochs", "1")])
def test_one_of_other_features_is_not_carried_over(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert taught(tmp_path, *options, start=rejection_of(DIM)).rejection is None


def test_other_labels_make_strangers_a_matter_of_signals() -> None:
    model = CLIP2Point(
        ConvEncoder(ConvConfig(channels=1, stem=8, widths=(8,), blocks=(1,), embed_dim=DIM)), None, ZeroShot()
    )
    spec = DepthSpec(image_size=32, point_radius=0.06, num_points=64)
    given = Checkpoint(model, ViewSet.named("clip2point-6"), spec, LABELS, 1.0, {}, rejection_of(DIM))
    assert given.with_labels(LABELS.subset(["a", "c"])).rejection is given.rejection
    other = given.with_labels(replace(LABELS, names=tuple("abcdz"))).rejection
    assert other is not None and not other.novelty[:DIM].any()


def test_nine_taught_classes_and_objects_that_are_none_of_them(shared: Path, tmp_path: Path) -> None:
    """Nine classes of ModelNet10 from 16 clouds each, beside objects of other collections."""
    rng = np.random.default_rng(0)
    for folder in sorted((shared / "data" / "modelnet10" / "train").iterdir()):
        if folder.name == "bathtub":
            continue
        for number, file in enumerate(rng.permutation(sorted(folder.iterdir()))[:24]):
            place = tmp_path / "data" / folder.name / ("train" if number < 16 else "test")
            place.mkdir(parents=True, exist_ok=True)
            (place / file.name).symlink_to(file)
    options = ["--data", "data", "--shots", "full", "--depth-only", "--out", "out", "--cache", "cache"]
    options = [str(tmp_path / word) if word in ("data", "out", "cache") else word for word in options]
    result = CliRunner().invoke(fewshot, [*options, "--device", "cpu"])
    assert result.exit_code == 0, result.output
    checkpoint = load_checkpoint(tmp_path / "out" / "best.pt")
    assert checkpoint.rejection is not None and checkpoint.labels is not None

    known = load_split(tmp_path / "data", "test", checkpoint.spec)
    with np.load(shared / "data" / "objects" / "objects.npz") as arrays:
        points = arrays["points"]
    with (shared / "data" / "objects" / "objects.tsv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = rng.permutation([i for i, row in enumerate(table) if outcome_of(row["name"]) == STRANGER])[:80]
    strangers = np.stack(
        [prepare_cloud(points[row].astype(np.float32), checkpoint.spec, "y", 0) for row in rows]
    )
    encode = checkpoint_encoder(checkpoint, tmp_path / "cache", "cpu")
    text, scale = checkpoint.labels.text_features, checkpoint.logit_scale
    judge = Judge(checkpoint.rejection, text, text, scale)
    novel, named = [], []
    for clouds in (known.points, strangers):
        features = encode(clouds, "clouds")
        _, like_clutter, new = judge.measure(features, label_scores(features, text, scale))
        novel.append(new)
        named.append(float(((like_clutter <= 0) & (new <= 0)).mean()))
    found = auroc(*novel)
    print(f"AUROC {found:.3f}, named: {named[0]:.3f} of known things, {named[1]:.3f} of strangers")
    assert found >= 0.85
    assert named[0] > 0.8 and named[1] < 0.7
