"""What a data set on disk is found to be: its classes and its clouds, not read yet.

And the folders of files that make one, in any of the layouts people keep them in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt

from c2p_deploy.errors import C2PError, MissingSplitError
from c2p_deploy.io import CLOUD_SUFFIXES
from c2p_deploy.projection.spec import UpAxis
from c2p_train.datasets.cloud_files import hashed_fraction

Split = Literal["train", "test"]

TEST_FRACTION = 0.2  # of every class, where the data come without a split
_SPLIT_FOLDERS = {"train": ("train", "training"), "test": ("test", "testing")}
_ALL_SPLITS = ("train", "training", "test", "testing", "val", "valid", "validation")


@dataclass(frozen=True)
class Item:
    """One cloud: its name in messages, its label, and the file or the points [P, 3] it is read from."""

    name: str
    label: int
    content: Path | npt.NDArray[Any]


@dataclass(frozen=True)
class CloudSet:
    """One split of a data set, found on disk."""

    name: str
    layout: str  # for the screen
    up: UpAxis  # as the data set is published
    classes: tuple[str, ...]  # plain words
    files: tuple[Path, ...]  # everything it is read from
    items: Callable[[], list[Item]]
    skipped: tuple[str, ...] = ()  # a line for each file that is no cloud of the set
    complete: bool = False  # every class must have a cloud


def plain_name(folder: str) -> str:
    """A class folder in plain words: night_stand and NightStand are both "night stand"."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", folder)
    return " ".join(re.split(r"[\s_-]+", spaced)).strip().lower()


def find_folders(path: Path, split: Split, *, whole: bool = False) -> CloudSet:
    """A data set kept as CLASS/SPLIT/FILE, SPLIT/CLASS/FILE or CLASS/FILE.

    CLASS/FILE has no split of its own: a fixed fifth of every class, by a hash of the name, is
    its test split, and the rest its training split. With `whole`, and in a folder that is itself
    called test, all of it is the split that is asked for. A class may be called "train" or "test", too:
    see `_splits_above_classes`.

    Raises C2PError when there are no such folders, when the split or the clouds of a class are
    missing, and when two folders stand for the same class.
    """
    folders = _subfolders(path)
    if not folders:
        raise C2PError(
            "no data set found",
            f"expected CLASS/{split}/FILE, {split}/CLASS/FILE, CLASS/FILE, or the HDF5 files of ModelNet40 "
            "or ScanObjectNN",
            path,
        )
    split_folders = _splits_above_classes(folders)
    if split_folders:
        layout = f"{split.upper()}/CLASS/FILE"
        chosen = _of_split(split_folders, split)
        if chosen is None:
            remedy = f"there is {' and '.join(split_folders)}"
            raise MissingSplitError(f"no folder {split!r}", remedy, path)
        # The classes of all splits, so that a label is the same number in each.
        names = sorted({c.name for folder in split_folders.values() for c in _subfolders(folder)})
        if not names:
            raise C2PError(
                f"{' and '.join(split_folders)} holds no class folders",
                f"put the clouds into {split}/CLASS/FILE",
                path,
            )
        class_folders: dict[str, Path | None] = {name: chosen / name for name in names}
    elif any(_named_as_split(sub) for folder in folders for sub in _subfolders(folder)):
        layout = f"CLASS/{split.upper()}/FILE"
        class_folders = {
            folder.name: _of_split({sub.name.lower(): sub for sub in _subfolders(folder)}, split)
            for folder in folders
        }
    else:
        layout = "CLASS/FILE"
        class_folders = {folder.name: folder for folder in folders}

    found = {name: _entries(folder) for name, folder in class_folders.items()}
    suffix = _commonest_suffix(found)
    by_class = {
        name: [p for p in entries if p.is_file() and p.suffix.lower() == suffix]
        for name, entries in found.items()
    }
    skipped = [
        f"{p}: not one of the {suffix or 'cloud'} files of this data set"
        for name, entries in found.items()
        for p in entries
        if p not in set(by_class[name])
    ]
    empty = [name for name, files in by_class.items() if not files]
    if empty:
        raise C2PError(
            f"no cloud of the {split} split for {_some(empty)}",
            "add clouds or remove the folders" + (f" ({skipped[0]})" if skipped else ""),
            path,
        )
    if layout == "CLASS/FILE" and (whole or path.resolve().name.lower() in _SPLIT_FOLDERS["test"]):
        layout += ", all of it"
    elif layout == "CLASS/FILE":
        test = set(hashed_fraction(by_class, TEST_FRACTION, "test"))
        by_class = {
            name: [f for f in files if (f in test) == (split == "test")] for name, files in by_class.items()
        }
        layout += f", {split} by a hash of the name ({TEST_FRACTION:.0%} for test)"
        empty = [name for name, files in by_class.items() if not files]
        if empty:
            raise C2PError(
                f"too few clouds of {_some(empty)} to hold some out for test",
                "give at least 3 of each class, or make the split yourself as train/CLASS/FILE and "
                "test/CLASS/FILE",
                path,
            )
    names = sorted(by_class)
    classes = tuple(plain_name(name) for name in names)
    twice = [name for name, count in Counter(classes).items() if count > 1]
    if twice:
        raise C2PError(f"several folders stand for {_some(twice)}", "put their clouds into one", path)
    items = [
        Item(str(file.relative_to(path)), label, file)
        for label, name in enumerate(names)
        for file in by_class[name]
    ]
    return CloudSet(
        name=path.resolve().name,
        layout=f"{layout}, {suffix}",
        up="z",
        classes=classes,
        files=tuple(file for name in names for file in by_class[name]),
        items=lambda: items,
        skipped=tuple(skipped),
        complete=True,
    )


def find_numbered(path: Path, split: Split, classes: tuple[str, ...]) -> CloudSet | None:
    """Files LABEL_NAME, LABEL a class number, as the authors publish their ModelNet40 test clouds.

    None if `path` has no such files or holds folders. Raises C2PError for the train split.
    """
    if _subfolders(path):
        return None
    entries = _entries(path)
    numbered = {
        file: int(match[1])
        for file in entries
        if file.suffix.lower() in CLOUD_SUFFIXES and (match := re.match(r"(\d{1,4})_", file.name))
    }
    files = [file for file, label in numbered.items() if label < len(classes)]
    if not files:
        return None
    if split != "test":
        raise C2PError(
            f"files LABEL_NAME are the authors' test clouds; they have no {split} split",
            "give the HDF5 files of ModelNet40",
            path,
        )
    skipped = [
        f"{file}: no class {numbered[file]}, there are 0 ... {len(classes) - 1}"
        if file in numbered
        else f"{file}: not a cloud named LABEL_NAME"
        for file in entries
        if file not in set(files)
    ]
    return CloudSet(
        name="ModelNet40 (the authors' points)",
        layout="LABEL_NAME",
        up="z",
        classes=classes,
        files=tuple(files),
        items=lambda: [Item(file.name, numbered[file], file) for file in files],
        skipped=tuple(skipped),
    )


def _commonest_suffix(found: Mapping[str, list[Path]]) -> str:
    """Of all cloud files; a data set has one format, so the same object is not counted twice."""
    count = Counter(
        p.suffix.lower() for paths in found.values() for p in paths if p.suffix.lower() in CLOUD_SUFFIXES
    )
    return min(count, key=lambda suffix: (-count[suffix], suffix)) if count else ""


def _splits_above_classes(folders: list[Path]) -> dict[str, Path]:
    """Those folders of a data set that are splits, by name in lower case: none where all are classes.

    The name alone does not tell, because trains are a class of many data sets. A split holds classes:
    folders of clouds that are not called like splits themselves. Where every folder is called like a
    split they are that, whatever they hold.
    """
    named = {folder.name.lower(): folder for folder in folders if _named_as_split(folder)}
    if len(named) == len(folders) or any(_holds_classes(folder) for folder in named.values()):
        return named
    return {}


def _named_as_split(folder: Path) -> bool:
    return folder.name.lower() in _ALL_SPLITS


def _holds_classes(folder: Path) -> bool:
    return not _holds_clouds(folder) and any(
        _holds_clouds(sub) for sub in _subfolders(folder) if not _named_as_split(sub)
    )


def _holds_clouds(folder: Path) -> bool:
    return any(p.suffix.lower() in CLOUD_SUFFIXES and p.is_file() for p in _entries(folder))


def _of_split(folders: Mapping[str, Path], split: Split) -> Path | None:
    return next((folders[name] for name in _SPLIT_FOLDERS[split] if name in folders), None)


def _subfolders(path: Path) -> list[Path]:
    return [p for p in _entries(path) if p.is_dir() and p.name != "__MACOSX"]


def _entries(path: Path | None) -> list[Path]:
    """Everything in a folder but hidden files, sorted; nothing if there is no such folder."""
    if path is None or not path.is_dir():
        return []
    return sorted(p for p in path.iterdir() if not p.name.startswith("."))


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
