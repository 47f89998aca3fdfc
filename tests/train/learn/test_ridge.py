"""The head `ridge`: what it computes, what it learns, and the command that teaches it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from c2p_deploy import LabelSet
from c2p_deploy.errors import C2PError, CheckpointError
from c2p_deploy.fewshot import fit_ridge
from c2p_train.commands.fewshot import fewshot
from c2p_train.evaluate.features import ViewFeatures
from c2p_train.evaluate.scoring import head_features
from c2p_train.learn.fewshot import accuracy
from c2p_train.learn.ridge import RidgeConfig, fit_head, unit_views
from c2p_train.learn.simple import METHODS, simple_predictions
from c2p_train.learn.sweep import Learnt, ShotRun, Sweep, best_run, few_shot_sweep
from c2p_train.model.checkpoint import load_checkpoint, save_checkpoint
from c2p_train.model.clip2point import CLIP2Point
from c2p_train.model.heads import Ridge, ZeroShot
from heard import heard_lines
from small_models import start_from
from training_data import write_clouds

CLASSES, VIEWS, DIM = 5, 3, 24
NAMES = ("night_stand", "rod", "ball")


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def made(per_class: int, seed: int, noise: float = 1.0) -> tuple[ViewFeatures, np.ndarray]:
    """Features about text features, each view off in a way of its own; the image path knows the rest."""
    fixed = np.random.default_rng(99)
    text = unit(fixed.normal(size=DIM) + fixed.normal(size=(CLASSES, DIM)))
    off = fixed.normal(size=(2, CLASSES, VIEWS, DIM))
    label = np.repeat(np.arange(CLASSES), per_class)
    draw = np.random.default_rng(seed).normal(size=(2, len(label), VIEWS, DIM))
    scale = np.sqrt(DIM)
    depth = text[label][:, None] + 0.6 * off[0, label] / scale + noise * draw[0] / scale
    image = off[1, label] + noise * draw[1]
    return ViewFeatures(depth.astype(np.float32), image.astype(np.float32), label), text.astype(np.float32)


# --- the head -----------------------------------------------------------------------------


@pytest.mark.parametrize("paths", [1, 2])
def test_scores_with_the_text_features_are_those_of_the_classifier(paths: int) -> None:
    learnt, text = made(4, 0)
    unseen, _ = made(20, 1)
    if paths == 1:
        learnt, unseen = replace(learnt, image=None), replace(unseen, image=None)
    fitted = fit_head(learnt, text)
    words = np.zeros((CLASSES, paths * VIEWS * DIM))
    words[:, : VIEWS * DIM] = np.tile(text, VIEWS)
    classifier = fit_ridge(words, unit_views(learnt), learnt.label)
    expected = unit(unit_views(unseen)) @ classifier.weights.T
    per_view = [path for path in (unseen.depth, unseen.image) if path is not None]
    features = head_features(fitted.head, per_view)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    found = features @ text.T
    # One score of each cloud more or less, and another length: neither ranks.
    found, expected = (scores - scores.mean(axis=1, keepdims=True) for scores in (found, expected))
    np.testing.assert_allclose(unit(found), unit(expected), atol=1e-3)
    factor = np.linalg.norm(expected, axis=1) / np.linalg.norm(found, axis=1)
    assert 0.4 < np.median(factor) / fitted.logit_scale < 2.5


def test_other_words_keep_to_zero_shot_as_far_as_they_are_other() -> None:
    learnt, text = made(4, 0)
    unseen, _ = made(20, 1)
    fitted = fit_head(learnt, text)
    assert unseen.image is not None
    features = head_features(fitted.head, [unseen.depth, unseen.image])
    other = np.random.default_rng(0).normal(size=DIM)
    taught = text - text.mean(axis=0)
    other -= np.linalg.pinv(taught) @ (taught @ other)  # nothing in common with what was taught
    zero_shot = head_features(ZeroShot(), [unseen.depth])
    found, expected = features @ other, zero_shot @ other
    assert np.corrcoef(found, expected)[0, 1] > 0.95


def test_it_starts_as_zero_shot() -> None:
    features, _ = made(2, 0)
    depth, image = (torch.from_numpy(path) for path in (features.depth, features.image))
    with torch.no_grad():
        found, expected = Ridge(VIEWS, DIM, 2, CLASSES)(depth, image), ZeroShot()(depth)
    np.testing.assert_allclose(found, unit(expected.numpy()), atol=1e-6)


@pytest.mark.parametrize("shots", [1, 2, 8])
def test_it_does_as_well_as_the_simplest_methods(shots: int) -> None:
    found = []
    for seed in range(5):
        learnt, text = made(shots, seed)
        unseen, _ = made(40, seed + 50)
        simple = simple_predictions(unit_views(learnt), learnt.label, unit_views(unseen))
        right = [float((simple[name] == unseen.label).mean()) for name in METHODS]
        found.append(
            [
                accuracy(fit_head(learnt, text).head, unseen, text),
                accuracy(ZeroShot(), unseen, text),
                *right,
            ]
        )
    ours, *others = np.mean(found, axis=0)
    assert ours >= max(others) - 0.01


def test_labels_without_words_are_learnt_from_clouds() -> None:
    learnt, text = made(4, 0)
    unseen, _ = made(40, 1)
    wordless = np.arange(CLASSES) == 2
    text[2] = unit(np.random.default_rng(0).normal(size=DIM))
    assert accuracy(ZeroShot(), unseen.take(unseen.label == 2), text) < 0.5
    head = fit_head(learnt, text, wordless).head
    assert accuracy(head, unseen.take(unseen.label == 2), text) > 0.8
    assert accuracy(head, unseen, text) > 0.8


def test_what_does_not_fit_is_refused() -> None:
    learnt, text = made(2, 0)
    with pytest.raises(C2PError, match="do not fit"):
        fit_head(learnt, text[:, 1:])
    with pytest.raises(C2PError, match="one class alone"):
        fit_head(learnt.take(learnt.label == 0), text[:1])


# --- checkpoints --------------------------------------------------------------------------


@pytest.mark.parametrize("image", [True, False])
def test_a_checkpoint_keeps_it(tmp_path: Path, image: bool) -> None:
    checkpoint = load_checkpoint(start_from(tmp_path / "start.pt", DIM, image=image))
    head = Ridge(6, DIM, 2 if image else 1, 3)
    torch.nn.init.normal_(head.correction.weight)
    model = CLIP2Point(checkpoint.model.depth_encoder, checkpoint.model.image_encoder, head).eval()
    save_checkpoint(replace(checkpoint, model=model), tmp_path / "taught.pt")
    found = load_checkpoint(tmp_path / "taught.pt")
    assert found.head == "ridge" and len(found.model.used_encoders) == 1 + image
    maps = torch.rand(2, 6, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(found.model(maps), model(maps))


@pytest.mark.parametrize(
    "sizes", [{"paths": 3}, {"paths": True}, {"labels": 0}, {"labels": 10**9}, {"labels": "3"}]
)
def test_a_head_of_other_sizes_is_refused(tmp_path: Path, sizes: dict) -> None:
    checkpoint = load_checkpoint(start_from(tmp_path / "start.pt", DIM))
    model = CLIP2Point(checkpoint.model.depth_encoder, checkpoint.model.image_encoder, Ridge(6, DIM, 2, 3))
    save_checkpoint(replace(checkpoint, model=model), tmp_path / "taught.pt")
    values = torch.load(tmp_path / "taught.pt", weights_only=True)
    values["head"] |= sizes
    torch.save(values, tmp_path / "taught.pt")
    with pytest.raises(CheckpointError, match=r"taught\.pt: damaged checkpoint"):
        load_checkpoint(tmp_path / "taught.pt")


# --- the sweep ----------------------------------------------------------------------------


def test_sweep_sets_it_beside_the_simplest_methods(tmp_path: Path) -> None:
    learnt, text = made(8, 0)
    judged, _ = made(30, 1)
    labels = LabelSet(tuple("abcde"), text)
    scales = []

    def save(made: Learnt, run: ShotRun, path: Path) -> None:
        assert made.rejection is None  # nobody asked for one
        scales.append(made.logit_scale)
        path.write_bytes(b"")

    data = (labels, [1, 4], [0, 1], RidgeConfig())
    sweep = few_shot_sweep(learnt, judged, *data, tmp_path / "tested", save)  # type: ignore[arg-type]
    assert all(set(run.others) == set(METHODS) for run in sweep.runs) and min(scales) > 1
    assert json.loads((tmp_path / "tested/results.json").read_text())["runs"][0]["others"].keys() == set(
        METHODS
    )
    again = few_shot_sweep(learnt, judged, *data, tmp_path / "tested", save)  # type: ignore[arg-type]
    assert again == sweep and len(scales) == 4

    left_out = few_shot_sweep(learnt, None, *data, tmp_path / "left out", save)  # type: ignore[arg-type]
    assert left_out.runs[0].others == {}  # of one cloud a class nothing is left to learn from
    for run, tested in zip(left_out.runs[2:], sweep.runs[2:], strict=True):
        assert run.accuracy == pytest.approx(tested.accuracy, abs=0.3)
        assert set(run.others) == set(METHODS)


def test_the_best_is_that_of_the_best_number_of_shots() -> None:
    def sweep(zero: float, *values: tuple[int, float]) -> Sweep:
        runs = [ShotRun(k, seed, 9, value, 1.0) for seed, (k, value) in enumerate(values)]
        return Sweep(zero, tuple(runs))

    found = best_run(sweep(0.5, (1, 0.9), (1, 0.3), (4, 0.7), (4, 0.8)))
    assert found is not None and (found.shots, found.accuracy) == (4, 0.8)
    found = best_run(sweep(0.5, (1, 0.7), (4, 0.7)))
    assert found is not None and found.shots == 4
    assert best_run(sweep(0.9, (1, 0.95), (1, 0.8))) is None


# --- the command --------------------------------------------------------------------------


def run_command(tmp_path: Path, *arguments: str, ckpt: Path | None = None) -> tuple[int, str]:
    if not (tmp_path / "data").exists():
        write_clouds(tmp_path / "data", per_class=10, classes=NAMES)
    ckpt = ckpt or start_from(tmp_path / "start.pt", DIM)
    paths = (
        "--ckpt",
        ckpt,
        "--data",
        tmp_path / "data",
        "--out",
        tmp_path / "out",
        "--cache",
        tmp_path / "cache",
    )
    result = CliRunner().invoke(fewshot, [*map(str, paths), "--device", "cpu", *arguments])
    return result.exit_code, result.output


def test_command_says_how_it_does_and_keeps_the_best(tmp_path: Path) -> None:
    code, output = run_command(tmp_path, "--shots", "1,4", "--seeds", "2")
    assert code == 0, output
    for words in ("zero-shot", "ridge %", "class mean", "logistic", "test clouds", "best.pt is shots-"):
        assert words in output
    results = json.loads((tmp_path / "out/results.json").read_text())
    best = max(results["runs"], key=lambda run: (run["accuracy"], run["shots"]))
    kept = load_checkpoint(tmp_path / "out/best.pt")
    assert (
        kept.head == "ridge"
        and kept.labels is not None
        and kept.labels.names == ("ball", "night stand", "rod")
    )
    assert kept.training["few_shot"]["accuracy"] == best["accuracy"] > 0.8
    header = (tmp_path / "out/curve.csv").read_text().splitlines()[0]
    assert header == "shots,seeds,mean,std,low,high,class mean,logistic regression"


def test_depth_alone_needs_no_image_encoder(tmp_path: Path) -> None:
    for options, ckpt in (
        (("--depth-only",), start_from(tmp_path / "both.pt", DIM)),
        ((), start_from(tmp_path / "one.pt", DIM, image=False)),
    ):
        code, output = run_command(tmp_path, "--shots", "2", *options, ckpt=ckpt)
        assert code == 0, output
        found = load_checkpoint(tmp_path / "out/best.pt").model
        assert found.image_encoder is None


def test_without_test_clouds_those_left_out_judge(tmp_path: Path) -> None:
    write_clouds(tmp_path / "data" / "train", per_class=5, classes=NAMES)
    code, output = run_command(tmp_path, "--shots", "full")
    assert code == 0, output
    assert "each left out in turn" in output


def test_a_class_without_a_word_is_taught_all_the_same(tmp_path: Path) -> None:
    """Neither the model nor the word bank, which is of another CLIP, has one."""
    ckpt = start_from(tmp_path / "start.pt", DIM, names=("ball", "rod"))
    with heard_lines():
        code, output = run_command(tmp_path, "--shots", "4", ckpt=ckpt)
    assert code == 0, output
    assert "night stand: no text feature of its own" in " ".join(output.split())
    labels = load_checkpoint(tmp_path / "out/best.pt").labels
    assert labels is not None and "night stand" in labels.names


def test_clouds_that_make_it_worse_are_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def worse(*_: object, **__: object) -> Sweep:
        return Sweep(0.9, (ShotRun(1, 0, 3, 0.5, 0.1, {}), ShotRun(4, 0, 12, 0.8, 0.1, {})))

    (tmp_path / "out").mkdir()
    monkeypatch.setattr("c2p_train.learn.sweep.few_shot_sweep", worse)
    code, output = run_command(tmp_path, "--shots", "1,4")
    assert code == 0, output
    assert "warning: from 1 shot it is right for 50.0 %, without any for 90.0 %" in output
    assert "best.pt is zero-shot" in output
    assert load_checkpoint(tmp_path / "out/best.pt").head == "zeroshot"


@pytest.mark.parametrize(
    "options",
    [("--epochs", "3"), ("--lr", "0.1"), ("--head", "ridge", "--paper"), ("--head", "dpa", "--depth-only")],
)
def test_options_of_other_heads_are_a_usage_error(options: tuple[str, ...], tmp_path: Path) -> None:
    assert run_command(tmp_path, "--shots", "1", *options)[0] == 2
