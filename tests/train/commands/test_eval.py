"""`c2p-train eval`: the report, the pictures, and what is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from c2p_deploy import LabelSet
from c2p_train.commands.eval import evaluate as command
from c2p_train.datasets.labelled_clouds import load_split
from shapes import CLASSES, DIM, SPEC, saved, write_shapes


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_shapes(tmp_path / "shapes")


def run(tmp_path: Path, *arguments: object) -> Result:
    common = ["--cache", tmp_path / "cache", "--device", "cpu"]
    return CliRunner().invoke(command, [str(a) for a in (*arguments, *common)])


def test_the_report_and_the_pictures(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    second = saved(tmp_path, "second.pt", head="gdpa")
    (data / "ball/test/9.npy").write_bytes(b"no cloud")
    arguments = ["--ckpt", saved(tmp_path), "--data", data, "--compare", second, "--out", out]
    result = run(tmp_path, *arguments, "--projections", "--tsne", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert json.loads((out / "report.json").read_text()) == report
    first = report["checkpoints"][str(tmp_path / "model.pt")]
    assert first["clouds"] == 12 and first["head"] == "zeroshot" and first["views"] == "clip2point-6"
    assert np.trace(first["confusion"]) / 12 == pytest.approx(first["accuracy"])
    assert report["checkpoints"][str(second)]["head"] == "gdpa"
    assert report["projections"]["ours"] == first["accuracy"] and len(report["projections"]) == 3
    assert len(report["data"]["left_out"]) == 1 and "9.npy" in report["data"]["left_out"][0]
    assert "peak memory" in result.stderr and "1 left out" in result.stderr
    for name in ("confusion", "features", "projections"):
        with Image.open(out / f"{name}.png") as picture:
            assert min(picture.size) > 200 and np.ptp(np.asarray(picture.convert("L"))) > 200
    table = run(tmp_path, *arguments[:-2])
    assert table.exit_code == 0 and "mean of classes" in table.stdout and "rod" in table.stdout
    assert f"{100 * first['accuracy']:.2f}" in table.stdout


def test_training_clouds_are_refused_unless_insisted_on(data: Path, tmp_path: Path) -> None:
    clouds = load_split(data, "train", SPEC)
    for digests in (clouds.digest, ["other", clouds.digest]):
        ckpt = saved(tmp_path, data_digest=digests)
        result = run(tmp_path, "--ckpt", ckpt, "--data", data, "--split", "train")
        assert result.exit_code == 1 and "trained on these very clouds" in result.stderr
        allowed = run(tmp_path, "--ckpt", ckpt, "--data", data, "--split", "train", "--allow-training-data")
        assert allowed.exit_code == 0


def test_labels_may_be_given(data: Path, tmp_path: Path) -> None:
    LabelSet(CLASSES, np.eye(3, DIM)).save(tmp_path / "labels.json")
    result = run(tmp_path, "--ckpt", saved(tmp_path), "--data", data, "--labels", tmp_path / "labels.json")
    assert result.exit_code == 0, result.output


def test_wrong_use_ends_in_one_line(data: Path, tmp_path: Path) -> None:
    ckpt = saved(tmp_path, head="dpa")
    result = run(tmp_path, "--ckpt", ckpt, "--data", data, "--views", "clip2point-10")
    assert result.exit_code == 1 and "can use no others" in result.stderr.splitlines()[-1]
    (tmp_path / "empty").mkdir()
    result = run(tmp_path, "--ckpt", ckpt, "--data", tmp_path / "empty")
    assert result.exit_code == 1 and result.stderr.splitlines()[-1].startswith("error: ")
    for arguments in (
        ["--ckpt", ckpt],
        ["--ckpt", ckpt, "--data", data, "--tsne"],
        ["--data", data],
        ["--ckpt", ckpt, "--data", data, "--weights", tmp_path],
    ):
        assert run(tmp_path, *arguments).exit_code == 2


def test_help_is_a_page_and_needs_no_torch() -> None:
    import subprocess
    import sys

    started = time.perf_counter()
    code = "import sys; from c2p_train.commands.eval import evaluate as e\n"
    code += "try: e(['--help'])\nfinally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Examples:" in done.stdout and time.perf_counter() - started < 10
