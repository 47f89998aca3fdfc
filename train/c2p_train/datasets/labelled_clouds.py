"""Labelled clouds to train and to evaluate on: one split of any data set, prepared.

What a folder holds is found out, and said. Known are ModelNet10/40 as meshes or sampled
points (CLASS/SPLIT/FILE), ModelNet40 and ScanObjectNN as HDF5, the authors' own test clouds
(LABEL_NAME.ply), and any folders SPLIT/CLASS/FILE or CLASS/FILE in a format that
`read_cloud` reads.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy import DepthSpec, progress
from c2p_deploy.errors import C2PError, CloudError
from c2p_deploy.projection.spec import FloatArray, UpAxis
from c2p_train.datasets.benchmark_sets import MODELNET40, find_modelnet40_hdf5, find_scanobjectnn
from c2p_train.datasets.cloud_files import (
    PREPARED_AS,
    Arrays,
    Preparation,
    cached_arrays,
    fingerprint,
    prepare_cloud,
    read_each,
    read_prepared,
)
from c2p_train.datasets.cloud_sets import CloudSet, Item, Split, find_folders, find_numbered

_LISTED = 10  # files left out that are named on the screen; the report has all


@dataclass(frozen=True)
class LabelledClouds:
    """N clouds of C classes, prepared for projection; y is up.

    points: float32 [N, P, 3] in the unit sphere; label: int64 [N], indices into `classes`;
    classes: plain words; files: where each cloud came from; skipped: one line per file left
    out, with the reason.
    """

    name: str
    points: FloatArray
    label: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    files: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of points and labels, in hex."""
        return hashlib.sha256(self.points.tobytes() + self.label.tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self.label)


def load_split(
    path: Path,
    split: Split,
    spec: DepthSpec,
    *,
    up: UpAxis | None = None,
    seed: int = 0,
    preparation: Preparation = "robot",
    variant: str | None = None,
    whole: bool = False,
    cache: Path | None = None,
) -> LabelledClouds:
    """Reads the "train" or "test" split of the data set in a folder.

    up: the axis of its clouds that points up, by default what is published for the data set
    (y for the HDF5 files, z for everything else); seed: of sampling meshes and points;
    preparation: see `c2p_train.datasets.cloud_files`; variant: of ScanObjectNN, see `VARIANTS`; whole:
    all of a folder CLASS/FILE, which has no split of its own, is the split that is asked for, instead of
    its test fifth or the rest; cache: folder that keeps the prepared clouds until a file changes.

    What was found is told to `c2p_deploy.progress`. Clouds that cannot be read are listed in
    `skipped`. Raises C2PError when the folder holds no data set, when the split is missing, or when a
    class folder has no readable cloud.
    """
    found = find_set(path, split, variant, whole=whole)
    up = found.up if up is None else up

    def read(item: Item) -> list[FloatArray]:
        if isinstance(item.content, Path):
            return [read_prepared(item.content, spec, up, seed, preparation)]
        try:
            return [prepare_cloud(item.content, spec, up, seed, preparation)]
        except CloudError as error:
            raise error.at(item.name) from None

    def make() -> Arrays:
        items = found.items()
        done, failed = read_each(items, read, f"reading {found.name}")
        label = np.array([items[index].label for index, _ in done])
        without = sorted(set(range(len(found.classes))) - set(label.tolist()))
        if found.complete and without:
            names = ", ".join(found.classes[index] for index in without[:5])
            raise C2PError(f"no cloud of {names} can be read", f"for instance {failed[0]}", path)
        return {
            "points": np.stack([clouds[0] for _, clouds in done]),
            "label": label,
            "files": np.array([items[index].name for index, _ in done]),
            "failed": np.array(failed, dtype=str),
        }

    if cache is None:
        arrays = make()
    else:
        settings = (split, found.layout, found.classes, spec.num_points, up, seed, preparation, PREPARED_AS)
        key = fingerprint(settings, found.files)
        cache.mkdir(parents=True, exist_ok=True)
        arrays = cached_arrays(cache / f"clouds-{key[:32]}.npz", key, make)
    points, label = arrays["points"], arrays["label"].astype(np.int64)
    skipped = (*found.skipped, *(str(line) for line in arrays["failed"]))
    left_out = f"; {len(skipped)} left out" if skipped else ""
    progress.say(
        f"{found.name}, {split}: {len(label)} clouds of {len(found.classes)} classes "
        f"({found.layout}; {up} up){left_out}"
    )
    for line in skipped[:_LISTED]:
        progress.say(f"  left out {line}")
    if len(skipped) > _LISTED:
        progress.say(f"  left out ... and {len(skipped) - _LISTED} more")
    return LabelledClouds(
        name=f"{found.name}, {split}",
        points=points,
        label=label,
        classes=found.classes,
        files=tuple(str(name) for name in arrays["files"]),
        skipped=skipped,
    )


def find_set(path: Path, split: Split, variant: str | None = None, *, whole: bool = False) -> CloudSet:
    """What data set a folder holds. Raises C2PError when it is none that is known."""
    if not path.is_dir():
        raise C2PError("no such folder", "give the folder of a data set", path)
    scans = find_scanobjectnn(path, split, variant)
    if scans is not None:
        return scans
    if variant is not None:
        raise C2PError("not ScanObjectNN, which alone has variants", "leave --variant out", path)
    return (
        find_modelnet40_hdf5(path, split)
        or find_numbered(path, split, MODELNET40)
        or find_folders(path, split, whole=whole)
    )
