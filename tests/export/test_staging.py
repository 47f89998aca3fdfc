"""Engine files get their names all at once or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2p_deploy import LabelSet, Manifest
from c2p_deploy.errors import EngineError, ManifestError
from c2p_deploy.files import sha256_of
from c2p_deploy.manifest import EngineTarget, TextEncoderFiles
from c2p_export import staging
from c2p_export.staging import check_place, files_of, only_export, put_in_place, staged
from engines import write_engine

TARGET = EngineTarget("tensorrt", "10.3.0", ("8.7",), "Orin")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def files_of_folder(folder: Path) -> set[str]:
    """The names of all that lies below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


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


HOLDING = """
import sys, pathlib
from c2p_export.staging import only_export, staged
engine = pathlib.Path(sys.argv[1])
with only_export(engine), staged(engine.parent) as work:
    (work / "model.onnx").write_bytes(b"half")
    print(work.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def exporting(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of an export of the name `tiny`."""
    command = [sys.executable, "-c", HOLDING, str(tmp_path / "tiny.onnx")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().startswith(".c2p-export-")
        yield other
        other.kill()


def test_a_second_export_of_a_name_is_refused(tmp_path: Path, exporting: subprocess.Popen[str]) -> None:
    words = rf"^{tmp_path}/tiny\.onnx: another export of this name is running; wait for it"
    before = files_of_folder(tmp_path)
    with pytest.raises(EngineError, match=words), only_export(tmp_path / "tiny.onnx"):
        pass
    with only_export(tmp_path / "other.onnx"), staged(tmp_path):
        pass
    assert files_of_folder(tmp_path) == before  # what runs is not swept away
    exporting.communicate()
    assert exporting.returncode == 0 and files_of_folder(tmp_path) == set()
    with only_export(tmp_path / "tiny.onnx"):
        pass
    assert files_of_folder(tmp_path) == set()


def test_what_a_killed_export_left_is_swept(tmp_path: Path, exporting: subprocess.Popen[str]) -> None:
    (tmp_path / ".c2p-export-file").write_bytes(b"of somebody")
    exporting.kill()
    exporting.wait()
    assert len(files_of_folder(tmp_path)) == 4  # the lock, the folder, and the file in it
    with only_export(tmp_path / "tiny.onnx"), staged(tmp_path):
        pass
    assert files_of_folder(tmp_path) == {".c2p-export-file"}


def test_a_folder_that_was_swept_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, raced = staging._locked, []

    def late(handle: int, wait: bool = False) -> bool | None:
        if not raced:
            raced.append(1)
            staging._sweep(tmp_path)
        return lock(handle, wait)

    monkeypatch.setattr(staging, "_locked", late)
    with staged(tmp_path) as work:
        (work / "a").write_bytes(b"x")
        assert files_of_folder(tmp_path) == {work.name, f"{work.name}/a"}
    assert files_of_folder(tmp_path) == set()


def test_where_folders_cannot_be_locked_nothing_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    (tmp_path / ".c2p-export-left").mkdir()
    monkeypatch.setattr("fcntl.flock", refuse)
    with only_export(tmp_path / "tiny.onnx"), staged(tmp_path):
        pass
    assert files_of_folder(tmp_path) == {".c2p-export-left"}


def test_exports_of_one_name_take_turns(tmp_path: Path) -> None:
    """Many threads want the lock, which is made and removed all the time: never do two have it."""
    inside, most, refused = 0, 0, 0

    def export() -> None:
        nonlocal inside, most, refused
        for _ in range(200):
            try:
                with only_export(tmp_path / "tiny.onnx"):
                    inside += 1
                    most = max(most, inside)
                    inside -= 1
            except EngineError:
                refused += 1

    threads = [threading.Thread(target=export) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and refused < 800 and files_of_folder(tmp_path) == set()


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("moved", range(3))
def test_where_moving_fails_the_former_export_is_whole(
    new: tuple[Path, Path, Manifest], monkeypatch: pytest.MonkeyPatch, moved: int, links: bool
) -> None:
    """On a file system without links, as of a memory card, nothing can be put back, and the hash tells."""
    work, engine, manifest = new
    former = write_engine(engine.parent)
    before = files(engine.parent)
    (work / "tiny.plan").write_bytes(b"x")
    rename, done = Path.replace, []

    def failing(path: Path, target: Path) -> Any:
        if path.parent == work and target.parent == engine.parent:
            if len(done) == moved:
                raise KeyboardInterrupt
            done.append(target.name)
        return rename(path, target)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "replace", failing)
    if not links:
        monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(KeyboardInterrupt):
        put_in_place(work, engine, manifest)
    if links or moved == 0:
        assert files(engine.parent) == before
        Manifest.for_engine(former)
    else:
        with pytest.raises(ManifestError, match="SHA-256 differs"):
            Manifest.for_engine(former)


def test_a_reader_finds_the_old_or_the_new_or_is_refused(new: tuple[Path, Path, Manifest]) -> None:
    """Never the manifest of one with the engine of the other."""
    work, engine, manifest = new
    write_engine(engine.parent)
    old = Manifest.for_engine(engine).to_dict()
    seen: list[dict[str, Any]] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            with suppress(ManifestError):
                seen.append(Manifest.for_engine(engine).to_dict())

    reader = threading.Thread(target=read)
    reader.start()
    put_in_place(work, engine, manifest)
    ended.set()
    reader.join()
    assert all(found in (old, manifest.to_dict()) for found in seen)
    assert Manifest.for_engine(engine).to_dict() == manifest.to_dict()


def test_a_name_that_is_a_link_is_replaced_itself(new: tuple[Path, Path, Manifest], tmp_path: Path) -> None:
    work, engine, manifest = new
    (tmp_path / "kept.onnx").write_bytes(b"in use")
    engine.symlink_to(tmp_path / "kept.onnx")
    put_in_place(work, engine, manifest)
    assert not engine.is_symlink() and (tmp_path / "kept.onnx").read_bytes() == b"in use"
    Manifest.for_engine(engine)
