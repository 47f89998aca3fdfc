"""Engine files get their names all at once or not at all."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import EngineError, ManifestError
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import EngineTarget, TextEncoderFiles
from c2p_export.staging import check_place, files_of, put_in_place, staged
from engines import write_engine

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
        (work / "part").write_bytes(b"written")
        (work / "folder").mkdir()
        raise error
    assert files(tmp_path) == {}


def test_errors_speak_of_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, Path(), Path("..") / tmp_path.name):
        with pytest.raises(ManifestError) as raised, staged(folder) as work:
            raise ManifestError("is wrong", path=work / "model.onnx")
        assert str(raised.value) == f"{folder / 'model.onnx'}: is wrong"
        with pytest.raises(ManifestError, match=r"^other\.onnx: is wrong$"), staged(folder):
            raise ManifestError("is wrong", path="other.onnx")


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
