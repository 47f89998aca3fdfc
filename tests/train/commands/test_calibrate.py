"""`c2p-train calibrate`: what it writes, into what, and what it says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from c2p_deploy import Manifest
from c2p_runtime import Classifier
from c2p_train.commands.calibrate import calibrate as command
from c2p_train.evaluate.calibrate import STRANGER, Group, split_groups
from c2p_train.model.checkpoint import load_checkpoint
from engines import write_engine
from shapes import saved


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CLASS/FILE.npy: two things that the tiny models have labels for, and one that they have not."""
    folder, rng = tmp_path_factory.mktemp("things"), np.random.default_rng(0)
    for name, size in (("box", (1, 1, 1)), ("rod", (0.1, 0.1, 1)), ("pancake", (1, 1, 0.02))):
        (folder / name).mkdir()
        for index in range(40):
            points = rng.uniform(-1, 1, (80, 3)) * size * rng.uniform(0.8, 1.2, 3)
            np.save(folder / name / f"{index}.npy", points)
    return folder


def run(tmp_path: Path, *arguments: object) -> Result:
    common = ["--cache", tmp_path / "cache", "--device", "cpu"]
    return CliRunner().invoke(command, [str(a) for a in (*arguments, *common)])


def test_an_engine_learns_to_doubt_by_its_manifest(data: Path, tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    before = engine.read_bytes()
    sizes = tmp_path / "sizes.json"
    sizes.write_text('{"box": [0.1, 2]}')
    result = run(tmp_path, "--engine", engine, data, "--json", "--size-limits", sizes)
    assert result.exit_code == 0, result.output
    figures = {(row["kind"], row["group"]): row for row in json.loads(result.stdout)}
    everything = figures[("known", "all")]
    assert (
        15 <= everything["clouds"] <= 33
        and everything["named"] > 0.7
        and 0 <= everything["calibration_error"] < 1
    )
    (strangers,) = (row for (kind, _), row in figures.items() if kind == "strangers")
    assert strangers["clouds"] > 5 and strangers["auroc"] is not None
    assert figures[("clutter", "made-up clutter")]["false_positives"] is not None
    manifest = Manifest.for_engine(engine)
    assert manifest.rejection is not None and manifest.size_limits == {"box": (0.1, 2.0)}
    assert engine.read_bytes() == before
    found = Classifier(engine)(np.load(data / "rod" / "0.npy"))
    assert found.confidence != found.score


def test_a_checkpoint_carries_it(data: Path, tmp_path: Path) -> None:
    path = saved(tmp_path)
    labels = load_checkpoint(path).labels
    assert labels is not None
    named = tmp_path / "named"
    named.mkdir()
    names = ("plate", "SOFA", "unheard of")  # labels in any case
    for folder, name in zip(("box", "rod", "pancake"), names, strict=True):
        (named / name).symlink_to(data / folder)
    result = run(tmp_path, "--ckpt", path, named)
    assert result.exit_code == 0, result.output
    assert "known: all" in result.stdout and "wrote" in result.stdout
    again = load_checkpoint(path)
    assert again.rejection is not None and again.rejection.dim == labels.dim
    first = again.rejection.to_dict()
    assert run(tmp_path, "--ckpt", path, named).exit_code == 0
    assert load_checkpoint(path).rejection.to_dict() == first  # type: ignore[union-attr]


def test_what_cannot_be_fitted_is_refused_and_nothing_written(data: Path, tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    before = Manifest.path_for(engine).read_bytes()
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "unheard of").symlink_to(data / "box")
    refused = run(tmp_path, "--engine", engine, strange)
    assert refused.exit_code == 1 and "0 clouds of things that the model has labels for" in refused.stderr
    sizes = tmp_path / "sizes.json"
    sizes.write_text('{"box": [2, 0.1]}')
    assert (
        "sizes.json: size_limits of 'box'"
        in run(tmp_path, "--engine", engine, data, "--size-limits", sizes).stderr
    )
    assert run(tmp_path, data).exit_code == 2
    assert Manifest.path_for(engine).read_bytes() == before


def test_clouds_of_one_object_stay_on_one_side() -> None:
    points = np.zeros((60, 4, 3), dtype=np.float32)
    group = Group("all", points, np.full(60, STRANGER), np.arange(60) // 3)
    (fitted,), (back,) = split_groups([group], seed=1)
    assert not set(fitted.object) & set(back.object) and len(back.label) == 18
    (again,), _ = split_groups([replace(group)], seed=1)
    np.testing.assert_array_equal(again.object, fitted.object)
