"""What the models of real things learn from: dense clouds of every source, and clouds kept apart for
validation.

Training draws scans from the dense clouds (`c2p_recipes.sensing`); validation clouds are fixed and go
through what the robot does with a cloud, so that a figure is of the same clouds at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy import DepthSpec, progress, read_cloud
from c2p_deploy.io.meshes.sample import sample_mesh
from c2p_deploy.projection.prepare import to_unit_sphere
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.clouds import Clouds
from c2p_recipes.data import FOLDER_LABELS, Source
from c2p_recipes.packs.objects import DENSE_POINTS, NamedObject, as_dense, meshes_of
from c2p_recipes.sensing.scan import one_sided, surface_of
from c2p_recipes.sensing.surfaces import MeshSurface, Surface
from c2p_recipes.shapes.catalogue import RULES_VERSION, SHAPES, make_shape
from c2p_train.datasets.cloud_files import PREPARED_AS, cached_arrays, fingerprint, prepare_cloud, read_each

SHAPES_PER_LABEL = 48  # made by rule
_SHAPES_WEIGHT = 0.4  # of all made shapes, beside 1 of a pack's or a collection's objects


@dataclass(frozen=True)
class DenseClouds:
    """N objects to draw scans of, y up, in the unit sphere.

    points: float16 [N, P, 3]; label, source: int [N], indices into `labels` and `sources`; any_pose: bool
    [N], whether the object lies in any orientation; weights: of each source, how often its objects are drawn.
    """

    points: npt.NDArray[np.float16]
    label: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]
    any_pose: npt.NDArray[np.bool_]
    labels: tuple[str, ...]
    sources: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Part:
    """The clouds of one source, before they are put together."""

    source: str
    weight: float
    points: npt.NDArray[np.float16]  # [n, P, 3]
    names: tuple[str, ...]  # labels [n]
    any_pose: bool = False


def put_together(parts: Sequence[Part], labels: Sequence[str]) -> DenseClouds:
    """All parts as one; labels: at least those that occur."""
    index = {name: number for number, name in enumerate(labels)}
    sizes = [len(part.points) for part in parts]
    return DenseClouds(
        np.concatenate([part.points for part in parts]),
        np.array([index[name] for part in parts for name in part.names]),
        np.repeat(np.arange(len(parts)), sizes),
        np.repeat([part.any_pose for part in parts], sizes),
        tuple(labels),
        tuple(part.source for part in parts),
        tuple(part.weight for part in parts),
    )


def made_shapes(seed: int, per_label: int = SHAPES_PER_LABEL) -> Part:
    """So many shapes of every label that has a rule."""
    clouds = np.empty((len(SHAPES) * per_label, DENSE_POINTS, 3), dtype=np.float16)
    names = [name for name in SHAPES for _ in range(per_label)]
    with progress.task("making shapes", len(names)) as task:
        for row, name in enumerate(names):
            shape = make_shape(name, row % per_label, seed)
            cloud = sample_mesh(shape.vertices, shape.faces, DENSE_POINTS, seed + row)
            clouds[row] = to_unit_sphere(cloud)
            task.advance()
    return Part("made shapes", _SHAPES_WEIGHT, clouds, tuple(names))


def of_files(source: Source, files: Sequence[Path], seed: int) -> Part:
    """Dense clouds of files of a data set CLASS/FILE. Raises C2PError."""

    def dense(path: Path) -> list[FloatArray]:
        cloud = read_cloud(path, seed=seed, mesh_points=DENSE_POINTS)
        return [prepare_cloud(cloud, _ALL_POINTS, source.up, seed)]

    done, skipped = read_each(files, dense, f"reading {source.name}")
    for line in skipped:
        progress.say(f"skipped {line}")
    points = np.stack([clouds[0] for _, clouds in done]).astype(np.float16)
    names = tuple(FOLDER_LABELS[files[i].parent.name] for i, _ in done)
    return Part(source.name, source.weight, points, names, source.any_pose)


def kept_shapes(cache: Path, seed: int, per_label: int) -> Part:
    """`made_shapes`, kept in a file."""
    key = repr((seed, per_label, RULES_VERSION, DENSE_POINTS, _SHAPES_WEIGHT, tuple(SHAPES)))
    return _kept(cache, key, lambda: made_shapes(seed, per_label))


def kept_files(cache: Path, source: Source, files: Sequence[Path], seed: int) -> Part:
    """`of_files`, kept in a file."""
    labels = [FOLDER_LABELS[path.parent.name] for path in files]
    about = (source.name, source.up, source.weight, source.any_pose)
    key = fingerprint((about, labels, seed, DENSE_POINTS, PREPARED_AS), files)
    return _kept(cache, key, lambda: of_files(source, files, seed))


def _kept(cache: Path, key: str, make: Callable[[], Part]) -> Part:
    """The part in a file under this key, which names all that it depends on, or else what `make` gives."""

    def arrays() -> dict[str, npt.NDArray[Any]]:
        part = make()
        return {
            "points": part.points,
            "names": np.array(part.names),
            "about": np.array([part.source, repr(part.weight), str(int(part.any_pose))]),
        }

    stored = cached_arrays(cache, key, arrays)
    source, weight, any_pose = (str(value) for value in stored["about"])
    names = tuple(str(name) for name in stored["names"])
    return Part(source, float(weight), stored["points"], names, any_pose == "1")


_ALL_POINTS = DepthSpec(num_points=DENSE_POINTS)


def scanned_once(
    objects: Sequence[NamedObject], clouds: npt.NDArray[np.float16], furniture: Path, seed: int
) -> npt.NDArray[np.float16]:
    """One cloud of each object as a depth camera sees it from one side: [N, DENSE_POINTS, 3].

    Rays are cast at meshes where there are any; clouds hide their backs. Fewer points are repeated.
    """
    meshes = meshes_of(objects, furniture)
    scans = np.empty((len(objects), DENSE_POINTS, 3), dtype=np.float16)
    for row, each in enumerate(objects):
        surface: Surface = surface_of(clouds[row])
        if (mesh := meshes.get(each.row)) is not None:
            middle = (mesh.vertices.max(axis=0) + mesh.vertices.min(axis=0)) / 2
            radius = np.linalg.norm(mesh.vertices - middle, axis=1).max()
            surface = MeshSurface((mesh.vertices - middle) / radius, mesh.faces)
        scan = one_sided(surface, np.random.default_rng((seed, row)))
        scans[row] = as_dense(scan, row)
    return scans


def validation_clouds(parts: Sequence[Part], labels: Sequence[str], spec: DepthSpec, seed: int) -> Clouds:
    """Clouds of all parts as the robot prepares them, every one for validation."""
    dense = put_together(parts, labels)
    points = np.stack([prepare_cloud(_distinct(cloud), spec, "y", seed) for cloud in dense.points])
    count = len(points)
    return Clouds(
        points=points,
        first=np.arange(count),
        count=np.ones(count, dtype=np.int64),
        label=dense.label,
        source=dense.source,
        validation=np.ones(count, dtype=bool),
        labels=dense.labels,
        sources=dense.sources,
    )


def _distinct(cloud: npt.NDArray[np.float16]) -> FloatArray:
    """Without the repetitions that fill a cloud up."""
    return np.unique(cloud, axis=0).astype(np.float32)
