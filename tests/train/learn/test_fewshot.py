"""Few-shot training: what is drawn, that heads learn, that nothing is lost by a kill, and the command."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from c2p_deploy import LabelSet
from c2p_deploy.errors import C2PError
from c2p_train.commands.fewshot import fewshot
from c2p_train.datasets.labelled_clouds import load_split
from c2p_train.datasets.shots import sample_shots, short_classes
from c2p_train.evaluate.features import ViewFeatures, view_features
from c2p_train.learn.curve import CurvePoint, curve_points, save_curve_csv, save_curve_png
from c2p_train.learn.fewshot import (
    PAPER,
    FewShotConfig,
    accuracy,
    batch_rows,
    schedule_of,
    steps_of,
    train_head,
)
from c2p_train.learn.sweep import Learnt, ShotRun, Sweep, few_shot_sweep
from c2p_train.model.checkpoint import load_checkpoint
from c2p_train.model.encoders import weights_digest
from c2p_train.model.heads import Head, ZeroShot
from heard import heard_lines
from interrupting import invoke, strike
from small_models import START_SPEC, start_from
from training_data import write_clouds

CLASSES, VIEWS, DIM = 4, 3, 16
QUICK = FewShotConfig(epochs=20, batch_size=8)


def made_features(per_class: int, seed: int) -> tuple[ViewFeatures, LabelSet]:
    """Noisy features of classes whose text features lie elsewhere: zero-shot is a guess, learning is easy."""
    fixed = np.random.default_rng(99)
    text = fixed.normal(size=(CLASSES, DIM)).astype(np.float32)
    centres = fixed.normal(size=(2, CLASSES, VIEWS, DIM))
    label = np.repeat(np.arange(CLASSES), per_class)
    noise = np.random.default_rng(seed).normal(size=(2, len(label), VIEWS, DIM))
    depth, image = (centres[:, label] + noise).astype(np.float32)
    return ViewFeatures(depth, image, label), LabelSet(("a", "b", "c", "d"), text)


def train(
    features: ViewFeatures, labels: LabelSet, config: FewShotConfig, run_file: Path | None = None
) -> Head:
    text = labels.text_features
    return train_head(features.depth, features.image, features.label, text, config, run_file=run_file)


def same(one: Head, other: Head) -> bool:
    return all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )


# --- what is drawn ------------------------------------------------------------------------


def test_every_class_gives_its_shots_and_larger_choices_hold_the_smaller() -> None:
    label = np.random.default_rng(0).permutation(np.repeat(np.arange(5), (40, 30, 20, 8, 3)))
    before: set[int] = set()
    for k in (1, 2, 4, 8, 16):
        rows = sample_shots(label, k, seed=3)
        assert len(set(rows)) == len(rows)
        np.testing.assert_array_equal(np.bincount(label[rows]), np.minimum(k, (40, 30, 20, 8, 3)))
        assert before <= set(rows)
        before = set(rows)
    assert set(sample_shots(label, 8, seed=4)) != set(sample_shots(label, 8, seed=3))
    np.testing.assert_array_equal(sample_shots(label, None, seed=3), np.arange(len(label)))
    assert short_classes(label, 16) == [(3, 8), (4, 3)]
    assert short_classes(label, None) == []


@pytest.mark.parametrize("clouds", [2, 3, 7, 8, 9, 17, 100])
@pytest.mark.parametrize("batch_size", [3, 8])
def test_an_epoch_sees_every_cloud_once_and_none_alone(clouds: int, batch_size: int) -> None:
    config = FewShotConfig(epochs=2, batch_size=batch_size)
    steps = [batch_rows(step, clouds, config) for step in range(steps_of(config, clouds))]
    half = len(steps) // 2
    epochs = [np.concatenate(steps[:half]), np.concatenate(steps[half:])]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(clouds))
    if clouds > 8:
        assert (epochs[0] != epochs[1]).any()
    assert all(2 <= len(rows) <= batch_size for rows in steps)


def test_learning_rate_falls_to_nothing_and_the_papers_does_not() -> None:
    schedule = schedule_of(FewShotConfig(), 32)  # a step an epoch
    rates = [schedule.rate(step) for step in range(schedule.steps)]
    assert len(rates) == 100
    assert rates[0] == 1e-3 and rates[50] == pytest.approx(5e-4) and rates[-1] < 1e-6
    assert {schedule_of(PAPER, 32).rate(step) for step in range(100)} == {1e-3}


# --- training -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config", [QUICK, replace(QUICK, head="dpa"), replace(PAPER, epochs=20, batch_size=8)]
)
def test_head_learns_what_zero_shot_cannot_know(config: FewShotConfig) -> None:
    learnt, labels = made_features(12, seed=0)
    unseen, _ = made_features(50, seed=1)
    assert accuracy(ZeroShot(), unseen, labels.text_features) < 0.6
    head = train(learnt, labels, config)
    assert head.name == config.head
    assert accuracy(head, unseen, labels.text_features) > 0.9


def test_gate_of_a_gdpa_learns() -> None:
    head = train(*made_features(4, seed=0), QUICK)
    assert head.get_parameter("gate.weight").abs().max() > 1e-3


def test_accuracy_is_that_of_the_nearest_text_feature() -> None:
    features, labels = made_features(200, seed=1)  # more than are evaluated at once
    head = train(*made_features(4, seed=0), QUICK).eval()
    assert features.image is not None
    with torch.no_grad():
        found = head(torch.from_numpy(features.depth), torch.from_numpy(features.image)).numpy()
    cosines = found @ labels.text_features.T
    assert accuracy(head, features, labels.text_features) == np.mean(cosines.argmax(axis=1) == features.label)


def test_weights_follow_from_the_seed() -> None:
    data = made_features(4, seed=0)
    assert same(train(*data, QUICK), train(*data, QUICK))
    assert not same(train(*data, QUICK), train(*data, replace(QUICK, seed=1)))


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from c2p_train.learn import run
from c2p_train.learn.fewshot import FewShotConfig, train_head

saved, save = 0, torch.save

def dying_save(values, path):
    global saved
    saved += 1
    if saved > 7:
        Path(path).write_bytes(b"half of it")
        os.kill(os.getpid(), signal.SIGKILL)
    save(values, path)

torch.save = dying_save
run.SAVE_EVERY = 0.0
folder = Path(sys.argv[1])
values = torch.load(folder / "data.pt", weights_only=True)
arrays = [tensor.numpy() for tensor in values["arrays"]]
train_head(*arrays, FewShotConfig(**values["config"]), run_file=folder / "run.pt")
"""


def test_run_killed_while_it_saves_ends_in_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    features, labels = made_features(4, seed=0)
    arrays = (features.depth, features.image, features.label, labels.text_features.copy())
    tensors = [torch.from_numpy(array) for array in arrays]
    torch.save({"arrays": tensors, "config": asdict(QUICK)}, tmp_path / "data.pt")
    # With as many threads as here: sums depend on how they are split.
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        timeout=120,
    )
    assert child.returncode == -signal.SIGKILL
    run_file = tmp_path / "run.pt"
    assert torch.load(run_file, weights_only=True)["step"] == 7
    assert same(train(features, labels, QUICK, run_file), train(features, labels, QUICK))
    assert torch.load(run_file, weights_only=True)["step"] == steps_of(QUICK, len(features))


def test_finished_run_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = made_features(4, seed=0)
    head = train(*data, QUICK, tmp_path / "run.pt")
    monkeypatch.delattr("c2p_train.learn.fewshot.train_step")
    assert same(train(*data, QUICK, tmp_path / "run.pt"), head)


def test_run_file_of_another_run_is_refused(tmp_path: Path) -> None:
    data, run_file = made_features(4, seed=0), tmp_path / "run.pt"
    train(*data, QUICK, run_file)
    before = run_file.read_bytes()
    for other, named in (
        ((*data, replace(QUICK, epochs=30)), "epochs"),
        ((*made_features(4, seed=1), QUICK), "data"),
    ):
        with pytest.raises(C2PError, match=rf"run\.pt: a run with other settings \({named}\)"):
            train(*other, run_file)
    assert run_file.read_bytes() == before
    run_file.write_bytes(before[:-2000])
    with pytest.raises(C2PError, match=r"run\.pt: cannot be loaded"):
        train(*data, QUICK, run_file)


def test_what_cannot_be_trained_is_refused() -> None:
    features, labels = made_features(4, seed=0)
    with pytest.raises(C2PError, match="no image features"):
        train(replace(features, image=None), labels, QUICK)
    with pytest.raises(C2PError, match="do not fit"):
        train(features, LabelSet(("a", "b"), np.eye(2, 7)), QUICK)
    with pytest.raises(C2PError, match="at least two clouds"):
        train(features.take(np.array([0])), labels, QUICK)
    with pytest.raises(C2PError, match="diverged"):
        train(features, labels, replace(QUICK, learning_rate=1e38))
    for bad in ({"head": "zeroshot"}, {"batch_size": 2}, {"epochs": 0}):
        with pytest.raises(C2PError):
            FewShotConfig(**bad)


# --- the sweep ----------------------------------------------------------------------------


class Sweeper:
    """Sweeps over made features, and notes which trainings end in a model."""

    def __init__(self, out: Path) -> None:
        self.out, self.saved = out, []
        self.learnt, self.labels = made_features(6, seed=0)
        self.judged, _ = made_features(25, seed=1)

    def __call__(self, shots: list[int | None], seeds: list[int], config: FewShotConfig = QUICK) -> Sweep:
        data = (self.learnt, self.judged, self.labels, shots, seeds, config, self.out, self.save)
        return few_shot_sweep(*data)

    def save(self, made: Learnt, run: ShotRun, path: Path) -> None:
        self.saved.append((run.shots, run.seed))
        torch.save(made.head.state_dict(), path)


def test_sweep_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Sweeper(tmp_path / "whole")
    expected = whole([1, 4, None], [0, 1])
    assert [(r.shots, r.seed, r.clouds) for r in expected.runs] == [
        (k, seed, clouds) for k, clouds in ((1, 4), (4, 16), (None, 24)) for seed in (0, 1)
    ]
    assert expected.zero_shot == accuracy(ZeroShot(), whole.judged, whole.labels.text_features)

    sweep = Sweeper(tmp_path / "parts")
    calls, real = 0, train_head

    def interrupted(*arguments: object, **options: object) -> Head:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr("c2p_train.learn.sweep.train_head", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep([1, 4], [0, 1])
    stored = json.loads((tmp_path / "parts/results.json").read_text())
    assert [(r["shots"], r["seed"]) for r in stored["runs"]] == [(1, 0), (1, 1)]
    found = sweep([1, 4, None], [0, 1])  # and one number of shots more
    assert sweep.saved == [(1, 0), (1, 1), (4, 0), (4, 1), (None, 0), (None, 1)]
    assert [replace(r, seconds=0) for r in found.runs] == [replace(r, seconds=0) for r in expected.runs]
    assert found.zero_shot == expected.zero_shot
    for model in (tmp_path / "parts").rglob("model.pt"):
        again = torch.load(tmp_path / "whole" / model.relative_to(tmp_path / "parts"), weights_only=True)
        assert all(torch.equal(v, again[k]) for k, v in torch.load(model, weights_only=True).items())
    assert not list(tmp_path.rglob("run.pt"))


def test_results_of_other_settings_or_data_are_not_mixed(tmp_path: Path) -> None:
    sweep = Sweeper(tmp_path)
    sweep([1], [0])
    with pytest.raises(C2PError, match=r"results\.json: results of other settings or data"):
        sweep([1], [0], replace(QUICK, epochs=3))
    sweep.judged = sweep.judged.take(np.arange(30))
    with pytest.raises(C2PError, match=r"results\.json: results of other settings or data"):
        sweep([1], [0])
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(C2PError, match=r"results\.json: not the results of a sweep"):
        sweep([1], [0])


def test_class_with_too_few_clouds_is_named(tmp_path: Path) -> None:
    sweep = Sweeper(tmp_path)
    sweep.learnt = sweep.learnt.take(np.arange(len(sweep.learnt) - 4))
    with heard_lines() as lines:
        sweep([3], [0])
    assert "d: only 2 clouds for 3 shots" in lines


def test_curve_has_mean_and_standard_deviation_of_the_seeds(tmp_path: Path) -> None:
    right = {1: (0.5, 0.7, 0.9), None: (0.8,)}
    runs = [
        ShotRun(k, seed, 9, value, 1.0) for k, values in right.items() for seed, value in enumerate(values)
    ]
    points = curve_points(Sweep(0.25, tuple(runs)))
    save_curve_csv(points, tmp_path / "curve.csv")
    with (tmp_path / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["shots"] for row in rows] == ["0", "1", "full"]
    assert [float(row["mean"]) for row in rows] == pytest.approx([0.25, 0.7, 0.8])
    assert float(rows[1]["std"]) == pytest.approx(np.std(right[1], ddof=1)) and rows[2]["std"] == ""
    assert (float(rows[1]["low"]), float(rows[1]["high"])) == (0.5, 0.9)
    save_curve_png(points, "title", tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_numbers_of_a_curve_stand_above_their_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [
        CurvePoint("0", 1, 0.6, None, 0.6, 0.6),
        CurvePoint("1", 3, 0.5, 0.2, 0.3, 0.7),
        CurvePoint("full", 3, 0.9, 0.01, 0.9, 0.9),
    ]
    drawn: list[Any] = []
    monkeypatch.setattr("c2p_train.learn.curve.save_figure", lambda figure, path: drawn.append(figure))
    save_curve_png(points, "title", tmp_path / "curve.png")
    figure = drawn[0]
    figure.canvas.draw()
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["60.0", "50.0", "90.0"]
    for x, (text, point) in enumerate(zip(axes.texts, points, strict=True)):
        top = axes.transData.transform((x, 100 * (point.mean + (point.std or 0))))[1]
        assert top < text.get_window_extent().y0 and text.get_window_extent().y1 < figure.bbox.y1


# --- the command --------------------------------------------------------------------------

NAMES = ("night_stand", "rod", "ball")


def run_command(tmp_path: Path, *arguments: str, ckpt: Path | None = None) -> tuple[int, str]:
    data = tmp_path / "data"
    if not data.exists():
        write_clouds(data, per_class=10, classes=NAMES)
    ckpt = ckpt or start_from(tmp_path / "start.pt", DIM)
    paths = ("--ckpt", ckpt, "--data", data, "--out", tmp_path / "out", "--cache", tmp_path / "cache")
    options = ["--device", "cpu"]
    if "--head" not in arguments:  # its adapters; those of ours are in test_ridge.py
        options += ["--head", "gdpa", "--epochs", "15", "--batch-size", "8"]
    result = CliRunner().invoke(fewshot, [*map(str, paths), *options, *arguments])
    return result.exit_code, result.output


def test_command_teaches_a_model_and_tells_the_truth_about_it(tmp_path: Path) -> None:
    write_clouds(tmp_path / "data", per_class=16, classes=NAMES)  # of ten, six would be tested
    code, output = run_command(tmp_path, "--shots", "1,full", "--seeds", "2", "--epochs", "60")
    assert code == 0, output
    out = tmp_path / "out"
    assert {p.name for p in out.iterdir()} == {
        "shots-1",
        "shots-full",
        "best.pt",
        "results.json",
        "curve.csv",
        "curve.png",
    }
    results = json.loads((out / "results.json").read_text())
    test = load_split(tmp_path / "data", "test", START_SPEC)
    for run in results["runs"]:
        checkpoint = load_checkpoint(out / f"shots-{run['shots']}" / f"seed-{run['seed']}" / "model.pt")
        assert checkpoint.head == "gdpa" and checkpoint.labels is not None
        assert checkpoint.labels.names == test.classes  # in their words, with the features of the model's
        encoders = checkpoint.model.used_encoders
        assert len(encoders) == 2
        paths = [
            torch.from_numpy(view_features(e, test.points, checkpoint.views, checkpoint.spec))
            for e in encoders
        ]
        with torch.no_grad():
            cosines = checkpoint.model.head(*paths).numpy() @ checkpoint.labels.text_features.T
        assert run["accuracy"] == np.mean(cosines.argmax(axis=1) == test.label)
    assert results["runs"][-1]["accuracy"] > 0.9  # plates, rods and balls


def test_command_repeated_does_not_train_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, first = run_command(tmp_path, "--shots", "2")
    assert code == 0, first
    monkeypatch.delattr("c2p_train.learn.fewshot.train_step")
    monkeypatch.delattr("c2p_train.evaluate.features._encode")
    code, output = run_command(tmp_path, "--shots", "2")
    assert code == 0, output
    assert "0 trainings" in output


@pytest.mark.usefixtures("ctrl_c")
def test_command_struck_anywhere_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    write_clouds(tmp_path / "data", per_class=10, classes=NAMES)
    start_from(tmp_path / "start.pt", DIM)

    def run(out: str) -> Result:
        return invoke(
            fewshot, "--ckpt", tmp_path / "start.pt", "--data", tmp_path / "data", "--out", tmp_path / out,
            "--cache", tmp_path / f"{out} cache", "--device", "cpu", "--head", "gdpa", "--epochs", 2,
            "--shots", "1,2",
        )  # fmt: skip

    assert run("straight").exit_code == 0
    struck = list(takewhile(lambda at: strike(lambda: run("struck"), at), count(1)))
    assert len(struck) > 3
    results = [json.loads((tmp_path / out / "results.json").read_text()) for out in ("straight", "struck")]
    assert [run["accuracy"] for run in results[0]["runs"]] == [run["accuracy"] for run in results[1]["runs"]]
    for file in (tmp_path / "straight").rglob("model.pt"):
        other = load_checkpoint(tmp_path / "struck" / file.relative_to(tmp_path / "straight"))
        assert weights_digest(other.model) == weights_digest(load_checkpoint(file).model)


def test_labels_may_come_from_a_file(tmp_path: Path) -> None:
    text = np.random.default_rng(1).normal(size=(3, DIM))
    LabelSet(("rod", "BALL", "night-stand"), text).save(tmp_path / "labels.json")
    ckpt = start_from(tmp_path / "start.pt", DIM, names=())
    code, output = run_command(tmp_path, "--shots", "1", "--labels", str(tmp_path / "labels.json"), ckpt=ckpt)
    assert code == 0, output
    labels = load_checkpoint(tmp_path / "out/shots-1/seed-0/model.pt").labels
    assert labels is not None and labels.names == ("ball", "night stand", "rod")
    expected = text[[1, 2, 0]] / np.linalg.norm(text[[1, 2, 0]], axis=1, keepdims=True)
    np.testing.assert_allclose(labels.text_features, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"image": False}, "has no image encoder"),
        ({"names": ()}, "the checkpoint has no labels"),
    ],
)
def test_checkpoint_that_does_not_do_is_refused(options: dict, says: str, tmp_path: Path) -> None:
    ckpt = start_from(tmp_path / "start.pt", DIM, **options)
    code, output = run_command(tmp_path, "--shots", "1", ckpt=ckpt)
    assert code == 1
    assert "error: " in output and says in output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("shots", ["0", "-1", "many", "²", ""])
def test_shots_that_are_no_number_are_a_usage_error(shots: str, tmp_path: Path) -> None:
    assert run_command(tmp_path, f"--shots={shots}")[0] == 2
    assert run_command(tmp_path, f"--shots=1,{shots}")[0] == 2
    assert run_command(tmp_path, "--shots", "1", shots)[0] == 2


def test_data_without_a_test_split_is_refused_with_advice(tmp_path: Path) -> None:
    write_clouds(tmp_path / "data" / "train", per_class=5, classes=NAMES)
    code, output = run_command(tmp_path, "--shots", "1")
    assert code == 1
    assert "error: " in output and "--test" in output
