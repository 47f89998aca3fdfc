"""The named objects as they are learned from: read once, as dense clouds, split so that no twin measures.

Features that tell twins come from the bundled research model, which knew none of the open packs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy import progress
from c2p_deploy.files import sha256_of, write_atomic
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.packs.objects import DENSE_POINTS, NamedObject, dense_clouds, named_objects
from c2p_recipes.packs.split import Split, report, split_objects
from c2p_runtime import Classifier
from c2p_runtime.bundled import engine_path
from c2p_train.datasets.cloud_files import cached_arrays

_TELLS_TWINS = "research"  # a bundled model


@dataclass(frozen=True)
class OpenObjects:
    """N objects. points: float16 [N, DENSE_POINTS, 3], y up; report: of the split, Markdown."""

    objects: tuple[NamedObject, ...]
    points: npt.NDArray[np.float16]
    split: Split
    report: str


def open_objects(folder: Path, furniture: Path, out: Path, seed: int) -> OpenObjects:
    """The objects of a folder and of the Debian package, split.

    Clouds are kept in `out`/objects.npz, the report is written to `out`/split.md. Raises C2PError.
    """
    out.mkdir(parents=True, exist_ok=True)
    objects = tuple(named_objects(folder))
    stored = _kept_clouds(objects, folder, furniture, out / "objects.npz", seed)
    split = split_objects(objects, stored["points"], stored["features"], seed)
    text = report(objects, split)
    write_atomic(out / "split.md", text.encode())
    return OpenObjects(objects, stored["points"], split, text)


def _kept_clouds(
    objects: tuple[NamedObject, ...], folder: Path, furniture: Path, cache: Path, seed: int
) -> dict[str, npt.NDArray[Any]]:
    """Dense clouds `points` of the objects, and `features` that tell twins, kept in a file."""
    files = (folder / "objects.npz", furniture, engine_path(_TELLS_TWINS))
    key = repr((seed, DENSE_POINTS, [sha256_of(path) for path in files], objects))

    def make() -> dict[str, npt.NDArray[Any]]:
        points = dense_clouds(objects, folder, furniture, seed)
        return {"points": points, "features": _features(points)}

    return cached_arrays(cache, key, make)


def _features(points: npt.NDArray[np.float16]) -> FloatArray:
    """Unit features [N, D] of clouds."""
    rows = []
    with (
        Classifier(_TELLS_TWINS, up="y", device="cpu") as model,
        progress.task("encoding objects", len(points)) as task,
    ):
        for start in range(0, len(points), 16):
            chunk = points[start : start + 16].astype(np.float32)
            rows += [prediction.features for prediction in model.batch(list(chunk))]
            task.advance(len(chunk))
    features = np.stack(rows)
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True), dtype=np.float32)
