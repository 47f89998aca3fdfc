"""The labelled clouds the bundled model learns from: read once, split, kept in one file.

Meshes go through exactly what the robot does with a cloud (`read_cloud`, `prepare_points`),
several times with different seeds, so that training sees the sampling noise too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import track

from c2p_deploy import DepthSpec, prepare_points, read_cloud
from c2p_deploy.depth import FloatArray, UpAxis, turn_up
from c2p_deploy.errors import C2PError
from c2p_deploy.files import atomic_path
from c2p_train.classes import FOLDER_LABELS


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
    key = _fingerprint(files, spec, val_fraction, seed)
    if cache.exists():
        with np.load(cache) as stored:
            if str(stored["key"]) == key:
                return _from_npz(stored), [str(line) for line in stored["skipped"]]
    points: list[FloatArray] = []
    rows: list[tuple[int, int, str, int, bool]] = []
    skipped: list[str] = []
    held_out = {path for source in sources for path in held_out_files(source, val_fraction, seed)}
    for source, path in track(files, description="reading clouds"):
        try:
            samplings = [_sample(path, source, spec, seed + k) for k in range(source.samplings)]
        except C2PError as error:
            skipped.append(str(error))
            continue
        label = FOLDER_LABELS[path.parent.name]
        rows.append((len(points), len(samplings), label, sources.index(source), path in held_out))
        points += samplings
    if not points:
        raise C2PError(f"none of {len(files)} files could be read; the first: {skipped[0]}")
    labels = tuple(sorted({row[2] for row in rows}))
    clouds = Clouds(
        points=np.stack(points),
        first=np.array([row[0] for row in rows]),
        count=np.array([row[1] for row in rows]),
        label=np.array([labels.index(row[2]) for row in rows]),
        source=np.array([row[3] for row in rows]),
        held_out=np.array([row[4] for row in rows]),
        labels=labels,
        sources=tuple(source.name for source in sources),
    )
    with atomic_path(cache) as temporary, temporary.open("wb") as file:
        np.savez(file, key=np.array(key), skipped=np.array(skipped, dtype=str), **vars(clouds))
    return clouds, skipped


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
        raise C2PError(f"{source.root}: no class folder known to c2p_train.classes; expected CLASS/FILE")
    return files


def held_out_files(source: Source, val_fraction: float, seed: int) -> list[Path]:
    """The validation files: `val_fraction` of every class of the source, by a hash of the name.

    A hash, so that a file keeps its side when others are added or cannot be read.
    """
    by_class: dict[str, list[Path]] = {}
    for path in class_files(source):
        by_class.setdefault(path.parent.name, []).append(path)

    def lot(path: Path) -> bytes:
        return hashlib.sha256(f"{seed}/{source.name}/{path.parent.name}/{path.name}".encode()).digest()

    return [
        path
        for paths in by_class.values()
        for path in sorted(paths, key=lot)[: round(val_fraction * len(paths))]
    ]


def _sample(path: Path, source: Source, spec: DepthSpec, seed: int) -> FloatArray:
    """One sampling [P, 3] of a file, y up; clouds of fewer than P points repeat some of them."""
    prepared = prepare_points(read_cloud(path, seed=seed), spec, seed=seed)
    turned = turn_up(prepared, source.up)
    return np.resize(turned, (spec.num_points, 3)).astype(np.float32)


def _fingerprint(files: list[tuple[Source, Path]], spec: DepthSpec, val_fraction: float, seed: int) -> str:
    """Changes with anything the cached clouds depend on."""
    digest = hashlib.sha256(repr((spec.num_points, val_fraction, seed)).encode())
    for source, path in files:
        stat = path.stat()
        digest.update(f"{source.name}/{source.up}/{source.samplings}/{path}".encode())
        digest.update(f"{stat.st_size}/{stat.st_mtime_ns}/".encode())
        digest.update(FOLDER_LABELS[path.parent.name].encode())
    return digest.hexdigest()


def _from_npz(stored: np.lib.npyio.NpzFile) -> Clouds:
    labels, sources = (tuple(str(text) for text in stored[name]) for name in ("labels", "sources"))
    arrays = {name: stored[name] for name in ("points", "first", "count", "label", "source", "held_out")}
    return Clouds(**arrays, labels=labels, sources=sources)
