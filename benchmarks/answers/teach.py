"""How well the model `research` learns things from a few clouds, and what that costs the labels it had.

    python benchmarks/quality.py teach --modelnet10 DIR --meshes DIR --objects objects.npz --names objects.tsv

Things are objects that training never saw, one a kind; kinds are words in the objects' names. Clouds of the
old labels are those held out of training; the folders are those given to `c2p-recipe default`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import click
import numpy as np
import numpy.typing as npt

from c2p_deploy import progress, read_cloud
from c2p_deploy.labels import word_bank
from c2p_deploy.labels.taught import taught
from c2p_deploy.projection.spec import FloatArray
from c2p_deploy.taught_scores import TaughtScores
from c2p_recipes.augment import about, seen_from_one_side
from c2p_recipes.data import FOLDER_LABELS, SEED, VAL_FRACTION, sources_of, validation_files
from c2p_runtime import Classifier
from harness.frame import Results, benchmark, folder_option, seed_option

KINDS = (
    *("stool", "radiator", "trashcan", "washbasin", "towel", "barrel", "crate", "shield", "axe", "cactus"),
    *("potion", "plate", "apple", "fridge", "oven", "microwave", "washing", "guitar", "fan", "mirror"),
    *("clock", "umbrella", "fence", "bench", "fireplace", "pistol", "grenade", "arrow", "column", "carrot"),
    *("pumpkin", "piano", "printer", "laptop", "screwdriver", "hammer", "drill", "bowl", "teapot", "kettle"),
    "pan",
)
FEWEST, MOST, HELD = 6, 14, 4  # objects of a kind, to judge the kind; those that are never judged by
LOOKS = 12  # of a thing, the last eight to judge it by
SHOWN = (1, 2, 4)
FILE = click.Path(exists=True, path_type=Path)
Points = npt.NDArray[np.floating]
Answer = Callable[[FloatArray], npt.NDArray[np.intp]]


def look(points: Points, rng: np.random.Generator) -> Points:
    """Other points of the same thing, at any heading, with noise of 1 % of the radius; y up."""
    some = points[rng.choice(len(points), 1024, replace=False)].astype(np.float64)
    return some @ about(1, rng.uniform(0, 360)) + rng.normal(0, 0.01, some.shape)


def one_side(points: Points, rng: np.random.Generator) -> Points:
    """What one camera sees of such a look."""
    whole = look(points, rng)
    return whole[seen_from_one_side(whole, rng)]


def features_of(clf: Classifier, clouds: list[Points]) -> FloatArray:
    """[n, D]"""
    return np.stack([prediction.features for prediction in clf.batch(clouds)])


class Old:
    """Features of held-out clouds of the labels that the model came with, and its answers before."""

    def __init__(self, clf: Classifier, modelnet10: Path, meshes: Path) -> None:
        self.labels, self.scale = clf.labels, clf.manifest.logit_scale
        rows, truth = [], []
        for source in sources_of(modelnet10, meshes):
            files = validation_files(source, VAL_FRACTION, SEED)
            with Classifier("research", up=source.up, device="cpu") as same:
                rows.append(features_of(same, [read_cloud(path) for path in files]))
            truth += [self.labels.names.index(FOLDER_LABELS[path.parent.name]) for path in files]
        self.features, self.truth = np.concatenate(rows), np.array(truth)
        answers = (self.features @ self.labels.text_features.T).argmax(axis=1)
        self.top1 = float((answers == self.truth).mean())

    def taught(self, shown: dict[str, FloatArray]) -> tuple[Answer, float]:
        """What names features [n, D] by row once these were taught; and the top-1 of the old labels lost."""
        scores = TaughtScores(taught(self.labels, shown, "benchmark"), self.scale)
        answers = scores(self.features).argmax(axis=1)
        return lambda features: scores(features).argmax(axis=1), self.top1 - float(
            (answers == self.truth).mean()
        )


def alone(old: Old, looks: dict[str, FloatArray], count: int) -> dict[str, float]:
    """Every thing taught by itself: how often it is found, and what that costs."""
    found, lost = [], []
    for features in looks.values():
        answer, less = old.taught({"my thing": features[:count]})
        found.append((answer(features[HELD:]) == len(old.labels)).mean())
        lost.append(less)
    return {"found": np.mean(found), "lost": np.mean(lost), "lost_most": np.max(lost)}


def together(old: Old, shown: dict[str, FloatArray], judged: dict[str, FloatArray]) -> dict[str, float]:
    """All of them at once."""
    answer, lost = old.taught({f"my {name}": rows for name, rows in shown.items()})
    right = [
        answer(rows) == len(old.labels) + place for place, rows in enumerate(judged.values()) if len(rows)
    ]
    return {"found": float(np.concatenate(right).mean()), "lost": lost}


@benchmark(
    "teach",
    folder_option("--modelnet10", "As given to the recipe."),
    folder_option("--meshes", "As given to the recipe."),
    click.option("--objects", type=FILE, required=True, help="An .npz of points [N, P, 3], y up."),
    click.option("--names", type=FILE, required=True, help="Their names: a .tsv with a column name."),
    seed_option,
    bundled="research",
)
def main(modelnet10: Path, meshes: Path, objects: Path, names: Path, seed: int) -> Results:
    """Teach the model `research` things that it does not know, and see what it finds and what it forgets."""
    rng = np.random.default_rng(seed)
    with np.load(objects) as arrays:
        points = arrays["points"]
    with names.open(encoding="utf-8", newline="") as file:
        titles = [row["name"].lower() for row in csv.DictReader(file, delimiter="\t")]
    members: dict[str, list[int]] = {}
    for row, title in enumerate(titles):
        kind = next((kind for kind in KINDS if kind in title), None)
        if kind is not None:
            members.setdefault(kind, []).append(row)
    with (
        Classifier("research", up="y", device="cpu") as clf,
        progress.task("looking", 2 * len(members)) as task,
    ):
        old = Old(clf, modelnet10, meshes)
        things: dict[str, dict[str, FloatArray]] = {"whole": {}, "from one side": {}}
        for kind, rows in members.items():
            for name, seen in (("whole", look), ("from one side", one_side)):
                clouds = [seen(points[rows[0]], rng) for _ in range(LOOKS)]
                things[name][kind] = features_of(clf, clouds)
                task.advance()
        many = {kind: rows[:MOST] for kind, rows in members.items() if len(rows) >= FEWEST}
        kinds = {
            kind: features_of(clf, [points[row].astype(np.float32) for row in rows])
            for kind, rows in many.items()
        }
        one_by_one = [
            {"seen": name, "shown": count, **alone(old, looks, count)}
            for name, looks in things.items()
            for count in SHOWN
        ]
        whole = things["whole"]
        at_once = together(
            old, {k: f[:HELD] for k, f in whole.items()}, {k: f[HELD:] for k, f in whole.items()}
        )
        shuffled = {kind: rng.permutation(features) for kind, features in kinds.items()}
        of_kinds = alone(old, shuffled, HELD)
        clouds = {f"thing {i}": [look(points[i], rng) for _ in range(4)] for i in range(10)}
        clf.warmup()
        times = {"learn 10 x 4 clouds": fastest(lambda: clf.learn(clouds), 3)}
        bank = word_bank().names[:1000]
        times["with_labels of 1,000 names"] = fastest(lambda: clf.with_labels(bank), 30)
    return {
        "seed": seed,
        "things": len(members),
        "kinds": len(kinds),
        "old": {"clouds": len(old.truth), "top1": round(old.top1, 4)},
        "one_by_one": [rounded(row) for row in one_by_one],
        "all_at_once": rounded(at_once),
        "kinds_one_by_one": rounded(of_kinds),
        "ms": times,
    }


def fastest(work: Callable[[], object], runs: int) -> dict[str, float]:
    """The fastest of some runs, in milliseconds: by the clock, and of all cores' work."""
    walls, works = [], []
    for _ in range(runs):
        wall, cpu = perf_counter(), process_time()
        work()
        walls.append(1e3 * (perf_counter() - wall))
        works.append(1e3 * (process_time() - cpu))
    return {"wall": round(min(walls), 2), "cpu": round(min(works), 2)}


def rounded(row: dict[str, float]) -> dict[str, float]:
    """Shares with four decimals."""
    return {key: round(float(value), 4) if isinstance(value, float) else value for key, value in row.items()}


if __name__ == "__main__":
    main()
