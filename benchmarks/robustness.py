"""How the bundled model bears what a robot meets: other headings, tilt, few points, noise, one side only.

    python benchmarks/robustness.py --modelnet10 DIR --meshes DIR

Clouds that training never saw are changed in one way at a time, and classified as
`c2p-run` would. The folders are those given to `c2p-recipe default`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from c2p_deploy import prepare_points, progress, read_cloud
from c2p_deploy.projection.spec import turn_up
from c2p_recipes.augment import about, seen_from_one_side
from c2p_recipes.data import FOLDER_LABELS, SEED, VAL_FRACTION, RecipeData, Source, validation_files
from c2p_runtime import Classifier
from c2p_train.datasets.benchmark_sets import MODELNET10_LABELS
from frame import Results, benchmark, folder_option, seed_option

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
}


def accuracy(source: Source, change: Change, seed: int) -> tuple[float, int]:
    """Top-1 over the labels the model card judges the source by, and the number of clouds."""
    labels = MODELNET10_LABELS if source.name == "ModelNet10" else None
    files = validation_files(source, VAL_FRACTION, SEED)
    right = 0
    with Classifier(labels=labels, up="y") as clf:
        for number, path in enumerate(files):
            # Prepared first, so that changes are in radii of the object and y is up.
            points = turn_up(prepare_points(read_cloud(path), clf.manifest.spec), source.up)
            changed = change(points, np.random.default_rng((seed, number)))
            right += clf(changed).guess == FOLDER_LABELS[path.parent.name]
    return right / len(files), len(files)


@benchmark(
    "robustness",
    folder_option("--modelnet10", "As given to the recipe."),
    folder_option("--meshes", "As given to the recipe."),
    seed_option,
    bundled=True,
)
def main(modelnet10: Path, meshes: Path, seed: int) -> Results:
    """Measure the bundled model on held-out clouds that were changed in one way at a time."""
    sources = RecipeData(modelnet10, meshes, meshes, meshes).sources[:2]
    rows = []
    numbers: dict[str, int] = {}
    with progress.task("classifying", len(CHANGES)) as task:
        for name, change in CHANGES.items():
            row: dict[str, str | float] = {"change": name}
            for source in sources:
                top1, numbers[source.name] = accuracy(source, change, seed)
                row[source.name] = round(top1, 4)
            rows.append(row)
            task.advance()
    return {"seed": seed, "clouds": numbers, "top1": rows}


if __name__ == "__main__":
    main()
