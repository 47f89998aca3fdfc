"""The engines of the package are known by name, and what is told of them is true."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from c2p_deploy import Manifest
from c2p_runtime import Classifier
from c2p_runtime.bundled import DEFAULT, bundled_engines, engine_path
from c2p_runtime.cli import main


def test_every_name_is_an_engine_with_its_manifest() -> None:
    assert {DEFAULT, "research"} <= set(bundled_engines())
    for engine in bundled_engines().values():
        assert len(Manifest.for_engine(engine.path).labels) >= 40
        assert engine.trained_on and engine.use and engine.figures


def test_all_bundled_engines_together_stay_small() -> None:
    files = {engine.path for engine in bundled_engines().values()}
    assert sum(file.stat().st_size for file in files) <= 16e6


def test_names_stand_for_files_and_files_for_themselves() -> None:
    assert engine_path(None) == engine_path("default") == bundled_engines()[DEFAULT].path
    assert engine_path("research").name == "research.onnx"
    assert engine_path("my/model.onnx") == engine_path(Path("my/model.onnx")) == Path("my/model.onnx")


def test_a_classifier_takes_a_name() -> None:
    with Classifier("research", device="cpu") as clf:
        assert clf.engine == engine_path("research") and "chair" in clf.labels.names


def test_the_command_lists_them_and_stops() -> None:
    result = CliRunner().invoke(main, ["--list-engines"])
    assert result.exit_code == 0
    for engine in bundled_engines().values():
        assert engine.name in result.output and engine.trained_on in result.output
        assert all(figure in result.output for figure in engine.figures.values())


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_the_list_needs_no_cloud(flag: list[str]) -> None:
    assert CliRunner().invoke(main, [*flag, "--list-engines"]).exit_code == 0
