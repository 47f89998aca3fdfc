"""How to get from a big cloud to the points a model takes: what `prepare_points` does, and the others.

    python benchmarks/sampling.py --meshes DIR

Meshes that training never saw are sampled to big clouds, evenly and as densely near a
viewpoint as a depth camera would. Every method prepares the same clouds; the bundled model
then says what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import fpsample
import numpy as np
import numpy.typing as npt
from common import RESULTS, environment, spread, summary, timed, write_results
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from c2p_deploy import Manifest, project_depth, read_cloud
from c2p_deploy.errors import CloudFileError
from c2p_deploy.projection.prepare import finite_points, sample_points, to_unit_sphere
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.data import FOLDER_LABELS, SEED, VAL_FRACTION, Source, validation_files
from c2p_runtime.backends.onnxruntime import OnnxRuntimeBackend
from c2p_runtime.classifier import DEFAULT_ENGINE
from c2p_runtime.cuda import sampling_reference

Points = npt.NDArray[np.floating]
# The split is that of `c2p_recipes.data`, which made the bundled model.
_SOURCE = "meshes"
_HEIGHTS = (3, 5, 7, 9)  # of fpsample's tree, as its documentation suggests
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

    ms: list[float]
    features: list[FloatArray]  # [D] each, of unit length
    right: list[bool]


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


def farthest(points: Points, count: int, seed: int, *, height: int) -> Points:
    """Farthest-point sampling over all points. It is exact whatever the height of the search tree."""
    if len(points) <= count:
        return points
    local = (points - points.mean(axis=0, dtype=np.float64)).astype(np.float32)
    start = int(np.random.default_rng(seed).integers(len(points)))
    return points[fpsample.bucket_fps_kdline_sampling(local, count, h=height, start_idx=start)]


def thin_then_farthest(points: Points, count: int, seed: int, *, ratio: int, height: int) -> Points:
    """Farthest-point sampling over `ratio` random points per point kept."""
    return farthest(at_random(points, ratio * count, seed), count, seed, height=height)


def on_the_gpu(points: Points, count: int, seed: int) -> Points:
    """What the CUDA kernels keep, by their NumPy reference, whose time says nothing."""
    return sampling_reference.sample(points.astype(np.float32), count, seed)


def methods_for(cloud: Points, count: int) -> list[Method]:
    """All methods. The first is the one the others' features are compared with.

    Farthest-point sampling searches with the tree that is fastest on `cloud`, but in
    `prepare_points`, which is measured as it is.
    """
    exact = best_height(partial(farthest, cloud, count, 0))
    heights = {
        ratio: best_height(partial(thin_then_farthest, cloud, count, 0, ratio=ratio)) for ratio in (2, 4, 16)
    }
    thinned = {
        ratio: Method(f"{ratio}x, FPS (h={height})", partial(thin_then_farthest, ratio=ratio, height=height))
        for ratio, height in heights.items()
    }
    return [
        Method(f"all, FPS (h={exact})", partial(farthest, height=exact)),
        Method("all, FPS, another seed", partial(farthest, height=exact), seed_shift=_OTHER_SEED),
        Method("all, FPS, normalised first", partial(farthest, height=exact), normalise_first=True),
        thinned[16],
        Method("8x, FPS: prepare_points", sample_points),
        Method("8x, FPS, another seed", sample_points, seed_shift=_OTHER_SEED),
        Method("8x, FPS, normalised first", sample_points, normalise_first=True),
        thinned[4],
        thinned[2],
        Method("4x stratified, FPS: the GPU's", on_the_gpu),
        Method("4x stratified, another seed", on_the_gpu, seed_shift=_OTHER_SEED),
        Method("voxel grid, random", voxel_then_random),
        Method("random", at_random),
        Method("random, normalised first", at_random, normalise_first=True),
    ]


def best_height(sample: Callable[..., Points]) -> int:
    """The height of fpsample's tree with which `sample` is fastest, best of three runs each."""
    seconds = {height: min(timed(partial(sample, height=height))[1] for _ in range(3)) for height in _HEIGHTS}
    return min(seconds, key=seconds.__getitem__)


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
    draw: Callable[[Path, int, int], Points],
    files: list[Path],
    count: int,
    methods: list[Method],
    manifest: Manifest,
    seed: int,
    console: Console,
) -> list[Outcome]:
    """One outcome per method, over one cloud per file.

    All clouds are prepared before the engine runs, whose threads would disturb the timing.
    """
    outcomes = [Outcome([], [], []) for _ in methods]
    prepared: list[list[FloatArray]] = []  # per cloud, per method
    labels: list[str] = []
    for number, path in enumerate(track(files, description=f"preparing {draw.__name__}", console=console)):
        try:
            cloud = draw(path, count, seed + number)
        except CloudFileError as error:
            console.print(f"skipped {error}", markup=False)
            continue
        runs = [
            partial(prepare, method, cloud, manifest.spec.num_points, seed + number) for method in methods
        ]
        ways: list[FloatArray] = [runs[-1]()] * len(methods)  # run untimed first: the cloud is in the cache
        for step in range(len(methods)):
            turn = (number + step) % len(methods)  # another method begins each time
            ways[turn], seconds = timed(runs[turn])
            outcomes[turn].ms.append(1e3 * seconds)
        prepared.append(ways)
        labels.append(FOLDER_LABELS[path.parent.name])

    backend = OnnxRuntimeBackend(DEFAULT_ENGINE, manifest)
    for ways, label in zip(track(prepared, description="encoding", console=console), labels, strict=True):
        depth = np.stack([project_depth(points, manifest.views, manifest.spec, "y") for points in ways])
        features = backend.run(depth)  # [methods, D]
        features /= np.sqrt((features**2).sum(axis=1, keepdims=True))
        best = (features @ manifest.labels.text_features.T).argmax(axis=1)
        for outcome, feature, answer in zip(outcomes, features, best, strict=True):
            outcome.features.append(feature)
            outcome.right.append(manifest.labels.names[answer] == label)
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


def table_of(rows: list[dict[str, Any]], kind: str, title: str) -> Table:
    """One line per method: its time, answers and features on the clouds of one kind."""
    table = Table("method", title=title, box=box.SIMPLE_HEAD)
    for heading in ("ms", "top-1 %", "cosine"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        found = row[kind]
        top1 = f"{100 * found['top1']:.1f} (+{found['gained']} -{found['lost']})"
        table.add_row(row["method"], spread(found["ms"], 1), top1, f"{found['cosine_mean']:.4f}")
    return table


@click.command()
@click.option(
    "--meshes",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="The meshes the bundled model was trained on, CLASS/FILE, y up; the held-out ones are used.",
)
@click.option(
    "--points", type=click.IntRange(min=1), default=100_000, show_default=True, help="Points per cloud."
)
@click.option("--limit", type=click.IntRange(min=1), help="Use this many meshes.  [default: all]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all sampling.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS / "sampling.json",
    help="Where the figures go.  [default: benchmarks/results/sampling.json]",
)
def main(meshes: Path, points: int, limit: int | None, seed: int, out: Path) -> None:
    """Compare ways to get from a big cloud to the number of points a model takes."""
    console = Console()
    machine = environment()
    manifest = Manifest.for_engine(DEFAULT_ENGINE)
    kept = manifest.spec.num_points
    files = validation_files(Source(_SOURCE, meshes, "y", samplings=1), VAL_FRACTION, SEED)
    files = [path for path in files if FOLDER_LABELS[path.parent.name] in manifest.labels.names]
    if limit is not None and limit < len(files):
        chosen = np.random.default_rng(seed).choice(len(files), limit, replace=False)
        files = [files[i] for i in np.sort(chosen)]
    methods = methods_for(uniform_cloud(files[0], points, seed), kept)
    rows: list[dict[str, Any]] = [{"method": method.name} for method in methods]
    for kind, draw in CLOUDS.items():
        outcomes = measure(draw, files, points, methods, manifest, seed, console)
        for row, outcome in zip(rows, outcomes, strict=True):
            row[kind] = figures(outcome, outcomes[0])
        clouds = rows[0][kind]["clouds"]
        console.print(table_of(rows, kind, f"{clouds} {kind} clouds of {points} points, {kept} kept"))

    console.print(
        "FPS: farthest-point sampling, of all points or of so many random points per point kept; "
        "ms: preparation, median (quartiles); (+ -): right answers gained and lost, and cosine: of the "
        "feature, both against the first line.",
        highlight=False,
    )
    write_results(out, machine, {"points": points, "kept": kept, "methods": rows})
    console.print(f"wrote {out.name}")


if __name__ == "__main__":
    main()
