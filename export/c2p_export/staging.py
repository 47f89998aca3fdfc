"""The files of an export get their names all at once, or none does.

They are made in a temporary folder beside their final place, and moved when all of them are good, one by one,
the manifest last. Whoever reads at the same time, or after a power loss, finds

- the former export, whole, until the first file moves;
- the former manifest with a new file for some milliseconds: its SHA-256 is not the recorded one, and
  `Manifest.for_engine` says so;
- the new export, whole, from the moment its manifest is there.

Where moving fails or is interrupted, the former files are put back; only a kill in these milliseconds leaves
the second state, and the same export again mends it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from c2p_deploy import Manifest
from c2p_deploy.errors import C2PError, EngineError, ManifestError, ParityError, reason_of
from c2p_deploy.files import to_disk
from c2p_export.parity import refusal_of
from c2p_export.report import tell_parity, tell_written

_STAGING = ".c2p-export-"
_SUFFIXES = (".onnx", ".plan", ".text.onnx", ".tokenizer.json")  # of the files a manifest can name


def check_place(engine: Path) -> None:
    """Raises EngineError where the files of an export cannot be put beside `engine`.

    NAME.json may be a label set, or what training wrote there: only a manifest is replaced.
    """
    _check_folder(engine.parent)
    path = Manifest.path_for(engine)
    if path.exists():
        try:
            Manifest.load(path)
        except ManifestError as error:
            raise EngineError(
                "would be replaced by the manifest, but is not one that this release reads",
                "move it away, or choose another name with --out",
                path,
            ) from error


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise EngineError("this folder does not exist", "make it, or choose another with --out", folder)


@contextmanager
def only_export(engine: Path) -> Iterator[None]:
    """Inside, no other process exports under the name of `engine`. Raises EngineError while one does."""
    _check_folder(engine.parent)
    path = engine.with_name(f".{engine.stem}.c2p-lock")
    try:
        handle = _lock_file(path)
    except BlockingIOError as error:
        raise EngineError(
            "another export of this name is running", "wait for it, or choose another name with --out", engine
        ) from error
    except OSError as error:
        raise _cannot_write(engine.parent, error) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # before the lock goes: whoever waits for it sees that the file is gone
        os.close(handle)


def _lock_file(path: Path) -> int:
    """An open file that this process has locked. Raises BlockingIOError where another one has."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            if _locked(handle) is False:
                raise BlockingIOError
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # it was removed by its last owner between opening and locking


def _locked(handle: int, wait: bool = False) -> bool | None:
    """Locks an open file or folder: whether it was free; None where the file system has no such locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # as folders on NFS
        return None
    return True


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder`, gone at the end with all that is still in it.

    A refusal of a file in it becomes one of the file in `folder`, and a full disk is an EngineError.
    What exports that were killed left in `folder` is removed first.
    """
    _check_folder(folder)
    _sweep(folder)
    work = folder
    try:
        with _locked_folder(folder) as work:
            yield work
    except C2PError as error:
        if error.path is not None and Path(error.path).is_relative_to(work):
            error.path = str(folder / Path(error.path).relative_to(work))
        raise
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _cannot_write(folder: Path, error: OSError) -> EngineError:
    return EngineError(
        f"cannot write there: {reason_of(error)}", "make room or choose another folder", folder
    )


@contextmanager
def _locked_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder in `folder` that is locked as long as this process lives, see `_sweep`."""
    while True:
        with tempfile.TemporaryDirectory(dir=folder, prefix=_STAGING, ignore_cleanup_errors=True) as made:
            try:
                handle = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # another export has swept it away before it was locked
            try:
                _locked(handle, wait=True)
                if not Path(made).is_dir():
                    continue
                yield Path(made)
            finally:
                os.close(handle)
        return


def _sweep(folder: Path) -> None:
    """Removes the temporary folders of exports that are not running any more: nobody has locked them."""
    for left in folder.glob(f"{_STAGING}*"):
        with suppress(OSError):
            handle = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(handle).st_uid == os.geteuid() and _locked(handle):
                    shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(handle)


def settle(work: Path, engine: Path, manifest: Manifest, *, keep_failed: bool) -> None:
    """Tells the figures, and puts the files in place; raises ParityError when a figure is too bad.

    Then the files stay where they are, unless they are wanted even so.
    """
    tell_parity(manifest)
    refusal = refusal_of(manifest)
    if refusal is None or keep_failed:
        written = put_in_place(work, engine, manifest)
        tell_written(written)
    if refusal is not None:
        outcome = (
            "written all the same (--keep-failed), do not rely on it"
            if keep_failed
            else "nothing was written"
        )
        raise ParityError(f"{refusal.problem}; {outcome}", refusal.remedy, engine)


def put_in_place(work: Path, engine: Path, manifest: Manifest) -> list[Path]:
    """Gives the files in `work` their final names beside `engine`, the manifest last; returns these names.

    The head of this module tells what a reader sees meanwhile. Files of a former export of this name that
    the new manifest does not list are removed; those that a manifest copied from another name lists are
    not its own. A final name that is a link is replaced, not what it leads to: an engine that is in use
    under another name stays what it is.
    """
    path = Manifest.path_for(engine)
    former: set[str] = set()
    with suppress(ManifestError):
        former = {f"{engine.stem}{suffix}" for suffix in _SUFFIXES} & files_of(Manifest.load(path)).keys()
    manifest.save(work / path.name)
    new = sorted(work.iterdir(), key=lambda file: (file.name == path.name, file.name))
    for file in new:
        to_disk(file)
    with _restored_on_error(work, path.parent, [file.name for file in new]):
        for file in new:
            if file.name == path.name:
                to_disk(path.parent)  # or a power loss might keep the manifest's new name and no other
            file.replace(path.parent / file.name)
    to_disk(path.parent)
    written = [path.parent / file.name for file in new]
    for name in former - files_of(manifest).keys():
        (path.parent / name).unlink(missing_ok=True)
    return written


@contextmanager
def _restored_on_error(work: Path, folder: Path, names: list[str]) -> Iterator[None]:
    """Where the block fails, `folder` has its former files of these names again, and no new one."""
    kept = Path(tempfile.mkdtemp(dir=work))
    former = set()
    for name in names:
        with suppress(OSError):  # there is none, or it is none of ours, or here are no links
            os.link(folder / name, kept / name, follow_symlinks=False)
            former.add(name)
    missing = {name for name in names if not os.path.lexists(folder / name)}
    try:
        yield
    except BaseException:
        for name in names:
            with suppress(OSError):
                if name in former:
                    (kept / name).replace(folder / name)
                elif name in missing:
                    (folder / name).unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(kept, ignore_errors=True)


def files_of(manifest: Manifest) -> dict[str, str]:
    """Every file beside the manifest that it names, and its SHA-256."""
    files, text = dict(manifest.engines), manifest.text_encoder
    if text is not None:
        files |= {text.model: text.model_sha256, text.tokenizer: text.tokenizer_sha256}
    return files
