"""How to get from a big cloud to the points a model takes: what `prepare_points` does, and the others.

    python benchmarks/quality.py sampling --meshes DIR

Meshes that training never saw are sampled to big clouds, evenly and as densely near a
viewpoint as a depth camera would. Every method prepares the same clouds; the model `research`
then says what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from c2p_deploy import Manifest, progress, project_depth, read_cloud
from c2p_deploy.errors import CloudFileError
from c2p_deploy.projection.prepare import finite_points, sample_points, to_unit_sphere
from c2p_deploy.projection.sampling import farthest_points
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.data import FOLDER_LABELS, SEED, VAL_FRACTION, Source, validation_files
from c2p_runtime.backends.onnxruntime import OnnxRuntimeBackend
from c2p_runtime.bundled import engine_path
from c2p_runtime.cuda import sampling_reference
from harness.frame import (
    Results,
    benchmark,
    count_option,
    folder_option,
    in_rotation,
    seed_option,
    summary,
    timed,
)

Points = npt.NDArray[np.floating]
# The split is that of `c2p_recipes.data`, which made the model `research`.
_SOURCE = "meshes"
ENGINE = engine_path("research")  # whose training held them out
_VIEW_DISTANCE = 1.5  # of the camera that makes clouds uneven, in radii of the object
_OVERSAMPLING = 8  # candidates per point of an uneven cloud
_OTHER_SEED = 1_000_000  # shows how far two answers of the same method lie apart


@dataclass(frozen=True)
class Method:
    """One way to prepare a cloud: `sample` takes points [N, 3], how many to keep, and a seed."""

    name: str
    sample: Callable[[Points, int, int], Points]
    normalise_first: bool = False  # over all points, as the authors do
    seed_shift: int = 0


@dataclass
class Outcome:
    """What a method did to the clouds of one kind, cloud by cloud."""

    ms: list[float] = field(default_factory=list)
    features: list[FloatArray] = field(default_factory=list)  # [D] each, of unit length
    right: list[bool] = field(default_factory=list)


# --- ways to sample -----------------------------------------------------------------------


def at_random(points: Points, count: int, seed: int) -> Points:
    """`count` points, each as likely as any other."""
    rng = np.random.default_rng(seed)
    return points[rng.choice(len(points), min(count, len(points)), replace=False, shuffle=False)]


def voxel_then_random(points: Points, count: int, seed: int) -> Points:
    """One point per voxel, of the largest power-of-two voxel that leaves enough, then at random."""
    local = (points - points.min(axis=0)) / np.ptp(points, axis=0).max()
    for cells in (16, 32, 64, 128, 256, 512, 1024):
        x, y, z = (local * (cells - 1e-3)).astype(np.int64).T
        _, first = np.unique((x * cells + y) * cells + z, return_index=True)
        if len(first) >= count:
            break
    return at_random(points[first], count, seed)


def farthest(points: Points, count: int, seed: int) -> Points:
    """Farthest-point sampling over all points."""
    if len(points) <= count:
        return points
    local = (points - points.mean(axis=0, dtype=np.float64)).astype(np.float32)
    start = int(np.random.default_rng(seed).integers(len(points)))
    return points[farthest_points(local, count, start)]


def thin_then_farthest(points: Points, count: int, seed: int, *, ratio: int) -> Points:
    """Farthest-point sampling over `ratio` random points per point kept."""
    return farthest(at_random(points, ratio * count, seed), count, seed)


def on_the_gpu(points: Points, count: int, seed: int) -> Points:
    """What the CUDA kernels keep, by their NumPy reference, whose time says nothing."""
    return sampling_reference.sample(points.astype(np.float32), count, seed)


def thinned(ratio: int) -> Method:
    """`thin_then_farthest` of so many candidates per point kept."""
    return Method(f"{ratio}x, FPS", partial(thin_then_farthest, ratio=ratio))


# The first is the one that the others' features are compared with.
METHODS = (
    Method("all, FPS", farthest),
    Method("all, FPS, another seed", farthest, seed_shift=_OTHER_SEED),
    Method("all, FPS, normalised first", farthest, normalise_first=True),
    thinned(16),
    Method("8x, FPS: prepare_points", sample_points),
    Method("8x, FPS, another seed", sample_points, seed_shift=_OTHER_SEED),
    Method("8x, FPS, normalised first", sample_points, normalise_first=True),
    thinned(4),
    thinned(2),
    Method("4x stratified, FPS: the GPU's", on_the_gpu),
    Method("4x stratified, another seed", on_the_gpu, seed_shift=_OTHER_SEED),
    Method("voxel grid, random", voxel_then_random),
    Method("random", at_random),
    Method("random, normalised first", at_random, normalise_first=True),
)


def prepare(method: Method, points: Points, count: int, seed: int) -> FloatArray:
    """What `prepare_points` does, with another way to sample."""
    points, seed = finite_points(points), seed + method.seed_shift
    if method.normalise_first:
        return method.sample(to_unit_sphere(points), count, seed)
    return to_unit_sphere(method.sample(points, count, seed))


# --- clouds -------------------------------------------------------------------------------


def uniform_cloud(path: Path, count: int, seed: int) -> Points:
    """`count` points spread over a mesh by area."""
    return read_cloud(path, mesh_points=count, seed=seed)


def biased_cloud(path: Path, count: int, seed: int) -> Points:
    """`count` points of a mesh, the more the nearer a random viewpoint, as a camera's pixels fall.

    The chance to be kept falls with the squared distance: by a factor of up to 25 over the object.
    """
    points = read_cloud(path, mesh_points=_OVERSAMPLING * count, seed=seed)
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=3)
    camera = _VIEW_DISTANCE * direction / np.sqrt((direction**2).sum())
    weight = 1 / ((to_unit_sphere(points) - camera) ** 2).sum(axis=1)
    first = np.argsort(rng.exponential(size=len(points)) / weight)[:count]  # weighted, without replacement
    return points[np.sort(first)]


CLOUDS = {"uniform": uniform_cloud, "biased": biased_cloud}


# --- measuring ----------------------------------------------------------------------------


def measure(
    draw: Callable[[Path, int, int], Points], files: list[Path], count: int, manifest: Manifest, seed: int
) -> list[Outcome]:
    """One outcome per method, over one cloud per file.

    All clouds are prepared before the engine runs, whose threads would disturb the timing.
    """
    outcomes = [Outcome() for _ in METHODS]
    prepared: list[list[FloatArray]] = []  # per cloud, per method
    labels: list[str] = []
    with progress.task(f"preparing {draw.__name__}", len(files)) as task:
        for number, path in enumerate(files):
            task.advance()
            try:
                cloud = draw(path, count, seed + number)
            except CloudFileError as error:
                progress.say(f"skipped {error}")
                continue
            runs = [
                partial(prepare, method, cloud, manifest.spec.num_points, seed + number) for method in METHODS
            ]
            ways: list[FloatArray] = [runs[-1]()] * len(METHODS)  # untimed first: the cloud is in the cache
            for turn in in_rotation(range(len(METHODS)), number):
                ways[turn], seconds = timed(runs[turn])
                outcomes[turn].ms.append(1e3 * seconds)
            prepared.append(ways)
            labels.append(FOLDER_LABELS[path.parent.name])

    backend = OnnxRuntimeBackend(ENGINE, manifest)
    with progress.task("encoding", len(prepared)) as task:
        for ways, label in zip(prepared, labels, strict=True):
            depth = np.stack([project_depth(points, manifest.views, manifest.spec, "y") for points in ways])
            features = backend.run(depth)  # [methods, D]
            features /= np.sqrt((features**2).sum(axis=1, keepdims=True))
            best = (features @ manifest.labels.text_features.T).argmax(axis=1)
            for outcome, feature, answer in zip(outcomes, features, best, strict=True):
                outcome.features.append(feature)
                outcome.right.append(manifest.labels.names[answer] == label)
            task.advance()
    return outcomes


def figures(outcome: Outcome, reference: Outcome) -> dict[str, Any]:
    """The figures of one method on one kind of cloud; gained, lost: answers against the reference."""
    right, reference_right = np.array(outcome.right), np.array(reference.right)
    cosine = (np.array(outcome.features) * np.array(reference.features)).sum(axis=1)
    return {
        "ms": summary(outcome.ms),
        "top1": round(float(right.mean()), 4),
        "right": int(right.sum()),
        "clouds": len(right),
        "gained": int((right & ~reference_right).sum()),
        "lost": int((~right & reference_right).sum()),
        "cosine_mean": round(float(cosine.mean()), 5),
        "cosine_min": round(float(cosine.min()), 5),
    }


@benchmark(
    "sampling",
    folder_option("--meshes", "As given to the recipe, CLASS/FILE, y up; the held-out ones are used."),
    count_option("--points", 100_000, "Points per cloud."),
    count_option("--limit", None, "Use this many meshes.  [default: all]"),
    seed_option,
    bundled="research",
)
def main(meshes: Path, points: int, limit: int | None, seed: int) -> Results:
    """Compare ways to get from a big cloud to the number of points a model takes."""
    manifest = Manifest.for_engine(ENGINE)
    files = validation_files(Source(_SOURCE, meshes, "y", samplings=1), VAL_FRACTION, SEED)
    files = [path for path in files if FOLDER_LABELS[path.parent.name] in manifest.labels.names]
    if limit is not None and limit < len(files):
        chosen = np.random.default_rng(seed).choice(len(files), limit, replace=False)
        files = [files[i] for i in np.sort(chosen)]
    rows: list[dict[str, Any]] = [{"method": method.name} for method in METHODS]
    for kind, draw in CLOUDS.items():
        outcomes = measure(draw, files, points, manifest, seed)
        for row, outcome in zip(rows, outcomes, strict=True):
            row[kind] = figures(outcome, outcomes[0])
    return {"points": points, "kept": manifest.spec.num_points, "methods": rows}


if __name__ == "__main__":
    main()
