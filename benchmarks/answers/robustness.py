"""How the model `research` bears what a robot meets: headings, tilt, few points, noise, one side, strays.

    python benchmarks/quality.py robustness --modelnet10 DIR --meshes DIR

Clouds that training never saw are changed in one way at a time, and classified as `c2p-run` would, with
stray points removed first (`preparation: robust`) and with all of them counted (`paper`), in turns. The
folders are those given to `c2p-recipe default`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
import numpy.typing as npt

from c2p_deploy import Manifest, prepare_points, progress, read_cloud
from c2p_deploy.projection.spec import PREPARATIONS, turn_up
from c2p_recipes.augment import about, seen_from_one_side
from c2p_recipes.data import FOLDER_LABELS, SEED, VAL_FRACTION, Source, sources_of, validation_files
from c2p_runtime import Classifier
from c2p_runtime.bundled import engine_path
from c2p_train.datasets.benchmark_sets import MODELNET10_LABELS
from harness.frame import Results, benchmark, folder_option, seed_option

Points = npt.NDArray[np.floating]
Change = Callable[[Points, np.random.Generator], Points]


def heading(points: Points, rng: np.random.Generator) -> Points:
    """Turned about the up axis by any angle."""
    return points @ about(1, rng.uniform(0, 360))


def tilted(degrees: float) -> Change:
    """Tipped by so many degrees towards a random side."""

    def change(points: Points, rng: np.random.Generator) -> Points:
        side = about(1, rng.uniform(0, 360))
        return points @ side @ about(0, degrees) @ side.T

    return change


def thinned(count: int) -> Change:
    """So many of the points, at random."""
    return lambda points, rng: points[rng.choice(len(points), min(count, len(points)), replace=False)]


def noisy(deviation: float) -> Change:
    """Every point displaced; deviation in radii of the object."""
    return lambda points, rng: points + rng.normal(0, deviation, points.shape)


def one_sided(points: Points, rng: np.random.Generator) -> Points:
    """What one camera sees of it, coarsely, from any heading and a little above."""
    return points[seen_from_one_side(points.astype(np.float64), rng)]


def directions(count: int, rng: np.random.Generator) -> Points:
    """Unit vectors [count, 3]."""
    rays = rng.normal(size=(count, 3))
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def one_stray(radii: float) -> Change:
    """One more point, so many radii from the middle."""
    return lambda points, rng: np.concatenate([points, radii * directions(1, rng)])


def strays(share: float, radii: float) -> Change:
    """So many more points, anywhere in a ball of so many radii."""

    def change(points: Points, rng: np.random.Generator) -> Points:
        count = round(share * len(points))
        return np.concatenate([points, radii * directions(count, rng) * rng.random((count, 1)) ** (1 / 3)])

    return change


def clump(share: float, radii: float, size: float) -> Change:
    """A second thing with so many points, so many radii away; its size in radii, too."""

    def change(points: Points, rng: np.random.Generator) -> Points:
        spread = rng.normal(0, size / 4, (round(share * len(points)), 3))
        return np.concatenate([points, radii * directions(1, rng) + spread])

    return change


def flying(share: float, radii: float) -> Change:
    """Points of the outline, displaced along the rays of a camera: up to so many radii behind the thing."""

    def change(points: Points, rng: np.random.Generator) -> Points:
        count = round(share * len(points))
        heading, height = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.4)
        away = np.array([np.cos(heading), -height, np.sin(heading)]) / np.hypot(1, height)
        across = directions(count, rng)
        across -= np.outer(across @ away, away)
        edge = points[(points @ across.T).argmax(axis=0)]
        return np.concatenate([points, edge + away * rng.uniform(0, radii, (count, 1))])

    return change


def on_floor(radii: float, share: float) -> Change:
    """Stands on a square patch of floor, as many radii wide, with so many points for one of its own."""

    def change(points: Points, rng: np.random.Generator) -> Points:
        patch = rng.uniform(-radii / 2, radii / 2, (round(share * len(points)), 3))
        patch[:, 1] = points[:, 1].min()
        return np.concatenate([points, patch])

    return change


CHANGES: dict[str, Change] = {
    "as they are": lambda points, rng: points,
    "any heading": heading,
    "tilted by 10 degrees": tilted(10),
    "tilted by 30 degrees": tilted(30),
    "on the side (wrong up axis)": tilted(90),
    "256 points": thinned(256),
    "64 points": thinned(64),
    "noise of 2 % of the radius": noisy(0.02),
    "noise of 5 % of the radius": noisy(0.05),
    "seen from one side": one_sided,
    "one stray at 1.5 radii": one_stray(1.5),
    "one stray at 2 radii": one_stray(2),
    "one stray at 4 radii": one_stray(4),
    "one stray at 20 radii": one_stray(20),
    "1 % strays within 1.5 radii": strays(0.01, 1.5),
    "1 % strays within 4 radii": strays(0.01, 4),
    "2 % strays within 1.5 radii": strays(0.02, 1.5),
    "2 % strays within 2 radii": strays(0.02, 2),
    "2 % strays within 4 radii": strays(0.02, 4),
    "2 % strays within 20 radii": strays(0.02, 20),
    "5 % strays within 4 radii": strays(0.05, 4),
    "a second thing of 2 % at 1.5 radii": clump(0.02, 1.5, 0.3),
    "a second thing of 2 % at 4 radii": clump(0.02, 4, 1),
    "1 % flying pixels up to 1 radius behind": flying(0.01, 1),
    "2 % flying pixels up to 3 radii behind": flying(0.02, 3),
    "a third of its points more of floor, 3 radii wide": on_floor(3, 1 / 3),
}
DENSE = {  # of meshes only: ModelNet10 has 1,024 points a cloud
    "20,000 points": CHANGES["as they are"],
    "20,000 points, 2 % strays within 2 radii": strays(0.02, 2),
    "20,000 points, 2 % strays within 20 radii": strays(0.02, 20),
}
_DENSE_POINTS = 20_000
ENGINE = engine_path("research")  # whose training held the clouds out


def accuracy(
    source: Source, files: list[Path], change: Change, points: int | None, seed: int
) -> dict[str, float]:
    """Top-1 by preparation, over the labels the model card judges the source by.

    points: of every mesh before it is changed; None is as many as the model takes.
    """
    labels = MODELNET10_LABELS if source.name == "ModelNet10" else None
    right = dict.fromkeys(PREPARATIONS, 0)
    with ExitStack() as stack:
        engines = stack.enter_context(engine_by_preparation())
        classifiers = {
            name: stack.enter_context(Classifier(engine, labels, up="y")) for name, engine in engines.items()
        }
        spec = next(iter(classifiers.values())).manifest.spec
        for number, path in enumerate(files):
            # Prepared first, so that changes are in radii of the object and y is up.
            if points is None:
                cloud = prepare_points(read_cloud(path), spec)
            else:
                cloud = prepare_points(read_cloud(path, mesh_points=points), replace(spec, num_points=points))
            changed = change(turn_up(cloud, source.up), np.random.default_rng((seed, number)))
            expected = FOLDER_LABELS[path.parent.name]
            robust = classifiers["robust"](changed)
            # Without strays both are the same computation.
            paper = classifiers["paper"](changed) if robust.strays else robust
            right["robust"] += robust.guess == expected
            right["paper"] += paper.guess == expected
    return {name: round(count / len(files), 4) for name, count in right.items()}


def held_out(source: Source, most: int | None) -> list[Path]:
    """The files of a source that training left out, at most so many."""
    files = validation_files(source, VAL_FRACTION, SEED)
    return files if most is None else [files[i] for i in range(0, len(files), -(-len(files) // most))]


@contextmanager
def engine_by_preparation() -> Iterator[dict[str, Path]]:
    """The bundled engine with a manifest that asks for each preparation."""
    manifest = Manifest.for_engine(ENGINE)
    with TemporaryDirectory() as folder:
        engines = {}
        for name in PREPARATIONS:
            engines[name] = Path(folder, name, ENGINE.name)
            engines[name].parent.mkdir()
            shutil.copy(ENGINE, engines[name])
            replace(manifest, preparation=name).save(Manifest.path_for(engines[name]))
        yield engines


@benchmark(
    "robustness",
    folder_option("--modelnet10", "As given to the recipe."),
    folder_option("--meshes", "As given to the recipe."),
    click.option(
        "--most",
        type=click.IntRange(min=1),
        metavar="N",
        help="Clouds of each source, spread over its held-out ones.  [default: all]",
    ),
    seed_option,
    bundled="research",
)
def main(modelnet10: Path, meshes: Path, most: int | None, seed: int) -> Results:
    """Measure the model `research` on held-out clouds that were changed in one way at a time."""
    sources = sources_of(modelnet10, meshes)
    rows = []
    files = {source.name: held_out(source, most) for source in sources}
    with progress.task("classifying", len(CHANGES) + len(DENSE)) as task:
        for name, change in (CHANGES | DENSE).items():
            row: dict[str, str | dict[str, float]] = {"change": name}
            dense = name in DENSE
            for source in sources[1:] if dense else sources:
                row[source.name] = accuracy(
                    source, files[source.name], change, _DENSE_POINTS if dense else None, seed
                )
            rows.append(row)
            task.advance()
    return {"seed": seed, "clouds": {name: len(paths) for name, paths in files.items()}, "top1": rows}


if __name__ == "__main__":
    main()
