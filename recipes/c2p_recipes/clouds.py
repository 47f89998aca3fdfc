"""The labelled clouds the bundled model learns from: read once, split, kept in one file.

Meshes go through exactly what the robot does with a cloud (`read_cloud`, `prepare_points`),
several times with different seeds, so that training sees the sampling noise too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy import DepthSpec
from c2p_deploy.errors import C2PError
from c2p_deploy.projection.spec import FloatArray, UpAxis
from c2p_recipes.classes import FOLDER_LABELS
from c2p_train.datasets.cloud_files import (
    Arrays,
    cached_arrays,
    fingerprint,
    hashed_fraction,
    read_each,
    read_prepared,
)


@dataclass(frozen=True)
class Source:
    """One data set on disk, laid out CLASS/FILE."""

    name: str
    root: Path
    up: UpAxis
    samplings: int  # how often each file is sampled: more than once only helps meshes
    any_pose: bool = False  # objects lie in arbitrary orientation
    weight: float = 1.0  # of the source in training


@dataclass(frozen=True)
class Clouds:
    """N objects, each sampled one or more times; y is up.

    points: float32 [T, P, 3], T samplings of P points in the unit sphere; first, count: int
    [N], the samplings of object i are points[first[i] : first[i] + count[i]]; label,
    source: int [N], indices into `labels` and `sources`; held_out: bool [N], validation.
    """

    points: FloatArray
    first: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.bool_]
    labels: tuple[str, ...]
    sources: tuple[str, ...]


def load_clouds(
    sources: list[Source], spec: DepthSpec, cache: Path, *, val_fraction: float, seed: int
) -> tuple[Clouds, list[str]]:
    """Reads every file of `sources`, or the cache of an earlier run on the same files.

    Returns the clouds and one line for each file that was skipped because it cannot be
    read. Raises C2PError for a missing folder, one with no known class, or no readable file.
    """
    files = [(source, path) for source in sources for path in class_files(source)]
    settings = (
        [
            (source.name, source.up, source.samplings, FOLDER_LABELS[path.parent.name])
            for source, path in files
        ],
        (spec.num_points, val_fraction, seed),
    )
    key = fingerprint(settings, [path for _, path in files])
    stored = cached_arrays(cache, key, lambda: _read(sources, files, spec, val_fraction, seed))
    labels, names, skipped = ([str(x) for x in stored[name]] for name in ("labels", "sources", "skipped"))
    arrays = {name: stored[name] for name in ("points", "first", "count", "label", "source", "held_out")}
    return Clouds(**arrays, labels=tuple(labels), sources=tuple(names)), skipped


def _read(
    sources: list[Source], files: list[tuple[Source, Path]], spec: DepthSpec, val_fraction: float, seed: int
) -> Arrays:
    """The fields of `Clouds` and the lines of the files that were skipped, as arrays."""

    def samplings(file: tuple[Source, Path]) -> list[FloatArray]:
        source, path = file
        return [read_prepared(path, spec, source.up, seed + k) for k in range(source.samplings)]

    done, skipped = read_each(files, samplings)
    validation = {path for source in sources for path in held_out_files(source, val_fraction, seed)}
    count = np.array([len(clouds) for _, clouds in done])
    read = [files[index] for index, _ in done]
    label = [FOLDER_LABELS[path.parent.name] for _, path in read]
    labels = sorted(set(label))
    return {
        "points": np.stack([points for _, clouds in done for points in clouds]),
        "first": np.cumsum(count) - count,
        "count": count,
        "label": np.array([labels.index(name) for name in label]),
        "source": np.array([sources.index(source) for source, _ in read]),
        "held_out": np.array([path in validation for _, path in read]),
        "labels": np.array(labels),
        "sources": np.array([source.name for source in sources]),
        "skipped": np.array(skipped, dtype=str),
    }


def class_files(source: Source) -> list[Path]:
    """The files of all known classes below the source's root, in a fixed order. Raises C2PError."""
    if not source.root.is_dir():
        raise C2PError(f"{source.root}: no such folder; give the {source.name} data as CLASS/FILE")
    files = [
        path
        for folder in sorted(source.root.iterdir())
        if folder.name in FOLDER_LABELS
        for path in sorted(folder.iterdir())
        if path.is_file()
    ]
    if not files:
        raise C2PError(f"{source.root}: no class folder known to c2p_recipes.classes; expected CLASS/FILE")
    return files


def held_out_files(source: Source, val_fraction: float, seed: int) -> list[Path]:
    """The validation files: `val_fraction` of every class of the source, by a hash of the name."""
    by_class: dict[str, list[Path]] = {}
    for path in class_files(source):
        by_class.setdefault(path.parent.name, []).append(path)
    return hashed_fraction(by_class, val_fraction, f"{seed}/{source.name}")
