"""Engine files get their names all at once or not at all; plans of an `.onnx` that is there."""

from __future__ import annotations

import errno
import io
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import EngineError, ManifestError, ParityError
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import BatchProfile, EngineTarget, TextEncoderFiles
from c2p_export import engines as engines_module
from c2p_export.engines import (
    check_place,
    complaint_of,
    files_of,
    parities,
    parity_table,
    plan_from_onnx,
    put_in_place,
    size_of,
    staged,
    step,
)
from c2p_export.parity import Parity
from c2p_export.plan import PlanOptions
from c2p_runtime.backends.gpu import Gpu
from engines import VIEWS, write_engine

DEPTH = np.random.default_rng(0).random((9, len(VIEWS), 16, 16), dtype=np.float32)
RTX = PlanOptions("tensorrt-rtx", ("8.6",), BatchProfile(1, 1, 3))
GOOD = Parity(9, 1.0, 1.0, 0.0, 0.0, 1.0)
TARGET = EngineTarget("tensorrt", "10.3.0", ("8.7",), "Orin")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def add(engine: Path, *names: str, text: bool = False) -> Manifest:
    """Files of these names beside the engine, entered into its manifest."""
    path = Manifest.path_for(engine)
    manifest = Manifest.load(path)
    for name in names:
        engine.with_name(name).write_bytes(name.encode())
    added = {name: sha256_of(engine.with_name(name)) for name in names}
    if text:
        model, tokenizer = added.items()
        manifest = replace(manifest, text_encoder=TextEncoderFiles(*model, *tokenizer))
    else:
        manifest = replace(manifest, engines={**manifest.engines, **added})
    manifest.save(path)
    return manifest


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_the_working_folder_is_gone_whatever_happens(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), staged(tmp_path) as work:
        (work / "half").write_bytes(b"written")
        (work / "folder").mkdir()
        raise error
    assert files(tmp_path) == {}


def test_errors_speak_of_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, Path(), Path("..") / tmp_path.name):
        with pytest.raises(ManifestError) as raised, staged(folder) as work:
            raise ManifestError(f"{work / 'model.onnx'}: is wrong")
        assert str(raised.value) in (f"{folder}/model.onnx: is wrong", "./model.onnx: is wrong")


def test_a_full_disk_is_told_with_its_folder(tmp_path: Path) -> None:
    words = rf"^{tmp_path}: cannot write there: No space left .*make room"
    with pytest.raises(EngineError, match=words), staged(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), f"{tmp_path}/.c2p-export-1")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    words = rf"^{tmp_path}: cannot write there: Permission denied; "
    with pytest.raises(EngineError, match=words), staged(tmp_path):
        pass


def test_a_missing_folder(tmp_path: Path) -> None:
    for use in (lambda: staged(tmp_path / "gone").__enter__(), lambda: check_place(tmp_path / "gone" / "x")):
        with pytest.raises(EngineError, match=rf"^{tmp_path}/gone: this folder does not exist; .*--out"):
            use()


def test_only_a_manifest_is_replaced(tmp_path: Path) -> None:
    check_place(tmp_path / "tiny.onnx")  # nothing there yet
    engine = write_engine(tmp_path)
    check_place(engine)
    for text in ("", "{}", '{"names": ["a"]}', '{"schema": "9.0"}'):
        engine.with_suffix(".json").write_text(text)
        with pytest.raises(EngineError, match=r"tiny\.json: would be replaced .*move it away, or choose"):
            check_place(engine)
    LabelSet(("a",), np.ones((1, 4))).save(engine.with_suffix(".json"))
    with pytest.raises(EngineError, match=r"tiny\.json: would be replaced"):
        check_place(engine)


@pytest.fixture
def new(tmp_path: Path) -> tuple[Path, Path, Manifest]:
    """A folder with a new export of the name `tiny`, the final name of its engine, and its manifest."""
    work = tmp_path / "work"
    work.mkdir()
    engine = write_engine(work, divide_by=2.0)
    manifest = Manifest.for_engine(engine)
    engine.with_suffix(".json").unlink()
    final = tmp_path / "final"
    final.mkdir()
    return work, final / "tiny.onnx", manifest


def test_files_get_their_names(new: tuple[Path, Path, Manifest]) -> None:
    work, engine, manifest = new
    put_in_place(work, engine, manifest)
    assert files(work) == {} and set(files(engine.parent)) == {"tiny.onnx", "tiny.json"}
    assert Manifest.for_engine(engine).to_dict() == manifest.to_dict()


def test_the_manifest_comes_last(new: tuple[Path, Path, Manifest], monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a reader in between finds another hash, never a wrong pair."""
    work, engine, manifest = new
    for name in ("a.bin", "z.bin"):
        (work / name).write_bytes(b"x")
    order = []
    rename = Path.replace

    def watched(path: Path, target: Path) -> Any:
        order.append(Path(target))
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", watched)
    put_in_place(work, engine, manifest)
    assert order[-1] == engine.with_suffix(".json") and len(order) >= 4


def test_what_a_former_export_left_is_removed(new: tuple[Path, Path, Manifest]) -> None:
    work, engine, manifest = new
    former = write_engine(engine.parent)
    add(former, "tiny.plan")
    add(former, "tiny.text.onnx", "tiny.tokenizer.json", text=True)
    engine.with_name("tiny.pt").write_bytes(b"the checkpoint")
    put_in_place(work, engine, manifest)
    assert set(files(engine.parent)) == {"tiny.onnx", "tiny.json", "tiny.pt"}
    assert Manifest.for_engine(engine).to_dict() == manifest.to_dict()


def test_what_the_new_manifest_lists_stays(new: tuple[Path, Path, Manifest]) -> None:
    work, engine, manifest = new
    listed = add(write_engine(engine.parent), "tiny.plan").engines["tiny.plan"]
    manifest = replace(manifest, engines={**manifest.engines, "tiny.plan": listed}, target=TARGET)
    put_in_place(work, engine, manifest)
    assert set(files(engine.parent)) == {"tiny.onnx", "tiny.json", "tiny.plan"}


def test_engines_of_other_names_are_left_alone(new: tuple[Path, Path, Manifest]) -> None:
    """A manifest copied from another name lists that one's engines."""
    work, engine, manifest = new
    other = write_engine(engine.parent, name="tiny.v2")
    add(other, "tiny.v2.plan")
    engine.with_suffix(".json").write_bytes(other.with_suffix(".json").read_bytes())
    before = files(engine.parent)
    put_in_place(work, engine, manifest)
    after = files(engine.parent)
    assert {name: data for name, data in after.items() if name not in ("tiny.onnx", "tiny.json")} == {
        name: data for name, data in before.items() if name != "tiny.json"
    }
    assert len(after) == 5


def test_a_manifest_that_cannot_be_read_removes_nothing(new: tuple[Path, Path, Manifest]) -> None:
    work, engine, manifest = new
    engine.with_suffix(".json").write_text("{")
    engine.with_suffix(".plan").write_bytes(b"of somebody")
    put_in_place(work, engine, manifest)
    assert set(files(engine.parent)) == {"tiny.onnx", "tiny.json", "tiny.plan"}


def test_all_files_of_a_manifest(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    assert list(files_of(Manifest.for_engine(engine))) == ["tiny.onnx"]
    add(engine, "tiny.plan")
    manifest = add(engine, "tiny.text.onnx", "tiny.tokenizer.json", text=True)
    named = ["tiny.onnx", "tiny.plan", "tiny.text.onnx", "tiny.tokenizer.json"]
    assert files_of(manifest) == {name: sha256_of(tmp_path / name) for name in named}


def test_complaints_name_the_engine(tmp_path: Path) -> None:
    manifest = Manifest.for_engine(write_engine(tmp_path))
    assert complaint_of(manifest) is None
    bad = replace(GOOD, cosine_min=0.1)
    manifest = replace(manifest, parity={"onnxruntime": asdict(GOOD), "tensorrt": asdict(bad)})
    assert str(complaint_of(manifest)).startswith("tensorrt: smallest cosine 0.1")
    assert parities(manifest) == {"onnxruntime": GOOD, "tensorrt": bad}


def test_figures_of_another_release_are_left_out(tmp_path: Path) -> None:
    manifest = Manifest.for_engine(write_engine(tmp_path))
    manifest = replace(manifest, parity={"onnxruntime": asdict(GOOD), "old": {"cos": 1}, "odd": 3})
    assert parities(manifest) == {"onnxruntime": GOOD} and complaint_of(manifest) is None
    shown = io.StringIO()
    Console(file=shown).print(parity_table(manifest))
    assert "onnxruntime" in shown.getvalue() and "old" not in shown.getvalue()


def test_a_plan_enters_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX: pip install tensorrt-rtx")
    monkeypatch.setattr(engines_module, "find_gpus", lambda: ())
    engine = write_engine(tmp_path)
    before = Manifest.for_engine(engine)
    shown = io.StringIO()
    returned = plan_from_onnx(engine, RTX, DEPTH, False, Console(file=shown, width=200))
    plan = engine.with_suffix(".plan")
    manifest = Manifest.for_engine(plan)
    assert manifest.to_dict() == returned.to_dict()
    assert manifest.engines == {**before.engines, "tiny.plan": sha256_of(plan)}
    assert manifest.target is not None and manifest.target.compute_capabilities == ("8.6",)
    assert manifest.batch == RTX.batch
    assert set(files(tmp_path)) == {"tiny.onnx", "tiny.json", "tiny.plan"}
    assert "built the plan in " in shown.getvalue() and "the plan was not run here: " in shown.getvalue()
    # Once more, for another GPU: the old plan is replaced.
    plan_from_onnx(engine, replace(RTX, targets=("8.9",)), DEPTH, False, Console(quiet=True))
    target = Manifest.for_engine(plan).target
    assert target is not None and target.compute_capabilities == ("8.9",)


class FakePlan:
    """Stands for a TensorRT that runs the plan; a real one was not run on hardware yet."""

    off = 0.0  # how far its features are from the .onnx's

    def __init__(self, plan: Path, manifest: Manifest) -> None:
        assert plan.name in manifest.engines

    def run(self, depth: np.ndarray) -> np.ndarray:
        noise = np.random.default_rng(0).normal(size=(1, depth.shape[1])).astype(np.float32)
        return np.asarray(depth.mean(axis=(2, 3)) + self.off * noise)


@pytest.fixture
def on_an_orin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engine on a machine whose TensorRT builds and runs whatever it is given."""

    def build_plan(onnx: Path, plan: Path, *_: object) -> EngineTarget:
        plan.write_bytes(b"a plan")
        return TARGET

    monkeypatch.setattr(engines_module, "find_gpus", lambda: (Gpu("Orin", "8.7", 8 << 30),))
    monkeypatch.setattr(engines_module, "installed_version", {"tensorrt": "10.3.0"}.get)
    monkeypatch.setattr(engines_module, "require_cuda", lambda: None)
    monkeypatch.setattr(engines_module, "build_plan", build_plan)
    monkeypatch.setattr(engines_module, "TensorRTBackend", FakePlan)
    monkeypatch.setattr(engines_module, "run_from_host", lambda plan, depth, width: plan.run(depth))
    return write_engine(tmp_path)


def test_a_plan_that_runs_here_is_measured(on_an_orin: Path) -> None:
    options = PlanOptions("tensorrt", batch=BatchProfile(1, 1, 4))
    shown = io.StringIO()
    manifest = plan_from_onnx(on_an_orin, options, DEPTH, False, Console(file=shown, width=100))
    figures = manifest.parity["tensorrt"]
    assert figures["clouds"] == 9 and figures["cosine_min"] > 0.99999
    assert Manifest.for_engine(on_an_orin.with_suffix(".plan")).parity == manifest.parity
    assert [line.split()[:2] for line in shown.getvalue().splitlines() if "tensorrt" in line] == [
        ["tensorrt", "9"]
    ]


def test_a_plan_that_does_not_agree_changes_nothing(
    on_an_orin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePlan, "off", 0.5)
    before = files(on_an_orin.parent)
    options = PlanOptions("tensorrt", batch=BatchProfile(1, 1, 4))
    with pytest.raises(ParityError, match=r"tiny\.onnx: tensorrt: smallest cosine .*nothing was written"):
        plan_from_onnx(on_an_orin, options, DEPTH, False, Console(quiet=True))
    assert files(on_an_orin.parent) == before
    with pytest.raises(ParityError, match="written all the same"):
        plan_from_onnx(on_an_orin, options, DEPTH, True, Console(quiet=True))
    assert Manifest.for_engine(on_an_orin.with_suffix(".plan")).parity["tensorrt"]["cosine_min"] < 0.99


def test_what_running_the_plan_needs_is_missed_before_the_build(
    on_an_orin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise EngineError("numba-cuda is not installed")

    monkeypatch.setattr(engines_module, "require_cuda", missing)
    monkeypatch.setattr(engines_module, "build_plan", lambda *_: pytest.fail("built for nothing"))
    with pytest.raises(EngineError, match="numba-cuda"):
        plan_from_onnx(on_an_orin, PlanOptions("tensorrt"), DEPTH, False, Console(quiet=True))


def test_sizes_are_for_people(tmp_path: Path) -> None:
    for size, told in ((1, "1 kB"), (21_900, "22 kB"), (999_000, "999 kB"), (351_000_000, "351.0 MB")):
        path = tmp_path / "file"
        with path.open("wb") as file:
            file.truncate(size)
        assert size_of(path) == told


def test_a_step_that_fails_does_not_claim_success() -> None:
    shown = io.StringIO()
    console = Console(file=shown)
    with step("went [well]", console):
        pass
    with pytest.raises(ValueError), step("failed", console):
        raise ValueError
    assert shown.getvalue().startswith("went [well] in 0.0 s") and "failed" not in shown.getvalue()
