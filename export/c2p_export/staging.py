"""The files of an export get their names all at once, or none does.

They are made in a temporary folder beside their final place, and moved when all of them are good.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from c2p_deploy import Manifest
from c2p_deploy.errors import C2PError, EngineError, ManifestError, ParityError, reason_of
from c2p_export.parity import refusal_of
from c2p_export.report import tell_parity, tell_written

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
def staged(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder`, gone at the end with all that is still in it.

    A refusal of a file in it becomes one of the file in `folder`, and a full disk is an EngineError.
    """
    _check_folder(folder)
    work = folder
    try:
        with tempfile.TemporaryDirectory(
            dir=folder, prefix=".c2p-export-", ignore_cleanup_errors=True
        ) as made:
            work = Path(made)
            yield work
    except C2PError as error:
        if error.path is not None and Path(error.path).is_relative_to(work):
            error.path = str(folder / Path(error.path).relative_to(work))
        raise
    except OSError as error:
        raise EngineError(
            f"cannot write there: {error.strerror or reason_of(error)}",
            "make room or choose another folder",
            folder,
        ) from error


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

    Until the manifest is there, a reader finds other hashes than it expects and says so. Files of
    a former export of this name that the new manifest does not list are removed; those that a
    manifest copied from another name lists are not its own.
    """
    path = Manifest.path_for(engine)
    former: set[str] = set()
    with suppress(ManifestError):
        former = {f"{engine.stem}{suffix}" for suffix in _SUFFIXES} & files_of(Manifest.load(path)).keys()
    manifest.save(work / path.name)
    written = []
    for file in sorted(work.iterdir(), key=lambda file: (file.name == path.name, file.name)):
        written.append(path.parent / file.name)
        file.replace(written[-1])
    for name in former - files_of(manifest).keys():
        (path.parent / name).unlink(missing_ok=True)
    return written


def files_of(manifest: Manifest) -> dict[str, str]:
    """Every file beside the manifest that it names, and its SHA-256."""
    files, text = dict(manifest.engines), manifest.text_encoder
    if text is not None:
        files |= {text.model: text.model_sha256, text.tokenizer: text.tokenizer_sha256}
    return files
