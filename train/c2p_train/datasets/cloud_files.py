"""Reading many labelled clouds: all prepared alike, bad ones listed, the result kept in one file.

What every data set has in common, whatever its layout.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from c2p_deploy import DepthSpec, progress, read_cloud
from c2p_deploy.errors import C2PError, CloudError
from c2p_deploy.files import atomic_path
from c2p_deploy.projection.prepare import finite_points, prepare, to_unit_sphere
from c2p_deploy.projection.sampling import farthest_points
from c2p_deploy.projection.spec import FloatArray, UpAxis, turn_up

# "robot": without strays, sampled, then normalised, as the classifier prepares every cloud by default.
# "paper": normalised, then sampled, as the authors' data sets do it; only for reproducing their figures.
Preparation = Literal["robot", "paper"]
Arrays = dict[str, npt.NDArray[Any]]
T = TypeVar("T")

PREPARED_AS = "without strays"  # part of the key of kept clouds: those of before are not taken for today's
_NEVER_CHOSEN = 1e-3  # squared radius within which the authors' sampling skips points


def read_prepared(
    path: Path, spec: DepthSpec, up: UpAxis, seed: int, preparation: Preparation = "robot"
) -> FloatArray:
    """The cloud or mesh of a file as `prepare_cloud` gives it.

    Raises CloudFileError or CloudError that names it.
    """
    if preparation == "paper":  # the authors draw just as many points from a mesh as they need
        points = read_cloud(path, seed=seed, mesh_points=spec.num_points)
    else:
        points = read_cloud(path, seed=seed)
    try:
        return prepare_cloud(points, spec, up, seed, preparation)
    except CloudError as error:
        raise error.at(path) from None


def prepare_cloud(
    points: npt.NDArray[Any], spec: DepthSpec, up: UpAxis, seed: int, preparation: Preparation = "robot"
) -> FloatArray:
    """Points [N, 3] in any unit -> float32 [P, 3], P = spec.num_points, in the unit sphere, y up.

    Clouds of fewer than P points repeat some of them, which no depth map shows. Raises
    CloudError.
    """
    if preparation == "robot":
        prepared = prepare(points, spec, "robust", seed).points
    else:
        prepared = paper_points(points, spec)
    return np.resize(turn_up(prepared, up), (spec.num_points, 3)).astype(np.float32)


def paper_points(points: npt.NDArray[Any], spec: DepthSpec) -> FloatArray:
    """Points [N, 3] as the authors prepare them: float32 [M, 3], M <= spec.num_points.

    All N are moved to their mean and scaled to radius 1, then sampled, and not scaled again.
    The sampling is pointnet2_ops' farthest-point sampling: it starts with the first point and
    never takes one whose squared radius is at most 0.001. Raises CloudError.
    """
    sphere: FloatArray = to_unit_sphere(finite_points(points))
    if len(sphere) <= spec.num_points:
        return sphere
    candidate = (sphere * sphere).sum(axis=1) > _NEVER_CHOSEN
    candidate[0] = True
    sphere = np.asarray(sphere[candidate])
    if len(sphere) <= spec.num_points:
        return sphere
    return np.asarray(sphere[farthest_points(sphere, spec.num_points, first=0)])


def read_each(
    items: Sequence[T],
    read: Callable[[T], list[FloatArray]],
    description: str = "reading clouds",
) -> tuple[list[tuple[int, list[FloatArray]]], list[str]]:
    """What `read` gives of every item that can be read, with its index, and one line for every other.

    Raises C2PError when none can be read.
    """
    done: list[tuple[int, list[FloatArray]]] = []
    skipped: list[str] = []
    with progress.task(description, len(items)) as task:
        for index, item in enumerate(items):
            try:
                done.append((index, read(item)))
            except C2PError as error:
                skipped.append(str(error))
            task.advance()
    if not done:
        raise C2PError(f"none of {len(items)} clouds could be read", f"the first: {', '.join(skipped[:1])}")
    return done, skipped


def hashed_fraction(by_class: Mapping[str, Sequence[Path]], fraction: float, salt: str) -> list[Path]:
    """`fraction` of the files of every class, chosen by a hash of class and name: a test or validation split.

    A hash, so that a file keeps its split when others are added or cannot be read.
    """

    def hashed(path: Path, name: str) -> bytes:
        return hashlib.sha256(f"{salt}/{name}/{path.name}".encode()).digest()

    return [
        path
        for name, paths in by_class.items()
        for path in sorted(paths, key=partial(hashed, name=name))[: round(fraction * len(paths))]
    ]


def fingerprint(settings: object, files: Iterable[Path]) -> str:
    """Changes with the settings (their repr) and with the name, size or time of any file."""
    digest = hashlib.sha256(repr(settings).encode())
    for path in files:
        stat = path.stat()
        digest.update(f"{path}/{stat.st_size}/{stat.st_mtime_ns}/".encode())
    return digest.hexdigest()


def cached_arrays(cache: Path, key: str, make: Callable[[], Arrays]) -> Arrays:
    """The arrays stored in `cache` under `key`, or else those of `make`, which are then stored.

    A damaged file, or one with another key, is written anew.
    """
    try:
        with np.load(cache) as stored:
            if str(stored["key"]) == key:
                return {name: stored[name] for name in stored.files}
    except (OSError, EOFError, KeyError, MemoryError, ValueError, zipfile.BadZipFile, zlib.error):
        pass
    arrays: Arrays = {"key": np.array(key), **make()}
    with atomic_path(cache) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # its last parameter is a flag
    return arrays
