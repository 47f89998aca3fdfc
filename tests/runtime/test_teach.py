"""`c2p-run --learn`, `--forget`, `--save` and `--list-labels`, and what docs/teach.md shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from c2p_deploy.errors import C2PError
from c2p_deploy.labels import TaughtLabels, load_labels
from c2p_runtime.cli import main
from c2p_runtime.teach import examples_in
from engines import write_engine
from paths import REPOSITORY


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engine that knows cup, box and rod, and clouds of two things."""
    write_engine(tmp_path)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, stretch in (("my_drill", (0.1, 0.1, 1)), ("plate", (1, 1, 0.1))):
        (tmp_path / "clouds" / name).mkdir(parents=True)
        for number in range(3):
            np.save(tmp_path / "clouds" / name / f"{number}.npy", rng.normal(size=(200, 3)) * stretch)
    return tmp_path


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["--engine", "tiny.onnx", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_learn_add_forget_merge_list(folder: Path) -> None:
    assert "5 labels, 2 of them taught from 6 clouds" in run("--learn", "clouds", "--save", "a.json").stderr
    labels = load_labels("a.json")
    assert isinstance(labels, TaughtLabels)
    assert labels.names == ("cup", "box", "rod", "my drill", "plate")

    answers = run("--labels", "a.json", "--json", "clouds/my_drill", "clouds/plate").stdout.splitlines()
    assert [json.loads(line)["label"] for line in answers] == ["my drill"] * 3 + ["plate"] * 3

    (folder / "more").mkdir()
    np.save(folder / "more" / "my_drill-07.npy", np.random.default_rng(5).normal(size=(200, 3)))
    run("--labels", "a.json", "--learn", "more", "--save", "a.json")
    run("--labels", "a.json", "--forget", "plate", "--forget", "Cups", "--save", "b.json")
    listed = run("--labels", "b.json", "--list-labels").stdout.splitlines()
    assert listed == ["box: word", "rod: word", "my drill: 4 clouds"]

    run("--labels", "b.json", "--learn", "a.json", "--save", "c.json")
    merged = load_labels("c.json")
    assert isinstance(merged, TaughtLabels)
    assert dict(zip(merged.names, merged.clouds().tolist(), strict=True)) == {
        "box": 0, "rod": 0, "cup": 0, "my drill": 4, "plate": 3,
    }  # fmt: skip


def test_learning_and_answering_in_one_go(folder: Path) -> None:
    result = run("--learn", "clouds", "clouds/plate/0.npy")
    assert result.stdout.startswith("clouds/plate/0.npy: plate ")
    assert not list(folder.glob("*.json.*")) and not (folder / "a.json").exists()


def test_a_cloud_that_cannot_be_read_does_not_stop_the_others(folder: Path) -> None:
    (folder / "clouds" / "plate" / "bad.ply").write_text("ply\n")
    result = run("--learn", "clouds", "--save", "a.json", code=1)
    assert result.stderr.count("error: ") == 1 and "bad.ply" in result.stderr
    assert "taught from 6 clouds" in result.stderr
    for cloud in (folder / "clouds" / "plate").glob("*.npy"):
        cloud.unlink()
    before = (folder / "a.json").read_bytes()
    assert "no cloud of 'plate' can be used" in run("--learn", "clouds", "--save", "a.json", code=1).stderr
    assert (folder / "a.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        ((), 2, "Missing argument 'CLOUD...'"),
        (("--learn", "clouds"), 2, "would be lost: add --save"),
        (("--forget", "cup"), 2, "would be lost: add --save"),
        (("--forget", "cup", "--save", "a.json"), 1, "was never taught cup"),
        (("--forget", "flurbl", "--save", "a.json"), 1, "'flurbl'"),
        (("--learn", "gone", "--save", "a.json"), 1, "gone: no such folder"),
        (("--learn", "gone.json", "--save", "a.json"), 1, "gone.json: cannot read"),
        (("--learn", "tiny.json", "--save", "a.json"), 1, "tiny.json: "),
    ],
)
def test_what_makes_no_sense(folder: Path, arguments: tuple[str, ...], code: int, complaint: str) -> None:
    assert complaint in run(*arguments, code=code).stderr
    assert not (folder / "a.json").exists()


def test_names_of_files(tmp_path: Path) -> None:
    for name in ("my_drill_1", "my_drill-02", "my drill (3)", "7", "bolt M8", "v2 case.4"):
        np.save(tmp_path / f"{name}.npy", np.eye(3))
    found = {name: len(paths) for name, paths in examples_in(tmp_path).items()}
    assert found == {"my drill": 3, "7": 1, "bolt M": 1, "v2 case": 1}
    with pytest.raises(C2PError):
        examples_in(tmp_path / "7.npy")


def test_the_page_says_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (REPOSITORY / "docs" / "teach.md").read_text(encoding="utf-8")
    printed: list[str] = []
    names = {"print": lambda value: printed.append(str(value))}
    for block in re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE):
        exec(compile(block, "teach.md", "exec"), names)
    promised = re.findall(r"^print\(.*\) +# (.*)$", page, flags=re.MULTILINE)
    assert printed == promised and len(promised) == 2
    for option in set(re.findall(r"c2p-run.*?(--[a-z-]+)", page)):
        assert any(option in parameter.opts for parameter in main.params), option
