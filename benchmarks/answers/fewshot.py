"""What a few clouds per class teach: the heads of `c2p-train fewshot` beside the simplest methods.

    python benchmarks/quality.py fewshot --modelnet10 DIR --meshes DIR --objects DIR

Everything stands on the features of the package's pre-trained encoders, which saw the meshes without those
held out, and none of ModelNet10 or the objects. All methods learn from the same clouds, drawn anew for each
seed, and are judged on others. --objects is a folder of objects.npz (points [N, P, 3], y up) and objects.tsv;
the other folders are those given to `c2p-recipe default`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

import click
import numpy as np
import numpy.typing as npt

from c2p_deploy import DepthSpec, LabelSet, progress
from c2p_deploy.errors import LabelError
from c2p_deploy.labels import choose_labels
from c2p_deploy.projection.spec import FloatArray
from c2p_recipes.augment import seen_from_one_side
from c2p_recipes.data import (
    FOLDER_LABELS,
    SEED,
    VAL_FRACTION,
    Source,
    class_files,
    sources_of,
    validation_files,
)
from c2p_recipes.packs.objects import named_objects, object_points
from c2p_train.datasets.cloud_files import prepare_cloud, read_prepared
from c2p_train.datasets.labelled_clouds import LabelledClouds
from c2p_train.datasets.shots import sample_shots
from c2p_train.evaluate.features import ViewFeatures, model_features
from c2p_train.learn.fewshot import FewShotConfig, accuracy, train_head
from c2p_train.learn.ridge import fit_head, unit_views
from c2p_train.learn.simple import simple_predictions
from c2p_train.model.checkpoint import PRETRAINED, Checkpoint, load_checkpoint
from c2p_train.model.heads import ZeroShot
from harness.frame import Results, benchmark, count_option, folder_option

SHOTS = (1, 2, 4, 8, 16)
MOST_TAUGHT, MOST_JUDGED = 20, 30  # clouds of a class that are encoded; of the held-out files, all judge
FEWEST = 10  # objects of a class: half of them teach, half judge
# Household things among the objects, a task of its own.
HOUSEHOLD = (
    *(
        "armchair",
        "bed",
        "book",
        "bottle",
        "box",
        "cabinet",
        "chair",
        "coffee table",
        "cup",
        "desk",
        "dresser",
    ),
    *("lamp", "night stand", "picture frame", "shelf", "sink", "sofa", "stool", "table", "trash can", "vase"),
)
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """Clouds of C classes: those that may be learnt from, and those that judge."""

    name: str
    points: FloatArray  # [N, P, 3], prepared, y up
    label: Ints  # [N]
    names: tuple[str, ...]
    judges: npt.NDArray[np.bool_]  # [N]

    def only(self, names: tuple[str, ...], name: str) -> Task:
        """The task of these classes alone."""
        some = tuple(each for each in self.names if each in names)
        rows = np.flatnonzero(np.isin(np.array(self.names)[self.label], some))
        label = np.array([some.index(self.names[c]) for c in self.label[rows]])
        return Task(name, self.points[rows], label, some, self.judges[rows])


def task_of(name: str, rows: list[tuple[FloatArray, str, bool]]) -> Task:
    """From clouds with their labels, and whether they judge; classes that lack either are left out."""
    sides = defaultdict(set)
    for _, label, judges in rows:
        sides[label].add(judges)
    names = tuple(sorted(label for label, found in sides.items() if len(found) == 2))
    rows = [row for row in rows if row[1] in names]
    points, labels, judges = zip(*rows, strict=True)
    return Task(
        name, np.stack(points), np.array([names.index(each) for each in labels]), names, np.array(judges)
    )


def from_files(source: Source, spec: DepthSpec) -> Task:
    """The recipe's held-out files judge; some of the others teach."""
    held = set(validation_files(source, VAL_FRACTION, SEED))
    taught: dict[str, int] = defaultdict(int)
    rows = []
    files = class_files(source)
    with progress.task(f"reading {source.name}", len(files)) as task:
        for index in np.random.default_rng(SEED).permutation(len(files)):
            path = files[index]
            label = FOLDER_LABELS[path.parent.name]
            taught[label] += path not in held
            if path in held or taught[label] <= MOST_TAUGHT:
                rows.append((read_prepared(path, spec, source.up, SEED), label, path in held))
            task.advance()
    return task_of(source.name, rows)


def from_objects(folder: Path, spec: DepthSpec, known: LabelSet) -> Task:
    """Named objects of every label that has a text feature: half of them teach, half judge."""
    points = object_points(folder)
    by_label: dict[str, list[int]] = defaultdict(list)
    for each in named_objects(folder):
        if each.row < len(points):
            by_label[each.label].append(each.row)
    rng = np.random.default_rng(SEED)
    rows = []
    for label, found in sorted(by_label.items()):
        if len(found) >= FEWEST and has_word(known, label):
            chosen = rng.permutation(found)
            half = min(len(chosen) // 2, MOST_TAUGHT)
            for number, row in enumerate(chosen[: half + MOST_JUDGED]):
                cloud = prepare_cloud(points[row].astype(np.float32), spec, "y", SEED)
                rows.append((cloud, label, number >= half))
    return task_of("objects", rows)


def one_sided(task: Task, spec: DepthSpec) -> Task:
    """The same clouds as one camera sees each."""
    seen = []
    for number, cloud in enumerate(task.points.astype(np.float64)):
        some = cloud[seen_from_one_side(cloud, np.random.default_rng((SEED, number)))]
        seen.append(prepare_cloud(some, spec, "y", SEED))
    return replace(task, name=f"{task.name}, from one side", points=np.stack(seen))


def has_word(known: LabelSet, name: str) -> bool:
    """Whether the label has a text feature."""
    try:
        choose_labels(known, [name])
    except LabelError:
        return False
    return True


def cache_scores(train: FloatArray, label: Ints, test: FloatArray, zero_shot: FloatArray) -> FloatArray:
    """Tip-Adapter (arXiv 2207.09519), not fine-tuned, with its default exponent and weight: [m, C].

    Beside cosines times 20: CLIP's own factor of 100 drowns a cache of these features.
    """
    train, test = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (train, test))
    near = np.exp(-5.5 * (1 - test @ train.T))
    return 20 * zero_shot + near @ np.eye(zero_shot.shape[1])[label]


def measure(task: Task, checkpoint: Checkpoint, cache: Path, seeds: int, adapter_seeds: int) -> list[dict]:
    """Accuracies of every method, a row for each number of shots."""
    assert checkpoint.labels is not None
    text = choose_labels(checkpoint.labels, task.names).text_features
    clouds = LabelledClouds(task.name, task.points, task.label, task.names)
    features = model_features(checkpoint.model, clouds, checkpoint.views, checkpoint.spec, cache)
    test, pool = features.take(task.judges), features.take(~task.judges)
    zero_shot = accuracy(ZeroShot(), test, text)
    units = test.depth / np.linalg.norm(test.depth, axis=2, keepdims=True)
    by_words = units.mean(axis=1) @ text.T
    noise = np.random.default_rng(SEED).normal(size=text.shape).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)

    def right(guess: Ints) -> float:
        return float((guess == test.label).mean())

    def ridge(train: ViewFeatures, words: FloatArray, judged: ViewFeatures = test) -> float:
        return accuracy(fit_head(train, words).head, judged, words)

    rows = []
    for shots in SHOTS:
        found: dict[str, list[float]] = defaultdict(list)
        for seed in range(seeds):
            train = pool.take(sample_shots(pool.label, shots, seed))
            flat, flat_test = unit_views(train), unit_views(test)
            found["zero-shot"].append(zero_shot)
            for name, guess in simple_predictions(flat, train.label, flat_test).items():
                found[name].append(right(guess))
            scores = cache_scores(flat, train.label, flat_test, by_words)
            found["cache"].append(right(scores.argmax(axis=1)))
            found["ridge"].append(ridge(train, text))
            found["ridge, depth only"].append(
                ridge(replace(train, image=None), text, replace(test, image=None))
            )
            found["ridge, words of noise"].append(ridge(train, noise))
            if seed < adapter_seeds:
                head = train_head(train.depth, train.image, train.label, text, FewShotConfig(seed=seed))
                found["gdpa"].append(accuracy(head, test, text))
        rows.append(
            {
                "shots": shots,
                "clouds": len(train),
                "top1": {name: round(mean(values), 4) for name, values in found.items()},
                "deviation": {
                    name: round(stdev(values), 4) for name, values in found.items() if len(values) > 1
                },
            }
        )
    return rows


@benchmark(
    "fewshot",
    folder_option("--modelnet10", "As given to the recipe."),
    folder_option("--meshes", "As given to the recipe."),
    folder_option("--objects", "With objects.npz and objects.tsv."),
    count_option("--seeds", 5, "Draws of the shots.", least=2),
    count_option("--adapter-seeds", 1, "Draws that the slow adapters learn from.", least=0),
    click.option(
        "--cache",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where features are kept.  [default: in the user's cache]",
    ),
    packages=("torch", "scikit-learn"),
)
def main(
    modelnet10: Path, meshes: Path, objects: Path, seeds: int, adapter_seeds: int, cache: Path | None
) -> Results:
    """Measure the heads and the simplest methods on the same few clouds of each class."""
    checkpoint = load_checkpoint(PRETRAINED)
    spec = checkpoint.spec
    sources = sources_of(modelnet10, meshes)
    assert checkpoint.labels is not None
    named = from_objects(objects, spec, checkpoint.labels)
    makers: list[Callable[[], Task]] = [
        *(lambda source=source: from_files(source, spec) for source in sources),
        lambda: named,
        lambda: named.only(HOUSEHOLD, "household things"),
        lambda: one_sided(named, spec),
    ]
    tasks = {}
    for make in makers:
        task = make()
        tasks[task.name] = {
            "classes": len(task.names),
            "judged": int(task.judges.sum()),
            "rows": measure(task, checkpoint, cache, seeds, adapter_seeds),
        }
    return {"seeds": seeds, "adapter_seeds": adapter_seeds, "tasks": tasks}


if __name__ == "__main__":
    main()
