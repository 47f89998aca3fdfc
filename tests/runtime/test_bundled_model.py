"""The models that come with the package, on clouds that their training left out."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from c2p_deploy import DepthSpec, prepare_points, read_cloud
from c2p_deploy.projection.spec import turn_up
from c2p_export.cli import main as c2p_export
from c2p_recipes.data import FOLDER_LABELS, SEED, VAL_FRACTION, sources_of, validation_files
from c2p_runtime import Classifier
from c2p_train.cli import main
from c2p_train.datasets.benchmark_sets import MODELNET10_LABELS
from c2p_train.datasets.clutter import clutter_clouds
from c2p_train.evaluate.features import ViewFeatures, view_features
from c2p_train.learn.fewshot import accuracy
from c2p_train.model.checkpoint import PRETRAINED, load_checkpoint
from paths import REPOSITORY

# Well below what MODEL_CARD.md reports for all held-out clouds: this is to notice a model that
# broke, or a runtime that no longer feeds it what it was trained on.
# Engine and data: top-1, the share that gets a name, and that share of the right ones.
FLOORS = {
    ("research", "ModelNet10"): (0.85, 0.85, 0.92),
    ("research", "meshes"): (0.6, 0.85, 0.92),
    ("default", "ModelNet10"): (0.75, 0.65, 0.75),
}


@pytest.mark.parametrize(("engine", "name"), FLOORS)
def test_it_still_recognises_what_it_never_saw(shared: Path, engine: str, name: str) -> None:
    data = shared / "data"
    sources = sources_of(data / "modelnet10/train", data / "infomr", data / "infomr_unaligned")
    source = next(source for source in sources if source.name == name)
    files = validation_files(source, VAL_FRACTION, SEED)[::3]
    labels = MODELNET10_LABELS if name == "ModelNet10" else None
    with Classifier(engine, labels, up=source.up) as clf:
        found = [clf(read_cloud(path)) for path in files]
    right = [one.guess == FOLDER_LABELS[path.parent.name] for one, path in zip(found, files, strict=True)]
    assert len(right) > 25
    least_right, least_named, least_of_right = FLOORS[engine, name]
    assert sum(right) / len(right) >= least_right
    # Known things keep their name, above all where it is the right one.
    named = np.array([one.label is not None for one in found])
    assert named.mean() > least_named and named[right].mean() > least_of_right
    confidence = np.array([one.confidence for one in found])
    assert confidence[right].mean() > 0.6 and abs(confidence.mean() - np.mean(right)) < 0.2


def test_it_calls_floors_walls_and_heaps_clutter(chair: np.ndarray, shared: Path) -> None:
    files = sorted((shared / "data/modelnet10/train").glob("*/*.pcd"))[::300]
    clouds = np.stack([prepare_points(read_cloud(path), DepthSpec(), 0) for path in files])
    clouds = np.stack([turn_up(cloud, "z") for cloud in clouds])
    made, _ = clutter_clouds(clouds, np.arange(len(files)), 36, seed=99)
    with Classifier(up="y") as clf:
        reasons = [one.reason for one in clf.batch(list(made))]
    assert reasons.count("clutter") > 18 and Classifier()(chair).label == "chair"


def test_the_pre_trained_pair_knows_things_it_has_no_labelled_cloud_of(shared: Path) -> None:
    """Zero-shot on ModelNet10, of which no cloud took part in its training; MODEL_CARD.md has 63.7 %."""
    checkpoint = load_checkpoint(PRETRAINED)
    files = sorted((shared / "data/modelnet10/train").glob("*/*.pcd"))[::40]
    points = [
        np.resize(turn_up(prepare_points(read_cloud(path), checkpoint.spec), "z"), (1024, 3))
        for path in files
    ]
    label = np.array([MODELNET10_LABELS.index(FOLDER_LABELS[path.parent.name]) for path in files])
    depth = view_features(checkpoint.model.depth_encoder, np.stack(points), checkpoint.views, checkpoint.spec)
    assert checkpoint.labels is not None and checkpoint.model.image_encoder is not None
    text = checkpoint.labels.subset(MODELNET10_LABELS).text_features
    assert accuracy(checkpoint.model.head, ViewFeatures(depth, None, label), text) > 0.5


def test_own_data_in_ten_minutes(tmp_path: Path) -> None:
    """The walk through docs/train.md, with fewer clouds: teach, evaluate, export, run."""
    own, out = tmp_path / "my_clouds", tmp_path / "runs"
    script = REPOSITORY / "examples" / "make_own_data.py"
    subprocess.run([sys.executable, script, own, "--train", "4", "--test", "5"], check=True)
    options = ["--cache", tmp_path / "cache", "--device", "cpu"]
    c2p_train("fewshot", "--data", own, "--shots", 4, "--out", out, *options)
    (run,) = json.loads((out / "results.json").read_text())["runs"]
    assert run["clouds"] == 24 and run["accuracy"] > 0.8
    model = out / "shots-4" / "seed-0" / "model.pt"
    c2p_train("eval", "--ckpt", model, "--data", own, "--out", tmp_path / "report", *options)
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["checkpoints"][str(model)]["accuracy"] == pytest.approx(run["accuracy"])

    engine = tmp_path / "own.onnx"
    command = ["--ckpt", model, "--fp32", "--verify", own, "--out", tmp_path / "own"]
    result = CliRunner().invoke(c2p_export, [str(argument) for argument in command])
    assert result.exit_code == 0, result.output
    clouds = [read_cloud(path) for path in sorted(own.glob("*/test/000.ply"))]
    with Classifier(engine) as clf:
        answers = [clf(cloud).label for cloud in clouds]
    names = sorted(path.name for path in own.iterdir())
    assert sum(answer == name for answer, name in zip(answers, names, strict=True)) >= 5


def c2p_train(*arguments: object) -> None:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
