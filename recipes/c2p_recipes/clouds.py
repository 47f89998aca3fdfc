"""The labelled clouds that the recipes learn from: read once, split, kept in one file.

Meshes go through exactly what the robot does with a cloud (`read_cloud`, `prepare_points`),
several times with different seeds, so that training sees the sampling noise too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy import DepthSpec, progress
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.data import FOLDER_LABELS, VAL_FRACTION, RecipeData, Source, class_files, validation_files
from c2p_train.datasets.cloud_files import (
    PREPARED_AS,
    Arrays,
    cached_arrays,
    fingerprint,
    read_each,
    read_prepared,
)

_ARRAYS = ("points", "first", "count", "label", "source", "validation")  # of `Clouds`, as they are kept


@dataclass(frozen=True)
class Clouds:
    """N objects, each sampled one or more times; y is up.

    points: float32 [T, P, 3], T samplings of P points in the unit sphere; first, count: int
    [N], the samplings of object i are points[first[i] : first[i] + count[i]]; label,
    source: int [N], indices into `labels` and `sources`; validation: bool [N], never trained on.
    """

    points: FloatArray
    first: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]
    validation: npt.NDArray[np.bool_]
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
        (spec.num_points, val_fraction, seed, _ARRAYS, PREPARED_AS),
    )
    key = fingerprint(settings, [path for _, path in files])
    stored = cached_arrays(cache, key, lambda: _read(sources, files, spec, val_fraction, seed))
    labels, names, skipped = ([str(x) for x in stored[name]] for name in ("labels", "sources", "skipped"))
    arrays = {name: stored[name] for name in _ARRAYS}
    return Clouds(**arrays, labels=tuple(labels), sources=tuple(names)), skipped


def _read(
    sources: list[Source], files: list[tuple[Source, Path]], spec: DepthSpec, val_fraction: float, seed: int
) -> Arrays:
    """The fields of `Clouds` and the lines of the files that were skipped, as arrays."""

    def samplings(file: tuple[Source, Path]) -> list[FloatArray]:
        source, path = file
        return [read_prepared(path, spec, source.up, seed + k) for k in range(source.samplings)]

    done, skipped = read_each(files, samplings)
    validation = {path for source in sources for path in validation_files(source, val_fraction, seed)}
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
        "validation": np.array([path in validation for _, path in read]),
        "labels": np.array(labels),
        "sources": np.array([source.name for source in sources]),
        "skipped": np.array(skipped, dtype=str),
    }


def recipe_clouds(data: RecipeData, spec: DepthSpec, out: Path, seed: int) -> Clouds:
    """The clouds of all sources, kept in `out`/clouds.npz; files that cannot be read are named."""
    clouds, skipped = load_clouds(
        data.sources, spec, out / "clouds.npz", val_fraction=VAL_FRACTION, seed=seed
    )
    for line in skipped:
        progress.say(f"skipped {line}")
    return clouds
