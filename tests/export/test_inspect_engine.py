"""`c2p-export inspect`: what it says of engines that are whole, changed, foreign or not there."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import C2PError, ManifestError
from c2p_deploy.extras import install
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import EngineTarget, TextEncoderFiles
from c2p_export import inspect_engine
from c2p_export.inspect_engine import print_engine
from c2p_export.parity import Parity
from c2p_runtime.backends.gpu import Gpu
from engines import write_engine, write_plan

GOOD = Parity(32, 0.99995, 0.99999, 1e-6, 2e-5, 1.0, 0)
VERSION = "10.3.0.26"
TARGET = EngineTarget("tensorrt", VERSION, ("8.7",), "Orin")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An Orin with the TensorRT of JetPack 6."""
    monkeypatch.setattr(inspect_engine, "find_gpus", lambda: (Gpu("Orin", "8.7", 8 << 30),))
    monkeypatch.setattr(inspect_engine, "installed_version", {"tensorrt": VERSION}.get)


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    return write_engine(tmp_path)


@pytest.fixture
def plan(engine: Path) -> Path:
    """Bytes that stand for a plan, entered into the manifest; inspect never loads one."""
    return write_plan(engine, TARGET, 2_000_000 * b"p")


def change(engine: Path, **values: object) -> None:
    """Writes the engine's manifest again with other values."""
    path = Manifest.path_for(engine)
    replace(Manifest.load(path), **values).save(path)  # type: ignore[arg-type]


def inspect(file: Path, width: int = 300) -> str:
    """What is printed in a window so many columns wide."""
    shown = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(shown):
        patch.setenv("COLUMNS", str(width))
        print_engine(file)
    return shown.getvalue()


def line(said: str, start: str) -> str:
    (found,) = [line.rstrip() for line in said.splitlines() if line.startswith(start)]
    return found.removeprefix(start).strip()


def test_engine_and_manifest_tell_the_same(engine: Path) -> None:
    change(engine, parity={"onnxruntime": asdict(GOOD)}, tools={"torch": "2.9"}, opset=18)
    said = inspect(engine)
    assert inspect(engine.with_suffix(".json")) == said
    assert line(said, "head") == "zeroshot" and line(said, "encoders") == "mean"
    assert line(said, "precision") == "fp32"
    assert line(said, "depth maps") == ("clip2point-6, 6 views of 16 px, point radius 0.2, 64 points")
    assert line(said, "batch") == "1 to 4 clouds, tuned for 1"
    assert line(said, "labels") == "3, features of 6, prompt 'a {}': cup, box, rod"
    assert line(said, "logit scale") == "10" and line(said, "plan") == "none" and line(said, "opset") == "18"
    assert line(said, "parity, onnxruntime").startswith("32 clouds, cosine 0.999950 at least")
    assert "FAILED" not in said
    assert line(said, "made with") == "torch 2.9"
    assert line(said, "tiny.onnx:").startswith("1 kB, runs here with ONNX Runtime ")


def test_a_plan_that_fits(plan: Path) -> None:
    said = inspect(plan)
    assert line(said, "plan") == f"TensorRT {VERSION} for SM87, built on Orin"
    assert line(said, "tiny.plan:") == f"2.0 MB, fits this machine (TensorRT {VERSION})"
    assert "tiny.onnx: " in said


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            replace(TARGET, version="10.13.2"),
            ["built by TensorRT 10.13.2", f"this machine has {VERSION}", "c2p-export --onnx tiny.onnx"],
        ),
        (
            replace(TARGET, compute_capabilities=("11.0",), gpu="Thor"),
            ["built for SM110 (Thor)", "this machine's GPU is Orin, SM87", "c2p-export --onnx tiny.onnx"],
        ),
        (
            EngineTarget("tensorrt-rtx", "1.7.1", ("8.6",)),
            ["TensorRT-RTX cannot be imported here", "[rtx]'"],
        ),
        (replace(TARGET, flavour="tensorrt-2040"), ["'tensorrt-2040'", "update c2p-deploy"]),
    ],
)
def test_a_plan_that_does_not_fit(plan: Path, target: EngineTarget, words: list[str]) -> None:
    change(plan, target=target)
    said = line(inspect(plan), "tiny.plan:")
    assert said.startswith("2.0 MB, cannot run here: ")
    assert [word for word in words if word not in said] == []


def test_a_plan_of_which_nothing_is_known(plan: Path) -> None:
    change(plan, target=None)
    assert "does not say what it was built for; export again" in line(inspect(plan), "tiny.plan:")


def test_a_changed_plan(
    plan: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is told that can be, and then it is an error."""
    plan.write_bytes(b"another")
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(ManifestError, match=r"tiny\.json: SHA-256 differs for tiny\.plan; .*copy the files"):
        print_engine(plan)
    said = capsys.readouterr().out
    assert line(said, "head") == "zeroshot"
    assert line(said, "tiny.plan:").endswith("cannot be used: its SHA-256 is not the manifest's")
    assert "runs here" in line(said, "tiny.onnx:")


def test_files_that_were_left_behind(plan: Path) -> None:
    """Only the plan was copied to the robot: no error, it can do without the .onnx."""
    plan.with_suffix(".onnx").unlink()
    said = inspect(plan)
    assert line(said, "tiny.onnx:") == "is not here; copy it beside its manifest"
    assert "fits this machine" in said


def test_no_onnx_runtime(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert line(inspect(engine), "tiny.onnx:").endswith("is not installed; pip install onnxruntime")


def test_the_text_encoder(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("tiny.text.onnx", "tiny.tokenizer.json")
    for name in names:
        engine.with_name(name).write_bytes(name.encode())
    digests = [sha256_of(engine.with_name(name)) for name in names]
    change(engine, text_encoder=TextEncoderFiles(names[0], digests[0], names[1], digests[1]))
    said = inspect(engine)
    assert line(said, "other words") == "any, by tiny.text.onnx and tiny.tokenizer.json"
    assert "runs here" in line(said, "tiny.text.onnx:") and "read here" in line(said, "tiny.tokenizer.json:")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    assert install("text") in line(inspect(engine), "tiny.tokenizer.json:")
    engine.with_name(names[0]).write_bytes(b"another")
    with pytest.raises(ManifestError, match=r"SHA-256 differs for tiny\.text\.onnx;"):
        inspect(engine)


def test_parity_that_failed(engine: Path) -> None:
    change(engine, parity={"onnxruntime": asdict(replace(GOOD, cosine_min=0.5, nan_count=7))})
    said = line(inspect(engine), "parity, onnxruntime")
    assert "; FAILED: 7 features are not finite; smallest cosine 0.500000" in said


@pytest.mark.parametrize("figures", [{"of another": "release"}, 3])
def test_parity_that_cannot_be_read(engine: Path, figures: object) -> None:
    change(engine, parity={"onnxruntime": figures})
    assert line(inspect(engine), "parity, onnxruntime") == str(figures)


def test_names_are_no_markup(engine: Path) -> None:
    """Square brackets are rich's markup; in a name they are letters."""
    labels = LabelSet(("[red]cup[/red]", "[/]", "box [1]"), np.eye(3, 6))
    change(engine, labels=labels, parity={"[/bold]": "x"}, encoders=("[b]",))
    said = inspect(engine)
    assert line(said, "labels").endswith(": [red]cup[/red], [/], box [1]")
    assert line(said, "encoders") == "[b]" and line(said, "parity, [/bold]") == "x"


def test_many_labels_are_cut(engine: Path) -> None:
    change(engine, labels=LabelSet(tuple(f"l{i}" for i in range(40)), np.ones((40, 6))))
    assert line(inspect(engine), "labels").endswith("l10, l11 ...")
    assert line(inspect(engine), "labels").startswith("40, ")


def test_nothing_is_lost_in_a_narrow_window(engine: Path) -> None:
    """A pipe counts as 80 columns: the SHA-256 goes on in the next line."""
    change(engine, checkpoint_sha256="0123456789abcdef" * 4)
    said = "".join(inspect(engine, width=60).split())
    assert "0123456789abcdef" * 4 in said


@pytest.mark.parametrize("name", ["gone.onnx", "gone.json", ".", "folder.onnx"])
def test_a_file_that_is_none(engine: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(engine.parent)
    Path("folder.onnx").mkdir()
    with pytest.raises(C2PError, match=r"no such file; give an \.onnx, a \.plan, or the \.json beside"):
        inspect(Path(name))


def test_a_missing_manifest(engine: Path) -> None:
    engine.with_suffix(".json").unlink()
    with pytest.raises(ManifestError, match=r"tiny\.onnx: its manifest tiny\.json is missing; copy it"):
        inspect(engine)


@pytest.mark.parametrize("text", ["", "[]", '{"names": ["a"]}', '{"schema": "9.0"}', '{"schema": "1.0"}'])
def test_a_json_that_is_no_manifest(engine: Path, text: str) -> None:
    engine.with_suffix(".json").write_text(text)
    with pytest.raises(ManifestError, match=r"tiny\.json: "):
        inspect(engine)


@pytest.mark.parametrize(
    ("suffix", "words"), [(".pt", "is a checkpoint"), (".plan", r"tiny\.json describes tiny\.onnx, not this")]
)
def test_a_file_that_the_manifest_beside_it_does_not_know(engine: Path, suffix: str, words: str) -> None:
    """The checkpoint beside its engine, or a plan from elsewhere."""
    engine.with_suffix(suffix).write_bytes(b"")
    with pytest.raises(ManifestError, match=rf"tiny\{suffix}: {words}"):
        inspect(engine.with_suffix(suffix))
