"""Files are written whole or not at all, and only where a file may be."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from c2p_deploy import files
from c2p_deploy.errors import C2PError
from c2p_deploy.files import atomic_path, write_atomic


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_is_replaced_whole_with_the_usual_mode(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for data in (b"one", b"two"):
        write_atomic(path, data)
        assert path.read_bytes() == data and names(tmp_path) == {"a"}
    (tmp_path / "plain").write_bytes(b"")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt()])
def test_what_fails_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(type(error)), atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert path.read_bytes() == b"old" and names(tmp_path) == {"a"}


def test_only_files_are_replaced(tmp_path: Path) -> None:
    folder, pipe, plug = tmp_path / "folder", tmp_path / "pipe", tmp_path / "plug"
    folder.mkdir()
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(plug))
    (tmp_path / "link").symlink_to(pipe)
    before = {path: path.lstat().st_mode for path in tmp_path.iterdir()}
    for path, kind in (
        (folder, "a folder"),
        (pipe, "a device, a pipe"),
        (plug, "a device, a pipe"),
        (tmp_path / "link", "a device, a pipe"),
        (Path(os.devnull), "a device, a pipe"),
    ):
        with pytest.raises(C2PError, match=rf"^{path}: is {kind}.*; choose another name"):
            write_atomic(path, b"x")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert {path: path.lstat().st_mode for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path, there: bool) -> None:
    store = tmp_path / "store"
    store.mkdir()
    if there:
        (store / "v1").write_bytes(b"old")
    (tmp_path / "inner").symlink_to("store/v1")
    (tmp_path / "link").symlink_to("inner")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "inner").is_symlink()
    assert (store / "v1").read_bytes() == b"new" and names(store) == {"v1"}


def test_a_circle_of_links_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError):
        write_atomic(tmp_path / "a", b"x")
    assert names(tmp_path) == {"a", "b"}


def test_the_contents_are_on_the_disk_before_the_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, rename = os.fsync, Path.replace

    def watched_sync(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def watched_rename(path: Path, target: Path) -> Path:
        done.append("name")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(Path, "replace", watched_rename)
    write_atomic(tmp_path / "a", b"x")
    assert done == ["file", "name", "folder"]


def test_a_disk_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(handle: int) -> None:
        raise OSError(5, "Input/output error")

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input/output error"):
        write_atomic(tmp_path / "a", b"new")
    assert names(tmp_path) == {"a"} and (tmp_path / "a").read_bytes() == b"old"


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path) -> None:
    killed = (
        "import os, pathlib, sys\n"
        "from c2p_deploy.files import atomic_path\n"
        "with atomic_path(pathlib.Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    path = tmp_path / "a.npz"
    subprocess.run([sys.executable, "-c", killed, str(path)], check=False)
    (left,) = tmp_path.iterdir()
    others = {".a.npz.tmp", ".a.npz.short.tmp", ".b.npz.abcdefgh.tmp", "a.npz.abcdefgh.tmp"}
    for name in others:
        (tmp_path / name).write_bytes(b"of somebody")
    (tmp_path / ".a.npz.aaaaaaaa.tmp").mkdir()
    for name in names(tmp_path) - {left.name}:
        os.utime(tmp_path / name, (0, 0))
    files._sweep.cache_clear()
    write_atomic(path, b"x")
    assert left.exists()  # perhaps its process runs still
    os.utime(left, (time.time() - files._ABANDONED - 60,) * 2)
    files._sweep.cache_clear()
    write_atomic(path, b"x")
    assert names(tmp_path) == {*others, ".a.npz.aaaaaaaa.tmp", "a.npz"}
