"""`c2p-train reproduce`: it runs what data and weights allow, and lists the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from c2p_deploy import LabelSet, ViewSet
from c2p_train.commands.reproduce import reproduce as command
from c2p_train.datasets.benchmark_sets import MODELNET40
from c2p_train.model.checkpoint import save_checkpoint
from c2p_train.reproduce import EXPERIMENTS, find_data
from shapes import EXTENTS, checkpoint, write_shapes


def run(tmp_path: Path, *arguments: object) -> Result:
    common = ["--cache", tmp_path / "cache", "--device", "cpu"]
    return CliRunner().invoke(command, [str(a) for a in (*arguments, *common)])


def test_it_runs_what_is_there_and_lists_the_rest(golden_folder: Path, tmp_path: Path) -> None:
    golden, root = golden_folder, tmp_path / "root"
    root.mkdir()
    (root / "ModelNet40_Ply").symlink_to(golden / "ply")
    (tmp_path / "weights").mkdir()
    for name in ("fewshot_best_tiny.pth", "pretrain_best_val_tiny.pth"):
        (tmp_path / "weights" / name).symlink_to(golden / "checkpoints" / name)
    with np.load(golden / "models" / "tiny.npz") as arrays:
        LabelSet(MODELNET40, arrays["text_norm"], "image of a {}").save(tmp_path / "labels.json")
    arguments = ["--data-root", root, "--weights", tmp_path / "weights", "--labels", tmp_path / "labels.json"]
    result = run(tmp_path, *arguments, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    outcomes = json.loads((tmp_path / "out" / "paper.json").read_text())
    assert json.loads(result.stdout) == outcomes and len(outcomes) == len(EXPERIMENTS)
    ours = {(o["experiment"]["setting"], o["experiment"]["data"]): o for o in outcomes}
    assert ours["few-shot, the authors' weights", "modelnet40"]["accuracy"] == pytest.approx(100 * 4 / 6)
    assert ours["zero-shot", "modelnet40"]["clouds"] == 6
    assert ours["zero-shot", "modelnet40"]["experiment"]["published"] == 49.38
    assert ours["zero-shot", "modelnet10"]["accuracy"] is None
    assert ours["few-shot, 16 shots", "modelnet40"]["accuracy"] is None  # these clouds are a test split
    assert "train" in ours["few-shot, 16 shots", "modelnet40"]["missing"]
    assert "lacks ModelNet10.zip" in ours["zero-shot", "modelnet10"]["missing"]
    screen = run(tmp_path, *arguments)
    assert "49.38" in screen.stdout and "not run: zero-shot on scanobjectnn" in screen.stdout
    (tmp_path / "none").mkdir()
    arguments[3] = tmp_path / "none"
    nothing = run(tmp_path, *arguments)
    assert nothing.exit_code == 1 and "nothing could be run" in nothing.stderr


def test_it_trains_adapters_where_there_are_training_clouds(tmp_path: Path) -> None:
    """Three plain shapes stand in for ModelNet40."""
    data, rng = write_shapes(tmp_path / "root" / "modelnet40"), np.random.default_rng(4)
    for name, extent in EXTENTS.items():
        for number in range(2, 16):
            np.save(data / name / "train" / f"{number}.npy", rng.uniform(-1, 1, (100, 3)) * extent)
    (tmp_path / "weights").mkdir()
    save_checkpoint(replace(checkpoint(), views=ViewSet.named("clip2point-10")), tmp_path / "weights/own.pt")
    arguments = ["--data-root", tmp_path / "root", "--weights", tmp_path / "weights"]
    checkpoint().labels.save(tmp_path / "labels.json")
    result = run(tmp_path, *arguments, "--labels", tmp_path / "labels.json", "--json")
    assert result.exit_code == 0, result.output
    accuracy = {
        o["experiment"]["setting"]: o["accuracy"]
        for o in json.loads(result.stdout)
        if o["experiment"]["data"] == "modelnet40"
    }
    assert accuracy["few-shot, the authors' weights"] is None
    assert accuracy["fully supervised"] > 70 > accuracy["zero-shot"]
    assert accuracy["few-shot, 16 shots"] > 70


def test_it_takes_no_options_of_eval(tmp_path: Path) -> None:
    both = ["--data-root", tmp_path, "--weights", tmp_path]
    for arguments in (both[:2], both[2:], [*both, "--ckpt", tmp_path], [*both, "--seed", 1]):
        assert run(tmp_path, *arguments).exit_code == 2


def test_data_are_found_by_the_beginning_of_their_name(tmp_path: Path) -> None:
    for name in ("ModelNet40_Align", "modelnet40", "ScanObjectNN"):
        (tmp_path / name).mkdir()
    assert find_data(tmp_path, "modelnet40") == tmp_path / "modelnet40"
    assert find_data(tmp_path, "scanobjectnn") == tmp_path / "ScanObjectNN"
    assert find_data(tmp_path, "modelnet10") is None
